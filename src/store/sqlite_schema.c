/* SPDX-License-Identifier: Apache-2.0 */
/* How records lie in an SQLite file, printed from their descriptors: tables, indexes, views, and the
 * steps from an older schema to this one.
 *
 * Compact inside: the table of a record is `<table>_data`. A record with an id has a row number `pk`;
 * one that shares its parent's id has the parent's `pk`; one with a key of several parts is stored in
 * key order (WITHOUT ROWID). Ids are 16 bytes, references are the parent's `pk`, words are numbers of
 * the table `words`, times are microseconds.
 *
 * Plain outside: a view with the record's own table name and column names turns all that back into
 * what the record says. A view joins with LEFT JOIN only: SQLite leaves out the joins that a query
 * does not need, and the indexes below stay in use.
 *
 * PRAGMA user_version is the schema version. A field, index or record says with `.since` which version
 * brought it; an older file gets what it lacks, and new views, in one transaction.
 */
#include <stdio.h>

#include "store/sqlite_impl.h"

const char *sw__lite_column(const sw_field *field)
{
    bool shared_id = (field->flags & SW_PRIMARY) && field->ref.record_plus_1;
    return shared_id ? "pk" : sw_field_column(field);
}

/* ---- tables ------------------------------------------------------------------------------------- */

static void print_reference(const sw_lite_schema *schema, const sw_field *field, sw_buf *sql)
{
    if (field->ref.record_plus_1) {
        sw_buf_addf(sql, " REFERENCES %s_data(pk) ON DELETE %s DEFERRABLE INITIALLY DEFERRED",
                    schema->records[field->ref.record_plus_1 - 1].table,
                    sw__on_delete_words(field->ref.on_delete));
    }
}

/* A field that comes later than its table needs a value for the rows that are there. */
static void print_default(const sw_field *field, sw_buf *sql)
{
    sw_error ignored;
    struct {
        sw_int number;
    } row = {SW_NULL_INT};
    sw_field at_zero = *field;
    at_zero.offset = 0;
    sw_assert(field->fallback && sw__lite_form(field) != SW_LITE_WORD);
    if (sw_kind_is_text(field->kind)) {
        sw_buf_adds(sql, " DEFAULT ");
        sw__print_quoted(sql, field->fallback);
    } else if (sw_field_parse(&at_zero, &row, sw_str_from(field->fallback), &ignored) ==
               SW_STATUS_OK) {
        sw_buf_addf(sql, " DEFAULT %lld", (long long)row.number.value);
    }
}

static const char *column_type(const sw_field *field)
{
    switch (sw__lite_form(field)) {
    case SW_LITE_NUMBER:
    case SW_LITE_WORD:
    case SW_LITE_REF:
        return "INTEGER";
    case SW_LITE_TEXT:
        return "TEXT";
    case SW_LITE_BYTES:
    case SW_LITE_ID:
    case SW_LITE_HEX:
        return "BLOB";
    }
    SW_IMPOSSIBLE("an unknown form");
}

static void print_column(const sw_lite_schema *schema, const sw_field *field, bool later,
                         sw_buf *sql)
{
    sw_buf_addf(sql, "%s %s", sw__lite_column(field), column_type(field));
    if ((field->flags & SW_NOT_NULL) || sw__null_part(field)) {
        sw_buf_adds(sql, " NOT NULL");
        if (later) {
            print_default(field, sql);
        }
    }
    print_reference(schema, field, sql);
}

static void print_key(const sw_record *record, sw_buf *sql)
{
    const char *comma = "";
    sw_buf_adds(sql, ",\n  PRIMARY KEY (");
    for (size_t i = 0; i < record->field_count; i++) {
        if (record->fields[i].flags & SW_KEY_PART) {
            sw_buf_addf(sql, "%s%s", comma, sw__lite_column(&record->fields[i]));
            comma = ", ";
        }
    }
    sw_buf_adds(sql, ")\n) WITHOUT ROWID;\n");
}

static void print_table(const sw_lite_schema *schema, const sw_record *record, sw_buf *sql)
{
    sw_shape shape = sw__record_shape(record);
    const char *comma = "";
    sw_buf_addf(sql, "CREATE TABLE %s_data (", record->table);
    if (shape != SW_SHAPE_KEY_PARTS) {
        sw_buf_adds(sql, "\n  pk INTEGER PRIMARY KEY");
        comma = ",";
    }
    for (size_t i = 0; i < record->field_count; i++) {
        const sw_field *field = &record->fields[i];
        if (shape == SW_SHAPE_SHARED_ID && (field->flags & SW_PRIMARY)) {
            print_reference(schema, field, sql);
        } else if (!(field->flags & SW_SHARED)) {
            sw_buf_addf(sql, "%s\n  ", comma);
            print_column(schema, field, false, sql);
            comma = ",";
        }
    }
    if (shape == SW_SHAPE_KEY_PARTS) {
        print_key(record, sql);
        return;
    }
    sw_buf_adds(sql, "\n);\n");
    if (shape == SW_SHAPE_OWN_ID) {
        sw_buf_addf(sql, "CREATE UNIQUE INDEX %s_id ON %s_data (id);\n", record->table,
                    record->table);
    }
}

/* A row number that others may hold in memory must never name another row: the highest one that was
 * ever taken away is kept. */
static void print_floor(const sw_lite_schema *schema, size_t at, sw_buf *sql)
{
    const char *table = schema->records[at].table;
    for (size_t r = 0; r < schema->count; r++) {
        const sw_record *other = &schema->records[r];
        for (size_t i = 0; i < other->field_count; i++) {
            if (other->fields[i].ref.record_plus_1 == at + 1) {
                sw_buf_addf(sql,
                            "CREATE TRIGGER %s_gone AFTER DELETE ON %s_data BEGIN\n"
                            "  INSERT INTO floors (name, pk) VALUES ('%s', old.pk)\n"
                            "  ON CONFLICT DO UPDATE SET pk = max(pk, excluded.pk);\nEND;\n",
                            table, table, table);
                return;
            }
        }
    }
}

static void print_index(const sw_record *record, const sw_index *index, sw_buf *sql)
{
    sw_shape shape = sw__record_shape(record);
    const char *comma = "";
    sw_buf_addf(sql, "CREATE %sINDEX %s ON %s_data (", index->unique ? "UNIQUE " : "", index->name,
                record->table);
    for (size_t i = 0; i < index->count; i++) {
        const sw_field *field = &record->fields[index->fields[i]];
        /* The row number stands behind every index entry by itself. */
        if (shape != SW_SHAPE_SHARED_ID || !(field->flags & SW_PRIMARY)) {
            sw_buf_addf(sql, "%s%s", comma, sw__lite_column(field));
            comma = ", ";
        }
    }
    sw_buf_addc(sql, ')');
    if (index->present) {
        sw_buf_addf(sql, " WHERE %s IS NOT NULL", sw__lite_column(&record->fields[index->present]));
    } else if (index->only) {
        sw_buf_addf(sql, " WHERE %s = %d", sw__lite_column(&record->fields[index->only]),
                    (int)index->only_value);
    }
    sw_buf_adds(sql, ";\n");
}

/* ---- from one version to the next --------------------------------------------------------------- */

static const char basics[] =
    "CREATE TABLE words (id INTEGER PRIMARY KEY, word TEXT NOT NULL UNIQUE);\n"
    "CREATE TABLE floors (name TEXT PRIMARY KEY, pk INTEGER NOT NULL) WITHOUT ROWID;\n"
    "CREATE TABLE stepwell_help (topic TEXT PRIMARY KEY, text TEXT NOT NULL) WITHOUT ROWID;\n"
    "INSERT INTO stepwell_help VALUES\n"
    "('views', 'Read the views (steps, runs, usage_model_days ...): they show every record under its "
    "own column names. The tables behind them end in _data; do not write to them.'),\n"
    "('times', 'Times are microseconds since 1970-01-01 UTC; <name>_text beside each is ISO 8601.'),\n"
    "('id', 'A condition on an id in a view reads every row. This finds one step at once: SELECT * "
    "FROM steps WHERE pk = (SELECT pk FROM steps_data WHERE id = x''0193...''), the hexadecimal digits "
    "of the id without its prefix and dashes; likewise for the other views with an id.'),\n"
    "('joins', 'Ids of views are in no index, row numbers are: each view has pk, and run_pk beside run_id. So: SELECT ... FROM "
    "steps s JOIN runs r ON r.pk = s.run_pk JOIN step_metrics m ON m.pk = s.pk; WHERE organization_pk = (SELECT pk FROM "
    "organizations WHERE id = ...) ORDER BY created_at DESC LIMIT 50. A join ON ids compares every row with every row.'),\n"
    "('long values', 'What messages say, provider traces and raw telemetry is compressed where it is longer "
    "than 16 KB: typeof() of such a value is blob, and it is one zstd frame (zstd -d).'),\n"
    "('while it is written', 'Reading never blocks the writer. Keep reads short: a long one keeps the "
    "write-ahead log from being emptied.');\n";

/* What a file of version `from` lacks, views aside. */
static void print_changes(const sw_lite_schema *schema, int from, sw_buf *sql)
{
    for (size_t r = 0; r < schema->count; r++) {
        const sw_record *record = &schema->records[r];
        bool is_new = sw__record_since(record) > from;
        if (is_new) {
            print_table(schema, record, sql);
            print_floor(schema, r, sql);
        }
        for (size_t i = 0; !is_new && i < record->field_count; i++) {
            if (sw__since(record->fields[i].since) > from &&
                !(record->fields[i].flags & SW_SHARED)) {
                sw_buf_addf(sql, "ALTER TABLE %s_data ADD COLUMN ", record->table);
                print_column(schema, &record->fields[i], true, sql);
                sw_buf_adds(sql, ";\n");
            }
        }
        for (size_t i = 0; i < record->index_count; i++) {
            if (is_new || sw__since(record->indexes[i].since) > from) {
                print_index(record, &record->indexes[i], sql);
            }
        }
    }
}

static void print_migration(const sw_lite_schema *schema, int from, sw_buf *sql)
{
    if (from == 0) {
        sw_buf_addf(sql, "PRAGMA application_id = %d;\n", (int)SW_LITE_APPLICATION);
        sw_buf_adds(sql, basics);
    }
    for (size_t r = 0; r < schema->count; r++) {
        sw_buf_addf(sql, "DROP VIEW IF EXISTS %s;\n", schema->records[r].table);
    }
    print_changes(schema, from, sql);
    for (size_t r = 0; r < schema->count; r++) {
        if (schema->records[r].is_public) {
            sw__lite_print_view(schema, &schema->records[r], sql);
        }
    }
    sw_buf_addf(sql, "PRAGMA user_version = %d;\n", sw__lite_version(schema));
}

/* ---- what is there already ---------------------------------------------------------------------- */

static sw_status ask(sqlite3 *db, const char *sql, int64_t *out, sw_error *err)
{
    sqlite3_stmt *stmt = NULL;
    int rc = sqlite3_prepare_v2(db, sql, -1, &stmt, NULL);
    if (rc == SQLITE_OK) {
        rc = sqlite3_step(stmt);
        *out = rc == SQLITE_ROW ? sqlite3_column_int64(stmt, 0) : 0;
        rc = rc == SQLITE_ROW || rc == SQLITE_DONE ? SQLITE_OK : rc;
    }
    sw_status status =
        rc == SQLITE_OK ? SW_STATUS_OK : sw__lite_fail(db, rc, "read the schema", err);
    (void)sqlite3_finalize(stmt);
    return status;
}

sw_status sw__lite_inspect(sqlite3 *db, const sw_lite_schema *schema, const char *path,
                           int *version, sw_error *err)
{
    int64_t application = 0, user = 0, objects = 0;
    sw_status status = ask(db, "PRAGMA application_id", &application, err);
    if (status == SW_STATUS_OK) {
        status = ask(db, "PRAGMA user_version", &user, err);
    }
    /* Looking into the schema reads all of it, which takes longer than most questions. */
    if (status == SW_STATUS_OK && application != SW_LITE_APPLICATION) {
        status = ask(db, "SELECT count(*) FROM sqlite_schema", &objects, err);
    }
    if (status != SW_STATUS_OK) {
        return status;
    }
    *version = (int)user;
    if (application != SW_LITE_APPLICATION && (application || user || objects)) {
        return sw_fail(err, SW_STATUS_INVALID, "url", "%s is a database of another program", path);
    }
    if (user > sw__lite_version(schema)) {
        return sw_fail(err, SW_STATUS_NEWER, NULL,
                       "%s has schema version %d, and this program knows up to version %d: "
                       "use the version that wrote it, or a later one",
                       path, *version, sw__lite_version(schema));
    }
    return SW_STATUS_OK;
}

/* Inside the transaction: another process may have been first. */
static sw_status migrate_locked(sqlite3 *db, const sw_lite_schema *schema, const sw_allocator *from,
                                const char *path, sw_error *err)
{
    int version = 0;
    sw_status status = sw__lite_inspect(db, schema, path, &version, err);
    if (status != SW_STATUS_OK || version == sw__lite_version(schema)) {
        return status;
    }
    sw_buf sql;
    sw_buf_init(&sql, from, 1 << 20);
    print_migration(schema, version, &sql);
    status = sql.status == SW_STATUS_OK ? sw__lite_exec(db, sql.ptr, "write the schema", err)
                                        : sw_no_memory(err);
    sw_buf_fini(&sql);
    return status;
}

sw_status sw__lite_migrate(sqlite3 *db, const sw_lite_schema *schema, const sw_allocator *from,
                           const char *path, sw_error *err)
{
    sw_status status = sw__lite_exec(db, "BEGIN IMMEDIATE", "begin to write the schema", err);
    if (status != SW_STATUS_OK) {
        return status;
    }
    status = migrate_locked(db, schema, from, path, err);
    if (status == SW_STATUS_OK) {
        status = sw__lite_exec(db, "COMMIT", "write the schema", err);
    }
    if (status != SW_STATUS_OK && !sqlite3_get_autocommit(db)) {
        (void)sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL);
    }
    return status;
}
