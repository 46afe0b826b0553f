// SPDX-License-Identifier: Apache-2.0
// The strip of charts above the list: what the steps that were found come to over time. Dragging across one zooms.
import type { Totals } from 'facts';
import { useMemo } from 'preact/hooks';
import { useApi } from '../../api';
import { Chart, type Series } from '../../chart';
import * as format from '../../format';
import { useQuery } from '../../route';
import { ErrorBox } from '../../ui';
import { keyOf, knownCost, knownTokens, type Group, type Latency, type Report } from '../../usage';
import { apiQuery, NOT_SUMMED, params, rangeOf, titleOf } from './state';

type Unit = 'minute' | 'hour' | 'day';

const SECONDS: Record<Unit, number> = { minute: 60, hour: 3600, day: 86400 };
const MOST_BARS = 2000;

// Times of groups are of UTC: what is summed ahead is.
const secondsOf = (key: string) => Date.parse(key.length === 10 ? `${key}T00:00:00Z` : key.length === 13 ? `${key}:00:00Z` : `${key}:00Z`) / 1000;

export function unitOf(seconds: number): Unit {
  return seconds <= 4 * 3600 ? 'minute' : seconds <= 5 * 86400 ? 'hour' : 'day';
}

// Every moment of the range, also those without steps; without a range from the first group to the last.
function grid(times: number[], unit: Unit, from: number | null, to: number): number[] {
  const step = SECONDS[unit];
  const first = Math.floor((from ?? times[0] ?? to) / step) * step;
  const count = Math.max(1, Math.floor((to - first) / step) + 1);
  if (count > MOST_BARS) {
    return times;
  }
  return Array.from({ length: count }, (_, i) => first + i * step);
}

interface Panel {
  title: string;
  value: string;
  hint?: string;
  series: Series[];
  show(n: number | null): string;
}

function panels(times: number[], sums: Map<number, Group>, latencies: Map<number, Group>, total: Totals | undefined, all: Latency | undefined): Panel[] {
  const values = (get: (sum: Group) => number | null) => times.map((at) => (sums.has(at) ? get(sums.get(at)!) : 0));
  const times_of = (name: 'p50_ns' | 'p95_ns') => times.map((at) => latencies.get(at)?.step_time?.[name] ?? null);
  const bars = (label: string, color: string, get: (sum: Group) => number | null): Series[] => [{ label, color, bars: true, values: values(get) }];
  const unknown = (n: number | undefined, what: string) => (n ? { hint: `${format.plural(n, 'step')} of unknown ${what}` } : {});
  const rate = total && total.num_steps > 0 ? total.failed_steps / total.num_steps : null;
  return [
    { title: 'Steps', value: format.count(total?.num_steps), series: bars('steps', '--accent', (sum) => sum.num_steps), show: format.short },
    { title: 'Errors', value: `${format.count(total?.failed_steps)}${rate ? ` · ${format.percent(rate)}` : ''}`, series: bars('errors', '--bad', (sum) => sum.failed_steps), show: format.short },
    { title: 'Tokens', value: format.short(total && knownTokens(total)), ...unknown(total?.usage_unknown, 'usage'), series: bars('tokens', '--t-uncached', knownTokens), show: format.short },
    { title: 'Cost', value: format.money(total && knownCost(total)), ...unknown(total?.cost_unknown, 'cost'), series: bars('cost', '--t-written', knownCost), show: format.money },
    {
      title: 'p50·p95',
      value: `${format.duration(all?.p50_ns)} · ${format.duration(all?.p95_ns)}`,
      series: [
        { label: 'p95', color: '--t-output', values: times_of('p95_ns') },
        { label: 'p50', color: '--t-reasoning', values: times_of('p50_ns') },
      ],
      show: format.duration,
    },
  ];
}

export function Strip({ now, oldest, newest, turn }: { now: number; oldest: number | null; newest: number | null; turn: number }) {
  const [query, change] = useQuery();
  const refused = NOT_SUMMED.filter((name) => query.has(name));
  const range = rangeOf(query, now);
  const from = range.from ?? oldest ?? now;
  // Without a range as far as there are steps; until the first rows are there, nobody knows.
  const to = range.to ?? (range.from === null ? newest : now) ?? now;
  const unit = unitOf((to - from) / 1000);
  const filters = apiQuery(query, now);
  const waits = range.from === null && (oldest === null || newest === null);
  const path = (more: string) => (refused.length > 0 || waits ? null : `/v1/usage?${more}${filters && `&${filters}`}#${turn}`);
  const sums = useApi<Report>(path(`group_by=${unit}`));
  const latencies = useApi<Report>(path(`group_by=${unit}&latency=true`));
  const all = useApi<Report>(path('latency=true'));

  const drawn = useMemo(() => {
    const byTime = (groups: Group[] = []) => new Map(groups.filter((group) => keyOf(group, unit)).map((group) => [secondsOf(keyOf(group, unit)!), group]));
    const summed = byTime(sums.data?.groups);
    const keys = [...summed.keys()].sort((a, b) => a - b);
    const times = sums.data ? grid(keys, unit, range.from === null ? null : from / 1000, to / 1000) : [];
    return { times, panels: panels(times, summed, byTime(latencies.data?.groups), sums.data?.total, all.data?.groups[0]?.step_time) };
  }, [sums.data, latencies.data, all.data, unit]);

  if (refused.length > 0) {
    const what = refused.map((name) => (name === 'text' ? 'a search' : titleOf(params.get(name)!.name).toLowerCase())).join(' and ');
    return <p class="strip-note faint">No charts: sums are not kept by {what}.</p>;
  }
  if (sums.error && !sums.data) {
    return <ErrorBox title="The charts could not be loaded" error={sums.error} retry={sums.reload} />;
  }
  const iso = (seconds: number) => new Date(seconds * 1000).toISOString();
  return (
    <div class="strip" role="group" tabIndex={0} aria-label={`Over time, by ${unit}${unit === 'day' ? ' of UTC' : ''}`}>
      {drawn.panels.map((panel) => (
        <div class="panel-chart" key={panel.title}>
          <div class="caption" title={panel.hint}>
            <span>{panel.title}</span>
            <strong class="num">
              {panel.value}
              {panel.hint && <sup>?</sup>}
            </strong>
          </div>
          <Chart
            label={panel.title}
            times={drawn.times}
            series={panel.series}
            value={panel.show}
            height={46}
            step={SECONDS[unit]}
            together="steps"
            when={unit === 'day' ? (at) => new Date(at * 1000).toISOString().slice(0, 10) : undefined}
            onZoom={(since, until) => change({ since: iso(since), until: iso(until), last: null, start_date: null, end_date: null })}
          />
        </div>
      ))}
      {sums.data && !sums.data.complete && <p class="faint note">The sums are of the newest steps only: there are more than one question reads.</p>}
    </div>
  );
}
