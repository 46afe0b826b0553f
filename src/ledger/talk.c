/* SPDX-License-Identifier: Apache-2.0 */
/* What is said around the steps of a batch, prepared in the caller's thread: each message checked, stripped of white
 * space, and digested. A step is mostly sent all that was said before, so the lists are long and all but their ends
 * are known; the digest of each beginning of a list says which list in the store it extends.
 */
#include <stdio.h>
#include <stdlib.h>

#include "ledger/messages.h"
#include "ledger/talk.h"

/* Where the preparation stands. */
typedef struct preparing {
    const sw_ledger *ledger;
    sw_telemetry *t;
    sw_arena *arena;
    sw_buf buf;
    sw_str organization_id;
    sw_str user_id;
} preparing;

/* ---- ids ----------------------------------------------------------------------------------------- */

/* "<prefix>-<uuid>", shaped from a digest. Null: no memory. */
static sw_str id_of(preparing *p, const char *prefix, const char digest[SW_DIGEST])
{
    uint8_t uuid[SW_UUID];
    char text[SW_ID_TEXT];

    memcpy(uuid, digest, sizeof uuid);
    uuid[6] = (uint8_t)((uuid[6] & 0x0f) | 0x40);
    uuid[8] = (uint8_t)((uuid[8] & 0x3f) | 0x80);
    return sw_arena_str(p->arena, sw_str_make(text, sw_id_print(sw_str_from(prefix), uuid, text)));
}

/* Of what belongs to a step: its kind and place. */
static sw_str part_id(preparing *p, const char *prefix, sw_str step_id, char kind, size_t place)
{
    char digest[SW_DIGEST];

    sw_buf_clear(&p->buf);
    sw_buf_add(&p->buf, p->organization_id);
    sw_buf_addc(&p->buf, 0);
    sw_buf_add(&p->buf, step_id);
    sw_buf_addc(&p->buf, kind);
    sw_buf_add_int(&p->buf, (int64_t)place);
    sw__digest_bytes(p->buf.ptr, p->buf.len, digest);
    return p->buf.status == SW_STATUS_OK ? id_of(p, prefix, digest) : SW_NULL_STR;
}

/* The conversation, else the trace, which is the same however the runs in it are found to lie, else the run. */
static bool talk_of(preparing *p, const sw_step *step, char out[SW_DIGEST])
{
    sw_str in = step->conversation_id.ptr ? step->conversation_id
                : step->trace_id.ptr      ? step->trace_id
                : step->run_id.ptr        ? step->run_id
                                          : step->id;

    sw_buf_clear(&p->buf);
    sw_buf_add(&p->buf, p->organization_id);
    sw_buf_addc(&p->buf, 0);
    sw_buf_add(&p->buf, in);
    sw__digest_bytes(p->buf.ptr, p->buf.len, out);
    return p->buf.status == SW_STATUS_OK;
}

/* ---- messages ------------------------------------------------------------------------------------ */

/* What was given, before white space goes: that needs valid JSON. The id may still be to come. */
static sw_status check_message(const sw_message *row, sw_error *err)
{
    const sw_record *record = sw_record_of(SW_RECORD_MESSAGE);
    uint64_t mask = sw_row_mask(record, row) | SW_MASK(SW_MESSAGE_ROLE);
    sw_status status = SW_STATUS_OK;

    for (; mask && status == SW_STATUS_OK; mask &= mask - 1) {
        status = sw_field_check(&record->fields[__builtin_ctzll(mask)], row, "", err);
    }
    return status;
}

static sw_status take_message(preparing *p, const sw_step *step, const sw_message *given,
                              sw_message *row, sw_error *err)
{
    const sw_record *record = sw_record_of(SW_RECORD_MESSAGE);
    sw_status status = SW_STATUS_OK;

    *row = *given;
    sw__row_nulls(SW_RECORD_MESSAGE, row);
    status = check_message(row, err);
    if (status != SW_STATUS_OK) {
        return status;
    }
    row->organization_id = p->organization_id;
    row->step_id = step->id;
    row->run_id = step->run_id;
    row->agent_id = step->agent_id;
    row->conversation_id = step->conversation_id;
    row->created_at = row->created_at.known
                          ? row->created_at
                          : sw_int_of(step->created_at.known ? step->created_at.value : 0);
    row->updated_at = row->created_at;
    row->created_by_id = p->user_id;
    row->sequence_id = sw_int_of(0); /* numbered when it is written */
    row->body_hash = SW_NULL_STR;
    sw_row_defaults(record, row);
    status = sw__row_minify(SW_RECORD_MESSAGE, row, p->arena, err);
    if (status == SW_STATUS_OK && !sw__message_is_mute(row)) {
        row->body_hash = sw__message_body_digest(p->ledger, &p->buf, p->arena, row);
        status = row->body_hash.ptr ? status : sw_no_memory(err);
    }
    return status;
}

static sw_status take_messages(preparing *p, const sw_step *step, const sw_message *given,
                               size_t count, const char *name, sw_said **out, sw_error *err)
{
    sw_status status = SW_STATUS_OK;
    char path[48];

    *out = sw_arena_zeroed(p->arena, (count + 1) * sizeof **out);
    if (!*out) {
        return sw_no_memory(err);
    }
    for (size_t i = 0; i < count && status == SW_STATUS_OK; i++) {
        status = take_message(p, step, &given[i], &(*out)[i].row, err);
        if (status != SW_STATUS_OK) {
            (void)snprintf(path, sizeof path, "%s[%zu].", name, i);
            sw_error_path(err, path);
        }
    }
    return status;
}

/* ---- digests of lists ---------------------------------------------------------------------------- */

/* How often each message was said so far: open addressing over the digests of items. */
typedef struct counts {
    struct {
        char item[SW_DIGEST];
        uint32_t times;
    } * at;
    size_t size;
} counts;

static uint32_t count_one(counts *c, const char item[SW_DIGEST])
{
    uint64_t hash = 0;
    size_t at = 0;

    memcpy(&hash, item, sizeof hash);
    for (at = hash & (c->size - 1); c->at[at].times && memcmp(c->at[at].item, item, SW_DIGEST) != 0;
         at = (at + 1) & (c->size - 1)) {
    }
    memcpy(c->at[at].item, item, SW_DIGEST);
    return c->at[at].times++;
}

static bool digest_item(preparing *p, counts *c, sw_said *said, char item[SW_DIGEST])
{
    sw_context_item is = sw__talk_item(said);
    char input[SW_DIGEST + sizeof(uint32_t)];
    uint32_t before = 0;

    sw_buf_clear(&p->buf);
    sw__context_put(&p->buf, &is);
    if (p->buf.status != SW_STATUS_OK) {
        return false;
    }
    sw__digest_bytes(p->buf.ptr, p->buf.len, item);
    before = count_one(c, item);
    memcpy(input, item, SW_DIGEST);
    memcpy(input + SW_DIGEST, &before, sizeof before);
    sw__digest_bytes(input, sizeof input, said->key);
    return true;
}

/* What is said for the second time has a key of its own; what the step made comes after all it was sent. */
static sw_status digest_lists(preparing *p, sw_talk_step *s, sw_error *err)
{
    counts c = {.size = 16};
    char head[2 * SW_DIGEST];

    while (c.size < 2 * (s->input_count + s->made_count)) {
        c.size *= 2;
    }
    c.at = sw_alloc_zeroed(&p->ledger->allocator, c.size * sizeof *c.at);
    if (!c.at) {
        return sw_no_memory(err);
    }
    memcpy(head, s->talk, SW_DIGEST);
    for (size_t i = 0; i < s->input_count + s->made_count; i++) {
        sw_said *said = i < s->input_count ? &s->input[i] : &s->made[i - s->input_count];
        if (!digest_item(p, &c, said, head + SW_DIGEST)) {
            sw_free(&p->ledger->allocator, c.at);
            return sw_no_memory(err);
        }
        sw__digest_bytes(head, sizeof head, said->head);
        memcpy(head, said->head, SW_DIGEST);
    }
    sw_free(&p->ledger->allocator, c.at);
    return SW_STATUS_OK;
}

/* A message that was only sent is the same whoever was sent it. */
static sw_status name_messages(preparing *p, sw_talk_step *s, sw_error *err)
{
    char both[2 * SW_DIGEST];
    char digest[SW_DIGEST];

    for (size_t i = 0; i < s->input_count; i++) {
        memcpy(both, s->talk, SW_DIGEST);
        memcpy(both + SW_DIGEST, s->input[i].key, SW_DIGEST);
        sw__digest_bytes(both, sizeof both, digest);
        s->input[i].row.id = id_of(p, "message", digest);
        s->input[i].row.otid = SW_NULL_STR;
    }
    for (size_t i = 0; i < s->made_count; i++) {
        if (!s->made[i].row.id.ptr) {
            s->made[i].row.id = part_id(p, "message", s->made[i].row.step_id, 'm', i);
        }
    }
    return p->arena->failed ? sw_no_memory(err) : SW_STATUS_OK;
}

/* ---- traces -------------------------------------------------------------------------------------- */

static sw_status take_trace(preparing *p, const sw_step *step, size_t place, sw_provider_trace *row,
                            sw_error *err)
{
    const sw_record *record = sw_record_of(SW_RECORD_PROVIDER_TRACE);
    sw_status status = SW_STATUS_OK;

    row->organization_id = p->organization_id;
    row->step_id = step->id;
    row->agent_id = row->agent_id.ptr ? row->agent_id : step->agent_id;
    row->run_id = step->run_id;
    row->user_id = row->user_id.ptr ? row->user_id : p->user_id;
    row->created_at = row->created_at.known
                          ? row->created_at
                          : sw_int_of(step->created_at.known ? step->created_at.value : 0);
    row->updated_at = row->created_at;
    row->created_by_id = p->user_id;
    row->id = row->id.ptr ? row->id : part_id(p, "provider_trace", step->id, 't', place);
    if (!row->id.ptr) {
        return sw_no_memory(err);
    }
    sw__row_nulls(SW_RECORD_PROVIDER_TRACE, row);
    sw_row_defaults(record, row);
    status = sw_row_check(record, row, "", err);
    return status == SW_STATUS_OK ? sw__row_minify(SW_RECORD_PROVIDER_TRACE, row, p->arena, err)
                                  : status;
}

static sw_status take_traces(preparing *p, const sw_step *step, const sw_step_entry *entry,
                             sw_talk_step *out, sw_error *err)
{
    sw_status status = SW_STATUS_OK;
    char path[32];

    out->trace_count = entry->trace_count;
    out->traces = sw_arena_alloc(p->arena, (entry->trace_count + 1) * sizeof *out->traces);
    if (!out->traces) {
        return sw_no_memory(err);
    }
    for (size_t i = 0; i < entry->trace_count && status == SW_STATUS_OK; i++) {
        out->traces[i] = entry->traces[i];
        status = take_trace(p, step, i, &out->traces[i], err);
        if (status != SW_STATUS_OK) {
            (void)snprintf(path, sizeof path, "traces[%zu].", i);
            sw_error_path(err, path);
        }
    }
    return status;
}

/* ---- steps --------------------------------------------------------------------------------------- */

static sw_status take_tools(preparing *p, const sw_step *step, sw_str tools, sw_talk_step *out,
                            sw_error *err)
{
    const sw_message row = {.role = sw_int_of(SW_MESSAGE_ROLE_SYSTEM), .content = tools};
    sw_status status = SW_STATUS_OK;

    if (tools.ptr) {
        status = take_messages(p, step, &row, 1, "tools", &out->tools, err);
    }
    if (tools.ptr && status == SW_STATUS_OK && out->tools->row.body_hash.ptr) {
        out->tools->row.role = sw_int_of(SW_CONTEXT_TOOLS);
        out->tool_count = 1;
    }
    return status;
}

static sw_status take_step(preparing *p, size_t entry, sw_talk_step *out, sw_error *err)
{
    const sw_telemetry_step *given = &p->t->batch->steps[p->t->of_step[entry]];
    const sw_step *step = &p->t->entries[entry].step;
    sw_status status = SW_STATUS_OK;

    *out = (sw_talk_step){.entry = entry,
                          .has_input = given->input != NULL,
                          .input_count = given->input ? given->input_count : 0,
                          .made_count = given->entry.message_count};
    if (out->input_count > SW_LIMIT_JSON_BYTES / 64 || out->made_count > SW_LIMIT_BATCH_ITEMS ||
        given->entry.trace_count > SW_LIMIT_BATCH_ITEMS) {
        return sw_fail(err, SW_STATUS_TOO_LARGE, "input", "too many messages for one step");
    }
    if (!talk_of(p, step, out->talk)) {
        return sw_no_memory(err);
    }
    status = take_messages(p, step, given->input, out->input_count, "input", &out->input, err);
    if (status == SW_STATUS_OK) {
        status = take_messages(p, step, given->entry.messages, out->made_count, "messages",
                               &out->made, err);
    }
    if (status == SW_STATUS_OK) {
        status = take_tools(p, step, given->tools, out, err);
    }
    if (status == SW_STATUS_OK) {
        status = digest_lists(p, out, err);
    }
    if (status == SW_STATUS_OK) {
        status = name_messages(p, out, err);
    }
    return status == SW_STATUS_OK ? take_traces(p, step, &given->entry, out, err) : status;
}

static const sw_step *step_of(const sw_telemetry *t, const sw_talk_step *s)
{
    return &t->entries[s->entry].step;
}

static int by_time(const void *x, const void *y, void *arg)
{
    const sw_step *a = step_of(arg, x);
    const sw_step *b = step_of(arg, y);

    if (a->created_at.value != b->created_at.value) {
        return a->created_at.value < b->created_at.value ? -1 : 1;
    }
    return sw_field_cmp(&sw_record_of(SW_RECORD_STEP)->fields[SW_STEP_ID], a, b);
}

/* A step that is there may say by silence that it made nothing after all. */
static bool says_anything(const sw_telemetry *t, size_t entry)
{
    const sw_telemetry_step *given = &t->batch->steps[t->of_step[entry]];

    return t->is[t->of_step[entry]] != SW_TELEMETRY_FOLDED &&
           (entry >= t->fresh || given->input || given->entry.message_count > 0 ||
            given->entry.trace_count > 0 || given->tools.ptr);
}

static sw_status take_all(preparing *p, sw_error *err)
{
    sw_talk *talk = sw_arena_zeroed(p->arena, sizeof *talk);
    size_t n = p->t->batch->step_count;
    sw_status status = SW_STATUS_OK;
    char path[32];

    if (talk) {
        talk->steps = sw_arena_alloc(p->arena, (n + 1) * sizeof *talk->steps);
    }
    if (!talk || !talk->steps) {
        return sw_no_memory(err);
    }
    p->t->talk = talk;
    for (size_t i = 0; i < n && status == SW_STATUS_OK; i++) {
        if (says_anything(p->t, i)) {
            status = take_step(p, i, &talk->steps[talk->count], err);
            talk->count += status == SW_STATUS_OK;
        }
        if (status != SW_STATUS_OK) {
            (void)snprintf(path, sizeof path, "steps[%zu].", p->t->of_step[i]);
            sw_error_path(err, path);
        }
    }
    if (status == SW_STATUS_OK && talk->count > 1) {
        qsort_r(talk->steps, talk->count, sizeof *talk->steps, by_time, p->t);
    }
    return status;
}

sw_status sw__talk_prepare(const sw_ledger *ledger, const sw_actor *actor, sw_telemetry *t,
                           sw_error *err)
{
    preparing p = {.ledger = ledger,
                   .t = t,
                   .arena = &t->arena,
                   .organization_id = sw__actor_organization(actor),
                   .user_id = sw__actor_user(actor)};
    sw_status status = SW_STATUS_OK;

    sw_buf_init(&p.buf, &ledger->allocator, 0);
    status = take_all(&p, err);
    sw_buf_fini(&p.buf);
    return status;
}
