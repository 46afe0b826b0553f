/* SPDX-License-Identifier: Apache-2.0 */
/* Long values are kept compressed: texts of messages, provider traces, raw telemetry (the fields marked SW_PACKED in
 * the model). What is longer than 16 KB, and gets shorter by it, lies in its column as one zstd frame; so a text or
 * JSON value that is a BLOB is such a frame. Bytes are told from a frame by how they begin: bytes that begin like one
 * are always packed.
 */
#include <zstd.h>

#include "store/sqlite_impl.h"

enum { LEVEL = 1, MAGIC = 4 };
#define LONGEST (4ULL * SW_LIMIT_JSON_BYTES)

static bool is_frame(const void *bytes, size_t len)
{
    return len >= MAGIC && memcmp(bytes, "\x28\xB5\x2F\xFD", MAGIC) == 0;
}

/* The frame belongs to SQLite from then on. Without memory for it a text goes as it is. */
static bool bind_frame(sqlite3_stmt *stmt, int at, sw_str value, bool always)
{
    size_t room = ZSTD_compressBound(value.len);
    void *frame = sqlite3_malloc64(room);
    size_t len = frame ? ZSTD_compress(frame, room, value.ptr, value.len, LEVEL) : 0;

    if (!frame || ZSTD_isError(len) || (len >= value.len && !always)) {
        sqlite3_free(frame);
        return false;
    }
    return sqlite3_bind_blob(stmt, at, frame, (int)len, sqlite3_free) == SQLITE_OK;
}

sw_status sw__lite_pack(sqlite3_stmt *stmt, int at, sw_str value, bool is_text, bool *packed,
                        sw_error *err)
{
    bool always = !is_text && is_frame(value.ptr, value.len);

    *packed = (always || value.len > SW_LIMIT_PACK_BYTES) && bind_frame(stmt, at, value, always);
    return always && !*packed ? sw_no_memory(err) : SW_STATUS_OK;
}

bool sw__lite_is_packed(sqlite3_stmt *stmt, int at, bool is_text)
{
    return sqlite3_column_type(stmt, at) == SQLITE_BLOB &&
           (is_text ||
            is_frame(sqlite3_column_blob(stmt, at), (size_t)sqlite3_column_bytes(stmt, at)));
}

sw_status sw__lite_unpack(sqlite3_stmt *stmt, int at, sw_arena *arena, sw_str *out, sw_error *err)
{
    const void *frame = sqlite3_column_blob(stmt, at);
    size_t size = (size_t)sqlite3_column_bytes(stmt, at);
    unsigned long long len = ZSTD_getFrameContentSize(frame, size);
    char *text = NULL;
    size_t got = 0;

    if (len == ZSTD_CONTENTSIZE_UNKNOWN || len == ZSTD_CONTENTSIZE_ERROR || len > LONGEST) {
        return sw_fail(err, SW_STATUS_CORRUPT, NULL, "a compressed value in the file is damaged");
    }
    text = sw_arena_alloc(arena, (size_t)len + 1);
    if (!text) {
        return sw_no_memory(err);
    }
    got = ZSTD_decompress(text, (size_t)len, frame, size);
    if (ZSTD_isError(got) || got != len) {
        return sw_fail(err, SW_STATUS_CORRUPT, NULL, "a compressed value in the file is damaged");
    }
    text[len] = '\0';
    *out = sw_str_make(text, (size_t)len);
    return SW_STATUS_OK;
}
