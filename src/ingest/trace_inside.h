/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of trace*.c share: the spans of one trace as a tree of nodes in an array.
 *
 * Nodes stand in the order of (start, span id), which is the same whatever order spans came in; everything
 * that is decided between spans is decided by that order, never by the order of arrival. `order` names them
 * parents first, so that what is inherited is one pass forward and what is gathered one pass back: no
 * recursion, however deep a trace is.
 */
#ifndef SW_INGEST_TRACE_INSIDE_H
#define SW_INGEST_TRACE_INSIDE_H

#include "ingest/trace.h"

#define TRACE_NONE UINT32_MAX
#define TRACE_MANY (UINT32_MAX - 1)

typedef struct trace_node {
    const span_facts *facts;
    span_role role; /* settled: a model span that holds another one is a wrapper */
    int64_t start_ns;
    int64_t end_ns; /* at least start_ns */
    bool open;      /* no end was said */
    bool skewed;    /* it said an end before its start */
    bool evaluator; /* it is one, or below one */
    bool root;      /* has no parent, by its own word; an orphan is none */
    bool folded;    /* a model span that is no step of its own */
    bool is_run;
    bool written;   /* as a run */
    bool collapsed; /* an agent that is the same as the one inside it */
    uint32_t parent;
    uint32_t child; /* the first */
    uint32_t next;  /* sibling */
    /* inherited */
    uint32_t
        agent; /* nearest ancestor with the role; once runs are told apart, one that is not collapsed */
    uint32_t workflow;  /* the same */
    uint32_t container; /* nearest ancestor that is a wrapper, agent or workflow */
    uint32_t tool;      /* nearest ancestor with the role */
    uint32_t model;     /* nearest model span above, not behind a tool, agent or workflow */
    uint32_t within;    /* nearest tool above, not behind a model span, agent or workflow */
    uint32_t outermost; /* of such tools the furthest */
    uint32_t top;       /* itself or its furthest ancestor */
    uint32_t named;     /* nearest, itself included, that names an agent */
    uint32_t talking;   /* nearest, itself included, that names a conversation */
    uint32_t person;    /* nearest, itself included, that names an end user */
    /* gathered */
    uint32_t inner; /* the first model span in or below it, not behind a tool, agent or workflow */
    uint32_t call;  /* the one call that these tell of; TRACE_MANY: they tell of several */
    uint32_t deep_count; /* agents, workflows and model spans nearest below it */
    uint32_t deep;       /* one of them */
    uint32_t becomes;    /* of an agent: whose run it is, through all that are collapsed */
    /* decided */
    uint32_t survivor; /* of a folded one: who has its call */
    uint32_t run;      /* of a step: whose span decides; TRACE_NONE: the trace itself */
    uint32_t
        step; /* of a tool: the model span it is attached to; of a model span: place among steps */
    uint32_t
        caller; /* of a tool that is attached to none: the step of the nearest tool above that is */
    uint32_t tools; /* of a model span: the first tool attached to it */
    uint32_t next_tool;
    uint32_t http;   /* of a model span: the last HTTP call below it */
    span_facts *own; /* of a model span or tool: its facts with holes filled; NULL: as `facts` */
    span_talk *talk;
    const char *run_id;
} trace_node;

typedef struct trace {
    const trace_whose *whose;
    trace_talk *read_talk;
    sw_arena *arena;
    trace_node *nodes;
    uint32_t count;
    uint32_t *order; /* parents before children */
    uint32_t *steps; /* model spans that are steps, by start */
    uint32_t step_count;
    sw_str trace_hex; /* the trace id as text */
    sw_str trace_run; /* id of the run of the trace itself; null: no step needs it */
    bool nobody;      /* a run has no agent that anybody named */
    sw_status failed; /* reading messages: only for lack of memory */
    sw_error why;
} trace;

/* trace_tree.c */
sw_status trace_plant(trace *t, const span_facts *facts, size_t count, sw_error *err) SW_MUST_CHECK;
/* trace_role.c: what is inherited and gathered, the innermost rule, who is a step. */
sw_status trace_settle(trace *t, sw_error *err) SW_MUST_CHECK;
/* trace_twin.c: the sibling rule; then holes are filled from those that are no steps. */
sw_status trace_fold_twins(trace *t, sw_error *err) SW_MUST_CHECK;
void trace_fill_holes(trace *t);
/* The messages of a model span, read when they are asked for first; sets t->failed. */
span_talk *trace_talk_of(trace *t, trace_node *node);
/* Its facts, to be changed; NULL: no memory, as t->failed says. */
span_facts *trace_own(trace *t, trace_node *node);
static inline const span_facts *trace_facts(const trace_node *node)
{
    return node->own ? node->own : node->facts;
}
/* Who has the call in the end. */
uint32_t trace_survivor(const trace *t, uint32_t at);
/* The tool calls of a message, one after the other: false at the end. `json` was begun with trace_calls. */
typedef struct trace_call {
    sw_str id; /* or null */
    sw_str name;
} trace_call;
bool trace_calls(sw_json *json, sw_str tool_calls, sw_arena *arena);
bool trace_next_call(sw_json *json, trace_call *call);
/* trace_tool.c: attaches tools to steps. */
sw_status trace_attach(trace *t, sw_error *err) SW_MUST_CHECK;
/* The interval that counts of a tool. */
void trace_tool_time(const trace *t, const trace_node *tool, int64_t *start_ns, int64_t *end_ns);
/* Why the tool was not let run, or how else it ended; or null. */
sw_str trace_tool_refused(const trace *t, const trace_node *tool);
/* trace_finish.c: how calls ended, where only their answers say it. */
void trace_read_ends(trace *t);
/* trace_run.c */
void trace_choose_runs(trace *t);
sw_status trace_write_runs(trace *t, trace_result *out, sw_error *err) SW_MUST_CHECK;
sw_str trace_run_of(const trace *t, const trace_node *step);
/* trace_step.c */
sw_status trace_write_steps(trace *t, trace_result *out, sw_error *err) SW_MUST_CHECK;
sw_str trace_step_id(const trace *t, const trace_node *node);
/* The name of whoever works in this span; null: nobody says. */
sw_str trace_agent_name(const trace *t, const trace_node *node);
sw_str trace_agent_id(const trace *t, sw_str name);
sw_str trace_conversation(const trace *t, const trace_node *node);
/* trace_say.c: messages of a step, with what its tools said, and its previews. False: no memory. */
bool trace_write_messages(trace *t, trace_node *node, trace_step *step);
/* Of what a log record told of this call while its span had not come (E.6, genai-evt); it is detailed. */
sw_str trace_lone_id(const trace *t, const char *prefix, const trace_node *node);
/* The id of what belongs to a step: its own keys, a word and a number. */
sw_str trace_part_id(const trace *t, const trace_node *node, const char *prefix, sw_str word,
                     size_t index);
/* The text so far, in the arena; ends the buffer. Null: no memory, or too long. */
sw_str trace_take_text(trace *t, sw_buf *buf);
/* The beginning of what the role's first message says, or its last, of those that say something, also in parts; null:
 * none does. */
sw_str trace_preview(const sw_message *messages, size_t count, sw_message_role role, bool last,
                     sw_arena *arena);
/* trace_fit.c: makes a row such as the model takes it; true: something was cut or left out. */
bool trace_fit(sw_record_id record, void *row, sw_arena *arena);
/* A text as a field of so many bytes takes it: cut, without NUL. */
sw_str trace_fit_text(sw_str text, size_t bytes, sw_arena *arena);
/* A run always has an agent; this is the name that SDKs give to a service without one. */
#define TRACE_NOBODY SW_STR("unknown_service")

/* An id of this trace's whose, in the arena. Null text: no memory. */
sw_str trace_make_id(const trace *t, const char *prefix, const char *kind, const sw_str *keys,
                     size_t key_count, int64_t start_ms);
/* What the ids of a span's things are made of: trace and span id, or what its records say. */
typedef struct trace_keys {
    sw_str kind;
    sw_str keys[SPAN_TOLD_KEYS + 2];
    size_t count;
    int64_t start_ms;
    char hex[2 * OTLP_SPAN_ID];
} trace_keys;
void trace_own_keys(const trace *t, const trace_node *node, const char *kind, trace_keys *out);
sw_str trace_own_id(const trace *t, const char *prefix, const trace_keys *own);
static inline int64_t trace_start_ms(const trace_node *node)
{
    return node->facts->span->start_ns / 1000000;
}

#endif
