/* SPDX-License-Identifier: Apache-2.0 */
/* TLS of a connection for gRPC, by GnuTLS, which the HTTP library uses as well: the same certificate, the same
 * versions, and h2 as what is spoken inside.
 */
#include <errno.h>
#include <gnutls/gnutls.h>

#include "http/grpc.h"

struct sw_grpc_tls {
    gnutls_certificate_credentials_t credentials;
    gnutls_priority_t priorities;
};

struct sw_grpc_secure {
    gnutls_session_t session;
};

static gnutls_datum_t datum_of(const char *text)
{
    union {
        const char *in;
        unsigned char *out;
    } bytes = {.in = text};
    return (gnutls_datum_t){bytes.out, (unsigned int)strlen(text)};
}

sw_status sw__grpc_tls_new(const sw_allocator *from, const char *cert, const char *key,
                           sw_grpc_tls **out, sw_error *err)
{
    sw_grpc_tls *tls = sw_alloc_zeroed(from, sizeof *tls);
    gnutls_datum_t chain = datum_of(cert);
    gnutls_datum_t secret = datum_of(key);
    if (!tls) {
        return sw_no_memory(err);
    }
    *out = tls;
    if (gnutls_certificate_allocate_credentials(&tls->credentials) < 0 ||
        gnutls_priority_init(&tls->priorities, "NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2", NULL) <
            0) {
        return sw_no_memory(err);
    }
    int wrong =
        gnutls_certificate_set_x509_key_mem(tls->credentials, &chain, &secret, GNUTLS_X509_FMT_PEM);
    return wrong < 0 ? sw_fail(err, SW_STATUS_INVALID, "tls-cert",
                               "cannot be used for gRPC: %s; do certificate and key fit together?",
                               gnutls_strerror(wrong))
                     : SW_STATUS_OK;
}

void sw__grpc_tls_free(const sw_allocator *from, sw_grpc_tls *tls)
{
    if (!tls) {
        return;
    }
    if (tls->credentials) {
        gnutls_certificate_free_credentials(tls->credentials);
    }
    if (tls->priorities) {
        gnutls_priority_deinit(tls->priorities);
    }
    sw_free(from, tls);
}

sw_grpc_secure *sw__grpc_secure_new(const sw_allocator *from, sw_grpc_tls *tls, int fd)
{
    sw_grpc_secure *secure = sw_alloc_zeroed(from, sizeof *secure);
    const gnutls_datum_t spoken = datum_of("h2");
    if (!secure || gnutls_init(&secure->session, GNUTLS_SERVER | GNUTLS_NONBLOCK) < 0) {
        sw_free(from, secure);
        return NULL;
    }
    gnutls_session_t session = secure->session;
    if (gnutls_priority_set(session, tls->priorities) < 0 ||
        gnutls_credentials_set(session, GNUTLS_CRD_CERTIFICATE, tls->credentials) < 0 ||
        gnutls_alpn_set_protocols(session, &spoken, 1, 0) < 0) {
        sw__grpc_secure_free(from, secure);
        return NULL;
    }
    gnutls_transport_set_int(session, fd);
    return secure;
}

void sw__grpc_secure_free(const sw_allocator *from, sw_grpc_secure *secure)
{
    if (secure) {
        gnutls_deinit(secure->session);
        sw_free(from, secure);
    }
}

int sw__grpc_secure_agree(sw_grpc_secure *secure)
{
    int code = gnutls_handshake(secure->session);
    return code == GNUTLS_E_SUCCESS ? 1 : gnutls_error_is_fatal(code) ? -1 : 0;
}

/* Whatever is not the end of it is said as the system would. */
static ssize_t as_system(ssize_t size)
{
    if (size >= 0) {
        return size;
    }
    errno = size == GNUTLS_E_AGAIN ? EAGAIN : size == GNUTLS_E_INTERRUPTED ? EINTR : EPROTO;
    return -1;
}

ssize_t sw__grpc_secure_read(sw_grpc_secure *secure, void *to, size_t room)
{
    return as_system(gnutls_record_recv(secure->session, to, room));
}

ssize_t sw__grpc_secure_write(sw_grpc_secure *secure, const void *from, size_t size)
{
    return as_system(gnutls_record_send(secure->session, from, size));
}
