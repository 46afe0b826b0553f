/* SPDX-License-Identifier: Apache-2.0 */
/* What must not matter to an import: in which order files come, how they are grouped, how often, that it was killed
 * in between, that a file was damaged or still being written. And where it must not go: through links. */
#include <sched.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/import/place.h"

/* ---- lines as Claude Code writes them ----------------------------------------------------------------- */

typedef struct text {
    char at[32768];
    size_t len;
} text;

static void add(text *t, const char *format, ...) SW_PRINTF(2, 3);
static void add(text *t, const char *format, ...)
{
    va_list list;
    va_start(list, format);
    int n = vsnprintf(t->at + t->len, sizeof t->at - t->len, format, list);
    va_end(list);
    assert_true(n > 0 && t->len + (size_t)n < sizeof t->at);
    t->len += (size_t)n;
}

typedef struct who {
    const char *session;
    const char *agent; /* or NULL */
    const char *branch;
} who;

static void head(text *t, const who *w, const char *type, const char *uuid, const char *parent,
                 int second)
{
    add(t, "{\"type\":\"%s\",\"sessionId\":\"%s\",\"uuid\":\"%s\",", type, w->session, uuid);
    if (parent) {
        add(t, "\"parentUuid\":\"%s\",", parent);
    }
    if (w->agent) {
        add(t, "\"agentId\":\"%s\",\"isSidechain\":true,", w->agent);
    }
    add(t,
        "\"cwd\":\"/home/u/p\",\"gitBranch\":\"%s\",\"version\":\"2.1.7\","
        "\"timestamp\":\"2026-01-15T10:%02d:%02d.000Z\",",
        w->branch ? w->branch : "main", second / 60, second % 60);
}

static void prompt(text *t, const who *w, const char *uuid, const char *parent, int second,
                   const char *said)
{
    head(t, w, "user", uuid, parent, second);
    add(t, "\"message\":{\"role\":\"user\",\"content\":\"%s\"}}\n", said);
}

static void result(text *t, const who *w, const char *uuid, const char *parent, int second,
                   const char *tool, const char *agent)
{
    head(t, w, "user", uuid, parent, second);
    if (agent) {
        add(t, "\"toolUseResult\":{\"status\":\"completed\",\"agentId\":\"%s\"},", agent);
    }
    add(t,
        "\"message\":{\"role\":\"user\",\"content\":[{\"type\":\"tool_result\",\"tool_use_id\":"
        "\"%s\",\"content\":\"fine\",\"is_error\":false}]}}\n",
        tool);
}

/* `request` may be NULL, `stop` too; `part` is one block. */
static void answer(text *t, const who *w, const char *uuid, const char *parent, int second,
                   const char *id, const char *request, int output, const char *stop,
                   const char *part)
{
    head(t, w, "assistant", uuid, parent, second);
    if (request) {
        add(t, "\"requestId\":\"%s\",", request);
    }
    add(t,
        "\"message\":{\"id\":\"%s\",\"role\":\"assistant\",\"model\":\"claude-opus-4-6\","
        "\"content\":[%s],\"stop_reason\":",
        id, part);
    add(t, stop ? "\"%s\"" : "null", stop ? stop : "");
    add(t,
        ",\"usage\":{\"input_tokens\":2,\"cache_read_input_tokens\":61608,"
        "\"cache_creation_input_tokens\":974,\"output_tokens\":%d}}}\n",
        output);
}

static const char said_text[] = "{\"type\":\"text\",\"text\":\"I look.\"}";
static const char said_task[] =
    "{\"type\":\"tool_use\",\"id\":\"toolu_task\",\"name\":\"Task\",\"input\":{\"a\":1}}";
static const char said_read[] =
    "{\"type\":\"tool_use\",\"id\":\"toolu_read\",\"name\":\"Read\",\"input\":{}}";

/* The first half of a session: one answer in three lines, of which the last has all its tokens. */
static void first_half(text *t, const who *w)
{
    prompt(t, w, "u1", NULL, 0, "please look");
    answer(t, w, "a1", "u1", 3, "msg_1", "req_1", 9, NULL, said_text);
    answer(t, w, "a2", "a1", 4, "msg_1", "req_1", 9, NULL, said_task);
    answer(t, w, "a3", "a2", 5, "msg_1", "req_1", 159, "tool_use", said_read);
    result(t, w, "u2", "a3", 9, "toolu_read", NULL);
}

static void second_half(text *t, const who *w)
{
    result(t, w, "u3", "u2", 30, "toolu_task", "sub1");
    answer(t, w, "a4", "u3", 33, "msg_2", "req_2", 40, "end_turn", said_text);
    prompt(t, w, "u4", "a4", 60, "and now?");
    answer(t, w, "a5", "u4", 63, "msg_3", "req_3", 50, "end_turn", said_text);
}

static void sub_agent(text *t)
{
    who w = {"s1", "sub1", NULL};
    prompt(t, &w, "b1", NULL, 10, "you are to look");
    answer(t, &w, "b2", "b1", 12, "msg_1", "req_other", 159, "tool_use", said_text); /* a replay */
    answer(t, &w, "b3", "b1", 13, "msg_4", "req_4", 70, "end_turn", said_text);
}

enum { PARTS = 7 };
static const char *const names[PARTS] = {"p/s1-a.jsonl",         "p/s1-b.jsonl", "p/s2.jsonl",
                                         "p/s1/sub/agent.jsonl", "q/copy.jsonl", "q/gateway.jsonl",
                                         "q/other.jsonl"};

static void write_parts(void)
{
    static text t[PARTS];
    who s1 = {"s1", NULL, NULL};
    who s2 = {"s2", NULL, NULL}; /* resumed: the same lines under a new session, and more */
    who s3 = {"s3", NULL, NULL};
    first_half(&t[0], &s1);
    second_half(&t[1], &s1);
    first_half(&t[2], &s2);
    second_half(&t[2], &s2);
    prompt(&t[2], &s2, "c1", "a5", 120, "go on");
    answer(&t[2], &s2, "c2", "c1", 125, "msg_5", "req_5", 80, "end_turn", said_text);
    sub_agent(&t[3]);
    first_half(&t[4], &s1);
    prompt(&t[5], &s3, "d1", NULL, 200, "through a gateway");
    answer(&t[5], &s3, "d2", "d1", 205, "msg_5", NULL, 80, "end_turn", said_text);
    answer(&t[5], &s3, "d3", "d1", 209, "msg_6", NULL, 90, "end_turn", said_text);
    prompt(&t[6], &s3, "e1", NULL, 300, "alone");
    answer(&t[6], &s3, "e2", "e1", 305, "msg_7", "req_7", 10, NULL, said_text);
    for (int i = 0; i < PARTS; i++) {
        place_write(names[i], sw_str_make(t[i].at, t[i].len));
        t[i].len = 0;
    }
}

/* ---- order and grouping ---------------------------------------------------------------------------------- */

/* Each message is one call, except the replay and the gateway's copy: 1 to 7. */
static void check_whole(const char *ledger)
{
    assert_int_equal(place_number(ledger, "select count(*) from steps where retired_into is null"),
                     7);
    assert_int_equal(place_number(ledger, "select sum(completion_tokens) from steps where "
                                          "retired_into is null"),
                     159 + 40 + 50 + 70 + 80 + 90 + 10);
    assert_int_equal(place_number(ledger, "select sum(prompt_tokens) from steps where retired_into "
                                          "is null"),
                     7 * 62584);
    /* The answer without an end was told before it was whole. */
    assert_int_equal(place_number(ledger,
                                  "select count(*) from steps where usage_state = 'partial' "
                                  "and retired_into is null"),
                     1);
    /* The sub-agent's run was begun by the one that asked for it, through that call. */
    assert_int_equal(place_number(ledger, "select count(*) from runs r join runs p on "
                                          "r.parent_run_id = p.id"),
                     1);
    assert_int_equal(place_number(ledger,
                                  "select count(*) from steps s join steps p on s.parent_step_id = "
                                  "p.id where s.completion_tokens = 70 and p.completion_tokens = "
                                  "159 and s.retired_into is null"),
                     1);
}

static void shuffle(uint64_t *random, size_t *order, size_t count)
{
    for (size_t i = count; i > 1; i--) {
        size_t j = test_below(random, i);
        size_t kept = order[i - 1];
        order[i - 1] = order[j];
        order[j] = kept;
    }
}

/* Some order of the parts, some of them twice, imported in groups of any size, and written so many calls at a time. */
static void import_anyhow(uint64_t *random, const char *ledger)
{
    size_t order[2 * PARTS];
    size_t count = PARTS + test_below(random, PARTS);
    const char *paths[2 * PARTS];
    size_t taken = 0;
    for (size_t i = 0; i < count; i++) {
        order[i] = i < PARTS ? i : test_below(random, PARTS);
    }
    shuffle(random, order, count);
    while (taken < count) {
        size_t group = 1 + test_below(random, count - taken);
        for (size_t i = 0; i < group; i++) {
            paths[i] = place_path(names[order[taken + i]]);
        }
        place_windows(1 + test_below(random, 5));
        (void)place_import(ledger, paths, group);
        taken += group;
    }
    place_windows(0);
}

static void order_and_grouping_do_not_matter(void **state)
{
    uint64_t random = 5;
    char *whole = NULL;
    (void)state;
    write_parts();
    place_drop("whole.db");
    (void)place_import_one("whole.db", place_path("."));
    check_whole("whole.db");
    place_verify("whole.db");
    whole = place_dump("whole.db");
    for (size_t round = 0; round < test_rounds(60); round++) {
        char *other = NULL;
        place_drop("other.db");
        import_anyhow(&random, "other.db");
        other = place_dump("other.db");
        place_same(other, whole);
        if (round % 10 == 0) {
            place_verify("other.db");
        }
        free(other);
    }
    free(whole);
}

/* Of a session only the second part was there at first, so that it seemed to begin late. Then comes the first part, and
 * the second says what it said before; then a resumed copy, whose lines began as early. The calls belong to the session
 * that began first (telemetry.md G.1, rule 5), as when all had come at once. */
static void a_session_that_proves_to_be_older_keeps_its_calls(void **state)
{
    static const int parts[] = {1, 0, 2};
    const char *paths[SW_COUNT(parts)];
    char *whole = NULL;
    char *other = NULL;
    (void)state;
    write_parts();
    place_drop("at-once.db");
    place_drop("in-parts.db");
    for (size_t i = 0; i < SW_COUNT(parts); i++) {
        paths[i] = place_path(names[parts[i]]);
        (void)place_import_one("in-parts.db", paths[i]);
    }
    (void)place_import("at-once.db", paths, SW_COUNT(parts));
    whole = place_dump("at-once.db");
    other = place_dump("in-parts.db");
    place_same(other, whole);
    free(other);
    free(whole);
}

/* ---- files that are being written ------------------------------------------------------------------------- */

/* A file that grew, byte by byte as it were, ends in what it says as a whole; a line that is not there yet is no error. */
static void a_growing_file_adds_what_is_new(void **state)
{
    static text t;
    static char told[4096];
    who w = {"g1", NULL, NULL};
    uint64_t random = 9;
    char *whole = NULL;
    char *grown = NULL;
    (void)state;
    t.len = 0;
    first_half(&t, &w);
    second_half(&t, &w);
    place_write("grow/g.jsonl", SW_STR(""));
    for (size_t at = 0; at < t.len;) {
        size_t more = 1 + test_below(&random, 900);
        more = more < t.len - at ? more : t.len - at;
        place_append("grow/g.jsonl", sw_str_make(t.at + at, more));
        at += more;
        import_result r =
            place_import_told("grow.db", place_path("grow/g.jsonl"), told, sizeof told);
        assert_int_equal(r.bad_lines, 0);
    }
    grown = place_dump("grow.db");
    (void)place_import_one("grown.db", place_path("grow/g.jsonl"));
    whole = place_dump("grown.db");
    place_same(grown, whole);
    assert_int_equal(place_number("grow.db", "select count(*) from steps"), 3);
    place_verify("grow.db");
    free(whole);
    free(grown);
}

/* A file of another session takes the place of one that was imported. It is none of the first session's any more, whose
 * other file grows: else its calls would count as told by that one, which began earlier, and not change any more. */
static void another_file_takes_the_place(void **state)
{
    static text t;
    who a = {"a1", NULL, NULL};
    who b = {"b1", NULL, NULL};
    (void)state;
    t.len = 0;
    first_half(&t, &a);
    place_write("place/x.jsonl", sw_str_make(t.at, t.len));
    t.len = 0;
    prompt(&t, &a, "p1", NULL, 600, "and then?");
    answer(&t, &a, "p2", "p1", 605, "msg_p", "req_p", 5, "end_turn", said_text);
    place_write("place/y.jsonl", sw_str_make(t.at, t.len));
    (void)place_import_one("place.db", place_path("place"));
    t.len = 0;
    prompt(&t, &b, "q1", NULL, 700, "something else");
    answer(&t, &b, "q2", "q1", 705, "msg_q", "req_q", 6, "tool_use", said_read);
    place_remove("place/x.jsonl");
    place_write("place/x.jsonl", sw_str_make(t.at, t.len));
    t.len = 0;
    prompt(&t, &a, "p3", "p2", 800, "go on");
    answer(&t, &a, "p4", "p3", 805, "msg_r", "req_r", 7, "end_turn", said_text);
    place_append("place/y.jsonl", sw_str_make(t.at, t.len));
    (void)place_import_one("place.db", place_path("place/y.jsonl"));
    (void)place_import_one("place.db", place_path("place/x.jsonl"));
    t.len = 0;
    result(&t, &b, "q3", "q2", 710, "toolu_read", NULL);
    place_append("place/x.jsonl", sw_str_make(t.at, t.len));
    (void)place_import_one("place.db", place_path("place"));
    assert_int_equal(place_number("place.db", "select count(*) from steps"), 4);
    assert_int_equal(place_number("place.db", "select count(*) from messages m join steps s on "
                                              "m.step_id = s.id where s.completion_tokens = 6 and "
                                              "m.role = 'tool'"),
                     1);
    place_verify("place.db");
}

static void damaged_lines_are_told_and_skipped(void **state)
{
    static text t;
    static char told[4096];
    who w = {"h1", NULL, NULL};
    import_result r;
    (void)state;
    t.len = 0;
    prompt(&t, &w, "u1", NULL, 0, "please");
    add(&t, "{\"type\":\"user\",\"message\":{\"role\":\"us\n");
    answer(&t, &w, "a1", "u1", 3, "msg_h1", "req_h1", 11, "end_turn", said_text);
    t.len--; /* two lines in one */
    add(&t, "{\"type\":\"summary\"}\n");
    answer(&t, &w, "a2", "u1", 6, "msg_h2", "req_h2", 12, "end_turn", said_text);
    add(&t, "\n42\n\"a text\"\n{\"a\":[1,2}\n");
    place_write("bad/h.jsonl", sw_str_make(t.at, t.len));
    r = place_import_told("bad.db", place_path("bad/h.jsonl"), told, sizeof told);
    assert_int_equal(r.bad_lines, 3);
    assert_string_equal(told, "h.jsonl:2: is no valid JSON\nh.jsonl:3: is no valid JSON\n"
                              "h.jsonl:8: is no valid JSON\n");
    assert_int_equal(place_number("bad.db", "select sum(completion_tokens) from steps"), 12);
}

/* A folder's name longer than any value may be, and an error: the session is there all the same. */
static void what_is_too_long_costs_itself(void **state)
{
    enum { LONG = SW_LIMIT_JSON_BYTES + 1000 };
    char *line = malloc(LONG + 1024);
    char *huge = malloc(LONG + 1);
    int len = 0;
    static text t;
    who w = {"z1", NULL, NULL};
    import_result r;
    (void)state;
    assert_non_null(line);
    assert_non_null(huge);
    memset(huge, 'x', LONG);
    huge[LONG] = '\0';
    len = snprintf(
        line, LONG + 1024,
        "{\"type\":\"assistant\",\"sessionId\":\"z2\",\"uuid\":\"z1\",\"cwd\":\"/%s\","
        "\"timestamp\":\"2026-01-15T10:00:00.000Z\",\"requestId\":\"req_z\",\"message\":{"
        "\"id\":\"msg_z\",\"role\":\"assistant\",\"model\":\"m\",\"content\":[],"
        "\"stop_reason\":\"end_turn\",\"usage\":{\"input_tokens\":1,\"output_tokens\":2}}}\n",
        huge);
    assert_true(len > LONG);
    t.len = 0;
    prompt(&t, &w, "z0", NULL, 0, "please");
    place_write("long/z.jsonl", sw_str_make(t.at, t.len));
    place_append("long/z.jsonl", sw_str_make(line, (size_t)len));
    r = place_import_one("long.db", place_path("long"));
    assert_int_equal(r.steps_new, 1);
    assert_int_equal(place_number("long.db", "select count(*) from steps s join runs r on "
                                             "s.run_id = r.id where s.total_tokens = 3"),
                     1);
    free(line);
    free(huge);
}

/* ---- links --------------------------------------------------------------------------------------------------- */

static void links_are_not_followed(void **state)
{
    static text t;
    static char told[4096];
    who w = {"l1", NULL, NULL};
    import_result r;
    (void)state;
    t.len = 0;
    prompt(&t, &w, "u1", NULL, 0, "secret");
    answer(&t, &w, "a1", "u1", 3, "msg_l1", "req_l1", 11, "end_turn", said_text);
    place_write("outside/l.jsonl", sw_str_make(t.at, t.len));
    place_write("inside/keep.txt", SW_STR("nothing\n"));
    assert_int_equal(symlink(place_path("outside"), place_path("inside/folder")), 0);
    assert_int_equal(symlink(place_path("outside/l.jsonl"), place_path("inside/l.jsonl")), 0);
    r = place_import_told("links.db", place_path("inside"), told, sizeof told);
    assert_int_equal(r.files_read, 0);
    assert_int_equal(place_number("links.db", "select count(*) from steps"), 0);
    assert_non_null(strstr(told, "l.jsonl:0: is a link"));
}

/* ---- killed ---------------------------------------------------------------------------------------------------- */

/* Many sessions, so that it takes a while. What a gateway made of them is in sessions of its own, tells less of each
 * call, and gives way to what is better told. */
static void write_sessions(const char *folder, int count, bool gateway)
{
    static text t;
    for (int i = 0; i < count; i++) {
        char session[32];
        char path[64];
        char id[4][32];
        who w = {session, NULL, NULL};
        snprintf(session, sizeof session, "%c%d", gateway ? 'g' : 'k', i);
        snprintf(path, sizeof path, "%s/%s.jsonl", folder, session);
        t.len = 0;
        for (int n = 0; n < 40; n++) {
            snprintf(id[0], sizeof id[0], "u%d-%d", i, n);
            snprintf(id[1], sizeof id[1], "a%d-%d", i, n);
            snprintf(id[2], sizeof id[2], "msg_%d_%d", i, n);
            snprintf(id[3], sizeof id[3], "req_%d_%d", i, n);
            prompt(&t, &w, id[0], NULL, 10 * n, "once more");
            answer(&t, &w, id[1], id[0], 10 * n + 5, id[2], gateway ? NULL : id[3], n + 1,
                   "end_turn", said_text);
        }
        place_write(path, sw_str_make(t.at, t.len));
    }
}

static pid_t start_import(const char *store)
{
    pid_t pid = fork();
    if (pid == 0) {
        execl(getenv("STEPWELL_BIN"), "stepwell", "import", place_path("kill"), "--store", store,
              "--json", (char *)NULL);
        _exit(127);
    }
    return pid;
}

/* Whether it wrote what is next in the log of the ledger, seen from outside; false: it ended before. */
static bool writes_or_ends(pid_t pid, const char *log, int *status)
{
    struct stat before = {.st_size = 0};
    struct stat now = {.st_size = 0};
    (void)stat(log, &before);
    while (waitpid(pid, status, WNOHANG) == 0) {
        if (stat(log, &now) == 0 &&
            (now.st_size != before.st_size || now.st_mtim.tv_sec != before.st_mtim.tv_sec ||
             now.st_mtim.tv_nsec != before.st_mtim.tv_nsec)) {
            return true;
        }
        (void)sched_yield();
    }
    return false;
}

/* Imports, and is killed when it was seen writing so many times; false: it was done before. */
static bool kill_import(const char *store, int writes)
{
    const char *log = place_path("killed.db-wal");
    int status = 0;
    pid_t pid = start_import(store);
    assert_true(pid > 0);
    while (writes > 0 && writes_or_ends(pid, log, &status)) {
        writes--;
    }
    if (writes == 0) {
        (void)kill(pid, SIGKILL);
        assert_int_equal(waitpid(pid, &status, 0), pid);
    }
    assert_true(WIFSIGNALED(status) || WEXITSTATUS(status) == 0);
    return WIFSIGNALED(status);
}

static void begin_with_copies(void)
{
    place_drop("killed.db");
    (void)place_import_one("killed.db", place_path("copies"));
    assert_int_equal(place_number("killed.db", "select count(*) from steps"), 120 * 40);
}

/* However fast it is: an import that was done before it was to be killed begins anew. */
static void killed_and_run_again_is_the_same(void **state)
{
    char store[576];
    char *whole = NULL;
    uint64_t random = 3;
    size_t killed = 0;
    size_t rounds = 3 + test_rounds(10);
    (void)state;
    assert_non_null(getenv("STEPWELL_BIN"));
    write_sessions("copies", 120, true);
    write_sessions("kill", 120, false);
    (void)place_import_one("unharmed.db", place_path("kill"));
    begin_with_copies();
    assert_int_equal(place_number("unharmed.db", "select count(*) from steps"), 120 * 40);
    whole = place_dump("unharmed.db");
    snprintf(store, sizeof store, "sqlite:%s", place_path("killed.db"));
    for (size_t round = 0; round < rounds; round++) {
        if (kill_import(store, 1 + (int)test_below(&random, 6))) {
            killed++;
        } else if (round + 1 < rounds) {
            begin_with_copies();
        }
    }
    assert_true(killed > 0);
    (void)place_import_one("killed.db", place_path("kill"));
    char *again = place_dump("killed.db");
    place_same(again, whole);
    place_verify("killed.db");
    free(again);
    free(whole);
}

/* Sessions in which nothing was asked are many, and each is remembered: more than one call to the ledger takes. */
static void many_files_without_calls(void **state)
{
    enum { FILES = SW_LIMIT_BATCH_ITEMS + 50 };
    char path[64];
    import_result r;
    (void)state;
    for (int i = 0; i < FILES; i++) {
        char line[128];
        int len =
            snprintf(line, sizeof line,
                     "{\"type\":\"summary\",\"summary\":\"s%d\",\"leafUuid\":\"l%d\"}\n", i, i);
        snprintf(path, sizeof path, "many/%d.jsonl", i);
        place_write(path, sw_str_make(line, (size_t)len));
    }
    r = place_import_one("many.db", place_path("many"));
    assert_int_equal(r.files_read, FILES);
    r = place_import_one("many.db", place_path("many"));
    assert_int_equal(r.files_unchanged, FILES);
    assert_int_equal(r.files_read, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(many_files_without_calls),
        cmocka_unit_test(order_and_grouping_do_not_matter),
        cmocka_unit_test(a_session_that_proves_to_be_older_keeps_its_calls),
        cmocka_unit_test(a_growing_file_adds_what_is_new),
        cmocka_unit_test(another_file_takes_the_place),
        cmocka_unit_test(damaged_lines_are_told_and_skipped),
        cmocka_unit_test(what_is_too_long_costs_itself),
        cmocka_unit_test(links_are_not_followed),
        cmocka_unit_test(killed_and_run_again_is_the_same),
    };
    return cmocka_run_group_tests(tests, place_set_up, place_tear_down);
}
