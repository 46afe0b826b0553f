// SPDX-License-Identifier: Apache-2.0
// Conversations, agents, models and providers in a browser: each row against sums of the very steps that were sent, order and
// search, the way to one of them and to its steps, and what is called out because nobody knows its price.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { agent, fill, newId } from '../http/lib.mjs';
import { accessible, dashboard, on, picture, until, windows } from './browser.mjs';

const NOW = Date.now();
const COUNT = 60;
const at = {};
// The third agent has no record: asking for its name is answered 404.
const UNNAMED = { expects: [/status of 404/] };
const make = (i) => ({
  created_at: new Date(NOW - (i + 1) * 3_600_000).toISOString(),
  model: i % 2 ? 'gpt-4o-mini' : 'house-brand-7b',
  provider_name: i % 2 ? 'openai' : 'in the cellar',
  agent_id: at.agents[i % 3],
  conversation_id: at.talks[i % 2],
  status: i % 6 === 5 ? 'failed' : 'success',
  ...(i % 12 === 0 ? { feedback: 'negative' } : i % 3 === 0 ? { feedback: 'positive' } : {}), // all of the first agent's: 5 of 20 disliked
  prompt_tokens: 10_000,
  completion_tokens: 1000,
  cached_input_tokens: 0,
  cache_write_tokens: 0,
  reasoning_tokens: 0,
  usage_state: 'reported',
  metrics: { step_ns: 2_000_000_000 },
});

const site = dashboard({}, async (server) => {
  at.agents = [await agent(server, { name: 'reader' }), await agent(server, { name: 'writer' }), newId('agent')];
  at.idle = await agent(server, { name: 'sleeper' });
  at.talks = [newId('conv'), newId('conv')];
  for (const [i, id] of at.talks.entries()) {
    await server.must(201, 'POST', '/v1/conversations/', { body: { id, agent_id: at.agents[i], summary: `about number ${i}` } });
  }
  await server.must(200, 'POST', '/v1/providers/', { body: { name: 'our own', provider_type: 'openai', api_key: 'never-shown', base_url: 'javascript:alert(1)' } });
  at.steps = await fill(server, COUNT, make);
  // A year ago: $2 for a million tokens, once also for some of which it is not known what they cost.
  const tokens = { ...make(0), agent_id: at.agents[2], created_at: new Date(NOW - 365 * 86_400_000).toISOString(), prompt_tokens: 1_000_000, completion_tokens: 0 };
  at.steps.push(...await fill(server, 3, (i) => ({ ...tokens, model: ['all-known', 'half-known', 'half-known'][i], ...(i < 2 ? { cost_nano_usd: 2_000_000_000 } : {}) })));
});

const open = async (page, path) => {
  await page.goto(`${site.server.url}${path}`);
  await page.locator('.sums').waitFor();
};
const row = (page, name) => page.locator('.sums tbody tr', { has: page.getByRole('link', { name, exact: true }) });
const query = (page) => new URL(page.url()).searchParams;

for (const [width, dark] of windows) {
  for (const name of ['conversations', 'agents', 'models', 'providers']) {
    test(`${name}: no barrier, and nothing wider than the window: ${width} pixels, ${dark ? 'dark' : 'light'}`, on(site, async (page) => {
      await open(page, `/${name}`);
      await accessible(site, page);
      assert.equal(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), true);
      await picture(page, `${name}-${dark ? 'dark' : 'light'}-${width}`);
    }, { width, dark, ...UNNAMED }));
  }
}

test('agents: by name, those too that never had a record or a step; one of them, and its steps', on(site, async (page) => {
  await open(page, '/agents?range=all');
  const mine = at.steps.filter((step) => step.agent_id === at.agents[0]);
  await until(() => row(page, 'reader').innerText(), (text) => text.split(/\s+/).includes(String(mine.length)), 'the steps of the reader');
  await until(() => row(page, 'reader').innerText(), (text) => /75(\.0)? %\s+of 20/.test(text), 'what people thought of the reader');
  await row(page, 'sleeper').waitFor();
  assert.equal(await page.locator('.sums tbody tr').count(), 4);
  await row(page, 'reader').getByRole('link', { name: 'reader', exact: true }).click();
  await page.waitForURL(`**/agents/${at.agents[0]}`);
  await page.getByRole('heading', { name: 'reader' }).waitFor();
  const steps = page.locator('.figures li').nth(1);
  await until(() => steps.innerText(), (text) => text.includes(String(mine.length)), 'the steps of one agent');
  assert.equal(await page.getByRole('button', { name: 'Agent', exact: true }).count(), 0);
  await accessible(site, page);
  await picture(page, 'agent');
  await page.locator('header.head').getByRole('link', { name: 'Steps', exact: true }).click();
  await page.waitForURL(/\/steps\?/);
  assert.equal(query(page).get('agent_id'), at.agents[0]);
  await page.goto(`${site.server.url}/agents/${at.agents[2]}`);
  await page.getByText('never: only its steps name it').waitFor();
}, UNNAMED));

test('conversations: what they are about, who spoke, what they cost; one that is not there', on(site, async (page) => {
  await open(page, '/conversations');
  const mine = at.steps.filter((step) => step.conversation_id === at.talks[1]);
  await until(() => row(page, 'about number 1').innerText(), (text) => text.includes('writer') && text.split(/\s+/).includes(String(mine.length)), 'the second conversation');
  await row(page, 'about number 1').getByRole('link', { name: 'about number 1', exact: true }).click();
  await page.waitForURL(`**/conversations/${at.talks[1]}`);
  await page.getByRole('heading', { name: 'about number 1' }).waitFor();
  await page.getByRole('main').getByRole('link', { name: 'Runs' }).waitFor();
  await until(() => page.locator('.figures li').nth(1).innerText(), (text) => text.includes(String(mine.length)), 'its steps');
  await page.goto(`${site.server.url}/conversations/${newId('conv')}`);
  await page.getByText('There is no such conversation').waitFor();
}, UNNAMED));

test('models: one without a price is called out, with what to do', on(site, async (page) => {
  await open(page, '/models');
  const out = page.locator('.callout');
  await out.getByText('the model has no price').waitFor();
  const text = (await out.innerText()).replace(/\s+/g, ' ');
  assert.ok(text.includes('house-brand-7b in the cellar 30 30'), text);
  assert.ok(!text.includes('gpt-4o-mini'), text);
  assert.match((await row(page, 'house-brand-7b').innerText()).replace(/\s+/g, ' '), /– \+ 30 \?/);
  await out.getByRole('link', { name: 'Set a price' }).click();
  assert.equal(await page.getByLabel('Model', { exact: true }).inputValue(), 'house-brand-7b');
  assert.equal(await page.getByLabel('Provider', { exact: true }).inputValue(), 'in the cellar');
  await page.goBack();
  for (const [link, filters] of [['Steps of unknown cost', { has_cost: 'false' }], ['house-brand-7b', { has_cost: 'false', model: 'house-brand-7b', provider_name: 'in the cellar' }]]) {
    await out.getByRole('link', { name: link, exact: true }).click();
    await page.waitForURL(/\/steps\?/);
    assert.deepEqual(Object.fromEntries([...query(page)].filter(([name]) => name !== 'since')), filters);
    await page.getByText('30 steps', { exact: true }).waitFor();
    await page.goBack();
  }
  await row(page, 'gpt-4o-mini').getByRole('link', { name: 'gpt-4o-mini', exact: true }).click();
  await page.waitForURL('**/overview?model=gpt-4o-mini');
  await page.getByRole('button', { name: 'Remove the filter of model' }).waitFor();
}, UNNAMED));

test('models: what a million tokens cost is said only where it is known of all of them', on(site, async (page) => {
  await open(page, '/models?range=all');
  const blended = async (model) => (await row(page, model).locator('td').first().innerText()).trim();
  await row(page, 'half-known').waitFor();
  assert.deepEqual([await blended('all-known'), await blended('half-known'), await blended('house-brand-7b')], ['$2.00', '–', '–']);
}, UNNAMED));

test('providers: their models, and those that are configured; an address that is none is no link', on(site, async (page) => {
  await open(page, '/providers');
  await until(() => row(page, 'openai').innerText(), (text) => text.includes('gpt-4o-mini'), 'the model of openai');
  const configured = page.getByRole('region', { name: 'Configured providers' });
  await configured.getByText('javascript:alert(1)').waitFor();
  assert.equal(await configured.locator('a[href^="javascript"]').count(), 0);
  assert.ok(!(await page.content()).includes('never-shown'));
}));

// The answer of a server that read only the first few of the steps.
async function fewRows(route, count) {
  const url = new URL(route.request().url());
  const response = await route.fetch({ url: url.href.replace(/rows=\d+/, `rows=${count}`) });
  await route.fulfill({ response });
}

test('where there are more steps than are read at once, those of the newest stand there until all are summed', on(site, async (page) => {
  for (const [path, name, mine] of [['/providers?range=all', 'openai', (step) => step.provider_name === 'openai'], ['/conversations?range=all', 'about number 1', (step) => step.conversation_id === at.talks[1]]]) {
    let go;
    const held = new Promise((resolve) => (go = resolve));
    await page.route((url) => url.pathname === '/v1/usage' && !url.searchParams.has('has_feedback') && !url.searchParams.has('latency'), (route) => (/[?&]rows=/.test(route.request().url()) ? fewRows(route, 10) : held.then(() => route.continue())));
    await open(page, path);
    await page.getByText('So far of the newest 10 steps; all of this time are being summed…').waitFor();
    const count = async () => Number((await row(page, name).locator('td.n').first().innerText()).trim());
    const newest = [...at.steps].sort((a, b) => (a.created_at < b.created_at ? 1 : -1)).slice(0, 10);
    assert.equal(await count(), newest.filter(mine).length);
    go();
    await until(count, (n) => n === at.steps.filter(mine).length, 'the sum of all');
    assert.equal(await page.getByText('are being summed').count(), 0);
    await page.unrouteAll();
  }
}, UNNAMED));

test('order and search stand in the address', on(site, async (page) => {
  await open(page, '/agents?range=all');
  const names = () => page.locator('.sums tbody th').allInnerTexts();
  await row(page, 'sleeper').waitFor();
  await page.getByRole('button', { name: 'Agent', exact: true }).click();
  assert.equal(query(page).get('sort'), 'name');
  await until(names, (all) => all.indexOf('reader') < all.indexOf('sleeper') && all.indexOf('sleeper') < all.indexOf('writer'), 'the order by name');
  await page.getByRole('button', { name: /^Agent/ }).click();
  await until(names, (all) => all.indexOf('reader') > all.indexOf('sleeper'), 'the other way round');
  await page.getByRole('searchbox').fill('WRIT');
  await until(names, (all) => all.length === 1 && all[0] === 'writer', 'the search');
  await page.reload();
  await until(names, (all) => all.length === 1 && all[0] === 'writer', 'the same after reading it again');
  await page.getByRole('searchbox').fill('nothing like it');
  await page.getByText('Nothing here has').waitFor();
}, UNNAMED));
