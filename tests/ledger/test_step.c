/* SPDX-License-Identifier: Apache-2.0 */
/* The life of a step: how it is recorded, what may follow on what, and what a repeated send answers. */
#include "tests/lib/lt.h"

#include <stdio.h>

/* ---- defaults ----------------------------------------------------------------------------------- */

static void a_step_without_anything_takes_its_defaults(lt *t)
{
    sw_step_entry entry = {.lease_seconds = 0};
    sw_outcome o = lt_log_entry(t, &t->a, &entry);
    sw_step s = lt_get(t, &t->a, sw_str_from(o.id));
    CHECK(strncmp(o.id, "step-", 5) == 0);
    SAME(strlen(o.id), 41);
    SAME(s.id.ptr[19], '4');
    SAME(s.status.value, SW_STEP_STATUS_PENDING);
    TEXT(s.organization_id, t->a.organization_id.ptr);
    TEXT(s.created_by_id, t->a.user_id.ptr);
    TEXT(s.tags, "[]");
    SAME(s.source.value, SW_SOURCE_API);
    SAME(s.usage_state.value, SW_USAGE_STATE_UNKNOWN);
    SAME(s.content_truncated.value, 0);
    CHECK(s.prompt_tokens.known && s.completion_tokens.known && s.total_tokens.known);
    SAME(s.prompt_tokens.value + s.completion_tokens.value + s.total_tokens.value, 0);
    CHECK(!s.cached_input_tokens.known && !s.cache_write_tokens.known && !s.reasoning_tokens.known);
    CHECK(!s.cost_nano_usd.known && !s.feedback.known);
    CHECK(!s.model.ptr && !s.run_id.ptr && !s.agent_id.ptr && !s.stop_reason.ptr && !s.tid.ptr);
    CHECK(!s.error_type.ptr && !s.error_data.ptr && !s.metadata.ptr && !s.retired_into.ptr);
    SAME(s.created_at.value, t->wall);
    SAME(s.updated_at.value, t->wall);
    SAME(s.lease_expires_at.value, t->wall + SW_LIMIT_LEASE_SECONDS_DEFAULT * INT64_C(1000000));
}

static void everything_given_is_kept(lt *t)
{
    sw_str agent = lt_agent(t, &t->a, 1), run = lt_run(t, &t->a, 1, agent);
    sw_step in = lt_step(t, 1), out;
    in.run_id = run;
    in.agent_id = agent;
    in.provider_id = lt_provider(t, &t->a, 1);
    in.origin = SW_STR("cli");
    in.provider_name = SW_STR("openai");
    in.provider_category = SW_STR("byok");
    in.model = SW_STR("gpt-4o-mini");
    in.model_handle = SW_STR("openai/gpt-4o-mini");
    in.model_endpoint = SW_STR("https://api.example/v1");
    in.context_window_limit = sw_int_of(128000);
    in.completion_tokens_details = SW_STR("{\"reasoning_tokens\":1}");
    in.prompt_tokens_details = SW_STR("{\"cached_tokens\":2}");
    in.stop_reason = SW_STR("end_turn");
    in.tags = SW_STR("[\"a\",\"b\"]");
    in.tid = SW_STR("tid-7");
    in.trace_id = SW_STR("5b8efff798038103d269b633813fc60c");
    in.request_id = SW_STR("any shape at all");
    in.feedback = sw_int_of(SW_FEEDBACK_NEGATIVE);
    in.project_id = SW_STR("a project");
    in.total_tokens = sw_int_of(15);
    in.cached_input_tokens = sw_int_of(2);
    in.cache_write_tokens = sw_int_of(0);
    in.reasoning_tokens = sw_int_of(1);
    in.parent_step_id = lt_id(t, "step", 99);
    in.conversation_id = lt_id(t, "conv", 5);
    in.end_user = SW_STR("ann");
    in.metadata = SW_STR("{\"k\":[1,2]}");
    in.input_preview = SW_STR("gr\xc3\xbc\xc3\x9f dich");
    in.output_preview = SW_STR("");
    in.content_truncated = sw_int_of(1);
    in.cost_nano_usd = sw_int_of(INT64_C(123456789012));
    in.price_id = SW_STR("price-1");
    lt_log(t, &t->a, &in);
    out = lt_get(t, &t->a, in.id);
    in.organization_id = t->a.organization_id;
    in.created_by_id = t->a.user_id;
    in.source = sw_int_of(SW_SOURCE_API);
    in.usage_state = sw_int_of(SW_USAGE_STATE_REPORTED);
    in.is_deleted = sw_int_of(0);
    in.cost_source = sw_int_of(SW_COST_SOURCE_CALLER);
    SAME_ROW(SW_RECORD_STEP, &out, &in,
             SW_FIELD_BIT(SW_STEP_UPDATED_AT) | SW_FIELD_BIT(SW_STEP_LAST_UPDATED_BY_ID));
}

static void the_default_actor_needs_no_name(lt *t)
{
    sw_actor nobody = {0};
    sw_step s = lt_step(t, 1), out;
    lt_log(t, &nobody, &s);
    out = lt_get(t, &nobody, s.id);
    TEXT(out.organization_id, SW_DEFAULT_ORGANIZATION);
    TEXT(out.created_by_id, SW_DEFAULT_USER);
    CHECK(lt_there(t, &nobody, SW_RECORD_ORGANIZATION, SW_STR(SW_DEFAULT_ORGANIZATION)));
    CHECK(lt_there(t, &nobody, SW_RECORD_USER, SW_STR(SW_DEFAULT_USER)));
}

/* ---- verdicts ----------------------------------------------------------------------------------- */

static void the_same_again_changes_nothing(lt *t)
{
    sw_step s = lt_step(t, 1);
    sw_step_entry e = {.step = s};
    sw_outcome o = lt_log(t, &t->a, &s);
    int64_t head = lt_head(t, &t->a);
    SAME(o.seq, head);
    for (int i = 0; i < 3; i++) {
        o = lt_try(t, &t->a, &e);
        VERDICT(o, UNCHANGED);
        TEXT(sw_str_from(o.id), s.id.ptr);
    }
    e.step.prompt_tokens = sw_int_of(11);
    o = lt_try(t, &t->a, &e);
    VERDICT(o, CONFLICT);
    SAME(o.status, SW_STATUS_CONFLICT);
    SAME(lt_head(t, &t->a), head);
    SAME(lt_total(t, &t->a).num_steps, 1);
    SAME(lt_total(t, &t->a).prompt_tokens, 10);
}

static void what_is_there_has_a_number(lt *t)
{
    sw_step_entry e = {.step = lt_step(t, 1)};
    sw_outcome o = lt_log_entry(t, &t->a, &e);
    SAME(o.seq, lt_head(t, &t->a));
    o = lt_try(t, &t->a, &e);
    VERDICT(o, UNCHANGED);
    SAME(o.seq, lt_head(t, &t->a)); /* by then it is certainly there */
    e.step.model = SW_STR("other");
    o = lt_try(t, &t->a, &e);
    VERDICT(o, CONFLICT);
    SAME(o.seq, 0);
}

/* What was sent is compared, never what became of the row. */
static void the_same_again_is_judged_by_what_was_sent(lt *t)
{
    sw_step s = lt_pending(t, 1), v = {.tid = SW_STR("x"), .model = SW_STR("resolved")};
    sw_step_entry e = {.step = s};
    sw_step_entry end = {.step = {.status = sw_int_of(SW_STEP_STATUS_SUCCESS)}};
    sw_feedback_change f = {.set_tags = true, .tags = SW_STR("[\"later\"]")};
    sw_outcome o;
    lt_log(t, &t->a, &s);
    OK(sw_step_update(t->ledger, &t->a, s.id, &v,
                      SW_FIELD_BIT(SW_STEP_TID) | SW_FIELD_BIT(SW_STEP_MODEL), &o, &t->err));
    OK(sw_step_feedback(t->ledger, &t->a, s.id, &f, &o, &t->err));
    o = lt_try(t, &t->a, &e);
    VERDICT(o, UNCHANGED);
    OK(sw_step_end(t->ledger, &t->a, s.id, &end, &o, &t->err));
    VERDICT(o, UPDATED);
    o = lt_try(t, &t->a, &e);
    VERDICT(o, UNCHANGED);
    OK(sw_step_end(t->ledger, &t->a, s.id, &end, &o, &t->err));
    VERDICT(o, UNCHANGED);
    /* The row as it is now was never sent. */
    e.step = lt_get(t, &t->a, s.id);
    o = lt_try(t, &t->a, &e);
    CHECK(o.verdict == SW_VERDICT_CONFLICT || o.verdict == SW_VERDICT_REJECTED);
}

static void the_same_again_is_fine_after_its_run_is_gone(lt *t)
{
    sw_str agent = lt_agent(t, &t->a, 1), run = lt_run(t, &t->a, 1, agent);
    sw_step s = lt_step(t, 1);
    sw_step_entry e = {.step = s};
    sw_outcome o;
    e.step.run_id = run;
    lt_log_entry(t, &t->a, &e);
    OK(sw_run_delete(t->ledger, &t->a, run, &o, &t->err));
    o = lt_try(t, &t->a, &e);
    VERDICT(o, UNCHANGED);
    CHECK(!lt_get(t, &t->a, s.id).run_id.ptr);
}

static void one_bad_item_does_not_sink_the_others(lt *t)
{
    sw_step_entry e[5] = {{.step = lt_step(t, 0)},
                          {.step = lt_step(t, 1)},
                          {.step = lt_step(t, 2)},
                          {.step = lt_step(t, 2)},
                          {.step = lt_step(t, 4)}};
    sw_outcome o[5];
    e[1].step.model = SW_STR("\xff");
    e[3].step.model = SW_STR("other");
    OK(sw_step_log(t->ledger, &t->a, e, 5, false, o, &t->err));
    VERDICT(o[0], CREATED);
    VERDICT(o[1], REJECTED);
    SAME(o[1].status, SW_STATUS_INVALID);
    NAMES(&o[1].error, "model");
    VERDICT(o[2], CREATED);
    VERDICT(o[3], CONFLICT);
    VERDICT(o[4], CREATED);
    CHECK(o[0].seq < o[2].seq && o[2].seq < o[4].seq);
    SAME(lt_total(t, &t->a).num_steps, 3);
    TEXT(lt_get(t, &t->a, e[2].step.id).model, "m");
}

static void all_or_nothing_keeps_nothing(lt *t)
{
    sw_step_entry e[3] = {
        {.step = lt_step(t, 0)}, {.step = lt_step(t, 1)}, {.step = lt_step(t, 2)}};
    sw_outcome o[3];
    int64_t head = lt_head(t, &t->a);
    e[1].step.trace_id = SW_STR("short");
    IS(SW_STATUS_INVALID, sw_step_log(t->ledger, &t->a, e, 3, true, o, &t->err));
    NAMES(&t->err, "trace_id");
    for (int i = 0; i < 3; i++) {
        VERDICT(o[i], REJECTED);
        CHECK(!lt_there(t, &t->a, SW_RECORD_STEP, e[i].step.id));
    }
    NAMES(&o[1].error, "trace_id");
    SAME(lt_head(t, &t->a), head);
    SAME(lt_total(t, &t->a).num_steps, 0);
    e[1].step.trace_id = SW_NULL_STR;
    OK(sw_step_log(t->ledger, &t->a, e, 3, true, o, &t->err));
    SAME(lt_total(t, &t->a).num_steps, 3);
}

static void all_or_nothing_stops_at_a_conflict(lt *t)
{
    sw_step old = lt_step(t, 1);
    sw_step_entry e[2] = {{.step = lt_step(t, 0)}, {.step = lt_step(t, 1)}};
    sw_outcome o[2];
    lt_log(t, &t->a, &old);
    e[1].step.model = SW_STR("other");
    IS(SW_STATUS_CONFLICT, sw_step_log(t->ledger, &t->a, e, 2, true, o, &t->err));
    VERDICT(o[0], REJECTED);
    CHECK(!lt_there(t, &t->a, SW_RECORD_STEP, e[0].step.id));
    CLEAN();
}

static void a_batch_has_a_bound(lt *t)
{
    size_t count = SW_LIMIT_BATCH_ITEMS + 1;
    sw_step_entry *e = pool_alloc(t->pool, count * sizeof *e);
    sw_outcome *o = pool_alloc(t->pool, count * sizeof *o);
    IS(SW_STATUS_TOO_LARGE, sw_step_log(t->ledger, &t->a, e, count, false, o, &t->err));
    SAME(lt_total(t, &t->a).num_steps, 0);
    OK(sw_step_log(t->ledger, &t->a, e, 0, false, o, &t->err));
}

/* ---- refusals name the field -------------------------------------------------------------------- */

static sw_str long_text(lt *t, size_t size)
{
    char *text = pool_alloc(t->pool, size);
    memset(text, 'x', size);
    return sw_str_make(text, size);
}

static void refused(lt *t, const sw_step_entry *e, sw_status status, const char *field)
{
    sw_step_entry two[2] = {{.step = lt_step(t, 1000)}, *e};
    sw_outcome o = lt_try(t, &t->a, e), both[2];
    VERDICT(o, REJECTED);
    if (o.status != status && !(status == SW_STATUS_INVALID && o.status == SW_STATUS_TOO_LARGE)) {
        SAY("%s: %s, expected %s", field, status_name(o.status), status_name(status));
    }
    CHECK(strstr(o.error.field, field) != NULL);
    OK(sw_step_log(t->ledger, &t->a, two, 2, false, both, &t->err));
    VERDICT(both[1], REJECTED);
    CHECK(strstr(both[1].error.field, field) != NULL);
}

#define REFUSED(STATUS, FIELD, ...)                                                                \
    do {                                                                                           \
        sw_step_entry e_ = {.step = lt_step(t, 1)};                                                \
        e_.step.FIELD = __VA_ARGS__;                                                               \
        refused(t, &e_, SW_STATUS_##STATUS, #FIELD);                                               \
    } while (0)

static void a_refusal_names_the_field(lt *t)
{
    sw_step_entry e = {.step = lt_pending(t, 1)};
    sw_message message = lt_message(t, 1, "x");
    sw_provider_trace trace = lt_trace(t, 1);
    REFUSED(INVALID_ID, id, SW_STR("step-1"));
    REFUSED(INVALID_ID, id, SW_STR("run-00000001-0000-4000-8000-000000000001"));
    REFUSED(INVALID_ID, id, SW_STR("step-00000001-0000-4000-8000-00000000000A"));
    REFUSED(INVALID_ID, id, SW_STR("step-00000001-0000-1000-8000-000000000001"));
    REFUSED(INVALID, organization_id, t->b.organization_id);
    REFUSED(INVALID, model, SW_STR("a\0b"));
    REFUSED(INVALID, model, SW_STR("\xc0\x80"));
    REFUSED(INVALID, model, long_text(t, SW_LIMIT_WORD_BYTES + 1));
    REFUSED(INVALID, tid, long_text(t, SW_LIMIT_TEXT_BYTES + 1));
    REFUSED(INVALID, input_preview, long_text(t, SW_LIMIT_PREVIEW_CHARS + 1));
    REFUSED(INVALID, context_window_limit, sw_int_of(-1));
    REFUSED(INVALID, prompt_tokens, sw_int_of(INT64_C(2147483648)));
    REFUSED(INVALID, tags, SW_STR("[1]"));
    REFUSED(INVALID, tags, SW_STR("\"a\""));
    REFUSED(INVALID, metadata, SW_STR("{\"a\":}"));
    REFUSED(INVALID, error_data, SW_STR("{\"a\":1} x"));
    REFUSED(INVALID, trace_id, SW_STR("5B8EFFF798038103D269B633813FC60C"));
    REFUSED(INVALID, feedback, sw_int_of(2));
    REFUSED(INVALID, status, sw_int_of(4));
    REFUSED(INVALID, usage_state, sw_int_of(-1));
    REFUSED(INVALID, retired_into, lt_id(t, "step", 2));
    REFUSED(INVALID, lease_expires_at, sw_int_of(LT_TIME));
    REFUSED(INVALID, is_deleted, sw_int_of(1));
    REFUSED(INVALID, created_by_id, lt_id(t, "user", 3));
    REFUSED(INVALID, provider_id, lt_id(t, "provider", 1));
    e.lease_seconds = SW_LIMIT_LEASE_SECONDS + 1;
    refused(t, &e, SW_STATUS_INVALID, "lease_seconds");
    e.lease_seconds = -1;
    refused(t, &e, SW_STATUS_INVALID, "lease_seconds");
    e = (sw_step_entry){.step = lt_step(t, 1), .messages = &message, .message_count = 1};
    message.role = SW_NULL_INT;
    refused(t, &e, SW_STATUS_INVALID, "role");
    e = (sw_step_entry){.step = lt_step(t, 1), .traces = &trace, .trace_count = 1};
    trace.request_json = SW_NULL_STR;
    refused(t, &e, SW_STATUS_INVALID, "request_json");
    SAME(lt_total(t, &t->a).num_steps, 1); /* the good neighbour */
}

static void a_step_needs_its_run(lt *t)
{
    sw_str foreign = lt_run(t, &t->b, 7, lt_agent(t, &t->b, 7));
    sw_str ids[] = {lt_id(t, "run", 8), foreign};
    char text[2][500];
    for (int i = 0; i < 2; i++) {
        sw_step_entry e = {.step = lt_step(t, 1)};
        sw_outcome o;
        e.step.run_id = ids[i];
        o = lt_try(t, &t->a, &e);
        VERDICT(o, REJECTED);
        CHECK(strstr(o.error.field, "run_id") != NULL);
        CHECK(o.status == SW_STATUS_INVALID || o.status == SW_STATUS_NOT_FOUND);
        snprintf(text[i], sizeof text[i], "%d %s", o.status, o.error.message);
    }
    /* Apart from the id itself the two answers are one. */
    SAME(strlen(text[0]), strlen(text[1]));
    SAME(lt_run_metrics(t, &t->b, foreign).num_steps.value, 0);
}

/* ---- moves -------------------------------------------------------------------------------------- */

static void a_step_ends_once(lt *t)
{
    for (int64_t from = 0; from < SW_STEP_STATUS_COUNT; from++) {
        for (int64_t to = 0; to < SW_STEP_STATUS_COUNT; to++) {
            sw_step s = lt_pending(t, (unsigned)(from * 10 + to));
            sw_step_entry end = {.step = {.status = sw_int_of(to)}};
            bool fine = from == SW_STEP_STATUS_PENDING && to != SW_STEP_STATUS_PENDING;
            sw_outcome o;
            sw_status want = fine ? SW_STATUS_OK : SW_STATUS_ILLEGAL_MOVE, got;
            s.status = sw_int_of(from);
            end.step.output_preview = SW_STR("the end");
            lt_log(t, &t->a, &s);
            got = sw_step_end(t->ledger, &t->a, s.id, &end, &o, &t->err);
            if (to == SW_STEP_STATUS_PENDING) {
                CHECK(got == SW_STATUS_INVALID || got == SW_STATUS_ILLEGAL_MOVE);
                continue;
            }
            SAME(got, want);
            SAME(o.verdict, fine ? SW_VERDICT_UPDATED : SW_VERDICT_CONFLICT);
            SAME(lt_get(t, &t->a, s.id).status.value, fine ? to : from);
            if (!fine) {
                CHECK(strstr(t->err.message, step_status_word(from)) != NULL);
                CHECK(strstr(t->err.message, step_status_word(to)) != NULL);
            }
        }
    }
    CLEAN();
}

static void an_end_writes_its_fields(lt *t)
{
    sw_step s = lt_pending(t, 1), out;
    sw_step_metrics m = {.step_ns = sw_int_of(5000), .llm_request_ns = sw_int_of(4000)};
    sw_message message = lt_message(t, 1, "done");
    sw_provider_trace trace = lt_trace(t, 1);
    sw_step_entry end = {.metrics = &m,
                         .messages = &message,
                         .message_count = 1,
                         .traces = &trace,
                         .trace_count = 1};
    sw_outcome o;
    s.tags = SW_STR("[\"kept\"]");
    lt_log(t, &t->a, &s);
    end.step.status = sw_int_of(SW_STEP_STATUS_FAILED);
    end.step.prompt_tokens = sw_int_of(100);
    end.step.completion_tokens = sw_int_of(50);
    end.step.prompt_tokens_details = SW_STR("{\"cached_tokens\":0}");
    end.step.stop_reason = SW_STR("llm_api_error");
    end.step.error_type = SW_STR("Timeout");
    end.step.error_data = SW_STR("{\"message\":\"no answer\"}");
    end.step.model = SW_STR("resolved");
    end.step.cost_nano_usd = sw_int_of(7);
    end.step.output_preview = SW_STR("...");
    OK(sw_step_end(t->ledger, &t->a, s.id, &end, &o, &t->err));
    VERDICT(o, UPDATED);
    TEXT(sw_str_from(o.id), s.id.ptr);
    out = lt_get(t, &t->a, s.id);
    SAME(out.status.value, SW_STEP_STATUS_FAILED);
    SAME(out.total_tokens.value, 150);
    SAME(out.usage_state.value, SW_USAGE_STATE_REPORTED);
    TEXT(out.stop_reason, "llm_api_error");
    TEXT(out.error_type, "Timeout");
    TEXT(out.error_data, "{\"message\":\"no answer\"}");
    TEXT(out.model, "resolved");
    TEXT(out.tags, "[\"kept\"]");
    TEXT(out.last_updated_by_id, t->a.user_id.ptr);
    SAME(out.cost_nano_usd.value, 7);
    CHECK(!out.lease_expires_at.known);
    SAME(lt_metrics(t, &t->a, s.id).step_ns.value, 5000);
    CHECK(lt_there(t, &t->a, SW_RECORD_MESSAGE, message.id));
    CHECK(lt_there(t, &t->a, SW_RECORD_PROVIDER_TRACE, trace.id));
    SAME(lt_total(t, &t->a).failed_steps, 1);
    CLEAN();
}

static void an_end_that_breaks_a_rule_leaves_the_step_pending(lt *t)
{
    sw_step s = lt_pending(t, 1);
    sw_step_entry end = {.step = {.status = sw_int_of(SW_STEP_STATUS_SUCCESS)}};
    sw_outcome o;
    lt_log(t, &t->a, &s);
    end.step.prompt_tokens = sw_int_of(10);
    end.step.completion_tokens = sw_int_of(5);
    end.step.total_tokens = sw_int_of(16);
    IS(SW_STATUS_INVALID, sw_step_end(t->ledger, &t->a, s.id, &end, &o, &t->err));
    VERDICT(o, REJECTED);
    NAMES(&t->err, "tokens");
    SAME(lt_get(t, &t->a, s.id).status.value, SW_STEP_STATUS_PENDING);
    end.step.total_tokens = sw_int_of(15);
    OK(sw_step_end(t->ledger, &t->a, s.id, &end, &o, &t->err));
    VERDICT(o, UPDATED);
    IS(SW_STATUS_NOT_FOUND, sw_step_end(t->ledger, &t->a, lt_id(t, "step", 2), &end, &o, &t->err));
    VERDICT(o, REJECTED);
}

static void a_deleted_step_is_gone(lt *t)
{
    sw_step s = lt_step(t, 1);
    sw_outcome o;
    lt_log(t, &t->a, &s);
    OK(sw_step_delete(t->ledger, &t->a, s.id, &o, &t->err));
    VERDICT(o, UPDATED);
    CHECK(o.seq > 0);
    CHECK(!lt_there(t, &t->a, SW_RECORD_STEP, s.id));
    IS(SW_STATUS_NOT_FOUND, sw_step_delete(t->ledger, &t->a, s.id, &o, &t->err));
    SAME(lt_total(t, &t->a).num_steps, 0);
    SAME(lt_list(t, &t->a, SW_RECORD_STEP, NULL).count, 0);
    lt_log(t, &t->a, &s); /* the id is free again */
    SAME(lt_total(t, &t->a).num_steps, 1);
    CLEAN();
}

static const lt_case cases[] = {
    {"a step without anything takes its defaults", a_step_without_anything_takes_its_defaults,
     LT_CLOCK},
    {"everything given is kept", everything_given_is_kept, 0},
    {"the default actor needs no name", the_default_actor_needs_no_name, 0},
    {"the same again changes nothing", the_same_again_changes_nothing, 0},
    {"what is there has a number", what_is_there_has_a_number, 0},
    {"the same again is judged by what was sent", the_same_again_is_judged_by_what_was_sent, 0},
    {"the same again is fine after its run is gone", the_same_again_is_fine_after_its_run_is_gone,
     0},
    {"one bad item does not sink the others", one_bad_item_does_not_sink_the_others, 0},
    {"all or nothing keeps nothing", all_or_nothing_keeps_nothing, 0},
    {"all or nothing stops at a conflict", all_or_nothing_stops_at_a_conflict, 0},
    {"a batch has a bound", a_batch_has_a_bound, 0},
    {"a refusal names the field", a_refusal_names_the_field, 0},
    {"a step needs its run", a_step_needs_its_run, 0},
    {"a step ends once", a_step_ends_once, 0},
    {"an end writes its fields", an_end_writes_its_fields, 0},
    {"an end that breaks a rule leaves the step pending",
     an_end_that_breaks_a_rule_leaves_the_step_pending, 0},
    {"a deleted step is gone", a_deleted_step_is_gone, 0},
};

LT_MAIN("step", cases)
