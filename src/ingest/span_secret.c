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

/* Many addresses under one name, or some under names of their own, become one JSON text. */
typedef struct cutting {
    sw_json_out json;
    sw_arena *arena;
} cutting;

static bool cut_member(void *arg, sw_str key, const otlp_value *value)
{
    cutting *c = arg;
    bool list = value->kind == OTLP_ARRAY;

    if (key.ptr && span_is_secret(NULL, key)) {
        return true;
    }
    if (key.ptr) {
        sw_json_key(&c->json, key);
    }
    if (list || value->kind == OTLP_MAP) {
        sw_json_open(&c->json, list ? '[' : '{');
        if (otlp_walk(value, c->arena, cut_member, c, NULL) != SW_STATUS_OK) {
            c->arena->failed = true;
        }
        sw_json_close(&c->json, list ? ']' : '}');
    } else if (value->kind == OTLP_STRING) {
        sw_json_str(&c->json, span_cut_address(value->text, c->arena));
    } else {
        otlp_write_json(&c->json, value, c->arena);
    }
    return !c->arena->failed;
}

static void cut_addresses(otlp_value *value, sw_arena *arena)
{
    cutting c = {.arena = arena};
    sw_buf buf;

    sw_buf_init(&buf, arena->from, 0);
    sw_json_out_init(&c.json, &buf, false);
    (void)cut_member(&c, SW_NULL_STR, value);
    *value = (otlp_value){.kind = OTLP_STRING, .text = sw_buf_take(&buf, arena)};
    arena->failed = arena->failed || !value->text.ptr;
}

/* What is asked of an address may be what was said. */
static sw_str without_query(sw_str text)
{
    size_t len = 0;

    while (len < text.len && text.ptr[len] != '?' && text.ptr[len] != '#') {
        len++;
    }
    return sw_str_make(text.ptr, len);
}

bool span_drop(void *arg, sw_str key, otlp_value *value)
{
    const span_keeping *keeping = arg;

    if (span_is_secret(NULL, key) || (keeping->silent && span_is_content(key, value->kind))) {
        return true;
    }
    if (!is_named(key, addresses, SW_COUNT(addresses))) {
        return false;
    }
    if (value->kind == OTLP_STRING) {
        value->text = span_cut_address(value->text, keeping->arena);
        value->text = keeping->silent ? without_query(value->text) : value->text;
    } else if (value->kind == OTLP_ARRAY || value->kind == OTLP_MAP) {
        if (keeping->silent) {
            return true;
        }
        cut_addresses(value, keeping->arena);
    }
    return false;
}
