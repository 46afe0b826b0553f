/* SPDX-License-Identifier: Apache-2.0 */
/* The rows of the .def files in model/ as tables of descriptors. This file is all the model's macro
 * work: each reading of records.def gives the rows one meaning and takes it back. It holds no code;
 * whoever wants to know a record walks these tables with the functions of model.h.
 *
 * Rows name their neighbours in lower case (SW_F(run_id), SW_REF(run, ...)), and the preprocessor
 * cannot turn that into the upper-case enumerators of stepwell/facts.h. The first readings
 * therefore make lower-case enumerators of their own, and the last ones prove that both say the
 * same.
 */
#include "model/model.h"

/* Half a declaration in a macro is beyond the formatter. */
/* clang-format off */

#define SW__PASTE2(A, B) A##B
#define SW__PASTE3(A, B, C) A##B##C
#define SW__JOIN2(A, B) SW__PASTE2(A, B)
#define SW__JOIN3(A, B, C) SW__PASTE3(A, B, C)

/* The struct of the record being read, and the place of one of its fields. */
#define SW__STRUCT SW__JOIN2(sw_, SW_SELF)
#define SW_F(NAME) SW__JOIN3(SW__JOIN2(sw__f_, SW_SELF), _, NAME)
#define SW_REF(RECORD, RULE) {sw__r_##RECORD + 1, SW_##RULE}
#define SW_PUBLIC true
#define SW_INTERNAL false

/* ---- kinds ----------------------------------------------------------------------------------- */

const sw_kind_info sw__kinds[SW_KIND_COUNT] = {
#define SW_KIND(NAME, CTYPE, JSON, FORMAT, SQLITE, PG, CH, DOC)                                    \
    {#NAME, JSON, FORMAT, SQLITE, PG, CH, DOC},
#include "model/kinds.def"
#undef SW_KIND
};

/* ---- closed lists of words ------------------------------------------------------------------- */

#define SW_ENUM_BEGIN(LIST, DOC) static const char *const LIST##_words[] = {
#define SW_ENUM(LIST, UPPER, NAME, WORD, DOC) WORD,
#define SW_ENUM_END(LIST) };
#include "model/enums.def"
#undef SW_ENUM_BEGIN
#undef SW_ENUM
#undef SW_ENUM_END

#define SW_ENUM_BEGIN(LIST, DOC) static const char *const LIST##_docs[] = {
#define SW_ENUM(LIST, UPPER, NAME, WORD, DOC) DOC,
#define SW_ENUM_END(LIST) };
#include "model/enums.def"
#undef SW_ENUM_BEGIN
#undef SW_ENUM
#undef SW_ENUM_END

const sw_enum_info sw__enums[SW_ENUM_COUNT] = {
    [SW_ENUM_none] = {.name = "none"},
#define SW_ENUM_BEGIN(LIST, DOC)                                                                   \
    [SW_ENUM_##LIST] = {#LIST, DOC, LIST##_words, LIST##_docs, SW_COUNT(LIST##_words)},
#define SW_ENUM(LIST, UPPER, NAME, WORD, DOC)
#define SW_ENUM_END(LIST)
#include "model/enums.def"
#undef SW_ENUM_BEGIN
#undef SW_ENUM
#undef SW_ENUM_END
};

/* ---- records: names first, so that rows may refer to each other ------------------------------ */

enum {
#define SW_RECORD_BEGIN(RECORD, UPPER, TABLE, PREFIX, VISIBILITY, DOC) sw__r_##RECORD,
#define SW_FIELD(KIND, ...)
#define SW_INDEX(NAME, ...)
#define SW_RELATION(NAME, ...)
#define SW_RECORD_END(RECORD, UPPER)
#include "model/records.def"
#undef SW_RECORD_BEGIN
#undef SW_FIELD
#undef SW_RECORD_END
    sw__r_count
};

#define SW_RECORD_BEGIN(RECORD, UPPER, TABLE, PREFIX, VISIBILITY, DOC) enum {
#define SW_FIELD(KIND, NAME, ...) SW_F(NAME),
#define SW_RECORD_END(RECORD, UPPER) SW_F(_count) };
#include "model/records.def"
#undef SW_RECORD_BEGIN
#undef SW_FIELD
#undef SW_RECORD_END

#define SW_RECORD_BEGIN(RECORD, UPPER, TABLE, PREFIX, VISIBILITY, DOC)                             \
    static const sw_field RECORD##_fields[] = {
#define SW_FIELD(KIND, NAME, ...)                                                                  \
    {.kind = SW_KIND_##KIND,                                                                       \
     .name = #NAME,                                                                                \
     .name_len = sizeof #NAME - 1,                                                                 \
     .offset = offsetof(SW__STRUCT, NAME),                                                         \
     .doc = __VA_ARGS__},
#define SW_RECORD_END(RECORD, UPPER) };
#include "model/records.def"
#undef SW_RECORD_BEGIN
#undef SW_FIELD
#undef SW_INDEX
#undef SW_RELATION
#undef SW_RECORD_END

/* Indexes and relations end in an empty row, because C has no empty arrays; it is not counted. */
#define SW_RECORD_BEGIN(RECORD, UPPER, TABLE, PREFIX, VISIBILITY, DOC)                             \
    static const sw_index RECORD##_indexes[] = {
#define SW_FIELD(KIND, ...)
#define SW_INDEX(NAME, ...) {.name = #NAME, __VA_ARGS__},
#define SW_RELATION(NAME, ...)
#define SW_RECORD_END(RECORD, UPPER) {.name = NULL}};
#include "model/records.def"
#undef SW_RECORD_BEGIN
#undef SW_INDEX
#undef SW_RELATION

#define SW_RECORD_BEGIN(RECORD, UPPER, TABLE, PREFIX, VISIBILITY, DOC)                             \
    static const sw_relation RECORD##_relations[] = {
#define SW_INDEX(NAME, ...)
#define SW_RELATION(NAME, RECORD, FIELD, ...)                                                      \
    {.name = #NAME, .record = sw__r_##RECORD, .field = FIELD, __VA_ARGS__},
#include "model/records.def"
#undef SW_RECORD_BEGIN
#undef SW_RELATION
#undef SW_RECORD_END

const sw_record sw__records[SW_RECORD_COUNT] = {
#define SW_RECORD_BEGIN(RECORD, UPPER, TABLE, PREFIX, VISIBILITY, DOC)                             \
    [SW_RECORD_##UPPER] = {.name = #RECORD,                                                        \
                           .table = #TABLE,                                                        \
                           .prefix = PREFIX,                                                       \
                           .is_public = VISIBILITY,                                                \
                           .doc = DOC,                                                             \
                           .size = sizeof(sw_##RECORD),                                            \
                           .fields = RECORD##_fields,                                              \
                           .field_count = SW_COUNT(RECORD##_fields),                               \
                           .indexes = RECORD##_indexes,                                            \
                           .index_count = SW_COUNT(RECORD##_indexes) - 1,                          \
                           .relations = RECORD##_relations,                                        \
                           .relation_count = SW_COUNT(RECORD##_relations) - 1,                     \
                           .texts = 0
#undef SW_FIELD
#define SW_FIELD(KIND, NAME, ...)                                                                  \
    | (uint64_t)(SW_KIND_##KIND <= SW_KIND_BYTES) << SW_F(NAME)
#define SW_RELATION(NAME, ...)
#define SW_RECORD_END(RECORD, UPPER) },
#include "model/records.def"
#undef SW_RECORD_BEGIN
#undef SW_FIELD
#undef SW_RECORD_END
};

const uint64_t sw__json_fields[SW_RECORD_COUNT] = {
#define SW_RECORD_BEGIN(RECORD, UPPER, TABLE, PREFIX, VISIBILITY, DOC) [SW_RECORD_##UPPER] = 0
#define SW_FIELD(KIND, NAME, ...)                                                                  \
    | (uint64_t)(SW_KIND_##KIND == SW_KIND_JSON || SW_KIND_##KIND == SW_KIND_TAGS) << SW_F(NAME)
#define SW_RECORD_END(RECORD, UPPER) ,
#include "model/records.def"
#undef SW_RECORD_BEGIN
#undef SW_FIELD
#undef SW_RECORD_END
};

/* ---- what must agree ------------------------------------------------------------------------- */

/* The generated header and these tables were made from the same rows. */
_Static_assert(sizeof(sw_str) == sizeof(sw_int) && sizeof(sw_str) == 16 &&
                   offsetof(sw_str, ptr) == 0,
               "sw_row_mask walks a struct as cells of two words");
_Static_assert((int)sw__r_count == (int)SW_RECORD_COUNT, "facts.h has other records");
#define SW_RECORD_BEGIN(RECORD, UPPER, TABLE, PREFIX, VISIBILITY, DOC)                             \
    _Static_assert((int)sw__r_##RECORD == (int)SW_RECORD_##UPPER, "facts.h: order of " #RECORD);
#define SW_FIELD(KIND, NAME, ...)                                                                  \
    _Static_assert(offsetof(SW__STRUCT, NAME) == sizeof(sw_int) * (size_t)SW_F(NAME),              \
                   "facts.h: place of " #NAME);
#define SW_RECORD_END(RECORD, UPPER)                                                               \
    _Static_assert((int)SW_F(_count) == (int)SW_##UPPER##_FIELD_COUNT,                             \
                   "facts.h: fields of " #RECORD);                                                 \
    _Static_assert((int)SW_F(_count) <= 64, "a mask has 64 bits: too many fields in " #RECORD);
#include "model/records.def"
#undef SW_RECORD_BEGIN
#undef SW_FIELD
#undef SW_RECORD_END

/* Every member of every struct has a row, and its C type is that of the row's kind. */
#define SW_RECORD_BEGIN(RECORD, UPPER, TABLE, PREFIX, VISIBILITY, DOC)                             \
    _Static_assert(sizeof(sw_##RECORD) == 0
#define SW_FIELD(KIND, NAME, ...)                                                                  \
    +(_Generic(((SW__STRUCT *)0)->NAME, sw_str                                                     \
               : SW_KIND_##KIND <= SW_KIND_BYTES, sw_int                                           \
               : SW_KIND_##KIND > SW_KIND_BYTES)                                                   \
          ? sizeof(((SW__STRUCT *)0)->NAME)                                                        \
          : 0)
#define SW_RECORD_END(RECORD, UPPER) , "facts.h: struct of " #RECORD);
#include "model/records.def"
#undef SW_RECORD_BEGIN
#undef SW_FIELD
#undef SW_INDEX
#undef SW_RELATION
#undef SW_RECORD_END
