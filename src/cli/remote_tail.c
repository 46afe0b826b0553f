/* SPDX-License-Identifier: Apache-2.0 */
/* Steps as they change, from a server: GET /v1/steps/stream, server-sent events. Lines are put together
 * from whatever pieces come; each `data:` line is one change. A stream that breaks is taken up again
 * behind the last event that was seen, so that nothing is missed.
 */
#include "cli/remote.h"

#include <time.h>

#include "codec/record.h"

enum { LINE_BYTES = 64 << 20, RETRIES = 5 };

typedef struct events {
    sw_tail_each *each;
    void *arg;
    sw_buf line;
    sw_arena arena; /* of one event */
    int64_t last;   /* the number of the last event; -1: none yet */
    bool heard;     /* since the connection was made */
    bool ended;
    bool odd;
} events;

/* The current token is the '{' of an event. */
static bool read_event(events *in, sw_json *json, sw_seen_change *out, sw_step *step)
{
    sw_error ignored;
    while (sw_json_next(json) == SW_JSON_KEY) {
        sw_str name = json->text;
        sw_json_type type = sw_json_next(json);
        if (sw_str_eq(name, SW_STR("step")) && type == SW_JSON_OBJECT) {
            if (sw_record_read_json(SW_RECORD_STEP, 0, json, &in->arena, step, NULL, "",
                                    &ignored) != SW_STATUS_OK) {
                return false;
            }
            out->step = step;
            out->id = step->id;
            continue;
        }
        if (sw_str_eq(name, SW_STR("seq"))) {
            out->seq = json->integer;
        } else if (sw_str_eq(name, SW_STR("change"))) {
            out->change = json->text;
        } else if (sw_str_eq(name, SW_STR("id"))) {
            out->id = json->text;
        }
        if (!sw_json_skip(json, NULL)) {
            return false;
        }
    }
    return json->type == SW_JSON_OBJECT_END;
}

static void take_line(events *in, sw_str line)
{
    static const char prefix[] = "data:";
    sw_seen_change change = {.seq = 0};
    sw_step step = {.id = SW_NULL_STR};
    sw_json json;
    in->heard = true;
    if (line.len < sizeof prefix || memcmp(line.ptr, prefix, sizeof prefix - 1) != 0) {
        return;
    }
    sw_arena_reset(&in->arena);
    sw_json_init(&json, sw_str_make(line.ptr + sizeof prefix - 1, line.len - sizeof prefix + 1),
                 &in->arena);
    if (sw_json_next(&json) != SW_JSON_OBJECT || !read_event(in, &json, &change, &step)) {
        in->odd = true;
        return;
    }
    in->last = change.seq;
    in->ended = !in->each(in->arg, &change);
}

static bool on_piece(void *arg, sw_str bytes)
{
    events *in = arg;
    while (bytes.len > 0 && !in->ended && !in->odd) {
        const char *end = memchr(bytes.ptr, '\n', bytes.len);
        size_t len = end ? (size_t)(end - bytes.ptr) : bytes.len;
        sw_buf_add(&in->line, sw_str_make(bytes.ptr, len));
        in->odd = in->line.status != SW_STATUS_OK;
        if (end && !in->odd) {
            take_line(in, sw_buf_str(&in->line));
            sw_buf_clear(&in->line);
        }
        len += end ? 1 : 0;
        bytes = sw_str_make(bytes.ptr + len, bytes.len - len);
    }
    return !in->ended && !in->odd;
}

static bool on_idle(void *arg)
{
    events *in = arg;
    in->ended = in->ended || !in->each(in->arg, NULL);
    return !in->ended;
}

static sw_status listen_once(sw_remote *remote, events *in, const sw_list_query *query,
                             sw_error *err)
{
    const sw_route *route = &sw__routes[SW_ROUTE_ID_STEPS_STREAM];
    sw_remote_begin(remote, route, SW_NULL_STR);
    if (in->last >= 0) {
        sw_remote_add_int(remote, "after", in->last);
    }
    sw_status status = sw_remote_add_filters(remote, route, SW_RECORD_STEP, query, err);
    remote->piece = on_piece;
    remote->idle = on_idle;
    remote->piece_arg = in;
    in->heard = false;
    sw_buf_clear(&in->line);
    if (status == SW_STATUS_OK) {
        status = sw_remote_send(remote, route, SW_NULL_STR, err);
    }
    remote->piece = NULL;
    remote->idle = NULL;
    return in->odd ? sw_remote_odd(err, "stream of steps") : status;
}

sw_status sw_remote_tail(sw_site *source, const sw_list_query *query, sw_tail_each *each, void *arg,
                         sw_error *err)
{
    const struct timespec second = {.tv_sec = 1};
    events in = {.each = each, .arg = arg, .last = -1};
    sw_status status = SW_STATUS_OK;
    int tries = 0;
    sw_buf_init(&in.line, &sw__libc_allocator, LINE_BYTES);
    sw_arena_init(&in.arena, &sw__libc_allocator, LINE_BYTES);
    do {
        status = listen_once((sw_remote *)source, &in, query, err);
        tries = in.heard ? 0 : tries + 1;
        if (!in.ended && (status == SW_STATUS_OK || status == SW_STATUS_IO)) {
            (void)nanosleep(&second, NULL);
        }
    } while (!in.ended && !in.odd && tries < RETRIES &&
             (status == SW_STATUS_OK || (status == SW_STATUS_IO && (in.last >= 0 || tries == 0))));
    sw_arena_fini(&in.arena);
    sw_buf_fini(&in.line);
    return in.ended ? SW_STATUS_OK : status;
}
