// SPDX-License-Identifier: Apache-2.0
// What narrows the list: the search, the range of time, the filters that are set, and a way to set any other that the
// list's own rows know. The last two are those of the list of runs as well.
import type { Param } from 'facts';
import { useEffect, useRef, useState } from 'preact/hooks';
import * as format from '../../format';
import { useKeys } from '../../keys';
import { nameOf, useNames, type Named } from '../../names';
import { useQuery, type Changes } from '../../route';
import { Icon, Labelled, Popover } from '../../ui';
import { LAST } from './state';

// ---- the search -----------------------------------------------------------------------------------------------------

const PAUSE_MS = 350;

export function Search() {
  const [query, change] = useQuery();
  const wanted = query.get('text') ?? '';
  const [text, setText] = useState(wanted);
  const at = useRef<HTMLInputElement>(null);
  const timer = useRef(0);
  const told = useRef(wanted);
  // What the address says is taken only where it did not come from here: what comes back is behind what is typed by now.
  useEffect(() => {
    if (wanted !== told.current) {
      clearTimeout(timer.current);
      told.current = wanted;
      setText(wanted);
    }
  }, [wanted]);
  useEffect(() => () => clearTimeout(timer.current), []);
  useKeys('Steps', [{ keys: '/', doc: 'Search', run: () => at.current?.select() }]);
  const tell = (value: string) => {
    told.current = value.trim();
    change({ text: told.current }, true);
  };
  const set = (value: string, now: boolean) => {
    setText(value);
    clearTimeout(timer.current);
    if (now) {
      tell(value);
    } else {
      timer.current = window.setTimeout(() => tell(value), PAUSE_MS);
    }
  };
  return (
    <div class="search">
      <Icon name="search" />
      <input
        ref={at}
        type="search"
        aria-label="Search previews and errors"
        placeholder="Search previews and errors"
        value={text}
        maxLength={500}
        onInput={(event) => set(event.currentTarget.value, false)}
        onKeyDown={(event) => {
          if (event.key === 'Enter') {
            set(event.currentTarget.value, true);
          } else if (event.key === 'Escape') {
            event.stopPropagation();
            event.currentTarget.blur();
          }
        }}
      />
      <kbd aria-hidden="true">/</kbd>
    </div>
  );
}

// ---- the range of time ----------------------------------------------------------------------------------------------

const local = (iso: string | null) => {
  const at = iso ? new Date(iso) : null;
  return at && !Number.isNaN(at.getTime()) ? new Date(at.getTime() - at.getTimezoneOffset() * 60000).toISOString().slice(0, 19) : '';
};

export function timeLabel(query: URLSearchParams): string {
  const last = LAST.find(([word]) => word === query.get('last'));
  const since = query.get('since') ?? query.get('start_date');
  const until = query.get('until') ?? query.get('end_date');
  if (last) {
    return `Last ${last[1]}`;
  }
  if (!since && !until) {
    return 'All time';
  }
  return `${since ? format.timeShort(since) : 'Begin'} – ${until ? format.timeShort(until) : 'now'}`;
}

export function TimeRange() {
  const [query, change] = useQuery();
  const none = { last: null, since: null, until: null, start_date: null, end_date: null };
  const [since, setSince] = useState('');
  const [until, setUntil] = useState('');
  const shown = query.toString();
  useEffect(() => {
    setSince(local(query.get('since')));
    setUntil(local(query.get('until')));
  }, [shown]);
  const iso = (text: string) => (text ? new Date(text).toISOString() : null);
  const widen = () => {
    const from = Date.parse(query.get('since') ?? '');
    const to = Date.parse(query.get('until') ?? '') || Date.now();
    if (from < to) {
      change({ ...none, since: new Date(from - (to - from) / 2).toISOString(), until: new Date(to + (to - from) / 2).toISOString() });
    }
  };
  return (
    <Popover label="Range of time" icon="chart" text={timeLabel(query)}>
      {(close) => (
        <>
          {[['', 'All time'] as const, ...LAST.map(([word, text]) => [word, `Last ${text}`] as const)].map(([word, text]) => (
            <button class="menu-item" key={word} onClick={() => (change({ ...none, last: word }), close())}>
              {text}
            </button>
          ))}
          {query.has('since') && (
            <button class="menu-item" onClick={() => (widen(), close())}>
              Twice as wide
            </button>
          )}
          <form
            class="inset"
            onSubmit={(event) => {
              event.preventDefault();
              change({ ...none, since: iso(since), until: iso(until) });
              close();
            }}
          >
            <Labelled label={`From (${format.zone()})`}>
              <input type="datetime-local" step="1" value={since} onInput={(event) => setSince(event.currentTarget.value)} />
            </Labelled>
            <Labelled label={`To (${format.zone()})`}>
              <input type="datetime-local" step="1" value={until} onInput={(event) => setUntil(event.currentTarget.value)} />
            </Labelled>
            <button class="primary" type="submit" disabled={Boolean(since && until && since >= until)}>
              Show
            </button>
          </form>
        </>
      )}
    </Popover>
  );
}

// ---- any filter -----------------------------------------------------------------------------------------------------

function ValueField({ param, value, onInput }: { param: Param; value: string; onInput(value: string): void }) {
  const words = param.kind === 'bool' ? ['true', 'false'] : param.words?.map(({ word }) => word);
  if (words) {
    return (
      <select value={value} onChange={(event) => onInput(event.currentTarget.value)}>
        <option value="">Choose…</option>
        {words.map((word) => (
          <option key={word}>{word}</option>
        ))}
      </select>
    );
  }
  return <input type={param.kind === 'int' ? 'number' : 'text'} min={param.kind === 'int' ? 0 : undefined} value={value} onInput={(event) => onInput(event.currentTarget.value)} />;
}

export function AddFilter({ params }: { params: readonly Param[] }) {
  const [query, change] = useQuery();
  const [name, setName] = useState(params[0]!.name);
  const [value, setValue] = useState('');
  const param = params.find((one) => one.name === name)!;
  const add = (close: () => void) => {
    const before = param.repeats ? query.getAll(name).filter((one) => one !== value.trim()) : [];
    change({ [name]: [...before, value.trim()] });
    setValue('');
    close();
  };
  return (
    <Popover label="Add a filter" icon="filter" text="Filter" align="right">
      {(close) => (
        <form class="inset" onSubmit={(event) => (event.preventDefault(), add(close))}>
          <Labelled label="By">
            <select value={name} onChange={(event) => (setName(event.currentTarget.value), setValue(''))}>
              {params.map((one) => (
                <option key={one.name} value={one.name}>
                  {one.name}
                </option>
              ))}
            </select>
          </Labelled>
          <Labelled label="Value" hint={param.doc}>
            <ValueField param={param} value={value} onInput={setValue} />
          </Labelled>
          <button class="primary" type="submit" disabled={value.trim() === ''}>
            Add
          </button>
        </form>
      )}
    </Popover>
  );
}

const NAMED: Record<string, Named> = { agent_id: 'agent', project_id: 'project', provider_id: 'provider', conversation_id: 'conversation' };

// Those that are set; `any`: there are some, perhaps others than these, and `none` takes all of them away.
export function Chips({ params, any, none }: { params: readonly Param[]; any: boolean; none: Changes }) {
  const [query, change] = useQuery();
  useNames();
  const set = params.filter((param) => query.has(param.name));
  const remove = (name: string, value: string) => change({ [name]: query.getAll(name).filter((one) => one !== value) });
  if (!any) {
    return null;
  }
  return (
    <div class="chips" role="group" aria-label="Filters">
      {set.flatMap((param) =>
        query.getAll(param.name).map((value) => (
          <span class="pill accent" key={`${param.name}=${value}`} title={param.doc}>
            {param.name}: <bdi>{NAMED[param.name] ? nameOf(NAMED[param.name]!, value) : format.line(value, 60)}</bdi>
            <button class="icon" aria-label={`Remove the filter ${param.name} ${format.line(value, 60)}`} onClick={() => remove(param.name, value)}>
              <Icon name="cross" />
            </button>
          </span>
        )),
      )}
      <button class="link" onClick={() => change(none)}>
        Clear all
      </button>
    </div>
  );
}
