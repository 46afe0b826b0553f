/* SPDX-License-Identifier: Apache-2.0 */
/* The way of an import: files found, or sent by another machine; those that look as they did passed over, the others
 * grouped by what must be read together (import_choose.c), read unit by unit, and written window by window. */
#include "ingest/import_choose.h"
#include "ingest/import_spool.h"

/* A window is written when it holds so many steps, or bytes. The first ones are smaller, so that there is something to
 * write early. */
enum { FIRST_STEPS = 250, WINDOW_STEPS = 2000, WINDOW_BYTES = 64 << 20 };

/* ---- units --------------------------------------------------------------------------------------------------- */

typedef struct siblings {
    import_list files; /* import_file */
    sw_arena *arena;
} siblings;

/* A file of the unit that was imported before, and is not among those that changed. Those of other machines are not
 * to be had here, whatever has the same path. */
static bool see_sibling(void *arg, const void *row)
{
    siblings *s = arg;
    const sw_transcript_file *was = row;
    const import_file *files = s->files.items;
    import_file *file = NULL;
    char key[IMPORT_DIGEST];
    sw_str path;

    import_digest(was->path.ptr, was->path.len, key);
    if (!sw_str_eq(sw_str_make(key, IMPORT_DIGEST), was->file)) {
        return true;
    }
    for (size_t i = 0; i < s->files.count; i++) {
        if (sw_str_eq(sw_str_make(files[i].key, IMPORT_DIGEST), was->file)) {
            return true;
        }
    }
    path = sw_arena_str(s->arena, was->path);
    file = path.ptr ? import_add(s->arena, &s->files, sizeof *file) : NULL;
    if (file) {
        file->path = path.ptr;
        file->again = true;
        memcpy(file->key, was->file.ptr, IMPORT_DIGEST);
        memcpy(file->unit, was->unit.ptr, IMPORT_DIGEST);
    }
    return file != NULL;
}

/* Of what was sent the sender knows what belongs to it, and has sent that too. */
static sw_status gather_unit(importing *im, size_t from, size_t count, siblings *s, sw_error *err)
{
    import_file *files = sw_arena_alloc(&im->work->arena, (count + 1) * sizeof *files);

    *s = (siblings){.arena = &im->work->arena};
    if (!files) {
        return sw_no_memory(err);
    }
    for (size_t i = 0; i < count; i++) {
        files[i] = *import_chosen_at(im, from + i);
        import_chosen_at(im, from + i)->done = true;
    }
    s->files = (import_list){files, count, count};
    return import_remembers(im) && !im->sent
               ? sw_transcript_files(im->ledger, im->actor, im->project_id,
                                     sw_str_make(files[0].unit, IMPORT_DIGEST), see_sibling, s, err)
               : SW_STATUS_OK;
}

/* A few bytes that are packed may stand for very many: of what was sent all together has a limit too. */
static size_t unpacked_most(const importing *im)
{
    size_t most = im->sent ? SW_LIMIT_IMPORT_SENT_BYTES : SW_LIMIT_IMPORT_FILE_BYTES;
    return im->sent && im->unpacked_left < most ? im->unpacked_left : most;
}

/* Reads them into the window; those that cannot be read any more are left out. */
static size_t read_unit(importing *im, siblings *s, size_t from, import_format format)
{
    import_file *files = s->files.items;
    size_t kept = from;

    for (size_t i = from; i < s->files.count; i++) {
        const char *why = NULL;
        bool good = (im->sent || !files[i].again || import_is_still(im, &files[i], format)) &&
                    import_file_read(&files[i], unpacked_most(im), &im->work->arena, &why);
        if (good) {
            im->result->bytes_read += import_file_bytes(&files[i]);
            im->unpacked_left -=
                files[i].bytes.len < im->unpacked_left ? files[i].bytes.len : im->unpacked_left;
            files[i].format = format;
            files[kept++] = files[i];
        } else if (!files[i].again) {
            import_tell(im, files[i].path, why);
        }
    }
    s->files.count = kept;
    return kept;
}

/* All files of the unit of that name, in which a file that is read names another session. */
static sw_status add_kin(importing *im, siblings *s, import_format format, sw_str name,
                         sw_error *err)
{
    char unit[IMPORT_DIGEST];
    size_t from = s->files.count;

    for (size_t i = import_unit_of(im, format, name, unit);
         i < im->chosen_count && import_chosen_at(im, i)->format == format &&
         memcmp(import_chosen_at(im, i)->unit, unit, IMPORT_DIGEST) == 0;
         i++) {
        import_file *chosen = import_chosen_at(im, i);
        import_file *file =
            chosen->done ? NULL : import_add(&im->work->arena, &s->files, sizeof *file);
        if (file) {
            *file = *chosen;
            chosen->done = true;
        }
    }
    sw_status status =
        import_remembers(im) && !im->sent
            ? sw_transcript_files(im->ledger, im->actor, im->project_id,
                                  sw_str_make(unit, IMPORT_DIGEST), see_sibling, s, err)
            : SW_STATUS_OK;
    (void)read_unit(im, s, from, format);
    return status == SW_STATUS_OK && im->work->arena.failed ? sw_no_memory(err) : status;
}

/* Sessions that began each other are read together, as far as a window goes. */
static sw_status gather_kin(importing *im, siblings *s, import_format format, sw_error *err)
{
    sw_status status = SW_STATUS_OK;
    import_list asked = {NULL, 0, 0}; /* sw_str */

    for (size_t i = 0;
         i < s->files.count && status == SW_STATUS_OK && im->work->arena.used < WINDOW_BYTES; i++) {
        const import_file *files = s->files.items;
        sw_str name = import_opencode_kin(&files[i], &im->work->arena);
        bool known = !name.ptr;
        for (size_t k = 0; k < asked.count && !known; k++) {
            known = sw_str_eq(((const sw_str *)asked.items)[k], name);
        }
        sw_str *added = known ? NULL : import_add(&im->work->arena, &asked, sizeof *added);
        if (added) {
            *added = name;
            status = add_kin(im, s, format, name, err);
        }
    }
    return status;
}

static bool remember(importing *im, const import_file *file, sw_str format)
{
    sw_transcript_file *row = import_add(&im->work->arena, &im->work->files, sizeof *row);

    if (row) {
        *row = (sw_transcript_file){.project_id = im->project_id,
                                    .file = sw_str_make(file->key, IMPORT_DIGEST),
                                    .path = sw_str_from(file->path),
                                    .format = format,
                                    .unit = sw_str_make(file->unit, IMPORT_DIGEST),
                                    .device = sw_int_of(file->device),
                                    .inode = sw_int_of(file->inode),
                                    .size = sw_int_of(file->size),
                                    .mtime_ns = sw_int_of(file->mtime_ns),
                                    .offset = sw_int_of(file->offset),
                                    .head = sw_str_make(file->head, IMPORT_DIGEST)};
    }
    return row != NULL;
}

static import_reader *const readers[IMPORT_FORMATS] = {
#define SW_IMPORT_FORMAT(name, NAME, WORD, TITLE, READER, TOLD, STEP) import_read_##READER,
#define SW_IMPORT_FOLDER(NAME, ENVIRONMENT, BELOW, HOME)
#include "model/import_formats.def"
#undef SW_IMPORT_FORMAT
#undef SW_IMPORT_FOLDER
};

/* All that came of it is in this window, or durable. */
static sw_status note_read(importing *im, const import_file *file, sw_error *err)
{
    import_format format = file->format;

    if (file->again) {
        return SW_STATUS_OK;
    }
    im->result->files_read++;
    im->result->of_format[format]++;
    im->result->bytes_done += import_file_bytes(file);
    return import_remembers(im) && !remember(im, file, sw_str_from(import_format_word(format)))
               ? sw_no_memory(err)
               : SW_STATUS_OK;
}

/* The window is written when it is full, or there is nothing more to come. */
static sw_status hand_over(importing *im, bool all, sw_error *err)
{
    import_work *work = im->work;
    sw_status status = SW_STATUS_OK;

    if (work && (all || work->made.count >= im->window_steps || work->arena.used >= WINDOW_BYTES)) {
        im->work = NULL;
        im->window_steps =
            2 * im->window_steps < im->most_steps ? 2 * im->window_steps : im->most_steps;
        status = import_pipe_give(&im->pipe, work, err);
    }
    return status;
}

/* ---- databases ------------------------------------------------------------------------------------------------ */

/* What is remembered of the file comes with the last window, and two windows may be written in any order: so before it
 * all others are waited for. */
static sw_status end_database(importing *im, const import_file *file, sw_error *err)
{
    import_file *kept = NULL;
    sw_status status = import_pipe_settle(&im->pipe, err);

    if (status != SW_STATUS_OK) {
        return status;
    }
    im->work = im->work ? im->work : import_pipe_take(&im->pipe);
    kept = sw_arena_alloc(&im->work->arena, sizeof *kept);
    if (!kept) {
        return sw_no_memory(err);
    }
    *kept = *file;
    return note_read(im, kept, err);
}

static sw_status read_pieces(importing *im, import_database *db, import_file *file, sw_error *err)
{
    sw_status status = SW_STATUS_OK;
    bool more = true;

    while (more && status == SW_STATUS_OK && !import_stops(im)) {
        im->work = im->work ? im->work : import_pipe_take(&im->pipe);
        status = import_database_next(db, im->work, &more, err);
        if (status == SW_STATUS_OK) {
            status = hand_over(im, false, err);
        }
        import_pipe_result(&im->pipe, im->result);
        import_show(im);
    }
    return status == SW_STATUS_OK && !more ? end_database(im, file, err) : status;
}

static sw_status import_database_file(importing *im, import_file *file, sw_error *err)
{
    import_database *db = NULL;
    sw_status status = SW_STATUS_OK;

    im->work = im->work ? im->work : import_pipe_take(&im->pipe);
    file->offset = file->size;
    status = import_database_open(im->work, file, &db, err);
    if (status == SW_STATUS_OK && db) {
        status = read_pieces(im, db, file, err);
    } else if (status == SW_STATUS_OK) {
        status = import_read_opencode(im->work, IMPORT_FORMAT_OPENCODE, file, 1, err);
        status = status == SW_STATUS_OK ? end_database(im, file, err) : status;
    }
    import_database_close(&db);
    return status;
}

/* They outlive the window in which they were found. */
static sw_status import_databases(importing *im, const import_file *files, size_t count,
                                  sw_error *err)
{
    sw_arena arena;
    import_file *own = NULL;
    sw_status status = SW_STATUS_OK;

    sw_arena_init(&arena, im->found.arena.from, 0);
    own = sw_arena_alloc(&arena, count * sizeof *own);
    for (size_t i = 0; own && i < count; i++) {
        own[i] = files[i];
        own[i].bytes = sw_arena_str(&arena, files[i].bytes);
        own[i].path =
            files[i].again ? sw_arena_str(&arena, sw_str_from(files[i].path)).ptr : files[i].path;
    }
    status = arena.failed ? sw_no_memory(err) : SW_STATUS_OK;
    for (size_t i = 0; i < count && status == SW_STATUS_OK && !import_stops(im); i++) {
        status = import_database_file(im, &own[i], err);
    }
    sw_arena_fini(&arena);
    return status;
}

/* ---- all units ------------------------------------------------------------------------------------------------ */

/* Who sent what takes more memory than an upload may is told so; it is not that there is none. */
static sw_status with_memory(const importing *im, sw_status status, sw_error *err)
{
    const sw_arena *arena = &im->work->arena;

    if (arena->full) {
        return sw_fail(
            err, SW_STATUS_TOO_LARGE, "",
            "reading what was sent takes more than %lld bytes of memory; import it where "
            "the ledger is",
            (long long)arena->max);
    }
    return status == SW_STATUS_OK && arena->failed ? sw_no_memory(err) : status;
}

static sw_status import_unit(importing *im, size_t from, size_t count, sw_error *err)
{
    import_format format = import_chosen_at(im, from)->format;
    siblings s;
    sw_status status = gather_unit(im, from, count, &s, err);
    size_t kept = status == SW_STATUS_OK ? read_unit(im, &s, 0, format) : 0;
    import_file *files = s.files.items;

    status = with_memory(im, status, err);
    if (status == SW_STATUS_OK && format == IMPORT_FORMAT_OPENCODE && kept > 0 &&
        !import_is_database(&files[0])) {
        status = with_memory(im, gather_kin(im, &s, format, err), err);
        kept = s.files.count;
        files = s.files.items;
    }
    if (status != SW_STATUS_OK || kept == 0) {
        return status;
    }
    if (import_is_database(&files[0])) {
        return import_databases(im, files, kept, err);
    }
    status = with_memory(im, readers[format](im->work, format, files, kept, err), err);
    for (size_t i = 0; i < kept && status == SW_STATUS_OK; i++) {
        status = note_read(im, &files[i], err);
    }
    return status;
}

static sw_status import_units(importing *im, sw_error *err)
{
    sw_status status = SW_STATUS_OK;

    for (size_t i = 0, n = 0; i < im->chosen_count && status == SW_STATUS_OK && !import_stops(im);
         i += n) {
        n = import_unit_count(im, i);
        if (import_chosen_at(im, i)->done) {
            continue;
        }
        im->work = im->work ? im->work : import_pipe_take(&im->pipe);
        status = import_unit(im, i, n, err);
        if (status == SW_STATUS_OK) {
            status = hand_over(im, false, err);
        }
        import_pipe_result(&im->pipe, im->result);
        import_show(im);
    }
    return status == SW_STATUS_OK ? hand_over(im, true, err) : status;
}

/* Who takes batches himself gets them one at a time. What was sent is mostly one window: threads of its own would only
 * wait. */
static sw_status import_chosen(importing *im, const import_work *like, sw_error *err)
{
    size_t writers = im->sent ? 0 : im->options->send ? 1 : IMPORT_WRITERS;
    sw_error of_pipe = {.status = SW_STATUS_OK};
    sw_status status = SW_STATUS_OK;
    sw_status end = SW_STATUS_OK;

    import_pipe_begin(&im->pipe, like, writers, 2 * WINDOW_BYTES);
    status = import_units(im, err);
    end = import_pipe_end(&im->pipe, im->result, &of_pipe);
    if (status == SW_STATUS_OK && end != SW_STATUS_OK) {
        *err = of_pipe;
    }
    return status == SW_STATUS_OK ? end : status;
}

/* ---- the import ----------------------------------------------------------------------------------------------- */

static void begin(importing *im, sw_ledger *ledger, const sw_actor *actor,
                  const import_options *options, import_work *like, import_result *out)
{
    const sw_allocator *allocator = options->allocator ? options->allocator : &sw__libc_allocator;
    bool whose = actor && actor->organization_id.ptr;
    size_t most = options->window_steps ? options->window_steps : WINDOW_STEPS;

    *out = (import_result){.files = 0};
    *like = (import_work){
        .ledger = ledger,
        .actor = actor,
        .options = options,
        .allocator = allocator,
        .organization_id = whose ? actor->organization_id : sw_str_from(SW_DEFAULT_ORGANIZATION),
        .project_id = actor && actor->project_id.ptr ? actor->project_id : options->project_id,
        .now_us = sw__system_clock.wall_us(sw__system_clock.data)};
    *im = (importing){.ledger = ledger,
                      .actor = actor,
                      .project_id = like->project_id,
                      .result = out,
                      .options = options,
                      .most_steps = most,
                      .window_steps = most < FIRST_STEPS ? most : FIRST_STEPS,
                      .memory = sw_memory_new(allocator)};
    sw_arena_init(&im->found.arena, allocator, 0);
    sw_arena_init(&im->heads, allocator, 0);
}

static sw_status go_on(importing *im, const import_work *like, sw_error *err)
{
    sw_status status = im->memory ? import_choose(im, err) : sw_no_memory(err);

    if (status != SW_STATUS_OK || im->chosen_count == 0) {
        return status;
    }
    return im->options->away ? import_send_chosen(im, err) : import_chosen(im, like, err);
}

static void end(importing *im)
{
    sw_arena_fini(&im->heads);
    sw_arena_fini(&im->found.arena);
    if (im->memory) {
        sw_memory_free(&im->memory);
    }
}

sw_status import_paths(sw_ledger *ledger, const sw_actor *actor, const import_options *options,
                       const char *const *paths, size_t count, import_result *out, sw_error *err)
{
    importing im;
    import_work like;
    sw_status status = SW_STATUS_OK;

    begin(&im, ledger, actor, options, &like, out);
    for (size_t i = 0; i < count && status == SW_STATUS_OK; i++) {
        status = import_walk(options, paths[i], &im.found, err);
    }
    if (status == SW_STATUS_OK) {
        import_walk_end(&im.found);
        status = go_on(&im, &like, err);
    }
    end(&im);
    return status;
}

sw_status import_sent(sw_ledger *ledger, const sw_actor *actor, const import_options *options,
                      import_spool *spool, import_result *out, sw_error *err)
{
    importing im;
    import_work like;
    sw_status status = SW_STATUS_OK;

    begin(&im, ledger, actor, options, &like, out);
    im.sent = true;
    im.unpacked_left = SW_LIMIT_IMPORT_SENT_MEMORY_BYTES;
    im.found.files = *import_spool_files(spool);
    status = go_on(&im, &like, err);
    end(&im);
    return status;
}
