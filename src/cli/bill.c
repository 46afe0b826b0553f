/* SPDX-License-Identifier: Apache-2.0 */
/* Reads exports of usage and costs: a row of CSV, or an object of JSON with a count in it, becomes a line; what an object
 * does not say (the day of a bucket) the objects around it do. What a column means is a row of model/bills.def.
 */
#include "cli/bill.h"

#include <string.h>

#include "cli/prices.h"

typedef enum meaning { PROMPT, COMPLETION, CALLS, DOLLARS, CENTS, DAY, MODEL, NOTHING } meaning;

static const struct {
    const char *name;
    meaning meaning;
} names[] = {
#define SW_BILL(NAME, MEANING) {NAME, MEANING},
#include "model/bills.def"
#undef SW_BILL
};

static meaning meaning_of(sw_str name)
{
    for (size_t i = 0; i < SW_COUNT(names); i++) {
        if (strlen(names[i].name) == name.len &&
            sw_str_contains_nocase(name, sw_str_from(names[i].name))) {
            return names[i].meaning;
        }
    }
    return NOTHING;
}

sw_bill_line *sw_bill_line_of(sw_bill *bill, int64_t day, sw_str model)
{
    sw_bill_line *lines = NULL;

    for (size_t i = 0; i < bill->count; i++) {
        if (bill->lines[i].day == day && sw_str_eq(bill->lines[i].model, model)) {
            return &bill->lines[i];
        }
    }
    lines = sw_arena_grow(bill->arena, bill->lines, bill->count, &bill->room, sizeof *lines);
    if (!lines) {
        bill->failed = true;
        return NULL;
    }
    bill->lines = lines;
    lines[bill->count] = (sw_bill_line){.day = day, .model = sw_arena_str(bill->arena, model)};
    return &lines[bill->count++];
}

/* What one row says, and the rows around it. */
typedef struct row {
    bool has_day;
    bool counts;
    int64_t day;
    sw_str model;
    int64_t value[SW_BILL_COUNTS];
    bool says[SW_BILL_COUNTS];
} row;

static bool read_day(sw_str text, int64_t *day)
{
    int64_t number = 0;

    if (sw_parse_int(text, &number)) {
        *day = sw_time_day(number * 1000000);
        return number > 0 && number < INT64_C(100000000000);
    }
    if (sw_time_parse(text, &number)) {
        *day = sw_time_day(number);
        return true;
    }
    return false;
}

static void take_count(row *r, sw_bill_count count, int64_t value)
{
    r->value[count] += value;
    r->says[count] = true;
    r->counts = true;
}

static void take_value(row *r, meaning means, sw_str text)
{
    int64_t value = 0;
    const char *comma = text.len ? memchr(text.ptr, ',', text.len) : NULL;

    if (means == DAY && !r->has_day) {
        r->has_day = read_day(text, &r->day);
    } else if (means == MODEL && text.len > 0) {
        r->model = comma ? sw_str_make(text.ptr, (size_t)(comma - text.ptr)) : text;
    } else if (means <= CALLS && sw_parse_int(text, &value)) {
        take_count(r, (sw_bill_count)means, value);
    } else if ((means == DOLLARS || means == CENTS) && sw_dollars_read(text, &value)) {
        take_count(r, SW_BILL_COST, means == CENTS ? value / 100 : value);
    }
}

static void keep(sw_bill *bill, const row *r)
{
    sw_bill_line *line = r->counts && r->has_day ? sw_bill_line_of(bill, r->day, r->model) : NULL;

    for (size_t i = 0; line && i < SW_BILL_COUNTS; i++) {
        line->bill[i] += r->value[i];
        bill->says[i] = bill->says[i] || r->says[i];
    }
}

/* ---- JSON ------------------------------------------------------------------------------------------- */

enum { DEEPEST = 16 };

static bool read_object(sw_bill *bill, sw_json *json, const row *around, int depth);

/* An object whose members count for the one around it, like amount.value. */
static bool read_inner(sw_bill *bill, sw_json *json, sw_str outer, row *r)
{
    while (sw_json_next(json) == SW_JSON_KEY) {
        sw_str name = sw_arena_printf(bill->arena, "%.*s.%.*s", (int)outer.len, outer.ptr,
                                      (int)json->text.len, json->text.ptr);
        meaning means = meaning_of(name);
        sw_json_type type = sw_json_next(json);
        if (type == SW_JSON_NUMBER || type == SW_JSON_STRING) {
            take_value(r, means, json->text);
        } else if (!sw_json_skip(json, NULL)) {
            return false;
        }
    }
    return json->type == SW_JSON_OBJECT_END;
}

static bool read_list(sw_bill *bill, sw_json *json, const row *around, int depth)
{
    while (sw_json_next(json) != SW_JSON_ARRAY_END) {
        if (json->type == SW_JSON_OBJECT ? !read_object(bill, json, around, depth + 1)
                                         : !sw_json_skip(json, NULL)) {
            return false;
        }
    }
    return true;
}

static bool read_object(sw_bill *bill, sw_json *json, const row *around, int depth)
{
    row r = {.has_day = around->has_day, .day = around->day, .model = around->model};

    while (depth < DEEPEST && sw_json_next(json) == SW_JSON_KEY) {
        sw_str name = sw_arena_str(bill->arena, json->text);
        sw_json_type type = sw_json_next(json);
        bool good = true;
        if (type == SW_JSON_NUMBER || type == SW_JSON_STRING) {
            take_value(&r, meaning_of(name), sw_arena_str(bill->arena, json->text));
        } else if (type == SW_JSON_OBJECT) {
            good = read_inner(bill, json, name, &r);
        } else if (type == SW_JSON_ARRAY) {
            good = read_list(bill, json, &r, depth);
        } else {
            good = sw_json_skip(json, NULL);
        }
        if (!good) {
            return false;
        }
    }
    keep(bill, &r);
    return json->type == SW_JSON_OBJECT_END;
}

static bool read_json(sw_bill *bill, sw_str text)
{
    const row nothing = {.has_day = false};
    sw_json json;

    sw_json_init(&json, text, bill->arena);
    (void)sw_json_next(&json);
    return json.type == SW_JSON_OBJECT  ? read_object(bill, &json, &nothing, 0)
           : json.type == SW_JSON_ARRAY ? read_list(bill, &json, &nothing, 0)
                                        : false;
}

/* ---- CSV -------------------------------------------------------------------------------------------- */

enum { COLUMNS = 128 };

/* The next value of the line, without its quotes; *more: another one follows on the line. */
static sw_str next_value(sw_bill *bill, sw_str text, size_t *at, bool *more)
{
    bool quoted = *at < text.len && text.ptr[*at] == '"';
    char *out = sw_arena_alloc(bill->arena, text.len - *at + 1);
    size_t len = 0;

    *at += quoted;
    while (out && *at < text.len) {
        char c = text.ptr[*at];
        if (quoted && c == '"') {
            bool twice = *at + 1 < text.len && text.ptr[*at + 1] == '"';
            quoted = twice;
            *at += twice ? 1 : 0;
            if (!twice) {
                (*at)++;
                continue;
            }
        } else if (!quoted && (c == ',' || c == '\n')) {
            break;
        }
        out[len++] = c;
        (*at)++;
    }
    *more = *at < text.len && text.ptr[*at] == ',';
    *at += *at < text.len;
    len -= len > 0 && out[len - 1] == '\r';
    return out ? sw_str_make(out, len) : SW_NULL_STR;
}

static void read_csv(sw_bill *bill, sw_str text)
{
    meaning columns[COLUMNS];
    size_t count = 0, at = 0;
    bool more = true;

    while (more && count < COLUMNS) {
        columns[count++] = meaning_of(next_value(bill, text, &at, &more));
    }
    while (at < text.len && !bill->arena->failed) {
        row r = {.has_day = false};
        more = true;
        for (size_t i = 0; more; i++) {
            sw_mark mark = sw_arena_mark(bill->arena);
            sw_str value = next_value(bill, text, &at, &more);
            meaning means = i < count ? columns[i] : NOTHING;
            take_value(&r, means, value);
            if (means != MODEL) {
                sw_arena_rewind(bill->arena, mark);
            }
        }
        keep(bill, &r);
    }
}

sw_status sw_bill_read(sw_bill *bill, sw_str text, sw_error *err)
{
    size_t blank = 0;
    bool good = true;

    if (text.len >= 3 && memcmp(text.ptr, "\xef\xbb\xbf", 3) == 0) {
        text = sw_str_make(text.ptr + 3, text.len - 3);
    }
    while (blank < text.len && (unsigned char)text.ptr[blank] <= ' ') {
        blank++;
    }
    if (blank < text.len && (text.ptr[blank] == '{' || text.ptr[blank] == '[')) {
        good = read_json(bill, text);
    } else {
        read_csv(bill, text);
    }
    if (bill->failed || bill->arena->failed) {
        return sw_no_memory(err);
    }
    if (!good || bill->count == 0) {
        return sw_fail(err, SW_STATUS_INVALID, "",
                       good ? "the file has no row with a day and a count; it needs columns like "
                              "usage_date_utc, model, input_tokens"
                            : "the file is no whole JSON document");
    }
    return SW_STATUS_OK;
}
