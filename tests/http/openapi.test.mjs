// SPDX-License-Identifier: Apache-2.0
// /openapi.json is a valid document, and true: all that any test of this folder exchanged with a server is what it
// describes, and no route was left out. Runs after the others and reads what they kept; `./dev test` runs all of them.
import assert from 'node:assert/strict';
import { createReadStream, existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { Contract, operationsOf } from './contract.mjs';
import { keptPath, packaged, program, serve } from './lib.mjs';

const here = dirname(fileURLToPath(import.meta.url));
const MOST_SHOWN = 60;

// Routes that no test exercises, each with the reason. It is to stay empty.
const UNEXERCISED = {};

test('the document is valid OpenAPI 3.1', async (t) => {
  const server = await serve(t);
  const package_ = await packaged(t, '@seriousme/openapi-schema-validator');
  if (!package_) {
    return;
  }
  const document = await server.get('/openapi.json');
  const result = await new package_.Validator().validate(document);
  assert.equal(result.valid, true, JSON.stringify(result.errors, null, 1));
  assert.equal(document.openapi, '3.1.0');
  const ids = operationsOf(document).map((op) => op.operationId);
  assert.equal(new Set(ids).size, ids.length);
});

test('who has the document is told so', async (t) => {
  const server = await serve(t);
  const first = await server.api('GET', '/openapi.json');
  const tag = first.headers.get('etag');
  assert.match(tag, /^"[^"]+"$/);
  const again = await server.api('GET', '/openapi.json', { headers: { 'If-None-Match': tag } });
  assert.deepEqual([again.status, again.text], [304, '']);
  const other = await server.api('GET', '/openapi.json', { headers: { 'If-None-Match': '"other"' } });
  assert.deepEqual([other.status, other.text], [200, first.text]);
});

test('records have the members of the reference', async (t) => {
  const server = await serve(t);
  const { components } = await server.get('/openapi.json');
  const { $defs } = JSON.parse(readFileSync(join(here, '../../docs/records.schema.json'), 'utf8'));
  assert.ok(Object.keys($defs).length > 10);
  for (const [name, schema] of Object.entries($defs)) {
    const ours = components.schemas[name].properties;
    for (const [member, value] of Object.entries(schema.properties)) {
      const { writeOnly, ...same } = value;
      const expected = writeOnly ? { type: 'null', description: value.description } : same;
      assert.deepEqual(ours[member], expected, `${name}.${member}`);
    }
  }
});

test('parameters of the document are those that the server reads', async (t) => {
  const server = await serve(t);
  for (const op of operationsOf(await server.get('/openapi.json'))) {
    for (const parameter of op.parameters.filter((p) => p.in === 'query')) {
      const schema = parameter.schema.items ?? parameter.schema;
      const bad = { integer: 'x', boolean: 'x' }[schema.type] ?? (schema.enum ? 'x' : null);
      if (bad === null || op.method !== 'GET') {
        continue;
      }
      const path = op.path.replace(/\{\w*?_?id\}/g, 'step-00000000-0000-4000-8000-000000000000');
      const { status, body } = await server.api('GET', `${path}?${parameter.name}=${bad}`);
      assert.equal(status, 422, `${op.operationId} ${parameter.name}`);
      assert.ok(body.detail.some((d) => d.loc.join() === `query,${parameter.name}`), JSON.stringify(body));
    }
  }
});

test('headers that a call may have are among its parameters', async (t) => {
  const server = await serve(t);
  const ops = operationsOf(await server.get('/openapi.json'));
  const takes = (op, name) => op.parameters.some((p) => p.in === 'header' && p.name === name);
  const call = (id) => ops.find((op) => op.operationId === id);
  for (const id of ['log_steps', 'patch_step', 'create_run', 'delete_view', 'subscription_create']) {
    assert.ok(takes(call(id), 'Idempotency-Key'), id);
    assert.ok(call(id).responses[id === 'delete_view' || id === 'patch_step' ? 200 : 201].headers['Stepwell-Seq'], id);
  }
  assert.ok(!takes(call('steps'), 'Idempotency-Key') && takes(call('steps'), 'user_id'));
  assert.ok(takes(call('steps_stream'), 'Last-Event-ID') && takes(call('log_steps'), 'Content-Encoding'));
  // Who takes the key says so, and who does not say so does not look at it.
  for (const op of ops.filter((o) => o.requestBody && !takes(o, 'Idempotency-Key'))) {
    const path = op.path.replace(/\{(\w*?)_?id\}/g, (_, kind) => `${kind}-00000000-0000-4000-8000-000000000000`);
    const { body } = await server.api(op.method, path, { body: '{', headers: { 'idempotency-key': '' } });
    assert.doesNotMatch(JSON.stringify(body), /Idempotency-Key/, op.operationId);
  }
});

async function* kept(path) {
  for await (const line of createInterface({ input: createReadStream(path) })) {
    yield JSON.parse(line);
  }
}

test('every answer in any test is what the document describes, and every route was asked', async (t) => {
  if (!process.env.STEPWELL_EXCHANGES) {
    t.skip('what the tests exchange is not kept: run it by ./dev test');
    return;
  }
  const Ajv = (await packaged(t, 'ajv', 'dist/2020.js'))?.default;
  const formats = Ajv && (await packaged(t, 'ajv-formats')).default;
  if (!formats) {
    return;
  }
  const server = await serve(t);
  const contract = new Contract(await server.get('/openapi.json'), Ajv.default ?? Ajv, formats.default ?? formats);
  const scripts = readdirSync(here).filter((name) => name.endsWith('.test.mjs') && name !== 'openapi.test.mjs');
  const built = statSync(program).mtimeMs;
  const fresh = scripts.map((name) => keptPath(join(here, name))).filter((path) => existsSync(path) && statSync(path).mtimeMs > built);
  const problems = new Map();
  const asked = new Set(['openapi']);
  let count = 0;
  for (const path of fresh) {
    for await (const exchange of kept(path)) {
      count += 1;
      const operation = contract.find(exchange.method, exchange.path);
      if (operation && (exchange.status < 400 || exchange.status === 501)) {
        asked.add(operation.operationId);
      }
      for (const problem of contract.check(exchange)) {
        problems.set(problem, `${problem}\n    ${exchange.method} ${exchange.path}`);
      }
    }
  }
  t.diagnostic(`${count} exchanges of ${fresh.length} of ${scripts.length} scripts, ${asked.size} routes`);
  assert.equal(problems.size, 0, `\n${[...problems.values()].slice(0, MOST_SHOWN).join('\n')}`);
  if (fresh.length < scripts.length) {
    t.skip('not every script ran since the program was built, so whether every route was asked is not known');
    return;
  }
  const missing = contract.operations.map((op) => op.operationId).filter((id) => !asked.has(id) && !UNEXERCISED[id]);
  assert.deepEqual(missing, [], 'routes that no test asked with success');
});
