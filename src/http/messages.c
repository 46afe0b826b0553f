/* SPDX-License-Identifier: Apache-2.0 */
/* A page of messages as V1 shows them, of a step or of a run alike. The order is that of sequence_id, and
 * a page counts stored messages that show something: one that shows nothing (the return of an answering
 * tool, a type that the run's caller did not ask for) takes no place, so that a page is only short when
 * nothing follows, or when what it shows would be too much for one answer. Knows no rule of what a
 * message becomes; that is the codec's.
 */
#include "http/read.h"

enum { ENOUGH_BYTES = SW_LIMIT_ANSWER_BYTES / 4 };

/* A page on its way: what each message shows, as JSON values with commas between. */
typedef struct page {
    sw_request *request;
    sw_letta_view view;
    sw_str *shown;
    int64_t count;
    int64_t limit;
    size_t bytes;     /* of what is shown so far */
    sw_arena scratch; /* of one message */
    sw_buf text;      /* of one message */
    sw_status status;
    sw_error *err;
} page;

static bool show(void *arg, const void *row)
{
    page *p = arg;
    sw_json_out json;
    size_t views = 0;

    sw_arena_reset(&p->scratch);
    sw_buf_clear(&p->text);
    sw_json_out_init(&json, &p->text, false);
    sw_json_open(&json, '[');
    p->status = sw_letta_write(row, &p->view, &p->scratch, &json, &views, p->err);
    sw_json_close(&json, ']');
    if (p->status == SW_STATUS_OK && p->text.status != SW_STATUS_OK) {
        p->status = sw_fail(p->err, p->text.status, "messages", "one message is too much to show");
    }
    if (p->status == SW_STATUS_OK && views > 0) {
        sw_str inner = sw_str_make(p->text.ptr + 1, p->text.len - 2);
        p->shown[p->count] = sw_arena_str(&p->request->arena, inner);
        p->status = p->shown[p->count++].ptr ? SW_STATUS_OK : sw_no_memory(p->err);
        p->bytes += inner.len;
    }
    return p->status == SW_STATUS_OK && p->count < p->limit && p->bytes < ENOUGH_BYTES;
}

/* The messages before a cursor are found by walking away from it, and shown the other way round. */
static bool turn_round(sw_list_query *query)
{
    if (!query->before.ptr || query->after.ptr) {
        return false;
    }
    query->ascending = !query->ascending;
    query->after = query->before;
    query->before = SW_NULL_STR;
    return true;
}

static void answer(page *p, bool backwards)
{
    sw_json_out *out = sw_answer_json(p->request, 200);

    sw_json_open(out, '[');
    for (int64_t i = 0; i < p->count; i++) {
        sw_json_raw(out, p->shown[backwards ? p->count - 1 - i : i]);
    }
    sw_json_close(out, ']');
}

static sw_status walk(page *p, const sw_list_query *query, sw_list_end *end)
{
    const sw_allocator *from = p->request->arena.from;
    sw_status status = SW_STATUS_OK;

    p->shown = sw_arena_zeroed(&p->request->arena, (size_t)p->limit * sizeof *p->shown);
    if (!p->shown) {
        return sw_no_memory(p->err);
    }
    sw_arena_init(&p->scratch, from, SW_LIMIT_BODIES_BYTES);
    sw_buf_init(&p->text, from, SW_LIMIT_ANSWER_BYTES);
    status = sw_list(sw_server_ledger(p->request->server), &p->request->actor, SW_RECORD_MESSAGE,
                     query, show, p, end, p->err);
    sw_buf_fini(&p->text);
    sw_arena_fini(&p->scratch);
    return status == SW_STATUS_OK ? p->status : status;
}

/* How this agent's plain text is read; an agent that is not registered has no type. */
static sw_status agent_view(sw_request *request, sw_str agent_id, bool *text_is_answer,
                            sw_error *err)
{
    sw_agent agent = {.agent_type = SW_NULL_STR};
    sw_status status = SW_STATUS_NOT_FOUND;

    if (agent_id.ptr) {
        status = sw__get_row(request, SW_RECORD_AGENT, agent_id, &agent, err);
    }
    *text_is_answer =
        sw_letta_text_is_answer(status == SW_STATUS_OK ? agent.agent_type : SW_NULL_STR);
    return status == SW_STATUS_NOT_FOUND || status == SW_STATUS_INVALID_ID ? SW_STATUS_OK : status;
}

sw_status sw__answer_messages(sw_request *request, uint8_t field, sw_str id, sw_str agent_id,
                              uint32_t types, sw_error *err)
{
    page p = {.request = request, .view = {.types = types}, .err = err};
    sw_value owner = {.text = id};
    sw_value no = {.number = 0};
    sw_list_query query;
    sw_list_end end = {0};
    bool backwards = false;
    sw_status status = sw_list_from_params(request, &query, err);

    if (status == SW_STATUS_OK) {
        status = agent_view(request, agent_id, &p.view.text_is_answer, err);
    }
    if (status != SW_STATUS_OK) {
        return status;
    }
    p.view.reversed = !query.ascending;
    p.limit = query.limit;
    query.limit = -1;
    query.look_limit = SW_LIMIT_LOOK_ROWS;
    sw_list_add(&query, field, SW_OP_EQ, &owner, 1);
    sw_list_add(&query, SW_MESSAGE_IS_DELETED, SW_OP_EQ, &no, 1);
    backwards = turn_round(&query);
    status = walk(&p, &query, &end);
    if (status == SW_STATUS_OK) {
        answer(&p, backwards);
    }
    if (status == SW_STATUS_OK && end.gave_up) {
        sw_answer_header(request, "Stepwell-Complete", "false");
        sw_answer_header(request, "Stepwell-Resume", end.resume);
    }
    return status;
}
