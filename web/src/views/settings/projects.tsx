// SPDX-License-Identifier: Apache-2.0
// Projects: what steps are booked on, and whether what is said in them is kept.
import type { Project } from 'facts';
import { useState } from 'preact/hooks';
import { api } from '../../api';
import { renamed } from '../../names';
import { Id, Labelled, Link, Time } from '../../ui';
import { Delete, Form, Part, Table, useAllowed, useList } from './common';

function Edit({ project, onClose, done }: { project: Project | null; onClose(): void; done(): void }) {
  const [name, setName] = useState(project?.name ?? '');
  const [kept, setKept] = useState(project?.content_capture ?? true);
  const run = async () => {
    const body = { name, content_capture: kept };
    const saved = project ? await api<Project>(`/v1/projects/${project.id}`, { method: 'PATCH', body }) : await api<Project>('/v1/projects/', { method: 'POST', body });
    renamed(saved.id, saved.name);
    done();
  };
  return (
    <Form title={project ? 'Change the project' : 'New project'} submit={project ? 'Save' : 'Create'} onClose={onClose} run={run}>
      {(errors) => (
        <>
          <Labelled label="Name" hint="Unique in the organization." error={errors.name}>
            <input type="text" required autoFocus value={name} onInput={(event) => setName(event.currentTarget.value)} />
          </Labelled>
          <label class="check">
            <input type="checkbox" checked={kept} onChange={(event) => setKept(event.currentTarget.checked)} />
            <span>
              Keep what is said
              <small>Off: messages, previews and raw requests of its steps are dropped as they come; steps keep their numbers.</small>
            </span>
          </label>
        </>
      )}
    </Form>
  );
}

export function Projects() {
  const projects = useList<Project>('/v1/projects/');
  const [edited, setEdited] = useState<Project | null>();
  const [doomed, setDoomed] = useState<Project>();
  const allowed = useAllowed();
  const changes = allowed('write');
  const rows = projects.rows ?? [];
  return (
    <Part
      title="Projects"
      what="Projects"
      need="read"
      doc="Steps are booked on a project by the word they name it with; a project here gives it a name, and says what is kept."
      actions={
        changes ? (
          <button class="primary" onClick={() => setEdited(null)}>
            New project
          </button>
        ) : (
          <span class="faint">To change one, a key needs the scope “write”.</span>
        )
      }
      asked={projects}
      there={projects.rows !== undefined}
    >
      <Table label="Projects" head={['Name', 'Id', 'What is said', 'Created', '']} empty="There is no project yet." count={rows.length} listed={projects}>
        {rows.map((one) => (
          <tr key={one.id}>
            <td>
              <Link to={`/overview?project_id=${encodeURIComponent(one.id)}`}>
                <bdi>{one.name}</bdi>
              </Link>
            </td>
            <td>
              <Id id={one.id} short />
            </td>
            <td>{one.content_capture ? 'is kept' : 'is dropped'}</td>
            <td>
              <Time at={one.created_at} />
            </td>
            <td class="do">
              {changes && (
                <>
                  <button onClick={() => setEdited(one)}>Change</button> <button onClick={() => setDoomed(one)}>Delete</button>
                </>
              )}
            </td>
          </tr>
        ))}
      </Table>
      {edited !== undefined && <Edit project={edited} onClose={() => setEdited(undefined)} done={projects.reload} />}
      {doomed && (
        <Delete what="project" path={`/v1/projects/${doomed.id}`} onClose={() => setDoomed(undefined)} done={projects.reload}>
          <bdi>{doomed.name}</bdi> goes. What was booked on it stays booked on its id.
        </Delete>
      )}
    </Part>
  );
}
