/* SPDX-License-Identifier: Apache-2.0 */
/* Sends telemetry as a program would: spans described in a line, written as OTLP JSON, handed to sw_ingest_export.
 * And shows what the ledger holds afterwards, as text that can be compared.
 */
#ifndef TEST_SENDER_H
#define TEST_SENDER_H

#include "ingest/ingest.h"
#include "tests/lib/lt.h"

typedef struct sent_attribute {
    const char *key;
    const char *text; /* or, when NULL, the number */
    int64_t number;
} sent_attribute;

enum { SENT_ATTRIBUTES = 16 };
typedef struct sent_span {
    unsigned trace; /* 0: no trace id */
    unsigned id;    /* 0: no span id */
    unsigned parent;
    const char *name;
    int64_t start_ms; /* behind LT_TIME */
    int64_t end_ms;
    const char *scope; /* NULL: "test" */
    bool failed;
    sent_attribute attributes[SENT_ATTRIBUTES];
    size_t attribute_count;
} sent_span;

#define TEXT_OF(KEY, TEXT_) ((sent_attribute){(KEY), (TEXT_), 0})
#define NUMBER_OF(KEY, NUMBER) ((sent_attribute){(KEY), NULL, (NUMBER)})
void sent_add(sent_span *span, sent_attribute attribute);
/* A model call by OpenTelemetry's GenAI names: provider openai, model "m", tokens, an answer. */
sent_span sent_model(unsigned trace, unsigned id, unsigned parent, int64_t start_ms,
                     int64_t end_ms);
sent_span sent_agent(unsigned trace, unsigned id, unsigned parent, const char *agent,
                     int64_t start_ms, int64_t end_ms);
sent_span sent_tool(unsigned trace, unsigned id, unsigned parent, const char *call_id,
                    int64_t start_ms, int64_t end_ms);

/* The body of an export of these spans. */
sw_str sent_body(lt *t, const sent_span *const *spans, size_t count);
void sent_open(lt *t, sw_ingest **ingest, int64_t keep_days);
/* The same for an organization of its own: what was said before must not stand in the way. */
void sent_open_anew(lt *t, sw_ingest **ingest, int64_t keep_days);
/* Exports, and expects all to be accepted. */
void sent_export(lt *t, sw_ingest *ingest, const sw_actor *actor, const sent_span *const *spans,
                 size_t count);
void sent_one(lt *t, sw_ingest *ingest, const sent_span *span);
/* The step of a span, read from the ledger of t->a; it must be there. */
sw_step sent_step(lt *t, unsigned trace, unsigned id, int64_t start_ms);
sw_str sent_id(lt *t, const char *prefix, const char *kind, unsigned trace, unsigned id,
               int64_t start_ms);
/* Steps, metrics, runs and messages of an organization, sorted; without what tells when and in which order rows were
 * written, and without what steps were sent, and the messages of those steps. */
sw_str sent_dump(lt *t, const sw_actor *actor, const sw_str *without, size_t without_count);

#endif
