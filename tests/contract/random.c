/* SPDX-License-Identifier: Apache-2.0 */
/* The same random verbs, in the same order, on two stores: each answer and, after every so many groups,
 * each row must be the same. The seed is printed; STEPWELL_TEST_SEED repeats a run.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "tests/contract/contract.h"

typedef struct pair {
    contract a;
    contract b;
    size_t verbs;
    size_t answers[SW_STATUS_EXISTS + 1]; /* how often each status was given */
} pair;

typedef enum verb { INSERT, UPDATE, ADD, PUT, REMOVE, VERBS } verb;
static const char *const verb_names[] = {"insert", "update", "add", "put", "remove"};

/* What to do; drawn once and done to both. */
typedef struct task {
    verb verb;
    sw_record_id record;
    void *row;
    uint64_t mask;
} task;

static bool has_flag(const sw_record *model, uint32_t flag)
{
    for (size_t i = 0; i < model->field_count; i++) {
        if (model->fields[i].flags & flag) {
            return true;
        }
    }
    return false;
}

/* Mostly ids that are there or were; now and then one that never was. */
static void choose_key(contract *ct, sw_record_id record, void *row)
{
    int primary = sw_record_primary(sw_record_of(record));
    size_t known = ct->pool.count[record];
    if (primary >= 0 && known > 0 && rowgen_below(&ct->gen, 10) > 0) {
        *sw_field_str(ct_field(record, primary), row) =
            ct->pool.at[record][rowgen_below(&ct->gen, known)];
    }
}

static uint64_t random_mask(contract *ct, sw_record_id record)
{
    const sw_record *model = sw_record_of(record);
    uint64_t wanted = rowgen_next(&ct->gen) & rowgen_next(&ct->gen), mask = 0;
    for (size_t i = 0; i < model->field_count; i++) {
        uint32_t fixed = SW_PRIMARY | SW_KEY_PART | SW_SHARED;
        if ((wanted & SW_MASK(i)) && !(model->fields[i].flags & fixed)) {
            mask |= SW_MASK(i);
        }
    }
    return mask;
}

static void lose_a_parent(contract *ct, sw_record_id record, void *row)
{
    const sw_record *model = sw_record_of(record);
    size_t start = rowgen_below(&ct->gen, model->field_count);
    for (size_t i = 0; i < model->field_count; i++) {
        const sw_field *field = &model->fields[(start + i) % model->field_count];
        if (field->ref.record_plus_1) {
            *sw_field_str(field, row) = rowgen_id(&ct->gen, field->prefix);
            return;
        }
    }
}

/* False: drawn again, for the record has no such verb. */
static bool draw(contract *ct, task *t)
{
    static const verb weights[] = {INSERT, INSERT, INSERT, INSERT, UPDATE, UPDATE,
                                   UPDATE, ADD,    ADD,    PUT,    PUT,    REMOVE};
    t->verb = weights[rowgen_below(&ct->gen, SW_COUNT(weights))];
    t->record = (sw_record_id)rowgen_below(&ct->gen, SW_RECORD_COUNT);
    const sw_record *model = sw_record_of(t->record);
    bool has_parts = sw_record_primary(model) < 0;
    if ((t->verb == ADD && !has_flag(model, SW_COUNTER)) || (t->verb == PUT && !has_parts)) {
        return false;
    }
    if (t->verb == REMOVE && t->record == SW_RECORD_ORGANIZATION && rowgen_below(&ct->gen, 4)) {
        return false;
    }
    t->row = ct_row(ct, t->record, ROWGEN_MIXED);
    if (t->verb != INSERT || rowgen_below(&ct->gen, 10) == 0) {
        choose_key(ct, t->record, t->row);
    }
    if (rowgen_below(&ct->gen, 15) == 0) {
        lose_a_parent(ct, t->record, t->row);
    }
    t->mask = t->verb == UPDATE ? random_mask(ct, t->record) : 0;
    return (t->verb != UPDATE || t->mask != 0) && sw_row_mask(model, t->row) != 0;
}

static bool complete(const task *t)
{
    const sw_record *model = sw_record_of(t->record);
    for (size_t i = 0; i < model->field_count; i++) {
        const sw_field *field = &model->fields[i];
        bool key = (field->flags & (SW_PRIMARY | SW_KEY_PART)) != 0;
        bool read =
            key || t->verb == INSERT || t->verb == PUT || t->verb == ADD || (t->mask & SW_MASK(i));
        if (read && (field->flags & SW_NOT_NULL) && sw_field_is_null(field, t->row)) {
            return false; /* no parent to name: not for a store */
        }
    }
    return true;
}

static sw_status perform(sw_session *session, const task *t, sw_error *err)
{
    switch (t->verb) {
    case INSERT:
        return sw_store_insert(session, t->record, t->row, err);
    case UPDATE:
        return sw_store_update(session, t->record, t->row, t->mask, err);
    case ADD:
        return sw_store_add(session, t->record, t->row, err);
    case PUT:
        return sw_store_put(session, t->record, t->row, err);
    case REMOVE:
        return sw_store_remove(session, t->record, t->row, err);
    case VERBS:
        break;
    }
    return SW_STATUS_INTERNAL;
}

/* Whether the field that the error names is a reference to a parent that is not there. */
static bool lacks_parent(pair *p, const task *t, const sw_error *told)
{
    int at = sw_record_field(sw_record_of(t->record), sw_str_from(told->field));
    if (at < 0 || !ct_field(t->record, at)->ref.record_plus_1) {
        return false;
    }
    sw_record_id parent = (sw_record_id)(ct_field(t->record, at)->ref.record_plus_1 - 1);
    void *key = ct_struct(&p->a, parent);
    *sw_field_str(ct_field(parent, sw_record_primary(sw_record_of(parent))), key) =
        sw_field_text(ct_field(t->record, at), t->row);
    return !ct_get(&p->a, p->a.writer, parent, key);
}

/* Which of several broken rules is told is the store's choice; only that it is broken must be true. */
static bool agree(pair *p, const task *t, sw_status a, const sw_error *ea, sw_status b,
                  const sw_error *eb)
{
    if (a == b && (a == SW_STATUS_EXISTS || strcmp(ea->field, eb->field) == 0)) {
        return true;
    }
    bool ok = (a == SW_STATUS_OK) == (b == SW_STATUS_OK);
    return ok && (a != SW_STATUS_INVALID || lacks_parent(p, t, ea)) &&
           (b != SW_STATUS_INVALID || lacks_parent(p, t, eb)) &&
           (a == SW_STATUS_INVALID || b == SW_STATUS_INVALID);
}

static void one_verb(pair *p)
{
    task t;
    sw_error ea = {0}, eb = {0};
    do {
        sw_mark mark = sw_arena_mark(&p->a.arena);
        if (draw(&p->a, &t) && complete(&t)) {
            break;
        }
        sw_arena_rewind(&p->a.arena, mark);
    } while (true);
    sw_status a = perform(p->a.writer, &t, &ea);
    sw_status b = perform(p->b.writer, &t, &eb);
    p->verbs++;
    if (!agree(p, &t, a, &ea, b, &eb)) {
        print_error("verb %zu: %s answers %s (%s: %s), %s answers %s (%s: %s)\n", p->verbs,
                    p->a.scheme, sw_status_name(a), ea.field, ea.message, p->b.scheme,
                    sw_status_name(b), eb.field, eb.message);
        fail_msg("%s of %s: other answers", verb_names[t.verb], sw_record_of(t.record)->name);
    }
    p->answers[a]++;
    if (a == SW_STATUS_OK && t.verb == INSERT) {
        ct_pool(&p->a, t.record, t.row);
    } else if (a == SW_STATUS_OK && t.verb == REMOVE && rowgen_below(&p->a.gen, 4)) {
        ct_unpool(&p->a, t.record, t.row);
    }
}

static void same_content(pair *p)
{
    ct_picture a, b;
    ct_picture_take(&a, p->a.reader);
    ct_picture_take(&b, p->b.reader);
    ct_picture_same(&b, &a);
    ct_picture_fini(&b);
    ct_picture_fini(&a);
}

static void one_group(pair *p)
{
    size_t verbs = 1 + rowgen_below(&p->a.gen, 30);
    ct_begin(&p->a);
    ct_begin(&p->b);
    while (verbs-- > 0) {
        one_verb(p);
    }
    if (rowgen_below(&p->a.gen, 8) == 0) {
        ct_rollback(&p->a);
        ct_rollback(&p->b);
    } else {
        ct_commit(&p->a);
        ct_commit(&p->b);
    }
}

static void begin_with_a_few(pair *p)
{
    ct_begin(&p->a);
    ct_begin(&p->b);
    for (int i = 0; i < 4; i++) {
        task t = {.verb = INSERT, .record = SW_RECORD_ORGANIZATION};
        t.row = ct_row(&p->a, t.record, ROWGEN_FULL);
        CT_EXPECT(perform(p->a.writer, &t, err), OK);
        CT_EXPECT(perform(p->b.writer, &t, err), OK);
        ct_pool(&p->a, t.record, t.row);
    }
    ct_commit(&p->a);
    ct_commit(&p->b);
}

int ct_random_setup(void **state)
{
    pair *p = calloc(1, sizeof *p);
    assert_non_null(p);
    printf("random verbs on memory and %s, seed %" PRIu64 "\n", (const char *)*state, ct_seed());
    ct_open(&p->a, "memory", ct_seed());
    ct_open(&p->b, *state, ct_seed());
    *state = p;
    return 0;
}

int ct_random_teardown(void **state)
{
    pair *p = *state;
    ct_close(&p->b);
    ct_close(&p->a);
    bool clean = p->a.memory.out == 0 && p->b.memory.out == 0;
    free(p);
    return clean ? 0 : -1;
}

void ct_random_differential(void **state)
{
    static const sw_status met[] = {SW_STATUS_OK, SW_STATUS_EXISTS, SW_STATUS_NOT_FOUND,
                                    SW_STATUS_INVALID, SW_STATUS_RESTRICTED};
    pair *p = *state;
    const size_t wanted = ct_level(1000, 3000, 50000);
    p->a.gen.variety = 40; /* so that unique values, keys and words meet */
    begin_with_a_few(p);
    for (size_t groups = 0; p->verbs < wanted; groups++) {
        one_group(p);
        if (groups % 40 == 0) {
            same_content(p);
        }
    }
    same_content(p);
    for (size_t i = 0; i < SW_COUNT(met); i++) {
        assert_true(p->answers[met[i]] > 0);
    }
}
