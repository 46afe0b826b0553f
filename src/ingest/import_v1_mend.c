/* SPDX-License-Identifier: Apache-2.0 */
/* V1's oddities, a function for each record that has some (docs/decisions/0015-importing-v1.md says why each is read as
 * it is). What is read another way is not told; what is lost is.
 */
#include "ingest/import_v1_inside.h"

#include <sodium.h>

/* ---- what is told ----------------------------------------------------------------------------------- */

void v1_tell(v1_work *w, sw_str id, const char *field, const char *why, bool taken)
{
    if (taken) {
        w->count->left_out++;
    }
    if (w->options->trouble) {
        w->options->trouble(w->options->arg, w->table, id, field, why, taken);
    }
}

/* A row that stands beside another is what that one is taken without. */
void v1_refuse(v1_work *w, v1_row *row, const char *field, const char *why)
{
    bool beside = row->record == SW_RECORD_STEP_METRICS || row->record == SW_RECORD_RUN_METRICS;

    if (!row->refused) {
        row->refused = true;
        v1_tell(w, row->id, field, why, beside);
    }
}

/* A count that is wrong is no zero, so the row goes; tags and lists that are wrong are none, and times are mended. */
void v1_drop(v1_work *w, v1_row *row, const sw_field *field, const char *why)
{
    bool needed =
        (field->flags & SW_NOT_NULL) && field->kind != SW_KIND_TIME &&
        !(field->fallback && (sw_kind_is_text(field->kind) || field->kind == SW_KIND_BOOL));

    sw_field_clear(field, row->row);
    if (needed) {
        v1_refuse(w, row, sw_field_column(field), why);
    } else {
        v1_tell(w, row->id, sw_field_column(field), why, true);
    }
}

static bool lacks_time(const sw_field *field, const v1_row *row)
{
    return field->kind == SW_KIND_LONG && row->record == SW_RECORD_STEP_METRICS &&
           sw_field_number(field, row->row).value < 0;
}

void v1_check(v1_work *w, v1_row *row)
{
    const sw_record *record = sw_record_of(row->record);

    for (size_t i = 0; i < record->field_count && !row->refused; i++) {
        const sw_field *field = &record->fields[i];
        sw_error err = {.status = SW_STATUS_OK};
        sw_status status = SW_STATUS_OK;
        if (sw_field_is_null(field, row->row)) {
            continue; /* whether it may be is the ledger's question, which knows defaults */
        }
        status = sw_field_check(field, row->row, "", &err);
        if (status != SW_STATUS_OK && status != SW_STATUS_INVALID_ID) {
            v1_drop(w, row, field, err.message);
        } else if (lacks_time(field, row)) {
            v1_drop(w, row, field, "must not be negative");
        }
    }
}

/* ---- times ------------------------------------------------------------------------------------------- */

static sw_int *time_of(const v1_row *row, const char *name)
{
    const sw_record *record = sw_record_of(row->record);
    int field = sw_record_field(record, sw_str_from(name));

    sw_assert(field >= 0);
    return sw_field_int(&record->fields[field], row->row);
}

/* The same each time it is imported. V1 gives organizations and users none. */
static void mend_times(v1_work *w, v1_row *row)
{
    sw_int *created = time_of(row, "created_at");
    const sw_int *updated = time_of(row, "updated_at");
    bool usual = row->record == SW_RECORD_ORGANIZATION || row->record == SW_RECORD_USER;

    if (created->known) {
        return;
    }
    *created = updated->known ? *updated : sw_int_of(0);
    if (!usual && !updated->known) {
        v1_tell(w, row->id, "created_at", "is not said; it stands in 1970", true);
    }
}

/* ---- secrets ----------------------------------------------------------------------------------------- */

/* As V1 tells them apart: base64 of salt, nonce, something, and a tag; no beginning that keys have. */
static bool is_encrypted(sw_str text, sw_arena *arena)
{
    static const char *const keys[] = {"sk-",   "pk-",   "api-", "key-", "token-", "Bearer ",
                                       "xoxb-", "xoxp-", "ghp_", "gho_", "ghu_",   "ghs_",
                                       "ghr_",  "AKIA",  "ABIA", "ACCA", "ASIA"};
    enum { LEAST = 45 };
    unsigned char *raw = sw_arena_alloc(arena, text.len + 1);
    size_t len = 0;

    for (size_t i = 0; i < SW_COUNT(keys); i++) {
        size_t n = strlen(keys[i]);
        if (text.len >= n && memcmp(text.ptr, keys[i], n) == 0) {
            return false;
        }
    }
    return raw &&
           sodium_base642bin(raw, text.len + 1, text.ptr, text.len, NULL, &len, NULL,
                             sodium_base64_VARIANT_ORIGINAL) == 0 &&
           len >= LEAST;
}

/* What V1 encrypted stays as it is; what stands there in plain is given to be sealed. */
static void mend_secret(v1_work *w, sw_str *plain, sw_str *encrypted)
{
    if (!encrypted->ptr) {
        return;
    }
    if (is_encrypted(*encrypted, &w->arena)) {
        *plain = SW_NULL_STR;
    } else {
        *plain = *encrypted;
        *encrypted = SW_NULL_STR;
    }
}

/* ---- records ------------------------------------------------------------------------------------------ */

static void mend_step(v1_work *w, sw_step *step)
{
    bool failed = step->error_type.ptr || step->error_data.ptr;
    bool silent = step->prompt_tokens.value == 0 && step->completion_tokens.value == 0 &&
                  step->total_tokens.value == 0;

    (void)w;
    if (!step->status.known) { /* older than the status: written when the step had ended */
        step->status =
            sw_int_of(sw_str_eq(step->stop_reason, SW_STR("cancelled")) ? SW_STEP_STATUS_CANCELLED
                      : failed                                          ? SW_STEP_STATUS_FAILED
                                                                        : SW_STEP_STATUS_SUCCESS);
    }
    if (silent) { /* V1 writes 0 where nothing was reported */
        step->usage_state = sw_int_of(SW_USAGE_STATE_UNKNOWN);
    }
}

/* What a run's request said: {"agent_id": "..."}. */
static sw_str agent_of_metadata(v1_work *w, sw_str metadata)
{
    sw_json json;
    sw_str found = SW_NULL_STR;

    if (!metadata.ptr) {
        return found;
    }
    sw_json_init(&json, metadata, &w->arena);
    if (sw_json_next(&json) != SW_JSON_OBJECT) {
        return found;
    }
    while (sw_json_next(&json) == SW_JSON_KEY) {
        bool is = sw_str_eq(json.text, SW_STR("agent_id"));
        if (sw_json_next(&json) == SW_JSON_STRING && is) {
            found = sw_arena_str(&w->arena, json.text);
        } else if (!sw_json_skip(&json, NULL)) {
            break;
        }
    }
    return found;
}

static void mend_run(v1_work *w, v1_row *row)
{
    sw_run *run = row->row;
    bool ended = run->status.known && run->status.value >= SW_RUN_STATUS_COMPLETED;

    run->agent_id = run->agent_id.ptr ? run->agent_id : agent_of_metadata(w, run->metadata);
    for (size_t i = V1_LINK_AGENT; i < V1_LINK_STEPS && !run->agent_id.ptr; i++) {
        run->agent_id = row->key->links[i];
    }
    run->organization_id =
        run->organization_id.ptr ? run->organization_id : row->key->links[V1_LINK_ORGANIZATION];
    run->total_duration_ns = run->total_duration_ns.known ? run->total_duration_ns : row->run_ns;
    if (ended && !run->completed_at.known) {
        run->completed_at = run->updated_at.known ? run->updated_at : run->created_at;
    }
    if (run->total_duration_ns.known && run->total_duration_ns.value < 0) {
        run->total_duration_ns = SW_NULL_INT;
        v1_tell(w, row->id, "total_duration_ns", "must not be negative", true);
    }
    if (run->ttft_ns.known && run->ttft_ns.value < 0) {
        run->ttft_ns = SW_NULL_INT;
        v1_tell(w, row->id, "ttft_ns", "must not be negative", true);
    }
}

/* When its last message came, so that no message has to say so again. */
static void mend_conversation(const v1_row *row)
{
    sw_conversation *conversation = row->row;
    sw_str last = row->key->links[0];
    int64_t at = 0;

    if (last.ptr && last.len > 3 && memcmp(last.ptr + last.len - 3, "+00", 3) == 0) {
        last.len -= 3;
    }
    if (last.ptr && sw_time_parse(last, &at) &&
        (!conversation->last_message_at.known || conversation->last_message_at.value < at)) {
        conversation->last_message_at = sw_int_of(at);
    }
}

/* A call that failed has an answer of null. */
static void mend_trace(sw_provider_trace *trace)
{
    trace->request_json = trace->request_json.ptr ? trace->request_json : SW_STR("{}");
    trace->response_json = trace->response_json.ptr ? trace->response_json : SW_STR("{}");
}

/* NOT_FOUND: there is none, or what is asked for can be no id. */
static sw_status look_for(v1_work *w, sw_record_id record, sw_str id, sw_memory *memory, void *out,
                          sw_error *err)
{
    const sw_actor operator= {.everywhere = true};
    sw_status status =
        id.ptr ? sw_get(w->ledger, &operator, record, id, memory, out, err) : SW_STATUS_NOT_FOUND;

    return status == SW_STATUS_INVALID_ID ? SW_STATUS_NOT_FOUND : status;
}

/* Where a step does not say whose it is, its run or its agent does. */
static sw_status find_organization(v1_work *w, v1_row *row, sw_error *err)
{
    sw_step *step = row->row;
    sw_memory *memory = sw_memory_new(w->options->allocator);
    sw_run run;
    sw_agent agent;
    sw_status status = SW_STATUS_OK;

    if (!memory) {
        return sw_no_memory(err);
    }
    status = look_for(w, SW_RECORD_RUN, step->run_id, memory, &run, err);
    if (status == SW_STATUS_OK) {
        step->organization_id = sw_arena_str(&w->arena, run.organization_id);
    } else if (status == SW_STATUS_NOT_FOUND) {
        status = look_for(w, SW_RECORD_AGENT, step->agent_id, memory, &agent, err);
        step->organization_id =
            status == SW_STATUS_OK ? sw_arena_str(&w->arena, agent.organization_id) : SW_NULL_STR;
    }
    sw_memory_free(&memory);
    return status == SW_STATUS_NOT_FOUND ? SW_STATUS_OK : status;
}

/* A run must have an agent; where nothing tells which, it is one that says so. */
static sw_status find_agent(v1_work *w, v1_row *row, sw_error *err)
{
    sw_run *run = row->row;
    const sw_actor actor = {.organization_id = run->organization_id};
    sw_outcome outcome;
    sw_status status = sw_agent_by_name(w->ledger, &actor, SW_NULL_STR,
                                        SW_STR(SW_ADOPT_UNKNOWN_AGENT), &outcome, err);

    if (status == SW_STATUS_NOT_FOUND || status == SW_STATUS_INVALID) {
        return SW_STATUS_OK; /* no such organization: the ledger will say so of the run */
    }
    run->agent_id = sw_arena_str(&w->arena, sw_str_from(outcome.id));
    w->result->named_agents += status == SW_STATUS_OK && outcome.verdict == SW_VERDICT_CREATED;
    return w->arena.failed ? sw_no_memory(err) : status;
}

static sw_status mend(v1_work *w, v1_row *row, sw_error *err)
{
    sw_provider *provider = row->row;
    sw_step *step = row->row;
    sw_run *run = row->row;
    sw_message *message = row->row;

    mend_times(w, row);
    switch (row->record) {
    case SW_RECORD_PROVIDER:
        mend_secret(w, &provider->api_key, &provider->api_key_enc);
        mend_secret(w, &provider->access_key, &provider->access_key_enc);
        break;
    case SW_RECORD_CONVERSATION:
        mend_conversation(row);
        break;
    case SW_RECORD_RUN:
        mend_run(w, row);
        return run->agent_id.ptr || !w->ledger || w->options->dry_run || !run->organization_id.ptr
                   ? SW_STATUS_OK
                   : find_agent(w, row, err);
    case SW_RECORD_STEP:
        mend_step(w, step);
        return step->organization_id.ptr || !w->ledger ? SW_STATUS_OK
                                                       : find_organization(w, row, err);
    case SW_RECORD_MESSAGE:
        message->run_id = message->run_id.ptr ? message->run_id : row->key->links[0];
        break;
    case SW_RECORD_PROVIDER_TRACE:
        mend_trace(row->row);
        break;
    default:
        break;
    }
    return SW_STATUS_OK;
}

/* What could not be kept for want of memory must not be taken for what was never said. */
sw_status v1_mend(v1_work *w, v1_row *row, sw_error *err)
{
    sw_status status = mend(w, row, err);

    return w->arena.failed ? sw_no_memory(err) : status;
}
