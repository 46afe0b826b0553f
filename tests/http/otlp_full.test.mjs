// SPDX-License-Identifier: Apache-2.0
// Telemetry for which there is no room (telemetry.md, H.4 case 14): whoever sends is told to come again, nothing of what he
// sent is half there, and once there is room the same export again leaves one row a span.
//
// The ledger lies in a small file system that only the server sees; we reach into it through the server's process. Where
// such a one cannot be made, there is nothing to test.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { rm, statfs, writeFile } from 'node:fs/promises';
import http2 from 'node:http2';
import { join } from 'node:path';
import { test } from 'node:test';
import { folder, limited, serve } from './lib.mjs';
import { fields, modelSpan, newTrace, partialOf, statusOf, tracesJson, tracesProto } from './otlp.mjs';

const PROTO = 'application/x-protobuf';
const JSON_TYPE = 'application/json';
const MAKE = { [PROTO]: tracesProto, [JSON_TYPE]: tracesJson };
const SIZE = 8 << 20;
const SPANS = 40;

// `unshare` says whether it can, and becomes the program.
const small = (dir) => ['unshare', '--mount', '--map-root-user', 'sh', '-c',
  `mount -t tmpfs -o size=${SIZE} none "$0" && exec "$@"`, dir];

async function post(server, type, spans) {
  const response = await fetch(`${server.url}/v1/traces`, { method: 'POST', headers: { 'content-type': type }, body: MAKE[type](spans) });
  return { status: response.status, headers: response.headers, bytes: Buffer.from(await response.arrayBuffer()) };
}

function overGrpc(server, bytes) {
  const session = http2.connect(/(http:\S+) \(gRPC\)/.exec(server.said)[1]);
  const stream = session.request({ ':method': 'POST', ':path': '/opentelemetry.proto.collector.trace.v1.TraceService/Export', 'content-type': 'application/grpc', te: 'trailers' });
  const head = Buffer.alloc(5);
  head.writeUInt32BE(bytes.length, 1);
  stream.end(Buffer.concat([head, bytes]));
  stream.resume();
  return limited(new Promise((resolve, reject) => {
    stream.on('trailers', resolve);
    stream.on('response', (headers) => headers['grpc-status'] && resolve(headers));
    stream.on('error', reject);
  }), 20_000, 'an answer').finally(() => session.close());
}

// Spans of one trace, large enough that not many exports fit; their text cannot be packed.
const newSpans = () => {
  const traceId = newTrace();
  return Array.from({ length: SPANS }, () => modelSpan({ traceId, more: { note: randomBytes(1500).toString('base64') } }));
};
const countOf = async (server, [{ traceId }]) =>
  (await server.get(`/v1/steps/?limit=1000&trace_ids=${traceId.toString('hex')}`)).length;

// Of a google.rpc.Status with one detail, which is a RetryInfo: its Duration's seconds.
function retrySeconds(headers) {
  const status = fields(Buffer.from(headers['grpc-status-details-bin'], 'base64'));
  assert.equal(Number(status[1][0]), Number(headers['grpc-status']));
  assert.equal(status[2][0].toString(), decodeURIComponent(headers['grpc-message']));
  const any = fields(status[3][0]);
  assert.equal(any[1][0].toString(), 'type.googleapis.com/google.rpc.RetryInfo');
  return Number(fields(fields(any[2][0])[1][0])[1][0]);
}

test('a full disk: come again, nothing is half there, and then all is there once', async (t) => {
  const dir = await folder(t);
  if (spawnSync('unshare', ['--mount', '--map-root-user', 'sh', '-c', `mount -t tmpfs none "$0"`, dir]).status !== 0) {
    t.skip('a small file system cannot be mounted here');
    return;
  }
  const server = await serve(t, {
    store: `sqlite:${join(dir, 'ledger.db')}`,
    within: small(dir),
    args: ['--otlp-grpc-listen=127.0.0.1:0', '--access-log=-'],
  });
  const inside = `/proc/${server.child.pid}/root${dir}`;
  const filler = join(inside, 'filler');
  const before = newSpans();
  assert.equal((await post(server, PROTO, before)).status, 200);
  const { bavail, bsize } = await statfs(inside);
  await writeFile(filler, Buffer.alloc(bavail * bsize - (1 << 20)));

  const taken = [before];
  const refused = [];
  assert.equal((await overGrpc(server, tracesProto(newSpans())))['grpc-status-details-bin'], undefined);
  for (const type of [PROTO, JSON_TYPE]) {
    let answer = { status: 200 };
    for (let tries = 0; tries < 300 && answer.status === 200; tries++) {
      const spans = newSpans();
      answer = await post(server, type, spans);
      (answer.status === 200 ? taken : refused).push(spans);
    }
    assert.equal(answer.status, 503, answer.bytes.toString());
    assert.match(answer.headers.get('retry-after') ?? '', /^[1-9]\d*$/);
    assert.equal(answer.headers.get('content-type'), type);
    const told = statusOf(type, answer.bytes);
    assert.equal(told.code, 14);
    assert.match(told.message, /full/);
  }
  const lost = newSpans();
  refused.push(lost);
  const told = await overGrpc(server, tracesProto(lost));
  assert.equal(Number(told['grpc-status']), 14);
  assert.equal(retrySeconds(told), 1);
  for (const spans of refused) {
    assert.equal(await countOf(server, spans), 0);
  }
  for (const spans of taken) {
    assert.equal(await countOf(server, spans), SPANS);
  }

  await rm(filler);
  for (const spans of refused) {
    const answer = await post(server, PROTO, spans);
    assert.equal(answer.status, 200, answer.bytes.toString());
    assert.equal(partialOf(PROTO, answer.bytes), null);
  }
  assert.equal(Number((await overGrpc(server, tracesProto(lost)))['grpc-status']), 0);
  for (const spans of [...taken, ...refused]) {
    assert.equal(await countOf(server, spans), SPANS);
    const [{ run_id: run }] = await server.get(`/v1/steps/?limit=1&trace_ids=${spans[0].traceId.toString('hex')}`);
    const ids = (await server.get(`/v1/runs/${run}/trace`)).map((span) => span.SpanId);
    assert.deepEqual(ids.sort(), spans.map((span) => span.spanId.toString('hex')).sort());
  }
  await server.verify(['nsenter', '--preserve-credentials', '--user', '--mount', `--target=${server.child.pid}`]);
  await server.stop();
  const calls = server.said.split('\n').filter((line) => line.includes('"grpc_status"')).map((line) => JSON.parse(line));
  assert.deepEqual(calls.map((call) => call.grpc_status), [0, 14, 0]);
  for (const call of calls) {
    assert.equal(call.path, '/opentelemetry.proto.collector.trace.v1.TraceService/Export');
    assert.ok(call.received > SPANS * 1500 && call.us > 0 && call.peer.startsWith('127.0.0.1'), JSON.stringify(call));
  }
});
