/* SPDX-License-Identifier: Apache-2.0 */
/* Scans of the memory store: choose a tree that has the order asked for (or make one for this scan),
 * walk it between the bounds that the conditions put on its fields, test every row. Knows nothing of
 * writing.
 */
#include "store/memory.h"

/* ---- bounds ------------------------------------------------------------------------------------- */

static const sw_condition *bound_by(const sw_condition *conditions, size_t count, uint8_t field,
                                    sw_op op)
{
    for (size_t i = 0; i < count; i++) {
        if (conditions[i].field == field && conditions[i].op == op) {
            return &conditions[i];
        }
    }
    return NULL;
}

static void set_value(const sw_field *field, void *row, const sw_value *value)
{
    if (sw_kind_is_text(field->kind)) {
        *sw_field_str(field, row) = value->text;
    } else {
        *sw_field_int(field, row) = sw_int_of(value->number);
    }
}

/* Where the row's field lies: below 0 before the value of EQ, 0 at it, else behind. */
static int against(const sw_record *record, const sw_condition *equal, const void *row)
{
    const sw_field *field = &record->fields[equal->field];
    sw_mem_probe probe;
    set_value(field, probe.row, equal->values);
    return sw_field_cmp(field, row, probe.row);
}

/* Where the row lies between the bounds that lower and upper conditions put on one field. */
static int within(const sw_mem_cursor *cursor, uint8_t field, const void *row)
{
    static const sw_op ops[] = {SW_OP_GT, SW_OP_GE, SW_OP_LT, SW_OP_LE};
    const sw_record *record = cursor->order->record;
    for (size_t i = 0; i < SW_COUNT(ops); i++) {
        const sw_condition *c =
            bound_by(cursor->conditions, cursor->condition_count, field, ops[i]);
        if (c && !sw_condition_holds(record, c, row)) {
            /* Nulls satisfy no bound and come before all values. */
            return i < 2 || sw_field_is_null(&record->fields[field], row) ? -1 : 1;
        }
    }
    return 0;
}

/* Where the row lies in the order: -1 before all rows that can match, 1 behind them, 0 among them. */
static int side(const sw_mem_cursor *cursor, const void *row)
{
    for (size_t i = 0; i < cursor->order->count; i++) {
        uint8_t field = cursor->order->fields[i];
        const sw_condition *equal =
            bound_by(cursor->conditions, cursor->condition_count, field, SW_OP_EQ);
        if (!equal) {
            return within(cursor, field, row);
        }
        int c = against(cursor->order->record, equal, row);
        if (c != 0) {
            return c < 0 ? -1 : 1;
        }
    }
    return 0;
}

/* ---- the cursor --------------------------------------------------------------------------------- */

static bool lies_before(const void *arg, const void *row)
{
    const sw_mem_cursor *cursor = arg;
    int at = side(cursor, row);
    if (at != 0) {
        return cursor->descending ? at > 0 : at < 0;
    }
    if (!cursor->after) {
        return false;
    }
    const sw_mem_order *order = cursor->after_order;
    int c = sw__mem_order_cmp(order, order->count, row, cursor->after);
    return cursor->descending ? c >= 0 : c <= 0;
}

void sw__mem_cursor_start(sw_mem_cursor *cursor, const sw_mem_node *tree)
{
    sw__mem_walk_start(&cursor->walk, tree, cursor->descending, lies_before, cursor);
}

const void *sw__mem_cursor_next(sw_mem_cursor *cursor)
{
    const sw_mem_row *next = sw__mem_walk_next(&cursor->walk);
    return next && side(cursor, next->row) == 0 ? next->row : NULL;
}

size_t sw__mem_best_order(const sw_mem_store *store, sw_record_id record,
                          const sw_condition *conditions, size_t count)
{
    size_t best = 0, most = 0;
    for (size_t i = 0; i < store->order_count[record]; i++) {
        const sw_mem_order *order = &store->orders[record][i];
        size_t bound = 0;
        while (bound < order->count &&
               bound_by(conditions, count, order->fields[bound], SW_OP_EQ)) {
            bound++;
        }
        if (bound > most) {
            most = bound;
            best = i;
        }
    }
    return best;
}

/* ---- bodies of messages ------------------------------------------------------------------------- */

static const sw_message_body *body_of(const sw_mem_store *store, const sw_mem_state *state,
                                      const sw_message *message)
{
    sw_message_body key = {.organization_id = message->organization_id,
                           .digest = message->body_hash};
    if (!message->body_hash.ptr) {
        return NULL;
    }
    return sw__mem_state_find(store, state, SW_RECORD_MESSAGE_BODY, &key);
}

void sw__mem_fill_shared(const sw_mem_store *store, const sw_mem_state *state, sw_record_id record,
                         void *row)
{
    if (record != SW_RECORD_MESSAGE) {
        return;
    }
    sw_message *message = row;
    const sw_message_body *body = body_of(store, state, message);
    message->text = body ? body->text : SW_NULL_STR;
    message->content = body ? body->content : SW_NULL_STR;
    message->tool_calls = body ? body->tool_calls : SW_NULL_STR;
    message->tool_returns = body ? body->tool_returns : SW_NULL_STR;
    if (!message->tool_calls.ptr) {
        const sw_record *model = sw_record_of(SW_RECORD_MESSAGE);
        message->tool_calls = sw_str_from(model->fields[SW_MESSAGE_TOOL_CALLS].fallback);
    }
}

/* ---- the order ---------------------------------------------------------------------------------- */

/* The condition that leaves the field one value, which is also that of `after`; or NULL. Such a field
 * does not order anything: rows in which it differs are not shown.
 */
static const sw_condition *fixed_by(const sw_scan *scan, uint8_t field)
{
    const sw_condition *equal = bound_by(scan->conditions, scan->condition_count, field, SW_OP_EQ);
    bool elsewhere =
        equal && scan->after && against(sw_record_of(scan->record), equal, scan->after) != 0;
    return elsewhere ? NULL : equal;
}

/* The order asked for, as the scan says it. */
static sw_mem_order order_of(const sw_scan *scan)
{
    sw_mem_order order = {.record = sw_record_of(scan->record)};
    sw__mem_order_add(&order, scan->order, scan->order_count);
    if (scan->order_count == 0) {
        sw__mem_order_add_key(&order);
    }
    return order;
}

/* Whether the tree has the order, when its fields that are bound to one value are passed over. Behind a field
 * that is not bound the rows of other values lie in between; a place is searched for by halving, and they
 * would lead it astray. */
static bool has_order(const sw_mem_order *tree, const sw_mem_order *asked, const sw_scan *scan)
{
    size_t i = 0;
    for (size_t j = 0; j < asked->count; j++) {
        bool may_pass = j == 0 || !scan->after;
        while (may_pass && i < tree->count && tree->fields[i] != asked->fields[j] &&
               bound_by(scan->conditions, scan->condition_count, tree->fields[i], SW_OP_EQ)) {
            i++;
        }
        if (i == tree->count || tree->fields[i++] != asked->fields[j]) {
            return false;
        }
    }
    return true;
}

/* Puts the rows into a tree of their own that has the order; where it leaves a choice, the key decides.
 * `limit` rows at the most (0: all): one more, and *many is true. */
static sw_mem_node *sorted(const sw_mem_store *store, sw_mem_build *build, sw_mem_cursor *cursor,
                           const sw_mem_node *tree, int64_t limit, bool *many)
{
    sw_mem_node *made = NULL;
    int64_t count = 0;
    sw__mem_walk_start(&cursor->walk, tree, false, lies_before, cursor);
    for (sw_mem_row *row = sw__mem_walk_next(&cursor->walk); row && !build->failed;
         row = sw__mem_walk_next(&cursor->walk)) {
        if (side(cursor, row->row) != 0) {
            break;
        }
        *many = limit > 0 && count++ == limit;
        if (*many) {
            break;
        }
        sw_mem_node *with = sw__mem_tree_insert(build, made, row);
        sw__mem_tree_drop(&store->head.allocator, made);
        made = with;
    }
    return made;
}

/* ---- the scan ----------------------------------------------------------------------------------- */

typedef struct look {
    const sw_mem_store *store;
    const sw_mem_state *state;
    const sw_scan *scan;
    sw_mem_order asked; /* without the fields that are fixed */
    sw_scan_end *end;
    const void *last; /* row looked at */
} look;

static bool all_hold(const sw_scan *scan, const void *row)
{
    for (size_t i = 0; i < scan->condition_count; i++) {
        if (!sw_condition_holds(sw_record_of(scan->record), &scan->conditions[i], row)) {
            return false;
        }
    }
    return true;
}

/* Looks at one row; false when the visit or the limit ends the scan. */
static bool look_at(look *at, const void *stored, sw_visit *visit, void *arg)
{
    const sw_scan *scan = at->scan;
    sw_mem_probe filled;
    const void *row = stored;
    at->last = stored;
    at->end->looked++;
    if (scan->record == SW_RECORD_MESSAGE) {
        memcpy(filled.row, stored, sw_record_of(scan->record)->size);
        sw__mem_fill_shared(at->store, at->state, scan->record, filled.row);
        row = filled.row;
    }
    if (!all_hold(scan, row)) {
        return true;
    }
    sw_seen seen = visit(arg, row);
    at->end->counted += seen == SW_SEEN_COUNT;
    return seen != SW_SEEN_STOP && (scan->limit == 0 || at->end->counted < scan->limit);
}

static void look_through(look *at, sw_mem_cursor *cursor, sw_visit *visit, void *arg)
{
    const sw_scan *scan = at->scan;
    at->end->exhausted = false;
    for (const void *row = sw__mem_cursor_next(cursor); row; row = sw__mem_cursor_next(cursor)) {
        if ((scan->look_limit > 0 && at->end->looked == scan->look_limit) ||
            !look_at(at, row, visit, arg)) {
            return;
        }
    }
    at->end->exhausted = true;
}

/* Notes where the scan stood, so that another can go on from there. A fixed field is told as it was
 * asked for: the last row looked at may have been one in which it differs.
 */
static sw_status tell_place(const look *at, sw_error *err)
{
    const sw_scan *scan = at->scan;
    const sw_mem_order order = order_of(scan);
    for (size_t i = 0; at->last && scan->place && i < order.count; i++) {
        const sw_field *field = &order.record->fields[order.fields[i]];
        const sw_condition *fixed = fixed_by(scan, order.fields[i]);
        sw_mem_probe probe;
        if (fixed) {
            set_value(field, probe.row, fixed->values);
        }
        const void *row = fixed ? probe.row : at->last;
        sw_field_copy(field, scan->place, row);
        if (sw_kind_is_text(field->kind) && !sw_field_is_null(field, row)) {
            sw_str copy = sw_arena_str(scan->place_arena, sw_field_text(field, row));
            *sw_field_str(field, scan->place) = copy;
            if (!copy.ptr) {
                return sw_no_memory(err);
            }
        }
    }
    return SW_STATUS_OK;
}

/* No tree has the order: sort first. Bounds are taken from the conditions in the first walk only. */
static sw_status scan_sorted(look *at, sw_visit *visit, void *arg, sw_error *err)
{
    const sw_scan *scan = at->scan;
    const sw_allocator *from = &at->store->head.allocator;
    size_t tree =
        sw__mem_best_order(at->store, scan->record, scan->conditions, scan->condition_count);
    sw_mem_order order = at->asked;
    sw__mem_order_add_key(&order);
    sw_mem_build build = {.from = from, .order = &order};
    sw_mem_cursor all = {.order = &at->store->orders[scan->record][tree],
                         .conditions = scan->conditions,
                         .condition_count = scan->condition_count};
    bool many = false;
    sw_mem_node *made = sorted(at->store, &build, &all, at->state->trees[scan->record][tree],
                               scan->sort_limit, &many);
    sw_mem_cursor cursor = {.order = &order,
                            .descending = scan->descending,
                            .after_order = &at->asked,
                            .after = scan->after};
    sw_status status = build.failed ? sw_no_memory(err) : SW_STATUS_OK;
    at->end->unsorted = many;
    if (status == SW_STATUS_OK && !many) {
        sw__mem_cursor_start(&cursor, made);
        look_through(at, &cursor, visit, arg);
        status = tell_place(at, err);
    }
    sw__mem_tree_drop(from, made);
    return status;
}

static sw_status scan_tree(look *at, size_t tree, sw_visit *visit, void *arg, sw_error *err)
{
    const sw_scan *scan = at->scan;
    sw_mem_cursor cursor = {.order = &at->store->orders[scan->record][tree],
                            .conditions = scan->conditions,
                            .condition_count = scan->condition_count,
                            .descending = scan->descending,
                            .after_order = &at->asked,
                            .after = scan->after};
    sw__mem_cursor_start(&cursor, at->state->trees[scan->record][tree]);
    look_through(at, &cursor, visit, arg);
    return tell_place(at, err);
}

sw_status sw__mem_scan(const sw_mem_store *store, const sw_mem_state *state, const sw_scan *scan,
                       sw_visit *visit, void *arg, sw_scan_end *end, sw_error *err)
{
    look at = {.store = store,
               .state = state,
               .scan = scan,
               .end = end,
               .asked = {.record = sw_record_of(scan->record)}};
    const sw_mem_order order = order_of(scan);
    for (size_t i = 0; i < order.count; i++) {
        if (!fixed_by(scan, order.fields[i])) {
            sw__mem_order_add(&at.asked, &order.fields[i], 1);
        }
    }
    /* The last ones are the narrowest. */
    for (size_t i = store->order_count[scan->record]; i-- > 0;) {
        if (has_order(&store->orders[scan->record][i], &at.asked, scan)) {
            return scan_tree(&at, i, visit, arg, err);
        }
    }
    return scan_sorted(&at, visit, arg, err);
}
