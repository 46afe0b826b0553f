// SPDX-License-Identifier: Apache-2.0
// Settings in a browser, against what the server keeps: projects, keys, webhooks and their deliveries, prices and repricing,
// organizations, users, retention, the store; and what is said to keys that may not.
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { test } from 'node:test';
import { fill } from '../http/lib.mjs';
import { accessible, dashboard, on, picture, until, windows } from './browser.mjs';

const at = { answers: 500, told: [] };
const bearer = (secret) => ({ headers: { authorization: `Bearer ${secret}` } });
const site = dashboard({ args: ['--allow-private-targets'], env: { STEPWELL_OTLP_KEEP_DAYS: '3' } }, async (server) => {
  at.steps = await fill(server, 20, (i) => ({ model: 'house-brand-7b', provider_name: 'in the cellar', status: 'success', prompt_tokens: 1_000_000, completion_tokens: 0, cached_input_tokens: 0, cache_write_tokens: 0, reasoning_tokens: 0, usage_state: 'reported', tags: [`${i}`] }));
  const make = async (name, scopes, more = {}, as = {}) => (await server.must(201, 'POST', '/v1/keys/', { body: { name, scopes, ...more }, ...as })).secret;
  at.admin = await make('the first', ['admin']);
  at.reader = await make('only reads', ['read'], {}, bearer(at.admin));
  at.writer = await make('writes', ['read', 'write'], {}, bearer(at.admin));
});
const api = (method, path, body) => site.server.api(method, path, { body, ...bearer(at.admin) });

// Signs in, and goes to a part of the settings.
async function enter(page, part, key = at.admin) {
  await page.goto(`${site.server.url}/settings/${part}`);
  await page.getByLabel('Key', { exact: true }).fill(key);
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.getByRole('heading', { name: 'Settings', exact: true }).waitFor();
}
const dialog = (page) => page.getByRole('dialog');
const row = (page, text) => page.locator('tbody tr', { hasText: text });
const LOGIN = { expects: [/status of 401/] };

for (const [width, dark] of windows) {
  test(`no barrier, and nothing wider than the window: ${width} pixels, ${dark ? 'dark' : 'light'}`, on(site, async (page) => {
    await enter(page, 'projects');
    for (const part of ['projects', 'keys', 'webhooks', 'prices', 'organizations', 'users', 'retention', 'store']) {
      await page.goto(`${site.server.url}/settings/${part}`);
      await page.locator('.setting').first().waitFor();
      await until(() => page.locator('.loading').count(), (count) => count === 0, 'all of it');
      await accessible(site, page);
      assert.equal(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), true, part);
      await picture(page, `settings-${part}-${dark ? 'dark' : 'light'}-${width}`);
    }
  }, { width, dark, ...LOGIN }));
}

test('a project is created, changed and deleted; a name that is taken is said at its field', on(site, async (page) => {
  await enter(page, 'projects');
  await page.getByRole('button', { name: 'New project' }).click();
  await accessible(site, page);
  await dialog(page).getByLabel('Name').fill('checkout');
  await dialog(page).getByLabel(/^Keep what is said/).uncheck();
  await dialog(page).getByRole('button', { name: 'Create' }).click();
  await row(page, 'checkout').getByText('is dropped').waitFor();
  await page.getByRole('button', { name: 'New project' }).click();
  await dialog(page).getByLabel('Name').fill('checkout');
  await dialog(page).getByRole('button', { name: 'Create' }).click();
  await dialog(page).getByText('This was not done').waitFor();
  await page.keyboard.press('Escape');
  await row(page, 'checkout').getByRole('button', { name: 'Change' }).click();
  await dialog(page).getByLabel('Name').fill('till');
  await dialog(page).getByRole('button', { name: 'Save' }).click();
  await row(page, 'till').getByRole('button', { name: 'Delete' }).click();
  await dialog(page).getByRole('button', { name: 'Delete' }).click();
  await page.getByText('There is no project yet').waitFor();
  assert.deepEqual((await api('GET', '/v1/projects/')).body, []);
}, { expects: [/status of 4\d\d/] }));

test('the secret of a key is shown once, opens the server, and not when the key is revoked', on(site, async (page) => {
  await enter(page, 'keys');
  await page.getByRole('button', { name: 'New key' }).click();
  await dialog(page).getByLabel('What it is for').fill('a robot');
  await accessible(site, page);
  await dialog(page).getByRole('button', { name: 'Create' }).click();
  const secret = await page.getByRole('dialog', { name: /secret/ }).locator('pre').innerText();
  const asked = () => site.server.api('GET', '/v1/steps/?limit=1', bearer(secret));
  assert.equal((await asked()).status, 200);
  await page.getByRole('button', { name: 'I have it' }).click();
  await row(page, 'a robot').getByText('ingest, read').waitFor();
  await page.reload();
  await row(page, 'a robot').waitFor();
  assert.ok(!(await page.content()).includes(secret));
  await row(page, 'a robot').getByRole('button', { name: 'Revoke' }).click();
  await dialog(page).getByRole('button', { name: 'Revoke' }).click();
  await row(page, 'a robot').getByText('revoked').waitFor();
  assert.equal((await asked()).status, 401);
}, LOGIN));

test('a webhook is made, tested, delivered again, and its attempts are shown', on(site, async (page, t) => {
  const listener = createServer((request, response) => {
    at.told.push(request.headers['stepwell-event']);
    response.writeHead(at.answers).end();
  });
  await new Promise((resolve) => listener.listen(0, '127.0.0.1', resolve));
  t.after(() => listener.close());
  const url = `http://127.0.0.1:${listener.address().port}/hook`;
  await enter(page, 'webhooks');
  await page.getByRole('button', { name: 'New webhook' }).click();
  await dialog(page).getByLabel('Where deliveries go').fill(url);
  await dialog(page).getByLabel('step.failed').check();
  await dialog(page).getByLabel('Secret').fill('between us');
  await accessible(site, page);
  await dialog(page).getByRole('button', { name: 'Create' }).click();
  const mine = page.getByRole('region', { name: 'Webhooks' }).locator('tbody tr', { hasText: url });
  await mine.getByText('step.failed').waitFor();
  assert.ok(!(await page.content()).includes('between us'));
  await mine.getByRole('button', { name: 'Test' }).click();
  const shown = page.getByRole('dialog', { name: 'Delivery' });
  await shown.getByRole('cell', { name: '500', exact: true }).waitFor();
  await accessible(site, page);
  await picture(page, 'delivery');
  at.answers = 204;
  await shown.getByRole('button', { name: 'Deliver again' }).click();
  await shown.getByRole('cell', { name: '204', exact: true }).waitFor();
  await shown.getByText('delivered', { exact: true }).waitFor();
  assert.deepEqual([...new Set(at.told)], ['test']);
  await shown.getByRole('button', { name: 'Close', exact: true }).last().click();
  const deliveries = page.getByRole('region', { name: 'Deliveries' });
  await deliveries.getByText('delivered', { exact: true }).waitFor();
  await page.getByLabel('Stands').selectOption('failed');
  await page.getByText('There is no such delivery').waitFor();
  await mine.getByRole('button', { name: 'Change' }).click();
  await dialog(page).getByLabel(/^Deliver/).uncheck();
  await dialog(page).getByRole('button', { name: 'Save' }).click();
  await mine.getByText('stopped').waitFor();
  await mine.getByRole('button', { name: 'Delete' }).click();
  await dialog(page).getByRole('button', { name: 'Delete' }).click();
  await page.getByText('Nobody is told of anything yet').waitFor();
}, LOGIN));

test('a price is set in dollars, and a repricing brings it to the steps that are there', on(site, async (page) => {
  await enter(page, 'prices');
  const unknown = page.getByRole('region', { name: 'Models of unknown cost' });
  await unknown.locator('tbody tr', { hasText: 'house-brand-7b' }).getByRole('link', { name: 'Set a price' }).click();
  await dialog(page).getByLabel('Input', { exact: true }).fill('0.075');
  await dialog(page).getByLabel('Output', { exact: true }).fill('0.000000001');
  await accessible(site, page);
  await dialog(page).getByRole('button', { name: 'Set', exact: true }).click();
  await page.getByRole('region', { name: 'Prices of your own' }).getByText('house-brand-7b').waitFor();
  const [price] = (await api('GET', '/v1/prices/')).body;
  assert.deepEqual([price.model, price.provider_name, price.input_nano_usd, price.output_nano_usd, price.cache_read_nano_usd], ['house-brand-7b', 'in the cellar', 75_000_000, 1, null]);
  await page.getByRole('button', { name: 'Reprice…' }).click();
  await page.getByRole('button', { name: 'See what would change' }).click();
  const go = page.getByRole('button', { name: /^Reprice 20 steps/ });
  await go.waitFor();
  assert.equal(await go.isDisabled(), true);
  assert.equal((await api('GET', '/v1/usage')).body.total.cost_unknown, 20);
  await dialog(page).getByLabel('Why').fill('it has a price now');
  await accessible(site, page);
  await picture(page, 'reprice');
  await go.click();
  await dialog(page).getByText('Done.').waitFor();
  const { total } = (await api('GET', '/v1/usage')).body;
  assert.deepEqual([total.cost_unknown, total.cost_nano_usd], [0, 20 * 75_000_000]);
  await dialog(page).getByRole('button', { name: 'Close' }).last().click();
  await page.getByText('Of every step it is known what it cost').waitFor();
  const own = page.getByRole('region', { name: 'Prices of your own' });
  await own.getByRole('button', { name: 'Change' }).click();
  assert.equal(await dialog(page).getByLabel('Input', { exact: true }).inputValue(), '0.075');
  assert.equal(await dialog(page).getByLabel('Output', { exact: true }).inputValue(), '0.000000001');
  await page.keyboard.press('Escape');
  await own.getByRole('button', { name: 'Delete' }).click();
  await dialog(page).getByRole('button', { name: 'Delete' }).click();
  await page.getByText('You set no price').waitFor();
}, LOGIN));

test('organizations and users are made, and keys of another organization', on(site, async (page) => {
  await enter(page, 'organizations');
  await page.getByRole('button', { name: 'New organization' }).click();
  await dialog(page).getByLabel('Name').fill('next door');
  await dialog(page).getByRole('button', { name: 'Create' }).click();
  await row(page, 'next door').waitFor();
  await page.getByRole('link', { name: 'Users', exact: true }).click();
  await page.getByRole('button', { name: 'New user' }).click();
  await dialog(page).getByLabel('Name').fill('Nina');
  await dialog(page).getByLabel('Organization').selectOption({ label: 'next door' });
  await dialog(page).getByRole('button', { name: 'Create' }).click();
  await row(page, 'Nina').getByText('next door').waitFor();
  await page.getByRole('link', { name: 'Keys', exact: true }).click();
  await page.getByLabel('Organization').selectOption({ label: 'next door' });
  await page.getByRole('button', { name: 'New key' }).click();
  await dialog(page).getByLabel('What it is for').fill('theirs');
  await dialog(page).getByRole('button', { name: 'Create' }).click();
  const secret = await page.getByRole('dialog', { name: /secret/ }).locator('pre').innerText();
  assert.deepEqual((await site.server.api('GET', '/v1/steps/', bearer(secret))).body, []);
  await page.getByRole('button', { name: 'I have it' }).click();
  await row(page, 'theirs').waitFor();
  await page.getByLabel('Organization').selectOption('');
  await row(page, 'the first').waitFor();
  assert.equal(await row(page, 'theirs').count(), 0);
}, LOGIN));

test('retention and store say what the server says', on(site, async (page) => {
  await enter(page, 'retention');
  await row(page, 'otlp-keep-days').getByText('3', { exact: true }).waitFor();
  const { store } = (await api('GET', '/v1/admin/server')).body;
  await page.getByText(`stepwell prune --older-than 90d --store 'sqlite:${store.path}'`, { exact: true }).waitFor();
  await page.getByRole('link', { name: 'Store health' }).click();
  await page.getByText('ok', { exact: true }).waitFor();
  const fact = (name) => page.locator('.particulars > div', { has: page.locator('dt', { hasText: new RegExp(`^${name}$`) }) }).locator('dd').innerText();
  assert.equal(await fact('Steps'), '20');
  assert.equal(await fact('File'), store.path);
  await row(page, 'allow-private-targets').getByText('true').waitFor();
}, LOGIN));

test('a key that may only read is told so, part by part, and is asked nothing it may not', on(site, async (page) => {
  await enter(page, 'projects', at.reader);
  await page.getByText('To change one, a key needs the scope “write”').waitFor();
  assert.equal(await page.getByRole('button', { name: 'New project' }).count(), 0);
  for (const [part, words] of [
    ['keys', 'Keys are for keys with the scope “admin”'],
    ['webhooks', 'Webhooks are for keys with the scope “admin”'],
    ['organizations', 'Other organizations are for keys with the scope “admin” of the default organization'],
    ['users', 'Users are for keys with the scope “admin” of the default organization'],
    ['retention', 'are for keys with the scope “admin” of the default organization'],
    ['store', 'are for keys with the scope “admin” of the default organization'],
    ['prices', 'To set one, a key needs the scope “admin”'],
  ]) {
    await page.goto(`${site.server.url}/settings/${part}`);
    await page.getByText(words).first().waitFor();
    await accessible(site, page);
  }
  await page.goto(`${site.server.url}/settings/organizations`);
  await page.getByText('default_org').first().waitFor();
}, LOGIN));

test('a key that writes makes projects, but no keys', on(site, async (page) => {
  await enter(page, 'projects', at.writer);
  await page.getByRole('button', { name: 'New project' }).waitFor();
  await page.getByRole('link', { name: 'Keys', exact: true }).click();
  await page.getByText('Keys are for keys with').waitFor();
  assert.equal(await page.getByRole('button', { name: 'New key' }).count(), 0);
}, LOGIN));
