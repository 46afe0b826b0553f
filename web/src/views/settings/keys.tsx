// SPDX-License-Identifier: Apache-2.0
// Keys: what programs and people show to be let in. A secret is shown once, when its key is made.
import { scopeWords, type ApiKey, type Organization } from 'facts';
import { useState } from 'preact/hooks';
import { api } from '../../api';
import * as format from '../../format';
import { nameOf, useNames } from '../../names';
import { useQuery } from '../../route';
import { toast } from '../../toast';
import { CopyButton, Dialog, Labelled, Status, Time } from '../../ui';
import { nameOrText } from '../overview/parts';
import { Confirm, Form, Part, Table, timeOf, useAllowed, useList } from './common';

interface Made {
  secret: string;
  api_key: ApiKey;
}

function Create({ organization, onClose, done }: { organization: string; onClose(): void; done(made: Made): void }) {
  const [name, setName] = useState('');
  const [scopes, setScopes] = useState<string[]>(['ingest', 'read']);
  const [project, setProject] = useState('');
  const [user, setUser] = useState('');
  const [expires, setExpires] = useState('');
  const run = async () => {
    const body = { name, scopes, project_id: project || null, user_id: user || null, expires_at: timeOf(expires) };
    done(await api<Made>(organization ? `/v1/admin/keys/?org_id=${encodeURIComponent(organization)}` : '/v1/keys/', { method: 'POST', body }));
  };
  const turn = (word: string, on: boolean) => setScopes(on ? [...scopes, word] : scopes.filter((one) => one !== word));
  return (
    <Form title="New key" submit="Create" onClose={onClose} run={run}>
      {(errors) => (
        <>
          <Labelled label="What it is for" error={errors.name}>
            <input type="text" required autoFocus value={name} placeholder="checkout service" onInput={(event) => setName(event.currentTarget.value)} />
          </Labelled>
          <fieldset class={errors.scopes ? 'wrong' : ''}>
            <legend>What it may do</legend>
            {scopeWords.map(({ word, doc }) => (
              <label class="check" key={word}>
                <input type="checkbox" checked={scopes.includes(word)} onChange={(event) => turn(word, event.currentTarget.checked)} />
                <span>
                  {word}
                  <small>{doc}</small>
                </span>
              </label>
            ))}
            {errors.scopes && <small role="alert">{errors.scopes}</small>}
          </fieldset>
          <Labelled label="Only this project" hint="A project’s id; empty: all of the organization." error={errors.project_id}>
            <input type="text" value={project} onInput={(event) => setProject(event.currentTarget.value)} />
          </Labelled>
          <Labelled label="Acts as this user" hint="A user’s id; empty: nobody in particular." error={errors.user_id}>
            <input type="text" value={user} onInput={(event) => setUser(event.currentTarget.value)} />
          </Labelled>
          <Labelled label="Refused from" hint={`In ${format.zone()}; empty: never.`} error={errors.expires_at}>
            <input type="datetime-local" value={expires} onInput={(event) => setExpires(event.currentTarget.value)} />
          </Labelled>
        </>
      )}
    </Form>
  );
}

function Secret({ made, onClose }: { made: Made; onClose(): void }) {
  return (
    <Dialog title="The key’s secret" onClose={onClose}>
      <p>
        This is the only time it is shown: it is kept nowhere. Programs send it as <code>Authorization: Bearer …</code>
      </p>
      <div class="code">
        <pre tabIndex={0}>{made.secret}</pre>
        <CopyButton text={made.secret} label="Copy the secret" />
      </div>
      <footer>
        <button class="primary" onClick={onClose}>
          I have it
        </button>
      </footer>
    </Dialog>
  );
}

function standing(key: ApiKey): string {
  if (key.revoked_at) {
    return 'revoked';
  }
  return key.expires_at && Date.parse(key.expires_at) < Date.now() ? 'expired' : 'valid';
}

export function Keys() {
  const [query, change] = useQuery();
  const organization = query.get('org') ?? '';
  const allowed = useAllowed();
  const keys = useList<ApiKey>(!allowed('admin') ? null : organization ? `/v1/admin/keys/?org_id=${encodeURIComponent(organization)}` : '/v1/keys/');
  const organizations = useList<Organization>(allowed('operator') ? '/v1/admin/orgs/' : null);
  const [making, setMaking] = useState(false);
  const [made, setMade] = useState<Made>();
  const [doomed, setDoomed] = useState<ApiKey>();
  useNames();
  const rows = keys.rows ?? [];
  return (
    <Part
      title="Keys"
      what="Keys"
      need="admin"
      doc="Without any key everybody who reaches the server may do everything, which it allows on this machine only. From the first key on everybody needs one, this page too."
      actions={
        <>
          {(organizations.rows?.length ?? 0) > 1 && (
            <select aria-label="Organization" value={organization} onChange={(event) => change({ org: event.currentTarget.value || null })}>
              <option value="">Your organization</option>
              {organizations.rows!.map((one) => (
                <option key={one.id} value={one.id}>
                  {one.name}
                </option>
              ))}
            </select>
          )}
          <button class="primary" onClick={() => setMaking(true)}>
            New key
          </button>
        </>
      }
      asked={keys}
      there={keys.rows !== undefined}
    >
      <Table label="Keys" head={['Name', 'Stands', 'May', 'Project', 'Acts as', 'Created', 'Last used', 'Refused from', '']} empty="There is no key: the server is open to this machine." count={rows.length} listed={keys}>
        {rows.map((one) => (
            <tr key={one.id}>
              <td>
                <bdi title={one.id}>{one.name}</bdi>
              </td>
              <td>
                <Status word={standing(one)} />
              </td>
              <td>{one.scopes.join(', ') || 'nothing'}</td>
              <td>{one.project_id ? <bdi>{nameOrText('project', one.project_id)}</bdi> : 'all'}</td>
              <td>{one.user_id ? <bdi>{nameOf('user', one.user_id)}</bdi> : format.NOTHING}</td>
              <td>
                <Time at={one.created_at} />
              </td>
              <td>
                <Time at={one.last_used_at} />
              </td>
              <td>
                <Time at={one.revoked_at ?? one.expires_at} />
              </td>
              <td class="do">{!one.revoked_at && <button onClick={() => setDoomed(one)}>Revoke</button>}</td>
            </tr>
        ))}
      </Table>
      {making && (
        <Create
          organization={organization}
          onClose={() => setMaking(false)}
          done={(one) => {
            setMade(one);
            keys.reload();
          }}
        />
      )}
      {made && <Secret made={made} onClose={() => setMade(undefined)} />}
      {doomed && (
        <Confirm
          title="Revoke this key?"
          submit="Revoke"
          onClose={() => setDoomed(undefined)}
          run={async () => {
            const path = organization ? `/v1/admin/keys/?org_id=${encodeURIComponent(organization)}&key_id=${doomed.id}` : `/v1/keys/${doomed.id}`;
            await api(path, { method: 'DELETE' });
            toast('The key is revoked');
            keys.reload();
          }}
        >
          <p>
            Whoever shows <bdi>{doomed.name}</bdi> is refused at once, and for good. The key stays in this list.
          </p>
        </Confirm>
      )}
    </Part>
  );
}
