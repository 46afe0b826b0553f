/* SPDX-License-Identifier: Apache-2.0 */
#include "http/curl.h"

#include <pthread.h>

#include "base/base.h"

/* Debian's name for it, then everybody's; both are the same interface. */
static const char *const files[] = {"libcurl-gnutls.so.4", "libcurl.so.4", NULL};

static const sw_late_function functions[] = {
#define SW_CURL_ROW(name) {"curl_" #name, offsetof(sw_curl_table, name)},
    SW_CURL_FUNCTIONS(SW_CURL_ROW)
#undef SW_CURL_ROW
};

static struct {
    pthread_once_t once;
    bool there;
    sw_curl_table table;
} curl = {.once = PTHREAD_ONCE_INIT};

static void load(void)
{
    curl.there = sw_library_take(files, functions, SW_COUNT(functions), &curl.table);
}

const sw_curl_table *sw_curl(void)
{
    (void)pthread_once(&curl.once, load);
    return curl.there ? &curl.table : NULL;
}
