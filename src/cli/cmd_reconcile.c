/* SPDX-License-Identifier: Apache-2.0 */
/* reconcile: a provider's export beside the ledger's sums, by day and model; says what differs by more than the
 * tolerance, and answers with the exit code of verify when something does.
 */
#include <stdlib.h>

#include "cli/bill.h"
#include "cli/source.h"

enum { FILE_MOST = 256 << 20 };

static const char *const titles[SW_BILL_COUNTS] = {"prompt_tokens", "completion_tokens", "calls",
                                                   "cost_nano_usd"};

static sw_status read_file(sw_cli *cli, sw_bill *bill)
{
    sw_buf text;
    sw_status status = SW_STATUS_OK;

    sw_buf_init(&text, &sw__libc_allocator, FILE_MOST);
    status = sw_cli_read_file(cli, cli->argument, &text);
    status = status == SW_STATUS_OK ? sw_bill_read(bill, sw_buf_str(&text), &cli->error) : status;
    sw_buf_fini(&text);
    return status;
}

static bool see_group(void *arg, const sw_usage_group *group)
{
    sw_bill *bill = arg;
    int64_t us = 0;
    sw_bill_line *line =
        sw_time_parse(group->keys[0], &us)
            ? sw_bill_line_of(bill, sw_time_day(us), bill->models ? group->keys[1] : SW_NULL_STR)
            : NULL;

    if (line) {
        line->ledger[SW_BILL_PROMPT] += group->totals.prompt_tokens;
        line->ledger[SW_BILL_COMPLETION] += group->totals.completion_tokens;
        line->ledger[SW_BILL_CALLS] += group->totals.num_steps;
        line->ledger[SW_BILL_COST] += group->totals.cost_nano_usd;
    }
    return !bill->failed;
}

/* The ledger's sums of the days that the file is about. */
static sw_status ask(sw_cli *cli, sw_bill *bill)
{
    const char *provider = sw_cli_text(cli, SW_OPTION_BILL_PROVIDER);
    sw_value name = {.text = sw_str_from(provider)};
    sw_condition of = {SW_STEP_PROVIDER_NAME, SW_OP_EQ, &name, 1};
    sw_usage_query query = {.by = {SW_DIMENSION_DAY, SW_DIMENSION_MODEL},
                            .by_count = bill->models ? 2 : 1,
                            .conditions = &of,
                            .condition_count = provider ? 1 : 0};
    sw_usage_end end = {.complete = true};
    int64_t first = INT64_MAX, last = INT64_MIN;
    sw_status status = SW_STATUS_OK;

    for (size_t i = 0; i < bill->count; i++) {
        first = bill->lines[i].day < first ? bill->lines[i].day : first;
        last = bill->lines[i].day > last ? bill->lines[i].day : last;
    }
    query.from = sw_int_of(first * INT64_C(86400000000));
    query.to = sw_int_of((last + 1) * INT64_C(86400000000));
    status = sw_source_usage(cli, &query, see_group, bill, &end);
    if (status == SW_STATUS_OK && bill->failed) {
        status = sw_no_memory(&cli->error);
    }
    if (status == SW_STATUS_OK && !end.complete) {
        status = sw_fail(&cli->error, SW_STATUS_TOO_LARGE, "",
                         "the file is about more steps than one question reads; take fewer days");
    }
    return status;
}

/* What the file said and nobody could read is not compared, and must not pass for agreement. */
static void say_odd(sw_cli *cli, const sw_bill *bill)
{
    if (bill->odd > 0) {
        fprintf(cli->err, "%lld values could not be read and are left out, the first is \"%s\".\n",
                (long long)bill->odd,
                sw_text_or_blank(sw_text_clean(&cli->arena, bill->first_odd, false)));
    }
    if (bill->undated > 0) {
        fprintf(cli->err, "%lld rows name no day and are left out.\n", (long long)bill->undated);
    }
}

static bool differs(int64_t there, int64_t here, int64_t percent)
{
    double off = (double)here - (double)there;
    double most = (double)there * (double)percent / 100.0;
    return (off < 0 ? -off : off) > (most < 0 ? -most : most);
}

static int by_day(const void *one, const void *other)
{
    const sw_bill_line *a = one;
    const sw_bill_line *b = other;

    return a->day != b->day ? (a->day < b->day ? -1 : 1) : sw_str_cmp(a->model, b->model);
}

static void print_json(sw_cli *cli, sw_str day, const sw_bill_line *line, size_t i, bool off)
{
    sw_cli_json json;

    sw_cli_json_begin(cli, &json);
    sw_json_open(&json.out, '{');
    sw_cli_json_str(&json, "day", day);
    sw_cli_json_str(&json, "model", line->model);
    sw_cli_json_str(&json, "what", sw_str_from(titles[i]));
    sw_cli_json_int(&json, "provider", true, line->bill[i]);
    sw_cli_json_int(&json, "ledger", true, line->ledger[i]);
    sw_cli_json_key(&json, "differs");
    sw_json_bool(&json.out, off);
    sw_json_close(&json.out, '}');
    (void)sw_cli_json_end(cli, &json);
}

static void add_row(sw_cli *cli, sw_table *table, sw_str day, const sw_bill_line *line, size_t i,
                    bool off)
{
    sw_arena *arena = &cli->arena;
    int64_t shown[] = {line->bill[i], line->ledger[i], 0};

    if (__builtin_sub_overflow(shown[1], shown[0], &shown[2])) {
        shown[2] = line->bill[i] < 0 ? INT64_MAX : INT64_MIN;
    }
    sw_table_add(table, day, SW_STYLE_PLAIN);
    sw_table_add(table, line->model.ptr ? sw_text_clean(arena, line->model, false) : SW_STR("-"),
                 SW_STYLE_PLAIN);
    sw_table_add(table, i == SW_BILL_COST ? SW_STR("cost") : sw_str_from(titles[i]),
                 SW_STYLE_PLAIN);
    for (size_t k = 0; k < SW_COUNT(shown); k++) {
        sw_table_add(table,
                     i == SW_BILL_COST ? sw_show_money(arena, shown[k])
                                       : sw_show_count(arena, shown[k]),
                     off && k == 2 ? SW_STYLE_BAD : SW_STYLE_PLAIN);
    }
}

static sw_status print(sw_cli *cli, const sw_bill *bill, int64_t *off)
{
    static const sw_column columns[] = {
        {.title = "DAY"},
        {.title = "MODEL", .least = 10},
        {.title = "WHAT"},
        {.title = "PROVIDER", .right = true},
        {.title = "LEDGER", .right = true},
        {.title = "DIFFERENCE", .right = true},
    };
    int64_t tolerance = sw_cli_count(cli, SW_OPTION_TOLERANCE);
    bool data = sw_cli_is_data(cli);
    sw_table table;
    sw_status status = SW_STATUS_OK;

    sw_table_init(&table, columns, SW_COUNT(columns));
    for (size_t n = 0; n < bill->count * SW_BILL_COUNTS; n++) {
        const sw_bill_line *line = &bill->lines[n / SW_BILL_COUNTS];
        size_t i = n % SW_BILL_COUNTS;
        sw_str day = sw_show_day(&cli->arena, line->day * INT64_C(86400000000));
        bool is = differs(line->bill[i], line->ledger[i], tolerance);
        if (!bill->says[i] || (!is && !sw_cli_has(cli, SW_OPTION_BILL_ALL))) {
            continue;
        }
        *off += is;
        if (data) {
            print_json(cli, day, line, i, is);
        } else {
            add_row(cli, &table, day, line, i, is);
        }
    }
    if (!data && table.cell_count > 0) {
        status = sw_table_print(&table, cli->out, cli->terminal.limit, cli->terminal.colour);
    }
    sw_table_fini(&table);
    return status;
}

int sw_cli_reconcile(sw_cli *cli)
{
    sw_bill bill = {.arena = &cli->arena};
    int64_t off = 0;
    sw_status status = read_file(cli, &bill);

    if (status == SW_STATUS_OK) {
        status = sw_cli_source(cli, false);
    }
    if (status == SW_STATUS_OK) {
        status = ask(cli, &bill);
    }
    if (status == SW_STATUS_OK) {
        qsort(bill.lines, bill.count, sizeof *bill.lines, by_day);
        status = print(cli, &bill, &off);
    }
    if (status != SW_STATUS_OK) {
        return sw_cli_fail(cli, status, cli->source ? sw_cli_advice(status) : NULL);
    }
    say_odd(cli, &bill);
    if (off > 0 || bill.odd > 0 || bill.undated > 0) {
        if (off > 0) {
            fprintf(cli->err, "%lld differ.\n", (long long)off);
        }
        (void)sw_cli_finish(cli);
        return sw_exit_code(SW_STATUS_DIFFERS);
    }
    fprintf(cli->err, "The ledger agrees with the provider.\n");
    return sw_cli_finish(cli);
}
