/* SPDX-License-Identifier: Apache-2.0 */
/* Where the rows come from: steps as a busy installation would see them, made up from a fixed seed. Knows
 * nothing of databases.
 *
 * A run has five steps that share run, trace, agent and organization. The product of two even draws
 * makes agents and models skewed: agent 0 has about eight times its share, half of the agents less
 * than half of theirs. Two to three seconds lie between two steps, so five million steps are 145 days.
 */
#include <stdio.h>
#include <time.h>

#include "bench.h"

enum { FIRST_SECOND = 1735689600 /* 2025-01-01 */, UUID_TEXT = 36, TIME_TEXT = 26 };

const char *const bench_models[BENCH_MODELS] = {
    "gpt-4o",
    "gpt-4o-mini",
    "gpt-4.1",
    "o3-mini",
    "claude-3-5-sonnet-20241022",
    "claude-3-7-sonnet",
    "claude-3-5-haiku",
    "gemini-2.0-flash",
    "gemini-2.5-pro",
    "llama-3.3-70b",
    "mistral-large-2411",
    "qwen2.5-72b-instruct",
    "deepseek-r1",
    "letta-free",
};
static const char *const provider_names[BENCH_MODELS] = {
    "openai",    "openai",    "openai",   "openai",  "anthropic", "anthropic", "anthropic",
    "google_ai", "google_ai", "together", "mistral", "together",  "deepseek",  "letta",
};
static const char *const states[] = {"pending", "success", "failed", "cancelled"};
static const char *const stops[] = {"end_turn", "tool_rule", "max_steps"};

/* ---- chance ------------------------------------------------------------------------------------- */

/* xorshift128+: fast, and good enough for data that only has to look alive. */
static uint64_t draw(uint64_t random[2])
{
    uint64_t a = random[0];
    uint64_t b = random[1];
    random[0] = b;
    a ^= a << 23;
    random[1] = a ^ b ^ (a >> 18) ^ (b >> 5);
    return random[1] + b;
}

static void seed(uint64_t random[2])
{
    random[0] = UINT64_C(0x9E3779B97F4A7C15);
    random[1] = UINT64_C(0xD1B54A32D192ED03);
}

/* Some number below n: the upper half of a draw, scaled. */
static uint64_t below(uint64_t random[2], uint64_t n)
{
    return ((draw(random) >> 32) * n) >> 32;
}

uint64_t bench_rows_below(bench_rows *rows, uint64_t n)
{
    return below(rows->random, n);
}

int bench_rows_agent(bench_rows *rows)
{
    return (int)(below(rows->random, BENCH_AGENTS) * below(rows->random, BENCH_AGENTS) /
                 BENCH_AGENTS);
}

/* ---- text --------------------------------------------------------------------------------------- */

static void put_hex(char *out, uint64_t value, int digits)
{
    for (int i = digits - 1; i >= 0; i--) {
        out[i] = "0123456789abcdef"[value & 15];
        value >>= 4;
    }
}

static void put_two(char *out, int64_t value)
{
    out[0] = (char)('0' + value / 10 % 10);
    out[1] = (char)('0' + value % 10);
}

/* "<prefix>-" and a uuid of version 4 in form; `ms` other than 0 makes it begin with the time, so that
 * ids come in order, and `seq` keeps those of one millisecond in order too.
 */
static sw_str put_id(char *out, const char *prefix, uint64_t random[2], int64_t ms, int64_t seq)
{
    size_t n = strlen(prefix);
    uint64_t a = draw(random);
    uint64_t b = draw(random);
    a = ms ? (uint64_t)ms << 16 | (uint64_t)(seq & 0xfff) : a & ~UINT64_C(0xf000);
    a |= 0x4000;
    b = (b & UINT64_C(0x3fffffffffffffff)) | UINT64_C(0x8000000000000000);
    memcpy(out, prefix, n);
    char *u = out + n;
    put_hex(u, a >> 32, 8);
    put_hex(u + 9, a >> 16, 4);
    put_hex(u + 14, a, 4);
    put_hex(u + 19, b >> 48, 4);
    put_hex(u + 24, b, 12);
    u[8] = u[13] = u[18] = u[23] = '-';
    u[UUID_TEXT] = 0;
    return sw_str_make(out, n + UUID_TEXT);
}

/* The date of the day, worked out once a day of the data (civil from days, counting from March). */
static void put_date(char *out, int64_t day)
{
    int64_t z = day + 719468;
    int64_t era = z / 146097;
    int64_t doe = z - era * 146097;
    int64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
    int64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    int64_t mp = (5 * doy + 2) / 153;
    int64_t month = mp < 10 ? mp + 3 : mp - 9;
    int64_t year = yoe + era * 400 + (month <= 2);
    put_two(out, year / 100);
    put_two(out + 2, year % 100);
    put_two(out + 5, month);
    put_two(out + 8, doy - (153 * mp + 2) / 5 + 1);
    out[4] = out[7] = '-';
}

/* "2025-01-31 23:59:59.123456" */
static sw_str put_time(char *out, int64_t us)
{
    int64_t second = us / 1000000;
    int64_t of_day = second % 86400;
    int64_t fraction = us % 1000000;
    put_date(out, second / 86400);
    put_two(out + 11, of_day / 3600);
    put_two(out + 14, of_day / 60 % 60);
    put_two(out + 17, of_day % 60);
    put_two(out + 20, fraction / 10000);
    put_two(out + 22, fraction / 100 % 100);
    put_two(out + 24, fraction % 100);
    out[10] = ' ';
    out[13] = out[16] = ':';
    out[19] = '.';
    return sw_str_make(out, TIME_TEXT);
}

static char *put_text(char *out, const char *text)
{
    size_t n = strlen(text);
    memcpy(out, text, n);
    return out + n;
}

static char *put_number(char *out, int64_t value)
{
    char digits[20];
    int n = 0;
    do {
        digits[n++] = (char)('0' + value % 10);
        value /= 10;
    } while (value);
    while (n) {
        *out++ = digits[--n];
    }
    return out;
}

/* `before`, the number, `after` */
static sw_str put_detail(char *out, const char *before, int64_t value, const char *after)
{
    char *end = put_text(put_number(put_text(out, before), value), after);
    return sw_str_make(out, (size_t)(end - out));
}

/* ---- names -------------------------------------------------------------------------------------- */

static void name_all(char (*out)[BENCH_ID], int count, const char *prefix, uint64_t random[2])
{
    for (int i = 0; i < count; i++) {
        put_id(out[i], prefix, random, 0, 0);
    }
}

void bench_names_make(bench_names *names)
{
    uint64_t random[2];
    seed(random);
    name_all(names->organization, BENCH_ORGANIZATIONS, "org-", random);
    name_all(names->agent, BENCH_AGENTS, "agent-", random);
    name_all(names->project, BENCH_PROJECTS, "proj-", random);
    name_all(names->user, BENCH_USERS, "user-", random);
    for (int i = 0; i < BENCH_ORGANIZATIONS; i++) {
        name_all(names->provider[i], BENCH_PROVIDERS, "provider-", random);
    }
}

/* ---- rows --------------------------------------------------------------------------------------- */

void bench_rows_init(bench_rows *rows, const bench_names *names, bench_order order)
{
    memset(rows, 0, sizeof *rows);
    seed(rows->random);
    rows->names = names;
    rows->order = order;
    rows->run_steps = BENCH_RUN_STEPS;
    rows->now_us = (int64_t)FIRST_SECOND * 1000000;
}

/* In blocks, the organization stays for a thousand rows, and only its agents are drawn. */
static void begin_block(bench_rows *rows)
{
    int agent = bench_rows_agent(rows);
    rows->organization = agent % BENCH_ORGANIZATIONS;
    rows->user = agent % BENCH_USERS;
    rows->block_left = BENCH_BATCH;
    rows->run_left = 0;
}

static void begin_run(bench_rows *rows)
{
    bool ordered = !rows->order.random_ids;
    int64_t ms = ordered ? rows->now_us / 1000 : 0;
    uint64_t high = draw(rows->random);
    do {
        rows->agent = bench_rows_agent(rows);
    } while (rows->order.blocks && rows->agent % BENCH_ORGANIZATIONS != rows->organization);
    if (!rows->order.blocks) {
        rows->organization = rows->agent % BENCH_ORGANIZATIONS;
        rows->user = rows->agent % BENCH_USERS;
    }
    put_id(rows->run, "run-", rows->random, ms, rows->count);
    put_hex(rows->trace, ordered ? (uint64_t)ms << 16 | (high & 0xffff) : high, 16);
    put_hex(rows->trace + 16, draw(rows->random), 16);
    rows->run_left = rows->run_steps;
}

static void fill_who(bench_rows *rows, bench_row *row, size_t model)
{
    const bench_names *names = rows->names;
    memcpy(row->run_text, rows->run, sizeof row->run_text);
    memcpy(row->trace_text, rows->trace, sizeof row->trace_text);
    row->organization = rows->organization;
    row->user = rows->user;
    row->origin = SW_STR("agent_loop");
    row->organization_id = sw_str_from(names->organization[rows->organization]);
    row->provider_id = sw_str_from(names->provider[rows->organization][model % BENCH_PROVIDERS]);
    row->run_id = sw_str_from(row->run_text);
    row->agent_id = sw_str_from(names->agent[rows->agent]);
    row->provider_name = sw_str_from(provider_names[model]);
    row->provider_category = SW_STR("base");
    row->model = sw_str_from(bench_models[model]);
    row->model_endpoint = SW_STR("https://api.example.test/v1");
    row->tid = SW_NULL_STR;
    row->trace_id = sw_str_make(row->trace_text, sizeof row->trace_text);
    row->project_id = sw_str_from(names->project[rows->agent % BENCH_PROJECTS]);
    row->_created_by_id = sw_str_from(names->user[rows->user]);
    row->_last_updated_by_id = row->_created_by_id;
}

static void fill_tokens(bench_rows *rows, bench_row *row)
{
    row->context_window_limit = 128000;
    row->completion_tokens = 20 + (int64_t)below(rows->random, 900);
    row->prompt_tokens = 500 + (int64_t)below(rows->random, 15000);
    row->total_tokens = row->completion_tokens + row->prompt_tokens;
    row->completion_tokens_details = put_detail(
        row->completion_text, "{\"reasoning_tokens\": ", row->completion_tokens / 3, "}");
    row->prompt_tokens_details =
        put_detail(row->prompt_text, "{\"cached_tokens\": ", row->prompt_tokens / 2,
                   ", \"cache_write_tokens\": 0}");
}

/* 93 of 100 succeed, 4 fail, 1 is pending, 2 are cancelled. */
static void fill_end(bench_rows *rows, bench_row *row)
{
    uint64_t chance = below(rows->random, 100);
    bool failed = chance < 4;
    row->state = failed       ? SW_STEP_STATUS_FAILED
                 : chance < 5 ? SW_STEP_STATUS_PENDING
                 : chance < 7 ? SW_STEP_STATUS_CANCELLED
                              : SW_STEP_STATUS_SUCCESS;
    row->status = sw_str_from(states[row->state]);
    row->stop_reason = failed ? SW_STR("error") : sw_str_from(stops[below(rows->random, 3)]);
    row->error_type = failed ? SW_STR("LLMRateLimitError") : SW_NULL_STR;
    row->error_data =
        failed ? put_detail(row->error_text,
                            "{\"message\": \"rate limited by provider, retry after 20 s\","
                            " \"code\": 429, \"attempt\": ",
                            (int64_t)below(rows->random, 4), "}")
               : SW_NULL_STR;
    row->tags = below(rows->random, 2) ? SW_STR("[\"prod\", \"batch-7\"]") : SW_STR("[]");
    row->feedback = below(rows->random, 20) ? SW_NULL_STR : SW_STR("positive");
}

/* Bytes of the values: of text its length, of a number the bytes it needs, at least one. */
static int64_t value_bytes(const bench_row *row)
{
    size_t text = 0;
    int64_t number = 0;
#define BENCH_TEXT(name) text += row->name.len;
#define BENCH_NUMBER(name) number += 1 + (row->name > 127) + (row->name > 32767);
#include "columns.def"
#undef BENCH_TEXT
#undef BENCH_NUMBER
    return (int64_t)text + number;
}

void bench_rows_next(bench_rows *rows, bench_row *row)
{
    if (rows->order.blocks && !rows->block_left) {
        begin_block(rows);
    }
    rows->now_us += 2000000 + (int64_t)below(rows->random, 1000000);
    if (!rows->run_left) {
        begin_run(rows);
    }
    size_t model =
        below(rows->random, BENCH_MODELS) * below(rows->random, BENCH_MODELS) / BENCH_MODELS;
    int64_t ms = rows->order.random_ids ? 0 : rows->now_us / 1000;
    row->id = put_id(row->step_text, "step-", rows->random, ms, rows->count);
    row->request_id = put_id(row->request_text, "req-", rows->random, 0, 0);
    fill_who(rows, row, model);
    fill_tokens(rows, row);
    fill_end(rows, row);
    row->created_us = rows->now_us;
    row->created_at = put_time(row->created_text, rows->now_us);
    row->updated_at = put_time(row->updated_text, rows->now_us + row->completion_tokens * 1000);
    row->is_deleted = 0;
    rows->run_left--;
    rows->block_left -= rows->order.blocks;
    rows->count++;
    rows->of_organization[rows->organization]++;
    rows->value_bytes += value_bytes(row);
}
