/* SPDX-License-Identifier: Apache-2.0 */
/* Whether the server can do its work: it writes and reads, at most every five seconds, however often it
 * is asked. A thread of its own does it, so that a store that hangs makes nobody hang but that thread:
 * who asks waits two seconds and is told that there is no answer.
 */
#include <time.h>

#include "http/observe.h"

enum { EVERY_US = 5000000, PATIENCE_S = 2 };

struct sw_probe {
    pthread_mutex_t lock;
    pthread_cond_t ask;
    pthread_cond_t done;
    pthread_t thread;
    bool runs;
    bool wanted;
    bool closing;
    int64_t tried_us; /* monotonic; 0: never */
    int64_t took_us;
    sw_status status;
};

static void *run_probe(void *data)
{
    sw_server *server = data;
    sw_probe *probe = server->probe;
    pthread_mutex_lock(&probe->lock);
    while (!probe->closing) {
        if (!probe->wanted) {
            pthread_cond_wait(&probe->ask, &probe->lock);
            continue;
        }
        pthread_mutex_unlock(&probe->lock);
        sw_error err = {0};
        int64_t took_us = 0;
        sw_status status = sw_ledger_probe(server->ledger, &took_us, &err);
        if (status != SW_STATUS_OK) {
            sw_logf(&server->log, SW_LOG_ERROR, "the store does not write or read: %s",
                    err.message);
        }
        pthread_mutex_lock(&probe->lock);
        probe->wanted = false;
        probe->status = status;
        probe->took_us = took_us;
        probe->tried_us = sw__mono_us();
        pthread_cond_broadcast(&probe->done);
    }
    pthread_mutex_unlock(&probe->lock);
    return NULL;
}

sw_status sw__probe_start(sw_server *server, sw_error *err)
{
    sw_probe *probe = sw_alloc_zeroed(server->from, sizeof *probe);
    pthread_condattr_t monotonic;
    if (!probe) {
        return sw_no_memory(err);
    }
    server->probe = probe;
    pthread_mutex_init(&probe->lock, NULL);
    pthread_cond_init(&probe->ask, NULL);
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&probe->done, &monotonic);
    pthread_condattr_destroy(&monotonic);
    probe->runs = pthread_create(&probe->thread, NULL, run_probe, server) == 0;
    return probe->runs ? SW_STATUS_OK
                       : sw_fail(err, SW_STATUS_NO_MEMORY, "", "no thread could be started");
}

void sw__probe_stop(sw_server *server)
{
    sw_probe *probe = server->probe;
    if (!probe) {
        return;
    }
    pthread_mutex_lock(&probe->lock);
    probe->closing = true;
    pthread_cond_broadcast(&probe->ask);
    pthread_mutex_unlock(&probe->lock);
    if (probe->runs) {
        pthread_join(probe->thread, NULL);
    }
    pthread_cond_destroy(&probe->ask);
    pthread_cond_destroy(&probe->done);
    pthread_mutex_destroy(&probe->lock);
    sw_free(server->from, probe);
    server->probe = NULL;
}

/* The last result, or that of a probe made now; BUSY when it does not come. */
static sw_status ask_probe(sw_server *server, int64_t *took_us)
{
    sw_probe *probe = server->probe;
    struct timespec until;
    int timed_out = 0;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += PATIENCE_S;
    pthread_mutex_lock(&probe->lock);
    if (!probe->wanted && (!probe->tried_us || sw__mono_us() - probe->tried_us > EVERY_US)) {
        probe->wanted = true;
        pthread_cond_signal(&probe->ask);
    }
    while (probe->wanted && !timed_out) {
        timed_out = pthread_cond_timedwait(&probe->done, &probe->lock, &until);
    }
    sw_status status = probe->wanted ? SW_STATUS_BUSY : probe->status;
    *took_us = probe->took_us;
    pthread_mutex_unlock(&probe->lock);
    return status;
}

void sw__probe_metrics(sw_server *server, sw_buf *out)
{
    sw_probe *probe = server->probe;
    pthread_mutex_lock(&probe->lock);
    bool up = probe->tried_us && probe->status == SW_STATUS_OK;
    bool known = probe->tried_us != 0;
    int64_t took_us = probe->took_us;
    pthread_mutex_unlock(&probe->lock);
    if (known) {
        sw_buf_addf(out,
                    "# HELP stepwell_probe_up Whether the last probe wrote and read.\n"
                    "# TYPE stepwell_probe_up gauge\nstepwell_probe_up %d\n"
                    "# HELP stepwell_probe_seconds How long the last probe took.\n"
                    "# TYPE stepwell_probe_seconds gauge\nstepwell_probe_seconds %g\n",
                    up ? 1 : 0, (double)took_us / 1e6);
    }
}

static void write_health(sw_request *request, bool ok, const char *status, sw_int took_us)
{
    sw_json_out *out = sw_answer_json(request, ok ? 200 : 503);
    sw_json_open(out, '{');
    sw_json_key(out, SW_STR("status"));
    sw_json_str(out, sw_str_from(status));
    sw_json_key(out, SW_STR("version"));
    sw_json_str(out, sw_str_from(sw_version()));
    if (took_us.known) {
        sw_json_key(out, SW_STR("probe_us"));
        sw_json_int(out, took_us.value);
    }
    sw_json_close(out, '}');
}

sw_status sw_http_healthz(sw_request *request, sw_error *err)
{
    int64_t took_us = 0;
    sw_status status = ask_probe(request->server, &took_us);
    (void)err;
    write_health(request, status == SW_STATUS_OK,
                 status == SW_STATUS_OK ? "ok" : sw_status_message(status), sw_int_of(took_us));
    return SW_STATUS_OK;
}

sw_status sw_http_readyz(sw_request *request, sw_error *err)
{
    bool stopping = sw_server_stopping(request->server);
    (void)err;
    write_health(request, !stopping, stopping ? "draining" : "ok", SW_NULL_INT);
    return SW_STATUS_OK;
}

/* V1's form: the version first. */
sw_status sw_http_health(sw_request *request, sw_error *err)
{
    (void)err;
    sw_json_out *out = sw_answer_json(request, 200);
    sw_json_open(out, '{');
    sw_json_key(out, SW_STR("version"));
    sw_json_str(out, sw_str_from(sw_version()));
    sw_json_key(out, SW_STR("status"));
    sw_json_str(out, SW_STR("ok"));
    sw_json_close(out, '}');
    return SW_STATUS_OK;
}
