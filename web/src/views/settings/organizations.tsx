// SPDX-License-Identifier: Apache-2.0
// Organizations: the borders that no record crosses. Who runs the installation sees all of them, others their own.
import type { Organization } from 'facts';
import { useState } from 'preact/hooks';
import { api, useApi } from '../../api';
import { useSession } from '../../session';
import { Id, Labelled, Particulars, Time } from '../../ui';
import { Delete, Form, Part, Table, useAllowed, useList } from './common';

function Edit({ organization, onClose, done }: { organization: Organization | null; onClose(): void; done(): void }) {
  const [name, setName] = useState(organization?.name ?? '');
  const [privileged, setPrivileged] = useState(organization?.privileged_tools ?? false);
  const run = async () => {
    const body = { name, privileged_tools: privileged };
    await (organization ? api(`/v1/admin/orgs/?org_id=${organization.id}`, { method: 'PATCH', body }) : api('/v1/admin/orgs/', { method: 'POST', body }));
    done();
  };
  return (
    <Form title={organization ? 'Change the organization' : 'New organization'} submit={organization ? 'Save' : 'Create'} onClose={onClose} run={run}>
      {(errors) => (
        <>
          <Labelled label="Name" error={errors.name}>
            <input type="text" required autoFocus value={name} onInput={(event) => setName(event.currentTarget.value)} />
          </Labelled>
          <label class="check">
            <input type="checkbox" checked={privileged} onChange={(event) => setPrivileged(event.currentTarget.checked)} />
            <span>
              Privileged tools
              <small>Letta V1’s permission; this server keeps it and does nothing with it.</small>
            </span>
          </label>
        </>
      )}
    </Form>
  );
}

function Own() {
  const session = useSession();
  const own = useApi<Organization>(session ? `/v1/orgs/${session.organization_id}` : null);
  return own.data ? <Particulars facts={[['Yours', <bdi>{own.data.name}</bdi>], ['Id', <Id id={own.data.id} />], ['Created', <Time at={own.data.created_at} />]]} /> : null;
}

export function Organizations() {
  const allowed = useAllowed();
  const organizations = useList<Organization>(allowed('operator') ? '/v1/admin/orgs/' : null);
  const [edited, setEdited] = useState<Organization | null>();
  const [doomed, setDoomed] = useState<Organization>();
  const rows = organizations.rows ?? [];
  return (
    <>
      {!allowed('operator') && <Own />}
      <Part
        title="Organizations"
        what="Other organizations"
        need="operator"
        doc="No record of one is ever shown to another. Keys belong to one organization; make one under Keys."
        actions={
          <button class="primary" onClick={() => setEdited(null)}>
            New organization
          </button>
        }
        asked={organizations}
        there={organizations.rows !== undefined}
      >
        <Table label="Organizations" head={['Name', 'Id', 'Created', '']} empty="There is no organization." count={rows.length} listed={organizations}>
          {rows.map((one) => (
            <tr key={one.id}>
              <td>
                <bdi>{one.name}</bdi>
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
        {edited !== undefined && <Edit organization={edited} onClose={() => setEdited(undefined)} done={organizations.reload} />}
        {doomed && (
          <Delete what="organization" path={`/v1/admin/orgs/?org_id=${doomed.id}`} onClose={() => setDoomed(undefined)} done={organizations.reload}>
            <bdi>{doomed.name}</bdi> goes, if nothing belongs to it any more. With everything that is its own it goes by <code>stepwell erase --organization {doomed.id}</code>.
          </Delete>
        )}
      </Part>
    </>
  );
}
