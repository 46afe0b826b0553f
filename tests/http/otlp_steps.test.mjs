// SPDX-License-Identifier: Apache-2.0
// Each road of telemetry leads to the same step: OTLP over HTTP as protobuf and as JSON, over gRPC, and from a file; what
// is asked back is what the span said. A server that is killed keeps what it has answered.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import http2 from 'node:http2';
import { join } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { folder, limited, program, serve } from './lib.mjs';
import { modelSpan, newTrace, partialOf, tracesJson, tracesProto } from './otlp.mjs';

const PROTO = 'application/x-protobuf';
const TALK = [
  { role: 'user', parts: [{ type: 'text', content: 'What is the depth of the well?' }] },
  { role: 'assistant', parts: [{ type: 'text', content: 'Thirteen storeys.' }] },
  { role: 'user', parts: [{ type: 'text', content: 'And its age? \u{1F3DB}' }] },
];
const said = (span) => ({
  ...span,
  attributes: {
    ...span.attributes,
    'gen_ai.input.messages': JSON.stringify(TALK),
    'gen_ai.output.messages': JSON.stringify([{ role: 'assistant', parts: [{ type: 'text', content: 'A thousand years.' }], finish_reason: 'stop' }]),
  },
});

async function post(server, type, body) {
  const response = await fetch(`${server.url}/v1/traces`, { method: 'POST', headers: { 'content-type': type }, body });
  const bytes = Buffer.from(await response.arrayBuffer());
  assert.equal(response.status, 200, bytes.toString());
  assert.equal(partialOf(type, bytes), null);
}

function overGrpc(server, bytes) {
  const session = http2.connect(/(http:\S+) \(gRPC\)/.exec(server.said)[1]);
  const stream = session.request({ ':method': 'POST', ':path': '/opentelemetry.proto.collector.trace.v1.TraceService/Export', 'content-type': 'application/grpc', te: 'trailers' });
  const head = Buffer.alloc(5);
  head.writeUInt32BE(bytes.length, 1);
  stream.end(Buffer.concat([head, bytes]));
  stream.resume();
  return limited(new Promise((resolve, reject) => {
    stream.on('trailers', (trailers) => (Number(trailers['grpc-status']) === 0 ? resolve() : reject(new Error(JSON.stringify(trailers)))));
    stream.on('error', reject);
  }), 20_000, 'an answer').finally(() => session.close());
}

async function fromFile(t, server, text) {
  const path = join(await folder(t), 'spans.json');
  await writeFile(path, text);
  await promisify(execFile)(program, ['otlp', 'replay', path, '--store', server.store]);
}

const ROADS = {
  'HTTP, protobuf': (t, server, span) => post(server, PROTO, tracesProto([span])),
  'HTTP, JSON': (t, server, span) => post(server, 'application/json', tracesJson([span])),
  gRPC: (t, server, span) => overGrpc(server, tracesProto([span])),
  'a file': (t, server, span) => fromFile(t, server, tracesJson([span])),
};

test('each road leads to the same step, at once, and sending again adds nothing', async (t) => {
  const server = await serve(t, { args: ['--otlp-grpc-listen=127.0.0.1:0'] });
  for (const [name, send] of Object.entries(ROADS)) {
    const span = said(modelSpan({ traceId: newTrace() }));
    for (let times = 0; times < 2; times++) {
      await send(t, server, span);
      const steps = await server.get(`/v1/steps/?trace_ids=${span.traceId.toString('hex')}`);
      assert.equal(steps.length, 1, name);
      const [step] = steps;
      assert.deepEqual(
        [step.model, step.provider_name, step.prompt_tokens, step.completion_tokens, step.total_tokens, step.status],
        ['gpt-4o', 'openai', 12, 7, 19, 'success'], name);
      const sent = await server.get(`/v1/steps/${step.id}/context`);
      assert.deepEqual(sent.map((m) => [m.role, textOf(m)]), TALK.map((m) => [m.role, m.parts[0].content]), name);
      const all = await server.get(`/v1/steps/${step.id}/context?output=true`);
      assert.deepEqual(all.slice(TALK.length).map((m) => [m.role, textOf(m)]), [['assistant', 'A thousand years.']], name);
    }
  }
  await server.verify();
});

const textOf = (message) => message.text ?? message.content.map((part) => part.text).join('');

test('a step that nobody sent as telemetry has nothing it was sent; one that is not there is none', async (t) => {
  const server = await serve(t);
  const { id } = await server.must(201, 'POST', '/v1/steps', { body: { model: 'm' } });
  assert.deepEqual(await server.get(`/v1/steps/${id}/context`), []);
  const { status } = await server.api('GET', '/v1/steps/step-123e4567-e89b-42d3-8456-426614174000/context');
  assert.equal(status, 404);
});

test('what was answered outlives a server that is killed', async (t) => {
  const server = await serve(t);
  const spans = Array.from({ length: 20 }, () => modelSpan());
  await Promise.all(spans.map((span) => post(server, PROTO, tracesProto([span]))));
  server.child.kill('SIGKILL');
  await server.ended;
  const again = await serve(t, { store: server.store });
  const steps = await again.get('/v1/steps/?limit=100');
  assert.deepEqual(steps.map((s) => s.trace_id).sort(), spans.map((s) => s.traceId.toString('hex')).sort());
});
