/* SPDX-License-Identifier: Apache-2.0 */
/* Watching by inotify: every folder below the paths is watched, new ones are added as they come. A session is written
 * line by line, so what comes within a moment is taken together. Where inotify is not to be had, has no more watches
 * to give, or what it watched is gone, it is looked every few seconds; files that did not change cost one look at the
 * folder then.
 */
#include "cli/import_watch.h"

#include <dirent.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <unistd.h>

enum { QUIET_MS = 300, POLL_MS = 3000, LONGEST_MS = 2000, DEEPEST = 64, PATH_BYTES = 4096 };
enum { WANTED = IN_MODIFY | IN_CREATE | IN_MOVED_TO | IN_CLOSE_WRITE };

/* Below `depth` folders nothing is looked for: links are not followed, so no honest tree is as deep. */
static void watch_folder(import_watch *w, const char *path, int depth)
{
    DIR *folder = NULL;

    if (inotify_add_watch(w->notify, path, WANTED) < 0) {
        w->blind = true;
        return;
    }
    folder = depth < DEEPEST ? opendir(path) : NULL;
    for (const struct dirent *entry = folder ? readdir(folder) : NULL; entry;
         entry = readdir(folder)) {
        char below[PATH_BYTES];
        struct stat is;
        int len = snprintf(below, sizeof below, "%s/%s", path, entry->d_name);
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0 && len > 0 &&
            len < (int)sizeof below && lstat(below, &is) == 0 && S_ISDIR(is.st_mode)) {
            watch_folder(w, below, depth + 1);
        }
    }
    if (folder) {
        (void)closedir(folder);
    }
}

/* Of a file the folder is watched: others replace it, or write what is newest into another one beside it. */
static void watch_file(import_watch *w, const char *path)
{
    char folder[PATH_BYTES];
    const char *slash = strrchr(path, '/');
    int len = slash ? (int)(slash - path) + 1 : 1;

    if (snprintf(folder, sizeof folder, "%.*s", len, slash ? path : ".") >= (int)sizeof folder ||
        inotify_add_watch(w->notify, folder, WANTED) < 0) {
        w->blind = true;
    }
}

static void watch_all(import_watch *w)
{
    w->blind = w->notify < 0;
    for (size_t i = 0; w->notify >= 0 && i < w->count; i++) {
        struct stat is;
        if (stat(w->paths[i], &is) == 0 && !S_ISDIR(is.st_mode)) {
            watch_file(w, w->paths[i]);
        } else {
            watch_folder(w, w->paths[i], 0);
        }
    }
}

/* Reads what was told. True: a folder may have come, or gone. */
static bool drain(const import_watch *w)
{
    _Alignas(struct inotify_event) char buf[16384];
    bool folders = false;
    ssize_t n = 0;

    while ((n = read(w->notify, buf, sizeof buf)) > 0) {
        for (char *at = buf; at < buf + n;) {
            const struct inotify_event *event = (const struct inotify_event *)(const void *)at;
            folders = folders || (event->mask & (IN_ISDIR | IN_Q_OVERFLOW | IN_IGNORED));
            at += sizeof *event + event->len;
        }
    }
    return folders;
}

typedef enum seen { SEEN_NOTHING, SEEN_CHANGE, SEEN_STOP } seen;

static seen wait_for(const import_watch *w, int ms, bool *folders)
{
    struct pollfd fds[] = {{.fd = w->stop, .events = POLLIN}, {.fd = w->notify, .events = POLLIN}};
    int n = poll(fds, w->notify >= 0 ? 2 : 1, ms);

    if (n > 0 && fds[0].revents) {
        return SEEN_STOP;
    }
    if (n > 0 && w->notify >= 0 && fds[1].revents) {
        *folders = drain(w) || *folders;
        return SEEN_CHANGE;
    }
    return SEEN_NOTHING;
}

/* A change, and then quiet for a moment; or just some time, where changes are not all told. */
static seen wait_for_change(import_watch *w)
{
    bool blind = w->blind;
    bool folders = blind;
    seen what = wait_for(w, blind ? POLL_MS : -1, &folders);

    for (int waited = 0; what == SEEN_CHANGE && waited < LONGEST_MS; waited += QUIET_MS) {
        seen more = wait_for(w, QUIET_MS, &folders);
        if (more != SEEN_CHANGE) {
            what = more == SEEN_STOP ? SEEN_STOP : what;
            break;
        }
    }
    if (folders) {
        watch_all(w);
    }
    return what == SEEN_NOTHING && blind ? SEEN_CHANGE : what;
}

sw_status import_watch_begin(import_watch *w, const char *const *paths, size_t count, sw_error *err)
{
    sigset_t signals;

    *w = (import_watch){.paths = paths, .count = count, .stop = -1};
    (void)sigemptyset(&signals);
    (void)sigaddset(&signals, SIGINT);
    (void)sigaddset(&signals, SIGTERM);
    (void)pthread_sigmask(SIG_BLOCK, &signals, &w->before);
    w->notify = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
    w->stop = signalfd(-1, &signals, SFD_NONBLOCK | SFD_CLOEXEC);
    watch_all(w);
    return w->stop >= 0 ? SW_STATUS_OK : sw_fail(err, SW_STATUS_IO, "", "cannot wait for signals");
}

void import_watch_paths(import_watch *w, const char *const *paths, size_t count)
{
    w->paths = paths;
    w->count = count;
    watch_all(w);
}

bool import_watch_ends(const import_watch *w)
{
    struct pollfd fd = {.fd = w->stop, .events = POLLIN};

    return poll(&fd, 1, 0) > 0;
}

sw_status import_watch_go_on(import_watch *w, sw_status (*again)(void *arg), void *arg)
{
    sw_status status = SW_STATUS_OK;

    for (seen what = SEEN_NOTHING; status == SW_STATUS_OK && what != SEEN_STOP;) {
        what = wait_for_change(w);
        status = what == SEEN_CHANGE ? again(arg) : status;
    }
    return status;
}

/* A signal that was asked with is done with; else it would end the program now. */
void import_watch_end(import_watch *w)
{
    if (w->stop >= 0) {
        struct signalfd_siginfo asked;
        while (read(w->stop, &asked, sizeof asked) > 0) {
        }
        (void)close(w->stop);
    }
    if (w->notify >= 0) {
        (void)close(w->notify);
    }
    (void)pthread_sigmask(SIG_SETMASK, &w->before, NULL);
}
