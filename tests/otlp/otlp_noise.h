/* SPDX-License-Identifier: Apache-2.0 */
/* Exports in protobuf made at random: fields in any order, twice, in wire types they do not have,
 * unknown ones and groups in between, numbers longer than they need be, text that is none. Written
 * by hand and not by the writer of what is kept. */
#ifndef TEST_OTLP_NOISE_H
#define TEST_OTLP_NOISE_H

#include "tests/unit/test_base.h"

/* Adds an export of spans or of log records. */
void otlp_noise(sw_buf *out, uint64_t *random, bool logs);
/* Breaks some bytes: changes, removes or repeats them. */
void otlp_noise_break(sw_buf *bytes, uint64_t *random);

#endif
