/* SPDX-License-Identifier: Apache-2.0 */
/* Sorted trees of rows that never change: an insert or a removal gives a new tree that shares with the
 * old one all but the path to the change. Knows records only through the order it compares by.
 *
 * Functions named make and balance consume the subtrees they are given; all others lend. Counts are
 * atomic because a reader may drop the last handle of an old tree in any thread.
 */
#include "store/memory.h"

/* ---- rows and orders ---------------------------------------------------------------------------- */

sw_mem_row *sw__mem_row_take(const sw_allocator *from, void *clone)
{
    sw_mem_row *row = clone ? sw_alloc(from, sizeof(*row)) : NULL;
    if (!row) {
        sw_free(from, clone);
        return NULL;
    }
    atomic_init(&row->refs, 1);
    row->row = clone;
    return row;
}

void sw__mem_row_drop(const sw_allocator *from, sw_mem_row *row)
{
    if (row && atomic_fetch_sub(&row->refs, 1) == 1) {
        sw_free(from, row->row);
        sw_free(from, row);
    }
}

void sw__mem_order_add(sw_mem_order *order, const uint8_t *fields, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (order->count == 0 || !memchr(order->fields, fields[i], order->count)) {
            sw_assert(order->count < SW_MEM_ORDER_FIELDS);
            order->fields[order->count++] = fields[i];
        }
    }
}

void sw__mem_order_add_key(sw_mem_order *order)
{
    for (size_t i = 0; i < order->record->field_count; i++) {
        if (sw__field_is_key(&order->record->fields[i])) {
            sw__mem_order_add(order, (const uint8_t[]){(uint8_t)i}, 1);
        }
    }
}

int sw__mem_order_cmp(const sw_mem_order *order, size_t count, const void *a, const void *b)
{
    for (size_t i = 0; i < count; i++) {
        int c = sw_field_cmp(&order->record->fields[order->fields[i]], a, b);
        if (c != 0) {
            return c;
        }
    }
    return 0;
}

static int compare(const sw_mem_order *order, const void *a, const void *b)
{
    return sw__mem_order_cmp(order, order->count, a, b);
}

/* ---- nodes -------------------------------------------------------------------------------------- */

sw_mem_node *sw__mem_tree_share(sw_mem_node *tree)
{
    if (tree) {
        atomic_fetch_add(&tree->refs, 1);
    }
    return tree;
}

void sw__mem_tree_drop(const sw_allocator *from, sw_mem_node *tree)
{
    if (tree && atomic_fetch_sub(&tree->refs, 1) == 1) {
        sw__mem_tree_drop(from, tree->left);
        sw__mem_tree_drop(from, tree->right);
        sw__mem_row_drop(from, tree->row);
        sw_free(from, tree);
    }
}

static int height(const sw_mem_node *tree)
{
    return tree ? tree->height : 0;
}

static sw_mem_node *make(sw_mem_build *build, sw_mem_node *left, sw_mem_row *row,
                         sw_mem_node *right)
{
    sw_mem_node *node = build->failed ? NULL : sw_alloc(build->from, sizeof(*node));
    if (!node) {
        build->failed = true;
        sw__mem_tree_drop(build->from, left);
        sw__mem_tree_drop(build->from, right);
        return NULL;
    }
    int taller = height(left) > height(right) ? height(left) : height(right);
    atomic_init(&node->refs, 1);
    atomic_fetch_add(&row->refs, 1);
    node->left = left;
    node->right = right;
    node->row = row;
    node->height = taller + 1;
    return node;
}

/* The left side is too tall by one: its own left side, or the middle of the two, becomes the root. */
static sw_mem_node *lean_right(sw_mem_build *build, sw_mem_node *left, sw_mem_row *row,
                               sw_mem_node *right)
{
    sw_mem_node *root = NULL;
    if (height(left->left) >= height(left->right)) {
        sw_mem_node *low = make(build, sw__mem_tree_share(left->right), row, right);
        root = make(build, sw__mem_tree_share(left->left), left->row, low);
    } else {
        sw_mem_node *middle = left->right;
        sw_mem_node *a = make(build, sw__mem_tree_share(left->left), left->row,
                              sw__mem_tree_share(middle->left));
        sw_mem_node *b = make(build, sw__mem_tree_share(middle->right), row, right);
        root = make(build, a, middle->row, b);
    }
    sw__mem_tree_drop(build->from, left);
    return root;
}

static sw_mem_node *lean_left(sw_mem_build *build, sw_mem_node *left, sw_mem_row *row,
                              sw_mem_node *right)
{
    sw_mem_node *root = NULL;
    if (height(right->right) >= height(right->left)) {
        sw_mem_node *low = make(build, left, row, sw__mem_tree_share(right->left));
        root = make(build, low, right->row, sw__mem_tree_share(right->right));
    } else {
        sw_mem_node *middle = right->left;
        sw_mem_node *a = make(build, left, row, sw__mem_tree_share(middle->left));
        sw_mem_node *b = make(build, sw__mem_tree_share(middle->right), right->row,
                              sw__mem_tree_share(right->right));
        root = make(build, a, middle->row, b);
    }
    sw__mem_tree_drop(build->from, right);
    return root;
}

/* A tree of two whose heights differ by two at most. */
static sw_mem_node *balance(sw_mem_build *build, sw_mem_node *left, sw_mem_row *row,
                            sw_mem_node *right)
{
    if (!build->failed && height(left) > height(right) + 1) {
        return lean_right(build, left, row, right);
    }
    if (!build->failed && height(right) > height(left) + 1) {
        return lean_left(build, left, row, right);
    }
    return make(build, left, row, right);
}

/* ---- changes ------------------------------------------------------------------------------------ */

sw_mem_node *sw__mem_tree_insert(sw_mem_build *build, sw_mem_node *tree, sw_mem_row *row)
{
    if (!tree) {
        return make(build, NULL, row, NULL);
    }
    int c = compare(build->order, row->row, tree->row->row);
    if (c < 0) {
        sw_mem_node *left = sw__mem_tree_insert(build, tree->left, row);
        return balance(build, left, tree->row, sw__mem_tree_share(tree->right));
    }
    if (c > 0) {
        sw_mem_node *right = sw__mem_tree_insert(build, tree->right, row);
        return balance(build, sw__mem_tree_share(tree->left), tree->row, right);
    }
    return make(build, sw__mem_tree_share(tree->left), row, sw__mem_tree_share(tree->right));
}

/* The tree without its first row, which `first` lends. */
static sw_mem_node *without_first(sw_mem_build *build, sw_mem_node *tree, sw_mem_row **first)
{
    if (!tree->left) {
        *first = tree->row;
        return sw__mem_tree_share(tree->right);
    }
    sw_mem_node *left = without_first(build, tree->left, first);
    return balance(build, left, tree->row, sw__mem_tree_share(tree->right));
}

static sw_mem_node *without_root(sw_mem_build *build, sw_mem_node *tree)
{
    if (!tree->right) {
        return sw__mem_tree_share(tree->left);
    }
    sw_mem_row *first = NULL;
    sw_mem_node *right = without_first(build, tree->right, &first);
    return balance(build, sw__mem_tree_share(tree->left), first, right);
}

sw_mem_node *sw__mem_tree_remove(sw_mem_build *build, sw_mem_node *tree, const void *row)
{
    sw_assert(tree);
    int c = compare(build->order, row, tree->row->row);
    if (c < 0) {
        sw_mem_node *left = sw__mem_tree_remove(build, tree->left, row);
        return balance(build, left, tree->row, sw__mem_tree_share(tree->right));
    }
    if (c > 0) {
        sw_mem_node *right = sw__mem_tree_remove(build, tree->right, row);
        return balance(build, sw__mem_tree_share(tree->left), tree->row, right);
    }
    return without_root(build, tree);
}

/* ---- finding ------------------------------------------------------------------------------------ */

sw_mem_row *sw__mem_tree_find(const sw_mem_order *order, const sw_mem_node *tree, const void *row)
{
    while (tree) {
        int c = compare(order, row, tree->row->row);
        if (c == 0) {
            return tree->row;
        }
        tree = c < 0 ? tree->left : tree->right;
    }
    return NULL;
}

static void push(sw_mem_walk *walk, const sw_mem_node *node)
{
    sw_assert(walk->depth < SW_MEM_HEIGHT);
    walk->path[walk->depth++] = node;
}

void sw__mem_walk_start(sw_mem_walk *walk, const sw_mem_node *tree, bool descending,
                        sw_mem_skip *skip, const void *arg)
{
    walk->depth = 0;
    walk->descending = descending;
    while (tree) {
        if (skip(arg, tree->row->row)) {
            tree = descending ? tree->left : tree->right;
        } else {
            push(walk, tree);
            tree = descending ? tree->right : tree->left;
        }
    }
}

sw_mem_row *sw__mem_walk_next(sw_mem_walk *walk)
{
    if (walk->depth == 0) {
        return NULL;
    }
    const sw_mem_node *node = walk->path[--walk->depth];
    const sw_mem_node *next = walk->descending ? node->left : node->right;
    while (next) {
        push(walk, next);
        next = walk->descending ? next->right : next->left;
    }
    return node->row;
}
