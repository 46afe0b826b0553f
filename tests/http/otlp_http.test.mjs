// SPDX-License-Identifier: Apache-2.0
// OTLP over HTTP as its specification describes it: media types, encodings of bodies, limits, statuses and the bodies of
// refusals. Exports are made by hand (otlp.mjs); answers are read by the specification, not by what we print.
import assert from 'node:assert/strict';
import { request } from 'node:http';
import { createServer } from 'node:net';
import { test } from 'node:test';
import { constants, gzipSync } from 'node:zlib';
import { limited, serve, shared } from './lib.mjs';
import { field, modelSpan, partialOf, statusOf, tracesJson, tracesProto } from './otlp.mjs';

const PROTO = 'application/x-protobuf';
const JSON_TYPE = 'application/json';
const WIRES = { [PROTO]: tracesProto, [JSON_TYPE]: tracesJson };
// A frame of zstd with one raw block (RFC 8878, 3.1.1).
function zstdRaw(bytes) {
  const head = Buffer.alloc(3);
  head.writeUIntLE((bytes.length << 3) | 1, 0, 3);
  return Buffer.concat([Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 0, 10 << 3]), head, bytes]);
}

const RETRYABLE = [429, 502, 503, 504];
const at = shared({ args: ['--otlp-listen=127.0.0.1:0', '--cors-origins=https://page.example'] });

// Sends; a body that is a list goes chunked, piece by piece. Answers {status, headers, type, bytes}.
function send(path, { method = 'POST', type = PROTO, headers = {}, body = Buffer.alloc(0), base = at.server.url } = {}) {
  const pieces = Array.isArray(body) ? body : null;
  const answered = new Promise((resolve, reject) => {
    const ask = request(new URL(path, base), {
      method,
      agent: false,
      headers: {
        ...(type ? { 'content-type': type } : {}),
        ...(pieces ? { 'transfer-encoding': 'chunked' } : { 'content-length': Buffer.byteLength(body) }),
        ...headers,
      },
    });
    ask.on('error', reject);
    ask.on('response', (response) => {
      const got = [];
      response.on('data', (bytes) => got.push(bytes));
      response.on('error', reject);
      response.on('end', () => resolve({
        status: response.statusCode,
        headers: response.headers,
        type: response.headers['content-type'],
        bytes: Buffer.concat(got),
      }));
    });
    for (const piece of pieces ?? [body]) {
      ask.write(piece);
    }
    ask.end();
  });
  return limited(answered, 20_000, `an answer to ${method} ${path}`);
}

function isSuccess(answer, type) {
  assert.equal(answer.status, 200, answer.bytes.toString());
  assert.equal(answer.type, type);
  assert.equal(partialOf(type, answer.bytes), null);
  assert.equal(answer.bytes.toString(), type === JSON_TYPE ? '{}' : '');
}

function isRefusal(answer, status, type, code) {
  assert.equal(answer.status, status, answer.bytes.toString());
  assert.equal(answer.type, type);
  const told = statusOf(type, answer.bytes);
  assert.equal(told.code, code);
  assert.ok(told.message.length > 0);
  assert.equal(answer.headers['retry-after'] !== undefined, RETRYABLE.includes(status));
  return told.message;
}

// How many spans the server says that it has taken.
async function spansTaken() {
  const { text } = await at.server.api('GET', '/metrics');
  return Number(/^stepwell_otlp_spans_total (\d+)$/m.exec(text)[1]);
}

for (const [type, make] of Object.entries(WIRES)) {
  test(`an export is taken whole: ${type}`, async () => {
    const before = await spansTaken();
    isSuccess(await send('/v1/traces', { type, body: make([modelSpan(), modelSpan()]) }), type);
    assert.equal(await spansTaken(), before + 2);
  });

  test(`bodies come packed, chunked, or both: ${type}`, async () => {
    const before = await spansTaken();
    const body = Buffer.from(make([modelSpan()]));
    const half = body.length >> 1;
    const gzip = gzipSync(body);
    const members = Buffer.concat([gzipSync(body.subarray(0, half)), gzipSync(body.subarray(half))]);
    isSuccess(await send('/v1/traces', { type, body: [body.subarray(0, half), body.subarray(half)] }), type);
    isSuccess(await send('/v1/traces', { type, body: gzip, headers: { 'content-encoding': 'gzip' } }), type);
    isSuccess(await send('/v1/traces', { type, body: [gzip.subarray(0, 9), gzip.subarray(9)], headers: { 'content-encoding': 'GZIP' } }), type);
    isSuccess(await send('/v1/traces', { type, body: members, headers: { 'content-encoding': 'gzip' } }), type);
    isSuccess(await send('/v1/traces', { type, body, headers: { 'content-encoding': 'identity' } }), type);
    assert.equal(await spansTaken(), before + 5);
  });

  test(`zstd is taken: ${type}`, async () => {
    isSuccess(await send('/v1/traces', { type, body: zstdRaw(Buffer.from(make([modelSpan()]))), headers: { 'content-encoding': 'zstd' } }), type);
  });

  test(`what cannot be read is 400 with a Status: ${type}`, async () => {
    const before = await spansTaken();
    const body = Buffer.from(make([modelSpan()]));
    const cut = gzipSync(body).subarray(0, -9);
    isRefusal(await send('/v1/traces', { type, body: body.subarray(0, -3) }), 400, type, 3);
    isRefusal(await send('/v1/traces', { type, body: cut, headers: { 'content-encoding': 'gzip' } }), 400, type, 3);
    isRefusal(await send('/v1/traces', { type, body, headers: { 'content-encoding': 'gzip' } }), 400, type, 3);
    assert.equal(await spansTaken(), before);
  });

  test(`other encodings are 415: ${type}`, async () => {
    for (const coding of ['br', 'deflate', 'gzip, gzip']) {
      const answer = await send('/v1/traces', { type, body: make([modelSpan()]), headers: { 'content-encoding': coding } });
      assert.match(isRefusal(answer, 415, type, 3), /gzip/);
    }
  });

  test(`one span of three without an id: the others are taken, and it is told: ${type}`, async () => {
    const before = await spansTaken();
    const spans = [modelSpan(), modelSpan({ spanId: Buffer.alloc(8) }), modelSpan()];
    const answer = await send('/v1/traces', { type, body: make(spans) });
    assert.equal(answer.status, 200);
    assert.equal(answer.type, type);
    const partial = partialOf(type, answer.bytes);
    assert.equal(partial.rejected, 1);
    assert.match(partial.message, /span.?id/i);
    assert.equal(await spansTaken(), before + 2);
  });

  test(`more than the limit once unpacked is 413: ${type}`, async () => {
    const bomb = gzipSync(Buffer.alloc(65 << 20), { level: 1, strategy: constants.Z_RLE });
    isRefusal(await send('/v1/traces', { type, body: bomb, headers: { 'content-encoding': 'gzip' } }), 413, type, 8);
  });
}

test('an empty export is taken', async () => {
  isSuccess(await send('/v1/traces', { body: '' }), PROTO);
  isSuccess(await send('/v1/traces', { type: JSON_TYPE, body: '{}' }), JSON_TYPE);
});

test('media types are compared without case and parameters', async () => {
  const body = tracesJson([modelSpan()]);
  const answer = await send('/v1/traces', { type: 'Application/JSON; charset=utf-8', body });
  isSuccess(answer, JSON_TYPE);
  assert.equal((await send('/v1/traces', { type: 'application/protobuf', body: tracesProto([modelSpan()]) })).status, 200);
});

test('all three signals, under each of the paths, with and without the slash', async () => {
  for (const prefix of ['', '/otlp', '/api/public/otel']) {
    for (const signal of ['traces', 'logs', 'metrics']) {
      isSuccess(await send(`${prefix}/v1/${signal}`, { body: '' }), PROTO);
      isSuccess(await send(`${prefix}/v1/${signal}/`, { type: JSON_TYPE, body: '{}' }), JSON_TYPE);
    }
  }
  assert.equal((await send('/v1development/profiles', { body: '' })).status, 404);
});

test('the wrong media type, method and place', async () => {
  isRefusal(await send('/v1/traces', { type: 'text/plain', body: 'x' }), 415, JSON_TYPE, 3);
  isRefusal(await send('/v1/traces', { type: null, body: 'x' }), 415, JSON_TYPE, 3);
  const wrong = await send('/v1/traces', { method: 'GET', type: null });
  isRefusal(wrong, 405, JSON_TYPE, 12);
  assert.match(wrong.headers.allow, /POST/);
  assert.match(isRefusal(await send('/', { body: tracesProto([]) }), 405, PROTO, 12), /\/v1\/traces/);
  assert.match(isRefusal(await send('/', { type: JSON_TYPE, body: '{}' }), 405, JSON_TYPE, 12), /\/v1\/traces/);
  assert.match(isRefusal(await send('/v1/trace', { body: '' }), 404, PROTO, 12), /\/v1\/traces/);
});

test('a body that says it is too long is refused before it comes', async () => {
  const answer = await new Promise((resolve, reject) => {
    const ask = request(new URL('/v1/traces', at.server.url), {
      method: 'POST',
      agent: false,
      headers: { 'content-type': PROTO, 'content-length': (64 << 20) + 1 },
    });
    ask.on('error', reject).on('response', (response) => {
      const got = [];
      response.on('data', (bytes) => got.push(bytes)).on('end', () => {
        resolve({ status: response.statusCode, headers: response.headers, type: response.headers['content-type'], bytes: Buffer.concat(got) });
        ask.destroy();
      });
    });
    ask.flushHeaders();
  });
  isRefusal(answer, 413, PROTO, 8);
});

test('pages of configured origins may export, others may not', async () => {
  const origin = 'https://page.example';
  const asks = { 'access-control-request-method': 'POST', 'access-control-request-headers': 'content-type' };
  const allowed = await send('/v1/traces', { method: 'OPTIONS', type: null, headers: { origin, ...asks } });
  assert.equal(allowed.status, 204);
  assert.equal(allowed.headers['access-control-allow-origin'], origin);
  assert.match(allowed.headers['access-control-allow-methods'], /POST/);
  const other = await send('/v1/traces', { method: 'OPTIONS', type: null, headers: { origin: 'https://other.example', ...asks } });
  assert.equal(other.headers['access-control-allow-origin'], undefined);
  isSuccess(await send('/v1/traces', { body: tracesProto([]), headers: { origin } }), PROTO);
  isRefusal(await send('/v1/traces', { body: tracesProto([]), headers: { origin: 'https://other.example' } }), 403, PROTO, 7);
});

test('the door for telemetry takes telemetry and nothing else', async () => {
  const base = /OTLP at (http:\S+) \(HTTP\)/.exec(at.server.said)[1];
  assert.notEqual(base, at.server.url);
  isSuccess(await send('/v1/traces', { base, body: tracesProto([modelSpan()]) }), PROTO);
  assert.equal((await send('/v1/health/', { base, method: 'GET', type: null })).status, 404);
  assert.equal((await send('/v1/steps/', { base, method: 'GET', type: null })).status, 404);
});

test('a usual door that is taken is told and does no harm', async (t) => {
  const other = createServer();
  const free = await new Promise((resolve) => {
    other.once('error', () => resolve(false)).listen(4318, '127.0.0.1', () => resolve(true));
  });
  t.after(() => free && other.close());
  const server = await serve(t, { usual: true });
  await server.get('/v1/health/');
  await server.stop();
  assert.match(server.said, /warn: otlp-listen: 127\.0\.0\.1:4318 cannot be used/);
});

test('a door that is taken and was asked for is an error', async (t) => {
  const taken = new URL(/OTLP at (http:\S+) \(HTTP\)/.exec(at.server.said)[1]).host;
  await assert.rejects(serve(t, { args: [`--otlp-listen=${taken}`] }), /otlp-listen/);
});

test('keys are asked for, with the scope', async (t) => {
  const first = await serve(t);
  const key = (scope) => first.cli('keys', 'create', scope, '--scope', scope);
  const ingest = await key('ingest');
  const read = await key('read');
  await first.stop();
  const server = await serve(t, { store: first.store });
  const base = server.url;
  const body = tracesProto([modelSpan()]);
  const bearer = ({ secret }) => ({ authorization: `Bearer ${secret}` });
  const unknown = await send('/v1/traces', { base, body });
  isRefusal(unknown, 401, PROTO, 16);
  isRefusal(await send('/v1/traces', { base, body, headers: { authorization: 'Bearer nonsense' } }), 401, PROTO, 16);
  isRefusal(await send('/v1/traces', { base, body, headers: bearer(read) }), 403, PROTO, 7);
  isSuccess(await send('/v1/traces', { base, body, headers: bearer(ingest) }), PROTO);
});

test('who asks too often is told when to come again', async (t) => {
  const server = await serve(t, { args: ['--requests-per-second=1'] });
  const answers = [];
  for (let i = 0; i < 4; i++) {
    answers.push(await send('/v1/traces', { base: server.url, body: field(1, '') }));
  }
  const slow = answers.find((answer) => answer.status === 429);
  isRefusal(slow, 429, PROTO, 14);
});
