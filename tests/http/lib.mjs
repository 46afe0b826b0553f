// SPDX-License-Identifier: Apache-2.0
// What the tests of the server share: a server of one's own on a free port with a fresh ledger, calls that are
// remembered for the check against /openapi.json, ways to see the ledger from outside (the command line program, the
// file itself), and packages from the registry. Knows HTTP and the command line; nothing of what the server is made of.
//
// A test begins with `const server = await serve(t)`; the server and its folder go with the test, whatever happens.
import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { appendFileSync, readFileSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { Agent, request } from 'node:http';
import { createRequire } from 'node:module';
import { createInterface } from 'node:readline';
import { after, before } from 'node:test';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { installed } from './npm.mjs';

const run = promisify(execFile);
const here = dirname(fileURLToPath(import.meta.url));

// quick, normal or deep; tests scale with it.
export const level = process.env.STEPWELL_TEST_LEVEL ?? 'normal';
export const scaled = (quick, normal, deep) => ({ quick, normal, deep })[level] ?? normal;

// How many times as long as usual everything may take, because the program is slowed down by what looks into it.
export const patience = Number(process.env.STEPWELL_TEST_PATIENCE ?? 1);

// A bound of memory, in MiB. A sanitizer keeps what was freed, so that its memory says nothing.
export const bounded = (mib) => (patience > 1 ? Infinity : mib);

// What the server's process holds of memory, in MiB: now, or (VmHWM) at most until now.
export const resident = (server, what = 'VmRSS') =>
  Number(new RegExp(`${what}:\\s+(\\d+)`).exec(readFileSync(`/proc/${server.child.pid}/status`, 'utf8'))[1]) / 1024;

export const program = process.env.STEPWELL_BIN ?? join(here, '../../build/stepwell');
export const DEFAULT_ORGANIZATION = 'org-00000000-0000-4000-8000-000000000000';
export const DEFAULT_USER = 'user-00000000-0000-4000-8000-000000000000';

const LONGEST_START_MS = 20_000;
const LONGEST_STOP_MS = 10_000;
const MOST_OUTPUT = 256 * 1024 * 1024;

// Where what this script exchanges with servers is kept until it runs again; openapi.test.mjs reads it.
export const keptPath = (script) => `${process.env.STEPWELL_EXCHANGES}-${basename(dirname(script))}-${basename(script, '.test.mjs')}.ndjson`;
const kept = process.env.STEPWELL_EXCHANGES ? keptPath(process.argv[1] ?? 'none') : undefined;
if (kept) {
  writeFileSync(kept, '');
}

// The first values of a text with one value a line, or one an event.
const MOST_ITEMS = 50;
function itemsOf(type, text) {
  const lines = /^application\/x-ndjson\b/.test(type)
    ? text.split('\n')
    : /^text\/event-stream\b/.test(type)
      ? text.split('\n').filter((line) => line.startsWith('data:')).map((line) => line.slice(5))
      : [];
  return lines.filter(Boolean).slice(0, MOST_ITEMS).map((line) => JSON.parse(line));
}

export const newId = (prefix) => `${prefix}-${randomUUID()}`;

// A folder that goes with the test.
export async function folder(t) {
  const path = await mkdtemp(join(tmpdir(), 'stepwell-http-'));
  t.after(() => rm(path, { recursive: true, force: true }));
  return path;
}

// Starts `stepwell serve`. Options: `store` an existing ledger's URL (else a fresh one), `steps` how many steps of the
// demo to fill it with first, `args` more arguments, `env` more environment, `usual` listen for telemetry at the usual
// ports (else, unless `args` say where, nowhere), `within` a command that becomes the program, which it is given as
// arguments.
export async function serve(t, { store, steps = 0, args = [], env = {}, usual = false, within = [] } = {}) {
  const url = store ?? `sqlite:${join(await folder(t), 'ledger.db')}`;
  if (steps > 0) {
    await run(program, ['demo', '--store', url, '--steps', String(steps)]);
  }
  const server = new Server(url);
  await server.start(args, env, usual, within);
  t.after(() => server.stop());
  return server;
}

// A server for all tests of a file: `const at = shared(options, async (server) => { ... })`, then at.server.
export function shared(options = {}, prepare = async () => {}) {
  const at = {};
  const last = [];
  before(async () => {
    at.server = await serve({ after: (end) => last.unshift(end) }, options);
    await prepare(at.server);
  });
  after(async () => {
    for (const end of last) {
      await end();
    }
  });
  return at;
}

export class Server {
  constructor(store) {
    this.store = store;
    this.said = '';
    this.exchanges = [];
  }

  async start(args = [], env = {}, usual = false, within = []) {
    const doors = ['--otlp-listen=', '--otlp-grpc-listen=']
      .filter((door) => !usual && !args.some((arg) => arg.startsWith(door)))
      .map((door) => `${door}off`);
    const place = args.includes('--listen') ? [] : ['--listen', '127.0.0.1:0'];
    const all = ['serve', '--store', this.store, ...place, ...doors, ...args];
    const [command, ...rest] = [...within, program, ...all];
    this.child = spawn(command, rest, {
      env: { ...process.env, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.ended = new Promise((resolve) => {
      this.child.once('error', (error) => resolve({ error }));
      this.child.once('exit', (code, signal) => resolve({ code, signal }));
    });
    this.child.stderr.setEncoding('utf8').on('data', (text) => (this.said += text));
    this.url = await this.#firstLine();
  }

  // The first line of output names the address in use.
  async #firstLine() {
    const lines = createInterface({ input: this.child.stdout });
    const line = new Promise((resolve) => {
      lines.on('line', (text) => {
        this.said += `${text}\n`;
        const found = /https?:\/\/[^\s/]+/.exec(text);
        if (found) {
          resolve(found[0]);
        }
      });
    });
    const url = await limited(Promise.race([line, this.ended]), LONGEST_START_MS, 'the server to start');
    if (typeof url !== 'string') {
      throw new Error(`the server ended at once (${JSON.stringify(url)}):\n${this.said}`);
    }
    return url;
  }

  // Ends it the way a service manager does, and demands that it ends well.
  async stop() {
    if (!this.child || this.child.exitCode !== null || this.child.signalCode !== null) {
      return;
    }
    this.child.kill('SIGTERM');
    try {
      const end = await limited(this.ended, LONGEST_STOP_MS, 'the server to stop');
      assert.equal(end.code, 0, `the server ended with ${JSON.stringify(end)}:\n${this.said}`);
    } finally {
      if (this.child.exitCode === null && this.child.signalCode === null) {
        this.child.kill('SIGKILL');
      }
      this.#keep();
    }
  }

  // Asks, and remembers what was asked and answered. `body` is sent as JSON unless it is text or bytes. The answer:
  // {status, headers, text, body}, body being the JSON of it, or undefined when it is none.
  async api(method, path, { body, headers = {} } = {}) {
    const plain = typeof body === 'string' || body instanceof Uint8Array;
    const sent = body === undefined || plain ? body : JSON.stringify(body);
    const { response, text } = await exchange(this.url + path, {
      method,
      headers: { ...(body === undefined ? {} : { 'content-type': 'application/json' }), ...headers },
      body: sent,
    });
    const type = response.headers.get('content-type') ?? '';
    const answer = { status: response.status, headers: response.headers, text };
    if (/^application\/json\b/.test(type) && response.status !== 304) {
      answer.body = JSON.parse(text);
    }
    this.remember({
      method,
      path,
      sent: plain ? undefined : body,
      status: answer.status,
      headers: [...response.headers.keys()],
      type,
      body: answer.body,
      items: itemsOf(type, text),
    });
    return answer;
  }

  // As api, and the status must be `status`; answers the body alone.
  async must(status, method, path, options) {
    const answer = await this.api(method, path, options);
    assert.equal(answer.status, status, `${method} ${path} answered ${answer.status}: ${answer.text}`);
    return answer.body;
  }

  get = (path, options) => this.must(200, 'GET', path, options);

  remember(exchange) {
    this.exchanges.push(exchange);
  }

  // A fetch for clients that take one, so that what they exchange is remembered too.
  fetch = async (input, init = {}) => {
    const url = new URL(typeof input === 'string' ? input : input.url ?? input);
    const response = await fetch(input, init);
    const text = await response.clone().text();
    const type = response.headers.get('content-type') ?? '';
    this.remember({
      method: (init.method ?? 'GET').toUpperCase(),
      path: url.pathname + url.search,
      sent: typeof init.body === 'string' && init.body ? JSON.parse(init.body) : undefined,
      status: response.status,
      headers: [...response.headers.keys()],
      type,
      body: /^application\/json\b/.test(type) ? JSON.parse(text) : undefined,
      items: itemsOf(type, text),
    });
    return response;
  };

  #keep() {
    if (kept) {
      appendFileSync(kept, this.exchanges.map((e) => `${JSON.stringify(e)}\n`).join(''));
    }
    this.exchanges = [];
  }

  // The command line program on the same ledger: what it prints as JSON, one value or one a line.
  async cli(...words) {
    const { stdout } = await run(program, [...words, '--store', this.store, '--json'], { maxBuffer: MOST_OUTPUT });
    try {
      return JSON.parse(stdout);
    } catch {
      return stdout.trim().split('\n').map((line) => JSON.parse(line));
    }
  }

  show = (id) => this.cli('show', id);

  // Proves that what was written adds up.
  verify = (within = []) => {
    const [command, ...rest] = [...within, program, 'verify', '--store', this.store];
    return run(command, rest);
  };

  // Rows of the file as another program reads them. The views of the file hold ids and words as text.
  async sql(query) {
    const path = this.store.replace(/^sqlite:/, '');
    const { stdout } = await run('sqlite3', ['-readonly', '-json', path, query], { maxBuffer: MOST_OUTPUT });
    return stdout.trim() === '' ? [] : JSON.parse(stdout);
  }
}

// Records `count` steps through the API, in batches; `make(i)` gives each (an id is added when it has none). Answers
// what was sent, in order.
export async function fill(server, count, make = () => ({})) {
  const steps = Array.from({ length: count }, (_, i) => ({ id: newId('step'), ...make(i) }));
  for (let i = 0; i < count; i += 500) {
    const batch = steps.slice(i, i + 500);
    const { status, body, text } = await server.api('POST', '/v1/steps', { body: { steps: batch } });
    assert.equal(status, 200, text);
    const refused = body.items.filter((item) => item.verdict !== 'created');
    assert.deepEqual(refused, []);
  }
  return steps;
}

// Creates an agent and answers its id.
export async function agent(server, more = {}) {
  const id = more.id ?? newId('agent');
  await server.must(201, 'POST', '/v1/agents', { body: { name: `agent ${id}`, ...more, id } });
  return id;
}

// One request and its answer, whole. Not fetch: under the test runner, which follows every promise, a fetch costs three
// times the processor time, and the tests ask thousands of times. A kept connection that the server closed while the
// request was under way is no answer: it is asked again, as every client does.
const connections = new Agent({ keepAlive: true });
function exchange(url, { method, headers, body }) {
  return new Promise((resolve, reject) => {
    const asked = request(url, { agent: connections, method, headers }, (message) => {
      const parts = [];
      message.on('data', (part) => parts.push(part));
      message.on('error', reject);
      message.on('end', () => {
        const names = message.rawHeaders.filter((_, i) => i % 2 === 0);
        const pairs = names.map((name, i) => [name, message.rawHeaders[2 * i + 1]]);
        resolve({ response: { status: message.statusCode, headers: new Headers(pairs) }, text: Buffer.concat(parts).toString() });
      });
    });
    asked.on('error', (error) =>
      asked.reusedSocket && error.code === 'ECONNRESET' ? resolve(exchange(url, { method, headers, body })) : reject(error));
    asked.end(body);
  });
}

// Fails instead of waiting for ever.
export function limited(promise, ms, what) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`waited ${ms * patience} ms for ${what}`)), ms * patience);
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

// ---- packages ------------------------------------------------------------------------------------------------------

// Imports a package of package.json (or a file of it), installed from the registry into the build folder; null when it
// cannot be installed, after having told why through t.skip.
export async function packaged(t, name, file = '') {
  const home = process.env.STEPWELL_NPM ?? join(here, '../../build/tests/http/npm');
  const why = await installed(home, here);
  if (why) {
    t.skip(why);
    return null;
  }
  const resolver = createRequire(join(home, 'index.js'));
  return import(pathToFileURL(resolver.resolve(join(home, 'node_modules', name, file))));
}
