/* SPDX-License-Identifier: Apache-2.0 */
/* POST /v1/import: files that `stepwell import --server` sends. What comes is kept aside as it comes; when all is there
 * it is imported by a worker. Knows whose turn it is, and how what was done is told; what an upload is made of, and what
 * an import is, are the ingest room's.
 *
 * One upload is imported at a time, so that memory is bounded by one, and workers are left for those who ask less.
 * Those who wait keep no worker.
 */
#include "ingest/import.h"
#include "http/server.h"

typedef struct sw_upload {
    sw_task task;
    sw_request *request;
    import_spool *spool;
    import_result result;
    sw_buf trouble; /* of the answer */
    sw_json_out out;
    int64_t told;
    bool stop;
    struct sw_upload *next; /* that waits */
} sw_upload;

static void drop(sw_request *request)
{
    sw_upload *upload = request->state;

    atomic_fetch_sub(&request->server->upload_count, 1);
    import_spool_free(&upload->spool);
    sw_buf_fini(&upload->trouble);
}

/* ---- what comes ------------------------------------------------------------------------------------------- */

static sw_status begin(sw_request *request, sw_error *err)
{
    sw_upload *upload = sw_arena_zeroed(&request->arena, sizeof *upload);
    sw_str machine = sw_param_text(request, "machine");

    if (!upload) {
        return sw_no_memory(err);
    }
    if (atomic_fetch_add(&request->server->upload_count, 1) >= SW_LIMIT_IMPORT_UPLOADS) {
        atomic_fetch_sub(&request->server->upload_count, 1);
        sw_answer_header(request, "Retry-After", "5");
        return sw_answer_fail(request, 503, "%d imports come or wait already; come again",
                              SW_LIMIT_IMPORT_UPLOADS);
    }
    upload->request = request;
    sw_buf_init(&upload->trouble, request->arena.from, SW_LIMIT_ANSWER_BYTES / 2);
    sw_json_out_init(&upload->out, &upload->trouble, false);
    sw_json_open(&upload->out, '[');
    request->state = upload;
    request->drop = drop;
    return import_spool_new(request->arena.from, machine, &upload->spool, err);
}

/* What has no room is told in words of its own: it is not the ledger's disk that is meant. */
static sw_status refuse(sw_request *request, sw_status status, const sw_error *err)
{
    return status == SW_STATUS_FULL || status == SW_STATUS_IO
               ? sw_answer_fail(request, 503, "%s", err->message)
               : sw_request_bad_body(request, err);
}

sw_status sw_http_import_part(sw_request *request, sw_str bytes, bool last, sw_error *err)
{
    sw_status status = request->state ? SW_STATUS_OK : begin(request, err);
    sw_upload *upload = request->state;

    if (status == SW_STATUS_OK && bytes.len > 0) {
        status = import_spool_take(upload->spool, bytes, err);
    }
    if (status == SW_STATUS_OK) {
        status = sw_request_hold(request, import_spool_memory(upload->spool));
    }
    if (status == SW_STATUS_OK && last) {
        return sw_http_import(request, err);
    }
    return status == SW_STATUS_OK || !err->status ? status : refuse(request, status, err);
}

/* ---- the import -------------------------------------------------------------------------------------------- */

static void tell(sw_upload *upload, const char *path, int64_t line, const char *why)
{
    const import_trouble trouble = {sw_str_from(path), line, sw_str_from(why)};

    if (upload->told++ < IMPORT_TOLD) {
        import_write_trouble(&upload->out, &trouble);
    }
}

static void tell_bad_line(void *arg, const char *path, int64_t line, const char *why)
{
    tell(arg, path, line, why);
}

static void tell_skipped(void *arg, const char *path, const char *why)
{
    tell(arg, path, 0, why);
}

static void look_up(void *arg, const import_result *so_far)
{
    sw_upload *upload = arg;

    (void)so_far;
    upload->stop = upload->stop || sw_server_stopping(upload->request->server);
}

static sw_status import(sw_upload *upload, sw_error *err)
{
    sw_request *request = upload->request;
    const import_options options = {.allocator = request->arena.from,
                                    .memory_bytes = SW_LIMIT_IMPORT_SENT_MEMORY_BYTES,
                                    .stop = &upload->stop,
                                    .bad_line = tell_bad_line,
                                    .skipped = tell_skipped,
                                    .progress = look_up,
                                    .arg = upload};
    sw_status status = SW_STATUS_OK;

    look_up(upload, NULL);
    if (!upload->stop) {
        status = import_sent(sw_server_ledger(request->server), &request->actor, &options,
                             upload->spool, &upload->result, err);
    }
    return status == SW_STATUS_OK && upload->stop
               ? sw_fail(err, SW_STATUS_CLOSED, "", "the server is stopping")
               : status;
}

/* The next one has its turn. Whose turn it was is answered, and not to be touched any more. */
static void run(sw_task *task)
{
    sw_upload *upload = (sw_upload *)(void *)((char *)task - offsetof(sw_upload, task));
    sw_server *server = upload->request->server;
    sw_error error = {.status = SW_STATUS_OK};
    sw_status status = import(upload, &error);
    sw_upload *next = NULL;

    pthread_mutex_lock(&server->lock);
    next = server->uploads;
    server->uploads = next ? next->next : NULL;
    server->importing = next != NULL;
    pthread_mutex_unlock(&server->lock);
    if (next) {
        sw__task(server, &next->task);
    }
    sw_request_done(upload->request, status, &error);
}

static sw_status answer(sw_request *request, sw_status status, const sw_error *err)
{
    sw_upload *upload = request->state;
    sw_json_out *out = NULL;

    (void)err;
    sw_json_close(&upload->out, ']');
    if (status != SW_STATUS_OK || upload->trouble.status != SW_STATUS_OK) {
        return status != SW_STATUS_OK ? status : upload->trouble.status;
    }
    out = sw_answer_json(request, 200);
    sw_json_open(out, '{');
    import_write_result(out, &upload->result);
    sw_json_key(out, SW_STR("trouble"));
    sw_json_raw(out, sw_buf_str(&upload->trouble));
    sw_json_key(out, SW_STR("untold"));
    sw_json_int(out, upload->told > IMPORT_TOLD ? upload->told - IMPORT_TOLD : 0);
    sw_json_close(out, '}');
    return SW_STATUS_OK;
}

sw_status sw_http_import(sw_request *request, sw_error *err)
{
    sw_upload *upload = request->state;
    sw_server *server = request->server;
    sw_upload **last = &server->uploads;
    sw_status status = import_spool_end(upload->spool, err);
    bool waits = false;

    if (status != SW_STATUS_OK) {
        return refuse(request, status, err);
    }
    upload->task.run = run;
    sw_request_later(request, answer);
    pthread_mutex_lock(&server->lock);
    waits = server->importing;
    server->importing = true;
    while (waits && *last) {
        last = &(*last)->next;
    }
    if (waits) {
        *last = upload;
    }
    pthread_mutex_unlock(&server->lock);
    if (!waits) {
        sw__task(server, &upload->task);
    }
    return SW_STATUS_OK;
}
