// SPDX-License-Identifier: Apache-2.0
// OTLP as its specification writes it down (1.11), by hand: exports as protobuf and as JSON, and what answers hold.
// Knows nothing of what our own code reads or writes; the tests of all roads share it.
import { randomBytes } from 'node:crypto';

// ---- protobuf: fields by number, see the Encoding page of Protocol Buffers ------------------------------------------

export function varint(value) {
  const bytes = [];
  let left = BigInt(value);
  do {
    bytes.push(Number(left & 0x7fn) | (left > 0x7fn ? 0x80 : 0));
    left >>= 7n;
  } while (left > 0n);
  return Buffer.from(bytes);
}

export const field = (number, bytes) =>
  Buffer.concat([varint((number << 3) | 2), varint(Buffer.from(bytes).length), Buffer.from(bytes)]);
const fixed64 = (number, value) => {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(BigInt(value));
  return Buffer.concat([varint((number << 3) | 1), bytes]);
};
const number = (at, value) => Buffer.concat([varint(at << 3), varint(value)]);

// The fields of a message, {number: [value, ...]}: bytes of those with a length, BigInt of numbers.
export function fields(bytes) {
  const found = {};
  let at = 0;
  const next = () => {
    let value = 0n;
    for (let shift = 0n; ; shift += 7n) {
      const byte = bytes[at++];
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) {
        return value;
      }
    }
  };
  while (at < bytes.length) {
    const key = Number(next());
    let value = next();
    if ((key & 7) === 2) {
      const from = at;
      at += Number(value);
      value = bytes.subarray(from, at);
    } else if ((key & 7) !== 0) {
      throw new Error(`no wire type of an answer: ${key & 7}`);
    }
    (found[key >> 3] ??= []).push(value);
  }
  if (at > bytes.length) {
    throw new Error('the answer is cut');
  }
  return found;
}

// ---- spans ----------------------------------------------------------------------------------------------------------

export const newTrace = () => randomBytes(16);
export const newSpan = () => randomBytes(8);

// A span of the GenAI conventions that called a model; `more` attributes are texts or whole numbers.
export function modelSpan({ traceId = newTrace(), spanId = newSpan(), name = 'chat m', more = {} } = {}) {
  const end = BigInt(Date.now()) * 1000000n;
  return {
    traceId,
    spanId,
    name,
    start: end - 1000000000n,
    end,
    attributes: {
      'gen_ai.operation.name': 'chat',
      'gen_ai.provider.name': 'openai',
      'gen_ai.request.model': 'gpt-4o',
      'gen_ai.usage.input_tokens': 12,
      'gen_ai.usage.output_tokens': 7,
      ...more,
    },
  };
}

const keyValue = (key, value) =>
  Buffer.concat([field(1, key), field(2, typeof value === 'number' ? number(3, value) : field(1, value))]);

function spanBytes(span) {
  return Buffer.concat([
    field(1, span.traceId),
    field(2, span.spanId),
    ...(span.parentId ? [field(4, span.parentId)] : []),
    field(5, span.name),
    number(6, 3),
    fixed64(7, span.start),
    fixed64(8, span.end),
    ...Object.entries(span.attributes).map(([key, value]) => field(9, keyValue(key, value))),
  ]);
}

// An ExportTraceServiceRequest: one resource, one scope.
export function tracesProto(spans) {
  const resource = field(1, keyValue('service.name', 'test'));
  const scope = Buffer.concat([field(1, field(1, 'test')), ...spans.map((span) => field(2, spanBytes(span)))]);
  return field(1, Buffer.concat([field(1, resource), field(2, scope)]));
}

const anyValue = (value) => (typeof value === 'number' ? { intValue: String(value) } : { stringValue: value });

export function tracesJson(spans) {
  return JSON.stringify({
    resourceSpans: [{
      resource: { attributes: [{ key: 'service.name', value: { stringValue: 'test' } }] },
      scopeSpans: [{
        scope: { name: 'test' },
        spans: spans.map((span) => ({
          traceId: span.traceId.toString('hex'),
          spanId: span.spanId.toString('hex'),
          ...(span.parentId ? { parentSpanId: span.parentId.toString('hex') } : {}),
          name: span.name,
          kind: 3,
          startTimeUnixNano: String(span.start),
          endTimeUnixNano: String(span.end),
          attributes: Object.entries(span.attributes).map(([key, value]) => ({ key, value: anyValue(value) })),
        })),
      }],
    }],
  });
}

// ---- answers ---------------------------------------------------------------------------------------------------------

// A google.rpc.Status, {code, message}.
export function statusOf(type, bytes) {
  if (type === 'application/json') {
    const { code, message } = JSON.parse(bytes);
    return { code, message };
  }
  const found = fields(bytes);
  return { code: Number(found[1]?.[0] ?? 0), message: found[2]?.[0].toString() ?? '' };
}

// The partial success of an Export*ServiceResponse, {rejected, message}; null: it is unset.
export function partialOf(type, bytes) {
  if (type === 'application/json') {
    const partial = JSON.parse(bytes).partialSuccess;
    return partial
      ? { rejected: Number(partial.rejectedSpans ?? partial.rejectedLogRecords ?? partial.rejectedDataPoints ?? 0), message: partial.errorMessage ?? '' }
      : null;
  }
  const partial = fields(bytes)[1];
  if (!partial) {
    return null;
  }
  const found = fields(partial[0]);
  return { rejected: Number(found[1]?.[0] ?? 0), message: found[2]?.[0].toString() ?? '' };
}
