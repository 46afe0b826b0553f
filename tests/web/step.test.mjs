// SPDX-License-Identifier: Apache-2.0
// The page of a step in a browser, against what was recorded: fields, messages, the difference of prompts, what fills the
// window, tokens and the price, time, errors, raw JSON, what is related, thumbs and tags, commands to copy, the keys, and
// content that means harm.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { agent, fill, newId } from '../http/lib.mjs';
import { accessible, dashboard, on, picture, until, windows } from './browser.mjs';

const BEGIN = Date.UTC(2026, 0, 10, 8);
const at = {};
const time = (i) => new Date(BEGIN + i * 60_000).toISOString();
const HARM = `<script>globalThis.harmed = 1</script><img src=x onerror="globalThis.harmed = 2"><a href="javascript:globalThis.harmed = 3">x</a>`;
const LONG = 3_000_000;

const call = (id, name, args) => ({ id, type: 'function', function: { name, arguments: JSON.stringify(args) } });
const returned = (id, name, body, status = 'success') => ({ role: 'tool', name, tool_call_id: id, tool_returns: [{ tool_call_id: id, status, func_response: body }] });

// A conversation of three steps in one run, of which the second called a tool and the third failed.
const steps = () => [
  {
    id: at.ids[0],
    created_at: time(0),
    messages: [{ role: 'system', text: 'You look things up.' }, { role: 'user', text: 'What is the weather?' }, { role: 'assistant', text: 'I will look.', tool_calls: [call('c0', 'weather', { city: 'Bonn' })] }, returned('c0', 'weather', '{"degrees": 7}')],
  },
  {
    id: at.ids[1],
    created_at: time(1),
    provider_name: 'openai',
    model: 'gpt-4o-mini',
    model_endpoint: 'https://api.openai.com/v1/chat/completions',
    context_window_limit: 128_000,
    prompt_tokens: 2000,
    completion_tokens: 300,
    total_tokens: 2300,
    cached_input_tokens: 1200,
    reasoning_tokens: 100,
    usage_state: 'reported',
    stop_reason: 'tool_rule',
    trace_id: 'ab'.repeat(16),
    tags: ['kept', 'goes'],
    metadata: { nested: { deep: [1, 2, { deeper: 'found' }] } },
    metrics: { step_start_ns: BEGIN * 1e6, llm_request_start_ns: BEGIN * 1e6 + 500_000_000, llm_request_ns: 2_000_000_000, tool_execution_ns: 1_500_000_000, step_ns: 4_000_000_000, ttft_ns: 250_000_000 },
    messages: [{ role: 'assistant', content: [{ type: 'reasoning', reasoning: 'seven degrees are cold' }, { type: 'text', text: 'It is cold.' }], tool_calls: [call('c1', 'remember', { what: 'cold' })] }, returned('c1', 'remember', 'no room left', 'error')],
    traces: [{ request_json: { model: 'gpt-4o-mini', stream: true }, response_json: { choices: [{ index: 0 }] } }],
  },
  {
    id: at.ids[2],
    created_at: time(2),
    parent_step_id: at.ids[1],
    trace_id: 'ab'.repeat(16),
    status: 'failed',
    error_type: 'RateLimitError',
    error_data: { message: 'slow down', traceback: 'Traceback (most recent call last):\n  File "a.py", line 3', details: { retry_after: 30 } },
  },
];

const site = dashboard({}, async (server) => {
  at.agent = await agent(server, { name: 'the weatherman' });
  at.ids = [1, 2, 3].map(() => newId('step'));
  at.run = newId('run');
  await server.must(201, 'POST', '/v1/runs', { body: { id: at.run, agent_id: at.agent } });
  const all = steps();
  await fill(server, all.length, (i) => ({ status: 'success', run_id: at.run, agent_id: at.agent, model: 'm', ...all[i] }));
  at.hostile = newId('step');
  await fill(server, 1, () => ({
    id: at.hostile,
    status: 'failed',
    created_at: time(-100),
    model: HARM,
    model_endpoint: 'javascript:globalThis.harmed=4',
    error_type: HARM,
    error_data: { message: `\u202Eexe.gnp ${HARM}`, traceback: 'x'.repeat(100_000) },
    tags: Array.from({ length: 60 }, (_, i) => `${i} \u202E${HARM}`.slice(0, 200)),
    input_preview: HARM,
    metadata: { list: Array.from({ length: 5000 }, (_, i) => i), [HARM]: HARM },
    messages: [
      { role: 'user', text: HARM + 'a'.repeat(LONG) },
      { role: 'assistant', text: `[x](javascript:globalThis.harmed=5) \u202Esdrawkcab`, tool_calls: [call('h', HARM, { html: HARM, long: 'y'.repeat(200_000) })] },
      returned('h', HARM, HARM, 'error'),
    ],
  }));
});

const show = async (page, id = at.ids[1], search = '') => {
  await page.goto(`${site.server.url}/steps/${id}${search}`);
  await page.locator('.step-title').waitFor();
};
const card = (page, name) => page.getByRole('region', { name, exact: true });
const atStep = (page, id) => page.waitForURL((url) => url.pathname === `/steps/${id}`);

for (const [width, dark] of windows) {
  test(`no barrier, and nothing wider than the window: ${width} pixels, ${dark ? 'dark' : 'light'}`, on(site, async (page) => {
    await show(page);
    await card(page, 'Context window').getByText('tool returns').waitFor();
    await card(page, 'Tokens and cost').getByText('openai/gpt-4o-mini').waitFor();
    await accessible(site, page);
    assert.equal(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), true);
    await picture(page, `step-${dark ? 'dark' : 'light'}-${width}`);
  }, { width, dark, height: 1200 }));
}

test('every field of the record is there, the seed\'s first', on(site, async (page) => {
  await show(page);
  const record = card(page, 'Record');
  const names = await record.locator('dt').allInnerTexts();
  const answered = Object.keys(await site.server.get(`/v1/steps/${at.ids[1]}`)).filter((name) => name !== 'messages');
  assert.deepEqual(answered.filter((name) => !names.includes(name)), []);
  assert.deepEqual(names.slice(0, 5), ['id', 'origin', 'organization_id', 'provider_id', 'run_id']);
  assert.ok(names.indexOf('created_at') < names.indexOf('source'));
  const value = (name) => record.locator('dl > div', { has: page.locator('dt', { hasText: new RegExp(`^${name}$`) }) }).locator('dd').innerText();
  assert.match(await value('context_window_limit'), /128,000 tokens/);
  assert.match(await value('created_at'), /2026-01-10 09:01:00 CET/);
  assert.equal(await record.getByRole('link', { name: 'https://api.openai.com/v1/chat/completions' }).getAttribute('rel'), 'noopener noreferrer nofollow');
}));

test('messages are a conversation; calls and what they returned are folded together', on(site, async (page) => {
  await show(page);
  const chat = card(page, 'Messages');
  await chat.getByText('It is cold.').waitFor();
  assert.equal(await chat.getByText('seven degrees are cold').locator('visible=true').count(), 1); // its beginning, on the folded line
  const tool = chat.getByRole('button', { name: /remember/ });
  assert.match(await tool.innerText(), /error/);
  assert.equal(await chat.getByText('no room left').count(), 0);
  await tool.click();
  await chat.getByText('no room left').waitFor();
  await chat.getByText('Returned an error').waitFor();
  assert.equal(await chat.getByRole('article').count(), 1); // the message of the tool is not there a second time
}));

test('the difference to the previous prompt: what the step before said, and what its tool returned', on(site, async (page) => {
  await show(page);
  const difference = card(page, 'Difference to the previous prompt');
  await difference.getByText('2 added, as far as the recorded messages say.').waitFor();
  await difference.getByText('2 messages unchanged').waitFor();
  const added = difference.getByRole('article', { name: /^Added/ });
  assert.equal(await added.count(), 1);
  assert.match(await added.innerText(), /I will look\.[\s\S]*weather/);
  await difference.getByRole('link', { name: 'previous step' }).click();
  await atStep(page, at.ids[0]);
  await card(page, 'Difference to the previous prompt').getByText(/first step of its run/).waitFor();
}));

test('what fills the window, to scale', on(site, async (page) => {
  await show(page);
  const window_ = card(page, 'Context window');
  await window_.getByText('2,000 tokens of 128,000 · 1.56 %').waitFor();
  const bar = window_.locator('.fill-bar');
  const [all, used] = await bar.evaluate((one) => [one.getBoundingClientRect().width, one.querySelector('.used').getBoundingClientRect().width]);
  assert.ok(Math.abs(used / all - 2000 / 128_000) < 0.01, `${used} of ${all}`);
  // By the letters of what was said before it answered: 19 of the system, 20 of the user, and so on.
  const told = await bar.getAttribute('aria-label');
  const share = (name) => Number(new RegExp(`${name} ([0-9.]+) %`).exec(told)[1]);
  const letters = { system: 'You look things up.'.length, user: 'What is the weather?'.length, assistant: 'I will look.'.length, 'tool calls': 'weather{"city":"Bonn"}'.length, 'tool returns': '{"degrees":7}'.length };
  const sum = Object.values(letters).reduce((a, b) => a + b);
  for (const [name, n] of Object.entries(letters)) {
    assert.ok(Math.abs(share(name) - (100 * n) / sum) < 0.1, `${name}: ${told}`);
  }
}));

test('tokens by bucket, with the price that was used; they add up to the cost', on(site, async (page) => {
  await show(page);
  const tokens = card(page, 'Tokens and cost');
  await tokens.getByText('openai/gpt-4o-mini').waitFor();
  const rows = await tokens.getByRole('row').allInnerTexts();
  const cells = (name) => rows.find((row) => row.trim().startsWith(name)).split('\t').map((text) => text.trim());
  // 0.15, 0.075 and 0.60 dollars a million: the list price.
  assert.deepEqual(cells('uncached input').slice(1), ['800', '$0.150', '$0.000120']);
  assert.deepEqual(cells('read from cache').slice(1), ['1,200', '$0.0750', '$0.0000900']);
  assert.deepEqual(cells('output').slice(1), ['200', '$0.600', '$0.000120']);
  assert.deepEqual(cells('reasoning').slice(1), ['100', '$0.600', '$0.0000600']);
  assert.equal(cells('written to cache')[1], '–');
  const { cost_nano_usd: cost } = await site.server.get(`/v1/steps/${at.ids[1]}`);
  assert.equal(cost, 120_000 + 90_000 + 120_000 + 60_000);
  assert.deepEqual(cells('Total'), ['Total', '2,300', '', '$0.000390']);
}));

test('a bucket that is known to be empty costs nothing; of one that was not reported nobody knows', on(site, async (page) => {
  const [step] = await fill(site.server, 1, () => ({ created_at: time(-50), status: 'success', provider_name: 'openai', model: 'gpt-4o-mini', prompt_tokens: 1000, completion_tokens: 0, total_tokens: 1000, cached_input_tokens: 0, usage_state: 'reported' }));
  await show(page, step.id);
  const tokens = card(page, 'Tokens and cost');
  await tokens.getByText('openai/gpt-4o-mini').waitFor();
  const cells = async (name) => (await tokens.getByRole('row', { name }).innerText()).split('\t').slice(1).map((text) => text.trim());
  assert.deepEqual(await cells('read from cache'), ['0', '$0.0750', '$0']);
  assert.deepEqual(await cells('output'), ['0', '$0.600', '$0']);
  assert.deepEqual(await cells('reasoning'), ['–', '$0.600', '–']);
}));

test('the bar of time is to scale', on(site, async (page) => {
  await show(page);
  const timing = card(page, 'Timing');
  await timing.locator('.time-bar').waitFor();
  const parts = await timing.locator('.time-bar').evaluate((bar) => {
    const whole = bar.getBoundingClientRect();
    return Object.fromEntries([...bar.children].map((one) => [one.title.split(':')[0], [(one.getBoundingClientRect().left - whole.left) / whole.width, one.getBoundingClientRect().width / whole.width]]));
  });
  const near = ([from, width], wantedFrom, wantedWidth) => assert.ok(Math.abs(from - wantedFrom) < 0.01 && Math.abs(width - wantedWidth) < 0.01, JSON.stringify(parts));
  near(parts['before the model'], 0, 0.125);
  near(parts.model, 0.125, 0.5);
  near(parts.tools, 0.625, 0.375);
  assert.ok(Math.abs(parts['first token after 250 ms'][0] - 0.1875) < 0.01, JSON.stringify(parts));
}));

test('an error with its traceback', on(site, async (page) => {
  await show(page, at.ids[2]);
  const error = card(page, 'Error');
  await error.getByText('RateLimitError').waitFor();
  await error.getByText('slow down').waitFor();
  await error.getByText('File "a.py", line 3').waitFor();
  await error.locator('.j-name', { hasText: 'retry_after' }).waitFor();
  await show(page);
  assert.equal(await card(page, 'Error').count(), 0);
}));

test('raw request and response, folded and unfolded', on(site, async (page) => {
  await show(page);
  const raw = card(page, 'Raw request and response');
  await raw.getByText('gpt-4o-mini').waitFor();
  await raw.getByText('index').waitFor();
  await raw.getByRole('group', { name: 'the response' }).getByRole('button', { expanded: true }).first().click();
  assert.equal(await raw.getByText('index').count(), 0);
}));

test('what is related: run, parent, those it led to, the same trace', on(site, async (page) => {
  await show(page);
  const related = card(page, 'Related');
  const line = (title) => related.locator('dl > div', { has: page.locator('dt', { hasText: new RegExp(`^${title}$`) }) });
  assert.equal(await line('Run').getByRole('link').getAttribute('href'), `/runs/${at.run}?step=${at.ids[1]}`);
  await until(() => line('Led to').getByRole('link').evaluateAll((all) => all.map((one) => one.getAttribute('href'))), (links) => links[0] === `/steps/${at.ids[2]}`, 'the step it led to');
  await until(() => line('Same trace').getByRole('link').count(), (n) => n === 1, 'the other of the trace');
  await show(page, at.ids[2]);
  assert.equal(await line('Led to by').getByRole('link').getAttribute('href'), `/steps/${at.ids[1]}`);
}));

test('thumbs and tags are set in place, and are what the server has', on(site, async (page) => {
  const id = at.ids[0];
  const kept = async () => (({ feedback, tags }) => ({ feedback, tags }))(await site.server.get(`/v1/steps/${id}`));
  await show(page, id);
  await page.getByRole('button', { name: 'Good' }).click();
  await page.getByRole('button', { name: 'Good', pressed: true }).waitFor();
  assert.equal((await kept()).feedback, 'positive');
  await page.keyboard.press('-');
  await page.getByRole('button', { name: 'Bad', pressed: true }).waitFor();
  assert.equal((await kept()).feedback, 'negative');
  await page.getByRole('button', { name: 'Bad' }).click();
  await page.getByRole('button', { name: 'Bad', pressed: false }).waitFor();
  assert.equal((await kept()).feedback, null);
  await page.getByLabel('Add a tag').fill('one, two');
  await page.keyboard.press('Enter');
  await page.getByRole('button', { name: 'Remove tag two' }).waitFor();
  await page.getByRole('button', { name: 'Remove tag one' }).click();
  await until(kept, ({ tags }) => tags.join() === 'two', 'the tags');
}));

test('a change that is refused is told, and not shown', on(site, async (page) => {
  await show(page, at.ids[0]);
  await page.route('**/feedback', (route) => route.fulfill({ status: 503, contentType: 'application/json', body: '{"detail":"the disk is full"}' }));
  await page.getByRole('button', { name: 'Good' }).click();
  await page.getByText('That was not kept: the disk is full').waitFor();
  assert.equal(await page.getByRole('button', { name: 'Good', pressed: true }).count(), 0);
}, { expects: [/503/] }));

test('copied as curl, as CLI and as JSON', on(site, async (page) => {
  await show(page);
  const take = async (name) => {
    await page.getByRole('button', { name: 'Copy', exact: true }).click();
    await page.getByRole('button', { name, exact: true }).click();
    return page.evaluate(() => navigator.clipboard.readText());
  };
  assert.equal(await take('Copy as curl'), `curl '${site.server.url}/v1/steps/${at.ids[1]}'`);
  assert.equal(await take('Copy as CLI'), `stepwell show ${at.ids[1]} --server '${site.server.url}'`);
  assert.deepEqual(JSON.parse(await take('Copy as JSON')), await site.server.get(`/v1/steps/${at.ids[1]}`));
}, { permissions: ['clipboard-read', 'clipboard-write'] }));

test('j and k go along the list it came from, and stop at its ends', on(site, async (page) => {
  await show(page, at.ids[2], `?run_id=${at.run}`);
  await page.keyboard.press('j');
  await atStep(page, at.ids[1]);
  await page.keyboard.press('j');
  await atStep(page, at.ids[0]);
  assert.equal(new URL(page.url()).search, `?run_id=${at.run}`);
  await page.keyboard.press('j');
  await page.getByText('That was the last one.').waitFor();
  await page.keyboard.press('k');
  await atStep(page, at.ids[1]);
  // As the run went, when it came from there.
  await show(page, at.ids[0], `?run_id=${at.run}&order=asc`);
  await page.keyboard.press('j');
  await atStep(page, at.ids[1]);
  await page.keyboard.press('Escape');
  await page.waitForURL((url) => url.pathname === `/runs/${at.run}`);
}));

test('the list of steps leads to a step with its filters, so that j goes along it', on(site, async (page) => {
  await page.goto(`${site.server.url}/steps?run_id=${at.run}`);
  await page.getByRole('row').nth(1).waitFor();
  await page.keyboard.press('j');
  await page.keyboard.press('Enter');
  await atStep(page, at.ids[2]);
  await page.locator('.step-title').waitFor();
  await page.keyboard.press('j');
  await atStep(page, at.ids[1]);
}));

test('a step that is not there, and one that cannot be asked for', on(site, async (page) => {
  await page.goto(`${site.server.url}/steps/${newId('step')}`);
  await page.getByText('There is no such step').waitFor();
  await page.route('**/v1/steps/step-*', (route) => route.fulfill({ status: 500, contentType: 'application/json', body: '{"detail":"broken"}' }));
  await page.goto(`${site.server.url}/steps/${at.ids[1]}`);
  await page.getByText('broken').first().waitFor();
  await page.unroute('**/v1/steps/step-*');
  await page.getByRole('button', { name: 'Try again' }).first().click();
  await page.locator('.step-title').waitFor();
}, { expects: [/404/, /500/] }));

test('content that means harm stays text, and megabytes do not hold the page up', on(site, async (page) => {
  await show(page, at.hostile);
  await card(page, 'Messages').getByRole('article').first().waitFor();
  await card(page, 'Messages').getByRole('button', { name: /error/ }).click();
  const folded = card(page, 'Record').getByRole('button', { expanded: false });
  for (let n = await folded.count(); n > 0; n--) {
    await folded.first().click();
  }
  assert.deepEqual(await page.evaluate(() => ({
    harmed: globalThis.harmed,
    inside: document.querySelectorAll('main script, main img, main iframe, main [onerror]').length,
    links: [...document.querySelectorAll('main a')].filter((one) => !/^https?:$/.test(one.protocol)).length,
  })), { harmed: undefined, inside: 0, links: 0 });
  // What turns the order of letters round does so in its own box only.
  assert.equal(await page.locator('.failure-card .long').first().evaluate((one) => getComputedStyle(one).unicodeBidi), 'isolate');
  const shown = await page.evaluate(() => document.querySelector('main').textContent.length);
  assert.ok(shown < 200_000, `${shown} characters are in the document`);
  await card(page, 'Messages').getByRole('button', { name: /^Show/ }).first().click();
  assert.equal(await page.evaluate(() => globalThis.harmed), undefined);
  assert.equal(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), true);
  await picture(page, 'step-hostile');
}));
