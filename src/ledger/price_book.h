/* SPDX-License-Identifier: Apache-2.0 */
/* What the writer remembers of prices, between groups: for each model it met, the prices that fit it, in order. It is
 * bounded, and forgotten whenever somebody else may have changed a price.
 */
#ifndef SW_LEDGER_PRICE_BOOK_H
#define SW_LEDGER_PRICE_BOOK_H

#include "ledger/price.h"

sw_price_book *sw__price_book_new(const sw_allocator *from); /* NULL: no memory */
/* The prices of the step's model; they live until the book is asked for another. */
sw_status sw__price_book_look(sw_price_book *book, sw_session *session, const sw_step *step,
                              sw_price_list *out, sw_error *err);

#endif
