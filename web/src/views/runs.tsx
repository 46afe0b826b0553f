// SPDX-License-Identifier: Apache-2.0
// Runs: what agents were asked to do, one row each, the newest first, with the sums of their steps. What is shown is in the
// address, by the names of the list's own parameters.
import { internalFilterParams, internalPageParams, runFilterParams, runStatusWords, type Param, type Run, type RunMetrics } from 'facts';
import type { ComponentChildren } from 'preact';
import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
import { list, queryText, useLatest, type Query } from '../api';
import { FirstSteps } from '../first';
import * as format from '../format';
import { useKeys } from '../keys';
import { listen } from '../live';
import { nameOf, useNames, useNarrow } from '../names';
import { useCommands } from '../palette';
import { go, useQuery } from '../route';
import { bucketsOf, bucketsText, Empty, ErrorBox, Head, Link, Loading, Money, Status, Time, TokenBar } from '../ui';
import { useWalk, VirtualList, type Walk } from '../virtual';
import { ended, metricsOf, utc } from './run/data';
import { AddFilter, Chips } from './steps/filters';

const ROW_PX = 34;
const NARROW_ROW_PX = 56;
const AGAIN_MS = 1500;
const NEWEST = 50;

// ---- filters --------------------------------------------------------------------------------------------------------

// Those that say the same as another, or that only mean something together, are left to the API.
const LEFT = new Set(['agent_ids', 'ascending', 'run_id', 'template_family', 'step_count', 'step_count_operator', 'duration_percentile', 'duration_value', 'duration_operator', 'start_date', 'end_date']);
const all: readonly Param[] = [...runFilterParams, ...internalFilterParams].map((param) => (param.name === 'statuses' ? { ...param, words: runStatusWords } : param));
const chosen = all.filter((param) => !LEFT.has(param.name));
const orders = internalPageParams.find((param) => param.name === 'order_by')?.words ?? [];

function filtersOf(query: URLSearchParams): Query {
  const out: Query = {};
  for (const param of all) {
    const values = query.getAll(param.name).filter(Boolean);
    if (values.length > 0) {
      out[param.name] = param.repeats ? values : values.at(-1)!;
    }
  }
  const order = query.get('order_by');
  return order ? { ...out, order_by: order } : out;
}

// ---- rows -----------------------------------------------------------------------------------------------------------

interface Column {
  title: string;
  width: string;
  right?: boolean;
  cell(run: Run, sums: RunMetrics | undefined): ComponentChildren;
}

const faint = <span class="faint">{format.NOTHING}</span>;

const Tools = ({ tools }: { tools: string[] | null | undefined }) =>
  tools && tools.length > 0 ? <bdi title={format.line(tools.slice(0, 60).join(', '), 1000)}>{format.line(tools.slice(0, 20).join(', '), 200)}</bdi> : faint;

const Steps = ({ sums }: { sums: RunMetrics | undefined }) =>
  sums ? (
    <>
      {format.count(sums.num_steps)}
      {sums.failed_steps > 0 && <span class="bad-text" title={format.plural(sums.failed_steps, 'failed step')}> ({format.count(sums.failed_steps)})</span>}
    </>
  ) : null;

// Of a run that goes on, until now.
const took = (run: Run, sums: RunMetrics | undefined) => run.total_duration_ns ?? sums?.run_ns ?? (ended(run) ? null : Math.max(0, Date.now() - Date.parse(run.created_at)) * 1e6);

const Cost = ({ sums }: { sums: RunMetrics | undefined }) =>
  sums === undefined ? null : sums.cost_unknown === 0 ? (
    <Money nano={sums.cost_nano_usd} />
  ) : sums.cost_unknown === sums.num_steps ? (
    <Money nano={null} />
  ) : (
    <span class="num" title={`at least: without ${format.plural(sums.cost_unknown, 'step')} of unknown cost`}>
      ≥ {format.money(sums.cost_nano_usd)}
    </span>
  );

const COLUMNS: Column[] = [
  { title: 'Begun', width: '108px', cell: (run) => <Link to={`/runs/${run.id}`} tabIndex={-1}><Time at={utc(run.created_at)} /></Link> },
  { title: 'Status', width: '96px', cell: (run) => <Status word={run.status} /> },
  { title: 'Agent', width: 'minmax(120px, 1fr)', cell: (run) => <bdi title={run.agent_id}>{format.line(nameOf('agent', run.agent_id), 80)}</bdi> },
  { title: 'Steps', width: '80px', right: true, cell: (_, sums) => <Steps sums={sums} /> },
  {
    title: 'Tokens',
    width: '130px',
    right: true,
    cell: (_, sums) =>
      sums && (
        <span class="tokens-cell" title={bucketsText(bucketsOf(sums))}>
          <span class="bar">
            <TokenBar step={sums} most={Math.max(1, sums.total_tokens) / Math.max(0.06, Math.min(1, Math.log10(sums.total_tokens + 1) / 7))} />
          </span>
          <span class="num">{format.short(sums.total_tokens)}</span>
        </span>
      ),
  },
  { title: 'Cost', width: '76px', right: true, cell: (_, sums) => <Cost sums={sums} /> },
  { title: 'Duration', width: '84px', right: true, cell: (run, sums) => <span class="num">{format.duration(took(run, sums))}</span> },
  { title: 'Tools', width: 'minmax(130px, 1.4fr)', cell: (_, sums) => <Tools tools={sums?.tools_used} /> },
  { title: 'Stop reason', width: '120px', cell: (run) => (run.stop_reason ? <bdi>{format.line(run.stop_reason, 60)}</bdi> : faint) },
];

const Narrow = ({ run, sums }: { run: Run; sums: RunMetrics | undefined }) => (
  <div class="two-lines" role="gridcell">
    <div>
      <Status word={run.status} bare />
      <Link to={`/runs/${run.id}`} tabIndex={-1}>
        <Time at={run.created_at} />
      </Link>
      <bdi class="model-name">{format.line(nameOf('agent', run.agent_id), 60)}</bdi>
      <Cost sums={sums} />
      <span class="num">{format.duration(took(run, sums))}</span>
    </div>
    <div class="soft num">
      <span>{sums ? format.plural(sums.num_steps ?? 0, 'step') : ''}</span>
      {sums && sums.failed_steps > 0 && <span class="bad-text">{format.count(sums.failed_steps)} failed</span>}
      <span>{sums ? `${format.short(sums.total_tokens)} tokens` : ''}</span>
      <bdi class="rest">{format.line(sums?.tools_used?.join(', '), 80)}</bdi>
    </div>
  </div>
);

// ---- the list -------------------------------------------------------------------------------------------------------

// The runs, and the sums of those that were asked for.
function useRuns(filters: string, turn: number): { walk: Walk<Run>; sums: Map<string, RunMetrics>; again(): void } {
  const [, draw] = useState(0);
  const sums = useMemo(() => new Map<string, RunMetrics>(), []);
  const want = async (runs: Run[]) => {
    const found = await metricsOf(runs.map((run) => run.id)).catch(() => new Map<string, RunMetrics>());
    found.forEach((one, id) => sums.set(id, one));
    draw((n) => n + 1);
  };
  const byDuration = filters.includes('order_by=duration');
  const walk = useWalk<Run>(`${filters}#${turn}`, {
    load: async (after, limit, signal) => {
      const page = await list<Run>(`/v1/_internal_runs/?${filters}`, { query: { after: byDuration ? null : after, limit: byDuration ? 1000 : limit }, signal });
      void want(page.rows);
      return page;
    },
    idOf: (run) => run.id,
    ...(byDuration ? { size: 1001 } : {}), // one page: an order by duration has no cursors
  });
  // What is new or went on since: the newest runs, and those in the list that have not ended.
  const again = useLatest(() => {
    if (byDuration) {
      return;
    }
    void list<Run>(`/v1/_internal_runs/?${filters}`, { query: { limit: NEWEST } }).then(
      ({ rows }) => {
        const first = walk.row(0);
        const added = rows.filter((run) => !walk.replace(run) && (!first || run.created_at >= first.created_at));
        if (added.length > 0) {
          walk.prepend(added);
        }
        void want(rows.filter((run) => !ended(run) || !sums.get(run.id)?.run_ns || added.includes(run)));
      },
      () => undefined,
    );
  });
  return { walk, sums, again };
}

export function Runs() {
  const [query, change] = useQuery();
  const [turn, setTurn] = useState(0);
  const [active, setActive] = useState(-1);
  const narrow = useNarrow();
  const filters = queryText(filtersOf(query));
  const { walk, sums, again } = useRuns(filters, turn);
  useNames();
  useEffect(() => setActive(-1), [filters]);

  // Whatever happens to a step happens to its run.
  const soon = useRef(0);
  useEffect(() => {
    const end = listen('/v1/steps/stream', {
      onEvent: () => {
        soon.current ||= window.setTimeout(() => {
          soon.current = 0;
          again();
        }, AGAIN_MS);
      },
    });
    return () => {
      end();
      clearTimeout(soon.current);
      soon.current = 0;
    };
  }, []);

  const move = (by: number) => {
    const next = Math.max(0, Math.min(walk.count - 1, active + by));
    walk.reach(next + 50);
    setActive(next);
  };
  const open = () => {
    const run = active >= 0 ? walk.row(active) : undefined;
    if (run) {
      go(`/runs/${run.id}`);
    }
  };
  useKeys('Runs', [
    { keys: 'j', doc: 'Next run', run: () => move(1) },
    { keys: 'k', doc: 'Run before', run: () => move(-1) },
    { keys: 'ArrowDown', doc: 'Next run', run: () => move(1), hidden: true },
    { keys: 'ArrowUp', doc: 'Run before', run: () => move(-1), hidden: true },
    { keys: 'Enter', doc: 'Open the run', run: (event) => ((event.target as Element).closest('button, a, summary, label') ? (event.target as HTMLElement).click() : open()) },
    { keys: 'r', doc: 'Ask anew', run: () => setTurn((n) => n + 1) },
  ]);
  useCommands([
    { title: 'Runs: only those that failed', run: () => change({ statuses: 'failed' }) },
    { title: 'Runs: only those that go on', run: () => change({ active: 'true', statuses: null }) },
    { title: 'Runs: the longest first', run: () => change({ order_by: 'duration' }) },
  ]);

  const row = (i: number) => {
    const run = walk.row(i);
    const of = run && sums.get(run.id);
    return (
      <div
        key={i}
        id={`run-row-${i}`}
        class={`runs-row ${i === active ? 'active' : ''}`}
        role="row"
        aria-rowindex={i + 2}
        aria-selected={i === active}
        onPointerDown={() => setActive(i)}
        onClick={(event) => run && !(event.target as Element).closest('a, button') && !getSelection()?.toString() && go(`/runs/${run.id}`)}
      >
        {!run ? (
          <div class="faint" role="gridcell">
            …
          </div>
        ) : narrow ? (
          <Narrow run={run} sums={of} />
        ) : (
          COLUMNS.map((column) => (
            <div key={column.title} class={column.right ? 'right num' : ''} role="gridcell">
              {column.cell(run, of)}
            </div>
          ))
        )}
      </div>
    );
  };
  const nothing = walk.done && walk.count === 0;
  const narrowed = filters !== '';
  return (
    <section class="page full runs">
      <Head title="Runs">
        <select
          aria-label="Order"
          value={query.get('order_by') ?? 'created_at'}
          onChange={(event) => change({ order_by: event.currentTarget.value === 'created_at' ? null : event.currentTarget.value })}
        >
          {orders.map(({ word }) => (
              <option key={word} value={word}>
                {word === 'duration' ? 'the longest first' : 'the newest first'}
              </option>
            ))}
        </select>
        <div class="views" role="group" aria-label="Status">
          {['', ...runStatusWords.map(({ word }) => word)].map((word) => (
            <button key={word} aria-pressed={word === '' ? !query.has('statuses') : query.getAll('statuses').includes(word)} onClick={() => change({ statuses: word || null })}>
              {word === '' ? 'All' : word}
            </button>
          ))}
        </div>
        <AddFilter params={chosen} />
      </Head>
      <Chips params={all} any={all.some((param) => query.has(param.name))} none={Object.fromEntries(all.map((param) => [param.name, null]))} />
      {walk.error && <ErrorBox error={walk.error} retry={() => walk.retry()} />}
      {nothing ? (
        narrowed ? (
          <Empty title="No run is like that">
            <p>
              <button onClick={() => go('/runs')}>Clear all filters</button>
            </p>
          </Empty>
        ) : (
          <FirstSteps />
        )
      ) : (
        <VirtualList
          key={filters + turn}
          class={narrow ? 'narrow' : ''}
          label="Runs"
          count={walk.count}
          rowHeight={narrow ? NARROW_ROW_PX : ROW_PX}
          row={row}
          active={active}
          activeId={active >= 0 ? `run-row-${active}` : undefined}
          style={{ '--cols': COLUMNS.map((column) => column.width).join(' ') }}
          onReach={(last) => walk.reach(last)}
          head={
            !narrow && (
              <div class="runs-row header" role="row" aria-rowindex={1}>
                {COLUMNS.map((column) => (
                  <div key={column.title} role="columnheader" class={column.right ? 'right' : ''}>
                    {column.title}
                  </div>
                ))}
              </div>
            )
          }
          foot={walk.loading ? <Loading /> : walk.done && <div class="end faint">That was the first run.</div>}
        />
      )}
    </section>
  );
}
