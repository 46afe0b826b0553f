/* SPDX-License-Identifier: Apache-2.0 */
/* Sums from a server: the question as GET /v1/usage, its report as the structs of the ledger. The sums
 * are the rows of model/totals.def; their names are looked up, so that a newer server may say more.
 */
#include "cli/remote.h"
#include "cli/usage.h"

enum { ARENA = 256 << 20 };

typedef struct report {
    const sw_usage_query *query;
    sw_usage_each *each;
    void *arg;
    sw_usage_end *end;
    sw_json json;
    bool ended;
} report;

/* The current token is '{'. */
static bool read_latency(sw_json *json, sw_latency *out)
{
    *out = (sw_latency){.p50_ns = -1, .p95_ns = -1, .p99_ns = -1};
    while (sw_json_next(json) == SW_JSON_KEY) {
        sw_str name = json->text;
        int64_t *to = sw_str_eq(name, SW_STR("count"))    ? &out->count
                      : sw_str_eq(name, SW_STR("p50_ns")) ? &out->p50_ns
                      : sw_str_eq(name, SW_STR("p95_ns")) ? &out->p95_ns
                      : sw_str_eq(name, SW_STR("p99_ns")) ? &out->p99_ns
                                                          : NULL;
        sw_json_type type = sw_json_next(json);
        if (to && type == SW_JSON_NUMBER && json->is_integer) {
            *to = json->integer;
        } else if (!sw_json_skip(json, NULL)) {
            return false;
        }
    }
    return json->type == SW_JSON_OBJECT_END;
}

static bool read_member(report *in, sw_str name, sw_usage_group *group)
{
    sw_json *json = &in->json;
    sw_json_type type = sw_json_next(json);
    int64_t *sum = sw_usage_sum_of(&group->totals, name);
    if (sum && type == SW_JSON_NUMBER && json->is_integer) {
        *sum = json->integer;
        return true;
    }
    for (size_t i = 0; i < in->query->by_count; i++) {
        if (sw_str_eq(name, sw_str_from(sw_enum_word(SW_ENUM_dimension, in->query->by[i]))) &&
            type == SW_JSON_STRING) {
            group->keys[i] = json->text;
            return true;
        }
    }
    sw_latency *latency = sw_str_eq(name, SW_STR("step_time"))    ? &group->step_time
                          : sw_str_eq(name, SW_STR("model_time")) ? &group->model_time
                          : sw_str_eq(name, SW_STR("tool_time"))  ? &group->tool_time
                                                                  : NULL;
    return latency && type == SW_JSON_OBJECT ? read_latency(json, latency)
                                             : sw_json_skip(json, NULL);
}

static bool read_groups(report *in)
{
    sw_json *json = &in->json;
    if (sw_json_next(json) != SW_JSON_ARRAY) {
        return false;
    }
    while (sw_json_next(json) == SW_JSON_OBJECT) {
        sw_usage_group group = {.step_time = {.p50_ns = -1}};
        while (sw_json_next(json) == SW_JSON_KEY) {
            if (!read_member(in, json->text, &group)) {
                return false;
            }
        }
        in->end->groups++;
        in->ended = in->ended || !in->each(in->arg, &group);
    }
    return json->type == SW_JSON_ARRAY_END;
}

static bool read_report(report *in)
{
    sw_json *json = &in->json;
    bool fine = sw_json_next(json) == SW_JSON_OBJECT;
    while (fine && sw_json_next(json) == SW_JSON_KEY) {
        sw_str name = json->text;
        if (sw_str_eq(name, SW_STR("groups"))) {
            fine = read_groups(in);
            continue;
        }
        sw_json_type type = sw_json_next(json);
        if (sw_str_eq(name, SW_STR("source"))) {
            int word = sw_enum_find(SW_ENUM_usage_source, json->text);
            in->end->source = word < 0 ? SW_USAGE_SOURCE_ROWS : (sw_usage_source)word;
        } else if (sw_str_eq(name, SW_STR("rows"))) {
            in->end->rows = json->integer;
        } else if (sw_str_eq(name, SW_STR("cells"))) {
            in->end->cells = json->integer;
        } else if (sw_str_eq(name, SW_STR("complete"))) {
            in->end->complete = type == SW_JSON_TRUE;
        }
        fine = sw_json_skip(json, NULL);
    }
    return fine && json->type == SW_JSON_OBJECT_END;
}

/* ---- the question --------------------------------------------------------------------------------- */

static void add_zone(sw_remote *remote, int32_t minutes)
{
    char text[16];
    int size = minutes < 0 ? -minutes : minutes;
    snprintf(text, sizeof text, "%c%02d:%02d", minutes < 0 ? '-' : '+', size / 60 % 100, size % 60);
    if (minutes != 0) {
        sw_remote_add(remote, "zone", sw_str_from(text));
    }
}

static void ask(sw_remote *remote, const sw_usage_query *query)
{
    for (size_t i = 0; i < query->by_count; i++) {
        const char *word = sw_enum_word(SW_ENUM_dimension, query->by[i]);
        sw_remote_add(remote, "group_by", sw_str_from(word));
    }
    sw_remote_add_time(remote, "from", query->from);
    sw_remote_add_time(remote, "to", query->to);
    add_zone(remote, query->zone_minutes);
    if (query->latency) {
        sw_remote_add(remote, "latency", SW_STR("true"));
    }
}

sw_status sw_remote_usage(sw_site *source, const sw_usage_query *query, sw_usage_each *each,
                          void *arg, sw_usage_end *end, sw_error *err)
{
    sw_remote *remote = (sw_remote *)source;
    const sw_route *route = &sw__routes[SW_ROUTE_ID_USAGE];
    const sw_list_query filters = {.conditions = query->conditions,
                                   .condition_count = query->condition_count};
    report in = {.query = query, .each = each, .arg = arg, .end = end};
    sw_arena arena;
    *end = (sw_usage_end){.complete = false};
    sw_remote_begin(remote, route, SW_NULL_STR);
    ask(remote, query);
    sw_status status = sw_remote_add_filters(remote, route, SW_RECORD_STEP, &filters, err);
    if (status == SW_STATUS_OK) {
        status = sw_remote_send(remote, route, SW_NULL_STR, err);
    }
    if (status != SW_STATUS_OK) {
        return status;
    }
    sw_arena_init(&arena, &sw__libc_allocator, ARENA);
    sw_json_init(&in.json, sw_buf_str(&remote->body), &arena);
    if (!read_report(&in)) {
        status = arena.failed ? sw_no_memory(err) : sw_remote_odd(err, "report of usage");
    }
    sw_arena_fini(&arena);
    return status;
}
