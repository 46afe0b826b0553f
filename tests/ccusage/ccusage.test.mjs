// SPDX-License-Identifier: Apache-2.0
// ccusage counts the same Claude Code files by rules of its own: each day it says the same to the token, once what only
// one of the two counts, read from the files by itself, is set apart.
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { compare, layOut, missing, ofCcusage, ofStepwell, reasons, samples } from './compare.mjs';

test('ccusage says the same of each day', async (t) => {
  const why = existsSync(samples) ? await missing() : 'the shared transcripts are not here';
  if (why) {
    t.skip(why);
    return;
  }
  const work = await mkdtemp(join(tmpdir(), 'stepwell-ccusage-'));
  t.after(() => rm(work, { recursive: true, force: true }));
  const folder = join(work, 'claude');
  await layOut(samples, folder);
  const theirs = await ofCcusage(folder, work);
  const ours = await ofStepwell(folder, `sqlite:${join(work, 'well.db')}`);
  const rows = compare(ours.days, theirs.days, await reasons(folder));
  for (const { day, here, there, known, left } of rows) {
    assert.deepEqual(left, { input: 0, output: 0, cache_read: 0, cache_write: 0 }, `${day}: ${known}`);
    assert.ok(here.unknown > 0 || known.length > 0 || Math.abs(here.cost - there.cost) < 1e-6, `${day}: the costs differ`);
  }
  assert.ok(rows.filter(({ known }) => known.every((reason) => reason === 'cost')).length >= 12, 'most days need no reason');
});
