/* SPDX-License-Identifier: Apache-2.0 */
/* GET /v1/steps/stream: the steps of a filter as they change, as server-sent events. A stream that broke
 * is taken up again where it ended, by the number of the last event (Last-Event-ID, or ?after=).
 */
#include "http/live.h"
#include "http/tail.h"

enum { FILL_BYTES = 65536, HELLO_RETRY_MS = 1000 };

typedef struct stream {
    sw_listener listener;
    bool greeted;
    int64_t ping_at_us;
} stream;

static int64_t now_mono(void)
{
    return sw__system_clock.mono_us(sw__system_clock.data);
}

/* ---- filling --------------------------------------------------------------------------------------- */

/* A comment at once, so that whoever listens knows that it does; then one whenever it was quiet. */
static void keep_alive(stream *s, sw_buf *out)
{
    int64_t now_us = now_mono();
    if (!s->greeted) {
        sw_buf_addf(out, "retry: %d\n\n", HELLO_RETRY_MS);
        s->greeted = true;
    } else if (out->len == 0 && now_us >= s->ping_at_us) {
        sw_buf_adds(out, ": ping\n\n");
    }
    if (out->len > 0) {
        s->ping_at_us = now_us + INT64_C(1000000) * SW_LIMIT_LISTEN_PING_SECONDS;
        sw_listener_wake_at(&s->listener, s->ping_at_us);
    }
}

/* Shows the entries of a page until the buffer is full; `*place` moves on. */
static sw_status show_page(stream *s, const sw_entries *entries, sw_memory *memory, sw_buf *out,
                           int64_t *place, sw_error *err)
{
    sw_listener *l = &s->listener;
    sw_actor actor = {.organization_id = l->actor.organization_id};
    sw_status status = SW_STATUS_OK;
    for (size_t i = 0; i < entries->count && out->len < FILL_BYTES && status == SW_STATUS_OK; i++) {
        sw_sight sight;
        sw_memory_reset(memory);
        status = sw_sight_load(sw_server_ledger(l->request->server), &actor, &entries->rows[i],
                               l->query.metrics_condition_count > 0, memory, &sight, err);
        if (status == SW_STATUS_OK && sight.shows && sw_sight_concerns(&sight, l)) {
            sw_sight_print(&sight, out);
        }
        *place = status == SW_STATUS_OK ? entries->rows[i].seq.value : *place;
    }
    return status;
}

/* Reads the next page of the journal for this listener alone. */
static sw_status catch_up(stream *s, sw_buf *out, int64_t place, int64_t goal, sw_error *err)
{
    sw_listener *l = &s->listener;
    sw_actor actor = {.organization_id = l->actor.organization_id};
    sw_arena arena;
    sw_arena_init(&arena, l->tail->from, 0);
    sw_entries *entries = sw_arena_zeroed(&arena, sizeof *entries);
    sw_memory *memory = sw_memory_new(l->tail->from);
    sw_status status = entries && memory ? sw_entries_read(sw_server_ledger(l->request->server),
                                                           &actor, place, &arena, entries, err)
                                         : sw_no_memory(err);
    if (status == SW_STATUS_OK) {
        status = show_page(s, entries, memory, out, &place, err);
    }
    if (status == SW_STATUS_OK && entries->count == 0) {
        place = goal; /* numbers have gaps */
    }
    sw_listener_caught_up(l, place);
    sw_memory_free(&memory);
    sw_arena_fini(&arena);
    return status;
}

static sw_fill fill(sw_request *request, sw_buf *out)
{
    stream *s = request->state;
    int64_t place = 0;
    int64_t goal = 0;
    sw_error error;
    if (sw_tail_is_ended(s->listener.tail)) {
        return SW_FILL_END;
    }
    bool behind = sw_listener_is_behind(&s->listener, &place, &goal);
    if (behind && catch_up(s, out, place, goal, &error) != SW_STATUS_OK) {
        sw_logf(sw_server_log(request->server), SW_LOG_WARN, "live: a listener is ended: %s",
                error.message);
        return SW_FILL_END; /* it comes back with the number it has */
    }
    bool more = behind || sw_listener_drain(&s->listener, out, FILL_BYTES);
    keep_alive(s, out);
    return out->status != SW_STATUS_OK ? SW_FILL_END : more ? SW_FILL_MORE : SW_FILL_WAIT;
}

static void drop(sw_request *request)
{
    stream *s = request->state;
    sw_tail_leave(&s->listener);
}

/* ---- beginning ------------------------------------------------------------------------------------- */

/* Where to go on: Last-Event-ID, which a browser sends by itself, then `after`; else from now on. A number
 * that has not been given out yet would wait for ever, so the newest is as far as it goes. */
static sw_status read_place(sw_request *request, int64_t head, int64_t *place, sw_error *err)
{
    sw_str last = sw_request_header(request, "Last-Event-ID");
    sw_int after = sw_param_int(request, "after");
    *place = after.known ? after.value : head;
    if (last.ptr && last.len > 0 && (!sw_parse_int(last, place) || *place < 0)) {
        sw_request_invalid(request, "int_parsing", "header", "Last-Event-ID",
                           "Input should be the id of an event of this stream, a whole number",
                           last, NULL);
        return sw_fail(err, SW_STATUS_INVALID, "Last-Event-ID",
                       "should be the id of an event of this stream");
    }
    *place = *place < head ? *place : head;
    return SW_STATUS_OK;
}

sw_status sw_http_steps_stream(sw_request *request, sw_error *err)
{
    int64_t head = 0;
    sw_actor actor = {.organization_id = request->actor.organization_id};
    stream *s = sw_arena_zeroed(&request->arena, sizeof *s);
    if (!s) {
        return sw_no_memory(err);
    }
    s->listener.tail = sw_server_live(request->server)->tail;
    s->listener.request = request;
    s->listener.actor = request->actor;
    s->listener.wake_at_us = INT64_MAX;
    sw_status status = sw_list_from_params(request, &s->listener.query, err);
    s->listener.query.text = sw_param_text(request, "text");
    if (status == SW_STATUS_OK) {
        status = sw_journal_head_seq(sw_server_ledger(request->server), &actor, &head, err);
    }
    if (status == SW_STATUS_OK) {
        status = read_place(request, head, &s->listener.place, err);
    }
    if (status == SW_STATUS_OK) {
        request->state = s;
        request->drop = drop;
        status = sw_tail_join(&s->listener, head, err);
    }
    if (status == SW_STATUS_OK) {
        sw_answer_header(request, "Cache-Control", "no-cache");
        sw_answer_header(request, "X-Accel-Buffering", "no");
        sw_answer_stream(request, 200, "text/event-stream", fill);
    }
    return status;
}
