/* SPDX-License-Identifier: Apache-2.0 */
/* Tells attributes that may hold a secret (model/secrets.def): such a one is never stored. Looks at the name only.
 */
#include "ingest/span_internal.h"

static const sw_str secrets[] = {
#define SW_SECRET(NAME, REASON) {NAME, sizeof(NAME) - 1},
#include "model/secrets.def"
#undef SW_SECRET
};

bool span_is_secret(void *unused, sw_str key)
{
    sw_str last = key;
    (void)unused;
    for (size_t i = key.len; i > 0; i--) {
        if (key.ptr[i - 1] == '.') {
            last = sw_str_make(key.ptr + i, key.len - i);
            break;
        }
    }
    for (size_t i = 0; i < SW_COUNT(secrets); i++) {
        if (last.len == secrets[i].len && span_starts(last, secrets[i].ptr)) {
            return true;
        }
    }
    return false;
}
