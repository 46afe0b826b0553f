/* SPDX-License-Identifier: Apache-2.0 */
/* The names in Codex's rollouts, for the one who tells what a file is and the one who reads it. Every word here is
 * Codex's own and stands in its files as it stands here (telemetry.md G). */
#ifndef SW_CODEC_TRANSCRIPT_CODEX_H
#define SW_CODEC_TRANSCRIPT_CODEX_H

#include "codec/transcript_inside.h"

enum { L_TIME, L_TYPE, L_PAYLOAD, L_ORDINAL, L_THREAD, L_MODEL, L_USAGE, L_HOLDER, L_SLOTS };

static const scan_name line_names[] = {
    SCAN_NAME(L_TIME, "timestamp"),   SCAN_NAME(L_TYPE, "type"),
    SCAN_NAME(L_PAYLOAD, "payload"),  SCAN_NAME(L_ORDINAL, "ordinal"),
    SCAN_NAME(L_TIME, "created_at"),  SCAN_NAME(L_TIME, "createdAt"),
    SCAN_NAME(L_THREAD, "thread_id"), SCAN_NAME(L_MODEL, "model"),
    SCAN_NAME(L_USAGE, "usage"),      SCAN_NAME(L_HOLDER, "data"),
    SCAN_NAME(L_HOLDER, "result"),    SCAN_NAME(L_HOLDER, "response"),
};

enum {
    P_TYPE,
    P_ID,
    P_CWD,
    P_VERSION,
    P_PROVIDER,
    P_GIT,
    P_BRANCH,
    P_FORKED,
    P_SOURCE,
    P_HISTORY,
    P_MODEL,
    P_TURN,
    P_WINDOW,
    P_INFO,
    P_TOTAL,
    P_LAST,
    P_MESSAGE,
    P_ROLE,
    P_CALL,
    P_NAME,
    P_RESPONSE,
    P_THREAD,
    P_USAGE,
    P_SUMS,
    P_CONTENT,
    P_SESSION,
    P_PARENT,
    P_SUB,
    P_SPAWN,
    P_KIND,
    P_SLOTS
};

static const scan_name payload_names[] = {
    SCAN_NAME(P_TYPE, "type"),
    SCAN_NAME(P_ID, "id"),
    SCAN_NAME(P_CWD, "cwd"),
    SCAN_NAME(P_VERSION, "cli_version"),
    SCAN_NAME(P_PROVIDER, "model_provider"),
    SCAN_NAME(P_GIT, "git"),
    SCAN_NAME(P_BRANCH, "branch"),
    SCAN_NAME(P_FORKED, "forked_from_id"),
    SCAN_NAME(P_SOURCE, "source"),
    SCAN_NAME(P_HISTORY, "subagent_history_start_ordinal"),
    SCAN_NAME(P_MODEL, "model"),
    SCAN_NAME(P_TURN, "turn_id"),
    SCAN_NAME(P_WINDOW, "model_context_window"),
    SCAN_NAME(P_INFO, "info"),
    SCAN_NAME(P_TOTAL, "total_token_usage"),
    SCAN_NAME(P_LAST, "last_token_usage"),
    SCAN_NAME(P_MESSAGE, "message"),
    SCAN_NAME(P_ROLE, "role"),
    SCAN_NAME(P_CALL, "call_id"),
    SCAN_NAME(P_NAME, "name"),
    SCAN_NAME(P_RESPONSE, "response_id"),
    SCAN_NAME(P_THREAD, "thread_id"),
    SCAN_NAME(P_USAGE, "usage"),
    SCAN_NAME(P_SUMS, "thread_token_usage"),
    SCAN_NAME(P_CONTENT, "content"),
    SCAN_NAME(P_SESSION, "session_id"),
    SCAN_NAME(P_PARENT, "parent_thread_id"),
    SCAN_NAME(P_SUB, "subagent"),
    SCAN_NAME(P_SPAWN, "thread_spawn"),
    SCAN_NAME(P_KIND, "agent_role"),
};

enum { U_INPUT, U_CACHED, U_WRITTEN, U_OUTPUT, U_REASONING, U_TOTAL, U_SLOTS };

static const scan_name usage_names[] = {
    SCAN_NAME(U_INPUT, "input_tokens"),
    SCAN_NAME(U_CACHED, "cached_input_tokens"),
    SCAN_NAME(U_WRITTEN, "cache_write_input_tokens"),
    SCAN_NAME(U_OUTPUT, "output_tokens"),
    SCAN_NAME(U_REASONING, "reasoning_output_tokens"),
    SCAN_NAME(U_TOTAL, "total_tokens"),
    SCAN_NAME(U_INPUT, "prompt_tokens"),
    SCAN_NAME(U_CACHED, "cached_tokens"),
    SCAN_NAME(U_OUTPUT, "completion_tokens"),
};

/* The thread that this one continues, or was spawned by; null: none. `kind`: what kind of agent it was spawned as. */
static inline sw_str codex_origin(const sw_str meta[P_SLOTS], sw_arena *arena, bool *spawned,
                                  sw_str *kind)
{
    sw_str source[P_SLOTS] = {SW_NULL_STR};
    sw_str sub[P_SLOTS] = {SW_NULL_STR};
    sw_str spawn[P_SLOTS] = {SW_NULL_STR};

    (void)scan_object(meta[P_SOURCE], payload_names, SW_COUNT(payload_names), source);
    (void)scan_object(source[P_SUB], payload_names, SW_COUNT(payload_names), sub);
    (void)scan_object(sub[P_SPAWN], payload_names, SW_COUNT(payload_names), spawn);
    *spawned = source[P_SUB].ptr != NULL;
    *kind = scan_text(spawn[P_KIND], arena);
    return scan_text(scan_is_string(meta[P_FORKED])   ? meta[P_FORKED]
                     : scan_is_string(meta[P_PARENT]) ? meta[P_PARENT]
                                                      : spawn[P_PARENT],
                     arena);
}

#endif
