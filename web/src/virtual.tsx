// SPDX-License-Identifier: Apache-2.0
// Lists of any length. A Walk holds what a cursor walk has answered: it asks for pages as they are needed, and forgets
// those that are far away (it knows where each began, and asks again). A VirtualList draws the rows that can be seen, and
// no others. Neither knows what a row is.
import type { ComponentChildren } from 'preact';
import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks';
import { ApiError, asError, type Page } from './api';

// ---- rows from pages ------------------------------------------------------------------------------------------------

const PAGES_KEPT = 48;
// Whoever has come that many pages far goes on by larger ones: fewer questions, and still no long one.
const PAGES_FIRST = 20;
const LARGER = 5;

interface Held<T> {
  after: string | null; // the cursor that the page was asked with
  asked: number; // so many rows
  count: number;
  rows: T[] | null; // null: forgotten, or on its way
  used: number;
}

export interface WalkSource<T> {
  load(after: string | null, limit: number, signal: AbortSignal): Promise<Page<T>>;
  idOf(row: T): string;
  size?: number; // of a page
}

export class Walk<T> {
  readonly size: number;
  done = false;
  error: ApiError | undefined;
  loading = false;
  #source: WalkSource<T>;
  #head: T[] = []; // came after the walk began, the newest first
  #pages: Held<T>[] = [];
  #starts: number[] = [0]; // of each page, and where the next one will begin
  #next: string | null = null;
  #stop = new AbortController();
  #asked = new Set<number>();
  #clock = 0;
  #tell: () => void;

  constructor(source: WalkSource<T>, tell: () => void) {
    this.#source = source;
    this.size = source.size ?? 100;
    this.#tell = tell;
  }

  get count(): number {
    return this.#head.length + this.#starts.at(-1)!;
  }

  // The row there, or undefined while it is not; what is missing is asked for.
  row(index: number): T | undefined {
    if (index < this.#head.length) {
      return this.#head[index];
    }
    const at = index - this.#head.length;
    let low = 0;
    for (let high = this.#pages.length; low < high; ) {
      const middle = (low + high) >> 1;
      if (this.#starts[middle + 1]! <= at) {
        low = middle + 1;
      } else {
        high = middle;
      }
    }
    const page = this.#pages[low];
    if (!page) {
      return undefined;
    }
    page.used = ++this.#clock;
    if (!page.rows) {
      void this.#again(low);
    }
    return page.rows?.[at - this.#starts[low]!];
  }

  // Sees to it that there are rows up to that one, if there are so many.
  reach(index: number): void {
    if (!this.loading && !this.done && !this.error && index >= this.count) {
      void this.#more();
    }
  }

  retry(): void {
    this.error = undefined;
    void this.#more();
  }

  end(): void {
    this.#stop.abort();
  }

  // Rows that are new at the top, the newest first.
  prepend(rows: T[]): void {
    this.#head = [...rows, ...this.#head];
    this.#tell();
  }

  // Where a row is held, if it is.
  #find(id: string): { rows: T[]; at: number } | undefined {
    for (const rows of [this.#head, ...this.#pages.map((page) => page.rows ?? [])]) {
      const at = rows.findIndex((one) => this.#source.idOf(one) === id);
      if (at >= 0) {
        return { rows, at };
      }
    }
    return undefined;
  }

  held(id: string): T | undefined {
    const found = this.#find(id);
    return found?.rows[found.at];
  }

  // Puts a newer version in the place of a row that is held. False: it is not.
  replace(row: T): boolean {
    const found = this.#find(this.#source.idOf(row));
    if (found) {
      found.rows[found.at] = row;
      this.#tell();
    }
    return found !== undefined;
  }

  remove(id: string): void {
    const is = (row: T) => this.#source.idOf(row) === id;
    const inHead = this.#head.findIndex(is);
    if (inHead >= 0) {
      this.#head.splice(inHead, 1);
      this.#tell();
      return;
    }
    for (const [i, page] of this.#pages.entries()) {
      const at = page.rows?.findIndex(is) ?? -1;
      if (at >= 0) {
        page.rows!.splice(at, 1);
        page.count--;
        for (let k = i + 1; k < this.#starts.length; k++) {
          this.#starts[k]!--;
        }
        this.#tell();
        return;
      }
    }
  }

  async #more(): Promise<void> {
    this.loading = true;
    this.#tell();
    const after = this.#next;
    const asked = this.#pages.length < PAGES_FIRST ? this.size : this.size * LARGER;
    try {
      const page = await this.#source.load(after, asked, this.#stop.signal);
      if (this.#stop.signal.aborted) {
        return;
      }
      const last = page.rows.at(-1);
      this.#next = page.resume ?? (last ? this.#source.idOf(last) : null);
      this.done = page.resume === null && page.rows.length < asked;
      // What came on top while the first page was on its way is in that page too.
      const rows = after === null ? page.rows.filter((row) => !this.held(this.#source.idOf(row))) : page.rows;
      if (rows.length > 0) {
        this.#pages.push({ after, asked, count: rows.length, rows, used: ++this.#clock });
        this.#starts.push(this.#starts.at(-1)! + rows.length);
        this.#forget();
      }
    } catch (error) {
      if (this.#stop.signal.aborted) {
        return;
      }
      this.error = asError(error);
    }
    this.loading = false;
    this.#tell();
  }

  async #again(i: number): Promise<void> {
    const page = this.#pages[i]!;
    if (this.#asked.has(i)) {
      return;
    }
    this.#asked.add(i);
    try {
      const { rows } = await this.#source.load(page.after, page.asked, this.#stop.signal);
      page.rows = rows.slice(0, page.count);
      page.used = ++this.#clock;
      this.#forget();
    } catch (error) {
      if (!this.#stop.signal.aborted) {
        this.error = asError(error);
      }
    }
    this.#asked.delete(i);
    if (!this.#stop.signal.aborted) {
      this.#tell();
    }
  }

  // The first page stays: asked for again it would be the newest rows, which are not those that it had.
  #forget(): void {
    const held = this.#pages.filter((page) => page.rows && page.after !== null);
    held.sort((a, b) => b.used - a.used);
    let rows = 0;
    for (const page of held) {
      rows += page.count;
      if (rows > PAGES_KEPT * this.size) {
        page.rows = null;
      }
    }
  }
}

// A walk that begins anew when `key` is another, and draws the component when it has more.
export function useWalk<T>(key: string, source: WalkSource<T>): Walk<T> {
  const [, draw] = useState(0);
  const at = useRef<{ key: string; walk: Walk<T> }>();
  const frame = useRef(0);
  // Once a frame; the first rows at once.
  const drawn = useRef(0);
  const tell = () => {
    if (drawn.current === 0) {
      draw((n) => n + 1);
      return;
    }
    frame.current ||= requestAnimationFrame(() => {
      frame.current = 0;
      draw((n) => n + 1);
    });
  };
  if (at.current?.key !== key) {
    at.current?.walk.end();
    at.current = { key, walk: new Walk(source, tell) };
    at.current.walk.reach(0);
  }
  const end = () => {
    at.current?.walk.end();
    cancelAnimationFrame(frame.current);
  };
  useEffect(() => end, []);
  drawn.current = at.current.walk.count;
  return at.current.walk;
}

// ---- rows in sight --------------------------------------------------------------------------------------------------

// Browsers draw nothing beyond some ten million pixels: a longer list is scrolled in larger steps.
const TALLEST_PX = 8_000_000;
const OVERSCAN = 8;
// Whole rows that a frame has time for. Whoever moves further than that in a frame sees a gist of each row, and the rows
// themselves as soon as there is time for them.
const AT_ONCE = 8;

export interface VirtualListProps {
  count: number;
  rowHeight: number;
  row(index: number): ComponentChildren; // without a key: elements are used again for other rows
  gist?(index: number): ComponentChildren; // the same in an element or two
  onReach?(last: number): void; // up to where rows can be seen soon
  onScrolled?(top: boolean): void; // whether the beginning is in sight
  onSight?(first: number, last: number): void; // which rows are in sight
  active?: number; // is kept in sight when it changes
  class?: string;
  style?: Record<string, string>;
  label: string;
  // How it is told to screen readers: a grid has rows with cells, a list items. The total, when it is known.
  role?: 'grid' | 'list';
  total?: number | undefined;
  activeId?: string | undefined; // of the element of the active row
  head?: ComponentChildren; // stays above the rows
  foot?: ComponentChildren; // behind the last row
}

const AWAY_PX = -10_000;

// What was drawn last: which rows as they are, by place; whether there are others of which only the gist was, and whether
// it is time for some of them.
interface Places {
  slots: number;
  at: number; // the first row in sight
  whole: Map<number, { index: number; inside: ComponentChildren }>;
  lacks: boolean;
  fill: boolean;
}

// Which rows are drawn as they are: all, unless one has moved by more than a frame has time for. At first those in sight, so
// that they are there soon; then those that are there already, and once a frame, while one does not move, the next few of
// those that are lacking, the ones in sight first.
function choose(places: Places, { first, last, slots, at, height }: { first: number; last: number; slots: number; at: number; height: number }): Set<number> {
  const moved = Math.abs(at - places.at) > AT_ONCE;
  if (places.slots !== slots) {
    places.whole.clear();
  }
  const all = Array.from({ length: last - first }, (_, i) => first + i);
  const there = (i: number) => places.whole.get(i % slots)?.index === i;
  const lacking = all.filter((i) => !there(i));
  const inSight = (i: number) => i >= Math.floor(at) && i < at + height;
  const begins = places.whole.size === 0;
  const next = begins ? lacking.filter(inSight) : [...lacking.filter(inSight), ...lacking.filter((i) => !inSight(i))].slice(0, places.fill && !moved ? AT_ONCE : 0);
  const limited = (begins || moved || places.lacks) && lacking.length > next.length;
  const chosen = new Set(limited ? [...all.filter(there), ...next] : all);
  if (!limited) {
    places.whole.clear(); // the others are taken away
  }
  Object.assign(places, { slots, at, lacks: limited, fill: false });
  return chosen;
}

export function VirtualList(props: VirtualListProps) {
  const { count, rowHeight, row, gist, onReach, onScrolled, onSight, active, role = 'grid' } = props;
  const box = useRef<HTMLDivElement>(null);
  const [view, setView] = useState({ top: 0, height: 800 });
  const [, drawMore] = useState(0);
  const places = useRef<Places>({ slots: 0, at: 0, whole: new Map(), lacks: false, fill: false });
  const whole = count * rowHeight;
  const tall = Math.min(whole, TALLEST_PX);
  const scale = whole > tall ? (whole - view.height) / (tall - view.height) : 1;

  useLayoutEffect(() => {
    const at = box.current!;
    // Both are told once a frame, before anything was drawn in it: what is asked here is known without laying out.
    const scrolled = () => setView((old) => (old.top === at.scrollTop ? old : { ...old, top: at.scrollTop }));
    const resized = () => setView((old) => (old.height === at.clientHeight ? old : { ...old, height: at.clientHeight }));
    const sizes = new ResizeObserver(resized);
    at.addEventListener('scroll', scrolled, { passive: true });
    sizes.observe(at);
    resized();
    scrolled();
    return () => {
      sizes.disconnect();
      at.removeEventListener('scroll', scrolled);
    };
  }, []);

  const offset = view.top * scale;
  const first = Math.max(0, Math.floor(offset / rowHeight) - OVERSCAN);
  const last = Math.min(count, Math.ceil((offset + view.height) / rowHeight) + OVERSCAN);
  const slots = Math.ceil(view.height / rowHeight) + 2 * OVERSCAN + 2;
  const inSight = view.top < rowHeight;

  useEffect(() => onReach?.(last + Math.ceil(view.height / rowHeight) * 3), [last, count, view.height]);
  useEffect(() => onScrolled?.(inSight), [inSight]);
  useEffect(() => onSight?.(Math.floor(offset / rowHeight), Math.ceil((offset + view.height) / rowHeight)), [first, last, count]);
  useEffect(() => {
    const at = box.current!;
    if (active === undefined || active < 0) {
      return;
    }
    const room = at.clientHeight - 2 * rowHeight;
    const top = active * rowHeight;
    if (top < offset || top > offset + room) {
      at.scrollTop = Math.max(0, (top < offset ? top : top - room) / scale);
    }
  }, [active]);

  // A place in the document keeps its element and is moved by itself: moving elements among each other would lay all of
  // them out anew.
  const chosen = gist ? choose(places.current, { first, last, slots, at: offset / rowHeight, height: view.height / rowHeight }) : null;
  const rows: ComponentChildren[] = [];
  const gists: ComponentChildren[] = [];
  const slot = (key: string | number, top: number, inside: ComponentChildren) => (
    <div key={key} class="slot" role="presentation" aria-hidden={top === AWAY_PX || undefined} style={{ height: `${rowHeight}px`, transform: `translateY(${top}px)` }}>
      {inside}
    </div>
  );
  for (let i = first; i < last; i++) {
    const top = Math.round(i * rowHeight - offset + view.top);
    if (!chosen || chosen.has(i)) {
      const inside = row(i);
      rows[i % slots] = slot(i % slots, top, inside);
      places.current.whole.set(i % slots, { index: i, inside });
    } else {
      gists[i % slots] = slot(`gist ${i % slots}`, top, gist!(i));
    }
  }
  // Rows that are not to be seen keep their places while there is no time to make others of them.
  for (const [place, { inside }] of places.current.lacks ? places.current.whole : []) {
    rows[place] ??= slot(place, AWAY_PX, inside);
  }
  const { lacks, at: drawnAt } = places.current;
  useEffect(() => {
    const fill = () => {
      if (places.current.at === drawnAt) {
        places.current.fill = true;
        drawMore((n) => n + 1);
      }
    };
    const frame = lacks ? requestAnimationFrame(fill) : 0;
    return () => cancelAnimationFrame(frame);
  });
  return (
    <div
      class={`scroller ${props.class ?? ''}`}
      ref={box}
      tabIndex={0}
      role={role}
      aria-label={props.label}
      aria-rowcount={role === 'grid' ? (props.total ?? -1) : undefined}
      aria-activedescendant={props.activeId}
      style={props.style}
    >
      {props.head}
      <div class="virtual" role={role === 'grid' ? 'rowgroup' : 'presentation'} style={{ height: `${tall}px` }}>
        {rows}
        {gists}
      </div>
      {props.foot}
    </div>
  );
}
