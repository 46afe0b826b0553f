/* SPDX-License-Identifier: Apache-2.0 */
/* Records with their relations. When a relation loads is declared with the record; here is what the
 * four words mean: raise (never by itself, and asking is an error), noload (never by itself, and reads
 * as empty), selectin (together with its owner), select (when it is first asked for).
 */
#include "ledger/object.h"

/* ---- loading ------------------------------------------------------------------------------------ */

typedef struct fetching {
    sw_object *object;
    const sw_record *record;
    sw_related *related;
    size_t room;
    bool no_memory;
} fetching;

static bool fetch_row(void *arg, const void *row)
{
    fetching *f = arg;
    sw_arena *arena = &f->object->arena;
    void *copy = sw_arena_zeroed(arena, f->record->size);
    const void **rows =
        sw_arena_grow(arena, f->related->rows, f->related->count, &f->room, sizeof *rows);

    if (rows) {
        f->related->rows = rows;
    }
    f->no_memory = !copy || !rows || !sw_row_copy(f->record, copy, row, arena);
    if (!f->no_memory) {
        f->related->rows[f->related->count++] = copy;
    }
    return !f->no_memory;
}

static sw_status fetch_many(sw_object *object, const sw_relation *relation, sw_related *related,
                            sw_error *err)
{
    sw_value id = {.text = sw_field_text(&object->record->fields[relation->field], object->row)};
    sw_condition ours = {relation->via, SW_OP_EQ, &id, 1};
    sw_list_query query = {
        .conditions = &ours, .condition_count = 1, .ascending = true, .limit = -1};
    fetching f = {.object = object,
                  .record = sw_record_of((sw_record_id)relation->record),
                  .related = related};
    sw_status status = sw_list(object->ledger, &object->actor, (sw_record_id)relation->record,
                               &query, fetch_row, &f, NULL, err);

    return status == SW_STATUS_OK && f.no_memory ? sw_no_memory(err) : status;
}

static sw_status fetch_one(sw_object *object, const sw_relation *relation, sw_related *related,
                           sw_error *err)
{
    const sw_record *other = sw_record_of((sw_record_id)relation->record);
    sw_str id = sw_field_text(&object->record->fields[relation->field], object->row);
    void *row = NULL;
    sw_session *session = NULL;
    sw_status status = SW_STATUS_OK;

    if (!id.ptr) {
        return SW_STATUS_OK;
    }
    row = sw_arena_zeroed(&object->arena, other->size);
    related->rows = sw_arena_alloc(&object->arena, sizeof *related->rows);
    if (!row || !related->rows) {
        return sw_no_memory(err);
    }
    status = sw__reader_take(object->ledger, &session, err);
    if (status != SW_STATUS_OK) {
        return status;
    }
    status = sw__read_by_id(session, &object->actor, (sw_record_id)relation->record, id,
                            &object->arena, row, err);
    sw__reader_give(object->ledger, session);
    if (status == SW_STATUS_OK) {
        sw__hide_secrets((sw_record_id)relation->record, row);
        related->rows[0] = row;
        related->count = 1;
    }
    return status == SW_STATUS_NOT_FOUND ? SW_STATUS_OK : status;
}

sw_status sw__object_fetch(sw_object *object, size_t i, sw_error *err)
{
    const sw_relation *relation = &object->record->relations[i];
    sw_related *related = &object->related[i];
    sw_status status = relation->many ? fetch_many(object, relation, related, err)
                                      : fetch_one(object, relation, related, err);

    related->loaded = status == SW_STATUS_OK;
    return status;
}

static int relation_named(const sw_object *object, const char *name)
{
    for (size_t i = 0; i < object->record->relation_count; i++) {
        if (strcmp(object->record->relations[i].name, name) == 0) {
            return (int)i;
        }
    }
    return -1;
}

static sw_status no_such_relation(const sw_object *object, const char *name, sw_error *err)
{
    return sw_fail(err, SW_STATUS_INVALID, name, "a %s has no such relation", object->record->name);
}

static sw_status load_row(sw_object *object, sw_str id, sw_error *err)
{
    sw_session *session = NULL;
    sw_status status = sw__reader_take(object->ledger, &session, err);

    if (status != SW_STATUS_OK) {
        return status;
    }
    status = sw__read_by_id(session, &object->actor, object->id_of, id, &object->arena, object->row,
                            err);
    sw__reader_give(object->ledger, session);
    if (status == SW_STATUS_OK) {
        sw__hide_secrets(object->id_of, object->row);
    }
    return status;
}

static sw_status load_relations(sw_object *object, const char *const *names, sw_error *err)
{
    sw_status status = SW_STATUS_OK;

    for (size_t i = 0; names && names[i] && status == SW_STATUS_OK; i++) {
        int relation = relation_named(object, names[i]);
        status = relation < 0 ? no_such_relation(object, names[i], err)
                              : sw__object_fetch(object, (size_t)relation, err);
    }
    for (size_t i = 0; i < object->record->relation_count && status == SW_STATUS_OK; i++) {
        if (object->record->relations[i].load == SW_LOAD_SELECTIN && !object->related[i].loaded) {
            status = sw__object_fetch(object, i, err);
        }
    }
    return status;
}

sw_status sw_object_load(sw_ledger *ledger, const sw_actor *actor, sw_record_id record, sw_str id,
                         const char *const *relations, sw_object **out, sw_error *err)
{
    sw_object *object = sw_alloc_zeroed(&ledger->allocator, sizeof *object);
    sw_status status = SW_STATUS_OK;

    *out = NULL;
    if (!object) {
        return sw_no_memory(err);
    }
    object->ledger = ledger;
    object->id_of = record;
    object->record = sw_record_of(record);
    sw_arena_init(&object->arena, &ledger->allocator, 0);
    sw_assert(object->record->relation_count <= SW_RELATIONS_MAX);
    object->actor.everywhere = actor && actor->everywhere;
    object->actor.organization_id = sw_arena_str(&object->arena, sw__actor_organization(actor));
    object->actor.user_id = sw_arena_str(&object->arena, sw__actor_user(actor));
    object->actor.project_id =
        actor ? sw_arena_str(&object->arena, actor->project_id) : SW_NULL_STR;
    object->row = sw_arena_zeroed(&object->arena, object->record->size);
    status = object->row && !object->arena.failed ? SW_STATUS_OK : sw_no_memory(err);
    if (status == SW_STATUS_OK && sw_record_primary(object->record) < 0) {
        status =
            sw_fail(err, SW_STATUS_UNSUPPORTED, "record", "a %s has no id", object->record->name);
    }
    if (status == SW_STATUS_OK) {
        status = load_row(object, id, err);
    }
    if (status == SW_STATUS_OK) {
        status = load_relations(object, relations, err);
    }
    if (status != SW_STATUS_OK) {
        sw_object_free(&object);
    }
    *out = object;
    return status;
}

void sw_object_free(sw_object **object)
{
    if (object && *object) {
        sw_ledger *ledger = (*object)->ledger;
        sw_arena_fini(&(*object)->arena);
        sw_free(&ledger->allocator, *object);
        *object = NULL;
    }
}

/* ---- asking ------------------------------------------------------------------------------------- */

const void *sw_object_row(const sw_object *object)
{
    return object->row;
}

/* The relation as far as its rule lets it be seen. */
static sw_status touch(sw_object *object, const char *name, sw_related **out, sw_error *err)
{
    int i = relation_named(object, name);
    const sw_relation *relation = NULL;

    if (i < 0) {
        return no_such_relation(object, name, err);
    }
    relation = &object->record->relations[i];
    *out = &object->related[i];
    if ((*out)->loaded || (*out)->set || relation->load == SW_LOAD_NOLOAD) {
        return SW_STATUS_OK;
    }
    if (relation->load == SW_LOAD_RAISE) {
        return sw_fail(err, SW_STATUS_NOT_LOADED, name,
                       "the %s of a %s does not load by itself; name it when loading", name,
                       object->record->name);
    }
    return sw__object_fetch(object, (size_t)i, err);
}

sw_status sw_object_one(sw_object *object, const char *relation, const void **out, sw_error *err)
{
    sw_related *related = NULL;
    sw_status status = touch(object, relation, &related, err);

    *out = status == SW_STATUS_OK && related->count > 0 ? related->rows[0] : NULL;
    return status;
}

sw_status sw_object_many(sw_object *object, const char *relation, const void *const **out,
                         size_t *count, sw_error *err)
{
    sw_related *related = NULL;
    sw_status status = touch(object, relation, &related, err);

    *out = status == SW_STATUS_OK ? related->rows : NULL;
    *count = status == SW_STATUS_OK ? related->count : 0;
    return status;
}

/* ---- setting ------------------------------------------------------------------------------------ */

static sw_status copy_rows(sw_object *object, const sw_record *record, const void *const *rows,
                           size_t count, sw_related *related, sw_error *err)
{
    related->rows = sw_arena_alloc(&object->arena, (count + 1) * sizeof *related->rows);
    related->count = 0;
    for (size_t i = 0; related->rows && i < count; i++) {
        void *copy = sw_arena_zeroed(&object->arena, record->size);
        if (!copy || !sw_row_copy(record, copy, rows[i], &object->arena)) {
            return sw_no_memory(err);
        }
        related->rows[related->count++] = copy;
    }
    return related->rows ? SW_STATUS_OK : sw_no_memory(err);
}

sw_status sw_object_set(sw_object *object, const char *relation, const void *const *rows,
                        size_t count, sw_error *err)
{
    int i = relation_named(object, relation);
    const sw_relation *declared = NULL;
    sw_related *related = NULL;
    sw_status status = SW_STATUS_OK;

    if (i < 0) {
        return no_such_relation(object, relation, err);
    }
    declared = &object->record->relations[i];
    related = &object->related[i];
    if (!(declared->cascade & SW_CASCADE_SAVE)) {
        return sw_fail(err, SW_STATUS_UNSUPPORTED, relation, "saving a %s does not save its %s",
                       object->record->name, relation);
    }
    if (!declared->many && count > 1) {
        return sw_fail(err, SW_STATUS_INVALID, relation, "is one, not many");
    }
    if (!related->loaded && !related->set) { /* what is replaced must be known to be removed */
        status = sw__object_fetch(object, (size_t)i, err);
    }
    if (status == SW_STATUS_OK && !related->set) {
        related->old = related->rows;
        related->old_count = related->count;
    }
    if (status == SW_STATUS_OK) {
        related->set = true;
        status = copy_rows(object, sw_record_of((sw_record_id)declared->record), rows, count,
                           related, err);
    }
    return status;
}
