/* SPDX-License-Identifier: Apache-2.0 */
/* A store without a row, at once: the first is made by SQLite's driver, as any is; those after it are copies of it.
 * Making its tables and views takes more than most tests do. For tests that are about something else.
 */
#ifndef TESTS_LIB_BLANK_H
#define TESTS_LIB_BLANK_H

/* Puts one at `path`, where there is none. One thread. */
void blank_store(const char *path);

#endif
