/* SPDX-License-Identifier: Apache-2.0 */
/* Verifying the journal and the histograms. Within an organization the numbers of the journal follow
 * one another without a gap, because one writer counts them in the transaction that writes them; every
 * step and run has a trail that begins with its creation and leads to its state.
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

static uint64_t trail_hash(sw_record_id record, sw_str id)
{
    uint64_t hash = sw_hash(0x73746570 + record, id.ptr ? id.ptr : "", id.len);
    return hash ? hash : 1;
}

static sw_trail *trail_of(sw_check *c, sw_record_id record, sw_str id)
{
    uint64_t hash = trail_hash(record, id);
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

/* What an entry makes of a step and of a run: the status it says, or nothing, or it never happens to one. */
enum { GOES_ON = -1, NEVER = -2 };
static const struct {
    int8_t step, run;
} ends[] = {
    [SW_CHANGE_CREATED] = {GOES_ON, GOES_ON},
    [SW_CHANGE_UPDATED] = {GOES_ON, GOES_ON},
    [SW_CHANGE_SUCCEEDED] = {SW_STEP_STATUS_SUCCESS, NEVER},
    [SW_CHANGE_FAILED] = {SW_STEP_STATUS_FAILED, SW_RUN_STATUS_FAILED},
    [SW_CHANGE_CANCELLED] = {SW_STEP_STATUS_CANCELLED, SW_RUN_STATUS_CANCELLED},
    [SW_CHANGE_COMPLETED] = {NEVER, SW_RUN_STATUS_COMPLETED},
    [SW_CHANGE_ABANDONED] = {SW_STEP_STATUS_FAILED, NEVER},
    [SW_CHANGE_FEEDBACK] = {GOES_ON, NEVER},
    [SW_CHANGE_METRICS] = {GOES_ON, NEVER},
    [SW_CHANGE_MESSAGES] = {GOES_ON, NEVER},
    [SW_CHANGE_TRACED] = {GOES_ON, NEVER},
    [SW_CHANGE_RESTATED] = {GOES_ON, NEVER},
    [SW_CHANGE_RETIRED] = {GOES_ON, NEVER},
    [SW_CHANGE_DELETED] = {GOES_ON, GOES_ON},
    [SW_CHANGE_REPRICED] = {GOES_ON, NEVER},
};

static void follow(sw_trail *trail, int64_t what, int8_t end)
{
    if (what == SW_CHANGE_CREATED) {
        *trail = (sw_trail){.hash = trail->hash,
                            .created = true,
                            .twice = trail->twice || (trail->created && !trail->deleted),
                            .ever_deleted = trail->ever_deleted,
                            .ended = -1};
    } else if (end >= 0) {
        trail->ended = end;
        trail->updated = false;
    }
    trail->updated |= what == SW_CHANGE_UPDATED;
    trail->restated |= what == SW_CHANGE_RESTATED;
    trail->deleted |= what == SW_CHANGE_DELETED;
    trail->ever_deleted |= what == SW_CHANGE_DELETED;
}

/* ---- the journal -------------------------------------------------------------------------------- */

/* The others are checked by what they say. */
#define VALUES                                                                                     \
    (SW_MASK(SW_JOURNAL_ACTOR_ID) | SW_MASK(SW_JOURNAL_PROJECT_ID) | SW_MASK(SW_JOURNAL_REASON) |  \
     SW_MASK(SW_JOURNAL_RECORD_ID) | SW_MASK(SW_JOURNAL_TIME))

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

static void differ_entry(const journal_walk *walk, const sw_journal *entry, const char *what)
{
    char where[200];

    journal_name(walk, entry->seq.value, where);
    sw__differ(walk->check, "journal", where, "%s", what);
}

static void check_entry(const journal_walk *walk, const sw_journal *entry)
{
    sw__check_values(walk->check, SW_RECORD_JOURNAL, entry, VALUES);
    if (!sw_enum_word(SW_ENUM_change, entry->what.value) || !entry->record_id.ptr) {
        differ_entry(walk, entry, "it does not say what happened to what");
    }
    if (!entry->record.known || (uint64_t)entry->record.value >= SW_RECORD_COUNT) {
        differ_entry(walk, entry, "it is about no kind of record");
    }
    if (entry->time.value <= 0) {
        differ_entry(walk, entry, "it does not say when");
    }
}

/* False: no memory. */
static bool follow_entry(journal_walk *walk, const sw_journal *entry)
{
    bool step = entry->record.value == SW_RECORD_STEP;
    sw_trail *trail = NULL;
    int8_t end = GOES_ON;

    if ((!step && entry->record.value != SW_RECORD_RUN) ||
        !sw_enum_word(SW_ENUM_change, entry->what.value)) {
        return true;
    }
    trail = trail_of(walk->check, step ? SW_RECORD_STEP : SW_RECORD_RUN, entry->record_id);
    if (!trail) {
        walk->no_memory = true;
        return false;
    }
    end = step ? ends[entry->what.value].step : ends[entry->what.value].run;
    if (end == NEVER) {
        differ_entry(walk, entry,
                     step ? "that never happens to a step" : "that never happens to a run");
    }
    follow(trail, entry->what.value, end);
    return true;
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
    check_entry(walk, entry);
    return follow_entry(walk, entry) ? SW_SEEN_COUNT : SW_SEEN_STOP;
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
    const sw_trail *trail = trail_slot(c, trail_hash(SW_RECORD_STEP, step_id));

    return trail->hash != 0 && trail->ever_deleted;
}

/* Whether there is a trail to follow, which begins as it should. What another program wrote into a database that was adopted
 * has none, or begins in the middle: the journal tells what became of it since. */
static bool begins(sw_check *c, const sw_trail *trail, sw_int source, const char *where)
{
    bool there = trail->hash != 0 && trail->created && !trail->deleted;

    if (source.value == SW_SOURCE_ADOPTED && !trail->created && !trail->deleted) {
        return trail->hash != 0;
    }
    if (!there) {
        sw__differ(c, "journal", where, "the journal does not tell of its creation");
    } else if (trail->twice) {
        sw__differ(c, "journal", where, "the journal tells of its creation twice");
    }
    return there;
}

sw_status sw__journal_knows(sw_check *c, const sw_step *step)
{
    const sw_trail *trail = trail_slot(c, trail_hash(SW_RECORD_STEP, step->id));
    char where[200];

    (void)snprintf(where, sizeof where, "steps id=%.*s", (int)step->id.len, step->id.ptr);
    if (!begins(c, trail, step->source, where)) {
        return SW_STATUS_OK;
    }
    if (step->end_digest.ptr && trail->ended < 0) {
        sw__differ(c, "journal", where, "the journal does not tell of its end");
    } else if (trail->ended >= 0 && !trail->restated && trail->ended != step->status.value) {
        sw__differ(c, "life cycle", where, "the step is %s, the journal says it became %s",
                   sw__stored_word(SW_ENUM_step_status, step->status.value),
                   sw__stored_word(SW_ENUM_step_status, trail->ended));
    }
    return SW_STATUS_OK;
}

/* What only telemetry does: a run that was held to be over because nothing came any more runs again. */
static bool runs_again(const sw_trail *trail, const sw_run *run)
{
    return trail->ended == SW_RUN_STATUS_COMPLETED && trail->updated &&
           run->status.value == SW_RUN_STATUS_RUNNING &&
           (run->source.value == SW_SOURCE_OTLP || run->source.value == SW_SOURCE_TRANSCRIPT);
}

/* A run may be created when it has ended: then no entry tells how. */
void sw__journal_knows_run(sw_check *c, const sw_run *run)
{
    const sw_trail *trail = trail_slot(c, trail_hash(SW_RECORD_RUN, run->id));
    char where[200];

    (void)snprintf(where, sizeof where, "runs id=%.*s", (int)run->id.len, run->id.ptr);
    if (begins(c, trail, run->source, where) && trail->ended >= 0 &&
        trail->ended != run->status.value && !runs_again(trail, run)) {
        sw__differ(c, "life cycle", where, "the run is %s, the journal says it became %s",
                   sw__stored_word(SW_ENUM_run_status, run->status.value),
                   sw__stored_word(SW_ENUM_run_status, trail->ended));
    }
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

    sw__check_values(walk->check, walk->record, row, 0);
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
