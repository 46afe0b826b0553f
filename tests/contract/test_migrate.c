/* SPDX-License-Identifier: Apache-2.0 */
/* A store carried into another and on, until it is back where it began: whatever rows the model declares, filled at
 * random, every row is there as it was, seen by pictures of both stores and not by the migration's own comparison. And
 * what that comparison, interruptions and refusals are worth.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "store/migrate.h"
#include "tests/contract/contract.h"
#include "tests/lib/pg.h"

/* What a listener was told. */
typedef struct heard {
    int calls;    /* of progress */
    int compares; /* of these, when comparing */
    int die_at;   /* kill -9 of this process at that call; 0: never */
    int differing;
    char where[400], what[400]; /* the last difference */
    void (*on_first_compare)(void *arg);
    void *arg;
} heard;

static void hear_progress(void *arg, bool comparing, int64_t done, int64_t total)
{
    heard *h = arg;
    assert_true(done >= 0 && done <= total);
    h->compares += comparing;
    if (++h->calls == h->die_at) {
        (void)raise(SIGKILL);
    }
    if (comparing && h->compares == 1 && h->on_first_compare) {
        h->on_first_compare(h->arg);
    }
}

static void hear_difference(void *arg, const char *where, const char *what)
{
    heard *h = arg;
    h->differing++;
    snprintf(h->where, sizeof h->where, "%s", where);
    snprintf(h->what, sizeof h->what, "%s", what);
}

static void leave(contract *ct)
{
    sw_session_close(&ct->reader);
    sw_session_close(&ct->writer);
}

static void enter(contract *ct)
{
    CT_EXPECT(sw_session_open(ct->store, SW_SESSION_WRITE, &ct->writer, err), OK);
    CT_EXPECT(sw_session_open(ct->store, SW_SESSION_READ, &ct->reader, err), OK);
}

static sw_status migrate(contract *from, contract *to, heard *h, sw_migrate_sum *sum, sw_error *err)
{
    const sw_migrate_listener listener = {hear_progress, hear_difference, h};
    leave(from);
    leave(to);
    sw_status status = sw_store_migrate(from->store, to->store, &listener, sum, err);
    if (status == SW_STATUS_OK) {
        status = sw_store_migrated(to->store, err);
    }
    enter(from);
    enter(to);
    return status;
}

/* So many rows of each record but the migration's own count. */
static void fill(contract *ct, size_t each)
{
    static const rowgen_fill fills[] = {ROWGEN_MIXED, ROWGEN_FULL, ROWGEN_SPARSE, ROWGEN_LARGE};
    for (size_t r = 0; r < SW_RECORD_COUNT; r++) {
        ct_begin(ct);
        for (size_t i = 0; r != SW_RECORD_MIGRATION && i < each; i++) {
            (void)ct_insert(ct, (sw_record_id)r, fills[i < 4 ? i : 0]);
        }
        ct_commit(ct);
    }
}

static void same(contract *a, contract *b)
{
    ct_picture one, other;
    ct_picture_take(&one, a->reader);
    ct_picture_take(&other, b->reader);
    for (size_t r = 0; r < SW_RECORD_COUNT; r++) {
        assert_true(r == SW_RECORD_MIGRATION ? one.count[r] == 0 : one.count[r] > 0);
    }
    ct_picture_same(&one, &other);
    ct_picture_fini(&one);
    ct_picture_fini(&other);
}

static const char *const all_kinds[] = {"memory", "sqlite", "postgres", "sqlite", "memory", NULL};
static const char *const no_server[] = {"memory", "sqlite", "sqlite", "memory", NULL};

static const char *const *kinds(void)
{
    return pg_missing() ? no_server : all_kinds;
}

/* ---- there and back ----------------------------------------------------------------------------- */

/* As many rows as the store said that it counted. */
static void counted(contract *ct, const sw_migrate_sum *sum)
{
    ct_picture all;
    ct_picture_take(&all, ct->reader);
    for (size_t r = 0; r < SW_RECORD_COUNT; r++) {
        assert_int_equal(sum->rows[r], all.count[r]);
    }
    ct_picture_fini(&all);
}

static void carry(contract *from, contract *to, int64_t *rows)
{
    heard h = {0};
    sw_migrate_sum sum;
    CT_EXPECT(migrate(from, to, &h, &sum, err), OK);
    assert_int_equal(h.differing, 0);
    assert_int_equal(sum.copied, sum.all);
    assert_int_equal(sum.compared, sum.all);
    assert_int_equal(sum.differences + sum.missed, 0);
    assert_true(*rows == 0 || *rows == sum.all);
    *rows = sum.all;
    counted(from, &sum);
    same(from, to);
}

/* Random rows of every kind go from store to store, and what arrives is what set out. */
static void every_record_goes_round(void **state)
{
    contract *at = calloc(2, sizeof *at);
    const char *const *kind = kinds();
    int64_t rows = 0;
    (void)state;
    assert_non_null(at);
    ct_open(&at[0], kind[0], ct_seed());
    fill(&at[0], ct_level(6, 25, 120));
    for (size_t i = 1; kind[i]; i++) {
        ct_open(&at[i % 2], kind[i], 1);
        carry(&at[(i + 1) % 2], &at[i % 2], &rows);
        ct_close(&at[(i + 1) % 2]);
        assert_int_equal(at[(i + 1) % 2].memory.out, 0);
        if (!kind[i + 1]) {
            ct_close(&at[i % 2]);
        }
    }
    free(at);
}

/* ---- on a pair of stores ------------------------------------------------------------------------ */

typedef struct pair {
    contract from, to;
} pair;

static pair *open_pair(const char *from, const char *to)
{
    pair *p = calloc(1, sizeof *p);
    assert_non_null(p);
    ct_open(&p->from, from, ct_seed());
    ct_open(&p->to, to, 1);
    return p;
}

static void close_pair(pair *p)
{
    ct_close(&p->from);
    ct_close(&p->to);
    assert_int_equal(p->from.memory.out, 0);
    assert_int_equal(p->to.memory.out, 0);
    free(p);
}

typedef void on_pair(pair *p);

/* Between files, and, where there is a server, into it and out of it. */
static void on_each(on_pair *run)
{
    static const char *const sides[][2] = {
        {"sqlite", "sqlite"}, {"sqlite", "postgres"}, {"postgres", "sqlite"}};
    for (size_t i = 0; i < SW_COUNT(sides); i++) {
        if (i > 0 && pg_missing()) {
            printf("# not tried with PostgreSQL: %s\n", pg_missing());
            return;
        }
        pair *p = open_pair(sides[i][0], sides[i][1]);
        fill(&p->from, ct_level(6, 12, 40));
        run(p);
        close_pair(p);
    }
}

static void refuse(pair *p, const char *word)
{
    heard h = {0};
    sw_migrate_sum sum;
    sw_error said = {0};
    ct_picture before;
    ct_picture_take(&before, p->to.reader);
    assert_int_equal(migrate(&p->from, &p->to, &h, &sum, &said), SW_STATUS_CONFLICT);
    if (!strstr(said.message, word)) {
        fail_msg("'%s' is not in: %s", word, said.message);
    }
    ct_unchanged(p->to.reader, &before);
    ct_picture_fini(&before);
}

/* ---- interruptions ------------------------------------------------------------------------------ */

/* A child that migrates and is killed at that call of progress, or is not; whether it was. */
static bool child_dies(pair *p, int die_at)
{
    int status = 0;
    leave(&p->from);
    leave(&p->to);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        heard h = {.die_at = die_at};
        const sw_migrate_listener listener = {hear_progress, hear_difference, &h};
        sw_store_options from = {.url = sw_str_from(p->from.url), .read_only = true};
        sw_store_options to = {.url = sw_str_from(p->to.url)};
        sw_migrate_sum sum;
        sw_error err = {0};
        sw_store *stores[2];
        bool done = sw_store_open(&from, &stores[0], &err) == SW_STATUS_OK &&
                    sw_store_open(&to, &stores[1], &err) == SW_STATUS_OK &&
                    sw_store_migrate(stores[0], stores[1], &listener, &sum, &err) == SW_STATUS_OK &&
                    sw_store_migrated(stores[1], &err) == SW_STATUS_OK;
        if (!done) {
            fprintf(stderr, "child: %s\n", err.message);
        }
        _exit(done ? 0 : 1);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status) ? WTERMSIG(status) == SIGKILL : WEXITSTATUS(status) == 0);
    enter(&p->from);
    enter(&p->to);
    return WIFSIGNALED(status);
}

static bool is_whole(contract *ct)
{
    sw_error err = {0};
    sw_status status = sw_store_whole(ct->reader, &err);
    assert_true(status == SW_STATUS_OK || status == SW_STATUS_CONFLICT);
    return status == SW_STATUS_OK;
}

static void killed_and_resumed(pair *p)
{
    unsigned kills = 0;
    assert_true(is_whole(&p->to));
    for (int die_at = 1; child_dies(p, die_at); die_at += (int)ct_level(29, 13, 1)) {
        assert_false(is_whole(&p->to));
        assert_true(is_whole(&p->from));
        kills++;
    }
    assert_true(kills > 1);
    assert_true(is_whole(&p->to));
    same(&p->from, &p->to);
}

static void kill_9_at_any_batch_and_on(void **state)
{
    (void)state;
    on_each(killed_and_resumed);
}

/* The last calls of progress are of the comparison: everything is copied, and nothing removed yet. */
static void copy_without_end(pair *p)
{
    heard h = {0};
    sw_migrate_sum sum;
    contract *probe = calloc(1, sizeof *probe);
    assert_non_null(probe);
    ct_open(probe, "memory", 1);
    CT_EXPECT(migrate(&p->from, probe, &h, &sum, err), OK);
    ct_close(probe);
    free(probe);
    assert_true(h.compares > 0);
    assert_true(child_dies(p, h.calls - h.compares + 1));
    assert_false(is_whole(&p->to));
}

/* ---- damage ------------------------------------------------------------------------------------- */

static void expect_difference(pair *p, const char *where, const char *what, int count)
{
    heard h = {0};
    sw_migrate_sum sum;
    sw_error said = {0};
    assert_int_equal(migrate(&p->from, &p->to, &h, &sum, &said), SW_STATUS_DIFFERS);
    assert_int_equal(h.differing, count);
    assert_int_equal(sum.differences, count);
    if (count == 1 && (!strstr(h.where, where) || !strstr(h.what, what))) {
        fail_msg("%s: %s; expected %s: %s", h.where, h.what, where, what);
    }
    assert_false(is_whole(&p->to));
}

static void change_a_step(contract *ct, sw_str id, sw_str word)
{
    const sw_step row = {.id = id, .model = word};
    ct_begin(ct);
    CT_EXPECT(sw_store_update(ct->writer, SW_RECORD_STEP, &row, SW_MASK(SW_STEP_MODEL), err), OK);
    ct_commit(ct);
}

/* One field of one row, one row too many, one too few. */
static void damage_is_named(pair *p)
{
    copy_without_end(p);
    sw_str id = p->from.pool.at[SW_RECORD_STEP][0];
    char *before = strndup(id.ptr, id.len);
    sw_step *was = ct_get(&p->from, p->from.reader, SW_RECORD_STEP, &(sw_step){.id = id});
    assert_non_null(was);
    change_a_step(&p->to, id, SW_STR("another one"));
    expect_difference(p, before, "differs in model", 1);
    change_a_step(&p->to, id, was->model);

    const sw_price price = *(sw_price *)ct_row(&p->from, SW_RECORD_PRICE, ROWGEN_FULL);
    ct_begin(&p->to);
    CT_EXPECT(sw_store_insert(p->to.writer, SW_RECORD_PRICE, &price, err), OK);
    ct_commit(&p->to);
    expect_difference(p, "prices ", "only", 1);
    ct_begin(&p->to);
    CT_EXPECT(sw_store_remove(p->to.writer, SW_RECORD_PRICE, &price, err), OK);
    CT_EXPECT(sw_store_remove(p->to.writer, SW_RECORD_SAVED_VIEW,
                              &(sw_saved_view){.id = p->from.pool.at[SW_RECORD_SAVED_VIEW][0]},
                              err),
              OK);
    ct_commit(&p->to);
    expect_difference(p, "saved_views ", "only", 1);
    free(before);
}

static void damage_is_seen_and_named(void **state)
{
    (void)state;
    on_each(damage_is_named);
}

/* ---- what is refused ---------------------------------------------------------------------------- */

static void add_an_entry(contract *ct)
{
    sw_journal_head head = {.organization_id = ct->pool.at[SW_RECORD_ORGANIZATION][0],
                            .seq = sw_int_of(123456789),
                            .sequence_id = sw_int_of(0),
                            .runs = sw_int_of(0)};
    ct_begin(ct);
    CT_EXPECT(sw_store_put(ct->writer, SW_RECORD_JOURNAL_HEAD, &head, err), OK);
    ct_commit(ct);
}

static void wrong_ones(pair *p)
{
    ct_begin(&p->to);
    (void)ct_insert(&p->to, SW_RECORD_ORGANIZATION, ROWGEN_FULL);
    ct_commit(&p->to);
    refuse(p, "holds a ledger already");
}

static void a_ledger_is_never_written_over(void **state)
{
    (void)state;
    on_each(wrong_ones);
}

/* A half is no source; and it goes on only with what it began with, as that was. */
static void only_with_the_same(pair *p)
{
    copy_without_end(p);
    pair back = {.from = p->to, .to = p->from};
    heard h = {0};
    sw_migrate_sum sum;
    sw_error said = {0};
    assert_int_equal(migrate(&back.from, &back.to, &h, &sum, &said), SW_STATUS_CONFLICT);
    assert_non_null(strstr(said.message, "half a migration"));
    p->to = back.from;
    p->from = back.to;

    contract *third = calloc(1, sizeof *third);
    assert_non_null(third);
    ct_open(third, "sqlite", 77);
    fill(third, 2);
    contract first = p->from;
    p->from = *third;
    refuse(p, "holds half a migration of");
    *third = p->from;
    p->from = first;
    ct_close(third);
    free(third);

    add_an_entry(&p->from);
    refuse(p, "was written to since");
}

static void a_half_goes_on_with_its_own_source(void **state)
{
    (void)state;
    on_each(only_with_the_same);
}

/* ---- others meanwhile --------------------------------------------------------------------------- */

typedef struct intruder {
    contract *ct;
    sw_store *store; /* of another process, as it were */
} intruder;

static void write_beside(void *arg)
{
    const intruder *i = arg;
    sw_session *writer = NULL;
    const sw_journal_head head = {.organization_id = i->ct->pool.at[SW_RECORD_ORGANIZATION][0],
                                  .seq = sw_int_of(INT64_C(1) << 40),
                                  .sequence_id = sw_int_of(0),
                                  .runs = sw_int_of(0)};
    CT_EXPECT(sw_session_open(i->store, SW_SESSION_WRITE, &writer, err), OK);
    CT_EXPECT(sw_session_begin(writer, NULL, err), OK);
    CT_EXPECT(sw_store_put(writer, SW_RECORD_JOURNAL_HEAD, &head, err), OK);
    CT_EXPECT(sw_session_commit(writer, err), OK);
    sw_session_close(&writer);
}

static void beside(pair *p, contract *which, heard *h, intruder *i)
{
    const sw_store_options options = {.url = sw_str_from(which->url)};
    *i = (intruder){.ct = &p->from};
    CT_EXPECT(sw_store_open(&options, &i->store, err), OK);
    *h = (heard){.on_first_compare = write_beside, .arg = i};
}

/* What comes to the source while it is copied is told, and is not in the copy, which is of one moment. */
static void source_moves_on(pair *p)
{
    heard h;
    intruder i;
    sw_migrate_sum sum;
    beside(p, &p->from, &h, &i);
    CT_EXPECT(migrate(&p->from, &p->to, &h, &sum, err), OK);
    sw_store_close(&i.store);
    assert_true(sum.missed != 0);
    assert_int_equal(sum.differences, 0);
    const sw_journal_head key = {.organization_id = p->from.pool.at[SW_RECORD_ORGANIZATION][0]};
    const sw_journal_head *there = ct_get(&p->to, p->to.reader, SW_RECORD_JOURNAL_HEAD, &key);
    assert_true(!there || there->seq.value != INT64_C(1) << 40);
}

/* Who writes to the target is found out, and it stays a half. */
static void target_is_written_to(pair *p)
{
    heard h;
    intruder i;
    sw_migrate_sum sum;
    sw_error said = {0};
    beside(p, &p->to, &h, &i);
    assert_int_equal(migrate(&p->from, &p->to, &h, &sum, &said), SW_STATUS_CONFLICT);
    sw_store_close(&i.store);
    assert_non_null(strstr(said.message, "somebody else has written"));
    assert_false(is_whole(&p->to));
}

static void others_write_to_the_source(void **state)
{
    (void)state;
    on_each(source_moves_on);
}

static void others_write_to_the_target(void **state)
{
    (void)state;
    on_each(target_is_written_to);
}

int main(int argc, char **argv)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_record_goes_round),
        cmocka_unit_test(kill_9_at_any_batch_and_on),
        cmocka_unit_test(damage_is_seen_and_named),
        cmocka_unit_test(a_ledger_is_never_written_over),
        cmocka_unit_test(a_half_goes_on_with_its_own_source),
        cmocka_unit_test(others_write_to_the_source),
        cmocka_unit_test(others_write_to_the_target),
    };
    if (argc > 1) {
        cmocka_set_test_filter(argv[1]);
    }
    if (!pg_missing()) {
        pg_start();
    }
    return cmocka_run_group_tests_name("contract/migrate", tests, NULL, NULL);
}
