/* SPDX-License-Identifier: Apache-2.0 */
/* POST /v1/steps with application/x-ndjson: a step a line, any number of lines. Pieces of the body are
 * gathered until there are enough whole lines, which are read where they lie and committed together; then
 * they are forgotten. So memory does not grow with the body, and what was committed stays when the sender
 * goes away: sending all again is safe (promise P3).
 *
 * A line that is no step is counted and told, and the others go on. The last line always waits for the end
 * of the body, because only then the digest of the whole is known, which the Idempotency-Key is kept with.
 */
#include "http/write.h"

/* Steps that are committed together, and lines' bytes that are gathered for it. A commit costs the same for
 * one step as for hundreds; more at once would only make the sender wait longer for less memory. */
enum { CHUNK_ITEMS = 512, CHUNK_BYTES = 1 << 20, TOLD_ITEMS = 1000 };

typedef struct told {
    int64_t index;
    sw_outcome outcome;
} told;

typedef struct ndjson {
    sw_writer *writer;
    sw_buf text;    /* lines that were not read yet, and the beginning of the next */
    bool skipping;  /* in a line that is too long */
    int64_t lines;  /* read so far, blank ones too */
    int64_t logged; /* handed to the ledger so far */
    sw_tally tally;
    sw_buf told;            /* structs told: the first that were not created */
    sw_step_entry *entries; /* CHUNK_ITEMS of them, as the others below */
    sw_outcome *outcomes;
    int64_t *indexes;
    size_t count;
} ndjson;

static void drop(sw_request *request)
{
    ndjson *in = request->state;
    sw_buf_fini(&in->text);
    sw_buf_fini(&in->told);
}

static sw_status begin(sw_request *request, sw_error *err)
{
    sw_arena *arena = &request->arena;
    ndjson *in = sw_arena_zeroed(arena, sizeof *in);
    if (!in) {
        return sw_no_memory(err);
    }
    sw_buf_init(&in->text, arena->from, SW_LIMIT_BODY_BYTES + CHUNK_BYTES);
    sw_buf_init(&in->told, arena->from, TOLD_ITEMS * sizeof(told));
    request->state = in;
    request->drop = drop;
    in->entries = sw_arena_alloc(arena, CHUNK_ITEMS * sizeof *in->entries);
    in->outcomes = sw_arena_alloc(arena, CHUNK_ITEMS * sizeof *in->outcomes);
    in->indexes = sw_arena_alloc(arena, CHUNK_ITEMS * sizeof *in->indexes);
    if (!in->entries || !in->outcomes || !in->indexes) {
        return sw_no_memory(err);
    }
    return sw__writer_make(request, false, &in->writer, err);
}

/* ---- verdicts ------------------------------------------------------------------------------------------ */

static sw_status note(ndjson *in, int64_t index, const sw_outcome *outcome, sw_error *err)
{
    told one = {.index = index, .outcome = *outcome};
    sw__tally_add(&in->tally, outcome);
    if (outcome->verdict != SW_VERDICT_CREATED && in->told.len < TOLD_ITEMS * sizeof one) {
        sw__error_of_item(&one.outcome.error);
        sw_buf_add(&in->told, sw_str_make((const char *)&one, sizeof one));
    }
    return in->told.status == SW_STATUS_OK ? SW_STATUS_OK : sw_no_memory(err);
}

static sw_status note_unread(ndjson *in, const sw_error *why, sw_error *err)
{
    sw_outcome outcome = {.verdict = SW_VERDICT_REJECTED, .status = why->status, .error = *why};
    return note(in, in->lines, &outcome, err);
}

static sw_status commit(sw_request *request, ndjson *in, sw_error *err)
{
    sw_status status = SW_STATUS_OK;
    if (in->count == 0) {
        return SW_STATUS_OK;
    }
    in->writer->retry.first_item = in->logged;
    memset(in->outcomes, 0, in->count * sizeof *in->outcomes); /* a refused call leaves ids alone */
    status = sw_step_log(sw_server_ledger(request->server), &in->writer->actor, in->entries,
                         in->count, false, in->outcomes, err);
    if (status != SW_STATUS_OK && !sw__is_of_item(status, in->outcomes, in->count)) {
        return status;
    }
    status = SW_STATUS_OK;
    for (size_t i = 0; i < in->count && status == SW_STATUS_OK; i++) {
        status = note(in, in->indexes[i], &in->outcomes[i], err);
    }
    in->logged += (int64_t)in->count;
    in->count = 0;
    return status;
}

/* ---- lines --------------------------------------------------------------------------------------------- */

static bool is_blank(sw_str line)
{
    for (size_t i = 0; i < line.len; i++) {
        if (line.ptr[i] != ' ' && line.ptr[i] != '\t' && line.ptr[i] != '\r') {
            return false;
        }
    }
    return true;
}

static sw_status read_line(sw_request *request, ndjson *in, sw_str line, sw_error *err)
{
    sw_step_entry *entry = memset(&in->entries[in->count], 0, sizeof *entry);
    sw_error why = {.status = SW_STATUS_OK};
    sw_json json;
    sw_status status = SW_STATUS_OK;
    sw_json_init(&json, line, &request->arena);
    (void)sw_json_next(&json);
    status = sw_step_entry_read_json(&json, &request->arena, entry, NULL, &why);
    if (status == SW_STATUS_OK && sw_json_next(&json) != SW_JSON_END) {
        status = sw_fail(&why, SW_STATUS_INVALID, "", "is not valid JSON: %s (at byte %zu)",
                         json.error, json.offset);
    }
    if (status == SW_STATUS_OK) {
        in->indexes[in->count++] = in->lines;
        return status;
    }
    if (status == SW_STATUS_NO_MEMORY) {
        return sw_no_memory(err);
    }
    return note_unread(in, &why, err);
}

/* One line of the text at hand; the chunk is committed before the next one when it is full. */
static sw_status take_line(sw_request *request, ndjson *in, sw_str line, sw_mark start,
                           sw_error *err)
{
    sw_status status = SW_STATUS_OK;
    if (in->count == CHUNK_ITEMS) {
        status = commit(request, in, err);
        sw_arena_rewind(&request->arena, start);
    }
    if (status == SW_STATUS_OK && in->writer->actor.retry) {
        sw__digest_add(in->writer->digest, line);
    }
    if (status == SW_STATUS_OK && !is_blank(line)) {
        status = read_line(request, in, line, err);
    }
    in->lines++;
    return status;
}

/* The last lines held no step, but the digest of the whole is known only now. */
static sw_status end_without_steps(sw_request *request, const ndjson *in, sw_error *err)
{
    const int64_t *verdicts = in->tally.verdicts;
    bool kept = verdicts[SW_VERDICT_CREATED] + verdicts[SW_VERDICT_UNCHANGED] > 0;
    return sw_retry_end(sw_server_ledger(request->server), &in->writer->actor, kept, err);
}

/* Reads and commits the lines of `text`. The rows borrow from it, so nothing may stay behind. */
static sw_status take_lines(sw_request *request, ndjson *in, sw_str text, bool last, sw_error *err)
{
    sw_mark start = sw_arena_mark(&request->arena);
    sw_status status = SW_STATUS_OK;
    while (text.len > 0 && status == SW_STATUS_OK) {
        const char *end = memchr(text.ptr, '\n', text.len);
        size_t len = end ? (size_t)(end - text.ptr) : text.len;
        status = take_line(request, in, sw_str_make(text.ptr, len), start, err);
        len += end != NULL;
        text = sw_str_make(text.ptr + len, text.len - len);
    }
    if (last) {
        sw__writer_seal(in->writer);
    }
    if (status == SW_STATUS_OK) {
        status =
            last && in->count == 0 ? end_without_steps(request, in, err) : commit(request, in, err);
    }
    sw_arena_rewind(&request->arena, start);
    return status;
}

/* ---- pieces -------------------------------------------------------------------------------------------- */

/* Where the last line but one ends, which is how far lines can be read before the body's end is known. */
static size_t settled(sw_str text)
{
    const char *last = text.len ? memrchr(text.ptr, '\n', text.len) : NULL;
    const char *before = NULL;
    if (!last) {
        return 0;
    }
    before = last > text.ptr ? memrchr(text.ptr, '\n', (size_t)(last - text.ptr)) : NULL;
    return before ? (size_t)(before - text.ptr) + 1 : 0;
}

static void forget(sw_buf *text, size_t bytes)
{
    memmove(text->ptr, text->ptr + bytes, text->len - bytes);
    text->len -= bytes;
}

/* The line that comes is longer than any body may be: what is there of it is forgotten, and what comes,
 * up to its end. */
static sw_status too_long(ndjson *in, sw_error *err)
{
    sw_error why = {.status = SW_STATUS_OK};
    (void)sw_fail(&why, SW_STATUS_TOO_LARGE, "", "a line has at most %lld bytes",
                  (long long)SW_LIMIT_BODY_BYTES);
    in->skipping = true;
    in->text.len = 0;
    return note_unread(in, &why, err);
}

/* The rest of a line that is being passed over. */
static sw_str pass_over(ndjson *in, sw_str bytes)
{
    const char *end = in->skipping && bytes.len ? memchr(bytes.ptr, '\n', bytes.len) : NULL;
    if (!in->skipping) {
        return bytes;
    }
    if (!end) {
        return SW_STR("");
    }
    in->skipping = false;
    in->lines++;
    return sw_str_make(end + 1, (size_t)(bytes.ptr + bytes.len - end) - 1);
}

static sw_status take_piece(sw_request *request, ndjson *in, sw_str bytes, sw_error *err)
{
    size_t whole = 0;
    sw_status status = SW_STATUS_OK;
    sw_buf_add(&in->text, pass_over(in, bytes));
    if (in->text.status != SW_STATUS_OK) {
        return sw_no_memory(err);
    }
    status = sw_request_hold(request, in->text.cap);
    if (status != SW_STATUS_OK) {
        sw_buf_fini(&in->text); /* the rest of the body may be long in coming */
        return status;
    }
    if (in->text.len < CHUNK_BYTES) {
        return SW_STATUS_OK;
    }
    whole = settled(sw_buf_str(&in->text));
    if (whole > 0) {
        status = take_lines(request, in, sw_str_make(in->text.ptr, whole), false, err);
        forget(&in->text, whole);
    }
    if (status == SW_STATUS_OK && in->text.len > SW_LIMIT_BODY_BYTES) {
        /* What is left is one line, or one line and the beginning of the next. */
        const char *end = memchr(in->text.ptr, '\n', in->text.len);
        if (end) {
            whole = (size_t)(end - in->text.ptr) + 1;
            status = take_lines(request, in, sw_str_make(in->text.ptr, whole), false, err);
            forget(&in->text, whole);
        } else {
            status = too_long(in, err);
        }
    }
    return status;
}

static void answer(sw_request *request, const ndjson *in)
{
    sw_json_out *out = sw__tally_open(request, &in->tally);
    for (size_t at = 0; at < in->told.len; at += sizeof(told)) {
        told one;
        memcpy(&one, in->told.ptr + at, sizeof one);
        sw__write_outcome(out, one.index, &one.outcome);
    }
    sw__tally_close(out);
}

sw_status sw_http_log_part(sw_request *request, sw_str bytes, bool last, sw_error *err)
{
    sw_status status = request->state ? SW_STATUS_OK : begin(request, err);
    ndjson *in = request->state;
    if (status == SW_STATUS_OK && bytes.len > 0) {
        status = take_piece(request, in, bytes, err);
    }
    if (status == SW_STATUS_OK && last) {
        status = take_lines(request, in, sw_buf_str(&in->text), true, err);
        in->text.len = 0;
    }
    if (status == SW_STATUS_OK && last) {
        answer(request, in);
    }
    return status;
}
