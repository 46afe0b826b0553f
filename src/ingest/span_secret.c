/* SPDX-License-Identifier: Apache-2.0 */
/* What is never stored, by the rows of model/secrets.def: attributes that may hold a secret, of which only the name is
 * looked at, and in addresses the parts that let somebody in. Any other text stays as it is.
 *
 * An address is walked once. Behind its start and each of ? # & ; a parameter may begin, up to its '='; what it holds
 * goes on to the next of them. So it does not matter whether it is a whole address, a query or a connection string.
 */
#include "ingest/span_internal.h"

static const sw_str secrets[] = {
#define SW_SECRET(NAME, REASON) {NAME, sizeof(NAME) - 1},
#include "model/secrets.def"
};

static const sw_str addresses[] = {
#define SW_SECRET_ADDRESS(NAME, DOC) {NAME, sizeof(NAME) - 1},
#include "model/secrets.def"
};

static const sw_str parameters[] = {
#define SW_SECRET_PARAMETER(NAME, REASON) {NAME, sizeof(NAME) - 1},
#include "model/secrets.def"
};

static const sw_str cut = {"REDACTED", 8};

/* The whole name, or what stands behind a point. */
static bool is_named(sw_str key, const sw_str *names, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        size_t before = key.len > names[i].len ? key.len - names[i].len : 0;
        if (key.len >= names[i].len && (before == 0 || key.ptr[before - 1] == '.') &&
            span_starts(sw_str_make(key.ptr + before, names[i].len), names[i].ptr)) {
            return true;
        }
    }
    return false;
}

bool span_is_secret(void *unused, sw_str key)
{
    (void)unused;
    return is_named(key, secrets, SW_COUNT(secrets));
}

/* ---- addresses ------------------------------------------------------------------------------------------- */

static bool ends_value(char c)
{
    return c == '?' || c == '#' || c == '&' || c == ';' || c == ' ';
}

/* The length of what stands before the host, up to its '@'; 0: nothing does. */
static size_t login_length(sw_str text)
{
    size_t at = 0;
    size_t end = 0;

    while (end < text.len && !strchr("/?# ", text.ptr[end])) {
        at = text.ptr[end] == '@' ? end : at;
        end++;
    }
    return at;
}

static bool is_secret_parameter(sw_str name)
{
    for (size_t i = 0; i < SW_COUNT(parameters); i++) {
        if (name.len == parameters[i].len && span_starts(name, parameters[i].ptr)) {
            return true;
        }
    }
    return false;
}

/* How much of the text at `from` is cut; `name` is where the parameter began that may end here. */
static size_t cut_length(sw_str text, size_t name, size_t from)
{
    sw_str rest = sw_str_make(text.ptr + from, text.len - from);
    size_t end = 0;

    if (from >= 3 && memcmp(rest.ptr - 3, "://", 3) == 0) {
        return login_length(rest);
    }
    if (from == name || text.ptr[from - 1] != '=' ||
        !is_secret_parameter(sw_str_make(text.ptr + name, from - 1 - name))) {
        return 0;
    }
    while (end < rest.len && !ends_value(rest.ptr[end])) {
        end++;
    }
    return end;
}

sw_str span_cut_address(sw_str text, sw_arena *arena)
{
    sw_buf out;
    size_t name = 0;
    size_t done = 0;

    sw_buf_init(&out, arena->from, 0);
    for (size_t i = 0; i < text.len; i++) {
        size_t length = cut_length(text, name, i);
        if (length > 0) {
            sw_buf_add(&out, sw_str_make(text.ptr + done, i - done));
            sw_buf_add(&out, cut);
            done = i + length;
            i = done - 1;
        } else if (ends_value(text.ptr[i])) {
            name = i + 1;
        }
    }
    if (done > 0) {
        sw_buf_add(&out, sw_str_make(text.ptr + done, text.len - done));
        text = out.status == SW_STATUS_OK ? sw_arena_str(arena, sw_buf_str(&out)) : SW_NULL_STR;
        arena->failed = arena->failed || !text.ptr;
    }
    sw_buf_fini(&out);
    return text;
}

/* ---- content ---------------------------------------------------------------------------------------------- */

enum { SIDE_SYSTEM, SIDE_INPUT, SIDE_OUTPUT, SIDE_TOOLS, SIDE_PARAMETERS };

static const struct {
    int side;
    sw_str key;
} talks[] = {
#define SW_TALK(SIDE, KEY, SHAPE, DIALECT, DOC) {SIDE_##SIDE, {KEY, sizeof(KEY) - 1}},
#include "model/talks.def"
#undef SW_TALK
};

static const sw_str contents[] = {
#define SW_CONTENT(NAME, WHOSE) {NAME, sizeof(NAME) - 1},
#include "model/contents.def"
#undef SW_CONTENT
};

static bool ends_so(sw_str key, sw_str end)
{
    return key.len >= end.len && memcmp(key.ptr + key.len - end.len, end.ptr, end.len) == 0;
}

/* Of messages that were flattened into attributes why they ended is no content. */
static bool is_talk(sw_str key)
{
    for (size_t i = 0; i < SW_COUNT(talks); i++) {
        sw_str row = talks[i].key;
        if (talks[i].side != SIDE_PARAMETERS && key.len >= row.len &&
            memcmp(key.ptr, row.ptr, row.len) == 0 &&
            (key.len == row.len ||
             (key.ptr[row.len] == '.' && !ends_so(key, SW_STR(".finish_reason"))))) {
            return true;
        }
    }
    return false;
}

bool span_is_content(sw_str key)
{
    for (size_t i = 0; i < SW_COUNT(contents); i++) {
        if (sw_str_eq(key, contents[i])) {
            return true;
        }
    }
    return is_talk(key);
}

bool span_drop(void *arg, sw_str key, otlp_value *value)
{
    const span_keeping *keeping = arg;

    if (span_is_secret(NULL, key) || (keeping->silent && span_is_content(key))) {
        return true;
    }
    if (value->kind == OTLP_STRING && is_named(key, addresses, SW_COUNT(addresses))) {
        value->text = span_cut_address(value->text, keeping->arena);
    }
    return false;
}
