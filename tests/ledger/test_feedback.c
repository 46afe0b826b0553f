/* SPDX-License-Identifier: Apache-2.0 */
/* What people say about a step, at any time: feedback, tags, transaction id, and the stop reason once. */
#include "tests/lib/lt.h"

static sw_outcome say(lt *t, sw_str id, sw_feedback_change change)
{
    sw_outcome o;
    OK(sw_step_feedback(t->ledger, &t->a, id, &change, &o, &t->err));
    return o;
}

static sw_outcome set(lt *t, sw_str id, const sw_step *values, uint64_t mask)
{
    sw_outcome o;
    OK(sw_step_update(t->ledger, &t->a, id, values, mask, &o, &t->err));
    return o;
}

static void absent_leaves_and_null_clears(lt *t)
{
    sw_step s = lt_step(t, 1);
    sw_outcome o;
    s.tags = SW_STR("[\"a\"]");
    lt_log(t, &t->a, &s);
    o = say(t, s.id, (sw_feedback_change){.set_feedback = true, .feedback = sw_int_of(0)});
    VERDICT(o, UPDATED);
    SAME(lt_get(t, &t->a, s.id).feedback.value, SW_FEEDBACK_POSITIVE);
    TEXT(lt_get(t, &t->a, s.id).tags, "[\"a\"]");
    o = say(t, s.id, (sw_feedback_change){.add_tags = SW_STR("[\"b\"]")});
    VERDICT(o, UPDATED);
    SAME(lt_get(t, &t->a, s.id).feedback.known, 1);
    TEXT(lt_get(t, &t->a, s.id).tags, "[\"a\",\"b\"]");
    o = say(t, s.id, (sw_feedback_change){.set_feedback = true});
    VERDICT(o, UPDATED);
    SAME(lt_get(t, &t->a, s.id).feedback.known, 0);
    TEXT(lt_get(t, &t->a, s.id).tags, "[\"a\",\"b\"]");
    o = say(t, s.id, (sw_feedback_change){.set_feedback = true});
    VERDICT(o, UNCHANGED);
    o = say(t, s.id, (sw_feedback_change){.set_feedback = false});
    VERDICT(o, UNCHANGED);
}

static void tags_are_replaced_added_removed(lt *t)
{
    static const struct {
        bool set;
        const char *tags, *add, *remove, *want;
    } rows[] = {
        {true, "[\"x\",\"y\"]", NULL, NULL, "[\"x\",\"y\"]"},
        {false, NULL, "[\"z\",\"x\"]", NULL, "[\"x\",\"y\",\"z\"]"},
        {false, NULL, NULL, "[\"y\",\"never there\"]", "[\"x\",\"z\"]"},
        {false, NULL, "[\"w\"]", "[\"x\"]", "[\"z\",\"w\"]"},
        {true, "[]", NULL, NULL, "[]"},
        {true, "[\"a b\",\"\xc3\xa4\"]", NULL, NULL, "[\"a b\",\"\xc3\xa4\"]"},
        {true, NULL, NULL, NULL, "[]"},
        {true, "[\"k\"]", "[\"l\"]", NULL, "[\"k\",\"l\"]"},
    };
    sw_step s = lt_step(t, 1);
    lt_log(t, &t->a, &s);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        sw_outcome o = say(t, s.id,
                           (sw_feedback_change){.set_tags = rows[i].set,
                                                .tags = sw_str_from(rows[i].tags),
                                                .add_tags = sw_str_from(rows[i].add),
                                                .remove_tags = sw_str_from(rows[i].remove)});
        VERDICT(o, UPDATED);
        TEXT(lt_get(t, &t->a, s.id).tags, rows[i].want);
    }
    CLEAN();
}

static void bad_tags_are_refused(lt *t)
{
    static const char *const bad[] = {"{}", "[1]", "\"a\"", "[", "[null]", "[[\"a\"]]"};
    sw_step s = lt_step(t, 1);
    sw_outcome o;
    s.tags = SW_STR("[\"kept\"]");
    lt_log(t, &t->a, &s);
    for (size_t i = 0; i < 3 * sizeof bad / sizeof bad[0]; i++) {
        sw_str text = sw_str_from(bad[i / 3]);
        sw_feedback_change c = {.set_feedback = true, .feedback = sw_int_of(1)};
        c.set_tags = i % 3 == 0;
        c.tags = i % 3 == 0 ? text : SW_NULL_STR;
        c.add_tags = i % 3 == 1 ? text : SW_NULL_STR;
        c.remove_tags = i % 3 == 2 ? text : SW_NULL_STR;
        IS(SW_STATUS_INVALID, sw_step_feedback(t->ledger, &t->a, s.id, &c, &o, &t->err));
        VERDICT(o, REJECTED);
        NAMES(&t->err, "tags");
    }
    TEXT(lt_get(t, &t->a, s.id).tags, "[\"kept\"]");
    CHECK(!lt_get(t, &t->a, s.id).feedback.known);
}

static void tags_have_a_bound(lt *t)
{
    sw_step s = lt_step(t, 1);
    sw_str tags = SW_STR("[");
    sw_feedback_change c = {.set_tags = true};
    sw_outcome o;
    lt_log(t, &t->a, &s);
    for (int i = 0; i < SW_LIMIT_TAGS; i++) {
        tags = pool_printf(t->pool, "%s%s\"t%d\"", tags.ptr, i ? "," : "", i);
    }
    c.tags = pool_printf(t->pool, "%s]", tags.ptr);
    OK(sw_step_feedback(t->ledger, &t->a, s.id, &c, &o, &t->err));
    c = (sw_feedback_change){.add_tags = SW_STR("[\"one more\"]")};
    CHECK(sw_step_feedback(t->ledger, &t->a, s.id, &c, &o, &t->err) != SW_STATUS_OK);
    VERDICT(o, REJECTED);
    c = (sw_feedback_change){.add_tags = SW_STR("[\"one more\"]"),
                             .remove_tags = SW_STR("[\"t0\"]")};
    OK(sw_step_feedback(t->ledger, &t->a, s.id, &c, &o, &t->err));
}

static void feedback_is_one_of_two(lt *t)
{
    sw_step s = lt_step(t, 1);
    sw_feedback_change c = {.set_feedback = true, .feedback = sw_int_of(2)};
    sw_outcome o;
    lt_log(t, &t->a, &s);
    IS(SW_STATUS_INVALID, sw_step_feedback(t->ledger, &t->a, s.id, &c, &o, &t->err));
    NAMES(&t->err, "feedback");
    IS(SW_STATUS_NOT_FOUND,
       sw_step_feedback(t->ledger, &t->a, lt_id(t, "step", 2), &c, &o, &t->err));
}

static void the_stop_reason_is_set_once(lt *t)
{
    sw_step s = lt_step(t, 1), v = {.stop_reason = SW_STR("end_turn")};
    uint64_t mask = SW_FIELD_BIT(SW_STEP_STOP_REASON);
    sw_outcome o;
    lt_log(t, &t->a, &s);
    o = set(t, s.id, &v, mask);
    VERDICT(o, UPDATED);
    TEXT(lt_get(t, &t->a, s.id).stop_reason, "end_turn");
    o = set(t, s.id, &v, mask);
    VERDICT(o, UNCHANGED);
    v.stop_reason = SW_STR("error");
    CHECK(sw_step_update(t->ledger, &t->a, s.id, &v, mask, &o, &t->err) != SW_STATUS_OK);
    NAMES(&t->err, "stop_reason");
    v.stop_reason = SW_NULL_STR;
    CHECK(sw_step_update(t->ledger, &t->a, s.id, &v, mask, &o, &t->err) != SW_STATUS_OK);
    TEXT(lt_get(t, &t->a, s.id).stop_reason, "end_turn");
}

static void the_transaction_id_changes_at_any_time(lt *t)
{
    sw_step s = lt_step(t, 1), v = {.tid = SW_STR("t-1")};
    uint64_t mask = SW_FIELD_BIT(SW_STEP_TID);
    sw_outcome o;
    lt_log(t, &t->a, &s);
    o = set(t, s.id, &v, mask);
    VERDICT(o, UPDATED);
    TEXT(lt_get(t, &t->a, s.id).tid, "t-1");
    v.tid = SW_STR("t-2");
    o = set(t, s.id, &v, mask);
    VERDICT(o, UPDATED);
    v.tid = SW_NULL_STR;
    o = set(t, s.id, &v, mask);
    VERDICT(o, UPDATED);
    CHECK(!lt_get(t, &t->a, s.id).tid.ptr);
}

static void an_ended_step_changes_nothing_else(lt *t)
{
    static const int fields[] = {SW_STEP_ID,
                                 SW_STEP_ORIGIN,
                                 SW_STEP_ORGANIZATION_ID,
                                 SW_STEP_PROVIDER_ID,
                                 SW_STEP_RUN_ID,
                                 SW_STEP_AGENT_ID,
                                 SW_STEP_MODEL,
                                 SW_STEP_PROMPT_TOKENS,
                                 SW_STEP_TOTAL_TOKENS,
                                 SW_STEP_ERROR_TYPE,
                                 SW_STEP_STATUS,
                                 SW_STEP_PROJECT_ID,
                                 SW_STEP_CREATED_AT,
                                 SW_STEP_UPDATED_AT,
                                 SW_STEP_CREATED_BY_ID,
                                 SW_STEP_SOURCE,
                                 SW_STEP_RETIRED_INTO,
                                 SW_STEP_USAGE_STATE,
                                 SW_STEP_COST_NANO_USD,
                                 SW_STEP_LEASE_EXPIRES_AT,
                                 SW_STEP_CREATE_DIGEST,
                                 SW_STEP_END_DIGEST};
    sw_step s = lt_step(t, 1), before, after, v = lt_step(t, 2);
    sw_outcome o;
    v.model = v.origin = v.error_type = v.project_id = SW_STR("changed");
    v.source = v.usage_state = v.cost_nano_usd = sw_int_of(1);
    v.created_at = v.updated_at = v.lease_expires_at = sw_int_of(LT_TIME + 5);
    v.create_digest = v.end_digest = SW_STR("0123456789abcdef");
    lt_log(t, &t->a, &s);
    before = lt_get(t, &t->a, s.id);
    for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++) {
        const char *name = row_kind_of(SW_RECORD_STEP)->fields[fields[i]].name;
        sw_status got =
            sw_step_update(t->ledger, &t->a, s.id, &v,
                           SW_FIELD_BIT(fields[i]) | SW_FIELD_BIT(SW_STEP_TID), &o, &t->err);
        if (got == SW_STATUS_OK) {
            SAY("%s of an ended step can be changed", name);
        }
        NAMES(&t->err, name);
    }
    after = lt_get(t, &t->a, s.id);
    SAME_ROW(SW_RECORD_STEP, &after, &before, 0);
}

static void a_pending_step_changes_what_an_end_may_write(lt *t)
{
    sw_step s = lt_pending(t, 1), v = {.model = SW_STR("resolved"), .run_id = lt_id(t, "run", 1)};
    sw_outcome o;
    lt_log(t, &t->a, &s);
    v.provider_name = SW_STR("openai");
    v.model_handle = SW_STR("openai/resolved");
    o = set(t, s.id, &v,
            SW_FIELD_BIT(SW_STEP_MODEL) | SW_FIELD_BIT(SW_STEP_PROVIDER_NAME) |
                SW_FIELD_BIT(SW_STEP_MODEL_HANDLE));
    VERDICT(o, UPDATED);
    TEXT(lt_get(t, &t->a, s.id).model, "resolved");
    TEXT(lt_get(t, &t->a, s.id).model_handle, "openai/resolved");
    v.status = sw_int_of(SW_STEP_STATUS_SUCCESS);
    CHECK(sw_step_update(t->ledger, &t->a, s.id, &v, SW_FIELD_BIT(SW_STEP_STATUS), &o, &t->err) !=
          SW_STATUS_OK);
    CHECK(sw_step_update(t->ledger, &t->a, s.id, &v, SW_FIELD_BIT(SW_STEP_RUN_ID), &o, &t->err) !=
          SW_STATUS_OK);
    NAMES(&t->err, "run_id");
    SAME(lt_get(t, &t->a, s.id).status.value, SW_STEP_STATUS_PENDING);
    CLEAN(); /* the sums by model moved along */
}

static const lt_case cases[] = {
    {"absent leaves and null clears", absent_leaves_and_null_clears, 0},
    {"tags are replaced, added, removed", tags_are_replaced_added_removed, 0},
    {"bad tags are refused", bad_tags_are_refused, 0},
    {"tags have a bound", tags_have_a_bound, 0},
    {"feedback is one of two", feedback_is_one_of_two, 0},
    {"the stop reason is set once", the_stop_reason_is_set_once, 0},
    {"the transaction id changes at any time", the_transaction_id_changes_at_any_time, 0},
    {"an ended step changes nothing else", an_ended_step_changes_nothing_else, 0},
    {"a pending step changes what an end may write", a_pending_step_changes_what_an_end_may_write,
     0},
};

LT_MAIN("feedback", cases)
