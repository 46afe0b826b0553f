/* SPDX-License-Identifier: Apache-2.0 */
/* What is kept of telemetry, read back: the items of a unit, their sources, the unit itself, which units are marked, and
 * which step another name stands for.
 */
#include "ledger/telemetry_inside.h"

static sw_str project_asked(const sw_actor *actor, sw_str project_id)
{
    return sw__raw_project(actor && actor->project_id.ptr ? actor->project_id : project_id);
}

typedef struct showing {
    sw_each *each;
    void *arg;
} showing;

static sw_seen show_item(void *arg, const void *row)
{
    const showing *s = arg;
    sw_raw_item item = *(const sw_raw_item *)row;

    item.project_id = item.project_id.len ? item.project_id : SW_NULL_STR;
    return s->each(s->arg, &item) ? SW_SEEN_COUNT : SW_SEEN_STOP;
}

sw_status sw_telemetry_items(sw_ledger *ledger, const sw_actor *actor, sw_str project_id,
                             sw_str unit, sw_each *each, void *arg, sw_error *err)
{
    sw_value organization = {.text = sw__actor_organization(actor)};
    sw_value project = {.text = project_asked(actor, project_id)};
    sw_value which = {.text = unit};
    sw_condition its[] = {{SW_RAW_ITEM_ORGANIZATION_ID, SW_OP_EQ, &organization, 1},
                          {SW_RAW_ITEM_PROJECT_ID, SW_OP_EQ, &project, 1},
                          {SW_RAW_ITEM_UNIT, SW_OP_EQ, &which, 1}};
    sw_scan scan = {.record = SW_RECORD_RAW_ITEM,
                    .conditions = its,
                    .condition_count = SW_COUNT(its),
                    .order = {SW_RAW_ITEM_RECEIVED_AT, SW_RAW_ITEM_ITEM},
                    .order_count = 2};
    showing s = {each, arg};
    sw_session *session = NULL;
    sw_scan_end end;
    sw_status status = sw__reader_take(ledger, &session, err);

    if (status == SW_STATUS_OK) {
        status = sw_store_scan(session, &scan, show_item, &s, &end, err);
        sw__reader_give(ledger, session);
    }
    return status;
}

static sw_status get_row(sw_ledger *ledger, sw_record_id record, const void *key, sw_memory *memory,
                         void *out, sw_error *err)
{
    sw_session *session = NULL;
    sw_status status = sw__reader_take(ledger, &session, err);

    if (status == SW_STATUS_OK) {
        status = sw_store_get(session, record, key, &memory->arena, out, err);
        sw__reader_give(ledger, session);
    }
    return status == SW_STATUS_NOT_FOUND
               ? sw_fail(err, status, NULL, "there is no such %s", sw_record_of(record)->name)
               : status;
}

sw_status sw_telemetry_source(sw_ledger *ledger, const sw_actor *actor, sw_str digest,
                              sw_memory *memory, sw_raw_source *out, sw_error *err)
{
    sw_raw_source key = {.organization_id = sw__actor_organization(actor), .digest = digest};

    return get_row(ledger, SW_RECORD_RAW_SOURCE, &key, memory, out, err);
}

sw_status sw_telemetry_unit(sw_ledger *ledger, const sw_actor *actor, sw_str project_id,
                            sw_str unit, sw_memory *memory, sw_raw_trace *out, sw_error *err)
{
    sw_raw_trace key = {.organization_id = sw__actor_organization(actor),
                        .project_id = project_asked(actor, project_id),
                        .unit = unit};
    sw_status status = get_row(ledger, SW_RECORD_RAW_TRACE, &key, memory, out, err);

    if (status == SW_STATUS_OK && out->project_id.len == 0) {
        out->project_id = SW_NULL_STR;
    }
    return status;
}

static sw_status is_apart(sw_ledger *ledger, sw_str kind, sw_str step_id,
                          const sw_step_metrics *times, sw_memory *memory, bool *apart,
                          sw_error *err)
{
    sw_step_metrics key = {.id = step_id};
    sw_step_metrics other;
    sw_status status = SW_STATUS_OK;

    *apart = false;
    if (!times || !sw__telemetry_counted(kind)) {
        return SW_STATUS_OK;
    }
    status = get_row(ledger, SW_RECORD_STEP_METRICS, &key, memory, &other, err);
    *apart = status == SW_STATUS_OK && sw__telemetry_apart(times, &other);
    return status == SW_STATUS_NOT_FOUND ? SW_STATUS_OK : status;
}

sw_status sw_telemetry_alias(sw_ledger *ledger, const sw_actor *actor, sw_str project_id,
                             sw_str kind, sw_str value, const sw_step_metrics *times,
                             sw_memory *memory, sw_str *step_id, sw_error *err)
{
    sw_step_alias key = {.organization_id = sw__actor_organization(actor),
                         .project_id =
                             actor && actor->project_id.ptr ? actor->project_id : project_id,
                         .kind = kind,
                         .value = value};
    sw_step_alias row;
    bool apart = true;
    sw_status status = SW_STATUS_OK;

    for (int n = 1; apart && status == SW_STATUS_OK; n++) {
        key.value = sw__telemetry_name(value, n, &memory->arena);
        status = key.value.ptr ? get_row(ledger, SW_RECORD_STEP_ALIAS, &key, memory, &row, err)
                 : memory->arena.failed
                     ? sw_no_memory(err)
                     : sw_fail(err, SW_STATUS_NOT_FOUND, NULL, "there is no such name");
        if (status == SW_STATUS_OK) {
            *step_id = row.step_id;
            status = is_apart(ledger, kind, row.step_id, times, memory, &apart, err);
        }
    }
    return status;
}

static sw_seen show_unit(void *arg, const void *row)
{
    const showing *s = arg;
    sw_raw_trace unit = *(const sw_raw_trace *)row;

    unit.project_id = unit.project_id.len ? unit.project_id : SW_NULL_STR;
    return s->each(s->arg, &unit) ? SW_SEEN_COUNT : SW_SEEN_STOP;
}

sw_status sw_telemetry_marked(sw_ledger *ledger, int64_t after_us, int64_t limit, sw_each *each,
                              void *arg, sw_error *err)
{
    const sw_value after = {.number = after_us};
    sw_condition marked = {SW_RAW_TRACE_MARKED_AT, SW_OP_GT, &after, 1};
    sw_scan scan = {.record = SW_RECORD_RAW_TRACE,
                    .conditions = &marked,
                    .condition_count = 1,
                    .order = {SW_RAW_TRACE_MARKED_AT},
                    .order_count = 1,
                    .limit = limit > 0 ? limit : SW_LIMIT_LIST_ITEMS};
    showing s = {each, arg};
    sw_session *session = NULL;
    sw_scan_end end;
    sw_status status = sw__reader_take(ledger, &session, err);

    if (status == SW_STATUS_OK) {
        status = sw_store_scan(session, &scan, show_unit, &s, &end, err);
        sw__reader_give(ledger, session);
    }
    return status;
}
