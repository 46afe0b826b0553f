/* SPDX-License-Identifier: Apache-2.0 */
/* Shallow merging of JSON objects. Values are copied as they are written; nothing is built in memory
 * but the answer.
 */
#include "ledger/merge.h"

/* The names of an object's members, to be asked for often. */
typedef struct members {
    sw_str *slots; /* open addressing */
    size_t size;
} members;

static bool has_member(const members *m, sw_str name)
{
    size_t at = m->size ? sw_hash(5, name.ptr, name.len) & (m->size - 1) : 0;

    while (m->size && m->slots[at].ptr) {
        if (sw_str_eq(m->slots[at], name)) {
            return true;
        }
        at = (at + 1) & (m->size - 1);
    }
    return false;
}

static void add_member(members *m, sw_str name)
{
    size_t at = sw_hash(5, name.ptr, name.len) & (m->size - 1);

    while (m->slots[at].ptr) {
        at = (at + 1) & (m->size - 1);
    }
    m->slots[at] = name;
}

/* Twice over the object: to count, then to keep. False: it is no object, or there is no memory. */
static bool read_members(sw_str object, sw_arena *arena, members *m)
{
    size_t count = 0;

    for (int round = 0; round < 2; round++) {
        sw_json json;
        sw_json_init(&json, object, arena);
        if (sw_json_next(&json) != SW_JSON_OBJECT) {
            return false;
        }
        while (sw_json_next(&json) == SW_JSON_KEY) {
            count++;
            if (round == 1) {
                add_member(m, json.text);
            }
            (void)sw_json_next(&json);
            if (!sw_json_skip(&json, NULL)) {
                return false;
            }
        }
        for (m->size = round == 0 ? 16 : m->size; m->size < count * 2 && round == 0;) {
            m->size *= 2;
        }
        if (round == 0) {
            m->slots = sw_arena_zeroed(arena, m->size * sizeof *m->slots);
        }
        if (!m->slots) {
            return false;
        }
    }
    return true;
}

static bool copy_members(sw_str object, const members *except, sw_arena *arena, sw_json_out *out)
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
        if (!has_member(except, name)) {
            sw_json_key(out, name);
            sw_json_raw(out, value);
        }
    }
    return json.type == SW_JSON_OBJECT_END;
}

sw_status sw__json_merge(sw_str old, sw_str fresh, sw_arena *arena, const sw_allocator *from,
                         sw_str *out, sw_error *err)
{
    members named = {.size = 0};
    const members none = {.size = 0};
    sw_json_out json;
    sw_buf buf;
    bool good = false;

    sw_buf_init(&buf, from, SW_LIMIT_JSON_BYTES);
    sw_json_out_init(&json, &buf, false);
    sw_json_open(&json, '{');
    good = read_members(fresh, arena, &named) && copy_members(old, &named, arena, &json) &&
           copy_members(fresh, &none, arena, &json);
    sw_json_close(&json, '}');
    *out = good && buf.status == SW_STATUS_OK ? sw_arena_str(arena, sw_buf_str(&buf)) : SW_NULL_STR;
    sw_buf_fini(&buf);
    if (!good) {
        return sw_fail(err, SW_STATUS_INVALID, "metadata", "must be a JSON object");
    }
    return out->ptr ? SW_STATUS_OK : sw_no_memory(err);
}
