/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the server source share: one connection, and questions written as URLs by the rows
 * of model/routes.def, so that the program and the server cannot differ about a parameter.
 */
#ifndef SW_CLI_REMOTE_H
#define SW_CLI_REMOTE_H

#include "cli/source.h"
#include "http/curl.h"
#include "http/http.h"

typedef struct sw_remote {
    sw_site source;
    CURL *easy;
    struct curl_slist *headers;
    struct curl_slist *packed; /* the same of a body that is pulled */
    char *base;                /* of every URL, without a slash at the end */
    sw_buf url;
    sw_buf body;            /* of the last answer */
    sw_buf next;            /* of a question in parts: where the next one goes on */
    char resume[SW_ID_MAX]; /* Stepwell-Resume of the last answer, or "" */
    int64_t date_us;        /* Date of the last answer, to the second; 0: it said none */
    char failure[CURL_ERROR_SIZE];
    /* Of an answer that streams: gets each piece; false ends it. */
    bool (*piece)(void *arg, sw_str bytes);
    void *piece_arg;
    bool (*idle)(void *arg); /* about once a second; false ends it */
    /* Of a body that is made while it is sent, packed with zstd: its next bytes, SIZE_MAX when there is no memory; and
     * from the beginning again. NULL: none. */
    size_t (*pull)(void *arg, char *to, size_t room);
    void (*rewind)(void *arg);
    void *pull_arg;
    bool ended; /* by one of the two */
} sw_remote;

/* ---- asking (remote_call.c) ------------------------------------------------------------------ */

/* The URL begins with base and the route's path, in which each {part} is `id`. */
void sw_remote_begin(sw_remote *remote, const sw_route *route, sw_str id);
/* Adds "?name=value" or "&name=value", encoded. */
void sw_remote_add(sw_remote *remote, const char *name, sw_str value);
/* Nothing when it is null. */
void sw_remote_add_time(sw_remote *remote, const char *name, sw_int us);
void sw_remote_add_int(sw_remote *remote, const char *name, int64_t value);
/* Sends it. `body` is JSON, null for none. Anything but 2xx is the status that the server's error stands for, and
 * its words. */
sw_status sw_remote_send(sw_remote *remote, const sw_route *route, sw_str body, sw_error *err);

/* ---- questions (remote_query.c) -------------------------------------------------------------- */

/* The route that lists the record, or answers one; NULL: the API has none. */
const sw_route *sw_remote_lister(sw_record_id record);
const sw_route *sw_remote_getter(sw_record_id record);
/* The route of the record that this handler answers; NULL: none. */
const sw_route *sw_remote_route(sw_record_id record, sw_handler *handler);
/* Conditions as the route's parameters; UNSUPPORTED names the first that it has no parameter for. */
sw_status sw_remote_add_filters(sw_remote *remote, const sw_route *route, sw_record_id record,
                                const sw_list_query *query, sw_error *err);

/* ---- answers ----------------------------------------------------------------------------------- */

/* "the server answered what is no ...": it is no Stepwell, or of another version. */
sw_status sw_remote_odd(sw_error *err, const char *what);
sw_status sw_remote_usage(sw_site *source, const sw_usage_query *query, sw_usage_each *each,
                          void *arg, sw_usage_end *end, sw_error *err);
sw_status sw_remote_create(sw_site *source, sw_record_id record, const void *row,
                           char id[SW_ID_MAX], sw_error *err);
sw_status sw_remote_remove(sw_site *source, sw_record_id record, sw_str id, sw_error *err);
sw_status sw_remote_unknown_costs(sw_site *source, sw_int from, sw_int to,
                                  sw_unknown_cost_each *each, void *arg, bool *complete,
                                  sw_error *err);
sw_status sw_remote_reprice(sw_site *source, const sw_reprice_query *query, sw_reprice_end *end,
                            sw_error *err);
/* What an import asks of the server, and sends it (remote_import.c); in the arena. NULL: no memory. */
const struct import_away *sw_remote_import(sw_site *source, sw_arena *arena);
sw_status sw_remote_tail(sw_site *source, const sw_list_query *query, sw_tail_each *each, void *arg,
                         sw_error *err);

#endif
