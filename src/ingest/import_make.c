/* SPDX-License-Identifier: Apache-2.0 */
/* What every reader of the import needs to make rows: room, ids, digests, and rows such as the model takes them. */
#include <sodium.h>

#include "ingest/import_inside.h"
#include "ingest/trace_inside.h"
#include "model/model.h"

void *import_add(sw_arena *arena, import_list *list, size_t size)
{
    char *items = sw_arena_grow(arena, list->items, list->count, &list->room, size);

    if (!items) {
        return NULL;
    }
    list->items = items;
    return memset(items + list->count++ * size, 0, size);
}

/* ---- finding ------------------------------------------------------------------------------------------- */

static import_slot *slot_of(const import_index *index, uint64_t hash, import_same *same,
                            const void *arg)
{
    size_t at = hash & (index->size - 1);

    while (index->slots[at].place &&
           !(same && index->slots[at].hash == hash && same(arg, index->slots[at].place - 1))) {
        at = (at + 1) & (index->size - 1);
    }
    return &index->slots[at];
}

static bool grow(import_index *index, sw_arena *arena)
{
    enum { FIRST = 32 };
    import_index larger = {.size = index->size ? 2 * index->size : FIRST, .count = index->count};

    larger.slots = sw_arena_zeroed(arena, larger.size * sizeof *larger.slots);
    for (size_t i = 0; larger.slots && i < index->size; i++) {
        if (index->slots[i].place) {
            *slot_of(&larger, index->slots[i].hash, NULL, NULL) = index->slots[i];
        }
    }
    *index = larger.slots ? larger : *index;
    return larger.slots != NULL;
}

import_slot *import_find(import_index *index, sw_arena *arena, uint64_t hash, import_same *same,
                         const void *arg)
{
    import_slot *slot = NULL;

    if (2 * (index->count + 1) > index->size && !grow(index, arena)) {
        return NULL;
    }
    slot = slot_of(index, hash, same, arg);
    slot->hash = hash;
    return slot;
}

void import_put(import_index *index, import_slot *slot, size_t place)
{
    index->count += !slot->place;
    slot->place = place + 1;
}

/* ---- ids ------------------------------------------------------------------------------------------------- */

void import_digest(const void *data, size_t len, char out[IMPORT_DIGEST])
{
    (void)crypto_generichash((unsigned char *)out, IMPORT_DIGEST, data, len, NULL, 0);
}

sw_str import_id(import_work *work, const char *prefix, const char *kind, const sw_str *keys,
                 size_t count)
{
    char id[SW_ID_MAX];

    trace_id_make(sw_str_from(prefix), work->organization_id,
                  work->project_id.ptr ? work->project_id : SW_STR(""), sw_str_from(kind), keys,
                  count, -1, id);
    return sw_arena_str(&work->arena, sw_str_from(id));
}

sw_str import_agent(import_work *work, sw_str name)
{
    sw_str *added = NULL;
    sw_str *id = NULL;

    name = trace_fit_text(name, SW_LIMIT_TEXT_BYTES, &work->arena);
    for (size_t i = 0; i < work->agent_ids.count; i++) {
        if (sw_str_eq(((const sw_str *)work->agents.items)[i], name)) {
            return ((const sw_str *)work->agent_ids.items)[i];
        }
    }
    added = import_add(&work->arena, &work->agents, sizeof *added);
    id = added ? import_add(&work->arena, &work->agent_ids, sizeof *id) : NULL;
    if (!id) {
        return SW_NULL_STR;
    }
    *added = name;
    *id = import_id(work, "agent", "agent", &name, 1);
    return *id;
}

const sw_message import_nothing;

/* ---- what it was made of -------------------------------------------------------------------------------- */

static void add_row(crypto_generichash_state *state, sw_record_id record, const void *row)
{
    const sw_record *r = sw_record_of(record);
    uint64_t mask = sw_row_mask(r, row);

    (void)crypto_generichash_update(state, (const unsigned char *)&mask, sizeof mask);
    for (; mask; mask &= mask - 1) {
        const sw_field *field = &r->fields[__builtin_ctzll(mask)];
        if (sw_kind_is_text(field->kind)) {
            sw_str text = sw_field_text(field, row);
            (void)crypto_generichash_update(state, (const unsigned char *)&text.len,
                                            sizeof text.len);
            (void)crypto_generichash_update(state, (const unsigned char *)text.ptr, text.len);
        } else {
            sw_int number = sw_field_number(field, row);
            (void)crypto_generichash_update(state, (const unsigned char *)&number.value,
                                            sizeof number.value);
        }
    }
}

static void digest_made(import_made *made)
{
    const sw_step_entry *entry = &made->step.entry;
    crypto_generichash_state state;

    (void)crypto_generichash_init(&state, NULL, 0, IMPORT_DIGEST);
    add_row(&state, SW_RECORD_STEP, &entry->step);
    if (entry->metrics) {
        add_row(&state, SW_RECORD_STEP_METRICS, entry->metrics);
    }
    for (size_t i = 0; i < entry->message_count; i++) {
        add_row(&state, SW_RECORD_MESSAGE, &entry->messages[i]);
    }
    for (size_t i = 0; i < made->step.input_count; i++) {
        add_row(&state, SW_RECORD_MESSAGE, &made->step.input[i]);
    }
    (void)crypto_generichash_final(&state, (unsigned char *)made->content, IMPORT_DIGEST);
}

sw_str import_error(import_work *work, sw_str message, sw_int http_status)
{
    sw_buf buf;
    sw_json_out out;

    sw_buf_init(&buf, work->arena.from, SW_LIMIT_JSON_BYTES);
    sw_json_out_init(&out, &buf, false);
    sw_json_open(&out, '{');
    sw_json_key(&out, SW_STR("message"));
    sw_json_str(&out, message);
    if (http_status.known) {
        sw_json_key(&out, SW_STR("details"));
        sw_json_open(&out, '{');
        sw_json_key(&out, SW_STR("status_code"));
        sw_json_int(&out, http_status.value);
        sw_json_close(&out, '}');
    }
    sw_json_close(&out, '}');
    return sw_buf_take(&buf, &work->arena);
}

/* By its place in the step and the conversation, and beginning as the step's id does: so the ledger knows whose it is,
 * and takes it away when the step does not say it any more, or says it in another conversation. */
static sw_str message_id(import_work *work, sw_str step_id, sw_str conversation, size_t place)
{
    enum { STEP = sizeof "step-" - 1, MESSAGE = sizeof "message-" - 1, TIME = 13 };
    sw_str keys[3] = {step_id, conversation, sw_arena_printf(&work->arena, "%zu", place)};
    sw_str id = import_id(work, "message", "transcript", keys, 3);
    char *text = id.ptr ? sw_arena_alloc(&work->arena, id.len) : NULL;

    if (!text || step_id.len < STEP + TIME) {
        return SW_NULL_STR;
    }
    memcpy(text, id.ptr, id.len);
    memcpy(text + MESSAGE, step_id.ptr + STEP, TIME);
    return sw_str_make(text, id.len);
}

sw_status import_finish(import_work *work, import_made *made, sw_message *messages, sw_error *err)
{
    sw_step_entry *entry = &made->step.entry;
    /* A key of the sender's, of which the ledger makes an id. */
    sw_str conversation = entry->step.conversation_id;
    bool cut = false;

    entry->messages = messages;
    if (!made->step.input) {
        made->step.input = &import_nothing;
    }
    entry->step.conversation_id = SW_NULL_STR;
    cut = trace_fit(SW_RECORD_STEP, &entry->step, &work->arena);
    for (size_t i = 0; i < entry->message_count; i++) {
        messages[i].id = message_id(work, entry->step.id, conversation, i);
        cut |= trace_fit(SW_RECORD_MESSAGE, &messages[i], &work->arena);
    }
    if (cut) {
        entry->step.content_truncated = sw_int_of(1);
    }
    entry->step.conversation_id = conversation;
    digest_made(made);
    return work->arena.failed ? sw_no_memory(err) : SW_STATUS_OK;
}
