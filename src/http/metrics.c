/* SPDX-License-Identifier: Apache-2.0 */
/* Counting, and the text of /metrics (Prometheus). Labels are routes, statuses and reasons, all of them
 * closed lists, so that no stranger can make the text grow. Counters are touched by the network thread
 * and read by anybody; each is exact by itself.
 */
#include <stdio.h>
#include <unistd.h>

#include "http/grpc.h"
#include "http/observe.h"
#include "ingest/ingest.h"

static const int codes[] = {200, 201, 202, 204, 400, 401, 403, 404, 405, 408, 409, 410, 413,
                            414, 415, 421, 422, 429, 499, 500, 501, 502, 503, 504, 0};
enum { CODES = SW_COUNT(codes), ROUTES = SW_ROUTE_COUNT + 1, BUCKETS = 13 };
/* Upper bounds in microseconds, from an answer out of memory to one that should have been a stream. */
static const int64_t bounds[BUCKETS] = {250,   500,    1000,   2500,   5000,    10000,  25000,
                                        50000, 100000, 250000, 500000, 1000000, 5000000};

static const char *const refusals[SW_REFUSED_COUNT] = {
    [SW_REFUSED_MALFORMED] = "malformed",     [SW_REFUSED_BODY] = "body_too_large",
    [SW_REFUSED_CODING] = "content_encoding", [SW_REFUSED_BODIES] = "bodies_in_flight",
    [SW_REFUSED_STREAMS] = "open_streams",    [SW_REFUSED_SLOW] = "slow_sender",
    [SW_REFUSED_RATE] = "rate_limit",         [SW_REFUSED_KEY] = "key"};

typedef atomic_ullong counter;

struct sw_metrics {
    counter requests[ROUTES][CODES];
    counter buckets[ROUTES][BUCKETS + 1];
    counter us[ROUTES];
    counter refused[SW_REFUSED_COUNT];
    counter sent;
    counter received;
    int64_t begun_us; /* wall clock */
};

static void add(counter *to, int64_t n)
{
    atomic_fetch_add_explicit(to, (unsigned long long)n, memory_order_relaxed);
}

static unsigned long long value(const counter *of)
{
    return atomic_load_explicit(of, memory_order_relaxed);
}

sw_status sw__metrics_make(sw_server *server, sw_error *err)
{
    server->metrics = sw_alloc_zeroed(server->from, sizeof *server->metrics);
    if (!server->metrics) {
        return sw_no_memory(err);
    }
    server->metrics->begun_us = sw__system_clock.wall_us(sw__system_clock.data);
    return SW_STATUS_OK;
}

void sw__metrics_free(sw_server *server)
{
    sw_free(server->from, server->metrics);
    server->metrics = NULL;
}

void sw__count_refusal(sw_server *server, sw_refusal why)
{
    add(&server->metrics->refused[why], 1);
}

int64_t sw__metrics_begun_us(const sw_server *server)
{
    return server->metrics->begun_us;
}

static size_t code_place(int status)
{
    size_t i = 0;
    while (codes[i] && codes[i] != status) {
        i++;
    }
    return i;
}

void sw__metrics_count(const sw_exchange *x, int64_t took_us)
{
    sw_metrics *m = x->request.server->metrics;
    size_t route = x->request.route ? (size_t)(x->request.route - sw__routes) : SW_ROUTE_COUNT;
    size_t bucket = 0;
    while (bucket < BUCKETS && took_us > bounds[bucket]) {
        bucket++;
    }
    add(&m->requests[route][code_place(x->status)], 1);
    add(&m->sent, x->fill ? x->sent : (int64_t)x->bytes.len);
    add(&m->received, x->body_bytes);
    /* How long a stream lives says nothing about how fast it is. */
    if (!x->fill) {
        add(&m->buckets[route][bucket], 1);
        add(&m->us[route], took_us);
    }
}

/* ---- the text ------------------------------------------------------------------------------------------ */

static void head(sw_buf *out, const char *name, const char *type, const char *help)
{
    sw_buf_addf(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static void gauge(sw_buf *out, const char *name, const char *help, int64_t number)
{
    head(out, name, "gauge", help);
    sw_buf_addf(out, "%s %lld\n", name, (long long)number);
}

static void count(sw_buf *out, const char *name, const char *help, unsigned long long number)
{
    head(out, name, "counter", help);
    sw_buf_addf(out, "%s %llu\n", name, number);
}

/* The route's name in lower case: the operation's id. */
static void add_route(sw_buf *out, size_t route)
{
    const char *name = route < SW_ROUTE_COUNT ? sw__routes[route].name : "NONE";
    for (; *name; name++) {
        sw_buf_addc(out, *name >= 'A' && *name <= 'Z' ? (char)(*name + 32) : *name);
    }
}

static void write_requests(sw_buf *out, const sw_metrics *m)
{
    const char *name = "stepwell_http_requests_total";
    head(out, name, "counter",
         "Answered requests by route and status; route none: no route was found.");
    for (size_t r = 0; r < ROUTES; r++) {
        for (size_t c = 0; c < CODES; c++) {
            if (value(&m->requests[r][c]) > 0) {
                sw_buf_addf(out, "%s{route=\"", name);
                add_route(out, r);
                sw_buf_addf(out, "\",status=\"%d\"} %llu\n", codes[c], value(&m->requests[r][c]));
            }
        }
    }
}

static void write_latency(sw_buf *out, const sw_metrics *m, size_t route)
{
    const char *name = "stepwell_http_request_seconds";
    unsigned long long sum = 0;
    for (size_t i = 0; i <= BUCKETS; i++) {
        sum += value(&m->buckets[route][i]);
        sw_buf_addf(out, "%s_bucket{route=\"", name);
        add_route(out, route);
        if (i < BUCKETS) {
            sw_buf_addf(out, "\",le=\"%g\"} %llu\n", (double)bounds[i] / 1e6, sum);
        } else {
            sw_buf_addf(out, "\",le=\"+Inf\"} %llu\n", sum);
        }
    }
    sw_buf_addf(out, "%s_sum{route=\"", name);
    add_route(out, route);
    sw_buf_addf(out, "\"} %g\n%s_count{route=\"", (double)value(&m->us[route]) / 1e6, name);
    add_route(out, route);
    sw_buf_addf(out, "\"} %llu\n", sum);
}

static void write_latencies(sw_buf *out, const sw_metrics *m)
{
    head(out, "stepwell_http_request_seconds", "histogram",
         "From the first line of a request to the last byte of its answer; streams not counted.");
    for (size_t r = 0; r < ROUTES; r++) {
        unsigned long long all = 0;
        for (size_t i = 0; i <= BUCKETS; i++) {
            all += value(&m->buckets[r][i]);
        }
        if (all > 0) {
            write_latency(out, m, r);
        }
    }
}

static void write_refusals(sw_buf *out, const sw_metrics *m)
{
    head(out, "stepwell_http_rejected_total", "counter",
         "Requests refused before a handler saw them.");
    for (size_t i = 0; i < SW_REFUSED_COUNT; i++) {
        sw_buf_addf(out, "stepwell_http_rejected_total{reason=\"%s\"} %llu\n", refusals[i],
                    value(&m->refused[i]));
    }
}

static void write_server(sw_buf *out, sw_server *server)
{
    pthread_mutex_lock(&server->lock);
    int64_t jobs = (int64_t)server->job_count;
    pthread_mutex_unlock(&server->lock);
    gauge(out, "stepwell_http_connections", "Open connections.", atomic_load(&server->connections));
    gauge(out, "stepwell_http_streams", "Open streams.", atomic_load(&server->streams));
    gauge(out, "stepwell_http_in_flight", "Requests being read, worked on or answered.",
          atomic_load(&server->exchanges));
    gauge(out, "stepwell_http_queue", "Requests that wait for a worker.", jobs);
    gauge(out, "stepwell_http_body_bytes", "What the bodies being read hold.",
          atomic_load(&server->bodies));
    count(out, "stepwell_access_log_lost_total",
          "Lines of the access log that nobody read in time.",
          (unsigned long long)sw__access_lost(server));
    count(out, "stepwell_http_sent_bytes_total", "Bytes of answers, without headers.",
          value(&server->metrics->sent));
    count(out, "stepwell_http_received_bytes_total", "Bytes of bodies.",
          value(&server->metrics->received));
}

static void write_commits(sw_buf *out, sw_ledger *ledger)
{
    sw_ledger_load load;
    long long sum = 0;
    sw_ledger_load_get(ledger, &load);
    gauge(out, "stepwell_commit_queue", "Operations that wait for the writer.", load.queued);
    head(out, "stepwell_commit_seconds", "histogram", "Group commits, from beginning to durable.");
    for (size_t i = 0; i < SW_LOAD_BUCKETS; i++) {
        sum += load.buckets[i];
        if (i + 1 < SW_LOAD_BUCKETS) {
            sw_buf_addf(out, "stepwell_commit_seconds_bucket{le=\"%g\"} %lld\n",
                        (double)(SW_LOAD_FIRST_US << i) / 1e6, sum);
        } else {
            sw_buf_addf(out, "stepwell_commit_seconds_bucket{le=\"+Inf\"} %lld\n", sum);
        }
    }
    sw_buf_addf(out, "stepwell_commit_seconds_sum %g\nstepwell_commit_seconds_count %lld\n",
                (double)load.us / 1e6, (long long)load.groups);
}

static void write_telemetry(sw_buf *out, sw_ingest *ingest)
{
    sw_ingest_load load;
    sw_ingest_load_get(ingest, &load);
    const struct {
        const char *name;
        int64_t number;
        const char *help;
    } rows[] = {
        {"spans", load.spans, "Spans that were taken."},
        {"logs", load.logs, "Log records that were taken."},
        {"points", load.points, "Points of metrics that were counted; none is kept."},
        {"rejected", load.rejected, "Spans, records and points that were refused."},
        {"duplicates", load.duplicates, "Spans and records that were there already."},
        {"steps", load.steps, "Steps that were made of telemetry."},
        {"restated", load.restated, "Steps that more of their trace has corrected."},
        {"retired", load.retired, "Steps that turned out to be another one."},
        {"recomputed", load.recomputed, "Traces that were computed again."},
    };
    for (size_t i = 0; i < SW_COUNT(rows); i++) {
        char name[64];
        snprintf(name, sizeof name, "stepwell_otlp_%s_total", rows[i].name);
        count(out, name, rows[i].help, (unsigned long long)rows[i].number);
    }
    gauge(out, "stepwell_otlp_marked", "Traces that wait to be computed again.", load.marked);
}

static sw_status write_store(sw_buf *out, sw_ledger *ledger, sw_error *err)
{
    sw_ledger_info info;
    sw_status status = sw_ledger_info_get(ledger, &info, err);
    if (status == SW_STATUS_OK) {
        gauge(out, "stepwell_store_bytes", "Size of the store.", info.file_bytes);
        gauge(out, "stepwell_steps", "Steps that are kept.", info.steps);
        gauge(out, "stepwell_pending_steps", "Steps that have not ended.", info.pending_steps);
        gauge(out, "stepwell_runs", "Runs that are kept.", info.runs);
        gauge(out, "stepwell_organizations", "Organizations.", info.organizations);
    }
    return status;
}

/* The second number that the kernel says of this process; 0 when it does not. */
static int64_t resident_pages(void)
{
    char line[128] = "";
    int64_t pages = 0;
    FILE *in = fopen("/proc/self/statm", "re");
    if (in) {
        const char *blank = fgets(line, sizeof line, in) ? strchr(line, ' ') : NULL;
        if (blank && !sw_parse_int(sw_str_make(blank + 1, strcspn(blank + 1, " \n")), &pages)) {
            pages = 0;
        }
        fclose(in);
    }
    return pages;
}

static void write_process(sw_buf *out, const sw_metrics *m)
{
    gauge(out, "process_resident_memory_bytes", "Memory in use.",
          resident_pages() * sysconf(_SC_PAGESIZE));
    gauge(out, "process_start_time_seconds", "When it was started.", m->begun_us / 1000000);
    head(out, "stepwell_build_info", "gauge", "The version.");
    sw_buf_addf(out, "stepwell_build_info{version=\"%s\"} 1\n", sw_version());
}

sw_status sw_http_metrics(sw_request *request, sw_error *err)
{
    sw_server *server = request->server;
    sw_exchange *x = sw_exchange_of(request);
    sw_buf *out = &x->out;
    sw_answer_bytes(request, 200, "text/plain; version=0.0.4; charset=utf-8", SW_NULL_STR);
    sw_buf_clear(out);
    write_requests(out, server->metrics);
    write_latencies(out, server->metrics);
    write_refusals(out, server->metrics);
    write_server(out, server);
    write_commits(out, server->ledger);
    write_telemetry(out, server->live.ingest);
    sw__grpc_metrics(server->grpc, out);
    write_process(out, server->metrics);
    sw__probe_metrics(server, out);
    return write_store(out, server->ledger, err);
}
