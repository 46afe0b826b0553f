// SPDX-License-Identifier: Apache-2.0
// A model provider that says again what a real one once said: it replays recorded exchanges, and tells from the
// recording alone what a step about it must hold. Knows the shapes of OpenAI's and Anthropic's answers; nothing of
// telemetry and nothing of Stepwell.
import { createServer } from 'node:http';
import { readFileSync } from 'node:fs';
import { brotliDecompressSync, gunzipSync, inflateSync } from 'node:zlib';

const decoders = { gzip: gunzipSync, br: brotliDecompressSync, deflate: inflateSync };

function headerOf(headers, name) {
  const found = Object.entries(headers ?? {}).find(([key]) => key.toLowerCase() === name);
  return found ? [found[1]].flat()[0] : undefined;
}

function decoded(bytes, encoding) {
  try {
    return decoders[encoding] ? decoders[encoding](bytes) : bytes;
  } catch {
    return bytes; // the recorder had decoded it already
  }
}

// The exchanges of a recording: {path, status, type, request (JSON), body (text of the answer)}.
export function exchangesOf(yaml, file) {
  const { interactions } = yaml.parse(readFileSync(file, 'utf8'));
  return interactions.map(({ request, response }) => {
    const said = response.body?.string ?? response.body ?? '';
    const bytes = said instanceof Uint8Array ? Buffer.from(said) : Buffer.from(String(said));
    const asked = request.body instanceof Uint8Array ? Buffer.from(request.body).toString() : request.body;
    const wanted = request.parsed_body ?? (asked ? JSON.parse(asked) : undefined);
    const answer = response.parsed_body
      ? JSON.stringify(response.parsed_body)
      : decoded(bytes, headerOf(response.headers, 'content-encoding')).toString();
    return {
      path: new URL(request.uri).pathname,
      status: response.status.code,
      type: headerOf(response.headers, 'content-type') ?? 'application/json',
      request: wanted,
      body: answer,
    };
  });
}

// ---- what an answer says ---------------------------------------------------------------------------------------

const eventsOf = (text) => text.split(/\r?\n/)
  .filter((line) => line.startsWith('data:') && !line.includes('[DONE]'))
  .map((line) => JSON.parse(line.slice(5)));

function openaiUsage(usage) {
  return usage && {
    prompt: usage.prompt_tokens ?? usage.input_tokens,
    completion: usage.completion_tokens ?? usage.output_tokens,
    cached: (usage.prompt_tokens_details ?? usage.input_tokens_details)?.cached_tokens,
    reasoning: (usage.completion_tokens_details ?? usage.output_tokens_details)?.reasoning_tokens,
  };
}

function openaiChat(parts) {
  const facts = { text: '', tools: [] };
  for (const part of parts) {
    facts.model = part.model || facts.model;
    facts.id = part.id || facts.id;
    facts.usage = openaiUsage(part.usage) ?? facts.usage;
    const choice = part.choices?.[0];
    const message = choice?.message ?? choice?.delta ?? {};
    facts.finish = choice?.finish_reason ?? facts.finish;
    facts.text += message.content ?? '';
    for (const call of message.tool_calls ?? []) {
      const at = call.index ?? facts.tools.length;
      facts.tools[at] ??= { id: call.id, name: call.function?.name, arguments: '' };
      facts.tools[at].arguments += call.function?.arguments ?? '';
    }
  }
  return facts;
}

function openaiResponses(parts) {
  const last = parts.findLast((part) => part.response?.usage)?.response ?? parts.at(-1);
  const items = last.output ?? [];
  return {
    model: last.model,
    id: last.id,
    usage: openaiUsage(last.usage),
    finish: last.status,
    text: items.flatMap((item) => item.content ?? []).map((part) => part.text ?? '').join(''),
    tools: items.filter((item) => item.type === 'function_call')
      .map((item) => ({ id: item.call_id, name: item.name, arguments: item.arguments })),
  };
}

function anthropic(parts) {
  const facts = { text: '', tools: [] };
  const usage = {};
  for (const part of parts) {
    const message = part.message ?? (part.type === 'message' ? part : {});
    facts.model = message.model ?? facts.model;
    facts.id = message.id ?? facts.id;
    facts.finish = part.delta?.stop_reason ?? message.stop_reason ?? facts.finish;
    Object.assign(usage, message.usage, part.usage);
    for (const block of [...(message.content ?? []), part.content_block].filter(Boolean)) {
      if (block.type === 'tool_use') {
        facts.tools.push({ id: block.id, name: block.name, arguments: message.content ? JSON.stringify(block.input) : '' });
      }
      facts.text += block.type === 'text' ? block.text : '';
    }
    facts.text += part.delta?.type === 'text_delta' ? part.delta.text : '';
    if (part.delta?.type === 'input_json_delta') {
      facts.tools.at(-1).arguments += part.delta.partial_json;
    }
  }
  const read = usage.cache_read_input_tokens;
  const written = usage.cache_creation_input_tokens;
  facts.usage = usage.output_tokens === undefined ? undefined : {
    prompt: usage.input_tokens + (read ?? 0) + (written ?? 0),
    completion: usage.output_tokens,
    cached: read,
    written,
    exclusive: usage.input_tokens,
  };
  return facts;
}

// What a step about this exchange must hold: {model, id, usage, finish, text, tools, error}.
export function factsOf(exchange) {
  if (exchange.status >= 400) {
    return { error: exchange.status, model: exchange.request.model, tools: [] };
  }
  const parts = /event-stream/.test(exchange.type) ? eventsOf(exchange.body) : [JSON.parse(exchange.body)];
  if (/messages$/.test(exchange.path)) {
    return anthropic(parts);
  }
  return /responses$/.test(exchange.path) ? openaiResponses(parts) : openaiChat(parts);
}

// ---- saying it again -------------------------------------------------------------------------------------------

// Serves the answers of these exchanges in order, whatever is asked; `left()` says how many were not asked for.
export async function replay(t, exchanges) {
  const waiting = [...exchanges];
  const server = createServer((request, response) => {
    request.resume().on('end', () => {
      const exchange = waiting.shift();
      if (!exchange) {
        response.writeHead(418, { 'content-type': 'application/json', 'x-should-retry': 'false' })
          .end('{"error":{"message":"nothing more was recorded"}}');
        return;
      }
      response.writeHead(exchange.status, { 'content-type': exchange.type, 'x-should-retry': 'false' });
      response.end(exchange.body);
    });
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => new Promise((resolve) => {
    server.closeAllConnections();
    server.close(resolve);
  }));
  return { url: `http://127.0.0.1:${server.address().port}`, left: () => waiting.length };
}
