/* SPDX-License-Identifier: Apache-2.0 */
/* How records lie in PostgreSQL, printed from their descriptors: tables under V1's names and with V1's types, our
 * own beside them, the indexes, and the steps from an older schema to this one.
 *
 * Plain: a column holds what the record says. Two functions keep the order and the size of keys:
 * `stepwell_key(id, prefix)` has the order of ids that all stores share (sw_key in base.h), whatever
 * collation the database has; `stepwell_part(value)` stands in indexes where a text may be long, because
 * no entry may be larger than a third of a page: a digest stands for what is longer than 256 bytes.
 * A part of a key that may be null stands there as the empty text, since no key compares nulls.
 *
 * Indexes leave out the id at their end: rows that tie are sorted by it, and those are few.
 *
 * Table stepwell_state has one row. Its `version` is moved by every group, first of all, and so is the lock that
 * lets one group write at a time, whichever process it comes from; `writer` is who moved it (postgres_store.c).
 */
#include <stdio.h>

#include "store/postgres_impl.h"

/* Making an index of a large table takes as long as it takes. */
static const char migration_begin[] = "BEGIN; SET LOCAL statement_timeout = 0";
static const char migration_lock[] = "SELECT pg_advisory_xact_lock(1400128855, 1)"; /* "StEW" */

/* What calls a function of ours is bound to it here and now (RETURN): who loads a copy of the database, or makes an index
 * anew, has no search path that would find it. */
static const char basics[] =
    "CREATE TABLE stepwell_state (id integer PRIMARY KEY CHECK (id = 1),"
    " schema_version integer NOT NULL, version bigint NOT NULL, writer bigint NOT NULL);\n"
    "CREATE FUNCTION stepwell_key(id text, home text) RETURNS text LANGUAGE sql IMMUTABLE"
    " PARALLEL SAFE AS $$ SELECT CASE WHEN id ~"
    " '.-[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$'"
    " THEN '1' || right(id, 36) || CASE WHEN left(id, -37) = home THEN '' ELSE left(id, -37) END"
    " ELSE '0' || id END $$;\n"
    "CREATE FUNCTION stepwell_bytes(value text) RETURNS bytea LANGUAGE sql IMMUTABLE PARALLEL SAFE"
    " AS $$ SELECT convert_to(value, 'UTF8') $$;\n"
    "CREATE FUNCTION stepwell_part(value text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE"
    " RETURN CASE WHEN octet_length(value) <= 256 THEN '=' || value"
    " ELSE '#' || encode(sha256(stepwell_bytes(value)), 'hex') END;\n"
    "CREATE FUNCTION stepwell_part(value bytea) RETURNS bytea LANGUAGE sql IMMUTABLE PARALLEL SAFE"
    " AS $$ SELECT CASE WHEN octet_length(value) <= 256 THEN '\\x3d'::bytea || value"
    " ELSE '\\x23'::bytea || sha256(value) END $$;\n"
    "INSERT INTO stepwell_state VALUES (1, 0, 0, 0);\n";

/* ---- columns ------------------------------------------------------------------------------------ */

void sw__pg_print_column(const char *alias, const sw_field *field, sw_buf *sql)
{
    sw_buf_addf(sql, "%s%s\"%s\"", alias, alias[0] ? "." : "", sw_field_column(field));
}

sw_pg_term sw__pg_term(const sw_field *field)
{
    bool may_be_long = field->kind == SW_KIND_TEXT || field->kind == SW_KIND_BYTES;
    if (sw__null_part(field)) {
        return (sw_pg_term){"coalesce(stepwell_part(", "), '')"};
    }
    return may_be_long ? (sw_pg_term){"stepwell_part(", ")"} : (sw_pg_term){"", ""};
}

static void print_term(const sw_field *field, sw_buf *sql)
{
    sw_pg_term term = sw__pg_term(field);
    bool plain = !term.open[0];
    sw_buf_addf(sql, "%s%s", plain ? "" : "(", term.open);
    sw__pg_print_column("", field, sql);
    sw_buf_addf(sql, "%s%s", term.close, plain ? "" : ")");
}

void sw__pg_print_key(const sw_table *table, sw_buf *sql)
{
    for (size_t i = 0; i < table->key_count; i++) {
        sw_buf_adds(sql, i ? ", " : "");
        print_term(&table->model->fields[table->keys[i]], sql);
    }
}

void sw__pg_print_body_join(sw_buf *sql)
{
    sw_buf_adds(sql, " LEFT JOIN message_bodies AS b ON b.organization_id = t.organization_id"
                     " AND stepwell_part(b.digest) = stepwell_part(t.body_hash)");
}

/* V1's messages have no body of their own kind: what they say stands in their own columns. */
void sw__pg_print_selected(const sw_table *table, size_t i, sw_buf *sql)
{
    const sw_field *field = &table->model->fields[i];
    const char *column = sw_field_column(field);
    if (!(table->shared & SW_MASK(i))) {
        if (table->adopted) {
            sw__pg_print_adopted(table, i, sql);
        } else {
            sw__pg_print_column("t", field, sql);
        }
        return;
    }
    sw_buf_adds(sql, field->flags & SW_NOT_NULL ? "coalesce(" : "");
    sw_buf_addf(sql, "CASE WHEN b.organization_id IS NULL THEN t.\"%s\" ELSE b.\"%s\" END", column,
                column);
    if (field->flags & SW_NOT_NULL) {
        sw_buf_adds(sql, ", ");
        sw__print_quoted(sql, field->fallback);
        sw_buf_adds(sql, ")");
    }
}

static void print_default(const sw_field *field, sw_buf *sql)
{
    bool label = sw__pg_form(field) == SW_PG_LABEL;
    if (!field->fallback || !(field->flags & SW_NOT_NULL)) {
        return;
    }
    sw_buf_adds(sql, " DEFAULT ");
    if (label) {
        sw_buf_addf(sql, "upper('%s')::%s", field->fallback, field->postgres);
    } else {
        sw__print_quoted(sql, field->fallback);
    }
}

void sw__pg_print_declaration(const sw_field *field, sw_buf *sql)
{
    sw_buf_addf(sql, "\"%s\" %s", sw_field_column(field), sw__pg_type(field));
    if (field->flags & SW_PRIMARY) {
        sw_buf_adds(sql, " PRIMARY KEY");
    } else if (field->flags & SW_NOT_NULL) {
        sw_buf_adds(sql, " NOT NULL");
    }
    print_default(field, sql);
    if (field->ref.record_plus_1) {
        sw_buf_addf(sql, " REFERENCES %s (id) ON DELETE %s",
                    sw__records[field->ref.record_plus_1 - 1].table,
                    sw__on_delete_words(field->ref.on_delete));
    }
}

/* ---- tables ------------------------------------------------------------------------------------- */

void sw__pg_print_table(const sw_table *table, sw_buf *sql)
{
    const sw_record *record = table->model;
    sw_buf_addf(sql, "CREATE TABLE %s (", record->table);
    for (size_t i = 0; i < record->field_count; i++) {
        sw_buf_adds(sql, i ? ",\n  " : "\n  ");
        sw__pg_print_declaration(&record->fields[i], sql);
    }
    sw_buf_adds(sql, "\n);\n");
    if (table->shape == SW_SHAPE_KEY_PARTS) {
        sw_buf_addf(sql, "CREATE UNIQUE INDEX %s_key ON %s (", record->table, record->table);
        sw__pg_print_key(table, sql);
        sw_buf_adds(sql, ");\n");
    }
}

static void print_index_fields(const sw_table *table, const sw_index *index, sw_buf *sql)
{
    size_t count = index->count;
    if (count > 1 && !index->unique && index->fields[count - 1] == table->primary) {
        count--;
    }
    for (size_t i = 0; i < count; i++) {
        const sw_field *field = &table->model->fields[index->fields[i]];
        bool may_be_null = !(field->flags & SW_NOT_NULL) && index->fields[i] != index->present;
        sw_buf_adds(sql, i ? ", " : "");
        print_term(field, sql);
        sw_buf_adds(sql, may_be_null && !index->unique ? " NULLS FIRST" : "");
    }
}

void sw__pg_print_index(const sw_table *table, const sw_index *index, const char *how,
                        const char *before, sw_buf *sql)
{
    const sw_record *record = table->model;
    sw_buf_addf(sql, "CREATE %sINDEX %s%s%s ON %s (", index->unique ? "UNIQUE " : "", how, before,
                index->name, record->table);
    print_index_fields(table, index, sql);
    sw_buf_addc(sql, ')');
    if (index->present) {
        sw_buf_addf(sql, " WHERE \"%s\" IS NOT NULL",
                    sw_field_column(&record->fields[index->present]));
    } else if (index->only) {
        const sw_field *field = &record->fields[index->only];
        const char *word = sw_enum_word(field->words, index->only_value);
        bool label = sw__pg_form(field) == SW_PG_LABEL;
        sw_buf_addf(sql, " WHERE \"%s\" = '", sw_field_column(field));
        for (const char *c = word; *c; c++) {
            sw_buf_addc(sql, (char)(label && *c >= 'a' && *c <= 'z' ? *c - 32 : *c));
        }
        sw_buf_addc(sql, '\'');
    }
    sw_buf_adds(sql, ";\n");
}

/* V1's types of closed lists, with its labels in capitals. */
void sw__pg_print_types(const sw_record *record, sw_buf *sql)
{
    for (size_t i = 0; i < record->field_count; i++) {
        const sw_field *field = &record->fields[i];
        if (sw__pg_form(field) != SW_PG_LABEL) {
            continue;
        }
        const sw_enum_info *list = &sw__enums[field->words];
        sw_buf_addf(sql, "CREATE TYPE %s AS ENUM (", field->postgres);
        for (size_t k = 0; k < list->count; k++) {
            sw_buf_adds(sql, k ? ", '" : "'");
            for (const char *c = list->words[k]; *c; c++) {
                sw_buf_addc(sql, (char)(*c >= 'a' && *c <= 'z' ? *c - 32 : *c));
            }
            sw_buf_addc(sql, '\'');
        }
        sw_buf_adds(sql, ");\n");
    }
}

void sw__pg_print_basics(sw_buf *sql)
{
    sw_buf_adds(sql, basics);
}

/* ---- from one version to the next --------------------------------------------------------------- */

/* What a database of version `from` lacks. */
static void print_changes(const sw_pg_store *store, const sw_table *table, int from, sw_buf *sql)
{
    const sw_record *record = table->model;
    bool is_new = sw__record_since(record) > from;
    if (is_new) {
        sw__pg_print_types(record, sql);
        sw__pg_print_table(table, sql);
    }
    for (size_t i = 0; !is_new && i < record->field_count; i++) {
        if (sw__since(record->fields[i].since) > from) {
            sw_buf_addf(sql, "ALTER TABLE %s ADD COLUMN ", record->table);
            sw__pg_print_declaration(&record->fields[i], sql);
            sw_buf_adds(sql, ";\n");
        }
    }
    for (size_t i = 0; i < record->index_count; i++) {
        if (is_new || sw__since(record->indexes[i].since) > from) {
            bool beside = store->adopted && sw__pg_is_v1(table->record);
            sw__pg_print_index(table, &record->indexes[i], "", beside ? SW_PG_ADOPTED : "", sql);
        }
    }
}

static void print_migration(const sw_pg_store *store, int from, sw_buf *sql)
{
    if (from == 0) {
        sw_buf_adds(sql, basics);
    }
    for (size_t r = 0; r < SW_RECORD_COUNT; r++) {
        print_changes(store, &store->tables[r], from, sql);
    }
    sw_buf_addf(sql, "UPDATE stepwell_state SET schema_version = %d;\n",
                sw__schema_version(sw__records, SW_RECORD_COUNT));
}

/* ---- what is there already ---------------------------------------------------------------------- */

sw_status sw__pg_run(PGconn *conn, const char *sql, const char *doing, PGresult **out,
                     sw_error *err)
{
    PGresult *result = sw__pq.exec(conn, sql);
    ExecStatusType is = sw__pq.resultStatus(result);
    if (is != PGRES_TUPLES_OK && is != PGRES_COMMAND_OK) {
        sw_status status = sw__pg_fail(conn, result, doing, err);
        sw__pq.clear(result);
        return status;
    }
    if (out) {
        *out = result;
    } else {
        sw__pq.clear(result);
    }
    return SW_STATUS_OK;
}

static sw_status ask_number(PGconn *conn, const char *sql, int *out, sw_error *err)
{
    int64_t number = 0;
    PGresult *result = NULL;
    sw_status status = sw__pg_run(conn, sql, "read the schema", &result, err);
    if (status == SW_STATUS_OK) {
        bool there = sw__pq.ntuples(result) == 1 && !sw__pq.getisnull(result, 0, 0);
        (void)(there && sw_parse_int(sw_str_from(sw__pq.getvalue(result, 0, 0)), &number));
        sw__pq.clear(result);
    }
    *out = (int)number;
    return status;
}

/* A database that was V1's is written to only when all of its sums are there. */
static sw_status look_for_adoption(sw_pg_store *store, PGconn *conn, sw_error *err)
{
    int is = 0, done = 1;
    sw_status status =
        ask_number(conn, "SELECT (to_regclass('stepwell_adoption') IS NOT NULL)::int", &is, err);
    if (status == SW_STATUS_OK && is) {
        sw__pg_adopted(store);
        status =
            ask_number(conn, "SELECT (done IS NOT NULL)::int FROM stepwell_adoption", &done, err);
    }
    if (status == SW_STATUS_OK && !done && !store->read_only && !store->adopting) {
        return sw_fail(
            err, SW_STATUS_BUSY, "",
            "%s is being adopted, and its sums are not all there yet: run stepwell adopt "
            "with --apply until it is done",
            store->place);
    }
    return status;
}

/* 0: there is nothing of anybody's. */
static sw_status inspect(sw_pg_store *store, PGconn *conn, int *version, sw_error *err)
{
    int ours = 0, foreign = 0;
    int newest = sw__schema_version(sw__records, SW_RECORD_COUNT);
    sw_status status =
        ask_number(conn, "SELECT (to_regclass('stepwell_state') IS NOT NULL)::int", &ours, err);
    *version = 0;
    if (status == SW_STATUS_OK && ours) {
        status = ask_number(conn, "SELECT schema_version FROM stepwell_state", version, err);
        status = status == SW_STATUS_OK ? look_for_adoption(store, conn, err) : status;
    } else if (status == SW_STATUS_OK) {
        status =
            ask_number(conn,
                       "SELECT (to_regclass('steps') IS NOT NULL OR to_regclass('users') IS NOT "
                       "NULL OR to_regclass('organizations') IS NOT NULL)::int",
                       &foreign, err);
    }
    if (status == SW_STATUS_OK && foreign) {
        return sw_fail(
            err, SW_STATUS_INVALID, "url",
            "%s holds tables of another program (steps, users or organizations): stepwell adopt "
            "takes over a database of Letta V1; else name an empty database, or another schema by "
            "?options=-csearch_path%%3Dname",
            store->place);
    }
    if (status == SW_STATUS_OK && *version > newest) {
        return sw_fail(err, SW_STATUS_NEWER, NULL,
                       "%s has schema version %d, and this program knows up to version %d: "
                       "use the version that wrote it, or a later one",
                       store->place, *version, newest);
    }
    return status;
}

/* Inside the transaction: another process may have been first. */
static sw_status migrate_locked(sw_pg_store *store, PGconn *conn, sw_error *err)
{
    int version = 0;
    sw_status status = sw__pg_run(conn, migration_lock, "begin to write the schema", NULL, err);
    if (status == SW_STATUS_OK) {
        status = inspect(store, conn, &version, err);
    }
    if (status != SW_STATUS_OK || version == sw__schema_version(sw__records, SW_RECORD_COUNT)) {
        return status;
    }
    sw_buf sql;
    sw_buf_init(&sql, &store->allocator, 1 << 20);
    print_migration(store, version, &sql);
    status = sql.status == SW_STATUS_OK ? sw__pg_run(conn, sql.ptr, "write the schema", NULL, err)
                                        : sw_no_memory(err);
    sw_buf_fini(&sql);
    return status;
}

sw_status sw__pg_migrate(sw_pg_store *store, PGconn *conn, sw_error *err)
{
    int version = 0, newest = sw__schema_version(sw__records, SW_RECORD_COUNT);
    sw_status status = inspect(store, conn, &version, err);
    if (status != SW_STATUS_OK || version == newest) {
        return status;
    }
    if (store->must_exist && version == 0) {
        return sw_fail(err, SW_STATUS_NOT_FOUND, "url", "there is no ledger in %s", store->place);
    }
    if (store->read_only) {
        return sw_fail(
            err, SW_STATUS_READ_ONLY, "schema",
            "%s has schema version %d and must be brought to %d, which needs writing: open "
            "it once for writing",
            store->place, version, newest);
    }
    status = sw__pg_run(conn, migration_begin, "begin to write the schema", NULL, err);
    if (status != SW_STATUS_OK) {
        return status;
    }
    status = migrate_locked(store, conn, err);
    if (status == SW_STATUS_OK) {
        return sw__pg_run(conn, "COMMIT", "write the schema", NULL, err);
    }
    sw__pq.clear(sw__pq.exec(conn, "ROLLBACK"));
    return status;
}
