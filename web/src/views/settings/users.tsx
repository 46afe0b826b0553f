// SPDX-License-Identifier: Apache-2.0
// Users: who acts. The people that agents work for are no users; they are a step's end_user.
import type { Organization, User } from 'facts';
import { useState } from 'preact/hooks';
import { api, useApi } from '../../api';
import { renamed } from '../../names';
import { useSession } from '../../session';
import { Id, Labelled, Particulars, Time } from '../../ui';
import { Delete, Form, Part, Table, useAllowed, useList } from './common';

function Edit({ user, organizations, onClose, done }: { user: User | null; organizations: Organization[]; onClose(): void; done(): void }) {
  const [name, setName] = useState(user?.name ?? '');
  const [organization, setOrganization] = useState(user?.organization_id ?? organizations[0]?.id ?? '');
  const run = async () => {
    const saved = user ? await api<User>('/v1/admin/users/', { method: 'PUT', body: { id: user.id, name } }) : await api<User>('/v1/admin/users/', { method: 'POST', body: { name, organization_id: organization } });
    renamed(saved.id, saved.name);
    done();
  };
  return (
    <Form title={user ? 'Change the user' : 'New user'} submit={user ? 'Save' : 'Create'} onClose={onClose} run={run}>
      {(errors) => (
        <>
          <Labelled label="Name" error={errors.name}>
            <input type="text" required autoFocus value={name} onInput={(event) => setName(event.currentTarget.value)} />
          </Labelled>
          {!user && (
            <Labelled label="Organization" hint="It stays the user’s." error={errors.organization_id}>
              <select value={organization} onChange={(event) => setOrganization(event.currentTarget.value)}>
                {organizations.map((one) => (
                  <option key={one.id} value={one.id}>
                    {one.name}
                  </option>
                ))}
              </select>
            </Labelled>
          )}
        </>
      )}
    </Form>
  );
}

function Own() {
  const session = useSession();
  const own = useApi<User>(session?.user_id ? `/v1/users/${session.user_id}` : null);
  return own.data ? <Particulars facts={[['You act as', <bdi>{own.data.name}</bdi>], ['Id', <Id id={own.data.id} />]]} /> : null;
}

export function Users() {
  const allowed = useAllowed();
  const users = useList<User>(allowed('operator') ? '/v1/admin/users/' : null);
  const organizations = useList<Organization>(allowed('operator') ? '/v1/admin/orgs/' : null);
  const [edited, setEdited] = useState<User | null>();
  const [doomed, setDoomed] = useState<User>();
  const rows = users.rows ?? [];
  const nameOfOrganization = (id: string) => organizations.rows?.find((one) => one.id === id)?.name ?? id;
  return (
    <>
      {!allowed('operator') && <Own />}
      <Part
        title="Users"
        what="Users"
        need="operator"
        doc="Who acts: what is written names the user that wrote it. A key can act as one."
        actions={
          <button class="primary" onClick={() => setEdited(null)}>
            New user
          </button>
        }
        asked={users}
        there={users.rows !== undefined}
      >
        <Table label="Users" head={['Name', 'Organization', 'Id', 'Created', '']} empty="There is no user." count={rows.length} listed={users}>
          {rows.map((one) => (
            <tr key={one.id}>
              <td>
                <bdi>{one.name}</bdi>
              </td>
              <td>
                <bdi>{nameOfOrganization(one.organization_id)}</bdi>
              </td>
              <td>
                <Id id={one.id} />
              </td>
              <td>
                <Time at={one.created_at} />
              </td>
              <td class="do">
                <button onClick={() => setEdited(one)}>Change</button> <button onClick={() => setDoomed(one)}>Delete</button>
              </td>
            </tr>
          ))}
        </Table>
        {edited !== undefined && <Edit user={edited} organizations={organizations.rows ?? []} onClose={() => setEdited(undefined)} done={users.reload} />}
        {doomed && (
          <Delete what="user" path={`/v1/admin/users/?user_id=${doomed.id}`} onClose={() => setDoomed(undefined)} done={users.reload}>
            <bdi>{doomed.name}</bdi> goes. What was written in that name still says so.
          </Delete>
        )}
      </Part>
    </>
  );
}
