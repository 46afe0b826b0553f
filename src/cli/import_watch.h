/* SPDX-License-Identifier: Apache-2.0 */
/* Follows files and folders, and says when something in them changed. */
#ifndef SW_CLI_IMPORT_WATCH_H
#define SW_CLI_IMPORT_WATCH_H

#include "base/base.h"

/* Calls `again` whenever something below the paths was written to, and was then left alone for a moment; every few
 * seconds where the system does not tell (POLL_SECONDS). Until interrupted (SIGINT, SIGTERM), which is OK, or `again`
 * fails. */
sw_status import_watch(const char *const *paths, size_t count, sw_status (*again)(void *arg),
                       void *arg, sw_error *err);

#endif
