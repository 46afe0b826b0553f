/* SPDX-License-Identifier: Apache-2.0 */
/* Facets: which values the steps of a list have, and how often. Where the sums know the answer they
 * give it, exact and whatever the number of steps, also over a range of time; else the newest matches are counted, so many and
 * no more, and the counts are marked approximate when there were more.
 */
#include "ledger/reading.h"

#include <stdlib.h>

/* How a facet is read from a step, and which dimension of the sums knows it. */
static const struct {
    uint8_t field;
    int dimension; /* -1: no sum does */
} facets[] = {
    [SW_FACET_STATUS] = {SW_STEP_STATUS, SW_DIMENSION_STATUS},
    [SW_FACET_MODEL] = {SW_STEP_MODEL, SW_DIMENSION_MODEL},
    [SW_FACET_PROVIDER_NAME] = {SW_STEP_PROVIDER_NAME, -1},
    [SW_FACET_AGENT_ID] = {SW_STEP_AGENT_ID, SW_DIMENSION_AGENT},
    [SW_FACET_PROJECT_ID] = {SW_STEP_PROJECT_ID, SW_DIMENSION_PROJECT},
    [SW_FACET_STOP_REASON] = {SW_STEP_STOP_REASON, -1},
    [SW_FACET_FEEDBACK] = {SW_STEP_FEEDBACK, -1},
    [SW_FACET_ERROR_TYPE] = {SW_STEP_ERROR_TYPE, -1},
    [SW_FACET_END_USER] = {SW_STEP_END_USER, -1},
    [SW_FACET_TAGS] = {SW_STEP_TAGS, -1},
};
enum { FACETS = SW_COUNT(facets), SLOTS_AT_FIRST = 256 };

typedef struct tally {
    sw_facet facet;
    sw_str value;
    int64_t count;
} tally;

typedef struct counting {
    sw_arena arena;
    tally **slots; /* open addressing */
    size_t size;
    size_t count;
    bool by_rows[FACETS]; /* counted from the steps themselves */
    int64_t rows;
    bool cut;    /* more steps match than were counted */
    bool failed; /* no memory */
} counting;

/* ---- the table ----------------------------------------------------------------------------------- */

static uint64_t hash_of(sw_facet facet, sw_str value)
{
    return sw_hash((uint64_t)facet + (value.ptr ? 100 : 0), value.ptr ? value.ptr : "", value.len);
}

static bool same(const tally *t, sw_facet facet, sw_str value)
{
    return t->facet == facet && (t->value.ptr != NULL) == (value.ptr != NULL) &&
           (!value.ptr || sw_str_eq(t->value, value));
}

static bool grow(counting *c)
{
    size_t size = c->size ? c->size * 2 : SLOTS_AT_FIRST;
    tally **slots = sw_arena_zeroed(&c->arena, size * sizeof(tally *));

    for (size_t i = 0; slots && i < c->size; i++) {
        if (c->slots[i]) {
            size_t at = hash_of(c->slots[i]->facet, c->slots[i]->value) & (size - 1);
            while (slots[at]) {
                at = (at + 1) & (size - 1);
            }
            slots[at] = c->slots[i];
        }
    }
    c->slots = slots ? slots : c->slots;
    c->size = slots ? size : c->size;
    return slots != NULL;
}

/* Values past the bound are not told apart any more: what is shown is then the most frequent of
 * those seen first. */
static void add(counting *c, sw_facet facet, sw_str value, int64_t count)
{
    size_t at = 0;
    tally *t = NULL;

    if (c->failed || (c->count * 2 >= c->size && !grow(c))) {
        c->failed = true;
        return;
    }
    at = hash_of(facet, value) & (c->size - 1);
    while (c->slots[at] && !same(c->slots[at], facet, value)) {
        at = (at + 1) & (c->size - 1);
    }
    if (!c->slots[at] && c->count >= SW_LIMIT_USAGE_GROUPS) {
        c->cut = true;
        return;
    }
    if (!c->slots[at]) {
        t = sw_arena_zeroed(&c->arena, sizeof *t);
        if (t) {
            *t = (tally){.facet = facet, .value = sw_arena_str(&c->arena, value)};
            c->slots[at] = t;
            c->count++;
        }
    }
    t = c->slots[at];
    c->failed = !t || c->arena.failed;
    if (!c->failed) {
        t->count += count;
    }
}

/* ---- from the sums ------------------------------------------------------------------------------- */

/* Whether every condition is one that the cells of projects, models and states can answer, or a range of
 * time. */
static bool only_known(const sw_list_query *q, sw_range *range)
{
    if (!sw__range_split(q->conditions, q->condition_count, range)) {
        return false;
    }
    for (size_t i = 0; i < range->query.condition_count; i++) {
        uint8_t field = range->others[i].field;
        if (field != SW_STEP_PROJECT_ID && field != SW_STEP_MODEL && field != SW_STEP_STATUS) {
            return false;
        }
    }
    return q->metrics_condition_count == 0 && (!q->text.ptr || q->text.len == 0);
}

static bool sums_know(const sw_actor *actor, const sw_range *range, sw_facet facet)
{
    bool plain = range->query.condition_count == 0 && (!actor || !actor->project_id.ptr);

    if (facets[facet].dimension < 0) {
        return false;
    }
    return facet != SW_FACET_AGENT_ID || plain; /* agents are summed by themselves */
}

typedef struct summing {
    counting *counting;
    sw_facet facet;
    sw_usage_end end; /* filled before the first group is shown */
} summing;

static bool add_group(void *arg, const sw_usage_group *group)
{
    summing *s = arg;

    if (!s->end.complete) {
        return false;
    }
    if (group->totals.num_steps > 0) {
        add(s->counting, s->facet, group->keys[0], group->totals.num_steps);
    }
    return !s->counting->failed;
}

/* Whole days and hours come from cells, the edges of a range from steps: where these are more than may be
 * counted, *known becomes false and nothing was added. */
static sw_status from_sums(sw_ledger *ledger, const sw_actor *actor, const sw_range *range,
                           counting *c, sw_facet facet, bool *known, sw_error *err)
{
    sw_usage_query usage = range->query;
    summing s = {.counting = c, .facet = facet};
    sw_status status = SW_STATUS_OK;

    usage.by[0] = (sw_dimension)facets[facet].dimension;
    usage.by_count = 1;
    usage.row_limit = SW_LIMIT_FACET_ROWS;
    status = sw_usage(ledger, actor, &usage, add_group, &s, &s.end, err);
    *known = s.end.complete;
    return status;
}

/* ---- from the steps ------------------------------------------------------------------------------ */

static void add_tags(counting *c, sw_str tags)
{
    sw_mark mark = sw_arena_mark(&c->arena);
    size_t count = c->count;
    size_t size = c->size;
    sw_json json;

    sw_json_init(&json, tags, &c->arena);
    if (!tags.ptr || sw_json_next(&json) != SW_JSON_ARRAY) {
        return;
    }
    while (sw_json_next(&json) == SW_JSON_STRING) {
        add(c, SW_FACET_TAGS, json.text, 1);
    }
    if (c->count == count && c->size == size && !c->failed) {
        sw_arena_rewind(&c->arena, mark); /* nothing of it was kept */
    }
}

static void add_facet(counting *c, sw_facet facet, const sw_step *step)
{
    const sw_field *field = &sw_record_of(SW_RECORD_STEP)->fields[facets[facet].field];

    if (facet == SW_FACET_TAGS) {
        add_tags(c, step->tags);
    } else if (field->kind == SW_KIND_ENUM) {
        sw_int number = sw_field_number(field, step);
        const char *word = number.known ? sw_enum_word(field->words, number.value) : NULL;
        add(c, facet, word ? sw_str_from(word) : SW_NULL_STR, 1);
    } else {
        add(c, facet, sw_field_text(field, step), 1);
    }
}

static bool add_step(void *arg, const void *row)
{
    counting *c = arg;

    if (c->rows == SW_LIMIT_FACET_ROWS) {
        c->cut = true;
        return false;
    }
    c->rows++;
    for (size_t f = 0; f < FACETS; f++) {
        if (c->by_rows[f]) {
            add_facet(c, (sw_facet)f, row);
        }
    }
    return !c->failed;
}

static sw_status from_rows(sw_ledger *ledger, const sw_actor *actor, const sw_list_query *asked,
                           counting *c, sw_list_end *end, sw_error *err)
{
    sw_list_query q = *asked;
    sw_status status = SW_STATUS_OK;

    q.limit = -1;
    q.look_limit = q.look_limit ? q.look_limit : SW_LIMIT_LOOK_ROWS;
    q.ascending = false;
    status = sw_list(ledger, actor, SW_RECORD_STEP, &q, add_step, c, end, err);
    end->complete = end->complete && !c->cut;
    end->count = c->rows;
    return status;
}

/* ---- the answer ---------------------------------------------------------------------------------- */

/* By facet, then the most frequent first, then by value; null after all others of the same count.
 * */
static int in_order(const void *a, const void *b)
{
    const tally *x = *(const tally *const *)a;
    const tally *y = *(const tally *const *)b;
    size_t len = x->value.len < y->value.len ? x->value.len : y->value.len;
    int c = 0;

    if (x->facet != y->facet) {
        return x->facet < y->facet ? -1 : 1;
    }
    if (x->count != y->count) {
        return x->count > y->count ? -1 : 1;
    }
    if (!x->value.ptr || !y->value.ptr) {
        return (x->value.ptr == NULL) - (y->value.ptr == NULL);
    }
    c = memcmp(x->value.ptr, y->value.ptr, len);
    return c ? c : (x->value.len > y->value.len) - (x->value.len < y->value.len);
}

static void show(counting *c, int64_t per_facet, bool cut, sw_facet_each *each, void *arg)
{
    size_t count = 0;
    int64_t shown = 0;

    for (size_t i = 0; i < c->size; i++) {
        if (c->slots[i]) {
            c->slots[count++] = c->slots[i];
        }
    }
    if (count > 0) { /* without any there is no table */
        qsort(c->slots, count, sizeof(tally *), in_order);
    }
    for (size_t i = 0; i < count; i++) {
        const tally *t = c->slots[i];
        sw_facet_value value = {t->facet, t->value, t->count, c->by_rows[t->facet] && cut};
        shown = i > 0 && c->slots[i - 1]->facet == t->facet ? shown + 1 : 1;
        if (shown <= per_facet && !each(arg, &value)) {
            return;
        }
    }
}

static sw_status count_all(sw_ledger *ledger, const sw_actor *actor, const sw_list_query *q,
                           counting *c, sw_list_end *end, sw_error *err)
{
    sw_range range;
    bool ranged = only_known(q, &range);
    bool rows = false;
    sw_status status = SW_STATUS_OK;

    end->complete = true;
    for (size_t f = 0; f < FACETS && status == SW_STATUS_OK; f++) {
        bool known = ranged && sums_know(actor, &range, (sw_facet)f);
        if (known) {
            status = from_sums(ledger, actor, &range, c, (sw_facet)f, &known, err);
        }
        c->by_rows[f] = !known;
        rows = rows || !known;
    }
    if (status == SW_STATUS_OK && rows) {
        status = from_rows(ledger, actor, q, c, end, err);
    }
    return status == SW_STATUS_OK && c->failed ? sw_no_memory(err) : status;
}

sw_status sw_step_facets(sw_ledger *ledger, const sw_actor *actor, const sw_list_query *query,
                         int64_t per_facet, sw_facet_each *each, void *arg, sw_list_end *end,
                         sw_error *err)
{
    static const sw_list_query everything;
    const sw_list_query *q = query ? query : &everything;
    counting c = {.size = 0};
    sw_list_end unwanted;
    sw_status status = SW_STATUS_OK;

    end = end ? end : &unwanted;
    memset(end, 0, sizeof *end);
    if (per_facet < 1 || per_facet > SW_LIMIT_FACET_VALUES) {
        return sw_fail(err, SW_STATUS_INVALID, "per_facet", "must be 1 to %d",
                       (int)SW_LIMIT_FACET_VALUES);
    }
    if (q->after.ptr || q->before.ptr) {
        return sw_fail(err, SW_STATUS_INVALID, "after", "facets are counted over the whole list");
    }
    sw_arena_init(&c.arena, &ledger->allocator, 0);
    status = count_all(ledger, actor, q, &c, end, err);
    if (status == SW_STATUS_OK) {
        show(&c, per_facet, c.cut || end->gave_up, each, arg);
    }
    sw_arena_fini(&c.arena);
    return status;
}
