/* SPDX-License-Identifier: Apache-2.0 */
/* Files of exports: one after the other, whatever way they were written and packed. */
#ifndef SW_CLI_REPLAY_H
#define SW_CLI_REPLAY_H

#include "codec/otlp.h"

typedef struct sw_replay sw_replay;

typedef struct sw_replay_export {
    sw_str bytes; /* until the next one */
    otlp_wire wire;
    otlp_signal signal;
} sw_replay_export;

/* INVALID: it cannot be read; the error names it. */
sw_status sw_replay_open(const char *path, const sw_allocator *from, sw_replay **out,
                         sw_error *err) SW_MUST_CHECK;
/* The next export; `end`: there was none. INVALID: what follows is no export. TOO_LARGE. */
sw_status sw_replay_next(sw_replay *replay, sw_replay_export *out, bool *end,
                         sw_error *err) SW_MUST_CHECK;
/* How much of the file was read, and how large it is; 0: it does not say. */
int64_t sw_replay_done(const sw_replay *replay);
int64_t sw_replay_size(const sw_replay *replay);
void sw_replay_close(sw_replay **replay);

/* Pure: what the bytes of an export are. False: neither JSON nor protobuf of OTLP. */
bool sw_replay_signal(otlp_wire wire, sw_str bytes, otlp_signal *out);

#endif
