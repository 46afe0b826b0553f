/* SPDX-License-Identifier: Apache-2.0 */
/* Messages that were sent as events of a span, each alone (G1): the event's attributes are the message. Log records
 * were made such events before (event_join.c).
 */
#include "ingest/talk.h"

typedef enum event_kind {
    EVENT_MESSAGE,
    EVENT_CHOICE,
    EVENT_PROMPT,
    EVENT_COMPLETION,
    EVENT_ALL
} event_kind;

static const struct {
    const char *name;
    event_kind kind;
} rows[] = {
    {"gen_ai.system.message", EVENT_MESSAGE},
    {"gen_ai.user.message", EVENT_MESSAGE},
    {"gen_ai.assistant.message", EVENT_MESSAGE},
    {"gen_ai.tool.message", EVENT_MESSAGE},
    {"gen_ai.choice", EVENT_CHOICE},
    {"gen_ai.content.prompt", EVENT_PROMPT},
    {"gen_ai.content.completion", EVENT_COMPLETION},
    {"gen_ai.client.inference.operation.details", EVENT_ALL},
};

/* The members of the message that stand as attributes, as one object; a text that is a JSON object or list where
 * only those can stand is that. */
static talk_value object_of(talk *t, const otlp_attributes *attributes, sw_str name)
{
    static const char *const texts[] = {"content", "role", "id", "name", "finish_reason"};
    talk_writer w;

    talk_write_begin(&w, t);
    sw_json_open(&w.out, '{');
    talk_write_pair(&w, "event.name", name);
    for (size_t i = 0; i < attributes->count; i++) {
        sw_str key = attributes->items[i].key;
        talk_value value = talk_native(t, &attributes->items[i].value);
        bool text = false;
        for (size_t k = 0; k < SW_COUNT(texts); k++) {
            text = text || sw_str_eq(key, sw_str_from(texts[k]));
        }
        value = text ? value : talk_open(t, value);
        if (value.type != SW_JSON_END && !sw_str_eq(key, SW_STR("event.name"))) {
            sw_json_key(&w.out, key);
            sw_json_raw(&w.out, talk_json(t, value));
        }
    }
    sw_json_close(&w.out, '}');
    return talk_parse(t, talk_write_end(&w, t));
}

/* The name told by the event, so that the message need not say its role. */
static talk_value with_name(talk *t, talk_value body, sw_str name)
{
    talk_writer w;
    talk_walk walk;

    if (body.type != SW_JSON_OBJECT) {
        return body;
    }
    talk_write_begin(&w, t);
    sw_json_open(&w.out, '{');
    talk_write_pair(&w, "event.name", name);
    for (bool more = talk_walk_begin_object(&walk, t, body);
         more && talk_walk_next_member(&walk);) {
        if (!sw_str_eq(walk.key, SW_STR("event.name"))) {
            sw_json_key(&w.out, walk.key);
            sw_json_raw(&w.out, walk.value.raw);
        }
    }
    sw_json_close(&w.out, '}');
    return talk_parse(t, talk_write_end(&w, t));
}

static void read_message(talk *t, sw_str name, const otlp_attributes *attributes, talk_side side)
{
    const otlp_value *content = otlp_find(attributes, SW_STR("gen_ai.event.content"));
    talk_value whole = talk_open(t, talk_native(t, content));

    t->side = side;
    whole =
        whole.type == SW_JSON_OBJECT ? with_name(t, whole, name) : object_of(t, attributes, name);
    if (talk_read_message(t, whole, talk_role_of_side(t))) {
        talk_end(t);
    }
}

static void read_document(talk *t, const otlp_value *value, talk_side side)
{
    t->side = side;
    (void)talk_read_document(t, talk_native(t, value), false);
}

bool talk_read_event(talk *t, sw_str name, const otlp_attributes *attributes)
{
    for (size_t i = 0; i < SW_COUNT(rows); i++) {
        if (!sw_str_eq(name, sw_str_from(rows[i].name))) {
            continue;
        }
        t->cut = t->cut || attributes->dropped > 0;
        switch (rows[i].kind) {
        case EVENT_MESSAGE:
            read_message(t, name, attributes, TALK_INPUT);
            break;
        case EVENT_CHOICE:
            read_message(t, name, attributes, TALK_OUTPUT);
            break;
        case EVENT_PROMPT:
            read_document(t, otlp_find(attributes, SW_STR("gen_ai.prompt")), TALK_INPUT);
            break;
        case EVENT_COMPLETION:
            read_document(t, otlp_find(attributes, SW_STR("gen_ai.completion")), TALK_OUTPUT);
            break;
        case EVENT_ALL:
            talk_read_attributes(t, attributes);
            break;
        }
        return true;
    }
    return false;
}
