/* SPDX-License-Identifier: Apache-2.0 */
/* What no index can say about a row of a list: free text, and the timings that lie in a record of their
 * own. Each row that the conditions leave is looked at here.
 */
#include "ledger/border.h"
#include "ledger/list.h"

/* ---- free text ---------------------------------------------------------------------------------- */

/* Whether a message inside the JSON holds the text: what a person reads and types, so neither names of
 * members nor escapes. V1 writes {"message", "traceback", "details"}, others put the message deeper. An
 * arena without memory remembers it. */
static bool message_found(sw_arena *arena, sw_str error_data, sw_str text)
{
    sw_mark mark = sw_arena_mark(arena);
    bool found = false;
    bool message = false;
    sw_json json;

    sw_json_init(&json, error_data, arena);
    while (!found && sw_json_next(&json) != SW_JSON_END && json.type != SW_JSON_ERROR) {
        found = message && json.type == SW_JSON_STRING && sw_str_contains_nocase(json.text, text);
        message = json.type == SW_JSON_KEY && sw_str_eq(json.text, SW_STR("message"));
    }
    sw_arena_rewind(arena, mark);
    return found;
}

/* Whether what is asked for is there; true when nothing is. */
static bool text_found(const sw_list_query *query, const sw_step *step, sw_arena *arena)
{
    sw_str text = query->text;

    return !text.ptr || text.len == 0 || sw_str_contains_nocase(step->input_preview, text) ||
           sw_str_contains_nocase(step->output_preview, text) ||
           (step->error_data.ptr && message_found(arena, step->error_data, text));
}

/* ---- one step by itself ------------------------------------------------------------------------- */

static bool all_hold(sw_record_id record, const sw_condition *conditions, size_t count,
                     const void *row)
{
    const sw_record *r = sw_record_of(record);

    for (size_t i = 0; i < count; i++) {
        if (!sw_condition_holds(r, &conditions[i], row)) {
            return false;
        }
    }
    return true;
}

bool sw_step_is_found(const sw_list_query *query, const sw_step *step,
                      const sw_step_metrics *metrics)
{
    sw_arena arena;
    bool found = all_hold(SW_RECORD_STEP, query->conditions, query->condition_count, step);

    if (query->metrics_condition_count > 0) {
        found = found && metrics &&
                all_hold(SW_RECORD_STEP_METRICS, query->metrics_conditions,
                         query->metrics_condition_count, metrics);
    }
    sw_arena_init(&arena, &sw__libc_allocator, 0); /* for escapes in messages; mostly nothing */
    found = found && text_found(query, step, &arena);
    sw_arena_fini(&arena);
    return found;
}

/* ---- timings ------------------------------------------------------------------------------------ */

static bool metrics_hold(sw_page *p, const void *row)
{
    const sw_record *r = sw_record_of(p->record);
    const sw_record *m = sw_record_of(p->metrics);
    sw_mark mark = sw_arena_mark(p->arena);
    void *key = sw_arena_zeroed(p->arena, m->size);
    void *metrics = sw_arena_zeroed(p->arena, m->size);
    bool hold = false;
    sw_status status = SW_STATUS_NO_MEMORY;

    if (key && metrics) {
        *sw_field_str(&m->fields[sw_record_primary(m)], key) =
            sw_field_text(&r->fields[sw_record_primary(r)], row);
        status = sw_store_get(p->session, p->metrics, key, p->arena, metrics, &p->error);
    }
    hold = status == SW_STATUS_OK;
    hold = hold && all_hold(p->metrics, p->query->metrics_conditions,
                            p->query->metrics_condition_count, metrics);
    if (status != SW_STATUS_OK && status != SW_STATUS_NOT_FOUND) {
        p->failed = true;
        p->error.status = status;
    }
    sw_arena_rewind(p->arena, mark);
    return hold;
}

/* ---- projects ----------------------------------------------------------------------------------- */

/* Rows that do not say their project themselves: what they belong to is looked up. */
static bool in_project(sw_page *p, const void *row)
{
    sw_mark mark = sw_arena_mark(p->arena);
    bool sees = false;
    sw_status status = sw__sees(p->session, p->arena, p->limited, p->record, row, &sees, &p->error);

    if (status != SW_STATUS_OK) {
        p->failed = true;
        p->error.status = status;
    }
    sw_arena_rewind(p->arena, mark);
    return sees && !p->failed;
}

/* ---- all of it ---------------------------------------------------------------------------------- */

bool sw__list_wanted(sw_page *p, const void *row)
{
    if (p->limited && !in_project(p, row)) {
        return false;
    }
    if (p->record == SW_RECORD_STEP && !text_found(p->query, row, p->arena)) {
        if (p->arena->failed) {
            p->failed = true;
            p->error.status = sw_no_memory(&p->error);
        }
        return false;
    }
    return p->query->metrics_condition_count == 0 || metrics_hold(p, row);
}

uint64_t sw__list_wanted_fields(const sw_page *p)
{
    uint64_t fields = p->limited ? SW_MASK_ALL : 0;

    if (p->query->text.ptr && p->query->text.len > 0) {
        fields |= SW_MASK(SW_STEP_INPUT_PREVIEW) | SW_MASK(SW_STEP_OUTPUT_PREVIEW) |
                  SW_MASK(SW_STEP_ERROR_DATA);
    }
    if (p->query->metrics_condition_count > 0) {
        fields |= SW_MASK(sw_record_primary(sw_record_of(p->record)));
    }
    return fields;
}
