// SPDX-License-Identifier: Apache-2.0
// A run over time: a line a step, its model and its tools to scale, the runs it started under it. The scale is that of the
// whole run, or of what is in sight, because among a hundred thousand steps each is narrower than a pixel.
import { useState } from 'preact/hooks';
import * as format from '../../format';
import { nameOf } from '../../names';
import { go } from '../../route';
import { Icon, Link, Status } from '../../ui';
import { VirtualList } from '../../virtual';
import { stepInRun, type Item, type RunData } from './data';

const ROW_PX = 26;
const FEW = 60; // so many fit into one picture
const TICKS = [0, 0.25, 0.5, 0.75, 1];

export interface Shown {
  selected: string | null;
  hits: ReadonlySet<string>;
  onSelect(id: string, data: RunData): void;
}

interface Scale {
  from: number;
  ms: number;
}

function scaleOf(items: Item[], first: number, last: number, data: RunData): Scale {
  let from = Infinity;
  let to = -Infinity;
  for (let i = first; i < Math.min(last, items.length); i++) {
    const row = items[i]!.row;
    if (row) {
      from = Math.min(from, row.at);
      to = Math.max(to, row.at + row.whole);
    }
  }
  return from < to ? { from, ms: to - from } : { from: Number.isFinite(data.from) ? data.from : 0, ms: Math.max(1, data.to - data.from) };
}

function Bar({ item, scale }: { item: Item & { row: object }; scale: Scale }) {
  const row = item.row!;
  const at = (ms: number) => `${(100 * ms) / scale.ms}%`;
  const told = `${format.duration(row.whole * 1e6)}: model ${format.duration(row.model * 1e6)}, tools ${format.duration(row.tool * 1e6)}`;
  return (
    <span class={`w-bar ${row.step.status}`} style={{ left: at(row.at - scale.from), width: at(row.whole) }} title={told}>
      {row.model > 0 && <span class="t-model" style={{ left: `${(100 * row.wait) / Math.max(row.whole, 1e-6)}%`, width: `${(100 * row.model) / Math.max(row.whole, 1e-6)}%` }} />}
      {row.tool > 0 && <span class="t-tool" style={{ left: `${(100 * (row.wait + row.model)) / Math.max(row.whole, 1e-6)}%`, width: `${(100 * row.tool) / Math.max(row.whole, 1e-6)}%` }} />}
    </span>
  );
}

export const rowDom = (id: string) => `w-${id}`;

export function Waterfall({ data, items, active, selected, hits, onSelect }: Shown & { data: RunData; items: Item[]; active: number }) {
  const [whole, setWhole] = useState<boolean | null>(null);
  const [sight, setSight] = useState<[number, number]>([0, FEW]);
  const all = whole ?? items.length <= FEW;
  const scale = all ? { from: Number.isFinite(data.from) ? data.from : 0, ms: Math.max(1, data.to - data.from) } : scaleOf(items, sight[0], sight[1], data);
  const row = (i: number) => {
    const item = items[i]!;
    const indent = { '--depth': String(item.depth) };
    if (item.kid) {
      const { kid } = item;
      return (
        <div key={i} class="w-row w-kid" role="row" aria-rowindex={i + 2}>
          <div class="w-label" role="gridcell" style={indent}>
            <button class="j-fold" aria-expanded={kid.open} onClick={() => item.data.open(kid, !kid.open)}>
              <Icon name={kid.open ? 'down' : 'right'} />
              <Status word={kid.run.status} bare />
              <bdi>{format.line(nameOf('agent', kid.run.agent_id), 60)}</bdi>
              <span class="faint">{kid.metrics ? format.plural(kid.metrics.num_steps ?? 0, 'step') : ''}</span>
            </button>
          </div>
          <div class="w-time" role="gridcell">
            <Link to={`/runs/${kid.run.id}`} class="small">
              {format.shortId(kid.run.id)}
            </Link>
          </div>
        </div>
      );
    }
    const { step } = item.row;
    return (
      <div
        key={i}
        id={rowDom(step.id)}
        class={`w-row ${step.id === selected ? 'active' : ''} ${hits.has(step.id) ? 'hit' : ''}`}
        role="row"
        aria-rowindex={i + 2}
        aria-selected={step.id === selected}
        onClick={() => onSelect(step.id, item.data)}
        onDblClick={() => go(stepInRun(step.id, item.data.id))}
      >
        <div class="w-label" role="gridcell" style={indent}>
          <Status word={step.status} bare />
          <span class="num faint">{item.i + 1}</span>
          <bdi>{format.line(step.error_type ?? step.model, 60) || 'step'}</bdi>
          <span class="num faint">{format.duration(step.step_ns)}</span>
        </div>
        <div class="w-time" role="gridcell">
          <Bar item={item} scale={scale} />
        </div>
      </div>
    );
  };
  return (
    <VirtualList
      class="waterfall"
      label="Steps over time"
      count={items.length}
      total={items.length}
      rowHeight={ROW_PX}
      row={row}
      active={active}
      activeId={selected ? rowDom(selected) : undefined}
      onSight={(first, last) => setSight((old) => (old[0] === first && old[1] === last ? old : [first, last]))}
      head={
        <div class="w-row w-head" role="row" aria-rowindex={1}>
          <div class="w-label" role="columnheader">
            <button class="link small" aria-pressed={all} title="Scale: of the whole run, or of what is in sight" onClick={() => setWhole(!all)}>
              {all ? 'Whole run' : 'What is in sight'}
            </button>
          </div>
          <div class="w-time w-axis" role="columnheader" aria-label={all ? 'Time since the run began' : 'Time since the first that is in sight'}>
            {TICKS.map((part) => (
              <span key={part}>{all || part > 0 ? `+${format.duration(Math.round(part * scale.ms * 1e6))}` : format.timeShort(new Date(scale.from))}</span>
            ))}
          </div>
        </div>
      }
    />
  );
}
