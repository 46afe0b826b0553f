/* SPDX-License-Identifier: Apache-2.0 */
/* The proof: every sum and histogram recomputed from the rows, every run's totals, the life of every
 * step, the references, the journal. Works organization by organization on one snapshot, so that what
 * it must remember is what one organization has.
 *
 * The sums are gathered by the same functions that the write path uses, into a scratch group that is
 * never written: what is proved is that every move was made, in the right cell, and nothing else was.
 */
#include <stdio.h>

#include "ledger/verify.h"

/* ---- reporting ---------------------------------------------------------------------------------- */

void sw__differ(sw_check *c, const char *kind, const char *where, const char *format, ...)
{
    char what[400];
    sw_difference difference = {kind, where, what};
    va_list args;

    va_start(args, format);
    (void)vsnprintf(what, sizeof what, format, args);
    va_end(args);
    c->end->differences++;
    if (c->options->difference) {
        c->options->difference(c->options->arg, &difference);
    }
}

/* "usage_agent_days org-… agent-… 20000", for people. */
void sw__cell_name(sw_record_id id, const void *key, char *out, size_t size)
{
    const sw_record *record = sw_record_of(id);
    int n = snprintf(out, size, "%s", record->table);

    for (size_t i = 0; i < record->field_count && n > 0 && (size_t)n < size; i++) {
        const sw_field *field = &record->fields[i];
        if (!(field->flags & (SW_PRIMARY | SW_KEY_PART))) {
            continue;
        }
        if (field->kind == SW_KIND_BYTES) {
            char hex[2 * SW_DIGEST + 1];
            sw__hex_of(sw_field_text(field, key), hex);
            n += snprintf(out + n, size - (size_t)n, " %s=%s", field->name, hex);
        } else if (sw_kind_is_text(field->kind)) {
            sw_str text = sw_field_text(field, key);
            n += snprintf(out + n, size - (size_t)n, " %s=%.*s", field->name,
                          text.ptr ? (int)text.len : 1, text.ptr ? text.ptr : "-");
        } else {
            n += snprintf(out + n, size - (size_t)n, " %s=%lld", field->name,
                          (long long)sw_field_number(field, key).value);
        }
    }
}

/* ---- sums --------------------------------------------------------------------------------------- */

static void compare_sums(sw_check *c, const sw_rollup *rollup, const void *key,
                         const sw_sums *stored, const sw_sums *rows)
{
    const char *kind = rollup->record == SW_RECORD_RUN_METRICS ? "run" : "rollup";
    char where[400];

    for (size_t i = 0; i < SW_SUMS; i++) {
        if (stored->v[i] != rows->v[i]) {
            sw__cell_name(rollup->record, key, where, sizeof where);
            sw__differ(c, kind, where, "%s is %lld, the rows say %lld", sw_sums_name(i),
                       (long long)stored->v[i], (long long)rows->v[i]);
        }
    }
}

typedef struct cell_walk {
    sw_check *check;
    const sw_rollup *rollup;
    size_t which;
    sw_group *group; /* what the rows say */
} cell_walk;

static sw_seen see_cell(void *arg, const void *row)
{
    static const sw_sums nothing;
    cell_walk *walk = arg;
    sw_cell *cell = sw_group_find_cell(walk->group, walk->which, row);
    sw_sums stored;

    if (walk->rollup->record != SW_RECORD_RUN_METRICS) { /* verify_runs.c does */
        sw__check_values(walk->check, walk->rollup->record, row, 0);
    }
    sw_sums_from_row(walk->rollup, row, &stored);
    compare_sums(walk->check, walk->rollup, row, &stored, cell ? &cell->sums : &nothing);
    if (cell) {
        cell->seen = true;
    }
    walk->check->end->cells++;
    return SW_SEEN_COUNT;
}

/* Cells that the rows make and the store does not have. */
static void unseen_cells(sw_check *c, sw_group *group, size_t which)
{
    static const sw_sums nothing;

    for (size_t i = 0; i < group->cells.size; i++) {
        sw_cell *cell = group->cells.slots[i];
        if (cell && cell->which == which && !cell->seen) {
            compare_sums(c, &sw__rollups[which], cell->key, &nothing, &cell->sums);
        }
    }
}

/* Compares the stored cells of one kind with the gathered ones; a null organization: all of them. */
static sw_status check_cells(sw_check *c, sw_group *group, size_t which, sw_str organization,
                             sw_error *err)
{
    const sw_record *record = sw_record_of(sw__rollups[which].record);
    int owner = sw_record_field(record, SW_STR("organization_id"));
    sw_value value = {.text = organization};
    sw_condition mine = {(uint8_t)owner, SW_OP_EQ, &value, 1};
    cell_walk walk = {c, &sw__rollups[which], which, group};
    sw_scan scan = {.record = sw__rollups[which].record,
                    .conditions = &mine,
                    .condition_count = organization.ptr && owner >= 0 ? 1 : 0,
                    .unordered = true};
    sw_scan_end end;
    sw_status status = sw_store_scan(c->session, &scan, see_cell, &walk, &end, err);

    if (status == SW_STATUS_OK) {
        unseen_cells(c, group, which);
    }
    return status;
}

/* ---- steps -------------------------------------------------------------------------------------- */

static void check_life(sw_check *c, const sw_step *step)
{
    char where[200];
    bool pending = step->status.value == SW_STEP_STATUS_PENDING;

    (void)snprintf(where, sizeof where, "steps id=%.*s", (int)step->id.len, step->id.ptr);
    if (!step->status.known || !sw_enum_word(SW_ENUM_step_status, step->status.value)) {
        sw__differ(c, "life cycle", where, "status %lld is no status",
                   (long long)step->status.value);
        return;
    }
    if (!pending && step->lease_expires_at.known) {
        sw__differ(c, "life cycle", where, "the step is %s and still holds a lease",
                   sw_enum_word(SW_ENUM_step_status, step->status.value));
    }
    if (pending && step->end_digest.ptr) {
        sw__differ(c, "life cycle", where, "the step was ended and is pending");
    }
    if (pending && !step->lease_expires_at.known && step->source.value == SW_SOURCE_API &&
        !step->retired_into.ptr) {
        sw__differ(c, "life cycle", where, "the step is pending and holds no lease");
    }
    if (step->usage_state.value == SW_USAGE_STATE_REPORTED &&
        step->total_tokens.value != step->prompt_tokens.value + step->completion_tokens.value) {
        sw__differ(c, "life cycle", where, "its tokens do not add up");
    }
}

static sw_status check_run_link(sw_check *c, const sw_step *step, sw_error *err)
{
    sw_mark mark = sw_arena_mark(&c->scratch);
    sw_run key = {.id = step->run_id};
    sw_run run;
    char where[200];
    sw_status status = SW_STATUS_OK;

    if (!step->run_id.ptr) {
        return SW_STATUS_OK;
    }
    status = sw_store_get(c->session, SW_RECORD_RUN, &key, &c->scratch, &run, err);
    if (status == SW_STATUS_NOT_FOUND ||
        (status == SW_STATUS_OK && !sw_str_eq(run.organization_id, step->organization_id))) {
        (void)snprintf(where, sizeof where, "steps id=%.*s", (int)step->id.len, step->id.ptr);
        sw__differ(c, "reference", where, "its run is not in its organization");
        status = SW_STATUS_OK;
    }
    sw_arena_rewind(&c->scratch, mark);
    return status;
}

static sw_status time_step(sw_check *c, const sw_step *step, sw_error *err)
{
    sw_mark mark = sw_arena_mark(&c->scratch);
    sw_step_metrics key = {.id = step->id};
    sw_step_metrics metrics;
    sw_status status =
        sw_store_get(c->session, SW_RECORD_STEP_METRICS, &key, &c->scratch, &metrics, err);

    if (status == SW_STATUS_OK) {
        sw__check_values(c, SW_RECORD_STEP_METRICS, &metrics, 0);
        sw__check_links(c, step, &metrics);
        status = sw_group_time(&c->group, step, &metrics, +1, err);
    }
    sw_arena_rewind(&c->scratch, mark);
    return status == SW_STATUS_NOT_FOUND ? SW_STATUS_OK : status;
}

static sw_seen see_step(void *arg, const void *row)
{
    sw_check *c = arg;
    const sw_step *step = row;
    sw_status status = sw_group_count(&c->group, step, +1, &c->error);

    sw__check_values(c, SW_RECORD_STEP, step, 0);
    check_life(c, step);
    if (status == SW_STATUS_OK) {
        status = time_step(c, step, &c->error);
    }
    if (status == SW_STATUS_OK) {
        status = check_run_link(c, step, &c->error);
    }
    if (status == SW_STATUS_OK) {
        status = sw__check_retired(c, step, &c->error);
    }
    if (status == SW_STATUS_OK) {
        status = sw__journal_knows(c, step);
    }
    c->failed = status;
    if (c->options->progress && c->end->steps % 1000 == 0) {
        c->options->progress(c->options->arg, c->end->steps, c->total);
    }
    c->end->steps++;
    return status == SW_STATUS_OK ? SW_SEEN_COUNT : SW_SEEN_STOP;
}

sw_status sw__check_again(sw_check *c, sw_record_id record, uint8_t owner, sw_str text,
                          uint64_t fields, sw_visit *visit, void *arg, sw_error *err)
{
    sw_value value = {.text = text};
    sw_condition mine = {owner, SW_OP_EQ, &value, 1};
    sw_scan scan = {.record = record,
                    .conditions = &mine,
                    .condition_count = 1,
                    .fields = fields,
                    .unordered = true};
    sw_scan_end end;
    sw_status status = sw_store_scan(c->session, &scan, visit, arg, &end, err);

    if (status == SW_STATUS_OK && c->failed != SW_STATUS_OK) {
        *err = c->error;
        status = c->failed;
    }
    return status;
}

static sw_status check_steps(sw_check *c, sw_str organization, sw_error *err)
{
    sw_value owner = {.text = organization};
    sw_condition mine = {SW_STEP_ORGANIZATION_ID, SW_OP_EQ, &owner, 1};
    sw_scan scan = {.record = SW_RECORD_STEP,
                    .conditions = &mine,
                    .condition_count = 1,
                    .order = {SW_STEP_CREATED_AT, SW_STEP_ID},
                    .order_count = 2};
    sw_scan_end end;
    sw_status status = sw_store_scan(c->session, &scan, see_step, c, &end, err);

    if (status == SW_STATUS_OK && c->failed != SW_STATUS_OK) {
        *err = c->error;
        status = c->failed;
    }
    return status;
}

/* ---- one organization, then all ------------------------------------------------------------------ */

/* What does not belong to one organization is carried over to the group of all. */
static sw_status carry_over(sw_check *c, sw_error *err)
{
    for (size_t i = 0; i < c->group.cells.size; i++) {
        sw_cell *cell = c->group.cells.slots[i];
        if (cell && cell->which == SW_ROLLUP_MODEL_DAY) {
            sw_cell *sum = sw_group_make_cell(&c->all, cell->which, cell->key);
            if (!sum) {
                return sw_no_memory(err);
            }
            sw_sums_add(&sum->sums, &cell->sums, 1);
        }
    }
    return sw_group_carry_spreads(&c->all, &c->group, SW_RECORD_LATENCY_MODEL_DAY, err);
}

static const struct part {
    sw_status (*check)(sw_check *c, sw_str organization, sw_error *err);
    const char *name;
} parts[] = {
    {sw__check_journal, "journal"},
    {check_steps, "steps"},
    {sw__check_messages, "messages"},
    {sw__check_names, "other names of steps"},
    {sw__check_runs, "runs"},
    {sw__check_deliveries, "deliveries"},
    {sw__check_contexts, "what was sent"},
    {sw__check_raw, "raw telemetry"},
};

/* A row that cannot be read ends its part, and no other. */
static sw_status check_part(sw_check *c, const struct part *part, sw_str organization,
                            sw_error *err)
{
    sw_status status = part->check(c, organization, err);
    char where[200];

    if (status == SW_STATUS_CORRUPT) {
        (void)snprintf(where, sizeof where, "organizations id=%.*s", (int)organization.len,
                       organization.ptr);
        sw__differ(c, "store", where, "%s: not all can be read: %s", part->name, err->message);
        c->unread = true;
        status = c->failed = SW_STATUS_OK;
    }
    return status;
}

static sw_status check_organization(sw_check *c, sw_str organization, sw_error *err)
{
    static const size_t mine[] = {SW_ROLLUP_PROJECT_DAY, SW_ROLLUP_ORG_HOUR, SW_ROLLUP_AGENT_DAY,
                                  SW_ROLLUP_RUN};
    sw_status status = SW_STATUS_OK;

    sw_group_start(&c->group, c->session);
    sw_arena_reset(&c->scratch);
    c->tools = (sw_keyed){.arena = &c->group.arena};
    c->last_sequence_id = c->runs = 0;
    for (size_t i = 0; i < SW_COUNT(parts) && status == SW_STATUS_OK; i++) {
        status = check_part(c, &parts[i], organization, err);
    }
    if (status != SW_STATUS_OK || c->unread) {
        return status; /* what could not be read cannot be added up */
    }
    for (size_t i = 0; i < SW_COUNT(mine) && status == SW_STATUS_OK; i++) {
        status = check_cells(c, &c->group, mine[i], organization, err);
    }
    if (status == SW_STATUS_OK) {
        status = sw__check_spreads(c, &c->group, SW_RECORD_LATENCY_ORG_DAY, organization, err);
    }
    return status == SW_STATUS_OK ? carry_over(c, err) : status;
}

static sw_seen see_organization(void *arg, const void *row)
{
    sw_check *c = arg;
    sw_str id = sw_arena_str(&c->all.arena, ((const sw_organization *)row)->id);

    sw__check_values(c, SW_RECORD_ORGANIZATION, row, 0);
    c->failed = id.ptr ? check_organization(c, id, &c->error) : sw_no_memory(&c->error);
    return c->failed == SW_STATUS_OK ? SW_SEEN_COUNT : SW_SEEN_STOP;
}

static void store_fault(void *arg, const char *where, const char *what)
{
    bool reference = strncmp(what, "refers", 6) == 0;
    sw__differ(arg, reference ? "reference" : "store", where, "%s", what);
}

static sw_seen count_run(void *arg, const void *row)
{
    (void)row;
    ((sw_check *)arg)->end->runs++;
    return SW_SEEN_COUNT;
}

static sw_status check_all(sw_check *c, sw_error *err)
{
    sw_scan organizations = {.record = SW_RECORD_ORGANIZATION, .unordered = true};
    sw_scan runs = {
        .record = SW_RECORD_RUN_METRICS, .fields = SW_MASK(SW_RUN_METRICS_ID), .unordered = true};
    sw_scan_end end;
    sw_status status = sw_store_check(c->session, store_fault, c, err);

    if (status == SW_STATUS_OK) {
        status = sw_store_scan(c->session, &organizations, see_organization, c, &end, err);
    }
    if (status == SW_STATUS_OK && c->failed != SW_STATUS_OK) {
        *err = c->error;
        status = c->failed;
    }
    if (status == SW_STATUS_OK && !c->unread) {
        status = check_cells(c, &c->all, SW_ROLLUP_MODEL_DAY, SW_NULL_STR, err);
    }
    if (status == SW_STATUS_OK && !c->unread) {
        status = sw__check_spreads(c, &c->all, SW_RECORD_LATENCY_MODEL_DAY, SW_NULL_STR, err);
    }
    return status == SW_STATUS_OK ? sw_store_scan(c->session, &runs, count_run, c, &end, err)
                                  : status;
}

static sw_status verify(sw_ledger *ledger, sw_check *c, sw_error *err)
{
    sw_status status = sw_group_init(&c->group, ledger, err);

    if (status == SW_STATUS_OK) {
        status = sw_group_init(&c->all, ledger, err);
    }
    if (status == SW_STATUS_OK) {
        sw_group_start(&c->all, c->session);
        status = check_all(c, err);
    }
    sw_group_fini(&c->group);
    sw_group_fini(&c->all);
    return status;
}

sw_status sw_verify(sw_ledger *ledger, const sw_verify_options *options, sw_verify_end *end,
                    sw_error *err)
{
    static const sw_verify_options silent;
    sw_error local = {.status = SW_STATUS_OK};
    sw_verify_end unwanted;
    sw_ledger_info info;
    sw_check c = {.options = options ? options : &silent, .end = end ? end : &unwanted};
    sw_status status = sw_ledger_info_get(ledger, &info, err);

    err = err ? err : &local;
    memset(c.end, 0, sizeof *c.end);
    c.total = info.steps;
    if (status == SW_STATUS_OK) {
        status = sw__snapshot_begin(ledger, &c.session, err);
    }
    if (status != SW_STATUS_OK) {
        return status;
    }
    sw_arena_init(&c.scratch, &ledger->allocator, 0);
    status = verify(ledger, &c, err);
    sw_arena_fini(&c.scratch);
    sw__snapshot_end(ledger, c.session);
    if (status == SW_STATUS_OK && c.end->differences > 0) {
        return sw_fail(err, SW_STATUS_DIFFERS, "", "%lld differences",
                       (long long)c.end->differences);
    }
    return status;
}
