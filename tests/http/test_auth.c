/* SPDX-License-Identifier: Apache-2.0 */
/* Who may do what, and where deliveries may go: each decision as a table of cases with the answer that the
 * rule in words demands. The address blocks are those of IANA's special-purpose registries; the signature
 * was computed by another program.
 */
#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "http/auth.h"
#include "http/hooks.h"

static sw_str str(const char *text)
{
    return sw_str_from(text);
}

static void same(sw_str got, const char *expected, const char *what)
{
    if (!sw_str_eq(got, sw_str_from(expected))) {
        fail_msg("%s: got %.*s", what, (int)got.len, got.ptr ? got.ptr : "");
    }
}

/* ---- secrets --------------------------------------------------------------------------------------- */

static void test_secret(void **state)
{
    static const struct {
        const char *authorization;
        const char *bare;
        const char *secret;
    } rows[] = {
        {"Bearer abc", NULL, "abc"},
        {"bearer abc", NULL, "abc"},
        {"BEARER   abc  ", NULL, "abc"},
        {"Bearer", NULL, NULL},
        {"Bearer ", NULL, NULL},
        {"Bearerabc", NULL, NULL},
        {"Basic abc", NULL, NULL},
        {"", NULL, NULL},
        {NULL, NULL, NULL},
        {NULL, "password abc", "abc"},
        {NULL, "abc", NULL},
        {"Basic xyz", "password abc", "abc"},
        {"Bearer first", "password second", "first"},
    };
    (void)state;
    for (size_t i = 0; i < SW_COUNT(rows); i++) {
        same(sw_auth_secret(str(rows[i].authorization), str(rows[i].bare)), rows[i].secret,
             rows[i].authorization ? rows[i].authorization : "none");
    }
}

/* ---- names ----------------------------------------------------------------------------------------- */

static void test_host_name(void **state)
{
    static const struct {
        const char *host;
        const char *name;
    } rows[] = {
        {"localhost", "localhost"},
        {"localhost:8283", "localhost"},
        {"127.0.0.1:1", "127.0.0.1"},
        {"[::1]", "::1"},
        {"[::1]:8283", "::1"},
        {"a.example", "a.example"},
        {"a:b", NULL},
        {"a:80:90", NULL},
        {":80", NULL},
        {"[::1", NULL},
        {"[]", NULL},
        {"[::1]x", NULL},
        {"[::1]:x", NULL},
        {"", NULL},
        {NULL, NULL},
        {"a:123456", NULL},
    };
    (void)state;
    for (size_t i = 0; i < SW_COUNT(rows); i++) {
        same(sw_host_name(str(rows[i].host)), rows[i].name, rows[i].host ? rows[i].host : "none");
    }
}

static void test_cookie_name(void **state)
{
    static const struct {
        const char *host;
        const char *name;
    } rows[] = {
        {"localhost", "stepwell_session"},
        {"localhost:8283", "stepwell_session_8283"},
        {"127.0.0.1:1", "stepwell_session_1"},
        {"[::1]", "stepwell_session"},
        {"[::1]:65535", "stepwell_session_65535"},
        {"a1.example:80", "stepwell_session_80"},
        {"a1.example", "stepwell_session"},
        {"a.example:", "stepwell_session"},
        {"a.example:123456", "stepwell_session"},
        {"a.example:8a", "stepwell_session"},
        {"", "stepwell_session"},
        {NULL, "stepwell_session"},
    };
    (void)state;
    for (size_t i = 0; i < SW_COUNT(rows); i++) {
        char at[SW_COOKIE_TEXT];
        same(sw_auth_cookie_name(str(rows[i].host), at), rows[i].name,
             rows[i].host ? rows[i].host : "none");
    }
}

static void test_host_allowed(void **state)
{
    static const struct {
        const char *listen;
        const char *allowed;
        const char *host;
        bool fine;
    } rows[] = {
        {"127.0.0.1:8283", NULL, "127.0.0.1:8283", true},
        {"127.0.0.1:8283", NULL, "127.9.9.9", true},
        {"127.0.0.1:8283", NULL, "localhost:8283", true},
        {"127.0.0.1:8283", NULL, "LOCALHOST", true},
        {"127.0.0.1:8283", NULL, "[::1]:8283", true},
        {"127.0.0.1:8283", NULL, "evil.example", false},
        {"127.0.0.1:8283", NULL, "localhost.evil.example", false},
        {"127.0.0.1:8283", NULL, "127.0.0.1.evil.example", false},
        {"127.0.0.1:8283", NULL, "192.168.1.7", false},
        {"127.0.0.1:8283", NULL, "", false},
        {"127.0.0.1:8283", NULL, NULL, false},
        {"127.0.0.1:8283", "well.example, other.example", "well.example:443", true},
        {"127.0.0.1:8283", "well.example, other.example", "Other.Example", true},
        {"127.0.0.1:8283", "well.example, other.example", "example", false},
        {"127.0.0.1:8283", "well.example", "a.well.example", false},
        {"192.168.1.7:80", NULL, "192.168.1.7:80", true},
        {"192.168.1.7:80", NULL, "192.168.1.8:80", false},
        {"0.0.0.0:80", NULL, "192.168.1.8:80", true},
        {"0.0.0.0:80", NULL, "evil.example", false},
        {":80", NULL, "10.0.0.1", true},
        {"[::]:80", NULL, "[fe80::1]:80", true},
        {"[::1]:80", NULL, "127.0.0.1", true},
        {"well.example:80", NULL, "well.example", true},
    };
    (void)state;
    for (size_t i = 0; i < SW_COUNT(rows); i++) {
        sw_settings settings = {.listen = rows[i].listen, .allowed_hosts = rows[i].allowed};
        sw_gate gate = sw_gate_of(&settings);
        if (sw_host_allowed(&gate, str(rows[i].host)) != rows[i].fine) {
            fail_msg("%s at %s", rows[i].host ? rows[i].host : "none", rows[i].listen);
        }
    }
}

/* ---- pages ----------------------------------------------------------------------------------------- */

static void test_origin(void **state)
{
    static const char host[] = "127.0.0.1:8283";
    static const struct {
        const char *listed;
        const char *origin;
        const char *site;
        bool fine;
    } rows[] = {
        {NULL, NULL, NULL, true}, /* a program */
        {NULL, NULL, "none", true},
        {NULL, NULL, "same-origin", true},
        {NULL, NULL, "same-site", false},
        {NULL, NULL, "cross-site", false},
        {NULL, NULL, "nonsense", false},
        {NULL, "http://127.0.0.1:8283", NULL, true},
        {NULL, "http://127.0.0.1:8283", "same-origin", true},
        {NULL, "https://127.0.0.1:8283", NULL, true},
        {NULL, "http://127.0.0.1:8283", "cross-site", false},
        {NULL, "http://127.0.0.1:8284", NULL, false},
        {NULL, "http://127.0.0.1", NULL, false},
        {NULL, "http://localhost:8283", NULL, false},
        {NULL, "http://evil.example", NULL, false},
        {NULL, "http://evil.example/127.0.0.1:8283", NULL, false},
        {NULL, "null", NULL, false},
        {NULL, "", NULL, false},
        {"https://app.example", "https://app.example", "cross-site", true},
        {"https://app.example", "https://app.example", NULL, true},
        {"https://app.example", "http://app.example", "cross-site", false},
        {"https://app.example", "https://app.example.evil.example", NULL, false},
        {"https://app.example", NULL, "cross-site", false},
    };
    (void)state;
    for (size_t i = 0; i < SW_COUNT(rows); i++) {
        sw_settings settings = {.listen = host, .cors_origins = rows[i].listed};
        sw_gate gate = sw_gate_of(&settings);
        if (sw_origin_may_write(&gate, str(host), str(rows[i].origin), str(rows[i].site)) !=
            rows[i].fine) {
            fail_msg("row %zu: %s", i, rows[i].origin ? rows[i].origin : "none");
        }
    }
}

/* ---- scopes ---------------------------------------------------------------------------------------- */

static void test_scopes(void **state)
{
    (void)state;
    assert_int_equal(sw_scopes_of(SW_STR("[]")), 0);
    assert_int_equal(sw_scopes_of(SW_NULL_STR), 0);
    assert_int_equal(sw_scopes_of(SW_STR("[\"read\"]")), 1U << SW_SCOPE_READ);
    assert_int_equal(sw_scopes_of(SW_STR("[\"reader\",\"ingest\"]")), 1U << SW_SCOPE_INGEST);
    assert_int_equal(sw_scopes_of(SW_STR("[\"ingest\",\"read\",\"write\",\"admin\"]")),
                     SW_SCOPES_ALL);
}

/* Each need with each single scope: exactly its own and admin will do. */
static void test_needs(void **state)
{
    static const struct {
        sw_need need;
        uint32_t enough;
    } rows[] = {
        {SW_NEED_NONE, SW_SCOPES_ALL},
        {SW_NEED_INGEST, 1U << SW_SCOPE_INGEST | 1U << SW_SCOPE_ADMIN},
        {SW_NEED_READ, 1U << SW_SCOPE_READ | 1U << SW_SCOPE_ADMIN},
        {SW_NEED_WRITE, 1U << SW_SCOPE_WRITE | 1U << SW_SCOPE_ADMIN},
        {SW_NEED_ADMIN, 1U << SW_SCOPE_ADMIN},
        {SW_NEED_OPERATOR, 1U << SW_SCOPE_ADMIN},
    };
    (void)state;
    for (size_t i = 0; i < SW_COUNT(rows); i++) {
        for (unsigned s = 0; s < SW_SCOPE_COUNT; s++) {
            sw_standing one = {.scopes = 1U << s, .house = true, .whole = true};
            assert_int_equal(!sw_need_missing(rows[i].need, one), rows[i].enough >> s & 1U);
        }
        sw_standing none = {.house = true, .whole = true};
        assert_int_equal(!sw_need_missing(rows[i].need, none), rows[i].need == SW_NEED_NONE);
    }
    sw_standing foreign = {.scopes = SW_SCOPES_ALL, .whole = true};
    assert_null(sw_need_missing(SW_NEED_ADMIN, foreign));
    assert_non_null(sw_need_missing(SW_NEED_OPERATOR, foreign));
    sw_standing limited = {.scopes = SW_SCOPES_ALL, .house = true};
    assert_null(sw_need_missing(SW_NEED_READ, limited));
    assert_non_null(sw_need_missing(SW_NEED_ADMIN, limited));
    assert_non_null(sw_need_missing(SW_NEED_OPERATOR, limited));
}

/* ---- how often ------------------------------------------------------------------------------------- */

/* Against a count of whole and broken tokens, the way the rule is told: one a 1/N second, at most N. */
static void test_bucket(void **state)
{
    static const int64_t rates[] = {1, 3, 10, 1000};
    (void)state;
    for (size_t i = 0; i < SW_COUNT(rates); i++) {
        int64_t rate = rates[i];
        int64_t one_ns = 1000000000 / rate;
        int64_t full_at = 0;
        int64_t now = INT64_C(5000000000);
        for (int64_t k = 0; k < rate; k++) {
            assert_int_equal(sw_bucket_take(&full_at, rate, now), 0);
        }
        assert_int_equal(sw_bucket_take(&full_at, rate, now), one_ns);
        assert_int_equal(sw_bucket_take(&full_at, rate, now + one_ns - 1), 1);
        assert_int_equal(sw_bucket_take(&full_at, rate, now + one_ns), 0);
        assert_true(sw_bucket_take(&full_at, rate, now + one_ns) > 0);
        now += INT64_C(3600000000000);
        for (int64_t k = 0; k < rate; k++) {
            assert_int_equal(sw_bucket_take(&full_at, rate, now), 0);
        }
        assert_true(sw_bucket_take(&full_at, rate, now) > 0);
    }
}

static void test_buckets(void **state)
{
    sw_buckets *buckets = calloc(1, sizeof *buckets);
    (void)state;
    assert_non_null(buckets);
    int64_t *first = sw_buckets_find(buckets, 7);
    *first = 100;
    assert_ptr_equal(sw_buckets_find(buckets, 7), first);
    /* Fuller ones of the same set make room; the emptiest stays. */
    for (uint64_t k = 1; k < 20; k++) {
        int64_t *other = sw_buckets_find(buckets, 7 + k * SW_BUCKET_SETS);
        assert_ptr_not_equal(other, first);
        assert_int_equal(*other, 0);
        *other = 50;
    }
    assert_int_equal(*sw_buckets_find(buckets, 7), 100);
    assert_true(sw_buckets_have(buckets, 7));
    assert_false(sw_buckets_have(buckets, 8));
    (void)sw_buckets_find(buckets, 8); /* made room for, and empty */
    assert_false(sw_buckets_have(buckets, 8));
    free(buckets);
}

static uint64_t group(const char *peer)
{
    return sw_address_group(sw_str_from(peer));
}

static void test_addresses(void **state)
{
    (void)state;
    assert_int_equal(group("192.0.2.1"), group("192.0.2.1"));
    assert_int_not_equal(group("192.0.2.1"), group("192.0.2.2"));
    assert_int_equal(group("::ffff:192.0.2.1"), group("192.0.2.1"));
    assert_int_equal(group("2001:db8:1:2::1"), group("2001:db8:1:2:ffff::9"));
    assert_int_not_equal(group("2001:db8:1:2::1"), group("2001:db8:1:3::1"));
}

/* ---- where deliveries go --------------------------------------------------------------------------- */

static bool allowed(const char *text)
{
    struct sockaddr_in in = {.sin_family = AF_INET};
    struct sockaddr_in6 in6 = {.sin6_family = AF_INET6};
    if (inet_pton(AF_INET, text, &in.sin_addr) == 1) {
        return sw_target_allowed((const struct sockaddr *)&in);
    }
    assert_int_equal(inet_pton(AF_INET6, text, &in6.sin6_addr), 1);
    return sw_target_allowed((const struct sockaddr *)&in6);
}

static void test_targets(void **state)
{
    static const char *const fine[] = {
        "1.1.1.1",        "8.8.8.8",          "9.255.255.255",   "11.0.0.0",     "100.63.255.255",
        "100.128.0.0",    "126.255.255.255",  "128.0.0.0",       "169.253.1.1",  "169.255.0.0",
        "172.15.255.255", "172.32.0.0",       "192.167.1.1",     "192.169.0.0",  "198.17.255.255",
        "198.20.0.0",     "223.255.255.255",  "2606:4700::1",    "2a00:1450::1", "2001:200::1",
        "::ffff:8.8.8.8", "64:ff9b::808:808", "2002:808:808::1",
    };
    static const char *const refused[] = {
        "0.0.0.0",
        "10.0.0.1",
        "10.255.255.255",
        "100.64.0.1",
        "100.127.255.255",
        "127.0.0.1",
        "127.255.255.255",
        "169.254.169.254",
        "172.16.0.1",
        "172.31.255.255",
        "192.0.0.8",
        "192.0.2.1",
        "192.168.0.1",
        "198.18.0.1",
        "198.19.255.255",
        "198.51.100.1",
        "203.0.113.1",
        "224.0.0.1",
        "239.255.255.255",
        "240.0.0.1",
        "255.255.255.255",
        "::",
        "::1",
        "fc00::1",
        "fd12:3456::1",
        "fe80::1",
        "febf::1",
        "fec0::1",
        "ff02::1",
        "2001:db8::1",
        "2001::1",
        "100::1",
        "::ffff:127.0.0.1",
        "::ffff:10.0.0.1",
        "::127.0.0.1",
        "64:ff9b::7f00:1",
        "64:ff9b:1::1",
        "2002:7f00:1::1",
        "2002:a00:1::1",
    };
    (void)state;
    for (size_t i = 0; i < SW_COUNT(fine); i++) {
        if (!allowed(fine[i])) {
            fail_msg("%s is public", fine[i]);
        }
    }
    for (size_t i = 0; i < SW_COUNT(refused); i++) {
        if (allowed(refused[i])) {
            fail_msg("%s is not public", refused[i]);
        }
    }
    struct sockaddr other = {.sa_family = AF_UNIX};
    assert_false(sw_target_allowed(&other));
}

/* The value was computed with another implementation (Python's hmac) from the rule in docs/webhooks.md. */
static void test_signature(void **state)
{
    char out[SW_SIGNATURE_TEXT];
    (void)state;
    sw_signature(SW_STR("whsec_example"), SW_STR("delivery-123e4567-e89b-42d3-8456-426614174000"),
                 1700000000, SW_STR("{\"a\":1}"), out);
    assert_string_equal(
        out, "t=1700000000,v1=c4b1391229de0b6f5b95a1e155aea62be66a8c9de694d2bdf2a37cb29f7f04b2");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_secret),      cmocka_unit_test(test_host_name),
        cmocka_unit_test(test_cookie_name), cmocka_unit_test(test_host_allowed),
        cmocka_unit_test(test_origin),      cmocka_unit_test(test_scopes),
        cmocka_unit_test(test_needs),       cmocka_unit_test(test_bucket),
        cmocka_unit_test(test_buckets),     cmocka_unit_test(test_addresses),
        cmocka_unit_test(test_targets),     cmocka_unit_test(test_signature),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
