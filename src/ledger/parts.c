/* SPDX-License-Identifier: Apache-2.0 */
/* What comes with a step: timings, messages, provider traces. All are checked before anything of the
 * step is written, so that a step and its parts stand or fall together.
 */
#include <stdio.h>

#include "ledger/border.h"
#include "ledger/messages.h"

/* ---- timings ------------------------------------------------------------------------------------ */

/* The new row over the old: what is given replaces, the rest stays. */
static void merge(const sw_record *record, void *row, const void *old)
{
    for (size_t i = 0; i < record->field_count; i++) {
        if (sw_field_is_null(&record->fields[i], row)) {
            sw_field_copy(&record->fields[i], row, old);
        }
    }
}

/* The step's own links are its timings' too; only where it has none may they say one. */
static sw_status links_agree(const sw_step *step, const sw_step_metrics *given, sw_error *err)
{
    const struct {
        sw_str given;
        sw_str own;
        const char *name;
    } links[] = {{given->run_id, step->run_id, "metrics.run_id"},
                 {given->provider_id, step->provider_id, "metrics.provider_id"},
                 {given->agent_id, step->agent_id, "metrics.agent_id"}};

    for (size_t i = 0; i < SW_COUNT(links); i++) {
        if (links[i].given.ptr && links[i].own.ptr && !sw_str_eq(links[i].given, links[i].own)) {
            return sw_fail(err, SW_STATUS_INVALID, links[i].name, "is not that of the step");
        }
    }
    return SW_STATUS_OK;
}

static sw_status metrics_parents(sw_group *group, const sw_task *task, const sw_step_metrics *row,
                                 sw_error *err)
{
    sw_status status = SW_STATUS_OK;

    if (row->run_id.ptr) {
        status = sw_group_parent(group, SW_RECORD_RUN, row->run_id, task->organization_id,
                                 "metrics.run_id", err);
    }
    if (status == SW_STATUS_OK && row->agent_id.ptr) {
        status = sw_group_parent(group, SW_RECORD_AGENT, row->agent_id, task->organization_id,
                                 "metrics.agent_id", err);
    }
    if (status == SW_STATUS_OK && row->provider_id.ptr) {
        status = sw_group_parent(group, SW_RECORD_PROVIDER, row->provider_id, task->organization_id,
                                 "metrics.provider_id", err);
    }
    return status;
}

static sw_status old_metrics(sw_group *group, const sw_step *step, sw_parts *out, sw_error *err)
{
    sw_step_metrics key = {.id = step->id};
    sw_status status = sw_store_get(group->session, SW_RECORD_STEP_METRICS, &key, &group->arena,
                                    &out->old_metrics, err);

    sw_group_may(group, status, SW_STATUS_NOT_FOUND, err);
    out->metrics_exist = status == SW_STATUS_OK;
    return status == SW_STATUS_NOT_FOUND ? SW_STATUS_OK : status;
}

static sw_status metrics_row(const sw_task *task, const sw_step *step, const sw_step_metrics *given,
                             sw_step_metrics *row, sw_error *err)
{
    if (given->id.ptr && !sw_str_eq(given->id, step->id)) {
        return sw_fail(err, SW_STATUS_INVALID, "metrics.id", "is not the step's id");
    }
    if (given->organization_id.ptr && !sw_str_eq(given->organization_id, task->organization_id)) {
        return sw_fail(err, SW_STATUS_INVALID, "metrics.organization_id",
                       "is not the organization that calls");
    }
    *row = *given;
    row->id = step->id;
    row->organization_id = task->organization_id;
    if (sw__book(task, SW_RECORD_STEP_METRICS, row, err) != SW_STATUS_OK) {
        sw_error_path(err, "metrics.");
        return SW_STATUS_INVALID;
    }
    return links_agree(step, given, err);
}

static sw_status negative_time(const sw_step_metrics *row, sw_error *err)
{
    const sw_record *record = sw_record_of(SW_RECORD_STEP_METRICS);

    for (size_t i = 0; i < record->field_count; i++) {
        const sw_field *field = &record->fields[i];
        if (field->kind == SW_KIND_LONG && sw_field_number(field, row).value < 0) {
            char name[64];
            (void)snprintf(name, sizeof name, "metrics.%s", field->name);
            return sw_fail(err, SW_STATUS_INVALID, name, "must not be negative");
        }
    }
    return SW_STATUS_OK;
}

static sw_status prepare_metrics(sw_group *group, const sw_task *task, const sw_step *step,
                                 const sw_step_metrics *given, bool step_is_new, sw_parts *out,
                                 sw_error *err)
{
    sw_step_metrics *row = sw_arena_zeroed(&group->arena, sizeof *row);
    sw_status status = row ? SW_STATUS_OK : sw_no_memory(err);

    if (status == SW_STATUS_OK && !step_is_new) {
        status = old_metrics(group, step, out, err);
    }
    if (status == SW_STATUS_OK) {
        status = metrics_row(task, step, given, row, err);
    }
    if (status == SW_STATUS_OK) {
        status = negative_time(row, err);
    }
    if (status == SW_STATUS_OK && out->metrics_exist) {
        merge(sw_record_of(SW_RECORD_STEP_METRICS), row, &out->old_metrics);
        row->created_at = out->old_metrics.created_at;
    } else if (status == SW_STATUS_OK) {
        row->project_id = row->project_id.ptr ? row->project_id : step->project_id;
        row->created_at = row->created_at.known ? row->created_at : sw_int_of(group->now_us);
        row->created_by_id = task->user_id;
        row->updated_at = row->created_at;
        sw_row_defaults(sw_record_of(SW_RECORD_STEP_METRICS), row);
    }
    if (status == SW_STATUS_OK) {
        status = sw__metrics_links(group, step, !out->metrics_exist, row, err);
    }
    if (status == SW_STATUS_OK) {
        status = sw_row_check(sw_record_of(SW_RECORD_STEP_METRICS), row, "metrics.", err);
    }
    out->metrics = row;
    return status == SW_STATUS_OK ? metrics_parents(group, task, row, err) : status;
}

static uint64_t metrics_differ(const sw_parts *parts)
{
    const sw_record *record = sw_record_of(SW_RECORD_STEP_METRICS);
    uint64_t out = 0;

    for (size_t i = 0; i < record->field_count; i++) {
        bool same = sw_field_equal(&record->fields[i], parts->metrics, &parts->old_metrics);
        out |= same ? 0 : SW_MASK(i);
    }
    return out;
}

static bool metrics_same(const sw_parts *parts)
{
    return parts->metrics_exist && metrics_differ(parts) == 0;
}

#define WHO_AND_WHEN                                                                               \
    (SW_MASK(SW_STEP_METRICS_UPDATED_AT) | SW_MASK(SW_STEP_METRICS_LAST_UPDATED_BY_ID))

static sw_status write_metrics(sw_group *group, const sw_task *task, const sw_step *step,
                               sw_parts *parts, sw_error *err)
{
    sw_status status = SW_STATUS_OK;

    if (metrics_same(parts)) {
        return SW_STATUS_OK;
    }
    if (!parts->metrics_exist) {
        status = sw_store_insert(group->session, SW_RECORD_STEP_METRICS, parts->metrics, err);
    } else {
        parts->metrics->updated_at = sw_int_of(group->now_us);
        parts->metrics->last_updated_by_id = task->user_id;
        status = sw_store_update(group->session, SW_RECORD_STEP_METRICS, parts->metrics,
                                 metrics_differ(parts) | WHO_AND_WHEN, err);
    }
    if (sw_group_must(group, status, err) == SW_STATUS_OK && parts->metrics_exist) {
        status = sw_group_time(group, step, &parts->old_metrics, -1, err);
    }
    return status == SW_STATUS_OK ? sw_group_time(group, step, parts->metrics, +1, err) : status;
}

/* ---- traces ------------------------------------------------------------------------------------- */

static void inherit_trace(const sw_group *group, const sw_task *task, const sw_step *step,
                          sw_provider_trace *row)
{
    row->organization_id = task->organization_id;
    row->step_id = step->id;
    row->agent_id = row->agent_id.ptr ? row->agent_id : step->agent_id;
    row->run_id = row->run_id.ptr ? row->run_id : step->run_id;
    row->user_id = row->user_id.ptr ? row->user_id : task->user_id;
    row->created_at = row->created_at.known ? row->created_at : sw_int_of(group->now_us);
    row->updated_at = row->created_at;
    row->created_by_id = task->user_id;
}

static sw_status trace_exists(sw_group *group, const sw_provider_trace *row, bool *there,
                              sw_error *err)
{
    sw_provider_trace old;
    bool sees = false;
    sw_status status =
        sw_store_get(group->session, SW_RECORD_PROVIDER_TRACE, row, &group->arena, &old, err);

    *there = false;
    sw_group_may(group, status, SW_STATUS_NOT_FOUND, err);
    if (status != SW_STATUS_OK) {
        return status == SW_STATUS_NOT_FOUND ? SW_STATUS_OK : status;
    }
    *there = true;
    status = sw_group_sees(group, group->task, SW_RECORD_PROVIDER_TRACE, &old, &sees, err);
    if (status != SW_STATUS_OK || !sees) {
        return status != SW_STATUS_OK ? status : sw__not_available(err);
    }
    if (!sw_str_eq(old.step_id, row->step_id) || !sw_str_eq(old.request_json, row->request_json) ||
        !sw_str_eq(old.response_json, row->response_json)) {
        return sw_fail(err, SW_STATUS_CONFLICT, "id",
                       "a trace with this id and other content exists");
    }
    return SW_STATUS_OK;
}

static sw_status prepare_trace(sw_group *group, const sw_task *task, const sw_step *step,
                               sw_provider_trace *row, bool *there, sw_error *err)
{
    bool own_id = row->id.ptr != NULL;
    bool may_be_there = own_id || group->retry.call; /* an id that is made anew is not */
    sw_status status = SW_STATUS_OK;

    inherit_trace(group, task, step, row);
    if (!own_id) {
        row->id = sw__new_id(group, SW_RECORD_PROVIDER_TRACE);
        status = row->id.ptr ? status : sw_no_memory(err);
    }
    if (status == SW_STATUS_OK) {
        sw__row_nulls(SW_RECORD_PROVIDER_TRACE, row);
        sw_row_defaults(sw_record_of(SW_RECORD_PROVIDER_TRACE), row);
        status = sw_row_check(sw_record_of(SW_RECORD_PROVIDER_TRACE), row, "", err);
    }
    if (status == SW_STATUS_OK) {
        status = sw__row_minify(SW_RECORD_PROVIDER_TRACE, row, &group->arena, err);
    }
    return status == SW_STATUS_OK && may_be_there ? trace_exists(group, row, there, err) : status;
}

static sw_status prepare_traces(sw_group *group, const sw_task *task, const sw_step *step,
                                const sw_step_entry *entry, sw_parts *out, sw_error *err)
{
    size_t n = entry->trace_count;
    sw_status status = SW_STATUS_OK;
    char path[32];

    out->traces = sw_arena_zeroed(&group->arena, n * sizeof *out->traces);
    out->trace_there = sw_arena_zeroed(&group->arena, n * sizeof *out->trace_there);
    out->trace_count = n;
    if (!out->traces || !out->trace_there) {
        return sw_no_memory(err);
    }
    status = sw__ids_differ(group, entry->traces, sizeof *entry->traces,
                            offsetof(sw_provider_trace, id), n, err);
    for (size_t i = 0; i < n && status == SW_STATUS_OK; i++) {
        out->traces[i] = entry->traces[i];
        status = prepare_trace(group, task, step, &out->traces[i], &out->trace_there[i], err);
        if (status != SW_STATUS_OK && err) {
            (void)snprintf(path, sizeof path, "traces[%zu].", i);
            sw_error_path(err, path);
        }
    }
    return status;
}

/* ---- together ----------------------------------------------------------------------------------- */

sw_status sw__parts_prepare(sw_group *group, const sw_task *task, const sw_step *step,
                            const sw_step_entry *entry, bool step_is_new, sw_parts *out,
                            sw_error *err)
{
    bool captures = true;
    sw_status status = SW_STATUS_OK;

    memset(out, 0, offsetof(sw_parts, old_metrics));
    out->messages = NULL;
    out->message_count = out->trace_count = 0;
    if (entry->message_count > SW_LIMIT_BATCH_ITEMS || entry->trace_count > SW_LIMIT_BATCH_ITEMS) {
        return sw_fail(err, SW_STATUS_TOO_LARGE, "messages", "at most %d a step and call",
                       (int)SW_LIMIT_BATCH_ITEMS);
    }
    if (entry->metrics) {
        status = prepare_metrics(group, task, step, entry->metrics, step_is_new, out, err);
    }
    if (status == SW_STATUS_OK && (entry->message_count > 0 || entry->trace_count > 0)) {
        status = sw__captures(group, task->organization_id, step->project_id, &captures, err);
    }
    if (status != SW_STATUS_OK || !captures) {
        return status;
    }
    if (entry->message_count > 0) {
        status = sw__messages_prepare(group, task, step, entry, out, err);
    }
    if (status == SW_STATUS_OK && entry->trace_count > 0) {
        status = prepare_traces(group, task, step, entry, out, err);
    }
    return status;
}

static bool any_new(const bool *there, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (!there[i]) {
            return true;
        }
    }
    return false;
}

bool sw__parts_new(const sw_parts *parts)
{
    return (parts->metrics && !metrics_same(parts)) ||
           any_new(parts->message_there, parts->message_count) ||
           any_new(parts->trace_there, parts->trace_count);
}

sw_status sw__parts_write(sw_group *group, const sw_task *task, const sw_step *step,
                          sw_parts *parts, sw_error *err)
{
    sw_status status = SW_STATUS_OK;

    if (parts->metrics) {
        status = write_metrics(group, task, step, parts, err);
    }
    if (status == SW_STATUS_OK && parts->message_count > 0) {
        status = sw__messages_write(group, task, step, parts, err);
    }
    for (size_t i = 0; i < parts->trace_count && status == SW_STATUS_OK; i++) {
        if (!parts->trace_there[i]) {
            status = sw_group_must(
                group,
                sw_store_insert(group->session, SW_RECORD_PROVIDER_TRACE, &parts->traces[i], err),
                err);
        }
    }
    return status;
}

/* ---- adding them later -------------------------------------------------------------------------- */

typedef struct attach_args {
    sw_str id;
    sw_step_entry parts; /* only the parts are used */
    sw_outcome *outcome;
} attach_args;

sw_status sw__parts_tell(sw_group *group, const sw_task *task, const sw_step *step,
                         const sw_parts *parts, sw_outcome *outcome, sw_error *err)
{
    const struct {
        bool added;
        sw_change what;
    } entries[] = {{parts->metrics && !metrics_same(parts), SW_CHANGE_METRICS},
                   {any_new(parts->message_there, parts->message_count), SW_CHANGE_MESSAGES},
                   {any_new(parts->trace_there, parts->trace_count), SW_CHANGE_TRACED}};
    sw_status status = SW_STATUS_OK;

    for (size_t i = 0; i < SW_COUNT(entries) && status == SW_STATUS_OK; i++) {
        if (entries[i].added) {
            status = sw_group_journal(group, task, entries[i].what, SW_RECORD_STEP, step->id,
                                      step->project_id, &outcome->seq, err);
        }
    }
    return status;
}

static sw_status apply_attach(sw_group *group, sw_task *task, sw_error *err)
{
    attach_args *args = task->arg;
    sw_step step;
    sw_parts parts;
    sw_status status = sw_group_get(group, task, SW_RECORD_STEP, args->id, &step, err);

    sw__outcome_reset(args->outcome);
    sw__outcome_id(args->outcome, args->id);
    if (status == SW_STATUS_OK) {
        status = sw__not_retired(&step, err);
    }
    if (status == SW_STATUS_OK) {
        status = sw__parts_prepare(group, task, &step, &args->parts, false, &parts, err);
    }
    if (status != SW_STATUS_OK) {
        return sw__refused(args->outcome, status, err);
    }
    if (!sw__parts_new(&parts)) {
        return sw__unchanged(group, task, args->outcome, err);
    }
    status = sw__parts_write(group, task, &step, &parts, err);
    if (status == SW_STATUS_OK) {
        status = sw__parts_tell(group, task, &step, &parts, args->outcome, err);
    }
    return sw__verdict(args->outcome, SW_VERDICT_UPDATED, status, err);
}

static sw_status attach(sw_ledger *ledger, const sw_actor *actor, attach_args *args, sw_error *err)
{
    sw_task task = {.apply = apply_attach,
                    .outcomes = args->outcome,
                    .outcome_count = 1,
                    .arg = args,
                    .weight = 1 + args->parts.message_count + args->parts.trace_count};
    return sw__submit(ledger, actor, &task, err);
}

sw_status sw_step_metrics_record(sw_ledger *ledger, const sw_actor *actor, sw_str step_id,
                                 const sw_step_metrics *metrics, sw_outcome *outcome, sw_error *err)
{
    attach_args args = {.id = step_id, .parts = {.metrics = metrics}, .outcome = outcome};
    return attach(ledger, actor, &args, err);
}

sw_status sw_step_attach(sw_ledger *ledger, const sw_actor *actor, sw_str step_id,
                         const sw_message *messages, size_t message_count,
                         const sw_provider_trace *traces, size_t trace_count, sw_outcome *outcome,
                         sw_error *err)
{
    attach_args args = {
        .id = step_id,
        .parts = {.messages = messages,
                  .message_count = message_count,
                  .traces = traces,
                  .trace_count = trace_count},
        .outcome = outcome,
    };
    if (message_count > SW_LIMIT_BATCH_ITEMS || trace_count > SW_LIMIT_BATCH_ITEMS) {
        return sw__refuse_one(outcome, err, SW_STATUS_TOO_LARGE, "messages",
                              "too many messages or traces in one call");
    }
    return attach(ledger, actor, &args, err);
}
