/* SPDX-License-Identifier: Apache-2.0 */
/* What happens inside one group besides the records themselves: the journal, the sums, and what the
 * writer remembers so that a step costs no more look-ups than it must.
 *
 * Sums are gathered in memory and written once when the group ends, so that a thousand steps of one
 * organization move its cells once. What is remembered between groups (which parents exist, how far an
 * organization has counted) is forgotten whenever somebody else may have written, or a group failed.
 */
#include "ledger/price.h"
#include "ledger/table.h"

enum { HEADS_FULL = SW_HEADS / 2 - 1 };

/* ---- life --------------------------------------------------------------------------------------- */

sw_status sw_group_init(sw_group *group, sw_ledger *ledger, sw_error *err)
{
    group->ledger = ledger;
    sw_arena_init(&group->arena, &ledger->allocator, 0);
    sw_buf_init(&group->digest, &ledger->allocator, 0);
    sw_arena_init(&group->hook_arena, &ledger->allocator, 0);
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
        sw_arena_fini(&group->hook_arena);
        sw__price_book_free(&group->prices, &group->ledger->allocator);
        sw_buf_fini(&group->digest);
        memset(group, 0, sizeof *group);
    }
}

void sw_group_forget_known(sw_group *group)
{
    if (group->knows) { /* or the memory would be touched only to be zero, as it is */
        memset(group->known, 0, SW_KNOWN * sizeof *group->known);
        group->knows = false;
    }
}

void sw_group_forget(sw_group *group)
{
    sw_group_forget_known(group);
    group->hooks_loaded = false;
    sw__price_book_forget(group->prices);
    if (group->head_count > 0) {
        memset(group->heads, 0, SW_HEADS * sizeof *group->heads);
        group->head_count = 0;
    }
    group->dirty = NULL;
    group->dirty_count = 0;
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

/* ---- sums --------------------------------------------------------------------------------------- */

static uint64_t cell_hash(const void *entry)
{
    return ((const sw_cell *)entry)->hash;
}

static bool cell_same(const sw_group *group, const void *entry, uint64_t hash, size_t which,
                      const void *key)
{
    const sw_cell *cell = entry;
    return cell->hash == hash && cell->which == which &&
           sw__same_key(group, sw__rollups[which].record, cell->key, key);
}

sw_cell *sw_group_make_cell(sw_group *group, size_t which, const void *key)
{
    const sw_record *record = sw_record_of(sw__rollups[which].record);
    uint64_t hash = sw__key_hash(group, sw__rollups[which].record, key);
    void **slot = sw__table_slot(group, &group->cells, cell_hash, cell_same, hash, which, key);
    sw_cell *cell = slot ? *slot : NULL;

    if (slot && !cell) {
        cell = sw_arena_zeroed(&group->arena, sizeof *cell);
        if (cell) {
            *cell =
                (sw_cell){.which = which, .hash = hash, .key = sw__copy_key(group, record, key)};
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
        if (!cell || !sw__same_key(group, sw__rollups[which].record, cell->key, &key)) {
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
    uint64_t hash = sw__key_hash(group, sw__rollups[which].record, key);
    void **slot = group->cells.size == 0 ? NULL
                                         : sw__table_slot(group, &group->cells, cell_hash,
                                                          cell_same, hash, which, key);
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

/* The cells of one rollup, all at once. A run that was deleted in this group took its totals with it. */
static sw_status flush_rollup(sw_group *group, size_t which, const void **rows, sw_error *err)
{
    const sw_rollup *rollup = &sw__rollups[which];
    size_t count = 0;

    for (size_t i = 0; i < group->cells.size; i++) {
        sw_cell *cell = group->cells.slots[i];
        if (cell && cell->which == which && !sums_are_zero(&cell->sums)) {
            sw_sums_to_row(rollup, &cell->sums, cell->key);
            rows[count++] = cell->key;
        }
    }
    return count ? sw_store_add_many(group->session, rollup->record, rows, count, err)
                 : SW_STATUS_OK;
}

static sw_status flush_cells(sw_group *group, sw_error *err)
{
    const void **rows = sw_arena_alloc(&group->arena, (group->cells.count + 1) * sizeof *rows);
    sw_status status = rows ? SW_STATUS_OK : sw_no_memory(err);

    for (size_t which = 0; which < SW_ROLLUP_COUNT && status == SW_STATUS_OK; which++) {
        status = flush_rollup(group, which, rows, err);
    }
    return status;
}

static sw_status flush_heads(sw_group *group, sw_error *err)
{
    sw_journal_head *heads =
        sw_arena_alloc(&group->arena, (group->dirty_count + 1) * sizeof *heads);
    const void **rows = sw_arena_alloc(&group->arena, (group->dirty_count + 1) * sizeof *rows);
    sw_status status = SW_STATUS_OK;
    size_t count = 0;

    if (!heads || !rows) {
        return sw_no_memory(err);
    }
    for (sw_head *head = group->dirty; head; head = head->next_dirty, count++) {
        heads[count] = (sw_journal_head){.organization_id = sw_str_from(head->organization_id),
                                         .seq = sw_int_of(head->seq),
                                         .sequence_id = sw_int_of(head->sequence_id),
                                         .runs = sw_int_of(head->runs)};
        rows[count] = &heads[count];
    }
    sw_assert(count == group->dirty_count);
    if (count > 0) {
        status = sw_store_put_many(group->session, SW_RECORD_JOURNAL_HEAD, rows, count, err);
    }
    for (sw_head *head = group->dirty; head && status == SW_STATUS_OK; head = head->next_dirty) {
        head->dirty = false;
    }
    if (status == SW_STATUS_OK) {
        group->dirty = NULL;
        group->dirty_count = 0;
    }
    return status;
}

sw_status sw_group_flush(sw_group *group, sw_error *err)
{
    sw_status status = flush_cells(group, err);

    if (status == SW_STATUS_OK) {
        status = sw__spreads_flush(group, err);
    }
    if (status == SW_STATUS_OK) {
        status = sw_group_flush_journal(group, err);
    }
    return status == SW_STATUS_OK ? flush_heads(group, err) : status;
}
