// SPDX-License-Identifier: Apache-2.0
// What ids are called. A name is asked for when it is first shown; those that are asked for at once are one draw, and what
// has no name, or is gone, is shown by its id.
import { useEffect, useState } from 'preact/hooks';
import { api } from './api';
import { shortId } from './format';
import { makeStore, useStore } from './store';

const PATHS = { agent: '/v1/agents/', project: '/v1/projects/', provider: '/v1/providers/', conversation: '/v1/conversations/', user: '/v1/users/' };
export type Named = keyof typeof PATHS;
interface Row {
  id: string;
  name?: string | null;
  summary?: string | null;
}

const names = new Map<string, string | null>(); // null: asked, and not there (yet)
const turn = makeStore(0);
const lists = new Map<Named, Promise<void>>();
let soon = 0;

function found(id: string, name: string | null | undefined): void {
  names.set(id, name ?? null);
  soon ||= requestAnimationFrame(() => {
    soon = 0;
    turn.set(turn.get() + 1);
  });
}

// The first thousand by one request, whoever asks first; the rest one by one.
async function load(kind: Named, id: string): Promise<void> {
  names.set(id, null);
  if (kind !== 'user' && !lists.has(kind)) {
    const all = api<Row[]>(PATHS[kind], { query: { limit: 1000 } });
    lists.set(kind, all.then((rows) => rows.forEach((row) => found(row.id, row.name ?? row.summary))).catch(() => undefined));
  }
  await lists.get(kind);
  if (names.get(id) === null) {
    await api<Row>(PATHS[kind] + encodeURIComponent(id)).then(
      (row) => found(id, row.name ?? row.summary),
      () => undefined,
    );
  }
}

// Some senders give a project's name where its id belongs; of that nothing can be asked.
const isId = (text: string): boolean => /^[a-z]+-[0-9a-f]{8}-[0-9a-f-]{27}$/.test(text);

export function nameOf(kind: Named, id: string): string {
  if (!names.has(id) && isId(id)) {
    void load(kind, id);
  }
  return names.get(id) ?? shortId(id);
}

// Draws the component when names have come.
export const useNames = () => useStore(turn);

// Forgets what is known of an id, because it was renamed.
export function renamed(id: string, name: string | null): void {
  found(id, name);
}

// Whether the window is too narrow for a table.
export function useNarrow(most = 760): boolean {
  const [query] = useState(() => matchMedia(`(max-width: ${most}px)`));
  const [narrow, setNarrow] = useState(query.matches);
  useEffect(() => {
    const look = () => setNarrow(query.matches);
    query.addEventListener('change', look);
    return () => query.removeEventListener('change', look);
  }, [query]);
  return narrow;
}
