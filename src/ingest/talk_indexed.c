/* SPDX-License-Identifier: Apache-2.0 */
/* Puts a tree together again that was flattened into attributes: "llm.input_messages.0.message.role". The indices
 * may be sparse, huge and in any order: keys are sorted by their numbers, and a number only tells the order.
 * What stands below a number makes an array, what stands below a name an object. Knows no dialect.
 */
#include <stdlib.h>

#include "ingest/talk.h"

/* Deeper names are one name: no sender nests so. */
enum { DEEPEST_PATH = 16 };

typedef struct leaf {
    sw_str path; /* behind the prefix: "0.message.role" */
    const otlp_value *value;
    size_t at; /* as sent: of two with one key the last counts */
} leaf;

typedef struct gathering {
    talk *t;
    const leaf *leaves;
    talk_writer w;
} gathering;

/* The first word of a path; the rest is behind its dot. */
static sw_str head_of(sw_str path)
{
    const char *dot = path.len ? memchr(path.ptr, '.', path.len) : NULL;

    return sw_str_make(path.ptr, dot ? (size_t)(dot - path.ptr) : path.len);
}

static sw_str tail_of(sw_str path)
{
    sw_str head = head_of(path);

    return head.len < path.len ? sw_str_make(path.ptr + head.len + 1, path.len - head.len - 1)
                               : SW_NULL_STR;
}

static bool is_number(sw_str word)
{
    for (size_t i = 0; i < word.len; i++) {
        if (word.ptr[i] < '0' || word.ptr[i] > '9') {
            return false;
        }
    }
    return word.len > 0;
}

static sw_str without_zeros(sw_str number)
{
    while (number.len > 1 && *number.ptr == '0') {
        number = sw_str_make(number.ptr + 1, number.len - 1);
    }
    return number;
}

/* Numbers by value whatever their length, then words by bytes. */
static int order_of_words(sw_str a, sw_str b)
{
    if (is_number(a) != is_number(b)) {
        return is_number(a) ? -1 : 1;
    }
    if (is_number(a)) {
        a = without_zeros(a);
        b = without_zeros(b);
        if (a.len != b.len) {
            return a.len < b.len ? -1 : 1;
        }
    }
    return sw_str_cmp(a, b);
}

static int order(const void *left, const void *right)
{
    const leaf *a = left;
    const leaf *b = right;
    sw_str x = a->path;
    sw_str y = b->path;

    while (x.ptr && y.ptr) {
        int c = order_of_words(head_of(x), head_of(y));
        if (c != 0) {
            return c;
        }
        x = tail_of(x);
        y = tail_of(y);
    }
    if (x.ptr || y.ptr) {
        return x.ptr ? 1 : -1;
    }
    return (a->at > b->at) - (a->at < b->at);
}

/* The path behind `depth` words; null when it ends there. */
static sw_str below(const leaf *one, int depth)
{
    sw_str path = one->path;

    for (int i = 0; i < depth && path.ptr; i++) {
        path = tail_of(path);
    }
    return path;
}

static sw_str word_at(const leaf *one, int depth)
{
    sw_str path = below(one, depth);

    return depth < DEEPEST_PATH ? head_of(path) : path;
}

/* Behind the leaves from `from` on that have the same word at this depth. */
static size_t group_end(const gathering *g, size_t from, size_t to, int depth)
{
    sw_str word = word_at(&g->leaves[from], depth);
    size_t i = from + 1;

    while (i < to && order_of_words(word_at(&g->leaves[i], depth), word) == 0) {
        i++;
    }
    return i;
}

static bool all_numbers(const gathering *g, size_t from, size_t to, int depth)
{
    for (size_t i = from; i < to; i++) {
        if (!is_number(word_at(&g->leaves[i], depth))) {
            return false;
        }
    }
    return true;
}

/* Whether it nests so deep that the tree around it could pass what a reader takes. */
static bool is_deep(talk_value v)
{
    sw_json json;
    uint32_t deepest = 0;

    sw_json_init(&json, v.raw, NULL);
    while (sw_json_next(&json) > SW_JSON_ERROR) {
        deepest = json.depth > deepest ? json.depth : deepest;
    }
    return deepest + 2 * DEEPEST_PATH > SW_LIMIT_JSON_DEPTH;
}

static void write_leaf(gathering *g, const otlp_value *value)
{
    talk_value v = talk_native(g->t, value);

    if (v.type == SW_JSON_END) {
        sw_json_null(&g->w.out);
    } else if (v.type == SW_JSON_STRING || is_deep(v)) {
        sw_json_str(&g->w.out, talk_said(g->t, v));
    } else {
        sw_json_raw(&g->w.out, v.raw);
    }
}

/* The leaves [from, to) have the same first `depth` words. One that ends there stands before those that go on;
 * when there are such, they are the fuller account. */
static void write_tree(gathering *g, size_t from, size_t to, int depth)
{
    bool list = false;

    while (from + 1 < to && (depth > DEEPEST_PATH || !below(&g->leaves[from], depth).ptr)) {
        from++;
    }
    if (depth > DEEPEST_PATH || !below(&g->leaves[from], depth).ptr) {
        write_leaf(g, g->leaves[from].value);
        return;
    }
    list = all_numbers(g, from, to, depth);
    sw_json_open(&g->w.out, list ? '[' : '{');
    for (size_t i = from, end = 0; i < to; i = end) {
        end = group_end(g, i, to, depth);
        if (!list) {
            sw_json_key(&g->w.out, word_at(&g->leaves[i], depth));
        }
        write_tree(g, i, end, depth + 1);
    }
    sw_json_close(&g->w.out, list ? ']' : '}');
}

/* What follows the prefix and its dot, when that begins with a digit; else null. */
static sw_str path_below(sw_str key, sw_str prefix)
{
    if (key.len < prefix.len + 2 || memcmp(key.ptr, prefix.ptr, prefix.len) != 0 ||
        key.ptr[prefix.len] != '.' || key.ptr[prefix.len + 1] < '0' ||
        key.ptr[prefix.len + 1] > '9') {
        return SW_NULL_STR;
    }
    return sw_str_make(key.ptr + prefix.len + 1, key.len - prefix.len - 1);
}

static leaf *find_leaves(talk *t, const otlp_attributes *attributes, sw_str prefix, size_t *count)
{
    leaf *leaves = NULL;

    for (int filling = 0; filling < 2; filling++) {
        *count = 0;
        for (size_t i = 0; i < attributes->count; i++) {
            sw_str path = path_below(attributes->items[i].key, prefix);
            if (path.ptr && leaves) {
                leaves[*count] = (leaf){path, &attributes->items[i].value, i};
            }
            *count += path.ptr != NULL;
        }
        if (!leaves && *count > 0) {
            leaves = sw_arena_alloc(t->arena, *count * sizeof *leaves);
        }
        if (!leaves) {
            return NULL;
        }
    }
    return leaves;
}

talk_value talk_gather(talk *t, const otlp_attributes *attributes, sw_str prefix)
{
    size_t count = 0;
    leaf *leaves = find_leaves(t, attributes, prefix, &count);
    gathering g = {.t = t, .leaves = leaves};
    sw_str json = SW_NULL_STR;

    if (!leaves) {
        return TALK_ABSENT;
    }
    qsort(leaves, count, sizeof *leaves, order);
    talk_write_begin(&g.w, t);
    write_tree(&g, 0, count, 0);
    json = talk_write_end(&g.w, t);
    return json.ptr ? talk_parse(t, json) : TALK_ABSENT;
}
