// SPDX-License-Identifier: Apache-2.0
// A run as it is looked at: all its steps with their timings, as they come from the server's timeline, and the runs that
// they started, whose steps are asked for when somebody opens them. Draws nothing.
import type { Run, RunMetrics, Step, StepMetrics } from 'facts';
import { api, ApiError, asError, list, OWN_HEADER } from '../../api';
import { listen } from '../../live';

// What a line of the timeline says; what is null is not there.
export interface TimedStep {
  id: string;
  created_at: string;
  status: Step['status'];
  total_tokens: number;
  parent_step_id?: string;
  model?: string;
  cost_nano_usd?: number;
  error_type?: string;
  step_start_ns?: number;
  llm_request_start_ns?: number;
  llm_request_ns?: number;
  tool_execution_ns?: number;
  step_ns?: number;
  ttft_ns?: number;
}

// Milliseconds since 1970, as a double: what is drawn needs no more.
export interface Row {
  step: TimedStep;
  at: number;
  wait: number; // until the model is asked
  model: number;
  tool: number;
  whole: number;
  depth: number;
}

// A step of the run, which the step's page goes along with j and k.
export const stepInRun = (id: string, run: string) => `/steps/${id}?run_id=${run}&order=asc`;

// V1 writes some times without a zone; they are UTC.
export const utc = (text: string | null) => (text && !/(z|[+-]\d\d:?\d\d)$/i.test(text) ? `${text}Z` : text);
export const ended = (run: Run) => run.status !== 'created' && run.status !== 'running';

export interface Kid {
  run: Run;
  by: string; // the step that started it; "" while that is not known
  metrics: RunMetrics | undefined;
  open: boolean;
  data: RunData | null;
}

function timedOf(step: Step): TimedStep {
  const { id, created_at, status, total_tokens, parent_step_id, model, cost_nano_usd, error_type } = step;
  const told = Object.entries({ id, created_at, status, total_tokens, parent_step_id, model, cost_nano_usd, error_type });
  return Object.fromEntries(told.filter(([, value]) => value !== null)) as unknown as TimedStep;
}

const TIMES = ['step_start_ns', 'llm_request_start_ns', 'llm_request_ns', 'tool_execution_ns', 'step_ns', 'ttft_ns'] as const;
const timesOf = (from: Partial<Record<(typeof TIMES)[number], number | null>>) => Object.fromEntries(TIMES.flatMap((name) => (typeof from[name] === 'number' ? [[name, from[name]]] : [])));

const DEEPEST = 12;
const TELL_MS = 200;
const TOGETHER_MS = 250;
const MOST_KIDS = 1000;
const MOST_AGAIN = 5000; // steps of a run it started that are asked for again while it goes on

export class RunData {
  readonly id: string;
  rows: Row[] = [];
  index = new Map<string, number>();
  failed: number[] = [];
  kids = new Map<string, Kid[]>(); // by the step that started them
  #kids: Kid[] = []; // as they began
  #looks = false;
  from = Infinity;
  to = 0;
  done = false;
  error: ApiError | undefined;
  version = 0;
  shape = 0; // changes with everything but steps that come at the end
  #tell: () => void;
  #soon = 0;
  #turn = 0;
  #stop = new AbortController();
  #early = new Map<string, Step | null>(); // what the stream told before the timeline was there; null: deleted

  constructor(id: string, tell: () => void) {
    this.id = id;
    this.#tell = tell;
  }

  get kidCount(): number {
    return this.#kids.length;
  }

  start(): void {
    void this.#load();
    void this.lookForKids();
  }

  end(): void {
    this.#stop.abort();
    clearTimeout(this.#soon);
    this.#kids.forEach((kid) => kid.data?.end());
  }

  retry(): void {
    this.error = undefined;
    this.rows = [];
    this.index.clear();
    this.failed = [];
    this.from = Infinity;
    this.to = 0;
    this.done = false;
    this.shape++;
    this.start();
  }

  changed(now = false): void {
    this.version++;
    if (now) {
      clearTimeout(this.#soon);
      this.#soon = 0;
      this.#tell();
    } else {
      this.#soon ||= window.setTimeout(() => {
        this.#soon = 0;
        this.#tell();
      }, TELL_MS);
    }
  }

  open(kid: Kid, open: boolean): void {
    kid.open = open;
    if (open && !kid.data) {
      kid.data = new RunData(kid.run.id, () => this.#reshaped());
      kid.data.start();
    }
    this.#reshaped();
  }

  #reshaped(): void {
    this.shape++;
    this.changed(true);
  }

  // ---- the timeline

  async #load(): Promise<void> {
    const turn = ++this.#turn;
    try {
      const response = await fetch(`/v1/runs/${encodeURIComponent(this.id)}/timeline`, { headers: OWN_HEADER, credentials: 'same-origin', signal: this.#stop.signal });
      if (!response.ok) {
        throw new ApiError(`The server answered ${response.status}.`, response.status);
      }
      const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader();
      let rest = '';
      let first = true;
      for (let piece = await reader.read(); !piece.done; piece = await reader.read()) {
        if (turn !== this.#turn) {
          void reader.cancel(); // it is asked for anew
          return;
        }
        const text = rest + piece.value;
        const end = text.lastIndexOf('\n');
        rest = text.slice(end + 1);
        if (end >= 0) {
          // Line ends stand between steps only: inside of texts they are escaped.
          (JSON.parse(`[${text.slice(0, end).replaceAll('\n', ',')}]`) as TimedStep[]).forEach((step) => this.#add(step));
          this.changed(first);
          first = false;
        }
      }
      this.done = true;
      const early = [...this.#early];
      this.#early.clear();
      this.shape += this.kidCount > 0 ? 1 : 0;
      void this.#take(early).then(() => this.changed());
    } catch (error) {
      if (this.#stop.signal.aborted || turn !== this.#turn) {
        return;
      }
      this.error = asError(error);
    }
    this.changed(true);
  }

  shapeOf(step: TimedStep): Row {
    const at = step.step_start_ns !== undefined ? step.step_start_ns / 1e6 : Date.parse(step.created_at);
    const wait = step.llm_request_start_ns !== undefined ? Math.max(0, step.llm_request_start_ns / 1e6 - at) : 0;
    const model = (step.llm_request_ns ?? 0) / 1e6;
    const tool = (step.tool_execution_ns ?? 0) / 1e6;
    const parent = step.parent_step_id !== undefined ? this.index.get(step.parent_step_id) : undefined;
    const depth = parent === undefined ? 0 : Math.min(DEEPEST, this.rows[parent]!.depth + 1);
    return { step, at, wait, model, tool, whole: Math.max((step.step_ns ?? 0) / 1e6, wait + model + tool), depth };
  }

  #add(step: TimedStep): void {
    const row = this.shapeOf(step);
    const known = this.index.get(step.id);
    const wasFailed = known !== undefined && this.rows[known]!.step.status === 'failed';
    if (known !== undefined) {
      this.rows[known] = row;
      this.shape++;
    } else {
      this.index.set(step.id, this.rows.length);
      this.rows.push(row);
    }
    this.from = Math.min(this.from, row.at);
    this.to = Math.max(this.to, row.at + row.whole);
    const place = known ?? this.rows.length - 1;
    if (step.status === 'failed' && !wasFailed) {
      this.failed.push(place);
      if (known !== undefined) {
        this.failed.sort((a, b) => a - b);
      }
    } else if (step.status !== 'failed' && wasFailed) {
      this.failed = this.failed.filter((one) => one !== place);
    }
  }

  // The runs that it started: those that are new, and from the first that goes on, how they are now.
  async lookForKids(): Promise<void> {
    if (this.#looks) {
      return;
    }
    this.#looks = true;
    const signal = this.#stop.signal;
    const going = this.#kids.findIndex((kid) => !ended(kid.run));
    const before = going < 0 ? this.#kids : this.#kids.slice(0, going);
    const known = new Map(this.#kids.map((kid) => [kid.run.id, kid]));
    // Its first step says it.
    const startedBy = (run: Run) => api<Step[]>(`/v1/runs/${run.id}/steps`, { query: { order: 'asc', limit: 1 }, signal }).then(([first]) => first?.parent_step_id ?? '', () => '');
    try {
      const runs = await api<Run[]>('/v1/runs/', { query: { parent_run_id: this.id, order: 'asc', after: before.at(-1)?.run.id, limit: MOST_KIDS }, signal });
      if (runs.length > 0 || before.length < this.#kids.length) {
        const [metrics, by] = await Promise.all([
          metricsOf(runs.map((run) => run.id), signal),
          Promise.all(runs.map((run, i) => (known.get(run.id)?.metrics?.num_steps || i >= ASKED_AT_ONCE ? (known.get(run.id)?.by ?? '') : startedBy(run)))),
        ]);
        this.#kids = [...before, ...runs.map((run, i) => this.#kid(known.get(run.id), run, by[i]!, metrics.get(run.id)))];
        this.kids.clear();
        this.#kids.forEach((kid) => this.kids.set(kid.by, [...(this.kids.get(kid.by) ?? []), kid]));
        this.#reshaped();
      }
    } catch {
      // Without the runs it started the run itself is still shown.
    }
    this.#looks = false;
  }

  // The same kid as before, so that it stays open; its steps are asked for again when it has others.
  #kid(old: Kid | undefined, run: Run, by: string, metrics: RunMetrics | undefined): Kid {
    if (old?.data?.done && old.data.rows.length < MOST_AGAIN && (old.run.status !== run.status || old.metrics?.num_steps !== metrics?.num_steps)) {
      old.data.retry();
    }
    return Object.assign(old ?? { open: false, data: null }, { run, by, metrics });
  }

  // ---- as it goes on

  // Asks for its steps, and listens to what comes until the returned function is called. It listens first, so that nothing
  // is lost in between; where it does not come to that, the steps are there all the same. When a stream breaks before
  // anything was heard of it, nobody knows where it was: then the steps are asked for again.
  follow(onChange: () => void): () => void {
    const queue = new Map<string, Step | null>();
    let timer = 0;
    let begun = false;
    let heard = false;
    const flush = async () => {
      timer = 0;
      const some = [...queue];
      queue.clear();
      if (this.done) {
        await this.#take(some);
      } else {
        some.forEach(([id, step]) => this.#early.set(id, step));
      }
      this.changed();
      onChange();
    };
    const end = listen(`/v1/steps/stream?run_id=${encodeURIComponent(this.id)}`, {
      onState: (state) => {
        if (state === 'connecting') {
          return;
        }
        if (!begun) {
          begun = true;
          this.start();
        } else if (state === 'open' && !heard) {
          this.retry();
        }
      },
      onEvent: (event) => {
        heard ||= event.id !== '';
        if (event.event === 'step') {
          const told = JSON.parse(event.data) as { step?: Step; id?: string };
          queue.set(told.step?.id ?? told.id!, told.step ?? null);
          timer ||= window.setTimeout(() => void flush(), TOGETHER_MS);
        }
      },
    });
    return () => {
      end();
      clearTimeout(timer);
    };
  }

  // The first step that failed, by a question of its own: it is there long before a hundred thousand others.
  async firstFailed(): Promise<Row | null> {
    const rows = await api<Step[]>('/v1/steps/', { query: { run_id: this.id, status: 'failed', order: 'asc', limit: 1 }, signal: this.#stop.signal }).catch(() => []);
    return rows[0] ? this.shapeOf(timedOf(rows[0])) : null;
  }

  // Puts what was told of steps in their places, and asks for their timings, which are not told.
  async #take(told: [string, Step | null][]): Promise<void> {
    const gone = new Set<string>();
    const changed: string[] = [];
    for (const [id, step] of told) {
      if (step) {
        this.#add({ ...timesOf(this.rows[this.index.get(id) ?? -1]?.step ?? {}), ...timedOf(step) });
        changed.push(id);
      } else if (this.index.has(id)) {
        gone.add(id);
      }
    }
    if (gone.size > 0) {
      const rest = this.rows.filter((row) => !gone.has(row.step.id));
      this.rows = [];
      this.index.clear();
      this.failed = [];
      this.shape++;
      rest.forEach((row) => this.#add(row.step));
    }
    for (let at = 0; at < changed.length; at += ASKED_AT_ONCE) {
      const times = await api<StepMetrics[]>('/v1/steps/metrics', { query: { step_id: changed.slice(at, at + ASKED_AT_ONCE) }, signal: this.#stop.signal }).catch(() => []);
      for (const one of times) {
        const row = this.rows[this.index.get(one.id) ?? -1];
        if (row) {
          this.#add({ ...row.step, ...timesOf(one) });
        }
      }
    }
  }
}

const ASKED_AT_ONCE = 100;

export async function metricsOf(ids: string[], signal?: AbortSignal): Promise<Map<string, RunMetrics>> {
  const out = new Map<string, RunMetrics>();
  for (let at = 0; at < ids.length; at += ASKED_AT_ONCE) {
    const some = await api<RunMetrics[]>('/v1/runs/metrics', { query: { run_id: ids.slice(at, at + ASKED_AT_ONCE) }, ...(signal ? { signal } : {}) });
    some.forEach((one) => out.set(one.id, one));
  }
  return out;
}

// ---- whole steps, where they are looked at ---------------------------------------------------------------------------

const BLOCK = 100;
const BLOCKS_KEPT = 40;

// The records of the steps around a place, in blocks; a block begins behind the step before it.
export class Blocks {
  #data: RunData;
  #tell: () => void;
  #held = new Map<number, Step[] | null>();

  constructor(data: RunData, tell: () => void) {
    this.#data = data;
    this.#tell = tell;
  }

  get(i: number): Step | undefined {
    const block = Math.floor(i / BLOCK);
    const held = this.#held.get(block);
    if (held === undefined) {
      void this.#load(block);
    }
    const row = held?.[i - block * BLOCK];
    return row && row.id === this.#data.rows[i]?.step.id ? row : held?.find((step) => step.id === this.#data.rows[i]?.step.id);
  }

  forget(): void {
    this.#held.clear();
  }

  async #load(block: number): Promise<void> {
    const after = block > 0 ? this.#data.rows[block * BLOCK - 1]?.step.id : undefined;
    this.#held.set(block, null);
    if (this.#held.size > BLOCKS_KEPT) {
      this.#held.delete(this.#held.keys().next().value!);
    }
    try {
      const { rows } = await list<Step>(`/v1/runs/${encodeURIComponent(this.#data.id)}/steps`, { query: { order: 'asc', limit: BLOCK, after } });
      this.#held.set(block, rows);
    } catch {
      setTimeout(() => this.#held.delete(block), 2000);
    }
    this.#tell();
  }
}

// ---- rows of the waterfall -------------------------------------------------------------------------------------------

export type Item = { row: Row; i: number; data: RunData; depth: number; kid?: undefined } | { kid: Kid; data: RunData; depth: number; row?: undefined };

// The steps in their order; behind each the runs that it started, and their steps when they are open. What was there
// before is taken as it is while steps only come at the end.
export class Items {
  list: Item[] = [];
  #rows = 0;
  #shape = -1;

  of(data: RunData): Item[] {
    const grows = data.shape === this.#shape && data.rows.length >= this.#rows;
    if (!grows) {
      this.list = [];
      this.#rows = 0;
      this.#shape = data.shape;
    }
    add(data, this.#rows, 0, this.list);
    this.#rows = data.rows.length;
    return this.list;
  }
}

function addKids(kids: Kid[] | undefined, data: RunData, depth: number, out: Item[]): void {
  for (const kid of kids ?? []) {
    out.push({ kid, data, depth });
    if (kid.open && kid.data) {
      add(kid.data, 0, depth + 1, out);
    }
  }
}

function add(data: RunData, from: number, depth: number, out: Item[]): void {
  for (let i = from; i < data.rows.length; i++) {
    const row = data.rows[i]!;
    out.push({ row, i, data, depth: depth + row.depth });
    if (data.kidCount > 0) {
      addKids(data.kids.get(row.step.id), data, depth + row.depth + 1, out);
    }
  }
  if (data.done) {
    // Started by a step that is not there, or nobody knows by which.
    for (const [by, kids] of data.kids) {
      if (!data.index.has(by)) {
        addKids(kids, data, depth + 1, out);
      }
    }
  }
}
