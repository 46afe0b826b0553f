/* SPDX-License-Identifier: Apache-2.0 */
/* What the writing handlers share (write.h): the key of a call that may come again, the ends of a body, and
 * verdicts as JSON. Knows no record.
 */
#include "http/write.h"

#include <sodium.h>

_Static_assert(crypto_shorthash_siphashx24_BYTES == sizeof((sw_writer){0}.digest),
               "what a retry keeps");
_Static_assert(crypto_shorthash_siphashx24_KEYBYTES == sizeof((sw_writer){0}.digest),
               "a digest is the key of the next");

/* ---- the caller -------------------------------------------------------------------------------------- */

/* The hash the ledger uses for what it keeps; each piece is hashed under what came before, so that a
 * stream needs no more memory than its longest line. */
void sw__digest_add(char *digest, sw_str piece)
{
    unsigned char key[crypto_shorthash_siphashx24_KEYBYTES];
    memcpy(key, digest, sizeof key);
    crypto_shorthash_siphashx24((unsigned char *)digest, (const unsigned char *)piece.ptr,
                                piece.len, key);
}

void sw__writer_seal(sw_writer *writer)
{
    if (writer->actor.retry) {
        writer->retry.digest = sw_str_make(writer->digest, sizeof writer->digest);
    }
}

static sw_status take_key(sw_request *request, sw_str key, sw_writer *writer, sw_error *err)
{
    const sw_route *route = request->route;
    if (key.len == 0 || key.len > SW_LIMIT_RETRY_KEY_BYTES || !sw_utf8_valid(key)) {
        sw_request_invalid(request, "string_length", "header", "Idempotency-Key",
                           "Header should have 1 to 255 bytes of UTF-8", key, NULL);
        return sw_fail(err, SW_STATUS_INVALID, "Idempotency-Key",
                       "must have 1 to 255 bytes of UTF-8");
    }
    writer->retry.key = key;
    writer->retry.route =
        sw_arena_printf(&request->arena, "%s %s", sw__methods[route->method], route->path);
    writer->actor.retry = &writer->retry;
    return writer->retry.route.ptr ? SW_STATUS_OK : sw_no_memory(err);
}

sw_status sw__writer_make(sw_request *request, bool whole, sw_writer **out, sw_error *err)
{
    static const char start[sizeof((sw_writer){0}.digest)] = "stepwell retry";
    sw_assert(request->route->flags & SW_ROUTE_KEYED);
    sw_writer *writer = sw_arena_zeroed(&request->arena, sizeof *writer);
    sw_str key = sw_request_header(request, "Idempotency-Key");
    if (!writer) {
        return sw_no_memory(err);
    }
    *out = writer;
    writer->actor = request->actor;
    memcpy(writer->digest, start, sizeof start);
    if (!key.ptr) {
        return SW_STATUS_OK;
    }
    for (size_t i = 0; i < SW_PATH_VALUES; i++) {
        sw__digest_add(writer->digest, request->path_values[i]);
    }
    if (whole) {
        sw__digest_add(writer->digest, request->body);
    }
    sw_status status = take_key(request, key, writer, err);
    if (status == SW_STATUS_OK && whole) {
        sw__writer_seal(writer);
    }
    return status;
}

/* ---- bodies ------------------------------------------------------------------------------------------ */

void sw__body_begin(sw_request *request, sw_json *json)
{
    sw_json_init(json, request->body, &request->arena);
    (void)sw_json_next(json);
}

sw_status sw__body_end(sw_request *request, sw_json *json, sw_status status, sw_error *err)
{
    if (status == SW_STATUS_OK && sw_json_next(json) != SW_JSON_END) {
        status = json->arena->failed
                     ? sw_no_memory(err)
                     : sw_fail(err, SW_STATUS_INVALID, "", "is not valid JSON: %s (at byte %zu)",
                               json->error, json->offset);
    }
    return status == SW_STATUS_INVALID ? sw_request_unread_body(request, err) : status;
}

sw_status sw__body_record(sw_request *request, sw_record_id record, void *row, uint64_t *seen,
                          sw_error *err)
{
    sw_json json;
    sw__body_begin(request, &json);
    sw_status status =
        sw_record_read_json(record, SW_READ_STRICT, &json, &request->arena, row, seen, "", err);
    return sw__body_end(request, &json, status, err);
}

sw_status sw__refused_body(sw_request *request, sw_status status, const sw_error *err)
{
    return status == SW_STATUS_INVALID ? sw_request_bad_body(request, err) : status;
}

/* ---- answers ----------------------------------------------------------------------------------------- */

/* "messages[2].role" of "steps[3].messages[2].role". */
void sw__error_of_item(sw_error *err)
{
    static const char start[] = "steps[";
    char *at = err->field + sizeof start - 1;
    if (strncmp(err->field, start, sizeof start - 1) != 0) {
        return;
    }
    while (*at >= '0' && *at <= '9') {
        at++;
    }
    if (*at != ']') {
        return;
    }
    at += at[1] == '.' ? 2 : 1;
    memmove(err->field, at, strlen(at) + 1);
}

static void write_error(sw_json_out *out, const sw_error *err)
{
    sw_json_open(out, '{');
    sw_json_key(out, SW_STR("field"));
    sw_json_str(out, err->field[0] ? sw_str_from(err->field) : SW_NULL_STR);
    sw_json_key(out, SW_STR("message"));
    sw_json_str(out, sw_str_from(err->message));
    sw_json_key(out, SW_STR("status"));
    sw_json_str(out, sw_str_from(sw_status_name(err->status)));
    sw_json_close(out, '}');
}

static void write_number(sw_json_out *out, const char *key, int64_t value)
{
    sw_json_key(out, sw_str_from(key));
    if (value) {
        sw_json_int(out, value);
    } else {
        sw_json_null(out);
    }
}

void sw__write_outcome(sw_json_out *out, int64_t index, const sw_outcome *outcome)
{
    sw_json_open(out, '{');
    sw_json_key(out, SW_STR("index"));
    sw_json_int(out, index);
    sw_json_key(out, SW_STR("id"));
    sw_json_str(out, outcome->id[0] ? sw_str_from(outcome->id) : SW_NULL_STR);
    sw_json_key(out, SW_STR("verdict"));
    sw_json_str(out, sw_str_from(sw_enum_word(SW_ENUM_verdict, outcome->verdict)));
    write_number(out, "seq", outcome->seq);
    sw_json_key(out, SW_STR("error"));
    if (outcome->status == SW_STATUS_OK) {
        sw_json_null(out);
    } else {
        write_error(out, &outcome->error);
    }
    sw_json_close(out, '}');
}

int sw__verdict_http(sw_verdict verdict)
{
    return verdict == SW_VERDICT_CREATED ? 201 : 200;
}

sw_status sw__answer_outcome(sw_request *request, sw_status status, const sw_outcome *outcome,
                             const sw_error *err)
{
    if (status != SW_STATUS_OK) {
        return sw__refused_body(request, status, err);
    }
    sw_answer_seq(request, outcome);
    sw__write_outcome(sw_answer_json(request, sw__verdict_http(outcome->verdict)), 0, outcome);
    return SW_STATUS_OK;
}

bool sw__is_of_item(sw_status status, const sw_outcome *outcomes, size_t count)
{
    return count == 1 && outcomes[0].status == status && sw_status_http(status) < 500 &&
           strcmp(outcomes[0].error.field, "idempotency_key") != 0;
}

void sw__tally_add(sw_tally *tally, const sw_outcome *outcome)
{
    tally->items++;
    tally->verdicts[outcome->verdict]++;
    if (outcome->seq && (!tally->first_seq || outcome->seq < tally->first_seq)) {
        tally->first_seq = outcome->seq;
    }
    if (outcome->seq > tally->last_seq) {
        tally->last_seq = outcome->seq;
    }
}

sw_json_out *sw__tally_open(sw_request *request, const sw_tally *tally)
{
    sw_outcome last = {.seq = tally->last_seq};
    sw_json_out *out = NULL;
    sw_answer_seq(request, &last);
    out = sw_answer_json(request, 200);
    sw_json_open(out, '{');
    sw_json_key(out, SW_STR("count"));
    sw_json_int(out, tally->items);
    for (int v = 0; v <= SW_VERDICT_REJECTED; v++) {
        sw_json_key(out, sw_str_from(sw_enum_word(SW_ENUM_verdict, v)));
        sw_json_int(out, tally->verdicts[v]);
    }
    write_number(out, "first_seq", tally->first_seq);
    write_number(out, "last_seq", tally->last_seq);
    sw_json_key(out, SW_STR("items"));
    sw_json_open(out, '[');
    return out;
}

void sw__tally_close(sw_json_out *out)
{
    sw_json_close(out, ']');
    sw_json_close(out, '}');
}
