/* SPDX-License-Identifier: Apache-2.0 */
/* Chance that repeats itself: splitmix64 and what is drawn from it, in integers, so that no
 * machine's floating point changes a workload. Not for secrets.
 */
#include "cli/demo_private.h"

#include <stdio.h>

uint64_t demo_u64(demo_random *random)
{
    uint64_t x = random->state += UINT64_C(0x9E3779B97F4A7C15);
    x = (x ^ (x >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    x = (x ^ (x >> 27)) * UINT64_C(0x94D049BB133111EB);
    return x ^ (x >> 31);
}

int64_t demo_below(demo_random *random, int64_t bound)
{
    sw_assert(bound > 0);
    return (int64_t)(demo_u64(random) % (uint64_t)bound);
}

int64_t demo_between(demo_random *random, int64_t least, int64_t most)
{
    return least + demo_below(random, most - least + 1);
}

bool demo_chance(demo_random *random, int per_mille)
{
    return demo_below(random, 1000) < per_mille;
}

int64_t demo_spread_pick(demo_random *random, const demo_spread *spread)
{
    static const int64_t points[] = {0, 2500, 5000, 7500, 9500, 10000};
    int64_t at = demo_below(random, 10000);
    size_t i = 0;
    while (at >= points[i + 1]) {
        i++;
    }
    int64_t width = spread->at[i + 1] - spread->at[i];
    return spread->at[i] + width * (at - points[i]) / (points[i + 1] - points[i]);
}

static void fill_bytes(void *data, void *out, size_t len)
{
    demo_random *random = data;
    uint8_t *at = out;
    while (len > 0) {
        uint64_t word = demo_u64(random);
        size_t size = len < sizeof word ? len : sizeof word;
        for (size_t i = 0; i < size; i++) {
            *at++ = (uint8_t)(word >> 8 * i);
        }
        len -= size;
    }
}

demo_id demo_id_make(demo_random *random, const char *prefix, int64_t at_us)
{
    demo_id id;
    uint8_t uuid[SW_UUID];
    const sw_random source = {fill_bytes, random};
    sw_uuid_make(&source, at_us, uuid);
    id.len = sw_id_print(sw_str_from(prefix), uuid, id.text);
    return id;
}

sw_str demo_fill(demo_random *random, sw_arena *arena, const char *text,
                 const char *const *subjects)
{
    enum { NUMBER = 12 };
    const char *subject = subjects[demo_below(random, DEMO_SUBJECTS)];
    size_t room = strlen(text) + 1;
    for (const char *at = text; *at; at++) {
        room += *at == '#' ? NUMBER : *at == '@' ? strlen(subject) : 0;
    }
    char *out = sw_arena_alloc(arena, room);
    size_t length = 0;
    if (!out) {
        return SW_NULL_STR;
    }
    for (const char *at = text; *at; at++) {
        if (*at == '#') {
            length +=
                (size_t)snprintf(out + length, NUMBER, "%d", (int)demo_between(random, 12, 9870));
        } else if (*at == '@') {
            memcpy(out + length, subject, strlen(subject));
            length += strlen(subject);
        } else {
            out[length++] = *at;
        }
    }
    out[length] = '\0';
    return sw_str_make(out, length);
}
