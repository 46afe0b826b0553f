/* SPDX-License-Identifier: Apache-2.0 */
/* What was said, on noise. The first byte says in which attribute the rest stands: as a text (JSON or not), or
 * flattened, a line an attribute ("0.message.role=user"). Whatever is made of it must be what the ledger takes,
 * and must not take much more memory than it was sent in.
 */
#include "ingest/talk.h"
#include "fuzz/messages.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { ATTRIBUTES_MOST = 64 };

static const struct {
    const char *key;
    bool flat;
} places[] = {
    {"gen_ai.input.messages", false},
    {"gen_ai.output.messages", false},
    {"gen_ai.system_instructions", false},
    {"gen_ai.tool.definitions", false},
    {"gen_ai.prompt", false},
    {"gen_ai.completion", false},
    {"ai.prompt.messages", false},
    {"ai.prompt", false},
    {"ai.response.text", false},
    {"ai.response.toolCalls", false},
    {"ai.response.files", false},
    {"ai.response.reasoning", false},
    {"ai.prompt.tools", false},
    {"events", false},
    {"input.value", false},
    {"output.value", false},
    {"llm.invocation_parameters", false},
    {"llm.input_messages", false},
    {"llm.input_messages", true},
    {"gen_ai.prompt", true},
    {"llm.tools", true},
    {"gen_ai.completion", true},
};

static void check_json(sw_str json, char first)
{
    if (json.ptr) {
        sw_assert(json.len <= SW_LIMIT_JSON_BYTES && json.ptr[0] == first);
        sw_assert(sw_json_valid(json, NULL, NULL));
    }
}

/* "path=text" a line. */
static size_t flatten(sw_str noise, const char *prefix, sw_arena *arena, otlp_attribute *out)
{
    size_t count = 0;
    while (noise.len > 0 && count < ATTRIBUTES_MOST) {
        const char *line = memchr(noise.ptr, '\n', noise.len);
        size_t len = line ? (size_t)(line - noise.ptr) : noise.len;
        const char *equals = memchr(noise.ptr, '=', len);
        size_t name = equals ? (size_t)(equals - noise.ptr) : len;
        size_t from = name < len ? name + 1 : len;
        out[count].key = sw_arena_printf(arena, "%s.%.*s", prefix, (int)name, noise.ptr);
        out[count].value =
            (otlp_value){.kind = OTLP_STRING, .text = sw_str_make(noise.ptr + from, len - from)};
        count++;
        len = len < noise.len ? len + 1 : len;
        noise = sw_str_make(noise.ptr + len, noise.len - len);
    }
    return count;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    otlp_attribute attributes[ATTRIBUTES_MOST];
    otlp_span span = {.start_ns = 1};
    span_facts facts = {.span = &span, .model = SW_STR("m")};
    sw_str noise = sw_str_make((const char *)data + 1, size ? size - 1 : 0);
    size_t place = size ? data[0] % SW_COUNT(places) : 0;
    sw_error err = {.status = SW_STATUS_OK};
    span_talk said;
    sw_arena arena;
    /* The codec shows no other text. */
    if (size == 0 || !sw_utf8_valid(noise) || memchr(noise.ptr, 0, noise.len)) {
        return 0;
    }
    sw_arena_init(&arena, &sw__libc_allocator, 0);
    span.attributes.items = attributes;
    span.attributes.count = 1;
    attributes[0].key = sw_str_from(places[place].key);
    attributes[0].value = (otlp_value){.kind = OTLP_STRING, .text = noise};
    if (places[place].flat) {
        span.attributes.count = flatten(noise, places[place].key, &arena, attributes);
    }
    sw_assert(span_read_talk(&facts, &arena, &said, &err) == SW_STATUS_OK);
    check_messages(said.input, said.input_count);
    check_messages(said.output, said.output_count);
    check_json(said.tools, '[');
    check_json(said.request_json, '{');
    check_json(said.response_json, '{');
    sw_assert(arena.used <= 65536 + 1000 * size);
    sw_arena_fini(&arena);
    return 0;
}
