// SPDX-License-Identifier: Apache-2.0
// Asks the server, on its own origin and nowhere else. What goes wrong becomes an ApiError with a sentence for people,
// made from V1's error bodies ({detail: text} or {detail: [{loc, msg}, ...]}). Knows no page.
import { useCallback, useEffect, useRef, useState } from 'preact/hooks';
import { makeStore } from './store';

// Raised by one whenever a request is answered 401: somebody has to sign in.
export const signedOut = makeStore(0);

export class ApiError extends Error {
  status: number; // 0: the server was not reached
  fields: Record<string, string>; // what is wrong, by the name of the field or parameter
  waitMs: number; // when to come again; 0: the server does not say

  constructor(message: string, status: number, fields: Record<string, string> = {}, waitMs = 0) {
    super(message);
    this.name = 'ApiError';
    this.status = status;
    this.fields = fields;
    this.waitMs = waitMs;
  }

  // Whether the same request may go well later.
  get again(): boolean {
    return this.status === 0 || this.status === 429 || this.status >= 500;
  }
}

export interface Answer<T> {
  body: T;
  headers: Headers;
}

export interface Ask {
  method?: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  body?: unknown;
  query?: Query;
  signal?: AbortSignal;
}

export type Query = Record<string, string | number | boolean | readonly string[] | null | undefined>;

// {a: 1, b: ['x', 'y'], c: undefined} as "a=1&b=x&b=y"
export function queryText(query: Query): string {
  const out = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    for (const one of Array.isArray(value) ? value : [value]) {
      if (one !== undefined && one !== null && one !== '') {
        out.append(name, String(one));
      }
    }
  }
  return out.toString();
}

interface Problem {
  loc?: (string | number)[];
  msg?: string;
}

function sentenceOf(problem: Problem): string {
  const where = (problem.loc ?? []).slice(1).join('.');
  return where ? `${where}: ${problem.msg}` : (problem.msg ?? '');
}

async function failure(response: Response): Promise<ApiError> {
  const body = await response.json().catch(() => null);
  const detail: string | Problem[] | undefined = body?.detail;
  const waitMs = Number(response.headers.get('retry-after-ms') ?? 0) || 1000 * Number(response.headers.get('retry-after') ?? 0);
  if (Array.isArray(detail)) {
    const fields = Object.fromEntries(detail.map((one) => [(one.loc ?? []).slice(1).join('.'), one.msg ?? '']));
    return new ApiError(detail.map(sentenceOf).join('; '), response.status, fields, waitMs);
  }
  return new ApiError(detail ?? `The server answered ${response.status}.`, response.status, {}, waitMs);
}

export const address = (path: string, query?: Query) => {
  const text = query ? queryText(query) : '';
  return text ? `${path}${path.includes('?') ? '&' : '?'}${text}` : path;
};

// Pages of other origins cannot set a header of this name without being asked about, so that a request which has it
// comes from here.
export const OWN_HEADER = { 'Stepwell-Dashboard': '1' };

export async function ask<T>(path: string, { method = 'GET', body, query, signal }: Ask = {}): Promise<Answer<T>> {
  let response: Response;
  try {
    response = await fetch(address(path, query), {
      method,
      headers: { ...(body === undefined ? {} : { 'Content-Type': 'application/json' }), ...OWN_HEADER },
      body: body === undefined ? undefined : JSON.stringify(body),
      signal: signal ?? null,
      credentials: 'same-origin',
      redirect: 'error',
    });
  } catch (error) {
    if (signal?.aborted) {
      throw error;
    }
    throw new ApiError('The server cannot be reached.', 0);
  }
  if (!response.ok) {
    if (response.status === 401) {
      signedOut.set(signedOut.get() + 1);
    }
    throw await failure(response);
  }
  return { body: (await response.json()) as T, headers: response.headers };
}

export const api = async <T>(path: string, options?: Ask): Promise<T> => (await ask<T>(path, options)).body;

// A page of a list. `resume`: where the server stopped looking before the page was full; the list goes on behind it.
export interface Page<T> {
  rows: T[];
  resume: string | null;
}

export async function list<T>(path: string, options?: Ask): Promise<Page<T>> {
  const { body, headers } = await ask<T[]>(path, options);
  return { rows: body, resume: headers.get('stepwell-complete') === 'false' ? headers.get('stepwell-resume') : null };
}

export interface Asked<T> {
  data: T | undefined; // what was answered last, also while something newer is asked for
  error: ApiError | undefined;
  loading: boolean;
  reload(): void;
}

// Asks for what is at `path`, and may show a part of it while the whole is still to come.
export type Asking<T> = (path: string, signal: AbortSignal, show: (part: T) => void) => Promise<T>;
const askOnce = <T>(path: string, signal: AbortSignal) => api<T>(path, { signal });

// What the server answers to GET `path` (null: nothing is asked), asked again when it is another. Pages show `error`
// with a way to `reload`. `ask` stays the same from one drawing to the next.
export function useApi<T>(path: string | null, ask: Asking<T> = askOnce): Asked<T> {
  const [state, setState] = useState<{ data?: T; error?: ApiError; loading: boolean }>({ loading: path !== null });
  const [turn, setTurn] = useState(0);
  useEffect(() => {
    const stop = new AbortController();
    if (path === null) {
      setState({ loading: false });
      return undefined;
    }
    setState((old) => ({ ...old, loading: true }));
    const show = (data: T) => !stop.signal.aborted && setState({ data, loading: true });
    ask(path, stop.signal, show).then(
      (data) => !stop.signal.aborted && setState({ data, loading: false }),
      (error) => !stop.signal.aborted && setState((old) => ({ ...old, error: asError(error), loading: false })),
    );
    return () => stop.abort();
  }, [path, turn, ask]);
  const reload = useCallback(() => setTurn((n) => n + 1), []);
  return { data: state.data, error: state.error, loading: state.loading, reload };
}

export const asError = (error: unknown): ApiError =>
  error instanceof ApiError ? error : new ApiError(error instanceof Error ? error.message : String(error), 0);

// The newest version of a function that changes with each drawing, for listeners that stay.
export function useLatest<F extends (...words: never[]) => unknown>(f: F): F {
  const at = useRef(f);
  at.current = f;
  return useCallback(((...words) => at.current(...words)) as F, []);
}
