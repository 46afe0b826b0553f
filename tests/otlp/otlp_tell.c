/* SPDX-License-Identifier: Apache-2.0 */
/* See otlp_tell.h. Lists and maps are walked, which must succeed for what a reader has shown. */
#include "tests/otlp/otlp_tell.h"

static void tell_hex(sw_buf *out, sw_str bytes)
{
    sw_assert(bytes.ptr);
    for (size_t i = 0; i < bytes.len; i++) {
        sw_buf_addf(out, "%02x", (unsigned char)bytes.ptr[i]);
    }
}

static void tell_text(sw_buf *out, sw_str text)
{
    sw_assert(sw_utf8_valid(text));
    tell_hex(out, text);
}

static void tell_id(sw_buf *out, const uint8_t *id, size_t size)
{
    tell_hex(out, sw_str_make((const char *)id, size));
    sw_buf_addc(out, ' ');
}

typedef struct teller {
    sw_buf *out;
    sw_arena *arena;
} teller;

static void tell_value(sw_buf *out, const otlp_value *value, sw_arena *arena);

static bool tell_member(void *arg, sw_str key, const otlp_value *value)
{
    teller *to = arg;
    if (key.ptr) {
        tell_text(to->out, key);
        sw_buf_addc(to->out, '=');
    }
    tell_value(to->out, value, to->arena);
    sw_buf_addc(to->out, ',');
    return true;
}

static void tell_list(sw_buf *out, const otlp_value *value, sw_arena *arena)
{
    teller to = {.out = out, .arena = arena};
    sw_error err;
    bool map = value->kind == OTLP_MAP;
    sw_buf_addc(out, map ? '{' : '[');
    sw_assert(otlp_walk(value, arena, tell_member, &to, &err) == SW_STATUS_OK);
    sw_buf_addc(out, map ? '}' : ']');
}

static void tell_value(sw_buf *out, const otlp_value *value, sw_arena *arena)
{
    uint64_t bits = 0;
    switch (value->kind) {
    case OTLP_NULL:
        sw_buf_adds(out, "null");
        break;
    case OTLP_STRING:
        sw_buf_addc(out, 's');
        tell_text(out, value->text);
        break;
    case OTLP_BOOL:
        sw_buf_adds(out, value->as.boolean ? "true" : "false");
        break;
    case OTLP_INT:
        sw_buf_addf(out, "i%lld", (long long)value->as.integer);
        break;
    case OTLP_DOUBLE:
        memcpy(&bits, &value->as.real, sizeof bits);
        if (value->as.real != value->as.real) {
            sw_buf_adds(out, "nan");
        } else {
            sw_buf_addf(out, "d%llu", (unsigned long long)bits);
        }
        break;
    case OTLP_ARRAY:
    case OTLP_MAP:
        tell_list(out, value, arena);
        break;
    case OTLP_BYTES:
        sw_buf_addc(out, 'x');
        tell_hex(out, value->text);
        break;
    }
}

static void tell_attributes(sw_buf *out, const otlp_attributes *attributes, sw_arena *arena)
{
    teller to = {.out = out, .arena = arena};
    sw_buf_addc(out, '{');
    for (size_t i = 0; i < attributes->count; i++) {
        (void)tell_member(&to, attributes->items[i].key, &attributes->items[i].value);
    }
    sw_buf_addf(out, "}%u", (unsigned)attributes->dropped);
}

void otlp_tell_source(sw_buf *out, const otlp_resource *resource, const otlp_scope *scope,
                      sw_arena *arena)
{
    tell_attributes(out, &resource->attributes, arena);
    sw_buf_addc(out, ' ');
    tell_text(out, resource->schema_url);
    sw_buf_addc(out, ' ');
    tell_text(out, scope->name);
    sw_buf_addc(out, ' ');
    tell_text(out, scope->version);
    sw_buf_addc(out, ' ');
    tell_attributes(out, &scope->attributes, arena);
    sw_buf_addc(out, ' ');
    tell_text(out, scope->schema_url);
    sw_buf_addc(out, '\n');
}

void otlp_tell_span(sw_buf *out, const otlp_span *span, sw_arena *arena)
{
    tell_id(out, span->trace_id, sizeof span->trace_id);
    tell_id(out, span->span_id, sizeof span->span_id);
    tell_id(out, span->parent_span_id, sizeof span->parent_span_id);
    tell_text(out, span->name);
    sw_buf_addf(out, " %d %u %lld %lld %d ", (int)span->span_kind, (unsigned)span->flags,
                (long long)span->start_ns, (long long)span->end_ns, (int)span->status);
    tell_text(out, span->status_message);
    sw_buf_addc(out, ' ');
    tell_attributes(out, &span->attributes, arena);
    sw_buf_addc(out, '\n');
    for (size_t i = 0; i < span->event_count; i++) {
        sw_buf_addf(out, " event %lld ", (long long)span->events[i].time_ns);
        tell_text(out, span->events[i].name);
        sw_buf_addc(out, ' ');
        tell_attributes(out, &span->events[i].attributes, arena);
        sw_buf_addc(out, '\n');
    }
    for (size_t i = 0; i < span->link_count; i++) {
        sw_buf_adds(out, " link ");
        tell_id(out, span->links[i].trace_id, sizeof span->links[i].trace_id);
        tell_id(out, span->links[i].span_id, sizeof span->links[i].span_id);
        tell_attributes(out, &span->links[i].attributes, arena);
        sw_buf_addc(out, '\n');
    }
}

void otlp_tell_log(sw_buf *out, const otlp_log *log, sw_arena *arena)
{
    tell_id(out, log->trace_id, sizeof log->trace_id);
    tell_id(out, log->span_id, sizeof log->span_id);
    sw_buf_addf(out, "%lld %d ", (long long)log->time_ns, (int)log->severity);
    tell_text(out, log->severity_text);
    sw_buf_addc(out, ' ');
    tell_text(out, log->event_name);
    sw_buf_addc(out, ' ');
    tell_value(out, &log->body, arena);
    sw_buf_addc(out, ' ');
    tell_attributes(out, &log->attributes, arena);
    sw_buf_addc(out, '\n');
}
