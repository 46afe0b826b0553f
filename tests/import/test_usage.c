/* SPDX-License-Identifier: Apache-2.0 */
/* What providers say of tokens, read into buckets: every usage object of the golden list, whose readings were made by
 * another program, must read as one of them; streams must read as the answer they stream. */
#include <jansson.h>

#include "codec/usage_shape.h"
#include "ingest/span.h"
#include "tests/import/place.h"

/* Buckets as the golden list names them. Those it has beyond these (images among cached tokens ...) have no bucket
 * here, and are part of one that has. */
typedef struct bucket {
    const char *name;
    int64_t value;
} bucket;

enum { BUCKETS = 14 };

static void buckets_of(const char *body, bucket out[BUCKETS])
{
    sw_arena arena;
    usage_reading r;
    span_usage u;
    sw_arena_init(&arena, &sw__libc_allocator, 0);
    usage_read(sw_str_from(body), &arena, &r);
    span_count(&r.counts, r.mode, false, &arena, &u);
    const usage_counts *c = &r.counts;
    const bucket all[BUCKETS] = {{"input_tokens", u.prompt.value},
                                 {"output_tokens", u.completion.value},
                                 {"cache_read_tokens", u.cached.value},
                                 {"cache_write_tokens", u.written.value},
                                 {"cache_write_5m_tokens", c->cache_write_5m.value},
                                 {"cache_write_1h_tokens", c->cache_write_1h.value},
                                 {"output_reasoning_tokens", u.reasoning.value},
                                 {"input_tool_tokens", c->tool_use.value},
                                 {"input_text_tokens", c->text_in.value},
                                 {"input_image_tokens", c->image_in.value},
                                 {"input_audio_tokens", c->audio_in.value},
                                 {"input_video_tokens", c->video_in.value},
                                 {"output_text_tokens", c->text_out.value},
                                 {"output_audio_tokens", c->audio_out.value}};
    memcpy(out, all, sizeof all);
    sw_arena_fini(&arena);
}

static bool same_as(const json_t *usage, const bucket got[BUCKETS], bucket *differs)
{
    for (int i = 0; i < BUCKETS; i++) {
        const json_t *count = json_object_get(usage, got[i].name);
        /* Text is what is left of the rest; the list names it only where Gemini does. */
        bool left = !count && strstr(got[i].name, "_text_");
        if (!left && json_integer_value(count) != got[i].value) {
            *differs = got[i];
            return false;
        }
    }
    return true;
}

static void test_golden(void **state)
{
    (void)state;
    const char *path = place_data("usage-golden/pydantic__genai-prices/usages.json");
    if (!path) {
        skip();
    }
    json_t *list = json_load_file(path, 0, NULL);
    size_t i = 0;
    size_t wrong = 0;
    json_t *record = NULL;
    assert_int_equal(json_array_size(list), 1087);
    json_array_foreach(list, i, record)
    {
        char *body = json_dumps(json_object_get(record, "body"), JSON_COMPACT);
        json_t *reading = NULL;
        size_t n = 0;
        bool found = false;
        bucket got[BUCKETS];
        bucket differs = {"", 0};
        buckets_of(body, got);
        json_array_foreach(json_object_get(record, "extracted"), n, reading)
        {
            found = found || same_as(json_object_get(reading, "usage"), got, &differs);
        }
        if (!found) {
            print_message("%s: %s is %lld\n", body, differs.name, (long long)differs.value);
            wrong++;
        }
        free(body);
    }
    json_decref(list);
    assert_int_equal(wrong, 0);
}

/* ---- streams ------------------------------------------------------------------------------------------- */

static usage_reading read_text(sw_arena *arena, const char *body)
{
    usage_reading r;
    usage_read(sw_str_from(body), arena, &r);
    return r;
}

static void is_text(sw_str text, const char *expected)
{
    assert_true(sw_str_eq(text, sw_str_from(expected)));
}

/* An answer of Anthropic's: what the last event says counts, what it leaves out stays. */
static void test_events(void **state)
{
    (void)state;
    sw_arena arena;
    sw_arena_init(&arena, &sw__libc_allocator, 0);
    usage_reading r = read_text(
        &arena,
        "event: message_start\r\n"
        "data: {\"type\":\"message_start\",\"message\":{\"id\":\"msg_1\",\"model\":\"claude-x\","
        "\"usage\":{\"input_tokens\":4,\"cache_read_input_tokens\":7,\"output_tokens\":1}}}\r\n\r\n"
        "event: ping\ndata: {broken\n\n"
        "event: message_delta\ndata: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":"
        "\"max_tokens\"},\"usage\":{\"output_tokens\":20}}\n\n");
    assert_true(r.streamed);
    assert_int_equal(r.events, 2);
    assert_int_equal(r.mode, USAGE_EXCLUSIVE);
    assert_int_equal(r.counts.input.value, 4);
    assert_int_equal(r.counts.cache_read.value, 7);
    assert_int_equal(r.counts.output.value, 20);
    is_text(r.id, "msg_1");
    is_text(r.model, "claude-x");
    is_text(r.finish, "max_tokens");
    sw_arena_fini(&arena);
}

/* Data over several lines, a list of parts, a line each, an error. */
static void test_ways(void **state)
{
    (void)state;
    sw_arena arena;
    sw_arena_init(&arena, &sw__libc_allocator, 0);
    usage_reading r = read_text(&arena, "data: {\"usage\":\ndata: {\"prompt_tokens\":3}}\n\n"
                                        "data: [DONE]\n\n");
    assert_int_equal(r.events, 1);
    assert_int_equal(r.counts.input.value, 3);
    r = read_text(&arena, "[{\"usageMetadata\":{\"promptTokenCount\":1}},\n"
                          "{\"usageMetadata\":{\"promptTokenCount\":2,\"thoughtsTokenCount\":5}}]");
    assert_int_equal(r.events, 2);
    assert_int_equal(r.counts.input.value, 2);
    assert_int_equal(r.mode, USAGE_INCLUSIVE_BESIDE);
    r = read_text(&arena,
                  "{\"done\":false}\n{\"done\":true,\"eval_count\":9,\"done_reason\":\"stop\"}\n");
    assert_int_equal(r.counts.output.value, 9);
    assert_false(r.counts.input.known);
    is_text(r.finish, "stop");
    r = read_text(&arena, "{\"error\":{\"type\":\"overloaded_error\",\"message\":\"later\"}}");
    assert_false(r.streamed);
    is_text(r.error, "overloaded_error");
    is_text(r.message, "later");
    r = read_text(&arena, "<html>no</html>");
    assert_int_equal(r.events, 0);
    assert_int_equal(r.shape, USAGE_SHAPE_NONE);
    sw_arena_fini(&arena);
}

/* Many lines of one event take room and time in proportion, whatever they hold. */
static void test_long_event(void **state)
{
    (void)state;
    enum { LINES = 50000, ROOM = 16 << 20 };
    static char body[LINES * 8 + 64];
    size_t len = 0;
    sw_arena arena;
    sw_arena_init(&arena, &sw__libc_allocator, ROOM);
    len += (size_t)snprintf(body, sizeof body, "data: {\"usage\":{\"prompt_tokens\":3}\n");
    for (int i = 0; i < LINES; i++) {
        memcpy(body + len, "data: \n", 7);
        len += 7;
    }
    memcpy(body + len, "data: }", 8);
    usage_reading r = read_text(&arena, body);
    assert_false(arena.failed);
    assert_int_equal(r.events, 1);
    assert_int_equal(r.counts.input.value, 3);
    sw_arena_fini(&arena);
}

/* A frame of Amazon's, made here: lengths, one header, the payload; sums are not looked at. */
static sw_str frame_of(char *to, const char *type, const char *payload)
{
    size_t headers = 1 + strlen(":event-type") + 3 + strlen(type);
    size_t total = 16 + headers + strlen(payload);
    memset(to, 0, total);
    to[2] = (char)(total >> 8);
    to[3] = (char)total;
    to[7] = (char)headers;
    to[12] = (char)strlen(":event-type");
    memcpy(to + 13, ":event-type", strlen(":event-type"));
    to[13 + strlen(":event-type")] = 7;
    to[15 + strlen(":event-type")] = (char)strlen(type);
    memcpy(to + 16 + strlen(":event-type"), type, strlen(type));
    memcpy(to + 12 + headers, payload, strlen(payload));
    return sw_str_make(to, total);
}

static void test_frames(void **state)
{
    (void)state;
    char bytes[1024];
    sw_arena arena;
    usage_reading r;
    sw_arena_init(&arena, &sw__libc_allocator, 0);
    sw_str one = frame_of(bytes, "metadata", "{\"usage\":{\"inputTokens\":5,\"outputTokens\":6}}");
    /* {"stopReason":"end_turn"} */
    sw_str two =
        frame_of(bytes + one.len, "chunk", "{\"bytes\":\"eyJzdG9wUmVhc29uIjoiZW5kX3R1cm4ifQ==\"}");
    usage_read(sw_str_make(bytes, one.len + two.len), &arena, &r);
    assert_int_equal(r.events, 2);
    assert_int_equal(r.counts.input.value, 5);
    assert_int_equal(r.counts.output.value, 6);
    is_text(r.finish, "end_turn");
    for (size_t len = 0; len < one.len + two.len; len++) { /* cut anywhere, it only says less */
        usage_read(sw_str_make(bytes, len), &arena, &r);
        assert_true(r.events < 2);
    }
    sw_arena_fini(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_golden), cmocka_unit_test(test_events),
        cmocka_unit_test(test_ways),   cmocka_unit_test(test_long_event),
        cmocka_unit_test(test_frames),
    };
    return cmocka_run_group_tests_name("usage", tests, NULL, NULL);
}
