/* SPDX-License-Identifier: Apache-2.0 */
/* The contract under threads: one writer, many readers, each with a session of its own. What a reader
 * sees at one moment is the end of some group, never the middle of one, and never goes back in time.
 */
#include <pthread.h>

#include "tests/contract/contract.h"

enum { READERS = 3, TOGETHER = 3 };

/* Each group inserts TOGETHER projects or takes all of an earlier group away again. */
typedef struct traffic {
    sw_store *store;
    atomic_bool over;
    atomic_size_t wrong;
} traffic;

typedef struct tally {
    int64_t rows;
    int64_t sum; /* of created_at, which counts the groups */
} tally;

static sw_seen add_up(void *arg, const void *row)
{
    tally *t = arg;
    t->rows++;
    t->sum += ((const sw_project *)row)->created_at.value;
    return SW_SEEN_COUNT;
}

static bool look(sw_session *session, tally *t)
{
    sw_error told;
    sw_scan all = {.record = SW_RECORD_PROJECT};
    *t = (tally){0};
    return sw_store_scan(session, &all, add_up, t, NULL, &told) == SW_STATUS_OK;
}

/* No assertions here: cmocka's work in the main thread only. */
static void *read_on(void *arg)
{
    traffic *at = arg;
    sw_session *session = NULL;
    sw_error told;
    uint64_t version = 0, before = 0;
    size_t wrong = sw_session_open(at->store, SW_SESSION_READ, &session, &told) != SW_STATUS_OK;
    while (!wrong && !atomic_load(&at->over)) {
        tally once = {0}, again = {0};
        wrong += sw_session_begin(session, NULL, &told) != SW_STATUS_OK;
        wrong += !look(session, &once) || !look(session, &again);
        wrong += sw_session_commit(session, &told) != SW_STATUS_OK;
        wrong += once.rows % TOGETHER != 0 || once.sum % TOGETHER != 0;
        wrong += once.rows != again.rows || once.sum != again.sum;
        wrong += !look(session, &again) || again.rows % TOGETHER != 0;
        wrong += sw_session_version(session, &version, &told) != SW_STATUS_OK;
        wrong += version < before;
        before = version;
    }
    atomic_fetch_add(&at->wrong, wrong);
    sw_session_close(&session);
    return NULL;
}

static void write_on(contract *ct, size_t groups)
{
    sw_project *rows[TOGETHER] = {NULL};
    for (size_t n = 1; n <= groups; n++) {
        ct_begin(ct);
        for (size_t i = 0; i < TOGETHER; i++) {
            if (rows[i] && n % 3 == 0) {
                CT_EXPECT(sw_store_remove(ct->writer, SW_RECORD_PROJECT, rows[i], err), OK);
                rows[i] = NULL;
                continue;
            }
            rows[i] = ct_row(ct, SW_RECORD_PROJECT, ROWGEN_SPARSE);
            rows[i]->created_at = sw_int_of((int64_t)n);
            CT_EXPECT(sw_store_insert(ct->writer, SW_RECORD_PROJECT, rows[i], err), OK);
        }
        ct_commit(ct);
        if (n % 5 == 0) { /* and one that is given up */
            ct_begin(ct);
            CT_EXPECT(sw_store_insert(ct->writer, SW_RECORD_PROJECT,
                                      ct_row(ct, SW_RECORD_PROJECT, ROWGEN_FULL), err),
                      OK);
            ct_rollback(ct);
        }
    }
}

static void readers_see_whole_groups(void **state)
{
    contract *ct = *state;
    pthread_t threads[READERS];
    traffic at = {.store = ct->store};
    atomic_init(&at.over, false);
    atomic_init(&at.wrong, 0);
    ct_begin(ct);
    ct_insert(ct, SW_RECORD_ORGANIZATION, ROWGEN_FULL);
    ct_commit(ct);
    for (size_t i = 0; i < READERS; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, read_on, &at), 0);
    }
    write_on(ct, ct_level(40, 150, 2000));
    atomic_store(&at.over, true);
    for (size_t i = 0; i < READERS; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    }
    assert_int_equal(atomic_load(&at.wrong), 0);
}

const ct_case ct_thread_cases[] = {
    {"readers see whole groups", readers_see_whole_groups},
    {NULL, NULL},
};
