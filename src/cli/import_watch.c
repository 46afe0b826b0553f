/* SPDX-License-Identifier: Apache-2.0 */
/* Watching by inotify: every folder below the paths is watched, new ones are added as they come. A session is written
 * line by line, so what comes within a moment is taken together. Where inotify is not to be had, has no more watches
 * to give, or what it watched is gone, it is looked every few seconds; files that did not change cost one look at the
 * folder then.
 *
 * What is not there yet is awaited in the nearest folder above it that is, which may be one in which much goes on, as
 * the home folder: so only the one name counts that leads on, and these watches stand apart from the others.
 */
#include "cli/import_watch.h"

#include <dirent.h>
#include <fnmatch.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <unistd.h>

enum { QUIET_MS = 300, POLL_MS = 3000, LONGEST_MS = 2000, DEEPEST = 64, PATH_BYTES = 4096 };
enum { WANTED = IN_MODIFY | IN_CREATE | IN_MOVED_TO | IN_CLOSE_WRITE };
enum { BIRTHS = IN_CREATE | IN_MOVED_TO | IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR };

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

/* ---- what is not there yet ------------------------------------------------------------------------------- */

static bool is_folder(const char *path)
{
    struct stat is;

    return stat(path, &is) == 0 && S_ISDIR(is.st_mode);
}

/* The path up to there; false: that is no folder. */
static bool folder_up_to(const char *path, size_t len, char out[PATH_BYTES])
{
    (void)snprintf(out, PATH_BYTES, "%.*s", (int)len, path);
    return is_folder(*out ? out : "/");
}

/* Where the name before that place ends. */
static size_t name_before(const char *path, size_t len)
{
    while (len > 0 && path[len - 1] != '/') {
        len--;
    }
    while (len > 0 && path[len - 1] == '/') {
        len--;
    }
    return len;
}

static sw_str name_behind(const char *path, size_t len)
{
    const char *name = path + len + strspn(path + len, "/");

    return sw_str_make(name, strcspn(name, "/"));
}

/* A folder that comes between the look and the watch is gone on from. */
static void await(import_watch *w, import_awaited *a)
{
    char folder[PATH_BYTES];
    size_t len = name_before(a->path, strlen(a->path));

    a->folder = -1;
    while (len > 0 && !folder_up_to(a->path, len, folder)) {
        len = name_before(a->path, len);
    }
    for (bool deeper = folder_up_to(a->path, len, folder); deeper;) {
        a->folder = inotify_add_watch(w->births, *folder ? folder : "/", BIRTHS);
        a->next = name_behind(a->path, len);
        len = (size_t)(a->next.ptr - a->path) + a->next.len;
        deeper = a->folder >= 0 && a->path[len] && folder_up_to(a->path, len, folder);
    }
    w->blind = w->blind || a->folder < 0;
}

static bool is_awaited(const import_watch *w, const struct inotify_event *event)
{
    bool any = event->mask & IN_Q_OVERFLOW;

    for (size_t i = 0; i < w->awaited_count && !any; i++) {
        const import_awaited *a = &w->awaited[i];
        char next[PATH_BYTES];
        (void)snprintf(next, sizeof next, "%.*s", (int)a->next.len, a->next.ptr);
        any = a->folder == event->wd &&
              (event->len > 0 ? strcmp(next, event->name) == 0 || fnmatch(next, event->name, 0) == 0
                              : (event->mask & (IN_IGNORED | IN_MOVE_SELF)) != 0);
    }
    return any;
}

/* ---- all of it --------------------------------------------------------------------------------------------- */

static void watch_all(import_watch *w)
{
    w->blind = w->notify < 0 || (w->awaited_count > 0 && w->births < 0);
    for (size_t i = 0; w->births >= 0 && i < w->awaited_count; i++) {
        await(w, &w->awaited[i]);
    }
    for (size_t i = 0; w->notify >= 0 && i < w->count; i++) {
        struct stat is;
        if (stat(w->paths[i], &is) == 0 && !S_ISDIR(is.st_mode)) {
            watch_file(w, w->paths[i]);
        } else {
            watch_folder(w, w->paths[i], 0);
        }
    }
}

/* Reads what was told by one of the two. */
static void drain(const import_watch *w, int fd, bool *any, bool *folders)
{
    _Alignas(struct inotify_event) char buf[16384];
    ssize_t n = 0;

    while ((n = read(fd, buf, sizeof buf)) > 0) {
        for (char *at = buf; at < buf + n;) {
            const struct inotify_event *event = (const struct inotify_event *)(const void *)at;
            bool born = fd == w->births && is_awaited(w, event);
            *any = *any || born || fd == w->notify;
            *folders = *folders || born ||
                       (fd == w->notify && (event->mask & (IN_ISDIR | IN_Q_OVERFLOW | IN_IGNORED)));
            at += sizeof *event + event->len;
        }
    }
}

typedef enum seen { SEEN_NOTHING, SEEN_CHANGE, SEEN_STOP } seen;

/* `folders`: one may have come, or gone. What else goes on where something is awaited is no end of the wait. */
static seen wait_for(const import_watch *w, int ms, bool *folders)
{
    struct pollfd fds[] = {
        {.fd = w->stop, .events = POLLIN},
        {.fd = w->notify, .events = POLLIN},
        {.fd = w->births, .events = POLLIN}}; /* one that is negative tells nothing */
    bool any = false;

    do {
        if (poll(fds, SW_COUNT(fds), ms) <= 0) {
            return SEEN_NOTHING;
        }
        for (size_t i = 1; i < SW_COUNT(fds); i++) {
            if (fds[i].revents) {
                drain(w, fds[i].fd, &any, folders);
            }
        }
    } while (!any && !fds[0].revents && ms < 0);
    return fds[0].revents ? SEEN_STOP : any ? SEEN_CHANGE : SEEN_NOTHING;
}

/* A change, and then quiet for a moment; or just some time, where changes are not all told, or
 * the last one could not be dealt with. */
static seen wait_for_change(import_watch *w)
{
    bool asks = w->blind || w->soon;
    bool folders = w->blind;
    seen what = wait_for(w, asks ? POLL_MS : -1, &folders);

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
    return what == SEEN_NOTHING && asks ? SEEN_CHANGE : what;
}

sw_status import_watch_begin(import_watch *w, const char *const *paths, size_t count, sw_error *err)
{
    sigset_t signals;

    *w = (import_watch){.paths = paths, .count = count, .births = -1, .stop = -1};
    (void)sigemptyset(&signals);
    (void)sigaddset(&signals, SIGINT);
    (void)sigaddset(&signals, SIGTERM);
    (void)pthread_sigmask(SIG_BLOCK, &signals, &w->before);
    w->notify = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
    w->stop = signalfd(-1, &signals, SFD_NONBLOCK | SFD_CLOEXEC);
    watch_all(w);
    return w->stop >= 0 ? SW_STATUS_OK : sw_fail(err, SW_STATUS_IO, "", "cannot wait for signals");
}

void import_watch_await(import_watch *w, import_awaited *awaited, size_t count)
{
    w->awaited = awaited;
    w->awaited_count = count;
    w->births = w->births >= 0 ? w->births : inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
    watch_all(w);
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
    if (w->births >= 0) {
        (void)close(w->births);
    }
    (void)pthread_sigmask(SIG_SETMASK, &w->before, NULL);
}
