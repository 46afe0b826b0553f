/* SPDX-License-Identifier: Apache-2.0 */
/* Scans: which index to walk, what SQLite is asked, and what is tested here.
 *
 * SQLite is asked for a walk along one index, in order, between bounds, and nothing more: the rows that
 * come are the rows looked at, so a bound on looking means what it says. All other conditions are
 * tested here, mostly on the column as it lies (a word is one integer compare), before anything of the
 * row is decoded.
 *
 * The choice, best first: an index bound in all its fields by EQ; one whose leading fields are bound and
 * whose next fields are the order; any with bound leading fields, and the rows are sorted. More bound
 * fields win, then a condition of the index itself.
 */
#include "store/sqlite_impl.h"

enum { PATH_KEY = 0xfe, PATH_NONE = 0xff, MAX_TESTS = 64 };
enum { FLAG_DESCENDING = 1, FLAG_AFTER_SAME = 2, FLAG_SORTED = 4, FLAG_BODY = 8 };

/* A condition that is tested here. */
typedef struct test {
    const sw_condition *condition;
    const sw_field *field;
    int column;             /* in the answer */
    size_t count;           /* of values that can be in the file at all */
    sw_lite_value *values;  /* encoded; NULL: decode the field and ask the model */
} test;

typedef struct plan {
    const sw_lite_table *table;
    const sw_scan *scan;
    int8_t equal[64];                  /* the EQ condition of a field, or -1 */
    uint8_t order[SW_LITE_KEY_FIELDS]; /* what is left to order by: not bound by EQ */
    uint8_t order_count;
    uint8_t full[SW_LITE_KEY_FIELDS];  /* the order as asked for */
    uint8_t full_count;
    uint8_t path;                      /* an index of the record, PATH_KEY or PATH_NONE */
    uint8_t fields[SW_LITE_KEY_FIELDS];
    uint8_t field_count;               /* of the path */
    uint8_t bound;                     /* leading fields bound by EQ */
    bool sorted;                       /* the path does not give the order */
    int lower, upper;                  /* conditions on the first field after the bound ones, or -1 */
    uint8_t after_count;               /* fields of order that `after` compares */
    bool after_same;                   /* the place itself counts as after */
    bool nothing;                      /* no row can match */
    uint64_t need;                     /* fields in the answer, by rising number */
} plan;

static const sw_field *field_of(const plan *p, size_t i)
{
    return &p->table->model->fields[i];
}

/* ---- choosing ----------------------------------------------------------------------------------- */

static const sw_condition *condition_of(const plan *p, int i)
{
    return &p->scan->conditions[i];
}

static bool says_equal(const sw_condition *c)
{
    return c->op == SW_OP_EQ || (c->op == SW_OP_IN && c->count == 1);
}

static void find_equals(plan *p)
{
    memset(p->equal, -1, sizeof p->equal);
    for (size_t i = 0; i < p->scan->condition_count && i < INT8_MAX; i++) {
        const sw_condition *c = &p->scan->conditions[i];
        bool shared = (p->table->shared & SW_MASK(c->field)) != 0;
        if (says_equal(c) && !shared && p->equal[c->field] < 0) {
            p->equal[c->field] = (int8_t)i;
        }
    }
}

static void find_order(plan *p)
{
    const uint8_t *asked = p->scan->order_count ? p->scan->order : p->table->keys;
    p->full_count = p->scan->order_count ? p->scan->order_count : p->table->key_count;
    for (size_t i = 0; i < p->full_count; i++) {
        p->full[i] = asked[i];
        if (p->equal[asked[i]] < 0) {
            p->order[p->order_count++] = asked[i];
        }
    }
}

/* Whether a condition shuts out the rows in which its field is null. */
static bool excludes_null(const sw_condition *c)
{
    return c->op != SW_OP_NE && c->op != SW_OP_NULL;
}

/* Whether every row that can match is in a partial index. */
static bool covers(const plan *p, const sw_index *index)
{
    if (index->only) {
        int i = p->equal[index->only];
        return i >= 0 && condition_of(p, i)->values[0].number == index->only_value;
    }
    if (!index->present) {
        return true;
    }
    for (size_t i = 0; i < p->scan->condition_count; i++) {
        const sw_condition *c = &p->scan->conditions[i];
        if (c->field == index->present && excludes_null(c)) {
            return true;
        }
    }
    return false;
}

/* How far a path serves: its score is higher, the better. Sets bound and sorted. */
static int weigh(plan *p, const uint8_t *fields, size_t count, bool unique)
{
    size_t bound = 0, ordered = 0;
    while (bound < count && p->equal[fields[bound]] >= 0) {
        bound++;
    }
    while (bound + ordered < count && ordered < p->order_count &&
           fields[bound + ordered] == p->order[ordered] &&
           sw__lite_ordered(field_of(p, p->order[ordered]))) {
        ordered++;
    }
    p->bound = (uint8_t)bound;
    p->sorted = ordered < p->order_count;
    bool whole = bound == count;
    int rank = whole && unique ? 3 : whole ? 2 : !p->sorted ? 1 : 0;
    return rank * 1000 + (int)bound * 100 + (int)ordered * 10;
}

static void use_path(plan *p, uint8_t path, const uint8_t *fields, size_t count, bool unique)
{
    p->path = path;
    p->field_count = (uint8_t)count;
    memcpy(p->fields, fields, count);
    (void)weigh(p, fields, count, unique);
}

static void choose_path(plan *p)
{
    const sw_record *record = p->table->model;
    int best = weigh(p, p->table->keys, p->table->key_count, true);
    use_path(p, PATH_KEY, p->table->keys, p->table->key_count, true);
    if (best == 0) {
        use_path(p, PATH_NONE, p->table->keys, 0, false);
    }
    for (size_t i = 0; i < record->index_count; i++) {
        const sw_index *index = &record->indexes[i];
        if (!covers(p, index)) {
            continue;
        }
        plan trial = *p;
        int score = weigh(&trial, index->fields, index->count, index->unique);
        score += score && (index->only || index->present) ? 105 : 0;
        if (score > best) {
            best = score;
            use_path(p, (uint8_t)i, index->fields, index->count, index->unique);
        }
    }
}

/* The conditions that bound the walk from below and above, where the column's order is the field's. */
static void find_range(plan *p)
{
    p->lower = p->upper = -1;
    if (p->bound >= p->field_count) {
        return;
    }
    uint8_t next = p->fields[p->bound];
    if (sw__lite_form(field_of(p, next)) != SW_LITE_NUMBER) {
        return;
    }
    for (size_t i = 0; i < p->scan->condition_count && i < INT8_MAX; i++) {
        const sw_condition *c = &p->scan->conditions[i];
        if (c->field == next && p->lower < 0 && (c->op == SW_OP_GT || c->op == SW_OP_GE)) {
            p->lower = (int)i;
        } else if (c->field == next && p->upper < 0 && (c->op == SW_OP_LT || c->op == SW_OP_LE)) {
            p->upper = (int)i;
        }
    }
}

/* The value of an EQ condition, as a row. */
static void set_value(const sw_field *field, const sw_value *value, void *row)
{
    if (sw_kind_is_text(field->kind)) {
        *sw_field_str(field, row) = value->text;
    } else {
        *sw_field_int(field, row) = sw_int_of(value->number);
    }
}

/* Where the place to begin after lies for the fields that EQ has fixed: most often it has the same
 * values, and they say nothing. Otherwise everything from that field on is wholly after or before. */
static void find_after(plan *p, void *scratch)
{
    if (!p->scan->after) {
        return;
    }
    for (size_t i = 0; i < p->full_count; i++) {
        const sw_field *field = field_of(p, p->full[i]);
        int equal = p->equal[p->full[i]];
        if (equal < 0) {
            p->after_count++;
            continue;
        }
        set_value(field, &condition_of(p, equal)->values[0], scratch);
        int c = sw_field_cmp(field, scratch, p->scan->after);
        sw_field_clear(field, scratch);
        if (c != 0) {
            p->after_same = p->scan->descending ? c < 0 : c > 0;
            break;
        }
    }
    p->nothing = p->after_count == 0 && !p->after_same;
}

static bool pushed(const plan *p, size_t i)
{
    const sw_condition *c = condition_of(p, (int)i);
    if ((int)i == p->lower || (int)i == p->upper) {
        return true;
    }
    if (!says_equal(c) || p->equal[c->field] != (int8_t)i) {
        return false;
    }
    for (size_t k = 0; k < p->bound; k++) {
        if (p->fields[k] == c->field) {
            return true;
        }
    }
    return p->path < p->table->model->index_count &&
           p->table->model->indexes[p->path].only == c->field && c->field != 0;
}

static void make_plan(plan *p, const sw_lite_table *table, const sw_scan *scan, void *scratch)
{
    *p = (plan){.table = table, .scan = scan};
    find_equals(p);
    find_order(p);
    choose_path(p);
    find_range(p);
    find_after(p, scratch);
    uint64_t every = table->all | table->shared;
    p->need = scan->fields ? scan->fields & every : every;
    for (size_t i = 0; i < scan->condition_count; i++) {
        p->need |= pushed(p, i) ? 0 : SW_MASK(scan->conditions[i].field);
    }
    for (size_t i = 0; scan->place && i < p->full_count; i++) {
        p->need |= SW_MASK(p->full[i]);
    }
}

/* ---- asking ------------------------------------------------------------------------------------- */

/* Walking a shared id in the order of ids means walking the parent's. */
static bool walks_parent(const plan *p)
{
    return p->table->shape == SW_SHAPE_SHARED_ID && p->path == PATH_NONE && p->order_count == 1 &&
           p->order[0] == p->table->primary;
}

static const sw_record *parent_of(const sw_field *field)
{
    return &sw__records[field->ref.record_plus_1 - 1];
}

/* What a field is ordered and compared by: the column where that is the field's own order. */
static void print_ordered(const plan *p, uint8_t at, sw_buf *sql)
{
    const sw_field *field = field_of(p, at);
    const char *column = sw__lite_column(field);
    switch (sw__lite_form(field)) {
    case SW_LITE_WORD:
        sw_buf_addf(sql, "(SELECT word FROM words WHERE id = t.%s)", column);
        return;
    case SW_LITE_REF:
        if (walks_parent(p)) {
            sw_buf_adds(sql, "p.id");
        } else {
            sw_buf_addf(sql, "(SELECT id FROM %s_data WHERE pk = t.%s)", parent_of(field)->table,
                        column);
        }
        return;
    case SW_LITE_ID:
        if (sw__lite_null_part(field)) {
            sw_buf_addf(sql, "nullif(t.%s, x'')", column);
            return;
        }
        break;
    case SW_LITE_NUMBER:
    case SW_LITE_TEXT:
    case SW_LITE_BYTES:
    case SW_LITE_HEX: break;
    }
    sw_buf_addf(sql, "t.%s", column);
}

static void print_from(const plan *p, sw_buf *sql)
{
    const sw_record *record = p->table->model;
    if (walks_parent(p)) {
        const char *parent = parent_of(field_of(p, p->order[0]))->table;
        sw_buf_addf(sql, " FROM %s_data AS p INDEXED BY %s_id CROSS JOIN %s_data AS t ON t.pk = p.pk",
                    parent, parent, record->table);
    } else if (p->path < record->index_count) {
        sw_buf_addf(sql, " FROM %s_data AS t INDEXED BY %s", record->table,
                    record->indexes[p->path].name);
    } else if (p->path == PATH_KEY && p->table->shape == SW_SHAPE_OWN_ID) {
        sw_buf_addf(sql, " FROM %s_data AS t INDEXED BY %s_id", record->table, record->table);
    } else {
        sw_buf_addf(sql, " FROM %s_data AS t NOT INDEXED", record->table);
    }
    if (p->need & p->table->shared) {
        sw__lite_join_body(sql);
    }
}

/* Whether the rows that come can have a null there. */
static bool may_be_null(const plan *p, uint8_t at)
{
    if (field_of(p, at)->flags & SW_NOT_NULL) {
        return false;
    }
    for (size_t i = 0; i < p->scan->condition_count; i++) {
        const sw_condition *c = &p->scan->conditions[i];
        if (c->field == at && excludes_null(c) && pushed(p, i)) {
            return false;
        }
    }
    return !(p->path < p->table->model->index_count &&
             p->table->model->indexes[p->path].present == at && at != 0);
}

static bool after_null(const plan *p, size_t i)
{
    return sw_field_is_null(field_of(p, p->order[i]), p->scan->after);
}

/* One comparison for the whole place: SQLite seeks by it. */
static void print_after_simple(const plan *p, int parameter, sw_buf *sql)
{
    const char *op = p->scan->descending ? "<" : ">";
    sw_buf_addc(sql, '(');
    for (size_t i = 0; i < p->after_count; i++) {
        sw_buf_adds(sql, i ? ", " : "");
        print_ordered(p, p->order[i], sql);
    }
    sw_buf_addf(sql, ") %s%s (", op, p->after_same ? "=" : "");
    for (size_t i = 0; i < p->after_count; i++) {
        sw_buf_addf(sql, "%s?%d", i ? ", " : "", parameter + (int)i);
    }
    sw_buf_addc(sql, ')');
}

/* Field i is strictly after the place's, nulls being before all values. */
static void print_beyond(const plan *p, size_t i, int parameter, sw_buf *sql)
{
    if (after_null(p, i)) {
        if (p->scan->descending) {
            sw_buf_adds(sql, "0");
            return;
        }
        print_ordered(p, p->order[i], sql);
        sw_buf_adds(sql, " IS NOT NULL");
        return;
    }
    sw_buf_addc(sql, '(');
    print_ordered(p, p->order[i], sql);
    sw_buf_addf(sql, " %s ?%d", p->scan->descending ? "<" : ">", parameter + (int)i);
    if (p->scan->descending) {
        sw_buf_adds(sql, " OR ");
        print_ordered(p, p->order[i], sql);
        sw_buf_adds(sql, " IS NULL");
    }
    sw_buf_addc(sql, ')');
}

/* The same spelled out, where nulls take part. */
static void print_after_spelled(const plan *p, int parameter, sw_buf *sql)
{
    size_t last = p->after_count + (p->after_same ? 1u : 0u);
    sw_buf_addc(sql, '(');
    for (size_t i = 0; i < last; i++) {
        sw_buf_adds(sql, i ? " OR (" : "(");
        for (size_t k = 0; k < i; k++) {
            print_ordered(p, p->order[k], sql);
            sw_buf_addf(sql, " IS ?%d%s", parameter + (int)k, k + 1 < last ? " AND " : "");
        }
        if (i < p->after_count) {
            print_beyond(p, i, parameter, sql);
        } else {
            sw_buf_adds(sql, "1");
        }
        sw_buf_addc(sql, ')');
    }
    sw_buf_addc(sql, ')');
}

static void print_after(const plan *p, int parameter, sw_buf *sql)
{
    bool nulls = false;
    for (size_t i = 0; i < p->after_count; i++) {
        nulls = nulls || may_be_null(p, p->order[i]) || after_null(p, i);
    }
    if (!nulls) {
        print_after_simple(p, parameter, sql);
    } else {
        print_after_spelled(p, parameter, sql);
    }
}

static const char *op_text(sw_op op)
{
    return op == SW_OP_GT ? ">" : op == SW_OP_GE ? ">=" : op == SW_OP_LT ? "<" : "<=";
}

/* Parameters: the bound fields, the lower bound, the upper bound, the place. */
static void print_where(const plan *p, sw_buf *sql)
{
    const sw_record *record = p->table->model;
    const char *and = " WHERE ";
    int parameter = 1;
    for (size_t i = 0; i < p->bound; i++, and = " AND ") {
        sw_buf_addf(sql, "%st.%s = ?%d", and, sw__lite_column(field_of(p, p->fields[i])), parameter++);
    }
    if (p->path < record->index_count) {
        const sw_index *index = &record->indexes[p->path];
        if (index->present) {
            sw_buf_addf(sql, "%st.%s IS NOT NULL", and, sw__lite_column(field_of(p, index->present)));
            and = " AND ";
        } else if (index->only) {
            sw_buf_addf(sql, "%st.%s = %d", and, sw__lite_column(field_of(p, index->only)),
                        (int)index->only_value);
            and = " AND ";
        }
    }
    for (int i = 0; i < 2; i++) {
        int at = i ? p->upper : p->lower;
        if (at >= 0) {
            const sw_condition *c = condition_of(p, at);
            sw_buf_addf(sql, "%st.%s %s ?%d", and, sw__lite_column(field_of(p, c->field)),
                        op_text(c->op), parameter++);
            and = " AND ";
        }
    }
    if (p->after_count) {
        sw_buf_adds(sql, and);
        print_after(p, parameter, sql);
    }
}

static void build_scan(const sw_lite_session *session, const void *arg, sw_buf *sql)
{
    const plan *p = arg;
    (void)session;
    const char *comma = "SELECT ";
    for (size_t i = 0; i < p->table->model->field_count; i++) {
        if (p->need & SW_MASK(i)) {
            sw_buf_addf(sql, "%s%s.%s", comma, p->table->shared & SW_MASK(i) ? "b" : "t",
                        sw__lite_column(field_of(p, i)));
            comma = ", ";
        }
    }
    sw_buf_adds(sql, p->need ? "" : "SELECT 1");
    print_from(p, sql);
    print_where(p, sql);
    for (size_t i = 0; i < p->order_count; i++) {
        sw_buf_adds(sql, i ? ", " : " ORDER BY ");
        print_ordered(p, p->order[i], sql);
        sw_buf_adds(sql, p->scan->descending ? " DESC" : "");
    }
}

/* Everything that the text depends on. */
static sw_lite_shape shape_of(const plan *p, sw_record_id record)
{
    sw_lite_shape shape = {.verb = SW_LITE_SCAN, .record = (uint8_t)record, .mask = p->need};
    shape.path = p->path;
    shape.flags = (uint8_t)((p->scan->descending ? FLAG_DESCENDING : 0) |
                            (p->after_same ? FLAG_AFTER_SAME : 0));
    shape.bound = p->bound;
    shape.after = p->after_count;
    shape.range = (uint8_t)((p->lower >= 0 ? 1 + (int)condition_of(p, p->lower)->op : 0) << 4 |
                            (p->upper >= 0 ? 1 + (int)condition_of(p, p->upper)->op : 0));
    memset(shape.order, 0xff, sizeof shape.order);
    memcpy(shape.order, p->order, p->order_count);
    for (size_t i = 0; i < p->after_count; i++) {
        shape.after_nulls |= (uint8_t)((after_null(p, i) || may_be_null(p, p->order[i])) ? 1u << i : 0);
    }
    return shape;
}

/* ---- binding ------------------------------------------------------------------------------------ */

/* A scan in progress. */
typedef struct run {
    sw_lite_session *session;
    const plan *plan;
    sqlite3_stmt *stmt;
    sw_arena arena;  /* bound values and tests, then the text of one row at a time */
    void *row;
    test tests[MAX_TESTS];
    size_t test_count;
    bool nothing;    /* a word, a parent or an id that is in no row */
} run;

/* A value of a condition as its column holds it; in the arena, for a statement borrows it. */
static sw_status encode_value(run *r, const sw_field *field, const sw_value *value,
                              sw_lite_value *out, sw_error *err)
{
    set_value(field, value, r->row);
    sw_status status = sw__lite_encode(r->session, field, r->row, false, out, err);
    sw_field_clear(field, r->row);
    return status;
}

static sw_lite_value *new_values(run *r, size_t count)
{
    return sw_arena_alloc(&r->arena, count * sizeof(sw_lite_value));
}

static sw_status bind_condition(run *r, int at, const sw_condition *c, sw_error *err)
{
    sw_lite_value *value = new_values(r, 1);
    if (!value) {
        return sw_no_memory(err);
    }
    sw_status status = encode_value(r, field_of(r->plan, c->field), &c->values[0], value, err);
    if (status == SW_STATUS_OK && value->is == SW_LITE_IS_UNKNOWN) {
        r->nothing = true;
    } else if (status == SW_STATUS_OK) {
        sw__lite_bind(r->stmt, at, value);
    }
    return status;
}

/* The place in the form that print_ordered compares with: the text of a word, the key of an id. */
static sw_status bind_place(run *r, int at, uint8_t order, sw_error *err)
{
    sw_field field = *field_of(r->plan, order);
    sw_lite_value *value = new_values(r, 1);
    if (!value) {
        return sw_no_memory(err);
    }
    if (field.kind == SW_KIND_WORD) {
        field.kind = SW_KIND_TEXT;
    }
    field.ref.record_plus_1 = 0;
    field.flags |= SW_NOT_NULL;
    sw_status status = sw__lite_encode(r->session, &field, r->plan->scan->after, false, value, err);
    if (status == SW_STATUS_OK && value->is == SW_LITE_IS_UNKNOWN) {
        return sw_fail(err, SW_STATUS_INVALID, field.name, "is longer than %d bytes",
                       (int)SW_LIMIT_ID_BYTES);
    }
    if (status == SW_STATUS_OK) {
        sw__lite_bind(r->stmt, at, value);
    }
    return status;
}

static sw_status bind_all(run *r, sw_error *err)
{
    const plan *p = r->plan;
    sw_status status = SW_STATUS_OK;
    int at = 1;
    for (size_t i = 0; status == SW_STATUS_OK && i < p->bound; i++) {
        status = bind_condition(r, at++, condition_of(p, p->equal[p->fields[i]]), err);
    }
    if (status == SW_STATUS_OK && p->lower >= 0) {
        status = bind_condition(r, at++, condition_of(p, p->lower), err);
    }
    if (status == SW_STATUS_OK && p->upper >= 0) {
        status = bind_condition(r, at++, condition_of(p, p->upper), err);
    }
    for (size_t i = 0; status == SW_STATUS_OK && i < p->after_count; i++) {
        status = bind_place(r, at++, p->order[i], err);
    }
    return status;
}

/* ---- testing ------------------------------------------------------------------------------------ */

static int column_at(const plan *p, uint8_t field)
{
    return __builtin_popcountll(p->need & (SW_MASK(field) - 1));
}

/* Whether the condition can be tested on the column as it lies. */
static bool tests_column(const sw_field *field, sw_op op)
{
    switch (op) {
    case SW_OP_EQ:
    case SW_OP_IN:
    case SW_OP_NE: return !(field->flags & SW_SHARED);
    case SW_OP_LT:
    case SW_OP_LE:
    case SW_OP_GT:
    case SW_OP_GE: return sw__lite_form(field) == SW_LITE_NUMBER;
    case SW_OP_NULL:
    case SW_OP_NOT_NULL:
    case SW_OP_TAG_ANY:
    case SW_OP_TAG_ALL:
    case SW_OP_CONTAINS: return false;
    }
    SW_IMPOSSIBLE("an unknown operator");
}

/* Values that no row can hold are left out: nothing equals them. */
static sw_status encode_values(run *r, test *t, sw_error *err)
{
    size_t count = t->condition->count ? t->condition->count : 1;
    t->values = new_values(r, count);
    if (!t->values) {
        return sw_no_memory(err);
    }
    for (size_t i = 0; i < t->condition->count; i++) {
        sw_lite_value *value = &t->values[t->count];
        sw_status status = encode_value(r, t->field, &t->condition->values[i], value, err);
        if (status != SW_STATUS_OK) {
            return status;
        }
        t->count += value->is != SW_LITE_IS_UNKNOWN && value->is != SW_LITE_IS_NULL;
    }
    return SW_STATUS_OK;
}

static sw_status make_tests(run *r, sw_error *err)
{
    const plan *p = r->plan;
    for (size_t i = 0; i < p->scan->condition_count; i++) {
        const sw_condition *c = condition_of(p, (int)i);
        if (pushed(p, i)) {
            continue;
        }
        sw_assert(r->test_count < MAX_TESTS);
        test *t = &r->tests[r->test_count++];
        *t = (test){.condition = c, .field = field_of(p, c->field), .column = column_at(p, c->field)};
        if (tests_column(t->field, c->op)) {
            sw_status status = encode_values(r, t, err);
            if (status != SW_STATUS_OK) {
                return status;
            }
        }
    }
    return SW_STATUS_OK;
}

static bool column_equals(sqlite3_stmt *stmt, int at, int type, const sw_lite_value *value)
{
    if (type == SQLITE_INTEGER) {
        return value->is == SW_LITE_IS_INT && sqlite3_column_int64(stmt, at) == value->number;
    }
    if ((type == SQLITE_TEXT) != (value->is == SW_LITE_IS_TEXT) || value->is == SW_LITE_IS_INT) {
        return false;
    }
    const void *bytes = sqlite3_column_blob(stmt, at);
    return (size_t)sqlite3_column_bytes(stmt, at) == value->len &&
           (value->len == 0 || memcmp(bytes, value->ptr, value->len) == 0);
}

static bool equals_any(sqlite3_stmt *stmt, int type, const test *t)
{
    for (size_t i = 0; i < t->count; i++) {
        if (column_equals(stmt, t->column, type, &t->values[i])) {
            return true;
        }
    }
    return false;
}

static bool column_is_null(sqlite3_stmt *stmt, int type, const test *t)
{
    if (type == SQLITE_NULL || !sw__lite_null_part(t->field)) {
        return type == SQLITE_NULL;
    }
    return type == SQLITE_INTEGER ? sqlite3_column_int64(stmt, t->column) == 0
                                  : sqlite3_column_bytes(stmt, t->column) == 0;
}

static bool column_holds(sqlite3_stmt *stmt, const test *t)
{
    int type = sqlite3_column_type(stmt, t->column);
    if (column_is_null(stmt, type, t)) {
        return t->condition->op == SW_OP_NE;
    }
    if (t->condition->op == SW_OP_EQ || t->condition->op == SW_OP_IN) {
        return equals_any(stmt, type, t);
    }
    if (t->condition->op == SW_OP_NE) {
        return !equals_any(stmt, type, t);
    }
    int64_t number = sqlite3_column_int64(stmt, t->column), limit = t->condition->values[0].number;
    return t->condition->op == SW_OP_LT   ? number < limit
           : t->condition->op == SW_OP_LE ? number <= limit
           : t->condition->op == SW_OP_GT ? number > limit
                                          : number >= limit;
}

static sw_status test_row(run *r, bool *holds, sw_error *err)
{
    *holds = true;
    for (size_t i = 0; *holds && i < r->test_count; i++) {
        const test *t = &r->tests[i];
        if (t->values) {
            *holds = column_holds(r->stmt, t);
            continue;
        }
        sw_status status =
            sw__lite_read(r->session, r->stmt, t->column, t->field, true, &r->arena, r->row, err);
        if (status != SW_STATUS_OK) {
            return status;
        }
        *holds = sw_condition_holds(r->plan->table->model, t->condition, r->row);
    }
    return SW_STATUS_OK;
}

/* ---- walking ------------------------------------------------------------------------------------ */

static sw_status decode_row(run *r, sw_error *err)
{
    uint64_t left = r->plan->need;
    for (int column = 0; left; column++, left &= left - 1) {
        const sw_field *field = field_of(r->plan, (size_t)__builtin_ctzll(left));
        sw_status status =
            sw__lite_read(r->session, r->stmt, column, field, true, &r->arena, r->row, err);
        if (status != SW_STATUS_OK) {
            return status;
        }
    }
    return SW_STATUS_OK;
}

/* Where the caller can go on: the order fields of the row at hand. */
static sw_status keep_place(run *r, sw_error *err)
{
    const plan *p = r->plan;
    for (size_t i = 0; p->scan->place && i < p->full_count; i++) {
        sw_status status = sw__lite_read(r->session, r->stmt, column_at(p, p->full[i]),
                                         field_of(p, p->full[i]), false, p->scan->place_arena,
                                         p->scan->place, err);
        if (status != SW_STATUS_OK) {
            return status;
        }
    }
    return SW_STATUS_OK;
}

static sw_status see_row(run *r, sw_visit *visit, void *arg, sw_scan_end *end, bool *stop,
                         sw_error *err)
{
    const sw_scan *scan = r->plan->scan;
    bool holds = false;
    sw_seen seen = SW_SEEN_SKIP;
    end->looked++;
    sw_status status = test_row(r, &holds, err);
    if (status == SW_STATUS_OK && holds) {
        status = decode_row(r, err);
    }
    if (status != SW_STATUS_OK) {
        return status;
    }
    if (holds) {
        seen = visit(arg, r->row);
        end->counted += seen == SW_SEEN_COUNT;
    }
    *stop = seen == SW_SEEN_STOP || (scan->limit && end->counted == scan->limit) ||
            (scan->look_limit && end->looked == scan->look_limit);
    return *stop ? keep_place(r, err) : SW_STATUS_OK;
}

static sw_status walk(run *r, sw_visit *visit, void *arg, sw_scan_end *end, sw_error *err)
{
    sw_mark mark = sw_arena_mark(&r->arena);
    for (bool stop = false; !stop;) {
        int rc = sqlite3_step(r->stmt);
        if (rc == SQLITE_DONE) {
            end->exhausted = true;
            return SW_STATUS_OK;
        }
        if (rc != SQLITE_ROW) {
            return sw__lite_fail(r->session->db, rc, "scan", err);
        }
        sw_status status = see_row(r, visit, arg, end, &stop, err);
        if (status != SW_STATUS_OK) {
            return status;
        }
        sw_arena_rewind(&r->arena, mark);
    }
    return SW_STATUS_OK;
}

static sw_status run_scan(run *r, const plan *p, sw_visit *visit, void *arg, sw_scan_end *end,
                          sw_error *err)
{
    const sw_lite_shape shape = shape_of(p, p->scan->record);
    sw_lite_slot *slot = NULL;
    sw_status status = sw__lite_take(r->session, &shape, build_scan, p, &slot, err);
    if (status != SW_STATUS_OK) {
        return status;
    }
    r->stmt = slot->stmt;
    status = bind_all(r, err);
    if (status == SW_STATUS_OK && !r->nothing) {
        status = make_tests(r, err);
    }
    if (status == SW_STATUS_OK && r->nothing) {
        end->exhausted = true;
    } else if (status == SW_STATUS_OK) {
        status = walk(r, visit, arg, end, err);
    }
    sw__lite_give(slot);
    return status;
}

sw_status sw__lite_scan(sw_session *head, const sw_scan *scan, sw_visit *visit, void *arg,
                        sw_scan_end *end, sw_error *err)
{
    sw_lite_session *session = (sw_lite_session *)(void *)head;
    const sw_lite_table *table = sw__lite_table(session, scan->record);
    run r = {.session = session};
    plan p;
    sw_status status = SW_STATUS_OK;
    sw_arena_init(&r.arena, &session->store->allocator, 0);
    r.row = sw_arena_zeroed(&r.arena, table->model->size);
    if (!r.row) {
        status = sw_no_memory(err);
    } else {
        make_plan(&p, table, scan, r.row);
        r.plan = &p;
        end->exhausted = p.nothing;
        status = p.nothing ? SW_STATUS_OK : run_scan(&r, &p, visit, arg, end, err);
    }
    sw_arena_fini(&r.arena);
    return status;
}
