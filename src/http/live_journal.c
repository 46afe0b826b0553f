/* SPDX-License-Identifier: Apache-2.0 */
/* GET /v1/journal: what changed after a number, and the number to ask with next. With `wait` the answer
 * comes when something has changed, or when the time is up; until then no worker is kept, because the
 * tail wakes the request.
 */
#include "codec/record.h"
#include "http/live.h"
#include "http/tail.h"
#include "model/model.h"

typedef struct poll {
    sw_listener listener;
    int64_t limit;
    int64_t deadline_us;
    sw_json_out json;
    int64_t count;
} poll_state;

static int64_t now_mono(void)
{
    return sw__system_clock.mono_us(sw__system_clock.data);
}

static void write_entry(sw_json_out *json, const sw_journal *entry)
{
    char time[SW_TIME_TEXT];
    size_t length = sw_time_print(entry->time.value, true, time);
    const sw_record *record = sw_record_of((sw_record_id)entry->record.value);
    sw_json_open(json, '{');
    sw_json_key(json, SW_STR("seq"));
    sw_json_int(json, entry->seq.value);
    sw_json_key(json, SW_STR("time"));
    sw_json_str(json, sw_str_make(time, length));
    sw_json_key(json, SW_STR("actor_id"));
    sw_json_str(json, entry->actor_id);
    sw_json_key(json, SW_STR("change"));
    sw_json_str(json, sw_str_from(sw_enum_word(SW_ENUM_change, entry->what.value)));
    sw_json_key(json, SW_STR("record"));
    sw_json_str(json, sw_str_from(record->name));
    sw_json_key(json, SW_STR("id"));
    sw_json_str(json, entry->record_id);
    sw_json_key(json, SW_STR("project_id"));
    sw_json_str(json, entry->project_id);
    sw_json_key(json, SW_STR("reason"));
    sw_json_str(json, entry->reason);
    sw_json_close(json, '}');
}

static bool show_entry(void *arg, const void *row)
{
    poll_state *p = arg;
    if (p->count++ == 0) {
        sw_json_open(&p->json, '{');
        sw_json_key(&p->json, SW_STR("entries"));
        sw_json_open(&p->json, '[');
    }
    write_entry(&p->json, row);
    return true;
}

static sw_fill fill(sw_request *request, sw_buf *out)
{
    poll_state *p = request->state;
    int64_t last = p->listener.place;
    sw_error error;
    bool over = now_mono() >= p->deadline_us || sw_tail_is_ended(p->listener.tail) ||
                sw_server_stopping(request->server);
    sw_json_out_init(&p->json, out, false);
    sw_status status =
        sw_journal_read(sw_server_ledger(request->server), &request->actor, p->listener.place,
                        p->limit, 0, show_entry, p, &last, &error);
    if (status != SW_STATUS_OK) {
        sw_logf(sw_server_log(request->server), SW_LOG_WARN, "live: the journal cannot be read: %s",
                error.message);
        over = true; /* what was shown is right, and `last` says how far it goes */
    }
    if (p->count == 0 && !over) {
        sw_listener_caught_up(&p->listener, last);
        return SW_FILL_WAIT;
    }
    if (p->count == 0) {
        sw_buf_adds(out, "{\"entries\":[],\"last\":");
    } else {
        sw_buf_adds(out, "],\"last\":");
    }
    sw_buf_add_int(out, last);
    sw_buf_adds(out, "}");
    return SW_FILL_END;
}

static void drop(sw_request *request)
{
    poll_state *p = request->state;
    sw_tail_leave(&p->listener);
}

sw_status sw_http_journal(sw_request *request, sw_error *err)
{
    int64_t head = 0;
    sw_actor actor = {.organization_id = request->actor.organization_id};
    poll_state *p = sw_arena_zeroed(&request->arena, sizeof *p);
    if (!p) {
        return sw_no_memory(err);
    }
    sw_status status = sw_journal_head_seq(sw_server_ledger(request->server), &actor, &head, err);
    if (status != SW_STATUS_OK) {
        return status;
    }
    p->limit = sw_param_int(request, "limit").value;
    p->deadline_us = now_mono() + sw_param_int(request, "wait").value * 1000000;
    p->listener = (sw_listener){.tail = sw_server_live(request->server)->tail,
                                .request = request,
                                .actor = request->actor,
                                .waits = true,
                                .wake_at_us = p->deadline_us,
                                .place = sw_param_int(request, "after").value};
    request->state = p;
    request->drop = drop;
    status = sw_tail_join(&p->listener, head, err);
    if (status == SW_STATUS_OK) {
        sw_answer_stream(request, 200, "application/json", fill);
    }
    return status;
}
