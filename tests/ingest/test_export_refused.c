/* SPDX-License-Identifier: Apache-2.0 */
/* What the ledger will not take of an export costs the row that holds it, and no other. */
#include "tests/ingest/sender.h"

static void count_complaints(void *data, int level, const char *line)
{
    (void)level;
    (void)line;
    ++*(int *)data;
}

static void begin(lt *t, sw_ingest **in, int64_t keep_days, int *complaints)
{
    sw_ingest_options options = {.keep_days = keep_days,
                                 .no_thread = true,
                                 .log = count_complaints,
                                 .log_data = complaints,
                                 .clock = &t->clock};

    OK(sw_ingest_open(t->ledger, &options, in, &t->err));
}

/* Somebody else has the id that the step of this span would get: the step is refused. */
static void take_id(lt *t, unsigned trace, unsigned id, int64_t start_ms)
{
    sw_step theirs = lt_step(t, 1);

    theirs.id = sent_id(t, "step", "span", trace, id, start_ms);
    (void)lt_log(t, &t->b, &theirs);
}

static bool has_step(lt *t, unsigned trace, unsigned id, int64_t start_ms)
{
    return lt_there(t, &t->a, SW_RECORD_STEP, sent_id(t, "step", "span", trace, id, start_ms));
}

/* The call's id is taken. It is in a wrapper, which was a step and cannot be folded into it; every other call of the
 * export is there nevertheless, and the sender is told. */
static void a_refused_row_fails_no_other(lt *t)
{
    enum { OTHERS = 30 };
    static const int64_t keeps[] = {0, 7};
    static sent_span spans[OTHERS + 1];
    const sent_span *all[OTHERS + 1];

    for (size_t k = 0; k < SW_COUNT(keeps); k++) {
        unsigned trace = (unsigned)k + 1;
        sw_ingest *in = NULL;
        sw_ingest_result result;
        int complaints = 0;
        sent_span outer = sent_model(trace, 1, 0, 10, 500);
        const sent_span *one = &outer;
        begin(t, &in, keeps[k], &complaints);
        sent_export(t, in, &t->a, &one, 1);
        take_id(t, trace, 2, 20);
        for (unsigned i = 0; i <= OTHERS; i++) { /* the one to blame in the middle */
            bool bad = i == OTHERS / 2;
            spans[i] =
                bad ? sent_model(trace, 2, 1, 20, 400) : sent_model(trace * 100 + i, 9, 0, 20, 400);
            all[i] = &spans[i];
        }
        SAME(complaints, 0);
        OK(sw_ingest_export(in, &t->a, OTLP_TRACES, OTLP_JSON, sent_body(t, all, SW_COUNT(all)),
                            &result, &t->err));
        SAME(result.accepted, OTHERS + 1);
        SAME(result.rejected, 0);
        CHECK(strstr(result.message, "was refused"));
        CHECK(complaints > 0);
        for (unsigned i = 0; i <= OTHERS; i++) {
            SAME(has_step(t, spans[i].trace, spans[i].id, 20), i != OTHERS / 2);
        }
        OK(sw_ingest_settle(in, &t->err));
        complaints = 0;
        OK(sw_ingest_settle(in, &t->err)); /* and no more is said of it */
        SAME(complaints, 0);
        sw_ingest_close(&in);
    }
    CLEAN();
}

static const lt_case cases[] = {
    {"a refused row fails no other", a_refused_row_fails_no_other, LT_CLOCK},
};
LT_MAIN("ingest/export-refused", cases)
