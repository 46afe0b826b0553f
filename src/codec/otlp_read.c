/* SPDX-License-Identifier: Apache-2.0 */
/* The frame of a reading: where lists grow, what is said when something is wrong, who is shown
 * what. Knows neither wire. */
#include "codec/otlp_inside.h"

enum { FIRST_ROWS = 64 };

sw_str otlp__begin(otlp_in *in, sw_str bytes, sw_arena *arena, sw_error *err)
{
    static const otlp_resource no_resource = {.schema_url = {"", 0}};
    static const otlp_scope no_scope = {.name = {"", 0}, .version = {"", 0}, .schema_url = {"", 0}};
    bytes.ptr = bytes.ptr ? bytes.ptr : "";
    *in = (otlp_in){.arena = arena,
                    .err = err,
                    .start = bytes.ptr,
                    .resource = &no_resource,
                    .scope = &no_scope,
                    .attributes.size = sizeof(otlp_attribute),
                    .events.size = sizeof(otlp_event),
                    .links.size = sizeof(otlp_link)};
    sw_buf_init(&in->nested, arena->from, arena->max);
    return bytes;
}

void otlp__finish(otlp_in *in)
{
    sw_free(in->arena->from, in->attributes.rows);
    sw_free(in->arena->from, in->events.rows);
    sw_free(in->arena->from, in->links.rows);
    sw_buf_fini(&in->nested);
}

/* ---- failing -------------------------------------------------------------------------------------- */

/* "resource_spans[0].scope_spans[2].spans[7]", as far down as the reader was. */
static void place_print(const otlp_in *in, char out[96])
{
    static const char *const names[][3] = {
        [OTLP_TRACES] = {"resource_spans", "scope_spans", "spans"},
        [OTLP_LOGS] = {"resource_logs", "scope_logs", "log_records"},
        [OTLP_METRICS] = {"resource_metrics", "scope_metrics", "metrics"},
    };
    size_t len = 0;
    out[0] = '\0';
    for (unsigned level = AT_EXPORT; level < in->level && len < 96; level++) {
        len += (size_t)snprintf(out + len, 96 - len, "%s%s[%zu]", level > 0 ? "." : "",
                                names[in->signal][level], in->place[level]);
    }
}

bool otlp__bad(otlp_in *in, size_t offset, const char *why)
{
    char place[96];
    if (in->status == SW_STATUS_OK) {
        place_print(in, place);
        in->status = sw_fail(in->err, SW_STATUS_INVALID, place, "%s (at byte %zu)", why, offset);
    }
    return false;
}

bool otlp__no_memory(otlp_in *in)
{
    if (in->status == SW_STATUS_OK) {
        in->status = sw_no_memory(in->err);
    }
    return false;
}

/* ---- lists ---------------------------------------------------------------------------------------- */

bool otlp__grow(otlp_in *in, otlp_stack *stack)
{
    size_t room = stack->room > 0 ? 2 * stack->room : FIRST_ROWS;
    size_t max = in->arena->max > 0 ? in->arena->max : SIZE_MAX / 4;
    char *rows = NULL;
    if (room > FIRST_ROWS && room / 2 > max / stack->size) {
        return otlp__no_memory(in); /* the list would not fit into the arena */
    }
    rows = sw_resize(in->arena->from, stack->rows, room * stack->size);
    if (!rows) {
        return otlp__no_memory(in);
    }
    stack->rows = rows;
    stack->room = room;
    return true;
}

void *otlp__push(otlp_in *in, otlp_stack *stack)
{
    char *row = NULL;
    if (stack->count == stack->room && !otlp__grow(in, stack)) {
        return NULL;
    }
    row = stack->rows + stack->count++ * stack->size;
    return memset(row, 0, stack->size);
}

bool otlp__cut(otlp_in *in, otlp_stack *stack, size_t from, const void **rows, size_t *count)
{
    size_t n = stack->count - from;
    char *copy = NULL;
    *rows = NULL;
    *count = n;
    if (n == 0 || in->status != SW_STATUS_OK) {
        return in->status == SW_STATUS_OK;
    }
    copy = sw_arena_alloc(in->arena, n * stack->size);
    if (!copy) {
        return otlp__no_memory(in);
    }
    memcpy(copy, stack->rows + from * stack->size, n * stack->size);
    stack->count = from;
    *rows = copy;
    return true;
}

bool otlp__cut_attributes(otlp_in *in, size_t from, otlp_attributes *out)
{
    const void *rows = NULL;
    bool cut = otlp__cut(in, &in->attributes, from, &rows, &out->count);
    out->items = rows;
    return cut;
}

bool otlp__cut_span(otlp_in *in, size_t from, otlp_span *out)
{
    const void *events = NULL;
    const void *links = NULL;
    bool cut = otlp__cut_attributes(in, from, &out->attributes) &&
               otlp__cut(in, &in->events, 0, &events, &out->event_count) &&
               otlp__cut(in, &in->links, 0, &links, &out->link_count);
    out->events = events;
    out->links = links;
    return cut;
}

/* ---- empty views ---------------------------------------------------------------------------------- */

#define EMPTY SW_STR("")

otlp_resource *otlp__new_resource(otlp_in *in)
{
    otlp_resource *resource = sw_arena_alloc(in->arena, sizeof *resource);
    if (!resource) {
        (void)otlp__no_memory(in);
        return NULL;
    }
    *resource = (otlp_resource){.schema_url = EMPTY};
    in->resource = resource;
    return resource;
}

otlp_scope *otlp__new_scope(otlp_in *in)
{
    otlp_scope *scope = sw_arena_alloc(in->arena, sizeof *scope);
    if (!scope) {
        (void)otlp__no_memory(in);
        return NULL;
    }
    *scope = (otlp_scope){.name = EMPTY, .version = EMPTY, .schema_url = EMPTY};
    in->scope = scope;
    return scope;
}

otlp_span otlp__empty_span(const otlp_in *in)
{
    return (otlp_span){
        .resource = in->resource, .scope = in->scope, .name = EMPTY, .status_message = EMPTY};
}

otlp_log otlp__empty_log(const otlp_in *in)
{
    return (otlp_log){
        .resource = in->resource, .scope = in->scope, .severity_text = EMPTY, .event_name = EMPTY};
}

/* ---- text ----------------------------------------------------------------------------------------- */

static bool is_sound(sw_str text)
{
    return sw_utf8_valid(text) && !memchr(text.ptr, 0, text.len);
}

bool otlp__mend(otlp_in *in, sw_str *text)
{
    const char *at = text->ptr;
    const char *end = at + text->len;
    char *to = NULL;
    if (is_sound(*text)) {
        return true;
    }
    to = text->len <= SIZE_MAX / 4 ? sw_arena_alloc(in->arena, 3 * text->len + 1) : NULL;
    if (!to) {
        return otlp__no_memory(in);
    }
    text->ptr = to;
    while (at != end) {
        size_t step = *at != '\0' ? sw__utf8_step(at, end) : 0;
        memcpy(to, step > 0 ? at : "\xef\xbf\xbd", step > 0 ? step : 3);
        to += step > 0 ? step : 3;
        at += step > 0 ? step : 1;
    }
    *to = '\0';
    text->len = (size_t)(to - text->ptr);
    return true;
}

/* ---- an export ------------------------------------------------------------------------------------ */

bool otlp__show_span(otlp_in *in, const otlp_span *span)
{
    in->count++;
    if (in->sink && in->sink->span) {
        in->status = in->sink->span(in->sink->arg, span);
    }
    return in->status == SW_STATUS_OK;
}

bool otlp__show_log(otlp_in *in, const otlp_log *log)
{
    in->count++;
    if (in->sink && in->sink->log) {
        in->status = in->sink->log(in->sink->arg, log);
    }
    return in->status == SW_STATUS_OK;
}

sw_status otlp_read(otlp_wire wire, otlp_signal signal, sw_str bytes, sw_arena *arena,
                    const otlp_sink *sink, int64_t *count, sw_error *err)
{
    otlp_in in;
    bool read = false;
    bytes = otlp__begin(&in, bytes, arena, err);
    in.signal = signal;
    in.sink = sink;
    read = wire == OTLP_JSON ? otlp__read_json(&in, bytes) : otlp__read_protobuf(&in, bytes);
    sw_assert(read == (in.status == SW_STATUS_OK));
    if (count) {
        *count = in.count;
    }
    otlp__finish(&in);
    return in.status;
}
