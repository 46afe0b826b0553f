/* SPDX-License-Identifier: Apache-2.0 */
/* Files of others, on noise, all the way to what the ledger would be asked to write. The first byte says as what the
 * rest is read: a is the first row of model/import_formats.def. Whatever comes of it must be what the ledger takes, and
 * must not take much more memory than was sent in.
 */
#include "fuzz/messages.h"
#include "ingest/import_inside.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static import_reader *const readers[IMPORT_FORMATS] = {
#define SW_IMPORT_FORMAT(name, NAME, WORD, TITLE, READER, TOLD, STEP) import_read_##READER,
#define SW_IMPORT_FOLDER(NAME, ENVIRONMENT, BELOW, HOME)
#include "model/import_formats.def"
#undef SW_IMPORT_FORMAT
#undef SW_IMPORT_FOLDER
};

/* What the ledger adds itself. */
static void check_step(const import_made *made)
{
    sw_step row = made->step.entry.step;
    sw_error err = {.status = SW_STATUS_OK};

    row.organization_id = SW_STR("org-" SAME_ID);
    row.conversation_id = SW_NULL_STR; /* a key of the sender's, of which the ledger makes an id */
    row.updated_at = row.created_at;
    sw_row_defaults(&sw__records[SW_RECORD_STEP], &row);
    sw_assert(sw_row_check(&sw__records[SW_RECORD_STEP], &row, "", &err) == SW_STATUS_OK);
}

static void tell_bad(void *arg, const char *path, int64_t line, const char *why)
{
    (void)arg;
    sw_assert(path && line > 0 && why);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const import_options options = {.bad_line = tell_bad};
    import_result result = {.files = 0};
    import_work work = {.options = &options,
                        .allocator = &sw__libc_allocator,
                        .organization_id = SW_STR(SW_DEFAULT_ORGANIZATION),
                        .result = &result};
    import_file file = {.path = "/nowhere/at/all"};
    import_format format = IMPORT_FORMAT_NONE;
    sw_error err;

    if (size < 2) {
        return 0;
    }
    format = (import_format)((uint8_t)(data[0] - 'a') % IMPORT_FORMATS);
    file.bytes = sw_str_make((const char *)data + 1, size - 1);
    file.size = (int64_t)file.bytes.len;
    sw_arena_init(&work.arena, &sw__libc_allocator, 256 * size + (4 << 20));
    sw_assert(readers[format](&work, format, &file, 1, &err) == SW_STATUS_OK);
    sw_assert(file.offset <= file.size && result.bad_lines <= result.lines);
    for (size_t i = 0; i < work.made.count; i++) {
        const import_made *made = (const import_made *)work.made.items + i;
        check_step(made);
        check_messages(made->step.entry.messages, made->step.entry.message_count);
        check_messages(made->step.input, made->step.input_count);
    }
    sw_arena_fini(&work.arena);
    return 0;
}
