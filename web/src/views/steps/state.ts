// SPDX-License-Identifier: Apache-2.0
// What the address of the page of steps says: filters, by the names and rules of the list's own parameters, and a time that
// moves along ("last"), the columns, the order.
import { stepFilterParams, type Param } from 'facts';
import { queryText, type Query } from '../../api';
import type { Changes } from '../../route';

export const LAST: [string, string, number][] = [
  ['15m', '15 minutes', 900],
  ['1h', 'hour', 3600],
  ['6h', '6 hours', 21600],
  ['24h', '24 hours', 86400],
  ['7d', '7 days', 604800],
  ['30d', '30 days', 2592000],
  ['90d', '90 days', 7776000],
];

const TIMES = new Set(['since', 'until', 'start_date', 'end_date']);
export const params = new Map<string, Param>(stepFilterParams.map((param) => [param.name, param]));
// Those that are shown as chips and in "add filter": times have a control of their own, the text is the search.
export const chosenParams = stepFilterParams.filter((param) => !TIMES.has(param.name) && param.name !== 'text');
// What sums cannot be narrowed by.
export const NOT_SUMMED = ['text', 'min_step_ns', 'max_step_ns'];

export type Filters = Record<string, string[]>;

export function filtersOf(query: URLSearchParams): Filters {
  const out: Filters = {};
  for (const param of stepFilterParams) {
    const values = query.getAll(param.name).filter(Boolean);
    if (values.length > 0) {
      out[param.name] = param.repeats ? values : values.slice(-1);
    }
  }
  return out;
}

export const hasFilters = (query: URLSearchParams) => Object.keys(filtersOf(query)).length > 0 || query.has('last');

// A step of the list, which the step's page goes along with j and k: the address keeps the list's own.
export const stepAddress = (id: string) => `/steps/${id}${location.search}`;

// All that takes the filters away.
export const noFilters = (): Changes => Object.fromEntries([...params.keys(), 'last'].map((name) => [name, null]));

export interface Range {
  from: number | null; // milliseconds since 1970; null: from the beginning
  to: number | null; // null: until now
}

// `last` counts from whole minutes, so that what is asked for stays the same for a while.
export function rangeOf(query: URLSearchParams, now: number): Range {
  const last = LAST.find(([word]) => word === query.get('last'));
  const time = (...names: string[]) => {
    const at = names.map((name) => Date.parse(query.get(name) ?? '')).find((one) => !Number.isNaN(one));
    return at ?? null;
  };
  return last ? { from: Math.floor(now / 60000) * 60000 - last[2] * 1000, to: null } : { from: time('since', 'start_date'), to: time('until', 'end_date') };
}

// The query that the list, the count, the facets, the sums and the stream take.
export function apiQuery(query: URLSearchParams, now: number, without?: string): string {
  const filters: Query = { ...filtersOf(query) };
  if (query.has('last')) {
    filters.since = new Date(rangeOf(query, now).from ?? 0).toISOString();
    delete filters.until;
  }
  if (without) {
    delete filters[without];
  }
  return queryText(filters);
}

// provider_name as "Provider", stop_reason as "Stop reason"
export function titleOf(name: string): string {
  const words = name.replace(/_(id|name|nano_usd|ns)$/, '').replaceAll('_', ' ');
  return words.charAt(0).toUpperCase() + words.slice(1);
}
