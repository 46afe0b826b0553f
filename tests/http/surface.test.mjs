// SPDX-License-Identifier: Apache-2.0
// V1's endpoints of steps, providers, organizations and users, sentence by sentence of the description of V1: members and
// their order, errors, and what V1 got wrong.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DEFAULT_ORGANIZATION, DEFAULT_USER, fill, newId, serve, shared } from './lib.mjs';

const at = shared({ env: { STEPWELL_SECRET_KEY: '5e'.repeat(32) } });
const api = (...words) => at.server.api(...words);
const one = async (make = {}) => (await fill(at.server, 1, () => make))[0].id;

// The members that V1 declares come first, in V1's order.
function begins(body, names) {
  assert.deepEqual(Object.keys(body).slice(0, names.length), names);
}

const STEP = `id origin organization_id provider_id run_id agent_id provider_name provider_category model model_handle
  model_endpoint context_window_limit completion_tokens prompt_tokens total_tokens cached_input_tokens cache_write_tokens
  reasoning_tokens completion_tokens_details prompt_tokens_details stop_reason tags tid trace_id request_id messages feedback
  project_id error_type error_data status`.split(/\s+/);

// ---- steps --------------------------------------------------------------------------------------------------------

test('a step has V1\'s members in V1\'s order, and then its times', async () => {
  const id = await one({ status: 'failed', error_type: 'E', error_data: { message: 'm'.repeat(500), details: { deep: [1] } } });
  const step = await at.server.get(`/v1/steps/${id}`);
  begins(step, STEP);
  assert.deepEqual(step.messages, []);
  assert.deepEqual(step.tags, []);
  assert.equal(step.organization_id, DEFAULT_ORGANIZATION);
  assert.equal(step.error_data.message.length, 500);
  assert.deepEqual(step.error_data.details, { deep: [1] });
  assert.match(step.created_at, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{6})?Z$/);
});

test('metrics, in V1\'s order; a step without metrics has none', async () => {
  const id = await one({ status: 'success', project_id: 'project-x', metrics: { step_ns: 3, llm_request_ns: 2, tool_execution_ns: 1 } });
  const metrics = await at.server.get(`/v1/steps/${id}/metrics`);
  begins(metrics, `id organization_id provider_id run_id agent_id step_start_ns llm_request_start_ns llm_request_ns
    tool_execution_ns step_ns base_template_id template_id project_id`.split(/\s+/));
  assert.deepEqual([metrics.id, metrics.step_ns, metrics.llm_request_ns, metrics.tool_execution_ns, metrics.project_id], [id, 3, 2, 1, 'project-x']);
  const bare = await one();
  assert.equal((await api('GET', `/v1/steps/${bare}/metrics`)).status, 404);
});

test('metrics of several steps at once: in the order asked for, those that have none left out', async () => {
  const [a, b, bare] = [await one({ metrics: { step_ns: 1 } }), await one({ metrics: { step_ns: 2 } }), await one()];
  const asked = [b, newId('step'), bare, a];
  const answered = await at.server.get(`/v1/steps/metrics?${asked.map((id) => `step_id=${id}`).join('&')}`);
  assert.deepEqual(answered.map(({ id, step_ns }) => [id, step_ns]), [[b, 2], [a, 1]]);
  const wrong = await api('GET', '/v1/steps/metrics?step_id=x');
  assert.equal(wrong.status, 400);
  assert.equal((await api('GET', '/v1/steps/metrics')).status, 422);
});

test('the trace is the newest; null without one, also for a step that is not there', async () => {
  const traces = [1, 2].map((n) => ({
    created_at: `2025-01-0${n}T00:00:00Z`,
    request_json: { model: 'm', messages: [n] },
    response_json: { usage: { n } },
    agent_tags: ['a', 'b'],
  }));
  const id = await one({ status: 'success', traces });
  for (const path of [`/v1/steps/${id}/trace`, `/v1/telemetry/${id}`, `/latest/telemetry/${id}/`]) {
    const trace = await at.server.get(path);
    begins(trace, `created_by_id last_updated_by_id created_at updated_at id request_json response_json step_id agent_id agent_tags
      call_type run_id source org_id user_id compaction_settings llm_config billing_context`.split(/\s+/));
    assert.equal(trace.step_id, id);
    assert.match(trace.id, /^provider_trace-/);
    assert.deepEqual(trace.response_json, { usage: { n: 2 } });
    assert.deepEqual(trace.agent_tags, ['a', 'b']);
  }
  const bare = await one();
  assert.equal(await at.server.get(`/v1/steps/${bare}/trace`), null);
  assert.equal(await at.server.get(`/v1/steps/${newId('step')}/trace`), null);
  assert.equal(await at.server.get('/v1/telemetry/anything'), null);
  assert.equal((await api('GET', '/v1/steps/anything/trace')).status, 422);
});

for (const path of ['', '/metrics', '/messages']) {
  test(`a step that is not there: GET${path}`, async () => {
    const id = newId('step');
    const { status, body } = await api('GET', `/v1/steps/${id}${path}`);
    assert.equal(status, 404);
    assert.deepEqual(Object.keys(body), ['detail']);
    assert(body.detail.includes(id) && !body.detail.includes('org-'), body.detail);
  });
}

test('a path id of the wrong form is a 422 with an example', async () => {
  for (const [id, path] of [['abc', ''], [`step-${'0'.repeat(36)}`, '/metrics'], [newId('run'), '/messages'], [newId('step').toUpperCase(), '']]) {
    const { status, body } = await api('GET', `/v1/steps/${id}${path}`);
    assert.equal(status, 422);
    assert.deepEqual(body.examples, ['step-123e4567-e89b-42d3-8456-426614174000']);
    assert.equal(body.detail[0].type, 'string_pattern_mismatch');
    assert.deepEqual(body.detail[0].loc, ['path', 'step_id']);
    assert.equal(body.detail[0].msg, "String should match pattern 'step-{uuid4}'");
    assert.equal(body.detail[0].input, id);
    assert(body.detail[0].ctx.pattern.startsWith('^step-'));
  }
});

// ---- feedback ------------------------------------------------------------------------------------------------------

test('feedback: what is not mentioned stays, null clears, tags are replaced and can be emptied', async () => {
  const id = await one({ status: 'success', tags: ['a'] });
  const say = async (body, path = '') => {
    const step = await at.server.must(200, 'PATCH', `/v1/steps/${id}/feedback${path}`, { body });
    return [step.feedback, step.tags];
  };
  assert.deepEqual(await say({ feedback: 'positive' }), ['positive', ['a']]);
  assert.deepEqual(await say({ tags: ['b', 'c'] }), ['positive', ['b', 'c']]);
  assert.deepEqual(await say({ add_tags: ['d', 'b'], remove_tags: ['c'] }), ['positive', ['b', 'd']]);
  assert.deepEqual(await say({ tags: null, feedback: null, whatever: [1] }), [null, ['b', 'd']]);
  assert.deepEqual(await say({ tags: [] }), [null, []]);
  assert.deepEqual(await say(undefined, '?feedback=negative'), ['negative', []]);
  assert.deepEqual(await say({}, '?feedback='), ['negative', []]);
  const { step } = await at.server.show(id);
  assert.equal(step.feedback, 'negative');
  assert(step.updated_at > step.created_at);
  assert.equal(step.last_updated_by_id, DEFAULT_USER);
});

for (const [what, options, field] of [
  ['no body', {}, undefined],
  ['another word', { body: { feedback: 'meh' } }, 'feedback'],
  ['a number', { body: { feedback: 1 } }, 'feedback'],
  ['tags as text', { body: { tags: 'a' } }, 'tags'],
  ['tags of numbers', { body: { tags: [1] } }, 'tags'],
  ['an array', { body: [] }, undefined],
  ['half a body', { body: '{"feedback":"posi' }, undefined],
  ['two bodies', { body: '{"feedback":null} {}' }, undefined],
  ['an unknown word in the query', { path: '?feedback=meh' }, 'feedback'],
]) {
  test(`feedback refused: ${what}`, async () => {
    const id = await one({ status: 'success', tags: ['a'] });
    const { status, body } = await api('PATCH', `/v1/steps/${id}/feedback${options.path ?? ''}`, { ...options });
    assert.equal(status, 422);
    assert.equal(body.detail.length, 1);
    if (field) {
      assert.equal(body.detail[0].loc[1], field);
    }
    const { step } = await at.server.show(id);
    assert.deepEqual([step.feedback, step.tags], [null, ['a']]);
  });
}

test('the transaction id is set', async () => {
  const id = await one();
  const step = await at.server.must(200, 'PATCH', `/v1/steps/${id}/transaction/tx%20%2F1`);
  assert.equal(step.tid, 'tx /1');
  assert.equal((await at.server.show(id)).step.tid, 'tx /1');
  assert.equal((await api('PATCH', `/v1/steps/${newId('step')}/transaction/x`)).status, 404);
});

// ---- general --------------------------------------------------------------------------------------------------------

test('unknown routes and methods', async () => {
  assert.deepEqual((await api('GET', '/v1/nothing')).body, { detail: 'Not Found' });
  assert.equal((await api('GET', '/v1/nothing')).status, 404);
  const wrong = await api('PUT', '/v1/steps/');
  assert.equal(wrong.status, 405);
  assert.deepEqual(wrong.body, { detail: 'Method Not Allowed' });
});

test('health, in V1\'s form', async () => {
  for (const path of ['/v1/health', '/v1/health/', '/latest/health/']) {
    const body = await at.server.get(path);
    begins(body, ['version', 'status']);
    assert.equal(body.status, 'ok');
  }
});

// ---- providers ------------------------------------------------------------------------------------------------------

const PROVIDER = `id name provider_type provider_category api_key base_url access_key region api_version organization_id updated_at
  last_synced api_key_enc access_key_enc`.split(/\s+/);

test('a provider is created, listed, changed and deleted, and shows no secret', async () => {
  const secret = 'sk-very-secret';
  const made = await at.server.must(200, 'POST', '/v1/providers/', { body: { name: 'p', provider_type: 'openai', api_key: secret, access_key: secret, base_url: '' } });
  begins(made, PROVIDER);
  assert.equal(made.provider_category, 'byok');
  assert.equal(made.base_url, null);
  const changed = await at.server.must(200, 'PATCH', `/v1/providers/${made.id}`, { body: { api_key: 'sk-other', region: 'eu' } });
  assert.equal(changed.region, 'eu');
  assert.equal(changed.name, 'p');
  const other = await at.server.must(200, 'POST', '/v1/providers', { body: { name: 'q', provider_type: 'groq', api_key: '' } });
  for (const [query, want] of [['', [other.id, made.id]], ['?name=p', [made.id]], ['?provider_type=groq', [other.id]], ['?order=asc', [made.id, other.id]]]) {
    const list = await at.server.get(`/v1/providers/${query}`);
    assert.deepEqual(list.map((p) => p.id), want);
  }
  assert.equal((await at.server.get(`/v1/providers/${made.id}`)).region, 'eu');
  for (const { body } of at.server.exchanges.filter((e) => e.path.startsWith('/v1/providers'))) {
    assert(!JSON.stringify(body).includes('sk-'));
    for (const row of [body].flat().filter((r) => r.api_key !== undefined)) {
      assert.deepEqual([row.api_key, row.access_key, row.api_key_enc, row.access_key_enc], [null, null, null, null]);
    }
  }
  assert.deepEqual(await at.server.must(200, 'DELETE', `/v1/providers/${made.id}`), { message: `Provider id=${made.id} successfully deleted` });
  assert.equal((await api('GET', `/v1/providers/${made.id}`)).status, 404);
  assert.deepEqual((await at.server.sql('select name from providers')).map((p) => p.name), ['q']);
});

test('providers: what is refused', async () => {
  const body = { name: 'taken', provider_type: 'openai', api_key: '' };
  await at.server.must(200, 'POST', '/v1/providers/', { body });
  const twice = await api('POST', '/v1/providers/', { body });
  assert.equal(twice.status, 409);
  assert.equal(twice.headers.get('x-should-retry'), 'false');
  const { detail } = await at.server.must(422, 'POST', '/v1/providers/', { body: { name: 'x', extra: 1, organization_id: 'o' } });
  assert.deepEqual(detail.map((e) => [e.type, e.loc.join('.')]), [
    ['extra_forbidden', 'body.extra'],
    ['extra_forbidden', 'body.organization_id'],
    ['missing', 'body.provider_type'],
    ['missing', 'body.api_key'],
  ]);
  assert.equal((await api('POST', '/v1/providers/')).status, 422);
  assert.equal((await api('GET', '/v1/providers/abc')).body.examples[0], 'provider-123e4567-e89b-42d3-8456-426614174000');
  assert.equal((await api('PATCH', `/v1/providers/${newId('provider')}`, { body: { api_key: '' } })).status, 404);
});

test('a provider that steps refer to stays', async () => {
  const { id } = await at.server.must(200, 'POST', '/v1/providers/', { body: { name: 'used', provider_type: 'openai', api_key: '' } });
  await one({ provider_id: id });
  assert.equal((await api('DELETE', `/v1/providers/${id}`)).status, 409);
});

for (const [method, path] of [
  ['POST', '/v1/providers/check'],
  ['POST', `/v1/providers/${newId('provider')}/check`],
  ['PATCH', `/v1/providers/${newId('provider')}/refresh`],
  ['POST', `/v1/runs/${newId('run')}/stream`],
]) {
  test(`what a recorder cannot do says so: ${method} ${path.replace(/-.*\//, '/')}`, async () => {
    const answer = await api(method, path, { body: {} });
    assert.equal(answer.status, 501);
    assert.match(answer.body.detail, /^Stepwell records /);
    assert.equal(answer.headers.get('x-should-retry'), 'false');
  });
}

// ---- organizations and users -----------------------------------------------------------------------------------------

test('organizations: created, listed from the oldest, changed, deleted', async (t) => {
  const server = await serve(t);
  const path = '/v1/admin/orgs/';
  const made = await server.must(200, 'POST', path, { body: { name: 'one', privileged_tools: true } });
  begins(made, ['id', 'name', 'created_at', 'privileged_tools']);
  assert.equal(made.privileged_tools, true);
  const unnamed = await server.must(200, 'POST', path, { body: {} });
  assert.equal(typeof unnamed.name, 'string');
  assert.deepEqual((await server.get(path)).map((o) => o.id), [DEFAULT_ORGANIZATION, made.id, unnamed.id]);
  assert.deepEqual((await server.get(`${path}?limit=1&after=${DEFAULT_ORGANIZATION}`)).map((o) => o.id), [made.id]);
  const changed = await server.must(200, 'PATCH', `${path}?org_id=${made.id}`, { body: { name: 'two', privileged_tools: false } });
  assert.deepEqual([changed.name, changed.privileged_tools], ['two', false]);
  assert.equal((await server.must(200, 'DELETE', `${path}?org_id=${made.id}`)).name, 'two');
  assert.deepEqual((await server.sql('select name from organizations order by name')).map((o) => o.name), ['default_org', unnamed.name].sort());
  assert.equal((await server.api('DELETE', `${path}?org_id=${made.id}`)).status, 404);
  assert.deepEqual((await server.must(422, 'DELETE', path)).detail[0].loc, ['query', 'org_id']);
  assert.equal((await server.must(422, 'POST', path, { body: { id: newId('org') } })).detail[0].type, 'extra_forbidden');
  assert.equal((await server.api('GET', '/latest/admin/orgs/')).status, 404);
});

test('users: created in any organization, listed from the oldest, changed, deleted', async (t) => {
  const server = await serve(t);
  const path = '/v1/admin/users/';
  const org = await server.must(200, 'POST', '/v1/admin/orgs/', { body: { name: 'o' } });
  const made = await server.must(200, 'POST', path, { body: { name: 'u', organization_id: org.id } });
  begins(made, ['id', 'organization_id', 'name', 'created_at', 'updated_at', 'is_deleted']);
  assert.equal(made.organization_id, org.id);
  assert.equal(made.is_deleted, false);
  assert.deepEqual((await server.get(path)).map((u) => u.id), [DEFAULT_USER, made.id]);
  const changed = await server.must(200, 'PUT', path, { body: { id: made.id, name: 'v', organization_id: null } });
  assert.equal(changed.name, 'v');
  assert.equal((await server.api('DELETE', `/v1/admin/orgs/?org_id=${org.id}`)).status, 409);
  assert.equal((await server.must(200, 'DELETE', `${path}?user_id=${made.id}`)).name, 'v');
  assert.deepEqual((await server.sql('select id from users')).map((u) => u.id), [DEFAULT_USER]);
  assert.equal((await server.api('POST', path, { body: { name: 'w', organization_id: newId('org') } })).status, 404);
  assert.equal((await server.api('PUT', path, { body: { id: newId('user'), name: 'x' } })).status, 404);
  assert.equal((await server.must(422, 'PUT', path, { body: { name: 'x' } })).detail[0].loc.join('.'), 'body.id');
});
