/* SPDX-License-Identifier: Apache-2.0 */
/* Random operations of two organizations, with ids that collide, broken fields, foreign ids and repeated
 * sends, against the naive ledger. Each outcome must be what the naive ledger says; every now and then
 * every list, sum, run and journal must be too, and verify must find nothing. A failure prints the seed
 * that brings it back (STEPWELL_TEST_SEED).
 */
#include "tests/lib/player.h"

static void random_operations_answer_as_the_naive_ledger(lt *t)
{
    play *p = play_new(t, lt_seed(t->store));
    int64_t operations = lt_level(300, 3000, 50000);
    int64_t pause = lt_level(50, 100, 500);
    for (int64_t i = 1; i <= operations; i++) {
        play_one(p);
        if (i % pause == 0 || i == operations) {
            compare_all(t, p->n, &p->rng);
        }
        if (i % (pause * 5) == 0 || i == operations) {
            CLEAN();
        }
    }
    play_check_journal(p);
    if (t->keeps) {
        lt_reopen(t);
        compare_all(t, p->n, &p->rng);
        play_check_journal(p);
        CLEAN();
    }
    play_free(&p);
}

static const lt_case cases[] = {
    {"random operations answer as the naive ledger", random_operations_answer_as_the_naive_ledger,
     LT_CLOCK},
};

LT_MAIN("random", cases)
