/* SPDX-License-Identifier: Apache-2.0 */
/* See child.h. What a child writes goes to files, so that nothing waits for a full pipe. */
#include "tests/cli/child.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <setjmp.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

enum { WORDS_MOST = 40 };

extern char **environ;
static char folder[128];

/* ---- the folder ------------------------------------------------------------------------------ */

int child_set_up(void **state)
{
    char store[160];
    (void)state;
    const char *tmp = getenv("TMPDIR");
    snprintf(folder, sizeof folder, "%s/stepwell-cli-XXXXXX", tmp ? tmp : "/tmp");
    if (!mkdtemp(folder) || !getenv("STEPWELL_BIN")) {
        return -1;
    }
    snprintf(store, sizeof store, "sqlite:%s/well.db", folder);
    setenv("STEPWELL_STORE", store, 1);
    setenv("TERM", "xterm", 1);
    unsetenv("NO_COLOR");
    unsetenv("COLUMNS");
    return 0;
}

static int remove_one(const char *path, const struct stat *info, int kind, struct FTW *at)
{
    (void)info;
    (void)kind;
    (void)at;
    return remove(path);
}

int child_tear_down(void **state)
{
    (void)state;
    return nftw(folder, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

const char *child_folder(void)
{
    return folder;
}

/* ---- running --------------------------------------------------------------------------------- */

static char *read_all(int file)
{
    size_t size = 0;
    size_t room = 4096;
    char *text = malloc(room);
    for (;;) {
        assert_non_null(text);
        ssize_t got = read(file, text + size, room - size - 1);
        /* A terminal whose other side is closed answers EIO: that is its end. */
        if (got <= 0) {
            break;
        }
        size += (size_t)got;
        if (room - size < 2) {
            room *= 2;
            text = realloc(text, room);
        }
    }
    text[size] = '\0';
    return text;
}

static pid_t spawn(const char *const *words, posix_spawn_file_actions_t *actions)
{
    const char *program = getenv("STEPWELL_BIN");
    char *copies[WORDS_MOST] = {strdup(program)};
    size_t count = 1;
    pid_t pid = 0;
    for (; *words; words++) {
        assert_true(count + 1 < WORDS_MOST);
        copies[count++] = strdup(*words);
    }
    assert_int_equal(posix_spawn(&pid, program, actions, NULL, copies, environ), 0);
    while (count > 0) {
        free(copies[--count]);
    }
    return pid;
}

static int wait_for(pid_t pid)
{
    int status = 0;
    while (waitpid(pid, &status, 0) < 0) {
        assert_int_equal(errno, EINTR);
    }
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static int open_file(const char *name)
{
    char path[512];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    int file = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    assert_true(file >= 0);
    return file;
}

static char *take_file(int file)
{
    assert_int_equal(lseek(file, 0, SEEK_SET), 0);
    char *text = read_all(file);
    close(file);
    return text;
}

child child_run(const char *const *words)
{
    posix_spawn_file_actions_t actions;
    int out = open_file("out");
    int err = open_file("err");
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_adddup2(&actions, out, 1);
    posix_spawn_file_actions_adddup2(&actions, err, 2);
    child c = {.code = wait_for(spawn(words, &actions))};
    posix_spawn_file_actions_destroy(&actions);
    c.out = take_file(out);
    c.err = take_file(err);
    return c;
}

child child_run_on_terminal(int columns, const char *const *words)
{
    posix_spawn_file_actions_t actions;
    struct winsize size = {.ws_row = 24, .ws_col = (unsigned short)columns};
    int master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
    assert_true(master >= 0 && grantpt(master) == 0 && unlockpt(master) == 0);
    int terminal = open(ptsname(master), O_RDWR | O_NOCTTY | O_CLOEXEC);
    assert_true(terminal >= 0 && ioctl(terminal, TIOCSWINSZ, &size) == 0);
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, terminal, 1);
    posix_spawn_file_actions_adddup2(&actions, terminal, 2);
    pid_t pid = spawn(words, &actions);
    posix_spawn_file_actions_destroy(&actions);
    close(terminal);
    child c = {.out = read_all(master), .err = strdup("")};
    c.code = wait_for(pid);
    close(master);
    return c;
}

void child_free(child *c)
{
    free(c->out);
    free(c->err);
    *c = (child){0};
}

/* ---- answers --------------------------------------------------------------------------------- */

static child succeed(const char *const *words)
{
    child c = child_run(words);
    if (c.code != 0 || c.err[0]) {
        fail_msg("stepwell %s: exit code %d, stderr: %s", words[0], c.code, c.err);
    }
    return c;
}

void child_must(const char *const *words)
{
    child c = succeed(words);
    child_free(&c);
}

json_t *child_json(const char *const *words)
{
    json_error_t error;
    child c = succeed(words);
    json_t *json = json_loads(c.out, JSON_REJECT_DUPLICATES, &error);
    if (!json) {
        fail_msg("stepwell %s: not JSON: %s", words[0], error.text);
    }
    child_free(&c);
    return json;
}

json_t *child_lines(const char *const *words)
{
    json_t *lines = json_array();
    child c = succeed(words);
    for (char *at = c.out; *at;) {
        json_error_t error;
        char *end = strchr(at, '\n');
        assert_non_null(end);
        json_t *line = json_loadb(at, (size_t)(end - at), JSON_REJECT_DUPLICATES, &error);
        if (!line) {
            fail_msg("stepwell %s: not a line of JSON: %s", words[0], error.text);
        }
        json_array_append_new(lines, line);
        at = end + 1;
    }
    child_free(&c);
    return lines;
}

int child_set_up_demo(void **state, const char *steps, const char *seed)
{
    if (child_set_up(state) != 0) {
        return -1;
    }
    MUST("demo", "--steps", steps, "--seed", seed);
    return 0;
}

json_int_t child_number(const json_t *object, const char *key)
{
    const json_t *value = json_object_get(object, key);
    if (!json_is_integer(value)) {
        fail_msg("%s is no integer", key);
    }
    return json_integer_value(value);
}
