/* SPDX-License-Identifier: Apache-2.0 */
/* The JSON reader on noise. It must end, agree with the validity check, and what it accepts must survive
 * minifying: the short form is valid, and minifying it again changes nothing.
 */
#include "base/base.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool reader_accepts(sw_str input)
{
    sw_arena arena;
    sw_json json;
    sw_arena_init(&arena, &sw__libc_allocator, 0);
    sw_json_init(&json, input, &arena);
    do {
        sw_json_next(&json);
        sw_assert(json.offset <= input.len);
    } while (json.type != SW_JSON_END && json.type != SW_JSON_ERROR);
    sw_arena_fini(&arena);
    sw_implies(json.type == SW_JSON_ERROR, json.error != NULL);
    return json.type == SW_JSON_END;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    sw_str input = sw_str_make((const char *)data, size);
    const char *why = NULL;
    size_t offset = 0;
    bool valid = sw_json_valid(input, &why, &offset);
    sw_assert(reader_accepts(input) == valid);
    if (valid) {
        sw_buf once;
        sw_buf twice;
        sw_buf_init(&once, &sw__libc_allocator, 0);
        sw_buf_init(&twice, &sw__libc_allocator, 0);
        sw_json_minify(input, &once);
        sw_assert(once.len <= size && sw_json_valid(sw_buf_str(&once), &why, &offset));
        sw_json_minify(sw_buf_str(&once), &twice);
        sw_assert(sw_str_eq(sw_buf_str(&once), sw_buf_str(&twice)));
        sw_buf_fini(&once);
        sw_buf_fini(&twice);
    }
    return 0;
}
