// SPDX-License-Identifier: Apache-2.0
// What is done to a step and a run that are there: ended, changed, kept alive, given timings, messages and traces,
// cancelled, deleted.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { agent, newId, serve } from './lib.mjs';

async function pending(server, more = {}) {
  const id = newId('step');
  await server.must(201, 'POST', '/v1/steps', { body: { id, ...more } });
  return id;
}

const patch = (server, id, body, headers) => server.api('PATCH', `/v1/steps/${id}`, { body, headers });
const field = (answer) => answer.body.detail[0].loc.slice(1).join('.');

test('a step is ended once', async (t) => {
  const server = await serve(t);
  const id = await pending(server);
  const end = {
    status: 'success',
    model: 'm',
    prompt_tokens: 1,
    completion_tokens: 2,
    stop_reason: 'end_turn',
    metrics: { step_ns: 5 },
    messages: [{ role: 'assistant', text: 'done' }],
  };
  const first = await patch(server, id, end);
  assert.equal(first.status, 200, first.text);
  assert.equal(first.body.verdict, 'updated');
  assert.equal(first.headers.get('stepwell-seq'), String(first.body.seq));
  const seen = await server.show(id);
  assert.equal(seen.step.status, 'success');
  assert.equal(seen.step.total_tokens, 3);
  assert.equal(seen.step.lease_expires_at, null);
  assert.equal(seen.metrics.step_ns, 5);
  assert.equal(seen.messages[0].text, 'done');
  assert.equal((await patch(server, id, end)).body.verdict, 'unchanged');
  const other = await patch(server, id, { status: 'failed' });
  assert.equal(other.status, 409);
  assert.equal(other.headers.get('x-should-retry'), 'false');
  assert.match(other.body.detail, /success.*failed/);
  assert.equal((await server.show(id)).messages.length, 1);
  await server.verify();
});

test('late fields while it is pending, a few at any time', async (t) => {
  const server = await serve(t);
  const id = await pending(server, { model: 'a', end_user: 'ann' });
  assert.equal((await patch(server, id, { model: 'b', end_user: null, tags: ['x'] })).body.verdict, 'updated');
  let { step } = await server.show(id);
  assert.deepEqual([step.model, step.end_user, step.tags], ['b', null, ['x']]);
  assert.equal((await patch(server, id, { model: 'b' })).body.verdict, 'unchanged');
  await server.must(200, 'PATCH', `/v1/steps/${id}`, { body: { status: 'cancelled' } });
  assert.equal((await patch(server, id, { tid: 'transaction', feedback: 'positive' })).body.verdict, 'updated');
  const late = await patch(server, id, { model: 'c' });
  assert.equal(late.status, 409);
  assert.match(late.body.detail, /model/);
  ({ step } = await server.show(id));
  assert.deepEqual([step.model, step.tid, step.feedback], ['b', 'transaction', 'positive']);
  const never = await patch(server, id, { run_id: newId('run') });
  assert.equal(never.status, 422);
  assert.equal(field(never), 'run_id');
  await server.verify();
});

test('one body, one verdict', async (t) => {
  const server = await serve(t);
  const id = await pending(server);
  const bad = await patch(server, id, { model: 'b', messages: [{ role: 'user', text: 'x', run_id: newId('run') }] });
  assert.equal(field(bad), 'messages.0.run_id');
  const { step, messages } = await server.show(id);
  assert.equal(step.model, null);
  assert.deepEqual(messages, []);
  assert.equal(field(await patch(server, id, { modell: 1 })), 'modell');
  assert.equal(field(await patch(server, id, { lease_seconds: 5 })), 'lease_seconds');
  assert.equal(field(await patch(server, id, { id: newId('step') })), 'id');
  assert.equal((await patch(server, id, [])).status, 422);
});

test('a step nobody has', async (t) => {
  const server = await serve(t);
  const id = newId('step');
  const calls = [
    ['PATCH', '', { model: 'm' }],
    ['POST', '/lease', {}],
    ['PUT', '/metrics', { step_ns: 1 }],
    ['POST', '/messages', [{ role: 'user', text: 'a' }]],
    ['POST', '/traces', [{ request_json: {}, response_json: {} }]],
    ['DELETE', '', undefined],
  ];
  for (const [method, tail, body] of calls) {
    const answer = await server.api(method, `/v1/steps/${id}${tail}`, { body });
    assert.equal(answer.status, 404, `${method} ${tail}: ${answer.text}`);
    assert.equal((await server.api(method, `/v1/steps/nonsense${tail}`, { body })).status, 422);
  }
});

test('a lease is renewed', async (t) => {
  const server = await serve(t);
  const id = await pending(server, { lease_seconds: 60 });
  const before = Date.now();
  const lease = async () => Date.parse((await server.show(id)).step.lease_expires_at) - before;
  assert.ok((await lease()) < 120_000);
  assert.equal((await server.must(200, 'POST', `/v1/steps/${id}/lease`, { body: { seconds: 1000 } })).verdict, 'updated');
  assert.ok((await lease()) > 900_000);
  await server.must(200, 'POST', `/v1/steps/${id}/lease`);
  const usual = await lease();
  assert.ok(usual > 290_000 && usual < 400_000, `${usual}`);
  for (const body of [{ seconds: 0 }, { seconds: 100_000 }, { seconds: 'x' }, { second: 5 }, 3]) {
    const answer = await server.api('POST', `/v1/steps/${id}/lease`, { body });
    assert.equal(answer.status, 422, JSON.stringify(body));
  }
  await server.must(200, 'PATCH', `/v1/steps/${id}`, { body: { status: 'success' } });
  await server.must(409, 'POST', `/v1/steps/${id}/lease`, { body: {} });
});

test('timings, messages and traces are added to what is there', async (t) => {
  const server = await serve(t);
  const id = await pending(server);
  await server.must(200, 'PATCH', `/v1/steps/${id}`, { body: { status: 'success' } });
  const metrics = `/v1/steps/${id}/metrics`;
  assert.equal((await server.must(200, 'PUT', metrics, { body: { step_ns: 5 } })).verdict, 'updated');
  assert.equal((await server.must(200, 'PUT', metrics, { body: { llm_request_ns: 4, step_ns: null } })).verdict, 'updated');
  assert.equal((await server.must(200, 'PUT', metrics, { body: { step_ns: 5 } })).verdict, 'unchanged');
  assert.equal(field(await server.api('PUT', metrics, { body: { step_nz: 5 } })), 'step_nz');
  assert.equal(field(await server.api('PUT', metrics, { body: { step_ns: -5 } })), 'step_ns');

  const messages = `/v1/steps/${id}/messages`;
  const one = { id: newId('message'), role: 'user', text: 'one' };
  assert.equal((await server.must(200, 'POST', messages, { body: { messages: [one] } })).verdict, 'updated');
  assert.equal((await server.must(200, 'POST', messages, { body: [one] })).verdict, 'unchanged');
  assert.equal((await server.must(200, 'POST', messages, { body: [one, { role: 'tool', text: 'two' }] })).verdict, 'updated');
  await server.must(409, 'POST', messages, { body: [{ ...one, text: 'other' }] });
  assert.equal(field(await server.api('POST', messages, { body: [one, { rolle: 'user' }] })), 'messages.1.rolle');
  assert.equal(field(await server.api('POST', messages, { body: { traces: [] } })), 'traces');
  assert.equal((await server.api('POST', messages, { body: { messages: [], more: 1 } })).status, 422);
  assert.equal((await server.api('POST', messages, { body: {} })).status, 422);

  const traces = `/v1/steps/${id}/traces`;
  const trace = { id: newId('provider_trace'), request_json: { q: 1 }, response_json: { a: [] } };
  assert.equal((await server.must(200, 'POST', traces, { body: { traces: [trace] } })).verdict, 'updated');
  assert.equal((await server.must(200, 'POST', traces, { body: [trace] })).verdict, 'unchanged');
  assert.equal(field(await server.api('POST', traces, { body: [{ request_json: 1 }] })), 'traces.0.request_json');

  const seen = await server.show(id);
  assert.deepEqual([seen.metrics.step_ns, seen.metrics.llm_request_ns], [5, 4]);
  assert.deepEqual(seen.messages.map((m) => m.text), ['one', 'two']);
  assert.equal(seen.provider_traces.length, 1);
  await server.verify();
});

test('a deleted step is gone', async (t) => {
  const server = await serve(t);
  const id = await pending(server, { messages: [{ role: 'user', text: 'x' }], metrics: { step_ns: 1 } });
  const answer = await server.api('DELETE', `/v1/steps/${id}`);
  assert.equal(answer.text, 'null');
  assert.ok(Number(answer.headers.get('stepwell-seq')) > 0);
  await server.must(404, 'DELETE', `/v1/steps/${id}`);
  assert.equal((await server.sql('select count(*) as n from steps'))[0].n, 0);
  await server.verify();
});

test('a run is created, changed, ended, cancelled', async (t) => {
  const server = await serve(t);
  const run = { id: newId('run'), agent_id: await agent(server), metadata: { a: 1 } };
  assert.equal((await server.must(201, 'POST', '/v1/runs/', { body: run })).id, run.id);
  assert.equal((await server.must(200, 'POST', '/v1/runs', { body: run })).verdict, 'unchanged');
  await server.must(409, 'POST', '/v1/runs', { body: { ...run, background: true } });
  assert.equal(field(await server.api('POST', '/v1/runs', { body: { agent_id: newId('agent') } })), 'agent_id');
  assert.equal(field(await server.api('POST', '/v1/runs', { body: { agentid: 'x' } })), 'agentid');

  await server.must(200, 'PATCH', `/v1/runs/${run.id}`, { body: { status: 'running', metadata: { b: 2 } } });
  let seen = (await server.show(run.id)).run;
  assert.equal(seen.status, 'running');
  assert.deepEqual(seen.metadata, { a: 1, b: 2 });
  await server.must(201, 'POST', '/v1/steps', { body: { run_id: run.id, status: 'success' } });
  await server.must(200, 'PATCH', `/v1/runs/${run.id}`, { body: { status: 'completed', stop_reason: 'end_turn' } });
  await server.must(409, 'PATCH', `/v1/runs/${run.id}`, { body: { status: 'running' } });
  assert.equal((await server.must(200, 'POST', `/v1/runs/${run.id}/cancel`)).verdict, 'unchanged');
  seen = await server.show(run.id);
  assert.equal(seen.run.status, 'completed');
  assert.equal(seen.metrics.num_steps, 1);

  const other = (await server.must(201, 'POST', '/v1/runs', { body: { agent_id: run.agent_id } })).id;
  assert.equal((await server.must(200, 'POST', `/v1/runs/${other}/cancel`)).verdict, 'updated');
  assert.equal((await server.show(other)).run.status, 'cancelled');
  await server.must(404, 'POST', `/v1/runs/${newId('run')}/cancel`);
  await server.must(404, 'PATCH', `/v1/runs/${newId('run')}`, { body: { background: true } });
  await server.verify();
});
