/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/import/cassette.h"

#include <sodium.h>
#include <yaml.h>
#include <zlib.h>

#include "tests/import/place.h"

enum { UNPACKED_MOST = 16 << 20 };

/* ---- scalars -------------------------------------------------------------------------------------------- */

static json_t *text_or_packed(const unsigned char *bytes, size_t len)
{
    json_t *text = json_stringn((const char *)bytes, len);
    if (!text) {
        size_t room = sodium_base64_ENCODED_LEN(len, sodium_base64_VARIANT_ORIGINAL);
        char *packed = calloc(1, room);
        sodium_bin2base64(packed, room, bytes, len, sodium_base64_VARIANT_ORIGINAL);
        text = json_pack("{s:s}", "base64", packed);
        free(packed);
    }
    return text;
}

static json_t *unzipped(const unsigned char *bytes, size_t len)
{
    unsigned char *out = calloc(1, UNPACKED_MOST);
    z_stream z = {.next_in = (Bytef *)(uintptr_t)bytes,
                  .avail_in = (unsigned)len,
                  .next_out = out,
                  .avail_out = UNPACKED_MOST};
    json_t *text = NULL;
    if (inflateInit2(&z, 15 + 32) == Z_OK && inflate(&z, Z_FINISH) == Z_STREAM_END) {
        text = text_or_packed(out, z.total_out);
    }
    inflateEnd(&z);
    free(out);
    return text;
}

static json_t *binary_of(const char *base64, size_t len)
{
    unsigned char *bytes = calloc(1, len + 1);
    size_t got = 0;
    json_t *value = NULL;
    if (sodium_base642bin(bytes, len, base64, len, " \n\r", &got, NULL,
                          sodium_base64_VARIANT_ORIGINAL) == 0) {
        value = got > 2 && bytes[0] == 0x1f && bytes[1] == 0x8b ? unzipped(bytes, got)
                                                                : text_or_packed(bytes, got);
    }
    free(bytes);
    return value;
}

static json_t *plain_of(const char *text)
{
    char *end = NULL;
    if (!*text || strcmp(text, "null") == 0 || strcmp(text, "~") == 0) {
        return json_null();
    }
    if (strcmp(text, "true") == 0 || strcmp(text, "false") == 0) {
        return json_boolean(*text == 't');
    }
    long long whole = strtoll(text, &end, 10);
    if (!*end) {
        return json_integer(whole);
    }
    double real = strtod(text, &end);
    return !*end && strchr("+-.0123456789", *text) ? json_real(real) : json_string(text);
}

static json_t *value_of(yaml_document_t *doc, yaml_node_t *node)
{
    json_t *value = NULL;
    if (node->type == YAML_SCALAR_NODE) {
        const char *text = (const char *)node->data.scalar.value;
        size_t len = node->data.scalar.length;
        return strcmp((const char *)node->tag, "tag:yaml.org,2002:binary") == 0
                   ? binary_of(text, len)
               : node->data.scalar.style == YAML_PLAIN_SCALAR_STYLE ? plain_of(text)
                                                                    : json_stringn(text, len);
    }
    if (node->type == YAML_SEQUENCE_NODE) {
        value = json_array();
        for (yaml_node_item_t *i = node->data.sequence.items.start;
             i < node->data.sequence.items.top; i++) {
            json_array_append_new(value, value_of(doc, yaml_document_get_node(doc, *i)));
        }
        return value;
    }
    value = json_object();
    for (yaml_node_pair_t *i = node->data.mapping.pairs.start; i < node->data.mapping.pairs.top;
         i++) {
        yaml_node_t *key = yaml_document_get_node(doc, i->key);
        json_object_set_new(value, (const char *)key->data.scalar.value,
                            value_of(doc, yaml_document_get_node(doc, i->value)));
    }
    return value;
}

/* ---- exchanges ------------------------------------------------------------------------------------------- */

static json_t *dumped(json_t *parsed)
{
    char *text = json_dumps(parsed, JSON_COMPACT | JSON_ENCODE_ANY);
    json_t *value = text ? json_string(text) : json_null();
    free(text);
    return value;
}

static json_t *body_of(json_t *side)
{
    json_t *body = json_object_get(side, "body");
    json_t *parsed = json_object_get(side, "parsed_body");
    if (parsed) {
        return json_is_string(parsed) ? json_incref(parsed) : dumped(parsed);
    }
    if (json_is_object(body) && json_object_get(body, "string")) {
        body = json_object_get(body, "string");
    }
    return body ? json_incref(body) : json_null();
}

static json_t *exchange_of(json_t *interaction)
{
    json_t *request = json_object_get(interaction, "request");
    json_t *response = json_object_get(interaction, "response");
    if (!request || !response) {
        return json_null();
    }
    return json_pack("{s:O, s:O, s:o, s:o, s:O}", "method", json_object_get(request, "method"),
                     "url", json_object_get(request, "uri"), "request", body_of(request),
                     "response", body_of(response), "status",
                     json_object_get(json_object_get(response, "status"), "code"));
}

static json_t *read_yaml(sw_str bytes)
{
    yaml_parser_t parser;
    yaml_document_t doc;
    json_t *list = json_array();
    json_t *all = NULL;
    size_t i = 0;
    json_t *interaction = NULL;
    yaml_parser_initialize(&parser);
    yaml_parser_set_input_string(&parser, (const unsigned char *)bytes.ptr, bytes.len);
    assert_int_equal(yaml_parser_load(&parser, &doc), 1);
    all = value_of(&doc, yaml_document_get_root_node(&doc));
    yaml_document_delete(&doc);
    yaml_parser_delete(&parser);
    json_array_foreach(json_object_get(all, "interactions"), i, interaction)
    {
        json_array_append_new(list, exchange_of(interaction));
    }
    json_decref(all);
    return list;
}

json_t *cassette_read(const char *path)
{
    sw_str bytes = place_read(path);
    json_t *list = NULL;
    if (!bytes.ptr) {
        return NULL;
    }
    list = strstr(path, ".yaml")
               ? read_yaml(bytes)
               : json_pack("[{s:o}]", "response",
                           text_or_packed((const unsigned char *)bytes.ptr, bytes.len));
    free((void *)(uintptr_t)bytes.ptr);
    return list;
}
