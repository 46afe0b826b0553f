/* SPDX-License-Identifier: Apache-2.0 */
/* Reading rows in order to change them (gather.c), and the tools that messages call (tools.c). */
#ifndef SW_LEDGER_GATHER_H
#define SW_LEDGER_GATHER_H

#include "ledger/internal.h"

/* The different tools a message calls, at most SW_TOOLS of them: the first ones it names. */
enum { SW_TOOLS = 256 };
typedef struct sw_tool_names {
    sw_str *at;
    size_t count;
} sw_tool_names;

/* Reads them from a message's tool_calls; copies in the arena. False: no memory. */
bool sw__tools_of(sw_str tool_calls, sw_arena *arena, sw_tool_names *out) SW_MUST_CHECK;
/* A message that calls them comes to the run (sign +1) or goes (-1). *changed is set when the run's
 * list of tools becomes another; sw__tools_list then writes it anew, once for all messages. */
sw_status sw__tools_move(sw_group *group, sw_str organization_id, sw_str run_id,
                         const sw_tool_names *names, int sign, bool *changed,
                         sw_error *err) SW_MUST_CHECK;
sw_status sw__tools_list(sw_group *group, sw_str run_id, sw_error *err) SW_MUST_CHECK;
/* The run whose tools a step's messages count for; null: none. */
sw_str sw__tools_run(const sw_step *step);
/* The JSON array of the run's tools, from its run_tools; null text when there are none. */
sw_status sw__tools_json(sw_session *session, sw_str run_id, sw_arena *arena, sw_str *out,
                         sw_error *err) SW_MUST_CHECK;

/* A walk in pages over the rows of `record` whose field `by` is `id`. Set `fields`, and `order` unless
 * each row is removed before the next page is asked for. Rows live until the page after the next. */
enum { SW_PAGE = 128 };
typedef struct sw_page {
    sw_group *group;
    sw_record_id record;
    uint8_t by;
    sw_str id;
    uint8_t order[2];
    uint8_t order_count;
    uint64_t fields;
    bool with_tools; /* of messages: also what they call */
    void *rows;
    size_t count; /* 0 after sw__page_next: the end */
    sw_tool_names *tools;
    sw_arena arenas[2];
    size_t turn;
    bool no_memory;
} sw_page;
void sw__page_open(sw_page *page, sw_group *group, sw_record_id record, uint8_t by, sw_str id);
void sw__page_close(sw_page *page);
sw_status sw__page_next(sw_page *page, sw_error *err) SW_MUST_CHECK;

#endif
