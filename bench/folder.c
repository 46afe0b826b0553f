/* SPDX-License-Identifier: Apache-2.0 */
/* The folder that holds the databases of one run, up to a few dozen gigabytes, and nothing that outlives
 * it: it is removed at exit, and when the program is interrupted. It holds plain files only.
 */
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bench.h"

enum { PATHS = 64 };

/* The only state of the program outside its stack: atexit hands nothing to what it calls. */
static char folder[PATH_MAX - 64];
static char paths[PATHS][PATH_MAX];
static int path_count;

static void remove_folder(void)
{
    char path[PATH_MAX];
    DIR *dir = opendir(folder);
    struct dirent *entry;
    while (dir && (entry = readdir(dir)) != NULL) {
        if (entry->d_name[0] != '.') {
            int n = snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
            if (n > 0 && (size_t)n < sizeof path) {
                unlink(path);
            }
        }
    }
    if (dir) {
        closedir(dir);
    }
    rmdir(folder);
}

/* Signals are blocked in every thread and taken here, where removing files is allowed. */
static void *wait_for_signal(void *data)
{
    sigset_t *set = data;
    int number = 0;
    sigwait(set, &number);
    remove_folder();
    _exit(128 + number);
}

static void watch_signals(void)
{
    static sigset_t set;
    pthread_t thread;
    sigemptyset(&set);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGHUP);
    pthread_sigmask(SIG_BLOCK, &set, NULL);
    if (pthread_create(&thread, NULL, wait_for_signal, &set) == 0) {
        pthread_detach(thread);
    }
}

/* build/bench-data for build/bench/stepwell-bench. */
static void beside_program(char *out, size_t size)
{
    char program[PATH_MAX] = "";
    ssize_t n = readlink("/proc/self/exe", program, sizeof program - 1);
    for (int up = 0; n > 0 && up < 2; up++) {
        char *slash = strrchr(program, '/');
        if (slash) {
            *slash = 0;
        }
    }
    snprintf(out, size, "%.3000s/bench-data", *program ? program : ".");
    if (mkdir(out, 0777) != 0 && errno != EEXIST) {
        bench_die("cannot make %s: %s", out, strerror(errno));
    }
}

void bench_folder_make(void)
{
    char parent[PATH_MAX - 128];
    const char *tmp = getenv("TMPDIR");
    if (tmp && *tmp) {
        snprintf(parent, sizeof parent, "%.3000s", tmp);
    } else {
        beside_program(parent, sizeof parent);
    }
    snprintf(folder, sizeof folder, "%s/run-XXXXXX", parent);
    if (!mkdtemp(folder)) {
        bench_die("cannot make a folder in %s: %s", parent, strerror(errno));
    }
    atexit(remove_folder);
    watch_signals();
    bench_say("working in %s", folder);
}

const char *bench_path(const char *name)
{
    if (path_count == PATHS) {
        bench_die("too many files");
    }
    snprintf(paths[path_count], sizeof paths[0], "%s/%s", folder, name);
    return paths[path_count++];
}

void bench_remove_database(const char *path)
{
    char beside[PATH_MAX];
    static const char *const ends[] = {"", "-wal", "-shm", "-journal"};
    for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++) {
        snprintf(beside, sizeof beside, "%.4000s%s", path, ends[i]);
        unlink(beside);
    }
}
