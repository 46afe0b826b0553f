/* SPDX-License-Identifier: Apache-2.0 */
/* JSON documents made at random, with any white space and any escape that is allowed. Written by hand and
 * not by sw_json_out, so that the reader is not tested with its own brother.
 */
#ifndef TEST_JSON_NOISE_H
#define TEST_JSON_NOISE_H

#include "test_base.h"

typedef struct json_noise {
    uint64_t random;
    sw_buf buf;
    int keys;
} json_noise;

/* The next document, in `buf`. */
void json_noise_next(json_noise *w);

#endif
