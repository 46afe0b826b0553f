/* SPDX-License-Identifier: Apache-2.0 */
/* The fields of the records, read from model/ once more, and what follows from knowing them: copying,
 * comparing, asking a condition. Slow and plain on purpose.
 */
#include "tests/lib/rows.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

/* ---- memory ------------------------------------------------------------------------------------- */

typedef struct block {
    struct block *next;
    max_align_t data[];
} block;

struct pool {
    block *first;
};

pool *pool_new(void)
{
    pool *p = calloc(1, sizeof *p);
    if (!p) {
        abort();
    }
    return p;
}

void pool_free(pool **p)
{
    block *b = *p ? (*p)->first : NULL;
    while (b) {
        block *next = b->next;
        free(b);
        b = next;
    }
    free(*p);
    *p = NULL;
}

void *pool_alloc(pool *p, size_t size)
{
    block *b = calloc(1, sizeof *b + size);
    if (!b) {
        abort();
    }
    b->next = p->first;
    p->first = b;
    return b->data;
}

sw_str pool_str(pool *p, sw_str text)
{
    char *copy = NULL;
    if (!text.ptr) {
        return text;
    }
    copy = pool_alloc(p, text.len + 1);
    memcpy(copy, text.ptr, text.len);
    return sw_str_make(copy, text.len);
}

sw_str pool_printf(pool *p, const char *format, ...)
{
    va_list args;
    int len = 0;
    char *text = NULL;
    va_start(args, format);
    len = vsnprintf(NULL, 0, format, args);
    va_end(args);
    text = pool_alloc(p, (size_t)len + 1);
    va_start(args, format);
    vsnprintf(text, (size_t)len + 1, format, args);
    va_end(args);
    return sw_str_make(text, (size_t)len);
}

/* ---- the fields --------------------------------------------------------------------------------- */

enum { KIND_TEXT = 1, KIND_TAGS = 2, KIND_BYTES = 4 };
enum {
    FIELD_ID = KIND_TEXT,
    FIELD_HEX = KIND_TEXT,
    FIELD_TEXT = KIND_TEXT,
    FIELD_WORD = KIND_TEXT,
    FIELD_JSON = KIND_TEXT,
    FIELD_TAGS = KIND_TEXT | KIND_TAGS,
    FIELD_BYTES = KIND_TEXT | KIND_BYTES,
    FIELD_ENUM = 0,
    FIELD_BOOL = 0,
    FIELD_INT = 0,
    FIELD_LONG = 0,
    FIELD_TIME = 0
};

#define JOIN2(A, B) A##B
#define JOIN(A, B) JOIN2(A, B)
#define SW_INDEX(...)
#define SW_RELATION(...)
#define SW_FIELD(KIND, NAME, ...)                                                                  \
    {#NAME, offsetof(struct JOIN(sw_, SW_SELF), NAME), (FIELD_##KIND & KIND_TEXT) != 0,            \
     (FIELD_##KIND & KIND_TAGS) != 0, (FIELD_##KIND & KIND_BYTES) != 0},
#define SW_RECORD_BEGIN(RECORD, UPPER, TABLE, PREFIX, PUBLIC, DOC)                                 \
    static const row_field fields_##RECORD[] = {
#define SW_RECORD_END(RECORD, UPPER)                                                               \
    }                                                                                              \
    ;
#include "model/records.def"
#undef SW_FIELD
#undef SW_RECORD_BEGIN
#undef SW_RECORD_END

#define SW_FIELD(...)
#define SW_RECORD_BEGIN(RECORD, UPPER, TABLE, PREFIX, PUBLIC, DOC)                                 \
    [SW_RECORD_##UPPER] = {#RECORD, sizeof(struct sw_##RECORD), fields_##RECORD,                   \
                           sizeof fields_##RECORD / sizeof fields_##RECORD[0]},
#define SW_RECORD_END(RECORD, UPPER)
static const row_kind kinds[SW_RECORD_COUNT] = {
#include "model/records.def"
};
#undef SW_FIELD
#undef SW_RECORD_BEGIN
#undef SW_RECORD_END

const row_kind *row_kind_of(sw_record_id record)
{
    return &kinds[record];
}

static const row_field *field_of(sw_record_id record, int field)
{
    return &kinds[record].fields[field];
}

sw_str row_text(sw_record_id record, const void *row, int field)
{
    sw_str s;
    memcpy(&s, (const char *)row + field_of(record, field)->offset, sizeof s);
    return s;
}

sw_int row_number(sw_record_id record, const void *row, int field)
{
    sw_int n;
    memcpy(&n, (const char *)row + field_of(record, field)->offset, sizeof n);
    return n;
}

bool row_is_null(sw_record_id record, const void *row, int field)
{
    return field_of(record, field)->text ? !row_text(record, row, field).ptr
                                         : !row_number(record, row, field).known;
}

void row_set(sw_record_id record, void *row, int field, const void *from)
{
    size_t at = field_of(record, field)->offset;
    memcpy((char *)row + at, (const char *)from + at, sizeof(sw_str));
}

void row_copy(sw_record_id record, void *to, const void *from, pool *p)
{
    memcpy(to, from, kinds[record].size);
    for (size_t i = 0; i < kinds[record].count; i++) {
        if (kinds[record].fields[i].text) {
            sw_str s = pool_str(p, row_text(record, from, (int)i));
            memcpy((char *)to + kinds[record].fields[i].offset, &s, sizeof s);
        }
    }
}

int row_differs(sw_record_id record, const void *a, const void *b, uint64_t ignore)
{
    for (int i = 0; i < (int)kinds[record].count; i++) {
        if ((ignore >> i & 1) || field_of(record, i)->bytes) {
            continue;
        }
        if (field_of(record, i)->text
                ? !sw_str_eq(row_text(record, a, i), row_text(record, b, i))
                : !sw_int_eq(row_number(record, a, i), row_number(record, b, i))) {
            return i;
        }
    }
    return -1;
}

static void print_field(sw_record_id record, const void *row, int field, char *out, size_t size)
{
    sw_str s = SW_NULL_STR;
    if (row_is_null(record, row, field)) {
        snprintf(out, size, "null");
    } else if (field_of(record, field)->text) {
        s = row_text(record, row, field);
        snprintf(out, size, "'%.*s'", (int)s.len, s.ptr);
    } else {
        snprintf(out, size, "%lld", (long long)row_number(record, row, field).value);
    }
}

const char *row_difference(sw_record_id record, const void *a, const void *b, int field, char *out,
                           size_t size)
{
    char left[200], right[200];
    print_field(record, a, field, left, sizeof left);
    print_field(record, b, field, right, sizeof right);
    snprintf(out, size, "%s.%s: %s / %s", kinds[record].name, field_of(record, field)->name, left,
             right);
    return out;
}

/* ---- conditions --------------------------------------------------------------------------------- */

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

static bool contains(sw_str hay, sw_str needle)
{
    for (size_t i = 0; i + needle.len <= hay.len; i++) {
        size_t k = 0;
        while (k < needle.len && lower(hay.ptr[i + k]) == lower(needle.ptr[k])) {
            k++;
        }
        if (k == needle.len) {
            return true;
        }
    }
    return false;
}

static int compare(sw_record_id record, const void *row, int field, const sw_value *value)
{
    sw_int n = row_number(record, row, field);
    if (field_of(record, field)->text) {
        return sw_str_cmp(row_text(record, row, field), value->text);
    }
    return (n.value > value->number) - (n.value < value->number);
}

static bool tags_hold(sw_record_id record, const void *row, const sw_condition *c)
{
    words have;
    size_t found = 0;
    words_read(&have, row_text(record, row, c->field));
    for (size_t i = 0; i < c->count; i++) {
        found += words_have(&have, c->values[i].text);
    }
    return c->op == SW_OP_TAG_ANY ? found > 0 : found == c->count;
}

static bool is_one_of(sw_record_id record, const void *row, const sw_condition *c)
{
    for (size_t i = 0; i < c->count; i++) {
        if (compare(record, row, c->field, &c->values[i]) == 0) {
            return true;
        }
    }
    return false;
}

bool row_holds(sw_record_id record, const void *row, const sw_condition *c)
{
    bool null = row_is_null(record, row, c->field);
    if (c->op == SW_OP_NULL || c->op == SW_OP_NOT_NULL) {
        return null == (c->op == SW_OP_NULL);
    }
    if (null) {
        return c->op == SW_OP_NE;
    }
    switch (c->op) {
    case SW_OP_EQ:
        return compare(record, row, c->field, c->values) == 0;
    case SW_OP_IN:
        return is_one_of(record, row, c);
    case SW_OP_NE:
        return compare(record, row, c->field, c->values) != 0;
    case SW_OP_LT:
        return compare(record, row, c->field, c->values) < 0;
    case SW_OP_LE:
        return compare(record, row, c->field, c->values) <= 0;
    case SW_OP_GT:
        return compare(record, row, c->field, c->values) > 0;
    case SW_OP_GE:
        return compare(record, row, c->field, c->values) >= 0;
    case SW_OP_TAG_ANY:
    case SW_OP_TAG_ALL:
        return tags_hold(record, row, c);
    case SW_OP_CONTAINS:
        return contains(row_text(record, row, c->field), c->values[0].text);
    case SW_OP_NULL:
    case SW_OP_NOT_NULL:
        break;
    }
    return false;
}

/* ---- words -------------------------------------------------------------------------------------- */

void words_read(words *w, sw_str json)
{
    size_t i = 0;
    w->count = 0;
    while (json.ptr && i < json.len && w->count < WORDS_MAX) {
        size_t start = 0;
        while (i < json.len && json.ptr[i] != '"') {
            i++;
        }
        start = ++i;
        while (i < json.len && json.ptr[i] != '"') {
            i++;
        }
        if (i < json.len) {
            w->at[w->count++] = sw_str_make(json.ptr + start, i - start);
        }
        i++;
    }
}

bool words_have(const words *w, sw_str word)
{
    for (size_t i = 0; i < w->count; i++) {
        if (sw_str_eq(w->at[i], word)) {
            return true;
        }
    }
    return false;
}

sw_str words_write(const words *w, pool *p)
{
    sw_str out = SW_STR("[");
    for (size_t i = 0; i < w->count; i++) {
        out =
            pool_printf(p, "%s%s\"%.*s\"", out.ptr, i ? "," : "", (int)w->at[i].len, w->at[i].ptr);
    }
    return pool_printf(p, "%s]", out.ptr);
}

bool words_same(sw_str a, sw_str b)
{
    words x, y;
    words_read(&x, a);
    words_read(&y, b);
    if (x.count != y.count) {
        return false;
    }
    for (size_t i = 0; i < x.count; i++) {
        if (!words_have(&y, x.at[i])) {
            return false;
        }
    }
    return true;
}

const char *status_name(sw_status status)
{
    static const char *const names[] = {
#define SW_STATUS(NAME, NUMBER, HTTP, EXIT, RETRY, MESSAGE, DOC) [NUMBER] = #NAME,
#include "model/status.def"
#undef SW_STATUS
    };
    return (size_t)status < sizeof names / sizeof names[0] ? names[status] : "?";
}

const char *verdict_name(sw_verdict verdict)
{
    static const char *const names[] = {"created", "updated", "unchanged", "conflict", "rejected"};
    return (unsigned)verdict < SW_VERDICT_COUNT ? names[verdict] : "?";
}

const char *step_status_word(int64_t status)
{
    static const char *const names[] = {"pending", "success", "failed", "cancelled"};
    return status >= 0 && status < SW_STEP_STATUS_COUNT ? names[status] : "?";
}
