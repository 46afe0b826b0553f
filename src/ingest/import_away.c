/* SPDX-License-Identifier: Apache-2.0 */
/* An import that a server does: the files that changed are sent to it, with those that did not and are read together
 * with them. Units go whole, as many at a time as make up one upload of a fair size, so that what was answered is done
 * with, whatever happens to the next one.
 */
#include "ingest/import_upload.h"

#include <stdlib.h>

/* An upload is sent when it holds so much; what belongs to one unit is not taken apart. */
enum { SEND_BYTES = 8 << 20, SEND_FILES = 2000 };

/* Paths that a server remembers of units, in the order of units. */
typedef struct remembered {
    int64_t unit;
    sw_str path;
} remembered;

typedef struct sending {
    importing *im;
    import_upload upload;
    bool filled;
    sw_arena arena;    /* of what a question was answered with */
    import_list asked; /* size_t: of each unit, its first of the chosen */
    import_list paths; /* remembered */
} sending;

/* ---- sending --------------------------------------------------------------------------------------------- */

static const char too_large[] =
    "is too large to be sent with what is read together with it; import it where the ledger is";

static void leave_out(importing *im, const import_upload *upload)
{
    const import_file *files = upload->files.items;

    for (size_t i = 0; i < upload->files.count; i++) {
        if (!files[i].again && !files[i].told) {
            import_tell(im, files[i].path, too_large);
        }
    }
}

static void begin_unit(import_upload *upload)
{
    size_t *first = import_add(&upload->arena, &upload->units, sizeof *first);

    if (first) {
        *first = upload->files.count;
    }
}

static void add_file(import_upload *upload, const import_file *file)
{
    import_file *added = import_add(&upload->arena, &upload->files, sizeof *added);
    sw_str path = sw_arena_str(&upload->arena, sw_str_from(file->path));

    if (added && path.ptr) {
        *added = *file;
        added->path = path.ptr;
        upload->bytes += file->size;
    }
}

static sw_status send_units(importing *im, import_upload *upload, sw_error *err);

static sw_status send_each(importing *im, import_upload *all, sw_error *err)
{
    const import_file *files = all->files.items;
    const size_t *units = all->units.items;
    sw_status status = SW_STATUS_OK;

    import_upload_rewind(all); /* what it counted as done */
    for (size_t u = 0; u < all->units.count && status == SW_STATUS_OK; u++) {
        size_t end = u + 1 < all->units.count ? units[u + 1] : all->files.count;
        import_upload one;
        status = import_upload_begin(&one, im) ? SW_STATUS_OK : sw_no_memory(err);
        begin_unit(&one);
        for (size_t i = units[u]; i < end; i++) {
            add_file(&one, &files[i]);
        }
        status = status == SW_STATUS_OK ? send_units(im, &one, err) : status;
        import_upload_end(&one);
    }
    return status;
}

/* What the server does not take costs nothing of the rest: of several units each is sent by itself then. */
static sw_status send_units(importing *im, import_upload *upload, sw_error *err)
{
    import_result more = {.files = 0};
    sw_status status = upload->arena.failed
                           ? sw_no_memory(err)
                           : im->options->away->send(im->options->away->arg, upload, &more, err);

    if (status == SW_STATUS_TOO_LARGE && upload->units.count > 1) {
        return send_each(im, upload, err);
    }
    if (status == SW_STATUS_TOO_LARGE) {
        leave_out(im, upload);
        status = SW_STATUS_OK;
    }
    more.files = more.bytes = more.bytes_done = more.files_unchanged = 0; /* counted already */
    import_add_result(im->result, &more);
    return status;
}

static sw_status send_upload(sending *s, sw_error *err)
{
    sw_status status = SW_STATUS_OK;

    if (!s->filled) {
        return SW_STATUS_OK;
    }
    status = send_units(s->im, &s->upload, err);
    import_upload_end(&s->upload);
    s->filled = false;
    import_show(s->im);
    return status;
}

/* ---- a unit ------------------------------------------------------------------------------------------------ */

static bool is_chosen(const importing *im, size_t first, size_t count, sw_str path)
{
    for (size_t i = 0; i < count; i++) {
        if (sw_str_eq(sw_str_from(import_chosen_at(im, first + i)->path), path)) {
            return true;
        }
    }
    return false;
}

/* Only what is of this unit is sent: a server cannot ask for anything else. */
static void add_siblings(sending *s, int64_t unit, size_t first, size_t count)
{
    const remembered *paths = s->paths.items;
    import_file file = *import_chosen_at(s->im, first);

    for (size_t i = 0; i < s->paths.count; i++) {
        if (paths[i].unit != unit || is_chosen(s->im, first, count, paths[i].path)) {
            continue;
        }
        file.path = paths[i].path.ptr;
        file.again = true;
        if (import_is_still(s->im, &file, file.format)) {
            add_file(&s->upload, &file);
        }
    }
}

static bool is_too_large(const importing *im, size_t first, size_t count)
{
    int64_t bytes = 0;

    for (size_t i = 0; i < count; i++) {
        bytes += import_chosen_at(im, first + i)->size;
    }
    return bytes > SW_LIMIT_IMPORT_SENT_BYTES || count > SW_LIMIT_IMPORT_SENT_FILES;
}

static sw_status add_unit(sending *s, int64_t unit, size_t first, sw_error *err)
{
    importing *im = s->im;
    size_t count = import_unit_count(im, first);
    sw_status status = SW_STATUS_OK;

    if (is_too_large(im, first, count)) {
        for (size_t i = 0; i < count; i++) {
            import_tell(im, import_chosen_at(im, first + i)->path, too_large);
            im->result->bytes_done += import_chosen_at(im, first + i)->size;
        }
        return SW_STATUS_OK;
    }
    if (s->filled && s->upload.bytes + import_chosen_at(im, first)->size > SEND_BYTES) {
        status = send_upload(s, err);
    }
    if (status == SW_STATUS_OK && !s->filled) {
        s->filled = true;
        status = import_upload_begin(&s->upload, im) ? SW_STATUS_OK : sw_no_memory(err);
    }
    if (status == SW_STATUS_OK) {
        begin_unit(&s->upload);
    }
    for (size_t i = 0; i < count && status == SW_STATUS_OK; i++) {
        add_file(&s->upload, import_chosen_at(im, first + i));
    }
    if (status == SW_STATUS_OK) {
        add_siblings(s, unit, first, count);
    }
    return status == SW_STATUS_OK &&
                   (s->upload.bytes >= SEND_BYTES || s->upload.files.count >= SEND_FILES)
               ? send_upload(s, err)
               : status;
}

/* ---- what belongs to them ------------------------------------------------------------------------------------ */

static void take_path(void *to, int64_t unit, sw_str path)
{
    sending *s = to;
    remembered *one = import_add(&s->arena, &s->paths, sizeof *one);

    if (one) {
        *one = (remembered){unit, sw_arena_str(&s->arena, path)};
    }
}

/* Of the units that begin with this one of the chosen as many as one question takes; `next` is the first of the rest. */
static sw_status ask(sending *s, size_t first, size_t *next, sw_error *err)
{
    importing *im = s->im;
    const import_away *away = im->options->away;
    char(*units)[IMPORT_DIGEST] = NULL;

    sw_arena_reset(&s->arena);
    s->asked = s->paths = (import_list){NULL, 0, 0};
    units = sw_arena_alloc(&s->arena, sizeof(char[IMPORT_ASK_UNITS][IMPORT_DIGEST]));
    for (*next = first; units && *next < im->chosen_count && s->asked.count < IMPORT_ASK_UNITS;
         *next += import_unit_count(im, *next)) {
        size_t *place = import_add(&s->arena, &s->asked, sizeof *place);
        if (!place) {
            return sw_no_memory(err);
        }
        *place = *next;
        memcpy(units[s->asked.count - 1], import_chosen_at(im, *next)->unit, IMPORT_DIGEST);
    }
    return units ? away->siblings(away->arg, units, s->asked.count, take_path, s, err)
                 : sw_no_memory(err);
}

sw_status import_send_chosen(importing *im, sw_error *err)
{
    sending s = {.im = im};
    sw_status status = SW_STATUS_OK;

    sw_arena_init(&s.arena, im->found.arena.from, 0);
    for (size_t i = 0; i < im->chosen_count && status == SW_STATUS_OK && !import_stops(im);) {
        status = ask(&s, i, &i, err);
        if (status == SW_STATUS_OK && s.arena.failed) {
            status = sw_no_memory(err);
        }
        for (size_t u = 0; u < s.asked.count && status == SW_STATUS_OK && !import_stops(im); u++) {
            status = add_unit(&s, (int64_t)u, ((const size_t *)s.asked.items)[u], err);
        }
    }
    if (status == SW_STATUS_OK && !import_stops(im)) {
        status = send_upload(&s, err);
    } else if (s.filled) {
        import_upload_end(&s.upload);
    }
    sw_arena_fini(&s.arena);
    return status;
}
