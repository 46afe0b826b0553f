/* SPDX-License-Identifier: Apache-2.0 */
/* The same content: a 16-byte digest (SipHash-2-4, 128 bits) of what was sent, by which a repeated call
 * is told from a different one (promise P3). It guards against accidents, and nobody but the sender could
 * be fooled by content made to collide; a cryptographic hash (BLAKE2b) cost four times as much.
 *
 * What is digested is a list of (field, value), each field by a hash of its name. A column that is added
 * to the model later therefore changes no digest of a row that does not use it, and neither does an
 * order.
 */
#include <sodium.h>

#include "ledger/internal.h"

_Static_assert(SW_DIGEST == crypto_shorthash_siphashx24_BYTES, "what the file keeps");

/* FNV-1a: what it gives is on disk, so it is written here and never changes. */
static uint32_t name_tag(const char *name)
{
    uint32_t tag = 2166136261U;

    for (; *name; name++) {
        tag = (tag ^ (uint8_t)*name) * 16777619U;
    }
    return tag;
}

/* Two fields of a record with one tag would let different content look the same. */
static void check_tags(const sw_record *record, const uint32_t *tags)
{
    for (size_t i = 0; i < record->field_count; i++) {
        for (size_t j = 0; j < i; j++) {
            sw_assert(tags[i] != tags[j]);
        }
    }
}

void sw__digest_tags(sw_ledger *ledger)
{
    for (size_t r = 0; r < SW_RECORD_COUNT; r++) {
        const sw_record *record = sw_record_of((sw_record_id)r);
        for (size_t i = 0; i < record->field_count; i++) {
            bool key = (record->fields[i].flags & (SW_PRIMARY | SW_KEY_PART)) != 0;
            ledger->tags[r][i] = name_tag(record->fields[i].name);
            ledger->key_fields[r] |= key ? SW_MASK(i) : 0;
        }
        check_tags(record, ledger->tags[r]);
    }
}

static char *put(char *at, const void *bytes, size_t len)
{
    memcpy(at, bytes, len);
    return at + len;
}

/* Of the fields of the mask, none of which is null. */
static size_t row_bytes(const sw_record *record, const void *row, uint64_t mask)
{
    size_t bytes = sizeof(uint32_t);

    for (; mask; mask &= mask - 1) {
        size_t i = (size_t)__builtin_ctzll(mask);
        bytes += 2 * sizeof(uint32_t);
        bytes += record->texts & SW_MASK(i) ? sw_field_text(&record->fields[i], row).len
                                            : sizeof(int64_t);
    }
    return bytes;
}

static char *put_field(char *at, uint32_t tag, const sw_field *field, const void *row)
{
    int64_t number = 0;
    sw_str value = sw_str_make((const char *)&number, sizeof number);
    uint32_t len = 0;

    if (sw_kind_is_text(field->kind)) {
        value = sw_field_text(field, row);
    } else {
        number = sw_field_number(field, row).value;
    }
    len = (uint32_t)value.len;
    at = put(at, &tag, sizeof tag);
    at = put(at, &len, sizeof len);
    return put(at, value.ptr, value.len);
}

/* Of the fields of the mask, none of which is null. */
static void add_fields(const sw_ledger *ledger, sw_buf *buf, sw_record_id id, const void *row,
                       uint64_t mask)
{
    const sw_record *record = sw_record_of(id);
    size_t bytes = row_bytes(record, row, mask);
    char *start = sw_buf_reserve(buf, bytes);
    uint32_t kind = name_tag(record->name);
    char *at = start;

    if (!start) {
        return; /* the buffer remembers; take() tells */
    }
    at = put(at, &kind, sizeof kind);
    for (; mask; mask &= mask - 1) {
        size_t i = (size_t)__builtin_ctzll(mask);
        at = put_field(at, ledger->tags[id][i], &record->fields[i], row);
    }
    sw_assert((size_t)(at - start) == bytes);
    buf->len += bytes;
}

static void add_row(const sw_ledger *ledger, sw_buf *buf, sw_record_id id, const void *row,
                    uint64_t except)
{
    add_fields(ledger, buf, id, row, sw_row_mask(sw_record_of(id), row) & ~except);
}

static sw_str take(sw_buf *buf, sw_arena *arena)
{
    static const unsigned char key[crypto_shorthash_siphashx24_KEYBYTES] = "stepwell digest";
    unsigned char hash[SW_DIGEST];
    sw_str out = SW_NULL_STR;

    if (buf->status == SW_STATUS_OK) {
        crypto_shorthash_siphashx24(hash, (const unsigned char *)buf->ptr, buf->len, key);
        out = sw_arena_str(arena, sw_str_make((const char *)hash, sizeof hash));
    }
    sw_buf_clear(buf);
    return out;
}

void sw__digest_row(sw_group *group, sw_record_id id, const void *row, uint64_t except)
{
    add_row(group->ledger, &group->digest, id, row, except);
}

sw_str sw__row_digest_with(const sw_ledger *ledger, sw_buf *buf, sw_arena *arena, sw_record_id id,
                           const void *row, uint64_t except)
{
    add_row(ledger, buf, id, row, except);
    return take(buf, arena);
}

void sw__digest_bytes(const void *bytes, size_t len, char out[SW_DIGEST])
{
    static const unsigned char key[crypto_shorthash_siphashx24_KEYBYTES] = "stepwell digest";

    crypto_shorthash_siphashx24((unsigned char *)out, (const unsigned char *)bytes, len, key);
}

sw_str sw__digest_take(sw_group *group)
{
    return take(&group->digest, &group->arena);
}

sw_str sw__entry_digest_with(const sw_ledger *ledger, sw_buf *buf, sw_arena *arena,
                             const sw_step *step, uint64_t given, const sw_step_entry *entry)
{
    add_fields(ledger, buf, SW_RECORD_STEP, step, given & ~SW_MASK(SW_STEP_ID));
    if (entry->metrics) {
        add_row(ledger, buf, SW_RECORD_STEP_METRICS, entry->metrics, 0);
    }
    for (size_t i = 0; i < entry->message_count; i++) {
        add_row(ledger, buf, SW_RECORD_MESSAGE, &entry->messages[i], 0);
    }
    for (size_t i = 0; i < entry->trace_count; i++) {
        add_row(ledger, buf, SW_RECORD_PROVIDER_TRACE, &entry->traces[i], 0);
    }
    return take(buf, arena);
}

sw_str sw__entry_digest(sw_group *group, const sw_step *step, uint64_t given,
                        const sw_step_entry *entry)
{
    return sw__entry_digest_with(group->ledger, &group->digest, &group->arena, step, given, entry);
}
