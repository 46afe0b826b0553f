// SPDX-License-Identifier: Apache-2.0
// Steps: every model call, one row each.
import type { Step } from 'facts';
import { list } from '../api';
import * as format from '../format';
import { useRoute } from '../route';
import { ErrorBox, Head, Loading, Money, Status, Time, TokenBar } from '../ui';
import { useWalk, VirtualList } from '../virtual';

const ROW_PX = 32;

export function Steps() {
  const { query } = useRoute();
  const filters = query.toString();
  const walk = useWalk<Step>(filters, {
    load: (after, limit, signal) => list<Step>(`/v1/steps/?${filters}`, { query: { after, limit }, signal }),
    idOf: (step) => step.id,
  });
  const row = (i: number) => {
    const step = walk.row(i);
    return (
      <div key={i} class="row" role="row">
        {step && (
          <>
            <span role="gridcell"><Time at={step.created_at} /></span>
            <span role="gridcell"><Status word={step.status} /></span>
            <span role="gridcell"><bdi>{step.model}</bdi></span>
            <span role="gridcell" class="wide"><bdi>{format.line(step.output_preview ?? step.input_preview)}</bdi></span>
            <span role="gridcell"><TokenBar step={step} /></span>
            <span role="gridcell"><Money nano={step.cost_nano_usd} /></span>
          </>
        )}
      </div>
    );
  };
  return (
    <section class="page full">
      <Head title="Steps" />
      {walk.error && <ErrorBox error={walk.error} retry={() => walk.retry()} />}
      <div class="grid" role="grid" aria-label="Steps">
        <VirtualList count={walk.count} rowHeight={ROW_PX} row={row} onReach={(last) => walk.reach(last)} foot={walk.loading && <Loading />} />
      </div>
    </section>
  );
}
