/* SPDX-License-Identifier: Apache-2.0 */
/* Makes a row such as the model takes it. A sender may say anything: what is too long is cut, what cannot be
 * stored is left out, and the rest of the row is kept, because a strange name is no reason to lose a call.
 */
#include "ingest/trace_inside.h"
#include "model/model.h"

/* NUL bytes become the replacement character; what is no UTF-8 is none of otlp_read's texts. */
static sw_str without_nul(sw_str text, sw_arena *arena)
{
    static const char instead[] = "\xef\xbf\xbd";
    size_t nuls = 0;
    size_t len = 0;
    char *out = NULL;

    for (size_t i = 0; i < text.len; i++) {
        nuls += text.ptr[i] == '\0';
    }
    out = nuls > 0 ? sw_arena_alloc(arena, text.len + 2 * nuls + 1) : NULL;
    if (!out) {
        return nuls > 0 ? SW_NULL_STR : text;
    }
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] != '\0') {
            out[len++] = text.ptr[i];
        } else {
            memcpy(out + len, instead, 3);
            len += 3;
        }
    }
    return sw_str_make(out, len);
}

/* At most so many bytes, ending with a whole character. */
static sw_str cut(sw_str text, size_t bytes)
{
    size_t len = text.len < bytes ? text.len : bytes;

    while (len < text.len && len > 0 && ((unsigned char)text.ptr[len] & 0xc0) == 0x80) {
        len--;
    }
    return sw_str_make(text.ptr, len);
}

sw_str trace_fit_text(sw_str text, size_t bytes, sw_arena *arena)
{
    bool fits = !text.ptr || (text.len <= bytes && !memchr(text.ptr, 0, text.len));
    return fits ? text : cut(without_nul(text, arena), bytes);
}

static size_t most_bytes(const sw_field *field)
{
    switch (field->kind) {
    case SW_KIND_WORD:
        return SW_LIMIT_WORD_BYTES;
    case SW_KIND_ID:
        return SW_LIMIT_ID_BYTES;
    case SW_KIND_TEXT:
        return field->flags & SW_LONG_TEXT ? SW_LIMIT_JSON_BYTES : SW_LIMIT_TEXT_BYTES;
    default:
        return SIZE_MAX;
    }
}

/* True: it was changed. */
static bool fit_field(const sw_field *field, void *row, sw_arena *arena)
{
    bool text = sw_kind_is_text(field->kind);

    if (sw_field_is_null(field, row) || sw_field_check(field, row, "", NULL) == SW_STATUS_OK) {
        return false;
    }
    if (text && most_bytes(field) != SIZE_MAX) {
        sw_str *value = sw_field_str(field, row);
        *value = trace_fit_text(*value, most_bytes(field), arena);
    }
    if (sw_field_check(field, row, "", NULL) != SW_STATUS_OK) {
        sw_field_clear(field, row);
    }
    return true;
}

bool trace_fit(sw_record_id record, void *row, sw_arena *arena)
{
    const sw_record *r = sw_record_of(record);
    bool changed = false;

    for (uint64_t mask = sw_row_mask(r, row); mask; mask &= mask - 1) {
        changed |= fit_field(&r->fields[__builtin_ctzll(mask)], row, arena);
    }
    return changed;
}
