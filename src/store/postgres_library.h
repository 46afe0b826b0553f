/* SPDX-License-Identifier: Apache-2.0 */
/* libpq, loaded when the first PostgreSQL is opened. It brings twelve libraries along, which would cost every start of
 * the program, also of those who never see a PostgreSQL (docs/decisions/0012-postgresql.md). Only the types come from its
 * header; PQexec is called as sw__pq.exec.
 */
#ifndef SW_POSTGRES_LIBRARY_H
#define SW_POSTGRES_LIBRARY_H

#include <libpq-fe.h>
#include <stdbool.h>

#define SW_PQ_FUNCTIONS(F)                                                                         \
    F(clear)                                                                                       \
    F(cmdStatus)                                                                                   \
    F(cmdTuples)                                                                                   \
    F(connectdbParams)                                                                             \
    F(conninfoFree)                                                                                \
    F(conninfoParse)                                                                               \
    F(consumeInput)                                                                                \
    F(enterPipelineMode)                                                                           \
    F(errorMessage)                                                                                \
    F(exec)                                                                                        \
    F(finish)                                                                                      \
    F(flush)                                                                                       \
    F(freemem)                                                                                     \
    F(getResult)                                                                                   \
    F(getisnull)                                                                                   \
    F(getlength)                                                                                   \
    F(getvalue)                                                                                    \
    F(nfields)                                                                                     \
    F(notifies)                                                                                    \
    F(ntuples)                                                                                     \
    F(parameterStatus)                                                                             \
    F(pipelineSync)                                                                                \
    F(resultErrorField)                                                                            \
    F(resultStatus)                                                                                \
    F(sendFlushRequest)                                                                            \
    F(sendPrepare)                                                                                 \
    F(sendQueryParams)                                                                             \
    F(sendQueryPrepared)                                                                           \
    F(serverVersion)                                                                               \
    F(setNoticeProcessor)                                                                          \
    F(setSingleRowMode)                                                                            \
    F(socket)                                                                                      \
    F(status)

typedef struct sw_pq_table {
#define SW_PQ_MEMBER(name) __typeof__(&PQ##name) name;
    SW_PQ_FUNCTIONS(SW_PQ_MEMBER)
#undef SW_PQ_MEMBER
} sw_pq_table;

/* Filled by sw__pq_load. */
extern sw_pq_table sw__pq;

/* Whether the library is there, and the table filled; the same each time. From any thread. */
bool sw__pq_load(void);

/* What to tell whoever needed it then. */
#define SW_PQ_MISSING "libpq is not installed (Debian: apt-get install libpq5)"

#endif
