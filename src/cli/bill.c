/* SPDX-License-Identifier: Apache-2.0 */
/* Reads exports of usage and costs: a row of CSV, or an object of JSON with a count in it, becomes a line; what an object
 * does not say (the day of a bucket) the objects around it do. What a column means is a row of model/bills.def. A value
 * that means something and cannot be read is counted, never taken for nothing.
 */
#include "cli/bill.h"

#include <string.h>

#include "cli/cli.h"
#include "codec/transcript_scan.h"

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

/* Where the line of the day and model is, or would be. Half of the slots are empty at least. */
static size_t *slot_of(const sw_bill *bill, int64_t day, sw_str model)
{
    size_t at = sw_hash((uint64_t)day, model.ptr, model.len) & (bill->slot_count - 1);

    while (bill->slots[at] > 0) {
        const sw_bill_line *line = &bill->lines[bill->slots[at] - 1];
        if (line->day == day && sw_str_eq(line->model, model)) {
            break;
        }
        at = (at + 1) & (bill->slot_count - 1);
    }
    return &bill->slots[at];
}

static bool make_slots(sw_bill *bill)
{
    enum { FIRST = 64 };
    size_t count = bill->slot_count > 0 ? 2 * bill->slot_count : FIRST;
    size_t *slots = sw_arena_zeroed(bill->arena, count * sizeof *slots);

    if (slots) {
        bill->slots = slots;
        bill->slot_count = count;
        for (size_t i = 0; i < bill->count; i++) {
            *slot_of(bill, bill->lines[i].day, bill->lines[i].model) = i + 1;
        }
    }
    return slots != NULL;
}

sw_bill_line *sw_bill_line_of(sw_bill *bill, int64_t day, sw_str model)
{
    sw_bill_line *lines = NULL;
    size_t *slot = NULL;

    if (2 * (bill->count + 1) > bill->slot_count && !make_slots(bill)) {
        bill->failed = true;
        return NULL;
    }
    slot = slot_of(bill, day, model);
    if (*slot > 0) {
        return &bill->lines[*slot - 1];
    }
    lines = sw_arena_grow(bill->arena, bill->lines, bill->count, &bill->room, sizeof *lines);
    if (!lines) {
        bill->failed = true;
        return NULL;
    }
    bill->lines = lines;
    lines[bill->count] = (sw_bill_line){.day = day, .model = sw_arena_str(bill->arena, model)};
    *slot = ++bill->count;
    return &lines[bill->count - 1];
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

/* Seconds since 1970 are told by their size: 20261123 is a date in other words, and its day is not guessed. */
static bool read_day(sw_str text, int64_t *day)
{
    int64_t us = 0;
    int64_t seconds = 0;
    bool number = sw_parse_int(text, &seconds);

    if (number && seconds >= INT64_C(100000000) && seconds < INT64_C(100000000000)) {
        us = seconds * 1000000;
    } else if (number || !sw_time_parse(text, &us)) {
        return false;
    }
    *day = sw_time_day(us);
    return true;
}

static void note_odd(sw_bill *bill, sw_str what)
{
    if (bill->odd++ == 0) {
        bill->first_odd =
            sw_arena_str(bill->arena, sw_str_make(what.ptr, sw_utf8_prefix(what, 60)));
    }
}

/* What does not fit leaves the sum as it was. */
static bool add(int64_t *sum, int64_t value)
{
    int64_t more = 0;

    if (__builtin_add_overflow(*sum, value, &more)) {
        return false;
    }
    *sum = more;
    return true;
}

static bool take_count(row *r, sw_bill_count count, sw_int value)
{
    r->says[count] = r->counts = true;
    return value.known && add(&r->value[count], value.value);
}

/* Refunds are below zero. */
static sw_int money_of(sw_str text, bool cents)
{
    bool below = text.len > 0 && text.ptr[0] == '-';
    sw_int out = scan_nano_usd(sw_str_make(text.ptr + below, text.len - below));

    out.value = cents ? out.value / 100 + (out.value % 100 >= 50) : out.value;
    out.value = below ? -out.value : out.value;
    return out;
}

static void take_value(sw_bill *bill, row *r, meaning means, sw_str text)
{
    int64_t value = 0;
    const char *comma = text.len ? memchr(text.ptr, ',', text.len) : NULL;
    bool good = true;

    if (text.len == 0) {
        return;
    }
    if (means == DAY && !r->has_day) {
        r->has_day = good = read_day(text, &r->day);
    } else if (means == MODEL) {
        r->model = comma ? sw_str_make(text.ptr, (size_t)(comma - text.ptr)) : text;
    } else if (means <= CALLS) {
        good = sw_parse_int(text, &value) && value >= 0 &&
               take_count(r, (sw_bill_count)means, sw_int_of(value));
    } else if (means == DOLLARS || means == CENTS) {
        good = take_count(r, SW_BILL_COST, money_of(text, means == CENTS));
    }
    if (!good) {
        note_odd(bill, text);
    }
}

static void keep(sw_bill *bill, const row *r)
{
    sw_bill_line *line = r->counts && r->has_day ? sw_bill_line_of(bill, r->day, r->model) : NULL;

    bill->undated += r->counts && !r->has_day;
    bill->models = bill->models || (line && r->model.len > 0);
    for (size_t i = 0; line && i < SW_BILL_COUNTS; i++) {
        if (!add(&line->bill[i], r->value[i])) {
            note_odd(bill, SW_STR("a sum"));
        }
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
            take_value(bill, r, means, json->text);
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
            take_value(bill, &r, meaning_of(name), sw_arena_str(bill->arena, json->text));
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

/* A document, or one behind the other, as pages of an API are put into one file. */
static bool read_json(sw_bill *bill, sw_str text)
{
    const row nothing = {.has_day = false};
    bool good = true;

    while (good && (text = sw_str_after_blanks(text)).len > 0) {
        sw_json json;
        sw_json_init(&json, text, bill->arena);
        (void)sw_json_next(&json);
        good = json.type == SW_JSON_OBJECT  ? read_object(bill, &json, &nothing, 0)
               : json.type == SW_JSON_ARRAY ? read_list(bill, &json, &nothing, 0)
                                            : false;
        text = sw_str_make(json.at, (size_t)(json.end - json.at));
    }
    return good;
}

/* ---- CSV -------------------------------------------------------------------------------------------- */

enum { COLUMNS = 128 };

/* What stands between quotes, from *at on; only where quotes stand in it twice it is copied. */
static sw_str quoted_value(sw_bill *bill, sw_str text, size_t *at)
{
    size_t begin = *at, len = 0;
    bool twice = false;
    char *out = NULL;

    for (; *at < text.len; (*at)++) {
        if (text.ptr[*at] == '"') {
            if (*at + 1 == text.len || text.ptr[*at + 1] != '"') {
                break;
            }
            twice = true;
            (*at)++;
        }
    }
    if (!twice) {
        return sw_str_make(text.ptr + begin, *at - begin);
    }
    out = sw_arena_alloc(bill->arena, *at - begin);
    for (size_t i = begin; out && i < *at; i++) {
        out[len++] = text.ptr[i];
        i += text.ptr[i] == '"';
    }
    return out ? sw_str_make(out, len) : SW_NULL_STR;
}

/* The next value of the line; *more: another one follows on the line. */
static sw_str next_value(sw_bill *bill, sw_str text, size_t *at, bool *more)
{
    size_t begin = *at;
    sw_str quoted = SW_NULL_STR, plain = SW_NULL_STR;

    if (begin < text.len && text.ptr[begin] == '"') {
        (*at)++;
        quoted = quoted_value(bill, text, at);
        *at += *at < text.len;
        begin = *at;
    }
    while (*at < text.len && text.ptr[*at] != ',' && text.ptr[*at] != '\n') {
        (*at)++;
    }
    plain = sw_str_make(text.ptr + begin, *at - begin);
    *more = *at < text.len && text.ptr[*at] == ',';
    *at += *at < text.len;
    if (plain.len > 0 && plain.ptr[plain.len - 1] == '\r') {
        plain.len--;
    }
    return quoted.ptr ? quoted : plain;
}

static void read_csv(sw_bill *bill, sw_str text)
{
    meaning columns[COLUMNS];
    size_t count = 0, at = 0;

    for (bool more = true; more;) {
        meaning means = meaning_of(next_value(bill, text, &at, &more));
        if (count < COLUMNS) {
            columns[count++] = means;
        }
    }
    while (at < text.len && !bill->arena->failed) {
        row r = {.has_day = false};
        bool more = true;
        for (size_t i = 0; more; i++) {
            sw_str value = next_value(bill, text, &at, &more);
            take_value(bill, &r, i < count ? columns[i] : NOTHING, value);
        }
        keep(bill, &r);
    }
}

sw_status sw_bill_read(sw_bill *bill, sw_str text, sw_error *err)
{
    bool good = true;

    if (text.len >= 3 && memcmp(text.ptr, "\xef\xbb\xbf", 3) == 0) {
        text = sw_str_make(text.ptr + 3, text.len - 3);
    }
    text = sw_str_after_blanks(text);
    if (text.len > 0 && (text.ptr[0] == '{' || text.ptr[0] == '[')) {
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
