/* SPDX-License-Identifier: Apache-2.0 */
/* The bytes of an upload: for each file the line that describes it and what it holds as one state of it, packed. One
 * file at a time is in memory, as it is when it is imported here. What cannot be read any more is left out, and told.
 */
#include "ingest/import_upload.h"

#include <sys/stat.h>
#include <unistd.h>

#include "store/foreign.h"

enum { PACK_LEVEL = 3 };

bool import_upload_begin(import_upload *upload, importing *im)
{
    const sw_allocator *from = im->found.arena.from;

    *upload = (import_upload){.im = im, .packer = ZSTD_createCStream()};
    sw_arena_init(&upload->arena, from, 0);
    sw_buf_init(&upload->line, from, IMPORT_LINE_BYTES);
    return upload->packer && !ZSTD_isError(ZSTD_CCtx_setParameter(
                                 upload->packer, ZSTD_c_compressionLevel, PACK_LEVEL));
}

void import_upload_end(import_upload *upload)
{
    sw_free(upload->arena.from, upload->content);
    sw_buf_fini(&upload->line);
    sw_arena_fini(&upload->arena);
    (void)ZSTD_freeCStream(upload->packer);
}

bool import_upload_goes_on(const import_upload *upload)
{
    import_show(upload->im);
    return !import_stops(upload->im);
}

void import_upload_rewind(import_upload *upload)
{
    upload->next = 0;
    upload->im->result->bytes_done -= upload->done;
    upload->done = 0;
    sw_free(upload->arena.from, upload->content);
    upload->content = NULL;
    upload->in = (ZSTD_inBuffer){NULL, 0, 0};
    upload->last = upload->ended = false;
    (void)ZSTD_CCtx_reset(upload->packer, ZSTD_reset_session_only);
}

void import_upload_trouble(import_upload *upload, const import_trouble *trouble)
{
    const import_options *options = upload->im->options;
    sw_arena *arena = &upload->im->heads;
    sw_str path = sw_arena_str(arena, trouble->path);
    sw_str why = sw_arena_str(arena, trouble->why);

    if (!path.ptr || !why.ptr) {
        return; /* the answer still counts it */
    }
    if (trouble->line > 0 && options->bad_line) {
        options->bad_line(options->arg, path.ptr, trouble->line, why.ptr);
    } else if (trouble->line == 0 && options->skipped) {
        options->skipped(options->arg, path.ptr, why.ptr);
    }
}

void import_upload_untold(const import_upload *upload, int64_t more)
{
    const import_options *options = upload->im->options;

    if (more > 0 && options->untold) {
        options->untold(options->arg, more);
    }
}

/* ---- a file ---------------------------------------------------------------------------------------------- */

static void drop_content(import_upload *upload)
{
    sw_free(upload->arena.from, upload->content);
    upload->content = NULL;
}

/* Of a database that somebody writes to, the file alone is not what it holds: a copy is sent. One that is damaged goes
 * as it is, and the server says what is wrong. */
static int copy_database(const import_file *file, int fd, sw_arena *arena, int64_t *size,
                         const char **why)
{
    sw_error err = {.status = SW_STATUS_OK};
    struct stat is;
    int copy = -1;
    sw_status status = sw_foreign_copy(file->path, arena, &copy, &err);

    if (status == SW_STATUS_CORRUPT) {
        return fd;
    }
    (void)close(fd);
    if (status == SW_STATUS_OK && fstat(copy, &is) == 0) {
        *size = (int64_t)is.st_size;
        return copy;
    }
    *why = "is a database that could not be copied to be sent";
    if (copy >= 0) {
        (void)close(copy);
    }
    return -1;
}

static bool is_database(int fd)
{
    static const char magic[] = "SQLite format 3";
    char head[sizeof magic];

    return import_read_some(fd, 0, head, sizeof head) == sizeof head &&
           memcmp(head, magic, sizeof magic) == 0;
}

/* What it holds now, into `content`. */
static bool read_content(import_upload *upload, import_file *file, const char **why)
{
    int fd = import_file_open(file, why);
    int64_t size = file->size;

    if (fd >= 0 && file->format == IMPORT_FORMAT_OPENCODE && is_database(fd)) {
        fd = copy_database(file, fd, &upload->im->heads, &size, why);
    }
    if (fd < 0) {
        return false;
    }
    upload->content_len = SIZE_MAX;
    if (size <= SW_LIMIT_IMPORT_SENT_BYTES) {
        upload->content = sw_alloc(upload->arena.from, (size_t)size + 1);
        upload->content_len =
            upload->content ? import_read_some(fd, 0, upload->content, (size_t)size) : SIZE_MAX;
    }
    (void)close(fd);
    *why = size > SW_LIMIT_IMPORT_SENT_BYTES
               ? "is too large to be sent; import it where the ledger is"
               : "could not be read";
    return upload->content_len != SIZE_MAX;
}

static void write_line(import_upload *upload, const import_file *file)
{
    const import_seen seen = {.path = sw_str_from(file->path),
                              .size = file->size,
                              .mtime_ns = file->mtime_ns,
                              .device = file->device,
                              .inode = file->inode,
                              .bytes = (int64_t)upload->content_len,
                              .again = file->again};
    sw_json_out out;

    sw_buf_clear(&upload->line);
    sw_json_out_init(&out, &upload->line, false);
    import_write_seen(&out, &seen, true);
    sw_buf_addc(&upload->line, '\n');
}

/* What is there of a file that can be read, from the next one on. False: none. */
static bool next_file(import_upload *upload)
{
    import_file *files = upload->files.items;
    bool found = false;

    while (!found && upload->next < upload->files.count) {
        import_file *file = &files[upload->next++];
        const char *why = NULL;
        drop_content(upload);
        found = read_content(upload, file, &why);
        if (found) {
            write_line(upload, file);
            upload->given = false;
            upload->done += file->again ? 0 : file->size;
            upload->im->result->bytes_done += file->again ? 0 : file->size;
        } else if (!file->again && !file->told) {
            import_tell(upload->im, file->path, why);
            file->told = true;
        }
        sw_arena_reset(&upload->im->heads);
    }
    return found;
}

/* ---- packing ---------------------------------------------------------------------------------------------- */

/* A line, then what it is about, then the next line; then nothing. */
static void next_piece(import_upload *upload)
{
    if (upload->content && !upload->given) {
        upload->given = true;
        upload->in = (ZSTD_inBuffer){upload->content, upload->content_len, 0};
    } else if (next_file(upload)) {
        upload->in = (ZSTD_inBuffer){upload->line.ptr, upload->line.len, 0};
    } else {
        upload->last = true;
        upload->in = (ZSTD_inBuffer){NULL, 0, 0};
    }
    import_show(upload->im);
}

size_t import_upload_pull(import_upload *upload, char *to, size_t room)
{
    ZSTD_outBuffer out = {to, room, 0};

    while (out.pos < room && !upload->ended) {
        size_t left = 0;
        if (upload->in.pos == upload->in.size && !upload->last) {
            next_piece(upload);
        }
        if (upload->line.status != SW_STATUS_OK) {
            return SIZE_MAX;
        }
        left = ZSTD_compressStream2(upload->packer, &out, &upload->in,
                                    upload->last ? ZSTD_e_end : ZSTD_e_continue);
        if (ZSTD_isError(left)) {
            return SIZE_MAX;
        }
        upload->ended = upload->last && left == 0;
    }
    return out.pos;
}
