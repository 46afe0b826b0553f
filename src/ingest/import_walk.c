/* SPDX-License-Identifier: Apache-2.0 */
/* What is below a folder. Links are passed over: what they point to inside the folder is found anyway, and what is
 * outside was not asked for. Without recursion, so that no tree is too deep.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ingest/import_file.h"

typedef struct walking {
    const import_options *options;
    import_found *found;
    import_list folders; /* sw_str: still to be looked into */
} walking;

static void tell(const walking *w, const char *path, const char *why)
{
    if (w->options->skipped) {
        w->options->skipped(w->options->arg, path, why);
    }
}

static bool ends_with(const char *name, const char *end)
{
    size_t len = strlen(name);
    size_t most = strlen(end);

    return len > most && strcmp(name + len - most, end) == 0;
}

/* What SQLite keeps beside a database is a part of it. */
static bool is_beside(const char *name)
{
    return ends_with(name, ".db-wal") || ends_with(name, ".db-shm");
}

int64_t import_file_mtime(const char *path, const struct stat *is)
{
    int64_t at = (int64_t)is->st_mtim.tv_sec * 1000000000 + is->st_mtim.tv_nsec;
    char log[PATH_MAX];
    struct stat beside;
    int64_t later = at;

    if (ends_with(path, ".db") && snprintf(log, sizeof log, "%s-wal", path) < (int)sizeof log &&
        lstat(log, &beside) == 0) {
        later = (int64_t)beside.st_mtim.tv_sec * 1000000000 + beside.st_mtim.tv_nsec;
    }
    return later > at ? later : at;
}

static void add_file(walking *w, const char *path, const struct stat *is)
{
    import_file *file = import_add(&w->found->arena, &w->found->files, sizeof *file);

    if (file) {
        file->path = path;
        file->size = (int64_t)is->st_size;
        file->device = (int64_t)is->st_dev;
        file->inode = (int64_t)is->st_ino;
        file->mtime_ns = import_file_mtime(path, is);
        import_digest(path, strlen(path), file->key);
    }
}

static void see(walking *w, int folder, const char *above, const char *name)
{
    struct stat is;
    sw_str path = SW_NULL_STR;
    sw_str *more = NULL;

    if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0 || strncmp(name, "._", 2) == 0 ||
        is_beside(name) || fstatat(folder, name, &is, AT_SYMLINK_NOFOLLOW) != 0) {
        return;
    }
    path = sw_arena_printf(&w->found->arena, "%s/%s", above, name);
    if (!path.ptr) {
        return;
    }
    if (S_ISREG(is.st_mode)) {
        add_file(w, path.ptr, &is);
    } else if (S_ISDIR(is.st_mode)) {
        more = import_add(&w->found->arena, &w->folders, sizeof *more);
        if (more) {
            *more = path;
        }
    } else if (S_ISLNK(is.st_mode)) {
        tell(w, path.ptr, "is a link, and links are not followed");
    }
}

static void look_into(walking *w, const char *path)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    DIR *folder = fd < 0 ? NULL : fdopendir(fd);

    if (!folder) {
        tell(w, path, "may not be looked into");
        if (fd >= 0) {
            (void)close(fd);
        }
        return;
    }
    for (const struct dirent *entry = readdir(folder); entry; entry = readdir(folder)) {
        see(w, fd, path, entry->d_name);
    }
    (void)closedir(folder);
}

sw_status import_walk(const import_options *options, const char *path, import_found *found,
                      sw_error *err)
{
    walking w = {.options = options, .found = found};
    struct stat is;
    char real[PATH_MAX];
    sw_str root;

    if (!realpath(path, real) || stat(real, &is) != 0) {
        return sw_fail(err, SW_STATUS_NOT_FOUND, "", "%s: there is no such file or folder", path);
    }
    root = sw_arena_str(&found->arena, sw_str_from(real));
    if (root.ptr && S_ISREG(is.st_mode)) {
        add_file(&w, root.ptr, &is);
    } else if (root.ptr && S_ISDIR(is.st_mode)) {
        look_into(&w, root.ptr);
    }
    for (size_t i = 0; i < w.folders.count; i++) {
        look_into(&w, ((sw_str *)w.folders.items)[i].ptr);
    }
    return found->arena.failed ? sw_no_memory(err) : SW_STATUS_OK;
}

static int by_path(const void *a, const void *b)
{
    return strcmp(((const import_file *)a)->path, ((const import_file *)b)->path);
}

void import_walk_end(import_found *found)
{
    import_file *files = found->files.items;
    size_t kept = 0;

    if (found->files.count > 0) {
        qsort(files, found->files.count, sizeof *files, by_path);
    }
    for (size_t i = 0; i < found->files.count; i++) {
        if (i == 0 || strcmp(files[i].path, files[kept - 1].path) != 0) {
            files[kept++] = files[i];
        }
    }
    found->files.count = kept;
}
