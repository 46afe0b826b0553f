/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/import/v1_source.h"

#include <sqlite3.h>
#include <stdio.h>
#include <unistd.h>

const v1_size size = {.steps = STEPS, .step_us = 600000000, .seed = 3};

/* ---- sources ------------------------------------------------------------------------------------------ */

source file_at(const char *name)
{
    source s = {.file = true, .age = V1_JOBS};
    (void)snprintf(s.path, sizeof s.path, "%s", place_path(name));
    return s;
}

source make_file(const char *name)
{
    source s = file_at(name);
    (void)snprintf(s.url, sizeof s.url, "sqlite:%s", s.path);
    (void)unlink(s.path);
    v1_sqlite_make(s.path);
    v1_sqlite_fill(s.path, &size);
    return s;
}

source make_server(v1_age age)
{
    source s = {.age = age};
    pg_new_url(s.url, sizeof s.url);
    v1_make(s.url, age);
    v1_fill(s.url, age, &size);
    return s;
}

bool no_server(void)
{
    const char *missing = pg_missing();
    if (missing) {
        print_message("skipped: %s\n", missing);
    }
    return missing != NULL;
}

void ask(const source *s, const char *sql, char *out, size_t room)
{
    sqlite3 *db = NULL;
    sqlite3_stmt *statement = NULL;
    const char *whole = sql;
    if (!s->file) {
        pg_sql(s->url, sql, out, room);
        return;
    }
    assert_int_equal(sqlite3_open(s->path, &db), SQLITE_OK);
    while (*sql) {
        if (sqlite3_prepare_v2(db, sql, -1, &statement, &sql) != SQLITE_OK) {
            fail_msg("%s: %s", sqlite3_errmsg(db), whole);
        }
        if (sqlite3_step(statement) == SQLITE_ROW && out) {
            const unsigned char *text = sqlite3_column_text(statement, 0);
            (void)snprintf(out, room, "%s", text ? (const char *)text : "");
        }
        sqlite3_finalize(statement);
    }
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

int64_t number(const source *s, const char *sql)
{
    char answer[64] = "";
    ask(s, sql, answer, sizeof answer);
    return strtoll(answer, NULL, 10);
}

v1_totals totals_of(const source *s, const char *organization)
{
    return s->file ? v1_sqlite_count(s->path, organization)
                   : v1_count(s->url, s->age, organization);
}

void id_of(const source *s, const char *kind, int64_t n, char out[64])
{
    s->file ? v1_sqlite_id(&size, kind, n, out) : v1_id(s->url, &size, kind, n, out);
}

/* ---- imports ------------------------------------------------------------------------------------------ */

told trouble;

static void tell(void *arg, const char *table, sw_str id, const char *field, const char *why,
                 bool taken)
{
    told *t = arg;
    t->refused += !taken;
    t->left_out += taken;
    if (t->len + 400 < sizeof t->text) {
        t->len += (size_t)snprintf(t->text + t->len, 400, "%s %.*s %s %s: %.120s\n", table,
                                   (int)(id.len > 60 ? 60 : id.len), id.ptr ? id.ptr : "", field,
                                   taken ? "left out" : "refused", why);
    }
}

sw_ledger *open_ledger(const char *store)
{
    sw_ledger *ledger = NULL;
    sw_error err = {.status = SW_STATUS_OK};
    const sw_ledger_options options = {.store = store, .keep_secret_key = true, .no_reaper = true};
    if (sw_ledger_open(&options, &ledger, &err) != SW_STATUS_OK) {
        fail_msg("%s", err.message);
    }
    return ledger;
}

const char *store_of(const char *name)
{
    static char url[600];
    (void)snprintf(url, sizeof url, "sqlite:%s", place_path(name));
    return url;
}

import_v1_result take_with(sw_ledger *ledger, const source *s, bool dry_run)
{
    import_v1_result r;
    sw_error err = {.status = SW_STATUS_OK};
    const import_v1_options options = {.dry_run = dry_run, .trouble = tell, .arg = &trouble};
    trouble.len = 0;
    trouble.text[0] = '\0';
    trouble.refused = trouble.left_out = 0;
    if (import_v1(ledger, &options, s->url, &r, &err) != SW_STATUS_OK) {
        fail_msg("%s %s", err.field, err.message);
    }
    return r;
}

import_v1_result take(const char *name, const source *s)
{
    sw_ledger *ledger = open_ledger(store_of(name));
    import_v1_result r = take_with(ledger, s, false);
    sw_ledger_close(&ledger);
    return r;
}

import_v1_count sum(const import_v1_result *r)
{
    import_v1_count all = {.table = NULL};
    for (size_t i = 0; i < IMPORT_V1_TABLES; i++) {
        all.rows += r->tables[i].rows;
        all.made += r->tables[i].made;
        all.ended += r->tables[i].ended;
        all.there += r->tables[i].there;
        all.differing += r->tables[i].differing;
        all.refused += r->tables[i].refused;
    }
    return all;
}

void assert_told(const char *what)
{
    if (!strstr(trouble.text, what)) {
        fail_msg("nothing was told like: %s\n%s", what, trouble.text);
    }
}

int64_t entries(sw_ledger *ledger)
{
    sw_ledger_info info;
    assert_int_equal(sw_ledger_info_get(ledger, &info, NULL), SW_STATUS_OK);
    return info.journal_entries;
}
