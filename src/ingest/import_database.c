/* SPDX-License-Identifier: Apache-2.0 */
/* A database of opencode's sessions, of any size: which sessions there are is kept in memory, what was said in them is
 * read family by family, a session with all that it began, into whatever window is filled at the time. All of it is
 * one state of the database.
 */
#include "ingest/import_opencode.h"

struct import_database {
    import_work own; /* whose arena is the database's, and whose rows it holds */
    import_file *file;
    sw_foreign *db;
    opencode_rows sessions;
    size_t at;
    bool broken; /* and that was told */
    sw_error error;
};

bool import_is_database(const import_file *file)
{
    return file->format == IMPORT_FORMAT_OPENCODE && !file->sent && file->bytes.len > 0 &&
           file->bytes.ptr[0] == 'S';
}

void import_database_close(import_database **handle)
{
    import_database *db = *handle;

    *handle = NULL;
    if (db) {
        const sw_allocator *from = db->own.allocator;
        sw_foreign_close(&db->db);
        sw_arena_fini(&db->own.arena);
        sw_free(from, db);
    }
}

/* What is wrong with it is wrong with the file, and costs nothing else. */
static sw_status pass_over(import_database *db, sw_status status, sw_error *err)
{
    if (status == SW_STATUS_OK || status == SW_STATUS_NO_MEMORY) {
        return status == SW_STATUS_OK ? status : sw_no_memory(err);
    }
    if (!db->broken) {
        import_bad_row(&db->own, db->file, 1, opencode_is_broken);
    }
    db->broken = true;
    return SW_STATUS_OK;
}

/* ---- sessions ------------------------------------------------------------------------------------------------ */

static const sw_foreign_table of_messages = {"message", {"session_id", NULL}};
static const sw_foreign_table of_parts = {"part", {"session_id", NULL}};

static bool is_of_session(opencode_rows *g, sw_str session)
{
    if (!opencode_is_id(session)) {
        import_bad_row(g->work, g->file, 1, "holds a row that is of no session");
        return false;
    }
    return true;
}

/* They come in the order of their index, so that most are the same as the one before. */
static bool see_message(void *arg, const sw_str *v)
{
    opencode_rows *g = arg;
    const opencode_row *last = g->rows.items;
    opencode_row *row = NULL;

    if (!is_of_session(g, v[0]) ||
        (g->rows.count > 0 && sw_str_eq(last[g->rows.count - 1].session, v[0]))) {
        return true;
    }
    row = import_add(&g->work->arena, &g->rows, sizeof *row);
    if (row) {
        *row = (opencode_row){.session = sw_arena_str(&g->work->arena, v[0]), .old = true};
    }
    return !g->work->arena.failed;
}

static bool see_part(void *arg, const sw_str *v)
{
    (void)is_of_session(arg, v[0]);
    return true;
}

static sw_status find_sessions(import_database *db, sw_error *err)
{
    opencode_rows *g = &db->sessions;
    sw_status status =
        sw_foreign_each(db->db, &opencode_sessions, opencode_take_session, g, &db->error);

    if (status == SW_STATUS_OK) {
        status = sw_foreign_each(db->db, &of_messages, see_message, g, &db->error);
    }
    if (status == SW_STATUS_OK) {
        status = sw_foreign_each(db->db, &of_parts, see_part, g, &db->error);
    }
    status = pass_over(db, db->own.arena.failed ? SW_STATUS_NO_MEMORY : status, err);
    opencode_sort(g);
    opencode_find_roots(g);
    return status;
}

sw_status import_database_open(const import_work *like, import_file *file, import_database **out,
                               sw_error *err)
{
    import_database *db = sw_alloc_zeroed(like->allocator, sizeof *db);
    sw_status status = SW_STATUS_OK;

    *out = NULL;
    if (!db) {
        return sw_no_memory(err);
    }
    db->own = (import_work){
        .options = like->options, .allocator = like->allocator, .result = like->result};
    sw_arena_init(&db->own.arena, like->allocator, 0);
    db->file = file;
    db->sessions = (opencode_rows){.work = &db->own, .file = file, .err = &db->error};
    status = sw_foreign_open(file->path, &db->own.arena, &db->db, &db->error);
    if (status == SW_STATUS_NO_MEMORY) {
        import_database_close(&db);
        return sw_no_memory(err);
    }
    if (status != SW_STATUS_OK || !sw_foreign_finds(db->db, &opencode_messages, "session_id") ||
        !sw_foreign_finds(db->db, &opencode_parts, "session_id")) {
        import_database_close(&db);
        return SW_STATUS_OK;
    }
    status = find_sessions(db, err);
    if (status != SW_STATUS_OK) {
        import_database_close(&db);
    }
    *out = db;
    return status;
}

/* ---- families -------------------------------------------------------------------------------------------------- */

static sw_status read_session(import_database *db, opencode_rows *g, const opencode_row *session)
{
    opencode_row *row =
        session->data.ptr ? import_add(&g->work->arena, &g->rows, sizeof *row) : NULL;
    sw_status status = SW_STATUS_OK;

    if (row) {
        *row = *session;
    }
    status = sw_foreign_each_of(db->db, &opencode_messages, "session_id", session->session,
                                opencode_take_message, g, &db->error);
    if (status == SW_STATUS_OK) {
        status = sw_foreign_each_of(db->db, &opencode_parts, "session_id", session->session,
                                    opencode_take_part, g, &db->error);
    }
    return g->work->arena.failed ? SW_STATUS_NO_MEMORY : status;
}

sw_status import_database_next(import_database *db, import_work *work, bool *more, sw_error *err)
{
    opencode_rows g = {.work = work, .file = db->file, .err = err};
    const opencode_row *sessions = db->sessions.rows.items;
    size_t n = db->at < db->sessions.rows.count ? opencode_family(&db->sessions, db->at) : 0;
    sw_status status = SW_STATUS_OK;

    db->own.result = work->result;
    for (size_t i = db->at; i < db->at + n && status == SW_STATUS_OK; i++) {
        status = pass_over(db, read_session(db, &g, &sessions[i]), err);
    }
    if (status == SW_STATUS_OK && g.rows.count > 0) {
        opencode_row *rows = g.rows.items;
        opencode_sort(&g);
        for (size_t i = 0; i < g.rows.count; i++) {
            rows[i].root = sessions[db->at].root;
        }
        status = opencode_read_rows(&g, rows, g.rows.count, db->file->again, err);
    }
    db->at += n;
    *more = db->at < db->sessions.rows.count;
    return status;
}
