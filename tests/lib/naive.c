/* SPDX-License-Identifier: Apache-2.0 */
/* The writes of the naive ledger on steps. What hangs on a step is in naive_parts.c, runs and agents in
 * naive_run.c, reading in naive_read.c.
 */
#include "tests/lib/naive.h"

#include <stdlib.h>

#include "tests/lib/naive_inside.h"

naive *naive_new(void)
{
    naive *n = calloc(1, sizeof *n);
    if (!n) {
        abort();
    }
    n->pool = pool_new();
    return n;
}

void naive_free(naive **n)
{
    if (*n) {
        pool_free(&(*n)->pool);
        free((*n)->steps);
        free((*n)->runs);
        free((*n)->agents);
        free((*n)->messages);
        free((*n)->traces);
        free(*n);
        *n = NULL;
    }
}

void *nv_grow(void *at, size_t *count, size_t *room, size_t size)
{
    if (*count == *room) {
        *room = *room ? *room * 2 : 64;
        at = realloc(at, *room * size);
        if (!at) {
            abort();
        }
    }
    memset((char *)at + *count * size, 0, size);
    (*count)++;
    return at;
}

bool nv_mine(const sw_actor *actor, sw_str organization_id)
{
    return actor->everywhere || sw_str_eq(actor->organization_id, organization_id);
}

nv_answer nv_say(sw_verdict verdict)
{
    return (nv_answer){.verdict = verdict};
}

nv_answer nv_refuse(const char *names)
{
    return (nv_answer){.verdict = SW_VERDICT_REJECTED, .names = names};
}

nv_answer nv_or(nv_answer answer, sw_verdict other)
{
    answer.either = true;
    answer.other = other;
    return answer;
}

static nv_step *find_step(naive *n, sw_str id)
{
    for (size_t i = 0; i < n->step_count; i++) {
        if (n->steps[i].there && sw_str_eq(n->steps[i].row.id, id)) {
            return &n->steps[i];
        }
    }
    return NULL;
}

nv_step *naive_step(naive *n, const sw_actor *actor, sw_str id)
{
    nv_step *s = find_step(n, id);
    return s && nv_mine(actor, s->row.organization_id) ? s : NULL;
}

/* ---- tokens ------------------------------------------------------------------------------------- */

static void take_tokens(nv_step *s, const sw_step *given)
{
    sw_step *row = &s->row;
    bool parts = given->prompt_tokens.known || given->completion_tokens.known;
    s->prompt_given |= given->prompt_tokens.known != 0;
    s->completion_given |= given->completion_tokens.known != 0;
    row->prompt_tokens = given->prompt_tokens.known ? given->prompt_tokens : row->prompt_tokens;
    row->completion_tokens =
        given->completion_tokens.known ? given->completion_tokens : row->completion_tokens;
    if (given->total_tokens.known) {
        row->total_tokens = given->total_tokens;
    } else if (parts) {
        row->total_tokens = sw_int_of(row->prompt_tokens.value + row->completion_tokens.value);
    }
}

static bool adds_up(const nv_step *s)
{
    const sw_step *row = &s->row;
    int64_t cache = (row->cached_input_tokens.known ? row->cached_input_tokens.value : 0) +
                    (row->cache_write_tokens.known ? row->cache_write_tokens.value : 0);
    int64_t reasoning = row->reasoning_tokens.known ? row->reasoning_tokens.value : 0;
    return cache <= row->prompt_tokens.value && reasoning <= row->completion_tokens.value &&
           row->total_tokens.value == row->prompt_tokens.value + row->completion_tokens.value;
}

/* False: the source is api, and the numbers do not add up. */
static bool judge_usage(nv_step *s, const sw_step *given)
{
    if (given->usage_state.known) {
        s->row.usage_state = given->usage_state;
    } else if (s->prompt_given && s->completion_given) {
        s->row.usage_state = sw_int_of(SW_USAGE_STATE_REPORTED);
    } else {
        s->row.usage_state =
            sw_int_of(s->prompt_given || s->completion_given ? SW_USAGE_STATE_PARTIAL
                                                             : SW_USAGE_STATE_UNKNOWN);
    }
    if (adds_up(s)) {
        return true;
    }
    s->row.usage_state = sw_int_of(SW_USAGE_STATE_INCONSISTENT);
    return s->row.source.value != SW_SOURCE_API;
}

/* ---- log ---------------------------------------------------------------------------------------- */

static void fill_defaults(const sw_actor *actor, sw_step *row, sw_str id, int64_t now)
{
    sw_int *zero[] = {&row->prompt_tokens, &row->completion_tokens,
                      &row->total_tokens,  &row->content_truncated,
                      &row->status,        &row->source,
                      &row->is_deleted};
    row->id = id;
    row->organization_id = actor->organization_id;
    row->created_by_id = actor->user_id;
    for (size_t i = 0; i < sizeof zero / sizeof zero[0]; i++) {
        *zero[i] = zero[i]->known ? *zero[i] : sw_int_of(0);
    }
    row->tags = row->tags.ptr ? row->tags : SW_STR("[]");
    row->created_at = row->created_at.known ? row->created_at : sw_int_of(now);
}

nv_answer naive_log(naive *n, const sw_actor *actor, const sw_step_entry *entry, sw_str id,
                    int64_t now, const char *broken, bool dry)
{
    nv_step *old = find_step(n, id);
    nv_step fresh = {.there = true};
    bool no_run = entry->step.run_id.ptr && !naive_run(n, actor, entry->step.run_id);
    bool wrong_sum = false;
    if (old && !nv_mine(actor, old->row.organization_id)) {
        return nv_refuse(NULL);
    }
    if (old && !broken && nv_same_entry(&old->created, entry)) {
        return nv_say(SW_VERDICT_UNCHANGED);
    }
    row_copy(SW_RECORD_STEP, &fresh.row, &entry->step, n->pool);
    fill_defaults(actor, &fresh.row, pool_str(n->pool, id), now);
    take_tokens(&fresh, &entry->step);
    wrong_sum = !judge_usage(&fresh, &entry->step);
    if (old) {
        bool wrong = broken || no_run || wrong_sum;
        return nv_or(nv_say(SW_VERDICT_CONFLICT),
                     wrong ? SW_VERDICT_REJECTED : SW_VERDICT_CONFLICT);
    }
    if ((broken != NULL) + no_run + wrong_sum > 1) {
        return nv_refuse(NULL); /* which of them is named is not said */
    }
    if (broken || no_run || wrong_sum) {
        return nv_refuse(broken ? broken : no_run ? "run_id" : "tokens");
    }
    if (dry) {
        return nv_say(SW_VERDICT_CREATED);
    }
    nv_copy_entry(n, &fresh.created, entry);
    n->steps = nv_grow(n->steps, &n->step_count, &n->step_room, sizeof *n->steps);
    n->steps[n->step_count - 1] = fresh;
    nv_put_all(n, actor, &n->steps[n->step_count - 1], entry);
    return nv_say(SW_VERDICT_CREATED);
}

/* ---- end, update, feedback ---------------------------------------------------------------------- */

static void overlay(naive *n, sw_step *row, const sw_step *given)
{
    sw_step copy;
    row_copy(SW_RECORD_STEP, &copy, given, n->pool);
    for (int f = 0; f < SW_STEP_FIELD_COUNT; f++) {
        bool tokens = f == SW_STEP_PROMPT_TOKENS || f == SW_STEP_COMPLETION_TOKENS ||
                      f == SW_STEP_TOTAL_TOKENS || f == SW_STEP_USAGE_STATE;
        if (f != SW_STEP_ID && !tokens && !row_is_null(SW_RECORD_STEP, &copy, f)) {
            row_set(SW_RECORD_STEP, row, f, &copy);
        }
    }
}

nv_answer naive_end(naive *n, const sw_actor *actor, sw_str id, const sw_step_entry *end,
                    const char *broken)
{
    nv_step *s = naive_step(n, actor, id);
    nv_step next;
    if (!s) {
        return nv_refuse(NULL);
    }
    if (s->row.status.value != SW_STEP_STATUS_PENDING) {
        if (s->has_end && !broken && nv_same_entry(&s->ended, end)) {
            return nv_say(SW_VERDICT_UNCHANGED);
        }
        return nv_or(nv_say(SW_VERDICT_CONFLICT),
                     broken ? SW_VERDICT_REJECTED : SW_VERDICT_CONFLICT);
    }
    if (broken) {
        return nv_refuse(broken);
    }
    next = *s;
    overlay(n, &next.row, &end->step);
    take_tokens(&next, &end->step);
    if (!judge_usage(&next, &end->step)) {
        return nv_refuse("tokens");
    }
    nv_copy_entry(n, &next.ended, end);
    next.has_end = true;
    *s = next;
    nv_put_all(n, actor, s, end);
    return nv_say(SW_VERDICT_UPDATED);
}

static const char *refused_field(const nv_step *s, const sw_step *values, uint64_t mask)
{
    const uint64_t always =
        SW_FIELD_BIT(SW_STEP_TID) | SW_FIELD_BIT(SW_STEP_FEEDBACK) | SW_FIELD_BIT(SW_STEP_TAGS);
    const uint64_t pending = SW_FIELD_BIT(SW_STEP_MODEL) | SW_FIELD_BIT(SW_STEP_MODEL_ENDPOINT) |
                             SW_FIELD_BIT(SW_STEP_INPUT_PREVIEW) |
                             SW_FIELD_BIT(SW_STEP_PROVIDER_NAME) |
                             SW_FIELD_BIT(SW_STEP_COST_NANO_USD);
    for (int f = 0; f < SW_STEP_FIELD_COUNT; f++) {
        bool asked = mask >> f & 1;
        bool open = s->row.status.value == SW_STEP_STATUS_PENDING && (pending >> f & 1);
        bool first_reason =
            f == SW_STEP_STOP_REASON &&
            (!s->row.stop_reason.ptr || sw_str_eq(s->row.stop_reason, values->stop_reason));
        if (asked && !(always >> f & 1) && !open && !first_reason) {
            return row_kind_of(SW_RECORD_STEP)->fields[f].name;
        }
    }
    return NULL;
}

nv_answer naive_update(naive *n, const sw_actor *actor, sw_str id, const sw_step *values,
                       uint64_t mask)
{
    nv_step *s = naive_step(n, actor, id);
    const char *refused = s ? refused_field(s, values, mask) : NULL;
    sw_step next, copy;
    if (!s || refused) {
        return s ? nv_or(nv_refuse(refused), SW_VERDICT_CONFLICT) : nv_refuse(NULL);
    }
    next = s->row;
    row_copy(SW_RECORD_STEP, &copy, values, n->pool);
    for (int f = 0; f < SW_STEP_FIELD_COUNT; f++) {
        if (mask >> f & 1) {
            row_set(SW_RECORD_STEP, &next, f, &copy);
        }
    }
    if (row_differs(SW_RECORD_STEP, &s->row, &next, 0) < 0) {
        return nv_say(SW_VERDICT_UNCHANGED);
    }
    s->row = next;
    return nv_say(SW_VERDICT_UPDATED);
}

static sw_str change_tags(naive *n, sw_str tags, const sw_feedback_change *change)
{
    words have, add, out = {0};
    sw_str removed = change->remove_tags;
    words gone;
    words_read(&gone, removed);
    words_read(&add, change->add_tags);
    words_read(&have, change->set_tags ? change->tags : tags);
    for (size_t i = 0; i < have.count; i++) {
        if (!words_have(&gone, have.at[i])) {
            out.at[out.count++] = have.at[i];
        }
    }
    for (size_t i = 0; i < add.count && out.count < WORDS_MAX; i++) {
        if (!words_have(&out, add.at[i])) {
            out.at[out.count++] = add.at[i];
        }
    }
    return words_write(&out, n->pool);
}

nv_answer naive_feedback(naive *n, const sw_actor *actor, sw_str id,
                         const sw_feedback_change *change)
{
    nv_step *s = naive_step(n, actor, id);
    sw_int feedback = SW_NULL_INT;
    sw_str tags = SW_NULL_STR;
    bool same = false;
    if (!s) {
        return nv_refuse(NULL);
    }
    feedback = change->set_feedback ? change->feedback : s->row.feedback;
    tags = change_tags(n, s->row.tags, change);
    same = sw_int_eq(feedback, s->row.feedback) && sw_str_eq(tags, s->row.tags);
    s->row.feedback = feedback;
    s->row.tags = tags;
    return nv_say(same ? SW_VERDICT_UNCHANGED : SW_VERDICT_UPDATED);
}

nv_answer naive_metrics(naive *n, const sw_actor *actor, sw_str id, const sw_step_metrics *metrics)
{
    nv_step *s = naive_step(n, actor, id);
    bool first = s && !s->has_metrics;
    nv_answer answer;
    if (!s) {
        return nv_refuse(NULL);
    }
    answer =
        nv_say(nv_put_metrics(n, actor, s, metrics) ? SW_VERDICT_UPDATED : SW_VERDICT_UNCHANGED);
    return first ? nv_or(answer, SW_VERDICT_CREATED) : answer;
}

nv_answer naive_attach(naive *n, const sw_actor *actor, sw_str id, const sw_message *messages,
                       size_t message_count, const sw_provider_trace *traces, size_t trace_count)
{
    nv_step *s = naive_step(n, actor, id);
    return s ? nv_attach(n, actor, s, messages, message_count, traces, trace_count)
             : nv_refuse(NULL);
}

/* ---- delete, restate, retire -------------------------------------------------------------------- */

nv_answer naive_delete(naive *n, const sw_actor *actor, sw_str id)
{
    nv_step *s = naive_step(n, actor, id);
    if (!s) {
        return nv_refuse(NULL);
    }
    for (size_t i = 0; i < n->message_count; i++) {
        if (sw_str_eq(n->messages[i].row.step_id, s->row.id)) {
            n->messages[i].row.step_id = SW_NULL_STR;
            n->messages[i].row.text = SW_NULL_STR;
        }
    }
    for (size_t i = 0; i < n->trace_count; i++) {
        if (sw_str_eq(n->traces[i].row.step_id, s->row.id)) {
            n->traces[i].there = false;
        }
    }
    s->there = false;
    return nv_say(SW_VERDICT_UPDATED);
}

/* What took its run from the step goes with it to another one. */
static void follow_run(naive *n, sw_str step_id, sw_str from, sw_str to)
{
    for (size_t i = 0; i < n->message_count; i++) {
        sw_message *m = &n->messages[i].row;
        if (n->messages[i].there && sw_str_eq(m->step_id, step_id) && sw_str_eq(m->run_id, from)) {
            m->run_id = to;
        }
    }
}

nv_answer naive_restate(naive *n, const sw_actor *actor, const sw_step_entry *entry, int64_t now)
{
    nv_step *s = find_step(n, entry->step.id);
    nv_step next;
    bool changed = false;
    if (!s) {
        return naive_log(n, actor, entry, entry->step.id, now, NULL, false);
    }
    if (!nv_mine(actor, s->row.organization_id)) {
        return nv_refuse(NULL);
    }
    if (s->row.source.value != SW_SOURCE_OTLP && s->row.source.value != SW_SOURCE_TRANSCRIPT) {
        return nv_or(nv_say(SW_VERDICT_CONFLICT), SW_VERDICT_REJECTED);
    }
    if (entry->step.run_id.ptr && !naive_run(n, actor, entry->step.run_id)) {
        return nv_refuse("run_id");
    }
    next = *s;
    overlay(n, &next.row, &entry->step);
    take_tokens(&next, &entry->step);
    judge_usage(&next, &entry->step);
    follow_run(n, s->row.id, s->row.run_id, next.row.run_id);
    if (next.has_metrics && next.row.run_id.ptr) {
        next.metrics.run_id = next.row.run_id;
    }
    changed = row_differs(SW_RECORD_STEP, &next.row, &s->row, 0) >= 0;
    *s = next;
    if (entry->metrics) {
        changed |= nv_put_metrics(n, actor, s, entry->metrics);
    }
    return nv_say(changed ? SW_VERDICT_UPDATED : SW_VERDICT_UNCHANGED);
}

nv_answer naive_retire(naive *n, const sw_actor *actor, sw_str id, sw_str survivor)
{
    nv_step *s = naive_step(n, actor, id);
    nv_step *into = naive_step(n, actor, survivor);
    if (!s || !into) {
        return nv_refuse(NULL);
    }
    if (s->row.source.value != SW_SOURCE_OTLP && s->row.source.value != SW_SOURCE_TRANSCRIPT) {
        return nv_or(nv_say(SW_VERDICT_CONFLICT), SW_VERDICT_REJECTED);
    }
    if (sw_str_eq(s->row.retired_into, into->row.id)) {
        return nv_say(SW_VERDICT_UNCHANGED);
    }
    s->row.retired_into = into->row.id;
    return nv_say(SW_VERDICT_UPDATED);
}
