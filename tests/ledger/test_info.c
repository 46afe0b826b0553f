/* SPDX-License-Identifier: Apache-2.0 */
/* What a ledger says of itself: counts that are right, and that cost no more than a bound however many
 * rows there are. Rows are multiplied by raw SQL, behind the ledger's back.
 */
#include "tests/lib/lt.h"

#include <sqlite3.h>
#include <stdio.h>

static sw_ledger_info info_of(lt *t)
{
    sw_ledger_info info;
    OK(sw_ledger_info_get(t->ledger, &info, &t->err));
    return info;
}

static void counts_are_right(lt *t)
{
    sw_str agent = lt_agent(t, &t->a, 1);
    sw_ledger_info info;
    sw_outcome o;
    for (unsigned n = 0; n < 7; n++) {
        sw_step s = n < 3 ? lt_pending(t, n) : lt_step(t, n);
        lt_log(t, n % 2 ? &t->a : &t->b, &s);
    }
    lt_run(t, &t->a, 1, agent);
    lt_run(t, &t->a, 2, agent);
    lt_run(t, &t->b, 3, lt_agent(t, &t->b, 2));
    lt_run(t, &t->a, 4, agent);
    OK(sw_run_delete(t->ledger, &t->a, lt_id(t, "run", 4), &o, &t->err));
    info = info_of(t);
    SAME(info.organizations, 3); /* and the default one */
    SAME(info.runs, 3);
    CHECK(!info.organizations_bounded && !info.pending_steps_bounded);
    SAME(info.steps, 7);
    SAME(info.pending_steps, 3);
    CHECK(info.journal_entries >= 10);
    CHECK((info.file_bytes > 0) == t->keeps);
}

static void raw(lt *t, const char *sql)
{
    sqlite3 *db = NULL;
    SAME(sqlite3_open(t->url + strlen("sqlite:"), &db), SQLITE_OK);
    if (sqlite3_exec(db, sql, NULL, NULL, NULL) != SQLITE_OK) {
        SAY("%s: %s", sql, sqlite3_errmsg(db));
    }
    SAME(sqlite3_close(db), SQLITE_OK);
}

/* However many there are: the number comes from where each organization keeps it. */
static void runs_are_summed_not_counted(lt *t)
{
    lt_run(t, &t->a, 1, lt_agent(t, &t->a, 1));
    raw(t, "UPDATE journal_heads_data SET runs = 1000000 WHERE runs = 1");
    SAME(info_of(t).runs, 1000000);
}

/* Copies of the pending step under other numbers and ids; no parent is looked up to count them. */
static void multiply_pending(lt *t, int copies)
{
    char sql[600];
    snprintf(sql, sizeof sql,
             "CREATE TEMP TABLE one AS SELECT * FROM steps_data LIMIT 1;"
             "CREATE TEMP TABLE many (i INTEGER);"
             "CREATE TEMP TRIGGER each AFTER INSERT ON many BEGIN"
             " UPDATE one SET pk = 1000000 + new.i, id = randomblob(16);"
             " INSERT INTO steps_data SELECT * FROM one; END;"
             "INSERT INTO many WITH RECURSIVE n(i) AS"
             " (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < %d) SELECT i FROM n",
             copies);
    raw(t, sql);
}

static void counting_ends_at_a_bound(lt *t)
{
    sw_step s = lt_pending(t, 1);
    if (lt_level(0, 1, 1) == 0) {
        print_message("skipped: writes 200,000 rows\n");
        skip();
    }
    lt_log(t, &t->a, &s);
    multiply_pending(t, 10);
    SAME(info_of(t).pending_steps, 11);
    CHECK(!info_of(t).pending_steps_bounded);
    raw(t, "DELETE FROM steps_data WHERE pk > 1000000");
    multiply_pending(t, SW_LIMIT_LOOK_ROWS + 5);
    SAME(info_of(t).pending_steps, SW_LIMIT_LOOK_ROWS);
    CHECK(info_of(t).pending_steps_bounded && !info_of(t).organizations_bounded);
}

static const lt_case cases[] = {
    {"counts are right", counts_are_right, 0},
    {"runs are summed, not counted", runs_are_summed_not_counted, LT_DISK},
    {"counting ends at a bound", counting_ends_at_a_bound, LT_DISK},
};

LT_MAIN("info", cases)
