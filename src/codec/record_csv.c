/* SPDX-License-Identifier: Apache-2.0 */
/* Records as CSV (RFC 4180). A row is read to its end even when a value in it is wrong, so that the
 * next one can be read; only the first fault is told. Knows descriptors and commas, no record.
 */
#include <stdio.h>

#include "codec/record.h"

/* A column that the record does not have. */
enum { SKIPPED = 255 };

/* ---- writing --------------------------------------------------------------------------------- */

static bool needs_quotes(sw_str text)
{
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        if (c == ',' || c == '"' || c == '\r' || c == '\n') {
            return true;
        }
    }
    return text.len == 0;
}

/* A null is an empty cell, and that is why empty text is quoted. */
static void write_text(sw_buf *out, sw_str text)
{
    if (!needs_quotes(text)) {
        sw_buf_add(out, text);
        return;
    }
    sw_buf_addc(out, '"');
    for (sw_str rest = text; rest.len > 0;) {
        const char *quote = memchr(rest.ptr, '"', rest.len);
        size_t run = quote ? (size_t)(quote - rest.ptr) + 1 : rest.len;
        sw_buf_add(out, sw_str_make(rest.ptr, run));
        if (quote) {
            sw_buf_addc(out, '"');
        }
        rest = sw_str_make(rest.ptr + run, rest.len - run);
    }
    sw_buf_addc(out, '"');
}

static void write_number(const sw_field *field, int64_t value, sw_buf *out)
{
    char time[SW_TIME_TEXT];
    if (field->kind == SW_KIND_ENUM) {
        sw_buf_add(out, sw_str_from(sw_enum_word(field->words, value)));
    } else if (field->kind == SW_KIND_BOOL) {
        sw_buf_adds(out, value ? "true" : "false");
    } else if (field->kind == SW_KIND_TIME) {
        size_t len = sw_time_print(value, !(field->flags & SW_ZONELESS), time);
        sw_buf_add(out, sw_str_make(time, len));
    } else {
        sw_buf_add_int(out, value);
    }
}

void sw_record_csv_header(sw_record_id id, sw_buf *out)
{
    const sw_record *record = sw_record_of(id);
    size_t count = 0;
    const uint8_t *shown = sw_record_shown(id, &count);
    for (size_t i = 0; i < count; i++) {
        sw_buf_adds(out, i ? "," : "");
        sw_buf_adds(out, record->fields[shown[i]].name);
    }
    sw_buf_adds(out, "\r\n");
}

void sw_record_write_csv(sw_record_id id, const void *row, sw_buf *out)
{
    const sw_record *record = sw_record_of(id);
    size_t count = 0;
    const uint8_t *shown = sw_record_shown(id, &count);
    for (size_t i = 0; i < count; i++) {
        const sw_field *field = &record->fields[shown[i]];
        if (i > 0) {
            sw_buf_addc(out, ',');
        }
        if (field->flags & SW_SECRET || sw_field_is_null(field, row)) {
            continue;
        }
        if (sw_kind_is_text(field->kind)) {
            write_text(out, sw_field_text(field, row));
        } else {
            write_number(field, sw_field_number(field, row).value, out);
        }
    }
    sw_buf_adds(out, "\r\n");
}

/* ---- reading cells --------------------------------------------------------------------------- */

static bool at_line_end(const sw_csv *csv)
{
    return csv->at == csv->end || *csv->at == '\n' ||
           (*csv->at == '\r' && csv->end - csv->at > 1 && csv->at[1] == '\n');
}

static void skip_line_end(sw_csv *csv)
{
    csv->at += csv->at < csv->end && *csv->at == '\r';
    if (csv->at < csv->end) {
        csv->at++;
        csv->line++;
    }
}

/* After a cell that cannot be read: on to the next line. */
static void skip_line(sw_csv *csv)
{
    while (csv->at < csv->end && *csv->at != '\n') {
        csv->at++;
    }
    skip_line_end(csv);
}

static sw_status bad_cell(const sw_csv *csv, const char *why, sw_error *err)
{
    return sw_fail(err, SW_STATUS_INVALID, "", "%s in line %zu", why, csv->line);
}

/* A copy of quoted text with each pair of quotes as one. */
static sw_str unquote(sw_str quoted, sw_arena *arena)
{
    char *to = sw_arena_alloc(arena, quoted.len + 1);
    size_t len = 0;
    for (size_t i = 0; to && i < quoted.len; i++) {
        to[len++] = quoted.ptr[i];
        i += quoted.ptr[i] == '"';
    }
    return sw_str_make(to, to ? len : 0);
}

static sw_status read_quoted(sw_csv *csv, sw_arena *arena, sw_str *cell, sw_error *err)
{
    const char *start = ++csv->at;
    bool doubled = false;
    size_t lines = 0;
    for (; csv->at < csv->end; csv->at++) {
        lines += *csv->at == '\n';
        if (*csv->at == '"') {
            if (csv->end - csv->at < 2 || csv->at[1] != '"') {
                break;
            }
            doubled = true;
            csv->at++;
        }
    }
    if (csv->at == csv->end) {
        return bad_cell(csv, "a quote is never closed, beginning", err);
    }
    csv->line += lines;
    *cell = sw_str_make(start, (size_t)(csv->at++ - start));
    if (doubled) {
        *cell = unquote(*cell, arena);
    }
    return cell->ptr ? SW_STATUS_OK : sw_no_memory(err);
}

/* Reads one cell and what ends it; `*last` when that was the end of the row. */
static sw_status read_cell(sw_csv *csv, sw_arena *arena, sw_str *cell, bool *last, sw_error *err)
{
    const char *start = csv->at;
    sw_status status = SW_STATUS_OK;
    *cell = SW_NULL_STR;
    if (csv->at < csv->end && *csv->at == '"') {
        status = read_quoted(csv, arena, cell, err);
    } else {
        while (!at_line_end(csv) && !memchr(",\"\r", *csv->at, 3)) {
            csv->at++;
        }
        *cell = csv->at > start ? sw_str_make(start, (size_t)(csv->at - start)) : SW_NULL_STR;
    }
    if (status != SW_STATUS_OK) {
        return status;
    }
    *last = at_line_end(csv);
    if (*last) {
        skip_line_end(csv);
        return SW_STATUS_OK;
    }
    if (*csv->at != ',') {
        return bad_cell(csv, "a cell has characters that need quotes", err);
    }
    csv->at++;
    return SW_STATUS_OK;
}

/* ---- reading rows ---------------------------------------------------------------------------- */

static sw_status map_column(sw_csv *csv, unsigned flags, sw_str name, sw_error *err)
{
    const sw_record *record = sw_record_of(csv->record);
    size_t count = 0;
    const uint8_t *shown = sw_record_shown(csv->record, &count);
    int field = sw_record_field(record, name);
    int shows = field >= 0 && memchr(shown, field, count);
    if (csv->column_count == SW_CSV_COLUMNS) {
        return sw_fail(err, SW_STATUS_TOO_LARGE, "", "the header has more than %d columns",
                       SW_CSV_COLUMNS);
    }
    if (!shows && flags & SW_READ_STRICT) {
        return sw_fail(err, SW_STATUS_INVALID, "",
                       "the header names \"%.*s\", which %s does not have",
                       (int)sw_utf8_prefix(name, 64), name.ptr ? name.ptr : "", record->name);
    }
    if (shows && memchr(csv->columns, field, csv->column_count)) {
        return sw_fail(err, SW_STATUS_INVALID, record->fields[field].name,
                       "is in the header twice");
    }
    csv->columns[csv->column_count++] = shows ? (uint8_t)field : SKIPPED;
    return SW_STATUS_OK;
}

sw_status sw_record_csv_open(sw_csv *csv, sw_record_id id, unsigned flags, sw_str input,
                             sw_arena *arena, sw_error *err)
{
    bool last = false;
    if (input.len == 0) {
        return sw_fail(err, SW_STATUS_INVALID, "", "the header is missing");
    }
    *csv = (sw_csv){.at = input.ptr, .end = input.ptr + input.len, .line = 1, .record = id};
    if (input.len >= 3 && memcmp(input.ptr, "\xEF\xBB\xBF", 3) == 0) {
        csv->at += 3;
    }
    while (!last) {
        sw_str name = SW_NULL_STR;
        sw_status status = read_cell(csv, arena, &name, &last, err);
        if (status == SW_STATUS_OK) {
            status = map_column(csv, flags, name, err);
        }
        if (status != SW_STATUS_OK) {
            return status;
        }
    }
    return SW_STATUS_OK;
}

/* A JSON cell is checked here, because only valid JSON can be compacted; its null is a null. */
static sw_status parse_json(const sw_field *field, sw_str cell, sw_arena *arena, void *row,
                            sw_error *err)
{
    const char *why = NULL;
    size_t offset = 0;
    if (!sw_json_valid(cell, &why, &offset)) {
        return sw_fail(err, SW_STATUS_INVALID, field->name, "is not valid JSON: %s at byte %zu",
                       why ? why : "wrong", offset);
    }
    sw_str value = sw_json_compact(cell, arena);
    *sw_field_str(field, row) = sw_str_eq(value, SW_STR("null")) ? SW_NULL_STR : value;
    return value.ptr ? SW_STATUS_OK : sw_no_memory(err);
}

static sw_status parse_value(const sw_field *field, sw_str cell, sw_arena *arena, void *row,
                             sw_error *err)
{
    if (cell.ptr && (field->kind == SW_KIND_JSON || field->kind == SW_KIND_TAGS)) {
        return parse_json(field, cell, arena, row, err);
    }
    return sw_field_parse(field, row, cell, err);
}

static void add_line(size_t line, sw_error *err)
{
    if (err && err->field[0]) {
        size_t len = strlen(err->message);
        snprintf(err->message + len, sizeof err->message - len, " (in line %zu)", line);
    }
}

/* What is known while a row is read: where it began, and the first fault in it. */
typedef struct progress {
    size_t line;
    size_t column;
    uint64_t seen;
    sw_status status;
} progress;

static void take_cell(sw_csv *csv, progress *done, sw_str cell, sw_arena *arena, void *row,
                      sw_error *err)
{
    size_t column = done->column++;
    const sw_record *record = sw_record_of(csv->record);
    if (column >= csv->column_count || csv->columns[column] == SKIPPED ||
        done->status != SW_STATUS_OK) {
        return;
    }
    done->seen |= SW_MASK(csv->columns[column]);
    done->status = parse_value(&record->fields[csv->columns[column]], cell, arena, row, err);
    if (done->status == SW_STATUS_INVALID) {
        add_line(done->line, err);
    }
}

sw_status sw_record_read_csv_row(sw_csv *csv, sw_arena *arena, void *row, uint64_t *seen,
                                 bool *more, sw_error *err)
{
    progress done = {.line = csv->line, .status = SW_STATUS_OK};
    bool last = false;
    *more = csv->at < csv->end;
    while (*more && !last) {
        sw_str cell = SW_NULL_STR;
        sw_status status = read_cell(csv, arena, &cell, &last, err);
        if (status != SW_STATUS_OK) {
            skip_line(csv);
            return status;
        }
        take_cell(csv, &done, cell, arena, row, err);
    }
    if (*more && done.status == SW_STATUS_OK && done.column != csv->column_count) {
        return sw_fail(err, SW_STATUS_INVALID, "", "line %zu has %zu cells, the header %zu",
                       done.line, done.column, csv->column_count);
    }
    if (seen) {
        *seen = done.seen;
    }
    return done.status;
}
