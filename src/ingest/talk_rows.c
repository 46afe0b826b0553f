/* SPDX-License-Identifier: Apache-2.0 */
/* Walks model/talks.def over the attributes of a span, an event or a log record: of each side the first row that
 * says something. Knows shapes, no attribute.
 */
#include "ingest/talk.h"

typedef enum row_side {
    SIDE_SYSTEM,
    SIDE_INPUT,
    SIDE_OUTPUT,
    SIDE_TOOLS,
    SIDE_PARAMETERS
} row_side;

typedef enum row_shape {
    SHAPE_PARTS,
    SHAPE_MESSAGES,
    SHAPE_BODY,
    SHAPE_MIMED,
    SHAPE_INDEXED,
    SHAPE_LOOSE,
    SHAPE_TEXT,
    SHAPE_THOUGHT,
    SHAPE_CALLS,
    SHAPE_FILES,
    SHAPE_ELSEWHERE,
    SHAPE_LIST,
    SHAPE_OBJECT,
    SHAPE_EACH
} row_shape;

typedef struct talk_row {
    row_side side;
    const char *key;
    row_shape shape;
    const char *dialect;
} talk_row;

static const talk_row rows[] = {
#define SW_TALK(SIDE, KEY, SHAPE, DIALECT, DOC) {SIDE_##SIDE, KEY, SHAPE_##SHAPE, DIALECT},
#include "model/talks.def"
#undef SW_TALK
};

/* More than any request has; what follows is left out. */
enum { PARAMETERS_MOST = 64 };

static talk_value attribute(talk *t, const otlp_attributes *attributes, sw_str key)
{
    return talk_native(t, otlp_find(attributes, key));
}

/* ---- one row ------------------------------------------------------------------------------------------ */

/* "input.value" goes with "input.mime_type". */
static bool is_json_type(talk *t, const otlp_attributes *attributes, sw_str key)
{
    const sw_str tail = SW_STR("value");
    sw_str name = sw_arena_printf(t->arena, "%.*smime_type", (int)(key.len - tail.len), key.ptr);
    talk_value type = name.ptr ? attribute(t, attributes, name) : TALK_ABSENT;

    return type.type == SW_JSON_END || sw_str_contains_nocase(talk_said(t, type), SW_STR("json"));
}

static bool read_mimed(talk *t, const otlp_attributes *attributes, sw_str key, talk_value value)
{
    if (value.type != SW_JSON_STRING || is_json_type(t, attributes, key)) {
        return talk_read_document(t, value, true);
    }
    talk_begin(t, talk_role_of_side(t));
    talk_add_text(t, value.text);
    talk_end(t);
    return true;
}

/* The attributes put together, or the one that holds the list as it is. */
static talk_value indexed(talk *t, const otlp_attributes *attributes, sw_str key)
{
    talk_value all = talk_gather(t, attributes, key);
    talk_value whole = all.type == SW_JSON_END ? attribute(t, attributes, key) : TALK_ABSENT;

    return all.type != SW_JSON_END ? all : talk_open(t, whole);
}

static bool read_indexed(talk *t, const otlp_attributes *attributes, const talk_row *row)
{
    bool loose = row->shape == SHAPE_LOOSE;
    talk_value list = loose ? talk_gather(t, attributes, sw_str_from(row->key))
                            : indexed(t, attributes, sw_str_from(row->key));
    bool said = false;

    t->loose_text = loose;
    said = list.type != SW_JSON_END && talk_read_document(t, list, false);
    t->loose_text = false;
    return said;
}

static bool read_parts(talk *t, talk_value value)
{
    talk_value content = talk_open(t, value);
    talk_value parts = talk_member(t, content, "parts");

    if (content.type == SW_JSON_END || sw_str_eq(content.text, SW_STR(""))) {
        return false;
    }
    talk_begin(t, talk_role_of_side(t));
    talk_read_content(t, parts.type != SW_JSON_END ? parts : content);
    talk_end(t);
    return true;
}

/* The content is not here: where it is stands for it. */
static bool read_elsewhere(talk *t, talk_value value)
{
    talk_writer w;

    talk_write_begin(&w, t);
    sw_json_open(&w.out, '{');
    talk_write_pair(&w, "type", SW_STR("reference"));
    talk_write_pair(&w, "uri", talk_clip(t, talk_said(t, value), SW_LIMIT_TEXT_BYTES));
    sw_json_close(&w.out, '}');
    talk_begin(t, talk_role_of_side(t));
    talk_add_other(t, talk_write_end(&w, t));
    talk_end(t);
    t->cut = true;
    return true;
}

/* ---- pieces of one message -------------------------------------------------------------------------------- */

static bool is_piece(row_shape shape)
{
    return shape == SHAPE_TEXT || shape == SHAPE_THOUGHT || shape == SHAPE_CALLS ||
           shape == SHAPE_FILES;
}

static void read_list(talk *t, talk_value value, void (*each)(talk *, talk_value))
{
    talk_walk w;
    talk_value list = talk_open(t, value);

    for (bool more = talk_walk_begin(&w, t, list); more && talk_walk_next(&w);) {
        each(t, talk_open(t, w.value));
    }
}

static void read_thought(talk *t, talk_value value)
{
    talk_value opened = value.type == SW_JSON_STRING && value.text.len && value.text.ptr[0] == '['
                            ? talk_open(t, value)
                            : value;

    if (opened.type == SW_JSON_STRING) {
        talk_add_reasoning(t, opened.text, SW_NULL_STR);
    } else {
        talk_read_content(t, opened);
    }
}

static void read_piece(talk *t, row_shape shape, talk_value value)
{
    if (shape == SHAPE_TEXT) {
        talk_add_text(t, talk_said(t, value));
    } else if (shape == SHAPE_THOUGHT) {
        read_thought(t, value);
    } else {
        read_list(t, value, shape == SHAPE_CALLS ? talk_read_call : talk_read_any_part);
    }
}

/* All pieces of the row's dialect; a shape that was filled by a newer name stays. */
static bool read_pieces(talk *t, const otlp_attributes *attributes, const talk_row *first)
{
    unsigned filled = 0;

    for (const talk_row *row = first; row < rows + SW_COUNT(rows); row++) {
        talk_value value = TALK_ABSENT;
        if (!is_piece(row->shape) || row->side != first->side ||
            strcmp(row->dialect, first->dialect) != 0 || filled & 1u << row->shape) {
            continue;
        }
        value = attribute(t, attributes, sw_str_from(row->key));
        if (value.type == SW_JSON_END || (value.type == SW_JSON_STRING && value.text.len == 0)) {
            continue;
        }
        if (filled == 0) {
            talk_begin(t, talk_role_of_side(t));
        }
        filled |= 1u << row->shape;
        read_piece(t, row->shape, value);
    }
    talk_end(t);
    return filled != 0;
}

/* ---- all rows ------------------------------------------------------------------------------------------------- */

static bool read_row(talk *t, const otlp_attributes *attributes, const talk_row *row)
{
    sw_str key = sw_str_from(row->key);
    talk_value value = TALK_ABSENT;

    if (row->shape == SHAPE_INDEXED || row->shape == SHAPE_LOOSE) {
        return read_indexed(t, attributes, row);
    }
    if (is_piece(row->shape)) {
        return read_pieces(t, attributes, row);
    }
    value = attribute(t, attributes, key);
    if (value.type == SW_JSON_END) {
        return false;
    }
    switch (row->shape) {
    case SHAPE_PARTS:
        return read_parts(t, value);
    case SHAPE_MESSAGES:
        return talk_read_document(t, value, false);
    case SHAPE_BODY:
        return talk_read_document(t, value, true);
    case SHAPE_MIMED:
        return read_mimed(t, attributes, key, value);
    case SHAPE_ELSEWHERE:
        return read_elsewhere(t, value);
    default:
        return false;
    }
}

/* A list that was flattened loses its end when attributes are dropped: then what stands whole comes first. */
static void read_side(talk *t, const otlp_attributes *attributes, row_side side, talk_side to)
{
    bool late = attributes->dropped > 0;

    for (int pass = 0; pass < 2; pass++) {
        for (size_t i = 0; i < SW_COUNT(rows); i++) {
            bool flat = rows[i].shape == SHAPE_INDEXED || rows[i].shape == SHAPE_LOOSE;
            if (rows[i].side != side || (late && flat) != (pass == 1)) {
                continue;
            }
            t->side = to;
            if (talk_count(t, to) == 0 && read_row(t, attributes, &rows[i])) {
                return;
            }
        }
    }
}

/* The real request and response are kept also when the messages were read from elsewhere. */
static void read_bodies(talk *t, const otlp_attributes *attributes)
{
    for (size_t i = 0; i < SW_COUNT(rows); i++) {
        sw_str key = sw_str_from(rows[i].key);
        sw_str *place = rows[i].side == SIDE_INPUT ? &t->request : &t->response;
        talk_value value = TALK_ABSENT;
        if ((rows[i].shape != SHAPE_BODY && rows[i].shape != SHAPE_MIMED) || place->ptr) {
            continue;
        }
        value = attribute(t, attributes, key);
        if (rows[i].shape == SHAPE_MIMED && value.type != SW_JSON_END &&
            !is_json_type(t, attributes, key)) {
            continue;
        }
        value = talk_open(t, value);
        *place = value.type == SW_JSON_OBJECT ? value.raw : *place;
    }
}

static void read_tools(talk *t, const otlp_attributes *attributes)
{
    for (size_t i = 0; i < SW_COUNT(rows) && !t->tools.ptr; i++) {
        sw_str key = sw_str_from(rows[i].key);
        if (rows[i].side == SIDE_TOOLS) {
            talk_read_tools(t, rows[i].shape == SHAPE_INDEXED ? indexed(t, attributes, key)
                                                              : attribute(t, attributes, key));
        }
    }
}

void talk_read_attributes(talk *t, const otlp_attributes *attributes)
{
    t->cut = t->cut || attributes->dropped > 0;
    read_side(t, attributes, SIDE_INPUT, TALK_INPUT);
    read_side(t, attributes, SIDE_SYSTEM, TALK_SYSTEM);
    read_side(t, attributes, SIDE_OUTPUT, TALK_OUTPUT);
    read_tools(t, attributes);
    read_bodies(t, attributes);
}

/* ---- parameters ------------------------------------------------------------------------------------------------ */

typedef struct parameters {
    talk *t;
    talk_writer w;
    sw_str seen[PARAMETERS_MOST];
    size_t count;
} parameters;

/* What a request says besides parameters, and what may hold a secret. */
static bool is_no_parameter(sw_str name)
{
    static const char *const others[] = {"model",  "messages", "tools",  "functions",
                                         "system", "input",    "prompt", "contents"};

    for (size_t i = 0; i < SW_COUNT(others); i++) {
        if (sw_str_eq(name, sw_str_from(others[i]))) {
            return true;
        }
    }
    return talk_is_secret(name);
}

static void add_parameter(parameters *p, sw_str name, talk_value value)
{
    for (size_t i = 0; i < p->count; i++) {
        if (sw_str_eq(p->seen[i], name)) {
            return;
        }
    }
    if (value.type == SW_JSON_END || p->count == PARAMETERS_MOST || is_no_parameter(name)) {
        return;
    }
    p->seen[p->count++] = name;
    sw_json_key(&p->w.out, name);
    sw_json_raw(&p->w.out, talk_json(p->t, value));
}

static void add_each(parameters *p, const otlp_attributes *attributes, sw_str prefix)
{
    for (size_t i = 0; i < attributes->count; i++) {
        sw_str key = attributes->items[i].key;
        if (key.len > prefix.len && memcmp(key.ptr, prefix.ptr, prefix.len) == 0) {
            add_parameter(p, sw_str_make(key.ptr + prefix.len, key.len - prefix.len),
                          attribute(p->t, attributes, key));
        }
    }
}

static void add_members(parameters *p, talk_value object)
{
    talk_walk w;

    for (bool more = talk_walk_begin_object(&w, p->t, object); more && talk_walk_next_member(&w);) {
        add_parameter(p, w.key, w.value);
    }
}

sw_str talk_parameters(talk *t, const otlp_attributes *attributes)
{
    parameters p = {.t = t};
    sw_str all = SW_NULL_STR;

    talk_write_begin(&p.w, t);
    sw_json_open(&p.w.out, '{');
    for (size_t i = 0; i < SW_COUNT(rows); i++) {
        sw_str key = sw_str_from(rows[i].key);
        if (rows[i].shape == SHAPE_EACH) {
            add_each(&p, attributes, key);
        } else if (rows[i].shape == SHAPE_OBJECT) {
            add_members(&p, talk_open(t, attribute(t, attributes, key)));
        }
    }
    sw_json_close(&p.w.out, '}');
    all = talk_write_end(&p.w, t);
    return p.count > 0 ? all : SW_NULL_STR;
}
