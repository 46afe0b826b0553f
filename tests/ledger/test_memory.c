/* SPDX-License-Identifier: Apache-2.0 */
/* No memory: each operation in turn, with the first allocation failing, then the second, and so on until
 * it goes through. Each time the status is clear, nothing is half done, the same sent again is fine, and
 * in the end nothing has leaked. The ledger's own allocations, and those of SQLite under it.
 */
#include "tests/ledger/memory_operations.h"
#include "tests/lib/faults.h"

/* ---- the sweep ---------------------------------------------------------------------------------- */

enum { TURNS_A_LEDGER = 64 };

typedef void order_fault(int64_t n, bool for_good);

/* Deep: every allocation. Else more and more are passed over, the first ones least. */
static int64_t next_of(int64_t at)
{
    return at + 1 + at / lt_level(5, 20, INT32_MAX);
}

/* One turn: true when the failure came too late to happen. */
static bool turn(lt *t, const operation *op, order_fault *order, unsigned n, int64_t at, bool good)
{
    sw_outcome o = {.status = SW_STATUS_OK};
    sw_status s = SW_STATUS_OK;
    int64_t head = 0;
    bool hit = false;
    if (op->prepare) {
        op->prepare(t, n);
    }
    head = lt_head(t, &t->a);
    order(at, good);
    s = op->run(t, n, &o);
    hit = faults_happened();
    order(0, false);
    if (s != SW_STATUS_OK && s != SW_STATUS_NO_MEMORY) {
        SAY("%s, allocation %lld: %s (%s)", op->name, (long long)at, status_name(s),
            t->err.message);
    }
    if (!hit && s != SW_STATUS_OK) {
        SAY("%s: no memory, and no failure was ordered", op->name);
    }
    if (s != SW_STATUS_OK && lt_head(t, &t->a) != head) {
        SAY("%s, allocation %lld: refused, and yet the journal moved", op->name, (long long)at);
    }
    if (op->writes && s != SW_STATUS_OK) {
        s = op->run(t, n, &o); /* the same again, now with memory */
        if (s != SW_STATUS_OK || o.verdict > SW_VERDICT_UPDATED) {
            SAY("%s, after allocation %lld failed: %s, %s (%s)", op->name, (long long)at,
                status_name(s), verdict_name(o.verdict), t->err.message);
        }
    }
    return !hit;
}

static void open_counted(lt *t)
{
    t->options.allocator = &faults_allocator;
    lt_open(t);
    lt_organizations(t);
    lt_run(t, &t->a, 1, lt_agent(t, &t->a, 1));
}

/* Turns in a ledger of their own, from this allocation on: the next one to fail, or 0 when all have. What turns leave
 * behind is bounded with their number: each row makes the next turn longer, and where one is allocated for each
 * row, a ledger that is never emptied has one more to offer after every turn. */
static int64_t some_turns(lt *t, const operation *op, order_fault *order, bool for_good, int64_t at)
{
    static unsigned n = 1000; /* no turn shares its steps with another */
    pool *keep = t->pool;
    bool all = false;
    t->pool = pool_new();
    open_counted(t);
    for (int i = 0; i < TURNS_A_LEDGER && !all; i++) {
        all = turn(t, op, order, n++, at, for_good);
        at = next_of(at);
        sw_memory_reset(t->memory);
    }
    CLEAN();
    lt_close(t);
    SAME(faults_alive(), 0);
    lt_empty(t);
    pool_free(&t->pool);
    t->pool = keep;
    return all ? 0 : at;
}

static void sweep_all(lt *t, order_fault *order)
{
    for (size_t i = 0; i < 2 * operation_count; i++) {
        for (int64_t at = 1; at > 0;) {
            at = some_turns(t, &operations[i / 2], order, i % 2 == 1, at);
            CHECK(at < 1000000);
        }
    }
}

static void the_ledgers_own(lt *t)
{
    sweep_all(t, faults_ledger);
}

static void sqlites(lt *t)
{
    sweep_all(t, faults_sqlite);
}

/* Whoever looks at the outcome alone must not believe that all went well. */
static void the_outcome_says_so_too(lt *t)
{
    open_counted(t);
    for (size_t i = 0; i < operation_count; i++) {
        sw_outcome o = {.status = SW_STATUS_OK};
        sw_status s = SW_STATUS_OK;
        if (operations[i].prepare) {
            operations[i].prepare(t, 500 + (unsigned)i);
        }
        faults_ledger(1, true);
        s = operations[i].run(t, 500 + (unsigned)i, &o);
        faults_ledger(0, false);
        if (operations[i].writes && s != SW_STATUS_OK &&
            (o.verdict != SW_VERDICT_REJECTED || o.status != s)) {
            SAY("%s answers %s, its outcome %s, %s", operations[i].name, status_name(s),
                verdict_name(o.verdict), status_name(o.status));
        }
    }
}

static void while_opening(lt *t)
{
    int64_t at = 1;
    t->options.allocator = &faults_allocator;
    for (;; at = next_of(at)) {
        sw_status s = SW_STATUS_OK;
        faults_ledger(at, false);
        s = lt_try_open(t);
        faults_ledger(0, false);
        if (s == SW_STATUS_OK) {
            lt_close(t);
            if (!faults_happened() || at > 100000) {
                break;
            }
            continue;
        }
        SAME(s, SW_STATUS_NO_MEMORY);
        assert_null(t->ledger);
        SAME(faults_alive(), 0);
    }
    CHECK(at > 1);
    lt_open(t);
    CLEAN();
    lt_close(t);
    SAME(faults_alive(), 0);
}

static void sqlites_while_opening(lt *t)
{
    int64_t alive = faults_sqlite_alive();
    bool hit = true;
    for (int64_t at = 1; hit; at += 1 + at / lt_level(4, 10, 50)) {
        sw_status s = SW_STATUS_OK;
        faults_sqlite(at, false);
        s = lt_try_open(t);
        hit = faults_happened();
        faults_sqlite(0, false);
        if (s != SW_STATUS_OK) {
            SAME(s, SW_STATUS_NO_MEMORY);
            assert_null(t->ledger);
        } else {
            lt_close(t);
        }
        if (faults_sqlite_alive() > alive + 50) {
            SAY("opening leaks in SQLite: %lld blocks", (long long)(faults_sqlite_alive() - alive));
        }
    }
    lt_open(t);
    CLEAN();
}

static const lt_case cases[] = {
    {"the ledger's own", the_ledgers_own, LT_CLOSED | LT_CLOCK},
    {"SQLite's", sqlites, LT_CLOSED | LT_CLOCK | LT_DISK},
    {"the outcome says so too", the_outcome_says_so_too, LT_CLOSED | LT_CLOCK},
    {"while opening", while_opening, LT_CLOSED | LT_CLOCK},
    {"SQLite's while opening", sqlites_while_opening, LT_CLOSED | LT_CLOCK | LT_DISK},
};

int main(int argc, char **argv)
{
    if (!faults_install_sqlite()) {
        return 1;
    }
    return lt_main("memory", cases, sizeof cases / sizeof cases[0], argc, argv);
}
