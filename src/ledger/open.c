/* SPDX-License-Identifier: Apache-2.0 */
/* Opening and closing a ledger, its read sessions, and the actor. The first opening of a store writes
 * the default organization and user, so that a ledger without tenants works at once.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include <sodium.h>

#include "ledger/hooks.h"
#include "ledger/keys.h"
#include "stepwell/version.h"
#include "store/migrate.h"

enum { CACHE_BYTES = 32 << 20, READER_CACHE_BYTES = 2 << 20 };

const char *sw_version(void)
{
    return SW_VERSION;
}

/* ---- memory for answers ------------------------------------------------------------------------- */

sw_memory *sw_memory_new(const sw_allocator *allocator)
{
    const sw_allocator *from = allocator ? allocator : &sw__libc_allocator;
    sw_memory *memory = sw_alloc_zeroed(from, sizeof *memory);

    if (memory) {
        memory->from = *from;
        sw_arena_init(&memory->arena, &memory->from, 0);
    }
    return memory;
}

void sw_memory_reset(sw_memory *memory)
{
    sw_arena_reset(&memory->arena);
}

void sw_memory_free(sw_memory **memory)
{
    if (memory && *memory) {
        sw_allocator from = (*memory)->from;
        sw_arena_fini(&(*memory)->arena);
        sw_free(&from, *memory);
        *memory = NULL;
    }
}

/* ---- where -------------------------------------------------------------------------------------- */

static sw_status make_folders(char *path, sw_error *err)
{
    for (char *p = path + 1; *p; p++) {
        if (*p == '/') {
            *p = '\0';
            (void)mkdir(path, 0700); /* the open that follows says what is wrong, if anything */
            *p = '/';
        }
    }
    (void)err;
    return SW_STATUS_OK;
}

sw_status sw_default_store(char *out, size_t size, sw_error *err)
{
    const char *store = getenv("STEPWELL_STORE");
    const char *data = getenv("XDG_DATA_HOME");
    const char *home = getenv("HOME");
    int n = 0;

    if (store && *store) {
        n = snprintf(out, size, "%s", store);
    } else if (data && *data == '/') {
        n = snprintf(out, size, "sqlite:%s/stepwell/stepwell.db", data);
    } else if (home && *home) {
        n = snprintf(out, size, "sqlite:%s/.local/share/stepwell/stepwell.db", home);
    } else {
        return sw_fail(err, SW_STATUS_INVALID, "store",
                       "name a store: neither STEPWELL_STORE nor HOME is set");
    }
    if (n < 0 || (size_t)n >= size) {
        return sw_fail(err, SW_STATUS_TOO_LARGE, "store", "the store's name is too long");
    }
    return store && *store ? SW_STATUS_OK : make_folders(out + strlen("sqlite:"), err);
}

/* ---- the actor ---------------------------------------------------------------------------------- */

sw_str sw__actor_organization(const sw_actor *actor)
{
    return actor && actor->organization_id.ptr ? actor->organization_id
                                               : SW_STR(SW_DEFAULT_ORGANIZATION);
}

sw_str sw__actor_user(const sw_actor *actor)
{
    return actor && actor->user_id.ptr           ? actor->user_id
           : actor && actor->organization_id.ptr ? SW_NULL_STR
                                                 : SW_STR(SW_DEFAULT_USER);
}

bool sw__visible(const sw_actor *actor, sw_record_id record, const void *row)
{
    const sw_record *r = sw_record_of(record);
    int field = record == SW_RECORD_ORGANIZATION ? SW_ORGANIZATION_ID
                                                 : sw_record_field(r, SW_STR("organization_id"));
    sw_str owner = SW_NULL_STR;

    if (actor && actor->everywhere) {
        return true;
    }
    sw_assert(field >= 0);
    owner = sw_field_text(&r->fields[field], row);
    return !owner.ptr || sw_str_eq(owner, sw__actor_organization(actor));
}

/* ---- readers ------------------------------------------------------------------------------------ */

/* With the lock; whether there is one, or one may be opened. */
static bool wait_for_reader(sw_ledger *ledger)
{
    struct timespec until;

    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += ledger->busy_ms / 1000;
    until.tv_nsec += ledger->busy_ms % 1000 * 1000000;
    until.tv_sec += until.tv_nsec / 1000000000;
    until.tv_nsec %= 1000000000;
    while (ledger->readers_idle == 0 && ledger->readers_open == SW_LIMIT_READERS) {
        if (pthread_cond_timedwait(&ledger->reader_free, &ledger->reader_lock, &until) ==
            ETIMEDOUT) {
            return false;
        }
    }
    return true;
}

sw_status sw__reader_take(sw_ledger *ledger, sw_session **out, sw_error *err)
{
    sw_status status = SW_STATUS_OK;

    pthread_mutex_lock(&ledger->reader_lock);
    if (!wait_for_reader(ledger)) {
        pthread_mutex_unlock(&ledger->reader_lock);
        return sw_fail(err, SW_STATUS_BUSY, NULL,
                       "all %d connections that read the store were in use for %lld ms",
                       (int)SW_LIMIT_READERS, (long long)ledger->busy_ms);
    }
    if (ledger->readers_idle > 0) {
        *out = ledger->readers[--ledger->readers_idle];
        pthread_mutex_unlock(&ledger->reader_lock);
        return SW_STATUS_OK;
    }
    ledger->readers_open++;
    pthread_mutex_unlock(&ledger->reader_lock);
    status = sw_session_open(ledger->store, SW_SESSION_READ, out, err);
    if (status != SW_STATUS_OK) {
        pthread_mutex_lock(&ledger->reader_lock);
        ledger->readers_open--;
        pthread_cond_signal(&ledger->reader_free);
        pthread_mutex_unlock(&ledger->reader_lock);
    }
    return status;
}

void sw__reader_give(sw_ledger *ledger, sw_session *session)
{
    pthread_mutex_lock(&ledger->reader_lock);
    ledger->readers[ledger->readers_idle++] = session;
    pthread_cond_signal(&ledger->reader_free);
    pthread_mutex_unlock(&ledger->reader_lock);
}

/* ---- opening ------------------------------------------------------------------------------------ */

static void log_line(void *data, sw_log_level level, const char *line)
{
    const sw_ledger_options *options = data;
    options->log(options->log_data, (int)level, line);
}

/* The default organization and user; task->arg is unused. */
static sw_status apply_defaults(sw_group *group, sw_task *task, sw_error *err)
{
    sw_organization org = {.id = SW_STR(SW_DEFAULT_ORGANIZATION), .name = SW_STR("default_org")};
    sw_user user = {.id = SW_STR(SW_DEFAULT_USER),
                    .name = SW_STR("default_user"),
                    .organization_id = SW_STR(SW_DEFAULT_ORGANIZATION)};
    sw_status status = SW_STATUS_OK;

    (void)task;
    org.created_at = org.updated_at = user.created_at = user.updated_at = sw_int_of(group->now_us);
    sw_row_defaults(sw_record_of(SW_RECORD_ORGANIZATION), &org);
    sw_row_defaults(sw_record_of(SW_RECORD_USER), &user);
    status = sw_store_insert(group->session, SW_RECORD_ORGANIZATION, &org, err);
    status = sw_group_may(group, status, SW_STATUS_EXISTS, err);
    if (status != SW_STATUS_OK) {
        return status == SW_STATUS_EXISTS ? SW_STATUS_OK : status;
    }
    return sw_group_must(group, sw_store_insert(group->session, SW_RECORD_USER, &user, err), err);
}

static sw_status write_defaults(sw_ledger *ledger, sw_error *err)
{
    sw_organization key = {.id = SW_STR(SW_DEFAULT_ORGANIZATION)};
    sw_organization row;
    sw_task task = {.apply = apply_defaults, .weight = 1, .own_organization = true};
    sw_session *session = NULL;
    sw_arena arena;
    sw_status status = sw__reader_take(ledger, &session, err);

    if (status != SW_STATUS_OK) {
        return status;
    }
    sw_arena_init(&arena, &ledger->allocator, 0);
    status = sw_store_get(session, SW_RECORD_ORGANIZATION, &key, &arena, &row, err);
    sw_arena_fini(&arena);
    sw__reader_give(ledger, session);
    return status == SW_STATUS_NOT_FOUND ? sw__submit(ledger, NULL, &task, err) : status;
}

static sw_status open_store(sw_ledger *ledger, const sw_ledger_options *options, sw_error *err)
{
    char url[1024];
    sw_store_options store = {
        .allocator = &ledger->allocator,
        .cache_bytes = options->cache_bytes ? options->cache_bytes : CACHE_BYTES,
        .reader_cache_bytes =
            options->reader_cache_bytes ? options->reader_cache_bytes : READER_CACHE_BYTES,
        .read_only = options->read_only,
        .must_exist = options->must_exist,
        .busy_ms = options->busy_ms,
        .adopting = options->adopting,
    };

    if (options->store) {
        store.url = sw_str_from(options->store);
    } else {
        sw_status status = sw_default_store(url, sizeof url, err);
        if (status != SW_STATUS_OK) {
            return status;
        }
        store.url = sw_str_from(url);
    }
    return sw_store_open(&store, &ledger->store, err);
}

/* What a migration has begun and not ended is a part of another ledger: its sums are of rows that are not all there, and
 * an id that is written to it may be one that is still to come. */
static sw_status must_be_whole(sw_ledger *ledger, sw_error *err)
{
    sw_session *session = NULL;
    sw_status status = sw__reader_take(ledger, &session, err);
    if (status == SW_STATUS_OK) {
        status = sw_store_whole(session, err);
        sw__reader_give(ledger, session);
    }
    return status;
}

static void init_locks(sw_ledger *ledger)
{
    pthread_condattr_t attr;

    pthread_mutex_init(&ledger->lock, NULL);
    pthread_mutex_init(&ledger->reader_lock, NULL);
    pthread_mutex_init(&ledger->watch_lock, NULL);
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&ledger->work, &attr);
    pthread_cond_init(&ledger->committed, &attr);
    pthread_cond_init(&ledger->reader_free, &attr);
    pthread_condattr_destroy(&attr);
    pthread_cond_init(&ledger->room, NULL);
    ledger->tail = &ledger->head;
}

static sw_status start(sw_ledger *ledger, const sw_ledger_options *options, sw_error *err)
{
    sw_status status = sw__secret_key_given(ledger, options, err);

    if (status == SW_STATUS_OK) {
        status = open_store(ledger, options, err);
    }
    if (status == SW_STATUS_OK && !ledger->may_be_half) {
        status = must_be_whole(ledger, err);
    }
    if (status == SW_STATUS_OK && options->keep_secret_key) {
        status = sw__secret_key_beside(ledger, err);
    }
    if (status == SW_STATUS_OK && !options->read_only) {
        status = sw__writer_start(ledger, err);
    }
    if (status == SW_STATUS_OK && !options->read_only) {
        status = write_defaults(ledger, err);
    }
    return status;
}

static sw_status open_with(const sw_ledger_options *options, const sw_clock *clock,
                           const sw_random *random, bool may_be_half, sw_ledger **out,
                           sw_error *err)
{
    static const sw_ledger_options defaults;
    const sw_ledger_options *o = options ? options : &defaults;
    const sw_allocator *from = o->allocator ? o->allocator : &sw__libc_allocator;
    /* The log's data is a copy of the options, kept behind the ledger in the same block. */
    sw_ledger *ledger = sw_alloc_zeroed(from, sizeof *ledger + sizeof *o);
    sw_status status = SW_STATUS_OK;

    *out = NULL;
    if (!ledger) {
        return sw_no_memory(err);
    }
    if (sodium_init() < 0) {
        sw_free(from, ledger);
        return sw_fail(err, SW_STATUS_INTERNAL, "", "libsodium cannot be started");
    }
    ledger->allocator = *from;
    ledger->clock = clock ? *clock : sw__system_clock;
    ledger->random = random ? *random : sw__system_random;
    ledger->read_only = o->read_only;
    ledger->may_be_half = may_be_half;
    ledger->busy_ms = o->busy_ms > 0 ? o->busy_ms : SW_LIMIT_BUSY_MS;
    ledger->no_reaper = o->no_reaper;
    ledger->anchor_wall_us = ledger->clock.wall_us(ledger->clock.data);
    ledger->anchor_mono_us = ledger->clock.mono_us(ledger->clock.data);
    if (o->log) {
        memcpy(ledger + 1, o, sizeof *o);
        ledger->log = (sw_log){log_line, ledger + 1, SW_LOG_DEBUG};
    }
    sw__digest_tags(ledger);
    init_locks(ledger);
    status = sw__keys_open(ledger, err);
    if (status == SW_STATUS_OK) {
        status = start(ledger, o, err);
    }
    if (status != SW_STATUS_OK) {
        sw_ledger_close(&ledger);
        return status;
    }
    *out = ledger;
    return SW_STATUS_OK;
}

sw_status sw__ledger_open_with(const sw_ledger_options *options, const sw_clock *clock,
                               const sw_random *random, sw_ledger **out, sw_error *err)
{
    return open_with(options, clock, random, false, out, err);
}

sw_status sw__ledger_open_half(const sw_ledger_options *options, sw_ledger **out, sw_error *err)
{
    return open_with(options, NULL, NULL, true, out, err);
}

sw_status sw_ledger_open(const sw_ledger_options *options, sw_ledger **out, sw_error *err)
{
    return sw__ledger_open_with(options, NULL, NULL, out, err);
}

void sw_ledger_close(sw_ledger **handle)
{
    sw_ledger *ledger = handle ? *handle : NULL;
    sw_allocator from;

    if (!ledger) {
        return;
    }
    *handle = NULL;
    sw__keys_used_flush(ledger);
    sw__writer_stop(ledger);
    sw_assert(ledger->readers_idle == ledger->readers_open);
    while (ledger->readers_idle > 0) {
        sw_session_close(&ledger->readers[--ledger->readers_idle]);
    }
    sw__watch_close(ledger);
    sw_store_close(&ledger->store);
    sw__keys_close(ledger);
    sw__bearer_set(ledger, NULL);
    pthread_mutex_destroy(&ledger->lock);
    pthread_mutex_destroy(&ledger->reader_lock);
    pthread_mutex_destroy(&ledger->watch_lock);
    pthread_cond_destroy(&ledger->work);
    pthread_cond_destroy(&ledger->room);
    pthread_cond_destroy(&ledger->committed);
    pthread_cond_destroy(&ledger->reader_free);
    from = ledger->allocator;
    sodium_memzero(ledger->secret_key, sizeof ledger->secret_key);
    sw_free(&from, ledger);
}
