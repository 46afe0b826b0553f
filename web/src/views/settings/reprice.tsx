// SPDX-License-Identifier: Apache-2.0
// Computing costs again from the prices as they are now: first what would change, then, with a reason, for good. The server
// takes some thousand steps a call and says where the next one goes on.
import { useRef, useState } from 'preact/hooks';
import { api, asError, queryText, type ApiError } from '../../api';
import * as format from '../../format';
import { Dialog, ErrorBox, Labelled, Particulars } from '../../ui';
import { timeOf } from './common';

interface Repricing {
  num_steps: number;
  given_by_caller: number;
  changed: number;
  found: number;
  lost: number;
  cost_unknown: number;
  before_nano_usd: number;
  after_nano_usd: number;
  next: string | null;
}

const SUMS = ['num_steps', 'given_by_caller', 'changed', 'found', 'lost', 'cost_unknown', 'before_nano_usd', 'after_nano_usd'] as const;

export function Reprice({ onClose, done }: { onClose(): void; done(): void }) {
  const [from, setFrom] = useState('');
  const [to, setTo] = useState('');
  const [reason, setReason] = useState('');
  const [sums, setSums] = useState<Repricing>();
  const [stage, setStage] = useState<'asked' | 'looking' | 'looked' | 'writing' | 'written'>('asked');
  const [error, setError] = useState<ApiError>();
  const stopped = useRef(false);
  const busy = stage === 'looking' || stage === 'writing';

  const run = async (dry: boolean) => {
    stopped.current = false;
    setError(undefined);
    setStage(dry ? 'looking' : 'writing');
    let all: Repricing | undefined;
    try {
      for (let next: string | null = ''; next !== null && !stopped.current; next = all.next) {
        const query = queryText({ from: timeOf(from), to: timeOf(to), dry_run: dry, reason: dry ? null : reason, next });
        const one: Repricing = await api<Repricing>(`/v1/prices/reprice?${query}`, { method: 'POST' });
        const before: Repricing | undefined = all;
        all = { ...one };
        for (const name of SUMS) {
          all[name] += before?.[name] ?? 0;
        }
        setSums(all);
      }
      setStage(dry ? 'looked' : 'written');
      if (!dry) {
        done();
      }
    } catch (failure) {
      setError(asError(failure));
      setStage(dry ? 'asked' : 'looked');
    }
  };
  const close = () => {
    stopped.current = true;
    onClose();
  };
  const changed = (set: (text: string) => void) => (event: { currentTarget: HTMLInputElement }) => {
    set(event.currentTarget.value);
    setStage('asked');
    setSums(undefined);
  };
  const verb = stage === 'written' || stage === 'writing' ? '' : 'would ';
  return (
    <Dialog title="Compute costs again" onClose={close}>
      <p class="soft">From the prices as they are now. What a caller said a step cost stays as it was said. Empty times: all steps.</p>
      <div class="two">
        <Labelled label="Steps that began from" error={error?.fields.from}>
          <input type="datetime-local" value={from} disabled={busy} onInput={changed(setFrom)} />
        </Labelled>
        <Labelled label="and before" error={error?.fields.to}>
          <input type="datetime-local" value={to} disabled={busy} onInput={changed(setTo)} />
        </Labelled>
      </div>
      {sums && (
        <div role="status">
          <Particulars
            facts={[
              ['Steps looked at', format.count(sums.num_steps)],
              [`${verb}change`, format.count(sums.changed)],
              ['had no cost and get one', format.count(sums.found)],
              ['had one and lose it', format.count(sums.lost)],
              ['still without cost', format.count(sums.cost_unknown)],
              ['said by callers', format.count(sums.given_by_caller)],
              ['Sum before', format.money(sums.before_nano_usd)],
              ['Sum after', format.money(sums.after_nano_usd)],
            ]}
          />
        </div>
      )}
      {(stage === 'looked' || stage === 'writing') && (
        <Labelled label="Why" hint="The journal keeps it with each step that changes." error={error?.fields.reason}>
          <input type="text" value={reason} disabled={busy} onInput={(event) => setReason(event.currentTarget.value)} />
        </Labelled>
      )}
      {stage === 'written' && <p role="status">{stopped.current ? 'Stopped. What was done stays done.' : 'Done.'}</p>}
      {error && <ErrorBox error={error} title="It did not go on" />}
      <footer>
        <button onClick={close}>{stage === 'written' ? 'Close' : 'Cancel'}</button>
        {stage === 'looked' || stage === 'writing' ? (
          <button class="primary" disabled={busy || reason.trim() === '' || sums?.changed === 0} onClick={() => void run(false)}>
            {stage === 'writing' ? 'Writing…' : `Reprice ${format.plural(sums?.changed ?? 0, 'step')}`}
          </button>
        ) : stage !== 'written' ? (
          <button class="primary" disabled={busy} onClick={() => void run(true)}>
            {busy ? 'Looking…' : 'See what would change'}
          </button>
        ) : null}
      </footer>
    </Dialog>
  );
}
