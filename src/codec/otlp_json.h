/* SPDX-License-Identifier: Apache-2.0 */
/* What the two files of OTLP's JSON share. All return false when the reading is over, and have said
 * why; all expect the first token of the value to be the current one, and leave its last.
 */
#ifndef SW_CODEC_OTLP_JSON_H
#define SW_CODEC_OTLP_JSON_H

#include "codec/otlp_inside.h"

/* Reads the value of a member, which is not null; its name is in->key. */
typedef bool otlp__member(otlp_in *in, void *row);

bool otlp__json_next(otlp_in *in); /* the next token */
bool otlp__json_skip(otlp_in *in);
/* `what` is the rest of a sentence that begins with the member's name. */
bool otlp__json_wrong(otlp_in *in, const char *what);
/* The name of the current member, in either spelling: a capital is the same as '_' and the small
 * letter.
 */
bool otlp__json_is(const otlp_in *in, const char *camel);
/* Shows the members of an object to `read`; those that are null are absent. */
bool otlp__json_members(otlp_in *in, otlp__member *read, void *row);
/* The same for the items of an array; `nulls` says whether one that is null is an item too. */
bool otlp__json_items(otlp_in *in, otlp__member *read, void *row, bool nulls);

bool otlp__json_text(otlp_in *in, sw_str *out);
/* A whole number, as a number or as text; and one of 32 bits, the nearest when it does not fit. */
bool otlp__json_whole(otlp_in *in, bool *negative, uint64_t *size);
bool otlp__json_small(otlp_in *in, uint32_t *out);
/* Hexadecimal, or base64, which is shorter; anything else is no id. */
bool otlp__json_id(otlp_in *in, uint8_t *out, size_t size);
/* Both alphabets, with or without padding. `out` has room for 3 bytes of each 4 characters begun. False: it is none. */
bool otlp__base64(sw_str text, uint8_t *out, size_t *len);
/* A member of an AnyValue, into an otlp_value. */
bool otlp__json_value(otlp_in *in, void *row);
/* The two members that everything with attributes has; true in *known when this is one of them. */
bool otlp__json_attributes(otlp_in *in, otlp_attributes *out, bool *known);

#endif
