// SPDX-License-Identifier: Apache-2.0
// One agent, one conversation: what is known of it, and the sums of its steps.
import type { Agent as AgentRow, Conversation as ConversationRow } from 'facts';
import type { ComponentChildren } from 'preact';
import { useState } from 'preact/hooks';
import { useApi } from '../../api';
import * as format from '../../format';
import { useKeys } from '../../keys';
import { nameOf, useNames } from '../../names';
import type { PageProps } from '../../pages';
import { Empty, ErrorBox, Head, Id, Link, Loading, Particulars, Time } from '../../ui';
import { dimensionOf, DIMENSIONS, filtersOf, stepsLink, type Filters } from '../../usage';
import { useQuery } from '../../route';
import { SumsBody, useDimension, useRange } from './body';
import { useSums } from './data';
import { FilterChips, nameOrText, RangePicker } from './parts';

interface OneProps {
  title: string;
  fixed: Filters;
  facts: [string, ComponentChildren][];
  links: [string, string][];
  by: string;
}

// The sums of what `fixed` finds; what it fixes cannot be summed by.
function One({ title, fixed, facts, links, by }: OneProps) {
  const [query] = useQuery();
  const [turn, setTurn] = useState(0);
  const { range, now } = useRange(turn);
  const filters = { ...filtersOf(query), ...fixed };
  const dimensions = DIMENSIONS.filter((one) => !(one.filter in fixed));
  const chosen = useDimension(by);
  const dimension = dimensions.includes(chosen) ? chosen : dimensionOf(by);
  const sums = useSums(dimension.by, range, now, filters);
  useKeys(title, [
    {
      keys: 'r',
      doc: 'Sum anew',
      run: () => {
        setTurn(turn + 1);
        sums.reload();
      },
    },
  ]);
  return (
    <section class="page sums-page">
      <Head title={<bdi>{title}</bdi>}>
        {links.map(([word, to]) => (
          <Link key={word} class="button" to={to}>
            {word}
          </Link>
        ))}
        <Link class="button" to={stepsLink(range, filters)}>
          Steps
        </Link>
        <RangePicker range={range} />
      </Head>
      <Particulars facts={facts} />
      <FilterChips filters={filters} fixed={Object.keys(fixed)} />
      <SumsBody sums={sums} dimension={dimension} filters={filters} dimensions={dimensions} />
    </section>
  );
}

const gone = (what: string, all: string) => (
  <section class="page">
    <Empty title={`There is no such ${what}`}>
      <p class="soft">
        It may have been deleted, or belong to another organization. <Link to={all}>See all</Link>
      </p>
    </Empty>
  </section>
);

// Agents need no record: steps may name one that was never registered.
export function Agent({ params }: PageProps) {
  const id = params.agent_id!;
  const { data, error, loading, reload } = useApi<AgentRow>(`/v1/agents/${encodeURIComponent(id)}`);
  useNames();
  if (loading && !data) {
    return <Loading />;
  }
  if (error && error.status !== 404 && error.status !== 400) {
    return <ErrorBox error={error} retry={reload} />;
  }
  const facts: [string, ComponentChildren][] = [
    ['Id', <Id id={id} />],
    ['Project', data?.project_id ? <bdi>{nameOrText('project', data.project_id)}</bdi> : format.NOTHING],
    ['Type', data?.agent_type ?? format.NOTHING],
    ['Registered', data ? <Time at={data.created_at} /> : 'never: only its steps name it'],
    ['Last run', <Time at={data?.last_run_completion} />],
    ['It took', format.duration(data?.last_run_duration_ms === null || data === undefined ? null : data.last_run_duration_ms * 1e6)],
    ['It ended', data?.last_stop_reason ?? format.NOTHING],
  ];
  return <One title={data?.name ?? nameOf('agent', id)} fixed={{ agent_id: id }} facts={facts} links={[['Runs', `/runs?agent_id=${encodeURIComponent(id)}`]]} by="model" />;
}

export function Conversation({ params }: PageProps) {
  const id = params.conversation_id!;
  const { data, error, loading, reload } = useApi<ConversationRow>(`/v1/conversations/${encodeURIComponent(id)}`);
  useNames();
  if (loading && !data) {
    return <Loading />;
  }
  if (!data) {
    return error && error.status !== 404 && error.status !== 400 ? <ErrorBox error={error} retry={reload} /> : gone('conversation', '/conversations');
  }
  const facts: [string, ComponentChildren][] = [
    ['Id', <Id id={id} />],
    [
      'Agent',
      <Link to={`/agents/${encodeURIComponent(data.agent_id)}`}>
        <bdi>{nameOf('agent', data.agent_id)}</bdi>
      </Link>,
    ],
    ['Began', <Time at={data.created_at} />],
    ['Last message', <Time at={data.last_message_at} />],
    ['Prefers', data.model ? <bdi>{data.model}</bdi> : format.NOTHING],
  ];
  return <One title={format.line(data.summary, 160) || 'Conversation'} fixed={{ conversation_id: id }} facts={facts} links={[['Runs', `/runs?conversation_id=${encodeURIComponent(id)}`]]} by="model" />;
}
