/* SPDX-License-Identifier: Apache-2.0 */
/* Records one step: it begins, the model is called, it ends. Usage: record STORE, where STORE is a path or
 * "sqlite:PATH". Build: cc record.c $(pkg-config --cflags --libs stepwell)
 */
#include <stdio.h>

#include <stepwell/ledger.h>

/* Begins a pending step. While it is pending it holds a lease: a program that dies here leaves a step
 * that ends by itself, as failed / Abandoned.
 */
static sw_status begin(sw_ledger *ledger, const sw_actor *actor, sw_outcome *begun, sw_error *err)
{
    const sw_step_entry entry = {
        .step = {.model = SW_STR("gpt-4o-mini"),
                 .provider_name = SW_STR("openai"),
                 .input_preview = SW_STR("What is the capital of France?"),
                 .tags = SW_STR("[\"example\"]")},
    };
    return sw_step_log(ledger, actor, &entry, 1, false, begun, err);
}

/* Ends it with what the model answered and how long it took. */
static sw_status end(sw_ledger *ledger, const sw_actor *actor, const char *id, sw_error *err)
{
    const sw_step_metrics metrics = {.llm_request_ns = {812000000, 1}, .step_ns = {840000000, 1}};
    const sw_step_entry answer = {
        .step = {.status = {SW_STEP_STATUS_SUCCESS, 1},
                 .stop_reason = SW_STR("end_turn"),
                 .prompt_tokens = {14, 1},
                 .completion_tokens = {7, 1},
                 .total_tokens = {21, 1},
                 .usage_state = {SW_USAGE_STATE_REPORTED, 1},
                 .output_preview = SW_STR("The capital of France is Paris.")},
        .metrics = &metrics,
    };
    sw_outcome outcome;
    return sw_step_end(ledger, actor, sw_str_from(id), &answer, &outcome, err);
}

int main(int argc, char **argv)
{
    const sw_ledger_options options = {.store = argc > 1 ? argv[1] : "memory:"};
    const sw_actor actor = {.organization_id = SW_NULL_STR}; /* the default organization */
    sw_ledger *ledger = NULL;
    sw_outcome begun;
    sw_error err;
    sw_status status = sw_ledger_open(&options, &ledger, &err);
    if (status == SW_STATUS_OK) {
        status = begin(ledger, &actor, &begun, &err);
    }
    if (status == SW_STATUS_OK) {
        status = end(ledger, &actor, begun.id, &err);
    }
    sw_ledger_close(&ledger);
    if (status != SW_STATUS_OK) {
        fprintf(stderr, "record: %s\n", err.message);
        return 1;
    }
    printf("recorded %s\n", begun.id);
    return 0;
}
