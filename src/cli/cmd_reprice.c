/* SPDX-License-Identifier: Apache-2.0 */
/* reprice: asks the ledger to compute costs again, part by part, and says what came of it. */
#include "cli/source.h"

static bool take_total(void *arg, const sw_usage_group *group)
{
    *(int64_t *)arg = group->totals.num_steps;
    return true;
}

static sw_status run(sw_cli *cli, const sw_reprice_query *query, sw_reprice_end *end)
{
    sw_usage_query all = {.from = query->from, .to = query->to};
    sw_usage_end counted;
    sw_progress progress;
    int64_t total = 0;
    sw_status status = sw_source_usage(cli, &all, take_total, &total, &counted);

    sw_progress_init(&progress, cli->err, "steps", sw__system_clock.mono_us(NULL));
    while (status == SW_STATUS_OK && !end->done) {
        status = sw_source_reprice(cli, query, end);
        sw_progress_show(&progress, end->steps, total, sw__system_clock.mono_us(NULL));
    }
    sw_progress_done(&progress);
    return status;
}

static sw_status print_json(sw_cli *cli, const sw_reprice_end *end, bool dry_run)
{
    const sw_reprice_sum *sums = sw_reprice_sums();
    sw_cli_json json;

    sw_cli_json_begin(cli, &json);
    sw_json_open(&json.out, '{');
    sw_cli_json_key(&json, "dry_run");
    sw_json_bool(&json.out, dry_run);
    for (size_t i = 0; i < SW_REPRICE_SUMS; i++) {
        const void *sum = (const char *)end + sums[i].offset;
        sw_cli_json_int(&json, sums[i].name, true, *(const int64_t *)sum);
    }
    sw_json_close(&json.out, '}');
    return sw_cli_json_end(cli, &json);
}

static const char *count(sw_cli *cli, int64_t n)
{
    return sw_text_or_blank(sw_show_count(&cli->arena, n));
}

static const char *money(sw_cli *cli, int64_t nano_usd)
{
    return sw_text_or_blank(sw_show_money(&cli->arena, nano_usd));
}

static void print_text(sw_cli *cli, const sw_reprice_end *end, bool dry_run)
{
    fprintf(cli->out, "%s of %s steps %s: %s had no cost and %s one, %s had one and %s it.\n",
            count(cli, end->changed), count(cli, end->steps), dry_run ? "would change" : "changed",
            count(cli, end->found), dry_run ? "would get" : "got", count(cli, end->lost),
            dry_run ? "would lose" : "lost");
    fprintf(cli->out, "%s stay unknown; of %s the caller said the cost.\n",
            count(cli, end->unknown), count(cli, end->given));
    fprintf(cli->out, "Cost before %s, after %s.\n", money(cli, end->before_nano_usd),
            money(cli, end->after_nano_usd));
}

int sw_cli_reprice(sw_cli *cli)
{
    sw_reprice_query query = {.from = sw_cli_time(cli, SW_OPTION_PRICE_SINCE),
                              .to = sw_cli_time(cli, SW_OPTION_PRICE_UNTIL),
                              .dry_run = sw_cli_has(cli, SW_OPTION_DRY_RUN),
                              .reason = sw_str_from(sw_cli_text(cli, SW_OPTION_REASON))};
    sw_reprice_end end = {.steps = 0};
    sw_status status = SW_STATUS_OK;

    if (!query.from.known || (!query.dry_run && query.reason.len == 0)) {
        status = sw_fail(
            &cli->error, SW_STATUS_INVALID, "",
            "since when, and why; write reprice --since 2026-11-01 --reason \"new contract\", or "
            "--dry-run instead of the reason");
        return sw_cli_fail(cli, status, NULL);
    }
    status = sw_cli_source(cli, true);
    if (status == SW_STATUS_OK) {
        status = run(cli, &query, &end);
    }
    if (status != SW_STATUS_OK) {
        return sw_cli_fail(cli, status, sw_cli_advice(status));
    }
    if (sw_cli_is_data(cli)) {
        status = print_json(cli, &end, query.dry_run);
    } else {
        print_text(cli, &end, query.dry_run);
    }
    return status == SW_STATUS_OK ? sw_cli_finish(cli)
                                  : sw_cli_fail(cli, status, sw_cli_advice(status));
}
