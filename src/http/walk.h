/* SPDX-License-Identifier: Apache-2.0 */
/* Many steps as one streamed answer. Each time the client can take more, a page is read behind the last step that was
 * sent, and nothing is held in between: neither memory nor a reader of the store, however slow the client is. Knows
 * nothing of what is written of a step.
 */
#ifndef SW_HTTP_WALK_H
#define SW_HTTP_WALK_H

#include "http/http.h"

typedef struct sw_walk sw_walk;
/* Adds what is sent of the step to `out`. */
typedef void sw_walk_write(sw_walk *walk, const sw_step *step, sw_buf *out);

struct sw_walk {
    sw_request *request;
    sw_list_query query; /* which steps, in which order; the maker of the walk fills it in */
    sw_walk_write *write;
    int64_t left; /* to be sent yet; -1: all */
    bool complete;
    sw_buf *out;
    sw_buf first;   /* the piece that was read before the answer began */
    sw_value place; /* the time in the condition that is added when the place is lost */
    bool has_place;
    /* The last step that was sent. */
    char last_id[SW_ID_MAX];
    sw_int last_time;
    bool lost; /* it was deleted: only what lies behind its place counts */
    /* Of a writer that reads more of a step; goes with the walk, and is as new for each page. It is called when the
     * list of a page has ended: who reads within a list holds one reader of the store and waits for another, and when
     * all do that, all wait until they are told that the store is busy. */
    sw_memory *memory;
    sw_arena kept_in;
    sw_step *kept; /* the steps of the page, until then */
    size_t kept_count;
};

/* A walk in the request's arena, over no query yet. */
sw_status sw__walk_make(sw_request *request, sw_walk_write *write, sw_walk **out,
                        sw_error *err) SW_MUST_CHECK;
/* Reads the first piece, while the request can still be refused, and answers with the stream. What stands in
 * `first` already goes before the steps. */
sw_status sw__walk_answer(sw_walk *walk, const char *content_type, sw_error *err) SW_MUST_CHECK;

#endif
