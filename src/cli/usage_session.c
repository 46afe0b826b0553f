/* SPDX-License-Identifier: Apache-2.0 */
/* `usage session`: runs, the newest first, each with the sums that the ledger keeps of it. A step without
 * a run is in none of them. Memory does not grow with the runs: each is asked for and shown.
 */
#include "cli/source.h"
#include "cli/usage.h"

enum { CONDITIONS = 6, ROOM = 1 << 20 };

static const sw_column columns[] = {
    {.title = "WHEN"},
    {.title = "STATUS", .drop = 3},
    {"AGENT", .least = 8, .drop = 4},
    {"STEPS", .right = true},
    {"FAILED", .right = true, .drop = 5},
    {"TOKENS", .right = true},
    {"COST", .right = true},
    {.title = "", .drop = 6},
    {.title = "RUN"},
};

typedef struct session {
    sw_run run;
    sw_totals totals;
} session;

typedef struct sessions {
    sw_cli *cli;
    session *rows;
    size_t count;
    size_t room;
    sw_totals total;
} sessions;

static bool keep_run(void *arg, const void *row)
{
    sessions *all = arg;
    sw_arena *arena = &all->cli->arena;
    session *rows = sw_arena_grow(arena, all->rows, all->count, &all->room, sizeof *rows);
    if (!rows) {
        return false;
    }
    all->rows = rows;
    rows[all->count] = (session){.totals = {.num_steps = 0}};
    return sw_row_copy(sw_record_of(SW_RECORD_RUN), &rows[all->count++].run, row, arena);
}

static sw_status sum_up(sessions *all)
{
    sw_status status = SW_STATUS_OK;
    for (size_t i = 0; i < all->count && status == SW_STATUS_OK; i++) {
        sw_run_metrics metrics;
        sw_mark mark = sw_arena_mark(&all->cli->arena);
        status = sw_source_get(all->cli, SW_RECORD_RUN_METRICS, all->rows[i].run.id,
                               &all->cli->arena, &metrics);
        if (status == SW_STATUS_OK) {
            all->rows[i].totals = sw_usage_totals_of(&metrics);
            sw_totals_add(&all->total, &all->rows[i].totals);
        }
        sw_arena_rewind(&all->cli->arena, mark);
        status = status == SW_STATUS_NOT_FOUND ? SW_STATUS_OK : status;
    }
    return status;
}

/* Of the filters of steps those that runs have too. */
static sw_status read_filters(sw_cli *cli, sw_condition *out, size_t *count)
{
    static const struct {
        uint8_t step;
        uint8_t run;
    } same[] = {{SW_STEP_RUN_ID, SW_RUN_ID},
                {SW_STEP_AGENT_ID, SW_RUN_AGENT_ID},
                {SW_STEP_PROJECT_ID, SW_RUN_PROJECT_ID},
                {SW_STEP_CREATED_AT, SW_RUN_CREATED_AT}};
    sw_cli_filter filter;
    sw_status status = sw_cli_filter_read(cli, &filter);
    if (status == SW_STATUS_OK) {
        status = sw_cli_filter_times(cli, &filter);
    }
    *count = 0;
    for (size_t i = 0; i < filter.count && status == SW_STATUS_OK; i++) {
        size_t at = 0;
        for (; at < SW_COUNT(same) && same[at].step != filter.conditions[i].field; at++) {
        }
        if (at == SW_COUNT(same) || *count == CONDITIONS) {
            return sw_fail(&cli->error, SW_STATUS_UNSUPPORTED, "",
                           "usage session narrows by --agent, --project, --run, --since and "
                           "--until only; stepwell usage model takes the others");
        }
        out[*count] = filter.conditions[i];
        out[(*count)++].field = same[at].run;
    }
    return status;
}

static void add_row(sw_cli *cli, sw_table *table, const session *row)
{
    sw_arena *arena = &cli->arena;
    const sw_totals *t = &row->totals;
    const char *status = sw_enum_word(SW_ENUM_run_status, row->run.status.value);
    sw_str name = sw_cli_name_of(cli, row->run.agent_id);
    int64_t when = row->run.created_at.value;
    sw_table_add(table,
                 cli->terminal.is_terminal ? sw_show_ago(arena, when, cli->now_us)
                                           : sw_zone_show(arena, &cli->zone, when),
                 SW_STYLE_DIM);
    sw_table_add(table, sw_str_from(status ? status : "?"), SW_STYLE_PLAIN);
    sw_table_add(table, name.ptr ? name : sw_text_clean(arena, row->run.agent_id, false),
                 SW_STYLE_PLAIN);
    sw_table_add(table, sw_show_count(arena, t->num_steps), SW_STYLE_PLAIN);
    sw_table_add(table, sw_show_count(arena, t->failed_steps),
                 t->failed_steps > 0 ? SW_STYLE_BAD : SW_STYLE_PLAIN);
    sw_table_add(table, sw_usage_tokens(arena, t), SW_STYLE_PLAIN);
    sw_table_add(table, sw_usage_cost(arena, t), SW_STYLE_PLAIN);
    sw_table_add(table, sw_usage_cost_note(arena, t), SW_STYLE_DIM);
    sw_table_add(table, sw_text_clean(arena, row->run.id, false), SW_STYLE_PLAIN);
}

static sw_status print_words(sw_cli *cli, const sessions *all)
{
    sw_table table;
    if (all->count == 0) {
        fputs("No runs.\n", cli->out);
        return SW_STATUS_OK;
    }
    sw_table_init(&table, columns, SW_COUNT(columns));
    for (size_t i = 0; i < all->count; i++) {
        add_row(cli, &table, &all->rows[i]);
    }
    sw_status status = sw_table_print(&table, cli->out, cli->terminal.limit, cli->terminal.colour);
    sw_table_fini(&table);
    return status;
}

static sw_status print_data(sw_cli *cli, const sessions *all)
{
    sw_cli_json json;
    char when[SW_TIME_TEXT];
    sw_cli_json_begin(cli, &json);
    json.list = "groups";
    sw_json_open(&json.out, '{');
    sw_cli_json_key(&json, "groups");
    sw_json_open(&json.out, '[');
    for (size_t i = 0; i < all->count; i++) {
        const sw_run *run = &all->rows[i].run;
        size_t len = sw_time_print(run->created_at.value, true, when);
        sw_json_open(&json.out, '{');
        sw_cli_json_str(&json, "run", run->id);
        sw_cli_json_str(&json, "agent", run->agent_id);
        sw_cli_json_str(&json, "status",
                        sw_str_from(sw_enum_word(SW_ENUM_run_status, run->status.value)));
        sw_cli_json_str(&json, "created_at", sw_str_make(when, len));
        sw_usage_write_totals(&json, &all->rows[i].totals);
        sw_json_close(&json.out, '}');
    }
    sw_json_close(&json.out, ']');
    sw_cli_json_key(&json, "total");
    sw_json_open(&json.out, '{');
    sw_usage_write_totals(&json, &all->total);
    sw_json_close(&json.out, '}');
    sw_json_close(&json.out, '}');
    return sw_cli_json_end(cli, &json);
}

sw_status sw_usage_sessions(sw_cli *cli)
{
    sw_condition conditions[CONDITIONS];
    int64_t limit = sw_cli_count(cli, SW_OPTION_LIMIT);
    sw_list_query query = {.conditions = conditions, .limit = limit > 0 ? limit : -1};
    sessions all = {.cli = cli};
    sw_list_end end;
    sw_status status = read_filters(cli, conditions, &query.condition_count);
    if (status == SW_STATUS_OK) {
        status = sw_source_list(cli, SW_RECORD_RUN, &query, keep_run, &all, &end);
    }
    if (status == SW_STATUS_OK) {
        status = sum_up(&all);
    }
    if (status != SW_STATUS_OK) {
        return status;
    }
    return sw_cli_is_data(cli) ? print_data(cli, &all) : print_words(cli, &all);
}
