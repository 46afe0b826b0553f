/* SPDX-License-Identifier: Apache-2.0 */
/* Batches: hundreds of steps in one call, of which some are there already, some are others under the
 * same id, some are broken, some come twice in the same call, some bring messages. What each must become
 * is known beforehand from how it was made; nothing is read from the ledger to expect it.
 */
#include "tests/lib/lt.h"

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

static const lt_case cases[] = {
    {"new, then again", new_then_again, 0},
    {"some are there", some_are_there, 0},
    {"all kinds at once", all_kinds_at_once, 0},
    {"atomic means all or nothing", atomic_means_all_or_nothing, 0},
};

LT_MAIN("batch", cases)
