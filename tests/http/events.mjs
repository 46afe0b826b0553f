// SPDX-License-Identifier: Apache-2.0
// A listener to server-sent events, as the standard reads them, which can stop reading and count what it got. Uses a
// plain request, because fetch reads ahead and keeps few connections.
import { request } from 'node:http';
import { limited } from './lib.mjs';

const LONGEST_MS = 30_000;

// Parses the text of a stream piece by piece; `event` is called for each whole event, `comment` for each comment.
export function parser(event, comment = () => {}) {
  let rest = '';
  return (text) => {
    const blocks = (rest + text).split('\n\n');
    rest = blocks.pop();
    for (const block of blocks) {
      const fields = {};
      for (const line of block.split('\n')) {
        const at = line.indexOf(':');
        if (at === 0) {
          comment(line.slice(1).trim());
        } else {
          fields[at < 0 ? line : line.slice(0, at)] = at < 0 ? '' : line.slice(at + 1).replace(/^ /, '');
        }
      }
      if (fields.data !== undefined) {
        event({ id: fields.id, type: fields.event, data: JSON.parse(fields.data) });
      }
    }
  };
}

export class Listener {
  constructor() {
    this.events = [];
    this.comments = [];
    this.times = [];
    this.waiting = [];
  }

  // Answers once the server has answered.
  async open(server, path, headers = {}) {
    const { promise, resolve, reject } = deferred();
    this.request = request(server.url + path, { headers, agent: false }, resolve);
    this.request.on('error', (error) => {
      reject(error);
      this.ended = true;
      this.#tell();
    });
    this.request.end();
    this.answer = await limited(promise, LONGEST_MS, 'the stream to begin');
    const { events } = this;
    server.remember({
      method: 'GET',
      path,
      status: this.answer.statusCode,
      type: this.answer.headers['content-type'] ?? '',
      get items() {
        return events.slice(0, 50).map((event) => event.data);
      },
    });
    const parse = parser(
      (event) => {
        this.times.push(performance.now());
        this.events.push(event);
      },
      (comment) => this.comments.push(comment),
    );
    this.answer.setEncoding('utf8').on('data', (text) => {
      parse(text);
      this.#tell();
    });
    this.answer.on('close', () => {
      this.ended = true;
      this.#tell();
    });
    this.answer.on('error', () => {});
    return this;
  }

  #tell() {
    this.waiting.splice(0).forEach((wake) => wake());
  }

  // Until there are `count` events, or the stream ended.
  async until(count, what = `${count} events`) {
    return this.when(() => this.events.length >= count, what);
  }

  async when(right, what) {
    await limited((async () => {
      while (!right() && !this.ended) {
        await new Promise((resolve) => this.waiting.push(resolve));
      }
    })(), LONGEST_MS, what).catch((error) => {
      throw new Error(`${error.message}; there are ${this.events.length}`);
    });
    return this.events;
  }

  stopReading = () => this.answer.pause();
  goOnReading = () => this.answer.resume();
  close = () => this.request.destroy();
}

function deferred() {
  const it = {};
  it.promise = new Promise((resolve, reject) => Object.assign(it, { resolve, reject }));
  return it;
}

export async function listen(t, server, path, headers) {
  const listener = await new Listener().open(server, path, headers);
  t.after(() => listener.close());
  return listener;
}
