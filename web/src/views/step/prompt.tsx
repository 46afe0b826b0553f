// SPDX-License-Identifier: Apache-2.0
// What the model was sent: what is new since the step before, and what fills the context window.
import type { Step } from 'facts';
import { useMemo, useState } from 'preact/hooks';
import { Chat, Fold } from '../../content/chat';
import { diff, type Change } from '../../content/diff';
import { FILLS, keyOf, lengthsOf, linesOf, type Fill, type Said } from '../../content/talk';
import * as format from '../../format';
import { Link } from '../../ui';
import type { Prompt, Prompts } from './data';

// ---- the difference -------------------------------------------------------------------------------------------------

const MOST_LINES = 400;
const MOST_SAME = 60;

// Of a message that is another now, the lines that are.
function LineDiff({ before, after }: { before: Said; after: Said }) {
  const lines = useMemo(() => diff(linesOf(before).split('\n'), linesOf(after).split('\n'), (line) => line).filter((one) => one.sign !== '='), [before, after]);
  return (
    <div class="line-diff">
      {lines.slice(0, MOST_LINES).map((one, i) => (
        <div key={i} class={one.sign === '+' ? 'added' : 'gone'}>
          <span class="sign">{one.sign === '+' ? '+' : '−'}</span>
          <bdi>{format.line(one.row, 2000)}</bdi>
        </div>
      ))}
      {lines.length > MOST_LINES && <p class="faint">and {format.plural(lines.length - MOST_LINES, 'more line')}</p>}
    </div>
  );
}

type Row = { sign: '~'; before: Said; after: Said } | { sign: '=' | '+' | '-'; rows: Said[] };

// Those of one sign stand together; a message of the same speaker in the place of another is one that changed.
function rowsOf(changes: Change<Said>[]): Row[] {
  const out: Row[] = [];
  for (const { sign, row } of changes) {
    const last = out.at(-1);
    if (sign === '+' && last?.sign === '-' && last.rows.length === 1 && last.rows[0]!.role === row.role && (row.role === 'system' || row.role === 'user')) {
      out[out.length - 1] = { sign: '~', before: last.rows[0]!, after: row };
    } else if (last && last.sign !== '~' && last.sign === sign) {
      last.rows.push(row);
    } else {
      out.push({ sign, rows: [row] });
    }
  }
  return out;
}

const many = (rows: Row[] | null, sign: '+' | '-') => (rows ?? []).reduce((sum, row) => sum + (row.sign === sign ? row.rows.length : 0), 0);

export function Difference({ prompts }: { prompts: Prompts }) {
  const { now, before, previous } = prompts;
  const rows = useMemo(() => (before ? rowsOf(diff(before.messages, now.messages, keyOf)) : null), [prompts]);
  const added = many(rows, '+');
  const gone = many(rows, '-');
  const changed = rows?.filter((row) => row.sign === '~').length ?? 0;
  return (
    <section class="card" aria-label="Difference to the previous prompt">
      <header>
        <h2>Since the previous prompt</h2>
        {previous && (
          <Link to={`/steps/${previous.id}`} class="small">
            previous step
          </Link>
        )}
      </header>
      <div class="body">
        {!previous ? (
          <p class="soft">This is the first step of its run{now.messages.length > 0 ? `; it was sent ${format.plural(now.messages.length, 'message')}.` : '.'}</p>
        ) : !rows ? (
          <p class="soft">What the previous step was sent is not known: neither telemetry nor its messages were recorded.</p>
        ) : (
          <>
            <p class="soft">
              {[added && `${format.count(added)} added`, changed && `${format.count(changed)} changed`, gone && `${format.count(gone)} removed`].filter(Boolean).join(', ') || 'Nothing changed'}
              {now.exact ? '.' : ', as far as the recorded messages say.'}
            </p>
            <div class="chat">
              {rows.map((row, i) =>
                row.sign === '~' ? (
                  <article key={i} class="said changed" aria-label={`Changed: ${row.after.role}`}>
                    <header>
                      <span class="sign" aria-hidden="true">
                        ±
                      </span>
                      <span class="role">{row.after.role}</span>
                      <span class="faint">changed</span>
                    </header>
                    <LineDiff before={row.before} after={row.after} />
                  </article>
                ) : row.sign === '=' ? (
                  <Fold key={i} class="same" head={<span class="faint">{format.plural(row.rows.length, 'message')} unchanged</span>}>
                    {() => <Chat messages={row.rows.slice(-MOST_SAME)} />}
                  </Fold>
                ) : (
                  <Chat key={i} messages={row.rows} sign={row.sign === '+' ? '+' : '−'} />
                ),
              )}
            </div>
          </>
        )}
      </div>
    </section>
  );
}

// ---- the context window ---------------------------------------------------------------------------------------------

const LARGEST = 5;
const css = (fill: Fill) => `f-${fill.replace(' ', '-')}`;

export function Window({ step, prompt }: { step: Step; prompt: Prompt }) {
  const [all, setAll] = useState(false);
  const { sums, sizes, length } = useMemo(() => {
    const sums = new Map<Fill, number>();
    const sizes = prompt.messages.map((said) => {
      let size = 0;
      for (const [fill, n] of lengthsOf(said)) {
        sums.set(fill, (sums.get(fill) ?? 0) + n);
        size += n;
      }
      return { said, size };
    });
    return { sums, sizes, length: sizes.reduce((sum, one) => sum + one.size, 0) };
  }, [prompt]);
  const known = step.prompt_tokens > 0;
  const limit = step.context_window_limit;
  const full = limit && known ? Math.max(limit, step.prompt_tokens) : null;
  const used = full ? (100 * step.prompt_tokens) / full : 100;
  const share = (n: number) => (length > 0 ? n / length : 0);
  const tokens = (n: number) => (known ? `≈ ${format.short(Math.round(share(n) * step.prompt_tokens))} tokens` : format.plural(n, 'character'));
  const shown = FILLS.filter((fill) => sums.get(fill));
  const largest = [...sizes].sort((a, b) => b.size - a.size).slice(0, all ? 40 : LARGEST);
  return (
    <section class="card" aria-label="Context window">
      <header>
        <h2>Context window</h2>
        <span class="num soft small">
          {known ? `${format.count(step.prompt_tokens)} tokens` : 'tokens unknown'}
          {limit ? ` of ${format.count(limit)}${known ? ` · ${format.percent(step.prompt_tokens / limit)}` : ''}` : ''}
        </span>
      </header>
      <div class="body">
        {length === 0 ? (
          <p class="soft">What the model was sent is not known, so neither is what filled the window.</p>
        ) : (
          <>
            <div class="fill-bar" role="img" aria-label={shown.map((fill) => `${fill} ${format.percent(share(sums.get(fill)!))}`).join(', ')}>
              <span class="used" style={{ width: `${used}%` }}>
                {shown.map((fill) => (
                  <span key={fill} class={css(fill)} style={{ width: `${100 * share(sums.get(fill)!)}%` }} title={`${fill}: ${tokens(sums.get(fill)!)}`} />
                ))}
              </span>
            </div>
            <ul class="fills">
              {shown.map((fill) => (
                <li key={fill}>
                  <span class={`swatch ${css(fill)}`} aria-hidden="true" />
                  <span>{fill}</span>
                  <span class="num soft">{tokens(sums.get(fill)!)}</span>
                  <span class="num faint">{format.percent(share(sums.get(fill)!))}</span>
                </li>
              ))}
              {full && (
                <li>
                  <span class="swatch free" aria-hidden="true" />
                  <span>free</span>
                  <span class="num soft">{format.short(full - step.prompt_tokens)} tokens</span>
                  <span class="num faint">{format.percent(1 - step.prompt_tokens / full)}</span>
                </li>
              )}
            </ul>
            <h3>Largest messages</h3>
            <ol class="largest">
              {largest.map(({ said, size }, i) => (
                <li key={i}>
                  <span class="role">{said.role}</span>
                  <bdi>{format.line(linesOf(said).slice(0, 400), 120)}</bdi>
                  <span class="num soft">{tokens(size)}</span>
                </li>
              ))}
            </ol>
            {sizes.length > LARGEST && !all && (
              <button class="link small" onClick={() => setAll(true)}>
                Show more of {format.plural(sizes.length, 'message')}
              </button>
            )}
            <p class="faint small">
              Shares follow the length of the texts{prompt.exact ? ', as the model was sent them' : ', of the messages that were recorded'}
              {prompt.cut ? ` (the last ${format.count(sizes.length)})` : ''}; definitions of tools are not among them.
            </p>
          </>
        )}
      </div>
    </section>
  );
}
