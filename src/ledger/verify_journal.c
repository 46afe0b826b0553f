/* SPDX-License-Identifier: Apache-2.0 */
/* Verifying the journal and the histograms. Within an organization the numbers of the journal follow
 * one another without a gap, because one writer counts them in the transaction that writes them; every
 * step has a trail that begins with its creation and leads to its state.
 */
#include <stdio.h>

#include "ledger/verify.h"

enum { TRAILS_AT_FIRST = 1024 };

/* ---- trails ------------------------------------------------------------------------------------- */

static sw_trail *trail_slot(const sw_check *c, uint64_t hash)
{
    size_t at = hash & (c->trail_size - 1);

    while (c->trails[at].hash != 0 && c->trails[at].hash != hash) {
        at = (at + 1) & (c->trail_size - 1);
    }
    return &c->trails[at];
}

static bool grow(sw_check *c)
{
    sw_trail *old = c->trails;
    size_t old_size = c->trail_size;
    size_t size = old_size ? old_size * 2 : TRAILS_AT_FIRST;
    sw_trail *trails = sw_arena_zeroed(&c->group.arena, size * sizeof *trails);

    if (!trails) {
        return false;
    }
    c->trails = trails;
    c->trail_size = size;
    for (size_t i = 0; i < old_size; i++) {
        if (old[i].hash) {
            *trail_slot(c, old[i].hash) = old[i];
        }
    }
    return true;
}

static uint64_t trail_hash(sw_str id)
{
    uint64_t hash = sw_hash(0x73746570, id.ptr ? id.ptr : "", id.len);
    return hash ? hash : 1;
}

static sw_trail *trail_of(sw_check *c, sw_str id)
{
    uint64_t hash = trail_hash(id);
    sw_trail *trail = NULL;

    if (c->trail_count * 2 >= c->trail_size && !grow(c)) {
        return NULL;
    }
    trail = trail_slot(c, hash);
    if (trail->hash == 0) {
        *trail = (sw_trail){.hash = hash, .ended = -1};
        c->trail_count++;
    }
    return trail;
}

static void follow(sw_trail *trail, int64_t what)
{
    switch (what) {
    case SW_CHANGE_CREATED:
        *trail = (sw_trail){
            .hash = trail->hash, .created = true, .ever_deleted = trail->ever_deleted, .ended = -1};
        break;
    case SW_CHANGE_SUCCEEDED:
        trail->ended = SW_STEP_STATUS_SUCCESS;
        break;
    case SW_CHANGE_FAILED:
    case SW_CHANGE_ABANDONED:
        trail->ended = SW_STEP_STATUS_FAILED;
        break;
    case SW_CHANGE_CANCELLED:
        trail->ended = SW_STEP_STATUS_CANCELLED;
        break;
    case SW_CHANGE_RESTATED:
        trail->restated = true;
        break;
    case SW_CHANGE_DELETED:
        trail->deleted = true;
        trail->ever_deleted = true;
        break;
    default:
        break;
    }
}

/* ---- the journal -------------------------------------------------------------------------------- */

typedef struct journal_walk {
    sw_check *check;
    sw_str organization;
    int64_t last;
    bool no_memory;
} journal_walk;

static void journal_name(const journal_walk *walk, int64_t seq, char out[200])
{
    (void)snprintf(out, 200, "journal organization_id=%.*s seq=%lld", (int)walk->organization.len,
                   walk->organization.ptr, (long long)seq);
}

static sw_seen see_entry(void *arg, const void *row)
{
    journal_walk *walk = arg;
    const sw_journal *entry = row;
    char where[200];

    if (entry->seq.value != walk->last + 1) {
        journal_name(walk, walk->last + 1, where);
        sw__differ(walk->check, "journal", where, "the entry is missing (the next one is %lld)",
                   (long long)entry->seq.value);
    }
    walk->last = entry->seq.value;
    walk->check->end->entries++;
    if (!sw_enum_word(SW_ENUM_change, entry->what.value) || !entry->record_id.ptr) {
        journal_name(walk, entry->seq.value, where);
        sw__differ(walk->check, "journal", where, "it does not say what happened to what");
    }
    if (entry->record.value == SW_RECORD_STEP) {
        sw_trail *trail = trail_of(walk->check, entry->record_id);
        if (!trail) {
            walk->no_memory = true;
            return SW_SEEN_STOP;
        }
        follow(trail, entry->what.value);
    }
    return SW_SEEN_COUNT;
}

sw_status sw__check_head(sw_check *c, sw_str organization, sw_journal_head *out, sw_error *err)
{
    sw_journal_head key = {.organization_id = organization};
    sw_status status =
        sw_store_get(c->session, SW_RECORD_JOURNAL_HEAD, &key, &c->scratch, out, err);

    if (status == SW_STATUS_NOT_FOUND) {
        memset(out, 0, sizeof *out);
        status = SW_STATUS_OK;
    }
    return status;
}

static sw_status check_head(sw_check *c, const journal_walk *walk, sw_error *err)
{
    sw_journal_head head;
    char where[200];
    sw_status status = sw__check_head(c, walk->organization, &head, err);

    if (status == SW_STATUS_OK && head.seq.value != walk->last) {
        journal_name(walk, head.seq.value, where);
        sw__differ(c, "journal", where, "the last entry is %lld, its head says %lld",
                   (long long)walk->last, (long long)head.seq.value);
    }
    return status;
}

sw_status sw__check_journal(sw_check *c, sw_str organization, sw_error *err)
{
    sw_value owner = {.text = organization};
    sw_condition mine = {SW_JOURNAL_ORGANIZATION_ID, SW_OP_EQ, &owner, 1};
    sw_scan scan = {.record = SW_RECORD_JOURNAL, .conditions = &mine, .condition_count = 1};
    journal_walk walk = {.check = c, .organization = organization};
    sw_scan_end end;
    sw_status status = SW_STATUS_OK;

    c->trails = NULL;
    c->trail_size = c->trail_count = 0;
    if (!grow(c)) {
        return sw_no_memory(err);
    }
    status = sw_store_scan(c->session, &scan, see_entry, &walk, &end, err);
    if (status == SW_STATUS_OK && walk.no_memory) {
        status = sw_no_memory(err);
    }
    return status == SW_STATUS_OK ? check_head(c, &walk, err) : status;
}

bool sw__journal_deleted(const sw_check *c, sw_str step_id)
{
    const sw_trail *trail = trail_slot(c, trail_hash(step_id));

    return trail->hash != 0 && trail->ever_deleted;
}

sw_status sw__journal_knows(sw_check *c, const sw_step *step)
{
    const sw_trail *trail = trail_slot(c, trail_hash(step->id));
    char where[200];

    (void)snprintf(where, sizeof where, "steps id=%.*s", (int)step->id.len, step->id.ptr);
    if (trail->hash == 0 || !trail->created || trail->deleted) {
        sw__differ(c, "journal", where, "the journal does not tell of its creation");
    } else if (step->end_digest.ptr && trail->ended < 0) {
        sw__differ(c, "journal", where, "the journal does not tell of its end");
    } else if (trail->ended >= 0 && !trail->restated && trail->ended != step->status.value) {
        sw__differ(c, "life cycle", where, "the step is %s, the journal says it became %s",
                   sw_enum_word(SW_ENUM_step_status, step->status.value),
                   sw_enum_word(SW_ENUM_step_status, trail->ended));
    }
    return SW_STATUS_OK;
}

/* ---- histograms --------------------------------------------------------------------------------- */

typedef struct spread_walk {
    sw_check *check;
    sw_group *group;
    sw_record_id record;
} spread_walk;

static void compare_spread(const spread_walk *walk, const void *row, const sw_tally *rows,
                           sw_str encoded, const char *name)
{
    sw_histogram stored = {{0}};
    sw_histogram told = {{0}};
    char where[400];

    sw__cell_name(walk->record, row, where, sizeof where);
    if (!sw_histogram_add(&stored, encoded)) {
        sw__differ(walk->check, "histogram", where, "%s is damaged", name);
        return;
    }
    if (rows) {
        sw_histogram_move(&told, rows);
    }
    for (size_t i = 0; i < SW_BUCKETS; i++) {
        int64_t said = told.count[i];
        if (stored.count[i] != said) {
            sw__differ(walk->check, "histogram", where,
                       "%s has %lld in bucket %zu, the rows say %lld", name,
                       (long long)stored.count[i], i, (long long)said);
            return;
        }
    }
}

static sw_seen see_spread(void *arg, const void *row)
{
    static const char *const names[3] = {"step_time", "model_time", "tool_time"};
    spread_walk *walk = arg;
    sw_spread *spread = sw_group_find_spread(walk->group, walk->record, row);
    const sw_record *record = sw_record_of(walk->record);

    for (size_t i = 0; i < 3; i++) {
        int field = sw_record_field(record, sw_str_from(names[i]));
        compare_spread(walk, row, spread ? &spread->times[i] : NULL,
                       sw_field_text(&record->fields[field], row), names[i]);
    }
    if (spread) {
        spread->seen = true;
    }
    walk->check->end->cells++;
    return SW_SEEN_COUNT;
}

sw_status sw__check_spreads(sw_check *c, sw_group *group, sw_record_id record, sw_str organization,
                            sw_error *err)
{
    sw_value owner = {.text = organization};
    sw_condition mine = {SW_LATENCY_ORG_DAY_ORGANIZATION_ID, SW_OP_EQ, &owner, 1};
    sw_scan scan = {
        .record = record, .conditions = &mine, .condition_count = organization.ptr ? 1 : 0};
    spread_walk walk = {c, group, record};
    sw_scan_end end;
    char where[400];
    sw_status status = sw_store_scan(c->session, &scan, see_spread, &walk, &end, err);

    for (size_t i = 0; i < group->spreads.size && status == SW_STATUS_OK; i++) {
        const sw_spread *spread = group->spreads.slots[i];
        if (spread && spread->record == record && !spread->seen) {
            sw__cell_name(record, spread->key, where, sizeof where);
            sw__differ(c, "histogram", where, "is missing");
        }
    }
    return status;
}
