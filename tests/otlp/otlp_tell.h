/* SPDX-License-Identifier: Apache-2.0 */
/* Views of OTLP as text, to compare them with: every member is in it, texts as hexadecimal, so that
 * two texts are equal exactly when the views say the same. */
#ifndef TEST_OTLP_TELL_H
#define TEST_OTLP_TELL_H

#include "codec/otlp.h"

void otlp_tell_source(sw_buf *out, const otlp_resource *resource, const otlp_scope *scope,
                      sw_arena *arena);
void otlp_tell_span(sw_buf *out, const otlp_span *span, sw_arena *arena);
void otlp_tell_log(sw_buf *out, const otlp_log *log, sw_arena *arena);

#endif
