/* SPDX-License-Identifier: Apache-2.0 */
/* The descriptors of every record, and the plain functions that walk them. Everything that has to know
 * a record's fields (DDL, JSON, CSV, documentation, validation, both stores) is such a walk; nobody
 * lists fields twice. Knows the base, does no I/O, allocates only in arenas it is given.
 */
#ifndef SW_MODEL_H
#define SW_MODEL_H

#include "base/base.h"
#include "stepwell/query.h"

typedef enum sw_kind {
#define SW_KIND(NAME, CTYPE, JSON, FORMAT, SQLITE, PG, CH, DOC) SW_KIND_##NAME,
#include "model/kinds.def"
#undef SW_KIND
    SW_KIND_COUNT
} sw_kind;

typedef struct sw_kind_info {
    const char *name;
    const char *json_type;
    const char *json_format;
    const char *sqlite_type;
    const char *postgres_type;
    const char *clickhouse_type;
    const char *doc;
} sw_kind_info;
extern const sw_kind_info sw__kinds[SW_KIND_COUNT];

/* Closed lists of words (enums.def). */
typedef enum sw_enum_id {
    SW_ENUM_none,
#define SW_ENUM_BEGIN(LIST, DOC) SW_ENUM_##LIST,
#define SW_ENUM(LIST, UPPER, NAME, WORD, DOC)
#define SW_ENUM_END(LIST)
#include "model/enums.def"
#undef SW_ENUM_BEGIN
#undef SW_ENUM
#undef SW_ENUM_END
    SW_ENUM_COUNT
} sw_enum_id;

typedef struct sw_enum_info {
    const char *name;
    const char *doc;
    const char *const *words;
    const char *const *docs;
    size_t count;
} sw_enum_info;
extern const sw_enum_info sw__enums[SW_ENUM_COUNT];

/* The word of a value, or NULL when it is out of range; and the other way round, -1 when unknown. */
const char *sw_enum_word(sw_enum_id list, int64_t value);
int sw_enum_find(sw_enum_id list, sw_str word);

/* Flags of a field. */
enum {
    SW_NOT_NULL = 1 << 0,
    SW_PRIMARY = 1 << 1,    /* the record's id; with .ref the record shares its parent's id */
    SW_KEY_PART = 1 << 2,   /* one of several fields that are the key together, in order */
    SW_OURS = 1 << 3,       /* not in V1 */
    SW_HIDDEN = 1 << 4,     /* not in JSON, CSV and schema */
    SW_SECRET = 1 << 5,     /* written, never handed out: reads as null */
    SW_KEEP = 1 << 6,       /* cannot change after creation */
    SW_ZONELESS = 1 << 7,   /* a time that V1 prints without zone */
    SW_PREVIEW = 1 << 8,    /* at most SW_LIMIT_PREVIEW_CHARS characters */
    SW_COUNTER = 1 << 9,    /* moved by sw_store_add only */
    SW_SHARED = 1 << 10,    /* of message: lives in message_body */
    SW_LONG_TEXT = 1 << 11, /* TEXT up to SW_LIMIT_JSON_BYTES */
    SW_ARRAY = 1 << 12,     /* a JSON field that holds an array, not an object */
    SW_LATE = 1 << 13,      /* of step: may be set while it is pending, and by its end */
    SW_ANYTIME = 1 << 14,   /* of step: may be set also when it has ended */
    SW_PACKED = 1 << 15     /* may be long: a store may keep it compressed */
};

typedef enum sw_on_delete { SW_RESTRICT, SW_SET_NULL, SW_CASCADE } sw_on_delete;

/* A reference: .record is the parent's sw_record_id + 1, so that 0 is no reference. */
typedef struct sw_ref {
    uint8_t record_plus_1;
    sw_on_delete on_delete;
} sw_ref;

typedef struct sw_field {
    sw_kind kind;
    const char *name; /* of the C member and the JSON member */
    const char *doc;
    size_t offset;      /* in the record's struct */
    const char *column; /* the SQL name where it differs, else NULL; see sw_field_column */
    const char
        *postgres; /* V1's type of the column in PostgreSQL where it is not the kind's, else NULL */
    const char *prefix;   /* of an ID */
    const char *prefix2;  /* also accepted */
    const char *fallback; /* the default as text, else NULL */
    const char *unit;
    sw_enum_id words; /* of an ENUM */
    sw_ref ref;
    uint32_t flags;
    uint8_t json;     /* place in V1's JSON; 0: after all of V1's, in declaration order */
    uint8_t since;    /* schema version that added it; 0: the first */
    uint8_t name_len; /* of name, filled by the row itself */
} sw_field;

enum { SW_INDEX_FIELDS = 6 };
typedef struct sw_index {
    const char *name;
    uint8_t fields[SW_INDEX_FIELDS];
    uint8_t count;
    uint8_t present; /* holds only rows in which this field is not null; 0: no such condition */
    uint8_t only;    /* holds only rows in which this ENUM field equals only_value; 0: no */
    uint8_t only_value;
    bool unique;
    uint8_t since;
} sw_index;

/* When a relation loads (as in Letta V1): never, with an error when it is asked for unloaded; never,
 * and reads as empty; together with its owner; on first touch.
 */
typedef enum sw_load { SW_LOAD_RAISE, SW_LOAD_NOLOAD, SW_LOAD_SELECTIN, SW_LOAD_SELECT } sw_load;
enum { SW_CASCADE_SAVE = 1, SW_CASCADE_DELETE = 2, SW_CASCADE_ORPHAN = 4 };

typedef struct sw_relation {
    const char *name;
    uint8_t record; /* the other record */
    uint8_t field;  /* of this record: holds the other's id; or our id, with .via */
    uint8_t via;    /* of the other record: holds our id (when field is our primary field) */
    sw_load load;
    bool many;
    uint8_t cascade;
    const char *back;    /* the relation of the other record that points back, or NULL */
    uint8_t shown_after; /* V1's API shows it behind this field, always empty; 0: not at all */
    const char *doc;
} sw_relation;

typedef struct sw_record {
    const char *name;   /* "step" */
    const char *table;  /* "steps" */
    const char *prefix; /* of ids, or "" */
    bool is_public;     /* has a view, a JSON form and a page in the reference */
    const char *doc;
    size_t size; /* of the struct */
    const sw_field *fields;
    size_t field_count;
    const sw_index *indexes;
    size_t index_count;
    const sw_relation *relations;
    size_t relation_count;
    uint64_t texts; /* bit i: field i is held as sw_str, else as sw_int */
} sw_record;

/* By sw_record_id (stepwell/facts.h). */
extern const sw_record sw__records[SW_RECORD_COUNT];
/* By sw_record_id: the fields of kind JSON or TAGS, as a mask. */
extern const uint64_t sw__json_fields[SW_RECORD_COUNT];

static inline const sw_record *sw_record_of(sw_record_id id)
{
    sw_assert((unsigned)id < SW_RECORD_COUNT);
    return &sw__records[id];
}

/* ---- walking ------------------------------------------------------------------------------------ */

/* How a field is held in C: sw_str or sw_int. */
static inline bool sw_kind_is_text(sw_kind kind)
{
    return kind <= SW_KIND_BYTES;
}

static inline sw_str *sw_field_str(const sw_field *field, void *row)
{
    return (sw_str *)(void *)((char *)row + field->offset);
}

static inline sw_int *sw_field_int(const sw_field *field, void *row)
{
    return (sw_int *)(void *)((char *)row + field->offset);
}

static inline sw_str sw_field_text(const sw_field *field, const void *row)
{
    return *(const sw_str *)(const void *)((const char *)row + field->offset);
}

static inline sw_int sw_field_number(const sw_field *field, const void *row)
{
    return *(const sw_int *)(const void *)((const char *)row + field->offset);
}

static inline bool sw_field_is_null(const sw_field *field, const void *row)
{
    return sw_kind_is_text(field->kind) ? !sw_field_text(field, row).ptr
                                        : !sw_field_number(field, row).known;
}

const char *sw_field_column(const sw_field *field);
void sw_field_clear(const sw_field *field, void *row);
static inline bool sw_field_equal(const sw_field *field, const void *a, const void *b)
{
    return sw_kind_is_text(field->kind)
               ? sw_str_eq(sw_field_text(field, a), sw_field_text(field, b))
               : sw_int_eq(sw_field_number(field, a), sw_field_number(field, b));
}
/* Order of one field: null first, ids by sw_key (base.h), text by bytes, numbers by value. */
int sw_field_cmp(const sw_field *field, const void *a, const void *b);
void sw_field_copy(const sw_field *field, void *to, const void *from); /* borrowed, not deep */
/* The index of the field with that name, or -1. */
int sw_record_field(const sw_record *record, sw_str name);
/* The primary field's index, or -1 for records whose key has several parts. */
int sw_record_primary(const sw_record *record);
/* The record with that name or table name, or -1. */
int sw_record_find(sw_str name);

/* A deep copy into the arena; false when it has no memory. */
bool sw_row_copy(const sw_record *record, void *to, const void *from, sw_arena *arena);
/* A deep copy in one block: the struct first, then its text. Free with sw_free. NULL: no memory. */
void *sw_row_clone(const sw_record *record, const void *row, const sw_allocator *from);
bool sw_row_equal(const sw_record *record, const void *a, const void *b);
/* Compares the key: the primary field, or the key parts in order. */
int sw_row_cmp_key(const sw_record *record, const void *a, const void *b);
/* Fills every null field that has a fallback. Fallbacks are static text. */
void sw_row_defaults(const sw_record *record, void *row);
/* A value from its text form (as in fallbacks, CSV and the command line). Text is borrowed. */
sw_status sw_field_parse(const sw_field *field, void *row, sw_str text, sw_error *err);

/* Checks one field / every field against the model: null where it must not be, id shape, ranges, text
 * and JSON bounds and validity, no NUL, preview length. `path` prefixes the field's name in the error
 * (e.g. "steps[3]."; may be "").
 */
sw_status sw_field_check(const sw_field *field, const void *row, const char *path, sw_error *err);
sw_status sw_row_check(const sw_record *record, const void *row, const char *path, sw_error *err);

/* Bit i of a mask is field i. */
#define SW_MASK(FIELD) (UINT64_C(1) << (FIELD))
#define SW_MASK_ALL UINT64_MAX
/* The fields that are not null. Most of a row mostly is, so whoever walks a row in the hot path walks the
 * bits of this mask: a descriptor fills two cache lines. */
uint64_t sw_row_mask(const sw_record *record, const void *row);

/* ---- conditions: one way to say "which rows", for both stores ------------------------------------ */

/* Whether the row satisfies the condition. */
bool sw_condition_holds(const sw_record *record, const sw_condition *condition, const void *row);
/* Whether a stored TAGS value (valid JSON without white space) holds the tag. */
bool sw_tags_have(sw_str tags, sw_str tag);

#endif
