/* SPDX-License-Identifier: Apache-2.0 */
/* Query parameters and path ids, read and checked by their rows before a handler runs. Knows no parameter
 * by name, except those of the set `page`, which say how a list is walked, and `text`, which is no
 * condition on one field.
 *
 * As V1 reads them: an empty value is an absent one, what is unknown is ignored, an array repeats its key,
 * booleans are true, 1, yes, on, y, t in any case. Everything that is wrong is told at once.
 */
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <strings.h>

#include "http/server.h"

/* ---- the query as pairs ------------------------------------------------------------------------------ */

typedef struct pair {
    sw_str name;
    sw_str value;
} pair;

typedef struct pairs {
    pair *at;
    size_t count;
} pairs;

static size_t count_pairs(sw_str query)
{
    size_t count = query.len > 0 ? 1 : 0;
    for (size_t i = 0; i < query.len; i++) {
        count += query.ptr[i] == '&';
    }
    return count;
}

static void read_pair(sw_arena *arena, sw_str text, pairs *out)
{
    const char *equals = text.len > 0 ? memchr(text.ptr, '=', text.len) : NULL;
    size_t split = equals ? (size_t)(equals - text.ptr) : text.len;
    if (!equals || split + 1 == text.len) {
        return; /* an empty value is absent */
    }
    pair *p = &out->at[out->count++];
    p->name = sw__percent_decode(arena, sw_str_make(text.ptr, split), true);
    p->value = sw__percent_decode(arena, sw_str_make(equals + 1, text.len - split - 1), true);
}

static sw_status read_query(sw_exchange *x, pairs *out, sw_error *err)
{
    sw_arena *arena = &x->request.arena;
    size_t most = count_pairs(x->query);
    *out = (pairs){NULL, 0};
    if (most > SW_LIMIT_QUERY_VALUES) {
        return sw_answer_fail(&x->request, 414, "the query has more than %d values",
                              SW_LIMIT_QUERY_VALUES);
    }
    if (most == 0) {
        return SW_STATUS_OK;
    }
    out->at = sw_arena_alloc(arena, most * sizeof *out->at);
    for (size_t from = 0, i = 0; out->at && i <= x->query.len; i++) {
        if (i == x->query.len || x->query.ptr[i] == '&') {
            read_pair(arena, sw_str_make(x->query.ptr + from, i - from), out);
            from = i + 1;
        }
    }
    return out->at && !arena->failed ? SW_STATUS_OK : sw_no_memory(err);
}

/* ---- values ------------------------------------------------------------------------------------------- */

/* A parameter's value that is being checked. */
typedef struct place {
    sw_exchange *x;
    const sw_param *row;
    sw_str text;
} place;

static bool wrong(const place *at, const char *type, const char *msg, const char *ctx)
{
    sw_request_invalid(&at->x->request, type, "query", at->row->name, msg, at->text, ctx);
    return false;
}

static bool read_bool(const place *at, int64_t *out)
{
    static const char *const yes[] = {"true", "1", "yes", "on", "y", "t"};
    static const char *const no[] = {"false", "0", "no", "off", "n", "f"};
    for (size_t i = 0; i < SW_COUNT(yes); i++) {
        *out = strcasecmp(at->text.ptr, yes[i]) == 0;
        if (*out || strcasecmp(at->text.ptr, no[i]) == 0) {
            return true;
        }
    }
    return wrong(at, "bool_parsing", "Input should be a valid boolean, unable to interpret input",
                 NULL);
}

static bool read_int(const place *at, int64_t *out)
{
    const sw_param *row = at->row;
    char msg[96];
    char ctx[48];
    if (!sw_parse_int(at->text, out)) {
        return wrong(at, "int_parsing",
                     "Input should be a valid integer, unable to parse string as an integer", NULL);
    }
    if ((row->min == 0 && row->max == 0) || (*out >= row->min && *out <= row->max)) {
        return true;
    }
    bool low = *out < row->min;
    long long bound = (long long)(low ? row->min : row->max);
    snprintf(msg, sizeof msg, "Input should be %s than or equal to %lld", low ? "greater" : "less",
             bound);
    snprintf(ctx, sizeof ctx, "{\"%s\":%lld}", low ? "ge" : "le", bound);
    return wrong(at, low ? "greater_than_equal" : "less_than_equal", msg, ctx);
}

/* 'a', 'b' or 'c' */
static sw_str expected_words(sw_arena *arena, const sw_enum_info *list)
{
    sw_str all = SW_STR("");
    for (size_t i = 0; i < list->count && all.ptr; i++) {
        const char *between = i == 0 ? "" : i + 1 == list->count ? " or " : ", ";
        all = sw_arena_printf(arena, "%s%s'%s'", all.ptr, between, list->words[i]);
    }
    return all;
}

static bool read_word(const place *at, int64_t *out)
{
    const sw_enum_info *list = &sw__enums[at->row->words];
    sw_arena *arena = &at->x->request.arena;
    int found = sw_enum_find(at->row->words, at->text);
    *out = found;
    if (found >= 0) {
        return true;
    }
    sw_str words = expected_words(arena, list);
    sw_str msg = sw_arena_printf(arena, "Input should be %s", words.ptr ? words.ptr : "");
    sw_str ctx = sw_arena_printf(arena, "{\"expected\":\"%s\"}", words.ptr ? words.ptr : "");
    /* V1 declares its short lists as literals and the long ones as enumerations. */
    return wrong(at, list->count <= 2 ? "literal_error" : "enum", msg.ptr, ctx.ptr);
}

/* A '+' that was not escaped arrives as a blank; in "...T10:00:00 02:00" it can only have been one. */
static bool read_time(const place *at, int64_t *out)
{
    char text[64];
    if (sw_time_parse(at->text, out)) {
        return true;
    }
    if (at->text.len > 6 && at->text.len < sizeof text && at->text.ptr[at->text.len - 6] == ' ') {
        memcpy(text, at->text.ptr, at->text.len);
        text[at->text.len - 6] = '+';
        if (sw_time_parse(sw_str_make(text, at->text.len), out)) {
            return true;
        }
    }
    return wrong(at, "datetime_parsing", "Input should be a valid ISO 8601 date or time", NULL);
}

static bool read_text(const place *at, size_t most)
{
    char msg[64];
    char ctx[48];
    if (memchr(at->text.ptr, 0, at->text.len) || !sw_utf8_valid(at->text)) {
        return wrong(at, "string_unicode", "Input should be valid UTF-8 without NUL", NULL);
    }
    if (at->text.len > most) {
        snprintf(msg, sizeof msg, "String should have at most %zu bytes", most);
        snprintf(ctx, sizeof ctx, "{\"max_length\":%zu}", most);
        return wrong(at, "string_too_long", msg, ctx);
    }
    return true;
}

static bool read_value(const place *at, int64_t *number)
{
    size_t most = at->row->kind == SW_PARAM_IS_ID ? SW_LIMIT_ID_BYTES : SW_LIMIT_TEXT_BYTES;
    *number = 0;
    if (!read_text(at, most)) {
        return false;
    }
    switch (at->row->kind) {
    case SW_PARAM_IS_TEXT:
    case SW_PARAM_IS_ID:
        return true;
    case SW_PARAM_IS_INT:
        return read_int(at, number);
    case SW_PARAM_IS_BOOL:
        return read_bool(at, number);
    case SW_PARAM_IS_TIME:
        return read_time(at, number);
    case SW_PARAM_IS_WORD:
        return read_word(at, number);
    }
    return false;
}

/* ---- the parameters of the route ----------------------------------------------------------------------- */

enum { SETS = 4 };

static void sets_of(const sw_route *route, sw_param_set_id out[SETS])
{
    out[0] = route->params;
    out[1] = route->params2;
    out[2] = route->params3;
    out[3] = route->params4;
}

/* The values that were given under the row's name; of one that does not repeat the last, as V1 takes it. */
static sw_status gather(sw_exchange *x, const pairs *query, sw_given *out, sw_error *err)
{
    sw_str name = sw_str_from(out->row->name);
    size_t count = 0;
    for (size_t i = 0; i < query->count; i++) {
        count += sw_str_eq(query->at[i].name, name);
    }
    bool fallback = count == 0 && out->row->fallback;
    if (count == 0 && !fallback) {
        return SW_STATUS_OK;
    }
    sw_str *texts = sw_arena_alloc(&x->request.arena, (count + fallback) * sizeof *texts);
    int64_t *numbers = sw_arena_alloc(&x->request.arena, (count + fallback) * sizeof *numbers);
    if (!texts || !numbers) {
        return sw_no_memory(err);
    }
    if (fallback) {
        texts[out->count++] = sw_str_from(out->row->fallback);
    }
    for (size_t i = 0; i < query->count; i++) {
        if (sw_str_eq(query->at[i].name, name)) {
            out->count = out->row->repeats ? out->count : 0;
            texts[out->count++] = query->at[i].value;
        }
    }
    for (size_t i = 0; i < out->count; i++) {
        place at = {x, out->row, texts[i]};
        (void)read_value(&at, &numbers[i]);
    }
    out->texts = texts;
    out->numbers = numbers;
    out->given = !fallback;
    return SW_STATUS_OK;
}

static sw_status read_params(sw_exchange *x, sw_error *err)
{
    sw_param_set_id sets[SETS];
    pairs query;
    size_t count = 0;
    sets_of(x->request.route, sets);
    for (size_t i = 0; i < SETS; i++) {
        count += sw__param_sets[sets[i]].count;
    }
    sw_status status = count > 0 ? read_query(x, &query, err) : SW_STATUS_OK;
    if (status != SW_STATUS_OK || count == 0) {
        return status;
    }
    x->given = sw_arena_zeroed(&x->request.arena, count * sizeof *x->given);
    for (size_t i = 0; x->given && i < SETS && status == SW_STATUS_OK; i++) {
        const sw_param_set *set = &sw__param_sets[sets[i]];
        for (size_t j = 0; j < set->count && status == SW_STATUS_OK; j++) {
            sw_given *given = &x->given[x->given_count++];
            given->row = &set->params[j];
            status = gather(x, &query, given, err);
            if (set->params[j].required && given->count == 0) {
                sw_request_invalid(&x->request, "missing", "query", set->params[j].name,
                                   "Field required", SW_NULL_STR, NULL);
            }
        }
    }
    return x->given ? status : sw_no_memory(err);
}

/* ---- ids in paths --------------------------------------------------------------------------------------- */

typedef struct path_id {
    const char *part;
    const char *prefix;
} path_id;

static const path_id path_ids[] = {
#define SW_PATH_ID(PART, PREFIX) {PART, PREFIX},
#include "model/path_ids.def"
};

const char *sw__path_prefix(const char *part, size_t len)
{
    for (size_t i = 0; i < SW_COUNT(path_ids); i++) {
        if (strlen(path_ids[i].part) == len && memcmp(path_ids[i].part, part, len) == 0) {
            return path_ids[i].prefix;
        }
    }
    return NULL;
}

static void check_path_id(sw_exchange *x, const char *part, size_t len, sw_str value)
{
    sw_arena *arena = &x->request.arena;
    const char *prefix = sw__path_prefix(part, len);
    if (!prefix || sw_id_valid(value, sw_str_from(prefix))) {
        return;
    }
    sw_str name = sw_arena_str(arena, sw_str_make(part, len));
    sw_str msg = sw_arena_printf(arena, "String should match pattern '%s-{uuid4}'", prefix);
    sw_str ctx =
        sw_arena_printf(arena,
                        "{\"pattern\":\"^%s-[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-"
                        "[0-9a-f]{12}$\"}",
                        prefix);
    sw_request_invalid(&x->request, "string_pattern_mismatch", "path", name.ptr, msg.ptr, value,
                       ctx.ptr);
    x->example = sw_arena_printf(arena, "%s-123e4567-e89b-42d3-8456-426614174000", prefix);
}

static void check_path_ids(sw_exchange *x)
{
    const char *at = x->request.route->path;
    for (size_t i = 0; (at = strchr(at, '{')) != NULL; i++) {
        const char *end = strchr(at, '}');
        sw_assert(end && i < SW_PATH_VALUES);
        check_path_id(x, at + 1, (size_t)(end - at) - 1, x->request.path_values[i]);
        at = end;
    }
}

sw_status sw__params_read(sw_exchange *x, sw_error *err)
{
    check_path_ids(x);
    sw_status status = read_params(x, err);
    return status == SW_STATUS_OK && x->request.arena.failed ? sw_no_memory(err) : status;
}

/* ---- what handlers ask ------------------------------------------------------------------------------------ */

static const sw_given *find(const sw_request *request, const char *name)
{
    const sw_exchange *x = sw_exchange_of(request);
    for (size_t i = 0; i < x->given_count; i++) {
        if (strcmp(x->given[i].row->name, name) == 0) {
            return &x->given[i];
        }
    }
    return NULL;
}

static const sw_given *must_find(const sw_request *request, const char *name)
{
    const sw_given *given = find(request, name);
    sw_assert(given);
    return given;
}

sw_str sw_param_text(const sw_request *request, const char *name)
{
    const sw_given *given = must_find(request, name);
    return given->count > 0 ? given->texts[0] : SW_NULL_STR;
}

sw_int sw_param_int(const sw_request *request, const char *name)
{
    const sw_given *given = must_find(request, name);
    sw_assert(given->row->kind != SW_PARAM_IS_TEXT && given->row->kind != SW_PARAM_IS_ID);
    return given->count > 0 ? sw_int_of(given->numbers[0]) : SW_NULL_INT;
}

size_t sw_param_texts(const sw_request *request, const char *name, const sw_str **out)
{
    const sw_given *given = must_find(request, name);
    *out = given->texts;
    return given->count;
}

bool sw_param_given(const sw_request *request, const char *name)
{
    return must_find(request, name)->given;
}

/* ---- the list that they ask for ------------------------------------------------------------------------------ */

static sw_op op_of(const sw_given *given)
{
    const sw_param *row = given->row;
    if (row->kind == SW_PARAM_IS_BOOL && row->op == SW_OP_NOT_NULL) {
        return given->numbers[0] ? SW_OP_NOT_NULL : SW_OP_NULL;
    }
    return row->op == SW_OP_EQ && given->count > 1 ? SW_OP_IN : row->op;
}

static sw_status condition_of(sw_exchange *x, const sw_given *given, sw_condition *out,
                              sw_error *err)
{
    sw_value *values = sw_arena_zeroed(&x->request.arena, given->count * sizeof *values);
    if (!values) {
        return sw_no_memory(err);
    }
    for (size_t i = 0; i < given->count; i++) {
        values[i] = (sw_value){given->texts[i], given->numbers[i]};
    }
    sw_op op = op_of(given);
    bool unary = op == SW_OP_NULL || op == SW_OP_NOT_NULL;
    *out = (sw_condition){given->row->field, op, unary ? NULL : values, unary ? 0 : given->count};
    return SW_STATUS_OK;
}

static sw_status filters_of(sw_exchange *x, bool metrics, size_t extra, const sw_condition **out,
                            size_t *count, sw_error *err)
{
    sw_condition *conditions =
        sw_arena_zeroed(&x->request.arena, (x->given_count + extra + 1) * sizeof *conditions);
    sw_status status = conditions ? SW_STATUS_OK : sw_no_memory(err);
    *count = 0;
    for (size_t i = 0; i < x->given_count && status == SW_STATUS_OK; i++) {
        const sw_given *given = &x->given[i];
        if (given->row->is_filter && given->row->of_metrics == metrics && given->count > 0) {
            status = condition_of(x, given, &conditions[(*count)++], err);
        }
    }
    *out = conditions;
    return status;
}

static void read_page(const sw_request *request, sw_list_query *out)
{
    const sw_given *after = find(request, "after");
    const sw_given *before = find(request, "before");
    const sw_given *limit = find(request, "limit");
    const sw_given *order = find(request, "order");
    const sw_given *text = find(request, "text");
    out->after = after && after->count > 0 ? after->texts[0] : SW_NULL_STR;
    out->before = before && before->count > 0 ? before->texts[0] : SW_NULL_STR;
    out->text = text && text->count > 0 ? text->texts[0] : SW_NULL_STR;
    out->limit = limit && limit->count > 0 ? limit->numbers[0] : 0;
    out->ascending = order && order->count > 0 && order->numbers[0] == SW_ORDER_ASC;
}

sw_status sw_list_from_params(sw_request *request, sw_list_query *out, sw_error *err)
{
    sw_exchange *x = sw_exchange_of(request);
    *out = (sw_list_query){0};
    read_page(request, out);
    sw_status status =
        filters_of(x, false, SW_LIST_EXTRA, &out->conditions, &out->condition_count, err);
    return status == SW_STATUS_OK ? filters_of(x, true, 0, &out->metrics_conditions,
                                               &out->metrics_condition_count, err)
                                  : status;
}

void sw_list_add(sw_list_query *query, uint8_t field, sw_op op, const sw_value *values,
                 size_t count)
{
    /* The array is the one that sw_list_from_params made, with room for SW_LIST_EXTRA. */
    union {
        const sw_condition *in;
        sw_condition *out;
    } room = {.in = query->conditions};
    room.out[query->condition_count++] = (sw_condition){field, op, values, count};
}

/* ---- headers ------------------------------------------------------------------------------------------------ */

sw_str sw_request_header(const sw_request *request, const char *name)
{
    return sw_str_from(
        MHD_lookup_connection_value(sw_exchange_of(request)->connection, MHD_HEADER_KIND, name));
}

void sw__peer_print(struct MHD_Connection *connection, char out[SW_PEER_TEXT])
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
    out[0] = '\0';
    if (info && info->client_addr) {
        socklen_t len = info->client_addr->sa_family == AF_INET6 ? sizeof(struct sockaddr_in6)
                                                                 : sizeof(struct sockaddr_in);
        (void)getnameinfo(info->client_addr, len, out, SW_PEER_TEXT, NULL, 0, NI_NUMERICHOST);
    }
}

sw_str sw_request_peer(const sw_request *request)
{
    sw_exchange *x = sw_exchange_of(request);
    char peer[SW_PEER_TEXT];
    if (x->peer) {
        return sw_str_from(x->peer);
    }
    sw__peer_print(x->connection, peer);
    return sw_arena_str(&x->request.arena, sw_str_from(peer));
}

sw_str sw_request_method(const sw_request *request)
{
    return sw_exchange_of(request)->word;
}
