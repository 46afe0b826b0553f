// SPDX-License-Identifier: Apache-2.0
// What is said of bodies that are not what a route takes: of every route that has one, as /openapi.json lists them. The
// form is FastAPI's, which V1 has: json_invalid with the byte, or the member's path.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DEFAULT_ORGANIZATION, DEFAULT_USER, fill, newId, shared } from './lib.mjs';

let step;
const at = shared({}, async (server) => {
  [step] = await fill(server, 1);
});

async function withBody() {
  const { paths } = await at.server.get('/openapi.json');
  const all = Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ path, method: method.toUpperCase(), operation })));
  return all.filter(({ operation }) => operation.requestBody?.content['application/json']?.schema.$ref);
}

// A path whose ids are well-formed, and of what is there where a route looks first.
const known = { step_id: () => step.id, org_id: () => DEFAULT_ORGANIZATION, user_id: () => DEFAULT_USER };
function filled({ path, operation }) {
  let url = path;
  const query = new URLSearchParams();
  for (const { name, in: where, required, schema } of operation.parameters) {
    const value = known[name]?.() ?? newId(/\^(\w+)-/.exec(schema?.pattern)?.[1] ?? 'x');
    if (where === 'path') {
      url = url.replace(`{${name}}`, value);
    } else if (required) {
      query.set(name, value);
    }
  }
  return `${url}?${query}`;
}

// Without it a session refuses whatever is asked of it, before it looks at a body.
const headers = { 'stepwell-dashboard': '1' };

test('what is no JSON is told as such, with the byte, by every route', async () => {
  const routes = await withBody();
  assert.ok(routes.length > 15, `${routes.length}`);
  for (const route of routes) {
    for (const [body, byte] of [['{"model":', 9], ['{"name": tru}', 9], ['{', 1], ['{} {}', 3], ['{"steps": [{"model": nul}]}', 21]]) {
      const answer = await at.server.api(route.method, filled(route), { body, headers });
      const what = `${route.method} ${route.path} with ${body}: ${answer.text}`;
      assert.equal(answer.status, 422, what);
      const [first, ...more] = answer.body.detail;
      assert.deepEqual(more, [], what);
      assert.deepEqual([first.type, first.loc, first.msg], ['json_invalid', ['body', byte], 'JSON decode error'], what);
      assert.equal(typeof first.ctx.error, 'string', what);
    }
    const wrong = await at.server.api(route.method, filled(route), { body: '"text"', headers });
    assert.equal(wrong.status, 422, wrong.text);
    assert.ok(wrong.body.detail.every(({ type, loc }) => type !== 'json_invalid' && loc[0] === 'body'), wrong.text);
  }
});

test('a word that is none of a closed list is told with those that are', async () => {
  const { components } = await at.server.get('/openapi.json');
  const lists = Object.entries(components.schemas.step_input.properties).filter(([, schema]) => schema.enum);
  assert.ok(lists.length >= 3);
  for (const [name, schema] of lists) {
    const answer = await at.server.api('POST', '/v1/steps', { body: { [name]: 'nonsense' } });
    assert.equal(answer.status, 422);
    assert.deepEqual(answer.body.detail[0].loc, ['body', name]);
    for (const word of schema.enum.filter(Boolean)) {
      assert.ok(answer.body.detail[0].msg.includes(word), `${answer.body.detail[0].msg} lacks ${word}`);
    }
  }
});

test('timings that are sent alone are named as the body names them', async () => {
  const put = (body, id = step.id) => at.server.api('PUT', `/v1/steps/${id}/metrics`, { body });
  for (const body of [{ step_ns: -1 }, { step_ns: 'x' }, { id: newId('step') }, { run_id: newId('run') }]) {
    const answer = await put(body);
    assert.equal(answer.status, 422, answer.text);
    assert.deepEqual(answer.body.detail[0].loc, ['body', Object.keys(body)[0]]);
  }
  // Within a step they are a member.
  const within = await at.server.api('POST', '/v1/steps', { body: { metrics: { step_ns: -1 } } });
  assert.deepEqual(within.body.detail[0].loc, ['body', 'metrics', 'step_ns']);
});

test('what is not there is named as people name it', async () => {
  const gone = newId('step');
  for (const [path, text] of [
    [`/v1/steps/${step.id}/metrics`, `there are no metrics of ${step.id}`],
    [`/v1/steps/${gone}/metrics`, `there are no metrics of ${gone}`],
    [`/v1/steps/${gone}`, `there is no step ${gone}`],
  ]) {
    const answer = await at.server.api('GET', path);
    assert.deepEqual([answer.status, answer.body], [404, { detail: text }]);
  }
});
