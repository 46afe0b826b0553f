// SPDX-License-Identifier: Apache-2.0
// Packages from the registry, as a folder's package.json and package-lock.json name them, installed once into a folder
// of the build. Whoever comes while another process installs waits for it; what was installed for another lock file is
// installed anew.
import { cp, mkdir, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { execFile } from 'node:child_process';
import { dirname, join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { promisify } from 'node:util';

const run = promisify(execFile);
const LONGEST_INSTALL_MS = 240_000;
const LOOK_MS = 100;

const LOCK = 'package-lock.json';
const text = (path) => readFile(path, 'utf8').catch(() => undefined);
const isThere = async (home, from) => (await text(join(home, LOCK))) === (await text(join(from, LOCK)));

function runs(pid) {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

// Alone among processes: the file holds the number of the one whose turn it is. One that died holds nobody up.
async function alone(path, body) {
  for (;;) {
    const mine = await writeFile(path, `${process.pid}`, { flag: 'wx' }).then(() => true, () => false);
    if (mine) {
      return body().finally(() => rm(path, { force: true }));
    }
    const holder = Number(await text(path));
    if (holder && !runs(holder)) {
      await rm(path, { force: true });
    }
    await pause(LOOK_MS);
  }
}

async function install(home, from, more) {
  const aside = await mkdtemp(`${home}-`);
  const npm = (...words) => run('npm', [...words, '--no-audit', '--no-fund', '--ignore-scripts'], { cwd: aside, timeout: LONGEST_INSTALL_MS });
  try {
    await cp(join(from, 'package.json'), join(aside, 'package.json'));
    await cp(join(from, LOCK), join(aside, LOCK));
    await npm('ci');
    if (more.length > 0) {
      await npm('install', '--no-save', ...more);
    }
    await rm(home, { recursive: true, force: true });
    await rename(aside, home);
    return null;
  } catch (error) {
    return `npm cannot install the packages: ${String(error.stderr || error.message).trim().split('\n')[0]}`;
  } finally {
    await rm(aside, { recursive: true, force: true });
  }
}

// Sees to it that what `from` names, and `more`, is in `home`. Answers null, or why not.
export async function installed(home, from, more = []) {
  if (await isThere(home, from)) {
    return null;
  }
  await mkdir(dirname(home), { recursive: true });
  return alone(`${home}.turn`, async () => ((await isThere(home, from)) ? null : install(home, from, more)));
}
