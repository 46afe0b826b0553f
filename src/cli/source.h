/* SPDX-License-Identifier: Apache-2.0 */
/* What commands read and write through, wherever it is: a ledger on this machine, or a server. Both
 * answer with the same structs, so that a command has no `if` about it. What a server cannot do says
 * so; what only makes sense on a ledger's own file (verify, backup, vacuum ...) does not come here, it
 * opens the ledger with sw_cli_open.
 *
 * Memory: rows that a callback is shown live until it returns, rows of sw_source_get in the caller's
 * arena.
 */
#ifndef SW_CLI_SOURCE_H
#define SW_CLI_SOURCE_H

#include "cli/cli.h"

typedef struct sw_site sw_site;

/* A change of a step as `tail` shows it. `step` is NULL when it was deleted. */
typedef struct sw_seen_change {
    int64_t seq;
    sw_str change; /* a word of sw_change */
    sw_str id;
    const sw_step *step;
} sw_seen_change;
/* Called with NULL about once a second while nothing happens. False ends it. */
typedef bool sw_tail_each(void *arg, const sw_seen_change *change);

typedef struct sw_site_ops {
    sw_status (*list)(sw_site *source, sw_record_id record, const sw_list_query *query,
                      sw_each *each, void *arg, sw_list_end *end, sw_error *err);
    sw_status (*get)(sw_site *source, sw_record_id record, sw_str id, sw_arena *arena, void *out,
                     sw_error *err);
    sw_status (*usage)(sw_site *source, const sw_usage_query *query, sw_usage_each *each, void *arg,
                       sw_usage_end *end, sw_error *err);
    sw_status (*tail)(sw_site *source, const sw_list_query *query, sw_tail_each *each, void *arg,
                      sw_error *err);
    sw_status (*feedback)(sw_site *source, sw_str step_id, sw_int feedback, sw_error *err);
    /* Makes a record, or removes one. */
    sw_status (*create)(sw_site *source, sw_record_id record, const void *row, char id[SW_ID_MAX],
                        sw_error *err);
    sw_status (*remove)(sw_site *source, sw_record_id record, sw_str id, sw_error *err);
    /* What sw_unknown_costs and sw_reprice answer. */
    sw_status (*unknown_costs)(sw_site *source, sw_int from, sw_int to, sw_unknown_cost_each *each,
                               void *arg, bool *complete, sw_error *err);
    sw_status (*reprice)(sw_site *source, const sw_reprice_query *query, sw_reprice_end *end,
                         sw_error *err);
    sw_status (*info)(sw_site *source, sw_ledger_info *out, sw_error *err);
    /* What a running server counts, in the text form of Prometheus; NULL: it has no such. */
    sw_status (*metrics)(sw_site *source, sw_arena *arena, sw_str *out, sw_error *err);
    /* How far another clock than this machine's is ahead, in microseconds, at least and at most; NULL: there is none. */
    sw_status (*clock)(sw_site *source, int64_t *least, int64_t *most, sw_error *err);
    void (*close)(sw_site *source);
} sw_site_ops;

struct sw_site {
    const sw_site_ops *ops;
    bool is_server;
    bool several; /* what is shown may be of several organizations */
};

/* Opens cli->source by what the options, the profile or the environment say; closed with the
 * invocation. `write` asks a ledger for more than looking. */
sw_status sw_cli_source(sw_cli *cli, bool write);
sw_status sw_source_open_ledger(sw_cli *cli, bool write, sw_site **out);
struct sw_profile;
sw_status sw_source_open_server(sw_cli *cli, const struct sw_profile *where, sw_site **out);
void sw_source_close(sw_site **source);

/* The verbs. A list of a server takes `limit` -1, after, ascending, text and those conditions that a
 * parameter of its route says; UNSUPPORTED names any other. */
sw_status sw_source_list(sw_cli *cli, sw_record_id record, const sw_list_query *query,
                         sw_each *each, void *arg, sw_list_end *end);
sw_status sw_source_get(sw_cli *cli, sw_record_id record, sw_str id, sw_arena *arena, void *out);
sw_status sw_source_usage(sw_cli *cli, const sw_usage_query *query, sw_usage_each *each, void *arg,
                          sw_usage_end *end);
sw_status sw_source_tail(sw_cli *cli, const sw_list_query *query, sw_tail_each *each, void *arg);
sw_status sw_source_feedback(sw_cli *cli, sw_str step_id, sw_int feedback);
sw_status sw_source_create(sw_cli *cli, sw_record_id record, const void *row, char id[SW_ID_MAX]);
sw_status sw_source_remove(sw_cli *cli, sw_record_id record, sw_str id);
sw_status sw_source_unknown_costs(sw_cli *cli, sw_int from, sw_int to, sw_unknown_cost_each *each,
                                  void *arg, bool *complete);
sw_status sw_source_reprice(sw_cli *cli, const sw_reprice_query *query, sw_reprice_end *end);
sw_status sw_source_info(sw_cli *cli, sw_ledger_info *out);
/* How far the server's clock is ahead of this one; 0 of a ledger. */
sw_status sw_source_clock(sw_cli *cli, int64_t *least_us, int64_t *most_us);
/* UNSUPPORTED of a ledger. */
sw_status sw_source_metrics(sw_cli *cli, sw_arena *arena, sw_str *out);

#endif
