/* SPDX-License-Identifier: Apache-2.0 */
/* Whether a file is of Codex, and which thread it belongs to. */
#include "codec/transcript_codex.h"

static bool is_word_of_it(sw_str type)
{
    static const char *const types[] = {"session_meta", "turn_context", "event_msg",
                                        "response_item"};

    for (size_t i = 0; i < SW_COUNT(types); i++) {
        if (sw_str_eq(type, sw_str_from(types[i]))) {
            return true;
        }
    }
    return false;
}

/* Without a payload: what its own program prints, or counts under the names that only Codex has. */
static bool is_bare_line(const sw_str line[L_SLOTS])
{
    sw_str found[U_SLOTS] = {SW_NULL_STR};

    return scan_is(line[L_TYPE], "\"thread.started\"") ||
           scan_is(line[L_TYPE], "\"turn.started\"") ||
           scan_is(line[L_TYPE], "\"turn.completed\"") ||
           (line[L_TIME].ptr &&
            scan_object(line[L_USAGE], usage_names, SW_COUNT(usage_names), found) &&
            found[U_CACHED].ptr && found[U_OUTPUT].ptr);
}

typedef struct looking {
    import_head *head;
    sw_str payload[P_SLOTS];
} looking;

/* The payload in place, so that its beginning is known where its end is not there yet. */
static bool look_inside(void *arg, scan *s, uint8_t slot)
{
    looking *l = arg;
    sw_str raw;

    (void)slot;
    return s->at < s->end && *s->at == '{'
               ? scan_members(s, payload_names, SW_COUNT(payload_names), l->payload)
               : scan_value(s, &raw);
}

/* Threads of one family are read together: those of one session, else those that one was forked from. A fork repeats
 * the first lines of its origins, so the last one there is of the eldest. */
static void name_family(const looking *l, import_head *head)
{
    bool spawned = false;
    sw_str kind;
    sw_str session = scan_text(l->payload[P_SESSION], head->arena);
    sw_str origin = codex_origin(l->payload, head->arena, &spawned, &kind);

    head->unit = session.len  ? session
                 : origin.len ? origin
                              : scan_text(l->payload[P_ID], head->arena);
}

/* `whole`: the line ends. The first one holds the instructions and may be longer than the head: what is there of it
 * tells. */
static bool is_line_of_it(sw_str line, bool whole, import_head *head)
{
    sw_str found[L_SLOTS] = {SW_NULL_STR};
    looking l = {.head = head};
    scan s = scan_of(line);
    bool good = scan_members_in(&s, line_names, SW_COUNT(line_names), found, 1u << L_PAYLOAD,
                                look_inside, &l);
    sw_str type = scan_text(found[L_TYPE], head->arena);

    if (good ? !scan_opens(found[L_PAYLOAD], '{') : whole || !l.payload[P_ID].ptr) {
        return good && is_bare_line(found);
    }
    if (sw_str_eq(type, SW_STR("session_meta"))) {
        name_family(&l, head);
    }
    return is_word_of_it(type);
}

bool import_is_codex(import_head *head)
{
    size_t at = 0;
    sw_str line;
    bool ends = false;
    bool is = false;

    for (int i = 0; i < 8 && scan_line(head->bytes, &at, &line, &ends); i++) {
        is = is_line_of_it(line, ends || head->whole, head) || is;
    }
    return is;
}
