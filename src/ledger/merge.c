/* SPDX-License-Identifier: Apache-2.0 */
/* Shallow merging of JSON objects. Values are copied as they are written; nothing is built in memory
 * but the answer.
 */
#include "ledger/merge.h"

static bool has_member(sw_str object, sw_str name, sw_arena *arena)
{
    sw_json json;

    sw_json_init(&json, object, arena);
    (void)sw_json_next(&json);
    while (sw_json_next(&json) == SW_JSON_KEY) {
        if (sw_str_eq(json.text, name)) {
            return true;
        }
        (void)sw_json_next(&json);
        if (!sw_json_skip(&json, NULL)) {
            return false;
        }
    }
    return false;
}

static bool copy_members(sw_str object, sw_str except, sw_arena *arena, sw_json_out *out)
{
    sw_json json;

    sw_json_init(&json, object, arena);
    if (sw_json_next(&json) != SW_JSON_OBJECT) {
        return false;
    }
    while (sw_json_next(&json) == SW_JSON_KEY) {
        sw_str name = json.text;
        sw_str value = SW_NULL_STR;
        (void)sw_json_next(&json);
        if (!sw_json_skip(&json, &value)) {
            return false;
        }
        if (!except.ptr || !has_member(except, name, arena)) {
            sw_json_key(out, name);
            sw_json_raw(out, value);
        }
    }
    return json.type == SW_JSON_OBJECT_END;
}

sw_status sw__json_merge(sw_str old, sw_str fresh, sw_arena *arena, const sw_allocator *from,
                         sw_str *out, sw_error *err)
{
    sw_json_out json;
    sw_buf buf;
    bool good = false;

    sw_buf_init(&buf, from, SW_LIMIT_JSON_BYTES);
    sw_json_out_init(&json, &buf, false);
    sw_json_open(&json, '{');
    good = copy_members(old, fresh, arena, &json) && copy_members(fresh, SW_NULL_STR, arena, &json);
    sw_json_close(&json, '}');
    *out = good && buf.status == SW_STATUS_OK ? sw_arena_str(arena, sw_buf_str(&buf)) : SW_NULL_STR;
    sw_buf_fini(&buf);
    if (!good) {
        return sw_fail(err, SW_STATUS_INVALID, "metadata", "must be a JSON object");
    }
    return out->ptr ? SW_STATUS_OK : sw_no_memory(err);
}
