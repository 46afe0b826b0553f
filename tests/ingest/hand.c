/* SPDX-License-Identifier: Apache-2.0 */
/* Spans made by hand: see hand.h. */
#include "hand.h"

#include <stdio.h>

void hand_clear(hand *h)
{
    h->resource =
        (otlp_resource){.attributes = {.items = h->resource_attributes}, .schema_url = SW_STR("")};
    h->scope = (otlp_scope){.name = SW_STR(""), .version = SW_STR(""), .schema_url = SW_STR("")};
    h->span = (otlp_span){.resource = &h->resource,
                          .scope = &h->scope,
                          .trace_id = {1},
                          .span_id = {1},
                          .name = SW_STR(""),
                          .start_ns = INT64_C(1700000000000000000),
                          .end_ns = INT64_C(1700000001000000000),
                          .attributes = {.items = h->attributes},
                          .events = h->events,
                          .status_message = SW_STR("")};
}

void hand_begin(hand *h)
{
    memset(h, 0, sizeof *h);
    sw_arena_init(&h->arena, &sw__libc_allocator, 0);
    hand_clear(h);
}

void hand_end(hand *h)
{
    sw_arena_fini(&h->arena);
}

otlp_value hand_string(const char *text)
{
    return (otlp_value){.kind = OTLP_STRING, .text = sw_str_from(text)};
}

static void append(otlp_attributes *all, otlp_attribute *items, const char *key, otlp_value value)
{
    assert_true(all->count < HAND_ATTRIBUTES);
    items[all->count++] = (otlp_attribute){sw_str_from(key), value};
}

void hand_add(hand *h, const char *key, otlp_value value)
{
    append(&h->span.attributes, h->attributes, key, value);
}

void hand_text(hand *h, const char *key, const char *text)
{
    hand_add(h, key, hand_string(text));
}

void hand_int(hand *h, const char *key, int64_t number)
{
    hand_add(h, key, (otlp_value){.kind = OTLP_INT, .as = {.integer = number}});
}

void hand_double(hand *h, const char *key, double number)
{
    hand_add(h, key, (otlp_value){.kind = OTLP_DOUBLE, .as = {.real = number}});
}

void hand_resource(hand *h, const char *key, const char *text)
{
    append(&h->resource.attributes, h->resource_attributes, key, hand_string(text));
}

static sw_status take_attributes(void *arg, const otlp_span *span)
{
    hand *h = arg;
    for (size_t i = 0; i < span->attributes.count; i++) {
        assert_true(h->span.attributes.count < HAND_ATTRIBUTES);
        h->attributes[h->span.attributes.count++] = span->attributes.items[i];
    }
    return SW_STATUS_OK;
}

void hand_json(hand *h, const char *attributes)
{
    otlp_sink sink = {.span = take_attributes, .arg = h};
    int64_t count = 0;
    sw_error err = {0};
    sw_str body = sw_arena_printf(
        &h->arena, "{\"resourceSpans\":[{\"scopeSpans\":[{\"spans\":[{\"attributes\":%s}]}]}]}",
        attributes);
    if (otlp_read(OTLP_JSON, OTLP_TRACES, body, &h->arena, &sink, &count, &err) != SW_STATUS_OK) {
        fail_msg("%s: %s", attributes, err.message);
    }
    assert_int_equal(count, 1);
}

otlp_event *hand_event(hand *h, const char *name, int64_t time_ns)
{
    size_t i = h->span.event_count++;
    assert_true(i < HAND_EVENTS);
    h->events[i] = (otlp_event){.time_ns = time_ns,
                                .name = sw_str_from(name),
                                .attributes = {.items = h->event_attributes[i]}};
    return &h->events[i];
}

void hand_event_text(hand *h, otlp_event *event, const char *key, const char *text)
{
    append(&event->attributes, h->event_attributes[event - h->events], key, hand_string(text));
}

const span_facts *hand_read(hand *h)
{
    sw_error err = {0};
    assert_int_equal(span_read(&h->span, &h->arena, &h->facts, &err), SW_STATUS_OK);
    return &h->facts;
}

void same_text(sw_str got, const char *expected)
{
    if (got.len != strlen(expected) || (got.len && memcmp(got.ptr, expected, got.len) != 0)) {
        fail_msg("\"%.*s\" where \"%s\" was expected", (int)got.len, got.ptr ? got.ptr : "",
                 expected);
    }
}

void is_null_text(sw_str got)
{
    if (got.ptr) {
        fail_msg("\"%.*s\" where nothing was expected", (int)got.len, got.ptr);
    }
}

void same_number(sw_int got, int64_t expected)
{
    assert_true(got.known);
    assert_int_equal(got.value, expected);
}
