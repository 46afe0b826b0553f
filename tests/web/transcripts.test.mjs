// SPDX-License-Identifier: Apache-2.0
// The dashboard with what people really did: transcripts of coding agents, imported. Each page stands, without a barrier; what
// the page of models says is what was counted from the files by others (EXPECTED.md beside them); every run opens in its three
// views, and of each run its first, middle and last step.
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { level } from '../http/lib.mjs';
import { accessible, dashboard, on, picture, until, windows } from './browser.mjs';

const here = dirname(fileURLToPath(import.meta.url));
const shared = process.env.STEPWELL_SHARED ?? join(here, '../../../shared');
const claude = join(shared, 'data/claude-code');
const others = join(shared, 'data/coding-agents');
const missing = [claude, others].find((folder) => !existsSync(folder));

// Servers and browsers are only begun when there is something to import.
const imported = (folders) => (missing ? { why: `there is no ${missing} (set STEPWELL_SHARED)` } : dashboard({}, async (server) => {
  for (const folder of folders) {
    await server.cli('import', folder);
  }
}));
const alone = imported([claude]);
const site = imported([claude, others]);

// The rows of the table that follows the words in EXPECTED.md, as texts of cells.
function table(words) {
  const text = readFileSync(join(shared, 'data/EXPECTED.md'), 'utf8');
  const lines = text.slice(text.indexOf(words)).split('\n');
  const begin = lines.findIndex((line) => line.startsWith('|---')) + 1;
  const end = lines.findIndex((line, i) => i > begin && !line.startsWith('|'));
  return lines.slice(begin, end).map((line) => line.split('|').slice(1, -1).map((cell) => cell.trim()));
}

// Calls by model. A call that ended in an error of the API tells no model; one call stands in two of the files.
function expectedCalls() {
  const calls = new Map();
  const add = (model, count) => calls.set(model, (calls.get(model) ?? 0) + Number(count));
  for (const [model, count] of table('Totals over all files')) {
    add(model, count);
  }
  add('claude-sonnet-4', -1);
  for (const [, , , , , , , errors] of table('## Claude Code transcripts')) {
    add('None', errors);
  }
  return calls;
}

const row = (page, model) => page.locator('.sums tbody tr', model === 'None' ? { hasText: 'model not said' } : { has: page.getByRole('link', { name: model, exact: true }) });
const steps = (page, model) => row(page, model).locator('td span[title]').first().getAttribute('title');

test('models have the calls that the files hold', on(alone, async (page) => {
  await page.goto(`${alone.server.url}/models?range=all`);
  await page.locator('.sums').waitFor();
  const expected = expectedCalls();
  assert.ok(expected.size > 5);
  // Some of its steps tell their usage only in part, so nothing is known of their cost.
  assert.match(await row(page, 'claude-opus-4-5-20251101').locator('td').first().innerText(), /^≥ \$/);
  for (const [model, calls] of expected) {
    await until(() => steps(page, model), (count) => count === String(calls), `${calls} steps of ${model}`);
  }
}));

const PAGES = ['steps', 'runs', 'overview', 'conversations', 'agents', 'models', 'providers'];
for (const [width, dark] of windows) {
  for (const name of PAGES) {
    test(`${name}: no barrier, and nothing wider than the window: ${width} pixels, ${dark ? 'dark' : 'light'}`, on(site, async (page) => {
      await page.goto(`${site.server.url}/${name}?range=all`);
      await page.getByRole('main').locator('a[href^="/"]').first().waitFor();
      await accessible(site, page);
      assert.equal(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), true);
      await picture(page, `real-${name}-${dark ? 'dark' : 'light'}-${width}`);
    }, { width, dark }));
  }
}

// Words that a canvas draws are nowhere in the page: they are noted while they are drawn, with the place where they begin.
function noteDrawn() {
  const { fillText } = CanvasRenderingContext2D.prototype;
  globalThis.drawn = [];
  CanvasRenderingContext2D.prototype.fillText = function note(text, x, y) {
    const { width } = this.measureText(text);
    globalThis.drawn.push({ text, left: x - ({ right: width, center: width / 2 }[this.textAlign] ?? 0) });
    return fillText.call(this, text, x, y);
  };
}

test('what stands beside an axis is seen whole, also times of minutes', on(site, async (page) => {
  await page.addInitScript(noteDrawn);
  await page.goto(`${site.server.url}/overview?range=all`);
  const drawn = await until(() => page.evaluate(() => globalThis.drawn), (all) => all.some(({ text }) => / m 00 s$/.test(text)), 'whole minutes beside the step time');
  assert.deepEqual(drawn.filter(({ left }) => left < 0), []);
}));

// How many of the runs are opened; the largest come first.
const RUNS = { quick: 5, normal: 5 }[level] ?? 1000;
const largest = (server) => server.sql(`select run_id as id, count(*) as steps from steps where run_id is not null and retired_into is null group by 1 order by 2 desc, 1 limit ${RUNS}`);

test('every run opens in its three views and has all of its steps', on(site, async (page) => {
  const runs = await largest(site.server);
  assert.ok(runs.length >= 5);
  for (const { id, steps: count } of runs) {
    for (const view of ['transcript', 'waterfall', 'table']) {
      await page.goto(`${site.server.url}/runs/${id}?view=${view}`);
      await until(() => page.getByRole('main').innerText(), (text) => new RegExp(`\\b${count.toLocaleString('en')}\\b`).test(text), `${count} steps of ${id}`);
      assert.equal(await page.getByRole('alert').count(), 0, id);
    }
  }
}));

test('steps open with all that is known of them', on(site, async (page) => {
  for (const { id } of await largest(site.server)) {
    const all = await site.server.sql(`select id from steps where run_id = '${id}' and retired_into is null order by created_at, id`);
    for (const step of [all[0], all[all.length >> 1], all.at(-1)]) {
      await page.goto(`${site.server.url}/steps/${step.id}`);
      await page.getByText(step.id).first().waitFor();
      await accessible(site, page);
      assert.equal(await page.getByRole('alert').count(), 0, step.id);
    }
  }
}));
