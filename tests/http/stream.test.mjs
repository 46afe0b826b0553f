// SPDX-License-Identifier: Apache-2.0
// The stream of steps and the journal: what is told, to whom, when, and that nothing is lost or told twice, whatever the
// listener does. What must be told is computed from the journal as the file holds it, read by another program.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { listen, Listener } from './events.mjs';
import { bounded, fill, limited, newId, resident, scaled, serve } from './lib.mjs';

const STEP = 9; // the record's number in the journal

// The numbers of the changes of steps, as the file holds them.
async function stepSeqs(server, after = 0) {
  const rows = await server.sql(`SELECT seq FROM journal WHERE record = ${STEP} AND seq > ${after} ORDER BY seq`);
  return rows.map((row) => row.seq);
}

const seqs = (listener) => listener.events.map((event) => Number(event.id));
const post = (server, step, headers) => server.must(201, 'POST', '/v1/steps', { body: step, headers });

test('each change of a step is an event, with the step as it is', async (t) => {
  const server = await serve(t);
  const listener = await listen(t, server, '/v1/steps/stream');
  assert.equal(listener.answer.statusCode, 200);
  assert.equal(listener.answer.headers['content-type'], 'text/event-stream');
  const id = newId('step');
  const made = await post(server, { id, model: 'm', tags: ['a'] });
  await listener.until(1); // each is told before the next: of a step that is gone only that it went is told
  await server.must(200, 'PATCH', `/v1/steps/${id}`, { body: { status: 'success', total_tokens: 0 } });
  await listener.until(2);
  await server.must(200, 'PATCH', `/v1/steps/${id}/feedback`, { body: { feedback: 'positive' } });
  await listener.until(3);
  await server.must(200, 'DELETE', `/v1/steps/${id}`);
  const events = await listener.until(4);
  assert.deepEqual(events.map((e) => [e.type, e.data.change]), [
    ['step', 'created'], ['step', 'succeeded'], ['step', 'feedback'], ['step', 'deleted']]);
  assert.deepEqual(events.map((e) => Number(e.id)), await stepSeqs(server));
  assert.equal(Number(events[0].id), made.seq);
  assert.deepEqual(Object.keys(events[0].data), ['seq', 'change', 'step']);
  assert.equal(events[0].data.step.id, id);
  assert.deepEqual(events[3].data, { seq: Number(events[3].id), change: 'deleted', id });
  for (const event of events) {
    assert.equal(event.data.seq, Number(event.id));
  }
});

test('an event shows what the API shows', async (t) => {
  const server = await serve(t);
  const listener = await listen(t, server, '/v1/steps/stream');
  const { id } = await post(server, { model: 'm', status: 'failed', error_type: 'X', error_data: { message: 'line\nline\r\u2028' } });
  const [event] = await listener.until(1);
  assert.deepEqual(event.data.step, await server.get(`/v1/steps/${id}`));
});

test('the first byte comes within 100 ms of the commit', async (t) => {
  const server = await serve(t);
  const listener = await listen(t, server, '/v1/steps/stream');
  const late = [];
  for (let i = 0; i < scaled(20, 50, 200); i++) {
    await post(server, { model: 'm' });
    const durable = performance.now();
    await listener.until(i + 1);
    late.push(listener.times[i] - durable);
  }
  late.sort((a, b) => a - b);
  t.diagnostic(`after the answer: median ${late[late.length >> 1].toFixed(1)} ms, worst ${late.at(-1).toFixed(1)} ms`);
  assert.ok(late[late.length >> 1] < 100);
});

test('the filters of lists are those of the stream', async (t) => {
  const server = await serve(t);
  const filters = ['model=a', 'model=a&model=b', 'tags=x', 'tags_all=x&tags_all=y', 'status=failed', 'text=NEEDLE',
    'min_tokens=10', 'has_feedback=false', 'has_cost=false', 'min_step_ns=1000', 'max_step_ns=999', 'error_type=E', 'end_user=', 'since=2100-01-01'];
  const listeners = await Promise.all(filters.map((filter) => listen(t, server, `/v1/steps/stream?${filter}`)));
  const all = await listen(t, server, '/v1/steps/stream');
  await fill(server, 60, (i) => ({
    model: 'abc'[i % 3],
    tags: [['x'], ['x', 'y'], [], ['z']][i % 4],
    status: i % 5 ? 'success' : 'failed',
    ...(i % 5 ? {} : { error_type: 'E', error_data: { message: i % 2 ? 'a needle' : 'hay' } }),
    ...(i % 7 ? { prompt_tokens: i, completion_tokens: 0, total_tokens: i } : {}),
    ...(i % 3 ? { metrics: { step_ns: i * 100 } } : {}),
  }));
  await all.until((await stepSeqs(server)).length);
  // The last one that every listener sees, so that what came before has been told.
  for (const [i, filter] of filters.entries()) {
    const listed = await server.get(`/v1/steps/?limit=1000&order=asc&${filter}`);
    const wanted = new Set(listed.map((step) => step.id));
    await listeners[i].when(() => new Set(listeners[i].events.map((e) => e.data.step.id)).size >= wanted.size, filter);
    assert.deepEqual(new Set(listeners[i].events.map((e) => e.data.step.id)), wanted, filter);
  }
});

test('a stream is taken up where it ended, without gap or double', async (t) => {
  const server = await serve(t);
  const count = scaled(400, 2000, 10_000);
  let writing = true;
  const writers = Promise.all(Array.from({ length: 3 }, async () => {
    for (let i = 0; i < count / 20; i++) {
      await fill(server, 7, () => ({ model: 'm' }));
    }
  })).finally(() => (writing = false));
  const got = [];
  let round = 0;
  for (;;) {
    const over = !writing;
    const total = over ? await stepSeqs(server) : null;
    if (over && got.length >= total.length) {
      break;
    }
    const last = got.at(-1);
    const header = round % 2 && last !== undefined ? { 'last-event-id': String(last) } : {};
    const query = header['last-event-id'] ? '' : `?after=${last ?? 0}`;
    const listener = await new Listener().open(server, `/v1/steps/stream${query}`, header);
    const enough = listener.until(Math.min(1 + (round++ % 50), over ? total.length - got.length : 1));
    // While writing goes on nobody knows whether there will be another one.
    await (over ? enough : Promise.race([enough.catch(() => {}), writers]));
    listener.close();
    got.push(...seqs(listener));
  }
  await writers;
  assert.ok(round > 3, `${round} connections`);
  assert.deepEqual(got, await stepSeqs(server));
});

test('a listener that does not read loses nothing and holds nobody', async (t) => {
  const server = await serve(t);
  const slow = await listen(t, server, '/v1/steps/stream');
  const quick = await listen(t, server, '/v1/steps/stream');
  slow.stopReading();
  const text = 'x'.repeat(20_000);
  await fill(server, 1500, () => ({ model: 'm', status: 'failed', error_type: 'E', error_data: { text } }));
  const wanted = await stepSeqs(server);
  await quick.until(wanted.length);
  assert.ok(slow.events.length < wanted.length, 'it did not read');
  slow.goOnReading();
  await slow.until(wanted.length);
  assert.deepEqual(seqs(slow), wanted);
  assert.deepEqual(seqs(quick), wanted);
});

// What waits in memory for all listeners is 16 MiB at most (model/limits.def); the rest is the journal's.
test('many that do not read cost no memory, and are shown the journal when they do again', async (t) => {
  const server = await serve(t, { args: ['--cache-mb', '2'] });
  const quick = await listen(t, server, '/v1/steps/stream');
  const paused = await Promise.all(Array.from({ length: 40 }, () => listen(t, server, '/v1/steps/stream')));
  paused.forEach((listener) => listener.stopReading());
  const more = async (count) => {
    await fill(server, count, () => ({ model: 'm', status: 'failed', error_type: 'E', error_data: { text: 'x'.repeat(20_000) } }));
    await quick.until((await stepSeqs(server)).length);
  };
  await more(500); // fills what the sockets hold, and every buffer once
  const before = resident(server);
  const count = scaled(1000, 4000, 10_000);
  await more(count);
  const grown = resident(server) - before;
  t.diagnostic(`${count / 50} MB of events for ${paused.length} who do not read: ${grown.toFixed(1)} MiB`);
  assert.ok(grown < bounded(40), `${grown} MiB`); // 20 to 33 were seen; held for each it would be 3,200
  const wanted = await stepSeqs(server);
  for (const listener of paused.slice(0, 3)) {
    assert.ok(listener.events.length < wanted.length / 2, 'it did not read');
    listener.goOnReading();
    await listener.until(wanted.length);
    assert.deepEqual(seqs(listener), wanted);
  }
});

test('500 listen to one server', async (t) => {
  const server = await serve(t);
  const listeners = await Promise.all(Array.from({ length: 500 }, (_, i) =>
    listen(t, server, `/v1/steps/stream${i % 2 ? '?model=m' : ''}`)));
  for (let i = 0; i < 5; i++) {
    await fill(server, 20, () => ({ model: 'm' }));
  }
  const begun = performance.now();
  const wanted = await stepSeqs(server);
  await Promise.all(listeners.map((listener) => listener.until(wanted.length)));
  t.diagnostic(`all had everything ${(performance.now() - begun).toFixed(0)} ms later`);
  for (const listener of listeners) {
    assert.deepEqual(seqs(listener), wanted);
  }
  await server.get('/v1/steps/');
});

test('nobody hears of another organization or project', async (t) => {
  const server = await serve(t);
  const made = await server.must(201, 'POST', '/v1/keys/', { body: { name: 'a', scopes: ['admin'] } });
  const admin = { authorization: `Bearer ${made.secret}` };
  const org = (await server.must(200, 'POST', '/v1/admin/orgs/', { body: { name: 'b' }, headers: admin })).id;
  const theirs = await server.must(201, 'POST', `/v1/admin/keys/?org_id=${org}`, { body: { name: 'b', scopes: ['admin'] }, headers: admin });
  const other = { authorization: `Bearer ${theirs.secret}` };
  const project = (await server.must(201, 'POST', '/v1/projects', { body: { name: 'p' }, headers: admin })).id;
  const of = await server.must(201, 'POST', '/v1/keys/', { body: { name: 'c', scopes: ['read', 'ingest', 'write'], project_id: project }, headers: admin });
  const inside = { authorization: `Bearer ${of.secret}` };
  const [a, b, c] = await Promise.all([admin, other, inside].map((headers) => listen(t, server, '/v1/steps/stream', headers)));
  const whole = await post(server, { model: 'm' }, admin);
  const foreign = await post(server, { model: 'm' }, other);
  const booked = await post(server, { model: 'm' }, inside);
  // Of a step that is gone before it was shown only the end is told.
  await Promise.all([a.until(2), c.until(1)]);
  await server.must(200, 'DELETE', `/v1/steps/${whole.id}`, { headers: admin });
  await server.must(200, 'DELETE', `/v1/steps/${booked.id}`, { headers: admin });
  const ids = (events) => events.map((e) => e.data.id ?? e.data.step.id);
  assert.deepEqual(ids(await a.until(4)), [whole.id, booked.id, whole.id, booked.id]);
  assert.deepEqual(ids(await b.until(1)), [foreign.id]);
  assert.deepEqual(ids(await c.until(2)), [booked.id, booked.id]);
  // The same when it is read from the journal afterwards.
  for (const [headers, live] of [[admin, a], [other, b], [inside, c]]) {
    const again = await listen(t, server, '/v1/steps/stream?after=0', headers);
    const kept = live.events.filter((e) => e.data.change === 'deleted' || e.data.step.id === foreign.id);
    assert.deepEqual((await again.until(kept.length)).map((e) => e.id), kept.map((e) => e.id));
  }
  const page = await server.get('/v1/journal?after=0&limit=1000', { headers: inside });
  assert.deepEqual([...new Set(page.entries.map((e) => e.project_id))], [project]);
  const foreignPage = await server.get('/v1/journal?after=0&limit=1000', { headers: other });
  assert.ok(!JSON.stringify(foreignPage).includes(whole.id));
});

test('who may not ask any more is told nothing more', async (t) => {
  const server = await serve(t);
  const early = await listen(t, server, '/v1/steps/stream');
  const made = await server.must(201, 'POST', '/v1/keys/', { body: { name: 'a', scopes: ['admin'] } });
  const admin = { authorization: `Bearer ${made.secret}` };
  const key = (more) => server.must(201, 'POST', '/v1/keys/', { body: { name: 'b', scopes: ['read'], ...more }, headers: admin });
  const [revoked, expired, good] = await Promise.all([key({}), key({ expires_at: new Date(Date.now() + 2000).toISOString() }), key({})]);
  const hear = ({ secret }) => listen(t, server, '/v1/steps/stream', { authorization: `Bearer ${secret}` });
  const gone = [early, await hear(revoked), await hear(expired)];
  const stays = await hear(good);
  await post(server, { model: 'm' }, admin);
  await Promise.all([...gone.slice(1), stays].map((listener) => listener.until(1)));
  await server.must(200, 'DELETE', `/v1/keys/${revoked.api_key.id}`, { headers: admin });
  // What was done here holds from the next event on, however lately the listener was asked about.
  await post(server, { model: 'm' }, admin);
  await stays.until(2);
  for (const [listener, heard] of [[early, 0], [gone[1], 1]]) {
    await listener.when(() => false, 'the stream to end');
    assert.equal(listener.events.length, heard);
  }
  // Else it is asked again about once a second, when there is something to tell.
  let told = 2;
  await Promise.all(gone.map((listener) => limited((async () => {
    while (!listener.ended) {
      await post(server, { model: 'm' }, admin);
      told++;
    }
  })(), 20_000, 'the streams to end')));
  await stays.until(told);
  assert.ok(!stays.ended);
  assert.equal(stays.events.length, told);
  for (const listener of gone) {
    assert.ok(listener.events.length < told);
  }
});

test('a key that another process revokes ends streams that are quiet', async (t) => {
  const server = await serve(t);
  const { secret, api_key: key } = await server.must(201, 'POST', '/v1/keys/', { body: { name: 'a', scopes: ['read'] } });
  const listener = await listen(t, server, '/v1/steps/stream', { authorization: `Bearer ${secret}` });
  await server.cli('keys', 'revoke', key.id);
  // Before the first ping, which comes after 15 seconds and would end it in any case.
  await limited(listener.when(() => listener.ended, 'the stream to end'), 10_000, 'the stream to end');
});

test('where to go on is checked', async (t) => {
  const server = await serve(t);
  for (const id of ['x', '-1', '1.5', '99999999999999999999']) {
    const answer = await server.api('GET', '/v1/steps/stream', { headers: { 'last-event-id': id } });
    assert.equal(answer.status, 422, id);
    assert.deepEqual(answer.body.detail[0].loc, ['header', 'Last-Event-ID']);
  }
  for (const query of ['after=x', 'after=-1', 'status=odd']) {
    assert.equal((await server.api('GET', `/v1/steps/stream?${query}`)).status, 422, query);
  }
  // A number nobody gave out yet: from now on, instead of never.
  const listener = await listen(t, server, '/v1/steps/stream?after=1000000');
  const { id } = await post(server, { model: 'm' });
  assert.equal((await listener.until(1))[0].data.step.id, id);
});

// ---- the journal -----------------------------------------------------------------------------------------------------

test('the journal is read in pages, each entry once', async (t) => {
  const server = await serve(t);
  await fill(server, 250, () => ({ model: 'm' }));
  const all = await server.sql('SELECT seq, record_id FROM journal ORDER BY seq');
  const got = [];
  for (let after = 0; ;) {
    const page = await server.get(`/v1/journal?after=${after}&limit=37`);
    assert.ok(page.entries.length <= 37);
    got.push(...page.entries);
    if (page.entries.length === 0) {
      assert.equal(page.last, after);
      break;
    }
    assert.equal(page.last, page.entries.at(-1).seq);
    after = page.last;
  }
  assert.deepEqual(got.map((e) => e.seq), all.map((e) => e.seq));
  const steps = got.filter((e) => e.record === 'step');
  assert.equal(steps.length, 250);
  assert.ok(steps.every((e) => e.change === 'created' && /^step-/.test(e.id)));
});

test('a wait for the journal ends with the change, or with the time', async (t) => {
  const server = await serve(t);
  const { last } = await server.get('/v1/journal?after=0&limit=1000');
  let begun = performance.now();
  assert.deepEqual(await server.get(`/v1/journal?after=${last}&wait=1`), { entries: [], last });
  assert.ok(performance.now() - begun >= 950);
  begun = performance.now();
  const waiting = server.get(`/v1/journal?after=${last}&wait=60`);
  const { id } = await post(server, { model: 'm' });
  const page = await waiting;
  assert.equal(page.entries[0].id, id);
  assert.ok(performance.now() - begun < 20_000);
  for (const query of ['wait=61', 'wait=-1', 'limit=0', 'limit=1001', 'after=x']) {
    assert.equal((await server.api('GET', `/v1/journal?${query}`)).status, 422, query);
  }
});

test('many who wait hold no worker', async (t) => {
  const server = await serve(t, { args: ['--workers', '2'] });
  const { last } = await server.get('/v1/journal?after=0&limit=1000');
  const waiting = Array.from({ length: 40 }, () => server.get(`/v1/journal?after=${last}&wait=60`));
  await server.get('/v1/steps/');
  const { id } = await post(server, { model: 'm' });
  for (const page of await Promise.all(waiting)) {
    assert.equal(page.entries[0].id, id);
  }
});

test('who waits and who listens is let go when the server stops', async (t) => {
  const server = await serve(t);
  const { last } = await server.get('/v1/journal?after=0&limit=1000');
  const listener = await listen(t, server, '/v1/steps/stream');
  const waiting = server.get(`/v1/journal?after=${last}&wait=60`);
  // Asked over the same server, so that the one that waits has arrived.
  await server.get('/v1/steps/');
  const begun = performance.now();
  await server.stop();
  assert.ok(performance.now() - begun < 5000);
  await listener.when(() => false, 'the end of the stream');
  await waiting.then((page) => assert.deepEqual(page, { entries: [], last }), () => {});
});
