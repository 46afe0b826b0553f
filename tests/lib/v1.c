/* SPDX-License-Identifier: Apache-2.0 */
/* Walks the rows of v1_tables.def: prints V1's tables, fills them, and asks V1's own tables for what to expect. */
#include "tests/lib/v1.h"

#include <sqlite3.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/lib/pg.h"

typedef enum line_kind { LINE_TABLE, LINE_COLUMN, LINE_END, LINE_INDEX } line_kind;

/* TABLE: value is the rows. END and INDEX: tail is the text. */
typedef struct line {
    line_kind kind;
    const char *name, *type, *tail;
    v1_age from, until;
    const char *value;
} line;

static const line lines[] = {
#define V1_TABLE(NAME, FROM, UNTIL, ROWS) {LINE_TABLE, #NAME, "", "", FROM, UNTIL, ROWS},
#define V1_COLUMN(NAME, TYPE, TAIL, FROM, UNTIL, VALUE)                                            \
    {LINE_COLUMN, #NAME, TYPE, TAIL, FROM, UNTIL, VALUE},
#define V1_END(TAIL) {LINE_END, "", "", TAIL, V1_JOBS, V1_HEAD, ""},
#define V1_INDEX(TABLE, FROM, UNTIL, SQL) {LINE_INDEX, #TABLE, "", SQL, FROM, UNTIL, ""},
#include "tests/lib/v1_tables.def"
#undef V1_TABLE
#undef V1_COLUMN
#undef V1_END
#undef V1_INDEX
};
enum { LINES = sizeof lines / sizeof lines[0] };

static const char default_org[] = "org-00000000-0000-4000-8000-000000000000";

/* The newest revision that is known to be of this age (alembic_version). */
static const char *const revisions[] = {"", "567e9fe06270", "c734cfc0d595", "3e54e2fa2f7e",
                                        "1c28e167b74f"};
/* Made with Python's cryptography, by the rule of V1: AES-256-GCM, PBKDF2. */
static const char *const secrets[] = {
    "AAECAwQFBgcICQoLDA0OD2RlZmdoaWprbG1ub7P8iHj187qWW1jDeqCMKwaJq1sYNE0OGY2nCG56fEDux4fC",
    "EBESExQVFhcYGRobHB0eHzIzNDU2Nzg5Ojs8PXXIwdgBrh5xEdqFJzVGL+m/KDz2QIvrffegLw=="};

static bool of_age(const line *at, v1_age age)
{
    return at->from <= age && age <= at->until;
}

/* The line of the table that begins at or behind `at`, of that age; LINES: there is none. */
static size_t next_table(size_t at, v1_age age)
{
    while (at < LINES && (lines[at].kind != LINE_TABLE || !of_age(&lines[at], age))) {
        at++;
    }
    return at;
}

/* ---- text --------------------------------------------------------------------------------------- */

typedef struct text {
    char *ptr;
    size_t len, room;
} text;

static void add_len(text *out, const char *piece, size_t len)
{
    if (out->len + len + 1 > out->room) {
        out->room = 2 * (out->len + len + 1);
        out->ptr = realloc(out->ptr, out->room);
        if (!out->ptr) {
            abort();
        }
    }
    memcpy(out->ptr + out->len, piece, len);
    out->len += len;
    out->ptr[out->len] = '\0';
}

static void add(text *out, const char *piece)
{
    add_len(out, piece, strlen(piece));
}

static void add_number(text *out, int64_t number)
{
    char digits[24];
    (void)snprintf(digits, sizeof digits, "%lld", (long long)number);
    add(out, digits);
}

/* The text with what stands for the sizes put in. */
static void add_filled(text *out, const char *sql, v1_age age, const v1_size *size)
{
    for (const char *c = sql; *c; c++) {
        if (*c != '$') {
            add_len(out, c, 1);
            continue;
        }
        switch (*++c) {
        case 'F':
            add_number(out, size->first);
            break;
        case 'N':
            add_number(out, size->first + size->steps);
            break;
        case 'R':
            add_number(out, size->first / 5);
            break;
        case 'Q':
            add_number(out, (size->first + size->steps) / 5);
            break;
        case 'A':
            add_number(out, V1_AGENTS);
            break;
        case 'U':
            add_number(out, size->step_us ? size->step_us : 10000000);
            break;
        case 'S':
            add_number(out, size->seed);
            break;
        default:
            add(out, revisions[age]);
            break;
        }
    }
}

/* ---- tables ------------------------------------------------------------------------------------- */

static const char *sqlite_type(const char *type)
{
    static const char *const pairs[][2] = {{"varchar", "VARCHAR"},
                                           {"text", "TEXT"},
                                           {"json", "JSON"},
                                           {"integer", "INTEGER"},
                                           {"bigint", "BIGINT"},
                                           {"boolean", "BOOLEAN"},
                                           {"timestamp", "DATETIME"},
                                           {"timestamptz", "DATETIME"},
                                           {"stepstatus", "VARCHAR(9)"}};
    for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++) {
        if (strcmp(type, pairs[i][0]) == 0) {
            return pairs[i][1];
        }
    }
    return type;
}

/* What stands behind the type. V1's tables in SQLite have no defaults but for times and flags. */
static const char *sqlite_tail(const char *tail)
{
    static const char *const pairs[][2] = {
        {"DEFAULT now()", "DEFAULT CURRENT_TIMESTAMP"},
        {"DEFAULT 0 NOT NULL", "NOT NULL"},
        {"NOT NULL DEFAULT nextval('message_seq_id') CONSTRAINT uq_messages_sequence_id UNIQUE",
         "NOT NULL CONSTRAINT uq_messages_sequence_id UNIQUE"}};
    for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++) {
        if (strcmp(tail, pairs[i][0]) == 0) {
            return pairs[i][1];
        }
    }
    return tail;
}

static void add_table(text *sql, size_t table, v1_age age, bool sqlite)
{
    const char *comma = "";
    size_t at = table + 1;
    add(sql, "CREATE TABLE ");
    add(sql, lines[table].name);
    add(sql, " (");
    for (; lines[at].kind == LINE_COLUMN; at++) {
        if (!of_age(&lines[at], age)) {
            continue;
        }
        add(sql, comma);
        add(sql, lines[at].name);
        add(sql, " ");
        add(sql, sqlite ? sqlite_type(lines[at].type) : lines[at].type);
        add(sql, " ");
        add(sql, sqlite ? sqlite_tail(lines[at].tail) : lines[at].tail);
        comma = ", ";
    }
    add(sql, lines[at].tail);
    add(sql, ");\n");
}

/* They come with the first rows: filling tables that have them takes several times as long. */
static void add_indexes(text *sql, v1_age age)
{
    for (size_t t = next_table(0, age); t < LINES; t = next_table(t + 1, age)) {
        for (size_t at = t + 1; at < LINES && lines[at].kind != LINE_TABLE; at++) {
            if (lines[at].kind == LINE_INDEX && of_age(&lines[at], age)) {
                add(sql, "CREATE ");
                add(sql, lines[at].tail);
                add(sql, ";\n");
            }
        }
    }
}

static void add_tables(text *sql, v1_age age, bool sqlite)
{
    for (size_t t = next_table(0, age); t < LINES; t = next_table(t + 1, age)) {
        add_table(sql, t, age, sqlite);
    }
}

/* INSERT ... SELECT of one table. */
static void add_rows(text *sql, size_t table, v1_age age, const v1_size *size)
{
    text values = {0};
    const char *comma = "";
    add(sql, "INSERT INTO ");
    add(sql, lines[table].name);
    add(sql, " (");
    for (size_t at = table + 1; lines[at].kind == LINE_COLUMN; at++) {
        if (of_age(&lines[at], age) && strcmp(lines[at].value, "NULL") != 0) {
            add(sql, comma);
            add(sql, lines[at].name);
            add(&values, comma);
            add_filled(&values, lines[at].value, age, size);
            comma = ", ";
        }
    }
    add(sql, ") SELECT ");
    add(sql, values.ptr);
    add(sql, " FROM ");
    add_filled(sql, lines[table].value, age, size);
    add(sql, ";\n");
    free(values.ptr);
}

static void add_all_rows(text *sql, v1_age age, const v1_size *size)
{
    for (size_t t = next_table(0, age); t < LINES; t = next_table(t + 1, age)) {
        add_rows(sql, t, age, size);
    }
    if (size->first == 0) {
        add_indexes(sql, age);
    }
}

/* Rows are numbered from 0 to behind the last message. */
static int64_t numbers(const v1_size *size)
{
    int64_t most = 2 * (size->first + size->steps);
    return most > 1000 ? most : 1000;
}

/* ---- what to expect ----------------------------------------------------------------------------- */

static void add_count(text *sql, const char *what, const char *from, const char *owner)
{
    add(sql, "(SELECT ");
    add(sql, what);
    add(sql, " FROM ");
    add(sql, from);
    add(sql, owner);
    add(sql, ")");
}

/* One text: the numbers of v1_totals in their order, with blanks between. */
static void add_question(text *sql, v1_age age, const char *organization_id)
{
    static const char *const sums[] = {
        "count(*)",
        "count(CASE WHEN CAST(status AS varchar) = 'PENDING' THEN 1 END)",
        "count(CASE WHEN CAST(status AS varchar) = 'SUCCESS' THEN 1 END)",
        "count(CASE WHEN CAST(status AS varchar) = 'FAILED' THEN 1 END)",
        "count(CASE WHEN CAST(status AS varchar) = 'CANCELLED' THEN 1 END)",
        "count(CASE WHEN status IS NULL THEN 1 END)",
        "coalesce(sum(prompt_tokens), 0)",
        "coalesce(sum(completion_tokens), 0)",
        "coalesce(sum(total_tokens), 0)",
        "coalesce(sum(cached_input_tokens), 0)",
        "coalesce(sum(cache_write_tokens), 0)",
        "coalesce(sum(reasoning_tokens), 0)"};
    static const char *const tables[] = {"runs", "messages", "provider_traces"};
    char owner[120] = "";
    if (organization_id) {
        (void)snprintf(owner, sizeof owner, " WHERE organization_id = '%.64s'", organization_id);
    }
    add(sql, "SELECT ");
    for (size_t i = 0; i < sizeof sums / sizeof sums[0]; i++) {
        add_count(sql, i >= 9 && age < V1_FINAL ? "0" : sums[i],
                  i >= 9 && age < V1_FINAL ? "(SELECT 0) AS none" : "steps",
                  i >= 9 && age < V1_FINAL ? "" : owner);
        add(sql, " || ' ' || ");
    }
    for (size_t i = 0; i < sizeof tables / sizeof tables[0]; i++) {
        bool jobs = i == 0 && age == V1_JOBS;
        add_count(sql, "count(*)", jobs ? "jobs" : tables[i], owner);
        add(sql, " || ' ' || ");
    }
    if (organization_id) {
        (void)snprintf(owner, sizeof owner, " WHERE s.organization_id = '%.64s'", organization_id);
    }
    add_count(sql, "count(*)", "step_metrics m JOIN steps s ON s.id = m.id", owner);
    add(sql, " || ' ' || ");
    add_count(sql, "coalesce(sum(step_ns), 0)", "step_metrics m JOIN steps s ON s.id = m.id",
              owner);
}

static v1_totals read_totals(const char *from)
{
    v1_totals totals = {0};
    int64_t *out = &totals.steps;
    char *at = (char *)(uintptr_t)from;
    for (size_t i = 0; i < sizeof totals / sizeof *out; i++) {
        out[i] = strtoll(at, &at, 10);
    }
    return totals;
}

/* The name under which the functions know it: some rows break the rule. */
static bool special_id(const char *kind, int64_t n, const char **known_as, char out[64])
{
    *known_as = strcmp(kind, "run") == 0 && n % 7 == 3 ? "job" : kind;
    if (strcmp(kind, "org") == 0 && n == 0) {
        (void)snprintf(out, 64, "%s", default_org);
        return true;
    }
    if (strcmp(kind, "step") == 0 && n % 1013 == 1012) {
        (void)snprintf(out, 64, "step-other-route-%lld", (long long)n);
        return true;
    }
    return false;
}

/* ---- PostgreSQL --------------------------------------------------------------------------------- */

static void run(const char *url, text *sql, char *out, size_t size)
{
    pg_sql(url, sql->ptr, out, size);
    free(sql->ptr);
}

void v1_make(const char *url, v1_age age)
{
    text sql = {0};
    add(&sql, "CREATE TYPE stepstatus AS ENUM ('PENDING', 'SUCCESS', 'FAILED', 'CANCELLED');\n"
              "CREATE SEQUENCE message_seq_id;\n");
    add_tables(&sql, age, false);
    run(url, &sql, NULL, 0);
}

/* Every row refers to rows that are there; to have that checked once more would take minutes. */
static void add_functions(text *sql, const v1_size *size)
{
    char more[600];
    add(sql,
        "SET LOCAL session_replication_role = replica; SET LOCAL client_min_messages = warning; CREATE SCHEMA v1_fill; SELECT set_config('search_path',"
        " current_setting('search_path') || ', v1_fill', true);\n"
        "CREATE FUNCTION v1_fill.v1_time(us bigint) RETURNS timestamptz LANGUAGE sql AS"
        " $$ SELECT timestamptz '2025-05-01 00:00:00+00' + us * interval '1 microsecond' $$;\n"
        "CREATE FUNCTION v1_fill.v1_local_time(us bigint) RETURNS timestamp LANGUAGE sql AS"
        " $$ SELECT timestamp '2025-05-01 00:00:00' + us * interval '1 microsecond' $$;\n"
        "CREATE FUNCTION v1_fill.v1_json(value text) RETURNS json LANGUAGE sql AS"
        " $$ SELECT value::json $$;\n"
        "CREATE FUNCTION v1_fill.v1_status(value text) RETURNS stepstatus LANGUAGE sql AS"
        " $$ SELECT value::stepstatus $$;\n");
    (void)snprintf(more, sizeof more,
                   "CREATE FUNCTION v1_fill.v1_secret(i int) RETURNS text LANGUAGE sql AS"
                   " $$ SELECT CASE i WHEN 0 THEN '%s' ELSE '%s' END $$;\n",
                   secrets[0], secrets[1]);
    add(sql, more);
    (void)snprintf(more, sizeof more,
                   "CREATE FUNCTION v1_fill.v1_id(kind text, n bigint) RETURNS text LANGUAGE sql AS"
                   " $$ SELECT kind || '-' || overlay(overlay(md5('%u' || kind || n)::uuid::text"
                   " placing '4' from 15) placing '8' from 20) $$;\n",
                   size->seed);
    add(sql, more);
}

void v1_fill(const char *url, v1_age age, const v1_size *size)
{
    text sql = {0};
    char more[200];
    add_functions(&sql, size);
    (void)snprintf(more, sizeof more,
                   "CREATE TEMP TABLE numbers ON COMMIT DROP AS SELECT i::bigint AS i FROM"
                   " generate_series(0, %lld) AS i; ANALYZE numbers;\n",
                   (long long)numbers(size) - 1);
    add(&sql, more);
    add_all_rows(&sql, age, size);
    add(&sql, "DROP SCHEMA v1_fill CASCADE;");
    run(url, &sql, NULL, 0);
    pg_sql(url, "SELECT setval('message_seq_id', (SELECT max(sequence_id) FROM messages))", NULL,
           0);
}

v1_totals v1_count(const char *url, v1_age age, const char *organization_id)
{
    text sql = {0};
    char answer[800];
    add_question(&sql, age, organization_id);
    run(url, &sql, answer, sizeof answer);
    return read_totals(answer);
}

/* "SELECT 'table' AS name, md5 of each row's V1 columns AS line", of all tables. */
static void add_lines(text *sql, v1_age age)
{
    const char *and = "";
    for (size_t t = next_table(0, age); t < LINES; t = next_table(t + 1, age)) {
        const char *comma = "' AS name, md5(ROW(";
        add(sql, and);
        add(sql, "SELECT '");
        add(sql, lines[t].name);
        for (size_t at = t + 1; lines[at].kind == LINE_COLUMN; at++) {
            if (of_age(&lines[at], age)) {
                add(sql, comma);
                add(sql, lines[at].name);
                comma = ", ";
            }
        }
        add(sql, ")::text) AS line FROM ");
        add(sql, lines[t].name);
        and = " UNION ALL ";
    }
}

void v1_digest(const char *url, v1_age age, char out[33])
{
    text sql = {0};
    add(&sql, "SELECT md5(string_agg(name || line, '' ORDER BY name, line)) FROM (");
    add_lines(&sql, age);
    add(&sql, ") AS l");
    run(url, &sql, out, 33);
}

/* In a schema beside the tables', so that those stay as they are. */
void v1_keep(const char *url, v1_age age)
{
    text sql = {0};
    char name[80];
    pg_sql(url, "SELECT 'kept_' || current_schema()", name, sizeof name);
    add(&sql, "CREATE SCHEMA ");
    add(&sql, name);
    add(&sql, "; CREATE TABLE ");
    add(&sql, name);
    add(&sql, ".lines AS ");
    add_lines(&sql, age);
    run(url, &sql, NULL, 0);
}

int64_t v1_lost(const char *url, v1_age age)
{
    text sql = {0};
    char name[80];
    pg_sql(url, "SELECT 'kept_' || current_schema()", name, sizeof name);
    add(&sql, "SELECT count(*) FROM (SELECT * FROM ");
    add(&sql, name);
    add(&sql, ".lines EXCEPT ALL (");
    add_lines(&sql, age);
    add(&sql, ")) AS l");
    run(url, &sql, name, sizeof name);
    return strtoll(name, NULL, 10);
}

void v1_id(const char *url, const v1_size *size, const char *kind, int64_t n, char out[64])
{
    char sql[300];
    const char *known_as = kind;
    if (special_id(kind, n, &known_as, out)) {
        return;
    }
    (void)snprintf(
        sql, sizeof sql,
        "SELECT '%s-' || overlay(overlay(md5('%u%s%lld')::uuid::text placing '4' from 15)"
        " placing '8' from 20)",
        known_as, size->seed, known_as, (long long)n);
    pg_sql(url, sql, out, 64);
}

/* ---- SQLite ------------------------------------------------------------------------------------- */

static uint64_t mixed(uint64_t x)
{
    x += UINT64_C(0x9e3779b97f4a7c15);
    x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
    return x ^ x >> 31;
}

static void print_id(unsigned seed, const char *kind, int64_t n, char out[64])
{
    uint64_t high = mixed(seed), low = 0;
    for (const char *c = kind; *c; c++) {
        high = mixed(high ^ (unsigned char)*c);
    }
    high = mixed(high ^ (uint64_t)n);
    low = mixed(high);
    (void)snprintf(out, 64, "%.24s-%08x-%04x-4%03x-8%03x-%012llx", kind, (unsigned)(high >> 32),
                   (unsigned)(high >> 16 & 0xffff), (unsigned)(high & 0xfff), (unsigned)(low >> 52),
                   (unsigned long long)(low & UINT64_C(0xffffffffffff)));
}

void v1_sqlite_id(const v1_size *size, const char *kind, int64_t n, char out[64])
{
    const char *known_as = kind;
    if (!special_id(kind, n, &known_as, out)) {
        print_id(size->seed, known_as, n, out);
    }
}

static void sql_id(sqlite3_context *context, int count, sqlite3_value **values)
{
    const unsigned *seed = sqlite3_user_data(context);
    char out[64];
    (void)count;
    print_id(*seed, (const char *)sqlite3_value_text(values[0]), sqlite3_value_int64(values[1]),
             out);
    sqlite3_result_text(context, out, -1, SQLITE_TRANSIENT);
}

/* Microseconds since 1 May 2025 as SQLAlchemy writes a time: without zone, a fraction where there is one. */
static void sql_time(sqlite3_context *context, int count, sqlite3_value **values)
{
    int64_t us = sqlite3_value_int64(values[0]);
    int64_t second = us / 1000000 % 86400, days = us / 1000000 / 86400;
    static const int lengths[] = {31, 30, 31, 31, 30, 31, 30, 31, 31, 28, 31, 30};
    int year = 2025, month = 4;
    char out[64];
    (void)count;
    for (; days >= lengths[(month + 8) % 12]; month++) {
        days -= lengths[(month + 8) % 12];
    }
    year += month / 12;
    int len =
        snprintf(out, sizeof out, "%04d-%02d-%02d %02d:%02d:%02d", year, month % 12 + 1,
                 (int)days + 1, (int)(second / 3600), (int)(second / 60 % 60), (int)(second % 60));
    if (us % 1000000) {
        (void)snprintf(out + len, sizeof out - (size_t)len, ".%06d", (int)(us % 1000000));
    }
    sqlite3_result_text(context, out, -1, SQLITE_TRANSIENT);
}

static void sql_same(sqlite3_context *context, int count, sqlite3_value **values)
{
    (void)count;
    sqlite3_result_value(context, values[0]);
}

static void sql_secret(sqlite3_context *context, int count, sqlite3_value **values)
{
    (void)count;
    sqlite3_result_text(context, secrets[sqlite3_value_int(values[0])], -1, SQLITE_STATIC);
}

static sqlite3 *open_file(const char *path, unsigned *seed)
{
    sqlite3 *db = NULL;
    bool good = sqlite3_open(path, &db) == SQLITE_OK;
    const int how = SQLITE_UTF8 | SQLITE_DETERMINISTIC;
    good = good && sqlite3_create_function(db, "v1_id", 2, how, seed, sql_id, NULL, NULL) == 0 &&
           sqlite3_create_function(db, "v1_time", 1, how, NULL, sql_time, NULL, NULL) == 0 &&
           sqlite3_create_function(db, "v1_local_time", 1, how, NULL, sql_time, NULL, NULL) == 0 &&
           sqlite3_create_function(db, "v1_json", 1, how, NULL, sql_same, NULL, NULL) == 0 &&
           sqlite3_create_function(db, "v1_status", 1, how, NULL, sql_same, NULL, NULL) == 0 &&
           sqlite3_create_function(db, "v1_secret", 1, how, NULL, sql_secret, NULL, NULL) == 0;
    if (!good) {
        fprintf(stderr, "v1: %s: %s\n", path, sqlite3_errmsg(db));
        exit(1);
    }
    return db;
}

static int keep_first(void *arg, int count, char **values, char **names)
{
    (void)count;
    (void)names;
    (void)snprintf(arg, 800, "%s", values[0] ? values[0] : "");
    return 0;
}

static void run_file(const char *path, unsigned seed, text *sql, char *answer)
{
    char *said = NULL;
    sqlite3 *db = open_file(path, &seed);
    if (sqlite3_exec(db, sql->ptr, answer ? keep_first : NULL, answer, &said) != SQLITE_OK) {
        fprintf(stderr, "v1: %s: %s\n", path, said);
        exit(1);
    }
    sqlite3_close(db);
    free(sql->ptr);
}

void v1_sqlite_make(const char *path)
{
    text sql = {0};
    add(&sql, "BEGIN; CREATE TABLE message_sequence (id INTEGER PRIMARY KEY, next_val INTEGER NOT"
              " NULL); INSERT INTO message_sequence VALUES (1, 1);\n");
    add_tables(&sql, V1_JOBS, true);
    add(&sql, "COMMIT;");
    run_file(path, 0, &sql, NULL);
}

void v1_sqlite_fill(const char *path, const v1_size *size)
{
    text sql = {0};
    char more[260];
    (void)snprintf(more, sizeof more,
                   "CREATE TEMP TABLE numbers (i INTEGER PRIMARY KEY); BEGIN; INSERT INTO numbers"
                   " WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i + 1 <"
                   " %lld) SELECT i FROM n;\n",
                   (long long)numbers(size));
    add(&sql, more);
    add_all_rows(&sql, V1_JOBS, size);
    add(&sql, "UPDATE message_sequence SET next_val = (SELECT max(sequence_id) + 1 FROM messages);"
              " COMMIT;");
    run_file(path, size->seed, &sql, NULL);
}

v1_totals v1_sqlite_count(const char *path, const char *organization_id)
{
    text sql = {0};
    char answer[800] = "";
    add_question(&sql, V1_JOBS, organization_id);
    run_file(path, 0, &sql, answer);
    return read_totals(answer);
}
