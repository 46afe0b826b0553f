/* SPDX-License-Identifier: Apache-2.0 */
/* The rows of model/ as the generator sees them: everything by name, no offsets and no C structs, because
 * the header that declares those structs is what the generator prints. Knows the .def files and nothing
 * of the library.
 */
#ifndef SW_GEN_ROWS_H
#define SW_GEN_ROWS_H

#include <stdbool.h>
#include <stddef.h>

/* ---- the words that rows may use ---------------------------------------------------------------- */

/* Closed lists (enums.def): SW_ENUM_step_status names a list, SW_STEP_STATUS_FAILED a word of it. */
enum {
    SW_ENUM_none,
#define SW_ENUM_BEGIN(LIST, DOC) SW_ENUM_##LIST,
#define SW_ENUM(LIST, UPPER, NAME, WORD, DOC)
#define SW_ENUM_END(LIST)
#include "model/enums.def"
#undef SW_ENUM_BEGIN
#undef SW_ENUM
#undef SW_ENUM_END
    SW_ENUM_COUNT
};

/* clang-format off */
#define SW_ENUM_BEGIN(LIST, DOC) enum {
#define SW_ENUM(LIST, UPPER, NAME, WORD, DOC) SW_##UPPER##_##NAME,
#define SW_ENUM_END(LIST) gen_##LIST##_count };
#include "model/enums.def"
#undef SW_ENUM_BEGIN
#undef SW_ENUM
#undef SW_ENUM_END
/* clang-format on */

typedef enum gen_kind_id {
#define SW_KIND(NAME, CTYPE, JSON, FORMAT, SQLITE, PG, CH, DOC) GEN_KIND_##NAME,
#include "model/kinds.def"
#undef SW_KIND
    GEN_KIND_COUNT
} gen_kind_id;

/* What these mean is said in src/model/model.h; only the names must agree. */
enum {
    SW_NOT_NULL = 1 << 0,
    SW_PRIMARY = 1 << 1,
    SW_KEY_PART = 1 << 2,
    SW_OURS = 1 << 3,
    SW_HIDDEN = 1 << 4,
    SW_SECRET = 1 << 5,
    SW_KEEP = 1 << 6,
    SW_ZONELESS = 1 << 7,
    SW_PREVIEW = 1 << 8,
    SW_COUNTER = 1 << 9,
    SW_SHARED = 1 << 10,
    SW_LONG_TEXT = 1 << 11,
    SW_ARRAY = 1 << 12,
    SW_LATE = 1 << 13,
    SW_ANYTIME = 1 << 14,
    SW_PACKED = 1 << 15
};
typedef enum gen_load { SW_LOAD_RAISE, SW_LOAD_NOLOAD, SW_LOAD_SELECTIN, SW_LOAD_SELECT } gen_load;
enum { SW_CASCADE_SAVE = 1, SW_CASCADE_DELETE = 2, SW_CASCADE_ORPHAN = 4 };
enum { SW_INTERNAL, SW_PUBLIC };

/* ---- the rows ----------------------------------------------------------------------------------- */

typedef struct gen_kind {
    const char *name;
    const char *c_type;
    const char *json_type;
    const char *json_format;
    const char *sqlite_type;
    const char *postgres_type;
    const char *clickhouse_type;
    const char *doc;
} gen_kind;

typedef struct gen_word {
    const char *name; /* NULL ends the list */
    const char *word;
    const char *doc;
} gen_word;

typedef struct gen_enum {
    const char *name;
    const char *doc;
    const gen_word *words;
    size_t count;
} gen_enum;

typedef struct gen_status {
    const char *name;
    int number;
    int http;
    int exit_code;
    bool retryable;
    const char *message;
    const char *doc;
} gen_status;

typedef struct gen_limit {
    const char *name;
    long long value;
    const char *unit;
    const char *reason;
} gen_limit;

typedef struct gen_ref {
    const char *record; /* NULL: no reference */
    const char *rule;   /* RESTRICT, SET_NULL, CASCADE */
} gen_ref;

typedef struct gen_field {
    gen_kind_id kind;
    const char *name; /* NULL ends the list */
    const char *doc;
    const char *column;
    const char *postgres;
    const char *prefix;
    const char *prefix2;
    const char *fallback;
    const char *unit;
    int words;
    gen_ref ref;
    unsigned flags;
    int json;
    int since;
} gen_field;

enum { GEN_INDEX_FIELDS = 6 };
typedef struct gen_index {
    const char *name; /* NULL ends the list */
    const char *fields[GEN_INDEX_FIELDS];
    int count;
    const char *present;
    const char *only;
    int only_value;
    bool unique;
    int since;
} gen_index;

typedef struct gen_relation {
    const char *name; /* NULL ends the list */
    const char *record;
    const char *field;
    int via; /* number of a field of the other record; only with `many` or a child's shared id */
    gen_load load;
    bool many;
    int cascade;
    const char *back;
    const char *shown_after;
    const char *doc;
} gen_relation;

typedef struct gen_record {
    const char *name;
    const char *upper;
    const char *table;
    const char *prefix;
    bool is_public;
    const char *doc;
    const gen_field *fields;
    size_t field_count;
    const gen_index *indexes;
    const gen_relation *relations;
} gen_record;

extern const gen_kind gen_kinds[GEN_KIND_COUNT];
extern const gen_enum gen_enums[SW_ENUM_COUNT]; /* the first is no list */
extern const gen_status gen_statuses[];
extern const size_t gen_status_count;
extern const gen_limit gen_limits[];
extern const size_t gen_limit_count;
/* The sums that every rollup carries (totals.def), ended by a row without name. */
extern const gen_field gen_totals[];
extern const gen_record gen_records[];
extern const size_t gen_record_count;

const gen_record *gen_record_find(const char *name);
/* V1's records have identifiers with a prefix; none of Stepwell's own has. */
bool gen_is_v1(const gen_record *record);
long long gen_limit_find(const char *name);
/* Whether the field shows in JSON, CSV and schema. */
bool gen_field_shows(const gen_field *field);

/* Fills `order` with the numbers of the fields that show, in JSON order; returns how many. */
size_t gen_json_order(const gen_record *record, size_t *order);
enum { GEN_FIELDS_MAX = 64 };

/* Says what is wrong with the rows and returns false; the compiler has found the rest by then. */
bool gen_rows_check(void);

#endif
