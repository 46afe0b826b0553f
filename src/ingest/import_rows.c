/* SPDX-License-Identifier: Apache-2.0 */
/* What the readers of others' rows share (exchanges, exports, opinions): values as they may be written, and how a
 * damaged row is told. Knows no format.
 */
#include <math.h>
#include <stdlib.h>

#include "codec/transcript_scan.h"
#include "ingest/import_call.h"

void import_bad_row(import_work *work, const import_file *file, int64_t line, const char *why)
{
    if (file->again) {
        return;
    }
    work->result->lines++;
    work->result->bad_lines++;
    if (work->options->bad_line) {
        work->options->bad_line(work->options->arg, file->path, line, why);
    }
}

sw_str import_text(sw_str raw, sw_arena *arena)
{
    return scan_is_string(raw) ? scan_text(raw, arena) : raw;
}

bool import_real(sw_str text, sw_arena *arena, double *out)
{
    char *end = NULL;
    sw_str copy = text.len && text.len < 64
                      ? sw_arena_printf(arena, "%.*s", (int)text.len, text.ptr)
                      : SW_NULL_STR;

    *out = copy.ptr ? strtod(copy.ptr, &end) : 0;
    return copy.ptr && end > copy.ptr && *end == '\0' && isfinite(*out);
}

sw_int import_after(sw_int start_us, sw_str ms, sw_arena *arena)
{
    enum { MS_US = 1000 };
    const double most = 1e10; /* four months */
    double value = 0;

    return start_us.known && import_real(import_text(ms, arena), arena, &value) && value >= 0 &&
                   value < most
               ? sw_int_of(start_us.value + (int64_t)llround(value * MS_US))
               : SW_NULL_INT;
}
