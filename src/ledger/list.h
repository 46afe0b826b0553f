/* SPDX-License-Identifier: Apache-2.0 */
/* A list under way, between list.c and list_duration.c. */
#ifndef SW_LEDGER_LIST_H
#define SW_LEDGER_LIST_H

#include "ledger/reading.h"

/* A list under way. */
typedef struct sw_page {
    sw_session *session;
    sw_record_id record;
    const sw_list_query *query;
    sw_arena *arena;
    sw_each *each;
    void *arg;
    int64_t limit; /* rows to show; 0: all */
    int64_t shown;
    bool more;        /* a row past the limit was seen */
    bool stopped;     /* the caller had enough */
    bool reached_end; /* the other cursor was reached */
    bool failed;
    sw_error error;
    sw_record_id metrics;
    const uint8_t *order;
    size_t order_count;
    bool descending;
    const void *bound; /* the row of the other cursor, or NULL */
    void *horizon;     /* nothing beyond this place is known; NULL: all is */
    bool keep_all;     /* keep the rows; somebody else shows them */
    bool turn_round;   /* keep the rows and show them in reverse */
    sw_rows kept;
    size_t room;
} sw_page;

/* The visit of a page's scan, and showing one row to the caller. */
sw_seen sw__list_visit(void *arg, const void *row);
bool sw__list_show(sw_page *page, const void *row);
/* Where a search that gave up can go on. */
void sw__list_resume(const sw_page *page, const void *place, sw_list_end *end);
/* The page over all organizations: `bounds` has room for one more condition. */
sw_status sw__list_everywhere(sw_page *page, sw_scan *scan, sw_bounds *bounds, uint8_t owner_field,
                              sw_list_end *end, sw_error *err);
int64_t sw__look_limit(const sw_list_query *query);
/* Runs in the order of how long they took. */
sw_status sw__list_by_duration(sw_page *page, const sw_actor *actor, sw_list_end *end,
                               sw_error *err);
/* The duration that `percent` of the runs asked for do not reach; *any false: no run has ended; *cut:
 * there were more runs than may be looked at, and the answer would be wrong. */
sw_status sw__duration_floor(sw_page *page, const sw_actor *actor, int64_t percent, bool *any,
                             bool *cut, int64_t *out, sw_error *err);

#endif
