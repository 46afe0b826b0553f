// SPDX-License-Identifier: Apache-2.0
// Runs driver.mjs against a server, and waits until what it sent has been put together.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { limited, serve } from '../http/lib.mjs';
import { packages } from './packages.mjs';

const here = dirname(fileURLToPath(import.meta.url));
const LONGEST_RUN_MS = 120_000;

// A server that takes OTLP over HTTP on its main address and over gRPC on a free port.
export async function otlpServer(t, options = {}) {
  const args = ['--otlp-grpc-listen=127.0.0.1:0', ...(options.args ?? [])];
  const server = await serve(t, { ...options, args });
  return Object.assign(server, { grpc: () => /(http\S+) \(gRPC\)/.exec(server.said)[1] });
}

// One program does all jobs, because most of its time goes into loading what it uses. A job is what driver.mjs says,
// with the server in place of its address.
export async function drive(home, instrumentation, jobs) {
  const node = await packages.node(home);
  const told = jobs.map(({ server, ...job }) => ({ ...job, endpoint: job.exporter === 'grpc' ? server.grpc() : server.url }));
  const child = spawn(node, [join(here, 'driver.mjs')], { stdio: ['pipe', 'ignore', 'pipe'], env: { PATH: process.env.PATH } });
  let said = '';
  child.stderr.setEncoding('utf8').on('data', (text) => (said += text));
  const ended = new Promise((resolve, reject) => child.once('error', reject).once('close', resolve));
  child.stdin.on('error', () => {}).end(JSON.stringify({ home, instrumentation, jobs: told }));
  try {
    assert.equal(await limited(ended, LONGEST_RUN_MS, 'the program to end'), 0, said);
  } finally {
    child.kill('SIGKILL');
  }
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
