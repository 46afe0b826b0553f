/* SPDX-License-Identifier: Apache-2.0 */
/* The contract for groups and sessions: all of a group or nothing, what others see and when, and what a
 * session may remember from one group to the next. Readers never wait: every case here runs in a single
 * thread, where a store that made a reader wait for the writer would stand still.
 */
#include "tests/contract/contract.h"

static bool begin_changed(sw_session *session)
{
    bool changed = false;
    CT_EXPECT(sw_session_begin(session, &changed, err), OK);
    return changed;
}

/* Every verb once, on every record: rows come, change and go. */
static void stir(contract *ct)
{
    for (int r = 0; r < SW_RECORD_COUNT; r++) {
        const sw_record *model = &sw__records[r];
        sw_record_id record = (sw_record_id)r;
        void *row = ct_insert(ct, record, ROWGEN_FULL);
        void *gone = ct_insert(ct, record, ROWGEN_FULL);
        uint64_t mask = 0;
        bool counts = false;
        for (size_t i = 0; i < model->field_count; i++) {
            const sw_field *field = &model->fields[i];
            counts = counts || (field->flags & SW_COUNTER);
            if (!(field->flags & (SW_PRIMARY | SW_KEY_PART | SW_SHARED)) &&
                !field->ref.record_plus_1) {
                rowgen_field(&ct->gen, field, false, row);
                mask |= SW_MASK(i);
            }
        }
        if (mask) {
            CT_EXPECT(sw_store_update(ct->writer, record, row, mask, err), OK);
        }
        if (counts) {
            CT_EXPECT(sw_store_add(ct->writer, record, row, err), OK);
        }
        if (sw_record_primary(model) < 0) {
            CT_EXPECT(sw_store_put(ct->writer, record, row, err), OK);
        }
        ct_remove(ct, record, gone);
    }
}

/* ---- all or nothing ----------------------------------------------------------------------------- */

static void rollback_restores_everything(void **state)
{
    contract *ct = *state;
    ct_picture before;
    ct_world(ct);
    ct_picture_take(&before, ct->reader);
    for (int i = 0; i < 3; i++) {
        ct_ids pool = ct->pool; /* of rows that stay */
        ct_begin(ct);
        stir(ct);
        ct_rollback(ct);
        ct->pool = pool;
        ct_unchanged(ct->reader, &before);
        ct_unchanged(ct->writer, &before);
    }
    ct_begin(ct);
    ct_unchanged(ct->writer, &before);
    ct_commit(ct);
    ct_picture_fini(&before);
}

static void rollback_brings_back_what_rules_took(void **state)
{
    contract *ct = *state;
    ct_picture before;
    ct_world(ct);
    ct_begin(ct);
    sw_step *step = ct_insert(ct, SW_RECORD_STEP, ROWGEN_FULL);
    sw_step_metrics *timing = ct_row(ct, SW_RECORD_STEP_METRICS, ROWGEN_FULL);
    timing->id = step->id;
    CT_EXPECT(sw_store_insert(ct->writer, SW_RECORD_STEP_METRICS, timing, err), OK);
    sw_message *message = ct_row(ct, SW_RECORD_MESSAGE, ROWGEN_FULL);
    message->step_id = step->id;
    CT_EXPECT(sw_store_insert(ct->writer, SW_RECORD_MESSAGE, message, err), OK);
    ct_commit(ct);
    ct_picture_take(&before, ct->reader);
    ct_begin(ct);
    ct_remove(ct, SW_RECORD_STEP, step);
    ct_rollback(ct);
    ct_unchanged(ct->reader, &before);
    ct_picture_fini(&before);
}

/* A refused verb leaves the group as it was and usable: the rest of it counts. */
static void refused_verbs_do_not_sink_the_group(void **state)
{
    contract *ct = *state;
    ct_world(ct);
    ct_begin(ct);
    sw_project *kept = ct_insert(ct, SW_RECORD_PROJECT, ROWGEN_FULL);
    CT_EXPECT(sw_store_insert(ct->writer, SW_RECORD_PROJECT, kept, err), EXISTS);
    sw_project *orphan = ct_row(ct, SW_RECORD_PROJECT, ROWGEN_FULL);
    orphan->organization_id = SW_STR("org-nobody");
    CT_EXPECT(sw_store_insert(ct->writer, SW_RECORD_PROJECT, orphan, err), INVALID);
    sw_organization org = {.id = kept->organization_id};
    CT_EXPECT(sw_store_remove(ct->writer, SW_RECORD_ORGANIZATION, &org, err), RESTRICTED);
    sw_project missing = {.id = SW_STR("project-nobody")};
    CT_EXPECT(sw_store_remove(ct->writer, SW_RECORD_PROJECT, &missing, err), NOT_FOUND);
    sw_project *after = ct_insert(ct, SW_RECORD_PROJECT, ROWGEN_FULL);
    ct_commit(ct);
    ct_expect_row(ct, ct->reader, SW_RECORD_PROJECT, kept);
    ct_expect_row(ct, ct->reader, SW_RECORD_PROJECT, after);
    assert_null(ct_get(ct, ct->reader, SW_RECORD_PROJECT, orphan));
}

static void empty_groups_are_fine(void **state)
{
    contract *ct = *state;
    ct_picture before;
    ct_world(ct);
    ct_picture_take(&before, ct->reader);
    for (int i = 0; i < 3; i++) {
        ct_begin(ct);
        ct_commit(ct);
        ct_begin(ct);
        ct_rollback(ct);
    }
    ct_unchanged(ct->reader, &before);
    ct_picture_fini(&before);
}

static void closing_a_session_rolls_back(void **state)
{
    contract *ct = *state;
    ct_world(ct);
    ct_begin(ct);
    sw_project *row = ct_insert(ct, SW_RECORD_PROJECT, ROWGEN_FULL);
    sw_session_close(&ct->writer);
    assert_null(ct->writer);
    assert_null(ct_get(ct, ct->reader, SW_RECORD_PROJECT, row));
    CT_EXPECT(sw_session_open(ct->store, SW_SESSION_WRITE, &ct->writer, err), OK);
    ct_begin(ct);
    CT_EXPECT(sw_store_insert(ct->writer, SW_RECORD_PROJECT, row, err), OK);
    ct_commit(ct);
    ct_expect_row(ct, ct->reader, SW_RECORD_PROJECT, row);
}

/* ---- who sees what ------------------------------------------------------------------------------ */

static void others_see_a_group_when_it_commits(void **state)
{
    contract *ct = *state;
    ct_world(ct);
    ct_begin(ct);
    sw_project *row = ct_insert(ct, SW_RECORD_PROJECT, ROWGEN_FULL);
    sw_project *old = ct_struct(ct, SW_RECORD_PROJECT);
    old->id = ct->pool.at[SW_RECORD_PROJECT][0];
    old = ct_get(ct, ct->reader, SW_RECORD_PROJECT, old);
    sw_project *renamed = ct_struct(ct, SW_RECORD_PROJECT);
    *renamed = *old;
    renamed->name = SW_STR("renamed in a group");
    CT_EXPECT(
        sw_store_update(ct->writer, SW_RECORD_PROJECT, renamed, SW_MASK(SW_PROJECT_NAME), err), OK);
    ct_expect_row(ct, ct->writer, SW_RECORD_PROJECT, row);
    ct_expect_row(ct, ct->writer, SW_RECORD_PROJECT, renamed);
    assert_null(ct_get(ct, ct->reader, SW_RECORD_PROJECT, row));
    ct_expect_row(ct, ct->reader, SW_RECORD_PROJECT, old);
    ct_commit(ct);
    ct_expect_row(ct, ct->reader, SW_RECORD_PROJECT, row);
    ct_expect_row(ct, ct->reader, SW_RECORD_PROJECT, renamed);
}

static void a_snapshot_stays(void **state)
{
    contract *ct = *state;
    ct_picture before;
    ct_world(ct);
    CT_EXPECT(sw_session_begin(ct->reader, NULL, err), OK);
    ct_picture_take(&before, ct->reader);
    ct_begin(ct);
    stir(ct);
    ct_unchanged(ct->reader, &before);
    ct_commit(ct);
    ct_unchanged(ct->reader, &before);
    CT_EXPECT(sw_session_commit(ct->reader, err), OK);
    ct_picture after;
    ct_picture_take(&after, ct->writer);
    ct_unchanged(ct->reader, &after);
    assert_true(after.count[SW_RECORD_STEP] > before.count[SW_RECORD_STEP]);
    ct_picture_fini(&after);
    ct_picture_fini(&before);
}

static void a_snapshot_may_be_rolled_back(void **state)
{
    contract *ct = *state;
    ct_world(ct);
    CT_EXPECT(sw_session_begin(ct->reader, NULL, err), OK);
    sw_organization org = {.id = ct->pool.at[SW_RECORD_ORGANIZATION][0]};
    assert_non_null(ct_get(ct, ct->reader, SW_RECORD_ORGANIZATION, &org));
    sw_session_rollback(ct->reader);
    CT_EXPECT(sw_session_begin(ct->reader, NULL, err), OK);
    CT_EXPECT(sw_session_commit(ct->reader, err), OK);
}

static void readers_may_be_many(void **state)
{
    contract *ct = *state;
    sw_session *readers[8];
    sw_project *rows[8];
    ct_world(ct);
    for (size_t i = 0; i < SW_COUNT(readers); i++) {
        CT_EXPECT(sw_session_open(ct->store, SW_SESSION_READ, &readers[i], err), OK);
        CT_EXPECT(sw_session_begin(readers[i], NULL, err), OK);
        assert_non_null(ct_get(ct, readers[i], SW_RECORD_ORGANIZATION,
                               &(sw_organization){.id = ct->pool.at[SW_RECORD_ORGANIZATION][0]}));
        ct_begin(ct);
        rows[i] = ct_insert(ct, SW_RECORD_PROJECT, ROWGEN_FULL);
        ct_commit(ct);
    }
    for (size_t i = 0; i < SW_COUNT(readers); i++) {
        for (size_t k = 0; k < SW_COUNT(rows); k++) {
            void *seen = ct_get(ct, readers[i], SW_RECORD_PROJECT, rows[k]);
            assert_int_equal(seen != NULL, k < i); /* what was there when it began */
        }
        sw_session_close(&readers[i]);
    }
}

/* ---- what may be remembered --------------------------------------------------------------------- */

static void changed_tells_of_others(void **state)
{
    contract *ct = *state;
    sw_session *other = NULL;
    sw_store *second = NULL;
    assert_true(begin_changed(ct->writer));
    ct_commit(ct);
    assert_false(begin_changed(ct->writer)); /* its own commits are no news */
    ct_insert(ct, SW_RECORD_ORGANIZATION, ROWGEN_FULL);
    ct_commit(ct);
    assert_false(begin_changed(ct->writer));
    ct_insert(ct, SW_RECORD_ORGANIZATION, ROWGEN_FULL);
    ct_rollback(ct);
    assert_false(begin_changed(ct->writer));
    ct_commit(ct);
    if (!ct_keeps(ct)) {
        return;
    }
    sw_store_options options = {.url = sw_str_from(ct->url), .allocator = &ct->memory.face};
    CT_EXPECT(sw_store_open(&options, &second, err), OK);
    CT_EXPECT(sw_session_open(second, SW_SESSION_WRITE, &other, err), OK);
    assert_true(begin_changed(other));
    sw_organization *row = ct_row(ct, SW_RECORD_ORGANIZATION, ROWGEN_FULL);
    CT_EXPECT(sw_store_insert(other, SW_RECORD_ORGANIZATION, row, err), OK);
    CT_EXPECT(sw_session_commit(other, err), OK);
    assert_true(begin_changed(ct->writer));
    ct_expect_row(ct, ct->writer, SW_RECORD_ORGANIZATION, row);
    ct_commit(ct);
    assert_false(begin_changed(ct->writer));
    ct_commit(ct);
    sw_session_close(&other);
    sw_store_close(&second);
}

static void tells_of_commits(contract *ct, sw_session *session)
{
    uint64_t first = 0, again = 0, later = 0;
    CT_EXPECT(sw_session_version(session, &first, err), OK);
    CT_EXPECT(sw_session_version(session, &again, err), OK);
    assert_int_equal(first, again);
    ct_begin(ct);
    ct_insert(ct, SW_RECORD_ORGANIZATION, ROWGEN_FULL);
    CT_EXPECT(sw_session_version(session, &again, err), OK);
    assert_int_equal(first, again); /* not committed yet */
    ct_commit(ct);
    CT_EXPECT(sw_session_version(session, &later, err), OK);
    assert_int_not_equal(first, later);
    CT_EXPECT(sw_session_version(session, &again, err), OK);
    assert_int_equal(later, again);
}

static void version_tells_of_commits(void **state)
{
    contract *ct = *state;
    sw_session *watch = NULL;
    ct_world(ct);
    tells_of_commits(ct, ct->reader);
    CT_EXPECT(sw_session_open(ct->store, SW_SESSION_WATCH, &watch, err), OK);
    tells_of_commits(ct, watch);
    sw_session_close(&watch);
}

/* A bell rings for every commit, also of one that came before anybody waited; a store without one says so. */
static void a_bell_rings_for_commits(void **state)
{
    contract *ct = *state;
    sw_session *watch = NULL;
    sw_error told = {0};
    bool rung = false;
    CT_EXPECT(sw_session_open(ct->store, SW_SESSION_WATCH, &watch, err), OK);
    sw_status status = sw_session_wait(watch, 0, &rung, &told);
    if (status != SW_STATUS_UNSUPPORTED) {
        assert_true(rung); /* nobody has listened before */
        CT_EXPECT(sw_session_wait(watch, 0, &rung, err), OK);
        assert_false(rung);
        ct_begin(ct);
        ct_insert(ct, SW_RECORD_ORGANIZATION, ROWGEN_FULL);
        CT_EXPECT(sw_session_wait(watch, 0, &rung, err), OK);
        assert_false(rung); /* not committed yet */
        ct_commit(ct);
        CT_EXPECT(sw_session_wait(watch, 30000, &rung, err), OK);
        assert_true(rung);
        ct_begin(ct);
        ct_rollback(ct);
        CT_EXPECT(sw_session_wait(watch, 0, &rung, err), OK);
        assert_false(rung);
    }
    sw_session_close(&watch);
}

/* ---- the store itself --------------------------------------------------------------------------- */

static void count_fault(void *arg, const char *where, const char *what)
{
    print_error("%s %s\n", where, what);
    ++*(size_t *)arg;
}

/* What went through the interface leaves nothing behind that a check complains of. */
static void checks_find_no_fault(void **state)
{
    contract *ct = *state;
    size_t faults = 0;
    CT_EXPECT(sw_store_check(ct->reader, count_fault, &faults, err), OK);
    ct_world(ct);
    ct_begin(ct);
    stir(ct);
    ct_commit(ct);
    ct_begin(ct);
    stir(ct);
    ct_rollback(ct);
    CT_EXPECT(sw_store_check(ct->reader, count_fault, &faults, err), OK);
    assert_int_equal(faults, 0);
}

static void the_store_says_what_it_is(void **state)
{
    contract *ct = *state;
    sw_store_info info;
    CT_EXPECT(sw_store_info_get(ct->store, &info, err), OK);
    assert_int_equal(strncmp(info.kind, ct->url, strlen(info.kind)), 0);
    assert_int_equal(info.file_bytes > 0, ct_keeps(ct));
    CT_EXPECT(sw_store_tidy(ct->store, err), OK);
    ct_world(ct);
    CT_EXPECT(sw_store_tidy(ct->store, err), OK);
    CT_EXPECT(sw_store_tidy(ct->store, err), OK);
}

/* Opened again, a store with a file has what was committed, one without has nothing. */
static void opened_again_it_keeps_its_word(void **state)
{
    contract *ct = *state;
    ct_picture before;
    if (!ct_keeps(ct)) {
        ct_picture_take(&before, ct->reader);
    }
    ct_world(ct);
    ct_begin(ct);
    stir(ct);
    ct_commit(ct);
    if (ct_keeps(ct)) {
        ct_picture_take(&before, ct->reader);
    }
    ct_begin(ct);
    stir(ct);
    ct_reopen(ct); /* the open group is given up */
    ct_unchanged(ct->reader, &before);
    ct_picture_fini(&before);
}

const ct_case ct_group_cases[] = {
    {"rollback restores everything", rollback_restores_everything},
    {"rollback brings back what rules took", rollback_brings_back_what_rules_took},
    {"refused verbs do not sink the group", refused_verbs_do_not_sink_the_group},
    {"empty groups are fine", empty_groups_are_fine},
    {"closing a session rolls back", closing_a_session_rolls_back},
    {"others see a group when it commits", others_see_a_group_when_it_commits},
    {"a snapshot stays", a_snapshot_stays},
    {"a snapshot may be rolled back", a_snapshot_may_be_rolled_back},
    {"readers may be many", readers_may_be_many},
    {"changed tells of others", changed_tells_of_others},
    {"version tells of commits", version_tells_of_commits},
    {"a bell rings for commits", a_bell_rings_for_commits},
    {"checks find no fault", checks_find_no_fault},
    {"the store says what it is", the_store_says_what_it_is},
    {"opened again, it keeps its word", opened_again_it_keeps_its_word},
    {NULL, NULL},
};
