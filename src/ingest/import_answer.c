/* SPDX-License-Identifier: Apache-2.0 */
/* What a streamed answer says, put together: pieces of text and thought by the rows of model/exchanges.def, calls of
 * tools by what begins them. The result is one message as Chat Completions writes it, which every reader of talk
 * knows; of answers that end with themselves whole (Responses) that whole one is taken, unless they were cut off before.
 */
#include "codec/transcript_scan.h"
#include "codec/usage_shape.h"
#include "ingest/import_call.h"

typedef enum piece_kind { TEXT, THOUGHT, ARGUMENTS } piece_kind;

static const struct {
    piece_kind kind;
    const char *path;
} pieces[] = {
#define SW_STREAM_PIECE(KIND, PATH) {KIND, PATH},
#include "model/exchanges.def"
};

/* Pieces of Responses, whose events say each piece again when it is done; so only these are taken of them. */
static const struct {
    piece_kind kind;
    const char *type;
} deltas[] = {
#define SW_STREAM_DELTA(KIND, TYPE) {KIND, "\"" TYPE "\""},
#include "model/exchanges.def"
};

/* What begins a call of a tool, and where its id and name stand in it. */
static const struct {
    const char *holder;
    const char *id;
    const char *name;
    const char *type; /* what its member of that name must be; or NULL: there need be none */
} tools[] = {
    {"content_block", "id", "name", "\"tool_use\""},
    {"start.toolUse", "toolUseId", "name", NULL},
    {"contentBlockStart.start.toolUse", "toolUseId", "name", NULL},
    {"delta.message.tool_calls", "id", "function.name", NULL},
    {"item", "call_id", "name", "\"function_call\""},
};

/* Lists of calls, whole or in pieces that name their place. */
static const char *const lists[] = {"choices.0.delta.tool_calls", "message.tool_calls"};

typedef struct tool {
    int64_t place;
    sw_str id;
    sw_str name;
    sw_buf arguments;
} tool;

enum { TOOLS_MOST = 128 };

typedef struct answer {
    sw_arena *arena;
    sw_buf text;
    sw_buf thought;
    tool *tools; /* [TOOLS_MOST] */
    size_t tool_count;
    sw_str whole;
} answer;

static sw_str text_at(const answer *a, sw_str value, const char *path)
{
    return scan_text(usage_at(value, path), a->arena);
}

static tool *begin_tool(answer *a, int64_t place, sw_str id, sw_str name)
{
    tool *t = a->tool_count < TOOLS_MOST ? &a->tools[a->tool_count] : NULL;

    if (t) {
        a->tool_count++;
        *t = (tool){.place = place, .id = id, .name = name};
        sw_buf_init(&t->arguments, a->arena->from, SW_LIMIT_JSON_BYTES);
    }
    return t;
}

static void add_arguments(answer *a, tool *t, sw_str raw)
{
    if (t) {
        sw_buf_add(&t->arguments, import_text(raw, a->arena));
    }
}

static void begin_tools(answer *a, sw_str value)
{
    for (size_t i = 0; i < SW_COUNT(tools); i++) {
        sw_str holder = usage_at(value, tools[i].holder);
        sw_str name = text_at(a, holder, tools[i].name);
        if (name.len && (!tools[i].type || scan_is(usage_at(holder, "type"), tools[i].type))) {
            (void)begin_tool(a, -1, text_at(a, holder, tools[i].id), name);
        }
    }
}

/* One element of a list of calls: the first of its place names it, the others go on with its arguments. */
static void add_call(answer *a, sw_str call)
{
    sw_int place = scan_count(usage_at(call, "index"));
    sw_str name = text_at(a, call, "function.name");
    sw_str id = text_at(a, call, "id");
    tool *t = NULL;

    for (size_t i = 0; place.known && i < a->tool_count; i++) {
        t = a->tools[i].place == place.value && (!id.len || sw_str_eq(id, a->tools[i].id))
                ? &a->tools[i]
                : t;
    }
    if (!t && name.len) {
        t = begin_tool(a, place.known ? place.value : -1, id, name);
    }
    add_arguments(a, t, usage_at(call, "function.arguments"));
}

/* One part of Gemini's: a text, a thought, or a whole call. */
static void add_part(answer *a, sw_str part)
{
    sw_str call = usage_at(part, "functionCall");
    sw_str name = text_at(a, call, "name");
    sw_str text = text_at(a, part, "text");

    sw_buf_add(scan_is(usage_at(part, "thought"), "true") ? &a->thought : &a->text, text);
    if (name.len) {
        add_arguments(a, begin_tool(a, -1, text_at(a, call, "id"), name), usage_at(call, "args"));
    }
}

static void add_each(answer *a, sw_str list, void (*add)(answer *a, sw_str element))
{
    scan s = scan_of(list);
    sw_str raw;
    bool first = true;

    if (!scan_opens(list, '[') || !scan_open(&s, '[')) {
        return;
    }
    while (scan_more(&s, ']', &first) && scan_value(&s, &raw)) {
        add(a, raw);
    }
}

static void add_piece(answer *a, piece_kind kind, sw_str raw)
{
    sw_str text = scan_text(raw, a->arena);

    if (kind == ARGUMENTS) {
        add_arguments(a, a->tool_count > 0 ? &a->tools[a->tool_count - 1] : NULL, raw);
    } else {
        sw_buf_add(kind == TEXT ? &a->text : &a->thought, text);
    }
}

/* An event of Responses. It begins a tool's call when it adds it; what says so again is passed over. */
static void take_delta(answer *a, sw_str type, sw_str value)
{
    sw_str raw = usage_at(value, "delta");

    if (scan_is(type, "\"response.output_item.added\"")) {
        begin_tools(a, value);
    }
    for (size_t i = 0; i < SW_COUNT(deltas) && scan_is_string(raw); i++) {
        if (scan_is(type, deltas[i].type)) {
            add_piece(a, deltas[i].kind, raw);
        }
    }
}

static void take_event(void *arg, sw_str name, sw_str value)
{
    answer *a = arg;
    sw_str whole = usage_at(value, "response");
    sw_str type = usage_at(value, "type");
    sw_int choice = scan_count(usage_at(value, "choices.0.index"));

    (void)name;
    if (usage_at(whole, "output.0").ptr) { /* Responses: the last one is all of it */
        a->whole = whole;
        return;
    }
    if (type.len > 10 && memcmp(type.ptr, "\"response.", 10) == 0) {
        take_delta(a, type, value);
        return;
    }
    if (choice.known && choice.value > 0) {
        return; /* another answer to the same */
    }
    begin_tools(a, value);
    for (size_t i = 0; i < SW_COUNT(lists); i++) {
        add_each(a, usage_at(value, lists[i]), add_call);
    }
    add_each(a, usage_at(value, "candidates.0.content.parts"), add_part);
    for (size_t i = 0; i < SW_COUNT(pieces); i++) {
        sw_str raw = usage_at(value, pieces[i].path);
        if (scan_is_string(raw)) {
            add_piece(a, pieces[i].kind, raw);
        }
    }
}

/* ---- the message --------------------------------------------------------------------------------------- */

static void write_tools(const answer *a, sw_json_out *out)
{
    sw_json_key(out, SW_STR("tool_calls"));
    sw_json_open(out, '[');
    for (size_t i = 0; i < a->tool_count; i++) {
        const tool *t = &a->tools[i];
        sw_json_open(out, '{');
        sw_json_key(out, SW_STR("id"));
        sw_json_str(out, t->id);
        sw_json_key(out, SW_STR("type"));
        sw_json_str(out, SW_STR("function"));
        sw_json_key(out, SW_STR("function"));
        sw_json_open(out, '{');
        sw_json_key(out, SW_STR("name"));
        sw_json_str(out, t->name);
        sw_json_key(out, SW_STR("arguments"));
        sw_json_str(out, t->arguments.len ? sw_buf_str(&t->arguments) : SW_STR("{}"));
        sw_json_close(out, '}');
        sw_json_close(out, '}');
    }
    sw_json_close(out, ']');
}

static sw_str write_message(const answer *a)
{
    sw_buf buf;
    sw_json_out out;

    if (a->text.len + a->thought.len == 0 && a->tool_count == 0) {
        return SW_NULL_STR;
    }
    sw_buf_init(&buf, a->arena->from, 2 * SW_LIMIT_JSON_BYTES);
    sw_json_out_init(&out, &buf, false);
    sw_json_open(&out, '{');
    sw_json_key(&out, SW_STR("role"));
    sw_json_str(&out, SW_STR("assistant"));
    if (a->thought.len > 0) {
        sw_json_key(&out, SW_STR("reasoning_content"));
        sw_json_str(&out, sw_buf_str(&a->thought));
    }
    sw_json_key(&out, SW_STR("content"));
    sw_json_str(&out, a->text.len > 0 ? sw_buf_str(&a->text) : SW_NULL_STR);
    if (a->tool_count > 0) {
        write_tools(a, &out);
    }
    sw_json_close(&out, '}');
    return sw_buf_take(&buf, a->arena);
}

static void end_text(sw_buf *text, sw_arena *arena)
{
    arena->failed |= text->status == SW_STATUS_NO_MEMORY;
    sw_buf_fini(text);
}

sw_str import_answer(sw_str body, sw_arena *arena)
{
    answer a = {.arena = arena, .tools = sw_arena_zeroed(arena, TOOLS_MOST * sizeof(tool))};
    sw_str message = SW_NULL_STR;

    if (!a.tools) {
        return SW_NULL_STR;
    }
    sw_buf_init(&a.text, arena->from, SW_LIMIT_JSON_BYTES);
    sw_buf_init(&a.thought, arena->from, SW_LIMIT_JSON_BYTES);
    (void)usage_body(body, arena, take_event, &a);
    message = a.whole.ptr ? a.whole : write_message(&a);
    for (size_t i = 0; i < a.tool_count; i++) {
        end_text(&a.tools[i].arguments, arena);
    }
    end_text(&a.text, arena);
    end_text(&a.thought, arena);
    return message;
}
