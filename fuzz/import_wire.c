/* SPDX-License-Identifier: Apache-2.0 */
/* What machines tell each other of an import, on noise. The first byte says what the rest is read as: files that are
 * sent (u), a line before one (l), a question (q), an answer to it (p) or what was done (r). An upload is taken in pieces
 * of a size that the second byte says, which must not matter; what was read must be within its limits, and what can be
 * written again must be read the same.
 */
#include "codec/import_wire.h"
#include "ingest/import.h"
#include "ingest/import_spool.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* ---- an upload --------------------------------------------------------------------------------------------- */

static sw_status take(sw_str bytes, size_t piece, import_spool **out)
{
    sw_error err = {.status = SW_STATUS_OK};
    sw_status status = import_spool_new(&sw__libc_allocator, SW_STR("m"), out, &err);

    for (size_t at = 0; at < bytes.len && status == SW_STATUS_OK; at += piece) {
        size_t rest = bytes.len - at;
        status =
            import_spool_take(*out, sw_str_make(bytes.ptr + at, rest < piece ? rest : piece), &err);
    }
    status = status == SW_STATUS_OK ? import_spool_end(*out, &err) : status;
    sw_assert(status == SW_STATUS_OK || err.message[0]);
    return status;
}

static bool same_file(const import_file *a, const import_file *b)
{
    return strcmp(a->path, b->path) == 0 && memcmp(a->key, b->key, IMPORT_DIGEST) == 0 &&
           a->size == b->size && a->at == b->at && a->len == b->len && a->again == b->again;
}

/* The files lie one behind the other, with their lines between them in what came. */
static void check_upload(sw_str bytes, size_t piece)
{
    import_spool *whole = NULL;
    import_spool *pieces = NULL;
    sw_status status = take(bytes, bytes.len + 1, &whole);
    const import_list *files = import_spool_files(whole);
    int64_t end = 0;

    sw_assert(take(bytes, piece, &pieces) == status);
    sw_assert(import_spool_files(pieces)->count == files->count);
    for (size_t i = 0; i < files->count; i++) {
        const import_file *file = (const import_file *)files->items + i;
        sw_assert(same_file(file, (const import_file *)import_spool_files(pieces)->items + i));
        sw_assert(file->sent && file->at == end && file->len >= 0);
        end += file->len;
    }
    sw_assert(status != SW_STATUS_OK || (uint64_t)end <= bytes.len);
    import_spool_free(&whole);
    import_spool_free(&pieces);
}

/* ---- lines and questions ------------------------------------------------------------------------------------- */

static void check_seen(const import_seen *file)
{
    sw_assert(file->path.len > 0 && file->path.len <= SW_LIMIT_TEXT_BYTES);
    sw_assert(sw_utf8_valid(file->path) && !memchr(file->path.ptr, 0, file->path.len));
}

static void check_line(sw_str text, sw_arena *arena)
{
    sw_error err = {.status = SW_STATUS_OK};
    import_seen file;
    import_seen again;
    sw_json_out out;
    sw_buf buf;

    if (import_read_line(text, arena, &file, &err) != SW_STATUS_OK) {
        return;
    }
    check_seen(&file);
    sw_assert(file.bytes >= 0);
    sw_buf_init(&buf, &sw__libc_allocator, IMPORT_LINE_BYTES);
    sw_json_out_init(&out, &buf, false);
    import_write_seen(&out, &file, true);
    sw_assert(import_read_line(sw_buf_str(&buf), arena, &again, &err) == SW_STATUS_OK);
    sw_assert(sw_str_eq(file.path, again.path) && file.size == again.size &&
              file.mtime_ns == again.mtime_ns && file.device == again.device &&
              file.inode == again.inode && file.bytes == again.bytes && file.again == again.again);
    sw_buf_fini(&buf);
}

static void check_question(sw_str text, sw_arena *arena)
{
    sw_error err = {.status = SW_STATUS_OK};
    import_question asked;
    import_question again;
    sw_json_out out;
    sw_buf buf;

    if (import_read_question(text, arena, &asked, &err) != SW_STATUS_OK) {
        return;
    }
    sw_assert(asked.machine.len > 0 && asked.machine.len <= SW_LIMIT_ID_BYTES);
    sw_assert(asked.file_count <= IMPORT_ASK_FILES && asked.unit_count <= IMPORT_ASK_UNITS);
    for (size_t i = 0; i < asked.file_count; i++) {
        check_seen(&asked.files[i]);
    }
    sw_buf_init(&buf, &sw__libc_allocator, 0);
    sw_json_out_init(&out, &buf, false);
    import_write_question(&out, &asked);
    sw_assert(import_read_question(sw_buf_str(&buf), arena, &again, &err) == SW_STATUS_OK);
    sw_assert(asked.file_count == again.file_count && asked.unit_count == again.unit_count);
    sw_assert(asked.unit_count == 0 ||
              memcmp(asked.units, again.units, asked.unit_count * IMPORT_DIGEST) == 0);
    sw_buf_fini(&buf);
}

/* ---- answers --------------------------------------------------------------------------------------------------- */

static void take_same(void *arg, int64_t file)
{
    (void)arg;
    sw_assert(file >= 0);
}

static void take_sibling(void *arg, int64_t unit, sw_str path)
{
    (void)arg;
    sw_assert(unit >= 0 && (path.len == 0 || path.ptr));
}

static void take_trouble(void *arg, const import_trouble *trouble)
{
    (void)arg;
    sw_assert(trouble->path.ptr && trouble->why.ptr && trouble->line >= 0);
}

static void check_result(sw_str text, sw_arena *arena)
{
    import_result result = {.files = 0};
    import_result sum = {.files = 0};
    int64_t untold = 0;

    (void)import_read_result(text, arena, &result, take_trouble, NULL, &untold);
    sw_assert(untold >= 0 && result.steps_new >= 0);
    for (int i = 0; i < 1000; i++) {
        import_result one = result;
        import_add_result(&sum, &one); /* of no more uploads than are likely, sums are numbers */
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    sw_str text;
    sw_arena arena;

    if (size < 2) {
        return 0;
    }
    text = sw_str_make((const char *)data + 2, size - 2);
    /* Of a question the units are taken room for at once, and files twice as they grow. */
    sw_arena_init(&arena, &sw__libc_allocator, 64 * size + (1 << 20));
    switch (data[0]) {
    case 'u':
        check_upload(text, (size_t)data[1] + 1);
        break;
    case 'l':
        check_line(text, &arena);
        break;
    case 'q':
        check_question(text, &arena);
        break;
    case 'p':
        (void)import_read_plan(text, &arena, take_same, take_sibling, NULL);
        break;
    default:
        check_result(text, &arena);
        break;
    }
    sw_assert(!arena.full);
    sw_arena_fini(&arena);
    return 0;
}
