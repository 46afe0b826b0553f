/* SPDX-License-Identifier: Apache-2.0 */
/* The dashboard as it is in the program: files that were bundled and packed when it was built (web/build.mjs), looked up
 * by name. Knows nothing of HTTP, and not what is in them.
 */
#ifndef SW_WEB_H
#define SW_WEB_H

#include "base/base.h"

/* The page that all addresses of the dashboard answer. */
#define SW_WEB_PAGE "index.html"

typedef struct sw_web_file {
    const char *name; /* NULL ends the table */
    const char *type; /* the media type */
    const char *hash; /* of the bytes, in hex */
    bool fixed;       /* the name has the hash in it: other bytes will have another name */
    sw_str plain;
    sw_str gzip;
    sw_str brotli;
} sw_web_file;

/* Written by web/build.mjs; without a dashboard (no_files.c) empty. */
extern const sw_web_file sw__web_files[];

/* NULL when there is none of that name. */
const sw_web_file *sw_web_find(sw_str name);

#endif
