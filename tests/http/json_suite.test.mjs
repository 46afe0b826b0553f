// SPDX-License-Identifier: Apache-2.0
// Every file of JSONTestSuite as (a part of) a body: accepted or refused as its name demands, and never the server's
// fault. The suite is read where it lies beside the project and is no part of it.
import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { serve } from './lib.mjs';

const here = dirname(fileURLToPath(import.meta.url));
const shared = process.env.STEPWELL_SHARED ?? join(here, '../../../shared');
const suite = join(shared, 'data/json-conformance');

// Text holds no NUL in any store.
const refusedOnPurpose = new Set(['y_object_escaped_null_in_key.json', 'y_string_null_escape.json']);

const wrap = (before, bytes, after) => Buffer.concat([Buffer.from(before), bytes, Buffer.from(after)]);

function files(t, part) {
  const folder = join(suite, part);
  if (!existsSync(folder)) {
    t.skip(`no JSONTestSuite at ${folder} (set STEPWELL_SHARED)`);
    return [];
  }
  return readdirSync(folder).filter((n) => n.endsWith('.json')).map((name) => [name, readFileSync(join(folder, name))]);
}

const ways = {
  'a member': ['application/json', (bytes) => wrap('{"metadata":{"v":', bytes, '}}'), (a) => a.status],
  'an item': [
    'application/json',
    (bytes) => wrap('{"steps":[{"metadata":{"v":', bytes, '}}]}'),
    (a) => (a.status === 200 ? (a.body.items[0].verdict === 'created' ? 201 : 422) : a.status),
  ],
};

for (const [how, [type, make, judge]] of Object.entries(ways)) {
  test(`the suite as ${how} of a body`, async (t) => {
    const server = await serve(t);
    const all = files(t, 'test_parsing');
    for (const [name, bytes] of all) {
      const answer = await server.api('POST', '/v1/steps', { body: make(bytes), headers: { 'content-type': type } });
      const status = judge(answer);
      if (name.startsWith('y_') && !refusedOnPurpose.has(name)) {
        assert.equal(status, 201, `${name}: ${answer.text}`);
      } else if (name.startsWith('i_')) {
        assert.ok(status === 201 || status === 422, `${name}: ${answer.text}`);
      } else {
        assert.equal(status, 422, `${name}: ${answer.text}`);
      }
    }
    if (all.length > 0) {
      assert.ok(all.length > 100, `${all.length} files`);
      t.diagnostic(`${all.length} files`);
      await server.verify();
    }
  });
}

test('the suite as whole bodies', async (t) => {
  const server = await serve(t);
  for (const part of ['test_parsing', 'test_transform']) {
    for (const [name, bytes] of files(t, part)) {
      for (const type of ['application/json', 'application/x-ndjson']) {
        const answer = await server.api('POST', '/v1/steps', { body: bytes, headers: { 'content-type': type } });
        assert.ok([200, 201, 400, 422].includes(answer.status), `${name}: ${answer.status} ${answer.text}`);
        if (name.startsWith('n_')) {
          const kept = type === 'application/json' ? answer.status !== 422 : answer.body.created > 0;
          assert.ok(!kept, `${name} as ${type}: ${answer.text}`);
        }
      }
    }
  }
  assert.equal((await server.get('/v1/health/')).status, 'ok');
});
