// SPDX-License-Identifier: Apache-2.0
// Projects, agents, conversations, saved views and prices: one way to list, read, create, change and delete them all.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { agent, newId, serve } from './lib.mjs';

const kinds = [
  { path: 'projects', prefix: 'project', make: async () => ({ name: 'one' }), change: { name: 'two' }, bad: { name: 3 } },
  { path: 'agents', prefix: 'agent', make: async () => ({ name: 'one', project_id: 'p' }), change: { name: 'two' }, bad: { nam: 'x' } },
  {
    path: 'conversations',
    prefix: 'conv',
    make: async (server) => ({ agent_id: await agent(server), summary: 'one' }),
    change: { summary: 'two', model_settings: { a: 1 } },
    bad: { agent_id: newId('agent') },
  },
  {
    path: 'views',
    prefix: 'view',
    make: async () => ({ name: 'one', query: { model: ['m'], status: 'failed' } }),
    change: { query: { model: [] } },
    bad: { query: [] },
  },
  {
    path: 'prices',
    prefix: 'price',
    make: async () => ({ model: 'mine*', provider_name: 'acme', input_nano_usd: 2500000000, output_nano_usd: null }),
    change: { output_nano_usd: 10000000000, batch_percent: 50 },
    bad: { model: 'a*b', input_nano_usd: 1 },
  },
];

for (const { path, prefix, make, change, bad } of kinds) {
  test(`${path} are listed, read, created, changed and deleted`, async (t) => {
    const server = await serve(t);
    const all = `/v1/${path}/`;
    const body = { id: newId(prefix), ...(await make(server)) };
    const one = `/v1/${path}/${body.id}`;
    const made = await server.api('POST', all, { body });
    assert.equal(made.status, 201, made.text);
    assert.ok(Number(made.headers.get('stepwell-seq')) > 0);
    for (const [name, value] of Object.entries(body)) {
      assert.deepEqual(made.body[name], value);
    }
    assert.deepEqual(await server.get(one), made.body);
    assert.deepEqual(await server.get(`${one}/`), made.body);
    assert.deepEqual(await server.get(`/latest/${path}/${body.id}`), made.body);
    assert.equal((await server.api('POST', all, { body })).status, 200);
    assert.equal((await server.api('POST', all, { body: { ...body, ...change } })).status, 409);

    const changed = await server.must(200, 'PATCH', one, { body: change });
    for (const [name, value] of Object.entries({ ...body, ...change })) {
      assert.deepEqual(changed[name], value, name);
    }
    assert.equal((await server.api('PATCH', one, { body: { id: newId(prefix) } })).status, 422);
    assert.equal((await server.api('POST', all, { body: bad })).status, 422);
    assert.equal((await server.api('POST', all, { body: { ...body, id: newId(prefix), nonsense: 1 } })).body.detail[0].loc[1], 'nonsense');
    assert.deepEqual((await server.get(all)).filter((r) => r.id === body.id), [changed]);

    const gone = await server.api('DELETE', one);
    assert.equal(gone.text, 'null');
    for (const method of ['GET', 'DELETE', 'PATCH']) {
      assert.equal((await server.api(method, one, { body: method === 'PATCH' ? change : undefined })).status, 404, method);
    }
    await server.verify();
  });

  test(`${path} are walked with the cursor`, async (t) => {
    const server = await serve(t);
    const ids = [];
    const base = await make(server);
    for (let i = 0; i < 7; i++) {
      const body = { ...base, ...(base.name ? { name: `n ${i}` } : {}) };
      ids.push((await server.must(201, 'POST', `/v1/${path}/`, { body })).id);
    }
    const got = [];
    for (let after = ''; ; ) {
      const page = await server.get(`/v1/${path}/?limit=3&order=asc&after=${after}`);
      got.push(...page.map((r) => r.id));
      if (page.length < 3) {
        break;
      }
      after = page.at(-1).id;
    }
    assert.deepEqual(got.filter((id) => ids.includes(id)), ids);
    if (base.name) {
      assert.deepEqual((await server.get(`/v1/${path}/?name=n%204`)).map((r) => r.id), [ids[4]]);
    }
    await server.must(404, 'GET', `/v1/${path}/?after=${newId(prefix)}`);
  });
}

test('an agent is found by its name', async (t) => {
  const server = await serve(t);
  const by = (body) => server.api('POST', '/v1/agents/by-name', { body });
  const first = await by({ name: 'Ada', project_id: 'p' });
  assert.equal(first.status, 201, first.text);
  assert.equal(first.body.name, 'Ada');
  const again = await by({ name: 'Ada', project_id: 'p' });
  assert.deepEqual([again.status, again.body.id], [200, first.body.id]);
  assert.notEqual((await by({ name: 'Ada' })).body.id, first.body.id);
  assert.equal((await by({})).status, 422);
  assert.equal((await by({ name: 'Ada', agent_type: 'x' })).body.detail[0].loc[1], 'agent_type');
});

test('a name is taken once', async (t) => {
  const server = await serve(t);
  await server.must(201, 'POST', '/v1/projects/', { body: { name: 'one' } });
  await server.must(409, 'POST', '/v1/projects/', { body: { name: 'one' } });
  const two = await server.must(201, 'POST', '/v1/projects/', { body: { name: 'two' } });
  await server.must(409, 'PATCH', `/v1/projects/${two.id}`, { body: { name: 'one' } });
});
