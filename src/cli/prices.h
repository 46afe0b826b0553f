/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of `prices` share. */
#ifndef SW_CLI_PRICES_H
#define SW_CLI_PRICES_H

#include "cli/source.h"

/* `prices set` and `prices delete`. */
sw_status sw_prices_set(sw_cli *cli);
sw_status sw_prices_delete(sw_cli *cli);
/* `prices --unknown` */
sw_status sw_prices_unknown(sw_cli *cli);
/* "3.75" in nano-dollars. False: it is no such number, or has more than nine decimals. */
bool sw_dollars_read(sw_str text, int64_t *nano_usd);

#endif
