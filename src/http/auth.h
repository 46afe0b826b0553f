/* SPDX-License-Identifier: Apache-2.0 */
/* Who may do what: the decisions, each a pure function of what the request says and what the settings
 * allow, and the little state that some of them need. auth.c asks them in order for each request; tests
 * ask them one by one, from tables.
 *
 * The order is the order of cost and of what may be told: the name the request came to (pages that
 * re-bind a name), the page it came from, the key, how often it came, the acting user, the scope.
 */
#ifndef SW_HTTP_AUTH_H
#define SW_HTTP_AUTH_H

#include <pthread.h>
#include <stdatomic.h>

#include "http/http.h"

/* ---- decisions (auth_rules.c) ---------------------------------------------------------------------- */

/* What the settings say about names and pages. Text is borrowed from the settings. */
typedef struct sw_gate {
    sw_str address; /* listened on, without port and brackets */
    bool every;     /* every address of the machine */
    sw_str hosts;   /* further names, with commas between */
    sw_str origins; /* pages that may call, with commas between */
} sw_gate;
sw_gate sw_gate_of(const sw_settings *settings);

/* The secret that a caller shows: `Bearer SECRET`, or V1's `X-BARE-PASSWORD: password SECRET`; null: none. */
sw_str sw_auth_secret(sw_str authorization, sw_str bare_password);

/* The value of a cookie in a Cookie header; null: it is not there. */
sw_str sw_auth_cookie(sw_str cookies, sw_str name);

enum { SW_COOKIE_TEXT = 32 };
/* The name of the cookie of sessions at the address in a Host header: browsers do not tell ports apart, so that the name
 * has to, else two servers of one machine take each other's sessions away. */
sw_str sw_auth_cookie_name(sw_str host, char out[SW_COOKIE_TEXT]);

/* The name in a Host header, without port and brackets; null when it is malformed. */
sw_str sw_host_name(sw_str host);
/* A page can make any name of its own mean this machine, but not an address: names must be listed. */
bool sw_host_allowed(const sw_gate *gate, sw_str host);

/* Whether the page is one of those configured. */
bool sw_origin_listed(const sw_gate *gate, sw_str origin);
/* Whether a write may come from where it came: from no page at all, from a page of this server, or from
 * one that is listed. Null texts are headers that were not sent. */
bool sw_origin_may_write(const sw_gate *gate, sw_str host, sw_str origin, sw_str fetch_site);

/* Scopes of a key as bits, from its JSON array of words; and all of them. */
uint32_t sw_scopes_of(sw_str words);
#define SW_SCOPES_ALL                                                                              \
    (1U << SW_SCOPE_INGEST | 1U << SW_SCOPE_READ | 1U << SW_SCOPE_WRITE | 1U << SW_SCOPE_ADMIN)

/* Whose key it is, as far as needs go. */
typedef struct sw_standing {
    uint32_t scopes;
    bool house; /* of the default organization */
    bool whole; /* not limited to a project */
} sw_standing;
/* What is missing for the need, as a sentence; NULL: nothing. */
const char *sw_need_missing(sw_need need, sw_standing standing);

/* A bucket of as many requests as flow in within a second, held as the time at which it will be full again.
 * Takes one and answers 0, or answers in how many nanoseconds there will be one. */
int64_t sw_bucket_take(int64_t *full_at_ns, int64_t per_second, int64_t now_ns);

/* ---- state ----------------------------------------------------------------------------------------- */

enum { SW_BUCKET_WAYS = 4, SW_BUCKET_SETS = SW_LIMIT_KEYS_PACED / SW_BUCKET_WAYS };
/* Buckets by key. A full bucket is the same as none, so that what is full makes room for others; when
 * nothing is full the fullest goes. */
typedef struct sw_buckets {
    struct {
        uint64_t who;
        int64_t full_at_ns;
    } sets[SW_BUCKET_SETS][SW_BUCKET_WAYS];
} sw_buckets;
int64_t *sw_buckets_find(sw_buckets *buckets, uint64_t who);
/* Whether there is one of that key, without making room for it. */
bool sw_buckets_have(const sw_buckets *buckets, uint64_t who);
/* Addresses that one person may have many of are one: a network of IPv6 (/64). */
uint64_t sw_address_group(sw_str peer);

typedef struct sw_auth {
    const sw_allocator *from;
    sw_ledger *ledger;
    sw_gate gate;
    bool local; /* only this machine reaches the server */
    int64_t per_second;
    _Atomic int64_t changed_us; /* when a key was made or revoked here last; 0: never */
    pthread_mutex_t lock;       /* of what follows */
    bool closed;                /* a key was seen: nobody is let in without, until the next start */
    int64_t asked_us;           /* when it was last looked for one */
    sw_buckets buckets;         /* by key: how often it asks */
    sw_buckets guesses;         /* by address: how often it shows keys that have not been good */
    sw_buckets good;            /* keys by their text, and when they were good last */
} sw_auth;
sw_status sw_auth_new(sw_ledger *ledger, const sw_allocator *from, const sw_settings *settings,
                      bool local, sw_auth **out, sw_error *err) SW_MUST_CHECK;
void sw_auth_free(sw_auth **auth);
/* Whether callers without a key are let in now: on loopback, while there has been no key. */
sw_status sw_auth_is_open(sw_auth *auth, bool *out, sw_error *err) SW_MUST_CHECK;
/* Whoever shows the secret (null text: none) from this address, with scopes and standing; also nobody, while callers
 * without a key are let in. NOT_FOUND: nobody is let in so; with `wait_ns` it was not looked, because too many keys that
 * are not known were shown from there. Texts live in `memory`. */
typedef struct sw_caller {
    sw_actor actor;
    sw_str key_id;
    sw_standing standing;
    int64_t wait_ns;
} sw_caller;
sw_status sw_auth_caller(sw_auth *auth, sw_str peer, sw_str secret, sw_memory *memory,
                         sw_caller *out, sw_error *err) SW_MUST_CHECK;
/* Whether that will be known without asking the store. */
bool sw_auth_caller_is_quick(sw_auth *auth, sw_str peer, sw_str secret);
/* Counts a request of the key: 0, or in how many nanoseconds it may come. */
int64_t sw_auth_pace(sw_auth *auth, sw_str key_id);
/* A key was made here: nobody is let in without any more. */
void sw_auth_close(sw_auth *auth);
/* A key was made or revoked here: whoever was let in before is asked about again. */
void sw_auth_changed(sw_auth *auth);

#endif
