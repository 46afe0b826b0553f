// SPDX-License-Identifier: Apache-2.0
// Each road of telemetry leads to the same step: OTLP over HTTP as protobuf and as JSON, over gRPC, and from a file; what
// is asked back is what the span said. A server that is killed keeps what it has answered.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import http2 from 'node:http2';
import { connect } from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { folder, limited, patience, program, scaled, serve } from './lib.mjs';
import { modelSpan, newSpan, newTrace, partialOf, tracesJson, tracesProto } from './otlp.mjs';

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

async function post(server, type, body, headers = {}) {
  const response = await fetch(`${server.url}/v1/traces`, { method: 'POST', headers: { 'content-type': type, ...headers }, body });
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
      const shown = await server.sql(`select role from messages where step_id = '${step.id}' order by sequence_id`);
      assert.deepEqual(shown.map(({ role }) => role), [...TALK.map(({ role }) => role), 'assistant'], 'as it was said');
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

// The columns are those of the OpenTelemetry Collector's ClickHouse exporter, of which V1 answers rows.
test('the trace of a run is its spans, in the order in which they began', async (t) => {
  const server = await serve(t);
  const traceId = newTrace();
  const first = modelSpan({ traceId, name: 'first', more: { service: 'x' } });
  const second = { ...modelSpan({ traceId, name: 'second' }), start: first.start + 7n };
  await post(server, PROTO, tracesProto([second]));
  await post(server, PROTO, tracesProto([first]));
  await post(server, PROTO, tracesProto([modelSpan()])); // of another trace
  const [{ run_id: run }] = await server.get(`/v1/steps/?trace_ids=${traceId.toString('hex')}`);
  const spans = await server.get(`/v1/runs/${run}/trace`);
  assert.deepEqual(spans.map((s) => s.SpanName), ['first', 'second']);
  const [span] = spans;
  assert.equal(span.TraceId, traceId.toString('hex'));
  assert.equal(span.SpanId, first.spanId.toString('hex'));
  assert.equal(span.ParentSpanId, '');
  assert.equal(span.Timestamp, new Date(Number(first.start / 1000000n)).toISOString().replace('Z', `${String(first.start % 1000000n).padStart(6, '0')}Z`));
  assert.equal(span.Duration, Number(first.end - first.start));
  assert.deepEqual([span.SpanKind, span.StatusCode, span.ServiceName, span.ScopeName], ['Client', 'Unset', 'test', 'test']);
  assert.deepEqual(span.ResourceAttributes, { 'service.name': 'test' });
  assert.deepEqual(span.SpanAttributes, Object.fromEntries(Object.entries(first.attributes).map(([k, v]) => [k, String(v)])));
  assert.deepEqual((await server.get(`/v1/runs/${run}/trace?limit=1`)).map((s) => s.SpanName), ['first']);
});

test('a run that did not come as telemetry has the spans of the trace that its steps name', async (t) => {
  const server = await serve(t);
  const { id: agent } = await server.must(201, 'POST', '/v1/agents', { body: { name: 'a' } });
  const { id } = await server.must(201, 'POST', '/v1/runs', { body: { agent_id: agent } });
  assert.deepEqual(await server.get(`/v1/runs/${id}/trace`), []);
  const traceId = newTrace();
  await server.must(201, 'POST', '/v1/steps', { body: { model: 'm', run_id: id, trace_id: traceId.toString('hex') } });
  assert.deepEqual(await server.get(`/v1/runs/${id}/trace`), []);
  await post(server, PROTO, tracesProto([modelSpan({ traceId })]));
  assert.deepEqual((await server.get(`/v1/runs/${id}/trace`)).map((s) => s.TraceId), [traceId.toString('hex')]);
});

test('nobody is shown spans of another organization or project, even in the same trace', async (t) => {
  const server = await serve(t);
  const bearer = (key) => ({ authorization: `Bearer ${key}` });
  const root = bearer((await server.must(201, 'POST', '/v1/keys/', { body: { name: 'root', scopes: ['admin'] } })).secret);
  const makeKey = async (organization, more = {}) => bearer((await server.must(201, 'POST', `/v1/admin/keys/?org_id=${organization}`,
    { body: { name: 'k', scopes: ['admin', 'ingest', 'read', 'write'], ...more }, headers: root })).secret);
  const { id: one } = await server.must(200, 'POST', '/v1/admin/orgs/', { body: { name: 'one' }, headers: root });
  const { id: two } = await server.must(200, 'POST', '/v1/admin/orgs/', { body: { name: 'two' }, headers: root });
  const whole = await makeKey(one);
  const { id: project } = await server.must(201, 'POST', '/v1/projects/', { body: { name: 'p' }, headers: whole });
  const callers = { whole, part: await makeKey(one, { project_id: project }), other: await makeKey(two) };
  const traceId = newTrace();
  const runs = {};
  for (const [name, headers] of Object.entries(callers)) {
    await post(server, PROTO, tracesProto([modelSpan({ traceId, name })]), headers);
    const query = `/v1/steps/?trace_ids=${traceId.toString('hex')}`;
    const steps = await server.get(query, { headers });
    runs[name] = steps.find((step) => name === 'whole' || step.project_id !== null || name === 'other').run_id;
  }
  for (const [name, headers] of Object.entries(callers)) {
    const spans = await server.get(`/v1/runs/${runs[name]}/trace`, { headers });
    assert.deepEqual(spans.map((s) => s.SpanName), [name]);
  }
  await server.must(404, 'GET', `/v1/runs/${runs.other}/trace`, { headers: whole });
});

// An agent that is told of after its model call takes the step away from the run of the trace, which goes when the trace is
// computed as a whole: so the number of runs tells when that was done for all.
test('a server that is stopped amid thousands of traces ends in time, and the next one goes on', async (t) => {
  const server = await serve(t);
  const count = scaled(300, 2000, 10_000);
  const models = Array.from({ length: count }, () => ({ ...modelSpan(), parentId: newSpan() }));
  const agents = models.map((model) => ({ ...model, spanId: model.parentId, parentId: undefined, name: 'invoke_agent', attributes: { 'gen_ai.operation.name': 'invoke_agent' } }));
  await post(server, PROTO, tracesProto(models));
  await post(server, PROTO, tracesProto(agents));
  const socket = connect(new URL(server.url).port, '127.0.0.1'); // whose request never ends
  t.after(() => socket.destroy());
  socket.on('error', () => {});
  socket.write('POST /v1/steps HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{');
  await server.get('/v1/steps/?limit=1');
  const began = performance.now();
  server.child.kill('SIGTERM');
  assert.deepEqual(await limited(server.ended, 20_000, 'the end'), { code: 0, signal: null });
  const took = performance.now() - began;
  assert.ok(took < 5000 * patience, `it took ${took} ms`);
  const again = await serve(t, { store: server.store });
  const runs = async () => (await again.sql('select count(*) as n from runs'))[0].n;
  const until = performance.now() + (60_000 + 30 * count) * patience;
  while ((await runs()) !== count) {
    assert.ok(performance.now() < until, `${await runs()} runs of ${count} traces`);
    await new Promise((next) => setTimeout(next, 50));
  }
  await again.verify();
});

// The bytes of the ledger's files, to look for what must not be in them.
const bytesOf = async (server) => {
  const path = server.store.replace(/^sqlite:/, '');
  const files = await Promise.all([path, `${path}-wal`].map((name) => readFile(name).catch(() => Buffer.alloc(0))));
  return Buffer.concat(files);
};

test('what lets somebody in is nowhere in the file', async (t) => {
  const server = await serve(t);
  const more = {
    'url.full': 'https://user:LEAK1@api.example/v1beta/models?key=LEAK2&alt=VISIBLE',
    'http.url': 'https://api.example/?api_key=LEAK3',
    'url.query': 'sig=LEAK4&x=1',
    'http.target': '/v1?access_token=LEAK5',
    'llm.openai.api_base': 'https://LEAK6@proxy.example/v1',
    'http.request.header.authorization': 'Bearer LEAK7',
    'server.address': 'api.example',
  };
  await post(server, PROTO, tracesProto([modelSpan({ more })]));
  await post(server, 'application/json', tracesJson([modelSpan({ more })]));
  await server.stop();
  const bytes = await bytesOf(server);
  assert.ok(bytes.includes('VISIBLE'), 'the attribute is kept');
  assert.equal(bytes.indexOf('LEAK'), -1, bytes.subarray(bytes.indexOf('LEAK') - 60, bytes.indexOf('LEAK') + 20).toString('latin1'));
});

test('of a project that wants no content none is in the file, and its steps keep their numbers', async (t) => {
  const server = await serve(t);
  const bearer = (key) => ({ authorization: `Bearer ${key}` });
  const root = bearer((await server.must(201, 'POST', '/v1/keys/', { body: { name: 'root', scopes: ['admin', 'ingest', 'read', 'write'] } })).secret);
  const { id: project } = await server.must(201, 'POST', '/v1/projects/', { body: { name: 'p' }, headers: root });
  const changed = await server.must(200, 'PATCH', `/v1/projects/${project}`, { body: { content_capture: false }, headers: root });
  assert.equal(changed.content_capture, false);
  const key = bearer((await server.must(201, 'POST', '/v1/keys/', { body: { name: 'k', scopes: ['ingest', 'read'], project_id: project }, headers: root })).secret);
  const messages = JSON.stringify([{ role: 'user', parts: [{ type: 'text', content: 'SAID1' }] }]);
  const more = {
    'gen_ai.input.messages': messages,
    'gen_ai.output.messages': messages.replaceAll('SAID1', 'SAID2'),
    'gen_ai.system_instructions': 'SAID3',
    'gen_ai.prompt.0.content': 'SAID4',
    'gen_ai.completion.0.finish_reason': 'stop',
    'input.value': 'SAID5',
    'ai.prompt': 'SAID6',
    'gen_ai.tool.call.arguments': 'SAID7',
    'gen_ai.tool.definitions': 'SAID8',
    'gen_ai.request.temperature': 'KEPT',
  };
  await post(server, PROTO, tracesProto([modelSpan({ more })]), key);
  await post(server, 'application/json', tracesJson([modelSpan({ more })]), key);
  const records = { resourceLogs: [{ scopeLogs: [{ logRecords: ['gen_ai.user.message', 'claude_code.user_prompt', 'other'].map((eventName) => ({
    eventName,
    timeUnixNano: String(BigInt(Date.now()) * 1000000n),
    body: eventName === 'other' ? { stringValue: 'SAID9' } : { kvlistValue: { values: [{ key: 'content', value: { stringValue: 'SAID10' } }] } },
    attributes: [{ key: 'event.name', value: { stringValue: eventName } }, { key: 'session.id', value: { stringValue: 's' } }, { key: 'prompt', value: { stringValue: 'SAID11' } }],
  })) }] }] };
  const answer = await fetch(`${server.url}/v1/logs`, { method: 'POST', headers: { 'content-type': 'application/json', ...key }, body: JSON.stringify(records) });
  assert.equal(answer.status, 200);
  for (const step of await server.get('/v1/steps/', { headers: key })) {
    assert.equal(step.stop_reason, 'end_turn');
    assert.equal(step.total_tokens, 19);
    assert.deepEqual(await server.get(`/v1/steps/${step.id}/context?output=true`, { headers: key }), []);
  }
  // A provider quotes what it refuses, and an instrumentation that nobody here knows says it under a name of its own.
  const failed = JSON.parse(tracesJson([modelSpan({ more: { 'error.type': 'RefusedError', 'framework.prompt': 'SAID12' } })]));
  const [refused] = failed.resourceSpans[0].scopeSpans[0].spans;
  refused.status = { code: 2, message: 'this is refused: SAID13' };
  refused.events = [{ name: 'exception', attributes: [{ key: 'exception.message', value: { stringValue: 'SAID14' } }] }];
  await post(server, 'application/json', JSON.stringify(failed), key);
  const [step] = await server.get('/v1/steps/?status=failed', { headers: key });
  assert.equal(step.error_type, 'RefusedError');
  assert.equal(step.error_data ?? null, null);
  await server.stop();
  const bytes = await bytesOf(server);
  assert.ok(bytes.includes('KEPT'), 'the rest is kept');
  assert.equal(bytes.indexOf('SAID'), -1, bytes.subarray(bytes.indexOf('SAID') - 60, bytes.indexOf('SAID') + 20).toString('latin1'));
});
