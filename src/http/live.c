/* SPDX-License-Identifier: Apache-2.0 */
/* Starting and ending what runs besides the answering, in one place. */
#include "http/live.h"

#include "http/auth.h"
#include "http/hooks.h"
#include "http/server.h"
#include "http/tail.h"
#include "ingest/ingest.h"

enum { MB_SHIFT = 20, MAX_MB = SW_LIMIT_BODIES_BYTES >> MB_SHIFT, MOST_KEPT_MB = 1 << 30 };
enum {
    LEAST_MS = 500 /* for telemetry of which no spans are kept: what is not computed is lost */
};

static void log_ingest(void *data, int level, const char *line)
{
    sw_logf(data, (sw_log_level)level, "%s", line);
}

static sw_status open_ingest(sw_ledger *ledger, const sw_allocator *from,
                             const sw_settings *settings, sw_log *log, sw_ingest **out,
                             sw_error *err)
{
    sw_ingest_options options = {.allocator = from,
                                 .keep_days = settings->otlp_keep_days,
                                 .keep_bytes = settings->otlp_keep_mb << MB_SHIFT,
                                 .log = log_ingest,
                                 .log_data = log};
    if (settings->otlp_max_mb < 1 || settings->otlp_max_mb > MAX_MB) {
        return sw_fail(err, SW_STATUS_INVALID, "otlp-max-mb", "is 1 to %d", (int)MAX_MB);
    }
    if (settings->otlp_keep_mb > MOST_KEPT_MB) {
        return sw_fail(err, SW_STATUS_INVALID, "otlp-keep-mb", "is at most %d", (int)MOST_KEPT_MB);
    }
    return sw_ingest_open(ledger, &options, out, err);
}

sw_status sw_live_start(sw_ledger *ledger, const sw_allocator *from, const sw_settings *settings,
                        bool local, sw_log *log, sw_live *out, sw_error *err)
{
    *out = (sw_live){0};
    sw_status status = sw_auth_new(ledger, from, settings, local, &out->auth, err);
    if (status == SW_STATUS_OK) {
        status = sw_tail_start(ledger, from, log, out->auth, &out->tail, err);
    }
    if (status == SW_STATUS_OK) {
        status = sw_hooks_start(ledger, from, settings, log, &out->hooks, err);
    }
    if (status == SW_STATUS_OK) {
        status = open_ingest(ledger, from, settings, log, &out->ingest, err);
    }
    if (status != SW_STATUS_OK) {
        sw_live_stop(out, 0);
    }
    return status;
}

void sw_live_end(sw_live *live)
{
    sw_tail_end(live->tail);
    sw_hooks_end(live->hooks);
}

void sw_live_stop(sw_live *live, int64_t until_us)
{
    int64_t left_ms = (until_us - sw__mono_us()) / 1000;
    sw_ingest_close_within(&live->ingest, left_ms > LEAST_MS ? left_ms : LEAST_MS);
    sw_hooks_stop(&live->hooks);
    sw_tail_stop(&live->tail);
    sw_auth_free(&live->auth);
}
