// SPDX-License-Identifier: Apache-2.0
// How the dashboard is served, byte by byte, without a browser: policy, tags, codings, deep links, size.
import assert from 'node:assert/strict';
import { brotliDecompressSync, gunzipSync } from 'node:zlib';
import { get } from 'node:http';
import { test } from 'node:test';
import { shared } from '../http/lib.mjs';

const at = shared();
const MOST_BYTES = 150 * 1024;

// fetch unpacks and cannot be told not to.
function raw(path, headers = {}, method = 'GET') {
  return new Promise((resolve, reject) => {
    get(at.server.url + path, { headers, method }, (answer) => {
      const parts = [];
      answer.on('data', (part) => parts.push(part)).on('end', () => resolve({ status: answer.statusCode, headers: answer.headers, bytes: Buffer.concat(parts) }));
    }).on('error', reject);
  });
}

async function page(t) {
  const answer = await raw('/');
  if (answer.status === 501) {
    t.skip('this build has no dashboard');
    return null;
  }
  return answer;
}

const assetsOf = (html) => [...html.matchAll(/(?:src|href)="(\/assets\/[^"]+)"/g)].map((found) => found[1]);

test('every address of the dashboard answers the page, others do not', async (t) => {
  const first = await page(t);
  if (!first) {
    return;
  }
  assert.match(first.headers['content-type'], /^text\/html/);
  for (const path of ['/steps', '/steps/', '/steps?status=failed&text=%3Cscript%3E']) {
    const answer = await raw(path);
    assert.deepEqual([answer.status, answer.bytes.equals(first.bytes)], [200, true], path);
  }
  for (const path of ['/nowhere', '/assets/nothing.js', '/assets/', '/assets/..%2fmodel']) {
    assert.equal((await raw(path)).status, 404, path);
  }
  const head = await raw('/', {}, 'HEAD');
  assert.deepEqual([head.status, head.bytes.length, head.headers['content-length']], [200, 0, String(first.bytes.length)]);
  assert.equal((await raw('/', {}, 'POST')).status, 405);
});

test('the page may run and load only what is the server\'s own', async (t) => {
  const answer = await page(t);
  if (!answer) {
    return;
  }
  const policy = Object.fromEntries(answer.headers['content-security-policy'].split(';').map((one) => one.trim().split(/ (.*)/s)));
  assert.equal(policy['default-src'], "'none'");
  for (const [name, sources] of Object.entries(policy)) {
    assert.ok(!/unsafe|\*|https?:/.test(sources), `${name} ${sources}`);
  }
  assert.deepEqual([policy['script-src'], policy['style-src'], policy['connect-src'], policy['frame-ancestors']], ["'self'", "'self'", "'self'", "'none'"]);
  assert.equal(answer.headers['referrer-policy'], 'no-referrer');
  assert.equal(answer.headers['x-content-type-options'], 'nosniff');
  const html = answer.bytes.toString();
  assert.ok(!/<script(?![^>]*\bsrc=)|\son\w+=|\sstyle=|<style/i.test(html), html);
});

test('what the page loads is packed, tagged, and kept for ever', async (t) => {
  const answer = await page(t);
  if (!answer) {
    return;
  }
  const assets = assetsOf(answer.bytes.toString());
  assert.ok(assets.length >= 3);
  let whole = (await raw('/', { 'accept-encoding': 'br' })).bytes.length;
  for (const path of assets) {
    const plain = await raw(path);
    assert.equal(plain.status, 200);
    assert.equal(plain.headers['content-encoding'], undefined);
    assert.match(plain.headers['cache-control'], /immutable/);
    assert.equal(plain.headers.vary, 'Accept-Encoding');
    const br = await raw(path, { 'accept-encoding': 'gzip, deflate, br, zstd' });
    const gz = await raw(path, { 'accept-encoding': 'gzip' });
    assert.deepEqual([br.headers['content-encoding'], gz.headers['content-encoding']], ['br', 'gzip']);
    assert.ok(brotliDecompressSync(br.bytes).equals(plain.bytes) && gunzipSync(gz.bytes).equals(plain.bytes));
    assert.equal(new Set([plain, br, gz].map(({ headers }) => headers.etag)).size, 3);
    const again = await raw(path, { 'accept-encoding': 'br', 'if-none-match': br.headers.etag });
    assert.deepEqual([again.status, again.bytes.length], [304, 0]);
    assert.equal((await raw(path, { 'if-none-match': '"something-else"' })).status, 200);
    whole += br.bytes.length;
  }
  assert.ok(whole < MOST_BYTES, `${whole} bytes in all`);
  t.diagnostic(`${whole} bytes in all, as brotli`);
  const html = await raw('/');
  assert.equal(html.headers['cache-control'], 'no-cache');
  assert.equal((await raw('/', { 'if-none-match': html.headers.etag })).status, 304);
});

test('the licences of what is bundled are served with it', async (t) => {
  if (await page(t)) {
    const text = (await raw('/assets/licences.txt')).bytes.toString();
    assert.match(text, /preact[\s\S]*MIT[\s\S]*uplot[\s\S]*MIT/i);
  }
});
