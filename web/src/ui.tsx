// SPDX-License-Identifier: Apache-2.0
// The small parts that pages are made of. What comes from steps reaches the document as text only.
import type { ComponentChildren, JSX } from 'preact';
import { useEffect, useId, useLayoutEffect, useRef, useState } from 'preact/hooks';
import type { ApiError } from './api';
import * as format from './format';
import { useKeys } from './keys';
import { followHere } from './route';
import { toast } from './toast';

// ---- icons: strokes on a grid of 16, in the colour of the text ------------------------------------------------------

const ICONS = {
  cross: 'M4 4l8 8M12 4l-8 8',
  check: 'M3 8.5l3.5 3.5L13 4.5',
  search: 'M7 2.5a4.5 4.5 0 1 1 0 9 4.5 4.5 0 0 1 0-9M10.4 10.4L14 14',
  menu: 'M2.5 4.5h11M2.5 8h11M2.5 11.5h11',
  sun: 'M8 5.2a2.8 2.8 0 1 1 0 5.6 2.8 2.8 0 0 1 0-5.6M8 1.2v1.6M8 13.2v1.6M1.2 8h1.6M13.2 8h1.6M3.2 3.2l1.1 1.1M11.7 11.7l1.1 1.1M3.2 12.8l1.1-1.1M11.7 4.3l1.1-1.1',
  moon: 'M13 9.6A5.6 5.6 0 1 1 6.4 3a4.6 4.6 0 0 0 6.6 6.6z',
  screen: 'M2 3h12v8H2zM6 13.5h4',
  keyboard: 'M1.5 4h13v8.5h-13zM4 6.7h.01M6.7 6.7h.01M9.3 6.7h.01M12 6.7h.01M5 9.8h6',
  copy: 'M5.5 5.5h7v8h-7zM3.5 10.5v-8h7',
  down: 'M4 6l4 4 4-4',
  right: 'M6 4l4 4-4 4',
  left: 'M10 4L6 8l4 4',
  pause: 'M5.5 3.5v9M10.5 3.5v9',
  play: 'M5 3.5l7.5 4.5L5 12.5z',
  columns: 'M2.5 3h11v10h-11zM6.2 3v10M9.8 3v10',
  filter: 'M2 3.5h12L9.5 9v4l-3-1.5V9z',
  up: 'M5 7.5V13H2.5V7.5zM5 7.5l3-5c1.5 0 1.8 1 1.5 2.2L9 6.5h3.6c.8 0 1.2.7 1 1.4l-1.1 4.1c-.2.6-.6 1-1.2 1H5',
  thumbsdown: 'M5 8.5V3H2.5v5.5zM5 8.5l3 5c1.5 0 1.8-1 1.5-2.2L9 9.5h3.6c.8 0 1.2-.7 1-1.4l-1.1-4.1c-.2-.6-.6-1-1.2-1H5',
  star: 'M8 2l1.8 3.8 4.2.5-3.1 2.8.9 4.1L8 11.1l-3.8 2.1.9-4.1L2 6.3l4.2-.5z',
  link: 'M6.5 9.5l3-3M7 4.5l1.2-1.2a2.8 2.8 0 0 1 4 4L11 8.5M9 11.5l-1.2 1.2a2.8 2.8 0 0 1-4-4L5 7.5',
  more: 'M3.5 8h.01M8 8h.01M12.5 8h.01',
  out: 'M6 2.5H3v11h3M9 5l3.5 3L9 11M12 8H6',
  again: 'M13 8a5 5 0 1 1-1.5-3.6M13 2v3h-3',
  chart: 'M2.5 13.5h11M4.5 11V8M8 11V4M11.5 11V6.5',
};
export type IconName = keyof typeof ICONS;

export const Icon = ({ name }: { name: IconName }) => (
  <svg class="svg" viewBox="0 0 16 16" aria-hidden="true" focusable="false">
    <path d={ICONS[name]} />
  </svg>
);

// ---- links and buttons ----------------------------------------------------------------------------------------------

type LinkProps = JSX.AnchorHTMLAttributes<HTMLAnchorElement> & { to: string };

// To another address of the dashboard.
export const Link = ({ to, children, ...rest }: LinkProps) => (
  <a {...rest} href={to} onClick={followHere}>
    {children}
  </a>
);

// To somewhere else, named by what a step says: only http and https are followed, the rest is text.
export function OutLink({ href }: { href: string | null | undefined }) {
  const safe = format.safeLink(href);
  return safe ? (
    <a href={safe} target="_blank" rel="noopener noreferrer nofollow">
      <bdi>{href}</bdi>
    </a>
  ) : (
    <bdi>{href ?? format.NOTHING}</bdi>
  );
}

export async function copy(text: string, what = 'Copied'): Promise<void> {
  try {
    await navigator.clipboard.writeText(text);
    toast(what);
  } catch {
    toast('The browser does not let this page copy; select the text and copy it yourself.', { bad: true });
  }
}

export const CopyButton = ({ text, label = 'Copy' }: { text: string | (() => string); label?: string }) => (
  <button class="icon" aria-label={label} title={label} onClick={() => void copy(typeof text === 'string' ? text : text())}>
    <Icon name="copy" />
  </button>
);

// ---- states of a page -----------------------------------------------------------------------------------------------

export const Loading = ({ what = 'Loading' }: { what?: string }) => (
  <div class="loading" role="status">
    <span class="spinner" aria-hidden="true" /> {what}…
  </div>
);

export function ErrorBox({ error, retry, title = 'This could not be loaded' }: { error: ApiError | Error; retry?: (() => void) | undefined; title?: string }) {
  return (
    <div class="box error" role="alert">
      <strong>{title}</strong>
      <p>
        <bdi>{error.message}</bdi>
      </p>
      {retry && <button onClick={retry}>Try again</button>}
    </div>
  );
}

export const Empty = ({ title, children }: { title: string; children?: ComponentChildren }) => (
  <div class="box empty">
    <strong>{title}</strong>
    {children}
  </div>
);

// ---- values ---------------------------------------------------------------------------------------------------------

// The whole time with its zone is the title, made when somebody points there.
export const Time = ({ at, whole = false }: { at: string | null | undefined; whole?: boolean }) =>
  at ? (
    <time dateTime={at} onPointerMove={(event) => (event.currentTarget.title = `${format.time(at)}, ${format.ago(at)}`)}>
      {whole ? format.time(at) : format.timeShort(at)}
    </time>
  ) : (
    <span class="faint">{format.NOTHING}</span>
  );

// An id in full, to be copied; `to` leads to what it names.
export const Id = ({ id, to, short = false }: { id: string | null | undefined; to?: string | undefined; short?: boolean }) =>
  id ? (
    <span class="id" title={id}>
      {to ? <Link to={to}>{short ? format.shortId(id) : id}</Link> : <span>{short ? format.shortId(id) : id}</span>}
      <CopyButton text={id} label={`Copy ${id}`} />
    </span>
  ) : (
    <span class="faint">{format.NOTHING}</span>
  );

export const Money = ({ nano }: { nano: number | null | undefined }) => (
  <span class={nano === null || nano === undefined ? 'faint' : 'num'} title={nano === null || nano === undefined ? 'cost unknown' : `${nano} nano-dollars`}>
    {format.money(nano)}
  </span>
);

// What is known of one thing, a word above each value.
export const Particulars = ({ facts, grid = false }: { facts: readonly (readonly [string, ComponentChildren])[]; grid?: boolean }) => (
  <dl class={`particulars ${grid ? 'in-grid' : ''}`}>
    {facts.map(([word, value]) => (
      <div key={word}>
        <dt>{word}</dt>
        <dd>{value}</dd>
      </div>
    ))}
  </dl>
);

// Status by colour, shape and word. The words of all closed lists that say how something stands.
const SHAPES: Record<string, [string, string]> = {
  success: ['good', 'M3 8.5l3.5 3.5L13 4.5'],
  completed: ['good', 'M3 8.5l3.5 3.5L13 4.5'],
  delivered: ['good', 'M3 8.5l3.5 3.5L13 4.5'],
  failed: ['bad', 'M4 4l8 8M12 4l-8 8'],
  cancelled: ['off', 'M3.5 8h9'],
  pending: ['wait', 'M8 2.5a5.5 5.5 0 1 1 0 11 5.5 5.5 0 0 1 0-11M8 5v3.2l2 1.3'],
  running: ['wait', 'M8 2.5a5.5 5.5 0 1 1 0 11 5.5 5.5 0 0 1 0-11M8 5v3.2l2 1.3'],
  created: ['off', 'M8 8h.01'],
  valid: ['good', 'M3 8.5l3.5 3.5L13 4.5'],
  active: ['good', 'M3 8.5l3.5 3.5L13 4.5'],
  ok: ['good', 'M3 8.5l3.5 3.5L13 4.5'],
  stopped: ['off', 'M5.5 3.5v9M10.5 3.5v9'],
  revoked: ['off', 'M3.5 8h9'],
  expired: ['off', 'M3.5 8h9'],
};

export function Status({ word, bare = false }: { word: string; bare?: boolean }) {
  const [tone, path] = SHAPES[word] ?? ['off', 'M8 8h.01'];
  return (
    <span class={`status ${tone}`} title={word}>
      <svg class="svg" viewBox="0 0 16 16" aria-hidden="true">
        <path d={path} />
      </svg>
      <span class={bare ? 'unseen' : ''}>{word}</span>
    </span>
  );
}

export const Tag = ({ children, to, onRemove }: { children: string; to?: string; onRemove?: () => void }) => (
  <span class="tag">
    {to ? (
      <Link to={to}>
        <bdi>{children}</bdi>
      </Link>
    ) : (
      <bdi>{children}</bdi>
    )}
    {onRemove && (
      <button class="icon" aria-label={`Remove tag ${children}`} onClick={onRemove}>
        <Icon name="cross" />
      </button>
    )}
  </span>
);

// ---- tokens ---------------------------------------------------------------------------------------------------------

export interface Buckets {
  prompt_tokens: number;
  completion_tokens: number;
  cached_input_tokens: number | null;
  cache_write_tokens: number | null;
  reasoning_tokens: number | null;
}

export const BUCKETS = [
  ['uncached', 'uncached input'],
  ['cached', 'read from cache'],
  ['written', 'written to cache'],
  ['output', 'output'],
  ['reasoning', 'reasoning'],
] as const;

// The prompt is uncached + cached + written, the completion output + reasoning (promise P6).
export function bucketsOf(step: Buckets): number[] {
  const cached = step.cached_input_tokens ?? 0;
  const written = step.cache_write_tokens ?? 0;
  const reasoning = step.reasoning_tokens ?? 0;
  return [Math.max(0, step.prompt_tokens - cached - written), cached, written, Math.max(0, step.completion_tokens - reasoning), reasoning];
}

export const bucketsText = (parts: number[]) =>
  BUCKETS.map(([, word], i) => (parts[i] ? `${format.count(parts[i])} ${word}` : '')).filter(Boolean).join(', ') || 'no tokens';

// The parts to scale; `most` is what fills the bar.
export function TokenBar({ step, most }: { step: Buckets; most?: number }) {
  const parts = bucketsOf(step);
  const whole = Math.max(1, most ?? 0, parts.reduce((sum, n) => sum + n, 0));
  return (
    <span class="tokens" role="img" aria-label={bucketsText(parts)} title={bucketsText(parts)}>
      {BUCKETS.map(([name], i) => (parts[i] ? <span key={name} class={`part ${name}`} style={{ width: `${(100 * parts[i]!) / whole}%` }} /> : null))}
    </span>
  );
}

export const TokenLegend = () => (
  <ul class="legend">
    {BUCKETS.map(([name, word]) => (
      <li key={name}>
        <span class={`swatch ${name}`} aria-hidden="true" /> {word}
      </li>
    ))}
  </ul>
);

// ---- dialogs and menus ----------------------------------------------------------------------------------------------

interface DialogProps {
  title: string;
  onClose(): void;
  children: ComponentChildren;
  wide?: boolean;
  bare?: boolean; // without the head, for what has a title of its own
}

// While it is there it is open; Escape and a click beside it close it.
export function Dialog({ title, onClose, children, wide = false, bare = false }: DialogProps) {
  const at = useRef<HTMLDialogElement>(null);
  useLayoutEffect(() => {
    const before = document.activeElement as HTMLElement | null;
    at.current?.showModal();
    return () => before?.isConnected && before.focus();
  }, []);
  useKeys(title, [{ keys: 'Escape', doc: 'Close', run: onClose }]);
  return (
    <dialog
      ref={at}
      class={`dialog ${wide ? 'wide' : ''} ${bare ? 'bare' : ''}`}
      aria-label={title}
      onCancel={(event) => (event.preventDefault(), onClose())}
      onClick={(event) => event.target === at.current && onClose()}
    >
      <div class="inside">
        {!bare && (
          <header>
            <h2>{title}</h2>
            <button class="icon" aria-label="Close" onClick={onClose}>
              <Icon name="cross" />
            </button>
          </header>
        )}
        {children}
      </div>
    </dialog>
  );
}

// A button with something under it, which stays open until one clicks elsewhere or presses Escape.
export function Popover({ label, icon, text, children, align = 'left' }: { label: string; icon?: IconName; text?: string; children: (close: () => void) => ComponentChildren; align?: 'left' | 'right' }) {
  const [open, setOpen] = useState(false);
  const at = useRef<HTMLDivElement>(null);
  useEffect(() => {
    const away = (event: Event) => at.current?.contains(event.target as Node) || setOpen(false);
    if (open) {
      addEventListener('pointerdown', away);
    }
    return () => removeEventListener('pointerdown', away);
  }, [open]);
  const close = () => {
    setOpen(false);
    at.current?.querySelector('button')?.focus();
  };
  useKeys(label, [{ keys: 'Escape', doc: 'Close', run: close, hidden: true }], open);
  return (
    <div class="popover" ref={at}>
      <button aria-expanded={open} aria-haspopup="true" aria-label={text ? undefined : label} title={label} class={text ? '' : 'icon'} onClick={() => setOpen(!open)}>
        {icon && <Icon name={icon} />}
        {text}
      </button>
      {open && (
        <div class={`panel ${align}`} role="group" aria-label={label}>
          {children(close)}
        </div>
      )}
    </div>
  );
}

// ---- forms ----------------------------------------------------------------------------------------------------------

// A label over a field; `error` is what the server says of it.
export function Labelled({ label, hint, error, children }: { label: string; hint?: string; error?: string | undefined; children: ComponentChildren }) {
  const at = useRef<HTMLDivElement>(null);
  const id = useId();
  useEffect(() => at.current?.querySelector('input, select, textarea')?.setAttribute('aria-describedby', id), []);
  return (
    <div class={`labelled ${error ? 'wrong' : ''}`} ref={at}>
      <label>
        <span>{label}</span>
        {children}
      </label>
      <small id={id} role={error ? 'alert' : undefined}>
        {error ?? hint}
      </small>
    </div>
  );
}

// The head of a page: what it is, and what can be done there.
export const Head = ({ title, children }: { title: ComponentChildren; children?: ComponentChildren }) => (
  <header class="head">
    <h1>{title}</h1>
    <div class="actions">{children}</div>
  </header>
);
