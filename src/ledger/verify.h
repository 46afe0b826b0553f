/* SPDX-License-Identifier: Apache-2.0 */
/* A verification under way, between verify.c (sums, steps) and verify_journal.c (journal, histograms). */
#ifndef SW_LEDGER_VERIFY_H
#define SW_LEDGER_VERIFY_H

#include "ledger/keyed.h"
#include "ledger/reading.h"

/* What the journal says of one step or run, by a hash of its kind and id. */
typedef struct sw_trail {
    uint64_t hash;
    bool created;
    bool twice; /* created while it was there */
    bool deleted;
    bool ever_deleted; /* also when it was created anew */
    bool restated;
    bool updated; /* since its last ending entry */
    int8_t ended; /* the status its last ending entry says, or -1 */
} sw_trail;

typedef struct sw_check {
    sw_session *session;
    const sw_verify_options *options;
    sw_verify_end *end;
    sw_group group;   /* what the rows of one organization say */
    sw_group all;     /* what all rows say, for cells without organization */
    sw_arena scratch; /* what one organization needs beside it */
    sw_status failed;
    sw_error error;
    bool unread; /* rows that cannot be read are missing in the groups */
    int64_t total;
    sw_trail *trails; /* open addressing */
    size_t trail_size;
    size_t trail_count;
    sw_keyed tools;           /* what messages call, by run and tool (verify_runs.c) */
    int64_t last_sequence_id; /* of the organization's messages */
    int64_t runs;             /* of the organization */
} sw_check;

void sw__differ(sw_check *check, const char *kind, const char *where, const char *format, ...)
    SW_PRINTF(4, 5);
/* What bytes are called, as far as a digest goes. */
void sw__hex_of(sw_str bytes, char out[2 * SW_DIGEST + 1]);
void sw__cell_name(sw_record_id record, const void *key, char *out, size_t size);

/* What the organization has counted so far; zeros when it has not begun to. */
sw_status sw__check_head(sw_check *check, sw_str organization, sw_journal_head *out, sw_error *err);
/* Reads the organization's journal: numbers, heads, and the trail of every step and run. */
sw_status sw__check_journal(sw_check *check, sw_str organization, sw_error *err);
/* Whether the step's trail leads to where the step is; fills check->error when not OK. */
sw_status sw__journal_knows(sw_check *check, const sw_step *step);
/* The same of a run. */
void sw__journal_knows_run(sw_check *check, const sw_run *run);
/* Whether the journal says that the step was deleted, be it there again under its id or not. */
bool sw__journal_deleted(const sw_check *check, sw_str step_id);
/* What hangs on steps (verify_parts.c): messages and their bodies, links of timings, names of retired
 * steps, conversations. Messages first: they say which tools runs used. */
sw_status sw__check_messages(sw_check *check, sw_str organization, sw_error *err);
void sw__check_links(sw_check *check, const sw_step *step, const sw_step_metrics *metrics);
sw_status sw__check_retired(sw_check *check, const sw_step *step, sw_error *err);
sw_status sw__check_names(sw_check *check, sw_str organization, sw_error *err);
/* The life of runs, their durations and tools, and what agents remember of them (verify_runs.c). */
bool sw__count_tool(sw_check *check, sw_str run_id, sw_str tool);
sw_status sw__check_runs(sw_check *check, sw_str organization, sw_error *err);
/* Names each of these fields (0: all) of the row that holds what the model does not allow (verify_values.c). */
void sw__check_values(sw_check *check, sw_record_id record, const void *row, uint64_t fields);
/* The word of a stored value, or something to show in its place. */
const char *sw__stored_word(sw_enum_id words, int64_t value);
/* Walks the rows of a record whose `owner` field is the text, and checks the values of these fields (0: all); the visit
 * leaves its status in check->failed. */
sw_status sw__check_walk(sw_check *check, sw_record_id record, uint8_t owner, sw_str text,
                         uint64_t fields, sw_visit *visit, void *arg, sw_error *err);
/* The same for rows whose values another walk checks. */
sw_status sw__check_again(sw_check *check, sw_record_id record, uint8_t owner, sw_str text,
                          uint64_t fields, sw_visit *visit, void *arg, sw_error *err);
/* Whether deliveries agree with their attempts and with themselves (verify_deliveries.c). */
sw_status sw__check_deliveries(sw_check *check, sw_str organization, sw_error *err);
/* Whether what steps were sent can be read, and raw items and their sums agree (verify_telemetry.c). */
sw_status sw__check_contexts(sw_check *check, sw_str organization, sw_error *err);
sw_status sw__check_raw(sw_check *check, sw_str organization, sw_error *err);
/* Compares stored histograms with the gathered ones; a null organization: all of them. */
sw_status sw__check_spreads(sw_check *check, sw_group *group, sw_record_id record,
                            sw_str organization, sw_error *err);

#endif
