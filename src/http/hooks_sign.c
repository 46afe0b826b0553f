/* SPDX-License-Identifier: Apache-2.0 */
/* The signature of a delivery, by which a listener knows who sent it, that nobody changed it, and when it was
 * sent. Pure; docs/webhooks.md says how to check it.
 */
#include <sodium.h>
#include <stdio.h>

#include "http/hooks.h"

void sw_signature(sw_str secret, sw_str id, int64_t seconds, sw_str body,
                  char out[SW_SIGNATURE_TEXT])
{
    crypto_auth_hmacsha256_state state;
    uint8_t mac[crypto_auth_hmacsha256_BYTES];
    char time[32];
    char hex[2 * sizeof mac + 1];
    int length = snprintf(time, sizeof time, ".%lld.", (long long)seconds);
    sw_assert(length > 0 && (size_t)length < sizeof time);
    crypto_auth_hmacsha256_init(&state, (const uint8_t *)secret.ptr, secret.len);
    crypto_auth_hmacsha256_update(&state, (const uint8_t *)id.ptr, id.len);
    crypto_auth_hmacsha256_update(&state, (const uint8_t *)time, (unsigned long long)length);
    crypto_auth_hmacsha256_update(&state, (const uint8_t *)body.ptr, body.len);
    crypto_auth_hmacsha256_final(&state, mac);
    sw_hex_print(mac, sizeof mac, hex);
    hex[2 * sizeof mac] = '\0';
    length = snprintf(out, SW_SIGNATURE_TEXT, "t=%lld,v1=%s", (long long)seconds, hex);
    sw_assert(length > 0 && length < SW_SIGNATURE_TEXT);
    sodium_memzero(&state, sizeof state);
}
