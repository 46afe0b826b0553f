/* SPDX-License-Identifier: Apache-2.0 */
/* Long conversations: each span says all that was said before it, and all tools, and yet a step costs no more than what
 * is new in it, however long the conversation is (telemetry.md E.9). Who reads a step's request is shown it whole.
 */
#include <string.h>

#include "ingest/ingest.h"
#include "model/model.h"
#include "tests/ingest/sender.h"

enum { WORDS = 300, TOOLS_BYTES = 20000 };

/* Text that does not compress well. */
static void add_noise(sw_buf *to, uint64_t seed, size_t count)
{
    uint64_t x = seed * UINT64_C(0x9E3779B97F4A7C15) + 1;

    for (size_t i = 0; i < count; i++) {
        x = x * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        sw_buf_addc(to,
                    "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ ."[x >> 58]);
    }
}

static void add_message_of(sw_buf *to, const char *role, unsigned turn, size_t length)
{
    sw_buf_addf(to, "%s{\"role\":\"%s\",\"parts\":[{\"type\":\"text\",\"content\":\"%s %u: ",
                to->len > 1 ? "," : "", role, role, turn);
    add_noise(to, turn * 16 + (unsigned char)role[0], length);
    sw_buf_adds(to, "\"}]}");
}

static void add_message(sw_buf *to, const char *role, unsigned turn)
{
    add_message_of(to, role, turn, WORDS);
}

/* A conversation as its client holds it. */
typedef struct talking {
    sw_buf history; /* without the bracket that closes it */
    sw_buf tools;
    unsigned turn;
} talking;

static void begin(talking *c)
{
    sw_buf_init(&c->history, &sw__libc_allocator, 0);
    sw_buf_init(&c->tools, &sw__libc_allocator, 0);
    sw_buf_adds(&c->tools, "[{\"type\":\"function\",\"name\":\"look\",\"description\":\"");
    add_noise(&c->tools, 7, TOOLS_BYTES);
    sw_buf_adds(&c->tools, "\"}]");
    sw_buf_addc(&c->history, '[');
    c->turn = 0;
}

static void end(talking *c)
{
    sw_buf_fini(&c->history);
    sw_buf_fini(&c->tools);
}

static const char *kept(lt *t, sw_buf *buf)
{
    return pool_str(t->pool, sw_buf_str(buf)).ptr;
}

enum { OUTER = 1000 };

/* The next turn, in a trace: one span tells all of it, or, `wrapped`, one around the call that itself tells no words. */
static void say_in(lt *t, sw_ingest *in, talking *c, unsigned trace, bool wrapped)
{
    int64_t start = 1000 * (int64_t)c->turn;
    unsigned outer = wrapped ? OUTER + c->turn : 1;
    sent_span call = sent_model(trace, c->turn + 2, outer, start, start + 500);
    sent_span s = wrapped ? sent_model(trace, outer, 1, start, start + 600) : call;
    const sent_span *both[] = {&s, &call};
    sw_buf out;

    add_message(&c->history, "user", c->turn);
    sw_buf_init(&out, &sw__libc_allocator, 0);
    sw_buf_addc(&out, '[');
    add_message(&out, "assistant", c->turn);
    sw_buf_addc(&out, ']');
    s.attribute_count--; /* the answer that all of them give */
    sent_add(&s, TEXT_OF("gen_ai.output.messages", kept(t, &out)));
    sw_buf_fini(&out);
    sw_buf_addc(&c->history, ']');
    sent_add(&s, TEXT_OF("gen_ai.input.messages", kept(t, &c->history)));
    c->history.len--;
    sent_add(&s, TEXT_OF("gen_ai.tool.definitions", kept(t, &c->tools)));
    sent_add(&s, TEXT_OF("gen_ai.conversation.id", "long"));
    call.attribute_count--;
    sent_export(t, in, &t->a, both, wrapped ? 2 : 1);
    add_message(&c->history, "assistant", c->turn);
    c->turn++;
}

static sw_str step_of(lt *t, unsigned trace, unsigned turn)
{
    return sent_id(t, "step", "span", trace, turn + 2, 1000 * (int64_t)turn);
}

/* A trace of its own. */
static void say(lt *t, sw_ingest *in, talking *c)
{
    say_in(t, in, c, c->turn + 1, false);
}

static int64_t file_bytes(lt *t)
{
    sw_ledger_info info;

    lt_close(t);
    lt_open(t);
    OK(sw_ledger_info_get(t->ledger, &info, &t->err));
    return info.file_bytes;
}

static int64_t cost_of(lt *t, unsigned turns)
{
    pool *outer = t->pool;
    int64_t before = file_bytes(t);
    sw_ingest *in = NULL;
    talking c;

    sent_open_anew(t, &in, 0);
    begin(&c);
    for (unsigned i = 0; i < turns; i++) {
        t->pool = pool_new();
        say(t, in, &c);
        pool_free(&t->pool);
        t->pool = outer;
    }
    end(&c);
    sw_ingest_close(&in);
    return file_bytes(t) - before;
}

/* Four times the turns are sixteen times the bytes on the wire, and four times those on disk. Tools that were kept with
 * each step would take 15 KB a step alone. */
static void a_step_costs_what_is_new(lt *t)
{
    int64_t few = cost_of(t, 100);
    int64_t many = cost_of(t, 400);

    print_message("100 turns take %lld bytes, 400 take %lld\n", (long long)few, (long long)many);
    if (many > 6 * few || many > 400 * 5000) {
        SAY("100 turns take %lld bytes, 400 take %lld", (long long)few, (long long)many);
    }
    CLEAN();
}

static bool take_trace(void *arg, const void *row)
{
    lt *t = ((void **)arg)[0];
    const sw_provider_trace *trace = row;

    *(sw_provider_trace *)((void **)arg)[1] = (sw_provider_trace){
        .id = pool_str(t->pool, trace->id), .request_json = pool_str(t->pool, trace->request_json)};
    return true;
}

/* What was said in turn k, as a request holds it. */
static void expect_message(sw_buf *to, const char *role, unsigned turn)
{
    sw_buf_addf(to, "%s{\"role\":\"%s\",\"content\":\"%s %u: ", turn || role[0] == 'a' ? "," : "",
                role, role, turn);
    add_noise(to, turn * 16 + (unsigned char)role[0], WORDS);
    sw_buf_adds(to, "\"}");
}

static sw_str expected_request(lt *t, unsigned last, const talking *c)
{
    sw_buf want;
    sw_str out;

    sw_buf_init(&want, &sw__libc_allocator, 0);
    sw_buf_adds(&want, "{\"model\":\"m\",\"messages\":[");
    for (unsigned k = 0; k <= last; k++) {
        expect_message(&want, "user", k);
        if (k < last) {
            expect_message(&want, "assistant", k);
        }
    }
    sw_buf_adds(&want, "],\"tools\":");
    sw_buf_add(&want, sw_str_make(c->tools.ptr, c->tools.len));
    sw_buf_adds(&want, ",\"reconstructed\":true}");
    out = pool_str(t->pool, sw_buf_str(&want));
    sw_buf_fini(&want);
    return out;
}

/* In a list, of a page that holds little too, and alone. */
static void a_request_is_shown_whole(lt *t)
{
    enum { TURNS = 12 };
    sw_ingest *in = NULL;
    talking c;

    sent_open(t, &in, 0);
    begin(&c);
    for (unsigned i = 0; i < TURNS; i++) {
        say(t, in, &c);
    }
    for (unsigned k = 0; k < TURNS; k++) {
        sw_str id = step_of(t, k + 1, k);
        sw_value value = {.text = id};
        sw_condition of_step = {SW_PROVIDER_TRACE_STEP_ID, SW_OP_EQ, &value, 1};
        sw_list_query query = lt_where(&of_step, 1);
        sw_str want = expected_request(t, k, &c);
        sw_provider_trace got = {.id = SW_NULL_STR};
        void *arg[] = {t, &got};
        sw_list_end seen;
        query.fields = SW_MASK(SW_PROVIDER_TRACE_REQUEST_JSON);
        query.byte_limit = 1;
        OK(sw_list(t->ledger, &t->a, SW_RECORD_PROVIDER_TRACE, &query, take_trace, arg, &seen,
                   &t->err));
        SAME(seen.count, 1);
        TEXT(got.request_json, want.ptr);
        OK(sw_get(t->ledger, &t->a, SW_RECORD_PROVIDER_TRACE, got.id, t->memory, &got, &t->err));
        TEXT(got.request_json, want.ptr);
    }
    end(&c);
    sw_ingest_close(&in);
    CLEAN();
}

static sw_str request_of(lt *t, sw_str step_id)
{
    sw_value value = {.text = step_id};
    sw_condition of_step = {SW_PROVIDER_TRACE_STEP_ID, SW_OP_EQ, &value, 1};
    sw_list_query query = lt_where(&of_step, 1);
    sw_provider_trace got = {.id = SW_NULL_STR};
    void *arg[] = {t, &got};

    OK(sw_list(t->ledger, &t->a, SW_RECORD_PROVIDER_TRACE, &query, take_trace, arg, NULL, &t->err));
    return got.request_json;
}

/* An agent whose trace is too large to be read again with all that its steps were sent: its steps find their run
 * nevertheless, and what they were sent stays. */
static void compute_large(lt *t, bool wrapped)
{
    enum { TURNS = 20, FIRST = 1000000 };
    const sent_span agent = sent_agent(1, 1, 0, "bot", 0, 1000 * TURNS);
    sw_ingest *in = NULL;
    sw_str run = SW_NULL_STR;
    sw_str requests[TURNS];
    talking c;

    sent_open_anew(t, &in, 7);
    begin(&c);
    add_message_of(&c.history, "user", 1000, FIRST);
    for (unsigned i = 0; i < TURNS; i++) {
        say_in(t, in, &c, 1, wrapped);
    }
    for (unsigned i = 0; i < TURNS; i++) {
        requests[i] = request_of(t, step_of(t, 1, i));
        CHECK(requests[i].len > FIRST + TOOLS_BYTES);
    }
    sent_one(t, in, &agent);
    OK(sw_ingest_settle(in, &t->err));
    run = sent_id(t, "run", "agent-span", 1, 1, 0);
    for (unsigned i = 0; i < TURNS; i++) {
        sw_step step = lt_get(t, &t->a, step_of(t, 1, i));
        lt_rows heard = {.record = SW_RECORD_MESSAGE, .pool = t->pool};
        TEXT(step.run_id, run.ptr);
        CHECK(step.input_preview.ptr && step.output_preview.ptr);
        OK(sw_step_context_read(t->ledger, &t->a, step.id, true, lt_collect, &heard, &t->err));
        SAME(heard.count, 2 * i + 3);
        CHECK(sw_str_eq(request_of(t, step.id), requests[i]));
    }
    end(&c);
    sw_ingest_close(&in);
    CLEAN();
}

static void a_large_trace_is_computed_as_a_whole(lt *t)
{
    compute_large(t, false);
}

static void wrappers_of_a_large_trace_say_all(lt *t)
{
    compute_large(t, true);
}

/* Tools come and go within a conversation, and nobody is shown them as a message. */
static void tools_are_no_message(lt *t)
{
    sw_ingest *in = NULL;
    sw_list_query all = {.limit = -1};
    talking c;

    sent_open(t, &in, 0);
    begin(&c);
    say(t, in, &c);
    sw_buf_clear(&c.tools);
    sw_buf_adds(&c.tools, "[{\"name\":\"other\"}]");
    say(t, in, &c);
    for (unsigned k = 0; k < 2; k++) {
        sw_str id = step_of(t, k + 1, k);
        lt_rows heard = {.record = SW_RECORD_MESSAGE, .pool = t->pool};
        OK(sw_step_context_read(t->ledger, &t->a, id, true, lt_collect, &heard, &t->err));
        SAME(heard.count, 2 * k + 2);
        CHECK(!lt_get(t, &t->a, id).metadata.ptr); /* its history was not rewritten */
    }
    SAME(lt_list(t, &t->a, SW_RECORD_MESSAGE, &all).count, 4);
    end(&c);
    sw_ingest_close(&in);
    CLEAN();
}

static const lt_case cases[] = {
    {"a step costs what is new", a_step_costs_what_is_new, LT_DISK},
    {"a request is shown whole", a_request_is_shown_whole, 0},
    {"a large trace is computed as a whole", a_large_trace_is_computed_as_a_whole, 0},
    {"wrappers of a large trace say all", wrappers_of_a_large_trace_say_all, 0},
    {"tools are no message", tools_are_no_message, 0},
};
LT_MAIN("ingest/long", cases)
