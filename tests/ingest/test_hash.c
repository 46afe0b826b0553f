/* SPDX-License-Identifier: Apache-2.0 */
/* Where ids stand in the tables of warm traces: not where whoever sends wants them. */
#include "ingest/ingest_inside.h"
#include "tests/lib/lt.h"

enum {
    IDS = 4096,
    SLOTS = 1024,
    MOST = 40
}; /* four in a slot, were they even; 40 by chance: never */

/* The most of these that stand in one slot. */
static unsigned fullest(const ingest_key *key, const uint8_t (*ids)[INGEST_UNIT])
{
    static unsigned slots[SLOTS];
    unsigned most = 0;

    memset(slots, 0, sizeof slots);
    for (unsigned i = 0; i < IDS; i++) {
        unsigned n = ++slots[ingest_hash(key, ids[i], INGEST_UNIT) & (SLOTS - 1)];
        most = n > most ? n : most;
    }
    return most;
}

/* Found under one key, they are nothing special under another. */
static void ids_that_meet_under_one_key_part_under_another(lt *t)
{
    static uint8_t ids[IDS][INGEST_UNIT];
    ingest_key known;
    ingest_key drawn;
    unsigned found = 0;

    (void)t;
    ingest_draw_key(&known);
    for (uint64_t i = 0; found < IDS; i++) {
        memcpy(ids[found], &i, sizeof i);
        found += (ingest_hash(&known, ids[found], INGEST_UNIT) & (SLOTS - 1)) == 0;
    }
    SAME(fullest(&known, (const uint8_t(*)[INGEST_UNIT])ids), IDS);
    ingest_draw_key(&drawn);
    CHECK(fullest(&drawn, (const uint8_t(*)[INGEST_UNIT])ids) <= MOST);
}

/* The hash of other tables folds a product: a first half that makes a factor zero takes the second half out of it,
 * whatever the seed. */
static void no_half_of_an_id_hides_the_other(lt *t)
{
    static uint8_t ids[IDS][INGEST_UNIT];
    const uint64_t halves[] = {0, UINT64_MAX, UINT64_C(0x9d7c3fb1a6e05b2d),
                               UINT64_C(0xc3a58f642e9b71d5)};
    ingest_key key;

    (void)t;
    ingest_draw_key(&key);
    for (size_t h = 0; h < SW_COUNT(halves); h++) {
        for (uint64_t i = 0; i < IDS; i++) {
            memcpy(ids[i], &halves[h], sizeof halves[h]);
            memcpy(ids[i] + sizeof halves[h], &i, sizeof i);
        }
        CHECK(fullest(&key, (const uint8_t(*)[INGEST_UNIT])ids) <= MOST);
    }
}

static void every_ingest_draws_its_own_key(lt *t)
{
    sw_ingest *one = NULL;
    sw_ingest *two = NULL;
    sw_ingest_options options = {.no_thread = true};

    OK(sw_ingest_open(t->ledger, &options, &one, &t->err));
    OK(sw_ingest_open(t->ledger, &options, &two, &t->err));
    CHECK(memcmp(one->key.bytes, two->key.bytes, sizeof one->key.bytes) != 0);
    sw_ingest_close(&one);
    sw_ingest_close(&two);
}

static const lt_case cases[] = {
    {"ids that meet under one key part under another",
     ids_that_meet_under_one_key_part_under_another, 0},
    {"no half of an id hides the other", no_half_of_an_id_hides_the_other, 0},
    {"every ingest draws its own key", every_ingest_draws_its_own_key, 0},
};
LT_MAIN("ingest/hash", cases)
