/* SPDX-License-Identifier: Apache-2.0 */
/* OTLP's JSON below its messages: tokens, numbers, ids, values, attributes. Knows no message.
 *
 * Here is what senders may do differently: names in camelCase or snake_case, numbers as text, ids in
 * hexadecimal or base64, null for what is absent. A list or map among the values becomes protobuf in
 * the arena at once, so that nobody else needs to know this wire.
 */
#include "codec/otlp_json.h"

/* ---- tokens --------------------------------------------------------------------------------------- */

static bool bad_json(otlp_in *in)
{
    return in->arena->failed ? otlp__no_memory(in) : otlp__bad(in, in->json.offset, in->json.error);
}

bool otlp__json_wrong(otlp_in *in, const char *what)
{
    char why[160];
    sw_str name = {in->key.ptr, sw_utf8_prefix(in->key, 64)};
    (void)snprintf(why, sizeof why, "%.*s%s%s", (int)name.len, name.ptr, name.len > 0 ? " " : "",
                   what);
    return otlp__bad(in, in->json.offset, why);
}

bool otlp__json_next(otlp_in *in)
{
    return sw_json_next(&in->json) != SW_JSON_ERROR || bad_json(in);
}

bool otlp__json_skip(otlp_in *in)
{
    return sw_json_skip(&in->json, NULL) || bad_json(in);
}

bool otlp__json_is(const otlp_in *in, const char *camel)
{
    const char *at = in->key.ptr;
    const char *end = at + in->key.len;
    for (; *camel; camel++) {
        bool capital = *camel >= 'A' && *camel <= 'Z';
        if (at != end && *at == *camel) {
            at++;
        } else if (capital && end - at >= 2 && at[0] == '_' && at[1] == *camel + ('a' - 'A')) {
            at += 2;
        } else {
            return false;
        }
    }
    return at == end;
}

bool otlp__json_members(otlp_in *in, otlp__member *read, void *row)
{
    sw_str outer = in->key;
    if (in->json.type != SW_JSON_OBJECT) {
        return otlp__json_wrong(in, "is not an object");
    }
    while (otlp__json_next(in) && in->json.type == SW_JSON_KEY) {
        in->key = in->json.text;
        if (!otlp__json_next(in) || (in->json.type != SW_JSON_NULL && !read(in, row))) {
            return false;
        }
    }
    in->key = outer;
    return in->status == SW_STATUS_OK;
}

bool otlp__json_items(otlp_in *in, otlp__member *read, void *row, bool nulls)
{
    if (in->json.type != SW_JSON_ARRAY) {
        return otlp__json_wrong(in, "is not an array");
    }
    while (otlp__json_next(in) && in->json.type != SW_JSON_ARRAY_END) {
        if ((nulls || in->json.type != SW_JSON_NULL) && !read(in, row)) {
            return false;
        }
    }
    return in->status == SW_STATUS_OK;
}

/* ---- plain members -------------------------------------------------------------------------------- */

bool otlp__json_text(otlp_in *in, sw_str *out)
{
    if (in->json.type != SW_JSON_STRING) {
        return otlp__json_wrong(in, "is not a string");
    }
    *out = in->json.text;
    return true;
}

bool otlp__json_whole(otlp_in *in, bool *negative, uint64_t *size)
{
    bool number = in->json.type == SW_JSON_NUMBER || in->json.type == SW_JSON_STRING;
    return (number && otlp__whole(in->json.text, negative, size)) ||
           otlp__json_wrong(in, "is not a whole number");
}

bool otlp__json_small(otlp_in *in, uint32_t *out)
{
    bool negative = false;
    uint64_t size = 0;
    if (!otlp__json_whole(in, &negative, &size)) {
        return false;
    }
    *out = negative ? 0 : size > UINT32_MAX ? UINT32_MAX : (uint32_t)size;
    return true;
}

/* ---- ids and bytes -------------------------------------------------------------------------------- */

static int base64_digit(char c)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const char *at = c == '-' ? digits + 62 : c == '_' ? digits + 63 : strchr(digits, c);
    return c != '\0' && at ? (int)(at - digits) : -1;
}

bool otlp__base64(sw_str text, uint8_t *out, size_t *len)
{
    uint32_t bits = 0;
    unsigned held = 0;
    size_t end = text.len;
    *len = 0;
    for (unsigned i = 0; i < 2 && end > 0 && text.len % 4 == 0 && text.ptr[end - 1] == '='; i++) {
        end--;
    }
    for (size_t i = 0; i < end; i++) {
        int digit = base64_digit(text.ptr[i]);
        if (digit < 0) {
            return false;
        }
        bits = bits << 6 | (uint32_t)digit;
        held += 6;
        if (held >= 8) {
            held -= 8;
            out[(*len)++] = (uint8_t)(bits >> held);
        }
    }
    return end % 4 != 1;
}

static bool read_hex(sw_str text, uint8_t *out, size_t size)
{
    bool sound = text.len == 2 * size;
    for (size_t i = 0; sound && i < size; i++) {
        uint8_t high = sw__hex[(unsigned char)text.ptr[2 * i]];
        uint8_t low = sw__hex[(unsigned char)text.ptr[2 * i + 1]];
        sound = (high & SW_IS_HEX) && (low & SW_IS_HEX);
        out[i] = (uint8_t)((high & 0xf) << 4 | (low & 0xf));
    }
    return sound;
}

bool otlp__json_id(otlp_in *in, uint8_t *out, size_t size)
{
    uint8_t bytes[OTLP_TRACE_ID + 3];
    size_t len = 0;
    sw_str text = SW_NULL_STR;
    if (!otlp__json_text(in, &text)) {
        return false;
    }
    memset(out, 0, size);
    if (text.len == 2 * size) {
        if (read_hex(text, bytes, size)) {
            memcpy(out, bytes, size);
        }
    } else if (text.len <= 4 * ((size + 2) / 3) && otlp__base64(text, bytes, &len) && len == size) {
        memcpy(out, bytes, size);
    }
    return true;
}

static bool read_bytes(otlp_in *in, otlp_value *out)
{
    sw_str text = SW_NULL_STR;
    uint8_t *bytes = NULL;
    size_t len = 0;
    if (!otlp__json_text(in, &text)) {
        return false;
    }
    bytes = sw_arena_alloc(in->arena, text.len + 3);
    if (!bytes) {
        return otlp__no_memory(in);
    }
    if (!otlp__base64(text, bytes, &len)) {
        return otlp__json_wrong(in, "is not base64");
    }
    *out = (otlp_value){.kind = OTLP_BYTES, .text = {(const char *)bytes, len}};
    return true;
}

/* ---- values --------------------------------------------------------------------------------------- */

/* A number that no 64 bits hold was a floating one when it was sent: scripts know no other kind. */
static bool read_int(otlp_in *in, otlp_value *out)
{
    bool negative = false;
    uint64_t size = 0;
    bool number = in->json.type == SW_JSON_NUMBER || in->json.type == SW_JSON_STRING;
    double real = 0;
    if (number && otlp__whole(in->json.text, &negative, &size) &&
        size <= (uint64_t)INT64_MAX + negative) {
        *out = (otlp_value){.kind = OTLP_INT};
        out->as.integer = negative ? (int64_t)(0 - size) : (int64_t)size;
        return true;
    }
    if (!number || !otlp__real(in->json.text, &real)) {
        return otlp__json_wrong(in, "is not a number");
    }
    *out = (otlp_value){.kind = OTLP_DOUBLE, .as.real = real};
    return true;
}

static bool read_double(otlp_in *in, otlp_value *out)
{
    bool number = in->json.type == SW_JSON_NUMBER || in->json.type == SW_JSON_STRING;
    double real = 0;
    if (!number || !otlp__real(in->json.text, &real)) {
        return otlp__json_wrong(in, "is not a number");
    }
    *out = (otlp_value){.kind = OTLP_DOUBLE, .as.real = real};
    return true;
}

static bool read_bool(otlp_in *in, otlp_value *out)
{
    bool yes = in->json.type == SW_JSON_TRUE;
    *out = (otlp_value){.kind = OTLP_BOOL, .as.boolean = yes};
    return yes || in->json.type == SW_JSON_FALSE ||
           otlp__json_wrong(in, "is neither true nor false");
}

static bool read_string(otlp_in *in, otlp_value *out)
{
    *out = (otlp_value){.kind = OTLP_STRING};
    return otlp__json_text(in, &out->text);
}

/* The members of an AnyValue that hold no others. True in *known when this is one of them. */
static bool read_scalar(otlp_in *in, otlp_value *out, bool *known)
{
    static const struct {
        const char *name;
        bool (*read)(otlp_in *in, otlp_value *out);
    } rows[] = {
        {"stringValue", read_string}, {"intValue", read_int},     {"boolValue", read_bool},
        {"doubleValue", read_double}, {"bytesValue", read_bytes},
    };
    *known = true;
    for (size_t i = 0; i < SW_COUNT(rows); i++) {
        if (otlp__json_is(in, rows[i].name)) {
            return rows[i].read(in, out);
        }
    }
    *known = false;
    return true;
}

/* An AnyValue below another one, on its way into in->nested. */
typedef struct nested_value {
    unsigned depth;
    size_t start; /* of its bytes */
} nested_value;

static otlp__member nest_list;
static otlp__member nest_map;

/* Of two members the last counts, so each begins where the first one did. */
static bool nest_member(otlp_in *in, void *row)
{
    nested_value *value = row;
    otlp_value scalar = {.kind = OTLP_NULL};
    bool known = false;
    bool list = otlp__json_is(in, "arrayValue");
    if (list || otlp__json_is(in, "kvlistValue")) {
        nested_value below = {.depth = value->depth + 1};
        size_t begin = 0;
        in->nested.len = value->start;
        begin = pb_begin(&in->nested, list ? ANY_ARRAY : ANY_MAP);
        if (below.depth > OTLP_DEPTH) {
            return otlp__json_wrong(in, "nests deeper than 64 levels");
        }
        if (!otlp__json_members(in, list ? nest_list : nest_map, &below)) {
            return false;
        }
        pb_end(&in->nested, begin);
        return true;
    }
    if (!read_scalar(in, &scalar, &known)) {
        return false;
    }
    if (known) {
        in->nested.len = value->start;
        otlp__put_value(&in->nested, &scalar);
    }
    return known || otlp__json_skip(in);
}

/* An item of a list: `row` is that of the list. */
static bool nest_item(otlp_in *in, void *row)
{
    nested_value value = {.depth = ((nested_value *)row)->depth};
    value.start = pb_begin(&in->nested, LIST_VALUES);
    if (in->json.type != SW_JSON_NULL && !otlp__json_members(in, nest_member, &value)) {
        return false;
    }
    pb_end(&in->nested, value.start);
    return true;
}

static bool nest_list(otlp_in *in, void *row)
{
    return otlp__json_is(in, "values") ? otlp__json_items(in, nest_item, row, true)
                                       : otlp__json_skip(in);
}

static bool nest_pair_member(otlp_in *in, void *row)
{
    nested_value value = {.depth = ((nested_value *)row)->depth};
    if (otlp__json_is(in, "key")) {
        sw_str key = SW_NULL_STR;
        if (!otlp__json_text(in, &key)) {
            return false;
        }
        pb_put_set_text(&in->nested, PAIR_KEY, key);
        return true;
    }
    if (!otlp__json_is(in, "value")) {
        return otlp__json_skip(in);
    }
    value.start = pb_begin(&in->nested, PAIR_VALUE);
    if (!otlp__json_members(in, nest_member, &value)) {
        return false;
    }
    pb_end(&in->nested, value.start);
    return true;
}

static bool nest_pair(otlp_in *in, void *row)
{
    size_t begin = pb_begin(&in->nested, LIST_VALUES);
    if (!otlp__json_members(in, nest_pair_member, row)) {
        return false;
    }
    pb_end(&in->nested, begin);
    return true;
}

static bool nest_map(otlp_in *in, void *row)
{
    return otlp__json_is(in, "values") ? otlp__json_items(in, nest_pair, row, false)
                                       : otlp__json_skip(in);
}

/* A list or map of the outermost value: its own message, without the key of the member around it.
 */
static bool read_list(otlp_in *in, otlp_value *out, bool map)
{
    nested_value below = {.depth = 2};
    sw_str bytes = SW_NULL_STR;
    sw_buf_clear(&in->nested);
    if (!otlp__json_members(in, map ? nest_map : nest_list, &below)) {
        return false;
    }
    if (in->nested.status != SW_STATUS_OK) {
        return otlp__no_memory(in);
    }
    bytes = sw_arena_str(in->arena, sw_buf_str(&in->nested));
    *out = (otlp_value){.kind = map ? OTLP_MAP : OTLP_ARRAY, .text = bytes};
    return bytes.ptr || otlp__no_memory(in);
}

bool otlp__json_value(otlp_in *in, void *row)
{
    bool known = false;
    if (!read_scalar(in, row, &known)) {
        return false;
    }
    if (known) {
        return true;
    }
    if (otlp__json_is(in, "arrayValue") || otlp__json_is(in, "kvlistValue")) {
        return read_list(in, row, otlp__json_is(in, "kvlistValue"));
    }
    return otlp__json_skip(in);
}

/* ---- attributes ----------------------------------------------------------------------------------- */

static bool attribute_member(otlp_in *in, void *row)
{
    otlp_attribute *attribute = row;
    if (otlp__json_is(in, "key")) {
        return otlp__json_text(in, &attribute->key);
    }
    return otlp__json_is(in, "value") ? otlp__json_members(in, otlp__json_value, &attribute->value)
                                      : otlp__json_skip(in);
}

static bool read_attribute(otlp_in *in, void *unused)
{
    otlp_attribute *row = otlp__push_attribute(in);
    (void)unused;
    return row && otlp__json_members(in, attribute_member, row);
}

bool otlp__json_attributes(otlp_in *in, otlp_attributes *out, bool *known)
{
    *known = true;
    if (otlp__json_is(in, "attributes")) {
        return otlp__json_items(in, read_attribute, NULL, false);
    }
    if (otlp__json_is(in, "droppedAttributesCount")) {
        return otlp__json_small(in, &out->dropped);
    }
    *known = false;
    return true;
}
