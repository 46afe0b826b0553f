/* SPDX-License-Identifier: Apache-2.0 */
/* What happens when memory ends while a file of others is taken apart: every request fails once, and each time the
 * reader says so, leaves nothing behind, and when there is memory again makes the same of it. */
#include "ingest/import_inside.h"
#include "tests/import/place.h"
#include "tests/unit/short_memory.h"

/* One text of each family, with what asks for memory: escapes, streams, lists, tools, blocks. */
static const struct {
    import_format format;
    sw_status (*read)(import_work *work, import_format format, import_file *files, size_t count,
                      sw_error *err);
    size_t steps;
    const char *text;
} texts[] = {
    {IMPORT_FORMAT_PAIRS, import_read_exchange, 2,
     "{\"url\":\"https://api.openai.com/v1/chat/completions\",\"run\":\"r\",\"request\":{\"model\":\"gpt-4o\","
     "\"messages\":[{\"role\":\"user\",\"content\":\"a\\nb\"}]},\"response\":\"data: {\\\"choices\\\":[{"
     "\\\"delta\\\":{\\\"content\\\":\\\"c\\\",\\\"tool_calls\\\":[{\\\"index\\\":0,\\\"id\\\":\\\"t\\\","
     "\\\"function\\\":{\\\"name\\\":\\\"f\\\",\\\"arguments\\\":\\\"{}\\\"}}]}}]}\\n\\ndata: {\\\"usage\\\":"
     "\\ndata: {\\\"prompt_tokens\\\":3,\\\"completion_tokens\\\":1}}\\n\\n\"}\n"
     "{\"request\":{\"model\":\"m\"},\"error\":\"reset\"}\n"},
    {IMPORT_FORMAT_LANGFUSE, import_read_export, 1,
     "id,traceId,type,startTime,model,input,output,usageDetails,tags,metadata,scores\n"
     "a,t,GENERATION,2026-01-02T10:00:00Z,gpt-4o,\"[{\"\"role\"\":\"\"user\"\",\"\"content\"\":\"\"q\"\"}]\","
     "r,\"{\"\"input\"\":7,\"\"output\"\":2}\",\"[\"\"x\"\"]\",\"{\"\"a\"\":1}\",\"{\"\"helpful\"\":1}\"\n"},
    {IMPORT_FORMAT_OPENCODE, import_read_opencode, 1,
     "{\"id\":\"msg_1\",\"sessionID\":\"ses_1\",\"role\":\"assistant\",\"modelID\":\"m\\u0041\",\"providerID\":"
     "\"p\",\"time\":{\"created\":1767312000000},\"tokens\":{\"input\":1,\"output\":1}}"},
    {IMPORT_FORMAT_GEMINI, import_read_transcript, 1,
     "{\"sessionId\":\"s\",\"projectHash\":\"h\"}\n{\"id\":\"m\",\"type\":\"gemini\",\"timestamp\":"
     "\"2026-01-10T20:00:01Z\",\"content\":[{\"text\":\"\\u0041\"}],\"tokens\":{\"input\":1,\"output\":1},"
     "\"toolCalls\":[{\"id\":\"c\",\"name\":\"ls\",\"status\":\"success\",\"result\":[]}]}\n"
     "{\"$rewindTo\":\"m\"}\n"},
};

/* Reads it into a window that has nothing behind it; how many steps came of it. */
static sw_status read_text(size_t which, const sw_allocator *allocator, size_t *steps)
{
    static const import_options options;
    import_result result = {.files = 0};
    import_work work = {.options = &options,
                        .allocator = allocator,
                        .organization_id = sw_str_from(SW_DEFAULT_ORGANIZATION),
                        .result = &result};
    import_file file = {.path = "none", .bytes = sw_str_from(texts[which].text)};
    sw_error err;
    sw_status status = SW_STATUS_OK;

    file.size = (int64_t)file.bytes.len;
    sw_arena_init(&work.arena, allocator, 0);
    status = texts[which].read(&work, texts[which].format, &file, 1, &err);
    *steps = work.made.count;
    sw_arena_fini(&work.arena);
    return status;
}

/* `once`: there is memory again behind the request that fails, so that nothing else can tell of it. */
static void fail_every_request(size_t which, bool once)
{
    sw_status status = SW_STATUS_NO_MEMORY;
    size_t steps = 0;
    long failed = 0;
    short_memory memory = {.left = -1};

    for (; memory.left < 0; failed++) {
        short_memory_init(&memory, failed);
        memory.once = once;
        status = read_text(which, &memory.allocator, &steps);
        assert_int_equal(memory.blocks, 0);
        if (status != (memory.left < 0 ? SW_STATUS_NO_MEMORY : SW_STATUS_OK)) {
            fail_msg("text %zu: status %d when request %ld failed", which, status, failed);
        }
    }
    assert_true(failed > 5);
    assert_int_equal(steps, texts[which].steps);
}

static void every_request_may_fail(void **state)
{
    (void)state;
    for (size_t i = 0; i < SW_COUNT(texts); i++) {
        fail_every_request(i, false);
        fail_every_request(i, true);
    }
}

/* What was sent takes more than an upload may: whoever sent it is told that, and not that there is no memory. */
static void what_is_sent_has_a_ceiling(void **state)
{
    static const size_t most[] = {10 * 1024, 100 * 1024, 0};
    static const sw_status expected[] = {SW_STATUS_TOO_LARGE, SW_STATUS_OK, SW_STATUS_OK};
    const char *text = texts[0].text;
    (void)state;
    for (size_t i = 0; i < SW_COUNT(most); i++) {
        const import_options options = {.dry_run = true, .memory_bytes = most[i]};
        const import_seen seen = {.path = SW_STR("/a"), .bytes = (int64_t)strlen(text)};
        import_spool *spool = NULL;
        import_result result;
        sw_buf sent;
        sw_json_out out;
        sw_error err = {.status = SW_STATUS_OK};
        sw_buf_init(&sent, &sw__libc_allocator, 0);
        sw_json_out_init(&out, &sent, false);
        import_write_seen(&out, &seen, true);
        sw_buf_addc(&sent, '\n');
        sw_buf_adds(&sent, text);
        assert_int_equal(import_spool_new(&sw__libc_allocator, SW_STR("m"), &spool, &err),
                         SW_STATUS_OK);
        assert_int_equal(import_spool_take(spool, sw_buf_str(&sent), &err), SW_STATUS_OK);
        assert_int_equal(import_sent(NULL, NULL, &options, spool, &result, &err), expected[i]);
        assert_int_equal(result.steps_new, expected[i] == SW_STATUS_OK ? texts[0].steps : 0);
        import_spool_free(&spool);
        sw_buf_fini(&sent);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_request_may_fail),
        cmocka_unit_test(what_is_sent_has_a_ceiling),
    };
    return cmocka_run_group_tests(tests, place_set_up, place_tear_down);
}
