/* SPDX-License-Identifier: Apache-2.0 */
/* GET /v1/usage: sums by what was asked for. Knows how a question is written in a URL and an answer in
 * JSON; sums are the ledger's.
 */
#include "http/http.h"

/* ---- the sums, by the rows of totals.def ------------------------------------------------------------- */

typedef struct total_row {
    const char *name;
    size_t offset;
} total_row;

static const total_row total_rows[] = {
    {"num_steps", offsetof(sw_totals, num_steps)},
#define SW_FIELD(KIND, NAME, ...) {#NAME, offsetof(sw_totals, NAME)},
#include "model/totals.def"
#undef SW_FIELD
};

static int64_t sum_at(const sw_totals *totals, size_t offset)
{
    return *(const int64_t *)(const void *)((const char *)totals + offset);
}

static void add_totals(sw_totals *to, const sw_totals *more)
{
    for (size_t i = 0; i < SW_COUNT(total_rows); i++) {
        int64_t *sum = (int64_t *)(void *)((char *)to + total_rows[i].offset);
        *sum += sum_at(more, total_rows[i].offset);
    }
}

static void write_totals(sw_json_out *out, const sw_totals *totals)
{
    for (size_t i = 0; i < SW_COUNT(total_rows); i++) {
        sw_json_key(out, sw_str_from(total_rows[i].name));
        sw_json_int(out, sum_at(totals, total_rows[i].offset));
    }
    sw_json_key(out, SW_STR("error_rate"));
    sw_json_double(out, sw_error_rate(totals));
}

/* ---- the question ------------------------------------------------------------------------------------- */

static sw_status bad_param(sw_request *request, const char *name, sw_str input, const char *msg)
{
    sw_request_invalid(request, "value_error", "query", name, msg, input, NULL);
    return SW_STATUS_INVALID;
}

static sw_status unknown_dimension(sw_request *request, sw_str word)
{
    const sw_enum_info *list = &sw__enums[SW_ENUM_dimension];
    int near = sw_nearest(word, list->words, list->count);
    sw_str msg = SW_STR("Input should be one of");
    for (size_t i = 0; i < list->count && msg.ptr; i++) {
        msg = sw_arena_printf(&request->arena, "%s%s %s", msg.ptr, i ? "," : "", list->words[i]);
    }
    if (near >= 0 && msg.ptr) {
        msg = sw_arena_printf(&request->arena, "%s; did you mean %s", msg.ptr, list->words[near]);
    }
    return bad_param(request, "group_by", word, msg.ptr ? msg.ptr : "Input is no dimension");
}

static sw_status add_dimension(sw_request *request, sw_str word, sw_usage_query *query)
{
    int found = sw_enum_find(SW_ENUM_dimension, word);
    if (found < 0) {
        return unknown_dimension(request, word);
    }
    for (size_t i = 0; i < query->by_count; i++) {
        if (query->by[i] == (sw_dimension)found) {
            return bad_param(request, "group_by", word, "Each can be named once");
        }
    }
    if (query->by_count == SW_DIMENSIONS_MAX) {
        return bad_param(request, "group_by", word, "At most 4 can be named");
    }
    query->by[query->by_count++] = (sw_dimension)found;
    return SW_STATUS_OK;
}

/* "model,day" is two of them, and so is the parameter given twice. */
static sw_status read_dimensions(sw_request *request, sw_usage_query *query)
{
    const sw_str *texts = NULL;
    size_t count = sw_param_texts(request, "group_by", &texts);
    sw_status status = SW_STATUS_OK;
    for (size_t i = 0; i < count; i++) {
        sw_str rest = texts[i];
        while (rest.len > 0 && status == SW_STATUS_OK) {
            const char *comma = memchr(rest.ptr, ',', rest.len);
            size_t len = comma ? (size_t)(comma - rest.ptr) : rest.len;
            status = add_dimension(request, sw_str_make(rest.ptr, len), query);
            len += comma != NULL;
            rest = sw_str_make(rest.ptr + len, rest.len - len);
        }
    }
    return status;
}

/* "+02:00", "-05:30", "Z"; a blank where '+' stood is forgiven. */
static bool parse_zone(sw_str text, int32_t *minutes)
{
    int64_t hours = 0;
    int64_t rest = 0;
    if (sw_str_eq(text, SW_STR("Z")) || sw_str_eq(text, SW_STR("UTC"))) {
        return true;
    }
    if (text.len != 6 || !strchr("+- ", text.ptr[0]) || text.ptr[3] != ':' ||
        !sw_parse_int(sw_str_make(text.ptr + 1, 2), &hours) ||
        !sw_parse_int(sw_str_make(text.ptr + 4, 2), &rest) || hours < 0 || hours > 14 || rest < 0 ||
        rest > 59) {
        return false;
    }
    *minutes = (int32_t)((hours * 60 + rest) * (text.ptr[0] == '-' ? -1 : 1));
    return true;
}

/* Sums know the fields of steps only. */
static bool refuse_others(sw_request *request)
{
    static const char *const others[] = {"text", "min_step_ns", "max_step_ns"};
    for (size_t i = 0; i < SW_COUNT(others); i++) {
        if (sw_param_given(request, others[i])) {
            sw_request_invalid(request, "value_error", "query", others[i],
                               "usage is not summed by durations or by text; list the steps "
                               "instead",
                               sw_param_text(request, others[i]), NULL);
        }
    }
    return sw_request_is_invalid(request);
}

static sw_status read_filters(sw_request *request, sw_usage_query *query, sw_error *err)
{
    sw_list_query list;
    sw_status status = sw_list_from_params(request, &list, err);
    if (status != SW_STATUS_OK) {
        return status;
    }
    if (refuse_others(request)) {
        return SW_STATUS_INVALID;
    }
    query->conditions = list.conditions;
    query->condition_count = list.condition_count;
    return SW_STATUS_OK;
}

static sw_status read_query(sw_request *request, sw_usage_query *query, sw_error *err)
{
    sw_str zone = sw_param_text(request, "zone");
    sw_int latency = sw_param_int(request, "latency");
    sw_status status = read_dimensions(request, query);
    query->from = sw_param_int(request, "from");
    query->to = sw_param_int(request, "to");
    query->latency = latency.known && latency.value;
    query->row_limit = sw_param_int(request, "rows").value;
    if (status == SW_STATUS_OK && zone.ptr && !parse_zone(zone, &query->zone_minutes)) {
        return bad_param(request, "zone", zone, "Input should be a distance to UTC like +02:00");
    }
    return status == SW_STATUS_OK ? read_filters(request, query, err) : status;
}

/* ---- the answer --------------------------------------------------------------------------------------- */

static void write_time(sw_json_out *out, const char *key, int64_t ns)
{
    sw_json_key(out, sw_str_from(key));
    if (ns < 0) {
        sw_json_null(out);
    } else {
        sw_json_int(out, ns);
    }
}

static void write_latency(sw_json_out *out, const char *key, const sw_latency *latency)
{
    sw_json_key(out, sw_str_from(key));
    sw_json_open(out, '{');
    sw_json_key(out, SW_STR("count"));
    sw_json_int(out, latency->count);
    write_time(out, "p50_ns", latency->p50_ns);
    write_time(out, "p95_ns", latency->p95_ns);
    write_time(out, "p99_ns", latency->p99_ns);
    sw_json_close(out, '}');
}

typedef struct usage_writer {
    const sw_usage_query *query;
    sw_json_out *out;
    sw_totals total;
} usage_writer;

static bool write_group(void *arg, const sw_usage_group *group)
{
    usage_writer *w = arg;
    sw_json_open(w->out, '{');
    for (size_t i = 0; i < w->query->by_count; i++) {
        sw_json_key(w->out, sw_str_from(sw_enum_word(SW_ENUM_dimension, w->query->by[i])));
        sw_json_str(w->out, group->keys[i]);
    }
    write_totals(w->out, &group->totals);
    if (w->query->latency) {
        write_latency(w->out, "step_time", &group->step_time);
        write_latency(w->out, "model_time", &group->model_time);
        write_latency(w->out, "tool_time", &group->tool_time);
    }
    sw_json_close(w->out, '}');
    add_totals(&w->total, &group->totals);
    return w->out->buf->status == SW_STATUS_OK;
}

static void write_by(sw_json_out *out, const sw_usage_query *query)
{
    sw_json_key(out, SW_STR("by"));
    sw_json_open(out, '[');
    for (size_t i = 0; i < query->by_count; i++) {
        sw_json_str(out, sw_str_from(sw_enum_word(SW_ENUM_dimension, query->by[i])));
    }
    sw_json_close(out, ']');
}

static void write_end(sw_json_out *out, const sw_totals *total, const sw_usage_end *end)
{
    sw_json_key(out, SW_STR("total"));
    sw_json_open(out, '{');
    write_totals(out, total);
    sw_json_close(out, '}');
    sw_json_key(out, SW_STR("source"));
    sw_json_str(out, sw_str_from(sw_enum_word(SW_ENUM_usage_source, end->source)));
    sw_json_key(out, SW_STR("rows"));
    sw_json_int(out, end->rows);
    sw_json_key(out, SW_STR("cells"));
    sw_json_int(out, end->cells);
    sw_json_key(out, SW_STR("complete"));
    sw_json_bool(out, end->complete);
}

sw_status sw_http_usage(sw_request *request, sw_error *err)
{
    sw_usage_query query = {.by_count = 0};
    sw_usage_end end = {.groups = 0};
    usage_writer w = {.query = &query};
    sw_status status = read_query(request, &query, err);
    if (status != SW_STATUS_OK) {
        return status;
    }
    w.out = sw_answer_json(request, 200);
    sw_json_open(w.out, '{');
    write_by(w.out, &query);
    sw_json_key(w.out, SW_STR("groups"));
    sw_json_open(w.out, '[');
    status = sw_usage(sw_server_ledger(request->server), &request->actor, &query, write_group, &w,
                      &end, err);
    sw_json_close(w.out, ']');
    write_end(w.out, &w.total, &end);
    sw_json_close(w.out, '}');
    return status;
}
