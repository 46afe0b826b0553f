// SPDX-License-Identifier: Apache-2.0
// What the tests of telemetry install from the registry, into the build folder and once; and the node that runs the
// programs under test, because some of what they use wants a newer one than the distribution's.
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { cp, mkdir, mkdtemp, rename, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { promisify } from 'node:util';

const run = promisify(execFile);
const here = dirname(fileURLToPath(import.meta.url));
const LONGEST_INSTALL_MS = 240_000;
const NEWEST_WANTED = 22;
const NODE = `node-linux-${process.arch}@22.23.3`;

async function install(home) {
  await mkdir(dirname(home), { recursive: true });
  const aside = await mkdtemp(`${home}-`);
  const npm = (...words) => run('npm', [...words, '--no-audit', '--no-fund', '--ignore-scripts'], { cwd: aside, timeout: LONGEST_INSTALL_MS });
  try {
    await cp(join(here, 'package.json'), join(aside, 'package.json'));
    await cp(join(here, 'package-lock.json'), join(aside, 'package-lock.json'));
    await npm('ci');
    if (Number.parseInt(process.versions.node, 10) < NEWEST_WANTED) {
      await npm('install', '--no-save', NODE);
    }
    await rm(home, { recursive: true, force: true }).then(() => rename(aside, home));
    return null;
  } catch (error) {
    return `npm cannot install the packages: ${String(error.stderr || error.message).trim().split('\n')[0]}`;
  } finally {
    await rm(aside, { recursive: true, force: true });
  }
}

let ready;

export const packages = {
  // The folder they are in; null after having told why through t.skip.
  async home(t) {
    const home = process.env.STEPWELL_NPM_INTEROP ?? join(here, '../../build/tests/interop/npm');
    ready ??= existsSync(join(home, 'node_modules', 'yaml')) ? Promise.resolve(null) : install(home);
    const why = await ready;
    if (why) {
      t.skip(why);
      return null;
    }
    return home;
  },

  async load(home, name) {
    const { default: whole, ...names } = await import(pathToFileURL(createRequire(join(home, 'index.js')).resolve(name)));
    return { ...whole, ...names };
  },

  async node(home) {
    const newer = join(home, 'node_modules', NODE.split('@')[0], 'bin', 'node');
    return existsSync(newer) ? newer : process.execPath;
  },
};
