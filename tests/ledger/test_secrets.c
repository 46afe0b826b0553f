/* SPDX-License-Identifier: Apache-2.0 */
/* Secrets of providers: they go in and never come out but by the verb that opens them; where the key that seals them
 * comes from, and that another one opens nothing.
 */
#include "tests/lib/lt.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static sw_str secret_of(lt *t, sw_str id, int field)
{
    sw_str out = SW_NULL_STR;
    OK(sw_provider_secret(t->ledger, &t->a, id, field, t->memory, &out, &t->err));
    return out;
}

static void no_secret(const sw_provider *p)
{
    CHECK(!p->api_key.ptr && !p->access_key.ptr && !p->api_key_enc.ptr && !p->access_key_enc.ptr);
}

/* Whether the bytes are anywhere in the store's files. */
static bool on_disk(const lt *t, const char *text)
{
    char command[800];
    snprintf(command, sizeof command, "grep -qa '%s' '%s'/*", text, t->dir);
    return t->on_disk && system(command) == 0;
}

static void secrets_go_in_and_stay_in(lt *t)
{
    sw_provider p = {.id = lt_id(t, "provider", 1), .name = SW_STR("visible-name")}, got, v = {0};
    sw_outcome o;
    lt_rows rows;
    sw_str out = SW_NULL_STR;
    p.api_key = SW_STR("sk-very-secret-1");
    OK(sw_record_create(t->ledger, &t->a, SW_RECORD_PROVIDER, &p, &o, &t->err));
    OK(sw_get(t->ledger, &t->a, SW_RECORD_PROVIDER, p.id, t->memory, &got, &t->err));
    no_secret(&got);
    rows = lt_list(t, &t->a, SW_RECORD_PROVIDER, NULL);
    SAME(rows.count, 1);
    no_secret(rows.at[0]);
    TEXT(secret_of(t, p.id, SW_PROVIDER_API_KEY), "sk-very-secret-1");
    IS(SW_STATUS_NOT_FOUND, sw_provider_secret(t->ledger, &t->a, p.id, SW_PROVIDER_ACCESS_KEY,
                                               t->memory, &out, &t->err));
    OK(sw_record_create(t->ledger, &t->a, SW_RECORD_PROVIDER, &p, &o, &t->err));
    VERDICT(o, UNCHANGED);
    p.api_key = SW_STR("sk-very-secret-0");
    IS(SW_STATUS_CONFLICT, sw_record_create(t->ledger, &t->a, SW_RECORD_PROVIDER, &p, &o, &t->err));
    VERDICT(o, CONFLICT);
    v.api_key = SW_STR("sk-very-secret-2");
    v.access_key = SW_STR("ak-very-secret-3");
    OK(sw_record_update(t->ledger, &t->a, SW_RECORD_PROVIDER, p.id, &v,
                        SW_FIELD_BIT(SW_PROVIDER_API_KEY) | SW_FIELD_BIT(SW_PROVIDER_ACCESS_KEY),
                        &o, &t->err));
    VERDICT(o, UPDATED);
    TEXT(secret_of(t, p.id, SW_PROVIDER_API_KEY), "sk-very-secret-2");
    TEXT(secret_of(t, p.id, SW_PROVIDER_ACCESS_KEY), "ak-very-secret-3");
    CHECK(!on_disk(t, "very-secret"));
    CHECK(!t->on_disk || on_disk(t, "visible-name"));
    IS(SW_STATUS_NOT_FOUND,
       sw_provider_secret(t->ledger, &t->b, p.id, SW_PROVIDER_API_KEY, t->memory, &out, &t->err));
}

static void without_a_key_secrets_are_refused(lt *t)
{
    sw_provider p = {.id = lt_id(t, "provider", 1), .name = SW_STR("p")};
    sw_ledger_options options = {.store = t->url};
    sw_ledger *plain = NULL;
    sw_actor nobody = {0};
    sw_outcome o;
    sw_status s = SW_STATUS_OK;
    unsetenv("STEPWELL_SECRET_KEY");
    unsetenv("STEPWELL_SECRET_KEY_FILE");
    OK(sw_ledger_open(&options, &plain, &t->err));
    p.access_key = SW_STR("secret");
    s = sw_record_create(plain, &nobody, SW_RECORD_PROVIDER, &p, &o, &t->err);
    CHECK(s == SW_STATUS_UNSUPPORTED || s == SW_STATUS_INVALID);
    VERDICT(o, REJECTED);
    NAMES(&t->err, "access_key");
    p.access_key = SW_NULL_STR;
    OK(sw_record_create(plain, &nobody, SW_RECORD_PROVIDER, &p, &o, &t->err));
    sw_ledger_close(&plain);
}

static bool file_holds(const char *path, const char *needle, size_t len)
{
    FILE *file = fopen(path, "rb");
    size_t match = 0;
    for (int c = 0; file && match < len && (c = fgetc(file)) != EOF;) {
        match = c == needle[match] ? match + 1 : c == needle[0];
    }
    assert_non_null(file);
    (void)fclose(file);
    return match == len;
}

/* A server that was told no key makes one beside the store, for its owner alone, and finds it again; what the
 * environment says comes first; a damaged one is told, not replaced. In memory the key ends with the store. */
static void a_key_is_kept_beside_the_store(lt *t)
{
    sw_provider p = {.id = lt_id(t, "provider", 1), .name = SW_STR("p"), .api_key = SW_STR("mine")};
    sw_ledger_options options = {.store = t->url, .keep_secret_key = true};
    const char *store = t->on_disk ? t->url + strlen("sqlite:") : "";
    sw_str path = pool_printf(t->pool, "%s.key", store);
    char key[66] = "";
    struct stat info;
    sw_ledger *plain = NULL;
    sw_str out = SW_NULL_STR;
    sw_outcome o;
    lt_close(t);
    unsetenv("STEPWELL_SECRET_KEY");
    unsetenv("STEPWELL_SECRET_KEY_FILE");
    for (int i = 0; i < (t->on_disk ? 2 : 1); i++) {
        OK(sw_ledger_open(&options, &plain, &t->err));
        OK(sw_record_create(plain, NULL, SW_RECORD_PROVIDER, &p, &o, &t->err));
        CHECK(o.verdict == (i ? SW_VERDICT_UNCHANGED : SW_VERDICT_CREATED));
        OK(sw_provider_secret(plain, NULL, p.id, SW_PROVIDER_API_KEY, t->memory, &out, &t->err));
        TEXT(out, "mine");
        sw_ledger_close(&plain);
    }
    if (t->on_disk) {
        FILE *file = fopen(path.ptr, "r");
        assert_non_null(file);
        CHECK(fgets(key, sizeof key, file) && strlen(key) == 65 && key[64] == '\n');
        (void)fclose(file);
        SAME(stat(path.ptr, &info), 0);
        SAME(info.st_mode & 0777, 0600);
        CHECK(!file_holds(store, key, 64));
        SAME(truncate(path.ptr, 10), 0);
        IS(SW_STATUS_INVALID, sw_ledger_open(&options, &plain, &t->err));
        NAMES(&t->err, "64");
        setenv("STEPWELL_SECRET_KEY",
               "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef", 1);
        OK(sw_ledger_open(&options, &plain, &t->err));
        sw_ledger_close(&plain);
        unsetenv("STEPWELL_SECRET_KEY");
        SAME(unlink(path.ptr), 0);
    }
}

static void another_key_opens_nothing(lt *t)
{
    static const uint8_t other[32] = "another key";
    sw_provider p = {.id = lt_id(t, "provider", 1), .name = SW_STR("p"), .api_key = SW_STR("mine")};
    sw_str out = SW_NULL_STR;
    sw_outcome o;
    OK(sw_record_create(t->ledger, &t->a, SW_RECORD_PROVIDER, &p, &o, &t->err));
    lt_close(t);
    t->options.secret_key = other;
    lt_open(t);
    CHECK(sw_provider_secret(t->ledger, &t->a, p.id, SW_PROVIDER_API_KEY, t->memory, &out,
                             &t->err) != SW_STATUS_OK);
    CHECK(!out.ptr);
}

static const lt_case cases[] = {
    {"secrets go in and stay in", secrets_go_in_and_stay_in, 0},
    {"without a key secrets are refused", without_a_key_secrets_are_refused, 0},
    {"a key is kept beside the store", a_key_is_kept_beside_the_store, 0},
    {"another key opens nothing", another_key_opens_nothing, LT_DISK},
};

LT_MAIN("secrets", cases)
