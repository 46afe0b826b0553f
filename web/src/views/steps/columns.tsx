// SPDX-License-Identifier: Apache-2.0
// The columns of the table of steps: those that put several fields together, written here; and any other field of the
// record, by its row.
import { stepFields, type Field, type Step, type StepMetrics } from 'facts';
import type { ComponentChildren } from 'preact';
import * as format from '../../format';
import { nameOf, type Named } from '../../names';
import { bucketsOf, bucketsText, Icon, Id, Link, Money, Status, Tag, Time, TokenBar } from '../../ui';
import { stepAddress } from './state';

export interface Column {
  name: string;
  title: string;
  doc: string;
  least: number; // pixels
  grows?: number; // its part of the room that is left
  right?: boolean;
  fits?: boolean; // whatever it shows has room in the least width
  cell(step: Step, metrics: StepMetrics | null | undefined): ComponentChildren;
}

const column = (name: string, title: string, doc: string, least: number, cell: Column['cell'], more: Partial<Column> = {}): Column => ({ name, title, doc, least, cell, ...more });

const faint = <span class="faint">{format.NOTHING}</span>;

// The message of an error, whatever its shape.
export function errorText(step: Step): string {
  const data = step.error_data;
  const said = data && typeof data === 'object' && !Array.isArray(data) ? (data.message ?? data.detail ?? data.error) : data;
  const text = typeof said === 'string' ? said : said ? JSON.stringify(said) : '';
  return format.line([step.error_type, text].filter(Boolean).join(': '));
}

// In a few words what came of a step: the error, else what it answered, else what it was asked.
export function Gist({ step }: { step: Step }) {
  const error = step.status === 'failed' ? errorText(step) : '';
  return <bdi class={error ? 'failure' : undefined}>{error || format.line(step.output_preview ?? step.input_preview, 200) || format.NOTHING}</bdi>;
}

function Preview({ step }: { step: Step }) {
  const error = step.status === 'failed' || step.error_type ? errorText(step) : '';
  const output = format.line(step.output_preview);
  return (
    <>
      {step.input_preview && <bdi class="asked">{format.line(step.input_preview)}</bdi>}
      {error ? <bdi class="failure">{error}</bdi> : output ? <bdi>{output}</bdi> : step.input_preview ? null : faint}
    </>
  );
}

function Tokens({ step }: { step: Step }) {
  if (step.usage_state === 'unknown' && step.total_tokens === 0) {
    return (
      <span class="faint" title="tokens unknown">
        {format.NOTHING}
      </span>
    );
  }
  const parts = bucketsOf(step);
  // A million tokens fill the bar; it grows with their number of digits.
  const share = Math.max(0.06, Math.min(1, Math.log10(step.total_tokens + 1) / 6));
  return (
    <span class="tokens-cell">
      <span class="bar">
        <TokenBar step={step} most={Math.max(1, step.total_tokens) / share} />
      </span>
      <span class="num" title={`${format.count(step.total_tokens)} tokens: ${bucketsText(parts)}`}>
        {format.short(step.total_tokens)}
        {step.usage_state !== 'reported' && <sup title={`usage ${step.usage_state}`}>?</sup>}
      </span>
    </span>
  );
}

export function Took({ metrics }: { metrics: StepMetrics | null | undefined }) {
  const whole = metrics?.step_ns ?? null;
  if (!metrics || whole === null) {
    return metrics === undefined ? null : faint;
  }
  const share = (ns: number | null) => `${Math.min(100, (100 * (ns ?? 0)) / Math.max(1, whole))}%`;
  const told = `${format.duration(whole)}: model ${format.duration(metrics.llm_request_ns)}, tools ${format.duration(metrics.tool_execution_ns)}`;
  return (
    <span class="took" title={told} aria-label={told} role="img">
      <span class="num">{format.duration(whole)}</span>
      <span class="bar">
        <span class="model" style={{ width: share(metrics.llm_request_ns) }} />
        <span class="tool" style={{ width: share(metrics.tool_execution_ns) }} />
      </span>
    </span>
  );
}

const TAGS_SHOWN = 6;
const TagCell = ({ tags }: { tags: string[] }) => (
  <span class="tag-cell" title={format.line(tags.slice(0, 50).join(', '), 1000)}>
    {tags.slice(0, TAGS_SHOWN).map((tag) => (
      <Tag key={tag}>{format.line(tag, 60)}</Tag>
    ))}
    {tags.length > TAGS_SHOWN && <span class="faint">+{format.count(tags.length - TAGS_SHOWN)}</span>}
  </span>
);

const Thumb = ({ word }: { word: string | null }) =>
  word ? (
    <span class={word === 'positive' ? 'good-text' : 'bad-text'} title={`feedback: ${word}`}>
      <Icon name={word === 'positive' ? 'up' : 'thumbsdown'} />
      <span class="unseen">{word}</span>
    </span>
  ) : null;

const name = (kind: Named, id: string | null) => (id ? <bdi title={id}>{nameOf(kind, id)}</bdi> : faint);
const text = (value: string | null) => (value ? <bdi title={value.slice(0, 1000)}>{format.line(value, 200)}</bdi> : faint);

// Together they are there in a window of 1280 pixels, with the values beside them.
const OWN: Column[] = [
  column('time', 'Time', 'When the step began', 104, (step) => (
    <Link to={stepAddress(step.id)} tabIndex={-1}>
      <Time at={step.created_at} />
    </Link>
  ), { fits: true }),
  column('status', 'Status', 'Where the step is in its life', 86, (step) => <Status word={step.status} />, { fits: true }),
  column('agent', 'Agent', 'The agent that made the call', 64, (step) => name('agent', step.agent_id), { grows: 0.4 }),
  column('model', 'Model', 'The model that answered', 76, (step) => text(step.model), { grows: 0.45 }),
  column('preview', 'Input and output', 'The beginning of what was asked and answered, or the error', 100, (step) => <Preview step={step} />, { grows: 1.5 }),
  column('tokens', 'Tokens', 'Uncached, cached, written, output and reasoning tokens', 60, (step) => <Tokens step={step} />, { right: true, fits: true }),
  column('cost', 'Cost', 'What the step cost', 68, (step) => <Money nano={step.cost_nano_usd} />, { right: true }),
  column('duration', 'Duration', 'How long it took: model and tools', 66, (_, metrics) => <Took metrics={metrics} />, { right: true, fits: true }),
  column('stop', 'Stop reason', 'Why the step ended', 82, (step) => text(step.stop_reason), { grows: 0.35 }),
  column('feedback', 'Feedback', 'What people thought of it', 58, (step) => <Thumb word={step.feedback} />, { fits: true }),
  column('tags', 'Tags', 'Words to find the step by', 62, (step) => <TagCell tags={step.tags} />, { grows: 0.4 }),
];

const KINDS: Record<string, Named> = { agent_id: 'agent', project_id: 'project', provider_id: 'provider', conversation_id: 'conversation', created_by_id: 'user', last_updated_by_id: 'user' };

function plain(field: Field): Column {
  const value = (step: Step) => step[field.name as keyof Step];
  const kind = KINDS[field.name];
  const cell = (step: Step): ComponentChildren => {
    const at = value(step);
    if (at === null || at === undefined) {
      return faint;
    }
    if (kind) {
      return name(kind, String(at));
    }
    if (field.name === 'run_id') {
      return <Id id={String(at)} to={`/runs/${String(at)}`} short />;
    }
    switch (field.kind) {
      case 'time':
        return <Time at={String(at)} />;
      case 'id':
      case 'hex':
        return <Id id={String(at)} short />;
      case 'int':
      case 'long':
        return format.count(Number(at));
      case 'json':
        return text(JSON.stringify(at).slice(0, 400));
      default:
        return text(Array.isArray(at) ? at.join(', ') : String(at));
    }
  };
  const title = field.name.charAt(0).toUpperCase() + field.name.slice(1).replaceAll('_', ' ');
  return column(field.name, title, field.doc, field.kind === 'int' || field.kind === 'long' ? 96 : 130, cell, { right: field.kind === 'int' || field.kind === 'long' });
}

// What a column of several fields shows already is not there a second time.
const COVERED = new Set(['created_at', 'status', 'agent_id', 'model', 'stop_reason', 'feedback', 'tags', 'cost_nano_usd', 'total_tokens']);
export const columns: Column[] = [...OWN, ...stepFields.filter((field) => !COVERED.has(field.name)).map(plain)];
export const USUAL = OWN.map((one) => one.name);

// The columns as a grid has them, and the width below which it scrolls.
const GAP_PX = 7; // as .steps .row has it, and its padding
const PADDING_PX = 10;
export const gridOf = (chosen: Column[]) => ({
  '--cols': chosen.map(({ least, grows }) => (grows ? `minmax(${least}px, ${grows}fr)` : `${least}px`)).join(' '),
  '--least': `${chosen.reduce((sum, { least }) => sum + least + GAP_PX, 2 * PADDING_PX - GAP_PX)}px`,
});

export function chosenColumns(words: string | null): Column[] {
  const wanted = words ? words.split(',') : USUAL;
  const found = wanted.map((word) => columns.find((one) => one.name === word)).filter((one): one is Column => one !== undefined);
  return found.length > 0 ? found : OWN;
}
