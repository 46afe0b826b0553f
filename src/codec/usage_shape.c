/* SPDX-License-Identifier: Apache-2.0 */
/* Walks the rows of model/usage_shapes.def over each value of a body. Knows no provider. */
#include "codec/usage_shape.h"

#include "codec/transcript_scan.h"

typedef enum text_field { MODEL, ID, FINISH, ERROR, MESSAGE, TIER, TEXT_FIELDS } text_field;

static const struct {
    const char *word;
    int mode;
} shapes[] = {
#define SW_USAGE_SHAPE(NAME, WORD, MODE, WHOSE) {WORD, USAGE_##MODE},
#include "model/usage_shapes.def"
};

static const struct {
    usage_shape shape;
    const char *holder;
    const char *member;
} told[] = {
#define SW_USAGE_TOLD(NAME, HOLDER, MEMBER) {USAGE_SHAPE_##NAME, HOLDER, MEMBER},
#include "model/usage_shapes.def"
};

typedef struct count_row {
    usage_shape shape;
    size_t count; /* offset in usage_counts */
    const char *path;
    const char *modality; /* SUM; or NULL */
} count_row;

static const count_row counts[] = {
#define SW_USAGE_COUNT(NAME, COUNT, PATH)                                                          \
    {USAGE_SHAPE_##NAME, offsetof(usage_counts, COUNT), PATH, NULL},
#define SW_USAGE_SUM(NAME, COUNT, LIST, MODALITY)                                                  \
    {USAGE_SHAPE_##NAME, offsetof(usage_counts, COUNT), LIST, MODALITY},
#include "model/usage_shapes.def"
};

static const struct {
    text_field field;
    const char *path;
} texts[] = {
#define SW_USAGE_TEXT(FIELD, PATH) {FIELD, PATH},
#include "model/usage_shapes.def"
};

const char *usage_shape_word(usage_shape shape)
{
    return shape < USAGE_SHAPES ? shapes[shape].word : "unknown";
}

/* ---- paths --------------------------------------------------------------------------------------------- */

static sw_str member_of(sw_str value, sw_str name)
{
    scan s = scan_of(value);
    sw_str found = SW_NULL_STR;
    bool first = true;

    scan_blank(&s);
    if (s.at >= s.end || *s.at != '{' || !scan_open(&s, '{')) {
        return SW_NULL_STR;
    }
    while (scan_more(&s, '}', &first)) {
        sw_str key;
        sw_str raw;
        if (!scan_key(&s, &key) || !scan_value(&s, &raw)) {
            break;
        }
        found = sw_str_eq(key, name) ? raw : found;
    }
    return found;
}

static sw_str element_of(sw_str value, int64_t index)
{
    scan s = scan_of(value);
    sw_str raw = SW_NULL_STR;
    bool first = true;

    scan_blank(&s);
    if (s.at >= s.end || *s.at != '[' || !scan_open(&s, '[')) {
        return SW_NULL_STR;
    }
    for (; scan_more(&s, ']', &first); index--) {
        if (!scan_value(&s, &raw)) {
            return SW_NULL_STR;
        }
        if (index == 0) {
            return raw;
        }
    }
    return SW_NULL_STR;
}

sw_str usage_at(sw_str value, const char *path)
{
    while (value.ptr && *path) {
        const char *point = strchr(path, '.');
        sw_str name = sw_str_make(path, point ? (size_t)(point - path) : strlen(path));
        int64_t index = 0;
        value = sw_parse_int(name, &index) ? element_of(value, index) : member_of(value, name);
        path += name.len + (point ? 1 : 0);
    }
    return scan_is(value, "null") ? SW_NULL_STR : value;
}

/* ---- counts -------------------------------------------------------------------------------------------- */

static sw_int *count_at(usage_counts *all, size_t offset)
{
    return (sw_int *)(void *)((char *)all + offset);
}

/* The entries of a list [{"modality":...,"tokenCount":...}] that have this modality, added up. */
static sw_int sum_of(sw_str list, const char *modality)
{
    scan s = scan_of(list);
    sw_int sum = SW_NULL_INT;
    sw_str raw;
    bool first = true;

    if (list.len == 0 || list.ptr[0] != '[' || !scan_open(&s, '[')) {
        return sum;
    }
    while (scan_more(&s, ']', &first) && scan_value(&s, &raw)) {
        sw_str word = usage_at(raw, "modality");
        sw_int count = scan_count(usage_at(raw, "tokenCount"));
        if (word.len == strlen(modality) + 2 &&
            memcmp(word.ptr + 1, modality, strlen(modality)) == 0 && count.known &&
            count.value <= SW_LIMIT_TOKENS && sum.value <= SW_LIMIT_TOKENS) {
            sum = sw_int_of(sum.value + count.value);
        }
    }
    return sum;
}

static void read_counts(usage_shape shape, sw_str holder, usage_counts *out)
{
    *out = (usage_counts){.input = SW_NULL_INT};
    for (size_t i = 0; i < SW_COUNT(counts); i++) {
        const count_row *row = &counts[i];
        sw_int *count = row->shape == shape ? count_at(out, row->count) : NULL;
        if (count && row->modality) {
            sw_int sum = sum_of(usage_at(holder, row->path), row->modality);
            *count = sum.known ? sw_int_of(count->value + sum.value) : *count;
        } else if (count && !count->known) {
            *count = scan_count(usage_at(holder, row->path));
        }
    }
}

/* What is told later counts, member by member. */
static void overlay(usage_counts *under, usage_counts *over)
{
    for (size_t at = 0; at < sizeof *under; at += sizeof(sw_int)) {
        if (count_at(over, at)->known) {
            *count_at(under, at) = *count_at(over, at);
        }
    }
}

static void take_usage(sw_str value, usage_reading *out)
{
    for (size_t i = 0; i < SW_COUNT(told); i++) {
        sw_str holder = usage_at(value, told[i].holder);
        usage_counts found;
        if (!usage_at(holder, told[i].member).ptr) {
            continue;
        }
        read_counts(told[i].shape, holder, &found);
        overlay(&out->counts, &found);
        out->shape = told[i].shape < out->shape ? told[i].shape : out->shape;
        out->mode = shapes[out->shape].mode;
        return;
    }
}

/* ---- words ---------------------------------------------------------------------------------------------- */

static sw_str *field_of(usage_reading *out, text_field field)
{
    sw_str *const fields[TEXT_FIELDS] = {
        [MODEL] = &out->model, [ID] = &out->id,           [FINISH] = &out->finish,
        [ERROR] = &out->error, [MESSAGE] = &out->message, [TIER] = &out->tier};
    return fields[field];
}

/* Names are what was said first; all else is what was said last. */
static void take_texts(sw_str value, sw_arena *arena, usage_reading *out)
{
    bool done[TEXT_FIELDS] = {[MODEL] = out->model.ptr != NULL, [ID] = out->id.ptr != NULL};

    for (size_t i = 0; i < SW_COUNT(texts); i++) {
        sw_str raw = done[texts[i].field] ? SW_NULL_STR : usage_at(value, texts[i].path);
        sw_str text = scan_is_string(raw) && raw.len > 2 ? scan_text(raw, arena) : SW_NULL_STR;
        if (text.len > 0) {
            *field_of(out, texts[i].field) = text;
            done[texts[i].field] = true;
        }
    }
}

/* ---- all ------------------------------------------------------------------------------------------------ */

typedef struct reading {
    sw_arena *arena;
    usage_reading *out;
} reading;

static void take_event(void *arg, sw_str name, sw_str value)
{
    const reading *r = arg;

    (void)name;
    r->out->events++;
    take_usage(value, r->out);
    take_texts(value, r->arena, r->out);
}

void usage_read(sw_str body, sw_arena *arena, usage_reading *out)
{
    reading r = {arena, out};

    *out = (usage_reading){.shape = USAGE_SHAPE_NONE, .mode = USAGE_OPEN};
    out->streamed = usage_body(body, arena, take_event, &r);
}
