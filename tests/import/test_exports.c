/* SPDX-License-Identifier: Apache-2.0 */
/* Exports of other systems, written here as their exporters write them, imported and asked for in SQL. */
#include "codec/transcript_scan.h"
#include "tests/import/place.h"

static void import_twice(const char *ledger, const char *file, int64_t steps, int64_t others,
                         const char *content)
{
    place_write(file, sw_str_from(content));
    place_import_twice(ledger, file, steps, others);
    place_verify(ledger);
}

/* ---- Langfuse ------------------------------------------------------------------------------------------- */

#define LF_ROOT                                                                                    \
    "{\"id\":\"sp1\",\"trace_id\":\"tr1\",\"type\":\"SPAN\",\"start_time\":"                       \
    "\"2026-01-02 10:00:00.000000\",\"parent_observation_id\":\"g1\"}"
#define LF_ONE                                                                                      \
    "{\"id\":\"g1\",\"trace_id\":\"tr1\",\"type\":\"GENERATION\",\"start_time\":"                   \
    "\"2026-01-02 10:00:00.250000\",\"end_time\":\"2026-01-02 10:00:02.250000\","                   \
    "\"completion_start_time\":\"2026-01-02 10:00:00.750000\",\"provided_model_name\":"             \
    "\"claude-x\",\"input\":\"[{\\\"role\\\":\\\"user\\\",\\\"content\\\":\\\"how are you\\\"}]\"," \
    "\"output\":{\"role\":\"assistant\",\"content\":\"well\"},\"level\":\"DEFAULT\","               \
    "\"usage_details\":{\"input\":10,\"output\":5,\"input_cached_tokens\":30,\"total\":45},"        \
    "\"cost_details\":{\"total\":0.0012345},\"session_id\":\"s1\",\"user_id\":\"ann\","             \
    "\"tags\":[\"prod\"],\"scores\":{\"user-feedback\":[1],\"faithful\":[0.3]}}"
#define LF_TWO                                                                                     \
    "{\"id\":\"g2\",\"trace_id\":\"tr1\",\"type\":\"GENERATION\",\"start_time\":"                  \
    "\"2026-01-02 10:00:03.000000\",\"parent_observation_id\":\"sp1\",\"level\":\"ERROR\","        \
    "\"status_message\":\"overloaded\",\"provided_model_name\":\"claude-x\"}"

static void check_langfuse(const char *ledger)
{
    place_is_one(ledger,
                 "prompt_tokens = 40 and completion_tokens = 5 and cached_input_tokens = 30 and "
                 "cost_nano_usd = 1234500 and price_id is null and s.status = 'success' and "
                 "provider_name = 'anthropic' and feedback = 'positive' and end_user = 'ann' and "
                 "tags = '[\"prod\"]' and llm_request_ns = 2000000000 and "
                 "ttft_ns = 500000000 and input_preview = 'how are you' and "
                 "output_preview = 'well' and source = 'transcript'");
    place_is_one(ledger,
                 "s.status = 'failed' and prompt_tokens = 0 and usage_state = 'unknown' and "
                 "cost_nano_usd is null and json_extract(error_data, '$.message') = "
                 "'overloaded' and parent_step_id = (select id from steps where "
                 "prompt_tokens = 40)");
    assert_int_equal(place_number(ledger, "select count(distinct run_id) from steps"), 1);
    assert_int_equal(place_number(ledger, "select count(*) from runs"), 1);
}

static void test_langfuse_lines(void **state)
{
    (void)state;
    import_twice("lf.db", "lf.jsonl", 2, 1, LF_ONE "\n" LF_ROOT "\n" LF_TWO "\n");
    check_langfuse("lf.db");
}

/* The same as one document: nothing is new. */
static void test_langfuse_list(void **state)
{
    (void)state;
    import_twice("lfl.db", "lf.json", 2, 1, "[" LF_TWO ",\n" LF_ROOT "," LF_ONE "]");
    check_langfuse("lfl.db");
    place_write("lf2.jsonl", SW_STR(LF_ONE "\n" LF_ROOT "\n" LF_TWO "\n"));
    import_result r = place_import_one("lfl.db", place_path("lf2.jsonl"));
    assert_int_equal(r.steps_new + r.steps_corrected, 0);
}

static void test_langfuse_csv(void **state)
{
    (void)state;
    import_twice(
        "lfc.db", "lf.csv", 1, 1,
        "\"id\",\"traceId\",\"type\",\"startTime\",\"endTime\",\"model\",\"input\",\"output\","
        "\"usageDetails\",\"totalCost\",\"level\",\"scores\"\r\n"
        "\"c1\",\"t1\",\"GENERATION\",\"2026-01-02T10:00:00.000Z\",\"2026-01-02T10:00:01.000Z\","
        "\"gpt-4o\",\"say \"\"hi\"\",\nplease\",\"hi\",\"{\"\"input\"\":7,\"\"output\"\":2,"
        "\"\"total\"\":9}\",\"0.5\",\"DEFAULT\",\"{\"\"user_feedback\"\":[0]}\"\r\n"
        "c2,t1,SPAN,2026-01-02T10:00:00.000Z,,,,,,,DEFAULT,\r\n");
    place_is_one("lfc.db",
                 "prompt_tokens = 7 and completion_tokens = 2 and cost_nano_usd = 500000000 "
                 "and provider_name = 'openai' and feedback = 'negative' and input_preview = "
                 "'say \"hi\",' || char(10) || 'please' and output_preview = 'hi'");
}

/* ---- Phoenix -------------------------------------------------------------------------------------------- */

static void test_phoenix(void **state)
{
    (void)state;
    import_twice(
        "px.db", "px.jsonl", 2, 1,
        "{\"context.span_id\":\"aa00000000000001\",\"context.trace_id\":"
        "\"0123456789abcdef0123456789abcdef\",\"parent_id\":null,\"name\":\"agent\",\"span_kind\":"
        "\"AGENT\",\"start_time\":1767348000000,\"end_time\":1767348009000,\"status_code\":\"OK\"}\n"
        "{\"context.span_id\":\"aa00000000000002\",\"context.trace_id\":"
        "\"0123456789abcdef0123456789abcdef\",\"parent_id\":\"aa00000000000001\",\"span_kind\":"
        "\"LLM\",\"start_time\":1767348001000,\"end_time\":1767348003000,\"status_code\":\"OK\","
        "\"attributes.llm.model_name\":\"gpt-4o\",\"attributes.llm.provider\":\"azure\","
        "\"attributes.llm.token_count.prompt\":100.0,\"attributes.llm.token_count.completion\":20.0,"
        "\"attributes.llm.token_count.prompt_details.cache_read\":60.0,"
        "\"attributes.llm.cost.total\":1e-4,\"attributes.session.id\":\"s9\","
        "\"attributes.input.value\":\"{\\\"messages\\\":[{\\\"role\\\":\\\"user\\\",\\\"content\\\":"
        "\\\"q\\\"}]}\",\"attributes.output.value\":\"a\",\"annotations\":[{\"name\":\"thumb\","
        "\"annotator_kind\":\"HUMAN\",\"result\":{\"score\":0}}]}\n"
        "{\"context\":{\"span_id\":\"aa00000000000003\",\"trace_id\":"
        "\"0123456789abcdef0123456789abcdef\"},\"parent_id\":\"aa00000000000002\",\"span_kind\":"
        "\"LLM\",\"start_time\":\"2026-01-02T10:00:04.5+00:00\",\"end_time\":"
        "\"2026-01-02T10:00:05.5+00:00\",\"status_code\":\"ERROR\",\"status_message\":\"refused\","
        "\"attributes\":{\"llm.model_name\":\"gpt-4o\",\"annotations\":1}}\n");
    place_is_one("px.db",
                 "prompt_tokens = 100 and completion_tokens = 20 and cached_input_tokens = 60 "
                 "and cost_nano_usd = 100000 and provider_name = 'azure.ai.openai' and "
                 "feedback = 'negative' and s.trace_id = '0123456789abcdef0123456789abcdef' "
                 "and step_start_ns = 1767348001000000000 and input_preview = 'q' and "
                 "output_preview = 'a' and conversation_id is not null and s.status = 'success'");
    place_is_one("px.db",
                 "s.status = 'failed' and usage_state = 'unknown' and parent_step_id is not "
                 "null and llm_request_ns = 1000000000");
    assert_int_equal(place_number("px.db", "select count(*) from runs"), 1);
}

/* As pandas writes a table of spans: the index once more, lists as Python prints them, holes as nothing. */
static void test_phoenix_csv(void **state)
{
    (void)state;
    import_twice(
        "pxc.db", "px.csv", 1, 1,
        "context.span_id,name,span_kind,parent_id,start_time,end_time,status_code,status_message,"
        "events,context.span_id,context.trace_id,attributes.llm.model_name,"
        "attributes.llm.input_messages,attributes.input.value,attributes.output.value,"
        "attributes.llm.token_count.prompt,attributes.llm.token_count.completion,"
        "attributes.llm.token_count.prompt_details.cache_read\n"
        "bb00000000000001,agent,AGENT,,2026-01-02 10:00:00+00:00,2026-01-02 10:00:09+00:00,OK,,[],"
        "bb00000000000001,0123456789abcdef0123456789abcdee,,,,,,,\n"
        "bb00000000000002,call,LLM,bb00000000000001,2026-01-02 10:00:01.500000+00:00,"
        "2026-01-02 10:00:03.500000+00:00,OK,,[],bb00000000000002,0123456789abcdef0123456789abcdee,"
        "gpt-4o,\"[{'message.role': 'user', 'message.content': 'q, or so'}]\",\"q, or so\","
        "\"a \"\"b\"\"\",100.0,20.0,60.0\n");
    place_is_one("pxc.db",
                 "prompt_tokens = 100 and completion_tokens = 20 and cached_input_tokens = 60 "
                 "and model = 'gpt-4o' and s.trace_id = '0123456789abcdef0123456789abcdee' and "
                 "step_start_ns = 1767348001500000000 and llm_request_ns = 2000000000 and "
                 "input_preview = 'q, or so' and output_preview = 'a \"b\"'");
}

/* ---- LangSmith ------------------------------------------------------------------------------------------ */

static void test_langsmith(void **state)
{
    (void)state;
    import_twice(
        "ls.db", "ls.jsonl", 2, 1,
        "{\"id\":\"r0\",\"trace_id\":\"r0\",\"run_type\":\"chain\",\"start_time\":"
        "\"2026-01-02T10:00:00.000000\",\"inputs\":{},\"status\":\"success\"}\n"
        "{\"id\":\"r1\",\"trace_id\":\"r0\",\"parent_run_id\":\"r0\",\"run_type\":\"llm\","
        "\"start_time\":\"2026-01-02T10:00:01.000000\",\"end_time\":\"2026-01-02T10:00:04\","
        "\"first_token_time\":\"2026-01-02T10:00:01.5\",\"status\":\"success\",\"inputs\":"
        "{\"messages\":[[{\"lc\":1,\"type\":\"constructor\",\"id\":[\"langchain\",\"schema\","
        "\"messages\",\"HumanMessage\"],\"kwargs\":{\"content\":\"ask\",\"type\":\"human\"}}]]},"
        "\"outputs\":{\"generations\":[[{\"text\":\"told\",\"message\":{\"lc\":1,\"type\":"
        "\"constructor\",\"id\":[\"langchain\",\"schema\",\"messages\",\"AIMessage\"],\"kwargs\":"
        "{\"content\":\"told\",\"type\":\"ai\"}}}]]},\"prompt_tokens\":50,\"completion_tokens\":8,"
        "\"total_tokens\":58,\"prompt_token_details\":{\"cache_read\":40},"
        "\"completion_token_details\":{\"reasoning\":3},\"total_cost\":\"0.000000001\",\"tags\":"
        "[\"a\",\"b\"],\"extra\":{\"metadata\":{\"ls_provider\":\"openai\",\"ls_model_name\":"
        "\"gpt-5\",\"thread_id\":\"th\"}},\"feedback_stats\":{\"user_score\":{\"n\":1,\"avg\":1.0},"
        "\"auto\":{\"n\":1,\"avg\":0}}}\n"
        "{\"id\":\"r2\",\"trace_id\":\"r0\",\"parent_run_id\":\"r1\",\"run_type\":\"llm\","
        "\"start_time\":\"2026-01-02T10:00:05.000000\",\"status\":\"error\",\"error\":"
        "\"RateLimitError\",\"inputs\":{}}\n");
    place_is_one("ls.db",
                 "prompt_tokens = 50 and completion_tokens = 8 and cached_input_tokens = 40 and "
                 "reasoning_tokens = 3 and cost_nano_usd = 1 and model = 'gpt-5' and "
                 "provider_name = 'openai' and feedback = 'positive' and tags = "
                 "'[\"a\",\"b\"]' and ttft_ns = 500000000 and input_preview = 'ask' and "
                 "output_preview = 'told' and json_extract(metadata, '$.scores.auto.n') = 1");
    place_is_one("ls.db", "s.status = 'failed' and json_extract(error_data, '$.message') = "
                          "'RateLimitError' and parent_step_id is not null");
    assert_int_equal(place_number("ls.db", "select count(*) from runs"), 1);
}

/* ---- Helicone ------------------------------------------------------------------------------------------- */

#define HE_ONE                                                                                     \
    "{\"request_id\":\"q1\",\"request_created_at\":\"2026-01-02T10:00:00Z\","                      \
    "\"response_created_at\":\"2026-01-02T10:00:01Z\",\"delay_ms\":1000,\"time_to_first_token\":"  \
    "200,\"response_status\":200,\"provider\":\"ANTHROPIC\",\"request_model\":\"claude-x\","       \
    "\"response_model\":\"claude-x-1\",\"prompt_tokens\":4,\"completion_tokens\":9,"               \
    "\"prompt_cache_read_tokens\":100,\"costUSD\":0.00025,\"request_user_id\":\"bob\","            \
    "\"request_properties\":{\"Helicone-Session-Id\":\"sess\"},\"feedback_rating\":true"
#define HE_TWO                                                                                     \
    "{\"request_id\":\"q2\",\"request_created_at\":\"2026-01-02T10:00:02Z\",\"delay_ms\":30,"      \
    "\"response_status\":429,\"provider\":\"OPENAI\",\"request_model\":\"gpt-4o\","                \
    "\"feedback_rating\":null}"

static void check_helicone(const char *ledger)
{
    place_is_one(ledger,
                 "prompt_tokens = 104 and completion_tokens = 9 and cached_input_tokens = 100 "
                 "and cost_nano_usd = 250000 and provider_name = 'anthropic' and model = "
                 "'claude-x-1' and feedback = 'positive' and end_user = 'bob' and ttft_ns = "
                 "200000000 and llm_request_ns = 1000000000 and s.run_id is not null");
    place_is_one(ledger,
                 "s.status = 'failed' and error_type = '429' and model = 'gpt-4o' and feedback "
                 "is null and s.run_id is null and llm_request_ns = 30000000");
}

static void test_helicone(void **state)
{
    (void)state;
    import_twice("he.db", "he.jsonl", 2, 0, HE_ONE "}\n" HE_TWO "\n");
    check_helicone("he.db");
    import_twice("heb.db", "heb.jsonl", 2, 0,
                 HE_ONE ",\"request_body\":{\"model\":\"claude-x\",\"api_key\":\"sk-no\","
                        "\"messages\":[{\"role\":\"user\",\"content\":\"q\"}]},"
                        "\"response_body\":{\"id\":\"msg_7\",\"type\":\"message\",\"role\":"
                        "\"assistant\",\"content\":[{\"type\":\"text\",\"text\":\"a\"}],"
                        "\"usage\":{\"input_tokens\":4,\"cache_read_input_tokens\":100,"
                        "\"output_tokens\":9}}}\n" HE_TWO "\n");
    check_helicone("heb.db");
    place_is_one("heb.db", "request_id = 'msg_7' and input_preview = 'q' and output_preview = 'a'");
    assert_int_equal(place_number("heb.db", "select count(*) from provider_traces where "
                                            "request_json like '%sk-no%'"),
                     0);
    assert_int_equal(place_number("heb.db", "select count(*) from provider_traces where "
                                            "request_json like '%claude-x%'"),
                     1);
}

static void test_helicone_csv(void **state)
{
    (void)state;
    import_twice(
        "hec.db", "he.csv", 2, 0,
        "request_id,request_created_at,response_created_at,delay_ms,time_to_first_token,"
        "response_status,provider,request_model,response_model,prompt_tokens,completion_tokens,"
        "prompt_cache_read_tokens,costUSD,request_user_id,request_properties,feedback_rating\n"
        "q1,2026-01-02T10:00:00Z,2026-01-02T10:00:01Z,1000,200,200,ANTHROPIC,claude-x,claude-x-1,4,"
        "9,100,0.00025,bob,\"{\"\"Helicone-Session-Id\"\":\"\"sess\"\"}\",true\n"
        "q2,2026-01-02T10:00:02Z,,30,,429,OPENAI,gpt-4o,,,,,,,,\n");
    check_helicone("hec.db");
}

/* ---- damage ---------------------------------------------------------------------------------------------- */

static void test_damage(void **state)
{
    (void)state;
    char told[1024];
    place_write("bad.jsonl", SW_STR(HE_ONE "}\n{\"request_id\":\"q3\",,}\n{\"request_created_at\":"
                                           "\"2026-01-02T10:00:00Z\",\"provider\":\"x\"}\n" HE_TWO
                                           "\n{\"request_id\":\"q4\",\"requ"));
    import_result r = place_import_told("bad.db", place_path("bad.jsonl"), told, sizeof told);
    assert_string_equal(told, "bad.jsonl:2: is no valid JSON\nbad.jsonl:3: has no id\n");
    assert_int_equal(r.bad_lines, 2);
    check_helicone("bad.db");
    place_write("bad.csv", SW_STR("request_id,request_created_at,provider\nq1,2026-01-02,OPENAI\n"
                                  "q2,2026-01-02\nq3,\"2026-01-02\",OPENAI\nq4,\"2026\n"));
    r = place_import_told("badc.db", place_path("bad.csv"), told, sizeof told);
    assert_int_equal(r.steps_new, 2);
    assert_int_equal(r.bad_lines, 2);
    assert_true(strncmp(told, "bad.csv:3: ", 11) == 0 && strstr(told, "bad.csv:5: "));
}

/* What some programs put before the first row costs nothing, and lines are those of the file. */
static void test_before_the_rows(void **state)
{
    (void)state;
    static const char *const files[] = {
        "\xef\xbb\xbf\n" HE_ONE "}\n" HE_TWO "\n{,}\n",
        "\xef\xbb\xbf\n[" HE_ONE "},\n" HE_TWO ",\n{,}]",
        ("\xef\xbb\xbf\nrequest_id,request_created_at,provider\nq1,2026-01-02,A\n"
         "q2,2026-01-02,B,\nq3,2026-01-02,A\n")};
    char told[1024];
    for (size_t i = 0; i < SW_COUNT(files); i++) {
        char name[16];
        snprintf(name, sizeof name, "before%zu", i);
        place_write(name, sw_str_from(files[i]));
        import_result r = place_import_told("before.db", place_path(name), told, sizeof told);
        assert_int_equal(r.steps_new, 2);
        assert_non_null(strstr(told, ":4: "));
        place_drop("before.db");
    }
}

/* A quote that nothing ends costs its own line, and not the file. */
static void test_endless_quote(void **state)
{
    (void)state;
    char told[1024];
    place_write("endless.csv", SW_STR("request_id,request_created_at,provider\nq1,2026-01-02,\"A\n"
                                      "q2,2026-01-02,OPENAI\nq3,2026-01-02,OPENAI\n"));
    import_result r = place_import_told("endless.db", place_path("endless.csv"), told, sizeof told);
    assert_int_equal(r.steps_new, 2);
    assert_int_equal(r.bad_lines, 1);
    assert_int_equal(r.lines, 3);
}

/* Dollars become whole nano-dollars, and what is none becomes nothing. */
static void test_money(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t nano;
    } cases[] = {{"0", 0},
                 {"1", 1000000000},
                 {"0.0000000014", 1},
                 {"0.0000000015", 2},
                 {"1.5e-7", 150},
                 {"2E+2", 200000000000},
                 {"0.1234567890123456789", 123456789},
                 {"", -1},
                 {"-1", -1},
                 {"x", -1},
                 {".", -1},
                 {"1e400", -1},
                 {"99999999999999999999", -1}};
    for (size_t i = 0; i < SW_COUNT(cases); i++) {
        sw_int got = scan_nano_usd(sw_str_from(cases[i].text));
        if (cases[i].nano < 0 ? got.known : !got.known || got.value != cases[i].nano) {
            fail_msg("%s is %lld", cases[i].text, (long long)got.value);
        }
    }
}

/* A run whose calls come in several files, or windows, lasts from the first to the last of them, whichever came first. */
static void a_run_in_pieces_is_one(void **state)
{
#define PIECE(ID, FROM, TO, MORE)                                                                  \
    "{\"id\":\"" ID "\",\"trace_id\":\"tr9\",\"type\":\"GENERATION\",\"start_time\":"              \
    "\"2026-01-02 10:00:" FROM "\",\"end_time\":\"2026-01-02 10:00:" TO                            \
    "\",\"provided_model_name\":\"m\"" MORE "}\n"
    static const char *const pieces[] = {PIECE("p1", "10", "12", ""),
                                         PIECE("p2", "00", "01", ",\"session_id\":\"s9\""),
                                         PIECE("p3", "30", "32.5", ",\"session_id\":\"s9\"")};
    static const int orders[][3] = {{0, 1, 2}, {0, 2, 1}, {1, 0, 2},
                                    {1, 2, 0}, {2, 0, 1}, {2, 1, 0}};
    char *first = NULL;
    (void)state;
    for (size_t i = 0; i < SW_COUNT(orders); i++) {
        char *dump = NULL;
        place_drop("pieces.db");
        for (size_t k = 0; k < SW_COUNT(pieces); k++) {
            place_write("piece.jsonl", sw_str_from(pieces[orders[i][k]]));
            (void)place_import_one("pieces.db", place_path("piece.jsonl"));
        }
        assert_int_equal(place_number("pieces.db", "select count(*) from runs"), 1);
        assert_int_equal(place_number("pieces.db", "select completed_at - created_at from runs"),
                         32500000);
        assert_int_equal(place_number("pieces.db", "select total_duration_ns from runs"),
                         INT64_C(32500000000));
        assert_int_equal(
            place_number("pieces.db", "select count(*) from runs where conversation_id is null"),
            0);
        place_verify("pieces.db");
        dump = place_dump("pieces.db");
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
        cmocka_unit_test(test_langfuse_lines),
        cmocka_unit_test(test_langfuse_list),
        cmocka_unit_test(test_langfuse_csv),
        cmocka_unit_test(test_phoenix),
        cmocka_unit_test(test_phoenix_csv),
        cmocka_unit_test(test_langsmith),
        cmocka_unit_test(test_helicone),
        cmocka_unit_test(test_helicone_csv),
        cmocka_unit_test(test_damage),
        cmocka_unit_test(test_endless_quote),
        cmocka_unit_test(test_before_the_rows),
        cmocka_unit_test(test_money),
        cmocka_unit_test(a_run_in_pieces_is_one),
    };
    return cmocka_run_group_tests_name("exports", tests, place_set_up, place_tear_down);
}
