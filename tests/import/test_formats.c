/* SPDX-License-Identifier: Apache-2.0 */
/* The rules of single formats, as their descriptions state them: what is written again is no call, what is packed is the
 * same, what is written once more with more of it is one. */
#include <zstd.h>

#include "tests/import/place.h"

static const char meta[] =
    "{\"timestamp\":\"2026-02-23T12:00:00.000Z\",\"type\":\"session_meta\",\"payload\":{\"id\":\"t1\","
    "\"cwd\":\"/p\",\"cli_version\":\"0.1\",\"model_provider\":\"openai\"}}\n"
    "{\"timestamp\":\"2026-02-23T12:00:01.000Z\",\"type\":\"turn_context\",\"payload\":{\"turn_id\":"
    "\"n1\",\"model\":\"gpt-5.2-codex\"}}\n";

/* A line with the thread's sums: input and output, nothing cached. */
static size_t sums(char *to, size_t size, int second, int input, int output)
{
    int n =
        snprintf(to, size,
                 "{\"timestamp\":\"2026-02-23T12:00:%02d.000Z\",\"type\":\"event_msg\",\"payload\":"
                 "{\"type\":\"token_count\",\"info\":{\"total_token_usage\":{\"input_tokens\":%d,"
                 "\"cached_input_tokens\":0,\"output_tokens\":%d,\"reasoning_output_tokens\":0,"
                 "\"total_tokens\":%d}}}}\n",
                 second, input, output, input + output);
    assert_true(n > 0 && (size_t)n < size);
    return (size_t)n;
}

static sw_str rollout(char *to, size_t size)
{
    size_t len = (size_t)snprintf(to, size, "%s", meta);
    len += sums(to + len, size - len, 2, 1000, 200);
    len += sums(to + len, size - len, 9, 1000, 200); /* told again, with another time */
    len += sums(to + len, size - len, 12, 2500, 500);
    return sw_str_make(to, len);
}

/* Totals 1200, 1200 and 3000 are two calls, 3000 together. */
static void what_codex_tells_again_is_no_call(void **state)
{
    static char text[8192];
    (void)state;
    place_write("codex/a.jsonl", rollout(text, sizeof text));
    (void)place_import_one("codex.db", place_path("codex"));
    assert_int_equal(place_number("codex.db", "select count(*) from steps"), 2);
    assert_int_equal(place_number("codex.db", "select sum(total_tokens) from steps"), 3000);
    assert_int_equal(place_number("codex.db", "select max(prompt_tokens) from steps"), 1500);
}

static void what_is_packed_is_the_same(void **state)
{
    static char text[8192];
    static char packed[8192];
    sw_str plain = rollout(text, sizeof text);
    size_t len = ZSTD_compress(packed, sizeof packed, plain.ptr, plain.len, 3);
    import_result r;
    (void)state;
    assert_false(ZSTD_isError(len));
    place_write("packed/a.jsonl.zst", sw_str_make(packed, len));
    r = place_import_one("packed.db", place_path("packed"));
    assert_int_equal(r.steps_new, 2);
    place_write("packed/a.jsonl", plain);
    r = place_import_one("packed.db", place_path("packed"));
    assert_int_equal(r.steps_new, 0);
    assert_int_equal(place_number("packed.db", "select sum(total_tokens) from steps"), 3000);
    place_write("packed/b.jsonl.zst",
                sw_str_make(packed, len / 2)); /* cut off: what is there is read */
    r = place_import_one("packed.db", place_path("packed"));
    assert_int_equal(r.steps_new, 0);
}

/* The first lines of a fork repeat what its origin counted, within one second. */
static void what_a_fork_repeats_is_no_call(void **state)
{
    static char text[8192];
    size_t len = 0;
    (void)state;
    len =
        (size_t)snprintf(text, sizeof text,
                         "{\"timestamp\":\"2026-02-23T13:00:00.000Z\",\"type\":\"session_meta\","
                         "\"payload\":{\"id\":\"t2\",\"forked_from_id\":\"t1\",\"cwd\":\"/p\"}}\n");
    len += sums(text + len, sizeof text - len, 2, 1000, 200);
    len += sums(text + len, sizeof text - len, 2, 2500, 500);
    len += sums(text + len, sizeof text - len, 30, 2600, 540);
    place_write("fork/f.jsonl", sw_str_make(text, len));
    (void)place_import_one("fork.db", place_path("fork"));
    assert_int_equal(place_number("fork.db", "select count(*) from steps"), 1);
    assert_int_equal(place_number("fork.db", "select sum(total_tokens) from steps"), 140);
}

/* Each time a message changes it is written again: the last one counts. Thoughts and tools are added. */
static void what_gemini_writes_again_is_one(void **state)
{
    static const char text[] =
        "{\"sessionId\":\"g1\",\"projectHash\":\"h\",\"startTime\":\"2026-01-10T20:00:00Z\"}\n"
        "{\"id\":\"m1\",\"timestamp\":\"2026-01-10T20:00:21Z\",\"type\":\"user\",\"content\":\"hi\"}\n"
        "{\"id\":\"m2\",\"timestamp\":\"2026-01-10T20:00:25Z\",\"type\":\"gemini\",\"content\":\"a\"}\n"
        "{\"id\":\"m2\",\"timestamp\":\"2026-01-10T20:00:25Z\",\"type\":\"gemini\",\"content\":\"a\","
        "\"model\":\"gemini-2.5-pro\",\"tokens\":{\"input\":1000,\"output\":40,\"cached\":600,"
        "\"thoughts\":25,\"tool\":10,\"total\":1075},\"toolCalls\":[{\"id\":\"c1\",\"name\":\"ls\","
        "\"args\":{},\"status\":\"error\",\"result\":[]}]}\n"
        "{\"id\":\"m2\",\"timestamp\":\"2026-01-10T20:00:25Z\",\"type\":\"gemini\",\"content\":[{\"text\":\"said\"}],"
        "\"model\":\"gemini-2.5-pro\",\"tokens\":{\"input\":1000,\"output\":40,\"cached\":600,"
        "\"thoughts\":25,\"tool\":10,\"total\":1075},\"toolCalls\":[{\"id\":\"c1\",\"name\":\"ls\","
        "\"args\":{},\"status\":\"error\",\"result\":[]}]}\n"
        "{\"$rewindTo\":\"m2\"}\n";
    import_result r;
    (void)state;
    place_write("gemini/s.jsonl", sw_str_from(text));
    r = place_import_one("gemini.db", place_path("gemini"));
    assert_int_equal(r.bad_lines, 0);
    assert_int_equal(r.tool_errors, 1);
    assert_int_equal(place_number("gemini.db", "select count(*) from steps"), 1);
    assert_int_equal(place_number("gemini.db", "select prompt_tokens from steps"), 1010);
    assert_int_equal(place_number("gemini.db", "select completion_tokens from steps"), 65);
    assert_int_equal(place_number("gemini.db", "select total_tokens from steps"), 1075);
    assert_int_equal(place_number("gemini.db", "select cached_input_tokens from steps"), 600);
    assert_int_equal(place_number("gemini.db", "select reasoning_tokens from steps"), 25);
    assert_int_equal(place_number("gemini.db",
                                  "select count(*) from messages where role = 'assistant' "
                                  "and text like '%said'"),
                     1);
}

/* What a person takes back was spent all the same: the calls stay, and say that they were taken back. */
static void what_is_taken_back_is_marked(void **state)
{
#define SAID(ID, TIME, TYPE, MORE)                                                                 \
    "{\"id\":\"" ID "\",\"timestamp\":\"2026-01-10T20:00:" TIME "Z\",\"type\":\"" TYPE             \
    "\",\"content\":\"x\"" MORE "}\n"
#define SPENT(IN) ",\"tokens\":{\"input\":" #IN ",\"output\":1,\"total\":" #IN "}"
    static const char text[] = "{\"sessionId\":\"g2\",\"projectHash\":\"h\"}\n" SAID(
        "u1", "01", "user", "") SAID("m1", "02", "gemini", SPENT(10)) SAID("u2", "03", "user", "")
        SAID("m2", "04", "gemini", SPENT(20)) SAID("u3", "05", "user", "") SAID("m3", "06",
                                                                                "gemini", SPENT(30))
            SAID("m3", "06", "gemini",
                 SPENT(30)) "{\"$rewindTo\":\"nowhere\"}\n{\"$rewindTo\":\"u2\"}\n" SAID("m4", "09",
                                                                                         "gemini",
                                                                                         SPENT(40));
    (void)state;
    place_write("rewind/s.jsonl", sw_str_from(text));
    (void)place_import_one("rewind.db", place_path("rewind"));
    assert_int_equal(place_number("rewind.db", "select sum(prompt_tokens) from steps"), 100);
    assert_int_equal(place_number("rewind.db", "select sum(prompt_tokens) from steps where "
                                               "json_extract(metadata, '$.rewound')"),
                     50);
}

/* letta-code's texts: what was said under one message is one call, of whose tokens nothing is known. */
static void texts_without_tokens_are_calls(void **state)
{
#define SAYS(KIND, ID, MORE)                                                                       \
    "{\"kind\":\"" KIND                                                                            \
    "\",\"captured_at\":\"2026-02-01T10:00:00.000Z\",\"source_line_id\":\"l" ID                    \
    "\",\"source_message_id\":\"message-" MORE "}\n"
    static const char text[] = SAYS("user", "1", "1\",\"text\":\"what is here\"")
        SAYS("reasoning", "2", "2\",\"text\":\"I think\"")
            SAYS("tool_call", "3",
                 "2\",\"name\":\"ls\",\"argsText\":\"{\\\"a\\\":1}\","
                 "\"resultText\":\"no\",\"resultOk\":false")
                SAYS("assistant", "4", "3\",\"text\":\"a file\"")
                    SAYS("error", "5", "4\",\"text\":\"gone\"");
    import_result r;
    (void)state;
    place_write("letta/transcript.jsonl", sw_str_from(text));
    r = place_import_one("letta.db", place_path("letta"));
    assert_int_equal(r.tool_calls, 1);
    assert_int_equal(r.tool_errors, 1);
    assert_int_equal(place_number("letta.db", "select count(*) from steps where usage_state = "
                                              "'unknown' and total_tokens = 0"),
                     3);
    assert_int_equal(place_number("letta.db", "select count(*) from steps where output_preview = "
                                              "'a file' and input_preview = 'what is here'"),
                     1);
    assert_int_equal(place_number("letta.db", "select count(*) from steps where status = 'failed' "
                                              "and json_extract(error_data, '$.message') = 'gone'"),
                     1);
    assert_int_equal(
        place_number("letta.db",
                     "select count(*) from messages where json_extract(tool_calls, "
                     "'$[0].function.arguments') = '{\"a\":1}' and content like '%I think%'"),
        1);
    r = place_import_one("letta.db", place_path("letta"));
    assert_int_equal(r.steps_new, 0);
    place_verify("letta.db");
}

/* Imports the recorded stream of an answer that thought "hidden" and then said "said". */
static void import_stream(const char *ledger, const char *text)
{
    char folder[32];
    char file[48];
    snprintf(folder, sizeof folder, "stream-of-%s", ledger);
    snprintf(file, sizeof file, "%s/s.ndjson", folder);
    place_write(file, sw_str_from(text));
    (void)place_import_one(ledger, place_path(folder));
    assert_int_equal(place_number(ledger, "select count(*) from messages where content like "
                                          "'%\"reasoning\":\"hidden\"%\"text\":\"said\"%'"),
                     1);
    assert_int_equal(
        place_number(ledger, "select count(*) from steps where output_preview = 'said'"), 1);
}

/* A stream of Gemini's: thoughts are no answer, and each call of a tool is one, wherever among the parts it stands. */
static void streamed_parts_are_what_they_are(void **state)
{
#define CHUNK(PARTS)                                                                                \
    "data: {\\\"candidates\\\":[{\\\"content\\\":{\\\"role\\\":\\\"model\\\",\\\"parts\\\":[" PARTS \
    "]}}],\\\"usageMetadata\\\":{\\\"promptTokenCount\\\":4,\\\"candidatesTokenCount\\\":2}}\\n\\n"
#define CALL(NAME) "{\\\"functionCall\\\":{\\\"name\\\":\\\"" NAME "\\\",\\\"args\\\":{}}}"
    static const char text[] =
        "{\"url\":\"https://generativelanguage.googleapis.com/v1beta/models/gemini-2.5-pro:"
        "streamGenerateContent\",\"request\":{\"contents\":[]},\"response\":\"" CHUNK(
            "{\\\"text\\\":\\\"hidden\\\",\\\"thought\\\":true},{\\\"text\\\":\\\"said\\\"}")
            CHUNK(CALL("one") "," CALL("two") "," CALL("three")) "\"}\n";
    (void)state;
    import_stream("parts.db", text);
    assert_int_equal(place_number("parts.db", "select json_array_length(tool_calls) from messages "
                                              "where role = 'assistant'"),
                     3);
}

/* A stream of Responses ends with all of the answer; one that was cut off before has what came by then, each piece once
 * though it is said again when it is done. */
static void a_stream_that_was_cut_keeps_what_came(void **state)
{
#define EVENT(TYPE, MORE) "event: " TYPE "\\ndata: {\\\"type\\\":\\\"" TYPE "\\\"," MORE "}\\n\\n"
#define PIECE(TYPE, TEXT) EVENT(TYPE, "\\\"delta\\\":\\\"" TEXT "\\\"")
    static const char text[] =
        "{\"url\":\"https://api.openai.com/v1/responses\",\"request\":{\"model\":\"gpt-5\",\"input\":"
        "\"hi\"},\"response\":\"" EVENT(
            "response.created", "\\\"response\\\":{\\\"id\\\":\\\"resp_1\\\",\\\"output\\\":[]}")
            PIECE("response.reasoning_summary_text.delta",
                  "hid") PIECE("response.reasoning_summary_text.delta", "den")
                EVENT("response.reasoning_summary_text.done", "\\\"text\\\":\\\"hidden\\\"") PIECE(
                    "response.output_text.delta", "sa") PIECE("response.output_text.delta", "id")
                    EVENT("response.output_text.done", "\\\"text\\\":\\\"said\\\"") EVENT(
                        "response.output_item.added",
                        "\\\"item\\\":{\\\"type\\\":\\\"function_call\\\",\\\"call_id\\\":"
                        "\\\"c1\\\",\\\"name\\\":\\\"look\\\",\\\"arguments\\\":\\\"\\\"}")
                        PIECE("response.function_call_arguments.delta", "{}") EVENT(
                            "response.output_item.done",
                            "\\\"item\\\":{\\\"type\\\":\\\"function_call\\\",\\\"call_id\\\":"
                            "\\\"c1\\\",\\\"name\\\":\\\"look\\\",\\\"arguments\\\":\\\"{}\\\"}") "\"}\n";
    (void)state;
    import_stream("cut.db", text);
    assert_int_equal(place_number("cut.db",
                                  "select count(*) from messages where role = 'assistant' and "
                                  "json_array_length(tool_calls) = 1 and "
                                  "json_extract(tool_calls, '$[0].id') = 'c1'"),
                     1);
    place_verify("cut.db");
}

/* A line of an answer that has no name of its own; `more`: members of the line. */
static int unnamed(char *to, size_t size, int number, const char *more)
{
    int n = snprintf(
        to, size,
        "{\"type\":\"assistant\",\"sessionId\":\"s1\",\"uuid\":\"a%d\",\"requestId\":\"req_%d\","
        "\"timestamp\":\"2026-01-15T10:%02d:%02d.000Z\",%s\"message\":{\"role\":\"assistant\","
        "\"model\":\"claude-opus-4-6\",\"content\":[{\"type\":\"text\",\"text\":\"x%d\"}],"
        "\"stop_reason\":\"end_turn\",\"usage\":{\"input_tokens\":2,\"output_tokens\":3}}}\n",
        number, number, number / 60, number % 60, more, number);
    assert_true(n > 0 && (size_t)n < size);
    return n;
}

/* Their requests are different, so they are different calls, however many there are. */
static void calls_without_a_name_are_known_by_their_requests(void **state)
{
    enum { CALLS = 500 };
    static char text[CALLS * 512];
    size_t len = 0;
    (void)state;
    for (int i = 0; i < CALLS; i++) {
        len += (size_t)unnamed(text + len, sizeof text - len, i, "");
    }
    place_write("unnamed/a.jsonl", sw_str_make(text, len));
    assert_int_equal(place_import_one("unnamed.db", place_path("unnamed")).steps_new, CALLS);
    assert_int_equal(place_number("unnamed.db", "select sum(total_tokens) from steps"), 5 * CALLS);
}

/* Each of three sub-agents is said to be a tool of another one: the one that began first is nobody's. */
static void agents_in_a_circle_have_a_first(void **state)
{
    enum { AGENTS = 3 };
    static char text[8192];
    size_t len = 0;
    (void)state;
    for (int i = 0; i < AGENTS; i++) {
        char more[64];
        snprintf(more, sizeof more, "\"agentId\":\"g%d\",\"isSidechain\":true,", i);
        len += (size_t)unnamed(text + len, sizeof text - len, i, more);
        len += (size_t)snprintf(
            text + len, sizeof text - len,
            "{\"type\":\"user\",\"sessionId\":\"s1\",\"uuid\":\"u%d\",%s"
            "\"timestamp\":\"2026-01-15T10:01:00.000Z\",\"toolUseResult\":{\"agentId\":\"g%d\"},"
            "\"message\":{\"role\":\"user\",\"content\":[{\"type\":\"tool_result\","
            "\"tool_use_id\":\"t%d\",\"content\":\"fine\"}]}}\n",
            i, more, (i + 1) % AGENTS, i);
    }
    place_write("circle/a.jsonl", sw_str_make(text, len));
    assert_int_equal(place_import_one("circle.db", place_path("circle")).runs, AGENTS);
    assert_int_equal(place_number("circle.db",
                                  "select count(*) from runs r join steps s on s.run_id = r.id "
                                  "where r.parent_run_id is null and s.request_id = 'req_0'"),
                     1);
    assert_int_equal(
        place_number("circle.db", "select count(*) from runs where parent_run_id is not null"),
        AGENTS - 1);
    place_verify("circle.db");
}

/* More nanoseconds lie between the two than a number holds. The call was made all the same. */
static void a_time_that_cannot_be_is_none(void **state)
{
    static const char text[] =
        "{\"type\":\"user\",\"sessionId\":\"s1\",\"uuid\":\"u1\",\"timestamp\":"
        "\"1700-01-01T00:00:00.000Z\",\"message\":{\"role\":\"user\",\"content\":\"hi\"}}\n"
        "{\"type\":\"assistant\",\"sessionId\":\"s1\",\"uuid\":\"a1\",\"parentUuid\":\"u1\","
        "\"timestamp\":\"2250-01-01T00:00:00.000Z\",\"message\":{\"id\":\"m1\",\"role\":"
        "\"assistant\",\"model\":\"claude-opus-4-6\",\"content\":[],\"stop_reason\":\"end_turn\","
        "\"usage\":{\"input_tokens\":2,\"output_tokens\":3}}}\n";
    (void)state;
    place_write("times/a.jsonl", sw_str_from(text));
    assert_int_equal(place_import_one("times.db", place_path("times")).steps_new, 1);
    assert_int_equal(
        place_number("times.db", "select count(*) from steps where created_at = 8835955200000000"),
        1);
    place_verify("times.db");
}

/* Under a constant name each model's calls are one, however many models there are. */
static void calls_under_one_name_are_known_by_their_models(void **state)
{
    enum { MODELS = 300 };
    static char text[2 * MODELS * 512];
    size_t len = 0;
    (void)state;
    for (int i = 0; i < 2 * MODELS; i++) {
        int n = snprintf(
            text + len, sizeof text - len,
            "{\"type\":\"assistant\",\"sessionId\":\"s1\",\"uuid\":\"a%d\",\"requestId\":\"req_%d\","
            "\"timestamp\":\"2026-01-15T10:%02d:%02d.000Z\",\"message\":{\"id\":\"msg\",\"role\":"
            "\"assistant\",\"model\":\"x%d\",\"content\":[],\"usage\":{\"input_tokens\":2,"
            "\"output_tokens\":3}}}\n",
            i, i, i / 60, i % 60, i % MODELS);
        assert_true(n > 0 && (size_t)n < sizeof text - len);
        len += (size_t)n;
    }
    place_write("same/a.jsonl", sw_str_make(text, len));
    assert_int_equal(place_import_one("same.db", place_path("same")).calls, MODELS);
    assert_int_equal(place_number("same.db", "select sum(total_tokens) from steps"), 5 * MODELS);
    assert_int_equal(place_number("same.db", "select count(distinct model) from steps"), MODELS);
}

/* Of several turns of the origin the spawned thread belongs to the one that was at work when it began. */
static void a_spawned_thread_is_of_the_turn_before_it(void **state)
{
#define LINE(TIME, TYPE, PAYLOAD)                                                                  \
    "{\"timestamp\":\"2026-02-23T12:00:" TIME ".000Z\",\"type\":\"" TYPE                           \
    "\",\"payload\":{" PAYLOAD "}}\n"
#define TURN(TIME, END, NAME, SUM)                                                                 \
    LINE(TIME, "turn_context", "\"turn_id\":\"" NAME "\",\"model\":\"" NAME "\"")                  \
    LINE(TIME, "event_msg", "\"type\":\"user_message\",\"message\":\"" NAME "\"")                  \
    LINE(END, "event_msg",                                                                         \
         "\"type\":\"token_count\",\"info\":{\"total_token_usage\":{\"input_tokens\":" SUM         \
         ",\"output_tokens\":1,\"total_tokens\":" SUM "}}")
    static const char origin[] =
        LINE("00", "session_meta", "\"id\":\"o1\",\"cwd\":\"/p\",\"cli_version\":\"0.1\"")
            TURN("01", "05", "first", "10") TURN("10", "15", "second", "30")
                TURN("20", "25", "third", "60");
    static const char spawned[] =
        LINE("12", "session_meta",
             "\"id\":\"o2\",\"cwd\":\"/p\",\"source\":{\"subagent\":{\"thread_spawn\":{"
             "\"parent_thread_id\":\"o1\"}}}") TURN("13", "14", "below", "7");
    (void)state;
    place_write("spawned/o.jsonl", sw_str_from(origin));
    place_write("spawned/s.jsonl", sw_str_from(spawned));
    (void)place_import_one("spawned.db", place_path("spawned"));
    assert_int_equal(place_number("spawned.db", "select count(*) from runs"), 4);
    assert_int_equal(
        place_number("spawned.db",
                     "select count(*) from runs r join steps b on b.run_id = r.id and b.model = "
                     "'below' join steps a on a.run_id = r.parent_run_id and a.model = 'second'"),
        1);
    place_verify("spawned.db");
}

/* A line without a time has that of the line before, or of the first after it, and a file without any that of its
 * session. What has none at all is booked in 1970, whenever it is imported, and nothing is said of how long the call
 * took. */
static void without_a_time_no_other_is_made_up(void **state)
{
#define ASKED(SESSION, TIME)                                                                       \
    "{\"type\":\"user\",\"sessionId\":\"" SESSION "\",\"uuid\":\"u" SESSION "\"" TIME              \
    ",\"message\":{\"role\":\"user\",\"content\":\"look\"}}\n"
#define ANSWERED(SESSION, TIME)                                                                     \
    "{\"type\":\"assistant\",\"sessionId\":\"" SESSION "\",\"uuid\":\"a" SESSION                    \
    "\",\"parentUuid\":\"u" SESSION "\"" TIME ",\"message\":{\"id\":\"m" SESSION                    \
    "\",\"role\":\"assistant\",\"model\":\"claude-x\",\"content\":[],\"stop_reason\":\"end_turn\"," \
    "\"usage\":{\"input_tokens\":5,\"output_tokens\":7}}}\n"
    static const char some[] =
        ASKED("s1", "") ANSWERED("s1", ",\"timestamp\":\"2026-02-01T10:00:05.000Z\"");
    static const char head[] =
        ANSWERED("h1", "") ANSWERED("h2", ",\"timestamp\":\"2026-02-03T10:00:05.000Z\"")
            ANSWERED("h3", "") ANSWERED("h4", ",\"timestamp\":\"2026-02-03T10:00:09.000Z\"");
    static const char beside[] = /* another file of the first session */
        "{\"type\":\"assistant\",\"sessionId\":\"h1\",\"uuid\":\"ah5\",\"message\":{\"id\":\"mh5\","
        "\"role\":\"assistant\",\"model\":\"claude-x\",\"content\":[],\"usage\":{\"input_tokens\":5,"
        "\"output_tokens\":7}}}\n";
    static const char none[] = ASKED("s2", "") ANSWERED("s2", "");
    static const char lists[] =
        "{\"id\":\"g1\",\"trace_id\":\"t1\",\"type\":\"GENERATION\",\"start_time\":"
        "\"2026-02-01 10:00:00\",\"end_time\":\"2026-02-01 10:00:02\",\"provided_model_name\":\"m\"}\n"
        "{\"id\":\"g2\",\"trace_id\":\"t1\",\"type\":\"GENERATION\",\"provided_model_name\":\"m\"}\n";
    (void)state;
    place_write("untimed/some.jsonl", sw_str_from(some));
    place_write("untimed/head.jsonl", sw_str_from(head));
    place_write("untimed/beside.jsonl", sw_str_from(beside));
    place_write("untimed/none.jsonl", sw_str_from(none));
    place_write("untimed/lists.jsonl", sw_str_from(lists));
    (void)place_import_one("untimed.db", place_path("untimed"));
    assert_int_equal(place_number("untimed.db", "select count(*) from steps"), 9);
    assert_int_equal(place_number("untimed.db", "select count(*) from runs"), 7);
    assert_int_equal(place_number("untimed.db",
                                  "select count(*) from steps where created_at = 1770112805000000"),
                     4);
    assert_int_equal(place_number("untimed.db", "select count(*) from steps where created_at = 0"),
                     2);
    assert_int_equal(
        place_number("untimed.db",
                     "select count(*) from runs where created_at = 0 and completed_at = 0"),
        1);
    assert_int_equal(place_number("untimed.db", "select count(*) from runs where created_at = "
                                                "1769940005000000 and total_duration_ns = 0"),
                     1);
    assert_int_equal(place_number("untimed.db", "select count(*) from runs where created_at = "
                                                "1769940000000000 and total_duration_ns = "
                                                "2000000000"),
                     1);
    assert_int_equal(place_number("untimed.db", "select count(*) from step_metrics where "
                                                "step_start_ns is null and step_ns is null"),
                     2);
    place_verify("untimed.db");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_codex_tells_again_is_no_call),
        cmocka_unit_test(what_is_packed_is_the_same),
        cmocka_unit_test(what_a_fork_repeats_is_no_call),
        cmocka_unit_test(what_gemini_writes_again_is_one),
        cmocka_unit_test(what_is_taken_back_is_marked),
        cmocka_unit_test(texts_without_tokens_are_calls),
        cmocka_unit_test(streamed_parts_are_what_they_are),
        cmocka_unit_test(a_stream_that_was_cut_keeps_what_came),
        cmocka_unit_test(calls_under_one_name_are_known_by_their_models),
        cmocka_unit_test(a_spawned_thread_is_of_the_turn_before_it),
        cmocka_unit_test(calls_without_a_name_are_known_by_their_requests),
        cmocka_unit_test(agents_in_a_circle_have_a_first),
        cmocka_unit_test(a_time_that_cannot_be_is_none),
        cmocka_unit_test(without_a_time_no_other_is_made_up),
    };
    return cmocka_run_group_tests(tests, place_set_up, place_tear_down);
}
