// SPDX-License-Identifier: Apache-2.0
// Messages as a conversation. A call of a tool and what it returned are one line that opens; thoughts are folded. All of it
// is text.
import { useState } from 'preact/hooks';
import type { ComponentChildren } from 'preact';
import type { Json } from 'facts';
import * as format from '../format';
import { Icon } from '../ui';
import { JsonTree } from './json';
import { partsOf, type Call, type Part, type Return, type Said } from './talk';
import { LongText, Marked } from './text';

const Body = ({ body, label, mark }: { body: Json; label: string; mark?: string | undefined }) =>
  typeof body === 'string' ? <LongText text={body} mono mark={mark} /> : <JsonTree value={body} label={label} />;

const briefly = (value: Json) => format.line(typeof value === 'string' ? value : value === null ? '' : JSON.stringify(value).slice(0, 600), 160);

export function Fold({ head, children, open: begin = false, class: name = '' }: { head: ComponentChildren; children: () => ComponentChildren; open?: boolean; class?: string }) {
  const [open, setOpen] = useState(begin);
  return (
    <div class={`fold ${name}`}>
      <button class="fold-head" aria-expanded={open} onClick={() => setOpen(!open)}>
        <Icon name={open ? 'down' : 'right'} />
        {head}
      </button>
      {open && <div class="fold-body">{children()}</div>}
    </div>
  );
}

function ToolLine({ call, returned, mark }: { call: Call | null; returned: Return | undefined; mark?: string | undefined }) {
  const name = call?.name ?? returned?.name ?? 'tool';
  const state = returned ? (returned.bad ? 'error' : 'returned') : 'no return recorded';
  return (
    <Fold
      class={`tool ${returned?.bad ? 'bad' : ''}`}
      head={
        <>
          <span class="tool-name">
            <bdi>{format.line(name, 80)}</bdi>
          </span>
          <bdi class="tool-brief">{mark ? <Marked text={briefly(call?.args ?? returned?.body ?? null)} mark={mark} /> : briefly(call?.args ?? returned?.body ?? null)}</bdi>
          <span class="tool-state">
            {returned?.tookMs !== null && returned?.tookMs !== undefined && <span class="num">{format.duration(returned.tookMs * 1e6)} </span>}
            {state}
          </span>
        </>
      }
    >
      {() => (
        <>
          {call && (
            <>
              <h4>Arguments</h4>
              <Body body={call.args} label={`arguments of ${format.line(name, 80)}`} mark={mark} />
            </>
          )}
          {returned && (
            <>
              <h4>{returned.bad ? 'Returned an error' : 'Returned'}</h4>
              <Body body={returned.body} label={`return of ${format.line(name, 80)}`} mark={mark} />
            </>
          )}
        </>
      )}
    </Fold>
  );
}

function PartView({ part, returned, mark }: { part: Part; returned: Return | undefined; mark?: string | undefined }) {
  switch (part.kind) {
    case 'text':
      return <LongText text={part.text} mark={mark} />;
    case 'thought':
      return (
        <Fold class="thought" head={<><span class="tool-name">Thought</span><bdi class="tool-brief">{briefly(part.text)}</bdi></>}>
          {() => <LongText text={part.text} mark={mark} />}
        </Fold>
      );
    case 'call':
      return <ToolLine call={part} returned={returned} mark={mark} />;
    case 'return':
      return <ToolLine call={null} returned={part} mark={mark} />;
    case 'other':
      return (
        <Fold head={<span class="tool-name"><bdi>{format.line(part.what, 60)}</bdi></span>}>{() => <JsonTree value={part.body} label={format.line(part.what, 60)} />}</Fold>
      );
  }
}

const ROLES: Record<string, string> = { user: 'User', assistant: 'Assistant', system: 'System', tool: 'Tool', function: 'Tool', summary: 'Summary', approval: 'Approval', developer: 'System' };
const LONG_SYSTEM = 700;

function MessageView({ said, parts, returns, mark, sign }: { said: Said; parts: Part[]; returns: Map<string, Return>; mark?: string | undefined; sign?: '+' | '−' }) {
  const role = ROLES[said.role] ?? format.line(said.role, 30);
  const long = said.role === 'system' && (said.text?.length ?? JSON.stringify(said.content ?? '').length) > LONG_SYSTEM && !mark;
  const inside = () => parts.map((part, i) => <PartView key={i} part={part} returned={part.kind === 'call' && part.id ? returns.get(part.id) : undefined} mark={mark} />);
  return (
    <article class={`said ${said.role} ${sign === '+' ? 'added' : sign ? 'gone' : ''}`} aria-label={sign ? `${sign === '+' ? 'Added' : 'Removed'}: ${role}` : role}>
      <header>
        {sign && <span class="sign" aria-hidden="true">{sign}</span>}
        <span class="role">{role}</span>
        {said.name && said.role !== 'tool' && <bdi class="faint">{format.line(said.name, 60)}</bdi>}
        {said.is_err && <span class="bad-text">error</span>}
      </header>
      <div class="said-body">
        {long ? <Fold head={<bdi class="tool-brief">{briefly(said.text ?? said.content)}</bdi>}>{inside}</Fold> : parts.length > 0 ? inside() : <span class="faint">says nothing that was kept</span>}
      </div>
    </article>
  );
}

// Returns whose call is in the same list are shown with it, and not a second time.
export function Chat({ messages, mark, sign }: { messages: Said[]; mark?: string | undefined; sign?: '+' | '−' }) {
  const all = messages.map((said) => ({ said, parts: partsOf(said) }));
  const calls = new Set(all.flatMap(({ parts }) => parts.map((part) => (part.kind === 'call' ? part.id : null))).filter(Boolean));
  const returns = new Map<string, Return>();
  for (const { parts } of all) {
    parts.forEach((part) => part.kind === 'return' && part.id && calls.has(part.id) && returns.set(part.id, part));
  }
  const shown = all
    .map(({ said, parts }) => ({ said, parts: parts.filter((part) => part.kind !== 'return' || !part.id || !returns.has(part.id)), had: parts.length }))
    .filter(({ parts, had }) => parts.length > 0 || had === 0);
  return (
    <div class="chat">
      {shown.map(({ said, parts }, i) => (
        <MessageView key={said.id ?? i} said={said} parts={parts} returns={returns} mark={mark} {...(sign ? { sign } : {})} />
      ))}
    </div>
  );
}
