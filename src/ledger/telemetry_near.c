/* SPDX-License-Identifier: Apache-2.0 */
/* Names that are made of counts (telemetry.md E.5). Codex names no request, so its thread and the tokens of a call are the
 * call's name; after a thread was rolled back or compacted the same counts may come again. Then the time tells: within the
 * window it is one call, beyond it another, and the later one has the name with a number behind it. Where a time is not
 * known, the name alone says it.
 */
#include "ledger/telemetry_inside.h"

/* How far apart the ends of two tellings of one call may be; and how many calls of one name are told apart. */
enum { WINDOW_S = 5, SAME_MOST = 16 };
#define SECOND_NS INT64_C(1000000000)

bool sw__telemetry_counted(sw_str kind)
{
    return sw_str_eq(kind, SW_STR("codex-counts")) || sw_str_eq(kind, SW_STR("codex-call"));
}

/* When the answer was there. */
static sw_int end_of(const sw_step_metrics *m)
{
    if (!m->llm_request_start_ns.known || m->llm_request_start_ns.value < 0 ||
        m->llm_request_ns.value < 0 ||
        m->llm_request_ns.value > INT64_MAX - m->llm_request_start_ns.value) {
        return SW_NULL_INT;
    }
    return sw_int_of(m->llm_request_start_ns.value + m->llm_request_ns.value);
}

bool sw__telemetry_apart(const sw_step_metrics *a, const sw_step_metrics *b)
{
    sw_int x = end_of(a);
    sw_int y = end_of(b);

    return x.known && y.known &&
           (x.value > y.value ? x.value - y.value : y.value - x.value) > WINDOW_S * SECOND_NS;
}

sw_str sw__telemetry_name(sw_str value, int n, sw_arena *arena)
{
    if (n > SAME_MOST) {
        return SW_NULL_STR;
    }
    return n < 2 ? value : sw_arena_printf(arena, "%.*s #%d", (int)value.len, value.ptr, n);
}
