/* SPDX-License-Identifier: Apache-2.0 */
/* keys: makes, lists and revokes the keys by which programs call the server. Works on the ledger itself,
 * so whoever may write its file may do it, also while a server runs, which sees it within a second.
 */
#include "cli/cli.h"
#include "codec/record.h"

static sw_str organization_of(const sw_cli *cli)
{
    return sw_str_from(sw_cli_text(cli, SW_OPTION_KEY_ORGANIZATION));
}

static sw_status print_record(sw_cli *cli, const sw_api_key *row, const char *secret)
{
    sw_cli_json json;
    sw_cli_json_begin(cli, &json);
    if (secret) {
        sw_json_open(&json.out, '{');
        sw_cli_json_str(&json, "secret", sw_str_from(secret));
        sw_cli_json_key(&json, "api_key");
    }
    sw_record_write_json(SW_RECORD_API_KEY, row, &json.out);
    if (secret) {
        sw_json_close(&json.out, '}');
    }
    return sw_cli_json_end(cli, &json);
}

/* ---- create ---------------------------------------------------------------------------------- */

/* ["ingest","read"], from --scope given several times. */
static sw_str scopes_of(sw_cli *cli)
{
    sw_buf text;
    sw_json_out out;
    sw_buf_init(&text, &sw__libc_allocator, 0);
    sw_json_out_init(&out, &text, false);
    sw_json_open(&out, '[');
    for (size_t i = 0; i < cli->counts[SW_OPTION_SCOPE]; i++) {
        sw_json_str(&out, sw_str_from(cli->values[SW_OPTION_SCOPE][i]));
    }
    sw_json_close(&out, ']');
    sw_str copy = sw_arena_str(&cli->arena, sw_buf_str(&text));
    sw_buf_fini(&text);
    return copy;
}

static sw_status create(sw_cli *cli)
{
    char secret[SW_KEY_TEXT];
    sw_outcome outcome;
    sw_actor actor = {.organization_id = organization_of(cli)};
    sw_api_key row = {.name = sw_str_from(cli->argument2),
                      .scopes = scopes_of(cli),
                      .project_id = sw_str_from(sw_cli_text(cli, SW_OPTION_KEY_PROJECT)),
                      .user_id = sw_str_from(sw_cli_text(cli, SW_OPTION_KEY_USER))};
    int64_t days = sw_cli_has(cli, SW_OPTION_DAYS) ? sw_cli_count(cli, SW_OPTION_DAYS) : 0;
    if (!cli->argument2 || cli->counts[SW_OPTION_SCOPE] == 0) {
        return sw_fail(&cli->error, SW_STATUS_INVALID, "",
                       "a key needs a name and a scope; write stepwell keys create NAME --scope "
                       "ingest");
    }
    if (days > 0 && days < 36500) {
        row.expires_at = sw_int_of(cli->now_us + days * INT64_C(86400000000));
    } else if (sw_cli_has(cli, SW_OPTION_DAYS)) {
        return sw_fail(&cli->error, SW_STATUS_INVALID, "", "--days is 1 to 36499");
    }
    sw_status status = sw_cli_open(cli, true);
    if (status == SW_STATUS_OK) {
        status = sw_key_create(cli->ledger, &actor, &row, secret, &outcome, &cli->error);
    }
    if (status == SW_STATUS_OK && sw_cli_is_data(cli)) {
        status = sw_get(cli->ledger, &actor, SW_RECORD_API_KEY, sw_str_from(outcome.id),
                        cli->memory, &row, &cli->error);
        return status == SW_STATUS_OK ? print_record(cli, &row, secret) : status;
    }
    if (status == SW_STATUS_OK) {
        fprintf(cli->out, "%s\n", secret);
        fprintf(cli->err, "The key is %s; its secret is shown this once.\n", outcome.id);
    }
    return status;
}

/* ---- list ------------------------------------------------------------------------------------ */

static const sw_column columns[] = {
    {.title = "ID"},
    {.title = "ORGANIZATION", .drop = 2},
    {.title = "NAME", .least = 8},
    {.title = "SCOPES"},
    {.title = "PROJECT", .drop = 1},
    {.title = "CREATED", .drop = 3},
    {.title = "LAST USED"},
    {.title = "STATE"},
};

typedef struct listing {
    sw_cli *cli;
    sw_table table;
    sw_status status;
} listing;

static sw_str shown_time(listing *list, sw_int us)
{
    sw_cli *cli = list->cli;
    if (!us.known) {
        return SW_STR("");
    }
    return cli->terminal.is_terminal ? sw_show_ago(&cli->arena, us.value, cli->now_us)
                                     : sw_show_time(&cli->arena, us.value);
}

/* ["a","b"] as a,b */
static sw_str plain_scopes(sw_arena *arena, sw_str scopes)
{
    sw_str copy = sw_arena_str(arena, scopes);
    char *out = sw_arena_zeroed(arena, scopes.len + 1);
    size_t len = 0;
    for (size_t i = 0; out && i < copy.len; i++) {
        if (!strchr("[]\" ", copy.ptr[i])) {
            out[len++] = copy.ptr[i];
        }
    }
    return sw_str_make(out ? out : "", len);
}

static bool add_row(void *arg, const void *data)
{
    listing *list = arg;
    sw_cli *cli = list->cli;
    const sw_api_key *row = data;
    bool gone = row->expires_at.known && row->expires_at.value <= cli->now_us;
    if (sw_cli_is_data(cli)) {
        list->status = print_record(cli, row, NULL);
        return list->status == SW_STATUS_OK;
    }
    const char *state = row->revoked_at.known ? "revoked" : gone ? "expired" : "valid";
    sw_table_add(&list->table, sw_arena_str(&cli->arena, row->id), SW_STYLE_PLAIN);
    sw_table_add(&list->table, sw_arena_str(&cli->arena, row->organization_id), SW_STYLE_DIM);
    sw_table_add(&list->table, sw_text_clean(&cli->arena, row->name, false), SW_STYLE_PLAIN);
    sw_table_add(&list->table, plain_scopes(&cli->arena, row->scopes), SW_STYLE_PLAIN);
    sw_table_add(&list->table, sw_text_clean(&cli->arena, row->project_id, false), SW_STYLE_PLAIN);
    sw_table_add(&list->table, shown_time(list, row->created_at), SW_STYLE_PLAIN);
    sw_table_add(&list->table, shown_time(list, row->last_used_at), SW_STYLE_PLAIN);
    sw_table_add(&list->table, sw_str_from(state),
                 strcmp(state, "valid") == 0 ? SW_STYLE_GOOD : SW_STYLE_DIM);
    return true;
}

static sw_status list_keys(sw_cli *cli)
{
    listing list = {.cli = cli, .status = SW_STATUS_OK};
    sw_list_query query = {.limit = -1};
    sw_list_end end;
    sw_str organization = organization_of(cli);
    sw_actor actor = {.organization_id = organization, .everywhere = !organization.ptr};
    sw_status status = sw_cli_open(cli, false);
    if (status != SW_STATUS_OK) {
        return status;
    }
    sw_table_init(&list.table, columns, SW_COUNT(columns));
    status =
        sw_list(cli->ledger, &actor, SW_RECORD_API_KEY, &query, add_row, &list, &end, &cli->error);
    status = status == SW_STATUS_OK ? list.status : status;
    if (status == SW_STATUS_OK && !sw_cli_is_data(cli)) {
        status = sw_table_print(&list.table, cli->out, cli->terminal.limit, cli->terminal.colour);
    }
    sw_table_fini(&list.table);
    return status;
}

/* ---- revoke ---------------------------------------------------------------------------------- */

/* The operator need not say whose key it is: its id does. */
static sw_status revoke(sw_cli *cli)
{
    sw_api_key row;
    sw_outcome outcome;
    sw_str id = sw_str_from(cli->argument2);
    sw_str organization = organization_of(cli);
    sw_actor finder = {.organization_id = organization, .everywhere = !organization.ptr};
    if (!id.ptr) {
        return sw_fail(&cli->error, SW_STATUS_INVALID, "",
                       "which key; write stepwell keys revoke ID, and stepwell keys list for ids");
    }
    sw_status status = sw_cli_open(cli, true);
    if (status == SW_STATUS_OK) {
        status =
            sw_get(cli->ledger, &finder, SW_RECORD_API_KEY, id, cli->memory, &row, &cli->error);
    }
    if (status != SW_STATUS_OK) {
        return status;
    }
    sw_actor actor = {.organization_id = row.organization_id};
    status = sw_key_revoke(cli->ledger, &actor, id, &outcome, &cli->error);
    if (status == SW_STATUS_OK && sw_cli_is_data(cli)) {
        status = sw_get(cli->ledger, &actor, SW_RECORD_API_KEY, id, cli->memory, &row, &cli->error);
        return status == SW_STATUS_OK ? print_record(cli, &row, NULL) : status;
    }
    if (status == SW_STATUS_OK) {
        fprintf(cli->out, "%s is revoked\n", outcome.id);
    }
    return status;
}

/* ---- which --------------------------------------------------------------------------------------- */

typedef struct verb {
    const char *name;
    sw_status (*run)(sw_cli *cli);
} verb;

static const verb verbs[] = {{"create", create}, {"list", list_keys}, {"revoke", revoke}};

int sw_cli_keys(sw_cli *cli)
{
    const verb *found = NULL;
    for (size_t i = 0; i < SW_COUNT(verbs); i++) {
        found = strcmp(cli->argument, verbs[i].name) == 0 ? &verbs[i] : found;
    }
    sw_status status = found
                           ? found->run(cli)
                           : sw_fail(&cli->error, SW_STATUS_INVALID, "",
                                     "keys cannot %s; write create, list or revoke", cli->argument);
    if (status == SW_STATUS_OK) {
        return sw_cli_finish(cli);
    }
    bool said = status == SW_STATUS_INVALID && !cli->error.field[0];
    return sw_cli_fail(cli, status, said ? NULL : sw_cli_advice(status));
}
