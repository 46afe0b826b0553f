/* SPDX-License-Identifier: Apache-2.0 */
/* How a call ended, in the words of providers and by the classes of errors (model/finish_words.def). Knows words
 * only; which attribute holds one is span_error.c's.
 */
#include "ingest/span_internal.h"

typedef enum finish_flag { PLAIN, CALLS, KEEP } finish_flag;

enum { STOP_REASON_NONE = -1 };
#define REASON(NAME) SW_STOP_REASON_##NAME
#define SW_STOP_REASON_NONE STOP_REASON_NONE

static const struct {
    const char *word;
    int reason;
    sw_step_status status;
    finish_flag flag;
} finishes[] = {
#define SW_FINISH(WORD, NAME, STATUS, FLAG) {WORD, REASON(NAME), SW_STEP_STATUS_##STATUS, FLAG},
#define SW_ERROR_CLASS(CLASS, NAME, STATUS)
#include "model/finish_words.def"
#undef SW_FINISH
#undef SW_ERROR_CLASS
};

static const struct {
    const char *name;
    int reason;
    sw_step_status status;
} classes[] = {
#define SW_FINISH(WORD, NAME, STATUS, FLAG)
#define SW_ERROR_CLASS(CLASS, NAME, STATUS) {CLASS, REASON(NAME), SW_STEP_STATUS_##STATUS},
#include "model/finish_words.def"
#undef SW_FINISH
#undef SW_ERROR_CLASS
};

static sw_str reason_word(int reason)
{
    return reason < 0 ? SW_NULL_STR : sw_str_from(sw_enum_word(SW_ENUM_stop_reason, reason));
}

bool span_finish(sw_str word, span_end *end)
{
    for (size_t i = 0; i < SW_COUNT(finishes); i++) {
        if (span_word_is(word, finishes[i].word)) {
            *end = (span_end){.status = finishes[i].status,
                              .stop_reason = reason_word(finishes[i].reason),
                              .calls_tools = finishes[i].flag == CALLS};
            if (finishes[i].flag == KEEP) {
                end->error_type = sw_str_from(finishes[i].word);
            }
            return true;
        }
    }
    return false;
}

/* The end of the text, at the beginning of a name. */
static bool names_class(sw_str type, const char *name)
{
    size_t len = strlen(name);
    if (type.len < len || !span_word_is(sw_str_make(type.ptr + type.len - len, len), name)) {
        return false;
    }
    return type.len == len || strchr(".:/ $", type.ptr[type.len - len - 1]);
}

bool span_error_class(sw_str type, span_end *end)
{
    for (size_t i = 0; i < SW_COUNT(classes); i++) {
        if (names_class(type, classes[i].name)) {
            end->status = classes[i].status;
            end->stop_reason = reason_word(classes[i].reason);
            return true;
        }
    }
    return false;
}
