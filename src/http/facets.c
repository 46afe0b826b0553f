/* SPDX-License-Identifier: Apache-2.0 */
/* How many steps a list would find, and which values it could be narrowed by. */
#include "http/http.h"

/* The list that would be counted. */
static sw_status read_query(sw_request *request, sw_list_query *query, sw_error *err)
{
    sw_status status = sw_list_from_params(request, query, err);
    query->text = sw_param_text(request, "text");
    return status;
}

static void write_end(sw_json_out *out, const sw_list_end *end)
{
    sw_json_key(out, SW_STR("looked"));
    sw_json_int(out, end->looked);
    sw_json_key(out, SW_STR("complete"));
    sw_json_bool(out, !end->gave_up);
}

sw_status sw_http_count_steps(sw_request *request, sw_error *err)
{
    sw_list_query query;
    sw_list_end end = {.count = 0};
    int64_t count = 0;
    sw_status status = read_query(request, &query, err);
    if (status == SW_STATUS_OK) {
        status = sw_count(sw_server_ledger(request->server), &request->actor, SW_RECORD_STEP,
                          &query, &count, &end, err);
    }
    if (status == SW_STATUS_OK) {
        sw_json_out *out = sw_answer_json(request, 200);
        sw_json_open(out, '{');
        sw_json_key(out, SW_STR("count"));
        sw_json_int(out, count);
        write_end(out, &end);
        sw_json_close(out, '}');
    }
    return status;
}

/* ---- facets ---------------------------------------------------------------------------------------------- */

typedef struct facet_writer {
    sw_json_out *out;
    int open; /* the facet whose array is open; -1: none */
    bool approximate;
} facet_writer;

static bool write_value(void *arg, const sw_facet_value *value)
{
    facet_writer *w = arg;
    if (w->open != (int)value->facet) {
        if (w->open >= 0) {
            sw_json_close(w->out, ']');
        }
        sw_json_key(w->out, sw_str_from(sw_enum_word(SW_ENUM_facet, value->facet)));
        sw_json_open(w->out, '[');
        w->open = (int)value->facet;
    }
    sw_json_open(w->out, '{');
    sw_json_key(w->out, SW_STR("value"));
    sw_json_str(w->out, value->value);
    sw_json_key(w->out, SW_STR("count"));
    sw_json_int(w->out, value->count);
    sw_json_key(w->out, SW_STR("approximate"));
    sw_json_bool(w->out, value->approximate);
    sw_json_close(w->out, '}');
    w->approximate = w->approximate || value->approximate;
    return w->out->buf->status == SW_STATUS_OK;
}

sw_status sw_http_step_facets(sw_request *request, sw_error *err)
{
    sw_list_query query;
    sw_list_end end = {.count = 0};
    facet_writer w = {.open = -1};
    sw_status status = read_query(request, &query, err);
    if (status != SW_STATUS_OK) {
        return status;
    }
    w.out = sw_answer_json(request, 200);
    sw_json_open(w.out, '{');
    sw_json_key(w.out, SW_STR("facets"));
    sw_json_open(w.out, '{');
    status = sw_step_facets(sw_server_ledger(request->server), &request->actor, &query,
                            sw_param_int(request, "values").value, write_value, &w, &end, err);
    if (w.open >= 0) {
        sw_json_close(w.out, ']');
    }
    sw_json_close(w.out, '}');
    sw_json_key(w.out, SW_STR("approximate"));
    sw_json_bool(w.out, w.approximate);
    write_end(w.out, &end);
    sw_json_close(w.out, '}');
    return status;
}
