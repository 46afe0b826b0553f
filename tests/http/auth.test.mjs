// SPDX-License-Identifier: Apache-2.0
// Who may do what, over HTTP: keys, scopes, projects, the acting user, names and pages, how often. The decisions one
// by one are in test_auth.c.
import assert from 'node:assert/strict';
import { request } from 'node:http';
import { connect } from 'node:net';
import { test } from 'node:test';
import { DEFAULT_ORGANIZATION, limited, newId, serve } from './lib.mjs';

const UNAUTHORIZED = '{"detail":"Unauthorized"}';
const bearer = (secret) => ({ authorization: `Bearer ${secret}` });

// The first key must be made while the server is open; it is an admin of the default organization.
async function firstKey(server) {
  const made = await server.must(201, 'POST', '/v1/keys/', { body: { name: 'first', scopes: ['admin'] } });
  return made.secret;
}

// A key of the default organization, or of `org` by the operator.
async function key(server, admin, scopes, { org, ...more } = {}) {
  const path = org ? `/v1/admin/keys/?org_id=${org}` : '/v1/keys/';
  const body = { name: scopes.join(), scopes, ...more };
  return (await server.must(201, 'POST', path, { body, headers: bearer(admin) })).secret;
}

async function organization(server, admin) {
  const made = await server.must(200, 'POST', '/v1/admin/orgs/', { body: { name: 'other' }, headers: bearer(admin) });
  return made.id;
}

// fetch does not let one choose Host; this does.
function raw(server, method, path, headers) {
  const url = new URL(server.url);
  return new Promise((resolve, reject) => {
    const asked = request({ host: url.hostname, port: url.port, method, path, headers, setHost: false }, (answer) => {
      let text = '';
      answer.setEncoding('utf8').on('data', (more) => (text += more)).on('end', () =>
        resolve({ status: answer.statusCode, headers: answer.headers, text }));
    });
    asked.on('error', reject).end();
  });
}

// Asks until the answer is right; what another process did is seen within a second.
async function until(ask, right) {
  return limited((async () => {
    for (;;) {
      const answer = await ask();
      if (right(answer)) {
        return answer;
      }
    }
  })(), 10_000, 'the right answer');
}

test('without any key everybody on this machine is let in, whatever they show', async (t) => {
  const server = await serve(t);
  for (const headers of [{}, bearer('undefined'), bearer('x'), { 'x-bare-password': 'password x' }]) {
    await server.get('/v1/steps/', { headers });
    await server.get('/v1/keys/', { headers });
  }
});

test('from the first key on nobody is let in without one', async (t) => {
  const server = await serve(t);
  const admin = await firstKey(server);
  for (const headers of [{}, bearer('undefined'), bearer(`${admin}x`), bearer(admin.slice(0, -1)), { authorization: admin },
    { authorization: `Basic ${admin}` }, { 'x-bare-password': admin }]) {
    const answer = await server.api('GET', '/v1/steps/', { headers });
    assert.equal(answer.status, 401);
    assert.equal(answer.text, UNAUTHORIZED);
    assert.equal(answer.headers.get('www-authenticate'), 'Bearer');
  }
  await server.get('/v1/steps/', { headers: bearer(admin) });
  await server.get('/v1/steps/', { headers: { authorization: `bearer ${admin}` } });
  await server.get('/v1/steps/', { headers: { 'x-bare-password': `password ${admin}` } });
  await server.get('/v1/health/');
});

test('a key made by the command line closes an open server', async (t) => {
  const server = await serve(t);
  await server.get('/v1/steps/');
  const { secret } = await server.cli('keys', 'create', 'ci', '--scope', 'read');
  await until(() => server.api('GET', '/v1/steps/'), (answer) => answer.status === 401);
  await server.get('/v1/steps/', { headers: bearer(secret) });
});

test('a revoked or expired key is a key that never was', async (t) => {
  const server = await serve(t);
  const admin = await firstKey(server);
  const made = await server.must(201, 'POST', '/v1/keys/', { body: { name: 'a', scopes: ['read'] }, headers: bearer(admin) });
  const headers = bearer(made.secret);
  await server.get('/v1/steps/', { headers });
  const revoked = await server.get(`/v1/keys/${made.api_key.id}`, { headers: bearer(admin) });
  assert.equal(revoked.revoked_at, null);
  const after = await server.must(200, 'DELETE', `/v1/keys/${made.api_key.id}`, { headers: bearer(admin) });
  assert.notEqual(after.revoked_at, null);
  const refused = await server.api('GET', '/v1/steps/', { headers });
  assert.equal(refused.status, 401);
  assert.equal(refused.text, UNAUTHORIZED);
  const soon = new Date(Date.now() + 1500).toISOString();
  const short = await key(server, admin, ['read'], { expires_at: soon });
  await server.get('/v1/steps/', { headers: bearer(short) });
  const late = await until(() => server.api('GET', '/v1/steps/', { headers: bearer(short) }), (a) => a.status !== 200);
  assert.equal(late.text, UNAUTHORIZED);
  assert.ok(Date.now() >= Date.parse(soon));
});

test('each scope opens its own routes, admin all', async (t) => {
  const server = await serve(t);
  const admin = await firstKey(server);
  const asks = {
    ingest: ['POST', '/v1/steps', { model: 'm' }],
    read: ['GET', '/v1/steps/'],
    write: ['PATCH', `/v1/steps/${newId('step')}/feedback`, { feedback: 'positive' }],
    admin: ['GET', '/v1/keys/'],
    operator: ['GET', '/v1/admin/orgs/'],
  };
  for (const scope of ['ingest', 'read', 'write', 'admin']) {
    const secret = await key(server, admin, [scope]);
    for (const [need, [method, path, body]] of Object.entries(asks)) {
      const answer = await server.api(method, path, { body, headers: bearer(secret) });
      if (scope === need || scope === 'admin') {
        assert.ok(![401, 403].includes(answer.status), `${scope} for ${need}: ${answer.text}`);
      } else {
        assert.equal(answer.status, 403, `${scope} for ${need}`);
        assert.deepEqual(answer.body, { detail: `This key lacks the scope '${need === 'operator' ? 'admin' : need}'` });
      }
    }
  }
});

test('an admin of another organization is no operator, and cannot see across', async (t) => {
  const server = await serve(t);
  const admin = await firstKey(server);
  const org = await organization(server, admin);
  const theirs = await key(server, admin, ['admin'], { org });
  const refused = await server.api('GET', '/v1/admin/orgs/', { headers: bearer(theirs) });
  assert.equal(refused.status, 403);
  const keys = await server.get('/v1/keys/', { headers: bearer(theirs) });
  assert.deepEqual(keys.map((k) => k.organization_id), [org]);
  const ours = await server.get('/v1/keys/', { headers: bearer(admin) });
  assert.deepEqual([...new Set(ours.map((k) => k.organization_id))], [DEFAULT_ORGANIZATION]);
  for (const [method, path] of [['GET', `/v1/keys/${ours[0].id}`], ['DELETE', `/v1/keys/${ours[0].id}`]]) {
    const foreign = await server.api(method, path, { headers: bearer(theirs) });
    const unknown = newId('key');
    const none = await server.api(method, `/v1/keys/${unknown}`, { headers: bearer(theirs) });
    assert.equal(foreign.status, 404);
    assert.equal(foreign.text.replace(ours[0].id, unknown), none.text);
  }
  await server.get('/v1/keys/', { headers: bearer(admin) });
});

test('a key of a project sees and books on that project alone, and is no admin', async (t) => {
  const server = await serve(t);
  const admin = await firstKey(server);
  const headers = bearer(admin);
  const project = (await server.must(201, 'POST', '/v1/projects', { body: { name: 'a' }, headers })).id;
  const other = (await server.must(201, 'POST', '/v1/projects', { body: { name: 'b' }, headers })).id;
  const limitedKey = bearer(await key(server, admin, ['ingest', 'read', 'write', 'admin'], { project_id: project }));
  const foreign = await server.must(201, 'POST', '/v1/steps', { body: { model: 'm', project_id: other }, headers });
  const own = await server.must(201, 'POST', '/v1/steps', { body: { model: 'm' }, headers: limitedKey });
  assert.deepEqual((await server.get('/v1/steps/', { headers: limitedKey })).map((s) => s.id), [own.id]);
  assert.equal((await server.api('GET', `/v1/steps/${foreign.id}`, { headers: limitedKey })).status, 404);
  assert.equal((await server.get(`/v1/steps/${own.id}`, { headers })).project_id, project);
  for (const path of ['/v1/keys/', '/v1/subscriptions/', '/v1/admin/orgs/']) {
    assert.equal((await server.api('GET', path, { headers: limitedKey })).status, 403);
  }
});

test('user_id names the actor inside the organization', async (t) => {
  const server = await serve(t);
  const admin = await firstKey(server);
  const org = await organization(server, admin);
  const user = async (organization_id) =>
    (await server.must(200, 'POST', '/v1/admin/users/', { body: { name: 'u', organization_id }, headers: bearer(admin) })).id;
  const ours = await user(DEFAULT_ORGANIZATION);
  const theirs = await user(org);
  const ask = (id) => server.api('POST', '/v1/steps', { body: { model: 'm' }, headers: { ...bearer(admin), user_id: id } });
  const made = await ask(ours);
  assert.equal(made.status, 201, made.text);
  assert.equal((await server.get(`/v1/steps/${made.body.id}`, { headers: bearer(admin) })).created_by_id, ours);
  const bad = await ask('me');
  assert.equal(bad.status, 400);
  assert.deepEqual(bad.body, {
    detail: "INVALID_ARGUMENT: Invalid user ID format: me. Expected format: 'user-<uuid4>'",
  });
  const unknown = await ask(newId('user'));
  const foreign = await ask(theirs);
  assert.equal(unknown.status, 404);
  assert.deepEqual([foreign.status, foreign.text], [unknown.status, unknown.text]);
});

test('a name that is not ours is not answered to', async (t) => {
  const server = await serve(t, { args: ['--allowed-hosts', 'well.example'] });
  const { port } = new URL(server.url);
  for (const host of [`127.0.0.1:${port}`, 'localhost', `[::1]:${port}`, 'well.example', 'WELL.example:80']) {
    assert.equal((await raw(server, 'GET', '/v1/steps/', { host })).status, 200, host);
  }
  for (const host of ['evil.example', `localhost.evil.example:${port}`, '10.0.0.1', 'a well.example']) {
    const answer = await raw(server, 'GET', '/v1/steps/', { host });
    assert.ok([400, 403].includes(answer.status), `${host}: ${answer.status}`);
    assert.ok(!answer.text.includes('['), 'no list');
  }
});

test('a page of another origin does not write', async (t) => {
  const server = await serve(t);
  const ask = (headers) => server.api('POST', '/v1/steps', { body: { model: 'm' }, headers });
  for (const headers of [{ origin: 'https://evil.example' }, { origin: 'null' }, { 'sec-fetch-site': 'cross-site' },
    { 'sec-fetch-site': 'same-site' }, { origin: server.url, 'sec-fetch-site': 'cross-site' }]) {
    assert.equal((await ask(headers)).status, 403, JSON.stringify(headers));
  }
  for (const headers of [{}, { origin: server.url }, { 'sec-fetch-site': 'none' }, { origin: server.url, 'sec-fetch-site': 'same-origin' }]) {
    assert.equal((await ask(headers)).status, 201, JSON.stringify(headers));
  }
  assert.equal((await server.get('/v1/steps/')).length, 4);
  const read = await server.api('GET', '/v1/steps/', { headers: { origin: 'https://evil.example' } });
  assert.equal(read.status, 200);
  assert.equal(read.headers.get('access-control-allow-origin'), null);
  const preflight = await server.api('OPTIONS', '/v1/steps', { headers: { origin: 'https://evil.example', 'access-control-request-method': 'POST' } });
  assert.equal(preflight.headers.get('access-control-allow-origin'), null);
});

test('pages that are configured may call', async (t) => {
  const server = await serve(t, { args: ['--cors-origins', 'https://app.example'] });
  const origin = 'https://app.example';
  const preflight = await server.api('OPTIONS', '/v1/steps', {
    headers: { origin, 'access-control-request-method': 'POST', 'access-control-request-headers': 'authorization,content-type' },
  });
  assert.equal(preflight.status, 204);
  assert.equal(preflight.headers.get('access-control-allow-origin'), origin);
  assert.match(preflight.headers.get('access-control-allow-methods'), /POST/);
  assert.equal(preflight.headers.get('access-control-allow-headers'), 'authorization,content-type');
  const write = await server.api('POST', '/v1/steps', { body: { model: 'm' }, headers: { origin, 'sec-fetch-site': 'cross-site' } });
  assert.equal(write.status, 201);
  assert.equal(write.headers.get('access-control-allow-origin'), origin);
  assert.match(write.headers.get('vary'), /Origin/);
  const wrong = await server.api('GET', `/v1/steps/${newId('step')}`, { headers: { origin } });
  assert.equal(wrong.status, 404);
  assert.equal(wrong.headers.get('access-control-allow-origin'), origin);
  const other = await server.api('GET', '/v1/steps/', { headers: { origin: 'https://evil.example' } });
  assert.equal(other.headers.get('access-control-allow-origin'), null);
});

test('who asks too often is told when to come again; others are not held', async (t) => {
  const server = await serve(t, { args: ['--requests-per-second', '5'] });
  const admin = await firstKey(server);
  const one = bearer(await key(server, admin, ['read']));
  const two = bearer(await key(server, admin, ['read']));
  const answers = await Promise.all(Array.from({ length: 20 }, () => server.api('GET', '/v1/steps/', { headers: one })));
  const refused = answers.filter((a) => a.status === 429);
  assert.ok(refused.length >= 10, `${refused.length} of 20 were refused`);
  assert.ok(answers.some((a) => a.status === 200));
  for (const answer of refused) {
    assert.ok(Number(answer.headers.get('retry-after')) >= 1);
    const ms = Number(answer.headers.get('retry-after-ms'));
    assert.ok(ms >= 1 && ms <= 1000);
  }
  await server.get('/v1/steps/', { headers: two });
  await until(() => server.api('GET', '/v1/steps/', { headers: one }), (a) => a.status === 200);
});

// The limit is 64 a second for an address (model/limits.def).
test('who guesses keys is slowed down, and whose key was good is not', async (t) => {
  const server = await serve(t);
  const admin = await firstKey(server);
  const known = bearer(await key(server, admin, ['read']));
  await server.get('/v1/steps/', { headers: known });
  const guess = () => server.api('GET', '/v1/steps/', { headers: bearer(`sw_${newId('x')}`) });
  const began = Date.now();
  const count = { 401: 0, 429: 0 };
  for (let i = 0; i < 10; i++) {
    const answers = await Promise.all(Array.from({ length: 100 }, guess));
    for (const answer of answers) {
      count[answer.status] += 1;
      if (answer.status === 429) {
        assert.ok(Number(answer.headers.get('retry-after')) >= 1);
        assert.match(answer.text, /keys that are not known/);
      }
    }
    await server.get('/v1/steps/', { headers: known });
  }
  assert.equal(count[401] + count[429], 1000);
  t.diagnostic(`1,000 guesses: ${JSON.stringify(count)}`);
  const seconds = (Date.now() - began) / 1000;
  assert.ok(count[401] >= 64 && count[401] <= 64 * (seconds + 1) + 2, `${JSON.stringify(count)} in ${seconds} s`);
  assert.equal((await server.api('GET', '/v1/steps/')).status, 401, 'no key is no guess');
  await until(guess, (a) => a.status === 401);
  const { text } = await server.api('GET', '/metrics', { headers: bearer(admin) });
  const refused = (why) => Number(new RegExp(`stepwell_http_rejected_total\\{reason="${why}"\\} (\\d+)`).exec(text)[1]);
  assert.ok(refused('rate_limit') >= count[429] && refused('key') > count[401], text);
});

test('who is refused is refused before his body is sent', async (t) => {
  const server = await serve(t);
  await firstKey(server);
  const { hostname, port } = new URL(server.url);
  for (const [more, secret] of [['', 'sw_a'], ['Expect: 100-continue\r\n', 'sw_b'], ['', null]]) {
    const socket = connect({ host: hostname, port: Number(port) });
    const key = secret ? `Authorization: Bearer ${secret}\r\n` : '';
    socket.write(`POST /v1/steps HTTP/1.1\r\nHost: localhost\r\n${key}${more}Content-Length: 30000000\r\n\r\n`);
    const answer = await limited(new Promise((resolve) => socket.once('data', (bytes) => resolve(bytes.toString()))), 5000, 'an answer');
    assert.match(answer, /^HTTP\/1.1 401 /);
    socket.destroy();
  }
});

test('the last use of a key is noted', async (t) => {
  const server = await serve(t);
  const admin = await firstKey(server);
  const seen = await until(async () => {
    await server.must(201, 'POST', '/v1/steps', { body: { model: 'm' }, headers: bearer(admin) });
    return server.get('/v1/keys/', { headers: bearer(admin) });
  }, (keys) => keys[0].last_used_at !== null);
  assert.ok(Math.abs(Date.parse(seen[0].last_used_at) - Date.now()) < 120_000);
});

test('the secret is shown once and kept nowhere', async (t) => {
  const server = await serve(t);
  const made = await server.must(201, 'POST', '/v1/keys/', { body: { name: 'a', scopes: ['read', 'admin'], user_id: null } });
  const headers = bearer(made.secret);
  assert.deepEqual(made.api_key.scopes, ['read', 'admin']);
  const told = [await server.get('/v1/keys/', { headers }), await server.get(`/v1/keys/${made.api_key.id}`, { headers }), await server.cli('keys', 'list')];
  assert.ok(!JSON.stringify(told).includes(made.secret));
  assert.ok(!server.said.includes(made.secret));
  for (const body of [{ name: 'a' }, { name: 'a', scopes: [] }, { name: 'a', scopes: ['all'] }, { scopes: ['read'] },
    { name: 'a', scopes: ['read'], hash: 'x' }, { name: 'a', scopes: ['read'], id: newId('key') }, [], 'x']) {
    const answer = await server.api('POST', '/v1/keys/', { body, headers });
    assert.equal(answer.status, 422, `${JSON.stringify(body)}: ${answer.text}`);
  }
});

test('keys by the command line', async (t) => {
  const server = await serve(t);
  const made = await server.cli('keys', 'create', 'a key', '--scope', 'ingest', '--scope', 'admin', '--days', '2');
  assert.deepEqual(made.api_key.scopes, ['ingest', 'admin']);
  assert.ok(Math.abs(Date.parse(made.api_key.expires_at) - Date.now() - 2 * 86_400_000) < 60_000);
  await until(() => server.api('GET', '/v1/keys/'), (a) => a.status === 401);
  await server.get('/v1/keys/', { headers: bearer(made.secret) });
  const gone = await server.cli('keys', 'revoke', made.api_key.id);
  assert.notEqual(gone.revoked_at, null);
  await until(() => server.api('GET', '/v1/keys/', { headers: bearer(made.secret) }), (a) => a.status === 401);
  for (const words of [['keys'], ['keys', 'create'], ['keys', 'create', 'a'], ['keys', 'make', 'a'], ['keys', 'revoke'],
    ['keys', 'revoke', newId('key')], ['keys', 'create', 'a', '--scope', 'all'], ['keys', 'create', 'a', 'b', '--scope', 'read']]) {
    await assert.rejects(server.cli(...words), (error) => error.code !== 0 && /stepwell: /.test(error.stderr), words.join(' '));
  }
});
