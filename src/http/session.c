/* SPDX-License-Identifier: Apache-2.0 */
/* Sessions of the dashboard: a key is shown once, in a body, and from then on by a cookie that scripts cannot read and
 * other sites cannot send. What is in the cookie is the ledger's (keys_session.c there); who may do what is auth.c's, and the
 * same as for the key itself.
 */
#include "http/auth.h"
#include "http/live.h"
#include "http/server.h"
#include "http/write.h"

/* ---- the cookie ------------------------------------------------------------------------------------ */

/* Whether the browser came by https: to this server, or to what stands before it, which the page's origin tells. */
static bool is_https(const sw_request *request)
{
    static const char scheme[] = "https://";
    sw_str origin = sw_request_header(request, "Origin");
    return request->server->tls ||
           (origin.ptr && strncmp(origin.ptr, scheme, sizeof scheme - 1) == 0);
}

static void set_cookie(sw_request *request, sw_str value, long long seconds)
{
    char at[SW_COOKIE_TEXT];
    sw_str name = sw_auth_cookie_name(sw_request_header(request, "Host"), at);
    sw_str text = sw_arena_printf(&request->arena,
                                  "%.*s=%.*s; Path=/; Max-Age=%lld; HttpOnly; SameSite=Strict%s",
                                  (int)name.len, name.ptr, (int)value.len, value.ptr, seconds,
                                  is_https(request) ? "; Secure" : "");
    if (text.ptr) {
        sw_answer_header(request, "Set-Cookie", text.ptr);
    }
    sw_answer_header(request, "Cache-Control", "no-store");
}

/* ---- who it is ------------------------------------------------------------------------------------- */

static void put_text(sw_json_out *out, const char *name, sw_str text)
{
    sw_json_key(out, sw_str_from(name));
    sw_json_str(out, text);
}

/* The name of the caller's organization or user; null when it is not there. */
static sw_status name_of(sw_request *request, sw_record_id record, sw_str id, sw_str *out,
                         sw_error *err)
{
    union {
        sw_organization organization;
        sw_user user;
    } row;
    *out = SW_NULL_STR;
    if (!id.ptr) {
        return SW_STATUS_OK;
    }
    sw_status status = sw_get(sw_server_ledger(request->server), &request->actor, record, id,
                              request->memory, &row, err);
    if (status == SW_STATUS_OK) {
        *out = record == SW_RECORD_USER ? row.user.name : row.organization.name;
    }
    return status == SW_STATUS_NOT_FOUND ? SW_STATUS_OK : status;
}

static void put_scopes(sw_json_out *out, uint32_t scopes)
{
    const sw_enum_info *list = &sw__enums[SW_ENUM_scope];
    sw_json_key(out, SW_STR("scopes"));
    sw_json_open(out, '[');
    for (size_t i = 0; i < list->count; i++) {
        if (scopes >> i & 1U) {
            sw_json_str(out, sw_str_from(list->words[i]));
        }
    }
    sw_json_close(out, ']');
}

static void put_expiry(sw_json_out *out, int64_t until_us)
{
    char text[SW_TIME_TEXT];
    sw_json_key(out, SW_STR("expires_at"));
    if (until_us == 0) {
        sw_json_null(out);
    } else {
        sw_json_str(out, sw_str_make(text, sw_time_print(until_us, true, text)));
    }
}

static sw_status answer_who(sw_request *request, sw_error *err)
{
    const sw_actor *actor = &request->actor;
    sw_str organization =
        actor->organization_id.ptr ? actor->organization_id : SW_STR(SW_DEFAULT_ORGANIZATION);
    sw_str of_organization;
    sw_str of_user = SW_NULL_STR;
    sw_status status =
        name_of(request, SW_RECORD_ORGANIZATION, organization, &of_organization, err);
    if (status == SW_STATUS_OK) {
        status = name_of(request, SW_RECORD_USER, actor->user_id, &of_user, err);
    }
    if (status != SW_STATUS_OK) {
        return status;
    }
    sw_json_out *out = sw_answer_json(request, 200);
    sw_json_open(out, '{');
    sw_json_key(out, SW_STR("open"));
    sw_json_bool(out, !request->key_id.ptr);
    put_text(out, "organization_id", organization);
    put_text(out, "organization_name", of_organization);
    put_text(out, "project_id", actor->project_id);
    put_text(out, "user_id", actor->user_id);
    put_text(out, "user_name", of_user);
    put_text(out, "key_id", request->key_id);
    put_scopes(out, request->scopes);
    sw_json_key(out, SW_STR("operator"));
    sw_json_bool(out, request->is_operator);
    put_expiry(out, request->session_us);
    sw_json_close(out, '}');
    return SW_STATUS_OK;
}

sw_status sw_http_session(sw_request *request, sw_error *err)
{
    return answer_who(request, err);
}

/* ---- beginning and ending one ----------------------------------------------------------------------- */

/* {"key": "..."} */
static sw_status read_key(sw_request *request, sw_str *out, sw_error *err)
{
    sw_json json;
    sw_status status = SW_STATUS_OK;
    *out = SW_NULL_STR;
    sw__body_begin(request, &json);
    if (json.type != SW_JSON_OBJECT) {
        status = sw_fail(err, SW_STATUS_INVALID, "", "is not an object with key");
    }
    while (status == SW_STATUS_OK && sw_json_next(&json) == SW_JSON_KEY) {
        if (!sw_str_eq(json.text, SW_STR("key"))) {
            status = sw_fail(err, SW_STATUS_INVALID, "key", "is the only member there can be");
        } else if (sw_json_next(&json) != SW_JSON_STRING || json.text.len == 0) {
            status = sw_fail(err, SW_STATUS_INVALID, "key", "is not the text of a key");
        }
        *out = sw_arena_str(&request->arena, json.text);
    }
    if (status == SW_STATUS_OK && !out->ptr && json.type == SW_JSON_OBJECT_END) {
        status = sw_fail(err, SW_STATUS_INVALID, "key", "is missing");
    }
    return sw__body_end(request, &json, status, err);
}

sw_status sw_http_session_begin(sw_request *request, sw_error *err)
{
    sw_str key;
    sw_str sealed;
    sw_status status = sw_auth_own_page(request);
    if (status == SW_STATUS_OK) {
        status = read_key(request, &key, err);
    }
    if (status == SW_STATUS_OK) {
        request->shown = key;
        status = sw_auth_enter(request, SW_NEED_READ, err);
    }
    if (status == SW_STATUS_OK && request->key_id.ptr) {
        status = sw_key_session_seal(sw_server_ledger(request->server), key, request->memory,
                                     &sealed, &request->session_us, err);
        if (status == SW_STATUS_OK) {
            set_cookie(request, sealed, SW_LIMIT_SESSION_SECONDS);
        }
    }
    return status == SW_STATUS_OK ? answer_who(request, err) : status;
}

sw_status sw_http_session_end(sw_request *request, sw_error *err)
{
    sw_status status = sw_auth_own_page(request);
    (void)err;
    if (status == SW_STATUS_OK) {
        set_cookie(request, SW_STR(""), 0);
        sw_answer_null(request);
    }
    return status;
}
