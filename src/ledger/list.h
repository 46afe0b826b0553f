/* SPDX-License-Identifier: Apache-2.0 */
/* A list under way, between list.c and the files beside it. */
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
    bool more;          /* a row past the limit was seen */
    int64_t byte_limit; /* the query's */
    int64_t bytes;      /* of the rows so far */
    bool cut;           /* byte_limit ended the page behind the row `last` */
    char last[SW_ID_MAX];
    bool stopped;     /* the caller had enough */
    bool reached_end; /* the other cursor was reached */
    bool failed;
    sw_error error;
    bool secrets;            /* rows hold what is not shown */
    const sw_actor *limited; /* each row must be asked whether he sees it; NULL: no */
    sw_record_id metrics;
    const uint8_t *order;
    size_t order_count;
    bool descending;
    const void *bound; /* the row of the other cursor, or NULL */
    const void *edge;  /* a row: nobody asks for what lies beyond it; or NULL */
    bool counting;     /* rows are counted, not shown */
    bool keep_all;     /* keep the rows; somebody else shows them */
    bool turn_round;   /* keep the rows and show them in reverse */
    sw_rows kept;
    size_t room;
    sw_arena *kept_in; /* where they live */
} sw_page;

/* The visit of a page's scan, and showing one row to the caller. */
sw_seen sw__list_visit(void *arg, const void *row);
bool sw__list_show(sw_page *page, const void *row);
/* Below 0: a comes before b in the order of the page. */
int sw__list_cmp(const sw_page *page, const void *a, const void *b);
/* What conditions cannot say (search.c), and the fields of the row that this reads. */
bool sw__list_wanted(sw_page *page, const void *row);
uint64_t sw__list_wanted_fields(const sw_page *page);
/* Where a search that gave up can go on. */
void sw__list_resume(const sw_page *page, const void *place, sw_list_end *end);
/* The list over all organizations. */
sw_status sw__list_everywhere(sw_page *page, const sw_scan *scan, uint8_t owner_field,
                              sw_list_end *end, sw_error *err);
int64_t sw__look_limit(const sw_list_query *query);
/* Runs in the order of how long they took. */
sw_status sw__list_by_duration(sw_page *page, const sw_actor *actor, sw_list_end *end,
                               sw_error *err);
/* The duration that `percent` of the runs asked for do not reach; *any false: no run has ended; *cut:
 * there were more runs than may be looked at, and the answer would be wrong. */
sw_status sw__duration_floor(sw_page *page, const sw_actor *actor, int64_t percent, bool *any,
                             bool *cut, int64_t *out, sw_error *err);

/* The list itself. Counting, nothing is shown. */
sw_status sw__list(sw_ledger *ledger, const sw_actor *actor, const sw_list_query *query,
                   sw_page *page, sw_list_end *end, sw_error *err);

#endif
