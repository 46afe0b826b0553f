/* SPDX-License-Identifier: Apache-2.0 */
/* What a ledger remembers of API keys (keys.c), and how a key is known. */
#ifndef SW_LEDGER_KEYS_H
#define SW_LEDGER_KEYS_H

#include "ledger/internal.h"

/* A key is stored and found by this hash of its text. */
enum { SW_KEY_HASH = 32 };
void sw__key_text_hash(sw_str text, unsigned char out[SW_KEY_HASH]);

sw_status sw__keys_open(sw_ledger *ledger, sw_error *err);
void sw__keys_close(sw_ledger *ledger);
/* Forgets every check: a key was made or revoked. */
void sw__keys_forget(sw_ledger *ledger);

/* Whether last uses wait to be written; writes them inside a group. */
bool sw__keys_used_due(sw_ledger *ledger);
sw_status sw__keys_used_write(sw_group *group, sw_error *err);
/* The same from outside, when the ledger is being closed and no idle moment will come. */
void sw__keys_used_flush(sw_ledger *ledger);

#endif
