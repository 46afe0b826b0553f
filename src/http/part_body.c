/* SPDX-License-Identifier: Apache-2.0 */
/* Bodies that are part of a record: an object with some of its fields and nothing else. The members are
 * first looked over, so that all that are unknown or absent are told at once; then the record's own
 * reader takes them.
 */
#include <stdio.h>

#include "http/read.h"

static void tell_unknown(sw_request *request, sw_str name, sw_str raw)
{
    char text[100];

    (void)snprintf(text, sizeof text, "%.*s", (int)sw_utf8_prefix(name, 64), name.ptr);
    sw_request_invalid(request, "extra_forbidden", "body", text, "Extra inputs are not permitted",
                       raw, NULL);
}

/* Which fields the object names; members that are none of them are told. */
static sw_status look_over(sw_request *request, sw_record_id record, uint64_t allowed,
                           uint64_t *there, sw_error *err)
{
    sw_json json;

    sw_json_init(&json, request->body, &request->arena);
    if (sw_json_next(&json) != SW_JSON_OBJECT) {
        return sw_fail(err, SW_STATUS_INVALID, "", "must be an object (at byte %zu)", json.offset);
    }
    while (sw_json_next(&json) == SW_JSON_KEY) {
        sw_str name = json.text;
        int field = sw_record_field(sw_record_of(record), name);
        sw_str raw = SW_NULL_STR;
        (void)sw_json_next(&json);
        if (!sw_json_skip(&json, &raw)) {
            break;
        }
        if (field >= 0 && allowed & SW_FIELD_BIT(field)) {
            *there |= SW_FIELD_BIT(field);
        } else {
            tell_unknown(request, name, raw);
        }
    }
    if (json.type != SW_JSON_OBJECT_END || sw_json_next(&json) != SW_JSON_END) {
        return sw_fail(err, SW_STATUS_INVALID, "", "%s (at byte %zu)",
                       json.error ? json.error : "text behind the object", json.offset);
    }
    return SW_STATUS_OK;
}

static void tell_absent(sw_request *request, sw_record_id record, uint64_t absent)
{
    const sw_record *r = sw_record_of(record);

    for (size_t i = 0; i < r->field_count; i++) {
        if (absent & SW_FIELD_BIT(i)) {
            sw_request_invalid(request, "missing", "body", r->fields[i].name, "Field required",
                               SW_NULL_STR, NULL);
        }
    }
}

sw_status sw__read_part(sw_request *request, sw_record_id record, uint64_t allowed,
                        uint64_t required, void *row, uint64_t *seen, sw_error *err)
{
    sw_status status = SW_STATUS_OK;
    sw_json json;

    *seen = 0;
    status = look_over(request, record, allowed, seen, err);
    if (status != SW_STATUS_OK) {
        return sw_request_unread_body(request, err);
    }
    tell_absent(request, record, required & ~*seen);
    if (sw_request_is_invalid(request)) {
        return SW_STATUS_INVALID;
    }
    sw_json_init(&json, request->body, &request->arena);
    (void)sw_json_next(&json);
    status =
        sw_record_read_json(record, SW_READ_STRICT, &json, &request->arena, row, seen, "", err);
    return status == SW_STATUS_INVALID ? sw_request_unread_body(request, err) : status;
}
