/* SPDX-License-Identifier: Apache-2.0 */
/* gzip and zstd of large answers and of streams, when the client says that it takes them. Runs on workers.
 * Server-sent events stay as they are: each must arrive at once, and is small. zstd is preferred, because
 * it costs a third of the time.
 */
#include <strings.h>
#include <zlib.h>
#include <zstd.h>

#include "http/observe.h"

enum { GZIP_LEVEL = 4, ZSTD_LEVEL = 1, GZIP_WINDOW = 15 + 16, ROOM = 16 * 1024 };

struct sw_squeeze {
    bool zstd;
    ZSTD_CStream *stream;
    z_stream gzip;
};

/* ---- what the client takes ------------------------------------------------------------------------------ */

static bool names(sw_str item, const char *coding)
{
    size_t len = strlen(coding);
    return item.len >= len && strncasecmp(item.ptr, coding, len) == 0 &&
           (item.len == len || strchr("; \t", item.ptr[len]));
}

/* Whether the list has the coding, and not with a quality of 0. */
static bool takes(sw_str list, const char *coding)
{
    size_t from = 0;
    for (size_t i = 0; list.ptr && i <= list.len; i++) {
        if (i < list.len && list.ptr[i] != ',') {
            continue;
        }
        sw_str item = sw_str_make(list.ptr + from, i - from);
        while (item.len > 0 && (item.ptr[0] == ' ' || item.ptr[0] == '\t')) {
            item.ptr++;
            item.len--;
        }
        if (names(item, coding)) {
            return !sw_str_contains_nocase(item, SW_STR("q=0")) ||
                   sw_str_contains_nocase(item, SW_STR("q=0."));
        }
        from = i + 1;
    }
    return false;
}

bool sw_request_takes(const sw_request *request, const char *coding)
{
    return takes(sw_request_header(request, "Accept-Encoding"), coding);
}

static bool worth_it(const sw_exchange *x)
{
    if (x->packed || !x->content_type || strncmp(x->content_type, "text/event-stream", 17) == 0 ||
        x->status == 204) {
        return false;
    }
    return x->fill || x->bytes.len >= SW_LIMIT_COMPRESS_BYTES;
}

/* ---- the compressors -------------------------------------------------------------------------------------- */

static sw_squeeze *start(sw_exchange *x, bool zstd)
{
    sw_squeeze *s = sw_alloc_zeroed(x->request.server->from, sizeof *s);
    bool ok = false;
    if (!s) {
        return NULL;
    }
    s->zstd = zstd;
    if (zstd) {
        s->stream = ZSTD_createCStream();
        ok = s->stream && !ZSTD_isError(ZSTD_initCStream(s->stream, ZSTD_LEVEL));
    } else {
        ok = deflateInit2(&s->gzip, GZIP_LEVEL, Z_DEFLATED, GZIP_WINDOW, 8, Z_DEFAULT_STRATEGY) ==
             Z_OK;
    }
    if (!ok) {
        ZSTD_freeCStream(s->stream);
        sw_free(x->request.server->from, s);
        return NULL;
    }
    return s;
}

static void finish(sw_exchange *x)
{
    sw_squeeze *s = x->squeeze;
    if (s && s->zstd) {
        ZSTD_freeCStream(s->stream);
    } else if (s) {
        (void)deflateEnd(&s->gzip);
    }
    sw_free(x->request.server->from, s);
    x->squeeze = NULL;
}

static bool run_zstd(sw_squeeze *s, sw_str in, bool flush, bool end, sw_buf *out)
{
    ZSTD_inBuffer input = {in.ptr, in.len, 0};
    ZSTD_EndDirective how = end ? ZSTD_e_end : flush ? ZSTD_e_flush : ZSTD_e_continue;
    size_t left = 1;
    while (left > 0 || input.pos < input.size) {
        char *to = sw_buf_reserve(out, ROOM);
        ZSTD_outBuffer output = {to, ROOM, 0};
        left = to ? ZSTD_compressStream2(s->stream, &output, &input, how) : 0;
        if (!to || ZSTD_isError(left)) {
            return false;
        }
        out->len += output.pos;
        out->ptr[out->len] = '\0';
        if (how == ZSTD_e_continue && input.pos == input.size) {
            break;
        }
    }
    return true;
}

static bool run_gzip(sw_squeeze *s, sw_str in, bool flush, bool end, sw_buf *out)
{
    union {
        const char *in;
        Bytef *out;
    } bytes = {.in = in.ptr};
    s->gzip.next_in = bytes.out;
    s->gzip.avail_in = (uInt)in.len;
    do {
        char *to = sw_buf_reserve(out, ROOM);
        if (!to) {
            return false;
        }
        s->gzip.next_out = (Bytef *)to;
        s->gzip.avail_out = ROOM;
        int code = deflate(&s->gzip, end ? Z_FINISH : flush ? Z_SYNC_FLUSH : Z_NO_FLUSH);
        if (code == Z_STREAM_ERROR) {
            return false;
        }
        out->len += ROOM - s->gzip.avail_out;
        out->ptr[out->len] = '\0';
    } while (s->gzip.avail_out == 0);
    return true;
}

static bool squeeze(sw_squeeze *s, sw_str in, bool flush, bool end, sw_buf *out)
{
    return s->zstd ? run_zstd(s, in, flush, end, out) : run_gzip(s, in, flush, end, out);
}

/* ---- the two uses -------------------------------------------------------------------------------------------- */

/* Whether the answer will be compressed; says so in its headers. */
static bool begin(sw_exchange *x)
{
    if (!worth_it(x)) {
        return false;
    }
    sw_answer_header(&x->request, "Vary", "Accept-Encoding");
    sw_str list = sw_request_header(&x->request, "Accept-Encoding");
    bool zstd = takes(list, "zstd");
    if (!zstd && !takes(list, "gzip")) {
        return false;
    }
    x->squeeze = start(x, zstd);
    if (x->squeeze) {
        sw_answer_header(&x->request, "Content-Encoding", zstd ? "zstd" : "gzip");
    }
    return x->squeeze != NULL;
}

void sw__squeeze_answer(sw_exchange *x)
{
    if (!x->fill && !x->bytes.ptr) {
        x->bytes = sw_buf_str(&x->out);
    }
    if (!begin(x) || x->fill) {
        return;
    }
    sw_buf_clear(&x->squeezed);
    if (squeeze(x->squeeze, x->bytes, true, true, &x->squeezed)) {
        x->bytes = sw_buf_str(&x->squeezed);
    } else {
        sw__answer_error(x, SW_STATUS_NO_MEMORY, NULL);
    }
    finish(x);
}

void sw__squeeze_piece(sw_exchange *x, sw_fill more)
{
    if (!x->squeeze) {
        x->bytes = sw_buf_str(&x->out);
        return;
    }
    bool nothing = x->out.len == 0 && more != SW_FILL_END;
    sw_buf_clear(&x->squeezed);
    if (!nothing && !squeeze(x->squeeze, sw_buf_str(&x->out), more == SW_FILL_WAIT,
                             more == SW_FILL_END, &x->squeezed)) {
        x->broken = true;
    }
    x->bytes = sw_buf_str(&x->squeezed);
}

void sw__squeeze_free(sw_exchange *x)
{
    if (x->squeeze) {
        finish(x);
    }
}
