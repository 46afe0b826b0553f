/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/lib/older.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "model/model.h"

static void run_raw(sqlite3 *db, const char *sql)
{
    if (sqlite3_exec(db, sql, NULL, NULL, NULL) != SQLITE_OK) {
        fail_msg("%s: %s", sql, sqlite3_errmsg(db));
    }
}

void older_make_first(sqlite3 *db)
{
    char sql[200];
    for (int r = 0; r < SW_RECORD_COUNT; r++) {
        snprintf(sql, sizeof sql, "DROP VIEW IF EXISTS %s", sw__records[r].table);
        run_raw(db, sql);
    }
    for (int r = SW_RECORD_COUNT - 1; r >= 0; r--) {
        const sw_record *record = &sw__records[r];
        bool is_new = record->fields[0].since > 1;
        snprintf(sql, sizeof sql, "DROP TABLE %s_data", record->table);
        if (is_new) {
            run_raw(db, sql);
        }
        for (size_t i = 0; !is_new && i < record->field_count; i++) {
            if (record->fields[i].since > 1 && !(record->fields[i].flags & SW_SHARED)) {
                snprintf(sql, sizeof sql, "ALTER TABLE %s_data DROP COLUMN %s", record->table,
                         record->fields[i].name);
                run_raw(db, sql);
            }
        }
    }
    run_raw(db, "PRAGMA user_version = 1");
}
