/* SPDX-License-Identifier: Apache-2.0 */
/* A usage answer being gathered, between usage.c (which sums answer?), usage_rows.c (steps) and
 * usage_cells.c (rollup cells).
 */
#ifndef SW_LEDGER_USAGE_H
#define SW_LEDGER_USAGE_H

#include "ledger/reading.h"

/* What a group is told apart by: for each dimension a text, or a number for days, hours and status. */
typedef struct sw_usage_key {
    sw_str text[SW_DIMENSIONS_MAX];
    int64_t number[SW_DIMENSIONS_MAX];
} sw_usage_key;

typedef struct sw_times { /* measured durations of a group */
    int64_t *values;
    size_t count;
    size_t room;
    sw_histogram *histogram; /* instead of values, where histograms answer or values are too many */
} sw_times;

typedef struct sw_gathered {
    uint64_t hash;
    sw_usage_key key;
    sw_sums sums;
    sw_times times[3]; /* step, model, tool */
} sw_gathered;

typedef struct sw_gather {
    sw_session *session;
    sw_arena *arena;
    const sw_actor *actor;
    const sw_usage_query *query;
    sw_gathered **slots; /* open addressing */
    size_t size;
    size_t count;
    bool histograms; /* latency comes from histograms */
    bool full;       /* SW_LIMIT_USAGE_GROUPS */
    bool cut;        /* row_limit: older steps were not read */
    bool failed;
    sw_error error;
    int64_t rows;
    int64_t cells;
    int64_t row_limit;
} sw_gather;

/* The group of the key, made when it is new; NULL: `failed` or `full` is set. */
sw_gathered *sw__gather_group(sw_gather *gather, const sw_usage_key *key);
/* Remembers one measured duration. */
void sw__gather_time(sw_gather *gather, sw_times *times, int64_t ns);
bool sw__gather_fail(sw_gather *gather, sw_status status);

/* Adds the steps with from <= created_at < to (microseconds; INT64_MIN and INT64_MAX: no bound). */
sw_status sw__usage_rows(sw_gather *gather, int64_t from, int64_t to, sw_error *err);

/* The rollup that can answer the query, or -1; its unit of time in microseconds. */
int sw__usage_rollup(const sw_actor *actor, const sw_usage_query *query, int64_t *unit_us);
/* With latency asked for, only those that count days, as the histograms do. */
/* Whether histograms can answer its latency. */
bool sw__usage_histograms(const sw_actor *actor, const sw_usage_query *query, sw_record_id *record);
/* Adds whole units [from, to) from the rollup; from the histograms. */
sw_status sw__usage_cells(sw_gather *gather, int rollup, int64_t from_unit, int64_t to_unit,
                          sw_error *err);
sw_status sw__usage_spread(sw_gather *gather, sw_record_id record, int64_t from_day, int64_t to_day,
                           sw_error *err);

#endif
