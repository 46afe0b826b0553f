/* SPDX-License-Identifier: Apache-2.0 */
/* The walk through a V1 database: table by table, parents first, each in its own order. Two thousand keys are read,
 * those that the ledger has are passed by, and of the others the rows come one at a time and are written a few megabytes
 * at a time. So memory does not grow with the database, a second import reads little more than keys, and an import that
 * was killed goes on where it was: what a transaction brought is there, the rest is not.
 *
 * Rows come in the same order each time, so the order in the ledger is the same, however often it was killed.
 */
#include "ingest/import_v1_inside.h"

enum { PAGE = 2000, BATCH_BYTES = 4 << 20 };

/* Parents before children. The first link of runs says the organization of who asked, the last whether steps name it; the
 * others which agent ran; that of messages which job they belong to; that of conversations when the last message came. */
const v1_table v1_tables[IMPORT_V1_TABLES] = {
    {.name = "organizations", .record = SW_RECORD_ORGANIZATION, .order = "created_at"},
    {.name = "users", .record = SW_RECORD_USER, .order = "created_at"},
    {.name = "providers", .record = SW_RECORD_PROVIDER, .order = "created_at"},
    {.name = "provider_models", .record = SW_RECORD_PROVIDER_MODEL, .order = "created_at"},
    {.name = "agents", .record = SW_RECORD_AGENT, .order = "created_at"},
    {.name = "conversations",
     .record = SW_RECORD_CONVERSATION,
     .order = "created_at",
     .links = {{"messages", "conversation_id", "created_at", true, NULL, NULL, NULL}}},
    {.name = "runs",
     .before = "jobs",
     .record = SW_RECORD_RUN,
     .order = "created_at",
     .links = {{"jobs", "id", "user_id", false, "users", "id", "organization_id"},
               {"steps", "job_id", "agent_id", false, NULL, NULL, NULL},
               {"agents_runs", "run_id", "agent_id", false, NULL, NULL, NULL},
               {"job_messages", "job_id", "message_id", false, "messages", "id", "agent_id"},
               {"steps", "job_id", "job_id", false, NULL, NULL, NULL}}},
    {.name = "steps", .record = SW_RECORD_STEP, .order = "created_at"},
    {.name = "messages",
     .record = SW_RECORD_MESSAGE,
     .order = "sequence_id",
     .links = {{"job_messages", "message_id", "job_id", false, NULL, NULL, NULL}}},
    /* Their times stand behind their payloads; an index knows the ids. */
    {.name = "provider_traces", .record = SW_RECORD_PROVIDER_TRACE},
};

bool import_v1_is_url(const char *url)
{
    static const char *const schemes[] = {"sqlite:", "postgres:", "postgresql:"};

    for (size_t i = 0; i < SW_COUNT(schemes); i++) {
        if (strncmp(url, schemes[i], strlen(schemes[i])) == 0) {
            return true;
        }
    }
    return false;
}

/* ---- what it is ---------------------------------------------------------------------------------------- */

static sw_status recognize(v1_work *w, const char **age, sw_error *err)
{
    sw_foreign *db = w->db;

    if (sw_foreign_has(db, "stepwell_help", NULL) || sw_foreign_has(db, "stepwell_state", NULL)) {
        return sw_fail(err, SW_STATUS_UNSUPPORTED, "",
                       "it is a ledger of Stepwell's own, and no database of Letta V1");
    }
    if (!sw_foreign_has(db, "steps", "id") || !sw_foreign_has(db, "steps", "prompt_tokens") ||
        !sw_foreign_has(db, "steps", "organization_id")) {
        return sw_fail(
            err, SW_STATUS_UNSUPPORTED, "",
            sw_foreign_has(db, "job_usage_statistics", NULL)
                ? "it is a database of Letta from before January 2025, which knew no steps"
                : "it is no database of Letta V1: it has no table of steps");
    }
    w->jobs = !sw_foreign_has(db, "runs", NULL);
    *age = w->jobs                                        ? "before September 2025"
           : !sw_foreign_has(db, "run_metrics", NULL)     ? "September 2025"
           : !sw_foreign_has(db, "steps", "request_id")   ? "October to December 2025"
           : !sw_foreign_has(db, "steps", "model_handle") ? "December 2025 to February 2026"
           : !sw_foreign_has(db, "conversations", "last_message_at") ? "since February 2026"
                                                                     : "the last revision";
    return SW_STATUS_OK;
}

/* ---- a page of a table ------------------------------------------------------------------------------- */

/* What a second table says of the rows of a page: timings of steps, durations of runs. */
typedef struct beside {
    v1_row rows[PAGE];
    size_t count;
    size_t at; /* they come in the order of the rows they belong to, but not each has one */
} beside;

typedef struct page {
    v1_work *w;
    const v1_table *table;
    v1_columns columns;
    v1_columns beside_columns; /* name NULL: none */
    sw_arena arena;            /* of the page */
    sw_foreign_key keys[PAGE];
    size_t count;
    sw_str wanted[PAGE]; /* of the keys those that the ledger lacks */
    const sw_foreign_key *wanted_key[PAGE];
    size_t wanted_count;
    bool met[PAGE]; /* of the wanted ones: its row came */
    size_t at;      /* of the wanted ones: those before it have all been met */
    beside beside;
    sw_adopted batch[PAGE];
    sw_str ids[PAGE];
    size_t batch_count;
} page;

static void tell_left_out(page *p, const sw_adopted *a, sw_str id)
{
    const sw_record *record = sw_record_of(p->table->record);

    for (uint64_t mask = a->left_out; mask; mask &= mask - 1) {
        const sw_field *field = &record->fields[__builtin_ctzll(mask)];
        v1_tell(p->w, id, sw_field_column(field),
                field->flags & SW_SECRET ? "needs a key to be sealed with (STEPWELL_SECRET_KEY)"
                                         : "names what is not there, or is another's",
                true);
    }
}

/* The default organization and user are in every ledger. */
static bool is_everywhere(const page *p, sw_str id)
{
    return (p->table->record == SW_RECORD_ORGANIZATION &&
            sw_str_eq(id, SW_STR(SW_DEFAULT_ORGANIZATION))) ||
           (p->table->record == SW_RECORD_USER && sw_str_eq(id, SW_STR(SW_DEFAULT_USER)));
}

static void count_row(page *p, const sw_adopted *a, sw_str id)
{
    import_v1_count *count = p->w->count;

    p->w->result->named_agents += a->named_agent;
    switch (a->verdict) {
    case SW_VERDICT_CREATED:
        count->made++;
        p->w->result->metrics += a->timed;
        break;
    case SW_VERDICT_UPDATED:
        count->ended++;
        break;
    case SW_VERDICT_UNCHANGED:
        count->there++;
        return;
    case SW_VERDICT_CONFLICT:
        if (strcmp(a->field, "id") == 0) {
            count->there += is_everywhere(p, id);
            count->differing += !is_everywhere(p, id);
            return;
        }
        count->refused++;
        v1_tell(p->w, id, a->field, a->why, false);
        return;
    case SW_VERDICT_REJECTED:
        count->refused++;
        v1_tell(p->w, id, a->field, a->why, false);
        return;
    }
    tell_left_out(p, a, id);
}

static sw_status flush(page *p, sw_error *err)
{
    v1_work *w = p->w;
    sw_status status = SW_STATUS_OK;

    if (w->options->dry_run) {
        w->count->made += (int64_t)p->batch_count;
    } else {
        status = sw_adopt(w->ledger, p->table->record, p->batch, p->batch_count, err);
    }
    for (size_t i = 0; i < p->batch_count && status == SW_STATUS_OK && !w->options->dry_run; i++) {
        count_row(p, &p->batch[i], p->ids[i]);
    }
    p->batch_count = 0;
    sw_arena_reset(&w->arena);
    return status;
}

/* Of jobs, only runs are runs; and whatever has steps. */
static bool is_meant(const page *p, const v1_row *row)
{
    sw_str type = row->extras[V1_EXTRA_JOB_TYPE];

    return p->table->record != SW_RECORD_RUN || !p->w->jobs || !type.ptr ||
           sw_str_eq(type, SW_STR("run")) || row->key->links[V1_LINK_STEPS].ptr;
}

static void take_beside(page *p, v1_row *row, sw_adopted *out)
{
    for (size_t i = p->beside.at; i < p->beside.count; i++) {
        const v1_row *other = &p->beside.rows[i];
        if (!sw_str_eq(other->id, row->id)) {
            continue;
        }
        if (other->record == SW_RECORD_STEP_METRICS) {
            out->metrics = other->row;
        } else {
            row->run_ns = ((const sw_run_metrics *)other->row)->run_ns;
        }
        p->beside.at = i + 1;
        return;
    }
}

/* Rows come in the order of their keys, but to V1's database keys may be equal that are not when they are read: then
 * more rows come of a key than one, in any order. NULL: nobody waits for it. */
static const sw_foreign_key *meet(page *p, sw_str id)
{
    for (size_t i = p->at; i < p->wanted_count; i++) {
        if (!p->met[i] && sw_str_eq(p->wanted[i], id)) {
            p->met[i] = true;
            while (p->at < p->wanted_count && p->met[p->at]) {
                p->at++;
            }
            return p->wanted_key[i];
        }
    }
    return NULL;
}

static void tell_not_met(page *p)
{
    for (size_t i = p->at; i < p->wanted_count; i++) {
        if (!p->met[i]) {
            p->w->count->refused++;
            v1_tell(p->w, p->wanted[i], "id", "is not found under what it prints as", false);
        }
    }
}

static sw_status make_row(page *p, v1_row *row, sw_error *err)
{
    v1_work *w = p->w;
    sw_adopted made = {.row = NULL};
    sw_status status = SW_STATUS_OK;

    row->key = meet(p, row->id);
    if (!row->key) {
        return SW_STATUS_OK;
    }
    if (!is_meant(p, row)) {
        w->count->rows--;
        return SW_STATUS_OK;
    }
    take_beside(p, row, &made);
    status = v1_mend(w, row, err);
    v1_check(w, row);
    if (row->refused) {
        w->count->refused++;
        return status;
    }
    made.row = row->row;
    p->ids[p->batch_count] = row->id;
    p->batch[p->batch_count++] = made;
    return status;
}

/* What is kept of rows that are refused or not meant goes with those that are written, or at once. */
static sw_status take_row(void *arg, const sw_str *values, sw_error *err)
{
    page *p = arg;
    v1_work *w = p->w;
    v1_row row = {.refused = false};
    sw_status status = v1_read(w, &p->columns, values, &row, err);

    if (status == SW_STATUS_OK) {
        status = make_row(p, &row, err);
    }
    if (status == SW_STATUS_OK && p->batch_count == 0) {
        sw_arena_reset(&w->arena);
    }
    return status == SW_STATUS_OK && (p->batch_count == PAGE || w->arena.used > BATCH_BYTES)
               ? flush(p, err)
               : status;
}

/* ---- beside ------------------------------------------------------------------------------------------- */

static sw_status take_other(void *arg, const sw_str *values, sw_error *err)
{
    page *p = arg;
    v1_work *w = p->w;
    v1_row *row = &p->beside.rows[p->beside.count];
    sw_arena rows = w->arena;
    sw_status status = SW_STATUS_OK;

    if (p->beside.count == PAGE) {
        return SW_STATUS_OK;
    }
    *row = (v1_row){.refused = false};
    w->arena = p->arena; /* it lives as long as the page */
    w->table = p->beside_columns.name;
    status = v1_read(w, &p->beside_columns, values, row, err);
    if (status == SW_STATUS_OK) {
        v1_check(w, row);
    }
    w->table = p->columns.name;
    p->arena = w->arena;
    w->arena = rows;
    p->beside.count += status == SW_STATUS_OK && !row->refused;
    return status;
}

static sw_status read_beside(page *p, sw_error *err)
{
    const v1_columns *c = &p->beside_columns;
    const sw_foreign_wide of = {c->name, "id", c->columns, c->count + V1_EXTRAS};

    p->beside.count = p->beside.at = 0;
    return c->name ? sw_foreign_rows(p->w->db, &of, p->wanted, p->wanted_count, take_other, p, err)
                   : SW_STATUS_OK;
}

static void find_beside(page *p)
{
    static const struct {
        sw_record_id of, record;
        const char *table;
    } tables[] = {{SW_RECORD_STEP, SW_RECORD_STEP_METRICS, "step_metrics"},
                  {SW_RECORD_RUN, SW_RECORD_RUN_METRICS, "run_metrics"}};

    for (size_t i = 0; i < SW_COUNT(tables); i++) {
        if (tables[i].of == p->table->record && sw_foreign_has(p->w->db, tables[i].table, "id")) {
            v1_columns_find(p->w->db, tables[i].table, tables[i].record, &p->beside_columns);
        }
    }
}

/* ---- a table ------------------------------------------------------------------------------------------ */

static sw_status choose(page *p, sw_error *err)
{
    v1_work *w = p->w;
    sw_str ids[PAGE];
    bool known[PAGE] = {false};
    sw_status status = SW_STATUS_OK;

    for (size_t i = 0; i < p->count; i++) {
        ids[i] = p->keys[i].key;
    }
    if (w->ledger) {
        status = sw_adopt_known(w->ledger, p->table->record, ids, p->count, known, err);
    }
    p->wanted_count = p->at = 0;
    memset(p->met, 0, sizeof p->met);
    for (size_t i = 0; i < p->count && status == SW_STATUS_OK; i++) {
        if (known[i]) {
            w->count->there++;
        } else if (!ids[i].ptr || ids[i].len == 0) { /* nothing could find it again */
            w->count->refused++;
            v1_tell(w, ids[i], "id", "is not said", false);
        } else {
            p->wanted_key[p->wanted_count] = &p->keys[i];
            p->wanted[p->wanted_count++] = ids[i];
        }
    }
    return status;
}

static sw_status take_page(page *p, sw_error *err)
{
    const sw_foreign_wide of = {p->columns.name, "id", p->columns.columns,
                                p->columns.count + V1_EXTRAS};
    sw_status status = choose(p, err);

    if (status == SW_STATUS_OK) {
        status = read_beside(p, err);
    }
    if (status == SW_STATUS_OK) {
        status = sw_foreign_rows(p->w->db, &of, p->wanted, p->wanted_count, take_row, p, err);
    }
    if (status == SW_STATUS_OK) {
        tell_not_met(p);
    }
    return status == SW_STATUS_OK ? flush(p, err) : status;
}

static sw_status walk_table(page *p, int64_t *done, int64_t total, sw_error *err)
{
    v1_work *w = p->w;
    sw_arena handle;
    sw_foreign_walk *walk = NULL;
    sw_foreign_keys of = {.table = p->columns.name, .key = "id", .order = p->table->order};
    sw_status status = SW_STATUS_OK;

    memcpy(of.links, p->table->links, sizeof of.links);
    sw_arena_init(&handle, w->options->allocator, 0);
    status = sw_foreign_walk_open(w->db, &of, &handle, &walk, err);
    do {
        sw_arena_reset(&p->arena);
        status = status == SW_STATUS_OK
                     ? sw_foreign_walk_next(walk, PAGE, &p->arena, p->keys, &p->count, err)
                     : status;
        status = status == SW_STATUS_OK ? take_page(p, err) : status;
        *done += (int64_t)p->count;
        if (status == SW_STATUS_OK && w->options->progress) {
            w->options->progress(w->options->arg, w->table, *done, total);
        }
    } while (status == SW_STATUS_OK && p->count > 0);
    sw_foreign_walk_close(&walk);
    sw_arena_fini(&handle);
    return status;
}

static const char *name_in(const v1_work *w, const v1_table *table)
{
    const char *name = sw_foreign_has(w->db, table->name, "id") ? table->name : table->before;
    return name && sw_foreign_has(w->db, name, "id") ? name : NULL;
}

static sw_status take_table(v1_work *w, size_t i, int64_t *done, int64_t total, sw_error *err)
{
    page *p = sw_alloc_zeroed(w->options->allocator, sizeof *p);
    sw_status status = SW_STATUS_OK;

    if (!p) {
        return sw_no_memory(err);
    }
    *p = (page){.w = w, .table = &v1_tables[i]};
    w->count = &w->result->tables[i];
    w->table = w->count->table;
    v1_columns_find(w->db, w->table, p->table->record, &p->columns);
    find_beside(p);
    sw_arena_init(&p->arena, w->options->allocator, 0);
    status = walk_table(p, done, total, err);
    sw_arena_fini(&p->arena);
    sw_free(w->options->allocator, p);
    return status;
}

static sw_status take_all(v1_work *w, sw_error *err)
{
    int64_t total = 0, done = 0;
    sw_status status = recognize(w, &w->result->age, err);

    for (size_t i = 0; i < IMPORT_V1_TABLES && status == SW_STATUS_OK; i++) {
        import_v1_count *count = &w->result->tables[i];
        count->table = name_in(w, &v1_tables[i]);
        status = count->table ? sw_foreign_count(w->db, count->table, &count->rows, err) : status;
        total += count->rows;
    }
    for (size_t i = 0; i < IMPORT_V1_TABLES && status == SW_STATUS_OK; i++) {
        if (w->result->tables[i].table) {
            status = take_table(w, i, &done, total, err);
        }
    }
    return status;
}

sw_status import_v1(sw_ledger *ledger, const import_v1_options *options, const char *url,
                    import_v1_result *out, sw_error *err)
{
    import_v1_options own = *options;
    v1_work w = {.ledger = ledger, .options = &own, .result = out};
    sw_arena handle;
    sw_status status = SW_STATUS_OK;

    own.allocator = own.allocator ? own.allocator : &sw__libc_allocator;
    *out = (import_v1_result){.age = NULL};
    sw_arena_init(&handle, own.allocator, 0);
    sw_arena_init(&w.arena, own.allocator, 0);
    status = sw_foreign_open_url(url, &handle, &w.db, err);
    if (status == SW_STATUS_OK) {
        status = take_all(&w, err);
    }
    sw_foreign_close(&w.db);
    sw_arena_fini(&w.arena);
    sw_arena_fini(&handle);
    return status;
}
