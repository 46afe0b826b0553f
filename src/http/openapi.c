/* SPDX-License-Identifier: Apache-2.0 */
/* /openapi.json: the document as a whole, written once when it is asked for, and handed out from there with its
 * ETag. What it says of routes is openapi_paths.c, of records and shapes openapi_schema.c.
 */
#include <stdio.h>

#include "http/server.h"

enum { OPENAPI_MOST = 4 << 20 };

static void put_info(sw_json_out *out)
{
    sw_json_open(out, '{');
    sw__openapi_say(out, "title", "Stepwell");
    sw__openapi_say(out, "version", sw_version());
    sw__openapi_say(out, "description",
                    "The system of record for the steps of AI agents. Each path is served with and "
                    "without a slash at its end, and those under /v1 (not /v1/admin) under /latest "
                    "too. Members that are not named here may come with later versions.");
    sw_json_key(out, SW_STR("license"));
    sw_json_raw(out, SW_STR("{\"name\":\"Apache-2.0\",\"identifier\":\"Apache-2.0\"}"));
    sw_json_close(out, '}');
}

static void put_components(sw_json_out *out)
{
    sw_json_open(out, '{');
    sw_json_key(out, SW_STR("securitySchemes"));
    sw_json_raw(
        out,
        SW_STR(
            "{\"bearer\":{\"type\":\"http\",\"scheme\":\"bearer\",\"description\":"
            "\"A key, as stepwell keys create shows it once. A server on this "
            "machine's own address is open as long as there is none.\"},\"session\":{\"type\":\"apiKey\",\"in\":\"cookie\",\"name\":\"" SW_SESSION_COOKIE
            "\",\"description\":\"What POST /v1/session sets. Where the address has a port, _ and the port follow the name.\"}}"));
    sw_json_key(out, SW_STR("responses"));
    sw_json_open(out, '{');
    sw__openapi_refusals(out, NULL, true);
    sw_json_close(out, '}');
    sw_json_key(out, SW_STR("schemas"));
    sw__openapi_schemas(out);
    sw_json_close(out, '}');
}

static void put_document(sw_json_out *out)
{
    sw_json_open(out, '{');
    sw__openapi_say(out, "openapi", "3.1.0");
    sw_json_key(out, SW_STR("info"));
    put_info(out);
    sw_json_key(out, SW_STR("servers"));
    sw_json_raw(out, SW_STR("[{\"url\":\"/\"}]"));
    sw_json_key(out, SW_STR("paths"));
    sw__openapi_paths(out);
    sw_json_key(out, SW_STR("components"));
    put_components(out);
    sw_json_close(out, '}');
}

void sw__openapi_init(sw_server *server)
{
    sw_buf_init(&server->openapi, server->from, OPENAPI_MOST);
    pthread_mutex_init(&server->openapi_lock, NULL);
}

void sw__openapi_free(sw_server *server)
{
    sw_buf_fini(&server->openapi);
    pthread_mutex_destroy(&server->openapi_lock);
}

static sw_status write_document(sw_server *server, sw_error *err)
{
    sw_json_out out;
    sw_json_out_init(&out, &server->openapi, false);
    put_document(&out);
    if (server->openapi.status != SW_STATUS_OK) {
        sw_buf_fini(&server->openapi); /* so that who asks next tries again */
        return sw_no_memory(err);
    }
    sw_str text = sw_buf_str(&server->openapi);
    snprintf(server->openapi_tag, sizeof server->openapi_tag, "\"%016llx\"",
             (unsigned long long)sw_hash(0, text.ptr, text.len));
    return SW_STATUS_OK;
}

/* By whoever asks first; most servers are never asked, and it is a third of a megabyte. */
static sw_status need_document(sw_server *server, sw_error *err)
{
    pthread_mutex_lock(&server->openapi_lock);
    sw_status status = server->openapi.len > 0 ? SW_STATUS_OK : write_document(server, err);
    pthread_mutex_unlock(&server->openapi_lock);
    return status;
}

sw_status sw_http_openapi(sw_request *request, sw_error *err)
{
    sw_server *server = request->server;
    sw_status status = need_document(server, err);
    if (status != SW_STATUS_OK) {
        return status;
    }
    sw_str has = sw_request_header(request, "If-None-Match");
    bool same = has.ptr && strstr(has.ptr, server->openapi_tag);
    sw_answer_header(request, "ETag", server->openapi_tag);
    sw_answer_header(request, "Cache-Control", "no-cache");
    sw_answer_bytes(request, same ? 304 : 200, NULL,
                    same ? SW_STR("") : sw_buf_str(&server->openapi));
    return SW_STATUS_OK;
}
