/* SPDX-License-Identifier: Apache-2.0 */
/* Tags and metadata of a span: what senders wrote to find it by, and what is worth keeping beside it. Tags come
 * from several places and are put together; metadata are members whose names stand in the rows of
 * model/aliases.def, and what the sender itself calls metadata.
 */
#include "ingest/span_internal.h"

/* ---- tags --------------------------------------------------------------------------------------- */

typedef struct tag_list {
    sw_str tags[SW_LIMIT_TAGS];
    size_t count;
    sw_arena *arena;
} tag_list;

/* Each once; what is too long or too many is left out, as are tags nobody could type. */
static void add_tag(void *arg, sw_str tag)
{
    tag_list *list = arg;
    if (!tag.len || tag.len > SW_LIMIT_TAG_BYTES || list->count == SW_LIMIT_TAGS ||
        memchr(tag.ptr, '\0', tag.len)) {
        return;
    }
    for (size_t i = 0; i < list->count; i++) {
        if (sw_str_eq(list->tags[i], tag)) {
            return;
        }
    }
    list->tags[list->count++] = tag;
}

static void add_named(tag_list *list, const char *name, sw_str value)
{
    if (value.len && value.len <= SW_LIMIT_TAG_BYTES) {
        sw_str tag = sw_arena_printf(list->arena, "%s:%.*s", name, (int)value.len, value.ptr);
        if (tag.ptr) {
            add_tag(list, tag);
        }
    }
}

static sw_str trimmed(sw_str text)
{
    while (text.len && text.ptr[0] == ' ') {
        text = sw_str_make(text.ptr + 1, text.len - 1);
    }
    while (text.len && text.ptr[text.len - 1] == ' ') {
        text.len--;
    }
    return text;
}

static void add_between_commas(tag_list *list, sw_str text)
{
    while (text.len) {
        const char *comma = memchr(text.ptr, ',', text.len);
        size_t len = comma ? (size_t)(comma - text.ptr) : text.len;
        add_tag(list, trimmed(sw_str_make(text.ptr, len)));
        len += comma != NULL;
        text = sw_str_make(text.ptr + len, text.len - len);
    }
}

static sw_str behind(sw_str key, sw_str prefix)
{
    return key.len > prefix.len && memcmp(key.ptr, prefix.ptr, prefix.len) == 0
               ? sw_str_make(key.ptr + prefix.len, key.len - prefix.len)
               : SW_NULL_STR;
}

/* Association properties that are neither conversation nor person are tags. */
static void add_associations(tag_list *list, const span_reading *r)
{
    static const char *const taken[] = {"session_id", "thread_id", "chat_id", "user_id"};
    const otlp_attributes *all = &r->span->attributes;
    for (size_t i = 0; i < all->count; i++) {
        sw_str name = behind(all->items[i].key, SW_STR("traceloop.association.properties."));
        bool other = name.ptr && all->items[i].value.kind == OTLP_STRING && name.len <= 64;
        for (size_t j = 0; j < SW_COUNT(taken); j++) {
            other = other && !span_word_is(name, taken[j]);
        }
        if (other) {
            char label[65];
            memcpy(label, name.ptr, name.len);
            label[name.len] = '\0';
            add_named(list, label, all->items[i].value.text);
        }
    }
}

static void collect_tags(tag_list *list, const span_reading *r)
{
    static const span_fact lists[] = {SPAN_FACT_TAGS, SPAN_FACT_TAGS_TRACE,
                                      SPAN_FACT_TAGS_METADATA};
    for (size_t i = 0; i < SW_COUNT(lists); i++) {
        if (r->values[lists[i]]) {
            span_words(r->values[lists[i]], r->arena, add_tag, list);
        }
    }
    add_between_commas(list, span_text(r, SPAN_FACT_TAGS_COMMAS));
    add_associations(list, r);
    add_named(list, "env", span_text(r, SPAN_FACT_ENVIRONMENT));
    add_named(list, "release", span_text(r, SPAN_FACT_RELEASE));
    add_named(list, "version", span_text(r, SPAN_FACT_VERSION));
    if (span_word_is(span_text(r, SPAN_FACT_QUERY_SOURCE), "compact")) {
        add_tag(list, SW_STR("auxiliary"));
    }
}

static sw_str write_tags(const span_reading *r)
{
    sw_buf buf;
    sw_json_out out;
    tag_list list = {.arena = r->arena};
    collect_tags(&list, r);
    if (!list.count) {
        return SW_NULL_STR;
    }
    sw_buf_init(&buf, r->arena->from, 0);
    sw_json_out_init(&out, &buf, false);
    sw_json_open(&out, '[');
    for (size_t i = 0; i < list.count; i++) {
        sw_json_str(&out, list.tags[i]);
    }
    sw_json_close(&out, ']');
    return sw_buf_take(&buf, r->arena);
}

/* ---- metadata ----------------------------------------------------------------------------------- */

enum { MEMBER_BYTES = 65536 };

/* The object is opened by its first member: most spans have none, and then it costs nothing. */
static void write_name(sw_json_out *out, sw_str name)
{
    if (out->depth == 0) {
        sw_json_open(out, '{');
    }
    sw_json_key(out, name);
}

static void write_member(sw_json_out *out, sw_str name, sw_str json)
{
    if (json.ptr && json.len <= MEMBER_BYTES) {
        write_name(out, name);
        sw_json_raw(out, json);
    }
}

/* The name of one of the caller's own words that come one by one; null when it is none. */
static sw_str callers_name(sw_str key)
{
    sw_str name = behind(key, SW_STR("ai.telemetry.metadata."));
    name = name.ptr ? name : behind(key, SW_STR("langsmith.metadata."));
    return name.ptr && !span_is_secret(NULL, key) ? name : SW_NULL_STR;
}

/* They stand in an object of their own, so that no name is there twice. */
static void write_callers(sw_json_out *out, const span_reading *r)
{
    const otlp_attributes *all = &r->span->attributes;
    bool open = false;
    for (size_t i = 0; i < all->count; i++) {
        sw_str name = callers_name(all->items[i].key);
        sw_str json = name.ptr ? span_value_json(&all->items[i].value, true, r->arena) : name;
        if (json.ptr && !open) {
            write_name(out, SW_STR("caller"));
            sw_json_open(out, '{');
            open = true;
        }
        write_member(out, name, json);
    }
    if (open) {
        sw_json_close(out, '}');
    }
}

static void write_facts(sw_json_out *out, const span_reading *r)
{
    static const char prefix[] = "metadata.";
    for (size_t i = 0; i < SPAN_FACT_COUNT; i++) {
        const char *fills = r->values[i] ? span_fact_fills((span_fact)i) : "";
        if (strncmp(fills, prefix, sizeof prefix - 1) == 0) {
            write_member(out, sw_str_from(fills + sizeof prefix - 1),
                         span_value_json(r->values[i], true, r->arena));
        }
    }
}

static sw_str write_metadata(const span_reading *r)
{
    sw_buf buf;
    sw_json_out out;
    sw_buf_init(&buf, r->arena->from, SW_LIMIT_JSON_BYTES);
    sw_json_out_init(&out, &buf, false);
    write_facts(&out, r);
    write_callers(&out, r);
    if (out.depth == 0) {
        return SW_NULL_STR;
    }
    sw_json_close(&out, '}');
    return sw_buf_take(&buf, r->arena);
}

void span_read_tags(const span_reading *r, span_facts *out)
{
    out->tags = write_tags(r);
    out->metadata = write_metadata(r);
}
