/* SPDX-License-Identifier: Apache-2.0 */
/* What those who follow the ledger ask of it: whether a query would find one step (the list itself is the
 * judge), and to put deliveries off that were claimed and not attempted.
 */
#include "tests/lib/lt.h"

enum { STEPS = 120 };

static void log_steps(lt *t)
{
    for (unsigned n = 0; n < STEPS; n++) {
        sw_step_metrics m = {.step_ns = sw_int_of((int64_t)n * 1000)};
        sw_step_entry e = {.step = lt_step(t, n), .metrics = n % 3 ? &m : NULL};
        e.step.model = n % 2 ? SW_STR("odd") : SW_STR("even");
        e.step.tags = n % 5 ? SW_STR("[\"x\",\"y\"]") : SW_STR("[\"y\"]");
        e.step.input_preview = n % 7 ? SW_STR("hay") : SW_STR("a Needle");
        lt_log_entry(t, &t->a, &e);
    }
}

static bool listed(const lt_rows *rows, sw_str id)
{
    for (size_t i = 0; i < rows->count; i++) {
        if (sw_str_eq(lt_row_id(rows, i), id)) {
            return true;
        }
    }
    return false;
}

/* Each step is found by itself exactly when the list holds it. */
static size_t compare(lt *t, const sw_list_query *query)
{
    sw_list_query everything = {.limit = -1};
    lt_rows all = lt_list(t, &t->a, SW_RECORD_STEP, &everything);
    lt_rows rows = lt_list(t, &t->a, SW_RECORD_STEP, query);
    for (size_t i = 0; i < all.count; i++) {
        const sw_step *step = all.at[i];
        sw_step_metrics metrics;
        sw_status status = sw_get(t->ledger, &t->a, SW_RECORD_STEP_METRICS, step->id, t->memory,
                                  &metrics, &t->err);
        bool found = sw_step_is_found(query, step, status == SW_STATUS_OK ? &metrics : NULL);
        CHECK(found == listed(&rows, step->id));
    }
    return rows.count;
}

static void a_step_is_found_when_the_list_holds_it(lt *t)
{
    static const sw_value odd = {.text = {"odd", 3}}, x = {.text = {"x", 1}};
    static const sw_value from = {.number = 20000}, to = {.number = 90000};
    static const sw_condition rows[] = {{SW_STEP_MODEL, SW_OP_EQ, &odd, 1},
                                        {SW_STEP_TAGS, SW_OP_TAG_ANY, &x, 1}};
    static const sw_condition times[] = {{SW_STEP_METRICS_STEP_NS, SW_OP_GE, &from, 1},
                                         {SW_STEP_METRICS_STEP_NS, SW_OP_LT, &to, 1}};
    log_steps(t);
    for (unsigned kind = 0; kind < 8; kind++) {
        sw_list_query query = {.limit = -1,
                               .conditions = rows,
                               .condition_count = kind & 1 ? 2 : 0,
                               .metrics_conditions = times,
                               .metrics_condition_count = kind & 2 ? 2 : 0,
                               .text = kind & 4 ? SW_STR("NEEDLE") : SW_NULL_STR};
        size_t count = compare(t, &query);
        CHECK(count > 0 && (kind == 0) == (count == STEPS));
    }
}

static size_t claim(lt *t, sw_delivery **out)
{
    size_t count = 0;
    OK(sw_delivery_claim(t->ledger, 10, 60, t->memory, out, &count, &t->err));
    return count;
}

static void what_is_put_off_is_due_later_and_was_not_attempted(lt *t)
{
    sw_subscription hook = {.id = lt_id(t, "sub", 1), .url = SW_STR("https://example.org/hook")};
    sw_attempt done = {.started_at_us = t->wall, .duration_ns = 1, .status_code = 200};
    sw_delivery *rows = NULL;
    sw_outcome o;
    sw_int due;
    OK(sw_record_create(t->ledger, &t->a, SW_RECORD_SUBSCRIPTION, &hook, &o, &t->err));
    sw_step step = lt_step(t, 1);
    lt_log(t, &t->a, &step);
    SAME(claim(t, &rows), 1);
    sw_str id = rows[0].id;
    sw_str ids[] = {lt_id(t, "delivery", 9), id};
    OK(sw_delivery_put_off(t->ledger, ids, 2, 10, &t->err)); /* one that is gone does no harm */
    SAME(claim(t, &rows), 0);
    OK(sw_delivery_next(t->ledger, &due, &t->err));
    SAME(due.value, t->wall + 10000000);
    lt_advance(t, 10, 10);
    SAME(claim(t, &rows), 1);
    SAME(rows[0].attempts.value, 0);
    OK(sw_delivery_report(t->ledger, id, &done, &t->err));
    OK(sw_delivery_put_off(t->ledger, &id, 1, 10, &t->err));
    lt_advance(t, 20, 20);
    SAME(claim(t, &rows), 0); /* settled stays settled */
    IS(SW_STATUS_INVALID, sw_delivery_put_off(t->ledger, &id, 1, 0, &t->err));
}

static const lt_case cases[] = {
    {"a_step_is_found_when_the_list_holds_it", a_step_is_found_when_the_list_holds_it, 0},
    {"what_is_put_off_is_due_later_and_was_not_attempted",
     what_is_put_off_is_due_later_and_was_not_attempted, LT_CLOCK},
};

LT_MAIN("ledger/found", cases)
