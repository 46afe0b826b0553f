/* SPDX-License-Identifier: Apache-2.0 */
/* What is remembered of transcripts that were imported: the files as they were, and which step each call they tell of
 * became. Written in the transaction of the steps, so that an import that is killed is as if it had ended after some
 * whole batch. Nothing is decided here: who imports says what is better, and this keeps it.
 */
#include "ledger/reading.h"
#include "ledger/run.h"
#include "ledger/telemetry_inside.h"

static sw_str project_of(const sw_actor *actor, sw_str project_id)
{
    return sw__raw_project(actor && actor->project_id.ptr ? actor->project_id : project_id);
}

/* ---- writing ------------------------------------------------------------------------------------- */

static sw_status put_calls(sw_group *group, const sw_task *task, const sw_telemetry_batch *b,
                           sw_error *err)
{
    size_t n = b->call_count;
    sw_transcript_call *rows = sw_arena_alloc(&group->arena, (n + 1) * sizeof *rows);
    const void **list = sw_arena_alloc(&group->arena, (n + 1) * sizeof *list);
    sw_status status = rows && list ? SW_STATUS_OK : sw_no_memory(err);

    for (size_t i = 0; i < n && status == SW_STATUS_OK; i++) {
        rows[i] = b->calls[i];
        rows[i].organization_id = task->organization_id;
        rows[i].project_id =
            sw__raw_project(task->project_id.ptr ? task->project_id : rows[i].project_id);
        status = sw_row_check(sw_record_of(SW_RECORD_TRANSCRIPT_CALL), &rows[i], "calls.", err);
        list[i] = &rows[i];
    }
    return status == SW_STATUS_OK
               ? sw_group_must(
                     group,
                     sw_store_put_many(group->session, SW_RECORD_TRANSCRIPT_CALL, list, n, err),
                     err)
               : status;
}

static sw_status put_files(sw_group *group, const sw_task *task, const sw_telemetry_batch *b,
                           sw_error *err)
{
    sw_status status = SW_STATUS_OK;

    for (size_t i = 0; i < b->file_count && status == SW_STATUS_OK; i++) {
        sw_transcript_file row = b->files[i];
        row.organization_id = task->organization_id;
        row.project_id = sw__raw_project(task->project_id.ptr ? task->project_id : row.project_id);
        status = sw_row_check(sw_record_of(SW_RECORD_TRANSCRIPT_FILE), &row, "files.", err);
        if (status == SW_STATUS_OK) {
            status = sw_group_must(
                group, sw_store_put(group->session, SW_RECORD_TRANSCRIPT_FILE, &row, err), err);
        }
    }
    return status;
}

/* Whether it has steps that count, or other runs came from it. */
static sw_status is_needed(sw_group *group, sw_str run_id, bool *needed, sw_error *err)
{
    sw_value run = {.text = run_id};
    sw_condition step[] = {{SW_STEP_RUN_ID, SW_OP_EQ, &run, 1},
                           {SW_STEP_RETIRED_INTO, SW_OP_NULL, NULL, 0}};
    sw_condition child[] = {{SW_RUN_PARENT_RUN_ID, SW_OP_EQ, &run, 1}};
    const sw_scan scans[] = {
        {.record = SW_RECORD_STEP, .conditions = step, .condition_count = 2, .unordered = true},
        {.record = SW_RECORD_RUN, .conditions = child, .condition_count = 1, .unordered = true}};
    sw_status status = SW_STATUS_OK;

    *needed = false;
    for (size_t i = 0; i < SW_COUNT(scans) && status == SW_STATUS_OK && !*needed; i++) {
        status = sw_group_must(
            group, sw__first(group->session, &scans[i], &group->arena, NULL, needed, err), err);
    }
    return status;
}

/* A run that a part of the files gave, and all together do not. */
static sw_status drop_left(sw_group *group, const sw_task *task, const sw_telemetry_batch *b,
                           sw_error *err)
{
    sw_status status = SW_STATUS_OK;

    for (size_t i = 0; i < b->left_count && status == SW_STATUS_OK; i++) {
        sw_run run;
        bool needed = true;
        status = sw_group_get(group, task, SW_RECORD_RUN, b->left_runs[i], &run, err);
        if (status == SW_STATUS_OK && run.source.value == SW_SOURCE_TRANSCRIPT) {
            status = is_needed(group, run.id, &needed, err);
        }
        if (status == SW_STATUS_OK && !needed) {
            status = sw__run_delete_in(group, task, &run, NULL, err);
        }
        status = status == SW_STATUS_NOT_FOUND ? SW_STATUS_OK : status;
    }
    return status;
}

sw_status sw__transcript_write(sw_group *group, const sw_task *task,
                               const sw_telemetry_batch *batch, sw_error *err)
{
    sw_status status = batch->call_count > 0 ? put_calls(group, task, batch, err) : SW_STATUS_OK;

    if (status == SW_STATUS_OK) {
        status = put_files(group, task, batch, err);
    }
    return status == SW_STATUS_OK ? drop_left(group, task, batch, err) : status;
}

/* ---- reading ------------------------------------------------------------------------------------- */

sw_status sw_transcript_calls(sw_ledger *ledger, const sw_actor *actor, sw_str project_id,
                              const sw_str *names, size_t count, sw_memory *memory,
                              sw_transcript_call *out, sw_error *err)
{
    sw_transcript_call key = {.organization_id = sw__actor_organization(actor),
                              .project_id = project_of(actor, project_id)};
    sw_session *session = NULL;
    sw_status status = sw__snapshot_begin(ledger, &session, err);

    if (status != SW_STATUS_OK) {
        return status;
    }
    for (size_t i = 0; i < count && status == SW_STATUS_OK; i++) {
        key.call = names[i];
        out[i] = (sw_transcript_call){.step_id = SW_NULL_STR};
        status =
            sw_store_get(session, SW_RECORD_TRANSCRIPT_CALL, &key, &memory->arena, &out[i], err);
        status = status == SW_STATUS_NOT_FOUND ? SW_STATUS_OK : status;
    }
    sw__snapshot_end(ledger, session);
    return status;
}

sw_status sw_transcript_file_get(sw_ledger *ledger, const sw_actor *actor, sw_str project_id,
                                 sw_str file, sw_memory *memory, sw_transcript_file *out,
                                 sw_error *err)
{
    sw_transcript_file key = {.organization_id = sw__actor_organization(actor),
                              .project_id = project_of(actor, project_id),
                              .file = file};
    sw_session *session = NULL;
    sw_status status = sw__reader_take(ledger, &session, err);

    if (status == SW_STATUS_OK) {
        status = sw_store_get(session, SW_RECORD_TRANSCRIPT_FILE, &key, &memory->arena, out, err);
        sw__reader_give(ledger, session);
    }
    return status == SW_STATUS_NOT_FOUND
               ? sw_fail(err, status, NULL, "this file was not imported yet")
               : status;
}

typedef struct showing {
    sw_each *each;
    void *arg;
    sw_str project_id;
} showing;

static sw_seen show_file(void *arg, const void *row)
{
    const showing *s = arg;
    const sw_transcript_file *file = row;

    if (!sw_str_eq(file->project_id, s->project_id)) {
        return SW_SEEN_SKIP;
    }
    return s->each(s->arg, row) ? SW_SEEN_COUNT : SW_SEEN_STOP;
}

sw_status sw_transcript_files(sw_ledger *ledger, const sw_actor *actor, sw_str project_id,
                              sw_str unit, sw_each *each, void *arg, sw_error *err)
{
    sw_value organization = {.text = sw__actor_organization(actor)};
    sw_value of = {.text = unit};
    sw_condition these[] = {{SW_TRANSCRIPT_FILE_ORGANIZATION_ID, SW_OP_EQ, &organization, 1},
                            {SW_TRANSCRIPT_FILE_UNIT, SW_OP_EQ, &of, 1}};
    sw_scan scan = {.record = SW_RECORD_TRANSCRIPT_FILE,
                    .conditions = these,
                    .condition_count = SW_COUNT(these),
                    .unordered = true};
    showing s = {each, arg, project_of(actor, project_id)};
    sw_session *session = NULL;
    sw_scan_end end;
    sw_status status = sw__reader_take(ledger, &session, err);

    if (status == SW_STATUS_OK) {
        status = sw_store_scan(session, &scan, show_file, &s, &end, err);
        sw__reader_give(ledger, session);
    }
    return status;
}
