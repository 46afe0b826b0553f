// SPDX-License-Identifier: Apache-2.0
// Sessions: a browser shows a key once and is let in by a cookie from then on; until it is over, or the key is. What a
// page of somebody else could do with that cookie is tried too.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DEFAULT_ORGANIZATION, limited, newId, serve } from './lib.mjs';

const OWN_PAGE = { 'stepwell-dashboard': '1' };
const bearer = (secret) => ({ authorization: `Bearer ${secret}` });
const secretOf = async (server, body, headers = {}) => (await server.must(201, 'POST', '/v1/keys/', { body, headers }));
const begin = (server, key, headers = OWN_PAGE) => server.api('POST', '/v1/session', { body: { key }, headers });

// "stepwell_session_8283=...; Path=/; ..." as {cookie: what a browser would send, attributes: [...]}.
function cookieOf(answer) {
  const [pair, ...attributes] = (answer.headers.get('set-cookie') ?? '').split('; ');
  return { cookie: pair, attributes };
}

async function closed(t, options) {
  const server = await serve(t, options);
  const admin = (await secretOf(server, { name: 'admin', scopes: ['admin'] })).secret;
  return { server, admin };
}

test('a server that asks for no key says so, and sets no cookie', async (t) => {
  const server = await serve(t);
  const who = await server.get('/v1/session');
  assert.equal(who.open, true);
  assert.equal(who.organization_id, DEFAULT_ORGANIZATION);
  assert.deepEqual(who.scopes, ['ingest', 'read', 'write', 'admin']);
  assert.equal(who.operator, true);
  const answer = await begin(server, 'anything');
  assert.equal(answer.status, 200);
  assert.equal(answer.headers.get('set-cookie'), null);
  assert.deepEqual(answer.body, who);
});

test('a key begins a session, which reads as the key does, and tells nothing of it', async (t) => {
  const { server, admin } = await closed(t);
  const made = await secretOf(server, { name: 'reader', scopes: ['read'] }, bearer(admin));
  const answer = await begin(server, made.secret);
  assert.equal(answer.status, 200);
  const { cookie, attributes } = cookieOf(answer);
  assert.deepEqual(attributes.sort(), ['HttpOnly', 'Max-Age=604800', 'Path=/', 'SameSite=Strict']);
  assert.ok(!cookie.includes(made.secret) && !Buffer.from(cookie.split('=')[1], 'base64').includes(made.secret));
  assert.equal(answer.headers.get('cache-control'), 'no-store');
  const who = await server.get('/v1/session', { headers: { cookie } });
  assert.deepEqual({ ...who, expires_at: null }, { ...answer.body, expires_at: null });
  assert.equal(who.open, false);
  assert.equal(who.key_id, made.api_key.id);
  assert.deepEqual(who.scopes, ['read']);
  assert.equal(who.operator, false);
  const days = (Date.parse(who.expires_at) - Date.now()) / 86_400_000;
  assert.ok(days > 6.9 && days <= 7, who.expires_at);
  await server.get('/v1/steps/', { headers: { cookie: `other=1; ${cookie}; more=2` } });
  const write = await server.api('POST', '/v1/projects/', { body: { name: 'x' }, headers: { cookie, ...OWN_PAGE } });
  assert.equal(write.status, 403);
  assert.match(write.text, /scope 'write'/);
});

test('behind what speaks TLS for the server the cookie is for TLS only', async (t) => {
  const { server, admin } = await closed(t);
  const origin = server.url.replace('http:', 'https:');
  for (const [from, secure] of [[origin, true], [server.url, false]]) {
    const answer = await begin(server, admin, { ...OWN_PAGE, origin: from });
    assert.deepEqual([answer.status, cookieOf(answer).attributes.includes('Secure')], [200, secure], from);
  }
});

test('two servers of one machine leave each other their sessions', async (t) => {
  const [one, other] = [await closed(t), await closed(t)];
  const cookies = await Promise.all([one, other].map(async ({ server, admin }) => cookieOf(await begin(server, admin)).cookie));
  const names = cookies.map((cookie) => cookie.split('=')[0]);
  assert.deepEqual(names, [one, other].map(({ server }) => `stepwell_session_${new URL(server.url).port}`));
  for (const { server } of [one, other]) {
    const who = await server.get('/v1/session', { headers: { cookie: cookies.join('; ') } });
    assert.ok(who.key_id && who.expires_at, JSON.stringify(who));
  }
});

test('a key that is shown in a header goes before the session', async (t) => {
  const { server, admin } = await closed(t);
  const reader = (await secretOf(server, { name: 'reader', scopes: ['read'] }, bearer(admin))).secret;
  const { cookie } = cookieOf(await begin(server, admin));
  const who = await server.get('/v1/session', { headers: { cookie, ...bearer(reader) } });
  assert.deepEqual([who.scopes, who.expires_at], [['read'], null]);
});

test('what is refused', async (t) => {
  const { server, admin } = await closed(t);
  const ingest = (await secretOf(server, { name: 'sender', scopes: ['ingest'] }, bearer(admin))).secret;
  const expired = (await secretOf(server, { name: 'old', scopes: ['read'], expires_at: '2020-01-01T00:00:00Z' }, bearer(admin)).catch(() => ({}))).secret;
  for (const key of [`${admin}x`, 'x', ...(expired ? [expired] : [])]) {
    const answer = await begin(server, key);
    assert.deepEqual([answer.status, answer.headers.get('set-cookie')], [401, null]);
  }
  const lacks = await begin(server, ingest);
  assert.deepEqual([lacks.status, lacks.headers.get('set-cookie')], [403, null]);
  assert.match(lacks.text, /scope 'read'/);
  for (const body of [{}, { key: '' }, { key: 7 }, { key: admin, more: 1 }, [admin]]) {
    const answer = await server.api('POST', '/v1/session', { body, headers: OWN_PAGE });
    assert.equal(answer.status, 422, answer.text);
    assert.ok(!answer.text.includes(admin));
  }
  const { cookie } = cookieOf(await begin(server, admin));
  const value = cookie.split('=').slice(1).join('=');
  const flipped = `${value.slice(0, -6)}${value.at(-6) === 'A' ? 'B' : 'A'}${value.slice(-5)}`;
  const [name] = cookie.split('=');
  for (const bad of [`${name}=`, `${name}=x`, `${name}=${flipped}`, `${name}=${admin}`, `stepwell_session=${value}`, `${name}0=${value}`, `x${cookie}`]) {
    const { status, text } = await server.api('GET', '/v1/steps/', { headers: { cookie: bad } });
    assert.deepEqual([status, text], [401, '{"detail":"Unauthorized"}'], bad);
  }
});

test('a page of somebody else can do nothing with the cookie', async (t) => {
  const { server, admin } = await closed(t);
  const { cookie } = cookieOf(await begin(server, admin));
  const project = (headers) => server.api('POST', '/v1/projects/', { body: { name: newId('p') }, headers: { cookie, ...headers } });
  assert.equal((await project(OWN_PAGE)).status, 201);
  assert.equal((await project({ ...OWN_PAGE, origin: server.url, 'sec-fetch-site': 'same-origin' })).status, 201);
  const refused = [{}, { origin: server.url }, { ...OWN_PAGE, origin: 'https://evil.example' }, { ...OWN_PAGE, 'sec-fetch-site': 'cross-site' }, { ...OWN_PAGE, 'sec-fetch-site': 'same-site' }];
  for (const headers of refused) {
    assert.equal((await project(headers)).status, 403, JSON.stringify(headers));
    assert.equal((await begin(server, admin, headers)).status, 403);
    assert.equal((await server.api('DELETE', '/v1/session', { headers: { cookie, ...headers } })).status, 403);
  }
  const read = await server.api('GET', '/v1/steps/', { headers: { cookie, origin: 'https://evil.example' } });
  assert.equal(read.headers.get('access-control-allow-origin'), null);
});

test('it ends when it is ended, and everywhere at once when its key is revoked', async (t) => {
  const { server, admin } = await closed(t);
  const made = await secretOf(server, { name: 'reader', scopes: ['read'] }, bearer(admin));
  const { cookie } = cookieOf(await begin(server, made.secret));
  const ended = await server.api('DELETE', '/v1/session', { headers: { cookie, ...OWN_PAGE } });
  assert.equal(ended.status, 200);
  assert.deepEqual(cookieOf(ended).cookie, `${cookie.split('=')[0]}=`);
  assert.ok(cookieOf(ended).attributes.includes('Max-Age=0'));

  const stream = await fetch(`${server.url}/v1/steps/stream`, { headers: { cookie } });
  assert.equal(stream.status, 200);
  await server.must(200, 'DELETE', `/v1/keys/${made.api_key.id}`, { headers: bearer(admin) });
  assert.equal((await server.api('GET', '/v1/session', { headers: { cookie } })).status, 401);
  const reader = stream.body.getReader();
  const drain = async () => {
    for (let piece = await reader.read(); !piece.done; piece = await reader.read());
  };
  // Before its next ping, after 15 s, which finds what others revoked.
  await limited(drain().catch(() => undefined), 10_000, 'the stream of the session to end');
});

test('a session outlives the server, and is nothing to a server with another key', async (t) => {
  const { server, admin } = await closed(t);
  const { cookie } = cookieOf(await begin(server, admin));
  const headers = { cookie, host: new URL(server.url).host }; // the browser asks for the same address
  await server.stop();
  const again = await serve(t, { store: server.store });
  assert.equal((await again.get('/v1/session', { headers })).key_id.startsWith('key-'), true);
  await again.stop();
  const other = await serve(t, { store: server.store, env: { STEPWELL_SECRET_KEY: 'ab'.repeat(32) } });
  assert.equal((await other.api('GET', '/v1/session', { headers })).status, 401);
  await other.get('/v1/session', { headers: bearer(admin) });
});
