/* SPDX-License-Identifier: Apache-2.0 */
/* The secrets of records (secrets.c). */
#ifndef SW_LEDGER_SECRETS_H
#define SW_LEDGER_SECRETS_H

#include "ledger/internal.h"

/* Seals what was given and clears it; UNSUPPORTED without a key to seal with. `sealed`: what is given sealed stays so,
 * under whatever key. */
sw_status sw__secrets_seal(sw_group *group, sw_record_id record, void *row, bool sealed,
                           sw_error *err);
/* Puts the marks of the secrets that were sent into `row`, which is only digested: so nothing on disk lets
 * anybody try guesses. */
sw_status sw__secrets_mark(sw_group *group, sw_record_id record, const void *sent, void *row,
                           sw_error *err);
/* Takes the sealed form of each secret that the mask names; null clears it. */
void sw__secrets_take(sw_record_id record, uint64_t mask, const void *values, void *row);

#endif
