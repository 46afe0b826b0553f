/* SPDX-License-Identifier: Apache-2.0 */
/* Doors for tests: a ledger whose clock and random source the test orders. */
#ifndef SW_LEDGER_TESTING_H
#define SW_LEDGER_TESTING_H

#include "base/base.h"
#include "stepwell/ledger.h"

/* As sw_ledger_open; NULL clock or random: the system's. Both must outlive the ledger. */
sw_status sw__ledger_open_with(const sw_ledger_options *options, const sw_clock *clock,
                               const sw_random *random, sw_ledger **out, sw_error *err);
/* Ends what has expired by the ledger's clock, now; `ended` (may be NULL) gets how many. */
sw_status sw__ledger_reap(sw_ledger *ledger, int64_t *ended, sw_error *err);
/* Does now what is otherwise done in idle moments: removes what has expired, writes last uses of keys. */
sw_status sw__ledger_tend(sw_ledger *ledger, sw_error *err);

#endif
