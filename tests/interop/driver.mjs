// SPDX-License-Identifier: Apache-2.0
// A program as a user would write it: a provider's own client (or the AI SDK), an instrumentation, OpenTelemetry's
// SDK. Its one argument is JSON: {instrumentation, exporter, gzip, endpoint, provider, calls}; each call is
// {api, body}. It makes the calls against the provider named there, ends the SDK and exits; what the calls answer
// is not looked at, because the ledger is.
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

const { home, instrumentation, exporter, gzip, endpoint, provider, calls } = JSON.parse(process.argv[2]);
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
const { OTLPTraceExporter } = await get(`@opentelemetry/exporter-trace-otlp-${exporters[exporter]}`);
const compression = gzip ? 'gzip' : 'none';
const sent = new OTLPTraceExporter(exporter === 'grpc'
  ? { url: endpoint, compression: gzip ? 1 : 0 }
  : { url: `${endpoint}/v1/traces`, compression });
const tracing = new NodeTracerProvider({
  resource: resourceFromAttributes({ 'service.name': 'interop' }),
  spanProcessors: [new BatchSpanProcessor(sent)],
});
tracing.register();

// ---- who calls --------------------------------------------------------------------------------------------------

const OPENAI = { apiKey: 'key', baseURL: `${provider}/v1`, maxRetries: 0 };
const ANTHROPIC = { apiKey: 'key', baseURL: provider, maxRetries: 0 };

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

async function clientCalls(kind) {
  const [reader, name, client, shown] = INSTRUMENTED[kind];
  const instrumented = new (await get(reader))[name]();
  instrumented.setTracerProvider(tracing);
  const module = await get(client);
  instrumented.manuallyInstrument(shown(module));
  const made = module.OpenAI ? new module.OpenAI(OPENAI) : new module.Anthropic(ANTHROPIC);
  const apis = {
    chat: (body) => made.chat.completions.create(body),
    responses: (body) => made.responses.create(body),
    messages: (body) => made.messages.create(body),
  };
  for (const { api: name, body } of calls) {
    try {
      await drain(await apis[name](body));
    } catch {
      // A refused call is a step too.
    }
  }
}

// The AI SDK in its newest version (7) or the one before (6): one generation with tools that are executed.
async function sdkCalls(kind) {
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
    chat: (name) => createOpenAI({ apiKey: 'key', baseURL: OPENAI.baseURL }).chat(name),
    responses: (name) => createOpenAI({ apiKey: 'key', baseURL: OPENAI.baseURL }).responses(name),
    messages: (name) => createAnthropic({ apiKey: 'key', baseURL: `${provider}/v1` })(name),
  };
  for (const { api: name, body, tools = [] } of calls) {
    const wanted = {
      model: models[name](body.model),
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
  }
}

// OpenTelemetry alone, with a span that says the attributes given.
async function plainCalls() {
  const tracer = api.trace.getTracer('interop');
  for (const { body } of calls) {
    tracer.startSpan('chat', { kind: api.SpanKind.CLIENT, attributes: body }).end();
  }
}

// OpenTelemetry's log records, as coding agents send them.
async function logCalls() {
  const { LoggerProvider, BatchLogRecordProcessor } = await get('@opentelemetry/sdk-logs');
  const { OTLPLogExporter } = await get('@opentelemetry/exporter-logs-otlp-http');
  const exported = new OTLPLogExporter({ url: `${endpoint}/v1/logs`, compression });
  const logging = new LoggerProvider({
    resource: resourceFromAttributes({ 'service.name': calls[0].service }),
    processors: [new BatchLogRecordProcessor({ exporter: exported })],
  });
  for (const { name, body } of calls) {
    logging.getLogger('interop').emit({ body: name, attributes: body });
  }
  await logging.forceFlush();
  await logging.shutdown();
}

const family = instrumentation.split('-')[0];
await ({ ai: sdkCalls, plain: plainCalls, logs: logCalls }[family] ?? clientCalls)(instrumentation);
await new Promise((resolve) => setImmediate(resolve)); // who waits for the same answer ends his span
await tracing.forceFlush();
await tracing.shutdown();
process.exit(0);
