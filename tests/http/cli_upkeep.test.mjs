// SPDX-License-Identifier: Apache-2.0
// The commands that look after a ledger: copies, what is dropped and erased, and what the doctor says.
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { test } from 'node:test';
import { command } from './command.mjs';
import { fill, folder, serve } from './lib.mjs';

const HOUR = 3_600_000;
const NOW = Date.now();

// A ledger of a server's own, with steps of one person among others.
async function upkeepLedger(t) {
  const server = await serve(t);
  const steps = await fill(server, 60, (i) => ({
    created_at: new Date(NOW - i * 24 * HOUR).toISOString(),
    model: 'm',
    status: 'success',
    prompt_tokens: i,
    completion_tokens: 0,
    end_user: i % 4 === 0 ? 'zaphod-the-forgotten' : 'trillian',
    messages: [{ role: 'user', content: [{ type: 'text', text: `payload ${i}` }] }],
  }));
  const local = (words, env) => command([...words, '--store', server.store], env);
  const count = async (where) => (await server.sql(`select count(*) as n from ${where}`))[0].n;
  return { server, steps, local, count };
}

test('backup while a server writes, and restore, which writes over nothing', async (t) => {
  const { server, steps, local } = await upkeepLedger(t);
  const path = join(await folder(t), 'copy.db');
  const target = join(await folder(t), 'restored.db');
  let writing = true;
  const writer = (async () => {
    while (writing) {
      await server.must(201, 'POST', '/v1/steps/', { body: { model: 'late', status: 'success' } });
    }
  })();
  const made = await local(['backup', path, '--json']);
  writing = false;
  await writer;
  assert.equal(made.code, 0, made.err);
  assert.ok(JSON.parse(made.out).steps >= steps.length);
  assert.equal((await local(['backup', path])).code, 5);
  const restored = await command(['restore', path, '--store', `sqlite:${target}`]);
  assert.equal(restored.code, 0, restored.err);
  assert.equal((await command(['restore', path, '--store', `sqlite:${target}`])).code, 5);
  assert.equal((await command(['verify', '--store', `sqlite:${target}`])).code, 0);
  const ours = (await command(['export', '--model', 'm', '--store', `sqlite:${target}`])).out;
  assert.equal(ours, (await local(['export', '--model', 'm'])).out);
  // A log that is left of another file would be played into the new one.
  const left = join(await folder(t), 'left.db');
  writeFileSync(`${left}-wal`, 'of another file');
  const refused = await command(['restore', path, '--store', `sqlite:${left}`]);
  assert.equal(refused.code, 5);
  assert.match(refused.err, /left\.db-wal exists already/);
  const odd = join(await folder(t), 'odd.db');
  writeFileSync(odd, 'no ledger');
  assert.notEqual((await command(['restore', odd, '--store', `sqlite:${target}2`])).code, 0);
});

test('prune: says first, asks, takes what was said, and with --steps the steps', async (t) => {
  const { steps, local, count, server } = await upkeepLedger(t);
  const asked = await local(['prune', '--older-than', '30d']);
  assert.equal(asked.code, 2);
  assert.match(asked.err, /--yes/);
  assert.equal(await count("messages where content like '%payload%'"), steps.length);
  const old = steps.filter((s) => Date.parse(s.created_at) < Date.now() - 30 * 24 * HOUR).length;
  const pruned = JSON.parse((await local(['prune', '--older-than', '30d', '--yes', '--json'])).out);
  assert.equal(pruned.silenced_steps, old);
  assert.equal(await count("messages where content like '%payload%'"), steps.length - old);
  assert.equal(await count('steps'), steps.length);
  const gone = JSON.parse((await local(['prune', '--older-than', '30d', '--steps', '--yes', '--json'])).out);
  assert.equal(gone.removed_steps, old);
  assert.equal(await count('steps'), steps.length - old);
  const { total } = await server.get('/v1/usage');
  assert.equal(total.num_steps, steps.length - old);
  assert.equal((await local(['verify'])).code, 0);
  assert.equal((await local(['prune', '--yes'])).code, 2);
});

test('erase and vacuum: no byte of a person is left in the file', async (t) => {
  const { server, local, count } = await upkeepLedger(t);
  const name = 'zaphod-the-forgotten';
  const path = server.store.replace('sqlite:', '');
  assert.equal((await local(['erase', '--end-user', name])).code, 2);
  assert.equal((await local(['erase', '--yes'])).code, 2);
  const erased = await local(['erase', '--end-user', name, '--yes', '--json']);
  assert.equal(JSON.parse(erased.out).removed_steps, 15);
  assert.equal(await count('steps'), 45);
  assert.equal((await local(['erase', '--end-user', name, '--yes'])).code, 4);
  await server.stop();
  const room = JSON.parse((await local(['vacuum', '--json'])).out);
  assert.ok(room.bytes_after <= room.bytes_before);
  assert.ok(!readFileSync(path).includes(name));
  assert.ok(readFileSync(path).includes('trillian'));
  assert.equal((await local(['verify'])).code, 0);
  assert.equal((await command(['vacuum', '--store', 'memory:'])).code, 8);
});

// Log records of a coding agent belong to a session, and have no trace by which their step would name them.
test('erase: log records that name the person or the conversation go', async (t) => {
  const server = await serve(t);
  const seconds = Math.floor(Date.now() / 1000) - 600;
  const text = (key, stringValue) => ({ key, value: { stringValue } });
  const record = (session, n, name, ...more) => ({
    timeUnixNano: `${seconds + n}000000000`,
    body: { stringValue: `claude_code.${name}` },
    attributes: [text('session.id', session), text('prompt.id', `p-${session}`), text('event.name', name), ...more],
  });
  const session = (id, person) => [
    record(id, 1, 'user_prompt', text('prompt', `asked in ${id}`), text('user.email', person)),
    record(id, 2, 'api_request', text('model', 'claude-x'), text('request_id', `req-${id}`), text('input_tokens', '10'), text('output_tokens', '2'), text('duration_ms', '900'), text('user.email', person)),
  ];
  const logRecords = [...session('first-session', 'ford@example.com'), ...session('second-session', 'trillian@example.com'), ...session('third-session', 'zaphod@example.com'),
    { timeUnixNano: `${seconds}000000000`, body: { stringValue: 'a line of nobody knows whom, but of ford@example.com' } }];
  const scope = { attributes: [text('service.name', 'claude-code')] };
  const body = JSON.stringify({ resourceLogs: [{ resource: scope, scopeLogs: [{ logRecords }] }] });
  const sent = await fetch(`${server.url}/v1/logs`, { method: 'POST', headers: { 'content-type': 'application/json' }, body });
  assert.equal(sent.status, 200, await sent.text());
  await server.stop();
  const local = (...words) => command([...words, '--store', server.store]);
  const units = async () => (await server.sql('select count(*) as n from raw_traces_data'))[0].n;
  const steps = async () => JSON.parse((await local('usage', '--json')).out).total.num_steps;
  assert.deepEqual([await units(), await steps()], [4, 3]);
  assert.equal((await local('erase', '--end-user', 'ford@example.com', '--yes')).code, 0);
  assert.deepEqual([await units(), await steps()], [2, 3]);
  assert.equal((await local('erase', '--end-user', 'ford@example.com', '--yes')).code, 4);
  const [{ id }] = await server.sql("select id from conversations where summary = 'second-session'");
  assert.equal((await local('erase', '--conversation', id, '--yes')).code, 0);
  assert.deepEqual([await units(), await steps()], [1, 2]);
  assert.equal((await local('vacuum')).code, 0);
  const bytes = readFileSync(server.store.replace('sqlite:', ''));
  assert.ok(!bytes.includes('ford@') && !bytes.includes('trillian@') && bytes.includes('zaphod@'));
  assert.equal((await local('verify')).code, 0);
});

test('doctor: a ledger writes and reads back; a server tells what it rejected', async (t) => {
  const { server, local } = await upkeepLedger(t);
  const here = JSON.parse((await local(['doctor', '--json'])).out);
  assert.ok(here.ok);
  const state = (name) => here.checks.find((c) => c.name === name).state;
  assert.ok(['ok', 'warning'].includes(state('write')));
  assert.ok(['ok', 'warning', 'bad'].includes(state('disk')));
  assert.equal(state('rejected'), 'unknown');
  await fetch(`${server.url}/v1/steps/`, { headers: { host: 'evil.example' } }).catch(() => {});
  const far = JSON.parse((await command(['doctor', '--json', '--server', server.url])).out);
  assert.ok(far.checks.some((c) => c.name === 'rejected' && ['ok', 'warning'].includes(c.state)));
});

// The server behind somebody whose clock is off by so many seconds.
async function behind(t, server, seconds) {
  const proxy = createServer(async (request, response) => {
    const answer = await fetch(server.url + request.url, { headers: { accept: 'application/json' } });
    const date = new Date(Date.now() + seconds * 1000).toUTCString();
    response.writeHead(answer.status, { 'content-type': answer.headers.get('content-type'), date });
    response.end(await answer.text());
  });
  await new Promise((resolve) => proxy.listen(0, '127.0.0.1', resolve));
  t.after(() => proxy.close());
  return `http://127.0.0.1:${proxy.address().port}`;
}

test('doctor: two clocks that do not agree are told apart', async (t) => {
  const server = await serve(t);
  for (const [seconds, state, says] of [[0, 'ok', /./], [-3600, 'warning', /(59m|1h).* behind/], [3600, 'warning', /(59m|1h).* ahead of/]]) {
    const url = await behind(t, server, seconds);
    const { checks } = JSON.parse((await command(['doctor', '--json', '--server', url])).out);
    const clock = checks.find((check) => check.name === 'clock');
    assert.equal(clock.state, state, clock.says);
    assert.match(clock.says, says);
  }
});
