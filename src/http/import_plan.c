/* SPDX-License-Identifier: Apache-2.0 */
/* POST /v1/import/plan: what is remembered of files that a client could send. Knows how the question is written; what
 * it means is the ingest room's.
 */
#include "http/http.h"
#include "ingest/import.h"

static void write_path(void *to, sw_str path)
{
    sw_json_str(to, path);
}

static sw_status write_unchanged(sw_request *request, const import_question *question,
                                 sw_json_out *out, sw_error *err)
{
    sw_memory *memory = sw_memory_new(request->arena.from); /* emptied for each file */
    sw_status status = memory ? SW_STATUS_OK : sw_no_memory(err);

    sw_json_key(out, SW_STR("unchanged"));
    sw_json_open(out, '[');
    for (size_t i = 0; i < question->file_count && status == SW_STATUS_OK; i++) {
        bool same = false;
        status = import_is_unchanged(sw_server_ledger(request->server), &request->actor,
                                     question->machine, &question->files[i], memory, &same, err);
        if (same) {
            sw_json_int(out, (int64_t)i);
        }
    }
    sw_json_close(out, ']');
    sw_memory_free(&memory);
    return status;
}

static sw_status write_siblings(sw_request *request, const import_question *question,
                                sw_json_out *out, sw_error *err)
{
    sw_status status = SW_STATUS_OK;

    sw_json_key(out, SW_STR("siblings"));
    sw_json_open(out, '[');
    for (size_t i = 0; i < question->unit_count && status == SW_STATUS_OK; i++) {
        sw_json_open(out, '[');
        status = import_siblings(sw_server_ledger(request->server), &request->actor,
                                 question->machine, question->units[i], write_path, out, err);
        sw_json_close(out, ']');
    }
    sw_json_close(out, ']');
    return status;
}

sw_status sw_http_import_plan(sw_request *request, sw_error *err)
{
    import_question question;
    sw_json_out *out = NULL;
    sw_error why = {.status = SW_STATUS_OK};
    sw_status status = import_read_question(request->body, &request->arena, &question, &why);

    if (status != SW_STATUS_OK) {
        *err = why;
        return sw_request_unread_body(request, &why);
    }
    out = sw_answer_json(request, 200);
    sw_json_open(out, '{');
    status = write_unchanged(request, &question, out, err);
    if (status == SW_STATUS_OK) {
        status = write_siblings(request, &question, out, err);
    }
    sw_json_close(out, '}');
    return status;
}
