/* SPDX-License-Identifier: Apache-2.0 */
/* libcurl, taken in when something is first sent. It brings some twenty libraries along, which would cost every start of
 * the program, statusline's too, 4 of 8 ms (docs/decisions/0005), and most starts send nothing. Only the types come from
 * its header; functions are called through the table.
 */
#ifndef SW_HTTP_CURL_H
#define SW_HTTP_CURL_H

#include <curl/curl.h>

#define SW_CURL_FUNCTIONS(F)                                                                       \
    F(global_init)                                                                                 \
    F(global_cleanup)                                                                              \
    F(getdate)                                                                                     \
    F(easy_init)                                                                                   \
    F(easy_cleanup)                                                                                \
    F(easy_setopt)                                                                                 \
    F(easy_getinfo)                                                                                \
    F(easy_perform)                                                                                \
    F(easy_strerror)                                                                               \
    F(multi_init)                                                                                  \
    F(multi_cleanup)                                                                               \
    F(multi_add_handle)                                                                            \
    F(multi_remove_handle)                                                                         \
    F(multi_info_read)                                                                             \
    F(multi_perform)                                                                               \
    F(multi_poll)                                                                                  \
    F(slist_append)                                                                                \
    F(slist_free_all)

typedef struct sw_curl_table {
#define SW_CURL_MEMBER(name) __typeof__(&curl_##name) name;
    SW_CURL_FUNCTIONS(SW_CURL_MEMBER)
#undef SW_CURL_MEMBER
} sw_curl_table;

/* The same table each time; NULL, each time, where there is no libcurl. From any thread. */
const sw_curl_table *sw_curl(void);

/* What to tell whoever asked for it then. */
#define SW_CURL_MISSING "libcurl is not installed (Debian: apt-get install libcurl3-gnutls)"

#endif
