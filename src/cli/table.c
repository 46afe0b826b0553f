/* SPDX-License-Identifier: Apache-2.0 */
/* Tables that fit. A column is as wide as its widest cell; when the whole is wider than the
 * terminal, columns that may be cut are cut, the widest first, and when that is not enough columns
 * that may be left out are left out. Without a terminal nothing is cut: a program may be reading.
 */
#include "cli/cli.h"

enum { GAP = 2 };

/* How the table is laid out: the width of each column, 0 for one that is left out. */
typedef struct layout {
    int natural[SW_TABLE_COLUMNS];
    int width[SW_TABLE_COLUMNS];
} layout;

void sw_table_init(sw_table *table, const sw_column *columns, size_t count)
{
    sw_assert(count > 0 && count <= SW_TABLE_COLUMNS);
    *table = (sw_table){.columns = columns, .column_count = count};
}

void sw_table_fini(sw_table *table)
{
    sw_free(&sw__libc_allocator, table->cells);
    *table = (sw_table){0};
}

void sw_table_add(sw_table *table, sw_str text, sw_style style)
{
    if (table->cell_count == table->cell_room) {
        size_t room = table->cell_room ? 2 * table->cell_room : 256;
        sw_cell *cells = sw_resize(&sw__libc_allocator, table->cells, room * sizeof *cells);
        if (!cells) {
            table->failed = true;
            return;
        }
        table->cells = cells;
        table->cell_room = room;
    }
    table->cells[table->cell_count++] = (sw_cell){text, style};
}

void sw_table_next_page(sw_table *table)
{
    table->cell_count = 0;
    table->headless = true;
}

/* ---- layout ---------------------------------------------------------------------------------- */

static void measure(const sw_table *table, layout *out)
{
    for (size_t i = 0; i < table->column_count; i++) {
        out->natural[i] = 0;
    }
    for (size_t i = 0; i < table->cell_count; i++) {
        int columns = sw_text_columns(table->cells[i].text);
        int *widest = &out->natural[i % table->column_count];
        *widest = columns > *widest ? columns : *widest;
    }
    for (size_t i = 0; i < table->column_count; i++) {
        int title = sw_text_columns(sw_str_from(table->columns[i].title));
        if (out->natural[i] > 0 && title > out->natural[i]) {
            out->natural[i] = title;
        }
    }
}

static int total_width(const sw_table *table, const layout *at)
{
    int total = -GAP;
    for (size_t i = 0; i < table->column_count; i++) {
        total += at->width[i] > 0 ? at->width[i] + GAP : 0;
    }
    return total;
}

/* The widest column that may still be cut, or -1. */
static int widest_flexible(const sw_table *table, const layout *at)
{
    int best = -1;
    for (size_t i = 0; i < table->column_count; i++) {
        int least = table->columns[i].least;
        if (least > 0 && at->width[i] > least && (best < 0 || at->width[i] > at->width[best])) {
            best = (int)i;
        }
    }
    return best;
}

static int next_to_drop(const sw_table *table, const layout *at)
{
    int best = -1;
    for (size_t i = 0; i < table->column_count; i++) {
        uint8_t drop = table->columns[i].drop;
        if (drop > 0 && at->natural[i] > 0 && (best < 0 || drop > table->columns[best].drop)) {
            best = (int)i;
        }
    }
    return best;
}

static void lay_out(const sw_table *table, int limit, layout *out)
{
    measure(table, out);
    for (;;) {
        memcpy(out->width, out->natural, sizeof out->width);
        int over = limit > 0 ? total_width(table, out) - limit : 0;
        for (int at = 0; over > 0 && (at = widest_flexible(table, out)) >= 0; over--) {
            out->width[at]--;
        }
        int drop = over > 0 ? next_to_drop(table, out) : -1;
        if (drop < 0) {
            return;
        }
        out->natural[drop] = 0;
    }
}

/* ---- printing -------------------------------------------------------------------------------- */

/* What a cell shows in its column: the text, cut with an ellipsis when it is too wide. `width`
 * becomes the columns it takes.
 */
static size_t cut(sw_str text, int *width, bool *is_cut)
{
    int columns = sw_text_columns(text);
    *is_cut = columns > *width;
    if (!*is_cut) {
        *width = columns;
        return text.len;
    }
    size_t length = sw_text_fit(text, *width - 1);
    *width = sw_text_columns(sw_str_make(text.ptr, length)) + 1;
    return length;
}

/* Blanks are owed until something follows them, so that no line ends in any. */
static int print_cell(FILE *out, const sw_cell *cell, int width, bool right, int owed, bool colour)
{
    bool too_wide = false;
    int taken = width;
    size_t length = cut(cell->text, &taken, &too_wide);
    int pad = width - taken;
    if (taken > 0) {
        fprintf(out, "%*s%s%.*s%s%s", owed + (right ? pad : 0), "",
                sw_style_on(colour, cell->style), (int)length, sw_text_or_blank(cell->text),
                too_wide ? "…" : "", sw_style_off(colour, cell->style));
        owed = 0;
    }
    return owed + (right && taken > 0 ? 0 : pad) + GAP;
}

/* `cells` are one row's; NULL prints the titles. */
static void print_row(const sw_table *table, const sw_cell *cells, const layout *at, FILE *out,
                      bool colour)
{
    int owed = 0;
    for (size_t i = 0; i < table->column_count; i++) {
        const sw_column *column = &table->columns[i];
        const sw_cell title = {sw_str_from(column->title), SW_STYLE_BOLD};
        if (at->width[i] > 0) {
            owed = print_cell(out, cells ? &cells[i] : &title, at->width[i], column->right, owed,
                              colour);
        }
    }
    fputc('\n', out);
}

sw_status sw_table_print(const sw_table *table, FILE *out, int limit, bool colour)
{
    layout at;
    sw_assert(table->failed || table->cell_count % table->column_count == 0);
    if (table->failed) {
        return SW_STATUS_NO_MEMORY;
    }
    if (table->cell_count == 0) {
        return SW_STATUS_OK;
    }
    lay_out(table, limit, &at);
    if (!table->headless) {
        print_row(table, NULL, &at, out, colour);
    }
    for (size_t i = 0; i < table->cell_count; i += table->column_count) {
        print_row(table, table->cells + i, &at, out, colour);
    }
    return SW_STATUS_OK;
}
