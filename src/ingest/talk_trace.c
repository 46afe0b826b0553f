/* SPDX-License-Identifier: Apache-2.0 */
/* The request and the response of a model call as JSON: the provider's own where a dialect carries them, else put
 * together from what is known, and marked so (telemetry.md B.8). Headers and keys never pass.
 */
#include "ingest/talk.h"
#include "model/model.h"

/* Members that hold further members of the request, among which a secret may be. */
static const char *const nested[] = {"kwargs",       "config",  "extra_body",  "http_options",
                                     "httpOptions",  "options", "client_args", "invocation_params",
                                     "extra_params", "metadata"};

enum { DEEPEST = 4 };

/* Parameters and members are named more freely than attributes: "extra_headers", "litellm_api_key". */
bool talk_is_secret(sw_str name)
{
    static const char *const parts[] = {"header", "authorization", "api_key",      "api-key",
                                        "apikey", "cookie",        "secret",       "password",
                                        "bearer", "credential",    "access_token", "auth_token"};

    for (size_t i = 0; i < SW_COUNT(parts); i++) {
        if (sw_str_contains_nocase(name, sw_str_from(parts[i]))) {
            return true;
        }
    }
    return span_is_secret(NULL, name);
}

/* ---- bodies that were sent ---------------------------------------------------------------------------- */

static bool is_nested(sw_str name)
{
    for (size_t i = 0; i < SW_COUNT(nested); i++) {
        if (sw_str_eq(name, sw_str_from(nested[i]))) {
            return true;
        }
    }
    return false;
}

static void write_clean(talk *t, talk_writer *w, talk_value object, int depth)
{
    talk_walk walk;

    sw_json_open(&w->out, '{');
    for (bool more = talk_walk_begin_object(&walk, t, object);
         more && talk_walk_next_member(&walk);) {
        if (talk_is_secret(walk.key)) {
            continue;
        }
        sw_json_key(&w->out, walk.key);
        if (walk.value.type == SW_JSON_OBJECT && depth < DEEPEST && is_nested(walk.key)) {
            write_clean(t, w, walk.value, depth + 1);
        } else {
            sw_json_raw(&w->out, talk_json(t, walk.value));
        }
    }
    sw_json_close(&w->out, '}');
}

static sw_str cleaned(talk *t, sw_str body)
{
    talk_writer w;

    talk_write_begin(&w, t);
    write_clean(t, &w, (talk_value){SW_JSON_OBJECT, SW_NULL_STR, body}, 0);
    return talk_write_end(&w, t);
}

/* What does not fit its field is not kept at all: half a document says nothing. */
static sw_str fitting(talk *t, sw_str json)
{
    if (json.ptr && (json.len > SW_LIMIT_JSON_BYTES || !sw_json_valid(json, NULL, NULL))) {
        t->cut = true;
        return SW_NULL_STR;
    }
    return json;
}

/* ---- bodies that are put together ----------------------------------------------------------------------- */

static void raw_pair(talk_writer *w, const char *key, sw_str json)
{
    if (json.ptr) {
        sw_json_key(&w->out, sw_str_from(key));
        sw_json_raw(&w->out, json);
    }
}

static void int_pair(talk_writer *w, const char *key, sw_int number)
{
    if (number.known) {
        sw_json_key(&w->out, sw_str_from(key));
        sw_json_int(&w->out, number.value);
    }
}

static void write_message(talk_writer *w, const sw_message *message)
{
    sw_json_open(&w->out, '{');
    talk_write_pair(w, "role",
                    sw_str_from(sw_enum_word(SW_ENUM_message_role, (int)message->role.value)));
    talk_write_pair(w, "name", message->name);
    talk_write_pair(w, "tool_call_id", message->tool_call_id);
    sw_json_key(&w->out, SW_STR("content"));
    if (message->content.ptr) {
        sw_json_raw(&w->out, message->content);
    } else {
        sw_json_str(&w->out, message->text);
    }
    raw_pair(w, "tool_calls", message->tool_calls);
    raw_pair(w, "tool_returns", message->tool_returns);
    sw_json_close(&w->out, '}');
}

static void write_reconstructed(talk_writer *w)
{
    sw_json_key(&w->out, SW_STR("reconstructed"));
    sw_json_bool(&w->out, true);
    sw_json_close(&w->out, '}');
}

/* Messages and tools are kept elsewhere, once (telemetry.md E.9): who reads the trace is shown them in it. */
static sw_str make_request(talk *t, const span_facts *facts, sw_str parameters)
{
    talk_writer w;

    talk_write_begin(&w, t);
    sw_json_open(&w.out, '{');
    talk_write_pair(&w, "model", facts->model);
    raw_pair(&w, "parameters", parameters);
    write_reconstructed(&w);
    return talk_write_end(&w, t);
}

static void write_usage(talk_writer *w, const span_usage *usage)
{
    if (!usage->prompt.known && !usage->completion.known && !usage->total.known) {
        return;
    }
    sw_json_key(&w->out, SW_STR("usage"));
    sw_json_open(&w->out, '{');
    int_pair(w, "prompt_tokens", usage->prompt);
    int_pair(w, "completion_tokens", usage->completion);
    int_pair(w, "total_tokens", usage->total);
    raw_pair(w, "prompt_tokens_details", usage->prompt_details);
    raw_pair(w, "completion_tokens_details", usage->completion_details);
    sw_json_close(&w->out, '}');
}

static sw_str make_response(talk *t, const span_facts *facts, const span_talk *said)
{
    const sw_str *finishes = t->finishes[TALK_OUTPUT].items;
    talk_writer w;

    talk_write_begin(&w, t);
    sw_json_open(&w.out, '{');
    talk_write_pair(&w, "id", facts->request_id);
    talk_write_pair(&w, "model", facts->model);
    sw_json_key(&w.out, SW_STR("choices"));
    sw_json_open(&w.out, '[');
    for (size_t i = 0; i < said->output_count; i++) {
        sw_json_open(&w.out, '{');
        sw_json_key(&w.out, SW_STR("index"));
        sw_json_int(&w.out, (int64_t)i);
        sw_json_key(&w.out, SW_STR("message"));
        write_message(&w, &said->output[i]);
        talk_write_pair(&w, "finish_reason",
                        i < t->finishes[TALK_OUTPUT].count ? finishes[i] : SW_NULL_STR);
        sw_json_close(&w.out, '}');
    }
    sw_json_close(&w.out, ']');
    write_usage(&w, &facts->usage);
    write_reconstructed(&w);
    return talk_write_end(&w, t);
}

void talk_trace(talk *t, const span_facts *facts, span_talk *out)
{
    sw_str parameters = facts->span ? talk_parameters(t, &facts->span->attributes) : SW_NULL_STR;
    bool asked = out->input_count > 0 || out->tools.ptr || parameters.ptr;

    if (t->request.ptr) {
        out->request_json = fitting(t, cleaned(t, t->request));
    } else if (asked) {
        out->request_json = fitting(t, make_request(t, facts, parameters));
        out->request_made = true;
    }
    if (t->response.ptr) {
        out->response_json = fitting(t, cleaned(t, t->response));
    } else if (out->output_count > 0) {
        out->response_json = fitting(t, make_response(t, facts, out));
        out->response_made = true;
    }
}
