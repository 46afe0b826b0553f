// SPDX-License-Identifier: Apache-2.0
// Models of steps whose cost nobody knows: why, and what can be done about it.
import { costGapWords } from 'facts';
import type { ComponentChildren } from 'preact';
import { useApi, queryText } from '../../api';
import * as format from '../../format';
import { ErrorBox, Link } from '../../ui';
import { stepsLink, type Range } from '../../usage';
import { Table, useAllowed } from './common';

interface Lacking {
  provider_name: string | null;
  model: string | null;
  num_steps: number;
  cost_unknown: number;
  total_tokens: number;
  why: string;
}

const UNKNOWN = { has_cost: 'false' };
const WHOLE: Range = { from: null, to: null, grain: 'day', word: 'all' };

export function priceLink(one: { provider_name: string | null; model: string | null }): string {
  return `/settings/prices?${queryText({ set: one.model ?? '', provider: one.provider_name })}`;
}

function todo(one: Lacking, changes: boolean): ComponentChildren {
  if (!changes && /price/.test(one.why)) {
    return 'Have somebody set a price who may';
  }
  switch (one.why) {
    case 'no_price':
      return (
        <Link class="button" to={priceLink(one)}>
          Set a price
        </Link>
      );
    case 'unfit_price':
      return (
        <>
          <Link class="button" to="/settings/prices?reprice=1">
            Reprice
          </Link>{' '}
          <Link class="button" to={priceLink(one)}>
            Set a price
          </Link>
        </>
      );
    case 'no_usage':
      return 'Have the program report its tokens';
    default:
      return 'Have the program say the model';
  }
}

export function Unknown({ range = WHOLE, brief = false }: { range?: Range; brief?: boolean }) {
  const time = { from: range.from === null ? null : new Date(range.from).toISOString(), to: range.to === null ? null : new Date(range.to).toISOString() };
  const unknown = useApi<{ models: Lacking[]; complete: boolean }>(`/v1/prices/unknown?${queryText(time)}`);
  const changes = useAllowed()('admin');
  const all = unknown.data?.models ?? [];
  const rows = [...(brief ? all.filter((one) => one.why !== 'no_usage') : all)].sort((a, b) => b.cost_unknown - a.cost_unknown);
  const silent = all.filter((one) => one.why === 'no_usage').reduce((sum, one) => sum + one.cost_unknown, 0);
  if (unknown.error) {
    return unknown.error.status === 403 ? null : <ErrorBox error={unknown.error} retry={unknown.reload} title="Whose cost is unknown could not be loaded" />;
  }
  if (!unknown.data || (brief && rows.length === 0 && silent === 0)) {
    return null;
  }
  const words = (word: string) => costGapWords.find((one) => one.word === word)?.doc ?? word;
  return (
    <section class={brief ? 'card callout' : 'setting'}>
      <header>
        <h2>{brief ? 'Cost unknown' : 'Steps of unknown cost'}</h2>
        <span class="beside-note">
          {rows.length > 0 && `${format.plural(rows.reduce((sum, one) => sum + one.cost_unknown, 0), 'step')} of ${format.plural(rows.length, 'model')}`}
          {brief && silent > 0 && `${rows.length > 0 ? '; ' : ''}${format.plural(silent, 'step')} reported no usage, or not all of it`}
          {!unknown.data.complete && ' (of the newest steps)'}
        </span>
        {all.length > 0 && (
          <Link to={stepsLink(range, UNKNOWN)} aria-label="Steps of unknown cost">
            Steps
          </Link>
        )}
      </header>
      {(!brief || rows.length > 0) && (
        <Table label="Models of unknown cost" head={['Model', 'Provider', ['Steps without cost'], ['Of'], ['Tokens'], 'Why', 'What to do']} empty="Of every step it is known what it cost." count={rows.length}>
          {rows.map((one) => (
            <tr key={`${one.provider_name} ${one.model}`}>
              <td>
                {one.model === null ? <span class="faint">not said</span> : (
                  <Link to={stepsLink(range, { ...UNKNOWN, model: one.model, ...(one.provider_name ? { provider_name: one.provider_name } : {}) })}>
                    <bdi>{one.model}</bdi>
                  </Link>
                )}
              </td>
              <td>{one.provider_name ? <bdi>{one.provider_name}</bdi> : <span class="faint">not said</span>}</td>
              <td class="n">{format.count(one.cost_unknown)}</td>
              <td class="n">{format.count(one.num_steps)}</td>
              <td class="n">{format.short(one.total_tokens)}</td>
              <td class="why">{words(one.why)}</td>
              <td>{todo(one, changes)}</td>
            </tr>
          ))}
        </Table>
      )}
    </section>
  );
}
