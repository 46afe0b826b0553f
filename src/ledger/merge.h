/* SPDX-License-Identifier: Apache-2.0 */
/* Shallow merging of JSON objects, for run metadata. */
#ifndef SW_LEDGER_MERGE_H
#define SW_LEDGER_MERGE_H

#include "base/base.h"

/* The members of `old` that `fresh` does not name, then those of `fresh`. Both must be valid objects. */
sw_status sw__json_merge(sw_str old, sw_str fresh, sw_arena *arena, const sw_allocator *from,
                         sw_str *out, sw_error *err);

#endif
