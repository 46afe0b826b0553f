/* SPDX-License-Identifier: Apache-2.0 */
/* Transcripts that others published, imported, and what the ledger then says in SQL: each number is the one that
 * their list says (EXPECTED.md), which was counted by another program. Where the files are not there, the test says
 * so and is skipped. */
#include <jansson.h>

#include "tests/import/place.h"

/* ---- the list ----------------------------------------------------------------------------------- */

static char *list_text(void)
{
    const char *path = place_data("EXPECTED.md");
    return path ? (char *)(uintptr_t)place_read(path).ptr : NULL;
}

/* The cells of a line "| a | b |"; how many. */
static size_t cells_of(char *line, char **cells, size_t most)
{
    size_t count = 0;
    char *save = NULL;
    for (char *cell = strtok_r(line, "|", &save); cell && count < most;
         cell = strtok_r(NULL, "|", &save)) {
        while (*cell == ' ') {
            cell++;
        }
        for (size_t len = strlen(cell); len > 0 && cell[len - 1] == ' '; len--) {
            cell[len - 1] = '\0';
        }
        cells[count++] = cell;
    }
    return count;
}

static int64_t sum_of(const char *ledger, const char *model, const char *what)
{
    char sql[512];
    char where[256];
    snprintf(where, sizeof where, strcmp(model, "None") == 0 ? "model is null" : "model = '%s'",
             model);
    snprintf(sql, sizeof sql,
             "select coalesce(%s, 0) from steps where retired_into is null and status <> 'failed' "
             "and %s",
             what, where);
    return place_number(ledger, sql);
}

static void same(const char *where, const char *what, int64_t got, const char *expected)
{
    if (got != strtoll(expected, NULL, 10)) {
        fail_msg("%s: %s is %lld, the list says %s", where, what, (long long)got, expected);
    }
}

static const char uncached[] =
    "sum(prompt_tokens - coalesce(cached_input_tokens, 0) - coalesce(cache_write_tokens, 0))";
static const char written_5m[] =
    "sum(json_extract(prompt_tokens_details, '$.cache_creation_5m_tokens'))";
static const char written_1h[] =
    "sum(json_extract(prompt_tokens_details, '$.cache_creation_1h_tokens'))";

/* ---- Claude Code -------------------------------------------------------------------------------- */

/* | file | lines | bad | usage lines | LLM calls | no requestId | synthetic | API-error lines | tool calls | tool
 * errors | unanswered | sessions | */
static void check_file(char **cells)
{
    char path[600];
    import_result r;
    place_drop("one.db");
    snprintf(path, sizeof path, "%s/%s", place_data("claude-code"), cells[0]);
    r = place_import_one("one.db", path);
    same(cells[0], "bad", r.bad_lines, cells[2]);
    same(cells[0], "tool calls", r.tool_calls, cells[8]);
    same(cells[0], "tool errors", r.tool_errors, cells[9]);
    same(cells[0], "unanswered", r.unanswered, cells[10]);
    same(cells[0], "LLM calls",
         place_number("one.db", "select count(*) from steps where status <> 'failed'"), cells[4]);
    same(cells[0], "API errors",
         place_number("one.db", "select count(*) from steps where status = 'failed'"), cells[7]);
}

/* | file | model | calls | input | output | cache write | cache read | of it 5m | of it 1h | output, first line | */
static void check_model(const char *ledger, char **cells, size_t from)
{
    same(cells[0], "calls", sum_of(ledger, cells[from], "count(*)"), cells[from + 1]);
    same(cells[0], "input", sum_of(ledger, cells[from], uncached), cells[from + 2]);
    same(cells[0], "output", sum_of(ledger, cells[from], "sum(completion_tokens)"),
         cells[from + 3]);
    same(cells[0], "cache write", sum_of(ledger, cells[from], "sum(cache_write_tokens)"),
         cells[from + 4]);
    same(cells[0], "cache read", sum_of(ledger, cells[from], "sum(cached_input_tokens)"),
         cells[from + 5]);
}

static void check_file_and_model(char **cells)
{
    char path[600];
    place_drop("one.db");
    snprintf(path, sizeof path, "%s/%s", place_data("claude-code"), cells[0]);
    (void)place_import_one("one.db", path);
    check_model("one.db", cells, 1);
    same(cells[0], "of it 5m", sum_of("one.db", cells[1], written_5m), cells[7]);
    same(cells[0], "of it 1h", sum_of("one.db", cells[1], written_1h), cells[8]);
}

/* The one call that two of the files tell of is one step: it is counted once, where the list counts it twice. */
static void leave_out_shared(char **cells)
{
    static char numbers[3][24];
    if (strcmp(cells[0], "claude-sonnet-4") == 0) {
        snprintf(numbers[0], sizeof numbers[0], "%lld", strtoll(cells[1], NULL, 10) - 1);
        snprintf(numbers[1], sizeof numbers[1], "%lld", strtoll(cells[2], NULL, 10) - 168);
        snprintf(numbers[2], sizeof numbers[2], "%lld", strtoll(cells[3], NULL, 10) - 85);
        cells[1] = numbers[0];
        cells[2] = numbers[1];
        cells[3] = numbers[2];
    }
}

static void check_line(char *line, int *files, int *models, int *totals)
{
    char *cells[16];
    size_t n = cells_of(line, cells, 16);
    bool file = n > 1 && strstr(cells[0], ".jsonl");
    if (n == 12 && file) {
        check_file(cells);
        ++*files;
    } else if (n == 10 && file) {
        check_file_and_model(cells);
        ++*models;
    } else if (n == 6 && !file && strcmp(cells[0], "model") != 0 && cells[0][0] != '-') {
        leave_out_shared(cells);
        check_model("all.db", cells, 0);
        ++*totals;
    }
}

static void claude_code_is_as_listed(void **state)
{
    char *text = list_text();
    char *end = NULL;
    char *save = NULL;
    int files = 0;
    int models = 0;
    int totals = 0;
    (void)state;
    if (!text) {
        skip();
        return;
    }
    end = strstr(text, "## Codex");
    assert_non_null(end);
    *end = '\0';
    (void)place_import_one("all.db", place_data("claude-code"));
    for (char *line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
        if (line[0] == '|') {
            check_line(line, &files, &models, &totals);
        }
    }
    assert_int_equal(files, 28);
    assert_int_equal(models, 27);
    assert_int_equal(totals, 7);
    place_verify("all.db");
    free(text);
}

/* ---- the others ----------------------------------------------------------------------------------- */

static int64_t member(const json_t *object, const char *key)
{
    return json_integer_value(json_object_get(object, key));
}

static void equal(const char *where, const char *what, int64_t got, int64_t expected)
{
    if (got != expected) {
        fail_msg("%s: %s is %lld, the list says %lld", where, what, (long long)got,
                 (long long)expected);
    }
}

static void check_codex(const char *name, const import_result *r, const json_t *facts)
{
    const char *model = NULL;
    json_t *of = NULL;
    equal(name, "lines", r->lines, member(facts, "lines"));
    equal(name, "bad", r->bad_lines, member(facts, "bad"));
    equal(name, "calls", place_number("one.db", "select count(*) from steps"),
          member(facts, "llm_calls"));
    equal(name, "tool calls", r->tool_calls, member(facts, "tool_calls"));
    equal(name, "unanswered", r->unanswered, member(facts, "unanswered"));
    json_object_foreach(json_object_get(facts, "per_model"), model, of)
    {
        /* The list puts all calls of one file under its first model. */
        equal(name, "input", place_number("one.db", "select sum(prompt_tokens) from steps"),
              member(of, "input_tokens"));
        equal(name, "cached", place_number("one.db", "select sum(cached_input_tokens) from steps"),
              member(of, "cached_input_tokens"));
        equal(name, "output", place_number("one.db", "select sum(completion_tokens) from steps"),
              member(of, "output_tokens"));
        equal(name, "reasoning", place_number("one.db", "select sum(reasoning_tokens) from steps"),
              member(of, "reasoning_output_tokens"));
        equal(name, "total",
              place_number("one.db", "select sum(coalesce(json_extract(prompt_tokens_details, "
                                     "'$.reported_total_tokens'), total_tokens)) from steps"),
              member(of, "total_tokens"));
        equal(name, "calls of model", sum_of("one.db", model, "count(*)"), member(of, "calls"));
    }
}

static void check_gemini(const char *name, const import_result *r, const json_t *facts)
{
    const char *model = NULL;
    json_t *of = NULL;
    equal(name, "tool calls", r->tool_calls, member(facts, "tool_calls"));
    equal(name, "models", place_number("one.db", "select count(distinct model) from steps"),
          (int64_t)json_object_size(json_object_get(facts, "per_model")));
    json_object_foreach(json_object_get(facts, "per_model"), model, of)
    {
        equal(name, "calls", sum_of("one.db", model, "count(*)"), member(of, "calls"));
        equal(name, "input", sum_of("one.db", model, "sum(prompt_tokens)"),
              member(of, "input") + member(of, "tool"));
        equal(name, "output", sum_of("one.db", model, "sum(completion_tokens - reasoning_tokens)"),
              member(of, "output"));
        equal(name, "cached", sum_of("one.db", model, "sum(cached_input_tokens)"),
              member(of, "cached"));
        equal(name, "thoughts", sum_of("one.db", model, "sum(reasoning_tokens)"),
              member(of, "thoughts"));
        equal(name, "total", sum_of("one.db", model, "sum(total_tokens)"), member(of, "total"));
    }
}

static void check_pi(const char *name, const import_result *r, const json_t *facts)
{
    const json_t *of = json_object_get(json_object_get(facts, "per_model"), "claude-opus-4-5");
    double cost = json_number_value(json_object_get(facts, "cost_total"));
    int64_t nano = place_number("one.db", "select sum(cost_nano_usd) from steps");
    equal(name, "lines", r->lines, member(facts, "lines"));
    equal(name, "tool calls", r->tool_calls, member(facts, "tool_calls"));
    equal(name, "tool errors", r->tool_errors, member(facts, "tool_errors"));
    equal(name, "calls", place_number("one.db", "select count(*) from steps"), member(of, "calls"));
    equal(name, "stopped",
          place_number("one.db", "select count(*) from steps where status = 'cancelled'"),
          member(json_object_get(facts, "stop_reasons"), "aborted"));
    equal(name, "failed",
          place_number("one.db", "select count(*) from steps where status = 'failed'"),
          member(json_object_get(facts, "stop_reasons"), "error"));
    equal(name, "input",
          place_number("one.db", "select sum(prompt_tokens - coalesce(cached_input_tokens, 0) - "
                                 "coalesce(cache_write_tokens, 0)) from steps"),
          member(of, "input"));
    equal(name, "output", place_number("one.db", "select sum(completion_tokens) from steps"),
          member(of, "output"));
    equal(name, "read", place_number("one.db", "select sum(cached_input_tokens) from steps"),
          member(of, "cacheRead"));
    equal(name, "written", place_number("one.db", "select sum(cache_write_tokens) from steps"),
          member(of, "cacheWrite"));
    assert_true(nano / 1000 - (int64_t)(cost * 1e6 + 0.5) <= 1 &&
                (int64_t)(cost * 1e6 + 0.5) - nano / 1000 <= 1); /* the list rounds to millionths */
}

/* - `file` (codex): `{...}` */
static bool check_agent_line(char *line)
{
    char *name = line + 3;
    char *end = strchr(name, '`');
    char *json = end ? strstr(end, "`{") : NULL;
    char path[600];
    import_result r;
    json_t *facts = NULL;
    if (!json) {
        return false;
    }
    *end = '\0';
    *strrchr(json + 1, '`') = '\0';
    facts = json_loads(json + 1, 0, NULL);
    assert_non_null(facts);
    place_drop("one.db");
    snprintf(path, sizeof path, "%s/%s", place_data("coding-agents"), name);
    r = place_import_one("one.db", path);
    if (strncmp(end + 2, "(codex)", 7) == 0) {
        check_codex(name, &r, facts);
    } else if (strncmp(end + 2, "(gemini)", 8) == 0) {
        check_gemini(name, &r, facts);
    } else {
        check_pi(name, &r, facts);
    }
    json_decref(facts);
    return true;
}

static void other_agents_are_as_listed(void **state)
{
    char *text = list_text();
    char *save = NULL;
    char *from = text ? strstr(text, "## Codex") : NULL;
    char *end = from ? strstr(from, "## Recorded") : NULL;
    int files = 0;
    (void)state;
    if (!text) {
        skip();
        return;
    }
    assert_non_null(end);
    *end = '\0';
    for (char *line = strtok_r(from, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
        files += strncmp(line, "- `", 3) == 0 && check_agent_line(line);
    }
    assert_int_equal(files, 14);
    free(text);
}

/* Nothing in these is a step of its own twice, so together they give what they give apart; and again nothing. */
static void importing_again_adds_nothing(void **state)
{
    import_result first;
    import_result second;
    const char *paths[2];
    char claude[512];
    char others[512];
    (void)state;
    if (!place_data("claude-code")) {
        skip();
        return;
    }
    snprintf(claude, sizeof claude, "%s", place_data("claude-code"));
    snprintf(others, sizeof others, "%s", place_data("coding-agents"));
    paths[0] = claude;
    paths[1] = others;
    first = place_import("again.db", paths, 2);
    assert_int_equal(first.steps_new, 510 + 685);
    second = place_import("again.db", paths, 2);
    assert_int_equal(second.files_read, 0);
    assert_int_equal(second.steps_new + second.steps_corrected, 0);
    (void)place_number("again.db", "select count(*) from steps");
    place_verify("again.db");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(claude_code_is_as_listed),
        cmocka_unit_test(other_agents_are_as_listed),
        cmocka_unit_test(importing_again_adds_nothing),
    };
    return cmocka_run_group_tests(tests, place_set_up, place_tear_down);
}
