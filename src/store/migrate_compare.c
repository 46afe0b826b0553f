/* SPDX-License-Identifier: Apache-2.0 */
/* Comparing one kind of record: every row of one store is looked up in the other by its key, and compared in every
 * field. Keys being unique, as many rows on both sides and each found means that neither has one that the other lacks;
 * where the numbers differ the other store is walked as well. The one that is walked is the one that is
 * farther away: a walk brings rows by the thousand, a look costs a trip each.
 *
 * What differs is named by its key and the names of the fields; what these hold is shown to nobody.
 */
#include <stdio.h>

#include "store/migrate_impl.h"

enum { TELL_EVERY = 256 };

typedef struct comparing {
    sw_move *move;
    sw_record_id record;
    const sw_record *model;
    sw_session *walked;
    sw_session *other;
    sw_arena arena; /* of a row */
    void *found;
    int64_t matched; /* rows that both have */
    sw_status status;
    sw_error *err;
} comparing;

/* ---- telling ------------------------------------------------------------------------------------ */

static void print_bytes(sw_str bytes, sw_buf *out)
{
    for (size_t i = 0; i < bytes.len && i < 32; i++) {
        sw_buf_addf(out, "%02x", (unsigned)(unsigned char)bytes.ptr[i]);
    }
}

/* "steps step-…", "journal org-… 17". */
static void print_key(const sw_record *model, const void *row, sw_buf *out)
{
    sw_buf_adds(out, model->table);
    for (size_t i = 0; i < model->field_count; i++) {
        const sw_field *field = &model->fields[i];
        if (!sw__field_is_key(field)) {
            continue;
        }
        sw_buf_addc(out, ' ');
        if (sw_field_is_null(field, row)) {
            sw_buf_adds(out, "null");
        } else if (field->kind == SW_KIND_BYTES) {
            print_bytes(sw_field_text(field, row), out);
        } else if (sw_kind_is_text(field->kind)) {
            sw_str text = sw_field_text(field, row);
            sw_buf_add(out, sw_str_make(text.ptr, sw_utf8_prefix(text, 80)));
        } else {
            sw_buf_addf(out, "%lld", (long long)sw_field_number(field, row).value);
        }
    }
}

static void tell(comparing *c, const void *row, const char *what)
{
    sw_buf where;
    c->move->sum->differences++;
    if (!c->move->listener->difference) {
        return;
    }
    sw_buf_init(&where, &c->move->to->allocator, 1 << 16);
    print_key(c->model, row, &where);
    if (where.status == SW_STATUS_OK) {
        c->move->listener->difference(c->move->listener->arg, where.ptr, what);
    } else {
        c->status = sw_no_memory(c->err);
    }
    sw_buf_fini(&where);
}

static void tell_only(comparing *c, const void *row, bool in_source)
{
    char what[640];
    const sw_migrate_sum *sum = c->move->sum;
    (void)snprintf(what, sizeof what, "is in %s only", in_source ? sum->source : sum->target);
    tell(c, row, what);
}

/* ---- comparing ---------------------------------------------------------------------------------- */

/* "differs in status, error"; empty: in nothing. */
static void print_differing(const comparing *c, const void *row, sw_buf *out)
{
    for (size_t i = 0; i < c->model->field_count; i++) {
        const sw_field *field = &c->model->fields[i];
        if (!sw_field_equal(field, row, c->found)) {
            sw_buf_addf(out, "%s%s", out->len ? ", " : "differs in ", field->name);
        }
    }
}

static void compare(comparing *c, const void *row)
{
    sw_buf what;
    if (sw_row_equal(c->model, row, c->found)) {
        return;
    }
    sw_buf_init(&what, &c->move->to->allocator, 1 << 16);
    print_differing(c, row, &what);
    if (what.status != SW_STATUS_OK) {
        c->status = sw_no_memory(c->err);
    } else {
        tell(c, row, what.ptr);
    }
    sw_buf_fini(&what);
}

/* OK: c->found is the other store's row with the key; NOT_FOUND: it has none. */
static sw_status get(comparing *c, sw_session *from, const void *row)
{
    sw_arena_reset(&c->arena);
    memset(c->found, 0, c->model->size);
    return sw_store_get(from, c->record, row, &c->arena, c->found, c->err);
}

static sw_seen see_row(void *arg, const void *row)
{
    comparing *c = arg;
    sw_status status = get(c, c->other, row);
    if (status == SW_STATUS_OK) {
        c->matched++;
        c->move->sum->compared++;
        compare(c, row);
    } else if (status == SW_STATUS_NOT_FOUND) {
        tell_only(c, row, c->walked == c->move->source);
    } else {
        c->status = status;
    }
    if (++c->move->done % TELL_EVERY == 0) {
        sw__move_progress(c->move, true);
    }
    return c->status == SW_STATUS_OK ? SW_SEEN_COUNT : SW_SEEN_STOP;
}

/* A row of the other store that may be in the walked one, and then was compared. */
static sw_seen see_other(void *arg, const void *row)
{
    comparing *c = arg;
    sw_status status = get(c, c->walked, row);
    if (status == SW_STATUS_NOT_FOUND) {
        tell_only(c, row, c->other == c->move->source);
    } else if (status != SW_STATUS_OK) {
        c->status = status;
    }
    return c->status == SW_STATUS_OK ? SW_SEEN_COUNT : SW_SEEN_STOP;
}

static sw_status walk(comparing *c, sw_session *session, sw_visit *visit, uint64_t fields)
{
    const sw_scan scan = {.record = c->record, .unordered = true, .fields = fields};
    sw_status status = sw_store_scan(session, &scan, visit, c, NULL, c->err);
    return c->status != SW_STATUS_OK ? c->status : status;
}

static sw_status compare_rows(comparing *c)
{
    int64_t others = 0;
    sw_status status = walk(c, c->walked, see_row, 0);
    if (status == SW_STATUS_OK) {
        status = sw_store_count(c->other, c->record, &others, c->err);
    }
    return status == SW_STATUS_OK && others != c->matched
               ? walk(c, c->other, see_other, sw__record_key_mask(c->model))
               : status;
}

sw_status sw__move_compare(sw_move *move, sw_record_id record, sw_error *err)
{
    bool walk_source = move->from->ops->is_far && !move->to->ops->is_far;
    comparing c = {.move = move,
                   .record = record,
                   .model = sw_record_of(record),
                   .walked = walk_source ? move->source : move->target,
                   .other = walk_source ? move->target : move->source,
                   .err = err};
    c.found = sw_alloc_zeroed(&move->to->allocator, c.model->size);
    if (!c.found) {
        return sw_no_memory(err);
    }
    sw_arena_init(&c.arena, &move->to->allocator, 0);
    sw_status status = compare_rows(&c);
    sw__move_progress(move, true);
    sw_arena_fini(&c.arena);
    sw_free(&move->to->allocator, c.found);
    if (status != SW_STATUS_OK) {
        sw__move_while("comparing", record, err);
    }
    return status;
}
