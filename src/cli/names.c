/* SPDX-License-Identifier: Apache-2.0 */
/* From an id to the name that people know: which record an id belongs to, and what it is called.
 * Knows no record by name; one that has a field called `name` has a name.
 */
#include "cli/source.h"

int sw_cli_record_of_id(sw_str id)
{
    for (int i = 0; i < SW_RECORD_COUNT && id.ptr; i++) {
        const sw_record *record = sw_record_of((sw_record_id)i);
        size_t length = strlen(record->prefix);
        if (record->is_public && length > 0 && id.len > length && id.ptr[length] == '-' &&
            memcmp(id.ptr, record->prefix, length) == 0) {
            return i;
        }
    }
    return id.len > 4 && memcmp(id.ptr, "job-", 4) == 0 ? SW_RECORD_RUN : -1;
}

static const sw_cli_name *remembered(const sw_cli *cli, sw_str id)
{
    for (size_t i = 0; i < SW_CLI_NAMES; i++) {
        if (cli->names[i].id[0] && sw_str_eq(id, sw_str_from(cli->names[i].id))) {
            return &cli->names[i];
        }
    }
    return NULL;
}

static sw_str look_up(sw_cli *cli, sw_record_id id, int name, sw_str key)
{
    const sw_record *record = sw_record_of(id);
    sw_error before = cli->error;
    sw_str found = SW_NULL_STR;
    sw_arena arena;
    sw_arena_init(&arena, &sw__libc_allocator, 0);
    void *row = sw_arena_zeroed(&arena, record->size);
    if (row && sw_source_get(cli, id, key, &arena, row) == SW_STATUS_OK) {
        found = sw_text_clean(&cli->arena, sw_field_text(&record->fields[name], row), false);
    }
    sw_arena_fini(&arena);
    cli->error = before; /* a name that is not there is no trouble */
    return found;
}

sw_str sw_cli_name_of(sw_cli *cli, sw_str id)
{
    int record = sw_cli_record_of_id(id);
    int name =
        record < 0 ? -1 : sw_record_field(sw_record_of((sw_record_id)record), SW_STR("name"));
    if (name < 0 || id.len >= SW_ID_MAX) {
        return SW_NULL_STR;
    }
    const sw_cli_name *known = remembered(cli, id);
    if (known) {
        return known->name;
    }
    sw_cli_name *keep = &cli->names[cli->names_next++ % SW_CLI_NAMES];
    memcpy(keep->id, id.ptr, id.len);
    keep->id[id.len] = '\0';
    keep->name = look_up(cli, (sw_record_id)record, name, id);
    return keep->name;
}
