/* SPDX-License-Identifier: Apache-2.0 */
/* How fast a page of a list comes. Five lists of the newest 50 steps, all fields read, against the bare
 * query that an index answers; each question is asked of both sides in turns, and first it is checked
 * that both find the same steps. Then page 1000 by cursor against page 1.
 */
#include <stdlib.h>

#include "bench.h"

enum { PAGE = 50, QUESTIONS = 100, DEEP_PAGE = 1000 };

typedef enum list {
    LIST_ORGANIZATION,
    LIST_AGENT,
    LIST_RUN,
    LIST_FAILED,
    LIST_RARE_MODEL,
    LIST_COUNT
} list;

/* ?1 is the organization, ?2 what else is asked for. */
typedef struct list_kind {
    const char *name;
    int field; /* -1: none beside the organization */
    const char *bare_index;
    const char *bare_query;
} list_kind;
static const list_kind kinds[LIST_COUNT] = {
    [LIST_ORGANIZATION] =
        {"organization", -1, "SELECT 1",
         "SELECT * FROM steps INDEXED BY steps_organization"
         " WHERE organization_id = ?1 ORDER BY created_at DESC, id DESC LIMIT 50"},
    [LIST_AGENT] = {"agent", SW_STEP_AGENT_ID, "SELECT 1",
                    "SELECT * FROM steps INDEXED BY steps_agent"
                    " WHERE agent_id = ?2 ORDER BY created_at DESC LIMIT 50"},
    [LIST_RUN] = {"run", SW_STEP_RUN_ID, "CREATE INDEX list_run ON steps (run_id, created_at)",
                  "SELECT * FROM steps INDEXED BY list_run"
                  " WHERE run_id = ?2 ORDER BY created_at DESC LIMIT 50"},
    [LIST_FAILED] = {"failed", SW_STEP_STATUS,
                     "CREATE INDEX list_failed ON steps (organization_id, created_at)"
                     " WHERE status = 'failed'",
                     "SELECT * FROM steps INDEXED BY list_failed WHERE organization_id = ?1"
                     " AND status = 'failed' ORDER BY created_at DESC LIMIT 50"},
    [LIST_RARE_MODEL] = {"rare model", SW_STEP_MODEL,
                         "CREATE INDEX list_model ON steps (organization_id, model, created_at)",
                         "SELECT * FROM steps INDEXED BY list_model WHERE organization_id = ?1"
                         " AND model = ?2 ORDER BY created_at DESC LIMIT 50"},
};

typedef struct question {
    int organization;
    sw_value value;
} question;

/* What a list found: how many steps, a number that depends on their ids and order, and the sum that
 * makes sure that every field was read.
 */
typedef struct found {
    int rows;
    uint64_t ids;
    uint64_t sum;
} found;

static void add_id(found *f, const char *id, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        f->ids = (f->ids ^ (unsigned char)id[i]) * UINT64_C(1099511628211);
    }
    f->rows++;
}

/* Questions are as skewed as the rows: those asked about most have most. */
static void ask(bench *b, list kind, question *questions)
{
    bench_rows rows;
    bench_rows_init(&rows, &b->names, (bench_order){.blocks = true});
    for (int i = 0; i < QUESTIONS; i++) {
        int agent = bench_rows_agent(&rows);
        int run = (int)bench_rows_below(&rows, BENCH_LONG_RUNS);
        question *q = &questions[i];
        *q = (question){.organization = agent % BENCH_ORGANIZATIONS};
        if (kind == LIST_AGENT) {
            q->value.text = sw_str_from(b->names.agent[agent]);
        } else if (kind == LIST_RUN) {
            q->organization = b->big->long_run_organization[run];
            q->value.text = sw_str_from(b->big->long_run[run]);
        } else if (kind == LIST_FAILED) {
            q->value.number = SW_STEP_STATUS_FAILED;
        } else if (kind == LIST_RARE_MODEL) {
            q->value.text = sw_str_from(bench_models[BENCH_RARE_MODEL]);
        }
    }
}

/* ---- the two sides ------------------------------------------------------------------------------ */

static bool see_step(void *arg, const void *row)
{
    found *f = arg;
    const sw_step *step = row;
    uint64_t words[sizeof *step / sizeof(uint64_t)];
    memcpy(words, step, sizeof words);
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        f->sum += words[i];
    }
    add_id(f, step->id.ptr, step->id.len);
    return true;
}

static double list_well(bench *b, const sw_list_query *query, int organization, found *out)
{
    sw_error err = {0};
    sw_list_end end;
    sw_actor actor = {.organization_id = sw_str_from(b->names.organization[organization])};
    *out = (found){0};
    double start = bench_seconds();
    sw_status status =
        sw_list(b->big->well.ledger, &actor, SW_RECORD_STEP, query, see_step, out, &end, &err);
    double took = bench_seconds() - start;
    bench_need(status, &err, "list steps");
    return took;
}

static double answer_well(bench *b, list kind, const question *q, found *out)
{
    sw_condition condition = {
        .field = (uint8_t)kinds[kind].field, .op = SW_OP_EQ, .values = &q->value, .count = 1};
    sw_list_query query = {
        .conditions = &condition, .condition_count = kinds[kind].field < 0 ? 0 : 1, .limit = PAGE};
    return list_well(b, &query, q->organization, out);
}

static double answer_bare(bench *b, sqlite3_stmt *statement, const question *q, found *out)
{
    const char *organization = b->names.organization[q->organization];
    *out = (found){0};
    double start = bench_seconds();
    sqlite3_bind_text(statement, 1, organization, -1, SQLITE_STATIC);
    sqlite3_bind_text(statement, 2, q->value.text.ptr, (int)q->value.text.len, SQLITE_STATIC);
    while (sqlite3_step(statement) == SQLITE_ROW) {
        int columns = sqlite3_column_count(statement);
        for (int i = 0; i < columns; i++) {
            out->sum += (uint64_t)sqlite3_column_bytes(statement, i);
        }
        add_id(out, (const char *)sqlite3_column_text(statement, 0),
               (size_t)sqlite3_column_bytes(statement, 0));
    }
    sqlite3_reset(statement);
    return bench_seconds() - start;
}

/* ---- the newest 50 ------------------------------------------------------------------------------ */

/* The ratio of the medians of one pass over all questions. */
static double compare_list(bench *b, list kind, sqlite3_stmt *statement, bool tell)
{
    double well[QUESTIONS];
    double bare[QUESTIONS];
    question questions[QUESTIONS];
    int64_t rows = 0;
    ask(b, kind, questions);
    for (int i = 0; i < QUESTIONS; i++) {
        found a;
        found z;
        well[i] = answer_well(b, kind, &questions[i], &a);
        bare[i] = answer_bare(b, statement, &questions[i], &z);
        rows += a.rows;
        if (a.rows != z.rows || a.ids != z.ids) {
            bench_die("the list by %s differs: %d steps, the bare query finds %d", kinds[kind].name,
                      a.rows, z.rows);
        }
    }
    double well_p50 = bench_percentile(well, QUESTIONS, 50);
    double bare_p50 = bench_percentile(bare, QUESTIONS, 50);
    if (tell) {
        bench_say("lists: by %s: ledger %.3f ms, bare %.3f ms, %.1f rows", kinds[kind].name,
                  well_p50 * 1e3, bare_p50 * 1e3, (double)rows / QUESTIONS);
    }
    return well_p50 / bare_p50;
}

static void measure_lists(bench *b)
{
    double worst[BENCH_ROUNDS_MAX];
    sqlite3_stmt *statements[LIST_COUNT];
    for (int k = 0; k < LIST_COUNT; k++) {
        bench_bare_run(&b->big->bare, kinds[k].bare_index);
        statements[k] = bench_bare_prepare(&b->big->bare, kinds[k].bare_query);
    }
    for (int i = -1; i < b->rounds; i++) {
        int at = i < 0 ? 0 : i; /* the first round warms up and is overwritten */
        worst[at] = 0;
        for (int k = 0; k < LIST_COUNT; k++) {
            double ratio = compare_list(b, (list)k, statements[k], i == b->rounds - 1);
            worst[at] = ratio > worst[at] ? ratio : worst[at];
        }
    }
    for (int k = 0; k < LIST_COUNT; k++) {
        sqlite3_finalize(statements[k]);
    }
    bench_figure_set(BENCH_LIST, worst, b->rounds);
}

/* ---- page 1000 ---------------------------------------------------------------------------------- */

/* The organization with the most steps; only there are there so many pages. */
static int largest_organization(const bench_rows *rows)
{
    int best = 0;
    for (int i = 1; i < BENCH_ORGANIZATIONS; i++) {
        best = rows->of_organization[i] > rows->of_organization[best] ? i : best;
    }
    return best;
}

typedef struct last_id {
    char text[SW_ID_MAX];
} last_id;

static bool keep_id(void *arg, const void *row)
{
    last_id *last = arg;
    const sw_step *step = row;
    memcpy(last->text, step->id.ptr, step->id.len);
    last->text[step->id.len] = 0;
    return true;
}

/* The last id of page 999. */
static void find_cursor(bench *b, int organization, last_id *cursor)
{
    sw_error err = {0};
    sw_list_end end;
    sw_actor actor = {.organization_id = sw_str_from(b->names.organization[organization])};
    int64_t left = (int64_t)PAGE * (DEEP_PAGE - 1);
    *cursor = (last_id){0};
    while (left > 0) {
        int64_t n = left < SW_LIMIT_LIST_ITEMS ? left : SW_LIMIT_LIST_ITEMS;
        last_id from = *cursor;
        sw_list_query query = {.limit = n};
        if (*from.text) {
            query.after = sw_str_from(from.text);
        }
        bench_need(sw_list(b->big->well.ledger, &actor, SW_RECORD_STEP, &query, keep_id, cursor,
                           &end, &err),
                   &err, "walk to page 1000");
        if (end.count != n) {
            bench_die("no organization has %d pages", DEEP_PAGE);
        }
        left -= n;
    }
}

static void measure_pages(bench *b)
{
    double ratio[BENCH_ROUNDS_MAX];
    double first[QUESTIONS];
    double deep[QUESTIONS];
    last_id cursor;
    found page;
    int organization = largest_organization(&b->big->well.rows);
    find_cursor(b, organization, &cursor);
    sw_list_query first_page = {.limit = PAGE};
    sw_list_query deep_page = {.limit = PAGE, .after = sw_str_from(cursor.text)};
    for (int i = -1; i < b->rounds; i++) {
        for (int k = 0; k < QUESTIONS; k++) {
            first[k] = list_well(b, &first_page, organization, &page);
            deep[k] = list_well(b, &deep_page, organization, &page);
        }
        ratio[i < 0 ? 0 : i] =
            bench_percentile(deep, QUESTIONS, 50) / bench_percentile(first, QUESTIONS, 50);
    }
    bench_figure_set(BENCH_PAGE, ratio, b->rounds);
}

void bench_lists(bench *b)
{
    bench_big_bare(b);
    measure_lists(b);
    if (bench_figure_wanted(b, BENCH_PAGE)) {
        measure_pages(b);
    }
}
