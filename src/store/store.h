/* SPDX-License-Identifier: Apache-2.0 */
/* The one interface to a store. A store keeps rows of records, finds them in an order, and makes a group
 * of changes durable at once. It decides nothing about steps: which change is allowed is the ledger's
 * business. Behind it stand memory, SQLite and PostgreSQL; ClickHouse fits without a change here
 * (docs/decisions/0002-store-interface.md says for each verb how).
 *
 * A store is shared by threads; a session belongs to one thread at a time. One write session per
 * process is enough (and all that is allowed); read sessions are many and never wait for the writer.
 * Other processes may use the same store: a write group holds the store's write lock from begin to
 * commit.
 *
 * Records come in three shapes, told apart by their fields: with an id of their own (SW_PRIMARY), with
 * their parent's id (SW_PRIMARY and .ref), with a key of several parts (SW_KEY_PART). Null parts of a
 * key are a value like any other.
 *
 * References (.ref): an insert or update that names a parent which does not exist answers
 * SW_STATUS_INVALID with the field's name and changes nothing. Deleting follows the declared rule:
 * RESTRICT answers SW_STATUS_RESTRICTED and changes nothing, SET NULL and CASCADE are carried out, deeply.
 *
 * The fields flagged SW_SHARED of message are not written by insert and update of message; get and scan
 * of message fill them from message_body by (organization_id, body_hash).
 */
#ifndef SW_STORE_H
#define SW_STORE_H

#include "model/model.h"

typedef struct sw_store sw_store;
typedef struct sw_session sw_session;

typedef struct sw_store_options {
    sw_str url;                    /* "memory:", "sqlite:PATH", "postgres://HOST/DATABASE" */
    const sw_allocator *allocator; /* NULL: libc */
    int64_t cache_bytes;           /* page cache of the writer; 0: the store's default */
    int64_t reader_cache_bytes;    /* page cache of each reader; 0: the store's default */
    bool read_only;                /* refuse every write; the file must exist */
    bool must_exist;               /* do not create the file */
    int64_t busy_ms;               /* longest wait for another process; 0: SW_LIMIT_BUSY_MS */
    bool adopting;                 /* write also where an adoption is not finished (adopt.h) */
} sw_store_options;

/* Opens, creating or migrating the schema as needed. SW_STATUS_NEWER: the file is from a newer version. */
sw_status sw_store_open(const sw_store_options *options, sw_store **out,
                        sw_error *err) SW_MUST_CHECK;
/* Closes; every session must be closed before. NULL is fine; clears the caller's variable. */
void sw_store_close(sw_store **store);
/* What the store is, for people: kind, path, version, sizes. */
typedef struct sw_store_info {
    char kind[16];
    char path[512];
    int schema_version;
    int64_t file_bytes; /* with its write-ahead log; 0 in memory */
    int64_t page_bytes;
    int64_t free_bytes; /* inside the file */
} sw_store_info;
sw_status sw_store_info_get(sw_store *store, sw_store_info *out, sw_error *err);
/* WATCH: is asked for its version and nothing else, and so need not know what is in the store. */
typedef enum sw_session_mode {
    SW_SESSION_READ,
    SW_SESSION_WRITE,
    SW_SESSION_WATCH
} sw_session_mode;

sw_status sw_session_open(sw_store *store, sw_session_mode mode, sw_session **out,
                          sw_error *err) SW_MUST_CHECK;
void sw_session_close(sw_session **session);

/* ---- groups ------------------------------------------------------------------------------------- */

/* WRITE: takes the store's write lock; `changed` (may be NULL) says whether anyone else has committed
 * since this session's last group, so that what was remembered must be read again (true the first
 * time). READ: pins a snapshot for several reads. A read without begin sees the newest commit.
 */
sw_status sw_session_begin(sw_session *session, bool *changed, sw_error *err) SW_MUST_CHECK;
/* WRITE: durable when it returns OK; on any other answer nothing of the group was kept and the session
 * is ready for the next begin. READ: lets the snapshot go.
 */
sw_status sw_session_commit(sw_session *session, sw_error *err) SW_MUST_CHECK;
void sw_session_rollback(sw_session *session);
/* A cheap number that differs whenever another process or session has committed since it was last
 * asked of this session; for waiting readers. */
sw_status sw_session_version(sw_session *session, uint64_t *out, sw_error *err);
/* WATCH: sleeps until somebody has committed (*rung) or so many milliseconds have passed, whichever comes first.
 * UNSUPPORTED, at once: the store has no bell, its version must be asked now and then. The first wait
 * of a session rings by itself where there is a bell, for what came before; whoever waited once goes on. Nothing is
 * promised of a bell: it may ring for nothing, and after a failure it may have rung unheard. */
sw_status sw_session_wait(sw_session *session, int64_t ms, bool *rung, sw_error *err);

/* ---- rows --------------------------------------------------------------------------------------- */

/* A failed verb (anything but OK, EXISTS, NOT_FOUND, INVALID, RESTRICTED) leaves the group unusable:
 * roll it back.
 */

/* The row whose key fields equal those of `key` (a row struct of which only the key is read). Text
 * lives in the arena. SW_STATUS_NOT_FOUND without touching err's text when there is none.
 */
sw_status sw_store_get(sw_session *session, sw_record_id record, const void *key, sw_arena *arena,
                       void *out, sw_error *err) SW_MUST_CHECK;
/* SW_STATUS_EXISTS when the key, or a unique index (err names it), is taken; nothing changed then. */
sw_status sw_store_insert(sw_session *session, sw_record_id record, const void *row,
                          sw_error *err) SW_MUST_CHECK;
/* Inserts `count` rows of one record; existed[i] says that row i found its key taken and was not
 * inserted. Rows before and after it are. Anything but OK: some rows may be in, roll the group back. */
sw_status sw_store_insert_many(sw_session *session, sw_record_id record, const void *const *rows,
                               size_t count, bool *existed, sw_error *err) SW_MUST_CHECK;
/* Sets the fields of `mask` in the row with row's key. NOT_FOUND, EXISTS (unique index), INVALID. */
sw_status sw_store_update(sw_session *session, sw_record_id record, const void *row, uint64_t mask,
                          sw_error *err) SW_MUST_CHECK;
/* The same for `count` rows of one record with an id, whose mask names nothing that is unique and no parent; a row
 * that is not there is passed over. Anything but OK: some may be changed, roll the group back. */
sw_status sw_store_update_many(sw_session *session, sw_record_id record, const void *const *rows,
                               size_t count, uint64_t mask, sw_error *err) SW_MUST_CHECK;
/* Adds row's counters (SW_COUNTER; null adds nothing) to the row with row's key; where there is none,
 * a record with key parts is inserted whole, one with an id answers NOT_FOUND.
 */
sw_status sw_store_add(sw_session *session, sw_record_id record, const void *row,
                       sw_error *err) SW_MUST_CHECK;
/* The same for `count` rows of one record, which name every counter. A row with an id that is not there is
 * passed over. Anything but OK: some rows may be in, roll the group back. */
sw_status sw_store_add_many(sw_session *session, sw_record_id record, const void *const *rows,
                            size_t count, sw_error *err) SW_MUST_CHECK;
/* Inserts, or replaces the whole row with that key (records with key parts only). */
sw_status sw_store_put(sw_session *session, sw_record_id record, const void *row,
                       sw_error *err) SW_MUST_CHECK;
/* The same for `count` rows of one record. Anything but OK: some may be in, roll the group back. */
sw_status sw_store_put_many(sw_session *session, sw_record_id record, const void *const *rows,
                            size_t count, sw_error *err) SW_MUST_CHECK;
/* NOT_FOUND, RESTRICTED (err names the record that refers to it). */
sw_status sw_store_remove(sw_session *session, sw_record_id record, const void *key,
                          sw_error *err) SW_MUST_CHECK;

/* ---- scans -------------------------------------------------------------------------------------- */

/* What to do with a row that a scan shows. */
typedef enum sw_seen { SW_SEEN_COUNT, SW_SEEN_SKIP, SW_SEEN_STOP } sw_seen;
/* The row and its text are the scan's and live until the visit returns. The visit may call sw_store_get
 * and start other scans on the same session, but not write.
 */
typedef sw_seen sw_visit(void *arg, const void *row);

enum { SW_ORDER_FIELDS = 4 };
typedef struct sw_scan {
    sw_record_id record;
    const sw_condition *conditions; /* all must hold */
    size_t condition_count;
    /* The order: these fields, all in the same direction. 0 fields: by key. The order should be total,
     * and is then the same in every store. A declared index that ends in these fields and whose other
     * fields are bound by EQ is walked; otherwise the rows are sorted. */
    uint8_t order[SW_ORDER_FIELDS];
    uint8_t order_count;
    bool descending;
    bool unordered; /* any order will do: no order fields, no `after`, no `place` */
    /* Begin strictly after the place of this row in the order (its order fields are read); or NULL. */
    const void *after;
    uint64_t fields;    /* of the row that the visit will read; 0: all */
    int64_t limit;      /* rows that were COUNTed; 0: all */
    int64_t look_limit; /* rows that may be looked at; 0: all */
    /* Rows that may be put in order before the first is shown, where the index that knows the conditions
     * best does not give the order; 0: all. If there are more, an index that gives the order is walked
     * instead; where there is none, nothing is shown, and `unsorted` says why. */
    int64_t sort_limit;
    /* Where a search that gave up can go on: when not NULL, the row struct `place` receives the order
     * fields of the last row looked at (text in place_arena, which must outlive the scan). */
    void *place;
    sw_arena *place_arena;
} sw_scan;

typedef struct sw_scan_end {
    int64_t counted;
    int64_t looked; /* rows examined, matching or not */
    bool exhausted; /* false: limit, look_limit, sort_limit or STOP ended it */
    bool unsorted;  /* sort_limit: there is no place to go on from */
} sw_scan_end;

sw_status sw_store_scan(sw_session *session, const sw_scan *scan, sw_visit *visit, void *arg,
                        sw_scan_end *end, sw_error *err) SW_MUST_CHECK;

/* How many rows of the record there are. */
sw_status sw_store_count(sw_session *session, sw_record_id record, int64_t *out,
                         sw_error *err) SW_MUST_CHECK;

/* Shows those of the rows with these ids that are there, in no order; `fields` as in a scan, 0: all. An id that is
 * given twice may be shown twice. */
sw_status sw_store_get_many(sw_session *session, sw_record_id record, const sw_str *ids,
                            size_t count, uint64_t fields, sw_visit *visit, void *arg,
                            sw_error *err) SW_MUST_CHECK;

/* ---- upkeep ------------------------------------------------------------------------------------- */

/* Tells `fault` of everything that no write through this interface can have caused: references to rows
 * that are not there, rows and indexes that disagree, damaged pages. `where` names table and row.
 */
typedef void sw_fault(void *arg, const char *where, const char *what);
sw_status sw_store_check(sw_session *session, sw_fault *fault, void *arg,
                         sw_error *err) SW_MUST_CHECK;

/* Copies everything, as of one moment, into a new file that another store of this kind can open; others read
 * and write meanwhile. CONFLICT: the file is there already. UNSUPPORTED: the store has no file. On any answer but OK
 * there is no file. `progress` may be NULL. */
typedef void sw_store_progress(void *arg, int64_t done, int64_t total);
sw_status sw_store_backup(sw_store *store, const char *path, sw_store_progress *progress, void *arg,
                          sw_error *err) SW_MUST_CHECK;
/* Gives the room of what was removed back, and forgets texts that no row uses any more. Writers wait until it is
 * done (BUSY for those that wait too long). UNSUPPORTED: there is nothing to give back. */
sw_status sw_store_vacuum(sw_store *store, sw_error *err) SW_MUST_CHECK;

/* For a program to say before anything else: nobody but us uses the libraries of the stores. SQLite then does not
 * count its memory, a lock around each allocation; a library must not decide that. */
void sw_store_own_process(void);
/* After very many rows were written at once: what the store counts on when it chooses a way to rows is made to fit. */
sw_status sw_store_settle(sw_store *store, sw_error *err);
/* Called by the owner of the write session while it is idle: checkpoints, statistics. Cheap when there
 * is nothing to do. */
sw_status sw_store_tidy(sw_store *store, sw_error *err);

#endif
