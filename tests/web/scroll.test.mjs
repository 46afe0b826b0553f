// SPDX-License-Identifier: Apache-2.0
// A long list, scrolled through: how long frames take while it moves, how much of it is in the document, that it can be
// scrolled back, and how soon the page is there.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fill, level, scaled } from '../http/lib.mjs';
import { patience } from '../http/lib.mjs';
import { dashboard, on, until } from './browser.mjs';

const STEPS = scaled(5_000, 20_000, 100_000);
const MOST_FRAME_MS = 50;
const site = dashboard({}, (server) => fill(server, STEPS, (i) => ({
  created_at: new Date(Date.UTC(2026, 0, 1) + i * 1000).toISOString(),
  model: `model-${i % 5}`, status: 'success', input_preview: `question ${i}`, output_preview: `answer ${i}`,
  prompt_tokens: 1000, completion_tokens: 10, total_tokens: 1010, usage_state: 'reported', cost_nano_usd: 1000, tags: ['a', 'b'],
  metrics: { step_ns: 1_000_000 * (i % 1000), llm_request_ns: 1000 },
})));

// Scrolls down by a screen each frame until the end, and tells how long each frame took.
const scrollThrough = (page, most) => page.evaluate(async (end) => {
  const grid = document.querySelector('[role="grid"]');
  const frames = [];
  let before = performance.now();
  while (performance.now() < end) {
    await new Promise((resolve) => requestAnimationFrame(resolve));
    const now = performance.now();
    frames.push(now - before);
    before = now;
    grid.scrollTop += grid.clientHeight;
    if (document.body.innerText.includes('That was the first step.') && grid.scrollTop + grid.clientHeight >= grid.scrollHeight - 1) {
      break;
    }
  }
  return { frames, rows: grid.querySelectorAll('[role="row"]').length, nodes: document.querySelectorAll('*').length };
}, most);

test(`${STEPS} steps, from the first to the last row and back`, on(site, async (page, t) => {
  await page.goto(`${site.server.url}/steps`);
  await page.getByRole('row').nth(1).waitFor();
  const { frames, rows, nodes } = await scrollThrough(page, 120_000 * patience);
  await page.getByRole('row', { name: /question 0\b/ }).waitFor();
  assert.ok(rows < 120 && nodes < 6000, `${rows} rows and ${nodes} elements in the document`);
  frames.sort((a, b) => a - b);
  const [median, slow] = [frames[Math.floor(frames.length / 2)], frames[Math.floor(frames.length * 0.99)]];
  t.diagnostic(`${frames.length} frames: median ${median.toFixed(1)} ms, 99 of 100 within ${slow.toFixed(1)} ms, longest ${frames.at(-1).toFixed(1)} ms`);
  if (level !== 'quick') {
    assert.ok(median < MOST_FRAME_MS * patience, `half of the frames took ${median} ms or more`);
  }
  await page.getByRole('grid').evaluate((grid) => grid.scrollTo({ top: 0 }));
  await page.getByRole('row', { name: new RegExp(`question ${STEPS - 1}\\b`) }).waitFor();
  const middle = Math.floor(STEPS / 2);
  await page.getByRole('grid').evaluate((grid, share) => grid.scrollTo({ top: share * grid.scrollHeight }), 0.5);
  const text = await until(() => page.getByRole('row').nth(20).innerText(), (one) => /question \d+/.test(one), 'a row in the middle');
  const there = Number(/question (\d+)/.exec(text)[1]);
  assert.ok(Math.abs(there - middle) < STEPS * 0.02 + 60, `${there} is not about ${middle}`);
}));

test('the first rows are there soon', on(site, async (page, t) => {
  await page.goto(`${site.server.url}/steps`);
  await page.getByRole('row').nth(1).waitFor();
  const times = [];
  for (let i = 0; i < 5; i++) {
    await page.reload({ waitUntil: 'commit' });
    times.push(await page.evaluate(async () => {
      while (!document.querySelector('[role="grid"] [role="row"]:not(.header) time')) {
        await new Promise((resolve) => requestAnimationFrame(resolve));
      }
      return performance.now();
    }));
  }
  t.diagnostic(`after ${times.map((ms) => ms.toFixed(0)).join(', ')} ms`);
  assert.ok(Math.min(...times) < 2000 * patience, `after ${times} ms`);
}));
