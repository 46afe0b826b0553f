/* SPDX-License-Identifier: Apache-2.0 */
/* API keys: the text is shown once and opens what it says until it expires or is revoked; nothing
 * that is stored or read tells it. What is checked is remembered for a second, and a revocation
 * ends that at once.
 */
#include "tests/lib/lt.h"

#include <stdio.h>
#include <stdlib.h>

typedef struct made {
    char secret[SW_KEY_TEXT];
    sw_str id;
} made;

static made make(lt *t, const sw_actor *actor, const sw_api_key *row)
{
    made m = {.secret = ""};
    sw_outcome o;
    OK(sw_key_create(t->ledger, actor, row, m.secret, &o, &t->err));
    VERDICT(o, CREATED);
    CHECK(o.seq == lt_head(t, actor));
    m.id = pool_printf(t->pool, "%s", o.id);
    return m;
}

static sw_api_key plain(void)
{
    return (sw_api_key){.name = SW_STR("ci"), .scopes = SW_STR("[\"read\", \"ingest\"]")};
}

static sw_status check(lt *t, const char *secret, sw_api_key *out)
{
    return sw_key_check(t->ledger, sw_str_from(secret), t->memory, out, &t->err);
}

static void a_key_opens_what_it_says(lt *t)
{
    sw_api_key row = plain(), got;
    sw_user user = {.id = lt_id(t, "user", 5), .name = SW_STR("u")};
    sw_outcome o;
    made one, two;
    OK(sw_record_create(t->ledger, &t->a, SW_RECORD_USER, &user, &o, &t->err));
    row.project_id = SW_STR("p1");
    row.user_id = user.id;
    row.expires_at = sw_int_of(INT64_C(4102444800000000));
    one = make(t, &t->a, &row);
    two = make(t, &t->a, &row);
    CHECK(strncmp(one.secret, "sw_", 3) == 0 && strlen(one.secret) >= 40);
    CHECK(strcmp(one.secret, two.secret) != 0);
    CHECK(!sw_key_is_fresh(t->ledger, sw_str_from(one.secret)));
    for (int i = 0; i < 3; i++) { /* from the store, and remembered */
        OK(check(t, one.secret, &got));
        CHECK(sw_key_is_fresh(t->ledger, sw_str_from(one.secret)));
        CHECK(!sw_key_is_fresh(t->ledger, SW_STR("other")));
        TEXT(got.id, one.id.ptr);
        TEXT(got.organization_id, t->a.organization_id.ptr);
        TEXT(got.name, "ci");
        TEXT(got.scopes, "[\"read\",\"ingest\"]");
        TEXT(got.project_id, "p1");
        TEXT(got.user_id, user.id.ptr);
        CHECK(!got.hash.ptr);
    }
    CLEAN();
}

static void what_is_no_key_opens_nothing(lt *t)
{
    sw_api_key row = plain(), got;
    made m = make(t, &t->a, &row);
    char text[SW_KEY_TEXT + 8], said[sizeof t->err.message];
    const char *wrong[] = {"", "sw_", "x", m.id.ptr, text};
    snprintf(text, sizeof text, "%s", m.secret);
    text[strlen(text) - 1] ^= 1;
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        for (int k = 0; k < 2; k++) {
            IS(SW_STATUS_NOT_FOUND, check(t, wrong[i], &got));
            CHECK(!got.id.ptr);
        }
    }
    snprintf(said, sizeof said, "%s", t->err.message);
    OK(check(t, m.secret, &got));
    snprintf(text, sizeof text, "%sx", m.secret);
    IS(SW_STATUS_NOT_FOUND, check(t, text, &got));
    TEXT(sw_str_from(t->err.message), said); /* the same words, whatever is wrong */
}

static void it_expires(lt *t)
{
    sw_api_key row = plain(), got;
    made m;
    row.expires_at = sw_int_of(t->wall + 10000000);
    m = make(t, &t->a, &row);
    OK(check(t, m.secret, &got));
    lt_advance(t, 10, 0); /* to the moment, also when it is remembered */
    IS(SW_STATUS_NOT_FOUND, check(t, m.secret, &got));
    lt_advance(t, 0, 5);
    IS(SW_STATUS_NOT_FOUND, check(t, m.secret, &got));
}

static void revoking_is_seen_at_once(lt *t)
{
    sw_api_key row = plain(), got;
    made m = make(t, &t->a, &row), stays = make(t, &t->a, &row);
    sw_outcome o;
    OK(check(t, m.secret, &got));
    IS(SW_STATUS_NOT_FOUND, sw_key_revoke(t->ledger, &t->b, m.id, &o, &t->err));
    OK(check(t, m.secret, &got));
    OK(sw_key_recheck(t->ledger, m.id, &t->err));
    OK(sw_key_revoke(t->ledger, &t->a, m.id, &o, &t->err));
    VERDICT(o, UPDATED);
    IS(SW_STATUS_NOT_FOUND, check(t, m.secret, &got));
    IS(SW_STATUS_NOT_FOUND, sw_key_recheck(t->ledger, m.id, &t->err));
    OK(sw_key_recheck(t->ledger, stays.id, &t->err));
    OK(sw_key_revoke(t->ledger, &t->a, m.id, &o, &t->err));
    VERDICT(o, UNCHANGED);
    OK(check(t, stays.secret, &got));
    OK(sw_get(t->ledger, &t->a, SW_RECORD_API_KEY, m.id, t->memory, &got, &t->err));
    CHECK(got.revoked_at.known);
    CLEAN();
}

/* Another process revokes: this one may go on for a second, and no longer. */
static void revoked_elsewhere(lt *t)
{
    sw_api_key row = plain(), got;
    made m = make(t, &t->a, &row);
    lt other = *t;
    sw_outcome o;
    OK(check(t, m.secret, &got));
    other.ledger = NULL;
    OK(lt_try_open(&other));
    OK(sw_key_revoke(other.ledger, &t->a, m.id, &o, &t->err));
    lt_close(&other);
    lt_advance(t, 0, 1);
    IS(SW_STATUS_NOT_FOUND, check(t, m.secret, &got));
}

static void the_text_is_nowhere(lt *t)
{
    sw_api_key row = plain(), got;
    made m = make(t, &t->a, &row);
    sw_list_query all = {.limit = -1};
    lt_rows rows = lt_list(t, &t->a, SW_RECORD_API_KEY, &all);
    char path[700];
    size_t len = 0;
    SAME(rows.count, 1);
    CHECK(!((const sw_api_key *)rows.at[0])->hash.ptr);
    OK(sw_get(t->ledger, &t->a, SW_RECORD_API_KEY, m.id, t->memory, &got, &t->err));
    CHECK(!got.hash.ptr);
    SAME(lt_list(t, &t->b, SW_RECORD_API_KEY, &all).count, 0);
    if (t->on_disk) {
        lt_close(t);
        for (int wal = 0; wal < 2; wal++) {
            FILE *file = NULL;
            char *bytes = NULL;
            snprintf(path, sizeof path, "%s%s", t->url + strlen("sqlite:"), wal ? "-wal" : "");
            file = fopen(path, "rb");
            bytes = file ? malloc(1 << 22) : NULL;
            len = file ? fread(bytes, 1, 1 << 22, file) : 0;
            CHECK(wal || len > 1000);
            CHECK(len == 0 || !memmem(bytes, len, m.secret + 3, 20));
            free(bytes);
            if (file) {
                fclose(file);
            }
        }
        lt_open(t);
    }
    OK(check(t, m.secret, &got));
}

static void bad_keys_are_refused(lt *t)
{
    sw_api_key bad[8] = {plain(), plain(), plain(), plain(), plain(), plain(), plain(), plain()};
    static const char *const named[8] = {"name",    "scopes",     "scopes", "scopes",
                                         "user_id", "expires_at", "id",     "organization_id"};
    char secret[SW_KEY_TEXT];
    sw_outcome o;
    bad[0].name = SW_NULL_STR;
    bad[1].scopes = SW_NULL_STR;
    bad[2].scopes = SW_STR("[\"root\"]");
    bad[3].scopes = SW_STR("[1]");
    bad[4].user_id = lt_id(t, "user", 77);
    bad[5].expires_at = sw_int_of(t->wall - 1);
    bad[6].id = lt_id(t, "key", 1);
    bad[7].organization_id = t->b.organization_id;
    for (size_t i = 0; i < 8; i++) {
        memset(secret, 'x', sizeof secret);
        IS(SW_STATUS_INVALID, sw_key_create(t->ledger, &t->a, &bad[i], secret, &o, &t->err));
        VERDICT(o, REJECTED);
        NAMES(&t->err, named[i]);
        CHECK(secret[0] == '\0'); /* nothing that looks like a key */
    }
    IS(SW_STATUS_UNSUPPORTED,
       sw_record_create(t->ledger, &t->a, SW_RECORD_API_KEY, &bad[0], &o, &t->err));
    IS(SW_STATUS_UNSUPPORTED,
       sw_record_update(t->ledger, &t->a, SW_RECORD_API_KEY, bad[6].id, &bad[0],
                        SW_FIELD_BIT(SW_API_KEY_NAME), &o, &t->err));
}

static void whether_there_are_any(lt *t)
{
    sw_api_key row = plain();
    bool exist = true;
    sw_outcome o;
    made m;
    OK(sw_keys_exist(t->ledger, &exist, &t->err));
    CHECK(!exist);
    m = make(t, &t->b, &row);
    OK(sw_keys_exist(t->ledger, &exist, &t->err));
    CHECK(exist);
    OK(sw_key_revoke(t->ledger, &t->b, m.id, &o, &t->err));
    OK(sw_keys_exist(t->ledger, &exist, &t->err));
    CHECK(!exist);
}

static int64_t last_used(lt *t, sw_str id)
{
    sw_api_key got;
    OK(sw_get(t->ledger, &t->operator_, SW_RECORD_API_KEY, id, t->memory, &got, &t->err));
    return got.last_used_at.known ? got.last_used_at.value : 0;
}

static void the_last_use_is_kept_to_the_minute(lt *t)
{
    sw_api_key row = plain();
    made m = make(t, &t->a, &row), n = make(t, &t->a, &row);
    int64_t first = t->wall;
    SAME(last_used(t, m.id), 0);
    sw_key_used(t->ledger, m.id);
    OK(sw__ledger_tend(t->ledger, &t->err));
    SAME(last_used(t, m.id), first);
    SAME(last_used(t, n.id), 0);
    for (int i = 0; i < 5; i++) {
        lt_advance(t, 10, 10);
        sw_key_used(t->ledger, m.id);
        OK(sw__ledger_tend(t->ledger, &t->err));
        SAME(last_used(t, m.id), first);
    }
    lt_advance(t, 10, 10);
    sw_key_used(t->ledger, m.id);
    sw_key_used(t->ledger, n.id);
    sw_key_used(t->ledger, lt_id(t, "key", 9)); /* of nobody */
    OK(sw__ledger_tend(t->ledger, &t->err));
    SAME(last_used(t, m.id), first + 60000000);
    SAME(last_used(t, n.id), first + 60000000);
    CLEAN();
}

/* No idle moment comes between the use and the end. */
static void the_last_use_is_kept_at_closing(lt *t)
{
    sw_api_key row = plain();
    made m = make(t, &t->a, &row);
    int64_t used = t->wall;
    sw_key_used(t->ledger, m.id);
    SAME(last_used(t, m.id), 0);
    lt_reopen(t);
    SAME(last_used(t, m.id), used);
}

/* More keys than are remembered, known and unknown ones in turn: the answers stay right. */
static void many_keys(lt *t)
{
    enum { KEYS = 40, UNKNOWN = 5000 };
    made keys[KEYS];
    sw_api_key row = plain(), got;
    for (int i = 0; i < KEYS; i++) {
        keys[i] = make(t, i % 2 ? &t->a : &t->b, &row);
    }
    for (int i = 0; i < UNKNOWN; i++) {
        char text[64];
        snprintf(text, sizeof text, "sw_unknown%d", i);
        IS(SW_STATUS_NOT_FOUND, check(t, text, &got));
        OK(check(t, keys[i % KEYS].secret, &got));
        CHECK(sw_str_eq(got.id, keys[i % KEYS].id));
        sw_memory_reset(t->memory);
    }
}

static void the_same_key_is_not_made_twice(lt *t)
{
    sw_retry retry = {.route = SW_STR("POST /v1/keys"), .key = SW_STR("once")};
    sw_actor actor = t->a;
    sw_api_key row = plain();
    char secret[SW_KEY_TEXT];
    sw_list_query all = {.limit = -1};
    sw_outcome o;
    actor.retry = &retry;
    make(t, &actor, &row);
    IS(SW_STATUS_CONFLICT, sw_key_create(t->ledger, &actor, &row, secret, &o, &t->err));
    VERDICT(o, CONFLICT);
    CHECK(secret[0] == '\0');
    SAME(lt_list(t, &t->a, SW_RECORD_API_KEY, &all).count, 1);
}

static const lt_case cases[] = {
    {"a key opens what it says", a_key_opens_what_it_says, 0},
    {"what is no key opens nothing", what_is_no_key_opens_nothing, 0},
    {"it expires", it_expires, LT_CLOCK},
    {"revoking is seen at once", revoking_is_seen_at_once, LT_CLOCK},
    {"revoked elsewhere", revoked_elsewhere, LT_CLOCK | LT_DISK},
    {"the text is nowhere", the_text_is_nowhere, 0},
    {"bad keys are refused", bad_keys_are_refused, LT_CLOCK},
    {"whether there are any", whether_there_are_any, LT_CLOCK},
    {"the last use is kept at closing", the_last_use_is_kept_at_closing, LT_CLOCK | LT_DISK},
    {"the last use is kept to the minute", the_last_use_is_kept_to_the_minute, LT_CLOCK},
    {"many keys", many_keys, 0},
    {"the same key is not made twice", the_same_key_is_not_made_twice, 0},
};

LT_MAIN("keys", cases)
