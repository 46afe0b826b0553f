/* SPDX-License-Identifier: Apache-2.0 */
/* Latency histograms that merge by addition. Buckets grow by 4 %: a value is at most 2 % away from the
 * middle of its bucket. On disk a histogram is a list of (distance to the bucket, count) in variable
 * length integers, so that a day with a few steps costs a few bytes.
 */
#include <math.h>

#include "ledger/internal.h"

static const double growth = 1.04;

size_t sw_bucket_of(int64_t ns)
{
    double n = 0;

    if (ns <= 0) {
        return 0;
    }
    n = 1 + ceil(log((double)ns) / log(growth));
    return n >= SW_BUCKETS ? SW_BUCKETS - 1 : (size_t)n;
}

int64_t sw_bucket_middle(size_t bucket)
{
    double middle = 0;

    if (bucket == 0) {
        return 0;
    }
    middle = pow(growth, (double)bucket - 2) * 2.0 * growth / (1.0 + growth) + 0.5;
    return middle < (double)INT64_MAX ? (int64_t)middle : INT64_MAX;
}

static bool read_varint(sw_str *text, uint64_t *out)
{
    *out = 0;
    for (unsigned shift = 0; text->len > 0 && shift < 63; shift += 7) {
        uint8_t byte = (uint8_t)*text->ptr++;
        text->len--;
        *out |= (uint64_t)(byte & 0x7f) << shift;
        if (!(byte & 0x80)) {
            return true;
        }
    }
    return false;
}

static void write_varint(sw_buf *out, uint64_t value)
{
    while (value >= 0x80) {
        sw_buf_addc(out, (char)(uint8_t)(value | 0x80));
        value >>= 7;
    }
    sw_buf_addc(out, (char)(uint8_t)value);
}

bool sw_histogram_add(sw_histogram *to, sw_str encoded)
{
    size_t bucket = 0;

    while (encoded.ptr && encoded.len > 0) {
        uint64_t step = 0;
        uint64_t count = 0;
        if (!read_varint(&encoded, &step) || !read_varint(&encoded, &count)) {
            return false;
        }
        bucket += step;
        if (bucket >= SW_BUCKETS || count > INT64_MAX / 2) {
            return false;
        }
        to->count[bucket] += (int64_t)count;
    }
    return true;
}

void sw_histogram_encode(const sw_histogram *from, sw_buf *out)
{
    size_t last = 0;

    for (size_t i = 0; i < SW_BUCKETS; i++) {
        if (from->count[i] > 0) {
            write_varint(out, i - last);
            write_varint(out, (uint64_t)from->count[i]);
            last = i;
        }
    }
}

int64_t sw_histogram_count(const sw_histogram *h)
{
    int64_t sum = 0;

    for (size_t i = 0; i < SW_BUCKETS; i++) {
        sum += h->count[i];
    }
    return sum;
}

int64_t sw_histogram_percentile(const sw_histogram *h, int percent)
{
    int64_t count = sw_histogram_count(h);
    int64_t rank = (count * percent + 99) / 100;
    int64_t seen = 0;

    for (size_t i = 0; i < SW_BUCKETS && count > 0; i++) {
        seen += h->count[i];
        if (seen >= rank) {
            return sw_bucket_middle(i);
        }
    }
    return -1;
}

/* ---- changes ------------------------------------------------------------------------------------- */

/* From the list to the array. */
static bool spread_out(sw_tally *tally, sw_arena *arena)
{
    int32_t *all = sw_arena_zeroed(arena, SW_BUCKETS * sizeof *all);

    for (size_t i = 0; all && i < tally->count; i++) {
        all[tally->buckets[i]] = tally->changes[i];
    }
    tally->all = all;
    return all != NULL;
}

bool sw_tally_add(sw_tally *tally, size_t bucket, int32_t change, sw_arena *arena)
{
    size_t i = 0;

    sw_assert(bucket < SW_BUCKETS);
    while (!tally->all && i < tally->count && tally->buckets[i] != bucket) {
        i++;
    }
    if (!tally->all && i == SW_TALLY_FEW && !spread_out(tally, arena)) {
        return false;
    }
    if (tally->all) {
        tally->all[bucket] += change;
        return true;
    }
    if (i == tally->count) {
        tally->buckets[i] = (uint16_t)bucket;
        tally->changes[i] = 0;
        tally->count++;
    }
    tally->changes[i] += change;
    return true;
}

bool sw_tally_carry(sw_tally *to, const sw_tally *from, sw_arena *arena)
{
    bool good = true;

    for (size_t i = 0; i < (from->all ? SW_BUCKETS : from->count) && good; i++) {
        int32_t change = from->all ? from->all[i] : from->changes[i];
        good = !change || sw_tally_add(to, from->all ? i : from->buckets[i], change, arena);
    }
    return good;
}

void sw_histogram_move(sw_histogram *to, const sw_tally *tally)
{
    for (size_t i = 0; i < (tally->all ? SW_BUCKETS : tally->count); i++) {
        to->count[tally->all ? i : tally->buckets[i]] +=
            tally->all ? tally->all[i] : tally->changes[i];
    }
}
