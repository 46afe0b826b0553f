/* SPDX-License-Identifier: Apache-2.0 */
#include "http/curl.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stdbool.h>
#include <string.h>

static struct {
    pthread_once_t once;
    bool there;
    sw_curl_table table;
} curl = {.once = PTHREAD_ONCE_INIT};

/* An address of the library as a function, which C has no cast for. */
static bool find(void *library, const char *name, void *function)
{
    void *address = dlsym(library, name);
    memcpy(function, &address, sizeof address);
    return address != NULL;
}

/* Debian's name for it, then everybody's; both are the same interface. */
static void load(void)
{
    void *library = dlopen("libcurl-gnutls.so.4", RTLD_LAZY | RTLD_LOCAL);
    library = library ? library : dlopen("libcurl.so.4", RTLD_LAZY | RTLD_LOCAL);
    curl.there = library != NULL;
#define SW_CURL_FIND(name)                                                                         \
    curl.there = curl.there && find(library, "curl_" #name, &curl.table.name);
    SW_CURL_FUNCTIONS(SW_CURL_FIND)
#undef SW_CURL_FIND
}

const sw_curl_table *sw_curl(void)
{
    (void)pthread_once(&curl.once, load);
    return curl.there ? &curl.table : NULL;
}
