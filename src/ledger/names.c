/* SPDX-License-Identifier: Apache-2.0 */
/* Agents that are known by their name. The id of one is derived from organization, project and name, so
 * that every process that shares the store finds the same one without asking for a name; and it is
 * derived under a key that only the organization's own row holds, so that nobody else can compute it,
 * take it first, or ask by it whether the agent exists.
 */
#include <sodium.h>

#include "ledger/internal.h"

enum { KEY = crypto_auth_hmacsha256_KEYBYTES };

/* HMAC-SHA-256 over organization, project, kind and name, shaped as a version 4 uuid. */
static sw_str agent_id_of(sw_arena *arena, sw_str key, sw_str organization, sw_str project,
                          sw_str name)
{
    static const char salt[] = "stepwell-id-1";
    const sw_str parts[] = {sw_str_make(salt, sizeof salt - 1), organization, project,
                            SW_STR("agent"), name};
    crypto_auth_hmacsha256_state state;
    unsigned char digest[crypto_auth_hmacsha256_BYTES];
    char text[SW_ID_TEXT];
    size_t len = 0;

    crypto_auth_hmacsha256_init(&state, (const unsigned char *)key.ptr, key.len);
    for (size_t i = 0; i < SW_COUNT(parts); i++) {
        if (i > 0) {
            crypto_auth_hmacsha256_update(&state, (const unsigned char *)"", 1);
        }
        crypto_auth_hmacsha256_update(
            &state, (const unsigned char *)(parts[i].ptr ? parts[i].ptr : ""), parts[i].len);
    }
    crypto_auth_hmacsha256_final(&state, digest);
    digest[6] = (digest[6] & 0x0f) | 0x40;
    digest[8] = (digest[8] & 0x3f) | 0x80;
    len = sw_id_print(SW_STR("agent"), digest, text);
    return sw_arena_str(arena, sw_str_make(text, len));
}

/* The organization's key, made when it is first needed. Every process makes it under the store's write
 * lock, so there is one. */
static sw_status name_key(sw_group *group, sw_str organization_id, sw_str *key, sw_error *err)
{
    sw_organization own = {.id = organization_id};
    sw_organization row;
    unsigned char fresh[KEY];
    sw_status status =
        sw_store_get(group->session, SW_RECORD_ORGANIZATION, &own, &group->arena, &row, err);

    if (sw_group_must(group, status, err) != SW_STATUS_OK) {
        return status;
    }
    if (!row.name_key.ptr) {
        group->ledger->random.fill(group->ledger->random.data, fresh, sizeof fresh);
        row.name_key = sw_arena_str(&group->arena, sw_str_make((const char *)fresh, sizeof fresh));
        sodium_memzero(fresh, sizeof fresh);
        status = row.name_key.ptr ? sw_store_update(group->session, SW_RECORD_ORGANIZATION, &row,
                                                    SW_MASK(SW_ORGANIZATION_NAME_KEY), err)
                                  : sw_no_memory(err);
    }
    *key = row.name_key;
    return sw_group_must(group, status, err);
}

typedef struct name_args {
    sw_str project_id;
    sw_str name;
    sw_outcome *outcome;
} name_args;

static sw_status apply_agent_by_name(sw_group *group, sw_task *task, sw_error *err)
{
    name_args *args = task->arg;
    sw_agent agent = {.name = args->name, .project_id = args->project_id};
    sw_str key = SW_NULL_STR;
    sw_status status = SW_STATUS_OK;

    sw__outcome_reset(args->outcome);
    status = name_key(group, task->organization_id, &key, err);
    if (status != SW_STATUS_OK) {
        return status;
    }
    agent.id = agent_id_of(&group->arena, key, task->organization_id, args->project_id, args->name);
    if (!agent.id.ptr) {
        return sw_group_must(group, sw_no_memory(err), err);
    }
    sw__outcome_id(args->outcome, agent.id);
    status = sw_group_known(group, SW_RECORD_AGENT, agent.id, task->organization_id, err);
    if (status == SW_STATUS_OK) {
        return sw__unchanged(group, task, args->outcome, err);
    }
    return status == SW_STATUS_NOT_FOUND
               ? sw__record_create_in(group, task, SW_RECORD_AGENT, &agent, args->outcome, err)
               : status;
}

sw_status sw_agent_by_name(sw_ledger *ledger, const sw_actor *actor, sw_str project_id, sw_str name,
                           sw_outcome *outcome, sw_error *err)
{
    name_args args = {project_id, name, outcome};
    sw_task task = {.apply = apply_agent_by_name,
                    .outcomes = outcome,
                    .outcome_count = 1,
                    .arg = &args,
                    .weight = 1};

    if (!name.ptr || name.len == 0) {
        return sw__refuse_one(outcome, err, SW_STATUS_INVALID, "name", "an agent needs a name");
    }
    return sw__submit(ledger, actor, &task, err);
}
