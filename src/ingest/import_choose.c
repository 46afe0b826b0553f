/* SPDX-License-Identifier: Apache-2.0 */
/* Which of the files that were found are to be read: not those that look as they did when they were imported, and not
 * those in no format that is known. The others are put in the order in which they are read together. Who remembers is a
 * ledger, or a server that is asked for many at a time.
 */
#include "ingest/import_choose.h"

#include <stdlib.h>

int64_t import_file_bytes(const import_file *file)
{
    return file->sent ? file->len : file->size;
}

import_file *import_file_at(const importing *im, size_t i)
{
    return (import_file *)im->found.files.items + i;
}

import_file *import_chosen_at(const importing *im, size_t i)
{
    return import_file_at(im, im->chosen[i]);
}

void import_tell(importing *im, const char *path, const char *why)
{
    im->result->files_skipped++;
    if (im->options->skipped) {
        im->options->skipped(im->options->arg, path, why);
    }
}

void import_show(const importing *im)
{
    if (im->options->progress) {
        im->options->progress(im->options->arg, im->result);
    }
}

bool import_stops(const importing *im)
{
    return im->options->stop && *im->options->stop;
}

bool import_remembers(const importing *im)
{
    return im->ledger && !im->options->send;
}

/* ---- what is remembered -------------------------------------------------------------------------------------- */

static sw_status is_known(sw_ledger *ledger, const sw_actor *actor, sw_str project_id,
                          const char key[IMPORT_DIGEST], const import_seen *file, sw_memory *memory,
                          bool *same, sw_error *err)
{
    sw_transcript_file was;
    sw_status status = SW_STATUS_OK;

    sw_memory_reset(memory);
    status = sw_transcript_file_get(ledger, actor, project_id, sw_str_make(key, IMPORT_DIGEST),
                                    memory, &was, err);
    *same = status == SW_STATUS_OK && was.size.value == file->size &&
            was.mtime_ns.value == file->mtime_ns && was.inode.value == file->inode &&
            was.device.value == file->device;
    return status == SW_STATUS_NOT_FOUND ? SW_STATUS_OK : status;
}

static import_seen seen_of(const import_file *file)
{
    return (import_seen){.path = sw_str_from(file->path),
                         .size = file->size,
                         .mtime_ns = file->mtime_ns,
                         .device = file->device,
                         .inode = file->inode};
}

void import_key(sw_str machine, sw_str path, char out[IMPORT_DIGEST])
{
    char whole[SW_LIMIT_ID_BYTES + 1 + SW_LIMIT_TEXT_BYTES];

    sw_assert(machine.len <= SW_LIMIT_ID_BYTES && path.len <= SW_LIMIT_TEXT_BYTES);
    memcpy(whole, machine.ptr, machine.len);
    whole[machine.len] = '\0';
    memcpy(whole + machine.len + 1, path.ptr, path.len);
    import_digest(whole, machine.len + 1 + path.len, out);
}

sw_status import_is_unchanged(sw_ledger *ledger, const sw_actor *actor, sw_str machine,
                              const import_seen *file, sw_memory *memory, bool *same, sw_error *err)
{
    char key[IMPORT_DIGEST];

    import_key(machine, file->path, key);
    return is_known(ledger, actor, actor->project_id, key, file, memory, same, err);
}

typedef struct siblings {
    sw_str machine;
    void (*each)(void *to, sw_str path);
    void *to;
} siblings;

/* The path is the machine's when the digest of both is the name under which it is remembered. */
static bool see_sibling(void *arg, const void *row)
{
    const siblings *s = arg;
    const sw_transcript_file *was = row;
    char key[IMPORT_DIGEST];

    if (was->path.len <= SW_LIMIT_TEXT_BYTES) {
        import_key(s->machine, was->path, key);
        if (sw_str_eq(sw_str_make(key, IMPORT_DIGEST), was->file)) {
            s->each(s->to, was->path);
        }
    }
    return true;
}

sw_status import_siblings(sw_ledger *ledger, const sw_actor *actor, sw_str machine,
                          const char unit[IMPORT_DIGEST], void (*each)(void *to, sw_str path),
                          void *to, sw_error *err)
{
    siblings s = {machine, each, to};

    return sw_transcript_files(ledger, actor, actor->project_id, sw_str_make(unit, IMPORT_DIGEST),
                               see_sibling, &s, err);
}

/* ---- which did not change ------------------------------------------------------------------------------------- */

static bool can_be_told(const import_file *file)
{
    sw_str path = sw_str_from(file->path);

    return path.len <= SW_LIMIT_TEXT_BYTES && sw_utf8_valid(path);
}

/* Of the files from `from` on as many as one question takes. */
static sw_status ask_away(importing *im, size_t *from, bool *same, sw_error *err)
{
    size_t n = im->found.files.count;
    import_seen *asked = sw_arena_alloc(&im->heads, IMPORT_ASK_FILES * sizeof *asked);
    size_t *places = sw_arena_alloc(&im->heads, IMPORT_ASK_FILES * sizeof *places);
    bool *answers = sw_arena_zeroed(&im->heads, IMPORT_ASK_FILES * sizeof *answers);
    size_t count = 0;
    sw_status status = SW_STATUS_OK;

    if (!asked || !places || !answers) {
        return sw_no_memory(err);
    }
    for (; *from < n && count < IMPORT_ASK_FILES; ++*from) {
        if (can_be_told(import_file_at(im, *from))) {
            asked[count] = seen_of(import_file_at(im, *from));
            places[count++] = *from;
        }
    }
    if (count > 0) {
        status = im->options->away->compare(im->options->away->arg, asked, count, answers, err);
    }
    for (size_t i = 0; i < count && status == SW_STATUS_OK; i++) {
        same[places[i]] = answers[i];
    }
    sw_arena_reset(&im->heads);
    return status;
}

static sw_status compare(importing *im, bool *same, sw_error *err)
{
    size_t n = im->found.files.count;
    sw_status status = SW_STATUS_OK;

    for (size_t i = 0; im->options->away && i < n && status == SW_STATUS_OK;) {
        status = ask_away(im, &i, same, err);
    }
    for (size_t i = 0; import_remembers(im) && !im->sent && i < n && status == SW_STATUS_OK; i++) {
        const import_file *file = import_file_at(im, i);
        const import_seen seen = seen_of(file);
        status = is_known(im->ledger, im->actor, im->project_id, file->key, &seen, im->memory,
                          &same[i], err);
    }
    return status;
}

/* ---- what they are -------------------------------------------------------------------------------------------- */

static void unit_named(import_format format, const char name[IMPORT_DIGEST],
                       char out[IMPORT_DIGEST])
{
    char both[2 * IMPORT_DIGEST];

    import_digest(import_format_word(format), strlen(import_format_word(format)), both);
    memcpy(both + IMPORT_DIGEST, name, IMPORT_DIGEST);
    import_digest(both, sizeof both, out);
}

size_t import_unit_of(const importing *im, import_format format, sw_str name,
                      char out[IMPORT_DIGEST])
{
    char digest[IMPORT_DIGEST];
    size_t from = 0;
    size_t to = im->chosen_count;

    import_digest(name.ptr, name.len, digest);
    unit_named(format, digest, out);
    while (from < to) {
        size_t middle = from + (to - from) / 2;
        const import_file *file = import_chosen_at(im, middle);
        if (file->format < format ||
            (file->format == format && memcmp(file->unit, out, IMPORT_DIGEST) < 0)) {
            from = middle + 1;
        } else {
            to = middle;
        }
    }
    return from;
}

/* What is read together: what the head names, else what begins with the same bytes. */
static void name_unit(import_file *file, const import_head *head)
{
    char name[IMPORT_DIGEST];

    if (head->unit.len) {
        import_digest(head->unit.ptr, head->unit.len, name);
    } else {
        memcpy(name, file->head, IMPORT_DIGEST);
    }
    unit_named(file->format, name, file->unit);
}

/* NULL: it is to be read; else why not. */
static const char *look_at(importing *im, import_file *file)
{
    import_head head;
    const char *why = NULL;

    sw_arena_reset(&im->heads);
    if (im->options->away && !can_be_told(file)) {
        return "has a path that is no UTF-8, or too long, and cannot be told to a server";
    }
    if (!import_file_head(file, &im->heads, &head, &why)) {
        return why;
    }
    file->format = import_recognise(&head);
    if (file->format == IMPORT_FORMAT_NONE) {
        return import_file_bytes(file) == 0 ? "is empty" : "is in no format that is known";
    }
    name_unit(file, &head);
    return NULL;
}

bool import_is_still(importing *im, import_file *file, import_format format)
{
    import_file now = *file;
    bool still = !look_at(im, &now) && now.format == format &&
                 memcmp(now.unit, file->unit, IMPORT_DIGEST) == 0;

    file->size = now.size;
    return still;
}

static int by_unit(const void *a, const void *b, void *arg)
{
    const importing *im = arg;
    const import_file *x = import_file_at(im, *(const size_t *)a);
    const import_file *y = import_file_at(im, *(const size_t *)b);
    int c = (x->format > y->format) - (x->format < y->format);

    c = c != 0 ? c : memcmp(x->unit, y->unit, IMPORT_DIGEST);
    return c != 0 ? c : strcmp(x->path, y->path);
}

size_t import_unit_count(const importing *im, size_t first)
{
    const import_file *of = import_chosen_at(im, first);
    size_t n = 1;

    while (first + n < im->chosen_count && import_chosen_at(im, first + n)->format == of->format &&
           memcmp(import_chosen_at(im, first + n)->unit, of->unit, IMPORT_DIGEST) == 0) {
        n++;
    }
    return n;
}

static void choose(importing *im, size_t i, bool same)
{
    import_file *file = import_file_at(im, i);
    const char *why = same ? NULL : look_at(im, file);

    if (!same && !why) {
        im->chosen[im->chosen_count++] = i;
        return;
    }
    im->result->bytes_done += import_file_bytes(file);
    if (same) {
        im->result->files_unchanged++;
    } else if (!file->again) {
        import_tell(im, file->path, why);
    }
}

sw_status import_choose(importing *im, sw_error *err)
{
    size_t n = im->found.files.count;
    bool *same = sw_arena_zeroed(&im->found.arena, n + 1);
    sw_status status = SW_STATUS_OK;

    im->chosen = sw_arena_alloc(&im->found.arena, (n + 1) * sizeof *im->chosen);
    if (!im->chosen || !same) {
        return sw_no_memory(err);
    }
    for (size_t i = 0; i < n; i++) {
        im->result->files += !import_file_at(im, i)->again;
        im->result->bytes += import_file_bytes(import_file_at(im, i));
    }
    status = compare(im, same, err);
    for (size_t i = 0; i < n && status == SW_STATUS_OK; i++) {
        choose(im, i, same[i]);
        status = im->heads.failed ? sw_no_memory(err) : SW_STATUS_OK; /* nothing is wrong with it */
        import_show(im);
    }
    if (im->chosen_count > 0) {
        qsort_r(im->chosen, im->chosen_count, sizeof *im->chosen, by_unit, im);
    }
    return status;
}
