/* SPDX-License-Identifier: Apache-2.0 */
/* The builder: how a message is kept. One plain text is `text`; anything more is `content`, a list of parts in
 * V1's forms; calls and returns of tools stand apart. Bytes of media are measured and hashed, never kept.
 * Knows no dialect.
 *
 * What is too large for a field keeps its beginning and a mark with the length and the SHA-256 of the whole
 * (telemetry.md E.9), so that two different texts stay different.
 */
#include <sodium.h>

#include "ingest/talk.h"

/* Calls of one message that are compared, so that one reported twice is kept once: more is no model's. */
enum { CALLS_COMPARED = 256 };
/* What the parts of a list may take of its field; and what is kept of a text that does not fit as it is: written,
 * a character becomes six at worst. */
enum {
    LIST_MOST = SW_LIMIT_JSON_BYTES - 256,
    PART_MOST = SW_LIMIT_JSON_BYTES / 8,
    DIGEST_TEXT = 2 * crypto_hash_sha256_BYTES
};

void talk_init(talk *t, sw_arena *arena)
{
    memset(t, 0, sizeof *t);
    t->arena = arena;
    t->side = TALK_INPUT;
}

void *talk_add(talk *t, talk_list *list, size_t size)
{
    char *items = sw_arena_grow(t->arena, list->items, list->count, &list->room, size);

    if (!items) {
        return NULL;
    }
    list->items = items;
    return memset(items + list->count++ * size, 0, size);
}

size_t talk_count(const talk *t, talk_side side)
{
    return t->messages[side].count + (t->open && t->side == side);
}

static void add_text_to(talk *t, talk_list *list, sw_str text)
{
    sw_str *place = talk_add(t, list, sizeof text);

    if (place) {
        *place = text;
    }
}

/* ---- what is cut ----------------------------------------------------------------------------------- */

bool talk_marked_cut(sw_str text)
{
    static const char *const marks[] = {"[TRUNCATED", "...[truncated", "<truncated>"};
    size_t tail = text.len < 128 ? text.len : 128;
    sw_str end = text.ptr ? sw_str_make(text.ptr + text.len - tail, tail) : SW_STR("");

    for (size_t i = 0; i < SW_COUNT(marks); i++) {
        if (memmem(end.ptr, end.len, marks[i], strlen(marks[i]))) {
            return true;
        }
    }
    return false;
}

/* The longest beginning of at most `most` bytes that does not end inside a character. */
static size_t beginning(sw_str text, size_t most)
{
    while (most > 0 && ((unsigned char)text.ptr[most] & 0xc0) == 0x80) {
        most--;
    }
    return most;
}

sw_str talk_clip(talk *t, sw_str text, size_t most)
{
    uint8_t digest[crypto_hash_sha256_BYTES];
    char hex[DIGEST_TEXT];
    sw_str kept;

    t->cut = t->cut || talk_marked_cut(text);
    if (text.len <= most) {
        return text;
    }
    t->cut = true;
    (void)crypto_hash_sha256(digest, (const unsigned char *)text.ptr, text.len);
    sw_hex_print(digest, sizeof digest, hex);
    kept = sw_str_make(text.ptr, beginning(text, most > 256 ? most - 256 : 0));
    return sw_arena_printf(t->arena, "%.*s...[TRUNCATED %zu bytes, sha256 %.*s]", (int)kept.len,
                           kept.ptr, text.len, (int)DIGEST_TEXT, hex);
}

/* A name or an id: a word, not a text. */
static sw_str short_text(sw_str text)
{
    return text.len > SW_LIMIT_TEXT_BYTES
               ? sw_str_make(text.ptr, beginning(text, SW_LIMIT_TEXT_BYTES))
               : text;
}

/* ---- messages --------------------------------------------------------------------------------------- */

static void open_message(talk *t, sw_message_role role)
{
    memset(&t->message, 0, sizeof t->message);
    t->message.role = sw_int_of(role);
    t->parts.count = 0;
    t->calls.count = 0;
    t->written_calls.count = 0;
    t->finish = SW_NULL_STR;
    t->open = true;
}

void talk_begin(talk *t, sw_message_role role)
{
    talk_end(t);
    t->speaker = role;
    t->joins = false;
    open_message(t, role);
}

void talk_join(talk *t, sw_message_role role)
{
    if (!t->open || !t->joins || t->speaker != role) {
        talk_begin(t, role);
        t->joins = true;
    }
}

/* The open message was turned into a tool's return, or nothing is open: the speaker goes on in another. */
static void need_open(talk *t)
{
    if (!t->open || t->message.tool_returns.ptr) {
        sw_message_role role = t->open ? t->speaker : talk_role_of_side(t);
        bool joins = t->joins;
        talk_begin(t, role);
        t->joins = joins;
    }
}

static void write_part(talk_writer *w, const talk_part *part, sw_str text)
{
    if (!part->plain) {
        sw_json_raw(&w->out, text);
        return;
    }
    sw_json_open(&w->out, '{');
    talk_write_pair(w, "type", SW_STR("text"));
    talk_write_pair(w, "text", text);
    sw_json_close(&w->out, '}');
}

/* Writes the part if the list then still fits into its field; else all is as it was. */
static bool part_fits(talk_writer *w, const talk_part *part, sw_str text)
{
    size_t len = w->buf.len;
    sw_json_out out = w->out;

    if (text.len < LIST_MOST) {
        write_part(w, part, text);
        if (w->buf.status != SW_STATUS_OK || w->buf.len <= LIST_MOST) {
            return true;
        }
    }
    w->buf.len = len;
    w->buf.ptr[len] = 0;
    w->out = out;
    return false;
}

/* A part that would pass the field's limit is cut when it is text, else left out, which is said at the end. */
static sw_str list_of_parts(talk *t)
{
    const talk_part *parts = t->parts.items;
    talk_writer w;
    int64_t left_out = 0;

    talk_write_begin(&w, t);
    sw_json_open(&w.out, '[');
    for (size_t i = 0; i < t->parts.count && w.buf.status == SW_STATUS_OK; i++) {
        t->cut = t->cut || (parts[i].plain && talk_marked_cut(parts[i].text));
        if (!part_fits(&w, &parts[i], parts[i].text) &&
            !(parts[i].plain && part_fits(&w, &parts[i], talk_clip(t, parts[i].text, PART_MOST)))) {
            left_out++;
        }
    }
    if (left_out > 0) {
        t->cut = true;
        sw_json_open(&w.out, '{');
        talk_write_pair(&w, "type", SW_STR("cut"));
        sw_json_key(&w.out, SW_STR("parts"));
        sw_json_int(&w.out, left_out);
        sw_json_close(&w.out, '}');
    }
    sw_json_close(&w.out, ']');
    return talk_write_end(&w, t);
}

/* An empty text beside anything else says nothing: whether a sender writes it is chance. */
static void drop_empty(talk *t)
{
    talk_part *parts = t->parts.items;
    size_t kept = 0;

    for (size_t i = 0; i < t->parts.count; i++) {
        bool empty = parts[i].plain && parts[i].text.len == 0;
        bool alone = t->parts.count - (i - kept) == 1 && t->written_calls.count == 0;
        if (!empty || alone) {
            parts[kept++] = parts[i];
        }
    }
    t->parts.count = kept;
}

/* The list as one text that any field takes, when the list itself nests too deep for a field. */
static void settle_content(talk *t)
{
    const talk_part *parts = t->parts.items;
    sw_str list = SW_NULL_STR;

    drop_empty(t);
    if (t->parts.count == 0) {
        return;
    }
    if (t->parts.count == 1 && parts->plain) {
        t->message.text = talk_clip(t, parts->text, SW_LIMIT_JSON_BYTES);
        return;
    }
    list = list_of_parts(t);
    if (list.ptr && sw_json_valid(list, NULL, NULL)) {
        t->message.content = list;
    } else {
        t->message.text = list;
    }
}

static sw_str list_of_calls(talk *t)
{
    const sw_str *calls = t->written_calls.items;
    talk_writer w;

    if (t->written_calls.count == 0) {
        return SW_NULL_STR;
    }
    talk_write_begin(&w, t);
    sw_json_open(&w.out, '[');
    for (size_t i = 0; i < t->written_calls.count; i++) {
        if (w.buf.len + calls[i].len < SW_LIMIT_JSON_BYTES) {
            sw_json_raw(&w.out, calls[i]);
        } else {
            t->cut = true;
        }
    }
    sw_json_close(&w.out, ']');
    return talk_write_end(&w, t);
}

void talk_end(talk *t)
{
    sw_message *message = NULL;

    if (!t->open) {
        return;
    }
    t->open = false;
    settle_content(t);
    t->message.tool_calls = list_of_calls(t);
    message = talk_add(t, &t->messages[t->side], sizeof *message);
    if (message) {
        *message = t->message;
    }
    add_text_to(t, &t->finishes[t->side], t->finish);
}

void talk_name_speaker(talk *t, sw_str name)
{
    if (t->open && name.len && !t->message.name.ptr) {
        t->message.name = short_text(name);
    }
}

void talk_finish(talk *t, sw_str word)
{
    if (t->open && word.len) {
        t->finish = short_text(word);
    }
}

/* ---- parts ------------------------------------------------------------------------------------------- */

static void add_part(talk *t, bool plain, sw_str text)
{
    talk_part *part = NULL;

    need_open(t);
    part = text.ptr ? talk_add(t, &t->parts, sizeof *part) : NULL;
    if (part) {
        part->plain = plain;
        part->text = text;
    }
}

void talk_add_text(talk *t, sw_str text)
{
    add_part(t, true, text);
}

void talk_add_other(talk *t, sw_str json)
{
    add_part(t, false, json);
}

void talk_add_reasoning(talk *t, sw_str text, sw_str signature)
{
    talk_writer w;

    talk_write_begin(&w, t);
    sw_json_open(&w.out, '{');
    talk_write_pair(&w, "type", SW_STR("reasoning"));
    sw_json_key(&w.out, SW_STR("is_native"));
    sw_json_bool(&w.out, true);
    talk_write_pair(&w, "reasoning", talk_clip(t, text.ptr ? text : SW_STR(""), LIST_MOST / 2));
    talk_write_pair(&w, "signature", signature);
    sw_json_close(&w.out, '}');
    add_part(t, false, talk_write_end(&w, t));
}

/* ---- tools --------------------------------------------------------------------------------------------- */

static bool is_there(const talk *t, sw_str id)
{
    const sw_str *ids = t->calls.items;

    for (size_t i = 0; id.len && i < t->calls.count && i < CALLS_COMPARED; i++) {
        if (sw_str_eq(ids[i], id)) {
            return true;
        }
    }
    return false;
}

void talk_add_call(talk *t, sw_str id, sw_str name, sw_str arguments)
{
    talk_writer w;

    need_open(t);
    if (is_there(t, id)) {
        return;
    }
    talk_write_begin(&w, t);
    sw_json_open(&w.out, '{');
    sw_json_key(&w.out, SW_STR("id"));
    sw_json_str(&w.out, short_text(id));
    talk_write_pair(&w, "type", SW_STR("function"));
    sw_json_key(&w.out, SW_STR("function"));
    sw_json_open(&w.out, '{');
    talk_write_pair(&w, "name", name.ptr ? short_text(name) : SW_STR(""));
    talk_write_pair(&w, "arguments",
                    talk_clip(t, arguments.ptr ? arguments : SW_STR("{}"), LIST_MOST / 2));
    sw_json_close(&w.out, '}');
    sw_json_close(&w.out, '}');
    add_text_to(t, &t->calls, id);
    add_text_to(t, &t->written_calls, talk_write_end(&w, t));
}

static sw_str written_return(talk *t, sw_str id, bool failed, sw_str said, bool parts)
{
    talk_writer w;

    talk_write_begin(&w, t);
    sw_json_open(&w.out, '[');
    sw_json_open(&w.out, '{');
    sw_json_key(&w.out, SW_STR("tool_call_id"));
    sw_json_str(&w.out, id);
    talk_write_pair(&w, "status", failed ? SW_STR("error") : SW_STR("success"));
    sw_json_key(&w.out, SW_STR("func_response"));
    if (parts) {
        sw_json_raw(&w.out, said);
    } else {
        sw_json_str(&w.out, said);
    }
    sw_json_close(&w.out, '}');
    sw_json_close(&w.out, ']');
    return talk_write_end(&w, t);
}

static sw_str fitting_return(talk *t, sw_str id, bool failed, sw_str said, bool parts)
{
    sw_str text = said.ptr ? talk_clip(t, said, LIST_MOST) : SW_STR("");
    sw_str all = written_return(t, id, failed, text, parts && text.len == said.len);

    return all.len <= SW_LIMIT_JSON_BYTES && sw_json_valid(all, NULL, NULL)
               ? all
               : written_return(t, id, failed, talk_clip(t, text, PART_MOST), false);
}

/* A message that says nothing yet becomes the return; behind one that does, the return is the next. */
void talk_add_return(talk *t, sw_str id, sw_str name, bool failed, sw_str said, bool parts)
{
    sw_message_role speaker = t->open ? t->speaker : talk_role_of_side(t);
    bool joins = t->joins;

    if (!t->open || t->parts.count > 0 || t->calls.count > 0 || t->message.tool_returns.ptr) {
        talk_begin(t, SW_MESSAGE_ROLE_TOOL);
    }
    t->speaker = speaker;
    t->joins = joins;
    t->message.role = sw_int_of(SW_MESSAGE_ROLE_TOOL);
    t->message.tool_call_id = id.len ? short_text(id) : SW_NULL_STR;
    t->message.name = name.len ? short_text(name) : t->message.name;
    t->message.is_err = failed ? sw_int_of(1) : SW_NULL_INT;
    t->message.tool_returns = fitting_return(t, t->message.tool_call_id, failed, said, parts);
}
