// SPDX-License-Identifier: Apache-2.0
// What a message says, whatever form its sender gave it: texts, thoughts, calls of tools and what they returned. Knows the
// forms that the ledger keeps; what it does not know stays JSON. Draws nothing.
import type { Json } from 'facts';

// A message as it is kept, or as a model was sent it: the members that both have.
export interface Said {
  id?: string;
  role: string;
  name: string | null;
  text: string | null;
  content: Json;
  tool_calls: Json;
  tool_call_id: string | null;
  tool_returns: Json;
  is_err?: boolean | null;
  model?: string | null;
  step_id?: string | null;
  created_at?: string;
  approve?: boolean | null;
  approvals?: Json;
  denial_reason?: string | null;
}

export interface Call {
  kind: 'call';
  id: string | null;
  name: string;
  args: Json;
}

export interface Return {
  kind: 'return';
  id: string | null;
  name: string | null;
  bad: boolean;
  body: Json;
  tookMs: number | null;
}

export type Part = { kind: 'text'; text: string } | { kind: 'thought'; text: string } | Call | Return | { kind: 'other'; what: string; body: Json };

type Dict = { [key: string]: Json };
export const isDict = (value: Json | undefined): value is Dict => typeof value === 'object' && value !== null && !Array.isArray(value);
const word = (value: Json | undefined): string | null => (typeof value === 'string' ? value : null);

// JSON in a text is shown as JSON; a text that is none stays one.
export function opened(value: Json | undefined): Json {
  if (typeof value === 'string' && /^\s*[[{]/.test(value)) {
    try {
      return JSON.parse(value) as Json;
    } catch {
      return value;
    }
  }
  return value ?? null;
}

function callOf(raw: Json): Call {
  const call = isDict(raw) ? raw : {};
  const inner = isDict(call.function) ? call.function : call;
  return { kind: 'call', id: word(call.id) ?? word(call.tool_call_id), name: word(inner.name) ?? 'tool', args: opened(inner.arguments ?? inner.args ?? inner.input) };
}

function returnOf(raw: Json, name: string | null, id: string | null): Return {
  const it = isDict(raw) ? raw : { func_response: raw };
  const from = Date.parse(word(it.start) ?? '');
  const to = Date.parse(word(it.end) ?? '');
  return {
    kind: 'return',
    id: word(it.tool_call_id) ?? id,
    name: word(it.tool_name) ?? word(it.name) ?? name,
    bad: it.status === 'error' || it.is_error === true,
    body: opened(it.func_response ?? it.content ?? it.result ?? it.output ?? it.response ?? it.tool_return ?? null),
    tookMs: to >= from ? to - from : null,
  };
}

function partOf(raw: Json): Part {
  if (!isDict(raw)) {
    return { kind: 'text', text: typeof raw === 'string' ? raw : JSON.stringify(raw) };
  }
  const text = word(raw.text) ?? word(raw.content);
  switch (raw.type) {
    case 'text':
    case 'input_text':
    case 'output_text':
      return { kind: 'text', text: text ?? '' };
    case 'reasoning':
    case 'thinking':
    case 'omitted_reasoning':
    case 'summarized_reasoning':
      return { kind: 'thought', text: word(raw.reasoning) ?? word(raw.thinking) ?? text ?? '' };
    case 'tool_call':
    case 'tool_use':
      return callOf(raw);
    case 'tool_return':
    case 'tool_result':
    case 'tool_call_response':
      return returnOf(raw, null, word(raw.tool_use_id) ?? word(raw.id));
    default:
      return { kind: 'other', what: word(raw.type) ?? 'part', body: raw };
  }
}

const each = (value: Json): Json[] => (Array.isArray(value) ? value : value === null || value === undefined ? [] : [value]);

export function partsOf(said: Said): Part[] {
  const parts: Part[] = [];
  const tool = said.role === 'tool' || said.role === 'function';
  const returns = each(said.tool_returns).map((one) => returnOf(one, said.name, said.tool_call_id));
  if (said.text && !(tool && returns.length > 0)) {
    parts.push(tool ? { ...returnOf(said.text, said.name, said.tool_call_id), bad: said.is_err === true } : { kind: 'text', text: said.text });
  }
  if (!(tool && returns.length > 0)) {
    const content = each(typeof said.content === 'string' && said.content === said.text ? null : said.content).map(partOf);
    parts.push(...content.map((part): Part => (tool && part.kind === 'text' ? { ...returnOf(part.text, said.name, said.tool_call_id), bad: said.is_err === true } : part)));
  }
  const known = new Set(parts.map((part) => (part.kind === 'call' ? part.id : null)).filter(Boolean));
  parts.push(...each(said.tool_calls).map(callOf).filter((call) => !call.id || !known.has(call.id)));
  parts.push(...returns);
  if (each(said.approvals ?? null).length > 0 || said.denial_reason) {
    parts.push({ kind: 'other', what: 'approval', body: { approve: said.approve ?? null, denial_reason: said.denial_reason ?? null, approvals: said.approvals ?? null } });
  }
  return parts.filter((part) => part.kind === 'call' || part.kind === 'return' || part.kind === 'other' || part.text.trim() !== '');
}

const lengthOf = (value: Json) => (typeof value === 'string' ? value.length : value === null ? 0 : JSON.stringify(value).length);

// What fills a prompt, and how: by the length of what is said, because nobody counts tokens by message.
export const FILLS = ['system', 'user', 'assistant', 'thoughts', 'tool calls', 'tool returns', 'other'] as const;
export type Fill = (typeof FILLS)[number];

export function lengthsOf(said: Said): Map<Fill, number> {
  const out = new Map<Fill, number>();
  const add = (fill: Fill, n: number) => out.set(fill, (out.get(fill) ?? 0) + n);
  for (const part of partsOf(said)) {
    if (part.kind === 'text') {
      add(said.role === 'system' || said.role === 'developer' || said.role === 'summary' ? 'system' : said.role === 'user' ? 'user' : said.role === 'assistant' ? 'assistant' : 'other', part.text.length);
    } else if (part.kind === 'thought') {
      add('thoughts', part.text.length);
    } else if (part.kind === 'call') {
      add('tool calls', part.name.length + lengthOf(part.args));
    } else {
      add(part.kind === 'return' ? 'tool returns' : 'other', lengthOf(part.body));
    }
  }
  return out;
}

// The same text for messages that say the same.
export const keyOf = (said: Said) => JSON.stringify([said.role, said.name, said.text, said.content, said.tool_calls, said.tool_call_id, said.tool_returns]);

// All that can be searched or compared, as lines.
export function linesOf(said: Said): string {
  return partsOf(said)
    .map((part) => {
      const body = part.kind === 'text' || part.kind === 'thought' ? part.text : part.kind === 'call' ? part.args : part.body;
      const text = typeof body === 'string' ? body : JSON.stringify(body, null, 1);
      return part.kind === 'call' ? `${part.name} ${text}` : text;
    })
    .join('\n');
}
