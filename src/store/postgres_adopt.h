/* SPDX-License-Identifier: Apache-2.0 */
/* An adoption under way (adopt.h), between the file that looks at the database and the one that plans and adds. */
#ifndef SW_POSTGRES_ADOPT_H
#define SW_POSTGRES_ADOPT_H

#include "store/adopt.h"
#include "store/postgres_impl.h"

struct sw_adoption {
    sw_allocator allocator;
    sw_pg_store *store;
    PGconn *conn;
    PGresult *columns; /* table, column, type, whether it must be filled, whether it fills itself */
    PGresult *indexes; /* name, whether it is whole; only those of ours on V1's tables */
    char unique[64];   /* the constraint that numbers all messages together, or "" */
    sw_adopt_found found;
};

/* Looks at the catalogue, again if need be. */
sw_status sw__pg_adopt_look(sw_adoption *adoption, sw_error *err);
/* How old it is; INVALID where it cannot be adopted. */
sw_status sw__pg_adopt_age(sw_adoption *adoption, sw_error *err);
/* Whether the columns that it has are ours. */
sw_status sw__pg_adopt_check(const sw_adoption *adoption, sw_error *err);
/* The first value of an answer as text, or "". */
sw_status sw__pg_adopt_ask(const sw_adoption *adoption, const char *sql, char *out, size_t size,
                           sw_error *err);
/* Whether the table has the column; NULL: any. */
bool sw__pg_adopt_has(const sw_adoption *adoption, const char *table, const char *column);
/* Of line `i` of adoption->columns: whether the column must be filled (3), and whether it fills itself (4). */
bool sw__pg_adopt_says(const sw_adoption *adoption, int i, int column);

#endif
