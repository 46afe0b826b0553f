/* SPDX-License-Identifier: Apache-2.0 */
/* Recorded exchanges with providers: the entries of a HAR file, or pairs of request and response, a line each. A call
 * of a model becomes a step with the request and the answer as they were; anything else is counted and passed over.
 * Headers are never looked at, so that no key can be kept; of addresses what lets somebody in is cut.
 *
 * An exchange has no name of its own that can be relied on (a provider's id comes again when an answer is replayed), so
 * it is named by when it was, where it went and what was said.
 */
#include "codec/export_rows.h"
#include "codec/otlp_json.h"
#include "codec/transcript_scan.h"
#include "codec/usage_shape.h"
#include "ingest/import_call.h"

typedef enum member {
    URL,
    METHOD,
    REQUEST,
    RESPONSE,
    ENCODING,
    STATUS,
    STARTED,
    ENDED,
    DURATION_MS,
    PROVIDER,
    MODEL,
    AGENT,
    RUN,
    CONVERSATION,
    END_USER,
    ERROR,
    MEMBERS
} member;

static const char *const calls[] = {
#define SW_EXCHANGE_CALL(END) END,
#include "model/exchanges.def"
};
static const struct {
    const char *part;
    const char *provider;
} hosts[] = {
#define SW_EXCHANGE_HOST(PART, PROVIDER) {PART, PROVIDER},
#include "model/exchanges.def"
};
static const struct {
    const char *before;
    const char *behind;
} models[] = {
#define SW_EXCHANGE_MODEL(BEFORE, BEHIND) {BEFORE, BEHIND},
#include "model/exchanges.def"
};
static const struct {
    member member;
    const char *path;
} members[] = {
#define SW_EXCHANGE_MEMBER(FIELD, PATH) {FIELD, PATH},
#include "model/exchanges.def"
};

/* One exchange, whoever recorded it. */
typedef struct exchange {
    sw_str url, method;
    sw_str request, response; /* bodies, as they were on the wire */
    sw_int status, start_us, end_us;
    sw_str provider, model, agent, run, conversation, end_user;
    sw_str error; /* the recorder's own */
    bool failed;
} exchange;

/* ---- addresses ------------------------------------------------------------------------------------------ */

static sw_str path_of(sw_str url)
{
    size_t len = 0;

    while (len < url.len && url.ptr[len] != '?' && url.ptr[len] != '#') {
        len++;
    }
    while (len > 0 && url.ptr[len - 1] == '/') {
        len--;
    }
    return sw_str_make(url.ptr, len);
}

static bool is_call(sw_str url, sw_str method)
{
    sw_str path = path_of(url);

    if (method.ptr && !sw_str_eq(method, SW_STR("POST"))) {
        return false;
    }
    for (size_t i = 0; i < SW_COUNT(calls); i++) {
        size_t len = strlen(calls[i]);
        if (path.len >= len && sw_str_contains_nocase(sw_str_make(path.ptr + path.len - len, len),
                                                      sw_str_from(calls[i]))) {
            return true;
        }
    }
    return false;
}

static sw_str provider_of(sw_str url)
{
    const char *scheme = url.len ? memmem(url.ptr, url.len, "://", 3) : NULL;
    size_t from = scheme ? (size_t)(scheme - url.ptr) + 3 : 0;
    size_t to = from;

    while (to < url.len && url.ptr[to] != '/' && url.ptr[to] != '?') {
        to++;
    }
    for (size_t i = 0; url.ptr && i < SW_COUNT(hosts); i++) {
        if (sw_str_contains_nocase(sw_str_make(url.ptr + from, to - from),
                                   sw_str_from(hosts[i].part))) {
            return sw_str_from(hosts[i].provider);
        }
    }
    return SW_NULL_STR;
}

/* Without what % stands for. */
static sw_str unescaped(sw_str text, sw_arena *arena)
{
    char *out = text.len ? sw_arena_alloc(arena, text.len + 1) : NULL;
    size_t len = 0;

    for (size_t i = 0; out && i < text.len; i++) {
        uint8_t high = i + 2 < text.len ? sw__hex[(unsigned char)text.ptr[i + 1]] : 0;
        uint8_t low = i + 2 < text.len ? sw__hex[(unsigned char)text.ptr[i + 2]] : 0;
        bool escaped = text.ptr[i] == '%' && (high & SW_IS_HEX) && (low & SW_IS_HEX);
        out[len++] = escaped ? (char)((high & 0xf) << 4 | (low & 0xf)) : text.ptr[i];
        i += escaped ? 2 : 0;
    }
    return out && sw_utf8_valid(sw_str_make(out, len)) ? sw_str_make(out, len) : SW_NULL_STR;
}

static sw_str model_in(sw_str url, sw_arena *arena)
{
    for (size_t i = 0; i < SW_COUNT(models); i++) {
        sw_str path = path_of(url);
        size_t len = strlen(models[i].before);
        const char *at = path.len ? memmem(path.ptr, path.len, models[i].before, len) : NULL;
        const char *end = NULL;
        if (at) {
            at += len;
            end = memmem(at, (size_t)(path.ptr + path.len - at), models[i].behind,
                         strlen(models[i].behind));
        }
        if (end && end > at) {
            return unescaped(sw_str_make(at, (size_t)(end - at)), arena);
        }
    }
    return SW_NULL_STR;
}

/* ---- bodies ----------------------------------------------------------------------------------------------- */

/* A body that stands in JSON as a text, or as it is. */
static sw_str body_of(sw_str raw, bool packed, sw_arena *arena)
{
    sw_str text = scan_is_string(raw) ? scan_text(raw, arena) : raw;
    uint8_t *bytes = packed && text.len ? sw_arena_alloc(arena, text.len + 1) : NULL;
    size_t len = 0;

    if (!packed) {
        return text;
    }
    return bytes && otlp__base64(text, bytes, &len) ? sw_str_make((const char *)bytes, len)
                                                    : SW_NULL_STR;
}

static sw_str json_or_null(sw_str text)
{
    return text.len && (text.ptr[0] == '{' || text.ptr[0] == '[') && sw_json_valid(text, NULL, NULL)
               ? text
               : SW_NULL_STR;
}

typedef struct stream_text {
    sw_buf buf;
    sw_json_out out;
} stream_text;

static void add_event(void *arg, sw_str name, sw_str value)
{
    stream_text *s = arg;

    (void)name;
    if (sw_json_valid(value, NULL, NULL)) {
        sw_json_raw(&s->out, value);
    }
}

/* The stream as one document: what came, in its order. Null: it is too long to be kept. */
static sw_str stream_json(sw_str body, sw_arena *arena)
{
    stream_text s;

    sw_buf_init(&s.buf, arena->from, SW_LIMIT_JSON_BYTES);
    sw_json_out_init(&s.out, &s.buf, false);
    sw_json_open(&s.out, '{');
    sw_json_key(&s.out, SW_STR("events"));
    sw_json_open(&s.out, '[');
    (void)usage_body(body, arena, add_event, &s);
    sw_json_close(&s.out, ']');
    sw_json_close(&s.out, '}');
    return sw_buf_take(&s.buf, arena);
}

/* ---- steps -------------------------------------------------------------------------------------------------- */

static sw_str name_of(import_work *work, const exchange *x)
{
    const sw_str parts[] = {x->url, x->request, x->response};
    char all[(SW_COUNT(parts) + 1) * IMPORT_DIGEST];
    char digest[IMPORT_DIGEST];
    char hex[2 * IMPORT_DIGEST];

    memset(all, 0, sizeof all);
    for (size_t i = 0; i < SW_COUNT(parts); i++) {
        import_digest(parts[i].ptr, parts[i].len, all + i * IMPORT_DIGEST);
    }
    memcpy(all + SW_COUNT(parts) * IMPORT_DIGEST, &x->start_us.value, sizeof x->start_us.value);
    import_digest(all, sizeof all, digest);
    sw_hex_print((const uint8_t *)digest, sizeof digest, hex);
    return sw_arena_str(&work->arena, sw_str_make(hex, sizeof hex));
}

static void put_error(const exchange *x, const usage_reading *r, import_call *call)
{
    call->failed = x->failed || span_http_failed(x->status) || r->error.ptr != NULL;
    call->http_status = x->status;
    call->error_type = r->error;
    call->error = x->error.ptr ? x->error : r->message;
}

static void put_bodies(import_work *work, const exchange *x, bool streamed, import_call *call)
{
    call->raw = true;
    call->input = json_or_null(x->request);
    if (streamed) {
        call->output = import_answer(x->response, &work->arena);
        call->stream = stream_json(x->response, &work->arena);
    } else {
        call->output = json_or_null(x->response);
    }
}

static sw_status add_exchange(import_work *work, const exchange *x, const usage_reading *r,
                              const char *origin, sw_error *err)
{
    sw_str asked = scan_text(usage_at(x->request, "model"), &work->arena);
    sw_str named = x->model.len ? x->model : asked.len ? asked : model_in(x->url, &work->arena);
    import_call call = {.kind = "exchange",
                        .keys = {name_of(work, x)},
                        .key_count = 1,
                        .origin = origin,
                        .run = SIZE_MAX,
                        .agent = x->agent,
                        .provider = x->provider.len ? x->provider : provider_of(x->url),
                        .model = r->model.len ? r->model : named,
                        .endpoint = path_of(x->url),
                        .request_id = r->id,
                        .conversation = x->conversation,
                        .end_user = x->end_user,
                        .tier = r->tier,
                        .counts = r->counts,
                        .mode = r->mode,
                        .finish = r->finish,
                        .start_us = x->start_us,
                        .end_us = x->end_us};

    call.endpoint = call.endpoint.len ? call.endpoint : SW_NULL_STR;
    put_error(x, r, &call);
    put_bodies(work, x, r->streamed, &call);
    if (x->run.len) {
        call.run = import_call_run(work, "exchange", x->run, &call);
    }
    return work->arena.failed ? sw_no_memory(err) : import_call_add(work, &call, err);
}

static sw_status take_exchange(import_work *work, const exchange *x, bool again, const char *origin,
                               sw_error *err)
{
    usage_reading r = {.events = 0};

    usage_read(x->response, &work->arena, &r);
    if (x->url.len ? !is_call(x->url, x->method)
                   : r.events == 0 && !x->failed && !json_or_null(x->request).ptr) {
        work->result->others += !again;
        return SW_STATUS_OK;
    }
    return add_exchange(work, x, &r, origin, err);
}

/* ---- HAR ------------------------------------------------------------------------------------------------------- */

static void read_entry(sw_str entry, sw_arena *arena, exchange *x)
{
    sw_str encoding = usage_at(entry, "response.content.encoding");

    *x = (exchange){.url = scan_text(usage_at(entry, "request.url"), arena),
                    .method = scan_text(usage_at(entry, "request.method"), arena),
                    .request = body_of(usage_at(entry, "request.postData.text"), false, arena),
                    .response = body_of(usage_at(entry, "response.content.text"),
                                        scan_is(encoding, "\"base64\""), arena),
                    .status = scan_count(usage_at(entry, "response.status")),
                    .start_us = scan_time(usage_at(entry, "startedDateTime")),
                    .error = scan_text(usage_at(entry, "response._error"), arena)};
    x->end_us = import_after(x->start_us, usage_at(entry, "time"), arena);
    x->failed = x->error.len > 0 || (x->status.known && x->status.value == 0); /* no answer came */
}

/* ---- pairs ------------------------------------------------------------------------------------------------------ */

static sw_str found(sw_str line, member which)
{
    for (size_t i = 0; i < SW_COUNT(members); i++) {
        sw_str raw = members[i].member == which ? usage_at(line, members[i].path) : SW_NULL_STR;
        if (raw.ptr) {
            return raw;
        }
    }
    return SW_NULL_STR;
}

static sw_str found_text(sw_str line, member which, sw_arena *arena)
{
    return scan_text(found(line, which), arena);
}

static void read_pair(sw_str line, sw_arena *arena, exchange *x)
{
    sw_str error = found(line, ERROR);

    *x = (exchange){.url = found_text(line, URL, arena),
                    .method = found_text(line, METHOD, arena),
                    .request = body_of(found(line, REQUEST), false, arena),
                    .response = body_of(found(line, RESPONSE),
                                        scan_is(found(line, ENCODING), "\"base64\""), arena),
                    .status = scan_count(found(line, STATUS)),
                    .start_us = scan_time(found(line, STARTED)),
                    .end_us = scan_time(found(line, ENDED)),
                    .provider = found_text(line, PROVIDER, arena),
                    .model = found_text(line, MODEL, arena),
                    .agent = found_text(line, AGENT, arena),
                    .run = found_text(line, RUN, arena),
                    .conversation = found_text(line, CONVERSATION, arena),
                    .end_user = found_text(line, END_USER, arena),
                    .error = import_text(error, arena),
                    .failed = error.ptr != NULL};
    if (!x->end_us.known) {
        x->end_us = import_after(x->start_us, found(line, DURATION_MS), arena);
    }
}

/* ---- all --------------------------------------------------------------------------------------------------------- */

typedef struct reading {
    import_work *work;
    const import_file *file;
    void (*read)(sw_str row, sw_arena *arena, exchange *x);
    const char *origin;
    int64_t lines_before;
    sw_status status;
    sw_error *err;
} reading;

static bool take_row(void *arg, int64_t line, sw_str row)
{
    reading *r = arg;
    exchange x;

    (void)line;
    r->work->result->lines += !r->file->again;
    r->read(row, &r->work->arena, &x);
    r->status = take_exchange(r->work, &x, r->file->again, r->origin, r->err);
    return r->status == SW_STATUS_OK;
}

static void tell_bad(void *arg, int64_t line, const char *why)
{
    const reading *r = arg;

    import_bad_row(r->work, r->file, r->lines_before + line, why);
}

static sw_status read_file(import_work *work, import_format format, import_file *file,
                           sw_error *err)
{
    bool har = format == IMPORT_FORMAT_HAR;
    reading r = {.work = work,
                 .file = file,
                 .read = har ? read_entry : read_pair,
                 .origin = har ? "import:har" : "import:exchange",
                 .err = err};
    export_sink sink = {&r, take_row, tell_bad};
    sw_str rows = har ? usage_at(file->bytes, "log.entries") : file->bytes;

    if (har && !scan_opens(rows, '[')) {
        import_bad_row(work, file, 1, "is no whole HAR document");
        return SW_STATUS_OK;
    }
    r.lines_before = har ? scan_feeds(file->bytes.ptr, rows.ptr) : 0;
    file->offset = (int64_t)export_rows(rows, &work->arena, &sink);
    file->offset = har ? file->size : file->offset;
    return r.status;
}

sw_status import_read_exchange(import_work *work, import_format format, import_file *files,
                               size_t count, sw_error *err)
{
    sw_status status = SW_STATUS_OK;

    for (size_t i = 0; i < count && status == SW_STATUS_OK; i++) {
        status = read_file(work, format, &files[i], err);
    }
    return work->arena.failed ? sw_no_memory(err) : status;
}
