// SPDX-License-Identifier: Apache-2.0
// POST /v1/steps with JSON: one step, several, all or nothing; what is wrong is named and loses nothing that was good.
// What was kept is seen with the command line program, which reads the ledger without the server.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { agent, newId, serve } from './lib.mjs';

const post = (server, body, headers) => server.api('POST', '/v1/steps', { body, headers });

// Where the one thing that is wrong with a body stands.
function place(answer) {
  assert.equal(answer.status, 422, answer.text);
  assert.equal(answer.body.detail.length, 1);
  assert.match(answer.body.trace_id, /^[0-9a-f]{32}$/);
  return answer.body.detail[0].loc.slice(1).join('.');
}

test('one step: new, the same again, another under its id', async (t) => {
  const server = await serve(t);
  const step = { id: newId('step'), model: 'm', status: 'success', prompt_tokens: 3, completion_tokens: 4 };
  const first = await post(server, step);
  assert.equal(first.status, 201);
  assert.deepEqual(first.body, { index: 0, id: step.id, verdict: 'created', seq: first.body.seq, error: null });
  assert.ok(first.body.seq > 0);
  assert.equal(first.headers.get('stepwell-seq'), String(first.body.seq));

  const again = await post(server, step);
  assert.equal(again.status, 200);
  assert.equal(again.body.verdict, 'unchanged');
  assert.ok(again.body.seq >= first.body.seq);

  const other = await post(server, { ...step, model: 'n' });
  assert.equal(other.status, 409);
  assert.equal(other.headers.get('x-should-retry'), 'false');
  assert.match(other.body.detail, /other content/);

  const seen = (await server.show(step.id)).step;
  assert.equal(seen.model, 'm');
  assert.equal(seen.total_tokens, 7);
  await server.verify();
});

test('a step without anything gets an id and is pending', async (t) => {
  const server = await serve(t);
  const { id } = await server.must(201, 'POST', '/v1/steps/', { body: {} });
  assert.match(id, /^step-[0-9a-f-]{36}$/);
  assert.equal((await server.show(id)).step.status, 'pending');
  assert.ok((await server.show(id)).step.lease_expires_at);
});

test('a step comes with timings, messages and traces', async (t) => {
  const server = await serve(t);
  const step = {
    id: newId('step'),
    agent_id: await agent(server),
    metadata: { 'a key': [1, { b: null }], 'ü': 'é\n"' },
    tags: ['x', 'y'],
    metrics: { step_ns: 7_000_000, llm_request_ns: 5_000_000, ttft_ns: 10 },
    messages: [
      { role: 'user', content: [{ type: 'text', text: 'what?' }] },
      { role: 'assistant', text: 'that', tool_calls: [{ id: 'c1', type: 'function', function: { name: 'f', arguments: '{}' } }] },
    ],
    traces: [{ request_json: { a: 1 }, response_json: { b: [2] } }],
    lease_seconds: 600,
  };
  const before = Date.now();
  await server.must(201, 'POST', '/v1/steps', { body: step });
  const seen = await server.show(step.id);
  assert.deepEqual(seen.step.metadata, step.metadata);
  assert.deepEqual(seen.step.tags, step.tags);
  assert.equal(seen.metrics.step_ns, 7_000_000);
  assert.equal(seen.metrics.ttft_ns, 10);
  assert.deepEqual(seen.messages.map((m) => m.role), ['user', 'assistant']);
  assert.deepEqual(seen.messages[0].content, step.messages[0].content);
  assert.deepEqual(seen.messages[1].tool_calls, step.messages[1].tool_calls);
  assert.deepEqual(seen.provider_traces.map((p) => [p.request_json, p.response_json]), [[{ a: 1 }, { b: [2] }]]);
  const lease = Date.parse(seen.step.lease_expires_at) - before;
  assert.ok(lease > 590_000 && lease < 660_000, `${lease}`);
  assert.equal((await post(server, step)).body.verdict, 'unchanged');
  await server.verify();
});

test('what is wrong with one step is named', async (t) => {
  const server = await serve(t);
  const cases = [
    [{ modell: 'm' }, 'modell'],
    [{ status: 'done' }, 'status'],
    [{ prompt_tokens: -1 }, 'prompt_tokens'],
    [{ prompt_tokens: '1' }, 'prompt_tokens'],
    [{ prompt_tokens: 1.5 }, 'prompt_tokens'],
    [{ prompt_tokens: 3, completion_tokens: 4, total_tokens: 8 }, 'total_tokens'],
    [{ metadata: [] }, 'metadata'],
    [{ tags: ['a', 1] }, 'tags'],
    [{ created_at: 'yesterday' }, 'created_at'],
    [{ run_id: newId('run') }, 'run_id'],
    [{ updated_at: '2025-01-01' }, 'updated_at'],
    [{ metrics: { step_ns: 'x' } }, 'metrics.step_ns'],
    [{ metrics: { step_ns: -1 } }, 'metrics.step_ns'],
    [{ messages: [{ role: 'user', text: 'a' }, { role: 'usr' }] }, 'messages.1.role'],
    [{ messages: [{ role: 'user', text: 'a' }, { role: 'user', text: 'b', run_id: newId('run') }] }, 'messages.1.run_id'],
    [{ traces: [{ request_json: {} }] }, 'traces.0.response_json'],
    [{ lease_seconds: 0 }, 'lease_seconds'],
    [{ lease_seconds: 100_000 }, 'lease_seconds'],
  ];
  for (const [body, where] of cases) {
    assert.equal(place(await post(server, body)), where, JSON.stringify(body));
  }
  assert.equal((await post(server, { id: 'step-1' })).status, 400);
  assert.equal((await server.sql('select count(*) as n from steps'))[0].n, 0);
});

test('a body that is no JSON is refused with its byte', async (t) => {
  const server = await serve(t);
  const cases = [
    ['', null],
    ['{', 1],
    ['{"model":"m",}', 13],
    ['{"model":"m"} x', 14],
    ['[{},{]', 5],
    ['{"steps":[{},{}', 15],
    ['{"steps":[{"model":tru}]}', 19],
  ];
  for (const [body, byte] of cases) {
    const answer = await server.api('POST', '/v1/steps', { body });
    assert.equal(answer.status, 422, `${body}: ${answer.text}`);
    if (byte !== null) {
      assert.deepEqual(answer.body.detail[0].loc, ['body', byte], `${body}: ${answer.text}`);
    }
  }
  for (const body of ['3', '"text"', 'null', 'true', '{"steps":{}}', '{"steps":[],"more":1}', '{"atomic":true}',
    '{"atomic":1,"steps":[]}', '{"steps":[],"steps":[]}']) {
    assert.equal((await server.api('POST', '/v1/steps', { body })).status, 422, body);
  }
  assert.equal((await server.sql('select count(*) as n from steps'))[0].n, 0);
});

test('one bad item does not sink the others', async (t) => {
  const server = await serve(t);
  const taken = newId('step');
  await server.must(201, 'POST', '/v1/steps', { body: { id: taken, model: 'first' } });
  const good = [newId('step'), newId('step'), newId('step')];
  const items = [
    { id: good[0], model: 'a' },
    { id: newId('step'), modell: 'a', metadata: { deep: [{}, '}]'] } },
    { id: good[1], messages: [{ role: 'user', text: 'x' }] },
    { id: newId('step'), prompt_tokens: 1, completion_tokens: 1, total_tokens: 3 },
    7,
    { id: taken, model: 'second' },
    { id: taken, model: 'first' },
    { id: good[2] },
  ];
  for (const body of [{ steps: items }, { atomic: false, steps: items }, items]) {
    const answer = await post(server, body);
    assert.equal(answer.status, 200, answer.text);
    const again = body === items || 'atomic' in body;
    const fresh = again ? 'unchanged' : 'created';
    assert.deepEqual(
      answer.body.items.map((i) => [i.index, i.verdict, i.error?.field ?? null]),
      [
        [0, fresh, null],
        [1, 'rejected', 'modell'],
        [2, fresh, null],
        [3, 'rejected', 'total_tokens'],
        [4, 'rejected', null],
        [5, 'conflict', 'id'],
        [6, 'unchanged', null],
        [7, fresh, null],
      ],
    );
    assert.equal(answer.body.count, 8);
    assert.equal(answer.body.rejected, 3);
    assert.equal(answer.body.conflict, 1);
    assert.equal(answer.body[fresh], again ? 4 : 3);
    const seqs = answer.body.items.map((i) => i.seq).filter(Boolean);
    assert.equal(answer.body.last_seq, Math.max(...seqs));
    assert.equal(answer.body.first_seq, Math.min(...seqs));
    assert.equal(answer.headers.get('stepwell-seq'), String(answer.body.last_seq));
    assert.deepEqual(answer.body.items.map((i) => i.error?.status ?? null),
      [null, 'INVALID', null, 'INVALID', 'INVALID', 'CONFLICT', null, null]);
  }
  for (const id of good) {
    assert.equal((await server.show(id)).step.id, id);
  }
  assert.equal((await server.sql('select count(*) as n from steps'))[0].n, 4);
  await server.verify();
});

test('a list of which only one item can be read is a list all the same', async (t) => {
  const server = await serve(t);
  const taken = newId('step');
  await server.must(201, 'POST', '/v1/steps', { body: { id: taken, model: 'first' } });
  for (const [bad, verdict] of [[{ id: 'x' }, 'rejected'], [{ id: taken, model: 'second' }, 'conflict'],
    [{ prompt_tokens: 1, completion_tokens: 1, total_tokens: 3 }, 'rejected']]) {
    for (const items of [[bad], [7, bad], [{ modell: 1 }, bad, 8]]) {
      const answer = await post(server, { steps: items });
      assert.equal(answer.status, 200, answer.text);
      assert.deepEqual(answer.body.items.map((i) => i.verdict), items.map((i) => (i === bad ? verdict : 'rejected')));
    }
    assert.equal((await post(server, { steps: [bad], atomic: true })).status, 422);
  }
  const key = { 'idempotency-key': 'k' };
  assert.equal((await post(server, [{ model: 'a' }], key)).body.created, 1);
  assert.equal((await post(server, [{ model: 'b' }], key)).status, 409);
});

test('all or nothing keeps nothing', async (t) => {
  const server = await serve(t);
  const good = { id: newId('step') };
  const taken = { id: newId('step'), model: 'a' };
  await server.must(201, 'POST', '/v1/steps', { body: taken });
  const cases = [
    [{ modell: 'a' }, 'steps.1.modell'],
    [{ status: 'success', prompt_tokens: 1, completion_tokens: 1, total_tokens: 3 }, 'steps.1.total_tokens'],
    [{ ...taken, model: 'b' }, 'steps.1.id'],
  ];
  for (const [bad, where] of cases) {
    assert.equal(place(await post(server, { steps: [good, bad, {}], atomic: true })), where);
  }
  assert.equal((await server.sql('select count(*) as n from steps'))[0].n, 1);
  const answer = await post(server, { steps: [good, taken], atomic: true });
  assert.deepEqual(answer.body.items.map((i) => i.verdict), ['created', 'unchanged']);
  await server.verify();
});

test('none, many and too many', async (t) => {
  const server = await serve(t);
  const none = await server.must(200, 'POST', '/v1/steps', { body: [] });
  assert.deepEqual([none.count, none.items, none.first_seq, none.last_seq], [0, [], null, null]);
  const many = Array.from({ length: 10_000 }, () => ({}));
  const answer = await server.must(200, 'POST', '/v1/steps', { body: { steps: many } });
  assert.equal(answer.created, 10_000);
  assert.equal(new Set(answer.items.map((i) => i.id)).size, 10_000);
  const over = await post(server, { steps: [...many, {}] });
  assert.equal(over.status, 422);
  assert.deepEqual(over.body.detail[0].loc, ['body', 'steps']);
  assert.match(over.body.detail[0].msg, /10000/);
  for (const field of ['input_preview', 'output_preview']) {
    const long = await post(server, { [field]: 'x'.repeat(257) });
    assert.equal(long.status, 422);
    assert.deepEqual(long.body.detail[0].loc, ['body', field]);
    assert.match(long.body.detail[0].msg, /256/);
  }
  assert.equal((await server.sql('select count(*) as n from steps'))[0].n, 10_000);
});

test('many callers at once', async (t) => {
  const server = await serve(t);
  const ids = Array.from({ length: 300 }, () => newId('step'));
  const answers = await Promise.all([...ids, ...ids].map((id) => post(server, { id, model: 'm' })));
  assert.equal(answers.filter((a) => a.status === 201).length, 300);
  assert.equal(answers.filter((a) => a.status === 200).length, 300);
  assert.deepEqual(answers.map((a) => a.body.id).sort(), [...ids, ...ids].sort());
  await server.verify();
});
