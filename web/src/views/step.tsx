// SPDX-License-Identifier: Apache-2.0
// One step: what was said, what that was made of, what it took and cost, and what people think of it. The query of the
// address is that of the list it came from, along which j and k go. The parts are in step/.
import type { ProviderTrace, Step as StepRow, StepMetrics } from 'facts';
import { useEffect, useMemo, useState } from 'preact/hooks';
import { api, list, useApi, type ApiError } from '../api';
import { Chat } from '../content/chat';
import { JsonTree } from '../content/json';
import type { Said } from '../content/talk';
import * as format from '../format';
import { useKeys } from '../keys';
import { nameOf, useNames } from '../names';
import type { PageProps } from '../pages';
import { useCommands } from '../palette';
import { go, useRoute } from '../route';
import { may, useSession } from '../session';
import { toast } from '../toast';
import { copy, Empty, ErrorBox, Head, Icon, Id, Link, Loading, Popover, Status, Time } from '../ui';
import { Timing, Tokens, type StepPrice } from './step/costs';
import { promptsOf, useAsk } from './step/data';
import { Failure } from './step/failure';
import { RecordCard } from './step/fields';
import { Difference, Window } from './step/prompt';
import { Related } from './step/related';
import { Tags, Thumbs, useSay } from './step/say';
import { apiQuery } from './steps/state';

const MOST_MESSAGES = 500;

// ---- the list it came from ------------------------------------------------------------------------------------------

interface Along {
  where: string; // "of the run", "of the list"
  back: string;
  move(by: 1 | -1): void;
}

// Forward is down the list, whichever way the list goes; that of a run goes as the run did.
function useAlong(id: string): Along {
  const { query } = useRoute();
  const now = useMemo(() => Date.now(), []);
  const filters = apiQuery(query, now);
  const own = query.toString();
  const run = query.get('order') === 'asc' ? query.get('run_id') : null;
  const of = `${filters}${filters ? '&' : ''}order=${query.get('order') === 'asc' ? 'asc' : 'desc'}`;
  const move = (by: 1 | -1) => {
    void list<StepRow>(`/v1/steps/?${of}`, { query: { [by > 0 ? 'after' : 'before']: id, limit: 1 } }).then(
      ({ rows }) => {
        if (rows[0]) {
          go(`/steps/${rows[0].id}${own ? `?${own}` : ''}`, true);
        } else {
          toast(by > 0 ? 'That was the last one.' : 'That was the first one.');
        }
      },
      (error: Error) => toast(error.message, { bad: true }),
    );
  };
  return { where: run ? 'of the run' : 'of the list', back: run ? `/runs/${run}?step=${id}` : `/steps${own ? `?${own}` : ''}`, move };
}

// ---- taking it along ------------------------------------------------------------------------------------------------

export const quoted = (text: string) => `'${text.replaceAll("'", `'\\''`)}'`;

// Where keys are asked for, the commands name the variable that a key belongs into, and no key.
export const asCurl = (path: string, open: boolean) => `curl ${open ? '' : '-H "Authorization: Bearer $STEPWELL_KEY" '}${quoted(location.origin + path)}`;

const takings = (step: StepRow, open: boolean): [string, () => string][] => [
  ['Copy as curl', () => asCurl(`/v1/steps/${step.id}`, open)],
  ['Copy as CLI', () => `stepwell show ${step.id} --server ${quoted(location.origin)}`],
  ['Copy as JSON', () => JSON.stringify(step, null, 2)],
  ['Copy the link', () => `${location.origin}/steps/${step.id}`],
];

// ---- raw ------------------------------------------------------------------------------------------------------------

function Raw({ id }: { id: string }) {
  const traces = useAsk(id, (signal) => api<ProviderTrace[]>('/v1/provider-traces/', { query: { step_id: id, order: 'asc', limit: 20 }, signal }));
  return (
    <section class="card" aria-label="Raw request and response">
      <header>
        <h2>Raw request and response</h2>
      </header>
      <div class="body">
        {traces.error ? (
          <ErrorBox error={traces.error} retry={traces.again} />
        ) : !traces.data ? (
          <Loading />
        ) : traces.data.length === 0 ? (
          <p class="soft">None was recorded with this step.</p>
        ) : (
          traces.data.map((trace, i) => (
            <div key={trace.id}>
              <h3>
                Request {traces.data!.length > 1 ? i + 1 : ''} {trace.call_type && <bdi class="faint">{format.line(trace.call_type, 60)}</bdi>}
              </h3>
              <JsonTree value={trace.request_json} label="the request" open={JSON.stringify(trace.request_json).length < 2000} />
              <h3>Response</h3>
              <JsonTree value={trace.response_json} label="the response" open={JSON.stringify(trace.response_json).length < 2000} />
            </div>
          ))
        )}
      </div>
    </section>
  );
}

// ---- the page -------------------------------------------------------------------------------------------------------

function Messages({ own, error, again, step }: { own: Said[] | undefined; error: ApiError | undefined; again(): void; step: StepRow }) {
  return (
    <section class="card" aria-label="Messages">
      <header>
        <h2>Messages</h2>
        {own && own.length > 0 && (
          <span class="soft small">
            {own.length < MOST_MESSAGES ? '' : 'the first '}
            {format.plural(own.length, 'message')} of this step
          </span>
        )}
      </header>
      <div class="body">
        {error ? (
          <ErrorBox error={error} retry={again} />
        ) : !own ? (
          <Loading />
        ) : own.length === 0 ? (
          <>
            <p class="soft">No message was recorded with this step.</p>
            {step.input_preview && <Chat messages={[{ role: 'user', name: 'preview', text: step.input_preview, content: null, tool_calls: [], tool_call_id: null, tool_returns: null }]} />}
            {step.output_preview && <Chat messages={[{ role: 'assistant', name: 'preview', text: step.output_preview, content: null, tool_calls: [], tool_call_id: null, tool_returns: null }]} />}
          </>
        ) : (
          <Chat messages={own} />
        )}
        {step.content_truncated && <p class="faint small">Part of the content was cut because it passed a limit.</p>}
      </div>
    </section>
  );
}

export function Step({ params }: PageProps) {
  const id = params.id!;
  const path = `/v1/steps/${encodeURIComponent(id)}`;
  const asked = useApi<StepRow>(path);
  const [changed, setChanged] = useState<StepRow | null>(null);
  const step = changed?.id === id ? changed : asked.data?.id === id ? asked.data : undefined;
  const metrics = useAsk(`${id}#${asked.data?.updated_at ?? ''}`, async (signal) => (await api<StepMetrics[]>('/v1/steps/metrics', { query: { step_id: id }, signal }))[0] ?? null);
  const own = useAsk(id, (signal) => api<Said[]>('/v1/stored-messages/', { query: { step_id: id, order: 'asc', limit: MOST_MESSAGES }, signal }));
  const price = useAsk(step?.price_id ? `${id}#${step.price_id}` : null, (signal) => api<StepPrice | null>(`${path}/price`, { signal }));
  const prompts = useAsk(step && own.data ? id : null, (signal) => promptsOf(step!, own.data!, signal));
  const names = useNames();
  const along = useAlong(id);
  const say = useSay(step ?? ({ id } as StepRow), setChanged);
  const session = useSession();
  const open = session?.open ?? true;
  const mayWrite = may(session, 'write');

  useEffect(() => {
    setChanged(null); // who comes back sees what the server says then
    document.querySelector('main')?.scrollTo({ top: 0 });
  }, [id]);
  useKeys('Step', [
    { keys: 'j', doc: `Next step ${along.where}`, run: () => along.move(1) },
    { keys: 'k', doc: `Step before ${along.where}`, run: () => along.move(-1) },
    { keys: '+', doc: 'Thumbs up, or none', run: () => step && mayWrite && void say({ feedback: step.feedback === 'positive' ? null : 'positive' }) },
    { keys: '-', doc: 'Thumbs down, or none', run: () => step && mayWrite && void say({ feedback: step.feedback === 'negative' ? null : 'negative' }) },
    { keys: 'o', doc: 'Open its run', run: () => step?.run_id && go(`/runs/${step.run_id}?step=${step.id}`) },
    { keys: 'Escape', doc: 'Back to the list', run: () => go(along.back), hidden: true },
  ]);
  useCommands(step ? takings(step, open).map(([title, text]) => ({ title: `Step: ${title.toLowerCase()}`, run: () => void copy(text()) })) : []);

  if (asked.error && !step) {
    return asked.error.status === 404 || asked.error.status === 422 ? (
      <section class="page">
        <Empty title="There is no such step">
          <p>
            <Link to="/steps">To the steps</Link>
          </p>
        </Empty>
      </section>
    ) : (
      <section class="page">
        <ErrorBox error={asked.error} retry={asked.reload} />
      </section>
    );
  }
  if (!step) {
    return <Loading what="Loading the step" />;
  }
  return (
    <section class="page step" data-names={names}>
      <Head
        title={
          <span class="step-title">
            <Status word={step.status} />
            <bdi>{format.line(step.model, 80) || 'Step'}</bdi>
          </span>
        }
      >
        <Thumbs step={step} say={(change) => void say(change)} may={mayWrite} />
        <Popover label="Copy" icon="copy" text="Copy" align="right">
          {(close) =>
            takings(step, open).map(([title, text]) => (
              <button class="menu-item" key={title} onClick={() => (close(), void copy(text()))}>
                {title}
              </button>
            ))
          }
        </Popover>
        <button class="icon" aria-label={`Step before ${along.where}`} title={`Step before ${along.where} (k)`} onClick={() => along.move(-1)}>
          <span class="turned">
            <Icon name="down" />
          </span>
        </button>
        <button class="icon" aria-label={`Next step ${along.where}`} title={`Next step ${along.where} (j)`} onClick={() => along.move(1)}>
          <Icon name="down" />
        </button>
      </Head>
      <div class="step-line">
        <Id id={step.id} />
        <Time at={step.created_at} whole />
        {step.agent_id && <bdi class="soft">{format.line(nameOf('agent', step.agent_id), 60)}</bdi>}
        {step.provider_name && <bdi class="soft">{format.line(step.provider_name, 60)}</bdi>}
        {step.stop_reason && <span class="pill">{format.line(step.stop_reason, 60)}</span>}
        {step.end_user && <bdi class="soft">for {format.line(step.end_user, 60)}</bdi>}
        <Tags step={step} say={say} may={mayWrite} />
      </div>
      <div class="step-body">
        <div class="step-main">
          <Failure step={step} />
          <Messages own={own.data} error={own.error} again={own.again} step={step} />
        </div>
        <div class="step-prompt">
          {prompts.error ? (
            <ErrorBox error={prompts.error} retry={prompts.again} title="The prompt could not be loaded" />
          ) : !prompts.data ? (
            !own.error && <Loading what="Comparing prompts" />
          ) : (
            <>
              <Difference key={id} prompts={prompts.data} />
              <Window key={`w${id}`} step={step} prompt={prompts.data.now} />
            </>
          )}
        </div>
        <div class="step-side">
          <Timing metrics={metrics.data} messages={own.data ?? []} estimated={(step.metadata as { durations?: string } | null)?.durations === 'estimated'} />
          <Tokens step={step} price={step.price_id ? price.data : null} />
          <Related step={step} />
        </div>
        <div class="step-rest">
          <Raw id={id} />
          <RecordCard step={step} metrics={metrics.data} />
        </div>
      </div>
    </section>
  );
}
