/* SPDX-License-Identifier: Apache-2.0 */
/* Scans, decided: which index to walk. Knows nothing of SQL, nor of running them.
 *
 * A database is asked for a walk along one index, in order, between bounds, and nothing more: the rows that
 * come are the rows looked at, so a bound on looking means what it says.
 *
 * The choice, best first: a unique index bound in all its fields by EQ; one whose leading fields are
 * bound and whose next fields are the order; one bound in all its fields; any with bound leading fields,
 * and the rows are sorted. More bound fields win, then a condition of the index itself. An order that
 * lacks only the id at its end counts as the order: the database sorts the rows that tie, a tie at a time.
 */
#include "store/plan.h"

/* ---- choosing ----------------------------------------------------------------------------------- */

static bool says_equal(const sw_condition *c)
{
    return c->op == SW_OP_EQ || (c->op == SW_OP_IN && c->count == 1);
}

static void find_equals(sw_plan *p)
{
    memset(p->equal, -1, sizeof p->equal);
    for (size_t i = 0; i < p->scan->condition_count && i < INT8_MAX; i++) {
        const sw_condition *c = &p->scan->conditions[i];
        bool shared = (p->table->shared & SW_MASK(c->field)) != 0;
        if (says_equal(c) && !shared && p->equal[c->field] < 0) {
            p->equal[c->field] = (int8_t)i;
        }
    }
}

static void find_order(sw_plan *p)
{
    if (p->scan->unordered) {
        return;
    }
    const uint8_t *asked = p->scan->order_count ? p->scan->order : p->table->keys;
    p->full_count = p->scan->order_count ? p->scan->order_count : p->table->key_count;
    for (size_t i = 0; i < p->full_count; i++) {
        p->full[i] = asked[i];
        if (p->equal[asked[i]] < 0) {
            p->order[p->order_count++] = asked[i];
        }
    }
}

/* Whether every row that can match is in a partial index. */
static bool covers(const sw_plan *p, const sw_index *index)
{
    if (index->only) {
        int i = p->equal[index->only];
        return i >= 0 && sw__plan_condition(p, i)->values[0].number == index->only_value;
    }
    if (!index->present) {
        return true;
    }
    for (size_t i = 0; i < p->scan->condition_count; i++) {
        const sw_condition *c = &p->scan->conditions[i];
        if (c->field == index->present && sw__excludes_null(c)) {
            return true;
        }
    }
    return false;
}

/* An index may end before the id that makes its order total. The database then sorts each set of rows that
 * tie, and those are few: the walk is still a walk. */
static bool only_ties(const sw_plan *p, size_t ordered)
{
    return ordered > 0 && ordered + 1 == p->order_count && p->table->shape == SW_SHAPE_OWN_ID &&
           p->order[ordered] == p->table->primary;
}

/* How far a path serves: the higher, the better. Sets bound, sorted and ties. */
static int weigh(sw_plan *p, const uint8_t *fields, size_t count, bool unique)
{
    size_t bound = 0, ordered = 0;
    int narrow = 0;
    for (; bound < count && p->equal[fields[bound]] >= 0; bound++) {
        narrow += p->table->border & SW_MASK(fields[bound]) ? 60 : 100;
    }
    while (bound + ordered < count && ordered < p->order_count &&
           fields[bound + ordered] == p->order[ordered] &&
           p->table->ordered & SW_MASK(p->order[ordered])) {
        ordered++;
    }
    p->bound = (uint8_t)bound;
    p->ties = only_ties(p, ordered);
    p->sorted = ordered < p->order_count && !p->ties;
    bool whole = bound == count;
    int rank = whole && unique ? 3 : whole && narrow >= 100 ? 2 : !p->sorted ? 1 : 0;
    return rank * 1000 + narrow + (int)ordered * 10;
}

static void use_path(sw_plan *p, uint8_t path, const uint8_t *fields, size_t count, bool unique)
{
    p->path = path;
    p->field_count = (uint8_t)count;
    memcpy(p->fields, fields, count);
    (void)weigh(p, fields, count, unique);
}

static void choose_path(sw_plan *p, bool in_order)
{
    const sw_record *record = p->table->model;
    int best = weigh(p, p->table->keys, p->table->key_count, true);
    use_path(p, SW_PATH_KEY, p->table->keys, p->table->key_count, true);
    if (best == 0 || (p->scan->unordered && !p->bound)) {
        use_path(p, SW_PATH_NONE, p->table->keys, 0, false);
    }
    for (size_t i = 0; i < record->index_count; i++) {
        const sw_index *index = &record->indexes[i];
        if (!covers(p, index)) {
            continue;
        }
        sw_plan trial = *p;
        int score = weigh(&trial, index->fields, index->count, index->unique);
        score += score && (index->only || index->present) ? 105 : 0; /* as good as a bound field */
        bool better = in_order && p->sorted != trial.sorted ? p->sorted : score > best;
        if (better) {
            best = score;
            use_path(p, (uint8_t)i, index->fields, index->count, index->unique);
        }
    }
}

/* The conditions that bound the walk from below and above, where the column's order is the field's. */
static void find_range(sw_plan *p)
{
    p->lower = p->upper = -1;
    if (p->bound >= p->field_count) {
        return;
    }
    uint8_t next = p->fields[p->bound];
    if (!(p->table->ranged & SW_MASK(next))) {
        return;
    }
    for (size_t i = 0; i < p->scan->condition_count && i < INT8_MAX; i++) {
        const sw_condition *c = &p->scan->conditions[i];
        if (c->field == next && p->lower < 0 && (c->op == SW_OP_GT || c->op == SW_OP_GE)) {
            p->lower = (int)i;
        } else if (c->field == next && p->upper < 0 && (c->op == SW_OP_LT || c->op == SW_OP_LE)) {
            p->upper = (int)i;
        }
    }
}

/* Where the place to begin after lies for the fields that EQ has fixed: most often it has the same
 * values, and they say nothing. Otherwise everything from that field on is wholly after or before. */
static void find_after(sw_plan *p, void *scratch)
{
    if (!p->scan->after) {
        return;
    }
    for (size_t i = 0; i < p->full_count; i++) {
        const sw_field *field = sw__plan_field(p, p->full[i]);
        int equal = p->equal[p->full[i]];
        if (equal < 0) {
            p->after_count++;
            continue;
        }
        sw__put_value(field, &sw__plan_condition(p, equal)->values[0], scratch);
        int c = sw_field_cmp(field, scratch, p->scan->after);
        sw_field_clear(field, scratch);
        if (c != 0) {
            p->after_same = p->scan->descending ? c < 0 : c > 0;
            break;
        }
    }
    p->nothing = p->after_count == 0 && !p->after_same;
}

void sw__plan_after(sw_plan *p, const sw_scan *scan)
{
    p->scan = scan;
    p->after_count = p->order_count;
    p->after_same = false;
    p->nothing = p->after_count == 0;
}

bool sw__plan_pushed(const sw_plan *p, size_t i)
{
    const sw_condition *c = sw__plan_condition(p, (int)i);
    if ((int)i == p->lower || (int)i == p->upper) {
        return true;
    }
    if (!says_equal(c) || p->equal[c->field] != (int8_t)i) {
        return false;
    }
    for (size_t k = 0; k < p->bound; k++) {
        if (p->fields[k] == c->field) {
            return true;
        }
    }
    return p->path < p->table->model->index_count &&
           p->table->model->indexes[p->path].only == c->field && c->field != 0;
}

/* Walking a shared id in the order of ids means walking the parent's. */
static bool walks_parent(const sw_plan *p)
{
    return p->table->walks_parents && p->table->shape == SW_SHAPE_SHARED_ID &&
           p->path == SW_PATH_NONE && p->order_count == 1 && p->order[0] == p->table->primary;
}

sw_plan sw__plan_count(const sw_plan *p)
{
    sw_plan count = *p;
    count.need = 0;
    count.order_count = count.after_count = 0;
    count.after_same = count.late = false;
    count.counting = true;
    return count;
}

sw_plan sw__plan_ask(const sw_plan *p)
{
    sw_plan ask = *p;
    ask.need = 0;
    ask.asking = true;
    return ask;
}

void sw__plan(sw_plan *p, const sw_table *table, const sw_scan *scan, bool in_order, void *scratch)
{
    *p = (sw_plan){.table = table, .scan = scan};
    find_equals(p);
    find_order(p);
    choose_path(p, in_order);
    p->walks_parent = walks_parent(p);
    p->sorted = p->sorted && !p->walks_parent;
    p->late = (p->sorted || p->ties) && table->shape != SW_SHAPE_KEY_PARTS;
    find_range(p);
    find_after(p, scratch);
    uint64_t every = table->all | table->shared;
    p->need = scan->fields ? scan->fields & every : every;
    for (size_t i = 0; i < scan->condition_count; i++) {
        p->need |= sw__plan_pushed(p, i) ? 0 : SW_MASK(scan->conditions[i].field);
    }
    for (size_t i = 0; (scan->place || p->late) && i < p->full_count; i++) {
        p->need |= SW_MASK(p->full[i]);
    }
}
