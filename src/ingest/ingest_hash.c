/* SPDX-License-Identifier: Apache-2.0 */
/* Where an id stands in a table. Whoever sends chooses ids, and knows this source: so the key is drawn by each process,
 * and the hash is one of which no input is known that falls to the same place under every key (SipHash). Of sw_hash
 * there are such: it multiplies, and one chosen word makes that a zero.
 */
#include <sodium.h>

#include "ingest/ingest_inside.h"

void ingest_draw_key(ingest_key *out)
{
    sw__system_random.fill(sw__system_random.data, out->bytes, sizeof out->bytes);
}

uint64_t ingest_hash(const ingest_key *key, const void *data, size_t len)
{
    uint64_t out = 0;
    unsigned char bytes[crypto_shorthash_BYTES];

    _Static_assert(sizeof key->bytes == crypto_shorthash_KEYBYTES, "a key of the hash");
    _Static_assert(sizeof out == sizeof bytes, "a hash is one number");
    (void)crypto_shorthash(bytes, data, len, key->bytes);
    memcpy(&out, bytes, sizeof out);
    return out;
}
