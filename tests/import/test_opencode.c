/* SPDX-License-Identifier: Apache-2.0 */
/* Sessions of opencode in its database and in the files it wrote before, made here as its own program describes them
 * (no real ones were published for tests): what is counted, whose run is whose, and that both tell of the same. */
#include <sqlite3.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/import/place.h"

/* ---- a database, as opencode makes it ----------------------------------------------------------------------- */

static const char schema[] =
    "PRAGMA journal_mode = WAL;"
    "CREATE TABLE `session` (`id` text PRIMARY KEY, `project_id` text NOT NULL, `parent_id` text,"
    " `slug` text, `directory` text NOT NULL, `title` text, `version` text NOT NULL);"
    "CREATE TABLE `message` (`id` text PRIMARY KEY, `session_id` text NOT NULL, `time_created` "
    "integer NOT NULL, `time_updated` integer NOT NULL, `data` text NOT NULL);"
    "CREATE TABLE `part` (`id` text PRIMARY KEY, `message_id` text NOT NULL, `session_id` text NOT "
    "NULL, `time_created` integer NOT NULL, `time_updated` integer NOT NULL, `data` text NOT NULL);"
    "CREATE INDEX `message_session_time_created_id_idx` ON `message` (`session_id`,`time_created`,"
    "`id`); CREATE INDEX `part_session_idx` ON `part` (`session_id`)";

static void run(sqlite3 *db, const char *sql)
{
    char *said = NULL;
    if (sqlite3_exec(db, sql, NULL, NULL, &said) != SQLITE_OK) {
        fail_msg("%s: %s", sql, said);
    }
}

static sqlite3 *make(const char *name)
{
    sqlite3 *db = NULL;
    place_write(name, SW_STR(""));
    assert_int_equal(sqlite3_open(place_path(name), &db), SQLITE_OK);
    run(db, schema);
    run(db, "PRAGMA wal_checkpoint(TRUNCATE)"); /* the tables are older than what is in the log */
    return db;
}

static void session(sqlite3 *db, const char *id, const char *parent)
{
    char *sql =
        sqlite3_mprintf("INSERT INTO session VALUES(%Q,'p',%Q,'s','/srv','t','1.2.3')", id, parent);
    run(db, sql);
    sqlite3_free(sql);
}

static void message(sqlite3 *db, const char *session_id, const char *id, const char *data)
{
    char *sql = sqlite3_mprintf("INSERT INTO message VALUES(%Q,%Q,1767312000000,0,%Q)", id,
                                session_id, data);
    run(db, sql);
    sqlite3_free(sql);
}

static void part(sqlite3 *db, const char *message_id, const char *id, const char *data)
{
    char *sql =
        sqlite3_mprintf("INSERT INTO part SELECT %Q, id, session_id, 1767312000000, 0, %Q FROM "
                        "message WHERE id = %Q",
                        id, data, message_id);
    run(db, sql);
    sqlite3_free(sql);
}

#define ASKED(MS, AGENT)                                                                           \
    "{\"role\":\"user\",\"time\":{\"created\":" #MS "},\"agent\":\"" AGENT "\"}"
#define USER(MS) ASKED(MS, "build")
#define TEXT(SAID) "{\"type\":\"text\",\"text\":\"" SAID "\"}"
#define TOKENS(IN, OUT, THOUGHT, READ, WRITTEN)                                                    \
    "{\"input\":" #IN ",\"output\":" #OUT ",\"reasoning\":" #THOUGHT ",\"cache\":{\"read\":" #READ \
    ",\"write\":" #WRITTEN "}}"
#define ANSWER(PARENT, FROM, TO, MORE)                                                             \
    "{\"role\":\"assistant\",\"parentID\":\"" PARENT                                               \
    "\",\"providerID\":\"anthropic\",\"modelID\":"                                                 \
    "\"claude-x\",\"path\":{\"cwd\":\"/srv/shop\",\"root\":\"/srv\"},\"time\":{\"created\":" #FROM \
    ",\"completed\":" #TO "}," MORE "}"
#define FINISH(REASON, COST, COUNTS)                                                               \
    "{\"type\":\"step-finish\",\"reason\":\"" REASON "\",\"cost\":" #COST ",\"tokens\":" COUNTS "}"
#define TASK                                                                                       \
    "{\"type\":\"tool\",\"callID\":\"c1\",\"tool\":\"task\",\"state\":{\"status\":\"completed\","  \
    "\"input\":{\"prompt\":\"look\"},\"output\":\"looked\",\"title\":\"t\",\"metadata\":{"         \
    "\"sessionId\":\"ses_b\"},\"time\":{\"start\":1767312003000,\"end\":1767312009000}}}"

static void fill(sqlite3 *db)
{
    session(db, "ses_a", NULL);
    message(db, "ses_a", "msg_01", USER(1767312000000));
    part(db, "msg_01", "prt_00", TEXT("do it"));
    message(db, "ses_a", "msg_02",
            ANSWER("msg_01", 1767312001000, 1767312020000,
                   "\"cost\":0.003,\"tokens\":" TOKENS(30, 11, 2, 250, 50)));
    part(db, "msg_02", "prt_01", "{\"type\":\"step-start\"}");
    part(db, "msg_02", "prt_02", TEXT("I look"));
    part(db, "msg_02", "prt_03", TASK);
    part(db, "msg_02", "prt_04", FINISH("tool-calls", 0.001, TOKENS(10, 5, 2, 100, 50)));
    part(db, "msg_02", "prt_05", "{\"type\":\"step-start\"}");
    part(db, "msg_02", "prt_06", TEXT("ready"));
    part(db, "msg_02", "prt_07", FINISH("stop", 0.002, TOKENS(20, 6, 0, 150, 0)));
    session(db, "ses_b", "ses_a");
    message(db, "ses_b", "msg_03", ASKED(1767312004000, "explore"));
    part(db, "msg_03", "prt_08", TEXT("look"));
    message(db, "ses_b", "msg_04",
            ANSWER("msg_03", 1767312005000, 1767312008000,
                   "\"agent\":\"explore\",\"finish\":\"stop\",\"cost\":0,\"tokens\":" TOKENS(
                       7, 3, 0, 0, 0)));
}

/* Two calls in one message: the message's own sum is not counted beside them. The sub-agent's message has no part that
 * ends a call, so it is one; that it cost 0 is not known to be true. */
static void check(const char *ledger)
{
    assert_int_equal(place_number(ledger, "select count(*) from steps"), 3);
    place_is_one(ledger,
                 "prompt_tokens = 160 and completion_tokens = 7 and cached_input_tokens = 100 and "
                 "cache_write_tokens = 50 and reasoning_tokens = 2 and cost_nano_usd = 1000000 and "
                 "model = 'claude-x' and provider_name = 'anthropic' and s.status = 'success' and "
                 "output_preview = 'I look' and input_preview = 'do it' and "
                 "tool_execution_ns = 6000000000");
    place_is_one(ledger,
                 "prompt_tokens = 170 and completion_tokens = 6 and cost_nano_usd = 2000000 and "
                 "stop_reason = 'end_turn' and output_preview = 'ready' and "
                 "json_extract(metadata, '$.cwd') = '/srv/shop'");
    place_is_one(
        ledger,
        "prompt_tokens = 7 and completion_tokens = 3 and coalesce(cost_source, '') <> 'caller'");
}

static void check_family(const char *ledger)
{
    assert_int_equal(place_number(ledger, "select count(*) from runs"), 2);
    assert_int_equal(
        place_number(ledger, "select count(*) from steps s join steps p on s.parent_step_id = p.id "
                             "join runs r on r.id = s.run_id join agents a on a.id = r.agent_id "
                             "where s.prompt_tokens = 7 and p.prompt_tokens = 160 and "
                             "r.parent_run_id = p.run_id and a.name = 'explore'"),
        1);
}

/* While opencode has it open its newest rows stand in the log only; when it closed, in the file; when it died, the log
 * is left. Nothing of it is written to. */
static void a_database_is_read_as_it_is(void **state)
{
    sqlite3 *db = make("db/opencode.db");
    struct stat before;
    struct stat after;
    import_result r;
    (void)state;
    fill(db);
    r = place_import_one("db.db", place_path("db/opencode.db"));
    assert_int_equal(r.bad_lines, 0);
    assert_int_equal(r.steps_new, 3);
    assert_int_equal(r.tool_calls, 1);
    assert_int_equal(r.unanswered, 0);
    check("db.db");
    check_family("db.db");
    place_verify("db.db");
    message(db, "ses_a", "msg_05",
            ANSWER("msg_01", 1767312030000, 1767312031000, "\"tokens\":" TOKENS(1, 1, 0, 0, 0)));
    r = place_import_one("db.db", place_path("db")); /* only the log was written to */
    assert_int_equal(r.files, 1);
    assert_int_equal(r.steps_new, 1);
    run(db, "DELETE FROM message WHERE id = 'msg_05'");
    sw_str file = place_read(place_path("db/opencode.db"));
    sw_str log = place_read(place_path("db/opencode.db-wal"));
    assert_true(file.ptr && log.len > 0);
    place_write("died/opencode.db", file);
    place_write("died/opencode.db-wal", log);
    assert_int_equal(stat(place_path("died/opencode.db"), &before), 0);
    (void)place_import_one("died.db", place_path("died/opencode.db"));
    check("died.db");
    assert_int_equal(stat(place_path("died/opencode.db"), &after), 0);
    assert_int_equal(before.st_mtim.tv_nsec, after.st_mtim.tv_nsec);
    assert_int_not_equal(access(place_path("died/opencode.db-shm"), F_OK), 0);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
    assert_int_not_equal(access(place_path("db/opencode.db-wal"), F_OK), 0);
    (void)place_import_one("closed.db", place_path("db/opencode.db"));
    check("closed.db");
    check_family("closed.db");
    r = place_import_one("closed.db", place_path("db/opencode.db"));
    assert_int_equal(r.files_unchanged, 1);
    free((char *)(uintptr_t)file.ptr);
    free((char *)(uintptr_t)log.ptr);
}

/* What went wrong: an answer that was stopped while it came, and a request that failed after one that did not. */
static void errors_are_what_they_are(void **state)
{
    sqlite3 *db = make("err/opencode.db");
    (void)state;
    session(db, "ses_c", NULL);
    message(db, "ses_c", "msg_11", USER(1767312000000));
    message(
        db, "ses_c", "msg_12",
        ANSWER("msg_11", 1767312001000, 1767312002000,
               "\"tokens\":" TOKENS(0, 0, 0, 0, 0) ",\"error\":{\"name\":\"MessageAbortedError\","
                                                   "\"data\":{\"message\":\"stopped\"}}"));
    part(db, "msg_12", "prt_11", TEXT("par"));
    message(db, "ses_c", "msg_13", USER(1767312010000));
    message(
        db, "ses_c", "msg_14",
        ANSWER("msg_13", 1767312011000, 1767312012000,
               "\"tokens\":" TOKENS(5, 1, 0, 0, 0) ",\"error\":{\"name\":\"APIError\",\"data\":{"
                                                   "\"message\":\"overloaded\"}}"));
    part(db, "msg_14", "prt_12", FINISH("tool-calls", 0, TOKENS(5, 1, 0, 0, 0)));
    part(db, "msg_nowhere", "prt_13", TEXT("lost"));
    message(db, "ses_c", "msg_15", "{\"role\":\"assistant\",");
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
    import_result r = place_import_one("err.db", place_path("err/opencode.db"));
    assert_int_equal(r.bad_lines, 1);
    assert_int_equal(place_number("err.db", "select count(*) from steps"), 3);
    place_is_one("err.db", "s.status = 'cancelled' and usage_state = 'unknown' and "
                           "error_type = 'MessageAbortedError'");
    assert_int_equal(place_number("err.db", "select count(*) from runs where status = 'cancelled'"),
                     1);
    place_is_one("err.db", "s.status = 'failed' and error_type = 'APIError' and "
                           "json_extract(error_data, '$.message') = 'overloaded'");
    assert_int_equal(place_number("err.db", "select sum(total_tokens) from steps"), 6);
}

/* A view may be made to do anything; a table of that name is what is asked for. */
static void a_hostile_database_does_nothing(void **state)
{
    sqlite3 *db = make("bad/opencode.db");
    char told[512];
    (void)state;
    run(db,
        "ALTER TABLE message RENAME TO other; CREATE VIEW message(id, session_id, data) AS WITH "
        "RECURSIVE n(x) AS (VALUES(1) UNION ALL SELECT x + 1 FROM n) SELECT 'msg_' || x, "
        "'ses_a', '{}' FROM n");
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
    import_result r = place_import_told("bad.db", place_path("bad/opencode.db"), told, sizeof told);
    assert_int_equal(r.steps_new, 0);
    place_write("cut/opencode.db", SW_STR("SQLite format 3\0CREATE TABLE `part` (message_id"));
    r = place_import_told("bad.db", place_path("cut/opencode.db"), told, sizeof told);
    assert_int_equal(r.bad_lines, 1);
    assert_non_null(strstr(told, "is a database that cannot be read as a whole"));
}

/* ---- the files before ------------------------------------------------------------------------------------------ */

static void file(const char *folder, const char *ids, const char *data)
{
    static int number;
    char name[64];
    char text[4096];
    snprintf(name, sizeof name, "old/%s/%d.json", folder, number++);
    snprintf(text, sizeof text, "{\n  %s%s%s\n}\n", ids, *data ? ",\n  " : "",
             data + (*data == '{'));
    if (*data) {
        text[strlen(text) - 4] = ' '; /* the bracket that data ends with */
    }
    place_write(name, sw_str_from(text));
}

#define OF(MESSAGE) "\"messageID\":\"" MESSAGE "\",\"sessionID\":\"ses_a\",\"id\":"
#define AT "\"sessionID\":\"ses_a\",\"id\":"

static void write_files(void)
{
    file("session",
         "\"id\":\"ses_a\",\"projectID\":\"p\",\"directory\":\"/srv\","
         "\"version\":\"1.2.3\"",
         "");
    file("message", AT "\"msg_01\"", USER(1767312000000));
    file("part", OF("msg_01") "\"prt_00\"", TEXT("do it"));
    file("message", AT "\"msg_02\"",
         ANSWER("msg_01", 1767312001000, 1767312020000,
                "\"cost\":0.003,\"tokens\":" TOKENS(30, 11, 2, 250, 50)));
    file("part", OF("msg_02") "\"prt_02\"", TEXT("I look"));
    file("part", OF("msg_02") "\"prt_03\"", TASK);
    file("part", OF("msg_02") "\"prt_04\"", FINISH("tool-calls", 0.001, TOKENS(10, 5, 2, 100, 50)));
    file("part", OF("msg_02") "\"prt_06\"", TEXT("ready"));
    file("part", OF("msg_02") "\"prt_07\"", FINISH("stop", 0.002, TOKENS(20, 6, 0, 150, 0)));
    file("session",
         "\"id\":\"ses_b\",\"projectID\":\"p\",\"parentID\":\"ses_a\",\"version\":\"1.2.3\"", "");
    file("message", "\"sessionID\":\"ses_b\",\"id\":\"msg_04\"",
         ANSWER("msg_03", 1767312005000, 1767312008000,
                "\"agent\":\"explore\",\"finish\":\"stop\",\"cost\":0,\"tokens\":" TOKENS(7, 3, 0,
                                                                                          0, 0)));
}

static void files_tell_the_same(void **state)
{
    sqlite3 *db = NULL;
    import_result r;
    (void)state;
    write_files();
    r = place_import_one("old.db", place_path("old"));
    assert_int_equal(r.bad_lines, 0);
    assert_int_equal(r.files_skipped, 0);
    assert_int_equal(r.tool_calls, 1);
    check("old.db");
    check_family("old.db");
    place_verify("old.db");
    db = make("both/opencode.db");
    fill(db);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
    r = place_import_one("old.db", place_path("both/opencode.db"));
    assert_int_equal(r.steps_new, 0);
    check("old.db");
    place_verify("old.db");
    (void)place_import_one("new.db", place_path("both/opencode.db"));
    r = place_import_one("new.db", place_path("old"));
    assert_int_equal(r.steps_new, 0);
    check("new.db");
    check_family("new.db");
    check_family("old.db");
}

/* Of the files some are there first: the sub-agent's session, the one that began it, or all but what was said last. */
static void families_meet_in_any_order(void **state)
{
    static const char *const orders[][2] = {{"kin/b", "kin/a"}, {"kin/a", "kin/b"}};
    char *expected = NULL;
    (void)state;
    for (int i = 0; i < 12; i++) {
        char from[64];
        char to[64];
        snprintf(from, sizeof from, "old/%s/%d.json",
                 i == 0 || i == 9              ? "session"
                 : i == 1 || i == 3 || i == 10 ? "message"
                                               : "part",
                 i);
        snprintf(to, sizeof to, "kin/%s/%d.json", i >= 9 ? "b" : "a", i);
        sw_str text = place_read(place_path(from));
        if (text.ptr) {
            place_write(to, text);
        }
        free((char *)(uintptr_t)text.ptr);
    }
    (void)place_import_one("kin.db", place_path("kin"));
    check("kin.db");
    check_family("kin.db");
    expected = place_dump("kin.db");
    for (size_t i = 0; i < SW_COUNT(orders) && !place_sends; i++) {
        (void)place_import_one("kin2.db", place_path(orders[i][0]));
        (void)place_import_one("kin2.db", place_path(orders[i][1]));
        check("kin2.db");
        check_family("kin2.db");
        place_verify("kin2.db");
        char *got = place_dump("kin2.db");
        place_same(got, expected);
        free(got);
        place_drop("kin2.db");
    }
    place_write("kin/b/more.json",
                SW_STR("{\"sessionID\":\"ses_b\",\"id\":\"msg_05\",\"role\":\"assistant\","
                       "\"parentID\":\"msg_03\",\"providerID\":\"anthropic\",\"modelID\":"
                       "\"claude-x\",\"time\":{\"created\":1767312008100,\"completed\":"
                       "1767312008200},\"agent\":\"explore\",\"tokens\":{\"input\":1,"
                       "\"output\":1}}"));
    import_result r = place_import_one("kin.db", place_path("kin/b"));
    assert_int_equal(r.steps_new, 1);
    if (!place_sends) {
        check_family("kin.db");
    }
    place_verify("kin.db");
    free(expected);
}

/* ---- where they are ---------------------------------------------------------------------------------------------- */

static void add_place(void *arg, import_format format, const char *path)
{
    char *all = arg;
    if (format == IMPORT_FORMAT_OPENCODE) {
        strcat(strcat(all, strrchr(path, '/')), " ");
    }
}

/* Its channels keep a database each. What stands for any name in a row does not where the folder is really called so. */
static void every_channel_is_found(void **state)
{
    char all[256] = "";
    (void)state;
    place_write("[h]*/.local/share/opencode/opencode.db", SW_STR(""));
    place_write("[h]*/.local/share/opencode/opencode-dev.db", SW_STR(""));
    place_write("[h]*/.local/share/opencode/opencode-dev.db-wal", SW_STR(""));
    place_write("[h]*/.local/share/opencode/storage/part/a.json", SW_STR(""));
    place_write("h/.local/share/opencode/opencode-other.db", SW_STR(""));
    assert_int_equal(unsetenv("OPENCODE_DATA_DIR") | setenv("HOME", place_path("[h]*"), 1), 0);
    import_own_folders(add_place, all);
    assert_string_equal(all, "/opencode-dev.db /opencode.db /part ");
    assert_int_equal(setenv("OPENCODE_DATA_DIR", place_path("h/.local/share/opencode"), 1), 0);
    *all = '\0';
    import_own_folders(add_place, all);
    assert_string_equal(all, "/opencode-other.db ");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_database_is_read_as_it_is),
        cmocka_unit_test(errors_are_what_they_are),
        cmocka_unit_test(a_hostile_database_does_nothing),
        cmocka_unit_test(files_tell_the_same),
        cmocka_unit_test(families_meet_in_any_order),
        cmocka_unit_test(every_channel_is_found),
    };
    return cmocka_run_group_tests(tests, place_set_up, place_tear_down);
}
