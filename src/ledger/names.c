/* SPDX-License-Identifier: Apache-2.0 */
/* Agents that are known by their name. The id of one follows from organization, project and name by the
 * rule of telemetry's deterministic ids (telemetry.md E.6), so that every process, and every store, finds
 * the same one without asking for a name. Whoever knows an organization's id can compute it and could hold
 * it first; the agent then gets an id that follows from the same under a key which only the organization's
 * own row keeps, and which nobody else can take.
 */
#include <sodium.h>

#include "ledger/border.h"
#include "ledger/telemetry_inside.h"

enum { KEY = crypto_auth_hmacsha256_KEYBYTES, DIGEST = crypto_hash_sha256_BYTES };
_Static_assert(DIGEST == crypto_auth_hmacsha256_BYTES, "the two digests shape the same ids");

/* What the digest is over: salt, organization, project, kind, name, a NUL between each two. */
static void put_input(sw_buf *out, sw_str organization, sw_str project, sw_str name)
{
    const sw_str parts[] = {SW_STR("stepwell-id-1"), organization, project, SW_STR("agent"), name};

    for (size_t i = 0; i < SW_COUNT(parts); i++) {
        if (i > 0) {
            sw_buf_addc(out, 0);
        }
        sw_buf_add(out, parts[i].ptr ? parts[i] : SW_STR(""));
    }
}

/* SHA-256 of the input, or HMAC-SHA-256 of it under the key, shaped as a version 4 uuid. Null text: no
 * memory. */
static sw_str agent_id_of(sw_group *group, sw_str key, const sw_agent *agent, sw_str organization)
{
    unsigned char digest[DIGEST];
    char text[SW_ID_TEXT];
    sw_buf input;
    sw_str out = SW_NULL_STR;

    sw_buf_init(&input, &group->ledger->allocator, 0);
    put_input(&input, organization, agent->project_id, agent->name);
    if (input.status == SW_STATUS_OK) {
        const unsigned char *bytes = (const unsigned char *)input.ptr;
        if (key.ptr) {
            crypto_auth_hmacsha256(digest, bytes, input.len, (const unsigned char *)key.ptr);
        } else {
            crypto_hash_sha256(digest, bytes, input.len);
        }
        digest[6] = (digest[6] & 0x0f) | 0x40;
        digest[8] = (digest[8] & 0x3f) | 0x80;
        out = sw_arena_str(&group->arena,
                           sw_str_make(text, sw_id_print(SW_STR("agent"), digest, text)));
    }
    sw_buf_fini(&input);
    return out;
}

/* The organization's key; null when it has none and none is to be made. Every process makes it under the
 * store's write lock, so there is one. */
static sw_status name_key(sw_group *group, sw_str organization_id, bool make, sw_str *key,
                          sw_error *err)
{
    sw_organization own = {.id = organization_id};
    sw_organization row;
    unsigned char fresh[KEY];
    sw_status status =
        sw_store_get(group->session, SW_RECORD_ORGANIZATION, &own, &group->arena, &row, err);

    if (sw_group_must(group, status, err) != SW_STATUS_OK) {
        return status;
    }
    if (make && !row.name_key.ptr) {
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

/* Whether somebody else holds the id. */
static sw_status held_elsewhere(sw_group *group, sw_str id, bool *held, sw_error *err)
{
    sw_agent own = {.id = id};
    sw_agent row;
    sw_status status =
        sw_store_get(group->session, SW_RECORD_AGENT, &own, &group->arena, &row, err);

    *held = status == SW_STATUS_OK;
    status = sw_group_may(group, status, SW_STATUS_NOT_FOUND, err);
    return status == SW_STATUS_NOT_FOUND ? SW_STATUS_OK : status;
}

/* The agent has not the id that everybody computes: has it the keyed one, or is that to be made? */
static sw_status keyed_id(sw_group *group, const sw_task *task, sw_agent *agent, bool *there,
                          sw_error *err)
{
    sw_str key = SW_NULL_STR;
    bool held = false;
    sw_status status = held_elsewhere(group, agent->id, &held, err);

    if (status == SW_STATUS_OK) {
        status = name_key(group, task->organization_id, held, &key, err);
    }
    if (status != SW_STATUS_OK || !key.ptr) {
        return status;
    }
    sw_str keyed = agent_id_of(group, key, agent, task->organization_id);
    if (!keyed.ptr) {
        return sw_group_must(group, sw_no_memory(err), err);
    }
    status = sw_group_known(group, SW_RECORD_AGENT, keyed, task->organization_id, err);
    *there = status == SW_STATUS_OK;
    agent->id = *there || held ? keyed : agent->id;
    return status == SW_STATUS_NOT_FOUND ? SW_STATUS_OK : status;
}

/* agent: name and project; gets the id. */
sw_status sw__agent_named(sw_group *group, const sw_task *task, sw_agent *agent, sw_str *plain,
                          sw_outcome *outcome, sw_error *err)
{
    bool there = true;
    sw_status status = sw__book(task, SW_RECORD_AGENT, agent, err);

    sw__outcome_reset(outcome);
    if (status != SW_STATUS_OK) {
        return status;
    }
    agent->id = agent_id_of(group, SW_NULL_STR, agent, task->organization_id);
    *plain = agent->id;
    if (!agent->id.ptr) {
        return sw_group_must(group, sw_no_memory(err), err);
    }
    status = sw_group_known(group, SW_RECORD_AGENT, agent->id, task->organization_id, err);
    if (status == SW_STATUS_NOT_FOUND) {
        there = false;
        status = keyed_id(group, task, agent, &there, err);
    }
    if (status != SW_STATUS_OK) {
        return status;
    }
    sw__outcome_id(outcome, agent->id);
    return there ? sw__unchanged(group, task, outcome, err)
                 : sw__record_create_in(group, task, SW_RECORD_AGENT, agent, outcome, err);
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
    sw_str plain = SW_NULL_STR;

    return sw__agent_named(group, task, &agent, &plain, args->outcome, err);
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

/* ---- conversations ------------------------------------------------------------------------------- */

/* The same rule, the kind being `conversation`. */
void sw_telemetry_conversation_id(const sw_actor *actor, sw_str project_id, sw_str key,
                                  char out[SW_ID_MAX])
{
    const sw_str parts[] = {SW_STR("stepwell-id-1"), sw__actor_organization(actor), project_id,
                            SW_STR("conversation"), key};
    unsigned char digest[DIGEST];
    crypto_hash_sha256_state state;

    crypto_hash_sha256_init(&state);
    for (size_t i = 0; i < SW_COUNT(parts); i++) {
        crypto_hash_sha256_update(&state, (const unsigned char *)"", i > 0);
        crypto_hash_sha256_update(&state, (const unsigned char *)(parts[i].ptr ? parts[i].ptr : ""),
                                  parts[i].len);
    }
    crypto_hash_sha256_final(&state, digest);
    digest[6] = (digest[6] & 0x0f) | 0x40;
    digest[8] = (digest[8] & 0x3f) | 0x80;
    out[sw_id_print(SW_STR("conv"), digest, out)] = '\0';
}
