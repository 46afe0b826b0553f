/* SPDX-License-Identifier: Apache-2.0 */
/* The play itself, and the recording of steps. What may be done to a step that is there is in
 * player_step.c, runs and agents are in player_run.c.
 */
#include "tests/lib/player.h"

#include <stdlib.h>

#include "tests/lib/player_inside.h"

/* ---- checking one answer ------------------------------------------------------------------------ */

static void say_wrong(const play *p, const char *what, const sw_outcome *o, nv_answer want)
{
    SAY("operation %lld, %s of %s: verdict %s (%s, field '%s': %s), expected %s%s%s%s%s",
        (long long)p->op, what, o->id, verdict_name(o->verdict), status_name(o->status),
        o->error.field, o->error.message, verdict_name(want.verdict), want.either ? " or " : "",
        want.either ? verdict_name(want.other) : "", want.names ? " naming " : "",
        want.names ? want.names : "");
}

static void note_change(play *p, int actor, const sw_outcome *o, sw_record_id record, int entries)
{
    if (o->seq <= p->heads[actor]) {
        SAY("operation %lld: seq %lld after %lld", (long long)p->op, (long long)o->seq,
            (long long)p->heads[actor]);
    }
    p->heads[actor] = o->seq;
    p->accepted = true;
    p->entries_max[actor] += entries;
    assert_true(p->note_count[actor] < NOTES_MAX);
    p->notes[actor][p->note_count[actor]++] =
        (note){o->seq, record, pool_str(p->n->pool, sw_str_from(o->id))};
}

void play_check(play *p, int actor, const char *what, const sw_outcome *o, nv_answer want,
                sw_record_id record, int entries)
{
    bool accepted = o->verdict == SW_VERDICT_CREATED || o->verdict == SW_VERDICT_UPDATED;
    bool right = o->verdict == want.verdict || (want.either && o->verdict == want.other);
    bool refused = o->verdict == SW_VERDICT_REJECTED || o->verdict == SW_VERDICT_CONFLICT;
    if (!right || refused != (o->status != SW_STATUS_OK)) {
        say_wrong(p, what, o, want);
    }
    if (want.names && o->verdict == SW_VERDICT_REJECTED && !lt_names(&o->error, want.names)) {
        say_wrong(p, what, o, want);
    }
    if (accepted) {
        note_change(p, actor, o, record, entries);
    } else if (refused && o->seq != 0) {
        SAY("operation %lld, %s: a refusal has seq %lld", (long long)p->op, what,
            (long long)o->seq);
    }
}

int play_entries_of(const sw_step_entry *e)
{
    return 1 + (e->metrics ? 1 : 0) + (int)e->message_count + (int)e->trace_count;
}

/* ---- steps -------------------------------------------------------------------------------------- */

static void remember(play *p, int actor, const sw_step_entry *entry, const char *broken)
{
    size_t at = p->sent_count < SENT_MAX ? p->sent_count++ : lt_below(&p->rng, SENT_MAX);
    p->sent[at] = (sent){actor, *entry, broken};
}

static sw_step_entry draw_entry(play *p, int *actor, const char **broken)
{
    sw_step_entry e;
    *broken = NULL;
    if (p->sent_count > 0 && lt_one_in(&p->rng, 5)) {
        sent *again = &p->sent[lt_below(&p->rng, (unsigned)p->sent_count)];
        *actor = again->actor;
        *broken = again->broken;
        return again->entry;
    }
    e = chance_entry(p->t, &p->rng);
    if (lt_one_in(&p->rng, 8)) {
        *broken = chance_break(p->t, &p->rng, &e);
    }
    remember(p, *actor, &e, *broken);
    return e;
}

/* A step that was given no time has the ledger's, which keeps the order of a batch by microseconds. */
int64_t play_time_of(play *p, int actor, const sw_step_entry *e, const sw_outcome *o)
{
    int64_t at = p->t->wall;
    if (!e->step.created_at.known && o->verdict == SW_VERDICT_CREATED) {
        at = lt_get(p->t, p->actors[actor], sw_str_from(o->id)).created_at.value;
        if (at < p->t->wall || at > p->t->wall + 1000) {
            SAY("operation %lld: recorded at %lld, it is %lld", (long long)p->op, (long long)at,
                (long long)p->t->wall);
        }
    }
    return at;
}

static nv_answer model_log(play *p, int actor, const sw_step_entry *e, const sw_outcome *o,
                           const char *broken, bool dry)
{
    sw_str id = e->step.id.ptr ? e->step.id : sw_str_from(o->id);
    int64_t now = dry ? 0 : play_time_of(p, actor, e, o);
    return naive_log(p->n, p->actors[actor], e, id, now, broken, dry);
}

static void do_log(play *p, int actor)
{
    lt *t = p->t;
    const char *broken = NULL;
    sw_step_entry e = draw_entry(p, &actor, &broken);
    sw_outcome *o = p->outcomes;
    sw_status s =
        sw_step_log(t->ledger, p->actors[actor], &e, 1, lt_one_in(&p->rng, 2), o, &t->err);
    if (s != o->status) {
        SAY("operation %lld: the call says %s, its only outcome %s", (long long)p->op,
            status_name(s), status_name(o->status));
    }
    play_check(p, actor, "log", o, model_log(p, actor, &e, o, broken, false), SW_RECORD_STEP,
               play_entries_of(&e));
}

static void do_log_batch(play *p, int actor)
{
    lt *t = p->t;
    const char *broken[8];
    sw_step_entry e[8];
    size_t count = 2 + lt_below(&p->rng, 6);
    for (size_t i = 0; i < count; i++) {
        e[i] = chance_entry(t, &p->rng);
        broken[i] = lt_one_in(&p->rng, 8) ? chance_break(t, &p->rng, &e[i]) : NULL;
        if (i > 0 && lt_one_in(&p->rng, 8)) {
            e[i] = e[i - 1];
            broken[i] = broken[i - 1];
        }
        remember(p, actor, &e[i], broken[i]);
    }
    OK(sw_step_log(t->ledger, p->actors[actor], e, count, false, p->outcomes, &t->err));
    for (size_t i = 0; i < count; i++) {
        play_check(p, actor, "log in a batch", &p->outcomes[i],
                   model_log(p, actor, &e[i], &p->outcomes[i], broken[i], false), SW_RECORD_STEP,
                   play_entries_of(&e[i]));
    }
}

/* All or nothing: different ids, so that each can be judged by itself. */
static void do_log_atomic(play *p, int actor)
{
    lt *t = p->t;
    const char *broken[4] = {NULL};
    sw_step_entry e[4];
    nv_answer want[4];
    bool refused = false;
    sw_status s = SW_STATUS_OK;
    unsigned first = lt_below(&p->rng, CHANCE_STEPS);
    for (size_t i = 0; i < 4; i++) {
        e[i] = chance_entry(t, &p->rng);
        e[i].step.source = SW_NULL_INT;
        if (!e[i].step.total_tokens.known || e[i].step.prompt_tokens.value != 5) {
            e[i].step.id = lt_id(t, "step", (first + (unsigned)i) % CHANCE_STEPS);
        } else {
            e[i].step.total_tokens = SW_NULL_INT;
            e[i].step.id = lt_id(t, "step", (first + (unsigned)i) % CHANCE_STEPS);
        }
        if (lt_one_in(&p->rng, 10)) {
            broken[i] = chance_break(t, &p->rng, &e[i]);
        }
        want[i] = model_log(p, actor, &e[i], p->outcomes, broken[i], true);
        refused |= want[i].verdict > SW_VERDICT_UNCHANGED;
    }
    s = sw_step_log(t->ledger, p->actors[actor], e, 4, true, p->outcomes, &t->err);
    if ((s != SW_STATUS_OK) != refused) {
        SAY("operation %lld: atomic batch answers %s", (long long)p->op, status_name(s));
    }
    for (size_t i = 0; i < 4; i++) {
        bool fine = want[i].verdict <= SW_VERDICT_UNCHANGED;
        if (refused && fine) {
            want[i] = (nv_answer){SW_VERDICT_REJECTED, SW_VERDICT_UNCHANGED,
                                  want[i].verdict == SW_VERDICT_UNCHANGED, NULL};
        } else if (!refused) {
            want[i] = model_log(p, actor, &e[i], &p->outcomes[i], broken[i], false);
        }
        play_check(p, actor, "log atomically", &p->outcomes[i], want[i], SW_RECORD_STEP,
                   play_entries_of(&e[i]));
    }
}

/* ---- the play ----------------------------------------------------------------------------------- */

/* clang-format off: rows of data line up as their reader needs */
static const struct {
    void (*run)(play *p, int actor);
    unsigned weight;
} operations[] = {
    {do_log, 30},         {do_log_batch, 8},    {do_log_atomic, 4},   {play_end, 14},
    {play_update, 6},     {play_feedback, 6},   {play_metrics, 6},    {play_attach, 5},
    {play_delete, 3},     {play_restate, 5},    {play_retire, 2},     {play_run_create, 6},
    {play_run_update, 6}, {play_run_cancel, 1}, {play_run_delete, 1}, {play_agent, 5},
};
/* clang-format on */

play *play_new(lt *t, lt_rng rng)
{
    play *p = calloc(1, sizeof *p);
    assert_non_null(p);
    p->t = t;
    p->n = naive_new();
    p->rng = rng;
    p->actors[0] = &t->a;
    p->actors[1] = &t->b;
    for (int i = 0; i < 2; i++) {
        p->notes[i] = calloc(NOTES_MAX, sizeof *p->notes[i]);
        assert_non_null(p->notes[i]);
        p->heads[i] = p->firsts[i] = lt_head(t, p->actors[i]);
    }
    return p;
}

void play_free(play **p)
{
    naive_free(&(*p)->n);
    free((*p)->notes[0]);
    free((*p)->notes[1]);
    free(*p);
    *p = NULL;
}

static void check_heads(play *p, const int64_t before[2])
{
    lt *t = p->t;
    for (int i = 0; i < 2; i++) {
        int64_t head = lt_head(t, p->actors[i]);
        if (head < p->heads[i] || (!p->accepted && head != before[i])) {
            SAY("operation %lld: the journal's head is %lld, expected %lld", (long long)p->op,
                (long long)head, (long long)p->heads[i]);
        }
        p->heads[i] = head;
    }
}

void play_one(play *p)
{
    int64_t before[2] = {p->heads[0], p->heads[1]};
    unsigned total = 0, drawn = 0;
    size_t k = 0;
    for (size_t i = 0; i < sizeof operations / sizeof operations[0]; i++) {
        total += operations[i].weight;
    }
    drawn = lt_below(&p->rng, total);
    while (drawn >= operations[k].weight) {
        drawn -= operations[k++].weight;
    }
    p->op++;
    p->accepted = false;
    if (lt_one_in(&p->rng, 10)) {
        lt_advance(p->t, 1, 1);
    }
    operations[k].run(p, (int)lt_below(&p->rng, 2));
    check_heads(p, before);
}

static void check_note(const note *n, const lt_rows *rows, size_t *at)
{
    const sw_journal *entry = NULL;
    while (*at < rows->count && ((const sw_journal *)rows->at[*at])->seq.value < n->seq) {
        (*at)++;
    }
    entry = *at < rows->count ? rows->at[*at] : NULL;
    if (!entry || entry->seq.value != n->seq || !sw_str_eq(entry->record_id, n->id) ||
        (n->record != SW_RECORD_COUNT && entry->record.value != (int64_t)n->record)) {
        SAY("the journal has no right entry %lld for %s %.*s", (long long)n->seq,
            n->record == SW_RECORD_COUNT ? "a record of" : row_kind_of(n->record)->name,
            (int)n->id.len, n->id.ptr);
    }
}

void play_check_journal(play *p)
{
    for (int i = 0; i < 2; i++) {
        lt_rows rows = lt_journal(p->t, p->actors[i], p->firsts[i]);
        int64_t last = p->firsts[i];
        size_t at = 0;
        for (size_t k = 0; k < rows.count; k++) {
            const sw_journal *entry = rows.at[k];
            CHECK(entry->seq.value > last);
            CHECK(sw_str_eq(entry->organization_id, p->actors[i]->organization_id));
            CHECK(entry->time.known && entry->what.known && entry->record.known);
            last = entry->seq.value;
        }
        for (size_t k = 0; k < p->note_count[i]; k++) {
            check_note(&p->notes[i][k], &rows, &at);
        }
        if ((int64_t)rows.count > p->entries_max[i]) {
            SAY("%zu journal entries for %zu changes", rows.count, p->note_count[i]);
        }
    }
}
