/* SPDX-License-Identifier: Apache-2.0 */
/* An entry of the journal as an event for those who listen: which step it is about, whom it concerns,
 * and how it looks. The step is shown as it is when the entry is looked at, so that whoever listens
 * late sees what is true; the number is the entry's, so that going on after it misses nothing.
 */
#include "codec/record.h"
#include "http/tail.h"
#include "model/model.h"

typedef struct gather {
    sw_arena *arena;
    sw_entries *out;
    bool failed;
} gather;

static bool keep_entry(void *arg, const void *row)
{
    gather *g = arg;
    const sw_record *record = sw_record_of(SW_RECORD_JOURNAL);
    g->failed = !sw_row_copy(record, &g->out->rows[g->out->count], row, g->arena);
    if (!g->failed) {
        g->out->count++;
    }
    return !g->failed && g->out->count < SW_TAIL_PAGE;
}

sw_status sw_entries_read(sw_ledger *ledger, const sw_actor *actor, int64_t after, sw_arena *arena,
                          sw_entries *out, sw_error *err)
{
    gather g = {.arena = arena, .out = out};
    out->count = 0;
    out->last = after;
    sw_status status =
        sw_journal_read(ledger, actor, after, SW_TAIL_PAGE, 0, keep_entry, &g, &out->last, err);
    if (status == SW_STATUS_OK && g.failed) {
        status = sw_no_memory(err);
    }
    return status;
}

sw_status sw_sight_load(sw_ledger *ledger, const sw_actor *actor, const sw_journal *entry,
                        bool with_metrics, sw_memory *memory, sw_sight *out, sw_error *err)
{
    sw_status status = SW_STATUS_OK;
    *out = (sw_sight){.entry = entry, .asked_metrics = with_metrics};
    if (entry->record.value != SW_RECORD_STEP || !entry->record_id.ptr) {
        return SW_STATUS_OK;
    }
    out->gone = entry->what.value == SW_CHANGE_DELETED;
    if (out->gone) {
        out->step.id = entry->record_id;
        out->step.project_id = entry->project_id;
        out->shows = true;
        return SW_STATUS_OK;
    }
    status = sw_get(ledger, actor, SW_RECORD_STEP, entry->record_id, memory, &out->step, err);
    out->shows = status == SW_STATUS_OK;
    if (out->shows && with_metrics) {
        status = sw_get(ledger, actor, SW_RECORD_STEP_METRICS, entry->record_id, memory,
                        &out->metrics, err);
        out->has_metrics = status == SW_STATUS_OK;
    }
    /* Deleted since; the entry that says so comes later. */
    return status == SW_STATUS_NOT_FOUND ? SW_STATUS_OK : status;
}

/* Of a step that is gone only its id and project are known; what asks for more cannot tell. */
static bool gone_concerns(const sw_sight *sight, const sw_list_query *query)
{
    const sw_record *record = sw_record_of(SW_RECORD_STEP);
    for (size_t i = 0; i < query->condition_count; i++) {
        const sw_condition *c = &query->conditions[i];
        bool known = c->field == SW_STEP_ID || c->field == SW_STEP_PROJECT_ID;
        if (known && !sw_condition_holds(record, c, &sight->step)) {
            return false;
        }
    }
    return true;
}

bool sw_sight_concerns(const sw_sight *sight, const sw_listener *listener)
{
    sw_str project = listener->actor.project_id;
    bool visible = !project.ptr || (sw_str_eq(project, sight->step.project_id) &&
                                    sw_str_eq(project, sight->entry->project_id));
    if (!visible || sight->gone) {
        return visible && gone_concerns(sight, &listener->query);
    }
    return sw_step_is_found(&listener->query, &sight->step,
                            sight->has_metrics ? &sight->metrics : NULL);
}

void sw_sight_print(const sw_sight *sight, sw_buf *out)
{
    sw_json_out json;
    sw_buf_adds(out, "id: ");
    sw_buf_add_int(out, sight->entry->seq.value);
    sw_buf_adds(out, "\nevent: step\ndata: ");
    sw_json_out_init(&json, out, false);
    sw_json_open(&json, '{');
    sw_json_key(&json, SW_STR("seq"));
    sw_json_int(&json, sight->entry->seq.value);
    sw_json_key(&json, SW_STR("change"));
    sw_json_str(&json, sw_str_from(sw_enum_word(SW_ENUM_change, sight->entry->what.value)));
    if (sight->gone) {
        sw_json_key(&json, SW_STR("id"));
        sw_json_str(&json, sight->step.id);
    } else {
        sw_json_key(&json, SW_STR("step"));
        sw_record_write_api(SW_RECORD_STEP, &sight->step, &json);
    }
    sw_json_close(&json, '}');
    sw_buf_adds(out, "\n\n");
}
