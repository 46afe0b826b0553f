/* SPDX-License-Identifier: Apache-2.0 */
/* A PostgreSQL of the test's own: made in a new folder, reached by a socket in it and by nothing else, run as an
 * ordinary user, ended by its process id, and gone with its folder when the test is over. One a program.
 */
#ifndef TEST_PG_H
#define TEST_PG_H

#include <stdbool.h>
#include <stddef.h>

/* Why there can be none (not installed, built without libpq ...), or NULL. */
const char *pg_missing(void);
/* Starts the server unless it runs; ends the program with the reason when it does not come up. */
void pg_start(void);
/* The same for a measurement: what is committed reaches the disk, with 512 MB of memory for pages. */
void pg_start_durable(void);
/* A schema of its own, empty, as a URL for a store. */
void pg_new_url(char *out, size_t size);
/* The same with a store without a row in it, at once: a database copied from one that the store's driver has made. */
void pg_blank_url(char *out, size_t size);
/* Nobody needs it any more. */
void pg_drop_url(const char *url);
/* SQL on a connection of its own to the URL (NULL: as the server's owner); the first value of the answer, or "". Fails the program when
 * the server refuses. */
void pg_sql(const char *url, const char *sql, char *out, size_t size);
/* The same in a transaction that stays open, after a byte was written to `ready`, until `go` has an end. */
void pg_hold(const char *url, const char *sql, int ready, int go);
/* kill -9 of the whole server, and its return. */
void pg_kill(void);
void pg_return(void);
/* Ends the server and removes its folder; also at exit. */
void pg_stop(void);

#endif
