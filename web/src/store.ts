// SPDX-License-Identifier: Apache-2.0
// A value that several parts look at: whoever uses it is drawn again when it is another. Knows nothing of what it holds.
import { useEffect, useState } from 'preact/hooks';

export interface Store<T> {
  get(): T;
  set(next: T): void;
  subscribe(look: (value: T) => void): () => void;
}

export function makeStore<T>(first: T): Store<T> {
  let value = first;
  const lookers = new Set<(value: T) => void>();
  return {
    get: () => value,
    set(next) {
      if (next !== value) {
        value = next;
        for (const look of [...lookers]) {
          look(next);
        }
      }
    },
    subscribe(look) {
      lookers.add(look);
      return () => lookers.delete(look);
    },
  };
}

export function useStore<T>(store: Store<T>): T {
  const [value, setValue] = useState(store.get());
  useEffect(() => {
    setValue(store.get());
    return store.subscribe(setValue);
  }, [store]);
  return value;
}
