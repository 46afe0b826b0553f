// SPDX-License-Identifier: Apache-2.0
// The command line, on a ledger and on a server: both give the same answer, and it is what was sent, what SQL over the
// views of the file says, or what is computed here in another way. Nothing is compared with what was printed once.
import assert from 'node:assert/strict';
import { execFile, execFileSync, spawn } from 'node:child_process';
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { test } from 'node:test';
import { bare, command } from './command.mjs';
import { fill, folder, limited, newId, program, scaled, serve, shared } from './lib.mjs';

const HOUR = 3_600_000;
const NOW = Date.now();
const COUNT = scaled(200, 500, 2000);
const MODELS = ['gpt-x', 'claude-y', 'gemini-z'];

let sent;
let agentId;
let runId;

// Steps of the last three days, an hour apart in groups, and some around the end of summer time in Europe.
function make(i) {
  const recent = NOW - Math.floor(i / 3) * HOUR - 60_000;
  const autumn = Date.UTC(2025, 9, 25, 21) + i * HOUR / 2;
  return {
    created_at: new Date(i % 5 === 4 ? autumn : recent).toISOString(),
    model: MODELS[i % 3],
    run_id: i % 10 === 0 ? runId : undefined,
    agent_id: i % 10 === 0 ? agentId : undefined,
    status: i % 7 === 0 ? 'failed' : 'success',
    error_type: i % 7 === 0 ? 'Timeout' : undefined,
    error_data: i % 7 === 0 ? { message: `it took too LONG, ${i}` } : undefined,
    prompt_tokens: 100 + i,
    completion_tokens: 7,
    total_tokens: 107 + i,
    cost_nano_usd: i % 4 === 0 ? null : i * 1_000_001,
    tags: i % 6 === 0 ? ['six'] : [],
    output_preview: i % 11 === 0 ? 'with, a "quote"\nand a line' : null,
    messages: i % 9 === 0 ? [{ role: 'user', content: [{ type: 'text', text: `find the Nadel ${i} in it` }] }] : undefined,
    metrics: i % 2 === 0 ? { step_ns: 2_000_000_000, llm_request_ns: 1_500_000_000 } : undefined,
  };
}

const at = shared({}, async (server) => {
  agentId = (await server.must(201, 'POST', '/v1/agents/', { body: { name: 'tester' } })).id;
  runId = newId('run');
  await server.must(201, 'POST', '/v1/runs/', { body: { id: runId, agent_id: agentId, status: 'running' } });
  sent = await fill(server, COUNT, make);
});

// ---- running ---------------------------------------------------------------------------------------------------------

// Both places, which must say the same; answers what they said.
async function both(...words) {
  const local = await command([...words, '--store', at.server.store]);
  const remote = await command([...words, '--server', at.server.url]);
  assert.equal(local.code, 0, local.err);
  assert.equal(remote.code, 0, remote.err);
  assert.equal(remote.out, local.out);
  return local.out;
}

const json = async (...words) => JSON.parse(await both(...words, '--json'));
const lines = async (...words) => (await both(...words, '--json')).split('\n').filter(Boolean).map((l) => JSON.parse(l));

// RFC 4180, to the letter.
function csv(text) {
  const rows = [[]];
  const cell = /("(?:[^"]|"")*"|[^",\r\n]*)(,|\r\n)/gy;
  for (let match; (match = cell.exec(text)); ) {
    rows.at(-1).push(match[1].startsWith('"') ? match[1].slice(1, -1).replaceAll('""', '"') : match[1]);
    if (match[2] === '\r\n') {
      rows.push([]);
    }
  }
  assert.equal(rows.pop().length, 0);
  const [head, ...rest] = rows;
  return rest.map((row) => {
    assert.equal(row.length, head.length);
    return Object.fromEntries(head.map((name, i) => [name, row[i]]));
  });
}

const ids = (steps) => steps.map((step) => step.id);
const newestFirst = (steps) => [...steps].sort((a, b) =>
  (b.created_at + b.id < a.created_at + a.id ? -1 : 1));

// ---- lists -----------------------------------------------------------------------------------------------------------

test('steps: filters and order are those of what was sent', async () => {
  const cases = [
    [[], () => true],
    [['--model', 'gpt-x'], (s) => s.model === 'gpt-x'],
    [['--model', 'gpt-x', '--model', 'claude-y'], (s) => s.model !== 'gemini-z'],
    [['--failed'], (s) => s.status === 'failed'],
    [['--tag', 'six'], (s) => s.tags.includes('six')],
    [['--run', runId], (s) => s.run_id === runId],
    [['--text', 'too long'], (s) => s.status === 'failed'],
    [['--since', '2025-10-26', '--until', '2025-10-27'], (s) => s.created_at >= '2025-10-26' && s.created_at < '2025-10-27'],
  ];
  for (const [words, keep] of cases) {
    const got = await lines('steps', '--limit', '0', ...words);
    assert.deepEqual(ids(got), ids(newestFirst(sent.filter(keep))), words.join(' '));
  }
});

test('export: every step, as JSON and as CSV, to a pipe and to a file', async (t) => {
  const want = ids(newestFirst(sent));
  assert.deepEqual(ids((await both('export')).split('\n').filter(Boolean).map((l) => JSON.parse(l))), want);
  const rows = csv(await both('export', '--format', 'csv'));
  assert.deepEqual(ids(rows), want);
  const quoted = sent.filter((s) => s.output_preview);
  for (const step of quoted) {
    assert.equal(rows.find((row) => row.id === step.id).output_preview, step.output_preview);
  }
  const path = join(await folder(t), 'steps.csv');
  const said = await command(['export', '--csv', '--output', path, '--failed', '--store', at.server.store]);
  assert.equal(said.code, 0, said.err);
  assert.deepEqual(ids(csv(readFileSync(path, 'utf8'))), ids(newestFirst(sent.filter((s) => s.status === 'failed'))));
  assert.deepEqual(csv(await both('export', '--csv', '--model', 'nobody')), []);
});

test('grep: previews, errors and messages, and how far it looked', async () => {
  const found = await lines('grep', 'nadel', '--limit', '0', '--look', '0');
  assert.deepEqual(found.map((f) => f.step_id), ids(newestFirst(sent.filter((s) => s.messages))));
  assert.ok(found.every((f) => f.where === 'user' && f.text.includes('Nadel')));
  const errors = await lines('grep', 'TOO long', '--limit', '0', '--look', '0');
  assert.deepEqual(errors.map((f) => f.step_id), ids(newestFirst(sent.filter((s) => s.status === 'failed'))));
  const some = await command(['grep', 'nothing like it', '--look', '50', '--store', at.server.store]);
  assert.equal(some.out, `50 steps were looked at, back to ${newestFirst(sent)[49].created_at.slice(0, 19)}Z.\nAll of them: --look 0 --limit 0.\n`);
  const all = await command(['grep', 'nothing like it', '--store', at.server.store]);
  assert.equal(all.out, `All ${COUNT.toLocaleString('en')} steps were looked at.\n`);
});

// ---- one record ------------------------------------------------------------------------------------------------------

test('show and run: what was sent, with its messages and timings', async () => {
  const step = sent.find((s) => s.messages && s.metrics && s.run_id);
  const shown = await json('show', step.id);
  assert.equal(shown.step.model, step.model);
  assert.equal(shown.metrics.step_ns, 2_000_000_000);
  assert.deepEqual(shown.messages.map((m) => m.content), step.messages.map((m) => m.content));
  assert.deepEqual(await json('show', step.id.slice('step-'.length)), shown);

  const steps = sent.filter((s) => s.run_id === runId).sort((a, b) => (a.created_at + a.id < b.created_at + b.id ? -1 : 1));
  const run = await json('run', runId, '--limit', '0');
  assert.deepEqual(ids(run.steps.map((s) => s.step)), ids(steps));
  assert.deepEqual(run.steps.map((s) => s.messages.length), steps.map((s) => s.messages?.length ?? 0));
  assert.equal(run.left_out, 0);
  const part = await json('run', runId, '--limit', '5', '--brief');
  assert.deepEqual(ids(part.steps.map((s) => s.step)), ids([...steps.slice(0, 3), ...steps.slice(-2)]));
  assert.equal(part.left_out, steps.length - 5);
  const words = await both('run', runId, '--limit', '4');
  assert.match(words, new RegExp(`\\.\\.\\. ${steps.length - 4} steps between`));
  assert.match(words, /█/);
});

test('feedback: set, cleared, near misses', async () => {
  const id = sent[5].id;
  const feedback = async () => (await at.server.get(`/v1/steps/${id}`)).feedback;
  for (const where of [['--store', at.server.store], ['--server', at.server.url]]) {
    for (const [word, value] of [['positive', 'positive'], ['negative', 'negative'], ['clear', null]]) {
      assert.equal((await command(['feedback', id, word, ...where])).code, 0);
      assert.equal(await feedback(), value);
    }
    const wrong = await command(['feedback', id, 'positve', ...where]);
    assert.equal(wrong.code, 2);
    assert.match(wrong.err, /did you mean positive\?/);
    const nobody = await command(['feedback', newId('step'), 'positive', ...where]);
    assert.equal(nobody.code, 4);
  }
});

// ---- sums ------------------------------------------------------------------------------------------------------------

const sums = (steps) => ({
  num_steps: steps.length,
  failed_steps: steps.filter((s) => s.status === 'failed').length,
  total_tokens: steps.reduce((sum, s) => sum + s.total_tokens, 0),
  cost_nano_usd: steps.reduce((sum, s) => sum + (s.cost_nano_usd ?? 0), 0),
  cost_unknown: steps.filter((s) => s.cost_nano_usd === null).length,
});

// Groups made here, sorted by key.
function grouped(key) {
  const groups = Map.groupBy ? Map.groupBy(sent, key) : sent.reduce((map, s) => map.set(key(s), [...(map.get(key(s)) ?? []), s]), new Map());
  return [...groups].sort(([a], [b]) => (a < b ? -1 : 1)).map(([name, steps]) => [name, sums(steps)]);
}

const dayIn = (zone) => (s) => new Intl.DateTimeFormat('sv', { timeZone: zone, dateStyle: 'short' }).format(new Date(s.created_at));
const monday = (day) => {
  const date = new Date(`${day}T00:00:00Z`);
  return new Date(date.getTime() - ((date.getUTCDay() + 6) % 7) * 24 * HOUR).toISOString().slice(0, 10);
};
const picked = (name) => (group) => [group[name], Object.fromEntries(Object.keys(sums([])).map((k) => [k, group[k]]))];

test('usage: days, weeks and months are those of the zone, also when its clocks change', async () => {
  for (const zone of ['UTC', 'Europe/Berlin', 'America/New_York', 'Asia/Kolkata']) {
    const day = dayIn(zone);
    const daily = await json('usage', 'daily', '--tz', zone);
    assert.deepEqual(daily.groups.map(picked('day')), grouped(day), zone);
    const weekly = await json('usage', 'weekly', '--tz', zone);
    assert.deepEqual(weekly.groups.map(picked('week')), grouped((s) => monday(day(s))), zone);
    const monthly = await json('usage', 'monthly', '--tz', zone);
    assert.deepEqual(monthly.groups.map(picked('month')), grouped((s) => day(s).slice(0, 7)), zone);
    assert.deepEqual(picked('none')({ ...daily.total })[1], sums(sent));
  }
  const fixed = await json('usage', 'daily', '--tz', '+05:30');
  assert.deepEqual(fixed.groups.map(picked('day')), grouped(dayIn('Asia/Kolkata')));
});

test('usage: by model as SQL says, in JSON and CSV', async () => {
  const want = await at.server.sql('select model, count(*) as num_steps, sum(total_tokens) as total_tokens, sum(cost_nano_usd) as cost_nano_usd from steps group by 1 order by 1');
  const got = await json('usage', 'model');
  const rows = csv(await both('usage', 'model', '--csv'));
  assert.deepEqual(got.groups.map((g) => [g.model, g.num_steps, g.total_tokens, g.cost_nano_usd]), want.map(Object.values));
  assert.deepEqual(rows.map((g) => [g.model, +g.num_steps, +g.total_tokens, +g.cost_nano_usd]), want.map(Object.values));
});

test('usage session: the sums of a run', async () => {
  const { groups } = await json('usage', 'session');
  assert.deepEqual(groups.map(picked('run')), [[runId, sums(sent.filter((s) => s.run_id === runId))]]);
});

test('usage blocks: five hours from the hour of the first step, with speed and projection', async () => {
  const blocks = [];
  for (const step of [...sent].sort((a, b) => (a.created_at < b.created_at ? -1 : 1))) {
    const time = Date.parse(step.created_at);
    if (blocks.length === 0 || time >= blocks.at(-1).end) {
      const start = Math.floor(time / HOUR) * HOUR;
      blocks.push({ start, end: start + 5 * HOUR, steps: [] });
    }
    blocks.at(-1).steps.push(step);
  }
  const got = JSON.parse((await command(['usage', 'blocks', '--limit', '0', '--json', '--store', at.server.store])).out).blocks;
  assert.deepEqual(got.map((b) => [Date.parse(b.start), Date.parse(b.end), picked('x')(b)[1]]), blocks.map((b) => [b.start, b.end, sums(b.steps)]));
  const last = blocks.at(-1);
  if (last.end > Date.now() + 10_000) {
    const times = last.steps.map((s) => Date.parse(s.created_at));
    const minutes = Math.max(1, (Math.max(...times) - Math.min(...times)) / 60_000);
    const tokens = sums(last.steps).total_tokens;
    const burn = got.at(-1);
    assert.ok(burn.active && Math.abs(burn.tokens_a_minute - tokens / minutes) <= 1);
    const left = (last.end - Date.now()) / 60_000;
    assert.ok(Math.abs(burn.projected_tokens - (tokens + (tokens / minutes) * left)) < 1 + (tokens / minutes) * 0.2);
  }
});

test('statusline and top: today is the sum of today', async () => {
  const today = new Date().toISOString().slice(0, 10);
  if (Date.parse(`${today}T00:00:00Z`) + 24 * HOUR - Date.now() < 30_000) {
    await new Promise((resolve) => setTimeout(resolve, 30_000)); // not over midnight
    return;
  }
  const want = sums(sent.filter((s) => s.created_at >= today));
  assert.deepEqual(picked('x')((await json('statusline')).today)[1], want);
  for (const where of [['--store', at.server.store], ['--server', at.server.url]]) {
    const { out } = await command(['statusline', ...where]);
    assert.match(out, new RegExp(`^today .* · ${want.num_steps} steps.*\n$`));
  }
  // It looks at few days, and must find the block that all hours give.
  const { blocks } = JSON.parse((await command(['usage', 'blocks', '--json', '--store', at.server.store])).out);
  const line = await json('statusline');
  const active = blocks.at(-1).active ? blocks.at(-1) : null;
  assert.deepEqual([line.block_tokens, line.block_ends_at], [active?.total_tokens ?? null, active?.end ?? null]);
  const top = await json('top');
  assert.deepEqual(picked('x')(top.today)[1], want);
  const words = await command(['top', '--store', at.server.store]);
  assert.match(words.out, /last hour +\d+ steps/);
});

// ---- times -----------------------------------------------------------------------------------------------------------

test('words for times mean what date(1) says', async (t) => {
  for (const zone of ['UTC', 'Europe/Berlin', 'Pacific/Auckland', 'America/New_York']) {
    for (const [word, date] of [['today', 'today 00:00'], ['yesterday', 'yesterday 00:00'], ['2d', '2 days ago'], ['3h', '3 hours ago'], ['2025-10-26', '2025-10-26 00:00'], ['2025-10-26T03:30:00', '2025-10-26 03:30']]) {
      let since;
      try {
        since = Number(execFileSync('date', ['-d', date, '+%s'], { env: { ...process.env, TZ: zone } })) * 1000;
      } catch {
        return t.skip('date -d is not here');
      }
      if (/^\d+d$/.test(word) && sent.some((s) => Math.abs(Date.parse(s.created_at) - since) < HOUR)) {
        since = NOW - parseInt(word, 10) * 24 * HOUR; /* 24 hours each, whatever the clocks do */
      }
      const want = sent.filter((s) => Date.parse(s.created_at) >= since).length;
      const got = (await lines('steps', '--limit', '0', '--since', word, '--tz', zone)).length;
      assert.equal(got, want, `${word} in ${zone}`);
    }
  }
});

test('times are shown in the zone', async () => {
  const first = newestFirst(sent)[0];
  const words = await both('steps', '--limit', '1', '--tz', '+05:30');
  const shown = /\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+05:30/.exec(words)[0];
  assert.equal(Date.parse(shown), Math.floor(Date.parse(first.created_at) / 1000) * 1000);
});

// ---- where -----------------------------------------------------------------------------------------------------------

test('what only a ledger can do says so, and what a server is not', async () => {
  const verify = await command(['verify', '--server', at.server.url]);
  assert.equal(verify.code, 8);
  assert.match(verify.err, /--store/);
  const other = await command(['steps', '--server', at.server.url, '--organization', newId('org')]);
  assert.equal(other.code, 8);
  const gone = await command(['steps', '--server', 'http://127.0.0.1:1']);
  assert.equal(gone.code, 6);
  assert.match(gone.err, /was not reached.*stepwell serve/);
  const twice = await command(['steps', '--server', at.server.url, '--store', 'memory:']);
  assert.equal(twice.code, 2);
});

test('keys, profiles and the environment', async (t) => {
  const server = await serve(t, { steps: 20 });
  const { secret } = await server.must(201, 'POST', '/v1/keys/', { body: { name: 'r', scopes: ['read'] } });
  const home = await folder(t);
  const file = join(home, 'stepwell', 'profiles.conf');
  const env = { XDG_CONFIG_HOME: home };
  const words = ['steps', '--json', '--limit', '0'];
  const want = (await command([...words, '--server', server.url, '--key', secret])).out;
  assert.ok(want.length > 100);
  const none = await command([...words, '--server', server.url]);
  assert.equal(none.code, 6);
  assert.match(none.err, /--key/);
  assert.equal((await command(words, { STEPWELL_SERVER: server.url, STEPWELL_KEY: secret })).out, want);

  mkdirSync(join(home, 'stepwell'));
  writeFileSync(file, `# mine\n[work]\nserver = ${server.url}/\nkey = ${secret}\n[default]\nstore = ${at.server.store}\n`, { mode: 0o600 });
  assert.equal((await command([...words, '--profile', 'work'], env)).out, want);
  assert.equal((await command(words, { ...env, STEPWELL_PROFILE: 'work' })).out, want);
  assert.equal((await command(words, env)).out.split('\n').length - 1, COUNT);
  assert.match((await command([...words, '--profile', 'wrk'], env)).err, /did you mean work\?/);
  const list = await command(['profiles', '--json'], env);
  assert.deepEqual(JSON.parse(list.out).profiles.map((p) => p.name), ['work', 'default']);
  assert.ok(!list.out.includes(secret));
  // A key of the environment is not shown to the server of a profile.
  writeFileSync(file, `[work]\nserver = ${server.url}\n`, { mode: 0o600 });
  assert.equal((await command([...words, '--profile', 'work'], { ...env, STEPWELL_KEY: secret })).code, 6);
  chmodSync(file, 0o644);
  const open = await command([...words, '--profile', 'work'], env);
  assert.equal(open.code, 2);
  assert.match(open.err, /chmod 600/);
});

// ---- following -------------------------------------------------------------------------------------------------------

test('tail: a step that comes is shown, others are not', async (t) => {
  for (const where of [['--store', at.server.store], ['--server', at.server.url]]) {
    const child = spawn(program, ['tail', '--json', '--limit', '2', '--model', 'tailed', ...where], { env: bare });
    t.after(() => child.kill());
    const seen = [];
    createInterface({ input: child.stdout }).on('line', (line) => seen.push(JSON.parse(line)));
    const ended = new Promise((resolve) => child.once('exit', resolve));
    const wanted = [];
    // It may take a moment until it listens: steps come until it has seen enough.
    const sender = (async () => {
      while (child.exitCode === null) {
        await at.server.must(201, 'POST', '/v1/steps/', { body: { model: 'other', status: 'success' } });
        const id = newId('step');
        wanted.push(id);
        await at.server.must(201, 'POST', '/v1/steps/', { body: { id, model: 'tailed', status: 'success', total_tokens: 0 } });
      }
    })();
    assert.equal(await limited(ended, 20_000, 'tail to end'), 0);
    await sender;
    assert.equal(seen.length, 2);
    assert.ok(seen.every((e) => e.step.model === 'tailed' && e.id === e.step.id && wanted.includes(e.id)));
  }
  await Promise.all((await lines('steps', '--limit', '0', '--model', 'tailed', '--model', 'other')).map((s) =>
    at.server.must(200, 'DELETE', `/v1/steps/${s.id}`)));
});

// ---- manners ---------------------------------------------------------------------------------------------------------

test('a reader that goes away is no error, and what is written to a full disk is one', async () => {
  const shell = (line) => new Promise((resolve) => execFile('bash', ['-c', `set -o pipefail; ${line}`], { env: bare }, (error, out, err) => resolve({ code: error ? error.code : 0, out, err })));
  const gone = await shell(`'${program}' export --store '${at.server.store}' | head -c 100 >/dev/null`);
  assert.deepEqual(gone, { code: 0, out: '', err: '' });
  const whole = await shell(`'${program}' export --store '${at.server.store}' | wc -l`);
  assert.equal(Number(whole.out), COUNT);
  const full = await shell(`'${program}' export --store '${at.server.store}' >/dev/full`);
  assert.notEqual(full.code, 0);
});

test('near misses of commands, options, values and words are suggested', async () => {
  const near = [
    [['usge'], 'usage'], [['usage', 'dayly'], 'daily'], [['export', '--fromat', 'csv'], '--format'],
    [['export', '--format', 'ndjsn'], 'ndjson'], [['completion', 'bsh'], 'bash'],
  ];
  for (const [words, suggestion] of near) {
    const said = await command(words);
    assert.ok(said.code > 0 && said.err.includes(`did you mean ${suggestion}?`), said.err);
  }
});

test('completion is valid in every shell that is here', async (t) => {
  const help = (await command(['help'])).out;
  const names = [...help.matchAll(/^ {2}(\w+) /gm)].map((m) => m[1]);
  for (const shell of ['bash', 'zsh', 'fish']) {
    const script = (await command(['completion', shell])).out;
    for (const name of names) {
      assert.ok(script.includes(name), `${shell}: ${name}`);
    }
    const path = join(await folder(t), 'script');
    writeFileSync(path, script);
    await new Promise((resolve, reject) => execFile(shell, ['-n', path], (error) => (error && error.code !== 'ENOENT' ? reject(error) : resolve())));
  }
  const line = (words) => `source <('${program}' completion bash); COMP_WORDS=(${words}); COMP_CWORD=$((\${#COMP_WORDS[@]}-1)); _stepwell; echo "\${COMPREPLY[*]}"`;
  const complete = (words) => execFileSync('bash', ['-c', line(words)], { env: bare }).toString().trim().split(' ');
  assert.deepEqual(complete('stepwell sta'), ['statusline']);
  assert.deepEqual(complete('stepwell usage mon'), ['monthly']);
  assert.deepEqual(complete('stepwell steps --status fai'), ['failed']);
  assert.ok(complete('stepwell export --').includes('--output'));
});

test('organizations and users are called by their names, on a server too', async () => {
  const [{ id, name }] = await at.server.sql('select id, name from organizations');
  const words = await both('usage', '--by', 'organization');
  assert.ok(words.includes(name), words);
  const [user] = await at.server.sql('select id, name from users');
  assert.equal((await at.server.get(`/v1/users/${user.id}`)).name, user.name);
  assert.equal((await at.server.get(`/v1/orgs/${id}`)).name, name);
  assert.equal((await at.server.api('GET', `/v1/orgs/${newId('org')}`)).status, 404);
});
