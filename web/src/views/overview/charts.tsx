// SPDX-License-Identifier: Apache-2.0
// The charts of a page of sums: spend and tokens by what is chosen, kinds of tokens, errors, time, feedback. Dragging
// narrows the time; a click goes to the steps of that day or hour, the link in the head to those of all of it.
import type { ComponentChildren } from 'preact';
import { useMemo, useRef } from 'preact/hooks';
import { Chart, type Series } from '../../chart';
import * as format from '../../format';
import { go, useQuery } from '../../route';
import { BUCKETS, bucketsOf, ErrorBox, Link, Loading } from '../../ui';
import { keyOf, keysOf, knownTokens, rangeAt, share, startOf, stepsLink, utcText, type Dimension, type Filters, type Group, HOUR_MS, DAY_MS } from '../../usage';
import { votesByMoment, type Sums } from './data';
import { CostUnknown, titleOf, UsageUnknown, votesShare } from './parts';

const CHART_PX = 168;
const MOST_SERIES = 7;

interface CardProps {
  sums: Sums;
  title: string;
  note?: ComponentChildren;
  keys: string[];
  series: Series[];
  filters: Filters;
  more?: Record<string, string>; // narrows to the steps that the chart is about
  value(n: number | null): string;
  ticks?: number[]; // as Chart's
  none: string; // what is said when there is nothing to draw
  stacked?: boolean;
  wide?: boolean;
  legend?: ComponentChildren;
  state?: { error: Error | undefined; loading: boolean; data: unknown; reload(): void };
}

function ChartCard({ sums, title, note, keys, series, filters, more = {}, value, ticks, none, stacked = false, wide = false, legend, state }: CardProps) {
  const [, change] = useQuery();
  const at = useRef<{ index: number | null; down: number }>({ index: null, down: 0 });
  const { range } = sums;
  const times = useMemo(() => keys.map((key) => startOf(key, range.grain) / 1000), [keys]); // the same ones as long as they are: a chart is drawn anew for others
  const unit = range.grain === 'hour' ? HOUR_MS : DAY_MS;
  const failed = state?.data ? undefined : state?.error;
  const nothing = !series.some((one) => one.values.some((n) => n !== null && n !== 0));
  // Whole days and hours, and at least one.
  const zoom = (from: number, to: number) => {
    const first = Math.floor((from * 1000) / unit) * unit;
    const last = Math.max(first + unit, Math.ceil((to * 1000) / unit) * unit);
    change({ from: new Date(first).toISOString(), to: new Date(last).toISOString(), range: null });
  };
  const click = (event: MouseEvent) => {
    const key = keys[at.current.index ?? -1];
    if (key && Math.abs(event.clientX - at.current.down) < 3) {
      go(stepsLink(rangeAt(key, range.grain), filters, more));
    }
  };
  return (
    <section class={`card ${wide ? 'wide' : ''}`}>
      <header>
        <h2>{title}</h2>
        <span class="beside-note">{note}</span>
        <Link to={stepsLink(range, filters, more)} aria-label={`Steps behind: ${title}`}>
          Steps
        </Link>
      </header>
      <div class="body">
        {failed ? (
          <ErrorBox error={failed} retry={state?.reload} />
        ) : state && !state.data && state.loading ? (
          <Loading />
        ) : nothing ? (
          <p class="empty-chart faint">{none}</p>
        ) : (
          <div class="leads" onPointerDown={(event) => (at.current.down = event.clientX)} onClick={click}>
            <Chart
              label={title}
              times={times}
              series={series}
              value={value}
              {...(ticks ? { ticks } : {})}
              height={CHART_PX}
              axes
              step={unit / 1000}
              stacked={stacked}
              together="overview"
              utc
              when={(at) => utcText(at * 1000).slice(0, range.grain === 'day' ? 10 : 16)}
              onZoom={zoom}
              onHover={(index) => (at.current.index = index)}
            />
          </div>
        )}
        {legend}
      </div>
    </section>
  );
}

const Legend = ({ items }: { items: { color: string; text: ComponentChildren; key: string }[] }) => (
  <ul class="legend">
    {items.map(({ color, text, key }) => (
      <li key={key}>
        <span class="swatch" style={{ background: `var(${color})` }} aria-hidden="true" /> {text}
      </li>
    ))}
  </ul>
);

// The largest values of the dimension have a colour each, the others are one.
function split(sums: Sums, dimension: Dimension, keys: string[], of: (group: Group) => number) {
  const place = new Map(keys.map((key, i) => [key, i]));
  const sizes = new Map<string | null, number>();
  for (const group of sums.groups) {
    const key = keyOf(group, dimension.by);
    sizes.set(key, (sizes.get(key) ?? 0) + of(group));
  }
  const largest = [...sizes].filter(([, size]) => size > 0).sort((a, b) => b[1] - a[1]);
  const own = largest.slice(0, largest.length > MOST_SERIES ? MOST_SERIES - 1 : MOST_SERIES).map(([key]) => key);
  const others = largest.slice(own.length);
  const lines = [...own.map(() => keys.map(() => 0)), keys.map(() => 0)];
  for (const group of sums.groups) {
    const i = place.get(keyOf(group, sums.range.grain) ?? '');
    const found = own.indexOf(keyOf(group, dimension.by));
    if (i !== undefined) {
      lines[found < 0 ? own.length : found]![i]! += of(group);
    }
  }
  const named = own.map((key, i) => ({ key, label: titleOf(dimension, key), color: `--c${i + 1}`, size: sizes.get(key)!, values: lines[i]! }));
  const rest = { key: undefined, label: format.plural(others.length, 'other'), color: '--c0', size: others.reduce((sum, [, size]) => sum + size, 0), values: lines[own.length]! };
  return others.length > 0 ? [...named, rest] : named;
}

interface ByProps {
  sums: Sums;
  dimension: Dimension;
  keys: string[];
  filters: Filters;
  onPick(key: string): void;
}

function ByCard({ sums, dimension, keys, filters, onPick, title, note, of, value }: ByProps & { title: string; note: ComponentChildren; of(group: Group): number; value(n: number | null): string }) {
  const parts = split(sums, dimension, keys, of);
  return (
    <ChartCard
      sums={sums}
      title={title}
      note={note}
      keys={keys}
      series={parts.map(({ label, color, values }) => ({ label, color, values, bars: true }))}
      filters={filters}
      value={value}
      none="Nothing is known of it"
      stacked
      wide
      state={sums.main}
      legend={
        <Legend
          items={parts.map(({ key, label, color, size }) => ({
            key: `${key}`,
            color,
            text: key === undefined || key === null ? `${label} ${value(size)}` : (
              <>
                <button class="link" title={`Only ${label}`} onClick={() => onPick(key)}>
                  <bdi>{format.line(label, 60)}</bdi>
                </button>{' '}
                {value(size)}
              </>
            ),
          }))}
        />
      }
    />
  );
}

export const Spend = (props: ByProps) => (
  <ByCard {...props} title={`Spend by ${props.dimension.title.toLowerCase()}`} note={<CostUnknown sums={props.sums.whole} />} of={(group) => group.cost_nano_usd} value={format.money} />
);
export const Tokens = (props: ByProps) => (
  <ByCard {...props} title={`Tokens by ${props.dimension.title.toLowerCase()}`} note={<UsageUnknown sums={props.sums.whole} />} of={(group) => knownTokens(group) ?? 0} value={format.short} />
);

const COLORS = ['--t-uncached', '--t-cached', '--t-written', '--t-output', '--t-reasoning'];

interface AllProps {
  sums: Sums;
  keys: string[];
  filters: Filters;
}

function at(sums: Sums, groups: Group[], keys: string[]): (Group | undefined)[] {
  const found = new Map(groups.map((group) => [keyOf(group, sums.range.grain), group]));
  return keys.map((key) => found.get(key));
}

export function Kinds({ sums, keys, filters }: AllProps) {
  const moments = at(sums, sums.overTime.data?.groups ?? [], keys);
  const series = BUCKETS.map(([, label], kind): Series => ({ label, color: COLORS[kind]!, bars: true, values: moments.map((group) => (group ? bucketsOf(group)[kind]! : 0)) }));
  const prompt = sums.whole.prompt_tokens;
  return (
    <ChartCard
      sums={sums}
      title="Tokens by kind"
      note={prompt > 0 ? `${format.percent(share(sums.whole.cached_input_tokens, prompt))} of the input read from caches` : ''}
      keys={keys}
      series={series}
      filters={filters}
      value={format.short}
      none="No tokens were reported"
      stacked
      state={sums.overTime}
      legend={<Legend items={BUCKETS.map(([name, word], kind) => ({ key: name, color: COLORS[kind]!, text: word }))} />}
    />
  );
}

export function Errors({ sums, keys, filters }: AllProps) {
  const moments = at(sums, sums.overTime.data?.groups ?? [], keys);
  return (
    <ChartCard
      sums={sums}
      title="Error rate"
      note={`${format.plural(sums.whole.failed_steps, 'failed step')}`}
      keys={keys}
      series={[{ label: 'failed', color: '--bad', bars: true, values: moments.map((group) => (group ? share(group.failed_steps, group.num_steps) : null)) }]}
      filters={filters}
      more={{ status: 'failed' }}
      value={format.percent}
      none="No step failed"
      state={sums.overTime}
    />
  );
}

const PERCENTILES = [
  ['p50_ns', 'p50', '--c1'],
  ['p95_ns', 'p95', '--c2'],
  ['p99_ns', 'p99', '--c3'],
] as const;

export function Times({ sums, keys, filters }: AllProps) {
  const moments = at(sums, sums.overTime.data?.groups ?? [], keys);
  return (
    <ChartCard
      sums={sums}
      title="Step time"
      keys={keys}
      series={PERCENTILES.map(([name, label, color]) => ({ label, color, values: moments.map((group) => group?.step_time?.[name] ?? null) }))}
      filters={filters}
      value={format.duration}
      ticks={format.DURATION_TICKS}
      none="No time was measured"
      state={sums.overTime}
      legend={<Legend items={PERCENTILES.map(([, label, color]) => ({ key: label, color, text: label }))} />}
    />
  );
}

export function Feedback({ sums, keys, filters }: AllProps) {
  const votes = votesByMoment(sums);
  const shares = keys.map((key) => votesShare(votes.get(key)));
  return (
    <ChartCard
      sums={sums}
      title="Feedback"
      note={sums.votes.data?.complete === false && 'of the newest steps'}
      keys={keys}
      series={[
        { label: 'positive', color: '--good', bars: true, values: shares },
        { label: 'negative', color: '--bad', bars: true, values: shares.map((part) => (part === null ? null : 1 - part)) },
      ]}
      filters={filters}
      more={{ has_feedback: 'true' }}
      value={format.percent}
      none="Nobody gave any"
      stacked
      state={sums.votes}
      legend={<Legend items={[{ key: 'positive', color: '--good', text: 'positive' }, { key: 'negative', color: '--bad', text: 'negative' }]} />}
    />
  );
}

// Steps that are in the sums and before what is drawn.
export const undrawn = (sums: Sums, keys: string[]): number =>
  (sums.overTime.data?.groups ?? []).filter((group) => (keyOf(group, sums.range.grain) ?? '') < (keys[0] ?? '')).reduce((sum, group) => sum + group.num_steps, 0);

export function useKeysOf(sums: Sums): string[] {
  const groups = sums.overTime.data?.groups ?? sums.groups;
  const first = sums.range.from === null ? groups : null; // only a range without a beginning looks at what there is
  return useMemo(() => keysOf(sums.range, first ?? [], sums.now), [sums.range, sums.now, first]);
}
