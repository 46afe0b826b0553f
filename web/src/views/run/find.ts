// SPDX-License-Identifier: Apache-2.0
// Finds a text within a run: previews and errors at once, by the server's own search; what messages say by reading them page
// after page, as far as it takes.
import type { Step } from 'facts';
import { useEffect, useMemo, useState } from 'preact/hooks';
import { api, asError, list, type ApiError } from '../../api';
import { linesOf, type Said } from '../../content/talk';
import type { RunData } from './data';

const PAGE = 500;
const MOST_HITS = 5000;
const PAUSE_MS = 250;

export interface Found {
  hits: ReadonlySet<string>;
  places: number[]; // of the hits, in the order of the run
  looked: number; // messages
  done: boolean;
  error: ApiError | undefined;
}

const NOTHING: Found = { hits: new Set(), places: [], looked: 0, done: true, error: undefined };

export function useFind(data: RunData, text: string): Found {
  const wanted = text.trim().toLowerCase();
  const [found, setFound] = useState<{ hits: Set<string>; looked: number; done: boolean; error?: ApiError }>({ hits: new Set(), looked: 0, done: true });
  useEffect(() => {
    if (wanted === '') {
      return undefined;
    }
    const stop = new AbortController();
    const hits = new Set<string>();
    let looked = 0;
    const tell = (done: boolean, error?: ApiError) => stop.signal.aborted || setFound({ hits: new Set(hits), looked, done, ...(error ? { error } : {}) });
    const previews = async () => {
      let after: string | null = null;
      do {
        const page: { rows: Step[]; resume: string | null } = await list<Step>('/v1/steps/', { query: { run_id: data.id, text: wanted, order: 'asc', limit: PAGE, after }, signal: stop.signal });
        page.rows.forEach((step) => hits.add(step.id));
        after = page.resume ?? (page.rows.length === PAGE ? page.rows.at(-1)!.id : null);
        tell(false);
      } while (after && hits.size < MOST_HITS);
    };
    const messages = async () => {
      let after: string | undefined;
      for (let more = true; more && hits.size < MOST_HITS; ) {
        const page: Said[] = await api<Said[]>('/v1/stored-messages/', { query: { run_id: data.id, order: 'asc', limit: PAGE, after }, signal: stop.signal });
        page.forEach((said) => said.step_id && linesOf(said).toLowerCase().includes(wanted) && hits.add(said.step_id));
        looked += page.length;
        after = page.at(-1)?.id;
        more = page.length > 0;
        tell(false);
      }
    };
    tell(false);
    const timer = setTimeout(() => {
      previews()
        .then(messages)
        .then(
          () => tell(true),
          (error) => tell(true, asError(error)),
        );
    }, PAUSE_MS);
    return () => {
      clearTimeout(timer);
      stop.abort();
    };
  }, [wanted, data]);
  const places = useMemo(() => [...found.hits].flatMap((id) => data.index.get(id) ?? []).sort((a, b) => a - b), [found.hits, data.version]);
  return wanted === '' ? NOTHING : { hits: found.hits, places, looked: found.looked, done: found.done, error: found.error };
}
