/* SPDX-License-Identifier: Apache-2.0 */
/* The memory store's own header: trees of rows, the state they make up, and the walk over it.
 *
 * The idea: nothing that a reader can see ever changes. A row, once stored, is never written again. A
 * tree is made of nodes that are never written again; to insert is to make a new path from a new root
 * and to share all else. A state is the roots of all trees. So a snapshot is a pointer, a group is a
 * private state, commit is an assignment, rollback forgets, and a change that runs out of memory half
 * way has changed nothing. Readers wait for nobody.
 */
#ifndef SW_STORE_MEMORY_H
#define SW_STORE_MEMORY_H

#include "store/store_impl.h"

/* ---- trees (memory_tree.c) ---------------------------------------------------------------------- */

/* A stored row, shared by the trees that hold it. */
typedef struct sw_mem_row {
    atomic_size_t refs;
    void *row; /* of sw_row_clone */
} sw_mem_row;

/* Gives a clone its count of one; takes the clone also when it fails. NULL: no memory. */
sw_mem_row *sw__mem_row_take(const sw_allocator *from, void *clone);
void sw__mem_row_drop(const sw_allocator *from, sw_mem_row *row);

/* What a tree is sorted by: fields in order, the record's key last, so that no two rows are equal. */
enum { SW_MEM_ORDER_FIELDS = 12 };
typedef struct sw_mem_order {
    const sw_record *record;
    const sw_index *unique; /* the unique index it serves, or NULL */
    uint8_t fields[SW_MEM_ORDER_FIELDS];
    size_t count;
} sw_mem_order;

/* Adds the fields that are not there yet. */
void sw__mem_order_add(sw_mem_order *order, const uint8_t *fields, size_t count);
void sw__mem_order_add_key(sw_mem_order *order);
/* Compares by the first `count` fields. */
int sw__mem_order_cmp(const sw_mem_order *order, size_t count, const void *a, const void *b);

/* A node of a balanced tree (AVL). NULL is the empty tree. */
typedef struct sw_mem_node {
    atomic_size_t refs;
    struct sw_mem_node *left;
    struct sw_mem_node *right;
    sw_mem_row *row;
    int height;
} sw_mem_node;

/* How trees are made. Sticky: after the first failed allocation, trees come out wrong but may still be
 * passed on and dropped; whoever uses one asks `failed` first.
 */
typedef struct sw_mem_build {
    const sw_allocator *from;
    const sw_mem_order *order;
    bool failed;
} sw_mem_build;

sw_mem_node *sw__mem_tree_share(sw_mem_node *tree);
void sw__mem_tree_drop(const sw_allocator *from, sw_mem_node *tree);
/* A new tree with the row in it, in the place of its equal if there is one; the old one stays. */
sw_mem_node *sw__mem_tree_insert(sw_mem_build *build, sw_mem_node *tree, sw_mem_row *row);
/* A new tree without the row that equals `row`, which must be there; the old one stays. */
sw_mem_node *sw__mem_tree_remove(sw_mem_build *build, sw_mem_node *tree, const void *row);
/* The row that equals `row` in the tree's order, or NULL. */
sw_mem_row *sw__mem_tree_find(const sw_mem_order *order, const sw_mem_node *tree, const void *row);

/* A walk in order. `skip` says of a row whether it lies before the beginning; rows for which it does
 * come first in the walk's direction.
 */
enum { SW_MEM_HEIGHT = 96 }; /* AVL trees of 2^64 rows are lower */
typedef struct sw_mem_walk {
    const sw_mem_node *path[SW_MEM_HEIGHT];
    size_t depth;
    bool descending;
} sw_mem_walk;
typedef bool sw_mem_skip(const void *arg, const void *row);

void sw__mem_walk_start(sw_mem_walk *walk, const sw_mem_node *tree, bool descending,
                        sw_mem_skip *skip, const void *arg);
sw_mem_row *sw__mem_walk_next(sw_mem_walk *walk); /* NULL: the end */

/* ---- states (memory_state.c) -------------------------------------------------------------------- */

/* The trees of a record: by key; by created_at, the order of every list; one for each unique index. */
enum { SW_MEM_ORDERS = 6, SW_MEM_ROW_SIZE = 2048 };

typedef struct sw_mem_state {
    atomic_size_t refs;
    uint64_t version; /* of the commit that made it */
    sw_mem_node *trees[SW_RECORD_COUNT][SW_MEM_ORDERS];
} sw_mem_state;

typedef struct sw_mem_store {
    sw_store head;
    pthread_mutex_t lock; /* guards the pointer `now`, nothing else */
    sw_mem_state *now;    /* the last commit */
    sw_mem_order orders[SW_RECORD_COUNT][SW_MEM_ORDERS];
    size_t order_count[SW_RECORD_COUNT];
} sw_mem_store;

typedef struct sw_mem_session {
    sw_session head;
    sw_mem_state *state; /* what it sees: the group's own, a pinned one, or NULL: the newest */
    uint64_t begun_at;   /* version at the end of the last group */
    bool had_group;
} sw_mem_session;

/* A row struct of any record, zeroed, to look something up with. */
typedef struct sw_mem_probe {
    _Alignas(max_align_t) char row[SW_MEM_ROW_SIZE];
} sw_mem_probe;
void sw__mem_probe_id(sw_mem_probe *probe, const sw_record *record, sw_str id);

void sw__mem_orders_init(sw_mem_store *store);
/* A state with the same trees, count one. NULL: no memory. `like` NULL: an empty one. */
sw_mem_state *sw__mem_state_copy(const sw_allocator *from, const sw_mem_state *like);
void sw__mem_state_drop(const sw_allocator *from, sw_mem_state *state);
/* The row with that key, or NULL. */
const void *sw__mem_state_find(const sw_mem_store *store, const sw_mem_state *state,
                               sw_record_id record, const void *key);
/* The unique index in which another row than that of the same key has the row's values, or NULL. */
const sw_index *sw__mem_state_taken(const sw_mem_store *store, const sw_mem_state *state,
                                    sw_record_id record, const void *row);
/* Replaces one row of a private state: `old` (NULL: none) goes, a copy of `row` (NULL: none) comes.
 * False: no memory, and the state is as it was.
 */
bool sw__mem_state_change(const sw_mem_store *store, sw_mem_state *state, sw_record_id record,
                          const void *old, const void *row);

/* ---- references (memory_refs.c) ----------------------------------------------------------------- */

/* INVALID with the field's name when a reference among the fields of `mask` names nothing. */
sw_status sw__mem_refs_check(const sw_mem_store *store, const sw_mem_state *state,
                             sw_record_id record, const void *row, uint64_t mask, sw_error *err);
/* Takes the row, which is in both states, out of `next` by the declared rules; `state` is as it was
 * before the call. On failure `next` is to be dropped.
 */
sw_status sw__mem_refs_remove(const sw_mem_store *store, const sw_mem_state *state,
                              sw_mem_state *next, sw_record_id record, const void *row,
                              sw_error *err);

/* ---- reading (memory_scan.c) -------------------------------------------------------------------- */

/* A walk over the rows of a tree between the bounds that the conditions put on the order's fields. The
 * conditions themselves are for the caller to test; the walk merely leaves out rows that cannot
 * satisfy them. With `after`, it begins behind the place of that row in `after_order`.
 */
typedef struct sw_mem_cursor {
    const sw_mem_order *order;
    const sw_condition *conditions;
    size_t condition_count;
    bool descending;
    const sw_mem_order *after_order;
    const void *after;
    sw_mem_walk walk;
} sw_mem_cursor;

/* The fields before `walk` are filled in. */
void sw__mem_cursor_start(sw_mem_cursor *cursor, const sw_mem_node *tree);
const void *sw__mem_cursor_next(sw_mem_cursor *cursor); /* NULL: the end */
/* The tree in which most fields are bound by EQ from the first one on. */
size_t sw__mem_best_order(const sw_mem_store *store, sw_record_id record,
                          const sw_condition *conditions, size_t count);

/* A message with its body: fills the shared fields of `row`, a struct copy of a stored row. */
void sw__mem_fill_shared(const sw_mem_store *store, const sw_mem_state *state, sw_record_id record,
                         void *row);
sw_status sw__mem_scan(const sw_mem_store *store, const sw_mem_state *state, const sw_scan *scan,
                       sw_visit *visit, void *arg, sw_scan_end *end, sw_error *err);

#endif
