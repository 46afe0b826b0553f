/* SPDX-License-Identifier: Apache-2.0 */
/* Adopting a database of Letta V1 (adopt.h): the difference between what the catalogue says is there and what the rows
 * of the model say must be, told to people or written as SQL by the same walk. Nothing of V1's is rewritten or dropped but
 * two kinds of rules: that a column be filled which our rows leave empty, and that messages be numbered across
 * organizations.
 */
#include <stdio.h>
#include <time.h>

#include "store/postgres_adopt.h"

/* How long to wait for the lock at once, between two tries, and altogether. */
enum { LOCK_MS = 1000, PAUSE_MS = 100, WAIT_MS = 10000 };

/* ---- the plan, told or written ------------------------------------------------------------------ */

typedef struct plan {
    sw_adoption *a;
    sw_adopt_line *line; /* NULL: nobody listens */
    void *arg;
    sw_buf *sql; /* NULL: it is not written */
    sw_adopt_found *found;
} plan;

static void tell(const plan *p, const char *what, const char *table, const char *column,
                 const char *detail)
{
    char name[160];
    (void)snprintf(name, sizeof name, "%s%s%s", table, column[0] ? "." : "", column);
    if (p->line) {
        p->line(p->arg, what, name, detail);
    }
}

static void add_table(const plan *p, const sw_table *table)
{
    const sw_record *record = table->model;
    p->found->tables++;
    tell(p, "table", record->table, "", "new");
    if (!p->sql) {
        return;
    }
    if (table->record == SW_RECORD_STEP) {
        sw__pg_print_types(record, p->sql);
    }
    sw__pg_print_table(table, p->sql);
    for (size_t i = 0; i < record->index_count; i++) {
        sw__pg_print_index(table, &record->indexes[i], "",
                           sw__pg_is_v1(table->record) ? SW_PG_ADOPTED : "", p->sql);
    }
}

/* What V1's rows are told to say by themselves; and what they say by saying nothing (postgres_adopted.c). */
static sw_field as_added(const sw_field *field)
{
    sw_field added = *field;
    if (strcmp(field->name, "source") == 0 && field->kind == SW_KIND_ENUM) {
        added.fallback = sw_enum_word(field->words, SW_SOURCE_ADOPTED);
    }
    if (strcmp(field->name, "usage_state") == 0) {
        added.flags &= ~(uint32_t)SW_NOT_NULL;
    }
    return added;
}

static void begin_change(const plan *p, const sw_record *record, bool *begun)
{
    if (*begun) {
        sw_buf_adds(p->sql, ",\n  ");
    } else {
        sw_buf_addf(p->sql, "ALTER TABLE %s\n  ", record->table);
    }
    *begun = true;
}

static sw_status add_columns(const plan *p, const sw_record *record, bool *begun, sw_error *err)
{
    for (size_t i = 0; i < record->field_count; i++) {
        const sw_field field = as_added(&record->fields[i]);
        if (sw__pg_adopt_has(p->a, record->table, sw_field_column(&field))) {
            continue;
        }
        if ((field.flags & SW_NOT_NULL) && !field.fallback) {
            return sw_fail(err, SW_STATUS_INVALID, "url",
                           "%s: table %s lacks the column %s, which no V1 is known to lack",
                           p->a->found.place, record->table, sw_field_column(&field));
        }
        p->found->columns++;
        tell(p, "column", record->table, sw_field_column(&field), sw__pg_type(&field));
        if (p->sql) {
            begin_change(p, record, begun);
            sw_buf_adds(p->sql, "ADD COLUMN ");
            sw__pg_print_declaration(&field, p->sql);
        }
    }
    return SW_STATUS_OK;
}

/* A column that must be filled, and that our rows leave empty. */
static bool hinders(const sw_adoption *a, const sw_record *record, int line)
{
    const char *column = sw__pq.getvalue(a->columns, line, 1);
    if (!sw__pg_adopt_says(a, line, 3)) {
        return false;
    }
    for (size_t i = 0; i < record->field_count; i++) {
        const sw_field *field = &record->fields[i];
        if (strcmp(sw_field_column(field), column) == 0) {
            return (field->flags & SW_SHARED) ? !sw__pg_adopt_says(a, line, 4)
                                              : !(field->flags & SW_NOT_NULL);
        }
    }
    return !sw__pg_adopt_says(a, line, 4);
}

static void loosen(const plan *p, const sw_record *record, bool *begun)
{
    const sw_adoption *a = p->a;
    for (int i = 0; i < sw__pq.ntuples(a->columns); i++) {
        if (strcmp(sw__pq.getvalue(a->columns, i, 0), record->table) != 0 ||
            !hinders(a, record, i)) {
            continue;
        }
        p->found->loosened++;
        tell(p, "loosen", record->table, sw__pq.getvalue(a->columns, i, 1), "may be null");
        if (p->sql) {
            begin_change(p, record, begun);
            sw_buf_addf(p->sql, "ALTER COLUMN \"%s\" DROP NOT NULL",
                        sw__pq.getvalue(a->columns, i, 1));
        }
    }
    if (record == a->store->tables[SW_RECORD_MESSAGE].model && a->unique[0]) {
        p->found->loosened++;
        tell(p, "loosen", record->table, "sequence_id", "unique in each organization");
        if (p->sql) {
            begin_change(p, record, begun);
            sw_buf_addf(p->sql, "DROP CONSTRAINT \"%s\"", a->unique);
        }
    }
}

static sw_status plan_record(const plan *p, const sw_table *table, sw_error *err)
{
    const sw_record *record = table->model;
    bool begun = false;
    if (!sw__pg_adopt_has(p->a, record->table, NULL)) {
        add_table(p, table);
        return SW_STATUS_OK;
    }
    if (!sw__pg_is_v1(table->record)) {
        return SW_STATUS_OK;
    }
    sw_status status = add_columns(p, record, &begun, err);
    if (status == SW_STATUS_OK) {
        loosen(p, record, &begun);
    }
    if (begun) {
        sw_buf_adds(p->sql, ";\n");
    }
    return status;
}

static sw_status plan_tables(const plan *p, sw_error *err)
{
    sw_status status = SW_STATUS_OK;
    p->found->tables = p->found->columns = p->found->loosened = 0;
    for (size_t r = 0; r < SW_RECORD_COUNT && status == SW_STATUS_OK; r++) {
        status = plan_record(p, &p->a->store->tables[r], err);
    }
    return status;
}

/* ---- indexes ------------------------------------------------------------------------------------ */

/* 1: whole, 0: a build was cut off, -1: it is not there. */
static int index_state(const sw_adoption *a, const char *name)
{
    const size_t before = sizeof SW_PG_ADOPTED - 1;
    for (int i = 0; i < sw__pq.ntuples(a->indexes); i++) {
        if (strcmp(sw__pq.getvalue(a->indexes, i, 0) + before, name) == 0) {
            return sw__pq.getvalue(a->indexes, i, 1)[0] == 't';
        }
    }
    return -1;
}

typedef sw_status each_index(const plan *p, const sw_table *table, const sw_index *index, int state,
                             sw_error *err);

static sw_status walk_indexes(const plan *p, each_index *each, sw_error *err)
{
    sw_status status = SW_STATUS_OK;
    for (size_t r = 0; r < SW_RECORD_COUNT; r++) {
        const sw_table *table = &p->a->store->tables[r];
        bool there = sw__pg_is_v1(r) && sw__pg_adopt_has(p->a, table->model->table, NULL);
        for (size_t i = 0; there && i < table->model->index_count && status == SW_STATUS_OK; i++) {
            const sw_index *index = &table->model->indexes[i];
            int state = index_state(p->a, index->name);
            status = state == 1 ? SW_STATUS_OK : each(p, table, index, state, err);
        }
    }
    return status;
}

static sw_status tell_index(const plan *p, const sw_table *table, const sw_index *index, int state,
                            sw_error *err)
{
    char name[80];
    (void)err;
    (void)snprintf(name, sizeof name, "%s%s", SW_PG_ADOPTED, index->name);
    p->found->indexes++;
    tell(p, "index", name, "", state == 0 ? "anew: a build was cut off" : table->model->table);
    return SW_STATUS_OK;
}

typedef struct building {
    sw_adoption *a;
    sw_store_progress *progress;
    void *arg;
    int64_t done;
} building;

static sw_status build_index(const plan *p, const sw_table *table, const sw_index *index, int state,
                             sw_error *err)
{
    building *b = p->arg;
    sw_buf sql;
    sw_status status = SW_STATUS_OK;
    sw_buf_init(&sql, &p->a->allocator, 1 << 16);
    if (state == 0) {
        sw_buf_addf(&sql, "DROP INDEX CONCURRENTLY %s%s", SW_PG_ADOPTED, index->name);
        status = sw__pg_run(p->a->conn, sql.ptr, "drop an index that was cut off", NULL, err);
        sw_buf_clear(&sql);
    }
    sw__pg_print_index(table, index, "CONCURRENTLY ", SW_PG_ADOPTED, &sql);
    if (status == SW_STATUS_OK && sql.status == SW_STATUS_OK) {
        status = sw__pg_run(p->a->conn, sql.ptr, "build an index", NULL, err);
    }
    sw_buf_fini(&sql);
    if (b->progress) {
        b->progress(b->arg, ++b->done, p->found->indexes);
    }
    return status;
}

sw_status sw_adopt_index(sw_adoption *a, sw_store_progress *progress, void *arg, sw_error *err)
{
    static const char settings[] = "SET statement_timeout = 0; SET lock_timeout = 0;"
                                   " SET maintenance_work_mem = '256MB'";
    building b = {a, progress, arg, 0};
    const plan p = {.a = a, .arg = &b, .found = &a->found};
    sw_status status = sw__pg_adopt_look(a, err);
    if (status == SW_STATUS_OK) {
        status = sw__pg_run(a->conn, settings, "build indexes", NULL, err);
    }
    return status == SW_STATUS_OK ? walk_indexes(&p, build_index, err) : status;
}

sw_status sw_adopt_tell(sw_adoption *a, sw_adopt_line *line, void *arg, sw_error *err)
{
    const plan p = {.a = a, .line = line, .arg = arg, .found = &a->found};
    sw_status status = plan_tables(&p, err);
    a->found.indexes = 0;
    return status == SW_STATUS_OK ? walk_indexes(&p, tell_index, err) : status;
}

/* ---- tables and columns ------------------------------------------------------------------------- */

/* All of V1's tables at once, so that whoever comes second waits before anything was changed. */
static void print_lock(const sw_adoption *a, sw_buf *sql)
{
    const char *comma = "LOCK TABLE ";
    sw_buf_addf(sql, "BEGIN; SET LOCAL lock_timeout = %d; SET LOCAL statement_timeout = 0; ",
                (int)LOCK_MS);
    for (size_t r = 0; r < SW_RECORD_COUNT; r++) {
        const char *table = a->store->tables[r].model->table;
        if (sw__pg_is_v1(r) && sw__pg_adopt_has(a, table, NULL)) {
            sw_buf_addf(sql, "%s%s", comma, table);
            comma = ", ";
        }
    }
    sw_buf_adds(sql, " IN ACCESS EXCLUSIVE MODE");
}

static void roll_back(const sw_adoption *a)
{
    sw__pq.clear(sw__pq.exec(a->conn, "ROLLBACK"));
}

static int64_t mono_ms(void)
{
    return sw__system_clock.mono_us(sw__system_clock.data) / 1000;
}

/* Who waits for such a lock keeps all others waiting too; so it waits for a second at a time, and lets them by. */
static sw_status lock_tables(const sw_adoption *a, sw_error *err)
{
    const struct timespec pause = {.tv_nsec = (long)PAUSE_MS * 1000000};
    const int64_t until = mono_ms() + a->store->busy_ms;
    sw_status status = SW_STATUS_BUSY;
    sw_buf sql;
    sw_buf_init(&sql, &a->allocator, 1 << 16);
    print_lock(a, &sql);
    while (status == SW_STATUS_BUSY) {
        status = sql.status == SW_STATUS_OK
                     ? sw__pg_run(a->conn, sql.ptr, "lock the tables", NULL, err)
                     : sw_no_memory(err);
        if (status != SW_STATUS_OK) {
            roll_back(a);
        }
        if (status == SW_STATUS_BUSY && mono_ms() >= until) {
            (void)sw_fail(
                err, SW_STATUS_BUSY, "",
                "somebody held one of V1's tables for %lld seconds (a long transaction, or "
                "V1 itself); nothing was changed: stop it, and try again",
                (long long)(a->store->busy_ms / 1000));
            break;
        }
        if (status == SW_STATUS_BUSY) {
            (void)nanosleep(&pause, NULL);
        }
    }
    sw_buf_fini(&sql);
    return status;
}

static void print_adoption(const plan *p)
{
    const int version = sw__schema_version(sw__records, SW_RECORD_COUNT);
    if (p->a->found.again) {
        return;
    }
    sw__pg_print_basics(p->sql);
    sw_buf_addf(p->sql,
                "UPDATE stepwell_state SET schema_version = %d;\n"
                "CREATE TABLE stepwell_adoption (id integer PRIMARY KEY CHECK (id = 1), age varchar"
                " NOT NULL, began timestamptz NOT NULL DEFAULT now(), done timestamptz);\n"
                "INSERT INTO stepwell_adoption (id, age) VALUES (1, '%s');\n",
                version, p->a->found.age);
}

static sw_status add_locked(sw_adoption *a, sw_error *err)
{
    sw_buf sql;
    sw_buf_init(&sql, &a->allocator, 1 << 20);
    const plan p = {.a = a, .sql = &sql, .found = &a->found};
    sw_status status =
        sw__pg_adopt_look(a, err); /* somebody may have been at it until the lock was there */
    if (status == SW_STATUS_OK) {
        print_adoption(&p);
        status = plan_tables(&p, err);
    }
    if (status == SW_STATUS_OK) {
        sw_buf_adds(&sql, "COMMIT;\n");
        status = sql.status == SW_STATUS_OK
                     ? sw__pg_run(a->conn, sql.ptr, "add tables and columns", NULL, err)
                     : sw_no_memory(err);
    }
    sw_buf_fini(&sql);
    if (status != SW_STATUS_OK) {
        roll_back(a);
    }
    return status;
}

sw_status sw_adopt_add(sw_adoption *a, sw_error *err)
{
    sw_status status = sw_adopt_tell(a, NULL, NULL, err);
    bool nothing = a->found.again && !a->found.tables && !a->found.columns && !a->found.loosened;
    if (status != SW_STATUS_OK || nothing) {
        return status;
    }
    status = lock_tables(a, err);
    if (status == SW_STATUS_OK) {
        status = add_locked(a, err);
    }
    if (status == SW_STATUS_OK) {
        a->found.again = true;
        status = sw__pg_adopt_look(a, err);
    }
    return status;
}

sw_status sw_adopt_end(sw_adoption *a, sw_error *err)
{
    return sw__pg_run(a->conn, "UPDATE stepwell_adoption SET done = now()", "end the adoption",
                      NULL, err);
}

/* ---- opening ------------------------------------------------------------------------------------ */

/* Held by the connection, so that it ends with the process whatever happens to it. */
static sw_status be_alone(const sw_adoption *a, sw_error *err)
{
    char got[8];
    sw_status status =
        sw__pg_adopt_ask(a, "SELECT pg_try_advisory_lock(1400128855, 2)", got, sizeof got, err);
    return status == SW_STATUS_OK && got[0] != 't'
               ? sw_fail(err, SW_STATUS_BUSY, "", "another stepwell adopt is at work on %s",
                         a->found.place)
               : status;
}

static sw_status begin(sw_adoption *a, sw_error *err)
{
    char done[8];
    sw_session_mode mode = a->store->read_only ? SW_SESSION_READ : SW_SESSION_WRITE;
    sw_status status = sw__pg_connect(a->store, mode, &a->conn, err);
    (void)snprintf(a->found.place, sizeof a->found.place, "%s", a->store->place);
    sw__pg_adopted(a->store);
    if (status == SW_STATUS_OK) {
        status = be_alone(a, err);
    }
    if (status == SW_STATUS_OK) {
        status = sw__pg_adopt_look(a, err);
    }
    if (status == SW_STATUS_OK) {
        status = sw__pg_adopt_age(a, err);
    }
    a->found.again = status == SW_STATUS_OK && sw__pg_adopt_has(a, "stepwell_adoption", NULL);
    if (status == SW_STATUS_OK && a->found.again) {
        status = sw__pg_adopt_ask(a, "SELECT done IS NOT NULL FROM stepwell_adoption", done,
                                  sizeof done, err);
        a->found.done = done[0] == 't';
    }
    return status == SW_STATUS_OK ? sw__pg_adopt_check(a, err) : status;
}

sw_status sw_adopt_open(const sw_store_options *options, sw_adoption **out, sw_adopt_found *found,
                        sw_error *err)
{
    static const char *const schemes[] = {"postgres:", "postgresql:"};
    sw_store_options filled = *options;
    sw_str place = SW_NULL_STR;
    filled.allocator = filled.allocator ? filled.allocator : &sw__libc_allocator;
    filled.busy_ms = filled.busy_ms > 0 ? filled.busy_ms : WAIT_MS;
    for (size_t i = 0; i < SW_COUNT(schemes); i++) {
        size_t len = strlen(schemes[i]);
        if (options->url.len > len && memcmp(options->url.ptr, schemes[i], len) == 0) {
            place = sw_str_make(options->url.ptr + len, options->url.len - len);
        }
    }
    *out = NULL;
    if (!place.ptr) {
        return sw_fail(err, SW_STATUS_INVALID, "url",
                       "name the database as postgres://user@host:port/database");
    }
    sw_adoption *a = sw_alloc_zeroed(filled.allocator, sizeof *a);
    if (!a) {
        return sw_no_memory(err);
    }
    a->allocator = *filled.allocator;
    sw_status status = sw__pg_make(&filled, place, &a->store, err);
    if (status == SW_STATUS_OK) {
        status = begin(a, err);
    }
    if (status == SW_STATUS_OK) {
        status = sw_adopt_tell(a, NULL, NULL, err);
    }
    if (status != SW_STATUS_OK) {
        sw_adopt_close(&a);
        return status;
    }
    *found = a->found;
    *out = a;
    return SW_STATUS_OK;
}

void sw_adopt_close(sw_adoption **handle)
{
    sw_adoption *a = *handle;
    if (!a) {
        return;
    }
    *handle = NULL;
    sw_allocator from = a->allocator;
    if (a->store) {
        sw__pq.clear(a->columns);
        sw__pq.clear(a->indexes);
        sw__pq.finish(a->conn);
        sw__pg_close(&a->store->head);
    }
    sw_free(&from, a);
}
