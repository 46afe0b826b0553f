/* SPDX-License-Identifier: Apache-2.0 */
/* What conversations cost on disk: a thousand turns a thousand messages, in whatever order they come, and long texts
 * lie compressed.
 */
#include "tests/ledger/turns.h"

static int64_t stored_bytes(lt *t, unsigned turns, bool backwards)
{
    int64_t before = 0, after = 0;
    pool *keep = t->pool;
    sw_ledger_info info;
    lt_close(t);
    lt_open(t);
    OK(sw_ledger_info_get(t->ledger, &info, &t->err));
    before = info.file_bytes;
    for (unsigned i = 0; i < turns; i++) {
        unsigned k = backwards ? turns - 1 - i : i;
        turn *one = NULL;
        t->pool = pool_new();
        one = a_turn(t, k, pool_printf(t->pool, "of %u turns", turns));
        one->step.entry.step.id = lt_id(t, "step", turns * 0x10000 + k);
        put(t, &one, 1);
        pool_free(&t->pool);
        t->pool = keep;
    }
    lt_close(t);
    lt_open(t);
    OK(sw_ledger_info_get(t->ledger, &info, &t->err));
    after = info.file_bytes;
    return after - before;
}

/* Four times the turns cost about four times the bytes: sixteen, if each step kept its history. */
static void a_long_conversation_costs_linear_bytes(lt *t)
{
    int64_t few = stored_bytes(t, 250, false);
    int64_t many = stored_bytes(t, 1000, false);
    if (many > 6 * few || many > 1000 * 2600) {
        SAY("250 turns take %lld bytes, 1000 take %lld", (long long)few, (long long)many);
    }
    print_message("250 turns take %lld bytes, 1000 take %lld\n", (long long)few, (long long)many);
    CLEAN();
}

/* The last turn first: no list is kept whole but that one. */
static void the_other_way_round_it_costs_the_same(lt *t)
{
    int64_t forwards = stored_bytes(t, 251, false);
    int64_t backwards = stored_bytes(t, 250, true);
    if (backwards > forwards * 3 / 2) {
        SAY("forwards %lld bytes, backwards %lld", (long long)forwards, (long long)backwards);
    }
    print_message("forwards %lld bytes, backwards %lld\n", (long long)forwards,
                  (long long)backwards);
    CLEAN();
}

/* A text of n bytes that compresses well. */
static sw_str long_text(lt *t, size_t n)
{
    char *text = pool_alloc(t->pool, n + 1);
    for (size_t i = 0; i < n; i++) {
        text[i] = (char)('a' + i % 26);
    }
    return sw_str_make(text, n);
}

static int64_t file_bytes(lt *t)
{
    sw_ledger_info info;
    lt_close(t);
    lt_open(t);
    OK(sw_ledger_info_get(t->ledger, &info, &t->err));
    return info.file_bytes;
}

static void long_values_lie_compressed(lt *t)
{
    turn *one = a_turn(t, 0, SW_STR("s"));
    sw_str text = long_text(t, 1000000);
    sw_str json = pool_printf(t->pool, "{\"a\":\"%.*s\"}", (int)text.len, text.ptr);
    sw_provider_trace trace = {.request_json = json, .response_json = SW_STR("{}")}, got;
    sw_raw_source source = {.digest = SW_STR("0123456789abcdef"), .body = text};
    sw_raw_source kept;
    sw_raw_item item = {.unit = source.digest,
                        .item = SW_STR("01234567"),
                        .source_digest = source.digest,
                        .body = SW_STR("\x28\xB5\x2F\xFD is no frame")};
    sw_outcome o;
    sw_telemetry_batch b = {.steps = &one->step,
                            .step_count = 1,
                            .outcomes = &o,
                            .items = &item,
                            .item_count = 1,
                            .sources = &source,
                            .source_count = 1};
    sw_list_query all = {.limit = -1};
    int64_t before = t->on_disk ? file_bytes(t) : 0;
    lt_rows rows;
    one->input[1].text = text;
    one->step.entry.traces = &trace;
    one->step.entry.trace_count = 1;
    OK(sw_telemetry_write(t->ledger, &t->a, &b, &t->err));
    check_turn(t, one);
    rows = lt_list(t, &t->a, SW_RECORD_PROVIDER_TRACE, &all);
    SAME(rows.count, 1);
    got = *(const sw_provider_trace *)rows.at[0];
    TEXT(got.request_json, json.ptr);
    OK(sw_telemetry_source(t->ledger, &t->a, source.digest, t->memory, &kept, &t->err));
    TEXT(kept.body, text.ptr);
    if (t->on_disk) {
        CHECK(file_bytes(t) - before < 300000);
    }
    CLEAN();
}

static const lt_case cases[] = {
    {"long values lie compressed", long_values_lie_compressed, 0},
    {"a long conversation costs linear bytes", a_long_conversation_costs_linear_bytes, LT_DISK},
    {"the other way round it costs the same", the_other_way_round_it_costs_the_same, LT_DISK},
};

LT_MAIN("context-bytes", cases)
