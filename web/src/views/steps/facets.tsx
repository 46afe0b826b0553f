// SPDX-License-Identifier: Apache-2.0
// The values by which the list could be narrowed, with counts. A facet that something is chosen of is counted without that
// choice, so that the other values can still be seen.
import { facetWords } from 'facts';
import { useEffect, useState } from 'preact/hooks';
import { api, asError, type ApiError } from '../../api';
import * as format from '../../format';
import { nameOf, useNames, type Named } from '../../names';
import { useQuery } from '../../route';
import { ErrorBox, Icon, Status } from '../../ui';
import { apiQuery, params, titleOf } from './state';

interface Value {
  value: string | null;
  count: number;
  approximate: boolean;
}
type Facets = Record<string, Value[]>;
interface Report {
  facets: Facets;
  approximate: boolean;
  looked: number;
}

const SHOWN = 6;
const NAMED: Record<string, Named> = { agent_id: 'agent', project_id: 'project' };

async function load(query: URLSearchParams, now: number, signal: AbortSignal): Promise<Report> {
  const ask = (text: string) => api<Report>(`/v1/steps/facets?${text}`, { query: { values: 50 }, signal });
  const chosen = facetWords.map(({ word }) => word).filter((word) => query.has(word));
  const [all, ...others] = await Promise.all([ask(apiQuery(query, now)), ...chosen.map((word) => ask(apiQuery(query, now, word)))]);
  chosen.forEach((word, i) => (all!.facets[word] = others[i]!.facets[word] ?? []));
  return all!;
}

function FacetValue({ name, one, chosen, onToggle }: { name: string; one: Value; chosen: boolean; onToggle(): void }) {
  const shown = one.value === null ? 'none' : NAMED[name] ? nameOf(NAMED[name]!, one.value) : one.value;
  const count = (
    <span class="num" title={one.approximate ? 'of the newest steps only' : undefined}>
      {one.approximate ? '≥ ' : ''}
      {format.short(one.count)}
    </span>
  );
  if (one.value === null) {
    return (
      <div class="value off">
        <span class="faint">none</span>
        {count}
      </div>
    );
  }
  return (
    <label class="value" title={one.value}>
      <input type="checkbox" checked={chosen} onChange={onToggle} />
      {name === 'status' ? <Status word={shown} /> : <bdi>{format.line(shown, 80)}</bdi>}
      {count}
    </label>
  );
}

function Facet({ name, values }: { name: string; values: Value[] }) {
  const [query, change] = useQuery();
  const [whole, setWhole] = useState(false);
  const [open, setOpen] = useState(true);
  const chosen = query.getAll(name);
  const missing = chosen.filter((value) => !values.some((one) => one.value === value)).map((value): Value => ({ value, count: 0, approximate: false }));
  const all = [...missing, ...values];
  const toggle = (value: string) => {
    const next = chosen.includes(value) ? chosen.filter((one) => one !== value) : params.get(name)?.repeats ? [...chosen, value] : [value];
    change({ [name]: next });
  };
  const shown = whole ? all : all.slice(0, SHOWN);
  return (
    <fieldset class="facet">
      <legend>
        <button class="link" aria-expanded={open} onClick={() => setOpen(!open)}>
          <Icon name={open ? 'down' : 'right'} />
          {titleOf(name)}
          {chosen.length > 0 && <span class="pill accent">{chosen.length}</span>}
        </button>
      </legend>
      {open && shown.map((one) => <FacetValue key={one.value ?? ''} name={name} one={one} chosen={one.value !== null && chosen.includes(one.value)} onToggle={() => toggle(one.value!)} />)}
      {open && all.length > SHOWN && (
        <button class="link more" onClick={() => setWhole(!whole)}>
          {whole ? 'fewer' : `${all.length - SHOWN} more`}
        </button>
      )}
    </fieldset>
  );
}

export function FacetBar({ now, turn }: { now: number; turn: number }) {
  const [query] = useQuery();
  const [report, setReport] = useState<Report>();
  const [error, setError] = useState<ApiError>();
  const [again, setAgain] = useState(0);
  useNames();
  const asked = apiQuery(query, now);
  useEffect(() => {
    const stop = new AbortController();
    load(query, now, stop.signal).then(
      (next) => stop.signal.aborted || (setReport(next), setError(undefined)),
      (reason) => stop.signal.aborted || setError(asError(reason)),
    );
    return () => stop.abort();
  }, [asked, turn, again]);
  if (error) {
    return <ErrorBox title="The values could not be counted" error={error} retry={() => setAgain(again + 1)} />;
  }
  const filled = facetWords.filter(({ word }) => query.has(word) || report?.facets[word]?.some((one) => one.value !== null));
  return (
    <>
      {filled.map(({ word }) => (
        <Facet key={word} name={word} values={report?.facets[word] ?? []} />
      ))}
      {report?.approximate && <p class="faint note">Counts with ≥ are of the newest {format.count(report.looked)} steps.</p>}
    </>
  );
}
