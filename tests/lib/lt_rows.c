/* SPDX-License-Identifier: Apache-2.0 */
/* Short ways to write and read what the tests of the ledger are about. */
#include "tests/lib/lt.h"

#include <stdio.h>

/* ---- writing ------------------------------------------------------------------------------------ */

sw_str lt_id(lt *t, const char *prefix, unsigned n)
{
    return pool_printf(t->pool, "%s-%08x-0000-4000-8000-%012x", prefix, n, n);
}

sw_actor lt_actor(lt *t, unsigned n)
{
    return (sw_actor){.organization_id = lt_id(t, "org", n), .user_id = lt_id(t, "user", n)};
}

sw_str lt_organization(lt *t, const sw_actor *actor, unsigned n)
{
    sw_organization org = {.id = lt_id(t, "org", n)};
    sw_outcome o;
    org.name = pool_printf(t->pool, "organization %u", n);
    org.created_at = sw_int_of(LT_TIME);
    OK(sw_record_create(t->ledger, actor, SW_RECORD_ORGANIZATION, &org, &o, &t->err));
    return org.id;
}

void lt_organizations(lt *t)
{
    sw_actor anybody = {0};
    lt_organization(t, &anybody, 0xa);
    lt_organization(t, &anybody, 0xb);
}

sw_str lt_agent(lt *t, const sw_actor *actor, unsigned n)
{
    sw_agent agent = {.id = lt_id(t, "agent", n), .created_at = sw_int_of(LT_TIME)};
    sw_outcome o;
    agent.name = pool_printf(t->pool, "agent %u", n);
    OK(sw_record_create(t->ledger, actor, SW_RECORD_AGENT, &agent, &o, &t->err));
    VERDICT(o, CREATED);
    return agent.id;
}

sw_str lt_provider(lt *t, const sw_actor *actor, unsigned n)
{
    sw_provider provider = {.id = lt_id(t, "provider", n), .created_at = sw_int_of(LT_TIME)};
    sw_outcome o;
    provider.name = pool_printf(t->pool, "provider %u", n);
    OK(sw_record_create(t->ledger, actor, SW_RECORD_PROVIDER, &provider, &o, &t->err));
    VERDICT(o, CREATED);
    return provider.id;
}

sw_str lt_run(lt *t, const sw_actor *actor, unsigned n, sw_str agent_id)
{
    sw_run run = {.id = lt_id(t, "run", n), .agent_id = agent_id};
    sw_outcome o;
    run.created_at = sw_int_of(LT_TIME + (int64_t)n * 1000000);
    OK(sw_run_create(t->ledger, actor, &run, &o, &t->err));
    VERDICT(o, CREATED);
    return run.id;
}

sw_step lt_pending(lt *t, unsigned n)
{
    sw_step step = {.id = lt_id(t, "step", n), .model = SW_STR("m")};
    step.status = sw_int_of(SW_STEP_STATUS_PENDING);
    step.created_at = sw_int_of(LT_TIME + (int64_t)n * 1000000);
    return step;
}

sw_step lt_step(lt *t, unsigned n)
{
    sw_step step = lt_pending(t, n);
    step.status = sw_int_of(SW_STEP_STATUS_SUCCESS);
    step.prompt_tokens = sw_int_of(10);
    step.completion_tokens = sw_int_of(5);
    return step;
}

sw_outcome lt_try(lt *t, const sw_actor *actor, const sw_step_entry *entry)
{
    sw_outcome o;
    sw_status status = sw_step_log(t->ledger, actor, entry, 1, false, &o, &t->err);
    if (status != o.status) {
        SAY("the call says %s, the outcome %s", status_name(status), status_name(o.status));
    }
    if (status) {
        t->err = o.error;
    }
    return o;
}

sw_outcome lt_log_entry(lt *t, const sw_actor *actor, const sw_step_entry *entry)
{
    sw_outcome o = lt_try(t, actor, entry);
    VERDICT(o, CREATED);
    CHECK(o.seq > 0);
    if (entry->step.id.ptr) {
        TEXT(sw_str_from(o.id), entry->step.id.ptr);
    }
    return o;
}

sw_outcome lt_log(lt *t, const sw_actor *actor, const sw_step *step)
{
    sw_step_entry entry = {.step = *step};
    return lt_log_entry(t, actor, &entry);
}

sw_message lt_message(lt *t, unsigned n, const char *text)
{
    sw_message m = {.id = lt_id(t, "message", n), .text = sw_str_from(text)};
    m.role = sw_int_of(SW_MESSAGE_ROLE_ASSISTANT);
    m.created_at = sw_int_of(LT_TIME + (int64_t)n * 1000000);
    return m;
}

sw_provider_trace lt_trace(lt *t, unsigned n)
{
    sw_provider_trace trace = {.id = lt_id(t, "provider_trace", n)};
    trace.request_json = SW_STR("{\"model\":\"m\"}");
    trace.response_json = SW_STR("{\"usage\":{}}");
    trace.created_at = sw_int_of(LT_TIME + (int64_t)n * 1000000);
    return trace;
}

/* ---- reading ------------------------------------------------------------------------------------ */

sw_step lt_get(lt *t, const sw_actor *actor, sw_str id)
{
    sw_step step;
    OK(sw_get(t->ledger, actor, SW_RECORD_STEP, id, t->memory, &step, &t->err));
    return step;
}

sw_step_metrics lt_metrics(lt *t, const sw_actor *actor, sw_str id)
{
    sw_step_metrics metrics;
    OK(sw_get(t->ledger, actor, SW_RECORD_STEP_METRICS, id, t->memory, &metrics, &t->err));
    return metrics;
}

sw_run lt_get_run(lt *t, const sw_actor *actor, sw_str id)
{
    sw_run run;
    OK(sw_get(t->ledger, actor, SW_RECORD_RUN, id, t->memory, &run, &t->err));
    return run;
}

sw_run_metrics lt_run_metrics(lt *t, const sw_actor *actor, sw_str id)
{
    sw_run_metrics metrics;
    OK(sw_get(t->ledger, actor, SW_RECORD_RUN_METRICS, id, t->memory, &metrics, &t->err));
    return metrics;
}

bool lt_there(lt *t, const sw_actor *actor, sw_record_id record, sw_str id)
{
    void *row = pool_alloc(t->pool, row_kind_of(record)->size);
    sw_status s = sw_get(t->ledger, actor, record, id, t->memory, row, &t->err);
    if (s != SW_STATUS_OK && s != SW_STATUS_NOT_FOUND) {
        SAY("get answers %s: %s", status_name(s), t->err.message);
    }
    return s == SW_STATUS_OK;
}

bool lt_collect(void *arg, const void *row)
{
    lt_rows *rows = arg;
    if (rows->count == rows->room) {
        size_t room = rows->room ? rows->room * 2 : 64;
        void **at = pool_alloc(rows->pool, room * sizeof *at);
        if (rows->count) {
            memcpy(at, rows->at, rows->count * sizeof *at);
        }
        rows->at = at;
        rows->room = room;
    }
    rows->at[rows->count] = pool_alloc(rows->pool, row_kind_of(rows->record)->size);
    row_copy(rows->record, rows->at[rows->count], row, rows->pool);
    rows->count++;
    return true;
}

lt_rows lt_list(lt *t, const sw_actor *actor, sw_record_id record, const sw_list_query *query)
{
    lt_rows rows = {.record = record, .pool = t->pool};
    sw_list_query all = {.limit = -1};
    OK(sw_list(t->ledger, actor, record, query ? query : &all, lt_collect, &rows, &rows.end,
               &t->err));
    SAME(rows.end.count, rows.count);
    return rows;
}

sw_list_query lt_where(const sw_condition *conditions, size_t count)
{
    return (sw_list_query){.conditions = conditions, .condition_count = count, .limit = -1};
}

sw_str lt_row_id(const lt_rows *rows, size_t i)
{
    return row_text(rows->record, rows->at[i], 0);
}

lt_rows lt_journal(lt *t, const sw_actor *actor, int64_t after)
{
    lt_rows rows = {.record = SW_RECORD_JOURNAL, .pool = t->pool};
    int64_t last = after;
    size_t before = 0;
    do {
        before = rows.count;
        OK(sw_journal_read(t->ledger, actor, last, 0, 0, lt_collect, &rows, &last, &t->err));
    } while (rows.count > before);
    return rows;
}

int64_t lt_head(lt *t, const sw_actor *actor)
{
    int64_t head = -1;
    OK(sw_journal_head_seq(t->ledger, actor, &head, &t->err));
    return head;
}

static bool collect_group(void *arg, const sw_usage_group *group)
{
    lt_groups *groups = arg;
    sw_usage_group *to = NULL;
    if (groups->count == groups->room) {
        size_t room = groups->room ? groups->room * 2 : 64;
        sw_usage_group *at = pool_alloc(groups->pool, room * sizeof *at);
        if (groups->count) {
            memcpy(at, groups->at, groups->count * sizeof *at);
        }
        groups->at = at;
        groups->room = room;
    }
    to = &groups->at[groups->count++];
    *to = *group;
    for (int i = 0; i < SW_DIMENSIONS_MAX; i++) {
        to->keys[i] = pool_str(groups->pool, group->keys[i]);
    }
    return true;
}

lt_groups lt_usage(lt *t, const sw_actor *actor, const sw_usage_query *query)
{
    lt_groups groups = {.pool = t->pool};
    OK(sw_usage(t->ledger, actor, query, collect_group, &groups, &groups.end, &t->err));
    SAME(groups.end.groups, groups.count);
    return groups;
}

sw_totals lt_total(lt *t, const sw_actor *actor)
{
    sw_usage_query all = {0};
    lt_groups groups = lt_usage(t, actor, &all);
    SAME(groups.count, 1);
    return groups.at[0].totals;
}

static void say_difference(void *arg, const sw_difference *d)
{
    (void)arg;
    print_error("verify: %s: %s: %s\n", d->kind, d->where, d->what);
}

void lt_clean(lt *t, const char *file, int line)
{
    sw_verify_options options = {.difference = say_difference};
    sw_verify_end end = {0};
    sw_status s = sw_verify(t->ledger, &options, &end, &t->err);
    if (s != SW_STATUS_OK || end.differences != 0) {
        lt_fail(file, line, "verify: %s, %lld differences", status_name(s),
                (long long)end.differences);
    }
}
