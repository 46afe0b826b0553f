/* SPDX-License-Identifier: Apache-2.0 */
/* prune: what is old goes; first what was said, and with --steps the steps. erase: a person, a conversation,
 * an organization goes. Both say what they are about to do, and ask, because none of it comes back.
 */
#include <unistd.h>

#include "cli/cli.h"
#include "ledger/telemetry.h"

enum { ITEMS = 5000 };

static int64_t mono_us(void)
{
    return sw__system_clock.mono_us(sw__system_clock.data);
}

/* Without --yes somebody at a terminal must say so. */
static sw_status confirm(sw_cli *cli)
{
    char answer[16] = "";
    if (sw_cli_has(cli, SW_OPTION_YES)) {
        return SW_STATUS_OK;
    }
    cli->advised = true;
    if (isatty(STDIN_FILENO) != 1) {
        return sw_fail(&cli->error, SW_STATUS_INVALID, "",
                       "nobody can be asked here, and nothing was removed; add --yes");
    }
    fputs("It does not come back. Go on? [y/N] ", cli->err);
    (void)fflush(cli->err);
    if (fgets(answer, sizeof answer, stdin) && (answer[0] == 'y' || answer[0] == 'Y')) {
        cli->advised = false;
        return SW_STATUS_OK;
    }
    return sw_fail(&cli->error, SW_STATUS_INVALID, "", "nothing was removed");
}

/* ---- prune -------------------------------------------------------------------------------------- */

typedef struct pruning {
    sw_cli *cli;
    char (*ids)[SW_ID_MAX];
    size_t count;
    size_t room;
    int64_t before_us;
    int64_t steps; /* that are so old */
    int64_t looked;
    int64_t removed;
    int64_t items; /* of raw telemetry */
    sw_progress progress;
} pruning;

static bool keep_organization(void *arg, const void *row)
{
    pruning *p = arg;
    sw_str id = ((const sw_organization *)row)->id;
    char(*ids)[SW_ID_MAX] = sw_arena_grow(&p->cli->arena, p->ids, p->count, &p->room, sizeof *ids);
    if (!ids || id.len >= SW_ID_MAX) {
        return false;
    }
    p->ids = ids;
    snprintf(ids[p->count++], SW_ID_MAX, "%.*s", (int)id.len, id.ptr);
    return true;
}

static sw_status find_organizations(pruning *p)
{
    sw_cli *cli = p->cli;
    const sw_list_query all = {.limit = -1};
    const sw_actor actor = sw_cli_actor(cli);
    const char *one = sw_cli_text(cli, SW_OPTION_ORGANIZATION);
    sw_list_end end;
    if (one) {
        const sw_organization own = {.id = sw_str_from(one)};
        (void)keep_organization(p, &own);
        return cli->arena.failed ? sw_no_memory(&cli->error) : SW_STATUS_OK;
    }
    sw_status status = sw_list(cli->ledger, &actor, SW_RECORD_ORGANIZATION, &all, keep_organization,
                               p, &end, &cli->error);
    return status == SW_STATUS_OK && cli->arena.failed ? sw_no_memory(&cli->error) : status;
}

static bool add_steps(void *arg, const sw_usage_group *group)
{
    *(int64_t *)arg += group->totals.num_steps;
    return true;
}

static sw_status count_steps(pruning *p)
{
    sw_cli *cli = p->cli;
    const sw_actor actor = sw_cli_actor(cli);
    const sw_usage_query query = {.to = sw_int_of(p->before_us)};
    sw_usage_end end;
    return sw_usage(cli->ledger, &actor, &query, add_steps, &p->steps, &end, &cli->error);
}

static void say_first(const pruning *p)
{
    sw_cli *cli = p->cli;
    bool steps = sw_cli_has(cli, SW_OPTION_PRUNE_STEPS);
    fprintf(cli->err, "%s steps began before %s. %s\n",
            sw_text_or_blank(sw_show_count(&cli->arena, p->steps)),
            sw_text_or_blank(sw_show_time(&cli->arena, p->before_us)),
            steps ? "They go, and their tokens and costs leave every total."
                  : "Their messages, traces and raw spans go; the steps and totals stay.");
}

static sw_status prune_one(pruning *p, const char *id)
{
    sw_cli *cli = p->cli;
    const sw_actor actor = {.organization_id = sw_str_from(id)};
    const sw_value before = {.number = p->before_us};
    const sw_condition old = {SW_STEP_CREATED_AT, SW_OP_LT, &before, 1};
    sw_removal removal = {.conditions = &old,
                          .condition_count = 1,
                          .payload_only = !sw_cli_has(cli, SW_OPTION_PRUNE_STEPS),
                          .more = true};
    sw_status status = SW_STATUS_OK;
    while (status == SW_STATUS_OK && removal.more) {
        status = sw_steps_remove(cli->ledger, &actor, &removal, &cli->error);
        sw_progress_show(&p->progress, p->looked + removal.looked, p->steps, mono_us());
    }
    p->removed += removal.removed;
    p->looked += removal.looked;
    return status;
}

/* Raw telemetry has its own days; what is older than these goes now. */
static sw_status prune_raw(pruning *p)
{
    sw_cli *cli = p->cli;
    sw_status status = SW_STATUS_OK;
    bool left = !sw_cli_has(cli, SW_OPTION_ORGANIZATION);
    while (left && status == SW_STATUS_OK) {
        int64_t removed = 0;
        status =
            sw_telemetry_prune(cli->ledger, p->before_us, 0, ITEMS, &removed, &left, &cli->error);
        p->items += removed;
    }
    return status;
}

static sw_status prune_all(pruning *p)
{
    sw_status status = SW_STATUS_OK;
    sw_progress_init(&p->progress, p->cli->err, "steps", mono_us());
    for (size_t i = 0; i < p->count && status == SW_STATUS_OK; i++) {
        status = prune_one(p, p->ids[i]);
    }
    if (status == SW_STATUS_OK) {
        status = prune_raw(p);
    }
    sw_progress_done(&p->progress);
    return status;
}

static sw_status say_pruned(const pruning *p)
{
    sw_cli *cli = p->cli;
    sw_cli_json json;
    bool steps = sw_cli_has(cli, SW_OPTION_PRUNE_STEPS);
    if (!sw_cli_is_data(cli)) {
        fprintf(cli->out, "%s %s. The file gets smaller with stepwell vacuum.\n",
                sw_text_or_blank(sw_show_count(&cli->arena, p->removed)),
                steps ? "steps are gone" : "steps say nothing any more");
        return SW_STATUS_OK;
    }
    sw_cli_json_begin(cli, &json);
    sw_json_open(&json.out, '{');
    sw_cli_json_int(&json, "steps_before", true, p->steps);
    sw_cli_json_int(&json, steps ? "removed_steps" : "silenced_steps", true, p->removed);
    sw_cli_json_int(&json, "removed_raw_items", true, p->items);
    sw_json_close(&json.out, '}');
    return sw_cli_json_end(cli, &json);
}

int sw_cli_prune(sw_cli *cli)
{
    pruning p = {.cli = cli};
    sw_int before = sw_cli_time(cli, SW_OPTION_OLDER_THAN);
    sw_status status = SW_STATUS_OK;
    if (!before.known) {
        status = sw_fail(&cli->error, SW_STATUS_INVALID, "",
                         "prune needs to know how old; write --older-than 90d");
        return sw_cli_fail(cli, status, NULL);
    }
    p.before_us = before.value;
    status = sw_cli_open(cli, true);
    if (status == SW_STATUS_OK) {
        status = find_organizations(&p);
    }
    if (status == SW_STATUS_OK) {
        status = count_steps(&p);
    }
    if (status == SW_STATUS_OK) {
        say_first(&p);
        status = confirm(cli);
    }
    if (status == SW_STATUS_OK) {
        status = prune_all(&p);
    }
    if (status == SW_STATUS_OK) {
        status = say_pruned(&p);
    }
    return status == SW_STATUS_OK ? sw_cli_finish(cli)
                                  : sw_cli_fail(cli, status, sw_cli_advice(status));
}

/* ---- erase -------------------------------------------------------------------------------------- */

typedef struct erasing {
    sw_erase_of of;
    const char *value;
    const char *what; /* in words */
    sw_actor actor;
} erasing;

static sw_status read_what(sw_cli *cli, erasing *out)
{
    static const struct {
        sw_option_id option;
        sw_erase_of of;
        const char *what;
    } rows[] = {
        {SW_OPTION_END_USER, SW_ERASE_END_USER, "All steps that worked for"},
        {SW_OPTION_CONVERSATION, SW_ERASE_CONVERSATION, "The steps, runs and messages of"},
        {SW_OPTION_ERASE_ORGANIZATION, SW_ERASE_ORGANIZATION, "Everything that belongs to"},
    };
    size_t given = 0;
    for (size_t i = 0; i < SW_COUNT(rows); i++) {
        if (sw_cli_has(cli, rows[i].option)) {
            *out = (erasing){
                rows[i].of, sw_cli_text(cli, rows[i].option), rows[i].what, {.everywhere = false}};
            given++;
        }
    }
    return given == 1 ? SW_STATUS_OK
                      : sw_fail(&cli->error, SW_STATUS_INVALID, "",
                                "erase needs one of --end-user NAME, --conversation ID and "
                                "--organization ID");
}

/* Whose it is: a conversation's id says it; a person's name does not. */
static sw_status find_owner(sw_cli *cli, erasing *e)
{
    sw_conversation row;
    const sw_actor all = {.everywhere = true};
    const char *in = sw_cli_text(cli, SW_OPTION_IN);
    e->actor = (sw_actor){.organization_id = sw_str_from(in)};
    if (e->of == SW_ERASE_ORGANIZATION) {
        e->actor.organization_id = sw_str_from(e->value);
    }
    if (e->of != SW_ERASE_CONVERSATION) {
        return SW_STATUS_OK;
    }
    sw_status status = sw_get(cli->ledger, &all, SW_RECORD_CONVERSATION, sw_str_from(e->value),
                              cli->memory, &row, &cli->error);
    if (status == SW_STATUS_OK) {
        e->actor.organization_id = row.organization_id;
    }
    return status;
}

static sw_status erase(sw_cli *cli, erasing *e, int64_t *steps)
{
    sw_status status = sw_cli_open(cli, true);
    if (status == SW_STATUS_OK) {
        status = find_owner(cli, e);
    }
    if (status == SW_STATUS_OK) {
        sw_str name = sw_text_clean(&cli->arena, sw_str_from(e->value), false);
        fprintf(cli->err, "%s %s will be removed, and leave every total.\n", e->what,
                sw_text_or_blank(name));
        status = confirm(cli);
    }
    return status == SW_STATUS_OK ? sw_erase(cli->ledger, &e->actor, e->of, sw_str_from(e->value),
                                             NULL, NULL, steps, &cli->error)
                                  : status;
}

int sw_cli_erase(sw_cli *cli)
{
    erasing e;
    int64_t steps = 0;
    sw_cli_json json;
    sw_status status = read_what(cli, &e);
    if (status != SW_STATUS_OK) {
        return sw_cli_fail(cli, status, NULL);
    }
    status = erase(cli, &e, &steps);
    if (status == SW_STATUS_OK && sw_cli_is_data(cli)) {
        sw_cli_json_begin(cli, &json);
        sw_json_open(&json.out, '{');
        sw_cli_json_int(&json, "removed_steps", true, steps);
        sw_json_close(&json.out, '}');
        status = sw_cli_json_end(cli, &json);
    } else if (status == SW_STATUS_OK) {
        fprintf(cli->out,
                "%s steps are gone. stepwell vacuum takes the last bytes out of the file; copies "
                "of it keep theirs.\n",
                sw_text_or_blank(sw_show_count(&cli->arena, steps)));
    }
    const char *next = status == SW_STATUS_NOT_FOUND ? "check the name" : sw_cli_advice(status);
    return status == SW_STATUS_OK ? sw_cli_finish(cli) : sw_cli_fail(cli, status, next);
}
