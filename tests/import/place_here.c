/* SPDX-License-Identifier: Apache-2.0 */
/* The way of an import in which all is on one machine. */
#include "tests/import/place.h"

const bool place_sends = false;

sw_status place_way(sw_ledger *ledger, const sw_actor *actor, const import_options *options,
                    const char *const *paths, size_t count, import_result *out, sw_error *err)
{
    return import_paths(ledger, actor, options, paths, count, out, err);
}
