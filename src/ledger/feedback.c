/* SPDX-License-Identifier: Apache-2.0 */
/* Feedback and tags: what people say about a step, at any time. What a call does not mention stays as
 * it is; editing tags is arithmetic on a set, never a side effect of something else. What a source says in tags it may
 * say otherwise later; what people added stays beside it.
 */
#include "ledger/telemetry_inside.h"

typedef struct feedback_args {
    sw_str id;
    const sw_feedback_change *change;
    sw_outcome *outcome;
} feedback_args;

typedef struct tag_list {
    sw_str tags[SW_LIMIT_TAGS * 2];
    size_t count;
} tag_list;

static bool tag_has(const tag_list *list, sw_str tag)
{
    for (size_t i = 0; i < list->count; i++) {
        if (sw_str_eq(list->tags[i], tag)) {
            return true;
        }
    }
    return false;
}

/* Reads a JSON array of strings into the list, each once. */
static sw_status read_tags(sw_str text, const char *field, sw_arena *arena, tag_list *list,
                           sw_error *err)
{
    sw_json json;

    if (!text.ptr) {
        return SW_STATUS_OK;
    }
    sw_json_init(&json, text, arena);
    if (sw_json_next(&json) != SW_JSON_ARRAY) {
        return sw_fail(err, SW_STATUS_INVALID, field, "must be an array of strings");
    }
    while (sw_json_next(&json) == SW_JSON_STRING) {
        if (json.text.len > SW_LIMIT_TAG_BYTES) {
            return sw_fail(err, SW_STATUS_TOO_LARGE, field, "a tag has at most %d bytes",
                           (int)SW_LIMIT_TAG_BYTES);
        }
        if (tag_has(list, json.text)) {
            continue;
        }
        if (list->count == SW_COUNT(list->tags)) {
            return sw_fail(err, SW_STATUS_TOO_LARGE, field, "a step has at most %d tags",
                           (int)SW_LIMIT_TAGS);
        }
        list->tags[list->count++] = json.text;
    }
    if (json.type != SW_JSON_ARRAY_END || sw_json_next(&json) != SW_JSON_END) {
        return sw_fail(err, SW_STATUS_INVALID, field, "must be an array of strings");
    }
    return SW_STATUS_OK;
}

static sw_status write_tags(const tag_list *list, const tag_list *without, sw_arena *arena,
                            const sw_allocator *from, sw_str *out, sw_error *err)
{
    sw_buf buf;
    sw_json_out json;
    size_t written = 0;

    sw_buf_init(&buf, from, SW_LIMIT_JSON_BYTES);
    sw_json_out_init(&json, &buf, false);
    sw_json_open(&json, '[');
    for (size_t i = 0; i < list->count; i++) {
        if (!tag_has(without, list->tags[i])) {
            sw_json_str(&json, list->tags[i]);
            written++;
        }
    }
    sw_json_close(&json, ']');
    *out = buf.status == SW_STATUS_OK ? sw_arena_str(arena, sw_buf_str(&buf)) : SW_NULL_STR;
    sw_buf_fini(&buf);
    if (written > SW_LIMIT_TAGS) {
        return sw_fail(err, SW_STATUS_TOO_LARGE, "tags", "a step has at most %d tags",
                       (int)SW_LIMIT_TAGS);
    }
    return out->ptr ? SW_STATUS_OK : sw_no_memory(err);
}

static sw_status edit_tags(sw_group *group, const sw_feedback_change *c, sw_str old, sw_str *out,
                           sw_error *err)
{
    tag_list *list = sw_arena_zeroed(&group->arena, sizeof *list);
    tag_list *without = sw_arena_zeroed(&group->arena, sizeof *without);
    sw_status status = SW_STATUS_OK;

    if (!list || !without) {
        return sw_no_memory(err);
    }
    status = read_tags(c->set_tags ? c->tags : old, "tags", &group->arena, list, err);
    if (status == SW_STATUS_OK) {
        status = read_tags(c->add_tags, "add_tags", &group->arena, list, err);
    }
    if (status == SW_STATUS_OK) {
        status = read_tags(c->remove_tags, "remove_tags", &group->arena, without, err);
    }
    return status == SW_STATUS_OK
               ? write_tags(list, without, &group->arena, &group->ledger->allocator, out, err)
               : status;
}

/* ---- what sources say ---------------------------------------------------------------------------- */

/* Whether one of the tags is `name:value` of the same name. */
static bool says_otherwise(const tag_list *list, sw_str tag)
{
    const char *colon = tag.len > 0 ? memchr(tag.ptr, ':', tag.len) : NULL;
    size_t len = colon ? (size_t)(colon + 1 - tag.ptr) : 0;

    for (size_t i = 0; i < list->count && len > 0; i++) {
        if (list->tags[i].len >= len && memcmp(list->tags[i].ptr, tag.ptr, len) == 0) {
            return true;
        }
    }
    return false;
}

sw_status sw__tags_follow(sw_group *group, sw_str before, sw_str said, sw_str *out, sw_error *err)
{
    tag_list *list = sw_arena_zeroed(&group->arena, sizeof *list);
    tag_list *old = sw_arena_zeroed(&group->arena, sizeof *old);
    sw_status status = list && old ? SW_STATUS_OK : sw_no_memory(err);
    size_t count = 0;

    if (status == SW_STATUS_OK) {
        status = read_tags(said, "tags", &group->arena, list, err);
    }
    if (status == SW_STATUS_OK) {
        status = read_tags(before, "tags", &group->arena, old, err);
    }
    for (size_t i = 0; status == SW_STATUS_OK && i < old->count; i++) {
        if (!tag_has(list, old->tags[i]) && !says_otherwise(list, old->tags[i])) {
            old->tags[count++] = old->tags[i];
        }
    }
    for (size_t i = 0; i < count && list->count < SW_LIMIT_TAGS; i++) {
        list->tags[list->count++] = old->tags[i];
    }
    if (status == SW_STATUS_OK) {
        old->count = 0;
        status = write_tags(list, old, &group->arena, &group->ledger->allocator, out, err);
    }
    return status;
}

/* ---- what people say ----------------------------------------------------------------------------- */

static sw_status apply_feedback(sw_group *group, sw_task *task, sw_error *err)
{
    feedback_args *args = task->arg;
    const sw_feedback_change *c = args->change;
    sw_step old;
    sw_step row;
    sw_status status = sw_group_get(group, task, SW_RECORD_STEP, args->id, &old, err);

    sw__outcome_reset(args->outcome);
    sw__outcome_id(args->outcome, args->id);
    if (status == SW_STATUS_OK) {
        status = sw__not_retired(&old, err);
    }
    row = old;
    if (status == SW_STATUS_OK && c->set_feedback) {
        row.feedback = c->feedback;
        status =
            sw_field_check(&sw_record_of(SW_RECORD_STEP)->fields[SW_STEP_FEEDBACK], &row, "", err);
    }
    if (status == SW_STATUS_OK && (c->set_tags || c->add_tags.ptr || c->remove_tags.ptr)) {
        status = edit_tags(group, c, old.tags, &row.tags, err);
    }
    if (status == SW_STATUS_OK) {
        status = sw_field_check(&sw_record_of(SW_RECORD_STEP)->fields[SW_STEP_TAGS], &row, "", err);
    }
    if (status != SW_STATUS_OK) {
        return sw__verdict(args->outcome, SW_VERDICT_REJECTED, status, err);
    }
    if (sw_int_eq(old.feedback, row.feedback) && sw_str_eq(old.tags, row.tags)) {
        return sw__unchanged(group, task, args->outcome, err);
    }
    status =
        sw_group_change_step(group, task, &old, &row, SW_CHANGE_FEEDBACK, &args->outcome->seq, err);
    return sw__verdict(args->outcome, SW_VERDICT_UPDATED, status, err);
}

sw_status sw_step_feedback(sw_ledger *ledger, const sw_actor *actor, sw_str step_id,
                           const sw_feedback_change *change, sw_outcome *outcome, sw_error *err)
{
    feedback_args args = {step_id, change, outcome};
    sw_task task = {.apply = apply_feedback,
                    .outcomes = outcome,
                    .outcome_count = 1,
                    .arg = &args,
                    .weight = 1};
    return sw__submit(ledger, actor, &task, err);
}
