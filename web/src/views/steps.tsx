// SPDX-License-Identifier: Apache-2.0
// Steps: every model call, one row each, the newest first, as they come. What is shown is in the address: filters, range of
// time, columns. The parts are in steps/.
import type { Step } from 'facts';
import { useCallback, useEffect, useMemo, useRef, useState } from 'preact/hooks';
import { list, useApi, useLatest } from '../api';
import { FirstSteps } from '../first';
import * as format from '../format';
import { useKeys } from '../keys';
import { useNames, useNarrow } from '../names';
import { useCommands } from '../palette';
import { go, useQuery } from '../route';
import { Dialog, Empty, ErrorBox, Head, Icon, Loading, Popover, TokenLegend } from '../ui';
import { useWalk, VirtualList, type Walk } from '../virtual';
import { chosenColumns, columns as allColumns, gridOf, USUAL, type Column } from './steps/columns';
import { FacetBar } from './steps/facets';
import { AddFilter, Chips, Search, TimeRange } from './steps/filters';
import { useLive } from './steps/live';
import { Row, RowGist, rowId } from './steps/row';
import { SavedViews } from './steps/saved';
import { apiQuery, chosenParams, hasFilters, noFilters, rangeOf, stepAddress } from './steps/state';
import { Strip } from './steps/strip';
import { Timings } from './steps/timings';

const ROW_PX = 32;
const NARROW_ROW_PX = 54;
const SUMS_AGAIN_MS = 10_000;

interface Count {
  count: number;
  complete: boolean;
}

// The list, with the timings of its rows.
function useSteps(key: string, filters: string): { walk: Walk<Step>; timings: Timings } {
  const [, draw] = useState(0);
  const timings = useMemo(() => new Timings(() => draw((n) => n + 1)), []);
  const walk = useWalk<Step>(key, {
    load: async (after, limit, signal) => {
      const page = await list<Step>(`/v1/steps/?${filters}`, { query: { after, limit }, signal });
      void timings.want(page.rows.map((step) => step.id).filter((id) => timings.get(id) === undefined));
      return page;
    },
    idOf: (step) => step.id,
  });
  return { walk, timings };
}

function ColumnChoice() {
  const [query, change] = useQuery();
  const chosen = chosenColumns(query.get('cols')).map((one) => one.name);
  const set = (names: string[]) => change({ cols: names.join(',') === USUAL.join(',') ? null : names.join(',') }, true);
  const toggle = (name: string) => set(chosen.includes(name) ? chosen.filter((one) => one !== name) : allColumns.map((one) => one.name).filter((one) => one === name || chosen.includes(one)));
  return (
    <Popover label="Columns" icon="columns" text="Columns" align="right">
      {() => (
        <>
          {allColumns.map((one) => (
            <label class="menu-item" key={one.name} title={one.doc}>
              <input type="checkbox" checked={chosen.includes(one.name)} disabled={chosen.length === 1 && chosen[0] === one.name} onChange={() => toggle(one.name)} />
              {one.title}
            </label>
          ))}
          <button class="menu-item" onClick={() => set(USUAL)}>
            As usual
          </button>
        </>
      )}
    </Popover>
  );
}

const HeadRow = ({ columns }: { columns: Column[] }) => (
  <div class="row header" role="row" aria-rowindex={1}>
    {columns.map((column) => (
      <div key={column.name} class={`cell h-${column.name} ${column.right ? 'right' : ''}`} role="columnheader" title={column.doc}>
        {column.title}
      </div>
    ))}
  </div>
);

const STATES: Record<string, string> = { open: 'Live', connecting: 'Connecting', waiting: 'Connecting again', refused: 'Not live', off: 'Not live' };

function LiveButton({ state, paused, onToggle }: { state: string; paused: boolean; onToggle(): void }) {
  const word = paused ? 'Paused' : STATES[state]!;
  return (
    <button class={`live ${paused ? 'paused' : state}`} aria-pressed={!paused} title={paused ? 'Go on (p)' : 'Pause (p)'} onClick={onToggle}>
      <Icon name={paused ? 'play' : 'pause'} />
      <span class="dot" aria-hidden="true" />
      {word}
    </button>
  );
}

export function Steps() {
  const [query, change] = useQuery();
  const [turn, setTurn] = useState(0);
  const [paused, setPaused] = useState(false);
  const [atTop, setAtTop] = useState(true);
  const [active, setActive] = useState(-1);
  const [changes, setChanges] = useState(0);
  const [sheet, setSheet] = useState(false);
  const list_ = useRef<HTMLDivElement>(null);
  const names = useNames();
  const narrow = useNarrow();

  // One moment for everything that is asked for together; another with other filters, and when somebody asks anew.
  const shown = query.toString();
  const now = useMemo(() => Date.now(), [shown, turn]);
  const filters = apiQuery(query, now);
  const { walk, timings } = useSteps(`${filters}#${turn}`, filters);
  const count = useApi<Count>(`/v1/steps/count?${filters}#${turn}.${changes}`);
  const oldest = useApi<Step[]>('/v1/steps/?limit=1&order=asc');
  const begun = oldest.data?.[0] ? Date.parse(oldest.data[0].created_at) : null;
  const first = walk.row(0);
  const newest = first ? Date.parse(first.created_at) : null;
  useEffect(() => {
    if (first && oldest.data?.length === 0) {
      oldest.reload(); // it was empty
    }
  }, [first === undefined, oldest.data?.length]);
  const columns = useMemo(() => chosenColumns(query.get('cols')), [shown]);

  // Sums and counts follow what changes, but not each change.
  const soon = useRef(0);
  const sumsSoon = () => {
    soon.current ||= window.setTimeout(() => {
      soon.current = 0;
      setChanges((n) => n + 1);
    }, SUMS_AGAIN_MS);
  };
  useEffect(() => () => clearTimeout(soon.current), []);

  const to = rangeOf(query, now).to;
  const live = useLive({
    filters,
    on: to === null || to > now,
    hold: !atTop || paused,
    paused,
    walk,
    onNew: (steps, put) => {
      if (put && active >= 0) {
        setActive(active + steps.length);
      }
      void timings.want(steps.map((step) => step.id));
      sumsSoon();
    },
    onGap: () => anew(),
    onChanged: (ids) => {
      void timings.want(ids);
      sumsSoon();
    },
  });

  const top = () => list_.current?.querySelector('.scroller')?.scrollTo({ top: 0 });
  const anew = () => {
    setTurn((n) => n + 1);
    setActive(-1);
    top();
  };
  const showNew = () => {
    setPaused(false);
    if (!live.show()) {
      anew();
    }
    top();
  };
  const move = (by: number) => {
    const next = Math.max(0, Math.min(walk.count - 1, active + by));
    walk.reach(next + 50);
    setActive(next);
  };
  useEffect(() => setActive(-1), [filters]);
  const openActive = () => {
    const step = active >= 0 ? walk.row(active) : undefined;
    if (step) {
      go(stepAddress(step.id));
    }
  };
  useKeys('Steps', [
    { keys: 'j', doc: 'Next step', run: () => move(1) },
    { keys: 'k', doc: 'Step before', run: () => move(-1) },
    { keys: 'ArrowDown', doc: 'Next step', run: () => move(1), hidden: true },
    { keys: 'ArrowUp', doc: 'Step before', run: () => move(-1), hidden: true },
    { keys: 'Enter', doc: 'Open the step', run: (event) => (event.target as Element).closest('button, a, summary, label') ? (event.target as HTMLElement).click() : openActive() },
    { keys: 'n', doc: 'Show new steps', run: showNew },
    { keys: 'p', doc: 'Pause, and go on', run: () => setPaused(!paused) },
    { keys: 'r', doc: 'Ask anew', run: anew },
  ]);
  useCommands([
    { title: 'Steps: only those that failed', run: () => change({ status: 'failed' }) },
    { title: 'Steps: only those with feedback', run: () => change({ has_feedback: 'true' }) },
    { title: 'Steps: clear all filters', run: () => change(noFilters()) },
    { title: paused ? 'Steps: go on' : 'Steps: pause', hint: 'p', run: () => setPaused(!paused) },
  ]);

  const onActive = useCallback((index: number) => setActive(index), []);
  const onReach = useLatest((last: number) => walk.reach(last));
  const row = (i: number) => {
    const step = walk.row(i);
    return <Row index={i} step={step} metrics={step && timings.get(step.id)} columns={columns} active={i === active} narrow={narrow} names={names} onActive={onActive} />;
  };

  const nothing = walk.done && walk.count === 0;
  const total = count.data ? `${count.data.complete ? '' : 'at least '}${format.plural(count.data.count, 'step')}` : '';
  const sums = turn * 1e6 + changes;
  return (
    <section class="page full steps" ref={list_}>
      <Head
        title={
          <>
            Steps <small class="faint num">{total}</small>
          </>
        }
      >
        <Search />
        <button class="only-narrow" onClick={() => setSheet(true)}>
          <Icon name="filter" />
          Values
        </button>
        <AddFilter params={chosenParams} />
        <TimeRange />
        {!narrow && <ColumnChoice />}
        <SavedViews page="steps" />
        <LiveButton state={live.state} paused={paused} onToggle={() => setPaused(!paused)} />
      </Head>
      <Chips params={chosenParams} any={hasFilters(query)} none={noFilters()} />
      {nothing && !hasFilters(query) ? (
        <FirstSteps />
      ) : (
        <div class="steps-body">
          {!narrow && (
            <aside class="facets" aria-label="Values">
              <FacetBar now={now} turn={sums} />
            </aside>
          )}
          <div class="steps-main">
            <Strip now={now} oldest={begun} newest={newest} turn={sums} />
            {live.waiting > 0 && (
              <button class="new-pill" onClick={showNew}>
                <Icon name="up" />
                {format.count(live.waiting)} new
              </button>
            )}
            {walk.error && <ErrorBox error={walk.error} retry={() => walk.retry()} />}
            {nothing ? (
              <Empty title="No step is like that">
                <p>
                  <button onClick={() => change(noFilters())}>Clear all filters</button>
                </p>
              </Empty>
            ) : (
              <VirtualList
                key={filters + turn}
                class={narrow ? 'narrow' : ''}
                label="Steps"
                count={walk.count}
                total={count.data?.complete ? count.data.count : undefined}
                rowHeight={narrow ? NARROW_ROW_PX : ROW_PX}
                row={row}
                gist={(i) => <RowGist index={i} step={walk.row(i)} />}
                active={active}
                activeId={active >= 0 ? rowId(active) : undefined}
                style={gridOf(columns)}
                onReach={onReach}
                onScrolled={setAtTop}
                head={!narrow && <HeadRow columns={columns} />}
                foot={walk.loading ? <Loading /> : walk.done && <div class="end faint">That was the first step.</div>}
              />
            )}
            <TokenLegend />
          </div>
        </div>
      )}
      {sheet && (
        <Dialog title="Values" onClose={() => setSheet(false)}>
          <FacetBar now={now} turn={sums} />
        </Dialog>
      )}
    </section>
  );
}
