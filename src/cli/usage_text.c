/* SPDX-License-Identifier: Apache-2.0 */
/* The answer of `usage` for people: a table of groups with their sum, or, without groups, a list.
 * What is unknown is said beside each sum and is never shown as 0.
 */
#include "cli/usage.h"

#include <stdlib.h>

enum { KEYS_MOST = 2 * SW_DIMENSIONS_MAX };

/* ---- cells ----------------------------------------------------------------------------------- */

static sw_str unknown_note(sw_arena *arena, int64_t unknown)
{
    return unknown > 0 ? sw_arena_printf(arena, "+ %s unknown",
                                         sw_text_or_blank(sw_show_count(arena, unknown)))
                       : SW_STR("");
}

static bool no_usage(const sw_totals *totals)
{
    return totals->num_steps > 0 && totals->usage_unknown == totals->num_steps &&
           totals->total_tokens == 0;
}

static bool no_cost(const sw_totals *totals)
{
    return totals->num_steps > 0 && totals->cost_unknown == totals->num_steps;
}

sw_str sw_usage_tokens(sw_arena *arena, const sw_totals *totals)
{
    return no_usage(totals) ? SW_STR("unknown") : sw_show_count(arena, totals->total_tokens);
}

sw_str sw_usage_tokens_note(sw_arena *arena, const sw_totals *totals)
{
    return unknown_note(arena, no_usage(totals) ? 0 : totals->usage_unknown);
}

sw_str sw_usage_cost(sw_arena *arena, const sw_totals *totals)
{
    return no_cost(totals) ? SW_STR("unknown") : sw_show_money(arena, totals->cost_nano_usd);
}

sw_str sw_usage_cost_note(sw_arena *arena, const sw_totals *totals)
{
    return unknown_note(arena, no_cost(totals) ? 0 : totals->cost_unknown);
}

/* A sum to which only those count that reported it. */
static sw_str reported(sw_arena *arena, int64_t sum, int64_t known)
{
    return known > 0 ? sw_show_count(arena, sum) : SW_STR("-");
}

/* A part of the tokens, which are unknown together. */
static sw_str counted(sw_arena *arena, const sw_totals *totals, int64_t sum)
{
    return no_usage(totals) ? SW_STR("-") : sw_show_count(arena, sum);
}

static sw_str latency_text(sw_arena *arena, int64_t ns)
{
    return ns < 0 ? SW_STR("-") : sw_show_duration(arena, ns);
}

/* ---- the table ------------------------------------------------------------------------------- */

static const sw_column sums[] = {
    {"STEPS", .right = true},
    {"FAILED", .right = true, .drop = 2},
    {"PROMPT", .right = true, .drop = 4},
    {"CACHE READ", .right = true, .drop = 5},
    {"CACHE WRITE", .right = true, .drop = 7},
    {"COMPLETION", .right = true, .drop = 3},
    {"REASONING", .right = true, .drop = 6},
    {"TOKENS", .right = true},
    {.title = ""},
    {"COST", .right = true},
    {.title = ""},
};
static const sw_column times[] = {
    {"STEP P50", .right = true},
    {"P95", .right = true},
    {"P99", .right = true, .drop = 8},
    {"MODEL P50", .right = true, .drop = 9},
    {"P95", .right = true, .drop = 9},
    {"P99", .right = true, .drop = 10},
    {"TOOL P50", .right = true, .drop = 11},
    {"P95", .right = true, .drop = 11},
    {"P99", .right = true, .drop = 12},
};
_Static_assert(SW_COUNT(sums) + SW_COUNT(times) <= SW_TABLE_COLUMNS, "a table holds the sums");
_Static_assert(KEYS_MOST + SW_COUNT(sums) <= SW_TABLE_COLUMNS, "a table holds keys and sums");
_Static_assert(KEYS_MOST + SW_COUNT(times) <= SW_TABLE_COLUMNS, "a table holds keys and times");

static void add_sums(sw_table *table, sw_arena *arena, const sw_totals *t, sw_style style)
{
    sw_style bad = t->failed_steps > 0 ? SW_STYLE_BAD : style;
    sw_table_add(table, sw_show_count(arena, t->num_steps), style);
    sw_table_add(table, sw_show_count(arena, t->failed_steps), bad);
    sw_table_add(table, counted(arena, t, t->prompt_tokens), style);
    sw_table_add(table, reported(arena, t->cached_input_tokens, t->cached_known), style);
    sw_table_add(table, reported(arena, t->cache_write_tokens, t->cache_write_known), style);
    sw_table_add(table, counted(arena, t, t->completion_tokens), style);
    sw_table_add(table, reported(arena, t->reasoning_tokens, t->reasoning_known), style);
    sw_table_add(table, sw_usage_tokens(arena, t), style);
    sw_table_add(table, sw_usage_tokens_note(arena, t), SW_STYLE_DIM);
    sw_table_add(table, sw_usage_cost(arena, t), style);
    sw_table_add(table, sw_usage_cost_note(arena, t), SW_STYLE_DIM);
}

static void add_times(sw_table *table, sw_arena *arena, const sw_usage_group *group)
{
    const sw_latency *latencies[] = {&group->step_time, &group->model_time, &group->tool_time};
    for (size_t i = 0; i < SW_COUNT(latencies); i++) {
        sw_table_add(table, latency_text(arena, latencies[i]->p50_ns), SW_STYLE_PLAIN);
        sw_table_add(table, latency_text(arena, latencies[i]->p95_ns), SW_STYLE_PLAIN);
        sw_table_add(table, latency_text(arena, latencies[i]->p99_ns), SW_STYLE_PLAIN);
    }
}

/* ---- keys: some are ids of records that have a name ------------------------------------------ */

static bool is_named(sw_dimension by)
{
    return by == SW_DIMENSION_ORGANIZATION || by == SW_DIMENSION_PROJECT ||
           by == SW_DIMENSION_AGENT || by == SW_DIMENSION_USER;
}

static void add_keys(sw_cli *cli, sw_table *table, const sw_usage_query *query, const sw_str *keys)
{
    for (size_t i = 0; i < query->by_count; i++) {
        bool named = is_named(query->by[i]);
        sw_str key = sw_text_clean(&cli->arena, keys[i], false);
        sw_str name = named ? sw_cli_name_of(cli, keys[i]) : SW_NULL_STR;
        sw_style style = key.ptr ? SW_STYLE_PLAIN : SW_STYLE_DIM;
        sw_table_add(table, name.ptr ? name : key.ptr ? key : SW_STR("(none)"), style);
        if (named) {
            sw_table_add(table, name.ptr ? key : SW_STR(""), SW_STYLE_DIM);
        }
    }
}

static void add_total_keys(sw_table *table, const sw_usage_query *query)
{
    for (size_t i = 0; i < query->by_count; i++) {
        sw_table_add(table, i == 0 ? SW_STR("total") : SW_STR(""), SW_STYLE_BOLD);
        if (is_named(query->by[i])) {
            sw_table_add(table, SW_STR(""), SW_STYLE_PLAIN);
        }
    }
}

static const char *key_title(sw_dimension by)
{
    static const char *const titles[SW_DIMENSION_COUNT] = {
        [SW_DIMENSION_ORGANIZATION] = "ORGANIZATION",
        [SW_DIMENSION_PROJECT] = "PROJECT",
        [SW_DIMENSION_AGENT] = "AGENT",
        [SW_DIMENSION_MODEL] = "MODEL",
        [SW_DIMENSION_PROVIDER] = "PROVIDER",
        [SW_DIMENSION_STATUS] = "STATUS",
        [SW_DIMENSION_STOP_REASON] = "STOP REASON",
        [SW_DIMENSION_USER] = "USER",
        [SW_DIMENSION_HOUR] = "HOUR",
        [SW_DIMENSION_DAY] = "DAY",
        [SW_DIMENSION_MINUTE] = "MINUTE",
        [SW_DIMENSION_FEEDBACK] = "FEEDBACK",
        [SW_DIMENSION_CONVERSATION] = "CONVERSATION",
    };
    return titles[by];
}

/* The columns of the keys, then `more`. */
static size_t make_columns(const sw_usage_answer *answer, const sw_column *more, size_t count,
                           sw_column *out)
{
    const sw_usage_query *query = &answer->query;
    size_t at = 0;
    for (size_t i = 0; i < query->by_count; i++) {
        /* Names of models differ at their ends: other columns give way first. */
        uint8_t most = query->by[i] == SW_DIMENSION_MODEL && query->by_count == 1 ? 20 : 10;
        out[at++] = (sw_column){key_title(query->by[i]), .least = most};
        if (is_named(query->by[i])) {
            out[at++] = (sw_column){"ID", .least = 10, .drop = 20};
        }
    }
    if (answer->first) {
        out[0].title = strcmp(answer->first, "week") == 0 ? "WEEK OF" : "MONTH";
    }
    memcpy(out + at, more, count * sizeof *more);
    return at + count;
}

static sw_status print_groups(sw_cli *cli, const sw_usage_answer *answer)
{
    sw_column columns[SW_TABLE_COLUMNS];
    sw_table table;
    sw_table_init(&table, columns, make_columns(answer, sums, SW_COUNT(sums), columns));
    for (size_t i = 0; i < answer->count; i++) {
        add_keys(cli, &table, &answer->query, answer->groups[i].keys);
        add_sums(&table, &cli->arena, &answer->groups[i].totals, SW_STYLE_PLAIN);
    }
    if (answer->count > 1) {
        add_total_keys(&table, &answer->query);
        add_sums(&table, &cli->arena, &answer->total, SW_STYLE_BOLD);
    }
    sw_status status = sw_table_print(&table, cli->out, cli->terminal.limit, cli->terminal.colour);
    sw_table_fini(&table);
    return status;
}

static sw_status print_group_times(sw_cli *cli, const sw_usage_answer *answer)
{
    sw_column columns[SW_TABLE_COLUMNS];
    sw_table table;
    sw_table_init(&table, columns, make_columns(answer, times, SW_COUNT(times), columns));
    for (size_t i = 0; i < answer->count; i++) {
        add_keys(cli, &table, &answer->query, answer->groups[i].keys);
        add_times(&table, &cli->arena, &answer->groups[i]);
    }
    fputc('\n', cli->out);
    sw_status status = sw_table_print(&table, cli->out, cli->terminal.limit, cli->terminal.colour);
    sw_table_fini(&table);
    return status;
}

/* ---- without groups -------------------------------------------------------------------------- */

static void line(sw_cli *cli, const char *what, sw_str value, sw_str note)
{
    fprintf(cli->out, "%-20s %16s%s%s\n", what, sw_text_or_blank(value), note.len ? "  " : "",
            sw_text_or_blank(note));
}

static void print_latency(sw_cli *cli, const char *what, const sw_latency *latency)
{
    sw_arena *arena = &cli->arena;
    sw_str p95 = latency_text(arena, latency->p95_ns);
    sw_str p99 = latency_text(arena, latency->p99_ns);
    sw_str note = sw_arena_printf(arena, "p95 %s, p99 %s, of %s", sw_text_or_blank(p95),
                                  sw_text_or_blank(p99),
                                  sw_text_or_blank(sw_show_count(arena, latency->count)));
    line(cli, what, latency_text(arena, latency->p50_ns), note);
}

static sw_str steps_note(sw_arena *arena, bool none, int64_t unknown, const char *what)
{
    return unknown > 0 ? sw_arena_printf(arena, "%s%s steps %s", none ? "" : "+ ",
                                         sw_text_or_blank(sw_show_count(arena, unknown)), what)
                       : SW_STR("");
}

static void print_total(sw_cli *cli, const sw_usage_answer *answer)
{
    sw_arena *arena = &cli->arena;
    const sw_totals *t = &answer->total;
    sw_str none = SW_STR("");
    line(cli, "steps", sw_show_count(arena, t->num_steps), none);
    line(cli, "failed", sw_show_count(arena, t->failed_steps),
         sw_show_percent(arena, t->failed_steps, t->num_steps));
    line(cli, "prompt tokens", counted(arena, t, t->prompt_tokens), none);
    line(cli, "  from the cache", reported(arena, t->cached_input_tokens, t->cached_known), none);
    line(cli, "  to the cache", reported(arena, t->cache_write_tokens, t->cache_write_known), none);
    line(cli, "completion tokens", counted(arena, t, t->completion_tokens), none);
    line(cli, "  reasoning", reported(arena, t->reasoning_tokens, t->reasoning_known), none);
    line(cli, "tokens", sw_usage_tokens(arena, t),
         steps_note(arena, no_usage(t), t->usage_unknown, "not wholly reported"));
    line(cli, "cost", sw_usage_cost(arena, t),
         steps_note(arena, no_cost(t), t->cost_unknown, "unknown (prices --unknown)"));
    if (answer->query.latency && answer->count == 1) {
        print_latency(cli, "step time, p50", &answer->groups[0].step_time);
        print_latency(cli, "model time, p50", &answer->groups[0].model_time);
        print_latency(cli, "tool time, p50", &answer->groups[0].tool_time);
    }
}

/* The most tokens first; the order of the keys decides between equals. */
static int by_tokens(const void *a, const void *b)
{
    const sw_usage_group *one = a;
    const sw_usage_group *two = b;
    int64_t left = one->totals.total_tokens;
    int64_t right = two->totals.total_tokens;
    return left != right ? (left < right) - (left > right) : sw_str_cmp(one->keys[0], two->keys[0]);
}

sw_status sw_usage_print_text(sw_cli *cli, sw_usage_answer *answer)
{
    sw_status status = SW_STATUS_OK;
    /* The order of ids means nothing to people. */
    if (answer->query.by_count == 1 && is_named(answer->query.by[0]) && answer->count > 1) {
        qsort(answer->groups, answer->count, sizeof *answer->groups, by_tokens);
    }
    if (answer->query.by_count == 0) {
        print_total(cli, answer);
    } else if (answer->count == 0) {
        fputs("No steps.\n", cli->out);
    } else {
        status = print_groups(cli, answer);
        if (status == SW_STATUS_OK && answer->query.latency) {
            status = print_group_times(cli, answer);
        }
    }
    if (status == SW_STATUS_OK && !answer->end.complete) {
        fprintf(cli->out,
                "The answer is not whole: only the newest %s steps were read. Narrow it with "
                "--since.\n",
                sw_text_or_blank(sw_show_count(&cli->arena, answer->end.rows)));
    }
    return status == SW_STATUS_OK && cli->arena.failed ? sw_no_memory(&cli->error) : status;
}
