// SPDX-License-Identifier: Apache-2.0
// The list of runs and the page of a run in a browser: rows and filters against what the server says; the three views, which
// stay together; the first error, finding, runs that it started, steps that come while one looks; and a run of many steps.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { agent, fill, newId, patience, scaled } from '../http/lib.mjs';
import { accessible, dashboard, on, picture, until, windows } from './browser.mjs';

const BEGIN = Date.UTC(2026, 0, 10, 8);
const COUNT = 120;
const FAILED = [71, 90];
const MANY = scaled(5000, 20_000, 100_000);
const OPENED = 5;
const LONGEST_OPEN_MS = 1000;
const MANY_FAILED = Math.floor(MANY * 0.6);
const at = {};
const time = (i) => new Date(BEGIN + i * 10_000).toISOString();
const call = (id, name) => ({ id, type: 'function', function: { name, arguments: '{}' } });

// A step every ten seconds: a second before the model, two of the model, three of tools.
const timed = (i) => ({ step_start_ns: (BEGIN + i * 10_000) * 1e6, llm_request_start_ns: (BEGIN + i * 10_000 + 1000) * 1e6, llm_request_ns: 2e9, tool_execution_ns: 3e9, step_ns: 6e9 });
const make = (i) => ({
  run_id: at.run,
  agent_id: at.agent,
  model: 'm',
  created_at: time(i),
  status: FAILED.includes(i) ? 'failed' : 'success',
  ...(FAILED.includes(i) ? { error_type: 'Broken', error_data: { message: `number ${i} broke` } } : {}),
  prompt_tokens: 10,
  completion_tokens: 1,
  usage_state: 'reported',
  cost_nano_usd: 1_000_000,
  input_preview: `ask ${i}`,
  output_preview: `answer ${i}`,
  metrics: timed(i),
  messages: [{ role: 'user', text: `ask ${i}` }, { role: 'assistant', text: i === 33 ? 'a needle in the hay' : `answer ${i}`, tool_calls: [call(`c${i}`, i % 2 ? 'read' : 'write')] }],
});

const site = dashboard({}, async (server) => {
  at.agent = await agent(server, { name: 'the runner' });
  at.other = await agent(server, { name: 'the walker' });
  [at.run, at.kid, at.many, at.failed] = [1, 2, 3, 4].map(() => newId('run'));
  const run = (id, more) => server.must(201, 'POST', '/v1/runs', { body: { id, agent_id: at.agent, created_at: time(0), ...more } });
  await run(at.run);
  at.steps = await fill(server, COUNT, make);
  await run(at.kid, { parent_run_id: at.run, agent_id: at.other, created_at: time(5) });
  at.kids = await fill(server, 4, (i) => ({ run_id: at.kid, agent_id: at.other, model: 'small', status: 'success', parent_step_id: at.steps[5].id, ...(i === 0 ? { cost_nano_usd: 5_000_000 } : {}), created_at: time(5 + i / 10), metrics: { ...timed(5 + i / 10), step_ns: 1e8 } }));
  await run(at.many, { created_at: time(-10) });
  await fill(server, MANY, (i) => ({ run_id: at.many, model: 'm', created_at: time(i), status: i === MANY_FAILED ? 'failed' : 'success', ...(i === MANY_FAILED ? { error_type: 'Broken', error_data: { message: 'the one that broke' } } : {}), output_preview: `answer ${i}`, metrics: timed(i) }));
  await run(at.failed, { created_at: time(-20) });
  for (const [id, status] of [[at.run, 'completed'], [at.kid, 'completed'], [at.many, 'completed'], [at.failed, 'failed']]) {
    await server.must(200, 'PATCH', `/v1/runs/${id}`, { body: { status } });
  }
});

// ---- the list -------------------------------------------------------------------------------------------------------

const list = async (page, search = '') => {
  await page.goto(`${site.server.url}/runs${search}`);
  await page.getByRole('row').nth(1).waitFor();
};
const rows = (page) => page.locator('.runs-row:not(.header)').evaluateAll((all) => all.map((one) => one.querySelector('a')?.getAttribute('href')?.slice('/runs/'.length)));

for (const [width, dark] of windows) {
  test(`the list: no barrier, and nothing wider than the window: ${width} pixels, ${dark ? 'dark' : 'light'}`, on(site, async (page) => {
    await list(page);
    await page.getByText('the walker').waitFor();
    await accessible(site, page);
    assert.equal(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), true);
    await picture(page, `runs-${dark ? 'dark' : 'light'}-${width}`);
  }, { width, dark }));
}

test('a row says the sums of a run', on(site, async (page) => {
  await list(page);
  const row = page.locator('.runs-row', { has: page.locator(`a[href="/runs/${at.run}"]`) });
  await row.getByText('read, write').waitFor();
  await row.getByText('the runner').waitFor();
  const cells = await row.getByRole('gridcell').allInnerTexts();
  const { run_ns: ns } = await site.server.get(`/v1/runs/${at.run}/metrics`);
  assert.deepEqual(cells.slice(1, 6).map((text) => text.trim()), ['completed', 'the runner', '120 (2)', '1.32k', '$0.120']);
  assert.ok(ns > 0 && cells[6].trim() !== '–', cells[6]);
  await row.click();
  await page.waitForURL((url) => url.pathname === `/runs/${at.run}`);
}));

test('what nobody knows is no 0: the cost of some steps, the tokens of one', on(site, async (page) => {
  await list(page);
  const cost = (run) => page.locator('.runs-row', { has: page.locator(`a[href="/runs/${run}"]`) }).getByRole('gridcell').nth(5).innerText();
  await until(() => cost(at.kid), (text) => text.trim() === '≥ $0.00500', 'a cost that is known in part');
  await until(() => cost(at.many), (text) => text.trim() === '–', 'a cost that is not known');
  await show(page, at.kid, '?view=table');
  assert.equal(await page.locator('.rt-row:not(.rt-head) .right').nth(1).innerText(), '–');
}));

test('filters are those of the list, and stand in the address', on(site, async (page) => {
  await list(page);
  await page.getByRole('group', { name: 'Status' }).getByRole('button', { name: 'failed' }).click();
  await until(() => rows(page), (found) => found.join() === at.failed, 'the failed run');
  assert.equal(new URL(page.url()).search, '?statuses=failed');
  await list(page, `?agent_id=${at.other}`);
  assert.deepEqual(await rows(page), [at.kid]);
  await page.getByRole('button', { name: /^Remove the filter agent_id/ }).click();
  await until(() => rows(page), (found) => found.length >= 4, 'all runs');
  await page.getByRole('button', { name: 'Filter' }).click();
  await page.getByLabel('By').selectOption('tools_used');
  await page.getByLabel('Value').fill('write');
  await page.getByRole('button', { name: 'Add', exact: true }).click();
  await until(() => rows(page), (found) => found.join() === at.run, 'the run that wrote');
  await list(page, `?parent_run_id=${at.run}`);
  assert.deepEqual(await rows(page), [at.kid]);
  await page.goto(`${site.server.url}/runs?statuses=cancelled`);
  await page.getByText('No run is like that').waitFor();
}));

test('the longest first', on(site, async (page) => {
  await list(page);
  await page.getByLabel('Order').selectOption('duration');
  const wanted = (await site.server.get('/v1/_internal_runs/?order_by=duration')).map((run) => run.id);
  await until(() => rows(page), (found) => found.join() === wanted.join(), 'the order by duration');
}));

test('a run that begins while one looks comes to the top', on(site, async (page) => {
  await list(page);
  const id = newId('run');
  await site.server.must(201, 'POST', '/v1/runs', { body: { id, agent_id: at.agent } });
  await fill(site.server, 1, () => ({ run_id: id, status: 'pending', model: 'm' }));
  await until(async () => (await rows(page))[0], (first) => first === id, 'the new run');
  await site.server.must(200, 'PATCH', `/v1/runs/${id}`, { body: { status: 'cancelled' } });
}));

// ---- one run --------------------------------------------------------------------------------------------------------

const show = async (page, id = at.run, search = '') => {
  await page.goto(`${site.server.url}/runs/${id}${search}`);
  await page.locator('.turn').first().waitFor();
};
const inWaterfall = (page) => page.locator('.w-row.active .num').first().innerText();
const inTranscript = (page) => page.locator('.turn.active header a').first().innerText();
const inTable = (page) => page.locator('.rt-row.active > div').first().innerText();
// Whether it can be seen within what scrolls.
const inSight = (locator) => locator.evaluate((one) => {
  const box = one.closest('.scroller, div.transcript').getBoundingClientRect();
  const at = one.getBoundingClientRect();
  return at.top < box.bottom && at.bottom > box.top;
});

for (const [width, dark] of windows) {
  test(`a run: no barrier, and nothing wider than the window: ${width} pixels, ${dark ? 'dark' : 'light'}`, on(site, async (page) => {
    await show(page);
    await page.getByText('number 71 broke').first().waitFor();
    await accessible(site, page);
    assert.equal(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), true);
    await picture(page, `run-${dark ? 'dark' : 'light'}-${width}`);
    for (const view of ['Waterfall', 'Table']) {
      await page.getByRole('tab', { name: view }).click();
      await page.getByRole('row').nth(3).waitFor();
      await accessible(site, page);
      await picture(page, `run-${view.toLowerCase()}-${dark ? 'dark' : 'light'}-${width}`);
    }
  }, { width, dark }));
}

test('it opens at the first error, in all views', on(site, async (page) => {
  await show(page);
  await page.getByText('number 71 broke').first().waitFor();
  await until(() => inTranscript(page), (text) => text === 'Step 72', 'the first error in the transcript');
  await until(() => inWaterfall(page), (text) => text === '72', 'the first error in the waterfall');
  assert.equal(await inSight(page.locator('.w-row.active')), true);
  await until(() => inSight(page.locator('.turn.active')), Boolean, 'the transcript at the error');
  await page.keyboard.press('3');
  await until(() => inTable(page), (text) => text === '72', 'the first error in the table');
  await page.locator('.rt-row.active').getByText('Broken: number 71 broke').waitFor();
  await page.keyboard.press('e');
  await until(() => inTable(page), (text) => text === '91', 'the next error');
  await until(() => inTranscript(page), (text) => text === 'Step 91', 'the transcript at the next error');
}));

test('what is selected in one view is in sight in the others', on(site, async (page) => {
  await show(page, at.run, `?step=${at.steps[10].id}`);
  await until(() => inTranscript(page), (text) => text === 'Step 11', 'the step of the address');
  await page.keyboard.press('j');
  await until(() => inTranscript(page), (text) => text === 'Step 12', 'the next step');
  await until(() => inWaterfall(page), (text) => text === '12', 'the next step in the waterfall');
  await page.locator('.w-row', { hasText: /^success\s*14/ }).first().click();
  await until(() => inTranscript(page), (text) => text === 'Step 14', 'the step that was clicked');
  await until(() => inSight(page.locator('.turn.active')), Boolean, 'its place in the transcript');
  // And the other way: the transcript is scrolled, the waterfall follows.
  await page.locator('div.transcript:not(.run-body)').hover();
  await page.mouse.wheel(0, 3000);
  await until(() => inWaterfall(page).then(Number), (n) => n > 14, 'the waterfall behind the transcript');
  assert.equal(`Step ${await inWaterfall(page)}`, await inTranscript(page));
  await page.waitForURL((url) => url.searchParams.get('step') !== at.steps[13].id && url.searchParams.get('step') !== at.steps[10].id);
}));

test('the transcript goes on in both directions, and keeps few steps', on(site, async (page) => {
  await show(page, at.run, `?step=${at.steps[60].id}&view=transcript`);
  await until(() => inTranscript(page), (text) => text === 'Step 61', 'the step of the address');
  const box = page.locator('div.transcript:not(.run-body)');
  await box.hover();
  const reach = async (by, wanted) => {
    await until(async () => {
      await page.mouse.wheel(0, by);
      return page.locator('.turn header a[title]').allInnerTexts();
    }, (texts) => texts.includes(wanted), wanted);
  };
  await reach(2000, 'Step 120');
  assert.ok((await page.locator('.turn').count()) <= 60);
  await reach(-2000, 'Step 1');
  assert.ok((await page.locator('.turn').count()) <= 60);
}));

test('segments of the waterfall are to scale', on(site, async (page) => {
  await show(page, at.run, `?step=${at.steps[20].id}&view=waterfall`);
  await page.getByRole('button', { name: 'What is in sight' }).click();
  await page.getByRole('button', { name: 'Whole run' }).waitFor();
  const parts = await page.locator('.w-row.active').evaluate((row) => {
    const line = row.querySelector('.w-time').getBoundingClientRect();
    const of = (one) => [(one.getBoundingClientRect().left - line.left) / line.width, one.getBoundingClientRect().width / line.width];
    return { bar: of(row.querySelector('.w-bar')), model: of(row.querySelector('.t-model')), tool: of(row.querySelector('.t-tool')) };
  });
  const whole = (COUNT - 1) * 10 + 6; // seconds
  const near = ([from, width], seconds, long) => assert.ok(Math.abs(from - seconds / whole) < 0.004 && Math.abs(width - long / whole) < 0.004, JSON.stringify(parts));
  near(parts.bar, 200, 6);
  near(parts.model, 201, 2);
  near(parts.tool, 203, 3);
}));

test('a run that it started is nested under the step that did', on(site, async (page) => {
  await show(page, at.run, `?step=${at.steps[5].id}&view=waterfall`);
  const kid = page.locator('.w-kid');
  await kid.getByText('4 steps').waitFor();
  await kid.getByRole('button', { name: /the walker/ }).click();
  await until(() => page.locator('.w-row', { hasText: 'small' }).count(), (n) => n === 4, 'its steps');
  const order = await page.locator('.w-row:not(.w-head)').evaluateAll((all) => all.map((one) => (one.classList.contains('w-kid') ? 'kid' : one.textContent.includes('small') ? 'small' : 'own')));
  const place = order.indexOf('kid');
  assert.deepEqual(order.slice(place - 1, place + 6), ['own', 'kid', 'small', 'small', 'small', 'small', 'own']);
  await kid.getByRole('link').click();
  await page.waitForURL((url) => url.pathname === `/runs/${at.kid}`);
  await page.getByText('started by').waitFor();
}));

test('finds previews, errors and what messages say', on(site, async (page) => {
  await show(page);
  await page.getByText('number 71 broke').first().waitFor();
  await page.keyboard.press('/');
  await page.keyboard.type('needle');
  await page.getByRole('status').getByText('1 step', { exact: true }).waitFor();
  await page.keyboard.press('Enter');
  await until(() => inTranscript(page), (text) => text === 'Step 34', 'the step that says it');
  await page.locator('.turn.active mark', { hasText: 'needle' }).waitFor();
  await page.getByLabel('Find in this run').fill('broke');
  await page.getByRole('status').getByText(/2 steps$/).waitFor();
  await page.keyboard.press('Enter');
  await until(() => inTranscript(page), (text) => text === 'Step 72', 'the next that was found');
  await page.keyboard.press('Enter');
  await until(() => inTranscript(page), (text) => text === 'Step 91', 'the one after');
  await page.getByRole('status').getByText('2 of 2 steps').waitFor();
}));

test('a run that goes on is live: steps come, end, and so does the run', on(site, async (page) => {
  const id = newId('run');
  await site.server.must(201, 'POST', '/v1/runs', { body: { id, agent_id: at.agent } });
  const [first] = await fill(site.server, 1, () => ({ run_id: id, status: 'pending', model: 'm' }));
  await show(page, id, '?view=waterfall');
  await page.getByText('live', { exact: true }).waitFor();
  const states = () => page.locator('.w-row:not(.w-head) .status').allInnerTexts();
  await until(states, (all) => all.join() === 'pending', 'the step that goes on');
  await site.server.must(200, 'PATCH', `/v1/steps/${first.id}`, { body: { status: 'success', output_preview: 'done', metrics: { step_ns: 5e9 } } });
  await until(states, (all) => all.join() === 'success', 'its end');
  await fill(site.server, 1, () => ({ run_id: id, status: 'failed', model: 'm', error_type: 'Late' }));
  await until(states, (all) => all.join() === 'success,failed', 'another step');
  const kid = newId('run');
  await site.server.must(201, 'POST', '/v1/runs', { body: { id: kid, agent_id: at.other, parent_run_id: id } });
  await fill(site.server, 1, () => ({ run_id: kid, parent_step_id: first.id, status: 'success', model: 'small' }));
  await until(states, (all) => all.join() === 'success,created,failed', 'the run that it started');
  await page.locator('.w-kid button').click();
  await until(states, (all) => all.join() === 'success,created,success,failed', 'what that one did');
  await fill(site.server, 1, () => ({ run_id: kid, status: 'failed', model: 'small' }));
  await site.server.must(200, 'PATCH', `/v1/runs/${kid}`, { body: { status: 'failed' } });
  await until(states, (all) => all.join() === 'success,failed,success,failed,failed', 'its end, while it is open');
  const [last] = await fill(site.server, 1, () => ({ run_id: id, status: 'pending', model: 'm' }));
  await until(states, (all) => all.at(-1) === 'pending', 'the last step');
  await site.server.must(200, 'PATCH', `/v1/runs/${id}`, { body: { status: 'completed' } });
  await page.locator('.step-title').getByText('completed').waitFor();
  assert.equal(await page.getByText('live', { exact: true }).count(), 0);
  await site.server.must(200, 'PATCH', `/v1/steps/${last.id}`, { body: { status: 'success' } });
  await until(states, (all) => all.at(-1) === 'success', 'a step that ends behind the run');
}));

test('what comes before its stream, or while that is broken, is not lost', on(site, async (page) => {
  const id = newId('run');
  const add = () => fill(site.server, 1, () => ({ run_id: id, status: 'success', model: 'm' }));
  await site.server.must(201, 'POST', '/v1/runs', { body: { id, agent_id: at.agent } });
  await add();
  const states = () => page.locator('.w-row:not(.w-head) .status').allInnerTexts();
  // The first stream is held up until there is a second step; the next one breaks before it has told of anything.
  let asked = 0;
  let go;
  const held = new Promise((resolve) => (go = resolve));
  await page.route((url) => url.pathname === '/v1/steps/stream', async (route) => {
    asked++;
    await (asked === 1 ? held.then(() => route.fulfill({ contentType: 'text/event-stream', body: ': no event\n\n' })) : asked === 2 ? route.abort() : route.continue());
  });
  const stream = page.waitForRequest(/\/v1\/steps\/stream/);
  const answered = page.waitForResponse(new RegExp(`/v1/runs/${id}/timeline`));
  await page.goto(`${site.server.url}/runs/${id}?view=waterfall`);
  await stream;
  await add();
  go();
  await answered;
  await until(states, (all) => all.length >= 2, 'the step before the stream');
  await add();
  await until(states, (all) => all.length === 3, 'the step while it was broken');
  await site.server.must(200, 'PATCH', `/v1/runs/${id}`, { body: { status: 'completed' } });
}, { expects: [/ERR_FAILED/] }));

test('enter opens the step, from which j goes on in the run', on(site, async (page) => {
  await show(page, at.run, `?step=${at.steps[3].id}`);
  await until(() => inTranscript(page), (text) => text === 'Step 4', 'the step');
  await page.keyboard.press('Enter');
  await page.waitForURL((url) => url.pathname === `/steps/${at.steps[3].id}`);
  await page.locator('.step-title').waitFor();
  await page.keyboard.press('j');
  await page.waitForURL((url) => url.pathname === `/steps/${at.steps[4].id}`);
}));

test('a run that is not there', on(site, async (page) => {
  await page.goto(`${site.server.url}/runs/${newId('run')}`);
  await page.getByText('There is no such run').waitFor();
}, { expects: [/404/] }));

test(`a run of ${MANY} steps: the error first, then all, of which few are in the document`, on(site, async (page, t) => {
  const opened = [];
  for (let i = 0; i < OPENED; i++) {
    await page.goto('about:blank');
    opened.push(performance.now());
    await page.goto(`${site.server.url}/runs/${at.many}`);
    await page.locator('.turn.active').getByText('the one that broke').waitFor();
    opened.push(performance.now() - opened.pop());
  }
  const begun = performance.now();
  await until(() => inWaterfall(page), (text) => text === String(MANY_FAILED + 1), 'the error in the waterfall');
  await page.locator(`.scroller.waterfall[aria-rowcount="${MANY}"]`).waitFor();
  t.diagnostic(`the error was there after ${opened.map(Math.round).join(', ')} ms, all ${Math.round(performance.now() - begun)} ms later`);
  // Of several, because something else may run on this machine.
  assert.ok(Math.min(...opened) < LONGEST_OPEN_MS * patience, `opened after ${opened} ms`);
  assert.equal(await inSight(page.locator('.w-row.active')), true);
  assert.ok((await page.locator('.w-row').count()) < 120);
  await page.keyboard.press('3');
  await page.locator('.rt-row.active').getByText('the one that broke').waitFor();
  assert.ok((await page.locator('.rt-row').count()) < 120);
}));
