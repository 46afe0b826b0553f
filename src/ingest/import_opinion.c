/* SPDX-License-Identifier: Apache-2.0 */
/* What people thought of a call, out of the scores of others: a thumb, an annotation by a person, or a score under a
 * name that says so (model/exports.def), from 0 to 1 or from -1 to 1. What machines scored is no opinion.
 */
#include "codec/export_rows.h"
#include "codec/transcript_scan.h"
#include "codec/usage_shape.h"
#include "ingest/import_call.h"
#include "ingest/span_internal.h"

static const char *const opinions[] = {
#define SW_EXPORT_OPINION(NAME) NAME,
#include "model/exports.def"
};

static bool is_opinion(sw_str name)
{
    for (size_t i = 0; i < SW_COUNT(opinions); i++) {
        if (span_word_is(name, opinions[i])) {
            return true;
        }
    }
    return false;
}

/* From 0 to 1, or from -1 to 1; the middle says nothing, and of another scale it is not known where it ends. */
static sw_int thumb_of(sw_str raw, sw_arena *arena)
{
    double value = 0;
    sw_str text = import_text(raw, arena);

    if (span_word_is(text, "true") || span_word_is(text, "positive")) {
        return sw_int_of(SW_FEEDBACK_POSITIVE);
    }
    if (span_word_is(text, "false") || span_word_is(text, "negative")) {
        return sw_int_of(SW_FEEDBACK_NEGATIVE);
    }
    if (!import_real(text, arena, &value) || value > 1 || value < -1 || value == 0.5) {
        return SW_NULL_INT;
    }
    return sw_int_of(value > 0.5 ? SW_FEEDBACK_POSITIVE : SW_FEEDBACK_NEGATIVE);
}

/* The value of one score, in the forms they have: itself, a list of them, statistics, an annotation. */
static sw_str score_in(sw_str score)
{
    static const char *const paths[] = {"value",        "score",        "avg",
                                        "result.score", "result.label", "0"};

    for (size_t i = 0; i < SW_COUNT(paths); i++) {
        sw_str raw = usage_at(score, paths[i]);
        if (raw.ptr && raw.ptr[0] != '{') {
            return raw;
        }
    }
    return score;
}

static void take_score(sw_str name, sw_str score, sw_arena *arena, sw_int *out)
{
    sw_str kind = import_text(usage_at(score, "annotator_kind"), arena);
    bool people = !kind.ptr || span_word_is(kind, "HUMAN");

    if (people && (is_opinion(name) || kind.ptr) && !out->known) {
        *out = thumb_of(score_in(score), arena);
    }
}

/* Scores are a map by name, or a list that names them. */
sw_int import_opinion(sw_str thumb, sw_str scores, sw_arena *arena)
{
    sw_int out = thumb_of(thumb, arena);
    sw_str all = export_open(scores, arena);
    scan s = scan_of(all);
    bool map = all.len > 0 && all.ptr[0] == '{';
    bool first = true;
    sw_str key = SW_NULL_STR;
    sw_str raw;

    if (all.len == 0 || !scan_open(&s, map ? '{' : '[')) {
        return out;
    }
    while (scan_more(&s, map ? '}' : ']', &first) && (!map || scan_key(&s, &key)) &&
           scan_value(&s, &raw)) {
        take_score(map ? key : import_text(usage_at(raw, "name"), arena), raw, arena, &out);
    }
    return out;
}
