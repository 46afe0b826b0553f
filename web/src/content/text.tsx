// SPDX-License-Identifier: Apache-2.0
// A text of any length, as it is: its beginning, and more when somebody asks for more, because a page that has to lay out
// megabytes at once stands still.
import { useState } from 'preact/hooks';
import * as format from '../format';
import { CopyButton } from '../ui';

const AT_FIRST = 2400;
const A_TIME = 40_000;

export function LongText({ text, first = AT_FIRST, mono = false, mark }: { text: string; first?: number; mono?: boolean; mark?: string | undefined }) {
  const [shown, setShown] = useState(first);
  // A little more than what is shown is not worth a button.
  const whole = text.length <= shown * 1.2;
  const pieces = [];
  for (let at = 0, size = first * 1.2; at < (whole ? text.length : shown); at += size, size = A_TIME) {
    pieces.push(text.slice(at, Math.min(at + size, whole ? text.length : shown)));
    size = at === 0 ? pieces[0]!.length : size;
  }
  return (
    <div class={`long ${mono ? 'mono' : ''}`}>
      {pieces.map((piece, i) => (
        <span key={i} dir="auto">
          {mark ? <Marked text={piece} mark={mark} /> : piece}
        </span>
      ))}
      {!whole && (
        <span class="long-more">
          <button class="link" onClick={() => setShown(shown + A_TIME)}>
            {text.length - shown > A_TIME ? `Show ${format.count(A_TIME)} more` : 'Show all'}
          </button>
          <span class="faint"> of {format.count(text.length)} characters</span>
          <CopyButton text={text} label="Copy the whole text" />
        </span>
      )}
    </div>
  );
}

const MOST_MARKS = 200;

// The text with what was searched for made visible.
export function Marked({ text, mark }: { text: string; mark: string }) {
  const where = text.toLowerCase();
  const wanted = mark.toLowerCase();
  // Letters that change their length with their case would shift what is marked.
  if (wanted === '' || where.length !== text.length) {
    return <>{text}</>;
  }
  const out = [];
  let from = 0;
  for (let at = where.indexOf(wanted); at >= 0 && out.length < MOST_MARKS; at = where.indexOf(wanted, at + wanted.length)) {
    out.push(text.slice(from, at), <mark key={at}>{text.slice(at, at + wanted.length)}</mark>);
    from = at + wanted.length;
  }
  return (
    <>
      {out}
      {text.slice(from)}
    </>
  );
}
