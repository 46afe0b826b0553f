/* SPDX-License-Identifier: Apache-2.0 */
/* Serves the dashboard: one page for all its addresses, and what that page loads. Knows not what is in them.
 *
 * The page runs nothing and loads nothing that is not a file of this server's, sends nothing elsewhere, and stands in no
 * other page: what is shown comes from agents, and some of that from strangers. Files whose name has their hash are kept
 * by browsers for ever, the page is asked for anew each time.
 */
#include <stdio.h>

#include "http/http.h"
#include "web/web.h"

static const char policy[] =
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

static const char no_dashboard[] =
    "This Stepwell was built without its dashboard: install Node.js (18 or newer) and npm, let npm reach its "
    "registry, and build again; the API is here all the same, and described at /openapi.json.\n";

/* The smallest form that the client takes. */
static sw_str pick(sw_request *request, const sw_web_file *file, const char **coding)
{
    *coding = NULL;
    if (file->brotli.ptr && sw_request_takes(request, "br")) {
        *coding = "br";
        return file->brotli;
    }
    if (file->gzip.ptr && sw_request_takes(request, "gzip")) {
        *coding = "gzip";
        return file->gzip;
    }
    return file->plain;
}

/* Each form has a tag of its own; who has any of them has the file. */
static bool has_it(const sw_request *request, const sw_web_file *file)
{
    sw_str tags = sw_request_header(request, "If-None-Match");
    return tags.ptr && strstr(tags.ptr, file->hash);
}

static void answer_file(sw_request *request, const sw_web_file *file)
{
    const char *coding = NULL;
    sw_str bytes = pick(request, file, &coding);
    bool same = has_it(request, file);
    sw_str tag = sw_arena_printf(&request->arena, "\"%s%s%s\"", file->hash, coding ? "-" : "",
                                 coding ? coding : "");
    sw_answer_header(request, "ETag", tag.ptr ? tag.ptr : "");
    sw_answer_header(request, "Cache-Control",
                     file->fixed ? "public, max-age=31536000, immutable" : "no-cache");
    sw_answer_packed(request, coding);
    sw_answer_bytes(request, same ? 304 : 200, file->type, same ? SW_STR("") : bytes);
}

sw_status sw_http_web_page(sw_request *request, sw_error *err)
{
    const sw_web_file *page = sw_web_find(SW_STR(SW_WEB_PAGE));
    (void)err;
    sw_answer_header(request, "Content-Security-Policy", policy);
    sw_answer_header(request, "Referrer-Policy", "no-referrer");
    if (page) {
        answer_file(request, page);
    } else {
        sw_answer_bytes(request, 501, "text/plain; charset=utf-8", SW_STR(no_dashboard));
    }
    return SW_STATUS_OK;
}

sw_status sw_http_web_asset(sw_request *request, sw_error *err)
{
    const sw_web_file *file = sw_web_find(sw_path_value(request, 0));
    (void)err;
    if (!file) {
        return sw_answer_fail(request, 404, "Not Found");
    }
    answer_file(request, file);
    return SW_STATUS_OK;
}
