// SPDX-License-Identifier: Apache-2.0
// A program as a user would write it: a provider's own client (or the AI SDK), an instrumentation, OpenTelemetry's
// SDK. On its input it is told {home, instrumentation, jobs}; a job is {exporter, gzip, endpoint, provider, calls}, a
// call {api, body}. One job after the other it makes the calls against the provider named there and sends what there
// is to the endpoint; what the calls answer is not looked at, because the ledger is.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

const { home, instrumentation, jobs } = JSON.parse(readFileSync(0, 'utf8'));
const resolver = createRequire(join(home, 'index.js'));
const get = async (name) => {
  const loaded = await import(pathToFileURL(resolver.resolve(name)));
  return { ...loaded.default, ...loaded };
};

// ---- OpenTelemetry ----------------------------------------------------------------------------------------------

const { NodeTracerProvider, BatchSpanProcessor } = await get('@opentelemetry/sdk-trace-node');
const { resourceFromAttributes } = await get('@opentelemetry/resources');
const api = await get('@opentelemetry/api');

const exporters = { json: 'http', proto: 'proto', grpc: 'grpc' };
const compressionOf = (job) => (job.gzip ? 'gzip' : 'none');

async function exporterOf(job) {
  const { OTLPTraceExporter } = await get(`@opentelemetry/exporter-trace-otlp-${exporters[job.exporter]}`);
  return new OTLPTraceExporter(job.exporter === 'grpc'
    ? { url: job.endpoint, compression: job.gzip ? 1 : 0 }
    : { url: `${job.endpoint}/v1/traces`, compression: compressionOf(job) });
}

let road; // the exporter of the job at hand
const tracing = new NodeTracerProvider({
  resource: resourceFromAttributes({ 'service.name': 'interop' }),
  spanProcessors: [new BatchSpanProcessor({
    export: (spans, done) => road.export(spans, done),
    forceFlush: () => road.forceFlush(),
    shutdown: () => road.shutdown(),
  })],
});
tracing.register();

// ---- who calls: each prepares once, and answers what does a job --------------------------------------------------

const openai = ({ provider }) => ({ apiKey: 'key', baseURL: `${provider}/v1`, maxRetries: 0 });
const anthropic = ({ provider }) => ({ apiKey: 'key', baseURL: provider, maxRetries: 0 });

async function drain(answer) {
  if (answer?.[Symbol.asyncIterator]) {
    for await (const part of answer) {
      void part;
    }
  }
}

// A provider's client under an instrumentation: its package and class, the client it reads (OpenLLMetry reads older
// lines of both), and what it wants to be shown of it.
const INSTRUMENTED = {
  'openllmetry-openai': ['@traceloop/instrumentation-openai', 'OpenAIInstrumentation', 'openai-6', (module) => module.OpenAI],
  'openllmetry-anthropic': ['@traceloop/instrumentation-anthropic', 'AnthropicInstrumentation', 'anthropic-0', (module) => module],
  'openinference-openai': ['@arizeai/openinference-instrumentation-openai', 'OpenAIInstrumentation', 'openai', (module) => module.OpenAI],
  'openinference-anthropic': ['@arizeai/openinference-instrumentation-anthropic', 'AnthropicInstrumentation', '@anthropic-ai/sdk', (module) => module.Anthropic],
};

async function clientCaller(kind) {
  const [reader, name, client, shown] = INSTRUMENTED[kind];
  const instrumented = new (await get(reader))[name]();
  instrumented.setTracerProvider(tracing);
  const module = await get(client);
  instrumented.manuallyInstrument(shown(module));
  const apis = {
    chat: (made, body) => made.chat.completions.create(body),
    responses: (made, body) => made.responses.create(body),
    messages: (made, body) => made.messages.create(body),
  };
  return async (job) => {
    const made = module.OpenAI ? new module.OpenAI(openai(job)) : new module.Anthropic(anthropic(job));
    for (const { api: name, body } of job.calls) {
      try {
        await drain(await apis[name](made, body));
      } catch {
        // A refused call is a step too.
      }
    }
  };
}

// The AI SDK in its newest version (7) or the one before (6): one generation with tools that are executed.
async function sdkCaller(kind) {
  const six = kind === 'ai-6';
  const sdk = await get(six ? 'ai-6' : 'ai');
  const { createOpenAI } = await get(six ? 'ai-6-openai' : '@ai-sdk/openai');
  const { createAnthropic } = await get(six ? 'ai-6-anthropic' : '@ai-sdk/anthropic');
  if (!six) {
    const { OpenTelemetry } = await get('@ai-sdk/otel');
    sdk.registerTelemetry(new OpenTelemetry());
  }
  const { z } = await get('zod');
  const models = {
    chat: (options, name) => createOpenAI(options).chat(name),
    messages: (options, name) => createAnthropic(options)(name),
  };
  const call = async ({ provider }, { api: name, body, tools = [] }) => {
    const wanted = {
      model: models[name]({ apiKey: 'key', baseURL: `${provider}/v1` }, body.model),
      prompt: body.prompt,
      maxRetries: 0,
      stopWhen: sdk.stepCountIs(tools.length > 0 ? 2 : 1),
      tools: Object.fromEntries(tools.map((tool) => [tool, sdk.tool({
        description: tool,
        inputSchema: z.object({}).loose(),
        execute: async () => new Promise((resolve) => setTimeout(() => resolve(`${tool} says so`), 20)),
      })])),
      ...(six ? { experimental_telemetry: { isEnabled: true, functionId: 'interop' } } : { telemetry: { functionId: 'interop' } }),
    };
    try {
      if (body.stream) {
        await drain(sdk.streamText({ ...wanted, onError() {} }).textStream);
      } else {
        await sdk.generateText(wanted);
      }
    } catch {
      // A refused call is a step too.
    }
  };
  return async (job) => {
    for (const one of job.calls) {
      await call(job, one);
    }
  };
}

// OpenTelemetry alone, with a span that says the attributes given.
async function plainCaller() {
  const tracer = api.trace.getTracer('interop');
  return async ({ calls }) => {
    for (const { body } of calls) {
      tracer.startSpan('chat', { kind: api.SpanKind.CLIENT, attributes: body }).end();
    }
  };
}

// OpenTelemetry's log records, as coding agents send them.
async function logCaller() {
  const { LoggerProvider, BatchLogRecordProcessor } = await get('@opentelemetry/sdk-logs');
  const { OTLPLogExporter } = await get('@opentelemetry/exporter-logs-otlp-http');
  return async (job) => {
    const exporter = new OTLPLogExporter({ url: `${job.endpoint}/v1/logs`, compression: compressionOf(job) });
    const logging = new LoggerProvider({
      resource: resourceFromAttributes({ 'service.name': job.calls[0].service }),
      processors: [new BatchLogRecordProcessor({ exporter })],
    });
    for (const { name, body } of job.calls) {
      logging.getLogger('interop').emit({ body: name, attributes: body });
    }
    await logging.forceFlush();
    await logging.shutdown();
  };
}

const family = instrumentation.split('-')[0];
const act = await ({ ai: sdkCaller, plain: plainCaller, logs: logCaller }[family] ?? clientCaller)(instrumentation);
for (const job of jobs) {
  road = await exporterOf(job);
  await act(job);
  await new Promise((resolve) => setImmediate(resolve)); // who waits for the same answer ends his span
  await tracing.forceFlush();
}
await tracing.shutdown();
process.exit(0);
