/* SPDX-License-Identifier: Apache-2.0 */
/* The way of an import from machine to machine, without a network between them: what is asked, sent and answered is
 * written and read as it is on the wire, in pieces of an odd size. Every test of the import that goes this way says that
 * the ledger is the same as if all had been on one machine. */
#include <zstd.h>

#include "tests/import/place.h"

typedef struct way {
    sw_ledger *ledger;
    const sw_actor *actor;
    const import_options *options;
    sw_arena arena;
    import_away away;
    bool *same;
    void (*each)(void *to, int64_t unit, sw_str path);
    void *to;
} way;

#define MACHINE SW_STR("another")

/* ---- questions ------------------------------------------------------------------------------------ */

static void take_same(void *arg, int64_t file)
{
    const way *w = arg;
    w->same[file] = true;
}

static void take_sibling(void *arg, int64_t unit, sw_str path)
{
    const way *w = arg;
    w->each(w->to, unit, path);
}

static void write_path(void *to, sw_str path)
{
    sw_json_str(to, path);
}

/* What a server does with a question, and a client with its answer. */
static sw_status ask(way *w, const import_question *asked, sw_error *err)
{
    import_question question;
    sw_buf there;
    sw_buf back;
    sw_json_out out;
    sw_memory *memory = sw_memory_new(&sw__libc_allocator);

    sw_buf_init(&there, &sw__libc_allocator, 0);
    sw_buf_init(&back, &sw__libc_allocator, 0);
    sw_json_out_init(&out, &there, false);
    import_write_question(&out, asked);
    assert_int_equal(import_read_question(sw_buf_str(&there), &w->arena, &question, err),
                     SW_STATUS_OK);
    sw_json_out_init(&out, &back, false);
    sw_json_open(&out, '{');
    sw_json_key(&out, SW_STR("unchanged"));
    sw_json_open(&out, '[');
    for (size_t i = 0; i < question.file_count; i++) {
        bool same = false;
        assert_int_equal(import_is_unchanged(w->ledger, w->actor, question.machine,
                                             &question.files[i], memory, &same, err),
                         SW_STATUS_OK);
        if (same) {
            sw_json_int(&out, (int64_t)i);
        }
    }
    sw_json_close(&out, ']');
    sw_json_key(&out, SW_STR("siblings"));
    sw_json_open(&out, '[');
    for (size_t i = 0; i < question.unit_count; i++) {
        sw_json_open(&out, '[');
        assert_int_equal(import_siblings(w->ledger, w->actor, question.machine, question.units[i],
                                         write_path, &out, err),
                         SW_STATUS_OK);
        sw_json_close(&out, ']');
    }
    sw_json_close(&out, ']');
    sw_json_close(&out, '}');
    assert_true(import_read_plan(sw_buf_str(&back), &w->arena, take_same, take_sibling, w));
    sw_memory_free(&memory);
    sw_buf_fini(&there);
    sw_buf_fini(&back);
    return SW_STATUS_OK;
}

static sw_status compare(void *arg, const import_seen *files, size_t count, bool *same,
                         sw_error *err)
{
    way *w = arg;
    const import_question question = {.machine = MACHINE, .files = files, .file_count = count};
    w->same = same;
    return ask(w, &question, err);
}

static sw_status siblings(void *arg, char (*units)[IMPORT_DIGEST], size_t count,
                          void (*each)(void *to, int64_t unit, sw_str path), void *to,
                          sw_error *err)
{
    way *w = arg;
    const import_question question = {.machine = MACHINE, .units = units, .unit_count = count};
    w->each = each;
    w->to = to;
    return ask(w, &question, err);
}

/* ---- files ------------------------------------------------------------------------------------------ */

static void receive(import_upload *upload, import_spool *spool)
{
    ZSTD_DStream *stream = ZSTD_createDStream();
    char packed[977];
    char plain[1531];
    size_t n = 0;
    sw_error err = {.status = SW_STATUS_OK};
    assert_non_null(stream);
    while ((n = import_upload_pull(upload, packed, sizeof packed)) > 0) {
        ZSTD_inBuffer in = {packed, n, 0};
        ZSTD_outBuffer out = {plain, sizeof plain, 0};
        assert_true(n <= sizeof packed);
        do {
            out.pos = 0;
            assert_false(ZSTD_isError(ZSTD_decompressStream(stream, &out, &in)));
            assert_int_equal(import_spool_take(spool, sw_str_make(plain, out.pos), &err),
                             SW_STATUS_OK);
        } while (in.pos < in.size || out.pos == sizeof plain);
    }
    (void)ZSTD_freeDStream(stream);
    assert_int_equal(import_spool_end(spool, &err), SW_STATUS_OK);
}

static void write_trouble(sw_json_out *out, const char *path, int64_t line, const char *why)
{
    const import_trouble one = {sw_str_from(path), line, sw_str_from(why)};
    import_write_trouble(out, &one);
}

static void bad_line(void *arg, const char *path, int64_t line, const char *why)
{
    write_trouble(arg, path, line, why);
}

static void skipped(void *arg, const char *path, const char *why)
{
    write_trouble(arg, path, 0, why);
}

static void take_trouble(void *arg, const import_trouble *trouble)
{
    import_upload_trouble(arg, trouble);
}

/* The first attempt is given up on the way, as when a connection breaks. */
static sw_status send_files(void *arg, import_upload *upload, import_result *result, sw_error *err)
{
    way *w = arg;
    char some[100];
    int64_t untold = 0;
    import_spool *spool = NULL;
    import_result there;
    sw_buf back;
    sw_json_out out;
    import_options options = *w->options;
    assert_true(import_upload_pull(upload, some, sizeof some) <= sizeof some);
    import_upload_rewind(upload);
    assert_int_equal(import_spool_new(&sw__libc_allocator, MACHINE, &spool, err), SW_STATUS_OK);
    receive(upload, spool);
    sw_buf_init(&back, &sw__libc_allocator, 0);
    sw_json_out_init(&out, &back, false);
    sw_json_open(&out, '{');
    sw_json_key(&out, SW_STR("trouble"));
    sw_json_open(&out, '[');
    options.away = NULL;
    options.bad_line = bad_line;
    options.skipped = skipped;
    options.arg = &out;
    assert_int_equal(import_sent(w->ledger, w->actor, &options, spool, &there, err), SW_STATUS_OK);
    sw_json_close(&out, ']');
    import_write_result(&out, &there);
    sw_json_close(&out, '}');
    assert_true(
        import_read_result(sw_buf_str(&back), &w->arena, result, take_trouble, upload, &untold));
    assert_int_equal(untold, 0);
    import_spool_free(&spool);
    sw_buf_fini(&back);
    return SW_STATUS_OK;
}

const bool place_sends = true;

sw_status place_way(sw_ledger *ledger, const sw_actor *actor, const import_options *options,
                    const char *const *paths, size_t count, import_result *out, sw_error *err)
{
    way w = {.ledger = ledger, .actor = actor, .options = options};
    import_options from_here = *options;
    sw_status status = SW_STATUS_OK;
    w.away = (import_away){&w, compare, siblings, send_files};
    from_here.away = &w.away;
    sw_arena_init(&w.arena, &sw__libc_allocator, 0);
    status = import_paths(NULL, NULL, &from_here, paths, count, out, err);
    sw_arena_fini(&w.arena);
    return status;
}
