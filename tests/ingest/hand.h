/* SPDX-License-Identifier: Apache-2.0 */
/* Spans made by hand for the tests of the ingest room: a view, filled attribute by attribute, and read. */
#ifndef TEST_INGEST_HAND_H
#define TEST_INGEST_HAND_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "ingest/span_internal.h"

enum { HAND_ATTRIBUTES = 64, HAND_EVENTS = 4 };

typedef struct hand {
    sw_arena arena;
    otlp_resource resource;
    otlp_scope scope;
    otlp_span span;
    otlp_attribute resource_attributes[HAND_ATTRIBUTES];
    otlp_attribute attributes[HAND_ATTRIBUTES];
    otlp_event events[HAND_EVENTS];
    otlp_attribute event_attributes[HAND_EVENTS][HAND_ATTRIBUTES];
    span_facts facts;
} hand;

void hand_begin(hand *h);
void hand_end(hand *h);
/* Takes everything off, keeps the memory. */
void hand_clear(hand *h);
void hand_add(hand *h, const char *key, otlp_value value);
void hand_text(hand *h, const char *key, const char *text);
void hand_int(hand *h, const char *key, int64_t number);
void hand_double(hand *h, const char *key, double number);
void hand_resource(hand *h, const char *key, const char *text);
/* Attributes of a span as OTLP/JSON has them: lists and maps too. */
void hand_json(hand *h, const char *attributes);
otlp_event *hand_event(hand *h, const char *name, int64_t time_ns);
void hand_event_text(hand *h, otlp_event *event, const char *key, const char *text);
otlp_value hand_string(const char *text);
/* What the span says. */
const span_facts *hand_read(hand *h);

void same_text(sw_str got, const char *expected);
void is_null_text(sw_str got);
void same_number(sw_int got, int64_t expected);

#endif
