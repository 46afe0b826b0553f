// SPDX-License-Identifier: Apache-2.0
// What came to a list and what went from it: the longest part that both have, in order. Long lists whose middle is another
// are not searched for it, because that takes the square of their length: there all of the one went, all of the other came.
export interface Change<T> {
  sign: '=' | '+' | '-';
  row: T;
}

const MOST_SQUARE = 4_000_000;

export function diff<T>(before: readonly T[], after: readonly T[], keyOf: (row: T) => string): Change<T>[] {
  const a = before.map(keyOf);
  const b = after.map(keyOf);
  let from = 0;
  while (from < a.length && from < b.length && a[from] === b[from]) {
    from++;
  }
  let tail = 0;
  while (tail < a.length - from && tail < b.length - from && a[a.length - 1 - tail] === b[b.length - 1 - tail]) {
    tail++;
  }
  const same = (rows: readonly T[]): Change<T>[] => rows.map((row) => ({ sign: '=', row }));
  return [...same(after.slice(0, from)), ...middle(before, after, a, b, from, a.length - tail, b.length - tail), ...same(after.slice(b.length - tail))];
}

function middle<T>(before: readonly T[], after: readonly T[], a: string[], b: string[], from: number, endA: number, endB: number): Change<T>[] {
  const rows = endA - from;
  const columns = endB - from;
  const out: Change<T>[] = [];
  let i = from;
  let j = from;
  if (rows * columns > 0 && rows * columns <= MOST_SQUARE) {
    // How long the longest common part is of what follows (i, j).
    const wide = columns + 1;
    const best = new Uint16Array((rows + 1) * wide);
    for (let y = rows - 1; y >= 0; y--) {
      for (let x = columns - 1; x >= 0; x--) {
        best[y * wide + x] = a[from + y] === b[from + x] ? best[(y + 1) * wide + x + 1]! + 1 : Math.max(best[(y + 1) * wide + x]!, best[y * wide + x + 1]!);
      }
    }
    while (i < endA && j < endB) {
      const at = (i - from) * wide + (j - from);
      if (a[i] === b[j]) {
        out.push({ sign: '=', row: after[j]! });
        i++;
        j++;
      } else if (best[at + wide]! >= best[at + 1]!) {
        out.push({ sign: '-', row: before[i++]! });
      } else {
        out.push({ sign: '+', row: after[j++]! });
      }
    }
  }
  return [...out, ...before.slice(i, endA).map((row): Change<T> => ({ sign: '-', row })), ...after.slice(j, endB).map((row): Change<T> => ({ sign: '+', row }))];
}
