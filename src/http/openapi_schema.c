/* SPDX-License-Identifier: Apache-2.0 */
/* The schemas of /openapi.json: records by a walk over their descriptors, and the rows of model/shapes.def.
 * Knows no record and no shape by name.
 *
 * A record is described twice: as it comes back, where all its members are always there, and (NAME_input)
 * as it is sent, where any may be absent and the ledger says what is missing. The second is only there for
 * records that some body holds.
 */
#include <stdio.h>

#include "http/server.h"

void sw__openapi_say(sw_json_out *out, const char *key, const char *text)
{
    sw_json_key(out, sw_str_from(key));
    sw_json_str(out, sw_str_from(text));
}

static void put_int(sw_json_out *out, const char *key, int64_t value)
{
    sw_json_key(out, sw_str_from(key));
    sw_json_int(out, value);
}

void sw__openapi_ref(sw_json_out *out, const char *shape, bool input)
{
    char path[96];
    bool record = sw_record_find(sw_str_from(shape)) >= 0;
    snprintf(path, sizeof path, "#/components/schemas/%s%s", shape,
             record && input ? "_input" : "");
    sw_json_open(out, '{');
    sw__openapi_say(out, "$ref", path);
    sw_json_close(out, '}');
}

/* ---- a field ---------------------------------------------------------------------------------------- */

static void put_type(sw_json_out *out, const char *type, bool nullable)
{
    sw_json_key(out, SW_STR("type"));
    if (nullable) {
        sw_json_open(out, '[');
        sw_json_str(out, sw_str_from(type));
        sw_json_str(out, SW_STR("null"));
        sw_json_close(out, ']');
    } else {
        sw_json_str(out, sw_str_from(type));
    }
}

static void put_words(sw_json_out *out, sw_enum_id id, bool nullable)
{
    sw_json_key(out, SW_STR("enum"));
    sw_json_open(out, '[');
    for (size_t i = 0; i < sw__enums[id].count; i++) {
        sw_json_str(out, sw_str_from(sw__enums[id].words[i]));
    }
    if (nullable) {
        sw_json_null(out);
    }
    sw_json_close(out, ']');
}

static int64_t longest(const sw_field *field)
{
    return field->flags & SW_PREVIEW     ? SW_LIMIT_PREVIEW_CHARS
           : field->flags & SW_LONG_TEXT ? SW_LIMIT_JSON_BYTES
           : field->kind == SW_KIND_ID   ? SW_LIMIT_ID_BYTES
           : field->kind == SW_KIND_WORD ? SW_LIMIT_WORD_BYTES
                                         : SW_LIMIT_TEXT_BYTES;
}

static void put_tags(sw_json_out *out)
{
    sw_json_key(out, SW_STR("items"));
    sw_json_open(out, '{');
    sw__openapi_say(out, "type", "string");
    put_int(out, "maxLength", SW_LIMIT_TAG_BYTES);
    sw_json_close(out, '}');
    put_int(out, "maxItems", SW_LIMIT_TAGS);
}

static void put_bounds(sw_json_out *out, const sw_field *field, bool nullable)
{
    switch (field->kind) {
    case SW_KIND_HEX:
        sw__openapi_say(out, "pattern", "^[0-9a-f]{32}$");
        break;
    case SW_KIND_ID:
    case SW_KIND_TEXT:
    case SW_KIND_WORD:
        put_int(out, "maxLength", longest(field));
        break;
    case SW_KIND_TAGS:
        put_tags(out);
        break;
    case SW_KIND_INT:
        put_int(out, "minimum", 0);
        put_int(out, "maximum", SW_LIMIT_TOKENS);
        break;
    case SW_KIND_ENUM:
        put_words(out, field->words, nullable);
        break;
    case SW_KIND_JSON:
    case SW_KIND_BYTES:
    case SW_KIND_BOOL:
    case SW_KIND_LONG:
    case SW_KIND_TIME:
    case SW_KIND_COUNT:
        break;
    }
}

/* Numbers, lists and objects are JSON as they stand in the row. */
static void put_default(sw_json_out *out, const sw_field *field)
{
    sw_str text = sw_str_from(field->fallback);
    if (!text.ptr) {
        return;
    }
    sw_json_key(out, SW_STR("default"));
    if (field->kind == SW_KIND_BOOL) {
        sw_json_bool(out, !sw_str_eq(text, SW_STR("0")));
    } else if (field->kind == SW_KIND_JSON || field->kind == SW_KIND_TAGS ||
               field->kind == SW_KIND_INT || field->kind == SW_KIND_LONG) {
        sw_json_raw(out, text);
    } else {
        sw_json_str(out, text);
    }
}

/* A secret is taken, and reads as null; tags that are null read as []. */
static void put_field(sw_json_out *out, const sw_field *field, bool input)
{
    const sw_kind_info *kind = &sw__kinds[field->kind];
    bool nullable = input || !(field->flags & SW_NOT_NULL);
    sw_json_key(out, sw_str_from(field->name));
    sw_json_open(out, '{');
    if (field->flags & SW_SECRET && !input) {
        sw__openapi_say(out, "type", "null");
    } else {
        put_type(out, field->flags & SW_ARRAY ? "array" : kind->json_type, nullable);
        /* A time without zone is no date-time of RFC 3339; one that is sent may have any distance. */
        if (kind->json_format[0] && !(field->flags & SW_ZONELESS)) {
            sw__openapi_say(out, "format", kind->json_format);
        }
        put_bounds(out, field, nullable);
        put_default(out, field);
    }
    sw__openapi_say(out, "description", field->doc);
    sw_json_close(out, '}');
}

/* ---- a record --------------------------------------------------------------------------------------- */

static const sw_relation *shown_after(const sw_record *record, uint8_t field)
{
    for (size_t i = 0; i < record->relation_count; i++) {
        if (record->relations[i].shown_after && record->relations[i].shown_after == field) {
            return &record->relations[i];
        }
    }
    return NULL;
}

static void put_relation(sw_json_out *out, const sw_relation *relation)
{
    sw_json_key(out, sw_str_from(relation->name));
    sw_json_open(out, '{');
    sw__openapi_say(out, "type", "array");
    put_int(out, "maxItems", 0);
    sw__openapi_say(out, "description", relation->doc);
    sw_json_close(out, '}');
}

static void put_properties(sw_json_out *out, sw_record_id id, bool input)
{
    const sw_record *record = sw_record_of(id);
    size_t count = 0;
    const uint8_t *shown = sw_record_shown(id, &count);
    sw_json_key(out, SW_STR("properties"));
    sw_json_open(out, '{');
    for (size_t i = 0; i < count; i++) {
        const sw_relation *relation = shown_after(record, shown[i]);
        put_field(out, &record->fields[shown[i]], input);
        if (relation && !input) {
            put_relation(out, relation);
        }
    }
    sw_json_close(out, '}');
}

/* Relations are V1's, and empty; exports leave them out. */
static void put_required(sw_json_out *out, sw_record_id id)
{
    size_t count = 0;
    const uint8_t *shown = sw_record_shown(id, &count);
    sw_json_key(out, SW_STR("required"));
    sw_json_open(out, '[');
    for (size_t i = 0; i < count; i++) {
        sw_json_str(out, sw_str_from(sw_record_of(id)->fields[shown[i]].name));
    }
    sw_json_close(out, ']');
}

static void put_record(sw_json_out *out, sw_record_id id, bool input)
{
    char name[64];
    const sw_record *record = sw_record_of(id);
    snprintf(name, sizeof name, "%s%s", record->name, input ? "_input" : "");
    sw_json_key(out, sw_str_from(name));
    sw_json_open(out, '{');
    sw__openapi_say(out, "type", "object");
    sw__openapi_say(out, "description", record->doc);
    put_properties(out, id, input);
    if (!input) {
        put_required(out, id);
    }
    sw_json_close(out, '}');
}

/* Whether a body holds it: by the routes, or within a shape. */
static bool is_sent(const sw_record *record)
{
    char ref[80];
    for (size_t i = 0; i < SW_ROUTE_COUNT; i++) {
        const char *shape = sw__routes[i].body_shape;
        if (shape && strcmp(shape, record->name) == 0) {
            return true;
        }
    }
    snprintf(ref, sizeof ref, "/%s_input\"", record->name);
    for (size_t i = 0; i < sw__shape_count; i++) {
        if (sw__shapes[i].schema && strstr(sw__shapes[i].schema, ref)) {
            return true;
        }
    }
    return false;
}

/* ---- a shape ---------------------------------------------------------------------------------------- */

/* The row's schema, and beside it what it is. The row's JSON is an object, maybe empty. */
static void put_described(sw_json_out *out, const char *name, const char *schema, const char *doc)
{
    sw_str text = sw_str_from(schema);
    sw_assert(text.len >= 2 && text.ptr[0] == '{');
    sw_json_key(out, sw_str_from(name));
    sw_json_open(out, '{');
    sw__openapi_say(out, "description", doc);
    sw_json_close(out, '}');
    if (text.len > 2 && out->buf->status == SW_STATUS_OK) {
        out->buf->len--;
        sw_buf_addc(out->buf, ',');
        sw_buf_add(out->buf, sw_str_make(text.ptr + 1, text.len - 1));
    }
}

static void put_shape(sw_json_out *out, const sw_shape *shape)
{
    if (shape->schema) {
        put_described(out, shape->name, shape->schema, shape->doc);
        return;
    }
    sw_json_key(out, sw_str_from(shape->name));
    sw_json_open(out, '{');
    sw__openapi_say(out, "type", "object");
    sw__openapi_say(out, "description", shape->doc);
    sw_json_key(out, SW_STR("properties"));
    sw_json_open(out, '{');
    for (size_t i = 0; i < shape->count; i++) {
        put_described(out, shape->members[i].name, shape->members[i].schema, shape->members[i].doc);
    }
    sw_json_close(out, '}');
    sw_json_key(out, SW_STR("required"));
    sw_json_open(out, '[');
    for (size_t i = 0; i < shape->count; i++) {
        if (!shape->members[i].optional) {
            sw_json_str(out, sw_str_from(shape->members[i].name));
        }
    }
    sw_json_close(out, ']');
    if (shape->open) {
        sw_json_key(out, SW_STR("additionalProperties"));
        sw_json_bool(out, true);
    }
    sw_json_close(out, '}');
}

void sw__openapi_schemas(sw_json_out *out)
{
    sw_json_open(out, '{');
    for (sw_record_id id = 0; id < SW_RECORD_COUNT; id++) {
        if (!sw_record_of(id)->is_public) {
            continue;
        }
        put_record(out, id, false);
        if (is_sent(sw_record_of(id))) {
            put_record(out, id, true);
        }
    }
    for (size_t i = 0; i < sw__shape_count; i++) {
        put_shape(out, &sw__shapes[i]);
    }
    sw_json_close(out, '}');
}
