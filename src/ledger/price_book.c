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

static sw_status scan_own(sw_session *session, sw_str organization_id, sw_visit *see, void *arg,
                          sw_error *err)
{
    sw_value id = {.text = organization_id};
    sw_condition mine = {SW_PRICE_ORGANIZATION_ID, SW_OP_EQ, &id, 1};
    sw_scan scan = {
        .record = SW_RECORD_PRICE, .conditions = &mine, .condition_count = 1, .unordered = true};
    sw_scan_end end;

    return sw_store_scan(session, &scan, see, arg, &end, err);
}

static size_t find_listed(finding *f, sw_str provider)
{
    size_t before = f->count;
    size_t first = 0;
    size_t count = sw__list_prices_of(provider, &first);

    for (size_t i = first; i < first + count && !f->no_memory; i++) {
        sw_price price;
        uint32_t rank = sw__price_rank(sw__list_price_patterns(i), f->model);
        if (rank) {
            sw__list_price(i, &price);
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
    if (organization_id.ptr) {
        status = scan_own(session, organization_id, see_own, &f, err);
    }
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

/* The prices of a model: an organization's that has prices of its own, else (null) everybody's. */
typedef struct slot {
    sw_str organization_id;
    sw_str provider_name;
    sw_str model_handle;
    sw_str model;
    sw_price_list list;
} slot;

typedef struct owner {
    sw_str organization_id;
    bool has_own; /* prices */
} owner;

/* Both tables: open addressing, emptied when one is half full. */
struct sw_price_book {
    sw_arena arena;
    size_t slot_count;
    size_t owner_count;
    slot slots[SLOTS];
    owner owners[SLOTS];
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
    if (!book) {
        return;
    }
    sw_arena_reset(&book->arena);
    if (book->slot_count + book->owner_count > 0) {
        memset(book->slots, 0, sizeof book->slots);
        memset(book->owners, 0, sizeof book->owners);
        book->slot_count = 0;
        book->owner_count = 0;
    }
}

static sw_seen see_one(void *arg, const void *row)
{
    (void)row;
    *(bool *)arg = true;
    return SW_SEEN_STOP;
}

static sw_status fill_owner(sw_price_book *book, sw_session *session, sw_str organization_id,
                            owner *o, sw_error *err)
{
    bool has_own = false;
    sw_status status = scan_own(session, organization_id, see_one, &has_own, err);

    if (status == SW_STATUS_OK) {
        *o = (owner){sw_arena_str(&book->arena, organization_id), has_own};
        book->owner_count++;
        status = book->arena.failed ? sw_no_memory(err) : status;
    }
    return status;
}

static sw_status look_owner(sw_price_book *book, sw_session *session, sw_str organization_id,
                            owner *out, sw_error *err)
{
    size_t at = (size_t)sw_hash(1, organization_id.ptr, organization_id.len) % SLOTS;
    sw_status status = SW_STATUS_OK;

    while (book->owners[at].organization_id.ptr &&
           !sw_str_eq(book->owners[at].organization_id, organization_id)) {
        at = (at + 1) % SLOTS;
    }
    if (!book->owners[at].organization_id.ptr) {
        status = fill_owner(book, session, organization_id, &book->owners[at], err);
    }
    *out = book->owners[at];
    return status;
}

static bool is_of(const slot *s, sw_str organization_id, const sw_step *step)
{
    return sw_str_eq(s->model, step->model) && sw_str_eq(s->provider_name, step->provider_name) &&
           sw_str_eq(s->organization_id, organization_id) &&
           sw_str_eq(s->model_handle, step->model_handle);
}

static slot *slot_of(sw_price_book *book, sw_str organization_id, const sw_step *step)
{
    uint64_t hash = sw_hash(1, step->model.ptr, step->model.len);
    size_t at = 0;

    hash = sw_hash(hash, organization_id.ptr, organization_id.len);
    at = (size_t)sw_hash(hash, step->provider_name.ptr, step->provider_name.len) % SLOTS;
    while (book->slots[at].model.ptr && !is_of(&book->slots[at], organization_id, step)) {
        at = (at + 1) % SLOTS;
    }
    return &book->slots[at];
}

static sw_status fill_slot(sw_price_book *book, sw_session *session, sw_str organization_id,
                           const sw_step *step, slot *s, sw_error *err)
{
    sw_price_list list = {NULL, 0};
    sw_status status = sw__price_list(session, organization_id, step, &book->arena, &list, err);

    if (status == SW_STATUS_OK) {
        *s = (slot){.organization_id = sw_arena_str(&book->arena, organization_id),
                    .provider_name = sw_arena_str(&book->arena, step->provider_name),
                    .model_handle = sw_arena_str(&book->arena, step->model_handle),
                    .model = sw_arena_str(&book->arena, step->model),
                    .list = list};
        book->slot_count++;
        status = book->arena.failed ? sw_no_memory(err) : status;
    }
    return status;
}

sw_status sw__price_book_look(sw_price_book *book, sw_session *session, const sw_step *step,
                              sw_price_list *out, sw_error *err)
{
    owner who;
    sw_str whose = SW_NULL_STR;
    slot *s = NULL;
    sw_status status = SW_STATUS_OK;

    if (book->slot_count >= SLOTS / 2 || book->owner_count >= SLOTS / 2) {
        sw__price_book_forget(book);
    }
    status = look_owner(book, session, step->organization_id, &who, err);
    if (status == SW_STATUS_OK) {
        whose = who.has_own ? who.organization_id : SW_NULL_STR;
        s = slot_of(book, whose, step);
        status = s->model.ptr ? status : fill_slot(book, session, whose, step, s, err);
    }
    if (status != SW_STATUS_OK) {
        sw__price_book_forget(book); /* nothing stays half made */
        return status;
    }
    *out = s->list;
    return status;
}
