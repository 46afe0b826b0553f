/* SPDX-License-Identifier: Apache-2.0 */
/* --csv of whatever has --json: the same document, flattened, so that no command writes two forms. Each
 * object of the document's list (or the document itself) is a row, a member of a member is a column
 * `a.b`, a null an empty cell, an array stays JSON. The first row names the columns; RFC 4180.
 */
#include "cli/cli.h"

enum { COLUMNS_MOST = 256, NAME_MOST = 160 };

typedef struct flat {
    sw_arena arena; /* of the whole document: the rows are few */
    sw_str names[COLUMNS_MOST];
    sw_str cells[COLUMNS_MOST];
    size_t count;
    bool named;   /* the header was written: columns no longer come */
    bool goes_on; /* with another row of what is printed row by row */
    sw_buf out;
} flat;

void sw_csv_cell(sw_buf *out, sw_str text)
{
    bool quoted = text.ptr && text.len == 0;
    for (size_t i = 0; i < text.len && !quoted; i++) {
        quoted = strchr(",\"\r\n", text.ptr[i]) != NULL;
    }
    if (!quoted) {
        sw_buf_add(out, text);
        return;
    }
    sw_buf_addc(out, '"');
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] == '"') {
            sw_buf_addc(out, '"');
        }
        sw_buf_addc(out, text.ptr[i]);
    }
    sw_buf_addc(out, '"');
}

static void set_cell(flat *at, sw_str name, sw_str value)
{
    for (size_t i = 0; i < at->count; i++) {
        if (sw_str_eq(at->names[i], name)) {
            at->cells[i] = value;
            return;
        }
    }
    if (!at->named && at->count < COLUMNS_MOST) {
        at->names[at->count] = sw_arena_str(&at->arena, name);
        at->cells[at->count++] = value;
    }
}

/* The current token is the '{' of an object whose members are called prefix + name. */
static bool flatten(flat *at, sw_json *json, const char *prefix)
{
    while (sw_json_next(json) == SW_JSON_KEY) {
        char name[NAME_MOST];
        sw_str raw = SW_NULL_STR;
        snprintf(name, sizeof name, "%s%.*s", prefix, (int)json->text.len, json->text.ptr);
        sw_json_type type = sw_json_next(json);
        sw_str text = json->text;
        if (type == SW_JSON_OBJECT) {
            char inner[NAME_MOST + 1];
            snprintf(inner, sizeof inner, "%s.", name);
            if (!flatten(at, json, inner)) {
                return false;
            }
            continue;
        }
        if (!sw_json_skip(json, &raw)) {
            return false;
        }
        sw_str value = type == SW_JSON_NULL ? SW_NULL_STR : type == SW_JSON_STRING ? text : raw;
        set_cell(at, sw_str_from(name), value);
    }
    return json->type == SW_JSON_OBJECT_END;
}

static void write_line(flat *at, const sw_str *cells)
{
    for (size_t i = 0; i < at->count; i++) {
        if (i > 0) {
            sw_buf_addc(&at->out, ',');
        }
        sw_csv_cell(&at->out, cells[i]);
    }
    sw_buf_adds(&at->out, "\r\n");
}

/* The current token is the '{' of a row. */
static bool add_row(flat *at, sw_json *json)
{
    for (size_t i = 0; i < at->count; i++) {
        at->cells[i] = SW_NULL_STR;
    }
    if (!flatten(at, json, "")) {
        return false;
    }
    if (!at->named && !at->goes_on) {
        write_line(at, at->names);
    }
    at->named = true;
    write_line(at, at->cells);
    return true;
}

/* The current token is the '{' of the document. */
static bool add_list(flat *at, sw_json *json, const char *list)
{
    while (sw_json_next(json) == SW_JSON_KEY) {
        bool this = sw_str_eq(json->text, sw_str_from(list));
        sw_json_type type = sw_json_next(json);
        if (!this || type != SW_JSON_ARRAY) {
            if (!sw_json_skip(json, NULL)) {
                return false;
            }
            continue;
        }
        while (sw_json_next(json) == SW_JSON_OBJECT) {
            if (!add_row(at, json)) {
                return false;
            }
        }
    }
    return json->type == SW_JSON_OBJECT_END;
}

sw_status sw_csv_print(sw_cli *cli, sw_str document, const char *list)
{
    flat *at = sw_alloc_zeroed(&sw__libc_allocator, sizeof *at);
    sw_json json;
    if (!at) {
        return sw_no_memory(&cli->error);
    }
    sw_arena_init(&at->arena, &sw__libc_allocator, 0);
    sw_buf_init(&at->out, &sw__libc_allocator, 0);
    at->goes_on = !list && cli->csv_named;
    sw_json_init(&json, document, &at->arena);
    bool fine = sw_json_next(&json) == SW_JSON_OBJECT &&
                (list ? add_list(at, &json, list) : add_row(at, &json));
    sw_status status = fine && !at->arena.failed ? at->out.status : sw_no_memory(&cli->error);
    cli->csv_named = cli->csv_named || at->named;
    if (status == SW_STATUS_OK && at->out.len > 0) {
        fwrite(at->out.ptr, 1, at->out.len, cli->out);
    }
    sw_buf_fini(&at->out);
    sw_arena_fini(&at->arena);
    sw_free(&sw__libc_allocator, at);
    return status;
}
