/* SPDX-License-Identifier: Apache-2.0 */
/* Checks values against the model: what each kind may hold, and within which limit. Every step
 * passes through here on its way to the store, so the common case (short ASCII text) is decided
 * eight bytes at a time and words are only spent on a refusal.
 *
 * The shape of an id is enforced where it is the record's own and where it refers to a record by a
 * foreign key. Other ids are free text: records taken over from V1 hold all sorts of things there.
 */
#include <stdio.h>

#include "model/model.h"
#include "model/private.h"

/* 0001-01-01T00:00:00Z and 9999-12-31T23:59:59.999999Z. */
#define TIME_MIN INT64_C(-62135596800000000)
#define TIME_MAX INT64_C(253402300799999999)

/* What a check needs besides the value, to say what is wrong with it. */
typedef struct place {
    const sw_field *field;
    const char *path;
    sw_error *err;
} place;

/* `why` reads as the rest of a sentence that begins with the field's name. */
static sw_status refuse(const place *at, sw_status status, const char *why)
{
    char name[sizeof at->err->field];
    snprintf(name, sizeof name, "%s%s", at->path, at->field->name);
    return sw_fail(at->err, status, name, "%s", why);
}

static sw_status refuse_limit(const place *at, size_t limit, const char *unit)
{
    char why[64];
    snprintf(why, sizeof why, "is longer than %zu %s", limit, unit);
    return refuse(at, SW_STATUS_TOO_LARGE, why);
}

/* ---- text ------------------------------------------------------------------------------------ */

/* No byte of the word is NUL or above 0x7F. Subtracting 1 from each byte sets its high bit when it
 * was 0, and every byte that had it set already is refused as well.
 */
static bool word_is_plain(uint64_t word)
{
    return (((word - UINT64_C(0x0101010101010101)) | word) & UINT64_C(0x8080808080808080)) == 0;
}

/* Short texts byte by byte; others by words, the last of which may overlap the one before. */
static bool is_plain(sw_str text)
{
    uint64_t word = 0;
    if (text.len < sizeof word) {
        for (size_t i = 0; i < text.len; i++) {
            if ((signed char)text.ptr[i] <= 0) {
                return false;
            }
        }
        return true;
    }
    for (size_t i = 0; i < text.len - sizeof word; i += sizeof word) {
        memcpy(&word, text.ptr + i, sizeof word);
        if (!word_is_plain(word)) {
            return false;
        }
    }
    memcpy(&word, text.ptr + text.len - sizeof word, sizeof word);
    return word_is_plain(word);
}

static sw_status check_chars(const place *at, sw_str text)
{
    if (is_plain(text)) {
        return SW_STATUS_OK;
    }
    if (memchr(text.ptr, 0, text.len)) {
        return refuse(at, SW_STATUS_INVALID, "holds a NUL character");
    }
    if (!sw_utf8_valid(text)) {
        return refuse(at, SW_STATUS_INVALID, "is not valid UTF-8");
    }
    return SW_STATUS_OK;
}

static sw_status check_plain(const place *at, sw_str text, size_t limit)
{
    return text.len > limit ? refuse_limit(at, limit, "bytes") : check_chars(at, text);
}

static sw_status check_text(const place *at, sw_str text)
{
    uint32_t flags = at->field->flags;
    size_t limit = flags & SW_LONG_TEXT ? SW_LIMIT_JSON_BYTES : SW_LIMIT_TEXT_BYTES;
    sw_status status = check_plain(at, text, limit);
    if (status == SW_STATUS_OK && flags & SW_PREVIEW && text.len > SW_LIMIT_PREVIEW_CHARS &&
        sw_utf8_count(text) > SW_LIMIT_PREVIEW_CHARS) {
        return refuse_limit(at, SW_LIMIT_PREVIEW_CHARS, "characters");
    }
    return status;
}

/* ---- identifiers ----------------------------------------------------------------------------- */

static sw_status refuse_id(const place *at, sw_str id)
{
    char why[sizeof at->err->message];
    int shown = (int)sw_utf8_prefix(id, SW_LIMIT_ID_BYTES / 2);
    snprintf(why, sizeof why, "Invalid %s ID format: %.*s. Expected format: '%s-<uuid4>'",
             at->field->prefix, shown, id.ptr, at->field->prefix);
    return refuse(at, SW_STATUS_INVALID_ID, why);
}

static sw_status check_id(const place *at, sw_str id)
{
    const sw_field *field = at->field;
    sw_status status = SW_STATUS_OK;
    if (!(field->flags & SW_PRIMARY) && !field->ref.record_plus_1) {
        return check_plain(at, id, SW_LIMIT_ID_BYTES);
    }
    if (sw_id_valid(id, sw_str_from(field->prefix)) ||
        (field->prefix2 && sw_id_valid(id, sw_str_from(field->prefix2)))) {
        return SW_STATUS_OK;
    }
    status = check_plain(at, id, SW_LIMIT_ID_BYTES);
    return status == SW_STATUS_OK ? refuse_id(at, id) : status;
}

static sw_status check_hex(const place *at, sw_str text)
{
    uint8_t bytes[16];
    if (sw_hex_parse(text, bytes, sizeof bytes)) {
        return SW_STATUS_OK;
    }
    return refuse(at, SW_STATUS_INVALID, "is not 32 lower-case hexadecimal digits");
}

/* ---- JSON ------------------------------------------------------------------------------------ */

static sw_status check_syntax(const place *at, sw_str text)
{
    const char *why = NULL;
    size_t offset = 0;
    char message[160];
    if (text.len > SW_LIMIT_JSON_BYTES) {
        return refuse_limit(at, SW_LIMIT_JSON_BYTES, "bytes");
    }
    if (sw_json_valid(text, &why, &offset)) {
        return SW_STATUS_OK;
    }
    snprintf(message, sizeof message, "is not valid JSON: %s at byte %zu", why ? why : "wrong",
             offset);
    return refuse(at, SW_STATUS_INVALID, message);
}

/* The first character of a valid value tells its type. */
static char json_first(sw_str text)
{
    size_t i = 0;
    while (i < text.len && memchr(" \t\r\n", text.ptr[i], 4)) {
        i++;
    }
    return i < text.len ? text.ptr[i] : 0;
}

static sw_status check_json(const place *at, sw_str text)
{
    bool array = (at->field->flags & SW_ARRAY) != 0;
    sw_status status = check_syntax(at, text);
    if (status == SW_STATUS_OK && json_first(text) != (array ? '[' : '{')) {
        return refuse(at, SW_STATUS_INVALID,
                      array ? "is not a JSON array" : "is not a JSON object");
    }
    return status;
}

static sw_status check_tags(const place *at, sw_str text)
{
    const char *why = NULL;
    sw_status status = SW_STATUS_OK;
    if (sw_str_eq(text, SW_STR("[]"))) {
        return SW_STATUS_OK;
    }
    status = check_syntax(at, text);
    why = status == SW_STATUS_OK ? sw__tags_check(text) : NULL;
    return why ? refuse(at, SW_STATUS_INVALID, why) : status;
}

/* ---- numbers --------------------------------------------------------------------------------- */

static sw_status check_range(const place *at, int64_t value, int64_t low, int64_t high)
{
    char why[96];
    if (value >= low && value <= high) {
        return SW_STATUS_OK;
    }
    snprintf(why, sizeof why, "is not between %lld and %lld", (long long)low, (long long)high);
    return refuse(at, SW_STATUS_INVALID, why);
}

static sw_status check_number(const place *at, int64_t value)
{
    switch (at->field->kind) {
    case SW_KIND_ENUM:
        return sw_enum_word(at->field->words, value)
                   ? SW_STATUS_OK
                   : refuse(at, SW_STATUS_INVALID, "is not a value of its list");
    case SW_KIND_BOOL:
        return check_range(at, value, 0, 1);
    case SW_KIND_INT:
        return check_range(at, value, 0, SW_LIMIT_TOKENS);
    case SW_KIND_LONG:
        return SW_STATUS_OK;
    case SW_KIND_TIME:
        return value >= TIME_MIN && value <= TIME_MAX
                   ? SW_STATUS_OK
                   : refuse(at, SW_STATUS_INVALID, "is not between the years 1 and 9999");
    case SW_KIND_ID:
    case SW_KIND_HEX:
    case SW_KIND_TEXT:
    case SW_KIND_WORD:
    case SW_KIND_JSON:
    case SW_KIND_TAGS:
    case SW_KIND_BYTES:
    case SW_KIND_COUNT:
        break;
    }
    SW_IMPOSSIBLE("a number of a kind held as text");
}

static sw_status check_string(const place *at, sw_str text)
{
    switch (at->field->kind) {
    case SW_KIND_ID:
        return check_id(at, text);
    case SW_KIND_HEX:
        return check_hex(at, text);
    case SW_KIND_WORD:
        return check_plain(at, text, SW_LIMIT_WORD_BYTES);
    case SW_KIND_TEXT:
        return check_text(at, text);
    case SW_KIND_JSON:
        return check_json(at, text);
    case SW_KIND_TAGS:
        return check_tags(at, text);
    case SW_KIND_BYTES:
        return text.len <= SW_LIMIT_JSON_BYTES ? SW_STATUS_OK
                                               : refuse_limit(at, SW_LIMIT_JSON_BYTES, "bytes");
    case SW_KIND_ENUM:
    case SW_KIND_BOOL:
    case SW_KIND_INT:
    case SW_KIND_LONG:
    case SW_KIND_TIME:
    case SW_KIND_COUNT:
        break;
    }
    SW_IMPOSSIBLE("a text of a kind held as number");
}

/* ---- the walk -------------------------------------------------------------------------------- */

static sw_status check_null(const place *at)
{
    return at->field->flags & SW_NOT_NULL ? refuse(at, SW_STATUS_INVALID, "is required")
                                          : SW_STATUS_OK;
}

static inline sw_status check_field(const place *at, const void *row)
{
    if (sw_kind_is_text(at->field->kind)) {
        sw_str text = sw_field_text(at->field, row);
        return text.ptr ? check_string(at, text) : check_null(at);
    }
    sw_int number = sw_field_number(at->field, row);
    return number.known ? check_number(at, number.value) : check_null(at);
}

sw_status sw_field_check(const sw_field *field, const void *row, const char *path, sw_error *err)
{
    place at = {field, path, err};
    return check_field(&at, row);
}

sw_status sw_row_check(const sw_record *record, const void *row, const char *path, sw_error *err)
{
    place at = {record->fields, path, err};
    for (const sw_field *end = at.field + record->field_count; at.field < end; at.field++) {
        sw_status status = check_field(&at, row);
        if (status != SW_STATUS_OK) {
            return status;
        }
    }
    return SW_STATUS_OK;
}
