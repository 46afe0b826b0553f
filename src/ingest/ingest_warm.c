/* SPDX-License-Identifier: Apache-2.0 */
/* What a warm unit holds: its spans, of which each stands once (telemetry.md E.8), and what was written of it. Bytes
 * that came together lie in one parcel and stay where they are until the unit goes, so that whoever computes needs
 * no copy of them. The caller holds the lock.
 */
#include "ingest/ingest_inside.h"

/* Two spans of one id that begin further apart, and come from different sources, are two. */
#define APART_NS INT64_C(1000000000)
enum { FEW = 16 };

struct ingest_parcel {
    ingest_parcel *next;
    size_t size;
    char bytes[];
};

void ingest_empty(sw_ingest *in, ingest_unit *unit)
{
    while (unit->parcels) {
        ingest_parcel *parcel = unit->parcels;
        unit->parcels = parcel->next;
        sw_free(&in->allocator, parcel);
    }
    sw_free(&in->allocator, unit->items);
    sw_free(&in->allocator, unit->slots);
    sw_free(&in->allocator, unit->sources);
    sw_free(&in->allocator, unit->by_digest.slots);
    sw_free(&in->allocator, unit->written);
}

/* ---- spans ------------------------------------------------------------------------------------------ */

static uint32_t slot_of(const sw_ingest *in, const ingest_unit *unit, const uint8_t *span_id)
{
    return (uint32_t)ingest_hash(&in->key, span_id, OTLP_SPAN_ID) & (unit->slot_count - 1);
}

static void index_item(const sw_ingest *in, ingest_unit *unit, uint32_t i)
{
    uint32_t at = slot_of(in, unit, unit->items[i].span_id);

    while (unit->slots[at] != 0) {
        at = (at + 1) & (unit->slot_count - 1);
    }
    unit->slots[at] = i + 1;
}

/* Room for so many, and an index when they are many. */
static bool make_room(sw_ingest *in, ingest_unit *unit, uint32_t count)
{
    uint32_t room = unit->room ? unit->room : 4;
    uint32_t slots = unit->slot_count ? unit->slot_count : 2 * FEW;

    while (room < count) {
        room *= 2;
    }
    if (room > unit->room) {
        ingest_item *items = sw_resize(&in->allocator, unit->items, room * sizeof *items);
        if (!items) {
            return false;
        }
        ingest_weigh(in, unit, (room - unit->room) * sizeof *items, 0);
        unit->items = items;
        unit->room = room;
    }
    while (slots < 2 * count) {
        slots *= 2;
    }
    if (count > FEW && slots > unit->slot_count) {
        uint32_t *made = sw_alloc_zeroed(&in->allocator, slots * sizeof *made);
        if (!made) {
            return false;
        }
        ingest_weigh(in, unit, slots * sizeof *made, unit->slot_count * sizeof *made);
        sw_free(&in->allocator, unit->slots);
        unit->slots = made;
        unit->slot_count = slots;
        for (uint32_t i = 0; i < unit->count; i++) {
            index_item(in, unit, i);
        }
    }
    return true;
}

static int64_t distance(int64_t a, int64_t b)
{
    return a > b ? a - b : b - a;
}

static bool is_same(const ingest_unit *unit, const ingest_item *old, const ingest_item *item,
                    const ingest_source *source)
{
    return old->is_log == item->is_log && memcmp(old->span_id, item->span_id, OTLP_SPAN_ID) == 0 &&
           memcmp(old->rest, item->rest, sizeof old->rest) == 0 &&
           (distance(old->start_ns, item->start_ns) <= APART_NS ||
            memcmp(unit->sources[old->source].digest, source->digest, INGEST_SOURCE) == 0);
}

static ingest_item *find_item(const sw_ingest *in, const ingest_unit *unit, const ingest_item *item,
                              const ingest_source *source)
{
    uint32_t at = 0;

    for (uint32_t i = 0; unit->slot_count == 0 && i < unit->count; i++) {
        if (is_same(unit, &unit->items[i], item, source)) {
            return &unit->items[i];
        }
    }
    if (unit->slot_count == 0) {
        return NULL;
    }
    at = slot_of(in, unit, item->span_id);
    while (unit->slots[at] != 0) {
        ingest_item *old = &unit->items[unit->slots[at] - 1];
        if (is_same(unit, old, item, source)) {
            return old;
        }
        at = (at + 1) & (unit->slot_count - 1);
    }
    return NULL;
}

static bool is_better(const ingest_item *old, const ingest_item *item)
{
    return item->end_ns != old->end_ns ? item->end_ns > old->end_ns
                                       : item->attributes > old->attributes;
}

/* One block for all bytes that come together. */
static ingest_parcel *make_parcel(sw_ingest *in, const ingest_items *items)
{
    size_t size = 0;
    ingest_parcel *parcel = NULL;

    for (uint32_t i = 0; i < items->count; i++) {
        size += items->at[i].body.len;
    }
    for (uint32_t i = 0; i < items->source_count; i++) {
        size += items->sources[i].body.len;
    }
    parcel = sw_alloc(&in->allocator, sizeof *parcel + size + 1);
    if (parcel) {
        parcel->size = sizeof *parcel + size + 1;
    }
    return parcel;
}

/* An index for as many as there is room for. */
static bool index_room(sw_ingest *in, ingest_unit *unit)
{
    uint32_t size = ingest_index_size(unit->source_room);
    uint32_t *old = unit->by_digest.slots;
    uint32_t *slots = NULL;

    if (size <= unit->by_digest.size) {
        return true;
    }
    slots = sw_alloc_zeroed(&in->allocator, size * sizeof *slots);
    if (slots) {
        ingest_weigh(in, unit, size * sizeof *slots, unit->by_digest.size * sizeof *slots);
        ingest_index_fill(&unit->by_digest, slots, size, unit->sources, unit->source_count);
        sw_free(&in->allocator, old);
    }
    return slots != NULL;
}

static bool source_room(sw_ingest *in, ingest_unit *unit, uint32_t more)
{
    uint32_t room = unit->source_room ? unit->source_room : 1;
    ingest_source *sources = NULL;

    while (room < unit->source_count + more) {
        room *= 2;
    }
    if (room == unit->source_room) {
        return index_room(in, unit);
    }
    sources = sw_resize(&in->allocator, unit->sources, room * sizeof *sources);
    if (sources) {
        ingest_weigh(in, unit, (room - unit->source_room) * sizeof *sources, 0);
        unit->sources = sources;
        unit->source_room = room;
    }
    return sources && index_room(in, unit);
}

static char *add_item(const sw_ingest *in, ingest_unit *unit, const ingest_items *items, uint32_t i,
                      char *at, int64_t *duplicates)
{
    const ingest_source *source = &items->sources[items->at[i].source];
    ingest_item *old = find_item(in, unit, &items->at[i], source);
    uint32_t place =
        ingest_index_find(&unit->by_digest, unit->sources, unit->source_count, source->digest);
    bool fresh = !old;

    *duplicates += old != NULL;
    if (old && !is_better(old, &items->at[i])) {
        return at;
    }
    if (place == unit->source_count) {
        unit->sources[place] = *source;
        at = ingest_put_text(at, source->body, &unit->sources[place].body);
        unit->source_count++;
        ingest_index_add(&unit->by_digest, unit->sources, place);
    }
    old = fresh ? &unit->items[unit->count] : old;
    *old = items->at[i];
    old->source = place;
    at = ingest_put_text(at, items->at[i].body, &old->body);
    if (fresh) {
        unit->count++;
        if (unit->slot_count) {
            index_item(in, unit, unit->count - 1);
        }
    }
    unit->version++;
    return at;
}

bool ingest_add(sw_ingest *in, ingest_unit *unit, const ingest_items *items, int64_t *duplicates)
{
    ingest_parcel *parcel = NULL;
    uint64_t version = unit->version;
    char *at = NULL;

    if (!make_room(in, unit, unit->count + items->count) ||
        !source_room(in, unit, items->source_count)) {
        return false;
    }
    parcel = make_parcel(in, items);
    if (!parcel) {
        return false;
    }
    at = parcel->bytes;
    for (uint32_t i = 0; i < items->count; i++) {
        at = add_item(in, unit, items, i, at, duplicates);
    }
    if (unit->version == version) { /* all were there */
        sw_free(&in->allocator, parcel);
        return true;
    }
    parcel->next = unit->parcels;
    unit->parcels = parcel;
    ingest_weigh(in, unit, parcel->size, 0);
    return true;
}

static bool take_memo(const sw_ingest *in, const ingest_unit *unit, sw_arena *arena,
                      ingest_memo *memo)
{
    size_t size = unit->written_size * sizeof *unit->written;
    ingest_written *copy = NULL;

    *memo = (ingest_memo){.key = &in->key};
    if (size == 0 || unit->crowded) {
        return true;
    }
    copy = sw_arena_alloc(arena, size);
    if (copy) {
        memcpy(copy, unit->written, size);
        memo->at = copy;
        memo->size = unit->written_size;
    }
    return copy != NULL;
}

bool ingest_take(const sw_ingest *in, const ingest_unit *unit, sw_arena *arena, ingest_items *out,
                 ingest_memo *memo)
{
    ingest_source *sources = sw_arena_alloc(arena, (unit->source_count + 1) * sizeof *sources);
    ingest_item *items = sw_arena_alloc(arena, (unit->count + 1) * sizeof *items);

    if (!sources || !items || !take_memo(in, unit, arena, memo)) {
        return false;
    }
    if (unit->count > 0) {
        memcpy(items, unit->items, unit->count * sizeof *items);
        memcpy(sources, unit->sources, unit->source_count * sizeof *sources);
    }
    *out = (ingest_items){items, unit->count, sources, unit->source_count};
    return true;
}

/* ---- what was written -------------------------------------------------------------------------------- */

static uint32_t place_of(const ingest_written *at, uint32_t size, uint64_t id)
{
    uint32_t i = (uint32_t)id & (size - 1);

    while (at[i].id != 0 && at[i].id != id) {
        i = (i + 1) & (size - 1);
    }
    return i;
}

uint64_t ingest_recall(const ingest_memo *memo, uint64_t id)
{
    return memo->size ? memo->at[place_of(memo->at, memo->size, id)].content : 0;
}

static bool grow_written(sw_ingest *in, ingest_unit *unit)
{
    ingest_written *old = unit->written;
    uint32_t size = unit->written_size;
    uint32_t twice = size ? size * 2 : 8;
    ingest_written *made = sw_alloc_zeroed(&in->allocator, twice * sizeof *made);

    if (!made) {
        return false;
    }
    for (uint32_t i = 0; i < size; i++) {
        if (old[i].id != 0) {
            made[place_of(made, twice, old[i].id)] = old[i];
        }
    }
    unit->written = made;
    unit->written_size = twice;
    ingest_weigh(in, unit, twice * sizeof *made, size * sizeof *made);
    sw_free(&in->allocator, old);
    return true;
}

/* Without memory it is not noted, and written once more. */
void ingest_note(sw_ingest *in, ingest_unit *unit, uint64_t id, uint64_t content)
{
    ingest_written *slot = NULL;

    if (2 * (unit->written_count + 1) > unit->written_size && !grow_written(in, unit)) {
        return;
    }
    slot = &unit->written[place_of(unit->written, unit->written_size, id)];
    unit->written_count += slot->id == 0;
    *slot = (ingest_written){id, content};
}

/* ---- working ------------------------------------------------------------------------------------------ */

void ingest_begin(ingest_unit *unit, bool *alone)
{
    *alone = unit->workers++ == 0;
}

/* Whoever was not alone, or saw not all, leaves it to be computed once more. */
void ingest_done(sw_ingest *in, ingest_unit *unit, uint64_t version, bool whole, bool alone)
{
    bool crowded = !alone || unit->workers > 1;

    unit->workers--;
    unit->crowded = unit->crowded || crowded;
    if (whole && !unit->crowded && version == unit->version) {
        unit->computed = version;
        unit->whole_us = in->clock.mono_us(in->clock.data);
        ingest_dirty(in, unit, false);
    } else {
        ingest_dirty(in, unit, true);
    }
}
