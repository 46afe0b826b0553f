/* SPDX-License-Identifier: Apache-2.0 */
/* A provider's export of usage or costs, as lines by day and model (model/bills.def). Knows nothing of the ledger. */
#ifndef SW_CLI_BILL_H
#define SW_CLI_BILL_H

#include "base/base.h"

typedef enum sw_bill_count {
    SW_BILL_PROMPT,
    SW_BILL_COMPLETION,
    SW_BILL_CALLS,
    SW_BILL_COST,
    SW_BILL_COUNTS
} sw_bill_count;

typedef struct sw_bill_line {
    int64_t day; /* since 1970 */
    sw_str model;
    int64_t bill[SW_BILL_COUNTS];
    int64_t ledger[SW_BILL_COUNTS];
} sw_bill_line;

typedef struct sw_bill {
    sw_arena *arena;
    sw_bill_line *lines;
    size_t count;
    size_t room;
    size_t *slots; /* places of lines, from 1, by day and model */
    size_t slot_count;
    bool says[SW_BILL_COUNTS]; /* anywhere in the file */
    bool models;               /* any line names its model; else a line is about all of them */
    int64_t undated;           /* rows that count something, of nobody knows which day */
    int64_t odd;               /* values that mean something and could not be read */
    sw_str first_odd;
    bool failed; /* no memory */
} sw_bill;

/* The line of the day and model, made when there is none; NULL: no memory. Not to be asked for any more when lines were
 * put in another order. */
sw_bill_line *sw_bill_line_of(sw_bill *bill, int64_t day, sw_str model);
/* JSON or CSV, as it begins. INVALID says what is missing. */
sw_status sw_bill_read(sw_bill *bill, sw_str text, sw_error *err);

#endif
