// SPDX-License-Identifier: Apache-2.0
// The harness itself: a server comes up on a port of its own, is reached, and ends well.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { serve } from './lib.mjs';

test('a server starts on a free port, answers and stops', async (t) => {
  const one = await serve(t);
  const two = await serve(t);
  assert.notEqual(one.url, two.url);
  for (const server of [one, two]) {
    const health = await server.get('/v1/health/');
    assert.equal(health.status, 'ok');
  }
  assert.deepEqual(
    one.exchanges.map((e) => [e.method, e.path, e.status]),
    [['GET', '/v1/health/', 200]],
  );
  await one.stop();
  await assert.rejects(one.api('GET', '/v1/health/'));
});

test('the ledger under a server can be seen from outside', async (t) => {
  const server = await serve(t, { steps: 100 });
  const [{ n }] = await server.sql('select count(*) as n from steps');
  assert.equal(n, 100);
  await server.verify();
});
