/* SPDX-License-Identifier: Apache-2.0 */
/* Secrets at rest: XChaCha20-Poly1305 of libsodium under the ledger's key, as text
 * "sealed:1:" + base64(nonce, ciphertext). Without a key nothing is sealed and nothing is opened.
 */
#include <sodium.h>

#include "ledger/internal.h"

static const char form[] = "sealed:1:";
enum {
    FORM = sizeof form - 1,
    NONCE = crypto_aead_xchacha20poly1305_ietf_NPUBBYTES,
    TAG = crypto_aead_xchacha20poly1305_ietf_ABYTES,
    BASE64 = sodium_base64_VARIANT_ORIGINAL
};

sw_status sw__seal(const sw_ledger *ledger, sw_str secret, sw_arena *arena, sw_str *out,
                   sw_error *err)
{
    size_t raw_len = NONCE + secret.len + TAG;
    size_t text_len = FORM + sodium_base64_ENCODED_LEN(raw_len, BASE64);
    unsigned char *raw = NULL;
    char *text = NULL;

    if (!ledger->has_secret_key) {
        return sw_fail(err, SW_STATUS_UNSUPPORTED, "", "there is no key to seal secrets with");
    }
    if (secret.len > SW_LIMIT_TEXT_BYTES / 2) {
        return sw_fail(err, SW_STATUS_TOO_LARGE, "", "a secret has at most %d bytes",
                       (int)SW_LIMIT_TEXT_BYTES / 2);
    }
    raw = sw_arena_alloc(arena, raw_len);
    text = sw_arena_alloc(arena, text_len);
    if (!raw || !text) {
        return sw_no_memory(err);
    }
    ledger->random.fill(ledger->random.data, raw, NONCE);
    crypto_aead_xchacha20poly1305_ietf_encrypt(raw + NONCE, NULL, (const unsigned char *)secret.ptr,
                                               secret.len, NULL, 0, NULL, raw, ledger->secret_key);
    memcpy(text, form, FORM);
    sodium_bin2base64(text + FORM, text_len - FORM, raw, raw_len, BASE64);
    *out = sw_str_from(text);
    return SW_STATUS_OK;
}

sw_status sw__secret_mark(const sw_ledger *ledger, sw_str secret, sw_arena *arena, sw_str *out,
                          sw_error *err)
{
    unsigned char mark[SW_DIGEST];

    if (!ledger->has_secret_key) {
        return sw_fail(err, SW_STATUS_UNSUPPORTED, "", "there is no key to seal secrets with");
    }
    _Static_assert(SW_DIGEST >= crypto_generichash_BYTES_MIN, "a hash of this length exists");
    (void)crypto_generichash(mark, sizeof mark, (const unsigned char *)secret.ptr, secret.len,
                             ledger->secret_key, sizeof ledger->secret_key);
    *out = sw_arena_str(arena, sw_str_make((const char *)mark, sizeof mark));
    return out->ptr ? SW_STATUS_OK : sw_no_memory(err);
}

sw_status sw__unseal(const sw_ledger *ledger, sw_str sealed, sw_arena *arena, sw_str *out,
                     sw_error *err)
{
    unsigned char *raw = NULL;
    unsigned char *plain = NULL;
    size_t raw_len = 0;

    if (!ledger->has_secret_key) {
        return sw_fail(err, SW_STATUS_UNSUPPORTED, "", "there is no key to open secrets with");
    }
    if (sealed.len < FORM || memcmp(sealed.ptr, form, FORM) != 0) {
        return sw_fail(err, SW_STATUS_UNSUPPORTED, "", "the secret is sealed in another form");
    }
    raw = sw_arena_alloc(arena, sealed.len);
    plain = sw_arena_alloc(arena, sealed.len);
    if (!raw || !plain) {
        return sw_no_memory(err);
    }
    if (sodium_base642bin(raw, sealed.len, sealed.ptr + FORM, sealed.len - FORM, NULL, &raw_len,
                          NULL, BASE64) != 0 ||
        raw_len < NONCE + TAG ||
        crypto_aead_xchacha20poly1305_ietf_decrypt(plain, NULL, NULL, raw + NONCE, raw_len - NONCE,
                                                   NULL, 0, raw, ledger->secret_key) != 0) {
        return sw_fail(err, SW_STATUS_INVALID, "", "the secret was sealed with another key");
    }
    *out = sw_str_make((const char *)plain, raw_len - NONCE - TAG);
    return SW_STATUS_OK;
}
