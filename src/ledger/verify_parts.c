/* SPDX-License-Identifier: Apache-2.0 */
/* Verifying what hangs on steps: messages and the bodies they show, the links of timings, the other
 * names of steps that were folded into one, and when conversations heard last.
 */
#include <stdio.h>

#include "ledger/gather.h"
#include "ledger/verify.h"

static void name_of(const char *table, sw_str id, char out[200])
{
    (void)snprintf(out, 200, "%s id=%.*s", table, (int)id.len, id.ptr);
}

static sw_seen go_on(const sw_check *c)
{
    return c->failed == SW_STATUS_OK ? SW_SEEN_COUNT : SW_SEEN_STOP;
}

static bool any_row(sw_check *c, sw_record_id record, const sw_condition *conditions, size_t count,
                    uint64_t fields)
{
    sw_scan scan = {.record = record,
                    .conditions = conditions,
                    .condition_count = count,
                    .fields = fields,
                    .unordered = true};
    bool there = false;

    c->failed = sw__first(c->session, &scan, NULL, NULL, &there, &c->error);
    return there;
}

/* ---- steps, by a few of their fields ------------------------------------------------------------- */

typedef struct brief {
    sw_step step;
    bool found;
} brief;

/* In the scratch arena, until the caller rewinds it. */
static brief step_in_brief(sw_check *c, sw_str id)
{
    brief b = {.found = false};

    c->failed = sw__first_of(c->session, SW_RECORD_STEP, SW_STEP_ID, id,
                             SW_MASK(SW_STEP_ORGANIZATION_ID) | SW_MASK(SW_STEP_RUN_ID) |
                                 SW_MASK(SW_STEP_RETIRED_INTO),
                             &c->scratch, &b.step, &b.found, &c->error);
    return b;
}

/* ---- messages ----------------------------------------------------------------------------------- */

static void check_body(sw_check *c, const sw_message *m)
{
    sw_value owner = {.text = m->organization_id};
    sw_value digest = {.text = m->body_hash};
    sw_condition key[] = {{SW_MESSAGE_BODY_ORGANIZATION_ID, SW_OP_EQ, &owner, 1},
                          {SW_MESSAGE_BODY_DIGEST, SW_OP_EQ, &digest, 1}};
    char where[200];

    if (m->body_hash.ptr &&
        !any_row(c, SW_RECORD_MESSAGE_BODY, key, 2, SW_MASK(SW_MESSAGE_BODY_DIGEST)) &&
        c->failed == SW_STATUS_OK) {
        name_of("messages", m->id, where);
        sw__differ(c, "reference", where, "its body is missing");
    }
}

/* The tools it calls belong to the run of its step. */
static void gather_tools(sw_check *c, const sw_message *m)
{
    sw_mark mark = sw_arena_mark(&c->scratch);
    sw_tool_names names;
    brief owner = {.found = false};
    bool counted = sw__tools_of(m->tool_calls, &c->scratch, &names);

    if (counted && names.count > 0 && m->step_id.ptr) {
        owner = step_in_brief(c, m->step_id);
    }
    for (size_t i = 0;
         counted && owner.step.run_id.ptr && !owner.step.retired_into.ptr && i < names.count; i++) {
        counted = sw__count_tool(c, owner.step.run_id, names.at[i]);
    }
    if (!counted) {
        c->failed = sw_no_memory(&c->error);
    }
    sw_arena_rewind(&c->scratch, mark);
}

static sw_seen see_message(void *arg, const void *row)
{
    sw_check *c = arg;
    const sw_message *m = row;

    if (m->sequence_id.value > c->last_sequence_id) {
        c->last_sequence_id = m->sequence_id.value;
    }
    check_body(c, m);
    if (c->failed == SW_STATUS_OK) {
        gather_tools(c, m);
    }
    return go_on(c);
}

static sw_seen see_body(void *arg, const void *row)
{
    sw_check *c = arg;
    const sw_message_body *body = row;
    sw_value owner = {.text = body->organization_id};
    sw_value digest = {.text = body->digest};
    sw_condition shows[] = {{SW_MESSAGE_ORGANIZATION_ID, SW_OP_EQ, &owner, 1},
                            {SW_MESSAGE_BODY_HASH, SW_OP_EQ, &digest, 1}};
    char hex[2 * SW_DIGEST + 1] = "";
    char where[200];

    if (body->contexts.value <= 0 &&
        !any_row(c, SW_RECORD_MESSAGE, shows, 2, SW_MASK(SW_MESSAGE_ID)) &&
        c->failed == SW_STATUS_OK) {
        if (body->digest.len == SW_DIGEST) {
            sw_hex_print((const uint8_t *)body->digest.ptr, SW_DIGEST, hex);
            hex[2 * SW_DIGEST] = '\0';
        }
        (void)snprintf(where, sizeof where, "message_bodies organization_id=%.*s digest=%s",
                       (int)body->organization_id.len, body->organization_id.ptr, hex);
        sw__differ(c, "reference", where, "no message shows this body, nor does a list");
    }
    return go_on(c);
}

static sw_status check_head(sw_check *c, sw_str organization, sw_error *err)
{
    sw_journal_head head;
    char where[200];
    sw_status status = sw__check_head(c, organization, &head, err);

    if (status == SW_STATUS_OK &&
        head.sequence_id.value <
            c->last_sequence_id) { /* the next message would take a number twice */
        (void)snprintf(where, sizeof where, "journal_heads organization_id=%.*s",
                       (int)organization.len, organization.ptr);
        sw__differ(c, "journal", where, "sequence_id is %lld, a message has %lld",
                   (long long)head.sequence_id.value, (long long)c->last_sequence_id);
    }
    return status;
}

sw_status sw__check_messages(sw_check *c, sw_str organization, sw_error *err)
{
    sw_status status =
        sw__check_walk(c, SW_RECORD_MESSAGE, SW_MESSAGE_ORGANIZATION_ID, organization,
                       SW_MASK(SW_MESSAGE_ID) | SW_MASK(SW_MESSAGE_BODY_HASH) |
                           SW_MASK(SW_MESSAGE_ORGANIZATION_ID) | SW_MASK(SW_MESSAGE_STEP_ID) |
                           SW_MASK(SW_MESSAGE_SEQUENCE_ID) | SW_MASK(SW_MESSAGE_TOOL_CALLS),
                       see_message, c, err);

    if (status == SW_STATUS_OK) {
        status =
            sw__check_walk(c, SW_RECORD_MESSAGE_BODY, SW_MESSAGE_BODY_ORGANIZATION_ID, organization,
                           SW_MASK(SW_MESSAGE_BODY_ORGANIZATION_ID) |
                               SW_MASK(SW_MESSAGE_BODY_DIGEST) | SW_MASK(SW_MESSAGE_BODY_CONTEXTS),
                           see_body, c, err);
    }
    return status == SW_STATUS_OK ? check_head(c, organization, err) : status;
}

/* ---- timings ------------------------------------------------------------------------------------ */

void sw__check_links(sw_check *c, const sw_step *step, const sw_step_metrics *metrics)
{
    const struct {
        const char *name;
        sw_str said;
        sw_str own;
        bool may_lack; /* an agent that was not registered */
    } links[] = {
        {"organization_id", metrics->organization_id, step->organization_id, false},
        {"run_id", metrics->run_id, step->run_id, false},
        {"provider_id", metrics->provider_id, step->provider_id, false},
        {"agent_id", metrics->agent_id, step->agent_id, true},
    };
    char where[200];

    name_of("step_metrics", step->id, where);
    for (size_t i = 0; i < SW_COUNT(links); i++) {
        bool foreign = step->source.value == SW_SOURCE_ADOPTED; /* V1 leaves them out */
        bool lacks = !links[i].said.ptr && (links[i].may_lack || foreign);
        if (links[i].own.ptr && !lacks && !sw_str_eq(links[i].said, links[i].own)) {
            sw__differ(c, "reference", where, "%s is %.*s, the step's is %.*s", links[i].name,
                       links[i].said.ptr ? (int)links[i].said.len : 4,
                       links[i].said.ptr ? links[i].said.ptr : "null", (int)links[i].own.len,
                       links[i].own.ptr);
        }
    }
}

/* ---- retired steps and their names --------------------------------------------------------------- */

static sw_status check_alias(sw_check *c, const sw_step *step, sw_error *err)
{
    sw_step_alias key = {.organization_id = step->organization_id,
                         .project_id = step->project_id,
                         .kind = SW_STR("merged"),
                         .value = step->id};
    sw_step_alias alias;
    char where[200];
    sw_status status =
        sw_store_get(c->session, SW_RECORD_STEP_ALIAS, &key, &c->scratch, &alias, err);

    if (status == SW_STATUS_NOT_FOUND ||
        (status == SW_STATUS_OK && !sw_str_eq(alias.step_id, step->retired_into))) {
        name_of("steps", step->id, where);
        sw__differ(c, "reference", where, "no alias leads from the retired step to its survivor");
        status = SW_STATUS_OK;
    }
    return status;
}

/* What the survivor's deletion left behind names a step that is gone, also when its id was given again. */
sw_status sw__check_retired(sw_check *c, const sw_step *step, sw_error *err)
{
    sw_mark mark = sw_arena_mark(&c->scratch);
    brief survivor;
    char where[200];
    sw_status status = SW_STATUS_OK;

    if (!step->retired_into.ptr || sw__journal_deleted(c, step->retired_into)) {
        return SW_STATUS_OK;
    }
    name_of("steps", step->id, where);
    survivor = step_in_brief(c, step->retired_into);
    status = c->failed;
    if (status == SW_STATUS_OK && !survivor.found) {
        sw__differ(c, "reference", where, "retired_into names no step");
    } else if (status == SW_STATUS_OK) {
        if (survivor.step.retired_into.ptr) {
            sw__differ(c, "life cycle", where, "it is retired into a step that is retired itself");
        }
        if (!sw_str_eq(survivor.step.organization_id, step->organization_id)) {
            sw__differ(c, "reference", where, "it is retired into a step of others");
        }
        status = check_alias(c, step, err);
    }
    sw_arena_rewind(&c->scratch, mark);
    return status;
}

static sw_seen see_alias(void *arg, const void *row)
{
    sw_check *c = arg;
    const sw_step_alias *alias = row;
    sw_mark mark = sw_arena_mark(&c->scratch);
    char where[200];

    if (sw_str_eq(alias->kind, SW_STR("merged"))) {
        brief folded = step_in_brief(c, alias->value);
        /* A fold may be told before its step comes; the alias then keeps it out. */
        if (c->failed == SW_STATUS_OK && folded.found &&
            !sw_str_eq(folded.step.retired_into, alias->step_id)) {
            (void)snprintf(where, sizeof where, "step_aliases value=%.*s", (int)alias->value.len,
                           alias->value.ptr);
            sw__differ(c, "reference", where, "the step is not retired into %.*s",
                       (int)alias->step_id.len, alias->step_id.ptr);
        }
    }
    sw_arena_rewind(&c->scratch, mark);
    return go_on(c);
}

/* ---- conversations ------------------------------------------------------------------------------- */

static sw_seen see_later(void *arg, const void *row)
{
    int64_t *last = arg;
    const sw_message *message = row;
    /* A message without a body of ours is an adopted one, and V1 did not say when the conversation heard it. */
    int64_t at = message->body_hash.ptr ? message->created_at.value : INT64_MIN;

    *last = at > *last ? at : *last;
    return SW_SEEN_COUNT;
}

static sw_seen see_conversation(void *arg, const void *row)
{
    sw_check *c = arg;
    const sw_conversation *conversation = row;
    sw_value id = {.text = conversation->id};
    sw_condition its = {SW_MESSAGE_CONVERSATION_ID, SW_OP_EQ, &id, 1};
    sw_scan scan = {.record = SW_RECORD_MESSAGE,
                    .conditions = &its,
                    .condition_count = 1,
                    .fields = SW_MASK(SW_MESSAGE_CREATED_AT) | SW_MASK(SW_MESSAGE_BODY_HASH),
                    .unordered = true};
    int64_t last = INT64_MIN;
    char where[200];
    sw_scan_end end;

    c->failed = sw_store_scan(c->session, &scan, see_later, &last, &end, &c->error);
    if (c->failed == SW_STATUS_OK && last != INT64_MIN &&
        (!conversation->last_message_at.known || conversation->last_message_at.value < last)) {
        name_of("conversations", conversation->id, where);
        sw__differ(c, "reference", where, "last_message_at is before its last message");
    }
    return go_on(c);
}

sw_status sw__check_names(sw_check *c, sw_str organization, sw_error *err)
{
    sw_status status = sw__check_walk(c, SW_RECORD_STEP_ALIAS, SW_STEP_ALIAS_ORGANIZATION_ID,
                                      organization, 0, see_alias, c, err);

    return status == SW_STATUS_OK
               ? sw__check_walk(
                     c, SW_RECORD_CONVERSATION, SW_CONVERSATION_ORGANIZATION_ID, organization,
                     SW_MASK(SW_CONVERSATION_ID) | SW_MASK(SW_CONVERSATION_LAST_MESSAGE_AT),
                     see_conversation, c, err)
               : status;
}
