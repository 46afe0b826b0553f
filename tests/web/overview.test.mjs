// SPDX-License-Identifier: Apache-2.0
// The overview in a browser: its figures against sums of the very steps that were sent, what drags, clicks and choices do to
// the address, and what it says of what is not known.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { agent, fill } from '../http/lib.mjs';
import { accessible, dashboard, on, picture, until, windows } from './browser.mjs';

const DAY_MS = 86_400_000;
const HOUR_MS = 3_600_000;
const TODAY = Math.floor(Date.now() / DAY_MS) * DAY_MS;
const HOSTILE = '<img src=x onerror="document.title=1">';
const MODELS = ['alpha', 'beta', HOSTILE];
const NOW = 90; // steps of the last nine days
const BEFORE = 40; // and of the thirty days before the last thirty
const NIGHT = Date.parse('2025-03-29T12:00Z'); // within a day of it summer time begins where the browser is
const HOURS = 24; // with a step each
const site = dashboard({}, prepare);
const at = {};

// Every seventh failed, every ninth has feedback; every tenth is of another model, and of those that are recent nobody knows
// the cost and the tokens.
const another = (i) => i % 10 === 9;
const silent = (i) => i < NOW && another(i);
const began = (i) => (i < NOW ? TODAY - (i % 9) * DAY_MS : TODAY - (35 + (i % 20)) * DAY_MS) + (i % 24) * 60_000;
const make = (i) => ({
  created_at: new Date(i < NOW + BEFORE ? began(i) : NIGHT + (i - NOW - BEFORE) * HOUR_MS).toISOString(),
  model: another(i) ? 'gamma' : MODELS[i % 3],
  provider_name: 'somebody',
  agent_id: at.agents[i % 2],
  project_id: `project of ${i % 2}`,
  end_user: `user ${i % 4}`,
  status: i % 7 === 6 ? 'failed' : 'success',
  ...(silent(i) ? {} : { prompt_tokens: 1000, completion_tokens: 200, cached_input_tokens: 400, cache_write_tokens: 0, reasoning_tokens: 50, usage_state: 'reported', cost_nano_usd: (1 + (i % 3)) * 500_000_000 }),
  ...(i % 9 === 0 ? { feedback: i % 2 ? 'negative' : 'positive' } : {}),
  metrics: { step_ns: (1 + (i % 10)) * 1_000_000_000 },
});

async function prepare(server) {
  at.agents = [await agent(server, { name: 'left hand' }), await agent(server, { name: 'right hand' })];
  at.steps = await fill(server, NOW + BEFORE + HOURS, make);
}

const recent = () => at.steps.slice(0, NOW);
const dollars = (steps) => `$${(steps.reduce((sum, step) => sum + (step.cost_nano_usd ?? 0), 0) / 1e9).toFixed(2)}`;
const show = async (page, search = '') => {
  await page.goto(`${site.server.url}/overview${search}`);
  await page.locator('.figures').waitFor();
};
const figure = (page, title) => page.locator('.figures li', { has: page.getByRole('link', { name: title, exact: true }) });
const query = (page) => new URL(page.url()).searchParams;

for (const [width, dark] of windows) {
  test(`no barrier, and nothing wider than the window: ${width} pixels, ${dark ? 'dark' : 'light'}`, on(site, async (page) => {
    await show(page);
    await page.locator('.movers').waitFor();
    await accessible(site, page);
    assert.equal(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), true);
    await picture(page, `overview-${dark ? 'dark' : 'light'}-${width}`);
  }, { width, dark }));
}

test('figures are the sums of the steps, and say of how many nothing is known', on(site, async (page) => {
  await show(page);
  const unknown = recent().filter((_, i) => silent(i)).length;
  const failed = recent().filter((step) => step.status === 'failed').length;
  const liked = recent().filter((step) => step.feedback);
  const positive = liked.filter((step) => step.feedback === 'positive').length;
  const text = async (title) => (await figure(page, title).innerText()).replace(/\s+/g, ' ');
  await until(() => text('Spend'), (said) => said.includes(dollars(recent())) && said.includes(`${unknown} steps of unknown cost`), 'the spend');
  await until(() => text('Steps'), (said) => said.includes(`${NOW}`), 'the steps');
  await until(() => text('Tokens'), (said) => said.includes(`${unknown} steps of unknown usage`), 'the tokens');
  await until(() => text('Error rate'), (said) => said.includes(`${((100 * failed) / NOW).toFixed(1)} %`) && said.includes(`${failed} failed steps`), 'the errors');
  await until(() => text('Liked'), (said) => said.includes(`${((100 * positive) / liked.length).toFixed(1)} %`) && said.includes(`of ${liked.length} steps`), 'the feedback');
  const { groups } = await site.server.get(`/v1/usage?latency=true&from=${new Date(TODAY - 29 * DAY_MS).toISOString()}`);
  await until(() => text('Step time, p95'), (said) => said.includes(`${(groups[0].step_time.p95_ns / 1e9).toFixed(groups[0].step_time.p95_ns >= 9.995e9 ? 1 : 2)} s`), 'the time');
  const before = at.steps.slice(NOW);
  const rise = NOW / before.filter((step) => Date.parse(step.created_at) >= TODAY - 59 * DAY_MS).length - 1;
  await until(() => text('Steps'), (said) => said.includes(`▲ ${+(100 * rise).toFixed(1)} %`), 'the change');
}));

test('sums by each dimension, with names, and a value narrows to itself', on(site, async (page) => {
  await show(page);
  for (const [button, name] of [['Agent', 'left hand'], ['Project', 'project of 1'], ['User', 'user 3'], ['Provider', 'somebody'], ['Model', 'alpha']]) {
    await page.getByRole('button', { name: button, exact: true }).click();
    await page.getByRole('heading', { name: `By ${button.toLowerCase()}`, exact: true }).waitFor();
    await page.locator('.sums').getByRole('link', { name, exact: true }).waitFor();
  }
  await page.getByRole('button', { name: 'Agent', exact: true }).click();
  await page.locator('.sums').getByRole('link', { name: 'right hand', exact: true }).click();
  assert.equal(query(page).get('agent_id'), at.agents[1]);
  const mine = recent().filter((step) => step.agent_id === at.agents[1]);
  await until(() => figure(page, 'Spend').innerText(), (said) => said.includes(dollars(mine)), 'the spend of one agent');
  await page.getByRole('button', { name: 'Remove the filter of agent' }).click();
  await until(() => figure(page, 'Spend').innerText(), (said) => said.includes(dollars(recent())), 'the spend of all');
}));

test('a row leads to its steps, and so does each chart', on(site, async (page) => {
  await show(page);
  await page.locator('.sums').getByRole('link', { name: 'Steps of beta' }).click();
  await page.waitForURL(/\/steps\?/);
  assert.deepEqual(query(page).getAll('model'), ['beta']);
  assert.equal(Date.parse(query(page).get('since')), TODAY - 29 * DAY_MS);
  for (const [chart, name, value] of [['Error rate', 'status', 'failed'], ['Feedback', 'has_feedback', 'true'], ['Spend by model', 'model', null]]) {
    await show(page);
    await page.getByRole('link', { name: `Steps behind: ${chart}` }).click();
    await page.waitForURL(/\/steps\?/);
    assert.equal(query(page).get(name), value, chart);
  }
}));

test('dragging across a chart narrows the time to whole days, a click goes to the steps of one', on(site, async (page) => {
  await show(page, '?range=7d');
  const chart = page.locator('.leads .u-over').first();
  await chart.waitFor();
  const box = await chart.boundingBox();
  const day = box.width / 7;
  for (const part of [0.2, 0.8]) {
    await page.mouse.click(box.x + day * (5 + part), box.y + 20);
    await page.waitForURL(/\/steps\?/);
    assert.deepEqual(['since', 'until'].map((name) => (Date.parse(query(page).get(name)) - TODAY) / DAY_MS), [-1, 0]);
    await page.goBack();
    await chart.waitFor();
  }
  await page.mouse.move(box.x + day * 1.3, box.y + 20);
  await page.mouse.down();
  await page.mouse.move(box.x + day * 3.6, box.y + 30, { steps: 5 });
  await page.mouse.up();
  await page.waitForURL(/from=/);
  const [from, to] = ['from', 'to'].map((name) => Date.parse(query(page).get(name)));
  assert.deepEqual([from, to].map((time) => (time - TODAY) / DAY_MS), [-5, -2]);
  const inside = recent().filter((step) => Date.parse(step.created_at) >= from && Date.parse(step.created_at) < to);
  await until(() => figure(page, 'Spend').innerText(), (said) => said.includes(dollars(inside)), 'the spend of three days');
  await page.getByRole('button', { name: 'Take this time away' }).click();
  await page.getByRole('button', { name: '30 days', pressed: true }).waitFor();
}));

test('hours are those of UTC, also in the night in which the clock of the browser leaves one out', on(site, async (page) => {
  for (const hour of [13, 14, 15]) {
    await show(page, `?from=${new Date(NIGHT).toISOString()}&to=${new Date(NIGHT + DAY_MS).toISOString()}`);
    const chart = page.locator('.leads .u-over').first();
    await chart.waitFor();
    const box = await chart.boundingBox();
    const begins = new Date(NIGHT + hour * HOUR_MS).toISOString();
    await page.mouse.move(box.x + (box.width / HOURS) * (hour + 0.5), box.y + 20);
    await page.getByText(begins.slice(0, 16).replace('T', ' ')).first().waitFor();
    await page.mouse.click(box.x + (box.width / HOURS) * (hour + 0.5), box.y + 20);
    await page.waitForURL(/\/steps\?/);
    assert.equal(query(page).get('since'), begins);
  }
}));

test('what moved most against the period before stands first, and leads to its steps', on(site, async (page) => {
  await show(page);
  const sum = (steps, model) => steps.filter((step) => step.model === model).reduce((all, step) => all + (step.cost_nano_usd ?? 0), 0);
  const before = at.steps.slice(NOW).filter((step) => Date.parse(step.created_at) >= TODAY - 59 * DAY_MS);
  const moved = MODELS.map((model) => [model, sum(recent(), model) - sum(before, model)]).sort((a, b) => Math.abs(b[1]) - Math.abs(a[1]));
  const names = await until(() => page.locator('.movers a').allInnerTexts(), (all) => all.length === 3, 'the movers');
  assert.deepEqual(names, moved.map(([model]) => model)); // and not the one that now costs nobody knows what
  assert.ok(before.some((step) => step.model === 'gamma' && step.cost_nano_usd > 0));
  await page.locator('.movers a').first().click();
  await page.waitForURL(/\/steps\?/);
  assert.equal(query(page).get('model'), moved[0][0]);
}));

test('feedback that was read of the newest steps only is said to be', on(site, async (page) => {
  await show(page);
  assert.ok(!(await figure(page, 'Liked').innerText()).includes('newest'));
  await page.route(/\/v1\/usage\?.*group_by=feedback/, async (route) => {
    const response = await route.fetch();
    await route.fulfill({ response, json: { ...(await response.json()), complete: false } });
  });
  await show(page);
  await until(() => figure(page, 'Liked').innerText(), (said) => said.includes('with feedback, the newest'), 'the figure');
  await page.locator('.charts .card', { hasText: 'Feedback' }).getByText('of the newest steps').waitFor();
}));

test('what is called like markup is text', on(site, async (page) => {
  await show(page);
  await page.locator('.sums').getByRole('link', { name: HOSTILE, exact: true }).waitFor();
  assert.equal(await page.locator('main img').count(), 0);
  assert.match(await page.title(), /^Overview/);
}));

test('a time without steps says so, and leads to all time', on(site, async (page) => {
  await page.goto(`${site.server.url}/overview?from=2001-01-01T00:00:00.000Z&to=2001-01-03T00:00:00.000Z`);
  await page.getByText('No step in this time').waitFor();
  await page.getByRole('link', { name: 'Look at all time' }).click();
  await figure(page, 'Spend').waitFor();
  await until(() => figure(page, 'Spend').innerText(), (said) => said.includes(dollars(at.steps)), 'the spend of all time');
}));

test('a sum that cannot be loaded says so, and is asked for again', on(site, async (page) => {
  await page.route('**/v1/usage?**', (route) => route.abort());
  await page.goto(`${site.server.url}/overview`);
  await page.getByText('The server cannot be reached').first().waitFor();
  await page.unroute('**/v1/usage?**');
  await page.getByRole('button', { name: 'Try again' }).first().click();
  await figure(page, 'Spend').waitFor();
}, { expects: [/ERR_FAILED/] }));

test('keys: g o goes there, r sums anew', on(site, async (page) => {
  await page.goto(`${site.server.url}/models`);
  await page.getByRole('heading', { name: 'Models', exact: true }).waitFor();
  await page.keyboard.press('g');
  await page.keyboard.press('o');
  await page.locator('.figures').waitFor();
  const asked = page.waitForRequest(/\/v1\/usage\?/);
  await page.keyboard.press('r');
  await asked;
}));
