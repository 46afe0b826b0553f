// SPDX-License-Identifier: Apache-2.0
// The address is the state: which page, of what, with which filters. Whoever reads it is drawn again when it changes, by a
// link, by code or by the browser's own buttons. Knows no page.
import { useCallback } from 'preact/hooks';
import { makeStore, useStore } from './store';

export interface Route {
  path: string;
  query: URLSearchParams;
}

const here = (): Route => ({ path: location.pathname, query: new URLSearchParams(location.search) });
const route = makeStore(here());
addEventListener('popstate', () => route.set(here()));

// Goes to an address of the dashboard; `replace`: without a step back to where one was.
export function go(to: string, replace = false): void {
  if (to !== location.pathname + location.search) {
    history[replace ? 'replaceState' : 'pushState'](null, '', to);
    route.set(here());
    if (!replace) {
      scrollTo(0, 0);
    }
  }
}

export const useRoute = () => useStore(route);
export const currentRoute = () => route.get();

// The values of a pattern's {parts}, or null when the path is another.
export function match(pattern: string, path: string): Record<string, string> | null {
  const wanted = pattern.split('/').filter(Boolean);
  const given = path.split('/').filter(Boolean);
  const found: Record<string, string> = {};
  if (wanted.length !== given.length) {
    return null;
  }
  for (const [i, part] of wanted.entries()) {
    const value = decode(given[i]!);
    if (part.startsWith('{')) {
      found[part.slice(1, -1)] = value;
    } else if (part !== value) {
      return null;
    }
  }
  return found;
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

export type Changes = Record<string, string | readonly string[] | null | undefined>;

// An address with some parameters of the query changed; null and nothing take one away.
export function withQuery(base: Route, changes: Changes): string {
  const query = new URLSearchParams(base.query);
  for (const [name, value] of Object.entries(changes)) {
    query.delete(name);
    for (const one of Array.isArray(value) ? value : [value]) {
      if (one !== null && one !== undefined && one !== '') {
        query.append(name, one);
      }
    }
  }
  const text = query.toString();
  return text ? `${base.path}?${text}` : base.path;
}

// The query, and what changes it (`replace` as in go).
export function useQuery(): [URLSearchParams, (changes: Changes, replace?: boolean) => void] {
  const { query } = useRoute();
  const change = useCallback((changes: Changes, replace = false) => go(withQuery(here(), changes), replace), []);
  return [query, change];
}

// For the onClick of links: a plain click stays in this document, everything else is the browser's.
export function followHere(event: MouseEvent): void {
  const link = event.currentTarget as HTMLAnchorElement;
  const plain = event.button === 0 && !event.metaKey && !event.ctrlKey && !event.shiftKey && !event.altKey;
  if (plain && link.origin === location.origin && !link.target) {
    event.preventDefault();
    go(link.pathname + link.search);
  }
}
