/* SPDX-License-Identifier: Apache-2.0 */
/* Ids that follow from what they stand for, so that the same span gives the same row whenever, wherever and
 * however often it comes (telemetry.md E.6). Knows nothing of spans.
 */
#include <sodium.h>

#include "ingest/trace.h"

static void add_part(crypto_hash_sha256_state *state, sw_str part)
{
    static const unsigned char nul = 0;

    (void)crypto_hash_sha256_update(state, &nul, 1);
    if (part.len > 0) {
        (void)crypto_hash_sha256_update(state, (const unsigned char *)part.ptr, part.len);
    }
}

/* The first six bytes become the milliseconds, so that keys arrive in order. */
static void put_time(uint8_t *uuid, int64_t ms)
{
    for (int i = 5; i >= 0; i--) {
        uuid[i] = (uint8_t)(ms & 0xff);
        ms >>= 8;
    }
}

void trace_id_make(sw_str prefix, sw_str organization_id, sw_str project_id, sw_str kind,
                   const sw_str *keys, size_t key_count, int64_t start_ms, char out[SW_ID_MAX])
{
    static const char salt[] = "stepwell-id-1";
    crypto_hash_sha256_state state;
    uint8_t digest[crypto_hash_sha256_BYTES];
    char text[SW_ID_TEXT];
    size_t len = 0;

    (void)crypto_hash_sha256_init(&state);
    (void)crypto_hash_sha256_update(&state, (const unsigned char *)salt, sizeof salt - 1);
    add_part(&state, organization_id);
    add_part(&state, project_id);
    add_part(&state, kind);
    for (size_t i = 0; i < key_count; i++) {
        add_part(&state, keys[i]);
    }
    (void)crypto_hash_sha256_final(&state, digest);
    if (start_ms >= 0) {
        put_time(digest, start_ms);
    }
    digest[6] = (uint8_t)((digest[6] & 0x0f) | 0x40);
    digest[8] = (uint8_t)((digest[8] & 0x3f) | 0x80);
    len = sw_id_print(prefix, digest, text);
    memcpy(out, text, len);
    out[len] = '\0';
}
