/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the PostgreSQL store share. Read postgres_schema.c first: it says how a record lies in the
 * database. Everything else follows from the descriptors; no record is named outside the join of a message
 * with its body.
 *
 * A session is a connection, always in libpq's pipeline mode: a verb that needs no answer is sent and not waited for,
 * one that needs an answer waits for all that was sent before it. What fails without being waited for breaks the group
 * at the next answer, at the latest when it commits. Values travel in binary, so that a row is never printed.
 */
#ifndef SW_POSTGRES_IMPL_H
#define SW_POSTGRES_IMPL_H

#include "store/plan.h"
#include "store/postgres_library.h"

enum {
    SW_PG_PARAMETERS = 80, /* of one statement: a row's fields, or its counters and its key */
    SW_PG_SLOTS = 192,     /* prepared statements a session keeps */
    SW_PG_KNOWN = 4096,    /* parents a group remembers to have seen */
    SW_PG_ROWS_MOST = 2000 /* rows of one statement */
};

/* The types of values as the protocol names them; they are the same in every PostgreSQL. */
enum {
    SW_PG_OID_BOOL = 16,
    SW_PG_OID_BYTEA = 17,
    SW_PG_OID_INT8 = 20,
    SW_PG_OID_INT4 = 23,
    SW_PG_OID_TEXT = 25,
    SW_PG_OID_JSON = 114,
    SW_PG_OID_TIMESTAMP = 1114,
    SW_PG_OID_TIMESTAMPTZ = 1184
};

/* How a field lies in its column; follows from its kind and from what V1 made of it. */
typedef enum sw_pg_form {
    SW_PG_TEXT,
    SW_PG_JSON,
    SW_PG_BYTES,
    SW_PG_INT4,
    SW_PG_INT8,
    SW_PG_BOOL,
    SW_PG_TIME,
    SW_PG_LOCAL_TIME, /* without zone: V1's, and UTC */
    SW_PG_WORD,       /* an ENUM as its word */
    SW_PG_LABEL       /* an ENUM as a label of a type of V1's: the word in capitals */
} sw_pg_form;

sw_pg_form sw__pg_form(const sw_field *field);
/* The declared type of the column. */
const char *sw__pg_type(const sw_field *field);

typedef struct sw_pg_store {
    sw_store head;
    sw_allocator allocator;
    char *url;
    char place[384]; /* host, port and database, for people; never a password */
    int64_t busy_ms;
    bool read_only;
    bool must_exist;
    bool adopting;         /* may write although an adoption is not finished */
    bool adopted;          /* Letta V1's tables, with rows of its own (postgres_adopted.c) */
    sw_record run_metrics; /* with the columns it has beside V1's there */
    sw_field run_metrics_fields[64];
    sw_table tables[SW_RECORD_COUNT];
} sw_pg_store;

/* ---- statements (postgres_statement.c) ---------------------------------------------------------- */

typedef enum sw_pg_verb {
    SW_PG_FREE,
    SW_PG_GET,
    SW_PG_GET_MANY,
    SW_PG_INSERT,
    SW_PG_INSERT_MANY,
    SW_PG_ADD,
    SW_PG_ADD_MANY,
    SW_PG_PUT,
    SW_PG_PUT_MANY,
    SW_PG_UPDATE,
    SW_PG_UPDATE_MANY,
    SW_PG_REMOVE,
    SW_PG_SCAN,
    SW_PG_PARENTS,
    SW_PG_TAKEN,
    SW_PG_CONTROL /* record: a sw_pg_control */
} sw_pg_verb;

typedef enum sw_pg_control {
    SW_PG_BEGIN_WRITE,
    SW_PG_BEGIN_READ,
    SW_PG_COMMIT,
    SW_PG_ROLLBACK,
    SW_PG_NEXT_VERSION,
    SW_PG_VERSION,
    SW_PG_RING,
    SW_PG_SAVE,
    SW_PG_RELEASE,
    SW_PG_CONTROLS
} sw_pg_control;

/* Says what a statement is, so that its text is built only when it is not prepared. Compared as bytes: set it to
 * {0} first. The last members are for scans. */
typedef struct sw_pg_shape {
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
} sw_pg_shape;
_Static_assert(sizeof(sw_pg_shape) == 24, "no padding: compared as bytes");

typedef struct sw_pg_slot {
    sw_pg_shape shape;
    uint32_t name;
    bool proven; /* the server has said that it is prepared */
    uint64_t used;
} sw_pg_slot;

/* Parameters, in binary. What is bound points into the row, or into `small`. */
typedef struct sw_pg_values {
    int count;
    const char *at[SW_PG_PARAMETERS];
    int len[SW_PG_PARAMETERS];
    int format[SW_PG_PARAMETERS]; /* binary, all of them */
    Oid type[SW_PG_PARAMETERS];
    char small[SW_PG_PARAMETERS][16];
} sw_pg_values;

typedef struct sw_pg_session {
    sw_session head;
    sw_pg_store *store;
    PGconn *conn; /* NULL: never connected, or given up */
    sw_session_mode mode;
    bool in_transaction;
    bool listens;     /* for the bell */
    bool synced;      /* a Sync is the last thing that was sent */
    unsigned pending; /* commands whose answers were not read */
    uint32_t names;   /* of statements so far */
    uint32_t cursors;
    uint64_t clock;                    /* of slot use */
    int64_t version;                   /* of the last group of this session; -1: none */
    int64_t next;                      /* of the group that is open */
    int64_t writer;                    /* who this is, at random */
    int64_t tried_ms;                  /* when connecting failed last, monotonic */
    int64_t pause_ms;                  /* and how long to leave it alone */
    uint64_t columns[SW_RECORD_COUNT]; /* of statements for many rows so far */
    sw_arena arena;                    /* of one verb */
    sw_pg_values values;
    uint64_t known[SW_PG_KNOWN];
    sw_pg_slot slots[SW_PG_SLOTS];
} sw_pg_session;

static inline sw_pg_session *sw__pg(sw_session *session)
{
    return (sw_pg_session *)(void *)session;
}

static inline const sw_table *sw__pg_table(const sw_pg_session *session, sw_record_id record)
{
    return &session->store->tables[record];
}

typedef void sw_pg_build(const sw_table *table, const void *arg, sw_buf *sql);
/* Sends the statement of that shape with session->values, preparing it when it is not. Its answer is still to be
 * read. */
sw_status sw__pg_send(sw_pg_session *session, const sw_pg_shape *shape, sw_pg_build *build,
                      const void *arg, sw_error *err);
/* The same for a text that is used once; NULL: without parameters. */
sw_status sw__pg_send_text(sw_pg_session *session, const char *sql, const sw_pg_values *values,
                           sw_error *err);
sw_status sw__pg_control(sw_pg_session *session, sw_pg_control what, sw_error *err);
/* Reads all answers; the last one is the caller's to PQclear (NULL: not wanted). Not OK: none is. */
sw_status sw__pg_receive(sw_pg_session *session, PGresult **last, sw_error *err);
/* Ends what stands outside a transaction: to be called before sw__pg_receive. */
sw_status sw__pg_sync(sw_pg_session *session, sw_error *err);
/* Send and receive, with the Sync that a statement outside a transaction needs. */
sw_status sw__pg_ask(sw_pg_session *session, const sw_pg_shape *shape, sw_pg_build *build,
                     const void *arg, PGresult **out, sw_error *err);
/* As ask, inside a group, for a statement that may break a rule of the database without losing the group: then OK, and
 * `out` is what the server says (PGRES_FATAL_ERROR). */
sw_status sw__pg_ask_guarded(sw_pg_session *session, const sw_pg_shape *shape, sw_pg_build *build,
                             const void *arg, PGresult **out, sw_error *err);
/* Nothing is prepared and nothing is known: the connection is new, or gone. */
void sw__pg_forget_all(sw_pg_session *session);

/* ---- connections (postgres_open.c) -------------------------------------------------------------- */

sw_status sw__pg_open(const sw_store_options *options, sw_str place, sw_store **out, sw_error *err);
/* The store of a URL without a look at the database. */
sw_status sw__pg_make(const sw_store_options *options, sw_str place, sw_pg_store **out,
                      sw_error *err);
void sw__pg_close(sw_store *store);
sw_status sw__pg_info(sw_store *store, sw_store_info *out, sw_error *err);
sw_status sw__pg_settle(sw_store *store, sw_error *err);
/* Host, port and database of a URL, without what must not be shown; INVALID: it is none. */
sw_status sw__pg_name_place(const char *url, char *place, size_t size, sw_error *err);
/* A connection as it comes, good or not (NULL: no memory), and why it is not good. */
PGconn *sw__pg_dial(const char *url);
sw_status sw__pg_not_connected(PGconn *conn, const char *place, sw_error *err);
/* A connection with the settings all of them share. */
sw_status sw__pg_connect(const sw_pg_store *store, sw_session_mode mode, PGconn **out,
                         sw_error *err);
/* The session has a connection that was not lost, making a new one where it must and may. */
sw_status sw__pg_connected(sw_pg_session *session, sw_error *err);
/* What the server, or the lack of it, says, as a status and a sentence. `result` may be NULL. */
sw_status sw__pg_fail(PGconn *conn, const PGresult *result, const char *doing, sw_error *err);
/* Whether a rule between rows was broken: a unique value, a reference. */
bool sw__pg_broke_rule(const PGresult *result);

/* ---- the schema (postgres_schema.c) ------------------------------------------------------------- */

sw_status sw__pg_migrate(sw_pg_store *store, PGconn *conn, sw_error *err);
/* One statement, or several, answered at once; `out` may be NULL. */
sw_status sw__pg_run(PGconn *conn, const char *sql, const char *doing, PGresult **out,
                     sw_error *err);
/* What a new database begins with; then the pieces that records are made of. */
void sw__pg_print_basics(sw_buf *sql);
void sw__pg_print_types(const sw_record *record, sw_buf *sql);
void sw__pg_print_table(const sw_table *table, sw_buf *sql);
void sw__pg_print_declaration(const sw_field *field, sw_buf *sql);
/* `how` stands behind INDEX (CONCURRENTLY ...), `before` before its name. */
void sw__pg_print_index(const sw_table *table, const sw_index *index, const char *how,
                        const char *before, sw_buf *sql);
void sw__pg_print_column(const char *alias, const sw_field *field, sw_buf *sql);
/* What stands for a field in keys and indexes: `open` and `close` around the column or the parameter. */
typedef struct sw_pg_term {
    const char *open, *close;
} sw_pg_term;
sw_pg_term sw__pg_term(const sw_field *field);
/* The key, as a list of terms. */
void sw__pg_print_key(const sw_table *table, sw_buf *sql);
/* The join that fills the shared fields of message, as text after FROM. */
void sw__pg_print_body_join(sw_buf *sql);
/* Column i as it is selected, from the message's body where it is shared. */
void sw__pg_print_selected(const sw_table *table, size_t i, sw_buf *sql);

/* ---- a database that was V1's (postgres_adopted.c) ----------------------------------------------- */

/* Before the names of our indexes on V1's tables, where V1 has indexes of the same names. */
#define SW_PG_ADOPTED "stepwell_"
/* The store is on such a database: its tables are to be read by V1's rules as well. */
void sw__pg_adopted(sw_pg_store *store);
/* Whether V1 has a table of that record. */
bool sw__pg_is_v1(size_t record);
/* A column as it is selected where V1's rows may say nothing, or say it in other words. */
void sw__pg_print_adopted(const sw_table *table, size_t i, sw_buf *sql);
/* What such a column is ordered by, where it is not the column itself; NULL: it is. */
const char *sw__pg_adopted_order(const sw_table *table, size_t i);
/* JSON of others, without white space, in its place; null when it says null. */
sw_str sw__pg_adopted_json(const sw_field *field, char *bytes, size_t len);
/* The value of a word that is not in the list; unknown: null. */
sw_int sw__pg_adopted_word(const sw_field *field, sw_str word);

/* ---- values (postgres_codec.c) ------------------------------------------------------------------ */

/* The next parameter: field i of the row. */
void sw__pg_bind_field(sw_pg_values *values, const sw_table *table, size_t i, const void *row);
/* The next parameter: a value that field i is compared with; `place`: in the form of its order. */
void sw__pg_bind_value(sw_pg_values *values, const sw_table *table, size_t i, const sw_value *value,
                       bool place);
void sw__pg_bind_null(sw_pg_values *values, Oid type);
void sw__pg_bind_long(sw_pg_values *values, int64_t number);
void sw__pg_bind_text(sw_pg_values *values, sw_str text);
/* The next parameter: column i of many rows as an array in the arena; false: no memory. */
bool sw__pg_bind_array(sw_pg_values *values, const sw_table *table, size_t i,
                       const void *const *rows, size_t count, sw_arena *arena);
/* An array of texts. */
bool sw__pg_bind_texts(sw_pg_values *values, const sw_str *texts, size_t count, sw_arena *arena);
/* "$3", with the cast that its column needs. */
void sw__pg_print_parameter(const sw_field *field, int number, sw_buf *sql);
/* The cast that a text needs to go into the column, where it needs one. */
void sw__pg_print_cast(const sw_field *field, sw_buf *sql);
/* The name of the type of an array of such values. */
const char *sw__pg_array_type(const sw_field *field);
/* Field i from an answer. With a NULL arena text stays the answer's. */
sw_status sw__pg_read(const sw_table *table, size_t i, const PGresult *from, int line, int column,
                      sw_arena *arena, void *row, sw_error *err);
int64_t sw__pg_read_long(const PGresult *from, int line, int column);

/* ---- parents (postgres_parents.c) --------------------------------------------------------------- */

/* The parents that the fields of `mask` name are there: OK, or INVALID with the field's name. */
sw_status sw__pg_parents(sw_pg_session *session, const sw_table *table, const void *row,
                         uint64_t mask, sw_error *err);
/* The same for many rows; `lacks` (or NULL) is true for rows that lack one, and then all is OK. */
sw_status sw__pg_parents_many(sw_pg_session *session, const sw_table *table,
                              const void *const *rows, size_t count, bool *lacks, sw_error *err);
void sw__pg_know(sw_pg_session *session, const sw_table *table, const void *row);
void sw__pg_forget_parents(sw_pg_session *session);

/* ---- verbs -------------------------------------------------------------------------------------- */

/* " WHERE t.a = $1 AND ...", from parameter `first` on. */
void sw__pg_print_where(const sw_table *table, const uint8_t *fields, size_t count, int first,
                        sw_buf *sql);
/* The same of the key, and the parameters for it. */
void sw__pg_bind_key(sw_pg_values *values, const sw_table *table, const void *key);
void sw__pg_print_where_key(const sw_table *table, int first, sw_buf *sql);

/* The columns of the mask, with commas between. */
void sw__pg_print_columns(const sw_table *table, uint64_t mask, sw_buf *sql);
/* What follows an INSERT whose rows may be there: counters are added to, or all is replaced. */
void sw__pg_print_add(const sw_table *table, uint64_t counters, sw_buf *sql);
void sw__pg_print_replace(const sw_table *table, sw_buf *sql);

sw_status sw__pg_get(sw_session *session, sw_record_id record, const void *key, sw_arena *arena,
                     void *out, sw_error *err);
sw_status sw__pg_insert(sw_session *session, sw_record_id record, const void *row, sw_error *err);
sw_status sw__pg_insert_many(sw_session *session, sw_record_id record, const void *const *rows,
                             size_t count, bool *existed, sw_error *err);
sw_status sw__pg_update(sw_session *session, sw_record_id record, const void *row, uint64_t mask,
                        sw_error *err);
sw_status sw__pg_get_many(sw_session *session, sw_record_id record, const sw_str *ids, size_t count,
                          uint64_t fields, sw_visit *visit, void *arg, sw_error *err);
sw_status sw__pg_update_many(sw_session *session, sw_record_id record, const void *const *rows,
                             size_t count, uint64_t mask, sw_error *err);
sw_status sw__pg_add(sw_session *session, sw_record_id record, const void *row, sw_error *err);
sw_status sw__pg_add_many(sw_session *session, sw_record_id record, const void *const *rows,
                          size_t count, sw_error *err);
sw_status sw__pg_put(sw_session *session, sw_record_id record, const void *row, sw_error *err);
sw_status sw__pg_put_many(sw_session *session, sw_record_id record, const void *const *rows,
                          size_t count, sw_error *err);
sw_status sw__pg_remove(sw_session *session, sw_record_id record, const void *key, sw_error *err);
sw_status sw__pg_scan(sw_session *session, const sw_scan *scan, sw_visit *visit, void *arg,
                      sw_scan_end *end, sw_error *err);
sw_status sw__pg_count(sw_session *session, sw_record_id record, int64_t *out, sw_error *err);
sw_status sw__pg_check(sw_session *session, sw_fault *fault, void *arg, sw_error *err);

/* What a scan's statement is, and its text (postgres_plan_sql.c). The last parameter is the number of rows at the
 * most; with `whole` there is none, and all rows come. */
sw_pg_shape sw__pg_walk_shape(const sw_plan *plan);
void sw__pg_walk_print(const sw_plan *plan, bool whole, sw_buf *sql);
/* Inside a transaction; `own`: it was begun for the caller, who ends it. */
sw_status sw__pg_snapshot(sw_pg_session *session, bool *own, sw_error *err);
void sw__pg_snapshot_end(sw_pg_session *session, bool own, bool failed);

#endif
