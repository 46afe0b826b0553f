// SPDX-License-Identifier: Apache-2.0
// The list of steps as it changes. Changes are gathered for a moment and put in together: steps that are there already in
// their place, new ones on top. While one reads further down, or has paused, they wait, and are counted.
import type { Step } from 'facts';
import { useEffect, useRef, useState } from 'preact/hooks';
import { list, useLatest } from '../../api';
import { listen, type LiveState } from '../../live';
import type { Walk } from '../../virtual';

interface StepEvent {
  seq: number;
  change: string;
  step?: Step;
  id?: string;
}

const TOGETHER_MS = 250;
const MOST_WAITING = 1000; // more are not kept: the list is asked for anew
const FIRST_LOOK = 50;

export interface Live {
  state: LiveState | 'off';
  waiting: number; // new steps that are not in the list yet
  show(): boolean; // puts them in; false: there are too many, and the list has to begin anew
}

interface Wish {
  filters: string; // the query of the stream
  on: boolean;
  hold: boolean; // new steps wait
  paused: boolean; // everything waits
  walk: Walk<Step>;
  onNew(steps: Step[], shown: boolean): void;
  onChanged(ids: string[]): void;
  onGap(): void; // too much was missed to be put in
}

export function useLive({ filters, on, hold, paused, walk, onNew, onChanged, onGap }: Wish): Live {
  const [state, setState] = useState<LiveState | 'off'>('off');
  const [waiting, setWaiting] = useState(0);
  const fresh = useRef(new Map<string, Step>());
  const queue = useRef(new Map<string, StepEvent>());
  const timer = useRef(0);

  const put = useLatest((steps: Step[]) => {
    const sorted = steps.sort((a, b) => (a.created_at < b.created_at ? 1 : a.created_at > b.created_at ? -1 : a.id < b.id ? 1 : -1));
    walk.prepend(sorted);
    onNew(sorted, true);
  });

  // What is older than the first row has its place further down, where it will be found when it is asked for.
  const isNew = (step: Step) => {
    const first = walk.row(0);
    return !first || step.created_at >= first.created_at;
  };

  const flush = useLatest(() => {
    timer.current = 0;
    if (paused) {
      setWaiting([...queue.current.values()].filter((event) => event.change === 'created').length + fresh.current.size);
      return;
    }
    const added: Step[] = [];
    const changed: string[] = [];
    for (const event of queue.current.values()) {
      if (!event.step) {
        fresh.current.delete(event.id!);
        walk.remove(event.id!);
      } else if (fresh.current.has(event.step.id)) {
        fresh.current.set(event.step.id, event.step);
        changed.push(event.step.id);
      } else if (walk.replace(event.step)) {
        changed.push(event.step.id);
      } else if (isNew(event.step)) {
        added.push(event.step);
      }
    }
    queue.current.clear();
    if (hold) {
      added.forEach((step) => fresh.current.size < MOST_WAITING && fresh.current.set(step.id, step));
      onNew(added, false);
    } else if (added.length > 0) {
      put(added);
    }
    setWaiting(fresh.current.size);
    if (changed.length > 0) {
      onChanged(changed);
    }
  });

  const take = (event: StepEvent) => {
    const id = event.step?.id ?? event.id!;
    const before = queue.current.get(id);
    if (before || queue.current.size < MOST_WAITING) {
      queue.current.set(id, before?.change === 'created' && event.step ? { ...event, change: 'created' } : event);
    }
    timer.current ||= window.setTimeout(flush, TOGETHER_MS);
  };

  useEffect(() => {
    fresh.current.clear();
    queue.current.clear();
    setWaiting(0);
    if (!on) {
      setState('off');
      return undefined;
    }
    let heard = false;
    let opened = false;
    const stop = new AbortController();
    // A stream that has not heard of anything yet begins now, and not where it broke: what came in between, and between
    // the list and the stream, is looked up. When that is more than a look, the list begins anew. Rows that are what they
    // were when the list came, a moment before the stream opened for the first time, are not taken for changed.
    const look = async (again: boolean) => {
      const { rows } = await list<Step>(`/v1/steps/?${filters}`, { query: { limit: FIRST_LOOK }, signal: stop.signal });
      if (walk.count > 0 && rows.length === FIRST_LOOK && !rows.some((step) => walk.held(step.id))) {
        onGap();
      } else {
        rows.filter((step) => again || walk.held(step.id)?.updated_at !== step.updated_at).forEach((step) => take({ seq: 0, change: 'created', step }));
      }
    };
    const end = listen(`/v1/steps/stream?${filters}`, {
      onEvent: (event) => {
        heard ||= event.id !== '';
        if (event.event === 'step') {
          take(JSON.parse(event.data) as StepEvent);
        }
      },
      onState: (next) => {
        setState(next);
        if (next === 'open' && !heard) {
          look(opened).catch(() => undefined); // the list itself tells what is wrong
        }
        opened ||= next === 'open';
      },
    });
    return () => {
      end();
      stop.abort();
      clearTimeout(timer.current);
      timer.current = 0;
    };
  }, [filters, on, walk]);

  useEffect(() => {
    if (!paused && queue.current.size > 0) {
      flush();
    }
  }, [paused]);

  const show = () => {
    const many = fresh.current.size >= MOST_WAITING || queue.current.size >= MOST_WAITING;
    const steps = [...fresh.current.values()];
    fresh.current.clear();
    if (many) {
      queue.current.clear();
    } else {
      if (steps.length > 0) {
        put(steps);
      }
    }
    setWaiting(0);
    return !many;
  };
  return { state, waiting, show };
}
