// SPDX-License-Identifier: Apache-2.0
// What people say of a step: thumbs and tags, set in place. What is shown is what the server answered; a change that it
// refuses is told and not shown.
import type { Step } from 'facts';
import { useState } from 'preact/hooks';
import { api, asError } from '../../api';
import * as format from '../../format';
import { toast } from '../../toast';
import { Icon, Tag } from '../../ui';

interface Change {
  feedback?: 'positive' | 'negative' | null;
  add_tags?: string[];
  remove_tags?: string[];
}

// Changes of one step wait for each other, so that the last answer is the newest.
export function useSay(step: Step, onStep: (step: Step) => void): (change: Change) => Promise<boolean> {
  const [queue] = useState<{ last: Promise<unknown> }>({ last: Promise.resolve() });
  return (change) => {
    const next = queue.last.then(async () => {
      try {
        onStep(await api<Step>(`/v1/steps/${encodeURIComponent(step.id)}/feedback`, { method: 'PATCH', body: change }));
        return true;
      } catch (error) {
        toast(`That was not kept: ${asError(error).message}`, { bad: true });
        return false;
      }
    });
    queue.last = next;
    return next;
  };
}

export function Thumbs({ step, say, may }: { step: Step; say: (change: Change) => void; may: boolean }) {
  const thumb = (word: 'positive' | 'negative', icon: 'up' | 'thumbsdown', label: string, key: string) => (
    <button
      class={`icon thumb ${word}`}
      aria-label={label}
      aria-pressed={step.feedback === word}
      title={may ? `${label} (${key})` : `${label}: the key does not allow it`}
      disabled={!may}
      onClick={() => say({ feedback: step.feedback === word ? null : word })}
    >
      <Icon name={icon} />
    </button>
  );
  return (
    <span class="thumbs" role="group" aria-label="Feedback">
      {thumb('positive', 'up', 'Good', '+')}
      {thumb('negative', 'thumbsdown', 'Bad', '-')}
    </span>
  );
}

const AT_FIRST = 40;
const LONGEST = 1000;

export function Tags({ step, say, may }: { step: Step; say: (change: Change) => Promise<boolean>; may: boolean }) {
  const [text, setText] = useState('');
  const [most, setMost] = useState(AT_FIRST);
  const add = async (event: Event) => {
    event.preventDefault();
    const words = text.split(',').map((one) => one.trim()).filter(Boolean);
    if (words.length > 0 && (await say({ add_tags: words }))) {
      setText('');
    }
  };
  return (
    <div class="tags" role="group" aria-label="Tags">
      {step.tags.slice(0, most).map((tag) => (
        <Tag key={tag} to={`/steps?tags=${encodeURIComponent(tag)}`} {...(may ? { onRemove: () => void say({ remove_tags: [tag] }) } : {})}>
          {format.line(tag, 120)}
        </Tag>
      ))}
      {step.tags.length > most && (
        <button class="link small" onClick={() => setMost(most * 5)}>
          {format.count(step.tags.length - most)} more
        </button>
      )}
      {may && (
        <form onSubmit={add}>
          <input type="text" aria-label="Add a tag" placeholder="Add a tag" value={text} maxLength={LONGEST} size={12} onInput={(event) => setText(event.currentTarget.value)} />
        </form>
      )}
    </div>
  );
}
