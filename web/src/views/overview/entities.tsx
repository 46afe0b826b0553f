// SPDX-License-Identifier: Apache-2.0
// Conversations, agents, models, providers: a page of sums each, with what is known of them besides. Names lead to the sums
// of one alone, and from there to its steps.
import type { Agent, Conversation, Provider, Totals } from 'facts';
import type { ComponentChildren } from 'preact';
import { useMemo, useState } from 'preact/hooks';
import { useApi } from '../../api';
import { FirstSteps } from '../../first';
import * as format from '../../format';
import { nameOf } from '../../names';
import { useQuery, useRoute, withQuery } from '../../route';
import { Empty, ErrorBox, Head, Id, Link, Loading, OutLink, Time } from '../../ui';
import { add, CONVERSATION, dimensionOf, folded, keyOf, knownCost, noTotals, READ_AT_ONCE, share, usagePath, useUsage, type Dimension, type Filters, type Group, type Report } from '../../usage';
import { Unknown } from '../settings/unknown';
import { useRange } from './body';
import { votesOf } from './data';
import { nameOrText, RangePicker, Summing } from './parts';
import { SumsTable, type Extra, type Row } from './table';

const NO_FILTERS: Filters = {};

interface EntityProps {
  title: string;
  dimension: Dimension;
  to(key: string): string;
  extra?(groups: Group[]): Extra[];
  others?: string[]; // values that have a row also without steps, when there is no other time than all
  beside?: string; // what else the sums are told apart by
  above?: ComponentChildren;
  below?: ComponentChildren;
  usual?: string;
  find(key: string): string; // the text that the search looks at
}

// Sums by one dimension over a time, with the period before left out: who compares goes to the overview.
function Entities({ title, dimension, to, extra = () => [], others = [], beside, above, below, usual, find }: EntityProps) {
  const [query, change] = useQuery();
  const route = useRoute();
  const { range } = useRange();
  const [asked, setAsked] = useState('');
  const sums = useUsage(usagePath(beside ? [dimension.by, beside] : [dimension.by], range, NO_FILTERS));
  const votes = useApi<Report>(usagePath(['feedback', dimension.by], range, NO_FILTERS, { has_feedback: 'true' }));
  const path = usagePath([dimension.by], range, NO_FILTERS, { latency: 'true' });
  const steps = sums.data?.total.num_steps ?? 0;
  const times = useApi<Report>(steps > 0 && !sums.summing && (steps <= READ_AT_ONCE || asked === path) ? path : null);
  const wanted = (query.get('find') ?? '').toLowerCase();

  const rows = useMemo((): Row[] => {
    const timeOf = new Map((times.data?.groups ?? []).map((group) => [keyOf(group, dimension.by), group.step_time]));
    const liked = votesOf(votes.data, dimension.by);
    const groups = folded(sums.data?.groups ?? [], dimension.by);
    for (const key of range.word === 'all' ? others : []) {
      groups.set(key, groups.get(key) ?? noTotals());
    }
    return [...groups].map(([key, totals]) => ({
      key,
      sums: totals,
      latency: timeOf.get(key),
      votes: liked.get(key),
    }));
  }, [sums.data, times.data, votes.data, others.length, range.word]);
  const found = wanted ? rows.filter((row) => find(row.key ?? dimension.none).toLowerCase().includes(wanted)) : rows;
  const whole = useMemo(() => rows.reduce((sum, row) => add(sum, row.sums), noTotals()), [rows]);

  return (
    <section class="page sums-page">
      <Head title={title}>
        <input type="search" aria-label={`Find in ${title.toLowerCase()}`} placeholder="Find…" value={query.get('find') ?? ''} onInput={(event) => change({ find: event.currentTarget.value }, true)} />
        <RangePicker range={range} />
      </Head>
      {above}
      {sums.error && !sums.data ? <ErrorBox error={sums.error} retry={sums.reload} /> : !sums.data ? <Loading /> : rows.length === 0 ? (
        range.word === 'all' ? <FirstSteps /> : (
          <Empty title="No step in this time">
            <p class="soft">
              <Link to={withQuery(route, { range: 'all', from: null, to: null })}>Look at all time</Link>
            </p>
          </Empty>
        )
      ) : (
        <section class="card">
          {sums.summing ? <Summing read={steps} /> : sums.data.complete ? null : <p class="aside soft">There are more steps in this time than one answer reads: the newest are summed.</p>}
          {found.length === 0 ? <p class="aside faint">Nothing here has “{wanted}” in its name.</p> : (
            <SumsTable
              dimension={dimension}
              rows={found}
              whole={whole}
              range={range}
              filters={NO_FILTERS}
              to={to}
              extra={extra(sums.data.groups)}
              without={['change']}
              {...(usual ? { usual } : {})}
              latencyAsked={!sums.summing && steps > READ_AT_ONCE && asked !== path ? { title: `Measure the time of ${format.short(steps)} steps`, run: () => setAsked(path) } : undefined}
            />
          )}
        </section>
      )}
      {below}
    </section>
  );
}

const overview = (dimension: Dimension, key: string) => `/overview?${new URLSearchParams({ [dimension.filter]: key }).toString()}`;
const MOST_RECORDS = 1000;

export function Agents() {
  const agents = useApi<Agent[]>(`/v1/agents/?limit=${MOST_RECORDS}`);
  const byId = useMemo(() => new Map((agents.data ?? []).map((agent) => [agent.id, agent])), [agents.data]);
  const dimension = dimensionOf('agent');
  const extra: Extra[] = [
    {
      name: 'project',
      title: 'Project',
      order: (row) => nameOrText('project', byId.get(row.key ?? '')?.project_id ?? ''),
      cell: (row) => {
        const project = byId.get(row.key ?? '')?.project_id;
        return project ? <bdi>{nameOrText('project', project)}</bdi> : <span class="faint">{format.NOTHING}</span>;
      },
    },
    { name: 'last', title: 'Last run', order: (row) => byId.get(row.key ?? '')?.last_run_completion ?? '', cell: (row) => <Time at={byId.get(row.key ?? '')?.last_run_completion} /> },
  ];
  return (
    <Entities
      title="Agents"
      dimension={dimension}
      to={(key) => `/agents/${encodeURIComponent(key)}`}
      extra={() => extra}
      others={[...byId.keys()]}
      find={(key) => `${byId.get(key)?.name ?? ''} ${key}`}
    />
  );
}

export function Conversations() {
  const conversations = useApi<Conversation[]>(`/v1/conversations/?limit=${MOST_RECORDS}`);
  const byId = useMemo(() => new Map((conversations.data ?? []).map((one) => [one.id, one])), [conversations.data]);
  const extra: Extra[] = [
    {
      name: 'agent',
      title: 'Agent',
      order: (row) => nameOf('agent', byId.get(row.key ?? '')?.agent_id ?? ''),
      cell: (row) => {
        const agent = byId.get(row.key ?? '')?.agent_id;
        return agent ? (
          <Link to={`/agents/${encodeURIComponent(agent)}`}>
            <bdi>{nameOf('agent', agent)}</bdi>
          </Link>
        ) : (
          <span class="faint">{format.NOTHING}</span>
        );
      },
    },
    { name: 'last', title: 'Last message', order: (row) => byId.get(row.key ?? '')?.last_message_at ?? '', cell: (row) => <Time at={byId.get(row.key ?? '')?.last_message_at} /> },
  ];
  return (
    <Entities
      title="Conversations"
      dimension={CONVERSATION}
      to={(key) => `/conversations/${encodeURIComponent(key)}`}
      extra={() => extra}
      others={[...byId.keys()]}
      usual="-last"
      find={(key) => `${byId.get(key)?.summary ?? ''} ${key}`}
    />
  );
}

// What a million tokens cost; nobody knows it while there are steps whose tokens are known, and not what they cost. Where not
// all tokens of a step are known, what is known of its model is the least.
function blended(sums: Totals): number | null {
  const cost = knownCost(sums);
  return cost === null || sums.cost_unknown > sums.usage_unknown ? null : share(cost * 1e6, sums.total_tokens);
}
const blendedText = (sums: Totals) => `${blended(sums) !== null && sums.cost_unknown > 0 ? '≥ ' : ''}${format.money(blended(sums))}`;

export function Models() {
  const dimension = dimensionOf('model');
  const { range } = useRange();
  const extra: Extra[] = [
    {
      name: 'blended',
      title: '$ a million',
      order: (row) => blended(row.sums),
      cell: (row) => blendedText(row.sums),
    },
  ];
  return <Entities title="Models" dimension={dimension} to={(key) => overview(dimension, key)} extra={() => extra} above={<Unknown range={range} brief />} find={(key) => key} />;
}

function Configured() {
  const providers = useApi<Provider[]>(`/v1/providers/?limit=${MOST_RECORDS}`);
  if (providers.error) {
    return <ErrorBox error={providers.error} retry={providers.reload} title="The configured providers could not be loaded" />;
  }
  return providers.data && providers.data.length > 0 ? (
    <section class="card below">
      <header>
        <h2>Configured</h2>
        <span class="beside-note">what programs told this server of; it calls none of them</span>
      </header>
      <div class="sideways" tabIndex={0} role="region" aria-label="Configured providers">
        <table>
          <thead>
            <tr>
              <th>Name</th>
              <th>Type</th>
              <th>Whose key</th>
              <th>Called at</th>
              <th>Region</th>
              <th>Id</th>
            </tr>
          </thead>
          <tbody>
            {providers.data.map((one) => (
              <tr key={one.id}>
                <td>
                  <Link to={`/steps?provider_id=${encodeURIComponent(one.id)}`}>
                    <bdi>{one.name}</bdi>
                  </Link>
                </td>
                <td>{one.provider_type ?? format.NOTHING}</td>
                <td>{one.provider_category === 'byok' ? 'the customer’s' : one.provider_category === 'base' ? 'the house’s' : (one.provider_category ?? format.NOTHING)}</td>
                <td>
                  <OutLink href={one.base_url} />
                </td>
                <td>{one.region ?? format.NOTHING}</td>
                <td>
                  <Id id={one.id} short />
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </section>
  ) : null;
}

export function Providers() {
  const dimension = dimensionOf('provider');
  const modelsOf = (groups: Group[]) => {
    const out = new Map<string | null, Group[]>();
    for (const group of groups) {
      out.set(keyOf(group, 'provider'), [...(out.get(keyOf(group, 'provider')) ?? []), group]);
    }
    return out;
  };
  const extra = (groups: Group[]): Extra[] => {
    const of = modelsOf(groups);
    return [
      {
        name: 'models',
        title: 'Models',
        order: (row) => of.get(row.key)?.length ?? 0,
        cell: (row) => {
          const own = [...(of.get(row.key) ?? [])].sort((a, b) => b.num_steps - a.num_steps);
          return (
            <span class="listed" title={own.map((group) => keyOf(group, 'model') ?? 'model not said').join(', ')}>
              {own.slice(0, 2).map((group, i) => (
                <span key={keyOf(group, 'model') ?? ''}>
                  {i > 0 && ', '}
                  <bdi>{keyOf(group, 'model') ?? 'model not said'}</bdi>
                </span>
              ))}
              {own.length > 2 && <span class="faint"> + {own.length - 2}</span>}
            </span>
          );
        },
      },
    ];
  };
  return <Entities title="Providers" dimension={dimension} to={(key) => overview(dimension, key)} extra={extra} beside="model" below={<Configured />} find={(key) => key} />;
}
