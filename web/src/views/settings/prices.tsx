// SPDX-License-Identifier: Apache-2.0
// Prices: those that the organization set itself, the models that lack one, and computing costs again. People write dollars
// for a million tokens; the API takes nano-dollars, whole numbers.
import { priceFields, type Price } from 'facts';
import { useState } from 'preact/hooks';
import { api } from '../../api';
import * as format from '../../format';
import { useQuery } from '../../route';
import { toast } from '../../toast';
import { Labelled, Time } from '../../ui';
import { Delete, Form, localOf, Part, Table, timeOf, useAllowed, useList } from './common';
import { Reprice } from './reprice';
import { Unknown } from './unknown';

const RATES = ['input_nano_usd', 'output_nano_usd', 'cache_read_nano_usd', 'cache_write_5m_nano_usd', 'cache_write_1h_nano_usd', 'audio_input_nano_usd', 'audio_output_nano_usd', 'audio_cache_read_nano_usd', 'request_nano_usd'] as const;
type Rate = (typeof RATES)[number];
const TITLES: Record<Rate, string> = {
  input_nano_usd: 'Input',
  output_nano_usd: 'Output',
  cache_read_nano_usd: 'Cache read',
  cache_write_5m_nano_usd: 'Cache write, 5 minutes',
  cache_write_1h_nano_usd: 'Cache write, 1 hour',
  audio_input_nano_usd: 'Audio input',
  audio_output_nano_usd: 'Audio output',
  audio_cache_read_nano_usd: 'Audio cache read',
  request_nano_usd: 'A million calls',
};
const doc = (name: string) => priceFields.find((field) => field.name === name)?.doc ?? '';

// "0.075" as 75000000, digit by digit, because a double would lose some; null when it is no such number.
export function nanoOf(dollars: string): number | null {
  const found = /^\s*(\d{1,6})(?:\.(\d{1,9}))?\s*$/.exec(dollars);
  return found ? Number(BigInt(found[1]!) * 1_000_000_000n + BigInt((found[2] ?? '').padEnd(9, '0'))) : null;
}

export function dollarsOf(nano: number | null): string {
  if (nano === null) {
    return '';
  }
  const digits = String(BigInt(nano) % 1_000_000_000n).padStart(9, '0').replace(/0+$/, '');
  return `${BigInt(nano) / 1_000_000_000n}${digits ? `.${digits}` : ''}`;
}

const whole = (text: string): number | null => (/^\d+$/.test(text.trim()) ? Number(text) : null);

function Edit({ price, first, onClose, done }: { price: Price | null; first: { model: string; provider: string }; onClose(): void; done(): void }) {
  const [texts, setTexts] = useState<Record<string, string>>(() => ({
    model: price?.model ?? first.model,
    provider_name: price?.provider_name ?? first.provider,
    service_tier: price?.service_tier ?? '',
    source: price?.source ?? '',
    above_tokens: price?.above_tokens ? String(price.above_tokens) : '',
    batch_percent: price?.batch_percent === null || price === null ? '' : String(price.batch_percent),
    effective_from: localOf(price?.effective_from ?? null),
    effective_to: localOf(price?.effective_to ?? null),
    ...Object.fromEntries(RATES.map((name) => [name, dollarsOf(price?.[name] ?? null)])),
  }));
  const run = async () => {
    const body = {
      model: texts.model,
      provider_name: texts.provider_name || null,
      service_tier: texts.service_tier || null,
      source: texts.source || null,
      above_tokens: whole(texts.above_tokens!) ?? 0,
      batch_percent: whole(texts.batch_percent!),
      effective_from: timeOf(texts.effective_from!),
      effective_to: timeOf(texts.effective_to!),
      ...Object.fromEntries(RATES.map((name) => [name, nanoOf(texts[name]!)])),
    };
    await (price ? api(`/v1/prices/${price.id}`, { method: 'PATCH', body }) : api('/v1/prices/', { method: 'POST', body }));
    toast('The price holds for steps that come from now on. A repricing brings it to those that are there.');
    done();
  };
  const field = (name: string, label: string, errors: Record<string, string>, more: Record<string, unknown> = {}, hint = doc(name)) => (
    <Labelled key={name} label={label} hint={hint} error={errors[name]}>
      <input type="text" value={texts[name]} onInput={(event) => setTexts({ ...texts, [name]: event.currentTarget.value })} {...more} />
    </Labelled>
  );
  const rate = (name: Rate, errors: Record<string, string>) => field(name, TITLES[name], errors, { inputMode: 'decimal', pattern: '\\s*\\d{1,6}(\\.\\d{1,9})?\\s*', title: 'Dollars, such as 0.15' });
  return (
    <Form title={price ? 'Change the price' : 'Set a price'} submit={price ? 'Save' : 'Set'} wide onClose={onClose} run={run}>
      {(errors) => (
        <>
          <div class="two">
            {field('model', 'Model', errors, { required: true, autoFocus: true, placeholder: 'gpt-4o*' })}
            {field('provider_name', 'Provider', errors)}
          </div>
          <h3>Dollars for a million tokens</h3>
          <div class="two">{RATES.slice(0, 5).map((name) => rate(name, errors))}</div>
          <details>
            <summary>Audio, calls, tiers, times</summary>
            <div class="two">
              {RATES.slice(5).map((name) => rate(name, errors))}
              {field('service_tier', 'Service tier', errors)}
              {field('batch_percent', 'In batches, percent', errors, { inputMode: 'numeric', pattern: '\\d*' })}
              {field('above_tokens', 'Prompts above, tokens', errors, { inputMode: 'numeric', pattern: '\\d*' })}
              {field('effective_from', 'From', errors, { type: 'datetime-local' }, `${doc('effective_from')} In ${format.zone()}.`)}
              {field('effective_to', 'Until', errors, { type: 'datetime-local' }, `${doc('effective_to')} In ${format.zone()}.`)}
            </div>
          </details>
          {field('source', 'Where it comes from', errors)}
        </>
      )}
    </Form>
  );
}

export function Prices() {
  const prices = useList<Price>('/v1/prices/');
  const [query, change] = useQuery();
  const [edited, setEdited] = useState<Price>();
  const [doomed, setDoomed] = useState<Price>();
  const [turn, setTurn] = useState(0);
  const rows = prices.rows ?? [];
  const allowed = useAllowed();
  const changes = allowed('admin');
  const setting = changes && query.has('set');
  const anew = () => {
    prices.reload();
    setTurn(turn + 1);
  };
  return (
    <>
      <Unknown key={turn} />
      <Part
        title="Prices of your own"
        what="Prices"
        need="read"
        doc="They go before the list prices that the server brings along. In dollars for a million tokens."
        actions={
          !changes ? (
            <span class="faint">To set one, a key needs the scope “admin”, and no project that it is limited to.</span>
          ) : (
          <>
            <button onClick={() => change({ reprice: '1' })}>Reprice…</button>
            <button class="primary" onClick={() => change({ set: ' ' })}>
              Set a price
            </button>
          </>
          )
        }
        asked={prices}
        there={prices.rows !== undefined}
      >
        <Table label="Prices of your own" head={['Model', 'Provider', ['Input'], ['Output'], ['Cache read'], ['Cache write'], 'Holds for', 'From', 'Until', 'Source', '']} empty="You set no price: list prices hold." count={rows.length} listed={prices}>
          {rows.map((one) => (
            <tr key={one.id}>
              <td>
                <bdi>{one.model}</bdi>
              </td>
              <td>{one.provider_name ? <bdi>{one.provider_name}</bdi> : 'any'}</td>
              {([one.input_nano_usd, one.output_nano_usd, one.cache_read_nano_usd, one.cache_write_5m_nano_usd] as const).map((nano, i) => (
                <td key={i} class="n">
                  {format.money(nano)}
                </td>
              ))}
              <td>{[one.service_tier, one.above_tokens > 0 ? `above ${format.short(one.above_tokens)} tokens` : ''].filter(Boolean).join(', ') || 'all calls'}</td>
              <td>
                <Time at={one.effective_from} />
              </td>
              <td>
                <Time at={one.effective_to} />
              </td>
              <td>{one.source ? <bdi>{format.line(one.source, 60)}</bdi> : format.NOTHING}</td>
              <td class="do">
                {changes && (
                  <>
                    <button onClick={() => setEdited(one)}>Change</button> <button onClick={() => setDoomed(one)}>Delete</button>
                  </>
                )}
              </td>
            </tr>
          ))}
        </Table>
      </Part>
      {(setting || edited) && (
        <Edit
          price={edited ?? null}
          first={{ model: (query.get('set') ?? '').trim(), provider: query.get('provider') ?? '' }}
          onClose={() => {
            setEdited(undefined);
            change({ set: null, provider: null }, true);
          }}
          done={anew}
        />
      )}
      {changes && query.has('reprice') && <Reprice onClose={() => change({ reprice: null }, true)} done={anew} />}
      {doomed && (
        <Delete what="price" path={`/v1/prices/${doomed.id}`} onClose={() => setDoomed(undefined)} done={anew}>
          The price of <bdi>{doomed.model}</bdi> goes. Steps that were priced by it keep their cost.
        </Delete>
      )}
    </>
  );
}
