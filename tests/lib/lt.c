/* SPDX-License-Identifier: Apache-2.0 */
/* The stage of a ledger test: opening, closing, checking. Short ways to write and read are in lt_rows.c. */
#include "tests/lib/lt.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/lib/blank.h"
#include "tests/lib/pg.h"

/* ---- one test on one store ---------------------------------------------------------------------- */

typedef struct lt_item {
    const lt_case *test;
    char store[64];
    char name[160];
    lt t;
} lt_item;

static const uint8_t secret_key[32] = "a key that only these tests use";

static int64_t fake_wall(void *data)
{
    return __atomic_load_n(&((lt *)data)->wall, __ATOMIC_SEQ_CST);
}

static int64_t fake_mono(void *data)
{
    return __atomic_load_n(&((lt *)data)->mono, __ATOMIC_SEQ_CST);
}

void lt_advance(lt *t, int64_t wall_seconds, int64_t mono_seconds)
{
    __atomic_add_fetch(&t->wall, wall_seconds * 1000000, __ATOMIC_SEQ_CST);
    __atomic_add_fetch(&t->mono, mono_seconds * 1000000, __ATOMIC_SEQ_CST);
}

sw_status lt_try_open(lt *t)
{
    bool fake = (t->flags & LT_CLOCK) != 0;
    t->options.store = t->url;
    if (!t->options.secret_key) {
        t->options.secret_key = secret_key;
    }
    t->options.no_reaper = t->options.no_reaper || fake;
    if (!fake) {
        return sw_ledger_open(&t->options, &t->ledger, &t->err);
    }
    return sw__ledger_open_with(&t->options, &t->clock, NULL, &t->ledger, &t->err);
}

void lt_open(lt *t)
{
    OK(lt_try_open(t));
}

void lt_close(lt *t)
{
    sw_ledger_close(&t->ledger);
    assert_null(t->ledger);
}

void lt_reopen(lt *t)
{
    lt_close(t);
    lt_open(t);
}

static void place_store(lt *t)
{
    const char *tmp = getenv("TMPDIR");
    snprintf(t->url, sizeof t->url, "%s", t->store);
    t->on_disk = strcmp(t->store, "sqlite:") == 0;
    t->keeps = strcmp(t->store, "memory:") != 0;
    if (strcmp(t->store, "postgres") == 0) {
        (t->flags & LT_CLOSED ? pg_new_url : pg_blank_url)(t->url, sizeof t->url);
    } else if (t->on_disk) {
        snprintf(t->dir, sizeof t->dir, "%s/stepwell-test-XXXXXX", tmp ? tmp : "/tmp");
        assert_non_null(mkdtemp(t->dir));
        snprintf(t->url, sizeof t->url, "sqlite:%s/ledger.db", t->dir);
        if (!(t->flags & LT_CLOSED)) {
            blank_store(t->url + strlen("sqlite:"));
        }
    }
}

void lt_next_store(lt *t, int64_t n)
{
    assert_true(t->keeps && !t->ledger);
    if (t->on_disk) {
        snprintf(t->url, sizeof t->url, "sqlite:%s/next-%lld.db", t->dir, (long long)n);
    } else {
        pg_new_url(t->url, sizeof t->url);
    }
}

/* Of the store, and its folder. */
static void remove_files(lt *t)
{
    char path[700];
    DIR *dir = t->dir[0] ? opendir(t->dir) : NULL;
    for (struct dirent *e = dir ? readdir(dir) : NULL; e; e = readdir(dir)) {
        snprintf(path, sizeof path, "%s/%s", t->dir, e->d_name);
        if (e->d_name[0] != '.') {
            unlink(path);
        }
    }
    if (dir) {
        closedir(dir);
        rmdir(t->dir);
    }
}

void lt_empty(lt *t)
{
    remove_files(t);
    if (t->dir[0]) {
        assert_int_equal(mkdir(t->dir, 0700), 0);
    }
}

static int setup(void **state)
{
    lt_item *item = *state;
    lt *t = &item->t;
    memset(t, 0, sizeof *t);
    t->store = item->store;
    t->flags = item->test->flags;
    t->pool = pool_new();
    t->memory = sw_memory_new(NULL);
    t->wall = LT_TIME;
    t->mono = 1000000000;
    t->clock = (sw_clock){fake_wall, fake_mono, t};
    place_store(t);
    t->a = lt_actor(t, 0xa);
    t->b = lt_actor(t, 0xb);
    t->operator_ = (sw_actor){.everywhere = true};
    if (!(t->flags & LT_CLOSED)) {
        lt_open(t);
        lt_organizations(t);
    }
    return 0;
}

static void run(void **state)
{
    lt_item *item = *state;
    item->test->run(&item->t);
}

static int teardown(void **state)
{
    lt *t = &((lt_item *)*state)->t;
    lt_close(t);
    remove_files(t);
    if (t->keeps && !t->on_disk) {
        pg_drop_url(t->url);
    }
    sw_memory_free(&t->memory);
    pool_free(&t->pool);
    return 0;
}

static size_t add_items(const char *store, size_t store_len, const lt_case *cases, size_t count,
                        lt_item *items, struct CMUnitTest *tests)
{
    size_t n = 0;
    for (size_t i = 0; i < count; i++) {
        lt_item *item = &items[n];
        snprintf(item->store, sizeof item->store, "%.*s", (int)store_len, store);
        if (((cases[i].flags & LT_DISK) && strcmp(item->store, "sqlite:") != 0) ||
            ((cases[i].flags & LT_KEEPS) && strcmp(item->store, "memory:") == 0)) {
            continue;
        }
        item->test = &cases[i];
        snprintf(item->name, sizeof item->name, "%s %s", item->store, cases[i].name);
        tests[n] = (struct CMUnitTest){item->name, run, setup, teardown, item};
        n++;
    }
    return n;
}

enum { ITEMS_MAX = 400 };

int lt_main(const char *program, const lt_case *cases, size_t count, int argc, char **argv)
{
    const char *stores = getenv("STEPWELL_STORES");
    lt_item *items = calloc(ITEMS_MAX, sizeof *items);
    struct CMUnitTest *tests = calloc(ITEMS_MAX, sizeof *tests);
    size_t n = 0;
    int failed = 0;
    if (!items || !tests) {
        return 1;
    }
    if (stores && strcmp(stores, "postgres") == 0 && pg_missing()) {
        printf("skipped: %s\n", pg_missing());
        free(tests);
        free(items);
        return 77;
    }
    for (const char *s = stores ? stores : "memory: sqlite:"; *s;) {
        size_t len = strcspn(s, " ");
        if (len > 0 && n + count <= ITEMS_MAX) {
            n += add_items(s, len, cases, count, items + n, tests + n);
        }
        s += len + strspn(s + len, " ");
    }
    if (argc > 1) {
        cmocka_set_test_filter(argv[1]);
    }
    failed = _cmocka_run_group_tests(program, tests, n, NULL, NULL);
    free(tests);
    free(items);
    return failed;
}

int64_t lt_level(int64_t quick, int64_t normal, int64_t deep)
{
    const char *level = getenv("STEPWELL_TEST_LEVEL");
    if (level && strcmp(level, "quick") == 0) {
        return quick;
    }
    return level && strcmp(level, "deep") == 0 ? deep : normal;
}

/* ---- checks ------------------------------------------------------------------------------------- */

_Noreturn void lt_fail(const char *file, int line, const char *format, ...)
{
    char text[1200];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    print_error("%s\n", text);
    _fail(file, line);
    abort();
}

void lt_check(sw_status got, sw_status want, const sw_error *err, const char *call,
              const char *file, int line)
{
    if (got != want) {
        lt_fail(file, line, "%s: %s, expected %s (field '%s': %s)", call, status_name(got),
                status_name(want), got ? err->field : "", got ? err->message : "");
    }
}

void lt_check_int(int64_t got, int64_t want, const char *what, const char *file, int line)
{
    if (got != want) {
        lt_fail(file, line, "%s is %lld, expected %lld", what, (long long)got, (long long)want);
    }
}

void lt_check_text(sw_str got, const char *want, const char *what, const char *file, int line)
{
    if (!sw_str_eq(got, sw_str_from(want))) {
        lt_fail(file, line, "%s is '%.*s'%s, expected '%s'%s", what, (int)got.len,
                got.ptr ? got.ptr : "", got.ptr ? "" : " (null)", want ? want : "",
                want ? "" : " (null)");
    }
}

void lt_check_row(sw_record_id record, const void *got, const void *want, uint64_t ignore,
                  const char *file, int line)
{
    char text[600];
    int field = row_differs(record, got, want, ignore);
    if (field >= 0) {
        lt_fail(file, line, "found / expected %s",
                row_difference(record, got, want, field, text, sizeof text));
    }
}

void lt_check_outcome(sw_outcome got, sw_verdict verdict, const char *file, int line)
{
    bool accepted = verdict == SW_VERDICT_CREATED || verdict == SW_VERDICT_UPDATED ||
                    verdict == SW_VERDICT_UNCHANGED;
    if (got.verdict != verdict) {
        lt_fail(file, line, "verdict %s, expected %s (%s, field '%s': %s)",
                verdict_name(got.verdict), verdict_name(verdict), status_name(got.status),
                got.error.field, got.error.message);
    }
    if ((got.status == SW_STATUS_OK) != accepted) {
        lt_fail(file, line, "verdict %s with status %s", verdict_name(verdict),
                status_name(got.status));
    }
    if (verdict > SW_VERDICT_UNCHANGED && got.seq != 0) {
        lt_fail(file, line, "verdict %s has a journal entry", verdict_name(verdict));
    }
}

bool lt_names(const sw_error *err, const char *word)
{
    return strstr(err->field, word) || strstr(err->message, word);
}

/* ---- chance ------------------------------------------------------------------------------------- */

lt_rng lt_seed(const char *what)
{
    const char *given = getenv("STEPWELL_TEST_SEED");
    bool fresh =
        lt_level(0, 0, 1) == 1; /* the same everyday run for everybody; deep looks further */
    lt_rng rng = {0};
    rng.state = given   ? strtoull(given, NULL, 10)
                : fresh ? (uint64_t)sw__system_clock.wall_us(sw__system_clock.data)
                        : UINT64_C(20261122);
    print_message("# %s: STEPWELL_TEST_SEED=%llu\n", what, (unsigned long long)rng.state);
    return rng;
}

/* splitmix64 */
uint64_t lt_next(lt_rng *rng)
{
    uint64_t z = rng->state += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

unsigned lt_below(lt_rng *rng, unsigned bound)
{
    return (unsigned)(lt_next(rng) % bound);
}

bool lt_one_in(lt_rng *rng, unsigned n)
{
    return lt_below(rng, n) == 0;
}
