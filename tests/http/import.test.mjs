// SPDX-License-Identifier: Apache-2.0
// `stepwell import` against a server: the ledger is the same as if the files had been imported where it is, compared by
// SQL over both files and by their usage; what did not change is not sent; whatever breaks on the way, doing it again
// ends the same. What goes over the wire is seen by a relay between the command and the server.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { appendFileSync, cpSync, existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { createServer, request } from 'node:http';
import { createInterface } from 'node:readline';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { bare, command } from './command.mjs';
import { folder, limited, program, serve, Server, shared } from './lib.mjs';

const here = dirname(fileURLToPath(import.meta.url));
const DATA = join(here, '../../../shared/data');
const at = shared();

// ---- what a ledger holds ---------------------------------------------------------------------------------------------

const OF_WRITING = /updated|sequence_id|pk$/;
const TABLES = [
  'select * from steps where retired_into is null order by id',
  'select * from runs order by id',
  'select * from run_metrics order by id',
  'select * from step_metrics order by id',
  'select * from messages order by step_id, role, id',
  'select id, name, organization_id, project_id from agents order by id',
];

async function dump(server) {
  const all = [];
  for (const query of TABLES) {
    for (const row of await server.sql(query)) {
      all.push(JSON.stringify(Object.fromEntries(Object.entries(row).filter(([name]) => !OF_WRITING.test(name)))));
    }
  }
  return all.sort();
}

const count = async (server, what = '*') => (await server.sql(`select count(${what}) as n from steps where retired_into is null`))[0].n;

async function same(got, expected) {
  // Only what differs is shown, and not all of that.
  const [rows, others] = [await dump(got), await dump(expected)];
  const without = (some, all) => some.filter((row) => !all.has(row)).map((row) => row.slice(0, 2000)).slice(0, 3);
  assert.deepEqual({ only: without(rows, new Set(others)) }, { only: [] });
  assert.deepEqual({ lacks: without(others, new Set(rows)) }, { lacks: [] });
  for (const by of ['model', 'agent', 'day']) {
    assert.deepEqual(await got.cli('usage', '--by', by), await expected.cli('usage', '--by', by));
  }
}

// A ledger that no server serves, filled by importing where it is.
async function local(t, ...paths) {
  const ledger = new Server(`sqlite:${join(await folder(t), 'local.db')}`);
  const said = await command(['import', ...paths, '--store', ledger.store, '--json']);
  assert.equal(said.code, 0, said.err);
  return { ...bound(ledger), said: JSON.parse(said.out), err: said.err };
}
const bound = (ledger) => ({ store: ledger.store, sql: (q) => ledger.sql(q), cli: (...w) => ledger.cli(...w) });

async function send(url, ...words) {
  const said = await command(['import', ...words, '--server', url, '--json']);
  assert.equal(said.code, 0, said.err);
  return { ...JSON.parse(said.out), err: said.err };
}

// What differs from time to time and from way to way is taken off.
const counts = ({ elapsed_us, err, ...rest }) => rest;

// ---- sessions --------------------------------------------------------------------------------------------------------

const turn = (session, n, output = 7) => [
  { type: 'user', sessionId: session, uuid: `u-${session}-${n}`, timestamp: `2026-02-01T10:${String(n).padStart(2, '0')}:00.000Z`,
    message: { role: 'user', content: 'go on' } },
  { type: 'assistant', sessionId: session, uuid: `a-${session}-${n}`, parentUuid: `u-${session}-${n}`,
    timestamp: `2026-02-01T10:${String(n).padStart(2, '0')}:05.000Z`, requestId: `req_${session}_${n}`,
    message: { id: `msg_${session}_${n}`, role: 'assistant', model: 'claude-opus-4-6', content: [{ type: 'text', text: 'Done.' }],
      stop_reason: 'end_turn', usage: { input_tokens: 100, output_tokens: output } } },
].map((line) => `${JSON.stringify(line)}\n`).join('');

async function place(t, files) {
  const path = await folder(t);
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(path, name)), { recursive: true });
    writeFileSync(join(path, name), text);
  }
  return path;
}

// ---- the wire --------------------------------------------------------------------------------------------------------

// Passes requests on and remembers them. `cut`: so many bytes of files are let through, then the connection breaks, as
// often as it is tried; or `hold` is called, and nothing moves any more. `most`: longer uploads are refused, as by a proxy.
async function relay(t, server, { cut = Infinity, hold, most = Infinity } = {}) {
  const seen = { plans: 0, uploads: 0, bytes: 0 };
  const to = new URL(server.url);
  const between = createServer((asked, answer) => {
    const files = !asked.url.includes('/plan');
    let length = 0;
    if (files && seen.bytes > cut) {
      asked.socket.destroy();
      return;
    }
    seen[files ? 'uploads' : 'plans'] += 1;
    const onward = request({ host: to.hostname, port: to.port, method: asked.method, path: asked.url, headers: asked.headers }, (got) => {
      answer.writeHead(got.statusCode, got.headers);
      got.pipe(answer);
    });
    onward.on('error', () => length > most || answer.destroy());
    asked.on('data', (bytes) => {
      seen.bytes += files ? bytes.length : 0;
      length += bytes.length;
      if (length > most) {
        onward.destroy();
        return;
      }
      if (files && seen.bytes > cut) {
        onward.destroy();
        (hold ?? (() => asked.socket.destroy()))();
        return;
      }
      onward.write(bytes);
    });
    asked.on('end', () => {
      if (length > most) {
        answer.writeHead(413).end('too large');
      } else {
        onward.end();
      }
    });
    asked.on('error', () => onward.destroy());
  });
  await new Promise((resolve) => between.listen(0, '127.0.0.1', resolve));
  t.after(() => {
    between.closeAllConnections();
    between.close();
  });
  seen.url = `http://127.0.0.1:${between.address().port}`;
  return seen;
}

const seenOf = (path, text) => ({ path, size: Buffer.byteLength(text), mtime_ns: 1_700_000_000_000_000, device: 1, inode: 2 });
const framed = (files) => Buffer.concat(files.flatMap(([seen, text]) =>
  [Buffer.from(`${JSON.stringify({ ...seen, bytes: Buffer.byteLength(text) })}\n`), Buffer.from(text)]));
const upload = (server, machine, files, headers = {}) => server.api('POST', `/v1/import/?machine=${machine}`,
  { body: Buffer.isBuffer(files) ? files : framed(files), headers: { 'content-type': 'application/octet-stream', ...headers } });
const plan = (server, machine, files, units = [], headers = {}) => server.api('POST', '/v1/import/plan', { body: { machine, files, units }, headers });

// ---- the same as where the ledger is -----------------------------------------------------------------------------------

for (const name of ['claude-code', 'coding-agents']) {
  test(`what others published (${name}) is the same, in any order, and again is nothing`, async (t) => {
    const data = join(DATA, name);
    if (!existsSync(data)) {
      t.skip(`${data} is not there`);
      return;
    }
    const expected = await local(t, data);
    const whole = await serve(t);
    const wire = await relay(t, whole);
    const first = await send(wire.url, data);
    assert.deepEqual(counts(first), counts(expected.said));
    assert.equal(first.err, expected.err);
    await same(whole, expected);
    const size = readdirSync(data, { recursive: true }).map((file) => statSync(join(data, file)))
      .filter((is) => is.isFile()).reduce((sum, is) => sum + is.size, 0);
    assert.ok(wire.bytes < size / 2, `${wire.bytes} of ${size} bytes`);

    wire.uploads = 0;
    const again = await send(wire.url, data);
    assert.deepEqual([wire.uploads, again.files_read, again.steps_new, again.files_unchanged],
      [0, 0, 0, first.files - first.files_skipped]);
    await same(whole, expected);

    const parts = await serve(t);
    const pieces = readdirSync(data, { withFileTypes: true }).map((entry) => join(data, entry.name));
    const order = (path) => createHash('sha256').update(path).digest('hex');
    for (const path of pieces.sort((a, b) => (order(a) < order(b) ? -1 : 1))) {
      await send(parts.url, path);
    }
    await same(parts, expected);
    await parts.verify();
  });
}

test('a file that grew is sent with what is read together with it, and with nothing else', async (t) => {
  const server = await serve(t);
  const files = { 'a/one.jsonl': turn('s1', 1), 'a/one-more.jsonl': turn('s1', 2), 'a/two.jsonl': turn('s2', 1) };
  const path = await place(t, files);
  assert.equal((await send(server.url, path)).steps_new, 3);
  appendFileSync(join(path, 'a/one.jsonl'), turn('s1', 3, 30));
  const wire = await relay(t, server);
  const said = await send(wire.url, path);
  assert.deepEqual([said.files, said.files_read, said.files_unchanged, said.steps_new, said.steps_corrected], [3, 1, 2, 1, 0]);
  assert.equal(wire.uploads, 1);
  await same(server, await local(t, path));
});

test('what two files tell of one call does not depend on which was sent when', async (t) => {
  const server = await serve(t);
  const path = await place(t, { 'a.jsonl': turn('s1', 1, 3) });
  await send(server.url, path);
  writeFileSync(join(path, 'b.jsonl'), turn('s1', 1, 70));
  await send(server.url, path);
  await same(server, await local(t, path));
  assert.deepEqual(await server.sql('select completion_tokens as n from steps'), [{ n: 70 }]);
});

test('trouble is told with file and line, as where the ledger is', async (t) => {
  const path = await place(t, { 'bad.jsonl': `${turn('s3', 1)}{"type":"user",\n`, 'notes.txt': 'no session\n', 'empty.jsonl': '' });
  const expected = await local(t, path);
  const server = await serve(t);
  const said = await send(server.url, path);
  assert.equal(said.err, expected.err);
  assert.match(said.err, /bad\.jsonl:3: is no valid JSON/);
  assert.deepEqual(counts(said), counts(expected.said));
  const many = await place(t, { 'many.jsonl': `${turn('s4', 1)}${'{\n'.repeat(150)}` });
  const other = await local(t, many);
  assert.equal((await send(server.url, many)).err, other.err);
  assert.match(other.err, /and so on, 130 more/);
});

// ---- what breaks -------------------------------------------------------------------------------------------------------

// A session that does not pack well.
const session = (name, bytes = 230_000) => Array.from({ length: 50 }, (_, k) => turn(name, k)).join('') +
  `${JSON.stringify({ type: 'summary', summary: randomBytes(bytes).toString('base64'), leafUuid: name })}\n`;
const sessions = (n) => Object.fromEntries(Array.from({ length: n }, (_, i) => [`${i}.jsonl`, session(`s${i}`)]));

// More than one upload.
test('a connection that breaks, and a client that is killed, cost nothing: again is the same ledger', async (t) => {
  const path = await place(t, sessions(40));
  const expected = await local(t, path);
  const server = await serve(t);
  const wire = await relay(t, server, { cut: 8_000_000 });
  const broken = await command(['import', path, '--server', wire.url]);
  assert.equal(broken.code, 6, broken.err);
  assert.match(broken.err, /was not reached/);
  const part = await count(server);
  assert.ok(part > 0 && part < expected.said.steps_new, `${part} of ${expected.said.steps_new}`);
  await new Promise((resolve) => {
    let child;
    relay(t, server, { cut: 7_500_000, hold: () => child.kill('SIGKILL') }).then((held) => {
      child = spawn(program, ['import', path, '--server', held.url], { env: bare, stdio: 'ignore' });
      child.on('exit', resolve);
    });
  });
  const said = await send(server.url, path);
  assert.equal(said.files_read + said.files_unchanged, expected.said.files);
  await same(server, expected);
  await server.verify();
});

test('what is too large to be taken costs nothing of what is sent with it', async (t) => {
  const server = await serve(t);
  const path = await place(t, { 'a.jsonl': session('a'), 'b.jsonl': session('b', 600_000), 'c.jsonl': session('c') });
  const wire = await relay(t, server, { most: 400_000 });
  const said = await send(wire.url, path);
  assert.deepEqual([said.files, said.files_read, said.files_skipped, said.steps_new], [3, 2, 1, 100]);
  assert.match(said.err, /b\.jsonl: is too large to be sent/);
  assert.deepEqual((await send(server.url, path)).files_read, 1);
  await same(server, await local(t, path));
});

test('only so many uploads are kept at a time', async (t) => {
  const server = await serve(t);
  const text = turn('s', 1);
  const one = () => upload(server, 'm', [[seenOf('/a', text), text]]);
  const begun = [];
  const until = Date.now() + 10_000;
  let answer = await one();
  for (; answer.status === 200 && Date.now() < until; answer = await one()) {
    const call = request(`${server.url}/v1/import/?machine=m`, { method: 'POST' });
    call.on('error', () => {});
    call.write(`${JSON.stringify({ ...seenOf('/b', ''), bytes: 200_000 })}\n${'x'.repeat(100_000)}`);
    begun.push(call);
  }
  assert.deepEqual([answer.status, answer.headers.get('retry-after')], [503, '5']);
  assert.ok(begun.length >= 32, `${begun.length} are kept`);
  begun.forEach((call) => call.destroy());
  for (; answer.status !== 200 && Date.now() < until; answer = await one()) {}
  assert.equal(answer.status, 200);
});

test('what is no upload is refused, and nothing of it stays', async () => {
  const { server } = at;
  const file = seenOf('/a', 'x');
  const cases = [
    [422, 'no line of JSON\n', /JSON/],
    [422, '{"path":"/a"}\n', /size/],
    [422, `${JSON.stringify({ ...file, bytes: 10 })}\nabc`, /in the middle of a file/],
    [422, JSON.stringify({ ...file, bytes: 0 }), /in the middle of a file/],
    [422, `${JSON.stringify({ ...file, path: '', bytes: 0 })}\n`, /path/],
    [422, `${JSON.stringify({ ...file, bytes: -1 })}\n`, /bytes/],
    [422, 'x'.repeat(100_000), /line of JSON/],
    [413, `${JSON.stringify({ ...file, bytes: 2 ** 31 })}\n`, /where the ledger is/],
    [413, `${JSON.stringify({ ...file, bytes: 1 })}\nx${JSON.stringify({ ...file, bytes: 2 ** 29 })}\n`, /536870912 bytes/],
  ];
  for (const [status, body, why] of cases) {
    const answer = await upload(server, 'm', Buffer.from(body));
    assert.equal(answer.status, status, `${body.slice(0, 80)}: ${answer.text}`);
    assert.match(answer.text, why);
  }
  assert.equal((await server.api('POST', '/v1/import/', { body: Buffer.from('') })).status, 422);
  assert.equal((await upload(server, 'm'.repeat(129), [])).status, 422);
  for (const body of [{ files: [] }, { machine: 'm', files: [{}] }, { machine: 'm', units: ['x'] }, [], { machine: '' }]) {
    assert.equal((await server.api('POST', '/v1/import/plan', { body })).status, 422, JSON.stringify(body));
  }
  const units = Array.from({ length: 201 }, () => '0'.repeat(32));
  assert.equal((await plan(server, 'm', [], units)).status, 422);
  assert.deepEqual((await plan(server, 'm', [file])).body, { unchanged: [], siblings: [] });
  const twice = `{"machine":"m","units":["${units[0]}"],"units":["${units[0]}","${units[0]}"]}`;
  assert.deepEqual((await server.api('POST', '/v1/import/plan', { body: twice, headers: { 'content-type': 'application/json' } })).body.siblings, [[]]);
  assert.equal(await count(server), 0);
});

test('nothing comes of an upload that the server has no room for', async (t) => {
  const server = await serve(t, { env: { TMPDIR: join(await folder(t), 'nowhere') } });
  const answer = await upload(server, 'm', [[seenOf('/a', 'x'), 'x']]);
  assert.equal(answer.status, 503);
  assert.match(answer.body.detail, /TMPDIR/);
});

// ---- who ---------------------------------------------------------------------------------------------------------------

test('two machines with the same paths do not get into each other\'s way, nor into that of the server', async (t) => {
  const server = await serve(t);
  const path = await place(t, { 'a.jsonl': turn('here', 1) });
  const [mine, theirs] = [turn('m', 1), turn('t', 1) + turn('t', 2)];
  const file = join(path, 'a.jsonl');
  const first = await upload(server, 'mine', [[seenOf(file, mine), mine]]);
  assert.deepEqual([first.status, first.body.steps_new, first.body.files_read], [200, 1, 1]);
  assert.deepEqual((await plan(server, 'theirs', [seenOf(file, mine)])).body.unchanged, []);
  assert.equal((await upload(server, 'theirs', [[seenOf(file, theirs), theirs]])).body.steps_new, 2);
  for (const [machine, text, other] of [['mine', mine, theirs], ['theirs', theirs, mine]]) {
    const asked = [seenOf(file, other), seenOf(file, text), { ...seenOf(file, text), inode: 3 }, seenOf('/b', text)];
    assert.deepEqual((await plan(server, machine, asked)).body.unchanged, [1]);
  }
  // The ledger's own machine reads its own file, and takes nothing for a part of it that others have.
  const same_ = await command(['import', path, '--store', server.store, '--json']);
  assert.deepEqual([JSON.parse(same_.out).steps_new, JSON.parse(same_.out).files_read], [1, 1]);
  assert.equal(await count(server), 4);
});

const unitsOf = async (server) => (await server.sql('select lower(hex(unit)) as unit from transcript_files_data')).map((row) => row.unit);

test('keys: who may only read is refused, another tenant is told nothing, and what is written is the key\'s', async (t) => {
  const server = await serve(t);
  const make = async (path, body, key) =>
    server.must(path.includes('/orgs/') ? 200 : 201, 'POST', path, { body, headers: key ? { authorization: `Bearer ${key}` } : {} });
  const root = (await make('/v1/keys/', { name: 'root', scopes: ['admin'] })).secret;
  const org = (await make('/v1/admin/orgs/', { name: 'beta' }, root)).id;
  const beta = (await make(`/v1/admin/keys/?org_id=${org}`, { name: 'k', scopes: ['write', 'read'] }, root)).secret;
  const project = (await make('/v1/projects/', { name: 'p' }, root)).id;
  const inProject = (await make('/v1/keys/', { name: 'p', scopes: ['write', 'read'], project_id: project }, root)).secret;
  const reader = (await make('/v1/keys/', { name: 'r', scopes: ['read', 'ingest'] }, root)).secret;
  const writer = (await make('/v1/keys/', { name: 'w', scopes: ['write'] }, root)).secret;
  const bearer = (key) => ({ authorization: `Bearer ${key}` });
  const text = turn('s', 1);
  const file = seenOf('/home/x/a.jsonl', text);

  for (const call of [(h) => plan(server, 'm', [file], [], h), (h) => upload(server, 'm', [[file, text]], h)]) {
    assert.equal((await call(bearer(reader))).status, 403);
    assert.equal((await call({})).status, 401);
  }
  assert.equal((await upload(server, 'm', [[file, text]], bearer(writer))).body.steps_new, 1);
  const units = await unitsOf(server);
  assert.equal(units.length, 1);
  assert.deepEqual((await plan(server, 'm', [file], units, bearer(writer))).body, { unchanged: [0], siblings: [[file.path]] });
  for (const key of [beta, inProject]) {
    assert.deepEqual((await plan(server, 'm', [file], units, bearer(key))).body, { unchanged: [], siblings: [[]] });
    assert.equal((await upload(server, 'm', [[file, text]], bearer(key))).body.steps_new, 1);
  }
  assert.deepEqual((await plan(server, 'n', [file], units, bearer(writer))).body, { unchanged: [], siblings: [[]] });
  const owners = await server.sql('select organization_id as o, project_id as p from steps order by 1, 2');
  assert.equal(new Set(owners.map(({ o, p }) => `${o} ${p}`)).size, 3);
  assert.ok(owners.some(({ o }) => o === org) && owners.some(({ p }) => p === project));

  const path = await place(t, { 'a.jsonl': turn('c', 1) });
  const refused = await command(['import', path, '--server', server.url], { STEPWELL_KEY: reader });
  assert.notEqual(refused.code, 0);
  assert.match(refused.err, /give a key that may do it/);
  const fine = await command(['import', path, '--json'], { STEPWELL_SERVER: server.url, STEPWELL_KEY: writer });
  assert.equal(JSON.parse(fine.out).steps_new, 1, fine.err);
});

test('what a sender says a file is, is not believed; nothing is read by a path that was sent', async (t) => {
  const server = await serve(t);
  const path = await place(t, { 'here.jsonl': turn('of-the-server', 1) });
  const text = turn('sent', 1);
  const answer = await upload(server, 'm', [
    [{ ...seenOf(join(path, 'here.jsonl'), 'x'), again: true }, text],
    [{ ...seenOf('/etc/passwd', 'x'), unit: 'any', format: 'codex' }, 'root:x:0:0\n'],
    [seenOf('/a.jsonl', 'x'), gzipSync(text).toString('latin1')],
  ]);
  assert.equal(answer.status, 200, answer.text);
  const many = await upload(server, 'm', Buffer.concat(['/b', '/c'].map((name) => Buffer.from(
    `{"path":"${name}","size":9223372036854775807,"mtime_ns":0,"device":0,"inode":0,"bytes":${text.length}}\n${text}`))));
  assert.deepEqual([many.status, many.body.bytes, many.body.bytes_read], [200, 2 * text.length, 2 * text.length]);
  assert.deepEqual(answer.body.trouble.map(({ path: p, line, why }) => [p, line, why]), [
    ['/etc/passwd', 0, 'is in no format that is known'], ['/a.jsonl', 0, 'is in no format that is known']]);
  assert.deepEqual((await server.sql('select metadata from steps')).map((row) => /of-the-server/.test(row.metadata)), [false]);
  assert.deepEqual((await server.sql('select distinct path from transcript_files_data')).map((row) => row.path).sort(), ['/b', '/c']);
});

test('a body that is packed, uploads at the same time, and a server that is asked for more than one', async (t) => {
  const server = await serve(t);
  const all = Array.from({ length: 24 }, (_, i) => [seenOf(`/${i}.jsonl`, ''), turn(`s${i % 8}`, i)]);
  const answers = await Promise.all(all.map((file, i) =>
    i % 2 ? upload(server, `m${i % 3}`, [file]) : upload(server, `m${i % 3}`, gzipSync(framed([file])), { 'content-encoding': 'gzip' })));
  assert.deepEqual(answers.map(({ status, body }) => [status, body.steps_new]), all.map(() => [200, 1]));
  assert.equal(await count(server), 24);
  await server.verify();
});

// ---- the command -------------------------------------------------------------------------------------------------------

test('a dry run asks nobody, and what the key says is not said again', async (t) => {
  const path = await place(t, { 'a.jsonl': turn('s', 1) });
  const dry = await command(['import', path, '--server', 'http://127.0.0.1:1', '--dry-run', '--json']);
  assert.deepEqual([dry.code, JSON.parse(dry.out).steps_new, JSON.parse(dry.out).dry_run], [0, 1, true]);
  for (const word of ['--organization', '--project']) {
    const said = await command(['import', path, '--server', at.server.url, word, 'x-00000000-0000-4000-8000-000000000001']);
    assert.equal(said.code, 8);
    assert.match(said.err, new RegExp(`leave ${word} out`));
  }
});

test('a server cannot write on the terminal, nor count what cannot be', async (t) => {
  const path = await place(t, { 'a.jsonl': turn('s', 1) });
  const says = { unchanged: [], siblings: [[]], trouble: [{ path: '/a\u001b[2J', line: 1, why: 'is bad\u001b[2J' }], steps_new: 2 ** 60, steps_refused: 3 };
  const odd = createServer((asked, answer) => {
    asked.resume().on('end', () => answer.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(says)));
  });
  await new Promise((resolve) => odd.listen(0, '127.0.0.1', resolve));
  t.after(() => odd.close());
  const said = await send(`http://127.0.0.1:${odd.address().port}`, path);
  assert.match(said.err, /is bad/);
  assert.ok(!said.err.includes('\u001b'), JSON.stringify(said.err));
  assert.deepEqual([said.steps_new, said.steps_refused], [0, 3]);
});

test('with --watch it follows the files', async (t) => {
  const server = await serve(t);
  const path = await place(t, { 'a.jsonl': turn('s', 1) });
  const child = spawn(program, ['import', path, '--watch', '--json', '--server', server.url], { env: bare, stdio: ['ignore', 'pipe', 'pipe'] });
  t.after(() => child.kill('SIGKILL'));
  const ended = new Promise((resolve) => child.once('exit', (code) => resolve(code)));
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const next = async () => JSON.parse((await limited(lines.next(), 20_000, 'a line')).value);
  assert.equal((await next()).steps_new, 1);
  appendFileSync(join(path, 'a.jsonl'), turn('s', 2));
  assert.equal((await next()).steps_new, 1);
  mkdirSync(join(path, 'new'));
  writeFileSync(join(path, 'new/b.jsonl'), turn('s2', 1));
  assert.equal((await next()).steps_new, 1);
  child.kill('SIGINT');
  assert.equal(await limited(ended, 10_000, 'the end'), 0);
  await same(server, await local(t, path));
});

test('whoever follows files waits for a server that begins anew', async (t) => {
  const server = await serve(t);
  const path = await place(t, { 'a.jsonl': turn('s', 1) });
  const child = spawn(program, ['import', path, '--watch', '--json', '--server', server.url], { env: bare, stdio: ['ignore', 'pipe', 'pipe'] });
  t.after(() => child.kill('SIGKILL'));
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const trouble = createInterface({ input: child.stderr })[Symbol.asyncIterator]();
  const next = async (of) => (await limited(of.next(), 20_000, 'a line')).value;
  assert.equal(JSON.parse(await next(lines)).steps_new, 1);
  await server.stop();
  appendFileSync(join(path, 'a.jsonl'), turn('s', 2));
  assert.match(await next(trouble), /was not reached.*it is tried again every few seconds/);
  await server.start(['--listen', new URL(server.url).host]);
  assert.equal(JSON.parse(await next(lines)).steps_new, 1);
});

test('who does not want to wait for a server any more need not', async (t) => {
  const path = await place(t, { 'a.jsonl': turn('s', 1) });
  let came;
  const upload_ = new Promise((resolve) => (came = resolve));
  const silent = createServer((asked, answer) => {
    asked.resume().on('end', () => (asked.url.includes('/plan') ? answer.end('{"unchanged":[],"siblings":[[]]}') : came()));
  });
  await new Promise((resolve) => silent.listen(0, '127.0.0.1', resolve));
  t.after(() => (silent.closeAllConnections(), silent.close()));
  const child = spawn(program, ['import', path, '--watch', '--server', `http://127.0.0.1:${silent.address().port}`], { env: bare, stdio: 'ignore' });
  t.after(() => child.kill('SIGKILL'));
  const ended = new Promise((resolve) => child.once('exit', (code) => resolve(code)));
  await limited(upload_, 10_000, 'the upload');
  child.kill('SIGTERM');
  assert.equal(await limited(ended, 10_000, 'the end'), 0);
});
