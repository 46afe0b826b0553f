// SPDX-License-Identifier: Apache-2.0
// What belongs to a step: its run, the step that led to it, those it led to, and the others of its trace.
import type { Step } from 'facts';
import type { ComponentChildren } from 'preact';
import { list } from '../../api';
import * as format from '../../format';
import { nameOf, useNames } from '../../names';
import { Link, Money, Status, Time } from '../../ui';
import { useAsk } from './data';

const SHOWN = 8;

const Line = ({ step }: { step: Step }) => (
  <li>
    <Status word={step.status} bare />
    <Link to={`/steps/${step.id}`}>
      <bdi>{format.line(step.output_preview ?? step.input_preview ?? step.model, 80) || format.shortId(step.id)}</bdi>
    </Link>
    <Money nano={step.cost_nano_usd} />
    <Time at={step.created_at} />
  </li>
);

function Some({ title, query, to, without }: { title: string; query: Record<string, string>; to: string; without?: string }) {
  const found = useAsk(JSON.stringify(query), (signal) => list<Step>('/v1/steps/', { query: { ...query, order: 'asc', limit: SHOWN + 2 }, signal }));
  const rows = found.data?.rows.filter((step) => step.id !== without) ?? [];
  return (
    <div>
      <dt>{title}</dt>
      <dd>
        {found.error ? (
          <button class="link" onClick={found.again}>
            Try again
          </button>
        ) : !found.data ? (
          <span class="faint">…</span>
        ) : rows.length === 0 ? (
          <span class="faint">none</span>
        ) : (
          <>
            <ul class="related">
              {rows.slice(0, SHOWN).map((step) => (
                <Line key={step.id} step={step} />
              ))}
            </ul>
            {rows.length > SHOWN && <Link to={to}>All of them</Link>}
          </>
        )}
      </dd>
    </div>
  );
}

const Row = ({ title, children }: { title: string; children: ComponentChildren }) => (
  <div>
    <dt>{title}</dt>
    <dd>{children}</dd>
  </div>
);

export function Related({ step }: { step: Step }) {
  useNames();
  return (
    <section class="card" aria-label="Related">
      <header>
        <h2>Related</h2>
      </header>
      <div class="body">
        <dl class="facts stacked">
          {step.run_id && (
            <Row title="Run">
              <Link to={`/runs/${step.run_id}?step=${step.id}`}>{format.shortId(step.run_id)}</Link>
            </Row>
          )}
          {step.agent_id && (
            <Row title="Agent">
              <Link to={`/steps?agent_id=${encodeURIComponent(step.agent_id)}`}>
                <bdi>{format.line(nameOf('agent', step.agent_id), 80)}</bdi>
              </Link>
            </Row>
          )}
          {step.conversation_id && (
            <Row title="Conversation">
              <Link to={`/steps?conversation_id=${encodeURIComponent(step.conversation_id)}`}>
                <bdi>{format.line(nameOf('conversation', step.conversation_id), 80)}</bdi>
              </Link>
            </Row>
          )}
          {step.parent_step_id && (
            <Row title="Led to by">
              <Link to={`/steps/${step.parent_step_id}`}>{format.shortId(step.parent_step_id)}</Link>
            </Row>
          )}
          {step.retired_into && (
            <Row title="Folded into">
              <Link to={`/steps/${step.retired_into}`}>{format.shortId(step.retired_into)}</Link>
            </Row>
          )}
          <Some title="Led to" query={{ parent_step_id: step.id }} to={`/steps?parent_step_id=${step.id}`} />
          {step.trace_id && <Some title="Same trace" query={{ trace_ids: step.trace_id }} to={`/steps?trace_ids=${step.trace_id}`} without={step.id} />}
        </dl>
      </div>
    </section>
  );
}
