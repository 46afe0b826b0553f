/* SPDX-License-Identifier: Apache-2.0 */
/* JSON values without a tree: a value is a piece of a valid text, its members are looked for when they are
 * wanted. Knows no dialect.
 *
 * Senders write JSON with faults that their own libraries take: NaN, halves of surrogate pairs, NUL. A text
 * that does not pass the reader is mended once at those places, because a whole conversation must not be lost
 * for a broken character in it.
 */
#include "ingest/talk.h"

/* More than all attributes of an export can hold; what passes it is a mistake. */
enum { WRITTEN_MOST = 4 * SW_LIMIT_JSON_BYTES };

talk_value talk_text_value(sw_str text)
{
    return text.ptr ? (talk_value){SW_JSON_STRING, text, SW_NULL_STR} : TALK_ABSENT;
}

/* ---- reading ------------------------------------------------------------------------------------ */

/* The value whose first token is the current one; `json` goes to its end. */
static talk_value take(sw_json *json)
{
    talk_value value = {json->type, json->text, SW_NULL_STR};

    if (value.type == SW_JSON_END || !sw_json_skip(json, &value.raw)) {
        return TALK_ABSENT;
    }
    return value;
}

static talk_value parse(talk *t, sw_str text, const char **why, size_t *offset)
{
    sw_json json;
    talk_value value = TALK_ABSENT;

    sw_json_init(&json, text, t->arena);
    (void)sw_json_next(&json);
    value = take(&json);
    if (value.type != SW_JSON_END && sw_json_next(&json) != SW_JSON_END) {
        value = TALK_ABSENT;
    }
    *why = value.type == SW_JSON_END ? json.error : NULL;
    *offset = json.offset;
    return value;
}

static bool begins_with(const char *at, const char *end, const char *word)
{
    size_t len = strlen(word);

    return (size_t)(end - at) >= len && memcmp(at, word, len) == 0;
}

static unsigned hex4(const char *at, const char *end)
{
    unsigned value = 0;

    for (int i = 0; i < 4; i++) {
        char c = at + i < end ? at[i] : 0;
        unsigned digit = c >= '0' && c <= '9'   ? (unsigned)(c - '0')
                         : c >= 'a' && c <= 'f' ? (unsigned)(c - 'a' + 10)
                         : c >= 'A' && c <= 'F' ? (unsigned)(c - 'A' + 10)
                                                : 0x10000u;
        value = digit > 15 ? 0x10000u : value * 16 + digit;
        if (value > 0xffff) {
            return 0x10000u;
        }
    }
    return value;
}

/* An escape at `at`: how many bytes of it stay, or are replaced. */
static size_t mend_escape(const char *at, const char *end, sw_buf *out)
{
    unsigned unit = begins_with(at, end, "\\u") ? hex4(at + 2, end) : 0x10000u;
    unsigned next = begins_with(at + 6 < end ? at + 6 : end, end, "\\u") ? hex4(at + 8, end) : 0;

    if (unit > 0xffff) {
        size_t len = at + 1 < end ? 2 : 1;
        sw_buf_add(out, sw_str_make(at, len));
        return len;
    }
    if (unit == 0) {
        return 6;
    }
    if (unit >= 0xd800 && unit <= 0xdbff && next >= 0xdc00 && next <= 0xdfff) {
        sw_buf_add(out, sw_str_make(at, 12));
        return 12;
    }
    sw_buf_add(out, unit >= 0xd800 && unit <= 0xdfff ? SW_STR("\\ufffd") : sw_str_make(at, 6));
    return 6;
}

/* Inside a string: raw control characters are escaped, NUL is left out, everything else stays. */
static size_t mend_inside(const char *at, const char *end, sw_buf *out)
{
    unsigned char c = (unsigned char)*at;

    if (c == '\\') {
        return mend_escape(at, end, out);
    }
    if (c == 0) {
        return 1;
    }
    if (c < ' ') {
        sw_buf_addf(out, "\\u%04x", c);
        return 1;
    }
    sw_buf_addc(out, (char)c);
    return 1;
}

static size_t mend_outside(const char *at, const char *end, sw_buf *out)
{
    static const struct {
        const char *word, *text;
    } rows[] = {{"-Infinity", "\"-Infinity\""},
                {"Infinity", "\"Infinity\""},
                {"NaN", "\"NaN\""},
                {"undefined", "null"}};

    for (size_t i = 0; i < SW_COUNT(rows); i++) {
        if (begins_with(at, end, rows[i].word)) {
            sw_buf_adds(out, rows[i].text);
            return strlen(rows[i].word);
        }
    }
    sw_buf_addc(out, *at);
    return 1;
}

static sw_str mended(talk *t, sw_str text)
{
    talk_writer w;
    const char *end = text.ptr + text.len;
    bool inside = false;

    talk_write_begin(&w, t);
    for (const char *at = text.ptr; at < end;) {
        if (*at == '"') {
            inside = !inside;
            sw_buf_addc(&w.buf, *at++);
        } else {
            at += inside ? mend_inside(at, end, &w.buf) : mend_outside(at, end, &w.buf);
        }
    }
    return talk_write_end(&w, t);
}

talk_value talk_parse(talk *t, sw_str text)
{
    const char *why = NULL;
    size_t offset = 0;
    talk_value value = TALK_ABSENT;

    if (!text.ptr || text.len == 0) {
        return value;
    }
    value = parse(t, text, &why, &offset);
    if (value.type == SW_JSON_END && !t->arena->failed) {
        sw_str again = mended(t, text);
        value = again.ptr ? parse(t, again, &why, &offset) : value;
        if (value.type == SW_JSON_END && again.ptr && offset + 1 >= again.len) {
            t->cut = t->cut || *text.ptr == '{' || *text.ptr == '[';
        }
    }
    return value;
}

talk_value talk_native(talk *t, const otlp_value *value)
{
    talk_writer w;
    sw_str json = SW_NULL_STR;

    if (!value || value->kind == OTLP_NULL) {
        return TALK_ABSENT;
    }
    if (value->kind == OTLP_STRING) {
        return talk_text_value(value->text.ptr ? value->text : SW_STR(""));
    }
    talk_write_begin(&w, t);
    otlp_write_json(&w.out, value, t->arena);
    json = talk_write_end(&w, t);
    return json.ptr ? talk_parse(t, json) : TALK_ABSENT;
}

/* Blanks may stand before. */
static bool may_be_json(sw_str text)
{
    size_t i = 0;

    while (i < text.len && memchr(" \t\r\n", text.ptr[i], 4)) {
        i++;
    }
    return i < text.len && memchr("{[\"", text.ptr[i], 3);
}

talk_value talk_open(talk *t, talk_value value)
{
    for (int i = 0; i < 2 && value.type == SW_JSON_STRING && may_be_json(value.text); i++) {
        talk_value inner = talk_parse(t, value.text);
        if (inner.type == SW_JSON_END) {
            return value;
        }
        value = inner;
    }
    return value;
}

/* ---- members and elements ------------------------------------------------------------------------ */

bool talk_walk_begin_object(talk_walk *w, talk *t, talk_value object)
{
    memset(w, 0, sizeof *w);
    if (object.type != SW_JSON_OBJECT) {
        return false;
    }
    sw_json_init(&w->json, object.raw, t->arena);
    w->json.known = true; /* it was read once */
    return sw_json_next(&w->json) == SW_JSON_OBJECT;
}

/* A text with an escape in it is not read yet. */
static bool pass_member(talk_walk *w)
{
    sw_arena *arena = w->json.arena;

    if (sw_json_next(&w->json) != SW_JSON_KEY) {
        return false;
    }
    w->key = w->json.text;
    w->json.arena = NULL;
    (void)sw_json_next(&w->json);
    w->value = take(&w->json);
    w->json.arena = arena;
    return w->value.type != SW_JSON_END;
}

static bool read_member(talk_walk *w)
{
    sw_json json;

    if (w->value.type == SW_JSON_STRING && !w->value.text.ptr) {
        sw_json_init(&json, w->value.raw, w->json.arena);
        json.known = true;
        w->value = sw_json_next(&json) == SW_JSON_STRING
                       ? (talk_value){SW_JSON_STRING, json.text, w->value.raw}
                       : TALK_ABSENT;
    }
    return w->value.type != SW_JSON_END;
}

bool talk_walk_next_member(talk_walk *w)
{
    return pass_member(w) && read_member(w);
}

void talk_members(talk *t, talk_value object, const talk_name *names, size_t count,
                  talk_value *found, size_t slots)
{
    talk_walk w;

    for (size_t i = 0; i < slots; i++) {
        found[i] = TALK_ABSENT;
    }
    if (!talk_walk_begin_object(&w, t, object)) {
        return;
    }
    while (pass_member(&w)) {
        for (size_t i = 0; i < count; i++) {
            if (w.value.type > SW_JSON_NULL && sw_str_eq(w.key, sw_str_from(names[i].name))) {
                sw_assert(names[i].slot < slots);
                if (!read_member(&w)) {
                    return;
                }
                found[names[i].slot] = w.value;
                break;
            }
        }
    }
}

talk_value talk_member(talk *t, talk_value object, const char *name)
{
    const talk_name names[] = {{name, 0}};
    talk_value found = TALK_ABSENT;

    talk_members(t, object, names, 1, &found, 1);
    return found;
}

bool talk_walk_begin(talk_walk *w, talk *t, talk_value array)
{
    memset(w, 0, sizeof *w);
    if (array.type != SW_JSON_ARRAY) {
        return false;
    }
    sw_json_init(&w->json, array.raw, t->arena);
    w->json.known = true;
    return sw_json_next(&w->json) == SW_JSON_ARRAY;
}

bool talk_walk_next(talk_walk *w)
{
    sw_json_type type = sw_json_next(&w->json);

    if (type == SW_JSON_ARRAY_END || type == SW_JSON_END || type == SW_JSON_ERROR) {
        return false;
    }
    w->value = take(&w->json);
    return w->value.type != SW_JSON_END;
}

/* ---- writing -------------------------------------------------------------------------------------- */

void talk_write_begin(talk_writer *w, talk *t)
{
    sw_buf_init(&w->buf, t->arena->from, WRITTEN_MOST);
    sw_json_out_init(&w->out, &w->buf, false);
}

void talk_write_pair(talk_writer *w, const char *key, sw_str text)
{
    if (text.ptr) {
        sw_json_key(&w->out, sw_str_from(key));
        sw_json_str(&w->out, text);
    }
}

sw_str talk_write_end(talk_writer *w, talk *t)
{
    sw_str written = SW_NULL_STR;

    if (w->buf.status == SW_STATUS_OK) {
        written = sw_arena_str(t->arena, w->buf.len ? sw_buf_str(&w->buf) : SW_STR(""));
    } else if (w->buf.status == SW_STATUS_TOO_LARGE) {
        t->cut = true;
    } else {
        t->arena->failed = true;
    }
    sw_buf_fini(&w->buf);
    return written;
}

sw_str talk_json(talk *t, talk_value value)
{
    talk_writer w;

    if (value.type == SW_JSON_END) {
        return SW_NULL_STR;
    }
    talk_write_begin(&w, t);
    if (value.type == SW_JSON_STRING) {
        sw_json_str(&w.out, value.text);
    } else {
        sw_json_minify(value.raw, &w.buf);
    }
    return talk_write_end(&w, t);
}

sw_str talk_said(talk *t, talk_value value)
{
    return value.type == SW_JSON_STRING ? value.text : talk_json(t, value);
}
