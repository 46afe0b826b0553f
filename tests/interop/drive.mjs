// SPDX-License-Identifier: Apache-2.0
// Runs driver.mjs against a server, and waits until what it sent has been put together.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { serve } from '../http/lib.mjs';
import { packages } from './packages.mjs';

const run = promisify(execFile);
const here = dirname(fileURLToPath(import.meta.url));
const LONGEST_RUN_MS = 60_000;

// A server that takes OTLP over HTTP on its main address and over gRPC on a free port.
export async function otlpServer(t, options = {}) {
  const args = ['--otlp-grpc-listen=127.0.0.1:0', ...(options.args ?? [])];
  const server = await serve(t, { ...options, args });
  return Object.assign(server, { grpc: () => /(http\S+) \(gRPC\)/.exec(server.said)[1] });
}

// `wanted` is what driver.mjs is told, without the addresses.
export async function drive(home, server, wanted) {
  const endpoint = wanted.exporter === 'grpc' ? server.grpc() : server.url;
  const node = await packages.node(home);
  await run(node, [join(here, 'driver.mjs'), JSON.stringify({ home, endpoint, ...wanted })], {
    timeout: LONGEST_RUN_MS,
    env: { PATH: process.env.PATH },
  });
}

export async function settled(server) {
  for (;;) {
    const { text } = await server.api('GET', '/metrics');
    const waiting = /^stepwell_otlp_marked (\d+)/m.exec(text);
    assert.ok(waiting, 'the metrics tell how many traces wait');
    if (waiting[1] === '0') {
      return;
    }
  }
}
