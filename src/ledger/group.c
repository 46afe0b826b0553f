/* SPDX-License-Identifier: Apache-2.0 */
/* What happens inside one group besides the records themselves: the journal, the sums, and what the
 * writer remembers so that a step costs no more look-ups than it must.
 *
 * Sums are gathered in memory and written once when the group ends, so that a thousand steps of one
 * organization move its cells once. What is remembered between groups (which parents exist, how far an
 * organization has counted) is forgotten whenever somebody else may have written, or a group failed.
 */
#include "ledger/internal.h"

enum { TABLE_START = 256, HEADS_FULL = SW_HEADS / 2 - 1 };

/* ---- life --------------------------------------------------------------------------------------- */

sw_status sw_group_init(sw_group *group, sw_ledger *ledger, sw_error *err)
{
    group->ledger = ledger;
    sw_arena_init(&group->arena, &ledger->allocator, 0);
    sw_buf_init(&group->digest, &ledger->allocator, 0);
    group->known = sw_alloc_zeroed(&ledger->allocator, SW_KNOWN * sizeof *group->known);
    group->heads = sw_alloc_zeroed(&ledger->allocator, SW_HEADS * sizeof *group->heads);
    return group->known && group->heads ? SW_STATUS_OK : sw_no_memory(err);
}

void sw_group_fini(sw_group *group)
{
    if (group->ledger) {
        sw_free(&group->ledger->allocator, group->known);
        sw_free(&group->ledger->allocator, group->heads);
        sw_arena_fini(&group->arena);
        sw_buf_fini(&group->digest);
        memset(group, 0, sizeof *group);
    }
}

void sw_group_forget_known(sw_group *group)
{
    memset(group->known, 0, SW_KNOWN * sizeof *group->known);
}

void sw_group_forget(sw_group *group)
{
    sw_group_forget_known(group);
    memset(group->heads, 0, SW_HEADS * sizeof *group->heads);
    group->head_count = 0;
}

void sw_group_start(sw_group *group, sw_session *session)
{
    sw_ledger *ledger = group->ledger;

    sw_arena_reset(&group->arena);
    group->session = session;
    group->now_us = ledger->clock.wall_us(ledger->clock.data);
    group->lease_us = sw__lease_now(ledger);
    group->broken = SW_STATUS_OK;
    group->removed = false;
    group->entries = NULL;
    group->entry_count = group->entry_room = 0;
    memset(&group->cells, 0, sizeof group->cells);
    memset(group->last, 0, sizeof group->last);
    memset(&group->spreads, 0, sizeof group->spreads);
    if (group->head_count > HEADS_FULL) {
        sw_group_forget(group);
    }
}

int64_t sw_group_tick(sw_group *group)
{
    return group->now_us++;
}

sw_status sw_group_may(sw_group *group, sw_status status, sw_status allowed, sw_error *err)
{
    if (status != SW_STATUS_OK && status != allowed && group->broken == SW_STATUS_OK) {
        group->broken = status;
        if (err) {
            group->broken_error = *err;
        }
        group->broken_error.status = status;
    }
    return status;
}

sw_status sw_group_must(sw_group *group, sw_status status, sw_error *err)
{
    return sw_group_may(group, status, SW_STATUS_OK, err);
}

static sw_status group_no_memory(sw_group *group, sw_error *err)
{
    return sw_group_must(group, sw_no_memory(err), err);
}

/* ---- tables of pointers ------------------------------------------------------------------------- */

/* Both kinds of entry begin by telling record and key apart through these. */
typedef bool same_entry(const void *entry, uint64_t hash, size_t which, const void *key);
typedef uint64_t hash_entry(const void *entry);

static uint64_t key_hash(const sw_record *record, const void *key)
{
    uint64_t hash = 0x9e3779b97f4a7c15u;

    for (size_t i = 0; i < record->field_count; i++) {
        const sw_field *field = &record->fields[i];
        if (!(field->flags & (SW_PRIMARY | SW_KEY_PART))) {
            continue;
        }
        if (sw_kind_is_text(field->kind)) {
            sw_str text = sw_field_text(field, key);
            hash = sw_hash(hash, text.ptr ? text.ptr : "", text.len);
        } else {
            int64_t value = sw_field_number(field, key).value;
            hash = sw_hash(hash, &value, sizeof value);
        }
    }
    return hash;
}

static bool table_grow(sw_group *group, sw_table *table, hash_entry *hash_of)
{
    size_t size = table->size ? table->size * 2 : TABLE_START;
    void **slots = sw_arena_zeroed(&group->arena, size * sizeof *slots);

    if (!slots) {
        return false;
    }
    for (size_t i = 0; i < table->size; i++) {
        if (table->slots[i]) {
            size_t at = hash_of(table->slots[i]) & (size - 1);
            while (slots[at]) {
                at = (at + 1) & (size - 1);
            }
            slots[at] = table->slots[i];
        }
    }
    table->slots = slots;
    table->size = size;
    return true;
}

/* The slot of the entry, or the empty slot where it belongs; NULL: no memory. */
static void **table_slot(sw_group *group, sw_table *table, hash_entry *hash_of, same_entry *same,
                         uint64_t hash, size_t which, const void *key)
{
    size_t at = 0;

    if (table->count * 2 >= table->size && !table_grow(group, table, hash_of)) {
        return NULL;
    }
    at = hash & (table->size - 1);
    while (table->slots[at] && !same(table->slots[at], hash, which, key)) {
        at = (at + 1) & (table->size - 1);
    }
    return &table->slots[at];
}

static void *copy_key(sw_group *group, const sw_record *record, const void *key)
{
    void *copy = sw_arena_zeroed(&group->arena, record->size);
    return copy && sw_row_copy(record, copy, key, &group->arena) ? copy : NULL;
}

/* ---- sums --------------------------------------------------------------------------------------- */

static uint64_t cell_hash(const void *entry)
{
    return ((const sw_cell *)entry)->hash;
}

static bool cell_same(const void *entry, uint64_t hash, size_t which, const void *key)
{
    const sw_cell *cell = entry;
    return cell->hash == hash && cell->which == which &&
           sw_row_cmp_key(sw_record_of(sw__rollups[which].record), cell->key, key) == 0;
}

sw_cell *sw_group_make_cell(sw_group *group, size_t which, const void *key)
{
    const sw_record *record = sw_record_of(sw__rollups[which].record);
    uint64_t hash = key_hash(record, key) + which;
    void **slot = table_slot(group, &group->cells, cell_hash, cell_same, hash, which, key);
    sw_cell *cell = slot ? *slot : NULL;

    if (slot && !cell) {
        cell = sw_arena_zeroed(&group->arena, sizeof *cell);
        if (cell) {
            *cell = (sw_cell){.which = which, .hash = hash, .key = copy_key(group, record, key)};
            cell = cell->key ? cell : NULL;
        }
        if (cell) {
            *slot = cell;
            group->cells.count++;
        }
    }
    return cell;
}

sw_status sw_group_count(sw_group *group, const sw_step *step, int sign, sw_error *err)
{
    union { /* room for any rollup's key */
        sw_usage_project_day a;
        sw_usage_org_hour b;
        sw_usage_model_day c;
        sw_usage_agent_day d;
        sw_run_metrics e;
    } key;
    sw_sums delta;

    if (step->retired_into.ptr) {
        return SW_STATUS_OK;
    }
    sw_sums_of_step(step, &delta);
    for (size_t which = 0; which < SW_ROLLUP_COUNT; which++) {
        sw_cell *cell = NULL;
        if (!sw_rollup_key(which, step, &key)) {
            continue;
        }
        cell = group->last[which];
        if (!cell ||
            sw_row_cmp_key(sw_record_of(sw__rollups[which].record), cell->key, &key) != 0) {
            cell = sw_group_make_cell(group, which, &key);
        }
        if (!cell) {
            return group_no_memory(group, err);
        }
        group->last[which] = cell;
        sw_sums_add(&cell->sums, &delta, sign);
    }
    return SW_STATUS_OK;
}

sw_cell *sw_group_find_cell(sw_group *group, size_t which, const void *key)
{
    uint64_t hash = key_hash(sw_record_of(sw__rollups[which].record), key) + which;
    void **slot = group->cells.size == 0
                      ? NULL
                      : table_slot(group, &group->cells, cell_hash, cell_same, hash, which, key);
    return slot ? *slot : NULL;
}

void sw_group_drop_run(sw_group *group, sw_str run_id)
{
    sw_run_metrics key = {.id = run_id};
    sw_cell *cell = sw_group_make_cell(group, SW_ROLLUP_RUN, &key);

    if (cell) { /* without memory there is no such cell yet, and nothing to forget */
        memset(&cell->sums, 0, sizeof cell->sums);
    }
}

static bool sums_are_zero(const sw_sums *sums)
{
    for (size_t i = 0; i < SW_SUMS; i++) {
        if (sums->v[i] != 0) {
            return false;
        }
    }
    return true;
}

static sw_status flush_cells(sw_group *group, sw_error *err)
{
    for (size_t i = 0; i < group->cells.size; i++) {
        sw_cell *cell = group->cells.slots[i];
        const sw_rollup *rollup = NULL;
        sw_status status = SW_STATUS_OK;
        if (!cell || sums_are_zero(&cell->sums)) {
            continue;
        }
        rollup = &sw__rollups[cell->which];
        sw_sums_to_row(rollup, &cell->sums, cell->key);
        status = sw_store_add(group->session, rollup->record, cell->key, err);
        if (status == SW_STATUS_NOT_FOUND && cell->which == SW_ROLLUP_RUN) {
            continue; /* the run was deleted in this group, and its totals with it */
        }
        if (status != SW_STATUS_OK) {
            return status;
        }
    }
    return SW_STATUS_OK;
}

/* ---- histograms --------------------------------------------------------------------------------- */

static uint64_t spread_hash(const void *entry)
{
    return ((const sw_spread *)entry)->hash;
}

static bool spread_same(const void *entry, uint64_t hash, size_t which, const void *key)
{
    const sw_spread *spread = entry;
    return spread->hash == hash && (size_t)spread->record == which &&
           sw_row_cmp_key(sw_record_of(spread->record), spread->key, key) == 0;
}

static sw_spread *spread_of(sw_group *group, sw_record_id id, const void *key)
{
    const sw_record *record = sw_record_of(id);
    uint64_t hash = key_hash(record, key) + (uint64_t)id;
    void **slot =
        table_slot(group, &group->spreads, spread_hash, spread_same, hash, (size_t)id, key);
    sw_spread *spread = slot ? *slot : NULL;

    if (slot && !spread) {
        spread = sw_arena_zeroed(&group->arena, sizeof *spread);
        if (spread) {
            *spread = (sw_spread){.record = id, .hash = hash, .key = copy_key(group, record, key)};
            spread->delta = sw_arena_zeroed(&group->arena, 3 * sizeof *spread->delta);
            spread = spread->key && spread->delta ? spread : NULL;
        }
        if (spread) {
            *slot = spread;
            group->spreads.count++;
        }
    }
    return spread;
}

sw_spread *sw_group_find_spread(sw_group *group, sw_record_id id, const void *key)
{
    uint64_t hash = key_hash(sw_record_of(id), key) + (uint64_t)id;
    void **slot = group->spreads.size == 0 ? NULL
                                           : table_slot(group, &group->spreads, spread_hash,
                                                        spread_same, hash, (size_t)id, key);
    return slot ? *slot : NULL;
}

sw_status sw_group_carry_spreads(sw_group *to, const sw_group *from, sw_record_id record,
                                 sw_error *err)
{
    for (size_t i = 0; i < from->spreads.size; i++) {
        const sw_spread *spread = from->spreads.slots[i];
        sw_spread *sum = NULL;
        if (!spread || spread->record != record) {
            continue;
        }
        sum = spread_of(to, record, spread->key);
        if (!sum) {
            return sw_no_memory(err);
        }
        for (size_t k = 0; k < 3 * (size_t)SW_BUCKETS; k++) {
            sum->delta[k / SW_BUCKETS][k % SW_BUCKETS] +=
                spread->delta[k / SW_BUCKETS][k % SW_BUCKETS];
        }
    }
    return SW_STATUS_OK;
}

static void spread_move(sw_spread *spread, const sw_step_metrics *metrics, int sign)
{
    const sw_int times[3] = {metrics->step_ns, metrics->llm_request_ns, metrics->tool_execution_ns};

    for (size_t i = 0; i < 3; i++) {
        if (times[i].known) {
            spread->delta[i][sw_bucket_of(times[i].value)] += sign;
        }
    }
}

sw_status sw_group_time(sw_group *group, const sw_step *step, const sw_step_metrics *metrics,
                        int sign, sw_error *err)
{
    sw_int day = sw_int_of(sw_time_day(step->created_at.value));
    sw_latency_org_day by_org = {.organization_id = step->organization_id, .day = day};
    sw_latency_model_day by_model = {.model = step->model, .day = day};
    sw_spread *one = NULL;
    sw_spread *two = NULL;

    if (step->retired_into.ptr || (!metrics->step_ns.known && !metrics->llm_request_ns.known &&
                                   !metrics->tool_execution_ns.known)) {
        return SW_STATUS_OK;
    }
    one = spread_of(group, SW_RECORD_LATENCY_ORG_DAY, &by_org);
    two = spread_of(group, SW_RECORD_LATENCY_MODEL_DAY, &by_model);
    if (!one || !two) {
        return group_no_memory(group, err);
    }
    spread_move(one, metrics, sign);
    spread_move(two, metrics, sign);
    return SW_STATUS_OK;
}

/* The three histogram fields of either latency record, in the order of sw_spread.delta. */
static void spread_fields(sw_record_id record, void *row, sw_str *fields[3])
{
    if (record == SW_RECORD_LATENCY_ORG_DAY) {
        sw_latency_org_day *cell = row;
        fields[0] = &cell->step_time;
        fields[1] = &cell->model_time;
        fields[2] = &cell->tool_time;
    } else {
        sw_latency_model_day *cell = row;
        fields[0] = &cell->step_time;
        fields[1] = &cell->model_time;
        fields[2] = &cell->tool_time;
    }
}

static sw_status spread_apply(sw_group *group, const int32_t *delta, sw_str *field, sw_error *err)
{
    sw_histogram sum = {.count = {0}};
    sw_buf buf;
    sw_status status = SW_STATUS_OK;

    if (!sw_histogram_add(&sum, *field)) {
        return sw_fail(err, SW_STATUS_CORRUPT, "", "a latency histogram is damaged");
    }
    for (size_t i = 0; i < SW_BUCKETS; i++) {
        sum.count[i] += delta[i];
    }
    sw_buf_init(&buf, &group->ledger->allocator, 0);
    sw_histogram_encode(&sum, &buf);
    status = buf.status;
    *field = buf.len ? sw_arena_str(&group->arena, sw_buf_str(&buf)) : SW_NULL_STR;
    if (status != SW_STATUS_OK || (buf.len && !field->ptr)) {
        status = sw_no_memory(err);
    }
    sw_buf_fini(&buf);
    return status;
}

static sw_status flush_spread(sw_group *group, sw_spread *spread, sw_error *err)
{
    const sw_record *record = sw_record_of(spread->record);
    void *row = sw_arena_zeroed(&group->arena, record->size);
    sw_str *fields[3];
    sw_status status = SW_STATUS_OK;

    if (!row) {
        return sw_no_memory(err);
    }
    status = sw_store_get(group->session, spread->record, spread->key, &group->arena, row, err);
    if (status == SW_STATUS_NOT_FOUND) {
        memcpy(row, spread->key, record->size);
        status = SW_STATUS_OK;
    }
    spread_fields(spread->record, row, fields);
    for (size_t i = 0; i < 3 && status == SW_STATUS_OK; i++) {
        status = spread_apply(group, spread->delta[i], fields[i], err);
    }
    return status == SW_STATUS_OK ? sw_store_put(group->session, spread->record, row, err) : status;
}

static sw_status flush_heads(sw_group *group, sw_error *err)
{
    for (size_t i = 0; i < SW_HEADS && group->head_count > 0; i++) {
        sw_head *head = &group->heads[i];
        sw_journal_head row = {.organization_id = sw_str_from(head->organization_id),
                               .seq = sw_int_of(head->seq),
                               .sequence_id = sw_int_of(head->sequence_id)};
        sw_status status = SW_STATUS_OK;
        if (!head->dirty) {
            continue;
        }
        status = sw_store_put(group->session, SW_RECORD_JOURNAL_HEAD, &row, err);
        if (status != SW_STATUS_OK) {
            return status;
        }
        head->dirty = false;
    }
    return SW_STATUS_OK;
}

sw_status sw_group_flush(sw_group *group, sw_error *err)
{
    sw_status status = flush_cells(group, err);

    for (size_t i = 0; i < group->spreads.size && status == SW_STATUS_OK; i++) {
        if (group->spreads.slots[i]) {
            status = flush_spread(group, group->spreads.slots[i], err);
        }
    }
    if (status == SW_STATUS_OK) {
        status = sw_group_flush_journal(group, err);
    }
    return status == SW_STATUS_OK ? flush_heads(group, err) : status;
}
