// SPDX-License-Identifier: Apache-2.0
// Who is looking. A server without keys asks nobody; another one is shown a key once, and from then on a cookie that this
// page cannot read. Whenever the server says that nobody is let in, the page asks for a key, and goes on where it was.
import type { ComponentChildren } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { api, asError, signedOut, type ApiError } from './api';
import icon from './icon.svg';
import { makeStore, useStore } from './store';
import { ErrorBox, Labelled, Loading } from './ui';

export interface Session {
  open: boolean;
  organization_id: string;
  organization_name: string | null;
  project_id: string | null;
  user_id: string | null;
  user_name: string | null;
  key_id: string | null;
  scopes: string[];
  operator: boolean;
  expires_at: string | null;
}

const PATH = '/v1/session';
type State = { who: Session } | { error: ApiError } | 'unknown' | 'nobody';
const state = makeStore<State>('unknown');

// undefined: nobody is let in yet.
export function useSession(): Session | undefined {
  const at = useStore(state);
  return typeof at === 'object' && 'who' in at ? at.who : undefined;
}

// Whether who is looking may do what needs that scope.
export const may = (session: Session | undefined, scope: string) => Boolean(session && (session.scopes.includes('admin') || session.scopes.includes(scope)));

export async function findSession(): Promise<void> {
  try {
    state.set({ who: await api<Session>(PATH) });
  } catch (error) {
    const why = asError(error);
    state.set(why.status === 401 ? 'nobody' : { error: why });
  }
}

export async function endSession(): Promise<void> {
  await api(PATH, { method: 'DELETE' });
  state.set('nobody');
}

const said = (error: ApiError) => (error.status === 401 ? 'This key is unknown, revoked or expired.' : error.message);

function Login() {
  const [key, setKey] = useState('');
  const [wrong, setWrong] = useState('');
  const [busy, setBusy] = useState(false);
  const begin = async () => {
    setBusy(true);
    try {
      state.set({ who: await api<Session>(PATH, { method: 'POST', body: { key: key.trim() } }) });
    } catch (error) {
      setWrong(said(asError(error)));
      setBusy(false);
    }
  };
  return (
    <main class="login">
      <form class="card" onSubmit={(event) => (event.preventDefault(), void begin())}>
        <h1>
          <img src={icon} alt="" width="22" height="22" /> Stepwell
        </h1>
        <Labelled label="Key" error={wrong || undefined}>
          <input type="password" name="key" autoComplete="current-password" autoFocus required spellcheck={false} placeholder="sw_…" value={key} onInput={(event) => (setKey(event.currentTarget.value), setWrong(''))} />
        </Labelled>
        <button class="primary" type="submit" disabled={busy || key.trim() === ''}>
          {busy ? 'Looking…' : 'Sign in'}
        </button>
        <p class="faint">
          A key that may read. <code>stepwell keys create</code> makes one, and shows it once. It is sent to this server only, and this browser keeps a session of seven days in place of it.
        </p>
      </form>
    </main>
  );
}

// What is inside is drawn once somebody is let in, and anew for whoever signs in next.
export function LetIn({ children }: { children: (who: Session) => ComponentChildren }) {
  const at = useStore(state);
  useEffect(() => {
    return signedOut.subscribe(() => state.get() !== 'nobody' && state.set('nobody'));
  }, []);
  if (at === 'unknown') {
    return <Loading />;
  }
  if (at === 'nobody') {
    return <Login />;
  }
  return 'error' in at ? <ErrorBox title="The server does not say who you are" error={at.error} retry={() => void findSession()} /> : <>{children(at.who)}</>;
}
