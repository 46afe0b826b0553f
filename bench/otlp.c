/* SPDX-License-Identifier: Apache-2.0 */
/* How fast is an OTLP export read? The least it could cost is a walk over the same bytes that goes
 * down to every attribute, checks bounds and UTF-8, and keeps nothing. Reading keeps all of it as
 * views and checks the rest as well.
 *
 * Where ../shared/limits/pbbench.c exists, its walker is compiled without the libraries it is
 * compared with there, and ours is held against it. */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "codec/otlp.h"
#include "codec/otlp_wire.h"
#include "otlp_traces.h"

enum { SPANS = 100, ATTRIBUTES = 20 };

static const char reference[] = BENCH_SOURCE_ROOT "/../shared/limits/pbbench.c";

/* ---- the bytes ------------------------------------------------------------------------------------ */

/* A value of '\0' is a number. */
static const char *const attributes[ATTRIBUTES][2] = {
    {"gen_ai.system", "openai"},
    {"gen_ai.request.model", "gpt-4o-mini-2024-07-18"},
    {"gen_ai.response.model", "gpt-4o-mini-2024-07-18"},
    {"gen_ai.operation.name", "openai"},
    {"gen_ai.usage.input_tokens", ""},
    {"gen_ai.usage.output_tokens", ""},
    {"gen_ai.request.temperature", ""},
    {"gen_ai.request.max_tokens", ""},
    {"gen_ai.response.finish_reasons", "openai"},
    {"gen_ai.response.id", "step-0167a80c-a420-4ff7-8f9e-eb88c4e25dba"},
    {"agent.id", "agent-9c6b46b7-3b1b-4121-8334-0ade4d8deb4f"},
    {"agent.name", "openai"},
    {"run.id", "run-1f7ac018-2c71-4cad-8525-ab3cb9386a92"},
    {"organization.id", "org-00000000-0000-4000-8000-000000000002"},
    {"user.id", "openai"},
    {"http.status_code", ""},
    {"retry", ""},
    {"server.address", "openai"},
    {"server.port", ""},
    {"gen_ai.prompt.0.content",
     "Summarise the quarterly report for the user and list the three largest risks, with a "
     "reference to each page."},
};

static void put_attribute(sw_buf *out, uint32_t number, const char *key, const char *value)
{
    size_t pair = pb_begin(out, number);
    size_t any = 0;
    pb_put_text(out, 1, sw_str_from(key));
    any = pb_begin(out, 2);
    if (*value) {
        pb_put_set_text(out, 1, sw_str_from(value));
    } else if (strcmp(key, "retry") == 0) {
        pb_put_set_number(out, 2, 1);
    } else if (strcmp(key, "gen_ai.request.temperature") == 0) {
        pb_put_set_fixed64(out, 4, UINT64_C(0x3fe6666666666666));
    } else {
        pb_put_set_number(out, 3, 12345);
    }
    pb_end(out, any);
    pb_end(out, pair);
}

static void put_span(sw_buf *out, uint64_t i)
{
    const uint64_t ids[3] = {(i + 1) * UINT64_C(0x9e3779b97f4a7c15), i + 7, i + 9};
    size_t span = pb_begin(out, 2);
    size_t inner = 0;
    pb_put_text(out, 1, sw_str_make((const char *)ids, 16));
    pb_put_text(out, 2, sw_str_make((const char *)(ids + 2), 8));
    pb_put_text(out, 4, sw_str_make((const char *)ids, 8));
    pb_put_text(out, 5, SW_STR("chat gpt-4o"));
    pb_put_number(out, 6, 3);
    pb_put_fixed64(out, 7, UINT64_C(1735689600000000000) + i * 1000000);
    pb_put_fixed64(out, 8, UINT64_C(1735689601000000000) + i * 1000000);
    for (int k = 0; k < ATTRIBUTES; k++) {
        put_attribute(out, 9, attributes[k][0], attributes[k][1]);
    }
    inner = pb_begin(out, 11);
    pb_put_fixed64(out, 1, UINT64_C(1735689600500000000));
    pb_put_text(out, 2, SW_STR("first_token"));
    pb_end(out, inner);
    inner = pb_begin(out, 15);
    pb_put_number(out, 3, 1);
    pb_end(out, inner);
    pb_end(out, span);
}

static void make_export(sw_buf *out)
{
    size_t source = pb_begin(out, 1);
    size_t scope = 0;
    size_t head = pb_begin(out, 1);
    put_attribute(out, 1, "service.name", "agent-runner");
    put_attribute(out, 1, "host.name", "worker-17");
    pb_end(out, head);
    scope = pb_begin(out, 2);
    head = pb_begin(out, 1);
    pb_put_text(out, 1, SW_STR("stepwell.bench"));
    pb_put_text(out, 2, SW_STR("1.0"));
    pb_end(out, head);
    for (uint64_t i = 0; i < SPANS; i++) {
        put_span(out, i);
    }
    pb_end(out, scope);
    pb_end(out, source);
    if (out->status != SW_STATUS_OK) {
        bench_die("out of memory");
    }
}

/* ---- the same as JSON ----------------------------------------------------------------------------- */

static void print_attribute(sw_json_out *out, const char *key, const char *value)
{
    sw_json_open(out, '{');
    sw_json_key(out, SW_STR("key"));
    sw_json_str(out, sw_str_from(key));
    sw_json_key(out, SW_STR("value"));
    sw_json_open(out, '{');
    if (*value) {
        sw_json_key(out, SW_STR("stringValue"));
        sw_json_str(out, sw_str_from(value));
    } else if (strcmp(key, "retry") == 0) {
        sw_json_key(out, SW_STR("boolValue"));
        sw_json_bool(out, true);
    } else if (strcmp(key, "gen_ai.request.temperature") == 0) {
        sw_json_key(out, SW_STR("doubleValue"));
        sw_json_double(out, 0.7);
    } else {
        sw_json_key(out, SW_STR("intValue"));
        sw_json_str(out, SW_STR("12345"));
    }
    sw_json_close(out, '}');
    sw_json_close(out, '}');
}

static void print_span(sw_json_out *out, int i)
{
    char text[3][40];
    sw_json_open(out, '{');
    snprintf(text[0], sizeof text[0], "\"%032x\"", i + 1);
    snprintf(text[1], sizeof text[1], "\"%016x\"", i + 1);
    snprintf(text[2], sizeof text[2], "\"%lld\"", 1735689600000000000LL + i * 1000000LL);
    const char *const members[][2] = {{"traceId", text[0]},
                                      {"spanId", text[1]},
                                      {"parentSpanId", text[1]},
                                      {"name", "\"chat gpt-4o\""},
                                      {"kind", "3"},
                                      {"startTimeUnixNano", text[2]},
                                      {"endTimeUnixNano", text[2]},
                                      {"status", "{\"code\":1}"}};
    for (size_t k = 0; k < SW_COUNT(members); k++) {
        sw_json_key(out, sw_str_from(members[k][0]));
        sw_json_raw(out, sw_str_from(members[k][1]));
    }
    sw_json_key(out, SW_STR("attributes"));
    sw_json_open(out, '[');
    for (int k = 0; k < ATTRIBUTES; k++) {
        print_attribute(out, attributes[k][0], attributes[k][1]);
    }
    sw_json_close(out, ']');
    sw_json_close(out, '}');
}

static void print_export(sw_buf *bytes)
{
    sw_json_out out;
    sw_buf_adds(bytes, "{\"resourceSpans\":[{\"scopeSpans\":[{\"spans\":");
    sw_json_out_init(&out, bytes, false);
    sw_json_open(&out, '[');
    for (int i = 0; i < SPANS; i++) {
        print_span(&out, i);
    }
    sw_json_close(&out, ']');
    sw_buf_adds(bytes, "}]}]}");
    if (bytes->status != SW_STATUS_OK) {
        bench_die("out of memory");
    }
}

/* ---- the walk ------------------------------------------------------------------------------------- */

/* What a walk found; so that no compiler leaves it out, and both sides can be seen to have found
 * the same. */
typedef struct found {
    uint64_t spans;
    uint64_t bytes; /* of names, keys and text */
    uint64_t numbers;
} found;

static bool is_utf8(const char *at, size_t len)
{
    const unsigned char *p = (const unsigned char *)at;
    const unsigned char *end = p + len;
    while (end - p >= 8) {
        uint64_t word = 0;
        memcpy(&word, p, 8);
        if (word & UINT64_C(0x8080808080808080)) {
            break;
        }
        p += 8;
    }
    while (p < end) {
        int more = *p < 0x80 ? 0 : *p >= 0xf0 ? 3 : *p >= 0xe0 ? 2 : 1;
        if (more > 0 && (*p < 0xc2 || *p > 0xf4 || end - p <= more)) {
            return false;
        }
        for (p++; more > 0; more--, p++) {
            if ((*p & 0xc0) != 0x80) {
                return false;
            }
        }
    }
    return true;
}

/* The plainest way over a field, and not that of the reader under test. */
static inline bool varint(pb_message *in, uint64_t *value)
{
    *value = 0;
    if (in->at < in->end && (unsigned char)*in->at < 0x80) {
        *value = (unsigned char)*in->at++;
        return true;
    }
    for (unsigned shift = 0; shift < 70 && in->at < in->end; shift += 7) {
        unsigned char byte = (unsigned char)*in->at++;
        *value |= (uint64_t)(byte & 0x7f) << shift;
        if (byte < 0x80) {
            return true;
        }
    }
    return false;
}

static inline bool step(pb_message *in, pb_field *field)
{
    uint64_t key = 0;
    uint64_t size = 0;
    if (!varint(in, &key) || key >> 3 == 0) {
        return false;
    }
    field->key = (uint32_t)key;
    switch (key & 7) {
    case 0:
        return varint(in, &field->number);
    case 1:
    case 5:
        size = (key & 7) == 1 ? 8 : 4;
        field->number = 0;
        if ((uint64_t)(in->end - in->at) < size) {
            return false;
        }
        memcpy(&field->number, in->at, size);
        in->at += size;
        return true;
    case 2:
        if (!varint(in, &size) || size > (uint64_t)(in->end - in->at)) {
            return false;
        }
        field->bytes = sw_str_make(in->at, size);
        in->at += size;
        return true;
    default:
        return false;
    }
}

static bool walk_value(sw_str bytes, found *sum)
{
    pb_message message = pb_open(bytes);
    pb_field field;
    while (message.at < message.end) {
        if (!step(&message, &field)) {
            return false;
        }
        switch (field.key >> 3) {
        case 1:
            if (!is_utf8(field.bytes.ptr, field.bytes.len)) {
                return false;
            }
            sum->bytes += field.bytes.len;
            break;
        case 2:
        case 3:
        case 4:
            sum->numbers += field.number;
            break;
        default:
            break;
        }
    }
    return true;
}

static bool walk_pair(sw_str bytes, found *sum)
{
    pb_message message = pb_open(bytes);
    pb_field field;
    while (message.at < message.end) {
        if (!step(&message, &field)) {
            return false;
        }
        if (field.key >> 3 == 1) {
            if (!is_utf8(field.bytes.ptr, field.bytes.len)) {
                return false;
            }
            sum->bytes += field.bytes.len;
        } else if (field.key >> 3 == 2 && !walk_value(field.bytes, sum)) {
            return false;
        }
    }
    return true;
}

static bool walk_span(sw_str bytes, found *sum)
{
    pb_message message = pb_open(bytes);
    pb_field field;
    sum->spans++;
    while (message.at < message.end) {
        if (!step(&message, &field)) {
            return false;
        }
        switch (field.key >> 3) {
        case 1:
        case 5:
            sum->bytes += field.bytes.len;
            break;
        case 7:
            sum->numbers += field.number;
            break;
        case 9:
            if (!walk_pair(field.bytes, sum)) {
                return false;
            }
            break;
        default:
            break;
        }
    }
    return true;
}

/* Down the fields of this number to the spans. */
static bool walk_down(sw_str bytes, int level, found *sum)
{
    static const uint32_t numbers[] = {1, 2, 2};
    pb_message message = pb_open(bytes);
    pb_field field;
    if (level == 3) {
        return walk_span(bytes, sum);
    }
    while (message.at < message.end) {
        if (!step(&message, &field) ||
            (field.key >> 3 == numbers[level] && !walk_down(field.bytes, level + 1, sum))) {
            return false;
        }
    }
    return true;
}

static double walk_ns(sw_str bytes, int times)
{
    found sum = {0, 0, 0};
    bench_lap taken = {0, 0};
    bench_lap start = bench_start();
    for (int i = 0; i < times; i++) {
        if (!walk_down(bytes, 0, &sum)) {
            bench_die("otlp: the walker refuses the export");
        }
    }
    if (sum.spans != (uint64_t)times * SPANS || sum.bytes == 0 || sum.numbers == 0) {
        bench_die("otlp: the walker missed spans");
    }
    bench_stop(&taken, start);
    return taken.cpu * 1e9 / times / SPANS;
}

/* ---- the reader ----------------------------------------------------------------------------------- */

static sw_status take_span(void *arg, const otlp_span *span)
{
    size_t *attributes_seen = arg;
    *attributes_seen += span->attributes.count;
    return SW_STATUS_OK;
}

static double read_ns(otlp_wire wire, sw_str bytes, sw_arena *arena, int times)
{
    size_t seen = 0;
    int64_t count = 0;
    otlp_sink sink = {.span = take_span, .arg = &seen};
    sw_error err = {.status = SW_STATUS_OK};
    bench_lap taken = {0, 0};
    bench_lap start = bench_start();
    for (int i = 0; i < times; i++) {
        bench_need(otlp_read(wire, OTLP_TRACES, bytes, arena, &sink, &count, &err), &err,
                   "otlp: read the export");
        sw_arena_reset(arena);
    }
    if (seen != (size_t)times * SPANS * ATTRIBUTES || count != SPANS) {
        bench_die("otlp: the reader missed spans");
    }
    bench_stop(&taken, start);
    return taken.cpu * 1e9 / times / SPANS;
}

/* ---- the reference -------------------------------------------------------------------------------- */

/* Leaves out what needs the libraries; their rows of its table are measured as walks, which nobody
 * reads. */
static bool compile_reference(const char *program)
{
    char command[9000];
    if (access(reference, R_OK) != 0) {
        bench_say("otlp: no reference walker to compare with");
        return false;
    }
    snprintf(
        command, sizeof command,
        "sed -e '/pb_decode/d; /pb-c\\.h/d; /np\\/otlp/d; /^static void pc_any/d;"
        " /^static int pc(/d; /^static int b_pc(/d; /^static int b_np(/d;"
        " s/^static int b_pca.*//; s/^static uint8_t\\*AR;.*/static uint8_t*AR;static size_t AO,AMAX;/'"
        " '%s' | cc -O2 -w -I '%s/../shared/limits' -D b_pc=b_hw -D b_pca=b_hw -D b_np=b_hw"
        " -x c -o '%s' - -lm",
        reference, BENCH_SOURCE_ROOT, program);
    if (system(command) != 0) {
        bench_die("cannot compile %s", reference);
    }
    return true;
}

/* Its report holds "| hand walker + UTF-8 check    |     810 ns/span |". */
static double reference_ns(const char *program)
{
    char command[5000];
    char line[1024];
    double ns = 0;
    snprintf(command, sizeof command, "'%s' 1 2>&1", program);
    FILE *f = popen(command, "r");
    while (f && fgets(line, sizeof line, f)) {
        const char *at = strstr(line, "hand walker + UTF-8 check");
        at = at ? strchr(at, '|') : NULL;
        ns = at ? strtod(at + 1, NULL) : ns;
    }
    if (!f || pclose(f) != 0 || ns <= 0) {
        bench_die("%s did not say its time", reference);
    }
    return ns;
}

/* ---- the figure ----------------------------------------------------------------------------------- */

static double least(const double *values, int count)
{
    double best = values[0];
    for (int i = 1; i < count; i++) {
        best = values[i] < best ? values[i] : best;
    }
    return best;
}

static void measure_reading(bench *b)
{
    enum { TURNS = 10 };
    const char *program = bench_path("walker");
    int times = b->quick ? 100 : 300;
    double ratio[BENCH_ROUNDS_MAX];
    double walker[BENCH_ROUNDS_MAX];
    double theirs[BENCH_ROUNDS_MAX];
    bool compare = compile_reference(program);
    sw_arena arena;
    sw_buf bytes;
    sw_buf_init(&bytes, NULL, 0);
    sw_arena_init(&arena, NULL, 0);
    make_export(&bytes);
    for (int i = -1; i < b->rounds; i++) {
        int at = i < 0 ? 0 : i; /* the first round warms up and is overwritten */
        double reader = 0;
        walker[at] = 0;
        for (int turn = 0; turn < TURNS; turn++) {
            reader += read_ns(OTLP_PROTOBUF, sw_buf_str(&bytes), &arena, times) / TURNS;
            walker[at] += walk_ns(sw_buf_str(&bytes), times) / TURNS;
        }
        theirs[at] = compare ? reference_ns(program) : walker[at];
        ratio[at] = walker[at] / reader;
        bench_say("otlp: %.0f ns/span read, %.0f walked, reference %.0f; %zu bytes", reader,
                  walker[at], theirs[at], bytes.len);
    }
    bench_figure_set(BENCH_OTLP_DECODE, ratio, b->rounds);
    if (least(walker, b->rounds) > 1.1 * least(theirs, b->rounds)) {
        bench_say("otlp: the walker is slower than the reference: the ratio is void");
        bench_figure_judge(BENCH_OTLP_DECODE, 0.7, false);
    }
    sw_arena_fini(&arena);
    sw_buf_fini(&bytes);
}

static void measure_json(bench *b)
{
    int times = b->quick ? 100 : 1000;
    double speed[BENCH_ROUNDS_MAX];
    sw_arena arena;
    sw_buf bytes;
    sw_buf_init(&bytes, NULL, 0);
    sw_arena_init(&arena, NULL, 0);
    print_export(&bytes);
    for (int i = -1; i < b->rounds; i++) {
        double ns = read_ns(OTLP_JSON, sw_buf_str(&bytes), &arena, times) * SPANS;
        speed[i < 0 ? 0 : i] = (double)bytes.len * 1e3 / ns; /* the first round warms up */
    }
    bench_figure_set(BENCH_OTLP_JSON_DECODE, speed, b->rounds);
    sw_arena_fini(&arena);
    sw_buf_fini(&bytes);
}

void bench_otlp(bench *b)
{
    measure_reading(b);
    measure_json(b);
    bench_otlp_steps(b);
}
