/* SPDX-License-Identifier: Apache-2.0 */
/* Many senders at once, each with a part of the same traces, while the room's own thread computes them again: what
 * comes out in the end is what one sender would have made.
 */
#include "tests/ingest/sender.h"

#include <pthread.h>

enum { SENDERS = 4, TRACES = 12, SPANS = 8, ALL = TRACES * SPANS };

typedef struct sending {
    lt *t;
    sw_ingest *ingest;
    sw_str bodies[ALL];
    size_t count;
    sw_status status;
} sending;

/* An agent with model calls and tools, of which each sender has every fourth span. */
static sent_span make(unsigned trace, unsigned id)
{
    if (id == 1) {
        return sent_agent(trace, 1, 0, "bot", 0, 900);
    }
    return id % 3 == 0 ? sent_tool(trace, id, id - 1, NULL, 100 * id, 100 * id + 50)
                       : sent_model(trace, id, 1, 100 * id - 100, 100 * id - 10);
}

static void *send_all(void *arg)
{
    sending *s = arg;
    sw_ingest_result result;
    sw_error err;

    for (size_t i = 0; i < s->count && s->status == SW_STATUS_OK; i++) {
        s->status = sw_ingest_export(s->ingest, &s->t->a, OTLP_TRACES, OTLP_JSON, s->bodies[i],
                                     &result, &err);
    }
    return NULL;
}

static void play(lt *t, int64_t keep_days)
{
    static sending senders[SENDERS];
    sw_ingest_options options = {.keep_days = keep_days, .quiet_ms = 1, .longest_ms = 2};
    pthread_t threads[SENDERS];
    sw_ingest *in = NULL;

    OK(sw_ingest_open(t->ledger, &options, &in, &t->err));
    memset(senders, 0, sizeof senders);
    for (unsigned i = 0; i < ALL; i++) {
        sending *s = &senders[i % SENDERS];
        sent_span span = make(1 + i / SPANS, 1 + i % SPANS);
        const sent_span *one = &span;
        s->t = t;
        s->ingest = in;
        s->bodies[s->count++] = sent_body(t, &one, 1);
    }
    for (unsigned i = 0; i < SENDERS; i++) {
        assert_int_equal(0, pthread_create(&threads[i], NULL, send_all, &senders[i]));
    }
    for (unsigned i = 0; i < SENDERS; i++) {
        assert_int_equal(0, pthread_join(threads[i], NULL));
        SAME(senders[i].status, SW_STATUS_OK);
    }
    OK(sw_ingest_settle(in, &t->err));
    sw_ingest_close(&in);
}

static void senders_at_once(lt *t)
{
    static const int64_t keeps[] = {0, 7};
    sw_list_query all = {.limit = -1};

    for (size_t k = 0; k < SW_COUNT(keeps); k++) {
        t->a = lt_actor(t, 50 + (unsigned)k);
        (void)lt_organization(t, &t->a, 50 + (unsigned)k);
        play(t, keeps[k]);
        /* Models 2, 4, 5, 7, 8 of each trace; tools 3 and 6 below 2 and 5. */
        SAME(lt_list(t, &t->a, SW_RECORD_STEP, &all).count, TRACES * 5);
        SAME(lt_list(t, &t->a, SW_RECORD_RUN, &all).count, TRACES);
        SAME(lt_total(t, &t->a).total_tokens, TRACES * 5 * 15);
        for (unsigned trace = 1; trace <= TRACES; trace++) {
            sw_str run = sent_id(t, "run", "agent-span", trace, 1, 0);
            SAME(lt_run_metrics(t, &t->a, run).num_steps.value, 5);
            SAME(lt_metrics(t, &t->a, sent_id(t, "step", "span", trace, 2, 100))
                     .tool_execution_ns.value,
                 50000000);
            SAME(lt_get_run(t, &t->a, run).status.value, SW_RUN_STATUS_COMPLETED);
        }
        CLEAN();
    }
}

static const lt_case cases[] = {
    {"senders at once", senders_at_once, 0},
};
LT_MAIN("ingest/export-threads", cases)
