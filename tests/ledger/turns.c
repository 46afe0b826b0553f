/* SPDX-License-Identifier: Apache-2.0 */
/* Conversations for tests; see the header. */
#include <string.h>

#include "tests/ledger/turns.h"

sw_message says(lt *t, int64_t role, const char *text)
{
    (void)t;
    return (sw_message){.role = sw_int_of(role), .text = sw_str_from(text)};
}

const char *question(lt *t, unsigned k)
{
    return pool_printf(t->pool, "question %u", k).ptr;
}

/* Every fifth answer is the same. */
const char *answer(lt *t, unsigned k)
{
    return k % 5 == 4 ? "yes" : pool_printf(t->pool, "answer %u", k).ptr;
}

turn *a_turn(lt *t, unsigned k, sw_str conversation)
{
    turn *out = pool_alloc(t->pool, sizeof *out);
    out->count = 2 + 2 * (size_t)k;
    out->input = pool_alloc(t->pool, out->count * sizeof *out->input);
    out->input[0] = says(t, SW_MESSAGE_ROLE_SYSTEM, "be brief");
    for (unsigned i = 0; i < k; i++) {
        out->input[1 + 2 * i] = says(t, SW_MESSAGE_ROLE_USER, question(t, i));
        out->input[2 + 2 * i] = says(t, SW_MESSAGE_ROLE_ASSISTANT, answer(t, i));
    }
    out->input[out->count - 1] = says(t, SW_MESSAGE_ROLE_USER, question(t, k));
    out->output = says(t, SW_MESSAGE_ROLE_ASSISTANT, answer(t, k));
    out->step.entry.step = lt_step(t, k);
    out->step.entry.step.source = sw_int_of(SW_SOURCE_OTLP);
    out->step.entry.step.conversation_id = conversation;
    out->step.entry.messages = &out->output;
    out->step.entry.message_count = 1;
    out->step.input = out->input;
    out->step.input_count = out->count;
    return out;
}

void put(lt *t, turn **turns, size_t count)
{
    sw_telemetry_step *steps = pool_alloc(t->pool, count * sizeof *steps);
    sw_outcome *outcomes = pool_alloc(t->pool, count * sizeof *outcomes);
    sw_telemetry_batch b = {.steps = steps, .step_count = count, .outcomes = outcomes};
    for (size_t i = 0; i < count; i++) {
        steps[i] = turns[i]->step;
    }
    OK(sw_telemetry_write(t->ledger, &t->a, &b, &t->err));
    for (size_t i = 0; i < count; i++) {
        turns[i]->outcome = outcomes[i];
    }
}

/* ---- reading it ---------------------------------------------------------------------------------- */

bool hear(void *arg, const void *row)
{
    heard *h = arg;
    const sw_message *m = row;
    if (h->count == h->room) {
        size_t room = h->room ? 2 * h->room : 64;
        sw_message *more = pool_alloc(h->pool, room * sizeof *more);
        if (h->count > 0) {
            memcpy(more, h->at, h->count * sizeof *more);
        }
        h->at = more;
        h->room = room;
    }
    h->at[h->count] = (sw_message){.role = m->role, .text = pool_str(h->pool, m->text)};
    h->at[h->count].tool_calls = pool_str(h->pool, m->tool_calls);
    h->at[h->count++].tool_call_id = pool_str(h->pool, m->tool_call_id);
    return true;
}

heard context_of(lt *t, sw_str step_id, bool with_output)
{
    heard h = {.pool = t->pool};
    OK(sw_step_context_read(t->ledger, &t->a, step_id, with_output, hear, &h, &t->err));
    return h;
}

void check_turn(lt *t, const turn *one)
{
    heard h = context_of(t, one->step.entry.step.id, true);
    SAME(h.count, one->count + 1);
    for (size_t i = 0; i < one->count; i++) {
        SAME(h.at[i].role.value, one->input[i].role.value);
        TEXT(h.at[i].text, one->input[i].text.ptr);
    }
    TEXT(h.at[one->count].text, one->output.text.ptr);
    SAME(context_of(t, one->step.entry.step.id, false).count, one->count);
}
