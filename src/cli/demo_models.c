/* SPDX-License-Identifier: Apache-2.0 */
/* On what the demo's agents run: providers, models, and how they fail. Facts as rows; the prices
 * are invented for the demo and are no price list.
 */
#include "cli/demo_private.h"

/* Rows of data, one to a line. */
/* clang-format off */
const demo_provider sw__demo_providers[DEMO_PROVIDERS] = {
    {"anthropic", "anthropic", "https://api.anthropic.com/v1/messages", "anthropic"},
    {"openai", "openai", "https://api.openai.com/v1/responses", "openai"},
    {"gcp.gemini", "google_ai", "https://generativelanguage.googleapis.com/v1beta", "google_ai"},
    {"mistral_ai", "mistral", "https://api.mistral.ai/v1/chat/completions", "mistral"},
    {"ollama", "openai", "http://localhost:11434/v1/chat/completions", "ollama"},
};

enum { ANTHROPIC, OPENAI, GEMINI, MISTRAL, OLLAMA };

/* name, provider, window, prices (input, cached, cache write, output), caches, reasons, speed */
const demo_model sw__demo_models[DEMO_MODELS] = {
    {"claude-sonnet-4-5", ANTHROPIC, 200000, 3000, 300, 3750, 15000, true, false, 14000, {{420, 780, 1150, 1900, 4200, 11000}}},
    {"claude-haiku-4-5", ANTHROPIC, 200000, 1000, 100, 1250, 5000, true, false, 7000, {{210, 340, 480, 760, 1500, 5200}}},
    {"claude-opus-4-5", ANTHROPIC, 200000, 5000, 500, 6250, 25000, true, true, 19000, {{700, 1300, 1900, 3100, 7400, 18000}}},
    {"gpt-5", OPENAI, 400000, 1250, 125, 0, 10000, true, true, 11000, {{600, 1500, 3200, 6100, 15000, 42000}}},
    {"gpt-5-mini", OPENAI, 400000, 250, 25, 0, 2000, true, true, 6000, {{350, 700, 1200, 2300, 6000, 16000}}},
    {"gpt-4o-mini", OPENAI, 128000, 150, 75, 0, 600, true, false, 9000, {{240, 380, 520, 810, 1900, 6000}}},
    {"gemini-2.5-pro", GEMINI, 1048576, 1250, 125, 0, 10000, true, true, 8000, {{500, 1100, 2200, 4800, 12000, 30000}}},
    {"gemini-2.5-flash", GEMINI, 1048576, 300, 30, 0, 2500, true, false, 4000, {{180, 300, 410, 640, 1400, 4800}}},
    {"mistral-large-latest", MISTRAL, 131072, 2000, 0, 0, 6000, false, false, 17000, {{280, 460, 640, 980, 2100, 7000}}},
    {"llama3.3:70b", OLLAMA, 131072, -1, -1, 0, -1, false, false, 52000, {{600, 1400, 2600, 5200, 14000, 40000}}},
};

const demo_failure sw__demo_failures[DEMO_FAILURES] = {
    {ANTHROPIC, 429, "RateLimitError", "This request would exceed your organization's rate limit of 80,000 input tokens per minute.", "llm_api_error", {{90, 140, 190, 260, 420, 900}}},
    {ANTHROPIC, 529, "OverloadedError", "Overloaded", "llm_api_error", {{150, 400, 900, 2600, 9000, 30000}}},
    {OPENAI, 429, "RateLimitError", "Rate limit reached on tokens per min (TPM): Limit 450000, Used 449120, Requested 6214. Please try again in 711ms.", "llm_api_error", {{80, 120, 160, 230, 400, 800}}},
    {OPENAI, 500, "InternalServerError", "The server had an error while processing your request. Sorry about that!", "llm_api_error", {{600, 2000, 5200, 11000, 24000, 59000}}},
    {GEMINI, 429, "ResourceExhausted", "Quota exceeded for quota metric 'Generate Content API requests per minute'.", "llm_api_error", {{90, 130, 180, 260, 420, 900}}},
    {GEMINI, 503, "ServiceUnavailable", "The model is overloaded. Please try again later.", "llm_api_error", {{200, 600, 1500, 3200, 8000, 20000}}},
    {MISTRAL, 429, "RateLimitError", "Requests rate limit exceeded", "llm_api_error", {{70, 110, 150, 220, 380, 700}}},
    {OLLAMA, 0, "APIConnectionError", "Connection error: connection refused", "llm_api_error", {{1, 2, 3, 5, 12, 40}}},
    {-1, 0, "APITimeoutError", "Request timed out.", "llm_api_error", {{60000, 60010, 60020, 60050, 60200, 61000}}},
    {-1, 0, "InvalidResponseError", "The model's answer is not valid JSON: unterminated string in tool arguments", "invalid_llm_response", {{900, 2200, 4100, 7800, 16000, 40000}}},
};

const demo_failure sw__demo_overflow = {
    -1, 400, "ContextWindowExceededError", "The prompt is longer than the context window of this model.", "llm_api_error", {{110, 180, 260, 390, 700, 1500}}};
const demo_failure sw__demo_abandoned = {
    -1, 0, "Abandoned", "The lease ran out: its owner was not heard of in time.", "error", {{300000, 300000, 300000, 300000, 300000, 300001}}};
/* clang-format on */

const demo_failure *demo_failure_pick(demo_random *random, const demo_model *model)
{
    for (;;) {
        const demo_failure *failure = &sw__demo_failures[demo_below(random, DEMO_FAILURES)];
        if (failure->provider == -1 || failure->provider == model->provider) {
            return failure;
        }
    }
}
