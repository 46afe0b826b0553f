/* SPDX-License-Identifier: Apache-2.0 */
/* What a server is asked and told about records and prices: making and removing, models without a price, costs again. */
#include "cli/remote.h"
#include "cli/usage.h"
#include "codec/record.h"

enum { ARENA = 64 << 20 };

/* ---- records ------------------------------------------------------------------------------------- */

/* The member "id" of the object that was answered. */
static sw_status read_id(sw_remote *remote, sw_arena *arena, char id[SW_ID_MAX], sw_error *err)
{
    sw_json json;
    sw_json_init(&json, sw_buf_str(&remote->body), arena);
    bool fine = sw_json_next(&json) == SW_JSON_OBJECT;
    while (fine && sw_json_next(&json) == SW_JSON_KEY) {
        bool found = sw_str_eq(json.text, SW_STR("id"));
        if (sw_json_next(&json) == SW_JSON_STRING && found && json.text.len < SW_ID_MAX) {
            memcpy(id, json.text.ptr, json.text.len);
            id[json.text.len] = '\0';
            return SW_STATUS_OK;
        }
        fine = sw_json_skip(&json, NULL);
    }
    return sw_remote_odd(err, "record");
}

sw_status sw_remote_create(sw_site *source, sw_record_id record, const void *row,
                           char id[SW_ID_MAX], sw_error *err)
{
    sw_remote *remote = (sw_remote *)source;
    const sw_route *route = sw_remote_route(record, sw_http_record_create);
    sw_buf body;
    sw_json_out out;
    sw_arena arena;
    sw_assert(route);
    sw_arena_init(&arena, &sw__libc_allocator, ARENA);
    sw_buf_init(&body, &sw__libc_allocator, 0);
    sw_json_out_init(&out, &body, false);
    sw_record_write_json(record, row, &out);
    sw_remote_begin(remote, route, SW_NULL_STR);
    sw_status status = body.status == SW_STATUS_OK
                           ? sw_remote_send(remote, route, sw_buf_str(&body), err)
                           : sw_no_memory(err);
    if (status == SW_STATUS_OK) {
        status = read_id(remote, &arena, id, err);
    }
    sw_buf_fini(&body);
    sw_arena_fini(&arena);
    return status;
}

sw_status sw_remote_remove(sw_site *source, sw_record_id record, sw_str id, sw_error *err)
{
    sw_remote *remote = (sw_remote *)source;
    const sw_route *route = sw_remote_route(record, sw_http_record_delete);
    sw_assert(route);
    sw_remote_begin(remote, route, id);
    return sw_remote_send(remote, route, SW_NULL_STR, err);
}

/* ---- models without a price ------------------------------------------------------------------------ */

/* The current token is '{'. */
static bool read_unknown(sw_json *json, sw_unknown_cost *out)
{
    *out = (sw_unknown_cost){.why = SW_COST_GAP_UNFIT};
    while (sw_json_next(json) == SW_JSON_KEY) {
        sw_str name = json->text;
        int64_t *sum = sw_usage_sum_of(&out->totals, name);
        sw_json_type type = sw_json_next(json);
        bool text = type == SW_JSON_STRING;
        if (sum && type == SW_JSON_NUMBER && json->is_integer) {
            *sum = json->integer;
        } else if (text && sw_str_eq(name, SW_STR("why"))) {
            int word = sw_enum_find(SW_ENUM_cost_gap, json->text);
            out->why = word < 0 ? out->why : (sw_cost_gap)word;
        } else if (text && sw_str_eq(name, SW_STR("model"))) {
            out->model = json->text;
        } else if (text && sw_str_eq(name, SW_STR("provider_name"))) {
            out->provider_name = json->text;
        } else if (!sw_json_skip(json, NULL)) {
            return false;
        }
    }
    return json->type == SW_JSON_OBJECT_END;
}

static bool read_models(sw_json *json, sw_unknown_cost_each *each, void *arg)
{
    bool more = sw_json_next(json) == SW_JSON_ARRAY;
    while (more && sw_json_next(json) == SW_JSON_OBJECT) {
        sw_unknown_cost unknown;
        more = read_unknown(json, &unknown) && each(arg, &unknown);
    }
    return json->type == SW_JSON_ARRAY_END;
}

sw_status sw_remote_unknown_costs(sw_site *source, sw_int from, sw_int to,
                                  sw_unknown_cost_each *each, void *arg, bool *complete,
                                  sw_error *err)
{
    sw_remote *remote = (sw_remote *)source;
    const sw_route *route = &sw__routes[SW_ROUTE_ID_UNKNOWN_PRICES];
    sw_arena arena;
    sw_json json;
    sw_remote_begin(remote, route, SW_NULL_STR);
    sw_remote_add_time(remote, "from", from);
    sw_remote_add_time(remote, "to", to);
    sw_status status = sw_remote_send(remote, route, SW_NULL_STR, err);
    if (status != SW_STATUS_OK) {
        return status;
    }
    sw_arena_init(&arena, &sw__libc_allocator, ARENA);
    sw_json_init(&json, sw_buf_str(&remote->body), &arena);
    bool fine = sw_json_next(&json) == SW_JSON_OBJECT;
    while (fine && sw_json_next(&json) == SW_JSON_KEY) {
        if (sw_str_eq(json.text, SW_STR("models"))) {
            fine = read_models(&json, each, arg);
            continue;
        }
        bool of_complete = sw_str_eq(json.text, SW_STR("complete"));
        sw_json_type type = sw_json_next(&json);
        *complete = of_complete ? type == SW_JSON_TRUE : *complete;
        fine = sw_json_skip(&json, NULL);
    }
    if (!fine || json.type != SW_JSON_OBJECT_END) {
        status = arena.failed ? sw_no_memory(err) : sw_remote_odd(err, "list of models");
    }
    sw_arena_fini(&arena);
    return status;
}

/* ---- costs again ------------------------------------------------------------------------------------- */

/* Adds the sums of a call, and keeps where the next one goes on. */
static bool read_repricing(sw_json *json, sw_reprice_end *end, sw_buf *next)
{
    const sw_reprice_sum *sums = sw_reprice_sums();
    bool fine = sw_json_next(json) == SW_JSON_OBJECT;
    sw_buf_clear(next);
    while (fine && sw_json_next(json) == SW_JSON_KEY) {
        sw_str name = json->text;
        sw_json_type type = sw_json_next(json);
        for (size_t i = 0; i < SW_REPRICE_SUMS; i++) {
            int64_t *sum = (int64_t *)(void *)((char *)end + sums[i].offset);
            bool its = type == SW_JSON_NUMBER && sw_str_eq(name, sw_str_from(sums[i].name));
            *sum += its ? json->integer : 0;
        }
        if (type == SW_JSON_STRING && sw_str_eq(name, SW_STR("next"))) {
            sw_buf_add(next, json->text);
        }
        fine = sw_json_skip(json, NULL);
    }
    end->done = next->len == 0;
    return fine && json->type == SW_JSON_OBJECT_END;
}

sw_status sw_remote_reprice(sw_site *source, const sw_reprice_query *query, sw_reprice_end *end,
                            sw_error *err)
{
    sw_remote *remote = (sw_remote *)source;
    const sw_route *route = &sw__routes[SW_ROUTE_ID_REPRICE];
    sw_arena arena;
    sw_json json;
    sw_remote_begin(remote, route, SW_NULL_STR);
    sw_remote_add_time(remote, "from", query->from);
    sw_remote_add_time(remote, "to", query->to);
    sw_remote_add(remote, "dry_run", query->dry_run ? SW_STR("true") : SW_STR("false"));
    if (query->reason.ptr) {
        sw_remote_add(remote, "reason", query->reason);
    }
    if (remote->next.len > 0) {
        sw_remote_add(remote, "next", sw_buf_str(&remote->next));
    }
    sw_status status = sw_remote_send(remote, route, SW_NULL_STR, err);
    if (status != SW_STATUS_OK) {
        return status;
    }
    sw_arena_init(&arena, &sw__libc_allocator, ARENA);
    sw_json_init(&json, sw_buf_str(&remote->body), &arena);
    sw_str asked = sw_arena_str(&arena, sw_buf_str(&remote->next));
    if (!read_repricing(&json, end, &remote->next) ||
        (!end->done && sw_str_eq(asked, sw_buf_str(&remote->next)))) {
        status = sw_remote_odd(err, "repricing"); /* also who sends back to where one came from */
    }
    sw_arena_fini(&arena);
    return status;
}
