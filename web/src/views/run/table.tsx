// SPDX-License-Identifier: Apache-2.0
// The steps of a run as a table, in their order; the records behind the rows come where they are looked at.
import * as format from '../../format';
import { Link, Money, Status } from '../../ui';
import { VirtualList } from '../../virtual';
import { Gist } from '../steps/columns';
import { stepInRun, type Blocks, type RunData } from './data';
import type { Shown } from './waterfall';

const ROW_PX = 30;

export function RunTable({ data, blocks, active, selected, hits, onSelect }: Shown & { data: RunData; blocks: Blocks; active: number }) {
  const row = (i: number) => {
    const { step, at, whole, model, tool } = data.rows[i]!;
    const record = blocks.get(i);
    const share = (ms: number) => `${Math.min(100, (100 * ms) / Math.max(whole, 1e-6))}%`;
    const told = `${format.duration(whole * 1e6)}: model ${format.duration(model * 1e6)}, tools ${format.duration(tool * 1e6)}`;
    return (
      <div
        key={i}
        id={`t-${step.id}`}
        class={`rt-row ${step.id === selected ? 'active' : ''} ${hits.has(step.id) ? 'hit' : ''}`}
        role="row"
        aria-rowindex={i + 2}
        aria-selected={step.id === selected}
        onClick={() => onSelect(step.id, data)}
      >
        <div class="num faint right" role="gridcell">
          {i + 1}
        </div>
        <div role="gridcell" class="num" title={format.time(step.created_at)}>
          <Link to={stepInRun(step.id, data.id)} tabIndex={-1}>
            +{format.duration(Math.max(0, at - data.from) * 1e6)}
          </Link>
        </div>
        <div role="gridcell">
          <Status word={step.status} bare />
        </div>
        <div role="gridcell" class="c-model">
          <bdi>{format.line(step.model, 60) || format.NOTHING}</bdi>
        </div>
        <div role="gridcell" class="c-text">
          {record ? <Gist step={record} /> : <span class="faint">…</span>}
        </div>
        <div role="gridcell" class="right num">
          {format.short(step.total_tokens || null)}
        </div>
        <div role="gridcell" class="right">
          <Money nano={step.cost_nano_usd ?? null} />
        </div>
        <div role="gridcell" class="took" title={told}>
          <span class="num">{format.duration(step.step_ns)}</span>
          <span class="bar" aria-hidden="true">
            <span class="model" style={{ width: share(model) }} />
            <span class="tool" style={{ width: share(tool) }} />
          </span>
        </div>
      </div>
    );
  };
  return (
    <VirtualList
      class="run-table"
      label="Steps of the run"
      count={data.rows.length}
      total={data.rows.length}
      rowHeight={ROW_PX}
      row={row}
      active={active}
      activeId={selected ? `t-${selected}` : undefined}
      head={
        <div class="rt-row rt-head" role="row" aria-rowindex={1}>
          {['#', 'Begun', '', 'Model', 'Output or error', 'Tokens', 'Cost', 'Duration'].map((title, i) => (
            <div key={title} role="columnheader" class={i === 0 || i >= 5 ? 'right' : ''} aria-label={title || 'Status'}>
              {title}
            </div>
          ))}
        </div>
      }
    />
  );
}
