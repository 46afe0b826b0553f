/* SPDX-License-Identifier: Apache-2.0 */
/* Lists: pages of records by one cursor rule. `after` is what follows in the requested order, `before`
 * what precedes it; both answer rows next to the cursor, in the requested order. The page after a
 * cursor is a walk along an index from the cursor's place; the page before it is the same walk the
 * other way, turned round at the end.
 */
#include "ledger/list.h"

/* ---- which rows --------------------------------------------------------------------------------- */

static bool names(const sw_condition *conditions, size_t count, int field)
{
    for (size_t i = 0; i < count; i++) {
        if (conditions[i].field == field) {
            return true;
        }
    }
    return false;
}

/* Whether the comparison means something for such a field, with so many values. */
static bool op_fits(const sw_field *field, const sw_condition *c)
{
    switch (c->op) {
    case SW_OP_NULL:
    case SW_OP_NOT_NULL:
        return true;
    case SW_OP_IN:
        return true;
    case SW_OP_EQ:
    case SW_OP_NE:
    case SW_OP_LT:
    case SW_OP_LE:
    case SW_OP_GT:
    case SW_OP_GE:
        return c->count == 1;
    case SW_OP_TAG_ANY:
    case SW_OP_TAG_ALL:
        return field->kind == SW_KIND_TAGS;
    case SW_OP_CONTAINS:
        return c->count == 1 && sw_kind_is_text(field->kind);
    }
    return false;
}

enum { CONDITIONS_MAX = 32, VALUES_MAX = 10000 };

sw_status sw__check_conditions(sw_record_id record, const sw_condition *conditions, size_t count,
                               sw_error *err)
{
    const sw_record *r = sw_record_of(record);

    if (count > CONDITIONS_MAX) {
        return sw_fail(err, SW_STATUS_TOO_LARGE, "conditions", "at most %d", CONDITIONS_MAX);
    }
    for (size_t i = 0; i < count; i++) {
        const sw_condition *c = &conditions[i];
        if (c->field >= r->field_count || (r->fields[c->field].flags & SW_SECRET)) {
            return sw_fail(err, SW_STATUS_INVALID, "conditions",
                           "a %s has no such field to ask for", r->name);
        }
        if (!op_fits(&r->fields[c->field], c) || c->count > VALUES_MAX) {
            return sw_fail(err, SW_STATUS_INVALID, r->fields[c->field].name,
                           "cannot be compared like that");
        }
    }
    return SW_STATUS_OK;
}

sw_status sw__bounds(const sw_actor *actor, sw_record_id record, const sw_condition *conditions,
                     size_t condition_count, size_t spare, sw_arena *arena, sw_bounds *out,
                     sw_error *err)
{
    const sw_record *r = sw_record_of(record);
    int owner = record == SW_RECORD_ORGANIZATION ? SW_ORGANIZATION_ID
                                                 : sw_record_field(r, SW_STR("organization_id"));
    sw_status status = sw__check_conditions(record, conditions, condition_count, err);

    if (status != SW_STATUS_OK) {
        return status;
    }
    out->conditions = sw_arena_zeroed(arena, (condition_count + 2 + spare) * sizeof(sw_condition));
    if (!out->conditions) {
        return sw_no_memory(err);
    }
    if (condition_count > 0) {
        memcpy(out->conditions, conditions, condition_count * sizeof *conditions);
    }
    out->count = condition_count;
    out->organization.text = sw__actor_organization(actor);
    if (!actor || !actor->everywhere) {
        out->conditions[out->count++] =
            (sw_condition){(uint8_t)owner, SW_OP_EQ, &out->organization, 1};
    }
    if (record == SW_RECORD_STEP && !names(conditions, condition_count, SW_STEP_RETIRED_INTO)) {
        out->conditions[out->count++] = (sw_condition){SW_STEP_RETIRED_INTO, SW_OP_NULL, NULL, 0};
    }
    return SW_STATUS_OK;
}

/* ---- what no index can say ----------------------------------------------------------------------- */

static bool text_found(const sw_list_query *query, const void *row)
{
    const sw_step *step = row;

    return sw_str_contains_nocase(step->input_preview, query->text) ||
           sw_str_contains_nocase(step->output_preview, query->text) ||
           sw_str_contains_nocase(step->error_data, query->text);
}

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
    for (size_t i = 0; i < p->query->metrics_condition_count && hold; i++) {
        hold = sw_condition_holds(m, &p->query->metrics_conditions[i], metrics);
    }
    if (status != SW_STATUS_OK && status != SW_STATUS_NOT_FOUND) {
        p->failed = true;
        p->error.status = status;
    }
    sw_arena_rewind(p->arena, mark);
    return hold;
}

static bool wanted(sw_page *p, const void *row)
{
    if (p->query->text.ptr && p->query->text.len > 0 && !text_found(p->query, row)) {
        return false;
    }
    return p->query->metrics_condition_count == 0 || metrics_hold(p, row);
}

/* ---- walking ------------------------------------------------------------------------------------ */

static bool at_bound(const sw_page *p, const void *row)
{
    const sw_record *r = sw_record_of(p->record);
    int c = 0;

    for (size_t i = 0; p->bound && i < p->order_count && c == 0; i++) {
        c = sw_field_cmp(&r->fields[p->order[i]], row, p->bound);
    }
    return p->bound && (p->descending ? c <= 0 : c >= 0);
}

static bool keep(sw_page *p, const void *row)
{
    const sw_record *r = sw_record_of(p->record);

    if (p->kept.count == p->room) {
        size_t room = p->room ? p->room * 2 : 64;
        char *rows = sw_arena_alloc(p->arena, room * r->size);
        if (!rows) {
            return false;
        }
        if (p->kept.count > 0) {
            memcpy(rows, p->kept.rows, p->kept.count * r->size);
        }
        p->kept.rows = rows;
        p->room = room;
    }
    return sw_row_copy(r, p->kept.rows + p->kept.count++ * r->size, row, p->arena);
}

bool sw__list_show(sw_page *p, const void *row)
{
    const sw_record *r = sw_record_of(p->record);
    bool secrets = p->record == SW_RECORD_PROVIDER;
    sw_provider copy;

    if (secrets) {
        sw_assert(r->size == sizeof copy);
        memcpy(&copy, row, sizeof copy);
        sw__hide_secrets(p->record, &copy);
        row = &copy;
    }
    return p->each(p->arg, row);
}

sw_seen sw__list_visit(void *arg, const void *row)
{
    sw_page *p = arg;

    if (at_bound(p, row)) {
        p->reached_end = true;
        return SW_SEEN_STOP;
    }
    if (!wanted(p, row)) {
        return p->failed ? SW_SEEN_STOP : SW_SEEN_SKIP;
    }
    if (p->limit > 0 && p->shown == p->limit) {
        p->more = true;
        return SW_SEEN_STOP;
    }
    p->shown++;
    if (p->turn_round || p->keep_all) {
        if (!keep(p, row)) {
            p->failed = true;
            p->error.status = sw_no_memory(&p->error);
            return SW_SEEN_STOP;
        }
        return SW_SEEN_COUNT;
    }
    p->stopped = !sw__list_show(p, row);
    return p->stopped ? SW_SEEN_STOP : SW_SEEN_COUNT;
}

static void show_kept(sw_page *p)
{
    const sw_record *r = sw_record_of(p->record);

    for (size_t i = p->kept.count; i > 0 && !p->stopped; i--) {
        p->stopped = !sw__list_show(p, p->kept.rows + (i - 1) * r->size);
    }
}

/* ---- orders and cursors --------------------------------------------------------------------------- */

static sw_status order_of(sw_record_id record, uint8_t order[2], size_t *count, sw_error *err)
{
    const sw_record *r = sw_record_of(record);
    int created = sw_record_field(r, SW_STR("created_at"));
    int primary = sw_record_primary(r);

    if (record == SW_RECORD_MESSAGE) {
        order[0] = SW_MESSAGE_SEQUENCE_ID;
        *count = 1;
        return SW_STATUS_OK;
    }
    if (created < 0 || primary < 0) {
        return sw_fail(err, SW_STATUS_UNSUPPORTED, "record", "a %s cannot be listed", r->name);
    }
    order[0] = (uint8_t)created;
    order[1] = (uint8_t)primary;
    *count = 2;
    return SW_STATUS_OK;
}

static sw_status cursor(sw_session *session, const sw_actor *actor, sw_record_id record, sw_str id,
                        sw_arena *arena, const void **out, sw_error *err)
{
    void *row = NULL;

    if (!id.ptr) {
        return SW_STATUS_OK;
    }
    row = sw_arena_zeroed(arena, sw_record_of(record)->size);
    if (!row) {
        return sw_no_memory(err);
    }
    *out = row;
    return sw__read_by_id(session, actor, record, id, arena, row, err);
}

static sw_status check_query(sw_record_id record, const sw_list_query *q, sw_error *err)
{
    bool steps = record == SW_RECORD_STEP;
    bool runs = record == SW_RECORD_RUN;

    if (q->limit < -1 || q->limit > SW_LIMIT_LIST_ITEMS) {
        return sw_fail(err, SW_STATUS_INVALID, "limit", "must be 1 to %d, or -1 for no limit",
                       (int)SW_LIMIT_LIST_ITEMS);
    }
    if (q->text.ptr && !steps) {
        return sw_fail(err, SW_STATUS_INVALID, "text", "only steps can be searched by text");
    }
    if (q->metrics_condition_count > 0 && !steps && !runs) {
        return sw_fail(err, SW_STATUS_INVALID, "metrics_conditions",
                       "only steps and runs have metrics");
    }
    if ((q->by_duration || q->duration_percentile.known) && !runs) {
        return sw_fail(err, SW_STATUS_INVALID, "by_duration", "only runs are ordered by duration");
    }
    if (q->by_duration && (q->after.ptr || q->before.ptr)) {
        return sw_fail(err, SW_STATUS_INVALID, "after", "an order by duration has no cursor");
    }
    if (q->duration_percentile.known &&
        (q->duration_percentile.value < 0 || q->duration_percentile.value > 100)) {
        return sw_fail(err, SW_STATUS_INVALID, "duration_percentile", "must be 0 to 100");
    }
    if (q->metrics_condition_count > 0) {
        return sw__check_conditions(steps ? SW_RECORD_STEP_METRICS : SW_RECORD_RUN_METRICS,
                                    q->metrics_conditions, q->metrics_condition_count, err);
    }
    return SW_STATUS_OK;
}

int64_t sw__look_limit(const sw_list_query *q)
{
    if (q->look_limit < 0 || (q->look_limit == 0 && q->limit < 0)) {
        return 0;
    }
    return q->look_limit ? q->look_limit : SW_LIMIT_LOOK_ROWS;
}

/* ---- the usual list ------------------------------------------------------------------------------ */

void sw__list_resume(const sw_page *p, const void *place, sw_list_end *end)
{
    const sw_record *r = sw_record_of(p->record);
    sw_str id = sw_field_text(&r->fields[sw_record_primary(r)], place);
    size_t len = id.len < SW_ID_MAX - 1 ? id.len : SW_ID_MAX - 1;

    memcpy(end->resume, id.ptr ? id.ptr : "", id.ptr ? len : 0);
}

static sw_status run_scan(sw_page *p, sw_scan *scan, sw_list_end *end, sw_error *err)
{
    const sw_record *r = sw_record_of(p->record);
    void *place = sw_arena_zeroed(p->arena, r->size);
    sw_scan_end done = {0};
    sw_status status = SW_STATUS_OK;

    if (!place) {
        return sw_no_memory(err);
    }
    scan->place = place;
    scan->place_arena = p->arena;
    status = sw_store_scan(p->session, scan, sw__list_visit, p, &done, err);
    if (status == SW_STATUS_OK && p->failed) {
        *err = p->error;
        status = p->error.status;
    }
    if (status != SW_STATUS_OK) {
        return status;
    }
    show_kept(p);
    end->count = p->shown;
    end->looked = done.looked;
    end->complete = (done.exhausted || p->reached_end) && !p->more && !p->stopped;
    end->gave_up = !done.exhausted && !p->more && !p->stopped && !p->reached_end;
    if (end->gave_up) {
        sw__list_resume(p, place, end);
    }
    return SW_STATUS_OK;
}

static int owner_of(sw_record_id record)
{
    return sw_record_field(sw_record_of(record), SW_STR("organization_id"));
}

/* Whether a page over all organizations has to be merged: not where a condition leads to few rows
 * anyway, nor where the whole is asked for (that is sorted once). */
static bool merges(const sw_page *p, const sw_actor *actor)
{
    bool narrow = p->record != SW_RECORD_STEP && p->record != SW_RECORD_RUN;

    for (size_t i = 0; i < p->query->condition_count; i++) {
        const sw_condition *c = &p->query->conditions[i];
        bool step = p->record == SW_RECORD_STEP;
        narrow =
            narrow ||
            (c->op == SW_OP_EQ &&
             (step ? c->field == SW_STEP_RUN_ID || c->field == SW_STEP_TRACE_ID ||
                         c->field == SW_STEP_ORGANIZATION_ID
                   : c->field == SW_RUN_ORGANIZATION_ID || c->field == SW_RUN_CONVERSATION_ID));
    }
    return actor && actor->everywhere && p->limit > 0 && !narrow;
}

static sw_status list_by_time(sw_page *p, const sw_actor *actor, sw_list_end *end, sw_error *err)
{
    const sw_list_query *q = p->query;
    uint8_t order[2] = {0};
    sw_scan scan = {.record = p->record, .look_limit = sw__look_limit(q)};
    sw_bounds bounds;
    sw_status status = order_of(p->record, order, &p->order_count, err);

    if (status == SW_STATUS_OK) {
        status = sw__bounds(actor, p->record, q->conditions, q->condition_count, 1, p->arena,
                            &bounds, err);
    }
    p->order = order;
    p->turn_round = q->before.ptr && !q->after.ptr;
    p->descending = q->ascending == p->turn_round;
    if (status == SW_STATUS_OK && p->turn_round) {
        status = cursor(p->session, actor, p->record, q->before, p->arena, &scan.after, err);
    } else if (status == SW_STATUS_OK) {
        status = cursor(p->session, actor, p->record, q->after, p->arena, &scan.after, err);
        if (status == SW_STATUS_OK) {
            status = cursor(p->session, actor, p->record, q->before, p->arena, &p->bound, err);
        }
    }
    if (status != SW_STATUS_OK) {
        return status;
    }
    scan.conditions = bounds.conditions;
    scan.condition_count = bounds.count;
    memcpy(scan.order, order, sizeof order);
    scan.order_count = (uint8_t)p->order_count;
    scan.descending = p->descending;
    if (merges(p, actor)) {
        return sw__list_everywhere(p, &scan, &bounds, (uint8_t)owner_of(p->record), end, err);
    }
    return run_scan(p, &scan, end, err);
}

/* ---- the public calls ----------------------------------------------------------------------------- */

/* A percentile becomes a lower bound of the duration: one more metrics condition. */
static sw_status bind_percentile(sw_page *p, const sw_actor *actor, sw_list_query *q,
                                 sw_value *floor, bool *any, sw_list_end *end, sw_error *err)
{
    sw_condition *conditions =
        sw_arena_alloc(p->arena, (q->metrics_condition_count + 1) * sizeof *conditions);
    sw_status status = SW_STATUS_OK;

    if (!conditions) {
        return sw_no_memory(err);
    }
    status = sw__duration_floor(p, actor, q->duration_percentile.value, any, &end->gave_up,
                                &floor->number, err);
    if (q->metrics_condition_count > 0) {
        memcpy(conditions, q->metrics_conditions, q->metrics_condition_count * sizeof *conditions);
    }
    conditions[q->metrics_condition_count] =
        (sw_condition){SW_RUN_METRICS_RUN_NS, SW_OP_GE, floor, 1};
    q->metrics_conditions = conditions;
    q->metrics_condition_count++;
    return status;
}

static sw_status list_page(sw_page *p, const sw_actor *actor, sw_list_query *q, sw_list_end *end,
                           sw_error *err)
{
    sw_value floor = {.number = 0};
    bool any = true;
    sw_status status = SW_STATUS_OK;

    if (q->duration_percentile.known) {
        status = bind_percentile(p, actor, q, &floor, &any, end, err);
    }
    if (status != SW_STATUS_OK || !any ||
        end->gave_up) { /* a cut percentile would be a wrong one */
        end->complete = status == SW_STATUS_OK && !end->gave_up;
        return status;
    }
    return q->by_duration ? sw__list_by_duration(p, actor, end, err)
                          : list_by_time(p, actor, end, err);
}

sw_status sw_list(sw_ledger *ledger, const sw_actor *actor, sw_record_id record,
                  const sw_list_query *query, sw_each *each, void *arg, sw_list_end *end,
                  sw_error *err)
{
    sw_list_query q = query ? *query : (sw_list_query){.limit = 0};
    sw_error local = {.status = SW_STATUS_OK};
    sw_list_end unwanted;
    sw_arena arena;
    sw_page p = {.record = record, .query = &q, .arena = &arena, .each = each, .arg = arg};
    sw_status status = check_query(record, &q, err);

    err = err ? err : &local;
    end = end ? end : &unwanted;
    memset(end, 0, sizeof *end);
    if (status == SW_STATUS_OK) {
        status = sw__snapshot_begin(ledger, &p.session, err);
    }
    if (status != SW_STATUS_OK) {
        return status;
    }
    sw_arena_init(&arena, &ledger->allocator, 0);
    p.limit = q.limit < 0 ? 0 : q.limit ? q.limit : SW_LIMIT_LIST_ITEMS;
    p.metrics = record == SW_RECORD_RUN ? SW_RECORD_RUN_METRICS : SW_RECORD_STEP_METRICS;
    status = list_page(&p, actor, &q, end, err);
    sw_arena_fini(&arena);
    sw__snapshot_end(ledger, p.session);
    return status;
}

/* ---- counting ------------------------------------------------------------------------------------- */

static bool nothing(void *arg, const void *row)
{
    (void)arg;
    (void)row;
    return true;
}

static bool one_group(void *arg, const sw_usage_group *group)
{
    *(int64_t *)arg = group->totals.num_steps;
    return true;
}

/* Whether the sums know the answer: only fields that a rollup has, no text, no timings. */
static bool sums_know(sw_record_id record, const sw_list_query *q)
{
    for (size_t i = 0; i < q->condition_count; i++) {
        uint8_t field = q->conditions[i].field;
        if (field != SW_STEP_PROJECT_ID && field != SW_STEP_MODEL && field != SW_STEP_STATUS) {
            return false;
        }
    }
    return record == SW_RECORD_STEP && q->metrics_condition_count == 0 && !q->text.ptr &&
           !q->after.ptr && !q->before.ptr;
}

sw_status sw_count(sw_ledger *ledger, const sw_actor *actor, sw_record_id record,
                   const sw_list_query *query, int64_t *out, sw_list_end *end, sw_error *err)
{
    static const sw_list_query everything;
    sw_list_query q = query ? *query : everything;
    sw_list_end local;

    end = end ? end : &local;
    *out = 0;
    if (sums_know(record, &q)) {
        sw_usage_query usage = {.conditions = q.conditions, .condition_count = q.condition_count};
        memset(end, 0, sizeof *end);
        end->complete = true;
        return sw_usage(ledger, actor, &usage, one_group, out, NULL, err);
    }
    q.look_limit = q.look_limit ? q.look_limit : SW_LIMIT_LOOK_ROWS;
    q.limit = -1;
    sw_status status = sw_list(ledger, actor, record, &q, nothing, NULL, end, err);
    *out = end->count;
    return status;
}
