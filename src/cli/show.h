/* SPDX-License-Identifier: Apache-2.0 */
/* How `show` prints one record and one message. */
#ifndef SW_CLI_SHOW_H
#define SW_CLI_SHOW_H

#include "cli/cli.h"

/* A heading, with a blank line before it. */
void sw_show_heading(sw_cli *cli, const char *heading);
/* Every field that is not null, in V1's order, with its unit. What the record that it belongs to
 * says in the same words (`of`, `owner`, which may be NULL) is not said again.
 */
void sw_show_fields(sw_cli *cli, sw_record_id record, const void *row, sw_record_id of,
                    const void *owner);
/* Who said what, which tools it asked for, and what they returned. */
void sw_show_message(sw_cli *cli, const sw_message *message);

#endif
