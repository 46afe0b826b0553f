/* SPDX-License-Identifier: Apache-2.0 */
/* How the server is. */
#include "http/server.h"

sw_status sw_http_health(sw_request *request, sw_error *err)
{
    (void)err;
    sw_json_out *out = sw_answer_json(request, 200);
    sw_json_open(out, '{');
    sw_json_key(out, SW_STR("version"));
    sw_json_str(out, sw_str_from(sw_version()));
    sw_json_key(out, SW_STR("status"));
    sw_json_str(out, SW_STR("ok"));
    sw_json_close(out, '}');
    return SW_STATUS_OK;
}
