/* SPDX-License-Identifier: Apache-2.0 */
/* Token counts as a source gave them, before the one rule of counting (telemetry.md B.6) is applied to them. */
#ifndef SW_CODEC_USAGE_COUNTS_H
#define SW_CODEC_USAGE_COUNTS_H

#include "base/base.h"

/* Null: not given. All members are of one type, so that they can be walked. */
typedef struct usage_counts {
    sw_int input, output, total;
    sw_int cache_read, cache_write, cache_write_5m, cache_write_1h;
    sw_int reasoning;
    sw_int no_cache; /* AI SDK's noCacheTokens: settles the mode */
    sw_int tool_use; /* Gemini: prompt tokens of tools, on top */
    sw_int audio_in, audio_out, image_in, text_in, text_out, video_in;
} usage_counts;

/* What the input contains: the caches or not, or that is not settled. Added to either: BESIDE, reasoning stands beside
 * the output. */
typedef enum usage_mode {
    USAGE_OPEN = -1,
    USAGE_INCLUSIVE = 0,
    USAGE_EXCLUSIVE = 1,
    USAGE_BESIDE = 2,
    USAGE_INCLUSIVE_BESIDE = USAGE_INCLUSIVE | USAGE_BESIDE
} usage_mode;

#endif
