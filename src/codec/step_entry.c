/* SPDX-License-Identifier: Apache-2.0 */
/* From JSON to a step with its parts, in one pass: the reader of records reads the step and hands
 * each part's value over as it comes by. Knows which parts a step has, nothing of what they mean.
 */
#include "codec/step_entry.h"

#include <stdio.h>

enum part { PART_METRICS, PART_MESSAGES, PART_TRACES, PART_LEASE, PART_COUNT };

static const char *const part_names[PART_COUNT] = {
    [PART_METRICS] = "metrics",
    [PART_MESSAGES] = "messages",
    [PART_TRACES] = "traces",
    [PART_LEASE] = "lease_seconds",
};

typedef struct entry_reader {
    sw_json *json;
    sw_arena *arena;
    sw_step_entry *out;
} entry_reader;

/* `why` is the rest of a sentence that begins with the part's name. */
static sw_status refuse(const sw_json *json, const char *name, const char *why, sw_error *err)
{
    if (json->arena && json->arena->failed) {
        return sw_no_memory(err);
    }
    if (json->type == SW_JSON_ERROR) {
        return sw_fail(err, SW_STATUS_INVALID, name, "is not valid JSON: %s (at byte %zu)",
                       json->error, json->offset);
    }
    return sw_fail(err, SW_STATUS_INVALID, name, "%s (at byte %zu)", why, json->offset);
}

/* ---- arrays of rows ---------------------------------------------------------------------------- */

typedef struct rows {
    char *at;
    size_t count;
    size_t room;
    size_t size; /* of one */
} rows;

/* The next row, zeroed; NULL: no memory. Rows move when there is no room, which costs no more than
 * writing them did. */
static void *next_row(rows *list, sw_arena *arena)
{
    char *at = sw_arena_grow(arena, list->at, list->count, &list->room, list->size);

    if (!at) {
        return NULL;
    }
    list->at = at;
    return memset(at + list->size * list->count++, 0, list->size);
}

static sw_status read_item(sw_record_id id, sw_json *json, sw_arena *arena, const char *name,
                           rows *list, sw_error *err)
{
    char path[48];
    size_t place = list->count;
    void *row = NULL;
    sw_status status = SW_STATUS_OK;
    if (place == SW_LIMIT_BATCH_ITEMS) {
        return sw_fail(err, SW_STATUS_TOO_LARGE, name, "at most %d at once",
                       (int)SW_LIMIT_BATCH_ITEMS);
    }
    row = next_row(list, arena);
    if (!row) {
        return sw_no_memory(err);
    }
    status = sw_record_read_json(id, SW_READ_STRICT, json, arena, row, NULL, "", err);
    if (status == SW_STATUS_INVALID) {
        (void)snprintf(path, sizeof path, "%s[%zu].", name, place);
        sw_error_path(err, path);
    }
    return status;
}

sw_status sw_record_read_json_array(sw_record_id id, sw_json *json, sw_arena *arena,
                                    const char *name, void **out, size_t *count, sw_error *err)
{
    rows list = {.size = sw_record_of(id)->size};
    sw_status status = SW_STATUS_OK;
    if (json->type != SW_JSON_ARRAY) {
        return refuse(json, name, "is not an array", err);
    }
    while (status == SW_STATUS_OK && sw_json_next(json) != SW_JSON_ARRAY_END) {
        status = json->type == SW_JSON_ERROR ? refuse(json, name, "", err)
                                             : read_item(id, json, arena, name, &list, err);
    }
    *out = list.at;
    *count = list.count;
    return status;
}

/* ---- the parts --------------------------------------------------------------------------------- */

sw_status sw_step_metrics_read_json(sw_json *json, sw_arena *arena, sw_step_metrics *out,
                                    sw_error *err)
{
    return sw_record_read_json(SW_RECORD_STEP_METRICS, SW_READ_STRICT, json, arena, out, NULL,
                               "metrics.", err);
}

static sw_status read_metrics(const entry_reader *in, sw_error *err)
{
    sw_step_metrics *row = sw_arena_zeroed(in->arena, sizeof *row);
    if (!row) {
        return sw_no_memory(err);
    }
    in->out->metrics = row;
    return sw_step_metrics_read_json(in->json, in->arena, row, err);
}

static sw_status read_lease(const entry_reader *in, sw_error *err)
{
    if (in->json->type != SW_JSON_NUMBER || !in->json->is_integer || in->json->integer < 1) {
        return refuse(in->json, part_names[PART_LEASE], "is not a number of seconds from 1 on",
                      err);
    }
    in->out->lease_seconds = in->json->integer;
    return SW_STATUS_OK;
}

static sw_status read_part(void *arg, size_t part, sw_error *err)
{
    const entry_reader *in = arg;
    const char *name = part_names[part];
    void *list = NULL;
    sw_status status = SW_STATUS_OK;
    if (in->json->type == SW_JSON_NULL) {
        return SW_STATUS_OK;
    }
    switch ((enum part)part) {
    case PART_METRICS:
        return read_metrics(in, err);
    case PART_MESSAGES:
        status = sw_record_read_json_array(SW_RECORD_MESSAGE, in->json, in->arena, name, &list,
                                           &in->out->message_count, err);
        in->out->messages = list;
        return status;
    case PART_TRACES:
        status = sw_record_read_json_array(SW_RECORD_PROVIDER_TRACE, in->json, in->arena, name,
                                           &list, &in->out->trace_count, err);
        in->out->traces = list;
        return status;
    case PART_LEASE:
        return read_lease(in, err);
    case PART_COUNT:
        break;
    }
    SW_IMPOSSIBLE("no such part");
}

sw_status sw_step_entry_read_json(sw_json *json, sw_arena *arena, sw_step_entry *out,
                                  uint64_t *seen, sw_error *err)
{
    entry_reader in = {.json = json, .arena = arena, .out = out};
    const sw_json_extra extra = {
        .names = part_names, .count = PART_COUNT, .read = read_part, .arg = &in};
    return sw_record_read_json_and(SW_RECORD_STEP, SW_READ_STRICT, json, arena, &out->step, seen,
                                   &extra, "", err);
}
