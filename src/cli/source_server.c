/* SPDX-License-Identifier: Apache-2.0 */
/* A server as a source: what commands ask is asked by the API, and its JSON becomes the same structs, read
 * by the codec room. A server answers for the organization of the key.
 */
#include "cli/remote.h"

#include "cli/where.h"
#include "codec/record.h"

enum { PAGE = 500, PAGE_ARENA = 512 << 20 };

sw_status sw_remote_odd(sw_error *err, const char *what)
{
    return sw_fail(err, SW_STATUS_IO, "",
                   "what the server answered is no %s; is it a Stepwell of this version?", what);
}

/* ---- lists --------------------------------------------------------------------------------------- */

typedef struct listing {
    sw_record_id record;
    sw_each *each;
    void *arg;
    sw_arena arena; /* of a page */
    int64_t count;  /* rows of the page */
    char last[SW_ID_MAX];
    bool ended; /* by the caller */
} listing;

/* The id of a row, by which the next page is asked for. */
static void keep_last(listing *list, const void *row)
{
    const sw_record *record = sw_record_of(list->record);
    int primary = sw_record_primary(record);
    sw_str id = primary < 0 ? SW_NULL_STR : sw_field_text(&record->fields[primary], row);
    size_t len = id.len < sizeof list->last ? id.len : 0;
    if (len > 0) {
        memcpy(list->last, id.ptr, len);
    }
    list->last[len] = '\0';
}

static sw_status read_rows(listing *list, sw_str body, sw_error *err)
{
    const sw_record *record = sw_record_of(list->record);
    sw_json json;
    sw_status status = SW_STATUS_OK;
    void *row = sw_arena_zeroed(&list->arena, record->size);
    sw_json_init(&json, body, &list->arena);
    if (!row) {
        return sw_no_memory(err);
    }
    if (sw_json_next(&json) != SW_JSON_ARRAY) {
        return sw_remote_odd(err, "list");
    }
    while (status == SW_STATUS_OK && !list->ended && sw_json_next(&json) == SW_JSON_OBJECT) {
        memset(row, 0, record->size);
        status = sw_record_read_json(list->record, 0, &json, &list->arena, row, NULL, "", err);
        if (status == SW_STATUS_OK) {
            list->count++;
            keep_last(list, row);
            list->ended = !list->each(list->arg, row);
        }
    }
    bool whole = list->ended || json.type == SW_JSON_ARRAY_END;
    return status != SW_STATUS_OK || whole ? status : sw_remote_odd(err, "list");
}

static sw_status ask_page(sw_remote *remote, const sw_route *route, listing *list,
                          const sw_list_query *query, int64_t limit, sw_error *err)
{
    sw_remote_begin(remote, route, SW_NULL_STR);
    sw_remote_add_int(remote, "limit", limit);
    sw_remote_add(remote, "order", query->ascending ? SW_STR("asc") : SW_STR("desc"));
    sw_str after = list->last[0] ? sw_str_from(list->last) : query->after;
    if (after.ptr) {
        sw_remote_add(remote, "after", after);
    }
    sw_status status = sw_remote_add_filters(remote, route, list->record, query, err);
    if (status == SW_STATUS_OK) {
        status = sw_remote_send(remote, route, SW_NULL_STR, err);
    }
    list->count = 0;
    sw_arena_reset(&list->arena);
    return status == SW_STATUS_OK ? read_rows(list, sw_buf_str(&remote->body), err) : status;
}

/* Pages until there are enough rows, or no more. A page that a look at many rows ended goes on where it
 * stopped, as long as somebody wants all; else the caller is told. */
static sw_status walk(sw_remote *remote, const sw_route *route, listing *list,
                      const sw_list_query *query, sw_list_end *end, sw_error *err)
{
    int64_t want = query->limit < 0 ? INT64_MAX : query->limit > 0 ? query->limit : PAGE;
    sw_status status = SW_STATUS_OK;
    bool more = true;
    while (status == SW_STATUS_OK && more && !list->ended && end->count < want) {
        int64_t limit = want - end->count < PAGE ? want - end->count : PAGE;
        status = ask_page(remote, route, list, query, limit, err);
        end->count += list->count;
        more = list->count == limit || remote->resume[0];
        if (remote->resume[0]) {
            snprintf(list->last, sizeof list->last, "%s", remote->resume);
        }
    }
    end->looked = end->count;
    end->complete = !more;
    return status;
}

static sw_status list_rows(sw_site *source, sw_record_id record, const sw_list_query *query,
                           sw_each *each, void *arg, sw_list_end *end, sw_error *err)
{
    listing list = {.record = record, .each = each, .arg = arg};
    const sw_route *route = sw_remote_lister(record);
    if (!route) {
        return sw_fail(err, SW_STATUS_UNSUPPORTED, "",
                       "a server lists no %s; ask its ledger with --store",
                       sw_record_of(record)->table);
    }
    sw_arena_init(&list.arena, &sw__libc_allocator, PAGE_ARENA);
    sw_status status = walk((sw_remote *)source, route, &list, query, end, err);
    sw_arena_fini(&list.arena);
    return status;
}

/* ---- one record ------------------------------------------------------------------------------------ */

static sw_status get(sw_site *source, sw_record_id record, sw_str id, sw_arena *arena, void *out,
                     sw_error *err)
{
    sw_remote *remote = (sw_remote *)source;
    const sw_route *route = sw_remote_getter(record);
    sw_json json;
    if (!route) {
        return sw_fail(err, SW_STATUS_UNSUPPORTED, "",
                       "a server shows no %s; ask its ledger with --store",
                       sw_record_of(record)->name);
    }
    sw_remote_begin(remote, route, id);
    sw_status status = sw_remote_send(remote, route, SW_NULL_STR, err);
    if (status != SW_STATUS_OK) {
        return status;
    }
    sw_str body = sw_arena_str(arena, sw_buf_str(&remote->body));
    sw_json_init(&json, body, arena);
    memset(out, 0, sw_record_of(record)->size);
    if (sw_json_next(&json) != SW_JSON_OBJECT) {
        return sw_remote_odd(err, sw_record_of(record)->name);
    }
    return sw_record_read_json(record, 0, &json, arena, out, NULL, "", err);
}

static sw_status feedback(sw_site *source, sw_str step_id, sw_int word, sw_error *err)
{
    sw_remote *remote = (sw_remote *)source;
    const sw_route *route = &sw__routes[SW_ROUTE_ID_STEP_FEEDBACK];
    char body[64];
    const char *text = word.known ? sw_enum_word(SW_ENUM_feedback, word.value) : NULL;
    snprintf(body, sizeof body, "{\"feedback\":%s%s%s}", text ? "\"" : "", text ? text : "null",
             text ? "\"" : "");
    sw_remote_begin(remote, route, step_id);
    return sw_remote_send(remote, route, sw_str_from(body), err);
}

/* What a server tells of itself: where it is, and how many steps the key sees. */
static sw_status info(sw_site *source, sw_ledger_info *out, sw_error *err)
{
    sw_remote *remote = (sw_remote *)source;
    const sw_route *route = &sw__routes[SW_ROUTE_ID_COUNT_STEPS];
    sw_arena arena;
    sw_json json;
    *out = (sw_ledger_info){.store = "server", .schema_version = -1, .steps = -1};
    snprintf(out->path, sizeof out->path, "%s", remote->base);
    sw_remote_begin(remote, route, SW_NULL_STR);
    sw_status status = sw_remote_send(remote, route, SW_NULL_STR, err);
    if (status != SW_STATUS_OK) {
        return status;
    }
    sw_arena_init(&arena, &sw__libc_allocator, PAGE_ARENA);
    sw_json_init(&json, sw_buf_str(&remote->body), &arena);
    while (sw_json_next(&json) != SW_JSON_END && json.type != SW_JSON_ERROR) {
        bool counts = json.type == SW_JSON_KEY && sw_str_eq(json.text, SW_STR("count"));
        if (counts && sw_json_next(&json) == SW_JSON_NUMBER && json.is_integer) {
            out->steps = json.integer;
        }
    }
    sw_arena_fini(&arena);
    return out->steps < 0 ? sw_remote_odd(err, "count") : SW_STATUS_OK;
}

static sw_status metrics(sw_site *source, sw_arena *arena, sw_str *out, sw_error *err)
{
    sw_remote *remote = (sw_remote *)source;
    const sw_route *route = &sw__routes[SW_ROUTE_ID_METRICS];
    sw_remote_begin(remote, route, SW_NULL_STR);
    sw_status status = sw_remote_send(remote, route, SW_NULL_STR, err);
    *out = status == SW_STATUS_OK ? sw_arena_str(arena, sw_buf_str(&remote->body)) : SW_NULL_STR;
    return status == SW_STATUS_OK && !out->ptr ? sw_no_memory(err) : status;
}

/* Its answer says the second in which it was written, somewhere between asking and being answered. */
static sw_status clock_ahead(sw_site *source, int64_t *least, int64_t *most, sw_error *err)
{
    sw_remote *remote = (sw_remote *)source;
    const sw_route *route = &sw__routes[SW_ROUTE_ID_HEALTH];
    int64_t asked = sw__system_clock.wall_us(sw__system_clock.data);
    sw_remote_begin(remote, route, SW_NULL_STR);
    sw_status status = sw_remote_send(remote, route, SW_NULL_STR, err);
    if (status == SW_STATUS_OK && remote->date_us == 0) {
        return sw_fail(err, SW_STATUS_UNSUPPORTED, "", "the server does not say what time it is");
    }
    *least = remote->date_us - sw__system_clock.wall_us(sw__system_clock.data);
    *most = remote->date_us + 1000000 - asked;
    return status;
}

/* ---- opening ---------------------------------------------------------------------------------------- */

static void close_source(sw_site *source)
{
    sw_remote *remote = (sw_remote *)source;
    if (remote->easy) {
        sw_curl()->easy_cleanup(remote->easy);
        sw_curl()->slist_free_all(remote->headers);
        sw_curl()->slist_free_all(remote->packed);
    }
    sw_buf_fini(&remote->url);
    sw_buf_fini(&remote->body);
    sw_buf_fini(&remote->next);
    sw_free(&sw__libc_allocator, remote->base);
    sw_free(&sw__libc_allocator, remote);
}

static const sw_site_ops ops = {.list = list_rows,
                                .get = get,
                                .usage = sw_remote_usage,
                                .tail = sw_remote_tail,
                                .feedback = feedback,
                                .create = sw_remote_create,
                                .remove = sw_remote_remove,
                                .unknown_costs = sw_remote_unknown_costs,
                                .reprice = sw_remote_reprice,
                                .info = info,
                                .metrics = metrics,
                                .clock = clock_ahead,
                                .close = close_source};

static bool add_header(struct curl_slist **headers, const char *line)
{
    struct curl_slist *more = sw_curl()->slist_append(*headers, line);
    *headers = more ? more : *headers;
    return more != NULL;
}

static sw_status add_headers(sw_cli *cli, sw_remote *remote, const char *key)
{
    sw_str line = SW_STR("Accept: */*");
    if (key && strpbrk(key, "\r\n")) {
        return sw_fail(&cli->error, SW_STATUS_INVALID, "", "a key is one line; this one is not");
    }
    if (key) {
        line = sw_arena_printf(&cli->arena, "Authorization: Bearer %s", key);
    }
    return line.ptr && add_header(&remote->headers, line.ptr) &&
                   add_header(&remote->headers, "Content-Type: application/json") &&
                   add_header(&remote->headers, "Expect:") &&
                   add_header(&remote->packed, line.ptr) &&
                   add_header(&remote->packed, "Content-Type: application/octet-stream") &&
                   add_header(&remote->packed, "Content-Encoding: zstd") &&
                   add_header(&remote->packed, "Transfer-Encoding: chunked") &&
                   add_header(&remote->packed, "Expect:")
               ? SW_STATUS_OK
               : sw_no_memory(&cli->error);
}

static sw_status check_url(sw_cli *cli, const char *url)
{
    bool plain = strncmp(url, "http://", 7) == 0;
    if (!plain && strncmp(url, "https://", 8) != 0) {
        return sw_fail(&cli->error, SW_STATUS_INVALID, "",
                       "--server needs a URL such as http://127.0.0.1:8283, not %s", url);
    }
    if (sw_cli_text(cli, SW_OPTION_REPLAY_PROJECT)) {
        return sw_fail(&cli->error, SW_STATUS_UNSUPPORTED, "",
                       "a server books on the project of its key; leave --project out, or show "
                       "another key");
    }
    if (sw_cli_text(cli, SW_OPTION_ORGANIZATION) ||
        sw_cli_text(cli, SW_OPTION_PRICE_ORGANIZATION) ||
        sw_cli_text(cli, SW_OPTION_REPLAY_ORGANIZATION)) {
        return sw_fail(&cli->error, SW_STATUS_UNSUPPORTED, "",
                       "a server answers for the organization of its key; leave --organization "
                       "out, or show another key");
    }
    return SW_STATUS_OK;
}

static sw_status fill(sw_cli *cli, sw_remote *remote, const sw_profile *where)
{
    const char *url = where->values[SW_PROFILE_SERVER];
    const char *ca = where->values[SW_PROFILE_CA];
    size_t len = strlen(url);
    for (; len > 0 && url[len - 1] == '/'; len--) {
    }
    remote->source = (sw_site){.ops = &ops, .is_server = true};
    sw_buf_init(&remote->url, &sw__libc_allocator, 1 << 20);
    sw_buf_init(&remote->next, &sw__libc_allocator, 1 << 10);
    sw_buf_init(&remote->body, &sw__libc_allocator, 256 << 20);
    remote->base = sw_alloc_zeroed(&sw__libc_allocator, len + 1);
    remote->easy = sw_curl() ? sw_curl()->easy_init() : NULL;
    if (!sw_curl()) {
        return sw_fail(&cli->error, SW_STATUS_UNSUPPORTED, "--server", SW_CURL_MISSING);
    }
    if (!remote->base || !remote->easy) {
        return sw_no_memory(&cli->error);
    }
    memcpy(remote->base, url, len);
    if (ca && sw_curl()->easy_setopt(remote->easy, CURLOPT_CAINFO, ca) != CURLE_OK) {
        return sw_no_memory(&cli->error);
    }
    return add_headers(cli, remote, where->values[SW_PROFILE_KEY]);
}

sw_status sw_source_open_server(sw_cli *cli, const struct sw_profile *where, sw_site **out)
{
    sw_status status = check_url(cli, where->values[SW_PROFILE_SERVER]);
    if (status != SW_STATUS_OK) {
        return status;
    }
    sw_remote *remote = sw_alloc_zeroed(&sw__libc_allocator, sizeof *remote);
    if (!remote) {
        return sw_no_memory(&cli->error);
    }
    status = fill(cli, remote, where);
    if (status != SW_STATUS_OK) {
        close_source(&remote->source);
        return status;
    }
    *out = &remote->source;
    return SW_STATUS_OK;
}
