/* SPDX-License-Identifier: Apache-2.0 */
/* adopt: says what a database of Letta V1 lacks, and adds it when told to. The store finds out and adds, the ledger computes
 * the sums; here they are put in order: what was cut off at any place goes on when it is run again.
 */
#include "cli/cli.h"
#include "stepwell/operate.h"
#include "store/adopt.h"

typedef struct adopting {
    sw_cli *cli;
    sw_adoption *adoption;
    sw_adopt_found found;
    sw_cli_json json;
    bool data;
    bool apply;
    sw_progress progress;
    int64_t total;
    sw_resum_end sums;
} adopting;

static int64_t mono_us(void)
{
    return sw__system_clock.mono_us(sw__system_clock.data);
}

/* ---- the plan ------------------------------------------------------------------------------------ */

static void show_line(void *arg, const char *what, const char *name, const char *detail)
{
    adopting *a = arg;
    if (!a->data) {
        fprintf(a->cli->out, "  %-7s %s (%s)\n", what, name, detail);
        return;
    }
    sw_json_open(&a->json.out, '{');
    sw_cli_json_str(&a->json, "what", sw_str_from(what));
    sw_cli_json_str(&a->json, "name", sw_str_from(name));
    sw_cli_json_str(&a->json, "detail", sw_str_from(detail));
    sw_json_close(&a->json.out, '}');
}

static sw_status show_plan(adopting *a)
{
    const sw_adopt_found *f = &a->found;
    if (a->data) {
        sw_cli_json_begin(a->cli, &a->json);
        sw_json_open(&a->json.out, '{');
        sw_cli_json_str(&a->json, "database", sw_str_from(f->place));
        sw_cli_json_str(&a->json, "age", sw_str_from(f->age));
        sw_cli_json_key(&a->json, "adopted_before");
        sw_json_bool(&a->json.out, f->done);
        sw_cli_json_key(&a->json, "plan");
        sw_json_open(&a->json.out, '[');
    } else {
        fprintf(a->cli->out, "%s: Letta V1, %s; about %lld steps, %lld messages.\n", f->place,
                f->age, (long long)f->steps, (long long)f->messages);
        fprintf(a->cli->out, "%d tables, %d columns and %d indexes %s, %d rules loosened:\n",
                f->tables, f->columns, f->indexes, a->apply ? "are added" : "would be added",
                f->loosened);
    }
    sw_status status = sw_adopt_tell(a->adoption, show_line, a, &a->cli->error);
    if (a->data) {
        sw_json_close(&a->json.out, ']');
    }
    (void)fflush(a->cli->out);
    return status;
}

/* ---- doing it ------------------------------------------------------------------------------------ */

static void each_progress(void *arg, int64_t done, int64_t total)
{
    adopting *a = arg;
    sw_progress_show(&a->progress, done, total > 0 ? total : a->total, mono_us());
}

static void each_row(void *arg, int64_t done)
{
    each_progress(arg, done, 0);
}

static sw_status compute_sums(adopting *a, const char *url)
{
    sw_cli *cli = a->cli;
    const sw_ledger_options options = {
        .store = url, .must_exist = true, .no_reaper = true, .adopting = true};
    sw_status status = sw_ledger_open(&options, &cli->ledger, &cli->error);
    a->total = a->found.steps + a->found.messages;
    sw_progress_init(&a->progress, cli->err, "rows", mono_us());
    if (status == SW_STATUS_OK) {
        status = sw_resum(cli->ledger, each_row, a, &a->sums, &cli->error);
    }
    sw_progress_done(&a->progress);
    return status;
}

static sw_status apply(adopting *a, const char *url)
{
    sw_cli *cli = a->cli;
    sw_status status = sw_adopt_add(a->adoption, &cli->error);
    sw_progress_init(&a->progress, cli->err, "indexes", mono_us());
    if (status == SW_STATUS_OK) {
        status = sw_adopt_index(a->adoption, each_progress, a, &cli->error);
    }
    sw_progress_done(&a->progress);
    if (status == SW_STATUS_OK) {
        status = compute_sums(a, url);
    }
    return status == SW_STATUS_OK ? sw_adopt_end(a->adoption, &cli->error) : status;
}

/* ---- the end ------------------------------------------------------------------------------------- */

static sw_status show_end(adopting *a)
{
    const sw_resum_end *s = &a->sums;
    if (!a->data && !a->apply) {
        fprintf(a->cli->out, "Nothing was changed. With --apply it is done; V1 must not write "
                             "meanwhile.\n");
    } else if (!a->data) {
        fprintf(
            a->cli->out,
            "Adopted: %lld organizations with %lld runs, %lld steps and %lld messages; %lld sums "
            "moved.\n",
            (long long)s->organizations, (long long)s->runs, (long long)s->steps,
            (long long)s->messages, (long long)s->moved);
    }
    if (!a->data) {
        return SW_STATUS_OK;
    }
    const struct {
        const char *name;
        int64_t value;
    } numbers[] = {{"num_organizations", s->organizations},
                   {"num_runs", s->runs},
                   {"num_steps", s->steps},
                   {"num_messages", s->messages},
                   {"moved", s->moved}};
    sw_cli_json_key(&a->json, "applied");
    sw_json_bool(&a->json.out, a->apply);
    for (size_t i = 0; i < SW_COUNT(numbers); i++) {
        sw_cli_json_int(&a->json, numbers[i].name, a->apply, numbers[i].value);
    }
    sw_json_close(&a->json.out, '}');
    return sw_cli_json_end(a->cli, &a->json);
}

int sw_cli_adopt(sw_cli *cli)
{
    const char *url = cli->argument;
    adopting a = {
        .cli = cli, .data = sw_cli_is_data(cli), .apply = sw_cli_has(cli, SW_OPTION_APPLY)};
    const sw_store_options options = {.url = sw_str_from(url), .read_only = !a.apply};
    sw_status status = sw_adopt_open(&options, &a.adoption, &a.found, &cli->error);
    bool open = status == SW_STATUS_OK;
    if (open) {
        status = show_plan(&a);
    }
    if (status == SW_STATUS_OK && a.apply) {
        status = apply(&a, url);
    }
    if (status == SW_STATUS_OK) {
        status = show_end(&a);
    } else if (open && a.data) {
        sw_buf_fini(&a.json.buf);
    }
    sw_adopt_close(&a.adoption);
    if (strcmp(cli->error.field, "url") == 0) {
        cli->error.field[0] = '\0';
    }
    return status == SW_STATUS_OK ? sw_cli_finish(cli) : sw_cli_fail(cli, status, NULL);
}
