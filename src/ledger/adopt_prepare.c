/* SPDX-License-Identifier: Apache-2.0 */
/* Rows that are adopted, before anything is asked of the store: what is missing is filled in, what breaks a rule is
 * refused, and the content is digested, so that the same row brought again is known. Records that records.c creates
 * are prepared there.
 */
#include "ledger/adopt_inside.h"
#include "ledger/messages.h"
#include "ledger/run.h"

sw_str sw__adopt_organization(sw_record_id record, const void *row)
{
    const sw_record *r = sw_record_of(record);
    int field = record == SW_RECORD_ORGANIZATION ? SW_ORGANIZATION_ID
                                                 : sw_record_field(r, SW_STR("organization_id"));
    sw_str id = sw_field_text(&r->fields[field], row);

    return record == SW_RECORD_PROVIDER && !id.ptr ? sw__actor_organization(NULL) : id;
}

/* Length and characters are checked before the form. */
sw_status sw__adopt_check(sw_record_id record, const void *row, sw_error *err)
{
    const sw_record *r = sw_record_of(record);
    sw_status status = SW_STATUS_OK;

    for (size_t i = 0; i < r->field_count && status == SW_STATUS_OK; i++) {
        status = sw_field_check(&r->fields[i], row, "", err);
        if (status == SW_STATUS_INVALID_ID && sw_field_text(&r->fields[i], row).len > 0) {
            status = SW_STATUS_OK;
        }
    }
    return status;
}

static sw_int *time_of(sw_record_id record, void *row, const char *name)
{
    const sw_record *r = sw_record_of(record);
    int field = sw_record_field(r, sw_str_from(name));

    sw_assert(field >= 0);
    return sw_field_int(&r->fields[field], row);
}

static sw_status own_rules(sw_record_id record, void *row, sw_error *err)
{
    sw_step *step = row;
    sw_run *run = row;
    sw_message *message = row;

    switch (record) {
    case SW_RECORD_STEP:
        step->source = sw_int_of(SW_SOURCE_ADOPTED);
        return sw__step_rules(step, err);
    case SW_RECORD_RUN:
        run->source = sw_int_of(SW_SOURCE_ADOPTED);
        return SW_STATUS_OK;
    case SW_RECORD_MESSAGE:
        message->sequence_id = sw_int_of(0); /* numbered when it is written */
        message->body_hash = SW_NULL_STR;
        return SW_STATUS_OK;
    default:
        return SW_STATUS_OK;
    }
}

/* What is kept to know it again; a message by what it says, a trace by its id alone. */
static sw_status digest(const sw_ledger *ledger, sw_buf *buf, sw_arena *arena, sw_record_id record,
                        uint64_t given, const sw_adopted *from, void *row, sw_error *err)
{
    sw_step_entry entry = {.metrics = from->metrics};
    sw_run *run = row;
    sw_step *step = row;
    sw_message *message = row;
    sw_str *out = NULL;

    switch (record) {
    case SW_RECORD_RUN:
        out = &run->create_digest;
        *out = sw__row_digest_with(ledger, buf, arena, record, row, ~given | SW_MASK(SW_RUN_ID));
        break;
    case SW_RECORD_STEP:
        out = &step->create_digest;
        *out = sw__entry_digest_with(ledger, buf, arena, step, given, &entry);
        break;
    case SW_RECORD_MESSAGE:
        if (!sw__message_is_mute(message)) {
            out = &message->body_hash;
            *out = sw__message_body_digest(ledger, buf, arena, message);
        }
        break;
    default:
        break;
    }
    return !out || out->ptr ? SW_STATUS_OK : sw_no_memory(err);
}

static bool is_prepared_here(sw_record_id record)
{
    return record == SW_RECORD_RUN || record == SW_RECORD_STEP || record == SW_RECORD_MESSAGE ||
           record == SW_RECORD_PROVIDER_TRACE;
}

static sw_status prepare_one(const sw_ledger *ledger, sw_buf *buf, sw_adopting *a,
                             sw_adopt_item *item, sw_error *err)
{
    const sw_record *record = sw_record_of(a->record);
    void *row = sw_arena_alloc(&a->arena, record->size);
    uint64_t given = 0;
    sw_status status = row ? SW_STATUS_OK : sw_no_memory(err);

    item->row = row;
    if (status != SW_STATUS_OK) {
        return status;
    }
    memcpy(row, item->out->row, record->size);
    if (!sw__adopt_organization(a->record, row).ptr) {
        return sw_fail(err, SW_STATUS_INVALID, "organization_id", "is not said");
    }
    if (!is_prepared_here(a->record)) {
        return SW_STATUS_OK;
    }
    sw__row_nulls(a->record, row);
    given = sw_row_mask(record, row);
    status = own_rules(a->record, row, err);
    if (status == SW_STATUS_OK) {
        sw_int *updated = time_of(a->record, row, "updated_at");
        *updated = updated->known ? *updated : *time_of(a->record, row, "created_at");
        sw_row_defaults(record, row);
        status = sw__adopt_check(a->record, row, err);
    }
    if (status == SW_STATUS_OK) {
        status = sw__row_minify(a->record, row, &a->arena, err);
    }
    return status == SW_STATUS_OK
               ? digest(ledger, buf, &a->arena, a->record, given, item->out, row, err)
               : status;
}

sw_status sw__adopt_prepare(const sw_ledger *ledger, sw_adopting *a, sw_adopted *rows,
                            sw_error *err)
{
    sw_buf buf;
    sw_status status = SW_STATUS_OK;

    sw_buf_init(&buf, &ledger->allocator, 0);
    a->items = sw_arena_zeroed(&a->arena, (a->count + 1) * sizeof *a->items);
    status = a->items ? SW_STATUS_OK : sw_no_memory(err);
    for (size_t i = 0; i < a->count && status == SW_STATUS_OK; i++) {
        sw_error why = {.status = SW_STATUS_OK};
        a->items[i].out = &rows[i];
        a->items[i].status = prepare_one(ledger, &buf, a, &a->items[i], &why);
        if (a->items[i].status != SW_STATUS_OK) {
            a->items[i].refused = sw_arena_alloc(&a->arena, sizeof why);
            status = a->items[i].refused && a->items[i].status != SW_STATUS_NO_MEMORY
                         ? SW_STATUS_OK
                         : sw_no_memory(err);
        }
        if (a->items[i].refused) {
            *a->items[i].refused = why;
        }
    }
    sw_buf_fini(&buf);
    return status;
}
