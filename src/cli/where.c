/* SPDX-License-Identifier: Apache-2.0 */
/* Where an invocation reads and writes: a ledger or a server. Four places can say so, and the first that
 * does is asked alone: the options, the profile that was named, the environment, the profile called
 * `default`. A key goes only to the server that it stands beside (or to one that an option names), so
 * that no key of one server is shown to another. Knows the rows of model/profile.def, and no network.
 */
#include "cli/where.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>

typedef struct where_row {
    const char *name;
    sw_option_id option;
    const char *environment;
} where_row;

static const where_row rows[SW_PROFILE_COUNT] = {
#define SW_PROFILE(NAME, TEXT, OPTION, ENV, DOC) {TEXT, SW_OPTION_##OPTION, ENV},
#include "model/profile.def"
#undef SW_PROFILE
};

enum { FILE_BYTES = 64 * 1024 };

/* ---- the file of profiles -------------------------------------------------------------------- */

sw_str sw_profiles_path(sw_cli *cli)
{
    const char *base = getenv("XDG_CONFIG_HOME");
    const char *home = getenv("HOME");
    if (base && base[0] == '/') {
        return sw_arena_printf(&cli->arena, "%s/stepwell/profiles.conf", base);
    }
    return sw_arena_printf(&cli->arena, "%s/.config/stepwell/profiles.conf", home ? home : "");
}

static sw_str trim(sw_str text)
{
    while (text.len > 0 && strchr(" \t\r", text.ptr[0])) {
        text = sw_str_make(text.ptr + 1, text.len - 1);
    }
    while (text.len > 0 && strchr(" \t\r", text.ptr[text.len - 1])) {
        text.len--;
    }
    return text;
}

/* A file with keys in it is its owner's alone, or nobody's. */
static sw_status check_mode(sw_cli *cli, FILE *file, const char *path)
{
    struct stat info;
    if (fstat(fileno(file), &info) == 0 && (info.st_mode & 077) == 0) {
        return SW_STATUS_OK;
    }
    return sw_fail(&cli->error, SW_STATUS_INVALID, "",
                   "%s holds keys and others may read it; write chmod 600 %s", path, path);
}

static sw_status read_file(sw_cli *cli, sw_str *out)
{
    sw_str path = sw_profiles_path(cli);
    FILE *file = path.ptr ? fopen(path.ptr, "re") : NULL;
    *out = SW_STR("");
    if (!file) {
        return errno == ENOENT ? SW_STATUS_OK
                               : sw_fail(&cli->error, SW_STATUS_IO, "", "%s cannot be read: %s",
                                         sw_text_or_blank(path), strerror(errno));
    }
    char *text = sw_arena_zeroed(&cli->arena, FILE_BYTES + 1);
    size_t size = text ? fread(text, 1, FILE_BYTES, file) : 0;
    sw_status status = text ? check_mode(cli, file, path.ptr) : sw_no_memory(&cli->error);
    if (status == SW_STATUS_OK && size == FILE_BYTES) {
        status = sw_fail(&cli->error, SW_STATUS_TOO_LARGE, "", "%s is longer than %d bytes",
                         path.ptr, FILE_BYTES);
    }
    (void)fclose(file);
    *out = sw_str_make(text, size);
    return status;
}

static sw_status bad_line(sw_cli *cli, int line, const char *why)
{
    return sw_fail(&cli->error, SW_STATUS_INVALID, "", "line %d of %s %s", line,
                   sw_text_or_blank(sw_profiles_path(cli)), why);
}

static sw_status set_value(sw_cli *cli, sw_profile *profile, int line, sw_str name, sw_str value)
{
    const char *names[SW_PROFILE_COUNT];
    for (size_t i = 0; i < SW_PROFILE_COUNT; i++) {
        names[i] = rows[i].name;
        if (sw_str_eq(name, sw_str_from(rows[i].name))) {
            profile->values[i] = sw_arena_str(&cli->arena, value).ptr;
            return profile->values[i] ? SW_STATUS_OK : sw_no_memory(&cli->error);
        }
    }
    int near = sw_nearest(name, names, SW_PROFILE_COUNT);
    sw_str why = sw_arena_printf(&cli->arena, "names no setting of a profile%s%s%s",
                                 near < 0 ? " (store, server, key, ca)" : "; did you mean ",
                                 near < 0 ? "" : names[near], near < 0 ? "" : "?");
    return bad_line(cli, line, sw_text_or_blank(why));
}

static sw_status read_line(sw_cli *cli, sw_profiles *out, int number, sw_str line)
{
    line = trim(line);
    if (line.len == 0 || line.ptr[0] == '#') {
        return SW_STATUS_OK;
    }
    if (line.ptr[0] == '[' && line.ptr[line.len - 1] == ']' && line.len > 2) {
        if (out->count == SW_PROFILES_MOST) {
            return bad_line(cli, number, "is one profile too many");
        }
        out->rows[out->count++] = (sw_profile){
            .name = sw_arena_str(&cli->arena, sw_str_make(line.ptr + 1, line.len - 2)).ptr};
        return SW_STATUS_OK;
    }
    const char *equals = memchr(line.ptr, '=', line.len);
    if (!equals || out->count == 0) {
        return bad_line(cli, number, "is neither [profile] nor, below one, name = value");
    }
    size_t at = (size_t)(equals - line.ptr);
    return set_value(cli, &out->rows[out->count - 1], number, trim(sw_str_make(line.ptr, at)),
                     trim(sw_str_make(equals + 1, line.len - at - 1)));
}

sw_status sw_profiles_read(sw_cli *cli, sw_profiles *out)
{
    sw_str text;
    sw_status status = read_file(cli, &text);
    *out = (sw_profiles){.count = 0};
    for (int number = 1; status == SW_STATUS_OK && text.len > 0; number++) {
        const char *end = memchr(text.ptr, '\n', text.len);
        size_t len = end ? (size_t)(end - text.ptr) : text.len;
        status = read_line(cli, out, number, sw_str_make(text.ptr, len));
        len += end ? 1 : 0;
        text = sw_str_make(text.ptr + len, text.len - len);
    }
    return status;
}

static sw_status find_profile(sw_cli *cli, const sw_profiles *all, const char *name,
                              const sw_profile **out)
{
    const char *names[SW_PROFILES_MOST];
    for (size_t i = 0; i < all->count; i++) {
        names[i] = all->rows[i].name ? all->rows[i].name : "";
        if (strcmp(names[i], name) == 0) {
            *out = &all->rows[i];
            return SW_STATUS_OK;
        }
    }
    int near = sw_nearest(sw_str_from(name), names, all->count);
    return sw_fail(&cli->error, SW_STATUS_INVALID, "", "no profile is called %s%s%s%s", name,
                   near < 0 ? "; stepwell profiles lists them" : "; did you mean ",
                   near < 0 ? "" : names[near], near < 0 ? "" : "?");
}

/* ---- which of the four ----------------------------------------------------------------------- */

static bool says_where(const sw_profile *place)
{
    return place->values[SW_PROFILE_STORE] || place->values[SW_PROFILE_SERVER];
}

static sw_profile of_options(const sw_cli *cli)
{
    sw_profile place = {.name = "the options"};
    for (size_t i = 0; i < SW_PROFILE_COUNT; i++) {
        place.values[i] = sw_cli_text(cli, rows[i].option);
    }
    return place;
}

static sw_profile of_environment(void)
{
    sw_profile place = {.name = "the environment"};
    for (size_t i = 0; i < SW_PROFILE_COUNT; i++) {
        const char *text = getenv(rows[i].environment);
        place.values[i] = text && text[0] ? text : NULL;
    }
    return place;
}

/* The first place that says where; what an option says besides holds in any case. */
static void take(const sw_profile *options, const sw_profile *place, const sw_profile *beside,
                 sw_profile *out)
{
    *out = *place;
    for (size_t i = 0; i < SW_PROFILE_COUNT; i++) {
        if (i != SW_PROFILE_STORE && i != SW_PROFILE_SERVER) {
            const char *more = out->values[i] ? out->values[i] : beside ? beside->values[i] : NULL;
            out->values[i] = options->values[i] ? options->values[i] : more;
        }
    }
}

sw_status sw_where_find(sw_cli *cli, sw_profile *out)
{
    const sw_profile options = of_options(cli);
    const sw_profile environment = of_environment();
    const char *named = sw_cli_text(cli, SW_OPTION_PROFILE);
    const sw_profile *found = NULL;
    sw_profiles all = {.count = 0};
    if (options.values[SW_PROFILE_STORE] && options.values[SW_PROFILE_SERVER]) {
        return sw_fail(&cli->error, SW_STATUS_INVALID, "",
                       "--store and --server are two answers to one question; give one of them");
    }
    if (says_where(&options)) {
        take(&options, &options, &environment, out);
        return SW_STATUS_OK;
    }
    named = named ? named : getenv("STEPWELL_PROFILE");
    bool by_name = named && named[0];
    if (!by_name && says_where(&environment)) {
        take(&options, &environment, NULL, out);
        return SW_STATUS_OK;
    }
    sw_status status = sw_profiles_read(cli, &all);
    if (status == SW_STATUS_OK && by_name) {
        status = find_profile(cli, &all, named, &found);
    }
    for (size_t i = 0; i < all.count && !by_name; i++) {
        found = all.rows[i].name && strcmp(all.rows[i].name, "default") == 0 ? &all.rows[i] : found;
    }
    take(&options, found ? found : &environment, NULL, out);
    return status;
}

const char *sw_where_environment(size_t row)
{
    return rows[row].environment;
}

const char *sw_where_name(size_t row)
{
    return rows[row].name;
}
