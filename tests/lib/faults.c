/* SPDX-License-Identifier: Apache-2.0 */
/* Counting and failing allocators. Threads of the ledger allocate too, so the counters are atomic. */
#include "tests/lib/faults.h"

#include <malloc.h>
#include <sqlite3.h>
#include <stdlib.h>

typedef struct source {
    int64_t left; /* until the failure; 0: none ordered */
    int64_t alive;
    bool for_good;
} source;

static source ledger_source, sqlite_source;
static bool happened;

static void order(source *s, int64_t n, bool for_good)
{
    __atomic_store_n(&happened, false, __ATOMIC_SEQ_CST);
    s->for_good = for_good;
    __atomic_store_n(&s->left, n, __ATOMIC_SEQ_CST);
}

void faults_ledger(int64_t n, bool for_good)
{
    order(&ledger_source, n, for_good);
}

void faults_sqlite(int64_t n, bool for_good)
{
    order(&sqlite_source, n, for_good);
}

bool faults_happened(void)
{
    return __atomic_load_n(&happened, __ATOMIC_SEQ_CST);
}

static bool fails(source *s)
{
    int64_t left = __atomic_load_n(&s->left, __ATOMIC_SEQ_CST);
    if (left == 0) {
        return false;
    }
    left = __atomic_sub_fetch(&s->left, 1, __ATOMIC_SEQ_CST);
    if (left == 0 || (left < 0 && s->for_good)) {
        __atomic_store_n(&happened, true, __ATOMIC_SEQ_CST);
        if (s->for_good) {
            __atomic_store_n(&s->left, INT64_C(1), __ATOMIC_SEQ_CST); /* the next fails too */
        }
        return true;
    }
    return false;
}

static int64_t bytes, peak;

static void count(int64_t change)
{
    int64_t now = __atomic_add_fetch(&bytes, change, __ATOMIC_SEQ_CST);
    int64_t most = __atomic_load_n(&peak, __ATOMIC_SEQ_CST);
    while (now > most && !__atomic_compare_exchange_n(&peak, &most, now, false, __ATOMIC_SEQ_CST,
                                                      __ATOMIC_SEQ_CST)) {
    }
}

int64_t faults_bytes(void)
{
    return __atomic_load_n(&bytes, __ATOMIC_SEQ_CST);
}

int64_t faults_peak(bool reset)
{
    if (reset) {
        __atomic_store_n(&peak, faults_bytes(), __ATOMIC_SEQ_CST);
    }
    return __atomic_load_n(&peak, __ATOMIC_SEQ_CST);
}

static void *resize(void *data, void *ptr, size_t size)
{
    int64_t before = ptr ? (int64_t)malloc_usable_size(ptr) : 0;
    void *moved = NULL;
    (void)data;
    if (size == 0) {
        if (ptr) {
            __atomic_sub_fetch(&ledger_source.alive, 1, __ATOMIC_SEQ_CST);
        }
        count(-before);
        free(ptr);
        return NULL;
    }
    if (fails(&ledger_source)) {
        return NULL;
    }
    if (!ptr) {
        __atomic_add_fetch(&ledger_source.alive, 1, __ATOMIC_SEQ_CST);
    }
    moved = realloc(ptr, size);
    count(moved ? (int64_t)malloc_usable_size(moved) - before : 0);
    return moved;
}

const sw_allocator faults_allocator = {resize, NULL};

int64_t faults_alive(void)
{
    return __atomic_load_n(&ledger_source.alive, __ATOMIC_SEQ_CST);
}

int64_t faults_sqlite_alive(void)
{
    return __atomic_load_n(&sqlite_source.alive, __ATOMIC_SEQ_CST);
}

/* ---- under SQLite ------------------------------------------------------------------------------- */

static sqlite3_mem_methods real;

static void *sqlite_malloc(int size)
{
    void *ptr = fails(&sqlite_source) ? NULL : real.xMalloc(size);
    if (ptr) {
        __atomic_add_fetch(&sqlite_source.alive, 1, __ATOMIC_SEQ_CST);
    }
    return ptr;
}

static void sqlite_free(void *ptr)
{
    __atomic_sub_fetch(&sqlite_source.alive, 1, __ATOMIC_SEQ_CST);
    real.xFree(ptr);
}

static void *sqlite_realloc(void *ptr, int size)
{
    return fails(&sqlite_source) ? NULL : real.xRealloc(ptr, size);
}

bool faults_install_sqlite(void)
{
    sqlite3_mem_methods ours;
    if (sqlite3_config(SQLITE_CONFIG_GETMALLOC, &real) != SQLITE_OK) {
        return false;
    }
    ours = real;
    ours.xMalloc = sqlite_malloc;
    ours.xFree = sqlite_free;
    ours.xRealloc = sqlite_realloc;
    return sqlite3_config(SQLITE_CONFIG_MALLOC, &ours) == SQLITE_OK;
}
