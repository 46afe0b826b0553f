/* SPDX-License-Identifier: Apache-2.0 */
/* One change that says what it wants and leaves it to the ledger which move that is: an end, late fields,
 * parts that are added, or several of these at once.
 */
#include "tests/lib/lt.h"

static uint64_t bit(int field)
{
    return SW_FIELD_BIT(field);
}

static sw_step pending(lt *t)
{
    sw_step s = lt_pending(t, 1);
    lt_log(t, &t->a, &s);
    return s;
}

static void a_status_ends_the_step(lt *t)
{
    sw_step s = pending(t);
    sw_step_entry e = {.step = {.status = sw_int_of(SW_STEP_STATUS_SUCCESS),
                                .model = SW_STR("late"),
                                .prompt_tokens = sw_int_of(3),
                                .completion_tokens = sw_int_of(4)}};
    sw_outcome o;
    uint64_t mask = bit(SW_STEP_STATUS) | bit(SW_STEP_MODEL) | bit(SW_STEP_PROMPT_TOKENS) |
                    bit(SW_STEP_COMPLETION_TOKENS);
    OK(sw_step_patch(t->ledger, &t->a, s.id, &e, mask, &o, &t->err));
    VERDICT(o, UPDATED);
    CHECK(o.seq > 0);
    sw_step got = lt_get(t, &t->a, s.id);
    SAME(got.status.value, SW_STEP_STATUS_SUCCESS);
    SAME(got.total_tokens.value, 7);
    TEXT(got.model, "late");
    OK(sw_step_patch(t->ledger, &t->a, s.id, &e, mask, &o, &t->err));
    VERDICT(o, UNCHANGED);
    e.step.model = SW_STR("other");
    IS(SW_STATUS_ILLEGAL_MOVE, sw_step_patch(t->ledger, &t->a, s.id, &e, mask, &o, &t->err));
    VERDICT(o, CONFLICT);
    NAMES(&t->err, "success");
    CLEAN();
}

/* The patch that ends and the call that ends are the same content. */
static void an_end_is_an_end(lt *t)
{
    sw_step s = pending(t);
    sw_step_entry e = {.step = {.status = sw_int_of(SW_STEP_STATUS_CANCELLED)}};
    sw_outcome o;
    OK(sw_step_end(t->ledger, &t->a, s.id, &e, &o, &t->err));
    OK(sw_step_patch(t->ledger, &t->a, s.id, &e, bit(SW_STEP_STATUS), &o, &t->err));
    VERDICT(o, UNCHANGED);
}

static void an_end_may_clear_fields(lt *t)
{
    sw_step s = lt_pending(t, 1);
    sw_step_entry e = {.step = {.status = sw_int_of(SW_STEP_STATUS_FAILED)}};
    sw_outcome o;
    s.model = SW_STR("meant");
    lt_log(t, &t->a, &s);
    uint64_t mask = bit(SW_STEP_STATUS) | bit(SW_STEP_MODEL);
    OK(sw_step_patch(t->ledger, &t->a, s.id, &e, mask, &o, &t->err));
    CHECK(!lt_get(t, &t->a, s.id).model.ptr);
    OK(sw_step_patch(t->ledger, &t->a, s.id, &e, mask, &o, &t->err));
    VERDICT(o, UNCHANGED);
    IS(SW_STATUS_ILLEGAL_MOVE,
       sw_step_patch(t->ledger, &t->a, s.id, &e, bit(SW_STEP_STATUS), &o, &t->err));
    CLEAN();
}

/* What the mask does not name is not there. */
static void only_what_is_named_is_set(lt *t)
{
    sw_step s = pending(t);
    sw_step_entry e = {
        .step = {.status = sw_int_of(SW_STEP_STATUS_SUCCESS), .end_user = SW_STR("x")}};
    sw_outcome o;
    OK(sw_step_patch(t->ledger, &t->a, s.id, &e, bit(SW_STEP_STATUS), &o, &t->err));
    CHECK(!lt_get(t, &t->a, s.id).end_user.ptr);
}

static void that_it_is_pending_may_be_said(lt *t)
{
    sw_step s = pending(t);
    sw_step_entry e = {.step = {.id = s.id,
                                .status = sw_int_of(SW_STEP_STATUS_PENDING),
                                .end_user = SW_STR("ann")}};
    uint64_t mask = bit(SW_STEP_ID) | bit(SW_STEP_STATUS) | bit(SW_STEP_END_USER);
    sw_outcome o;
    OK(sw_step_patch(t->ledger, &t->a, s.id, &e, mask, &o, &t->err));
    VERDICT(o, UPDATED);
    TEXT(lt_get(t, &t->a, s.id).end_user, "ann");
    SAME(lt_get(t, &t->a, s.id).status.value, SW_STEP_STATUS_PENDING);
    e.step.status = sw_int_of(SW_STEP_STATUS_SUCCESS);
    OK(sw_step_patch(t->ledger, &t->a, s.id, &e, mask, &o, &t->err));
    e.step.status = sw_int_of(SW_STEP_STATUS_PENDING);
    IS(SW_STATUS_ILLEGAL_MOVE, sw_step_patch(t->ledger, &t->a, s.id, &e, mask, &o, &t->err));
    VERDICT(o, CONFLICT);
    NAMES(&t->err, "status");
}

static void fields_and_parts_are_one_change(lt *t)
{
    sw_step s = pending(t);
    sw_message m = lt_message(t, 1, "hello");
    sw_provider_trace trace = lt_trace(t, 1);
    sw_step_metrics metrics = {.step_ns = sw_int_of(5)};
    sw_step_entry e = {.step = {.tid = SW_STR("tid-1")},
                       .metrics = &metrics,
                       .messages = &m,
                       .message_count = 1,
                       .traces = &trace,
                       .trace_count = 1};
    sw_outcome o;
    int64_t before = lt_head(t, &t->a);
    OK(sw_step_patch(t->ledger, &t->a, s.id, &e, bit(SW_STEP_TID), &o, &t->err));
    VERDICT(o, UPDATED);
    TEXT(lt_get(t, &t->a, s.id).tid, "tid-1");
    SAME(lt_metrics(t, &t->a, s.id).step_ns.value, 5);
    CHECK(lt_there(t, &t->a, SW_RECORD_MESSAGE, m.id));
    CHECK(lt_there(t, &t->a, SW_RECORD_PROVIDER_TRACE, trace.id));
    lt_rows told = lt_journal(t, &t->a, before);
    SAME(told.count, 4);
    SAME(o.seq, lt_head(t, &t->a));
    OK(sw_step_patch(t->ledger, &t->a, s.id, &e, bit(SW_STEP_TID), &o, &t->err));
    VERDICT(o, UNCHANGED);
    metrics.ttft_ns = sw_int_of(1);
    OK(sw_step_patch(t->ledger, &t->a, s.id, &e, bit(SW_STEP_TID), &o, &t->err));
    VERDICT(o, UPDATED);
    SAME(lt_metrics(t, &t->a, s.id).ttft_ns.value, 1);
    SAME(lt_metrics(t, &t->a, s.id).step_ns.value, 5);
    CLEAN();
}

/* A part that is refused takes the fields with it. */
static void one_body_one_verdict(lt *t)
{
    sw_step s = pending(t);
    sw_message m = lt_message(t, 1, "hello");
    sw_step_entry e = {.step = {.tid = SW_STR("tid-1")}, .messages = &m, .message_count = 1};
    sw_outcome o;
    int64_t before = lt_head(t, &t->a);
    m.run_id = lt_id(t, "run", 77);
    IS(SW_STATUS_INVALID, sw_step_patch(t->ledger, &t->a, s.id, &e, bit(SW_STEP_TID), &o, &t->err));
    VERDICT(o, REJECTED);
    NAMES(&t->err, "messages[0].run_id");
    CHECK(!lt_get(t, &t->a, s.id).tid.ptr);
    SAME(lt_head(t, &t->a), before);
}

static void what_may_not_change_is_named(lt *t)
{
    sw_step s = pending(t);
    const struct {
        int field;
        const char *name;
    } rows[] = {{SW_STEP_ID, "id"},
                {SW_STEP_CREATED_AT, "created_at"},
                {SW_STEP_RUN_ID, "run_id"},
                {SW_STEP_SOURCE, "source"}};
    sw_outcome o;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        for (int ends = 0; ends < 2; ends++) {
            sw_step_entry e = {.step = {.id = lt_id(t, "step", 9),
                                        .created_at = sw_int_of(1),
                                        .source = sw_int_of(SW_SOURCE_OTLP),
                                        .status = sw_int_of(SW_STEP_STATUS_SUCCESS)}};
            uint64_t mask = bit(rows[i].field) | (ends ? bit(SW_STEP_STATUS) : 0);
            IS(SW_STATUS_INVALID, sw_step_patch(t->ledger, &t->a, s.id, &e, mask, &o, &t->err));
            VERDICT(o, REJECTED);
            NAMES(&t->err, rows[i].name);
        }
    }
    sw_step_entry lease = {.lease_seconds = 9};
    IS(SW_STATUS_INVALID, sw_step_patch(t->ledger, &t->a, s.id, &lease, 0, &o, &t->err));
    NAMES(&t->err, "lease_seconds");
    sw_step_entry none = {.lease_seconds = 0};
    IS(SW_STATUS_INVALID,
       sw_step_patch(t->ledger, &t->a, s.id, &none, bit(SW_STEP_STATUS), &o, &t->err));
    NAMES(&t->err, "status");
    SAME(lt_get(t, &t->a, s.id).status.value, SW_STEP_STATUS_PENDING);
}

static void nobody_elses_step(lt *t)
{
    sw_step s = pending(t);
    sw_step_entry e = {.step = {.status = sw_int_of(SW_STEP_STATUS_PENDING)}};
    sw_outcome o;
    const uint64_t masks[] = {0, bit(SW_STEP_STATUS), bit(SW_STEP_TID)};
    for (size_t i = 0; i < sizeof masks / sizeof *masks; i++) {
        IS(SW_STATUS_NOT_FOUND, sw_step_patch(t->ledger, &t->b, s.id, &e, masks[i], &o, &t->err));
        VERDICT(o, REJECTED);
    }
}

static const lt_case cases[] = {
    {"a status ends the step", a_status_ends_the_step, 0},
    {"an end is an end", an_end_is_an_end, 0},
    {"an end may clear fields", an_end_may_clear_fields, 0},
    {"only what is named is set", only_what_is_named_is_set, 0},
    {"that it is pending may be said", that_it_is_pending_may_be_said, 0},
    {"fields and parts are one change", fields_and_parts_are_one_change, 0},
    {"one body, one verdict", one_body_one_verdict, 0},
    {"what may not change is named", what_may_not_change_is_named, 0},
    {"nobody else's step", nobody_elses_step, 0},
};
LT_MAIN("patch", cases)
