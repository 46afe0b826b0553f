/* SPDX-License-Identifier: Apache-2.0 */
/* Where agents keep their own files: the rows of model/import_formats.def, by environment and home folder. */
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "ingest/import.h"

enum { PATH_BYTES = 4096 };

typedef struct folder {
    import_format format;
    const char *environment;
    const char *below;
    const char *home;
} folder;

static const folder folders[] = {
#define SW_IMPORT_FORMAT(name, NAME, WORD, TITLE, READER, TOLD, STEP)
#define SW_IMPORT_FOLDER(NAME, ENVIRONMENT, BELOW, HOME)                                           \
    {IMPORT_FORMAT_##NAME, ENVIRONMENT, BELOW, HOME},
#include "model/import_formats.def"
#undef SW_IMPORT_FORMAT
#undef SW_IMPORT_FOLDER
};

/* The rows one after the other, each with the folder that it begins at. */
typedef void visit(const void *asking, const folder *f, sw_str base, const char *below);

static void each_row(visit *tell_of, const void *asking)
{
    const char *home = getenv("HOME");

    for (size_t i = 0; i < SW_COUNT(folders); i++) {
        const char *list = folders[i].environment[0] ? getenv(folders[i].environment) : NULL;
        while (list && *list) {
            size_t len = strcspn(list, ",");
            tell_of(asking, &folders[i], sw_str_make(list, len), folders[i].below);
            list += len + (list[len] == ',');
        }
        if (home && folders[i].home[0] &&
            !(folders[i].environment[0] && getenv(folders[i].environment))) {
            tell_of(asking, &folders[i], sw_str_from(home), folders[i].home);
        }
    }
}

/* ---- those that are there ------------------------------------------------------------------------------- */

typedef struct asking {
    void (*each)(void *arg, import_format format, const char *path);
    void *arg;
} asking;

/* Only what a row itself says may stand for many names. */
static size_t escape(sw_str base, char *out)
{
    size_t len = 0;

    for (size_t i = 0; i < base.len; i++) {
        if (strchr("*?[\\", base.ptr[i])) {
            out[len++] = '\\';
        }
        out[len++] = base.ptr[i];
    }
    return len;
}

static void ask(const void *asked, const folder *f, sw_str base, const char *below)
{
    const asking *a = asked;
    char pattern[2 * PATH_BYTES];
    glob_t found;
    struct stat is;
    size_t len = 0;

    if (base.len == 0 || base.len + strlen(below) + 2 > PATH_BYTES) {
        return;
    }
    len = escape(base, pattern);
    (void)snprintf(pattern + len, sizeof pattern - len, "%s%s", *below ? "/" : "", below);
    if (glob(pattern, 0, NULL, &found) != 0) {
        return;
    }
    for (size_t i = 0; i < found.gl_pathc; i++) {
        if (stat(found.gl_pathv[i], &is) == 0 && (S_ISDIR(is.st_mode) || S_ISREG(is.st_mode))) {
            a->each(a->arg, f->format, found.gl_pathv[i]);
        }
    }
    globfree(&found);
}

void import_own_folders(void (*each)(void *arg, import_format format, const char *path), void *arg)
{
    const asking a = {each, arg};

    each_row(ask, &a);
}

/* ---- all of them ---------------------------------------------------------------------------------------- */

typedef struct telling {
    void (*each)(void *arg, const char *path);
    void *arg;
} telling;

static void tell(const void *told, const folder *f, sw_str base, const char *below)
{
    const telling *t = told;
    char path[PATH_BYTES];

    (void)f;
    if (base.len > 0 && base.len + strlen(below) + 2 <= sizeof path) {
        (void)snprintf(path, sizeof path, "%.*s%s%s", (int)base.len, base.ptr, *below ? "/" : "",
                       below);
        t->each(t->arg, path);
    }
}

void import_own_places(void (*each)(void *arg, const char *path), void *arg)
{
    const telling t = {each, arg};

    each_row(tell, &t);
}
