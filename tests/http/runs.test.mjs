// SPDX-License-Identifier: Apache-2.0
// Runs and messages as V1's own tests describe them, through HTTP.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { agent, fill, limited, newId, serve, shared } from './lib.mjs';

let owner;
const at = shared({}, async (server) => {
  owner = await agent(server, { agent_type: 'memgpt_v2_agent' });
});
const api = (...words) => at.server.api(...words);
const ids = (rows) => rows.map((row) => row.id);

async function run(more = {}) {
  const id = newId('run');
  await at.server.must(201, 'POST', '/v1/runs', { body: { id, agent_id: owner, ...more } });
  return id;
}

const move = (id, body) => at.server.must(200, 'PATCH', `/v1/runs/${id}`, { body });
const listed = async (query) => ids(await at.server.get(`/v1/runs/?${query}`));
const internal = async (query) => ids(await at.server.get(`/v1/_internal_runs/?${query}`));

const RUN = `id status created_at completed_at agent_id conversation_id base_template_id background metadata request_config
  stop_reason callback_url callback_sent_at callback_status_code callback_error ttft_ns total_duration_ns`.split(/\s+/);

// ---- one run ---------------------------------------------------------------------------------------------------------

test('a run: agent kept, created, metadata and request config survive', async () => {
  const config = { use_assistant_message: true, assistant_message_tool_name: 'send_message', include_return_message_types: null };
  const id = await run({ metadata: { type: 'test' }, request_config: config });
  const got = await at.server.get(`/v1/runs/${id}`);
  assert.deepEqual(Object.keys(got).slice(0, RUN.length), RUN);
  assert.deepEqual([got.agent_id, got.status, got.metadata, got.request_config], [owner, 'created', { type: 'test' }, config]);
  assert.equal(got.background, false);
  assert.equal((await at.server.get(`/v1/runs/${await run()}`)).request_config, null);
});

test('finishing sets status and completed_at; metadata is merged', async () => {
  const id = await run({ metadata: { a: 1 } });
  await move(id, { status: 'running' });
  assert.equal((await at.server.get(`/v1/runs/${id}`)).completed_at, null);
  await move(id, { status: 'completed', stop_reason: 'end_turn', metadata: { error: 'x' } });
  const got = await at.server.get(`/v1/runs/${id}`);
  assert.deepEqual([got.status, got.stop_reason, got.metadata], ['completed', 'end_turn', { a: 1, error: 'x' }]);
  assert.match(got.completed_at, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{6})?$/);
});

test('deleting: gone afterwards, its steps stay', async () => {
  const id = await run();
  const [step] = await fill(at.server, 1, () => ({ run_id: id }));
  const { status, text } = await api('DELETE', `/v1/runs/${id}`);
  assert.deepEqual([status, text], [200, 'null']);
  assert.equal((await api('GET', `/v1/runs/${id}`)).status, 404);
  assert.equal((await api('DELETE', `/v1/runs/${id}`)).status, 404);
  assert.equal((await at.server.show(step.id)).step.run_id, null);
});

test('an id of the wrong form is an invalid argument, not something that is not there', async () => {
  for (const [method, path] of [['GET', ''], ['DELETE', ''], ['GET', '/messages'], ['GET', '/usage'], ['GET', '/metrics'], ['GET', '/steps'], ['GET', '/trace']]) {
    const wrong = await api(method, `/v1/runs/abc${path}`);
    assert.equal(wrong.status, 400);
    assert.deepEqual(wrong.body, { detail: "INVALID_ARGUMENT: Invalid run ID format: abc. Expected format: 'run-<uuid4>'" });
    assert.equal((await api(method, `/v1/runs/${newId('run')}${path}`)).status, 404, `${method} ${path}`);
  }
});

// ---- metrics and usage -------------------------------------------------------------------------------------------------

test('metrics: there from the beginning, move with the steps, and with the end', async () => {
  const from = BigInt(Date.now()) * 1_000_000n;
  const id = await run();
  const get = () => at.server.get(`/v1/runs/${id}/metrics`);
  const first = await get();
  assert.deepEqual(Object.keys(first).slice(0, 10), `id organization_id agent_id project_id run_start_ns run_ns num_steps tools_used template_id base_template_id`.split(' '));
  assert(BigInt(first.run_start_ns) + 2_000_000n >= from && first.run_start_ns <= Date.now() * 1e6);
  assert.deepEqual([first.num_steps, first.run_ns], [0, null]);
  await fill(at.server, 120, () => ({ run_id: id }));
  await move(id, { status: 'running' });
  assert.deepEqual([(await get()).num_steps, (await get()).run_ns], [120, null]);
  await move(id, { status: 'completed', stop_reason: 'end_turn' });
  assert((await get()).run_ns > 0);
});

test('usage: none, one step, two steps, more than fifty', async () => {
  const id = await run();
  const usage = () => at.server.get(`/v1/runs/${id}/usage`);
  const none = await usage();
  assert.deepEqual(Object.keys(none).slice(0, 5), ['completion_tokens', 'prompt_tokens', 'total_tokens', 'prompt_tokens_details', 'completion_tokens_details']);
  assert.deepEqual([none.prompt_tokens, none.completion_tokens, none.total_tokens, none.step_count], [0, 0, 0, 0]);
  assert.deepEqual([none.prompt_tokens_details, none.completion_tokens_details], [null, null]);
  await fill(at.server, 1, () => ({ run_id: id, status: 'success', prompt_tokens: 100, completion_tokens: 50, total_tokens: 150 }));
  assert.equal((await usage()).total_tokens, 150);
  assert.equal((await usage()).prompt_tokens_details, null);
  await fill(at.server, 1, () => ({ run_id: id, status: 'success', prompt_tokens: 200, completion_tokens: 100, total_tokens: 300, cached_input_tokens: 40, cache_write_tokens: 0, reasoning_tokens: 7 }));
  const two = await usage();
  assert.deepEqual([two.prompt_tokens, two.completion_tokens, two.total_tokens, two.step_count], [300, 150, 450, 2]);
  assert.deepEqual(two.prompt_tokens_details, { cached_tokens: 40, cache_read_tokens: 40, cache_creation_tokens: 0 });
  assert.deepEqual(two.completion_tokens_details, { reasoning_tokens: 7 });
  await fill(at.server, 100, () => ({ run_id: id, status: 'success', prompt_tokens: 1, completion_tokens: 0, total_tokens: 1 }));
  assert.deepEqual([(await usage()).prompt_tokens, (await usage()).step_count], [400, 102]);
});

test('the steps of a run, newest first unless told', async () => {
  const id = await run();
  const steps = await fill(at.server, 5, (i) => ({ run_id: id, created_at: `2025-01-01T00:00:0${i}Z` }));
  assert.deepEqual(ids(await at.server.get(`/v1/runs/${id}/steps`)), ids(steps).reverse());
  assert.deepEqual(ids(await at.server.get(`/v1/runs/${id}/steps?order=asc&limit=2&after=${steps[1].id}`)), ids(steps).slice(2, 4));
  assert.deepEqual(await at.server.get(`/v1/runs/${id}/trace`), []);
});

// ---- lists ---------------------------------------------------------------------------------------------------------------

test('lists and their filters', async () => {
  const mine = await agent(at.server);
  const other = await agent(at.server);
  const made = [];
  const make = async (more, end) => {
    const id = await run({ agent_id: mine, created_at: `2025-02-01T00:00:${String(made.length).padStart(2, '0')}Z`, ...more });
    made.push(id);
    if (end) {
      await move(id, end);
    }
    return id;
  };
  const a = await make({ background: true, base_template_id: 'family' });
  const b = await make({}, { status: 'running' });
  const c = await make({ background: true }, { status: 'completed', stop_reason: 'end_turn', total_duration_ns: 5_000 });
  const d = await make({}, { status: 'failed', stop_reason: 'error', total_duration_ns: 9_000 });
  const e = await make({ agent_id: other }, { status: 'cancelled', stop_reason: 'cancelled', total_duration_ns: 1_000 });
  const f = await make({ background: true }, { status: 'completed', stop_reason: 'end_turn', total_duration_ns: 7_000 });
  await fill(at.server, 3, () => ({ run_id: a, messages: [{ role: 'assistant', tool_calls: [{ id: '1', type: 'function', function: { name: 'hammer', arguments: '{}' } }] }] }));
  await fill(at.server, 1, () => ({ run_id: b, messages: [{ role: 'assistant', tool_calls: [{ id: '1', type: 'function', function: { name: 'saw', arguments: '{}' } }] }] }));
  const both = `agent_ids=${mine}&agent_ids=${other}&order=asc`;
  for (const [query, want] of [
    ['', [a, b, c, d, e, f]],
    ['statuses=completed', [c, f]],
    ['statuses=completed&statuses=failed', [c, d, f]],
    ['statuses=', [a, b, c, d, e, f]],
    ['stop_reason=end_turn', [c, f]],
    ['stop_reason=error&background=false', [d]],
    ['background=true', [a, c, f]],
    ['background=true&stop_reason=end_turn', [c, f]],
    ['active=true', [a, b]],
    ['active=true&statuses=failed', [d]],
    [`agent_id=${other}`, [e]],
    ['limit=2', [a, b]],
    [`limit=2&after=${b}`, [c, d]],
    [`limit=2&before=${f}`, [d, e]],
  ]) {
    assert.deepEqual(await listed(`${both}&${query}`), want, query);
    assert.deepEqual(await internal(`${both}&${query}`), want, query);
  }
  for (const [query, want] of [
    ['template_family=family', [a]],
    [`run_id=${d}`, [d]],
    ['step_count=0', [c, d, e, f]],
    ['step_count=1&step_count_operator=gte', [a, b]],
    ['step_count=1&step_count_operator=lte', [b, c, d, e, f]],
    ['tools_used=hammer', [a]],
    ['tools_used=hammer&tools_used=saw', [a, b]],
    ['tools_used=screwdriver', []],
    ['start_date=2025-02-01T00:00:02Z&end_date=2025-02-01T00:00:04Z', [c, d, e]],
    ['duration_value=5000&duration_operator=gt', [d, f]],
    ['duration_value=5000&duration_operator=lt', [e]],
    ['duration_value=5000&duration_operator=eq', [c]],
    ['order_by=duration', [e, c, f, d]],
    ['order_by=duration&order=desc', [d, f, c, e]],
    ['order_by=duration&duration_value=1000&duration_operator=gt&step_count=0', [c, f, d]],
  ]) {
    assert.deepEqual(await internal(`${query.includes('order=') ? both.replace('&order=asc', '') : both}&${query}`), want, query);
  }
  const slow = await internal(`${both}&duration_percentile=90`);
  assert(slow.includes(d) && !slow.includes(e), String(slow));
  assert.deepEqual(await internal(`${both}&order_by=duration&duration_percentile=50&duration_value=9000&duration_operator=lt`), [c, f]);
});

test('the newest come first; ascending wins over order; after goes on in the requested order', async () => {
  const mine = await agent(at.server);
  const made = [];
  for (let i = 0; i < 7; i++) {
    made.push(await run({ agent_id: mine, created_at: `2025-03-01T00:00:0${i}Z` }));
  }
  const down = [...made].reverse();
  assert.deepEqual(await listed(`agent_id=${mine}`), down);
  assert.deepEqual(await listed(`agent_id=${mine}&ascending=true&order=desc`), made);
  assert.deepEqual(await listed(`agent_id=${mine}&limit=3&after=${down[2]}`), down.slice(3, 6));
  assert.deepEqual(await listed(`agent_id=${mine}&limit=2&before=${down[4]}`), down.slice(2, 4));
  assert.equal((await api('GET', `/v1/runs/?after=${newId('run')}`)).status, 404);
  assert.deepEqual(await listed(`agent_id=${mine}&after=${down[6]}`), []);
  assert.deepEqual(ids(await at.server.get(`/v1/runs/active?agent_id=${mine}`)), down);
});

test('runs: what is refused', async () => {
  const bad = await api('GET', '/v1/runs/?statuses=done');
  assert.deepEqual([bad.status, bad.body], [400, { detail: "'done' is not a valid RunStatus" }]);
  for (const [query, name] of [
    ['limit=0', 'limit'],
    ['limit=1001', 'limit'],
    ['stop_reason=tired', 'stop_reason'],
    ['background=perhaps', 'background'],
    ['duration_value=1', 'duration_operator'],
    ['duration_operator=gt', 'duration_value'],
    ['duration_percentile=101', 'duration_percentile'],
    ['step_count_operator=ne&step_count=1', 'step_count_operator'],
  ]) {
    const { status, body } = await api('GET', `/v1/_internal_runs/?${query}`);
    assert.equal(status, 422, query);
    assert.deepEqual(body.detail.map((e) => e.loc), [['query', name]]);
  }
  const id = await run();
  assert.equal((await api('GET', `/v1/_internal_runs/?order_by=duration&after=${id}`)).status, 422);
  assert.equal((await api('GET', `/v1/runs/${id}/trace?limit=5001`)).status, 422);
});

// ---- messages --------------------------------------------------------------------------------------------------------------

const text = (words) => [{ type: 'text', text: words }];
const call = (id, name, args) => ({ id, type: 'function', function: { name, arguments: JSON.stringify(args) } });

// Two steps: a thought with a call, its return; a thought with an answer, and that answer's return.
async function talk(more = {}) {
  const id = await run(more);
  const [first, second] = await fill(at.server, 2, (i) => ({
    run_id: id,
    agent_id: more.agent_id ?? owner,
    status: 'success',
    messages: i === 0
      ? [
          { role: 'user', content: text('hi') },
          { role: 'assistant', content: text('think'), tool_calls: [call('1', 'look', {})] },
          { role: 'tool', name: 'look', tool_call_id: '1', tool_returns: [{ tool_call_id: '1', status: 'success', func_response: 'not JSON' }] },
        ]
      : [
          { role: 'assistant', content: text('so'), tool_calls: [call('2', 'send_message', { message: 'hello' })] },
          { role: 'tool', name: 'send_message', tool_call_id: '2', content: text('{"status":"OK","message":"None"}') },
          { role: 'user', content: text('bye') },
        ],
  }));
  return { id, first: first.id, second: second.id };
}

const ALL = ['user_message', 'reasoning_message', 'tool_call_message', 'tool_return_message', 'reasoning_message', 'assistant_message', 'user_message'];
const types = (messages) => messages.map((m) => m.message_type);

test('messages of a run: in order, parts too, and turned round as a whole', async () => {
  const { id } = await talk();
  const up = await at.server.get(`/v1/runs/${id}/messages`);
  assert.deepEqual(types(up), ALL);
  assert.equal(up[1].reasoning, 'think');
  assert.equal(up[3].tool_return, 'not JSON');
  assert.equal(up[5].content, 'hello');
  assert.match(up[0].date, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+00:00$/);
  assert(up.every((m) => m.run_id === id));
  assert.deepEqual(await at.server.get(`/v1/runs/${id}/messages?order=desc`), [...up].reverse());
});

test('messages of a step: those of the step, with the same text rules', async () => {
  const { id, first, second } = await talk();
  const all = await at.server.get(`/v1/runs/${id}/messages`);
  assert.deepEqual(await at.server.get(`/v1/steps/${first}/messages`), all.slice(0, 4));
  assert.deepEqual(await at.server.get(`/v1/steps/${second}/messages?order=desc`), all.slice(4).reverse());
  assert.equal((await api('GET', `/v1/steps/${newId('step')}/messages`)).status, 404);
});

test('plain text is the answer where the agent answers in plain text', async () => {
  const { id } = await talk({ agent_id: await agent(at.server, { agent_type: 'letta_v1_agent' }) });
  const got = await at.server.get(`/v1/runs/${id}/messages`);
  assert.deepEqual([got[1].message_type, got[1].content], ['assistant_message', 'think']);
});

test('pages: limit counts messages that show something; cursors meet without gap or overlap', async () => {
  const { id } = await talk();
  const all = await at.server.get(`/v1/runs/${id}/messages`);
  const stored = [...new Set(ids(all))];
  assert.equal(stored.length, 5); // one of the six shows nothing
  for (const order of ['asc', 'desc']) {
    const whole = order === 'asc' ? all : [...all].reverse();
    const names = [...new Set(ids(whole))];
    for (const limit of [1, 2, 4]) {
      const got = [];
      for (let page = await at.server.get(`/v1/runs/${id}/messages?order=${order}&limit=${limit}`); page.length > 0; ) {
        assert.equal(new Set(ids(page)).size, Math.min(limit, names.length - new Set(ids(got)).size));
        got.push(...page);
        page = await at.server.get(`/v1/runs/${id}/messages?order=${order}&limit=${limit}&after=${got.at(-1).id}`);
      }
      assert.deepEqual(got, whole);
    }
    const back = await at.server.get(`/v1/runs/${id}/messages?order=${order}&limit=2&before=${names[3]}`);
    assert.deepEqual(back, whole.filter((m) => names.slice(1, 3).includes(m.id)));
    const window = await at.server.get(`/v1/runs/${id}/messages?order=${order}&after=${names[0]}&before=${names[3]}`);
    assert.deepEqual(window, back);
  }
  assert.equal((await api('GET', `/v1/runs/${id}/messages?after=${newId('message')}`)).status, 404);
});

test('types that the run\'s caller asked for, in whole pages', async () => {
  const { id } = await talk({ request_config: { include_return_message_types: ['user_message', 'assistant_message'] } });
  assert.deepEqual(types(await at.server.get(`/v1/runs/${id}/messages`)), ['user_message', 'assistant_message', 'user_message']);
  assert.deepEqual(types(await at.server.get(`/v1/runs/${id}/messages?limit=2`)), ['user_message', 'assistant_message']);
});

test('a page that would be too large ends early, and the next goes on behind it', async () => {
  const [step] = await fill(at.server, 1, () => ({ status: 'success' }));
  const names = ['a', 'b', 'c', 'd'];
  for (const name of names) {
    const messages = [{ role: 'user', content: text(name.repeat(9 * 1024 * 1024)) }];
    await at.server.must(200, 'POST', `/v1/steps/${step.id}/messages`, { body: { messages } });
  }
  const path = `/v1/steps/${step.id}/messages`;
  const first = await at.server.get(path);
  assert.deepEqual(first.map((m) => m.content[0]), ['a', 'b']);
  const second = await at.server.get(`${path}?after=${first.at(-1).id}`);
  assert.deepEqual(second.map((m) => m.content[0]), ['c', 'd']);
  assert.deepEqual((await at.server.get(`${path}?before=${second[1].id}`)).map((m) => m.content[0]), ['b', 'c']);
  at.server.exchanges = at.server.exchanges.filter((e) => !e.path.startsWith(path));
});

test('a run without messages has none', async () => {
  assert.deepEqual(await at.server.get(`/v1/runs/${await run()}/messages`), []);
});

// ---- a run as it is looked at ------------------------------------------------------------------------------------------

test('the timeline: every step with its timings, the oldest first, without what is null', async () => {
  const id = await run();
  const COUNT = 1234; // more than two pieces of the walk
  const at0 = Date.parse('2026-03-01T00:00:00Z');
  const sent = await fill(at.server, COUNT, (i) => ({
    run_id: id,
    model: 'm',
    status: i % 100 === 7 ? 'failed' : 'success',
    created_at: new Date(at0 + ((i * 7919) % COUNT) * 1000).toISOString(), // in no order
    prompt_tokens: i,
    ...(i % 100 === 7 ? { error_type: 'Broken' } : {}),
    ...(i % 3 === 0 ? {} : { metrics: { step_ns: i + 1, llm_request_ns: i } }),
  }));
  await fill(at.server, 3, () => ({ run_id: null, model: 'm' }));
  const { text, headers } = await api('GET', `/v1/runs/${id}/timeline`);
  assert.match(headers.get('content-type'), /^application\/x-ndjson/);
  const lines = text.trim().split('\n').map((line) => JSON.parse(line));
  const wanted = [...sent].sort((a, b) => (a.created_at < b.created_at ? -1 : 1));
  assert.deepEqual(lines.map((line) => line.id), ids(wanted));
  assert.deepEqual(lines.map((line) => line.step_ns), wanted.map((step) => step.metrics?.step_ns));
  assert.deepEqual(lines.map((line) => line.total_tokens), wanted.map((step) => step.prompt_tokens));
  assert.deepEqual(lines.filter((line) => line.status === 'failed').map((line) => line.error_type), Array(13).fill('Broken'));
  assert.ok(lines.every((line) => Object.values(line).every((value) => value !== null) && line.model === 'm'));
  assert.equal((await api('GET', `/v1/runs/${newId('run')}/timeline`)).status, 404);
  assert.equal((await api('GET', `/v1/runs/${await run()}/timeline`)).text, '');
});

// Whether all are held up depends on who gets the processor when: a server that can be fails here now and then.
test('more timelines at once than the store has readers: all are answered', async (t) => {
  const server = await serve(t, { args: ['--workers', '40'] });
  const id = newId('run');
  await server.must(201, 'POST', '/v1/runs', { body: { id, agent_id: await agent(server) } });
  const sent = await fill(server, 1000, (i) => ({ run_id: id, metrics: { step_ns: i } }));
  const asked = Array.from({ length: 60 }, () => server.api('GET', `/v1/runs/${id}/timeline`));
  const answers = await limited(Promise.all(asked), 20_000, 'all timelines');
  assert.deepEqual(answers.map(({ text }) => text.trim().split('\n').length), asked.map(() => sent.length));
});

test('totals of several runs at once: in the order asked for, those that are not there left out', async () => {
  const [a, b] = [await run(), await run()];
  await fill(at.server, 3, () => ({ run_id: b, prompt_tokens: 5 }));
  const asked = [b, newId('run'), a];
  const totals = await at.server.get(`/v1/runs/metrics?${asked.map((id) => `run_id=${id}`).join('&')}`);
  assert.deepEqual(totals.map((one) => [one.id, one.num_steps, one.prompt_tokens]), [[b, 3, 15], [a, 0, 0]]);
  assert.deepEqual(totals[0], await at.server.get(`/v1/runs/${b}/metrics`));
  assert.equal((await api('GET', '/v1/runs/metrics')).status, 422);
});

test('the runs that a run started', async () => {
  const parent = await run();
  const kids = [await run({ parent_run_id: parent }), await run({ parent_run_id: parent })];
  assert.deepEqual((await listed(`parent_run_id=${parent}`)).sort(), [...kids].sort());
  assert.deepEqual((await internal(`parent_run_id=${parent}`)).sort(), [...kids].sort());
  assert.deepEqual(await listed(`parent_run_id=${kids[0]}`), []);
});

test('everything adds up', () => at.server.verify());
