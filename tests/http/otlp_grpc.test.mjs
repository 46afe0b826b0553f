// SPDX-License-Identifier: Apache-2.0
// OTLP over gRPC, asked by grpc-js, and by bare HTTP/2 where that would not send what is sent here. What must come back
// is from the specifications of OTLP 1.11, of gRPC over HTTP/2, and of the health service; messages are made by hand.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import http2 from 'node:http2';
import { request } from 'node:http';
import { connect } from 'node:net';
import { after, test } from 'node:test';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { gzipSync } from 'node:zlib';
import { folder, limited, packaged, scaled, serve, shared } from './lib.mjs';
import { field, fields, modelSpan, partialOf, tracesProto } from './otlp.mjs';

const TRACES = '/opentelemetry.proto.collector.trace.v1.TraceService/Export';
const LOGS = '/opentelemetry.proto.collector.logs.v1.LogsService/Export';
const METRICS = '/opentelemetry.proto.collector.metrics.v1.MetricsService/Export';
const HEALTH = '/grpc.health.v1.Health/Check';
const ARGS = ['--otlp-grpc-listen=127.0.0.1:0'];
const PROTO = 'application/x-protobuf';

const at = shared({ args: ARGS });
const grpcUrl = (server) => /(https?:\/\/\S+) \(gRPC\)/.exec(server.said)[1];

async function counted(server, name) {
  const { text } = await server.api('GET', '/metrics');
  return Number(new RegExp(`^${name} (\\d+)$`, 'm').exec(text)?.[1] ?? 0);
}

// ---- bare HTTP/2 ----------------------------------------------------------------------------------------------------

const open = [];
after(() => open.forEach((session) => session.destroy()));
function session(server, options) {
  const made = http2.connect(grpcUrl(server), options);
  made.on('error', () => {});
  open.push(made);
  return made;
}

const framed = (bytes, packed = 0) => {
  const head = Buffer.alloc(5);
  head[0] = packed;
  head.writeUInt32BE(bytes.length, 1);
  return Buffer.concat([head, bytes]);
};

// One call: {status (HTTP), code, message, trailersOnly, bytes}. `body` is sent as it is; null: the stream stays open.
function call(on, path, { body = framed(Buffer.alloc(0)), headers = {}, keep = false } = {}) {
  const stream = on.request({ ':method': 'POST', ':path': path, 'content-type': 'application/grpc', te: 'trailers', ...headers }, { endStream: false });
  const got = { bytes: [] };
  const answered = new Promise((resolve, reject) => {
    stream.on('response', (head, flags) => {
      got.head = head;
      got.trailersOnly = (flags & http2.constants.NGHTTP2_FLAG_END_STREAM) !== 0;
    });
    stream.on('trailers', (trailers) => (got.trailers = trailers));
    stream.on('data', (bytes) => got.bytes.push(bytes));
    stream.on('error', (error) => (got.error = error));
    stream.on('close', () => {
      if (!got.head) {
        reject(got.error ?? new Error(`the stream ended with ${stream.rstCode}`));
        return;
      }
      const last = got.trailers ?? got.head;
      const code = last['grpc-status'];
      resolve({ status: got.head[':status'], type: got.head['content-type'], code: code === undefined ? undefined : Number(code), message: decodeURIComponent(last['grpc-message'] ?? ''), head: got.head, trailersOnly: got.trailersOnly, bytes: Buffer.concat(got.bytes) });
    });
  });
  if (body) {
    stream.write(body);
  }
  if (!keep) {
    stream.end();
  }
  const promise = limited(answered, 20_000, `an answer to ${path}`);
  promise.stream = stream;
  return promise;
}

const exported = (on, spans, options) => call(on, TRACES, { body: framed(tracesProto(spans)), ...options });

function isStored(answer) {
  assert.equal(answer.code, 0, answer.message);
  assert.equal(answer.status, 200);
  assert.equal(answer.type, 'application/grpc');
  assert.equal(answer.trailersOnly, false);
  assert.deepEqual(answer.bytes, Buffer.alloc(5));
}

function isRefused(answer, code, pattern = /./) {
  assert.equal(answer.code, code, answer.message);
  assert.equal(answer.status, 200);
  assert.equal(answer.trailersOnly, true);
  assert.equal(answer.bytes.length, 0);
  assert.match(answer.message, pattern);
}

test('an export is stored; all three signals', async () => {
  const before = await counted(at.server, 'stepwell_otlp_spans_total');
  const on = session(at.server);
  isStored(await exported(on, [modelSpan(), modelSpan()]));
  isStored(await call(on, LOGS));
  isStored(await call(on, METRICS));
  assert.equal(await counted(at.server, 'stepwell_otlp_spans_total'), before + 2);
});

test('one span of three without an id: status 0, and the message tells', async () => {
  const answer = await exported(session(at.server), [modelSpan(), modelSpan({ spanId: Buffer.alloc(8) }), modelSpan()]);
  assert.equal(answer.code, 0);
  assert.equal(answer.bytes.readUInt32BE(1), answer.bytes.length - 5);
  const partial = partialOf(PROTO, answer.bytes.subarray(5));
  assert.equal(partial.rejected, 1);
  assert.match(partial.message, /span.?id/i);
});

test('messages may be gzip', async () => {
  const on = session(at.server);
  const bytes = tracesProto([modelSpan()]);
  const half = bytes.length >> 1;
  const gzip = { headers: { 'grpc-encoding': 'gzip' } };
  isStored(await call(on, TRACES, { body: framed(gzipSync(bytes), 1), ...gzip }));
  isStored(await call(on, TRACES, { body: framed(Buffer.concat([gzipSync(bytes.subarray(0, half)), gzipSync(bytes.subarray(half))]), 1), ...gzip }));
  isStored(await call(on, TRACES, { body: framed(bytes, 0), ...gzip }));
  isRefused(await call(on, TRACES, { body: framed(gzipSync(bytes).subarray(0, -9), 1), ...gzip }), 3);
  isRefused(await call(on, TRACES, { body: framed(bytes, 1), ...gzip }), 3);
  isRefused(await call(on, TRACES, { body: framed(gzipSync(bytes), 1) }), 13);
  isRefused(await call(on, TRACES, { body: framed(gzipSync(Buffer.alloc(65 << 20)), 1), ...gzip }), 8);
});

test('an encoding that is not known is 12, and it is said which are', async () => {
  const answer = await call(session(at.server), TRACES, { headers: { 'grpc-encoding': 'snappy' } });
  isRefused(answer, 12, /gzip/);
  assert.deepEqual(answer.head['grpc-accept-encoding'].split(/, */).sort(), ['gzip', 'identity']);
});

test('methods that are not there are 12, and so is watching', async () => {
  const on = session(at.server);
  isRefused(await call(on, '/opentelemetry.proto.collector.trace.v1.TraceService/Other'), 12);
  isRefused(await call(on, '/opentelemetry.proto.collector.profiles.v1development.ProfilesService/Export'), 12);
  isRefused(await call(on, '/grpc.health.v1.Health/Watch'), 12);
});

test('a content type that is none of gRPC is 415, another method 405', async () => {
  const on = session(at.server);
  assert.equal((await call(on, TRACES, { headers: { 'content-type': 'application/json' } })).status, 415);
  assert.equal((await call(on, TRACES, { headers: { ':method': 'PUT' } })).status, 405);
  isStored(await call(on, TRACES, { headers: { 'content-type': 'application/grpc+proto' } }));
});

test('what is no message is 3', async () => {
  const on = session(at.server);
  const bytes = tracesProto([modelSpan()]);
  isRefused(await call(on, TRACES, { body: framed(bytes.subarray(0, -3)) }), 3);
  isRefused(await call(on, TRACES, { body: framed(bytes).subarray(0, -3) }), 3, /ends/);
  isRefused(await call(on, TRACES, { body: Buffer.concat([framed(bytes), framed(bytes)]) }), 3, /one message/);
  isRefused(await call(on, TRACES, { body: Buffer.from([0, 0]) }), 3, /ends/);
  isRefused(await call(on, TRACES, { body: null }), 3, /ends/);
});

test('a message that says it is too large is refused before it comes', async () => {
  const head = Buffer.from([0, 0x7f, 0xff, 0xff, 0xff]);
  const answer = await call(session(at.server), TRACES, { body: head, keep: true });
  isRefused(answer, 8, /at most 67108864/);
});

test('a message in pieces of one byte', async () => {
  const bytes = framed(tracesProto([modelSpan()]));
  const calling = call(session(at.server), TRACES, { body: null, keep: true });
  for (const byte of bytes) {
    calling.stream.write(Buffer.from([byte]));
  }
  calling.stream.end();
  isStored(await calling);
});

test('health', async () => {
  const on = session(at.server);
  const serving = async (service) => {
    const answer = await call(on, HEALTH, { body: framed(service ? field(1, service) : Buffer.alloc(0)) });
    assert.equal(answer.code, 0, answer.message);
    return Number(fields(answer.bytes.subarray(5))[1][0]);
  };
  assert.equal(await serving(''), 1);
  assert.equal(await serving('opentelemetry.proto.collector.trace.v1.TraceService'), 1);
  isRefused(await call(on, HEALTH, { body: framed(field(1, 'no.such.Service')) }), 5);
});

test('many megabytes with the windows that a client begins with', async () => {
  const on = session(at.server);
  const before = await counted(at.server, 'stepwell_otlp_spans_total');
  const large = () => tracesProto([modelSpan({ more: { 'gen_ai.input.messages': 'x'.repeat(1 << 20) } })]);
  const calls = Array.from({ length: scaled(8, 24, 100) }, () => call(on, TRACES, { body: framed(large()) }));
  (await Promise.all(calls)).forEach(isStored);
  assert.equal(await counted(at.server, 'stepwell_otlp_spans_total'), before + calls.length);
});

test('a hundred calls at a time on one connection', async () => {
  const on = session(at.server);
  const before = await counted(at.server, 'stepwell_otlp_spans_total');
  (await Promise.all(Array.from({ length: 100 }, () => exported(on, [modelSpan()])))).forEach(isStored);
  assert.equal(await counted(at.server, 'stepwell_otlp_spans_total'), before + 100);
});

test('a call whose time is over is 4', async () => {
  const calling = call(session(at.server), TRACES, { body: Buffer.alloc(3), keep: true, headers: { 'grpc-timeout': '50m' } });
  isRefused(await calling, 4);
});

test('calls that are given up leave nothing behind', async () => {
  const on = session(at.server);
  for (let i = 0; i < 200; i++) {
    const calling = call(on, TRACES, { body: i % 2 ? framed(tracesProto([modelSpan()])) : Buffer.alloc(3), keep: i % 3 === 0 });
    calling.catch(() => {});
    calling.stream.close(http2.constants.NGHTTP2_CANCEL);
  }
  isStored(await exported(on, [modelSpan()]));
  on.destroy();
  const held = async () => counted(at.server, 'stepwell_http_body_bytes');
  for (const until = Date.now() + 10_000; (await held()) !== 0;) {
    assert.ok(Date.now() < until, 'bodies of calls that are gone are still held');
  }
});

test('a ping is answered', async () => {
  const on = session(at.server);
  const payload = Buffer.from('12345678');
  const back = await limited(new Promise((resolve, reject) => {
    on.once('connect', () => on.ping(payload, (error, ms, bytes) => (error ? reject(error) : resolve(bytes))));
  }), 10_000, 'the ping');
  assert.deepEqual(Buffer.from(back), payload);
});

test('headers without end are refused, and others go on', async () => {
  const on = session(at.server, { settings: {} });
  const headers = Object.fromEntries(Array.from({ length: 40 }, (_, i) => [`x-h${i}`, 'v'.repeat(1000)]));
  await assert.rejects(call(on, TRACES, { headers }));
  isStored(await exported(session(at.server), [modelSpan()]));
});

// ---- bytes that are no HTTP/2 ---------------------------------------------------------------------------------------

// What comes back for these bytes until the other end closes.
function raw(bytes) {
  const { hostname, port } = new URL(grpcUrl(at.server));
  return limited(new Promise((resolve) => {
    const got = [];
    const socket = connect({ host: hostname, port: Number(port) }, () => socket.write(bytes));
    socket.on('data', (piece) => got.push(piece));
    socket.on('error', () => {});
    socket.on('close', () => resolve(Buffer.concat(got)));
  }), 20_000, 'the connection to be closed');
}

const PREFACE = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');
const frame = (type, flags, stream, payload = Buffer.alloc(0)) => {
  const head = Buffer.alloc(9);
  head.writeUIntBE(payload.length, 0, 3);
  head[3] = type;
  head[4] = flags;
  head.writeUInt32BE(stream, 5);
  return Buffer.concat([head, payload]);
};

test('who speaks HTTP/1.1 is told the other port', async () => {
  const url = new URL(TRACES, grpcUrl(at.server));
  const answer = await limited(new Promise((resolve, reject) => {
    request(url, { method: 'POST', agent: false }, (response) => {
      const got = [];
      response.on('data', (bytes) => got.push(bytes)).on('end', () => resolve({ status: response.statusCode, text: Buffer.concat(got).toString() }));
    }).on('error', reject).end();
  }), 10_000, 'an answer');
  assert.equal(answer.status, 400);
  assert.ok(answer.text.includes(at.server.url), answer.text);
});

test('who takes his time to begin is answered in his own language too', async () => {
  const { hostname, port } = new URL(grpcUrl(at.server));
  const got = [];
  const socket = connect({ host: hostname, port: Number(port) });
  socket.on('data', (bytes) => got.push(bytes));
  const closed = new Promise((resolve) => socket.on('close', resolve));
  await new Promise((resolve) => socket.once('connect', resolve));
  // meanwhile the server looks at all its connections several times
  isRefused(await call(session(at.server), TRACES, { body: Buffer.alloc(3), keep: true, headers: { 'grpc-timeout': '500m' } }), 4);
  assert.equal(got.length, 0);
  socket.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n');
  await limited(closed, 10_000, 'the end');
  assert.match(Buffer.concat(got).toString(), /^HTTP\/1\.1 400 /);
});

test('frames that break HTTP/2 end the connection and nothing else', async () => {
  const settings = frame(4, 0, 0);
  const broken = [
    Buffer.concat([PREFACE, settings, frame(0, 1, 1, Buffer.from('data of no stream'))]),
    Buffer.concat([PREFACE, settings, frame(1, 5, 2, Buffer.from([0x82]))]),
    Buffer.concat([PREFACE, settings, frame(1, 5, 1, Buffer.from([0xff, 0xff, 0xff, 0xff, 0xff, 0xff]))]),
    Buffer.concat([PREFACE, settings, frame(9, 4, 1, Buffer.from([0x82]))]),
    Buffer.concat([PREFACE, settings, frame(8, 0, 0, Buffer.from([0, 0, 0, 0]))]),
    Buffer.concat([PREFACE, frame(6, 0, 0, Buffer.from('123'))]),
    Buffer.concat([PREFACE, Buffer.alloc(64, 0xff)]),
    Buffer.from([0x16, 3, 1, 0, 5, 1, 0, 0, 1, 3]),
  ];
  for (const bytes of broken) {
    await raw(bytes);
  }
  isStored(await exported(session(at.server), [modelSpan()]));
});

test('noise ends connections and nothing else', async () => {
  let seed = 12345;
  const next = () => (seed = (seed * 1103515245 + 12345) & 0x7fffffff) >> 8;
  await Promise.all(Array.from({ length: scaled(10, 50, 400) }, async () => {
    const noise = Buffer.concat([PREFACE, frame(4, 0, 0), ...Array.from({ length: 20 }, () =>
      frame(next() % 11, next() & 255, next() % 8, Buffer.from(Array.from({ length: next() % 40 }, () => next() & 255))))]);
    const { hostname, port } = new URL(grpcUrl(at.server));
    await limited(new Promise((resolve) => {
      const socket = connect({ host: hostname, port: Number(port) }, () => socket.end(noise));
      socket.on('data', () => {}).on('error', () => {}).on('close', resolve);
    }), 20_000, 'the connection to end');
  }));
  isStored(await exported(session(at.server), [modelSpan()]));
});

// ---- keys, TLS, the end ---------------------------------------------------------------------------------------------

test('keys are asked for in the metadata, with the scope; health asks for none', async (t) => {
  const first = await serve(t);
  const key = (scope) => first.cli('keys', 'create', scope, '--scope', scope);
  const ingest = await key('ingest');
  const read = await key('read');
  await first.stop();
  const on = session(await serve(t, { store: first.store, args: ARGS }));
  const bearer = ({ secret }) => ({ headers: { authorization: `Bearer ${secret}` } });
  isRefused(await exported(on, [modelSpan()]), 16, /authorization/);
  isRefused(await exported(on, [modelSpan()], { headers: { authorization: 'Bearer nonsense' } }), 16);
  isRefused(await exported(on, [modelSpan()], bearer(read)), 7);
  isStored(await exported(on, [modelSpan()], bearer(ingest)));
  assert.equal((await call(on, HEALTH)).code, 0);
  on.destroy();
});

test('TLS: h2, and the other door for telemetry too', async (t) => {
  const home = await folder(t);
  const [cert, key] = [join(home, 'cert.pem'), join(home, 'key.pem')];
  try {
    await promisify(execFile)('openssl', ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout', key,
      '-out', cert, '-days', '2', '-subj', '/CN=localhost']);
  } catch {
    t.skip('there is no openssl to make a certificate with');
    return;
  }
  const server = await serve(t, { args: [...ARGS, '--tls-cert', cert, '--tls-key', key] });
  assert.match(grpcUrl(server), /^https:/);
  const large = framed(tracesProto([modelSpan({ more: { 'gen_ai.input.messages': 'x'.repeat(3 << 20) } })]));
  for (const options of [{}, { maxVersion: 'TLSv1.2' }]) {
    const on = session(server, { rejectUnauthorized: false, ...options });
    (await Promise.all(Array.from({ length: 20 }, () => exported(on, [modelSpan()])))).forEach(isStored);
    isStored(await call(on, TRACES, { body: large }));
    assert.equal(on.alpnProtocol, 'h2');
    on.destroy();
  }
  const old = session(server, { rejectUnauthorized: false, minVersion: 'TLSv1', maxVersion: 'TLSv1.1' });
  await assert.rejects(exported(old, [modelSpan()]));
});

test('told to stop: what is in flight is finished, what comes is sent elsewhere', async (t) => {
  const server = await serve(t, { args: ARGS });
  const on = session(server);
  isStored(await exported(on, [modelSpan()]));
  const bytes = framed(tracesProto([modelSpan()]));
  const calling = call(on, TRACES, { body: bytes.subarray(0, 20), keep: true });
  await new Promise((resolve) => on.ping(resolve)); // the half of it has come
  const goaway = limited(new Promise((resolve) => on.once('goaway', (code) => resolve(code))), 5000, 'GOAWAY');
  const stopped = server.stop();
  assert.equal(await goaway, http2.constants.NGHTTP2_NO_ERROR);
  calling.stream.end(bytes.subarray(20));
  isStored(await calling);
  await limited(stopped, 5000, 'the end');
});

test('told to stop with a call that never ends: it stops', async (t) => {
  const server = await serve(t, { args: ARGS });
  const on = session(server);
  const calling = call(on, TRACES, { body: Buffer.alloc(3), keep: true });
  calling.catch(() => {});
  await new Promise((resolve) => on.ping(resolve));
  await limited(server.stop(), 5000, 'the end');
});

// ---- grpc-js --------------------------------------------------------------------------------------------------------

const same = (value) => value;
const unary = (grpc, client, path, bytes, metadata = new grpc.Metadata(), options = {}) =>
  limited(new Promise((resolve, reject) => {
    client.makeUnaryRequest(path, same, same, bytes, metadata, options, (error, value) => (error ? reject(error) : resolve(value)));
  }), 20_000, path);

test('grpc-js: exports of a mebibyte, packed and not, a hundred at a time; errors by their code', async (t) => {
  const grpc = (await packaged(t, '@grpc/grpc-js'))?.default;
  if (!grpc) {
    return;
  }
  const target = new URL(grpcUrl(at.server)).host;
  const large = tracesProto([modelSpan({ more: { 'gen_ai.input.messages': 'y'.repeat(1 << 20) } })]);
  for (const options of [{}, { 'grpc.default_compression_algorithm': 2 }]) {
    const client = new grpc.Client(target, grpc.credentials.createInsecure(), options);
    const answers = await Promise.all(Array.from({ length: 100 }, (_, i) => unary(grpc, client, TRACES, i < 4 ? large : tracesProto([modelSpan()]))));
    answers.forEach((answer) => assert.equal(answer.length, 0));
    await assert.rejects(unary(grpc, client, '/no.Such/Method', large), { code: grpc.status.UNIMPLEMENTED });
    await assert.rejects(unary(grpc, client, TRACES, Buffer.from([0xff])), { code: grpc.status.INVALID_ARGUMENT });
    const cancelled = new Promise((resolve) => {
      const calling = client.makeUnaryRequest(TRACES, same, same, large, new grpc.Metadata(), {}, (error) => resolve(error.code));
      calling.cancel();
    });
    assert.equal(await cancelled, grpc.status.CANCELLED);
    client.close();
  }
});
