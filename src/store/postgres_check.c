/* SPDX-License-Identifier: Apache-2.0 */
/* What the database itself can say of a fault: references to rows that are not there. Its constraints forbid them, but
 * constraints can be turned off, and were not always there. Never shows what a row holds.
 */
#include <stdio.h>

#include "store/postgres_impl.h"

enum { FAULTS = 20 };

static sw_status check_reference(sw_pg_session *session, const sw_record *record,
                                 const sw_field *field, sw_fault *fault, void *arg, sw_error *err)
{
    const sw_record *parent = &sw__records[field->ref.record_plus_1 - 1];
    char sql[400], where[160], what[160];
    PGresult *result = NULL;
    (void)snprintf(sql, sizeof sql,
                   "SELECT t.ctid::text FROM %s AS t WHERE t.\"%s\" IS NOT NULL AND NOT EXISTS"
                   " (SELECT FROM %s AS p WHERE p.id = t.\"%s\") LIMIT %d",
                   record->table, sw_field_column(field), parent->table, sw_field_column(field),
                   (int)FAULTS);
    sw_status status = sw__pg_send_text(session, sql, NULL, err);
    if (status == SW_STATUS_OK) {
        status = sw__pg_receive(session, &result, err);
    }
    for (int i = 0; status == SW_STATUS_OK && i < sw__pq.ntuples(result); i++) {
        (void)snprintf(where, sizeof where, "%s row %.40s", record->table,
                       sw__pq.getvalue(result, i, 0));
        (void)snprintf(what, sizeof what, "refers to a row of %s that is not there", parent->table);
        fault(arg, where, what);
    }
    sw__pq.clear(result);
    return status;
}

sw_status sw__pg_count(sw_session *head, sw_record_id record, int64_t *out, sw_error *err)
{
    sw_pg_session *session = sw__pg(head);
    char sql[120];
    bool own = false;
    PGresult *result = NULL;
    (void)snprintf(sql, sizeof sql, "SELECT count(*) FROM %s", sw_record_of(record)->table);
    sw_status status = sw__pg_snapshot(session, &own, err);
    status = status == SW_STATUS_OK ? sw__pg_send_text(session, sql, NULL, err) : status;
    status = status == SW_STATUS_OK ? sw__pg_receive(session, &result, err) : status;
    *out = status == SW_STATUS_OK ? sw__pg_read_long(result, 0, 0) : 0;
    sw__pq.clear(result);
    sw__pg_snapshot_end(session, own, status != SW_STATUS_OK);
    return status;
}

sw_status sw__pg_check(sw_session *head, sw_fault *fault, void *arg, sw_error *err)
{
    sw_pg_session *session = sw__pg(head);
    bool own = false;
    sw_status status = sw__pg_snapshot(session, &own, err);
    for (size_t r = 0; r < SW_RECORD_COUNT; r++) {
        const sw_record *record = &sw__records[r];
        for (size_t i = 0; status == SW_STATUS_OK && i < record->field_count; i++) {
            if (record->fields[i].ref.record_plus_1) {
                status = check_reference(session, record, &record->fields[i], fault, arg, err);
            }
        }
    }
    sw__pg_snapshot_end(session, own, status != SW_STATUS_OK);
    return status;
}
