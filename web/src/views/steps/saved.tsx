// SPDX-License-Identifier: Apache-2.0
// Saved views: what the address says, under a name, for everybody of the organization.
import type { SavedView } from 'facts';
import { useState } from 'preact/hooks';
import { api, asError, useApi } from '../../api';
import { go, useRoute } from '../../route';
import { toast } from '../../toast';
import { ErrorBox, Icon, Labelled, Loading, Popover } from '../../ui';

const PATH = '/v1/views/';
const MOST = 200;

// The query of an address as the value that is kept, and back.
function kept(query: URLSearchParams, page: string) {
  return { page, ...Object.fromEntries([...new Set(query.keys())].map((name) => [name, query.getAll(name)])) };
}

function addressOf(view: SavedView, page: string): string | null {
  const query = view.query && typeof view.query === 'object' && !Array.isArray(view.query) ? view.query : {};
  if (query.page !== page) {
    return null;
  }
  const text = new URLSearchParams(Object.entries(query).flatMap(([name, values]) => (Array.isArray(values) ? values.map((value): [string, string] => [name, String(value)]) : []))).toString();
  return text ? `/${page}?${text}` : `/${page}`;
}

function Views({ close, page }: { close(): void; page: string }) {
  const { query } = useRoute();
  const views = useApi<SavedView[]>(`${PATH}?limit=${MOST}&order=asc`);
  const [name, setName] = useState('');
  const [wrong, setWrong] = useState('');
  const mine = (views.data ?? []).map((view) => ({ view, to: addressOf(view, page) })).filter((one): one is { view: SavedView; to: string } => one.to !== null);

  const save = async () => {
    try {
      await api(PATH, { method: 'POST', body: { name: name.trim(), query: kept(query, page) } });
      toast(`Saved as “${name.trim()}”`);
      close();
    } catch (error) {
      setWrong(asError(error).message);
    }
  };
  const remove = async (view: SavedView) => {
    try {
      await api(`${PATH}${view.id}`, { method: 'DELETE' });
      views.reload();
    } catch (error) {
      toast(asError(error).message, { bad: true });
    }
  };
  return (
    <>
      {views.error && <ErrorBox error={views.error} retry={views.reload} />}
      {!views.data && views.loading && <Loading />}
      {mine.map(({ view, to }) => (
        <div class="view-row" key={view.id}>
          <button class="menu-item" onClick={() => (go(to), close())}>
            <bdi>{view.name}</bdi>
          </button>
          <button class="icon" aria-label={`Delete the view ${view.name}`} onClick={() => void remove(view)}>
            <Icon name="cross" />
          </button>
        </div>
      ))}
      {views.data && mine.length === 0 && <p class="faint inset">No view is saved yet.</p>}
      <form class="inset" onSubmit={(event) => (event.preventDefault(), void save())}>
        <Labelled label="Save what is shown as" error={wrong || undefined}>
          <input type="text" value={name} maxLength={200} onInput={(event) => (setName(event.currentTarget.value), setWrong(''))} />
        </Labelled>
        <button class="primary" type="submit" disabled={name.trim() === ''}>
          Save
        </button>
      </form>
    </>
  );
}

export const SavedViews = ({ page }: { page: string }) => (
  <Popover label="Saved views" icon="star" text="Views" align="right">
    {(close) => <Views close={close} page={page} />}
  </Popover>
);
