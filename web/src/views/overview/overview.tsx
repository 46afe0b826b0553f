// SPDX-License-Identifier: Apache-2.0
// Overview: what all of it costs, how it goes, and what moved.
import { useState } from 'preact/hooks';
import { useKeys } from '../../keys';
import { useQuery } from '../../route';
import { Head } from '../../ui';
import { filtersOf } from '../../usage';
import { SumsBody, useDimension, useRange } from './body';
import { useSums } from './data';
import { FilterChips, RangePicker } from './parts';

export function Overview() {
  const [query] = useQuery();
  const [turn, setTurn] = useState(0);
  const { range, now } = useRange(turn);
  const filters = filtersOf(query);
  const dimension = useDimension('model');
  const sums = useSums(dimension.by, range, now, filters);
  const anew = () => {
    setTurn(turn + 1);
    sums.reload();
  };
  useKeys('Overview', [{ keys: 'r', doc: 'Sum anew', run: anew }]);
  return (
    <section class="page sums-page">
      <Head title="Overview">
        <RangePicker range={range} />
      </Head>
      <FilterChips filters={filters} />
      <SumsBody sums={sums} dimension={dimension} filters={filters} />
    </section>
  );
}
