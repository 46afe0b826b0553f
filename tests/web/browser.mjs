// SPDX-License-Identifier: Apache-2.0
// A browser for the tests of the dashboard: Debian's Chromium, driven from outside. What every page is held to is checked
// for each test without its asking: nothing on the console, no script that fails, no request to anybody but the server.
//
//   const site = dashboard({ steps: 500 });            a server and a browser for all tests of the file
//   test('...', on(site, async (page, t) => { await page.goto(`${site.server.url}/steps`); ... }));
//
// Where there is no Chromium, or the packages cannot be installed, tests are skipped and say why.
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { after, before } from 'node:test';
import { fileURLToPath } from 'node:url';
import { level, patience, serve } from '../http/lib.mjs';
import { installed } from '../http/npm.mjs';

const here = dirname(fileURLToPath(import.meta.url));
const home = process.env.STEPWELL_NPM_WEB ?? join(here, '../../build/tests/web/npm');
const LONGEST_WAIT_MS = 30_000;

// Where pictures of pages go that are to be looked at.
export const pictures = process.env.STEPWELL_PICTURES ?? join(here, '../../build/tests/web/pictures');

function chromium() {
  const named = process.env.STEPWELL_CHROMIUM;
  return [named, '/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'].find((path) => path && existsSync(path));
}

// The server's own words where it has no dashboard.
async function hasDashboard(server) {
  const { status } = await server.api('GET', '/');
  return status === 200;
}

// A server (options as serve's, and `prepare`) and a browser, begun before the first test and ended after the last.
export function dashboard(options = {}, prepare = async () => {}) {
  const site = { why: null };
  const last = [];
  before(async () => {
    const t = { after: (end) => last.unshift(end) };
    const path = chromium();
    site.why = path ? await installed(home, here) : 'chromium is not installed';
    if (site.why) {
      return;
    }
    site.server = await serve(t, options);
    if (!(await hasDashboard(site.server))) {
      site.why = 'this build has no dashboard';
      return;
    }
    await prepare(site.server);
    const { chromium: driver } = createRequire(join(home, 'index.js'))('playwright-core');
    site.axe = readFileSync(join(home, 'node_modules/axe-core/axe.min.js'), 'utf8');
    site.browser = await driver.launch({ executablePath: path, args: ['--no-sandbox', '--disable-dev-shm-usage'] });
    last.unshift(() => site.browser.close());
  });
  after(async () => {
    for (const end of last) {
      await end();
    }
  });
  return site;
}

// What happened in a page that should not have.
function watch(page, url) {
  const seen = [];
  page.on('pageerror', (error) => seen.push(`a script failed: ${error.stack ?? error}`));
  page.on('console', (message) => ['error', 'warning'].includes(message.type()) && seen.push(`the console has: ${message.text()} (${message.location().url})`));
  page.on('request', (request) => {
    if (!request.url().startsWith(url) && !request.url().startsWith('data:')) {
      seen.push(`something was asked elsewhere: ${request.url()}`);
    }
  });
  return seen;
}

// A test with a page of its own. `expects`: what may be on the console, because the test makes it happen (a refusal).
export const on = (site, body, { width = 1280, height = 800, dark = false, expects = [], ...more } = {}) => async (t) => {
  if (site.why) {
    t.skip(site.why);
    return;
  }
  const context = await site.browser.newContext({ viewport: { width, height }, colorScheme: dark ? 'dark' : 'light', timezoneId: 'Europe/Berlin', locale: 'en-GB', ...more });
  context.setDefaultTimeout(LONGEST_WAIT_MS * patience);
  try {
    const page = await context.newPage();
    const seen = watch(page, site.server.url);
    await body(page, t);
    assert.deepEqual(seen.filter((line) => !expects.some((pattern) => pattern.test(line))), []);
  } finally {
    await context.close();
  }
};

// No barrier that axe knows of, by the rules of WCAG 2 A and AA.
export async function accessible(site, page) {
  await page.evaluate(site.axe);
  const found = await page.evaluate(() => globalThis.axe.run(document, { runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa'] }));
  const told = found.violations.map(({ id, help, nodes }) => `${id}: ${help}\n${nodes.slice(0, 5).map((node) => `    ${node.html.slice(0, 200)}\n    ${node.failureSummary}`).join('\n')}`);
  assert.deepEqual(told, []);
}

// The windows that pages are looked at in, as [width, dark]: at the deep level every one, else those that differ most.
export const windows = level === 'deep' ? [375, 1280, 2560].flatMap((width) => [[width, false], [width, true]]) : [[375, false], [1280, true]];

// Keeps a picture of the page, to be looked at.
export async function picture(page, name) {
  await mkdir(pictures, { recursive: true });
  await page.screenshot({ path: join(pictures, `${name}.png`) });
}

// Asks until the answer is right; the last answer is told when it never is.
export async function until(ask, right, what) {
  const end = Date.now() + LONGEST_WAIT_MS * patience;
  for (;;) {
    const answer = await ask();
    if (right(answer)) {
      return answer;
    }
    assert.ok(Date.now() < end, `${what} never came; the last was ${JSON.stringify(answer)}`);
  }
}
