/* SPDX-License-Identifier: Apache-2.0 */
/* Who can reach the server, and what must hold before it may be reached: on this machine's own addresses
 * nothing; on any other a key must exist, and the connection must be encrypted, here or by a proxy that
 * the operator vouches for.
 */
#include <errno.h>
#include <stdio.h>

#include "http/server.h"

enum { PEM_BYTES = 1 << 20 };

sw_status sw__exposure_check(sw_server *server, const char *setting, const char *text,
                             bool loopback, sw_error *err)
{
    const sw_settings *s = &server->settings;
    bool keys = false;
    if (!s->tls_cert != !s->tls_key) {
        return sw_fail(err, SW_STATUS_INVALID, s->tls_cert ? "tls-key" : "tls-cert",
                       "is needed too: HTTPS takes a certificate and its key");
    }
    if (loopback) {
        return SW_STATUS_OK;
    }
    sw_status status = sw_keys_exist(server->ledger, &keys, err);
    if (status == SW_STATUS_OK && !keys) {
        status = sw_fail(err, SW_STATUS_INVALID, setting,
                         "%s can be reached from other machines, and there is no key; make one "
                         "first (stepwell keys create), or listen on 127.0.0.1",
                         text);
    }
    if (status == SW_STATUS_OK && !s->tls_cert && !s->insecure_plain_http) {
        status = sw_fail(err, SW_STATUS_INVALID, setting,
                         "%s can be reached from other machines; give --tls-cert and --tls-key, or "
                         "--insecure-plain-http behind a proxy that speaks TLS",
                         text);
    }
    return status;
}

static char *read_pem(const char *name, const char *path, sw_arena *arena, sw_error *err)
{
    FILE *in = fopen(path, "re");
    char *text = in ? sw_arena_alloc(arena, PEM_BYTES) : NULL;
    size_t len = text ? fread(text, 1, PEM_BYTES, in) : 0;
    bool fine = text && len > 0 && len < PEM_BYTES && !ferror(in);
    int why = errno;
    if (in) {
        fclose(in);
    }
    if (!fine) {
        (void)sw_fail(err, SW_STATUS_INVALID, name, "%s cannot be read%s%s", path, in ? "" : ": ",
                      in ? "" : strerror(why));
        return NULL;
    }
    text[len] = '\0';
    return text;
}

sw_status sw__exposure_tls(sw_server *server, sw_arena *arena, char **cert, char **key,
                           sw_error *err)
{
    *cert = *key = NULL;
    if (!server->tls) {
        return SW_STATUS_OK;
    }
    *cert = read_pem("tls-cert", server->settings.tls_cert, arena, err);
    *key = *cert ? read_pem("tls-key", server->settings.tls_key, arena, err) : NULL;
    return *key ? SW_STATUS_OK : SW_STATUS_INVALID;
}
