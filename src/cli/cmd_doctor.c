/* SPDX-License-Identifier: Apache-2.0 */
/* doctor: whether all is well, one line a question. A ledger is written and read back; the disk, common
 * questions and the clock are looked at; a server tells what it rejected. What cannot be known is said to be
 * unknown, not well.
 */
#include <stdlib.h>
#include <sys/statvfs.h>
#include <sys/timex.h>

#include "cli/source.h"
#include "cli/where.h"

#define DAY_US INT64_C(86400000000)
#define CLOCK_US INT64_C(2000000) /* so far apart clocks may be */
enum { CHECKS = 32, SLOW_MS = 100, LOW_DAYS = 30, FULL_DAYS = 3, RECENT_DAYS = 7, INDENT = 25 };

typedef enum state { WELL, UNSURE, WORRY, BAD } state;

typedef struct check {
    const char *name;
    state state;
    sw_str says;
} check;

typedef struct visit {
    sw_cli *cli;
    check checks[CHECKS];
    size_t count;
} visit;

static void note(visit *v, const char *name, state found, sw_str says)
{
    if (v->count < CHECKS) {
        v->checks[v->count++] = (check){name, found, says};
    }
}

static int64_t mono_us(void)
{
    return sw__system_clock.mono_us(sw__system_clock.data);
}

static const char *took(sw_cli *cli, int64_t us)
{
    return sw_text_or_blank(sw_show_duration(&cli->arena, us * 1000));
}

static state pace(int64_t us)
{
    return us < SLOW_MS * INT64_C(1000) ? WELL : WORRY;
}

static void forget_error(visit *v)
{
    v->cli->error = (sw_error){0};
}

/* ---- a ledger ------------------------------------------------------------------------------------ */

static void check_write(visit *v)
{
    sw_cli *cli = v->cli;
    int64_t us = 0;
    sw_status status = sw_ledger_probe(cli->ledger, &us, &cli->error);
    if (status == SW_STATUS_OK) {
        note(v, "write", pace(us),
             sw_arena_printf(&cli->arena, "written, on disk and read back in %s", took(cli, us)));
    } else {
        note(v, "write", BAD, sw_arena_printf(&cli->arena, "%s", cli->error.message));
        forget_error(v);
    }
}

static bool add_steps(void *arg, const sw_usage_group *group)
{
    *(int64_t *)arg += group->totals.num_steps;
    return true;
}

/* How many days the disk lasts, if it goes on like in the last week; -1: for ever. */
static int64_t days_left(visit *v, const sw_ledger_info *info, int64_t room)
{
    sw_cli *cli = v->cli;
    int64_t recent = 0;
    sw_usage_end end;
    const sw_usage_query query = {.from = sw_int_of(cli->now_us - RECENT_DAYS * DAY_US)};
    sw_status status = sw_source_usage(cli, &query, add_steps, &recent, &end);
    if (status != SW_STATUS_OK || info->steps < 1 || recent < 1) {
        forget_error(v);
        return -1;
    }
    double a_day = (double)info->file_bytes / (double)info->steps * (double)recent / RECENT_DAYS;
    double days = a_day > 0 ? (double)room / a_day : -1;
    return days > 36500 ? -1 : (int64_t)days;
}

static void check_disk(visit *v)
{
    sw_cli *cli = v->cli;
    sw_ledger_info info;
    struct statvfs disk;
    if (sw_source_info(cli, &info) != SW_STATUS_OK || !info.path[0] ||
        statvfs(info.path, &disk) != 0) {
        note(v, "disk", UNSURE, SW_STR("there is no file to look at"));
        forget_error(v);
        return;
    }
    int64_t room = (int64_t)disk.f_bavail * (int64_t)disk.f_frsize;
    int64_t days = days_left(v, &info, room);
    state found = days < 0 ? WELL : days < FULL_DAYS ? BAD : days < LOW_DAYS ? WORRY : WELL;
    found = room < info.file_bytes && found == WELL ? WORRY : found; /* no room for a vacuum */
    sw_str free_room = sw_show_bytes(&cli->arena, room);
    sw_str size = sw_show_bytes(&cli->arena, info.file_bytes);
    sw_str until = days < 0 ? SW_STR("years")
                            : sw_arena_printf(&cli->arena, "about %lld days", (long long)days);
    note(v, "disk", found,
         sw_arena_printf(&cli->arena, "%s taken, %s free: enough for %s at the pace of this week",
                         sw_text_or_blank(size), sw_text_or_blank(free_room),
                         sw_text_or_blank(until)));
}

/* ---- both ---------------------------------------------------------------------------------------- */

static bool pass_row(void *arg, const void *row)
{
    (void)row;
    *(int64_t *)arg += 1;
    return true;
}

static void time_list(visit *v, const char *name, const sw_list_query *query)
{
    sw_cli *cli = v->cli;
    sw_list_end end;
    int64_t rows = 0;
    int64_t begun = mono_us();
    sw_status status = sw_source_list(cli, SW_RECORD_STEP, query, pass_row, &rows, &end);
    int64_t us = mono_us() - begun;
    if (status == SW_STATUS_OK) {
        note(v, name, pace(us), sw_arena_printf(&cli->arena, "answered in %s", took(cli, us)));
    } else {
        note(v, name, BAD, sw_arena_printf(&cli->arena, "%s", cli->error.message));
        forget_error(v);
    }
}

static void check_questions(visit *v)
{
    sw_cli *cli = v->cli;
    const sw_value failed = {.number = SW_STEP_STATUS_FAILED};
    const sw_condition only_failed = {SW_STEP_STATUS, SW_OP_EQ, &failed, 1};
    const sw_list_query newest = {.limit = 50};
    const sw_list_query failures = {.conditions = &only_failed, .condition_count = 1, .limit = 50};
    const sw_usage_query models = {.by = {SW_DIMENSION_MODEL}, .by_count = 1};
    sw_usage_end end;
    int64_t steps = 0;
    time_list(v, "newest steps", &newest);
    time_list(v, "failed steps", &failures);
    int64_t begun = mono_us();
    sw_status status = sw_source_usage(cli, &models, add_steps, &steps, &end);
    int64_t us = mono_us() - begun;
    if (status == SW_STATUS_OK) {
        note(v, "usage by model", pace(us),
             sw_arena_printf(&cli->arena, "answered in %s", took(cli, us)));
    } else {
        note(v, "usage by model", BAD, sw_arena_printf(&cli->arena, "%s", cli->error.message));
        forget_error(v);
    }
}

static bool keep_time(void *arg, const void *row)
{
    *(int64_t *)arg = ((const sw_step *)row)->created_at.value;
    return false;
}

/* Steps get their times where they are made, and are summed by what the server's clock says: two clocks that do not
 * agree put them into the wrong hour. */
static bool check_other_clock(visit *v, bool *agrees)
{
    sw_cli *cli = v->cli;
    int64_t least = 0;
    int64_t most = 0;
    sw_status status = sw_source_clock(cli, &least, &most);
    forget_error(v);
    *agrees = status == SW_STATUS_OK && cli->source->is_server;
    if (status != SW_STATUS_OK || (least <= CLOCK_US && most >= -CLOCK_US)) {
        return false;
    }
    int64_t off = least > CLOCK_US ? least : -most;
    note(v, "clock", WORRY,
         sw_arena_printf(&cli->arena, "the server's clock is %s %s that of this machine",
                         took(cli, off), least > CLOCK_US ? "ahead of" : "behind"));
    return true;
}

static void check_clock(visit *v)
{
    sw_cli *cli = v->cli;
    struct timex clock = {.modes = 0};
    const sw_list_query newest = {.limit = 1};
    sw_list_end end;
    int64_t last = 0;
    bool synced = adjtimex(&clock) >= 0 && !(clock.status & STA_UNSYNC);
    bool agrees = false;
    if (check_other_clock(v, &agrees)) {
        return;
    }
    sw_status status = sw_source_list(cli, SW_RECORD_STEP, &newest, keep_time, &last, &end);
    forget_error(v);
    if (status == SW_STATUS_OK && last > cli->now_us + INT64_C(60000000)) {
        note(v, "clock", WORRY,
             sw_arena_printf(&cli->arena, "the newest step began at %s, which is not yet",
                             sw_text_or_blank(sw_zone_show(&cli->arena, &cli->zone, last))));
    } else if (synced) {
        note(v, "clock", WELL, SW_STR("kept in step with others"));
    } else if (agrees) {
        note(v, "clock", WELL, SW_STR("the server's agrees with that of this machine"));
    } else {
        note(v, "clock", UNSURE, SW_STR("nothing here says that it is kept in step with others"));
    }
}

/* ---- a server ------------------------------------------------------------------------------------ */

/* A line `name{reason="WHY"} N` or `name N` of the metrics, when N is not 0. */
static void take_line(visit *v, sw_str line, bool *any)
{
    static const char *const names[] = {"stepwell_http_rejected_total",
                                        "stepwell_otlp_rejected_total"};
    sw_cli *cli = v->cli;
    for (size_t i = 0; i < SW_COUNT(names); i++) {
        size_t len = strlen(names[i]);
        if (line.len <= len || memcmp(line.ptr, names[i], len) != 0) {
            continue;
        }
        const char *quote = memchr(line.ptr, '"', line.len);
        const char *last =
            quote ? memchr(quote + 1, '"', line.len - (size_t)(quote + 1 - line.ptr)) : NULL;
        sw_str reason =
            last ? sw_str_make(quote + 1, (size_t)(last - quote - 1)) : SW_STR("telemetry");
        size_t at = line.len;
        int64_t number = 0;
        for (; at > 0 && line.ptr[at - 1] != ' '; at--) {
        }
        if (sw_parse_int(sw_str_make(line.ptr + at, line.len - at), &number) && number > 0) {
            *any = true;
            note(v, "rejected", WORRY,
                 sw_arena_printf(&cli->arena, "%s times: %.*s",
                                 sw_text_or_blank(sw_show_count(&cli->arena, number)),
                                 (int)reason.len, reason.ptr));
        }
    }
}

static void check_rejected(visit *v)
{
    sw_cli *cli = v->cli;
    sw_str text = SW_NULL_STR;
    bool any = false;
    sw_status status = sw_source_metrics(cli, &cli->arena, &text);
    if (status != SW_STATUS_OK) {
        note(v, "rejected", UNSURE,
             status == SW_STATUS_UNSUPPORTED
                 ? SW_STR("a running server counts that: stepwell doctor --server URL")
                 : sw_arena_printf(&cli->arena, "%s", cli->error.message));
        forget_error(v);
        return;
    }
    while (text.len > 0) {
        const char *end = memchr(text.ptr, '\n', text.len);
        size_t len = end ? (size_t)(end - text.ptr) : text.len;
        take_line(v, sw_str_make(text.ptr, len), &any);
        len += end ? 1 : 0;
        text = sw_str_make(text.ptr + len, text.len - len);
    }
    if (!any) {
        note(v, "rejected", WELL, SW_STR("nothing since the server was started"));
    }
}

/* ---- telling ------------------------------------------------------------------------------------- */

static const char *word_of(state found)
{
    static const char *const words[] = {"ok", "unknown", "warning", "bad"};
    return words[found];
}

static void print_words(const visit *v)
{
    static const sw_style styles[] = {SW_STYLE_GOOD, SW_STYLE_DIM, SW_STYLE_WARN, SW_STYLE_BAD};
    sw_cli *cli = v->cli;
    bool colour = cli->terminal.colour;
    for (size_t i = 0; i < v->count; i++) {
        const check *c = &v->checks[i];
        fprintf(cli->out, "%s%-8s%s %-15s ", sw_style_on(colour, styles[c->state]),
                word_of(c->state), sw_style_off(colour, styles[c->state]), c->name);
        sw_text_wrap(cli->out, sw_text_or_blank(c->says), INDENT, INDENT, cli->terminal.width);
    }
}

static sw_status print_data(const visit *v, bool fine)
{
    sw_cli_json json;
    sw_cli_json_begin(v->cli, &json);
    json.list = "checks";
    sw_json_open(&json.out, '{');
    sw_cli_json_key(&json, "ok");
    sw_json_bool(&json.out, fine);
    sw_cli_json_key(&json, "checks");
    sw_json_open(&json.out, '[');
    for (size_t i = 0; i < v->count; i++) {
        sw_json_open(&json.out, '{');
        sw_cli_json_str(&json, "name", sw_str_from(v->checks[i].name));
        sw_cli_json_str(&json, "state", sw_str_from(word_of(v->checks[i].state)));
        sw_cli_json_str(&json, "says", v->checks[i].says);
        sw_json_close(&json.out, '}');
    }
    sw_json_close(&json.out, ']');
    sw_json_close(&json.out, '}');
    return sw_cli_json_end(v->cli, &json);
}

int sw_cli_doctor(sw_cli *cli)
{
    visit v = {.cli = cli};
    bool fine = true;
    sw_status status = sw_cli_source(cli, true);
    if (status != SW_STATUS_OK) {
        return sw_cli_fail(cli, status, sw_cli_advice(status));
    }
    if (!cli->source->is_server) {
        check_write(&v);
        check_disk(&v);
    }
    check_questions(&v);
    check_clock(&v);
    check_rejected(&v);
    for (size_t i = 0; i < v.count; i++) {
        fine = fine && v.checks[i].state != BAD;
    }
    if (sw_cli_is_data(cli)) {
        status = print_data(&v, fine);
    } else {
        print_words(&v);
    }
    if (status != SW_STATUS_OK) {
        return sw_cli_fail(cli, status, sw_cli_advice(status));
    }
    int code = sw_cli_finish(cli);
    return code == 0 && !fine ? sw_exit_code(SW_STATUS_DIFFERS) : code;
}
