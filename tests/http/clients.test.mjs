// SPDX-License-Identifier: Apache-2.0
// V1's official clients, unmodified from the registry: the newest of the 1.x line and the last of the old one. What
// they do is looked at from the ledger's side too, with the command line program and the file itself.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { agent, fill, newId, packaged, scaled, shared } from './lib.mjs';

const COUNT = scaled(1200, 3000, 6000);
const T0 = Date.UTC(2025, 0, 1);

let sent; // in the total order
let run;
let step; // one with everything
let owner; // its agent

const at = shared({}, async (server) => {
  owner = await agent(server, { agent_type: 'letta_v1_agent' });
  run = newId('run');
  await server.must(201, 'POST', '/v1/runs', { body: { id: run, agent_id: owner, metadata: { kind: 'demo' }, background: true } });
  sent = await fill(server, COUNT, (i) => ({
    // Two share each time.
    created_at: new Date(T0 + Math.floor(i / 2) * 1000).toISOString(),
    model: i % 2 ? 'gpt-x' : 'claude-y',
    agent_id: owner,
    run_id: i % 100 === 0 ? run : null,
    status: 'success',
    prompt_tokens: 10,
    completion_tokens: 2,
    total_tokens: 12,
    cached_input_tokens: 4,
    reasoning_tokens: 0,
    tags: i % 3 ? [] : ['third'],
  }));
  const key = (s) => `${s.created_at} ${s.id}`;
  sent.sort((a, b) => (key(a) < key(b) ? -1 : 1));
  [step] = await fill(server, 1, () => ({
    created_at: '2024-12-31T00:00:00Z',
    run_id: run,
    agent_id: owner,
    model: 'gpt-x',
    status: 'success',
    stop_reason: 'end_turn',
    prompt_tokens: 10,
    completion_tokens: 5,
    total_tokens: 15,
    trace_id: 'ab'.repeat(16),
    metrics: { step_ns: 5_000_000_000, llm_request_ns: 4_000_000_000, tool_execution_ns: 7 },
    traces: [{ request_json: { model: 'gpt-x', messages: [] }, response_json: { usage: { total: 15 } } }],
    messages: [
      { role: 'user', content: [{ type: 'text', text: 'what is it?' }] },
      {
        role: 'assistant',
        content: [{ type: 'reasoning', is_native: true, reasoning: 'let me look' }],
        tool_calls: [{ id: 'call-1', type: 'function', function: { name: 'look', arguments: '{"at":1}' } }],
      },
      { role: 'tool', name: 'look', tool_call_id: 'call-1', tool_returns: [{ tool_call_id: 'call-1', status: 'success', func_response: 'a well' }] },
      { role: 'assistant', content: [{ type: 'text', text: 'a well.' }] },
    ],
  }));
});

const SPOKEN = ['user_message', 'reasoning_message', 'tool_call_message', 'tool_return_message', 'assistant_message'];

async function collect(pages) {
  const all = [];
  for await (const item of pages) {
    all.push(item.id);
  }
  return all;
}

// ---- the 1.x line -----------------------------------------------------------------------------------------------

// A test with the client; the extra options go to its constructor.
function newest(name, body, options = {}) {
  test(`1.x: ${name}`, async (t) => {
    const package_ = await packaged(t, 'letta-client-1');
    if (package_) {
      const { Letta } = package_;
      await body(new Letta({ baseURL: at.server.url, apiKey: 'none', fetch: at.server.fetch, ...options }), package_, t);
    }
  });
}

newest('health', async (client) => {
  const health = await client.health();
  assert.equal(health.status, 'ok');
});

newest('iterating goes over every step once, in both orders', async (client) => {
  const all = [step.id, ...sent.map((s) => s.id)];
  assert.deepEqual(await collect(client.steps.list({ order: 'asc', limit: 100 })), all);
  assert.deepEqual(await collect(client.steps.list({ order: 'desc', limit: 1000 })), [...all].reverse());
  const [{ n }] = await at.server.sql('select count(*) as n from steps');
  assert.equal(n, all.length);
});

newest('iterating backward from a step goes over every step before it once', async (client) => {
  const all = [step.id, ...sent.map((s) => s.id)];
  const got = [];
  for (let page = await client.steps.list({ order: 'asc', limit: 70, before: all[300] }); page.items.length > 0; ) {
    got.unshift(...page.items.map((s) => s.id));
    page = await page.getNextPage();
  }
  assert.deepEqual(got, all.slice(0, 300));
});

newest('filters, with arrays, dates, booleans and null', async (client) => {
  const third = sent.filter((s) => s.tags.length > 0).map((s) => s.id);
  assert.deepEqual(await collect(client.steps.list({ order: 'asc', limit: 200, tags: ['third', 'none'] })), third);
  assert.deepEqual(await collect(client.steps.list({ trace_ids: ['ab'.repeat(16), 'cd'.repeat(16)] })), [step.id]);
  assert.deepEqual(await collect(client.steps.list({ end_date: new Date(T0).toISOString(), has_feedback: null, feedback: null })), [step.id]);
  assert.deepEqual(await collect(client.steps.list({ agent_id: 'agent-none' })), []);
});

newest('retrieve, metrics and trace', async (client) => {
  const got = await client.steps.retrieve(step.id);
  const { step: row, metrics: timings } = await at.server.show(step.id);
  for (const name of ['id', 'run_id', 'agent_id', 'model', 'stop_reason', 'prompt_tokens', 'completion_tokens', 'total_tokens', 'trace_id', 'status']) {
    assert.deepEqual(got[name], row[name], name);
    assert.deepEqual(got[name], step[name], name);
  }
  assert.deepEqual(got.messages, []);
  const metrics = await client.steps.metrics.retrieve(step.id);
  assert.equal(metrics.step_ns, step.metrics.step_ns);
  assert.equal(metrics.llm_request_ns, timings.llm_request_ns);
  assert.equal(metrics.run_id, run);
  const trace = await client.steps.trace.retrieve(step.id);
  assert.deepEqual(trace.request_json, step.traces[0].request_json);
  assert.deepEqual(trace.response_json, step.traces[0].response_json);
  assert.equal(await client.steps.trace.retrieve(sent[0].id), null);
});

newest('feedback is kept, with tags', async (client) => {
  const id = sent[5].id;
  const got = await client.steps.feedback.create(id, { feedback: 'negative', tags: ['rude'] });
  assert.equal(got.feedback, 'negative');
  const { step: row } = await at.server.show(id);
  assert.equal(row.feedback, 'negative');
  assert.deepEqual(row.tags, ['rude']);
  await client.steps.feedback.create(id, { feedback: null });
  const { step: after } = await at.server.show(id);
  assert.equal(after.feedback, null);
  assert.deepEqual(after.tags, ['rude']);
});

newest('messages of a step and of a run are the same views', async (client) => {
  const ofStep = [];
  for await (const message of client.steps.messages.list(step.id, { limit: 2 })) {
    ofStep.push(message);
  }
  assert.deepEqual(ofStep.map((m) => m.message_type), SPOKEN);
  assert.equal(ofStep[0].content, 'what is it?');
  assert.equal(ofStep[3].tool_returns[0].tool_return, 'a well');
  assert.equal(ofStep[4].content, 'a well.');
  const ofRun = [];
  for await (const message of client.runs.messages.list(run, { order: 'asc', limit: 1 })) {
    ofRun.push(message);
  }
  assert.deepEqual(ofRun, ofStep);
  assert.deepEqual((await collect(client.runs.messages.list(run, { order: 'desc' }))).length, SPOKEN.length);
});

newest('runs: list, retrieve, steps, usage, trace', async (client) => {
  assert.deepEqual(await collect(client.runs.list({ agent_id: owner, background: true })), [run]);
  const got = await client.runs.retrieve(run);
  assert.deepEqual(got.metadata, { kind: 'demo' });
  const mine = sent.filter((s) => s.run_id).map((s) => s.id);
  assert.deepEqual(await collect(client.runs.steps.list(run, { order: 'asc', limit: 7 })), [step.id, ...mine]);
  const usage = await client.runs.usage.retrieve(run);
  const [sums] = await at.server.sql(
    `select sum(prompt_tokens) p, sum(completion_tokens) c, sum(total_tokens) t, sum(cached_input_tokens) k from steps where run_id = '${run}'`,
  );
  assert.equal(usage.prompt_tokens, sums.p);
  assert.equal(usage.completion_tokens, sums.c);
  assert.equal(usage.total_tokens, sums.t);
  assert.equal(usage.prompt_tokens_details.cached_tokens, sums.k);
  assert.equal(usage.completion_tokens_details.reasoning_tokens, 0);
  assert.deepEqual(await client.runs.trace.retrieve(run), []);
});

newest('what is wrong has the class it should have', async (client, { NotFoundError, UnprocessableEntityError, BadRequestError }) => {
  await assert.rejects(client.steps.retrieve(newId('step')), NotFoundError);
  await assert.rejects(client.steps.retrieve('step-1'), UnprocessableEntityError);
  await assert.rejects(client.runs.retrieve('run-1'), BadRequestError);
  await assert.rejects(client.steps.list({ limit: 0 }), (error) => {
    assert(error instanceof UnprocessableEntityError);
    assert.deepEqual(error.error.detail[0].loc, ['query', 'limit']);
    return true;
  });
});

newest('a conflict is not tried again', async (client, { ConflictError }) => {
  const before = at.server.exchanges.length;
  await assert.rejects(client.post('/v1/steps', { body: { ...sent[0], model: 'another' } }), ConflictError);
  assert.equal(at.server.exchanges.length, before + 1);
});

newest('what a recorder cannot do says so, once', async (client) => {
  const before = at.server.exchanges.length;
  await assert.rejects(client.runs.messages.stream(run, {}), (error) => error.status === 501);
  assert.equal(at.server.exchanges.length, before + 1);
});

newest('deleting a run leaves its steps', async (client) => {
  const id = newId('run');
  await client.post('/v1/runs', { body: { id, agent_id: owner } });
  const [mine] = await fill(at.server, 1, () => ({ run_id: id, status: 'success' }));
  assert.equal(await client.delete(`/v1/runs/${id}`), null);
  assert.deepEqual(await at.server.sql(`select id from runs where id = '${id}'`), []);
  const { step: row } = await at.server.show(mine.id);
  assert.equal(row.run_id, null);
  await at.server.must(200, 'DELETE', `/v1/steps/${mine.id}`);
});

// ---- the old line -----------------------------------------------------------------------------------------------

function old(name, body) {
  test(`0.1.211: ${name}`, async (t) => {
    const package_ = await packaged(t, 'letta-client-0');
    if (package_) {
      const { LettaClient } = package_.default ?? package_;
      await body(new LettaClient({ baseUrl: at.server.url, token: 'none' }), package_.default ?? package_);
    }
  });
}

old('health', async (client) => {
  assert.equal((await client.health.check()).status, 'ok');
});

old('lists of steps, by after and before', async (client) => {
  const all = [step.id, ...sent.map((s) => s.id)];
  const got = [];
  for (let last; ; ) {
    const page = await client.steps.list({ order: 'asc', limit: 500, after: last });
    got.push(...page.map((s) => s.id));
    if (page.length === 0) {
      break;
    }
    last = page.at(-1).id;
  }
  assert.deepEqual(got, all);
  const before = await client.steps.list({ order: 'asc', limit: 3, before: all[50] });
  assert.deepEqual(before.map((s) => s.id), all.slice(47, 50));
});

old('retrieve and metrics', async (client) => {
  const got = await client.steps.retrieve(step.id);
  assert.equal(got.totalTokens, 15);
  assert.equal(got.stopReason, 'end_turn');
  assert.equal((await client.steps.retrieveStepMetrics(step.id)).stepNs, step.metrics.step_ns);
  const trace = await client.telemetry.retrieveProviderTrace(step.id);
  assert.deepEqual(trace.requestJson, step.traces[0].request_json);
});

old('feedback comes in the query, without a body', async (client) => {
  const id = sent[6].id;
  await client.steps.feedback.create(id, { feedback: 'positive' });
  const { step: row } = await at.server.show(id);
  assert.equal(row.feedback, 'positive');
});

old('runs: list, active, retrieve, messages, steps, usage', async (client) => {
  assert.deepEqual((await client.runs.list({ agentIds: [owner] })).map((r) => r.id), [run]);
  assert.deepEqual((await client.runs.listActive({ agentId: owner })).map((r) => r.id), [run]);
  assert.equal((await client.runs.retrieve(run)).agent_id, owner);
  const messages = await client.runs.messages.list(run, { order: 'asc' });
  assert.deepEqual(messages.map((m) => m.messageType), SPOKEN);
  assert.equal((await client.runs.steps.list(run, { limit: 1000 })).length, COUNT / 100 + 1);
  const [sums] = await at.server.sql(`select sum(total_tokens) t from steps where run_id = '${run}'`);
  assert.equal((await client.runs.usage.retrieve(run)).totalTokens, sums.t);
});

old('what is wrong has the class it should have', async (client, { LettaError, Letta }) => {
  await assert.rejects(client.steps.retrieve(newId('step')), (error) => error instanceof LettaError && error.statusCode === 404);
  await assert.rejects(client.steps.retrieve('step-1'), (error) => error instanceof Letta.UnprocessableEntityError);
});

old('deleting a run', async (client) => {
  const id = newId('run');
  await at.server.must(201, 'POST', '/v1/runs', { body: { id, agent_id: owner } });
  assert.equal((await client.runs.delete(id)).id, id);
  assert.deepEqual(await at.server.sql(`select id from runs where id = '${id}'`), []);
});

test('what they did adds up', () => at.server.verify());
