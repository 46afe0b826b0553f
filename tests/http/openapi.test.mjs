// SPDX-License-Identifier: Apache-2.0
// /openapi.json is a valid document, and says what the records and parameters are.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { operationsOf } from './contract.mjs';
import { packaged, serve } from './lib.mjs';

const here = dirname(fileURLToPath(import.meta.url));

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
