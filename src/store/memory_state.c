/* SPDX-License-Identifier: Apache-2.0 */
/* A state of the memory store: for each record a tree by key, a tree by created_at where it has one,
 * and a tree for each unique index. Knows nothing of sessions and references.
 */
#include "store/memory.h"

void sw__mem_probe_id(sw_mem_probe *probe, const sw_record *record, sw_str id)
{
    int primary = sw_record_primary(record);
    sw_assert(primary >= 0 && record->size <= sizeof(probe->row));
    memset(probe->row, 0, record->size);
    *sw_field_str(&record->fields[primary], probe->row) = id;
}

/* ---- orders ------------------------------------------------------------------------------------- */

static sw_mem_order *new_order(sw_mem_store *store, size_t id, const sw_index *unique)
{
    sw_assert(store->order_count[id] < SW_MEM_ORDERS);
    sw_mem_order *order = &store->orders[id][store->order_count[id]++];
    *order = (sw_mem_order){.record = &sw__records[id], .unique = unique};
    return order;
}

static void record_orders_init(sw_mem_store *store, size_t id)
{
    const sw_record *record = &sw__records[id];
    sw__mem_order_add_key(new_order(store, id, NULL));
    int created_at = sw_record_field(record, SW_STR("created_at"));
    if (created_at >= 0) {
        sw_mem_order *order = new_order(store, id, NULL);
        sw__mem_order_add(order, (const uint8_t[]){(uint8_t)created_at}, 1);
        sw__mem_order_add_key(order);
    }
    int organization = sw_record_field(record, SW_STR("organization_id"));
    if (created_at >= 0 && organization >= 0) {
        sw_mem_order *order = new_order(store, id, NULL);
        sw__mem_order_add(order, (const uint8_t[]){(uint8_t)organization, (uint8_t)created_at}, 2);
        sw__mem_order_add_key(order);
    }
    for (size_t i = 0; i < record->index_count; i++) {
        const sw_index *index = &record->indexes[i];
        if (index->unique) {
            sw_mem_order *order = new_order(store, id, index);
            sw__mem_order_add(order, index->fields, index->count);
            sw__mem_order_add_key(order);
        }
    }
}

void sw__mem_orders_init(sw_mem_store *store)
{
    for (size_t id = 0; id < SW_RECORD_COUNT; id++) {
        sw_assert(sw__records[id].size <= SW_MEM_ROW_SIZE);
        record_orders_init(store, id);
    }
}

/* ---- whole states ------------------------------------------------------------------------------- */

sw_mem_state *sw__mem_state_copy(const sw_allocator *from, const sw_mem_state *like)
{
    sw_mem_state *state = sw_alloc_zeroed(from, sizeof(*state));
    if (!state) {
        return NULL;
    }
    atomic_init(&state->refs, 1);
    state->version = like ? like->version : 0;
    for (size_t id = 0; like && id < SW_RECORD_COUNT; id++) {
        for (size_t i = 0; i < SW_MEM_ORDERS; i++) {
            state->trees[id][i] = sw__mem_tree_share(like->trees[id][i]);
        }
    }
    return state;
}

void sw__mem_state_drop(const sw_allocator *from, sw_mem_state *state)
{
    if (!state || atomic_fetch_sub(&state->refs, 1) != 1) {
        return;
    }
    for (size_t id = 0; id < SW_RECORD_COUNT; id++) {
        for (size_t i = 0; i < SW_MEM_ORDERS; i++) {
            sw__mem_tree_drop(from, state->trees[id][i]);
        }
    }
    sw_free(from, state);
}

/* ---- rows --------------------------------------------------------------------------------------- */

const void *sw__mem_state_find(const sw_mem_store *store, const sw_mem_state *state,
                               sw_record_id record, const void *key)
{
    const sw_mem_row *found =
        sw__mem_tree_find(&store->orders[record][0], state->trees[record][0], key);
    return found ? found->row : NULL;
}

/* Whether the index says anything about this row: as in SQL, a null is equal to nothing; only the
 * parts of a key are values even when they are null.
 */
static bool index_holds(const sw_record *record, const sw_index *index, const void *row)
{
    for (size_t i = 0; i < index->count; i++) {
        const sw_field *field = &record->fields[index->fields[i]];
        if (!sw__field_is_key(field) && sw_field_is_null(field, row)) {
            return false;
        }
    }
    if (index->present && sw_field_is_null(&record->fields[index->present], row)) {
        return false;
    }
    return !index->only || sw_int_eq(sw_field_number(&record->fields[index->only], row),
                                     sw_int_of(index->only_value));
}

typedef struct same_values {
    const sw_mem_order *order;
    const void *row;
} same_values;

static bool is_less(const void *arg, const void *row)
{
    const same_values *same = arg;
    return sw__mem_order_cmp(same->order, same->order->unique->count, row, same->row) < 0;
}

static bool is_taken(const sw_mem_order *order, const sw_mem_node *tree, const void *row)
{
    same_values same = {order, row};
    sw_mem_walk walk;
    sw__mem_walk_start(&walk, tree, false, is_less, &same);
    for (sw_mem_row *at = sw__mem_walk_next(&walk); at; at = sw__mem_walk_next(&walk)) {
        if (sw__mem_order_cmp(order, order->unique->count, at->row, row) != 0) {
            return false;
        }
        if (index_holds(order->record, order->unique, at->row) &&
            sw_row_cmp_key(order->record, at->row, row) != 0) {
            return true;
        }
    }
    return false;
}

const sw_index *sw__mem_state_taken(const sw_mem_store *store, const sw_mem_state *state,
                                    sw_record_id record, const void *row)
{
    for (size_t i = 0; i < store->order_count[record]; i++) {
        const sw_mem_order *order = &store->orders[record][i];
        if (order->unique && index_holds(order->record, order->unique, row) &&
            is_taken(order, state->trees[record][i], row)) {
            return order->unique;
        }
    }
    return NULL;
}

/* A tree with `old` out and `fresh` in; one path is made when both have the same place. */
static sw_mem_node *exchange(sw_mem_build *build, sw_mem_node *tree, const void *old,
                             sw_mem_row *fresh)
{
    const sw_mem_order *order = build->order;
    if (!old || (fresh && sw__mem_order_cmp(order, order->count, old, fresh->row) == 0)) {
        return sw__mem_tree_insert(build, tree, fresh);
    }
    sw_mem_node *without = sw__mem_tree_remove(build, tree, old);
    if (!fresh || build->failed) {
        return without;
    }
    sw_mem_node *with = sw__mem_tree_insert(build, without, fresh);
    sw__mem_tree_drop(build->from, without);
    return with;
}

/* Makes all trees of the record anew, then takes all or none. */
static bool exchange_all(const sw_mem_store *store, sw_mem_state *state, sw_record_id record,
                         const void *old, sw_mem_row *fresh)
{
    const sw_allocator *from = &store->head.allocator;
    sw_mem_build build = {.from = from};
    sw_mem_node *trees[SW_MEM_ORDERS] = {NULL};
    size_t made = 0;
    for (; made < store->order_count[record] && !build.failed; made++) {
        build.order = &store->orders[record][made];
        trees[made] = exchange(&build, state->trees[record][made], old, fresh);
    }
    for (size_t i = 0; i < made; i++) {
        if (build.failed) {
            sw__mem_tree_drop(from, trees[i]);
            continue;
        }
        sw__mem_tree_drop(from, state->trees[record][i]);
        state->trees[record][i] = trees[i];
    }
    return !build.failed;
}

bool sw__mem_state_change(const sw_mem_store *store, sw_mem_state *state, sw_record_id record,
                          const void *old, const void *row)
{
    const sw_allocator *from = &store->head.allocator;
    sw_mem_row *fresh = NULL;
    if (row) {
        fresh = sw__mem_row_take(from, sw_row_clone(sw_record_of(record), row, from));
        if (!fresh) {
            return false;
        }
    }
    bool done = (!old && !fresh) || exchange_all(store, state, record, old, fresh);
    sw__mem_row_drop(from, fresh);
    return done;
}
