// SPDX-License-Identifier: Apache-2.0
// Sums of steps in full: figures, charts, a table by what is chosen, and what moved most against the period before. The
// overview shows it of everything; the pages of an agent or a conversation show it of theirs.
import { useMemo } from 'preact/hooks';
import * as format from '../../format';
import { useQuery, withQuery, useRoute } from '../../route';
import { Empty, ErrorBox, Link, Loading } from '../../ui';
import { dimensionOf, DIMENSIONS, knownCost, knownTokens, noTotals, rangeOf, share, stepsLink, type Dimension, type Filters, type Range } from '../../usage';
import { FirstSteps } from '../../first';
import { Errors, Feedback, Kinds, Spend, Times, Tokens, undrawn, useKeysOf } from './charts';
import { allVotes, type Sums } from './data';
import { Change, CostUnknown, LatencyTitle, Summing, UsageUnknown, Value, votesShare } from './parts';
import { SumsTable } from './table';

// The time of the page, the same until the address is another or somebody asks anew.
export function useRange(turn = 0): { range: Range; now: number } {
  const [query] = useQuery();
  const text = ['range', 'from', 'to'].map((name) => query.get(name)).join(' ');
  return useMemo(() => {
    const now = Math.ceil(Date.now() / 60000) * 60000;
    return { range: rangeOf(query, now), now };
  }, [text, turn]);
}

function Figures({ sums, filters }: { sums: Sums; filters: Filters }) {
  const { whole, before: past, range } = sums;
  const latency = sums.overall.data?.groups[0]?.step_time;
  const votes = allVotes(sums);
  const errors = share(whole.failed_steps, whole.num_steps);
  const figures = [
    { title: 'Spend', value: format.money(knownCost(whole)), change: <Change now={knownCost(whole)} before={past && knownCost(past)} />, note: <CostUnknown sums={whole} />, to: stepsLink(range, filters) },
    { title: 'Steps', value: format.short(whole.num_steps), change: <Change now={whole.num_steps} before={past?.num_steps} />, note: null, to: stepsLink(range, filters) },
    { title: 'Tokens', value: format.short(knownTokens(whole)), change: <Change now={knownTokens(whole)} before={past && knownTokens(past)} />, note: <UsageUnknown sums={whole} />, to: stepsLink(range, filters) },
    { title: 'Error rate', value: format.percent(errors), change: <Change now={errors} before={past && share(past.failed_steps, past.num_steps)} />, note: format.plural(whole.failed_steps, 'failed step'), to: stepsLink(range, filters, { status: 'failed' }) },
    { title: 'Step time, p95', value: format.duration(latency?.p95_ns), change: null, note: latency && latency.count > 0 ? <span title={LatencyTitle(latency)}>p50 {format.duration(latency.p50_ns)}, p99 {format.duration(latency.p99_ns)}</span> : 'not measured', to: stepsLink(range, filters) },
    { title: 'Liked', value: format.percent(votesShare(votes)), change: null, note: `of ${format.plural(votes.positive + votes.negative, 'step')} with feedback${sums.votes.data?.complete === false ? ', the newest' : ''}`, to: stepsLink(range, filters, { has_feedback: 'true' }) },
  ];
  return (
    <ul class="figures">
      {figures.map((one) => (
        <li key={one.title} class="card">
          <span class="top">
            <Link to={one.to} class="title">
              {one.title}
            </Link>
            {one.change}
          </span>
          <span class="figure">{one.value}</span>
          <span class="beside-note">{one.note}</span>
        </li>
      ))}
    </ul>
  );
}

const MOST_MOVERS = 5;

function Movers({ sums, dimension, filters }: { sums: Sums; dimension: Dimension; filters: Filters }) {
  if (!sums.beforeBy) {
    return null;
  }
  const keys = new Set([...sums.rows.map((row) => row.key), ...sums.beforeBy.keys()]);
  const now = new Map(sums.rows.map((row) => [row.key, row.sums]));
  const moved = [...keys]
    .map((key) => ({ key, now: knownCost(now.get(key) ?? noTotals()), before: knownCost(sums.beforeBy!.get(key) ?? noTotals()) }))
    .map((one) => ({ ...one, by: one.now === null || one.before === null ? 0 : one.now - one.before })) // from or to what nobody knows is no move
    .filter((one) => one.by !== 0)
    .sort((a, b) => Math.abs(b.by) - Math.abs(a.by))
    .slice(0, MOST_MOVERS);
  const most = Math.max(1, ...moved.map((one) => Math.abs(one.by)));
  return (
    <section class="card">
      <header>
        <h2>Moved most</h2>
        <span class="beside-note">spend against the period before</span>
      </header>
      <div class="body">
        {moved.length === 0 ? <p class="faint">Nothing cost more or less than in the period before.</p> : (
          <ul class="movers">
            {moved.map((one) => (
              <li key={one.key ?? ''}>
                {one.key === null ? <Value dimension={dimension} value={null} /> : (
                  <Link to={stepsLink(sums.range, { ...filters, [dimension.filter]: one.key })}>
                    <Value dimension={dimension} value={one.key} />
                  </Link>
                )}
                <span class={`mover ${one.by > 0 ? 'rise' : 'fall'}`} aria-hidden="true">
                  <span style={{ width: `${(50 * Math.abs(one.by)) / most}%` }} />
                </span>
                <span class="n" title={`${format.money(one.before)} before, ${format.money(one.now)} now`}>
                  {one.by > 0 ? '+' : '−'}
                  {format.money(Math.abs(one.by))}
                </span>
                <span class="n faint">
                  {format.money(one.before)} → {format.money(one.now)}
                </span>
              </li>
            ))}
          </ul>
        )}
      </div>
    </section>
  );
}

// A ledger without steps says how to get one in; a time without steps leads to all time.
function Nothing({ filters }: { filters: Filters }) {
  const route = useRoute();
  const narrowed = Object.keys(filters).length > 0 || route.query.get('range') !== 'all';
  return narrowed ? (
    <Empty title="No step in this time">
      <p class="soft">
        Nothing was recorded then{Object.keys(filters).length > 0 ? ' that these filters find' : ''}. <Link to={withQuery(route, { range: 'all', from: null, to: null })}>Look at all time</Link>
      </p>
    </Empty>
  ) : (
    <FirstSteps />
  );
}

interface BodyProps {
  sums: Sums;
  dimension: Dimension;
  filters: Filters;
  dimensions?: readonly Dimension[];
}

export function SumsBody({ sums, dimension, filters, dimensions = DIMENSIONS }: BodyProps) {
  const [, change] = useQuery();
  const route = useRoute();
  const keys = useKeysOf(sums);
  const pick = (key: string) => change({ [dimension.filter]: key });
  if (sums.main.error && !sums.main.data) {
    return <ErrorBox error={sums.main.error} retry={sums.reload} />;
  }
  if (!sums.main.data) {
    return <Loading />;
  }
  if (sums.whole.num_steps === 0) {
    return <Nothing filters={filters} />;
  }
  const shared = { sums, keys, filters };
  const early = undrawn(sums, keys);
  return (
    <>
      {sums.summing && <Summing read={sums.whole.num_steps} />}
      {sums.incomplete && <p class="aside soft">There are more steps in this time than one answer reads: the newest are summed. A shorter time, or other sums, are complete.</p>}
      <Figures sums={sums} filters={filters} />
      <div class="segments" role="group" aria-label="Sum by">
        {dimensions.map((one) => (
          <button key={one.by} aria-pressed={one.by === dimension.by} onClick={() => change({ by: one.by, sort: null })}>
            {one.title}
          </button>
        ))}
      </div>
      <div class="charts">
        <Spend {...shared} dimension={dimension} onPick={pick} />
        <Tokens {...shared} dimension={dimension} onPick={pick} />
        <Errors {...shared} />
        <Times {...shared} />
        <Feedback {...shared} />
        <Kinds {...shared} />
      </div>
      <p class="aside faint">Days and hours of UTC. Drag across a chart to narrow the time, click in it for the steps of that {sums.range.grain}.{early > 0 && ` ${format.plural(early, 'step')} before ${keys[0]} ${early === 1 ? 'is' : 'are'} in the sums and not in the charts.`}</p>
      <div class="beside">
        <section class="card">
          <header>
            <h2>By {dimension.title.toLowerCase()}</h2>
          </header>
          <SumsTable
            dimension={dimension}
            rows={sums.rows}
            whole={sums.whole}
            range={sums.range}
            filters={filters}
            to={(key) => withQuery(route, { [dimension.filter]: key, sort: null })}
            first={12}
            without={sums.beforeBy ? [] : ['change']}
            latencyAsked={sums.askLatencies && { title: `Measure the time of ${format.short(sums.whole.num_steps)} steps`, run: sums.askLatencies }}
          />
        </section>
        <Movers sums={sums} dimension={dimension} filters={filters} />
      </div>
    </>
  );
}

export const useDimension = (usual: string) => {
  const [query] = useQuery();
  return dimensionOf(query.get('by') ?? usual);
};


