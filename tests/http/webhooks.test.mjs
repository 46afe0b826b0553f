// SPDX-License-Identifier: Apache-2.0
// What goes out, seen by a receiver on this machine: what is told, how often, signed how, and what a crash, a receiver
// that fails or one that never answers changes about that. The signature is checked with the example of docs/webhooks.md.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { test } from 'node:test';
import { agent, fill, folder, limited, newId, scaled, serve, Server } from './lib.mjs';

const SECRETS = { STEPWELL_SECRET_KEY: '0123456789abcdef'.repeat(4) };
const PRIVATE = ['--allow-private-targets'];
const LONGEST_MS = 60_000;

// A receiver on a free port. `answer(request, response)` answers; without it, 200.
async function receive(t, answer = (_, response) => response.end()) {
  const receiver = { calls: [], waiting: [], answer };
  const server = createServer((request, response) => {
    let body = '';
    request.setEncoding('utf8').on('data', (more) => (body += more)).on('end', () => {
      const call = { path: request.url, method: request.method, headers: request.headers, body, json: JSON.parse(body) };
      receiver.calls.push(call);
      receiver.answer(call, response);
      receiver.waiting.splice(0).forEach((wake) => wake());
    });
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => {
    server.close();
    server.closeAllConnections();
  });
  receiver.url = `http://127.0.0.1:${server.address().port}`;
  receiver.until = (right, what = 'the receiver to be called') => limited((async () => {
    while (!right(receiver.calls)) {
      await new Promise((resolve) => receiver.waiting.push(resolve));
    }
    return receiver.calls;
  })(), LONGEST_MS, what);
  return receiver;
}

// Asks until the answer is right.
const until = (ask, right, what) => limited((async () => {
  for (;;) {
    const answer = await ask();
    if (right(answer)) {
      return answer;
    }
  }
})(), LONGEST_MS, what);

const settled = (server, query = '') => until(() => server.get(`/v1/deliveries/?limit=1000${query}`),
  (rows) => rows.length > 0 && rows.every((row) => row.state !== 'pending'), 'deliveries to be settled');
const subscribe = (server, body) => server.must(201, 'POST', '/v1/subscriptions/', { body });
const post = (server, step) => server.must(201, 'POST', '/v1/steps', { body: { id: newId('step'), model: 'm', ...step } });
const patch = (server, id, body) => server.must(200, 'PATCH', `/v1/steps/${id}`, { body });

async function example() {
  const page = await readFile(new URL('../../docs/webhooks.md', import.meta.url), 'utf8');
  const [, code] = /```js\n([\s\S]*?)```/.exec(page);
  return (await import(`data:text/javascript,${encodeURIComponent(code)}`)).isFromStepwell;
}

test("the operator's webhook is told of each end once, as V1 tells it", async (t) => {
  const receiver = await receive(t);
  const server = await serve(t, { env: { STEP_COMPLETE_WEBHOOK: `${receiver.url}/done`, STEP_COMPLETE_KEY: 'k4711-of-the-operator' } });
  const ended = [];
  for (const status of ['success', 'failed', 'cancelled']) {
    const { id } = await post(server, {});
    await patch(server, id, { status });
    await patch(server, id, { status }); // the same again is no transition
    ended.push(id);
  }
  ended.push((await post(server, { status: 'success' })).id);
  const pending = await post(server, {});
  await receiver.until((calls) => calls.length >= 4);
  await settled(server);
  assert.deepEqual(receiver.calls.map((c) => c.json.step_id).sort(), [...ended].sort());
  for (const call of receiver.calls) {
    assert.equal(call.method, 'POST');
    assert.equal(call.path, '/done');
    assert.deepEqual(Object.keys(call.json), ['step_id']);
    assert.equal(call.headers.authorization, 'Bearer k4711-of-the-operator');
    assert.equal(call.headers['content-type'], 'application/json');
    assert.equal(call.headers['stepwell-signature'], undefined);
  }
  const rows = await server.get('/v1/deliveries/?limit=1000');
  assert.equal(rows.length, 4);
  assert.ok(rows.every((row) => row.state === 'delivered' && row.attempts === 1 && row.status_code === 200));
  assert.ok(!rows.some((row) => row.record_id === pending.id));
  assert.ok(!server.said.includes('k4711-of-the-operator'));
});

test('a subscription gets signed events, and the example of the documentation accepts them', async (t) => {
  const receiver = await receive(t);
  const server = await serve(t, { args: PRIVATE, env: SECRETS });
  const secret = 'whsec_a long random text';
  const subscription = await subscribe(server, { url: `${receiver.url}/hook`, events: ['step.failed'], secret });
  assert.equal(subscription.secret, null);
  await post(server, { status: 'success' });
  const { id, seq } = await post(server, { status: 'failed', error_type: 'E' });
  const [call] = await receiver.until((calls) => calls.length >= 1);
  const [row] = await settled(server);
  assert.equal(receiver.calls.length, 1);
  assert.deepEqual(Object.keys(call.json), ['id', 'type', 'time', 'organization_id', 'seq', 'data']);
  assert.equal(call.json.id, row.id);
  assert.equal(call.json.type, 'step.failed');
  assert.equal(call.json.seq, seq);
  assert.equal(call.json.organization_id, row.organization_id);
  assert.deepEqual(call.json.data, { step: await server.get(`/v1/steps/${id}`) });
  assert.equal(call.headers['stepwell-delivery'], row.id);
  assert.equal(call.headers['stepwell-event'], 'step.failed');
  const isFromStepwell = await example();
  assert.equal(isFromStepwell(secret, call.headers, call.body), true);
  assert.equal(isFromStepwell(`${secret}x`, call.headers, call.body), false);
  assert.equal(isFromStepwell(secret, call.headers, call.body.replace('failed', 'passed')), false);
  const other = { ...call.headers, 'stepwell-delivery': newId('delivery') };
  assert.equal(isFromStepwell(secret, other, call.body), false);
  const old = { ...call.headers, 'stepwell-signature': call.headers['stepwell-signature'].replace(/t=\d+/, 't=1') };
  assert.equal(isFromStepwell(secret, old, call.body), false);
  assert.ok(!JSON.stringify([await server.get('/v1/subscriptions/'), server.said]).includes(secret));
});

test('who fails is called again under the same id, and each attempt is recorded', async (t) => {
  const receiver = await receive(t, (_, response) => {
    response.statusCode = receiver.calls.length === 1 ? 503 : 204;
    response.end();
  });
  const server = await serve(t, { args: PRIVATE, env: SECRETS });
  await subscribe(server, { url: receiver.url, events: ['step.success'], secret: 's' });
  await post(server, { status: 'success' });
  const [first, second] = await receiver.until((calls) => calls.length >= 2);
  const [row] = await settled(server);
  assert.equal(first.headers['stepwell-delivery'], second.headers['stepwell-delivery']);
  assert.equal(first.json.id, second.json.id);
  assert.deepEqual([row.state, row.attempts, row.status_code], ['delivered', 2, 204]);
  const attempts = await server.get(`/v1/deliveries/${row.id}/attempts?order=asc`);
  assert.deepEqual(attempts.map((a) => [a.number, a.status_code]), [[1, 503], [2, 204]]);
  assert.ok(attempts.every((a) => a.duration_ns > 0));
  assert.match(attempts[0].error, /503/);
  assert.equal(attempts[1].error, null);
});

test('a crash between commit and delivery loses none', async (t) => {
  const receiver = await receive(t);
  const store = `sqlite:${await folder(t)}/ledger.db`;
  const env = { STEP_COMPLETE_WEBHOOK: receiver.url };
  const server = new Server(store);
  await server.start([], env);
  t.after(() => server.child.kill('SIGKILL'));
  const ended = [];
  const count = scaled(20, 60, 200);
  receiver.answer = () => {}; // nothing is delivered before the crash
  for (let i = 0; i < count; i++) {
    ended.push((await post(server, { status: 'success' })).id);
  }
  server.child.kill('SIGKILL');
  await server.ended;
  const before = receiver.calls.length;
  receiver.answer = (_, response) => response.end();
  const again = await serve(t, { store, env });
  const told = () => new Set(receiver.calls.slice(before).map((c) => c.json.step_id));
  await receiver.until(() => told().size >= count, `${count} deliveries after the crash`);
  assert.deepEqual([...told()].sort(), [...ended].sort());
  const rows = await settled(again);
  assert.equal(rows.length, count, 'one delivery a transition');
  assert.deepEqual(rows.map((row) => row.record_id).sort(), [...ended].sort());
  for (const row of rows) {
    const ids = new Set(receiver.calls.filter((c) => c.json.step_id === row.record_id).map((c) => c.headers['stepwell-delivery']));
    assert.deepEqual([...ids], [row.id], 'a stable id');
  }
});

test('one who never answers does not hold the others', async (t) => {
  const silent = await receive(t, () => {});
  const quick = await receive(t);
  const server = await serve(t, { args: PRIVATE });
  await subscribe(server, { url: silent.url, events: ['step.success'] });
  await fill(server, 300, () => ({ model: 'm', status: 'success' }));
  await silent.until((calls) => calls.length >= 1);
  await subscribe(server, { url: quick.url, events: ['step.failed'] });
  const begun = performance.now();
  for (let i = 0; i < 20; i++) {
    await post(server, { status: 'failed' });
  }
  await quick.until((calls) => calls.length >= 20);
  const ms = performance.now() - begun;
  t.diagnostic(`20 deliveries beside one that does not answer: ${ms.toFixed(0)} ms`);
  assert.ok(ms < 9000, 'sooner than one call times out');
  assert.ok(silent.calls.length <= 8, `${silent.calls.length} calls at a time`);
});

test('targets that are not public are refused, and never called', async (t) => {
  const receiver = await receive(t);
  const { port } = new URL(receiver.url);
  const server = await serve(t);
  const hosts = ['127.0.0.1', 'localhost', '[::1]', '127.1', '2130706433', '0x7f.1', '0.0.0.0', '[::ffff:127.0.0.1]',
    '169.254.169.254', '10.0.0.1', '[fe80::1]', '[fd00::1]'];
  for (const host of hosts) {
    await subscribe(server, { url: `http://${host}:${port}/x`, events: ['step.success'] });
  }
  await post(server, { status: 'success' });
  const rows = await settled(server);
  assert.equal(rows.length, hosts.length);
  for (const row of rows) {
    assert.equal(row.state, 'failed', row.url);
    assert.equal(row.attempts, 1, row.url);
    assert.equal(row.status_code, null);
    assert.match(row.error, /allow-private-targets/, row.url);
  }
  assert.equal(receiver.calls.length, 0);
  for (const url of ['ftp://example.com/', 'file:///etc/passwd', 'example.com', '', 'http://a b/', 'http://a\r\nb/']) {
    const answer = await server.api('POST', '/v1/subscriptions/', { body: { url } });
    assert.equal(answer.status, 422, url);
  }
});

test('a redirect is not followed, a long answer is cut', async (t) => {
  const inner = await receive(t);
  const outer = await receive(t, (call, response) => {
    if (call.path === '/long') {
      response.write('x'.repeat(100_000));
      response.on('error', () => {});
      const more = () => !response.destroyed && response.write('x'.repeat(100_000), more);
      more();
    } else {
      response.writeHead(307, { location: inner.url }).end();
    }
  });
  const server = await serve(t, { args: PRIVATE });
  await subscribe(server, { url: `${outer.url}/long`, events: ['step.success'] });
  await subscribe(server, { url: `${outer.url}/moved`, events: ['step.failed'] });
  await post(server, { status: 'success' });
  await post(server, { status: 'failed' });
  await until(() => server.get('/v1/deliveries/'), (rows) => rows.every((row) => row.attempts > 0), 'two attempts');
  const rows = await server.get('/v1/deliveries/?order=asc');
  assert.deepEqual(rows.map((row) => [row.state, row.status_code]), [['delivered', 200], ['pending', 307]]);
  assert.equal(inner.calls.length, 0);
});

test("a run's callback is V1's, whatever the run lacks", async (t) => {
  const receiver = await receive(t);
  const server = await serve(t, { args: PRIVATE });
  const agent_id = await agent(server);
  const run = async (name, more, end) => {
    const { id } = await server.must(201, 'POST', '/v1/runs', { body: { agent_id, callback_url: `${receiver.url}/${name}`, ...more } });
    await post(server, { run_id: id, agent_id, status: 'success', prompt_tokens: 3, completion_tokens: 4, total_tokens: 7 });
    await server.must(200, 'PATCH', `/v1/runs/${id}`, { body: end });
    await server.must(200, 'PATCH', `/v1/runs/${id}`, { body: end }); // again: no second callback
    return id;
  };
  const whole = await run('whole', { metadata: { a: 1, result: 'old' } }, { status: 'completed', stop_reason: 'end_turn' });
  const bare = await run('bare', {}, { status: 'failed' });
  await receiver.until((calls) => calls.length >= 2);
  await settled(server);
  assert.equal(receiver.calls.length, 2);
  const of = (name) => receiver.calls.find((c) => c.path === `/${name}`).json;
  const row = await server.get(`/v1/runs/${whole}`);
  assert.deepEqual(Object.keys(of('whole')), ['run_id', 'status', 'completed_at', 'metadata']);
  assert.equal(of('whole').run_id, whole);
  assert.equal(of('whole').status, 'completed');
  assert.equal(of('whole').completed_at, row.completed_at);
  assert.deepEqual(Object.keys(of('whole').metadata), ['a', 'result']);
  const { messages, stop_reason, usage } = of('whole').metadata.result;
  assert.deepEqual(messages, []);
  assert.deepEqual(stop_reason, { message_type: 'stop_reason', stop_reason: 'end_turn' });
  assert.deepEqual([usage.message_type, usage.prompt_tokens, usage.completion_tokens, usage.total_tokens, usage.step_count],
    ['usage_statistics', 3, 4, 7, 1]);
  assert.equal(of('bare').run_id, bare);
  assert.deepEqual(Object.keys(of('bare').metadata), ['result']);
  assert.equal(of('bare').metadata.result.stop_reason.stop_reason, (await server.get(`/v1/runs/${bare}`)).stop_reason);
  const told = await until(() => server.get(`/v1/runs/${whole}`), (r) => r.callback_sent_at, 'the run to say so');
  assert.equal(told.callback_status_code, 200);
  assert.equal(told.callback_error, null);
});

test('a test and another attempt by hand', async (t) => {
  const receiver = await receive(t, (_, response) => {
    response.statusCode = 400;
    response.end();
  });
  const server = await serve(t, { args: PRIVATE });
  const { id } = await subscribe(server, { url: receiver.url, events: ['run.completed'], name: 'n' });
  const made = await server.must(201, 'POST', `/v1/subscriptions/${id}/test`);
  assert.deepEqual([made.event, made.state, made.subscription_id], ['test', 'pending', id]);
  const [call] = await receiver.until((calls) => calls.length >= 1);
  assert.deepEqual([call.json.type, call.json.id, call.json.data], ['test', made.id, {}]);
  receiver.answer = (_, response) => response.end();
  await until(() => server.get(`/v1/deliveries/${made.id}`), (d) => d.attempts === 1, 'the attempt');
  await server.must(200, 'POST', `/v1/deliveries/${made.id}/redeliver`);
  const done = await until(() => server.get(`/v1/deliveries/${made.id}`), (d) => d.state === 'delivered', 'another attempt');
  assert.equal(done.attempts, 2);
  await server.must(200, 'POST', `/v1/deliveries/${made.id}/redeliver`);
  await until(() => server.get(`/v1/deliveries/${made.id}`), (d) => d.attempts === 3, 'a third attempt');
  assert.deepEqual(new Set(receiver.calls.map((c) => c.headers['stepwell-delivery'])), new Set([made.id]));
  for (const [method, path] of [['POST', `/v1/subscriptions/${newId('sub')}/test`], ['POST', `/v1/deliveries/${newId('delivery')}/redeliver`],
    ['GET', `/v1/deliveries/${newId('delivery')}/attempts`], ['GET', `/v1/deliveries/${newId('delivery')}`]]) {
    assert.equal((await server.api(method, path)).status, 404, path);
  }
});

test('subscriptions are changed, stopped and deleted', async (t) => {
  const receiver = await receive(t);
  const server = await serve(t, { args: PRIVATE });
  const project_id = (await server.must(201, 'POST', '/v1/projects', { body: { name: 'p' } })).id;
  const { id } = await subscribe(server, { url: `${receiver.url}/a`, events: ['step.success'], project_id });
  await post(server, { status: 'success' });
  await post(server, { status: 'success', project_id });
  await receiver.until((calls) => calls.length >= 1);
  assert.equal((await settled(server)).length, 1, 'only of its project');
  await server.must(200, 'PATCH', `/v1/subscriptions/${id}`, { body: { url: `${receiver.url}/b` } });
  await post(server, { status: 'success', project_id });
  await receiver.until((calls) => calls.length >= 2);
  assert.deepEqual(receiver.calls.map((c) => c.path), ['/a', '/b']);
  await server.must(200, 'PATCH', `/v1/subscriptions/${id}`, { body: { is_active: false } });
  await post(server, { status: 'success', project_id });
  assert.equal((await server.get('/v1/subscriptions/?is_active=false')).length, 1);
  await server.must(200, 'DELETE', `/v1/subscriptions/${id}`);
  assert.deepEqual(await server.get('/v1/deliveries/'), []);
  assert.equal((await server.api('GET', `/v1/subscriptions/${id}`)).status, 404);
  for (const body of [{}, { url: 'http://a', events: ['step.odd'] }, { url: 'http://a', kind: 'step_webhook' }, { url: 'http://a', extra: 1 }]) {
    assert.equal((await server.api('POST', '/v1/subscriptions/', { body })).status, 422, JSON.stringify(body));
  }
  assert.equal(receiver.calls.length, 2);
});
