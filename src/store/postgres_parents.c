/* SPDX-License-Identifier: Apache-2.0 */
/* Parents: asked for before a row that names them is written, because a reference that the database itself refuses
 * would cost the whole group. What a group has seen it remembers; nobody can take it away before the group
 * ends, for only one group writes at a time. The constraint stands behind all this.
 */
#include "store/postgres_impl.h"

/* ---- what is known ------------------------------------------------------------------------------ */

void sw__pg_forget_parents(sw_pg_session *session)
{
    memset(session->known, 0, sizeof session->known);
}

static uint64_t mark_of(size_t record, sw_str id)
{
    uint64_t mark = sw_hash(UINT64_C(0x5374455700000000) | record, id.ptr, id.len);
    return mark ? mark : 1;
}

static bool knows(const sw_pg_session *session, size_t record, sw_str id)
{
    uint64_t mark = mark_of(record, id);
    return session->known[mark % SW_PG_KNOWN] == mark;
}

static void know(sw_pg_session *session, size_t record, sw_str id)
{
    uint64_t mark = mark_of(record, id);
    session->known[mark % SW_PG_KNOWN] = mark;
}

void sw__pg_know(sw_pg_session *session, const sw_table *table, const void *row)
{
    if (table->is_parent && session->in_transaction) {
        know(session, table->record, sw_field_text(&table->model->fields[table->primary], row));
    }
}

/* ---- asking ------------------------------------------------------------------------------------- */

static size_t parent_of(const sw_field *field)
{
    return field->ref.record_plus_1 - 1U;
}

static void build_parents(const sw_table *table, const void *arg, sw_buf *sql)
{
    (void)arg;
    sw_buf_addf(sql, "SELECT id FROM %s WHERE id = ANY ($1::text[])", table->model->table);
}

/* Asks which of these ids of one record are there, and remembers those that are. */
static sw_status ask(sw_pg_session *session, size_t record, const sw_str *ids, size_t count,
                     sw_error *err)
{
    const sw_pg_shape shape = {.verb = SW_PG_PARENTS, .record = (uint8_t)record};
    PGresult *result = NULL;
    session->values.count = 0;
    if (!sw__pg_bind_texts(&session->values, ids, count, &session->arena)) {
        return sw_no_memory(err);
    }
    sw_status status = sw__pg_ask(session, &shape, build_parents, NULL, &result, err);
    if (status != SW_STATUS_OK) {
        return status;
    }
    for (int i = 0; i < sw__pq.ntuples(result); i++) {
        know(session, record,
             sw_str_make(sw__pq.getvalue(result, i, 0), (size_t)sw__pq.getlength(result, i, 0)));
    }
    sw__pq.clear(result);
    return SW_STATUS_OK;
}

/* The ids that field i of the rows names and nobody has seen. */
static size_t unknown(const sw_pg_session *session, const sw_field *field, const void *const *rows,
                      size_t count, sw_str *out)
{
    size_t n = 0;
    for (size_t k = 0; k < count; k++) {
        sw_str id = sw_field_text(field, rows[k]);
        bool again = n > 0 && sw_str_eq(id, out[n - 1]);
        if (id.ptr && !again && !knows(session, parent_of(field), id)) {
            out[n++] = id;
        }
    }
    return n;
}

static sw_status check_field(sw_pg_session *session, const sw_field *field, const void *const *rows,
                             size_t count, bool *lacks, sw_error *err)
{
    sw_str *ids = sw_arena_alloc(&session->arena, count * sizeof *ids);
    size_t asked = ids ? unknown(session, field, rows, count, ids) : 0;
    if (!ids) {
        return sw_no_memory(err);
    }
    sw_status status = asked ? ask(session, parent_of(field), ids, asked, err) : SW_STATUS_OK;
    for (size_t k = 0; status == SW_STATUS_OK && asked && k < count; k++) {
        sw_str id = sw_field_text(field, rows[k]);
        if (!id.ptr || knows(session, parent_of(field), id)) {
            continue;
        }
        /* Not seen: it is not there, or two of those that are share a place. */
        status = ask(session, parent_of(field), &id, 1, err);
        bool there = knows(session, parent_of(field), id);
        if (status == SW_STATUS_OK && !there && !lacks) {
            return sw_fail(err, SW_STATUS_INVALID, field->name, "no such %s",
                           sw__records[parent_of(field)].name);
        }
        if (lacks && !there) {
            lacks[k] = true;
        }
    }
    return status;
}

sw_status sw__pg_parents_many(sw_pg_session *session, const sw_table *table,
                              const void *const *rows, size_t count, bool *lacks, sw_error *err)
{
    sw_status status = SW_STATUS_OK;
    for (size_t i = 0; status == SW_STATUS_OK && i < table->model->field_count; i++) {
        if (table->model->fields[i].ref.record_plus_1) {
            status = check_field(session, &table->model->fields[i], rows, count, lacks, err);
        }
    }
    return status;
}

sw_status sw__pg_parents(sw_pg_session *session, const sw_table *table, const void *row,
                         uint64_t mask, sw_error *err)
{
    sw_status status = SW_STATUS_OK;
    for (size_t i = 0; status == SW_STATUS_OK && i < table->model->field_count; i++) {
        if ((mask & SW_MASK(i)) && table->model->fields[i].ref.record_plus_1) {
            status = check_field(session, &table->model->fields[i], &row, 1, NULL, err);
        }
    }
    return status;
}
