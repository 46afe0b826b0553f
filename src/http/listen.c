/* SPDX-License-Identifier: Apache-2.0 */
/* Opening the doors: from ADDRESS:PORT to a listening socket, and what it is called. Knows nothing of what is
 * spoken at a door. Each is asked for itself whether it may be reached (exposure.c).
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <unistd.h>

#include "http/server.h"

enum { BACKLOG = 1024 };

/* "127.0.0.1:8283", "[::1]:8283", "localhost:0", ":8283" */
static bool split_listen(const char *text, char *host, size_t size, const char **port)
{
    const char *colon = strrchr(text, ':');
    size_t len = colon ? (size_t)(colon - text) : 0;
    int64_t number = 0;
    if (!colon || strspn(colon + 1, "0123456789") != strlen(colon + 1) ||
        !sw_parse_int(sw_str_from(colon + 1), &number) || number > 65535) {
        return false;
    }
    if (len >= 2 && text[0] == '[' && text[len - 1] == ']') {
        text++;
        len -= 2;
    } else if (memchr(text, ':', len)) {
        return false;
    }
    if (len >= size) {
        return false;
    }
    memcpy(host, text, len);
    host[len] = '\0';
    *port = colon + 1;
    return true;
}

static bool is_loopback(const struct sockaddr *address)
{
    if (address->sa_family == AF_INET) {
        const struct sockaddr_in *in = (const struct sockaddr_in *)(const void *)address;
        return ntohl(in->sin_addr.s_addr) >> 24 == 127;
    }
    const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)(const void *)address;
    return address->sa_family == AF_INET6 && IN6_IS_ADDR_LOOPBACK(&in6->sin6_addr);
}

static int open_socket(const struct addrinfo *info)
{
    const int on = 1;
    int fd = socket(info->ai_family, info->ai_socktype | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd >= 0 && setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) == 0 &&
        bind(fd, info->ai_addr, info->ai_addrlen) == 0 && listen(fd, BACKLOG) == 0) {
        return fd;
    }
    int why = errno;
    if (fd >= 0) {
        close(fd);
    }
    errno = why;
    return -1;
}

static void name_url(sw_door *door, bool tls)
{
    char host[64] = "";
    char port[16] = "";
    struct sockaddr_storage bound;
    socklen_t len = sizeof bound;
    struct sockaddr *address = (struct sockaddr *)(void *)&bound;
    (void)getsockname(door->fd, address, &len);
    (void)getnameinfo(address, len, host, sizeof host, port, sizeof port,
                      NI_NUMERICHOST | NI_NUMERICSERV);
    bool six = address->sa_family == AF_INET6;
    snprintf(door->url, sizeof door->url, "%s://%s%s%s:%s", tls ? "https" : "http", six ? "[" : "",
             host, six ? "]" : "", port);
}

sw_status sw__door_open(sw_server *server, const char *setting, const char *text, sw_door *door,
                        sw_error *err)
{
    const char *port = NULL;
    char host[256];
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE | AI_NUMERICSERV};
    struct addrinfo *found = NULL;
    if (!split_listen(text, host, sizeof host, &port)) {
        return sw_fail(err, SW_STATUS_INVALID, setting,
                       "is ADDRESS:PORT, e.g. 127.0.0.1:8283 or [::1]:8283, not %s", text);
    }
    int wrong = getaddrinfo(host[0] ? host : NULL, port, &hints, &found);
    if (wrong) {
        return sw_fail(err, SW_STATUS_INVALID, setting, "%s is no address: %s", text,
                       gai_strerror(wrong));
    }
    bool loopback = is_loopback(found->ai_addr);
    sw_status status = sw__exposure_check(server, setting, text, loopback, err);
    door->fd = status == SW_STATUS_OK ? open_socket(found) : -1;
    int why = errno;
    freeaddrinfo(found);
    if (status != SW_STATUS_OK) {
        return status;
    }
    if (door->fd < 0) {
        return sw_fail(err, SW_STATUS_IO, setting, "%s cannot be used: %s", text, strerror(why));
    }
    server->loopback = server->loopback && loopback;
    name_url(door, server->tls);
    return SW_STATUS_OK;
}

static bool was_asked_for(const sw_server *server, sw_setting_id id)
{
    return server->settings.asked >> id & 1U;
}

sw_status sw__door_open_usual(sw_server *server, sw_setting_id id, const char *setting,
                              const char *text, sw_door *door, sw_error *err)
{
    if (!text || !text[0] || strcmp(text, "off") == 0) {
        return SW_STATUS_OK;
    }
    sw_status status = sw__door_open(server, setting, text, door, err);
    if (status == SW_STATUS_IO && !was_asked_for(server, id)) {
        sw_logf(&server->log, SW_LOG_WARN,
                "%s: %s; telemetry is taken at the other addresses only (--%s says another)",
                setting, err->message, setting);
        *err = (sw_error){0};
        status = SW_STATUS_OK;
    }
    return status;
}

void sw__door_close(sw_door *door)
{
    if (door->fd >= 0) {
        close(door->fd);
        door->fd = -1;
    }
}
