/* SPDX-License-Identifier: Apache-2.0 */
/* Repricing: the cost of steps that are there is computed again, from the prices as they are now, because somebody asks
 * for it and says why. What a caller said a step cost is his; it is passed over. A call takes a bounded number of
 * steps, in the order of lists, and says where the next one goes on, so that other writers are never kept waiting; each
 * step that changes moves its sums and gets an entry of the journal with the reason.
 */
#include <stdio.h>

#include "ledger/border.h"
#include "ledger/price.h"

enum { STEPS_AT_ONCE = 500 };

typedef struct reprice_args {
    const sw_reprice_query *query;
    sw_reprice_end *end; /* as far as it got before */
    sw_reprice_end now;  /* what this call makes of it */
} reprice_args;

static sw_status gather(sw_group *group, const sw_task *task, const reprice_args *args,
                        sw_rows *out, sw_error *err)
{
    sw_value organization = {.text = task->organization_id};
    sw_value from = {.number = args->query->from.value};
    sw_value to = {.number = args->query->to.known ? args->query->to.value : INT64_MAX};
    sw_condition conditions[] = {
        {SW_STEP_ORGANIZATION_ID, SW_OP_EQ, &organization, 1},
        {SW_STEP_CREATED_AT, SW_OP_GE, &from, 1},
        {SW_STEP_CREATED_AT, SW_OP_LT, &to, 1},
    };
    sw_step place = {.id = sw_str_from(args->end->last_id),
                     .created_at = sw_int_of(args->end->last_us)};
    sw_scan scan = {.record = SW_RECORD_STEP,
                    .conditions = conditions,
                    .condition_count = SW_COUNT(conditions),
                    .order = {SW_STEP_CREATED_AT, SW_STEP_ID},
                    .order_count = 2,
                    .after = args->end->last_id[0] ? &place : NULL,
                    .limit = STEPS_AT_ONCE};

    return sw_group_gather(group, &scan, out, err);
}

static void count(sw_reprice_end *end, const sw_step *old, const sw_step *row)
{
    bool same = sw_int_eq(old->cost_nano_usd, row->cost_nano_usd) &&
                sw_str_eq(old->price_id, row->price_id);

    end->changed += !same;
    end->found += !old->cost_nano_usd.known && row->cost_nano_usd.known;
    end->lost += old->cost_nano_usd.known && !row->cost_nano_usd.known;
    end->unknown += !row->cost_nano_usd.known;
    end->before_nano_usd += old->cost_nano_usd.value;
    end->after_nano_usd += row->cost_nano_usd.value;
}

static sw_status reprice_one(sw_group *group, const sw_task *task, reprice_args *args,
                             const sw_step *old, sw_error *err)
{
    sw_reprice_end *end = &args->now;
    sw_step row = *old;
    sw_status status = SW_STATUS_OK;
    int64_t changed = end->changed;

    end->steps++;
    (void)snprintf(end->last_id, sizeof end->last_id, "%.*s", (int)old->id.len, old->id.ptr);
    end->last_us = old->created_at.value;
    if (old->retired_into.ptr || sw__cost_is_given(old)) {
        end->given += !old->retired_into.ptr;
        return SW_STATUS_OK;
    }
    status = sw__price_step(group, &row, err);
    if (status != SW_STATUS_OK) {
        return status;
    }
    count(end, old, &row);
    return end->changed == changed || args->query->dry_run
               ? SW_STATUS_OK
               : sw_group_change_step(group, task, old, &row, SW_CHANGE_REPRICED, NULL, err);
}

static sw_status apply_reprice(sw_group *group, sw_task *task, sw_error *err)
{
    reprice_args *args = task->arg;
    sw_rows rows;
    sw_status status = gather(group, task, args, &rows, err);

    args->now = *args->end; /* it may be applied again */
    group->reason = args->query->reason;
    for (size_t i = 0; i < rows.count && status == SW_STATUS_OK; i++) {
        status = reprice_one(group, task, args, (const sw_step *)(const void *)rows.rows + i, err);
    }
    group->reason = SW_NULL_STR;
    args->now.done = rows.count < STEPS_AT_ONCE;
    return status;
}

static sw_status check(const sw_actor *actor, const sw_reprice_query *query, sw_error *err)
{
    if (actor && actor->project_id.ptr) {
        return sw_fail(err, SW_STATUS_INVALID, "project_id",
                       "prices are the organization's; who is limited to a project cannot reprice");
    }
    if (!query->dry_run && query->reason.len == 0) {
        return sw_fail(err, SW_STATUS_INVALID, "reason", "must say why costs are computed again");
    }
    if (query->reason.len > SW_LIMIT_WORD_BYTES || !sw_utf8_valid(query->reason)) {
        return sw_fail(err, SW_STATUS_INVALID, "reason", "must be text of at most %d bytes",
                       (int)SW_LIMIT_WORD_BYTES);
    }
    return SW_STATUS_OK;
}

sw_status sw_reprice(sw_ledger *ledger, const sw_actor *actor, const sw_reprice_query *query,
                     sw_reprice_end *end, sw_error *err)
{
    reprice_args args = {.query = query, .end = end};
    sw_task task = {.apply = apply_reprice, .arg = &args, .weight = STEPS_AT_ONCE};
    sw_status status = check(actor, query, err);

    if (status == SW_STATUS_OK) {
        status = sw__submit(ledger, actor, &task, err);
    }
    if (status == SW_STATUS_OK) {
        *end = args.now;
    }
    return status;
}

const sw_reprice_sum *sw_reprice_sums(void)
{
    static const sw_reprice_sum sums[SW_REPRICE_SUMS] = {
        {"num_steps", offsetof(sw_reprice_end, steps)},
        {"given_by_caller", offsetof(sw_reprice_end, given)},
        {"changed", offsetof(sw_reprice_end, changed)},
        {"found", offsetof(sw_reprice_end, found)},
        {"lost", offsetof(sw_reprice_end, lost)},
        {"cost_unknown", offsetof(sw_reprice_end, unknown)},
        {"before_nano_usd", offsetof(sw_reprice_end, before_nano_usd)},
        {"after_nano_usd", offsetof(sw_reprice_end, after_nano_usd)}};

    return sums;
}

/* ---- asking ------------------------------------------------------------------------------------------ */

sw_status sw_price_of(sw_ledger *ledger, const sw_actor *actor, const sw_step *step,
                      sw_memory *memory, sw_price *out, sw_error *err)
{
    sw_session *session = NULL;
    sw_price_list list = {NULL, 0};
    const sw_price *price = NULL;
    sw_status status = sw__reader_take(ledger, &session, err);

    if (status != SW_STATUS_OK) {
        return status;
    }
    status =
        sw__price_list(session, sw__actor_organization(actor), step, &memory->arena, &list, err);
    sw__reader_give(ledger, session);
    price = status == SW_STATUS_OK ? sw__price_of(&list, step) : NULL;
    if (status == SW_STATUS_OK && !price) {
        return sw_fail(err, SW_STATUS_NOT_FOUND, "model", "nobody knows what %.*s costs",
                       (int)(step->model.len < 100 ? step->model.len : 100), step->model.ptr);
    }
    if (price) {
        *out = *price;
    }
    return status;
}

sw_status sw_price_named(sw_ledger *ledger, const sw_actor *actor, sw_str id, sw_memory *memory,
                         sw_price *out, sw_error *err)
{
    for (size_t i = 0; i < sw__list_price_count(); i++) {
        sw__list_price(i, out);
        if (sw_str_eq(out->id, id)) {
            return SW_STATUS_OK;
        }
    }
    return sw_get(ledger, actor, SW_RECORD_PRICE, id, memory, out, err);
}

size_t sw_list_price_count(void)
{
    return sw__list_price_count();
}

void sw_list_price(size_t i, sw_price *out)
{
    sw__list_price(i, out);
}

bool sw_price_fits(const sw_price *price, sw_str model)
{
    return sw__price_rank(price->model, model) > 0;
}
