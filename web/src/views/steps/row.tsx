// SPDX-License-Identifier: Apache-2.0
// A row of the list of steps: cells where there is room for a table, two lines where there is none. Drawn again only when
// what it shows is another.
import type { Step, StepMetrics } from 'facts';
import { Component } from 'preact';
import * as format from '../../format';
import { go } from '../../route';
import { Link, Money, Status, Time } from '../../ui';
import { Gist, Took, type Column } from './columns';
import { stepAddress } from './state';

export interface RowProps {
  index: number;
  step: Step | undefined;
  metrics: StepMetrics | null | undefined;
  columns: Column[];
  active: boolean;
  narrow: boolean;
  names: number; // changes when names have come
  onActive(index: number): void;
}

export const rowId = (index: number) => `step-row-${index}`;

function open(event: MouseEvent, step: Step): void {
  const inside = (event.target as Element).closest('a, button');
  if (inside || getSelection()?.toString()) {
    return;
  }
  if (event.ctrlKey || event.metaKey) {
    window.open(stepAddress(step.id), '_blank', 'noopener');
  } else {
    go(stepAddress(step.id));
  }
}

const Narrow = ({ step, metrics }: { step: Step; metrics: StepMetrics | null | undefined }) => (
  <div class="two-lines" role="gridcell">
    <div>
      <Status word={step.status} bare />
      <Link to={stepAddress(step.id)} tabIndex={-1}>
        <Time at={step.created_at} />
      </Link>
      <bdi class="model-name">{format.line(step.model, 60)}</bdi>
      <Money nano={step.cost_nano_usd} />
      <Took metrics={metrics} />
    </div>
    <div class="soft">
      <Gist step={step} />
    </div>
  </div>
);

// What can be read of a row while the list moves faster than rows are drawn.
export const RowGist = ({ index, step }: { index: number; step: Step | undefined }) => (
  <div class="row gist" role="row" aria-rowindex={index + 2}>
    <bdi class="faint" role="gridcell">
      {step ? `${format.timeShort(step.created_at)}  ${format.line(step.model, 60)}  ${format.line(step.output_preview ?? step.input_preview, 80)}` : '…'}
    </bdi>
  </div>
);

export class Row extends Component<RowProps> {
  override shouldComponentUpdate(next: RowProps): boolean {
    return (Object.keys(next) as (keyof RowProps)[]).some((name) => next[name] !== this.props[name]);
  }

  override render({ index, step, metrics, columns, active, narrow, onActive }: RowProps) {
    return (
      <div
        id={rowId(index)}
        class={`row ${active ? 'active' : ''} ${step?.status === 'failed' ? 'is-failed' : ''}`}
        role="row"
        aria-rowindex={index + 2}
        aria-selected={active}
        onPointerDown={() => onActive(index)}
        onClick={step ? (event) => open(event, step) : undefined}
      >
        {step === undefined ? (
          <div class="cell faint" role="gridcell">
            …
          </div>
        ) : narrow ? (
          <Narrow step={step} metrics={metrics} />
        ) : (
          columns.map((column) => (
            <div key={column.name} class={`cell c-${column.name} ${column.right ? 'right' : ''} ${column.fits ? '' : 'cut'}`} role="gridcell">
              {column.cell(step, metrics)}
            </div>
          ))
        )}
      </div>
    );
  }
}
