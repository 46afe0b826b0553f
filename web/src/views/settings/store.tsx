// SPDX-License-Identifier: Apache-2.0
// How the server and its store are, and how long what is kept: for whoever runs the installation.
import { useEffect } from 'preact/hooks';
import { useApi } from '../../api';
import * as format from '../../format';
import { CopyButton, ErrorBox, Particulars, Status, Time } from '../../ui';
import { quoted } from '../step';
import { Part, Table, useAllowed } from './common';

interface Setting {
  name: string;
  environment: string;
  value: string;
  is_fallback: boolean;
  doc: string;
}

interface Server {
  version: string;
  started_at: string;
  store: { kind: string; path: string | null; schema_version: number; file_bytes: number; organizations: number; steps: number; pending_steps: number; runs: number; journal_entries: number };
  load: { connections: number; streams: number; in_flight: number; waiting: number; commit_queue: number; commits: number; commit_us: number | null };
  settings: Setting[];
}

interface Health {
  status: string;
  version: string;
  probe_us?: number;
}

const LOOK_AGAIN_MS = 5000;

function useServer(again = false) {
  const allowed = useAllowed();
  const server = useApi<Server>(allowed('operator') ? '/v1/admin/server' : null);
  useEffect(() => {
    const timer = again && server.data ? setInterval(server.reload, LOOK_AGAIN_MS) : 0;
    return () => clearInterval(timer);
  }, [again, Boolean(server.data), server.reload]);
  return server;
}

// Whether it writes and reads: anybody may know.
function Probe() {
  const health = useApi<Health>('/healthz');
  const { reload } = health;
  useEffect(() => {
    const timer = setInterval(reload, LOOK_AGAIN_MS);
    return () => clearInterval(timer);
  }, [reload]);
  return (
    <section class="setting">
      <header>
        <div>
          <h2>Store health</h2>
          <p class="soft">The server writes a probe to the store and reads it back, and says how that went.</p>
        </div>
      </header>
      {health.error ? (
        <ErrorBox error={health.error} retry={reload} title="The store does not write and read" />
      ) : health.data ? (
        <Particulars
          grid
          facts={[
            ['Writes and reads', <Status word={health.data.status} />],
            ['A probe took', format.duration(health.data.probe_us === undefined ? null : health.data.probe_us * 1000)],
            ['Version', health.data.version],
          ]}
        />
      ) : null}
    </section>
  );
}

export function Store() {
  const server = useServer(true);
  const { store, load } = server.data ?? {};
  return (
    <>
      <Probe />
      <Part title="What it holds" what="Figures of the store" need="operator" asked={server} there={server.data !== undefined}>
        {store && (
          <Particulars
            grid
            facts={[
              ['Store', store.kind],
              ['File', store.path ? <code>{store.path}</code> : format.NOTHING],
              ['Size', format.bytes(store.file_bytes)],
              ['Schema', store.schema_version],
              ['Steps', format.count(store.steps)],
              ['of them not ended', format.count(store.pending_steps)],
              ['Runs', format.count(store.runs)],
              ['Organizations', format.count(store.organizations)],
              ['Journal entries', `at most ${format.count(store.journal_entries)}`],
            ]}
          />
        )}
      </Part>
      {load && server.data && (
        <Part title="What goes on" what="Figures of the server" need="operator" doc="Looked at again every five seconds. GET /metrics has more, for Prometheus." asked={server} there>
          <Particulars
            grid
            facts={[
              ['Started', <Time at={server.data.started_at} />],
              ['Connections', format.count(load.connections)],
              ['Open streams', format.count(load.streams)],
              ['Requests under way', format.count(load.in_flight)],
              ['Requests that wait', format.count(load.waiting)],
              ['Writes that wait', format.count(load.commit_queue)],
              ['Commits', format.count(load.commits)],
              ['One took, on average', format.duration(load.commit_us === null ? null : load.commit_us * 1000)],
            ]}
          />
        </Part>
      )}
      {server.data && (
        <Part title="Settings of the server" what="Settings" need="operator" doc="They are read when it starts: from flags, the environment, then the file of settings." asked={server} there>
          <Table label="Settings of the server" head={['Name', 'Value', 'What it says', 'In the environment']} empty="" count={server.data.settings.length}>
            {server.data.settings.map((one) => (
              <SettingRow key={one.name} setting={one} />
            ))}
          </Table>
        </Part>
      )}
    </>
  );
}

const SettingRow = ({ setting }: { setting: Setting }) => (
  <tr>
    <td>
      <code>{setting.name}</code>
    </td>
    <td class="nowrap">
      <bdi>{setting.value || format.NOTHING}</bdi> {setting.is_fallback && <span class="faint">(usual)</span>}
    </td>
    <td class="why">{setting.doc}</td>
    <td>
      <code>{setting.environment}</code>
    </td>
  </tr>
);

// ---- how long what is kept ------------------------------------------------------------------------------------------------

const COMMANDS: [string, string, string][] = [
  ['What was said, of old steps', 'Messages, previews and raw requests go; steps, totals and timings stay. It says first what it will do.', 'stepwell prune --older-than 90d'],
  ['Old steps', 'They go with everything, and leave every total.', 'stepwell prune --older-than 400d --steps'],
  ['A person the agents worked for', 'All steps that worked for them, and raw log records that name them.', 'stepwell erase --end-user NAME'],
  ['A conversation', 'Its steps, runs and messages.', 'stepwell erase --conversation ID'],
  ['Room on the disk', 'What was removed is in no answer any more; this gives its room back, so that no byte of it is left in the file.', 'stepwell vacuum'],
];

export function Retention() {
  const server = useServer();
  const { store } = server.data ?? {};
  const where = store?.path ? ` --store ${quoted(`${store.kind}:${store.path}`)}` : ''; // else it would be this person's own ledger
  const kept = (server.data?.settings ?? []).filter((one) => /keep/.test(one.name));
  return (
    <>
      <Part title="Retention" what="Settings of what is kept" need="operator" doc="Steps are kept until somebody removes them: the server removes none by itself. What it removes:" asked={server} there={server.data !== undefined}>
        <Table label="Retention" head={['Name', 'Value', 'What it says', 'In the environment']} empty="" count={kept.length}>
          {kept.map((one) => (
            <SettingRow key={one.name} setting={one} />
          ))}
        </Table>
        <p class="aside soft">Deliveries of webhooks go a week after they are settled. A project can have what is said dropped as it comes: see Projects.</p>
      </Part>
      <section class="setting">
        <header>
          <div>
            <h2>Removing</h2>
            <p class="soft">On the machine of the ledger{store?.path?.startsWith('/') === false && ', in the folder that the server was started in'}. What removes asks first.</p>
          </div>
        </header>
        <div class="removals">
          {COMMANDS.map(([title, doc, command]) => (
            <section key={title}>
              <h3>{title}</h3>
              <p class="soft">{doc}</p>
              <div class="code">
                <pre tabIndex={0}>{command + where}</pre>
                <CopyButton text={command + where} label={`Copy: ${title}`} />
              </div>
            </section>
          ))}
        </div>
      </section>
    </>
  );
}
