/* SPDX-License-Identifier: Apache-2.0 */
/* What a span says was said. Its attributes come first; what they leave open is taken from its events: those of
 * the generations that sent messages so (telemetry.md B.5), in the order of their time.
 */
#include "ingest/talk.h"

/* Pydantic AI before version 2 kept all events in one attribute, each with its name in it. */
static void read_pydantic(talk *t, const otlp_attributes *attributes)
{
    static const char *const keys[] = {"events", "all_messages_events"};

    for (size_t k = 0; k < SW_COUNT(keys); k++) {
        talk_value list = talk_open(t, talk_native(t, otlp_find(attributes, sw_str_from(keys[k]))));
        talk_walk w;
        for (bool more = talk_walk_begin(&w, t, list); more && talk_walk_next(&w);) {
            sw_str name = talk_member(t, w.value, "event.name").text;
            bool choice = sw_str_eq(name, SW_STR("gen_ai.choice"));
            t->side = choice ? TALK_OUTPUT : TALK_INPUT;
            if (name.ptr && talk_read_message(t, w.value, talk_role_of_side(t))) {
                talk_end(t);
            }
        }
    }
}

/* The next event after (time, place), or the count. */
static size_t next_event(const otlp_span *span, int64_t time_ns, size_t place, bool first)
{
    size_t best = span->event_count;

    for (size_t i = 0; i < span->event_count; i++) {
        int64_t at = span->events[i].time_ns;
        bool later = first || at > time_ns || (at == time_ns && i > place);
        if (later && (best == span->event_count || at < span->events[best].time_ns)) {
            best = i;
        }
    }
    return best;
}

static bool in_order(const otlp_span *span)
{
    for (size_t i = 1; i < span->event_count; i++) {
        if (span->events[i].time_ns < span->events[i - 1].time_ns) {
            return false;
        }
    }
    return true;
}

/* Events are few and nearly always in order; many that are not would take long to sort out, and stay as sent. */
enum { EVENTS_SORTED = 1024 };

static void read_events(talk *t, const otlp_span *span)
{
    bool sorted = in_order(span) || span->event_count > EVENTS_SORTED;
    size_t at = 0;

    for (size_t i = 0; i < span->event_count; i++) {
        const otlp_event *event = NULL;
        at = sorted ? i : next_event(span, i ? span->events[at].time_ns : 0, at, i == 0);
        sw_assert(at < span->event_count);
        event = &span->events[at];
        (void)talk_read_event(t, event->name, &event->attributes);
    }
}

/* ---- the answer ----------------------------------------------------------------------------------------- */

static bool same_words(const sw_message *a, const sw_message *b)
{
    return sw_int_eq(a->role, b->role) && sw_str_eq(a->text, b->text) &&
           sw_str_eq(a->content, b->content);
}

/* System instructions first, unless the input begins with the same. */
void talk_join_input(talk *t, span_talk *out)
{
    const talk_list *system = &t->messages[TALK_SYSTEM];
    const talk_list *input = &t->messages[TALK_INPUT];
    size_t count = system->count + input->count;
    sw_message *all = NULL;

    out->input = input->items;
    out->input_count = input->count;
    if (system->count == 0 || (input->count > 0 && same_words(system->items, input->items))) {
        return;
    }
    all = sw_arena_alloc(t->arena, count * sizeof *all);
    if (all) {
        memcpy(all, system->items, system->count * sizeof *all);
        if (input->count > 0) {
            memcpy(all + system->count, input->items, input->count * sizeof *all);
        }
        out->input = all;
        out->input_count = count;
    }
}

/* A side that says nothing yet takes what another source says. */
static void fill_sides(talk *t, talk *from)
{
    talk_end(from);
    for (int side = 0; side < TALK_SIDES; side++) {
        if (t->messages[side].count == 0) {
            t->messages[side] = from->messages[side];
            t->finishes[side] = from->finishes[side];
        }
    }
    t->tools = t->tools.ptr ? t->tools : from->tools;
    t->cut = t->cut || from->cut;
}

static bool is_open(const talk *t)
{
    return talk_count(t, TALK_INPUT) == 0 || talk_count(t, TALK_OUTPUT) == 0;
}

/* Attributes, then events: the order of trust (E.5). What one of them says whole is not read from the next. */
static void read_all(talk *t, const otlp_span *span)
{
    talk more;

    talk_read_attributes(t, &span->attributes);
    if (is_open(t)) {
        talk_init(&more, t->arena);
        read_pydantic(&more, &span->attributes);
        read_events(&more, span);
        fill_sides(t, &more);
    }
}

sw_status span_read_talk(const span_facts *facts, sw_arena *arena, span_talk *out, sw_error *err)
{
    talk t;

    memset(out, 0, sizeof *out);
    talk_init(&t, arena);
    read_all(&t, facts->span);
    talk_join_input(&t, out);
    out->output = t.messages[TALK_OUTPUT].items;
    out->output_count = t.messages[TALK_OUTPUT].count;
    out->tools = t.tools;
    if (!arena->failed) {
        talk_trace(&t, facts, out);
    }
    out->cut = t.cut;
    return arena->failed ? sw_no_memory(err) : SW_STATUS_OK;
}
