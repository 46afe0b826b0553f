/* SPDX-License-Identifier: Apache-2.0 */
/* Files of exports. What a file is, its content says: gzip or zstd by the first bytes, JSON by the brace it begins
 * with, else protobuf. JSON may be one value, a value a line, or any run of values; protobuf is one message, or
 * several with four bytes of length before each, as collectors write them. A file is read bit by bit; only one export
 * of it is in memory.
 */
#include "cli/replay.h"

#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>
#include <zlib.h>
#include <zstd.h>

#include "base/base.h"

enum {
    PIECE = 64 * 1024,
    LOOK = 1024,
    LENGTH = 4,
    AUTO_WINDOW = 15 + 32,
    MB_SHIFT = 20,
    MOST_MB = 64
};

typedef enum packing { PACK_NONE, PACK_GZIP, PACK_ZSTD } packing;

struct sw_replay {
    const sw_allocator *from;
    const char *path;
    FILE *file;
    int64_t done;
    int64_t size;
    packing packing;
    bool begun; /* the packing is known */
    bool ended; /* of the file */
    bool open;  /* within a member or frame of what is packed */
    z_stream gzip;
    ZSTD_DStream *zstd;
    char piece[PIECE]; /* as the file has it */
    size_t piece_len;
    size_t piece_at;
    sw_buf text; /* unpacked; from `at` on not yet shown */
    size_t at;
    /* Where the search for the end of a JSON value stands. */
    size_t seen;
    int depth;
    bool in_text;
    bool escaped;
};

/* ---- what an export is ------------------------------------------------------------------------------ */

static bool json_signal(sw_str bytes, otlp_signal *out)
{
    static const struct {
        const char *key;
        otlp_signal signal;
    } keys[] = {{"\"resourceSpans\"", OTLP_TRACES},    {"\"resource_spans\"", OTLP_TRACES},
                {"\"resourceLogs\"", OTLP_LOGS},       {"\"resource_logs\"", OTLP_LOGS},
                {"\"resourceMetrics\"", OTLP_METRICS}, {"\"resource_metrics\"", OTLP_METRICS}};
    const char *first = NULL;
    for (size_t i = 0; i < SW_COUNT(keys); i++) {
        const char *at = memmem(bytes.ptr, bytes.len, keys[i].key, strlen(keys[i].key));
        if (at && (!first || at < first)) {
            first = at;
            *out = keys[i].signal;
        }
    }
    return first != NULL;
}

static bool varint(sw_str *in, uint64_t *out)
{
    *out = 0;
    for (unsigned shift = 0; shift < 64 && in->len > 0; shift += 7) {
        uint8_t byte = (uint8_t)*in->ptr;
        *in = sw_str_make(in->ptr + 1, in->len - 1);
        *out |= (uint64_t)(byte & 0x7fU) << shift;
        if (byte < 0x80) {
            return true;
        }
    }
    return false;
}

/* The first field of that number with a length; others are passed over. */
static bool find_field(sw_str in, uint64_t number, sw_str *out)
{
    uint64_t key = 0;
    uint64_t len = 0;
    while (in.len > 0) {
        if (!varint(&in, &key)) {
            return false;
        }
        bool fixed = (key & 7) == 1 || (key & 7) == 5;
        len = (key & 7) == 1 ? 8 : 4;
        if (!fixed && !varint(&in, &len)) {
            return false;
        }
        len = (key & 7) == 0 ? 0 : len;
        if (len > in.len || (key & 7) == 3 || (key & 7) == 4 || (key & 7) > 5) {
            return false;
        }
        if (key == (number << 3 | 2)) {
            *out = sw_str_make(in.ptr, (size_t)len);
            return true;
        }
        in = sw_str_make(in.ptr + len, in.len - (size_t)len);
    }
    return false;
}

/* The three look the same down to their items; of those a span begins with a trace id, a record with a time or a
 * severity, and a metric with its name. An export without items is whatever one likes. */
static bool proto_signal(sw_str bytes, otlp_signal *out)
{
    sw_str resource;
    sw_str scope;
    sw_str item;
    uint64_t key = 0;
    uint64_t len = 0;
    *out = OTLP_TRACES;
    if (!find_field(bytes, 1, &resource)) {
        return bytes.len == 0;
    }
    if (!find_field(resource, 2, &scope) || !find_field(scope, 2, &item) || !varint(&item, &key)) {
        return true;
    }
    if (key == (1 << 3 | 2) && varint(&item, &len) && len != OTLP_TRACE_ID) {
        *out = OTLP_METRICS;
    } else if ((key & 7) != 2 || key >> 3 == 3) {
        *out = OTLP_LOGS;
    }
    return true;
}

bool sw_replay_signal(otlp_wire wire, sw_str bytes, otlp_signal *out)
{
    return wire == OTLP_JSON ? json_signal(bytes, out) : proto_signal(bytes, out);
}

/* ---- bytes of the file ------------------------------------------------------------------------------ */

static sw_status bad(sw_replay *r, const char *why, sw_error *err)
{
    return sw_fail(err, SW_STATUS_INVALID, r->path, "%s", why);
}

static sw_status read_piece(sw_replay *r, sw_error *err)
{
    r->piece_at = 0;
    r->piece_len = fread(r->piece, 1, PIECE, r->file);
    r->done += (int64_t)r->piece_len;
    r->ended = r->piece_len == 0;
    return ferror(r->file) ? bad(r, strerror(errno), err) : SW_STATUS_OK;
}

static sw_status begin(sw_replay *r, sw_error *err)
{
    const unsigned char *p = (const unsigned char *)r->piece;
    r->begun = true;
    if (r->piece_len >= 2 && p[0] == 0x1f && p[1] == 0x8b) {
        r->packing = PACK_GZIP;
        return inflateInit2(&r->gzip, AUTO_WINDOW) == Z_OK ? SW_STATUS_OK : sw_no_memory(err);
    }
    if (r->piece_len >= 4 && p[0] == 0x28 && p[1] == 0xb5 && p[2] == 0x2f && p[3] == 0xfd) {
        r->packing = PACK_ZSTD;
        r->zstd = ZSTD_createDStream();
        return r->zstd ? SW_STATUS_OK : sw_no_memory(err);
    }
    return SW_STATUS_OK;
}

/* Each takes some of the piece and answers how many bytes it made, or -1. */
static ssize_t copy(sw_replay *r, char *to)
{
    size_t size = r->piece_len - r->piece_at;
    memcpy(to, r->piece + r->piece_at, size);
    r->piece_at = r->piece_len;
    return (ssize_t)size;
}

static ssize_t gunzip(sw_replay *r, char *to)
{
    r->gzip.next_in = (Bytef *)(r->piece + r->piece_at);
    r->gzip.avail_in = (uInt)(r->piece_len - r->piece_at);
    r->gzip.next_out = (Bytef *)to;
    r->gzip.avail_out = PIECE;
    uInt had = r->gzip.avail_in;
    int code = inflate(&r->gzip, Z_NO_FLUSH);
    r->piece_at = r->piece_len - r->gzip.avail_in;
    bool idle = r->gzip.avail_in == had && r->gzip.avail_out == PIECE;
    r->open = idle ? r->open : code != Z_STREAM_END;
    bool fine = code == Z_OK || code == Z_BUF_ERROR ||
                (code == Z_STREAM_END && inflateReset(&r->gzip) == Z_OK);
    return fine ? (ssize_t)(PIECE - r->gzip.avail_out) : -1;
}

static ssize_t unzstd(sw_replay *r, char *to)
{
    ZSTD_inBuffer in = {r->piece, r->piece_len, r->piece_at};
    ZSTD_outBuffer out = {to, PIECE, 0};
    size_t left = ZSTD_decompressStream(r->zstd, &out, &in);
    bool idle = in.pos == r->piece_at && out.pos == 0;
    r->piece_at = in.pos;
    r->open = idle ? r->open : left != 0;
    return ZSTD_isError(left) ? -1 : (ssize_t)out.pos;
}

/* What was shown is forgotten before more comes. */
static void forget(sw_replay *r)
{
    if (r->at > 0) {
        memmove(r->text.ptr, r->text.ptr + r->at, r->text.len - r->at);
        r->text.len -= r->at;
        r->text.ptr[r->text.len] = '\0';
        r->at = 0;
    }
}

/* More text, unless the file has ended. */
static sw_status more(sw_replay *r, sw_error *err)
{
    sw_status status = r->piece_at == r->piece_len ? read_piece(r, err) : SW_STATUS_OK;
    if (status == SW_STATUS_OK && !r->begun) {
        status = begin(r, err);
    }
    char *to = status == SW_STATUS_OK ? sw_buf_reserve(&r->text, PIECE) : NULL;
    if (!to) {
        return status != SW_STATUS_OK ? status
               : r->text.status != SW_STATUS_TOO_LARGE
                   ? sw_no_memory(err)
                   : sw_fail(err, SW_STATUS_TOO_LARGE, r->path,
                             "an export in it is larger than %d MiB", MOST_MB);
    }
    ssize_t made = r->packing == PACK_GZIP   ? gunzip(r, to)
                   : r->packing == PACK_ZSTD ? unzstd(r, to)
                                             : copy(r, to);
    if (made < 0 || (r->ended && r->open && made == 0)) {
        return bad(r,
                   made < 0 ? "is damaged: it cannot be unpacked" : "is packed and ends too early",
                   err);
    }
    r->ended = r->ended && made == 0;
    r->text.len += (size_t)made;
    r->text.ptr[r->text.len] = '\0';
    return SW_STATUS_OK;
}

/* ---- one export after the other --------------------------------------------------------------------- */

static bool is_blank(char c)
{
    return c == ' ' || c == '\n' || c == '\r' || c == '\t';
}

/* Goes on to the end of the JSON value that begins at `at`; 0: it is not there yet. */
static size_t json_end(sw_replay *r)
{
    for (; r->seen < r->text.len; r->seen++) {
        char c = r->text.ptr[r->seen];
        if (r->in_text) {
            r->in_text = r->escaped || c != '"';
            r->escaped = !r->escaped && c == '\\';
            continue;
        }
        r->in_text = c == '"';
        r->depth += c == '{' || c == '[' ? 1 : 0;
        r->depth -= c == '}' || c == ']' ? 1 : 0;
        if (r->depth == 0 && (c == '}' || c == ']')) {
            return r->seen + 1;
        }
    }
    return 0;
}

static sw_status next_json(sw_replay *r, sw_str *out, sw_error *err)
{
    size_t end = 0;
    r->seen = r->at;
    r->depth = 0;
    r->in_text = false;
    r->escaped = false;
    while ((end = json_end(r)) == 0) {
        if (r->ended) {
            return bad(r, "ends within a JSON value", err);
        }
        r->seen -= r->at;
        forget(r);
        sw_status status = more(r, err);
        if (status != SW_STATUS_OK) {
            return status;
        }
    }
    *out = sw_str_make(r->text.ptr + r->at, end - r->at);
    r->at = end;
    return SW_STATUS_OK;
}

/* At least so many bytes from `at` on; fewer when the file ends before. */
static sw_status want(sw_replay *r, size_t bytes, sw_error *err)
{
    sw_status status = SW_STATUS_OK;
    while (status == SW_STATUS_OK && !r->ended && r->text.len - r->at < bytes) {
        forget(r);
        status = more(r, err);
    }
    return status;
}

static sw_status next_proto(sw_replay *r, sw_str *out, sw_error *err)
{
    const size_t all = (size_t)MOST_MB << MB_SHIFT;
    const unsigned char *p = (const unsigned char *)r->text.ptr + r->at;
    bool has_length = r->text.len - r->at >= LENGTH && p[0] == 0;
    size_t length = has_length ? (size_t)p[1] << 16 | (size_t)p[2] << 8 | p[3] : all;
    size_t skip = has_length ? LENGTH : 0;
    sw_status status = want(r, length + skip, err);
    if (status != SW_STATUS_OK) {
        return status;
    }
    size_t there = r->text.len - r->at - skip;
    if (has_length && there < length) {
        return bad(r, "ends within a message", err);
    }
    if (!has_length && !r->ended) {
        return sw_fail(err, SW_STATUS_TOO_LARGE, r->path, "is larger than %d MiB", MOST_MB);
    }
    *out = sw_str_make(r->text.ptr + r->at + skip, has_length ? length : there);
    r->at += skip + out->len;
    return SW_STATUS_OK;
}

static size_t after_blanks(const sw_replay *r, size_t at)
{
    while (at < r->text.len && is_blank(r->text.ptr[at])) {
        at++;
    }
    return at;
}

/* An object of JSON, with blanks where they may be. An export in protobuf begins with a line feed too, but what
 * follows is no brace with a name or its end behind. */
static bool is_json(const sw_replay *r)
{
    size_t brace = after_blanks(r, r->at);
    size_t name = after_blanks(r, brace + 1);
    return name < r->text.len && r->text.ptr[brace] == '{' &&
           (r->text.ptr[name] == '"' || r->text.ptr[name] == '}');
}

sw_status sw_replay_next(sw_replay *r, sw_replay_export *out, bool *end, sw_error *err)
{
    sw_status status = want(r, LOOK, err);
    while (status == SW_STATUS_OK && !r->ended && after_blanks(r, r->at) == r->text.len) {
        r->at = r->text.len; /* any number of blanks is nothing */
        status = want(r, LOOK, err);
    }
    *end = status == SW_STATUS_OK && after_blanks(r, r->at) == r->text.len;
    if (status != SW_STATUS_OK || *end) {
        return status;
    }
    out->wire = is_json(r) ? OTLP_JSON : OTLP_PROTOBUF;
    if (out->wire == OTLP_JSON) {
        r->at = after_blanks(r, r->at);
        status = next_json(r, &out->bytes, err);
    } else {
        status = next_proto(r, &out->bytes, err);
    }
    if (status == SW_STATUS_OK && !sw_replay_signal(out->wire, out->bytes, &out->signal)) {
        status = bad(r, "holds something that is no export of OTLP, as JSON or protobuf", err);
    }
    return status;
}

/* ---- open and close --------------------------------------------------------------------------------- */

sw_status sw_replay_open(const char *path, const sw_allocator *from, sw_replay **out, sw_error *err)
{
    struct stat about;
    sw_replay *r = sw_alloc_zeroed(from, sizeof *r);
    if (!r) {
        return sw_no_memory(err);
    }
    r->from = from;
    r->path = path;
    r->file = fopen(path, "re");
    sw_buf_init(&r->text, from, ((size_t)MOST_MB << MB_SHIFT) + 2 * (size_t)PIECE);
    if (!r->file || fstat(fileno(r->file), &about) != 0 || S_ISDIR(about.st_mode)) {
        sw_status status = bad(r, r->file ? "is no file" : strerror(errno), err);
        sw_replay_close(&r);
        return status;
    }
    r->size = about.st_size;
    *out = r;
    return SW_STATUS_OK;
}

int64_t sw_replay_done(const sw_replay *r)
{
    return r->done;
}

int64_t sw_replay_size(const sw_replay *r)
{
    return r->size;
}

void sw_replay_close(sw_replay **handle)
{
    sw_replay *r = *handle;
    if (!r) {
        return;
    }
    *handle = NULL;
    (void)inflateEnd(&r->gzip);
    ZSTD_freeDStream(r->zstd);
    sw_buf_fini(&r->text);
    if (r->file) {
        fclose(r->file);
    }
    sw_free(r->from, r);
}
