// SPDX-License-Identifier: Apache-2.0
// Short notes at the edge of the page: that something was done, or was not. One that says what failed stays until it is
// put away; the others go by themselves.
import { makeStore, useStore } from './store';
import { Icon } from './ui';

interface Note {
  id: number;
  text: string;
  bad: boolean;
  action?: { label: string; run(): void };
}

const LONG_MS = 5000;
const notes = makeStore<readonly Note[]>([]);
let last = 0;

const drop = (id: number) => notes.set(notes.get().filter((note) => note.id !== id));

export function toast(text: string, { bad = false, action }: { bad?: boolean; action?: Note['action'] } = {}): void {
  const id = ++last;
  notes.set([...notes.get().slice(-3), { id, text, bad, ...(action ? { action } : {}) }]);
  if (!bad) {
    setTimeout(() => drop(id), LONG_MS);
  }
}

export function Toasts() {
  return (
    <div class="toasts" role="status" aria-live="polite">
      {useStore(notes).map(({ id, text, bad, action }) => (
        <div key={id} class={`toast ${bad ? 'bad' : ''}`}>
          <span>{text}</span>
          {action && (
            <button class="link" onClick={() => (drop(id), action.run())}>
              {action.label}
            </button>
          )}
          <button class="icon" aria-label="Put away" onClick={() => drop(id)}>
            <Icon name="cross" />
          </button>
        </div>
      ))}
    </div>
  );
}
