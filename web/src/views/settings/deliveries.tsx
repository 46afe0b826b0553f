// SPDX-License-Identifier: Apache-2.0
// Deliveries of webhooks and of runs' callbacks: what was or is to be told, every attempt at it, and once more on demand.
import { deliveryStateWords, eventWords, type Delivery, type DeliveryAttempt, type Subscription } from 'facts';
import { useEffect, useState } from 'preact/hooks';
import { api, queryText, useApi } from '../../api';
import * as format from '../../format';
import { useQuery } from '../../route';
import { toast } from '../../toast';
import { Dialog, ErrorBox, Icon, Id, Link, Loading, OutLink, Particulars, Status, Time } from '../../ui';
import { Part, Table, useList } from './common';

const LOOK_AGAIN_MS = 2000;

// The page of what it is about.
function About({ delivery }: { delivery: Delivery }) {
  const id = delivery.record_id;
  if (!id) {
    return <span class="faint">{format.NOTHING}</span>;
  }
  return <Id id={id} to={id.startsWith('step-') ? `/steps/${id}` : /^(run|job)-/.test(id) ? `/runs/${id}` : undefined} short />;
}

function Attempts({ delivery }: { delivery: Delivery }) {
  const attempts = useApi<DeliveryAttempt[]>(`/v1/deliveries/${delivery.id}/attempts?order=asc&limit=1000`);
  if (attempts.error) {
    return <ErrorBox error={attempts.error} retry={attempts.reload} />;
  }
  if (!attempts.data) {
    return <Loading />;
  }
  return (
    <Table label="Attempts" head={['No.', 'When', 'Answered', 'Took', 'Why it failed']} empty="It was not attempted yet." count={attempts.data.length}>
      {attempts.data.map((one) => (
        <tr key={one.id}>
          <td>{one.number}</td>
          <td>
            <Time at={one.created_at} whole />
          </td>
          <td>{one.status_code ?? format.NOTHING}</td>
          <td>{format.duration(one.duration_ns)}</td>
          <td>{one.error ? <bdi>{one.error}</bdi> : <span class="faint">{format.NOTHING}</span>}</td>
        </tr>
      ))}
    </Table>
  );
}

// Looks again while it is under way.
function One({ id, onClose, done }: { id: string; onClose(): void; done(): void }) {
  const { data, error, reload } = useApi<Delivery>(`/v1/deliveries/${encodeURIComponent(id)}`);
  const [busy, setBusy] = useState(false);
  useEffect(() => {
    const timer = data?.state === 'pending' ? setInterval(reload, LOOK_AGAIN_MS) : 0;
    return () => clearInterval(timer);
  }, [data?.state, reload]);
  // The list beside it says the same.
  useEffect(() => data && done(), [data?.state, data?.attempts]);
  const again = async () => {
    setBusy(true);
    try {
      await api(`/v1/deliveries/${id}/redeliver`, { method: 'POST' });
      toast('It is attempted once more');
      reload();
    } catch (failure) {
      toast(`It was not attempted: ${(failure as Error).message}`, { bad: true });
    }
    setBusy(false);
  };
  const facts = data && [
    ['Stands', <Status word={data.state} />],
    ['Event', data.event],
    ['About', <About delivery={data} />],
    ['To', <OutLink href={data.url} />],
    ['Happened', <Time at={data.created_at} whole />],
    ['Delivered', <Time at={data.delivered_at} whole />],
    ['Next attempt', <Time at={data.next_attempt_at} whole />],
    ['Attempts', format.count(data.attempts)],
    ['Removed', <Time at={data.forget_at} whole />],
  ] as const;
  return (
    <Dialog title="Delivery" onClose={onClose} wide>
      {error && !data ? <ErrorBox error={error} retry={reload} /> : !data ? <Loading /> : (
        <>
          <Particulars facts={facts!} />
          <Attempts key={data.attempts} delivery={data} />
          <footer>
            <button disabled={busy} onClick={() => void again()}>
              Deliver again
            </button>
            <button class="primary" onClick={onClose}>
              Close
            </button>
          </footer>
        </>
      )}
    </Dialog>
  );
}

export function Deliveries({ webhook }: { webhook: Subscription | undefined }) {
  const [query, change] = useQuery();
  const chosen = { subscription_id: query.get('subscription'), state: query.get('state'), event: query.get('event') };
  const deliveries = useList<Delivery>(`/v1/deliveries/?${queryText(chosen)}`);
  const rows = deliveries.rows ?? [];
  const shown = query.get('delivery');
  const choice = (name: 'state' | 'event', label: string, words: readonly { word: string }[]) => (
    <select aria-label={label} value={query.get(name) ?? ''} onChange={(event) => change({ [name]: event.currentTarget.value || null })}>
      <option value="">{label}: all</option>
      {words.map(({ word }) => (
        <option key={word} value={word}>
          {word}
        </option>
      ))}
    </select>
  );
  return (
    <Part
      title="Deliveries"
      what="Deliveries"
      need="admin"
      doc={
        chosen.subscription_id ? (
          <>
            To <bdi>{webhook?.name ?? webhook?.url ?? chosen.subscription_id}</bdi>. <Link to="/settings/webhooks">Show all</Link>
          </>
        ) : (
          'To all webhooks and callbacks of runs, the newest first. They are removed a week after they are settled.'
        )
      }
      actions={
        <>
          {choice('state', 'Stands', deliveryStateWords)}
          {choice('event', 'Event', eventWords)}
          <button class="icon" aria-label="Look again" title="Look again" onClick={deliveries.reload}>
            <Icon name="again" />
          </button>
        </>
      }
      asked={deliveries}
      there={deliveries.rows !== undefined}
    >
      <Table label="Deliveries" head={['When', 'Event', 'About', 'To', 'Stands', 'Attempts', 'Answered', 'Why it failed', '']} empty="There is no such delivery." count={rows.length} listed={deliveries}>
        {rows.map((one) => (
          <tr key={one.id}>
            <td>
              <Time at={one.created_at} />
            </td>
            <td>{one.event}</td>
            <td>
              <About delivery={one} />
            </td>
            <td>
              <bdi>{format.line(one.url, 80)}</bdi>
            </td>
            <td>
              <Status word={one.state} />
            </td>
            <td>{one.attempts}</td>
            <td>{one.status_code ?? format.NOTHING}</td>
            <td>{one.error ? <bdi title={one.error}>{format.line(one.error, 80)}</bdi> : <span class="faint">{format.NOTHING}</span>}</td>
            <td class="do">
              <button onClick={() => change({ delivery: one.id })}>Attempts</button>
            </td>
          </tr>
        ))}
      </Table>
      {shown && <One id={shown} onClose={() => change({ delivery: null }, true)} done={deliveries.reload} />}
    </Part>
  );
}
