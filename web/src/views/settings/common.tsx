// SPDX-License-Identifier: Apache-2.0
// What the parts of the settings share: lists that go on when asked, forms and confirmations that show what the server
// says, and a sentence where a key may not look.
import type { ComponentChildren } from 'preact';
import { useCallback, useEffect, useRef, useState } from 'preact/hooks';
import { api, ApiError, asError, list } from '../../api';
import { may, useSession } from '../../session';
import { toast } from '../../toast';
import { Dialog, ErrorBox, Icon, Loading } from '../../ui';

// ---- lists ------------------------------------------------------------------------------------------------------------

export interface Listed<T> {
  rows: T[] | undefined;
  error: ApiError | undefined;
  loading: boolean;
  more: boolean; // there may be more
  next(): void;
  reload(): void;
}

const PAGE = 100;

export function useList<T extends { id: string }>(path: string | null): Listed<T> {
  const [state, setState] = useState<{ rows?: T[]; error?: ApiError; loading: boolean; more: boolean; path?: string | null }>({ loading: path !== null, more: false });
  const turn = useRef(0);
  const load = useCallback(
    (before: T[], after: string | null) => {
      if (path === null) {
        return;
      }
      const mine = ++turn.current;
      setState((old) => ({ ...old, loading: true }));
      list<T>(path, { query: { limit: PAGE, after } }).then(
        (page) => {
          if (mine === turn.current) {
            setState({ rows: [...before, ...page.rows], loading: false, more: page.rows.length === PAGE || page.resume !== null, path });
          }
        },
        (error) => mine === turn.current && setState((old) => ({ ...old, error: asError(error), loading: false, path })),
      );
    },
    [path],
  );
  useEffect(() => {
    load([], null);
    return () => void turn.current++;
  }, [load]);
  const rows = state.path === path ? state.rows : undefined;
  return {
    rows,
    error: state.path === path ? state.error : undefined,
    loading: state.loading,
    more: state.more,
    next: () => load(rows ?? [], rows?.at(-1)?.id ?? null),
    reload: () => load([], null),
  };
}

// ---- what may be seen ---------------------------------------------------------------------------------------------------

// What something needs: a scope of the key, or that it is one of whoever runs the installation.
export type Need = 'read' | 'write' | 'admin' | 'operator';
const NEEDS: Record<Need, string> = {
  read: 'the scope “read”',
  write: 'the scope “write”',
  admin: 'the scope “admin”, and no project that it is limited to',
  operator: 'the scope “admin” of the default organization',
};

export function useAllowed(): (need: Need) => boolean {
  const who = useSession();
  return (need) => (need === 'operator' ? Boolean(who?.operator) : may(who, need) && !(need === 'admin' && who?.project_id));
}

const Refused = ({ what, need, error }: { what: string; need: Need; error: Error | undefined }) => (
  <p class="refused">
    {what} are for keys with {NEEDS[need]}; yours is none. {error && <bdi>{error.message.replace(/\.?$/, '.')}</bdi>} Sign in with such a key, or ask who runs this server.
  </p>
);

interface PartProps {
  title: string;
  what: string; // what a refusal speaks of, several: "Keys"
  need: Need;
  doc?: ComponentChildren;
  actions?: ComponentChildren;
  asked: { error: ApiError | undefined; loading: boolean; reload(): void };
  there: boolean; // something was answered
  children: ComponentChildren;
}

export function Part({ title, what, need, doc, actions, asked, there, children }: PartProps) {
  const allowed = useAllowed();
  const refused = !allowed(need) || asked.error?.status === 403;
  return (
    <section class="setting">
      <header>
        <div>
          <h2>{title}</h2>
          {doc && <p class="soft">{doc}</p>}
        </div>
        {!refused && <div class="actions">{actions}</div>}
      </header>
      {refused ? <Refused what={what} need={need} error={asked.error} /> : asked.error && !there ? <ErrorBox error={asked.error} retry={asked.reload} /> : !there ? <Loading /> : children}
    </section>
  );
}

interface TableProps {
  label: string;
  head: (string | [string])[]; // a list of one: numbers, which stand right
  empty: ComponentChildren;
  count: number;
  listed?: Listed<{ id: string }>;
  children: ComponentChildren;
}

export const Table = ({ label, head, empty, count, listed, children }: TableProps) =>
  count === 0 ? (
    <p class="faint none">{empty}</p>
  ) : (
    <div class="card">
      <div class="sideways" tabIndex={0} role="region" aria-label={label}>
        <table>
          <thead>
            <tr>
              {head.map((one) =>
                typeof one === 'string' ? <th key={one}>{one || <span class="unseen">What can be done</span>}</th> : <th key={one[0]} class="n">{one[0]}</th>,
              )}
            </tr>
          </thead>
          <tbody>{children}</tbody>
        </table>
      </div>
      {listed?.more && (
        <p class="aside">
          <button disabled={listed.loading} onClick={() => listed.next()}>
            <Icon name="down" /> Show more
          </button>
        </p>
      )}
    </div>
  );

// ---- forms --------------------------------------------------------------------------------------------------------------

interface FormProps {
  title: string;
  submit: string;
  danger?: boolean;
  wide?: boolean;
  onClose(): void;
  run(): Promise<unknown>; // closes when it went well
  children(errors: Record<string, string>): ComponentChildren;
}

// A dialog with fields; what the server says of a field stands at it, the rest above the buttons.
export function Form({ title, submit, danger = false, wide = false, onClose, run, children }: FormProps) {
  const [error, setError] = useState<ApiError>();
  const [busy, setBusy] = useState(false);
  const send = (event: Event) => {
    event.preventDefault();
    setBusy(true);
    setError(undefined);
    run().then(onClose, (failure) => {
      setError(asError(failure));
      setBusy(false);
    });
  };
  return (
    <Dialog title={title} onClose={onClose} wide={wide}>
      <form class="form" onSubmit={send}>
        {children(error?.fields ?? {})}
        {error && <ErrorBox error={error} title="This was not done" />}
        <footer>
          <button type="button" onClick={onClose}>
            Cancel
          </button>
          <button type="submit" class={danger ? 'danger' : 'primary'} disabled={busy}>
            {submit}
          </button>
        </footer>
      </form>
    </Dialog>
  );
}

export const Confirm = ({ title, submit, onClose, run, children }: { title: string; submit: string; onClose(): void; run(): Promise<unknown>; children: ComponentChildren }) => (
  <Form title={title} submit={submit} danger onClose={onClose} run={run}>
    {() => children}
  </Form>
);

// Asks, deletes, and says so.
export const Delete = ({ what, path, onClose, done, children }: { what: string; path: string; onClose(): void; done(): void; children: ComponentChildren }) => (
  <Confirm
    title={`Delete this ${what}?`}
    submit="Delete"
    onClose={onClose}
    run={async () => {
      await api(path, { method: 'DELETE' });
      toast(`The ${what} is deleted`);
      done();
    }}
  >
    <p>{children}</p>
  </Confirm>
);

// "2026-11-23T10:00" of this machine's zone, as the API takes it; '' is null.
export const timeOf = (local: string): string | null => (local ? new Date(local).toISOString() : null);
export function localOf(time: string | null): string {
  if (!time) {
    return '';
  }
  const at = new Date(time);
  return new Date(at.getTime() - at.getTimezoneOffset() * 60000).toISOString().slice(0, 16);
}
