/* SPDX-License-Identifier: Apache-2.0 */
/* POST /v1/steps with a JSON body: one step, or several as {"steps": [...], "atomic": ...} or as a bare
 * array. The body is read once into entries that borrow from it, and handed to the ledger, which answers
 * later: whoever reads the body, the network thread or a worker, never waits for the disk.
 *
 * An item that is no step is left out, and told between the others at its place; its end is found by
 * passing over its JSON. Only where the JSON itself is broken is the body refused as a whole.
 */
#include <stdio.h>

#include "http/write.h"

/* An item that could not be read. */
typedef struct unread {
    size_t index;
    sw_outcome outcome;
    struct unread *next;
} unread;

typedef struct steps {
    sw_request *request;
    sw_writer *writer;
    sw_json json;
    bool several;
    bool atomic;
    size_t items;
    sw_step_entry *entries; /* those that were read, in order */
    size_t count;
    size_t room;
    unread *bad; /* in order */
    unread **bad_tail;
    sw_outcome *outcomes; /* of the entries */
} steps;

/* ---- reading ------------------------------------------------------------------------------------------ */

static sw_step_entry *next_entry(steps *all)
{
    sw_arena *arena = &all->request->arena;
    if (all->count == all->room) {
        size_t room = all->room ? 2 * all->room : (all->several ? 16 : 1);
        sw_step_entry *entries = sw_arena_alloc(arena, room * sizeof *entries);
        if (!entries) {
            return NULL;
        }
        if (all->count > 0) {
            memcpy(entries, all->entries, all->count * sizeof *entries);
        }
        all->entries = entries;
        all->room = room;
    }
    return memset(&all->entries[all->count], 0, sizeof *all->entries);
}

/* Remembers why the item is no step. */
static sw_status set_aside(steps *all, const sw_error *why, sw_error *err)
{
    unread *bad = sw_arena_zeroed(&all->request->arena, sizeof *bad);
    if (!bad) {
        return sw_no_memory(err);
    }
    bad->index = all->items;
    bad->outcome.verdict = SW_VERDICT_REJECTED;
    bad->outcome.status = why->status;
    bad->outcome.error = *why;
    *all->bad_tail = bad;
    all->bad_tail = &bad->next;
    return SW_STATUS_OK;
}

/* The item was refused: is its end to be found? Then the others go on. */
static sw_status pass_over(steps *all, sw_json start, const sw_error *why, sw_error *err)
{
    char path[32];
    *err = *why;
    if (why->status == SW_STATUS_NO_MEMORY) {
        return why->status;
    }
    /* A list of items that is all or nothing names the item; so does one that is not JSON. */
    (void)snprintf(path, sizeof path, "steps[%zu].", all->items);
    sw_error_path(err, path);
    all->json = start;
    if (!sw_json_skip(&all->json, NULL)) {
        return all->json.arena->failed ? sw_no_memory(err) : why->status;
    }
    return set_aside(all, why, err);
}

static sw_status read_item(steps *all, sw_error *err)
{
    sw_error why = {.status = SW_STATUS_OK};
    sw_json start = all->json;
    sw_step_entry *entry = next_entry(all);
    sw_status status = SW_STATUS_OK;
    if (!entry) {
        return sw_no_memory(err);
    }
    if (all->items == SW_LIMIT_BATCH_ITEMS) {
        return sw_fail(err, SW_STATUS_TOO_LARGE, "steps",
                       "at most %d steps a call; more go as NDJSON", (int)SW_LIMIT_BATCH_ITEMS);
    }
    status = sw_step_entry_read_json(&all->json, &all->request->arena, entry, NULL, &why);
    if (status == SW_STATUS_OK) {
        all->count++;
    } else {
        status = pass_over(all, start, &why, err);
    }
    all->items++;
    return status;
}

static sw_status not_json(const steps *all, const char *field, sw_error *err)
{
    if (all->json.arena->failed) {
        return sw_no_memory(err);
    }
    return sw_fail(err, SW_STATUS_INVALID, field, "is not valid JSON: %s (at byte %zu)",
                   all->json.error ? all->json.error : "it ends", all->json.offset);
}

static sw_status read_array(steps *all, sw_error *err)
{
    sw_status status = SW_STATUS_OK;
    if (all->json.type != SW_JSON_ARRAY) {
        return sw_fail(err, SW_STATUS_INVALID, "steps", "is not an array (at byte %zu)",
                       all->json.offset);
    }
    while (status == SW_STATUS_OK && sw_json_next(&all->json) != SW_JSON_ARRAY_END) {
        status =
            all->json.type == SW_JSON_ERROR ? not_json(all, "steps", err) : read_item(all, err);
    }
    return status;
}

static sw_status read_atomic(steps *all, sw_error *err)
{
    if (all->json.type != SW_JSON_TRUE && all->json.type != SW_JSON_FALSE) {
        return sw_fail(err, SW_STATUS_INVALID, "atomic", "is neither true nor false (at byte %zu)",
                       all->json.offset);
    }
    all->atomic = all->json.type == SW_JSON_TRUE;
    return SW_STATUS_OK;
}

/* A member of {"steps", "atomic"}; its key is the current token. */
static sw_status read_member(steps *all, uint32_t *seen, sw_error *err)
{
    char name[80];
    sw_str key = all->json.text;
    uint32_t bit = sw_str_eq(key, SW_STR("steps")) ? 1 : sw_str_eq(key, SW_STR("atomic")) ? 2 : 0;
    (void)snprintf(name, sizeof name, "%.*s", (int)sw_utf8_prefix(key, 16), key.ptr);
    if (!bit || (*seen & bit)) {
        return sw_fail(err, SW_STATUS_INVALID, name, "%s (at byte %zu)",
                       bit ? "is there twice"
                           : "is not a member of a list of steps, which has "
                             "steps and atomic",
                       all->json.offset);
    }
    *seen |= bit;
    if (sw_json_next(&all->json) == SW_JSON_ERROR) {
        return not_json(all, name, err);
    }
    return bit == 1 ? read_array(all, err) : read_atomic(all, err);
}

static sw_status read_list(steps *all, sw_error *err)
{
    uint32_t seen = 0;
    sw_status status = SW_STATUS_OK;
    while (status == SW_STATUS_OK && sw_json_next(&all->json) == SW_JSON_KEY) {
        status = read_member(all, &seen, err);
    }
    if (status == SW_STATUS_OK && all->json.type != SW_JSON_OBJECT_END) {
        return not_json(all, "", err);
    }
    if (status == SW_STATUS_OK && !(seen & 1)) {
        return sw_fail(err, SW_STATUS_INVALID, "steps", "is missing");
    }
    return status;
}

/* No field of a step is called as the members of a list are, so the first key tells which it is. */
static bool is_list(const steps *all)
{
    sw_json ahead = all->json;
    ahead.arena = NULL;
    return ahead.type == SW_JSON_OBJECT && sw_json_next(&ahead) == SW_JSON_KEY && ahead.text.ptr &&
           (sw_str_eq(ahead.text, SW_STR("steps")) || sw_str_eq(ahead.text, SW_STR("atomic")));
}

static sw_status read_one(steps *all, sw_error *err)
{
    sw_step_entry *entry = next_entry(all);
    if (!entry) {
        return sw_no_memory(err);
    }
    all->items = all->count = 1;
    return sw_step_entry_read_json(&all->json, &all->request->arena, entry, NULL, err);
}

static sw_status read_body(steps *all, sw_error *err)
{
    sw_request *request = all->request;
    sw_status status = SW_STATUS_OK;
    sw__body_begin(request, &all->json);
    all->several = all->json.type == SW_JSON_ARRAY || is_list(all);
    if (!all->several) {
        status = read_one(all, err);
    } else {
        status = all->json.type == SW_JSON_ARRAY ? read_array(all, err) : read_list(all, err);
    }
    return sw__body_end(request, &all->json, status, err);
}

/* ---- answering ---------------------------------------------------------------------------------------- */

static void answer_items(steps *all)
{
    const unread *bad = all->bad;
    const sw_outcome *outcome = all->outcomes;
    sw_tally tally = {0};
    sw_json_out *out = NULL;
    for (size_t i = 0; i < all->count; i++) {
        sw__tally_add(&tally, &all->outcomes[i]);
    }
    for (; bad; bad = bad->next) {
        sw__tally_add(&tally, &bad->outcome);
    }
    out = sw__tally_open(all->request, &tally);
    bad = all->bad;
    for (size_t i = 0; i < all->items; i++) {
        if (bad && bad->index == i) {
            sw__write_outcome(out, (int64_t)i, &bad->outcome);
            bad = bad->next;
        } else {
            sw__write_outcome(out, (int64_t)i, outcome++);
        }
    }
    sw__tally_close(out);
}

/* All or nothing, and something was refused: whatever the reason, the body cannot be kept as it is. */
static sw_status refuse_all(steps *all, sw_status status, const sw_error *err)
{
    sw_error whole = *err;
    if (sw_status_http(status) >= 500 || !all->atomic) {
        return status;
    }
    whole.status = SW_STATUS_INVALID;
    return sw_request_bad_body(all->request, &whole);
}

static sw_status answer(steps *all, sw_status status, const sw_error *err)
{
    if (!all->several) {
        return sw__answer_outcome(all->request, status, all->outcomes, err);
    }
    if (status != SW_STATUS_OK &&
        (all->atomic || !sw__is_of_item(status, all->outcomes, all->count))) {
        return refuse_all(all, status, err);
    }
    for (size_t i = 0; i < all->count; i++) {
        sw__error_of_item(&all->outcomes[i].error);
    }
    answer_items(all);
    return SW_STATUS_OK;
}

static sw_status finish(sw_request *request, sw_status status, const sw_error *err)
{
    return answer(request->state, status, err);
}

/* From a thread of the ledger, or from within the call. */
static void done(void *arg, sw_status status, const sw_error *err)
{
    steps *all = arg;
    sw_request_done(all->request, status, err);
}

static sw_status hand_over(steps *all, sw_error *err)
{
    sw_request *request = all->request;
    if (all->atomic && all->bad) {
        sw_error first = all->bad->outcome.error;
        char path[32];
        (void)snprintf(path, sizeof path, "steps[%zu].", all->bad->index);
        sw_error_path(&first, path);
        return sw_request_bad_body(request, &first);
    }
    if (all->count == 0) {
        return answer(all, SW_STATUS_OK, err);
    }
    all->outcomes = sw_arena_alloc(&request->arena, all->count * sizeof *all->outcomes);
    if (!all->outcomes) {
        return sw_no_memory(err);
    }
    sw_request_later(request, finish);
    sw_step_log_later(sw_server_ledger(request->server), &all->writer->actor, all->entries,
                      all->count, all->atomic, all->outcomes, done, all);
    return SW_STATUS_OK;
}

sw_status sw_http_log_steps(sw_request *request, sw_error *err)
{
    steps *all = sw_arena_zeroed(&request->arena, sizeof *all);
    sw_status status = all ? SW_STATUS_OK : sw_no_memory(err);
    if (status == SW_STATUS_OK) {
        all->request = request;
        request->state = all;
        all->bad_tail = &all->bad;
        status = sw__writer_make(request, true, &all->writer, err);
    }
    if (status == SW_STATUS_OK) {
        status = read_body(all, err);
    }
    return status == SW_STATUS_OK ? hand_over(all, err) : status;
}
