// SPDX-License-Identifier: Apache-2.0
// Real instrumentations, running the providers' own clients against a provider that replays recorded exchanges, send
// to a running server what they send to anybody. What the steps must hold is read from the exchanges themselves.
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { test } from 'node:test';
import { level } from '../http/lib.mjs';
import { drive, otlpServer, settled } from './drive.mjs';
import { packages } from './packages.mjs';
import { exchangesOf, factsOf, replay } from './provider.mjs';

const here = dirname(fileURLToPath(import.meta.url));
const recorded = join(here, '../../../shared/data/provider-http');

const python = 'open-telemetry__opentelemetry-python-contrib/openai-v2__';
const llmetry = 'traceloop__openllmetry/';
// What is replayed: a name, the recording, which of its exchanges, and the way of calling.
const CHAT = [
  ['plain', `${python}test_chat_completion_metrics.yaml`, [0], 'chat'],
  ['streamed', `${python}test_chat_completion_streaming.yaml`, [0], 'chat'],
  ['tools', `${python}test_chat_completion_tool_calls_with_content.yaml`, [0, 1], 'chat'],
  ['streamed tools', `${python}test_chat_completion_multiple_tools_streaming_with_content.yaml`, [0], 'chat'],
  ['cached', `${llmetry}openai__test_prompt_caching__test_openai_prompt_caching_async.yaml`, [0, 1], 'chat'],
  ['reasoning', `${llmetry}openai__test_chat__test_chat_reasoning.yaml`, [0], 'chat'],
  ['error', `${python}test_chat_completion_404.yaml`, [0], 'chat'],
];
const RESPONSES = [
  ['responses', `${python}test_responses_create_token_usage_content_mode0_.yaml`, [0], 'responses'],
  ['responses reasoning', `${llmetry}openai__test_responses__test_responses_reasoning.yaml`, [0], 'responses'],
  ['responses tools', `${python}test_responses_create_captures_tool_call_content_content_mode0_.yaml`, [0], 'responses'],
];
// None of the recordings holds a refusal of Anthropic's; this is the form its documentation gives.
const OVERLOADED = {
  path: '/v1/messages',
  status: 529,
  type: 'application/json',
  request: { model: 'claude-sonnet-4-5', max_tokens: 64, messages: [{ role: 'user', content: 'hello' }] },
  body: '{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}',
};
const MESSAGES = [
  ['plain', `${llmetry}anthropic__test_messages__test_with_asyncio_run_legacy.yaml`, [0], 'messages'],
  ['streamed', `${llmetry}anthropic__test_messages__test_async_anthropic_message_stream_manager_legacy.yaml`, [0], 'messages'],
  ['tools', `${llmetry}anthropic__test_messages__test_anthropic_tools_history_legacy.yaml`, [0], 'messages'],
  ['streamed tools', `${llmetry}anthropic__test_messages__test_anthropic_tools_streaming_legacy.yaml`, [0], 'messages'],
  ['cached', `${llmetry}anthropic__test_prompt_caching__test_anthropic_prompt_caching_legacy.yaml`, [0, 1], 'messages'],
  ['cached, streamed', `${llmetry}anthropic__test_prompt_caching__test_anthropic_prompt_caching_async_stream_legacy.yaml`, [0, 1], 'messages'],
  ['thinking', `${llmetry}anthropic__test_thinking__test_anthropic_thinking_legacy.yaml`, [0], 'messages'],
  ['error', OVERLOADED, [0], 'messages'],
];
const INSTRUMENTATIONS = {
  'openllmetry-openai': CHAT,
  'openinference-openai': [...CHAT, ...RESPONSES],
  'openllmetry-anthropic': MESSAGES,
  'openinference-anthropic': MESSAGES,
  'ai-7': [...CHAT, ...MESSAGES],
  'ai-6': [...CHAT, ...MESSAGES],
};
// Every way of sending is taken in turn.
const ROADS = [
  { exporter: 'json', gzip: false },
  { exporter: 'proto', gzip: true },
  { exporter: 'grpc', gzip: false },
  { exporter: 'json', gzip: true },
  { exporter: 'proto', gzip: false },
  { exporter: 'grpc', gzip: true },
];

const STOPPED = {
  stop: 'end_turn',
  end_turn: 'end_turn',
  completed: 'end_turn',
  tool_calls: null,
  tool_use: null,
  length: 'max_tokens_exceeded',
  max_tokens: 'max_tokens_exceeded',
};

// What an instrumentation does not send, so that no reader of its spans can know it; each was looked at on the wire.
const UNTOLD = [
  ['openllmetry-openai', 'cached', 'cached'], // 0.27 has no attribute for tokens read from the cache,
  ['openllmetry-openai', 'reasoning', 'reasoning'], // nor for reasoning,
  ['openllmetry-openai', 'streamed', 'usage'], // nor any usage of a stream
  ['openllmetry-openai', 'streamed tools', 'usage'],
  ['openllmetry-openai', 'error', 'call'], // a refused call's span is never ended, and so never sent
  ['openinference-openai', 'error', 'call'], // 4.2 has the same fault
  ['openinference-openai', 'streamed', 'model'], // only the model that was asked for
  ['openinference-openai', 'streamed tools', 'model'],
  ['openinference-openai', 'streamed', 'usage'], // and no usage of a stream
  ['openinference-openai', 'streamed tools', 'usage'],
  ['openinference-openai', 'streamed tools', 'calls'], // two calls are sent as one, their ids and names run together
  ['ai-7', 'reasoning', 'reasoning'], // @ai-sdk/otel 1.0 does not pass it on
];
const untold = (kind, name, what) => UNTOLD.some(([k, n, w]) => k === kind && n === name && w === what);

// The calls a program makes for these exchanges: a client repeats the request; the AI SDK asks once, and goes on by
// itself while tools are called.
function callsFor(kind, api, exchanges) {
  if (!kind.startsWith('ai-')) {
    return exchanges.map(({ request }) => ({ api, body: request }));
  }
  const tools = [...new Set(exchanges.flatMap((e) => factsOf(e).tools.map((tool) => tool.name)))];
  const call = ({ request }) => ({ api, body: { model: request.model, prompt: 'hello', stream: request.stream } });
  return tools.length > 0 && exchanges.length > 1
    ? [{ ...call(exchanges[0]), tools }]
    : exchanges.map((exchange) => call(exchange));
}

async function checkStep(server, kind, name, step, facts, asked) {
  const told = (what) => !untold(kind, name, what);
  if (facts.error) {
    assert.equal(step.status, 'failed');
    assert.equal(step.stop_reason, 'llm_api_error');
    assert.ok(step.error_data?.message || step.error_type, 'the error is told');
    return;
  }
  assert.equal(step.status, 'success');
  assert.equal(step.model, told('model') ? facts.model : asked);
  if (!told('usage')) {
    assert.equal(step.usage_state, 'unknown', 'nothing is made up');
  } else {
    assert.equal(step.prompt_tokens, facts.usage.prompt, 'prompt tokens');
    assert.equal(step.completion_tokens, facts.usage.completion, 'completion tokens');
    assert.equal(step.total_tokens, facts.usage.prompt + facts.usage.completion, 'total');
  }
  if (facts.usage.cached > 0 && told('cached')) {
    assert.equal(step.cached_input_tokens, facts.usage.cached, 'read from the cache');
  }
  if (facts.usage.written > 0 && told('written')) {
    assert.equal(step.cache_write_tokens, facts.usage.written, 'written to the cache');
  }
  if (facts.usage.reasoning > 0 && told('reasoning')) {
    assert.equal(step.reasoning_tokens, facts.usage.reasoning, 'reasoning');
  }
  assert.equal(step.stop_reason ?? null, facts.tools.length > 0 ? null : STOPPED[facts.finish], 'stop reason');
  await checkMessages(server, step, facts, told('calls') ? facts.tools : []);
}

async function checkMessages(server, step, facts, tools) {
  const messages = await server.sql(`select role, text, content, tool_calls from messages where step_id = '${step.id}' order by sequence_id`);
  const said = messages.filter((m) => m.role === 'assistant');
  const shown = said.map((m) => `${m.text ?? ''}${m.content ?? ''}`).join('');
  assert.ok(shown.includes(JSON.stringify(facts.text.slice(0, 20)).slice(1, -1)) || shown.includes(facts.text.slice(0, 20)), `the answer is kept: ${shown}`);
  const called = said.flatMap((m) => JSON.parse(m.tool_calls ?? '[]')).map((call) => call.id);
  for (const tool of tools) {
    assert.ok(called.includes(tool.id), `the call of ${tool.name} is kept`);
  }
}

// The first text that the person is heard to say in a request of whichever provider.
function askedIn({ messages, input }) {
  const said = messages ?? (Array.isArray(input) ? input : [{ role: 'user', content: input }]);
  const texts = said.filter((m) => m.role === 'user').map(({ content }) =>
    typeof content === 'string' ? content : content?.find((part) => part.text)?.text);
  return texts.find(Boolean);
}

// What the step was sent is what the exchange asked; the AI SDK is asked anew (callsFor).
async function checkSent(server, kind, step, exchange) {
  const asked = kind.startsWith('ai-') ? 'hello' : askedIn(exchange.request);
  const sent = await server.get(`/v1/steps/${step.id}/context`);
  const texts = sent.flatMap((m) => [m.text, ...(m.content ?? []).map((part) => part.text)]).filter(Boolean);
  assert.ok(asked, 'the exchange asks something');
  assert.ok(texts.some((text) => text.includes(asked)), `what was asked is kept: ${JSON.stringify(texts).slice(0, 400)}`);
}

async function check(server, kind, name, exchanges) {
  await settled(server);
  const steps = await server.get('/v1/steps?order=asc&limit=100');
  assert.equal(steps.length, untold(kind, name, 'call') ? 0 : exchanges.length, 'one step for each exchange');
  for (const [i, step] of steps.entries()) {
    await checkStep(server, kind, name, step, factsOf(exchanges[i]), exchanges[i].request.model);
    await checkSent(server, kind, step, exchanges[i]);
  }
  if (kind.startsWith('ai-') && exchanges.length > 1 && factsOf(exchanges[0]).tools.length > 0) {
    const metrics = await server.get(`/v1/steps/${steps[0].id}/metrics`);
    // The tools wait 20 ms each, at the same time.
    assert.ok(metrics.tool_execution_ns >= 15e6, `tool time ${metrics.tool_execution_ns}`);
    assert.equal(steps[0].run_id, steps[1].run_id, 'one run');
  }
  await server.verify();
}

// At the quick level one of each.
const chosen = ([name]) => level !== 'quick' || name === 'tools';

// What a scenario needs: its exchanges, a provider that says them, a server of its own; null where it cannot be tried.
async function prepare(t, home, kind, [name, file, which, api], road) {
  const path = join(recorded, String(file));
  if (file !== OVERLOADED && !existsSync(path)) {
    return null;
  }
  const all = file === OVERLOADED ? [file] : exchangesOf(await packages.load(home, 'yaml'), path);
  const exchanges = which.map((i) => all[i]);
  const [server, provider] = await Promise.all([otlpServer(t), replay(t, exchanges)]);
  return { name, exchanges, provider, job: { server, ...road, provider: provider.url, calls: callsFor(kind, api, exchanges) } };
}

let turn = 0;
for (const [kind, scenarios] of Object.entries(INSTRUMENTATIONS)) {
  const rows = scenarios.filter(chosen).map((scenario) => ({ scenario, road: ROADS[turn++ % ROADS.length] }));
  test(kind, async (t) => {
    const home = await packages.home(t);
    if (!home) {
      return;
    }
    const made = await Promise.all(rows.map(({ scenario, road }) => prepare(t, home, kind, scenario, road)));
    await drive(home, kind, made.filter(Boolean).map(({ job }) => job));
    for (const [i, { scenario: [name, , , api], road }] of rows.entries()) {
      await t.test(`${kind}: ${name} (${api}), over ${road.exporter}${road.gzip ? ' with gzip' : ''}`, async (tt) => {
        if (!made[i]) {
          tt.skip('the recorded exchanges (../shared/data/provider-http) are not here');
          return;
        }
        const { exchanges, provider, job: { server } } = made[i];
        assert.equal(provider.left(), 0, 'every exchange was asked for');
        await check(server, kind, name, exchanges);
      });
    }
  });
}
