/* SPDX-License-Identifier: Apache-2.0 */
/* Who calls: asks the decisions of auth_rules.c in order and fills the request's actor, scopes and key.
 * What has to be looked up in the store is asked for by a worker (sw_auth_is_quick), and how often unknown
 * keys are is limited for each address, so that guessing costs whoever guesses.
 *
 * What is refused says why, except where that would tell a stranger something: an unknown key, a revoked
 * one, an expired one and none at all are all the same 401.
 */
#include "http/auth.h"
#include "http/observe.h"

/* For so long it is believed what was found out about a request that goes on, and whether the server is open. */
enum { LOOK_AGAIN_US = 1000000 };

sw_status sw_auth_new(sw_ledger *ledger, const sw_allocator *from, const sw_settings *settings,
                      bool local, sw_auth **out, sw_error *err)
{
    sw_auth *auth = sw_alloc_zeroed(from, sizeof *auth);
    if (!auth) {
        return sw_no_memory(err);
    }
    auth->from = from;
    auth->ledger = ledger;
    auth->gate = sw_gate_of(settings);
    auth->local = local;
    auth->per_second = settings->requests_per_second;
    auth->asked_us = INT64_MIN;
    pthread_mutex_init(&auth->lock, NULL);
    *out = auth;
    return SW_STATUS_OK;
}

void sw_auth_free(sw_auth **auth)
{
    if (*auth) {
        pthread_mutex_destroy(&(*auth)->lock);
        sw_free((*auth)->from, *auth);
        *auth = NULL;
    }
}

void sw_auth_close(sw_auth *auth)
{
    pthread_mutex_lock(&auth->lock);
    auth->closed = true;
    pthread_mutex_unlock(&auth->lock);
}

void sw_auth_changed(sw_auth *auth)
{
    atomic_store(&auth->changed_us, sw__system_clock.mono_us(sw__system_clock.data));
}

/* Whether keys are asked for by now; else `look`: that has to be looked up again. Keys that another process
 * makes are seen within a second. */
static bool is_closed(sw_auth *auth, int64_t now_us, bool *look)
{
    pthread_mutex_lock(&auth->lock);
    bool closed = auth->closed || !auth->local;
    *look = !closed && (auth->asked_us == INT64_MIN || now_us - auth->asked_us > LOOK_AGAIN_US);
    pthread_mutex_unlock(&auth->lock);
    return closed;
}

sw_status sw_auth_is_open(sw_auth *auth, bool *out, sw_error *err)
{
    int64_t now_us = sw__system_clock.mono_us(sw__system_clock.data);
    bool exist = false;
    bool look = false;
    bool closed = is_closed(auth, now_us, &look);
    sw_status status = look ? sw_keys_exist(auth->ledger, &exist, err) : SW_STATUS_OK;
    if (status == SW_STATUS_OK) {
        pthread_mutex_lock(&auth->lock);
        auth->closed = auth->closed || exist;
        auth->asked_us = look ? now_us : auth->asked_us;
        *out = !closed && !auth->closed;
        pthread_mutex_unlock(&auth->lock);
    }
    return status;
}

/* ---- pages ----------------------------------------------------------------------------------------- */

void sw_auth_headers(sw_request *request)
{
    const sw_gate *gate = &sw_server_live(request->server)->auth->gate;
    sw_str origin = sw_request_header(request, "Origin");
    if (!gate->origins.ptr) {
        return;
    }
    sw_answer_header(request, "Vary", "Origin");
    sw_str page =
        sw_origin_listed(gate, origin) ? sw_arena_str(&request->arena, origin) : SW_NULL_STR;
    if (!page.ptr) {
        return;
    }
    sw_answer_header(request, "Access-Control-Allow-Origin", page.ptr);
    if (!sw_str_eq(sw_request_method(request), SW_STR("OPTIONS"))) {
        sw_answer_header(request, "Access-Control-Expose-Headers",
                         "Stepwell-Seq, Stepwell-Complete, Stepwell-Resume, Retry-After, "
                         "retry-after-ms, x-should-retry");
        return;
    }
    /* What a browser asks before a page of another origin may call. */
    sw_str wants =
        sw_arena_str(&request->arena, sw_request_header(request, "Access-Control-Request-Headers"));
    sw_answer_header(request, "Access-Control-Allow-Methods", "GET, POST, PUT, PATCH, DELETE");
    sw_answer_header(request, "Access-Control-Max-Age", "600");
    if (wants.ptr) {
        sw_answer_header(request, "Access-Control-Allow-Headers", wants.ptr);
    }
}

static bool is_write(sw_str method)
{
    return !sw_str_eq(method, SW_STR("GET")) && !sw_str_eq(method, SW_STR("HEAD")) &&
           !sw_str_eq(method, SW_STR("OPTIONS"));
}

/* Where a request shows a key: in a header, else by a session. */
static sw_status read_shown(sw_request *request, sw_error *err)
{
    sw_status status = SW_STATUS_OK;
    char at[SW_COOKIE_TEXT];
    sw_str name = sw_auth_cookie_name(sw_request_header(request, "Host"), at);
    request->shown = sw_auth_secret(sw_request_header(request, "Authorization"),
                                    sw_request_header(request, "X-BARE-PASSWORD"));
    sw_str sealed = request->shown.ptr ? SW_NULL_STR
                                       : sw_auth_cookie(sw_request_header(request, "Cookie"), name);
    if (sealed.ptr) {
        status = sw_key_session_open(sw_server_ledger(request->server), sealed, request->memory,
                                     &request->shown, &request->session_us, err);
    }
    return status == SW_STATUS_NOT_FOUND ? SW_STATUS_OK : status;
}

sw_status sw_auth_own_page(sw_request *request)
{
    return sw_request_header(request, SW_SESSION_HEADER).ptr
               ? SW_STATUS_OK
               : sw_answer_fail(request, 403,
                                "what is asked by a session needs the header " SW_SESSION_HEADER
                                ", which other sites cannot send");
}

sw_status sw_auth_welcome(sw_request *request, sw_error *err)
{
    const sw_gate *gate = &sw_server_live(request->server)->auth->gate;
    sw_str host = sw_request_header(request, "Host");
    if (!sw_host_allowed(gate, host)) {
        return sw_answer_fail(request, 403,
                              "this server does not answer to the name in the header Host; name it "
                              "in --allowed-hosts if it should");
    }
    if (is_write(sw_request_method(request)) &&
        !sw_origin_may_write(gate, host, sw_request_header(request, "Origin"),
                             sw_request_header(request, "Sec-Fetch-Site"))) {
        return sw_answer_fail(request, 403,
                              "a page of another origin may not write (headers Origin and "
                              "Sec-Fetch-Site); name it in --cors-origins if it should");
    }
    return read_shown(request, err);
}

/* ---- how often ------------------------------------------------------------------------------------- */

static int64_t now_ns(void)
{
    return sw__system_clock.mono_us(sw__system_clock.data) * 1000;
}

static sw_status too_often(sw_request *request, int64_t wait_ns, const char *who,
                           int64_t per_second)
{
    int64_t wait_ms = (wait_ns + 999999) / 1000000;
    sw__count_refusal(request->server, SW_REFUSED_RATE);
    sw_answer_header(request, "Retry-After", "1");
    sw_str ms = sw_arena_printf(&request->arena, "%lld", (long long)wait_ms);
    sw_answer_header(request, "retry-after-ms", ms.ptr ? ms.ptr : "1000");
    return sw_answer_fail(request, 429, "Too many requests: %s %lld a second; try again in %lld ms",
                          who, (long long)per_second, (long long)wait_ms);
}

int64_t sw_auth_pace(sw_auth *auth, sw_str key_id)
{
    if (auth->per_second <= 0) {
        return 0;
    }
    uint64_t who = sw_hash(0, key_id.ptr ? key_id.ptr : "", key_id.len);
    pthread_mutex_lock(&auth->lock);
    int64_t wait_ns =
        sw_bucket_take(sw_buckets_find(&auth->buckets, who), auth->per_second, now_ns());
    pthread_mutex_unlock(&auth->lock);
    return wait_ns;
}

static sw_status check_pace(sw_request *request, sw_auth *auth)
{
    int64_t wait_ns = sw_auth_pace(auth, request->key_id);
    return wait_ns == 0 ? SW_STATUS_OK
                        : too_often(request, wait_ns, "this key may ask", auth->per_second);
}

/* Whether the key was good, as far as is remembered. */
static bool was_good(sw_auth *auth, sw_str secret)
{
    pthread_mutex_lock(&auth->lock);
    bool good = sw_buckets_have(&auth->good, sw_hash(0, secret.ptr, secret.len));
    pthread_mutex_unlock(&auth->lock);
    return good;
}

/* How long a key that was not has to wait for its turn, in nanoseconds; `take` takes the turn that has come. */
static int64_t wait_to_guess(sw_auth *auth, sw_str peer, sw_str secret, bool take)
{
    if (was_good(auth, secret)) {
        return 0;
    }
    uint64_t from = sw_address_group(peer);
    pthread_mutex_lock(&auth->lock);
    int64_t *bucket = sw_buckets_find(&auth->guesses, from);
    int64_t after = *bucket;
    int64_t wait_ns = sw_bucket_take(&after, SW_LIMIT_GUESSES, now_ns());
    *bucket = take ? after : *bucket;
    pthread_mutex_unlock(&auth->lock);
    return wait_ns;
}

static void remember_key(sw_auth *auth, sw_str secret)
{
    pthread_mutex_lock(&auth->lock);
    *sw_buckets_find(&auth->good, sw_hash(0, secret.ptr, secret.len)) = now_ns();
    pthread_mutex_unlock(&auth->lock);
}

/* ---- keys ------------------------------------------------------------------------------------------ */

static sw_status nobody(sw_request *request)
{
    sw__count_refusal(request->server, SW_REFUSED_KEY);
    sw_answer_header(request, "WWW-Authenticate", "Bearer");
    return sw_answer_fail(request, 401, "Unauthorized");
}

static sw_status take_key(sw_auth *auth, sw_str peer, sw_str secret, sw_memory *memory,
                          sw_caller *out, sw_error *err)
{
    sw_api_key key = {0};
    out->wait_ns = secret.ptr ? wait_to_guess(auth, peer, secret, false) : 0;
    if (!secret.ptr || out->wait_ns > 0) {
        return SW_STATUS_NOT_FOUND;
    }
    sw_status status = sw_key_check(auth->ledger, secret, memory, &key, err);
    if (status ==
        SW_STATUS_NOT_FOUND) { /* only then it was a guess: many may come at once with a good key */
        out->wait_ns = wait_to_guess(auth, peer, secret, true);
    }
    if (status != SW_STATUS_OK) {
        return status;
    }
    remember_key(auth, secret);
    out->key_id = key.id;
    out->actor.organization_id = key.organization_id;
    out->actor.project_id = key.project_id;
    out->actor.user_id = key.user_id;
    out->standing =
        (sw_standing){.scopes = sw_scopes_of(key.scopes),
                      .house = sw_str_eq(key.organization_id, SW_STR(SW_DEFAULT_ORGANIZATION)),
                      .whole = !key.project_id.ptr};
    sw_key_used(auth->ledger, key.id);
    return SW_STATUS_OK;
}

sw_status sw_auth_caller(sw_auth *auth, sw_str peer, sw_str secret, sw_memory *memory,
                         sw_caller *out, sw_error *err)
{
    bool open = false;
    *out = (sw_caller){0};
    sw_status status = sw_auth_is_open(auth, &open, err);
    if (status == SW_STATUS_OK && open) {
        out->standing = (sw_standing){.scopes = SW_SCOPES_ALL, .house = true, .whole = true};
        return SW_STATUS_OK;
    }
    return status == SW_STATUS_OK ? take_key(auth, peer, secret, memory, out, err) : status;
}

bool sw_auth_caller_is_quick(sw_auth *auth, sw_str peer, sw_str secret)
{
    bool look = false;
    if (!is_closed(auth, now_ns() / 1000, &look)) {
        return !look;
    }
    return !secret.ptr || sw_key_is_fresh(auth->ledger, secret) ||
           wait_to_guess(auth, peer, secret, false) > 0;
}

static sw_status find_caller(sw_request *request, sw_auth *auth, sw_standing *standing,
                             sw_error *err)
{
    sw_caller caller;
    sw_status status = sw_auth_caller(auth, sw_request_peer(request), request->shown,
                                      request->memory, &caller, err);
    if (status == SW_STATUS_NOT_FOUND) {
        return caller.wait_ns > 0
                   ? too_often(request, caller.wait_ns, "keys that are not known may be shown",
                               SW_LIMIT_GUESSES)
                   : nobody(request);
    }
    if (status == SW_STATUS_OK) {
        request->key_id = caller.key_id;
        request->actor = caller.actor;
        request->scopes = caller.standing.scopes;
        request->is_operator = !sw_need_missing(SW_NEED_OPERATOR, caller.standing);
        *standing = caller.standing;
    }
    return status;
}

/* ---- the acting user ------------------------------------------------------------------------------- */

static sw_status take_user(sw_request *request, sw_auth *auth, sw_error *err)
{
    sw_user user = {0};
    sw_str id = sw_request_header(request, "user_id");
    if (!id.ptr || id.len == 0) {
        return SW_STATUS_OK;
    }
    if (!sw_id_valid(id, SW_STR("user"))) {
        return sw_answer_fail(request, 400,
                              "INVALID_ARGUMENT: Invalid user ID format: %.*s. Expected format: "
                              "'user-<uuid4>'",
                              (int)(id.len < 200 ? id.len : 200), id.ptr);
    }
    sw_actor asks = {.organization_id = request->actor.organization_id};
    sw_status status = sw_get(auth->ledger, &asks, SW_RECORD_USER, id, request->memory, &user, err);
    if (status == SW_STATUS_NOT_FOUND) {
        return sw_answer_fail(request, 404, "User not found");
    }
    if (status == SW_STATUS_OK) {
        request->actor.user_id = user.id;
    }
    return status;
}

bool sw_auth_is_quick(sw_request *request)
{
    sw_auth *auth = sw_server_live(request->server)->auth;
    sw_str user = sw_request_header(request, "user_id");
    return request->route->need == SW_NEED_NONE ||
           ((!user.ptr || user.len == 0) &&
            sw_auth_caller_is_quick(auth, sw_request_peer(request), request->shown));
}

sw_status sw_auth_enter(sw_request *request, sw_need need, sw_error *err)
{
    sw_auth *auth = sw_server_live(request->server)->auth;
    sw_standing standing = {0};
    request->let_in_us = sw__system_clock.mono_us(sw__system_clock.data);
    sw_status status = find_caller(request, auth, &standing, err);
    if (status == SW_STATUS_OK) {
        status = check_pace(request, auth);
    }
    if (status == SW_STATUS_OK) {
        status = take_user(request, auth, err);
    }
    const char *missing = sw_need_missing(need, standing);
    if (status == SW_STATUS_OK && missing) {
        sw__count_refusal(request->server, SW_REFUSED_KEY);
        status = sw_answer_fail(request, 403, "%s", missing);
    }
    return status;
}

sw_status sw_auth_check(sw_request *request, sw_error *err)
{
    sw_status status = SW_STATUS_OK;
    if (request->route->need == SW_NEED_NONE) {
        return SW_STATUS_OK;
    }
    if (request->session_us > 0 && is_write(sw_request_method(request))) {
        status = sw_auth_own_page(request);
    }
    return status == SW_STATUS_OK ? sw_auth_enter(request, request->route->need, err) : status;
}

sw_status sw_auth_again(sw_request *request, sw_error *err)
{
    sw_auth *auth = sw_server_live(request->server)->auth;
    int64_t now_us = sw__system_clock.mono_us(sw__system_clock.data);
    bool open = false;
    bool fresh = now_us - request->let_in_us < LOOK_AGAIN_US &&
                 request->let_in_us > atomic_load(&auth->changed_us);
    if (request->route->need == SW_NEED_NONE || fresh) {
        return SW_STATUS_OK;
    }
    request->let_in_us = now_us;
    if (request->session_us > 0 &&
        request->session_us <= sw__system_clock.wall_us(sw__system_clock.data)) {
        return nobody(request);
    }
    if (request->key_id.ptr) {
        sw_status status = sw_key_recheck(auth->ledger, request->key_id, err);
        return status == SW_STATUS_NOT_FOUND ? nobody(request) : status;
    }
    sw_status status = sw_auth_is_open(auth, &open, err);
    return status == SW_STATUS_OK && !open ? nobody(request) : status;
}
