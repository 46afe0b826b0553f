// SPDX-License-Identifier: Apache-2.0
// Listens to a stream of server-sent events. Like the browser's EventSource, but through fetch: it says why it is not
// connected, can be ended and taken up where it was (Last-Event-ID), and waits longer each time it fails.
import { ApiError, OWN_HEADER, asError, signedOut } from './api';

export interface LiveEvent {
  id: string;
  event: string;
  data: string;
}

export type LiveState = 'connecting' | 'open' | 'waiting' | 'refused';

export interface Listener {
  onEvent(event: LiveEvent): void;
  onState?(state: LiveState, error?: ApiError): void;
}

const SHORTEST_MS = 500;
const LONGEST_MS = 15_000;

// The events of a text in pieces; what is unfinished stays for the next piece.
export function eventReader(onEvent: (event: LiveEvent) => void): (piece: string) => void {
  let rest = '';
  let event: LiveEvent = { id: '', event: '', data: '' };
  const field = (name: string, value: string) => {
    if (name === 'data') {
      event.data += `${value}\n`;
    } else if (name === 'id' || name === 'event') {
      event[name] = value;
    }
  };
  return (piece) => {
    const lines = (rest + piece).split('\n');
    rest = lines.pop() ?? '';
    for (const raw of lines) {
      const line = raw.endsWith('\r') ? raw.slice(0, -1) : raw;
      const colon = line.indexOf(':');
      if (line !== '') {
        field(colon < 0 ? line : line.slice(0, colon), colon < 0 ? '' : line.slice(colon + 1).replace(/^ /, ''));
        continue;
      }
      if (event.data) {
        onEvent({ ...event, data: event.data.slice(0, -1) });
      }
      event = { id: '', event: '', data: '' };
    }
  };
}

// Listens until the returned function is called. `after`: the id behind which to go on.
export function listen(path: string, { onEvent, onState }: Listener, after?: string): () => void {
  const stop = new AbortController();
  let last = after;
  let wait = SHORTEST_MS;
  let timer = 0;

  const tell = (state: LiveState, error?: ApiError) => stop.signal.aborted || onState?.(state, error);
  const later = (error?: ApiError) => {
    const refused = error !== undefined && !error.again;
    tell(refused ? 'refused' : 'waiting', error);
    if (!refused && !stop.signal.aborted) {
      timer = window.setTimeout(run, Math.max(wait, error?.waitMs ?? 0));
      wait = Math.min(wait * 2, LONGEST_MS);
    }
  };

  async function read(response: Response): Promise<void> {
    const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader();
    const feed = eventReader((event) => {
      last = event.id || last;
      wait = SHORTEST_MS;
      if (!stop.signal.aborted) {
        onEvent(event);
      }
    });
    for (let piece = await reader.read(); !piece.done; piece = await reader.read()) {
      feed(piece.value);
    }
  }

  async function run(): Promise<void> {
    tell('connecting');
    try {
      const response = await fetch(path, {
        headers: { Accept: 'text/event-stream', ...OWN_HEADER, ...(last ? { 'Last-Event-ID': last } : {}) },
        signal: stop.signal,
        credentials: 'same-origin',
        cache: 'no-store',
      });
      if (!response.ok) {
        if (response.status === 401) {
          signedOut.set(signedOut.get() + 1);
        }
        later(new ApiError(`The server answered ${response.status}.`, response.status));
        return;
      }
      tell('open');
      await read(response);
      later();
    } catch (error) {
      if (!stop.signal.aborted) {
        later(asError(error));
      }
    }
  }

  void run();
  return () => {
    stop.abort();
    clearTimeout(timer);
  };
}
