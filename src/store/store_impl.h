/* SPDX-License-Identifier: Apache-2.0 */
/* What the back ends of the store share among themselves, and nobody else may see: the table of verbs
 * that each of them fills, and the common head of a store and of a session.
 *
 * store.c checks what is the same for all (modes, groups, keys, what must not be null), keeps the head,
 * and forwards. A back end may therefore rely on it: a write verb arrives inside a begun group of a
 * write session, outside any visit, with its key present and no null where the model forbids it.
 */
#ifndef SW_STORE_IMPL_H
#define SW_STORE_IMPL_H

#include <stdatomic.h>

#include "store/store.h"

/* One function for each verb of store.h, with the same meaning and the same answers. */
typedef struct sw_store_ops {
    const char *scheme; /* of the URL, without the colon */
    bool is_far;        /* a verb on one row is a trip to another process */

    /* `place` is what follows the colon; options->allocator and busy_ms are filled in. The back end
     * allocates its own struct, whose first member is a struct sw_store; store.c fills that head. */
    sw_status (*open)(const sw_store_options *options, sw_str place, sw_store **out, sw_error *err);
    void (*close)(sw_store *store);
    sw_status (*info)(sw_store *store, sw_store_info *out, sw_error *err);
    sw_status (*tidy)(sw_store *store, sw_error *err);
    /* NULL: nothing to do */
    sw_status (*settle)(sw_store *store, sw_error *err);
    /* NULL: UNSUPPORTED */
    sw_status (*backup)(sw_store *store, const char *path, sw_store_progress *progress, void *arg,
                        sw_error *err);
    sw_status (*vacuum)(sw_store *store, sw_error *err);

    /* As open: the session's first member is a struct sw_session, filled by store.c after it. */
    sw_status (*session_open)(sw_store *store, sw_session_mode mode, sw_session **out,
                              sw_error *err);
    void (*session_close)(sw_session *session);

    sw_status (*begin)(sw_session *session, bool *changed, sw_error *err); /* changed is not NULL */
    sw_status (*commit)(sw_session *session, sw_error *err);
    void (*rollback)(sw_session *session);
    sw_status (*version)(sw_session *session, uint64_t *out, sw_error *err);
    sw_status (*wait)(sw_session *session, int64_t ms, bool *rung,
                      sw_error *err); /* NULL: UNSUPPORTED */

    sw_status (*get)(sw_session *session, sw_record_id record, const void *key, sw_arena *arena,
                     void *out, sw_error *err);
    /* NULL: one by one. count is not 0 */
    sw_status (*get_many)(sw_session *session, sw_record_id record, const sw_str *ids, size_t count,
                          uint64_t fields, sw_visit *visit, void *arg, sw_error *err);
    sw_status (*insert)(sw_session *session, sw_record_id record, const void *row, sw_error *err);
    /* NULL: one by one. existed is all false; count is not 0 */
    sw_status (*insert_many)(sw_session *session, sw_record_id record, const void *const *rows,
                             size_t count, bool *existed, sw_error *err);
    sw_status (*update)(sw_session *session, sw_record_id record, const void *row, uint64_t mask,
                        sw_error *err); /* mask: never empty, no key, no shared field */
    /* NULL: one by one. count is not 0 */
    sw_status (*update_many)(sw_session *session, sw_record_id record, const void *const *rows,
                             size_t count, uint64_t mask, sw_error *err);
    sw_status (*add)(sw_session *session, sw_record_id record, const void *row, sw_error *err);
    /* NULL: one by one. count is not 0 */
    sw_status (*add_many)(sw_session *session, sw_record_id record, const void *const *rows,
                          size_t count, sw_error *err);
    sw_status (*put)(sw_session *session, sw_record_id record, const void *row, sw_error *err);
    /* NULL: one by one. count is not 0 */
    sw_status (*put_many)(sw_session *session, sw_record_id record, const void *const *rows,
                          size_t count, sw_error *err);
    sw_status (*remove)(sw_session *session, sw_record_id record, const void *key, sw_error *err);
    sw_status (*scan)(sw_session *session, const sw_scan *scan, sw_visit *visit, void *arg,
                      sw_scan_end *end, sw_error *err); /* end is not NULL and zeroed */
    /* NULL: by walking them */
    sw_status (*count)(sw_session *session, sw_record_id record, int64_t *out, sw_error *err);
    /* NULL where nothing but the verbs above can touch the rows. */
    sw_status (*check)(sw_session *session, sw_fault *fault, void *arg, sw_error *err);
} sw_store_ops;

extern const sw_store_ops sw__memory_store;
extern const sw_store_ops sw__sqlite_store;
/* Where libpq is there. */
extern const sw_store_ops sw__postgres_store;
extern const sw_store_ops sw__postgresql_store;

struct sw_store {
    const sw_store_ops *ops;
    sw_allocator allocator; /* a copy: outlives what the caller gave */
    bool read_only;
    atomic_int sessions;
    atomic_bool has_writer;
};

struct sw_session {
    sw_store *store;
    sw_session_mode mode;
    bool begun;
    sw_status broken; /* the failure that made the group unusable, or OK */
    int visiting;     /* scans under way: a visit must not write */
};

/* ---- small walks that both back ends need ------------------------------------------------------- */

/* How a record's key looks; told from its fields. */
typedef enum sw_shape { SW_SHAPE_OWN_ID, SW_SHAPE_SHARED_ID, SW_SHAPE_KEY_PARTS } sw_shape;
sw_shape sw__record_shape(const sw_record *record);
static inline bool sw__field_is_key(const sw_field *field)
{
    return (field->flags & (SW_PRIMARY | SW_KEY_PART)) != 0;
}
/* Bit i is set when field i is part of the key / counts / lives in message_body. */
uint64_t sw__record_key_mask(const sw_record *record);
uint64_t sw__record_counter_mask(const sw_record *record);
uint64_t sw__record_shared_mask(const sw_record *record);

#endif
