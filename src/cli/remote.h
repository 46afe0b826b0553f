/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the server source share: one connection, and questions written as URLs by the rows
 * of model/routes.def, so that the program and the server cannot differ about a parameter.
 */
#ifndef SW_CLI_REMOTE_H
#define SW_CLI_REMOTE_H

#include <curl/curl.h>

#include "cli/source.h"
#include "http/http.h"

typedef struct sw_remote {
    sw_site source;
    CURL *easy;
    struct curl_slist *headers;
    char *base; /* of every URL, without a slash at the end */
    sw_buf url;
    sw_buf body;            /* of the last answer */
    char resume[SW_ID_MAX]; /* Stepwell-Resume of the last answer, or "" */
    char failure[CURL_ERROR_SIZE];
    /* Of an answer that streams: gets each piece; false ends it. */
    bool (*piece)(void *arg, sw_str bytes);
    void *piece_arg;
    bool (*idle)(void *arg); /* about once a second; false ends it */
    bool ended;              /* by one of the two */
} sw_remote;

/* ---- asking (remote_call.c) ------------------------------------------------------------------ */

/* The URL begins with base and the route's path, in which each {part} is `id`. */
void sw_remote_begin(sw_remote *remote, const sw_route *route, sw_str id);
/* Adds "?name=value" or "&name=value", encoded. */
void sw_remote_add(sw_remote *remote, const char *name, sw_str value);
void sw_remote_add_int(sw_remote *remote, const char *name, int64_t value);
/* Sends it. `body` is JSON, null for none. Anything but 2xx is the status that the server's error stands for, and
 * its words. */
sw_status sw_remote_send(sw_remote *remote, const sw_route *route, sw_str body, sw_error *err);

/* ---- questions (remote_query.c) -------------------------------------------------------------- */

/* The route that lists the record, or answers one; NULL: the API has none. */
const sw_route *sw_remote_lister(sw_record_id record);
const sw_route *sw_remote_getter(sw_record_id record);
/* Conditions as the route's parameters; UNSUPPORTED names the first that it has no parameter for. */
sw_status sw_remote_add_filters(sw_remote *remote, const sw_route *route, sw_record_id record,
                                const sw_list_query *query, sw_error *err);

/* ---- answers ----------------------------------------------------------------------------------- */

/* "the server answered what is no ...": it is no Stepwell, or of another version. */
sw_status sw_remote_odd(sw_error *err, const char *what);
sw_status sw_remote_usage(sw_site *source, const sw_usage_query *query, sw_usage_each *each,
                          void *arg, sw_usage_end *end, sw_error *err);
sw_status sw_remote_tail(sw_site *source, const sw_list_query *query, sw_tail_each *each, void *arg,
                         sw_error *err);

#endif
