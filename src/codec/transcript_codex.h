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

#define PAYLOAD_NAMES(X)                                                                           \
    X(P_TYPE, "type")                                                                              \
    X(P_ID, "id")                                                                                  \
    X(P_CWD, "cwd")                                                                                \
    X(P_VERSION, "cli_version")                                                                    \
    X(P_PROVIDER, "model_provider")                                                                \
    X(P_GIT, "git")                                                                                \
    X(P_BRANCH, "branch")                                                                          \
    X(P_FORKED, "forked_from_id")                                                                  \
    X(P_SOURCE, "source")                                                                          \
    X(P_HISTORY, "subagent_history_start_ordinal")                                                 \
    X(P_MODEL, "model")                                                                            \
    X(P_TURN, "turn_id")                                                                           \
    X(P_WINDOW, "model_context_window")                                                            \
    X(P_INFO, "info")                                                                              \
    X(P_TOTAL, "total_token_usage")                                                                \
    X(P_LAST, "last_token_usage")                                                                  \
    X(P_MESSAGE, "message")                                                                        \
    X(P_ROLE, "role")                                                                              \
    X(P_CALL, "call_id")                                                                           \
    X(P_NAME, "name")                                                                              \
    X(P_RESPONSE, "response_id")                                                                   \
    X(P_THREAD, "thread_id")                                                                       \
    X(P_USAGE, "usage")                                                                            \
    X(P_SUMS, "thread_token_usage")                                                                \
    X(P_CONTENT, "content")                                                                        \
    X(P_SESSION, "session_id")                                                                     \
    X(P_PARENT, "parent_thread_id")                                                                \
    X(P_SUB, "subagent")                                                                           \
    X(P_SPAWN, "thread_spawn")                                                                     \
    X(P_KIND, "agent_role")

enum { PAYLOAD_NAMES(SCAN_SLOT) P_SLOTS };
static const scan_name payload_names[] = {PAYLOAD_NAMES(SCAN_ROW)};

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
