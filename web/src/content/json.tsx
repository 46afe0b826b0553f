// SPDX-License-Identifier: Apache-2.0
// JSON that can be folded. Only what is open is drawn, and of long lists the beginning, so that megabytes do no harm.
import type { Json } from 'facts';
import { useState } from 'preact/hooks';
import * as format from '../format';
import { CopyButton, Icon } from '../ui';
import { isDict } from './talk';
import { LongText } from './text';

const AT_FIRST = 50;
const A_TIME = 500;
const OPEN_UP_TO = 12; // members that an inner value may have to begin open

const entriesOf = (value: Json): [string, Json][] => (Array.isArray(value) ? value.map((one, i) => [String(i), one]) : isDict(value) ? Object.entries(value) : []);
const isOpenable = (value: Json) => typeof value === 'object' && value !== null && entriesOf(value).length > 0;

function brief(value: Json): string {
  const [open, close] = Array.isArray(value) ? '[]' : '{}';
  const n = entriesOf(value).length;
  return n === 0 ? `${open}${close}` : `${open} ${Array.isArray(value) ? format.plural(n, 'item') : format.line(Object.keys(value as object).slice(0, 6).join(', '), 80)}${n > 6 && !Array.isArray(value) ? ', …' : ''} ${close}`;
}

function Leaf({ value }: { value: Json }) {
  if (typeof value === 'string') {
    return (
      <span class="j-text">
        <LongText text={value} first={600} mono />
      </span>
    );
  }
  return <span class={value === null ? 'j-null' : 'j-number'}>{isOpenable(value) ? '' : typeof value === 'object' && value !== null ? brief(value) : String(value)}</span>;
}

function Node({ name, value, depth, open: begin }: { name: string | null; value: Json; depth: number; open: boolean }) {
  const [open, setOpen] = useState(begin);
  const [most, setMost] = useState(AT_FIRST);
  const label = name !== null && <span class="j-name">{format.line(name, 200)}</span>;
  if (!isOpenable(value)) {
    return (
      <div class="j-row">
        {label}
        <Leaf value={value} />
      </div>
    );
  }
  const entries = open ? entriesOf(value) : [];
  return (
    <div class="j-node">
      <button class="j-fold" aria-expanded={open} onClick={() => setOpen(!open)}>
        <Icon name={open ? 'down' : 'right'} />
        {label}
        <span class="faint">{brief(value)}</span>
      </button>
      {open && (
        <div class="j-inside">
          {entries.slice(0, most).map(([key, one]) => (
            <Node key={key} name={key} value={one} depth={depth + 1} open={depth < 1 && entriesOf(one).length <= OPEN_UP_TO} />
          ))}
          {entries.length > most && (
            <button class="link" onClick={() => setMost(most + A_TIME)}>
              {format.count(entries.length - most)} more
            </button>
          )}
        </div>
      )}
    </div>
  );
}

export const JsonTree = ({ value, label, open = true }: { value: Json; label: string; open?: boolean }) => (
  <div class="json" role="group" aria-label={label}>
    <div class="json-copy">
      <CopyButton text={() => JSON.stringify(value, null, 2)} label={`Copy ${label}`} />
    </div>
    <Node name={null} value={value} depth={0} open={open} />
  </div>
);
