// SPDX-License-Identifier: Apache-2.0
// The command palette: where to go and what to do, by a few letters. Pages add their own commands while they are shown;
// an id that is typed or pasted leads to what it names, any other text to the steps that have it.
import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
import { find, pages } from './pages';
import { go } from './route';
import { makeStore, useStore } from './store';
import { Dialog } from './ui';

export interface Command {
  title: string;
  hint?: string;
  run(): void;
}

const added = makeStore<readonly Command[][]>([]);

// Commands that are there while the component is.
export function useCommands(commands: Command[]): void {
  const latest = useRef(commands);
  latest.current = commands;
  const titles = commands.map((one) => one.title).join('\n');
  useEffect(() => {
    const mine = latest.current.map((one, i) => ({ ...one, run: () => latest.current[i]?.run() }));
    added.set([...added.get(), mine]);
    return () => added.set(added.get().filter((one) => one !== mine));
  }, [titles]);
}

// How well the letters of `text` are found in order in the title; 0: not at all.
export function fit(title: string, text: string): number {
  const where = title.toLowerCase();
  const whole = where.indexOf(text);
  if (whole >= 0) {
    return 1000 - whole;
  }
  let at = -1;
  let gaps = 0;
  for (const letter of text) {
    const next = where.indexOf(letter, at + 1);
    if (next < 0) {
      return 0;
    }
    gaps += next - at - 1;
    at = next;
  }
  return Math.max(1, 500 - gaps);
}

// Ids say what they are: step-…, run-…; those whose page there is can be gone to.
function byText(text: string): Command[] {
  const id = /^([a-z_]+)-[0-9a-f]{8}-[0-9a-f-]{27}$/i.exec(text);
  const path = id ? `/${id[1]!.replace(/^conv$/, 'conversation')}s/${text}` : '';
  const there = id && find(path) ? [{ title: `Open ${text}`, run: () => go(path) }] : [];
  return text ? [...there, { title: `Search steps for “${text}”`, run: () => go(`/steps?text=${encodeURIComponent(text)}`) }] : [];
}

export function Palette({ onClose }: { onClose(): void }) {
  const [text, setText] = useState('');
  const [at, setAt] = useState(0);
  const more = useStore(added);
  const wanted = text.trim().toLowerCase();
  const found = useMemo(() => {
    const pagesToo: Command[] = pages.filter((page) => page.key).map((page) => ({ title: page.title, hint: `g ${page.key}`, run: () => go(page.path) }));
    const all = [...pagesToo, ...more.flat()].map((command) => ({ command, fits: wanted ? fit(command.title, wanted) : 1 }));
    const fitting = all.filter((one) => one.fits > 0).sort((a, b) => b.fits - a.fits);
    return [...fitting.map((one) => one.command), ...byText(text.trim())].slice(0, 12);
  }, [wanted, more]);
  const chosen = Math.min(at, found.length - 1);

  const take = (command: Command | undefined) => {
    onClose();
    command?.run();
  };
  const onKey = (event: KeyboardEvent) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step) {
      event.preventDefault();
      setAt((chosen + step + found.length) % Math.max(1, found.length));
    } else if (event.key === 'Enter') {
      event.preventDefault();
      take(found[chosen]);
    }
  };
  return (
    <Dialog title="Command palette" onClose={onClose} bare>
      <div class="palette">
        <input
          autoFocus
          type="text"
          role="combobox"
          aria-label="What to do, an id, or text to search for"
          aria-expanded="true"
          aria-controls="palette-list"
          aria-activedescendant={chosen >= 0 ? `palette-${chosen}` : undefined}
          placeholder="Go to, do, or find…"
          value={text}
          onInput={(event) => (setText(event.currentTarget.value), setAt(0))}
          onKeyDown={onKey}
        />
        <ul id="palette-list" role="listbox" aria-label="Commands">
          {found.map((command, i) => (
            <li key={command.title} id={`palette-${i}`} role="option" aria-selected={i === chosen} onPointerMove={() => setAt(i)} onClick={() => take(command)}>
              <bdi>{command.title}</bdi>
              {command.hint && <kbd>{command.hint}</kbd>}
            </li>
          ))}
          {found.length === 0 && (
            <li role="option" aria-selected="false" aria-disabled="true" class="faint">
              Nothing of that name
            </li>
          )}
        </ul>
      </div>
    </Dialog>
  );
}
