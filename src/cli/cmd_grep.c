/* SPDX-License-Identifier: Apache-2.0 */
/* grep: steps in which a text occurs: in a preview, the error, or what was said. There is no index of
 * texts, so the newest steps are looked through, as many as --look says, and the answer ends with how far
 * that reached. ASCII letters match in any case.
 */
#include "cli/walk.h"

enum { PAGE = 200, BEFORE = 30, SHOWN = 100 };

typedef struct hit {
    const char *where;
    sw_str text; /* all of the field that holds it */
    size_t at;
} hit;

typedef struct search {
    sw_cli *cli;
    sw_str wanted;
    sw_arena arena; /* of a page */
    sw_step *steps;
    size_t count;
    size_t room;
    hit found;
    int64_t hits;
    int64_t looked;
    int64_t oldest_us;
    sw_table table;
} search;

/* ---- looking ------------------------------------------------------------------------------------- */

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

static bool is_at(sw_str text, size_t at, sw_str wanted)
{
    for (size_t i = 0; i < wanted.len; i++) {
        if (lower(text.ptr[at + i]) != lower(wanted.ptr[i])) {
            return false;
        }
    }
    return true;
}

/* Whether it holds the text; the first to do so is what is shown. */
static bool look_in(search *s, const char *where, sw_str text)
{
    for (size_t i = 0; !s->found.where && i + s->wanted.len <= text.len; i++) {
        if (is_at(text, i, s->wanted)) {
            s->found = (hit){where, text, i};
        }
    }
    return s->found.where != NULL;
}

/* Text of the row goes with the call: the hit is copied. */
static bool each_message(void *arg, const void *row)
{
    search *s = arg;
    const sw_message *m = row;
    const sw_str texts[] = {m->text, m->content, m->tool_calls, m->tool_returns};
    const char *role = sw_enum_word(SW_ENUM_message_role, m->role.value);
    for (size_t i = 0; i < SW_COUNT(texts); i++) {
        if (look_in(s, role ? role : "message", texts[i])) {
            s->found.text = sw_arena_str(&s->arena, s->found.text);
            return false;
        }
    }
    return true;
}

static sw_status look_at(search *s, const sw_step *step)
{
    sw_value id = {.text = step->id};
    const sw_condition of_step = {SW_MESSAGE_STEP_ID, SW_OP_EQ, &id, 1};
    const sw_list_query query = {
        .conditions = &of_step, .condition_count = 1, .ascending = true, .limit = -1};
    sw_list_end end;
    s->found = (hit){.where = NULL};
    if (look_in(s, "error", step->error_data) || look_in(s, "error", step->error_type) ||
        look_in(s, "input", step->input_preview) || look_in(s, "output", step->output_preview)) {
        return SW_STATUS_OK;
    }
    return sw_source_list(s->cli, SW_RECORD_MESSAGE, &query, each_message, s, &end);
}

/* ---- showing ------------------------------------------------------------------------------------- */

static const sw_column columns[] = {
    {.title = "WHEN"},     {.title = "WHERE"}, {"MODEL", .least = 8, .drop = 2},
    {"TEXT", .least = 12}, {.title = "ID"},
};

/* Some of the text around the place, in one line. */
static sw_str around(search *s)
{
    const hit *h = &s->found;
    size_t before = sw_cli_is_narrow(s->cli) ? 0 : BEFORE; /* what was looked for must be seen */
    size_t from = h->at > before ? h->at - before : 0;
    size_t to = h->at + s->wanted.len + SHOWN;
    to = to < h->text.len ? to : h->text.len;
    for (; from > 0 && ((unsigned char)h->text.ptr[from] & 0xC0) == 0x80; from--) {
    }
    for (; to < h->text.len && ((unsigned char)h->text.ptr[to] & 0xC0) == 0x80; to++) {
    }
    return sw_text_clean(&s->cli->arena, sw_str_make(h->text.ptr + from, to - from), false);
}

static sw_status print_data(search *s, const sw_step *step)
{
    sw_cli_json json;
    sw_cli_json_begin(s->cli, &json);
    sw_json_open(&json.out, '{');
    sw_cli_json_str(&json, "step_id", step->id);
    sw_cli_json_time(&json, "created_at", step->created_at.value);
    sw_cli_json_str(&json, "model", step->model);
    sw_cli_json_str(&json, "where", sw_str_from(s->found.where));
    sw_cli_json_str(&json, "text", around(s));
    sw_json_close(&json.out, '}');
    return sw_cli_json_end(s->cli, &json);
}

static sw_status show(search *s, const sw_step *step)
{
    sw_cli *cli = s->cli;
    int64_t when = step->created_at.value;
    s->hits++;
    if (sw_cli_is_data(cli)) {
        return print_data(s, step);
    }
    sw_table_add(&s->table,
                 cli->terminal.is_terminal ? sw_show_ago(&cli->arena, when, cli->now_us)
                                           : sw_zone_show(&cli->arena, &cli->zone, when),
                 SW_STYLE_DIM);
    sw_table_add(&s->table, sw_str_from(s->found.where),
                 strcmp(s->found.where, "error") == 0 ? SW_STYLE_BAD : SW_STYLE_PLAIN);
    sw_table_add(&s->table, sw_text_clean(&cli->arena, step->model, false), SW_STYLE_PLAIN);
    sw_table_add(&s->table, around(s), SW_STYLE_PLAIN);
    sw_table_add(&s->table, sw_text_clean(&cli->arena, sw_step_id_shown(cli, step->id), false),
                 SW_STYLE_PLAIN);
    return SW_STATUS_OK;
}

/* ---- walking ------------------------------------------------------------------------------------- */

static bool keep_step(void *arg, const void *row)
{
    search *s = arg;
    sw_step *steps = sw_arena_grow(&s->arena, s->steps, s->count, &s->room, sizeof *steps);
    if (!steps) {
        return false;
    }
    s->steps = steps;
    return sw_row_copy(sw_record_of(SW_RECORD_STEP), &steps[s->count++], row, &s->arena);
}

static sw_status look_through(search *s, sw_walk *walk, int64_t look, int64_t limit)
{
    sw_status status = SW_STATUS_OK;
    bool more = true;
    while (more && status == SW_STATUS_OK) {
        int64_t left = look > 0 ? look - s->looked : PAGE;
        sw_arena_reset(&s->arena);
        s->steps = NULL;
        s->count = 0;
        s->room = 0;
        status = sw_walk_page(s->cli, walk, left < PAGE ? left : PAGE, keep_step, s);
        if (status == SW_STATUS_OK && s->arena.failed) {
            status = sw_no_memory(&s->cli->error);
        }
        bool full = false;
        for (size_t i = 0; i < s->count && status == SW_STATUS_OK && !full; i++) {
            status = look_at(s, &s->steps[i]);
            if (status == SW_STATUS_OK && s->arena.failed) {
                status = sw_no_memory(&s->cli->error);
            }
            s->looked++;
            s->oldest_us = s->steps[i].created_at.value;
            if (status == SW_STATUS_OK && s->found.where) {
                status = show(s, &s->steps[i]);
            }
            full = limit > 0 && s->hits >= limit;
            walk->complete = walk->complete && (!full || i + 1 == s->count);
        }
        more = !full && sw_walk_goes_on(s->cli, walk) && (look == 0 || s->looked < look);
    }
    return status;
}

/* How far it looked: beneath the table; for programs beside the answer. */
static void say_how_far(const search *s, const sw_walk *walk)
{
    sw_cli *cli = s->cli;
    FILE *out = sw_cli_is_data(cli) ? cli->err : cli->out;
    sw_str count = sw_show_count(&cli->arena, s->looked);
    if (walk->complete && sw_cli_is_data(cli)) {
        return;
    }
    if (walk->complete) {
        fprintf(out, "All %s steps were looked at.\n", sw_text_or_blank(count));
    } else {
        fprintf(out, "%s steps were looked at, back to %s.\nAll of them: --look 0 --limit 0.\n",
                sw_text_or_blank(count),
                sw_text_or_blank(sw_zone_show(&cli->arena, &cli->zone, s->oldest_us)));
    }
}

int sw_cli_grep(sw_cli *cli)
{
    search s = {.cli = cli, .wanted = sw_str_from(cli->argument)};
    sw_walk walk;
    sw_status status = s.wanted.len > 0 && sw_utf8_valid(s.wanted)
                           ? sw_cli_source(cli, false)
                           : sw_fail(&cli->error, SW_STATUS_INVALID, "",
                                     "grep needs a text in UTF-8 that is not empty");
    sw_arena_init(&s.arena, &sw__libc_allocator, 0);
    sw_table_init(&s.table, columns, SW_COUNT(columns));
    if (status == SW_STATUS_OK) {
        status = sw_walk_begin(cli, &walk);
    }
    if (status == SW_STATUS_OK) {
        status = look_through(&s, &walk, sw_cli_count(cli, SW_OPTION_LOOK),
                              sw_cli_count(cli, SW_OPTION_LIMIT));
    }
    if (status == SW_STATUS_OK && !sw_cli_is_data(cli)) {
        status = sw_table_print(&s.table, cli->out, cli->terminal.limit, cli->terminal.colour);
    }
    if (status == SW_STATUS_OK) {
        say_how_far(&s, &walk);
    }
    sw_table_fini(&s.table);
    sw_arena_fini(&s.arena);
    return status == SW_STATUS_OK ? sw_cli_finish(cli)
                                  : sw_cli_fail(cli, status, sw_cli_advice(status));
}
