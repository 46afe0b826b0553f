/* SPDX-License-Identifier: Apache-2.0 */
/* The operations of test_memory.c: what each needs beforehand, and what it does. Each says what became of it by its
 * status alone; what must hold then, the sweep knows.
 */
#include "tests/ledger/memory_operations.h"

#include "ledger/telemetry.h"

static void prepare_pending(lt *t, unsigned n)
{
    sw_step s = lt_pending(t, n);
    sw_step_entry e = {.step = s, .lease_seconds = SW_LIMIT_LEASE_SECONDS};
    lt_log_entry(t, &t->a, &e);
}

static void prepare_imported(lt *t, unsigned n)
{
    sw_step s = lt_step(t, n), into = lt_step(t, n + 0x10000);
    s.source = into.source = sw_int_of(SW_SOURCE_OTLP);
    lt_log(t, &t->a, &s);
    lt_log(t, &t->a, &into);
}

static sw_status o_log(lt *t, unsigned n, sw_outcome *o)
{
    sw_step_metrics m = {.step_ns = sw_int_of(1000)};
    sw_message message = lt_message(t, n, "some words");
    sw_provider_trace trace = lt_trace(t, n);
    sw_step_entry e = {.step = lt_step(t, n),
                       .metrics = &m,
                       .messages = &message,
                       .message_count = 1,
                       .traces = &trace,
                       .trace_count = 1};
    e.step.model = pool_printf(t->pool, "model %u", n); /* a new word each time */
    e.step.run_id = lt_id(t, "run", 1);
    e.step.agent_id = lt_id(t, "agent", 1);
    return sw_step_log(t->ledger, &t->a, &e, 1, false, o, &t->err);
}

static sw_status o_batch(lt *t, unsigned n, sw_outcome *o)
{
    enum { MANY = 40 };
    sw_step_entry e[MANY];
    sw_outcome all[MANY];
    sw_status s = SW_STATUS_OK;
    for (unsigned i = 0; i < MANY; i++) {
        e[i] = (sw_step_entry){.step = lt_step(t, 0x100000 + n * MANY + i)};
        e[i].step.project_id = pool_printf(t->pool, "project %u", n * MANY + i);
    }
    s = sw_step_log(t->ledger, &t->a, e, MANY, true, all, &t->err);
    *o = all[MANY - 1];
    return s;
}

static sw_status o_end(lt *t, unsigned n, sw_outcome *o)
{
    sw_step_entry e = {.step = {.status = sw_int_of(SW_STEP_STATUS_FAILED)}};
    e.step.error_data = SW_STR("{\"message\":\"no\"}");
    return sw_step_end(t->ledger, &t->a, lt_id(t, "step", n), &e, o, &t->err);
}

static sw_status o_update(lt *t, unsigned n, sw_outcome *o)
{
    sw_step v = {.tid = SW_STR("t")};
    return sw_step_update(t->ledger, &t->a, lt_id(t, "step", n), &v, SW_FIELD_BIT(SW_STEP_TID), o,
                          &t->err);
}

static sw_status o_feedback(lt *t, unsigned n, sw_outcome *o)
{
    sw_feedback_change c = {.add_tags = SW_STR("[\"a\",\"b\"]"), .set_feedback = true};
    return sw_step_feedback(t->ledger, &t->a, lt_id(t, "step", n), &c, o, &t->err);
}

static sw_status o_metrics(lt *t, unsigned n, sw_outcome *o)
{
    sw_step_metrics m = {.step_ns = sw_int_of(77)};
    return sw_step_metrics_record(t->ledger, &t->a, lt_id(t, "step", n), &m, o, &t->err);
}

static sw_status o_attach(lt *t, unsigned n, sw_outcome *o)
{
    sw_message m = lt_message(t, n, "attached");
    return sw_step_attach(t->ledger, &t->a, lt_id(t, "step", n), &m, 1, NULL, 0, o, &t->err);
}

static sw_status o_delete(lt *t, unsigned n, sw_outcome *o)
{
    return sw_step_delete(t->ledger, &t->a, lt_id(t, "step", n), o, &t->err);
}

static sw_status o_restate(lt *t, unsigned n, sw_outcome *o)
{
    sw_step_entry e = {.step = {.id = lt_id(t, "step", n), .model = SW_STR("restated")}};
    e.step.source = sw_int_of(SW_SOURCE_OTLP);
    return sw_step_restate(t->ledger, &t->a, &e, o, &t->err);
}

static sw_status o_retire(lt *t, unsigned n, sw_outcome *o)
{
    return sw_step_retire(t->ledger, &t->a, lt_id(t, "step", n), lt_id(t, "step", n + 0x10000), o,
                          &t->err);
}

/* Everything a batch can bring: names, raw items, a run, a new step and one that is there, what they were sent, a
 * trace, a fold, an alias and a mark. */
static sw_status o_telemetry(lt *t, unsigned n, sw_outcome *o)
{
    sw_str name = pool_printf(t->pool, "agent %u", n);
    sw_run run = {.id = lt_id(t, "run", 5000 + n), .agent_id = lt_id(t, "agent", 1)};
    sw_message said[3] = {lt_message(t, n, "be brief"), lt_message(t, n + 1, "hello"),
                          lt_message(t, n + 2, "good day")};
    sw_provider_trace trace = lt_trace(t, 0x20000 + n);
    sw_telemetry_step steps[2] = {{.input = said, .input_count = 2},
                                  {.input = said, .input_count = 1}};
    sw_raw_source source = {.digest = pool_printf(t->pool, "source %09u", n),
                            .body = SW_STR("resource")};
    sw_raw_item item = {.unit = pool_printf(t->pool, "unit %011u", n),
                        .item = SW_STR("01234567"),
                        .source_digest = source.digest,
                        .body = SW_STR("body")};
    sw_raw_trace mark = {.unit = item.unit, .marked_at = sw_int_of(LT_TIME)};
    sw_telemetry_fold fold = {lt_id(t, "step", n + 0x10000), lt_id(t, "step", n), NULL};
    sw_step_alias alias = {.kind = SW_STR("response"),
                           .value = pool_printf(t->pool, "r%u", n),
                           .step_id = lt_id(t, "step", n)};
    sw_outcome both[2];
    sw_telemetry_batch b = {.agents = &name,
                            .agent_count = 1,
                            .sources = &source,
                            .source_count = 1,
                            .items = &item,
                            .item_count = 1,
                            .runs = &run,
                            .run_count = 1,
                            .steps = steps,
                            .step_count = 2,
                            .outcomes = both,
                            .folds = &fold,
                            .fold_count = 1,
                            .aliases = &alias,
                            .alias_count = 1,
                            .marks = &mark,
                            .mark_count = 1};
    sw_status s = SW_STATUS_OK;
    for (size_t i = 0; i < 3; i++) {
        said[i].id = SW_NULL_STR;
    }
    run.source = sw_int_of(SW_SOURCE_OTLP);
    run.conversation_id = pool_printf(t->pool, "session %u", n);
    for (unsigned i = 0; i < 2; i++) { /* the first is new, the second is there */
        steps[i].entry.step = lt_step(t, i == 0 ? n + 0x30000 : n);
        steps[i].entry.step.source = sw_int_of(SW_SOURCE_OTLP);
        steps[i].entry.step.end_user = SW_STR("ann");
        steps[i].entry.step.run_id = run.id;
        steps[i].entry.step.conversation_id = run.conversation_id;
    }
    steps[0].entry.messages = &said[2];
    steps[0].entry.message_count = 1;
    steps[0].entry.traces = &trace;
    steps[0].entry.trace_count = 1;
    s = sw_telemetry_write(t->ledger, &t->a, &b, &t->err);
    *o = both[0];
    return s;
}

static sw_status o_run_create(lt *t, unsigned n, sw_outcome *o)
{
    sw_run run = {.id = lt_id(t, "run", 100 + n), .agent_id = lt_id(t, "agent", 1)};
    run.metadata = SW_STR("{\"a\":1}");
    return sw_run_create(t->ledger, &t->a, &run, o, &t->err);
}

static void prepare_run(lt *t, unsigned n)
{
    sw_outcome o;
    OK(o_run_create(t, n, &o));
}

static sw_status o_run_update(lt *t, unsigned n, sw_outcome *o)
{
    sw_run v = {.metadata = SW_STR("{\"b\":2}"), .status = sw_int_of(SW_RUN_STATUS_COMPLETED)};
    return sw_run_update(t->ledger, &t->a, lt_id(t, "run", 100 + n), &v,
                         SW_FIELD_BIT(SW_RUN_METADATA) | SW_FIELD_BIT(SW_RUN_STATUS), o, &t->err);
}

static sw_status o_run_delete(lt *t, unsigned n, sw_outcome *o)
{
    return sw_run_delete(t->ledger, &t->a, lt_id(t, "run", 100 + n), o, &t->err);
}

static sw_status o_provider(lt *t, unsigned n, sw_outcome *o)
{
    sw_provider p = {.id = lt_id(t, "provider", n), .api_key = SW_STR("secret")};
    p.name = pool_printf(t->pool, "provider %u", n);
    return sw_record_create(t->ledger, &t->a, SW_RECORD_PROVIDER, &p, o, &t->err);
}

static sw_status o_agent(lt *t, unsigned n, sw_outcome *o)
{
    return sw_agent_by_name(t->ledger, &t->a, SW_NULL_STR, pool_printf(t->pool, "bot %u", n), o,
                            &t->err);
}

static sw_status o_reap(lt *t, unsigned n, sw_outcome *o)
{
    (void)n;
    (void)o;
    return sw__ledger_reap(t->ledger, NULL, &t->err);
}

static bool each(void *arg, const void *row)
{
    (void)arg;
    (void)row;
    return true;
}

static sw_status o_retry(lt *t, unsigned n, sw_outcome *o)
{
    sw_retry retry = {.route = SW_STR("r"), .digest = SW_STR("0123456789abcdef")};
    sw_actor actor = t->a;
    sw_message message = {.text = SW_STR("under a key")};
    sw_step_entry e = {.messages = &message, .message_count = 1};
    message.role = sw_int_of(SW_MESSAGE_ROLE_USER);
    retry.key = pool_printf(t->pool, "key %u", n);
    actor.retry = &retry;
    return sw_step_log(t->ledger, &actor, &e, 1, false, o, &t->err);
}

static sw_status o_limited(lt *t, unsigned n, sw_outcome *o)
{
    sw_actor actor = t->a;
    sw_step_metrics m = {.step_ns = sw_int_of(1000)};
    sw_step_entry e = {.step = lt_step(t, n), .metrics = &m};
    actor.project_id = SW_STR("p1");
    return sw_step_log(t->ledger, &actor, &e, 1, false, o, &t->err);
}

static sw_status o_limited_list(lt *t, unsigned n, sw_outcome *o)
{
    sw_list_query q = {.limit = 10};
    sw_actor actor = t->a;
    (void)n;
    (void)o;
    actor.project_id = SW_STR("p1");
    return sw_list(t->ledger, &actor, SW_RECORD_MESSAGE, &q, each, NULL, NULL, &t->err);
}

static bool each_value(void *arg, const sw_facet_value *value)
{
    (void)arg;
    (void)value;
    return true;
}

static sw_status o_facets(lt *t, unsigned n, sw_outcome *o)
{
    sw_list_query q = {.limit = 0};
    (void)n;
    (void)o;
    return sw_step_facets(t->ledger, &t->a, &q, 10, each_value, NULL, NULL, &t->err);
}

/* A key is shown once, so that sending the same again makes another one. */
static sw_status o_key(lt *t, unsigned n, sw_outcome *o)
{
    sw_api_key row = {.name = SW_STR("k"), .scopes = SW_STR("[\"read\"]")};
    char secret[SW_KEY_TEXT];
    (void)n;
    return sw_key_create(t->ledger, &t->a, &row, secret, o, &t->err);
}

static sw_status o_key_check(lt *t, unsigned n, sw_outcome *o)
{
    sw_api_key row;
    sw_status s = SW_STATUS_OK;
    (void)o;
    s = sw_key_check(t->ledger, pool_printf(t->pool, "sw_%u", n), t->memory, &row, &t->err);
    return s == SW_STATUS_NOT_FOUND ? SW_STATUS_OK : s;
}

static sw_str subscribed(lt *t)
{
    sw_subscription row = {.id = lt_id(t, "sub", 1), .url = SW_STR("https://example.org/")};
    sw_outcome o;
    row.secret = SW_STR("s");
    OK(sw_record_create(t->ledger, &t->a, SW_RECORD_SUBSCRIPTION, &row, &o, &t->err));
    return row.id;
}

static void prepare_delivery(lt *t, unsigned n)
{
    sw_step s = lt_step(t, n);
    subscribed(t);
    lt_log(t, &t->a, &s);
}

static void prepare_told(lt *t, unsigned n)
{
    subscribed(t);
    prepare_pending(t, n);
}

static sw_status o_subscription(lt *t, unsigned n, sw_outcome *o)
{
    sw_subscription row = {.id = lt_id(t, "sub", n), .url = SW_STR("https://example.org/")};
    row.secret = SW_STR("s");
    row.events = SW_STR("[\"run.cancelled\"]"); /* of which there is none: turns stay alike */
    return sw_record_create(t->ledger, &t->a, SW_RECORD_SUBSCRIPTION, &row, o, &t->err);
}

static sw_status o_claim_and_report(lt *t, unsigned n, sw_outcome *o)
{
    sw_attempt attempt = {.started_at_us = LT_TIME, .status_code = 200};
    sw_delivery *rows = NULL;
    sw_str secret = SW_NULL_STR;
    size_t count = 0;
    sw_status s = sw_delivery_claim(t->ledger, 5, 60, t->memory, &rows, &count, &t->err);
    (void)n;
    (void)o;
    for (size_t i = 0; i < count && s == SW_STATUS_OK; i++) {
        s = sw_delivery_secret(t->ledger, &rows[i], t->memory, &secret, &t->err);
        if (s == SW_STATUS_OK) {
            s = sw_delivery_report(t->ledger, rows[i].id, &attempt, &t->err);
        }
    }
    return s;
}

static sw_status o_webhook(lt *t, unsigned n, sw_outcome *o)
{
    (void)o;
    return sw_operator_webhook(t->ledger, n % 2 ? SW_STR("https://example.org/") : SW_NULL_STR,
                               SW_STR("k"), &t->err);
}

static sw_status o_tend(lt *t, unsigned n, sw_outcome *o)
{
    (void)n;
    (void)o;
    return sw__ledger_tend(t->ledger, &t->err);
}

static bool each_group(void *arg, const sw_usage_group *group)
{
    (void)arg;
    (void)group;
    return true;
}

static sw_status o_list(lt *t, unsigned n, sw_outcome *o)
{
    sw_list_query q = {.limit = 10, .text = SW_STR("x")};
    sw_list_end end;
    (void)n;
    (void)o;
    return sw_list(t->ledger, &t->a, SW_RECORD_STEP, &q, each, NULL, &end, &t->err);
}

static sw_status o_usage(lt *t, unsigned n, sw_outcome *o)
{
    sw_usage_query q = {.by = {SW_DIMENSION_MODEL, SW_DIMENSION_USER}, .by_count = 2};
    sw_usage_end end;
    (void)o;
    q.latency = true;
    q.by_count = 1 + n % 2;
    return sw_usage(t->ledger, &t->a, &q, each_group, NULL, &end, &t->err);
}

static sw_status o_journal(lt *t, unsigned n, sw_outcome *o)
{
    int64_t last = 0;
    (void)n;
    (void)o;
    return sw_journal_read(t->ledger, &t->a, 0, 10, 0, each, NULL, &last, &t->err);
}

static sw_status o_verify(lt *t, unsigned n, sw_outcome *o)
{
    sw_verify_end end;
    (void)n;
    (void)o;
    return sw_verify(t->ledger, NULL, &end, &t->err);
}

static sw_status o_object(lt *t, unsigned n, sw_outcome *o)
{
    sw_object *object = NULL;
    const void *agent = NULL;
    sw_status s = sw_object_load(t->ledger, &t->a, SW_RECORD_RUN, lt_id(t, "run", 1),
                                 (const char *const[]){"steps", "metrics", NULL}, &object, &t->err);
    (void)n;
    (void)o;
    if (s == SW_STATUS_OK) {
        s = sw_object_one(object, "agent", &agent, &t->err);
    }
    sw_object_free(&object);
    return s;
}

/* Those that read first, while there is little to read. */
/* clang-format off: rows of data line up as their reader needs */
const operation operations[] = {
    {"reap", NULL, o_reap, false},
    {"list", NULL, o_list, false},
    {"usage", NULL, o_usage, false},
    {"journal", NULL, o_journal, false},
    {"verify", NULL, o_verify, false},
    {"object", NULL, o_object, false},
    {"facets", NULL, o_facets, false},
    {"key", NULL, o_key, true},
    {"key check", NULL, o_key_check, false},
    {"under a key", NULL, o_retry, true},
    {"limited", NULL, o_limited, true},
    {"limited list", NULL, o_limited_list, false},
    {"webhook", NULL, o_webhook, false},
    {"subscription", NULL, o_subscription, true},
    {"claim and report", prepare_delivery, o_claim_and_report, false},
    {"end that is told", prepare_told, o_end, true},
    {"tend", NULL, o_tend, false},
    {"log", NULL, o_log, true},
    {"batch", NULL, o_batch, true},
    {"end", prepare_pending, o_end, true},
    {"update", prepare_pending, o_update, true},
    {"feedback", prepare_pending, o_feedback, true},
    {"metrics", prepare_pending, o_metrics, true},
    {"attach", prepare_pending, o_attach, true},
    {"delete", prepare_pending, o_delete, true},
    {"restate", prepare_imported, o_restate, true},
    {"retire", prepare_imported, o_retire, true},
    {"telemetry", prepare_imported, o_telemetry, true},
    {"run create", NULL, o_run_create, true},
    {"run update", prepare_run, o_run_update, true},
    {"run delete", prepare_run, o_run_delete, true},
    {"provider", NULL, o_provider, true},
    {"agent", NULL, o_agent, true},
};
/* clang-format on */
const size_t operation_count = sizeof operations / sizeof operations[0];
