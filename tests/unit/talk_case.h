/* SPDX-License-Identifier: Apache-2.0 */
/* A span told in few words, and what was said in it. A case is JSON with single quotes for double ones:
 * {'attributes': {...}, 'events': [{'name', 'time', 'attributes'}], 'dropped': 1}. Values that are lists or objects are
 * sent as native values; they become an OTLP/JSON export, which the codec's reader reads. What comes out is shown as
 * JSON: {'input': [...], 'output': [...], 'tools', 'request', 'response', 'cut'}, without what is null.
 */
#ifndef TEST_TALK_CASE_H
#define TEST_TALK_CASE_H

#include <jansson.h>

#include "ingest/talk.h"

/* The text with " for '; free it. */
char *talk_case_unquoted(const char *quoted);
/* A span as a case tells it, read by the codec; lives in the arena. */
const otlp_span *talk_case_span(const json_t *told, sw_arena *arena);
/* What span_read_talk makes of it; every message passes the model's checks. */
json_t *talk_case_read(const json_t *told);
json_t *talk_case_shown(const span_talk *said);
json_t *talk_case_messages(const sw_message *messages, size_t count);
/* Reads the case and compares the members that `expected` names. */
void talk_case(const char *told, const char *expected);

#endif
