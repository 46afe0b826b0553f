// SPDX-License-Identifier: Apache-2.0
// Numbers, money, times and texts as people read them. Absent is not zero: what nobody knows is a dash. Money comes in
// nano-dollars, whole numbers of 64 bits; those that a double does not hold exactly are beyond nine million dollars,
// where the last digit that is shown is far above the rounding.

export const NOTHING = '–';
type Maybe<T> = T | null | undefined;
type Whole = number | bigint | string;

// Lists format thousands of values while they are scrolled, and the browser's own formatters take many times as long.
const grouped = (digits: string) => digits.replace(/\B(?=(\d{3})+(?!\d))/g, ',');
const known = <T>(value: Maybe<T>): value is T => value !== null && value !== undefined;

// 1,234,567
export const count = (value: Maybe<number>) => (known(value) ? `${value < 0 ? '-' : ''}${grouped(Math.abs(value).toFixed(0))}` : NOTHING);

// 987, 12.3k, 4.56M: three digits, for narrow places; the whole number belongs into a title
export function short(value: Maybe<number>): string {
  if (!known(value)) {
    return NOTHING;
  }
  const units = ['', 'k', 'M', 'G', 'T'];
  let n = Math.abs(value);
  let unit = 0;
  while (n >= 999.5 && unit < units.length - 1) {
    n /= 1000;
    unit++;
  }
  const digits = unit === 0 && Number.isInteger(n) ? 0 : n >= 99.95 ? 0 : n >= 9.995 ? 1 : 2;
  return `${value < 0 ? '-' : ''}${n.toFixed(digits)}${units[unit]}`;
}

// $1,234.56, $0.0123, $0.160, $0.0000450: cents from a dollar on, else three digits that say something
export function money(nano: Maybe<Whole>): string {
  if (!known(nano)) {
    return NOTHING;
  }
  const dollars = Number(nano) / 1e9;
  const size = Math.abs(dollars);
  if (size === 0) {
    return '$0';
  }
  const digits = size >= 1 ? 2 : Math.min(9, Math.max(2, 2 - Math.floor(Math.log10(size))));
  const [before, behind] = size.toFixed(digits).split('.');
  return `${dollars < 0 ? '-' : ''}$${grouped(before!)}.${behind}`;
}

// 0 ns, 870 µs, 12.3 ms, 4.56 s, 2 m 03 s, 1 h 04 m, 3 d 2 h
export function duration(ns: Maybe<number>): string {
  if (!known(ns)) {
    return NOTHING;
  }
  const seconds = ns / 1e9;
  const three = (n: number) => n.toFixed(n >= 99.95 ? 0 : n >= 9.995 ? 1 : 2);
  const two = (n: number) => String(Math.floor(n)).padStart(2, '0');
  if (ns === 0) {
    return '0 s';
  }
  if (seconds < 0.0009995) {
    return `${three(ns / 1e3)} µs`;
  }
  if (seconds < 0.9995) {
    return `${three(ns / 1e6)} ms`;
  }
  if (seconds < 59.95) {
    return `${three(seconds)} s`;
  }
  const rounded = Math.round(seconds);
  if (rounded < 3600) {
    return `${Math.floor(rounded / 60)} m ${two(rounded % 60)} s`;
  }
  if (rounded < 86400) {
    return `${Math.floor(rounded / 3600)} h ${two((rounded % 3600) / 60)} m`;
  }
  return `${Math.floor(rounded / 86400)} d ${Math.floor((rounded % 86400) / 3600)} h`;
}

// Between the lines of a chart of durations: even in the words above.
const TENS = Array.from({ length: 10 }, (_, i) => 10 ** i).flatMap((ten) => [ten, 2 * ten, 5 * ten]);
const SECONDS = [10, 15, 30, ...[1, 2, 5, 10, 15, 30].map((m) => m * 60), ...[1, 2, 3, 6, 12].map((h) => h * 3600), ...[1, 2, 5, 10, 50, 100, 500].map((d) => d * 86_400)];
export const DURATION_TICKS = [...TENS, ...SECONDS.map((s) => s * 1e9)];

export function bytes(n: Maybe<number>): string {
  return known(n) ? (n < 1000 ? `${n} B` : `${short(n)}B`) : NOTHING;
}

// 12.3 %, of a part between 0 and 1
export function percent(part: Maybe<number>): string {
  return known(part) && Number.isFinite(part) ? `${(part * 100).toFixed(part > 0 && part < 0.0995 ? 2 : 1)} %` : NOTHING;
}

// "1 step", "2 steps"
export const plural = (n: number, one: string, many = `${one}s`) => `${count(n)} ${n === 1 ? one : many}`;

// ---- times: of this machine's zone, which is named wherever a time stands whole ------------------------------------

const zoned = new Intl.DateTimeFormat('en-GB', { timeZoneName: 'short' });
const zones = new Map<number, string>(); // by the distance to UTC, which is what tells summer from winter
const pad = (n: number, to = 2) => String(n).padStart(to, '0');
const clock = (at: Date) => `${pad(at.getHours())}:${pad(at.getMinutes())}:${pad(at.getSeconds())}`;

export const day = (at: Date) => `${at.getFullYear()}-${pad(at.getMonth() + 1)}-${pad(at.getDate())}`;

export function zone(at: Date = new Date()): string {
  const known_ = zones.get(at.getTimezoneOffset());
  const name = known_ ?? zoned.formatToParts(at).find((part) => part.type === 'timeZoneName')?.value ?? '';
  zones.set(at.getTimezoneOffset(), name);
  return name;
}

// 2026-11-23 14:05:09.123 CET
export function time(text: Maybe<string | Date>): string {
  const at = known(text) ? new Date(text) : null;
  if (!at || Number.isNaN(at.getTime())) {
    return NOTHING;
  }
  const ms = at.getMilliseconds();
  return `${day(at)} ${clock(at)}${ms ? `.${pad(ms, 3)}` : ''} ${zone(at)}`;
}

// 14:05:09 today, 11-22 14:05:09 this year, 2025-11-22 14:05 before: for columns, with the whole time as title
export function timeShort(text: Maybe<string | Date>, now = new Date()): string {
  const at = known(text) ? new Date(text) : null;
  if (!at || Number.isNaN(at.getTime())) {
    return NOTHING;
  }
  if (day(at) === day(now)) {
    return clock(at);
  }
  return at.getFullYear() === now.getFullYear() ? `${day(at).slice(5)} ${clock(at)}` : `${day(at)} ${clock(at).slice(0, 5)}`;
}

// "12 s ago", "3 h ago", "in 2 d"
export function ago(text: Maybe<string | Date>, now = Date.now()): string {
  const at = known(text) ? new Date(text).getTime() : NaN;
  if (Number.isNaN(at)) {
    return NOTHING;
  }
  const seconds = Math.abs(now - at) / 1000;
  const [n, unit] = seconds < 90 ? [seconds, 's'] : seconds < 5400 ? [seconds / 60, 'm'] : seconds < 129600 ? [seconds / 3600, 'h'] : [seconds / 86400, 'd'];
  const told = `${Math.round(n)} ${unit}`;
  return at > now ? `in ${told}` : seconds < 2 ? 'now' : `${told} ago`;
}

// ---- texts --------------------------------------------------------------------------------------------------------

// The beginning of an id, enough to tell it from its neighbours: "step-3f2a…"
export const shortId = (id: Maybe<string>) => (known(id) ? id.replace(/^([a-z_]+-)?(.{8}).+$/s, '$1$2') : NOTHING);

// A text on one line and not longer than that many characters, for lists.
export function line(text: Maybe<string>, most = 400): string {
  return known(text) ? text.slice(0, most * 2).replace(/\s+/g, ' ').trim().slice(0, most) : '';
}

// The address when it is one that may be followed: http or https, whatever the text claims.
export function safeLink(text: Maybe<string>): string | null {
  try {
    const url = new URL(text ?? '');
    return url.protocol === 'http:' || url.protocol === 'https:' ? url.href : null;
  } catch {
    return null;
  }
}
