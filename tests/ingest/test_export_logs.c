/* SPDX-License-Identifier: Apache-2.0 */
/* Log records on their way to the ledger (telemetry.md F, H.4 cases 6 and 7): in any order and any parts, with the
 * span of the same call or without, raw items kept or not, the steps are the same.
 */
#include <stdio.h>

#include "tests/ingest/sender.h"

static const int64_t keeps[] = {0, 7};

/* Records of one Claude Code prompt: a name, a second, and attributes as OTLP/JSON members. */
#define KEY(NAME, VALUE) "{\"key\":\"" NAME "\",\"value\":{\"stringValue\":\"" VALUE "\"}}"
#define OWN KEY("session.id", "s1") "," KEY("prompt.id", "p1")
typedef struct said {
    const char *name;
    int second;
    const char *attributes;
} said;

static const said prompt[] = {
    {"user_prompt", 1, KEY("prompt", "do it")},
    {"api_request", 5,
     KEY("model", "claude-x") "," KEY("request_id", "req_1") "," KEY("input_tokens", "10") "," KEY(
         "cache_read_tokens", "100") "," KEY("output_tokens", "20") "," KEY("duration_ms", "3000")},
    {"tool_result", 8,
     KEY("tool_name", "Bash") "," KEY("tool_use_id", "t1") "," KEY("success", "true") "," KEY(
         "duration_ms", "2000")},
    {"api_request", 12,
     KEY("model", "claude-x") "," KEY("request_id", "req_2") "," KEY("input_tokens", "11") "," KEY(
         "output_tokens", "21") "," KEY("duration_ms", "1000")},
    {"assistant_response", 12, KEY("request_id", "req_2") "," KEY("response", "done")},
};

#define STEP(I) ((const sw_step *)rows.at[I])

static void write_body(char *out, size_t size, const size_t *which, size_t count)
{
    size_t len =
        (size_t)snprintf(out, size,
                         "{\"resourceLogs\":[{\"resource\":{\"attributes\":[" KEY(
                             "service.name", "claude-code") "]},\"scopeLogs\":[{\"logRecords\":[");

    for (size_t i = 0; i < count; i++) {
        const said *s = &prompt[which[i]];
        len += (size_t)snprintf(
            out + len, size - len,
            "%s{\"timeUnixNano\":\"%lld\",\"body\":{\"stringValue\":\"claude_code.%s\"},"
            "\"attributes\":[" OWN
            ",{\"key\":\"event.name\",\"value\":{\"stringValue\":\"%s\"}},%s]}",
            i ? "," : "", (long long)(LT_TIME / 1000000 + s->second) * 1000000000, s->name, s->name,
            s->attributes);
        CHECK(len < size);
    }
    (void)snprintf(out + len, size - len, "]}]}]}");
}

static void send(lt *t, sw_ingest *in, const size_t *which, size_t count)
{
    sw_ingest_result result;
    char body[8192];

    write_body(body, sizeof body, which, count);
    OK(sw_ingest_export(in, &t->a, OTLP_LOGS, OTLP_JSON, sw_str_from(body), &result, &t->err));
    SAME(result.accepted, count);
    SAME(result.rejected, 0);
}

static int64_t steps_of(lt *t)
{
    sw_list_query query = {.limit = -1};
    return (int64_t)lt_list(t, &t->a, SW_RECORD_STEP, &query).count;
}

static void a_prompt_becomes_steps(lt *t)
{
    static const size_t all[] = {0, 1, 2, 3, 4};
    sw_ingest *in = NULL;

    for (size_t k = 0; k < SW_COUNT(keeps); k++) {
        lt_rows rows;
        sw_list_query query = {.limit = -1, .ascending = true};
        const sw_step *step = NULL;
        sent_open_anew(t, &in, keeps[k]);
        send(t, in, all, 5);
        OK(sw_ingest_settle(in, &t->err));
        rows = lt_list(t, &t->a, SW_RECORD_STEP, &query);
        SAME(rows.count, 2);
        step = rows.at[0];
        SAME(step->prompt_tokens.value, 110);
        SAME(step->completion_tokens.value, 20);
        TEXT(step->origin, "otel:claude-code");
        TEXT(STEP(1)->output_preview, "done");
        send(t, in, all, 5); /* again */
        OK(sw_ingest_settle(in, &t->err));
        SAME(steps_of(t), 2);
        CLEAN();
    }
    sw_ingest_close(&in);
}

/* Each record in a request of its own, in any order. */
static void order_and_parts_do_not_matter(lt *t)
{
    static const size_t orders[][5] = {
        {0, 1, 2, 3, 4}, {4, 3, 2, 1, 0}, {2, 4, 1, 0, 3}, {3, 0, 4, 2, 1}, {1, 3, 0, 4, 2}};
    sw_ingest *in = NULL;

    for (size_t k = 0; k < SW_COUNT(keeps); k++) {
        for (size_t o = 0; o < SW_COUNT(orders); o++) {
            lt_rows rows;
            sw_list_query query = {.limit = -1, .ascending = true};
            sent_open_anew(t, &in, keeps[k]);
            for (size_t i = 0; i < 5; i++) {
                send(t, in, &orders[o][i], 1);
                if (i == o) {
                    OK(sw_ingest_settle(in, &t->err));
                }
            }
            OK(sw_ingest_settle(in, &t->err));
            rows = lt_list(t, &t->a, SW_RECORD_STEP, &query);
            SAME(rows.count, 2);
            SAME(STEP(0)->total_tokens.value, 130);
            SAME(STEP(1)->total_tokens.value, 32);
            CHECK(sw_str_eq(STEP(0)->run_id, STEP(1)->run_id));
            TEXT(STEP(0)->input_preview, "do it");
            CLEAN();
        }
    }
    sw_ingest_close(&in);
}

/* The span of a call that a record tells of too: one step, whichever came first. */
static void a_span_and_a_record_are_one(lt *t)
{
    static const size_t record[] = {0, 1};
    sw_ingest *in = NULL;
    sent_span span = {.trace = 1,
                      .id = 2,
                      .name = "claude_code.llm_request",
                      .start_ms = 2000,
                      .end_ms = 5000,
                      .scope = "com.anthropic.claude_code"};

    sent_add(&span, TEXT_OF("model", "claude-x"));
    sent_add(&span, TEXT_OF("request_id", "req_1"));
    sent_add(&span, NUMBER_OF("input_tokens", 10));
    sent_add(&span, NUMBER_OF("cache_read_tokens", 100));
    sent_add(&span, NUMBER_OF("output_tokens", 20));
    for (size_t k = 0; k < SW_COUNT(keeps); k++) {
        for (int spans_first = 0; spans_first < 2; spans_first++) {
            lt_rows rows;
            sw_list_query query = {.limit = -1};
            sent_open_anew(t, &in, keeps[k]);
            if (spans_first) {
                sent_one(t, in, &span);
            }
            send(t, in, record, 2);
            if (!spans_first) {
                sent_one(t, in, &span);
            }
            OK(sw_ingest_settle(in, &t->err));
            rows = lt_list(t, &t->a, SW_RECORD_STEP, &query);
            SAME(rows.count, 1);
            SAME(STEP(0)->total_tokens.value, 130);
            CHECK(!STEP(0)->trace_id.ptr); /* the record's, which is trusted more */
            CLEAN();
        }
    }
    sw_ingest_close(&in);
}

/* An application's other logs are kept, and nothing more. */
static void other_records_are_only_kept(lt *t)
{
    sw_ingest *in = NULL;
    sw_ingest_result result;
    sw_ingest_load load;
    sw_str logs = SW_STR("{\"resourceLogs\":[{\"scopeLogs\":[{\"logRecords\":[{\"timeUnixNano\":"
                         "\"5\",\"body\":{\"stringValue\":\"started\"}},{\"timeUnixNano\":\"6\","
                         "\"body\":{\"stringValue\":\"stopped\"}}]}]}]}");

    sent_open(t, &in, 7);
    OK(sw_ingest_export(in, &t->a, OTLP_LOGS, OTLP_JSON, logs, &result, &t->err));
    SAME(result.accepted, 2);
    sw_ingest_load_get(in, &load);
    SAME(load.marked, 0);
    SAME(steps_of(t), 0);
    CLEAN();
    sw_ingest_close(&in);
}

/* ---- records of the conventions, without a span ----------------------------------------------------------------- */

/* The record of an inference; `ids`: members with its trace and span, each ended by a comma, or nothing. */
static void send_details(lt *t, sw_ingest *in, const char *ids, const char *response_id)
{
    sw_ingest_result result;
    char body[2048];
    int len = snprintf(
        body, sizeof body,
        "{\"resourceLogs\":[{\"scopeLogs\":[{\"logRecords\":[{\"timeUnixNano\":"
        "\"1700000000000000000\",%s\"eventName\":"
        "\"gen_ai.client.inference.operation.details\",\"attributes\":[" KEY(
            "gen_ai.provider.name",
            "openai") "," KEY("gen_ai.request.model",
                              "m") ",{\"key\":\"gen_ai.response.id\",\"value\":{\"stringValue\":\"%s\"}},"
                                   "{\"key\":\"gen_ai.usage.input_tokens\",\"value\":{\"intValue\":3}}]}]}]}]}",
        ids, response_id);

    CHECK(len > 0 && (size_t)len < sizeof body);
    OK(sw_ingest_export(in, &t->a, OTLP_LOGS, OTLP_JSON, sw_str_from(body), &result, &t->err));
    SAME(result.accepted, 1);
}

/* Of a span that none of these records names. */
static void send_another_span(lt *t, sw_ingest *in)
{
    const sent_span span = sent_model(77, 2, 0, 100, 200);

    sent_one(t, in, &span);
    OK(sw_ingest_settle(in, &t->err));
    SAME(steps_of(t), 1);
}

static void wait_for_silence(lt *t, sw_ingest *in, size_t before)
{
    OK(sw_ingest_settle(in, &t->err));
    lt_advance(t, SW_LIMIT_INGEST_RECORD_SECONDS - 1, SW_LIMIT_INGEST_RECORD_SECONDS - 1);
    OK(sw_ingest_settle(in, &t->err));
    SAME(steps_of(t), before); /* its span may still come */
    lt_advance(t, 1, 1);
    OK(sw_ingest_settle(in, &t->err));
}

#define NAMED "\"traceId\":\"%032x\",\"spanId\":\"%016x\","

/* A step of its own (E.5), with the id that its own keys give (E.6): at once where nobody sends spans, else once nothing
 * more is expected. When the span comes after all, the step is the span's, and the id of the record's answers with it. */
static void a_record_without_its_span_becomes_a_step(lt *t)
{
    const sent_span span = sent_model(5, 6, 0, 100, 200);
    sw_ingest *in = NULL;

    for (size_t k = 0; k < 2 * SW_COUNT(keeps); k++) {
        bool spans = k % 2 != 0;
        sw_list_query query = {.limit = -1};
        sw_step lone = {.id = SW_NULL_STR};
        sw_step survivor;
        lt_rows rows;
        sent_open_anew(t, &in, keeps[k / 2]);
        if (spans) {
            send_another_span(t, in);
        }
        send_details(t, in, pool_printf(t->pool, NAMED, 5, 6).ptr, "resp_1");
        if (spans) {
            wait_for_silence(t, in, 1);
        }
        rows = lt_list(t, &t->a, SW_RECORD_STEP, &query);
        SAME(rows.count, 1 + spans);
        for (size_t i = 0; i < rows.count; i++) {
            lone = STEP(i)->prompt_tokens.value == 3 ? *STEP(i) : lone;
        }
        TEXT(lone.trace_id, "00000000000000000000000000000005");
        sent_one(t, in, &span);
        OK(sw_ingest_settle(in, &t->err));
        SAME(steps_of(t), 1 + spans);
        survivor = sent_step(t, 5, 6, 100);
        CHECK(!survivor.retired_into.ptr);
        SAME(survivor.prompt_tokens.value, 10);
        CHECK(sw_str_eq(lt_get(t, &t->a, lone.id).retired_into, survivor.id));
        SAME(lt_list(t, &t->a, SW_RECORD_RUN, &query).count, 1 + spans);
        CLEAN();
    }
    sw_ingest_close(&in);
}

/* A record may name the span that was open around the call, which is no model's (E.5). Whichever comes first there is one
 * step: the record's, or, where a model span inside tells of the same answer, that one's. */
static void send_around(lt *t, sw_ingest *in, size_t order, bool told)
{
    static const unsigned char turns[][3] = {{0, 1, 2}, {1, 2, 0}, {2, 0, 1}, {2, 1, 0}};
    sent_span around = sent_model(5, 6, 0, 100, 300);
    sent_span call = sent_model(5, 7, 6, 150, 200);

    around.name = "GET /";
    around.attribute_count = 0;
    sent_add(&call, TEXT_OF("gen_ai.response.id", "resp_1"));
    for (size_t i = 0; i < 3; i++) {
        if (turns[order][i] == 0) {
            send_details(t, in, pool_printf(t->pool, NAMED, 5, 6).ptr, "resp_1");
        } else if (turns[order][i] == 1) {
            sent_one(t, in, &around);
        } else if (told) {
            sent_one(t, in, &call);
        }
        OK(sw_ingest_settle(in, &t->err));
    }
}

static void a_record_may_name_the_span_around_its_call(lt *t)
{
    sw_ingest *in = NULL;
    sw_list_query query = {.limit = -1};

    for (size_t k = 0; k < 4 * 2 * 2 * SW_COUNT(keeps); k++) {
        bool told = k / 4 % 2 != 0;
        bool spans = k / 8 % 2 != 0;
        lt_rows rows;
        sent_open_anew(t, &in, keeps[k / 16]);
        if (spans) {
            send_another_span(t, in);
        }
        send_around(t, in, k % 4, told);
        lt_advance(t, SW_LIMIT_INGEST_RECORD_SECONDS, SW_LIMIT_INGEST_RECORD_SECONDS);
        OK(sw_ingest_settle(in, &t->err));
        SAME(steps_of(t), 1 + spans);
        rows = lt_list(t, &t->a, SW_RECORD_STEP, &query);
        for (size_t i = 0; i < rows.count; i++) {
            bool other = sw_str_eq(STEP(i)->trace_id, SW_STR("0000000000000000000000000000004d"));
            CHECK(other || STEP(i)->prompt_tokens.value == (told ? 10 : 3));
        }
        SAME(lt_list(t, &t->a, SW_RECORD_RUN, &query).count, 1 + spans);
        CLEAN();
    }
    sw_ingest_close(&in);
}

/* The Gemini CLI tells of each call in a record of its own, and in those of the conventions too. */
static void details_of_a_coding_agent_are_no_step(lt *t)
{
    static const char body[] = "{\"resourceLogs\":[{\"resource\":{\"attributes\":[" KEY(
        "service.name",
        "gemini-cli") "]},"
                      "\"scopeLogs\":[{\"logRecords\":[{\"timeUnixNano\":\"1700000002000000000\",\"body\":"
                      "{\"stringValue\":\"API response\"},\"attributes\":[" KEY("event.name", "gemini_cli.api_response") "," KEY(
                          "session.id",
                          "s") "," KEY("prompt_id",
                                       "s########0") "," KEY("model",
                                                             "gemini-2.5-pro") ","
                                                                               "{\"key\":\"input_token_count\",\"value\":{\"intValue\":3}},"
                                                                               "{\"key\":\"output_token_count\",\"value\":{\"intValue\":1}}]},"
                                                                               "{\"timeUnixNano\":\"1700000002000000000\",\"traceId\":\"5b8efff798038103d269b633813fc60c\","
                                                                               "\"spanId\":\"eee19b7ec3c1b174\",\"attributes\":[" KEY("event.name", "gen_ai.client.inference.operation.details") "," KEY(
                                                                                   "session.id",
                                                                                   "s") "," KEY("gen_ai.request.model",
                                                                                                "gemini-2.5-pro") ","
                                                                                                                  "{\"key\":\"gen_ai.usage.input_tokens\",\"value\":{\"intValue\":3}}]}]}]}]}";
    sw_ingest *in = NULL;
    sw_ingest_result result;

    sent_open(t, &in, 7);
    OK(sw_ingest_export(in, &t->a, OTLP_LOGS, OTLP_JSON, sw_str_from(body), &result, &t->err));
    SAME(result.accepted, 2);
    lt_advance(t, SW_LIMIT_INGEST_QUIET_SECONDS + 1, SW_LIMIT_INGEST_QUIET_SECONDS + 1);
    OK(sw_ingest_settle(in, &t->err));
    SAME(steps_of(t), 1);
    CLEAN();
    sw_ingest_close(&in);
}

/* Two calls that name no span are two steps; and two of one trace. */
static void records_that_name_no_span_are_told_apart(lt *t)
{
    static const char *const ids[] = {"", "\"traceId\":\"5b8efff798038103d269b633813fc60c\","};
    sw_ingest *in = NULL;

    for (size_t k = 0; k < SW_COUNT(keeps) * SW_COUNT(ids); k++) {
        sw_list_query query = {.limit = -1};
        lt_rows rows;
        sent_open_anew(t, &in, keeps[k / 2]);
        send_details(t, in, ids[k % 2], "resp_1");
        send_details(t, in, ids[k % 2], "resp_2");
        send_details(t, in, ids[k % 2], "resp_2");
        OK(sw_ingest_settle(in, &t->err));
        rows = lt_list(t, &t->a, SW_RECORD_STEP, &query);
        SAME(rows.count, 2);
        CHECK((STEP(0)->trace_id.ptr != NULL) == (k % 2 != 0));
        CLEAN();
    }
    sw_ingest_close(&in);
}

static const lt_case cases[] = {
    {"a prompt becomes steps", a_prompt_becomes_steps, LT_CLOCK},
    {"order and parts do not matter", order_and_parts_do_not_matter, LT_CLOCK},
    {"a span and a record are one", a_span_and_a_record_are_one, LT_CLOCK},
    {"other records are only kept", other_records_are_only_kept, LT_CLOCK},
    {"a record without its span becomes a step", a_record_without_its_span_becomes_a_step,
     LT_CLOCK},
    {"a record may name the span around its call", a_record_may_name_the_span_around_its_call,
     LT_CLOCK},
    {"details of a coding agent are no step", details_of_a_coding_agent_are_no_step, LT_CLOCK},
    {"records that name no span are told apart", records_that_name_no_span_are_told_apart,
     LT_CLOCK},
};
LT_MAIN("ingest/export-logs", cases)
