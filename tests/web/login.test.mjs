// SPDX-License-Identifier: Apache-2.0
// Signing in with a key, in a browser: the page asks for one, goes on where one was, and lets nobody in any more once the
// key is revoked.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fill } from '../http/lib.mjs';
import { accessible, dashboard, on, picture } from './browser.mjs';

const at = {};
const bearer = (secret) => ({ authorization: `Bearer ${secret}` });
const site = dashboard({}, async (server) => {
  await fill(server, 3, (i) => ({ model: `model-${i}`, status: 'success' }));
  at.admin = (await server.must(201, 'POST', '/v1/keys/', { body: { name: 'admin', scopes: ['admin'] } })).secret;
});
const key = async (scopes) => site.server.must(201, 'POST', '/v1/keys/', { body: { name: scopes.join(), scopes }, headers: bearer(at.admin) });
const CUT = { expects: [/status of 401/, /ERR_INCOMPLETE_CHUNKED_ENCODING/] };
const REFUSED = { expects: [/status of 40[13]/] };

test('asks for a key, says what is wrong with one, and goes on where one was', on(site, async (page) => {
  const { secret } = await key(['read']);
  await page.goto(`${site.server.url}/steps?model=model-1`);
  const field = page.getByLabel('Key', { exact: true });
  await field.waitFor();
  await accessible(site, page);
  await picture(page, 'login');
  await field.fill('sw_wrong');
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.getByText('unknown, revoked or expired').waitFor();
  await field.fill((await key(['ingest'])).secret);
  await page.keyboard.press('Enter');
  await page.getByText("lacks the scope 'read'").waitFor();
  await field.fill(secret);
  await page.keyboard.press('Enter');
  await page.getByRole('row', { name: /model-1/ }).waitFor();
  assert.match(page.url(), /model=model-1$/);
  const cookies = await page.context().cookies();
  assert.deepEqual(cookies.map(({ name, httpOnly, sameSite }) => [name, httpOnly, sameSite]), [[`stepwell_session_${new URL(site.server.url).port}`, true, 'Strict']]);
  assert.equal(await page.evaluate(() => document.cookie), '');
  assert.ok(!JSON.stringify(await page.evaluate(() => ({ ...localStorage, ...sessionStorage }))).includes(secret));
  await page.reload();
  await page.getByRole('row', { name: /model-1/ }).waitFor();
  await page.getByRole('button', { name: 'Sign out' }).click();
  await field.waitFor();
  await page.reload();
  await field.waitFor();
}, REFUSED));

test('a revoked key ends the session while the page is open', on(site, async (page) => {
  const made = await key(['read']);
  await page.goto(`${site.server.url}/steps`);
  await page.getByLabel('Key', { exact: true }).fill(made.secret);
  await page.keyboard.press('Enter');
  await page.getByRole('row', { name: /model-2/ }).waitFor();
  await page.getByText('Live', { exact: true }).waitFor();
  // What finds out first is either something that was still to be asked, or the stream.
  await site.server.must(200, 'DELETE', `/v1/keys/${made.api_key.id}`, { headers: bearer(at.admin) });
  await page.getByLabel('Key', { exact: true }).waitFor();
}, CUT));
