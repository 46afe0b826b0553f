/* SPDX-License-Identifier: Apache-2.0 */
/* What trace.h calls and these tests do without: attributes, and messages read from them. */
#include "ingest/span.h"

const otlp_value *otlp_find(const otlp_attributes *attributes, sw_str key)
{
    (void)attributes;
    (void)key;
    return NULL;
}

bool otlp_bool(const otlp_value *value, bool *out)
{
    (void)value;
    (void)out;
    return false;
}

sw_status span_read_talk(const span_facts *facts, sw_arena *arena, span_talk *out, sw_error *err)
{
    (void)facts;
    (void)arena;
    (void)out;
    (void)err;
    return SW_STATUS_OK;
}
