/* SPDX-License-Identifier: Apache-2.0 */
/* Batches: hundreds of steps in one call, of which some are there already, some are others under the
 * same id, some are broken, some come twice in the same call, some bring messages. What each must become
 * is known beforehand from how it was made; nothing is read from the ledger to expect it.
 */
#include "tests/lib/lt.h"

#include <malloc.h>
#include <stdatomic.h>
#include <stdlib.h>

enum { MANY = 300 };

typedef struct batch {
    sw_step_entry entries[MANY];
    sw_outcome outcomes[MANY];
    sw_verdict want[MANY];
} batch;

static batch *new_batch(lt *t)
{
    return pool_alloc(t->pool, sizeof(batch));
}

static void all_new(lt *t, batch *b, unsigned first)
{
    for (unsigned i = 0; i < MANY; i++) {
        b->entries[i].step = lt_step(t, first + i);
        b->want[i] = SW_VERDICT_CREATED;
    }
}

static void send(lt *t, batch *b, bool atomic, sw_status want)
{
    IS(want, sw_step_log(t->ledger, &t->a, b->entries, MANY, atomic, b->outcomes, &t->err));
    for (size_t i = 0; i < MANY; i++) {
        if (b->outcomes[i].verdict != b->want[i]) {
            SAY("item %zu is %d, expected %d (%s: %s)", i, (int)b->outcomes[i].verdict,
                (int)b->want[i], b->outcomes[i].error.field, b->outcomes[i].error.message);
        }
    }
}

static void proven(lt *t, int64_t steps)
{
    sw_list_query all = {.limit = -1};
    SAME(lt_total(t, &t->a).num_steps, steps);
    SAME(lt_total(t, &t->a).prompt_tokens, steps * 10);
    SAME(lt_list(t, &t->a, SW_RECORD_STEP, &all).count, steps);
    OK(sw_verify(t->ledger, NULL, NULL, &t->err));
}

static void new_then_again(lt *t)
{
    batch *b = new_batch(t);
    all_new(t, b, 1);
    send(t, b, false, SW_STATUS_OK);
    for (size_t i = 1; i < MANY; i++) {
        SAME(b->outcomes[i].seq, b->outcomes[i - 1].seq + 1);
    }
    proven(t, MANY);
    for (size_t i = 0; i < MANY; i++) {
        b->want[i] = SW_VERDICT_UNCHANGED;
    }
    send(t, b, false, SW_STATUS_OK);
    proven(t, MANY);
}

/* Every place in a run of rows meets a row that is there: at its head, its tail, alone, side by side. */
static void some_are_there(lt *t)
{
    batch *b = new_batch(t);
    all_new(t, b, 1);
    for (size_t i = 0; i < MANY; i++) {
        if (i % 7 == 0 || i % 32 == 31 || i == 1 || i == MANY - 1) {
            lt_log(t, &t->a, &b->entries[i].step);
            b->want[i] = SW_VERDICT_UNCHANGED;
        }
    }
    send(t, b, false, SW_STATUS_OK);
    proven(t, MANY);
}

static void all_kinds_at_once(lt *t)
{
    batch *b = new_batch(t);
    sw_message message = lt_message(t, 1, "hello");
    int64_t created = 0;
    message.id = SW_NULL_STR;
    all_new(t, b, 1);
    for (unsigned i = 0; i < MANY; i++) {
        sw_step *s = &b->entries[i].step;
        switch (i % 11) {
        case 3: /* other content under an id that is there */
            lt_log(t, &t->a, s);
            s->model = SW_STR("other");
            b->want[i] = SW_VERDICT_CONFLICT;
            created++;
            break;
        case 5: /* breaks a rule */
            s->total_tokens = sw_int_of(1);
            b->want[i] = SW_VERDICT_REJECTED;
            break;
        case 6: /* the id of the item before last, with its content */
            *s = b->entries[i - 2].step;
            b->want[i] = SW_VERDICT_UNCHANGED;
            break;
        case 8:
            b->entries[i].messages = &message;
            b->entries[i].message_count = 1;
            created++;
            break;
        default:
            created++;
        }
    }
    send(t, b, false, SW_STATUS_OK);
    SAME(lt_total(t, &t->a).num_steps, created);
    OK(sw_verify(t->ledger, NULL, NULL, &t->err));
    NAMES(&b->outcomes[5].error, "steps[5].");
}

static void atomic_means_all_or_nothing(lt *t)
{
    batch *b = new_batch(t);
    int64_t head = lt_head(t, &t->a);
    all_new(t, b, 1);
    b->entries[200].step.total_tokens = sw_int_of(1);
    for (size_t i = 0; i < MANY; i++) {
        b->want[i] = SW_VERDICT_REJECTED;
    }
    send(t, b, true, SW_STATUS_INVALID);
    SAME(lt_head(t, &t->a), head);
    b->entries[200].step.total_tokens = SW_NULL_INT;
    for (size_t i = 0; i < MANY; i++) {
        b->want[i] = SW_VERDICT_CREATED;
    }
    send(t, b, true, SW_STATUS_OK);
    proven(t, MANY);
}

/* ---- memory --------------------------------------------------------------------------------------- */

static atomic_int_fast64_t now_out;
static atomic_int_fast64_t most_out;

/* Counts what is out; the writer's thread allocates too. */
static void *counting(void *data, void *ptr, size_t size)
{
    int64_t before = ptr ? (int64_t)malloc_usable_size(ptr) : 0;
    void *got = size ? realloc(ptr, size) : NULL;
    int64_t after = got ? (int64_t)malloc_usable_size(got) : 0;
    (void)data;
    if (!size) {
        free(ptr);
    }
    if (got || !size) {
        int64_t out = atomic_fetch_add(&now_out, after - before) + after - before;
        int64_t most = atomic_load(&most_out);
        while (out > most && !atomic_compare_exchange_weak(&most_out, &most, out)) {
        }
    }
    return got;
}

/* A batch that touches another histogram with each step: what is gathered for it grows with the steps, and
 * not with the 1120 buckets that a histogram has. */
static void many_models_need_little(lt *t)
{
    enum { MODELS = 3000, BYTES_EACH = 8192 };
    static const sw_allocator allocator = {counting, NULL};
    sw_step_entry *entries = pool_alloc(t->pool, MODELS * sizeof *entries);
    sw_outcome *outcomes = pool_alloc(t->pool, MODELS * sizeof *outcomes);
    sw_step_metrics metrics = {.step_ns = sw_int_of(5000000),
                               .llm_request_ns = sw_int_of(4000000),
                               .tool_execution_ns = sw_int_of(90000)};
    t->options.allocator = &allocator;
    lt_open(t);
    lt_organizations(t);
    for (unsigned i = 0; i < MODELS; i++) {
        entries[i] = (sw_step_entry){.step = lt_step(t, i + 1), .metrics = &metrics};
        entries[i].step.model = pool_printf(t->pool, "model %u", i);
    }
    OK(sw_step_log(t->ledger, &t->a, entries, 1, false, outcomes, &t->err));
    int64_t before = atomic_load(&now_out);
    atomic_store(&most_out, before);
    OK(sw_step_log(t->ledger, &t->a, entries, MODELS, false, outcomes, &t->err));
    SAME(outcomes[MODELS - 1].verdict, SW_VERDICT_CREATED);
    int64_t needed = atomic_load(&most_out) - before;
    if (needed > (int64_t)MODELS * BYTES_EACH) {
        SAY("%d steps needed %lld bytes", MODELS, (long long)needed);
    }
    OK(sw_verify(t->ledger, NULL, NULL, &t->err));
}

static const lt_case cases[] = {
    {"new, then again", new_then_again, 0},
    {"some are there", some_are_there, 0},
    {"all kinds at once", all_kinds_at_once, 0},
    {"atomic means all or nothing", atomic_means_all_or_nothing, 0},
    {"many models need little memory", many_models_need_little, LT_DISK | LT_CLOSED},
};

LT_MAIN("batch", cases)
