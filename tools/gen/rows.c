/* SPDX-License-Identifier: Apache-2.0 */
/* Reads the .def files into the generator's tables, one reading for each table, and answers small
 * questions about them. References and field names become text, so that a wrong one is found by
 * gen_rows_check, which names it.
 */
#include "rows.h"

#include <stdio.h>
#include <string.h>

#include "names.h"

#define COUNT(ARRAY) (sizeof(ARRAY) / sizeof((ARRAY)[0]))

/* clang-format off: readings of rows are laid out by hand */

/* ---- kinds, lists, statuses, limits ------------------------------------------------------------- */

const gen_kind gen_kinds[GEN_KIND_COUNT] = {
#define SW_KIND(NAME, CTYPE, JSON, FORMAT, SQLITE, PG, CH, DOC)                                    \
    {#NAME, #CTYPE, JSON, FORMAT, SQLITE, PG, CH, DOC},
#include "model/kinds.def"
#undef SW_KIND
};

#define SW_ENUM_BEGIN(LIST, DOC) static const gen_word LIST##_words[] = {
#define SW_ENUM(LIST, UPPER, NAME, WORD, DOC) {"SW_" #UPPER "_" #NAME, WORD, DOC},
#define SW_ENUM_END(LIST)                                                                          \
    {                                                                                              \
        NULL, NULL, NULL                                                                           \
    }                                                                                              \
    }                                                                                              \
    ;
#include "model/enums.def"
#undef SW_ENUM_BEGIN
#undef SW_ENUM
#undef SW_ENUM_END

const gen_enum gen_enums[SW_ENUM_COUNT] = {
#define SW_ENUM_BEGIN(LIST, DOC)                                                                   \
    [SW_ENUM_##LIST] = {#LIST, DOC, LIST##_words, COUNT(LIST##_words) - 1},
#define SW_ENUM(LIST, UPPER, NAME, WORD, DOC)
#define SW_ENUM_END(LIST)
#include "model/enums.def"
#undef SW_ENUM_BEGIN
#undef SW_ENUM
#undef SW_ENUM_END
};

const gen_status gen_statuses[] = {
#define SW_STATUS(NAME, NUMBER, HTTP, EXIT, RETRYABLE, MESSAGE, DOC)                               \
    {#NAME, NUMBER, HTTP, EXIT, RETRYABLE, MESSAGE, DOC},
#include "model/status.def"
#undef SW_STATUS
};
const size_t gen_status_count = COUNT(gen_statuses);

const gen_limit gen_limits[] = {
#define SW_LIMIT(NAME, VALUE, UNIT, REASON) {#NAME, VALUE, UNIT, REASON},
#include "model/limits.def"
#undef SW_LIMIT
};
const size_t gen_limit_count = COUNT(gen_limits);

/* ---- records: three readings for fields, indexes and relations, one for the table of them ------- */

#define SW_F(NAME) #NAME
#define SW_REF(RECORD, RULE)                                                                       \
    {                                                                                              \
#RECORD, #RULE                                                                             \
    }

#define SW_RECORD_BEGIN(RECORD, UPPER, TABLE, PREFIX, VISIBILITY, DOC)                             \
    static const gen_field RECORD##_fields[] = {
#define SW_RECORD_END(RECORD, UPPER)                                                               \
    {                                                                                              \
        .name = NULL                                                                               \
    }                                                                                              \
    }                                                                                              \
    ;
#define SW_FIELD(KIND, NAME, ...) {.kind = GEN_KIND_##KIND, .name = #NAME, .doc = __VA_ARGS__},
#define SW_INDEX(...)
#define SW_RELATION(...)
#include "model/records.def"
#undef SW_RECORD_BEGIN
#undef SW_INDEX

const gen_field gen_totals[] = {
#include "model/totals.def"
    {.name = NULL},
};
#undef SW_FIELD

#define SW_RECORD_BEGIN(RECORD, UPPER, TABLE, PREFIX, VISIBILITY, DOC)                             \
    static const gen_index RECORD##_indexes[] = {
#define SW_FIELD(...)
#define SW_INDEX(NAME, ...) {.name = #NAME, __VA_ARGS__},
#include "model/records.def"
#undef SW_RECORD_BEGIN
#undef SW_INDEX
#undef SW_RELATION

#define SW_RECORD_BEGIN(RECORD, UPPER, TABLE, PREFIX, VISIBILITY, DOC)                             \
    static const gen_relation RECORD##_relations[] = {
#define SW_INDEX(...)
#define SW_RELATION(NAME, RECORD, ...) {.name = #NAME, .record = #RECORD, .field = __VA_ARGS__},
#include "model/records.def"
#undef SW_RECORD_BEGIN
#undef SW_RECORD_END
#undef SW_RELATION

const gen_record gen_records[] = {
#define SW_RECORD_BEGIN(RECORD, UPPER, TABLE, PREFIX, VISIBILITY, DOC)                             \
    {#RECORD,          #UPPER,                                                                     \
     #TABLE,           PREFIX,                                                                     \
     VISIBILITY,       DOC,                                                                        \
     RECORD##_fields,  COUNT(RECORD##_fields) - 1,                                                 \
     RECORD##_indexes, RECORD##_relations},
#define SW_RECORD_END(RECORD, UPPER)
#define SW_RELATION(...)
#include "model/records.def"
#undef SW_RECORD_BEGIN
#undef SW_RECORD_END
#undef SW_FIELD
#undef SW_INDEX
#undef SW_RELATION
};
const size_t gen_record_count = COUNT(gen_records);

/* clang-format on */

/* ---- small questions ---------------------------------------------------------------------------- */

const gen_record *gen_record_find(const char *name)
{
    for (size_t i = 0; i < gen_record_count; i++) {
        if (strcmp(gen_records[i].name, name) == 0) {
            return &gen_records[i];
        }
    }
    return NULL;
}

bool gen_is_v1(const gen_record *record)
{
    return *record->prefix != '\0';
}

long long gen_limit_find(const char *name)
{
    for (size_t i = 0; i < gen_limit_count; i++) {
        if (strcmp(gen_limits[i].name, name) == 0) {
            return gen_limits[i].value;
        }
    }
    return -1;
}

bool gen_field_shows(const gen_field *field)
{
    return !(field->flags & SW_HIDDEN) && field->kind != GEN_KIND_BYTES;
}

size_t gen_json_order(const gen_record *record, size_t *order)
{
    size_t count = 0;
    for (int place = 1; place <= 255; place++) {
        for (size_t i = 0; i < record->field_count; i++) {
            if (record->fields[i].json == place && gen_field_shows(&record->fields[i])) {
                order[count++] = i;
            }
        }
    }
    for (size_t i = 0; i < record->field_count; i++) {
        if (record->fields[i].json == 0 && gen_field_shows(&record->fields[i])) {
            order[count++] = i;
        }
    }
    return count;
}

/* ---- checks that the compiler cannot make ------------------------------------------------------- */

static bool wrong(const gen_record *record, const char *name, const char *why)
{
    fprintf(stderr, "model: %s.%s: %s\n", record->name, name, why);
    return false;
}

static bool has_field(const gen_record *record, const char *name)
{
    for (const gen_field *field = record->fields; field->name; field++) {
        if (strcmp(field->name, name) == 0) {
            return true;
        }
    }
    return false;
}

static bool check_field(const gen_record *record, const gen_field *field)
{
    if (field->ref.record && !gen_record_find(field->ref.record)) {
        return wrong(record, field->name, "refers to a record that does not exist");
    }
    if ((field->kind == GEN_KIND_ENUM) != (field->words != SW_ENUM_none)) {
        return wrong(record, field->name, "exactly the fields of kind ENUM name their list");
    }
    if (field->json < 0 || field->json > 255) {
        return wrong(record, field->name, "its place in JSON must be 0 to 255");
    }
    for (const gen_field *other = record->fields; other != field; other++) {
        if (strcmp(other->name, field->name) == 0) {
            return wrong(record, field->name, "is declared twice");
        }
        if (field->json && other->json == field->json) {
            return wrong(record, field->name, "takes a place in JSON that another field has");
        }
    }
    return true;
}

static bool check_index(const gen_record *record, const gen_index *index)
{
    for (int i = 0; i < GEN_INDEX_FIELDS; i++) {
        if ((index->fields[i] != NULL) != (i < index->count)) {
            return wrong(record, index->name, "its .count differs from the number of its fields");
        }
        if (index->fields[i] && !has_field(record, index->fields[i])) {
            return wrong(record, index->name, "indexes a field that does not exist");
        }
    }
    return true;
}

static bool check_relation(const gen_record *record, const gen_relation *relation)
{
    const gen_record *other = gen_record_find(relation->record);
    if (!other) {
        return wrong(record, relation->name, "leads to a record that does not exist");
    }
    if (!has_field(record, relation->field)) {
        return wrong(record, relation->name, "goes by a field that does not exist");
    }
    if (relation->via < 0 || (size_t)relation->via >= other->field_count) {
        return wrong(record, relation->name, "its .via is not a field of the other record");
    }
    return true;
}

bool gen_rows_check(void)
{
    bool ok = true;
    for (const gen_record *record = gen_records; record < gen_records + gen_record_count;
         record++) {
        if (record->field_count > GEN_FIELDS_MAX) {
            ok = wrong(record, "*", "has more fields than a mask has bits");
        }
        for (const gen_field *field = record->fields; field->name; field++) {
            ok = check_field(record, field) && ok;
        }
        for (const gen_index *index = record->indexes; index->name; index++) {
            ok = check_index(record, index) && ok;
        }
        for (const gen_relation *link = record->relations; link->name; link++) {
            ok = check_relation(record, link) && ok;
        }
    }
    return ok;
}
