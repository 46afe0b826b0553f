// SPDX-License-Identifier: Apache-2.0
// The keyboard. A page says which keys do what while it is shown; keys that are typed into a field are the field's, except
// Escape and those with Control or Command. A key may be two in a row ("g s"). The help lists whatever is bound now.
import { useEffect } from 'preact/hooks';
import { useLatest } from './api';
import { makeStore } from './store';

export interface Binding {
  keys: string; // as KeyboardEvent.key has it; "Mod+k" with Control or Command; "g s" one after the other
  doc: string;
  run(event: KeyboardEvent): void;
  hidden?: boolean; // not in the help
}

export interface Group {
  title: string;
  bindings: Binding[];
}

export const groups = makeStore<readonly Group[]>([]);
const NEXT_MS = 1200;
let first = '';
let timer = 0;

function isField(target: EventTarget | null): boolean {
  const at = target instanceof HTMLElement ? target : null;
  return Boolean(at && (at.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(at.tagName)));
}

const named = (event: KeyboardEvent) => (event.ctrlKey || event.metaKey ? `Mod+${event.key.toLowerCase()}` : event.key);

// Bound last wins: a dialog before the page under it.
function find(keys: string): Binding | undefined {
  for (const group of [...groups.get()].reverse()) {
    const found = group.bindings.find((binding) => binding.keys === keys);
    if (found) {
      return found;
    }
  }
  return undefined;
}

const begins = (key: string) => groups.get().some((group) => group.bindings.some((binding) => binding.keys.startsWith(`${key} `)));

function onKey(event: KeyboardEvent): void {
  const key = named(event);
  const typed = isField(event.target) && !key.startsWith('Mod+') && key !== 'Escape';
  if (event.defaultPrevented || event.isComposing || event.altKey || typed) {
    return;
  }
  const before = first;
  first = '';
  clearTimeout(timer);
  const found = (before && find(`${before} ${key}`)) || find(key);
  if (found) {
    event.preventDefault();
    found.run(event);
  } else if (begins(key)) {
    first = key;
    timer = window.setTimeout(() => (first = ''), NEXT_MS);
  }
}

export const startKeys = () => addEventListener('keydown', onKey);

// Binds keys while the component is there and `active`.
export function useKeys(title: string, bindings: Binding[], active = true): void {
  const run = useLatest((keys: string, event: KeyboardEvent) => bindings.find((one) => one.keys === keys)?.run(event));
  const shape = bindings.map((one) => `${one.keys}\n${one.doc}\n${one.hidden ?? ''}`).join('\n\n');
  useEffect(() => {
    if (!active) {
      return undefined;
    }
    const group: Group = { title, bindings: bindings.map((one) => ({ ...one, run: (event) => run(one.keys, event) })) };
    groups.set([...groups.get(), group]);
    return () => groups.set(groups.get().filter((one) => one !== group));
  }, [shape, active, title]);
}
