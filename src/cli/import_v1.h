/* SPDX-License-Identifier: Apache-2.0 */
/* Between cmd_import.c and cmd_import_v1.c: the one argument is a database. */
#ifndef SW_CLI_IMPORT_V1_H
#define SW_CLI_IMPORT_V1_H

#include "cli/cli.h"

int sw_cli_import_v1(sw_cli *cli);

#endif
