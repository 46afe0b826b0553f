/* SPDX-License-Identifier: Apache-2.0 */
/* Settings by their rows: a flag wins over the environment, the environment over the file, the file over
 * the fallback. Knows no setting by name. What it says about a wrong value never repeats the value: it may
 * be a secret in the wrong place.
 */
#include "http/settings.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

typedef enum kind { KIND_FLAG, KIND_COUNT, KIND_TEXT, KIND_WORD } kind;

typedef struct row {
    kind kind;
    const char *name;
    const char *environment;
    const char *fallback;
    size_t offset;
    sw_enum_id words;
    const char *doc;
    bool unflagged;
} setting;

#define SW_SETTING_FLAG(NAME, name, TEXT, ENV, FALLBACK, ARGUMENT, DOC)                            \
    {KIND_FLAG, TEXT, ENV, FALLBACK, offsetof(sw_settings, name), SW_ENUM_none, DOC, false},
#define SW_SETTING_COUNT(NAME, name, TEXT, ENV, FALLBACK, ARGUMENT, DOC)                           \
    {KIND_COUNT, TEXT, ENV, FALLBACK, offsetof(sw_settings, name), SW_ENUM_none, DOC, false},
#define SW_SETTING_TEXT(NAME, name, TEXT, ENV, FALLBACK, ARGUMENT, DOC)                            \
    {KIND_TEXT, TEXT, ENV, FALLBACK, offsetof(sw_settings, name), SW_ENUM_none, DOC, false},
#define SW_SETTING_UNFLAGGED(NAME, name, TEXT, ENV, FALLBACK, ARGUMENT, DOC)                       \
    {KIND_TEXT, TEXT, ENV, FALLBACK, offsetof(sw_settings, name), SW_ENUM_none, DOC, true},
#define SW_SETTING_WORD(NAME, name, TEXT, ENV, FALLBACK, ARGUMENT, DOC)                            \
    {KIND_WORD, TEXT, ENV, FALLBACK, offsetof(sw_settings, name), SW_ENUM_##name, DOC, false},
#define SW_SETTING(KIND, ...) SW_SETTING_##KIND(__VA_ARGS__)
static const setting rows[SW_SETTING_ID_COUNT] = {
#include "model/config.def"
};
#undef SW_SETTING
#undef SW_SETTING_FLAG
#undef SW_SETTING_COUNT
#undef SW_SETTING_TEXT
#undef SW_SETTING_UNFLAGGED
#undef SW_SETTING_WORD

enum { FILE_BYTES = 64 * 1024 };
_Static_assert(SW_SETTING_ID_COUNT <= 64, "each has a bit of sw_settings.asked");

/* ---- one value ---------------------------------------------------------------------------------------- */

static bool read_flag(const char *text, bool *out)
{
    static const char *const yes[] = {"", "1", "true", "yes", "on"};
    static const char *const no[] = {"0", "false", "no", "off"};
    for (size_t i = 0; i < SW_COUNT(yes); i++) {
        if (strcasecmp(text, yes[i]) == 0) {
            *out = true;
            return true;
        }
    }
    for (size_t i = 0; i < SW_COUNT(no); i++) {
        if (strcasecmp(text, no[i]) == 0) {
            *out = false;
            return true;
        }
    }
    return false;
}

/* `from` says where the value was read: "the environment", "line 3 of ...". */
static sw_status set(sw_settings *out, const setting *row, const char *text, const char *from,
                     sw_error *err)
{
    void *member = (char *)out + row->offset;
    int64_t *number = member;
    switch (row->kind) {
    case KIND_FLAG:
        return read_flag(text, member)
                   ? SW_STATUS_OK
                   : sw_fail(err, SW_STATUS_INVALID, row->name, "in %s: is true or false", from);
    case KIND_COUNT:
        return sw_parse_int(sw_str_from(text), number) && *number >= 0
                   ? SW_STATUS_OK
                   : sw_fail(err, SW_STATUS_INVALID, row->name,
                             "in %s: is a whole number of 0 or more", from);
    case KIND_TEXT:
        *(const char **)member = text;
        return SW_STATUS_OK;
    case KIND_WORD:
        *(int *)member = sw_enum_find(row->words, sw_str_from(text));
        return *(int *)member >= 0 ? SW_STATUS_OK
                                   : sw_fail(err, SW_STATUS_INVALID, row->name,
                                             "in %s: is none of the words it may be", from);
    }
    return SW_STATUS_OK;
}

/* ---- the file ------------------------------------------------------------------------------------------- */

typedef struct lines {
    const char *values[SW_SETTING_ID_COUNT]; /* NULL: not in the file */
    int numbers[SW_SETTING_ID_COUNT];
    const char *path;
} lines;

static sw_str trim(sw_str text)
{
    while (text.len > 0 && (text.ptr[0] == ' ' || text.ptr[0] == '\t')) {
        text.ptr++;
        text.len--;
    }
    while (text.len > 0 && strchr(" \t\r", text.ptr[text.len - 1])) {
        text.len--;
    }
    return text;
}

static sw_status unknown_name(const lines *file, int number, sw_str name, sw_error *err)
{
    const char *names[SW_SETTING_ID_COUNT];
    for (size_t i = 0; i < SW_SETTING_ID_COUNT; i++) {
        names[i] = rows[i].name;
    }
    int near = sw_nearest(name, names, SW_SETTING_ID_COUNT);
    return sw_fail(err, SW_STATUS_INVALID, "config",
                   "line %d of %s: no setting has this name%s%s%s", number, file->path,
                   near >= 0 ? "; did you mean " : "", near >= 0 ? names[near] : "",
                   near >= 0 ? "?" : "");
}

static sw_status read_line(lines *file, int number, sw_str line, sw_arena *arena, sw_error *err)
{
    line = trim(line);
    const char *equals = line.len > 0 ? memchr(line.ptr, '=', line.len) : NULL;
    if (line.len == 0 || line.ptr[0] == '#') {
        return SW_STATUS_OK;
    }
    if (!equals) {
        return sw_fail(err, SW_STATUS_INVALID, "config", "line %d of %s is not name = value",
                       number, file->path);
    }
    size_t split = (size_t)(equals - line.ptr);
    sw_str name = trim(sw_str_make(line.ptr, split));
    for (size_t i = 0; i < SW_SETTING_ID_COUNT; i++) {
        if (!sw_str_eq(name, sw_str_from(rows[i].name))) {
            continue;
        }
        if (file->values[i]) {
            return sw_fail(err, SW_STATUS_INVALID, "config", "line %d of %s: %s is set twice",
                           number, file->path, rows[i].name);
        }
        file->numbers[i] = number;
        file->values[i] =
            sw_arena_str(arena, trim(sw_str_make(equals + 1, line.len - split - 1))).ptr;
        return file->values[i] ? SW_STATUS_OK : sw_no_memory(err);
    }
    return unknown_name(file, number, name, err);
}

static sw_status read_lines(lines *file, sw_str text, sw_arena *arena, sw_error *err)
{
    sw_status status = SW_STATUS_OK;
    int number = 1;
    for (size_t from = 0; from < text.len && status == SW_STATUS_OK; number++) {
        const char *end = memchr(text.ptr + from, '\n', text.len - from);
        size_t len = end ? (size_t)(end - text.ptr) - from : text.len - from;
        status = read_line(file, number, sw_str_make(text.ptr + from, len), arena, err);
        from += len + 1;
    }
    return status;
}

static sw_status read_file(lines *file, bool must_exist, sw_arena *arena, sw_error *err)
{
    FILE *in = fopen(file->path, "re");
    char *text = in ? sw_arena_alloc(arena, FILE_BYTES) : NULL;
    if (!in) {
        bool fine = errno == ENOENT && !must_exist;
        return fine ? SW_STATUS_OK
                    : sw_fail(err, SW_STATUS_INVALID, "config", "%s cannot be read: %s", file->path,
                              strerror(errno));
    }
    size_t len = text ? fread(text, 1, FILE_BYTES, in) : 0;
    bool bad = ferror(in) != 0;
    fclose(in);
    if (!text) {
        return sw_no_memory(err);
    }
    if (bad || len == FILE_BYTES || memchr(text, 0, len)) {
        return sw_fail(err, SW_STATUS_INVALID, "config", "%s is no file of settings", file->path);
    }
    return read_lines(file, sw_str_make(text, len), arena, err);
}

static const char *usual_file(sw_arena *arena)
{
    const char *base = getenv("XDG_CONFIG_HOME");
    const char *home = getenv("HOME");
    if (base && base[0] == '/') {
        return sw_arena_printf(arena, "%s/stepwell/stepwell.conf", base).ptr;
    }
    return home && home[0] ? sw_arena_printf(arena, "%s/.config/stepwell/stepwell.conf", home).ptr
                           : NULL;
}

/* ---- all together ------------------------------------------------------------------------------------------ */

static sw_status read_setting(sw_settings *out, sw_setting_id id, const char *flag,
                              const lines *file, sw_error *err)
{
    const setting *row = &rows[id];
    const char *environment = getenv(row->environment);
    char from[600];
    bool asked = flag || (environment && environment[0]) || file->values[id];
    out->asked |= asked ? UINT64_C(1) << id : 0;
    if (flag) {
        return set(out, row, flag, "the command line", err);
    }
    if (environment && environment[0]) {
        snprintf(from, sizeof from, "the environment (%s)", row->environment);
        return set(out, row, environment, from, err);
    }
    if (file->values[id]) {
        snprintf(from, sizeof from, "line %d of %s", file->numbers[id], file->path);
        return set(out, row, file->values[id], from, err);
    }
    return row->fallback ? set(out, row, row->fallback, "the fallback", err) : SW_STATUS_OK;
}

sw_status sw_settings_read(sw_settings *out, sw_flag_given *given, void *arg, const char *path,
                           sw_arena *arena, sw_error *err)
{
    lines file = {.path = path ? path : usual_file(arena)};
    sw_status status = file.path ? read_file(&file, path != NULL, arena, err) : SW_STATUS_OK;
    *out = (sw_settings){0};
    for (size_t i = 0; i < SW_SETTING_ID_COUNT && status == SW_STATUS_OK; i++) {
        sw_setting_id id = (sw_setting_id)i;
        status = read_setting(out, id, given ? given(arg, id) : NULL, &file, err);
    }
    return status;
}

/* ---- telling ------------------------------------------------------------------------------------------------ */

bool sw_setting_show(const sw_settings *settings, sw_setting_id id, sw_setting_shown *out)
{
    const setting *row = &rows[id];
    const void *member = (const char *)settings + row->offset;
    const char *text = "";
    *out = (sw_setting_shown){.name = row->name,
                              .environment = row->environment,
                              .doc = row->doc,
                              .is_fallback = !(settings->asked >> id & 1U)};
    switch (row->kind) {
    case KIND_FLAG:
        text = *(const bool *)member ? "true" : "false";
        break;
    case KIND_COUNT:
        snprintf(out->number, sizeof out->number, "%lld", (long long)*(const int64_t *)member);
        text = NULL;
        break;
    case KIND_TEXT:
        text = *(const char *const *)member ? *(const char *const *)member : "";
        break;
    case KIND_WORD:
        text = sw_enum_word(row->words, *(const int *)member);
        break;
    }
    out->text = text;
    return !row->unflagged;
}
