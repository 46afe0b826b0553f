/* SPDX-License-Identifier: Apache-2.0 */
/* How recordings and exports of others are told: by the names of the members of their first row, which may stand in a
 * line of JSON, in a list, in a list within a document, or in the first line of CSV. The head of a file may end
 * anywhere; what is cut is not looked at.
 */
#include "codec/export_rows.h"
#include "codec/import_format.h"
#include "codec/transcript_scan.h"

static bool is_word(sw_str text, const char *word)
{
    return sw_str_eq(text, sw_str_from(word));
}

/* ---- JSON ------------------------------------------------------------------------------------------------ */

/* Whether the object here has a member of that name; a name with points may also go down. */
static bool has_member(scan s, const char *name)
{
    sw_str key;
    sw_str raw;
    bool first = true;

    if (!scan_open(&s, '{')) {
        return false;
    }
    while (scan_more(&s, '}', &first) && scan_key(&s, &key)) {
        if (is_word(key, name)) {
            return true;
        }
        if (strlen(name) > key.len && name[key.len] == '.' && memcmp(name, key.ptr, key.len) == 0 &&
            s.at < s.end && *s.at == '{') {
            return has_member(s, name + key.len + 1);
        }
        if (!scan_value(&s, &raw)) {
            return false;
        }
    }
    return false;
}

/* ---- CSV -------------------------------------------------------------------------------------------------- */

static bool has_column(sw_str bytes, const char *name)
{
    size_t at = 0;
    sw_str line;
    bool ends = false;
    size_t from = 0;

    if (!scan_line(bytes, &at, &line, &ends)) {
        return false;
    }
    for (size_t i = 0; i <= line.len; i++) {
        if (i == line.len || line.ptr[i] == ',' || line.ptr[i] == '\r') {
            sw_str cell = sw_str_make(line.ptr + from, i - from);
            if (cell.len >= 2 && cell.ptr[0] == '"') {
                cell = sw_str_make(cell.ptr + 1, cell.len - 2);
            }
            if (is_word(cell, name)) {
                return true;
            }
            from = i + 1;
        }
    }
    return false;
}

static bool has(const import_head *head, const char *name)
{
    scan s = {export_first(head->bytes), head->bytes.ptr + head->bytes.len, false};

    scan_blank(&s);
    return s.at < s.end &&
           (*s.at == '{' ? has_member(s, name)
                         : has_column(sw_str_make(s.at, (size_t)(s.end - s.at)), name));
}

/* ---- exports ------------------------------------------------------------------------------------------------ */

static const struct {
    import_format format;
    const char *names[3];
} told[] = {
#define SW_EXPORT_TOLD(FORMAT, A, B, C) {IMPORT_FORMAT_##FORMAT, {A, B, C}},
#include "model/exports.def"
};

static bool is_export(const import_head *head, import_format format)
{
    for (size_t i = 0; i < SW_COUNT(told); i++) {
        if (told[i].format == format && has(head, told[i].names[0]) &&
            has(head, told[i].names[1]) && has(head, told[i].names[2])) {
            return true;
        }
    }
    return false;
}

bool import_is_phoenix(import_head *head)
{
    return is_export(head, IMPORT_FORMAT_PHOENIX);
}

bool import_is_langsmith(import_head *head)
{
    return is_export(head, IMPORT_FORMAT_LANGSMITH);
}

bool import_is_helicone(import_head *head)
{
    return is_export(head, IMPORT_FORMAT_HELICONE);
}

bool import_is_langfuse(import_head *head)
{
    return is_export(head, IMPORT_FORMAT_LANGFUSE);
}

/* ---- recordings --------------------------------------------------------------------------------------------- */

bool import_is_har(import_head *head)
{
    scan s = scan_of(head->bytes);
    sw_str key;
    bool first = true;

    return scan_open(&s, '{') && scan_more(&s, '}', &first) && scan_key(&s, &key) &&
           is_word(key, "log") && has_member(s, "entries");
}

bool import_is_pairs(import_head *head)
{
    scan s = scan_of(head->bytes);

    scan_blank(&s);
    return s.at < s.end && *s.at == '{' &&
           ((has_member(s, "request") && (has_member(s, "response") || has_member(s, "error"))) ||
            (has_member(s, "request_body") && has_member(s, "response_body")));
}
