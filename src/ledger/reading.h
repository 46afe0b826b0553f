/* SPDX-License-Identifier: Apache-2.0 */
/* What the reading files of the ledger share. */
#ifndef SW_LEDGER_READING_H
#define SW_LEDGER_READING_H

#include "ledger/internal.h"

/* A read session pinned to one snapshot. */
sw_status sw__snapshot_begin(sw_ledger *ledger, sw_session **out, sw_error *err) SW_MUST_CHECK;
void sw__snapshot_end(sw_ledger *ledger, sw_session *session);

/* The record if the actor may see it; secrets still in it. */
sw_status sw__read_by_id(sw_session *session, const sw_actor *actor, sw_record_id record, sw_str id,
                         sw_arena *arena, void *out, sw_error *err) SW_MUST_CHECK;
void sw__hide_secrets(sw_record_id record, void *row);
bool sw__has_secrets(sw_record_id record);

/* The ids of all organizations, in the arena. */
typedef struct sw_organizations {
    sw_str *ids;
    size_t count;
    size_t room;
} sw_organizations;
sw_status sw__organizations(sw_session *session, sw_arena *arena, sw_organizations *out,
                            sw_error *err) SW_MUST_CHECK;

/* Refuses what cannot be asked of the record's fields. */
sw_status sw__check_conditions(sw_record_id record, const sw_condition *conditions, size_t count,
                               sw_error *err) SW_MUST_CHECK;
/* The conditions of a list: the caller's, the border of the organization, no retired steps. */
typedef struct sw_bounds {
    sw_condition *conditions;
    size_t count;
    sw_value organization;
    sw_value project;
} sw_bounds;
sw_status sw__bounds(const sw_actor *actor, sw_record_id record, const sw_condition *conditions,
                     size_t condition_count, size_t spare, sw_arena *arena, sw_bounds *out,
                     sw_error *err) SW_MUST_CHECK;

/* A usage question with the range of time that conditions on steps ask for, and their other conditions. False:
 * they say something about created_at that is no range. */
typedef struct sw_range {
    sw_usage_query query;
    sw_condition others[32];
} sw_range;
bool sw__range_split(const sw_condition *conditions, size_t count, sw_range *out) SW_MUST_CHECK;

#endif
