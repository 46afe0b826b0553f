/* SPDX-License-Identifier: Apache-2.0 */
/* What comes back: a record, a list, bytes, null, and the way of it to the connection. Knows no route.
 * A whole answer is built in the exchange's buffer and sent from there without being copied.
 */
#include <stdio.h>

#include "http/server.h"

static const char json_type[] = "application/json";

/* ---- what handlers say ------------------------------------------------------------------------------ */

sw_json_out *sw_answer_json(sw_request *request, int status)
{
    sw_exchange *x = sw_exchange_of(request);
    sw_buf_clear(&x->out);
    sw_json_out_init(&x->json, &x->out, false);
    x->status = status;
    x->content_type = json_type;
    x->bytes = SW_NULL_STR;
    return &x->json;
}

void sw_answer_record(sw_request *request, int status, sw_record_id record, const void *row)
{
    sw_record_write_api(record, row, sw_answer_json(request, status));
}

void sw_answer_null(sw_request *request)
{
    sw_answer_bytes(request, 200, json_type, SW_STR("null"));
}

void sw_answer_bytes(sw_request *request, int status, const char *content_type, sw_str bytes)
{
    sw_exchange *x = sw_exchange_of(request);
    x->status = status;
    x->content_type = content_type ? content_type : json_type;
    x->bytes = bytes;
}

/* A page whose rows are large ends early: V1's clients ask on until one is empty. Written as JSON the rows take
 * little more than they hold, and there is room for the last of them, however large it is. */
enum { ENOUGH_BYTES = SW_LIMIT_ANSWER_BYTES / 4 };

typedef struct list_writer {
    sw_exchange *x;
    sw_record_id record;
} list_writer;

static bool write_row(void *arg, const void *row)
{
    list_writer *w = arg;
    sw_record_write_api(w->record, row, &w->x->json);
    return w->x->out.status == SW_STATUS_OK;
}

static uint64_t shown_fields(sw_record_id record)
{
    uint64_t fields = 0;
    size_t count = 0;
    const uint8_t *shown = sw_record_shown(record, &count);
    for (size_t i = 0; i < count; i++) {
        fields |= SW_FIELD_BIT(shown[i]);
    }
    return fields;
}

sw_status sw_answer_list(sw_request *request, sw_record_id record, const sw_list_query *query,
                         sw_error *err)
{
    sw_exchange *x = sw_exchange_of(request);
    list_writer w = {x, record};
    sw_list_end end = {0};
    sw_json_out *out = sw_answer_json(request, 200);
    sw_json_open(out, '[');
    sw_list_query bounded = *query;
    bounded.byte_limit = ENOUGH_BYTES;
    bounded.fields = shown_fields(record);
    sw_status status = sw_list(request->server->ledger, &request->actor, record, &bounded,
                               write_row, &w, &end, err);
    sw_json_close(out, ']');
    if (status == SW_STATUS_OK && (end.gave_up || end.cut)) {
        sw_answer_header(request, "Stepwell-Complete", "false");
        sw_answer_header(request, "Stepwell-Resume", end.resume);
    }
    return status;
}

void sw_answer_header(sw_request *request, const char *name, const char *value)
{
    sw_exchange *x = sw_exchange_of(request);
    sw_header *header = sw_arena_zeroed(&request->arena, sizeof *header);
    if (header) {
        header->name = sw_arena_str(&request->arena, sw_str_from(name));
        header->value = sw_arena_str(&request->arena, sw_str_from(value));
        header->next = x->headers;
        x->headers = header;
    }
}

void sw_answer_packed(sw_request *request, const char *coding)
{
    sw_exchange_of(request)->packed = true;
    sw_answer_header(request, "Vary", "Accept-Encoding");
    if (coding) {
        sw_answer_header(request, "Content-Encoding", coding);
    }
}

void sw_answer_seq(sw_request *request, const sw_outcome *outcome)
{
    char text[24];
    snprintf(text, sizeof text, "%lld", (long long)outcome->seq);
    sw_answer_header(request, "Stepwell-Seq", text);
}

void sw__answer_reset(sw_exchange *x)
{
    sw_buf_clear(&x->out);
    x->bytes = SW_NULL_STR;
    x->status = 0;
    x->fill = NULL;
}

bool sw__answered(const sw_exchange *x)
{
    return x->status != 0;
}

/* ---- sending ---------------------------------------------------------------------------------------- */

/* Bytes are only borrowed by the library, whose parameter lacks the const. */
static struct MHD_Response *response_of(sw_str bytes)
{
    union {
        const char *in;
        void *out;
    } body = {.in = bytes.ptr};
    return MHD_create_response_from_buffer(bytes.len, body.out, MHD_RESPMEM_PERSISTENT);
}

enum { STREAM_BLOCK = 16 * 1024 };

static void add_headers(sw_exchange *x, struct MHD_Response *response)
{
    if (x->status != 204) {
        MHD_add_response_header(response, "Content-Type", x->content_type);
        MHD_add_response_header(response, "X-Content-Type-Options", "nosniff");
    }
    for (const sw_header *header = x->headers; header; header = header->next) {
        if (header->name.ptr && header->value.ptr) {
            MHD_add_response_header(response, header->name.ptr, header->value.ptr);
        }
    }
    if (x->closes || sw_server_stopping(x->request.server)) {
        MHD_add_response_header(response, "Connection", "close");
    }
}

static struct MHD_Response *make_response(sw_exchange *x)
{
    sw_assert(sw__answered(x));
    if (!x->fill && !x->bytes.ptr) {
        x->bytes = sw_buf_str(&x->out);
    }
    struct MHD_Response *response =
        x->fill ? MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, STREAM_BLOCK, sw__stream_read,
                                                    x, NULL)
                : response_of(x->bytes);
    if (response) {
        sw_auth_headers(&x->request);
        add_headers(x, response);
    }
    return response;
}

enum MHD_Result sw__answer_send(sw_exchange *x)
{
    struct MHD_Response *response = make_response(x);
    if (!response) {
        return MHD_NO;
    }
    x->phase = SW_PHASE_SENDING;
    enum MHD_Result result = MHD_queue_response(x->connection, (unsigned int)x->status, response);
    MHD_destroy_response(response);
    return result;
}

static enum MHD_Result print_header(void *data, enum MHD_ValueKind kind, const char *name,
                                    const char *value)
{
    (void)kind;
    sw_buf_addf(data, "%s: %s\r\n", name, value);
    return MHD_YES;
}

static void print_answer(sw_exchange *x, struct MHD_Response *response, sw_buf *out)
{
    sw_buf_addf(out, "HTTP/1.1 %d %s\r\n", x->status,
                MHD_get_reason_phrase_for((unsigned int)x->status));
    (void)MHD_get_response_headers(response, print_header, out);
    sw_buf_addf(out, "Content-Length: %zu\r\n\r\n", x->bytes.len);
    sw_buf_add(out, x->bytes);
}

void sw__answer_past(sw_exchange *x)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(x->connection, MHD_CONNECTION_INFO_CONNECTION_FD);
    struct MHD_Response *response = info && !x->request.server->tls ? make_response(x) : NULL;
    sw_buf text;
    if (!response) {
        return;
    }
    sw_buf_init(&text, x->request.server->from, SW_LIMIT_PART_BYTES);
    print_answer(x, response, &text);
    MHD_destroy_response(response);
    if (text.status == SW_STATUS_OK) {
        (void)send(info->connect_fd, text.ptr, text.len, MSG_DONTWAIT | MSG_NOSIGNAL);
    }
    (void)shutdown(info->connect_fd, SHUT_WR);
    sw_buf_fini(&text);
}
