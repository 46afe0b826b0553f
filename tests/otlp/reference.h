/* SPDX-License-Identifier: Apache-2.0 */
/* OTLP read by a protobuf library, and told as text: a second opinion on what bytes say. The text
 * is that of otlp_tell.h. Also the same message as JSON, spelled in any way that senders spell it.
 */
#ifndef TEST_OTLP_REFERENCE_H
#define TEST_OTLP_REFERENCE_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Memory of malloc, NUL at the end; NULL when the library refuses the bytes. `logs`: else spans. */
char *reference_tell(const char *bytes, size_t len, int logs);
/* The same export as JSON; `seed` chooses the spelling. NULL when it is refused. */
char *reference_json(const char *bytes, size_t len, int logs, uint64_t seed);

#ifdef __cplusplus
}
#endif

#endif
