/* SPDX-License-Identifier: Apache-2.0 */
/* The slow way to scan; see naive.h. */
#include <ctype.h>

#include "tests/contract/naive.h"

/* ---- order -------------------------------------------------------------------------------------- */

static int text_cmp(sw_str a, sw_str b)
{
    for (size_t i = 0; i < a.len && i < b.len; i++) {
        if (a.ptr[i] != b.ptr[i]) {
            return (unsigned char)a.ptr[i] < (unsigned char)b.ptr[i] ? -1 : 1;
        }
    }
    return a.len < b.len ? -1 : a.len > b.len;
}

/* "<something>-<uuid>" in lower case: the uuid's text, else a text without ptr. */
static sw_str uuid_of(sw_str id)
{
    if (id.len < 38 || id.ptr[id.len - 37] != '-') {
        return SW_NULL_STR;
    }
    const char *uuid = id.ptr + id.len - 36;
    for (size_t i = 0; i < 36; i++) {
        bool dash = i == 8 || i == 13 || i == 18 || i == 23;
        if (dash ? uuid[i] != '-' : !memchr("0123456789abcdef", uuid[i], 16)) {
            return SW_NULL_STR;
        }
    }
    return sw_str_make(uuid, 36);
}

static int id_cmp(sw_str a, sw_str b, const char *home)
{
    sw_str ua = uuid_of(a), ub = uuid_of(b);
    if (!ua.ptr || !ub.ptr) {
        return !ua.ptr && !ub.ptr ? text_cmp(a, b) : ua.ptr ? 1 : -1;
    }
    int c = text_cmp(ua, ub);
    sw_str pa = sw_str_make(a.ptr, a.len - 37), pb = sw_str_make(b.ptr, b.len - 37);
    bool own_a = home && pa.len == strlen(home) && memcmp(pa.ptr, home, pa.len) == 0;
    bool own_b = home && pb.len == strlen(home) && memcmp(pb.ptr, home, pb.len) == 0;
    if (c != 0 || (own_a && own_b)) {
        return c;
    }
    return own_a ? -1 : own_b ? 1 : text_cmp(pa, pb);
}

int naive_cmp(const sw_field *field, const void *a, const void *b)
{
    if (sw_kind_is_text(field->kind)) {
        sw_str x = sw_field_text(field, a), y = sw_field_text(field, b);
        if (!x.ptr || !y.ptr) {
            return (x.ptr != NULL) - (y.ptr != NULL);
        }
        return field->kind == SW_KIND_ID ? id_cmp(x, y, field->prefix) : text_cmp(x, y);
    }
    sw_int x = sw_field_number(field, a), y = sw_field_number(field, b);
    if (!x.known || !y.known) {
        return (x.known != 0) - (y.known != 0);
    }
    return x.value < y.value ? -1 : x.value > y.value;
}

int naive_cmp_key(sw_record_id record, const void *a, const void *b)
{
    const sw_record *model = sw_record_of(record);
    for (size_t i = 0; i < model->field_count; i++) {
        if (model->fields[i].flags & (SW_PRIMARY | SW_KEY_PART)) {
            int c = naive_cmp(&model->fields[i], a, b);
            if (c != 0) {
                return c;
            }
        }
    }
    return 0;
}

/* ---- conditions --------------------------------------------------------------------------------- */

/* The row's field against a value; neither is null. */
static int value_cmp(const sw_field *field, const void *row, const sw_value *value)
{
    if (!sw_kind_is_text(field->kind)) {
        int64_t n = sw_field_number(field, row).value;
        return n < value->number ? -1 : n > value->number;
    }
    sw_str text = sw_field_text(field, row);
    return field->kind == SW_KIND_ID ? id_cmp(text, value->text, field->prefix)
                                     : text_cmp(text, value->text);
}

static bool contains(sw_str hay, sw_str needle)
{
    for (size_t i = 0; i + needle.len <= hay.len; i++) {
        size_t k = 0;
        while (k < needle.len &&
               tolower((unsigned char)hay.ptr[i + k]) == tolower((unsigned char)needle.ptr[k])) {
            k++;
        }
        if (k == needle.len) {
            return true;
        }
    }
    return false;
}

/* The generated tags hold no comma and keep their escapes, so that the quoted word can be looked for;
 * `tag` comes decoded. */
static bool has_tag(sw_str tags, sw_str tag)
{
    char quoted[64];
    size_t len = 0;
    quoted[len++] = '"';
    for (size_t i = 0; i < tag.len; i++) {
        if (tag.ptr[i] == '"') {
            quoted[len++] = '\\';
        }
        quoted[len++] = tag.ptr[i];
    }
    quoted[len++] = '"';
    for (size_t i = 0; i + len <= tags.len; i++) {
        bool first = i > 0 && (tags.ptr[i - 1] == '[' || tags.ptr[i - 1] == ',');
        if (first && memcmp(tags.ptr + i, quoted, len) == 0) {
            return true;
        }
    }
    return false;
}

static size_t matches(const sw_field *field, const sw_condition *c, const void *row)
{
    size_t n = 0;
    for (size_t i = 0; i < c->count; i++) {
        n += field->kind == SW_KIND_TAGS && c->op >= SW_OP_TAG_ANY
                 ? has_tag(sw_field_text(field, row), c->values[i].text)
                 : value_cmp(field, row, &c->values[i]) == 0;
    }
    return n;
}

bool naive_holds(const sw_record *model, const sw_condition *c, const void *row)
{
    const sw_field *field = &model->fields[c->field];
    bool null = sw_kind_is_text(field->kind) ? !sw_field_text(field, row).ptr
                                             : !sw_field_number(field, row).known;
    if (null) {
        return c->op == SW_OP_NULL || c->op == SW_OP_NE;
    }
    switch (c->op) {
    case SW_OP_EQ:
        return value_cmp(field, row, c->values) == 0;
    case SW_OP_NE:
        return value_cmp(field, row, c->values) != 0;
    case SW_OP_LT:
        return value_cmp(field, row, c->values) < 0;
    case SW_OP_LE:
        return value_cmp(field, row, c->values) <= 0;
    case SW_OP_GT:
        return value_cmp(field, row, c->values) > 0;
    case SW_OP_GE:
        return value_cmp(field, row, c->values) >= 0;
    case SW_OP_IN:
    case SW_OP_TAG_ANY:
        return matches(field, c, row) > 0;
    case SW_OP_TAG_ALL:
        return matches(field, c, row) == c->count;
    case SW_OP_NULL:
        return false;
    case SW_OP_NOT_NULL:
        return true;
    case SW_OP_CONTAINS:
        return contains(sw_field_text(field, row), c->values[0].text);
    }
    fail_msg("an unknown operator");
    return false;
}

/* ---- the scan ----------------------------------------------------------------------------------- */

static int order_cmp(const sw_scan *scan, const void *a, const void *b)
{
    for (size_t i = 0; i < scan->order_count; i++) {
        int c = naive_cmp(ct_field(scan->record, scan->order[i]), a, b);
        if (c != 0) {
            return c;
        }
    }
    return scan->order_count == 0 ? naive_cmp_key(scan->record, a, b) : 0;
}

static bool shows(const sw_scan *scan, const void *row)
{
    for (size_t i = 0; i < scan->condition_count; i++) {
        if (!naive_holds(sw_record_of(scan->record), &scan->conditions[i], row)) {
            return false;
        }
    }
    if (!scan->after) {
        return true;
    }
    int c = order_cmp(scan, row, scan->after);
    return scan->descending ? c < 0 : c > 0;
}

/* Insertion by halves. Where the order leaves a choice, the key decides, in the same direction. */
static void place_row(const sw_scan *scan, naive *out, const void *row)
{
    size_t low = 0, high = out->count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        int c = order_cmp(scan, row, out->rows[middle]);
        c = c ? c : naive_cmp_key(scan->record, row, out->rows[middle]);
        if (scan->descending ? c > 0 : c < 0) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    memmove(out->rows + low + 1, out->rows + low, (out->count - low) * sizeof(void *));
    out->rows[low] = row;
    out->count++;
}

void naive_scan(const naive *all, const sw_scan *scan, naive *out)
{
    out->record = scan->record;
    out->count = 0;
    for (size_t i = 0; i < all->count; i++) {
        if (shows(scan, all->rows[i])) {
            place_row(scan, out, all->rows[i]);
        }
    }
}

/* ---- data --------------------------------------------------------------------------------------- */

static void keep(dataset *data, sw_record_id record, const void *row)
{
    naive *all = &data->of[record];
    assert_true(all->count < NAIVE_ROWS);
    all->record = record;
    all->rows[all->count++] = row;
}

static void show_bodies(contract *ct, dataset *data)
{
    naive *messages = &data->of[SW_RECORD_MESSAGE];
    const naive *bodies = &data->of[SW_RECORD_MESSAGE_BODY];
    for (size_t i = 0; i < messages->count; i++) {
        sw_message *shown = ct_stored(ct, SW_RECORD_MESSAGE, messages->rows[i]);
        for (size_t k = 0; k < bodies->count && shown->body_hash.ptr; k++) {
            const sw_message_body *body = bodies->rows[k];
            if (sw_str_eq(body->organization_id, shown->organization_id) &&
                sw_str_eq(body->digest, shown->body_hash)) {
                shown->text = body->text;
                shown->content = body->content;
                shown->tool_calls = body->tool_calls.ptr ? body->tool_calls : SW_STR("[]");
                shown->tool_returns = body->tool_returns;
            }
        }
        messages->rows[i] = shown;
    }
}

/* A row with id, of which few others share every value that may be unique. */
static void *try_insert(contract *ct, sw_record_id record)
{
    void *row = ct_row(ct, record, ROWGEN_MIXED);
    sw_error told = {0};
    sw_status status = sw_store_insert(ct->writer, record, row, &told);
    if (status == SW_STATUS_EXISTS) {
        return NULL;
    }
    ct_expect_at(status, SW_STATUS_OK, &told, sw_record_of(record)->name, __FILE__, __LINE__);
    ct_pool(ct, record, row);
    return row;
}

dataset *dataset_fill(contract *ct, size_t rows)
{
    dataset *data = sw_arena_zeroed(&ct->arena, sizeof *data);
    assert_non_null(data);
    ct->gen.variety = 12;
    ct_begin(ct);
    for (int r = 0; r < SW_RECORD_COUNT; r++) {
        size_t wanted = r == SW_RECORD_ORGANIZATION ? 5 : rows;
        for (size_t tries = 0; tries < 4 * wanted && data->of[r].count < wanted; tries++) {
            void *row = try_insert(ct, (sw_record_id)r);
            if (row) {
                keep(data, (sw_record_id)r, row);
            }
        }
        assert_true(data->of[r].count >= 5);
    }
    ct_commit(ct);
    show_bodies(ct, data);
    return data;
}

/* ---- comparing ---------------------------------------------------------------------------------- */

typedef struct comparing {
    const naive *expected;
    size_t at;
    bool differs;
} comparing;

/* Stops at the first row that is another; fails outside the visit, which must be left in order. */
static sw_seen compare_row(void *arg, const void *row)
{
    comparing *c = arg;
    const sw_record *model = sw_record_of(c->expected->record);
    if (c->at == c->expected->count) {
        c->differs = true;
        return SW_SEEN_STOP;
    }
    for (size_t i = 0; i < model->field_count; i++) {
        if (naive_cmp(&model->fields[i], row, c->expected->rows[c->at]) != 0) {
            c->differs = true;
            return SW_SEEN_STOP;
        }
    }
    c->at++;
    return SW_SEEN_COUNT;
}

static void describe(const sw_scan *scan, const comparing *c)
{
    const sw_record *model = sw_record_of(scan->record);
    print_error("scan of %s, %s, order", model->name, scan->descending ? "down" : "up");
    for (size_t i = 0; i < scan->order_count; i++) {
        print_error(" %s", model->fields[scan->order[i]].name);
    }
    for (size_t i = 0; i < scan->condition_count; i++) {
        const sw_condition *k = &scan->conditions[i];
        print_error(", %s op %d of %zu", model->fields[k->field].name, (int)k->op, k->count);
        for (size_t v = 0; v < k->count; v++) {
            print_error(" '%.*s' %lld", (int)k->values[v].text.len,
                        k->values[v].text.ptr ? k->values[v].text.ptr : "",
                        (long long)k->values[v].number);
        }
    }
    print_error("%s: row %zu of %zu\n", scan->after ? ", after" : "", c->at, c->expected->count);
}

void naive_expect(contract *ct, const dataset *data, const sw_scan *scan)
{
    sw_mark mark = sw_arena_mark(&ct->arena);
    naive *expected = sw_arena_alloc(&ct->arena, sizeof *expected);
    assert_non_null(expected);
    naive_scan(&data->of[scan->record], scan, expected);
    comparing c = {.expected = expected};
    sw_scan_end end;
    CT_EXPECT(sw_store_scan(ct->reader, scan, compare_row, &c, &end, err), OK);
    int64_t count = (int64_t)expected->count;
    bool cut = scan->limit > 0 && scan->limit <= count;
    bool same = !c.differs && (int64_t)c.at == (cut ? scan->limit : count);
    if (end.unsorted) {
        assert_true(scan->sort_limit > 0 &&
                    (size_t)scan->sort_limit < data->of[scan->record].count);
        assert_true(c.at == 0 && end.counted == 0 && !end.exhausted);
        sw_arena_rewind(&ct->arena, mark);
        return;
    }
    if (!same) {
        describe(scan, &c);
        fail_msg("%s", c.differs ? "another row than expected" : "rows are missing");
    }
    assert_int_equal(end.exhausted, !cut);
    assert_int_equal(end.counted, c.at);
    assert_true(end.looked >= end.counted);
    sw_arena_rewind(&ct->arena, mark);
}
