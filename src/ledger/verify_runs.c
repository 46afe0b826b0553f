/* SPDX-License-Identifier: Apache-2.0 */
/* Verifying runs beyond their sums: their life, how long they took, which tools they used, and what their
 * agents remember of them. Tools are counted from the messages (verify_parts.c).
 */
#include <stdio.h>

#include "ledger/gather.h"
#include "ledger/verify.h"

/* ---- tools -------------------------------------------------------------------------------------- */

/* How many messages of a run's steps call a tool, as the rows say. */
typedef struct tool_count {
    sw_keyed_entry key; /* the run, the tool */
    int64_t messages;
    bool seen;
} tool_count;

bool sw__count_tool(sw_check *c, sw_str run_id, sw_str tool)
{
    tool_count *entry = sw__keyed_entry(&c->tools, run_id, tool, sizeof *entry);

    if (entry) {
        entry->messages++;
    }
    return entry != NULL;
}

static void differ_tool(sw_check *c, sw_str run_id, sw_str tool, int64_t counted, int64_t said)
{
    char where[200];

    (void)snprintf(where, sizeof where, "run_tools run_id=%.*s", (int)run_id.len, run_id.ptr);
    sw__differ(c, "run", where, "the tool %.*s is counted in %lld messages, the rows say %lld",
               (int)(tool.len > 80 ? 80 : tool.len), tool.ptr, (long long)counted, (long long)said);
}

static sw_seen see_tool(void *arg, const void *row)
{
    sw_check *c = arg;
    const sw_run_tool *tool = row;
    tool_count *entry = sw__keyed_find(&c->tools, tool->run_id, tool->tool);
    int64_t said = entry ? entry->messages : 0;

    if (said != tool->messages.value) {
        differ_tool(c, tool->run_id, tool->tool, tool->messages.value, said);
    }
    if (entry) {
        entry->seen = true;
    }
    return SW_SEEN_COUNT;
}

static void unseen_tools(sw_check *c)
{
    for (size_t i = 0; i < c->tools.count; i++) {
        const tool_count *entry = (const void *)c->tools.all[i];
        if (!entry->seen) {
            differ_tool(c, entry->key.a, entry->key.b, 0, entry->messages);
        }
    }
}

static sw_status check_list(sw_check *c, const sw_run_metrics *metrics, const char *where,
                            sw_error *err)
{
    sw_str list = SW_NULL_STR;
    sw_status status = sw__tools_json(c->session, metrics->id, &c->scratch, &list, err);

    if (status == SW_STATUS_OK && !sw_str_eq(list, metrics->tools_used)) {
        sw__differ(c, "run", where, "tools_used is %.*s, the rows say %.*s",
                   metrics->tools_used.ptr ? (int)metrics->tools_used.len : 4,
                   metrics->tools_used.ptr ? metrics->tools_used.ptr : "null",
                   list.ptr ? (int)list.len : 4, list.ptr ? list.ptr : "null");
    }
    return status;
}

/* ---- runs --------------------------------------------------------------------------------------- */

static void check_number(sw_check *c, const char *where, const char *name, sw_int said, sw_int is)
{
    if (!sw_int_eq(said, is)) {
        sw__differ(c, "run", where, "%s is %lld%s, the run says %lld%s", name,
                   (long long)said.value, said.known ? "" : " (null)", (long long)is.value,
                   is.known ? "" : " (null)");
    }
}

static void check_times(sw_check *c, const sw_run *run, const sw_run_metrics *metrics,
                        const char *where)
{
    const int64_t bound = INT64_MAX / 1000;
    int64_t began = run->created_at.value;

    if (run->source.value == SW_SOURCE_ADOPTED) {
        return; /* V1's own words, which stay */
    }
    check_number(c, where, "run_ns", metrics->run_ns, sw__run_ns(run));
    if (began < bound && began > -bound) {
        check_number(c, where, "run_start_ns", metrics->run_start_ns, sw_int_of(began * 1000));
    }
    if (run->status.value >= SW_RUN_STATUS_COMPLETED) {
        check_number(c, where, "total_duration_ns", run->total_duration_ns, metrics->run_ns);
    }
    if (!sw_str_eq(run->agent_id, metrics->agent_id) ||
        !sw_str_eq(run->project_id, metrics->project_id)) {
        sw__differ(c, "run", where, "its agent or project is not the run's");
    }
}

/* A caller may say of a run that has not ended when it completed; totals know how long a run took only
 * when it has. */
static void check_end(sw_check *c, const sw_run *run, const sw_run_metrics *metrics)
{
    bool ended = run->status.value >= SW_RUN_STATUS_COMPLETED;
    char where[200];

    if (run->source.value == SW_SOURCE_ADOPTED) {
        return; /* V1 does not always say when */
    }
    (void)snprintf(where, sizeof where, "runs id=%.*s", (int)run->id.len, run->id.ptr);
    if (ended && !run->completed_at.known) {
        sw__differ(c, "life cycle", where, "the run has ended and has no completed_at");
    } else if (!ended && run->completed_at.known && metrics->run_ns.known) {
        sw__differ(c, "life cycle", where, "the run is %s, and has a completed_at and a duration",
                   sw__stored_word(SW_ENUM_run_status, run->status.value));
    }
}

static sw_seen see_run(void *arg, const void *row)
{
    sw_check *c = arg;
    const sw_run *run = row;
    sw_mark mark = sw_arena_mark(&c->scratch);
    sw_run_metrics key = {.id = run->id};
    sw_run_metrics metrics;
    char where[200];

    c->runs++;
    sw__journal_knows_run(c, run);
    (void)snprintf(where, sizeof where, "run_metrics id=%.*s", (int)run->id.len, run->id.ptr);
    c->failed =
        sw_store_get(c->session, SW_RECORD_RUN_METRICS, &key, &c->scratch, &metrics, &c->error);
    if (c->failed == SW_STATUS_NOT_FOUND) {
        sw__differ(c, "run", where, "its totals are missing");
        c->failed = SW_STATUS_OK;
    } else if (c->failed == SW_STATUS_OK) {
        /* Its list of tools is compared as a whole, and may be longer than any that is sent. */
        sw__check_values(c, SW_RECORD_RUN_METRICS, &metrics, ~SW_MASK(SW_RUN_METRICS_TOOLS_USED));
        check_end(c, run, &metrics);
        check_times(c, run, &metrics, where);
        c->failed = check_list(c, &metrics, where, &c->error);
    }
    if (c->failed == SW_STATUS_OK) {
        c->failed = sw__check_walk(c, SW_RECORD_RUN_TOOL, SW_RUN_TOOL_RUN_ID, run->id, 0, see_tool,
                                   c, &c->error);
    }
    sw_arena_rewind(&c->scratch, mark);
    return c->failed == SW_STATUS_OK ? SW_SEEN_COUNT : SW_SEEN_STOP;
}

/* ---- agents ------------------------------------------------------------------------------------- */

/* The ended runs of an agent: when the last completed, and whether one of those that completed then took
 * as long, and ended as, the agent says. */
typedef struct memory {
    const sw_agent *agent;
    sw_int last;
    bool duration;
    bool reason;
    bool any_reason;
} memory;

static sw_seen see_agents_run(void *arg, const void *row)
{
    memory *m = arg;
    const sw_run *run = row;
    sw_int ns = sw__run_ns(run);

    if (run->status.value < SW_RUN_STATUS_COMPLETED || !run->completed_at.known ||
        run->source.value == SW_SOURCE_ADOPTED) {
        return SW_SEEN_COUNT;
    }
    if (!m->last.known || run->completed_at.value > m->last.value) {
        m->last = run->completed_at;
    }
    if (sw_int_eq(run->completed_at, m->agent->last_run_completion)) {
        m->duration |= m->agent->last_run_duration_ms.value == ns.value / 1000000;
        m->reason |= sw_str_eq(run->stop_reason, m->agent->last_stop_reason);
        m->any_reason |= run->stop_reason.ptr != NULL;
    }
    return SW_SEEN_COUNT;
}

static sw_seen see_agent(void *arg, const void *row)
{
    sw_check *c = arg;
    const sw_agent *agent = row;
    memory m = {.agent = agent};
    char where[200];

    c->failed = sw__check_again(c, SW_RECORD_RUN, SW_RUN_AGENT_ID, agent->id,
                                SW_MASK(SW_RUN_STATUS) | SW_MASK(SW_RUN_COMPLETED_AT) |
                                    SW_MASK(SW_RUN_CREATED_AT) | SW_MASK(SW_RUN_STOP_REASON) |
                                    SW_MASK(SW_RUN_TOTAL_DURATION_NS) | SW_MASK(SW_RUN_SOURCE),
                                see_agents_run, &m, &c->error);
    if (c->failed != SW_STATUS_OK) {
        return SW_SEEN_STOP;
    }
    (void)snprintf(where, sizeof where, "agents id=%.*s", (int)agent->id.len, agent->id.ptr);
    if (m.last.known &&
        (!agent->last_run_completion.known || agent->last_run_completion.value < m.last.value)) {
        sw__differ(c, "run", where, "last_run_completion is before the end of its last run");
    } else if (m.last.known && sw_int_eq(m.last, agent->last_run_completion)) {
        if (!m.duration) {
            sw__differ(c, "run", where, "last_run_duration_ms is not that of its last run");
        }
        if (m.any_reason && !m.reason) {
            sw__differ(c, "run", where, "last_stop_reason is not that of its last run");
        }
    }
    return SW_SEEN_COUNT;
}

/* ---- together ----------------------------------------------------------------------------------- */

static sw_status check_head(sw_check *c, sw_str organization, sw_error *err)
{
    sw_journal_head head;
    char where[200];
    sw_status status = sw__check_head(c, organization, &head, err);

    if (status == SW_STATUS_OK && head.runs.value != c->runs) {
        (void)snprintf(where, sizeof where, "journal_heads organization_id=%.*s",
                       (int)organization.len, organization.ptr);
        sw__differ(c, "run", where, "runs is %lld, the rows say %lld", (long long)head.runs.value,
                   (long long)c->runs);
    }
    return status;
}

sw_status sw__check_runs(sw_check *c, sw_str organization, sw_error *err)
{
    sw_status status =
        sw__check_walk(c, SW_RECORD_RUN, SW_RUN_ORGANIZATION_ID, organization, 0, see_run, c, err);

    if (status == SW_STATUS_OK) {
        unseen_tools(c);
        status = check_head(c, organization, err);
    }
    return status == SW_STATUS_OK
               ? sw__check_walk(c, SW_RECORD_AGENT, SW_AGENT_ORGANIZATION_ID, organization,
                                SW_MASK(SW_AGENT_ID) | SW_MASK(SW_AGENT_LAST_RUN_COMPLETION) |
                                    SW_MASK(SW_AGENT_LAST_RUN_DURATION_MS) |
                                    SW_MASK(SW_AGENT_LAST_STOP_REASON),
                                see_agent, c, err)
               : status;
}
