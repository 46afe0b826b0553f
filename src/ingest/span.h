/* SPDX-License-Identifier: Apache-2.0 */
/* What one span means, whatever dialect it speaks: its role, and the facts a step, a tool call or a run takes
 * from it. Everything dialect-specific ends here; trace.h, which puts spans together, sees only facts.
 *
 * Which attribute fills which fact is a row of model/aliases.def (priority order, with the convention and
 * version it comes from): a new dialect is rows. What is no plain attribute (indexed messages, JSON documents,
 * native usage inside provider metadata) is read by one small reader a shape.
 *
 * Facts borrow from the span and from the arena.
 */
#ifndef SW_INGEST_SPAN_H
#define SW_INGEST_SPAN_H

#include "codec/otlp.h"
#include "codec/usage_counts.h"
#include "stepwell/ledger.h"

typedef enum span_role {
    SPAN_OTHER,
    SPAN_LLM,
    SPAN_TOOL,
    SPAN_AGENT,
    SPAN_WORKFLOW,
    SPAN_WRAPPER,
    SPAN_RETRIEVAL,
    SPAN_EMBEDDING,
    SPAN_HTTP, /* a client span of HTTP: endpoint, status code, resends */
    SPAN_DROP
} span_role;

/* The order is the order of trust in "origin" (telemetry.md B.8). Rows of model/dialects.def: word, how to tell. */
typedef enum span_dialect {
#define SW_DIALECT(NAME, WORD, DOC) SPAN_DIALECT_##NAME,
#include "model/dialects.def"
#undef SW_DIALECT
    SPAN_DIALECT_COUNT
} span_dialect;

/* Counts as the source gave them, before the one rule of B.6; null when it gave none. */
typedef usage_counts span_counts;

/* Counts under the one rule, ready for the step: what usage.c makes of span_counts. */
typedef struct span_usage {
    sw_int prompt, completion, total; /* null: not reported */
    sw_int cached, written, reasoning;
    sw_usage_state state;
    sw_str prompt_details;     /* JSON object, null when there is nothing to say */
    sw_str completion_details; /* JSON object or null */
} span_usage;

/* How it ended (B.7). */
typedef struct span_end {
    sw_step_status status;
    sw_str stop_reason; /* a word of V1, or null */
    sw_str error_type;  /* or null */
    sw_str error_data;  /* JSON, or null */
    bool calls_tools;   /* ended in tool calls */
} span_end;

/* Messages of a span (messages.h fills them): sw_message rows with role, text or content, tool_calls,
 * tool_call_id, tool_returns, name set; ids and owners are set by trace.c. */
typedef struct span_talk {
    const sw_message *input; /* system instructions first */
    size_t input_count;
    const sw_message *output;
    size_t output_count;
    sw_str tools;         /* tool definitions, JSON array; or null */
    sw_str request_json;  /* the raw request, JSON; or null */
    sw_str response_json; /* the same of the response */
    bool
        request_made; /* it was put together, `"reconstructed": true`: messages and tools are beside it */
    bool response_made;
    bool left_out; /* what it was sent stands in the ledger already (talk_lean.c) */
    bool cut;      /* the sender left something out (dropped attributes, [TRUNCATED]) */
} span_talk;

/* Another name of a call, by which signals of different kinds find each other (telemetry.md E.5). */
typedef struct span_name {
    sw_str kind;
    sw_str value;
} span_name;

/* Of what was told in log records and never sent as a span: what its ids are made of instead of trace and span id
 * (E.6), and the trace the records name, if any. */
enum { SPAN_TOLD_KEYS = 4 };
typedef struct span_told {
    sw_str kind;
    sw_str keys[SPAN_TOLD_KEYS];
    size_t key_count;
    sw_str trace_hex; /* or null */
} span_told;

typedef struct span_facts {
    const otlp_span *span;
    const span_told *told; /* NULL: it is a span */
    span_name names[2];
    size_t name_count;
    int64_t received_ns; /* set by who calls span_read: when it came, if a start is nowhere else */
    span_role role;
    span_dialect dialect;
    sw_str operation;
    /* of a model call */
    sw_str provider_name; /* folded (B.4) */
    sw_str model;
    sw_str model_endpoint;
    sw_str service_tier;
    sw_str request_id;
    sw_int context_window_limit;
    span_counts counts;
    span_usage usage;
    span_end end;
    sw_int ttft_ns;
    /* of whoever */
    sw_str agent_name;   /* gen_ai.agent.id, else .name, dialects' names; on this span only */
    sw_str service_name; /* of the resource: the last resort for the agent's name */
    sw_str conversation; /* the sender's key, free text */
    sw_str end_user;
    sw_str native_run; /* gen_ai.agent.call.id and the like */
    sw_str tags;       /* JSON array or null */
    sw_str metadata; /* JSON object or null: working directory, branch, parameters worth keeping */
    /* of a tool */
    sw_str tool_name;
    sw_str tool_call_id;
    sw_str tool_arguments; /* JSON text */
    sw_str tool_result;
    bool tool_failed;
    bool
        tool_waited; /* its time includes waiting for a person: the time is that of its execution child */
    const uint8_t *
        detailed; /* the span that a log record names which tells of it too, and may have been a step
                              * before it came: its own, or one around it; NULL: none does */
    bool evaluates; /* an evaluator's span: calls below it are its own */
    /* of HTTP */
    sw_int attempt; /* which it was, or how often it was sent again */
    sw_int http_status;
} span_facts;

/* Fills `out`. Never fails on what a span says, only for lack of memory: what cannot be understood stays null. */
sw_status span_read(const otlp_span *span, sw_arena *arena, span_facts *out,
                    sw_error *err) SW_MUST_CHECK;
/* The messages, apart because they are the expensive part and only needed of model spans. */
sw_status span_read_talk(const span_facts *facts, sw_arena *arena, span_talk *out,
                         sw_error *err) SW_MUST_CHECK;
/* The same for a step that was written before, of a trace too large for all that its spans say: what it was sent is left
 * out, where there is anything. */
sw_status span_read_talk_lean(const span_facts *facts, sw_arena *arena, span_talk *out,
                              sw_error *err) SW_MUST_CHECK;
/* B.6. `exclusive`: the dialect's declared mode: 1 exclusive, 0 inclusive, -1 not settled; added to either,
 * SPAN_BESIDE: reasoning stands beside the output (Gemini inclusive, opencode exclusive). `native_passer`: rule 4,
 * the instrumentation passes on what Anthropic or Bedrock say. Without memory the details stay null, and the arena
 * remembers it. */
enum {
    SPAN_OPEN = USAGE_OPEN,
    SPAN_INCLUSIVE = USAGE_INCLUSIVE,
    SPAN_EXCLUSIVE = USAGE_EXCLUSIVE,
    SPAN_BESIDE = USAGE_BESIDE
};
void span_count(const span_counts *counts, int exclusive, bool native_passer, sw_arena *arena,
                span_usage *out);
/* What was counted, as a step has it. */
void span_usage_put(const span_usage *usage, sw_step *step);
/* Input, cached, output and reasoning as one word, unknown ones as 0; and behind a name that is unique without them,
 * as which signals that share no id know the same call. */
enum { SPAN_COUNTS_NAMED = 4 };
sw_str span_counts_text(const sw_int counts[SPAN_COUNTS_NAMED], sw_arena *arena);
sw_str span_counts_name(sw_str within, const sw_int counts[SPAN_COUNTS_NAMED], sw_arena *arena);
/* A call of the Gemini CLI's as all its signals know it: the chat, and what was counted there. The chat is what the
 * prompt's id begins with (`<session>########<turn>`, and `<agent>#<turn>` of a sub-agent's, whose chat is a file of its
 * own), or else the session. Null where nothing was counted. */
sw_str span_chat_name(sw_str session, sw_str prompt, const span_usage *usage, sw_arena *arena);
/* Counts from a map with free names, such as Langfuse keeps; returns what its input contains, or SPAN_OPEN. */
int span_usage_map(sw_str map, sw_arena *arena, span_counts *counts);
/* Whether an attribute may hold a secret and is never stored (headers, authorization, cookies; D). */
bool span_is_secret(void *unused, sw_str key);
/* An address without what lets somebody in. Null: no memory, which the arena remembers. */
sw_str span_cut_address(sw_str text, sw_arena *arena);
/* Whether an attribute may carry what was said (model/talks.def, model/contents.def). */
bool span_is_content(sw_str key, otlp_kind kind);
/* All of it, as otlp_drop; `arg` is this. */
typedef struct span_keeping {
    sw_arena *arena;
    bool silent; /* the project wants no content */
} span_keeping;
bool span_drop(void *arg, sw_str key, otlp_value *value);
/* B.4: folds a provider's name; empty or a framework's: guessed from the model; null when nothing is known. */
sw_str span_provider(sw_str name, sw_str model, sw_arena *arena);
/* B.7: the word of a provider for how a call ended. False: no such word. */
bool span_finish(sw_str word, span_end *end);
/* Whether a status of HTTP says that the request failed. */
static inline bool span_http_failed(sw_int status)
{
    return status.known && status.value >= 400;
}

#endif
