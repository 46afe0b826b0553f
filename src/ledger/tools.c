/* SPDX-License-Identifier: Apache-2.0 */
/* The tools a run used: those that the messages of its steps call. How many messages call each is kept
 * beside the run, so that a message that goes takes its tools away without a look at the others; the
 * list that people read (run_metrics.tools_used) is written anew when a tool comes or goes.
 */
#include "ledger/gather.h"

/* ---- what a message calls ----------------------------------------------------------------------- */

typedef struct names {
    sw_str at[SW_TOOLS];
    size_t count;
} names;

static void add_name(names *n, sw_str name)
{
    if (!name.ptr || name.len == 0 || name.len > SW_LIMIT_TAG_BYTES || n->count == SW_TOOLS) {
        return;
    }
    for (size_t i = 0; i < n->count; i++) {
        if (sw_str_eq(n->at[i], name)) {
            return;
        }
    }
    n->at[n->count++] = name;
}

/* Inside an object: its "name", and where `function` that of its "function". Only names are decoded;
 * arguments may be long and are passed by. */
static void read_call(sw_json *json, sw_arena *arena, bool function, names *out)
{
    while (sw_json_next(json) == SW_JSON_KEY) {
        bool named = sw_str_eq(json->text, SW_STR("name"));
        bool inner = function && sw_str_eq(json->text, SW_STR("function"));
        json->arena = named ? arena : NULL;
        (void)sw_json_next(json);
        json->arena = NULL;
        if (named && json->type == SW_JSON_STRING) {
            add_name(out, json->text);
        } else if (inner && json->type == SW_JSON_OBJECT) {
            read_call(json, arena, false, out);
        } else if (!sw_json_skip(json, NULL)) {
            return;
        }
    }
}

/* [{"function":{"name":...}}] or [{"name":...}]; a name inside the arguments is none. */
bool sw__tools_of(sw_str tool_calls, sw_arena *arena, sw_tool_names *out)
{
    names found = {.count = 0};
    sw_json json;

    memset(out, 0, sizeof *out);
    if (!tool_calls.ptr) {
        return true;
    }
    sw_json_init(&json, tool_calls, NULL);
    if (sw_json_next(&json) == SW_JSON_ARRAY) {
        while (sw_json_next(&json) == SW_JSON_OBJECT) {
            read_call(&json, arena, true, &found);
        }
    }
    if (found.count > 0) {
        out->at = sw_arena_alloc(arena, found.count * sizeof *out->at);
    }
    for (; out->at && out->count < found.count; out->count++) {
        out->at[out->count] = sw_arena_str(arena, found.at[out->count]);
    }
    return out->count == found.count && !arena->failed;
}

sw_str sw__tools_run(const sw_step *step)
{
    return step->retired_into.ptr ? SW_NULL_STR : step->run_id;
}

/* ---- counting ----------------------------------------------------------------------------------- */

static sw_status move_one(sw_group *group, sw_run_tool *row, int sign, bool *changed, sw_error *err)
{
    sw_run_tool old;
    sw_status status =
        sw_store_get(group->session, SW_RECORD_RUN_TOOL, row, &group->arena, &old, err);
    int64_t before = status == SW_STATUS_OK ? old.messages.value : 0;

    sw_group_may(group, status, SW_STATUS_NOT_FOUND, err);
    if (status != SW_STATUS_OK && status != SW_STATUS_NOT_FOUND) {
        return status;
    }
    row->messages = sw_int_of(before + sign);
    *changed = *changed || (before > 0) != (before + sign > 0);
    if (before + sign > 0) {
        status = sw_store_put(group->session, SW_RECORD_RUN_TOOL, row, err);
    } else if (status == SW_STATUS_OK) {
        status = sw_store_remove(group->session, SW_RECORD_RUN_TOOL, row, err);
    } else { /* nothing counted it; verify says so */
        return SW_STATUS_OK;
    }
    return sw_group_must(group, status, err);
}

sw_status sw__tools_move(sw_group *group, sw_str organization_id, sw_str run_id,
                         const sw_tool_names *tools, int sign, bool *changed, sw_error *err)
{
    sw_status status = SW_STATUS_OK;

    for (size_t i = 0; i < tools->count && run_id.ptr && status == SW_STATUS_OK; i++) {
        sw_run_tool row = {
            .run_id = run_id, .tool = tools->at[i], .organization_id = organization_id};
        status = move_one(group, &row, sign, changed, err);
    }
    return status;
}

/* ---- the list ----------------------------------------------------------------------------------- */

typedef struct listing {
    sw_json_out json;
    size_t count;
} listing;

static sw_seen list_name(void *arg, const void *row)
{
    listing *l = arg;

    sw_json_str(&l->json, ((const sw_run_tool *)row)->tool);
    l->count++;
    return SW_SEEN_COUNT;
}

sw_status sw__tools_json(sw_session *session, sw_str run_id, sw_arena *arena, sw_str *out,
                         sw_error *err)
{
    sw_value id = {.text = run_id};
    sw_condition ours = {SW_RUN_TOOL_RUN_ID, SW_OP_EQ, &id, 1};
    sw_scan scan = {.record = SW_RECORD_RUN_TOOL,
                    .conditions = &ours,
                    .condition_count = 1,
                    .fields = SW_MASK(SW_RUN_TOOL_TOOL),
                    .limit = SW_TOOLS};
    listing l = {.count = 0};
    sw_buf buf;
    sw_scan_end end;
    sw_status status = SW_STATUS_OK;

    sw_buf_init(&buf, arena->from, SW_LIMIT_JSON_BYTES);
    sw_json_out_init(&l.json, &buf, false);
    sw_json_open(&l.json, '[');
    status = sw_store_scan(session, &scan, list_name, &l, &end, err);
    sw_json_close(&l.json, ']');
    *out = l.count > 0 && buf.status == SW_STATUS_OK ? sw_arena_str(arena, sw_buf_str(&buf))
                                                     : SW_NULL_STR;
    if (status == SW_STATUS_OK && (buf.status != SW_STATUS_OK || (l.count > 0 && !out->ptr))) {
        status = sw_no_memory(err);
    }
    sw_buf_fini(&buf);
    return status;
}

sw_status sw__tools_list(sw_group *group, sw_str run_id, sw_error *err)
{
    sw_run_metrics row = {.id = run_id};
    sw_status status = sw__tools_json(group->session, run_id, &group->arena, &row.tools_used, err);

    if (status == SW_STATUS_OK) {
        status = sw_store_update(group->session, SW_RECORD_RUN_METRICS, &row,
                                 SW_MASK(SW_RUN_METRICS_TOOLS_USED), err);
    }
    sw_group_may(group, status, SW_STATUS_NOT_FOUND, err);
    return status == SW_STATUS_NOT_FOUND ? SW_STATUS_OK : status;
}
