/* SPDX-License-Identifier: Apache-2.0 */
/* A call that an agent wrote down and sent as telemetry too is one step (telemetry.md E.5), whichever came first: that
 * of the transcript, with its numbers, except where only the telemetry knows all tokens. */
#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>

#include "tests/import/place.h"

extern char **environ;

/* ---- three tellings of the same calls ----------------------------------------------------------------- */

/* The first answer was never told to its end: its file knows 9 of its 159 tokens. Its tool was answered later. */
static const char first_part[] =
    "{\"type\":\"user\",\"sessionId\":\"S1\",\"uuid\":\"u1\",\"timestamp\":\"2026-02-01T10:00:00.000Z\","
    "\"message\":{\"role\":\"user\",\"content\":\"look\"}}\n"
    "{\"type\":\"assistant\",\"sessionId\":\"S1\",\"uuid\":\"a1\",\"parentUuid\":\"u1\",\"timestamp\":"
    "\"2026-02-01T10:00:05.000Z\",\"requestId\":\"req_1\",\"message\":{\"id\":\"msg_1\",\"role\":"
    "\"assistant\",\"model\":\"claude-opus-4-6\",\"content\":[{\"type\":\"tool_use\",\"id\":\"toolu_1\","
    "\"name\":\"Read\",\"input\":{}}],\"stop_reason\":null,\"usage\":{\"input_tokens\":100,"
    "\"cache_read_input_tokens\":50,\"output_tokens\":9}}}\n";
static const char second_part[] =
    "{\"type\":\"user\",\"sessionId\":\"S1\",\"uuid\":\"u2\",\"parentUuid\":\"a1\",\"timestamp\":"
    "\"2026-02-01T10:00:07.000Z\",\"message\":{\"role\":\"user\",\"content\":[{\"type\":\"tool_result\","
    "\"tool_use_id\":\"toolu_1\",\"content\":\"fine\"}]}}\n"
    "{\"type\":\"assistant\",\"sessionId\":\"S1\",\"uuid\":\"a2\",\"parentUuid\":\"u2\",\"timestamp\":"
    "\"2026-02-01T10:00:09.000Z\",\"requestId\":\"req_2\",\"message\":{\"id\":\"msg_2\",\"role\":"
    "\"assistant\",\"model\":\"claude-opus-4-6\",\"content\":[{\"type\":\"text\",\"text\":\"Done.\"}],"
    "\"stop_reason\":\"end_turn\",\"usage\":{\"input_tokens\":200,\"output_tokens\":40}}}\n";

#define TEXT_OF(KEY, VALUE) "{\"key\":\"" KEY "\",\"value\":{\"stringValue\":\"" VALUE "\"}}"
#define NUMBER_OF(KEY, VALUE) "{\"key\":\"" KEY "\",\"value\":{\"intValue\":\"" #VALUE "\"}}"
#define RESOURCE "\"resource\":{\"attributes\":[" TEXT_OF("service.name", "claude-code") "]}"
#define RECORD(NS, REQUEST, IN, CACHED, OUT)                                                                                                \
    "{\"timeUnixNano\":\"" NS "\",\"body\":{\"stringValue\":\"claude_code.api_request\"},"                                                  \
    "\"attributes\":[" TEXT_OF("event.name", "api_request") "," TEXT_OF("session.id", "S1") "," TEXT_OF("request_id", REQUEST) "," TEXT_OF( \
        "model",                                                                                                                            \
        "claude-opus-4-6") "," NUMBER_OF("input_tokens",                                                                                    \
                                         IN) "," NUMBER_OF("cache_read_tokens",                                                             \
                                                           CACHED) "," NUMBER_OF("output_tokens",                                           \
                                                                                 OUT) "," NUMBER_OF("duration_ms",                          \
                                                                                                    2000) "]}"
/* A third request is in no transcript: its step stays. */
static const char records[] =
    "{\"resourceLogs\":[{" RESOURCE ",\"scopeLogs\":[{\"scope\":{\"name\":"
    "\"com.anthropic.claude_code.events\"},\"logRecords\":[" RECORD(
        "1769940005000000000", "req_1", 100, 50,
        159) "," RECORD("1769940009000000000", "req_2", 200, 0,
                        41) "," RECORD("1769940020000000000", "req_3", 300, 0, 7) "]}]}]}";
static const char later[] = "{\"resourceLogs\":[{" RESOURCE ",\"scopeLogs\":[{\"scope\":{\"name\":"
                            "\"com.anthropic.claude_code.events\"},\"logRecords\":[" RECORD(
                                "1769940030000000000", "req_4", 400, 0, 8) "]}]}]}";
#define SPAN(ID, BEGIN, END, REQUEST, IN, CACHED, OUT)                                                                                        \
    "{\"traceId\":\"5b8efff798038103d269b633813fc60c\",\"spanId\":\"" ID "\",\"name\":"                                                       \
    "\"claude_code.llm_request\",\"startTimeUnixNano\":\"" BEGIN "\",\"endTimeUnixNano\":\"" END                                              \
    "\",\"attributes\":[" TEXT_OF("span.type", "llm_request") "," TEXT_OF("session.id", "S1") "," TEXT_OF("request_id", REQUEST) "," TEXT_OF( \
        "model",                                                                                                                              \
        "claude-opus-4-6") "," TEXT_OF("gen_ai.system",                                                                                       \
                                       "anthropic") "," NUMBER_OF("input_tokens",                                                             \
                                                                  IN) "," NUMBER_OF("cache_read_tokens",                                      \
                                                                                    CACHED) "," NUMBER_OF("output_tokens",                    \
                                                                                                          OUT) "," NUMBER_OF("ttft_ms",       \
                                                                                                                             700) "]}"
static const char spans[] =
    "{\"resourceSpans\":[{" RESOURCE ",\"scopeSpans\":[{\"scope\":{\"name\":"
    "\"com.anthropic.claude_code.tracing\"},\"spans\":[" SPAN(
        "eee19b7ec3c1b173", "1769940003000000000", "1769940005000000000", "req_1", 100, 50,
        159) "," SPAN("eee19b7ec3c1b174", "1769940007000000000", "1769940009000000000", "req_2",
                      200, 0, 41) "]}]}]}";

/* ---- taking them in -------------------------------------------------------------------------------------- */

typedef enum telling { FIRST, WHOLE, RECORDS, SPANS, TELLINGS } telling;

static void replay(const char *ledger, const char *name)
{
    char store[576];
    const char *words[] = {"stepwell", "otlp", "replay", place_path(name), "--store", store, NULL};
    char *copies[8] = {NULL};
    posix_spawn_file_actions_t quiet;
    pid_t pid = 0;
    int status = 0;
    snprintf(store, sizeof store, "sqlite:%s", place_path(ledger));
    for (int i = 0; words[i]; i++) {
        copies[i] = strdup(words[i]);
    }
    posix_spawn_file_actions_init(&quiet);
    posix_spawn_file_actions_addopen(&quiet, 1, "/dev/null", O_WRONLY, 0);
    assert_int_equal(posix_spawn(&pid, getenv("STEPWELL_BIN"), &quiet, NULL, copies, environ), 0);
    posix_spawn_file_actions_destroy(&quiet);
    for (int i = 0; copies[i]; i++) {
        free(copies[i]);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}

static void take(const char *ledger, telling what)
{
    switch (what) {
    case FIRST:
        place_write("session.jsonl", sw_str_from(first_part));
        (void)place_import_one(ledger, place_path("session.jsonl"));
        break;
    case WHOLE:
        place_write("session.jsonl", sw_str_from(first_part));
        place_append("session.jsonl", sw_str_from(second_part));
        (void)place_import_one(ledger, place_path("session.jsonl"));
        break;
    case RECORDS:
        place_write("records.json", sw_str_from(records));
        replay(ledger, "records.json");
        break;
    default:
        place_write("spans.json", sw_str_from(spans));
        replay(ledger, "spans.json");
        break;
    }
}

/* ---- what then is so -------------------------------------------------------------------------------------- */

static int64_t live(const char *ledger, const char *what, const char *where)
{
    char sql[256];
    snprintf(sql, sizeof sql, "select %s from steps where retired_into is null and %s", what,
             where);
    return place_number(ledger, sql);
}

/* Only spans know the time to the first token. */
static void check_times(const char *ledger, int64_t steps)
{
    assert_int_equal(place_number(ledger, "select count(*) from steps s join step_metrics m on "
                                          "m.id = s.id where s.retired_into is null and "
                                          "m.ttft_ns = 700000000"),
                     steps);
}

static void check_calls(const char *ledger, bool told_records)
{
    assert_int_equal(live(ledger, "count(*)", "request_id = 'req_1'"), 1);
    assert_int_equal(live(ledger, "count(*)", "request_id = 'req_2'"), 1);
    assert_int_equal(live(ledger, "count(*)", "1"), told_records ? 3 : 2);
    assert_int_equal(live(ledger, "count(*)", "source = 'transcript'"), 2);
    /* What the file does not know was sent; what both know is as the file has it. */
    assert_int_equal(live(ledger, "completion_tokens", "request_id = 'req_1'"), 159);
    assert_int_equal(live(ledger, "prompt_tokens", "request_id = 'req_1'"), 150);
    assert_int_equal(live(ledger, "count(*)", "request_id = 'req_1' and usage_state = 'reported'"),
                     1);
    assert_int_equal(live(ledger, "completion_tokens", "request_id = 'req_2'"), 40);
    /* Nothing is said twice: what was asked, two answers, what the tool returned. */
    assert_int_equal(place_number(ledger, "select count(*) from messages m join steps s on "
                                          "m.step_id = s.id where s.source = 'transcript'"),
                     4);
    assert_int_equal(place_number(ledger, "select count(*) from messages m join steps s on "
                                          "m.step_id = s.id where s.retired_into is not null"),
                     0);
    /* A step that was folded answers with the one that it is now. */
    assert_int_equal(place_number(ledger, "select count(*) from steps s join steps t on "
                                          "s.retired_into = t.id where t.source <> 'transcript'"),
                     0);
}

static void in_order(const telling *order, size_t count, const char *ledger)
{
    bool told_records = false;
    bool told_spans = false;
    place_drop(ledger);
    for (size_t i = 0; i < count; i++) {
        take(ledger, order[i]);
        told_records = told_records || order[i] == RECORDS;
        told_spans = told_spans || order[i] == SPANS;
    }
    check_calls(ledger, told_records);
    check_times(ledger, told_spans ? 2 : 0);
    place_verify(ledger);
}

/* A file is there in part before it is there as a whole; everything else comes anyhow. */
static void whichever_comes_first(void **state)
{
    static const telling orders[][TELLINGS] = {
        {FIRST, WHOLE, RECORDS, SPANS}, {FIRST, RECORDS, WHOLE, SPANS},
        {FIRST, RECORDS, SPANS, WHOLE}, {RECORDS, FIRST, WHOLE, SPANS},
        {RECORDS, FIRST, SPANS, WHOLE}, {RECORDS, SPANS, FIRST, WHOLE},
        {FIRST, WHOLE, SPANS, RECORDS}, {FIRST, SPANS, WHOLE, RECORDS},
        {FIRST, SPANS, RECORDS, WHOLE}, {SPANS, FIRST, WHOLE, RECORDS},
        {SPANS, FIRST, RECORDS, WHOLE}, {SPANS, RECORDS, FIRST, WHOLE}};
    char *first = NULL;
    (void)state;
    for (size_t i = 0; i < SW_COUNT(orders); i++) {
        char *dump = NULL;
        in_order(orders[i], TELLINGS, "joined.db");
        dump = place_dump("joined.db");
        if (first) {
            place_same(dump, first);
        }
        free(first);
        first = dump;
    }
    free(first);
}

static void with_only_one_signal(void **state)
{
    static const telling orders[][2] = {
        {WHOLE, SPANS}, {SPANS, WHOLE}, {WHOLE, RECORDS}, {RECORDS, WHOLE}};
    (void)state;
    for (size_t i = 0; i < SW_COUNT(orders); i++) {
        in_order(orders[i], 2, "two.db");
    }
}

/* Of what was sent the record is trusted more, and the span's time is its time. It stays when the record is read again
 * with what came later. */
static void without_a_file(void **state)
{
    static const telling orders[][3] = {{RECORDS, SPANS, RECORDS}, {SPANS, RECORDS, SPANS}};
    char *dumps[2] = {NULL, NULL};
    (void)state;
    for (size_t i = 0; i < SW_COUNT(orders); i++) {
        place_drop("sent.db");
        for (size_t k = 0; k < SW_COUNT(orders[i]); k++) {
            take("sent.db", orders[i][k]);
        }
        place_write("later.json", sw_str_from(later));
        replay("sent.db", "later.json");
        assert_int_equal(live("sent.db", "count(*)", "1"), 4);
        check_times("sent.db", 2);
        place_verify("sent.db");
        dumps[i] = place_dump("sent.db");
    }
    place_same(dumps[0], dumps[1]);
    free(dumps[0]);
    free(dumps[1]);
}

/* The same again changes nothing, whichever it is. */
static void again_is_nothing(void **state)
{
    static const telling all[] = {WHOLE, RECORDS, SPANS};
    char *before = NULL;
    char *after = NULL;
    (void)state;
    in_order(all, SW_COUNT(all), "again.db");
    before = place_dump("again.db");
    for (size_t i = 0; i < SW_COUNT(all); i++) {
        take("again.db", all[i]);
    }
    after = place_dump("again.db");
    place_same(after, before);
    place_verify("again.db");
    free(before);
    free(after);
}

/* ---- Codex ------------------------------------------------------------------------------------------------- */

/* Codex names no request: the thread and its counts do. */
static const char rollout[] =
    "{\"timestamp\":\"2026-02-23T12:00:00.000Z\",\"type\":\"session_meta\",\"payload\":{\"id\":\"t1\","
    "\"cwd\":\"/p\",\"cli_version\":\"0.1\",\"model_provider\":\"openai\"}}\n"
    "{\"timestamp\":\"2026-02-23T12:00:01.000Z\",\"type\":\"turn_context\",\"payload\":{\"turn_id\":"
    "\"n1\",\"model\":\"gpt-5.2-codex\"}}\n"
    "{\"timestamp\":\"2026-02-23T12:00:09.000Z\",\"type\":\"event_msg\",\"payload\":{\"type\":"
    "\"token_count\",\"info\":{\"total_token_usage\":{\"input_tokens\":1000,\"cached_input_tokens\":250,"
    "\"output_tokens\":125,\"reasoning_output_tokens\":75,\"total_tokens\":1125}}}}\n"
    "{\"timestamp\":\"2026-02-23T12:00:19.000Z\",\"type\":\"event_msg\",\"payload\":{\"type\":"
    "\"token_count\",\"info\":{\"total_token_usage\":{\"input_tokens\":2200,\"cached_input_tokens\":1250,"
    "\"output_tokens\":225,\"reasoning_output_tokens\":75,\"total_tokens\":2425}}}}\n";
#define COMPLETED(NS, THREAD, IN, CACHED, OUT, THOUGHT)                                                                                        \
    "{\"timeUnixNano\":\"" NS                                                                                                                  \
    "\",\"attributes\":[" TEXT_OF("event.name", "codex.sse_event") "," TEXT_OF("event.kind", "response.completed") "," TEXT_OF(                \
        "conversation.id",                                                                                                                     \
        THREAD) "," TEXT_OF("model",                                                                                                           \
                            "gpt-5.2-codex") "," NUMBER_OF("input_token_count",                                                                \
                                                           IN) "," NUMBER_OF("cached_token_count",                                             \
                                                                             CACHED) "," NUMBER_OF("output_token_count",                       \
                                                                                                   OUT) "," NUMBER_OF("reasoning_token_count", \
                                                                                                                      THOUGHT) "]}"
/* The same counts in another thread are another call. */
static const char completed[] =
    "{\"resourceLogs\":[{\"resource\":{\"attributes\":[" TEXT_OF("service.name", "codex_cli_rs") "]},\"scopeLogs\":[{\"logRecords\":[" COMPLETED(
        "1771848009000000000", "t1", 1000, 250, 125,
        75) "," COMPLETED("1771848019000000000", "t1", 1200, 1000, 100,
                          0) "," COMPLETED("1771848019000000000", "t2", 1200, 1000, 100,
                                           0) "]}]}]}";

static void codex_is_known_by_its_counts(void **state)
{
    char *dumps[2] = {NULL, NULL};
    (void)state;
    place_write("rollout.jsonl", sw_str_from(rollout));
    place_write("completed.json", sw_str_from(completed));
    for (int turn = 0; turn < 2; turn++) {
        place_drop("codex.db");
        if (turn == 0) {
            replay("codex.db", "completed.json");
        }
        (void)place_import_one("codex.db", place_path("rollout.jsonl"));
        if (turn == 1) {
            replay("codex.db", "completed.json");
        }
        assert_int_equal(live("codex.db", "count(*)", "1"), 3);
        assert_int_equal(live("codex.db", "count(*)", "source = 'transcript'"), 2);
        assert_int_equal(live("codex.db", "sum(total_tokens)", "source = 'transcript'"), 2425);
        place_verify("codex.db");
        dumps[turn] = place_dump("codex.db");
    }
    place_same(dumps[0], dumps[1]);
    free(dumps[0]);
    free(dumps[1]);
}

/* In a thread that went back the same counts come again. Within five seconds it is the same call, beyond it is another,
 * also where the file knows nothing of it. */
#define COUNTED(TIME, TIMES)                                                                       \
    "{\"timestamp\":\"2026-02-23T" TIME "Z\",\"type\":\"event_msg\",\"payload\":{\"type\":"        \
    "\"token_count\",\"info\":{\"total_token_usage\":" TIMES "}}}\n"
#define ONCE                                                                                       \
    "{\"input_tokens\":1000,\"cached_input_tokens\":250,\"output_tokens\":125,"                    \
    "\"reasoning_output_tokens\":75,\"total_tokens\":1125}"
#define TWICE                                                                                      \
    "{\"input_tokens\":2000,\"cached_input_tokens\":500,\"output_tokens\":250,"                    \
    "\"reasoning_output_tokens\":150,\"total_tokens\":2250}"
static const char went_back[] =
    "{\"timestamp\":\"2026-02-23T12:00:00.000Z\",\"type\":\"session_meta\",\"payload\":{\"id\":\"t3\","
    "\"cwd\":\"/p\",\"cli_version\":\"0.1\",\"model_provider\":\"openai\"}}\n"
    "{\"timestamp\":\"2026-02-23T12:00:01.000Z\",\"type\":\"turn_context\",\"payload\":{\"turn_id\":"
    "\"n1\",\"model\":\"gpt-5.2-codex\"}}\n" COUNTED("12:00:09.000", ONCE);
static const char again[] = COUNTED("12:01:29.000", TWICE);
static const char sent_again[] =
    "{\"resourceLogs\":[{\"resource\":{\"attributes\":[" TEXT_OF("service.name", "codex_cli_rs") "]},\"scopeLogs\":[{\"logRecords\":[" COMPLETED(
        "1771848009500000000", "t3", 1000, 250, 125,
        75) "," COMPLETED("1771848093000000000", "t3", 1000, 250, 125,
                          75) "," COMPLETED("1771848100000000000", "t3", 1000, 250, 125,
                                            75) "]}]}]}";

static void the_same_counts_later_are_another_call(void **state)
{
    char *first = NULL;
    (void)state;
    place_write("sent_again.json", sw_str_from(sent_again));
    for (int when = 0; when < 3; when++) {
        char *dump = NULL;
        place_drop("back.db");
        place_write("back.jsonl", sw_str_from(went_back));
        for (int turn = 0; turn < 3; turn++) {
            if (turn == when) {
                replay("back.db", "sent_again.json");
            }
            if (turn == 1) {
                (void)place_import_one("back.db", place_path("back.jsonl"));
                place_append("back.jsonl", sw_str_from(again));
            }
        }
        (void)place_import_one("back.db", place_path("back.jsonl"));
        if (when == 2) {
            replay("back.db", "sent_again.json");
        }
        assert_int_equal(live("back.db", "count(*)", "source = 'transcript'"), 2);
        assert_int_equal(live("back.db", "count(*)", "source = 'otlp'"), 1);
        assert_int_equal(
            live("back.db", "count(*)", "source = 'otlp' and created_at >= 1771848099000000"), 1);
        place_verify("back.db");
        dump = place_dump("back.db");
        if (first) {
            place_same(dump, first);
        }
        free(first);
        first = dump;
    }
    free(first);
}

/* ---- Gemini ------------------------------------------------------------------------------------------------ */

/* Neither does Gemini: a chat and its counts do. The chat is named by the session, or, of a sub-agent's, by the agent. */
#define CHAT(SESSION) "{\"sessionId\":\"" SESSION "\",\"projectHash\":\"h\"}\n"
#define SAID(ID, SECOND, TOKENS)                                                                   \
    "{\"id\":\"" ID "\",\"timestamp\":\"2026-03-01T10:00:" SECOND                                  \
    "Z\",\"type\":\"gemini\",\"content\":\"x\",\"model\":\"gemini-2.5-pro\",\"tokens\":" TOKENS    \
    "}\n"
static const char main_chat[] =
    CHAT("g1") SAID("m1", "02",
                    "{\"input\":1000,\"output\":40,\"cached\":600,\"thoughts\":25,\"tool\":10,"
                    "\"total\":1075}");
/* Without words it is written down when its tools are done, which may take as long as a person does. */
static const char more_chat[] =
    SAID("m2", "59",
         "{\"input\":1200,\"output\":7,\"cached\":0,\"thoughts\":0,\"tool\":0,\"total\":1207}");
static const char agent_chat[] =
    CHAT("looker-1") SAID("m3", "03",
                          "{\"input\":90,\"output\":3,\"cached\":0,\"thoughts\":0,\"tool\":0,"
                          "\"total\":93}");
#define ANSWERED(NS, DIGIT, SESSION, PROMPT, ROLE, IN, CACHED, OUT, THOUGHT, TOOL)                                                                                                 \
    "{\"timeUnixNano\":\"" NS                                                                                                                                                      \
    "\",\"traceId\":\"5b8efff798038103d269b633813fc60d\",\"spanId\":\"eee19b7ec3c1b17" DIGIT                                                                                       \
    "\",\"attributes\":[" TEXT_OF("event.name", "gemini_cli.api_response") "," TEXT_OF("session.id", SESSION) "," TEXT_OF("prompt_id", PROMPT) "," TEXT_OF(                        \
        "role",                                                                                                                                                                    \
        ROLE) "," TEXT_OF("model",                                                                                                                                                 \
                          "gemini-2.5-pro-002") "," NUMBER_OF("input_token_count",                                                                                                 \
                                                              IN) "," NUMBER_OF("cached_content_token_count",                                                                      \
                                                                                CACHED) "," NUMBER_OF("output_token_count",                                                        \
                                                                                                      OUT) "," NUMBER_OF("thoughts_token_count",                                   \
                                                                                                                         THOUGHT) "," NUMBER_OF("tool_token_count",                \
                                                                                                                                                TOOL) "," NUMBER_OF("duration_ms", \
                                                                                                                                                                    900) "]}"
/* An auxiliary call is in no chat, whatever it counted, and another session is another call. */
static const char answered[] =
    "{\"resourceLogs\":[{\"resource\":{\"attributes\":[" TEXT_OF("service.name", "gemini-cli") "]},\"scopeLogs\":[{\"logRecords\":[" ANSWERED(
        "1772359202000000000", "1", "g1", "g1########0", "main", 1000, 600, 40, 25,
        10) "," ANSWERED("1772359205000000000", "2", "g1", "g1########0", "main", 1200, 0, 7, 0,
                         0) "," ANSWERED("1772359206000000000", "3", "g1", "looker-1#0", "subagent",
                                         90, 0, 3, 0,
                                         0) "," ANSWERED("1772359207000000000", "4", "g1",
                                                         "g1########0", "utility_router", 1200, 0,
                                                         7, 0,
                                                         0) "," ANSWERED("1772359208000000000", "5",
                                                                         "g2", "g2########0",
                                                                         "main", 1200, 0, 7, 0,
                                                                         0) "]}]}]}";
#define LLM_CALL(ID, BEGIN, END, PROMPT, IN, OUT)                                                                             \
    "{\"traceId\":\"5b8efff798038103d269b633813fc60d\",\"spanId\":\"" ID                                                      \
    "\",\"name\":\"llm_call\",\"startTimeUnixNano\":\"" BEGIN "\",\"endTimeUnixNano\":\"" END                                 \
    "\",\"attributes\":[" TEXT_OF("gen_ai.operation.name", "llm_call") "," TEXT_OF(                                           \
        "gen_ai.conversation.id",                                                                                             \
        "g1") "," TEXT_OF("gen_ai.prompt.name",                                                                               \
                          PROMPT) "," TEXT_OF("gen_ai.request.model",                                                         \
                                              "gemini-2.5-pro") "," NUMBER_OF("gen_ai.usage.input_tokens",                    \
                                                                              IN) "," NUMBER_OF("gen_ai.usage.output_tokens", \
                                                                                                OUT) "]}"
/* The first is that of a record; the second of none, its record was lost. */
static const char calls[] =
    "{\"resourceSpans\":[{\"resource\":{\"attributes\":[" TEXT_OF("service.name", "gemini-cli") "]},\"scopeSpans\":[{\"scope\":{\"name\":\"gemini-cli\"},\"spans\":[" LLM_CALL(
        "eee19b7ec3c1b172", "1772359204000000000", "1772359205000000000", "g1########0", 1200,
        7) "," LLM_CALL("eee19b7ec3c1b179", "1772359209000000000", "1772359210000000000",
                        "g1########1", 1300, 8) "]}]}]}";
static const char last_chat[] =
    SAID("m4", "11",
         "{\"input\":1300,\"output\":8,\"cached\":0,\"thoughts\":0,\"tool\":0,\"total\":1308}");

typedef enum gemini_telling { PART, CHATS, ANSWERS, CALLS, GEMINI_TELLINGS } gemini_telling;

static void take_gemini(const char *ledger, gemini_telling what)
{
    switch (what) {
    case PART:
    case CHATS:
        place_write("chats/main.jsonl", sw_str_from(main_chat));
        place_write("chats/g1/looker-1.jsonl", sw_str_from(agent_chat));
        if (what == CHATS) {
            place_append("chats/main.jsonl", sw_str_from(more_chat));
            place_append("chats/main.jsonl", sw_str_from(last_chat));
        }
        (void)place_import_one(ledger, place_path("chats"));
        break;
    case ANSWERS:
        place_write("answered.json", sw_str_from(answered));
        replay(ledger, "answered.json");
        break;
    default:
        place_write("calls.json", sw_str_from(calls));
        replay(ledger, "calls.json");
        break;
    }
}

static void gemini_is_known_by_its_counts(void **state)
{
    static const gemini_telling orders[][GEMINI_TELLINGS] = {
        {PART, CHATS, ANSWERS, CALLS}, {PART, ANSWERS, CHATS, CALLS},
        {PART, CALLS, CHATS, ANSWERS}, {ANSWERS, PART, CHATS, CALLS},
        {ANSWERS, PART, CALLS, CHATS}, {ANSWERS, CALLS, PART, CHATS},
        {CALLS, ANSWERS, PART, CHATS}, {CALLS, PART, ANSWERS, CHATS},
        {CALLS, PART, CHATS, ANSWERS}};
    char *first = NULL;
    (void)state;
    for (size_t i = 0; i < SW_COUNT(orders); i++) {
        char *dump = NULL;
        place_drop("chats.db");
        for (size_t k = 0; k < GEMINI_TELLINGS; k++) {
            take_gemini("chats.db", orders[i][k]);
        }
        assert_int_equal(live("chats.db", "count(*)", "source = 'transcript'"), 4);
        assert_int_equal(live("chats.db", "count(*)", "source = 'otlp'"), 2);
        assert_int_equal(
            live("chats.db", "count(*)", "source = 'otlp' and tags like '%auxiliary%'"), 1);
        assert_int_equal(live("chats.db", "sum(total_tokens)", "1"),
                         1075 + 1207 + 93 + 1308 + 2 * 1207);
        place_verify("chats.db");
        dump = place_dump("chats.db");
        if (first) {
            place_same(dump, first);
        }
        free(first);
        first = dump;
    }
    free(first);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whichever_comes_first),
        cmocka_unit_test(with_only_one_signal),
        cmocka_unit_test(without_a_file),
        cmocka_unit_test(again_is_nothing),
        cmocka_unit_test(codex_is_known_by_its_counts),
        cmocka_unit_test(the_same_counts_later_are_another_call),
        cmocka_unit_test(gemini_is_known_by_its_counts),
    };
    return cmocka_run_group_tests(tests, place_set_up, place_tear_down);
}
