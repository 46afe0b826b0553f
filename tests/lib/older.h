/* SPDX-License-Identifier: Apache-2.0 */
/* Files as former versions wrote them. */
#ifndef TESTS_LIB_OLDER_H
#define TESTS_LIB_OLDER_H

#include <sqlite3.h>

/* Takes from a ledger of today what the versions after the first brought. */
void older_make_first(sqlite3 *db);

#endif
