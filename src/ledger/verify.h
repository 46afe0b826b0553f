/* SPDX-License-Identifier: Apache-2.0 */
/* A verification under way, between verify.c (sums, steps) and verify_journal.c (journal, histograms). */
#ifndef SW_LEDGER_VERIFY_H
#define SW_LEDGER_VERIFY_H

#include "ledger/reading.h"

/* What the journal says of one step, by a hash of its id. */
typedef struct sw_trail {
    uint64_t hash;
    bool created;
    bool deleted;
    bool restated;
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
    int64_t total;
    sw_trail *trails; /* open addressing */
    size_t trail_size;
    size_t trail_count;
} sw_check;

void sw__differ(sw_check *check, const char *kind, const char *where, const char *format, ...)
    SW_PRINTF(4, 5);
void sw__cell_name(sw_record_id record, const void *key, char *out, size_t size);

/* Reads the organization's journal: numbers, heads, and the trail of every step. */
sw_status sw__check_journal(sw_check *check, sw_str organization, sw_error *err);
/* Whether the step's trail leads to where the step is; fills check->error when not OK. */
sw_status sw__journal_knows(sw_check *check, const sw_step *step);
/* Compares stored histograms with the gathered ones; a null organization: all of them. */
sw_status sw__check_spreads(sw_check *check, sw_group *group, sw_record_id record,
                            sw_str organization, sw_error *err);

#endif
