/* SPDX-License-Identifier: Apache-2.0 */
/* The contract for references, walked over every reference the model declares: a parent must exist; who
 * goes, who forgets and who refuses when the parent goes; and that a refusal changes nothing.
 */
#include "tests/contract/contract.h"

typedef struct reference {
    sw_record_id child;
    int field;
    sw_record_id parent;
} reference;

typedef void visit_reference(contract *ct, const reference *ref);

static size_t each_reference(contract *ct, int rule, visit_reference *visit)
{
    size_t seen = 0;
    for (int r = 0; r < SW_RECORD_COUNT; r++) {
        for (size_t i = 0; i < sw__records[r].field_count; i++) {
            const sw_field *field = &sw__records[r].fields[i];
            if (!field->ref.record_plus_1 || (rule >= 0 && (int)field->ref.on_delete != rule)) {
                continue;
            }
            reference ref = {(sw_record_id)r, (int)i, (sw_record_id)(field->ref.record_plus_1 - 1)};
            visit(ct, &ref);
            seen++;
        }
    }
    return seen;
}

static const sw_field *field_of(const reference *ref)
{
    return ct_field(ref->child, ref->field);
}

static bool is_key(const reference *ref)
{
    return (field_of(ref)->flags & (SW_PRIMARY | SW_KEY_PART)) != 0;
}

/* ---- parents must exist ------------------------------------------------------------------------- */

static void unknown_parent(contract *ct, const reference *ref)
{
    sw_error told = {0};
    ct_picture before;
    void *row = ct_insert(ct, ref->child, ROWGEN_FULL);
    ct_remove(ct, ref->child, row);
    sw_str parent = sw_field_text(field_of(ref), row);
    ct_picture_take(&before, ct->writer);
    *sw_field_str(field_of(ref), row) = rowgen_id(&ct->gen, field_of(ref)->prefix);
    ct_expect_at(sw_store_insert(ct->writer, ref->child, row, &told), SW_STATUS_INVALID, &told,
                 field_of(ref)->name, __FILE__, __LINE__);
    assert_string_equal(told.field, field_of(ref)->name);
    ct_unchanged(ct->writer, &before);
    if (!is_key(ref)) {
        *sw_field_str(field_of(ref), row) = parent;
        CT_EXPECT(sw_store_insert(ct->writer, ref->child, row, err), OK);
        *sw_field_str(field_of(ref), row) = rowgen_id(&ct->gen, field_of(ref)->prefix);
        told = (sw_error){0};
        ct_expect_at(sw_store_update(ct->writer, ref->child, row, SW_MASK(ref->field), &told),
                     SW_STATUS_INVALID, &told, field_of(ref)->name, __FILE__, __LINE__);
        assert_string_equal(told.field, field_of(ref)->name);
        ct_remove(ct, ref->child, row);
        ct_unchanged(ct->writer, &before);
    } else if (sw_record_primary(sw_record_of(ref->child)) < 0) {
        told = (sw_error){0};
        assert_int_equal(sw_store_put(ct->writer, ref->child, row, &told), SW_STATUS_INVALID);
        assert_string_equal(told.field, field_of(ref)->name);
        ct_unchanged(ct->writer, &before);
    }
    ct_picture_fini(&before);
}

static void unknown_parents_are_refused(void **state)
{
    contract *ct = *state;
    ct_world(ct);
    ct_begin(ct);
    assert_true(each_reference(ct, -1, unknown_parent) >= 30);
    ct_commit(ct);
}

/* A word that is in the store, but as the id of another kind of record. */
static void parents_are_of_their_record(void **state)
{
    contract *ct = *state;
    ct_world(ct);
    ct_begin(ct);
    sw_step *step = ct_row(ct, SW_RECORD_STEP, ROWGEN_FULL);
    step->run_id = ct->pool.at[SW_RECORD_AGENT][0];
    sw_error told = {0};
    assert_int_equal(sw_store_insert(ct->writer, SW_RECORD_STEP, step, &told), SW_STATUS_INVALID);
    assert_string_equal(told.field, "run_id");
    ct_commit(ct);
}

/* An add that would make a row is an insert, and the same rule holds. */
static void add_needs_parents(void **state)
{
    contract *ct = *state;
    ct_world(ct);
    ct_begin(ct);
    sw_usage_org_hour *row = ct_row(ct, SW_RECORD_USAGE_ORG_HOUR, ROWGEN_FULL);
    row->organization_id = SW_STR("org-nobody");
    sw_error told = {0};
    assert_int_equal(sw_store_add(ct->writer, SW_RECORD_USAGE_ORG_HOUR, row, &told),
                     SW_STATUS_INVALID);
    assert_string_equal(told.field, "organization_id");
    ct_commit(ct);
}

/* ---- parents that go ---------------------------------------------------------------------------- */

/* A new parent and a child that refers to it by this field alone. */
static void *family(contract *ct, const reference *ref, void **parent)
{
    void *child = ct_row(ct, ref->child, ROWGEN_FULL);
    *parent = ct_insert(ct, ref->parent, ROWGEN_FULL);
    ct_unpool(ct, ref->parent, *parent);
    int primary = sw_record_primary(sw_record_of(ref->child));
    if (primary >= 0 && primary != ref->field && ct_field(ref->child, primary)->ref.record_plus_1) {
        child = ct_insert(ct, ref->child, ROWGEN_FULL);
        ct_remove(ct, ref->child, child);
    }
    *sw_field_str(field_of(ref), child) = ct_id(ref->parent, *parent);
    CT_EXPECT(sw_store_insert(ct->writer, ref->child, child, err), OK);
    return ct_stored(ct, ref->child, child);
}

static void restricts(contract *ct, const reference *ref)
{
    sw_error told = {0};
    ct_picture before;
    void *parent = NULL;
    void *child = family(ct, ref, &parent);
    ct_picture_take(&before, ct->writer);
    ct_expect_at(sw_store_remove(ct->writer, ref->parent, parent, &told), SW_STATUS_RESTRICTED,
                 &told, field_of(ref)->name, __FILE__, __LINE__);
    if (!ct_names(&told, sw_record_of(ref->child)->name)) {
        fail_msg("%s is not named: '%s', '%s'", sw_record_of(ref->child)->name, told.field,
                 told.message);
    }
    ct_unchanged(ct->writer, &before);
    ct_remove(ct, ref->child, child);
    ct_remove(ct, ref->parent, parent);
    ct_picture_fini(&before);
}

static void restrict_refuses(void **state)
{
    contract *ct = *state;
    ct_world(ct);
    ct_begin(ct);
    assert_true(each_reference(ct, SW_RESTRICT, restricts) >= 10);
    ct_commit(ct);
}

static void sets_null(contract *ct, const reference *ref)
{
    void *parent = NULL;
    void *child = family(ct, ref, &parent);
    ct_remove(ct, ref->parent, parent);
    assert_null(ct_get(ct, ct->writer, ref->parent, parent));
    sw_field_clear(field_of(ref), child);
    ct_expect_row(ct, ct->writer, ref->child, child);
}

static void set_null_forgets(void **state)
{
    contract *ct = *state;
    ct_world(ct);
    ct_begin(ct);
    assert_true(each_reference(ct, SW_SET_NULL, sets_null) >= 5);
    ct_commit(ct);
}

static void cascades(contract *ct, const reference *ref)
{
    ct_picture before;
    void *parent = NULL;
    void *child = family(ct, ref, &parent);
    assert_non_null(ct_get(ct, ct->writer, ref->child, child));
    ct_remove(ct, ref->parent, parent);
    ct_picture_take(&before, ct->writer);
    assert_null(ct_get(ct, ct->writer, ref->child, child));
    CT_EXPECT(sw_store_remove(ct->writer, ref->child, child, err), NOT_FOUND);
    ct_picture_fini(&before);
}

static void cascade_takes_along(void **state)
{
    contract *ct = *state;
    ct_world(ct);
    ct_begin(ct);
    assert_true(each_reference(ct, SW_CASCADE, cascades) >= 8);
    ct_commit(ct);
}

/* ---- deeply ------------------------------------------------------------------------------------- */

/* An agent with everything that hangs on it, and bystanders that must stay. */
typedef struct tree {
    sw_agent *agent;
    sw_conversation *talk;   /* goes with the agent */
    sw_message *said;        /* goes with the agent */
    sw_step_metrics *timing; /* goes with the agent */
    sw_run *other_run;       /* of another agent, in the conversation: forgets it */
    sw_message *other_said;  /* of another agent, in the conversation: forgets it */
} tree;

static void *put_in(contract *ct, sw_record_id record, void *row)
{
    CT_EXPECT(sw_store_insert(ct->writer, record, row, err), OK);
    return row;
}

static void plant(contract *ct, tree *t)
{
    t->agent = ct_insert(ct, SW_RECORD_AGENT, ROWGEN_FULL);
    ct_unpool(ct, SW_RECORD_AGENT, t->agent);
    t->talk = ct_row(ct, SW_RECORD_CONVERSATION, ROWGEN_FULL);
    t->talk->agent_id = t->agent->id;
    put_in(ct, SW_RECORD_CONVERSATION, t->talk);
    t->said = ct_row(ct, SW_RECORD_MESSAGE, ROWGEN_FULL);
    t->said->agent_id = t->agent->id;
    put_in(ct, SW_RECORD_MESSAGE, t->said);
    t->timing = ct_row(ct, SW_RECORD_STEP_METRICS, ROWGEN_FULL);
    t->timing->id = ((sw_step *)ct_insert(ct, SW_RECORD_STEP, ROWGEN_FULL))->id;
    t->timing->agent_id = t->agent->id;
    put_in(ct, SW_RECORD_STEP_METRICS, t->timing);
    t->other_run = ct_row(ct, SW_RECORD_RUN, ROWGEN_FULL);
    t->other_run->conversation_id = t->talk->id;
    put_in(ct, SW_RECORD_RUN, t->other_run);
    t->other_said = ct_row(ct, SW_RECORD_MESSAGE, ROWGEN_FULL);
    t->other_said->conversation_id = t->talk->id;
    put_in(ct, SW_RECORD_MESSAGE, t->other_said);
}

static void rules_reach_deeply(void **state)
{
    contract *ct = *state;
    tree t;
    ct_world(ct);
    ct_begin(ct);
    plant(ct, &t);
    ct_remove(ct, SW_RECORD_AGENT, t.agent);
    assert_null(ct_get(ct, ct->writer, SW_RECORD_AGENT, t.agent));
    assert_null(ct_get(ct, ct->writer, SW_RECORD_CONVERSATION, t.talk));
    assert_null(ct_get(ct, ct->writer, SW_RECORD_MESSAGE, t.said));
    assert_null(ct_get(ct, ct->writer, SW_RECORD_STEP_METRICS, t.timing));
    t.other_run->conversation_id = SW_NULL_STR;
    ct_expect_row(ct, ct->writer, SW_RECORD_RUN, t.other_run);
    t.other_said->conversation_id = SW_NULL_STR;
    ct_expect_row(ct, ct->writer, SW_RECORD_MESSAGE,
                  ct_stored(ct, SW_RECORD_MESSAGE, t.other_said));
    ct_commit(ct);
}

/* One that refuses keeps all that would have gone or forgotten. */
static void refusal_keeps_the_whole_tree(void **state)
{
    contract *ct = *state;
    tree t;
    ct_picture before;
    ct_world(ct);
    ct_begin(ct);
    plant(ct, &t);
    sw_run *run = ct_row(ct, SW_RECORD_RUN, ROWGEN_FULL);
    run->agent_id = t.agent->id;
    put_in(ct, SW_RECORD_RUN, run);
    ct_picture_take(&before, ct->writer);
    CT_EXPECT(sw_store_remove(ct->writer, SW_RECORD_AGENT, t.agent, err), RESTRICTED);
    ct_unchanged(ct->writer, &before);
    ct_commit(ct);
    ct_unchanged(ct->reader, &before);
    ct_picture_fini(&before);
}

/* A step goes: metrics and aliases with it, messages stay without it, and so does the run's. */
static void a_step_goes_by_its_rules(void **state)
{
    contract *ct = *state;
    ct_world(ct);
    ct_begin(ct);
    sw_step *step = ct_insert(ct, SW_RECORD_STEP, ROWGEN_FULL);
    sw_step_metrics *timing = ct_row(ct, SW_RECORD_STEP_METRICS, ROWGEN_FULL);
    timing->id = step->id;
    put_in(ct, SW_RECORD_STEP_METRICS, timing);
    sw_message *messages[20];
    sw_step_alias *aliases[20];
    for (size_t i = 0; i < SW_COUNT(messages); i++) {
        messages[i] = ct_row(ct, SW_RECORD_MESSAGE, ROWGEN_FULL);
        messages[i]->step_id = step->id;
        put_in(ct, SW_RECORD_MESSAGE, messages[i]);
        aliases[i] = ct_row(ct, SW_RECORD_STEP_ALIAS, ROWGEN_FULL);
        aliases[i]->step_id = step->id;
        put_in(ct, SW_RECORD_STEP_ALIAS, aliases[i]);
    }
    ct_remove(ct, SW_RECORD_STEP, step);
    assert_null(ct_get(ct, ct->writer, SW_RECORD_STEP_METRICS, timing));
    for (size_t i = 0; i < SW_COUNT(messages); i++) {
        messages[i]->step_id = SW_NULL_STR;
        ct_expect_row(ct, ct->writer, SW_RECORD_MESSAGE,
                      ct_stored(ct, SW_RECORD_MESSAGE, messages[i]));
        assert_null(ct_get(ct, ct->writer, SW_RECORD_STEP_ALIAS, aliases[i]));
    }
    ct_commit(ct);
}

const ct_case ct_ref_cases[] = {
    {"unknown parents are refused", unknown_parents_are_refused},
    {"parents are of their own record", parents_are_of_their_record},
    {"add needs parents too", add_needs_parents},
    {"RESTRICT refuses", restrict_refuses},
    {"SET NULL forgets", set_null_forgets},
    {"CASCADE takes along", cascade_takes_along},
    {"rules reach deeply", rules_reach_deeply},
    {"a refusal keeps the whole tree", refusal_keeps_the_whole_tree},
    {"a step goes by its rules", a_step_goes_by_its_rules},
    {NULL, NULL},
};
