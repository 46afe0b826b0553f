/* SPDX-License-Identifier: Apache-2.0 */
/* Which price holds: the prices that fit a model, put in order once, and the first of them that fits the step. The
 * tables are asked once for a model; the writer remembers what they said until somebody else may have changed a price.
 */
#include "ledger/price_book.h"

/* ---- the prices of a model ------------------------------------------------------------------------- */

typedef struct found {
    sw_price price;
    uint32_t rank;
    bool own;
} found;

typedef struct finding {
    sw_arena *arena;
    sw_str provider;
    sw_str model;
    found *all;
    size_t count;
    size_t room;
    bool no_memory;
} finding;

static void keep(finding *f, const sw_price *price, uint32_t rank, bool own)
{
    found *all = sw_arena_grow(f->arena, f->all, f->count, &f->room, sizeof *all);

    if (!all) {
        f->no_memory = true;
        return;
    }
    f->all = all;
    all[f->count] = (found){.price = *price, .rank = rank, .own = own};
    f->no_memory = f->no_memory || (own && !sw_row_copy(sw_record_of(SW_RECORD_PRICE),
                                                        &all[f->count].price, price, f->arena));
    f->count++;
}

static sw_seen see_own(void *arg, const void *row)
{
    finding *f = arg;
    const sw_price *price = row;
    uint32_t rank = sw__price_rank(price->model, f->model);
    sw_str provider =
        rank ? sw__price_provider(price->provider_name, SW_NULL_STR, SW_NULL_STR, f->arena)
             : SW_NULL_STR;

    if (rank && (!price->provider_name.ptr || sw_str_eq(provider, f->provider))) {
        keep(f, price, rank, true);
    }
    return f->no_memory ? SW_SEEN_STOP : SW_SEEN_COUNT;
}

static sw_status find_own(sw_session *session, sw_str organization_id, finding *f, sw_error *err)
{
    sw_value id = {.text = organization_id};
    sw_condition mine = {SW_PRICE_ORGANIZATION_ID, SW_OP_EQ, &id, 1};
    sw_scan scan = {
        .record = SW_RECORD_PRICE, .conditions = &mine, .condition_count = 1, .unordered = true};
    sw_scan_end end;

    return sw_store_scan(session, &scan, see_own, f, &end, err);
}

static size_t find_listed(finding *f, sw_str provider)
{
    size_t before = f->count;

    for (size_t i = 0; i < sw__list_price_count() && !f->no_memory; i++) {
        sw_price price;
        uint32_t rank = 0;
        if (!sw_str_eq(provider, sw__list_price_provider(i))) {
            continue;
        }
        sw__list_price(i, &price);
        rank = sw__price_rank(price.model, f->model);
        if (rank) {
            keep(f, &price, rank, false);
        }
    }
    return f->count - before;
}

static int compare(int64_t a, int64_t b)
{
    return a < b ? -1 : a > b;
}

/* Above zero: b is the better one. */
static int better(const void *one, const void *other)
{
    const found *a = one;
    const found *b = other;
    const int64_t ever = INT64_MIN;
    int order[] = {
        compare(b->own, a->own),
        compare(b->rank, a->rank),
        compare(b->price.service_tier.ptr != NULL, a->price.service_tier.ptr != NULL),
        compare(b->price.effective_from.known ? b->price.effective_from.value : ever,
                a->price.effective_from.known ? a->price.effective_from.value : ever),
        compare(b->price.minute_from.known, a->price.minute_from.known),
        compare(b->price.above_tokens.value, a->price.above_tokens.value),
        compare(b->price.created_at.value, a->price.created_at.value),
        sw_str_cmp(a->price.id, b->price.id),
    };

    for (size_t i = 0; i < SW_COUNT(order); i++) {
        if (order[i]) {
            return order[i];
        }
    }
    return 0;
}

/* They are few; qsort may take memory of its own. */
static void put_in_order(found *all, size_t count)
{
    for (size_t i = 1; i < count; i++) {
        found one = all[i];
        size_t to = i;
        for (; to > 0 && better(&all[to - 1], &one) > 0; to--) {
            all[to] = all[to - 1];
        }
        all[to] = one;
    }
}

sw_status sw__price_list(sw_session *session, sw_str organization_id, const sw_step *step,
                         sw_arena *arena, sw_price_list *out, sw_error *err)
{
    finding f = {.arena = arena, .model = step->model};
    sw_price *prices = NULL;
    sw_status status = SW_STATUS_OK;
    size_t listed = 0;

    f.provider = sw__price_provider(step->provider_name, step->model_handle, step->model, f.arena);
    status = find_own(session, organization_id, &f, err);
    if (status == SW_STATUS_OK && f.provider.ptr) {
        listed = find_listed(&f, f.provider);
        for (size_t i = 0; listed == 0 && sw__price_sells(f.provider, i); i++) {
            listed = find_listed(&f, sw_str_from(sw__price_sells(f.provider, i)));
        }
    }
    prices = sw_arena_alloc(arena, (f.count + 1) * sizeof *prices);
    if (status == SW_STATUS_OK && (f.no_memory || arena->failed || !prices)) {
        status = sw_no_memory(err);
    }
    if (status == SW_STATUS_OK) {
        put_in_order(f.all, f.count);
        for (size_t i = 0; i < f.count; i++) {
            prices[i] = f.all[i].price;
        }
        *out = (sw_price_list){prices, f.count};
    }
    return status;
}

/* ---- the one that holds ------------------------------------------------------------------------------ */

static bool fits_tier(const sw_price *price, sw_str word, sw_price_tier tier)
{
    if (!price->service_tier.ptr) {
        return tier == SW_PRICE_TIER_STANDARD ||
               (tier == SW_PRICE_TIER_BATCH && price->batch_percent.known);
    }
    if (sw__price_tier(price->service_tier) == SW_PRICE_TIER_STANDARD) {
        return tier == SW_PRICE_TIER_STANDARD;
    }
    return price->service_tier.len == word.len && sw_str_contains_nocase(word, price->service_tier);
}

static bool fits_time(const sw_price *price, int64_t us)
{
    int64_t minute = (us - sw_time_day(us) * INT64_C(86400000000)) / 60000000;

    if ((price->effective_from.known && us < price->effective_from.value) ||
        (price->effective_to.known && us >= price->effective_to.value)) {
        return false;
    }
    return !price->minute_from.known ||
           (minute >= price->minute_from.value && minute < price->minute_to.value);
}

const sw_price *sw__price_of(const sw_price_list *list, const sw_step *step)
{
    sw_price_tier tier = sw__price_tier(step->service_tier);

    for (size_t i = 0; i < list->count; i++) {
        const sw_price *price = &list->prices[i];
        bool long_enough =
            price->above_tokens.value == 0 || step->prompt_tokens.value > price->above_tokens.value;
        if (long_enough && fits_time(price, step->created_at.value) &&
            fits_tier(price, step->service_tier, tier)) {
            return price;
        }
    }
    return NULL;
}

/* ---- what the writer remembers ------------------------------------------------------------------------- */

enum { SLOTS = 1024 };

typedef struct slot {
    sw_str organization_id;
    sw_str provider_name;
    sw_str model_handle;
    sw_str model;
    sw_price_list list;
} slot;

struct sw_price_book {
    sw_arena arena;
    slot *last;        /* often the next one too */
    size_t count;      /* of those in use */
    slot slots[SLOTS]; /* open addressing; emptied when half full */
};

sw_price_book *sw__price_book_new(const sw_allocator *from)
{
    sw_price_book *book = sw_alloc_zeroed(from, sizeof *book);

    if (book) {
        sw_arena_init(&book->arena, from, 0);
    }
    return book;
}

void sw__price_book_free(sw_price_book **book, const sw_allocator *from)
{
    if (*book) {
        sw_arena_fini(&(*book)->arena);
        sw_free(from, *book);
        *book = NULL;
    }
}

void sw__price_book_forget(sw_price_book *book)
{
    if (book && book->count > 0) {
        sw_arena_reset(&book->arena);
        memset(book->slots, 0, sizeof book->slots);
        book->last = NULL;
        book->count = 0;
    }
}

static bool is_of(const slot *s, const sw_step *step)
{
    return sw_str_eq(s->model, step->model) && sw_str_eq(s->provider_name, step->provider_name) &&
           sw_str_eq(s->organization_id, step->organization_id) &&
           sw_str_eq(s->model_handle, step->model_handle);
}

static slot *slot_of(sw_price_book *book, const sw_step *step)
{
    uint64_t hash = sw_hash(1, step->model.ptr, step->model.len);
    size_t at = 0;

    hash = sw_hash(hash, step->organization_id.ptr, step->organization_id.len);
    at = (size_t)sw_hash(hash, step->provider_name.ptr, step->provider_name.len) % SLOTS;
    while (book->slots[at].model.ptr && !is_of(&book->slots[at], step)) {
        at = (at + 1) % SLOTS;
    }
    return &book->slots[at];
}

static sw_status fill(sw_price_book *book, sw_session *session, const sw_step *step, slot *s,
                      sw_error *err)
{
    sw_price_list list = {NULL, 0};
    sw_status status =
        sw__price_list(session, step->organization_id, step, &book->arena, &list, err);

    if (status == SW_STATUS_OK) {
        *s = (slot){.organization_id = sw_arena_str(&book->arena, step->organization_id),
                    .provider_name = sw_arena_str(&book->arena, step->provider_name),
                    .model_handle = sw_arena_str(&book->arena, step->model_handle),
                    .model = sw_arena_str(&book->arena, step->model),
                    .list = list};
        book->count++;
        if (book->arena.failed) {
            memset(s, 0, sizeof *s);
            status = sw_no_memory(err);
        }
    }
    if (status != SW_STATUS_OK) {
        book->count = book->count ? book->count : 1;
        sw__price_book_forget(book);
    }
    return status;
}

sw_status sw__price_book_look(sw_price_book *book, sw_session *session, const sw_step *step,
                              sw_price_list *out, sw_error *err)
{
    slot *s = book->last;
    sw_status status = SW_STATUS_OK;

    if (!s || !is_of(s, step)) {
        if (book->count >= SLOTS / 2) {
            sw__price_book_forget(book);
        }
        s = slot_of(book, step);
        if (!s->model.ptr) {
            status = fill(book, session, step, s, err);
        }
        book->last = status == SW_STATUS_OK ? s : NULL;
    }
    if (status == SW_STATUS_OK) {
        *out = s->list;
    }
    return status;
}
