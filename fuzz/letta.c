/* SPDX-License-Identifier: Apache-2.0 */
/* The view of a message on noise. The first byte says how to look, the rest is the message's JSON. What
 * comes out must be JSON, and turning the order round must show the same, no more and no less.
 */
#include "codec/letta_message.h"
#include "codec/record.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static size_t look(const sw_message *row, const sw_letta_view *view, sw_arena *arena, size_t *bytes)
{
    size_t count = 0;
    sw_json_out out;
    sw_error err;
    sw_buf buf;
    sw_buf_init(&buf, &sw__libc_allocator, 0);
    sw_json_out_init(&out, &buf, false);
    sw_json_open(&out, '[');
    sw_assert(sw_letta_write(row, view, arena, &out, &count, &err) == SW_STATUS_OK);
    sw_json_close(&out, ']');
    sw_assert(sw_json_valid(sw_buf_str(&buf), NULL, NULL));
    *bytes = buf.len;
    sw_buf_fini(&buf);
    return count;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    sw_letta_view view = {.text_is_answer = size > 0 && data[0] & 1};
    sw_message row = {.id = SW_NULL_STR};
    size_t forward = 0;
    size_t backward = 0;
    sw_arena arena;
    sw_json json;
    sw_error err;
    if (size == 0) {
        return 0;
    }
    sw_arena_init(&arena, &sw__libc_allocator, 0);
    sw_json_init(&json, sw_str_make((const char *)data + 1, size - 1), &arena);
    if (sw_json_next(&json) == SW_JSON_OBJECT &&
        sw_record_read_json(SW_RECORD_MESSAGE, 0, &json, &arena, &row, NULL, "", &err) ==
            SW_STATUS_OK) {
        size_t count = look(&row, &view, &arena, &forward);
        view.reversed = true;
        sw_assert(look(&row, &view, &arena, &backward) == count && forward == backward);
    }
    sw_arena_fini(&arena);
    return 0;
}
