/* SPDX-License-Identifier: Apache-2.0 */
/* Opening a PostgreSQL database: connections and their settings, making one anew when it was lost, and what the
 * server says when something fails. Knows nothing of rows.
 *
 * A lost connection is not waited for: who asks is told so at once, and while connecting fails it is tried
 * again after pauses that grow. Callers know from the status that they may come again.
 */
#include <stdio.h>

#include "store/postgres_impl.h"

enum {
    OLDEST_SERVER = 140000,
    CONNECT_SECONDS = 5,
    PAUSE_FIRST_MS = 20,
    PAUSE_MOST_MS = 1000,
    IDLE_MS = 60000 /* a process that stands still inside a group is thrown out */
};

/* ---- what the server says ----------------------------------------------------------------------- */

typedef struct saying {
    const char *state; /* SQLSTATE, or its class */
    sw_status status;
} saying;

static const saying sayings[] = {
    {"53100", SW_STATUS_FULL},      /* disk full */
    {"53", SW_STATUS_BUSY},         /* memory, connections */
    {"40", SW_STATUS_BUSY},         /* serialization, deadlock */
    {"55P03", SW_STATUS_BUSY},      /* waited too long for a lock */
    {"57014", SW_STATUS_BUSY},      /* ... or took too long */
    {"57P", SW_STATUS_IO},          /* shut down, starting up, crashed */
    {"25P03", SW_STATUS_IO},        /* stood still inside a group */
    {"08", SW_STATUS_IO},           /* the connection */
    {"58", SW_STATUS_IO},           /* its disk */
    {"25006", SW_STATUS_READ_ONLY}, /* a replica */
    {"42501", SW_STATUS_READ_ONLY}, /* not allowed */
    {"54", SW_STATUS_TOO_LARGE},    /* a limit of the server's */
    {"22003", SW_STATUS_TOO_LARGE}, /* a sum too large for its column */
    {"XX001", SW_STATUS_CORRUPT},   {"XX002", SW_STATUS_CORRUPT},
    {"28", SW_STATUS_INVALID},    /* who are you */
    {"3D000", SW_STATUS_INVALID}, /* no such database */
};

static sw_status status_of(const char *state)
{
    for (size_t i = 0; state && i < SW_COUNT(sayings); i++) {
        if (strncmp(state, sayings[i].state, strlen(sayings[i].state)) == 0) {
            return sayings[i].status;
        }
    }
    return SW_STATUS_INTERNAL;
}

/* Sentences of PostgreSQL's name tables and columns; those about data (class 22) may quote it, so they stay here. */
sw_status sw__pg_fail(PGconn *conn, const PGresult *result, const char *doing, sw_error *err)
{
    const char *state = result ? sw__pq.resultErrorField(result, PG_DIAG_SQLSTATE) : NULL;
    const char *said = result ? sw__pq.resultErrorField(result, PG_DIAG_MESSAGE_PRIMARY) : NULL;
    if (!state && (!conn || sw__pq.status(conn) != CONNECTION_OK)) {
        return sw_fail(err, SW_STATUS_IO, NULL, "%s: the database is away", doing);
    }
    sw_status status = state ? status_of(state) : SW_STATUS_INTERNAL;
    bool quotes = state && strncmp(state, "22", 2) == 0;
    return sw_fail(err, status, NULL, "%s: %s (%s)", doing, sw_status_message(status),
                   said && !quotes ? said
                   : state         ? state
                                   : "no answer");
}

bool sw__pg_broke_rule(const PGresult *result)
{
    const char *state = sw__pq.resultErrorField(result, PG_DIAG_SQLSTATE);
    return state && strncmp(state, "23", 2) == 0;
}

/* ---- connections -------------------------------------------------------------------------------- */

static int64_t mono_ms(void)
{
    return sw__system_clock.mono_us(sw__system_clock.data) / 1000;
}

/* A connection that could not be made has no SQLSTATE; its sentence names host and user, never a password. */
sw_status sw__pg_not_connected(PGconn *conn, const char *place, sw_error *err)
{
    static const char *const lasting[] = {"does not exist", "authentication failed",
                                          "no password supplied", "invalid"};
    char said[240];
    (void)snprintf(said, sizeof said, "%s", conn ? sw__pq.errorMessage(conn) : "no memory");
    for (size_t end = strlen(said); end > 0 && said[end - 1] == '\n'; end--) {
        said[end - 1] = '\0';
    }
    for (size_t i = 0; i < SW_COUNT(lasting); i++) {
        if (strstr(said, lasting[i])) {
            return sw_fail(err, SW_STATUS_INVALID, "url", "%s: %s", place, said);
        }
    }
    return sw_fail(err, SW_STATUS_IO, NULL, "the database is away (%s)", said);
}

static sw_status use_settings(const sw_pg_store *store, sw_session_mode mode, PGconn *conn,
                              sw_error *err)
{
    char sql[400];
    (void)snprintf(sql, sizeof sql,
                   "SET synchronous_commit = on; SET lock_timeout = %lld;"
                   "SET statement_timeout = %lld; SET idle_in_transaction_session_timeout = %d;"
                   "SET client_min_messages = error; SET default_transaction_read_only = %s",
                   (long long)store->busy_ms, (long long)SW_LIMIT_STATEMENT_MS,
                   mode == SW_SESSION_WRITE ? (int)IDLE_MS : 0,
                   mode == SW_SESSION_WRITE ? "off" : "on");
    PGresult *result = sw__pq.exec(conn, sql);
    sw_status status = sw__pq.resultStatus(result) == PGRES_COMMAND_OK
                           ? SW_STATUS_OK
                           : sw__pg_fail(conn, result, "connect", err);
    sw__pq.clear(result);
    return status;
}

/* libpq would print what the server says by itself to our standard error. */
static void keep_quiet(void *arg, const char *message)
{
    (void)arg;
    (void)message;
}

static sw_status suits(const sw_pg_store *store, PGconn *conn, sw_error *err)
{
    const char *encoding = sw__pq.parameterStatus(conn, "server_encoding");
    if (sw__pq.serverVersion(conn) < OLDEST_SERVER) {
        return sw_fail(err, SW_STATUS_UNSUPPORTED, "url", "%s: PostgreSQL 14 or later is needed",
                       store->place);
    }
    if (!encoding || strcmp(encoding, "UTF8") != 0) {
        return sw_fail(err, SW_STATUS_UNSUPPORTED, "url",
                       "%s: the database keeps text as %s, and UTF8 is needed", store->place,
                       encoding ? encoding : "something else");
    }
    return SW_STATUS_OK;
}

PGconn *sw__pg_dial(const char *url)
{
    char seconds[16];
    /* What stands before dbname the URL may say otherwise. A server that vanished says nothing at all: by itself the
     * system would wait for it for a quarter of an hour, or two hours. */
    const char *const keys[] = {"connect_timeout",           "keepalives_idle",
                                "keepalives_interval",       "keepalives_count",
                                "tcp_user_timeout",          "dbname",
                                "fallback_application_name", "client_encoding",
                                "target_session_attrs",      NULL};
    (void)snprintf(seconds, sizeof seconds, "%d", (int)CONNECT_SECONDS);
    const char *const values[] = {seconds, "10",       "5",    "3",   "25000",
                                  url,     "stepwell", "UTF8", "any", NULL};
    PGconn *conn = sw__pq.connectdbParams(keys, values, 1);
    (void)sw__pq.setNoticeProcessor(conn, keep_quiet, NULL);
    return conn;
}

sw_status sw__pg_connect(const sw_pg_store *store, sw_session_mode mode, PGconn **out,
                         sw_error *err)
{
    PGconn *conn = sw__pg_dial(store->url);
    sw_status status = sw__pq.status(conn) == CONNECTION_OK
                           ? SW_STATUS_OK
                           : sw__pg_not_connected(conn, store->place, err);
    if (status == SW_STATUS_OK) {
        status = suits(store, conn, err);
    }
    if (status == SW_STATUS_OK) {
        status = use_settings(store, mode, conn, err);
    }
    if (status != SW_STATUS_OK) {
        sw__pq.finish(conn);
        return status;
    }
    *out = conn;
    return SW_STATUS_OK;
}

/* What the URL says was good when the store was opened: whatever the server refuses now may change back, and is not
 * for the caller to put right, nor to know: libpq's sentences name hosts and users. */
static sw_status not_again(sw_status status, sw_error *err)
{
    bool away =
        status == SW_STATUS_IO || status == SW_STATUS_INVALID || status == SW_STATUS_UNSUPPORTED;
    return away ? sw_fail(err, SW_STATUS_IO, NULL, "the database is away") : status;
}

sw_status sw__pg_connected(sw_pg_session *session, sw_error *err)
{
    if (session->conn && sw__pq.status(session->conn) == CONNECTION_OK) {
        return SW_STATUS_OK;
    }
    sw__pq.finish(session->conn);
    session->conn = NULL;
    sw__pg_forget_all(session);
    int64_t now = mono_ms();
    if (session->pause_ms > 0 && now < session->tried_ms + session->pause_ms) {
        return sw_fail(err, SW_STATUS_IO, NULL, "the database is away");
    }
    sw_status status = sw__pg_connect(session->store, session->mode, &session->conn, err);
    if (status == SW_STATUS_OK && !sw__pq.enterPipelineMode(session->conn)) {
        status = sw_fail(err, SW_STATUS_INTERNAL, NULL, "the connection takes no pipeline");
    }
    if (status == SW_STATUS_OK) {
        session->pause_ms = 0;
        return status;
    }
    sw__pq.finish(session->conn);
    session->conn = NULL;
    int64_t longer = 2 * session->pause_ms;
    session->pause_ms = longer < PAUSE_FIRST_MS  ? PAUSE_FIRST_MS
                        : longer > PAUSE_MOST_MS ? PAUSE_MOST_MS
                                                 : longer;
    session->tried_ms = mono_ms();
    return not_again(status, err);
}

/* ---- opening ------------------------------------------------------------------------------------ */

static void fill_tables(sw_table *tables)
{
    sw__tables_fill(tables);
    for (size_t r = 0; r < SW_RECORD_COUNT; r++) {
        sw_table *table = &tables[r];
        for (size_t i = 0; i < table->model->field_count; i++) {
            sw_pg_form form = sw__pg_form(&table->model->fields[i]);
            bool number = form == SW_PG_INT4 || form == SW_PG_INT8 || form == SW_PG_BOOL ||
                          form == SW_PG_TIME || form == SW_PG_LOCAL_TIME;
            table->forms[i] = (uint8_t)form;
            table->ordered |= number ? SW_MASK(i) : 0;
            table->ranged |= number && form != SW_PG_BOOL ? SW_MASK(i) : 0;
        }
    }
}

void sw__pg_close(sw_store *head)
{
    sw_pg_store *store = (sw_pg_store *)(void *)head;
    sw_allocator from = store->allocator;
    sw_free(&from, store->url);
    sw_free(&from, store);
}

static sw_pg_store *make_store(const sw_store_options *options, sw_str place)
{
    static const char scheme[] = "postgresql:";
    sw_pg_store *store = sw_alloc_zeroed(options->allocator, sizeof *store);
    char *url = sw_alloc(options->allocator, sizeof scheme + place.len);
    if (!store || !url) {
        sw_free(options->allocator, store);
        sw_free(options->allocator, url);
        return NULL;
    }
    memcpy(url, scheme, sizeof scheme - 1);
    memcpy(url + sizeof scheme - 1, place.ptr, place.len);
    url[sizeof scheme - 1 + place.len] = '\0';
    store->allocator = *options->allocator;
    store->url = url;
    store->busy_ms = options->busy_ms;
    store->read_only = options->read_only;
    store->must_exist = options->must_exist;
    store->adopting = options->adopting;
    fill_tables(store->tables);
    return store;
}

/* A second '@', or one behind the host, stood in a password as it is: libpq would take what follows it for the host, and
 * name it. */
static bool has_stray_at(const char *url)
{
    const char *rest = strstr(url, "//") + 2;
    size_t all = strcspn(rest, "?"), host = strcspn(rest, "/?");
    const char *first = memchr(rest, '@', all);
    return first &&
           (first >= rest + host || memchr(first + 1, '@', all - (size_t)(first + 1 - rest)));
}

static sw_status not_a_url(sw_error *err)
{
    return sw_fail(err, SW_STATUS_INVALID, "url",
                   "is not a PostgreSQL URL (postgres://user@host:port/database)");
}

/* Host, port and database of a URL, without what must not be shown. */
sw_status sw__pg_name_place(const char *url, char *place, size_t size, sw_error *err)
{
    const char *host = "", *port = "", *database = "";
    char *said = NULL;
    if (has_stray_at(url)) {
        return sw_fail(err, SW_STATUS_INVALID, "url",
                       "an '@' or '/' in a user, password or database is written %%40 or %%2F");
    }
    PQconninfoOption *options = sw__pq.conninfoParse(url, &said);
    if (!options) {
        sw__pq.freemem(said); /* it quotes the URL, and a password may be in it */
        return not_a_url(err);
    }
    for (const PQconninfoOption *o = options; o->keyword; o++) {
        host = o->val && strcmp(o->keyword, "host") == 0 ? o->val : host;
        port = o->val && strcmp(o->keyword, "port") == 0 ? o->val : port;
        database = o->val && strcmp(o->keyword, "dbname") == 0 ? o->val : database;
    }
    if (port[strspn(port, "0123456789,")] != '\0') { /* what stands there may be a password */
        sw__pq.conninfoFree(options);
        return not_a_url(err);
    }
    (void)snprintf(place, size, "postgres://%.200s%s%.10s/%.100s", host, port[0] ? ":" : "", port,
                   database);
    sw__pq.conninfoFree(options);
    return SW_STATUS_OK;
}

static sw_status prepare_database(sw_pg_store *store, sw_error *err)
{
    PGconn *conn = NULL;
    sw_session_mode mode = store->read_only ? SW_SESSION_READ : SW_SESSION_WRITE;
    sw_status status = sw__pg_connect(store, mode, &conn, err);
    if (status == SW_STATUS_OK) {
        status = sw__pg_migrate(store, conn, err);
        sw__pq.finish(conn);
    }
    return status;
}

sw_status sw__pg_make(const sw_store_options *options, sw_str place, sw_pg_store **out,
                      sw_error *err)
{
    if (place.len < 2 || memcmp(place.ptr, "//", 2) != 0 || memchr(place.ptr, 0, place.len)) {
        return sw_fail(err, SW_STATUS_INVALID, "url", "postgres: needs //user@host:port/database");
    }
    if (!sw__pq_load()) {
        return sw_fail(err, SW_STATUS_UNSUPPORTED, "url", SW_PQ_MISSING);
    }
    sw_pg_store *store = make_store(options, place);
    if (!store) {
        return sw_no_memory(err);
    }
    sw_status status = sw__pg_name_place(store->url, store->place, sizeof store->place, err);
    if (status != SW_STATUS_OK) {
        sw__pg_close(&store->head);
        return status;
    }
    *out = store;
    return SW_STATUS_OK;
}

sw_status sw__pg_open(const sw_store_options *options, sw_str place, sw_store **out, sw_error *err)
{
    sw_pg_store *store = NULL;
    sw_status status = sw__pg_make(options, place, &store, err);
    if (status == SW_STATUS_OK) {
        status = prepare_database(store, err);
    }
    if (status != SW_STATUS_OK) {
        if (store) {
            sw__pg_close(&store->head);
        }
        return status;
    }
    *out = &store->head;
    return SW_STATUS_OK;
}

sw_status sw__pg_info(sw_store *head, sw_store_info *out, sw_error *err)
{
    sw_pg_store *store = (sw_pg_store *)(void *)head;
    PGconn *conn = NULL;
    sw_status status = sw__pg_connect(store, SW_SESSION_READ, &conn, err);
    if (status != SW_STATUS_OK) {
        return status;
    }
    PGresult *result = sw__pq.exec(conn, "SELECT pg_database_size(current_database()),"
                                         " current_setting('block_size')");
    if (sw__pq.resultStatus(result) == PGRES_TUPLES_OK) {
        (void)sw_parse_int(sw_str_from(sw__pq.getvalue(result, 0, 0)), &out->file_bytes);
        (void)sw_parse_int(sw_str_from(sw__pq.getvalue(result, 0, 1)), &out->page_bytes);
    } else {
        status = sw__pg_fail(conn, result, "read the size of the database", err);
    }
    (void)snprintf(out->kind, sizeof out->kind, "postgres");
    (void)snprintf(out->path, sizeof out->path, "%s", store->place + strlen("postgres:"));
    out->schema_version = sw__schema_version(sw__records, SW_RECORD_COUNT);
    sw__pq.clear(result);
    sw__pq.finish(conn);
    return status;
}

/* By itself the server would count after a minute or so; until then it takes every table for empty. */
sw_status sw__pg_settle(sw_store *head, sw_error *err)
{
    sw_pg_store *store = (sw_pg_store *)(void *)head;
    PGconn *conn = NULL;
    sw_status status = sw__pg_connect(store, SW_SESSION_WRITE, &conn, err);
    for (size_t r = 0; status == SW_STATUS_OK && r < SW_RECORD_COUNT; r++) {
        char sql[120];
        (void)snprintf(sql, sizeof sql, "ANALYZE %s", sw__records[r].table);
        PGresult *result = sw__pq.exec(conn, sql);
        if (sw__pq.resultStatus(result) != PGRES_COMMAND_OK) {
            status = sw__pg_fail(conn, result, "count rows", err);
        }
        sw__pq.clear(result);
    }
    sw__pq.finish(conn);
    return status;
}
