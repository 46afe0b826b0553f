/* SPDX-License-Identifier: Apache-2.0 */
/* Opens the source that is asked for, and passes its verbs on. */
#include "cli/source.h"

#include "cli/where.h"

sw_status sw_cli_source(sw_cli *cli, bool write)
{
    sw_profile where;
    sw_status status = sw_where_find(cli, &where);
    if (status != SW_STATUS_OK) {
        return status;
    }
    return where.values[SW_PROFILE_SERVER] ? sw_source_open_server(cli, &where, &cli->source)
                                           : sw_source_open_ledger(cli, write, &cli->source);
}

void sw_source_close(sw_site **source)
{
    if (*source) {
        (*source)->ops->close(*source);
        *source = NULL;
    }
}

/* A list longer than a page of the ledger: it is asked for without a limit, and ended here. */
typedef struct counted {
    sw_each *each;
    void *arg;
    int64_t left;
} counted;

static bool count_down(void *arg, const void *row)
{
    counted *c = arg;
    c->left--;
    return c->each(c->arg, row) && c->left > 0;
}

sw_status sw_source_list(sw_cli *cli, sw_record_id record, const sw_list_query *query,
                         sw_each *each, void *arg, sw_list_end *end)
{
    counted c = {each, arg, query->limit};
    sw_list_query all = *query;
    *end = (sw_list_end){.count = 0};
    if (query->limit > SW_LIMIT_LIST_ITEMS) {
        all.limit = -1;
        return cli->source->ops->list(cli->source, record, &all, count_down, &c, end, &cli->error);
    }
    return cli->source->ops->list(cli->source, record, query, each, arg, end, &cli->error);
}

sw_status sw_source_get(sw_cli *cli, sw_record_id record, sw_str id, sw_arena *arena, void *out)
{
    return cli->source->ops->get(cli->source, record, id, arena, out, &cli->error);
}

sw_status sw_source_usage(sw_cli *cli, const sw_usage_query *query, sw_usage_each *each, void *arg,
                          sw_usage_end *end)
{
    return cli->source->ops->usage(cli->source, query, each, arg, end, &cli->error);
}

sw_status sw_source_tail(sw_cli *cli, const sw_list_query *query, sw_tail_each *each, void *arg)
{
    return cli->source->ops->tail(cli->source, query, each, arg, &cli->error);
}

sw_status sw_source_feedback(sw_cli *cli, sw_str step_id, sw_int feedback)
{
    return cli->source->ops->feedback(cli->source, step_id, feedback, &cli->error);
}

sw_status sw_source_create(sw_cli *cli, sw_record_id record, const void *row, char id[SW_ID_MAX])
{
    return cli->source->ops->create(cli->source, record, row, id, &cli->error);
}

sw_status sw_source_remove(sw_cli *cli, sw_record_id record, sw_str id)
{
    return cli->source->ops->remove(cli->source, record, id, &cli->error);
}

sw_status sw_source_unknown_costs(sw_cli *cli, sw_int from, sw_int to, sw_unknown_cost_each *each,
                                  void *arg, bool *complete)
{
    return cli->source->ops->unknown_costs(cli->source, from, to, each, arg, complete, &cli->error);
}

sw_status sw_source_reprice(sw_cli *cli, const sw_reprice_query *query, sw_reprice_end *end)
{
    return cli->source->ops->reprice(cli->source, query, end, &cli->error);
}

sw_status sw_source_info(sw_cli *cli, sw_ledger_info *out)
{
    return cli->source->ops->info(cli->source, out, &cli->error);
}

sw_status sw_source_clock(sw_cli *cli, int64_t *least_us, int64_t *most_us)
{
    *least_us = *most_us = 0;
    return cli->source->ops->clock
               ? cli->source->ops->clock(cli->source, least_us, most_us, &cli->error)
               : SW_STATUS_OK;
}

sw_status sw_source_metrics(sw_cli *cli, sw_arena *arena, sw_str *out)
{
    if (!cli->source->ops->metrics) {
        return sw_fail(&cli->error, SW_STATUS_UNSUPPORTED, "", "a running server counts that");
    }
    return cli->source->ops->metrics(cli->source, arena, out, &cli->error);
}
