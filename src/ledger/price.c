/* SPDX-License-Identifier: Apache-2.0 */
/* What a step costs, where the ledger writes it: as its caller says, else as the table of prices says, else nobody
 * knows. A step that says all of its tokens is priced when it comes, and again whenever something changes that its cost
 * depends on; never because a price changed, which only a repricing does (reprice.c), with a reason.
 */
#include "ledger/price_book.h"

/* What a cost follows from. */
#define DEPENDS                                                                                    \
    (SW_MASK(SW_STEP_PROVIDER_NAME) | SW_MASK(SW_STEP_MODEL) | SW_MASK(SW_STEP_MODEL_HANDLE) |     \
     SW_MASK(SW_STEP_PROMPT_TOKENS) | SW_MASK(SW_STEP_COMPLETION_TOKENS) |                         \
     SW_MASK(SW_STEP_CACHED_INPUT_TOKENS) | SW_MASK(SW_STEP_CACHE_WRITE_TOKENS) |                  \
     SW_MASK(SW_STEP_PROMPT_TOKENS_DETAILS) | SW_MASK(SW_STEP_COMPLETION_TOKENS_DETAILS) |         \
     SW_MASK(SW_STEP_USAGE_STATE) | SW_MASK(SW_STEP_SERVICE_TIER) | SW_MASK(SW_STEP_CREATED_AT) |  \
     SW_MASK(SW_STEP_COST_NANO_USD) | SW_MASK(SW_STEP_PRICE_ID) | SW_MASK(SW_STEP_COST_SOURCE))

bool sw__cost_is_given(const sw_step *step)
{
    return step->cost_source.known ? step->cost_source.value == SW_COST_SOURCE_CALLER
                                   : step->cost_nano_usd.known || step->price_id.ptr;
}

void sw__cost_given(sw_step *row)
{
    row->cost_source = row->cost_nano_usd.known || row->price_id.ptr
                           ? sw_int_of(SW_COST_SOURCE_CALLER)
                           : SW_NULL_INT;
}

static void cost_unknown(sw_step *row)
{
    row->cost_nano_usd = SW_NULL_INT;
    row->price_id = SW_NULL_STR;
    row->cost_source = SW_NULL_INT;
}

static sw_status look(sw_group *group, const sw_step *row, sw_price_list *out, sw_error *err)
{
    sw_status status = SW_STATUS_OK;

    if (!group->prices) {
        group->prices = sw__price_book_new(&group->ledger->allocator);
        status = group->prices ? status : sw_no_memory(err);
    }
    if (status == SW_STATUS_OK) {
        status = sw__price_book_look(group->prices, group->session, row, out, err);
    }
    return sw_group_must(group, status, err);
}

sw_status sw__price_step(sw_group *group, sw_step *row, sw_error *err)
{
    sw_price_list list;
    sw_price_uses uses;
    const sw_price *price = NULL;
    sw_status status = SW_STATUS_OK;
    int64_t cost = 0;

    cost_unknown(row);
    if (row->usage_state.value != SW_USAGE_STATE_REPORTED || !row->model.ptr) {
        return SW_STATUS_OK;
    }
    status = look(group, row, &list, err);
    price = status == SW_STATUS_OK ? sw__price_of(&list, row) : NULL;
    if (!price || !sw__price_uses(row, &group->arena, &uses) ||
        !sw__price_cost(price, &uses, sw__price_tier(row->service_tier), &cost)) {
        return status;
    }
    row->price_id = price->organization_id.ptr ? sw_arena_str(&group->arena, price->id) : price->id;
    row->cost_nano_usd = sw_int_of(cost);
    row->cost_source = sw_int_of(SW_COST_SOURCE_TABLE);
    return row->price_id.ptr ? status : sw_group_must(group, sw_no_memory(err), err);
}

sw_status sw__price_changed(sw_group *group, const sw_step *old, sw_step *row, sw_error *err)
{
    bool given = sw__cost_is_given(row);

    return given || !(sw__step_differs(old, row) & DEPENDS) ? SW_STATUS_OK
                                                            : sw__price_step(group, row, err);
}

/* ---- what may be set ------------------------------------------------------------------------------- */

static sw_status range_rules(const sw_price *row, sw_error *err)
{
    const struct {
        uint8_t field;
        int64_t most;
    } ranges[] = {{SW_PRICE_ABOVE_TOKENS, SW_LIMIT_TOKENS},
                  {SW_PRICE_MINUTE_FROM, 1439},
                  {SW_PRICE_MINUTE_TO, 1440},
                  {SW_PRICE_BATCH_PERCENT, 1000}};
    const sw_record *record = sw_record_of(SW_RECORD_PRICE);

    for (size_t i = 0; i < SW_COUNT(ranges) + SW_RATE_COUNT; i++) {
        uint8_t at = (uint8_t)(SW_PRICE_INPUT_NANO_USD + i - SW_COUNT(ranges));
        int64_t most = SW_LIMIT_PRICE_USD * INT64_C(1000000000);
        if (i < SW_COUNT(ranges)) {
            at = ranges[i].field;
            most = ranges[i].most;
        }
        const sw_field *field = &record->fields[at];
        int64_t value = sw_field_number(field, row).value;
        if (value < 0 || value > most) {
            return sw_fail(err, SW_STATUS_INVALID, field->name, "must be 0 to %lld",
                           (long long)most);
        }
    }
    return SW_STATUS_OK;
}

sw_status sw__price_rules(const sw_price *row, sw_error *err)
{
    const char *fault = sw__price_patterns_fault(row->model);
    bool any = false;

    for (size_t i = 0; i < SW_RATE_COUNT; i++) {
        any = any || sw_field_number(
                         &sw_record_of(SW_RECORD_PRICE)->fields[SW_PRICE_INPUT_NANO_USD + i], row)
                         .known;
    }
    if (fault) {
        return sw_fail(err, SW_STATUS_INVALID, "model", "%s", fault);
    }
    if (!any) {
        return sw_fail(err, SW_STATUS_INVALID, "input_nano_usd",
                       "must be given, or another price: this one says nothing");
    }
    if (row->effective_from.known && row->effective_to.known &&
        row->effective_to.value <= row->effective_from.value) {
        return sw_fail(err, SW_STATUS_INVALID, "effective_to", "must be after effective_from");
    }
    if (row->minute_from.known != row->minute_to.known ||
        (row->minute_from.known && row->minute_to.value <= row->minute_from.value)) {
        return sw_fail(err, SW_STATUS_INVALID, "minute_to",
                       "must be after minute_from, and come with it");
    }
    return range_rules(row, err);
}
