/* SPDX-License-Identifier: Apache-2.0 */
/* Steps with their parts on noise. The reader must end where the text is sound, name a field or none where
 * it is not, and what it takes must be valid JSON wherever a field says so. An object that is refused
 * can be passed over exactly when the text is JSON.
 */
#include "codec/step_entry.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Text that the reader hands on lies in one piece and is UTF-8. */
static void check_row(sw_record_id id, const void *row)
{
    const sw_record *record = sw_record_of(id);
    for (size_t i = 0; i < record->field_count; i++) {
        const sw_field *field = &record->fields[i];
        sw_str text = SW_NULL_STR;
        const char *why = NULL;
        size_t offset = 0;
        if (!sw_kind_is_text(field->kind)) {
            continue;
        }
        text = sw_field_text(field, row);
        sw_assert(!text.ptr || sw_utf8_valid(text));
        if (text.ptr && (field->kind == SW_KIND_JSON || field->kind == SW_KIND_TAGS)) {
            sw_assert(sw_json_valid(text, &why, &offset));
        }
    }
}

static void check_entry(const sw_step_entry *entry)
{
    check_row(SW_RECORD_STEP, &entry->step);
    if (entry->metrics) {
        check_row(SW_RECORD_STEP_METRICS, entry->metrics);
    }
    for (size_t i = 0; i < entry->message_count; i++) {
        check_row(SW_RECORD_MESSAGE, &entry->messages[i]);
    }
    for (size_t i = 0; i < entry->trace_count; i++) {
        check_row(SW_RECORD_PROVIDER_TRACE, &entry->traces[i]);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const sw_step_entry empty;
    sw_step_entry entry = empty;
    sw_error err = {.status = SW_STATUS_OK};
    sw_arena arena;
    sw_json json;
    sw_json start;
    uint64_t seen = 0;
    sw_arena_init(&arena, &sw__libc_allocator, 0);
    sw_json_init(&json, sw_str_make((const char *)data, size), &arena);
    (void)sw_json_next(&json);
    start = json;
    sw_status status = sw_step_entry_read_json(&json, &arena, &entry, &seen, &err);
    sw_assert(status == err.status);
    if (status == SW_STATUS_OK) {
        check_entry(&entry);
        sw_assert(start.type == SW_JSON_OBJECT && sw_json_skip(&start, NULL));
        sw_assert(start.at == json.at);
    }
    sw_arena_fini(&arena);
    return 0;
}
