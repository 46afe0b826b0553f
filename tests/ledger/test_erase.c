/* SPDX-License-Identifier: Apache-2.0 */
/* Removing much: what is old, a person, a conversation, an organization. What goes is gone from every list and
 * sum, what stays is as it was, and the ledger adds up after each of the small writes, not only at the end.
 */
#include "ledger/telemetry.h"
#include "tests/lib/lt.h"

#define ANN "Ann who wants to be forgotten"

enum { STEPS = 30, DAY = 86400 };

/* Step n of the actor, a day after the one before it, that says something; every third worked for ANN. */
static void log_one(lt *t, const sw_actor *actor, unsigned n, sw_str run)
{
    const int64_t t0 = INT64_C(1700000000000000);
    sw_message m = lt_message(t, n, pool_printf(t->pool, "said in step %u", n).ptr);
    sw_provider_trace trace = {.id = lt_id(t, "provider_trace", n),
                               .request_json = SW_STR("{\"a\":1}"),
                               .response_json = SW_STR("{}")};
    sw_step_metrics times = {.step_ns = sw_int_of(1000)};
    sw_step_entry e = {.step = lt_step(t, n),
                       .metrics = &times,
                       .messages = &m,
                       .message_count = 1,
                       .traces = &trace,
                       .trace_count = 1};
    e.step.created_at = sw_int_of(t0 + n * INT64_C(1000000) * DAY);
    e.step.run_id = run;
    e.step.end_user = n % 3 == 0 ? SW_STR(ANN) : SW_NULL_STR;
    lt_log_entry(t, actor, &e);
}

static void log_all(lt *t)
{
    sw_str run = lt_run(t, &t->a, 1, lt_agent(t, &t->a, 1));
    for (unsigned n = 0; n < STEPS; n++) {
        log_one(t, &t->a, n, n % 2 ? run : SW_NULL_STR);
    }
    for (unsigned n = STEPS; n < STEPS + 6; n++) {
        log_one(t, &t->b, n, SW_NULL_STR);
    }
}

static bool count_row(void *arg, const void *row)
{
    (void)row;
    *(int64_t *)arg += 1;
    return true;
}

static int64_t rows(lt *t, const sw_actor *actor, sw_record_id record)
{
    const sw_list_query all = {.limit = -1};
    int64_t count = 0;
    OK(sw_list(t->ledger, actor, record, &all, count_row, &count, NULL, &t->err));
    return count;
}

static bool count_said(void *arg, const void *row)
{
    *(int64_t *)arg += ((const sw_message *)row)->text.ptr ? 1 : 0;
    return true;
}

static int64_t said(lt *t, const sw_actor *actor)
{
    const sw_list_query all = {.limit = -1};
    int64_t count = 0;
    OK(sw_list(t->ledger, actor, SW_RECORD_MESSAGE, &all, count_said, &count, NULL, &t->err));
    return count;
}

static bool add_tokens(void *arg, const sw_usage_group *group)
{
    *(sw_totals *)arg = group->totals;
    return true;
}

static sw_totals totals(lt *t, const sw_actor *actor)
{
    const sw_usage_query all = {.by_count = 0};
    sw_usage_end end;
    sw_totals sums = {.num_steps = 0};
    OK(sw_usage(t->ledger, actor, &all, add_tokens, &sums, &end, &t->err));
    return sums;
}

/* Steps that began before day `day`, a few at a time; the ledger adds up after each. */
static int64_t remove_old(lt *t, unsigned day, bool payload_only)
{
    const int64_t t0 = INT64_C(1700000000000000);
    const sw_value before = {.number = t0 + day * INT64_C(1000000) * DAY};
    const sw_condition old = {SW_STEP_CREATED_AT, SW_OP_LT, &before, 1};
    sw_removal removal = {.conditions = &old,
                          .condition_count = 1,
                          .payload_only = payload_only,
                          .limit = 4,
                          .more = true};
    int calls = 0;
    while (removal.more) {
        OK(sw_steps_remove(t->ledger, &t->a, &removal, &t->err));
        CLEAN();
        calls++;
    }
    SAME(removal.looked, day);
    CHECK(calls >= (int)day / 4);
    return removal.removed;
}

static void what_is_old_says_nothing_any_more(lt *t)
{
    log_all(t);
    sw_totals before = totals(t, &t->a);
    SAME(remove_old(t, 10, true), 10);
    SAME(said(t, &t->a), STEPS - 10);
    SAME(rows(t, &t->a, SW_RECORD_PROVIDER_TRACE), STEPS - 10);
    SAME(rows(t, &t->a, SW_RECORD_STEP), STEPS);
    SAME(rows(t, &t->a, SW_RECORD_STEP_METRICS), STEPS);
    sw_totals after = totals(t, &t->a);
    CHECK(memcmp(&before, &after, sizeof before) == 0);
    SAME(remove_old(t, 10, true), 0); /* nothing left to say */
    SAME(said(t, &t->b), 6);
}

static void what_is_old_goes_with_its_sums(lt *t)
{
    log_all(t);
    SAME(remove_old(t, 11, false), 11);
    SAME(rows(t, &t->a, SW_RECORD_STEP), STEPS - 11);
    SAME(totals(t, &t->a).num_steps, STEPS - 11);
    SAME(rows(t, &t->a, SW_RECORD_STEP_METRICS), STEPS - 11);
    SAME(totals(t, &t->b).num_steps, 6);
}

static void a_person_is_erased(lt *t)
{
    int64_t steps = 0;
    log_all(t);
    OK(sw_erase(t->ledger, &t->a, SW_ERASE_END_USER, SW_STR(ANN), NULL, NULL, &steps, &t->err));
    SAME(steps, STEPS / 3);
    SAME(totals(t, &t->a).num_steps, STEPS - STEPS / 3);
    SAME(said(t, &t->a), STEPS - STEPS / 3);
    SAME(totals(t, &t->b).num_steps, 6); /* another organization's Ann is another Ann */
    CLEAN();
    IS(SW_STATUS_NOT_FOUND,
       sw_erase(t->ledger, &t->a, SW_ERASE_END_USER, SW_STR(ANN), NULL, NULL, &steps, &t->err));
}

static void an_organization_is_erased(lt *t)
{
    int64_t steps = 0;
    sw_organization row;
    sw_str id = t->a.organization_id;
    log_all(t);
    sw_totals before = totals(t, &t->b);
    IS(SW_STATUS_NOT_FOUND,
       sw_erase(t->ledger, &t->b, SW_ERASE_ORGANIZATION, id, NULL, NULL, &steps, &t->err));
    OK(sw_erase(t->ledger, &t->a, SW_ERASE_ORGANIZATION, id, NULL, NULL, &steps, &t->err));
    SAME(steps, STEPS);
    IS(SW_STATUS_NOT_FOUND,
       sw_get(t->ledger, &t->operator_, SW_RECORD_ORGANIZATION, id, t->memory, &row, &t->err));
    sw_totals after = totals(t, &t->b);
    CHECK(memcmp(&before, &after, sizeof before) == 0);
    SAME(rows(t, &t->operator_, SW_RECORD_RUN), 0);
    SAME(rows(t, &t->operator_, SW_RECORD_AGENT), 0);
    SAME(rows(t, &t->operator_, SW_RECORD_MESSAGE), 6);
    CLEAN();
    IS(SW_STATUS_RESTRICTED,
       sw_erase(t->ledger, &t->b, SW_ERASE_ORGANIZATION, SW_STR(SW_DEFAULT_ORGANIZATION), NULL,
                NULL, &steps, &t->err));
    log_one(t, &t->b, STEPS + 7, SW_NULL_STR); /* the ledger goes on */
    CLEAN();
}

static void a_conversation_is_erased(lt *t)
{
    sw_outcome o;
    int64_t steps = 0;
    sw_str agent = lt_agent(t, &t->a, 1);
    sw_conversation c = {.id = lt_id(t, "conv", 1), .agent_id = agent};
    OK(sw_record_create(t->ledger, &t->a, SW_RECORD_CONVERSATION, &c, &o, &t->err));
    sw_run run = {.id = lt_id(t, "run", 9), .agent_id = agent, .conversation_id = c.id};
    OK(sw_run_create(t->ledger, &t->a, &run, &o, &t->err));
    for (unsigned n = 0; n < 6; n++) {
        sw_message m = lt_message(t, n, "said here");
        sw_step_entry e = {.step = lt_step(t, n), .messages = &m, .message_count = 1};
        e.step.conversation_id = n < 4 ? c.id : SW_NULL_STR;
        e.step.run_id = n == 0 ? run.id : SW_NULL_STR;
        m.conversation_id = e.step.conversation_id;
        lt_log_entry(t, &t->a, &e);
    }
    OK(sw_erase(t->ledger, &t->a, SW_ERASE_CONVERSATION, c.id, NULL, NULL, &steps, &t->err));
    SAME(steps, 4);
    SAME(rows(t, &t->a, SW_RECORD_STEP), 2);
    SAME(rows(t, &t->a, SW_RECORD_MESSAGE), 2);
    SAME(rows(t, &t->a, SW_RECORD_RUN), 0);
    SAME(rows(t, &t->a, SW_RECORD_CONVERSATION), 0);
    CLEAN();
}

/* ---- log records ----------------------------------------------------------------------------------- */

/* More units than one look takes, some of which say something; what each is about is its number. */
enum { UNITS = 130, SPOKEN = 3, IN_A_SOURCE = 60, BESIDE_IT = 61, IN_THE_LAST = 70, A_SPAN = 80 };
#define SESSION "session 42"

static sw_str unit_of(lt *t, unsigned n)
{
    return pool_printf(t->pool, "unit-%011u", n);
}

static sw_str source_of(lt *t, unsigned n)
{
    return pool_printf(t->pool, "from-%011u", n);
}

/* A unit of three records; `said` in the last of them, `resource` where they came from, a digest of which is `from`. */
static void keep_records(lt *t, const sw_actor *actor, sw_str project, unsigned n,
                         sw_raw_signal signal, const char *said, unsigned from,
                         const char *resource)
{
    const sw_raw_source source = {.digest = source_of(t, from), .body = sw_str_from(resource)};
    sw_raw_item items[SPOKEN];
    const sw_raw_trace mark = {.project_id = project,
                               .unit = unit_of(t, n),
                               .marked_at = SW_NULL_INT,
                               .last_at = sw_int_of(LT_TIME)};
    const sw_telemetry_batch batch = {.sources = &source,
                                      .source_count = 1,
                                      .items = items,
                                      .item_count = SPOKEN,
                                      .marks = &mark,
                                      .mark_count = 1};
    for (unsigned i = 0; i < SPOKEN; i++) {
        items[i] = (sw_raw_item){.project_id = project,
                                 .unit = mark.unit,
                                 .item = pool_printf(t->pool, "record%02u", i),
                                 .signal = sw_int_of(signal),
                                 .source_digest = source.digest,
                                 .start_ns = sw_int_of(1000),
                                 .end_ns = sw_int_of(2000),
                                 .attribute_count = sw_int_of(1),
                                 .received_at = sw_int_of(LT_TIME),
                                 .body = sw_str_from(i + 1 < SPOKEN ? "hello" : said)};
    }
    OK(sw_telemetry_write(t->ledger, actor, &batch, &t->err));
}

static int64_t records(lt *t, const sw_actor *actor, sw_str project, unsigned n)
{
    sw_raw_trace unit;
    int64_t count = 0;
    OK(sw_telemetry_items(t->ledger, actor, project, unit_of(t, n), count_row, &count, &t->err));
    IS(count > 0 ? SW_STATUS_OK : SW_STATUS_NOT_FOUND,
       sw_telemetry_unit(t->ledger, actor, project, unit_of(t, n), t->memory, &unit, &t->err));
    return count;
}

static sw_status find_source(lt *t, const sw_actor *actor, unsigned from)
{
    sw_raw_source source;
    return sw_telemetry_source(t->ledger, actor, source_of(t, from), t->memory, &source, &t->err);
}

static const char *said_in(unsigned n, const char *text)
{
    bool says = n == 0 || n == 55 || n == UNITS - 1 || n == IN_THE_LAST || n == A_SPAN;
    return says ? text : "somebody else";
}

/* All but two came from one place, which nobody is named in; the two came from one that names her. */
static void keep_all(lt *t, const sw_actor *actor, sw_str project, const char *text)
{
    for (unsigned n = 0; n < UNITS; n++) {
        bool from_her = n == IN_A_SOURCE || n == BESIDE_IT;
        keep_records(t, actor, project, n, n == A_SPAN ? SW_RAW_SIGNAL_SPAN : SW_RAW_SIGNAL_LOG,
                     said_in(n, text), from_her, from_her ? text : "a machine");
    }
}

/* A span is tied to its steps, and goes with them. */
static bool goes(unsigned n)
{
    return n == IN_A_SOURCE || n == BESIDE_IT || (n != A_SPAN && said_in(n, "")[0] == '\0');
}

static void check_all(lt *t, const sw_actor *actor, sw_str project, bool forgotten)
{
    for (unsigned n = 0; n < UNITS; n++) {
        SAME(records(t, actor, project, n), forgotten && goes(n) ? 0 : SPOKEN);
    }
}

static void what_log_records_say_of_a_person_goes(lt *t)
{
    int64_t steps = 0;
    sw_str project = lt_id(t, "project", 1);
    keep_all(t, &t->a, SW_NULL_STR, "{\"user\":\"" ANN "\"}");
    keep_all(t, &t->a, project, "{\"user\":\"" ANN "\"}");
    keep_all(t, &t->b, SW_NULL_STR, "{\"user\":\"" ANN "\"}");
    OK(sw_erase(t->ledger, &t->a, SW_ERASE_END_USER, SW_STR(ANN), NULL, NULL, &steps, &t->err));
    SAME(steps, 0); /* no step worked for her, but she was there */
    check_all(t, &t->a, SW_NULL_STR, true);
    check_all(t, &t->a, project, true);
    check_all(t, &t->b, SW_NULL_STR, false);
    IS(SW_STATUS_NOT_FOUND, find_source(t, &t->a, 1));
    OK(find_source(t, &t->a, 0));
    OK(find_source(t, &t->b, 1));
    CLEAN();
    IS(SW_STATUS_NOT_FOUND,
       sw_erase(t->ledger, &t->a, SW_ERASE_END_USER, SW_STR(ANN), NULL, NULL, &steps, &t->err));
}

/* In another project, and in another organization, the same name is that of another conversation. */
static void what_log_records_say_of_a_conversation_goes(lt *t)
{
    int64_t steps = 0;
    char id[SW_ID_MAX];
    sw_str project = lt_id(t, "project", 1);
    sw_telemetry_step step = {.entry.step = lt_step(t, 1)};
    sw_outcome o;
    const sw_telemetry_batch b = {.steps = &step, .step_count = 1, .outcomes = &o};
    step.entry.step.source = sw_int_of(SW_SOURCE_OTLP);
    step.entry.step.conversation_id = SW_STR(SESSION);
    step.entry.step.agent_id = lt_agent(t, &t->a, 1);
    OK(sw_telemetry_write(t->ledger, &t->a, &b, &t->err));
    keep_all(t, &t->a, SW_NULL_STR, "{\"session\":\"" SESSION "\"}");
    keep_all(t, &t->a, project, "{\"session\":\"" SESSION "\"}");
    keep_all(t, &t->b, SW_NULL_STR, "{\"session\":\"" SESSION "\"}");
    keep_records(t, &t->a, SW_NULL_STR, UNITS, SW_RAW_SIGNAL_LOG, ANN, 0, "a machine");
    sw_telemetry_conversation_id(&t->a, SW_NULL_STR, SW_STR(SESSION), id);
    OK(sw_erase(t->ledger, &t->a, SW_ERASE_CONVERSATION, sw_str_from(id), NULL, NULL, &steps,
                &t->err));
    SAME(steps, 1);
    check_all(t, &t->a, SW_NULL_STR, true);
    check_all(t, &t->a, project, false);
    check_all(t, &t->b, SW_NULL_STR, false);
    SAME(records(t, &t->a, SW_NULL_STR, UNITS), SPOKEN);
    OK(find_source(t, &t->a, 1)); /* the other project's records came from there too */
    CLEAN();
}

static void a_copy_and_less_room(lt *t)
{
    sw_str path = pool_printf(t->pool, "%s/copy.db", t->dir);
    log_all(t);
    if (!t->on_disk) {
        IS(SW_STATUS_UNSUPPORTED, sw_ledger_backup(t->ledger, "/nowhere", NULL, NULL, &t->err));
        IS(SW_STATUS_UNSUPPORTED, sw_ledger_vacuum(t->ledger, &t->err));
        return;
    }
    OK(sw_ledger_backup(t->ledger, path.ptr, NULL, NULL, &t->err));
    IS(SW_STATUS_CONFLICT, sw_ledger_backup(t->ledger, path.ptr, NULL, NULL, &t->err));
    OK(sw_ledger_vacuum(t->ledger, &t->err));
    CLEAN();
    SAME(totals(t, &t->a).num_steps, STEPS);
}

static const lt_case cases[] = {
    {"what_is_old_says_nothing_any_more", what_is_old_says_nothing_any_more, 0},
    {"what_is_old_goes_with_its_sums", what_is_old_goes_with_its_sums, 0},
    {"a_person_is_erased", a_person_is_erased, 0},
    {"an_organization_is_erased", an_organization_is_erased, 0},
    {"a_conversation_is_erased", a_conversation_is_erased, 0},
    {"what_log_records_say_of_a_person_goes", what_log_records_say_of_a_person_goes, 0},
    {"what_log_records_say_of_a_conversation_goes", what_log_records_say_of_a_conversation_goes, 0},
    {"a_copy_and_less_room", a_copy_and_less_room, 0},
};
LT_MAIN("ledger/erase", cases)
