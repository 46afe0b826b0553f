/* SPDX-License-Identifier: Apache-2.0 */
/* A ledger on this machine as a source. Whoever may read its file is its operator, so that without
 * --organization all organizations are read; where there is only one, its own indexes answer.
 *
 * Following: the journal counts within an organization, so there is a place for each of them, and one
 * wait for a commit of any.
 */
#include "cli/source.h"

enum { FOLLOWED = 256, PAGE = 500, WAIT_MS = 1000 };

typedef struct ledger_source {
    sw_site source;
    sw_ledger *ledger; /* the invocation's */
    sw_actor actor;
    sw_memory *memory;
} ledger_source;

static sw_status list(sw_site *source, sw_record_id record, const sw_list_query *query,
                      sw_each *each, void *arg, sw_list_end *end, sw_error *err)
{
    ledger_source *from = (ledger_source *)source;
    return sw_list(from->ledger, &from->actor, record, query, each, arg, end, err);
}

static sw_status get(sw_site *source, sw_record_id record, sw_str id, sw_arena *arena, void *out,
                     sw_error *err)
{
    ledger_source *from = (ledger_source *)source;
    const sw_record *descriptor = sw_record_of(record);
    void *row = sw_arena_zeroed(arena, descriptor->size);
    if (!row) {
        return sw_no_memory(err);
    }
    sw_status status = sw_get(from->ledger, &from->actor, record, id, from->memory, row, err);
    if (status == SW_STATUS_OK && !sw_row_copy(descriptor, out, row, arena)) {
        status = sw_no_memory(err);
    }
    sw_memory_reset(from->memory);
    return status;
}

static sw_status usage(sw_site *source, const sw_usage_query *query, sw_usage_each *each, void *arg,
                       sw_usage_end *end, sw_error *err)
{
    ledger_source *from = (ledger_source *)source;
    return sw_usage(from->ledger, &from->actor, query, each, arg, end, err);
}

static sw_status info(sw_site *source, sw_ledger_info *out, sw_error *err)
{
    return sw_ledger_info_get(((ledger_source *)source)->ledger, out, err);
}

/* The operator need not say whose step it is: its id does. */
static sw_status feedback(sw_site *source, sw_str step_id, sw_int word, sw_error *err)
{
    ledger_source *from = (ledger_source *)source;
    sw_feedback_change change = {.set_feedback = true, .feedback = word};
    sw_step step;
    sw_outcome outcome;
    sw_status status =
        sw_get(from->ledger, &from->actor, SW_RECORD_STEP, step_id, from->memory, &step, err);
    if (status == SW_STATUS_OK) {
        sw_actor actor = {.organization_id = step.organization_id};
        status = sw_step_feedback(from->ledger, &actor, step_id, &change, &outcome, err);
    }
    return status;
}

static sw_status create(sw_site *source, sw_record_id record, const void *row, char id[SW_ID_MAX],
                        sw_error *err)
{
    ledger_source *from = (ledger_source *)source;
    sw_outcome outcome;
    sw_status status = sw_record_create(from->ledger, &from->actor, record, row, &outcome, err);
    if (status == SW_STATUS_OK) {
        memcpy(id, outcome.id, SW_ID_MAX);
    }
    return status;
}

static sw_status remove_record(sw_site *source, sw_record_id record, sw_str id, sw_error *err)
{
    ledger_source *from = (ledger_source *)source;
    sw_outcome outcome;
    return sw_record_delete(from->ledger, &from->actor, record, id, &outcome, err);
}

static sw_status unknown_costs(sw_site *source, sw_int from, sw_int to, sw_unknown_cost_each *each,
                               void *arg, bool *complete, sw_error *err)
{
    ledger_source *at = (ledger_source *)source;
    return sw_unknown_costs(at->ledger, &at->actor, from, to, each, arg, complete, err);
}

static sw_status reprice(sw_site *source, const sw_reprice_query *query, sw_reprice_end *end,
                         sw_error *err)
{
    ledger_source *from = (ledger_source *)source;
    return sw_reprice(from->ledger, &from->actor, query, end, err);
}

/* ---- following ------------------------------------------------------------------------------- */

typedef struct place {
    char organization_id[SW_ID_MAX];
    int64_t seq;
} place;

typedef struct following {
    ledger_source *from;
    const sw_list_query *query;
    sw_tail_each *each;
    void *arg;
    place places[FOLLOWED];
    size_t count;
    bool later; /* the first look is over: whoever is new now is shown from the beginning */
    bool ended;
    /* The entries of a page, because a callback of the ledger must not call it. */
    sw_arena arena;
    sw_journal *entries;
    size_t entry_count;
    size_t entry_room;
    bool any;
} following;

static bool keep_organization(void *arg, const void *row)
{
    following *f = arg;
    sw_str id = ((const sw_organization *)row)->id;
    for (size_t i = 0; i < f->count; i++) {
        if (sw_str_eq(id, sw_str_from(f->places[i].organization_id))) {
            return true;
        }
    }
    if (f->count < FOLLOWED && id.len < SW_ID_MAX) {
        place *at = &f->places[f->count++];
        memcpy(at->organization_id, id.ptr, id.len);
        at->organization_id[id.len] = '\0';
        at->seq = f->later ? 0 : -1; /* -1: from now on */
    }
    return true;
}

static sw_status find_organizations(following *f, sw_error *err)
{
    const sw_list_query all = {.limit = FOLLOWED, .ascending = true};
    sw_list_end end;
    sw_status status = SW_STATUS_OK;
    if (!f->from->actor.everywhere) {
        sw_str id = f->from->actor.organization_id;
        sw_organization own = {.id = id.ptr ? id : SW_STR(SW_DEFAULT_ORGANIZATION)};
        (void)keep_organization(f, &own);
    } else {
        status = sw_list(f->from->ledger, &f->from->actor, SW_RECORD_ORGANIZATION, &all,
                         keep_organization, f, &end, err);
    }
    for (size_t i = 0; i < f->count && status == SW_STATUS_OK; i++) {
        sw_actor actor = {.organization_id = sw_str_from(f->places[i].organization_id)};
        if (f->places[i].seq < 0) {
            status = sw_journal_head_seq(f->from->ledger, &actor, &f->places[i].seq, err);
        }
    }
    return status;
}

static bool keep_entry(void *arg, const void *row)
{
    following *f = arg;
    const sw_journal *entry = row;
    if (entry->record.value != SW_RECORD_STEP) {
        return true;
    }
    sw_journal *rows =
        sw_arena_grow(&f->arena, f->entries, f->entry_count, &f->entry_room, sizeof *rows);
    if (!rows) {
        return false;
    }
    f->entries = rows;
    return sw_row_copy(sw_record_of(SW_RECORD_JOURNAL), &rows[f->entry_count++], entry, &f->arena);
}

static sw_status show_entry(following *f, const sw_actor *actor, const sw_journal *entry,
                            sw_error *err)
{
    sw_step step;
    sw_step_metrics metrics;
    sw_seen_change seen = {.seq = entry->seq.value,
                           .change = sw_str_from(sw_enum_word(SW_ENUM_change, entry->what.value)),
                           .id = entry->record_id};
    sw_memory *memory = f->from->memory;
    sw_memory_reset(memory);
    if (entry->what.value == SW_CHANGE_DELETED) {
        f->ended = !f->each(f->arg, &seen);
        return SW_STATUS_OK;
    }
    sw_status status =
        sw_get(f->from->ledger, actor, SW_RECORD_STEP, entry->record_id, memory, &step, err);
    if (status != SW_STATUS_OK) {
        return status == SW_STATUS_NOT_FOUND ? SW_STATUS_OK : status; /* gone again since */
    }
    status = sw_get(f->from->ledger, actor, SW_RECORD_STEP_METRICS, entry->record_id, memory,
                    &metrics, err);
    bool has = status == SW_STATUS_OK;
    if (sw_step_is_found(f->query, &step, has ? &metrics : NULL)) {
        seen.step = &step;
        f->ended = !f->each(f->arg, &seen);
    }
    return has || status == SW_STATUS_NOT_FOUND ? SW_STATUS_OK : status;
}

static sw_status follow_one(following *f, place *at, sw_error *err)
{
    const sw_actor actor = {.organization_id = sw_str_from(at->organization_id)};
    sw_arena_reset(&f->arena);
    f->entries = NULL;
    f->entry_count = 0;
    f->entry_room = 0;
    int64_t before = at->seq;
    sw_status status =
        sw_journal_read(f->from->ledger, &actor, at->seq, PAGE, 0, keep_entry, f, &at->seq, err);
    if (status == SW_STATUS_OK && f->arena.failed) {
        status = sw_no_memory(err);
    }
    for (size_t i = 0; i < f->entry_count && status == SW_STATUS_OK && !f->ended; i++) {
        status = show_entry(f, &actor, &f->entries[i], err);
    }
    f->any = f->any || at->seq != before;
    return status;
}

static sw_status follow(following *f, sw_error *err)
{
    uint64_t seen = 0;
    sw_status status = SW_STATUS_OK;
    while (status == SW_STATUS_OK && !f->ended) {
        f->any = false;
        status = find_organizations(f, err);
        f->later = true;
        for (size_t i = 0; i < f->count && status == SW_STATUS_OK && !f->ended; i++) {
            status = follow_one(f, &f->places[i], err);
        }
        if (status == SW_STATUS_OK && !f->any && !f->ended) {
            f->ended = !f->each(f->arg, NULL);
            status = f->ended ? status : sw_commit_wait(f->from->ledger, &seen, WAIT_MS, err);
        }
    }
    return status;
}

static sw_status tail(sw_site *source, const sw_list_query *query, sw_tail_each *each, void *arg,
                      sw_error *err)
{
    following *f = sw_alloc_zeroed(&sw__libc_allocator, sizeof *f);
    if (!f) {
        return sw_no_memory(err);
    }
    f->from = (ledger_source *)source;
    f->query = query;
    f->each = each;
    f->arg = arg;
    sw_arena_init(&f->arena, &sw__libc_allocator, 0);
    sw_status status = follow(f, err);
    sw_arena_fini(&f->arena);
    sw_free(&sw__libc_allocator, f);
    return status;
}

/* ---- opening --------------------------------------------------------------------------------- */

static void close_source(sw_site *source)
{
    ledger_source *from = (ledger_source *)source;
    sw_memory_free(&from->memory);
    sw_free(&sw__libc_allocator, from);
}

static const sw_site_ops ops = {.list = list,
                                .get = get,
                                .usage = usage,
                                .tail = tail,
                                .feedback = feedback,
                                .create = create,
                                .remove = remove_record,
                                .unknown_costs = unknown_costs,
                                .reprice = reprice,
                                .info = info,
                                .close = close_source};

static bool count_organization(void *arg, const void *row)
{
    (void)row;
    *(int *)arg += 1;
    return true;
}

/* Without --organization everything is read; where there is only the default organization, as itself. */
static sw_status choose_actor(ledger_source *from, sw_error *err)
{
    const sw_list_query two = {.limit = 2};
    sw_list_end end;
    int count = 0;
    if (!from->actor.everywhere) {
        return SW_STATUS_OK;
    }
    sw_status status = sw_list(from->ledger, &from->actor, SW_RECORD_ORGANIZATION, &two,
                               count_organization, &count, &end, err);
    from->source.several = count > 1;
    from->actor.everywhere = count > 1;
    return status;
}

sw_status sw_source_open_ledger(sw_cli *cli, bool write, sw_site **out)
{
    sw_status status = sw_cli_open(cli, write);
    if (status != SW_STATUS_OK) {
        return status;
    }
    ledger_source *from = sw_alloc_zeroed(&sw__libc_allocator, sizeof *from);
    if (from) {
        from->source.ops = &ops;
        from->ledger = cli->ledger;
        from->actor = sw_cli_actor(cli);
        from->memory = sw_memory_new(NULL);
    }
    if (!from || !from->memory) {
        sw_free(&sw__libc_allocator, from);
        return sw_no_memory(&cli->error);
    }
    status = choose_actor(from, &cli->error);
    if (status != SW_STATUS_OK) {
        close_source(&from->source);
        return status;
    }
    *out = &from->source;
    return SW_STATUS_OK;
}
