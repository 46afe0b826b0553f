/* SPDX-License-Identifier: Apache-2.0 */
/* Tables of other programs' databases, of whatever kind: which kind a URL names, and the statements, which differ in a
 * word here and there. Names of tables and columns are ours, and need no escaping; what is not there is asked for as
 * NULL.
 */
#include "store/foreign_impl.h"

#include <stdio.h>
#include <unistd.h>

enum { SQL_BYTES = 8192 };

#ifndef SW_WITH_POSTGRES
sw_status sw__pg_foreign_open(const char *url, sw_arena *arena, sw_foreign *out, sw_error *err)
{
    (void)url;
    (void)arena;
    (void)out;
    return sw_fail(err, SW_STATUS_UNSUPPORTED, "", "this build reads no PostgreSQL");
}
#endif

sw_status sw_foreign_open_url(const char *url, sw_arena *arena, sw_foreign **out, sw_error *err)
{
    static const char lite[] = "sqlite:", long_scheme[] = "postgresql:", scheme[] = "postgres:";
    const char *path = url + sizeof lite - 1;

    *out = NULL;
    if (strncmp(url, lite, sizeof lite - 1) == 0) {
        if (access(path, F_OK) != 0) {
            return sw_fail(err, SW_STATUS_NOT_FOUND, "", "%s is not there", path);
        }
        return sw_foreign_open(path, arena, out, err);
    }
    if (strncmp(url, scheme, sizeof scheme - 1) != 0 &&
        strncmp(url, long_scheme, sizeof long_scheme - 1) != 0) {
        return sw_fail(err, SW_STATUS_INVALID, "", "is neither sqlite:PATH nor postgres://...");
    }
    if (strncmp(strchr(url, ':') + 1, "//", 2) != 0) {
        return sw_fail(err, SW_STATUS_INVALID, "", "postgres: needs //user@host:port/database");
    }
    *out = sw_arena_zeroed(arena, sizeof **out);
    if (!*out) {
        return sw_no_memory(err);
    }
    (*out)->allocator = arena->from;
    sw_status status = sw__pg_foreign_open(strchr(url, ':') + 1, arena, *out, err);
    if (status != SW_STATUS_OK) {
        *out = NULL;
    }
    return status;
}

bool sw_foreign_has(sw_foreign *db, const char *table, const char *column)
{
    return db->ops->has(db, table, column);
}

void sw_foreign_close(sw_foreign **db)
{
    if (*db) {
        (*db)->ops->close(*db);
        *db = NULL;
    }
}

/* ---- statements ----------------------------------------------------------------------------------------- */

typedef struct sql {
    char text[SQL_BYTES];
    size_t len;
} sql;

static void SW_PRINTF(2, 3) add(sql *to, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    int len = vsnprintf(to->text + to->len, sizeof to->text - to->len, format, args);
    va_end(args);
    sw_assert(len >= 0 && (size_t)len < sizeof to->text - to->len);
    to->len += (size_t)len;
}

sw_status sw_foreign_count(sw_foreign *db, const char *table, int64_t *out, sw_error *err)
{
    sql s = {.len = 0};

    *out = 0;
    if (!sw_foreign_has(db, table, NULL)) {
        return SW_STATUS_OK;
    }
    add(&s, "SELECT count(*) FROM \"%s\"", table);
    return db->ops->count(db, s.text, out, err);
}

static bool link_is_there(sw_foreign *db, const sw_foreign_link *link)
{
    return link->table && sw_foreign_has(db, link->table, link->key) &&
           sw_foreign_has(db, link->table, link->value) &&
           (!link->via || (sw_foreign_has(db, link->via, link->via_key) &&
                           sw_foreign_has(db, link->via, link->via_value)));
}

/* The values of all rows are gathered once and then looked up, so that no index is needed. */
static void add_link(sql *s, const sw_foreign_link *link, size_t i, const char *key)
{
    add(s, " LEFT JOIN (SELECT a.\"%s\" AS k, %s(%s.\"%s\") AS v FROM \"%s\" a", link->key,
        link->greatest ? "max" : "min", link->via ? "b" : "a",
        link->via ? link->via_value : link->value, link->table);
    if (link->via) {
        add(s, " JOIN \"%s\" b ON b.\"%s\" = a.\"%s\"", link->via, link->via_key, link->value);
    }
    add(s, " GROUP BY a.\"%s\") l%zu ON l%zu.k = t.\"%s\"", link->key, i, i, key);
}

sw_status sw_foreign_walk_open(sw_foreign *db, const sw_foreign_keys *of, sw_arena *arena,
                               sw_foreign_walk **out, sw_error *err)
{
    sw_foreign_walk *walk = sw_arena_zeroed(arena, sizeof *walk);
    bool there[SW_FOREIGN_LINKS];
    sql s = {.len = 0};

    *out = NULL;
    if (!walk) {
        return sw_no_memory(err);
    }
    add(&s, "SELECT t.\"%s\"%s", of->key, db->ops->as_text);
    for (size_t i = 0; i < SW_FOREIGN_LINKS; i++) {
        there[i] = link_is_there(db, &of->links[i]);
        there[i] ? add(&s, ",l%zu.v%s", i, db->ops->as_text) : add(&s, ",NULL");
    }
    add(&s, " FROM \"%s\" t", of->table);
    for (size_t i = 0; i < SW_FOREIGN_LINKS; i++) {
        if (there[i]) {
            add_link(&s, &of->links[i], i, of->key);
        }
    }
    add(&s, " ORDER BY ");
    if (of->order && sw_foreign_has(db, of->table, of->order)) {
        add(&s, "t.\"%s\" NULLS FIRST,", of->order);
    }
    add(&s, "t.\"%s\"%s%s", of->key, db->ops->as_text, db->ops->by_bytes);
    *walk = (sw_foreign_walk){.db = db, .table = of->table, .columns = 1 + SW_FOREIGN_LINKS};
    sw_status status = db->ops->walk_open(walk, s.text, err);
    *out = status == SW_STATUS_OK ? walk : NULL;
    return status;
}

sw_status sw_foreign_walk_next(sw_foreign_walk *walk, size_t most, sw_arena *arena,
                               sw_foreign_key *keys, size_t *count, sw_error *err)
{
    *count = 0;
    return walk->db->ops->walk_next(walk, most, arena, keys, count, err);
}

void sw_foreign_walk_close(sw_foreign_walk **walk)
{
    if (*walk) {
        (*walk)->db->ops->walk_close(*walk);
        *walk = NULL;
    }
}

sw_status sw_foreign_rows(sw_foreign *db, const sw_foreign_wide *of, const sw_str *keys,
                          size_t count, sw_foreign_row *row, void *arg, sw_error *err)
{
    sql s = {.len = 0};

    sw_assert(of->column_count <= SW_FOREIGN_WIDE);
    if (count == 0 || !sw_foreign_has(db, of->table, of->key)) {
        return SW_STATUS_OK;
    }
    for (size_t i = 0; i < of->column_count; i++) {
        const char *column = of->columns[i];
        add(&s, "%s", i ? "," : "SELECT ");
        if (column && sw_foreign_has(db, of->table, column)) {
            add(&s, "t.\"%s\"%s", column, db->ops->as_text);
        } else {
            add(&s, "NULL");
        }
    }
    add(&s, " FROM %s\"%s\" t WHERE t.\"%s\" %s", db->ops->from, of->table, of->key,
        db->ops->where);
    return db->ops->rows(db, s.text, of, keys, count, row, arg, err);
}
