// SPDX-License-Identifier: Apache-2.0
// What a page of sums asks the server for: the sums over time, by one dimension, of the period before, how long steps took,
// and what people thought of them. Each is a question of its own, so that a slow one keeps nothing else waiting.
import type { Totals } from 'facts';
import { useMemo, useState } from 'preact/hooks';
import { useApi, type Asked } from '../../api';
import { add, before, folded, keyOf, noTotals, READ_AT_ONCE, usagePath, useUsage, type Filters, type Group, type Range, type Report } from '../../usage';
import type { Votes } from './parts';
import type { Row } from './table';

export interface Sums {
  range: Range;
  now: number;
  groups: Group[]; // by the dimension and moment
  whole: Totals;
  before: Totals | undefined;
  beforeBy: Map<string | null, Totals> | undefined;
  overTime: Asked<Report>; // all, with latencies
  overall: Asked<Report>; // how long steps took in the whole time
  latencies: Asked<Report>; // and by dimension
  votes: Asked<Report>; // by moment
  votesBy: Asked<Report>;
  main: Asked<Report>;
  incomplete: boolean;
  summing: boolean; // what is there is of the newest steps, and soon of all
  rows: Row[];
  askLatencies: (() => void) | undefined; // there are so many steps that it takes a while
  reload(): void;
}

export function votesOf(report: Report | undefined, by: string): Map<string | null, Votes> {
  const out = new Map<string | null, Votes>();
  for (const group of report?.groups ?? []) {
    const votes = out.get(keyOf(group, by)) ?? { positive: 0, negative: 0 };
    votes[group.feedback as keyof Votes] += group.num_steps;
    out.set(keyOf(group, by), votes);
  }
  return out;
}

export const votesByMoment = (sums: Sums) => votesOf(sums.votes.data, sums.range.grain);
export const allVotes = (sums: Sums): Votes =>
  [...votesByMoment(sums).values()].reduce((all, one) => ({ positive: all.positive + one.positive, negative: all.negative + one.negative }), { positive: 0, negative: 0 });

export function useSums(by: string, range: Range, now: number, filters: Filters): Sums {
  const [asked, setAsked] = useState('');
  const past = before(range, now);
  const grain = range.grain;
  const main = useUsage(usagePath([by, grain], range, filters));
  const overTime = useApi<Report>(usagePath([grain], range, filters, { latency: 'true' }));
  const overall = useApi<Report>(usagePath([], range, filters, { latency: 'true' }));
  const gone = useUsage(past && !main.summing ? usagePath([by], past, filters) : null);
  const votes = useApi<Report>(usagePath(['feedback', grain], range, filters, { has_feedback: 'true' }));
  const votesBy = useApi<Report>(usagePath(['feedback', by], range, filters, { has_feedback: 'true' }));
  const whole = useMemo(() => (main.data?.groups ?? []).reduce((sum, group) => add(sum, group), noTotals()), [main.data]);
  const many = whole.num_steps > READ_AT_ONCE;
  const path = usagePath([by], range, filters, { latency: 'true' });
  const latencies = useApi<Report>(main.data && whole.num_steps > 0 && (!many || asked === path) ? path : null);

  const rows = useMemo(() => {
    const latencyOf = new Map((latencies.data?.groups ?? []).map((group) => [keyOf(group, by), group.step_time]));
    const pastOf = folded(gone.data?.groups ?? [], by);
    const liked = votesOf(votesBy.data, by);
    return [...folded(main.data?.groups ?? [], by)].map(([key, sums]): Row => ({
      key,
      sums,
      before: gone.data && past ? (pastOf.get(key) ?? noTotals()) : undefined,
      latency: latencyOf.get(key),
      votes: liked.get(key),
    }));
  }, [main.data, latencies.data, gone.data, votesBy.data, by]);

  const reload = () => [main, overTime, overall, gone, votes, votesBy, latencies].forEach((one) => one.reload());
  return {
    range, now, whole, overTime, overall, latencies, votes, votesBy, main, rows, reload,
    groups: main.data?.groups ?? [],
    before: past && gone.data ? (gone.data.total ?? noTotals()) : undefined,
    beforeBy: past && gone.data ? folded(gone.data.groups, by) : undefined,
    summing: main.summing,
    incomplete: !main.summing && [main, overTime, gone].some((one) => one.data?.complete === false),
    askLatencies: many && asked !== path ? () => setAsked(path) : undefined,
  };
}
