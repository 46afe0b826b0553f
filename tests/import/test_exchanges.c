/* SPDX-License-Identifier: Apache-2.0 */
/* Exchanges with providers that others recorded, written as HAR and as pairs, imported, and asked for in SQL: every
 * number is the one that their list says (EXPECTED.md), which was counted by another program. */
#include <jansson.h>
#include <sqlite3.h>
#include <time.h>

#include "tests/import/cassette.h"
#include "tests/import/place.h"

/* Stands where keys stand in real recordings; must never be found in a ledger. */
static const char secret[] = "sk-never-to-be-kept";
enum { BEGIN = 1767225600 }; /* 2026-01-01; each exchange a second later */

/* ---- the list -------------------------------------------------------------------------------------------- */

enum {
    FILE_CELL,
    PATH,
    STATUS,
    ASKED,
    ANSWERED,
    KIND,
    EVENTS,
    INPUT,
    OUTPUT,
    READ,
    WRITTEN,
    THOUGHT,
    TOOLS,
    ERROR,
    CELLS
};

typedef struct row {
    char *cells[CELLS];
    json_t *exchange;
    bool call; /* of a model */
} row;

static row rows[1024];
static size_t row_count;

static bool split(char *line, char **cells)
{
    size_t n = 0;
    char *at = line + 1;
    for (char *end = strchr(at, '|'); end && n < CELLS; end = strchr(at, '|')) {
        *end = '\0';
        while (*at == ' ') {
            at++;
        }
        for (size_t len = strlen(at); len > 0 && at[len - 1] == ' '; len--) {
            at[len - 1] = '\0';
        }
        cells[n++] = at;
        at = end + 1;
    }
    return n == CELLS && strchr(cells[FILE_CELL], '/');
}

static bool ends(const char *text, const char *with)
{
    size_t a = strlen(text);
    size_t b = strlen(with);
    return a >= b && strcmp(text + a - b, with) == 0;
}

/* Told here by what the list says of paths, not by the rows under test. */
static bool is_call(const row *r)
{
    static const char *const not [] = {"GET ", "DELETE "};
    static const char *const end[] = {
        "/ingest",      "/files",       "/vector_stores",          "/conversations",
        "count-tokens", "count_tokens", "uploadToFileSearchStore", "/fileSearchStores"};
    for (size_t i = 0; i < SW_COUNT(not ); i++) {
        if (strncmp(r->cells[PATH], not [i], strlen(not [i])) == 0) {
            return false;
        }
    }
    for (size_t i = 0; i < SW_COUNT(end); i++) {
        if (ends(r->cells[PATH], end[i])) {
            return false;
        }
    }
    return json_is_object(r->exchange);
}

static void add_row(char *line, json_t *seen)
{
    row *r = &rows[row_count];
    char path[700];
    json_t *list = NULL;
    if (!split(line, r->cells)) {
        return;
    }
    list = json_object_get(seen, r->cells[FILE_CELL]);
    if (!list) {
        snprintf(path, sizeof path, "%s/%s", place_data("provider-http"), r->cells[FILE_CELL]);
        list = cassette_read(path);
        assert_non_null(list);
        json_object_set_new(seen, r->cells[FILE_CELL], list);
    }
    r->exchange = json_incref(json_array_get(list, 0));
    assert_non_null(r->exchange);
    json_array_remove(list, 0);
    r->call = is_call(r);
    row_count++;
}

/* Cassettes with several interactions stand in the list in their order. */
static int read_list(void **state)
{
    const char *path = place_data("EXPECTED.md");
    if (place_set_up(state) != 0) {
        return -1;
    }
    if (!path) {
        return 0;
    }
    static char *text;
    text = (char *)(uintptr_t)place_read(path).ptr;
    char *at = strstr(text, "## Recorded provider requests");
    char *end = strstr(text, "## Usage objects");
    json_t *seen = json_object();
    assert_true(at && end);
    *end = '\0';
    char *save = NULL;
    for (char *line = strtok_r(at, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
        if (line[0] == '|') {
            add_row(line, seen);
        }
    }
    json_decref(seen);
    return 0;
}

/* ---- files ------------------------------------------------------------------------------------------------- */

static const char *time_text(size_t i)
{
    static char text[40];
    time_t at = (time_t)(BEGIN + i);
    struct tm parts;
    gmtime_r(&at, &parts);
    strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S.000Z", &parts);
    return text;
}

static json_t *har_content(json_t *response)
{
    json_t *packed = json_object_get(response, "base64");
    return packed ? json_pack("{s:O, s:s}", "text", packed, "encoding", "base64")
                  : json_pack("{s:O}", "text", response);
}

static json_t *har_entry(const row *r, size_t i)
{
    json_t *x = r->exchange;
    char *url = NULL;
    json_t *entry = NULL;
    assert_true(asprintf(&url, "%s%skey=%s", json_string_value(json_object_get(x, "url")),
                         strchr(json_string_value(json_object_get(x, "url")), '?') ? "&" : "?",
                         secret) > 0);
    entry = json_pack("{s:s, s:i, s:{s:O, s:s, s:[{s:s, s:s}], s:{s:O}}, s:{s:O, s:o}}",
                      "startedDateTime", time_text(i), "time", 250, "request", "method",
                      json_object_get(x, "method"), "url", url, "headers", "name", "authorization",
                      "value", secret, "postData", "text", json_object_get(x, "request"),
                      "response", "status", json_object_get(x, "status"), "content",
                      har_content(json_object_get(x, "response")));
    free(url);
    assert_non_null(entry);
    return entry;
}

static void write_json(const char *name, json_t *value)
{
    char *text = json_dumps(value, JSON_COMPACT);
    assert_non_null(text);
    place_append(name, sw_str_from(text));
    place_append(name, SW_STR("\n"));
    free(text);
}

static json_t *pair_of(const row *r, size_t i)
{
    json_t *x = r->exchange;
    json_t *response = json_object_get(x, "response");
    json_t *packed = json_object_get(response, "base64");
    json_t *pair = json_pack("{s:s, s:i, s:{s:s}, s:O}", "started_at", time_text(i), "duration_ms",
                             250, "request_headers", "authorization", secret, "response",
                             packed ? packed : response);
    json_t *request = json_object_get(x, "request");
    json_object_set_new(pair, "request", request ? json_incref(request) : json_object());
    if (packed) {
        json_object_set_new(pair, "response_encoding", json_string("base64"));
    }
    for (const char *const *name = (const char *const[]){"url", "method", "status", NULL}; *name;
         name++) {
        if (json_object_get(x, *name)) {
            json_object_set(pair, *name, json_object_get(x, *name));
        }
    }
    return pair;
}

/* ---- checks ------------------------------------------------------------------------------------------------ */

static sqlite3 *db;
static size_t wrong;

static void say_wrong(const row *r, const char *what, const char *got, const char *expected)
{
    wrong++;
    print_message("%s %s: %s is %s, the list says %s\n", r->cells[FILE_CELL], r->cells[PATH], what,
                  got ? got : "null", expected);
}

static const char query[] =
    "select json_extract(s.prompt_tokens_details, '$.source_mode'), s.prompt_tokens,"
    " s.completion_tokens, s.cached_input_tokens, s.cache_write_tokens, s.reasoning_tokens,"
    " coalesce(json_extract(s.prompt_tokens_details, '$.tool_use_tokens'), 0), s.status, s.model,"
    " s.error_type, json_extract(s.error_data, '$.details.status_code'), s.usage_state,"
    " (select count(*) from provider_traces t where t.step_id = s.id), s.provider_name,"
    " (select coalesce(sum(json_array_length(m.tool_calls)), 0) from messages m where"
    " m.step_id = s.id and m.model is not null and json_valid(m.tool_calls))"
    " from steps s join step_metrics m on m.id = s.id where m.step_start_ns = ?";

enum {
    MODE,
    PROMPT,
    COMPLETION,
    CACHED,
    WRITES,
    REASONING,
    TOOL_USE,
    STATE,
    MODEL,
    ERROR_TYPE,
    CODE,
    USAGE,
    TRACES,
    PROVIDER,
    CALLS
};

/* Counts under these names are no part of the list's rule, and of ours. */
static bool is_beyond(const row *r)
{
    static const char *const names[] = {"thinking_tokens", "cache_write_tokens", "cached_tokens"};
    char *text = json_dumps(json_object_get(r->exchange, "response"), JSON_ENCODE_ANY);
    bool found = false;
    for (size_t i = 0; i < SW_COUNT(names); i++) {
        found = found || strstr(text, names[i]);
    }
    free(text);
    return found;
}

static void check_number(const row *r, const char *what, const char *expected, bool known,
                         int64_t got)
{
    char text[32];
    snprintf(text, sizeof text, known ? "%lld" : "-", (long long)got);
    if (strcmp(text, expected) != 0 && !(strcmp(expected, "-") == 0 && is_beyond(r))) {
        say_wrong(r, what, text, expected);
    }
}

static bool is_null(sqlite3_stmt *s, int column)
{
    return sqlite3_column_type(s, column) == SQLITE_NULL;
}

/* Counts of the list are the provider's own: what ours has added to them is taken off again. */
static void check_tokens(const row *r, sqlite3_stmt *s)
{
    const char *mode = (const char *)sqlite3_column_text(s, MODE);
    bool exclusive = mode && strcmp(mode, "exclusive") == 0;
    int64_t input = sqlite3_column_int64(s, PROMPT) - sqlite3_column_int64(s, TOOL_USE);
    int64_t output = sqlite3_column_int64(s, COMPLETION);
    int64_t thought = sqlite3_column_int64(s, REASONING);
    const char *model = (const char *)sqlite3_column_text(s, MODEL);
    bool told = strcmp(r->cells[OUTPUT], "-") != 0;
    /* Gemini and the first Groks count thought beside the answer. */
    bool gemini = model && strstr(model, "gemini") &&
                  (!r->cells[PATH][0] || strstr(r->cells[PATH], "enerateContent"));
    if ((gemini || (model && strcmp(model, "grok-3-mini") == 0)) && output > 0) {
        output -= thought;
    }
    if (exclusive) {
        input -= sqlite3_column_int64(s, CACHED) + sqlite3_column_int64(s, WRITES);
    }
    check_number(r, "input", r->cells[INPUT], strcmp(r->cells[INPUT], "-") != 0 || input != 0,
                 input);
    check_number(r, "output", r->cells[OUTPUT], told || output != 0, output);
    check_number(r, "cache read", r->cells[READ], !is_null(s, CACHED),
                 sqlite3_column_int64(s, CACHED));
    check_number(r, "cache write", r->cells[WRITTEN], !is_null(s, WRITES),
                 sqlite3_column_int64(s, WRITES));
    check_number(r, "reasoning", r->cells[THOUGHT], !is_null(s, REASONING), thought);
    if (strcmp(r->cells[INPUT], "-") == 0 &&
        strcmp((const char *)sqlite3_column_text(s, USAGE), "unknown") != 0) {
        say_wrong(r, "usage_state", (const char *)sqlite3_column_text(s, USAGE), "unknown");
    }
}

static void check_end(const row *r, sqlite3_stmt *s)
{
    const char *type = (const char *)sqlite3_column_text(s, ERROR_TYPE);
    const char *state = (const char *)sqlite3_column_text(s, STATE);
    bool failed = r->cells[ERROR][0] != '\0' || atoi(r->cells[STATUS]) >= 400;
    bool number = r->cells[ERROR][0] >= '0' && r->cells[ERROR][0] <= '9';
    if (strcmp(state, failed ? "failed" : "success") != 0) {
        say_wrong(r, "status", state, failed ? "failed" : "success");
    }
    if (failed && !number && strcmp(r->cells[ERROR], "error") != 0 && r->cells[ERROR][0] &&
        (!type || strcmp(type, r->cells[ERROR]) != 0)) {
        say_wrong(r, "error_type", type, r->cells[ERROR]);
    }
    if (failed && atoi(r->cells[STATUS]) >= 400 &&
        sqlite3_column_int64(s, CODE) != atoi(r->cells[STATUS])) {
        say_wrong(r, "status_code", (const char *)sqlite3_column_text(s, CODE), r->cells[STATUS]);
    }
}

static void check_model(const row *r, sqlite3_stmt *s)
{
    const char *got = (const char *)sqlite3_column_text(s, MODEL);
    const char *expected =
        strcmp(r->cells[ANSWERED], "-") != 0 ? r->cells[ANSWERED] : r->cells[ASKED];
    char plain[256];
    size_t n = 0;
    for (const char *c = expected; *c && n < sizeof plain - 1;
         c++) { /* the list keeps the path's %3A */
        bool escaped = *c == '%';
        plain[n++] = escaped ? (char)strtol((char[]){c[1], c[2], '\0'}, NULL, 16) : *c;
        c += escaped ? 2 : 0;
    }
    plain[n] = '\0';
    if (strcmp(plain, "-") == 0 ? got != NULL : !got || strcmp(got, plain) != 0) {
        say_wrong(r, "model", got, plain);
    }
}

static void check_row(const row *r, size_t i)
{
    sqlite3_stmt *s = NULL;
    assert_int_equal(sqlite3_prepare_v2(db, query, -1, &s, NULL), SQLITE_OK);
    sqlite3_bind_int64(s, 1, (int64_t)(BEGIN + i) * 1000000000);
    if (sqlite3_step(s) != SQLITE_ROW) {
        if (r->call) {
            say_wrong(r, "step", NULL, "one");
        }
    } else if (!r->call) {
        say_wrong(r, "step", "there", "none");
    } else {
        check_tokens(r, s);
        check_end(r, s);
        check_model(r, s);
        check_number(r, "traces", "1", true, sqlite3_column_int64(s, TRACES));
        if (strcmp(r->cells[PATH], "") != 0) {
            check_number(r, "tools", r->cells[TOOLS], true, sqlite3_column_int64(s, CALLS));
        }
    }
    sqlite3_finalize(s);
}

static void check_no_secret(const char *ledger)
{
    static const char *const ends_of[] = {"", "-wal"};
    for (size_t i = 0; i < SW_COUNT(ends_of); i++) {
        char name[64];
        snprintf(name, sizeof name, "%s%s", ledger, ends_of[i]);
        sw_str bytes = place_read(place_path(name));
        assert_true(!bytes.ptr || !memmem(bytes.ptr, bytes.len, secret, strlen(secret)));
        free((void *)(uintptr_t)bytes.ptr);
    }
    assert_int_equal(place_number(ledger, "select count(*) from steps where model_endpoint like "
                                          "'%never-to-be%'"),
                     0);
}

static void check_ledger(const char *ledger, bool bare)
{
    wrong = 0;
    assert_int_equal(sqlite3_open(place_path(ledger), &db), SQLITE_OK);
    for (size_t i = 0; i < row_count; i++) {
        if (bare || rows[i].cells[PATH][0]) {
            check_row(&rows[i], i);
        }
    }
    sqlite3_close(db);
    check_no_secret(ledger);
    place_verify(ledger);
    assert_int_equal(wrong, 0);
}

/* ---- tests ---------------------------------------------------------------------------------------------------- */

static void test_har(void **state)
{
    (void)state;
    json_t *entries = json_array();
    int64_t calls = 0;
    if (row_count == 0) {
        skip();
    }
    for (size_t i = 0; i < row_count; i++) {
        if (rows[i].cells[PATH][0]) {
            json_array_append_new(entries, har_entry(&rows[i], i));
            calls += rows[i].call;
        }
    }
    int64_t all = (int64_t)json_array_size(entries);
    json_t *har = json_pack("{s:{s:s, s:o}}", "log", "version", "1.2", "entries", entries);
    write_json("all.har", har);
    json_decref(har);
    place_import_twice("har.db", "all.har", calls, all - calls);
    check_ledger("har.db", false);
}

static void test_pairs(void **state)
{
    (void)state;
    int64_t calls = 0;
    int64_t all = 0;
    if (row_count == 0) {
        skip();
    }
    for (size_t i = 0; i < row_count; i++) {
        if (json_is_object(rows[i].exchange)) {
            json_t *pair = pair_of(&rows[i], i);
            write_json("all.ndjson", pair);
            json_decref(pair);
            calls += rows[i].call;
            all++;
        }
    }
    place_import_twice("pairs.db", "all.ndjson", calls, all - calls);
    check_ledger("pairs.db", true);
}

/* What is damaged costs itself only, and is told with its line; what is still being written is left for later. */
static void test_damage(void **state)
{
    (void)state;
    char told[512];
    place_write(
        "torn.ndjson",
        SW_STR(
            "{\"request\":{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}]},"
            "\"response\":{\"usage\":{\"prompt_tokens\":1,\"completion_tokens\":2}},"
            "\"run\":\"r1\",\"agent\":\"a\",\"started_at\":\"2026-01-01T00:00:00Z\"}\n"
            "{\"request\":{,\"response\":1}\n"
            "{\"request\":{\"model\":\"m2\"},\"error\":\"connection reset\",\"run\":\"r1\"}\n"
            "{\"request\":{\"mod"));
    import_result r = place_import_told("torn.db", place_path("torn.ndjson"), told, sizeof told);
    assert_int_equal(r.steps_new, 2);
    assert_int_equal(r.bad_lines, 1);
    assert_string_equal(told, "torn.ndjson:2: is no valid JSON\n");
    assert_int_equal(place_number("torn.db", "select count(*) from runs"), 1);
    assert_int_equal(place_number("torn.db", "select count(*) from steps where model = 'm' and "
                                             "prompt_tokens = 1 and completion_tokens = 2 and "
                                             "input_preview = 'hi' and run_id is not null"),
                     1);
    assert_int_equal(place_number("torn.db", "select count(*) from steps where model = 'm2' and "
                                             "status = 'failed' and usage_state = 'unknown' and "
                                             "json_extract(error_data, '$.message') = "
                                             "'connection reset'"),
                     1);
    place_verify("torn.db");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_har),
        cmocka_unit_test(test_pairs),
        cmocka_unit_test(test_damage),
    };
    return cmocka_run_group_tests_name("exchanges", tests, read_list, place_tear_down);
}
