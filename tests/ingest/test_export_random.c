/* SPDX-License-Identifier: Apache-2.0 */
/* Random traces, sent in any order, in any parts, some spans twice, with the process ending and beginning in between:
 * the ledger that comes out is always the one that comes out when all is sent at once.
 */
#include "tests/ingest/sender.h"

#include <stdio.h>
#include <unistd.h>

enum { TRACES = 2, SPANS = 12, ALL = TRACES * SPANS, WAYS = 3 };

static const char *const names[] = {"bot", "boss", "helper"};
static const char *const calls[] = {"c1", "c2", "c3"};
static const char *const answers[] = {
    "[{\"role\":\"assistant\",\"parts\":[{\"type\":\"text\",\"content\":\"hello\"}]}]",
    "[{\"role\":\"assistant\",\"parts\":[{\"type\":\"tool_call\",\"id\":\"c1\",\"name\":\"look\","
    "\"arguments\":{\"a\":1}},{\"type\":\"tool_call\",\"id\":\"c2\",\"name\":\"look\"}]}]"};

#define ASKS(TEXT_)                                                                                \
    "[{\"role\":\"user\",\"parts\":[{\"type\":\"text\",\"content\":\"" TEXT_ "\"}]}]"
static const char *const questions[SPANS] = {ASKS("a"), ASKS("b"), ASKS("c"), ASKS("d"),
                                             ASKS("e"), ASKS("f"), ASKS("g"), ASKS("h"),
                                             ASKS("i"), ASKS("j"), ASKS("k"), ASKS("l")};

static sent_span random_model(lt_rng *rng, unsigned trace, unsigned id, unsigned parent,
                              int64_t start, int64_t end)
{
    sent_span s = sent_model(trace, id, parent, start, end);

    if (lt_one_in(rng, 3)) {
        s.attribute_count--; /* no answer */
    } else {
        s.attributes[s.attribute_count - 1].text = answers[lt_below(rng, 2)];
    }
    if (lt_one_in(rng, 3)) {
        sent_add(&s, TEXT_OF("gen_ai.conversation.id", "thread"));
    }
    if (lt_one_in(rng, 2)) {
        sent_add(&s, TEXT_OF("gen_ai.input.messages", questions[id - 1]));
    }
    return s;
}

static sent_span random_span(lt_rng *rng, unsigned trace, unsigned id)
{
    unsigned parent = lt_below(rng, id + 2); /* none, another, itself, or one that never comes */
    int64_t start = lt_below(rng, 500);
    int64_t end = start + lt_below(rng, 500);
    sent_span s;

    parent = parent > id ? SPANS + 1 : parent;
    switch (lt_below(rng, 6)) {
    case 0:
        s = sent_agent(trace, id, parent, lt_one_in(rng, 4) ? NULL : names[lt_below(rng, 3)], start,
                       end);
        break;
    case 1:
        s = sent_tool(trace, id, parent, lt_one_in(rng, 2) ? NULL : calls[lt_below(rng, 3)], start,
                      end);
        break;
    case 2:
        s = sent_agent(trace, id, parent, NULL, start, end);
        s.attributes[0].text = lt_one_in(rng, 2) ? "invoke_workflow" : "agent_step";
        break;
    default:
        s = random_model(rng, trace, id, parent, start, end);
        break;
    }
    s.failed = lt_one_in(rng, 6);
    s.scope = lt_one_in(rng, 3) ? "another" : "test";
    return s;
}

/* The last two spans of the first trace, below which nothing stands, are one call that two saw. */
static void make_twins(lt_rng *rng, sent_span *spans)
{
    for (unsigned i = SPANS - 2; i < SPANS; i++) {
        spans[i] = random_model(rng, 1, i + 1, lt_below(rng, SPANS - 1), 100 + i, 200 + i);
        spans[i].scope = i % 2 ? "another" : "test";
        sent_add(&spans[i], TEXT_OF("gen_ai.response.id", "resp"));
    }
}

/* An empty ledger with the same organizations. */
static void start_anew(lt *t)
{
    static const char *const ends[] = {"", "-wal", "-shm", ".key"};

    lt_close(t);
    for (size_t i = 0; t->on_disk && i < sizeof ends / sizeof *ends; i++) {
        char path[700];
        (void)snprintf(path, sizeof path, "%s/ledger.db%s", t->dir, ends[i]);
        (void)unlink(path);
    }
    lt_open(t);
    lt_organizations(t);
}

/* The same span with less said of it: what is known must stay. */
static void send_poorer(lt *t, sw_ingest *in, const sent_span *span)
{
    sent_span poorer = *span;

    if (poorer.attribute_count > 0) {
        poorer.attribute_count--;
    }
    sent_one(t, in, &poorer);
}

static void maybe_restart(lt *t, lt_rng *rng, sw_ingest **in, int64_t keep_days)
{
    if (keep_days > 0 && lt_one_in(rng, 4)) {
        sw_ingest_close(in);
        if (t->on_disk) {
            lt_reopen(t);
        }
        sent_open(t, in, keep_days);
    } else if (lt_one_in(rng, 3)) {
        OK(sw_ingest_settle(*in, &t->err));
    }
}

static bool is_model(const sent_span *span)
{
    return span->attribute_count > 0 && strcmp(span->attributes[0].text, "chat") == 0;
}

/* The span above it, in the array of all; NULL: none that ever comes. */
static const sent_span *above(const sent_span *spans, const sent_span *span)
{
    bool comes = span->parent > 0 && span->parent <= SPANS && span->parent != span->id;
    return comes ? &spans[(span->trace - 1) * SPANS + span->parent - 1] : NULL;
}

/* A step takes over what another said that had been a step itself, and that depends on what it had been told by then.
 * So messages of steps that may be inside a wrapper, or have a twin, are not compared. */
static size_t may_take_over(lt *t, const sent_span *spans, sw_str *out)
{
    size_t n = 0;

    for (unsigned i = 0; i < ALL; i++) {
        const sent_span *up = above(spans, &spans[i]);
        while (up && !is_model(up)) {
            up = above(spans, up);
        }
        if (is_model(&spans[i]) && (up || (i < SPANS && i >= SPANS - 2))) {
            out[n++] = sent_id(t, "step", "span", spans[i].trace, spans[i].id, spans[i].start_ms);
        }
    }
    return n;
}

static sw_str play(lt *t, lt_rng *rng, const sent_span *spans, bool at_once, int64_t keep_days)
{
    const sent_span *order[ALL];
    sw_ingest *in = NULL;
    sw_str dump;
    sw_str without[ALL];
    size_t without_count = 0;

    start_anew(t);
    sent_open(t, &in, keep_days);
    for (unsigned i = 0; i < ALL; i++) {
        unsigned j = lt_below(rng, i + 1);
        order[i] = order[j];
        order[j] = &spans[i];
    }
    for (unsigned from = 0, n = 0; from < ALL; from += n) {
        n = at_once ? ALL : 1 + lt_below(rng, 5);
        n = n < ALL - from ? n : ALL - from;
        sent_export(t, in, &t->a, order + from, n);
        if (!at_once && lt_one_in(rng, 3)) {
            send_poorer(t, in, order[from]);
            sent_one(t, in, order[lt_below(rng, from + n)]);
        }
        if (!at_once) {
            maybe_restart(t, rng, &in, keep_days);
        }
    }
    OK(sw_ingest_settle(in, &t->err));
    sw_ingest_close(&in);
    without_count = may_take_over(t, spans, without);
    dump = sent_dump(t, &t->a, without, without_count);
    CLEAN();
    return dump;
}

static void show_difference(sw_str want, sw_str got)
{
    size_t i = 0;
    size_t line = 0;

    while (i < want.len && i < got.len && want.ptr[i] == got.ptr[i]) {
        line = want.ptr[i] == '\n' ? i + 1 : line;
        i++;
    }
    print_message("wanted: %.*s\n", (int)strcspn(want.ptr + line, "\n"), want.ptr + line);
    print_message("got:    %.*s\n", (int)strcspn(got.ptr + line, "\n"), got.ptr + line);
}

static void any_way_gives_the_same(lt *t)
{
    lt_rng rng = lt_seed("export");

    for (int64_t round = lt_level(2, 15, 400); round-- > 0;) {
        sent_span spans[ALL];
        sw_str want;
        for (unsigned i = 0; i < ALL; i++) {
            spans[i] = random_span(&rng, 1 + i / SPANS, 1 + i % SPANS);
        }
        make_twins(&rng, spans);
        want = play(t, &rng, spans, true, 0);
        for (int way = 0; way < WAYS; way++) {
            sw_str got = play(t, &rng, spans, false, way % 2 ? 0 : 7);
            if (!sw_str_eq(want, got)) {
                show_difference(want, got);
                SAY("another ledger came out (way %d)", way);
            }
        }
    }
}

/* ---- what several were sent -------------------------------------------------------------------------- */

enum { LISTS = 4, CALLS = 10 };

#define SAYS(TEXT_) "{\"role\":\"user\",\"parts\":[{\"type\":\"text\",\"content\":\"" TEXT_ "\"}]}"
#define TWO SAYS("1") "," SAYS("2")
static const char *const lists[LISTS] = {"[" SAYS("1") "]", "[" TWO "]", "[" TWO "," SAYS("3") "]",
                                         "[" TWO "," SAYS("3") "," SAYS("4") "]"};

/* Of those that were sent the message, the first; of several at once that with the least id. */
static sw_str earliest(lt *t, const sent_span *calls_, const size_t *length, size_t message)
{
    sw_str first = SW_NULL_STR;
    int64_t start_ms = INT64_MAX;

    for (size_t i = 0; i < CALLS; i++) {
        const sent_span *s = &calls_[i];
        sw_str id = sent_id(t, "step", "span", s->trace, s->id, s->start_ms);
        bool earlier =
            s->start_ms < start_ms || (s->start_ms == start_ms && sw_str_cmp(id, first) < 0);
        if (length[i] > message && earlier) {
            first = id;
            start_ms = s->start_ms;
        }
    }
    return first;
}

static void check_shown(lt *t, const sent_span *calls_, const size_t *length)
{
    sw_list_query query = {.limit = -1};
    lt_rows rows = lt_list(t, &t->a, SW_RECORD_MESSAGE, &query);

    for (size_t message = 0; message < LISTS; message++) {
        const char text[] = {(char)('1' + message), 0};
        sw_str want = earliest(t, calls_, length, message);
        size_t shown = 0;
        for (size_t i = 0; i < rows.count; i++) {
            const sw_message *row = rows.at[i];
            if (sw_str_eq(row->text, sw_str_from(text))) {
                assert_true(sw_str_eq(want, row->step_id));
                shown++;
            }
        }
        assert_int_equal(want.ptr != NULL, shown);
    }
}

/* Calls of one conversation, begun in any order, some at once, were sent more and more of the same. */
static void the_earliest_shows_what_several_were_sent(lt *t)
{
    lt_rng rng = lt_seed("shown");

    for (int64_t round = lt_level(20, 100, 1000); round-- > 0;) {
        sent_span all[CALLS];
        size_t length[CALLS];
        sw_ingest *in = NULL;
        start_anew(t);
        sent_open(t, &in, 7);
        for (unsigned i = 0; i < CALLS; i++) {
            int64_t start = lt_below(&rng, 6);
            length[i] = lt_below(&rng, LISTS + 1);
            all[i] = sent_model(1 + i / 3, 1 + i, 0, start, start + 5);
            sent_add(&all[i], TEXT_OF("gen_ai.conversation.id", "thread"));
            if (length[i] > 0) {
                sent_add(&all[i], TEXT_OF("gen_ai.input.messages", lists[length[i] - 1]));
            }
        }
        for (unsigned from = 0, n = 0; from < CALLS; from += n) {
            const sent_span *part[CALLS];
            n = 1 + lt_below(&rng, CALLS - from);
            for (unsigned i = 0; i < n; i++) {
                part[i] = &all[from + i];
            }
            sent_export(t, in, &t->a, part, n);
            if (lt_one_in(&rng, 2)) {
                send_poorer(t, in, part[0]);
                OK(sw_ingest_settle(in, &t->err));
            }
        }
        OK(sw_ingest_settle(in, &t->err));
        sw_ingest_close(&in);
        check_shown(t, all, length);
        CLEAN();
    }
}

static const lt_case cases[] = {
    {"the earliest shows what several were sent", the_earliest_shows_what_several_were_sent,
     LT_CLOCK},
    {"any way gives the same", any_way_gives_the_same, LT_CLOCK},
};
LT_MAIN("ingest/export-random", cases)
