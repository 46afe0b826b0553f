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

bool talk_is_said(sw_str type)
{
    part_kind kind = kind_in(types, SW_COUNT(types), type);

    return kind == KIND_TEXT || kind == KIND_MEDIA;
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
        talk_read_call_part(t, part);
        return true;
    case KIND_RETURN:
        talk_read_return_part(t, part);
        return true;
    case KIND_MEDIA:
        return talk_read_media(t, part, word);
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
