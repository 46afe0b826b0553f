/* SPDX-License-Identifier: Apache-2.0 */
/* The decisions about callers, as pure functions: no request, no ledger, no clock. */
#include <arpa/inet.h>
#include <ctype.h>
#include <stdio.h>
#include <strings.h>

#include "http/auth.h"

/* ---- texts ----------------------------------------------------------------------------------------- */

static bool same_word(sw_str a, sw_str b)
{
    return a.ptr && b.ptr && a.len == b.len && strncasecmp(a.ptr, b.ptr, a.len) == 0;
}

static sw_str trimmed(sw_str text)
{
    while (text.len > 0 && (*text.ptr == ' ' || *text.ptr == '\t')) {
        text.ptr++;
        text.len--;
    }
    while (text.len > 0 && (text.ptr[text.len - 1] == ' ' || text.ptr[text.len - 1] == '\t')) {
        text.len--;
    }
    return text;
}

/* Whether one of the words of a list with commas is this one, in any case. */
static bool listed(sw_str list, sw_str word)
{
    const char *at = list.ptr;
    const char *end = list.ptr ? list.ptr + list.len : NULL;
    bool found = false;
    while (at && !found) {
        const char *comma = memchr(at, ',', (size_t)(end - at));
        const char *stop = comma ? comma : end;
        found = same_word(trimmed(sw_str_make(at, (size_t)(stop - at))), word);
        at = comma ? comma + 1 : NULL;
    }
    return found;
}

/* What follows `scheme` and blanks; null when the text begins otherwise or nothing follows. */
static sw_str after_scheme(sw_str text, sw_str scheme)
{
    if (!text.ptr || text.len <= scheme.len || text.ptr[scheme.len] != ' ' ||
        !same_word(sw_str_make(text.ptr, scheme.len), scheme)) {
        return SW_NULL_STR;
    }
    sw_str rest = trimmed(sw_str_make(text.ptr + scheme.len, text.len - scheme.len));
    return rest.len > 0 ? rest : SW_NULL_STR;
}

sw_str sw_auth_secret(sw_str authorization, sw_str bare_password)
{
    sw_str secret = after_scheme(authorization, SW_STR("Bearer"));
    return secret.ptr ? secret : after_scheme(bare_password, SW_STR("password"));
}

sw_str sw_auth_cookie(sw_str cookies, sw_str name)
{
    const char *at = cookies.ptr;
    const char *end = cookies.ptr ? cookies.ptr + cookies.len : NULL;
    while (at) {
        const char *semicolon = memchr(at, ';', (size_t)(end - at));
        sw_str one = trimmed(sw_str_make(at, (size_t)((semicolon ? semicolon : end) - at)));
        if (one.len > name.len && one.ptr[name.len] == '=' &&
            memcmp(one.ptr, name.ptr, name.len) == 0) {
            return sw_str_make(one.ptr + name.len + 1, one.len - name.len - 1);
        }
        at = semicolon ? semicolon + 1 : NULL;
    }
    return SW_NULL_STR;
}

/* ---- names ----------------------------------------------------------------------------------------- */

enum { ADDRESS_TEXT = 64 };

/* An address as bytes, 4 or 16 of them; 0: it is a name. */
static size_t address_of(sw_str name, uint8_t out[16])
{
    char text[ADDRESS_TEXT];
    if (name.len == 0 || name.len >= sizeof text) {
        return 0;
    }
    memcpy(text, name.ptr, name.len);
    text[name.len] = '\0';
    if (inet_pton(AF_INET, text, out) == 1) {
        return 4;
    }
    return inet_pton(AF_INET6, text, out) == 1 ? 16 : 0;
}

static bool is_loopback(sw_str name)
{
    static const uint8_t one[16] = {[15] = 1};
    uint8_t address[16];
    size_t size = address_of(name, address);
    return (size == 4 && address[0] == 127) || (size == 16 && memcmp(address, one, 16) == 0) ||
           same_word(name, SW_STR("localhost"));
}

static bool is_every(sw_str name)
{
    return name.len == 0 || sw_str_eq(name, SW_STR("0.0.0.0")) || sw_str_eq(name, SW_STR("::")) ||
           sw_str_eq(name, SW_STR("*"));
}

static bool is_port(sw_str text)
{
    for (size_t i = 0; i < text.len; i++) {
        if (!isdigit((unsigned char)text.ptr[i])) {
            return false;
        }
    }
    return text.len <= 5;
}

/* "[::1]:80" */
static sw_str bracketed(sw_str host)
{
    const char *close = memchr(host.ptr, ']', host.len);
    if (!close) {
        return SW_NULL_STR;
    }
    sw_str name = {host.ptr + 1, (size_t)(close - host.ptr) - 1};
    sw_str rest = {close + 1, (size_t)(host.ptr + host.len - close) - 1};
    bool fine =
        rest.len == 0 || (*rest.ptr == ':' && is_port(sw_str_make(rest.ptr + 1, rest.len - 1)));
    return fine && name.len > 0 ? name : SW_NULL_STR;
}

sw_str sw_host_name(sw_str host)
{
    if (!host.ptr || host.len == 0) {
        return SW_NULL_STR;
    }
    if (*host.ptr == '[') {
        return bracketed(host);
    }
    const char *colon = memchr(host.ptr, ':', host.len);
    if (!colon) {
        return host;
    }
    sw_str name = {host.ptr, (size_t)(colon - host.ptr)};
    sw_str port = {colon + 1, host.len - name.len - 1};
    return name.len > 0 && is_port(port) ? name : SW_NULL_STR;
}

/* The digits behind the name; empty where there are none. */
static sw_str port_of(sw_str host)
{
    sw_str name = sw_host_name(host);
    size_t at = name.ptr ? (size_t)(name.ptr - host.ptr) + name.len : host.len;
    while (at < host.len && !isdigit((unsigned char)host.ptr[at])) {
        at++; /* "]" and ":" */
    }
    return host.ptr ? sw_str_make(host.ptr + at, host.len - at) : SW_STR("");
}

sw_str sw_auth_cookie_name(sw_str host, char out[SW_COOKIE_TEXT])
{
    sw_str port = port_of(host);
    int len = snprintf(out, SW_COOKIE_TEXT, "%s%s%.*s", SW_SESSION_COOKIE, port.len ? "_" : "",
                       (int)port.len, port.ptr);
    return sw_str_make(out, (size_t)len);
}

sw_gate sw_gate_of(const sw_settings *settings)
{
    sw_str listen = sw_str_from(settings->listen ? settings->listen : "");
    sw_str name = sw_host_name(listen);
    bool port_only = !name.ptr || is_port(listen);
    sw_gate gate = {.address = port_only ? SW_STR("") : name,
                    .hosts = sw_str_from(settings->allowed_hosts),
                    .origins = sw_str_from(settings->cors_origins)};
    gate.every = is_every(gate.address);
    return gate;
}

bool sw_host_allowed(const sw_gate *gate, sw_str host)
{
    uint8_t address[16];
    sw_str name = sw_host_name(host);
    if (!name.ptr) {
        return false;
    }
    return is_loopback(name) || same_word(name, gate->address) ||
           (gate->every && address_of(name, address) > 0) || listed(gate->hosts, name);
}

/* ---- pages ----------------------------------------------------------------------------------------- */

bool sw_origin_listed(const sw_gate *gate, sw_str origin)
{
    return origin.ptr && origin.len > 0 && listed(gate->origins, origin);
}

/* "http://HOST" or "https://HOST", with the very host that the request came to. */
static bool own_origin(sw_str host, sw_str origin)
{
    static const char *const schemes[] = {"http://", "https://"};
    for (size_t i = 0; i < SW_COUNT(schemes); i++) {
        size_t skip = strlen(schemes[i]);
        if (origin.len > skip && memcmp(origin.ptr, schemes[i], skip) == 0) {
            return same_word(sw_str_make(origin.ptr + skip, origin.len - skip), host);
        }
    }
    return false;
}

bool sw_origin_may_write(const sw_gate *gate, sw_str host, sw_str origin, sw_str fetch_site)
{
    if (sw_origin_listed(gate, origin)) {
        return true;
    }
    if (origin.ptr && !own_origin(host, origin)) {
        return false;
    }
    return !fetch_site.ptr || same_word(fetch_site, SW_STR("same-origin")) ||
           same_word(fetch_site, SW_STR("none"));
}

/* ---- scopes ---------------------------------------------------------------------------------------- */

uint32_t sw_scopes_of(sw_str words)
{
    uint32_t scopes = 0;
    const sw_enum_info *list = &sw__enums[SW_ENUM_scope];
    for (size_t i = 0; words.ptr && i < list->count; i++) {
        if (sw_tags_have(words, sw_str_from(list->words[i]))) {
            scopes |= 1U << i;
        }
    }
    return scopes;
}

const char *sw_need_missing(sw_need need, sw_standing standing)
{
    bool admin = standing.scopes >> SW_SCOPE_ADMIN & 1U;
    switch (need) {
    case SW_NEED_NONE:
        return NULL;
    case SW_NEED_INGEST:
        return admin || standing.scopes >> SW_SCOPE_INGEST & 1U
                   ? NULL
                   : "This key lacks the scope 'ingest'";
    case SW_NEED_READ:
        return admin || standing.scopes >> SW_SCOPE_READ & 1U ? NULL
                                                              : "This key lacks the scope 'read'";
    case SW_NEED_WRITE:
        return admin || standing.scopes >> SW_SCOPE_WRITE & 1U ? NULL
                                                               : "This key lacks the scope 'write'";
    case SW_NEED_ADMIN:
    case SW_NEED_OPERATOR:
        break;
    }
    if (!admin) {
        return "This key lacks the scope 'admin'";
    }
    if (!standing.whole) {
        return "This needs the scope 'admin' of a key that is not limited to a project";
    }
    return need == SW_NEED_ADMIN || standing.house
               ? NULL
               : "This needs the scope 'admin' of a key of the default organization";
}

/* ---- how often ------------------------------------------------------------------------------------- */

int64_t sw_bucket_take(int64_t *full_at_ns, int64_t per_second, int64_t now_ns)
{
    const int64_t second_ns = 1000000000;
    sw_assert(per_second > 0);
    int64_t one_ns = second_ns / per_second > 0 ? second_ns / per_second : 1;
    int64_t full_at = *full_at_ns > now_ns ? *full_at_ns : now_ns;
    int64_t wait = full_at + one_ns - now_ns - one_ns * per_second;
    if (wait > 0) {
        return wait;
    }
    *full_at_ns = full_at + one_ns;
    return 0;
}

int64_t *sw_buckets_find(sw_buckets *buckets, uint64_t who)
{
    size_t set = (size_t)(who % SW_BUCKET_SETS);
    size_t fullest = 0;
    for (size_t i = 0; i < SW_BUCKET_WAYS; i++) {
        if (buckets->sets[set][i].who == who) {
            return &buckets->sets[set][i].full_at_ns;
        }
        if (buckets->sets[set][i].full_at_ns < buckets->sets[set][fullest].full_at_ns) {
            fullest = i;
        }
    }
    buckets->sets[set][fullest].who = who;
    buckets->sets[set][fullest].full_at_ns = 0;
    return &buckets->sets[set][fullest].full_at_ns;
}

bool sw_buckets_have(const sw_buckets *buckets, uint64_t who)
{
    size_t set = (size_t)(who % SW_BUCKET_SETS);
    bool found = false;
    for (size_t i = 0; i < SW_BUCKET_WAYS; i++) {
        found = found || (buckets->sets[set][i].who == who && buckets->sets[set][i].full_at_ns > 0);
    }
    return found;
}

uint64_t sw_address_group(sw_str peer)
{
    static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
    uint8_t address[16] = {0};
    bool six = address_of(peer, address) == 16;
    if (six && memcmp(address, mapped, sizeof mapped) == 0) {
        return sw_hash(0, (const char *)address + sizeof mapped, 4);
    }
    return sw_hash(0, (const char *)address, six ? 8 : 4);
}
