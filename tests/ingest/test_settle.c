/* SPDX-License-Identifier: Apache-2.0 */
/* What is computed in the background: when, how often what fails, and what other processes left. */
#include <stdlib.h>
#include <string.h>

#include "ingest/ingest_inside.h"
#include "tests/ingest/sender.h"
#include "tests/unit/short_memory.h"

/* Whoever keeps nothing any more does not keep what he kept before either. */
static void keeping_nothing_drops_what_was_kept(lt *t)
{
    static const int64_t days[] = {7, 0};
    const sent_span model = sent_model(1, 2, 1, 100, 200);
    sw_ingest *in = NULL;

    for (size_t i = 0; i < SW_COUNT(days); i++) {
        int64_t removed = 0;
        bool left = false;
        sent_open_anew(t, &in, 7);
        sent_one(t, in, &model);
        OK(sw_ingest_settle(in, &t->err));
        sw_ingest_close(&in);
        lt_advance(t, 1, 1);
        sent_open(t, &in, days[i]);
        ingest_prune(in);
        OK(sw_telemetry_prune(t->ledger, INT64_MAX, INT64_MAX, 100, &removed, &left, &t->err));
        SAME(removed, days[i] == 0 ? 0 : 1);
        sw_ingest_close(&in);
        CHECK(sent_step(t, 1, 2, 100).id.ptr); /* the step stays */
    }
}

static void count_complaints(void *data, int level, const char *line)
{
    (void)level;
    (void)line;
    ++*(int *)data;
}

/* A trace for which there is no memory, such as one of more spans than may be computed at once, is tried twice as
 * seldom each time, at least once in an hour and a bit; that is said once. */
static void what_fails_is_tried_more_and_more_seldom(lt *t)
{
    static const int64_t pauses[] = {30, 60, 120, 240, 480, 960, 1920, 3840, 3840};
    short_memory memory;
    sw_ingest *in = NULL;
    int complaints = 0;
    bool did = false;
    const sent_span model = sent_model(1, 2, 1, 100, 200);
    sw_ingest_options options = {.keep_days = 7,
                                 .no_thread = true,
                                 .log = count_complaints,
                                 .log_data = &complaints,
                                 .allocator = &memory.allocator,
                                 .clock = &t->clock};

    short_memory_init(&memory, 1000000);
    OK(sw_ingest_open(t->ledger, &options, &in, &t->err));
    sent_one(t, in, &model);
    memory.left = 0;
    lt_advance(t, 1, 1);
    IS(SW_STATUS_NO_MEMORY, ingest_step(in, false, &did, &t->err));
    for (size_t i = 0; i < SW_COUNT(pauses); i++) {
        SAME(complaints, 1);
        lt_advance(t, pauses[i] - 1, pauses[i] - 1);
        OK(ingest_step(in, false, &did, &t->err));
        CHECK(!did);
        lt_advance(t, 1, 1);
        IS(SW_STATUS_NO_MEMORY, ingest_step(in, false, &did, &t->err));
    }
    memory.left = 1000000;
    lt_advance(t, 3840, 3840);
    OK(ingest_step(in, false, &did, &t->err));
    CHECK(did);
    SAME(complaints, 1);
    CLEAN();
    sw_ingest_close(&in);
    SAME(memory.blocks, 0);
}

/* Another process died with a trace that waits; behind more traces that wait here for silence than are looked at at a
 * time, it is found nevertheless. */
static void marks_behind_many_that_wait_are_found(lt *t)
{
    enum { WAIT = 2500 };
    static sent_span spans[WAIT];
    const sent_span *all[WAIT];
    const sent_span model = sent_model(WAIT + 1, 2, 1, 100, 200);
    sw_ingest *in = NULL;
    sw_ingest *dead = NULL;
    size_t found = 0;
    size_t sum = 0;

    for (unsigned n = 0; n < WAIT; n++) {
        spans[n] = sent_model(n + 1, 2, 1, 100, 200);
        all[n] = &spans[n];
    }
    sent_open(t, &in, 7);
    for (unsigned n = 0; n < WAIT; n += WAIT / 5) {
        sent_export(t, in, &t->a, all + n, WAIT / 5);
        lt_advance(t, 1, 1);
    }
    OK(sw_ingest_settle(in, &t->err)); /* their runs go on: nobody said that they ended */
    sent_open(t, &dead, 7);
    sent_one(t, dead, &model);
    lt_advance(t, 60, 60);
    for (int second = 0; second < 4; second++) {
        OK(ingest_poll(in, false, &found, &t->err));
        sum += found;
    }
    SAME(sum, 1);
    OK(sw_ingest_settle(in, &t->err));
    CLEAN();
    sw_ingest_close(&in);
    sw_ingest_close(&dead);
}

/* A trace whose spans hold more than 16 MiB is computed as a whole every half minute at the most, however often more of it
 * comes; what comes has its step at once. */
static void a_large_trace_is_computed_seldom(lt *t)
{
    enum { LARGE = SW_LIMIT_INGEST_LARGE_BYTES / 2 };
    char *text = calloc(LARGE + 1, 1);
    sent_span large[] = {sent_model(1, 2, 1, 100, 200), sent_model(1, 4, 1, 100, 200)};
    const sent_span small = sent_model(1, 3, 1, 300, 400);
    sw_ingest *in = NULL;
    bool did = false;

    assert_non_null(text);
    memset(text, 'x', LARGE);
    sent_open(t, &in, 7);
    for (size_t i = 0; i < SW_COUNT(large); i++) {
        sent_add(&large[i], TEXT_OF("note", text));
        sent_one(t, in, &large[i]);
    }
    free(text);
    lt_advance(t, 1, 1);
    OK(ingest_step(in, false, &did, &t->err));
    CHECK(did);
    sent_one(t, in, &small);
    CHECK(sent_step(t, 1, 3, 300).id.ptr);
    lt_advance(t, SW_LIMIT_INGEST_LARGE_SECONDS - 1, SW_LIMIT_INGEST_LARGE_SECONDS - 1);
    OK(ingest_step(in, false, &did, &t->err));
    CHECK(!did);
    lt_advance(t, 1, 1);
    OK(ingest_step(in, false, &did, &t->err));
    CHECK(did);
    CLEAN();
    sw_ingest_close(&in);
}

static const lt_case cases[] = {
    {"what fails is tried more and more seldom", what_fails_is_tried_more_and_more_seldom,
     LT_CLOCK},
    {"a large trace is computed seldom", a_large_trace_is_computed_seldom, LT_CLOCK},
    {"keeping nothing drops what was kept", keeping_nothing_drops_what_was_kept, LT_CLOCK},
    {"marks behind many that wait are found", marks_behind_many_that_wait_are_found, LT_CLOCK},
};
LT_MAIN("ingest/settle", cases)
