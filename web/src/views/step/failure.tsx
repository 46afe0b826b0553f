// SPDX-License-Identifier: Apache-2.0
// Why a step failed: its message, where it happened, and whatever else was said.
import type { Json, Step } from 'facts';
import { Fold } from '../../content/chat';
import { JsonTree } from '../../content/json';
import { isDict, opened } from '../../content/talk';
import { LongText } from '../../content/text';
import * as format from '../../format';
import { CopyButton, Icon } from '../../ui';

const text = (value: Json | undefined) => (typeof value === 'string' && value.trim() !== '' ? value : null);

// V1 writes {message, traceback, details}; others put the message deeper.
function messageOf(data: Json): string | null {
  if (typeof data === 'string') {
    return data;
  }
  const inner = isDict(data) ? (data.error ?? data.detail) : null;
  return isDict(data) ? (text(data.message) ?? (inner !== null && inner !== undefined ? messageOf(inner) : null)) : null;
}

export function Failure({ step }: { step: Step }) {
  if (step.status !== 'failed' && !step.error_type && step.error_data === null) {
    return null;
  }
  const data = opened(step.error_data);
  const message = messageOf(data);
  const traceback = isDict(data) ? (text(data.traceback) ?? text(data.stack) ?? text(data.stacktrace)) : null;
  const rest = isDict(data) ? Object.fromEntries(Object.entries(data).filter(([name, value]) => !['message', 'traceback', 'stack', 'stacktrace'].includes(name) && value !== null && !(isDict(value) && Object.keys(value).length === 0))) : {};
  return (
    <section class="card failure-card" aria-label="Error">
      <header>
        <h2>
          <Icon name="cross" /> <bdi>{step.error_type ? format.line(step.error_type, 200) : 'Error'}</bdi>
        </h2>
        {message && <CopyButton text={message} label="Copy the message" />}
      </header>
      <div class="body">
        {message ? <LongText text={message} /> : <p class="soft">{step.status === 'failed' ? 'It failed, and nobody said why.' : 'No message was recorded.'}</p>}
        {traceback && (
          <Fold open={traceback.length < 4000} head={<span class="tool-name">Traceback</span>}>
            {() => <LongText text={traceback} mono />}
          </Fold>
        )}
        {Object.keys(rest).length > 0 && (
          <Fold open head={<span class="tool-name">Details</span>}>
            {() => <JsonTree value={rest} label="details of the error" />}
          </Fold>
        )}
      </div>
    </section>
  );
}
