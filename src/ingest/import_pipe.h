/* SPDX-License-Identifier: Apache-2.0 */
/* Windows on their way to the ledger while the next one is filled.
 *
 * Whoever reads files fills one window at a time; threads decide and write those that are full. Two may be written at a
 * time, so that one is prepared while the ledger is at work on the other, unless both tell of the same call: then the
 * later one waits, because what is there already decides what is written. How many there are, and how much they hold
 * together, is bounded: he who reads waits then.
 */
#ifndef SW_INGEST_IMPORT_PIPE_H
#define SW_INGEST_IMPORT_PIPE_H

#include <pthread.h>

#include "ingest/import_inside.h"

enum { IMPORT_WRITERS = 2, IMPORT_WINDOWS = IMPORT_WRITERS + 1 };

typedef enum import_state {
    IMPORT_IDLE,
    IMPORT_FILLED, /* being filled */
    IMPORT_FULL,   /* waits to be written */
    IMPORT_WRITTEN /* under way */
} import_state;

typedef struct import_window {
    import_work work;
    import_result result; /* what it adds */
    import_state state;
    uint64_t turn;                /* in which order they were filled */
    char (*calls)[IMPORT_DIGEST]; /* of which it tells, sorted */
    size_t call_count;
    size_t bytes;
} import_window;

/* Fields are of import_pipe.c. */
typedef struct import_pipe {
    import_window windows[IMPORT_WINDOWS];
    pthread_t threads[IMPORT_WRITERS];
    size_t thread_count; /* 0: none could be started; then he who reads writes too */
    pthread_mutex_t lock;
    pthread_cond_t moved;
    uint64_t turns;
    size_t bytes_most;
    bool ends;
    sw_status status;
    sw_error error;
    import_result result; /* of windows that are written */
} import_pipe;

/* Windows are made like this one, which has no rows yet. The pipe must not be moved. */
void import_pipe_begin(import_pipe *pipe, const import_work *like, size_t writers,
                       size_t bytes_most);
/* An empty window to be filled. */
import_work *import_pipe_take(import_pipe *pipe);
/* It is full. The answer is that of whichever window failed first. */
sw_status import_pipe_give(import_pipe *pipe, import_work *work, sw_error *err) SW_MUST_CHECK;
/* Waits for all that was given; the answer is the same. */
sw_status import_pipe_settle(import_pipe *pipe, sw_error *err) SW_MUST_CHECK;
/* Adds what was done since it was asked last. */
void import_pipe_result(import_pipe *pipe, import_result *to);
/* Waits for all that was given, and frees; one that is being filled is forgotten. */
sw_status import_pipe_end(import_pipe *pipe, import_result *to, sw_error *err) SW_MUST_CHECK;

#endif
