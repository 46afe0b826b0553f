/* SPDX-License-Identifier: Apache-2.0 */
/* One message, in any dialect: who speaks, and where its content, calls and returns are. OpenAI, Anthropic,
 * Gemini, Bedrock, Cohere, LangChain (plain and serialized), the AI SDK, OpenInference's and G1's wrappings all
 * come down to the same few members under different names.
 */
#include "ingest/talk.h"

/* Messages in messages: a choice with a message that LangChain serialized is the deepest. */
enum { DEEPEST_WRAP = 3 };

enum {
    M_ROLE,
    M_TYPE,
    M_CONTENT,
    M_PARTS,
    M_CALLS,
    M_FUNCTION_CALL,
    M_FUNCTION_NAME,
    M_FUNCTION_ARGUMENTS,
    M_CALL_ID,
    M_ID,
    M_NAME,
    M_REASONING,
    M_REFUSAL,
    M_MESSAGE,
    M_FINISH,
    M_KWARGS,
    M_DATA,
    M_EVENT,
    M_TEXT,
    M_MORE,
    M_STATUS,
    M_ERROR,
    M_TRUNCATED,
    M_AUDIO,
    M_LC,
    M_SLOTS
};

static const talk_name names[] = {
    {"role", M_ROLE},
    {"author_role", M_ROLE},
    {"type", M_TYPE},
    {"content", M_CONTENT},
    {"contents", M_PARTS},
    {"parts", M_PARTS},
    {"tool_calls", M_CALLS},
    {"toolCalls", M_CALLS},
    {"function_call", M_FUNCTION_CALL},
    {"function_call_name", M_FUNCTION_NAME},
    {"function_call_arguments_json", M_FUNCTION_ARGUMENTS},
    {"tool_call_id", M_CALL_ID},
    {"toolCallId", M_CALL_ID},
    {"id", M_ID},
    {"name", M_NAME},
    {"reasoning_content", M_REASONING},
    {"reasoning", M_REASONING},
    {"thinking", M_REASONING},
    {"tool_plan", M_REASONING}, /* Cohere */
    {"refusal", M_REFUSAL},
    {"message", M_MESSAGE},
    {"delta", M_MESSAGE},
    {"prompt", M_MESSAGE},
    {"completion", M_MESSAGE},
    {"finish_reason", M_FINISH},
    {"finishReason", M_FINISH},
    {"stop_reason", M_FINISH},
    {"stopReason", M_FINISH},
    {"kwargs", M_KWARGS},
    {"data", M_DATA},
    {"event.name", M_EVENT},
    {"text", M_TEXT},
    {"additional_kwargs", M_MORE},
    {"status", M_STATUS},
    {"is_error", M_ERROR},
    {"body_truncated", M_TRUNCATED},
    {"audio", M_AUDIO},
    {"lc", M_LC},
};

static const struct {
    const char *word;
    sw_message_role role;
} roles[] = {
    {"system", SW_MESSAGE_ROLE_SYSTEM},       {"developer", SW_MESSAGE_ROLE_SYSTEM},
    {"user", SW_MESSAGE_ROLE_USER},           {"human", SW_MESSAGE_ROLE_USER},
    {"assistant", SW_MESSAGE_ROLE_ASSISTANT}, {"ai", SW_MESSAGE_ROLE_ASSISTANT},
    {"model", SW_MESSAGE_ROLE_ASSISTANT},     {"chatbot", SW_MESSAGE_ROLE_ASSISTANT},
    {"bot", SW_MESSAGE_ROLE_ASSISTANT},       {"tool", SW_MESSAGE_ROLE_TOOL},
    {"function", SW_MESSAGE_ROLE_TOOL},       {"toolresult", SW_MESSAGE_ROLE_TOOL},
    {"summary", SW_MESSAGE_ROLE_SUMMARY},
};

/* LangChain's classes end so, also those of chunks. */
static const struct {
    const char *word;
    sw_message_role role;
} classes[] = {
    {"HumanMessage", SW_MESSAGE_ROLE_USER},    {"AIMessage", SW_MESSAGE_ROLE_ASSISTANT},
    {"SystemMessage", SW_MESSAGE_ROLE_SYSTEM}, {"ToolMessage", SW_MESSAGE_ROLE_TOOL},
    {"FunctionMessage", SW_MESSAGE_ROLE_TOOL},
};

bool talk_role(sw_str word, sw_message_role *role)
{
    for (size_t i = 0; i < SW_COUNT(roles); i++) {
        sw_str known = sw_str_from(roles[i].word);
        if (word.len == known.len && sw_str_contains_nocase(word, known)) {
            *role = roles[i].role;
            return true;
        }
    }
    return false;
}

sw_message_role talk_role_of_side(const talk *t)
{
    static const sw_message_role by_side[] = {[TALK_SYSTEM] = SW_MESSAGE_ROLE_SYSTEM,
                                              [TALK_INPUT] = SW_MESSAGE_ROLE_USER,
                                              [TALK_OUTPUT] = SW_MESSAGE_ROLE_ASSISTANT};

    return by_side[t->side];
}

static void members(talk *t, talk_value object, talk_value m[M_SLOTS])
{
    talk_members(t, object, names, SW_COUNT(names), m, M_SLOTS);
}

/* ---- who speaks ------------------------------------------------------------------------------------- */

/* "gen_ai.user.message". */
static bool role_of_event(sw_str name, sw_message_role *role)
{
    const sw_str head = SW_STR("gen_ai.");
    const sw_str tail = SW_STR(".message");

    if (sw_str_eq(name, SW_STR("gen_ai.choice"))) {
        *role = SW_MESSAGE_ROLE_ASSISTANT;
        return true;
    }
    return name.len > head.len + tail.len && memcmp(name.ptr, head.ptr, head.len) == 0 &&
           talk_role(sw_str_make(name.ptr + head.len, name.len - head.len - tail.len), role);
}

/* The last word of LangChain's path of classes. */
static bool role_of_class(talk *t, talk_value path, sw_message_role *role)
{
    talk_walk w;
    sw_str last = SW_STR("");

    for (bool more = talk_walk_begin(&w, t, path); more && talk_walk_next(&w);) {
        last = w.value.type == SW_JSON_STRING ? w.value.text : last;
    }
    for (size_t i = 0; i < SW_COUNT(classes); i++) {
        if (sw_str_contains_nocase(last, sw_str_from(classes[i].word))) {
            *role = classes[i].role;
            return true;
        }
    }
    return false;
}

/* The role that the message names; false: none, or a word we do not know, which is then its speaker's name. */
static bool find_role(talk *t, const talk_value m[M_SLOTS], sw_message_role *role)
{
    if (m[M_ROLE].type == SW_JSON_STRING) {
        return talk_role(m[M_ROLE].text, role);
    }
    return (m[M_EVENT].type == SW_JSON_STRING && role_of_event(m[M_EVENT].text, role)) ||
           (m[M_LC].type != SW_JSON_END && role_of_class(t, m[M_ID], role)) ||
           (m[M_TYPE].type == SW_JSON_STRING &&
            (m[M_CONTENT].type != SW_JSON_END || m[M_DATA].type != SW_JSON_END) &&
            talk_role(m[M_TYPE].text, role));
}

/* ---- what is said ------------------------------------------------------------------------------------- */

static void read_calls(talk *t, talk_value calls)
{
    talk_walk w;

    calls = talk_open(t, calls);
    if (talk_walk_begin(&w, t, calls)) {
        while (talk_walk_next(&w)) {
            talk_read_call(t, w.value);
        }
    } else if (calls.type == SW_JSON_OBJECT) {
        talk_read_call(t, calls);
    }
}

/* A text that is a JSON list of objects, each with a word that tells its type. */
static talk_value loosened(talk *t, talk_value content)
{
    talk_walk w;
    talk_value list = TALK_ABSENT;

    if (!t->loose_text || content.type != SW_JSON_STRING || content.text.len == 0 ||
        content.text.ptr[0] != '[') {
        return content;
    }
    list = talk_parse(t, content.text);
    for (bool more = talk_walk_begin(&w, t, list); more;) {
        if (!talk_walk_next(&w)) {
            return list;
        }
        more = talk_member(t, w.value, "type").type == SW_JSON_STRING;
    }
    return content;
}

/* What a tool answered, when the message is that answer itself and not parts that hold it. */
static void read_answer(talk *t, const talk_value m[M_SLOTS])
{
    talk_value id = m[M_CALL_ID].type != SW_JSON_END ? m[M_CALL_ID] : m[M_ID];
    bool failed = m[M_ERROR].type == SW_JSON_TRUE || sw_str_eq(m[M_STATUS].text, SW_STR("error"));

    talk_read_return(t, talk_said(t, id), m[M_NAME].text, failed, m[M_CONTENT]);
}

static bool holds_returns(talk *t, talk_value content)
{
    talk counted;
    bool any = false;

    if (content.type != SW_JSON_ARRAY) {
        return false;
    }
    talk_init(&counted, t->arena);
    talk_begin(&counted, SW_MESSAGE_ROLE_TOOL);
    talk_read_content(&counted, content);
    any = counted.messages[counted.side].count > 0 || counted.message.tool_returns.ptr;
    return any;
}

static void read_content(talk *t, const talk_value m[M_SLOTS], sw_message_role role)
{
    talk_value content = loosened(t, m[M_CONTENT]);

    if (content.type == SW_JSON_OBJECT && talk_member(t, content, "parts").type != SW_JSON_END) {
        content = talk_member(t, content, "parts"); /* Gemini's candidate */
    }
    if (role == SW_MESSAGE_ROLE_TOOL && content.type != SW_JSON_END && !holds_returns(t, content)) {
        talk_value answer[M_SLOTS];
        memcpy(answer, m, sizeof answer);
        answer[M_CONTENT] = content;
        read_answer(t, answer);
        return;
    }
    talk_read_content(t, content);
    talk_read_content(t, m[M_PARTS]);
    if (m[M_CONTENT].type == SW_JSON_END && m[M_PARTS].type == SW_JSON_END) {
        talk_read_content(t, m[M_TEXT]);
    }
}

static void add_refusal(talk *t, sw_str text)
{
    talk_writer w;

    talk_write_begin(&w, t);
    sw_json_open(&w.out, '{');
    talk_write_pair(&w, "type", SW_STR("refusal"));
    talk_write_pair(&w, "refusal", text);
    sw_json_close(&w.out, '}');
    talk_add_other(t, talk_write_end(&w, t));
}

static void read_legacy_call(talk *t, const talk_value m[M_SLOTS])
{
    if (m[M_FUNCTION_CALL].type != SW_JSON_END) {
        talk_read_call(t, m[M_FUNCTION_CALL]);
    }
    if (m[M_FUNCTION_NAME].type != SW_JSON_END) {
        talk_add_call(t, SW_NULL_STR, talk_said(t, m[M_FUNCTION_NAME]),
                      talk_said(t, m[M_FUNCTION_ARGUMENTS]));
    }
}

static void fill(talk *t, const talk_value m[M_SLOTS], sw_message_role role)
{
    if (m[M_REASONING].type == SW_JSON_STRING && m[M_REASONING].text.len) {
        talk_add_reasoning(t, m[M_REASONING].text, SW_NULL_STR);
    }
    read_content(t, m, role);
    if (m[M_REFUSAL].type == SW_JSON_STRING && m[M_REFUSAL].text.len) {
        add_refusal(t, m[M_REFUSAL].text);
    }
    if (m[M_AUDIO].type == SW_JSON_OBJECT) {
        talk_read_any_part(t, m[M_AUDIO]);
    }
    read_calls(t, m[M_CALLS]);
    read_legacy_call(t, m);
    if (m[M_MORE].type == SW_JSON_OBJECT && t->calls.count == 0) {
        talk_value more[M_SLOTS];
        members(t, m[M_MORE], more);
        read_calls(t, more[M_CALLS]);
        read_legacy_call(t, more);
    }
    talk_finish(t, m[M_FINISH].text);
    t->cut = t->cut || m[M_TRUNCATED].type == SW_JSON_TRUE;
}

/* ---- wrappings ---------------------------------------------------------------------------------------------- */

/* The message inside: {"message": …} (choices, OpenInference, G1), LangChain's {"kwargs"} and {"data"}; the object
 * itself when there is none. What stands outside beside it counts where the inner one is silent. */
static talk_value unwrap(talk *t, talk_value m[M_SLOTS])
{
    talk_value inner = m[M_ROLE].type == SW_JSON_STRING ? TALK_ABSENT : talk_open(t, m[M_MESSAGE]);

    if (inner.type == SW_JSON_OBJECT || inner.type == SW_JSON_STRING) {
        return inner;
    }
    if (m[M_LC].type != SW_JSON_END && m[M_KWARGS].type == SW_JSON_OBJECT) {
        return m[M_KWARGS];
    }
    if (m[M_DATA].type == SW_JSON_OBJECT && m[M_ROLE].type == SW_JSON_END &&
        m[M_CONTENT].type == SW_JSON_END) {
        return m[M_DATA];
    }
    return TALK_ABSENT;
}

static void merge(talk_value inner[M_SLOTS], const talk_value outer[M_SLOTS])
{
    static const uint8_t kept[] = {M_FINISH, M_CALLS, M_NAME, M_CALL_ID};

    for (size_t i = 0; i < sizeof kept; i++) {
        if (inner[kept[i]].type == SW_JSON_END) {
            inner[kept[i]] = outer[kept[i]];
        }
    }
}

static bool has_content(const talk_value m[M_SLOTS])
{
    return m[M_CONTENT].type != SW_JSON_END || m[M_PARTS].type != SW_JSON_END ||
           m[M_CALLS].type != SW_JSON_END || m[M_FUNCTION_CALL].type != SW_JSON_END ||
           m[M_FUNCTION_NAME].type != SW_JSON_END || m[M_MESSAGE].type != SW_JSON_END ||
           (m[M_TEXT].type != SW_JSON_END && m[M_TYPE].type == SW_JSON_END) ||
           (m[M_FINISH].type != SW_JSON_END && m[M_TYPE].type == SW_JSON_END);
}

static void begin_as(talk *t, const talk_value m[M_SLOTS], sw_message_role role, bool item)
{
    if (item) {
        talk_join(t, role);
    } else {
        talk_begin(t, role);
    }
    talk_name_speaker(t, m[M_NAME].text);
    if (m[M_ROLE].type == SW_JSON_STRING && !talk_role(m[M_ROLE].text, &role)) {
        talk_name_speaker(t, m[M_ROLE].text);
    }
}

/* The members of the message inside all its wrappings, and the role that is named on the way; false: none is. */
static bool resolve(talk *t, talk_value message, talk_value m[M_SLOTS], sw_message_role *role)
{
    bool named = false;

    members(t, message, m);
    for (int depth = 0; depth < DEEPEST_WRAP; depth++) {
        talk_value outer[M_SLOTS];
        talk_value inner = unwrap(t, m);
        named = find_role(t, m, role) || named;
        if (inner.type == SW_JSON_STRING) {
            m[M_CONTENT] = inner;
        }
        if (inner.type != SW_JSON_OBJECT) {
            break;
        }
        memcpy(outer, m, sizeof outer);
        members(t, inner, m);
        merge(m, outer);
    }
    if (m[M_CONTENT].type == SW_JSON_OBJECT) { /* Gemini's candidate: its content has the role */
        talk_value word = talk_member(t, m[M_CONTENT], "role");
        named = (word.type == SW_JSON_STRING && talk_role(word.text, role)) || named;
    }
    if (m[M_CONTENT].type == SW_JSON_END && m[M_ROLE].type == SW_JSON_STRING &&
        m[M_MESSAGE].type == SW_JSON_STRING) { /* Cohere */
        m[M_CONTENT] = m[M_MESSAGE];
    }
    return named;
}

/* A message when it names a role, or has no type of its own and says something. */
bool talk_read_message(talk *t, talk_value message, sw_message_role role)
{
    talk_value m[M_SLOTS];
    bool named = resolve(t, message, m, &role);

    if (!named && m[M_ROLE].type != SW_JSON_STRING &&
        (!has_content(m) || m[M_TYPE].type == SW_JSON_STRING)) {
        return false;
    }
    begin_as(t, m, role,
             role == SW_MESSAGE_ROLE_ASSISTANT && sw_str_eq(m[M_TYPE].text, SW_STR("message")));
    fill(t, m, role);
    return true;
}
