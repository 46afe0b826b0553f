/* SPDX-License-Identifier: Apache-2.0 */
/* References in the memory store, told from the descriptors of all records: a parent must exist, and a
 * row goes by the rule its children declare. Knows nothing of sessions.
 */
#include "store/memory.h"

static sw_record_id parent_of(const sw_field *field)
{
    return (sw_record_id)(field->ref.record_plus_1 - 1);
}

sw_status sw__mem_refs_check(const sw_mem_store *store, const sw_mem_state *state,
                             sw_record_id record, const void *row, uint64_t mask, sw_error *err)
{
    const sw_record *model = sw_record_of(record);
    for (size_t i = 0; i < model->field_count; i++) {
        const sw_field *field = &model->fields[i];
        if (!(mask & SW_MASK(i)) || !field->ref.record_plus_1 || sw_field_is_null(field, row)) {
            continue;
        }
        const sw_record *parent = sw_record_of(parent_of(field));
        sw_mem_probe probe;
        sw__mem_probe_id(&probe, parent, sw_field_text(field, row));
        if (!sw__mem_state_find(store, state, parent_of(field), probe.row)) {
            return sw_fail(err, SW_STATUS_INVALID, field->name, "no such %s", parent->name);
        }
    }
    return SW_STATUS_OK;
}

/* ---- removal ------------------------------------------------------------------------------------ */

/* `state` is what was there before, `next` what is being made of it. Children are looked for in
 * `state`, so that a rule is judged by the same rows whichever way led to it.
 */
typedef struct removal {
    const sw_mem_store *store;
    const sw_mem_state *state;
    sw_mem_state *next;
    sw_error *err;
} removal;

static sw_status remove_row(const removal *at, sw_record_id record, const void *row);

static sw_status set_null(const removal *at, sw_record_id record, const sw_field *field,
                          const void *child)
{
    const sw_record *model = sw_record_of(record);
    const void *now = sw__mem_state_find(at->store, at->next, record, child);
    sw_mem_probe without;
    if (!now) {
        return SW_STATUS_OK; /* removed on another way */
    }
    memcpy(without.row, now, model->size);
    sw_field_clear(field, without.row);
    return sw__mem_state_change(at->store, at->next, record, now, without.row)
               ? SW_STATUS_OK
               : sw_no_memory(at->err);
}

static sw_status treat_child(const removal *at, sw_record_id record, const sw_field *field,
                             const void *child)
{
    switch (field->ref.on_delete) {
    case SW_RESTRICT:
        return sw_fail(at->err, SW_STATUS_RESTRICTED, NULL, "a %s refers to it",
                       sw_record_of(record)->name);
    case SW_SET_NULL:
        return set_null(at, record, field, child);
    case SW_CASCADE:
        return remove_row(at, record, child);
    }
    SW_IMPOSSIBLE("an unknown rule");
}

/* The rows of `record` whose field `i` names the id. */
static sw_status treat_children(const removal *at, sw_record_id record, size_t i, sw_str id)
{
    const sw_record *model = sw_record_of(record);
    const sw_value value = {.text = id};
    const sw_condition names = {(uint8_t)i, SW_OP_EQ, &value, 1};
    size_t tree = sw__mem_best_order(at->store, record, &names, 1);
    sw_mem_cursor cursor = {
        .order = &at->store->orders[record][tree], .conditions = &names, .condition_count = 1};
    sw__mem_cursor_start(&cursor, at->state->trees[record][tree]);
    for (const void *child = sw__mem_cursor_next(&cursor); child;
         child = sw__mem_cursor_next(&cursor)) {
        if (sw_condition_holds(model, &names, child)) {
            sw_status status = treat_child(at, record, &model->fields[i], child);
            if (status != SW_STATUS_OK) {
                return status;
            }
        }
    }
    return SW_STATUS_OK;
}

static sw_status remove_row(const removal *at, sw_record_id record, const void *row)
{
    const sw_record *model = sw_record_of(record);
    const void *now = sw__mem_state_find(at->store, at->next, record, row);
    int primary = sw_record_primary(model);
    if (!now) {
        return SW_STATUS_OK; /* removed on another way */
    }
    if (!sw__mem_state_change(at->store, at->next, record, now, NULL)) {
        return sw_no_memory(at->err);
    }
    if (primary < 0) {
        return SW_STATUS_OK; /* nothing refers to a key of several parts */
    }
    sw_str id = sw_field_text(&model->fields[primary], row);
    for (size_t child = 0; child < SW_RECORD_COUNT; child++) {
        const sw_record *other = &sw__records[child];
        for (size_t i = 0; i < other->field_count; i++) {
            if (other->fields[i].ref.record_plus_1 != (uint8_t)record + 1) {
                continue;
            }
            sw_status status = treat_children(at, (sw_record_id)child, i, id);
            if (status != SW_STATUS_OK) {
                return status;
            }
        }
    }
    return SW_STATUS_OK;
}

sw_status sw__mem_refs_remove(const sw_mem_store *store, const sw_mem_state *state,
                              sw_mem_state *next, sw_record_id record, const void *row,
                              sw_error *err)
{
    removal at = {store, state, next, err};
    return remove_row(&at, record, row);
}
