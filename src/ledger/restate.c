/* SPDX-License-Identifier: Apache-2.0 */
/* Restating and retiring: for steps that were derived from telemetry or a transcript, whose source may
 * come to say more. Never for steps that a program wrote itself.
 */
#include "ledger/border.h"
#include "ledger/price.h"
#include "ledger/telemetry_inside.h"

/* What the source may never replace: who the step is, where it came from, and what people said. */
#define KEPT                                                                                       \
    (SW_MASK(SW_STEP_ID) | SW_MASK(SW_STEP_ORGANIZATION_ID) | SW_MASK(SW_STEP_SOURCE) |            \
     SW_MASK(SW_STEP_FEEDBACK) | SW_MASK(SW_STEP_TAGS) | SW_MASK(SW_STEP_RETIRED_INTO) |           \
     SW_MASK(SW_STEP_CREATE_DIGEST) | SW_MASK(SW_STEP_END_DIGEST) |                                \
     SW_MASK(SW_STEP_LEASE_EXPIRES_AT) | SW_MASK(SW_STEP_UPDATED_AT) |                             \
     SW_MASK(SW_STEP_CREATED_BY_ID) | SW_MASK(SW_STEP_LAST_UPDATED_BY_ID) |                        \
     SW_MASK(SW_STEP_IS_DELETED) | SW_MASK(SW_STEP_COST_SOURCE))

static bool derived(const sw_step *step)
{
    return step->source.value == SW_SOURCE_OTLP || step->source.value == SW_SOURCE_TRANSCRIPT;
}

static sw_status only_derived(const sw_step *step, sw_error *err)
{
    if (derived(step)) {
        return SW_STATUS_OK;
    }
    return sw_fail(err, SW_STATUS_ILLEGAL_MOVE, "source",
                   "the step came from %s; only steps from otlp or transcript may be restated",
                   sw_enum_word(SW_ENUM_source, step->source.value));
}

/* ---- restate ------------------------------------------------------------------------------------ */

/* What telemetry says of a step by saying nothing: it was computed from all that is known, and what was said
 * before is not so any more. What others put (prices, metadata, names) is theirs. */
#define SAID_WHOLE                                                                                 \
    (SW_MASK(SW_STEP_PROVIDER_NAME) | SW_MASK(SW_STEP_MODEL) | SW_MASK(SW_STEP_MODEL_ENDPOINT) |   \
     SW_MASK(SW_STEP_CONTEXT_WINDOW_LIMIT) | SW_MASK(SW_STEP_COMPLETION_TOKENS_DETAILS) |          \
     SW_MASK(SW_STEP_PROMPT_TOKENS_DETAILS) | SW_MASK(SW_STEP_STOP_REASON) |                       \
     SW_MASK(SW_STEP_REQUEST_ID) | SW_MASK(SW_STEP_ERROR_TYPE) | SW_MASK(SW_STEP_ERROR_DATA) |     \
     SW_MASK(SW_STEP_CACHED_INPUT_TOKENS) | SW_MASK(SW_STEP_CACHE_WRITE_TOKENS) |                  \
     SW_MASK(SW_STEP_REASONING_TOKENS) | SW_MASK(SW_STEP_PARENT_STEP_ID) |                         \
     SW_MASK(SW_STEP_END_USER) | SW_MASK(SW_STEP_INPUT_PREVIEW) |                                  \
     SW_MASK(SW_STEP_OUTPUT_PREVIEW) | SW_MASK(SW_STEP_CONTENT_TRUNCATED) |                        \
     SW_MASK(SW_STEP_SERVICE_TIER) | SW_MASK(SW_STEP_PROMPT_TOKENS) |                              \
     SW_MASK(SW_STEP_COMPLETION_TOKENS) | SW_MASK(SW_STEP_TOTAL_TOKENS) |                          \
     SW_MASK(SW_STEP_AGENT_ID) | SW_MASK(SW_STEP_CONVERSATION_ID))

typedef struct restate_args {
    const sw_step_entry *entry;
    sw_outcome *outcome;
    bool whole; /* what the entry does not say is not so */
} restate_args;

static sw_status restate_row(sw_group *group, const sw_task *task, const sw_step *said, bool whole,
                             sw_step *row, sw_error *err)
{
    const sw_record *record = sw_record_of(SW_RECORD_STEP);
    const sw_step old = *row;
    uint64_t take = sw_row_mask(record, said) | (whole ? SAID_WHOLE : 0);
    sw_status status = SW_STATUS_OK;

    if (row->status.value != SW_STEP_STATUS_PENDING && said->status.known &&
        said->status.value == SW_STEP_STATUS_PENDING) {
        return sw_fail(err, SW_STATUS_ILLEGAL_MOVE, "status",
                       "the step is %s and cannot become pending",
                       sw_enum_word(SW_ENUM_step_status, row->status.value));
    }
    sw__forget_tokens(row, sw_row_mask(record, said));
    for (take &= ~KEPT; take; take &= take - 1) {
        sw_field_copy(&record->fields[__builtin_ctzll(take)], row, said);
    }
    if (said->cost_nano_usd.known || said->price_id.ptr) {
        sw__cost_given(row);
    }
    row->content_truncated = sw_int_of(row->content_truncated.value);
    if (row->status.value != SW_STEP_STATUS_PENDING) {
        row->lease_expires_at = SW_NULL_INT;
    }
    sw__row_nulls(SW_RECORD_STEP, row);
    status = whole ? sw__telemetry_keep(group, &old, row, err) : SW_STATUS_OK;
    if (status == SW_STATUS_OK && whole && said->tags.ptr) {
        status = sw__tags_follow(group, old.tags, said->tags, &row->tags, err);
    }
    if (status == SW_STATUS_OK) {
        status = sw__book(task, SW_RECORD_STEP, row, err);
    }
    if (status == SW_STATUS_OK) {
        status = sw__step_rules(row, err);
    }
    if (status == SW_STATUS_OK) {
        status = sw_row_check(record, row, "", err);
    }
    if (status == SW_STATUS_OK) {
        status = sw__row_minify(SW_RECORD_STEP, row, &group->arena, err);
    }
    if (status == SW_STATUS_OK) {
        status = sw__capture(group, row, err);
    }
    if (status == SW_STATUS_OK && row->run_id.ptr) {
        status = sw_group_parent(group, SW_RECORD_RUN, row->run_id, task->organization_id, "run_id",
                                 err);
    }
    if (status == SW_STATUS_OK && row->provider_id.ptr) {
        status = sw_group_parent(group, SW_RECORD_PROVIDER, row->provider_id, task->organization_id,
                                 "provider_id", err);
    }
    return status;
}

static sw_status restate_write(sw_group *group, const sw_task *task, const restate_args *args,
                               const sw_step *old, sw_step *row, sw_parts *parts, sw_error *err)
{
    sw_status status = SW_STATUS_OK;

    if (sw_row_equal(sw_record_of(SW_RECORD_STEP), old, row) && !sw__parts_new(parts)) {
        return sw__unchanged(group, task, args->outcome, err);
    }
    status =
        sw_group_change_step(group, task, old, row, SW_CHANGE_RESTATED, &args->outcome->seq, err);
    if (status == SW_STATUS_OK) {
        status = sw__parts_write(group, task, row, parts, err);
    }
    return sw__verdict(args->outcome, SW_VERDICT_UPDATED, status, err);
}

/* Not there yet: logged in the same task, so that two who bring the same step do not race. */
static sw_status create_inside(sw_group *group, const sw_task *task, const restate_args *args,
                               sw_error *err)
{
    sw_actor actor = {.organization_id = task->organization_id,
                      .user_id = task->user_id,
                      .project_id = task->project_id};
    sw_group *outer = group->ledger->nested;
    sw_status status = SW_STATUS_OK;

    group->ledger->nested = group;
    status = sw_step_log(group->ledger, &actor, args->entry, 1, false, args->outcome, err);
    group->ledger->nested = outer;
    return status;
}

static sw_status restate_there(sw_group *group, const sw_task *task, const restate_args *args,
                               const sw_step *was, sw_error *err)
{
    sw_step old = *was;
    sw_step row;
    sw_parts parts;
    sw_status status = sw__not_retired(&old, err);

    if (status == SW_STATUS_OK) {
        status = only_derived(&old, err);
    }
    if (status == SW_STATUS_OK) {
        row = old;
        status = restate_row(group, task, &args->entry->step, args->whole, &row, err);
    }
    if (status == SW_STATUS_OK) {
        status = sw__parts_prepare(group, task, &row, args->entry, false, &parts, err);
    }
    if (status == SW_STATUS_OK && args->whole && parts.metrics) {
        parts.metrics->tool_execution_ns = args->entry->metrics->tool_execution_ns;
        parts.metrics->ttft_ns = args->entry->metrics->ttft_ns;
        status = sw__telemetry_keep_times(group, &parts, err);
    }
    if (status != SW_STATUS_OK) {
        return sw__refused(args->outcome, status, err);
    }
    return restate_write(group, task, args, &old, &row, &parts, err);
}

static sw_status restate_in(sw_group *group, const sw_task *task, const restate_args *args,
                            sw_error *err)
{
    sw_step old;
    sw_status status = sw_group_get(group, task, SW_RECORD_STEP, args->entry->step.id, &old, err);

    sw__outcome_reset(args->outcome);
    sw__outcome_id(args->outcome, args->entry->step.id);
    if (status == SW_STATUS_NOT_FOUND) {
        return create_inside(group, task, args, err);
    }
    return status == SW_STATUS_OK ? restate_there(group, task, args, &old, err)
                                  : sw__refused(args->outcome, status, err);
}

sw_status sw__restate_in(sw_group *group, const sw_task *task, const sw_step_entry *entry,
                         sw_outcome *outcome, sw_error *err)
{
    restate_args args = {entry, outcome, true};

    return restate_in(group, task, &args, err);
}

static sw_status apply_restate(sw_group *group, sw_task *task, sw_error *err)
{
    const restate_args *args = task->arg;

    return restate_in(group, task, args, err);
}

sw_status sw_step_restate(sw_ledger *ledger, const sw_actor *actor, const sw_step_entry *entry,
                          sw_outcome *outcome, sw_error *err)
{
    restate_args args = {entry, outcome, false};
    sw_task task = {
        .apply = apply_restate, .outcomes = outcome, .outcome_count = 1, .arg = &args, .weight = 1};

    if (!derived(&entry->step)) {
        return sw__refuse_one(outcome, err, SW_STATUS_INVALID, "source",
                              "must be otlp or transcript");
    }
    return sw__submit(ledger, actor, &task, err);
}

/* ---- retire ------------------------------------------------------------------------------------- */

typedef struct retire_args {
    sw_str id;
    sw_str survivor_id;
    sw_outcome *outcome;
} retire_args;

static sw_status retire_check(const sw_step *old, const sw_step *survivor, sw_error *err)
{
    sw_status status = only_derived(old, err);

    if (status != SW_STATUS_OK) {
        return status;
    }
    if (sw_str_eq(old->id, survivor->id)) {
        return sw_fail(err, SW_STATUS_INVALID, "survivor_id",
                       "a step cannot be folded into itself");
    }
    if (survivor->retired_into.ptr) {
        return sw_fail(err, SW_STATUS_ILLEGAL_MOVE, "survivor_id", "that step is retired itself");
    }
    if (old->retired_into.ptr && !sw_str_eq(old->retired_into, survivor->id)) {
        return sw_fail(err, SW_STATUS_ILLEGAL_MOVE, "retired_into",
                       "the step is retired into another one already");
    }
    return SW_STATUS_OK;
}

/* Steps that were folded into this one earlier follow it. */
static sw_status move_followers(sw_group *group, const sw_step *old, const sw_step *survivor,
                                sw_error *err)
{
    sw_rows rows;
    sw_status status =
        sw_group_gather_of(group, SW_RECORD_STEP_ALIAS, SW_STEP_ALIAS_STEP_ID, old->id, &rows, err);

    for (size_t i = 0; i < rows.count && status == SW_STATUS_OK; i++) {
        sw_step_alias *alias = (sw_step_alias *)(void *)rows.rows + i;
        sw_step follower = {.id = alias->value, .retired_into = survivor->id};
        alias->step_id = survivor->id;
        status = sw_group_must(group,
                               sw_store_put(group->session, SW_RECORD_STEP_ALIAS, alias, err), err);
        if (status == SW_STATUS_OK && sw_str_eq(alias->kind, SW_STR("merged"))) {
            status = sw_store_update(group->session, SW_RECORD_STEP, &follower,
                                     SW_MASK(SW_STEP_RETIRED_INTO), err);
            status = sw_group_may(group, status, SW_STATUS_NOT_FOUND, err);
            status = status == SW_STATUS_NOT_FOUND ? SW_STATUS_OK : status;
        }
    }
    return status;
}

static sw_status retire_write(sw_group *group, const sw_task *task, const sw_step *old,
                              const sw_step *survivor, sw_outcome *outcome, sw_error *err)
{
    sw_step row = *old;
    sw_step_alias alias = {.organization_id = old->organization_id,
                           .project_id = old->project_id,
                           .kind = SW_STR("merged"),
                           .value = old->id,
                           .step_id = survivor->id};
    sw_status status = SW_STATUS_OK;

    row.retired_into = survivor->id;
    row.lease_expires_at = SW_NULL_INT;
    status = sw_group_change_step(group, task, old, &row, SW_CHANGE_RETIRED, &outcome->seq, err);
    if (status == SW_STATUS_OK) {
        status = move_followers(group, old, survivor, err);
    }
    if (status == SW_STATUS_OK) {
        status = sw_group_must(
            group, sw_store_put(group->session, SW_RECORD_STEP_ALIAS, &alias, err), err);
    }
    return sw__verdict(outcome, SW_VERDICT_UPDATED, status, err);
}

sw_status sw__retire_in(sw_group *group, const sw_task *task, sw_str id, sw_str survivor_id,
                        sw_outcome *outcome, sw_error *err)
{
    sw_step old;
    sw_step survivor;
    sw_status status = sw_group_get(group, task, SW_RECORD_STEP, id, &old, err);

    sw__outcome_reset(outcome);
    sw__outcome_id(outcome, id);
    if (status == SW_STATUS_OK) {
        status = sw_group_get(group, task, SW_RECORD_STEP, survivor_id, &survivor, err);
    }
    if (status == SW_STATUS_OK) {
        status = retire_check(&old, &survivor, err);
    }
    if (status != SW_STATUS_OK) {
        return sw__refused(outcome, status, err);
    }
    if (old.retired_into.ptr) {
        return sw__unchanged(group, task, outcome, err);
    }
    return retire_write(group, task, &old, &survivor, outcome, err);
}

static sw_status apply_retire(sw_group *group, sw_task *task, sw_error *err)
{
    const retire_args *args = task->arg;

    return sw__retire_in(group, task, args->id, args->survivor_id, args->outcome, err);
}

sw_status sw_step_retire(sw_ledger *ledger, const sw_actor *actor, sw_str step_id,
                         sw_str survivor_id, sw_outcome *outcome, sw_error *err)
{
    retire_args args = {step_id, survivor_id, outcome};
    sw_task task = {
        .apply = apply_retire, .outcomes = outcome, .outcome_count = 1, .arg = &args, .weight = 1};
    return sw__submit(ledger, actor, &task, err);
}
