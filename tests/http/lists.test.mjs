// SPDX-License-Identifier: Apache-2.0
// Lists of steps: one rule for cursors, and filters. Everything is compared with a plain model of what was sent:
// an array, filtered and sorted here.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fill, newId, scaled, shared } from './lib.mjs';

const COUNT = scaled(240, 600, 2000);
const MODELS = ['gpt-x', 'claude-y', null];
const STATUSES = ['success', 'failed', 'cancelled', 'pending'];
const T0 = Date.UTC(2025, 0, 1);

let sent; // in the total order (created_at, id)

// Several steps share each time, so that the order of ids within a time counts.
function make(i) {
  const status = STATUSES[i % 4];
  return {
    created_at: new Date(T0 + Math.floor(i / 3) * 60_000).toISOString(),
    model: MODELS[i % 3],
    agent_id: `agent-${i % 5}`,
    project_id: i % 7 === 0 ? 'project-a' : null,
    provider_name: i % 2 ? 'openai' : 'anthropic',
    status,
    stop_reason: status === 'success' ? 'end_turn' : status === 'failed' ? 'error' : null,
    error_type: status === 'failed' ? 'Timeout' : null,
    error_data: status === 'failed' ? { message: `took too LONG ${i}` } : null,
    prompt_tokens: i,
    completion_tokens: 1,
    total_tokens: i + 1,
    tags: i % 6 === 0 ? ['six', 'even'] : i % 2 === 0 ? ['even'] : [],
    trace_id: i % 10 === 0 ? `${String(i % 4)}`.repeat(32) : null,
    request_id: `req-${i % 9}`,
    tid: i % 8 === 0 ? 'tx' : null,
    end_user: i % 11 === 0 ? 'ada' : null,
    feedback: i % 12 === 0 ? 'positive' : i % 13 === 0 ? 'negative' : null,
    cost_nano_usd: i % 3 === 0 ? i * 1000 : null,
    output_preview: i % 17 === 0 ? 'a Needle in it' : null,
    metrics: i % 4 === 0 ? { step_ns: i * 1_000_000 } : undefined,
  };
}

const key = (step) => `${step.created_at} ${step.id}`;

const at = shared({}, async (server) => {
  sent = (await fill(server, COUNT, make)).sort((a, b) => (key(a) < key(b) ? -1 : 1));
});

const ids = (steps) => steps.map((step) => step.id);
const list = async (query) => ids(await at.server.get(`/v1/steps/?${query}`));

// Walks by `after`, or by `before` from the far end, with pages of `limit`.
async function walk(order, limit, filter = '') {
  const all = [];
  for (let last; ; ) {
    const page = await list(`order=${order}&limit=${limit}${last ? `&after=${last}` : ''}${filter}`);
    all.push(...page);
    if (page.length === 0) {
      return all;
    }
    last = page.at(-1);
  }
}

async function walkBack(order, limit, start) {
  const all = [];
  for (let first = start; ; ) {
    const page = await list(`order=${order}&limit=${limit}&before=${first}`);
    all.unshift(...page);
    if (page.length === 0) {
      return all;
    }
    first = page[0];
  }
}

test('walking forward shows each step once, in both orders, with any page size', async () => {
  const forward = ids(sent);
  for (const limit of [7, 50, 1000]) {
    assert.deepEqual(await walk('asc', limit), forward);
    assert.deepEqual(await walk('desc', limit), [...forward].reverse());
  }
});

test('before gives the rows next to the cursor, in the requested order', async () => {
  const forward = ids(sent);
  const backward = [...forward].reverse();
  for (const [order, all] of [['asc', forward], ['desc', backward]]) {
    assert.deepEqual(await list(`order=${order}&limit=5&before=${all[100]}`), all.slice(95, 100));
    assert.deepEqual(await walkBack(order, 9, all[100]), all.slice(0, 100));
  }
});

test('both cursors give the window between them, from its beginning', async () => {
  const forward = ids(sent);
  const backward = [...forward].reverse();
  for (const [order, all] of [['asc', forward], ['desc', backward]]) {
    assert.deepEqual(await list(`order=${order}&after=${all[10]}&before=${all[20]}`), all.slice(11, 20));
    assert.deepEqual(await list(`order=${order}&after=${all[10]}&before=${all[20]}&limit=3`), all.slice(11, 14));
    assert.deepEqual(await list(`order=${order}&after=${all[20]}&before=${all[10]}`), []);
  }
});

test('an exhausted cursor answers an empty list; an unknown one 404', async () => {
  assert.deepEqual(await list(`order=asc&after=${sent.at(-1).id}`), []);
  assert.deepEqual(await list(`order=desc&after=${sent[0].id}`), []);
  const unknown = await at.server.api('GET', `/v1/steps/?after=${newId('step')}`);
  assert.equal(unknown.status, 404);
  for (const cursor of ['after', 'before']) {
    for (const odd of ['nonsense', 'step-1', newId('run'), 'step-%F0%9F%92%A9', '%22']) {
      const { status, body } = await at.server.api('GET', `/v1/steps/?${cursor}=${odd}`);
      assert.equal(status, 404, `${cursor}=${odd} ${JSON.stringify(body)}`);
    }
  }
});

test('the default is the newest 50', async () => {
  assert.deepEqual(await list(''), ids(sent).reverse().slice(0, 50));
});

test('both spellings of the slash, /latest, and empty values that mean absent', async () => {
  const first = ids(sent).reverse().slice(0, 2);
  for (const path of ['/v1/steps', '/v1/steps/', '/latest/steps', '/latest/steps/']) {
    const answer = await at.server.api('GET', `${path}?limit=2&before=&after=&order=&feedback=&agent_id=&start_date=`);
    assert.equal(answer.status, 200, answer.text);
    assert.deepEqual(ids(answer.body), first);
  }
});

const time = (i) => new Date(T0 + i * 60_000).toISOString();
const nil = (value) => value === null || value === undefined;
const FILTERS = [
  ['model=gpt-x', (s) => s.model === 'gpt-x'],
  ['model=gpt-x&model=claude-y', (s) => s.model !== null],
  ['agent_id=agent-3', (s) => s.agent_id === 'agent-3'],
  [`trace_ids=${'0'.repeat(32)}&trace_ids=${'2'.repeat(32)}`, (s) => /^[02]/.test(s.trace_id ?? '')],
  ['trace_ids=nonsense', () => false],
  ['feedback=positive', (s) => s.feedback === 'positive'],
  ['has_feedback=true', (s) => !nil(s.feedback)],
  ['has_feedback=FALSE', (s) => nil(s.feedback)],
  ['tags=six', (s) => s.tags.includes('six')],
  ['tags=six&tags=even', (s) => s.tags.length > 0],
  ['tags_all=six&tags_all=even', (s) => s.tags.includes('six')],
  ['tags_all=six&tags_all=odd', () => false],
  ['project_id=project-a', (s) => s.project_id === 'project-a'],
  [`start_date=${time(20)}`, (s) => s.created_at > time(20)],
  [`end_date=${time(20)}`, (s) => s.created_at < time(20)],
  [`since=${time(20)}`, (s) => s.created_at >= time(20)],
  [`until=${time(20)}&since=${time(10)}`, (s) => s.created_at < time(20) && s.created_at >= time(10)],
  ['start_date=2025-01-01T02:00:00+02:00', (s) => s.created_at > time(0)],
  ['status=failed', (s) => s.status === 'failed'],
  ['status=failed&status=pending', (s) => s.status === 'failed' || s.status === 'pending'],
  ['provider_name=openai', (s) => s.provider_name === 'openai'],
  ['stop_reason=end_turn', (s) => s.stop_reason === 'end_turn'],
  ['error_type=Timeout', (s) => s.error_type === 'Timeout'],
  ['request_id=req-4', (s) => s.request_id === 'req-4'],
  ['tid=tx', (s) => s.tid === 'tx'],
  ['end_user=ada', (s) => s.end_user === 'ada'],
  ['min_tokens=100&max_tokens=120', (s) => s.total_tokens >= 100 && s.total_tokens <= 120],
  ['min_cost_nano_usd=30000', (s) => !nil(s.cost_nano_usd) && s.cost_nano_usd >= 30000],
  ['max_cost_nano_usd=30000', (s) => !nil(s.cost_nano_usd) && s.cost_nano_usd <= 30000],
  ['has_cost=true', (s) => !nil(s.cost_nano_usd)],
  ['has_cost=false', (s) => nil(s.cost_nano_usd)],
  ['min_step_ns=40000000', (s) => (s.metrics?.step_ns ?? -1) >= 40_000_000],
  ['max_step_ns=40000000', (s) => s.metrics !== undefined && s.metrics.step_ns <= 40_000_000],
  ['text=needle', (s) => !nil(s.output_preview)],
  ['text=too%20long', (s) => s.status === 'failed'],
  ['run_id=run-none', () => false],
  ['model=gpt-x&status=success&has_feedback=true', (s) => s.model === 'gpt-x' && s.status === 'success' && !nil(s.feedback)],
];

for (const [query, holds] of FILTERS) {
  test(`filter ${query}`, async () => {
    const want = ids(sent.filter(holds));
    assert.deepEqual(await walk('asc', 37, `&${query}`), want);
    assert.deepEqual(await list(`limit=1000&${query}`), want.reverse().slice(0, 1000));
  });
}

test('what is wrong with parameters is told all at once, in the framework\'s form', async () => {
  const { status, body } = await at.server.api('GET', '/v1/steps/?order=up&limit=0&has_feedback=maybe&start_date=x&feedback=ok');
  assert.equal(status, 422);
  assert.match(body.trace_id, /^[0-9a-f]{32}$/);
  const by = Object.fromEntries(body.detail.map((e) => [e.loc[1], e]));
  assert.deepEqual(Object.keys(by).sort(), ['feedback', 'has_feedback', 'limit', 'order', 'start_date']);
  assert.deepEqual(by.order, {
    type: 'literal_error',
    loc: ['query', 'order'],
    msg: "Input should be 'asc' or 'desc'",
    input: 'up',
    ctx: { expected: "'asc' or 'desc'" },
  });
  assert.equal(by.limit.type, 'greater_than_equal');
  assert.deepEqual(by.limit.ctx, { ge: 1 });
  assert.equal(by.has_feedback.type, 'bool_parsing');
  assert.equal(by.has_feedback.msg, 'Input should be a valid boolean, unable to interpret input');
});

for (const [query, type] of [
  ['limit=-1', 'greater_than_equal'],
  ['limit=1001', 'less_than_equal'],
  ['limit=ten', 'int_parsing'],
  ['order_by=duration', null],
  ['status=done', 'enum'],
]) {
  test(`refused: ${query}`, async () => {
    const { status, body } = await at.server.api('GET', `/v1/steps/?${query}`);
    assert.equal(status, 422);
    assert.equal(body.detail.length, 1);
    if (type) {
      assert.equal(body.detail[0].type, type);
    }
  });
}

test('a start after the end is V1\'s 400', async () => {
  const { status, body } = await at.server.api('GET', '/v1/steps/?start_date=2026-01-02&end_date=2026-01-01');
  assert.equal(status, 400);
  assert.deepEqual(body, { detail: 'start_date must be earlier than or equal to end_date' });
});

test('values of any length and kind are no reason to fail', async () => {
  const long = 'x'.repeat(4000);
  for (const name of ['agent_id', 'run_id', 'trace_ids', 'request_id', 'parent_step_id', 'provider_id', 'conversation_id', 'model', 'tags']) {
    assert.deepEqual(await list(`${name}=${long}`), [], name);
    assert.deepEqual(await list(`${name}=%C3%A9%20%22%27%00`.replace('%00', '')), [], name);
    const nul = await at.server.api('GET', `/v1/steps/?${name}=a%00b`);
    assert.equal(nul.status, 422, name);
    const broken = await at.server.api('GET', `/v1/steps/?${name}=%ff`);
    assert.equal(broken.status, 422, name);
  }
});

test('all filters at once', async () => {
  const all = FILTERS.map(([query]) => query).filter((q) => !/^has_feedback=F|^has_cost=f/.test(q)).join('&');
  const { status } = await at.server.api('GET', `/v1/steps/?${all}`);
  assert.equal(status, 200);
});

// 80 MiB of rows, more than an answer may have: pages end early, say so, and meet without gap or overlap.
test('a page of large rows ends early and says where it goes on', async (t) => {
  if (!scaled(0, 1, 1)) {
    t.skip('80 MiB: not at the quick level');
    return;
  }
  const all = [];
  for (let i = 0; i < 20; i++) {
    const id = newId('step');
    const step = { id, model: 'huge', status: 'success', created_at: new Date(T0 + i).toISOString(), metadata: { text: 'x'.repeat(4 << 20) } };
    await at.server.must(201, 'POST', '/v1/steps', { body: step });
    all.push(id);
  }
  for (const cursor of ['after', 'before']) {
    const seen = cursor === 'after' ? [] : [all.at(-1)];
    for (let pages = 0, last = cursor === 'after' ? null : all.at(-1); ; pages++) {
      const { status, body, headers } = await at.server.api('GET', `/v1/steps/?model=huge&order=asc&limit=1000${last ? `&${cursor}=${last}` : ''}`);
      assert.equal(status, 200);
      if (body.length === 0) {
        assert.ok(pages > 2);
        break;
      }
      last = cursor === 'after' ? body.at(-1).id : body[0].id;
      cursor === 'after' ? seen.push(...ids(body)) : seen.unshift(...ids(body));
      if (seen.length < all.length) {
        assert.equal(headers.get('stepwell-complete'), 'false');
        assert.equal(headers.get('stepwell-resume'), last);
      }
    }
    assert.deepEqual(seen, all);
  }
});
