/* SPDX-License-Identifier: Apache-2.0 */
/* `stepwell import` as people and scripts use it: what it says, that a dry run writes nothing, and that it follows what
 * is being written. Nothing here waits for some time: it waits until something is so, and fails when that never is. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/cli/child.h"
#include "tests/lib/v1.h"

enum { LIMIT_MS = 20000, PATH_BYTES = 256 };

extern char **environ;

/* ---- sessions of an agent ------------------------------------------------------------------------- */

static const char *path_of(const char *name)
{
    static char paths[8][PATH_BYTES];
    static unsigned turn = 0;
    char *path = paths[turn++ % 8];
    snprintf(path, PATH_BYTES, "%s/%s", child_folder(), name);
    return path;
}

static void write_text(const char *name, const char *mode, const char *text)
{
    FILE *file = fopen(path_of(name), mode);
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

/* One turn: 100 tokens in, `output` out. Its lines have names of their own, `line`. */
static void add_lines(const char *name, const char *session, int line, int turn, int output)
{
    char text[2048];
    snprintf(
        text, sizeof text,
        "{\"type\":\"user\",\"sessionId\":\"%s\",\"uuid\":\"u%d\",\"timestamp\":"
        "\"2026-02-01T10:%02d:00.000Z\",\"message\":{\"role\":\"user\",\"content\":\"go on\"}}\n"
        "{\"type\":\"assistant\",\"sessionId\":\"%s\",\"uuid\":\"a%d\",\"parentUuid\":\"u%d\","
        "\"timestamp\":\"2026-02-01T10:%02d:05.000Z\",\"requestId\":\"req_%s_%d\",\"message\":"
        "{\"id\":\"msg_%s_%d\",\"role\":\"assistant\",\"model\":\"claude-opus-4-6\","
        "\"content\":[{\"type\":\"text\",\"text\":\"Done.\"}],\"stop_reason\":\"end_turn\","
        "\"usage\":{\"input_tokens\":100,\"output_tokens\":%d}}}\n",
        session, line, turn, session, line, line, turn, session, turn, session, turn, output);
    write_text(name, "ab", text);
}

static void add_turn(const char *name, const char *session, int turn, int output)
{
    add_lines(name, session, turn, turn, output);
}

static void make_folder(const char *name)
{
    assert_int_equal(mkdir(path_of(name), 0700), 0);
}

static const char *store_of(const char *ledger)
{
    static char store[PATH_BYTES + 8];
    snprintf(store, sizeof store, "sqlite:%s", path_of(ledger));
    return store;
}

/* What the ledger of that name holds; -1: there is no such ledger. */
static json_int_t steps_in(const char *ledger)
{
    json_t *rows = NULL;
    json_int_t steps = 0;
    if (access(path_of(ledger), F_OK) != 0) {
        return -1;
    }
    rows = LINES("steps", "--json", "--limit", "1000", "--store", store_of(ledger));
    steps = (json_int_t)json_array_size(rows);
    json_decref(rows);
    return steps;
}

/* ---- once ----------------------------------------------------------------------------------------- */

static void test_it_says_what_it_did(void **state)
{
    json_t *said = NULL;
    (void)state;
    make_folder("once");
    add_turn("once/a.jsonl", "s1", 1, 7);
    add_turn("once/a.jsonl", "s1", 2, 8);
    add_turn("once/b.jsonl", "s2", 1, 9);
    said = JSON("import", path_of("once"), "--json", "--store", store_of("once.db"));
    assert_int_equal(child_number(said, "files"), 2);
    assert_int_equal(child_number(said, "files_read"), 2);
    assert_int_equal(child_number(said, "calls"), 3);
    assert_int_equal(child_number(said, "steps_new"), 3);
    assert_int_equal(child_number(said, "runs"), 3);
    assert_int_equal(child_number(said, "bad_lines"), 0);
    assert_int_equal(child_number(json_object_get(said, "formats"), "claude-code"), 2);
    assert_true(json_is_false(json_object_get(said, "dry_run")));
    json_decref(said);
    said = JSON("import", path_of("once"), "--json", "--store", store_of("once.db"));
    assert_int_equal(child_number(said, "files_unchanged"), 2);
    assert_int_equal(child_number(said, "files_read"), 0);
    assert_int_equal(child_number(said, "steps_new"), 0);
    json_decref(said);
    assert_int_equal(steps_in("once.db"), 3);
}

static void test_trouble_is_told_with_file_and_line(void **state)
{
    child c;
    (void)state;
    make_folder("bad");
    add_turn("bad/a.jsonl", "s3", 1, 7);
    write_text("bad/a.jsonl", "ab", "{\"type\":\"user\",\n");
    write_text("bad/notes.txt", "wb", "no session\n");
    c = RUN("import", path_of("bad"));
    assert_int_equal(c.code, 0);
    assert_non_null(strstr(c.err, "bad/a.jsonl:3: is no valid JSON"));
    assert_non_null(strstr(c.err, "bad/notes.txt: is in no format that is known"));
    assert_non_null(strstr(c.out, "2 files, 1 read, 1 skipped, 1 step new, 1 bad line skipped"));
    child_free(&c);
    c = RUN("import", path_of("nowhere"));
    assert_int_not_equal(c.code, 0);
    assert_non_null(strstr(c.err, "there is no such file or folder\n"));
    child_free(&c);
}

/* What nothing says the time of is in no report of today, so it is said that it is there. */
static void test_calls_without_a_time_are_said(void **state)
{
    child c;
    json_t *said = NULL;
    (void)state;
    make_folder("never");
    add_turn("never/a.jsonl", "n1", 1, 7);
    write_text("never/b.jsonl", "wb",
               "{\"type\":\"assistant\",\"sessionId\":\"n2\",\"uuid\":\"a1\",\"requestId\":\"r\","
               "\"message\":{\"id\":\"m\",\"role\":\"assistant\",\"model\":\"x\",\"content\":[],"
               "\"usage\":{\"input_tokens\":1,\"output_tokens\":2}}}\n");
    said = JSON("import", path_of("never"), "--dry-run", "--json");
    assert_int_equal(child_number(said, "steps_new"), 2);
    assert_int_equal(child_number(said, "steps_untimed"), 1);
    json_decref(said);
    c = RUN("import", path_of("never"), "--store", store_of("never.db"));
    assert_non_null(strstr(c.out, "2 steps new, 1 without any time"));
    child_free(&c);
    said = JSON("import", path_of("never"), "--json", "--store", store_of("never.db"));
    assert_int_equal(child_number(said, "steps_untimed"), 0);
    json_decref(said);
}

/* The first twenty, and how many more there are; for programs too. */
static void test_much_trouble_is_told_in_few_lines(void **state)
{
    child c;
    (void)state;
    make_folder("much");
    for (int i = 0; i < 23; i++) {
        char name[32];
        snprintf(name, sizeof name, "much/%d.txt", i);
        write_text(name, "wb", "no session\n");
    }
    c = RUN("import", path_of("much"), "--dry-run", "--json");
    assert_non_null(strstr(c.err, "known\nstepwell: and so on, 3 more\n"));
    child_free(&c);
}

/* It counts as the import that follows does, and leaves no trace: neither in a ledger nor of one. */
static void test_a_dry_run_writes_nothing(void **state)
{
    json_t *said = NULL;
    (void)state;
    make_folder("dry");
    add_turn("dry/a.jsonl", "s4", 1, 7);
    said = JSON("import", path_of("dry"), "--dry-run", "--json", "--store", store_of("dry.db"));
    assert_int_equal(child_number(said, "steps_new"), 1);
    assert_true(json_is_true(json_object_get(said, "dry_run")));
    json_decref(said);
    assert_int_equal(steps_in("dry.db"), -1);
    MUST("import", path_of("dry"), "--store", store_of("dry.db"));
    add_lines("dry/a.jsonl", "s4", 101, 1, 70); /* the same call, with more of its answer */
    add_turn("dry/a.jsonl", "s4", 2, 8);
    for (int i = 0; i < 2; i++) {
        said = JSON("import", path_of("dry"), "--dry-run", "--json", "--store", store_of("dry.db"));
        assert_int_equal(child_number(said, "files_read"), 1);
        assert_int_equal(child_number(said, "steps_new"), 1);
        assert_int_equal(child_number(said, "steps_corrected"), 1);
        json_decref(said);
        assert_int_equal(steps_in("dry.db"), 1);
    }
    said = JSON("import", path_of("dry"), "--json", "--store", store_of("dry.db"));
    assert_int_equal(child_number(said, "steps_new"), 1);
    assert_int_equal(child_number(said, "steps_corrected"), 1);
    json_decref(said);
    assert_int_equal(steps_in("dry.db"), 2);
}

/* ---- following ------------------------------------------------------------------------------------- */

/* An import that goes on, and what it said so far. */
typedef struct follower {
    pid_t pid;
    int out;
    int err;
    char text[65536];
    size_t len;
} follower;

/* `folder`: NULL for the agents' own ones below what the variables say. */
static void follow_in(follower *f, const char *folder, const char *store, char **variables)
{
    const char *words[] = {"stepwell", "import", "--watch", "--store",
                           store,      "--json", folder,    NULL};
    char *copies[8] = {NULL};
    posix_spawn_file_actions_t actions;
    int ends[2];
    for (int i = 0; words[i]; i++) {
        copies[i] = strdup(words[i]);
    }
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    f->err = open(path_of("follow.err"), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    assert_true(f->err >= 0);
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, ends[1], 1);
    posix_spawn_file_actions_adddup2(&actions, f->err, 2);
    assert_int_equal(
        posix_spawn(&f->pid, getenv("STEPWELL_BIN"), &actions, NULL, copies, variables), 0);
    posix_spawn_file_actions_destroy(&actions);
    for (int i = 0; copies[i]; i++) {
        free(copies[i]);
    }
    close(ends[1]);
    f->out = ends[0];
    f->len = 0;
    f->text[0] = '\0';
}

static void follow(follower *f, const char *folder, const char *store)
{
    follow_in(f, folder, store, environ);
}

/* The next line it says. */
static json_t *next_line(follower *f)
{
    char *end = NULL;
    json_t *line = NULL;
    while (!(end = strchr(f->text, '\n'))) {
        struct pollfd fd = {.fd = f->out, .events = POLLIN};
        ssize_t n = 0;
        if (poll(&fd, 1, LIMIT_MS) != 1) {
            kill(f->pid, SIGKILL);
            fail_msg("it says nothing");
        }
        n = read(f->out, f->text + f->len, sizeof f->text - f->len - 1);
        if (n <= 0) {
            fail_msg("it ended");
        }
        f->len += (size_t)n;
        f->text[f->len] = '\0';
    }
    *end = '\0';
    line = json_loads(f->text, 0, NULL);
    assert_non_null(line);
    f->len -= (size_t)(end + 1 - f->text);
    memmove(f->text, end + 1, f->len + 1);
    return line;
}

/* Steps may be told in one line or several: until there are so many. */
static void expect_steps(follower *f, json_int_t count)
{
    while (count > 0) {
        json_t *line = next_line(f);
        count -= child_number(line, "steps_new");
        json_decref(line);
    }
    assert_int_equal(count, 0);
}

static void stop(follower *f, int how)
{
    int status = 0;
    assert_int_equal(kill(f->pid, how), 0);
    assert_int_equal(waitpid(f->pid, &status, 0), f->pid);
    assert_true(WIFEXITED(status)); /* it ended by itself, and closed its ledger */
    assert_int_equal(WEXITSTATUS(status), 0);
    close(f->out);
    close(f->err);
}

static void test_a_live_session_shows_up(void **state)
{
    static follower f;
    (void)state;
    make_folder("live");
    make_folder("live/project");
    add_turn("live/project/a.jsonl", "l1", 1, 7);
    follow(&f, path_of("live"), store_of("live.db"));
    expect_steps(&f, 1);
    assert_int_equal(steps_in("live.db"), 1);
    add_turn("live/project/a.jsonl", "l1", 2, 8); /* the session goes on */
    expect_steps(&f, 1);
    assert_int_equal(steps_in("live.db"), 2);
    make_folder("live/another"); /* another one in a folder that was not there */
    add_turn("live/another/b.jsonl", "l2", 1, 9);
    expect_steps(&f, 1);
    make_folder("live/.hidden");
    add_turn("live/.hidden/c.jsonl", "l3", 1, 9);
    expect_steps(&f, 1);
    assert_int_equal(steps_in("live.db"), 4);
    stop(&f, SIGTERM);
}

/* Agents that are used for the first time while their folders are followed; nothing else is written meanwhile. In the
 * folder in which theirs come much goes on that is nobody's. */
static void test_an_agent_that_begins_later_is_followed(void **state)
{
    static follower f;
    char home[256];
    char *variables[] = {home, NULL};
    json_t *line = NULL;
    (void)state;
    make_folder("born");
    (void)snprintf(home, sizeof home, "HOME=%s", path_of("born"));
    follow_in(&f, NULL, store_of("born.db"), variables);
    line = next_line(&f);
    assert_int_equal(child_number(line, "files"), 0);
    json_decref(line);
    write_text("born/other.txt", "wb", "nothing\n");
    make_folder("born/.claude"); /* piece by piece, or at once */
    make_folder("born/.claude/projects");
    make_folder("born/.claude/projects/p");
    add_turn("born/.claude/projects/p/a.jsonl", "b1", 1, 7);
    expect_steps(&f, 1);
    make_folder("later");
    make_folder("later/claude");
    make_folder("later/claude/projects");
    add_turn("later/claude/projects/b.jsonl", "b2", 1, 7);
    assert_int_equal(rename(path_of("later"), path_of("born/.config")), 0);
    expect_steps(&f, 1);
    add_turn("born/.config/claude/projects/b.jsonl", "b2", 2, 8);
    expect_steps(&f, 1);
    assert_int_equal(steps_in("born.db"), 3);
    stop(&f, SIGTERM);
}

/* The agent clears away its sessions, with the folder, and later begins again: what was there stays in the ledger. */
static void test_what_the_agent_clears_away_stays(void **state)
{
    static follower f;
    (void)state;
    make_folder("clear");
    add_turn("clear/a.jsonl", "c1", 1, 7);
    follow(&f, path_of("clear"), store_of("clear.db"));
    expect_steps(&f, 1);
    assert_int_equal(remove(path_of("clear/a.jsonl")), 0);
    assert_int_equal(rmdir(path_of("clear")), 0);
    make_folder("clear");
    add_turn("clear/b.jsonl", "c2", 1, 7);
    expect_steps(&f, 1);
    assert_int_equal(steps_in("clear.db"), 2);
    stop(&f, SIGINT);
}

/* Whatever the one who runs the tests has at home. */
static void leave_home(void)
{
#define SW_IMPORT_FORMAT(name, NAME, WORD, TITLE, READER, TOLD, STEP)
#define SW_IMPORT_FOLDER(NAME, ENVIRONMENT, BELOW, HOME) (void)unsetenv(ENVIRONMENT);
#include "model/import_formats.def"
#undef SW_IMPORT_FORMAT
#undef SW_IMPORT_FOLDER
    setenv("HOME", path_of("nobody"), 1);
}

/* Without a path it is the agents' own folders, also one that came later. */
static void test_an_agent_that_comes_later_is_followed(void **state)
{
    static follower f;
    char homes[2 * PATH_BYTES];
    (void)state;
    make_folder("first");
    make_folder("first/projects");
    add_turn("first/projects/a.jsonl", "o1", 1, 7);
    snprintf(homes, sizeof homes, "%s,%s", path_of("first"), path_of("second"));
    leave_home();
    setenv("CLAUDE_CONFIG_DIR", homes, 1);
    follow(&f, NULL, store_of("later.db"));
    expect_steps(&f, 1);
    make_folder("second");
    make_folder("second/projects");
    add_turn("second/projects/b.jsonl", "o2", 1, 8);
    add_turn("first/projects/a.jsonl", "o1", 2, 8); /* what wakes it */
    expect_steps(&f, 2);
    add_turn("second/projects/b.jsonl", "o2", 2, 9);
    expect_steps(&f, 1);
    stop(&f, SIGTERM);
    unsetenv("CLAUDE_CONFIG_DIR");
}

/* A file that is read again with each line that is added: what is wrong with it is told once. */
static void test_trouble_of_what_grows_is_told_once(void **state)
{
    static follower f;
    char text[4096] = "";
    (void)state;
    make_folder("grows");
    add_turn("grows/a.jsonl", "g1", 1, 7);
    write_text("grows/a.jsonl", "ab", "{\"type\":\n");
    follow(&f, path_of("grows"), store_of("grows.db"));
    expect_steps(&f, 1);
    for (int turn = 2; turn < 5; turn++) {
        add_turn("grows/a.jsonl", "g1", turn, 7);
        expect_steps(&f, 1);
    }
    write_text("grows/a.jsonl", "ab", "{\"another\n");
    add_turn("grows/a.jsonl", "g1", 5, 7);
    expect_steps(&f, 1);
    assert_true(pread(f.err, text, sizeof text - 1, 0) > 0);
    assert_non_null(strstr(text, "a.jsonl:3: "));
    assert_null(strstr(strstr(text, "a.jsonl:3: ") + 1, "a.jsonl:3: "));
    assert_non_null(strstr(text, "a.jsonl:10: "));
    stop(&f, SIGTERM);
}

/* ---- a database of Letta V1 -------------------------------------------------------------------------- */

static json_int_t of_table(const json_t *answer, const char *table, const char *key)
{
    const json_t *tables = json_object_get(answer, "tables");
    return child_number(json_object_get(tables, table), key);
}

/* Counts a table, and trouble with table, id and field. */
static void test_a_database_is_copied(void **state)
{
    char url[PATH_BYTES + 8];
    json_t *answer = NULL;
    child c;
    (void)state;
    v1_sqlite_make(path_of("v1.db"));
    v1_sqlite_fill(path_of("v1.db"), &(v1_size){.steps = 100, .seed = 5});
    snprintf(url, sizeof url, "sqlite:%s", path_of("v1.db"));
    c = RUN("import", "--dry-run", url);
    assert_int_equal(c.code, 0);
    assert_non_null(strstr(c.out, "steps: 100 new"));
    assert_non_null(strstr(c.out, "(dry run: nothing was written)"));
    assert_non_null(strstr(c.err, "stepwell: steps step-"));
    assert_non_null(strstr(c.err, "feedback is none of the known words; taken without it"));
    child_free(&c);
    c = RUN("import", "--json", url);
    assert_int_equal(c.code, 0);
    answer = json_loads(c.out, 0, NULL);
    assert_int_equal(of_table(answer, "steps", "rows"), 100);
    assert_int_equal(of_table(answer, "steps", "new"), 100);
    assert_int_equal(of_table(answer, "messages", "new"), 200);
    assert_int_equal(of_table(answer, "steps", "left_out"), 2);
    assert_true(json_is_false(json_object_get(answer, "dry_run")));
    json_decref(answer);
    child_free(&c);
    c = RUN("import", url);
    assert_int_equal(c.code, 0);
    assert_non_null(strstr(c.out, "steps: 0 new, 100 there already"));
    child_free(&c);
}

static void fails(const char *a, const char *b, const char *says)
{
    child c = RUN("import", a, b);
    assert_int_not_equal(c.code, 0);
    if (!strstr(c.err, says)) {
        fail_msg("%s", c.err);
    }
    assert_null(strstr(c.err, "geheim"));
    child_free(&c);
}

static void test_what_is_no_database_is_said(void **state)
{
    char url[PATH_BYTES + 8];
    (void)state;
    snprintf(url, sizeof url, "sqlite:%s", path_of("absent.db"));
    fails("--dry-run", url, "is not there");
    fails("--dry-run", url, "check the path of V1's database");
    fails("--watch", url, "--watch");
    fails(url, url, "one database at a time");
    fails("--dry-run", "postgres://letta:geheim@127.0.0.1:1/letta", "");
    fails("--dry-run", "postgres:letta", "needs //user@host");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_it_says_what_it_did),
        cmocka_unit_test(test_trouble_is_told_with_file_and_line),
        cmocka_unit_test(test_calls_without_a_time_are_said),
        cmocka_unit_test(test_much_trouble_is_told_in_few_lines),
        cmocka_unit_test(test_a_dry_run_writes_nothing),
        cmocka_unit_test(test_a_live_session_shows_up),
        cmocka_unit_test(test_an_agent_that_begins_later_is_followed),
        cmocka_unit_test(test_what_the_agent_clears_away_stays),
        cmocka_unit_test(test_an_agent_that_comes_later_is_followed),
        cmocka_unit_test(test_trouble_of_what_grows_is_told_once),
        cmocka_unit_test(test_a_database_is_copied),
        cmocka_unit_test(test_what_is_no_database_is_said),
    };
    return cmocka_run_group_tests(tests, child_set_up, child_tear_down);
}
