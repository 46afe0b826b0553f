/* SPDX-License-Identifier: Apache-2.0 */
/* Every command, run as a child on a demo ledger: what it answers, that its JSON is JSON for
 * another library, and what it says and exits with when something is wrong.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/cli/child.h"
#include "tests/lib/older.h"

enum { STEPS = 400 };

static int set_up(void **state)
{
    return child_set_up_demo(state, "400", "3");
}

static const char *text(const json_t *object, const char *key)
{
    const json_t *value = json_object_get(object, key);
    if (!json_is_string(value)) {
        fail_msg("%s is no text", key);
    }
    return json_string_value(value);
}

/* ---- help ------------------------------------------------------------------------------------ */

static const char *const commands[] = {
#define SW_COMMAND(NAME, ...) #NAME,
#define SW_OPTION(...)
#include "model/commands.def"
#undef SW_COMMAND
#undef SW_OPTION
};
enum { COMMANDS = sizeof commands / sizeof commands[0] };

static void test_help_lists_every_command(void **state)
{
    child all = RUN("help");
    child none = child_run((const char *const[]){NULL});
    (void)state;
    assert_int_equal(all.code, 0);
    assert_string_equal(all.out, none.out);
    for (size_t i = 0; i < COMMANDS; i++) {
        char line[64];
        snprintf(line, sizeof line, "\n  %s ", commands[i]);
        assert_non_null(strstr(all.out, line));
        child help = RUN("help", commands[i]);
        child option = RUN(commands[i], "--help");
        assert_int_equal(help.code, 0);
        assert_non_null(strstr(help.out, "--help"));
        assert_string_equal(help.out, option.out);
        child_free(&help);
        child_free(&option);
    }
    child_free(&all);
    child_free(&none);
}

static void test_completion_and_manual_know_every_command(void **state)
{
    child bash = RUN("completion", "bash");
    child manual = RUN("help", "--man");
    (void)state;
    for (size_t i = 0; i < COMMANDS; i++) {
        char line[64];
        snprintf(line, sizeof line, "\n    %s) words=", commands[i]);
        assert_non_null(strstr(bash.out, line));
        snprintf(line, sizeof line, "\n.SS stepwell %s", commands[i]);
        assert_non_null(strstr(manual.out, line));
    }
    assert_non_null(
        strstr(bash.out, "--status) COMPREPLY=($(compgen -W \"pending success failed cancelled\""));
    child_free(&bash);
    child_free(&manual);
}

/* `./dev docs` writes the manual page from the program; the copy in the tree must be what it
 * prints. */
static void test_the_manual_page_is_fresh(void **state)
{
    child manual = RUN("help", "--man");
    FILE *file = fopen(SW_SOURCE_ROOT "/docs/man/stepwell.1", "r");
    (void)state;
    assert_non_null(file);
    size_t length = strlen(manual.out);
    char *kept = calloc(1, length + 2);
    assert_int_equal(fread(kept, 1, length + 1, file), length);
    assert_string_equal(kept, manual.out);
    free(kept);
    fclose(file);
    child_free(&manual);
}

/* ---- answers --------------------------------------------------------------------------------- */

static void test_version_and_info(void **state)
{
    json_t *version = JSON("version", "--json");
    json_t *info = JSON("info", "--json");
    (void)state;
    assert_string_equal(text(version, "version"), text(info, "version"));
    assert_string_equal(text(info, "store"), "sqlite");
    assert_int_equal(child_number(info, "steps"), STEPS);
    assert_true(child_number(info, "runs") > 10 && child_number(info, "organizations") >= 4);
    assert_true(child_number(info, "pending_steps") > 0 && child_number(info, "file_bytes") > 4096);
    assert_true(child_number(info, "journal_entries") >= STEPS);
    assert_int_equal(json_array_size(json_object_get(info, "at_least")), 0);
    assert_string_equal(json_string_value(json_array_get(json_object_get(info, "at_most"), 0)),
                        "journal_entries");
    json_decref(version);
    json_decref(info);
}

static void test_verify_finds_a_demo_in_order(void **state)
{
    json_t *verify = JSON("verify", "--json");
    (void)state;
    assert_true(json_is_true(json_object_get(verify, "ok")));
    assert_int_equal(child_number(verify, "steps"), STEPS);
    assert_int_equal(child_number(verify, "difference_count"), 0);
    assert_int_equal(json_array_size(json_object_get(verify, "differences")), 0);
    json_decref(verify);
    child words = RUN("verify");
    assert_non_null(strstr(words.out, "400 steps"));
    assert_non_null(strstr(words.out, "Everything adds up."));
    child_free(&words);
}

static void test_a_demo_written_twice_is_there_once(void **state)
{
    json_t *again = JSON("demo", "--steps", "400", "--seed", "3", "--json");
    json_t *info = JSON("info", "--json");
    (void)state;
    assert_int_equal(child_number(again, "created"), 0);
    assert_int_equal(child_number(again, "unchanged"), STEPS);
    assert_int_equal(child_number(info, "steps"), STEPS);
    json_decref(again);
    json_decref(info);
}

static void test_show_a_step(void **state)
{
    json_t *steps = LINES("steps", "--json", "--limit", "0", "--status", "success", "--asc");
    json_t *first = json_array_get(steps, 0);
    const char *id = text(first, "id");
    json_t *shown = JSON("show", id, "--json");
    json_t *bare = JSON("show", id + 5, "--json");
    (void)state;
    assert_true(json_equal(shown, bare));
    assert_true(json_equal(json_object_get(shown, "step"), first));
    assert_string_equal(text(json_object_get(shown, "metrics"), "id"), id);
    json_t *messages = json_object_get(shown, "messages");
    assert_true(json_array_size(messages) > 0);
    for (size_t i = 0; i < json_array_size(messages); i++) {
        assert_string_equal(text(json_array_get(messages, i), "step_id"), id);
    }
    child words = RUN("show", id);
    assert_int_equal(words.code, 0);
    assert_non_null(strstr(words.out, text(first, "model")));
    assert_non_null(strstr(words.out, "\nTimings\n"));
    assert_non_null(strstr(words.out, "\nMessages\n"));
    child_free(&words);
    json_decref(steps);
    json_decref(shown);
    json_decref(bare);
}

static void test_show_a_run_and_its_parts(void **state)
{
    json_t *steps = LINES("steps", "--json", "--limit", "1", "--status", "success");
    const char *run = text(json_array_get(steps, 0), "run_id");
    json_t *shown = JSON("show", run, "--json", "--limit", "0");
    json_t *listed = LINES("steps", "--run", run, "--limit", "0", "--asc", "--json");
    (void)state;
    assert_string_equal(text(json_object_get(shown, "run"), "id"), run);
    assert_int_equal(child_number(json_object_get(shown, "metrics"), "num_steps"),
                     json_array_size(listed));
    assert_true(json_equal(json_object_get(shown, "steps"), listed));
    json_t *one = JSON("show", run, "--json", "--limit", "1");
    assert_int_equal(json_array_size(json_object_get(one, "steps")), 1);
    child agent = RUN("show", text(json_object_get(shown, "run"), "agent_id"));
    assert_int_equal(agent.code, 0);
    assert_non_null(strstr(agent.out, "letta_v1_agent"));
    child_free(&agent);
    json_decref(steps);
    json_decref(shown);
    json_decref(listed);
    json_decref(one);
}

static void test_steps_walk_on(void **state)
{
    json_t *all = LINES("steps", "--json", "--limit", "0");
    json_t *first = LINES("steps", "--json", "--limit", "3");
    const char *third = text(json_array_get(first, 2), "id");
    json_t *next = LINES("steps", "--json", "--limit", "2", "--after", third);
    json_t *oldest = LINES("steps", "--json", "--limit", "1", "--asc");
    (void)state;
    assert_int_equal(json_array_size(all), STEPS);
    assert_int_equal(json_array_size(first), 3);
    for (size_t i = 0; i < 3; i++) {
        assert_true(json_equal(json_array_get(first, i), json_array_get(all, i)));
    }
    assert_true(json_equal(json_array_get(next, 0), json_array_get(all, 3)));
    assert_true(json_equal(json_array_get(next, 1), json_array_get(all, 4)));
    assert_true(json_equal(json_array_get(oldest, 0), json_array_get(all, STEPS - 1)));
    json_decref(all);
    json_decref(first);
    json_decref(next);
    json_decref(oldest);
}

static void test_words_without_a_terminal_are_whole_and_plain(void **state)
{
    child words = RUN("steps", "--limit", "5");
    size_t lines = 0;
    (void)state;
    for (const char *at = words.out; (at = strchr(at, '\n')); at++) {
        lines++;
    }
    assert_int_equal(lines, 6);
    assert_null(strstr(words.out, "\033"));
    assert_null(strstr(words.out, "…"));
    assert_non_null(strstr(words.out, "  step-"));
    child_free(&words);
}

/* ---- refusals -------------------------------------------------------------------------------- */

static void assert_refused(child c, int code, const char *says)
{
    assert_int_equal(c.code, code);
    assert_string_equal(c.out, "");
    assert_true(strncmp(c.err, "stepwell: ", 10) == 0);
    assert_non_null(strchr(c.err, '\n'));
    assert_string_equal(strchr(c.err, '\n'), "\n");
    if (!strstr(c.err, says)) {
        fail_msg("\"%s\" is not in: %s", says, c.err);
    }
    child_free(&c);
}

static void test_what_is_wrong_is_said_in_one_line(void **state)
{
    const char *nobody = "step-00000000-0000-4000-8000-000000000000";
    (void)state;
    assert_refused(RUN("verfy"), 2, "did you mean verify?");
    assert_refused(RUN("help", "verfy"), 2, "did you mean verify?");
    assert_refused(RUN("usage", "--sinse", "1d"), 2, "did you mean --since?");
    assert_refused(RUN("usage", "--by", "mdel"), 2, "did you mean model?");
    assert_refused(RUN("usage", "--by", "blue"), 2, "stepwell help usage");
    assert_refused(RUN("usage", "--by", "model,model"), 2, "twice");
    assert_refused(RUN("usage", "--by", "model,day,agent,status,user"), 2, "4 dimensions");
    assert_refused(RUN("show", nobody), 4, nobody);
    assert_refused(RUN("show", "nothing"), 4, "nothing");
    assert_refused(RUN("steps", "--after", nobody), 4, "--after");
    assert_refused(RUN("info", "--store", "sqlite:/no/such/folder/well.db"), 4, "stepwell demo");
    assert_refused(RUN("demo", "--store", "post:x"), 2, "--store: ");
    assert_refused(RUN("completion", "tcsh"), 8, "bash");
    assert_refused(RUN("--hlep"), 2, "--help");
    assert_refused(RUN("steps", "--status", "bad"), 2, "pending, success, failed, cancelled");
}

static void test_a_full_output_is_noticed(void **state)
{
    char command[512];
    (void)state;
    /* /dev/full takes nothing; the shell puts it there as anyone would. */
    snprintf(command, sizeof command, "\"%s\" steps >/dev/full 2>\"%s/said\"",
             getenv("STEPWELL_BIN"), child_folder());
    int status = system(command);
    assert_true(status != 0);
    snprintf(command, sizeof command, "grep -q 'could not be written' \"%s/said\"", child_folder());
    assert_int_equal(system(command), 0);
}

/* A limit on the size of files ends a program by a signal that says nothing, unless it is ignored. */
static void test_a_file_that_may_not_grow_is_a_full_disk(void **state)
{
    char command[1024];
    (void)state;
    snprintf(
        command, sizeof command,
        "ulimit -f 600; \"%s\" demo --steps 3000 --store \"sqlite:%s/small.db\" >/dev/null 2>\"%s/full\";"
        " test $? -eq 6 && grep -q 'disk is full' \"%s/full\"",
        getenv("STEPWELL_BIN"), child_folder(), child_folder(), child_folder());
    assert_int_equal(system(command), 0);
}

/* As the version before wrote it: without what came since, and with its number. */
static void test_reading_brings_an_older_ledger_up(void **state)
{
    char store[300], path[256];
    sqlite3 *db = NULL;
    (void)state;
    snprintf(path, sizeof path, "%s/older.db", child_folder());
    snprintf(store, sizeof store, "sqlite:%s", path);
    MUST("demo", "--steps", "20", "--store", store);
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    older_make_first(db);
    sqlite3_close(db);
    json_t *info = JSON("info", "--json", "--store", store);
    assert_int_equal(child_number(info, "steps"), 20);
    json_decref(info);
    MUST("verify", "--store", store);
}

/* The first library of that name that the loader finds is an empty file. */
static void test_a_missing_libpq_is_named_only_to_whoever_needs_it(void **state)
{
    (void)state;
#ifndef SW_WITH_POSTGRES
    print_message("skipped: built without PostgreSQL\n");
    skip();
#endif
    char path[512];
    const char *before = getenv("LD_LIBRARY_PATH");
    snprintf(path, sizeof path, "%s/libpq.so.5", child_folder());
    FILE *empty = fopen(path, "w");
    assert_non_null(empty);
    fclose(empty);
    assert_int_equal(setenv("LD_LIBRARY_PATH", child_folder(), 1), 0);
    assert_refused(RUN("info", "--store", "postgres://localhost/x"), 8, "libpq5");
    MUST("info");
    assert_int_equal(before ? setenv("LD_LIBRARY_PATH", before, 1) : unsetenv("LD_LIBRARY_PATH"),
                     0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_help_lists_every_command),
        cmocka_unit_test(test_completion_and_manual_know_every_command),
        cmocka_unit_test(test_the_manual_page_is_fresh),
        cmocka_unit_test(test_version_and_info),
        cmocka_unit_test(test_verify_finds_a_demo_in_order),
        cmocka_unit_test(test_a_demo_written_twice_is_there_once),
        cmocka_unit_test(test_show_a_step),
        cmocka_unit_test(test_show_a_run_and_its_parts),
        cmocka_unit_test(test_steps_walk_on),
        cmocka_unit_test(test_words_without_a_terminal_are_whole_and_plain),
        cmocka_unit_test(test_what_is_wrong_is_said_in_one_line),
        cmocka_unit_test(test_a_full_output_is_noticed),
        cmocka_unit_test(test_a_file_that_may_not_grow_is_a_full_disk),
        cmocka_unit_test(test_reading_brings_an_older_ledger_up),
        cmocka_unit_test(test_a_missing_libpq_is_named_only_to_whoever_needs_it),
    };
    return cmocka_run_group_tests_name("cli/commands", tests, set_up, child_tear_down);
}
