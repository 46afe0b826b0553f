// SPDX-License-Identifier: Apache-2.0
// What bytes on a socket do to the server: broken request lines, headers without end, wrong lengths, half-closed
// connections, pipelines. Knows RFC 9112, and V1's error body; everything goes through a plain socket, because a
// client library would not send most of it. Nothing malformed may be answered by a 5xx or end the server, and a
// connection that HTTP allows to keep is kept.
import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { after, before, describe, test } from 'node:test';
import { level, limited, patience, Server } from './lib.mjs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const PATIENCE_MS = 10_000;
let server;
let home;
before(async () => {
  home = await mkdtemp(join(tmpdir(), 'stepwell-raw-'));
  server = new Server(`sqlite:${join(home, 'ledger.db')}`);
  await server.start();
});
after(async () => {
  await server.stop();
  await rm(home, { recursive: true, force: true });
});

// A connection that gathers what comes back.
class Line {
  constructor(options = {}) {
    const { hostname, port } = new URL(server.url);
    this.got = Buffer.alloc(0);
    this.closed = false;
    this.waiting = [];
    this.socket = connect({ host: hostname, port: Number(port), ...options });
    this.socket.on('data', (bytes) => this.#more(Buffer.concat([this.got, bytes])));
    this.socket.on('drain', () => this.#more(this.got));
    this.socket.on('error', () => {});
    this.socket.on('close', () => {
      this.closed = true;
      this.#more(this.got);
    });
    this.socket.on('end', () => {
      this.closed = true;
      this.#more(this.got);
    });
  }

  #more(got) {
    this.got = got;
    this.waiting.splice(0).forEach((wake) => wake());
  }

  send(bytes) {
    this.socket.write(bytes);
    return this;
  }

  // More has come, there is room to send, or it has ended.
  change() {
    return limited(new Promise((wake) => this.waiting.push(wake)), PATIENCE_MS, `more than ${this.got}`);
  }

  // The next answer, or null when the connection ends without one.
  async answer({ head = false } = {}) {
    for (;;) {
      const found = parse(this.got, head);
      if (found) {
        this.got = this.got.subarray(found.size);
        return found;
      }
      if (this.closed) {
        return null;
      }
      await this.change();
    }
  }

  async end() {
    while (!this.closed) {
      await this.change();
    }
  }

  drop() {
    this.socket.destroy();
  }
}

function parse(bytes, head) {
  const text = bytes.toString('latin1');
  const split = text.indexOf('\r\n\r\n');
  if (split < 0) {
    return null;
  }
  const [first, ...lines] = text.slice(0, split).split('\r\n');
  const headers = new Map(lines.map((line) => [line.slice(0, line.indexOf(':')).toLowerCase(), line.slice(line.indexOf(':') + 1).trim()]));
  const status = Number(first.split(' ')[1]);
  const length = head || status < 200 || status === 204 ? 0 : Number(headers.get('content-length') ?? 0);
  if (bytes.length < split + 4 + length) {
    return null;
  }
  const body = bytes.subarray(split + 4, split + 4 + length).toString();
  return { status, headers, body, size: split + 4 + length };
}

const get = (path, more = '') => `GET ${path} HTTP/1.1\r\nHost: localhost\r\n${more}\r\n`;
const HEALTH = get('/v1/health/');

async function isWell(line) {
  const answer = await line.send(HEALTH).answer();
  assert.equal(answer?.status, 200, 'the connection is usable afterwards');
  line.drop();
}

// Whether the server takes steps: a body can only be refused where one is taken.
const writes = async (t) => {
  const { status } = await server.api('POST', '/v1/steps', { body: '{' });
  if (status === 404 || status === 405) {
    t.skip('this server has no route that takes a body');
    return false;
  }
  return true;
};

const post = (more, body = '') =>
  `POST /v1/steps HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n${more}\r\n${body}`;

describe('request lines', () => {
  for (const [name, line] of [
    ['no version', 'GET /v1/health/\r\n\r\n'],
    ['no path', 'GET\r\n\r\n'],
    ['a version that is none', 'GET /v1/health/ HTTP/x.1\r\nHost: localhost\r\n\r\n'],
    ['binary', Buffer.from([0x16, 0x03, 0x01, 0x02, 0x00, 0x01, 0x00, 0x0d, 0x0a, 0x0d, 0x0a])],
    ['a header without a colon', 'GET /v1/health/ HTTP/1.1\r\nHost: localhost\r\nnonsense\r\n\r\n'],
  ]) {
    test(`${name}: 4xx, or the end of the connection`, async () => {
      const line_ = new Line().send(line);
      line_.socket.end();
      const answer = await line_.answer();
      assert.ok(answer === null || (answer.status >= 400 && answer.status < 500), `${answer?.status}`);
    });
  }

  test('an unknown method is 405 and tells what is allowed, and the connection stays', async () => {
    const line = new Line().send('BREW /v1/health/ HTTP/1.1\r\nHost: localhost\r\n\r\n');
    const answer = await line.answer();
    assert.equal(answer.status, 405);
    assert.match(answer.headers.get('allow'), /GET/);
    assert.deepEqual(JSON.parse(answer.body), { detail: 'Method Not Allowed' });
    await isWell(line);
  });

  test('HEAD is GET without a body', async () => {
    const line = new Line().send('HEAD /v1/health/ HTTP/1.1\r\nHost: localhost\r\n\r\n');
    const answer = await line.answer({ head: true });
    assert.equal(answer.status, 200);
    assert.ok(Number(answer.headers.get('content-length')) > 0);
    await isWell(line);
  });

  test('HTTP/1.0 is answered, and the connection ends', async () => {
    const line = new Line().send('GET /v1/health/ HTTP/1.0\r\nHost: localhost\r\n\r\n');
    assert.equal((await line.answer()).status, 200);
    await line.end();
  });

  test('blank lines before a request are forgiven', async () => {
    const line = new Line().send(`\r\n\r\n${HEALTH}`);
    assert.equal((await line.answer()).status, 200);
    line.drop();
  });
});

describe('paths', () => {
  for (const path of ['/%', '/%zz', '/v1/%00', '/v1/health/%', '/v1/steps/%ff%fe', '/v1/steps/%00', '/v1/../etc/passwd', '//', '/v1//health', '/v1/health//', '*', '/v1/health/\u00ff', `/${'a/'.repeat(100)}`, '/latest', '/v1', '/?', '/v1/health/?%00=%ff&&&==&a', '/v1/steps/?limit=%00&limit=1', '/v1/steps?limit=%ff']) {
    test(`${JSON.stringify(path.slice(0, 40))} is answered, never by a 5xx, and the connection stays`, async () => {
      const line = new Line().send(Buffer.from(get(path), 'latin1'));
      const answer = await line.answer();
      assert.ok(answer && answer.status < 500, `${answer?.status}`);
      if (answer.status >= 400) {
        const type = typeof JSON.parse(answer.body).detail;
        assert.ok(type === 'string' || type === 'object');
      }
      await isWell(line);
    });
  }

  test('a NUL in a path never reaches a route', async () => {
    const line = new Line().send('GET /v1/he\0alth HTTP/1.1\r\nHost: localhost\r\n\r\n');
    const answer = await line.answer();
    assert.ok(answer === null || (answer.status >= 400 && answer.status < 500), `${answer?.status}`);
    line.drop();
  });

  test('both spellings of the slash, and /latest, are the same route', async () => {
    for (const path of ['/v1/health', '/v1/health/', '/latest/health', '/latest/health/']) {
      assert.equal((await server.api('GET', path)).status, 200, path);
    }
    assert.equal((await server.api('GET', '/latest/metrics')).status, 404);
  });

  test('too many values are refused, not read', async () => {
    const answer = await server.api('GET', `/v1/steps/?${'trace_ids=a&'.repeat(2000)}`);
    assert.ok([404, 414].includes(answer.status), `${answer.status}`);
  });
});

describe('headers', () => {
  test('more than fits is 431, and the server goes on', async () => {
    const line = new Line().send(`GET /v1/health/ HTTP/1.1\r\nHost: localhost\r\nX: ${'x'.repeat(200_000)}\r\n\r\n`);
    const answer = await line.answer();
    assert.ok(answer === null || answer.status === 431, `${answer?.status}`);
    await isWell(new Line());
  });

  test('many headers are too', async () => {
    const many = Array.from({ length: 20_000 }, (_, i) => `x${i}: y\r\n`).join('');
    const answer = await new Line().send(get('/v1/health/', many)).answer();
    assert.ok(answer === null || answer.status === 431, `${answer?.status}`);
    await isWell(new Line());
  });

  test('a path longer than anything is refused', async () => {
    const answer = await new Line().send(get(`/${'a'.repeat(200_000)}`)).answer();
    assert.ok(answer === null || answer.status === 414 || answer.status === 431, `${answer?.status}`);
  });

  for (const [name, headers] of [
    ['two lengths that differ', 'Content-Length: 2\r\nContent-Length: 3\r\n'],
    ['a length beside chunks', 'Content-Length: 2\r\nTransfer-Encoding: chunked\r\n'],
    ['a negative length', 'Content-Length: -1\r\n'],
    ['a length that is none', 'Content-Length: abc\r\n'],
    ['a length with a plus', 'Content-Length: +2\r\n'],
    ['a length past 64 bits', 'Content-Length: 99999999999999999999999\r\n'],
    ['an encoding nobody knows', 'Transfer-Encoding: gzip, chunked\r\n'],
    ['two encodings', 'Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n'],
    ['two hosts', 'Host: b\r\n'],
  ]) {
    test(`${name}: refused, and what follows is not taken for a request`, async () => {
      const line = new Line().send(`POST /v1/steps HTTP/1.1\r\nHost: localhost\r\n${headers}\r\n0\r\n\r\n${HEALTH}`);
      const answer = await line.answer();
      assert.ok(answer.status === 400 || answer.status === 413, `${answer.status}`);
      assert.equal(await line.answer(), null);
    });
  }
});

describe('bodies', () => {
  test('one where none is taken is refused, and the connection stays', async () => {
    const line = new Line().send('GET /v1/health/ HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n\r\nhello');
    const answer = await line.answer();
    assert.equal(answer.status, 422);
    assert.deepEqual(JSON.parse(answer.body).detail[0].loc, ['body']);
    await isWell(line);
  });

  test('one that comes in chunks where none is taken is refused, and the connection stays', async () => {
    const line = new Line().send('GET /v1/health/ HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n');
    assert.equal((await line.answer()).status, 422);
    await isWell(line);
  });

  test('one for a route that is not there is read, and the connection stays', async () => {
    const line = new Line().send(`POST /nothing HTTP/1.1\r\nHost: localhost\r\nContent-Length: 70000\r\n\r\n${'x'.repeat(70_000)}`);
    assert.equal((await line.answer()).status, 404);
    await isWell(line);
  });

  test('with Expect, what is refused is refused before the body is sent', async () => {
    const line = new Line().send('POST /nothing HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\nContent-Length: 1000000000\r\n\r\n');
    assert.equal((await line.answer()).status, 404);
    await line.end();
  });

  test('broken chunks are 400', async () => {
    const answer = await new Line().send('POST /nothing HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\nhello\r\n0\r\n\r\n').answer();
    assert.ok(answer.status === 400 || answer.status === 404, `${answer.status}`);
  });

  test('one that is announced and too large is 413 at once', async (t) => {
    if (!(await writes(t))) {
      return;
    }
    const line = new Line().send(post('Content-Length: 99999999\r\n'));
    const answer = await line.answer();
    assert.equal(answer.status, 413);
    assert.match(JSON.parse(answer.body).detail, /33554432/);
    await line.end();
  });

  test('one that grows too large in chunks is 413', async (t) => {
    if (!(await writes(t))) {
      return;
    }
    const chunk = `100000\r\n${'x'.repeat(0x100000)}\r\n`;
    const line = new Line().send(post('Transfer-Encoding: chunked\r\n'));
    for (let i = 0; i < 34; i++) {
      line.send(chunk);
    }
    assert.equal((await line.send('0\r\n\r\n').answer()).status, 413);
    await isWell(line);
  });

  // Sends chunks until told to stop, but not for ever.
  const endless = async (line, enough) => {
    const chunk = `100000\r\n${'x'.repeat(0x100000)}\r\n`;
    const until = Date.now() + PATIENCE_MS * patience;
    while (!enough() && Date.now() < until) {
      if (!line.socket.write(chunk)) {
        await line.change();
      }
    }
    assert.ok(enough(), 'the server goes on reading');
  };

  for (const [name, status, line] of [
    ['lines that are refused', 400, 'Content-Type: application/x-ndjson\r\nContent-Encoding: gzip\r\n'],
    ['one that is too large', 413, 'Content-Type: application/json\r\n'],
  ]) {
    test(`${name} and do not end: the sender is told, and the connection ends`, async (t) => {
      if (!(await writes(t))) {
        return;
      }
      const one = new Line({ allowHalfOpen: true }).send(`POST /v1/steps HTTP/1.1\r\nHost: localhost\r\n${line}Transfer-Encoding: chunked\r\n\r\n`);
      await endless(one, () => one.got.length > 0 || one.closed);
      await endless(one, () => one.socket.destroyed); // who goes on all the same is cut off
      const answer = await one.answer();
      assert.equal(answer?.status, status);
      assert.equal(typeof JSON.parse(answer.body).detail, 'string');
      assert.match(answer.headers.get('connection'), /close/i);
      one.drop();
      await isWell(new Line());
    });
  }

  test('100-continue is sent when the body is wanted', async (t) => {
    if (!(await writes(t))) {
      return;
    }
    const line = new Line().send(post('Expect: 100-continue\r\nContent-Length: 1\r\n'));
    assert.equal((await line.answer()).status, 100);
    assert.equal((await line.send('5').answer()).status, 422);
    await isWell(line);
  });

  test('none where one is needed is told as missing', async (t) => {
    if (!(await writes(t))) {
      return;
    }
    const line = new Line().send(post('Content-Length: 0\r\n'));
    const answer = await line.answer();
    assert.equal(answer.status, 422);
    assert.deepEqual(JSON.parse(answer.body).detail[0], { type: 'missing', loc: ['body'], msg: 'Field required', input: null });
    await isWell(line);
  });

  test('one that comes byte by byte is read', async (t) => {
    if (!(await writes(t))) {
      return;
    }
    const body = '{"model":"m"}';
    const line = new Line({ noDelay: true }).send(post(`Content-Length: ${body.length}\r\n`));
    for (const c of body) {
      line.send(c);
      await new Promise((go) => setImmediate(go));
    }
    assert.equal((await line.answer()).status, 201);
    await isWell(line);
  });

  test('one that never comes: the connection ends, and the server goes on', async () => {
    const line = new Line().send('POST /nothing HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10\r\n\r\nabc');
    line.socket.end();
    await line.end();
    await isWell(new Line());
  });
});

describe('connections', () => {
  test('requests sent in one go are answered in order', async () => {
    const line = new Line().send(HEALTH + get('/nothing') + HEALTH + get('/healthz') + HEALTH);
    const seen = [];
    for (let i = 0; i < 5; i++) {
      seen.push((await line.answer()).status);
    }
    assert.deepEqual(seen, [200, 404, 200, 200, 200]);
    line.drop();
  });

  test('who has closed his half still gets an answer that is there at once', async () => {
    const line = new Line({ allowHalfOpen: true }).send(get('/readyz'));
    line.socket.end();
    assert.equal((await line.answer()).status, 200);
    line.drop();
  });

  test('who goes away while it is worked on takes nothing along', async () => {
    for (let i = 0; i < 50; i++) {
      const line = new Line().send(get('/metrics') + get('/healthz'));
      await new Promise((go) => line.socket.on('connect', go));
      line.drop();
    }
    await isWell(new Line());
  });

  test('hundreds at once are all answered', async () => {
    const lines = Array.from({ length: 300 }, () => new Line().send(HEALTH));
    for (const line of lines) {
      assert.equal((await line.answer()).status, 200);
      line.drop();
    }
  });

  test('Connection: close is obeyed', async () => {
    const line = new Line().send(get('/v1/health/', 'Connection: close\r\n'));
    assert.equal((await line.answer()).status, 200);
    await line.end();
  });
});

// The limits are 20 seconds (model/limits.def), so this is not for every day.
describe('slow senders', { skip: level === 'quick' ? 'not at the quick level: 20 seconds' : false }, () => {
  for (const [name, first, drop] of [
    ['headers that never end', 'GET /v1/health/ HTTP/1.1\r\nHost: localhost\r\n', 'x'],
    ['a body a byte at a time', 'POST /nothing HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\n', 'x'],
  ]) {
    test(`${name}: 408, and the connection ends`, { concurrency: true }, async () => {
      const line = new Line().send(first);
      const began = Date.now();
      const dripping = setInterval(() => line.send(drop), 500);
      let answer = null;
      while (!answer && Date.now() - began < 40_000) {
        answer = await line.answer().catch(() => null);
      }
      clearInterval(dripping);
      const took = Date.now() - began;
      assert.equal(answer?.status, 408);
      assert.match(answer.headers.get('connection'), /close/);
      assert.equal(typeof JSON.parse(answer.body).detail, 'string');
      assert.ok(took > 15_000 && took < 35_000, `${took} ms`);
      await line.end();
    });
  }
});
