/* SPDX-License-Identifier: Apache-2.0 */
/* What a sender is answered, in the wire it spoke: how much was rejected and why, or a
 * google.rpc.Status. */
#include "codec/otlp_inside.h"

enum { RESPONSE_PARTIAL = 1, PARTIAL_REJECTED = 1, PARTIAL_MESSAGE = 2 };
enum { RPC_CODE = 1, RPC_MESSAGE = 2 };

static void write_partial_json(sw_buf *out, otlp_signal signal, int64_t rejected, sw_str message)
{
    static const char *const counters[] = {"rejectedSpans", "rejectedLogRecords",
                                           "rejectedDataPoints"};
    char digits[24];
    sw_json_out json;
    sw_json_out_init(&json, out, false);
    sw_json_open(&json, '{');
    if (rejected != 0 || message.len > 0) {
        sw_json_key(&json, SW_STR("partialSuccess"));
        sw_json_open(&json, '{');
        if (rejected != 0) {
            (void)snprintf(digits, sizeof digits, "%lld", (long long)rejected);
            sw_json_key(&json, sw_str_from(counters[signal]));
            sw_json_str(&json, sw_str_from(digits)); /* 64 bits are text in this JSON */
        }
        if (message.len > 0) {
            sw_json_key(&json, SW_STR("errorMessage"));
            sw_json_str(&json, message);
        }
        sw_json_close(&json, '}');
    }
    sw_json_close(&json, '}');
}

void otlp_write_response(sw_buf *out, otlp_wire wire, otlp_signal signal, int64_t rejected,
                         sw_str message)
{
    if (wire == OTLP_JSON) {
        write_partial_json(out, signal, rejected, message);
    } else if (rejected != 0 || message.len > 0) {
        size_t begin = pb_begin(out, RESPONSE_PARTIAL);
        pb_put_number(out, PARTIAL_REJECTED, (uint64_t)rejected);
        pb_put_text(out, PARTIAL_MESSAGE, message);
        pb_end(out, begin);
    }
}

void otlp_write_status(sw_buf *out, otlp_wire wire, int32_t code, sw_str message)
{
    sw_json_out json;
    if (wire == OTLP_PROTOBUF) {
        pb_put_number(out, RPC_CODE, (uint64_t)code);
        pb_put_text(out, RPC_MESSAGE, message);
        return;
    }
    sw_json_out_init(&json, out, false);
    sw_json_open(&json, '{');
    sw_json_key(&json, SW_STR("code"));
    sw_json_int(&json, code);
    sw_json_key(&json, SW_STR("message"));
    sw_json_str(&json, message.ptr ? message : SW_STR(""));
    sw_json_close(&json, '}');
}
