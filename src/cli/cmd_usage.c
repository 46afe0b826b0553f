/* SPDX-License-Identifier: Apache-2.0 */
/* usage: asks the ledger for sums and hands them to whoever prints them. The sum of all groups is
 * computed here, from the groups, so that a table and its last line cannot differ.
 */
#include "cli/blocks.h"
#include "cli/source.h"

const sw_total_row sw__total_rows[] = {
    {"num_steps", offsetof(sw_totals, num_steps)},
#define SW_FIELD(KIND, NAME, ...) {#NAME, offsetof(sw_totals, NAME)},
#include "model/totals.def"
#undef SW_FIELD
};
const size_t sw__total_row_count = SW_COUNT(sw__total_rows);

void sw_totals_add(sw_totals *to, const sw_totals *more)
{
    for (size_t i = 0; i < sw__total_row_count; i++) {
        size_t offset = sw__total_rows[i].offset;
        int64_t *sum = (int64_t *)(void *)((char *)to + offset);
        *sum += *(const int64_t *)(const void *)((const char *)more + offset);
    }
}

int64_t *sw_usage_sum_of(sw_totals *totals, sw_str name)
{
    for (size_t i = 0; i < sw__total_row_count; i++) {
        if (sw_str_eq(name, sw_str_from(sw__total_rows[i].name))) {
            return (int64_t *)(void *)((char *)totals + sw__total_rows[i].offset);
        }
    }
    return NULL;
}

/* The sums stand in run_metrics under the names they have in every total. */
sw_totals sw_usage_totals_of(const sw_run_metrics *metrics)
{
    const sw_record *record = sw_record_of(SW_RECORD_RUN_METRICS);
    sw_totals out = {.num_steps = 0};
    for (size_t i = 0; i < sw__total_row_count; i++) {
        int field = sw_record_field(record, sw_str_from(sw__total_rows[i].name));
        int64_t *sum = (int64_t *)(void *)((char *)&out + sw__total_rows[i].offset);
        *sum = field < 0 ? 0 : sw_field_number(&record->fields[field], metrics).value;
    }
    return out;
}

/* ---- the question ---------------------------------------------------------------------------- */

static sw_status add_dimension(sw_cli *cli, sw_str word, sw_usage_query *query)
{
    const sw_enum_info *list = &sw__enums[SW_ENUM_dimension];
    int found = sw_enum_find(SW_ENUM_dimension, word);
    if (found < 0) {
        int near = sw_nearest(word, list->words, list->count);
        return sw_fail(&cli->error, SW_STATUS_INVALID, "", "--by cannot be %.*s%s%s%s",
                       (int)word.len, word.ptr,
                       near < 0 ? "; stepwell help usage says what" : "; did you mean ",
                       near < 0 ? "" : list->words[near], near < 0 ? "" : "?");
    }
    for (size_t i = 0; i < query->by_count; i++) {
        if (query->by[i] == (sw_dimension)found) {
            return sw_fail(&cli->error, SW_STATUS_INVALID, "",
                           "--by names %.*s twice; name it once", (int)word.len, word.ptr);
        }
    }
    if (query->by_count == SW_DIMENSIONS_MAX) {
        return sw_fail(&cli->error, SW_STATUS_TOO_LARGE, "", "--by takes %d dimensions at most",
                       SW_DIMENSIONS_MAX);
    }
    query->by[query->by_count++] = (sw_dimension)found;
    return SW_STATUS_OK;
}

/* "model,day" is two of them. */
static sw_status read_dimensions(sw_cli *cli, sw_usage_query *query)
{
    sw_status status = SW_STATUS_OK;
    for (size_t i = 0; i < cli->counts[SW_OPTION_BY]; i++) {
        const char *at = cli->values[SW_OPTION_BY][i];
        while (at && status == SW_STATUS_OK) {
            size_t length = strcspn(at, ",");
            status = add_dimension(cli, sw_str_make(at, length), query);
            at = at[length] ? at + length + 1 : NULL;
        }
    }
    return status;
}

static bool each_group(void *arg, const sw_usage_group *group)
{
    void **pair = arg;
    sw_usage_answer *answer = pair[0];
    sw_cli *cli = pair[1];
    if (answer->count == answer->room) {
        size_t room = answer->room ? 2 * answer->room : 64;
        sw_usage_group *groups =
            sw_resize(&sw__libc_allocator, answer->groups, room * sizeof *groups);
        if (!groups) {
            answer->failed = true;
            return false;
        }
        answer->groups = groups;
        answer->room = room;
    }
    sw_usage_group *copy = &answer->groups[answer->count++];
    *copy = *group;
    for (size_t i = 0; i < answer->query.by_count; i++) {
        copy->keys[i] = sw_arena_str(&cli->arena, group->keys[i]);
    }
    sw_totals_add(&answer->total, &group->totals);
    return true;
}

sw_status sw_usage_collect(sw_cli *cli, sw_usage_answer *answer)
{
    void *pair[] = {answer, cli};
    bool pieces = false;
    sw_status status = sw_usage_ask(cli, &answer->query, each_group, pair, &answer->end, &pieces);
    if (status == SW_STATUS_OK && (answer->failed || cli->arena.failed)) {
        status = sw_no_memory(&cli->error);
    }
    if (status == SW_STATUS_OK && pieces) {
        sw_usage_merge(cli, answer, 0);
    }
    return status;
}

/* ---- the answer ------------------------------------------------------------------------------ */

static sw_status answer_view(sw_cli *cli, const sw_usage_view *view, sw_usage_answer *answer)
{
    if (view && view->kind == SW_USAGE_SESSIONS) {
        return sw_usage_sessions(cli);
    }
    if (view && view->kind == SW_USAGE_BLOCKS) {
        return sw_usage_blocks(cli, answer);
    }
    sw_status status = sw_usage_collect(cli, answer);
    if (status != SW_STATUS_OK) {
        return status;
    }
    if (view && view->fold) {
        sw_usage_merge(cli, answer, view->fold);
    }
    return sw_cli_is_data(cli) ? sw_usage_print_json(cli, answer)
                               : sw_usage_print_text(cli, answer);
}

/* What has an order or a shape of its own takes no further dimension. */
static sw_status check_view(sw_cli *cli, const sw_usage_view *view)
{
    bool own = view && (view->kind != SW_USAGE_GROUPS || view->fold);
    bool more = sw_cli_has(cli, SW_OPTION_LATENCY) ||
                (view->kind != SW_USAGE_GROUPS && sw_cli_has(cli, SW_OPTION_BY));
    return own && more
               ? sw_fail(&cli->error, SW_STATUS_INVALID, "",
                         "usage %s takes no --by and no --latency; leave them out", view->name)
               : SW_STATUS_OK;
}

static sw_status run(sw_cli *cli, sw_usage_answer *answer)
{
    const sw_usage_view *view = NULL;
    sw_cli_filter filter;
    sw_status status = sw_usage_view_find(cli, &view);
    if (status == SW_STATUS_OK && view) {
        status = check_view(cli, view);
    }
    if (status == SW_STATUS_OK) {
        status = sw_cli_filter_read(cli, &filter);
    }
    if (status != SW_STATUS_OK) {
        return status;
    }
    answer->query = (sw_usage_query){.from = sw_cli_time(cli, SW_OPTION_SINCE),
                                     .to = sw_cli_time(cli, SW_OPTION_UNTIL),
                                     .conditions = filter.conditions,
                                     .condition_count = filter.count,
                                     .latency = sw_cli_has(cli, SW_OPTION_LATENCY)};
    if (view && view->kind != SW_USAGE_SESSIONS) {
        answer->query.by[answer->query.by_count++] = view->by;
    }
    status = read_dimensions(cli, &answer->query);
    if (status == SW_STATUS_OK) {
        status = sw_cli_source(cli, false);
    }
    return status == SW_STATUS_OK ? answer_view(cli, view, answer) : status;
}

int sw_cli_usage(sw_cli *cli)
{
    sw_usage_answer answer = {0};
    sw_status status = run(cli, &answer);
    sw_free(&sw__libc_allocator, answer.groups);
    if (status == SW_STATUS_OK) {
        return sw_cli_finish(cli);
    }
    /* What is wrong with the question already says what to do. */
    bool said = !cli->source && (status == SW_STATUS_INVALID || status == SW_STATUS_TOO_LARGE);
    return sw_cli_fail(cli, status, said ? NULL : sw_cli_advice(status));
}
