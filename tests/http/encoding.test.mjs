// SPDX-License-Identifier: Apache-2.0
// Bodies that come packed: gzip and zstd, whole and as lines, in one part or several, damaged, cut off, and such that
// stand for far more than they are. Knows RFC 1952, RFC 8878 and RFC 9110; frames of zstd are made by hand here.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { request } from 'node:http';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { bounded, newId, resident, scaled, serve } from './lib.mjs';

const json = { 'content-type': 'application/json' };
const ndjson = { 'content-type': 'application/x-ndjson' };
const LIMIT = 33_554_432; // of a body, by model/limits.def

// A frame of raw blocks, or with `times` of blocks of one byte, which is what a bomb is made of (RFC 8878, 3.1.1).
const MAGIC = Buffer.from([0x28, 0xb5, 0x2f, 0xfd]);
const block = (size, type, last, content) => {
  const head = Buffer.alloc(3);
  head.writeUIntLE((size << 3) | (type << 1) | (last ? 1 : 0), 0, 3);
  return Buffer.concat([head, content]);
};
const WINDOW = (log) => Buffer.from([0, (log - 10) << 3]);
const zstdRaw = (bytes) => {
  const parts = [MAGIC, WINDOW(20)];
  for (let at = 0; at < bytes.length || at === 0; at += 100_000) {
    const piece = bytes.subarray(at, at + 100_000);
    parts.push(block(piece.length, 0, at + 100_000 >= bytes.length, piece));
  }
  return Buffer.concat(parts);
};
const zstdBomb = (mib, byte = ' ') => {
  const one = block(1 << 17, 1, false, Buffer.from(byte));
  return Buffer.concat([MAGIC, WINDOW(20), ...Array(mib * 8).fill(one), block(0, 0, true, Buffer.alloc(0))]);
};
const codings = { gzip: (text) => gzipSync(text), zstd: (text) => zstdRaw(Buffer.from(text)) };

const post = (server, bytes, coding, headers = json) =>
  server.api('POST', '/v1/steps', { body: bytes, headers: { ...headers, 'content-encoding': coding } });
const lines = (items) => items.map((i) => `${JSON.stringify(i)}\n`).join('');
const count = async (server) => (await server.sql('select count(*) as n from steps'))[0].n;

// Sends the pieces one by one, as chunks.
function pour(server, pieces, headers) {
  return new Promise((resolve, reject) => {
    const call = request(`${server.url}/v1/steps`, { method: 'POST', headers }, (answer) => {
      const parts = [];
      answer.on('data', (part) => parts.push(part));
      answer.on('end', () => resolve({ status: answer.statusCode, body: JSON.parse(Buffer.concat(parts).toString()) }));
    });
    call.on('error', reject);
    const next = (i) => (i < pieces.length ? call.write(pieces[i], () => next(i + 1)) : call.end());
    next(0);
  });
}

for (const [coding, pack] of Object.entries(codings)) {
  test(`${coding}: a step, a batch, lines`, async (t) => {
    const server = await serve(t);
    const id = newId('step');
    const one = await post(server, pack(JSON.stringify({ id, model: 'm' })), coding);
    assert.equal(one.status, 201, one.text);
    assert.equal((await server.show(id)).step.model, 'm');
    const same = await server.api('POST', '/v1/steps', { body: { id, model: 'm' } });
    assert.equal(same.status, 200, 'packed or not, it is the same call');
    const batch = await post(server, pack(JSON.stringify({ steps: Array(300).fill({ output_preview: 'x'.repeat(200) }) })), coding);
    assert.deepEqual([batch.status, batch.body.created], [200, 300]);
    const many = Array.from({ length: scaled(2000, 6000, 20_000) }, (_, i) => ({ id: newId('step'), metadata: { pad: `${i}`.repeat(i % 200) } }));
    const streamed = await post(server, pack(lines(many)), coding, ndjson);
    assert.deepEqual([streamed.status, streamed.body.created], [200, many.length]);
    assert.equal(await count(server), many.length + 301);
    await server.verify();
  });

  test(`${coding}: several parts one behind the other, in pieces that end anywhere`, async (t) => {
    const server = await serve(t);
    const items = Array.from({ length: 400 }, () => ({ id: newId('step') }));
    const parts = items.map((item) => pack(lines([item])));
    const whole = Buffer.concat(parts);
    const pieces = [];
    for (let at = 0, size = 1; at < whole.length; at += size, size = (size * 7) % 991 + 1) {
      pieces.push(whole.subarray(at, at + size));
    }
    const { status, body } = await pour(server, pieces, { ...ndjson, 'content-encoding': coding });
    assert.deepEqual([status, body.created], [200, 400]);
    const split = await post(server, Buffer.concat([pack('{"model":'), pack('"m"}')]), coding);
    assert.equal(split.status, 201, split.text);
  });

  test(`${coding}: cut off or damaged is 400 and says so, and nothing of it is kept`, async (t) => {
    const server = await serve(t);
    const good = pack(JSON.stringify({ model: 'm' }));
    const bad = [good.subarray(0, good.length - 1), good.subarray(0, 3), Buffer.from('{"model":"m"}'), Buffer.concat([good, Buffer.from('rest')])];
    for (const body of bad) {
      const answer = await post(server, body, coding);
      assert.equal(answer.status, 400, answer.text);
      assert.match(answer.body.detail, new RegExp(`^Content-Encoding: the body is not valid ${coding}: `));
    }
    assert.equal(await count(server), 0);
    // Of lines, what was whole and committed before the damage stays, as when a sender goes away.
    const cut = await post(server, pack(lines([{}, {}])).subarray(0, -1), coding, ndjson);
    assert.equal(cut.status, 400, cut.text);
    assert.equal((await post(server, good, coding)).status, 201);
  });
}

test('what is packed counts as what it holds', async (t) => {
  const server = await serve(t);
  const mib = Buffer.alloc(1 << 20, ' ');
  const gzips = Buffer.concat(Array(1000).fill(gzipSync(mib)));
  const before = resident(server, 'VmHWM');
  for (const [coding, bomb] of [['gzip', gzips], ['zstd', zstdBomb(1000)]]) {
    const answer = await post(server, bomb, coding);
    assert.equal(answer.status, 413, answer.text);
    assert.match(answer.body.detail, new RegExp(`${LIMIT}`));
  }
  const grown = resident(server, 'VmHWM') - before;
  assert.ok(grown < bounded(80), `2 GiB in ${gzips.length} bytes took ${grown} MiB`);
  // As much as may come does come.
  const most = Buffer.concat([Buffer.from('{"model":"m"}'), Buffer.alloc(LIMIT - 13, ' ')]);
  assert.equal((await post(server, gzipSync(most), 'gzip')).status, 201);
  assert.equal((await post(server, gzipSync(Buffer.concat([most, Buffer.from(' ')])), 'gzip')).status, 413);
});

test('lines that are packed are read in memory that does not grow', async (t) => {
  const server = await serve(t, { args: ['--cache-mb', '2'] });
  const step = lines([{}]);
  const blank = zstdBomb(scaled(100, 300, 2000), '\n');
  await post(server, zstdBomb(10, '\n'), 'zstd', ndjson);
  const before = resident(server, 'VmHWM');
  const { status, body } = await post(server, Buffer.concat([zstdRaw(Buffer.from(step)), blank, zstdRaw(Buffer.from(step))]), 'zstd', ndjson);
  assert.deepEqual([status, body?.created], [200, 2]);
  assert.ok(resident(server, 'VmHWM') - before < bounded(12), `${resident(server, 'VmHWM') - before} MiB`);
});

test('many that hold much are refused before memory is gone', async (t) => {
  const server = await serve(t);
  const bomb = gzipSync(Buffer.concat([Buffer.from('{"metadata":"'), Buffer.alloc(LIMIT - 100, 'x')]));
  const answers = await Promise.all(Array.from({ length: 40 }, () => post(server, bomb, 'gzip')));
  for (const { status, text } of answers) {
    assert.ok([422, 503].includes(status), text);
  }
  assert.ok(resident(server, 'VmHWM') < bounded(600), `${resident(server, 'VmHWM')} MiB`);
  assert.equal((await post(server, gzipSync('{}'), 'gzip')).status, 201);
});

test('a window larger than RFC 9659 allows is refused', async (t) => {
  const server = await serve(t);
  const wide = (log) => Buffer.concat([MAGIC, WINDOW(log), block(2, 0, true, Buffer.from('{}'))]);
  assert.equal((await post(server, wide(23), 'zstd')).status, 201);
  const answer = await post(server, wide(27), 'zstd');
  assert.equal(answer.status, 400, answer.text);
});

test('what other programs pack', async (t) => {
  const server = await serve(t);
  const text = JSON.stringify({ steps: Array.from({ length: 500 }, (_, i) => ({ model: `m${i % 7}`, output_preview: `answer ${i}` })) });
  for (const words of [['gzip', '-9'], ['zstd', '-19', '--no-progress'], ['zstd', '-1', '--long=23']]) {
    let packed;
    try {
      packed = execFileSync(words[0], [...words.slice(1), '-c'], { input: text, stdio: ['pipe', 'pipe', 'ignore'] });
    } catch (error) {
      assert.equal(error.code, 'ENOENT', `${error}`);
      t.diagnostic(`${words[0]} is not installed`);
      continue;
    }
    assert.equal((await post(server, packed, words[0])).body.created, 500, words.join(' '));
  }
});

test('other encodings are 415, which names the header and says what can be sent', async (t) => {
  const server = await serve(t);
  for (const coding of ['br', 'deflate', 'gzip, zstd', 'compress', 'gzipped']) {
    const answer = await post(server, '{}', coding);
    assert.equal(answer.status, 415, coding);
    assert.match(answer.body.detail, /^Content-Encoding: /);
    assert.equal(answer.headers.get('accept-encoding'), 'gzip, zstd');
  }
  const twice = await pour(server, ['{}'], ['Host', 'localhost', 'Content-Type', 'application/json', 'Content-Encoding', 'gzip', 'Content-Encoding', 'gzip', 'Transfer-Encoding', 'chunked']);
  assert.equal(twice.status, 415);
  assert.equal((await post(server, '{}', 'identity')).status, 201);
  assert.equal((await post(server, gzipSync('{}'), 'GZIP')).status, 201);
  assert.equal((await post(server, gzipSync('{}'), 'x-gzip')).status, 201);
  assert.equal((await server.api('GET', '/v1/health/', { headers: { 'content-encoding': 'br' } })).status, 200, 'no body, nothing to read');
});
