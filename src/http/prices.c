/* SPDX-License-Identifier: Apache-2.0 */
/* What is done with prices besides keeping them: which models lack one, and computing costs again. Knows how the questions
 * and answers are written; prices and steps are the ledger's.
 */
#include <stdio.h>

#include "http/http.h"

/* ---- models without a price ---------------------------------------------------------------------------- */

static void write_text(sw_json_out *out, const char *key, sw_str text)
{
    sw_json_key(out, sw_str_from(key));
    sw_json_str(out, text);
}

static void write_int(sw_json_out *out, const char *key, int64_t value)
{
    sw_json_key(out, sw_str_from(key));
    sw_json_int(out, value);
}

static bool write_unknown(void *arg, const sw_unknown_cost *unknown)
{
    sw_json_out *out = arg;

    sw_json_open(out, '{');
    write_text(out, "provider_name", unknown->provider_name);
    write_text(out, "model", unknown->model);
    write_int(out, "num_steps", unknown->totals.num_steps);
    write_int(out, "cost_unknown", unknown->totals.cost_unknown);
    write_int(out, "total_tokens", unknown->totals.total_tokens);
    write_text(out, "why", sw_str_from(sw_enum_word(SW_ENUM_cost_gap, unknown->why)));
    sw_json_close(out, '}');
    return out->buf->status == SW_STATUS_OK;
}

sw_status sw_http_unknown_prices(sw_request *request, sw_error *err)
{
    sw_json_out *out = sw_answer_json(request, 200);
    bool complete = false;
    sw_status status = SW_STATUS_OK;

    sw_json_open(out, '{');
    sw_json_key(out, SW_STR("models"));
    sw_json_open(out, '[');
    status = sw_unknown_costs(sw_server_ledger(request->server), &request->actor,
                              sw_param_int(request, "from"), sw_param_int(request, "to"),
                              write_unknown, out, &complete, err);
    sw_json_close(out, ']');
    sw_json_key(out, SW_STR("complete"));
    sw_json_bool(out, complete);
    sw_json_close(out, '}');
    return status;
}

/* ---- costs again ------------------------------------------------------------------------------------------ */

/* Where a call ended, as a text that nobody needs to understand: the moment and the id of a step. */
static bool read_place(sw_str text, sw_reprice_end *end)
{
    const char *colon = text.len ? memchr(text.ptr, ':', text.len) : NULL;
    size_t len = colon ? (size_t)(colon - text.ptr) : 0;
    sw_str id = colon ? sw_str_make(colon + 1, text.len - len - 1) : SW_NULL_STR;

    if (!colon || id.len == 0 || id.len >= sizeof end->last_id ||
        !sw_parse_int(sw_str_make(text.ptr, len), &end->last_us)) {
        return false;
    }
    memcpy(end->last_id, id.ptr, id.len);
    end->last_id[id.len] = '\0';
    return true;
}

static void answer(sw_request *request, const sw_reprice_query *query, const sw_reprice_end *end)
{
    sw_json_out *out = sw_answer_json(request, 200);
    sw_str next =
        sw_arena_printf(&request->arena, "%lld:%s", (long long)end->last_us, end->last_id);
    const sw_reprice_sum *sums = sw_reprice_sums();

    sw_json_open(out, '{');
    sw_json_key(out, SW_STR("dry_run"));
    sw_json_bool(out, query->dry_run);
    for (size_t i = 0; i < SW_REPRICE_SUMS; i++) {
        write_int(out, sums[i].name,
                  *(const int64_t *)(const void *)((const char *)end + sums[i].offset));
    }
    write_text(out, "next", end->done ? SW_NULL_STR : next);
    sw_json_close(out, '}');
}

sw_status sw_http_reprice(sw_request *request, sw_error *err)
{
    const sw_reprice_query query = {.from = sw_param_int(request, "from"),
                                    .to = sw_param_int(request, "to"),
                                    .dry_run = sw_param_int(request, "dry_run").value != 0,
                                    .reason = sw_param_text(request, "reason")};
    sw_str next = sw_param_text(request, "next");
    sw_reprice_end end = {.steps = 0};
    sw_status status = SW_STATUS_OK;

    if (next.ptr && !read_place(next, &end)) {
        sw_request_invalid(request, "value_error", "query", "next",
                           "Input should be what the answer before said", next, NULL);
        return SW_STATUS_INVALID;
    }
    while (status == SW_STATUS_OK && !end.done && end.steps < SW_LIMIT_REPRICE_STEPS) {
        status = sw_reprice(sw_server_ledger(request->server), &request->actor, &query, &end, err);
    }
    if (status == SW_STATUS_INVALID) {
        sw_request_invalid(request, "value_error", "query", err->field, err->message, SW_NULL_STR,
                           NULL);
    }
    if (status == SW_STATUS_OK) {
        answer(request, &query, &end);
    }
    return status;
}
