/* SPDX-License-Identifier: Apache-2.0 */
/* One line to whoever wants to know. Where it goes, and with what time before it, is the receiver's
 * business. A line stays a line: what a stranger sent cannot start a new one.
 */
#include <stdio.h>

#include "base/base.h"

enum { LINE_BYTES = 1024 }; /* longer lines are cut: a log is for reading */

void sw_logf(const sw_log *log, sw_log_level level, const char *format, ...)
{
    char line[LINE_BYTES] = "";
    va_list args;
    if (!log || !log->write || level > log->level) {
        return;
    }
    va_start(args, format);
    (void)vsnprintf(line, sizeof line, format, args);
    va_end(args);
    for (char *c = line; *c; c++) {
        *c = (unsigned char)*c < 0x20 || *c == 0x7f ? ' ' : *c;
    }
    log->write(log->data, level, line);
}
