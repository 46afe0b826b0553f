/* SPDX-License-Identifier: Apache-2.0 */
/* Raw items go when they are old, or when there are too many bytes of them: the oldest units first, a bounded number
 * of items a call, so that writers never wait long. A unit of which something went is frozen: it could not be computed
 * as a whole any more. A source goes with its last item.
 */
#include "ledger/telemetry_inside.h"

typedef struct prune_args {
    int64_t before_us;
    int64_t bytes;
    int64_t limit;
    int64_t removed;
    bool left;
} prune_args;

/* What may still go in this call. */
typedef struct pruning {
    sw_group *group;
    int64_t before_us; /* items that came before it go */
    int64_t over;      /* and the oldest, as long as there are so many bytes too many */
    int64_t room;
} pruning;

static sw_seen add_bytes(void *arg, const void *row)
{
    *(int64_t *)arg += ((const sw_raw_total *)row)->bytes.value;
    return SW_SEEN_COUNT;
}

static sw_status all_bytes(sw_group *group, int64_t *out, sw_error *err)
{
    sw_scan scan = {
        .record = SW_RECORD_RAW_TOTAL, .fields = SW_MASK(SW_RAW_TOTAL_BYTES), .unordered = true};
    sw_scan_end end;

    *out = 0;
    return sw_group_must(group, sw_store_scan(group->session, &scan, add_bytes, out, &end, err),
                         err);
}

/* ---- the items of one unit ------------------------------------------------------------------------ */

typedef struct brief {
    sw_str item;
    sw_str source_digest;
    int64_t received_at;
    int64_t bytes;
} brief;

typedef struct briefs {
    sw_arena *arena;
    brief *at;
    size_t count;
    size_t room;
    bool no_memory;
} briefs;

static sw_seen see_item(void *arg, const void *row)
{
    briefs *b = arg;
    const sw_raw_item *item = row;
    brief *at = sw_arena_grow(b->arena, b->at, b->count, &b->room, sizeof *at);

    if (at) {
        b->at = at;
        at[b->count] = (brief){.item = sw_arena_str(b->arena, item->item),
                               .source_digest = sw_arena_str(b->arena, item->source_digest),
                               .received_at = item->received_at.value,
                               .bytes = (int64_t)item->body.len};
    }
    b->no_memory = !at || !at[b->count].item.ptr || !at[b->count].source_digest.ptr;
    b->count += !b->no_memory;
    return b->no_memory ? SW_SEEN_STOP : SW_SEEN_COUNT;
}

/* The oldest, and one more than may go: it says when the rest began. */
static sw_status oldest_items(pruning *p, const sw_raw_trace *unit, briefs *out, sw_error *err)
{
    sw_value organization = {.text = unit->organization_id};
    sw_value project = {.text = unit->project_id};
    sw_value which = {.text = unit->unit};
    sw_condition its[] = {{SW_RAW_ITEM_ORGANIZATION_ID, SW_OP_EQ, &organization, 1},
                          {SW_RAW_ITEM_PROJECT_ID, SW_OP_EQ, &project, 1},
                          {SW_RAW_ITEM_UNIT, SW_OP_EQ, &which, 1}};
    sw_scan scan = {.record = SW_RECORD_RAW_ITEM,
                    .conditions = its,
                    .condition_count = SW_COUNT(its),
                    .order = {SW_RAW_ITEM_RECEIVED_AT, SW_RAW_ITEM_ITEM},
                    .order_count = 2,
                    .fields = SW_MASK(SW_RAW_ITEM_ITEM) | SW_MASK(SW_RAW_ITEM_SOURCE_DIGEST) |
                              SW_MASK(SW_RAW_ITEM_RECEIVED_AT) | SW_MASK(SW_RAW_ITEM_BODY),
                    .limit = p->room + 1};
    sw_scan_end end;
    sw_status status = SW_STATUS_OK;

    *out = (briefs){.arena = &p->group->arena};
    status = sw_store_scan(p->group->session, &scan, see_item, out, &end, err);
    if (status == SW_STATUS_OK && out->no_memory) {
        status = sw_no_memory(err);
    }
    return sw_group_must(p->group, status, err);
}

static sw_status release_source(sw_group *group, sw_str organization_id, sw_str digest,
                                sw_error *err)
{
    sw_raw_source row = {.organization_id = organization_id, .digest = digest, .body = SW_STR("")};
    sw_raw_source old;
    sw_status status =
        sw_store_get(group->session, SW_RECORD_RAW_SOURCE, &row, &group->arena, &old, err);

    if (sw_group_may(group, status, SW_STATUS_NOT_FOUND, err) != SW_STATUS_OK) {
        return status == SW_STATUS_NOT_FOUND ? SW_STATUS_OK : status;
    }
    if (old.items.value <= 1) {
        status = sw_store_remove(group->session, SW_RECORD_RAW_SOURCE, &row, err);
    } else {
        row.items = sw_int_of(-1);
        status = sw_store_add(group->session, SW_RECORD_RAW_SOURCE, &row, err);
    }
    return sw_group_must(group, status, err);
}

static sw_status remove_item(pruning *p, sw_raw_trace *unit, const brief *item, sw_error *err)
{
    sw_raw_item key = {.organization_id = unit->organization_id,
                       .project_id = unit->project_id,
                       .unit = unit->unit,
                       .item = item->item};
    sw_status status = sw_group_must(
        p->group, sw_store_remove(p->group->session, SW_RECORD_RAW_ITEM, &key, err), err);

    if (status == SW_STATUS_OK) {
        status = release_source(p->group, unit->organization_id, item->source_digest, err);
    }
    unit->items.value--;
    unit->bytes.value -= item->bytes;
    p->over -= item->bytes;
    p->room--;
    return status;
}

static sw_status prune_unit(pruning *p, sw_raw_trace *unit, sw_error *err)
{
    sw_raw_total total = {.organization_id = unit->organization_id};
    int64_t items = unit->items.value;
    int64_t bytes = unit->bytes.value;
    briefs old;
    size_t at = 0;
    sw_status status = oldest_items(p, unit, &old, err);

    for (; at < old.count && status == SW_STATUS_OK && p->room > 0 &&
           (old.at[at].received_at < p->before_us || p->over > 0);
         at++) {
        status = remove_item(p, unit, &old.at[at], err);
    }
    if (status != SW_STATUS_OK) {
        return status;
    }
    unit->frozen = sw_int_of(unit->frozen.value || at > 0);
    unit->marked_at = unit->frozen.value ? SW_NULL_INT : unit->marked_at;
    unit->first_at = at < old.count ? sw_int_of(old.at[at].received_at) : SW_NULL_INT;
    total.items = sw_int_of(unit->items.value - items);
    total.bytes = sw_int_of(unit->bytes.value - bytes);
    status = sw_group_must(p->group,
                           sw_store_put(p->group->session, SW_RECORD_RAW_TRACE, unit, err), err);
    return status == SW_STATUS_OK
               ? sw_group_must(p->group,
                               sw_store_add(p->group->session, SW_RECORD_RAW_TOTAL, &total, err),
                               err)
               : status;
}

/* ---- the oldest units ----------------------------------------------------------------------------- */

enum { UNITS = 200 };

static sw_status oldest_units(pruning *p, sw_rows *out, sw_error *err)
{
    sw_value before = {.number = p->before_us};
    sw_condition old = {SW_RAW_TRACE_FIRST_AT, p->over > 0 ? SW_OP_NOT_NULL : SW_OP_LT, &before,
                        p->over > 0 ? 0 : 1};
    sw_scan scan = {.record = SW_RECORD_RAW_TRACE,
                    .conditions = &old,
                    .condition_count = 1,
                    .order = {SW_RAW_TRACE_FIRST_AT},
                    .order_count = 1,
                    .limit = UNITS};

    return sw_group_gather(p->group, &scan, out, err);
}

static sw_status apply_prune(sw_group *group, sw_task *task, sw_error *err)
{
    prune_args *args = task->arg;
    pruning p = {.group = group, .before_us = args->before_us, .room = args->limit};
    sw_rows units;
    size_t i = 0;
    sw_status status = SW_STATUS_OK;

    args->removed = 0;
    args->left = false;
    if (args->bytes > 0) {
        status = all_bytes(group, &p.over, err);
        p.over -= args->bytes;
    }
    if (status == SW_STATUS_OK) {
        status = oldest_units(&p, &units, err);
    }
    if (status != SW_STATUS_OK) {
        return status;
    }
    for (; i < units.count && status == SW_STATUS_OK && p.room > 0; i++) {
        sw_raw_trace *unit = (sw_raw_trace *)(void *)units.rows + i;
        if (unit->first_at.value >= p.before_us && p.over <= 0) {
            break;
        }
        status = prune_unit(&p, unit, err);
    }
    args->removed = args->limit - p.room;
    args->left = p.room == 0 || (i == UNITS && units.count == UNITS);
    return status;
}

/* ---- one unit, as a whole ------------------------------------------------------------------------- */

static sw_status forget_one(sw_group *group, sw_raw_trace *unit, sw_error *err)
{
    pruning p = {.group = group, .before_us = INT64_MAX, .room = INT64_MAX - 1};
    sw_status status = prune_unit(&p, unit, err);

    return status == SW_STATUS_OK
               ? sw_group_must(group,
                               sw_store_remove(group->session, SW_RECORD_RAW_TRACE, unit, err), err)
               : status;
}

sw_status sw__telemetry_forget(sw_group *group, sw_str organization_id, sw_str unit, sw_error *err)
{
    sw_value organization = {.text = organization_id};
    sw_value which = {.text = unit};
    const sw_condition its[] = {{SW_RAW_TRACE_ORGANIZATION_ID, SW_OP_EQ, &organization, 1},
                                {SW_RAW_TRACE_UNIT, SW_OP_EQ, &which, 1}};
    sw_scan scan = {.record = SW_RECORD_RAW_TRACE, .conditions = its, .condition_count = 2};
    sw_rows units;
    sw_status status = sw_group_gather(group, &scan, &units, err);

    for (size_t i = 0; i < units.count && status == SW_STATUS_OK; i++) {
        status = forget_one(group, (sw_raw_trace *)(void *)units.rows + i, err);
    }
    return status;
}

/* ---- units of log records that say something --------------------------------------------------------- */

enum { UNITS_LOOKED_AT = 50 };

typedef struct looking {
    sw_str text;
    sw_arena *arena;
    sw_str *sources; /* of the items so far, each once in a row */
    size_t count;
    size_t room;
    bool found;
    bool no_memory;
} looking;

static bool says(sw_str bytes, sw_str text)
{
    return bytes.len > 0 && memmem(bytes.ptr, bytes.len, text.ptr, text.len) != NULL;
}

static sw_seen look_at(void *arg, const void *row)
{
    looking *l = arg;
    const sw_raw_item *item = row;
    sw_str *sources = NULL;

    l->found = says(item->body, l->text);
    if (!l->found && (l->count == 0 || !sw_str_eq(l->sources[l->count - 1], item->source_digest))) {
        sources = sw_arena_grow(l->arena, l->sources, l->count, &l->room, sizeof *sources);
        l->no_memory = !sources;
        if (sources) {
            l->sources = sources;
            sources[l->count++] = sw_arena_str(l->arena, item->source_digest);
        }
    }
    return l->found || l->no_memory ? SW_SEEN_STOP : SW_SEEN_COUNT;
}

static sw_status look_at_sources(sw_group *group, sw_str organization_id, looking *l, sw_error *err)
{
    sw_status status = SW_STATUS_OK;

    for (size_t i = 0; i < l->count && !l->found && status == SW_STATUS_OK; i++) {
        sw_raw_source key = {.organization_id = organization_id, .digest = l->sources[i]};
        sw_raw_source source = {.body = SW_NULL_STR};
        status =
            sw_store_get(group->session, SW_RECORD_RAW_SOURCE, &key, &group->arena, &source, err);
        status = sw_group_may(group, status, SW_STATUS_NOT_FOUND, err);
        l->found = status == SW_STATUS_OK && says(source.body, l->text);
        status = status == SW_STATUS_NOT_FOUND ? SW_STATUS_OK : status;
    }
    return status;
}

/* Whether a log record of the unit, or what it came from, says the text. */
static sw_status unit_says(sw_group *group, const sw_raw_trace *unit, sw_str text, bool *out,
                           sw_error *err)
{
    sw_value organization = {.text = unit->organization_id};
    sw_value project = {.text = unit->project_id};
    sw_value which = {.text = unit->unit};
    sw_value log = {.number = SW_RAW_SIGNAL_LOG};
    const sw_condition its[] = {{SW_RAW_ITEM_ORGANIZATION_ID, SW_OP_EQ, &organization, 1},
                                {SW_RAW_ITEM_PROJECT_ID, SW_OP_EQ, &project, 1},
                                {SW_RAW_ITEM_UNIT, SW_OP_EQ, &which, 1},
                                {SW_RAW_ITEM_SIGNAL, SW_OP_EQ, &log, 1}};
    const sw_scan scan = {.record = SW_RECORD_RAW_ITEM,
                          .conditions = its,
                          .condition_count = SW_COUNT(its),
                          .unordered = true,
                          .fields = SW_MASK(SW_RAW_ITEM_SOURCE_DIGEST) | SW_MASK(SW_RAW_ITEM_BODY)};
    looking l = {.text = text, .arena = &group->arena};
    sw_scan_end end;
    sw_status status = sw_store_scan(group->session, &scan, look_at, &l, &end, err);

    if (status == SW_STATUS_OK && (l.no_memory || group->arena.failed)) {
        status = sw_no_memory(err);
    }
    status = sw_group_must(group, status, err);
    if (status == SW_STATUS_OK) {
        status = look_at_sources(group, unit->organization_id, &l, err);
    }
    *out = l.found;
    return status;
}

sw_status sw__telemetry_forget_said(sw_group *group, sw_telemetry_said *said, sw_error *err)
{
    sw_value organization = {.text = said->organization_id};
    const sw_condition its = {SW_RAW_TRACE_ORGANIZATION_ID, SW_OP_EQ, &organization, 1};
    const sw_raw_trace place = {.organization_id = said->organization_id,
                                .project_id = said->project_id,
                                .unit = said->unit};
    const sw_scan scan = {.record = SW_RECORD_RAW_TRACE,
                          .conditions = &its,
                          .condition_count = 1,
                          .after = said->unit.ptr ? &place : NULL,
                          .limit = UNITS_LOOKED_AT};
    sw_rows units;
    sw_status status = sw_group_gather(group, &scan, &units, err);

    said->more = units.count == UNITS_LOOKED_AT;
    for (size_t i = 0; i < units.count && status == SW_STATUS_OK; i++) {
        sw_raw_trace *unit = (sw_raw_trace *)(void *)units.rows + i;
        bool found = false;
        said->project_id = unit->project_id;
        said->unit = unit->unit;
        if (!said->is_of || said->is_of(said->arg, unit->project_id)) {
            status = unit_says(group, unit, said->text, &found, err);
        }
        if (status == SW_STATUS_OK && found) {
            status = forget_one(group, unit, err);
            said->forgotten++;
        }
    }
    return status;
}

sw_status sw_telemetry_prune(sw_ledger *ledger, int64_t before_us, int64_t bytes, int64_t limit,
                             int64_t *removed, bool *left, sw_error *err)
{
    prune_args args = {.before_us = before_us,
                       .bytes = bytes,
                       .limit = limit > 0 && limit < SW_LIMIT_BATCH_ITEMS ? limit
                                                                          : SW_LIMIT_BATCH_ITEMS};
    sw_task task = {
        .apply = apply_prune, .arg = &args, .own_organization = true, .weight = (size_t)args.limit};
    sw_status status = sw__submit(ledger, NULL, &task, err);

    *removed = status == SW_STATUS_OK ? args.removed : 0;
    *left = status == SW_STATUS_OK && args.left;
    return status;
}
