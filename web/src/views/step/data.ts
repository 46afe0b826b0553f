// SPDX-License-Identifier: Apache-2.0
// What the page of a step asks for. The prompt of a step is known exactly when it came as telemetry; of other steps it is
// put together from the messages that were recorded before it in its conversation or run.
import type { Step } from 'facts';
import { useEffect, useState } from 'preact/hooks';
import { api, ApiError, asError, list } from '../../api';
import type { Said } from '../../content/talk';

export interface Prompt {
  exact: boolean; // as the model was sent it
  cut: boolean; // there is more before it
  messages: Said[];
}

export interface Prompts {
  now: Prompt;
  before: Prompt | null; // of the step before, in the same run or conversation
  previous: Step | null;
}

const MOST_MESSAGES = 400;

// The step before it in its conversation, or else in its run.
export async function previousOf(step: Step, signal: AbortSignal): Promise<Step | null> {
  const of = step.run_id ? { run_id: step.run_id } : step.conversation_id ? { conversation_id: step.conversation_id } : null;
  if (!of) {
    return null;
  }
  const within = await list<Step>('/v1/steps/', { query: { ...of, after: step.id, limit: 1 }, signal });
  if (within.rows.length > 0 || !step.conversation_id || !step.run_id) {
    return within.rows[0] ?? null;
  }
  const talk = await list<Step>('/v1/steps/', { query: { conversation_id: step.conversation_id, after: step.id, limit: 1 }, signal });
  return talk.rows[0] ?? null;
}

const sent = (id: string, signal: AbortSignal) => api<Said[]>(`/v1/steps/${encodeURIComponent(id)}/context`, { signal });

// Everything that was said before the step answered, the oldest first.
async function recorded(step: Step, own: Said[], signal: AbortSignal): Promise<Prompt> {
  const of = step.conversation_id ? { conversation_id: step.conversation_id } : step.run_id ? { run_id: step.run_id } : null;
  const answer = own.findIndex((said) => said.role === 'assistant');
  const mine = answer < 0 ? own : own.slice(0, answer);
  const first = own[0]?.id;
  if (!of || !first) {
    return { exact: false, cut: false, messages: mine };
  }
  const rows = await api<Said[]>('/v1/stored-messages/', { query: { ...of, after: first, order: 'desc', limit: MOST_MESSAGES }, signal });
  return { exact: false, cut: rows.length === MOST_MESSAGES, messages: [...rows.reverse(), ...mine] };
}

// What the step before was sent, as far as it is known from the same messages: what stands before its answer.
function recordedBefore(now: Prompt, previous: Step): Prompt | null {
  const own = now.messages.findIndex((said) => said.step_id === previous.id);
  if (own < 0) {
    return null;
  }
  const answer = now.messages.findIndex((said, i) => i >= own && said.step_id === previous.id && said.role === 'assistant');
  return { exact: false, cut: now.cut, messages: now.messages.slice(0, answer < 0 ? own : answer) };
}

export async function promptsOf(step: Step, own: Said[], signal: AbortSignal): Promise<Prompts> {
  const [exact, previous] = await Promise.all([sent(step.id, signal), previousOf(step, signal)]);
  if (exact.length > 0) {
    const before = previous ? await sent(previous.id, signal) : [];
    return { now: { exact: true, cut: false, messages: exact }, previous, before: before.length > 0 ? { exact: true, cut: false, messages: before } : null };
  }
  const now = await recorded(step, own, signal);
  return { now, previous, before: previous ? recordedBefore(now, previous) : null };
}

export interface Asking<T> {
  data: T | undefined;
  error: ApiError | undefined;
  again(): void;
}

// What an asynchronous question answers, asked again when `key` is another; null: not asked.
export function useAsk<T>(key: string | null, ask: (signal: AbortSignal) => Promise<T>): Asking<T> {
  const [state, setState] = useState<{ key: string | null; data?: T; error?: ApiError }>({ key: null });
  const [turn, setTurn] = useState(0);
  useEffect(() => {
    const stop = new AbortController();
    if (key !== null) {
      ask(stop.signal).then(
        (data) => stop.signal.aborted || setState({ key, data }),
        (error) => stop.signal.aborted || setState({ key, error: asError(error) }),
      );
    }
    return () => stop.abort();
  }, [key, turn]);
  const mine = state.key === key;
  return { data: mine ? state.data : undefined, error: mine ? state.error : undefined, again: () => setTurn((n) => n + 1) };
}
