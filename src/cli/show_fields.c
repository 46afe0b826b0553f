/* SPDX-License-Identifier: Apache-2.0 */
/* Any record, field by field, by walking its descriptors: a new field shows up by itself, in words
 * that its kind and unit give. Null fields are left out.
 */
#include "cli/show.h"

#include "codec/record.h"

enum { LABEL = 28 };

void sw_show_heading(sw_cli *cli, const char *heading)
{
    bool colour = cli->terminal.colour;
    fprintf(cli->out, "\n%s%s%s\n", sw_style_on(colour, SW_STYLE_BOLD), heading,
            sw_style_off(colour, SW_STYLE_BOLD));
}

static bool unit_is(const sw_field *field, const char *unit)
{
    return field->unit && strcmp(field->unit, unit) == 0;
}

/* Fields in ns whose name says that they are a point in time. */
static bool is_start(const sw_field *field)
{
    size_t length = strlen(field->name);
    return length > 9 && strcmp(field->name + length - 9, "_start_ns") == 0;
}

static sw_str number_text(sw_arena *arena, const sw_field *field, int64_t value)
{
    char time[SW_TIME_TEXT];
    if (field->kind == SW_KIND_ENUM) {
        const char *word = sw_enum_word(field->words, value);
        return sw_str_from(word ? word : "?");
    }
    if (field->kind == SW_KIND_BOOL) {
        return value ? SW_STR("yes") : SW_STR("no");
    }
    if (field->kind == SW_KIND_TIME) {
        return sw_arena_str(arena, sw_str_make(time, sw_time_print(value, true, time)));
    }
    if (unit_is(field, "ns") && is_start(field)) {
        return sw_arena_str(arena, sw_str_make(time, sw_time_print(value / 1000, true, time)));
    }
    if (unit_is(field, "ns")) {
        return sw_show_duration(arena, value);
    }
    if (unit_is(field, "ms")) {
        return sw_show_duration(arena, value * 1000000);
    }
    if (unit_is(field, "nano-dollars")) {
        return sw_show_money_exact(arena, value);
    }
    return sw_show_count(arena, value);
}

/* A token count that was not reported is a 0 in the row; it is not shown as one. */
static bool is_unreported(sw_record_id record, const sw_field *field, const void *row)
{
    const sw_step *step = row;
    return record == SW_RECORD_STEP && unit_is(field, "tokens") && field->flags & SW_NOT_NULL &&
           step->usage_state.known && step->usage_state.value == SW_USAGE_STATE_UNKNOWN;
}

/* Ids of records that have a name are followed by it. */
static sw_str field_text(sw_cli *cli, sw_record_id record, const sw_field *field, const void *row)
{
    if (is_unreported(record, field, row)) {
        return SW_STR("unknown");
    }
    if (!sw_kind_is_text(field->kind)) {
        return number_text(&cli->arena, field, sw_field_number(field, row).value);
    }
    sw_str text = sw_text_clean(&cli->arena, sw_field_text(field, row), false);
    sw_str name = field->flags & SW_PRIMARY ? SW_NULL_STR : sw_cli_name_of(cli, text);
    return name.len ? sw_arena_printf(&cli->arena, "%s (%s)", sw_text_or_blank(text), name.ptr)
                    : text;
}

static void print_field(sw_cli *cli, sw_record_id record, const sw_field *field, const void *row)
{
    bool colour = cli->terminal.colour;
    sw_str text = field_text(cli, record, field, row);
    sw_style style = SW_STYLE_PLAIN;
    if (record == SW_RECORD_STEP && field == &sw_record_of(record)->fields[SW_STEP_STATUS]) {
        style = sw_step_status_style(sw_field_number(field, row).value);
    }
    fprintf(cli->out, "  %s%-*s%s %s%s%s\n", sw_style_on(colour, SW_STYLE_DIM), LABEL, field->name,
            sw_style_off(colour, SW_STYLE_DIM), sw_style_on(colour, style), sw_text_or_blank(text),
            sw_style_off(colour, style));
}

/* The owner has a field of the same name and kind with the same value. */
static bool is_said(const sw_field *field, const void *row, sw_record_id of, const void *owner)
{
    const sw_record *record = sw_record_of(of);
    int found = owner ? sw_record_field(record, sw_str_from(field->name)) : -1;
    if (found < 0 || record->fields[found].kind != field->kind) {
        return false;
    }
    const sw_field *other = &record->fields[found];
    return sw_kind_is_text(field->kind)
               ? sw_str_eq(sw_field_text(field, row), sw_field_text(other, owner))
               : sw_int_eq(sw_field_number(field, row), sw_field_number(other, owner));
}

void sw_show_fields(sw_cli *cli, sw_record_id record, const void *row, sw_record_id of,
                    const void *owner)
{
    size_t count = 0;
    const uint8_t *shown = sw_record_shown(record, &count);
    const sw_record *descriptor = sw_record_of(record);
    for (size_t i = 0; i < count; i++) {
        const sw_field *field = &descriptor->fields[shown[i]];
        if (!sw_field_is_null(field, row) && !(field->flags & SW_SECRET) &&
            !is_said(field, row, of, owner)) {
            print_field(cli, record, field, row);
        }
    }
    if (record == SW_RECORD_STEP && !((const sw_step *)row)->cost_nano_usd.known) {
        fprintf(cli->out, "  %-*s %s\n", LABEL, "cost_nano_usd", "unknown");
    }
}
