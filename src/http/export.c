/* SPDX-License-Identifier: Apache-2.0 */
/* GET /v1/steps/export: all steps that a list would find, as NDJSON or CSV, of any number. How they are walked along is
 * walk.c.
 */
#include "http/walk.h"

static void write_json(sw_walk *walk, const sw_step *step, sw_buf *out)
{
    sw_json_out json;
    (void)walk;
    sw_json_out_init(&json, out, false);
    sw_record_write_json(SW_RECORD_STEP, step, &json);
    sw_buf_addc(out, '\n');
}

static void write_csv(sw_walk *walk, const sw_step *step, sw_buf *out)
{
    (void)walk;
    sw_record_write_csv(SW_RECORD_STEP, step, out);
}

sw_status sw_http_export_steps(sw_request *request, sw_error *err)
{
    bool csv = sw_param_int(request, "format").value == SW_EXPORT_FORMAT_CSV;
    sw_int limit = sw_param_int(request, "limit");
    sw_walk *walk = NULL;
    sw_status status = sw__walk_make(request, csv ? write_csv : write_json, &walk, err);
    if (status == SW_STATUS_OK) {
        status = sw_list_from_params(request, &walk->query, err);
    }
    if (status != SW_STATUS_OK) {
        return status;
    }
    walk->left = limit.known ? limit.value : -1;
    walk->query.text = sw_param_text(request, "text");
    if (csv) {
        sw_record_csv_header(SW_RECORD_STEP, &walk->first);
    }
    status = sw__walk_answer(
        walk, csv ? "text/csv; charset=utf-8; header=present" : "application/x-ndjson", err);
    if (status == SW_STATUS_OK) {
        sw_answer_header(request, "Content-Disposition",
                         csv ? "attachment; filename=\"steps.csv\""
                             : "attachment; filename=\"steps.ndjson\"");
    }
    return status;
}
