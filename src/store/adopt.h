/* SPDX-License-Identifier: Apache-2.0 */
/* Taking over a database of Letta V1 where it stands: looking at it, adding what we need beside what is there, and
 * building our indexes while others read and write. Sums are the ledger's business, and come after it.
 *
 * What is added follows from the difference between the database's own columns and the rows of the model. Every step may
 * be cut off and taken again: the tables and columns come in one transaction, an index that a cut left half
 * built is dropped and built anew, and until all is done nobody but an adoption writes to the database.
 */
#ifndef SW_STORE_ADOPT_H
#define SW_STORE_ADOPT_H

#include "store/store.h"

typedef struct sw_adoption sw_adoption;

typedef struct sw_adopt_found {
    char place[384]; /* host, port and database */
    const char *age; /* in words */
    bool again;      /* it was adopted before, or an adoption was cut off */
    bool done;       /* nothing was left to do */
    int tables;      /* to be added */
    int columns;
    int loosened;  /* rules of V1's that would refuse our rows */
    int indexes;   /* to be built */
    int64_t steps; /* about so many, by the database's own guess */
    int64_t messages;
} sw_adopt_found;

/* A line of the plan, for people: what would be done to what. */
typedef void sw_adopt_line(void *arg, const char *what, const char *name, const char *detail);

/* Connects and looks. INVALID: it is no database of V1's, or one too old to be adopted in place (the sentence says
 * what else can be done). BUSY: another adoption is at work. The handle keeps others from adopting at the same time. */
sw_status sw_adopt_open(const sw_store_options *options, sw_adoption **out, sw_adopt_found *found,
                        sw_error *err) SW_MUST_CHECK;
void sw_adopt_close(sw_adoption **adoption);
/* Tells what would be done, in order. */
sw_status sw_adopt_tell(sw_adoption *adoption, sw_adopt_line *line, void *arg, sw_error *err);
/* Adds tables and columns, in one transaction under a lock. BUSY: somebody held one of the tables for too long. */
sw_status sw_adopt_add(sw_adoption *adoption, sw_error *err) SW_MUST_CHECK;
/* Builds the indexes, one after the other, while others read and write. */
sw_status sw_adopt_index(sw_adoption *adoption, sw_store_progress *progress, void *arg,
                         sw_error *err) SW_MUST_CHECK;
/* The sums are there: from now on anybody may write. */
sw_status sw_adopt_end(sw_adoption *adoption, sw_error *err) SW_MUST_CHECK;

#endif
