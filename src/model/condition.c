/* SPDX-License-Identifier: Apache-2.0 */
/* Whether a row satisfies a condition: the meaning of every operator, in one place, for the stores
 * that test rows in C and as the reference for those that print SQL. Null is never equal to, below
 * or above anything and holds no tag: only NE and NULL can hold for it.
 */
#include "model/model.h"
#include "model/private.h"

static int value_cmp(const sw_field *field, const void *row, const sw_value *value)
{
    if (sw_kind_is_text(field->kind)) {
        return sw__text_cmp(field, sw_field_text(field, row), value->text);
    }
    int64_t number = sw_field_number(field, row).value;
    return (number > value->number) - (number < value->number);
}

/* The field is not null. */
static bool value_equal(const sw_field *field, const void *row, const sw_value *value)
{
    if (sw_kind_is_text(field->kind)) {
        return sw_str_eq(sw_field_text(field, row), value->text);
    }
    return sw_field_number(field, row).value == value->number;
}

static bool equals_any(const sw_field *field, const void *row, const sw_condition *condition)
{
    for (size_t i = 0; i < condition->count; i++) {
        if (value_equal(field, row, &condition->values[i])) {
            return true;
        }
    }
    return false;
}

static bool has_tags(sw_str tags, const sw_condition *condition, bool all)
{
    for (size_t i = 0; i < condition->count; i++) {
        if (sw_tags_have(tags, condition->values[i].text) != all) {
            return !all;
        }
    }
    return all;
}

bool sw_condition_holds(const sw_record *record, const sw_condition *condition, const void *row)
{
    const sw_field *field = &record->fields[condition->field];
    const sw_value *value = condition->values;
    bool null = false;
    sw_assert(condition->field < record->field_count);
    null = sw_field_is_null(field, row);
    switch (condition->op) {
    case SW_OP_EQ:
        return !null && value_equal(field, row, value);
    case SW_OP_IN:
        return !null && equals_any(field, row, condition);
    case SW_OP_NE:
        return null || !value_equal(field, row, value);
    case SW_OP_LT:
        return !null && value_cmp(field, row, value) < 0;
    case SW_OP_LE:
        return !null && value_cmp(field, row, value) <= 0;
    case SW_OP_GT:
        return !null && value_cmp(field, row, value) > 0;
    case SW_OP_GE:
        return !null && value_cmp(field, row, value) >= 0;
    case SW_OP_NULL:
        return null;
    case SW_OP_NOT_NULL:
        return !null;
    case SW_OP_TAG_ANY:
    case SW_OP_TAG_ALL:
        sw_assert(field->kind == SW_KIND_TAGS);
        return !null &&
               has_tags(sw_field_text(field, row), condition, condition->op == SW_OP_TAG_ALL);
    case SW_OP_CONTAINS:
        sw_assert(sw_kind_is_text(field->kind));
        return !null && sw_str_contains_nocase(sw_field_text(field, row), value->text);
    }
    SW_IMPOSSIBLE("an unknown operator");
}
