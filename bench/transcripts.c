/* SPDX-License-Identifier: Apache-2.0 */
/* How fast are transcripts read and imported? Real sessions of Claude Code (../shared/data/claude-code) are repeated
 * with new ids until there is enough of them. Where they are not there, the figures read n/a.
 *
 * What the ledger takes is measured within an import that writes through a hook, which hands each batch to the ledger and
 * looks at the clock. Meanwhile nothing else is done: he who reads waits for it, so that the ledger has the machine for
 * itself. That is compared with the time of a whole import, in which nobody waits. */
#include <dirent.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bench.h"
#include "codec/transcript.h"
#include "ingest/import.h"

enum { SAMPLES_MOST = 64, PARSES = 9, ASKED = 41, DIGITS = 62 };

static const char samples_folder[] = BENCH_SOURCE_ROOT "/../shared/data/claude-code/entireio__cli";

typedef struct sample {
    char *bytes;
    size_t len;
} sample;

typedef struct samples {
    sample all[SAMPLES_MOST];
    int count;
    size_t bytes;
} samples;

/* ---- sessions ------------------------------------------------------------------------------------ */

static void read_sample(samples *s, const char *name)
{
    char path[1024];
    bool whole = false;
    FILE *file = NULL;
    sample *one = &s->all[s->count];
    (void)snprintf(path, sizeof path, "%s/%s", samples_folder, name);
    file = fopen(path, "rb");
    if (file && fseek(file, 0, SEEK_END) == 0) {
        one->len = (size_t)ftell(file);
        one->bytes = bench_take(one->len + 1, 1);
        rewind(file);
        whole = fread(one->bytes, 1, one->len, file) == one->len;
        (void)fclose(file);
    }
    if (!whole) {
        bench_die("cannot read %s", path);
    }
    s->bytes += one->len;
    s->count++;
}

static bool read_samples(samples *s)
{
    DIR *folder = opendir(samples_folder);
    if (!folder) {
        return false;
    }
    for (const struct dirent *entry = readdir(folder); entry; entry = readdir(folder)) {
        const char *end = strstr(entry->d_name, ".session.jsonl");
        if (end && s->count < SAMPLES_MOST) {
            read_sample(s, entry->d_name);
        }
    }
    (void)closedir(folder);
    return s->count > 0;
}

/* Two characters behind each of these are another number in each copy. */
static void renumber(sample *one, int copy)
{
    static const char digits[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    static const char *const before[] = {"\"msg_", "\"req_", "\"sessionId\":\""};
    for (size_t i = 0; i < SW_COUNT(before); i++) {
        size_t len = strlen(before[i]);
        char *end = one->bytes + one->len;
        for (char *at = memmem(one->bytes, one->len, before[i], len); at && end - at > 32;
             at = memmem(at + 1, (size_t)(end - at - 1), before[i], len)) {
            at[len] = digits[copy / DIGITS];
            at[len + 1] = digits[copy % DIGITS];
        }
    }
}

static void write_copy(const char *folder, sample *one, int number, int copy)
{
    char name[1024];
    FILE *file = NULL;
    renumber(one, copy);
    (void)snprintf(name, sizeof name, "%s/%d-%d.jsonl", folder, copy, number);
    file = fopen(name, "wb");
    if (!file || fwrite(one->bytes, 1, one->len, file) != one->len || fclose(file) != 0) {
        bench_die("cannot write %s", name);
    }
}

static const char *write_sessions(samples *s, size_t bytes)
{
    const char *folder = bench_path("transcripts");
    size_t written = 0;
    (void)mkdir(folder, 0700);
    for (int copy = 0; written < bytes && copy < DIGITS * DIGITS; copy++) {
        for (int i = 0; i < s->count; i++) {
            write_copy(folder, &s->all[i], i, copy);
            written += s->all[i].len;
        }
    }
    return folder;
}

static void remove_sessions(const char *path)
{
    DIR *folder = opendir(path);
    for (const struct dirent *entry = folder ? readdir(folder) : NULL; entry;
         entry = readdir(folder)) {
        (void)unlinkat(dirfd(folder), entry->d_name, 0);
    }
    if (folder) {
        (void)closedir(folder);
    }
    (void)rmdir(path);
}

/* ---- parsing -------------------------------------------------------------------------------------- */

static void count_event(void *arg, const transcript_event *event)
{
    *(int64_t *)arg += event->has_usage;
}

static double parse_once(const samples *s, sw_arena *arena)
{
    int64_t calls = 0;
    transcript_sink sink = {&calls, count_event, NULL};
    bench_lap lap = {0, 0};
    bench_lap begun = bench_start();
    for (int i = 0; i < s->count; i++) {
        transcript_end end;
        sw_error err;
        bench_need(transcript_read_claude_code(sw_str_make(s->all[i].bytes, s->all[i].len), arena,
                                               &sink, &end, &err),
                   &err, "parse");
        sw_arena_reset(arena);
    }
    if (calls == 0) {
        bench_die("the sessions hold no calls");
    }
    bench_stop(&lap, begun);
    return (double)s->bytes / 1e6 / lap.cpu; /* a core: what else runs there is not ours */
}

static void measure_parse(const samples *s)
{
    double rates[PARSES];
    sw_arena arena;
    sw_arena_init(&arena, &sw__libc_allocator, 0);
    for (int i = 0; i < PARSES; i++) {
        rates[i] = parse_once(s, &arena);
    }
    sw_arena_fini(&arena);
    bench_figure_set(BENCH_TRANSCRIPT_PARSE, rates, PARSES);
}

/* ---- importing ------------------------------------------------------------------------------------- */

typedef struct sending {
    sw_ledger *ledger;
    pthread_mutex_t alone;
    double seconds;
} sending;

static sw_status send_to_ledger(void *arg, const sw_telemetry_batch *batch, sw_error *err)
{
    sending *s = arg;
    sw_actor actor = {.organization_id = SW_NULL_STR};
    double begun = 0;
    sw_status status = SW_STATUS_OK;
    pthread_mutex_lock(&s->alone);
    begun = bench_seconds();
    status = sw_telemetry_write(s->ledger, &actor, batch, err);
    s->seconds += bench_seconds() - begun;
    pthread_mutex_unlock(&s->alone);
    return status;
}

/* Between two files. */
static void wait_for_ledger(void *arg, const import_result *so_far)
{
    sending *s = arg;
    (void)so_far;
    pthread_mutex_lock(&s->alone);
    pthread_mutex_unlock(&s->alone);
}

static sw_ledger *open_ledger(const char *name)
{
    char url[1024];
    sw_ledger_options options = {.store = url};
    sw_ledger *ledger = NULL;
    sw_error err;
    (void)snprintf(url, sizeof url, "sqlite:%s", bench_path(name));
    bench_remove_database(bench_path(name));
    bench_need(sw_ledger_open(&options, &ledger, &err), &err, "open");
    return ledger;
}

static double import_all(sw_ledger *ledger, const char *path, const import_options *options,
                         import_result *result)
{
    sw_actor actor = {.organization_id = SW_NULL_STR};
    sw_error err;
    double begun = bench_seconds();
    bench_need(import_paths(ledger, &actor, options, &path, 1, result, &err), &err, "import");
    return bench_seconds() - begun;
}

/* The time that the ledger takes for all that an import gives it. */
static double measure_ledger(const char *path)
{
    sending s = {.ledger = open_ledger("alone.db"), .alone = PTHREAD_MUTEX_INITIALIZER};
    import_options options = {.send = send_to_ledger, .progress = wait_for_ledger, .arg = &s};
    import_result result;
    double all = import_all(NULL, path, &options, &result);
    bench_say("import: %.0f MB, %lld steps; the ledger takes %.2f s, and with what is done before "
              "it is %.2f s",
              (double)result.bytes_read / 1e6, (long long)result.steps_new, s.seconds, all);
    sw_ledger_close(&s.ledger);
    bench_remove_database(bench_path("alone.db"));
    return s.seconds;
}

static bool no_group(void *arg, const sw_usage_group *group)
{
    *(int64_t *)arg += group->totals.total_tokens;
    return true;
}

static void measure_usage(sw_ledger *ledger)
{
    sw_actor actor = {.organization_id = SW_NULL_STR};
    double ms[ASKED];
    double median = 0;
    for (int i = 0; i < ASKED; i++) {
        sw_usage_query query = {.by = {SW_DIMENSION_DAY}, .by_count = 1};
        sw_usage_end end;
        sw_error err;
        int64_t sum = 0;
        double begun = bench_seconds();
        bench_need(sw_usage(ledger, &actor, &query, no_group, &sum, &end, &err), &err, "usage");
        ms[i] = (bench_seconds() - begun) * 1e3;
    }
    median = bench_percentile(ms, ASKED, 50);
    bench_figure_set(BENCH_TRANSCRIPT_USAGE, &median, 1);
}

static void measure_import(const char *path)
{
    double alone = measure_ledger(path);
    import_options options = {.arg = NULL};
    import_result result;
    sw_ledger *ledger = open_ledger("again.db");
    double first = import_all(ledger, path, &options, &result);
    double second = import_all(ledger, path, &options, &result);
    double speedup = first / second;
    double share = alone / first;
    if (result.steps_new + result.files_read != 0) {
        bench_die("importing again read %lld files", (long long)result.files_read);
    }
    bench_say("import: %.2f s, and %.4f s when nothing changed", first, second);
    bench_figure_set(BENCH_TRANSCRIPT_IMPORT, &share, 1);
    bench_figure_set(BENCH_TRANSCRIPT_AGAIN, &speedup, 1);
    measure_usage(ledger);
    sw_ledger_close(&ledger);
    bench_remove_database(bench_path("again.db"));
}

void bench_transcripts(bench *b)
{
    static samples s;
    const char *path = NULL;
    if (!read_samples(&s)) {
        bench_say("transcripts: %s is not here", samples_folder);
        return;
    }
    measure_parse(&s);
    path = write_sessions(&s, b->quick ? 100000000 : 1000000000);
    measure_import(path);
    remove_sessions(path);
}
