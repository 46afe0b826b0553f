/* SPDX-License-Identifier: Apache-2.0 */
/* Memory that runs out when the test says so: an allocator for the ledger, and one that stands under
 * SQLite. Both count what is alive, so that a leak shows.
 */
#ifndef TEST_FAULTS_H
#define TEST_FAULTS_H

#include "stepwell/ledger.h"

/* The n-th allocation from now fails (1: the next), once, or it and all that follow; 0: none. */
void faults_ledger(int64_t n, bool for_good);
void faults_sqlite(int64_t n, bool for_good);
/* Whether the ordered failure has happened since. */
bool faults_happened(void);
int64_t faults_alive(void);        /* blocks of the ledger's allocator */
int64_t faults_bytes(void);        /* that the ledger's allocator has out */
int64_t faults_peak(bool reset);   /* the most there were since the last reset */
int64_t faults_sqlite_alive(void); /* blocks of SQLite */
extern const sw_allocator faults_allocator;
/* Once, before anything opens a file. False: SQLite does not let us. */
bool faults_install_sqlite(void);

#endif
