/* SPDX-License-Identifier: Apache-2.0 */
/* info: what the ledger is and holds. */
#include "cli/source.h"

/* Which of the numbers are bounds, so that no script takes them for what they are not. */
static void write_bounds(sw_cli_json *json, const sw_ledger_info *info)
{
    sw_cli_json_key(json, "at_least");
    sw_json_open(&json->out, '[');
    if (info->organizations_bounded) {
        sw_json_str(&json->out, SW_STR("organizations"));
    }
    if (info->pending_steps_bounded) {
        sw_json_str(&json->out, SW_STR("pending_steps"));
    }
    sw_json_close(&json->out, ']');
    sw_cli_json_key(json, "at_most");
    sw_json_open(&json->out, '[');
    sw_json_str(&json->out, SW_STR("journal_entries"));
    sw_json_close(&json->out, ']');
}

static sw_status print_json(sw_cli *cli, const sw_ledger_info *info)
{
    const struct {
        const char *key;
        int64_t value;
    } counts[] = {{"schema_version", info->schema_version},  {"file_bytes", info->file_bytes},
                  {"organizations", info->organizations},    {"steps", info->steps},
                  {"pending_steps", info->pending_steps},    {"runs", info->runs},
                  {"journal_entries", info->journal_entries}};
    sw_cli_json json;
    sw_cli_json_begin(cli, &json);
    sw_json_open(&json.out, '{');
    sw_cli_json_str(&json, "version", sw_str_from(sw_version()));
    sw_cli_json_str(&json, "store", sw_str_from(info->store));
    sw_cli_json_str(&json, "path", info->path[0] ? sw_str_from(info->path) : SW_NULL_STR);
    for (size_t i = 0; i < SW_COUNT(counts); i++) {
        sw_cli_json_key(&json, counts[i].key);
        if (info->schema_version < 0 && counts[i].value != info->steps) {
            sw_json_null(&json.out); /* a server tells of its steps only */
        } else {
            sw_json_int(&json.out, counts[i].value);
        }
    }
    write_bounds(&json, info);
    sw_json_close(&json.out, '}');
    return sw_cli_json_end(cli, &json);
}

static void print_count(sw_cli *cli, const char *what, int64_t value)
{
    fprintf(cli->out, "%-16s %s\n", what, sw_text_or_blank(sw_show_count(&cli->arena, value)));
}

/* What is counted up to a bound. */
static void print_counted(sw_cli *cli, const char *what, int64_t value, bool bounded)
{
    fprintf(cli->out, "%-16s %s%s\n", what, sw_text_or_blank(sw_show_count(&cli->arena, value)),
            bounded ? " or more" : "");
}

static void print_text(sw_cli *cli, const sw_ledger_info *info)
{
    bool server = info->schema_version < 0;
    fprintf(cli->out, "%-16s %s%s%s\n", server ? "server" : "ledger", server ? "" : info->store,
            info->path[0] && !server ? ":" : "", info->path);
    if (info->schema_version < 0) {
        print_count(cli, "steps", info->steps);
        return;
    }
    fprintf(cli->out, "%-16s %d\n", "schema version", info->schema_version);
    fprintf(cli->out, "%-16s %s\n", "size",
            sw_text_or_blank(sw_show_bytes(&cli->arena, info->file_bytes)));
    print_counted(cli, "organizations", info->organizations, info->organizations_bounded);
    print_count(cli, "runs", info->runs);
    print_count(cli, "steps", info->steps);
    print_counted(cli, "pending steps", info->pending_steps, info->pending_steps_bounded);
    print_count(cli, "journal entries", info->journal_entries);
    fprintf(cli->out, "%-16s %s\n", "stepwell", sw_version());
}

int sw_cli_info(sw_cli *cli)
{
    sw_ledger_info info;
    sw_status status = sw_cli_source(cli, false);
    if (status == SW_STATUS_OK) {
        status = sw_source_info(cli, &info);
    }
    if (status == SW_STATUS_OK && sw_cli_is_data(cli)) {
        status = print_json(cli, &info);
    } else if (status == SW_STATUS_OK) {
        print_text(cli, &info);
    }
    return status == SW_STATUS_OK ? sw_cli_finish(cli)
                                  : sw_cli_fail(cli, status, sw_cli_advice(status));
}
