/* SPDX-License-Identifier: Apache-2.0 */
/* Bodies that come packed (Content-Encoding), unpacked by workers: whole for a handler, or bit by bit for a
 * route whose body streams. Knows gzip and zstd, and nothing of what is in them.
 *
 * How much a body holds shows only while it is unpacked, so it is unpacked a room at a time and the limits
 * are asked after each, together with the memory that the unpacking takes. A gzip may have several members
 * and a zstd several frames, one behind the other, as their specifications say.
 */
#include <strings.h>
#include <zlib.h>
#include <zstd.h>

#include "http/observe.h"

/* A zstd says itself how far back it looks, which is memory: by RFC 9659 no more than 8 MiB. */
enum { ROOM = 64 * 1024, GZIP_WINDOW = 15 + 16, GZIP_BYTES = 48 * 1024, ZSTD_WINDOW = 23 };

struct sw_inflater {
    bool open;   /* within a member or a frame */
    bool full;   /* the room was filled: there may be more without further input */
    bool any;    /* a member or frame has ended */
    size_t used; /* of the body at hand */
    z_stream gzip;
    ZSTD_DStream *zstd;
};

sw_coding sw__coding_of(const char *text)
{
    static const struct {
        const char *word;
        sw_coding coding;
    } words[] = {{"", SW_CODING_NONE},
                 {"identity", SW_CODING_NONE},
                 {"gzip", SW_CODING_GZIP},
                 {"x-gzip", SW_CODING_GZIP},
                 {"zstd", SW_CODING_ZSTD}};
    for (size_t i = 0; i < SW_COUNT(words); i++) {
        if (strcasecmp(text, words[i].word) == 0) {
            return words[i].coding;
        }
    }
    return SW_CODING_OTHER;
}

static sw_status broken(sw_exchange *x, const char *why)
{
    sw__count_refusal(x->request.server, SW_REFUSED_CODING);
    return sw_answer_fail(&x->request, 400, "Content-Encoding: the body is not valid %s: %s",
                          x->coding == SW_CODING_GZIP ? "gzip" : "zstd",
                          why ? why : "it is damaged");
}

/* ---- the two kinds ---------------------------------------------------------------------------------- */

static sw_status begin(sw_exchange *x)
{
    sw_inflater *in = sw_alloc_zeroed(x->request.server->from, sizeof *in);
    bool ready = false;
    x->inflater = in;
    if (in && x->coding == SW_CODING_GZIP) {
        ready = inflateInit2(&in->gzip, GZIP_WINDOW) == Z_OK;
    } else if (in) {
        in->zstd = ZSTD_createDStream();
        ready = in->zstd &&
                !ZSTD_isError(ZSTD_DCtx_setParameter(in->zstd, ZSTD_d_windowLogMax, ZSTD_WINDOW));
    }
    return ready ? SW_STATUS_OK : SW_STATUS_NO_MEMORY;
}

static sw_status run_gzip(sw_exchange *x, char *to, size_t *wrote)
{
    sw_inflater *in = x->inflater;
    union {
        const char *in;
        Bytef *out;
    } bytes = {.in = x->body.ptr + in->used};
    in->gzip.next_in = bytes.out;
    in->gzip.avail_in = (uInt)(x->body.len - in->used);
    in->gzip.next_out = (Bytef *)to;
    in->gzip.avail_out = ROOM;
    int code = inflate(&in->gzip, Z_NO_FLUSH);
    *wrote = ROOM - in->gzip.avail_out;
    in->used = x->body.len - in->gzip.avail_in;
    in->open = code != Z_STREAM_END;
    if (code == Z_STREAM_END) {
        in->any = true;
        return inflateReset(&in->gzip) == Z_OK ? SW_STATUS_OK : SW_STATUS_INTERNAL;
    }
    return code == Z_OK || code == Z_BUF_ERROR ? SW_STATUS_OK
           : code == Z_MEM_ERROR               ? SW_STATUS_NO_MEMORY
                                               : broken(x, in->gzip.msg);
}

static sw_status run_zstd(sw_exchange *x, char *to, size_t *wrote)
{
    sw_inflater *in = x->inflater;
    ZSTD_inBuffer input = {x->body.ptr, x->body.len, in->used};
    ZSTD_outBuffer output = {to, ROOM, 0};
    size_t left = ZSTD_decompressStream(in->zstd, &output, &input);
    *wrote = output.pos;
    in->used = input.pos;
    in->open = left != 0;
    in->any = in->any || left == 0;
    return ZSTD_isError(left) ? broken(x, ZSTD_getErrorName(left)) : SW_STATUS_OK;
}

/* ---- the two uses ----------------------------------------------------------------------------------- */

sw_status sw__inflate_some(sw_exchange *x, bool *rest)
{
    size_t wrote = 0;
    sw_status status = x->inflater ? SW_STATUS_OK : begin(x);
    char *to = status == SW_STATUS_OK ? sw_buf_reserve(&x->inflated, ROOM) : NULL;
    sw_inflater *in = x->inflater;
    *rest = false;
    if (!to) {
        return SW_STATUS_NO_MEMORY;
    }
    if (in->used == x->body.len && !in->full) {
        return SW_STATUS_OK;
    }
    status = x->coding == SW_CODING_GZIP ? run_gzip(x, to, &wrote) : run_zstd(x, to, &wrote);
    x->inflated.len += wrote;
    x->inflated.ptr[x->inflated.len] = '\0';
    in->full = in->open && wrote == ROOM;
    *rest = in->full || in->used < x->body.len;
    if (status == SW_STATUS_OK) {
        size_t own = in->zstd ? ZSTD_sizeof_DStream(in->zstd) : GZIP_BYTES;
        status = sw__limits_inflated(x, own + x->inflated.cap);
    }
    return status;
}

void sw__inflate_next(sw_exchange *x)
{
    if (x->inflater) {
        x->inflater->used = 0;
    }
}

sw_status sw__inflate_end(sw_exchange *x)
{
    const sw_inflater *in = x->inflater;
    return in && (in->open || !in->any) ? broken(x, "it ends too early") : SW_STATUS_OK;
}

sw_status sw__inflate_body(sw_exchange *x)
{
    bool rest = x->body.len > 0;
    sw_status status = SW_STATUS_OK;
    while (rest && status == SW_STATUS_OK) {
        status = sw__inflate_some(x, &rest);
    }
    if (status == SW_STATUS_OK) {
        status = sw__inflate_end(x);
    }
    x->request.body = sw_buf_str(&x->inflated);
    return status;
}

void sw__inflate_free(sw_exchange *x)
{
    sw_inflater *in = x->inflater;
    if (in) {
        (void)inflateEnd(&in->gzip);
        ZSTD_freeDStream(in->zstd);
        sw_free(x->request.server->from, in);
        x->inflater = NULL;
    }
}
