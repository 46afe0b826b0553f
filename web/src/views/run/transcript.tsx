// SPDX-License-Identifier: Apache-2.0
// What was said in a run, step after step. Only the steps around the one that is looked at are in the document; more come
// at either end as one scrolls, and those far away go.
import type { Step } from 'facts';
import { Component } from 'preact';
import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks';
import { api, useLatest } from '../../api';
import { Chat } from '../../content/chat';
import type { Said } from '../../content/talk';
import * as format from '../../format';
import { nameOf, useNames } from '../../names';
import { Link, Loading, Money, Status } from '../../ui';
import { useAsk } from '../step/data';
import { Failure } from '../step/failure';
import { stepInRun, type Kid, type RunData, type Row } from './data';

const BEFORE = 2;
const AFTER = 10;
const MORE = 8;
const MOST = 60;
const NEAR_PX = 600;
const ABOVE_PX = 8;
const SOON_MS = 80; // the other views follow when the scrolling rests
const READ_PX = 60; // what ends above this is read

interface Talk {
  messages: Said[];
  record: Step | null; // of a step that failed, or of which nothing else is known
}

// Steps that are not looked at any more are remembered for a while; one that goes on is asked for again.
const kept = new Map<string, Talk>();
const MOST_KEPT = 200;
const MOST_MESSAGES = 200;

async function talkOf(step: { id: string; status: string }, signal: AbortSignal): Promise<Talk> {
  const key = `${step.id} ${step.status}`;
  const known = kept.get(key);
  if (known && step.status !== 'pending') {
    return known;
  }
  const messages = await api<Said[]>('/v1/stored-messages/', { query: { step_id: step.id, order: 'asc', limit: MOST_MESSAGES }, signal });
  const record = step.status === 'failed' || messages.length === 0 ? await api<Step>(`/v1/steps/${encodeURIComponent(step.id)}`, { signal }) : null;
  const talk = { messages, record };
  kept.set(key, talk);
  if (kept.size > MOST_KEPT) {
    kept.delete(kept.keys().next().value!);
  }
  return talk;
}

const preview = (role: string, text: string | null): Said[] => (text ? [{ role, name: 'preview', text, content: null, tool_calls: [], tool_call_id: null, tool_returns: null }] : []);

interface TurnProps {
  row: Row;
  i: number; // its place; -1 while it is not known
  data: RunData;
  kids: Kid[] | undefined; // another when they are looked for again
  mark: string;
  active: boolean;
  hit: boolean;
  onSelect(id: string): void;
}

// Drawn again only when what it shows is another: a transcript is the most of what is on the page.
class Turn extends Component<TurnProps> {
  override shouldComponentUpdate(next: TurnProps): boolean {
    return (Object.keys(next) as (keyof TurnProps)[]).some((name) => next[name] !== this.props[name]);
  }

  override render(props: TurnProps) {
    return <TurnBody {...props} />;
  }
}

function TurnBody({ row, i, data, kids, mark, active, hit, onSelect }: TurnProps) {
  useNames();
  const { step } = row;
  const talk = useAsk(`${step.id} ${step.status}`, (signal) => talkOf(step, signal));
  const record = talk.data?.record;
  const messages = talk.data ? (talk.data.messages.length > 0 ? talk.data.messages : [...preview('user', record?.input_preview ?? null), ...preview('assistant', record?.output_preview ?? null)]) : [];
  return (
    <section class={`turn ${active ? 'active' : ''} ${hit ? 'hit' : ''}`} data-step={step.id} aria-label={i < 0 ? 'Step' : `Step ${i + 1}`} aria-current={active ? 'true' : undefined}>
      <header onClick={() => onSelect(step.id)}>
        <Status word={step.status} bare />
        <Link to={stepInRun(step.id, data.id)} class="num" title="Open the step">
          {i < 0 ? 'Step' : `Step ${format.count(i + 1)}`}
        </Link>
        <bdi class="soft">{format.line(step.model, 60)}</bdi>
        {i >= 0 && <span class="num faint">+{format.duration(Math.max(0, row.at - data.from) * 1e6)}</span>}
        <span class="grow" />
        <span class="num soft">{format.short(step.total_tokens || null)} tokens</span>
        <Money nano={step.cost_nano_usd ?? null} />
        <span class="num soft">{format.duration(step.step_ns)}</span>
      </header>
      {talk.error ? (
        <p class="soft">
          {talk.error.message}{' '}
          <button class="link" onClick={talk.again}>
            Try again
          </button>
        </p>
      ) : !talk.data ? (
        <Loading />
      ) : (
        <>
          {record && <Failure step={record} />}
          {messages.length > 0 ? <Chat messages={messages} mark={mark || undefined} /> : !record?.error_data && <p class="faint">No message was recorded with this step.</p>}
          {messages.length === MOST_MESSAGES && <p class="faint">Of a step at most {MOST_MESSAGES} messages are shown here.</p>}
        </>
      )}
      {kids?.map((kid) => (
        <p key={kid.run.id} class="started">
          <Status word={kid.run.status} /> started <Link to={`/runs/${kid.run.id}`}>{format.line(nameOf('agent', kid.run.agent_id), 60)}</Link>
          {kid.metrics && <span class="soft num">{format.plural(kid.metrics.num_steps ?? 0, 'step')}</span>}
        </p>
      ))}
    </section>
  );
}

export interface TranscriptProps {
  data: RunData;
  early: Row | null;
  selected: string | null;
  turn: number; // changes when the selected one is to be shown, also when it is the same
  hits: ReadonlySet<string>;
  mark: string;
  onSelect(id: string): void; // by this view itself
}

export function Transcript({ data, early, selected, turn, hits, mark, onSelect }: TranscriptProps) {
  const box = useRef<HTMLDivElement>(null);
  const at = selected !== null ? data.index.get(selected) : undefined;
  const [range, setRange] = useState<[number, number]>([0, AFTER]);
  // What stays where it is when texts arrive above it: the step that is wanted here, or the first that one reads.
  const wanted = useRef<string | null>(null);
  const soon = useRef(0);
  const anchor = useRef<{ id: string; top: number } | null>(null);
  const choose = useLatest(onSelect);
  // The step that is looked at may be there before the others are.
  const alone = at === undefined && early && early.step.id === selected ? early : null;
  const from = Math.min(range[0], Math.max(0, data.rows.length - 1));
  const to = Math.min(range[1], data.rows.length);

  const topOf = (found: Element) => found.getBoundingClientRect().top - box.current!.getBoundingClientRect().top;
  const find = (id: string) => box.current!.querySelector<HTMLElement>(`[data-step="${CSS.escape(id)}"]`);
  const settle = useLatest(() => {
    const to = wanted.current ? { id: wanted.current, top: ABOVE_PX } : anchor.current;
    const found = to && find(to.id);
    if (found) {
      box.current!.scrollTop += topOf(found) - to.top;
    }
  });

  // What is selected elsewhere is shown here.
  useEffect(() => {
    if (at !== undefined) {
      wanted.current = selected;
      setRange((old) => (at < old[0] || at >= old[1] ? [Math.max(0, at - BEFORE), at + AFTER] : [...old]));
    }
  }, [turn, at === undefined]);
  useLayoutEffect(settle, [range]);
  useLayoutEffect(() => {
    const sizes = new ResizeObserver(settle);
    sizes.observe(box.current!.firstElementChild!);
    return () => sizes.disconnect();
  }, []);

  const look = useLatest(() => {
    const scroller = box.current!;
    if (wanted.current) {
      return;
    }
    const seen = [...scroller.querySelectorAll<HTMLElement>('[data-step]')].find((one) => topOf(one) + one.offsetHeight > READ_PX);
    const id = seen?.dataset.step;
    anchor.current = seen && id ? { id, top: topOf(seen) } : null;
    if (scroller.scrollTop < NEAR_PX && from > 0) {
      setRange([Math.max(0, from - MORE), Math.min(to, from - MORE + MOST)]);
    } else if (scroller.scrollHeight - scroller.scrollTop - scroller.clientHeight < NEAR_PX && to < data.rows.length) {
      setRange([Math.max(from, to + MORE - MOST), to + MORE]);
    }
    if (id && id !== selected) {
      clearTimeout(soon.current);
      soon.current = window.setTimeout(() => wanted.current === null && choose(id), SOON_MS);
    }
  });
  useEffect(() => () => clearTimeout(soon.current), []);
  const hand = () => {
    wanted.current = null;
  };

  return (
    <div class="transcript" ref={box} tabIndex={0} role="region" aria-label="Transcript" onScroll={look} onWheel={hand} onTouchMove={hand} onPointerDown={hand} onKeyDown={hand}>
      <div>
        {alone && <Turn key={alone.step.id} row={alone} i={-1} data={data} mark={mark} active hit={false} kids={undefined} onSelect={choose} />}
        {!alone && from > 0 && <p class="faint">{format.plural(from, 'step')} before this</p>}
        {(alone ? [] : data.rows.slice(from, to)).map((row, k) => (
          <Turn key={row.step.id} row={row} i={from + k} data={data} mark={mark} active={row.step.id === selected} hit={hits.has(row.step.id)} kids={data.kids.get(row.step.id)} onSelect={choose} />
        ))}
        {!alone && to < data.rows.length && <p class="faint">{format.plural(data.rows.length - to, 'step')} after this</p>}
        {data.done && data.rows.length === 0 && <p class="soft">This run has no steps.</p>}
      </div>
    </div>
  );
}
