/* SPDX-License-Identifier: Apache-2.0 */
/* How the ledger is doing: whether it still writes and reads, and how fast. Nothing of this is a record of
 * anybody's; the probe's row is a retry key that has expired already, which tidying removes.
 */
#include "ledger/internal.h"

typedef struct probe {
    sw_idempotency_key row;
    uint8_t digest[SW_DIGEST];
} probe;

static sw_status apply_probe(sw_group *group, sw_task *task, sw_error *err)
{
    probe *p = task->arg;
    p->row.first_used_at = sw_int_of(group->now_us);
    p->row.expires_at = sw_int_of(group->now_us);
    return sw_group_must(
        group, sw_store_put(group->session, SW_RECORD_IDEMPOTENCY_KEY, &p->row, err), err);
}

/* The row is there, and is the one just written, not an older one. */
static sw_status read_back(sw_ledger *ledger, const probe *p, sw_error *err)
{
    sw_session *session = NULL;
    sw_idempotency_key there = {0};
    sw_arena arena;
    sw_status status = sw__reader_take(ledger, &session, err);
    if (status != SW_STATUS_OK) {
        return status;
    }
    sw_arena_init(&arena, &ledger->allocator, 0);
    status = sw_store_get(session, SW_RECORD_IDEMPOTENCY_KEY, &p->row, &arena, &there, err);
    if (status == SW_STATUS_NOT_FOUND ||
        (status == SW_STATUS_OK && !sw_str_eq(there.digest, p->row.digest))) {
        status = sw_fail(err, SW_STATUS_CORRUPT, "", "what was written cannot be read");
    }
    sw_arena_fini(&arena);
    sw__reader_give(ledger, session);
    return status;
}

sw_status sw_ledger_probe(sw_ledger *ledger, int64_t *took_us, sw_error *err)
{
    probe p = {.row = {.organization_id = SW_STR(SW_DEFAULT_ORGANIZATION),
                       .route = SW_STR("probe"),
                       .key = SW_STR("probe")}};
    sw_task task = {.apply = apply_probe, .arg = &p, .own_organization = true};
    int64_t begun = ledger->clock.mono_us(ledger->clock.data);
    ledger->random.fill(ledger->random.data, p.digest, sizeof p.digest);
    p.row.digest = sw_str_make((const char *)p.digest, sizeof p.digest);
    sw_status status = sw__submit(ledger, NULL, &task, err);
    if (status == SW_STATUS_OK) {
        status = read_back(ledger, &p, err);
    }
    *took_us = ledger->clock.mono_us(ledger->clock.data) - begun;
    return status;
}

void sw__load_count(sw_ledger *ledger, int64_t us)
{
    size_t i = 0;
    while (i + 1 < SW_LOAD_BUCKETS && us > SW_LOAD_FIRST_US << i) {
        i++;
    }
    ledger->load.buckets[i]++;
    ledger->load.groups++;
    ledger->load.us += us;
}

void sw_ledger_load_get(sw_ledger *ledger, sw_ledger_load *out)
{
    pthread_mutex_lock(&ledger->lock);
    *out = ledger->load;
    out->queued = (int64_t)ledger->queued;
    pthread_mutex_unlock(&ledger->lock);
}
