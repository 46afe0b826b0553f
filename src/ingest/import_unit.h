/* SPDX-License-Identifier: Apache-2.0 */
/* A unit of transcripts while it is put together: the events of all its files in one order, the calls and runs they
 * make. import_unit.c gathers and orders, import_unit_run.c finds the runs, import_unit_call.c the calls and their
 * tools, import_unit_rows.c, import_unit_step.c and import_unit_say.c make rows.
 */
#ifndef SW_INGEST_IMPORT_UNIT_H
#define SW_INGEST_IMPORT_UNIT_H

#include "ingest/import_inside.h"

#define UNIT_NONE UINT32_MAX

/* What differs from format to format, beyond the reader. */
typedef struct unit_traits {
    const char *call_kind; /* of ids (E.6) */
    const char *run_kind;  /* of a run that is a turn */
    const char *rest_kind; /* of a run that is all the rest of a session */
    const char *agent;
    const char *provider; /* unless the source says; or NULL */
    const char *origin;
    int mode;        /* of span_count */
    bool streams;    /* counts are written down while the answer still comes */
    bool by_message; /* a call's own name alone says which it is; else both names do */
    bool requests;   /* the second name is that of a request */
    bool retold;     /* a call is told again as a whole when there is more of it */
    /* What telemetry calls the same call: kind of the name, which is the request, or else follows from session and
     * counts; or NULL. */
    const char *name_kind;
} unit_traits;

typedef struct unit_event {
    transcript_event e;
    uint32_t file;
    int64_t at_us; /* its time, or that of a line near it; INT64_MIN: the unit has none */
    uint32_t run;
    uint32_t call; /* CALL: which it is a part of; RETURN: which it answers */
    bool gone;     /* a copy of another */
} unit_event;

typedef struct unit_run {
    const char *kind;
    sw_str keys[2];
    size_t key_count;
    sw_str session;
    sw_str agent;      /* of the source: which sub-agent; or null */
    sw_str agent_type; /* what the source calls its kind; or null */
    sw_str begun_by;   /* the tool's call that it was; or null */
    uint32_t parent;
    uint32_t walk;  /* on which walk upwards it was met first */
    uint32_t first; /* event */
    uint32_t last;
    uint32_t last_call; /* event of the last call */
    uint32_t asked;     /* event of what was asked, or UNIT_NONE */
    uint32_t calls;
    bool stopped;
    bool ended;
    sw_str preview; /* the beginning of what was asked */
    size_t row;     /* of the window */
} unit_run;

typedef struct unit_call {
    uint32_t first; /* events; linked by next_part */
    uint32_t last;
    uint32_t best; /* whose usage counts */
    uint32_t run;
    uint32_t asked; /* event of what was asked before it, linked by next_part; or UNIT_NONE */
    uint32_t parts;
    uint32_t tools;   /* calls of tools in it */
    int64_t from_us;  /* when the request was made; unknown: INT64_MIN */
    uint32_t copy_of; /* the call that it repeats; or UNIT_NONE */
    size_t made;      /* of the window's steps */
    bool rewound;
    bool side;
    bool real; /* it becomes a step */
} unit_call;

/* Open addressing over events: by id, by the tool's call. */
typedef struct unit_index {
    uint32_t *at;
    size_t size;
} unit_index;

typedef struct unit {
    import_work *work;
    const unit_traits *traits;
    import_format format;
    import_file *files;
    size_t file_count;
    uint32_t reading; /* the file that is being read */
    unit_event *events;
    size_t count;
    size_t room;
    uint32_t *order; /* events as they happened */
    uint32_t *next_part;
    unit_index by_id;
    unit_index by_tool; /* RETURN events by the call they answer */
    unit_index by_call; /* calls by their names */
    import_index talks; /* the run that was last begun in each conversation */
    unit_run *runs;
    size_t run_count;
    size_t run_room;
    unit_call *calls;
    size_t call_count;
    size_t call_room;
    char owner[IMPORT_DIGEST];
    int64_t first_us; /* the earliest time in it; none: INT64_MAX */
    uint32_t told;    /* events that are no copies */
} unit;

const unit_traits *unit_traits_of(import_format format);
/* The event with that id, or UNIT_NONE. */
uint32_t unit_find(const unit *u, sw_str id);
/* What the tool's call was answered with, or UNIT_NONE. */
uint32_t unit_answer(const unit *u, sw_str tool);
sw_status unit_find_runs(unit *u, sw_error *err) SW_MUST_CHECK;
sw_status unit_find_calls(unit *u, sw_error *err) SW_MUST_CHECK;
/* The call of those names, or UNIT_NONE. */
uint32_t unit_call_named(const unit *u, sw_str key, sw_str key2);
/* import_unit_thread.c: calls that repeat those of another thread; runs that one began. */
void unit_find_copies(unit *u);
void unit_link_threads(unit *u);
bool unit_make_copies(unit *u);
/* What the call is known by, whoever tells of it. */
void unit_name_step(const unit *u, const unit_call *call, import_made *made);
/* The next part of the call behind this one, or UNIT_NONE. */
static inline uint32_t unit_next(const unit *u, uint32_t part)
{
    return u->next_part[part];
}
sw_status unit_make(unit *u, sw_error *err) SW_MUST_CHECK;
bool unit_make_runs(unit *u);
/* The agent's name, the sender's key of the conversation or null, and where it happened, as JSON: of runs (no call)
 * and of steps, whose times are estimated. */
sw_str unit_agent(const unit *u, const unit_run *run);
sw_str unit_conversation(const unit_run *run);
sw_str unit_place(unit *u, const transcript_event *e, const unit_call *call);
/* A time, or 0 where none was told. */
int64_t unit_us(int64_t us);
/* The messages of a call: what was asked since the call before, what it answered, what its tools returned. */
bool unit_say(unit *u, const unit_call *call, import_made *made, sw_message **messages);
/* The time of a call that its last part came at. */
int64_t unit_call_end(const unit *u, const unit_call *call);

#endif
