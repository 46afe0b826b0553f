// SPDX-License-Identifier: Apache-2.0
// Sums, counts, facets and exports: each number is counted again here, from the rows as sqlite3 reads them.
import assert from 'node:assert/strict';
import { request } from 'node:http';
import { test } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { newId, scaled, serve } from './lib.mjs';

const models = ['alpha', 'beta', 'gamma', null];

// Steps with everything that is summed, over three days.
async function fill(server, count, more = {}) {
  const steps = Array.from({ length: count }, (_, i) => ({
    id: newId('step'),
    created_at: new Date(Date.UTC(2025, 2, 1 + (i % 3), i % 24, i % 60)).toISOString(),
    model: models[i % 4],
    status: ['success', 'failed', 'cancelled', 'pending'][(i >> 2) % 4],
    prompt_tokens: i % 7,
    completion_tokens: i % 5,
    project_id: i % 2 ? 'p 1' : null,
    tags: i % 3 ? ['odd, "one"'] : [],
    output_preview: i % 10 ? null : `needle ${i}, "quoted"\nand more`,
    metrics: { step_ns: 1_000_000 * (1 + (i % 100)) },
    ...more,
  }));
  const body = steps.map((s) => `${JSON.stringify(s)}\n`).join('');
  const answer = await server.api('POST', '/v1/steps', { body, headers: { 'content-type': 'application/x-ndjson' } });
  assert.equal(answer.body?.created, count, answer.text);
  return steps;
}

const tokens = (steps) => steps.reduce((sum, s) => sum + s.prompt_tokens + s.completion_tokens, 0);
const failures = (steps) => steps.filter((s) => s.status === 'failed').length / steps.length;

test('usage is what the rows say', async (t) => {
  const server = await serve(t);
  const steps = await fill(server, 600);
  const all = await server.get('/v1/usage');
  assert.deepEqual(all.by, []);
  assert.equal(all.total.num_steps, 600);
  assert.equal(all.total.total_tokens, tokens(steps));
  assert.equal(all.total.error_rate, failures(steps));
  assert.equal(all.groups.length, 1);
  assert.equal(all.complete, true);

  for (const path of ['/v1/usage?group_by=model,day', '/v1/usage?group_by=model&group_by=day']) {
    const { by, groups } = await server.get(path);
    assert.deepEqual(by, ['model', 'day']);
    assert.equal(groups.length, 12);
    for (const g of groups) {
      const mine = steps.filter((s) => s.model === g.model && s.created_at.startsWith(g.day));
      assert.deepEqual([g.num_steps, g.total_tokens, g.error_rate], [mine.length, tokens(mine), failures(mine)], JSON.stringify(g));
    }
  }
  const part = await server.get('/v1/usage?group_by=status&model=beta&from=2025-03-02T00:00:00Z&to=2025-03-03T00:00:00Z');
  const mine = steps.filter((s) => s.model === 'beta' && s.created_at.startsWith('2025-03-02'));
  assert.equal(part.total.num_steps, mine.length);
  assert.equal(part.total.total_tokens, tokens(mine));
  assert.deepEqual(part.groups.map((g) => g.status).sort(), [...new Set(mine.map((s) => s.status))].sort());

  // Of what has to be read the newest are read, when no more shall be; kept sums need no reading.
  const newest = [...steps].sort((a, b) => (a.created_at < b.created_at ? 1 : -1));
  const bound = newest.findIndex((s, i) => i >= 99 && s.created_at !== newest[i + 1].created_at) + 1;
  const few = await server.get(`/v1/usage?group_by=stop_reason&rows=${bound}`);
  assert.deepEqual([few.source, few.rows, few.complete, few.total.num_steps, few.total.total_tokens], ['rows', bound, false, bound, tokens(newest.slice(0, bound))]);
  for (const path of ['group_by=stop_reason&rows=601', 'group_by=model&rows=1']) {
    const { complete, total } = await server.get(`/v1/usage?${path}`);
    assert.deepEqual([complete, total.num_steps], [true, 600], path);
  }
  for (const rows of ['0', '-1', '5000001', 'many']) {
    assert.equal((await server.api('GET', `/v1/usage?rows=${rows}`)).status, 422, rows);
  }

  const zoned = await server.get('/v1/usage?group_by=day&zone=%2B05:00');
  const day = (s) => new Date(Date.parse(s.created_at) + 5 * 3_600_000).toISOString().slice(0, 10);
  assert.deepEqual(
    zoned.groups.map((g) => [g.day, g.num_steps]),
    [...new Set(steps.map(day))].sort().map((d) => [d, steps.filter((s) => day(s) === d).length]),
  );
  const timed = await server.get('/v1/usage?latency=true');
  assert.equal(timed.groups[0].step_time.count, 600);
  assert.ok(Math.abs(timed.groups[0].step_time.p50_ns / 50_000_000 - 1) < 0.05);
  assert.deepEqual(await server.cli('usage', '--by', 'model').then((u) => u.groups), (await server.get('/v1/usage?group_by=model')).groups);
});

test('usage by feedback and by conversation', async (t) => {
  const server = await serve(t);
  const [one, other] = [newId('conv'), newId('conv')];
  await fill(server, 12, { feedback: 'positive', conversation_id: one });
  await fill(server, 6, { feedback: 'negative', conversation_id: one });
  await fill(server, 3, { conversation_id: other });
  await fill(server, 2);
  const groups = async (query) => (await server.get(`/v1/usage?${query}`)).groups;
  const given = await groups('group_by=feedback,day&has_feedback=true');
  const sum = (word) => given.filter((g) => g.feedback === word).reduce((all, g) => all + g.num_steps, 0);
  assert.deepEqual([sum('positive'), sum('negative'), given.length], [12, 6, 6]);
  assert.deepEqual((await groups('group_by=feedback')).map((g) => [g.feedback, g.num_steps]), [[null, 5], ['negative', 6], ['positive', 12]]);
  const talks = new Map((await groups('group_by=conversation')).map((g) => [g.conversation, g.num_steps]));
  assert.deepEqual([talks.get(one), talks.get(other), talks.get(null), talks.size], [18, 3, 2, 3]);
});

test('what is no dimension is answered with all that are, and with the nearest', async (t) => {
  const server = await serve(t);
  const { status, body } = await server.api('GET', '/v1/usage?group_by=modl');
  const [, words, near] = /^Input should be one of ([a-z_, ]+); did you mean (\w+)$/.exec(body.detail[0].msg);
  assert.deepEqual([status, near], [422, 'model']);
  assert.ok(words.split(', ').length >= 13, words);
  for (const word of words.split(', ')) {
    assert.deepEqual((await server.get(`/v1/usage?group_by=${word}`)).by, [word]);
  }
});

test('what usage cannot be asked', async (t) => {
  const server = await serve(t);
  const cases = [
    ['group_by=modl', 'group_by'],
    ['group_by=model,model', 'group_by'],
    ['group_by=model,day,status,project,agent', 'group_by'],
    ['zone=CET', 'zone'],
    ['zone=%2B25:00', 'zone'],
    ['from=yesterday', 'from'],
    ['latency=perhaps', 'latency'],
  ];
  for (const [query, name] of cases) {
    const answer = await server.api('GET', `/v1/usage?${query}`);
    assert.equal(answer.status, 422, `${query}: ${answer.text}`);
    assert.deepEqual(answer.body.detail[0].loc, ['query', name], query);
  }
  for (const query of ['text=x', 'min_step_ns=5']) {
    assert.equal((await server.api('GET', `/v1/usage?${query}`)).status, 422, query);
  }
  assert.equal((await server.get('/v1/usage')).total.num_steps, 0);
});

test('counts and facets', async (t) => {
  const server = await serve(t);
  const steps = await fill(server, 400);
  const count = async (query) => (await server.get(`/v1/steps/count?${query}`)).count;
  assert.equal(await count(''), 400);
  assert.equal(await count('model=alpha'), 100);
  assert.equal(await count('model=alpha&model=beta&status=failed'),
    steps.filter((s) => ['alpha', 'beta'].includes(s.model) && s.status === 'failed').length);
  assert.equal(await count('text=NEEDLE'), 40);
  assert.equal(await count('min_step_ns=90000000'), steps.filter((s) => s.metrics.step_ns >= 90_000_000).length);
  assert.equal((await server.get('/v1/steps/count')).complete, true);

  for (const filter of ['', 'status=success', 'text=needle']) {
    const { facets, approximate } = await server.get(`/v1/steps/facets?${filter}`);
    const mine = steps.filter((s) =>
      filter === '' || (filter.startsWith('status') ? s.status === 'success' : s.output_preview));
    assert.equal(approximate, false);
    const expected = models.map((m) => [m, mine.filter((s) => s.model === m).length]).filter(([, n]) => n > 0);
    assert.deepEqual(new Map(facets.model.map((v) => [v.value, v.count])), new Map(expected), filter);
    assert.ok(facets.model.every((v, i) => i === 0 || v.count <= facets.model[i - 1].count));
  }
  const few = await server.get('/v1/steps/facets?values=2');
  assert.equal(few.facets.model.length, 2);
  await server.must(422, 'GET', '/v1/steps/facets?values=0');
});

// ---- exports --------------------------------------------------------------------------------------------------------

const rows = (text) => text.split('\n').filter(Boolean).map((line) => JSON.parse(line));

test('an export holds what a list holds', async (t) => {
  const server = await serve(t);
  const steps = await fill(server, scaled(1200, 2600, 12_000));
  const newest = (a, b) => (a.created_at === b.created_at ? (a.id < b.id ? 1 : -1) : a.created_at < b.created_at ? 1 : -1);
  const wanted = steps.sort(newest).map((s) => s.id);
  const all = await server.api('GET', '/v1/steps/export');
  assert.equal(all.status, 200);
  assert.match(all.headers.get('content-type'), /^application\/x-ndjson/);
  assert.match(all.headers.get('content-disposition'), /steps\.ndjson/);
  assert.deepEqual(rows(all.text).map((r) => r.id), wanted);
  assert.deepEqual(rows((await server.api('GET', '/v1/steps/export?order=asc')).text).map((r) => r.id), [...wanted].reverse());
  const some = await server.api('GET', `/v1/steps/export?model=beta&after=${wanted[9]}&limit=55`);
  const beta = steps.filter((s, i) => i > 9 && s.model === 'beta').map((s) => s.id);
  assert.deepEqual(rows(some.text).map((r) => r.id), beta.slice(0, 55));
  assert.deepEqual(rows(all.text)[7], (await server.show(wanted[7])).step);
  assert.equal((await server.api('GET', '/v1/steps/export?model=nobody')).text, '');
  await server.must(404, 'GET', `/v1/steps/export?after=${newId('step')}`);
  await server.must(422, 'GET', '/v1/steps/export?format=xml');
});

// RFC 4180, by the letter.
function csv(text) {
  const out = [[]];
  let cell = '';
  for (let i = 0; i < text.length; ) {
    if (text[i] === '"') {
      for (i++; text[i] !== '"' || text[i + 1] === '"'; i++) {
        cell += text[i];
        i += text[i] === '"' ? 1 : 0;
      }
      i++;
    } else if (text[i] === ',') {
      out.at(-1).push(cell);
      cell = '';
      i++;
    } else if (text.startsWith('\r\n', i)) {
      out.at(-1).push(cell);
      out.push([]);
      cell = '';
      i += 2;
    } else {
      cell += text[i++];
    }
  }
  assert.deepEqual(out.pop(), []);
  return out;
}

test('an export as CSV', async (t) => {
  const server = await serve(t);
  await fill(server, 300);
  const answer = await server.api('GET', '/v1/steps/export?format=csv');
  assert.match(answer.headers.get('content-type'), /^text\/csv/);
  assert.match(answer.headers.get('content-disposition'), /steps\.csv/);
  const [header, ...cells] = csv(answer.text);
  const json = rows((await server.api('GET', '/v1/steps/export')).text);
  assert.equal(cells.length, json.length);
  for (const name of ['id', 'model', 'output_preview', 'total_tokens', 'status', 'created_at']) {
    const at = header.indexOf(name);
    assert.deepEqual(cells.map((c) => c[at]), json.map((r) => String(r[name] ?? '')), name);
  }
  const none = csv((await server.api('GET', '/v1/steps/export?format=csv&model=nobody')).text);
  assert.deepEqual(none, [header]);
});

// The bytes as they come.
function raw(server, path, headers = {}) {
  return new Promise((resolve, reject) => {
    request(server.url + path, { headers }, (answer) => {
      const parts = [];
      answer.on('data', (part) => parts.push(part));
      answer.on('error', reject);
      answer.on('end', () => resolve({ headers: answer.headers, bytes: Buffer.concat(parts) }));
    }).on('error', reject).end();
  });
}

test('an export is compressed for those who take it', async (t) => {
  const server = await serve(t);
  await fill(server, 1000);
  const plain = await raw(server, '/v1/steps/export');
  const small = await raw(server, '/v1/steps/export', { 'accept-encoding': 'gzip' });
  assert.equal(small.headers['content-encoding'], 'gzip');
  assert.ok(small.bytes.length * 4 < plain.bytes.length);
  assert.deepEqual(gunzipSync(small.bytes), plain.bytes);
});

// Reads a little, lets something happen, reads the rest.
function slowly(server, path, meanwhile) {
  return new Promise((resolve, reject) => {
    const call = request(server.url + path, (answer) => {
      const parts = [];
      answer.once('data', async (part) => {
        parts.push(part);
        answer.pause();
        try {
          await meanwhile(part.toString());
        } catch (error) {
          reject(error);
        }
        answer.on('data', (more) => parts.push(more));
        answer.resume();
      });
      answer.on('error', reject);
      answer.on('end', () => resolve(Buffer.concat(parts).toString()));
    });
    call.on('error', reject).end();
  });
}

test('a slow reader holds nothing, and loses nothing when steps go', async (t) => {
  const server = await serve(t);
  // More than sockets hold on the way, many steps to a time.
  const count = scaled(4000, 6000, 20_000);
  const steps = await fill(server, count, { metadata: { pad: 'x'.repeat(6000) } });
  const deleted = new Set();
  const text = await slowly(server, '/v1/steps/export?order=asc', async () => {
    // More slow readers than the store has connections; the server goes on answering.
    const others = Array.from({ length: 20 }, () => request(`${server.url}/v1/steps/export`).on('error', () => {}));
    await Promise.all(others.map((o) => new Promise((go) => o.on('response', (r) => (r.pause(), go())).end())));
    // Nine of ten steps go, and almost certainly the one that the walk stands on.
    const going = (await server.sql('select id from steps order by created_at, id')).map((r) => r.id).filter((_, i) => i % 10);
    while (going.length > 0) {
      await Promise.all(going.splice(-100).map((id) => (deleted.add(id), server.must(200, 'DELETE', `/v1/steps/${id}`))));
    }
    others.forEach((o) => o.destroy());
  });
  const got = rows(text);
  assert.ok(got.length < count, 'all was sent before anything was deleted');
  const order = got.map((r) => `${r.created_at} ${r.id}`);
  assert.deepEqual(order, [...new Set(order)].sort());
  const had = new Set(got.map((r) => r.id));
  assert.deepEqual(steps.filter((s) => !deleted.has(s.id) && !had.has(s.id)), []);
});
