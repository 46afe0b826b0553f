/* SPDX-License-Identifier: Apache-2.0 */
/* The way of an import: files found, those that look as they did passed over, the others grouped by what must be read
 * together, read unit by unit, and written window by window. */
#include <stdlib.h>

#include "ingest/import_file.h"
#include "ingest/import_pipe.h"

/* A window is written when it holds so many steps, or bytes. The first ones are smaller, so that there is something to
 * write early. */
enum { FIRST_STEPS = 250, WINDOW_STEPS = 2000, WINDOW_BYTES = 64 << 20 };

typedef struct importing {
    import_pipe pipe;
    import_work *work;   /* the window that is being filled; NULL: none */
    size_t window_steps; /* of this window */
    size_t most_steps;   /* of any */
    sw_ledger *ledger;
    const sw_actor *actor;
    sw_str project_id;
    import_found found;
    import_result *result;
    const import_options *options;
    sw_memory *memory;
    sw_arena heads;
    size_t *chosen; /* places of the files that are to be read, by format and unit */
    size_t chosen_count;
} importing;

static import_file *file_at(const importing *im, size_t i)
{
    return (import_file *)im->found.files.items + i;
}

static void tell(importing *im, const char *path, const char *why)
{
    im->result->files_skipped++;
    if (im->options->skipped) {
        im->options->skipped(im->options->arg, path, why);
    }
}

static void show(const importing *im)
{
    if (im->options->progress) {
        im->options->progress(im->options->arg, im->result);
    }
}

static bool remembers(const importing *im)
{
    return im->ledger && !im->options->send;
}

/* ---- which files -------------------------------------------------------------------------------------------- */

static sw_status is_unchanged(importing *im, const import_file *file, bool *same, sw_error *err)
{
    sw_transcript_file was;
    sw_status status = SW_STATUS_OK;

    *same = false;
    if (!remembers(im)) {
        return SW_STATUS_OK;
    }
    sw_memory_reset(im->memory);
    status = sw_transcript_file_get(im->ledger, im->actor, im->project_id,
                                    sw_str_make(file->key, IMPORT_DIGEST), im->memory, &was, err);
    *same = status == SW_STATUS_OK && was.size.value == file->size &&
            was.mtime_ns.value == file->mtime_ns && was.inode.value == file->inode &&
            was.device.value == file->device;
    return status == SW_STATUS_NOT_FOUND ? SW_STATUS_OK : status;
}

/* What is read together: what the head names, else what begins with the same bytes. */
static void name_unit(import_file *file, const import_head *head)
{
    char both[2 * IMPORT_DIGEST];

    import_digest(import_format_word(file->format), strlen(import_format_word(file->format)), both);
    if (head->unit.len) {
        import_digest(head->unit.ptr, head->unit.len, both + IMPORT_DIGEST);
    } else {
        memcpy(both + IMPORT_DIGEST, file->head, IMPORT_DIGEST);
    }
    import_digest(both, sizeof both, file->unit);
}

static void recognise(importing *im, size_t i)
{
    import_file *file = file_at(im, i);
    import_head head;
    const char *why = NULL;

    sw_arena_reset(&im->heads);
    if (!import_file_head(file, &im->heads, &head, &why)) {
        tell(im, file->path, why);
        im->result->bytes_done += file->size;
        return;
    }
    file->format = import_recognise(&head);
    if (file->format == IMPORT_FORMAT_NONE) {
        tell(im, file->path, file->size == 0 ? "is empty" : "is in no format that is known");
        im->result->bytes_done += file->size;
        return;
    }
    name_unit(file, &head);
    im->chosen[im->chosen_count++] = i;
}

static sw_status choose(importing *im, sw_error *err)
{
    size_t n = im->found.files.count;
    sw_status status = SW_STATUS_OK;

    im->chosen = sw_arena_alloc(&im->found.arena, (n + 1) * sizeof *im->chosen);
    if (!im->chosen) {
        return sw_no_memory(err);
    }
    im->result->files = (int64_t)n;
    for (size_t i = 0; i < n; i++) {
        im->result->bytes += file_at(im, i)->size;
    }
    for (size_t i = 0; i < n && status == SW_STATUS_OK; i++) {
        bool same = false;
        status = is_unchanged(im, file_at(im, i), &same, err);
        if (same) {
            im->result->files_unchanged++;
            im->result->bytes_done += file_at(im, i)->size;
        } else if (status == SW_STATUS_OK) {
            recognise(im, i);
        }
        show(im);
    }
    return status;
}

/* ---- units --------------------------------------------------------------------------------------------------- */

static int by_unit(const void *a, const void *b, void *arg)
{
    const importing *im = arg;
    const import_file *x = file_at(im, *(const size_t *)a);
    const import_file *y = file_at(im, *(const size_t *)b);
    int c = (x->format > y->format) - (x->format < y->format);

    c = c != 0 ? c : memcmp(x->unit, y->unit, IMPORT_DIGEST);
    return c != 0 ? c : strcmp(x->path, y->path);
}

typedef struct siblings {
    import_list files; /* import_file */
    sw_arena *arena;
} siblings;

/* A file of the unit that was imported before, and is not among those that changed. */
static bool see_sibling(void *arg, const void *row)
{
    siblings *s = arg;
    const sw_transcript_file *was = row;
    const import_file *files = s->files.items;
    import_file *file = NULL;
    sw_str path;

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

static sw_status gather_unit(importing *im, size_t from, size_t count, siblings *s, sw_error *err)
{
    import_file *files = sw_arena_alloc(&im->work->arena, (count + 1) * sizeof *files);

    *s = (siblings){.arena = &im->work->arena};
    if (!files) {
        return sw_no_memory(err);
    }
    for (size_t i = 0; i < count; i++) {
        files[i] = *file_at(im, im->chosen[from + i]);
    }
    s->files = (import_list){files, count, count};
    return remembers(im)
               ? sw_transcript_files(im->ledger, im->actor, im->project_id,
                                     sw_str_make(files[0].unit, IMPORT_DIGEST), see_sibling, s, err)
               : SW_STATUS_OK;
}

/* Whether a file that was imported before is still one of this unit: another one may have taken its place. */
static bool is_still(importing *im, import_file *file, import_format format)
{
    import_file now = *file;
    import_head head;
    const char *why = NULL;

    sw_arena_reset(&im->heads);
    if (!import_file_head(&now, &im->heads, &head, &why)) {
        return false;
    }
    now.format = import_recognise(&head);
    if (now.format == format) {
        name_unit(&now, &head);
    }
    return now.format == format && memcmp(now.unit, file->unit, IMPORT_DIGEST) == 0;
}

/* Reads them into the window; those that cannot be read any more are left out. */
static size_t read_unit(importing *im, siblings *s, import_format format)
{
    import_file *files = s->files.items;
    size_t kept = 0;

    for (size_t i = 0; i < s->files.count; i++) {
        const char *why = NULL;
        bool good = (!files[i].again || is_still(im, &files[i], format)) &&
                    import_file_read(&files[i], &im->work->arena, &why);
        if (good) {
            im->result->bytes_read += files[i].size;
            files[kept++] = files[i];
        } else if (!files[i].again) {
            tell(im, files[i].path, why);
        }
    }
    return kept;
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

static sw_status import_unit(importing *im, size_t from, size_t count, sw_error *err)
{
    import_format format = file_at(im, im->chosen[from])->format;
    siblings s;
    sw_status status = gather_unit(im, from, count, &s, err);
    import_file *files = s.files.items;
    size_t kept = status == SW_STATUS_OK ? read_unit(im, &s, format) : 0;

    if (status == SW_STATUS_OK && im->work->arena.failed) {
        status = sw_no_memory(err);
    }
    if (status == SW_STATUS_OK && kept > 0) {
        status = readers[format](im->work, format, files, kept, err);
    }
    for (size_t i = 0; i < kept && status == SW_STATUS_OK; i++) {
        if (files[i].again) {
            continue;
        }
        im->result->files_read++;
        im->result->of_format[format]++;
        im->result->bytes_done += files[i].size;
        if (remembers(im) && !remember(im, &files[i], sw_str_from(import_format_word(format)))) {
            status = sw_no_memory(err);
        }
    }
    return status;
}

static bool stops(const importing *im)
{
    return im->options->stop && *im->options->stop;
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

static sw_status import_units(importing *im, sw_error *err)
{
    sw_status status = SW_STATUS_OK;

    qsort_r(im->chosen, im->chosen_count, sizeof *im->chosen, by_unit, im);
    for (size_t i = 0, n = 0; i < im->chosen_count && status == SW_STATUS_OK && !stops(im);
         i += n) {
        const import_file *first = file_at(im, im->chosen[i]);
        n = 1;
        while (i + n < im->chosen_count &&
               file_at(im, im->chosen[i + n])->format == first->format &&
               memcmp(file_at(im, im->chosen[i + n])->unit, first->unit, IMPORT_DIGEST) == 0) {
            n++;
        }
        im->work = im->work ? im->work : import_pipe_take(&im->pipe);
        status = import_unit(im, i, n, err);
        if (status == SW_STATUS_OK) {
            status = hand_over(im, false, err);
        }
        import_pipe_result(&im->pipe, im->result);
        show(im);
    }
    return status == SW_STATUS_OK ? hand_over(im, true, err) : status;
}

/* Who takes batches himself gets them one at a time. */
static sw_status import_chosen(importing *im, const import_work *like, sw_error *err)
{
    sw_error of_pipe = {.status = SW_STATUS_OK};
    sw_status status = SW_STATUS_OK;
    sw_status end = SW_STATUS_OK;

    import_pipe_begin(&im->pipe, like, im->options->send ? 1 : IMPORT_WRITERS, 2 * WINDOW_BYTES);
    status = import_units(im, err);
    end = import_pipe_end(&im->pipe, im->result, &of_pipe);
    if (status == SW_STATUS_OK && end != SW_STATUS_OK) {
        *err = of_pipe;
    }
    return status == SW_STATUS_OK ? end : status;
}

/* ---- the import ----------------------------------------------------------------------------------------------- */

static sw_status run(importing *im, const import_work *like, const char *const *paths, size_t count,
                     sw_error *err)
{
    sw_status status = im->memory ? SW_STATUS_OK : sw_no_memory(err);

    for (size_t i = 0; i < count && status == SW_STATUS_OK; i++) {
        status = import_walk(im->options, paths[i], &im->found, err);
    }
    if (status == SW_STATUS_OK) {
        import_walk_end(&im->found);
        status = choose(im, err);
    }
    return status == SW_STATUS_OK && im->chosen_count > 0 ? import_chosen(im, like, err) : status;
}

sw_status import_paths(sw_ledger *ledger, const sw_actor *actor, const import_options *options,
                       const char *const *paths, size_t count, import_result *out, sw_error *err)
{
    const sw_allocator *allocator = options->allocator ? options->allocator : &sw__libc_allocator;
    bool whose = actor && actor->organization_id.ptr;
    import_work like = {
        .ledger = ledger,
        .actor = actor,
        .options = options,
        .allocator = allocator,
        .organization_id = whose ? actor->organization_id : sw_str_from(SW_DEFAULT_ORGANIZATION),
        .project_id = actor && actor->project_id.ptr ? actor->project_id : options->project_id,
        .now_us = sw__system_clock.wall_us(sw__system_clock.data)};
    size_t most = options->window_steps ? options->window_steps : WINDOW_STEPS;
    importing im = {.ledger = ledger,
                    .actor = actor,
                    .project_id = like.project_id,
                    .result = out,
                    .options = options,
                    .most_steps = most,
                    .window_steps = most < FIRST_STEPS ? most : FIRST_STEPS,
                    .memory = sw_memory_new(allocator)};
    sw_status status = SW_STATUS_OK;

    *out = (import_result){.files = 0};
    sw_arena_init(&im.found.arena, allocator, 0);
    sw_arena_init(&im.heads, allocator, 0);
    status = run(&im, &like, paths, count, err);
    sw_arena_fini(&im.heads);
    sw_arena_fini(&im.found.arena);
    if (im.memory) {
        sw_memory_free(&im.memory);
    }
    return status;
}
