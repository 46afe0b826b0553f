// SPDX-License-Identifier: Apache-2.0
// Steps as a stream of lines, of any number, in memory that does not grow; and calls that are sent again under a key.
import assert from 'node:assert/strict';
import { request } from 'node:http';
import { test } from 'node:test';
import { bounded, newId, resident, scaled, serve } from './lib.mjs';

const ndjson = { 'content-type': 'application/x-ndjson' };
const lines = (items) => items.map((i) => `${typeof i === 'string' ? i : JSON.stringify(i)}\n`).join('');
const stream = (server, text, headers = {}) =>
  server.api('POST', '/v1/steps', { body: text, headers: { ...ndjson, ...headers } });
const steps = async (server) => (await server.sql('select count(*) as n from steps'))[0].n;

test('a bad line is told and the others go on', async (t) => {
  const server = await serve(t);
  const ids = Array.from({ length: 4 }, () => newId('step'));
  const text = lines([
    { id: ids[0], model: 'a' },
    '{"model": tru}',
    '',
    { id: ids[1], modell: 'a' },
    '  \r',
    { id: ids[2], messages: [{ role: 'user', text: 'line\nbreak' }] },
    { id: ids[0], model: 'b' },
    '{} {}',
    '[1]',
  ]) + JSON.stringify({ id: ids[3] }); // no line break at the end
  const answer = await stream(server, text);
  assert.equal(answer.status, 200, answer.text);
  const { items, ...sums } = answer.body;
  assert.deepEqual({ ...sums, first_seq: 0, last_seq: 0 },
    { count: 8, created: 3, updated: 0, unchanged: 0, conflict: 1, rejected: 4, first_seq: 0, last_seq: 0 });
  assert.ok(sums.first_seq > 0 && sums.last_seq === sums.first_seq + 2);
  assert.equal(answer.headers.get('stepwell-seq'), String(sums.last_seq));
  assert.deepEqual(items.sort((a, b) => a.index - b.index).map((i) => [i.index, i.verdict, i.error.field]), [
    [1, 'rejected', 'model'],
    [3, 'rejected', 'modell'],
    [6, 'conflict', 'id'],
    [7, 'rejected', null],
    [8, 'rejected', null],
  ]);
  const again = await stream(server, text);
  assert.deepEqual([again.body.created, again.body.unchanged, again.body.conflict, again.body.rejected], [0, 3, 1, 4]);
  assert.equal(await steps(server), 3);
  assert.equal((await server.show(ids[2])).messages[0].text, 'line\nbreak');
  await server.verify();
});

test('nothing, and nothing but blank lines', async (t) => {
  const server = await serve(t);
  for (const text of ['', '\n', '\n \n\r\n', '   ']) {
    const answer = await stream(server, text);
    assert.equal(answer.status, 200, answer.text);
    assert.equal(answer.body.count, 0);
    assert.deepEqual(answer.body.items, []);
  }
});

test('the first thousand that were not created are told', async (t) => {
  const server = await serve(t);
  const bad = Array.from({ length: 2500 }, (_, i) => (i % 2 ? {} : { nothing: i }));
  const { body } = await stream(server, lines(bad));
  assert.equal(body.rejected, 1250);
  assert.equal(body.created, 1250);
  assert.equal(body.items.length, 1000);
  assert.deepEqual(body.items.map((i) => i.index), Array.from({ length: 1000 }, (_, i) => 2 * i));
});

// Lines of all lengths, so that pieces of the body end anywhere in them.
test('where the pieces end does not matter', async (t) => {
  const server = await serve(t);
  const items = Array.from({ length: scaled(500, 1500, 6000) }, (_, i) => ({
    id: newId('step'),
    output_preview: 'é'.repeat(i % 250),
    metadata: { pad: 'x'.repeat((i * 7919) % 5000) },
  }));
  const { body } = await stream(server, lines(items));
  assert.equal(body.created, items.length);
  const [{ n, bytes }] = await server.sql('select count(*) as n, sum(length(metadata)) as bytes from steps');
  assert.equal(n, items.length);
  assert.equal(bytes, items.reduce((sum, i) => sum + JSON.stringify(i.metadata).length, 0));
  await server.verify();
});

// Sends what `make` gives until it is done, as fast as the server takes it.
function pour(server, make) {
  return new Promise((resolve, reject) => {
    const call = request(`${server.url}/v1/steps`, { method: 'POST', headers: ndjson }, (answer) => {
      const parts = [];
      answer.on('data', (part) => parts.push(part));
      answer.on('end', () => resolve({ status: answer.statusCode, body: JSON.parse(Buffer.concat(parts).toString()) }));
    });
    call.on('error', reject);
    const push = () => {
      for (let part = make(); part !== null; part = make()) {
        if (!call.write(part)) {
          call.once('drain', push);
          return;
        }
      }
      call.end();
    };
    push();
  });
}

test('memory does not grow with the body', async (t) => {
  const server = await serve(t, { args: ['--cache-mb', '2'] });
  const line = `${JSON.stringify({ model: 'm', metadata: { pad: 'x'.repeat(4000) } })}\n`;
  const part = line.repeat(50);
  const mib = scaled(16, 64, 400);
  const parts = Math.ceil((mib * 1024 * 1024) / part.length);
  const run = (count) => pour(server, () => (count-- > 0 ? part : null));
  await run(40);
  const before = resident(server);
  const { status, body } = await run(parts);
  assert.equal(status, 200);
  assert.equal(body.created, parts * 50);
  const grown = resident(server) - before;
  assert.ok(grown < bounded(12), `${mib} MiB sent, ${grown.toFixed(1)} MiB grown`);
  t.diagnostic(`${mib} MiB sent, ${grown.toFixed(1)} MiB grown`);
});

test('a line longer than any body is passed over', async (t) => {
  const server = await serve(t);
  const ids = [newId('step'), newId('step')];
  const piece = 'y'.repeat(1 << 20);
  const make = function* () {
    yield lines([{ id: ids[0] }]);
    yield '{"metadata":{"long":"';
    for (let i = 0; i < 34; i++) {
      yield piece;
    }
    yield '"}}\n';
    yield lines([{ id: ids[1] }]);
  };
  const all = make();
  const { status, body } = await pour(server, () => all.next().value ?? null);
  assert.equal(status, 200);
  assert.deepEqual([body.count, body.created, body.rejected], [3, 2, 1]);
  assert.deepEqual(body.items.map((i) => [i.index, i.error.status]), [[1, 'TOO_LARGE']]);
  for (const id of ids) {
    assert.equal((await server.show(id)).step.id, id);
  }
});

test('lines without end hold no more memory than all bodies may', async (t) => {
  const server = await serve(t);
  const piece = 'y'.repeat(1 << 20);
  const senders = 14;
  let most = 0;
  let waiting = senders;
  let go;
  const everybody = new Promise((resolve) => (go = resolve));
  const arrive = () => (--waiting === 0 ? go() : undefined);
  // Each holds almost as much as a line may have, until all do or were refused.
  const one = () => new Promise((resolve, reject) => {
    let left = 31;
    const stop = () => {
      if (left >= 0) {
        left = -1;
        arrive();
      }
    };
    const cut = (error) => {
      stop();
      return ['EPIPE', 'ECONNRESET'].includes(error.code) ? resolve(error.code) : reject(error);
    };
    const call = request(`${server.url}/v1/steps`, { method: 'POST', headers: ndjson }, (answer) => {
      stop();
      answer.resume().on('end', () => resolve(answer.statusCode));
    });
    const next = () => {
      most = Math.max(most, resident(server));
      if (left < 0) {
        return;
      }
      if (left-- > 0) {
        call.write(piece, next);
      } else {
        arrive();
        everybody.then(() => call.end());
      }
    };
    // Who goes on sending for seconds after a refusal, as on a busy machine, is cut off.
    call.on('error', cut);
    call.write('{"metadata":{"long":"', next);
  });
  const statuses = await Promise.all(Array.from({ length: senders }, one));
  t.diagnostic(`${most.toFixed(0)} MiB at most; answers ${statuses}`);
  assert.ok(statuses.includes(503), `${statuses}`);
  assert.ok(statuses.includes(200), `${statuses}`);
  assert.ok(most < bounded(400), `${most} MiB`);
  // What was held is given back.
  const { status } = await pour(server, ((parts) => () => parts.shift() ?? null)([lines([{}])]));
  assert.equal(status, 200);
  await server.must(201, 'POST', '/v1/steps', { body: { metadata: { x: piece } } });
});

// ---- the same call again ------------------------------------------------------------------------------------------------

test('a call under a key is made once', async (t) => {
  const server = await serve(t);
  const key = { 'idempotency-key': 'key 1' };
  const post = (body, headers = key) => server.api('POST', '/v1/steps', { body, headers });
  const first = await post({ model: 'm' });
  assert.equal(first.status, 201);
  const again = await post({ model: 'm' });
  assert.equal(again.status, 200, again.text);
  assert.deepEqual([again.body.id, again.body.verdict], [first.body.id, 'unchanged']);
  const other = await post({ model: 'n' });
  assert.equal(other.status, 409);
  assert.equal(other.headers.get('x-should-retry'), 'false');
  assert.equal(await steps(server), 1);

  const list = await post({ steps: [{}, { modell: 1 }, {}] }, { 'idempotency-key': 'key 2' });
  const relisted = await post({ steps: [{}, { modell: 1 }, {}] }, { 'idempotency-key': 'key 2' });
  assert.deepEqual(list.body.items.map((i) => i.verdict), ['created', 'rejected', 'created']);
  assert.deepEqual(relisted.body.items.map((i) => i.verdict), ['unchanged', 'rejected', 'unchanged']);
  assert.deepEqual(relisted.body.items.map((i) => i.id), list.body.items.map((i) => i.id));
  assert.equal(await steps(server), 3);
  for (const bad of ['', 'x'.repeat(256)]) {
    const answer = await post({}, { 'idempotency-key': bad });
    assert.equal(answer.status, 422, answer.text);
    assert.deepEqual(answer.body.detail[0].loc, ['header', 'Idempotency-Key']);
  }
});

test('a stream under a key is made once', async (t) => {
  const server = await serve(t);
  const count = scaled(2000, 4000, 20_000);
  const text = lines(Array.from({ length: count }, (_, i) => ({ output_preview: `step ${i}`, metadata: { pad: 'z'.repeat(i % 900) } })));
  const key = { 'idempotency-key': 'a stream' };
  assert.equal((await stream(server, text, key)).body.created, count);
  const again = await stream(server, text, key);
  assert.equal(again.status, 200, again.text);
  assert.deepEqual([again.body.created, again.body.unchanged], [0, count]);
  assert.equal(await steps(server), count);
});

// The digest of the whole is known at its end, also where the last chunk holds no step; under the same key another
// body is refused then, and the same one is not.
test('a stream under a key whose last lines hold no step', async (t) => {
  const server = await serve(t);
  const key = { 'idempotency-key': 'ends in noise' };
  const good = lines(Array.from({ length: 300 }, (_, i) => ({ metadata: { pad: `${i}${'z'.repeat(4000)}` } })));
  const noise = `${JSON.stringify({ nonsense: 'n'.repeat(4000) })}\n`.repeat(600);
  for (const created of [300, 0]) {
    const { status, body } = await stream(server, good + noise, key);
    assert.equal(status, 200);
    assert.deepEqual([body.created, body.rejected], [created, 600]);
  }
  for (const other of [`${good + noise}{"nonsense": 2}\n`, '{"nonsense": 1}\n', lines([{ model: 'other' }])]) {
    const answer = await stream(server, other, key);
    assert.equal(answer.status, 409, answer.text);
  }
  assert.equal(await steps(server), 300);
  const nothing = { 'idempotency-key': 'nothing kept' };
  assert.equal((await stream(server, '{"nonsense": 1}\n', nothing)).status, 200);
  assert.equal((await stream(server, lines([{}]), nothing)).body.created, 1);
});

test('other calls under a key', async (t) => {
  const server = await serve(t);
  const call = (method, path, body, key) => server.api(method, path, { body, headers: { 'idempotency-key': key } });
  const made = await call('POST', '/v1/agents', { name: 'a' }, 'k');
  assert.equal(made.status, 201, made.text);
  const again = await call('POST', '/v1/agents', { name: 'a' }, 'k');
  assert.deepEqual([again.status, again.body.id], [200, made.body.id]);
  const run = await call('POST', '/v1/runs', { agent_id: made.body.id }, 'k');
  assert.equal(run.status, 201, run.text);
  assert.equal((await call('POST', '/v1/runs', { agent_id: made.body.id }, 'k')).body.id, run.body.id);
  await server.verify();
});
