/* SPDX-License-Identifier: Apache-2.0 */
/* Reading rows in order to change them, which a scan's visit may not do. Of one row the fields that matter are read; few
 * rows are gathered whole; what may be many or large comes in pages that hold the fields asked for and nothing else, so
 * that the work on a thousand long messages needs the memory of one page.
 */
#include "ledger/gather.h"

/* ---- one row ------------------------------------------------------------------------------------- */

static bool copy_fields(const sw_record *record, uint64_t fields, void *to, const void *from,
                        sw_arena *arena)
{
    for (; fields; fields &= fields - 1) {
        const sw_field *field = &record->fields[__builtin_ctzll(fields)];
        if (sw_kind_is_text(field->kind)) {
            *sw_field_str(field, to) = sw_arena_str(arena, sw_field_text(field, from));
        } else {
            *sw_field_int(field, to) = sw_field_number(field, from);
        }
    }
    return !arena->failed;
}

typedef struct first {
    const sw_scan *scan;
    sw_arena *arena;
    void *out;
    bool found;
    bool no_memory;
} first;

static sw_seen see_first(void *arg, const void *row)
{
    first *f = arg;

    f->found = true;
    f->no_memory = f->out && !copy_fields(sw_record_of(f->scan->record), f->scan->fields, f->out,
                                          row, f->arena);
    return SW_SEEN_STOP;
}

sw_status sw__first(sw_session *session, const sw_scan *scan, sw_arena *arena, void *out,
                    bool *found, sw_error *err)
{
    first f = {.scan = scan, .arena = arena, .out = out};
    sw_scan_end end;
    sw_status status = SW_STATUS_OK;

    if (out) {
        memset(out, 0, sw_record_of(scan->record)->size);
    }
    status = sw_store_scan(session, scan, see_first, &f, &end, err);
    *found = status == SW_STATUS_OK && f.found;
    return status == SW_STATUS_OK && f.no_memory ? sw_no_memory(err) : status;
}

sw_status sw__first_of(sw_session *session, sw_record_id record, uint8_t field, sw_str text,
                       uint64_t fields, sw_arena *arena, void *out, bool *found, sw_error *err)
{
    sw_value value = {.text = text};
    sw_condition this = {field, SW_OP_EQ, &value, 1};
    sw_scan scan = {.record = record,
                    .conditions = &this,
                    .condition_count = 1,
                    .fields = fields,
                    .unordered = true};

    return sw__first(session, &scan, arena, out, found, err);
}

/* ---- whole -------------------------------------------------------------------------------------- */

typedef struct gathering {
    const sw_record *record;
    sw_arena *arena;
    sw_rows *out;
    size_t room;
    bool no_memory;
} gathering;

static sw_seen gather_row(void *arg, const void *row)
{
    gathering *g = arg;
    char *rows = sw_arena_grow(g->arena, g->out->rows, g->out->count, &g->room, g->record->size);

    if (rows) {
        g->out->rows = rows;
    }
    if (!rows || !sw_row_copy(g->record, rows + g->out->count * g->record->size, row, g->arena)) {
        g->no_memory = true;
        return SW_SEEN_STOP;
    }
    g->out->count++;
    return SW_SEEN_COUNT;
}

sw_status sw_group_gather(sw_group *group, const sw_scan *scan, sw_rows *out, sw_error *err)
{
    gathering g = {.record = sw_record_of(scan->record), .arena = &group->arena, .out = out};
    sw_scan_end end;
    sw_status status = SW_STATUS_OK;

    memset(out, 0, sizeof *out);
    status = sw_store_scan(group->session, scan, gather_row, &g, &end, err);
    if (status == SW_STATUS_OK && g.no_memory) {
        status = sw_no_memory(err);
    }
    return sw_group_must(group, status, err);
}

/* By key, without recursion: they are few. */
static void put_in_order(const sw_record *record, sw_rows *rows, void *spare)
{
    for (size_t i = 1; i < rows->count; i++) {
        size_t to = i;
        memcpy(spare, rows->rows + i * record->size, record->size);
        for (; to > 0; to--) {
            char *before = rows->rows + (to - 1) * record->size;
            if (sw_row_cmp_key(record, before, spare) <= 0) {
                break;
            }
            memcpy(before + record->size, before, record->size);
        }
        memcpy(rows->rows + to * record->size, spare, record->size);
    }
}

/* A store that is asked for the order may walk all rows by their key rather than sort the few that match. */
sw_status sw_group_gather_of(sw_group *group, sw_record_id record, uint8_t field, sw_str text,
                             sw_rows *out, sw_error *err)
{
    sw_value value = {.text = text};
    sw_condition condition = {field, SW_OP_EQ, &value, 1};
    sw_scan scan = {
        .record = record, .conditions = &condition, .condition_count = 1, .unordered = true};
    sw_status status = sw_group_gather(group, &scan, out, err);

    if (status == SW_STATUS_OK && out->count > 1) {
        void *spare = sw_arena_alloc(&group->arena, sw_record_of(record)->size);
        if (!spare) {
            return sw_group_must(group, sw_no_memory(err), err);
        }
        put_in_order(sw_record_of(record), out, spare);
    }
    return status;
}

/* ---- in pages ----------------------------------------------------------------------------------- */

void sw__page_open(sw_page *page, sw_group *group, sw_record_id record, uint8_t by, sw_str id)
{
    memset(page, 0, sizeof *page);
    page->group = group;
    page->record = record;
    page->by = by;
    page->id = id;
    for (size_t i = 0; i < SW_COUNT(page->arenas); i++) {
        sw_arena_init(&page->arenas[i], &group->ledger->allocator, 0);
    }
}

void sw__page_close(sw_page *page)
{
    for (size_t i = 0; i < SW_COUNT(page->arenas); i++) {
        sw_arena_fini(&page->arenas[i]);
    }
}

static bool keep_tools(sw_page *page, const sw_message *message, sw_arena *arena)
{
    sw_tool_names *names = &page->tools[page->count];

    return sw__tools_of(message->tool_calls, arena, names);
}

static sw_seen see_row(void *arg, const void *row)
{
    sw_page *page = arg;
    const sw_record *record = sw_record_of(page->record);
    sw_arena *arena = &page->arenas[page->turn];
    char *to = (char *)page->rows + page->count * record->size;

    if (!copy_fields(record, page->fields, to, row, arena) ||
        (page->with_tools && !keep_tools(page, row, arena))) {
        page->no_memory = true;
        return SW_SEEN_STOP;
    }
    page->count++;
    return SW_SEEN_COUNT;
}

static sw_status make_room(sw_page *page, sw_error *err)
{
    sw_arena *arena = &page->arenas[page->turn];

    sw_arena_reset(arena);
    page->count = 0;
    page->rows = sw_arena_zeroed(arena, SW_PAGE * sw_record_of(page->record)->size);
    page->tools = page->with_tools ? sw_arena_zeroed(arena, SW_PAGE * sizeof *page->tools) : NULL;
    return page->rows && (page->tools || !page->with_tools) ? SW_STATUS_OK : sw_no_memory(err);
}

sw_status sw__page_next(sw_page *page, sw_error *err)
{
    const sw_record *record = sw_record_of(page->record);
    sw_value value = {.text = page->id};
    sw_condition ours = {page->by, SW_OP_EQ, &value, 1};
    sw_scan scan = {
        .record = page->record,
        .conditions = &ours,
        .condition_count = 1,
        .order = {page->order[0], page->order[1]},
        .order_count = page->order_count,
        .unordered = page->order_count == 0,
        .fields = page->fields | (page->with_tools ? SW_MASK(SW_MESSAGE_TOOL_CALLS) : 0),
        .limit = SW_PAGE,
    };
    sw_scan_end end;
    sw_status status = SW_STATUS_OK;

    if (page->count > 0 && page->order_count > 0) { /* behind the last one, in the other arena */
        scan.after = (const char *)page->rows + (page->count - 1) * record->size;
        page->turn = 1 - page->turn;
    }
    status = make_room(page, err);
    if (status == SW_STATUS_OK) {
        status = sw_store_scan(page->group->session, &scan, see_row, page, &end, err);
    }
    if (status == SW_STATUS_OK && page->no_memory) {
        status = sw_no_memory(err);
    }
    return sw_group_must(page->group, status, err);
}
