/* SPDX-License-Identifier: Apache-2.0 */
/* What Codex writes in its rollouts beyond the plain case: heads that repeat another thread, usage records, sums that
 * shrink, lines without a payload, first lines longer than what is looked at. Numbers are sums of what stands in the
 * lines by the rules of telemetry.md G.2. */
#include "tests/import/place.h"

#define AT(TIME) "{\"timestamp\":\"2026-02-23T12:" TIME "Z\","
#define EVENT(TIME, PAYLOAD) AT(TIME) "\"type\":\"event_msg\",\"payload\":{" PAYLOAD "}}\n"
#define ITEM(TIME, PAYLOAD) AT(TIME) "\"type\":\"response_item\",\"payload\":{" PAYLOAD "}}\n"
#define META(PAYLOAD) AT("00:00.000") "\"type\":\"session_meta\",\"payload\":{" PAYLOAD "}}\n"
#define COUNTS(IN, OUT)                                                                            \
    "{\"input_tokens\":" #IN ",\"cached_input_tokens\":0,\"output_tokens\":" #OUT                  \
    ",\"reasoning_output_tokens\":0}"
#define SUMS(TIME, IN, OUT)                                                                        \
    EVENT(TIME, "\"type\":\"token_count\",\"info\":{\"total_token_usage\":" COUNTS(IN, OUT) "}")

static import_result import_text(const char *name, const char *ledger, const char *text)
{
    place_write(name, sw_str_from(text));
    return place_import_one(ledger, place_path(name));
}

/* A thread of its own that repeats nothing: its first count is a call like any other. */
static void a_spawned_thread_counts_from_the_first(void **state)
{
    (void)state;
    (void)import_text("spawn/a.jsonl", "spawn.db",
                      META("\"id\":\"sp\",\"source\":{\"subagent\":{\"thread_spawn\":{}}}")
                          SUMS("00:05.000", 100, 10) SUMS("00:20.000", 300, 30));
    assert_int_equal(place_number("spawn.db", "select count(*) from steps"), 2);
    assert_int_equal(place_number("spawn.db", "select sum(total_tokens) from steps"), 330);
    (void)import_text("spawn/b.jsonl", "spawn1.db",
                      META("\"id\":\"sq\",\"source\":{\"subagent\":{\"thread_spawn\":{}}}")
                          SUMS("00:05.000", 100, 10));
    assert_int_equal(place_number("spawn1.db", "select sum(total_tokens) from steps"), 110);
}

/* What was said in the repeated part is not said by the first call behind it. */
static void what_a_fork_repeats_is_not_said_again(void **state)
{
    static const char said[] = "\"type\":\"message\",\"role\":\"assistant\",\"content\":[{\"type\":"
                               "\"output_text\",\"text\":\"%s\"}]";
    char old[256];
    char own[256];
    char text[4096];
    (void)state;
    snprintf(old, sizeof old, said, "old");
    snprintf(own, sizeof own, said, "own");
    snprintf(text, sizeof text,
             META("\"id\":\"f1\",\"forked_from_id\":\"f0\"") ITEM("00:01.100", "%s")
                 SUMS("00:01.200", 100, 10) ITEM("00:01.300", "%s") SUMS("00:01.400", 200, 20)
                     ITEM("00:30.000", "%s") SUMS("00:30.100", 250, 25),
             old, old, own);
    (void)import_text("said/f.jsonl", "said.db", text);
    assert_int_equal(place_number("said.db", "select sum(total_tokens) from steps"), 55);
    assert_int_equal(
        place_number("said.db", "select count(*) from steps where output_preview = 'own'"), 1);
    assert_int_equal(
        place_number("said.db", "select count(*) from messages where text like '%old%'"), 0);
}

/* Copied over the end of a second, a fork's head looks like calls of its own: where the origin is there as well, it is
 * known for what it is, whichever came first. */
static void what_a_family_repeats_is_one(void **state)
{
    static const char origin[] = META("\"id\":\"o1\"") SUMS("00:05.000", 100, 10)
        SUMS("00:15.000", 300, 30) SUMS("00:25.000", 400, 45);
    static const char fork[] =
        META("\"id\":\"o2\",\"forked_from_id\":\"o1\"") SUMS("10:00.900", 100, 10)
            SUMS("10:01.100", 300, 30) SUMS("10:30.000", 350, 36) SUMS("10:40.000", 400, 45);
    static const char *const orders[][2] = {{"a", "b"}, {"b", "a"}, {"", "a"}, {"b", ""}};
    (void)state;
    place_write("family/a.jsonl", sw_str_from(origin));
    place_write("family/b.jsonl", sw_str_from(fork));
    for (size_t i = 0; i < SW_COUNT(orders); i++) {
        place_drop("family.db");
        for (int n = 0; n < 2; n++) {
            char path[64];
            snprintf(path, sizeof path, *orders[i][n] ? "family/%s.jsonl" : "family", orders[i][n]);
            (void)place_import_one("family.db", place_path(path));
        }
        assert_int_equal(place_number("family.db", "select count(*) from steps where retired_into "
                                                   "is null"),
                         5);
        assert_int_equal(place_number("family.db", "select sum(total_tokens) from steps where "
                                                   "retired_into is null"),
                         445 + 56 + 59);
        place_verify("family.db");
    }
}

/* A spawned thread is a run of the one that was at work. */
static void a_spawned_thread_is_a_run_of_its_parents(void **state)
{
    (void)state;
    place_write("tree/a.jsonl", SW_STR(META("\"id\":\"w1\"") EVENT(
                                    "00:01.000", "\"type\":\"task_started\","
                                                 "\"turn_id\":\"n1\"") SUMS("00:05.000", 100, 10)));
    place_write("tree/b.jsonl",
                SW_STR(META("\"id\":\"w2\",\"session_id\":\"w1\",\"source\":{\"subagent\":{"
                            "\"thread_spawn\":{\"parent_thread_id\":\"w1\",\"agent_role\":"
                            "\"explorer\"}}}") SUMS("00:09.000", 7, 1)));
    (void)place_import_one("tree.db", place_path("tree"));
    assert_int_equal(place_number("tree.db", "select count(*) from runs r join runs p on "
                                             "r.parent_run_id = p.id join agents a on a.id = "
                                             "r.agent_id where a.name = 'explorer'"),
                     1);
}

/* Records without a response's id are told apart by the thread's sums, whatever the single usage; the counts that
 * follow tell the same once more, and the window still. */
static void records_are_calls(void **state)
{
    (void)state;
#define RECORD(TIME, USED, SUM)                                                                    \
    AT(TIME)                                                                                       \
    "\"type\":\"token_usage_record\",\"payload\":{\"thread_id\":\"r1\",\"usage\":" USED            \
    ",\"thread_token_usage\":" SUM "}}\n"
    (void)import_text(
        "records/a.jsonl", "records.db",
        META("\"id\":\"r1\"") RECORD("00:05.000", COUNTS(100, 10), COUNTS(100, 10))
            EVENT("00:05.100", "\"type\":\"token_count\",\"info\":{\"total_token_usage\":" COUNTS(
                                   100, 10) ",\"model_context_window\":258400}")
                RECORD("00:15.000", COUNTS(100, 10), COUNTS(200, 20))
                    RECORD("00:15.100", COUNTS(100, 10), COUNTS(200, 20)));
    assert_int_equal(place_number("records.db", "select count(*) from steps"), 2);
    assert_int_equal(place_number("records.db", "select sum(total_tokens) from steps"), 220);
    assert_int_equal(place_number("records.db", "select max(context_window_limit) from steps"),
                     258400);
}

/* Where the sum shrinks and nothing says what the last call used, nothing is known of it; what follows is counted from
 * there. Numbers that no count can be break nothing. */
static void sums_that_shrink(void **state)
{
    (void)state;
    (void)import_text("shrink/a.jsonl", "shrink.db",
                      META("\"id\":\"s1\"") SUMS("00:05.000", 1000, 100) SUMS("00:15.000", 300, 30)
                          SUMS("00:25.000", 400, 45)
                              SUMS("00:35.000", -9223372036854775808, 9223372036854775807)
                                  SUMS("00:45.000", 9223372036854775807, -9223372036854775808));
    assert_int_equal(place_number("shrink.db", "select sum(total_tokens) from steps where "
                                               "usage_state = 'reported'"),
                     1100 + 115);
    assert_int_equal(place_number("shrink.db", "select count(*) from steps where prompt_tokens < 0 "
                                               "or completion_tokens < 0"),
                     0);
}

/* Without a terminal Codex prints lines without a payload; names of the counts changed over time. */
static void lines_without_payload(void **state)
{
    static const char text[] =
        "{\"type\":\"thread.started\",\"thread_id\":\"b1\"}\n"
        "{\"type\":\"turn.started\"}\n"
        "{\"type\":\"item.completed\",\"item\":{\"type\":\"agent_message\",\"text\":\"x\"}}\n"
        "{\"type\":\"turn.completed\",\"usage\":{\"input_tokens\":1000,\"cached_input_tokens\":400,"
        "\"output_tokens\":20}}\n"
        "{\"type\":\"turn.completed\",\"usage\":{\"input_tokens\":1000,\"cached_input_tokens\":400,"
        "\"output_tokens\":20}}\n";
    static const char older[] =
        "{\"timestamp\":\"2025-06-01T08:00:00Z\",\"model\":\"codex-mini-latest\",\"usage\":{"
        "\"prompt_tokens\":50,\"cached_tokens\":5,\"completion_tokens\":7}}\n"
        "{\"created_at\":\"2025-06-01T08:00:09Z\",\"data\":{\"model\":\"o4-mini\",\"usage\":{"
        "\"prompt_tokens\":60,\"cached_tokens\":5,\"completion_tokens\":8}}}\n";
    import_result r;
    (void)state;
    r = import_text("bare/a.jsonl", "bare.db", text);
    assert_int_equal(r.bad_lines, 0);
    assert_int_equal(place_number("bare.db", "select count(*) from steps"), 2);
    assert_int_equal(place_number("bare.db", "select sum(prompt_tokens) from steps"), 2000);
    assert_int_equal(place_number("bare.db", "select sum(cached_input_tokens) from steps"), 800);
    assert_int_equal(place_number("bare.db", "select count(*) from steps where model is null"), 2);
    r = import_text("bare/b.jsonl", "bare.db", older);
    assert_int_equal(r.steps_new, 2);
    assert_int_equal(place_number("bare.db", "select total_tokens from steps where model = "
                                             "'codex-mini-latest'"),
                     57);
    assert_int_equal(place_number("bare.db", "select total_tokens from steps where model = "
                                             "'o4-mini'"),
                     68);
    r = place_import_one("bare.db", place_path("bare"));
    assert_int_equal(r.steps_new, 0);
}

/* The instructions in the first line may be longer than what is looked at to tell the format. */
static void a_long_first_line_is_understood(void **state)
{
    enum { LONG = 100000 };
    static char text[LONG + 4096];
    size_t len = (size_t)snprintf(text, sizeof text,
                                  AT("00:00.000") "\"type\":\"session_meta\",\"payload\":{"
                                                  "\"id\":\"long\",\"base_instructions\":\"");
    (void)state;
    memset(text + len, 'i', LONG);
    snprintf(text + len + LONG, sizeof text - len - LONG, "\"}}\n%s",
             SUMS("00:05.000", 100, 10) SUMS("00:20.000", 300, 30));
    (void)import_text("long/a.jsonl", "long.db", text);
    assert_int_equal(place_number("long.db", "select sum(total_tokens) from steps"), 330);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_spawned_thread_counts_from_the_first),
        cmocka_unit_test(what_a_fork_repeats_is_not_said_again),
        cmocka_unit_test(what_a_family_repeats_is_one),
        cmocka_unit_test(a_spawned_thread_is_a_run_of_its_parents),
        cmocka_unit_test(records_are_calls),
        cmocka_unit_test(sums_that_shrink),
        cmocka_unit_test(lines_without_payload),
        cmocka_unit_test(a_long_first_line_is_understood),
    };
    return cmocka_run_group_tests(tests, place_set_up, place_tear_down);
}
