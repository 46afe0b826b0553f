// SPDX-License-Identifier: Apache-2.0
// How long steps took, for the rows of a list: asked for by the page, and kept for the newest some thousand.
import type { StepMetrics } from 'facts';
import { api } from '../../api';

const MOST_KEPT = 10_000;
const MOST_ASKED = 200;

export class Timings {
  #kept = new Map<string, StepMetrics | null>();
  #tell: () => void;

  constructor(tell: () => void) {
    this.#tell = tell;
  }

  // null: it has none; undefined: not known yet.
  get(id: string): StepMetrics | null | undefined {
    return this.#kept.get(id);
  }

  async want(ids: string[]): Promise<void> {
    for (let at = 0; at < ids.length; at += MOST_ASKED) {
      const some = ids.slice(at, at + MOST_ASKED);
      // Without timings the rows are there all the same; what went wrong is asked for again when they come again.
      const rows = await api<StepMetrics[]>('/v1/steps/metrics', { query: { step_id: some } }).catch(() => null);
      if (rows) {
        some.forEach((id) => this.#kept.set(id, null));
        rows.forEach((row) => this.#kept.set(row.id, row));
      }
    }
    for (const id of this.#kept.keys()) {
      if (this.#kept.size <= MOST_KEPT) {
        break;
      }
      this.#kept.delete(id);
    }
    this.#tell();
  }
}
