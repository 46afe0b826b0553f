/* SPDX-License-Identifier: Apache-2.0 */
/* Starting and ending what runs besides the answering, in one place. */
#include "http/live.h"

#include "http/auth.h"
#include "http/hooks.h"
#include "http/tail.h"

sw_status sw_live_start(sw_ledger *ledger, const sw_settings *settings, bool local,
                        const sw_log *log, sw_live *out, sw_error *err)
{
    *out = (sw_live){0};
    sw_status status = sw_auth_new(ledger, settings, local, &out->auth, err);
    if (status == SW_STATUS_OK) {
        status = sw_tail_start(ledger, log, &out->tail, err);
    }
    if (status == SW_STATUS_OK) {
        status = sw_hooks_start(ledger, settings, log, &out->hooks, err);
    }
    if (status != SW_STATUS_OK) {
        sw_live_stop(out);
    }
    return status;
}

void sw_live_end(sw_live *live)
{
    sw_tail_end(live->tail);
    sw_hooks_end(live->hooks);
}

void sw_live_stop(sw_live *live)
{
    sw_hooks_stop(&live->hooks);
    sw_tail_stop(&live->tail);
    sw_auth_free(&live->auth);
}
