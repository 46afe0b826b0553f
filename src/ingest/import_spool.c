/* SPDX-License-Identifier: Apache-2.0 */
/* Files that another machine sends, on their way in. The pieces of the upload are taken apart as they come: a line that
 * describes a file, then its bytes, which go into one file for all of them that has no name from the beginning, so that
 * nothing stays behind whatever happens. Memory does not grow with what is sent, but for the names.
 */
#include "ingest/import_spool.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { NAMES_BYTES = 64 << 20 };

struct import_spool {
    const sw_allocator *from;
    sw_arena arena; /* of the names */
    sw_buf line;    /* the beginning of the next one */
    import_list files;
    sw_str machine;
    int fd;
    int64_t end;  /* of what is there */
    int64_t left; /* of the bytes of the last file */
};

const import_list *import_spool_files(const import_spool *spool)
{
    return &spool->files;
}

/* ---- the file ------------------------------------------------------------------------------------------- */

/* Where a folder's file system knows no files without a name, the name goes at once. */
static int open_nameless(const char *folder)
{
    char path[4096];
    int fd = open(folder, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);

    if (fd >= 0 || (errno != EOPNOTSUPP && errno != EISDIR)) {
        return fd;
    }
    if (snprintf(path, sizeof path, "%s/stepwell-XXXXXX", folder) >= (int)sizeof path) {
        return -1;
    }
    fd = mkostemp(path, O_CLOEXEC);
    if (fd >= 0) {
        (void)unlink(path);
    }
    return fd;
}

sw_status import_spool_new(const sw_allocator *from, sw_str machine, import_spool **out,
                           sw_error *err)
{
    const char *folder = getenv("TMPDIR");
    import_spool *spool = sw_alloc_zeroed(from, sizeof *spool);

    *out = NULL;
    if (!spool) {
        return sw_no_memory(err);
    }
    spool->from = from;
    sw_arena_init(&spool->arena, from, NAMES_BYTES);
    sw_buf_init(&spool->line, from, IMPORT_LINE_BYTES);
    spool->machine = sw_arena_str(&spool->arena, machine);
    spool->fd = open_nameless(folder && *folder ? folder : "/var/tmp");
    *out = spool;
    if (spool->fd < 0) {
        return sw_fail(err, SW_STATUS_IO, "",
                       "the server cannot keep files that are sent: its TMPDIR cannot be written");
    }
    return spool->machine.ptr ? SW_STATUS_OK : sw_no_memory(err);
}

void import_spool_free(import_spool **handle)
{
    import_spool *spool = *handle;

    *handle = NULL;
    if (!spool) {
        return;
    }
    if (spool->fd >= 0) {
        (void)close(spool->fd);
    }
    sw_buf_fini(&spool->line);
    sw_arena_fini(&spool->arena);
    sw_free(spool->from, spool);
}

/* ---- what comes ------------------------------------------------------------------------------------------- */

static sw_status keep(import_spool *spool, sw_str bytes, sw_error *err)
{
    for (size_t done = 0; done < bytes.len;) {
        ssize_t n =
            pwrite(spool->fd, bytes.ptr + done, bytes.len - done, (off_t)spool->end + (off_t)done);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n <= 0) {
            return sw_fail(err, errno == ENOSPC || errno == EDQUOT ? SW_STATUS_FULL : SW_STATUS_IO,
                           "", "the server has no room to keep files that are sent, in its TMPDIR");
        }
        done += (size_t)n;
    }
    spool->end += (int64_t)bytes.len;
    spool->left -= (int64_t)bytes.len;
    return SW_STATUS_OK;
}

/* What comes next are its bytes. */
static sw_status begin_file(import_spool *spool, const import_seen *seen, sw_error *err)
{
    import_file *file = NULL;
    sw_str path = sw_arena_str(&spool->arena, seen->path);

    if (seen->bytes > SW_LIMIT_IMPORT_SENT_BYTES - spool->end) {
        return sw_fail(err, SW_STATUS_TOO_LARGE, "bytes",
                       "one upload takes %lld bytes of files at most; import what is larger where "
                       "the ledger is",
                       (long long)SW_LIMIT_IMPORT_SENT_BYTES);
    }
    if (spool->files.count >= SW_LIMIT_IMPORT_SENT_FILES) {
        return sw_fail(err, SW_STATUS_TOO_LARGE, "", "one upload takes %lld files at most",
                       (long long)SW_LIMIT_IMPORT_SENT_FILES);
    }
    file = path.ptr ? import_add(&spool->arena, &spool->files, sizeof *file) : NULL;
    if (!file) {
        return sw_no_memory(err);
    }
    *file = (import_file){.path = path.ptr,
                          .device = seen->device,
                          .inode = seen->inode,
                          .size = seen->size,
                          .mtime_ns = seen->mtime_ns,
                          .again = seen->again,
                          .sent = true,
                          .spool = spool->fd,
                          .at = spool->end,
                          .len = seen->bytes};
    import_key(spool->machine, seen->path, file->key);
    spool->left = seen->bytes;
    return SW_STATUS_OK;
}

/* Takes up to the end of a line, and begins the file that it describes. */
static sw_status take_line(import_spool *spool, sw_str *bytes, sw_error *err)
{
    const char *end = memchr(bytes->ptr, '\n', bytes->len);
    size_t len = end ? (size_t)(end - bytes->ptr) : bytes->len;
    sw_mark mark = sw_arena_mark(&spool->arena);
    import_seen seen;
    sw_status status = SW_STATUS_OK;

    sw_buf_add(&spool->line, sw_str_make(bytes->ptr, len));
    *bytes = sw_str_make(bytes->ptr + len + (end != NULL), bytes->len - len - (end != NULL));
    if (spool->line.status != SW_STATUS_OK) {
        return spool->line.status == SW_STATUS_NO_MEMORY
                   ? sw_no_memory(err)
                   : sw_fail(err, SW_STATUS_INVALID, "",
                             "a file begins with a line of JSON of at most %d bytes",
                             IMPORT_LINE_BYTES);
    }
    if (!end) {
        return SW_STATUS_OK;
    }
    status = import_read_line(sw_buf_str(&spool->line), &spool->arena, &seen, err);
    if (status == SW_STATUS_OK) {
        status = begin_file(spool, &seen, err);
    } else {
        sw_arena_rewind(&spool->arena, mark);
    }
    sw_buf_clear(&spool->line);
    return status;
}

sw_status import_spool_take(import_spool *spool, sw_str bytes, sw_error *err)
{
    sw_status status = SW_STATUS_OK;

    while (bytes.len > 0 && status == SW_STATUS_OK) {
        size_t most = (uint64_t)spool->left < bytes.len ? (size_t)spool->left : bytes.len;
        if (most > 0) {
            status = keep(spool, sw_str_make(bytes.ptr, most), err);
            bytes = sw_str_make(bytes.ptr + most, bytes.len - most);
        } else {
            status = take_line(spool, &bytes, err);
        }
    }
    return status;
}

size_t import_spool_memory(const import_spool *spool)
{
    return spool->arena.used + spool->line.cap;
}

sw_status import_spool_end(const import_spool *spool, sw_error *err)
{
    return spool->left == 0 && spool->line.len == 0
               ? SW_STATUS_OK
               : sw_fail(err, SW_STATUS_INVALID, "", "the upload ends in the middle of a file");
}
