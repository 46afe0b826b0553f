/* SPDX-License-Identifier: Apache-2.0 */
/* Shallow merging of JSON objects. Values are copied as they are written; nothing is built in memory
 * but the answer.
 */
#include "ledger/merge.h"

/* The members of an object: for each name its last value. */
typedef struct member {
    sw_str name;
    sw_str value;
    bool written;
} member;

typedef struct members {
    member *slots; /* open addressing */
    size_t size;
} members;

static member *slot_of(const members *m, sw_str name)
{
    size_t at = sw_hash(5, name.ptr, name.len) & (m->size - 1);

    while (m->slots[at].name.ptr && !sw_str_eq(m->slots[at].name, name)) {
        at = (at + 1) & (m->size - 1);
    }
    return &m->slots[at];
}

/* Calls for each member of the object; false: it is no object. */
typedef void each_member(void *arg, sw_str name, sw_str value);
static bool walk(sw_str object, sw_arena *arena, each_member *each, void *arg)
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
        each(arg, name, value);
    }
    return json.type == SW_JSON_OBJECT_END;
}

static void count_member(void *arg, sw_str name, sw_str value)
{
    (void)name;
    (void)value;
    ++*(size_t *)arg;
}

static void keep_member(void *arg, sw_str name, sw_str value)
{
    member *slot = slot_of(arg, name);

    slot->name = name;
    slot->value = value;
}

/* Twice over the object: to count, then to keep. False: it is no object, or there is no memory. */
static bool read_members(sw_str object, sw_arena *arena, members *m)
{
    size_t count = 0;

    if (!walk(object, arena, count_member, &count)) {
        return false;
    }
    for (m->size = 16; m->size < count * 2;) {
        m->size *= 2;
    }
    m->slots = sw_arena_zeroed(arena, m->size * sizeof *m->slots);
    return m->slots && walk(object, arena, keep_member, m);
}

/* What is there keeps its place and takes the new value; what is new follows in its own order. */
typedef struct merging {
    members fresh;
    sw_json_out json;
} merging;

static void write_fresh(merging *m, member *slot)
{
    if (!slot->written) {
        slot->written = true;
        sw_json_key(&m->json, slot->name);
        sw_json_raw(&m->json, slot->value);
    }
}

static void write_old(void *arg, sw_str name, sw_str value)
{
    merging *m = arg;
    member *slot = slot_of(&m->fresh, name);

    if (slot->name.ptr) {
        write_fresh(m, slot);
    } else {
        sw_json_key(&m->json, name);
        sw_json_raw(&m->json, value);
    }
}

static void write_new(void *arg, sw_str name, sw_str value)
{
    merging *m = arg;

    (void)value;
    write_fresh(m, slot_of(&m->fresh, name));
}

sw_status sw__json_merge(sw_str old, sw_str fresh, sw_arena *arena, const sw_allocator *from,
                         sw_str *out, sw_error *err)
{
    merging m = {.fresh = {.size = 0}};
    sw_buf buf;
    bool good = false;

    sw_buf_init(&buf, from, SW_LIMIT_JSON_BYTES);
    sw_json_out_init(&m.json, &buf, false);
    sw_json_open(&m.json, '{');
    good = read_members(fresh, arena, &m.fresh) && walk(old, arena, write_old, &m) &&
           walk(fresh, arena, write_new, &m);
    sw_json_close(&m.json, '}');
    *out = good && buf.status == SW_STATUS_OK ? sw_arena_str(arena, sw_buf_str(&buf)) : SW_NULL_STR;
    sw_buf_fini(&buf);
    if (!good && !arena->failed) {
        return sw_fail(err, SW_STATUS_INVALID, "metadata", "must be a JSON object");
    }
    return out->ptr ? SW_STATUS_OK : sw_no_memory(err);
}
