// SPDX-License-Identifier: Apache-2.0
// Who sees and changes what, for every route that /openapi.json has: with the right key each succeeds; for the key of
// another organization or another project what exists is as unknown as an id that was never given out, in status and
// text, and stays as it was; the wrong scope, no key and a revoked one are refused. A route without a call here fails.
//
// A call is made of ids; made of ids that nobody has, it is what the answer to a stranger is compared with.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { operationsOf } from './contract.mjs';
import { newId, serve, shared } from './lib.mjs';

const SECRETS = { STEPWELL_SECRET_KEY: '0123456789abcdef'.repeat(4) };
const SCOPES = ['ingest', 'read', 'write', 'admin'];
const MARK = 'only-of-alpha';
const OWN_PAGE = { 'stepwell-dashboard': '1' };
const SEEN = { path: '/a', size: 1, mtime_ns: 1, device: 1, inode: 1 };
const bearer = (secret) => ({ authorization: `Bearer ${secret}` });

// operationId: the calls that are made of it: {path: values of the path's parts in order, query, body, type}.
const id = (name) => (i) => [{ path: [i[name]] }];
const plain = () => [{}];
const paged = (name, more = {}) => (i) => [{}, { query: { after: i[name] } }, { query: { before: i[name] } }, { query: more }];
const filters = (i) => ({ agent_id: i.agent, run_id: i.run, project_id: i.project, conversation_id: i.conversation });
const CALLS = {
  health: plain, healthz: plain, readyz: plain, metrics: plain, openapi: plain,

  steps: (i) => [...paged('step')(i), { query: filters(i) }, { query: { text: MARK } }, { query: { provider_id: i.provider } }],
  step: id('step'),
  step_metrics: id('step'),
  steps_metrics: (i) => [{ query: { step_id: i.step } }],
  step_trace: id('step'),
  step_price: id('step'),
  step_context: id('step'),
  step_messages: id('step'),
  step_feedback: (i) => [{ path: [i.step], body: { feedback: 'negative', add_tags: ['seen'] } }],
  step_transaction: (i) => [{ path: [i.step, 'tid-1'] }],
  telemetry: id('step'),
  log_steps: (i) => [
    { body: { id: newId('step'), run_id: i.run, agent_id: i.agent, status: 'success' } },
    { body: { id: newId('step'), run_id: i.run, status: 'success' } },
    { body: { id: newId('step'), provider_id: i.provider, status: 'success' } },
    { body: { steps: [{ id: newId('step'), run_id: i.run, status: 'success' }] } },
    { body: `${JSON.stringify({ id: newId('step'), run_id: i.run })}\n`, type: 'application/x-ndjson' },
  ],
  patch_step: (i) => [{ path: [i.step], body: { tid: 'tid-2', metrics: { step_ns: 7 } } }],
  renew_step: (i) => [{ path: [i.pending], body: { seconds: 60 } }],
  put_step_metrics: (i) => [{ path: [i.step], body: { step_ns: 9 } }],
  add_step_messages: (i) => [{ path: [i.step], body: [{ role: 'user', content: [{ type: 'text', text: 'x' }] }] }],
  add_step_traces: (i) => [{ path: [i.step], body: [{ request_json: { a: 1 }, response_json: {} }] }],
  delete_step: id('step'),
  import_plan: () => [{ body: { machine: 'm', files: [SEEN], units: ['0'.repeat(32)] } }],
  import: () => [{ query: { machine: 'm' }, body: `${JSON.stringify({ ...SEEN, bytes: 1 })}\nx`, type: 'application/octet-stream' }],
  steps_stream: (i) => [{ stream: true }, { stream: true, query: filters(i) }],
  export_steps: (i) => [{}, { query: { format: 'csv' } }, { query: { after: i.step } }, { query: filters(i) }],
  step_facets: (i) => [{}, { query: filters(i) }],
  count_steps: (i) => [{}, { query: filters(i) }],
  usage: (i) => [{ query: { group_by: 'agent,project' } }, { query: filters(i) }],
  journal: plain,

  runs: (i) => [...paged('run')(i), { query: { agent_id: i.agent, conversation_id: i.conversation } }, { query: { parent_run_id: i.run } }],
  runs_active: (i) => [{}, { query: { agent_id: i.agent } }],
  run: id('run'),
  run_delete: id('run'),
  run_messages: id('run'),
  run_usage: id('run'),
  run_metrics: id('run'),
  stored_messages: (i) => [{}, { query: { step_id: i.step } }, { query: { run_id: i.run } }, { query: { conversation_id: i.conversation } }],
  provider_traces: (i) => [{}, { query: { step_id: i.step } }],
  runs_metrics: (i) => [{ query: { run_id: i.run } }],
  run_timeline: id('run'),
  run_steps: (i) => [{ path: [i.run] }, { path: [i.run], query: { after: i.step } }],
  run_trace: id('run'),
  run_stream: id('run'),
  internal_runs: (i) => [...paged('run')(i), { query: { run_id: i.run, project_id: i.project } }, { query: { duration_percentile: 50 } }],
  create_run: (i) => [
    { body: { id: newId('run'), agent_id: i.agent } },
    { body: { id: newId('run'), agent_id: i.agent, conversation_id: i.conversation } },
  ],
  patch_run: (i) => [{ path: [i.run], body: { metadata: { a: 1 } } }],
  cancel_run: id('run'),

  projects: paged('project', { name: MARK }),
  create_project: () => [{ body: { name: newId('p') } }],
  project: id('project'),
  patch_project: (i) => [{ path: [i.spare_project], body: { name: newId('p') } }],
  delete_project: id('spare_project'),
  agents: (i) => paged('agent', { project_id: i.project })(i),
  create_agent: () => [{ body: { name: newId('a') } }],
  agent_by_name: () => [{ body: { name: newId('a') } }],
  agent: id('agent'),
  patch_agent: (i) => [{ path: [i.agent], body: { name: newId('a') } }],
  delete_agent: id('spare_agent'),
  conversations: (i) => paged('conversation', { agent_id: i.agent })(i),
  create_conversation: (i) => [{ body: { agent_id: i.agent } }],
  conversation: id('conversation'),
  patch_conversation: (i) => [{ path: [i.conversation], body: { summary: 's' } }],
  delete_conversation: id('conversation'),
  views: (i) => paged('view', { project_id: i.project })(i),
  create_view: () => [{ body: { name: newId('v') } }],
  view: id('view'),
  patch_view: (i) => [{ path: [i.view], body: { name: newId('v') } }],
  delete_view: id('view'),

  prices: paged('price', { model: MARK }),
  create_price: () => [{ body: { model: newId('m'), input_nano_usd: 1 } }],
  price: id('price'),
  patch_price: (i) => [{ path: [i.price], body: { input_nano_usd: 2 } }],
  delete_price: id('price'),
  org: id('org'),
  user: id('user'),
  unknown_prices: plain,
  reprice: (i) => [{ query: { dry_run: true } }, { query: { reason: 'x', next: `0:${i.step}` } }],

  providers: paged('provider', { name: MARK }),
  provider: id('provider'),
  provider_create: () => [{ body: { name: newId('p'), provider_type: 'openai', api_key: 'k' } }],
  provider_update: (i) => [{ path: [i.provider], body: { api_key: 'k2' } }],
  provider_delete: id('spare_provider'),
  provider_try: plain,
  provider_check: id('provider'),
  provider_refresh: id('provider'),

  subscriptions: paged('subscription'),
  subscription_create: () => [{ body: { url: 'https://example.com/', secret: 'x' } }],
  subscription: id('subscription'),
  subscription_update: (i) => [{ path: [i.subscription], body: { name: 'n' } }],
  subscription_delete: id('subscription'),
  subscription_test: id('subscription'),
  deliveries: (i) => paged('delivery', { subscription_id: i.subscription })(i),
  delivery: id('delivery'),
  delivery_attempts: id('delivery'),
  delivery_redeliver: id('delivery'),

  session: plain,
  session_begin: () => [{ body: { key: at.root }, headers: OWN_PAGE }],
  session_end: () => [{ headers: OWN_PAGE }],
  keys: paged('key'),
  key_create: () => [{ body: { name: 'k', scopes: ['read'] } }],
  key: id('key'),
  key_revoke: id('key'),

  server: plain,
  orgs: plain,
  org_create: () => [{ body: { name: 'new' } }],
  org_update: (i) => [{ query: { org_id: i.spare_org }, body: { name: 'renamed' } }],
  org_delete: (i) => [{ query: { org_id: i.spare_org } }],
  users: plain,
  user_create: (i) => [{ body: { name: 'u', organization_id: i.org } }],
  user_update: (i) => [{ body: { id: i.user, name: 'renamed' } }],
  user_delete: (i) => [{ query: { user_id: i.user } }],
  admin_keys: (i) => [{ query: { org_id: i.org } }],
  admin_key_create: (i) => [{ query: { org_id: i.org }, body: { name: 'k', scopes: ['read'] } }],
  admin_key_revoke: (i) => [{ query: { org_id: i.org, key_id: i.key } }],
};

// Calls that give a new record an id that is taken: ids are one space for the whole installation, so this much is told,
// and nothing else.
const TAKEN = {
  log_steps: (i) => [{ body: { id: i.step, status: 'success' } }],
  create_project: (i) => [{ body: { id: i.project, name: newId('p') } }],
  create_agent: (i) => [{ body: { id: i.agent, name: newId('a') } }],
  create_view: (i) => [{ body: { id: i.view, name: newId('v') } }],
  create_price: (i) => [{ body: { id: i.price, model: newId('m'), input_nano_usd: 1 } }],
  subscription_create: (i) => [{ body: { id: i.subscription, url: 'https://example.com/', secret: 'x' } }],
};

// What the key of one project cannot do although its scope is right: what belongs to no project.
const OF_NO_PROJECT = new Set([
  'create_project', 'patch_project', 'delete_project', 'provider_create', 'provider_update', 'provider_delete', 'journal',
  'create_price', 'patch_price', 'delete_price', 'user',
]);

// ---- the world -------------------------------------------------------------------------------------------------------

const at = shared({ env: SECRETS }, async (server) => {
  const make = async (path, body, key) => server.must(201, 'POST', path, { body, headers: key ? bearer(key) : {} });
  at.root = (await make('/v1/keys/', { name: 'root', scopes: ['admin'] })).secret;
  at.document = await server.get('/openapi.json');
  for (const name of ['alpha', 'beta']) {
    const body = { name: name === 'alpha' ? MARK : name };
    const org = (await server.must(200, 'POST', '/v1/admin/orgs/', { body, headers: bearer(at.root) })).id;
    const keys = `/v1/admin/keys/?org_id=${org}`;
    const admin = (await make(keys, { name: 'admin', scopes: ['admin'] }, at.root)).secret;
    const [right, wrong] = [
      await make('/v1/projects/', { name: name === 'alpha' ? MARK : 'one' }, admin),
      await make('/v1/projects/', { name: 'two' }, admin),
    ];
    const key = async (more) => (await make(keys, { name: 'k', ...more }, at.root)).secret;
    at[name] = {
      org, admin, project: right.id, other: wrong.id,
      ofProject: await key({ scopes: SCOPES, project_id: right.id }),
      ofOther: await key({ scopes: SCOPES, project_id: wrong.id }),
    };
    for (const scope of SCOPES) {
      at[name][scope] = await key({ scopes: [scope] });
      at[name][`not_${scope}`] = await key({ scopes: SCOPES.filter((s) => s !== scope && s !== 'admin') });
    }
    const gone = await make(keys, { name: 'gone', scopes: SCOPES }, at.root);
    await server.must(200, 'DELETE', `${keys}&key_id=${gone.api_key.id}`, { headers: bearer(at.root) });
    at[name].revoked = gone.secret;
  }
});

// One of each record, of alpha and its first project.
async function records() {
  const { org, admin, project } = at.alpha;
  const post = async (path, body, status = 201, key = admin) =>
    at.server.must(status, 'POST', path, { body, headers: bearer(key) });
  const name = () => `${MARK} ${newId('x')}`;
  const i = { org, project };
  i.agent = (await post('/v1/agents/', { name: name(), project_id: project })).id;
  i.spare_agent = (await post('/v1/agents/', { name: name(), project_id: project })).id;
  i.spare_project = (await post('/v1/projects/', { name: name() })).id;
  i.conversation = (await post('/v1/conversations/', { agent_id: i.agent })).id;
  i.run = (await post('/v1/runs/', { agent_id: i.agent, conversation_id: i.conversation, project_id: project })).id;
  const parts = {
    messages: [{ role: 'user', content: [{ type: 'text', text: MARK }] }],
    traces: [{ request_json: { of: MARK }, response_json: {} }],
    metrics: { step_ns: 5 },
  };
  const step = { agent_id: i.agent, run_id: i.run, project_id: project, error_type: MARK };
  i.step = (await post('/v1/steps', { ...step, ...parts, status: 'failed' })).id;
  i.pending = (await post('/v1/steps', { agent_id: i.agent, run_id: i.run, project_id: project })).id;
  i.view = (await post('/v1/views/', { name: name(), project_id: project })).id;
  i.price = (await post('/v1/prices/', { model: newId('m'), input_nano_usd: 1 })).id;
  const provider = () => ({ name: newId('x'), provider_type: 'openai', api_key: 'k' });
  i.provider = (await post('/v1/providers/', provider(), 200)).id;
  i.spare_provider = (await post('/v1/providers/', provider(), 200)).id;
  i.subscription = (await post('/v1/subscriptions/', { name: MARK, url: 'https://192.0.2.1/', secret: 's', is_active: false })).id;
  i.delivery = (await post(`/v1/subscriptions/${i.subscription}/test`)).id;
  i.key = (await post('/v1/keys/', { name: name(), scopes: ['read'] })).api_key.id;
  i.user = (await post('/v1/admin/users/', { name: name(), organization_id: org }, 200, at.root)).id;
  i.spare_org = (await post('/v1/admin/orgs/', { name: name() }, 200, at.root)).id;
  return i;
}

// The same, of ids that nobody has, but those that the caller may know.
const unknown = (ids, shared_) =>
  Object.fromEntries(Object.entries(ids).map(([name, value]) =>
    [name, shared_.includes(name) ? value : newId(value.split('-')[0])]));

const READS = {
  agent: '/v1/agents/', conversation: '/v1/conversations/', run: '/v1/runs/', step: '/v1/steps/', pending: '/v1/steps/',
  view: '/v1/views/', price: '/v1/prices/', provider: '/v1/providers/', subscription: '/v1/subscriptions/', key: '/v1/keys/',
  project: '/v1/projects/', spare_agent: '/v1/agents/', spare_project: '/v1/projects/',
};

// All of it, as its owner sees it.
async function look(i) {
  const paths = Object.entries(READS).map(([name, path]) => path + i[name]);
  const parts = ['metrics', 'trace', 'messages'].map((part) => `/v1/steps/${i.step}/${part}`);
  const seen = [];
  for (const path of [...paths, ...parts, `/v1/runs/${i.run}/usage`]) {
    seen.push(`${path} ${(await at.server.api('GET', path, { headers: bearer(at.alpha.admin) })).text}`);
  }
  return seen;
}

async function ask(op, call, secret) {
  let at_ = 0;
  const path = op.path.replace(/\{\w+\}/g, () => encodeURIComponent(call.path[at_++]));
  const query = new URLSearchParams(call.query ?? {}).toString();
  const headers = { ...(secret ? bearer(secret) : {}), ...(call.type ? { 'content-type': call.type } : {}), ...call.headers };
  const url = query ? `${path}?${query}` : path;
  if (!call.stream) {
    return at.server.api(op.method, url, { headers, body: call.body });
  }
  const end = new AbortController();
  const response = await fetch(at.server.url + url, { headers, signal: end.signal });
  const text = response.status === 200 ? '' : await response.text();
  end.abort();
  return { status: response.status, text };
}

// An answer without what differs from call to call: what was made just now, and when. What was asked for, or belongs
// to the world, keeps its name.
function bare({ status, text }, ids) {
  let rest = text;
  for (const [name, value] of Object.entries(ids)) {
    rest = rest.replaceAll(value, `{${name}}`);
  }
  return {
    status,
    text: rest
      .replace(/[a-z]+-[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/g, '{id}')
      .replace(/\d{4}-\d\d-\d\dT[\d:.]+Z?/g, '{time}')
      .replace(/"trace_id":"\w+"/, '')
      .replace(/"secret":"[\w-]+"/, '')
      .replace(/"(seq|first_seq|last_seq)":\d+/g, ''),
  };
}

const routes = () => operationsOf(at.document);
const rightKey = (op) => {
  const scope = op['x-stepwell-scope'];
  return scope === undefined ? null : scope === 'operator' ? at.root : at.alpha[scope];
};
const succeeds = (op, status) => status < 300 || (status === 501 && op.responses[501]);

// Each call of each route, with fresh records for each route.
async function walk(t, visit, chosen = () => true) {
  for (const op of routes().filter(chosen)) {
    await t.test(op.operationId, async () => {
      assert.ok(CALLS[op.operationId], `tests/http/tenancy.test.mjs has no call of ${op.operationId}`);
      const ids = await records();
      await visit(op, ids, CALLS[op.operationId]);
    });
  }
}

// ---- the tests -------------------------------------------------------------------------------------------------------

test('there is a call of every route, and of no other', () => {
  assert.deepEqual(Object.keys(CALLS).sort(), routes().map((op) => op.operationId).sort());
});

test('the right key', (t) => walk(t, async (op, ids, calls) => {
  for (const call of calls(ids)) {
    const { status, text } = await ask(op, call, rightKey(op));
    assert.ok(succeeds(op, status), `${status} ${text}\n${JSON.stringify(call)}`);
  }
}));

test('the key of the right project', (t) => walk(t, async (op, ids, calls) => {
  for (const call of calls(ids)) {
    const { status, text } = await ask(op, call, at.alpha.ofProject);
    assert.ok(succeeds(op, status), `${status} ${text}\n${JSON.stringify(call)}`);
  }
}, (op) => ['ingest', 'read', 'write'].includes(op['x-stepwell-scope']) && !OF_NO_PROJECT.has(op.operationId)));

// What exists elsewhere is as unknown as what exists nowhere.
async function strangers(op, ids, calls, secret, shared_ = []) {
  const nobody = unknown(ids, shared_);
  const before = await look(ids);
  const known = calls(ids);
  const never = calls(nobody);
  for (const [n, call] of known.entries()) {
    const answer = await ask(op, call, secret);
    const expected = await ask(op, never[n], secret);
    assert.deepEqual(bare(answer, ids), bare(expected, nobody), JSON.stringify(call));
    assert.ok(!answer.text.includes(MARK), answer.text);
    const sent = JSON.stringify(call);
    for (const value of Object.values(ids).filter((v) => !Object.values(nobody).includes(v))) {
      assert.ok(sent.includes(value) || !answer.text.includes(value), `${value} is told: ${answer.text}`);
    }
  }
  assert.deepEqual(await look(ids), before);
}

// What every project of an organization may know.
const SHARED = ['org', 'provider', 'spare_provider', 'price'];
const isOwn = (op) => ['health', 'healthz', 'readyz', 'openapi', 'session', 'session_begin', 'session_end'].includes(op.operationId);

test('the wrong organization', (t) =>
  walk(t, (op, ids, calls) => strangers(op, ids, calls, at.beta.admin), (op) => !isOwn(op)));

test('the wrong project', (t) =>
  walk(t, (op, ids, calls) => strangers(op, ids, calls, at.alpha.ofOther, SHARED), (op) => !isOwn(op) && op.operationId !== 'org')); // which says MARK

test('an id that another organization or project has', (t) => walk(t, async (op, ids) => {
  const before = await look(ids);
  for (const call of TAKEN[op.operationId](ids)) {
    for (const secret of [at.beta.admin, at.alpha.ofOther]) {
      const { status, text } = await ask(op, call, secret);
      const refused = secret === at.alpha.ofOther && [403, 422].includes(status);
      assert.ok(refused || (status === 409 && text === '{"detail":"id: id not available"}'), `${status} ${text}`);
    }
  }
  assert.deepEqual(await look(ids), before);
}, (op) => TAKEN[op.operationId]));

test('the wrong scope', (t) => walk(t, async (op, ids, calls) => {
  const scope = op['x-stepwell-scope'];
  const key = scope === 'operator' ? at.alpha.admin : at.alpha[`not_${scope}`];
  const before = await look(ids);
  for (const call of calls(ids)) {
    const { status, text } = await ask(op, call, key);
    assert.equal(status, 403, text);
    assert.match(text, scope === 'operator' ? /default organization|operator/ : new RegExp(`\\b${scope}\\b`));
  }
  assert.deepEqual(await look(ids), before);
}, (op) => op['x-stepwell-scope']));

for (const [what, key] of [['no key', () => null], ['a revoked key', () => at.alpha.revoked]]) {
  test(what, (t) => walk(t, async (op, ids, calls) => {
    for (const call of calls(ids)) {
      let { status, text } = await ask(op, call, key());
      // Keys that are not known may be shown so often a second; who asks faster is told to come again.
      while (key() && status === 429) {
        ({ status, text } = await ask(op, call, key()));
      }
      if (op['x-stepwell-scope']) {
        assert.deepEqual([status, text], [401, '{"detail":"Unauthorized"}']);
      } else {
        assert.equal(status, 200, text);
      }
    }
  }));
}
