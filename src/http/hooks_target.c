/* SPDX-License-Identifier: Apache-2.0 */
/* Which addresses a listener may have. A tenant names a URL, and the server calls it from inside the
 * operator's network: what only that network reaches must not be reachable through us. The rows are the
 * special-purpose address blocks of IANA (RFC 6890 and its successors); an IPv6 address that carries an
 * IPv4 one is judged by what it carries.
 */
#include <netinet/in.h>

#include "http/hooks.h"

typedef struct block {
    uint8_t address[16];
    uint8_t bits;
} block;

static const block blocks4[] = {
    {{0}, 8},             /* this network */
    {{10}, 8},            /* private */
    {{100, 64}, 10},      /* shared with the carrier */
    {{127}, 8},           /* loopback */
    {{169, 254}, 16},     /* link-local, among it the metadata services of clouds */
    {{172, 16}, 12},      /* private */
    {{192, 0, 0}, 24},    /* protocol assignments */
    {{192, 0, 2}, 24},    /* documentation */
    {{192, 88, 99}, 24},  /* relays of 6to4 */
    {{192, 168}, 16},     /* private */
    {{198, 18}, 15},      /* benchmarks */
    {{198, 51, 100}, 24}, /* documentation */
    {{203, 0, 113}, 24},  /* documentation */
    {{224}, 4},           /* multicast */
    {{240}, 4},           /* reserved, broadcast */
};

static const block blocks6[] = {
    {{0}, 96},                            /* unspecified, loopback, and the old way to carry IPv4 */
    {{0x00, 0x64, 0xff, 0x9b, 0, 1}, 48}, /* local translation */
    {{0x01, 0x00}, 64},                   /* discard */
    {{0x20, 0x01, 0x00, 0x00}, 23},       /* protocol assignments, among them Teredo */
    {{0x20, 0x01, 0x0d, 0xb8}, 32},       /* documentation */
    {{0x3f, 0xff}, 20},                   /* documentation */
    {{0x5f, 0x00}, 16},                   /* segment routing */
    {{0xfc}, 7},                          /* unique local */
    {{0xfe, 0x80}, 10},                   /* link-local */
    {{0xfe, 0xc0}, 10},                   /* site-local */
    {{0xff}, 8},                          /* multicast */
};

/* IPv6 blocks that carry an IPv4 address, and at which byte. */
typedef struct carrier {
    block block;
    size_t at;
} carrier;

static const carrier carriers[] = {
    {{{[10] = 0xff, [11] = 0xff}, 96}, 12}, /* mapped */
    {{{0x00, 0x64, 0xff, 0x9b}, 96}, 12},   /* translated */
    {{{0x20, 0x02}, 16}, 2},                /* 6to4 */
};

static bool within(const uint8_t *address, const block *within_this)
{
    size_t whole = within_this->bits / 8;
    unsigned rest = within_this->bits % 8;
    if (memcmp(address, within_this->address, whole) != 0) {
        return false;
    }
    return rest == 0 || (address[whole] ^ within_this->address[whole]) >> (8 - rest) == 0;
}

static bool within_any(const uint8_t *address, const block *blocks, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (within(address, &blocks[i])) {
            return true;
        }
    }
    return false;
}

static bool allowed4(const uint8_t address[4])
{
    return !within_any(address, blocks4, SW_COUNT(blocks4));
}

static bool allowed6(const uint8_t address[16])
{
    for (size_t i = 0; i < SW_COUNT(carriers); i++) {
        if (within(address, &carriers[i].block)) {
            return allowed4(address + carriers[i].at);
        }
    }
    return !within_any(address, blocks6, SW_COUNT(blocks6));
}

bool sw_target_allowed(const struct sockaddr *address)
{
    uint8_t bytes[16];
    if (address->sa_family == AF_INET) {
        struct sockaddr_in in;
        memcpy(&in, address, sizeof in);
        memcpy(bytes, &in.sin_addr, 4);
        return allowed4(bytes);
    }
    if (address->sa_family == AF_INET6) {
        struct sockaddr_in6 in6;
        memcpy(&in6, address, sizeof in6);
        memcpy(bytes, &in6.sin6_addr, 16);
        return allowed6(bytes);
    }
    return false;
}
