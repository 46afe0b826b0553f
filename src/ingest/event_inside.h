/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of event*.c share: records in order, and the making of spans from them. */
#ifndef SW_INGEST_EVENT_INSIDE_H
#define SW_INGEST_EVENT_INSIDE_H

#include "ingest/event.h"

typedef struct event {
    const otlp_log *log;
    span_dialect dialect; /* CLAUDE_CODE, CODEX or GEMINI_CLI */
    sw_str name;          /* without the agent's prefix */
    sw_str session;       /* session.id or conversation.id */
    sw_str prompt;        /* prompt.id, prompt_id, turn.id; null when there is none */
    sw_str agent;         /* Gemini CLI: the agent inside a prompt that it is of; null: none */
    int64_t time_ns;
    int64_t sequence;
} event;

typedef struct event_book {
    sw_arena *arena;
    event *events; /* in order: time, sequence, name */
    size_t count;
    bool quiet;
    span_facts *facts;
    size_t fact_count;
    size_t fact_room;
    sw_error *err;
    sw_status status;
} event_book;

/* A span to be: what is told of it besides the attributes of the record it is made of. */
typedef struct event_span {
    const event *from;
    const char *name; /* as its agent would name the span: it settles role and dialect */
    span_role role;
    const char *kind; /* of its id (E.6) */
    sw_str keys[SPAN_TOLD_KEYS];
    size_t key_count;
    sw_str parent; /* the span id (8 bytes) of another one; null: none */
    int64_t start_ns;
    int64_t end_ns; /* 0: it has not ended */
    bool failed;
    otlp_attribute more[6]; /* come after the record's own */
    size_t more_count;
} event_span;

/* Adds it; NULL: no memory, as book->status says. Valid until the next call. */
span_facts *event_add(event_book *book, const event_span *what);
/* The span id a span of these keys has, 8 bytes in the arena. */
sw_str event_span_id(event_book *book, const char *kind, const sw_str *keys, size_t key_count);
void event_more(event_span *span, const char *key, sw_str text);

const otlp_value *event_value(const event *e, const char *key);
sw_str event_text(const event *e, const char *key); /* null when it is no text, or empty */
sw_int event_number(const event *e, const char *key);
/* Of milliseconds, as nanoseconds; 0 when there is none. */
int64_t event_duration_ns(const event *e, const char *key);
bool event_is(const event *e, const char *name);
/* A number as text, in the arena. */
sw_str event_printed(event_book *book, int64_t number);
/* One message of one text, as gen_ai.*.messages has them; null for null. */
sw_str event_message(event_book *book, const char *role, sw_str text);

/* Records by what they say under a key, each group in order. */
typedef struct event_named {
    sw_str name;
    const event *event;
} event_named;
typedef struct event_index {
    event_named *at;
    size_t count;
} event_index;
/* Of the events from..to. False: no memory, as book->status says. */
bool event_index_by(event_book *book, size_t from, size_t to, const char *key, event_index *out);
/* The first that says `name` and is called `is`; NULL: none. */
const event *event_find(const event_index *index, sw_str name, const char *is);
/* Whether the record says that a tool may not run. */
bool event_refuses(const event *e);
/* What was decided of the call goes with its span. */
void event_decided(const event_index *tools, sw_str call_id, event_span *span);

void event_read_claude(event_book *book, size_t from, size_t to);
void event_read_codex(event_book *book, size_t from, size_t to);
void event_read_gemini(event_book *book, size_t from, size_t to);

#endif
