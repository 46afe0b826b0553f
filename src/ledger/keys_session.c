/* SPDX-License-Identifier: Apache-2.0 */
/* Sessions: a key's secret and the time until which it may be shown, sealed as one text that a browser can keep. Nothing
 * is stored: whoever shows the text shows the key, and is checked as the key is each time, so that a session ends with its
 * key. Without the ledger's key the text tells nothing and cannot be made.
 */
#include <stdio.h>

#include "ledger/internal.h"

/* "session UNTIL SECRET" */
static const char form[] = "session ";
enum { FORM = sizeof form - 1 };

sw_status sw_key_session_seal(sw_ledger *ledger, sw_str secret, sw_memory *memory, sw_str *out,
                              int64_t *until_us, sw_error *err)
{
    *until_us =
        ledger->clock.wall_us(ledger->clock.data) + SW_LIMIT_SESSION_SECONDS * INT64_C(1000000);
    sw_str text = sw_arena_printf(&memory->arena, "%s%lld %.*s", form, (long long)*until_us,
                                  (int)secret.len, secret.ptr);
    return text.ptr ? sw__seal(ledger, text, &memory->arena, out, err) : sw_no_memory(err);
}

static sw_status no_session(sw_error *err)
{
    return sw_fail(err, SW_STATUS_NOT_FOUND, "", "there is no such session, or it is over");
}

sw_status sw_key_session_open(sw_ledger *ledger, sw_str sealed, sw_memory *memory, sw_str *secret,
                              int64_t *until_us, sw_error *err)
{
    sw_str text;
    int64_t until = 0;
    sw_status status = sw__unseal(ledger, sealed, &memory->arena, &text, err);
    if (status != SW_STATUS_OK) {
        return status == SW_STATUS_NO_MEMORY ? status : no_session(err);
    }
    const char *blank = text.len > FORM ? memchr(text.ptr + FORM, ' ', text.len - FORM) : NULL;
    if (!blank || memcmp(text.ptr, form, FORM) != 0 ||
        !sw_parse_int(sw_str_make(text.ptr + FORM, (size_t)(blank - text.ptr) - FORM), &until) ||
        until <= ledger->clock.wall_us(ledger->clock.data)) {
        return no_session(err);
    }
    *until_us = until;
    *secret = sw_str_make(blank + 1, text.len - (size_t)(blank + 1 - text.ptr));
    return SW_STATUS_OK;
}
