/* SPDX-License-Identifier: Apache-2.0 */
/* See import_wire.h. Members that are not known are passed over, so that either side may be the newer one; so is a list
 * that is given a second time, which takes no more memory then. */
#include "codec/import_wire.h"

#include <stddef.h>

typedef struct number {
    const char *name;
    size_t offset;
} number;

/* The numbers of a file that everybody tells. */
static const number numbers[] = {{"size", offsetof(import_seen, size)},
                                 {"mtime_ns", offsetof(import_seen, mtime_ns)},
                                 {"device", offsetof(import_seen, device)},
                                 {"inode", offsetof(import_seen, inode)}};

static const number counts[] = {
#define SW_IMPORT_COUNT(name, WORDS, ONE, DOC) {#name, offsetof(import_result, name)},
#include "model/import_counts.def"
#undef SW_IMPORT_COUNT
};

static int64_t *at(void *of, const number *which)
{
    return (int64_t *)(void *)((char *)of + which->offset);
}

static int64_t value_of(const void *of, const number *which)
{
    return *(const int64_t *)(const void *)((const char *)of + which->offset);
}

/* ---- writing ------------------------------------------------------------------------------------------- */

static void write_int(sw_json_out *out, const char *name, int64_t value)
{
    sw_json_key(out, sw_str_from(name));
    sw_json_int(out, value);
}

void import_write_seen(sw_json_out *out, const import_seen *file, bool sent)
{
    sw_json_open(out, '{');
    sw_json_key(out, SW_STR("path"));
    sw_json_str(out, file->path);
    for (size_t i = 0; i < SW_COUNT(numbers); i++) {
        write_int(out, numbers[i].name, value_of(file, &numbers[i]));
    }
    if (sent) {
        write_int(out, "bytes", file->bytes);
        sw_json_key(out, SW_STR("again"));
        sw_json_bool(out, file->again);
    }
    sw_json_close(out, '}');
}

void import_write_question(sw_json_out *out, const import_question *question)
{
    sw_json_open(out, '{');
    sw_json_key(out, SW_STR("machine"));
    sw_json_str(out, question->machine);
    sw_json_key(out, SW_STR("files"));
    sw_json_open(out, '[');
    for (size_t i = 0; i < question->file_count; i++) {
        import_write_seen(out, &question->files[i], false);
    }
    sw_json_close(out, ']');
    sw_json_key(out, SW_STR("units"));
    sw_json_open(out, '[');
    for (size_t i = 0; i < question->unit_count; i++) {
        char hex[2 * IMPORT_DIGEST];
        sw_hex_print((const uint8_t *)question->units[i], IMPORT_DIGEST, hex);
        sw_json_str(out, sw_str_make(hex, sizeof hex));
    }
    sw_json_close(out, ']');
    sw_json_close(out, '}');
}

void import_write_result(sw_json_out *out, const import_result *result)
{
    for (size_t i = 0; i < SW_COUNT(counts); i++) {
        write_int(out, counts[i].name, value_of(result, &counts[i]));
    }
    sw_json_key(out, SW_STR("formats"));
    sw_json_open(out, '{');
    for (int i = 0; i < IMPORT_FORMATS; i++) {
        if (result->of_format[i] > 0) {
            write_int(out, import_format_word((import_format)i), result->of_format[i]);
        }
    }
    sw_json_close(out, '}');
}

void import_write_trouble(sw_json_out *out, const import_trouble *trouble)
{
    sw_json_open(out, '{');
    sw_json_key(out, SW_STR("path"));
    sw_json_str(out, trouble->path);
    write_int(out, "line", trouble->line);
    sw_json_key(out, SW_STR("why"));
    sw_json_str(out, trouble->why);
    sw_json_close(out, '}');
}

/* ---- reading: what is asked and sent --------------------------------------------------------------------- */

static sw_status no_json(const sw_json *json, sw_error *err)
{
    return sw_fail(err, SW_STATUS_INVALID, "", "is not valid JSON: %s (at byte %zu)",
                   json->error ? json->error : "it ends", json->offset);
}

/* The current token is the value of a number that is not negative. */
static bool is_count(const sw_json *json)
{
    return json->type == SW_JSON_NUMBER && json->is_integer && json->integer >= 0;
}

static bool read_number(sw_json *json, sw_str name, import_seen *out, uint32_t *seen)
{
    for (size_t i = 0; i < SW_COUNT(numbers); i++) {
        if (sw_str_eq(name, sw_str_from(numbers[i].name)) && json->type == SW_JSON_NUMBER &&
            json->is_integer) {
            *at(out, &numbers[i]) = json->integer;
            *seen |= 1U << i;
            return true;
        }
    }
    return false;
}

enum { PATH_SEEN = 1U << 8, BYTES_SEEN = 1U << 9 };

/* What the members did not say. */
static sw_status is_whole(const import_seen *file, uint32_t seen, bool sent, sw_error *err)
{
    for (size_t i = 0; i < SW_COUNT(numbers); i++) {
        if (!(seen >> i & 1U)) {
            return sw_fail(err, SW_STATUS_INVALID, numbers[i].name, "a file needs this number");
        }
    }
    if (!(seen & PATH_SEEN) || file->path.len == 0 || file->path.len > SW_LIMIT_TEXT_BYTES) {
        return sw_fail(err, SW_STATUS_INVALID, "path", "a file needs a path of at most %d bytes",
                       SW_LIMIT_TEXT_BYTES);
    }
    if (sent && !(seen & BYTES_SEEN)) {
        return sw_fail(err, SW_STATUS_INVALID, "bytes",
                       "a file that is sent needs the number of bytes that follow");
    }
    return SW_STATUS_OK;
}

/* The current token is '{'. */
static sw_status read_seen(sw_json *json, bool sent, import_seen *out, sw_error *err)
{
    uint32_t seen = 0;

    *out = (import_seen){.size = 0};
    while (sw_json_next(json) == SW_JSON_KEY) {
        sw_str name = json->text;
        sw_json_type type = sw_json_next(json);
        if (read_number(json, name, out, &seen)) {
            continue;
        }
        if (type == SW_JSON_STRING && sw_str_eq(name, SW_STR("path"))) {
            out->path = json->text;
            seen |= PATH_SEEN;
        } else if (sent && is_count(json) && sw_str_eq(name, SW_STR("bytes"))) {
            out->bytes = json->integer;
            seen |= BYTES_SEEN;
        } else if (sent && type == SW_JSON_TRUE && sw_str_eq(name, SW_STR("again"))) {
            out->again = true;
        } else if (!sw_json_skip(json, NULL)) {
            break;
        }
    }
    return json->type == SW_JSON_OBJECT_END ? is_whole(out, seen, sent, err) : no_json(json, err);
}

/* What began well goes on, and ends, as JSON; memory is the arena's to tell. */
static sw_status ended(const sw_json *json, sw_arena *arena, sw_status status, sw_error *err)
{
    return arena->failed                                         ? sw_no_memory(err)
           : status != SW_STATUS_OK || json->type == SW_JSON_END ? status
                                                                 : no_json(json, err);
}

sw_status import_read_line(sw_str line, sw_arena *arena, import_seen *out, sw_error *err)
{
    sw_json json;
    sw_status status = SW_STATUS_OK;

    sw_json_init(&json, line, arena);
    status = sw_json_next(&json) == SW_JSON_OBJECT
                 ? read_seen(&json, true, out, err)
                 : sw_fail(err, SW_STATUS_INVALID, "",
                           "a file begins with a line of JSON that says its path and bytes");
    if (status == SW_STATUS_OK) {
        (void)sw_json_next(&json);
    }
    return ended(&json, arena, status, err);
}

/* The current token is '['. */
static sw_status read_files(sw_json *json, import_question *out, sw_error *err)
{
    size_t room = 0;
    import_seen *files = NULL;
    sw_status status = SW_STATUS_OK;

    while (status == SW_STATUS_OK && sw_json_next(json) == SW_JSON_OBJECT) {
        if (out->file_count == IMPORT_ASK_FILES) {
            return sw_fail(err, SW_STATUS_TOO_LARGE, "files", "at most %d at a time",
                           IMPORT_ASK_FILES);
        }
        files = sw_arena_grow(json->arena, files, out->file_count, &room, sizeof *files);
        if (!files) {
            return sw_no_memory(err);
        }
        status = read_seen(json, false, &files[out->file_count++], err);
        out->files = files;
    }
    if (status != SW_STATUS_OK || json->type == SW_JSON_ARRAY_END) {
        return status;
    }
    return json->type == SW_JSON_ERROR
               ? no_json(json, err)
               : sw_fail(err, SW_STATUS_INVALID, "files", "is a list of objects");
}

static sw_status read_units(sw_json *json, import_question *out, sw_error *err)
{
    out->units = sw_arena_alloc(json->arena, sizeof(char[IMPORT_ASK_UNITS][IMPORT_DIGEST]));
    while (out->units && sw_json_next(json) == SW_JSON_STRING) {
        if (out->unit_count == IMPORT_ASK_UNITS) {
            return sw_fail(err, SW_STATUS_TOO_LARGE, "units", "at most %d at a time",
                           IMPORT_ASK_UNITS);
        }
        if (!sw_hex_parse(json->text, (uint8_t *)out->units[out->unit_count++], IMPORT_DIGEST)) {
            return sw_fail(err, SW_STATUS_INVALID, "units", "a unit is 32 hex digits");
        }
    }
    return !out->units ? sw_no_memory(err)
           : json->type == SW_JSON_ARRAY_END
               ? SW_STATUS_OK
               : sw_fail(err, SW_STATUS_INVALID, "units", "is a list of 32 hex digits each");
}

sw_status import_read_question(sw_str body, sw_arena *arena, import_question *out, sw_error *err)
{
    sw_json json;
    sw_status status = SW_STATUS_OK;

    *out = (import_question){.machine = SW_NULL_STR};
    sw_json_init(&json, body, arena);
    if (sw_json_next(&json) != SW_JSON_OBJECT) {
        return json.type == SW_JSON_ERROR
                   ? no_json(&json, err)
                   : sw_fail(err, SW_STATUS_INVALID, "", "is an object of machine, files, units");
    }
    while (status == SW_STATUS_OK && sw_json_next(&json) == SW_JSON_KEY) {
        sw_str name = json.text;
        sw_json_type type = sw_json_next(&json);
        if (type == SW_JSON_STRING && sw_str_eq(name, SW_STR("machine"))) {
            out->machine = json.text;
        } else if (!out->files && type == SW_JSON_ARRAY && sw_str_eq(name, SW_STR("files"))) {
            status = read_files(&json, out, err);
        } else if (!out->units && type == SW_JSON_ARRAY && sw_str_eq(name, SW_STR("units"))) {
            status = read_units(&json, out, err);
        } else if (!sw_json_skip(&json, NULL)) {
            break;
        }
    }
    if (status == SW_STATUS_OK && json.type == SW_JSON_OBJECT_END) {
        (void)sw_json_next(&json);
    }
    status = ended(&json, arena, status, err);
    return status == SW_STATUS_OK && (out->machine.len == 0 || out->machine.len > SW_LIMIT_ID_BYTES)
               ? sw_fail(err, SW_STATUS_INVALID, "machine", "names the sender, in at most %d bytes",
                         SW_LIMIT_ID_BYTES)
               : status;
}

/* ---- reading: what is answered ----------------------------------------------------------------------------- */

/* The current token is '['; so it is of each unit's list within. */
static bool read_siblings(sw_json *json, void (*sibling)(void *arg, int64_t unit, sw_str path),
                          void *arg)
{
    for (int64_t unit = 0; sw_json_next(json) == SW_JSON_ARRAY; unit++) {
        while (sw_json_next(json) == SW_JSON_STRING) {
            sibling(arg, unit, json->text);
        }
        if (json->type != SW_JSON_ARRAY_END) {
            return false;
        }
    }
    return json->type == SW_JSON_ARRAY_END;
}

bool import_read_plan(sw_str body, sw_arena *arena, void (*same)(void *arg, int64_t file),
                      void (*sibling)(void *arg, int64_t unit, sw_str path), void *arg)
{
    sw_json json;
    bool fine = true;

    sw_json_init(&json, body, arena);
    fine = sw_json_next(&json) == SW_JSON_OBJECT;
    while (fine && sw_json_next(&json) == SW_JSON_KEY) {
        sw_str name = json.text;
        bool list = sw_json_next(&json) == SW_JSON_ARRAY;
        if (list && sw_str_eq(name, SW_STR("unchanged"))) {
            while (sw_json_next(&json) == SW_JSON_NUMBER && is_count(&json)) {
                same(arg, json.integer);
            }
            fine = json.type == SW_JSON_ARRAY_END;
        } else if (list && sw_str_eq(name, SW_STR("siblings"))) {
            fine = read_siblings(&json, sibling, arg);
        } else {
            fine = sw_json_skip(&json, NULL);
        }
    }
    return fine && json.type == SW_JSON_OBJECT_END && !arena->failed;
}

/* Nothing of what is counted is as many; sums of it stay within their numbers. */
static bool is_result(const sw_json *json)
{
    return is_count(json) && json->integer <= INT64_C(1) << 53;
}

/* The current token is '{'. */
static bool read_formats(sw_json *json, import_result *result)
{
    while (sw_json_next(json) == SW_JSON_KEY) {
        sw_str name = json->text;
        bool counted = sw_json_next(json) == SW_JSON_NUMBER && is_result(json);
        for (int i = 0; counted && i < IMPORT_FORMATS; i++) {
            if (sw_str_eq(name, sw_str_from(import_format_word((import_format)i)))) {
                result->of_format[i] = json->integer;
            }
        }
        if (!sw_json_skip(json, NULL)) {
            return false;
        }
    }
    return json->type == SW_JSON_OBJECT_END;
}

static bool read_one_trouble(sw_json *json, import_trouble *out)
{
    *out = (import_trouble){.line = 0};
    while (sw_json_next(json) == SW_JSON_KEY) {
        sw_str name = json->text;
        sw_json_type type = sw_json_next(json);
        if (type == SW_JSON_STRING && sw_str_eq(name, SW_STR("path"))) {
            out->path = json->text;
        } else if (type == SW_JSON_STRING && sw_str_eq(name, SW_STR("why"))) {
            out->why = json->text;
        } else if (is_count(json) && sw_str_eq(name, SW_STR("line"))) {
            out->line = json->integer;
        } else if (!sw_json_skip(json, NULL)) {
            return false;
        }
    }
    return json->type == SW_JSON_OBJECT_END && out->path.ptr && out->why.ptr;
}

static bool take_count(sw_json *json, sw_str name, import_result *result)
{
    for (size_t i = 0; i < SW_COUNT(counts); i++) {
        if (is_result(json) && sw_str_eq(name, sw_str_from(counts[i].name))) {
            *at(result, &counts[i]) = json->integer;
            return true;
        }
    }
    return false;
}

bool import_read_result(sw_str body, sw_arena *arena, import_result *result,
                        void (*trouble)(void *arg, const import_trouble *one), void *arg,
                        int64_t *untold)
{
    sw_json json;
    bool fine = true;

    *untold = 0;
    sw_json_init(&json, body, arena);
    fine = sw_json_next(&json) == SW_JSON_OBJECT;
    while (fine && sw_json_next(&json) == SW_JSON_KEY) {
        sw_str name = json.text;
        sw_json_type type = sw_json_next(&json);
        if (type == SW_JSON_OBJECT && sw_str_eq(name, SW_STR("formats"))) {
            fine = read_formats(&json, result);
        } else if (type == SW_JSON_ARRAY && sw_str_eq(name, SW_STR("trouble"))) {
            import_trouble one;
            while (fine && sw_json_next(&json) == SW_JSON_OBJECT) {
                fine = read_one_trouble(&json, &one);
                if (fine) {
                    trouble(arg, &one);
                }
            }
            fine = fine && json.type == SW_JSON_ARRAY_END;
        } else if (is_result(&json) && sw_str_eq(name, SW_STR("untold"))) {
            *untold = json.integer;
        } else if (!take_count(&json, name, result)) {
            fine = sw_json_skip(&json, NULL);
        }
    }
    return fine && json.type == SW_JSON_OBJECT_END && !arena->failed;
}
