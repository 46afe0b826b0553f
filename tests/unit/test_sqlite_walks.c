/* SPDX-License-Identifier: Apache-2.0 */
/* Which index a scan walks, and what it sorts: SQLite is asked for its plan of the statement. */
#include "tests/unit/sqlite_place.h"

/* ---- walks -------------------------------------------------------------------------------------- */

/* Which index a scan walks, and what it sorts: the fields bound by EQ, the order, and what the plan must
 * name. */
typedef struct walk {
    sw_record_id record;
    uint8_t equal[3];
    uint8_t equal_count;
    uint8_t order[3];
    uint8_t order_count;
    int64_t number; /* the value of the last EQ, when it is a number */
    const char *index;
    const char *sorts; /* what the plan may say of sorting; NULL: nothing */
    bool in_order;     /* asked for paths that give the order only */
} walk;

/* How SQLite says that it sorts everything, and that it sorts the rows that tie. */
#define ALL "USE TEMP B-TREE FOR ORDER BY"
#define TIES "USE TEMP B-TREE FOR RIGHT PART OF ORDER BY"

static const walk walks[] = {
    {SW_RECORD_STEP,
     {SW_STEP_ORGANIZATION_ID},
     1,
     {SW_STEP_CREATED_AT, SW_STEP_ID},
     2,
     0,
     "ix_steps_organization",
     TIES,
     false},
    {SW_RECORD_STEP,
     {SW_STEP_RUN_ID},
     1,
     {SW_STEP_CREATED_AT, SW_STEP_ID},
     2,
     0,
     "ix_steps_run_id",
     TIES,
     false},
    {SW_RECORD_STEP,
     {SW_STEP_ORGANIZATION_ID, SW_STEP_RUN_ID},
     2,
     {SW_STEP_CREATED_AT, SW_STEP_ID},
     2,
     0,
     "ix_steps_run_id",
     TIES,
     false},
    {SW_RECORD_STEP,
     {SW_STEP_ORGANIZATION_ID, SW_STEP_TRACE_ID},
     2,
     {SW_STEP_CREATED_AT, SW_STEP_ID},
     2,
     0,
     "ix_steps_trace",
     ALL,
     false},
    {SW_RECORD_RUN,
     {SW_RUN_ORGANIZATION_ID, SW_RUN_AGENT_ID},
     2,
     {SW_RUN_CREATED_AT, SW_RUN_ID},
     2,
     0,
     "ix_runs_agent_id",
     NULL,
     false},
    {SW_RECORD_PROVIDER_TRACE,
     {SW_PROVIDER_TRACE_ORGANIZATION_ID, SW_PROVIDER_TRACE_STEP_ID},
     2,
     {SW_PROVIDER_TRACE_CREATED_AT, SW_PROVIDER_TRACE_ID},
     2,
     0,
     "ix_step_id",
     NULL,
     false},
    {SW_RECORD_STEP,
     {SW_STEP_ORGANIZATION_ID, SW_STEP_AGENT_ID},
     2,
     {SW_STEP_CREATED_AT, SW_STEP_ID},
     2,
     0,
     "ix_steps_agent",
     TIES,
     false},
    {SW_RECORD_STEP,
     {SW_STEP_ORGANIZATION_ID, SW_STEP_MODEL},
     2,
     {SW_STEP_CREATED_AT, SW_STEP_ID},
     2,
     0,
     "ix_steps_model",
     TIES,
     false},
    {SW_RECORD_STEP,
     {SW_STEP_ORGANIZATION_ID, SW_STEP_STATUS},
     2,
     {SW_STEP_CREATED_AT, SW_STEP_ID},
     2,
     SW_STEP_STATUS_FAILED,
     "ix_steps_failed",
     NULL,
     false},
    {SW_RECORD_STEP,
     {SW_STEP_ORGANIZATION_ID, SW_STEP_STATUS},
     2,
     {SW_STEP_CREATED_AT, SW_STEP_ID},
     2,
     SW_STEP_STATUS_SUCCESS,
     "ix_steps_organization",
     TIES,
     false},
    {SW_RECORD_STEP,
     {SW_STEP_ORGANIZATION_ID, SW_STEP_FEEDBACK},
     2,
     {SW_STEP_CREATED_AT, SW_STEP_ID},
     2,
     SW_FEEDBACK_NEGATIVE,
     "ix_steps_feedback",
     NULL,
     false},
    {SW_RECORD_STEP, {0}, 0, {SW_STEP_ID}, 1, 0, "steps_id", NULL, false},
    {SW_RECORD_RUN,
     {SW_RUN_ORGANIZATION_ID},
     1,
     {SW_RUN_CREATED_AT, SW_RUN_ID},
     2,
     0,
     "ix_runs_created_at",
     NULL,
     false},
    {SW_RECORD_MESSAGE,
     {SW_MESSAGE_STEP_ID},
     1,
     {SW_MESSAGE_SEQUENCE_ID},
     1,
     0,
     "idx_messages_step_id",
     NULL,
     false},
    {SW_RECORD_JOURNAL,
     {SW_JOURNAL_ORGANIZATION_ID},
     1,
     {SW_JOURNAL_SEQ},
     1,
     0,
     "PRIMARY KEY",
     NULL,
     false},
    {SW_RECORD_STEP_METRICS, {0}, 0, {SW_STEP_METRICS_ID}, 1, 0, "steps_id", NULL, false},
    {SW_RECORD_STEP,
     {SW_STEP_ORGANIZATION_ID, SW_STEP_TRACE_ID},
     2,
     {SW_STEP_CREATED_AT, SW_STEP_ID},
     2,
     0,
     "ix_steps_organization",
     TIES,
     true},
    {SW_RECORD_RUN,
     {SW_RUN_ORGANIZATION_ID, SW_RUN_PARENT_RUN_ID},
     2,
     {SW_RUN_CREATED_AT, SW_RUN_ID},
     2,
     0,
     "ix_runs_created_at",
     NULL,
     true},
};

/* SQLite's own plan for the statement that the scan would prepare. */
static void explain(place *p, sqlite3 *db, const sw_scan *scan, const walk *w)
{
    const sw_lite_store *store = (const sw_lite_store *)(const void *)p->store;
    any_row scratch = {0};
    sw_plan plan;
    sw_buf sql;
    bool named = false;
    sw__plan(&plan, &store->tables[scan->record], scan, w->in_order, &scratch);
    sw_buf_init(&sql, &sw__libc_allocator, 1 << 16);
    sw_buf_adds(&sql, "EXPLAIN QUERY PLAN ");
    sw__lite_walk_print(NULL, &plan, &sql);
    sqlite3_stmt *stmt = ask_raw(db, sql.ptr);
    do {
        const char *said = (const char *)sqlite3_column_text(stmt, 3);
        if (strstr(said, "TEMP B-TREE") && (!w->sorts || strcmp(said, w->sorts) != 0)) {
            fail_msg("sorts: %s\n%s", said, sql.ptr);
        }
        named = named || strstr(said, w->index);
    } while (sqlite3_step(stmt) == SQLITE_ROW);
    if (!named) {
        fail_msg("does not walk %s: %s", w->index, sql.ptr);
    }
    (void)sqlite3_finalize(stmt);
    sw_buf_fini(&sql);
}

static void explain_walk(place *p, sqlite3 *db, const walk *w, const void *after, bool down)
{
    sw_condition conditions[3];
    sw_value values[3] = {{SW_NULL_STR, 0}};
    for (size_t i = 0; i < w->equal_count; i++) {
        values[i] = (sw_value){.text = SW_STR("x"), .number = w->number};
        conditions[i] = (sw_condition){w->equal[i], SW_OP_EQ, &values[i], 1};
    }
    sw_scan scan = {.record = w->record,
                    .conditions = conditions,
                    .condition_count = w->equal_count,
                    .order_count = w->order_count,
                    .descending = down,
                    .after = after};
    memcpy(scan.order, w->order, w->order_count);
    explain(p, db, &scan, w);
}

static void scans_walk_the_declared_index(void **state)
{
    place *p = *state;
    open_writer(p);
    sqlite3 *db = open_raw(p);
    for (size_t i = 0; i < SW_COUNT(walks); i++) {
        any_row after = {0};
        rowgen gen = {.state = 3, .arena = &p->arena};
        rowgen_row(&gen, walks[i].record, ROWGEN_FULL, &after);
        for (int down = 0; down < 2; down++) {
            explain_walk(p, db, &walks[i], NULL, down);
            explain_walk(p, db, &walks[i], &after, down);
        }
    }
    (void)sqlite3_close(db);
}

int main(void)
{
#define CASE(NAME) cmocka_unit_test_setup_teardown(NAME, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        CASE(scans_walk_the_declared_index),
    };
#undef CASE
    return cmocka_run_group_tests(tests, NULL, NULL);
}
