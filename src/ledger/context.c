/* SPDX-License-Identifier: Apache-2.0 */
/* What a step was sent, as it lies in the store: a list that begins with so many messages of another list and goes
 * on with its own. Knows how such a list is written, read whole, and taken out of the chain without the others losing
 * anything; not how its base is chosen (talk_base.c).
 */
#include "ledger/context.h"

enum { ROLE = 0x0F, NAME = 0x10, CALL = 0x20, BODY = 0x40 };

/* ---- one item ------------------------------------------------------------------------------------ */

static void put_text(sw_buf *out, sw_str text)
{
    size_t len = text.len;

    for (; len >= 128; len /= 128) {
        sw_buf_addc(out, (char)(len % 128 + 128));
    }
    sw_buf_addc(out, (char)len);
    sw_buf_add(out, text);
}

void sw__context_put(sw_buf *out, const sw_context_item *item)
{
    int head = (int)(item->role & ROLE) | (item->name.ptr ? NAME : 0) |
               (item->tool_call_id.ptr ? CALL : 0) | (item->body_hash.ptr ? BODY : 0);

    sw_buf_addc(out, (char)head);
    if (item->body_hash.ptr) {
        sw_assert(item->body_hash.len == SW_DIGEST);
        sw_buf_add(out, item->body_hash);
    }
    if (item->name.ptr) {
        put_text(out, item->name);
    }
    if (item->tool_call_id.ptr) {
        put_text(out, item->tool_call_id);
    }
}

static bool take(sw_str *from, size_t len, sw_str *out)
{
    if (from->len < len) {
        return false;
    }
    *out = sw_str_make(from->ptr, len);
    from->ptr += len;
    from->len -= len;
    return true;
}

static bool take_text(sw_str *from, sw_str *out)
{
    size_t len = 0;
    unsigned shift = 0;
    sw_str byte;

    do {
        if (shift > 28 || !take(from, 1, &byte)) {
            return false;
        }
        len |= (size_t)((unsigned char)byte.ptr[0] & 127) << shift;
        shift += 7;
    } while ((unsigned char)byte.ptr[0] & 128);
    return take(from, len, out);
}

bool sw__context_next(sw_str *tail, sw_context_item *out)
{
    sw_str head;
    int is = 0;

    *out = (sw_context_item){.role = 0};
    if (!take(tail, 1, &head)) {
        return false;
    }
    is = (unsigned char)head.ptr[0];
    out->role = is & ROLE;
    return (!(is & BODY) || take(tail, SW_DIGEST, &out->body_hash)) &&
           (!(is & NAME) || take_text(tail, &out->name)) &&
           (!(is & CALL) || take_text(tail, &out->tool_call_id));
}

/* ---- the whole list ------------------------------------------------------------------------------ */

static sw_status damaged(sw_str id, sw_error *err)
{
    return sw_fail(err, SW_STATUS_CORRUPT, "id", "what step %.*s was sent cannot be read",
                   (int)id.len, id.ptr);
}

static sw_status add_tail(const sw_step_context *context, sw_arena *arena, sw_context_list *out,
                          sw_error *err)
{
    sw_str tail = context->tail;

    while (tail.len > 0) {
        sw_context_item *items =
            sw_arena_grow(arena, out->items, out->count, &out->room, sizeof *items);
        if (!items) {
            return sw_no_memory(err);
        }
        out->items = items;
        if (!sw__context_next(&tail, &items[out->count++])) {
            return damaged(context->id, err);
        }
    }
    return out->count == (size_t)context->length.value ? SW_STATUS_OK : damaged(context->id, err);
}

typedef struct link {
    sw_step_context row;
    struct link *extended_by;
} link;

sw_status sw__context_read(sw_session *session, const sw_step_context *context, sw_arena *arena,
                           sw_context_list *out, sw_error *err)
{
    link *first = sw_arena_zeroed(arena, sizeof *first);
    sw_status status = first ? SW_STATUS_OK : sw_no_memory(err);

    *out = (sw_context_list){.items = NULL};
    if (first) {
        first->row = *context;
    }
    while (status == SW_STATUS_OK && first->row.base_id.ptr) {
        sw_step_context key = {.id = first->row.base_id};
        link *base = sw_arena_zeroed(arena, sizeof *base);
        if (!base) {
            return sw_no_memory(err);
        }
        base->extended_by = first;
        status = sw_store_get(session, SW_RECORD_STEP_CONTEXT, &key, arena, &base->row, err);
        if (status == SW_STATUS_NOT_FOUND || (status == SW_STATUS_OK && /* places only go back */
                                              base->row.place.value >= first->row.place.value)) {
            return damaged(first->row.id, err);
        }
        first = base;
    }
    for (link *at = first; at && status == SW_STATUS_OK; at = at->extended_by) {
        size_t kept = (size_t)at->row.base_count.value;
        if (kept > out->count) {
            return damaged(at->row.id, err);
        }
        out->count = kept;
        status = add_tail(&at->row, arena, out, err);
    }
    return status;
}

/* ---- taken out of the chain ----------------------------------------------------------------------- */

static sw_status count_body(sw_group *group, sw_str organization_id, sw_str hash, int64_t times,
                            sw_error *err)
{
    sw_message_body body = {
        .organization_id = organization_id, .digest = hash, .contexts = sw_int_of(times)};

    return sw_group_must(group, sw_store_add(group->session, SW_RECORD_MESSAGE_BODY, &body, err),
                         err);
}

/* The list goes on with what it had from the one that goes. */
static sw_status adopt(sw_group *group, const sw_step_context *gone, sw_step_context *row,
                       sw_error *err)
{
    int64_t shared = gone->base_count.value < row->base_count.value ? gone->base_count.value
                                                                    : row->base_count.value;
    int64_t owned = row->base_count.value - shared;
    sw_str tail = gone->tail;
    sw_buf own;
    sw_status status = SW_STATUS_OK;

    sw_buf_init(&own, &group->ledger->allocator, 0);
    for (int64_t i = 0; i < owned && status == SW_STATUS_OK; i++) {
        sw_context_item item;
        if (!sw__context_next(&tail, &item)) {
            status = damaged(gone->id, err);
            break;
        }
        sw__context_put(&own, &item);
        if (item.body_hash.ptr) {
            status = count_body(group, row->organization_id, item.body_hash, +1, err);
        }
    }
    sw_buf_add(&own, row->tail.ptr ? row->tail : SW_STR(""));
    if (status == SW_STATUS_OK && own.status != SW_STATUS_OK) {
        status = sw_no_memory(err);
    }
    if (status == SW_STATUS_OK) {
        row->tail = sw_buf_str(&own);
        row->base_id = shared > 0 ? gone->base_id : SW_NULL_STR;
        row->base_count = sw_int_of(shared);
        status = sw_store_update(group->session, SW_RECORD_STEP_CONTEXT, row,
                                 SW_MASK(SW_STEP_CONTEXT_TAIL) | SW_MASK(SW_STEP_CONTEXT_BASE_ID) |
                                     SW_MASK(SW_STEP_CONTEXT_BASE_COUNT),
                                 err);
    }
    sw_buf_fini(&own);
    return sw_group_must(group, status, err);
}

static sw_status release_items(sw_group *group, const sw_step_context *gone, sw_str tail,
                               sw_error *err)
{
    sw_status status = SW_STATUS_OK;

    while (tail.len > 0 && status == SW_STATUS_OK) {
        sw_context_item item;
        if (!sw__context_next(&tail, &item)) {
            return sw_group_must(group, damaged(gone->id, err), err);
        }
        if (item.body_hash.ptr) {
            status = count_body(group, gone->organization_id, item.body_hash, -1, err);
            status = status == SW_STATUS_OK
                         ? sw__body_release(group, gone->organization_id, item.body_hash, err)
                         : status;
        }
    }
    return status;
}

sw_status sw__context_remove(sw_group *group, const sw_step *step, sw_error *err)
{
    sw_step_context key = {.id = step->id};
    sw_step_context gone;
    sw_rows rows;
    sw_status status =
        sw_store_get(group->session, SW_RECORD_STEP_CONTEXT, &key, &group->arena, &gone, err);

    if (sw_group_may(group, status, SW_STATUS_NOT_FOUND, err) != SW_STATUS_OK) {
        return status == SW_STATUS_NOT_FOUND ? SW_STATUS_OK : status;
    }
    status = sw_group_gather_of(group, SW_RECORD_STEP_CONTEXT, SW_STEP_CONTEXT_BASE_ID, step->id,
                                &rows, err);
    for (size_t i = 0; status == SW_STATUS_OK && i < rows.count; i++) {
        status = adopt(group, &gone, (sw_step_context *)(void *)rows.rows + i, err);
    }
    if (status == SW_STATUS_OK) {
        status = sw_group_must(
            group, sw_store_remove(group->session, SW_RECORD_STEP_CONTEXT, &gone, err), err);
    }
    if (status == SW_STATUS_OK) {
        status = release_items(group, &gone, gone.tail, err);
    }
    return status == SW_STATUS_OK ? release_items(group, &gone, gone.made, err) : status;
}
