/* SPDX-License-Identifier: Apache-2.0 */
/* What other systems export becomes steps: a row is a call of a model or it is not, and where its facts stand is a row
 * of model/exports.def. A trace becomes a run; a call whose nearest ancestor that is a call too is in the same file has
 * that one as its parent. The cost that the export names is kept as its own; nothing is computed in its stead.
 * What people thought is feedback (import_opinion.c); all scores stay in the metadata, as they were.
 */
#include <math.h>

#include "codec/export_rows.h"
#include "codec/transcript_scan.h"
#include "codec/usage_shape.h"
#include "ingest/import_call.h"
#include "ingest/span_internal.h"

enum { MS_US = 1000, US_NS = 1000, ABOVE_MOST = 1000 };
#define SECOND_US INT64_C(1000000)

typedef enum field {
    ID,
    TRACE,
    PARENT,
    KIND,
    AGENT,
    PROVIDER,
    MODEL,
    ENDPOINT,
    INPUT,
    OUTPUT,
    START,
    END,
    FIRST,
    DURATION_MS,
    TTFT_MS,
    STATUS,
    HTTP_STATUS,
    ERROR,
    FINISH,
    COST,
    USAGE,
    INPUT_TOKENS,
    OUTPUT_TOKENS,
    TOTAL_TOKENS,
    CACHE_READ,
    CACHE_WRITE,
    REASONING,
    CONVERSATION,
    END_USER,
    TAGS,
    METADATA,
    FEEDBACK,
    SCORES
} field;

static const struct {
    import_format format;
    field field;
    const char *path;
} fields[] = {
#define SW_EXPORT_FIELD(FORMAT, FIELD, PATH) {IMPORT_FORMAT_##FORMAT, FIELD, PATH},
#include "model/exports.def"
};
/* How its counts are to be understood, and whether it keeps what the provider itself was asked and answered. */
static const struct {
    int mode;
    bool raw;
} exports[IMPORT_FORMATS] = {
#define SW_EXPORT(FORMAT, MODE, RAW) [IMPORT_FORMAT_##FORMAT] = {USAGE_##MODE, RAW},
#include "model/exports.def"
};
static const struct {
    import_format format;
    const char *word;
} calls[] = {
#define SW_EXPORT_CALL(FORMAT, WORD) {IMPORT_FORMAT_##FORMAT, WORD},
#include "model/exports.def"
};
typedef struct export_row {
    sw_str json;
    sw_str id;
    sw_str parent;
    bool call;
} export_row;

typedef struct exporting {
    import_work *work;
    import_format format;
    const char *origin;
    import_file *file;
    import_list rows; /* export_row */
    import_index by_id;
} exporting;

/* ---- values ------------------------------------------------------------------------------------------------ */

static sw_arena *arena_of(const exporting *x)
{
    return &x->work->arena;
}

/* As it is written; null: not there. */
static sw_str raw_of(const exporting *x, sw_str row, field which)
{
    for (size_t i = 0; i < SW_COUNT(fields); i++) {
        sw_str raw = fields[i].format == x->format && fields[i].field == which
                         ? export_at(row, fields[i].path, arena_of(x))
                         : SW_NULL_STR;
        if (raw.ptr && !scan_is(raw, "\"\"")) {
            return raw;
        }
    }
    return SW_NULL_STR;
}

static sw_str text_of(const exporting *x, sw_str row, field which)
{
    return import_text(raw_of(x, row, which), arena_of(x));
}

/* A table that had holes writes whole numbers as 12.0. */
static sw_int count_of(const exporting *x, sw_str row, field which)
{
    sw_str text = text_of(x, row, which);
    double real = 0;
    int64_t whole = 0;

    if (text.len && sw_parse_int(text, &whole)) {
        return sw_int_of(whole);
    }
    return text.len && import_real(text, arena_of(x), &real) && real >= 0 &&
                   real <= (double)SW_LIMIT_TOKENS && real == floor(real)
               ? sw_int_of((int64_t)real)
               : SW_NULL_INT;
}

/* Seconds, thousandths, millionths or nanoseconds since 1970, told apart by their size. */
static sw_int time_of_number(int64_t number)
{
    if (number <= 0) {
        return SW_NULL_INT;
    }
    return scan_us(number < INT64_C(100000000000)         ? number * SECOND_US
                   : number < INT64_C(100000000000000)    ? number * MS_US
                   : number < INT64_C(100000000000000000) ? number
                                                          : number / US_NS);
}

/* ISO 8601, also with a blank for the T, and in UTC where no zone is named. */
static sw_int time_of(const exporting *x, sw_str row, field which)
{
    sw_str text = text_of(x, row, which);
    int64_t value = 0;
    char *iso = NULL;
    bool zone = false;

    if (text.len == 0 || text.len > 40) {
        return SW_NULL_INT;
    }
    if (sw_parse_int(text, &value)) {
        return time_of_number(value);
    }
    iso = sw_arena_alloc(arena_of(x), text.len + 2);
    if (!iso) {
        return SW_NULL_INT;
    }
    memcpy(iso, text.ptr, text.len);
    if (text.len > 10 && iso[10] == ' ') {
        iso[10] = 'T';
    }
    for (size_t i = 10; i < text.len; i++) {
        zone = zone || strchr("Zz+-", iso[i]);
    }
    iso[text.len] = 'Z';
    return sw_time_parse(sw_str_make(iso, text.len + !zone), &value) ? scan_us(value) : SW_NULL_INT;
}

static sw_int later(const exporting *x, sw_str row, sw_int start, field which)
{
    return import_after(start, raw_of(x, row, which), arena_of(x));
}

/* ---- documents ------------------------------------------------------------------------------------------------- */

static sw_str object_or_null(sw_str value)
{
    return scan_opens(value, '{') ? value : SW_NULL_STR;
}

static sw_str metadata_of(const exporting *x, sw_str row)
{
    sw_str own = object_or_null(export_open(raw_of(x, row, METADATA), arena_of(x)));
    sw_str scores = export_open(raw_of(x, row, SCORES), arena_of(x));
    sw_buf buf;
    sw_json_out out;

    if ((!scan_opens(scores, '{') && !scan_opens(scores, '[')) || scores.len == 2) {
        return own;
    }
    sw_buf_init(&buf, arena_of(x)->from, SW_LIMIT_JSON_BYTES);
    sw_json_out_init(&out, &buf, false);
    sw_json_open(&out, '{');
    if (own.ptr) {
        sw_json_key(&out, SW_STR("metadata"));
        sw_json_raw(&out, own);
    }
    sw_json_key(&out, SW_STR("scores"));
    sw_json_raw(&out, scores);
    sw_json_close(&out, '}');
    return sw_buf_take(&buf, arena_of(x));
}

/* A list of texts; anything else is none. */
static sw_str tags_of(const exporting *x, sw_str row)
{
    sw_str list = export_open(raw_of(x, row, TAGS), arena_of(x));
    scan s = scan_of(list);
    bool first = true;
    sw_str raw;

    if (!scan_opens(list, '[') || !scan_open(&s, '[')) {
        return SW_NULL_STR;
    }
    while (scan_more(&s, ']', &first) && scan_value(&s, &raw)) {
        if (!scan_is_string(raw)) {
            return SW_NULL_STR;
        }
    }
    return s.wrong ? SW_NULL_STR : list;
}

/* ---- counts ------------------------------------------------------------------------------------------------------ */

/* The provider's own numbers, of one that counts caches beside the input. */
static bool is_counted_beside(const exporting *x, const import_call *call)
{
    sw_str provider = span_provider(call->provider, call->model, arena_of(x));

    return sw_str_eq(provider, SW_STR("anthropic")) || sw_str_eq(provider, SW_STR("aws.bedrock"));
}

/* Only what the provider itself said tells how it counts; where a body is there, it is read. */
static void put_counts(const exporting *x, sw_str row, import_call *call)
{
    sw_str map = object_or_null(export_open(raw_of(x, row, USAGE), arena_of(x)));
    usage_reading r = {.events = 0};

    call->counts = (span_counts){.input = count_of(x, row, INPUT_TOKENS),
                                 .output = count_of(x, row, OUTPUT_TOKENS),
                                 .total = count_of(x, row, TOTAL_TOKENS),
                                 .cache_read = count_of(x, row, CACHE_READ),
                                 .cache_write = count_of(x, row, CACHE_WRITE),
                                 .reasoning = count_of(x, row, REASONING)};
    call->mode = exports[x->format].mode;
    if (map.ptr) {
        span_counts own = {.input = SW_NULL_INT};
        int mode = span_usage_map(map, arena_of(x), &own);
        if (own.input.known || own.output.known) {
            call->counts = own;
            call->mode = mode;
        }
    }
    if (exports[x->format].raw) {
        usage_read(call->output, arena_of(x), &r);
        call->mode = is_counted_beside(x, call) ? USAGE_EXCLUSIVE : call->mode;
        if (r.shape != USAGE_SHAPE_NONE) {
            call->counts = r.counts;
            call->mode = r.mode;
        }
        call->finish = r.finish;
        call->request_id = r.id;
        call->raw = r.events > 0;
    }
}

/* ---- calls --------------------------------------------------------------------------------------------------------- */

typedef struct asked_row {
    const exporting *x;
    sw_str id;
} asked_row;

static bool has_id(const void *arg, size_t place)
{
    const asked_row *asked = arg;

    return sw_str_eq(((const export_row *)asked->x->rows.items)[place].id, asked->id);
}

static import_slot *slot_of(exporting *x, sw_str id)
{
    const asked_row asked = {x, id};

    return import_find(&x->by_id, arena_of(x), sw_hash(13, id.ptr, id.len), has_id, &asked);
}

static const export_row *row_of(exporting *x, sw_str id)
{
    const import_slot *slot = id.len ? slot_of(x, id) : NULL;

    return slot && slot->place ? (const export_row *)x->rows.items + slot->place - 1 : NULL;
}

static void name_call(const exporting *x, sw_str id, import_call *call)
{
    call->kind = import_format_word(x->format);
    call->keys[0] = id;
    call->key_count = 1;
}

/* The nearest call above; those above may go round in a damaged file. */
static sw_str parent_of(exporting *x, const export_row *row)
{
    for (size_t n = 0; n < ABOVE_MOST; n++) {
        row = row_of(x, row->parent);
        if (!row) {
            break;
        }
        if (row->call) {
            import_call above = {.kind = NULL};
            name_call(x, row->id, &above);
            return import_call_id(x->work, &above);
        }
    }
    return SW_NULL_STR;
}

static bool is_bad_word(sw_str word)
{
    return span_word_is(word, "ERROR") || span_word_is(word, "STATUS_CODE_ERROR") ||
           span_word_is(word, "STATUSCODE.ERROR") || span_word_is(word, "failed");
}

static void put_times(const exporting *x, sw_str row, import_call *call)
{
    sw_int first = time_of(x, row, FIRST);

    call->start_us = time_of(x, row, START);
    call->end_us = time_of(x, row, END);
    if (!call->end_us.known) {
        call->end_us = later(x, row, call->start_us, DURATION_MS);
    }
    first = first.known ? first : later(x, row, call->start_us, TTFT_MS);
    if (first.known && call->start_us.known && first.value > call->start_us.value) {
        call->ttft_ns = sw_int_of((first.value - call->start_us.value) * US_NS);
    }
}

static void put_end(const exporting *x, sw_str row, import_call *call)
{
    call->http_status = count_of(x, row, HTTP_STATUS);
    call->error = text_of(x, row, ERROR);
    call->failed = is_bad_word(text_of(x, row, STATUS)) || span_http_failed(call->http_status) ||
                   call->http_status.value < 0;
    if (!call->finish.ptr) {
        call->finish = text_of(x, row, FINISH);
    }
}

static sw_str hex_or_null(sw_str text)
{
    for (size_t i = 0; i < text.len; i++) {
        if (!(sw__hex[(unsigned char)text.ptr[i]] & SW_IS_HEX) ||
            (text.ptr[i] >= 'A' && text.ptr[i] <= 'F')) {
            return SW_NULL_STR;
        }
    }
    return text.len == 32 ? text : SW_NULL_STR;
}

static uint32_t told_of(const import_call *call)
{
    return (uint32_t)call->feedback.known + (uint32_t)call->cost_nano_usd.known +
           (uint32_t)call->end_us.known + (uint32_t)(call->output.ptr != NULL);
}

static sw_status add_row(exporting *x, const export_row *row, sw_error *err)
{
    sw_str json = row->json;
    sw_str trace = text_of(x, json, TRACE);
    import_call call = {
        .origin = x->origin,
        .run = SIZE_MAX,
        .parent = parent_of(x, row),
        .agent = text_of(x, json, AGENT),
        .provider = text_of(x, json, PROVIDER),
        .model = text_of(x, json, MODEL),
        .endpoint = text_of(x, json, ENDPOINT),
        .conversation = text_of(x, json, CONVERSATION),
        .end_user = text_of(x, json, END_USER),
        .trace_hex = hex_or_null(trace),
        .tags = tags_of(x, json),
        .metadata = metadata_of(x, json),
        .feedback = import_opinion(raw_of(x, json, FEEDBACK), raw_of(x, json, SCORES), arena_of(x)),
        .cost_nano_usd = scan_nano_usd(text_of(x, json, COST)),
        .input = export_open(raw_of(x, json, INPUT), arena_of(x)),
        .output = export_open(raw_of(x, json, OUTPUT), arena_of(x))};

    name_call(x, row->id, &call);
    put_times(x, json, &call);
    put_counts(x, json, &call);
    put_end(x, json, &call);
    call.told = told_of(&call);
    if (trace.len) {
        call.run = import_call_run(x->work, import_format_word(x->format), trace, &call);
    }
    return arena_of(x)->failed ? sw_no_memory(err) : import_call_add(x->work, &call, err);
}

/* ---- rows ---------------------------------------------------------------------------------------------------------- */

static bool is_call(const exporting *x, sw_str row)
{
    sw_str kind = text_of(x, row, KIND);
    bool all = true;

    for (size_t i = 0; i < SW_COUNT(calls); i++) {
        if (calls[i].format == x->format) {
            all = false;
            if (span_word_is(kind, calls[i].word)) {
                return true;
            }
        }
    }
    return all;
}

static void tell_bad(void *arg, int64_t line, const char *why)
{
    const exporting *x = arg;

    import_bad_row(x->work, x->file, line, why);
}

static bool take_row(void *arg, int64_t line, sw_str json)
{
    exporting *x = arg;
    sw_str id = text_of(x, json, ID);
    export_row *row = NULL;
    import_slot *slot = NULL;

    if (!id.len) {
        tell_bad(x, line, "has no id");
        return true;
    }
    x->work->result->lines += !x->file->again;
    slot = slot_of(x, id);
    row = slot ? import_add(arena_of(x), &x->rows, sizeof *row) : NULL;
    if (!row) {
        return false;
    }
    *row = (export_row){
        .json = json, .id = id, .parent = text_of(x, json, PARENT), .call = is_call(x, json)};
    if (!slot->place) {
        import_put(&x->by_id, slot, x->rows.count - 1);
    }
    x->work->result->others += !row->call && !x->file->again;
    return true;
}

sw_status import_read_export(import_work *work, import_format format, import_file *files,
                             size_t count, sw_error *err)
{
    sw_str origin = sw_arena_printf(&work->arena, "import:%s", import_format_word(format));
    exporting x = {.work = work, .format = format, .origin = origin.ptr};
    export_sink sink = {&x, take_row, tell_bad};
    const export_row *rows = NULL;
    sw_status status = SW_STATUS_OK;

    for (size_t i = 0; i < count; i++) {
        x.file = &files[i];
        files[i].offset = (int64_t)export_rows(files[i].bytes, &work->arena, &sink);
    }
    rows = x.rows.items;
    for (size_t i = 0; i < x.rows.count && status == SW_STATUS_OK && !work->arena.failed; i++) {
        status = rows[i].call ? add_row(&x, &rows[i], err) : SW_STATUS_OK;
    }
    return work->arena.failed ? sw_no_memory(err) : status;
}
