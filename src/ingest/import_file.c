/* SPDX-License-Identifier: Apache-2.0 */
/* One file: its head, and all of it. What is packed with zstd is unpacked, whatever it is called. */
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zstd.h>

#include "ingest/import_file.h"

enum { HEAD_DIGESTED = 4096, READ_AT_ONCE = 1 << 20 };

static bool is_packed(sw_str bytes)
{
    return bytes.len >= 4 && memcmp(bytes.ptr, "\x28\xb5\x2f\xfd", 4) == 0;
}

int import_file_open(import_file *file, const char **why)
{
    struct stat is;
    int fd = open(file->path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);

    if (fd < 0) {
        *why = errno == EACCES ? "may not be read" : errno == ELOOP ? "is a link" : "is gone";
        return -1;
    }
    if (fstat(fd, &is) != 0 || !S_ISREG(is.st_mode)) {
        *why = "is no plain file";
        (void)close(fd);
        return -1;
    }
    file->device = (int64_t)is.st_dev;
    file->inode = (int64_t)is.st_ino;
    file->size = (int64_t)is.st_size;
    file->mtime_ns = import_file_mtime(file->path, &is);
    return fd;
}

size_t import_read_some(int fd, int64_t from, char *to, size_t room)
{
    size_t len = 0;

    while (len < room) {
        size_t most = room - len < READ_AT_ONCE ? room - len : READ_AT_ONCE;
        ssize_t n = pread(fd, to + len, most, (off_t)from + (off_t)len);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n < 0) {
            return SIZE_MAX;
        }
        if (n == 0) {
            break;
        }
        len += (size_t)n;
    }
    return len;
}

static bool is_database(sw_str bytes)
{
    static const char magic[] = "SQLite format 3";

    return bytes.len >= sizeof magic && memcmp(bytes.ptr, magic, sizeof magic) == 0;
}

/* Who reads a database opens it himself; what is larger than memory must not be read into it. */
static bool opens_as_database(int fd, const import_file *file)
{
    char head[16];

    return !file->sent &&
           is_database(sw_str_make(head, import_read_some(fd, 0, head, sizeof head)));
}

/* ---- unpacking ------------------------------------------------------------------------------------------ */

/* At most `most` bytes of what is packed; `all`: more would be too many, and is none. Null: damaged, or no memory. */
static sw_str unpack(sw_str packed, size_t most, bool all, sw_arena *arena)
{
    ZSTD_DStream *stream = ZSTD_createDStream();
    ZSTD_inBuffer in = {packed.ptr, packed.len, 0};
    sw_buf buf;
    sw_str out = SW_NULL_STR;
    bool good = stream != NULL;

    sw_buf_init(&buf, arena->from, most + READ_AT_ONCE);
    while (good && in.pos < in.size && buf.len < most) {
        char *room = sw_buf_reserve(&buf, READ_AT_ONCE / 8);
        ZSTD_outBuffer to = {room, READ_AT_ONCE / 8, 0};
        good = room && !ZSTD_isError(ZSTD_decompressStream(stream, &to, &in));
        buf.len += good ? to.pos : 0;
    }
    (void)ZSTD_freeDStream(stream);
    if (good && !(all && buf.len >= most)) {
        buf.len = buf.len > most ? most : buf.len;
        out = sw_arena_str(arena, sw_str_make(buf.ptr ? buf.ptr : "", buf.len));
    }
    sw_buf_fini(&buf);
    return out;
}

/* ---- reading --------------------------------------------------------------------------------------------- */

/* Reads it into the arena, at most `most` bytes. NULL: it cannot be had. Of a file that was sent it stays as its
 * sender says how large it is there. */
static char *read_file(import_file *file, size_t most, sw_arena *arena, size_t *len,
                       const char **why)
{
    int fd = file->sent ? file->spool : import_file_open(file, why);
    int64_t all = file->sent ? file->len : file->size;
    size_t room = 0;
    char *bytes = NULL;

    if (fd < 0) {
        return NULL;
    }
    all = file->sent ? file->len : file->size; /* opened, it may be another */
    most = most > HEAD_DIGESTED && opens_as_database(fd, file) ? HEAD_DIGESTED : most;
    room = (uint64_t)all < most ? (size_t)all : most;
    *why = "could not be read";
    if (all > SW_LIMIT_IMPORT_FILE_BYTES && most > IMPORT_HEAD_BYTES) {
        *why = "is too large";
    } else {
        bytes = sw_arena_alloc(arena, room + 1);
        *len = bytes ? import_read_some(fd, file->at, bytes, room) : SIZE_MAX;
    }
    if (!file->sent) {
        (void)close(fd);
    }
    return *len == SIZE_MAX ? NULL : bytes;
}

bool import_file_head(import_file *file, sw_arena *arena, import_head *out, const char **why)
{
    size_t len = 0;
    char *bytes = read_file(file, IMPORT_HEAD_BYTES, arena, &len, why);

    if (!bytes) {
        return false;
    }
    *out = (import_head){
        .bytes = sw_str_make(bytes, len), .whole = len < IMPORT_HEAD_BYTES, .arena = arena};
    import_digest(bytes, len < HEAD_DIGESTED ? len : HEAD_DIGESTED, file->head);
    if (is_packed(out->bytes)) {
        bool all = out->whole;
        out->bytes = unpack(out->bytes, IMPORT_HEAD_BYTES, false, arena);
        out->whole = all && out->bytes.len < IMPORT_HEAD_BYTES;
        *why = "is packed, and damaged";
        return out->bytes.ptr != NULL;
    }
    return true;
}

bool import_file_read(import_file *file, size_t most, sw_arena *arena, const char **why)
{
    size_t len = 0;
    char *bytes = read_file(file, SIZE_MAX, arena, &len, why);

    if (!bytes) {
        return false;
    }
    file->bytes = sw_str_make(bytes, len);
    if (!file->sent && !is_database(file->bytes)) {
        file->size = (int64_t)len; /* it may have been cut since */
    }
    import_digest(bytes, len < HEAD_DIGESTED ? len : HEAD_DIGESTED, file->head);
    if (is_packed(file->bytes)) {
        file->bytes = unpack(file->bytes, most, true, arena);
        *why = "is packed, and damaged or too large";
    }
    return file->bytes.ptr != NULL;
}
