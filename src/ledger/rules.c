/* SPDX-License-Identifier: Apache-2.0 */
/* Rules that need no store: the shape of ids, the arithmetic of tokens, the stored form of JSON, and
 * how verdicts are worded.
 */
#include "ledger/retry.h"

/* ---- ids ---------------------------------------------------------------------------------------- */

sw_status sw__not_found(sw_record_id record, sw_str id, sw_error *err)
{
    const sw_record *kind = sw_record_of(record);
    size_t len = strlen(kind->prefix);
    /* What has the id of another record, as step_metrics that of a step, is a part of it. */
    bool part = strncmp(kind->name, kind->prefix, len) == 0 && kind->name[len] == '_';
    return sw_fail(err, SW_STATUS_NOT_FOUND, "id", "there %s %s %s%.*s", part ? "are no" : "is no",
                   part ? kind->name + len + 1 : kind->name, part ? "of " : "",
                   (int)sw_utf8_prefix(id, 80), id.ptr);
}

sw_status sw__not_retired(const sw_step *step, sw_error *err)
{
    if (!step->retired_into.ptr) {
        return SW_STATUS_OK;
    }
    return sw_fail(err, SW_STATUS_ILLEGAL_MOVE, "retired_into", "the step was folded into %.*s",
                   (int)step->retired_into.len, step->retired_into.ptr);
}

static sw_str print_id(sw_group *group, sw_record_id record, const uint8_t uuid[SW_UUID])
{
    char text[SW_ID_TEXT];
    size_t len = sw_id_print(sw_str_from(sw_record_of(record)->prefix), uuid, text);

    return sw_arena_str(&group->arena, sw_str_make(text, len));
}

sw_str sw__fresh_id(sw_group *group, sw_record_id record)
{
    uint8_t uuid[SW_UUID];

    sw_uuid_make(&group->ledger->random, group->now_us, uuid);
    return print_id(group, record, uuid);
}

sw_str sw__new_id(sw_group *group, sw_record_id record)
{
    uint8_t uuid[SW_UUID];

    if (!group->retry.call) {
        return sw__fresh_id(group, record);
    }
    sw__retry_uuid(group, record, uuid);
    return print_id(group, record, uuid);
}

/* Adopted records keep the ids they had, so any short text may name one; what looks like an attempt at
 * our own form must be right. */
sw_status sw__check_id(sw_record_id record, sw_str id, const char *field, sw_error *err)
{
    const sw_record *r = sw_record_of(record);
    const sw_field *primary = &r->fields[sw_record_primary(r)];
    int shown = (int)(id.len > 80 ? 80 : id.len);

    if (id.ptr && sw_id_valid(id, sw_str_from(primary->prefix))) {
        return SW_STATUS_OK;
    }
    if (id.ptr && primary->prefix2 && sw_id_valid(id, sw_str_from(primary->prefix2))) {
        return SW_STATUS_OK;
    }
    return sw_fail(err, SW_STATUS_INVALID_ID, field,
                   "Invalid %s ID format: %.*s. Expected format: '%s-<uuid4>'", primary->prefix,
                   shown, id.ptr ? id.ptr : "", primary->prefix);
}

/* ---- tokens ------------------------------------------------------------------------------------- */

/* What is wrong with the numbers, or NULL; *field names the culprit. */
static const char *token_fault(const sw_step *s, const char **field)
{
    int64_t prompt = s->prompt_tokens.value;
    int64_t cached = s->cached_input_tokens.value;
    int64_t written = s->cache_write_tokens.value;

    if (s->total_tokens.value != prompt + s->completion_tokens.value) {
        *field = "total_tokens";
        return "must be prompt_tokens + completion_tokens";
    }
    if (cached > prompt) {
        *field = "cached_input_tokens";
        return "is more than prompt_tokens, of which it is a part";
    }
    if (cached + written > prompt) {
        *field = "cache_write_tokens";
        return "together with cached_input_tokens is more than prompt_tokens";
    }
    if (s->reasoning_tokens.value > s->completion_tokens.value) {
        *field = "reasoning_tokens";
        return "is more than completion_tokens, of which it is a part";
    }
    return NULL;
}

/* The third of prompt, completion and total follows from the other two. */
static int complete_sum(sw_step *s)
{
    sw_int *p = &s->prompt_tokens;
    sw_int *c = &s->completion_tokens;
    sw_int *t = &s->total_tokens;
    int reported = (int)(p->known + c->known + t->known);

    if (t->known && p->known && !c->known && t->value >= p->value) {
        *c = sw_int_of(t->value - p->value);
    } else if (t->known && c->known && !p->known && t->value >= c->value) {
        *p = sw_int_of(t->value - c->value);
    }
    if (!t->known) {
        *t = sw_int_of(p->value + c->value);
    }
    *p = sw_int_of(p->value);
    *c = sw_int_of(c->value);
    return reported;
}

/* Before anything is added up. */
static sw_status token_ranges(const sw_step *s, sw_error *err)
{
    static const uint8_t fields[] = {SW_STEP_PROMPT_TOKENS,      SW_STEP_COMPLETION_TOKENS,
                                     SW_STEP_TOTAL_TOKENS,       SW_STEP_CACHED_INPUT_TOKENS,
                                     SW_STEP_CACHE_WRITE_TOKENS, SW_STEP_REASONING_TOKENS};
    const sw_record *record = sw_record_of(SW_RECORD_STEP);

    for (size_t i = 0; i < SW_COUNT(fields); i++) {
        const sw_field *field = &record->fields[fields[i]];
        int64_t value = sw_field_number(field, s).value;
        if (value < 0 || value > SW_LIMIT_TOKENS) {
            return sw_fail(err, SW_STATUS_INVALID, field->name, "must be 0 to %lld",
                           (long long)SW_LIMIT_TOKENS);
        }
    }
    return SW_STATUS_OK;
}

static sw_status token_rules(sw_step *s, sw_error *err)
{
    bool any_part =
        s->cached_input_tokens.known || s->cache_write_tokens.known || s->reasoning_tokens.known;
    int reported = complete_sum(s);
    const char *field = NULL;
    const char *fault = token_fault(s, &field);

    if (!s->usage_state.known) {
        s->usage_state = sw_int_of(reported >= 2               ? SW_USAGE_STATE_REPORTED
                                   : reported == 1 || any_part ? SW_USAGE_STATE_PARTIAL
                                                               : SW_USAGE_STATE_UNKNOWN);
    }
    if (fault && s->source.value == SW_SOURCE_API) {
        return sw_fail(err, SW_STATUS_INVALID, field, "%s", fault);
    }
    if (fault) {
        s->usage_state = sw_int_of(SW_USAGE_STATE_INCONSISTENT);
    }
    return SW_STATUS_OK;
}

sw_status sw__step_rules(sw_step *s, sw_error *err)
{
    const int64_t cost_max = SW_LIMIT_COST_USD * INT64_C(1000000000);
    sw_status status = token_ranges(s, err);

    if (status == SW_STATUS_OK) {
        status = token_rules(s, err);
    }
    if (status != SW_STATUS_OK) {
        return status;
    }
    if (s->cost_nano_usd.value < 0 || s->cost_nano_usd.value > cost_max) {
        return sw_fail(err, SW_STATUS_INVALID, "cost_nano_usd", "must be 0 to %lld nano-dollars",
                       (long long)cost_max);
    }
    if (s->stop_reason.ptr && s->source.value != SW_SOURCE_ADOPTED &&
        sw_enum_find(SW_ENUM_stop_reason, s->stop_reason) < 0) {
        return sw_fail(err, SW_STATUS_INVALID, "stop_reason",
                       "is none of the known stop reasons (end_turn, error, cancelled ...)");
    }
    return SW_STATUS_OK;
}

void sw__forget_tokens(sw_step *row, uint64_t mask)
{
    uint64_t counts = SW_MASK(SW_STEP_COMPLETION_TOKENS) | SW_MASK(SW_STEP_PROMPT_TOKENS) |
                      SW_MASK(SW_STEP_TOTAL_TOKENS);
    uint64_t parts = SW_MASK(SW_STEP_CACHED_INPUT_TOKENS) | SW_MASK(SW_STEP_CACHE_WRITE_TOKENS) |
                     SW_MASK(SW_STEP_REASONING_TOKENS);
    bool reported = row->usage_state.value == SW_USAGE_STATE_REPORTED;

    if (mask & counts) {
        row->prompt_tokens.known = reported || row->prompt_tokens.value > 0;
        row->completion_tokens.known = reported || row->completion_tokens.value > 0;
        row->total_tokens = SW_NULL_INT;
        row->usage_state = SW_NULL_INT;
    } else if ((mask & parts) && row->usage_state.value == SW_USAGE_STATE_UNKNOWN) {
        row->usage_state = sw_int_of(SW_USAGE_STATE_PARTIAL);
    }
}

/* ---- the stored form of JSON --------------------------------------------------------------------- */

void sw__row_nulls(sw_record_id record, void *row)
{
    const sw_record *r = sw_record_of(record);

    for (uint64_t json = sw__json_fields[record]; json; json &= json - 1) {
        sw_str *text = sw_field_str(&r->fields[__builtin_ctzll(json)], row);
        *text = sw_str_eq(*text, SW_STR("null")) ? SW_NULL_STR : *text;
    }
}

sw_status sw__row_minify(sw_record_id record, void *row, sw_arena *arena, sw_error *err)
{
    const sw_record *r = sw_record_of(record);
    sw_status status = SW_STATUS_OK;

    for (uint64_t json = sw__json_fields[record]; json && status == SW_STATUS_OK;
         json &= json - 1) {
        sw_str *text = sw_field_str(&r->fields[__builtin_ctzll(json)], row);
        *text = text->ptr ? sw_json_compact(*text, arena) : *text;
        status = arena->failed ? sw_no_memory(err) : status;
    }
    return status;
}

/* ---- verdicts ----------------------------------------------------------------------------------- */

void sw__outcome_reset(sw_outcome *outcome)
{
    memset(&outcome->error, 0, sizeof outcome->error);
    outcome->verdict = SW_VERDICT_CREATED;
    outcome->status = SW_STATUS_OK;
    outcome->seq = 0;
}

sw_status sw__verdict(sw_outcome *outcome, sw_verdict verdict, sw_status status,
                      const sw_error *err)
{
    bool good = verdict != SW_VERDICT_CONFLICT && verdict != SW_VERDICT_REJECTED;

    outcome->verdict = good && status != SW_STATUS_OK ? SW_VERDICT_REJECTED : verdict;
    outcome->status = status;
    if (err && status != SW_STATUS_OK) {
        outcome->error = *err;
    }
    return status;
}

sw_status sw__refused(sw_outcome *outcome, sw_status status, const sw_error *err)
{
    bool conflict = (status == SW_STATUS_CONFLICT && !sw__says_not_available(err)) ||
                    status == SW_STATUS_ILLEGAL_MOVE || status == SW_STATUS_RESTRICTED;

    return sw__verdict(outcome, conflict ? SW_VERDICT_CONFLICT : SW_VERDICT_REJECTED, status, err);
}

void sw__outcome_id(sw_outcome *outcome, sw_str id)
{
    size_t len = id.len < SW_ID_MAX - 1 ? id.len : SW_ID_MAX - 1;

    if (id.ptr) {
        memmove(outcome->id, id.ptr, len); /* callers pass an id out of the very outcome */
    }
    outcome->id[id.ptr ? len : 0] = '\0';
}
