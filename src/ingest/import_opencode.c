/* SPDX-License-Identifier: Apache-2.0 */
/* opencode keeps its sessions in a database, and kept them in a file for every session, message and part before. Here
 * both become the same rows; the rows of a session and of all that it began, in their order, become the lines that
 * codec/transcript_opencode.c reads. Of a row that is told of twice the database's counts.
 *
 * A file of the older kind names its own session only, and sometimes one that is kin to it (import_opencode_kin): the
 * families of both ways are read together as far as their files are to be had.
 */
#include <stdlib.h>

#include "codec/transcript_scan.h"
#include "ingest/import_opencode.h"

static sw_arena *arena_of(const opencode_rows *g)
{
    return &g->work->arena;
}

/* ---- rows ---------------------------------------------------------------------------------------------------- */

bool opencode_is_id(sw_str text)
{
    return text.len > 0 && text.len < 256 && sw_utf8_valid(text);
}

/* On one line: what is between the values of valid JSON may be any blank. */
static sw_str one_line(sw_str json, sw_arena *arena)
{
    sw_str copy = sw_arena_str(arena, json);
    char *bytes = (char *)(uintptr_t)copy.ptr;

    for (size_t i = 0; i < copy.len; i++) {
        bytes[i] = bytes[i] == '\n' ? ' ' : bytes[i];
    }
    return copy;
}

static bool add_row(opencode_rows *g, const opencode_row *from)
{
    opencode_row *to = NULL;
    bool good = opencode_is_id(from->session) &&
                (!from->message.ptr || opencode_is_id(from->message)) &&
                (!from->part.ptr || opencode_is_id(from->part)) && scan_opens(from->data, '{') &&
                sw_json_valid(from->data, NULL, NULL);

    if (!good) {
        import_bad_row(g->work, g->file, 1, "holds a row that is no valid JSON");
        return true;
    }
    g->work->result->lines += !g->file->again;
    to = import_add(arena_of(g), &g->rows, sizeof *to);
    if (!to) {
        return false;
    }
    *to = (opencode_row){.session = sw_arena_str(arena_of(g), from->session),
                         .message = sw_arena_str(arena_of(g), from->message),
                         .part = sw_arena_str(arena_of(g), from->part),
                         .parent = sw_arena_str(arena_of(g), from->parent),
                         .at = sw_arena_str(arena_of(g), from->at),
                         .data = one_line(from->data, arena_of(g)),
                         .old = from->old};
    return !arena_of(g)->failed;
}

/* ---- the database ---------------------------------------------------------------------------------------------- */

const sw_foreign_table opencode_sessions = {"session",
                                            {"id", "parent_id", "directory", "version", NULL}};
const sw_foreign_table opencode_messages = {"message",
                                            {"id", "session_id", "time_created", "data", NULL}};
const sw_foreign_table opencode_parts = {
    "part", {"id", "message_id", "session_id", "time_created", "data", NULL}};

bool opencode_take_session(void *arg, const sw_str *v)
{
    opencode_rows *g = arg;
    sw_buf buf;
    sw_json_out out;
    opencode_row r = {.session = v[0], .parent = v[1]};

    sw_buf_init(&buf, arena_of(g)->from, SW_LIMIT_JSON_BYTES);
    sw_json_out_init(&out, &buf, false);
    sw_json_open(&out, '{');
    sw_json_key(&out, SW_STR("directory"));
    sw_json_str(&out, sw_utf8_valid(v[2]) ? v[2] : SW_NULL_STR);
    sw_json_key(&out, SW_STR("version"));
    sw_json_str(&out, sw_utf8_valid(v[3]) ? v[3] : SW_NULL_STR);
    sw_json_close(&out, '}');
    r.data = sw_buf_take(&buf, arena_of(g));
    return !arena_of(g)->failed && add_row(g, &r);
}

bool opencode_take_message(void *arg, const sw_str *v)
{
    const opencode_row r = {.message = v[0], .session = v[1], .at = v[2], .data = v[3]};
    return add_row(arg, &r);
}

bool opencode_take_part(void *arg, const sw_str *v)
{
    const opencode_row r = {
        .part = v[0], .message = v[1], .session = v[2], .at = v[3], .data = v[4]};
    return add_row(arg, &r);
}

const char opencode_is_broken[] = "is a database that cannot be read as a whole";

/* What is wrong with it is wrong with the file, and costs nothing else. */
static void read_database(opencode_rows *g)
{
    sw_foreign *db = NULL;
    sw_status status = SW_STATUS_OK;

    if (g->file->size > SW_LIMIT_IMPORT_FILE_BYTES) {
        import_bad_row(g->work, g->file, 1, "is too large to be read as a whole, and has no index");
        return;
    }
    status = g->file->sent ? sw_foreign_open_bytes(g->file->bytes, arena_of(g), &db, g->err)
                           : sw_foreign_open(g->file->path, arena_of(g), &db, g->err);
    if (status == SW_STATUS_OK) {
        status = sw_foreign_each(db, &opencode_sessions, opencode_take_session, g, g->err);
    }
    if (status == SW_STATUS_OK) {
        status = sw_foreign_each(db, &opencode_messages, opencode_take_message, g, g->err);
    }
    if (status == SW_STATUS_OK) {
        status = sw_foreign_each(db, &opencode_parts, opencode_take_part, g, g->err);
    }
    sw_foreign_close(&db);
    arena_of(g)->failed |= status == SW_STATUS_NO_MEMORY;
    if (status != SW_STATUS_OK && status != SW_STATUS_NO_MEMORY) {
        import_bad_row(g->work, g->file, 1, opencode_is_broken);
    }
}

/* ---- files ------------------------------------------------------------------------------------------------------ */

static void read_document(opencode_rows *g)
{
    enum { ID, SESSION, MESSAGE, PARENT, NAMES };
    static const scan_name names[] = {SCAN_NAME(ID, "id"), SCAN_NAME(SESSION, "sessionID"),
                                      SCAN_NAME(MESSAGE, "messageID"),
                                      SCAN_NAME(PARENT, "parentID")};
    sw_str found[NAMES] = {SW_NULL_STR};
    sw_str id = SW_NULL_STR;
    opencode_row r = {.data = scan_trimmed(g->file->bytes), .old = true};

    if (!scan_line_object(g->file->bytes, names, SW_COUNT(names), found)) {
        import_bad_row(g->work, g->file, 1, "is no valid JSON");
        return;
    }
    id = scan_text(found[ID], arena_of(g));
    r.session = scan_text(found[SESSION], arena_of(g));
    r.message = scan_text(found[MESSAGE], arena_of(g));
    if (r.message.ptr) {
        r.part = id;
    } else if (r.session.ptr) {
        r.message = id;
    } else {
        r.session = id;
        r.parent = scan_text(found[PARENT], arena_of(g));
    }
    (void)add_row(g, &r);
}

/* Which other session it names: the one that began its own, or the one that its tool began. */
sw_str import_opencode_kin(const import_file *file, sw_arena *arena)
{
    enum { SESSION, PARENT, STATE, METADATA, BEGUN, NAMES };
    static const scan_name outer[] = {SCAN_NAME(SESSION, "sessionID"),
                                      SCAN_NAME(PARENT, "parentID"), SCAN_NAME(STATE, "state")};
    static const scan_name inner[] = {SCAN_NAME(METADATA, "metadata"),
                                      SCAN_NAME(BEGUN, "sessionId"), SCAN_NAME(BEGUN, "sessionID")};
    sw_str found[NAMES] = {SW_NULL_STR};
    sw_str id = SW_NULL_STR;

    if (!scan_line_object(file->bytes, outer, SW_COUNT(outer), found)) {
        return SW_NULL_STR;
    }
    if (!found[SESSION].ptr) {
        id = scan_text(found[PARENT], arena);
    } else if (scan_object(found[STATE], inner, SW_COUNT(inner), found) &&
               scan_object(found[METADATA], inner, SW_COUNT(inner), found)) {
        id = scan_text(found[BEGUN], arena);
    }
    return opencode_is_id(id) ? id : SW_NULL_STR;
}

/* ---- order ------------------------------------------------------------------------------------------------------ */

static int by_session(const void *a, const void *b)
{
    const opencode_row *x = a;
    const opencode_row *y = b;
    int c = sw_str_cmp(x->session, y->session);

    c = c != 0 ? c : sw_str_cmp(x->message, y->message);
    c = c != 0 ? c : sw_str_cmp(x->part, y->part);
    return c != 0 ? c : (int)x->old - (int)y->old;
}

static int by_root(const void *a, const void *b)
{
    int c = sw_str_cmp(((const opencode_row *)a)->root, ((const opencode_row *)b)->root);

    return c != 0 ? c : by_session(a, b);
}

static const opencode_row *session_of(const opencode_rows *g, sw_str id)
{
    const opencode_row wanted = {.session = id};
    const opencode_row *rows = g->rows.items;
    size_t from = 0;
    size_t to = g->rows.count;

    while (from < to) {
        size_t middle = from + (to - from) / 2;
        if (by_session(&rows[middle], &wanted) < 0) {
            from = middle + 1;
        } else {
            to = middle;
        }
    }
    return from < g->rows.count && sw_str_eq(rows[from].session, id) && !rows[from].message.len
               ? &rows[from]
               : NULL;
}

/* The outermost session that is there; in a damaged database they may go round. */
static sw_str root_of(const opencode_rows *g, sw_str session)
{
    enum { DEEPEST = 64 };

    for (int i = 0; i < DEEPEST; i++) {
        const opencode_row *at = session_of(g, session);
        if (!at || !at->parent.len || !session_of(g, at->parent)) {
            return session;
        }
        session = at->parent;
    }
    return session;
}

void opencode_sort(opencode_rows *g)
{
    opencode_row *rows = g->rows.items;
    size_t count = g->rows.count;
    size_t kept = 0;

    if (count == 0) {
        return;
    }
    qsort(rows, count, sizeof *rows, by_session);
    for (size_t i = 0; i < count; i++) {
        bool same = i > 0 && sw_str_eq(rows[i].session, rows[kept - 1].session) &&
                    sw_str_eq(rows[i].message, rows[kept - 1].message) &&
                    sw_str_eq(rows[i].part, rows[kept - 1].part);
        if (!same) {
            rows[kept++] = rows[i];
        }
    }
    g->rows.count = kept;
}

void opencode_find_roots(opencode_rows *g)
{
    opencode_row *rows = g->rows.items;

    for (size_t i = 0; i < g->rows.count; i++) {
        bool known = i > 0 && sw_str_eq(rows[i].session, rows[i - 1].session);
        rows[i].root = known ? rows[i - 1].root : root_of(g, rows[i].session);
    }
    if (g->rows.count > 0) {
        qsort(rows, g->rows.count, sizeof *rows, by_root);
    }
}

size_t opencode_family(const opencode_rows *g, size_t from)
{
    const opencode_row *rows = g->rows.items;
    size_t n = 1;

    while (from + n < g->rows.count && sw_str_eq(rows[from + n].root, rows[from].root)) {
        n++;
    }
    return n;
}

/* ---- lines ------------------------------------------------------------------------------------------------------- */

static void add_line(sw_buf *buf, const opencode_row *r, bool new_session)
{
    sw_json_out out;
    bool session = !r->message.len;
    int64_t at = 0;

    if (new_session && !session) { /* nothing else is known of it */
        const opencode_row bare = {.session = r->session, .root = r->root, .data = SW_STR("{}")};
        add_line(buf, &bare, true);
    }
    sw_json_out_init(&out, buf, false);
    sw_json_open(&out, '{');
    sw_json_key(&out, SW_STR("row"));
    sw_json_str(&out, session       ? SW_STR("session")
                      : r->part.len ? SW_STR("part")
                                    : SW_STR("message"));
    sw_json_key(&out, SW_STR("id"));
    sw_json_str(&out, session ? r->session : r->part.len ? r->part : r->message);
    if (session) {
        sw_json_key(&out, SW_STR("root"));
        sw_json_str(&out, r->root);
    }
    if (r->at.len && sw_parse_int(r->at, &at)) {
        sw_json_key(&out, SW_STR("at"));
        sw_json_int(&out, at);
    }
    sw_json_key(&out, SW_STR("data"));
    sw_json_raw(&out, r->data);
    sw_json_close(&out, '}');
    sw_buf_addc(buf, '\n');
}

sw_status opencode_read_rows(const opencode_rows *g, const opencode_row *rows, size_t count,
                             bool again, sw_error *err)
{
    import_file as = {.path = g->file->path, .format = IMPORT_FORMAT_OPENCODE, .again = again};
    int64_t lines = g->work->result->lines;
    sw_str message = SW_NULL_STR;
    sw_status status = SW_STATUS_OK;
    sw_buf buf;

    sw_buf_init(&buf, arena_of(g)->from, SW_LIMIT_IMPORT_FILE_BYTES);
    for (size_t i = 0; i < count; i++) {
        message = rows[i].part.len ? message : rows[i].message;
        if (sw_str_eq(rows[i].message, message)) { /* else its message is not there */
            add_line(&buf, &rows[i], i == 0 || !sw_str_eq(rows[i].session, rows[i - 1].session));
        }
    }
    as.bytes = sw_buf_take(&buf, arena_of(g));
    if (!as.bytes.ptr && !arena_of(g)->failed) {
        import_bad_row(g->work, &as, 1, "holds a session that is too long");
        return SW_STATUS_OK;
    }
    if (!as.bytes.ptr) {
        return sw_no_memory(err);
    }
    import_digest(rows[0].root.ptr, rows[0].root.len, as.unit);
    import_digest(as.bytes.ptr, as.bytes.len, as.head);
    status = import_read_transcript(g->work, IMPORT_FORMAT_OPENCODE, &as, 1, err);
    g->work->result->lines = lines; /* counted already, by files */
    return status;
}

sw_status import_read_opencode(import_work *work, import_format format, import_file *files,
                               size_t count, sw_error *err)
{
    opencode_rows g = {.work = work, .err = err};
    const opencode_row *rows = NULL;
    sw_status status = SW_STATUS_OK;
    bool again = true;

    (void)format;
    for (size_t i = 0; i < count && !work->arena.failed; i++) {
        g.file = &files[i];
        files[i].offset = files[i].size;
        again = again && files[i].again;
        if (files[i].bytes.len > 0 && files[i].bytes.ptr[0] == 'S') {
            read_database(&g);
        } else {
            read_document(&g);
        }
    }
    if (work->arena.failed) {
        return sw_no_memory(err);
    }
    opencode_sort(&g);
    opencode_find_roots(&g);
    rows = g.rows.items;
    for (size_t i = 0, n = 0; i < g.rows.count && status == SW_STATUS_OK; i += n) {
        n = opencode_family(&g, i);
        status = opencode_read_rows(&g, &rows[i], n, again, err);
    }
    return status;
}
