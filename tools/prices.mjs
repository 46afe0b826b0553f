// SPDX-License-Identifier: Apache-2.0
// Prints model/prices.def: the list prices of models, from the facts of public price tables. Numbers, names of models
// and dates are facts; no text and no code of those tables is taken. Run it by hand when there are newer tables:
//
//   node tools/prices.mjs FOLDER >model/prices.def        FOLDER holds the tables, one folder each, see `tables`
//
// The first table has rules by which models are recognised and prices with dates; where it knows a model it is
// believed. The others name models one by one and are older: they add models that the first does not know, and
// which models have a price for batches. Where they contradict each other the model is left out: what two say
// differently nobody knows. What is added from elsewhere stands in `rules`, with its source.
//
// What is printed is checked: no price twice, no negative one, none beyond belief, dates in order, no pattern that a
// pattern cannot say. The report goes to stderr.
import { readFileSync } from 'node:fs';

const tables = {
  RULED: { file: 'pydantic__genai-prices/prices__data_slim.json', says: 'genai-prices, commit 47df840a' },
  NAMED: { file: 'colesmcintosh__litellm/model_prices_and_context_window.json', says: 'litellm price table, as of 2025-08-14' },
  NAMED_TOO: { file: 'AgentOps-AI__tokencost/tokencost__model_prices.json', says: 'tokencost price table, commit e7f7c192' },
};

// A maker's published rule for all its models, over what the tables say.
const rules = [
  // platform.claude.com/docs/en/about-claude/pricing: writing for an hour costs twice the input, for five minutes
  // 1.25 times; a batch half of everything.
  { provider: 'anthropic', write1h: 2, batch: 50 },
];

// What a table calls a provider, and what spans and steps call it. A name that is missing stays as it is.
const providers = {
  aws: 'aws.bedrock', bedrock: 'aws.bedrock', bedrock_converse: 'aws.bedrock', azure: 'azure.ai.openai', azure_ai: 'azure.ai.openai',
  google: 'gcp.gemini', gemini: 'gcp.gemini', 'x-ai': 'x_ai', xai: 'x_ai', mistral: 'mistral_ai', codestral: 'mistral_ai',
  moonshotai: 'moonshot_ai', moonshot: 'moonshot_ai', together: 'together_ai', fireworks_ai: 'fireworks',
  'text-completion-openai': 'openai', cohere_chat: 'cohere', voyageai: 'voyage', dashscope: 'alibaba',
};
const providerOf = (name) => providers[name] ?? (name.startsWith('vertex_ai') ? 'gcp.gemini' : name.replaceAll('-', '_'));
// Whose prices hold where a provider that sells others' models has none of its own: as the ledger does it.
const sells = {};
for (const [, seller, maker] of readFileSync(new URL('../model/price_rules.def', import.meta.url), 'utf8').matchAll(/^SW_PRICE_SELLS\("(.+)", "(.+)"\)/gm)) {
  (sells[seller] ??= []).push(maker);
}

// A model that is told by an expression: what it means, as patterns.
const expressions = (text) => {
  const m = /^\^([\w./\\-]+)-\\d(\{8\}\$)?$/.exec(text);
  if (!m) throw new Error(`no pattern says ${text}`);
  return `${m[1].replaceAll('\\', '')}-2*`;
};

const problems = [];
const read = (table) => JSON.parse(readFileSync(`${process.argv[2]}/${tables[table].file}`, 'utf8'));

// ---- patterns: equals, starts*, *ends, *contains*, one of them: a|b ----------------------------------------------

const clean = (text) => {
  const t = text.toLowerCase();
  if (!/^[ -~]+$/.test(t) || /[*|"\\]/.test(t)) throw new Error(`a pattern cannot say ${text}`);
  return t;
};
const patterns = (rule) => {
  const [kind, value] = Object.entries(rule)[0];
  switch (kind) {
    case 'or': return value.flatMap(patterns);
    case 'equals': return [clean(value)];
    case 'starts_with': return [`${clean(value)}*`];
    case 'ends_with': return [`*${clean(value)}`];
    case 'contains': return [`*${clean(value)}*`];
    case 'regex': return [expressions(value)];
    default: throw new Error(`unknown rule ${kind}`);
  }
};
// 0: no match; else the better the larger, as the ledger ranks them.
const rank = (pattern, model) => {
  const open = pattern.startsWith('*') && pattern.length > 1, close = pattern.endsWith('*');
  const word = pattern.slice(open ? 1 : 0, close ? -1 : undefined);
  const fits = open && close ? model.includes(word) : open ? model.endsWith(word) : close ? model.startsWith(word) : model === word;
  return !fits ? 0 : (open && close ? 1 : open ? 2 : close ? 3 : 4) * 10000 + word.length;
};
const best = (list, model) => Math.max(0, ...list.map((p) => rank(p, model)));

// ---- the rows ------------------------------------------------------------------------------------------------------

const names = ['input', 'output', 'cache_read', 'cache_write_5m', 'cache_write_1h', 'audio_input', 'audio_output', 'audio_cache_read', 'request'];
const doubted = new Set(['anthropic/claude-instant-1.2', 'azure.ai.openai/jais-30b-chat']); // slips of the point, by a tenth and a thousand
const models = []; // { provider, name, patterns, source, prices: [{ from, minutes, above, batch, <names> }] }

// Dollars per million: at most nine digits behind the point, which nano-dollars can hold.
const money = (value, id, most = 2000) => {
  if (!(value >= 0) || value > most) problems.push(`${id}: ${value} is no price`);
  return Math.round(value * 1e9) / 1e9;
};
const ofRuled = { input_mtok: 'input', output_mtok: 'output', cache_read_mtok: 'cache_read', cache_write_mtok: 'cache_write_5m', input_audio_mtok: 'audio_input', output_audio_mtok: 'audio_output', cache_audio_read_mtok: 'audio_cache_read' };

const ruledRows = (prices, constraint, id) => {
  const starts = new Set([0]);
  for (const v of Object.values(prices)) for (const t of v.tiers ?? []) starts.add(t.start);
  const minute = (time) => Number(time.slice(0, 2)) * 60 + Number(time.slice(3, 5));
  return [...starts].sort((a, b) => a - b).map((above) => {
    const row = { above, from: constraint?.start_date, minutes: constraint?.start_time && [minute(constraint.start_time), minute(constraint.end_time)] };
    for (const [key, v] of Object.entries(prices)) {
      if (key === 'requests_kcount') { row.request = money(v * 1000, id, 1e5); continue; }
      if (!ofRuled[key]) throw new Error(`${id}: unknown price ${key}`);
      const tiers = (v.tiers ?? []).filter((t) => t.start <= above).sort((a, b) => a.start - b.start);
      row[ofRuled[key]] = money(tiers.length ? tiers.at(-1).price : (v.base ?? v), id);
    }
    return row;
  });
};
for (const p of read('RULED')) {
  for (const m of p.models) {
    const id = `${providerOf(p.id)}/${m.id}`;
    const list = Array.isArray(m.prices) ? m.prices : [{ prices: m.prices }];
    const prices = list.flatMap((one) => ruledRows(one.prices, one.constraint, id)).filter((row) => names.some((n) => row[n] !== undefined));
    const all = [...new Set([clean(m.id), ...patterns(m.match)])];
    const rest = all.filter((p1) => !all.some((p2) => p2 !== p1 && p2.includes('*') && rank(p2, p1.replaceAll('*', '')) && !p1.startsWith('*') && !(p1.endsWith('*') && !p2.endsWith('*'))));
    if (prices.length) models.push({ provider: providerOf(p.id), name: m.id, patterns: rest, source: 'RULED', prices });
  }
}
const knows = (provider, model) => models.filter((m) => m.provider === provider && best(m.patterns, model) > 0);

// What the named tables say of a model: its provider, its name without the provider's, its prices.
const named = (table) => {
  const out = new Map();
  for (const [key, m] of Object.entries(read(table))) {
    const provider = m.litellm_provider && providerOf(m.litellm_provider);
    if (!provider || key === 'sample_spec' || !['chat', 'completion', 'responses', 'embedding', undefined].includes(m.mode)) continue;
    if (key.startsWith('bedrock/') || key.includes('*') || key.startsWith('ft:')) continue;
    const name = key.startsWith(`${m.litellm_provider}/`) || /^(vertex_ai|azure|openai|together_ai|fireworks_ai|bedrock|cohere)\//.test(key) ? key.slice(key.indexOf('/') + 1) : key;
    if (doubted.has(`${provider}/${name.toLowerCase()}`)) continue;
    const per = (k) => (m[k] === undefined || m[k] === null ? undefined : money(m[k] * 1e6, key));
    const base = { above: 0, input: per('input_cost_per_token'), output: per('output_cost_per_token'), cache_read: per('cache_read_input_token_cost') ?? per('input_cost_per_token_cache_hit'), cache_write_5m: per('cache_creation_input_token_cost'), audio_input: per('input_cost_per_audio_token'), audio_output: per('output_cost_per_audio_token'), audio_cache_read: per('cache_read_input_audio_token_cost') };
    if (m.input_cost_per_request) base.request = money(m.input_cost_per_request * 1e6, key, 1e5);
    if (!base.input || base.output === undefined || (!base.output && m.mode !== 'embedding')) continue; // nothing, or by the second
    if (Object.keys(m).some((k) => /(dbu|_db)_cost|cost_per_reasoning/.test(k) && m.output_cost_per_reasoning_token !== m.output_cost_per_token)) continue;
    const prices = [base];
    for (const [word, above] of [['128k', 128000], ['200k', 200000]]) {
      const input = per(`input_cost_per_token_above_${word}_tokens`), output = per(`output_cost_per_token_above_${word}_tokens`);
      if (input && output && !(base.cache_read > 0)) prices.push({ above, input, output });
      else if (input && output) prices.push({ above, input, output, cache_read: undefined });
    }
    const half = m.input_cost_per_token_batches !== undefined && Math.abs(m.input_cost_per_token_batches / m.input_cost_per_token - 0.5) < 1e-9;
    out.set(`${provider}/${name.toLowerCase()}`, { provider, name: name.toLowerCase(), prices, batch: half ? 50 : undefined });
  }
  return out;
};
const one = named('NAMED'), two = named('NAMED_TOO');
let added = 0, contradicted = 0;
for (const [id, m] of new Map([...two, ...one])) {
  for (const known of knows(m.provider, m.name)) {
    if (m.batch && rank(known.name.toLowerCase(), m.name)) for (const p of known.prices) p.batch = m.batch;
  }
  const sellers = [m.provider, ...(sells[m.provider] ?? [])];
  if (sellers.some((s) => knows(s, m.name).length)) continue;
  const other = one.has(id) && two.has(id) ? two.get(id) : undefined;
  if (other && JSON.stringify(other.prices) !== JSON.stringify(m.prices)) { contradicted++; continue; }
  try { clean(m.name); } catch { continue; }
  for (const p of m.prices) p.batch = m.batch;
  models.push({ provider: m.provider, name: m.name, patterns: [m.name], source: one.has(id) ? 'NAMED' : 'NAMED_TOO', prices: m.prices });
  added++;
}
for (const rule of rules) {
  for (const m of models.filter((x) => x.provider === rule.provider)) {
    for (const p of m.prices) {
      if (p.cache_write_5m !== undefined) p.cache_write_1h = money(p.input * rule.write1h, m.name);
      if (p.cache_write_5m !== undefined && Math.abs(p.cache_write_5m / p.input - 1.25) > 0.06) problems.push(`${m.name}: writes do not cost 1.25 of the input`);
      p.batch = rule.batch;
    }
  }
}

// ---- what is printed ---------------------------------------------------------------------------------------------------

const idOf = (m, p) => `${m.provider}/${m.name}${p.from ? `@${p.from}` : ''}${p.minutes ? `@${p.minutes.join('-')}` : ''}${p.above ? `>${p.above}` : ''}`;
const day = (date) => date.replaceAll('-', '');
const plain = (value) => (value >= 1e-6 || value === 0 ? String(value) : value.toFixed(9));
const seen = new Set();
const lines = [];
models.sort((a, b) => (a.provider < b.provider ? -1 : a.provider > b.provider ? 1 : a.name < b.name ? -1 : a.name > b.name ? 1 : 0));
for (const m of models) {
  const dates = [...new Set(m.prices.map((p) => p.from).filter(Boolean))];
  if (dates.join() !== [...dates].sort().join()) problems.push(`${m.name}: dates out of order`);
  for (const p of m.prices) {
    const id = idOf(m, p);
    if (seen.has(id)) problems.push(`${id} twice`);
    seen.add(id);
    if (p.cache_read > p.input) problems.push(`note: ${id}: reading the cache costs more than the input`);
    const facts = [];
    if (p.from) facts.push(`.from = ${day(p.from)}`);
    if (p.minutes) facts.push(`.minutes = {${p.minutes.join(', ')}}`);
    if (p.above) facts.push(`.above = ${p.above}`);
    for (const n of names) if (p[n] !== undefined) facts.push(`.${n} = SW_USD(${plain(p[n])})`);
    if (p.batch) facts.push(`.batch = ${p.batch}`);
    lines.push(`SW_LIST_PRICE(${m.source}, "${id}", "${m.provider}", "${m.patterns.join('|')}", ${facts.join(', ')})`);
  }
}
console.log(`/* SPDX-License-Identifier: Apache-2.0
 * The list prices of models. Written by tools/prices.mjs from the facts of the tables that are named first; do not edit it
 * here, add a rule there. A price that changes gets a second row with the day from which it holds: rows never change
 * under an id that steps may name.
 *
 * SW_PRICE_SOURCE(SOURCE, "where the fact comes from")
 * SW_LIST_PRICE(SOURCE, "id", "provider", "patterns of model names", facts ...)
 *   patterns: name, start*, *end, *part*, one or another with | between; in lower case
 *   .from      the first day (UTC) on which it holds, as yyyymmdd; without: ever since
 *   .minutes   {first, end} of the UTC day in which it holds; without: all day
 *   .above     it holds for prompts of more tokens than this
 *   .batch     what a batch costs, in percent
 *   all others dollars a million tokens (.request: a million requests); without: nobody knows
 */`);
for (const [key, t] of Object.entries(tables)) console.log(`SW_PRICE_SOURCE(${key}, "${t.says}")`);
console.log(lines.join('\n'));
console.error(`${lines.length} prices of ${models.length} models; ${added} named ones added, ${contradicted} contradicted and left out`);
for (const p of problems) console.error(p);
if (problems.some((p) => !p.startsWith('note: '))) process.exitCode = 1;
