/* SPDX-License-Identifier: Apache-2.0 */
/* Follows files and folders, and says when something in them changed. */
#ifndef SW_CLI_IMPORT_WATCH_H
#define SW_CLI_IMPORT_WATCH_H

#include <signal.h>

#include "base/base.h"

/* A path that need not be there yet; in its last name * stands for anything. */
typedef struct import_awaited {
    const char *path;
    int folder;  /* the watch of the nearest folder above it that is there; -1: none */
    sw_str next; /* what must come in that folder */
} import_awaited;

typedef struct import_watch {
    const char *const *paths;
    size_t count;
    import_awaited *awaited;
    size_t awaited_count;
    int births; /* tells of what is awaited, as notify tells of the paths */
    int notify; /* -1: the system does not tell */
    int stop;   /* becomes readable when it is to end */
    bool blind; /* not every folder is watched */
    bool
        soon; /* the last time there was trouble: again in some seconds, whether something is written or not */
    sigset_t before;
} import_watch;

/* From now on what is written below the paths is noticed, and SIGINT and SIGTERM only ask to end. To be called before
 * threads are started, which would take the signals. The paths are borrowed until import_watch_end. */
sw_status import_watch_begin(import_watch *w, const char *const *paths, size_t count,
                             sw_error *err) SW_MUST_CHECK;
/* From now on it is noticed as well when one of these comes. They are borrowed as the paths are. */
void import_watch_await(import_watch *w, import_awaited *awaited, size_t count);
/* From now on these paths. */
void import_watch_paths(import_watch *w, const char *const *paths, size_t count);
/* Whether it was asked to end. */
bool import_watch_ends(const import_watch *w);
/* Calls `again` whenever something was written to, and was then left alone for a moment; every few seconds where the
 * system does not tell. Until it is asked to end, which is OK, or `again` fails. */
sw_status import_watch_go_on(import_watch *w, sw_status (*again)(void *arg),
                             void *arg) SW_MUST_CHECK;
void import_watch_end(import_watch *w);

#endif
