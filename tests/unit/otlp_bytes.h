/* SPDX-License-Identifier: Apache-2.0 */
/* Bytes for the tests of OTLP, written down as hexadecimal. */
#ifndef TEST_OTLP_BYTES_H
#define TEST_OTLP_BYTES_H

#include "base/base.h"

/* `out` has room for a byte of every two digits. */
static inline sw_str otlp_from_hex(const char *hex, char *out)
{
    size_t len = strlen(hex) / 2;
    sw_assert(sw_hex_parse(sw_str_from(hex), (uint8_t *)out, len));
    return sw_str_make(out, len);
}

#endif
