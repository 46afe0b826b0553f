// SPDX-License-Identifier: Apache-2.0
// One run, in three views of the same steps: as transcript, over time, as table. What is selected in one is in sight in the
// others. It begins at the first error, goes on while the run does, and finds texts within. The parts are in run/.
import type { Run as RunRow, RunMetrics } from 'facts';
import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
import { ApiError, useApi } from '../api';
import * as format from '../format';
import { useKeys } from '../keys';
import { nameOf, useNames, useNarrow } from '../names';
import type { PageProps } from '../pages';
import { useCommands } from '../palette';
import { go, useQuery } from '../route';
import { useSession } from '../session';
import { bucketsOf, bucketsText, copy, Empty, ErrorBox, Head, Icon, Id, Link, Loading, Status, Time, TokenBar } from '../ui';
import { Blocks, ended, Items, RunData, stepInRun, utc, type Row } from './run/data';
import { useFind } from './run/find';
import { RunTable } from './run/table';
import { Transcript } from './run/transcript';
import { asCurl } from './step';
import { Waterfall } from './run/waterfall';

const LOOK_MS = 5000;
const VIEWS = ['transcript', 'waterfall', 'table'] as const;
type View = (typeof VIEWS)[number];
const TITLES: Record<View, string> = { transcript: 'Transcript', waterfall: 'Waterfall', table: 'Table' };

// ---- what there is to show ------------------------------------------------------------------------------------------

// The steps, and the records behind those that are looked at; both are drawn when they change.
function useData(id: string): [RunData, Blocks] {
  const [, draw] = useState(0);
  const made = useMemo(() => {
    const tell = () => draw((n) => n + 1);
    const data = new RunData(id, tell);
    return { data, blocks: new Blocks(data, tell) };
  }, [id]);
  useEffect(() => () => made.data.end(), [made]);
  return [made.data, made.blocks];
}

// ---- the head -------------------------------------------------------------------------------------------------------

const MOST_TOOLS = 8;

function Summary({ run, metrics, data }: { run: RunRow; metrics: RunMetrics | undefined; data: RunData }) {
  useNames();
  const steps = metrics?.num_steps ?? data.rows.length;
  const took = run.total_duration_ns ?? metrics?.run_ns ?? null;
  return (
    <div class="run-line">
      <Id id={run.id} />
      <Time at={run.created_at} whole />
      <Link to={`/steps?agent_id=${encodeURIComponent(run.agent_id)}`}>
        <bdi>{format.line(nameOf('agent', run.agent_id), 60)}</bdi>
      </Link>
      <span class="num">
        {format.plural(steps, 'step')}
        {metrics && metrics.failed_steps > 0 && <span class="bad-text"> ({format.count(metrics.failed_steps)} failed)</span>}
      </span>
      {metrics && (
        <span class="run-tokens" title={bucketsText(bucketsOf(metrics))}>
          <TokenBar step={metrics} />
          <span class="num">{format.short(metrics.total_tokens)} tokens</span>
        </span>
      )}
      {metrics && (
        <span class="num" title={metrics.cost_unknown > 0 ? `without ${format.plural(metrics.cost_unknown, 'step')} of unknown cost` : undefined}>
          {metrics.cost_unknown > 0 && metrics.cost_unknown === steps ? 'cost unknown' : `${metrics.cost_unknown > 0 ? 'at least ' : ''}${format.money(metrics.cost_nano_usd)}`}
        </span>
      )}
      <span class="num">{took !== null ? format.duration(took) : ended(run) ? '' : `for ${format.ago(run.created_at).replace(' ago', '')}`}</span>
      {run.completed_at && (
        <span class="soft">
          ended <Time at={utc(run.completed_at)} />
        </span>
      )}
      {run.stop_reason && <span class="pill">{format.line(run.stop_reason, 60)}</span>}
      {(metrics?.tools_used ?? []).slice(0, MOST_TOOLS).map((tool) => (
        <span class="tag" key={tool}>
          <bdi>{format.line(tool, 40)}</bdi>
        </span>
      ))}
      {(metrics?.tools_used?.length ?? 0) > MOST_TOOLS && <span class="faint">{format.plural(metrics!.tools_used!.length - MOST_TOOLS, 'more tool')}</span>}
      {run.parent_run_id && (
        <span class="soft">
          started by <Link to={`/runs/${run.parent_run_id}`}>{format.shortId(run.parent_run_id)}</Link>
        </span>
      )}
      {data.kidCount > 0 && <span class="soft num">started {format.plural(data.kidCount, 'run')}</span>}
      {run.conversation_id && (
        <Link to={`/steps?conversation_id=${encodeURIComponent(run.conversation_id)}`}>
          <bdi>{format.line(nameOf('conversation', run.conversation_id), 60)}</bdi>
        </Link>
      )}
    </div>
  );
}

function FindBar({ text, onText, found, at, onMove, field }: { text: string; onText(text: string): void; found: ReturnType<typeof useFind>; at: number; onMove(by: 1 | -1): void; field: { current: HTMLInputElement | null } }) {
  return (
    <div class="find" role="search">
      <div class="search">
        <Icon name="search" />
        <input
          ref={field}
          type="search"
          aria-label="Find in this run"
          placeholder="Find in this run"
          value={text}
          maxLength={300}
          onInput={(event) => onText(event.currentTarget.value)}
          onKeyDown={(event) => {
            if (event.key === 'Enter') {
              event.preventDefault();
              onMove(event.shiftKey ? -1 : 1);
            } else if (event.key === 'Escape') {
              event.stopPropagation();
              event.currentTarget.blur();
            }
          }}
        />
        <kbd aria-hidden="true">/</kbd>
      </div>
      {text.trim() !== '' && (
        <span class="num soft small" role="status">
          {found.error ? 'not all could be searched' : `${found.places.length > 0 && at >= 0 ? `${format.count(at + 1)} of ` : ''}${format.plural(found.places.length, 'step')}${found.done ? '' : `, ${format.count(found.looked)} messages read…`}`}
        </span>
      )}
    </div>
  );
}

// ---- the page -------------------------------------------------------------------------------------------------------

export function Run({ params }: PageProps) {
  return <OneRun key={params.id!} id={params.id!} />;
}

function OneRun({ id }: { id: string }) {
  const path = `/v1/runs/${encodeURIComponent(id)}`;
  const asked = useApi<RunRow>(path);
  const totals = useApi<RunMetrics>(`${path}/metrics`);
  const [data, blocks] = useData(id);
  const [query, change] = useQuery();
  const session = useSession();
  const wide = !useNarrow(1099);
  const text = query.get('find') ?? '';
  const found = useFind(data, text);
  const [selected, setSelected] = useState<string | null>(query.get('step'));
  const [turn, setTurn] = useState(0);
  const field = useRef<HTMLInputElement>(null);
  const run = asked.data;
  const live = run !== undefined && !ended(run);
  const word = query.get('view') as View | null;
  const view: View = word && VIEWS.includes(word) ? word : wide ? 'waterfall' : 'transcript';
  const made = useMemo(() => new Items(), [data]);
  const items = view === 'waterfall' ? made.of(data) : [];

  const at = selected !== null ? (data.index.get(selected) ?? -1) : -1;
  const activeItem = useMemo(() => (view !== 'waterfall' || selected === null ? -1 : data.kidCount === 0 ? at : items.findIndex((item) => item.row?.step.id === selected)), [items, items.length, selected, at, view]);

  // From outside the transcript: it goes there. By the transcript: only the others do.
  const select = (step: string, byTranscript = false) => {
    setSelected(step);
    if (!byTranscript) {
      setTurn((n) => n + 1);
    }
  };
  useEffect(() => {
    if (selected && selected !== query.get('step')) {
      const timer = setTimeout(() => change({ step: selected }, true), 300);
      return () => clearTimeout(timer);
    }
    return undefined;
  }, [selected]);

  // It begins at the first error, unless the address says where; without one at the first step.
  const begun = useRef(query.has('step'));
  const [early, setEarly] = useState<Row | null>(null);
  useEffect(() => {
    if (!begun.current) {
      void data.firstFailed().then((row) => {
        if (row && !begun.current) {
          begun.current = true;
          setEarly(row);
          select(row.step.id);
        }
      });
    }
  }, [data]);
  useEffect(() => {
    if (!begun.current && (data.failed.length > 0 || data.done)) {
      begun.current = true;
      const first = data.rows[data.failed[0] ?? 0];
      if (first) {
        select(first.step.id);
      }
    }
  }, [data.failed.length, data.done]);

  // What it is in sum, and what it started.
  const again = () => {
    asked.reload();
    totals.reload();
    void data.lookForKids();
  };
  useEffect(() => {
    const timer = live ? setInterval(again, LOOK_MS) : undefined;
    return () => clearInterval(timer);
  }, [live, data]);
  // It is listened to until one leaves, also when it has ended: how its last steps did is told a little later.
  const listens = useRef(false);
  listens.current ||= live;
  useEffect(() => {
    if (!listens.current) {
      if (run) {
        data.start();
      }
      return undefined;
    }
    let soon = 0;
    const end = data.follow(() => {
      blocks.forget();
      soon ||= window.setTimeout(() => {
        soon = 0;
        again();
      }, 1000);
    });
    return () => {
      end();
      clearTimeout(soon);
    };
  }, [run !== undefined, listens.current, data]);

  const move = (by: number) => {
    const next = data.rows[Math.max(0, Math.min(data.rows.length - 1, (at < 0 ? -1 : at) + by))];
    if (next) {
      select(next.step.id);
    }
  };
  const among = (places: number[], by: 1 | -1) => {
    const next = by > 0 ? (places.find((place) => place > at) ?? places[0]) : ([...places].reverse().find((place) => place < at) ?? places.at(-1));
    if (next !== undefined) {
      select(data.rows[next]!.step.id);
    }
  };
  const open = () => selected && go(stepInRun(selected, id));
  useKeys('Run', [
    { keys: 'j', doc: 'Next step', run: () => move(1) },
    { keys: 'k', doc: 'Step before', run: () => move(-1) },
    { keys: 'Enter', doc: 'Open the step', run: (event) => ((event.target as Element).closest('button, a, summary, label') ? (event.target as HTMLElement).click() : open()) },
    { keys: 'e', doc: 'Next error', run: () => among(data.failed, 1) },
    { keys: 'E', doc: 'Error before', run: () => among(data.failed, -1) },
    { keys: '/', doc: 'Find in this run', run: () => field.current?.select() },
    { keys: 'n', doc: 'Next that was found', run: () => among(found.places, 1) },
    { keys: 'N', doc: 'The one before', run: () => among(found.places, -1) },
    ...VIEWS.map((one, i) => ({ keys: String(i + 1), doc: TITLES[one], run: () => change({ view: one }, true) })),
    { keys: 'Escape', doc: 'Back to the runs', run: () => go('/runs'), hidden: true },
  ]);
  useCommands([
    { title: 'Run: copy the id', run: () => void copy(id) },
    { title: 'Run: copy as curl', run: () => void copy(asCurl(path, session?.open ?? true)) },
    { title: 'Run: next error', hint: 'e', run: () => among(data.failed, 1) },
    ...VIEWS.map((one, i) => ({ title: `Run: ${TITLES[one].toLowerCase()}`, hint: String(i + 1), run: () => change({ view: one }, true) })),
  ]);

  if (asked.error && !run) {
    const gone = asked.error instanceof ApiError && (asked.error.status === 404 || asked.error.status === 422);
    return (
      <section class="page">
        {gone ? (
          <Empty title="There is no such run">
            <p>
              <Link to="/runs">To the runs</Link>
            </p>
          </Empty>
        ) : (
          <ErrorBox error={asked.error} retry={asked.reload} />
        )}
      </section>
    );
  }
  const shown = { data, selected, hits: found.hits, onSelect: (step: string, of: RunData) => (of === data ? select(step) : go(stepInRun(step, of.id))) };
  const hit = found.places.indexOf(at);
  return (
    <section class="page full run">
      <Head
        title={
          <span class="step-title">
            Run {run && <Status word={run.status} />}
            {live && <span class="soft small">live</span>}
          </span>
        }
      >
        <FindBar text={text} onText={(value) => change({ find: value }, true)} found={found} at={hit} onMove={(by) => among(found.places, by)} field={field} />
        {data.failed.length > 0 && (
          <button title="Next error (e)" onClick={() => among(data.failed, 1)}>
            <Icon name="cross" /> {format.plural(data.failed.length, 'error')}
          </button>
        )}
        <div class="views" role="tablist" aria-label="View">
          {VIEWS.map((one, i) => (
            <button key={one} role="tab" aria-selected={view === one} title={`${TITLES[one]} (${i + 1})`} onClick={() => change({ view: one }, true)}>
              {TITLES[one]}
            </button>
          ))}
        </div>
      </Head>
      {run ? <Summary run={run} metrics={totals.data} data={data} /> : <Loading what="Loading the run" />}
      {data.error && <ErrorBox error={data.error} retry={() => data.retry()} title="The steps could not be loaded" />}
      <div class={`run-body ${view}`}>
        {view !== 'transcript' && (
          <div class="run-left" role="tabpanel" aria-label={TITLES[view]}>
            {view === 'waterfall' ? <Waterfall {...shown} items={items} active={activeItem} /> : <RunTable {...shown} blocks={blocks} active={at} />}
          </div>
        )}
        {(wide || view === 'transcript') && <Transcript data={data} early={early} selected={selected} turn={turn} hits={found.hits} mark={text.trim()} onSelect={(step) => select(step, true)} />}
      </div>
    </section>
  );
}
