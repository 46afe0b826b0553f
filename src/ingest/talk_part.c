/* SPDX-License-Identifier: Apache-2.0 */
/* One part of a content, in any dialect: text, thought, media, call, return. The word in `type` tells which it
 * is, or the name of the one member that wraps it (Gemini, Bedrock, Genkit, OpenInference). A part of another
 * kind is kept as it is. Knows no message.
 */
#include "ingest/talk.h"

typedef enum part_kind {
    KIND_UNKNOWN,
    KIND_TEXT,
    KIND_REASONING,
    KIND_REDACTED,
    KIND_CALL,
    KIND_RETURN,
    KIND_MEDIA,
    KIND_WRAPPER /* of one part */
} part_kind;

typedef struct kind_row {
    const char *word;
    part_kind kind;
} kind_row;

/* By the word in `type`. */
static const kind_row types[] = {
    {"text", KIND_TEXT},
    {"input_text", KIND_TEXT},
    {"output_text", KIND_TEXT},
    {"summary_text", KIND_TEXT},
    {"reasoning", KIND_REASONING},
    {"thinking", KIND_REASONING},
    {"reasoning_text", KIND_REASONING},
    {"summarized_reasoning", KIND_REASONING},
    {"redacted_thinking", KIND_REDACTED},
    {"redacted_reasoning", KIND_REDACTED},
    {"redacted-reasoning", KIND_REDACTED},
    {"tool_call", KIND_CALL},
    {"tool-call", KIND_CALL},
    {"tool_use", KIND_CALL},
    {"function", KIND_CALL},
    {"function_call", KIND_CALL},
    {"custom_tool_call", KIND_CALL},
    {"tool_call_response", KIND_RETURN},
    {"tool-call-response", KIND_RETURN},
    {"tool-result", KIND_RETURN},
    {"tool_result", KIND_RETURN},
    {"tool_return", KIND_RETURN},
    {"function_call_output", KIND_RETURN},
    {"custom_tool_call_output", KIND_RETURN},
    {"blob", KIND_MEDIA},
    {"file", KIND_MEDIA},
    {"uri", KIND_MEDIA},
    {"image", KIND_MEDIA},
    {"image_url", KIND_MEDIA},
    {"image-url", KIND_MEDIA},
    {"input_image", KIND_MEDIA},
    {"audio", KIND_MEDIA},
    {"audio-url", KIND_MEDIA},
    {"input_audio", KIND_MEDIA},
    {"video", KIND_MEDIA},
    {"video-url", KIND_MEDIA},
    {"video_url", KIND_MEDIA},
    {"document", KIND_MEDIA},
    {"document-url", KIND_MEDIA},
    {"input_file", KIND_MEDIA},
    {"media", KIND_MEDIA},
    {"binary", KIND_MEDIA},
};

/* By the one member that holds it, when there is no `type`. */
static const kind_row wrappers[] = {
    {"message_content", KIND_WRAPPER},
    {"tool_call", KIND_CALL},
    {"functionCall", KIND_CALL},
    {"function_call", KIND_CALL},
    {"toolUse", KIND_CALL},
    {"toolRequest", KIND_CALL},
    {"functionResponse", KIND_RETURN},
    {"function_response", KIND_RETURN},
    {"toolResult", KIND_RETURN},
    {"toolResponse", KIND_RETURN},
    {"reasoningContent", KIND_REASONING},
    {"reasoning", KIND_REASONING},
    {"inlineData", KIND_MEDIA},
    {"inline_data", KIND_MEDIA},
    {"fileData", KIND_MEDIA},
    {"file_data", KIND_MEDIA},
    {"image", KIND_MEDIA},
    {"document", KIND_MEDIA},
    {"video", KIND_MEDIA},
    {"audio", KIND_MEDIA},
    {"media", KIND_MEDIA},
};

enum { DEEPEST_WRAP = 3 };

static part_kind kind_in(const kind_row *rows, size_t count, sw_str word)
{
    for (size_t i = 0; i < count; i++) {
        if (sw_str_eq(word, sw_str_from(rows[i].word))) {
            return rows[i].kind;
        }
    }
    return KIND_UNKNOWN;
}

/* ---- calls and returns ------------------------------------------------------------------------------- */

enum {
    TOOL_ID,
    TOOL_NAME,
    TOOL_ARGUMENTS,
    TOOL_FUNCTION,
    TOOL_RESULT,
    TOOL_CONTENT,
    TOOL_ERROR,
    TOOL_STATUS,
    TOOL_INNER,
    TOOL_SLOTS
};

static const talk_name tool_names[] = {
    {"id", TOOL_ID},           {"call_id", TOOL_ID},          {"toolCallId", TOOL_ID},
    {"tool_call_id", TOOL_ID}, {"tool_use_id", TOOL_ID},      {"toolUseId", TOOL_ID},
    {"ref", TOOL_ID},          {"name", TOOL_NAME},           {"toolName", TOOL_NAME},
    {"tool_name", TOOL_NAME},  {"arguments", TOOL_ARGUMENTS}, {"args", TOOL_ARGUMENTS},
    {"input", TOOL_ARGUMENTS}, {"function", TOOL_FUNCTION},   {"result", TOOL_RESULT},
    {"response", TOOL_RESULT}, {"output", TOOL_RESULT},       {"content", TOOL_CONTENT},
    {"is_error", TOOL_ERROR},  {"isError", TOOL_ERROR},       {"status", TOOL_STATUS},
    {"tool_call", TOOL_INNER},
};

/* A Responses item has an id of its own beside the call's; the call's is what answers name. */
static sw_str call_id(talk *t, talk_value object, talk_value found)
{
    talk_value id = talk_member(t, object, "call_id");

    return talk_said(t, id.type != SW_JSON_END ? id : found);
}

static void read_call(talk *t, talk_value object)
{
    talk_value m[TOOL_SLOTS];
    talk_value f[TOOL_SLOTS];

    talk_members(t, object, tool_names, SW_COUNT(tool_names), m, TOOL_SLOTS);
    if (m[TOOL_INNER].type == SW_JSON_OBJECT) {
        talk_members(t, m[TOOL_INNER], tool_names, SW_COUNT(tool_names), m, TOOL_SLOTS);
    }
    if (m[TOOL_FUNCTION].type == SW_JSON_OBJECT) {
        talk_members(t, m[TOOL_FUNCTION], tool_names, SW_COUNT(tool_names), f, TOOL_SLOTS);
        m[TOOL_NAME] = f[TOOL_NAME];
        m[TOOL_ARGUMENTS] = f[TOOL_ARGUMENTS];
    }
    talk_add_call(t, call_id(t, object, m[TOOL_ID]), talk_said(t, m[TOOL_NAME]),
                  talk_said(t, m[TOOL_ARGUMENTS]));
}

void talk_read_call(talk *t, talk_value call)
{
    if (call.type == SW_JSON_STRING) {
        call = talk_open(t, call);
    }
    if (call.type == SW_JSON_OBJECT) {
        read_call(t, call);
    } else if (call.type != SW_JSON_NULL) {
        talk_read_any_part(t, call);
    }
}

/* Whether a value is a list of parts rather than data that happens to be a list. */
static bool is_parts(talk *t, talk_value list)
{
    talk_walk w;
    bool any = false;

    if (!talk_walk_begin(&w, t, list)) {
        return false;
    }
    while (talk_walk_next(&w)) {
        talk_value type = talk_member(t, w.value, "type");
        part_kind kind = kind_in(types, SW_COUNT(types), type.text);
        any = true;
        if (kind != KIND_TEXT && kind != KIND_MEDIA) {
            return false;
        }
    }
    return any;
}

/* The parts as a message of their own would hold them. */
static void read_return_parts(talk *t, sw_str id, sw_str name, bool failed, talk_value list)
{
    talk inner;
    const sw_message *said = NULL;

    talk_init(&inner, t->arena);
    talk_begin(&inner, SW_MESSAGE_ROLE_TOOL);
    talk_read_content(&inner, list);
    talk_end(&inner);
    t->cut = t->cut || inner.cut;
    said = inner.messages[inner.side].items;
    if (said) {
        talk_add_return(t, id, name, failed, said->content.ptr ? said->content : said->text,
                        said->content.ptr != NULL);
    }
}

/* AI SDK: {type: "text" | "json" | "error-text" | "error-json" | "content", value}. Bedrock: [{json} | {text}]. */
static talk_value unwrapped_return(talk *t, talk_value value, bool *failed)
{
    talk_value type = talk_member(t, value, "type");
    talk_value inner = talk_member(t, value, "value");
    talk_walk w;

    if (type.type == SW_JSON_STRING && inner.type != SW_JSON_END) {
        *failed = *failed || (type.text.len >= 5 && memcmp(type.text.ptr, "error", 5) == 0);
        return inner;
    }
    if (talk_walk_begin(&w, t, value) && talk_walk_next(&w)) {
        talk_value only = talk_member(t, w.value, "json");
        talk_value typed = talk_member(t, w.value, "type");
        only = only.type != SW_JSON_END ? only : talk_member(t, w.value, "text");
        if (typed.type == SW_JSON_END && only.type != SW_JSON_END && !talk_walk_next(&w)) {
            return only;
        }
    }
    return value;
}

void talk_read_return(talk *t, sw_str id, sw_str name, bool failed, talk_value value)
{
    value = unwrapped_return(t, value, &failed);
    if (is_parts(t, value)) {
        read_return_parts(t, id, name, failed, value);
    } else {
        talk_add_return(t, id, name, failed, talk_said(t, value), false);
    }
}

static void read_return(talk *t, talk_value object)
{
    talk_value m[TOOL_SLOTS];
    talk_value said = TALK_ABSENT;
    bool failed = false;

    talk_members(t, object, tool_names, SW_COUNT(tool_names), m, TOOL_SLOTS);
    failed = m[TOOL_ERROR].type == SW_JSON_TRUE || sw_str_eq(m[TOOL_STATUS].text, SW_STR("error"));
    said = m[TOOL_RESULT].type != SW_JSON_END ? m[TOOL_RESULT] : m[TOOL_CONTENT];
    talk_read_return(t, call_id(t, object, m[TOOL_ID]), talk_said(t, m[TOOL_NAME]), failed, said);
}

/* ---- media ------------------------------------------------------------------------------------------------ */

enum {
    MEDIA_TYPE,
    MEDIA_KIND,
    MEDIA_FORMAT,
    MEDIA_NAME,
    MEDIA_DATA,
    MEDIA_URL,
    MEDIA_FILE,
    MEDIA_INNER,
    MEDIA_SLOTS
};

static const talk_name media_names[] = {
    {"mime_type", MEDIA_TYPE},  {"mimeType", MEDIA_TYPE},     {"media_type", MEDIA_TYPE},
    {"mediaType", MEDIA_TYPE},  {"contentType", MEDIA_TYPE},  {"modality", MEDIA_KIND},
    {"format", MEDIA_FORMAT},   {"filename", MEDIA_NAME},     {"file_name", MEDIA_NAME},
    {"title", MEDIA_NAME},      {"display_name", MEDIA_NAME}, {"name", MEDIA_NAME},
    {"data", MEDIA_DATA},       {"bytes", MEDIA_DATA},        {"content", MEDIA_DATA},
    {"file_data", MEDIA_DATA},  {"base64", MEDIA_DATA},       {"url", MEDIA_URL},
    {"uri", MEDIA_URL},         {"fileUri", MEDIA_URL},       {"file_uri", MEDIA_URL},
    {"file_id", MEDIA_FILE},    {"fileId", MEDIA_FILE},       {"image", MEDIA_INNER},
    {"image_url", MEDIA_INNER}, {"input_audio", MEDIA_INNER}, {"source", MEDIA_INNER},
    {"audio", MEDIA_INNER},     {"video_url", MEDIA_INNER},   {"file", MEDIA_INNER},
    {"media", MEDIA_INNER},     {"s3Location", MEDIA_INNER},
};

static void take_text(sw_str *place, talk_value value)
{
    if (!place->ptr && value.type == SW_JSON_STRING) {
        *place = value.text;
    }
}

static bool is_url(sw_str text)
{
    size_t most = text.len < 16 ? text.len : 16;

    for (size_t i = 0; i + 3 <= most; i++) {
        if (memcmp(text.ptr + i, "://", 3) == 0) {
            return true;
        }
    }
    return text.len > 5 && memcmp(text.ptr, "data:", 5) == 0;
}

/* A text is a place or the bytes themselves. */
static void take_source(talk_media *media, talk_value value)
{
    if (value.type == SW_JSON_STRING) {
        take_text(is_url(value.text) ? &media->url : &media->data, value);
    }
}

static void find_media(talk *t, talk_value object, talk_media *media, int depth)
{
    talk_value m[MEDIA_SLOTS];

    talk_members(t, object, media_names, SW_COUNT(media_names), m, MEDIA_SLOTS);
    take_text(&media->type, m[MEDIA_TYPE]);
    take_text(&media->name, m[MEDIA_NAME]);
    take_text(&media->file_id, m[MEDIA_FILE]);
    if (m[MEDIA_KIND].type == SW_JSON_STRING) {
        media->kind = m[MEDIA_KIND].text;
    }
    if (!media->type.ptr && m[MEDIA_FORMAT].type == SW_JSON_STRING && media->kind.ptr) {
        media->type =
            sw_arena_printf(t->arena, "%.*s/%.*s", (int)media->kind.len, media->kind.ptr,
                            (int)(m[MEDIA_FORMAT].text.len & 0xff), m[MEDIA_FORMAT].text.ptr);
    }
    take_source(media, m[MEDIA_DATA]);
    take_source(media, m[MEDIA_URL]);
    if (m[MEDIA_INNER].type == SW_JSON_OBJECT && depth < DEEPEST_WRAP) {
        find_media(t, m[MEDIA_INNER], media, depth + 1);
    } else {
        take_source(media, m[MEDIA_INNER]);
    }
}

/* "input_image", "image_url", "audio-url": what it is. */
static sw_str kind_of_word(sw_str word)
{
    static const char *const kinds[] = {"image", "audio", "video", "document"};

    for (size_t i = 0; i < SW_COUNT(kinds); i++) {
        if (sw_str_contains_nocase(word, sw_str_from(kinds[i]))) {
            return sw_str_from(kinds[i]);
        }
    }
    return SW_NULL_STR;
}

/* False: there is nothing to find in it, or what stands for it was masked. */
static bool read_media(talk *t, talk_value object, sw_str word)
{
    talk_media media = {.kind = kind_of_word(word)};

    if (object.type == SW_JSON_OBJECT) {
        find_media(t, object, &media, 0);
    } else {
        take_source(&media, object);
    }
    if ((!media.data.ptr && !media.url.ptr && !media.file_id.ptr) ||
        sw_str_eq(media.data, SW_STR("__REDACTED__")) ||
        sw_str_eq(media.data, SW_STR("[Circular]"))) {
        return false;
    }
    talk_add_media(t, &media);
    return true;
}

/* ---- thoughts ------------------------------------------------------------------------------------------------ */

enum {
    THOUGHT_TEXT,
    THOUGHT_SIGNATURE,
    THOUGHT_SUMMARY,
    THOUGHT_REDACTED,
    THOUGHT_INNER,
    THOUGHT_SLOTS
};

static const talk_name thought_names[] = {
    {"text", THOUGHT_TEXT},
    {"content", THOUGHT_TEXT},
    {"thinking", THOUGHT_TEXT},
    {"reasoning", THOUGHT_TEXT},
    {"signature", THOUGHT_SIGNATURE},
    {"thoughtSignature", THOUGHT_SIGNATURE},
    {"thought_signature", THOUGHT_SIGNATURE},
    {"encrypted_content", THOUGHT_SIGNATURE},
    {"summary", THOUGHT_SUMMARY},
    {"data", THOUGHT_REDACTED},
    {"redactedContent", THOUGHT_REDACTED},
    {"reasoningText", THOUGHT_INNER},
};

static void add_redacted(talk *t, sw_str data)
{
    talk_writer w;

    talk_write_begin(&w, t);
    sw_json_open(&w.out, '{');
    talk_write_pair(&w, "type", SW_STR("redacted_reasoning"));
    talk_write_pair(&w, "data", talk_clip(t, data, SW_LIMIT_JSON_BYTES / 8));
    sw_json_close(&w.out, '}');
    talk_add_other(t, talk_write_end(&w, t));
}

/* Pieces of a thought: [{"text"}], or texts. */
static bool read_thoughts(talk *t, talk_value list, sw_str signature)
{
    talk_walk w;
    bool any = false;

    if (!talk_walk_begin(&w, t, list)) {
        return false;
    }
    while (talk_walk_next(&w)) {
        talk_value text =
            w.value.type == SW_JSON_OBJECT ? talk_member(t, w.value, "text") : w.value;
        if (text.type == SW_JSON_STRING) {
            talk_add_reasoning(t, text.text, any ? SW_NULL_STR : signature);
            any = true;
        }
    }
    return any;
}

static bool read_reasoning(talk *t, talk_value value)
{
    talk_value m[THOUGHT_SLOTS];

    if (value.type == SW_JSON_STRING) {
        talk_add_reasoning(t, value.text, SW_NULL_STR);
        return true;
    }
    talk_members(t, value, thought_names, SW_COUNT(thought_names), m, THOUGHT_SLOTS);
    if (m[THOUGHT_INNER].type == SW_JSON_OBJECT) {
        talk_members(t, m[THOUGHT_INNER], thought_names, SW_COUNT(thought_names), m, THOUGHT_SLOTS);
    }
    if (m[THOUGHT_TEXT].type == SW_JSON_STRING) {
        talk_add_reasoning(t, m[THOUGHT_TEXT].text, m[THOUGHT_SIGNATURE].text);
        return true;
    }
    if (read_thoughts(t, m[THOUGHT_TEXT], m[THOUGHT_SIGNATURE].text) ||
        read_thoughts(t, m[THOUGHT_SUMMARY], m[THOUGHT_SIGNATURE].text)) {
        return true;
    }
    if (m[THOUGHT_REDACTED].type == SW_JSON_STRING) {
        add_redacted(t, m[THOUGHT_REDACTED].text);
        return true;
    }
    return false;
}

static bool read_redacted(talk *t, talk_value part)
{
    talk_value data = talk_member(t, part, "data");

    if (data.type == SW_JSON_STRING) {
        add_redacted(t, data.text);
    }
    return data.type == SW_JSON_STRING;
}

/* ---- any part ----------------------------------------------------------------------------------------------------- */

static bool read_part(talk *t, talk_value part, int depth);

static bool read_text(talk *t, talk_value part)
{
    talk_value text = talk_member(t, part, "text");

    text = text.type == SW_JSON_STRING ? text : talk_member(t, part, "content");
    if (text.type == SW_JSON_STRING) {
        talk_add_text(t, text.text);
    }
    return text.type == SW_JSON_STRING;
}

static bool read_kind(talk *t, part_kind kind, talk_value part, sw_str word, int depth)
{
    switch (kind) {
    case KIND_TEXT:
        return read_text(t, part);
    case KIND_REASONING:
        return read_reasoning(t, part);
    case KIND_REDACTED:
        return read_redacted(t, part);
    case KIND_CALL:
        read_call(t, part);
        return true;
    case KIND_RETURN:
        read_return(t, part);
        return true;
    case KIND_MEDIA:
        return read_media(t, part, word);
    case KIND_WRAPPER:
        return read_part(t, part, depth + 1);
    case KIND_UNKNOWN:
        break;
    }
    return false;
}

/* By the member that wraps it. */
static bool read_wrapped(talk *t, talk_value part, int depth)
{
    talk_walk w;

    if (!talk_walk_begin_object(&w, t, part)) {
        return false;
    }
    while (talk_walk_next_member(&w)) {
        part_kind kind = kind_in(wrappers, SW_COUNT(wrappers), w.key);
        if (kind != KIND_UNKNOWN && w.value.type > SW_JSON_NULL) {
            return read_kind(t, kind, w.value, w.key, depth);
        }
    }
    return false;
}

/* Gemini's thoughts are text with a flag. */
static bool read_untyped(talk *t, talk_value part, int depth)
{
    enum { TEXT, THOUGHT, SIGNATURE, SLOTS };
    static const talk_name names[] = {{"text", TEXT},
                                      {"thought", THOUGHT},
                                      {"thoughtSignature", SIGNATURE},
                                      {"thought_signature", SIGNATURE}};
    talk_value m[SLOTS];

    talk_members(t, part, names, SW_COUNT(names), m, SLOTS);
    if (m[TEXT].type != SW_JSON_STRING) {
        return read_wrapped(t, part, depth);
    }
    if (m[THOUGHT].type == SW_JSON_TRUE) {
        talk_add_reasoning(t, m[TEXT].text, m[SIGNATURE].text);
    } else {
        talk_add_text(t, m[TEXT].text);
    }
    return true;
}

static bool read_part(talk *t, talk_value part, int depth)
{
    talk_value type = TALK_ABSENT;

    if (part.type == SW_JSON_STRING) {
        talk_add_text(t, part.text);
        return true;
    }
    if (part.type != SW_JSON_OBJECT || depth > DEEPEST_WRAP) {
        return false;
    }
    type = talk_member(t, part, "type");
    if (type.type != SW_JSON_STRING) {
        return read_untyped(t, part, depth);
    }
    return read_kind(t, kind_in(types, SW_COUNT(types), type.text), part, type.text, depth);
}

bool talk_read_part(talk *t, talk_value part)
{
    return read_part(t, part, 0);
}

void talk_read_any_part(talk *t, talk_value part)
{
    if (part.type <= SW_JSON_NULL || read_part(t, part, 0)) {
        return;
    }
    if (part.type == SW_JSON_OBJECT) {
        talk_add_other(t, talk_json(t, part));
    } else {
        talk_add_text(t, talk_said(t, part));
    }
}

void talk_read_content(talk *t, talk_value content)
{
    talk_walk w;

    if (!talk_walk_begin(&w, t, content)) {
        talk_read_any_part(t, content);
        return;
    }
    while (talk_walk_next(&w)) {
        talk_read_any_part(t, w.value);
    }
}
