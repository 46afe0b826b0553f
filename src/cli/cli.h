/* SPDX-License-Identifier: Apache-2.0 */
/* The command line: what its files share. One file a command; each command is a function that takes
 * the parsed invocation and answers with an exit code. Beneath them: the rows of model/commands.def
 * and what walks them, the terminal, the table, and the words for numbers.
 *
 * Nothing here is global: the invocation carries where to write, what time it is and its memory.
 * What is printed for people goes to cli->out, what is said about trouble or progress to cli->err.
 */
#ifndef SW_CLI_H
#define SW_CLI_H

#include <stdio.h>

#include "model/model.h"
#include "stepwell/ledger.h"

/* ---- commands and options: the rows of model/commands.def ------------------------------------ */

typedef enum sw_command_id {
#define SW_COMMAND(NAME, UPPER, ARGUMENTS, LEAST, MOST, LINE, PARAGRAPH) SW_COMMAND_##UPPER,
#define SW_OPTION(NAME, TEXT, KIND, ARGUMENT, COMMANDS, ...)
#include "model/commands.def"
#undef SW_COMMAND
#undef SW_OPTION
    SW_COMMAND_COUNT
} sw_command_id;

typedef enum sw_option_id {
#define SW_COMMAND(NAME, UPPER, ARGUMENTS, LEAST, MOST, LINE, PARAGRAPH)
#define SW_OPTION(NAME, TEXT, KIND, ARGUMENT, COMMANDS, ...) SW_OPTION_##NAME,
#include "model/commands.def"
#undef SW_COMMAND
#undef SW_OPTION
    SW_OPTION_COUNT
} sw_option_id;

/* What an option takes: nothing, any text, a number of 0 or more, a time, a word of a closed list.
 */
typedef enum sw_option_kind {
    SW_OPTION_IS_FLAG,
    SW_OPTION_IS_TEXT,
    SW_OPTION_IS_COUNT,
    SW_OPTION_IS_TIME,
    SW_OPTION_IS_WORD
} sw_option_kind;

typedef struct sw_cli sw_cli;
typedef int sw_command_run(sw_cli *cli);

typedef struct sw_command {
    const char *name;
    const char *arguments;
    int arguments_min;
    int arguments_max;
    const char *line;
    const char *paragraph;
    sw_command_run *run;
} sw_command;

typedef struct sw_option {
    const char *name;
    sw_option_kind kind;
    const char *argument;
    uint64_t commands; /* bit SW_COMMAND_X: the command takes it */
    const char *doc;
    const char *fallback;
    sw_enum_id words;
    bool repeats;
} sw_option;

extern const sw_command sw__commands[SW_COMMAND_COUNT];
extern const sw_option sw__options[SW_OPTION_COUNT];

/* Whether the command takes the option. */
bool sw_option_is_of(sw_option_id option, sw_command_id command);

#define SW_COMMAND(NAME, UPPER, ARGUMENTS, LEAST, MOST, LINE, PARAGRAPH)                           \
    sw_command_run sw_cli_##NAME;
#define SW_OPTION(NAME, TEXT, KIND, ARGUMENT, COMMANDS, ...)
#include "model/commands.def"
#undef SW_COMMAND
#undef SW_OPTION

/* ---- the terminal ---------------------------------------------------------------------------- */

/* Where something is written. `width` is what prose is wrapped to; `limit` what a table must fit
 * in, 0 when there is no limit because nobody looks at it on a terminal.
 */
typedef struct sw_terminal {
    bool is_terminal;
    bool colour;
    int width;
    int limit;
} sw_terminal;
sw_terminal sw_terminal_of(FILE *file);

typedef enum sw_style {
    SW_STYLE_PLAIN,
    SW_STYLE_BOLD,
    SW_STYLE_DIM,
    SW_STYLE_GOOD,
    SW_STYLE_BAD,
    SW_STYLE_WARN
} sw_style;
/* What switches the style on, and off again; "" when there is no colour. */
const char *sw_style_on(bool colour, sw_style style);
const char *sw_style_off(bool colour, sw_style style);

/* How many columns a text takes on a terminal; and the longest prefix that takes at most `columns`.
 */
int sw_text_columns(sw_str text);
size_t sw_text_fit(sw_str text, int columns);
/* The text without control characters, so that what an agent wrote cannot steer the terminal. Line
 * feeds stay when `lines`, else become blanks. Bytes that are no UTF-8 become '?'. */
sw_str sw_text_clean(sw_arena *arena, sw_str text, bool lines);
/* Prints prose in lines of at most `width` columns, each indented; the first line begins at `at`.
 */
void sw_text_wrap(FILE *out, const char *text, int at, int indent, int width);

/* A bar with rate and time left, drawn over itself. It appears on a terminal only, after a second,
 * and leaves no trace. */
typedef struct sw_progress {
    FILE *out;
    sw_terminal terminal;
    const char *unit;
    int64_t begun_us;
    int64_t drawn_us;
    bool shown;
} sw_progress;
void sw_progress_init(sw_progress *progress, FILE *out, const char *unit, int64_t mono_us);
void sw_progress_show(sw_progress *progress, int64_t done, int64_t total, int64_t mono_us);
void sw_progress_done(sw_progress *progress);
/* The line that a bar shows; `width` columns at most. */
sw_str sw_progress_line(sw_arena *arena, const char *unit, int64_t done, int64_t total,
                        int64_t passed_us, int width);

/* ---- tables ---------------------------------------------------------------------------------- */

typedef struct sw_column {
    const char *title;
    bool right;    /* aligned; numbers */
    uint8_t least; /* not 0: may be cut, down to this many columns, when the table is too wide */
    uint8_t drop;  /* not 0: may be left out when it is still too wide; the largest number first */
} sw_column;

typedef struct sw_cell {
    sw_str text;
    sw_style style;
} sw_cell;

enum { SW_TABLE_COLUMNS = 24 };
/* A table is filled cell by cell, row by row, and printed. Columns in which every cell is empty are
 * left out. Text is borrowed until the table is printed. Memory failures show in print's answer.
 */
typedef struct sw_table {
    const sw_column *columns;
    size_t column_count;
    sw_cell *cells;
    size_t cell_count;
    size_t cell_room;
    bool failed;
    bool headless; /* the title row was printed with an earlier page */
} sw_table;
void sw_table_init(sw_table *table, const sw_column *columns, size_t count);
void sw_table_fini(sw_table *table);
void sw_table_add(sw_table *table, sw_str text, sw_style style);
/* Empties it for the next page, which has no title row. */
void sw_table_next_page(sw_table *table);
sw_status sw_table_print(const sw_table *table, FILE *out, int limit, bool colour);

/* ---- words for numbers: all live in the arena ------------------------------------------------ */

/* What stands behind the blanks that the text begins with. */
static inline sw_str sw_str_after_blanks(sw_str text)
{
    size_t blank = 0;
    while (blank < text.len && (unsigned char)text.ptr[blank] <= ' ') {
        blank++;
    }
    return sw_str_make(text.ptr + blank, text.len - blank);
}

/* For printf: "" stands in for text that there was no memory for. */
static inline const char *sw_text_or_blank(sw_str text)
{
    return text.ptr ? text.ptr : "";
}

/* 12,345 */
sw_str sw_show_count(sw_arena *arena, int64_t value);
/* $1,234.5678, <$0.0001; and to the last digit: $0.012345678 */
sw_str sw_show_money(sw_arena *arena, int64_t nano_usd);
sw_str sw_show_money_exact(sw_arena *arena, int64_t nano_usd);
/* 820 ms, 3.42 s, 2m 05s, 1h 02m */
sw_str sw_show_duration(sw_arena *arena, int64_t ns);
/* 512 B, 1.5 MiB */
sw_str sw_show_bytes(sw_arena *arena, int64_t bytes);
/* 2026-11-22T10:00:00Z, to the second */
sw_str sw_show_time(sw_arena *arena, int64_t us);
/* 2026-11-22 */
sw_str sw_show_day(sw_arena *arena, int64_t us);
/* 12s, 5m, 3h, 8d; the date when it is long ago or not yet */
sw_str sw_show_ago(sw_arena *arena, int64_t us, int64_t now_us);
/* 3.1 % */
sw_str sw_show_percent(sw_arena *arena, int64_t part, int64_t whole);

/* ---- time (zone.c) --------------------------------------------------------------------------- */

/* A fixed distance to UTC; or that of the place the environment's TZ names, which changes over the
 * year. Zeroed: UTC. */
typedef struct sw_zone {
    bool place;
    int32_t minutes;
} sw_zone;
/* UTC, +02:00, local, Europe/Berlin. A place becomes the process's TZ. */
bool sw_zone_read(sw_str text, sw_zone *out);
/* The distance to UTC at that time; `zone` NULL: UTC. */
int32_t sw_zone_minutes(const sw_zone *zone, int64_t us);
/* From what a clock in the zone shows, counted as if it were UTC. */
int64_t sw_zone_to_utc(const sw_zone *zone, int64_t civil_us);
/* The day that it is in the zone, counted from 1970-01-01; and when such a day begins. */
int64_t sw_zone_day(const sw_zone *zone, int64_t us);
int64_t sw_zone_day_begins(const sw_zone *zone, int64_t day);
/* 2026-11-22T12:00:00+02:00, to the second; Z for UTC */
sw_str sw_zone_show(sw_arena *arena, const sw_zone *zone, int64_t us);
/* A time as people write it: ISO 8601, now, today, yesterday, or how long ago (90m). */
bool sw_time_read(sw_str text, int64_t now_us, const sw_zone *zone, int64_t *us);

/* ---- one invocation -------------------------------------------------------------------------- */

enum { SW_CLI_REPEATS = 16, SW_CLI_NAMES = 16 };

/* A name that was looked up. */
typedef struct sw_cli_name {
    char id[SW_ID_MAX];
    sw_str name;
} sw_cli_name;

enum { SW_CLI_MORE = 128 };
struct sw_cli {
    sw_command_id command;
    const char *values[SW_OPTION_COUNT][SW_CLI_REPEATS];
    uint8_t counts[SW_OPTION_COUNT]; /* how often each option was given */
    const char *argument;            /* of the command, or NULL */
    const char *argument2;           /* the second one, or NULL */
    const char *more[SW_CLI_MORE];   /* what stands behind it */
    size_t more_count;
    FILE *out;
    FILE *err;
    sw_terminal terminal; /* of out */
    int64_t now_us;
    sw_zone zone; /* of --tz */
    sw_arena arena;
    sw_memory *memory;
    sw_ledger *ledger;
    struct sw_site *source;
    bool
        keeps_key; /* sw_cli_open: secrets are written, and the key for them made where there is none */
    bool advised;   /* the error says already what to do */
    bool csv_named; /* the names of the columns stand above already */
    sw_cli_name names[SW_CLI_NAMES];
    size_t names_next;
    sw_error error;
};

/* Reads the words of the command line (without the program's name). On INVALID cli->error says what
 * is wrong and what to do; `--help` anywhere makes it the help command.
 */
sw_status sw_cli_parse(sw_cli *cli, int count, const char *const *words);
/* The command with that name; INVALID suggests the nearest. */
sw_status sw_cli_find_command(const char *word, sw_command_id *out, sw_error *err);
/* What was given, or the fallback, or NULL. */
const char *sw_cli_text(const sw_cli *cli, sw_option_id option);
int64_t sw_cli_count(const sw_cli *cli, sw_option_id option);
/* Null when the option was not given and has no fallback. */
sw_int sw_cli_time(const sw_cli *cli, sw_option_id option);
bool sw_cli_has(const sw_cli *cli, sw_option_id option);
/* Runs the program: parse, command, clean up. Answers with the exit code. */
int sw_cli_main(int count, const char *const *words, FILE *out, FILE *err, int64_t now_us);
int sw_exit_code(sw_status status);
/* Prints "stepwell: <what went wrong>; <what to do next>" from cli->error, and answers with the
 * exit code. */
int sw_cli_fail(sw_cli *cli, sw_status status, const char *next);
/* The end of a command that wrote its answer: says so when it could not be written. */
int sw_cli_finish(sw_cli *cli);

/* Opens cli->ledger: to write, or to look only (then it must exist). For commands that work on a ledger
 * itself; UNSUPPORTED when a server is asked. All others go through source.h. */
sw_status sw_cli_open(sw_cli *cli, bool write);
/* All of a file, or of standard input, which is "-", into the buffer, whose ceiling is the file's too. */
sw_status sw_cli_read_file(sw_cli *cli, const char *path, sw_buf *out);
/* What to do about a ledger that did not open, or a question that was not answered. */
const char *sw_cli_advice(sw_status status);
/* Who asks: the operator, everywhere or in --organization; about prices, which are an organization's, in the default one
 * unless told. */
sw_actor sw_cli_actor(const sw_cli *cli);

/* The record whose ids begin like this one, or -1. */
int sw_cli_record_of_id(sw_str id);
/* What the record with this id is called, cleaned for printing; null when it has no name, or is not
 * there. The last few are remembered. */
sw_str sw_cli_name_of(sw_cli *cli, sw_str id);

/* The filters that --run, --model ... ask for. Memory is the invocation's. */
enum { SW_CLI_CONDITIONS = 12 };
typedef struct sw_cli_filter {
    sw_condition conditions[SW_CLI_CONDITIONS];
    size_t count;
} sw_cli_filter;
sw_status sw_cli_filter_read(sw_cli *cli, sw_cli_filter *out);
/* Adds --since and --until, for questions that have no place of their own for them. */
sw_status sw_cli_filter_times(sw_cli *cli, sw_cli_filter *out);

/* A terminal on which ids would crowd out the rest; there they lose "step-", which `show` takes back. */
bool sw_cli_is_narrow(const sw_cli *cli);
sw_str sw_step_id_shown(const sw_cli *cli, sw_str id);

/* The table of steps, as `steps` and `show` print it: pages of rows under one title row. */
typedef struct sw_step_table {
    sw_table table;
    sw_cli *cli;
    sw_arena arena;     /* of a page */
    bool organizations; /* show whose they are */
} sw_step_table;
void sw_step_table_init(sw_step_table *steps, sw_cli *cli, bool organizations);
void sw_step_table_fini(sw_step_table *steps);
/* Copies what it shows. */
void sw_step_table_add(sw_step_table *steps, const sw_step *step);
/* Prints the page and begins the next. */
sw_status sw_step_table_print(sw_step_table *steps);
sw_style sw_step_status_style(int64_t status);

/* Whether the answer is for programs: --json or --csv. */
bool sw_cli_is_data(const sw_cli *cli);
/* One document on cli->out, for programs: JSON, pretty on a terminal; with --csv the same, flattened: the
 * objects of its member `list`, or, without one, the document as one row. What is answered in several documents has
 * the same members in each: their names are printed once. */
typedef struct sw_cli_json {
    const char *list;
    sw_buf buf;
    sw_json_out out;
} sw_cli_json;
void sw_cli_json_begin(sw_cli *cli, sw_cli_json *json);
void sw_cli_json_key(sw_cli_json *json, const char *key);
/* Members: a number or null, a text (null where it is), a time. */
void sw_cli_json_int(sw_cli_json *json, const char *key, bool known, int64_t value);
void sw_cli_json_str(sw_cli_json *json, const char *key, sw_str value);
void sw_cli_json_time(sw_cli_json *json, const char *key, int64_t us);
sw_status sw_cli_json_end(sw_cli *cli, sw_cli_json *json);

/* csv.c: a cell of a line, quoted where it must be; and a JSON document as CSV. */
void sw_csv_cell(sw_buf *out, sw_str text);
sw_status sw_csv_print(sw_cli *cli, sw_str document, const char *list);

/* help.c: explains one command, or all. */
void sw_cli_explain(sw_cli *cli, sw_command_id command);

#endif
