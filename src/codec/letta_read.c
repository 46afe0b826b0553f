/* SPDX-License-Identifier: Apache-2.0 */
/* Reads what a message stores: content parts, tool calls, tool returns, approvals, each in V1's
 * form or in a near one. The stored JSON is valid; its shape may be any, and what is not understood
 * is kept as the text it is.
 */
#include "codec/letta_inside.h"

void *sw_letta_list_add(sw_letta_list *list, size_t size, sw_arena *arena)
{
    char *items = sw_arena_grow(arena, list->items, list->count, &list->room, size);

    if (!items) {
        return NULL;
    }
    list->items = items;
    return memset(items + list->count++ * size, 0, size);
}

/* ---- members of an object -------------------------------------------------------------------- */

/* A member that is looked for: its text when it is a string, else its JSON. */
typedef struct member {
    const char *name;
    sw_json_type type; /* SW_JSON_END: it is not there */
    sw_str text;
} member;

static member *wanted(member *members, size_t count, sw_str name)
{
    for (size_t i = 0; i < count; i++) {
        if (sw_str_eq(name, sw_str_from(members[i].name))) {
            return &members[i];
        }
    }
    return NULL;
}

/* The current token is '{'; goes to its end. False: the text ended, or no memory. */
static bool read_members(sw_json *json, member *members, size_t count)
{
    while (sw_json_next(json) == SW_JSON_KEY) {
        member *m = wanted(members, count, json->text);
        sw_str raw = SW_NULL_STR;
        sw_json_type type = sw_json_next(json);
        sw_str text = json->text;
        if (!sw_json_skip(json, &raw)) {
            return false;
        }
        if (m && type != SW_JSON_NULL) {
            m->type = type;
            m->text = type == SW_JSON_STRING ? text : raw;
        }
    }
    return json->type == SW_JSON_OBJECT_END;
}

/* The members of an object that stands alone. False: the text is no object. */
static bool read_object(sw_str text, member *members, size_t count, sw_arena *arena)
{
    sw_json json;

    if (!text.ptr) {
        return false;
    }
    sw_json_init(&json, text, arena);
    return sw_json_next(&json) == SW_JSON_OBJECT && read_members(&json, members, count) &&
           sw_json_next(&json) == SW_JSON_END;
}

static sw_str string_of(const member *m)
{
    return m->type == SW_JSON_STRING ? m->text : SW_NULL_STR;
}

static sw_str array_of(const member *m)
{
    return m->type == SW_JSON_ARRAY ? m->text : SW_NULL_STR;
}

sw_str sw_letta_member(sw_str text, const char *name, sw_arena *arena)
{
    member m = {.name = name};

    return read_object(text, &m, 1, arena) ? m.text : SW_NULL_STR;
}

/* Walks an array: each call gets the next element as JSON, and its text when it is a string. */
typedef struct walk {
    sw_json json;
    sw_json_type type;
    sw_str text;
    sw_str raw;
} walk;

static bool walk_begin(walk *w, sw_str array, sw_arena *arena)
{
    memset(w, 0, sizeof *w);
    if (!array.ptr) {
        return false;
    }
    sw_json_init(&w->json, array, arena);
    return sw_json_next(&w->json) == SW_JSON_ARRAY;
}

static bool walk_next(walk *w)
{
    w->type = sw_json_next(&w->json);
    w->text = w->json.text;
    return w->type != SW_JSON_ARRAY_END && w->type != SW_JSON_ERROR && w->type != SW_JSON_END &&
           sw_json_skip(&w->json, &w->raw);
}

/* Adds up texts; the whole is copied once, however many there are. */
typedef struct gather {
    sw_letta_list texts;
    size_t len;
} gather;

static void gather_add(gather *g, sw_str text, sw_arena *arena)
{
    sw_str *place = text.ptr ? sw_letta_list_add(&g->texts, sizeof text, arena) : NULL;

    if (place) {
        *place = text;
        g->len += text.len;
    }
}

static sw_str gather_take(const gather *g, const char *between, sw_arena *arena)
{
    const sw_str *texts = g->texts.items;
    size_t gap = strlen(between);
    size_t at = 0;
    char *all = NULL;

    if (g->texts.count == 0) {
        return SW_STR("");
    }
    all = g->texts.count > 1 ? sw_arena_alloc(arena, g->len + gap * g->texts.count) : NULL;
    if (!all) {
        return texts[0];
    }
    for (size_t i = 0; i < g->texts.count; i++) {
        if (i > 0) {
            memcpy(all + at, between, gap);
            at += gap;
        }
        memcpy(all + at, texts[i].ptr, texts[i].len);
        at += texts[i].len;
    }
    return sw_str_make(all, at);
}

/* ---- content --------------------------------------------------------------------------------- */

/* [{"index", "text"}] as text with a blank line between. */
static sw_str summary_text(sw_str summary, sw_arena *arena)
{
    gather all = {.len = 0};
    walk w;

    if (!walk_begin(&w, summary, arena)) {
        return SW_STR("");
    }
    while (walk_next(&w)) {
        gather_add(&all, w.type == SW_JSON_OBJECT ? sw_letta_member(w.raw, "text", arena) : w.raw,
                   arena);
    }
    return gather_take(&all, "\n\n", arena);
}

enum {
    PART_TYPE,
    PART_TEXT,
    PART_REASONING,
    PART_SIGNATURE,
    PART_DATA,
    PART_SUMMARY,
    PART_MEMBERS
};

static void understand_part(sw_str raw, sw_arena *arena, sw_letta_part *part)
{
    member m[PART_MEMBERS] = {
        [PART_TYPE] = {.name = "type"},           [PART_TEXT] = {.name = "text"},
        [PART_REASONING] = {.name = "reasoning"}, [PART_SIGNATURE] = {.name = "signature"},
        [PART_DATA] = {.name = "data"},           [PART_SUMMARY] = {.name = "summary"}};
    sw_str type = SW_NULL_STR;

    part->kind = SW_LETTA_PART_OTHER;
    if (!read_object(raw, m, PART_MEMBERS, arena)) {
        return;
    }
    type = string_of(&m[PART_TYPE]);
    if (sw_str_eq(type, SW_STR("text")) && m[PART_TEXT].type == SW_JSON_STRING) {
        part->kind = SW_LETTA_PART_TEXT;
        part->text = m[PART_TEXT].text;
    } else if (sw_str_eq(type, SW_STR("reasoning"))) {
        part->kind = SW_LETTA_PART_REASONING;
        part->text = m[PART_REASONING].text.ptr ? m[PART_REASONING].text : SW_STR("");
        part->signature = string_of(&m[PART_SIGNATURE]);
    } else if (sw_str_eq(type, SW_STR("summarized_reasoning"))) {
        part->kind = SW_LETTA_PART_REASONING;
        part->alone = true;
        part->text = summary_text(array_of(&m[PART_SUMMARY]), arena);
    } else if (sw_str_eq(type, SW_STR("redacted_reasoning"))) {
        part->kind = SW_LETTA_PART_REDACTED;
        part->text = m[PART_DATA].text;
    } else if (sw_str_eq(type, SW_STR("omitted_reasoning"))) {
        part->kind = SW_LETTA_PART_OMITTED;
    } else if (sw_str_eq(type, SW_STR("tool_call"))) {
        part->kind = SW_LETTA_PART_TOOL_CALL;
    } else if (sw_str_eq(type, SW_STR("tool_return"))) {
        part->kind = SW_LETTA_PART_TOOL_RETURN;
    }
}

void sw_letta_read_parts(const sw_message *message, sw_arena *arena, sw_letta_list *parts)
{
    sw_letta_part *part = NULL;
    walk w;

    if (walk_begin(&w, message->content, arena)) {
        while (walk_next(&w) && (part = sw_letta_list_add(parts, sizeof *part, arena)) != NULL) {
            part->raw = w.raw;
            if (w.type == SW_JSON_STRING) {
                part->kind = SW_LETTA_PART_TEXT;
                part->text = w.text;
            } else {
                understand_part(w.raw, arena, part);
            }
        }
    }
    if (parts->count == 0 && message->text.ptr) {
        part = sw_letta_list_add(parts, sizeof *part, arena);
        if (part) {
            part->kind = SW_LETTA_PART_TEXT;
            part->text = message->text;
        }
    }
}

/* ---- tool calls ------------------------------------------------------------------------------ */

enum { CALL_ID, CALL_NAME, CALL_ARGUMENTS, CALL_INPUT, CALL_FUNCTION, CALL_MEMBERS };

/* {"id", "function": {"name", "arguments"}}, or the same without `function` around it. */
static void understand_call(sw_str raw, sw_arena *arena, sw_letta_call *call)
{
    member m[CALL_MEMBERS] = {[CALL_ID] = {.name = "id"},
                              [CALL_NAME] = {.name = "name"},
                              [CALL_ARGUMENTS] = {.name = "arguments"},
                              [CALL_INPUT] = {.name = "input"},
                              [CALL_FUNCTION] = {.name = "function"}};
    sw_str id = SW_NULL_STR;

    (void)read_object(raw, m, CALL_MEMBERS, arena);
    id = m[CALL_ID].text;
    if (m[CALL_FUNCTION].type == SW_JSON_OBJECT) {
        (void)read_object(m[CALL_FUNCTION].text, m, CALL_FUNCTION, arena);
    }
    call->id = id.ptr ? id : SW_STR("");
    call->name = m[CALL_NAME].text.ptr ? m[CALL_NAME].text : SW_STR("");
    call->arguments = m[CALL_ARGUMENTS].text.ptr ? m[CALL_ARGUMENTS].text : m[CALL_INPUT].text;
    call->arguments = call->arguments.ptr ? call->arguments : SW_STR("");
}

void sw_letta_read_calls(sw_str tool_calls, sw_arena *arena, sw_letta_list *calls)
{
    sw_letta_call *call = NULL;
    walk w;

    if (!walk_begin(&w, tool_calls, arena)) {
        return;
    }
    while (walk_next(&w) && (call = sw_letta_list_add(calls, sizeof *call, arena)) != NULL) {
        understand_call(w.raw, arena, call);
    }
}

/* ---- tool returns ---------------------------------------------------------------------------- */

/* The texts of a list of parts. */
static sw_str parts_text(sw_str parts, sw_arena *arena)
{
    gather all = {.len = 0};
    walk w;

    if (walk_begin(&w, parts, arena)) {
        while (walk_next(&w)) {
            sw_str text = w.type == SW_JSON_STRING   ? w.text
                          : w.type == SW_JSON_OBJECT ? sw_letta_member(w.raw, "text", arena)
                                                     : w.raw;
            gather_add(&all, text, arena);
        }
    }
    return gather_take(&all, "\n", arena);
}

/* V1 stores {"status": "OK" or "Failed", "message", "time"} as text; any other text is what was
 * returned.
 */
static void understand_text(sw_str text, sw_arena *arena, sw_letta_return *out)
{
    member m[] = {{.name = "status"}, {.name = "message"}};

    out->text = text.ptr ? text : SW_STR("");
    if (text.len == 0 || text.ptr[0] != '{' || !read_object(text, m, SW_COUNT(m), arena)) {
        return;
    }
    if (sw_str_eq(string_of(&m[0]), SW_STR("OK")) ||
        sw_str_eq(string_of(&m[0]), SW_STR("Failed"))) {
        out->failed = sw_str_eq(m[0].text, SW_STR("Failed"));
        out->text = m[1].text.ptr ? m[1].text : out->text;
    }
}

static bool says_error(const member *status, const member *is_error)
{
    return is_error->type == SW_JSON_TRUE || sw_str_eq(string_of(status), SW_STR("error"));
}

enum {
    RETURN_CALL,
    RETURN_STATUS,
    RETURN_OUT,
    RETURN_ERR,
    RETURN_RESPONSE,
    RETURN_CONTENT,
    RETURN_IS_ERROR,
    RETURN_MEMBERS
};

/* One of tool_returns, or a content part of type tool_return. */
static void understand_return(sw_str raw, sw_arena *arena, sw_letta_return *out)
{
    member m[RETURN_MEMBERS] = {[RETURN_CALL] = {.name = "tool_call_id"},
                                [RETURN_STATUS] = {.name = "status"},
                                [RETURN_OUT] = {.name = "stdout"},
                                [RETURN_ERR] = {.name = "stderr"},
                                [RETURN_RESPONSE] = {.name = "func_response"},
                                [RETURN_CONTENT] = {.name = "content"},
                                [RETURN_IS_ERROR] = {.name = "is_error"}};
    const member *said = NULL;
    bool known = read_object(raw, m, RETURN_MEMBERS, arena);

    said = m[RETURN_RESPONSE].text.ptr ? &m[RETURN_RESPONSE] : &m[RETURN_CONTENT];
    out->tool_call_id = m[RETURN_CALL].text;
    out->out = array_of(&m[RETURN_OUT]);
    out->err = array_of(&m[RETURN_ERR]);
    out->failed = says_error(&m[RETURN_STATUS], &m[RETURN_IS_ERROR]);
    if (said->type == SW_JSON_ARRAY) {
        out->parts = said->text;
        out->text = parts_text(said->text, arena);
    } else {
        understand_text(known ? said->text : raw, arena, out);
    }
}

static void add_return(sw_str raw, sw_arena *arena, sw_letta_list *returns)
{
    sw_letta_return *item = sw_letta_list_add(returns, sizeof *item, arena);

    if (item) {
        understand_return(raw, arena, item);
    }
}

/* The old form: the message itself is the one return. */
static void add_legacy(const sw_message *message, const sw_letta_list *parts, sw_arena *arena,
                       sw_letta_list *returns)
{
    const sw_letta_part *part = parts->items;
    sw_letta_return *item = sw_letta_list_add(returns, sizeof *item, arena);
    gather all = {.len = 0};

    for (size_t i = 0; i < parts->count; i++) {
        gather_add(&all, part[i].kind == SW_LETTA_PART_TEXT ? part[i].text : part[i].raw, arena);
    }
    if (item) {
        item->failed = message->is_err.known && message->is_err.value != 0;
        understand_text(gather_take(&all, "\n", arena), arena, item);
    }
}

void sw_letta_read_returns(const sw_message *message, sw_arena *arena, sw_letta_list *returns)
{
    sw_letta_list parts = {.count = 0};
    walk w;

    if (walk_begin(&w, message->tool_returns, arena)) {
        while (walk_next(&w)) {
            add_return(w.raw, arena, returns);
        }
    }
    if (returns->count == 0) {
        const sw_letta_part *part = NULL;
        sw_letta_read_parts(message, arena, &parts);
        part = parts.items;
        for (size_t i = 0; i < parts.count; i++) {
            if (part[i].kind == SW_LETTA_PART_TOOL_RETURN) {
                add_return(part[i].raw, arena, returns);
            }
        }
    }
    if (returns->count == 0) {
        add_legacy(message, &parts, arena, returns);
    }
    for (size_t i = 0; i < returns->count; i++) {
        sw_letta_return *item = (sw_letta_return *)returns->items + i;
        item->tool_call_id = item->tool_call_id.ptr ? item->tool_call_id : message->tool_call_id;
    }
}

/* ---- approvals ------------------------------------------------------------------------------- */

static void understand_approval(sw_str raw, sw_arena *arena, sw_letta_approval *out)
{
    member m[] = {{.name = "type"},   {.name = "tool_call_id"},  {.name = "approve"},
                  {.name = "reason"}, {.name = "func_response"}, {.name = "tool_return"}};

    (void)read_object(raw, m, SW_COUNT(m), arena);
    out->is_return = sw_str_eq(string_of(&m[0]), SW_STR("tool")) || m[4].text.ptr || m[5].text.ptr;
    if (out->is_return) {
        understand_return(raw, arena, &out->returned);
        if (m[5].text.ptr && !m[4].text.ptr) {
            understand_text(m[5].text, arena, &out->returned);
        }
        return;
    }
    out->tool_call_id = m[1].text;
    if (m[2].type == SW_JSON_TRUE || m[2].type == SW_JSON_FALSE) {
        out->approve = sw_int_of(m[2].type == SW_JSON_TRUE);
    }
    out->reason = string_of(&m[3]);
}

void sw_letta_read_approvals(const sw_message *message, sw_arena *arena, sw_letta_list *approvals)
{
    sw_letta_approval *item = NULL;
    walk w;

    if (walk_begin(&w, message->approvals, arena)) {
        while (walk_next(&w) &&
               (item = sw_letta_list_add(approvals, sizeof *item, arena)) != NULL) {
            understand_approval(w.raw, arena, item);
        }
    }
    if (approvals->count == 0 && message->approve.known) { /* V1's older columns */
        item = sw_letta_list_add(approvals, sizeof *item, arena);
        if (item) {
            item->tool_call_id = message->tool_call_id;
            item->approve = message->approve;
            item->reason = message->denial_reason;
        }
    }
}
