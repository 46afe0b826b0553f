// SPDX-License-Identifier: Apache-2.0
// The page of steps in a browser, against what the server says of the same ledger: rows, filters, charts, columns, saved
// views, live changes, keys, addresses, and content that means harm.
import assert from 'node:assert/strict';
import { connect, createServer } from 'node:net';
import { test } from 'node:test';
import { agent, fill, newId } from '../http/lib.mjs';
import { accessible, dashboard, on, picture, until, windows } from './browser.mjs';

const HOUR_MS = 3_600_000;
const BEGIN = Date.UTC(2026, 0, 10, 8);
const COUNT = 400;
const at = {};

// A step every ten minutes; every tenth failed. All that is asked of the page follows from these lines.
const make = (i) => ({
  created_at: new Date(BEGIN + i * 600_000).toISOString(),
  model: `model-${i % 4}`,
  provider_name: i % 2 ? 'openai' : 'anthropic',
  agent_id: at.agent,
  status: i % 10 === 9 ? 'failed' : 'success',
  ...(i % 10 === 9 ? { error_type: 'RateLimitError', error_data: { message: `slow down ${i}` } } : { stop_reason: 'end_turn' }),
  input_preview: `question ${i}`,
  output_preview: i % 10 === 9 ? null : `answer ${i}`,
  prompt_tokens: 1000,
  completion_tokens: 100,
  total_tokens: 1100,
  cached_input_tokens: 600,
  cache_write_tokens: 150,
  reasoning_tokens: 40,
  usage_state: 'reported',
  cost_nano_usd: 12_345_678,
  tags: i % 3 ? ['plain'] : ['plain', `third-${i % 9}`],
  metrics: { step_ns: 4_000_000_000, llm_request_ns: 3_000_000_000, tool_execution_ns: 1_000_000_000 },
});

const site = dashboard({}, async (server) => {
  at.agent = await agent(server, { name: 'the tester' });
  at.steps = await fill(server, COUNT, make);
});
const show = async (page, search = '') => {
  await page.goto(`${site.server.url}/steps${search}`);
  await page.getByRole('row').nth(1).waitFor();
};
const query = (page) => new URL(page.url()).searchParams;
const total = (page) => page.locator('h1 small').innerText();
const row = (page, name) => page.getByRole('row', { name });
const rest = (page, search) => page.waitForURL((url) => url.search === search);

// ---- what is shown ------------------------------------------------------------------------------------------------

for (const [width, dark] of windows) {
  test(`no barrier, and nothing wider than the window: ${width} pixels, ${dark ? 'dark' : 'light'}`, on(site, async (page) => {
    await show(page);
    await page.getByText('40 · 10.0 %').waitFor();
    await accessible(site, page);
    assert.equal(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), true);
    await picture(page, `steps-${dark ? 'dark' : 'light'}-${width}`);
  }, { width, dark }));
}

// 1265: of a window of 1280 pixels what a bar to scroll with leaves.
test('in a window of 1280 pixels all usual columns are in sight, and what has no title is not cut', on(site, async (page) => {
  await show(page);
  await until(() => row(page, /question 398/).innerText(), (text) => text.includes('4.00 s'), 'the duration');
  const grid = page.getByRole('grid', { name: 'Steps' });
  assert.equal(await page.getByRole('columnheader').count(), 11);
  assert.equal(await grid.evaluate((one) => one.scrollWidth <= one.clientWidth), true);
  const cut = await grid.evaluate((one) => [...one.querySelectorAll('.header .cell, .c-time, .c-status, .c-tokens, .c-cost, .c-duration, .c-feedback')]
    .filter((cell) => cell.scrollWidth > cell.clientWidth).map((cell) => cell.innerText));
  assert.deepEqual(cut, []);
}, { width: 1265 }));

test('a failed step of which no error is known says in a narrow window too what it answered', on(site, async (page) => {
  const id = await log({ status: 'failed', output_preview: 'half an answer' });
  await show(page);
  await row(page, /half an answer/).waitFor();
  await drop([id]);
}, { width: 375 }));

test('a row says all of a step', on(site, async (page) => {
  await show(page);
  const cells = row(page, /question 398/).getByRole('gridcell');
  await until(() => cells.nth(2).innerText(), (text) => text === 'the tester', 'the name of the agent');
  const texts = await cells.allInnerTexts();
  const began = new Date(BEGIN + 398 * 600_000);
  const local = new Intl.DateTimeFormat('en-GB', { timeZone: 'Europe/Berlin', hour: '2-digit', minute: '2-digit', second: '2-digit' }).format(began);
  assert.ok(texts[0].endsWith(local), texts[0]);
  await cells.nth(0).locator('time').hover();
  assert.match(await cells.nth(0).locator('time').getAttribute('title'), /CET/);
  assert.deepEqual([texts[1], texts[2], texts[3]], ['success', 'the tester', 'model-2']);
  assert.match(texts[4], /question 398.*answer 398/s);
  assert.equal(texts[5].trim(), '1.10k');
  assert.equal(await cells.nth(5).getByRole('img').getAttribute('aria-label'), '250 uncached input, 600 read from cache, 150 written to cache, 60 output, 40 reasoning');
  assert.equal(texts[6], '$0.0123');
  await until(() => cells.nth(7).innerText(), (text) => text === '4.00 s', 'the duration');
  assert.match(await cells.nth(7).getByRole('img').getAttribute('aria-label'), /model 3\.00 s, tools 1\.00 s/);
  assert.equal(texts[8], 'end_turn');
  assert.match(texts[10], /plain/);
  const failed = row(page, /slow down 399/);
  assert.match(await failed.innerText(), /failed[\s\S]*RateLimitError: slow down 399/);
}, { width: 1900 }));

test('parts of the bar of tokens are to scale', on(site, async (page) => {
  await show(page);
  const parts = await row(page, /question 398/).locator('.tokens .part').evaluateAll((all) => all.map((one) => [one.className.replace('part ', ''), one.getBoundingClientRect().width]));
  const sum = parts.reduce((all, [, width]) => all + width, 0);
  const shares = Object.fromEntries(parts.map(([name, width]) => [name, (width / sum) * 1100]));
  for (const [name, tokens] of Object.entries({ uncached: 250, cached: 600, written: 150, output: 60, reasoning: 40 })) {
    assert.ok(Math.abs(shares[name] - tokens) < 25, `${name} ${shares[name]}`);
  }
}, { width: 1900 }));

// ---- narrowing ----------------------------------------------------------------------------------------------------

test('values with counts narrow the list, several of one and of many', on(site, async (page) => {
  await show(page);
  assert.equal(await total(page), '400 steps');
  const status = page.getByRole('group', { name: /^Status/ });
  await status.getByRole('checkbox', { name: /failed/ }).check();
  await until(() => total(page), (text) => text === '40 steps', 'the failed steps');
  const model = page.getByRole('group', { name: /^Model/ });
  await until(() => model.innerText(), (text) => /model-1\s+20/.test(text) && /model-3\s+20/.test(text), 'counts of models that failed');
  await model.getByRole('checkbox', { name: /model-1/ }).check();
  await until(() => total(page), (text) => text === '20 steps', 'one model');
  await model.getByRole('checkbox', { name: /model-3/ }).check();
  await until(() => total(page), (text) => text === '40 steps', 'both models');
  assert.deepEqual(query(page).getAll('model'), ['model-1', 'model-3']);
  await page.getByRole('button', { name: 'Remove the filter status failed' }).click();
  await until(() => total(page), (text) => text === '200 steps', 'both models, whatever became of it');
  await page.goBack();
  await until(() => total(page), (text) => text === '40 steps', 'what was before');
  await page.getByRole('button', { name: 'Clear all' }).click();
  await until(() => total(page), (text) => text === '400 steps', 'all of them');
}));

test('the search finds previews and errors, and says that there are no charts then', on(site, async (page) => {
  await show(page);
  await page.keyboard.press('/');
  await page.keyboard.type('SLOW DOWN 1');
  await until(() => total(page), (text) => text === '11 steps', 'those whose error has it');
  assert.equal(query(page).get('text'), 'SLOW DOWN 1');
  await page.getByText('No charts: sums are not kept by a search.').waitFor();
  await page.keyboard.press('Escape');
  await page.keyboard.press('/');
  await page.keyboard.type('nobody said this');
  await page.getByText('No step is like that').waitFor();
  await page.getByRole('button', { name: 'Clear all filters' }).click();
  await until(() => total(page), (text) => text === '400 steps', 'all of them');
}));

test('a pause within what is typed loses none of it', on(site, async (page) => {
  await show(page);
  await page.keyboard.press('/');
  await page.keyboard.type('SLOW ');
  await rest(page, '?text=SLOW');
  await page.keyboard.type('DOWN 1');
  await until(() => total(page), (text) => text === '11 steps', 'those whose error has it');
  assert.equal(query(page).get('text'), 'SLOW DOWN 1');
  await page.getByRole('button', { name: 'Clear all', exact: true }).click();
  await until(() => page.getByRole('searchbox').inputValue(), (text) => text === '', 'an empty field');
}));

test('any other filter of the list can be set, and a wrong value is told', on(site, async (page) => {
  await show(page);
  const add = async (name, value) => {
    await page.getByRole('button', { name: 'Filter', exact: true }).click();
    const form = page.getByRole('group', { name: 'Add a filter' });
    await form.getByLabel('By').selectOption(name);
    const field = form.getByLabel('Value');
    await ((await field.evaluate((one) => one.tagName)) === 'SELECT' ? field.selectOption(value) : field.fill(value));
    await form.getByRole('button', { name: 'Add' }).click();
  };
  await add('tags', 'third-6');
  await until(() => total(page), (text) => text === '44 steps', 'those with the tag');
  await add('min_tokens', '5000');
  await page.getByText('No step is like that').waitFor();
  await page.goto(`${site.server.url}/steps?min_tokens=many`);
  await page.getByText(/min_tokens: /).first().waitFor();
}, { expects: [/status of 422/] }));

// ---- charts -------------------------------------------------------------------------------------------------------

test('charts sum what is shown, and dragging across one zooms', on(site, async (page) => {
  await show(page);
  const caption = (name) => page.locator('.caption', { hasText: name }).locator('strong');
  await until(async () => Promise.all(['Steps', 'Errors', 'Tokens', 'Cost'].map((name) => caption(name).innerText())), (texts) =>
    JSON.stringify(texts) === JSON.stringify(['400', '40 · 10.0 %', '440k', '$4.94']), 'the sums');
  // Percentiles over all days come from histograms, which are good to some percent.
  await until(() => caption('p50').innerText(), (text) => text.split(' · ').every((one) => Math.abs(Number.parseFloat(one) - 4) < 0.15), 'the percentiles');
  const plot = page.locator('.panel-chart .u-over').first();
  const box = await plot.boundingBox();
  await page.mouse.move(box.x + box.width * 0.4, box.y + 20);
  await page.mouse.down();
  await page.mouse.move(box.x + box.width * 0.9, box.y + 20, { steps: 5 });
  await page.mouse.up();
  await until(() => query(page).has('since') && query(page).has('until'), Boolean, 'the range in the address');
  const since = query(page).get('since');
  const until_ = query(page).get('until');
  const expected = at.steps.filter((step) => step.created_at >= since && step.created_at < until_).length;
  assert.ok(expected > 0 && expected < COUNT);
  await until(() => total(page), (text) => text === `${expected} steps`, `${expected} steps between ${since} and ${until_}`);
  await page.goBack();
  await until(() => total(page), (text) => text === '400 steps', 'all of them');
}));

test('a range of time by hand, in the time of this machine', on(site, async (page) => {
  await show(page);
  await page.getByRole('button', { name: 'All time' }).click();
  const form = page.getByRole('group', { name: 'Range of time' });
  await form.getByLabel('From').fill('2026-01-10T09:00'); // of Berlin: the first step
  await form.getByLabel('To').fill('2026-01-10T11:00');
  await form.getByRole('button', { name: 'Show' }).click();
  await until(() => total(page), (text) => text === '12 steps', 'two hours');
  assert.equal(query(page).get('since'), new Date(BEGIN).toISOString());
  assert.equal(query(page).get('until'), new Date(BEGIN + 2 * HOUR_MS).toISOString());
}));

// ---- columns and views --------------------------------------------------------------------------------------------

test('columns are chosen, stand in the address, and go into a saved view', on(site, async (page) => {
  await show(page, '?status=failed');
  await page.getByRole('button', { name: 'Columns' }).click();
  await page.getByLabel('Provider name').check();
  await page.getByLabel('Tags').uncheck();
  await page.keyboard.press('Escape');
  await page.getByRole('columnheader', { name: 'Provider name' }).waitFor();
  await page.getByRole('columnheader', { name: 'Tags' }).waitFor({ state: 'detached' });
  const address = page.url();
  const name = newId('view');
  await page.getByRole('button', { name: 'Views', exact: true }).click();
  await page.getByLabel('Save what is shown as').fill(name);
  await page.getByRole('button', { name: 'Save', exact: true }).click();
  await page.getByText(`Saved as “${name}”`).waitFor();
  const kept = (await site.server.get('/v1/views/')).find((view) => view.name === name);
  assert.deepEqual(kept.query.status, ['failed']);
  await show(page);
  await page.getByRole('button', { name: 'Views', exact: true }).click();
  await page.getByRole('button', { name, exact: true }).click();
  await until(() => page.url(), (url) => url === address, 'the same address');
  await page.getByRole('button', { name: 'Views', exact: true }).click();
  await page.getByLabel('Save what is shown as').fill(name);
  await page.getByRole('button', { name: 'Save', exact: true }).click();
  await page.getByRole('alert').waitFor();
  await page.getByRole('button', { name: `Delete the view ${name}` }).click();
  await page.getByText('No view is saved yet.').waitFor();
}, { expects: [/status of 409/] }));

// ---- live ---------------------------------------------------------------------------------------------------------

const live = async (page) => page.getByText('Live', { exact: true }).waitFor();
const log = async (more) => (await site.server.must(201, 'POST', '/v1/steps', { body: { id: newId('step'), ...more } })).id;
const drop = (ids) => Promise.all(ids.map((id) => site.server.must(200, 'DELETE', `/v1/steps/${id}`)));

test('steps appear, change and go as they do in the ledger', on(site, async (page) => {
  await show(page);
  await live(page);
  const id = await log({ model: 'live-one', input_preview: 'a live question' });
  await row(page, /a live question/).getByText('pending').waitFor();
  assert.equal(await page.getByRole('row').nth(1).innerText().then((text) => /live-one/.test(text)), true);
  await site.server.must(200, 'PATCH', `/v1/steps/${id}`, { body: { status: 'success', output_preview: 'a live answer', metrics: { step_ns: 7_000_000_000 } } });
  await row(page, /a live answer/).getByText('success').waitFor();
  await row(page, /a live answer/).getByText('7.00 s').waitFor();
  await drop([id]);
  await row(page, /a live question/).waitFor({ state: 'detached' });
}));

test('how long steps took is asked once, though the stream looks at the newest of them again', on(site, async (page) => {
  const asked = [];
  page.on('request', (request) => {
    const { pathname, searchParams } = new URL(request.url());
    asked.push(...(pathname === '/v1/steps/metrics' ? searchParams.getAll('step_id') : []));
  });
  const look = page.waitForResponse((answer) => new URL(answer.url()).searchParams.get('limit') === '50');
  await show(page);
  await look;
  const id = await log({ model: 'after-the-look' });
  await row(page, /after-the-look/).waitFor();
  const first = asked.filter((one) => one !== id);
  assert.deepEqual([first.length, new Set(first).size], [100, 100]);
  await drop([id]);
}));

test('a list that comes later than what is new has each step once', on(site, async (page) => {
  let come;
  const late = new Promise((resolve) => (come = resolve));
  await page.route((url) => url.pathname === '/v1/steps/' && url.searchParams.get('limit') === '100', (route) => late.then(() => route.continue()));
  await page.goto(`${site.server.url}/steps`);
  await row(page, /question 398/).waitFor();
  come();
  await page.getByRole('grid', { name: 'Steps' }).evaluate((grid) => grid.scrollTo({ top: 1600 }));
  assert.equal(await row(page, /question 340/).getAttribute('aria-rowindex'), '61');
}));

test('only those that pass the filters', on(site, async (page) => {
  await show(page, '?status=failed');
  await live(page);
  const ids = [await log({ model: 'not-this', status: 'success' }), await log({ model: 'but-this', status: 'failed', error_type: 'X' })];
  await row(page, /but-this/).waitFor();
  assert.equal(await row(page, /not-this/).count(), 0);
  await drop(ids);
}));

test('while paused new ones wait and are counted', on(site, async (page) => {
  await show(page);
  await live(page);
  await page.keyboard.press('p');
  await page.getByText('Paused').waitFor();
  const ids = [await log({ model: 'waits-1' }), await log({ model: 'waits-2' })];
  await page.getByRole('button', { name: '2 new' }).waitFor();
  assert.equal(await row(page, /waits-/).count(), 0);
  await page.keyboard.press('n');
  await row(page, /waits-2/).waitFor();
  assert.deepEqual(await page.getByRole('row').nth(1).innerText().then((text) => /waits-2/.test(text)), true);
  await drop(ids);
}));

test('while one reads further down new ones wait, and what one reads stays', on(site, async (page) => {
  await show(page);
  await live(page);
  await page.getByRole('grid', { name: 'Steps' }).evaluate((grid) => grid.scrollTo({ top: 3200 }));
  await row(page, /question 295/).waitFor();
  const before = await row(page, /question 295/).boundingBox();
  const id = await log({ model: 'waits-above' });
  await page.getByRole('button', { name: '1 new' }).click();
  await row(page, /waits-above/).waitFor();
  assert.ok(before.y > 0);
  await drop([id]);
}));

// Between the page and the server, so that the way can be cut. Answers {url, cut(), mend(), close()}.
async function way(target) {
  const open = new Set();
  let isCut = false;
  const between = createServer((here) => {
    const there = connect(Number(new URL(target).port), '127.0.0.1');
    for (const socket of [here, there]) {
      open.add(socket);
      socket.on('error', () => socket.destroy()).on('close', () => (open.delete(socket), here.destroy(), there.destroy()));
    }
    here.pipe(there).pipe(here);
    if (isCut) {
      here.destroy();
    }
  });
  await new Promise((resolve) => between.listen(0, '127.0.0.1', resolve));
  const end = () => open.forEach((socket) => socket.destroy());
  return {
    url: `http://127.0.0.1:${between.address().port}`,
    cut: () => ((isCut = true), end()),
    mend: () => (isCut = false),
    close: () => (end(), between.close()),
  };
}

test('a stream that broke is taken up where it was', on(site, async (page, t) => {
  const through = await way(site.server.url);
  t.after(() => through.close());
  await page.goto(`${through.url}/steps`);
  await live(page);
  await row(page, /question 399|slow down 399/).waitFor();
  through.cut();
  await page.getByText('Connecting again').waitFor();
  const id = await log({ model: 'while-away' });
  through.mend();
  await row(page, /while-away/).waitFor();
  await drop([id]);
}, { expects: [/asked elsewhere: http:\/\/127\.0\.0\.1:/, /net::ERR_/] }));

// ---- keys ---------------------------------------------------------------------------------------------------------

test('j, k and enter', on(site, async (page) => {
  await show(page, '?status=failed');
  for (const key of ['j', 'j', 'j', 'k']) {
    await page.keyboard.press(key);
  }
  const active = page.getByRole('row', { selected: true });
  assert.match(await active.innerText(), /slow down 389/);
  for (let i = 0; i < 30; i++) {
    await page.keyboard.press('j');
  }
  assert.match(await active.innerText(), /slow down 89/);
  const box = await active.boundingBox();
  assert.ok(box.y > 0 && box.y + box.height <= 800, JSON.stringify(box));
  await page.keyboard.press('Enter');
  await page.waitForURL(`**/steps/${at.steps[89].id}?status=failed`); // with the list it came from
}));

// ---- content that means harm --------------------------------------------------------------------------------------

test('what steps say is text, whatever it looks like', on(site, async (page) => {
  const evil = ['<img src=x onerror="window.harm=1">', '<script>window.harm=2</script>', 'javascript:window.harm=3', '\u202Eesrever\u2066', '"><svg onload=window.harm=4>', '{{constructor.constructor("window.harm=5")()}}'];
  const big = 'x'.repeat(3_000_000);
  const tags = Array.from({ length: 60 }, (_, i) => `<b>tag ${i}`);
  const ids = [];
  for (const text of evil) {
    ids.push(await log({ model: text, status: 'failed', error_type: text, error_data: { message: text }, input_preview: text, output_preview: text, tags: [text, ...tags], tid: text, provider_name: text, end_user: text, metadata: { text } }));
  }
  ids.push(await log({ model: 'big', status: 'failed', error_type: 'E', error_data: { message: big } }));
  await show(page, '?cols=time,status,model,preview,tags,tid,provider_name,end_user,metadata,error_data');
  await row(page, /onerror/).waitFor();
  for (const text of evil.slice(0, 3)) {
    await page.getByRole('row').getByText(text, { exact: true }).first().waitFor();
  }
  assert.equal(await page.evaluate(() => window.harm), undefined);
  assert.equal(await page.locator('main img, main script, main a[href^="javascript"]').count(), 0);
  const heights = await page.getByRole('row').evaluateAll((rows) => rows.slice(1).map((one) => one.getBoundingClientRect().height));
  assert.deepEqual([...new Set(heights)], [32]);
  const overridden = row(page, /esrever/).getByRole('gridcell').nth(2).locator('bdi');
  assert.equal(await overridden.evaluate((one) => getComputedStyle(one).unicodeBidi), 'isolate');
  await accessible(site, page);
  await drop(ids);
}, { width: 1900 }));

test('ten thousand tags of a step are refused, and would not hold the list up', on(site, async (page) => {
  const tags = Array.from({ length: 10_000 }, (_, i) => `<b>tag ${i}`);
  assert.equal((await site.server.api('POST', '/v1/steps', { body: { id: newId('step'), tags } })).status, 422);
  await page.route((url) => url.pathname === '/v1/steps/' && url.searchParams.get('order') !== 'asc', async (route) => {
    const response = await route.fetch();
    await route.fulfill({ response, json: (await response.json()).map((step, i) => (i === 0 ? { ...step, tags } : step)) });
  });
  await show(page);
  const first = page.getByRole('row').nth(1);
  await first.getByText('+9,994').waitFor({ state: 'attached' });
  assert.equal(await first.locator('.tag').count(), 6);
  assert.equal((await first.boundingBox()).height, 32);
}));
