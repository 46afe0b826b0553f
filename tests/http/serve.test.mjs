// SPDX-License-Identifier: Apache-2.0
// stepwell serve from outside: where it listens and where it refuses to, settings and which of them win, stopping,
// what it writes down, and how it says that it is well. Knows the command line, HTTP, and Prometheus's text format.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { gunzipSync } from 'node:zlib';
import { request } from 'node:http';
import { folder, limited, patience, program, scaled, serve } from './lib.mjs';

const run = promisify(execFile);

// Starts it where it should refuse, and answers what it said.
async function refused(args, env = {}) {
  const words = ['serve', '--store', 'memory:', ...args];
  const end = await run(program, words, { env: { ...process.env, ...env }, timeout: 20_000 }).then(
    () => assert.fail('it ended well'),
    (error) => error,
  );
  assert.equal(end.code, 2, `${end.code}: ${end.stderr}`);
  return end.stderr;
}

test('it says where it listens, and that it is open', async (t) => {
  const server = await serve(t);
  assert.match(server.url, /^http:\/\/127\.0\.0\.1:\d+$/);
  await server.get('/v1/health/');
  assert.match(server.said, /There is no key: every program of this machine/);
});

test('other machines cannot reach it without a key and TLS', async () => {
  assert.match(await refused(['--listen', '0.0.0.0:0']), /there is no key/);
  assert.match(await refused(['--listen', '[::]:0', '--insecure-plain-http']), /there is no key/);
  assert.match(await refused(['--listen', '127.0.0.1:0', '--tls-cert', 'x']), /tls-key/);
});

test('addresses that are none are refused', async () => {
  for (const listen of ['nonsense', '127.0.0.1', '127.0.0.1:', '127.0.0.1:99999', '::1:80', '999.1.1.1:0']) {
    assert.match(await refused(['--listen', listen]), /listen/, listen);
  }
});

test('a flag wins over the environment, the environment over the file', async (t) => {
  const file = join(await folder(t), 'stepwell.conf');
  await writeFile(file, '# where\n\n  listen = from-the-file\nlog-level=warn\n');
  const from = (args, env) => refused(['--config', file, ...args], env);
  assert.match(await from([]), /from-the-file/);
  assert.match(await from([], { STEPWELL_LISTEN: 'from-the-environment' }), /from-the-environment/);
  assert.match(await from(['--listen', 'from-the-flag'], { STEPWELL_LISTEN: 'from-the-environment' }), /from-the-flag/);
});

test('a file of settings that is wrong is refused, with the line and never with a value', async (t) => {
  const file = join(await folder(t), 'stepwell.conf');
  for (const [text, said] of [
    ['listne = 1', /line 1.*did you mean listen\?/],
    ['\nstep-complete-key', /line 2.*name = value/],
    ['listen = a\nlisten = b', /line 2.*twice/],
    ['workers = s3cret', /workers.*line 1/],
    ['log-level = s3cret', /log-level.*line 1/],
    ['insecure-plain-http = s3cret', /insecure-plain-http.*line 1/],
  ]) {
    await writeFile(file, text);
    const words = await refused(['--config', file]);
    assert.match(words, said);
    assert.doesNotMatch(words, /s3cret/);
  }
  assert.match(await refused(['--config', join(file, 'nothing')]), /cannot be read/);
});

test('stopping waits for nobody who only holds a connection', async (t) => {
  const server = await serve(t);
  const { port } = new URL(server.url);
  const idle = ['', 'GET /v1/hea', 'POST /nothing HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\nabc'].map((text) => {
    const socket = connect(Number(port), '127.0.0.1');
    socket.on('error', () => {});
    socket.write(text);
    return socket;
  });
  await server.get('/v1/health/');
  const began = Date.now();
  await server.stop();
  assert.ok(Date.now() - began < 6_000);
  idle.forEach((socket) => socket.destroy());
});

// A connection that sends `head` and then `part` for ever, or once more after each answer.
function talker(t, server, head, part, answered) {
  const socket = connect(new URL(server.url).port, '127.0.0.1');
  const push = () => {
    while (!socket.destroyed && socket.write(part)) { /* until it is full */ }
  };
  socket.on('error', () => {}).on('data', () => answered && socket.write(part));
  if (!answered) {
    socket.on('drain', push);
  }
  socket.write(head);
  setImmediate(() => (answered ? socket.write(part) : push()));
  t.after(() => socket.destroy());
  return socket;
}

test('it ends well in the middle of everything', async (t) => {
  const line = `${JSON.stringify({ model: 'm', input_preview: 'x'.repeat(100) })}\n`.repeat(300);
  const host = 'Host: 127.0.0.1\r\n';
  const lines = `POST /v1/steps HTTP/1.1\r\n${host}Content-Type: application/x-ndjson\r\nTransfer-Encoding: chunked\r\n\r\n`;
  for (let round = 0; round < scaled(1, 2, 10); round++) {
    const server = await serve(t, { steps: 2000 });
    for (let i = 0; i < 8; i++) {
      talker(t, server, '', `GET /v1/steps/?limit=50 HTTP/1.1\r\n${host}\r\n`, true);
      talker(t, server, '', `GET /v1/journal?after=0&limit=10 HTTP/1.1\r\n${host}\r\n`, true);
    }
    const poured = [talker(t, server, lines, `${line.length.toString(16)}\r\n${line}\r\n`), talker(t, server, lines, `${line.length.toString(16)}\r\n${line}\r\n`)];
    await new Promise((resolve) => poured[0].once('drain', resolve));
    const begun = performance.now();
    await server.stop(); // demands 0
    const took = performance.now() - begun;
    assert.ok(took < 9000 * patience, `${took} ms`);
    assert.ok(!/Fatal|error:/.test(server.said), server.said.slice(-500));
    await server.verify();
  }
});

test('nobody waits for who does not read the access log; lines that are lost are whole, and counted', async (t) => {
  const server = await serve(t, { args: ['--access-log', '-'] });
  server.child.stdout.pause();
  const path = `/${'x'.repeat(1000)}`;
  const asked = 4000; // some 4.8 MiB of lines: more than the pipe, our own buffer and the server's
  for (let i = 0; i < asked; i += 50) {
    await limited(Promise.all(Array.from({ length: 50 }, () => server.api('GET', path))), 10_000, 'answers');
  }
  const lost = (await metrics(server)).get('stepwell_access_log_lost_total');
  assert.ok(lost > 0 && lost < asked, `${lost}`);
  assert.match(server.said, /access log: /);
  assert.equal(server.said.match(/lines are lost/g).length, 1, 'said once');
  // What was kept comes when somebody reads again, line by line.
  server.child.stdout.resume();
  const kept = () => server.said.split('\n').filter((line) => line.startsWith('{'));
  await limited((async () => {
    while (kept().length < asked - lost) {
      await new Promise((go) => setImmediate(go));
    }
  })(), 10_000, `${asked - lost} lines`);
  kept().forEach((line) => assert.equal(typeof JSON.parse(line).us, 'number'));
});

test('a server whose access log is not read stops in time', async (t) => {
  const server = await serve(t, { args: ['--access-log', '-'] });
  server.child.stdout.pause();
  for (let i = 0; i < 20; i++) {
    await Promise.all(Array.from({ length: 50 }, () => server.api('GET', `/${'x'.repeat(1000)}`)));
  }
  const began = Date.now();
  await server.stop();
  assert.ok(Date.now() - began < 5000 * patience);
});

test('the access log has a JSON line a request, without query and headers', async (t) => {
  const log = join(await folder(t), 'access.log');
  const server = await serve(t, { args: ['--access-log', log] });
  await server.api('GET', '/v1/health/?token=s3cret', { headers: { authorization: 'Bearer s3cret' } });
  await server.api('GET', '/nothing?token=s3cret');
  await server.stop();
  const text = await readFile(log, 'utf8');
  const lines = text.trim().split('\n').map((line) => JSON.parse(line));
  assert.deepEqual(lines.map((l) => [l.method, l.path, l.status]), [['GET', '/v1/health/', 200], ['GET', '/nothing', 404]]);
  assert.ok(lines.every((l) => /^[0-9a-f]{32}$/.test(l.id) && l.us >= 0 && l.peer === '127.0.0.1'));
  assert.doesNotMatch(text, /s3cret/);
});

const metrics = async (server) => {
  const { text } = await server.api('GET', '/metrics');
  const values = new Map();
  for (const line of text.trimEnd().split('\n').filter((l) => !l.startsWith('#'))) {
    const found = /^([a-z_]+(?:\{[a-z_]+="[^"]*"(?:,[a-z_]+="[^"]*")*\})?) (-?[0-9.e+-]+)$/.exec(line);
    assert.ok(found, `a line of Prometheus: ${line}`);
    assert.ok(!values.has(found[1]), `once: ${line}`);
    values.set(found[1], Number(found[2]));
  }
  return values;
};

test('metrics count what was asked', async (t) => {
  const server = await serve(t);
  for (let i = 0; i < 5; i++) {
    await server.get('/v1/health/');
  }
  await server.api('GET', '/nothing');
  await server.get('/healthz');
  const values = await metrics(server);
  assert.equal(values.get('stepwell_http_requests_total{route="health",status="200"}'), 5);
  assert.equal(values.get('stepwell_http_requests_total{route="none",status="404"}'), 1);
  assert.equal(values.get('stepwell_http_request_seconds_count{route="health"}'), 5);
  assert.equal(values.get('stepwell_http_request_seconds_bucket{route="health",le="+Inf"}'), 5);
  assert.equal(values.get('stepwell_probe_up'), 1);
  assert.ok(values.get('stepwell_store_bytes') > 0);
  assert.ok(values.get('stepwell_commit_seconds_count') >= 1);
  const again = await metrics(server);
  assert.equal(again.get('stepwell_http_requests_total{route="metrics",status="200"}'), 1);
});

test('how the server is: what it was told and what it was not, what its store holds, and no secret', async (t) => {
  const secret = 'do-not-show-me';
  const server = await serve(t, {
    steps: 50,
    args: ['--workers', '3', '--allow-private-targets'],
    env: { STEPWELL_OTLP_KEEP_DAYS: '2', STEP_COMPLETE_KEY: secret },
  });
  const { body, text } = await server.api('GET', '/v1/admin/server');
  const told = Object.fromEntries(body.settings.map(({ name, value, is_fallback }) => [name, [value, is_fallback]]));
  assert.deepEqual(told.workers, ['3', false]);
  assert.deepEqual(told['allow-private-targets'], ['true', false]);
  assert.deepEqual(told['otlp-keep-days'], ['2', false]);
  assert.deepEqual(told['otlp-keep-mb'], ['1024', true]);
  assert.deepEqual(told['log-level'], ['info', true]);
  assert.deepEqual(told['tls-cert'], ['', true]);
  assert.equal(told['step-complete-key'], undefined);
  assert.ok(!text.includes(secret));
  const values = await metrics(server);
  assert.equal(body.store.kind, 'sqlite');
  assert.equal(body.store.steps, 50);
  assert.equal(body.store.runs, values.get('stepwell_runs'));
  assert.equal(body.store.organizations, values.get('stepwell_organizations'));
  assert.equal(Math.floor(Date.parse(body.started_at) / 1000), values.get('process_start_time_seconds'));
  assert.ok(body.load.connections >= 1);
});

test('healthz writes, at most every five seconds, however often it is asked', async (t) => {
  const server = await serve(t);
  const commits = async () => (await metrics(server)).get('stepwell_commit_seconds_count');
  const before = await commits();
  await Promise.all(Array.from({ length: 50 }, () => server.get('/healthz')));
  const rise = (await commits()) - before;
  assert.ok(rise >= 1 && rise <= 3, `${rise} commits for 50 questions`);
  assert.equal((await server.get('/readyz')).status, 'ok');
});

// fetch would decompress by itself.
const bytes = (url, headers) =>
  new Promise((resolve, reject) => {
    request(url, { headers }, (answer) => {
      const parts = [];
      answer.on('data', (part) => parts.push(part));
      answer.on('end', () => resolve({ headers: answer.headers, body: Buffer.concat(parts) }));
    })
      .on('error', reject)
      .end();
  });

test('large answers are compressed for who takes it, and for nobody else', async (t) => {
  const server = await serve(t);
  const ask = (accepted) => bytes(`${server.url}/metrics`, accepted ? { 'accept-encoding': accepted } : {});
  for (const path of ['/v1/health/', '/healthz', '/readyz', '/nothing', '/metrics']) {
    await server.api('GET', path);
  }
  const gzip = await ask('gzip');
  assert.equal(gzip.headers['content-encoding'], 'gzip');
  assert.match(gunzipSync(gzip.body).toString(), /^# HELP stepwell_http_requests_total/);
  const zstd = await ask('gzip, zstd');
  assert.equal(zstd.headers['content-encoding'], 'zstd');
  assert.equal(zstd.body.readUInt32LE(0), 0xfd2fb528);
  for (const none of [undefined, 'identity', 'gzip;q=0', 'br', 'gzipped']) {
    const plain = await ask(none);
    assert.equal(plain.headers['content-encoding'], undefined, none);
    assert.match(plain.body.toString(), /^# HELP/);
  }
  const small = await bytes(`${server.url}/v1/health/`, { 'accept-encoding': 'gzip' });
  assert.equal(small.headers['content-encoding'], undefined);
});

test('TLS: HTTPS with what was given, and nothing older than 1.2', async (t) => {
  const home = await folder(t);
  const [cert, key] = [join(home, 'cert.pem'), join(home, 'key.pem')];
  try {
    await run('openssl', ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout', key,
      '-out', cert, '-days', '2', '-subj', '/CN=localhost']);
  } catch {
    t.skip('there is no openssl to make a certificate with');
    return;
  }
  const { get } = await import('node:https');
  const server = await serve(t, { args: ['--tls-cert', cert, '--tls-key', key] });
  assert.match(server.url, /^https:/);
  const ask = (options) =>
    new Promise((resolve, reject) => {
      get(`${server.url}/v1/health/`, { rejectUnauthorized: false, agent: false, ...options }, (answer) => {
        answer.resume().on('end', () => resolve(answer.statusCode));
      }).on('error', reject);
    });
  assert.equal(await ask({}), 200);
  assert.equal(await ask({ maxVersion: 'TLSv1.2' }), 200);
  await assert.rejects(ask({ minVersion: 'TLSv1', maxVersion: 'TLSv1.1' }));
  assert.match(await refused(['--listen', '127.0.0.1:0', '--tls-cert', key, '--tls-key', cert]), /certificate/);
});
