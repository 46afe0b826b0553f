// SPDX-License-Identifier: Apache-2.0
// `stepwell otlp replay`: what stored exports may look like, what is told of them, and the exit codes. Files are written
// here by hand: as OpenTelemetry's file exporter writes them, and as people keep bodies that were sent.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { folder, program } from './lib.mjs';
import { field, modelSpan, tracesJson, tracesProto } from './otlp.mjs';

// Runs it on files of these contents: {code, sum (of --json), told (on standard error)}.
async function replay(t, contents, more = []) {
  const home = await folder(t);
  const names = contents.map((_, i) => join(home, `file-${i}`));
  await Promise.all(contents.map((bytes, i) => bytes !== null && writeFile(names[i], bytes)));
  const words = ['otlp', 'replay', ...names, '--store', `sqlite:${join(home, 'ledger.db')}`, '--json', ...more];
  return new Promise((resolve) => {
    execFile(program, words, (error, stdout, stderr) => {
      resolve({ code: error?.code ?? 0, sum: stdout ? JSON.parse(stdout) : null, told: stderr });
    });
  });
}

const spans = (count) => Array.from({ length: count }, () => modelSpan());
const framed = (bytes) => {
  const head = Buffer.alloc(4);
  head.writeUInt32BE(bytes.length);
  return Buffer.concat([head, bytes]);
};
function zstdRaw(bytes) {
  const head = Buffer.alloc(3);
  head.writeUIntLE((bytes.length << 3) | 1, 0, 3);
  return Buffer.concat([Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 0, 10 << 3]), head, bytes]);
}
const pretty = (json) => JSON.stringify(JSON.parse(json), null, 2);
const lines = (count) => Array.from({ length: count }, () => `${tracesJson(spans(1))}\n`).join('');

for (const [name, make] of Object.entries({
  'a body as JSON': () => tracesJson(spans(3)),
  'JSON for people, with blanks around': () => `\n\n  ${pretty(tracesJson(spans(3)))}\n \n`,
  'lines of JSON': () => lines(3),
  'lines of JSON, far apart': () => `${lines(1)}${'\n'.repeat(200_000)}${lines(2)}`,
  'lines of JSON, the last one without an end': () => lines(3).trim(),
  'JSON with braces and quotes in texts': () => tracesJson([...spans(2), modelSpan({ name: 'a "{[\\" b' })]),
  'a body as protobuf': () => tracesProto(spans(3)),
  'messages of protobuf with their lengths': () => Buffer.concat([framed(tracesProto(spans(1))), framed(tracesProto(spans(2)))]),
  'gzip of lines': () => gzipSync(lines(3)),
  'gzip in members': () => Buffer.concat([gzipSync(lines(1)), gzipSync(lines(2))]),
  'gzip of protobuf': () => gzipSync(tracesProto(spans(3))),
  zstd: () => zstdRaw(Buffer.from(lines(3))),
  'an export much larger than a piece of the file': () => `${tracesJson([modelSpan({ more: { x: 'y'.repeat(1 << 20) } }), modelSpan()])}\n${lines(1)}`,
})) {
  test(`three spans: ${name}`, async (t) => {
    const { code, sum, told } = await replay(t, [make()]);
    assert.equal(code, 0, told);
    assert.deepEqual([sum.spans, sum.rejected, sum.bad_files], [3, 0, 0]);
  });
}

test('a resource of any length is not taken for JSON', async (t) => {
  const files = Array.from({ length: 140 }, (_, i) => tracesProto([{ ...modelSpan(), name: 'n'.repeat(i), attributes: {} }]));
  const { code, sum, told } = await replay(t, files.slice(0, 120));
  assert.equal(code, 0, told);
  assert.equal(sum.spans, 120);
});

test('logs and metrics are told from spans by what they hold', async (t) => {
  const wrap = (item) => field(1, field(2, field(2, item)));
  const log = Buffer.concat([Buffer.from([0x09, 1, 2, 3, 4, 5, 6, 7, 8]), field(5, field(1, 'text'))]);
  const metric = Buffer.concat([field(1, 'requests'), field(5, field(1, Buffer.from([0x31, 1, 0, 0, 0, 0, 0, 0, 0])))]);
  const { code, sum, told } = await replay(t, [
    wrap(log),
    wrap(metric),
    JSON.stringify({ resourceLogs: [{ scopeLogs: [{ logRecords: [{ timeUnixNano: '1', body: { stringValue: 'x' } }] }] }] }),
    JSON.stringify({ resourceMetrics: [{ scopeMetrics: [{ metrics: [{ name: 'm', gauge: { dataPoints: [{ asInt: '1' }] } }] }] }] }),
  ]);
  assert.equal(code, 0, told);
  assert.deepEqual([sum.spans, sum.logs, sum.points, sum.rejected], [0, 2, 2, 0]);
});

test('a file that is none, is cut, or is something else: told, exit code 2, and the others are read', async (t) => {
  const cut = Buffer.from(tracesJson(spans(1))).subarray(0, -5);
  const { code, sum, told } = await replay(t, [null, cut, 'name,value\n', gzipSync(lines(2)).subarray(0, -9), tracesProto(spans(1)).subarray(0, -3), tracesJson(spans(1))]);
  assert.equal(code, 2);
  assert.equal(sum.bad_files, 5);
  for (let i = 0; i < 5; i++) {
    assert.match(told, new RegExp(`file-${i}: `));
  }
  assert.doesNotMatch(told, /file-5/);
  assert.ok(sum.spans >= 1);
});

test('what is refused is told and counted', async (t) => {
  const { code, sum, told } = await replay(t, [tracesJson([...spans(2), modelSpan({ spanId: Buffer.alloc(8) })])]);
  assert.equal(code, 0);
  assert.deepEqual([sum.spans, sum.rejected], [2, 1]);
  assert.match(told, /file-0: .*span.?id/i);
});

test('an empty file holds nothing', async (t) => {
  const { code, sum } = await replay(t, ['', '\n']);
  assert.equal(code, 0);
  assert.equal(sum.exports, 0);
});

test('replay needs files', async () => {
  const { code, stderr } = await new Promise((resolve) => {
    execFile(program, ['otlp', 'replay'], (error, stdout, text) => resolve({ code: error.code, stderr: text }));
  });
  assert.equal(code, 2);
  assert.match(stderr, /FILE/);
});
