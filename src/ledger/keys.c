/* SPDX-License-Identifier: Apache-2.0 */
/* API keys: checking them, and when each was last used (keys_make.c makes and revokes them). A key's text is 32 random bytes; what is stored is its BLAKE2b hash, by which it is
 * found. So much chance needs no slow hash, and a look-up by hash tells nothing of the text however
 * long it takes. What was found is compared once more in constant time.
 *
 * A check is remembered for a second in a table of fixed size, whether the key was found or not, so
 * that an unknown key costs what a known one costs. Making or revoking a key forgets them all.
 */
#include "ledger/keys.h"

#include <sodium.h>

enum { CHECK_US = 1000000 };

typedef struct check {
    unsigned char hash[SW_KEY_HASH];
    int64_t read_us; /* 0: empty */
    sw_api_key *row; /* NULL: there is no such key */
} check;

typedef struct use {
    char id[SW_ID_MAX];
    int64_t used_us;    /* 0: written already, or empty */
    int64_t written_us; /* by this process */
} use;

typedef struct sw_keys {
    pthread_mutex_t lock;
    check *checks; /* SW_LIMIT_KEYS_CACHED, by hash; NULL until a key is checked */
    use *uses;     /* as many, by hash of the id */
    size_t waiting;
    uint64_t generation; /* counts what makes checks wrong */
    int64_t exist_us;
    bool exist;
} sw_keys;

_Static_assert((SW_LIMIT_KEYS_CACHED & (SW_LIMIT_KEYS_CACHED - 1)) == 0, "a power of two");

/* ---- life --------------------------------------------------------------------------------------- */

sw_status sw__keys_open(sw_ledger *ledger, sw_error *err)
{
    sw_keys *keys = sw_alloc_zeroed(&ledger->allocator, sizeof *keys);

    if (!keys) {
        return sw_no_memory(err);
    }
    pthread_mutex_init(&keys->lock, NULL);
    ledger->keys = keys;
    return SW_STATUS_OK;
}

static void forget_checks(sw_ledger *ledger)
{
    sw_keys *keys = ledger->keys;

    for (size_t i = 0; keys->checks && i < SW_LIMIT_KEYS_CACHED; i++) {
        sw_free(&ledger->allocator, keys->checks[i].row);
        keys->checks[i] = (check){.row = NULL};
    }
    keys->exist_us = 0;
    keys->generation++;
}

void sw__keys_forget(sw_ledger *ledger)
{
    pthread_mutex_lock(&ledger->keys->lock);
    forget_checks(ledger);
    pthread_mutex_unlock(&ledger->keys->lock);
}

void sw__keys_close(sw_ledger *ledger)
{
    sw_keys *keys = ledger->keys;

    if (keys) {
        forget_checks(ledger);
        sw_free(&ledger->allocator, keys->checks);
        sw_free(&ledger->allocator, keys->uses);
        pthread_mutex_destroy(&keys->lock);
        sw_free(&ledger->allocator, keys);
        ledger->keys = NULL;
    }
}

/* ---- checking ------------------------------------------------------------------------------------ */

void sw__key_text_hash(sw_str text, unsigned char out[SW_KEY_HASH])
{
    crypto_generichash(out, SW_KEY_HASH, (const unsigned char *)(text.ptr ? text.ptr : ""),
                       text.len, NULL, 0);
}

static check *slot_of(const sw_keys *keys, const unsigned char hash[SW_KEY_HASH])
{
    uint32_t at = 0;

    memcpy(&at, hash, sizeof at);
    return &keys->checks[at & (SW_LIMIT_KEYS_CACHED - 1)];
}

/* One answer for whatever is wrong with a key. */
static sw_status no_key(sw_error *err)
{
    return sw_fail(err, SW_STATUS_NOT_FOUND, "key", "the key is unknown, revoked or expired");
}

static int64_t mono(const sw_ledger *ledger)
{
    return ledger->clock.mono_us(ledger->clock.data);
}

/* The check of that hash, when it was made less than a second ago. */
static const check *fresh(sw_ledger *ledger, const unsigned char hash[SW_KEY_HASH])
{
    const sw_keys *keys = ledger->keys;
    const check *c = keys->checks ? slot_of(keys, hash) : NULL;
    return c && sodium_memcmp(c->hash, hash, SW_KEY_HASH) == 0 && c->read_us > 0 &&
                   mono(ledger) - c->read_us < CHECK_US
               ? c
               : NULL;
}

bool sw_key_is_fresh(sw_ledger *ledger, sw_str secret)
{
    unsigned char hash[SW_KEY_HASH];

    sw__key_text_hash(secret, hash);
    pthread_mutex_lock(&ledger->keys->lock);
    bool is_fresh = fresh(ledger, hash) != NULL;
    pthread_mutex_unlock(&ledger->keys->lock);
    return is_fresh;
}

/* What is remembered of the key; false: nothing. Also tells the generation, for what is read next. */
static bool remembered(sw_ledger *ledger, const unsigned char hash[SW_KEY_HASH], sw_arena *arena,
                       sw_api_key *out, uint64_t *generation, sw_status *status)
{
    sw_keys *keys = ledger->keys;

    pthread_mutex_lock(&keys->lock);
    *generation = keys->generation;
    const check *c = fresh(ledger, hash);
    *status = !c || c->row ? SW_STATUS_OK : SW_STATUS_NOT_FOUND;
    if (c && c->row && !sw_row_copy(sw_record_of(SW_RECORD_API_KEY), out, c->row, arena)) {
        *status = SW_STATUS_NO_MEMORY;
    }
    pthread_mutex_unlock(&keys->lock);
    return c != NULL;
}

/* Without memory nothing is remembered, which does no harm. */
static void remember(sw_ledger *ledger, const unsigned char hash[SW_KEY_HASH],
                     const sw_api_key *row, uint64_t generation)
{
    sw_keys *keys = ledger->keys;
    const sw_record *record = sw_record_of(SW_RECORD_API_KEY);
    sw_api_key *copy = row ? sw_row_clone(record, row, &ledger->allocator) : NULL;

    pthread_mutex_lock(&keys->lock);
    if (!keys->checks) {
        keys->checks =
            sw_alloc_zeroed(&ledger->allocator, SW_LIMIT_KEYS_CACHED * sizeof *keys->checks);
    }
    if (keys->checks && keys->generation == generation && (copy || !row)) {
        check *c = slot_of(keys, hash);
        sw_free(&ledger->allocator, c->row);
        *c = (check){.read_us = mono(ledger), .row = copy};
        memcpy(c->hash, hash, SW_KEY_HASH);
        copy = NULL;
    }
    pthread_mutex_unlock(&keys->lock);
    sw_free(&ledger->allocator, copy);
}

typedef struct finding {
    const unsigned char *hash;
    sw_arena *arena;
    sw_api_key *out;
    bool found;
    bool no_memory;
} finding;

static sw_seen see_key(void *arg, const void *row)
{
    finding *f = arg;
    const sw_api_key *key = row;

    f->found =
        key->hash.len == SW_KEY_HASH && sodium_memcmp(key->hash.ptr, f->hash, SW_KEY_HASH) == 0;
    f->no_memory = f->found && !sw_row_copy(sw_record_of(SW_RECORD_API_KEY), f->out, row, f->arena);
    return SW_SEEN_STOP;
}

static sw_status look_up(sw_ledger *ledger, const unsigned char hash[SW_KEY_HASH], sw_arena *arena,
                         sw_api_key *out, sw_error *err)
{
    sw_value value = {.text = sw_str_make((const char *)hash, SW_KEY_HASH)};
    sw_condition same = {SW_API_KEY_HASH, SW_OP_EQ, &value, 1};
    sw_scan scan = {.record = SW_RECORD_API_KEY,
                    .conditions = &same,
                    .condition_count = 1,
                    .unordered = true,
                    .limit = 1};
    finding f = {.hash = hash, .arena = arena, .out = out};
    sw_session *session = NULL;
    sw_scan_end end;
    sw_status status = sw__reader_take(ledger, &session, err);

    if (status != SW_STATUS_OK) {
        return status;
    }
    status = sw_store_scan(session, &scan, see_key, &f, &end, err);
    sw__reader_give(ledger, session);
    if (status == SW_STATUS_OK && f.no_memory) {
        status = sw_no_memory(err);
    }
    return status == SW_STATUS_OK && !f.found ? SW_STATUS_NOT_FOUND : status;
}

static bool holds(const sw_api_key *key, int64_t now_us)
{
    return !key->revoked_at.known && !(key->expires_at.known && key->expires_at.value <= now_us);
}

sw_status sw_key_check(sw_ledger *ledger, sw_str secret, sw_memory *memory, sw_api_key *out,
                       sw_error *err)
{
    unsigned char hash[SW_KEY_HASH];
    uint64_t generation = 0;
    int64_t now = ledger->clock.wall_us(ledger->clock.data);
    sw_status status = SW_STATUS_OK;

    memset(out, 0, sizeof *out);
    sw__key_text_hash(secret, hash);
    if (!remembered(ledger, hash, &memory->arena, out, &generation, &status)) {
        status = look_up(ledger, hash, &memory->arena, out, err);
        if (status == SW_STATUS_OK || status == SW_STATUS_NOT_FOUND) {
            remember(ledger, hash, status == SW_STATUS_OK ? out : NULL, generation);
        }
    }
    if (status == SW_STATUS_NO_MEMORY) {
        return sw_no_memory(err);
    }
    if (status == SW_STATUS_OK && !holds(out, now)) {
        status = SW_STATUS_NOT_FOUND;
    }
    if (status == SW_STATUS_NOT_FOUND) {
        memset(out, 0, sizeof *out);
        return no_key(err);
    }
    out->hash = SW_NULL_STR;
    return status;
}

sw_status sw_key_recheck(sw_ledger *ledger, sw_str key_id, sw_error *err)
{
    sw_api_key key = {.id = key_id};
    sw_api_key row;
    sw_arena arena;
    sw_session *session = NULL;
    sw_status status = sw__reader_take(ledger, &session, err);

    if (status != SW_STATUS_OK) {
        return status;
    }
    sw_arena_init(&arena, &ledger->allocator, 0);
    status = sw_store_get(session, SW_RECORD_API_KEY, &key, &arena, &row, err);
    sw__reader_give(ledger, session);
    if (status == SW_STATUS_OK && !holds(&row, ledger->clock.wall_us(ledger->clock.data))) {
        status = SW_STATUS_NOT_FOUND;
    }
    sw_arena_fini(&arena);
    return status == SW_STATUS_NOT_FOUND ? no_key(err) : status;
}

static sw_status any_key(sw_ledger *ledger, bool *out, sw_error *err)
{
    sw_condition valid = {SW_API_KEY_REVOKED_AT, SW_OP_NULL, NULL, 0};
    sw_scan scan = {.record = SW_RECORD_API_KEY,
                    .conditions = &valid,
                    .condition_count = 1,
                    .unordered = true,
                    .fields = SW_MASK(SW_API_KEY_ID)};
    sw_session *session = NULL;
    sw_status status = sw__reader_take(ledger, &session, err);

    *out = false;
    if (status == SW_STATUS_OK) {
        status = sw__first(session, &scan, NULL, NULL, out, err);
        sw__reader_give(ledger, session);
    }
    return status;
}

sw_status sw_keys_exist(sw_ledger *ledger, bool *out, sw_error *err)
{
    sw_keys *keys = ledger->keys;
    int64_t now = mono(ledger);
    uint64_t generation = 0;
    bool known = false;
    sw_status status = SW_STATUS_OK;

    pthread_mutex_lock(&keys->lock);
    known = keys->exist_us > 0 && now - keys->exist_us < CHECK_US;
    *out = keys->exist;
    generation = keys->generation;
    pthread_mutex_unlock(&keys->lock);
    if (known) {
        return SW_STATUS_OK;
    }
    status = any_key(ledger, out, err);
    pthread_mutex_lock(&keys->lock);
    if (status == SW_STATUS_OK && keys->generation == generation) {
        keys->exist = *out;
        keys->exist_us = now;
    }
    pthread_mutex_unlock(&keys->lock);
    return status;
}

/* ---- last uses ----------------------------------------------------------------------------------- */

static use *use_of(const sw_keys *keys, sw_str id)
{
    return &keys->uses[sw_hash(7, id.ptr, id.len) & (SW_LIMIT_KEYS_CACHED - 1)];
}

/* Two keys that share a place take turns: what is lost is a minute of one's last use. */
void sw_key_used(sw_ledger *ledger, sw_str key_id)
{
    sw_keys *keys = ledger->keys;
    int64_t now = ledger->clock.wall_us(ledger->clock.data);
    use *u = NULL;

    if (ledger->read_only || key_id.len == 0 || key_id.len >= SW_ID_MAX) {
        return;
    }
    pthread_mutex_lock(&keys->lock);
    if (!keys->uses) {
        keys->uses = sw_alloc_zeroed(&ledger->allocator, SW_LIMIT_KEYS_CACHED * sizeof *keys->uses);
    }
    u = keys->uses ? use_of(keys, key_id) : NULL;
    if (u && !sw_str_eq(sw_str_from(u->id), key_id)) {
        keys->waiting -= u->used_us != 0;
        memset(u, 0, sizeof *u);
        memcpy(u->id, key_id.ptr, key_id.len);
    }
    if (u && now - u->written_us >= SW_LIMIT_KEY_USED_SECONDS * INT64_C(1000000)) {
        keys->waiting += u->used_us == 0;
        u->used_us = now;
    }
    pthread_mutex_unlock(&keys->lock);
}

bool sw__keys_used_due(sw_ledger *ledger)
{
    bool due = false;

    pthread_mutex_lock(&ledger->keys->lock);
    due = ledger->keys->waiting > 0;
    pthread_mutex_unlock(&ledger->keys->lock);
    return due;
}

/* Another process may have written within the minute. */
static sw_status write_use(sw_group *group, const use *u, sw_error *err)
{
    sw_api_key key = {.id = sw_str_from(u->id)};
    sw_api_key row;
    sw_status status =
        sw_store_get(group->session, SW_RECORD_API_KEY, &key, &group->arena, &row, err);

    if (sw_group_may(group, status, SW_STATUS_NOT_FOUND, err) != SW_STATUS_OK) {
        return status == SW_STATUS_NOT_FOUND ? SW_STATUS_OK : status;
    }
    if (row.last_used_at.known &&
        u->used_us - row.last_used_at.value < SW_LIMIT_KEY_USED_SECONDS * INT64_C(1000000)) {
        return SW_STATUS_OK;
    }
    row.last_used_at = sw_int_of(u->used_us);
    return sw_group_must(group,
                         sw_store_update(group->session, SW_RECORD_API_KEY, &row,
                                         SW_MASK(SW_API_KEY_LAST_USED_AT), err),
                         err);
}

/* A group that fails loses these uses, and the next ones are written a minute later. */
sw_status sw__keys_used_write(sw_group *group, sw_error *err)
{
    sw_keys *keys = group->ledger->keys;
    use *copy = NULL;
    size_t count = 0;
    sw_status status = SW_STATUS_OK;

    pthread_mutex_lock(&keys->lock);
    copy = keys->waiting > 0 ? sw_arena_alloc(&group->arena, keys->waiting * sizeof *copy) : NULL;
    for (size_t i = 0; copy && i < SW_LIMIT_KEYS_CACHED; i++) {
        use *u = &keys->uses[i];
        if (u->used_us != 0) {
            copy[count++] = *u;
            u->written_us = u->used_us;
            u->used_us = 0;
        }
    }
    if (copy) {
        keys->waiting = 0;
    }
    pthread_mutex_unlock(&keys->lock);
    for (size_t i = 0; i < count && status == SW_STATUS_OK; i++) {
        status = write_use(group, &copy[i], err);
    }
    return status;
}

static sw_status apply_used(sw_group *group, sw_task *task, sw_error *err)
{
    (void)task;
    return sw__keys_used_write(group, err);
}

void sw__keys_used_flush(sw_ledger *ledger)
{
    sw_task task = {.apply = apply_used, .own_organization = true, .weight = 1};
    sw_error err = {.status = SW_STATUS_OK};

    if (ledger->keys && ledger->writer_runs && sw__keys_used_due(ledger) &&
        sw__submit(ledger, NULL, &task, &err) != SW_STATUS_OK) {
        sw_logf(&ledger->log, SW_LOG_WARN, "the last uses of keys were not written: %s",
                err.message);
    }
}
