// SPDX-License-Identifier: Apache-2.0
// Prices over HTTP: which models lack one, costs computed again in calls that go on where the one before stopped, and
// who may ask for it. And the commands about prices, which answer the same on a server as on its ledger. Costs are
// multiplied here.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { fill, folder, newId, program, scaled, serve } from './lib.mjs';

const DAY = '2026-03-02';
const PAGE = 5000; // steps that a call takes, some hundred more or less
const COUNT = scaled(PAGE + 700, PAGE + 700, 2 * PAGE + 700);
const INPUT = 3; // nano-dollars a token
const make = (i) => ({
  created_at: `${DAY}T${String(i % 24).padStart(2, '0')}:00:00Z`,
  model: i % 10 === 9 ? 'said-by-caller' : 'nobody-lists-it',
  provider_name: 'acme',
  status: 'success',
  prompt_tokens: 100 + (i % 7),
  completion_tokens: 0,
  total_tokens: 100 + (i % 7),
  cost_nano_usd: i % 10 === 9 ? 5 : undefined,
});

const query = (words) => `/v1/prices/reprice?${new URLSearchParams(words)}`;

// All calls of one repricing: their sums, and how many there were.
async function reprice(server, words, headers) {
  const sums = {};
  let calls = 0;
  for (let next = ''; next !== null; calls++) {
    const answer = await server.must(200, 'POST', query({ ...words, ...(next && { next }) }), { headers });
    for (const [name, value] of Object.entries(answer)) {
      sums[name] = typeof value === 'number' ? (sums[name] ?? 0) + value : value;
    }
    next = answer.next;
  }
  return { ...sums, calls };
}

test('whatever is without a cost is named: no model, some models, more than are asked for by name', async (t) => {
  const server = await serve(t);
  const named = async () => (await server.get('/v1/prices/unknown')).models.map(({ provider_name, model, num_steps, why }) => [provider_name, model, num_steps, why].join());
  await fill(server, 3, () => ({ provider_name: 'acme', status: 'success', prompt_tokens: 2, completion_tokens: 1, total_tokens: 3 }));
  await fill(server, 2, () => ({ provider_name: 'acme', model: 'priced', status: 'success', cost_nano_usd: 1 }));
  assert.deepEqual(await named(), ['acme,,3,no_model']);
  await fill(server, 4, (i) => ({ provider_name: `p${i % 2}`, model: `lost-${i}`, status: 'success', prompt_tokens: 2, completion_tokens: 1, total_tokens: 3 }));
  const some = ['acme,,3,no_model', 'p0,lost-0,1,no_price', 'p0,lost-2,1,no_price', 'p1,lost-1,1,no_price', 'p1,lost-3,1,no_price'];
  assert.deepEqual(await named(), some);
  await fill(server, 1001, (i) => ({ provider_name: 'zoo', model: `more-${i}`, status: 'success', prompt_tokens: 2, completion_tokens: 1, total_tokens: 3 }));
  const all = await named();
  assert.equal(all.length, some.length + 1001);
  assert.deepEqual(all.filter((line) => !line.startsWith('zoo')), some);
});

test('models without a price are named, and a repricing brings it to their steps', async (t) => {
  const server = await serve(t);
  const steps = await fill(server, COUNT, make);
  const unpriced = steps.filter((step) => step.model === 'nobody-lists-it');
  const tokens = unpriced.reduce((sum, step) => sum + step.total_tokens, 0);
  const gap = { provider_name: 'acme', model: 'nobody-lists-it', num_steps: unpriced.length, cost_unknown: unpriced.length, total_tokens: tokens, why: 'no_price' };
  assert.deepEqual(await server.get('/v1/prices/unknown'), { models: [gap], complete: true });
  assert.deepEqual((await server.get('/v1/prices/unknown?to=2026-03-02')).models, []);
  await server.must(201, 'POST', '/v1/prices/', { body: { model: 'nobody-*', input_nano_usd: INPUT * 1e6 } });
  assert.equal((await server.get('/v1/prices/unknown')).models[0].why, 'unfit_price');

  const cost = INPUT * tokens;
  const looked = { num_steps: COUNT, given_by_caller: COUNT - unpriced.length, changed: unpriced.length, found: unpriced.length, lost: 0, cost_unknown: 0, before_nano_usd: 0, after_nano_usd: cost, next: null };
  const dry = await reprice(server, { dry_run: true });
  assert.ok(dry.calls > 1, 'it takes more than one call');
  assert.deepEqual(dry, { ...looked, dry_run: true, calls: dry.calls });
  assert.equal((await server.get('/v1/usage')).total.cost_unknown, unpriced.length);
  assert.deepEqual(await reprice(server, { reason: 'as agreed', from: DAY }), { ...looked, dry_run: false, calls: dry.calls });
  const { total } = await server.get('/v1/usage');
  assert.equal(total.cost_nano_usd, cost + 5 * (COUNT - unpriced.length));
  assert.equal(total.cost_unknown, 0);
  const [{ last }] = await server.sql('select max(seq) as last from journal');
  const { entries } = await server.get(`/v1/journal?after=${last - 10}`);
  const told = entries.filter((entry) => entry.change === 'repriced');
  assert.ok(told.length > 0 && told.every((entry) => entry.reason === 'as agreed'));
  assert.equal((await reprice(server, { reason: 'again' })).changed, 0);
  assert.deepEqual(await server.get('/v1/prices/unknown'), { models: [], complete: true });
  await server.verify();
});

test('a repricing needs a reason, a place that was answered, and an admin of the whole organization', async (t) => {
  const server = await serve(t);
  await fill(server, 3, make);
  for (const [words, name] of [[{}, 'reason'], [{ reason: '' }, 'reason'], [{ reason: 'x', next: 'y' }, 'next'], [{ reason: 'x', next: '1:' }, 'next'], [{ reason: 'x', next: ':s' }, 'next'], [{ reason: 'x', next: `1:${'s'.repeat(200)}` }, 'next'], [{ reason: 'x', from: 'soon' }, 'from'], [{ dry_run: 'perhaps' }, 'dry_run']]) {
    const { status, body } = await server.api('POST', query(words));
    assert.equal(status, 422, JSON.stringify(words));
    assert.equal(body.detail[0].loc.at(-1), name);
  }
  const project = await server.must(201, 'POST', '/v1/projects/', { body: { name: 'p' } });
  const make_key = async (body) => (await server.must(201, 'POST', '/v1/keys/', { body: { name: 'k', ...body } })).secret;
  const admin = await make_key({ scopes: ['admin'] });
  const as = (secret) => ({ headers: { authorization: `Bearer ${secret}` } });
  const keys = async (body) => as((await server.must(201, 'POST', '/v1/keys/', { body: { name: 'k', ...body }, ...as(admin) })).secret);
  const writer = await keys({ scopes: ['read', 'write'] });
  assert.equal((await server.api('POST', query({ reason: 'x' }), writer)).status, 403);
  assert.equal((await server.api('GET', '/v1/prices/unknown', writer)).status, 200);
  const limited = await keys({ scopes: ['admin'], project_id: project.id });
  const refused = await server.api('POST', query({ reason: 'x' }), limited);
  assert.ok([403, 422].includes(refused.status), refused.text);
  assert.equal((await server.api('POST', query({ reason: 'x' }), as(admin))).status, 200);
});

test('the price of a step: the organization\'s, a listed one, or none', async (t) => {
  const server = await serve(t);
  const mine = await server.must(201, 'POST', '/v1/prices/', { body: { model: 'own-model', input_nano_usd: 3e9, output_nano_usd: 1e9 } });
  const used = { status: 'success', usage_state: 'reported', prompt_tokens: 1000, completion_tokens: 0 };
  const [own, listed, given, unknown] = await fill(server, 4, (i) => [
    { ...used, model: 'own-model' },
    { ...used, model: 'gpt-4o-mini', provider_name: 'openai' },
    { ...used, model: 'gpt-4o-mini', cost_nano_usd: 7 },
    { ...used, model: 'nobody-lists-it' },
  ][i]);
  const price = (step) => server.get(`/v1/steps/${step.id}/price`);
  assert.equal((await price(own)).id, mine.id);
  assert.equal((await server.get(`/v1/steps/${own.id}`)).cost_nano_usd, (1000 * (await price(own)).input_nano_usd) / 1e6);
  const found = await price(listed);
  assert.deepEqual([found.id, found.organization_id], ['openai/gpt-4o-mini', null]);
  assert.equal((await server.get(`/v1/steps/${listed.id}`)).cost_nano_usd, (1000 * found.input_nano_usd) / 1e6);
  assert.equal(await price(given), null);
  assert.equal(await price(unknown), null);
  await server.must(200, 'DELETE', `/v1/prices/${mine.id}`);
  assert.equal(await price(own), null);
  assert.equal((await server.api('GET', `/v1/steps/${newId('step')}/price`)).status, 404);
});

// ---- the commands --------------------------------------------------------------------------------------------------

const bare = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('STEPWELL_')));
const command = (...words) => new Promise((resolve) => {
  execFile(program, words, { env: bare }, (error, out, err) => resolve({ code: error ? error.code : 0, out, err }));
});

test('prices, reprice and reconcile answer the same on a server as on its ledger', async (t) => {
  const server = await serve(t);
  await fill(server, 40, make);
  const both = async (...words) => {
    const local = await command(...words, '--store', server.store);
    const remote = await command(...words, '--server', server.url);
    assert.equal(remote.code, local.code, remote.err + local.err);
    assert.equal(remote.out, local.out);
    return remote;
  };
  const far = (...words) => command(...words, '--server', server.url);
  assert.equal(JSON.parse((await both('prices', '--unknown', '--json')).out).why, 'no_price');

  const set = await far('prices', 'set', 'nobody-*', '--input', '0.003', '--json');
  const { id } = JSON.parse(set.out);
  assert.equal((await server.get(`/v1/prices/${id}`)).input_nano_usd, 3e6);
  assert.equal(JSON.parse((await both('prices', 'nobody-lists-it', '--json')).out).id, id);
  const wrong = await far('prices', 'set', 'a*b', '--input', '1');
  assert.equal(wrong.code, 2);
  assert.match(wrong.err, /\* in the middle/);

  const dry = JSON.parse((await both('reprice', '--since', DAY, '--dry-run', '--json')).out);
  assert.deepEqual([dry.num_steps, dry.changed, dry.given_by_caller], [40, 36, 4]);
  assert.equal((await far('reprice', '--since', DAY)).code, 2);
  const done = JSON.parse((await far('reprice', '--since', DAY, '--reason', 'as agreed', '--json')).out);
  assert.deepEqual(done, { ...dry, dry_run: false });
  assert.equal((await server.get('/v1/usage')).total.cost_nano_usd, done.after_nano_usd + 4 * 5);

  const bill = join(await folder(t), 'bill.csv');
  writeFileSync(bill, `date,model,cost_usd\n${DAY},nobody-lists-it,${done.after_nano_usd / 1e9}\n${DAY},said-by-caller,1\n`);
  const seen = await both('reconcile', bill, '--json');
  assert.equal(seen.code, 9);
  assert.equal(JSON.parse(seen.out).model, 'said-by-caller');

  assert.equal((await far('prices', 'delete', id)).code, 0);
  assert.equal((await far('prices', 'delete', id)).code, 4);
  assert.equal((await both('prices', 'nobody-lists-it', '--json')).out, '');
  assert.equal((await far('prices', '--organization', newId('org'))).code, 8);
});

test('a file of prices is set to its end, in whatever form', async (t) => {
  const server = await serve(t);
  const path = join(await folder(t), 'prices.json');
  const rows = ['a', 'b', 'c'].map((model) => ({ id: newId('price'), model, input_nano_usd: 1 }));
  const models = async () => (await server.get('/v1/prices/?order=asc')).map((price) => price.model);
  for (const [name, text, expected] of [
    ['one behind the other', rows.map((row) => JSON.stringify(row)).join('\n'), ['a', 'b', 'c']],
    ['the same again', rows.map((row) => JSON.stringify(row, null, 2)).join(''), ['a', 'b', 'c']],
    ['a list', JSON.stringify([{ model: 'd', input_nano_usd: 1 }]), ['a', 'b', 'c', 'd']],
  ]) {
    writeFileSync(path, text);
    const { code, err } = await command('prices', 'set', '--file', path, '--store', server.store);
    assert.equal(code, 0, `${name}: ${err}`);
    assert.deepEqual(await models(), expected, name);
  }
  for (const text of ['', ' ', '[1]', '{"model":"e","input_nano_usd":1', 'x', '[{"model":"e","input_nano_usd":1}', '{"model":"e"}']) {
    writeFileSync(path, text);
    assert.equal((await command('prices', 'set', '--file', path, '--store', server.store)).code, 2, text);
  }
  writeFileSync(path, JSON.stringify(rows[0]));
  const { out } = await command('prices', 'delete', rows[0].id, '--store', server.store, '--json');
  assert.deepEqual(JSON.parse(out), { id: rows[0].id });
});
