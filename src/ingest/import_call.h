/* SPDX-License-Identifier: Apache-2.0 */
/* One model call as somebody else wrote it down, whoever that was: what the readers of exchanges and of exports fill,
 * and what becomes a step in one place. Null: it was not told.
 */
#ifndef SW_INGEST_IMPORT_CALL_H
#define SW_INGEST_IMPORT_CALL_H

#include "ingest/import_inside.h"
#include "ingest/span.h"

enum { IMPORT_CALL_KEYS = 3 };

typedef struct import_call {
    const char *kind; /* of its id (E.6); with the keys it says which call it is */
    sw_str keys[IMPORT_CALL_KEYS];
    size_t key_count;
    const char *origin;
    size_t run;      /* of the window's runs, or SIZE_MAX */
    sw_str parent;   /* id of the step whose tool work led to it */
    sw_str agent;    /* its name */
    sw_str provider; /* as it was told */
    sw_str model;
    sw_str endpoint; /* an address: what lets somebody in is cut out */
    sw_str request_id;
    sw_str conversation;
    sw_str end_user;
    sw_str trace_hex;
    sw_str tier;
    sw_str tags;     /* JSON list of texts */
    sw_str metadata; /* JSON object */
    sw_int feedback;
    span_counts counts;
    int mode; /* of span_count */
    sw_int cost_nano_usd;
    sw_str finish; /* the provider's word */
    bool failed;
    sw_str error_type;
    sw_str error;
    sw_int http_status;
    sw_int start_us, end_us, ttft_ns;
    /* What was asked and answered: documents in any form (talk.h). */
    sw_str input;
    sw_str output;
    bool raw;      /* they are the provider's own: kept as the trace */
    sw_str stream; /* the answer as it came, JSON, when `output` was put together from it */
    uint32_t told; /* how much is known: of two tellings the greater counts */
} import_call;

/* The id of the step that a call of these names becomes. */
sw_str import_call_id(import_work *work, const import_call *call);
/* Adds it to the window. Only trouble of the machine is an error. */
sw_status import_call_add(import_work *work, const import_call *call, sw_error *err) SW_MUST_CHECK;
/* A run of that name in the window, made when it is asked for first; its times grow with those of its calls.
 * SIZE_MAX: no memory. */
size_t import_call_run(import_work *work, const char *kind, sw_str key, const import_call *call);

/* import_opinion.c: what people thought, as sw_feedback; null: nothing that says it. Values are raw JSON. */
sw_int import_opinion(sw_str thumb, sw_str scores, sw_arena *arena);

/* import_rows.c: values of others' rows. Counts and tells a row that is damaged. */
void import_bad_row(import_work *work, const import_file *file, int64_t line, const char *why);
/* A text, or a number as it is written. */
sw_str import_text(sw_str raw, sw_arena *arena);
/* A finite number; false: it is none. */
bool import_real(sw_str text, sw_arena *arena, double *out);
/* So many milliseconds after the start; null: either is not known, or it is nonsense. */
sw_int import_after(sw_int start_us, sw_str ms, sw_arena *arena);

/* import_answer.c: what a streamed answer says, put together into one message; null when it says nothing. */
sw_str import_answer(sw_str body, sw_arena *arena);

#endif
