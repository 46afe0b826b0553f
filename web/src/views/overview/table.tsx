// SPDX-License-Identifier: Apache-2.0
// A table of sums, a row a value of one dimension: how many steps, what they cost, how long they took, what people thought.
// Each row leads to the sums of that value alone, and to its steps. Order and length are the address's.
import type { Totals } from 'facts';
import type { ComponentChildren } from 'preact';
import { useState } from 'preact/hooks';
import * as format from '../../format';
import { useNames } from '../../names';
import { useQuery } from '../../route';
import { Icon, Link, TokenBar } from '../../ui';
import { knownCost, knownTokens, share, stepsLink, type Dimension, type Filters, type Latency, type Range } from '../../usage';
import { Change, CostUnknown, LatencyTitle, titleOf, UsageUnknown, Value, votesShare, VotesText, type Votes } from './parts';

export interface Row {
  key: string | null;
  sums: Totals;
  before?: Totals | undefined;
  latency?: Latency | undefined;
  votes?: Votes | undefined;
}

interface Column {
  name: string;
  title: string;
  class?: string;
  order(row: Row): number | string | null;
  cell(row: Row, whole: Totals): ComponentChildren;
}

export interface Extra {
  title: string;
  name: string;
  order?(row: Row): number | string | null;
  cell(row: Row): ComponentChildren;
}

const COLUMNS: Column[] = [
  { name: 'steps', title: 'Steps', order: (row) => row.sums.num_steps, cell: (row) => <span title={format.count(row.sums.num_steps)}>{format.short(row.sums.num_steps)}</span> },
  {
    name: 'cost',
    title: 'Spend',
    order: (row) => knownCost(row.sums),
    cell: (row) => (
      <>
        {format.money(knownCost(row.sums))} <CostUnknown sums={row.sums} short />
      </>
    ),
  },
  {
    name: 'share',
    title: 'Share',
    class: 'wide-only',
    order: (row) => knownCost(row.sums),
    cell: (row, whole) => {
      const cost = knownCost(row.sums);
      const part = cost === null ? null : share(cost, whole.cost_nano_usd);
      return part === null ? <span class="faint">{format.NOTHING}</span> : (
        <span class="meter" role="img" aria-label={`${format.percent(part)} of the spend`} title={`${format.percent(part)} of the spend`}>
          <span style={{ width: `${100 * part}%` }} />
        </span>
      );
    },
  },
  {
    name: 'change',
    title: 'Change',
    order: (row) => {
      const [now, before] = [knownCost(row.sums), row.before ? knownCost(row.before) : null];
      return now === null || before === null ? null : now - before;
    },
    cell: (row) => <Change now={knownCost(row.sums)} before={row.before && knownCost(row.before)} />,
  },
  {
    name: 'tokens',
    title: 'Tokens',
    order: (row) => knownTokens(row.sums),
    cell: (row) => (
      <>
        {format.short(knownTokens(row.sums))} <UsageUnknown sums={row.sums} short />
      </>
    ),
  },
  { name: 'parts', title: 'Kinds', class: 'wide-only', order: (row) => share(row.sums.cached_input_tokens, row.sums.prompt_tokens), cell: (row) => <TokenBar step={row.sums} /> },
  {
    name: 'errors',
    title: 'Errors',
    order: (row) => share(row.sums.failed_steps, row.sums.num_steps),
    cell: (row) => <span title={format.plural(row.sums.failed_steps, 'failed step')}>{format.percent(share(row.sums.failed_steps, row.sums.num_steps))}</span>,
  },
  { name: 'p50', title: 'p50', order: (row) => row.latency?.p50_ns ?? null, cell: (row) => <span title={LatencyTitle(row.latency)}>{format.duration(row.latency?.p50_ns)}</span> },
  { name: 'p95', title: 'p95', order: (row) => row.latency?.p95_ns ?? null, cell: (row) => <span title={LatencyTitle(row.latency)}>{format.duration(row.latency?.p95_ns)}</span> },
  { name: 'feedback', title: 'Liked', order: (row) => votesShare(row.votes), cell: (row) => <VotesText votes={row.votes} /> },
];

function ordered(rows: Row[], columns: (Column | Extra)[], name: string, rising: boolean, dimension: Dimension): Row[] {
  const column = columns.find((one) => one.name === name);
  const of = (row: Row) => (column?.order ? column.order(row) : titleOf(dimension, row.key).toLowerCase());
  const compare = (a: Row, b: Row) => {
    const [x, y] = [of(a), of(b)];
    return x === y ? 0 : x === null ? 1 : y === null ? -1 : x < y === rising ? -1 : 1;
  };
  return [...rows].sort((a, b) => compare(a, b) || b.sums.num_steps - a.sums.num_steps || (a.key ?? '').localeCompare(b.key ?? ''));
}

interface TableProps {
  dimension: Dimension;
  rows: Row[];
  whole: Totals;
  range: Range;
  filters: Filters;
  to(key: string): string; // where the name leads
  extra?: Extra[];
  first?: number; // rows that are shown at once
  usual?: string; // the order, unless the address has one
  without?: string[]; // columns that say nothing here
  latencyAsked?: { title: string; run(): void } | undefined; // a button instead of what nobody asked for
}

export function SumsTable({ dimension, rows, whole, range, filters, to, extra = [], first = 100, usual = '-cost', without = [], latencyAsked }: TableProps) {
  const [query, change] = useQuery();
  const [shown, setShown] = useState(first);
  useNames();
  const sort = query.get('sort') ?? usual;
  const rising = !sort.startsWith('-');
  const name = sort.replace(/^-/, '');
  const columns: (Column | Extra)[] = [...extra, ...COLUMNS.filter((one) => !without.includes(one.name))];
  const all = ordered(rows, columns, name, rising, dimension);
  const head = (column: { name: string; title: string; class?: string }, isText: boolean) => {
    const next = name === column.name ? `${rising ? '-' : ''}${column.name}` : `${isText ? '' : '-'}${column.name}`;
    return (
      <th key={column.name} class={`${isText ? '' : 'n'} ${column.class ?? ''}`} aria-sort={name === column.name ? (rising ? 'ascending' : 'descending') : undefined}>
        <button class="link sort" onClick={() => change({ sort: next === usual ? null : next }, true)}>
          {column.title}
          <span aria-hidden="true">{name === column.name ? (rising ? ' ↑' : ' ↓') : ''}</span>
        </button>
      </th>
    );
  };
  const link = (row: Row) => (row.key === null ? null : stepsLink(range, { ...filters, [dimension.filter]: row.key }));
  return (
    <>
      {latencyAsked && (
        <p class="aside">
          <button onClick={latencyAsked.run}>{latencyAsked.title}</button>
        </p>
      )}
      <div class="sideways" tabIndex={0} role="region" aria-label={`By ${dimension.title.toLowerCase()}`}>
        <table class="sums">
          <thead>
            <tr>
              {head({ name: 'name', title: dimension.title }, true)}
              {extra.map((one) => head(one, true))}
              {COLUMNS.filter((one) => !without.includes(one.name)).map((one) => head(one, false))}
              <th>
                <span class="unseen">Its steps</span>
              </th>
            </tr>
          </thead>
          <tbody>
            {all.slice(0, shown).map((row) => (
              <tr key={row.key ?? ''}>
                <th scope="row">
                  {row.key === null ? <Value dimension={dimension} value={null} /> : (
                    <Link to={to(row.key)}>
                      <Value dimension={dimension} value={row.key} />
                    </Link>
                  )}
                </th>
                {extra.map((one) => (
                  <td key={one.name}>{one.cell(row)}</td>
                ))}
                {COLUMNS.filter((one) => !without.includes(one.name)).map((one) => (
                  <td key={one.name} class={`n ${one.class ?? ''}`}>
                    {one.cell(row, whole)}
                  </td>
                ))}
                <td class="n">
                  {link(row) && (
                    <Link to={link(row)!} aria-label={`Steps of ${titleOf(dimension, row.key)}`}>
                      Steps
                    </Link>
                  )}
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      {all.length > shown && (
        <p class="aside">
          <button onClick={() => setShown(shown + Math.max(first, 100))}>
            <Icon name="down" /> Show more
          </button>{' '}
          <span class="faint">
            {format.count(shown)} of {format.count(all.length)}
          </span>
        </p>
      )}
    </>
  );
}
