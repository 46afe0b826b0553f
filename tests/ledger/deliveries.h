/* SPDX-License-Identifier: Apache-2.0 */
/* Short ways to what test_subscriptions.c and test_deliveries.c both need. */
#ifndef TESTS_LEDGER_DELIVERIES_H
#define TESTS_LEDGER_DELIVERIES_H

#include "tests/lib/lt.h"

/* Subscription n to the events (a JSON array; NULL: all) of the project (NULL: all); its id. */
sw_str subscribe(lt *t, const sw_actor *actor, unsigned n, const char *events, const char *project);
lt_rows deliveries(lt *t, const sw_actor *actor);
/* The one that there is. */
const sw_delivery *only(lt *t, const sw_actor *actor);
/* Claims up to so many for a minute; how many there were. `out` may be NULL. */
size_t claim(lt *t, int64_t limit, sw_delivery **out);
/* Moves the run of actor a. */
void finish_run(lt *t, sw_str id, int64_t status);

#endif
