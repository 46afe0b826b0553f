// SPDX-License-Identifier: Apache-2.0
// What is around every page: navigation, keys, palette, help, themes, addresses that lead nowhere, an empty ledger.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { accessible, dashboard, on, picture, until, windows } from './browser.mjs';

const site = dashboard();
const ground = (page) => page.evaluate(() => getComputedStyle(document.body).backgroundColor);

for (const [width, dark] of windows) {
  test(`an empty ledger says how to get the first step in, ${dark ? 'dark' : 'light'}, ${width} pixels`, on(site, async (page) => {
    await page.goto(site.server.url);
    await page.getByText('No step has been recorded yet').waitFor();
    const text = await page.locator('main').innerText();
    for (const way of [`OTEL_EXPORTER_OTLP_ENDPOINT=${site.server.url}`, `curl ${site.server.url}/v1/steps/`, 'stepwell import']) {
      assert.ok(text.includes(way), way);
    }
    assert.equal(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), true);
    await accessible(site, page);
    await picture(page, `empty-${dark ? 'dark' : 'light'}-${width}`);
  }, { dark, width }));
}

test('the first step appears in it by itself', on(site, async (page) => {
  await page.goto(site.server.url);
  await page.getByText('No step has been recorded yet').waitFor();
  await page.getByText('Live', { exact: true }).waitFor();
  const { id } = await site.server.must(201, 'POST', '/v1/steps', { body: { model: 'the-first', status: 'success' } });
  await page.getByRole('row', { name: /the-first/ }).waitFor();
  // Charts begin with it; what it cost it did not say, which is not nothing.
  const sum = (title) => page.locator('.panel-chart', { hasText: title }).locator('strong').innerText();
  await until(() => sum('Steps'), (text) => text === '1', 'the sums');
  assert.deepEqual([await sum('Tokens'), await sum('Cost')], ['–?', '–?']);
  await site.server.must(200, 'DELETE', `/v1/steps/${id}`);
  await page.getByRole('row', { name: /the-first/ }).waitFor({ state: 'detached' });
}));

test('the theme follows the system until somebody chooses, and the choice stays', on(site, async (page) => {
  await page.goto(site.server.url);
  await page.getByRole('button', { name: /^Theme/ }).waitFor();
  const light = await ground(page);
  await page.emulateMedia({ colorScheme: 'dark' });
  await until(() => ground(page), (color) => color !== light, 'the dark theme');
  const dark = await ground(page);
  await page.getByRole('button', { name: 'Theme: as the system' }).click();
  assert.equal(await ground(page), light);
  await page.reload();
  await page.getByRole('button', { name: 'Theme: light' }).click();
  await page.emulateMedia({ colorScheme: 'light' });
  assert.equal(await ground(page), dark);
}));

test('the palette and the help, by keyboard alone', on(site, async (page) => {
  await page.goto(site.server.url);
  await page.getByRole('navigation').waitFor();
  await page.keyboard.press('?');
  await page.getByRole('dialog', { name: 'Keyboard' }).waitFor();
  await page.getByText('Command palette').first().waitFor();
  await accessible(site, page);
  await page.keyboard.press('Escape');
  await page.getByRole('dialog').waitFor({ state: 'detached' });
  await page.keyboard.press('Control+k');
  await page.keyboard.type('theme dark');
  await accessible(site, page);
  await page.keyboard.press('Enter');
  await page.getByRole('button', { name: 'Theme: dark' }).waitFor();
  await page.keyboard.press('Control+k');
  await page.keyboard.type('<b>needle');
  await page.getByRole('option', { name: 'Search steps for “<b>needle”' }).waitFor();
  await page.keyboard.press('Enter');
  await until(() => page.url(), (url) => new URL(url).searchParams.get('text') === '<b>needle', 'the search');
  await page.getByText('No step is like that').waitFor();
}));

test('an address that leads nowhere in the dashboard says so', on(site, async (page) => {
  await page.goto(`${site.server.url}/steps`);
  await page.evaluate(() => {
    history.pushState(null, '', '/nowhere/at-all');
    dispatchEvent(new PopStateEvent('popstate'));
  });
  await page.getByText('There is no page at this address').waitFor();
  await page.keyboard.press('g');
  await page.keyboard.press('s');
  await page.getByRole('heading', { name: /^Steps/ }).waitFor();
}));

test('a server that is gone is told, with a way to try again', on(site, async (page) => {
  await page.goto(`${site.server.url}/steps`);
  await page.getByText('No step has been recorded yet').waitFor();
  await page.route('**/v1/steps/?**', (route) => route.abort());
  await page.keyboard.press('r');
  await page.getByText('The server cannot be reached').first().waitFor();
  await page.unroute('**/v1/steps/?**');
  await page.getByRole('button', { name: 'Try again' }).first().click();
  await page.getByText('No step has been recorded yet').waitFor();
}, { expects: [/ERR_FAILED/] }));
