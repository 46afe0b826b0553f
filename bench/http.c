/* SPDX-License-Identifier: Apache-2.0 */
/* What the server costs: the same rows over HTTP, each answered when it is durable, against the bare loop in
 * turns; lists against the bare query; reads while others write; and the server's weight. Server, load
 * and bare loop share the processors, so the load's own work counts against the server.
 */
#include <stdio.h>
#include <stdlib.h>

#include "http.h"

enum {
    CACHE_MB = BENCH_CACHE_BYTES >> 20,
    STEP_ROOM = 2048,
    QUESTIONS = 100,
    PAGE = 50,
    AGAIN = 2000 /* requests that are sent again and again */
};

/* A ledger that a server has open, a key for each organization, and the bare table of the same rows. */
typedef struct served {
    bench_well well;
    bench_bare bare;
    bench_rows bare_rows;
    bench_server server;
    char key[BENCH_ORGANIZATIONS][SW_KEY_TEXT];
} served;

/* ---- opening ------------------------------------------------------------------------------------ */

static void make_keys(served *s, const bench *b)
{
    for (int i = 0; i < BENCH_ORGANIZATIONS; i++) {
        sw_error err = {0};
        sw_outcome outcome;
        sw_actor actor = bench_actor(&b->names, i, i);
        sw_api_key row = {.name = SW_STR("bench"), .scopes = SW_STR("[\"ingest\",\"read\"]")};
        bench_need(sw_key_create(s->well.ledger, &actor, &row, s->key[i], &outcome, &err), &err,
                   "make a key");
    }
}

/* The runs of the steps to come are made before the server is there. */
static served *open_served(const bench *b, const char *name, bench_order order, int64_t steps,
                           int cache_mb)
{
    char bare[64];
    served *s = bench_take(1, sizeof *s);
    snprintf(bare, sizeof bare, "%s.bare", name);
    bench_well_open(&s->well, b, name, order);
    make_keys(s, b);
    bench_well_runs(&s->well, steps);
    bench_well_leave(&s->well);
    bench_bare_open(&s->bare, bench_path(bare));
    bench_rows_init(&s->bare_rows, &b->names, order);
    bench_server_start(&s->server, s->well.path, cache_mb);
    return s;
}

static void drop_served(served *s)
{
    bench_server_stop(&s->server);
    bench_well_return(&s->well);
    bench_well_drop(&s->well);
    bench_bare_close(&s->bare);
    bench_remove_database(s->bare.path);
    free(s);
}

/* ---- requests ----------------------------------------------------------------------------------- */

static int put_member(char *out, const char *name, sw_str text, bool raw)
{
    const char *quote = raw ? "" : "\"";
    return text.ptr ? sprintf(out, ",\"%s\":%s%.*s%s", name, quote, (int)text.len, text.ptr, quote)
                    : 0;
}

/* The step as JSON; without its id the server makes one up. */
static size_t put_step(char *out, const bench_row *row, bool with_id)
{
    const struct {
        const char *name;
        sw_str text;
        bool raw;
    } members[] = {
        {"provider_id", row->provider_id, false},
        {"run_id", row->run_id, false},
        {"agent_id", row->agent_id, false},
        {"provider_name", row->provider_name, false},
        {"provider_category", row->provider_category, false},
        {"model", row->model, false},
        {"model_endpoint", row->model_endpoint, false},
        {"completion_tokens_details", row->completion_tokens_details, true},
        {"prompt_tokens_details", row->prompt_tokens_details, true},
        {"stop_reason", row->stop_reason, false},
        {"tags", row->tags, true},
        {"trace_id", row->trace_id, false},
        {"request_id", row->request_id, false},
        {"feedback", row->feedback, false},
        {"error_type", row->error_type, false},
        {"error_data", row->error_data, true},
        {"status", row->status, false},
        {"project_id", row->project_id, false},
        {"created_at", row->created_at, false},
    };
    int n = sprintf(out,
                    "{\"origin\":\"agent_loop\",\"context_window_limit\":%lld,"
                    "\"completion_tokens\":%lld,\"prompt_tokens\":%lld,\"total_tokens\":%lld",
                    (long long)row->context_window_limit, (long long)row->completion_tokens,
                    (long long)row->prompt_tokens, (long long)row->total_tokens);
    n += row->state == SW_STEP_STATUS_PENDING
             ? sprintf(out + n, ",\"lease_seconds\":%d", (int)SW_LIMIT_LEASE_SECONDS)
             : 0;
    n += with_id ? put_member(out + n, "id", row->id, false) : 0;
    for (size_t i = 0; i < sizeof members / sizeof members[0]; i++) {
        n += put_member(out + n, members[i].name, members[i].text, members[i].raw);
    }
    out[n++] = '}';
    return (size_t)n;
}

static void make_post(bench_request *request, const char *key, const char *body, size_t len)
{
    char head[512];
    int n = snprintf(head, sizeof head,
                     "POST /v1/steps/ HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer %s\r\n"
                     "Content-Type: application/json\r\nContent-Length: %zu\r\n\r\n",
                     key, len);
    request->len = (size_t)n + len;
    request->bytes = bench_take(request->len, 1);
    memcpy(request->bytes, head, (size_t)n);
    memcpy(request->bytes + n, body, len);
}

/* The next steps of the well's rows, `each` a request; one step goes as an object of its own. */
static bench_request *make_posts(served *s, int64_t count, int each, bool with_ids)
{
    bench_request *requests = bench_take((size_t)count, sizeof *requests);
    char *body = bench_take((size_t)each * STEP_ROOM + 64, 1);
    bench_row row;
    for (int64_t i = 0; i < count; i++) {
        size_t len = each > 1 ? (size_t)sprintf(body, "{\"steps\":[") : 0;
        for (int k = 0; k < each; k++) {
            bench_rows_next(&s->well.rows, &row);
            if (k > 0) {
                body[len++] = ',';
            }
            len += put_step(body + len, &row, with_ids);
        }
        len += each > 1 ? (size_t)sprintf(body + len, "]}") : 0;
        make_post(&requests[i], s->key[row.organization], body, len);
    }
    free(body);
    return requests;
}

static bench_request *make_lists(served *s, int organization, int64_t count)
{
    bench_request *requests = bench_take((size_t)count, sizeof *requests);
    char head[512];
    for (int64_t i = 0; i < count; i++) {
        int n = snprintf(head, sizeof head,
                         "GET /v1/steps/?limit=%d HTTP/1.1\r\nHost: 127.0.0.1\r\n"
                         "Authorization: Bearer %s\r\n\r\n",
                         PAGE, s->key[organization]);
        requests[i] = (bench_request){strdup(head), (size_t)n};
    }
    return requests;
}

static void free_requests(bench_request *requests, int64_t count)
{
    for (int64_t i = 0; i < count; i++) {
        free(requests[i].bytes);
    }
    free(requests);
}

/* ---- writing ------------------------------------------------------------------------------------ */

/* How a figure of writing is measured. */
typedef struct writing {
    const char *name;
    bench_figure figure;
    bench_order order;
    int connections;
    int each;         /* steps a request */
    int64_t requests; /* of a slice */
    int64_t rows;     /* of the bare loop, a slice */
    int64_t batch;    /* of the bare loop */
} writing;
enum { SLICES = 3 };

static double send_slice(served *s, const writing *w)
{
    bench_request *requests = make_posts(s, w->requests, w->each, true);
    bench_load load = {.port = s->server.port,
                       .connections = w->connections,
                       .requests = requests,
                       .count = w->requests,
                       .created_each = w->each};
    bench_load_run(&load);
    free_requests(requests, w->requests);
    return load.wall_s;
}

static double insert_slice(served *s, const writing *w)
{
    double start = bench_seconds();
    bench_bare_insert(&s->bare, &s->bare_rows, w->rows, w->batch);
    return bench_seconds() - start;
}

static void measure_writing(bench *b, served *s, const writing *w)
{
    double ratio[BENCH_ROUNDS_MAX];
    for (int i = -1; i < b->rounds; i++) {
        double http = 0;
        double bare = 0;
        for (int k = 0; k < SLICES; k++) {
            http += send_slice(s, w);
            bare += insert_slice(s, w);
        }
        double steps = (double)(SLICES * w->requests * w->each) / http;
        double rows = (double)(SLICES * w->rows) / bare;
        ratio[i < 0 ? 0 : i] = steps / rows; /* the first round warms up and is overwritten */
        bench_say("http: %s %.0f steps/s; bare %.0f rows/s", w->name, steps, rows);
    }
    bench_figure_set(w->figure, ratio, b->rounds);
}

static int64_t steps_of(const bench *b, const writing *w)
{
    return (b->rounds + 1) * SLICES * w->requests * w->each;
}

/* ---- reading ------------------------------------------------------------------------------------ */

/* p50 of the bare query: the newest 50 of the organization, all columns. */
static double bare_list_p50(served *s, const char *organization)
{
    double took[QUESTIONS];
    volatile int64_t seen = 0;
    sqlite3_stmt *statement =
        bench_bare_prepare(&s->bare, "SELECT * FROM steps INDEXED BY steps_organization"
                                     " WHERE organization_id = ?1"
                                     " ORDER BY created_at DESC, id DESC LIMIT 50");
    for (int i = 0; i < QUESTIONS; i++) {
        double start = bench_seconds();
        sqlite3_bind_text(statement, 1, organization, -1, SQLITE_STATIC);
        while (sqlite3_step(statement) == SQLITE_ROW) {
            for (int k = 0; k < sqlite3_column_count(statement); k++) {
                seen = seen + sqlite3_column_bytes(statement, k);
            }
        }
        sqlite3_reset(statement);
        took[i] = bench_seconds() - start;
    }
    sqlite3_finalize(statement);
    return bench_percentile(took, QUESTIONS, 50);
}

/* The latency of the list over one connection, which percentile is asked for. */
static double http_list(served *s, int organization, int count, int percent)
{
    double *took = bench_take((size_t)count, sizeof *took);
    bench_request *requests = make_lists(s, organization, count);
    bench_load load = {.port = s->server.port,
                       .connections = 1,
                       .requests = requests,
                       .count = count,
                       .latency_s = took};
    bench_load_run(&load);
    double value = bench_percentile(took, count, percent);
    free_requests(requests, count);
    free(took);
    return value;
}

static int busiest(const bench_rows *rows)
{
    int best = 0;
    for (int i = 1; i < BENCH_ORGANIZATIONS; i++) {
        best = rows->of_organization[i] > rows->of_organization[best] ? i : best;
    }
    return best;
}

static void measure_lists(bench *b, served *s)
{
    double ratio[BENCH_ROUNDS_MAX];
    int organization = busiest(&s->bare_rows);
    for (int i = -1; i < b->rounds; i++) {
        double http = http_list(s, organization, QUESTIONS, 50);
        double bare = bare_list_p50(s, b->names.organization[organization]);
        ratio[i < 0 ? 0 : i] = http / bare;
        bench_say("http: newest 50 in %.3f ms; bare query %.3f ms", http * 1e3, bare * 1e3);
    }
    bench_figure_set(BENCH_HTTP_LIST, ratio, b->rounds);
}

/* The writers' steps have no id of their own, so that each pass over the requests makes new ones. */
static void measure_reads_under_load(bench *b, served *s)
{
    enum { READS = 1000 };
    double ratio[BENCH_ROUNDS_MAX];
    int organization = busiest(&s->bare_rows);
    bench_rows before = s->well.rows;
    bench_request *requests = make_posts(s, AGAIN, 1, false);
    bench_load writers = {.port = s->server.port,
                          .connections = 64,
                          .requests = requests,
                          .count = AGAIN,
                          .created_each = 1};
    s->well.rows = before;
    for (int i = -1; i < b->rounds; i++) {
        double idle = http_list(s, organization, QUESTIONS, 50);
        bench_background *load = bench_background_start(&writers);
        double p99 = http_list(s, organization, READS, 99);
        bench_background_stop(load);
        ratio[i < 0 ? 0 : i] = p99 / idle;
        bench_say("http: newest 50, idle p50 %.3f ms, under load p99 %.3f ms", idle * 1e3,
                  p99 * 1e3);
    }
    free_requests(requests, AGAIN);
    bench_figure_set(BENCH_HTTP_READ_P99, ratio, b->rounds);
}

/* ---- weight ------------------------------------------------------------------------------------- */

static void measure_start(bench *b, served *s)
{
    double ready[BENCH_ROUNDS_MAX];
    double rss[BENCH_ROUNDS_MAX];
    double binary = bench_server_binary_mb();
    for (int i = 0; i < b->rounds; i++) {
        bench_server_stop(&s->server);
        bench_server_start(&s->server, s->well.path, CACHE_MB);
        ready[i] = s->server.ready_s * 1e3;
        (void)http_list(s, 0, 1, 50); /* so that it has been through all of its own code once */
        rss[i] = bench_server_rss_mb(&s->server);
    }
    bench_figure_set(BENCH_HTTP_READY, ready, b->rounds);
    bench_figure_set(BENCH_HTTP_RSS_IDLE, rss, b->rounds);
    bench_figure_set(BENCH_HTTP_BINARY, &binary, 1);
}

/* A cache that is full early, so that what grows is not the cache. */
static void measure_growth(bench *b)
{
    enum { EARLY = 50000, ALL = 1000000, SMALL_CACHE_MB = 8 };
    served *s =
        open_served(b, "http.growth", (bench_order){.blocks = false}, AGAIN, SMALL_CACHE_MB);
    bench_request *requests = make_posts(s, AGAIN, 1, false);
    bench_load load = {.port = s->server.port,
                       .connections = 64,
                       .requests = requests,
                       .count = AGAIN,
                       .total = EARLY,
                       .created_each = 1};
    bench_load_run(&load);
    double early = bench_server_rss_mb(&s->server);
    load.total = ALL - EARLY;
    bench_load_run(&load);
    double late = bench_server_rss_mb(&s->server);
    double growth = late - early;
    bench_say("http: %.1f MB resident after %d requests, %.1f after %d", early, EARLY, late, ALL);
    bench_figure_set(BENCH_HTTP_RSS_GROWTH, &growth, 1);
    free_requests(requests, AGAIN);
    drop_served(s);
}

void bench_http(bench *b)
{
    const int64_t scale = b->quick ? 1 : 4;
    const writing batches = {"100 a request",
                             BENCH_HTTP_BATCH,
                             {.blocks = true},
                             64,
                             100,
                             128 * scale,
                             12800 * scale,
                             1000};
    const writing singles = {"one a request, 64 connections",
                             BENCH_HTTP_SINGLE,
                             {.blocks = false},
                             64,
                             1,
                             4000 * scale,
                             200 * scale,
                             1};
    const writing many = {"one a request, 256 connections",
                          BENCH_HTTP_MANY,
                          {.blocks = false},
                          256,
                          1,
                          4000 * scale,
                          4000 * scale,
                          100};
    served *s =
        open_served(b, "http.batches", batches.order, steps_of(b, &batches) + AGAIN, CACHE_MB);
    measure_writing(b, s, &batches);
    measure_lists(b, s);
    measure_reads_under_load(b, s);
    measure_start(b, s);
    drop_served(s);
    s = open_served(b, "http.singles", singles.order, steps_of(b, &singles) + steps_of(b, &many),
                    CACHE_MB);
    measure_writing(b, s, &singles);
    s->bare_rows =
        s->well.rows; /* the bare loop wrote fewer rows; from here on it writes the same */
    measure_writing(b, s, &many);
    drop_served(s);
    if (bench_figure_wanted(b, BENCH_HTTP_RSS_GROWTH)) {
        measure_growth(b);
    }
}
