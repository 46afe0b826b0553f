/* SPDX-License-Identifier: Apache-2.0 */
/* What happens when something goes wrong: a broken assertion ends the process, everything else
 * becomes a status with a sentence. Knows the rows of status.def and nothing of who failed.
 *
 * A message may quote what a stranger sent and is cut to fit, and it later travels in JSON;
 * therefore it is made valid UTF-8 here, once, for everybody.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/base.h"

_Noreturn void sw__assert_failed(const char *what, const char *file, int line)
{
    fprintf(stderr, "stepwell: this must not happen: %s (%s:%d)\n", what, file, line);
    abort();
}

const char *sw_status_name(sw_status status)
{
    switch (status) {
#define SW_STATUS(NAME, NUMBER, HTTP, EXIT, RETRY, MESSAGE, DOC)                                   \
    case SW_STATUS_##NAME:                                                                         \
        return #NAME;
#include "model/status.def"
#undef SW_STATUS
    }
    return "UNKNOWN";
}

const char *sw_status_message(sw_status status)
{
    switch (status) {
#define SW_STATUS(NAME, NUMBER, HTTP, EXIT, RETRY, MESSAGE, DOC)                                   \
    case SW_STATUS_##NAME:                                                                         \
        return MESSAGE;
#include "model/status.def"
#undef SW_STATUS
    }
    return "unknown status";
}

bool sw_status_retryable(sw_status status)
{
    switch (status) {
#define SW_STATUS(NAME, NUMBER, HTTP, EXIT, RETRY, MESSAGE, DOC)                                   \
    case SW_STATUS_##NAME:                                                                         \
        return RETRY;
#include "model/status.def"
#undef SW_STATUS
    }
    return false;
}

/* Takes off the last character when cutting left only a part of it. */
static size_t whole_characters(const char *text, size_t len)
{
    size_t lead = len;
    while (lead > 0 && len - lead < 3 && ((unsigned char)text[lead - 1] & 0xc0) == 0x80) {
        lead--;
    }
    if (lead == 0 || (unsigned char)text[lead - 1] < 0xc0) {
        return len;
    }
    return sw_utf8_valid(sw_str_make(text + lead - 1, len - lead + 1)) ? len : lead - 1;
}

/* Ends the text at `len`, which is where it was cut when `cut`, and leaves only valid UTF-8 in it.
 */
static void finish_text(char *text, size_t len, bool cut)
{
    if (cut) {
        len = whole_characters(text, len);
    }
    text[len] = '\0';
    if (sw_utf8_valid(sw_str_make(text, len))) {
        return;
    }
    for (size_t i = 0; i < len; i++) {
        text[i] = (unsigned char)text[i] < 0x80 ? text[i] : '?';
    }
}

sw_status sw_fail(sw_error *err, sw_status status, const char *field, const char *format, ...)
{
    /* Written beside and copied, so that the arguments may point into *err: callers put their own
     * words before the message of the call that failed them.
     */
    sw_error fresh = {.status = status};
    va_list args;
    if (!err) {
        return status;
    }
    va_start(args, format);
    int want = vsnprintf(fresh.message, sizeof fresh.message, format, args);
    va_end(args);
    size_t len = want < 0 ? 0 : (size_t)want;
    bool cut = len >= sizeof fresh.message;
    finish_text(fresh.message, cut ? sizeof fresh.message - 1 : len, cut);

    len = field ? strlen(field) : 0;
    cut = len >= sizeof fresh.field;
    len = cut ? sizeof fresh.field - 1 : len;
    memcpy(fresh.field, field ? field : "", len);
    finish_text(fresh.field, len, cut);
    *err = fresh;
    return status;
}

sw_status sw_no_memory(sw_error *err)
{
    return sw_fail(err, SW_STATUS_NO_MEMORY, NULL, "%s", sw_status_message(SW_STATUS_NO_MEMORY));
}

void sw_error_path(sw_error *err, const char *path)
{
    size_t n = strlen(path);
    size_t m = strlen(err->field);
    if (n + m >= sizeof err->field) {
        return;
    }
    memmove(err->field + n, err->field, m + 1);
    memcpy(err->field, path, n);
    if (m == 0 && n > 0 && path[n - 1] == '.') {
        err->field[n - 1] = '\0';
    }
}
