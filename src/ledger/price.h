/* SPDX-License-Identifier: Apache-2.0 */
/* What a step costs (promise P7), in three parts that know nothing of each other: which prices a model has (the list
 * prices of model/prices.def in price_table.c, the organization's own from the store; price_match.c says whom they are
 * for), what a step's tokens come to under one price (price_cost.c, plain arithmetic), and the book in which the
 * writer remembers the prices of the models it meets (price_book.c), so that a step costs one look.
 *
 * Which price holds. The organization's own before the listed; the exact name before a beginning, an end, a part of it,
 * and of two of a kind the longer; then the latest day not after the step's; then the largest prompt it is for. Only
 * prices that fit the step's time, service tier and prompt are asked. Where none does, the cost is unknown.
 */
#ifndef SW_LEDGER_PRICE_H
#define SW_LEDGER_PRICE_H

#include "ledger/internal.h"

/* The prices of one row, in the order of the fields of model/price.def. */
typedef enum sw_rate {
    SW_RATE_INPUT,
    SW_RATE_OUTPUT,
    SW_RATE_CACHE_READ,
    SW_RATE_CACHE_WRITE_5M,
    SW_RATE_CACHE_WRITE_1H,
    SW_RATE_AUDIO_INPUT,
    SW_RATE_AUDIO_OUTPUT,
    SW_RATE_AUDIO_CACHE_READ,
    SW_RATE_REQUEST,
    SW_RATE_COUNT
} sw_rate;
_Static_assert(SW_PRICE_REQUEST_NANO_USD - SW_PRICE_INPUT_NANO_USD == SW_RATE_COUNT - 1,
               "the prices of model/price.def follow each other in the order of sw_rate");

/* ---- list prices (price_table.c) ----------------------------------------------------------------- */

size_t sw__list_price_count(void);
/* How many are a provider's, as price_rules.def writes it, and the first of them; they follow each other. */
size_t sw__list_prices_of(sw_str provider, size_t *first);
/* The patterns of row i; they live for ever. */
sw_str sw__list_price_patterns(size_t i);
/* Row i as the organization's own prices look; its text lives for ever. */
void sw__list_price(size_t i, sw_price *out);

/* ---- whom a price is for (price_match.c) --------------------------------------------------------- */

/* The provider whose prices hold: folded from any of its names; from the handle or the model where none is named.
 * Null: nobody knows. Text in the arena or for ever. */
sw_str sw__price_provider(sw_str name, sw_str handle, sw_str model, sw_arena *arena);
/* The i-th provider whose prices hold where `provider` has none of the model; NULL: no more. */
const char *sw__price_sells(sw_str provider, size_t i);
/* How well the patterns fit the model: 0 not at all, else the better the larger. */
uint32_t sw__price_rank(sw_str patterns, sw_str model);
/* Says what is wrong with the patterns, or NULL. */
const char *sw__price_patterns_fault(sw_str patterns);

/* ---- one step under one price (price_cost.c) ------------------------------------------------------ */

/* What the service tier of a step means for its price. */
typedef enum sw_price_tier {
    SW_PRICE_TIER_STANDARD,
    SW_PRICE_TIER_BATCH,
    SW_PRICE_TIER_OTHER /* only prices that name it hold */
} sw_price_tier;
sw_price_tier sw__price_tier(sw_str word);

/* How many of what has a price of its own: they share no token. */
typedef struct sw_price_uses {
    int64_t of[SW_RATE_COUNT];
} sw_price_uses;
/* False: the step does not say enough, or contradicts itself. The arena is for reading its details. */
bool sw__price_uses(const sw_step *step, sw_arena *arena, sw_price_uses *out);
/* In nano-dollars, rounded once, half to even. False: a price that is needed is not known, or the sum is more than a
 * step can cost. */
bool sw__price_cost(const sw_price *price, const sw_price_uses *uses, sw_price_tier tier,
                    int64_t *nano_usd);

/* ---- which price holds (price_book.c) -------------------------------------------------------------- */

/* The prices of a model, the best first. */
typedef struct sw_price_list {
    const sw_price *prices;
    size_t count;
} sw_price_list;
/* Asks the tables; text and rows in the arena. A null organization: the list prices alone. */
sw_status sw__price_list(sw_session *session, sw_str organization_id, const sw_step *step,
                         sw_arena *arena, sw_price_list *out, sw_error *err);
/* The one that holds for the step; NULL: none. */
const sw_price *sw__price_of(const sw_price_list *list, const sw_step *step);

typedef struct sw_price_book sw_price_book;
void sw__price_book_free(sw_price_book **book, const sw_allocator *from);
/* What is remembered may be so no more. */
void sw__price_book_forget(sw_price_book *book);

/* ---- in the ledger (price.c) ----------------------------------------------------------------------- */

/* Whether whoever wrote the step said what it cost: then nobody else does. */
bool sw__cost_is_given(const sw_step *step);
/* The caller sets or clears the cost: whose it is from now on. */
void sw__cost_given(sw_step *row);
/* Computes cost, price_id and cost_source of a step that is complete otherwise, unless they were given. */
sw_status sw__price_step(sw_group *group, sw_step *row, sw_error *err);
/* The same for a step that becomes another, where what its cost depends on changes. */
sw_status sw__price_changed(sw_group *group, const sw_step *old, sw_step *row, sw_error *err);
/* Refuses a price that cannot hold. */
sw_status sw__price_rules(const sw_price *row, sw_error *err);

#endif
