/* SPDX-License-Identifier: Apache-2.0 */
/* verify: the proof that totals equal the rows. Prints each difference as it is found. */
#include "cli/cli.h"

enum { SHOWN_MOST = 1000 }; /* differences printed; all are counted */

typedef struct proof {
    sw_cli *cli;
    sw_cli_json json;
    bool as_json;
    int64_t shown;
    sw_progress progress;
} proof;

static void json_text(sw_cli_json *json, const char *key, const char *text)
{
    sw_cli_json_str(json, key, sw_str_from(text));
}

static void each_difference(void *arg, const sw_difference *found)
{
    proof *at = arg;
    if (at->shown++ >= SHOWN_MOST) {
        return;
    }
    if (at->as_json) {
        sw_json_open(&at->json.out, '{');
        json_text(&at->json, "kind", found->kind);
        json_text(&at->json, "where", found->where);
        json_text(&at->json, "what", found->what);
        sw_json_close(&at->json.out, '}');
        return;
    }
    sw_progress_done(&at->progress);
    fprintf(at->cli->out, "%s: %s: %s\n", found->kind, found->where, found->what);
}

static void each_progress(void *arg, int64_t done, int64_t total)
{
    proof *at = arg;
    sw_progress_show(&at->progress, done, total, sw__system_clock.mono_us(sw__system_clock.data));
}

static void print_end(sw_cli *cli, const sw_verify_end *end)
{
    sw_arena *arena = &cli->arena;
    fprintf(cli->out, "%s steps, %s runs, %s sums and %s journal entries were checked.\n",
            sw_text_or_blank(sw_show_count(arena, end->steps)),
            sw_text_or_blank(sw_show_count(arena, end->runs)),
            sw_text_or_blank(sw_show_count(arena, end->cells)),
            sw_text_or_blank(sw_show_count(arena, end->entries)));
    if (end->differences == 0) {
        fputs("Everything adds up.\n", cli->out);
    } else {
        fprintf(cli->out, "%s %s not add up%s.\n",
                sw_text_or_blank(sw_show_count(arena, end->differences)),
                end->differences == 1 ? "thing does" : "things do",
                end->differences > SHOWN_MOST ? "; the first of them are above" : "");
    }
}

static sw_status print_end_json(proof *at, const sw_verify_end *end)
{
    const struct {
        const char *key;
        int64_t value;
    } counts[] = {{"steps", end->steps},
                  {"runs", end->runs},
                  {"cells", end->cells},
                  {"entries", end->entries},
                  {"difference_count", end->differences}};
    sw_json_close(&at->json.out, ']');
    for (size_t i = 0; i < SW_COUNT(counts); i++) {
        sw_cli_json_int(&at->json, counts[i].key, true, counts[i].value);
    }
    sw_cli_json_key(&at->json, "ok");
    sw_json_bool(&at->json.out, end->differences == 0);
    sw_json_close(&at->json.out, '}');
    return sw_cli_json_end(at->cli, &at->json);
}

static int prove(proof *at)
{
    sw_cli *cli = at->cli;
    sw_verify_end end = {0};
    sw_verify_options options = {
        .difference = each_difference, .progress = each_progress, .arg = at};
    sw_status status = sw_verify(cli->ledger, &options, &end, &cli->error);
    sw_progress_done(&at->progress);
    if (status != SW_STATUS_OK && status != SW_STATUS_DIFFERS) {
        return sw_cli_fail(cli, status, sw_cli_advice(status));
    }
    sw_status printed = SW_STATUS_OK;
    if (at->as_json) {
        printed = print_end_json(at, &end);
    } else {
        print_end(cli, &end);
    }
    if (printed != SW_STATUS_OK) {
        return sw_cli_fail(cli, sw_no_memory(&cli->error), sw_cli_advice(printed));
    }
    int code = sw_cli_finish(cli);
    return status == SW_STATUS_DIFFERS ? sw_cli_fail(cli, status, sw_cli_advice(status)) : code;
}

int sw_cli_verify(sw_cli *cli)
{
    proof at = {.cli = cli, .as_json = sw_cli_is_data(cli)};
    sw_status status = sw_cli_open(cli, false);
    if (status != SW_STATUS_OK) {
        return sw_cli_fail(cli, status, sw_cli_advice(status));
    }
    sw_cli_json_begin(cli, &at.json);
    sw_json_open(&at.json.out, '{');
    sw_cli_json_key(&at.json, "differences");
    sw_json_open(&at.json.out, '[');
    sw_progress_init(&at.progress, cli->err, "steps",
                     sw__system_clock.mono_us(sw__system_clock.data));
    int code = prove(&at);
    sw_buf_fini(&at.json.buf);
    return code;
}
