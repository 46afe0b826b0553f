/* SPDX-License-Identifier: Apache-2.0 */
/* What a provider answered, read for what it says of itself: tokens, model, how it ended, its id, its error. The body
 * may be JSON or any stream of it. Pure; the shapes are rows of model/usage_shapes.def, what the counts come to under
 * the one rule is settled by who asks (span_count), and what was said is not looked at here.
 */
#ifndef SW_CODEC_USAGE_SHAPE_H
#define SW_CODEC_USAGE_SHAPE_H

#include "codec/usage_counts.h"

typedef enum usage_shape {
#define SW_USAGE_SHAPE(NAME, WORD, MODE, WHOSE) USAGE_SHAPE_##NAME,
#include "model/usage_shapes.def"
    USAGE_SHAPES,
    USAGE_SHAPE_NONE = USAGE_SHAPES
} usage_shape;

/* Text is of the body or of the arena; null where nothing is said. */
typedef struct usage_reading {
    usage_shape shape;
    usage_counts counts;
    int mode; /* usage_mode */
    sw_str model;
    sw_str id;
    sw_str finish;  /* the provider's word */
    sw_str error;   /* its class */
    sw_str message; /* what the error says; of an answer without error it means nothing */
    sw_str tier;
    bool streamed;
    size_t events; /* JSON values the body held; 0: it is neither JSON nor a stream of it */
} usage_reading;

/* Reads the whole body. Of what a stream tells twice the later counts, member by member; model and id are those that
 * were named first. Never fails: what is not understood is not there; lack of memory is remembered by the arena. */
void usage_read(sw_str body, sw_arena *arena, usage_reading *out);
const char *usage_shape_word(usage_shape shape);

/* What stands at the path (model/usage_shapes.def says how one is written), as it is written; null: nothing, or null. */
sw_str usage_at(sw_str value, const char *path);

/* ---- bodies (usage_body.c) -------------------------------------------------------------------------------- */

/* One JSON value of a body. `name`: of an event stream, what its event is called, or null. */
typedef void usage_event(void *arg, sw_str name, sw_str value);
/* JSON values in the order they came: one document; a list of them; a line each; server-sent events; frames of
 * Amazon's event streams, those inside unpacked. Says whether it was a stream. */
bool usage_body(sw_str body, sw_arena *arena, usage_event *each, void *arg);

#endif
