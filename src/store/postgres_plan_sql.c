/* SPDX-License-Identifier: Apache-2.0 */
/* Scans, said in PostgreSQL's SQL: the statement for a plan, and its shape. The planner chooses the index; the plan
 * says which bounds and which order, so that the declared one serves. Text is compared by its bytes whatever
 * the database's collation, ids as sw_key orders them, words of closed lists by their place in the list.
 */
#include "store/postgres_impl.h"

enum { FLAG_DESCENDING = 1, FLAG_AFTER_SAME = 2, FLAG_COUNTING = 4 };

/* ---- the dialect -------------------------------------------------------------------------------- */

static void print_column(const sw_field *field, sw_buf *sql)
{
    sw__pg_print_column("t", field, sql);
}

static void print_places(const sw_field *field, bool label, sw_buf *sql)
{
    const sw_enum_info *list = &sw__enums[field->words];
    sw_buf_adds(sql, "array_position(ARRAY[");
    for (size_t i = 0; i < list->count; i++) {
        sw_buf_adds(sql, i ? ", '" : "'");
        for (const char *c = list->words[i]; *c; c++) {
            sw_buf_addc(sql, (char)(label && *c >= 'a' && *c <= 'z' ? *c - 32 : *c));
        }
        sw_buf_addc(sql, '\'');
    }
    sw_buf_adds(sql, "]::text[], ");
    print_column(field, sql);
    sw_buf_adds(sql, "::text) - 1");
}

static void print_ordered(const sw_plan *p, uint8_t at, sw_buf *sql)
{
    const sw_field *field = sw__plan_field(p, at);
    sw_pg_form form = (sw_pg_form)p->table->forms[at];
    const char *own = p->table->adopted ? sw__pg_adopted_order(p->table, at) : NULL;
    if (own) {
        sw_buf_adds(sql, own);
    } else if (field->kind == SW_KIND_ID) {
        sw_buf_adds(sql, "stepwell_key(");
        print_column(field, sql);
        sw_buf_adds(sql, ", ");
        sw__print_quoted(sql, field->prefix ? field->prefix : "");
        sw_buf_adds(sql, ") COLLATE \"C\"");
    } else if (form == SW_PG_WORD || form == SW_PG_LABEL) {
        sw_buf_addc(sql, '(');
        print_places(field, form == SW_PG_LABEL, sql);
        sw_buf_addc(sql, ')');
    } else {
        print_column(field, sql);
        sw_buf_adds(sql, form == SW_PG_JSON   ? "::text COLLATE \"C\""
                         : form == SW_PG_TEXT ? " COLLATE \"C\""
                                              : "");
    }
}

static void print_place(const sw_plan *p, uint8_t at, int number, sw_buf *sql)
{
    const sw_field *field = sw__plan_field(p, at);
    if (field->kind == SW_KIND_ID) {
        sw_buf_addf(sql, "stepwell_key($%d, ", number);
        sw__print_quoted(sql, field->prefix ? field->prefix : "");
        sw_buf_addc(sql, ')');
    } else {
        sw_buf_addf(sql, "$%d", number);
    }
}

static void print_equals(const sw_plan *p, uint8_t at, int number, sw_buf *sql)
{
    const sw_field *field = sw__plan_field(p, at);
    sw_pg_term term = sw__pg_term(field);
    sw_buf_adds(sql, term.open);
    print_column(field, sql);
    sw_buf_addf(sql, "%s = %s", term.close, term.open);
    sw__pg_print_parameter(field, number, sql);
    sw_buf_adds(sql, term.close);
    /* Nothing equals null, also where a null part of a key has a mark of its own. */
    if (sw__null_part(field)) {
        sw_buf_addf(sql, " AND $%d IS NOT NULL", number);
    }
}

static void print_ranges(const sw_plan *p, uint8_t at, const char *op, int number, sw_buf *sql)
{
    print_column(sw__plan_field(p, at), sql);
    sw_buf_addf(sql, " %s $%d", op, number);
}

static void print_only(const sw_field *field, uint8_t value, sw_buf *sql)
{
    bool label = sw__pg_form(field) == SW_PG_LABEL;
    print_column(field, sql);
    sw_buf_adds(sql, " = '");
    for (const char *c = sw_enum_word(field->words, value); *c; c++) {
        sw_buf_addc(sql, (char)(label && *c >= 'a' && *c <= 'z' ? *c - 32 : *c));
    }
    sw_buf_addc(sql, '\'');
}

static const sw_dialect dialect = {.column = print_column,
                                   .ordered = print_ordered,
                                   .place = print_place,
                                   .equals = print_equals,
                                   .ranges = print_ranges,
                                   .only = print_only,
                                   .same = "IS NOT DISTINCT FROM",
                                   .never = "false"};

/* ---- the statement ------------------------------------------------------------------------------ */

/* Nulls come first going up and last going down, as the indexes have them. */
static void print_order(const sw_plan *p, sw_buf *sql)
{
    for (size_t i = 0; i < p->order_count; i++) {
        bool never_null = (sw__plan_field(p, p->order[i])->flags & SW_NOT_NULL) != 0;
        sw_buf_adds(sql, i ? ", " : " ORDER BY ");
        print_ordered(p, p->order[i], sql);
        sw_buf_adds(sql, p->scan->descending ? " DESC" : "");
        sw_buf_adds(sql, never_null ? "" : p->scan->descending ? " NULLS LAST" : " NULLS FIRST");
    }
}

static void print_fields(const sw_plan *p, sw_buf *sql)
{
    const char *comma = "SELECT ";
    for (uint64_t left = p->need; left; left &= left - 1, comma = ", ") {
        sw_buf_adds(sql, comma);
        sw__pg_print_selected(p->table, (size_t)__builtin_ctzll(left), sql);
    }
    sw_buf_adds(sql, p->need ? "" : "SELECT 1");
}

static void print_from(const sw_plan *p, bool join, sw_buf *sql)
{
    sw_buf_addf(sql, " FROM %s AS t", p->table->model->table);
    if (join && p->need & p->table->shared) {
        sw__pg_print_body_join(sql);
    }
    sw__plan_print_where(p, &dialect, sql);
}

void sw__pg_walk_print(const sw_plan *p, bool whole, sw_buf *sql)
{
    if (p->counting) {
        sw_buf_adds(sql, "SELECT count(*) FROM (SELECT 1");
        print_from(p, false, sql);
        sw_buf_addf(sql, " LIMIT $%d) AS few", sw__plan_parameters(p) + 1);
        return;
    }
    print_fields(p, sql);
    print_from(p, true, sql);
    print_order(p, sql);
    if (!whole) {
        sw_buf_addf(sql, " LIMIT $%d", sw__plan_parameters(p) + 1);
    }
}

/* Everything that the text depends on. */
sw_pg_shape sw__pg_walk_shape(const sw_plan *p)
{
    sw_pg_shape shape = {.verb = SW_PG_SCAN, .record = (uint8_t)p->scan->record, .mask = p->need};
    shape.path = p->path;
    shape.flags =
        (uint8_t)((p->scan->descending ? FLAG_DESCENDING : 0) |
                  (p->after_same ? FLAG_AFTER_SAME : 0) | (p->counting ? FLAG_COUNTING : 0));
    shape.bound = p->bound;
    shape.after = p->after_count;
    shape.range = sw__plan_range(p);
    memset(shape.order, 0xff, sizeof shape.order);
    memcpy(shape.order, p->order, p->order_count);
    shape.after_nulls = sw__plan_after_nulls(p);
    return shape;
}
