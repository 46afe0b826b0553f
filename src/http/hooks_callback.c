/* SPDX-License-Identifier: Apache-2.0 */
/* The body of a run's callback, as V1 sends it: the run's own metadata with a `result` in it that holds
 * the run's messages, why it ended and what it used. Unlike V1's it is sent for every run that ends:
 * a run without metadata gets an object with the result alone, one without a stop reason a null.
 */
#include "codec/letta_message.h"
#include "codec/record.h"
#include "http/hooks.h"
#include "model/model.h"

/* The members of the stored object, except one that `result` replaces. */
static void put_members(sw_str object, sw_arena *arena, sw_json_out *json)
{
    sw_json in;
    sw_json_init(&in, object, arena);
    if (!object.ptr || sw_json_next(&in) != SW_JSON_OBJECT) {
        return;
    }
    while (sw_json_next(&in) == SW_JSON_KEY) {
        sw_str key = in.text;
        sw_str raw = SW_NULL_STR;
        sw_json_next(&in);
        if (!sw_json_skip(&in, &raw)) {
            return;
        }
        if (!sw_str_eq(key, SW_STR("result"))) {
            sw_json_key(json, key);
            sw_json_raw(json, raw);
        }
    }
}

/* ---- the result ------------------------------------------------------------------------------------ */

typedef struct talk {
    sw_json_out *json;
    sw_letta_view view;
    sw_arena arena;
    sw_status status;
    sw_error *err;
} talk;

static bool show_message(void *arg, const void *row)
{
    talk *t = arg;
    size_t count = 0;
    t->status = sw_letta_write(row, &t->view, &t->arena, t->json, &count, t->err);
    sw_arena_reset(&t->arena);
    return t->status == SW_STATUS_OK;
}

static sw_status put_messages(sw_ledger *ledger, const sw_actor *actor, const sw_run *run,
                              sw_memory *memory, sw_json_out *json, sw_error *err)
{
    sw_value value = {.text = run->id};
    sw_condition condition = {SW_MESSAGE_RUN_ID, SW_OP_EQ, &value, 1};
    sw_list_query query = {.conditions = &condition,
                           .condition_count = 1,
                           .ascending = true,
                           .limit = SW_LIMIT_LIST_ITEMS};
    talk t = {.json = json, .status = SW_STATUS_OK, .err = err};
    sw_list_end end;
    sw_agent agent = {0};
    sw_arena_init(&t.arena, json->buf->from, 0);
    sw_status status = sw_get(ledger, actor, SW_RECORD_AGENT, run->agent_id, memory, &agent, err);
    if (status == SW_STATUS_OK || status == SW_STATUS_NOT_FOUND) {
        t.view.text_is_answer = sw_letta_text_is_answer(agent.agent_type);
        t.view.types = sw_letta_types_of_config(run->request_config, &t.arena);
        status = sw_list(ledger, actor, SW_RECORD_MESSAGE, &query, show_message, &t, &end, err);
    }
    sw_arena_fini(&t.arena);
    return status == SW_STATUS_OK ? t.status : status;
}

static void put_int(sw_json_out *json, const char *key, int64_t value, bool known)
{
    sw_json_key(json, sw_str_from(key));
    if (known) {
        sw_json_int(json, value);
    } else {
        sw_json_null(json);
    }
}

static void put_usage(const sw_run *run, const sw_run_metrics *sums, sw_json_out *json)
{
    sw_json_open(json, '{');
    sw_json_key(json, SW_STR("message_type"));
    sw_json_str(json, SW_STR("usage_statistics"));
    put_int(json, "completion_tokens", sums->completion_tokens.value, true);
    put_int(json, "prompt_tokens", sums->prompt_tokens.value, true);
    put_int(json, "total_tokens", sums->total_tokens.value, true);
    put_int(json, "step_count", sums->num_steps.value, true);
    sw_json_key(json, SW_STR("run_ids"));
    sw_json_open(json, '[');
    sw_json_str(json, run->id);
    sw_json_close(json, ']');
    put_int(json, "cached_input_tokens", sums->cached_input_tokens.value,
            sums->cached_known.value > 0);
    put_int(json, "cache_write_tokens", sums->cache_write_tokens.value,
            sums->cache_write_known.value > 0);
    put_int(json, "reasoning_tokens", sums->reasoning_tokens.value,
            sums->reasoning_known.value > 0);
    sw_json_close(json, '}');
}

static sw_status put_result(sw_ledger *ledger, const sw_actor *actor, const sw_run *run,
                            sw_memory *memory, sw_json_out *json, sw_error *err)
{
    sw_run_metrics sums = {0};
    sw_status status = sw_run_usage(ledger, actor, run->id, memory, &sums, err);
    if (status != SW_STATUS_OK) {
        return status;
    }
    sw_json_open(json, '{');
    sw_json_key(json, SW_STR("messages"));
    sw_json_open(json, '[');
    status = put_messages(ledger, actor, run, memory, json, err);
    sw_json_close(json, ']');
    sw_json_key(json, SW_STR("stop_reason"));
    sw_json_open(json, '{');
    sw_json_key(json, SW_STR("message_type"));
    sw_json_str(json, SW_STR("stop_reason"));
    sw_json_key(json, SW_STR("stop_reason"));
    sw_json_str(json, run->stop_reason);
    sw_json_close(json, '}');
    sw_json_key(json, SW_STR("usage"));
    put_usage(run, &sums, json);
    sw_json_close(json, '}');
    return status;
}

sw_status sw_callback_body(sw_ledger *ledger, const sw_actor *actor, const sw_run *run,
                           sw_memory *memory, sw_json_out *json, sw_error *err)
{
    char time[SW_TIME_TEXT];
    size_t length = sw_time_print(run->completed_at.value, false, time);
    sw_arena arena;
    sw_arena_init(&arena, json->buf->from, 0);
    sw_json_open(json, '{');
    sw_json_key(json, SW_STR("run_id"));
    sw_json_str(json, run->id);
    sw_json_key(json, SW_STR("status"));
    sw_json_str(json, sw_str_from(sw_enum_word(SW_ENUM_run_status, run->status.value)));
    sw_json_key(json, SW_STR("completed_at"));
    sw_json_str(json, run->completed_at.known ? sw_str_make(time, length) : SW_NULL_STR);
    sw_json_key(json, SW_STR("metadata"));
    sw_json_open(json, '{');
    put_members(run->metadata, &arena, json);
    sw_json_key(json, SW_STR("result"));
    sw_status status = put_result(ledger, actor, run, memory, json, err);
    sw_json_close(json, '}');
    sw_json_close(json, '}');
    sw_arena_fini(&arena);
    return status;
}
