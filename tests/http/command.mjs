// SPDX-License-Identifier: Apache-2.0
// The command line program as a process of its own, in an environment that says nothing to it.
import { execFile } from 'node:child_process';
import { program } from './lib.mjs';

export const bare = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('STEPWELL_')));

export function command(words, env = {}) {
  return new Promise((resolve) => {
    execFile(program, words, { env: { ...bare, ...env }, maxBuffer: 1 << 28 }, (error, out, err) => {
      resolve({ code: error ? error.code : 0, out, err });
    });
  });
}
