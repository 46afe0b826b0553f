/* SPDX-License-Identifier: Apache-2.0 */
/* The yardstick. Compares the ledger, through its public header, with a bare SQLite loop that keeps the
 * same rows as plain text. Two sides of one comparison always run in turns, so that a slow minute of
 * the machine slows both.
 *
 * This is a program: what goes wrong ends it with a sentence (bench_die).
 */
#ifndef BENCH_H
#define BENCH_H

#include <sqlite3.h>

#include "stepwell/ledger.h"

/* ---- what is measured --------------------------------------------------------------------------- */

enum {
    BENCH_BATCH = 1000,              /* rows of a transaction */
    BENCH_CACHE_BYTES = 64000 << 10, /* of both sides, writers and readers */
    BENCH_CHECKPOINT_PAGES = 4000,
    BENCH_ROUNDS_MAX = 9,
    BENCH_SMALL = 100000, /* what "at 0.1 million" means */
    BENCH_FULL = 5000000
};

typedef enum bench_group {
    BENCH_GROUP_BARE,
    BENCH_GROUP_INGEST,
    BENCH_GROUP_GROWTH,
    BENCH_GROUP_LISTS,
    BENCH_GROUP_USAGE,
    BENCH_GROUP_RUNS,
    BENCH_GROUP_HASHED,
    BENCH_GROUP_HTTP,
    BENCH_GROUP_OTLP,
    BENCH_GROUP_STATUSLINE,
    BENCH_GROUP_TRANSCRIPTS,
    BENCH_GROUP_POSTGRES,
    BENCH_GROUP_ADOPT,
    BENCH_GROUP_COUNT
} bench_group;

typedef enum bench_direction {
    BENCH_AT_LEAST,
    BENCH_AT_MOST,
    BENCH_BELOW,
    BENCH_REPORTED
} bench_direction;

typedef enum bench_figure {
#define BENCH_FIGURE(NAME, name, GROUP, UNIT, DIRECTION, TARGET, FULL, DOC) BENCH_##NAME,
#include "figures.def"
#undef BENCH_FIGURE
    BENCH_FIGURE_COUNT
} bench_figure;

/* ---- rows (rows.c) ------------------------------------------------------------------------------ */

enum {
    BENCH_ORGANIZATIONS = 100,
    BENCH_AGENTS = 1000,
    BENCH_PROJECTS = 200,
    BENCH_USERS = 300,
    BENCH_PROVIDERS = 12,
    BENCH_MODELS = 14,
    BENCH_RUN_STEPS = 5,
    BENCH_ID = 48
};

/* Who there is. Agent i belongs to organization i % 100, user i too; each organization has its own
 * twelve providers. */
typedef struct bench_names {
    char organization[BENCH_ORGANIZATIONS][BENCH_ID];
    char agent[BENCH_AGENTS][BENCH_ID];
    char project[BENCH_PROJECTS][BENCH_ID];
    char user[BENCH_USERS][BENCH_ID];
    char provider[BENCH_ORGANIZATIONS][BENCH_PROVIDERS][BENCH_ID];
} bench_names;

/* One row: the columns, what the ledger wants in another form, and where the made-up text is kept. A row
 * points into itself and must not be copied. */
typedef struct bench_row {
#define BENCH_TEXT(name) sw_str name;
#define BENCH_NUMBER(name) int64_t name;
#include "columns.def"
#undef BENCH_TEXT
#undef BENCH_NUMBER
    int organization;
    int user;
    int64_t created_us;
    sw_step_status state;
    char step_text[BENCH_ID];
    char run_text[BENCH_ID];
    char request_text[BENCH_ID];
    char trace_text[32];
    char created_text[26];
    char updated_text[26];
    char completion_text[40];
    char prompt_text[64];
    char error_text[96];
} bench_row;

/* How the rows come. */
typedef struct bench_order {
    bool random_ids; /* of steps, runs and traces; else ordered by time */
    bool blocks;     /* each 1000 rows belong to one organization; else each run to any */
} bench_order;

/* The source of rows. The same order gives the same rows; a copy goes on from the same place. */
typedef struct bench_rows {
    const bench_names *names;
    bench_order order;
    uint64_t random[2];
    int64_t count;       /* rows made so far */
    int64_t value_bytes; /* of them */
    int64_t run_steps;   /* steps of a run; 5 unless set */
    int64_t run_left;
    int64_t block_left;
    int64_t now_us;
    int organization;
    int agent;
    int user;
    char run[BENCH_ID];
    char trace[32];
    int64_t of_organization[BENCH_ORGANIZATIONS];
} bench_rows;

void bench_names_make(bench_names *names);
void bench_rows_init(bench_rows *rows, const bench_names *names, bench_order order);
void bench_rows_next(bench_rows *rows, bench_row *row);
/* Some agent, as skewed as those of the rows; some number below n. */
int bench_rows_agent(bench_rows *rows);
uint64_t bench_rows_below(bench_rows *rows, uint64_t n);
extern const char *const bench_models[BENCH_MODELS];
enum { BENCH_RARE_MODEL = 12 }; /* one row of 196 */

/* ---- the program -------------------------------------------------------------------------------- */

typedef struct bench_big bench_big;
typedef struct bench {
    bool quick;
    int rounds;
    int64_t size;  /* rows of the big tables */
    int64_t slice; /* rows of a turn when two sides write in turns */
    bench_names names;
    bench_big *big; /* filled when first asked for */
} bench;

void bench_bare_check(bench *b);
void bench_ingest(bench *b);
void bench_growth(bench *b);
void bench_hashed(bench *b);
void bench_lists(bench *b);
void bench_usage(bench *b);
void bench_runs(bench *b);
void bench_http(bench *b);
void bench_otlp(bench *b);
void bench_statusline(bench *b);
void bench_transcripts(bench *b);
void bench_postgres(bench *b);
void bench_adopt(bench *b);

/* ---- figures (report.c) ------------------------------------------------------------------------- */

/* The figure of several rounds: its median, least and greatest. */
void bench_figure_set(bench_figure figure, const double *values, int count);
/* A target that was measured beside the figure, and whether the figure is good. */
void bench_figure_judge(bench_figure figure, double target, bool ok);
/* What was found makes all ratios worthless. */
void bench_figures_void(void);
/* The figures of a group, or of all (BENCH_GROUP_COUNT); those not set read n/a. */
void bench_report_print(bench_group group);
void bench_report_write(const char *path, bench_group group);
const char *bench_group_name(bench_group group);
/* Does the figure mean something at this size? */
bool bench_figure_wanted(const bench *b, bench_figure figure);

/* ---- time and other measures (measure.c) -------------------------------------------------------- */

/* Seconds: of the clock, and of all threads of this process on the processors. */
typedef struct bench_lap {
    double wall;
    double cpu;
} bench_lap;
bench_lap bench_start(void);
/* Adds what went by since `start` to `sum`. */
void bench_stop(bench_lap *sum, bench_lap start);
double bench_seconds(void);
/* Waits until no thread of this process works any more. */
void bench_settle(void);
/* The value below which `percent` of them are; sorts them. */
double bench_percentile(double *values, int count, int percent);
double bench_rss_mb(void);
int64_t bench_file_bytes(const char *path);

/* Zeroed memory; there is always some, or the program ends. */
void *bench_take(size_t count, size_t size);
void bench_say(const char *format, ...) SW_PRINTF(1, 2);
_Noreturn void bench_die(const char *format, ...) SW_PRINTF(1, 2);
/* Ends the program unless the ledger said OK. */
void bench_need(sw_status status, const sw_error *err, const char *what);
/* Calls work(arg, i) for each i below `count`, from `threads` threads. */
void bench_parallel(int threads, int64_t count, void (*work)(void *arg, int64_t i), void *arg);

/* ---- the folder of one run (folder.c) ----------------------------------------------------------- */

/* Made in TMPDIR, or beside the program; removed at exit, also when interrupted. */
void bench_folder_make(void);
/* A path in the folder, kept until the program ends. */
const char *bench_path(const char *name);
/* Removes a file of SQLite's and those beside it. */
void bench_remove_database(const char *path);

/* ---- the bare side (bare.c) --------------------------------------------------------------------- */

typedef struct bench_bare {
    sqlite3 *db;
    sqlite3_stmt *insert;
    sqlite3_stmt *begin;
    sqlite3_stmt *commit;
    const char *path;
} bench_bare;

/* A new table with the five indexes, WAL, synchronous FULL. */
void bench_bare_open(bench_bare *bare, const char *path);
void bench_bare_close(bench_bare *bare);
/* Inserts the next `count` rows, `batch` of them a transaction. */
void bench_bare_insert(bench_bare *bare, bench_rows *rows, int64_t count, int64_t batch);
/* The same without durability, for filling; goes back to WAL and FULL at the end. */
void bench_bare_fill(bench_bare *bare, bench_rows *rows, int64_t count);
void bench_bare_run(bench_bare *bare, const char *sql);
sqlite3_stmt *bench_bare_prepare(bench_bare *bare, const char *sql);

/* ---- the ledger's side (well.c) ----------------------------------------------------------------- */

typedef struct bench_well {
    sw_ledger *ledger;
    const char *path; /* of the file; NULL where there is none */
    const char *url;
    bench_rows rows;
    bench_row *batch;
    sw_step_entry *entries;
    sw_outcome *outcomes;
    bench_lap logged; /* what logging took so far, on the processors also what was put off */
} bench_well;

/* A new ledger with its organizations, users, providers and agents. */
void bench_well_open(bench_well *well, const bench *b, const char *name, bench_order order);
/* The same at a URL, where a ledger without a row is; the URL must outlive it. */
void bench_well_open_url(bench_well *well, const bench *b, const char *url, bench_order order);
/* Bytes of the file when everything is in it; closes and opens the ledger for that. */
int64_t bench_well_bytes(bench_well *well);
/* Closes the ledger, for another process to work with the file; and opens it again. */
void bench_well_leave(bench_well *well);
void bench_well_return(bench_well *well);
/* Closes and removes. */
void bench_well_drop(bench_well *well);
/* Creates the runs of the next `count` steps; must come before those are logged. */
void bench_well_runs(bench_well *well, int64_t count);
/* Logs the next `count` steps, a batch a call. */
void bench_well_log(bench_well *well, int64_t count);
/* Logs the next `count` (at most a batch times 64) steps, a step a call, from `threads` threads. Returns
 * the seconds it took; making the rows is not counted. */
bench_lap bench_well_log_each(bench_well *well, int64_t count, int threads);
sw_actor bench_actor(const bench_names *names, int organization, int user);
void bench_entry_fill(sw_step_entry *entry, const bench_row *row);

/* ---- the big tables (big.c) --------------------------------------------------------------------- */

struct bench_big {
    bench_well well;
    bench_bare bare;
    double rss_mb;               /* after the load */
    double bytes_per_step;       /* of the ledger's file */
    char long_run[20][BENCH_ID]; /* runs of 60 steps, so that a list of a run has 50 */
    int long_run_organization[20];
};
enum { BENCH_LONG_RUNS = 20, BENCH_LONG_RUN_STEPS = 60 };
/* The ledger of `size` steps, and the bare table of the same rows; filled on first use. */
bench_well *bench_big_well(bench *b);
bench_bare *bench_big_bare(bench *b);
void bench_big_drop(bench *b);
/* Fills a ledger with `size` steps and says how it goes. */
void bench_well_fill(bench_well *well, int64_t size, const char *what);

#endif
