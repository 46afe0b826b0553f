/* SPDX-License-Identifier: Apache-2.0 */
/* How recordings of others are told: by the names of the members of their first object. The head of a file may end
 * anywhere; what is cut is not looked at.
 */
#include "codec/import_format.h"
#include "codec/transcript_scan.h"

static bool is_word(sw_str text, const char *word)
{
    return sw_str_eq(text, sw_str_from(word));
}

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
