/* SPDX-License-Identifier: Apache-2.0 */
/* GET /v1/admin/server: how the server is set, what its store holds and what goes on, for people who run it; programs
 * that watch it read /metrics. Secrets are no part of it.
 */
#include "http/observe.h"
#include "http/settings.h"

static void put_int(sw_json_out *out, const char *name, int64_t number)
{
    sw_json_key(out, sw_str_from(name));
    sw_json_int(out, number);
}

static void put_text(sw_json_out *out, const char *name, const char *text)
{
    sw_json_key(out, sw_str_from(name));
    sw_json_str(out, text ? sw_str_from(text) : SW_NULL_STR);
}

static void put_bool(sw_json_out *out, const char *name, bool value)
{
    sw_json_key(out, sw_str_from(name));
    sw_json_bool(out, value);
}

static void put_store(sw_json_out *out, const sw_ledger_info *info)
{
    sw_json_key(out, SW_STR("store"));
    sw_json_open(out, '{');
    put_text(out, "kind", info->store);
    put_text(out, "path", info->path[0] ? info->path : NULL);
    put_int(out, "schema_version", info->schema_version);
    put_int(out, "file_bytes", info->file_bytes);
    put_int(out, "organizations", info->organizations);
    put_int(out, "steps", info->steps);
    put_int(out, "pending_steps", info->pending_steps);
    put_int(out, "runs", info->runs);
    put_int(out, "journal_entries", info->journal_entries);
    sw_json_close(out, '}');
}

static void put_load(sw_json_out *out, sw_server *server)
{
    sw_ledger_load load;
    sw_ledger_load_get(server->ledger, &load);
    pthread_mutex_lock(&server->lock);
    int64_t waiting = (int64_t)server->job_count;
    pthread_mutex_unlock(&server->lock);
    sw_json_key(out, SW_STR("load"));
    sw_json_open(out, '{');
    put_int(out, "connections", atomic_load(&server->connections));
    put_int(out, "streams", atomic_load(&server->streams));
    put_int(out, "in_flight", atomic_load(&server->exchanges));
    put_int(out, "waiting", waiting);
    put_int(out, "commit_queue", load.queued);
    put_int(out, "commits", load.groups);
    sw_json_key(out, SW_STR("commit_us"));
    if (load.groups > 0) {
        sw_json_int(out, load.us / load.groups);
    } else {
        sw_json_null(out);
    }
    sw_json_close(out, '}');
}

static void put_settings(sw_json_out *out, const sw_settings *settings)
{
    sw_json_key(out, SW_STR("settings"));
    sw_json_open(out, '[');
    for (int i = 0; i < SW_SETTING_ID_COUNT; i++) {
        sw_setting_shown one;
        if (!sw_setting_show(settings, (sw_setting_id)i, &one)) {
            continue;
        }
        sw_json_open(out, '{');
        put_text(out, "name", one.name);
        put_text(out, "environment", one.environment);
        put_text(out, "value", one.text ? one.text : one.number);
        put_bool(out, "is_fallback", one.is_fallback);
        put_text(out, "doc", one.doc);
        sw_json_close(out, '}');
    }
    sw_json_close(out, ']');
}

sw_status sw_http_server_report(sw_request *request, sw_error *err)
{
    sw_server *server = request->server;
    char started[SW_TIME_TEXT];
    sw_ledger_info info;
    sw_status status = sw_ledger_info_get(server->ledger, &info, err);
    if (status != SW_STATUS_OK) {
        return status;
    }
    (void)sw_time_print(sw__metrics_begun_us(server), true, started);
    sw_json_out *out = sw_answer_json(request, 200);
    sw_json_open(out, '{');
    put_text(out, "version", sw_version());
    put_text(out, "started_at", started);
    put_store(out, &info);
    put_load(out, server);
    put_settings(out, &server->settings);
    sw_json_close(out, '}');
    return SW_STATUS_OK;
}
