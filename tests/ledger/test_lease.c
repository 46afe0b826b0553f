/* SPDX-License-Identifier: Apache-2.0 */
/* Leases (promise P4): a pending step whose owner falls silent ends as failed / Abandoned, exactly once,
 * also after a restart, and never because somebody set the clock. Time here is the test's own.
 */
#include "tests/lib/lt.h"

enum { LEASE = SW_LIMIT_LEASE_SECONDS_DEFAULT };

static int64_t reap(lt *t)
{
    int64_t ended = -1;
    OK(sw__ledger_reap(t->ledger, &ended, &t->err));
    return ended;
}

static sw_str begin(lt *t, unsigned n, int64_t seconds)
{
    sw_step_entry e = {.step = lt_pending(t, n), .lease_seconds = seconds};
    lt_log_entry(t, &t->a, &e);
    return e.step.id;
}

static int64_t status_of(lt *t, sw_str id)
{
    return lt_get(t, &t->a, id).status.value;
}

static void expect_abandoned(lt *t, sw_str id)
{
    sw_step s = lt_get(t, &t->a, id);
    SAME(s.status.value, SW_STEP_STATUS_FAILED);
    TEXT(s.error_type, "Abandoned");
    CHECK(!s.lease_expires_at.known);
}

static size_t entries_about(lt *t, sw_str id, int64_t what)
{
    lt_rows rows = lt_journal(t, &t->a, 0);
    size_t found = 0;
    for (size_t i = 0; i < rows.count; i++) {
        const sw_journal *entry = rows.at[i];
        found += sw_str_eq(entry->record_id, id) && entry->what.value == what;
    }
    return found;
}

static void a_silent_step_is_abandoned_once(lt *t)
{
    sw_str id = begin(t, 1, 0);
    SAME(reap(t), 0);
    lt_advance(t, LEASE - 1, LEASE - 1);
    SAME(reap(t), 0);
    SAME(status_of(t, id), SW_STEP_STATUS_PENDING);
    lt_advance(t, 2, 2);
    SAME(reap(t), 1);
    expect_abandoned(t, id);
    SAME(reap(t), 0);
    lt_advance(t, LEASE * 10, LEASE * 10);
    SAME(reap(t), 0);
    SAME(entries_about(t, id, SW_CHANGE_ABANDONED), 1);
    SAME(entries_about(t, id, SW_CHANGE_FAILED), 0);
    SAME(lt_total(t, &t->a).failed_steps, 1);
    SAME(lt_total(t, &t->a).num_steps, 1);
    CLEAN();
}

static void only_what_expired_is_abandoned(lt *t)
{
    sw_str shorter = begin(t, 1, 10), longer = begin(t, 2, 100), done = begin(t, 3, 10);
    sw_step_entry end = {.step = {.status = sw_int_of(SW_STEP_STATUS_SUCCESS)}};
    sw_outcome o;
    OK(sw_step_end(t->ledger, &t->a, done, &end, &o, &t->err));
    lt_advance(t, 50, 50);
    SAME(reap(t), 1);
    expect_abandoned(t, shorter);
    SAME(status_of(t, longer), SW_STEP_STATUS_PENDING);
    SAME(status_of(t, done), SW_STEP_STATUS_SUCCESS);
    lt_advance(t, 51, 51);
    SAME(reap(t), 1);
    expect_abandoned(t, longer);
    CLEAN();
}

static void a_renewed_step_lives(lt *t)
{
    sw_str id = begin(t, 1, 60);
    int64_t head = lt_head(t, &t->a);
    sw_outcome o;
    for (int i = 0; i < 10; i++) {
        lt_advance(t, 50, 50);
        OK(sw_step_renew(t->ledger, &t->a, id, 60, &o, &t->err));
        SAME(o.seq, 0);
        SAME(lt_get(t, &t->a, id).lease_expires_at.value, t->wall + INT64_C(60000000));
        SAME(reap(t), 0);
    }
    SAME(lt_head(t, &t->a), head);
    OK(sw_step_renew(t->ledger, &t->a, id, 0, &o, &t->err));
    lt_advance(t, LEASE - 1, LEASE - 1);
    SAME(reap(t), 0);
    lt_advance(t, 2, 2);
    SAME(reap(t), 1);
    expect_abandoned(t, id);
    CLEAN();
}

static void a_lease_has_bounds(lt *t)
{
    sw_str id = begin(t, 1, 60);
    int64_t before = lt_get(t, &t->a, id).lease_expires_at.value;
    sw_outcome o;
    CHECK(sw_step_renew(t->ledger, &t->a, id, SW_LIMIT_LEASE_SECONDS + 1, &o, &t->err) !=
          SW_STATUS_OK);
    VERDICT(o, REJECTED);
    CHECK(sw_step_renew(t->ledger, &t->a, id, -1, &o, &t->err) != SW_STATUS_OK);
    SAME(lt_get(t, &t->a, id).lease_expires_at.value, before);
    OK(sw_step_renew(t->ledger, &t->a, id, SW_LIMIT_LEASE_SECONDS, &o, &t->err));
}

static void an_ended_step_cannot_be_renewed(lt *t)
{
    sw_step s = lt_step(t, 1);
    sw_outcome o;
    lt_log(t, &t->a, &s);
    IS(SW_STATUS_ILLEGAL_MOVE, sw_step_renew(t->ledger, &t->a, s.id, 10, &o, &t->err));
    NAMES(&t->err, "success");
    IS(SW_STATUS_NOT_FOUND, sw_step_renew(t->ledger, &t->a, lt_id(t, "step", 9), 10, &o, &t->err));
    CHECK(!lt_get(t, &t->a, s.id).lease_expires_at.known);
}

static void an_abandoned_step_stays_so(lt *t)
{
    sw_str id = begin(t, 1, 10);
    sw_step_entry end = {.step = {.status = sw_int_of(SW_STEP_STATUS_SUCCESS)}};
    sw_outcome o;
    lt_advance(t, 11, 11);
    SAME(reap(t), 1);
    IS(SW_STATUS_ILLEGAL_MOVE, sw_step_end(t->ledger, &t->a, id, &end, &o, &t->err));
    VERDICT(o, CONFLICT);
    NAMES(&t->err, "failed");
    NAMES(&t->err, "success");
    expect_abandoned(t, id);
}

static void the_same_send_again_does_not_revive(lt *t)
{
    sw_step_entry e = {.step = lt_pending(t, 1), .lease_seconds = 10};
    sw_outcome o;
    lt_log_entry(t, &t->a, &e);
    lt_advance(t, 11, 11);
    SAME(reap(t), 1);
    o = lt_try(t, &t->a, &e);
    VERDICT(o, UNCHANGED);
    expect_abandoned(t, e.step.id);
}

static void a_jump_of_the_wall_clock_ends_nothing(lt *t)
{
    sw_str id = begin(t, 1, 60);
    lt_advance(t, 86400 * 365, 1); /* somebody set the clock a year ahead */
    SAME(reap(t), 0);
    SAME(status_of(t, id), SW_STEP_STATUS_PENDING);
    lt_advance(t, -86400 * 730, 10); /* and two years back */
    SAME(reap(t), 0);
    SAME(status_of(t, id), SW_STEP_STATUS_PENDING);
    lt_advance(t, 60, 60); /* more than a minute has passed in truth */
    SAME(reap(t), 1);
    expect_abandoned(t, id);
}

static void renewing_after_a_jump_counts_from_now(lt *t)
{
    sw_str id = begin(t, 1, 60);
    sw_outcome o;
    lt_advance(t, -3600, 30);
    SAME(reap(t), 0);
    OK(sw_step_renew(t->ledger, &t->a, id, 60, &o, &t->err));
    lt_advance(t, 59, 59);
    SAME(reap(t), 0);
    lt_advance(t, 2, 2);
    SAME(reap(t), 1);
    expect_abandoned(t, id);
}

static void a_restart_forgets_no_lease(lt *t)
{
    sw_str expired = begin(t, 1, 60), alive = begin(t, 2, 600);
    lt_close(t);
    lt_advance(t, 120, 0);
    t->mono = 5; /* another process: its monotonic clock began elsewhere */
    lt_open(t);
    lt_advance(t, 1, 1);
    (void)reap(t);
    /* A careful ledger may give a lease that expired while nobody looked a last chance; not for longer
     * than the lease itself. */
    lt_advance(t, 61, 61);
    (void)reap(t);
    expect_abandoned(t, expired);
    SAME(status_of(t, alive), SW_STEP_STATUS_PENDING);
    SAME(entries_about(t, expired, SW_CHANGE_ABANDONED), 1);
    lt_reopen(t);
    (void)reap(t);
    SAME(entries_about(t, expired, SW_CHANGE_ABANDONED), 1);
    lt_advance(t, 700, 700);
    (void)reap(t);
    expect_abandoned(t, alive);
    SAME(lt_total(t, &t->a).failed_steps, 2);
    CLEAN();
}

static void two_reapers_do_no_harm(lt *t)
{
    sw_str id = begin(t, 1, 10);
    sw_ledger *first = t->ledger;
    int64_t other = -1;
    lt_open(t); /* a second handle on the same file */
    lt_advance(t, 11, 11);
    OK(sw__ledger_reap(first, &other, &t->err));
    SAME(other + reap(t), 1);
    expect_abandoned(t, id);
    SAME(entries_about(t, id, SW_CHANGE_ABANDONED), 1);
    sw_ledger_close(&first);
    CLEAN();
}

static void many_leases_end_together(lt *t)
{
    enum { MANY = 2500 };
    sw_step_entry *e = pool_alloc(t->pool, MANY * sizeof *e);
    sw_outcome *o = pool_alloc(t->pool, MANY * sizeof *o);
    int64_t ended = 0;
    for (unsigned i = 0; i < MANY; i++) {
        e[i].step = lt_pending(t, i);
        e[i].lease_seconds = 10;
    }
    OK(sw_step_log(t->ledger, &t->a, e, MANY, true, o, &t->err));
    lt_advance(t, 11, 11);
    for (int64_t n = reap(t); n > 0; n = reap(t)) {
        ended += n;
    }
    SAME(ended, MANY);
    SAME(lt_total(t, &t->a).failed_steps, MANY);
    CLEAN();
}

static const lt_case cases[] = {
    {"a silent step is abandoned once", a_silent_step_is_abandoned_once, LT_CLOCK},
    {"only what expired is abandoned", only_what_expired_is_abandoned, LT_CLOCK},
    {"a renewed step lives", a_renewed_step_lives, LT_CLOCK},
    {"a lease has bounds", a_lease_has_bounds, LT_CLOCK},
    {"an ended step cannot be renewed", an_ended_step_cannot_be_renewed, LT_CLOCK},
    {"an abandoned step stays so", an_abandoned_step_stays_so, LT_CLOCK},
    {"the same send again does not revive", the_same_send_again_does_not_revive, LT_CLOCK},
    {"a jump of the wall clock ends nothing", a_jump_of_the_wall_clock_ends_nothing, LT_CLOCK},
    {"renewing after a jump counts from now", renewing_after_a_jump_counts_from_now, LT_CLOCK},
    {"a restart forgets no lease", a_restart_forgets_no_lease, LT_CLOCK | LT_KEEPS},
    {"two reapers do no harm", two_reapers_do_no_harm, LT_CLOCK | LT_KEEPS},
    {"many leases end together", many_leases_end_together, LT_CLOCK},
};

LT_MAIN("lease", cases)
