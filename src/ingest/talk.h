/* SPDX-License-Identifier: Apache-2.0 */
/* What was said to a model and what it answered, as messages of ours. Senders write it in a dozen shapes; there
 * is one small reader a shape, and all of them say what they found to the one builder below, which knows
 * nothing of any dialect and decides alone how a message looks when it is kept.
 *
 * The idea: whatever way the words came (native values, JSON in a text, JSON in JSON, a tree that was flattened
 * into indexed attributes), they are first made one JSON text, over which values are walked without a tree.
 * So a shape is only told apart by the names of members, and a dialect costs rows.
 *
 * Nothing here fails on what a sender says. Only memory can run out: the arena remembers it.
 */
#ifndef SW_INGEST_TALK_H
#define SW_INGEST_TALK_H

#include "ingest/span.h"

/* ---- values (talk_value.c) ------------------------------------------------------------------------ */

/* A JSON value that stands in a valid text. END: there is none. `text`: of a STRING, decoded; `raw`: as
 * written, null when the text did not come as JSON. */
typedef struct talk_value {
    sw_json_type type;
    sw_str text;
    sw_str raw;
} talk_value;

/* A name of a member, and which of the wanted ones it fills; several names may fill one. */
typedef struct talk_name {
    const char *name;
    uint8_t slot;
} talk_name;

#define TALK_ABSENT ((talk_value){SW_JSON_END, {NULL, 0}, {NULL, 0}})

typedef struct talk talk;

talk_value talk_text_value(sw_str text);
/* The text as JSON, mended where senders are known to err (NaN, lone surrogates, NUL); END when it is none.
 * A text that ends too early was cut by its sender: told to `t`. */
talk_value talk_parse(talk *t, sw_str text);
/* An attribute: a text stays a text, everything else becomes JSON. */
talk_value talk_native(talk *t, const otlp_value *value);
/* A text that holds an object, a list or a text as JSON is that; at most twice (A.5). */
talk_value talk_open(talk *t, talk_value value);
/* Fills `found[slot]` with members that are not null, of which the last counts; those not found are END. */
void talk_members(talk *t, talk_value object, const talk_name *names, size_t count,
                  talk_value *found, size_t slots);
talk_value talk_member(talk *t, talk_value object, const char *name);

/* Walks the elements of an array, or the members of an object. False: it is none; there is no more. */
typedef struct talk_walk {
    sw_json json;
    sw_str key;
    talk_value value;
} talk_walk;
bool talk_walk_begin(talk_walk *w, talk *t, talk_value array);
bool talk_walk_next(talk_walk *w);
bool talk_walk_begin_object(talk_walk *w, talk *t, talk_value object);
bool talk_walk_next_member(talk_walk *w);

/* The value as text: a STRING says itself, anything else is its JSON without blanks. Null for END. */
sw_str talk_said(talk *t, talk_value value);
/* The value as JSON without blanks. */
sw_str talk_json(talk *t, talk_value value);

/* JSON of ours that is being written. */
typedef struct talk_writer {
    sw_buf buf;
    sw_json_out out;
} talk_writer;
void talk_write_begin(talk_writer *w, talk *t);
void talk_write_pair(talk_writer *w, const char *key, sw_str text); /* null text: left out */
/* What was written, in the arena; null when there was no memory or it was past any bound. */
sw_str talk_write_end(talk_writer *w, talk *t);

/* ---- the builder (talk_build.c) --------------------------------------------------------------------- */

typedef enum talk_side { TALK_SYSTEM, TALK_INPUT, TALK_OUTPUT, TALK_SIDES } talk_side;

/* A part of the open message: plain text, or a JSON object that was written for it. */
typedef struct talk_part {
    bool plain;
    sw_str text;
} talk_part;

typedef struct talk_list {
    void *items;
    size_t count;
    size_t room;
} talk_list;

struct talk {
    sw_arena *arena;
    talk_side side;
    talk_list messages[TALK_SIDES]; /* sw_message */
    talk_list finishes[TALK_SIDES]; /* sw_str, one a message */
    sw_str tools;                   /* the first definitions that were found, a JSON array */
    sw_str request;                 /* raw bodies */
    sw_str response;
    bool cut;
    bool loose_text; /* a message's text that is a JSON list of parts is that list (D.2) */
    /* The message that is open. */
    bool open;
    bool joins; /* items of the same speaker continue it */
    sw_message_role speaker;
    sw_message message;
    sw_str finish;
    talk_list parts;         /* talk_part */
    talk_list calls;         /* sw_str: ids */
    talk_list written_calls; /* sw_str: JSON */
};

void talk_init(talk *t, sw_arena *arena);
void *talk_add(talk *t, talk_list *list, size_t size);
size_t talk_count(const talk *t, talk_side side);

/* Begins a message; one that is open ends. */
void talk_begin(talk *t, sw_message_role role);
/* Goes on with the open message when it was made of items by the same speaker, else begins one. */
void talk_join(talk *t, sw_message_role role);
void talk_end(talk *t);
void talk_name_speaker(talk *t, sw_str name);
void talk_finish(talk *t, sw_str word);
void talk_add_text(talk *t, sw_str text);
void talk_add_reasoning(talk *t, sw_str text, sw_str signature);
/* A part that is kept as it is: a JSON object. */
void talk_add_other(talk *t, sw_str json);
void talk_add_call(talk *t, sw_str id, sw_str name, sw_str arguments);
/* Each return is a message of role tool; what the same speaker says after it is a message again. `said` is
 * text, or when `parts` says so a JSON array of content parts. */
void talk_add_return(talk *t, sw_str id, sw_str name, bool failed, sw_str said, bool parts);

/* What may be kept of a text: all, or its beginning with a mark that says how long it was. */
sw_str talk_clip(talk *t, sw_str text, size_t most);
/* Whether the sender marked the text as cut. */
bool talk_marked_cut(sw_str text);

/* ---- readers ------------------------------------------------------------------------------------------ */

/* One part of a content (talk_part.c); false: the value is no part that is known, and nothing was added. */
bool talk_read_part(talk *t, talk_value part);
/* A part, known or not. */
void talk_read_any_part(talk *t, talk_value part);
/* Text, a list of parts, one part. */
void talk_read_content(talk *t, talk_value content);
/* Whether parts of that type are text or media. */
bool talk_is_said(sw_str type);
/* `word` tells what it is, as "input_image" does (talk_media.c). False: there is nothing in it. */
bool talk_read_media(talk *t, talk_value object, sw_str word);
/* What a tool returned, whatever it is; a part that holds a return (talk_tool.c). */
void talk_read_return(talk *t, sw_str id, sw_str name, bool failed, talk_value value);
void talk_read_return_part(talk *t, talk_value object);
/* An element of a list of calls, in any form; a part that is a call. */
void talk_read_call(talk *t, talk_value call);
void talk_read_call_part(talk *t, talk_value object);

/* A role's word; false: not one that is known. (talk_message.c) */
bool talk_role(sw_str word, sw_message_role *role);
/* The role when nothing names one: that of the side. */
sw_message_role talk_role_of_side(const talk *t);
/* An object that is a message in any dialect; false: it is none, nothing was added. */
bool talk_read_message(talk *t, talk_value message, sw_message_role role);

/* A list of messages, a request, a response, or just words (talk_document.c). `body` keeps it as the raw
 * request or response when it looks like one. */
bool talk_read_document(talk *t, talk_value document, bool body);
/* Tool definitions: a list, of objects or of texts that hold them. */
void talk_read_tools(talk *t, talk_value tools);

/* The attributes under `prefix` + ".N." put together into the list they were made from (talk_indexed.c); END
 * when there are none. */
talk_value talk_gather(talk *t, const otlp_attributes *attributes, sw_str prefix);

/* G1 (talk_event.c): an event of a span of that name. False: the name is none that carries talk. */
bool talk_read_event(talk *t, sw_str name, const otlp_attributes *attributes);

/* All rows of model/talks.def over these attributes (talk_rows.c). */
void talk_read_attributes(talk *t, const otlp_attributes *attributes);
/* What the request's parameters were: a JSON object, or null. */
sw_str talk_parameters(talk *t, const otlp_attributes *attributes);

/* The messages of the input, what the system said first. */
void talk_join_input(talk *t, span_talk *out);
/* Whether a member of that name may hold a key: headers, cookies, passwords. */
bool talk_is_secret(sw_str name);
/* Fills request_json and response_json (talk_trace.c) from what was found. */
void talk_trace(talk *t, const span_facts *facts, span_talk *out);

#endif
