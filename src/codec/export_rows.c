/* SPDX-License-Identifier: Apache-2.0 */
/* Takes the files apart. A row that is damaged is told with its line, and the next one is read; of a list, what follows
 * the damage is lost, because nothing says where the next row begins.
 */
#include "codec/export_rows.h"

#include "codec/transcript_scan.h"

/* Documents keep their rows under one of these, first of all. */
static const char *const holders[] = {"data", "runs", "observations", "spans", "requests"};
static const char bom[] = "\xef\xbb\xbf";

const char *export_first(sw_str bytes)
{
    scan s = scan_of(bytes);
    scan inside;
    sw_str key;
    bool first = true;

    if (bytes.len >= 3 && memcmp(bytes.ptr, bom, 3) == 0) {
        s.at += 3;
    }
    scan_blank(&s);
    inside = s;
    if (s.at < s.end && *s.at == '[') {
        return s.at + 1;
    }
    if (s.at >= s.end || *s.at != '{' || !scan_open(&inside, '{') ||
        !scan_more(&inside, '}', &first) || !scan_key(&inside, &key)) {
        return s.at;
    }
    for (size_t i = 0; i < SW_COUNT(holders); i++) {
        if (sw_str_eq(key, sw_str_from(holders[i])) && inside.at < inside.end &&
            *inside.at == '[') {
            return inside.at + 1;
        }
    }
    return s.at;
}

/* ---- JSON ------------------------------------------------------------------------------------------------ */

static bool is_row(sw_str value)
{
    return value.len > 0 && value.ptr[0] == '{' && sw_json_valid(value, NULL, NULL);
}

static size_t read_lines(sw_str bytes, const char *first, const export_sink *sink)
{
    size_t at = (size_t)(first - bytes.ptr);
    size_t done = 0;
    sw_str line;
    bool ends = false;

    for (int64_t number = 1 + scan_feeds(bytes.ptr, first); scan_line(bytes, &at, &line, &ends);
         number++) {
        line = scan_trimmed(line);
        if (line.len > 0 && !is_row(line)) {
            if (!ends) {
                break;
            }
            sink->bad(sink->arg, number, "is no valid JSON");
        } else if (line.len > 0 && !sink->row(sink->arg, number, line)) {
            break;
        }
        done = at;
    }
    return done;
}

static size_t read_list(sw_str bytes, const char *first, const export_sink *sink)
{
    scan s = {first, bytes.ptr + bytes.len, false};
    const char *counted = bytes.ptr;
    int64_t line = 1;
    bool begin = true;

    while (scan_more(&s, ']', &begin)) {
        sw_str row;
        line += scan_feeds(counted, s.at);
        counted = s.at;
        if (!scan_value(&s, &row)) {
            break;
        }
        if (!is_row(row)) {
            sink->bad(sink->arg, line, "is no valid JSON");
        } else if (!sink->row(sink->arg, line, row)) {
            return bytes.len;
        }
    }
    if (s.wrong) {
        sink->bad(sink->arg, line, "is no valid JSON, nor is what follows");
    }
    return bytes.len;
}

/* ---- CSV -------------------------------------------------------------------------------------------------- */

typedef struct csv {
    const char *at;
    const char *end;
    int64_t line;
    sw_arena *arena;
    sw_str *cells;
    size_t count;
    size_t room;
    bool whole;  /* the record ended */
    int endless; /* quotes that nothing ends */
} csv;

/* Each such quote is looked for to the end of the file: of more than this many, what follows is given up. */
enum { ENDLESS_MOST = 100 };

static bool add_cell(csv *c, sw_str cell)
{
    sw_str *cells = sw_arena_grow(c->arena, c->cells, c->count, &c->room, sizeof *cells);

    if (!cells) {
        return false;
    }
    c->cells = cells;
    cells[c->count++] = cell;
    return true;
}

/* A quoted cell, whose quotes are doubled; the reader stands behind it. Null: it does not end. */
static sw_str quoted(csv *c)
{
    const char *from = ++c->at;
    char *out = NULL;
    size_t len = 0;

    while (c->at < c->end && !(*c->at == '"' && (c->at + 1 == c->end || c->at[1] != '"'))) {
        c->at += *c->at == '"' ? 2 : 1;
    }
    if (c->at >= c->end) {
        c->at = from;
        c->endless++;
        return SW_NULL_STR;
    }
    out = sw_arena_alloc(c->arena, (size_t)(c->at - from) + 1);
    if (!out) {
        return SW_NULL_STR;
    }
    for (const char *p = from; p < c->at; p++) {
        out[len++] = *p;
        p += *p == '"';
        c->line += *p == '\n';
    }
    c->at++;
    return sw_str_make(out, len);
}

static sw_str plain(csv *c)
{
    const char *from = c->at;

    while (c->at < c->end && *c->at != ',' && *c->at != '\n' && *c->at != '\r') {
        c->at++;
    }
    return sw_str_make(from, (size_t)(c->at - from));
}

/* The cells of the next record; false: there is none. */
static bool next_record(csv *c)
{
    c->count = 0;
    c->whole = false;
    while (c->at < c->end) {
        sw_str cell = *c->at == '"' ? quoted(c) : plain(c);
        if (!cell.ptr || !add_cell(c, cell)) {
            return true;
        }
        if (c->at < c->end && *c->at == ',') {
            c->at++;
            c->whole = c->at == c->end && add_cell(c, SW_STR(""));
            continue;
        }
        c->at += c->at < c->end && *c->at == '\r';
        c->whole = c->at == c->end || *c->at == '\n';
        c->at += c->at < c->end && *c->at == '\n';
        return true;
    }
    return c->count > 0;
}

static sw_str object_of(const csv *c, const sw_str *names, size_t count)
{
    sw_buf buf;
    sw_json_out out;

    sw_buf_init(&buf, c->arena->from, SW_LIMIT_IMPORT_FILE_BYTES);
    sw_json_out_init(&out, &buf, false);
    sw_json_open(&out, '{');
    for (size_t i = 0; i < count; i++) {
        sw_json_key(&out, names[i]);
        sw_json_str(&out, c->cells[i].len > 0 ? c->cells[i] : SW_NULL_STR);
    }
    sw_json_close(&out, '}');
    return sw_buf_take(&buf, c->arena);
}

static bool all_text(const csv *c)
{
    for (size_t i = 0; i < c->count; i++) {
        if (!sw_utf8_valid(c->cells[i])) {
            return false;
        }
    }
    return true;
}

static size_t read_csv(sw_str bytes, const char *first, sw_arena *arena, const export_sink *sink)
{
    csv c = {.at = first,
             .end = bytes.ptr + bytes.len,
             .line = 1 + scan_feeds(bytes.ptr, first),
             .arena = arena};
    const sw_str *names = NULL;
    size_t count = 0;

    for (int64_t line = c.line; next_record(&c); line = ++c.line) {
        sw_str row = SW_NULL_STR;
        if (arena->failed || c.endless > ENDLESS_MOST) {
            break;
        }
        if (!names && c.whole && all_text(&c)) {
            names = c.cells;
            count = c.count;
            c.cells = NULL;
            c.room = 0;
            continue;
        }
        if (c.count == 1 && c.cells[0].len == 0) {
            continue;
        }
        row = names && c.whole && c.count == count && all_text(&c) ? object_of(&c, names, count)
                                                                   : SW_NULL_STR;
        if (arena->failed) {
            break;
        }
        if (!row.ptr) {
            sink->bad(sink->arg, line,
                      c.endless == ENDLESS_MOST
                          ? "has a quote that nothing ends, as many before it: what follows is left"
                          : "has not the columns of the first line, or is no text");
            c.endless += c.endless == ENDLESS_MOST;
            if (!c.whole) { /* where it ends cannot be known: the next line is another one */
                while (c.at < c.end && *c.at != '\n') {
                    c.at++;
                }
                c.at += c.at < c.end;
            }
        } else if (!sink->row(sink->arg, line, row)) {
            break;
        }
    }
    return bytes.len;
}

/* ---- all ---------------------------------------------------------------------------------------------------- */

size_t export_rows(sw_str bytes, sw_arena *arena, const export_sink *sink)
{
    const char *first = export_first(bytes);
    const char *end = bytes.ptr + bytes.len;

    if (first < end && first > bytes.ptr && first[-1] == '[') {
        return read_list(bytes, first, sink);
    }
    return first < end && *first == '{' ? read_lines(bytes, first, sink)
                                        : read_csv(bytes, first, arena, sink);
}

/* ---- values -------------------------------------------------------------------------------------------------- */

sw_str export_open(sw_str value, sw_arena *arena)
{
    sw_str text =
        scan_is_string(value) && value.len > 3 && (value.ptr[1] == '{' || value.ptr[1] == '[')
            ? scan_text(value, arena)
            : SW_NULL_STR;

    return text.len && sw_json_valid(text, NULL, NULL) ? text : value;
}

sw_str export_at(sw_str row, const char *path, sw_arena *arena)
{
    scan s = scan_of(row);
    size_t len = strlen(path);
    sw_str found = SW_NULL_STR;
    sw_str key;
    sw_str raw;
    bool first = true;

    if (row.len == 0 || row.ptr[0] != '{' || !scan_open(&s, '{')) {
        return SW_NULL_STR;
    }
    while (scan_more(&s, '}', &first) && scan_key(&s, &key) && scan_value(&s, &raw)) {
        if (key.len > len || memcmp(key.ptr, path, key.len) != 0 || scan_is(raw, "null")) {
            continue;
        }
        if (key.len == len) {
            found = raw;
        } else if (path[key.len] == '.' && !found.ptr) {
            found = export_at(export_open(raw, arena), path + key.len + 1, arena);
        }
    }
    return found;
}
