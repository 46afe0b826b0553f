// SPDX-License-Identifier: Apache-2.0
// The same Claude Code files to Stepwell and to ccusage: what each says of each day, why they differ where they do, and
// how long it took them. Days that nothing is known about that explains a difference must agree to the token.
//
//   node tests/ccusage/compare.mjs [--mb N]      prints the table; with --mb the shared files are repeated with new
//                                                ids until there are so many megabytes of them
//
// Why they may differ, each read here from the files by itself:
//   progress   calls of a sub-agent that a line of type progress tells of; its own file has them, and only that counts
//              for Stepwell (telemetry.md G). ccusage counts them.
//   typeless   lines that do not say what they are; Claude Code writes none, ccusage's own tests do. Stepwell passes them.
//   blanks     files written with a blank behind each colon, which Claude Code does not; ccusage passes their lines.
//   timeless   lines without a time, which ccusage leaves out, as it does those without a model.
//   cost       Stepwell does not know the cost of a call whose output was understated (usage_state partial); ccusage
//              multiplies what is there.
import { execFile } from 'node:child_process';
import { createReadStream } from 'node:fs';
import { chmod, cp, mkdir, mkdtemp, readFile, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { installed } from '../http/npm.mjs';

const run = promisify(execFile);
const here = dirname(fileURLToPath(import.meta.url));
const MOST_OUTPUT = 256 * 1024 * 1024;
const MB = 1e6;

export const samples = join(here, '../../../shared/data/claude-code');
const program = process.env.STEPWELL_BIN ?? join(here, '../../build/stepwell');
const packages = process.env.STEPWELL_NPM_CCUSAGE ?? join(here, '../../build/tests/ccusage/npm');

// The program itself: what npm calls ccusage is a script of node that starts it.
const ccusage = join(packages, 'node_modules', '@ccusage/ccusage-linux-x64/bin/ccusage');

// Null, or why ccusage is not there.
export async function missing() {
  const why = await installed(packages, here);
  await (why ?? chmod(ccusage, 0o755));
  return why;
}

// ---- the files -----------------------------------------------------------------------------------------------------

async function transcripts(folder) {
  const found = [];
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    found.push(...(entry.isDirectory() ? await transcripts(path) : path.endsWith('.jsonl') ? [path] : []));
  }
  return found.sort();
}

// As the agent lays them out: a folder a project.
export async function layOut(from, to) {
  let bytes = 0;
  for (const path of await transcripts(from)) {
    const project = join(to, 'projects', basename(dirname(path)));
    await mkdir(project, { recursive: true });
    await cp(path, join(project, basename(path)));
    bytes += (await stat(path)).size;
  }
  return bytes;
}

// Copies in which two characters behind each of these are another number.
const DIGITS = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
const IDS = /("msg_|"req_|"sessionId":")../g;
export async function repeat(from, to, bytes) {
  const files = (await transcripts(from)).filter((path) => path.endsWith('.session.jsonl'));
  const texts = await Promise.all(files.map((path) => readFile(path, 'latin1')));
  let written = 0;
  for (let copy = 0; written < bytes && copy < DIGITS.length ** 2; copy++) {
    const number = DIGITS[Math.floor(copy / DIGITS.length)] + DIGITS[copy % DIGITS.length];
    const project = join(to, 'projects', `copy-${copy}`);
    await mkdir(project, { recursive: true });
    for (const [i, text] of texts.entries()) {
      await writeFile(join(project, `${i}.jsonl`), text.replace(IDS, `$1${number}`), 'latin1');
      written += text.length;
    }
  }
  return written;
}

// ---- what each says ------------------------------------------------------------------------------------------------

// The program's answer, and what it took: seconds of the clock, seconds of processors.
async function timed(command, env) {
  const began = performance.now();
  const { stdout } = await run('sh', ['-c', '"$@" && times', 'sh', ...command], { maxBuffer: MOST_OUTPUT, env: { ...process.env, ...env } });
  const wall = (performance.now() - began) / 1000;
  const lines = stdout.trimEnd().split('\n');
  const cpu = [...lines.at(-1).matchAll(/(\d+)m([\d.]+)s/g)].reduce((sum, [, minutes, seconds]) => sum + 60 * minutes + Number(seconds), 0);
  return { text: lines.slice(0, -2).join('\n'), wall, cpu };
}

const COUNTS = ['input', 'output', 'cache_read', 'cache_write'];
const nothing = () => ({ input: 0, output: 0, cache_read: 0, cache_write: 0 });
const plus = (a, b) => Object.fromEntries(COUNTS.map((key) => [key, a[key] + b[key]]));

export async function ofCcusage(folder, home) {
  const took = await timed([ccusage, 'daily', '--offline', '--json', '--timezone', 'UTC'], { HOME: home, CLAUDE_CONFIG_DIR: folder });
  const days = new Map();
  for (const day of JSON.parse(took.text).daily) {
    const sums = { input: day.inputTokens, output: day.outputTokens, cache_read: day.cacheReadTokens, cache_write: day.cacheCreationTokens };
    days.set(day.period, { ...sums, cost: day.totalCost });
  }
  return { days, ...took };
}

export async function ofStepwell(folder, store) {
  const env = { STEPWELL_STORE: store };
  const imported = await timed([program, 'import', join(folder, 'projects'), '--json'], env);
  const again = await timed([program, 'import', join(folder, 'projects'), '--json'], env);
  const took = await timed([program, 'usage', 'daily', '--json', '--limit', '0'], env);
  const days = new Map();
  for (const day of JSON.parse(took.text).groups) {
    const cached = day.cached_input_tokens + day.cache_write_tokens;
    const sums = { input: day.prompt_tokens - cached, output: day.completion_tokens, cache_read: day.cached_input_tokens, cache_write: day.cache_write_tokens };
    days.set(day.day, { ...sums, cost: day.cost_nano_usd / 1e9, steps: day.num_steps, unknown: day.cost_unknown });
  }
  return { days, ...took, imported, again };
}

// ---- why they differ -----------------------------------------------------------------------------------------------

const NEVER = '1970-01-01'; // where Stepwell books what has no time
const countsOf = (usage) => ({ input: usage.input_tokens ?? 0, output: usage.output_tokens ?? 0, cache_read: usage.cache_read_input_tokens ?? 0, cache_write: usage.cache_creation_input_tokens ?? 0 });
const parsed = (line) => {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
};
const sumOf = (counts) => COUNTS.reduce((sum, key) => sum + counts[key], 0);

// What one line says of a call: why it counts for one of the two only, or 'both'; undefined when it says nothing.
function callOf(line) {
  const entry = parsed(line);
  const inner = entry?.type === 'progress' ? entry.data?.message : entry;
  const message = inner?.message;
  if (!message?.usage || message.model === '<synthetic>' || (inner.type && inner.type !== 'assistant')) {
    return undefined;
  }
  const why = inner !== entry ? 'progress' : !entry.type ? 'typeless' : !inner.timestamp ? 'timeless' : line.includes('": ') && !line.includes('"message":{') ? 'blanks' : 'both';
  const id = message.id && `${message.id} ${inner.requestId}`;
  return { why, id, day: inner.timestamp?.slice(0, 10) ?? NEVER, counts: countsOf(message.usage) };
}

// Of each day and reason what one of the two counts and the other does not. Of a call that is told several times the
// fullest telling counts.
export async function reasons(folder) {
  const calls = new Map();
  let alone = 0;
  for (const path of await transcripts(folder)) {
    for await (const line of createInterface({ input: createReadStream(path) })) {
      const call = line.includes('"usage"') ? callOf(line) : undefined;
      const id = call && (call.id ?? `${(alone += 1)}`);
      const before = call && calls.get(id);
      const better = before && (before.why === 'both') !== (call.why === 'both') ? call.why === 'both' : before && sumOf(call.counts) > sumOf(before.counts);
      if (call && (!before || better)) {
        calls.set(id, call);
      }
    }
  }
  const days = new Map();
  for (const { why, day, counts } of calls.values()) {
    const of = days.get(day) ?? {};
    days.set(day, { ...of, [why]: plus(of[why] ?? nothing(), counts) });
  }
  return days;
}

const CCUSAGE_ALONE = ['progress', 'typeless'];
const STEPWELL_ALONE = ['blanks', 'timeless'];

// Each day: what both say, what explains the difference, and what is left of it: nothing, or one of the two is wrong.
export function compare(stepwell, ccusage, why) {
  const days = [...new Set([...stepwell.keys(), ...ccusage.keys()])].sort();
  return days.map((day) => {
    const here = stepwell.get(day) ?? { ...nothing(), cost: 0, steps: 0, unknown: 0 };
    const there = ccusage.get(day) ?? { ...nothing(), cost: 0 };
    const of = why.get(day) ?? {};
    const known = [...CCUSAGE_ALONE, ...STEPWELL_ALONE].filter((reason) => of[reason]);
    const left = Object.fromEntries(COUNTS.map((key) => [key, there[key] - here[key] -
      CCUSAGE_ALONE.reduce((sum, reason) => sum + (of[reason]?.[key] ?? 0), 0) +
      STEPWELL_ALONE.reduce((sum, reason) => sum + (of[reason]?.[key] ?? 0), 0)]));
    return { day, here, there, known: here.unknown > 0 ? [...known, 'cost'] : known, left };
  });
}

// ---- by hand -------------------------------------------------------------------------------------------------------

function print(rows, stepwell, ccusage, bytes) {
  const number = (value) => value.toLocaleString('en-US').padStart(15);
  console.log(`day       ${COUNTS.map((key) => key.padStart(15)).join('')}           cost  why they differ`);
  for (const { day, here, there, known, left } of rows) {
    const same = sumOf(left) === 0 && COUNTS.every((key) => left[key] === 0);
    console.log(`${day}${COUNTS.map((key) => number(here[key])).join('')}${here.cost.toFixed(6).padStart(15)}  ${known.join(', ')}${same ? '' : ' AND NOBODY KNOWS'}`);
    if (known.length > 0 || !same) {
      console.log(`   ccusage${COUNTS.map((key) => number(there[key])).join('')}${there.cost.toFixed(6).padStart(15)}`);
    }
  }
  const row = (name, { wall, cpu }) => console.log(`${name.padEnd(24)} ${wall.toFixed(3).padStart(9)} s  ${cpu.toFixed(2).padStart(7)} s of processors`);
  console.log(`\n${(bytes / MB).toFixed(0)} MB of transcripts`);
  row('ccusage daily', ccusage);
  row('stepwell import', stepwell.imported);
  row('stepwell import, again', stepwell.again);
  row('stepwell usage daily', stepwell);
}

async function main() {
  const at = process.argv.indexOf('--mb');
  const why = await missing();
  if (why) {
    throw new Error(why);
  }
  const work = await mkdtemp(join(tmpdir(), 'stepwell-ccusage-'));
  try {
    const folder = join(work, 'claude');
    const bytes = at < 0 ? await layOut(samples, folder) : await repeat(samples, folder, Number(process.argv[at + 1]) * MB);
    const theirs = await ofCcusage(folder, work);
    const stepwell = await ofStepwell(folder, `sqlite:${join(work, 'well.db')}`);
    print(compare(stepwell.days, theirs.days, await reasons(folder)), stepwell, theirs, bytes);
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  await main();
}
