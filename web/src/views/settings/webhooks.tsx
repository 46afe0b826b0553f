// SPDX-License-Identifier: Apache-2.0
// Webhooks: who is told of what happens. Each leads to its deliveries.
import { eventWords, type Delivery, type Subscription } from 'facts';
import { useState } from 'preact/hooks';
import { api } from '../../api';
import * as format from '../../format';
import { useNames } from '../../names';
import { useQuery } from '../../route';
import { toast } from '../../toast';
import { Labelled, Link, OutLink, Status, Time } from '../../ui';
import { nameOrText } from '../overview/parts';
import { Delete, Form, Part, Table, useAllowed, useList } from './common';
import { Deliveries } from './deliveries';

function Edit({ subscription, onClose, done }: { subscription: Subscription | null; onClose(): void; done(): void }) {
  const [name, setName] = useState(subscription?.name ?? '');
  const [url, setUrl] = useState(subscription?.url ?? '');
  const [events, setEvents] = useState<string[]>(subscription?.events ?? []);
  const [project, setProject] = useState(subscription?.project_id ?? '');
  const [secret, setSecret] = useState('');
  const [active, setActive] = useState(subscription?.is_active ?? true);
  const run = async () => {
    const body = { name: name || null, url, events, project_id: project || null, is_active: active, ...(secret ? { secret } : {}) };
    await (subscription ? api(`/v1/subscriptions/${subscription.id}`, { method: 'PATCH', body }) : api('/v1/subscriptions/', { method: 'POST', body }));
    done();
  };
  const turn = (word: string, on: boolean) => setEvents(on ? [...events, word] : events.filter((one) => one !== word));
  return (
    <Form title={subscription ? 'Change the webhook' : 'New webhook'} submit={subscription ? 'Save' : 'Create'} onClose={onClose} run={run}>
      {(errors) => (
        <>
          <Labelled label="Where deliveries go" hint="An http or https address; private addresses only if the server allows them." error={errors.url}>
            <input type="url" required autoFocus placeholder="https://example.com/hook" value={url} onInput={(event) => setUrl(event.currentTarget.value)} />
          </Labelled>
          <Labelled label="What it is for" error={errors.name}>
            <input type="text" value={name} onInput={(event) => setName(event.currentTarget.value)} />
          </Labelled>
          <fieldset>
            <legend>Told of (none chosen: of all)</legend>
            <div class="two">
              {eventWords.filter(({ word }) => word !== 'test').map(({ word, doc }) => (
                <label class="check" key={word} title={doc}>
                  <input type="checkbox" checked={events.includes(word)} onChange={(event) => turn(word, event.currentTarget.checked)} />
                  <span>{word}</span>
                </label>
              ))}
            </div>
            {errors.events && <small role="alert">{errors.events}</small>}
          </fieldset>
          <Labelled label="Only this project" hint="A project’s id; empty: all." error={errors.project_id}>
            <input type="text" value={project} onInput={(event) => setProject(event.currentTarget.value)} />
          </Labelled>
          <Labelled label="Secret" hint={subscription ? 'Empty: it stays what it is. It signs what is sent, and is never shown.' : 'Signs what is sent, so that the listener can tell it from others; it is never shown again.'} error={errors.secret}>
            <input type="password" autocomplete="new-password" value={secret} onInput={(event) => setSecret(event.currentTarget.value)} />
          </Labelled>
          <label class="check">
            <input type="checkbox" checked={active} onChange={(event) => setActive(event.currentTarget.checked)} />
            <span>
              Deliver
              <small>Off: what is due waits.</small>
            </span>
          </label>
        </>
      )}
    </Form>
  );
}

function Events({ words }: { words: string[] }) {
  return words.length === 0 ? <>all</> : <span title={words.join(', ')}>{words.length > 3 ? `${words.slice(0, 2).join(', ')} + ${words.length - 2}` : words.join(', ')}</span>;
}

export function Webhooks() {
  const allowed = useAllowed();
  const subscriptions = useList<Subscription>(allowed('admin') ? '/v1/subscriptions/' : null);
  const [query, change] = useQuery();
  const [edited, setEdited] = useState<Subscription | null>();
  const [doomed, setDoomed] = useState<Subscription>();
  const [turn, setTurn] = useState(0);
  useNames();
  const rows = subscriptions.rows ?? [];
  const chosen = query.get('subscription');
  const test = async (one: Subscription) => {
    try {
      const delivery = await api<Delivery>(`/v1/subscriptions/${one.id}/test`, { method: 'POST' });
      setTurn(turn + 1);
      change({ subscription: one.id, delivery: delivery.id });
    } catch (error) {
      toast(`The test was not sent: ${(error as Error).message}`, { bad: true });
    }
  };
  return (
    <>
      <Part
        title="Webhooks"
        what="Webhooks"
        need="admin"
        doc="What happens is sent as JSON, signed, at least once, again and again for a day until the listener takes it."
        actions={
          <button class="primary" onClick={() => setEdited(null)}>
            New webhook
          </button>
        }
        asked={subscriptions}
        there={subscriptions.rows !== undefined}
      >
        <Table label="Webhooks" head={['To', 'For', 'Stands', 'Told of', 'Project', 'Created', '']} empty="Nobody is told of anything yet." count={rows.length} listed={subscriptions}>
          {rows.map((one) => (
            <tr key={one.id} class={one.id === chosen ? 'chosen' : ''}>
              <td>
                <OutLink href={one.url} />
              </td>
              <td>{one.name ? <bdi>{one.name}</bdi> : format.NOTHING}</td>
              <td>
                <Status word={one.is_active ? 'active' : 'stopped'} />
              </td>
              <td>
                <Events words={one.events} />
              </td>
              <td>{one.project_id ? <bdi>{nameOrText('project', one.project_id)}</bdi> : 'all'}</td>
              <td>
                <Time at={one.created_at} />
              </td>
              <td class="do">
                <Link class="button" to={`/settings/webhooks?subscription=${one.id}`}>
                  Deliveries
                </Link>{' '}
                <button onClick={() => void test(one)}>Test</button> <button onClick={() => setEdited(one)}>Change</button> <button onClick={() => setDoomed(one)}>Delete</button>
              </td>
            </tr>
          ))}
        </Table>
        {edited !== undefined && <Edit subscription={edited} onClose={() => setEdited(undefined)} done={subscriptions.reload} />}
        {doomed && (
          <Delete
            what="webhook"
            path={`/v1/subscriptions/${doomed.id}`}
            onClose={() => setDoomed(undefined)}
            done={() => {
              change({ subscription: null, delivery: null });
              subscriptions.reload();
            }}
          >
            <bdi>{doomed.url}</bdi> is told of nothing any more; its deliveries go too.
          </Delete>
        )}
      </Part>
      {allowed('admin') && <Deliveries key={`${chosen} ${turn}`} webhook={rows.find((one) => one.id === chosen)} />}
    </>
  );
}
