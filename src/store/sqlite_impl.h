/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the SQLite store share. Read sqlite_schema.c first: it says how a record lies in
 * the file. Everything else follows from the descriptors; no record is named outside the join of a
 * message with its body.
 *
 * A store holds one connection for upkeep; each session holds its own, with its own statements and
 * memories. Two memories make the small numbers of the file cheap: `numbers` (text to number, for the
 * writer inside a group) and `names` (number to text, for readers). The second never goes stale,
 * because the number of a row that others refer to is never given to another row (see sqlite_numbers.c).
 */
#ifndef SW_SQLITE_IMPL_H
#define SW_SQLITE_IMPL_H

#include <sqlite3.h>

#include "store/plan.h"

enum {
    SW_LITE_APPLICATION = 0x53744557,         /* "StEW", PRAGMA application_id */
    SW_LITE_MANY = 32,                        /* rows that one statement inserts */
    SW_LITE_HALF = 16,                        /* when there are fewer than that ... */
    SW_LITE_FEW = 4,                          /* ... and for what is left then */
    SW_LITE_SCRATCH = 64 * SW_LIMIT_ID_BYTES, /* bytes: 64 ids of any shape, or 500 of ours */
    SW_LITE_SLOTS = 96,                       /* prepared statements a session keeps */
    SW_LITE_PLACES = 256,                     /* shapes whose statement is found at once */
    SW_LITE_NUMBERS = 8192,   /* of text to number, in pairs: 1 MiB in the write session */
    SW_LITE_NAMES = 2048,     /* slots of number to text: 256 KiB a session */
    SW_LITE_REMEMBERED = 112, /* longest text that is remembered */
    SW_LITE_ROW_BYTES = 4096, /* no record's struct is larger */
    SW_LITE_WORDS = 0xff      /* stands where a record's number does, for the dictionary */
};

/* ---- how a record lies in the file -------------------------------------------------------------- */

/* How a field is kept in its column; follows from its kind. */
typedef enum sw_lite_form {
    SW_LITE_NUMBER, /* an integer as it is */
    SW_LITE_TEXT,   /* text as it is */
    SW_LITE_BYTES,  /* bytes as they are */
    SW_LITE_ID,     /* sw_key: bytes, or text when escaped */
    SW_LITE_HEX,    /* 16 bytes, or text when it is not 32 digits */
    SW_LITE_WORD,   /* number of the word in `words` */
    SW_LITE_REF     /* row number of the parent */
} sw_lite_form;

static inline sw_lite_form sw__lite_form(const sw_field *field)
{
    switch (field->kind) {
    case SW_KIND_ID:
        return field->ref.record_plus_1 ? SW_LITE_REF : SW_LITE_ID;
    case SW_KIND_HEX:
        return SW_LITE_HEX;
    case SW_KIND_WORD:
        return SW_LITE_WORD;
    case SW_KIND_TEXT:
    case SW_KIND_JSON:
    case SW_KIND_TAGS:
        return SW_LITE_TEXT;
    case SW_KIND_BYTES:
        return SW_LITE_BYTES;
    case SW_KIND_ENUM:
    case SW_KIND_BOOL:
    case SW_KIND_INT:
    case SW_KIND_LONG:
    case SW_KIND_TIME:
        return SW_LITE_NUMBER;
    case SW_KIND_COUNT:
        break;
    }
    SW_IMPOSSIBLE("a kind without a form");
}

/* Whether the column's own order is the field's order (sw_field_cmp). A null part of a key is kept as 0 or as no
 * bytes: SQLite's key columns would not compare nulls. */
static inline bool sw__lite_ordered(const sw_field *field)
{
    sw_lite_form form = sw__lite_form(field);
    return form != SW_LITE_WORD && form != SW_LITE_REF && !sw__null_part(field);
}

static inline sw_str sw__lite_home(const sw_field *field)
{
    return field->prefix ? sw_str_from(field->prefix) : SW_STR("");
}

/* The records a schema is made of: the model's, or a test's. */
typedef struct sw_lite_schema {
    const sw_record *records;
    size_t count;
} sw_lite_schema;

/* The column of a field in `<table>_data`; "pk" for a primary field that is its parent's. */
const char *sw__lite_column(const sw_field *field);
/* What PRAGMA user_version says when the file is up to date. */
static inline int sw__lite_version(const sw_lite_schema *schema)
{
    return sw__schema_version(schema->records, schema->count);
}
/* Creates everything, or brings an older file up; one transaction, safe against other processes. */
sw_status sw__lite_migrate(sqlite3 *db, const sw_lite_schema *schema, const sw_allocator *from,
                           const char *path, sw_error *err);
/* Answers NEWER, or INVALID for another program's file. `version` 0: the file is empty. */
sw_status sw__lite_inspect(sqlite3 *db, const sw_lite_schema *schema, const char *path,
                           int *version, sw_error *err);
/* Prints the plain view of a record (sqlite_view.c). */
void sw__lite_print_view(const sw_lite_schema *schema, const sw_record *record, sw_buf *sql);
/* The join that fills the shared fields of message, as text after FROM. */
void sw__lite_join_body(sw_buf *sql);
/* The name of the unique index over the id of an own-id record is its table's name and "_id". */

/* ---- sessions ----------------------------------------------------------------------------------- */

typedef enum sw_lite_verb {
    SW_LITE_FREE,
    SW_LITE_GET,
    SW_LITE_INSERT,
    SW_LITE_INSERT_MANY,
    SW_LITE_ADD_MANY,
    SW_LITE_PUT_MANY,
    SW_LITE_PUT,
    SW_LITE_ADD,
    SW_LITE_UPDATE,
    SW_LITE_REMOVE,
    SW_LITE_SCAN,
    SW_LITE_PK_OF_ID,
    SW_LITE_ID_OF_PK,
    SW_LITE_LAST_PK,
    SW_LITE_CHILD,
    SW_LITE_WORD_FIND,
    SW_LITE_WORD_ADD,
    SW_LITE_WORD_TEXT,
    SW_LITE_BEGIN,
    SW_LITE_BEGIN_IMMEDIATE,
    SW_LITE_COMMIT,
    SW_LITE_DATA_VERSION
} sw_lite_verb;

/* Says what a statement is, so that its text is built only when it is not at hand. Compared as bytes:
 * set it to {0} first. The last members are for scans. */
typedef struct sw_lite_shape {
    uint64_t mask;
    uint8_t verb;
    uint8_t record;
    uint8_t path;
    uint8_t flags;
    uint8_t bound;
    uint8_t range;
    uint8_t after;
    uint8_t after_nulls;
    uint8_t order[SW_KEY_FIELDS];
} sw_lite_shape;
_Static_assert(sizeof(sw_lite_shape) == 24, "no padding: compared as bytes");

/* A value as its column holds it. */
typedef enum sw_lite_is {
    SW_LITE_IS_NULL,
    SW_LITE_IS_INT,
    SW_LITE_IS_TEXT,
    SW_LITE_IS_BLOB,
    SW_LITE_IS_UNKNOWN
} sw_lite_is;
/* What a parameter was last bound to; the number only of an integer. A new statement's are null. */
typedef struct sw_lite_held {
    int64_t number;
    sw_lite_is is;
} sw_lite_held;

typedef struct sw_lite_slot {
    sw_lite_shape shape;
    sqlite3_stmt *stmt;
    sw_lite_held *held; /* by parameter; NULL: it is not kept */
    uint64_t bound;     /* parameters that hold something, where the binder keeps count */
    uint64_t used;      /* when, to find the oldest */
    bool busy;
} sw_lite_slot;

typedef struct sw_lite_number sw_lite_number;
typedef struct sw_lite_name sw_lite_name;
typedef struct sw_lite_log sw_lite_log;

typedef struct sw_lite_store {
    sw_store head;
    sw_allocator allocator;
    char *path;
    bool read_only;
    bool immutable; /* nobody can write beside it: read without the log's index */
    int64_t cache_bytes;
    int64_t reader_cache_bytes;
    int64_t busy_ms;
    sw_table tables[SW_RECORD_COUNT];
    pthread_mutex_t lock; /* of db */
    sqlite3 *db;          /* for upkeep */
    atomic_int wal_pages; /* in the log after the last commit */
} sw_lite_store;

typedef struct sw_lite_value {
    sw_lite_is is;
    int64_t number;
    const void *ptr;
    size_t len;
    sw_key key; /* what ptr shows, for ids and hex */
} sw_lite_value;

typedef struct sw_lite_session {
    sw_session head;
    sw_lite_store *store;
    sqlite3 *db;
    sqlite3_stmt *undo; /* ROLLBACK */
    sw_session_mode mode;
    bool in_group; /* a write group is open: nobody else can write */
    bool asked;    /* data_version is known */
    int64_t data_version;
    uint64_t clock; /* of slot use */
    uint32_t age;   /* of `numbers`: entries of another age are void */
    sw_lite_number *numbers;
    sw_lite_name *names;
    sw_lite_log *log;                          /* of the writer, from its first group on */
    int64_t last_pk[SW_RECORD_COUNT];          /* highest row number ever given; 0: ask */
    sw_lite_value key[SW_KEY_FIELDS];          /* the key of the row that is looked for */
    uint64_t many_columns[SW_RECORD_COUNT];    /* parameters of statements for many rows so far */
    uint16_t last_number[SW_RECORD_COUNT][64]; /* by field: where in `numbers` its last text was */
    uint64_t moved[SW_RECORD_COUNT];           /* counters that anything was added to so far */
    char scratch[SW_LITE_SCRATCH];             /* what the row being bound points to */
    uint8_t places[SW_LITE_PLACES];            /* by shape: which of the slots it had */
    sw_lite_slot slots[SW_LITE_SLOTS];
} sw_lite_session;

static inline const sw_table *sw__lite_table(const sw_lite_session *session, sw_record_id record)
{
    return &session->store->tables[record];
}

sw_status sw__lite_open(const sw_store_options *options, sw_str place, sw_store **out,
                        sw_error *err);
void sw__lite_close(sw_store *store);
/* A connection with the settings all of them share; cache_bytes 0: without them, because setting a cache reads the
 * whole schema. */
sw_status sw__lite_connect(const sw_lite_store *store, bool create, int64_t cache_bytes,
                           sqlite3 **out, sw_error *err);
/* A copy of the whole file, and giving room back (sqlite_upkeep.c). */
sw_status sw__lite_backup(sw_store *store, const char *path, sw_store_progress *progress, void *arg,
                          sw_error *err);
sw_status sw__lite_vacuum(sw_store *store, sw_error *err);
/* The path as a file: URI, with how it is to be opened. */
bool sw__lite_uri(const char *path, const char *how, sw_buf *out);
/* What SQLite says, as a status and a sentence. */
sw_status sw__lite_fail(sqlite3 *db, int rc, const char *doing, sw_error *err);
sw_status sw__lite_exec(sqlite3 *db, const char *sql, const char *doing, sw_error *err);

/* A statement of that shape, reset and not in use; `build` prints its text when it must be prepared. */
typedef void sw_lite_build(const sw_lite_session *session, const void *arg, sw_buf *sql);
sw_status sw__lite_take(sw_lite_session *session, const sw_lite_shape *shape, sw_lite_build *build,
                        const void *arg, sw_lite_slot **out, sw_error *err);
void sw__lite_give(sw_lite_slot *slot);
/* From now on the slot keeps what its parameters hold. */
sw_status sw__lite_hold(const sw_lite_session *session, sw_lite_slot *slot, sw_error *err);
/* Nobody will ask for such statements again. */
void sw__lite_drop(sw_lite_session *session, sw_lite_verb verb, sw_record_id record);
/* Forgets what may be wrong after a rollback, a removal or another process's commit. */
void sw__lite_forget(sw_lite_session *session);

/* ---- the log (sqlite_log.c) --------------------------------------------------------------------- */

/* For a session that writes; NULL: no memory. */
sw_lite_log *sw__lite_log_make(const sw_allocator *from);
/* At the beginning of a write group: what it appends to the log is written in large pieces. */
void sw__lite_log_gather(sw_lite_session *session);
/* At its end: nothing is left, or it is thrown away. */
void sw__lite_log_end(sw_lite_session *session, bool committed);

/* ---- values ------------------------------------------------------------------------------------- */

/* The field's value as its column holds it. A word nobody has used or a parent that does not exist is
 * UNKNOWN; with `add` an unknown word enters the dictionary. The value points into the row and into
 * itself. */
sw_status sw__lite_encode(sw_lite_session *session, const sw_field *field, const void *row,
                          bool add, sw_lite_value *out, sw_error *err);
void sw__lite_bind(sqlite3_stmt *stmt, int at, const sw_lite_value *value);

/* What has no place in the row itself: ids and digits in their stored form. */
typedef struct sw_lite_scratch {
    char *at;
    size_t left;
} sw_lite_scratch;
typedef enum sw_lite_fit {
    SW_LITE_BOUND,
    SW_LITE_UNKNOWN, /* a parent that does not exist, an id too long for a key: nothing is bound */
    SW_LITE_NO_ROOM  /* in the scratch: nothing is bound */
} sw_lite_fit;
/* Encodes and binds field i at once; an unknown word enters the dictionary. What is bound points into the
 * row and the scratch. */
sw_status sw__lite_bind_field(sw_lite_session *session, const sw_table *table, size_t i,
                              const void *row, const sw_lite_slot *slot, int at,
                              sw_lite_scratch *scratch, sw_lite_fit *fit, sw_error *err);
/* The columns from `at` on into these fields. With `borrow`, text and bytes stay the statement's; ids and words are
 * always the arena's. */
sw_status sw__lite_read(sw_lite_session *session, const sw_table *table, uint64_t fields,
                        sqlite3_stmt *stmt, int at, bool borrow, sw_arena *arena, void *row,
                        sw_error *err);
/* Column `at` holds an id that mostly has the prefix `home`. */
sw_status sw__lite_read_id(sqlite3_stmt *stmt, int at, sw_str home, sw_arena *arena, sw_str *out,
                           sw_error *err);

/* Long values, compressed (sqlite_pack.c). `packed` false: bind it as it is. */
sw_status sw__lite_pack(sqlite3_stmt *stmt, int at, sw_str value, bool is_text, bool *packed,
                        sw_error *err);
bool sw__lite_is_packed(sqlite3_stmt *stmt, int at, bool is_text);
sw_status sw__lite_unpack(sqlite3_stmt *stmt, int at, sw_arena *arena, sw_str *out, sw_error *err);

/* ---- numbers ------------------------------------------------------------------------------------ */

/* The number of a word; 0 when it has none and none was to be added. */
sw_status sw__lite_word(sw_lite_session *session, sw_str word, bool add, int64_t *out,
                        sw_error *err);
/* The number of the text of field i, which holds words or refers; 0: none. A new word gets one. */
sw_status sw__lite_look_up(sw_lite_session *session, const sw_table *table, size_t i, sw_str text,
                           int64_t *number, sw_error *err);
/* The text of a word's or a parent's number (`of`: record, or SW_LITE_WORDS), in the arena. */
sw_status sw__lite_name(sw_lite_session *session, uint8_t of, int64_t number, sw_arena *arena,
                        sw_str *out, sw_error *err);
/* The row number of the record with that id; 0: none. */
sw_status sw__lite_pk(sw_lite_session *session, sw_record_id record, sw_str id, int64_t *pk,
                      sw_error *err);
/* A new row has taken its number: later references find it in memory. */
void sw__lite_remember_pk(sw_lite_session *session, sw_record_id record, sw_str id, int64_t pk);

/* The number the next row of the record will have. */
sw_status sw__lite_next_pk(sw_lite_session *session, sw_record_id record, int64_t *pk,
                           sw_error *err);

/* ---- keys --------------------------------------------------------------------------------------- */

/* " WHERE t.a = ?1 AND t.b = ?2": the key, from parameter `first` on. */
void sw__lite_where_key(const sw_table *table, int first, sw_buf *sql);
/* Binds the key from parameter `first` on. `there` is false when a word, a parent or an id of the key
 * cannot be in the file, so neither can the row. */
sw_status sw__lite_bind_key(sw_lite_session *session, const sw_table *table, sqlite3_stmt *stmt,
                            int first, const void *row, bool *there, sw_error *err);
/* OK or NOT_FOUND. */
sw_status sw__lite_find(sw_lite_session *session, sw_record_id record, const void *key,
                        sw_error *err);

/* ---- verbs -------------------------------------------------------------------------------------- */

sw_status sw__lite_get(sw_session *session, sw_record_id record, const void *key, sw_arena *arena,
                       void *out, sw_error *err);
sw_status sw__lite_insert(sw_session *session, sw_record_id record, const void *row, sw_error *err);
sw_status sw__lite_insert_many(sw_session *session, sw_record_id record, const void *const *rows,
                               size_t count, bool *existed, sw_error *err);
sw_status sw__lite_update(sw_session *session, sw_record_id record, const void *row, uint64_t mask,
                          sw_error *err);
sw_status sw__lite_add(sw_session *session, sw_record_id record, const void *row, sw_error *err);
sw_status sw__lite_add_many(sw_session *session, sw_record_id record, const void *const *rows,
                            size_t count, sw_error *err);
sw_status sw__lite_put(sw_session *session, sw_record_id record, const void *row, sw_error *err);
sw_status sw__lite_put_many(sw_session *session, sw_record_id record, const void *const *rows,
                            size_t count, sw_error *err);
sw_status sw__lite_remove(sw_session *session, sw_record_id record, const void *key, sw_error *err);
sw_status sw__lite_scan(sw_session *session, const sw_scan *scan, sw_visit *visit, void *arg,
                        sw_scan_end *end, sw_error *err);
/* What the statement of a plan is, and its text (sqlite_plan_sql.c). For `late`, `asking` and `counting` the last
 * parameter is the number of rows at the most. */
sw_lite_shape sw__lite_walk_shape(const sw_plan *plan);
void sw__lite_walk_print(const sw_lite_session *session, const void *plan, sw_buf *sql);
sw_status sw__lite_count(sw_session *session, sw_record_id record, int64_t *out, sw_error *err);
sw_status sw__lite_check(sw_session *session, sw_fault *fault, void *arg, sw_error *err);

#endif
