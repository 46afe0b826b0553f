// SPDX-License-Identifier: Apache-2.0
// Sums of steps as pages ask for them: what can be summed by, over which time, and what the sums of several groups are.
// Days and hours are those of UTC, because the server keeps sums of these and has any number of steps summed at once.
import type { Totals } from 'facts';
import { api, queryText, useApi, type Asked } from './api';
import type { Named } from './names';

export interface Latency {
  count: number;
  p50_ns: number | null;
  p95_ns: number | null;
  p99_ns: number | null;
}

// A group has the words it was summed by beside its sums: {model: "gpt-5", day: "2026-11-22", num_steps: 7, ...}
export type Group = Totals & { step_time?: Latency; model_time?: Latency; tool_time?: Latency } & Partial<Record<string, unknown>>;

export interface Report {
  by: string[];
  groups: Group[];
  total: Totals;
  complete: boolean;
}

export const keyOf = (group: Group, by: string): string | null => (group[by] as string | null | undefined) ?? null;

// ---- what can be summed by -----------------------------------------------------------------------------------------

export interface Dimension {
  by: string; // as the server names it
  title: string;
  filter: string; // the parameter of steps that narrows to one of it
  named?: Named; // its values are ids of records with names
  none: string; // what is said of steps that have none
}

export const DIMENSIONS: readonly Dimension[] = [
  { by: 'model', title: 'Model', filter: 'model', none: 'model not said' },
  { by: 'agent', title: 'Agent', filter: 'agent_id', named: 'agent', none: 'no agent' },
  { by: 'project', title: 'Project', filter: 'project_id', named: 'project', none: 'no project' },
  { by: 'user', title: 'User', filter: 'end_user', none: 'no user' },
  { by: 'provider', title: 'Provider', filter: 'provider_name', none: 'provider not said' },
];
export const CONVERSATION: Dimension = { by: 'conversation', title: 'Conversation', filter: 'conversation_id', named: 'conversation', none: 'no conversation' };
export const dimensionOf = (by: string | null) => DIMENSIONS.find((one) => one.by === by) ?? DIMENSIONS[0]!;

// Filters of a page of sums, as the address has them.
export type Filters = Record<string, string>;
export function filtersOf(query: URLSearchParams): Filters {
  const out: Filters = {};
  for (const { filter } of [...DIMENSIONS, CONVERSATION]) {
    const value = query.get(filter);
    if (value) {
      out[filter] = value;
    }
  }
  return out;
}

// ---- over which time ------------------------------------------------------------------------------------------------

export const HOUR_MS = 3_600_000;
export const DAY_MS = 24 * HOUR_MS;

export interface Range {
  from: number | null; // milliseconds since 1970; null: ever since
  to: number | null; // null: until now
  grain: 'hour' | 'day';
  word: string; // of RANGES; '': chosen in a chart
}

export const RANGES: readonly [string, string, number][] = [
  ['24h', '24 hours', DAY_MS],
  ['7d', '7 days', 7 * DAY_MS],
  ['30d', '30 days', 30 * DAY_MS],
  ['90d', '90 days', 90 * DAY_MS],
  ['all', 'All time', 0],
];
const USUAL = '30d';
const HOURS_UP_TO = 3 * DAY_MS;

// Ranges end now and begin with a whole day or hour, so that kept sums answer.
export function rangeOf(query: URLSearchParams, now: number): Range {
  const from = Date.parse(query.get('from') ?? '');
  const to = Date.parse(query.get('to') ?? '');
  if (!Number.isNaN(from) && !Number.isNaN(to) && from < to) {
    return { from, to, grain: to - from <= HOURS_UP_TO ? 'hour' : 'day', word: '' };
  }
  const [word, , ms] = RANGES.find(([one]) => one === query.get('range')) ?? RANGES.find(([one]) => one === USUAL)!;
  const unit = ms > 0 && ms <= HOURS_UP_TO ? HOUR_MS : DAY_MS;
  return { from: ms > 0 ? Math.floor(now / unit) * unit + unit - ms : null, to: null, grain: unit === HOUR_MS ? 'hour' : 'day', word };
}

// The same length of time just before; null when there is nothing before.
export function before(range: Range, now: number): Range | null {
  if (range.from === null) {
    return null;
  }
  const unit = range.grain === 'hour' ? HOUR_MS : DAY_MS;
  const end = range.to ?? Math.ceil(now / unit) * unit;
  return { from: range.from - (end - range.from), to: range.from, grain: range.grain, word: '' };
}

const iso = (ms: number | null) => (ms === null ? null : new Date(ms).toISOString());

export const usagePath = (by: string[], range: Range, filters: Filters, more: Record<string, string> = {}) =>
  `/v1/usage?${queryText({ group_by: by.join(',') || null, from: iso(range.from), to: iso(range.to), ...filters, ...more })}`;

// So many steps are read one by one without asking whether somebody wants to wait.
export const READ_AT_ONCE = 200_000;

// The newest first, and all when that is more.
async function sumInTwo(path: string, signal: AbortSignal, show: (few: Report) => void): Promise<Report> {
  const few = await api<Report>(path, { query: { rows: READ_AT_ONCE }, signal });
  if (signal.aborted || few.complete) {
    return few;
  }
  show(few);
  return api<Report>(path, { signal });
}

export interface Summed extends Asked<Report> {
  summing: boolean; // `data` is of the newest steps; all of them are being summed
}

// The sums by something, or nothing (null). What no kept sum answers has to be read step by step, which takes a while when
// there are millions: the newest are summed first, and shown until the sum of all is there.
export function useUsage(path: string | null): Summed {
  const sums = useApi(path, sumInTwo);
  return { ...sums, summing: sums.loading && sums.data?.complete === false };
}

// The steps behind a sum.
export function stepsLink(range: Range, filters: Filters, more: Record<string, string> = {}): string {
  const text = queryText({ since: iso(range.from), until: iso(range.to), ...filters, ...more });
  return text ? `/steps?${text}` : '/steps';
}

// ---- moments of charts ----------------------------------------------------------------------------------------------

const keyAt = (ms: number, grain: 'hour' | 'day') => new Date(ms).toISOString().slice(0, grain === 'hour' ? 13 : 10);
const MOST_MOMENTS = 2000;

// The day with which drawing begins when a range has no beginning. A few steps far before all others (clocks that said 1970)
// would leave the others no room: while the first hundredth of the steps takes more than a year, it is passed over.
const LONG_MS = 400 * DAY_MS;
const FEW = 0.01;
export const startOf = (key: string, grain: 'hour' | 'day') => Date.parse(`${key}${grain === 'hour' ? ':00Z' : 'T00:00Z'}`);

function beginning(groups: Group[], grain: 'hour' | 'day', now: number): number {
  const days = groups.map((group) => ({ at: startOf(keyOf(group, grain) ?? '', grain), steps: group.num_steps })).filter((day) => !Number.isNaN(day.at));
  days.sort((a, b) => a.at - b.at);
  let passed = 0;
  const few = FEW * days.reduce((sum, day) => sum + day.steps, 0);
  for (const { at, steps } of days) {
    passed += steps;
    if (now - at <= LONG_MS || passed > few) {
      return at;
    }
  }
  return now;
}

// All hours or days that are drawn of a range, those too in which nothing happened: the newest, when there are too many.
export function keysOf(range: Range, groups: Group[], now: number): string[] {
  const unit = range.grain === 'hour' ? HOUR_MS : DAY_MS;
  const last = range.to ?? now;
  const first = Math.max(range.from ?? beginning(groups, range.grain, now), last - MOST_MOMENTS * unit);
  const keys: string[] = [];
  for (let at = Math.floor(first / unit) * unit; at < last || keys.length === 0; at += unit) {
    keys.push(keyAt(at, range.grain));
  }
  return keys;
}

export const utcText = (ms: number) => new Date(ms).toISOString().slice(0, 16).replace('T', ' ');

// One day or hour of a range.
export function rangeAt(key: string, grain: 'hour' | 'day'): Range {
  const from = startOf(key, grain);
  return { from, to: from + (grain === 'hour' ? HOUR_MS : DAY_MS), grain, word: '' };
}

// ---- sums of sums ---------------------------------------------------------------------------------------------------

const SUMMED = [
  'num_steps', 'failed_steps', 'prompt_tokens', 'completion_tokens', 'total_tokens', 'cached_input_tokens', 'cache_write_tokens', 'reasoning_tokens',
  'cost_nano_usd', 'cached_known', 'cache_write_known', 'reasoning_known', 'usage_unknown', 'cost_unknown',
] as const satisfies readonly (keyof Totals)[];

export const noTotals = (): Totals => Object.fromEntries(SUMMED.map((name) => [name, 0])) as unknown as Totals;

export function add(to: Totals, more: Totals): Totals {
  for (const name of SUMMED) {
    to[name] += more[name];
  }
  return to;
}

// By the words of one dimension; null is a word of its own.
export function folded(groups: Group[], by: string): Map<string | null, Totals> {
  const out = new Map<string | null, Totals>();
  for (const group of groups) {
    const key = keyOf(group, by);
    out.set(key, add(out.get(key) ?? noTotals(), group));
  }
  return out;
}

// How much of a part there is; null where there is nothing it could be a part of.
export const share = (part: number, whole: number): number | null => (whole > 0 ? part / whole : null);
// What is known of it: a sum of steps none of which said anything is not 0.
export const knownCost = (sums: Totals): number | null => (sums.num_steps > 0 && sums.cost_unknown >= sums.num_steps ? null : sums.cost_nano_usd);
export const knownTokens = (sums: Totals): number | null =>
  sums.num_steps > 0 && sums.usage_unknown >= sums.num_steps && sums.total_tokens === 0 ? null : sums.total_tokens;
