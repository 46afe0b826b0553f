// SPDX-License-Identifier: Apache-2.0
// The record, field by field, in the order of its rows: the seed's first, then Stepwell's own.
import { stepFields, type Field, type Json, type Step, type StepMetrics, stepMetricsFields } from 'facts';
import { JsonTree } from '../../content/json';
import { LongText } from '../../content/text';
import * as format from '../../format';
import { nameOf, useNames, type Named } from '../../names';
import { Id, OutLink, Status, Time } from '../../ui';

const NAMED: Record<string, Named> = { agent_id: 'agent', project_id: 'project', provider_id: 'provider', conversation_id: 'conversation', created_by_id: 'user', last_updated_by_id: 'user' };
// What an id leads to; pages that do not exist yet have no link.
const PAGES: Record<string, (id: string) => string> = {
  run_id: (id) => `/runs/${id}`,
  parent_step_id: (id) => `/steps/${id}`,
  retired_into: (id) => `/steps/${id}`,
  trace_id: (id) => `/steps?trace_ids=${id}`,
  request_id: (id) => `/steps?request_id=${encodeURIComponent(id)}`,
  agent_id: (id) => `/steps?agent_id=${encodeURIComponent(id)}`,
  conversation_id: (id) => `/steps?conversation_id=${encodeURIComponent(id)}`,
  project_id: (id) => `/steps?project_id=${encodeURIComponent(id)}`,
};

function Value({ field, value }: { field: Field; value: Json }) {
  if (value === null || value === undefined) {
    return <span class="faint">null</span>;
  }
  const name = NAMED[field.name];
  if (field.kind === 'tags' || field.kind === 'json') {
    return <JsonTree value={value} label={field.name} open={JSON.stringify(value).length < 400} />;
  }
  if (field.kind === 'id' || field.kind === 'hex' || field.name === 'agent_id' || field.name === 'project_id') {
    const known = name && nameOf(name, String(value));
    return (
      <>
        {known && known !== format.shortId(String(value)) && <bdi>{format.line(known, 120)} </bdi>}
        <Id id={String(value)} to={PAGES[field.name]?.(String(value))} />
      </>
    );
  }
  if (field.kind === 'time') {
    return <Time at={String(value)} whole />;
  }
  if (typeof value === 'number') {
    const told = field.unit === 'nano-dollars' ? format.money(value) : field.unit === 'ns' && !field.name.includes('start') ? format.duration(value) : null;
    return (
      <span class="num">
        {told ? `${told} ` : ''}
        <span class={told ? 'faint' : ''}>
          {format.count(value)}
          {field.unit ? ` ${field.unit}` : ''}
        </span>
      </span>
    );
  }
  if (field.name === 'status') {
    return <Status word={String(value)} />;
  }
  if (field.name === 'model_endpoint') {
    return <OutLink href={String(value)} />;
  }
  return typeof value === 'string' ? <LongText text={value} first={600} /> : <span>{String(value)}</span>;
}

const Rows = ({ fields, row }: { fields: readonly Field[]; row: Record<string, Json> }) => (
  <dl class="fields">
    {fields.map((field) => (
      <div key={field.name}>
        <dt title={field.doc}>{field.name}</dt>
        <dd>
          <Value field={field} value={row[field.name] ?? null} />
        </dd>
      </div>
    ))}
  </dl>
);

export function RecordCard({ step, metrics }: { step: Step; metrics: StepMetrics | null | undefined }) {
  useNames();
  const timed = stepMetricsFields.filter((field) => field.unit === 'ns');
  return (
    <section class="card" aria-label="Record">
      <header>
        <h2>Record</h2>
      </header>
      <div class="body">
        <Rows fields={stepFields.filter((field) => !field.ours)} row={step as unknown as Record<string, Json>} />
        <h3>Beyond the first columns</h3>
        <Rows fields={stepFields.filter((field) => field.ours)} row={step as unknown as Record<string, Json>} />
        {metrics && (
          <>
            <h3>Timings</h3>
            <Rows fields={timed} row={metrics as unknown as Record<string, Json>} />
          </>
        )}
      </div>
    </section>
  );
}
