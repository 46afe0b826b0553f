/* SPDX-License-Identifier: Apache-2.0 */
/* OTLP's messages in protobuf, read in one pass into views. Knows the numbers of the fields and
 * nothing of what they mean.
 *
 * Each function reads a message into a view that may hold something already, because protobuf
 * merges: what comes later wins, lists go on. What a list or a map holds stays as it is, but is
 * checked here to the bottom, so that walking it later cannot fail. Resource and scope are looked
 * for before their items, wherever they stand. */
#include "codec/otlp_inside.h"

#define VARINT(NUMBER) PB_KEY(NUMBER, PB_VARINT)
#define FIXED64(NUMBER) PB_KEY(NUMBER, PB_FIXED64)
#define FIXED32(NUMBER) PB_KEY(NUMBER, PB_FIXED32)
#define BYTES(NUMBER) PB_KEY(NUMBER, PB_BYTES)

static __attribute__((noinline)) bool broken(otlp_in *in, const char *at)
{
    return otlp__bad(in, (size_t)(at - in->start),
                     "is not valid protobuf: a field is cut off or of no known wire type");
}

/* The next field of a message. False at its end, and when the rest is no protobuf, which the status
 * tells. */
static inline __attribute__((always_inline)) bool next(otlp_in *in, pb_message *message,
                                                       pb_field *field)
{
    const char *at = message->at;
    if (at == message->end) {
        return false;
    }
    message->at = pb_field_at(at, message->end, field);
    return message->at || broken(in, at);
}

static bool is_sound(const otlp_in *in)
{
    return in->status == SW_STATUS_OK;
}

/* ---- values --------------------------------------------------------------------------------------- */

static bool check_value(otlp_in *in, sw_str bytes, unsigned depth);

static bool check_pair(otlp_in *in, sw_str bytes, unsigned depth)
{
    pb_message message = pb_open(bytes);
    pb_field field;
    while (next(in, &message, &field)) {
        if (field.key == BYTES(PAIR_VALUE) && !check_value(in, field.bytes, depth)) {
            return false;
        }
    }
    return is_sound(in);
}

/* An ArrayValue or a KeyValueList whose values are at this depth. */
static bool check_list(otlp_in *in, sw_str bytes, bool map, unsigned depth)
{
    pb_message message = pb_open(bytes);
    pb_field field;
    if (depth > OTLP_DEPTH) {
        return otlp__bad(in, (size_t)(bytes.ptr - in->start), "nests deeper than 64 levels");
    }
    while (next(in, &message, &field)) {
        bool sound = field.key != BYTES(LIST_VALUES) || (map ? check_pair(in, field.bytes, depth)
                                                             : check_value(in, field.bytes, depth));
        if (!sound) {
            return false;
        }
    }
    return is_sound(in);
}

static bool check_value(otlp_in *in, sw_str bytes, unsigned depth)
{
    pb_message message = pb_open(bytes);
    pb_field field;
    while (next(in, &message, &field)) {
        bool list = field.key == BYTES(ANY_ARRAY) || field.key == BYTES(ANY_MAP);
        if (list && !check_list(in, field.bytes, field.key == BYTES(ANY_MAP), depth + 1)) {
            return false;
        }
    }
    return is_sound(in);
}

/* A list or map that follows one of its kind in the same value goes on with it: two messages, one
 * behind the other, are their merger. Room for as much again is left, so that many pieces cost no
 * more than few. */
static bool merge_list(otlp_in *in, sw_str bytes, sw_str *text)
{
    size_t len = text->len + bytes.len;
    if (text->ptr != in->merged || len > in->merged_room) {
        char *room = sw_arena_alloc(in->arena, 2 * len + 1);
        if (!room) {
            return otlp__no_memory(in);
        }
        memcpy(room, text->ptr, text->len);
        in->merged = room;
        in->merged_room = 2 * len;
    }
    memcpy(in->merged + text->len, bytes.ptr, bytes.len);
    *text = sw_str_make(in->merged, len);
    return true;
}

static __attribute__((noinline)) bool read_list(otlp_in *in, pb_field field, otlp_value *out)
{
    otlp_kind kind = field.key == BYTES(ANY_MAP) ? OTLP_MAP : OTLP_ARRAY;
    if (!in->checked && !check_list(in, field.bytes, kind == OTLP_MAP, 2)) {
        return false;
    }
    if (out->kind == kind) {
        return merge_list(in, field.bytes, &out->text);
    }
    *out = (otlp_value){.kind = kind, .text = field.bytes};
    return true;
}

bool otlp__read_value(otlp_in *in, sw_str bytes, otlp_value *out)
{
    pb_message message = pb_open(bytes);
    pb_field field;
    while (next(in, &message, &field)) {
        switch (field.key) {
        case BYTES(ANY_STRING):
            *out = (otlp_value){.kind = OTLP_STRING};
            if (!otlp__text(in, field.bytes, &out->text)) {
                return false;
            }
            break;
        case VARINT(ANY_BOOL):
            *out = (otlp_value){.kind = OTLP_BOOL, .as.boolean = field.number != 0};
            break;
        case VARINT(ANY_INT):
            *out = (otlp_value){.kind = OTLP_INT, .as.integer = (int64_t)field.number};
            break;
        case FIXED64(ANY_DOUBLE):
            *out = (otlp_value){.kind = OTLP_DOUBLE};
            memcpy(&out->as.real, &field.number, sizeof out->as.real);
            break;
        case BYTES(ANY_ARRAY):
        case BYTES(ANY_MAP):
            if (!read_list(in, field, out)) {
                return false;
            }
            break;
        case BYTES(ANY_BYTES):
            *out = (otlp_value){.kind = OTLP_BYTES, .text = field.bytes};
            break;
        default:
            break;
        }
    }
    return is_sound(in);
}

bool otlp__read_pair(otlp_in *in, sw_str bytes, otlp_attribute *out)
{
    pb_message message = pb_open(bytes);
    pb_field field;
    while (next(in, &message, &field)) {
        if (field.key == BYTES(PAIR_KEY)) {
            if (!otlp__text(in, field.bytes, &out->key)) {
                return false;
            }
        } else if (field.key == BYTES(PAIR_VALUE)) {
            if (!otlp__read_value(in, field.bytes, &out->value)) {
                return false;
            }
        }
    }
    return is_sound(in);
}

static bool read_attribute(otlp_in *in, sw_str bytes)
{
    otlp_attribute *row = otlp__push_attribute(in);
    return row && otlp__read_pair(in, bytes, row);
}

/* ---- spans ---------------------------------------------------------------------------------------- */

/* An id of any other length is none. */
static void read_id(sw_str bytes, uint8_t *out, size_t size)
{
    if (bytes.len == size) {
        memcpy(out, bytes.ptr, size);
    } else {
        memset(out, 0, size);
    }
}

static bool read_status(otlp_in *in, sw_str bytes, otlp_span *out)
{
    pb_message message = pb_open(bytes);
    pb_field field;
    while (next(in, &message, &field)) {
        if (field.key == BYTES(STATUS_MESSAGE)) {
            if (!otlp__text(in, field.bytes, &out->status_message)) {
                return false;
            }
        } else if (field.key == VARINT(STATUS_CODE)) {
            out->status = otlp__status(field.number);
        }
    }
    return is_sound(in);
}

static bool read_event(otlp_in *in, sw_str bytes)
{
    size_t from = in->attributes.count;
    otlp_event *row = otlp__push(in, &in->events);
    pb_message message = pb_open(bytes);
    pb_field field;
    if (!row) {
        return false;
    }
    row->name = SW_STR("");
    while (next(in, &message, &field)) {
        bool read = true;
        switch (field.key) {
        case FIXED64(EVENT_TIME):
            row->time_ns = otlp__time(field.number);
            break;
        case BYTES(EVENT_NAME):
            read = otlp__text(in, field.bytes, &row->name);
            break;
        case BYTES(EVENT_ATTRIBUTES):
            read = read_attribute(in, field.bytes);
            break;
        case VARINT(EVENT_DROPPED):
            row->attributes.dropped = (uint32_t)field.number;
            break;
        default:
            break;
        }
        if (!read) {
            return false;
        }
    }
    return otlp__cut_attributes(in, from, &row->attributes);
}

static bool read_link(otlp_in *in, sw_str bytes)
{
    size_t from = in->attributes.count;
    otlp_link *row = otlp__push(in, &in->links);
    pb_message message = pb_open(bytes);
    pb_field field;
    if (!row) {
        return false;
    }
    while (next(in, &message, &field)) {
        switch (field.key) {
        case BYTES(LINK_TRACE_ID):
            read_id(field.bytes, row->trace_id, sizeof row->trace_id);
            break;
        case BYTES(LINK_SPAN_ID):
            read_id(field.bytes, row->span_id, sizeof row->span_id);
            break;
        case BYTES(LINK_ATTRIBUTES):
            if (!read_attribute(in, field.bytes)) {
                return false;
            }
            break;
        case VARINT(LINK_DROPPED):
            row->attributes.dropped = (uint32_t)field.number;
            break;
        default:
            break;
        }
    }
    return otlp__cut_attributes(in, from, &row->attributes);
}

static bool read_span_part(otlp_in *in, pb_field field, otlp_span *out)
{
    switch (field.key) {
    case BYTES(SPAN_NAME):
        return otlp__text(in, field.bytes, &out->name);
    case BYTES(SPAN_EVENTS):
        return read_event(in, field.bytes);
    case BYTES(SPAN_LINKS):
        return read_link(in, field.bytes);
    case BYTES(SPAN_STATUS):
        return read_status(in, field.bytes, out);
    case BYTES(SPAN_TRACE_ID):
        read_id(field.bytes, out->trace_id, sizeof out->trace_id);
        return true;
    case BYTES(SPAN_SPAN_ID):
        read_id(field.bytes, out->span_id, sizeof out->span_id);
        return true;
    case BYTES(SPAN_PARENT_ID):
        read_id(field.bytes, out->parent_span_id, sizeof out->parent_span_id);
        return true;
    case FIXED64(SPAN_START):
        out->start_ns = otlp__time(field.number);
        return true;
    case FIXED64(SPAN_END):
        out->end_ns = otlp__time(field.number);
        return true;
    case VARINT(SPAN_KIND):
        out->span_kind = (int32_t)field.number;
        return true;
    case VARINT(SPAN_DROPPED):
        out->attributes.dropped = (uint32_t)field.number;
        return true;
    case FIXED32(SPAN_FLAGS):
        out->flags = (uint32_t)field.number;
        return true;
    default:
        return true;
    }
}

bool otlp__read_span(otlp_in *in, sw_str bytes, otlp_span *out)
{
    size_t from = in->attributes.count;
    pb_message message = pb_open(bytes);
    pb_field field;
    while (next(in, &message, &field)) {
        bool read = field.key == BYTES(SPAN_ATTRIBUTES) ? read_attribute(in, field.bytes)
                                                        : read_span_part(in, field, out);
        if (!read) {
            return false;
        }
    }
    return otlp__cut_span(in, from, out);
}

/* ---- log records ---------------------------------------------------------------------------------- */

static bool read_log_part(otlp_in *in, pb_field field, otlp_log *out)
{
    switch (field.key) {
    case BYTES(LOG_ATTRIBUTES):
        return read_attribute(in, field.bytes);
    case BYTES(LOG_BODY):
        return otlp__read_value(in, field.bytes, &out->body);
    case BYTES(LOG_EVENT_NAME):
        return otlp__text(in, field.bytes, &out->event_name);
    case BYTES(LOG_SEVERITY_TEXT):
        return otlp__text(in, field.bytes, &out->severity_text);
    case BYTES(LOG_TRACE_ID):
        read_id(field.bytes, out->trace_id, sizeof out->trace_id);
        return true;
    case BYTES(LOG_SPAN_ID):
        read_id(field.bytes, out->span_id, sizeof out->span_id);
        return true;
    case VARINT(LOG_SEVERITY):
        out->severity = (int32_t)field.number;
        return true;
    case VARINT(LOG_DROPPED):
        out->attributes.dropped = (uint32_t)field.number;
        return true;
    default:
        return true;
    }
}

bool otlp__read_log(otlp_in *in, sw_str bytes, otlp_log *out)
{
    size_t from = in->attributes.count;
    uint64_t observed = 0;
    uint64_t time = 0;
    pb_message message = pb_open(bytes);
    pb_field field;
    while (next(in, &message, &field)) {
        if (field.key == FIXED64(LOG_TIME)) {
            time = field.number;
        } else if (field.key == FIXED64(LOG_OBSERVED)) {
            observed = field.number;
        } else if (!read_log_part(in, field, out)) {
            return false;
        }
    }
    out->time_ns = otlp__time(time > 0 ? time : observed);
    return otlp__cut_attributes(in, from, &out->attributes);
}

/* ---- metrics -------------------------------------------------------------------------------------- */

static bool count_points(otlp_in *in, sw_str bytes)
{
    pb_message message = pb_open(bytes);
    pb_field field;
    while (next(in, &message, &field)) {
        in->count += field.key == BYTES(METRIC_POINTS);
    }
    return is_sound(in);
}

static bool read_metric(otlp_in *in, sw_str bytes)
{
    pb_message message = pb_open(bytes);
    pb_field field;
    while (next(in, &message, &field)) {
        switch (field.key) {
        case BYTES(METRIC_GAUGE):
        case BYTES(METRIC_SUM):
        case BYTES(METRIC_HISTOGRAM):
        case BYTES(METRIC_EXPONENTIAL):
        case BYTES(METRIC_SUMMARY):
            if (!count_points(in, field.bytes)) {
                return false;
            }
            break;
        default:
            break;
        }
    }
    return is_sound(in);
}

/* ---- an export ------------------------------------------------------------------------------------ */

static bool read_resource(otlp_in *in, sw_str bytes, void *view)
{
    otlp_resource *out = view;
    pb_message message = pb_open(bytes);
    pb_field field;
    while (next(in, &message, &field)) {
        if (field.key == BYTES(RESOURCE_ATTRIBUTES)) {
            if (!read_attribute(in, field.bytes)) {
                return false;
            }
        } else if (field.key == VARINT(RESOURCE_DROPPED)) {
            out->attributes.dropped = (uint32_t)field.number;
        }
    }
    return is_sound(in);
}

static bool read_scope(otlp_in *in, sw_str bytes, void *view)
{
    otlp_scope *out = view;
    pb_message message = pb_open(bytes);
    pb_field field;
    while (next(in, &message, &field)) {
        bool read = true;
        switch (field.key) {
        case BYTES(SCOPE_NAME):
            read = otlp__text(in, field.bytes, &out->name);
            break;
        case BYTES(SCOPE_VERSION):
            read = otlp__text(in, field.bytes, &out->version);
            break;
        case BYTES(SCOPE_ATTRIBUTES):
            read = read_attribute(in, field.bytes);
            break;
        case VARINT(SCOPE_DROPPED):
            out->attributes.dropped = (uint32_t)field.number;
            break;
        default:
            break;
        }
        if (!read) {
            return false;
        }
    }
    return is_sound(in);
}

/* What describes a source, and the address of its schema, wherever among the items they stand. */
typedef bool description(otlp_in *in, sw_str bytes, void *view);

static bool read_head(otlp_in *in, sw_str bytes, description *read, void *view, sw_str *schema_url)
{
    pb_message message = pb_open(bytes);
    pb_field field;
    while (next(in, &message, &field)) {
        bool sound = true;
        if (field.key == BYTES(SOURCE_HEAD)) {
            sound = read(in, field.bytes, view);
        } else if (field.key == BYTES(SOURCE_SCHEMA)) {
            sound = otlp__text(in, field.bytes, schema_url);
        }
        if (!sound) {
            return false;
        }
    }
    return is_sound(in);
}

static bool read_resource_head(otlp_in *in, sw_str bytes, otlp_resource *out)
{
    return read_head(in, bytes, read_resource, out, &out->schema_url) &&
           otlp__cut_attributes(in, 0, &out->attributes);
}

static bool read_scope_head(otlp_in *in, sw_str bytes, otlp_scope *out)
{
    return read_head(in, bytes, read_scope, out, &out->schema_url) &&
           otlp__cut_attributes(in, 0, &out->attributes);
}

bool otlp__read_source(otlp_in *in, sw_str bytes, otlp_resource *resource, otlp_scope *scope)
{
    pb_message message = pb_open(bytes);
    pb_field field;
    while (next(in, &message, &field)) {
        if (field.key == BYTES(SOURCE_ITEMS) && !read_scope_head(in, field.bytes, scope)) {
            return false;
        }
    }
    return is_sound(in) && read_resource_head(in, bytes, resource);
}

static bool read_item(otlp_in *in, sw_str bytes)
{
    switch (in->signal) {
    case OTLP_TRACES: {
        otlp_span span = otlp__empty_span(in);
        return otlp__read_span(in, bytes, &span) && otlp__show_span(in, &span);
    }
    case OTLP_LOGS: {
        otlp_log log = otlp__empty_log(in);
        return otlp__read_log(in, bytes, &log) && otlp__show_log(in, &log);
    }
    case OTLP_METRICS:
        break;
    }
    return read_metric(in, bytes);
}

/* The messages under SOURCE_ITEMS or EXPORT_ITEMS of a message, each by `read`, one level down. */
static bool read_items(otlp_in *in, sw_str bytes, uint32_t key, bool (*read)(otlp_in *, sw_str))
{
    pb_message message = pb_open(bytes);
    pb_field field;
    in->place[in->level] = 0;
    while (next(in, &message, &field)) {
        if (field.key == key) {
            in->level++;
            if (!read(in, field.bytes)) {
                return false;
            }
            in->level--;
            in->place[in->level]++;
        }
    }
    return is_sound(in);
}

static bool read_scope_items(otlp_in *in, sw_str bytes)
{
    otlp_scope *scope = otlp__new_scope(in);
    return scope && read_scope_head(in, bytes, scope) &&
           read_items(in, bytes, BYTES(SOURCE_ITEMS), read_item);
}

static bool read_source_items(otlp_in *in, sw_str bytes)
{
    otlp_resource *resource = otlp__new_resource(in);
    return resource && read_resource_head(in, bytes, resource) &&
           read_items(in, bytes, BYTES(SOURCE_ITEMS), read_scope_items);
}

bool otlp__read_protobuf(otlp_in *in, sw_str bytes)
{
    return read_items(in, bytes, BYTES(EXPORT_ITEMS), read_source_items);
}
