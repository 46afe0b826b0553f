// SPDX-License-Identifier: Apache-2.0
// What the tests of telemetry install from the registry, into the build folder and once; and the node that runs the
// programs under test, because some of what they use wants a newer one than the distribution's.
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { installed } from '../http/npm.mjs';

const here = dirname(fileURLToPath(import.meta.url));
const NEWEST_WANTED = 22;
const NODE = `node-linux-${process.arch}@22.23.3`;

let ready;

export const packages = {
  // The folder they are in; null after having told why through t.skip.
  async home(t) {
    const home = process.env.STEPWELL_NPM_INTEROP ?? join(here, '../../build/tests/interop/npm');
    ready ??= installed(home, here, Number.parseInt(process.versions.node, 10) < NEWEST_WANTED ? [NODE] : []);
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
