/* SPDX-License-Identifier: Apache-2.0 */
/* What an import asks of a server, and sends it. Paths mean something on one machine only, so each question names this
 * one: by a digest of what the system calls itself, so that nobody learns more of it.
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/remote.h"
#include "ingest/import.h"
#include "ingest/import_inside.h"

enum { ARENA = 256 << 20, NAME_BYTES = 256 };

typedef struct remote_import {
    import_away away;
    sw_remote *remote;
    char machine[2 * IMPORT_DIGEST + 1];
} remote_import;

/* ---- this machine ------------------------------------------------------------------------------------------ */

/* The id that the system was given when it was set up, which copies of an image may share, and its name, which it may
 * share with others too: together they rarely are another's. */
static void name_machine(char out[2 * IMPORT_DIGEST + 1])
{
    char both[2 * NAME_BYTES] = "";
    char digest[IMPORT_DIGEST];
    FILE *file = fopen("/etc/machine-id", "re");
    size_t len = file ? fread(both, 1, NAME_BYTES, file) : 0;

    if (file) {
        (void)fclose(file);
    }
    (void)gethostname(both + len, NAME_BYTES - 1);
    import_digest(both, len + strlen(both + len), digest);
    sw_hex_print((const uint8_t *)digest, IMPORT_DIGEST, out);
    out[2 * IMPORT_DIGEST] = '\0';
}

/* ---- questions ---------------------------------------------------------------------------------------------- */

typedef struct asking {
    bool *same;
    int64_t count; /* of what was asked */
    void (*each)(void *to, int64_t unit, sw_str path);
    void *to;
} asking;

static void take_same(void *arg, int64_t file)
{
    const asking *a = arg;
    if (a->same && file < a->count) {
        a->same[file] = true;
    }
}

static void take_sibling(void *arg, int64_t unit, sw_str path)
{
    const asking *a = arg;
    if (a->each && unit < a->count) {
        a->each(a->to, unit, path);
    }
}

static sw_status ask(remote_import *r, const import_question *question, asking *a, sw_error *err)
{
    const sw_route *route = &sw__routes[SW_ROUTE_ID_IMPORT_PLAN];
    sw_arena arena;
    sw_buf body;
    sw_json_out out;
    sw_status status = SW_STATUS_OK;

    sw_arena_init(&arena, &sw__libc_allocator, ARENA);
    sw_buf_init(&body, &sw__libc_allocator, 0);
    sw_json_out_init(&out, &body, false);
    import_write_question(&out, question);
    sw_remote_begin(r->remote, route, SW_NULL_STR);
    status = body.status == SW_STATUS_OK ? sw_remote_send(r->remote, route, sw_buf_str(&body), err)
                                         : sw_no_memory(err);
    if (status == SW_STATUS_OK &&
        !import_read_plan(sw_buf_str(&r->remote->body), &arena, take_same, take_sibling, a)) {
        status = sw_remote_odd(err, "plan of an import");
    }
    sw_buf_fini(&body);
    sw_arena_fini(&arena);
    return status;
}

static sw_status compare(void *arg, const import_seen *files, size_t count, bool *same,
                         sw_error *err)
{
    remote_import *r = arg;
    const import_question question = {
        .machine = sw_str_from(r->machine), .files = files, .file_count = count};
    asking a = {.same = same, .count = (int64_t)count};

    return ask(r, &question, &a, err);
}

static sw_status siblings(void *arg, char (*units)[IMPORT_DIGEST], size_t count,
                          void (*each)(void *to, int64_t unit, sw_str path), void *to,
                          sw_error *err)
{
    remote_import *r = arg;
    const import_question question = {
        .machine = sw_str_from(r->machine), .units = units, .unit_count = count};
    asking a = {.each = each, .to = to, .count = (int64_t)count};

    return ask(r, &question, &a, err);
}

/* ---- files ---------------------------------------------------------------------------------------------------- */

static size_t pull(void *arg, char *to, size_t room)
{
    return import_upload_pull(arg, to, room);
}

static void begin_again(void *arg)
{
    import_upload_rewind(arg);
}

static bool goes_on(void *arg)
{
    return import_upload_goes_on(arg);
}

static void take_trouble(void *arg, const import_trouble *trouble)
{
    import_upload_trouble(arg, trouble);
}

static sw_status send_files(void *arg, import_upload *upload, import_result *result, sw_error *err)
{
    const remote_import *r = arg;
    const sw_route *route = &sw__routes[SW_ROUTE_ID_IMPORT];
    int64_t untold = 0;
    sw_arena arena;
    sw_status status = SW_STATUS_OK;

    sw_remote_begin(r->remote, route, SW_NULL_STR);
    sw_remote_add(r->remote, "machine", sw_str_from(r->machine));
    r->remote->pull = pull;
    r->remote->rewind = begin_again;
    r->remote->pull_arg = upload;
    r->remote->idle = goes_on;
    r->remote->piece_arg = upload;
    status = sw_remote_send(r->remote, route, SW_NULL_STR, err);
    r->remote->pull = NULL;
    r->remote->idle = NULL;
    /* Who does not wait for the answer does not know what was done; sending it again is safe. */
    if (status != SW_STATUS_OK || r->remote->ended) {
        return status;
    }
    sw_arena_init(&arena, &sw__libc_allocator, ARENA);
    if (!import_read_result(sw_buf_str(&r->remote->body), &arena, result, take_trouble, upload,
                            &untold)) {
        status = sw_remote_odd(err, "answer to an import");
    }
    import_upload_untold(upload, untold);
    sw_arena_fini(&arena);
    return status;
}

const import_away *sw_remote_import(sw_site *source, sw_arena *arena)
{
    remote_import *r = sw_arena_zeroed(arena, sizeof *r);

    if (!r) {
        return NULL;
    }
    r->remote = (sw_remote *)source;
    r->away = (import_away){r, compare, siblings, send_files};
    name_machine(r->machine);
    return &r->away;
}
