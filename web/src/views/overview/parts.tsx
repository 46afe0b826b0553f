// SPDX-License-Identifier: Apache-2.0
// What pages of sums share: the choice of a time, filters as chips, names of values, and what is said beside a sum of which
// not everything is known.
import type { Totals } from 'facts';
import * as format from '../../format';
import { nameOf, useNames, type Named } from '../../names';
import { useQuery } from '../../route';
import { Icon, Link } from '../../ui';
import { CONVERSATION, DIMENSIONS, RANGES, utcText, type Dimension, type Filters, type Latency, type Range } from '../../usage';

// Above sums of which there will be more in a moment.
export const Summing = ({ read }: { read: number }) => (
  <p class="aside soft" role="status">
    So far of the newest {format.plural(read, 'step')}; all of this time are being summed…
  </p>
);

export function RangePicker({ range }: { range: Range }) {
  const [, change] = useQuery();
  return (
    <>
      <div class="segments" role="group" aria-label="Time">
        {RANGES.map(([word, title]) => (
          <button key={word} aria-pressed={range.word === word} onClick={() => change({ range: word, from: null, to: null })}>
            {title}
          </button>
        ))}
      </div>
      {range.word === '' && range.from !== null && range.to !== null && (
        <span class="tag">
          <span>
            {utcText(range.from)} – {utcText(range.to)} UTC
          </span>
          <button class="icon" aria-label="Take this time away" onClick={() => change({ from: null, to: null })}>
            <Icon name="cross" />
          </button>
        </span>
      )}
    </>
  );
}

// The name of what an id names. Projects are words of the sender's own, too: what is no id is shown as it is.
export const nameOrText = (kind: Named, text: string) => (/-[0-9a-f]{8}-/i.test(text) ? nameOf(kind, text) : text);

export const titleOf = (dimension: Dimension, value: string | null) =>
  value === null ? dimension.none : dimension.named ? nameOrText(dimension.named, value) : value;

// A value's name; what has none is said so, and looks like it.
export const Value = ({ dimension, value }: { dimension: Dimension; value: string | null }) => (
  <bdi class={value === null ? 'faint' : ''} title={value ?? dimension.none}>
    {format.line(titleOf(dimension, value), 120)}
  </bdi>
);

export function FilterChips({ filters, fixed = [] }: { filters: Filters; fixed?: string[] }) {
  const [, change] = useQuery();
  useNames();
  const shown = [...DIMENSIONS, CONVERSATION].filter((one) => filters[one.filter] && !fixed.includes(one.filter));
  return shown.length === 0 ? null : (
    <div class="chips">
      {shown.map((one) => (
        <span class="tag" key={one.filter}>
          <span>
            {one.title}: <Value dimension={one} value={filters[one.filter]!} />
          </span>
          <button class="icon" aria-label={`Remove the filter of ${one.title.toLowerCase()}`} onClick={() => change({ [one.filter]: null })}>
            <Icon name="cross" />
          </button>
        </span>
      ))}
    </div>
  );
}

// How it stands to the period before, as a share of that; nothing to compare with is nothing said.
export function Change({ now, before }: { now: number | null; before: number | null | undefined }) {
  if (now === null || before === null || before === undefined || (now === 0 && before === 0)) {
    return null;
  }
  if (before === 0) {
    return <span class="change">new</span>;
  }
  const by = (now - before) / before;
  const word = Math.abs(by) < 0.005 ? 'as before' : `${by > 0 ? '▲' : '▼'} ${by > 9.995 ? `×${format.short(now / before)}` : `${format.short(Math.round(Math.abs(by) * 1000) / 10)} %`}`;
  return (
    <span class="change" title="against the period before">
      {word}
      <span class="unseen"> {by > 0 ? 'more' : 'less'} than in the period before</span>
    </span>
  );
}

// Beside a sum of cost: of how many steps nobody knows it.
export const CostUnknown = ({ sums, short = false }: { sums: Totals; short?: boolean }) =>
  sums.cost_unknown > 0 ? (
    <Link class="unknown" to="/settings/prices" title={`${format.plural(sums.cost_unknown, 'step')} of unknown cost: see why, and what to do`}>
      {short ? `+ ${format.short(sums.cost_unknown)} ?` : `${format.plural(sums.cost_unknown, 'step')} of unknown cost`}
      {short && <span class="unseen"> steps of unknown cost</span>}
    </Link>
  ) : null;

export const UsageUnknown = ({ sums, short = false }: { sums: Totals; short?: boolean }) =>
  sums.usage_unknown > 0 ? (
    <span class="unknown" title={`${format.plural(sums.usage_unknown, 'step')} did not report all tokens, or tokens that do not add up; what they did report is in the sum`}>
      {short ? `+ ${format.short(sums.usage_unknown)} ?` : `${format.plural(sums.usage_unknown, 'step')} of unknown usage`}
      {short && <span class="unseen"> steps of unknown usage</span>}
    </span>
  ) : null;

export const LatencyTitle = (latency: Latency | undefined) =>
  latency ? `p50 ${format.duration(latency.p50_ns)}, p95 ${format.duration(latency.p95_ns)}, p99 ${format.duration(latency.p99_ns)} of ${format.plural(latency.count, 'measured step')}` : 'not measured';

export interface Votes {
  positive: number;
  negative: number;
}
export const votesShare = (votes: Votes | undefined): number | null => (votes && votes.positive + votes.negative > 0 ? votes.positive / (votes.positive + votes.negative) : null);

export const VotesText = ({ votes }: { votes: Votes | undefined }) =>
  votes && votes.positive + votes.negative > 0 ? (
    <span title={`${votes.positive} positive, ${votes.negative} negative`}>
      {format.percent(votesShare(votes))} <span class="faint">of {format.short(votes.positive + votes.negative)}</span>
    </span>
  ) : (
    <span class="faint">{format.NOTHING}</span>
  );
