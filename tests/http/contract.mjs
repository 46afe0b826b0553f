// SPDX-License-Identifier: Apache-2.0
// What /openapi.json says, applied to what a server was asked and answered. Knows OpenAPI and JSON Schema (by ajv), and
// nothing of this API but that a path may end in a slash and /latest stands for /v1.
//
// The document leaves objects open, because later versions may say more. Here they are closed: a member that is
// answered now and not described is a mistake of this version.
const METHODS = ['get', 'post', 'put', 'patch', 'delete'];
const ITEM = 'x-stepwell-item';
// Headers that say how an answer is carried and kept, not what it means.
const OF_HTTP = new Set(['cache-control', 'connection', 'content-encoding', 'content-length', 'content-type', 'date',
  'keep-alive', 'transfer-encoding', 'vary', 'x-accel-buffering', 'x-content-type-options']);
const ofHttp = (name) => OF_HTTP.has(name) || name.startsWith('access-control-');

export function operationsOf(document) {
  return Object.entries(document.paths).flatMap(([path, item]) =>
    METHODS.filter((method) => item[method]).map((method) => ({
      ...item[method],
      method: method.toUpperCase(),
      path,
      parts: partsOf(path),
    })),
  );
}

const partsOf = (path) => path.replace(/\/$/, '').split('/').slice(1);
const isOpen = (part) => part.startsWith('{');

// The operation that a path with query belongs to: of several the one with the earlier literal.
export function finder(operations) {
  return (method, url) => {
    const given = partsOf(url.split('?')[0]);
    const fits = (op) =>
      op.method === (method === 'HEAD' ? 'GET' : method) &&
      op.parts.length === given.length &&
      op.parts.every(
        (part, i) =>
          (isOpen(part) && given[i] !== '') ||
          part === given[i] ||
          (i === 0 && part === 'v1' && given[i] === 'latest' && op.parts[1] !== 'admin'),
      );
    const closer = (a, b) => {
      const i = a.parts.findIndex((part, k) => isOpen(part) !== isOpen(b.parts[k]));
      return i < 0 ? 0 : isOpen(a.parts[i]) ? 1 : -1;
    };
    return operations.filter(fits).sort(closer)[0];
  };
}

// Closes every object that names its members and does not say that there are more.
function close(schema) {
  if (Array.isArray(schema)) {
    return schema.map(close);
  }
  if (schema === null || typeof schema !== 'object') {
    return schema;
  }
  if (schema.allOf) {
    return { ...schema, unevaluatedProperties: false };
  }
  const open = Object.fromEntries(Object.entries(schema).map(([name, value]) => [name, close(value)]));
  return schema.properties && schema.additionalProperties === undefined && schema.type
    ? { ...open, additionalProperties: false }
    : open;
}

// A document whose schemas are closed, those that an allOf joins excepted: they are closed where they are joined.
function closed(document) {
  const joined = new Set([...JSON.stringify(document).matchAll(/"allOf":\[\{"\$ref":"[^"]*\/(\w+)"/g)].map((m) => m[1]));
  const copy = structuredClone(document);
  for (const [name, schema] of Object.entries(copy.components.schemas)) {
    copy.components.schemas[name] = joined.has(name) ? schema : close(schema);
  }
  return copy;
}

export class Contract {
  constructor(document, Ajv, addFormats) {
    this.document = closed(document);
    this.operations = operationsOf(this.document);
    this.find = finder(this.operations);
    this.ajv = new Ajv({ strict: false, allErrors: false });
    addFormats(this.ajv);
    this.ajv.addSchema({ $id: 'api', components: this.document.components });
    this.compiled = new Map();
  }

  #resolve = (node) =>
    node?.$ref ? node.$ref.split('/').slice(1).reduce((at, key) => at[key], this.document) : node;

  // What is wrong with the value, or null.
  wrong(schema, value) {
    const text = JSON.stringify(schema).replaceAll('"#/', '"api#/');
    if (!this.compiled.has(text)) {
      this.compiled.set(text, this.ajv.compile(JSON.parse(text)));
    }
    const check = this.compiled.get(text);
    return check(value) ? null : this.ajv.errorsText(check.errors);
  }

  // What is wrong with an exchange, as a list of sentences.
  check(exchange) {
    const operation = this.find(exchange.method, exchange.path);
    return operation ? this.#checkAnswer(operation, exchange) : this.#checkUnrouted(exchange);
  }

  #checkAnswer(operation, exchange) {
    const what = `${operation.operationId} answers ${exchange.status}`;
    const response = this.#resolve(operation.responses[exchange.status]);
    if (!response) {
      return [`${what}, which is not described: ${JSON.stringify(exchange.body)?.slice(0, 200)}`];
    }
    const problems = this.#checkContent(what, response, exchange);
    const described = Object.keys(response.headers ?? {}).map((name) => name.toLowerCase());
    for (const name of exchange.headers ?? []) {
      if (!ofHttp(name) && !described.includes(name)) {
        problems.push(`${what} with a header ${name}, which is not described`);
      }
    }
    // Of a batch, some may have been refused.
    const taken = exchange.status < 300 && !(exchange.body?.rejected > 0);
    if (taken && exchange.sent !== undefined && operation.requestBody) {
      const wrong = this.wrong(operation.requestBody.content['application/json'].schema, exchange.sent);
      problems.push(...(wrong ? [`${operation.operationId} takes what is not described: ${wrong}`] : []));
    }
    return problems;
  }

  #checkContent(what, response, exchange) {
    if (exchange.method === 'HEAD' || exchange.status === 304) {
      return [];
    }
    const bare = (type) => type.split(';')[0];
    const found = Object.entries(response.content ?? {}).find(([type]) => bare(type) === bare(exchange.type));
    if (!found) {
      return [`${what} as ${exchange.type}, which is not described`];
    }
    const { schema } = found[1];
    const values = exchange.body === undefined ? [] : [[schema, exchange.body]];
    for (const item of schema[ITEM] ? exchange.items ?? [] : []) {
      values.push([schema[ITEM], item]);
    }
    const wrongs = values.map(([with_, value]) => this.wrong(with_, value)).filter(Boolean);
    return wrongs.slice(0, 1).map((wrong) => `${what} with what is not described: ${wrong}`);
  }

  #checkUnrouted({ method, path, status, body }) {
    const schemas = this.document.components.schemas;
    const wrong = body === undefined || method === 'HEAD' ? null : this.wrong({ anyOf: [schemas.error, schemas.validation_error] }, body);
    return status < 400 && method !== 'OPTIONS'
      ? [`${method} ${path} is answered with ${status} and not described`]
      : wrong
        ? [`${method} ${path} is refused in another form: ${wrong}`]
        : [];
  }
}
