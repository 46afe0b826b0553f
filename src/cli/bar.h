/* SPDX-License-Identifier: Apache-2.0 */
/* When a step ran, as a bar within a stretch of time: the model's time full, tools' time hatched, what is
 * neither thin. Without timings there is a mark where it began.
 */
#ifndef SW_CLI_BAR_H
#define SW_CLI_BAR_H

#include "cli/cli.h"

typedef struct sw_span_of_step {
    int64_t begun_us;
    int64_t ended_us; /* the beginning, where no duration is known */
    sw_int step_ns;
    sw_int model_ns;
    sw_int tool_ns;
} sw_span_of_step;

/* `metrics` NULL: there are none. */
sw_span_of_step sw_span_of(const sw_step *step, const sw_step_metrics *metrics);
/* At most `width` columns, for the stretch from..to; nothing behind its end. */
sw_str sw_bar_show(sw_arena *arena, const sw_span_of_step *span, int64_t from_us, int64_t to_us,
                   int width);

#endif
