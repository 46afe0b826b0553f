/* SPDX-License-Identifier: Apache-2.0 */
/* Between the files that keep telemetry: the write under way, and what each of them does of it. */
#ifndef SW_LEDGER_TELEMETRY_INSIDE_H
#define SW_LEDGER_TELEMETRY_INSIDE_H

#include "ledger/log.h"
#include "ledger/telemetry.h"

/* What is known of a step of the batch before it is queued. */
typedef enum sw_telemetry_is {
    SW_TELEMETRY_FRESH, /* not there: goes with the new ones */
    SW_TELEMETRY_THERE,
    SW_TELEMETRY_FOLDED /* folded into another: passed over */
} sw_telemetry_is;

/* A write under way. What the caller's thread makes lives in `arena`; entries are copies without messages and
 * traces, which are written for all steps at once. */
typedef struct sw_telemetry {
    const sw_telemetry_batch *batch;
    sw_arena arena;
    sw_telemetry_is *is;    /* [step_count] */
    sw_step *stored;        /* [step_count]: where those that are there belong */
    sw_step_entry *entries; /* [step_count]: the fresh ones first */
    size_t *of_step;        /* [step_count]: which step of the batch an entry is */
    size_t fresh;
    bool folded;          /* a step turned out to be so only when it was restated */
    sw_outcome *outcomes; /* [fresh] */
    sw_run *runs;         /* [run_count]: copies */
    struct sw_talk *talk; /* what is said (talk.h) */
    sw_log_args log;      /* of the fresh ones; not begun when there is none */
    sw_task log_task;
} sw_telemetry;

/* Checks the batch and fills what is known of its steps and runs; what it makes lives in `t->arena` (telemetry_look.c). */
sw_status sw__telemetry_look(sw_ledger *ledger, const sw_actor *actor, sw_telemetry *t,
                             sw_error *err);
/* The id follows from the agent's name and project; `plain`: what it would be if nobody else held it. */
sw_status sw__agent_named(sw_group *group, const sw_task *task, sw_agent *agent, sw_str *plain,
                          sw_outcome *outcome, sw_error *err);
/* restate.c, inside a group. */
sw_status sw__restate_in(sw_group *group, const sw_task *task, const sw_step_entry *entry,
                         sw_outcome *outcome, sw_error *err);
sw_status sw__retire_in(sw_group *group, const sw_task *task, sw_str id, sw_str survivor_id,
                        sw_outcome *outcome, sw_error *err);
/* The tags a source says now, and behind them those of before that it does not say otherwise: of `name:value` the one that
 * is said now stands for the one of the same name (feedback.c). */
sw_status sw__tags_follow(sw_group *group, sw_str before, sw_str said, sw_str *out, sw_error *err);
/* Creates or restates a run (telemetry_run.c). */
sw_status sw__telemetry_run(sw_group *group, const sw_task *task, const sw_run *run, sw_error *err);
/* Items, their sources, and the marks of their units (telemetry_raw.c). */
sw_status sw__telemetry_raw(sw_group *group, const sw_task *task, const sw_telemetry_batch *batch,
                            sw_error *err);
/* Steps that tell of one call become one: folds and other names (telemetry_join.c). */
sw_status sw__telemetry_join(sw_group *group, const sw_task *task, const sw_telemetry_batch *batch,
                             sw_error *err);
/* What another telling of the call knows, of a step that was folded or of one that is not written (telemetry_fill.c). */
sw_status sw__telemetry_fill(sw_group *group, const sw_task *task, const sw_step *survivor,
                             const sw_step *from, sw_error *err);
sw_status sw__telemetry_fill_told(sw_group *group, const sw_task *task, const sw_step *survivor,
                                  const sw_step_entry *told, sw_error *err);
/* Names that counts make may be those of several calls, which then are told apart by when they ended: whether a name is
 * of such a kind, and two steps that have it are too far apart to be one. Who comes later has the name with a number
 * behind it, the `n`th; null: no memory, or too many. */
bool sw__telemetry_counted(sw_str kind);
bool sw__telemetry_apart(const sw_step_metrics *a, const sw_step_metrics *b);
sw_str sw__telemetry_name(sw_str value, int n, sw_arena *arena);
/* What is remembered of transcripts (transcript.c). */
sw_status sw__transcript_write(sw_group *group, const sw_task *task,
                               const sw_telemetry_batch *batch, sw_error *err);
/* The project as a part of a key: empty when there is none. */
static inline sw_str sw__raw_project(sw_str project_id)
{
    return project_id.ptr ? project_id : SW_STR("");
}

#endif
