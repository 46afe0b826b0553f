/* SPDX-License-Identifier: Apache-2.0 */
/* Tokens (promises P5 and P6): what adds up is taken, what does not is refused by the API and kept, but
 * marked, from telemetry and transcripts; what is absent is not zero.
 */
#include "tests/lib/lt.h"

enum { NONE = -1, REFUSE = -1 };

/* prompt, completion, total, cached, cache write, reasoning; then what is stored as total, and the
 * state: REFUSE when the source is api. */
typedef struct row {
    int64_t in[6];
    int64_t total;
    int64_t state;
} row;

static const row rows[] = {
    {{10, 5, 15, NONE, NONE, NONE}, 15, SW_USAGE_STATE_REPORTED},
    {{10, 5, NONE, NONE, NONE, NONE}, 15, SW_USAGE_STATE_REPORTED},
    {{0, 0, 0, NONE, NONE, NONE}, 0, SW_USAGE_STATE_REPORTED},
    {{0, 0, NONE, 0, 0, 0}, 0, SW_USAGE_STATE_REPORTED},
    {{NONE, NONE, NONE, NONE, NONE, NONE}, 0, SW_USAGE_STATE_UNKNOWN},
    {{10, NONE, NONE, NONE, NONE, NONE}, 10, SW_USAGE_STATE_PARTIAL},
    {{NONE, 5, NONE, NONE, NONE, NONE}, 5, SW_USAGE_STATE_PARTIAL},
    {{10, 5, NONE, 10, NONE, NONE}, 15, SW_USAGE_STATE_REPORTED},
    {{10, 5, NONE, 4, 6, NONE}, 15, SW_USAGE_STATE_REPORTED},
    {{10, 5, NONE, NONE, NONE, 5}, 15, SW_USAGE_STATE_REPORTED},
    {{SW_LIMIT_TOKENS - 1, 1, NONE, NONE, NONE, NONE}, SW_LIMIT_TOKENS, SW_USAGE_STATE_REPORTED},
    {{10, 5, 14, NONE, NONE, NONE}, 14, REFUSE},
    {{10, 5, 16, NONE, NONE, NONE}, 16, REFUSE},
    {{10, 5, 0, NONE, NONE, NONE}, 0, REFUSE},
    {{10, 5, 15, 11, NONE, NONE}, 15, REFUSE},
    {{10, 5, 15, NONE, 11, NONE}, 15, REFUSE},
    {{10, 5, 15, 6, 5, NONE}, 15, REFUSE},
    {{10, 5, 15, NONE, NONE, 6}, 15, REFUSE},
};

static void put(sw_int *to, int64_t value)
{
    *to = value == NONE ? SW_NULL_INT : sw_int_of(value);
}

static sw_step step_of(lt *t, unsigned n, const row *r)
{
    sw_step s = lt_step(t, n);
    put(&s.prompt_tokens, r->in[0]);
    put(&s.completion_tokens, r->in[1]);
    put(&s.total_tokens, r->in[2]);
    put(&s.cached_input_tokens, r->in[3]);
    put(&s.cache_write_tokens, r->in[4]);
    put(&s.reasoning_tokens, r->in[5]);
    return s;
}

static void check_stored(lt *t, sw_str id, const row *r, unsigned i)
{
    sw_step s = lt_get(t, &t->a, id);
    int64_t state = r->state == REFUSE ? SW_USAGE_STATE_INCONSISTENT : r->state;
    if (s.usage_state.value != state || s.total_tokens.value != r->total) {
        SAY("row %u: state %lld, total %lld; expected %lld, %lld", i,
            (long long)s.usage_state.value, (long long)s.total_tokens.value, (long long)state,
            (long long)r->total);
    }
    CHECK(s.prompt_tokens.known && s.completion_tokens.known && s.total_tokens.known);
    SAME(s.prompt_tokens.value, r->in[0] == NONE ? 0 : r->in[0]);
    SAME(s.completion_tokens.value, r->in[1] == NONE ? 0 : r->in[1]);
    SAME(s.cached_input_tokens.known != 0, r->in[3] != NONE);
    SAME(s.cache_write_tokens.known != 0, r->in[4] != NONE);
    SAME(s.reasoning_tokens.known != 0, r->in[5] != NONE);
}

static void from_the_api_they_add_up(lt *t)
{
    for (unsigned i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        sw_step_entry e = {.step = step_of(t, i, &rows[i])};
        sw_outcome o = lt_try(t, &t->a, &e);
        if (rows[i].state != REFUSE) {
            VERDICT(o, CREATED);
            check_stored(t, e.step.id, &rows[i], i);
            continue;
        }
        if (o.verdict != SW_VERDICT_REJECTED) {
            SAY("row %u is taken", i);
        }
        SAME(o.status, SW_STATUS_INVALID);
        CHECK(strstr(o.error.field, "_tokens") != NULL);
    }
    CLEAN();
}

static void at_the_end_they_add_up(lt *t)
{
    for (unsigned i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        sw_step pending = lt_pending(t, i);
        sw_step_entry end = {.step = step_of(t, i, &rows[i])};
        sw_outcome o;
        sw_status got = SW_STATUS_OK;
        end.step.id = end.step.model = SW_NULL_STR;
        end.step.created_at = SW_NULL_INT;
        lt_log(t, &t->a, &pending);
        got = sw_step_end(t->ledger, &t->a, pending.id, &end, &o, &t->err);
        if (rows[i].state != REFUSE) {
            SAME(got, SW_STATUS_OK);
            check_stored(t, pending.id, &rows[i], i);
            continue;
        }
        SAME(got, SW_STATUS_INVALID);
        CHECK(strstr(t->err.field, "_tokens") != NULL);
        SAME(lt_get(t, &t->a, pending.id).status.value, SW_STEP_STATUS_PENDING);
    }
    CLEAN();
}

static void from_imports_they_are_kept_and_marked(lt *t)
{
    const int64_t sources[] = {SW_SOURCE_OTLP, SW_SOURCE_TRANSCRIPT};
    for (unsigned k = 0; k < 2; k++) {
        for (unsigned i = 0; i < sizeof rows / sizeof rows[0]; i++) {
            sw_step s = step_of(t, 100 * (k + 1) + i, &rows[i]);
            s.source = sw_int_of(sources[k]);
            lt_log(t, &t->a, &s);
            check_stored(t, s.id, &rows[i], i);
        }
    }
    SAME(lt_total(t, &t->a).usage_unknown, 2 * (3 + 7));
    CLEAN();
}

static void the_end_completes_what_was_begun(lt *t)
{
    sw_step s = lt_pending(t, 1), out;
    sw_step_entry end = {.step = {.status = sw_int_of(SW_STEP_STATUS_SUCCESS)}};
    sw_outcome o;
    s.prompt_tokens = sw_int_of(10);
    lt_log(t, &t->a, &s);
    out = lt_get(t, &t->a, s.id);
    SAME(out.usage_state.value, SW_USAGE_STATE_PARTIAL);
    end.step.completion_tokens = sw_int_of(5);
    end.step.cached_input_tokens = sw_int_of(9);
    OK(sw_step_end(t->ledger, &t->a, s.id, &end, &o, &t->err));
    out = lt_get(t, &t->a, s.id);
    SAME(out.prompt_tokens.value, 10);
    SAME(out.completion_tokens.value, 5);
    SAME(out.total_tokens.value, 15);
    SAME(out.usage_state.value, SW_USAGE_STATE_REPORTED);
    SAME(lt_total(t, &t->a).total_tokens, 15);
    SAME(lt_total(t, &t->a).usage_unknown, 0);
    CLEAN();
}

static void the_end_is_checked_against_what_was_begun(lt *t)
{
    sw_step s = lt_pending(t, 1);
    sw_step_entry end = {.step = {.status = sw_int_of(SW_STEP_STATUS_SUCCESS)}};
    sw_outcome o;
    s.prompt_tokens = sw_int_of(10);
    lt_log(t, &t->a, &s);
    end.step.completion_tokens = sw_int_of(5);
    end.step.cached_input_tokens = sw_int_of(11);
    IS(SW_STATUS_INVALID, sw_step_end(t->ledger, &t->a, s.id, &end, &o, &t->err));
    CHECK(strstr(t->err.field, "_tokens") != NULL);
}

static void sums_say_how_much_is_unknown(lt *t)
{
    sw_step s[4] = {lt_step(t, 0), lt_step(t, 1), lt_step(t, 2), lt_pending(t, 3)};
    sw_totals sums;
    s[0].cost_nano_usd = sw_int_of(100);
    s[0].cached_input_tokens = sw_int_of(0);
    s[1].cost_nano_usd = sw_int_of(0);
    s[1].cached_input_tokens = sw_int_of(4);
    s[1].reasoning_tokens = sw_int_of(5);
    s[2].completion_tokens = SW_NULL_INT;
    for (int i = 0; i < 4; i++) {
        lt_log(t, &t->a, &s[i]);
    }
    sums = lt_total(t, &t->a);
    SAME(sums.num_steps, 4);
    SAME(sums.usage_unknown, 2);
    SAME(sums.cost_unknown, 2);
    SAME(sums.cost_nano_usd, 100);
    SAME(sums.cached_known, 2);
    SAME(sums.cached_input_tokens, 4);
    SAME(sums.reasoning_known, 1);
    SAME(sums.reasoning_tokens, 5);
    SAME(sums.cache_write_known, 0);
    SAME(sums.prompt_tokens, 30);
    SAME(sums.total_tokens, 40);
}

static const lt_case cases[] = {
    {"from the api they add up", from_the_api_they_add_up, 0},
    {"at the end they add up", at_the_end_they_add_up, 0},
    {"from imports they are kept and marked", from_imports_they_are_kept_and_marked, 0},
    {"the end completes what was begun", the_end_completes_what_was_begun, 0},
    {"the end is checked against what was begun", the_end_is_checked_against_what_was_begun, 0},
    {"sums say how much is unknown", sums_say_how_much_is_unknown, 0},
};

LT_MAIN("tokens", cases)
