/* SPDX-License-Identifier: Apache-2.0 */
/* Lists: pages of records by one cursor rule. `after` is what follows in the requested order, `before`
 * what precedes it; both answer rows next to the cursor, in the requested order. The page after a
 * cursor is a walk along an index from the cursor's place; the page before it is the same walk the
 * other way, turned round at the end.
 *
 * What may be asked is bounds.c, what no index can say search.c, counting is count.c; all organizations
 * at once are list_everywhere.c, the order by duration list_duration.c.
 */
#include "ledger/list.h"
#include "ledger/border.h"
#include "ledger/context.h"

/* ---- walking ------------------------------------------------------------------------------------ */

int sw__list_cmp(const sw_page *p, const void *a, const void *b)
{
    const sw_record *r = sw_record_of(p->record);
    int c = 0;

    for (size_t i = 0; i < p->order_count && c == 0; i++) {
        c = sw_field_cmp(&r->fields[p->order[i]], a, b);
    }
    return p->descending ? -c : c;
}

static bool at_bound(const sw_page *p, const void *row)
{
    return (p->bound && sw__list_cmp(p, row, p->bound) >= 0) ||
           (p->edge && sw__list_cmp(p, row, p->edge) > 0);
}

static bool keep(sw_page *p, const void *row)
{
    const sw_record *r = sw_record_of(p->record);

    char *rows = sw_arena_grow(p->kept_in, p->kept.rows, p->kept.count, &p->room, r->size);

    if (!rows) {
        return false;
    }
    p->kept.rows = rows;
    return sw_row_copy(r, rows + p->kept.count++ * r->size, row, p->kept_in);
}

bool sw__list_show(sw_page *p, const void *row)
{
    const sw_record *r = sw_record_of(p->record);
    union { /* room for any record that holds a secret */
        sw_organization a;
        sw_provider b;
        sw_subscription c;
        sw_api_key d;
    } copy;

    if (p->secrets) {
        sw_assert(r->size <= sizeof copy);
        memcpy(&copy, row, r->size);
        sw__hide_secrets(p->record, &copy);
        row = &copy;
    }
    return p->each(p->arg, row);
}

/* What the row takes of byte_limit; behind the last one that was shown the list goes on. */
static void weigh(sw_page *p, const void *row)
{
    const sw_record *r = sw_record_of(p->record);
    sw_str id = sw_field_text(&r->fields[sw_record_primary(r)], row);
    size_t bytes = r->size;

    for (size_t i = 0; i < r->field_count; i++) {
        if (sw_kind_is_text(r->fields[i].kind)) {
            bytes += sw_field_text(&r->fields[i], row).len;
        }
    }
    p->bytes += (int64_t)bytes;
    sw_assert(id.len < sizeof p->last);
    memcpy(p->last, id.ptr, id.len);
    p->last[id.len] = '\0';
}

/* A row of the page. */
static sw_seen take(sw_page *p, const void *row)
{
    p->shown++;
    if (p->byte_limit > 0 && !p->keep_all && !p->counting) {
        weigh(p, row);
    }
    if (p->counting && !p->keep_all) {
        return SW_SEEN_COUNT;
    }
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

/* The row with the messages that its request does not repeat; they go before the next one. */
static sw_seen take_whole(sw_page *p, const void *row)
{
    sw_provider_trace whole = *(const sw_provider_trace *)row;
    sw_arena arena;
    sw_seen seen = SW_SEEN_STOP;

    sw_arena_init(&arena, p->arena->from, 0);
    p->error.status = sw__trace_whole(p->session, &arena, &whole, &p->error);
    p->failed = p->error.status != SW_STATUS_OK;
    if (!p->failed) {
        seen = take(p, &whole);
    }
    sw_arena_fini(&arena);
    return seen;
}

sw_seen sw__list_visit(void *arg, const void *row)
{
    sw_page *p = arg;

    if (at_bound(p, row)) {
        p->reached_end = true;
        return SW_SEEN_STOP;
    }
    if (!sw__list_wanted(p, row)) {
        return p->failed ? SW_SEEN_STOP : SW_SEEN_SKIP;
    }
    if (p->limit > 0 && p->shown == p->limit) {
        p->more = true;
        return SW_SEEN_STOP;
    }
    if (p->byte_limit > 0 && p->bytes >= p->byte_limit) {
        p->more = p->cut = true;
        return SW_SEEN_STOP;
    }
    return p->record == SW_RECORD_PROVIDER_TRACE && !p->counting ? take_whole(p, row)
                                                                 : take(p, row);
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
    sw_status status = SW_STATUS_OK;

    if (!id.ptr) {
        return SW_STATUS_OK;
    }
    row = sw_arena_zeroed(arena, sw_record_of(record)->size);
    if (!row) {
        return sw_no_memory(err);
    }
    *out = row;
    status = sw__read_by_id(session, actor, record, id, arena, row, err);
    /* What cannot be an id is the cursor of no row, like any other that is unknown. */
    return status == SW_STATUS_INVALID_ID ? sw__not_found(record, id, err) : status;
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

static sw_status run_scan(sw_page *p, sw_scan *scan, sw_list_end *end, bool *unsorted,
                          sw_error *err)
{
    const sw_record *r = sw_record_of(p->record);
    void *place = sw_arena_zeroed(p->arena, r->size);
    sw_scan_end done = {0};
    sw_status status = SW_STATUS_OK;

    if (!place) {
        return sw_no_memory(err);
    }
    scan->place = scan->unordered ? NULL : place;
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
    *unsorted = done.unsorted;
    end->count = p->shown;
    end->looked = done.looked;
    end->complete = (done.exhausted || p->reached_end) && !p->more && !p->stopped;
    end->gave_up = !done.exhausted && !p->more && !p->stopped && !p->reached_end;
    if (end->gave_up) {
        sw__list_resume(p, place, end);
    }
    if (p->cut) {
        end->cut = true;
        memcpy(end->resume, p->last, sizeof end->resume);
    }
    return SW_STATUS_OK;
}

/* Whether a list over all organizations is merged from one list of each: not where a condition leads to
 * few rows anyway. */
static bool merges(const sw_page *p)
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
    return !narrow;
}

/* A list of all organizations goes through them one by one when it merges, or when its rows turn out to
 * be too many to put in order; a record that may have no owner (a provider for all) cannot. */
static sw_status run_everywhere(sw_page *p, sw_scan *scan, sw_list_end *end, sw_error *err)
{
    const sw_record *r = sw_record_of(p->record);
    int owner = sw_record_field(r, SW_STR("organization_id"));
    bool owned = owner >= 0 && (r->fields[owner].flags & SW_NOT_NULL);
    bool unsorted = false;
    sw_status status = SW_STATUS_OK;

    if (owned && !scan->unordered && merges(p)) {
        return sw__list_everywhere(p, scan, (uint8_t)owner, end, err);
    }
    status = run_scan(p, scan, end, &unsorted, err);
    if (status != SW_STATUS_OK || !unsorted || !owned) {
        return status;
    }
    memset(end, 0, sizeof *end);
    return sw__list_everywhere(p, scan, (uint8_t)owner, end, err);
}

/* The rows before a cursor are found next to it and turned round; when all of them are asked for, they
 * need not be. */
static sw_status place_cursors(sw_page *p, const sw_actor *actor, sw_scan *scan, sw_error *err)
{
    const sw_list_query *q = p->query;
    bool all = q->limit < 0 && scan->look_limit == 0;
    sw_status status = SW_STATUS_OK;

    p->turn_round = q->before.ptr && !q->after.ptr && !all;
    p->descending = q->ascending == p->turn_round;
    if (p->turn_round) {
        return cursor(p->session, actor, p->record, q->before, p->arena, &scan->after, err);
    }
    status = cursor(p->session, actor, p->record, q->after, p->arena, &scan->after, err);
    return status == SW_STATUS_OK
               ? cursor(p->session, actor, p->record, q->before, p->arena, &p->bound, err)
               : status;
}

/* What the list itself reads of a row. */
static uint64_t own_fields(const sw_page *p)
{
    uint64_t fields = sw__list_wanted_fields(p);

    for (size_t i = 0; i < p->order_count; i++) {
        fields |= SW_MASK(p->order[i]);
    }
    if (p->record == SW_RECORD_PROVIDER_TRACE) { /* sw__trace_whole */
        fields |= SW_MASK(SW_PROVIDER_TRACE_ORGANIZATION_ID) | SW_MASK(SW_PROVIDER_TRACE_STEP_ID);
    }
    return fields;
}

/* A count reads what it tests, and in any order when it begins at no cursor. */
static void only_count(const sw_page *p, sw_scan *scan)
{
    scan->fields = own_fields(p);
    scan->unordered = !scan->after && !p->bound;
    scan->order_count = scan->unordered ? 0 : scan->order_count;
    scan->sort_limit = scan->unordered ? 0 : scan->sort_limit;
}

static sw_status list_by_time(sw_page *p, const sw_actor *actor, sw_list_end *end, sw_error *err)
{
    const sw_list_query *q = p->query;
    int64_t look_limit = sw__look_limit(q);
    uint8_t order[2] = {0};
    sw_scan scan = {.record = p->record, .look_limit = look_limit, .sort_limit = look_limit};
    sw_bounds bounds;
    bool unsorted = false;
    sw_status status = order_of(p->record, order, &p->order_count, err);

    if (status == SW_STATUS_OK) {
        status = sw__bounds(actor, p->record, q->conditions, q->condition_count, 0, p->arena,
                            &bounds, err);
    }
    p->order = order;
    if (status == SW_STATUS_OK) {
        status = place_cursors(p, actor, &scan, err);
    }
    if (status != SW_STATUS_OK) {
        return status;
    }
    scan.conditions = bounds.conditions;
    scan.condition_count = bounds.count;
    memcpy(scan.order, order, sizeof order);
    scan.order_count = (uint8_t)p->order_count;
    scan.descending = p->descending;
    scan.limit = p->limit > 0 ? p->limit + 1 : 0; /* one more, to know of more */
    if (p->counting) {
        only_count(p, &scan);
    } else if (q->fields) {
        scan.fields =
            q->fields | own_fields(p) | SW_MASK(sw_record_primary(sw_record_of(p->record)));
    }
    return actor && actor->everywhere ? run_everywhere(p, &scan, end, err)
                                      : run_scan(p, &scan, end, &unsorted, err);
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

sw_status sw__list(sw_ledger *ledger, const sw_actor *actor, const sw_list_query *query, sw_page *p,
                   sw_list_end *end, sw_error *err)
{
    sw_list_query q = *query;
    sw_arena arena;
    uint8_t field = 0;
    sw_status status = check_query(p->record, &q, err);

    memset(end, 0, sizeof *end);
    if (status == SW_STATUS_OK) {
        status = sw__snapshot_begin(ledger, &p->session, err);
    }
    if (status != SW_STATUS_OK) {
        return status;
    }
    sw_arena_init(&arena, &ledger->allocator, 0);
    p->query = &q;
    p->arena = p->kept_in = &arena;
    p->secrets = sw__has_secrets(p->record);
    p->limited = sw__border(actor, p->record, &field) == SW_BORDER_LOOK ? actor : NULL;
    p->byte_limit = q.byte_limit;
    p->limit = q.limit < 0 ? 0 : q.limit ? q.limit : SW_LIMIT_LIST_ITEMS;
    p->metrics = p->record == SW_RECORD_RUN ? SW_RECORD_RUN_METRICS : SW_RECORD_STEP_METRICS;
    status = list_page(p, actor, &q, end, err);
    end->looked = sw__is_limited(actor) ? end->count : end->looked;
    p->query = NULL; /* they end here */
    p->arena = p->kept_in = NULL;
    sw_arena_fini(&arena);
    sw__snapshot_end(ledger, p->session);
    return status;
}

sw_status sw_list(sw_ledger *ledger, const sw_actor *actor, sw_record_id record,
                  const sw_list_query *query, sw_each *each, void *arg, sw_list_end *end,
                  sw_error *err)
{
    static const sw_list_query everything;
    sw_error local = {.status = SW_STATUS_OK};
    sw_list_end unwanted;
    sw_page p = {.record = record, .each = each, .arg = arg};

    return sw__list(ledger, actor, query ? query : &everything, &p, end ? end : &unwanted,
                    err ? err : &local);
}
