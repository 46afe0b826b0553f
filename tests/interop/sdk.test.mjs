// SPDX-License-Identifier: Apache-2.0
// OpenTelemetry's own SDK for JavaScript with each of its exporters, with and without gzip, against a running server:
// what it sends arrives, once.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { drive, otlpServer, settled } from './drive.mjs';
import { packages } from './packages.mjs';

const SPAN = {
  'gen_ai.operation.name': 'chat',
  'gen_ai.provider.name': 'openai',
  'gen_ai.request.model': 'gpt-4o-mini',
  'gen_ai.response.model': 'gpt-4o-mini-2024-07-18',
  'gen_ai.response.finish_reasons': ['stop'],
  'gen_ai.usage.input_tokens': 1000,
  'gen_ai.usage.cache_read.input_tokens': 800,
  'gen_ai.usage.output_tokens': 50,
  'gen_ai.usage.reasoning.output_tokens': 20,
  'gen_ai.conversation.id': 'a talk',
};

async function prepared(t) {
  const home = await packages.home(t);
  return home && { home, server: await otlpServer(t) };
}

for (const exporter of ['json', 'proto', 'grpc']) {
  for (const gzip of [false, true]) {
    test(`spans over ${exporter}${gzip ? ' with gzip' : ''}`, async (t) => {
      const at = await prepared(t);
      if (!at) {
        return;
      }
      const calls = Array.from({ length: 3 }, () => ({ body: SPAN }));
      await drive(at.home, 'plain', [{ server: at.server, exporter, gzip, calls }]);
      await settled(at.server);
      const steps = await at.server.get('/v1/steps');
      assert.equal(steps.length, 3);
      for (const step of steps) {
        assert.equal(step.model, 'gpt-4o-mini-2024-07-18');
        assert.equal(step.provider_name, 'openai');
        assert.equal(step.status, 'success');
        assert.equal(step.stop_reason, 'end_turn');
        assert.deepEqual([step.prompt_tokens, step.completion_tokens, step.total_tokens], [1000, 50, 1050]);
        assert.deepEqual([step.cached_input_tokens, step.reasoning_tokens], [800, 20]);
        assert.equal(step.origin, 'otel:genai');
      }
      assert.equal(new Set(steps.map((step) => step.trace_id)).size, 3, 'each span was a trace of its own');
      await at.server.verify();
    });
  }
}

for (const gzip of [false, true]) {
  test(`log records of a coding agent${gzip ? ' with gzip' : ''}`, async (t) => {
    const at = await prepared(t);
    if (!at) {
      return;
    }
    const common = { 'session.id': 'session-1', 'prompt.id': 'prompt-1' };
    const calls = [
      { service: 'claude-code', name: 'claude_code.user_prompt', body: { ...common, 'event.name': 'user_prompt', 'event.sequence': 1, prompt: 'hello' } },
      {
        name: 'claude_code.api_request',
        body: {
          ...common, 'event.name': 'api_request', 'event.sequence': 2, model: 'claude-sonnet-4-5', request_id: 'req_1',
          input_tokens: 2, cache_read_tokens: 61608, cache_creation_tokens: 974, output_tokens: 211, duration_ms: 1500,
        },
      },
    ];
    await drive(at.home, 'logs', [{ server: at.server, exporter: 'json', gzip, calls }]);
    await settled(at.server);
    const steps = await at.server.get('/v1/steps');
    assert.equal(steps.length, 1);
    const [step] = steps;
    assert.deepEqual([step.prompt_tokens, step.completion_tokens, step.total_tokens], [62584, 211, 62795]);
    assert.deepEqual([step.cached_input_tokens, step.cache_write_tokens], [61608, 974]);
    assert.equal(step.provider_name, 'anthropic');
    assert.equal(step.origin, 'otel:claude-code');
    const metrics = await at.server.get(`/v1/steps/${step.id}/metrics`);
    assert.equal(metrics.llm_request_ns, 1_500_000_000);
    await at.server.verify();
  });
}
