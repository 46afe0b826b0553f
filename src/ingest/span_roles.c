/* SPDX-License-Identifier: Apache-2.0 */
/* Gives a span its role (telemetry.md E.1): the first convention that has a word for it decides. The words are
 * rows of model/span_roles.def; here is the order, and what is more than a word.
 */
#include "ingest/span_internal.h"

enum { ASK_CLAUDE = SPAN_FACT_COUNT, ASK_GEMINI };
#define SPAN_FACT_CLAUDE ASK_CLAUDE
#define SPAN_FACT_GEMINI ASK_GEMINI

static const struct {
    int asked;
    const char *word;
    span_role role;
} words[] = {
#define SW_ROLE(ASKED, WORD, ROLE) {SPAN_FACT_##ASKED, WORD, SPAN_##ROLE},
#include "model/span_roles.def"
#undef SW_ROLE
};

static bool has(const span_reading *r, span_fact fact)
{
    return r->values[fact] != NULL;
}

/* The rows of one convention stand together. */
static bool find_word(int asked, sw_str word, span_role *role)
{
    for (size_t i = 0; word.ptr && i < SW_COUNT(words); i++) {
        if (words[i].asked == asked && span_word_is(word, words[i].word)) {
            *role = words[i].role;
            return true;
        }
    }
    return false;
}

static bool by_fact(const span_reading *r, span_fact fact, span_role *role)
{
    return has(r, fact) && find_word((int)fact, span_text(r, fact), role);
}

static sw_str first_word(sw_str text)
{
    const char *blank = text.len ? memchr(text.ptr, ' ', text.len) : NULL;
    return blank ? sw_str_make(text.ptr, (size_t)(blank - text.ptr)) : text;
}

static bool by_claude(const span_reading *r, span_role *role)
{
    static const char prefix[] = "claude_code.";
    const sw_str said[] = {span_text(r, SPAN_FACT_SPAN_TYPE), r->span->name};
    for (size_t i = 0; r->dialect == SPAN_DIALECT_CLAUDE_CODE && i < SW_COUNT(said); i++) {
        size_t cut = span_starts(said[i], prefix) ? sizeof prefix - 1 : 0;
        sw_str word = said[i].ptr ? sw_str_make(said[i].ptr + cut, said[i].len - cut) : said[i];
        if ((cut || i == 0) && find_word(ASK_CLAUDE, word, role)) {
            return true;
        }
    }
    return false;
}

/* Of the hundreds of spans of a stream one is the call; a span with a standard word is asked for that. */
static bool by_codex(const span_reading *r, span_role *role)
{
    if (r->dialect != SPAN_DIALECT_CODEX) {
        return false;
    }
    if (has(r, SPAN_FACT_CODEX_TURN) || span_word_is(r->span->name, "session_task.turn")) {
        *role = SPAN_AGENT;
    } else if (has(r, SPAN_FACT_INPUT) && has(r, SPAN_FACT_CODEX_TOTAL)) {
        *role = SPAN_LLM;
    } else if (has(r, SPAN_FACT_OPERATION)) {
        return false;
    } else {
        *role = SPAN_OTHER;
    }
    return true;
}

static bool by_gemini(const span_reading *r, span_role *role)
{
    return r->dialect == SPAN_DIALECT_GEMINI_CLI &&
           find_word(ASK_GEMINI, span_text(r, SPAN_FACT_OPERATION), role);
}

/* Python SDKs up to 3.3.0 called generations spans. */
static bool by_langfuse(const span_reading *r, span_role *role)
{
    if (!by_fact(r, SPAN_FACT_LANGFUSE_TYPE, role)) {
        return false;
    }
    if (span_word_is(span_text(r, SPAN_FACT_LANGFUSE_TYPE), "span") &&
        (has(r, SPAN_FACT_MODEL) || has(r, SPAN_FACT_USAGE_LANGFUSE))) {
        *role = SPAN_LLM;
    }
    return true;
}

static bool by_ai_sdk(const span_reading *r, span_role *role)
{
    return find_word(SPAN_FACT_AI_OPERATION, first_word(span_text(r, SPAN_FACT_AI_OPERATION)),
                     role);
}

/* The kind of entity also stands on requests inside it. */
static bool by_traceloop(const span_reading *r, span_role *role)
{
    sw_str model = span_text(r, SPAN_FACT_REQUEST_MODEL);
    return !has(r, SPAN_FACT_REQUEST_TYPE) && !model.ptr &&
           by_fact(r, SPAN_FACT_TRACELOOP_KIND, role);
}

static bool by_tool(const span_reading *r, span_role *role)
{
    bool is_tool = has(r, SPAN_FACT_TOOL_CALL_ID) ||
                   (has(r, SPAN_FACT_TOOL_NAME) && r->dialect != SPAN_DIALECT_GENKIT) ||
                   span_word_is(span_text(r, SPAN_FACT_MCP_METHOD), "tools/call");
    *role = is_tool ? SPAN_TOOL : *role;
    return is_tool;
}

/* A name says what is done only where something else says that a model is about. */
static bool by_name(const span_reading *r, span_role *role)
{
    return r->gen_ai && !has(r, SPAN_FACT_OPERATION) &&
           find_word(SPAN_FACT_OPERATION, first_word(r->span->name), role);
}

static bool by_content(const span_reading *r, span_role *role)
{
    bool is_llm = has(r, SPAN_FACT_REQUEST_MODEL) &&
                  (has(r, SPAN_FACT_OUTPUT) || has(r, SPAN_FACT_OUTPUT_MESSAGE));
    *role = is_llm ? SPAN_LLM : *role;
    return is_llm;
}

static bool by_http(const span_reading *r, span_role *role)
{
    enum { CLIENT = 3 };
    bool is_http = has(r, SPAN_FACT_HTTP_METHOD) && r->span->span_kind == CLIENT;
    *role = is_http ? SPAN_HTTP : *role;
    return is_http;
}

static sw_str operation_of(const span_reading *r)
{
    sw_str operation = span_text(r, SPAN_FACT_OPERATION);
    if (!operation.ptr) {
        operation = first_word(span_text(r, SPAN_FACT_AI_OPERATION));
    }
    return operation.ptr ? operation : span_text(r, SPAN_FACT_REQUEST_TYPE);
}

/* Whatever role that is. */
bool span_evaluates(const span_reading *r)
{
    static const span_fact asked[] = {SPAN_FACT_LANGFUSE_TYPE, SPAN_FACT_OPENINFERENCE_KIND,
                                      SPAN_FACT_MLFLOW_TYPE, SPAN_FACT_GENKIT_SUBTYPE};

    for (size_t i = 0; i < SW_COUNT(asked); i++) {
        if (has(r, asked[i]) && span_word_is(span_text(r, asked[i]), "evaluator")) {
            return true;
        }
    }
    return false;
}

span_role span_find_role(const span_reading *r, sw_str *operation)
{
    span_role role = SPAN_OTHER;
    *operation = operation_of(r);
    if (span_word_is(span_text(r, SPAN_FACT_PENDING), "pending_span")) {
        return SPAN_DROP;
    }
    (void)(by_claude(r, &role) || by_codex(r, &role) || by_gemini(r, &role) ||
           by_langfuse(r, &role) || by_fact(r, SPAN_FACT_OPENINFERENCE_KIND, &role) ||
           by_fact(r, SPAN_FACT_MLFLOW_TYPE, &role) ||
           by_fact(r, SPAN_FACT_LANGSMITH_KIND, &role) ||
           by_fact(r, SPAN_FACT_GENKIT_SUBTYPE, &role) || by_fact(r, SPAN_FACT_OPERATION, &role) ||
           by_ai_sdk(r, &role) || by_traceloop(r, &role) ||
           by_fact(r, SPAN_FACT_REQUEST_TYPE, &role) || by_tool(r, &role) || by_name(r, &role) ||
           by_content(r, &role) || by_http(r, &role));
    return role;
}
