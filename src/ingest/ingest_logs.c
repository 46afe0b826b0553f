/* SPDX-License-Identifier: Apache-2.0 */
/* Log records: read, counted, and kept as raw items in the unit of their trace, else of their session or
 * conversation, else of the resource they came from. What events say of steps is read from there.
 */
#include <sodium.h>

#include "ingest/ingest_inside.h"

typedef struct logs {
    sw_ingest *in;
    ingest_tenant tenant; /* whose they are; only its names are used */
    ingest_plan plan;
    sw_buf buf;
    int64_t now_us;
    int64_t count;
} logs;

static sw_str digest_of(logs *l, sw_str bytes)
{
    uint8_t digest[INGEST_SOURCE];

    ingest_digest(bytes, digest);
    return sw_arena_str(l->plan.arena, sw_str_make((const char *)digest, sizeof digest));
}

/* The name of the session or conversation; null: it says none. */
static sw_str session_of(const otlp_log *log)
{
    static const char *const keys[] = {"session.id", "conversation.id", "gen_ai.conversation.id"};

    for (size_t i = 0; i < SW_COUNT(keys); i++) {
        const otlp_value *value = otlp_find(&log->attributes, sw_str_from(keys[i]));
        if (value && value->kind == OTLP_STRING && value->text.len > 0) {
            return value->text;
        }
    }
    return SW_NULL_STR;
}

static sw_str unit_of(logs *l, const otlp_log *log, sw_str source)
{
    static const uint8_t none[OTLP_TRACE_ID];
    sw_str session = session_of(log);

    if (memcmp(log->trace_id, none, sizeof none) != 0) {
        return sw_arena_str(l->plan.arena, sw_str_make((const char *)log->trace_id, OTLP_TRACE_ID));
    }
    return session.ptr ? digest_of(l, session) : source;
}

static bool take_source(logs *l, const otlp_log *log, sw_str *digest)
{
    ingest_plan *plan = &l->plan;
    sw_raw_source *sources = NULL;

    sw_buf_clear(&l->buf);
    otlp_keep_source(&l->buf, log->resource, log->scope, span_is_secret, NULL, plan->arena);
    *digest = digest_of(l, sw_buf_str(&l->buf));
    for (size_t i = 0; i < plan->source_count; i++) {
        if (sw_str_eq(plan->sources[i].digest, *digest)) {
            return digest->ptr != NULL;
        }
    }
    sources = sw_arena_grow(plan->arena, plan->sources, plan->source_count, &plan->source_room,
                            sizeof *sources);
    if (!sources || !digest->ptr || l->buf.status != SW_STATUS_OK) {
        return false;
    }
    plan->sources = sources;
    sources[plan->source_count++] =
        (sw_raw_source){.digest = *digest, .body = sw_arena_str(plan->arena, sw_buf_str(&l->buf))};
    return !plan->arena->failed;
}

static sw_status see_log(void *arg, const otlp_log *log)
{
    logs *l = arg;
    ingest_plan *plan = &l->plan;
    sw_raw_item *items = NULL;
    sw_str source = SW_NULL_STR;
    sw_str body = SW_NULL_STR;

    l->count++;
    if (!ingest_keeps(l->in)) {
        return SW_STATUS_OK;
    }
    if (!take_source(l, log, &source)) {
        return SW_STATUS_NO_MEMORY;
    }
    sw_buf_clear(&l->buf);
    otlp_keep_log(&l->buf, log, span_is_secret, NULL, plan->arena);
    items =
        sw_arena_grow(plan->arena, plan->items, plan->item_count, &plan->item_room, sizeof *items);
    body = l->buf.status == SW_STATUS_OK ? sw_arena_str(plan->arena, sw_buf_str(&l->buf))
                                         : SW_NULL_STR;
    if (!items || !body.ptr) {
        return SW_STATUS_NO_MEMORY;
    }
    plan->items = items;
    items[plan->item_count++] = (sw_raw_item){
        .project_id = l->tenant.project_id,
        .unit = unit_of(l, log, source),
        .item = digest_of(l, body),
        .signal = sw_int_of(SW_RAW_SIGNAL_LOG),
        .source_digest = source,
        .start_ns = sw_int_of(log->time_ns),
        .end_ns = sw_int_of(log->time_ns),
        .attribute_count = sw_int_of((int64_t)(log->attributes.count & INT32_MAX)),
        .received_at = sw_int_of(l->now_us),
        .body = body,
    };
    return plan->arena->failed ? SW_STATUS_NO_MEMORY : SW_STATUS_OK;
}

sw_status ingest_export_logs(sw_ingest *in, const sw_actor *actor, otlp_wire wire, sw_str body,
                             sw_ingest_result *result, sw_error *err)
{
    sw_arena arena;
    logs l = {.in = in,
              .tenant = {.project_id = actor ? actor->project_id : SW_NULL_STR},
              .plan = {.arena = &arena},
              .now_us = in->clock.wall_us(in->clock.data)};
    otlp_sink sink = {.log = see_log, .arg = &l};
    int64_t count = 0;
    sw_status status = SW_STATUS_OK;

    sw_arena_init(&arena, &in->allocator, SW_LIMIT_INGEST_MEMORY_BYTES);
    sw_buf_init(&l.buf, &in->allocator, SW_LIMIT_INGEST_MEMORY_BYTES);
    status = otlp_read(wire, OTLP_LOGS, body, &arena, &sink, &count, err);
    if (status == SW_STATUS_NO_MEMORY) {
        status = sw_no_memory(err);
    }
    if (status == SW_STATUS_OK) {
        status = ingest_write(in, actor, &l.plan, err);
    }
    if (status == SW_STATUS_OK) {
        result->accepted = l.count;
        pthread_mutex_lock(&in->lock);
        in->load.logs += l.count;
        pthread_mutex_unlock(&in->lock);
    }
    sw_buf_fini(&l.buf);
    sw_arena_fini(&arena);
    return status;
}
