/* SPDX-License-Identifier: Apache-2.0 */
/* The rows of model/commands.def as two tables, and what can be said about them without knowing any
 * command: which option belongs to which.
 */
#include "cli/cli.h"

#define SW_ON(COMMAND) (UINT64_C(1) << SW_COMMAND_##COMMAND)
/* Those that a server can answer too; and all that read or write a ledger. */
#define SW_ON_SOURCE                                                                               \
    (SW_ON(STEPS) | SW_ON(SHOW) | SW_ON(USAGE) | SW_ON(INFO) | SW_ON(TOP) | SW_ON(TAIL) |          \
     SW_ON(RUN) | SW_ON(GREP) | SW_ON(EXPORT) | SW_ON(FEEDBACK) | SW_ON(STATUSLINE))
#define SW_ON_LEDGER                                                                               \
    (SW_ON_SOURCE | SW_ON(DEMO) | SW_ON(VERIFY) | SW_ON(KEYS) | SW_ON(OTLP) | SW_ON(BACKUP) |      \
     SW_ON(RESTORE) | SW_ON(PRUNE) | SW_ON(ERASE) | SW_ON(VACUUM) | SW_ON(DOCTOR) |                \
     SW_ON(IMPORT) | SW_ON(PRICES) | SW_ON(REPRICE) | SW_ON(RECONCILE))
/* Those that narrow steps. */
#define SW_ON_STEPS                                                                                \
    (SW_ON(STEPS) | SW_ON(USAGE) | SW_ON(TOP) | SW_ON(TAIL) | SW_ON(GREP) | SW_ON(EXPORT) |        \
     SW_ON(STATUSLINE))
/* Of these, those that look at a stretch of time. */
#define SW_ON_STRETCH (SW_ON(STEPS) | SW_ON(USAGE) | SW_ON(GREP) | SW_ON(EXPORT))
#define SW_ON_ALL ((UINT64_C(1) << SW_COMMAND_COUNT) - 1)

_Static_assert(SW_COMMAND_COUNT < 64, "a bit for each command");

#define SW_COMMAND(NAME, UPPER, ARGUMENTS, LEAST, MOST, LINE, PARAGRAPH)                           \
    [SW_COMMAND_##UPPER] = {#NAME, ARGUMENTS, LEAST, MOST, LINE, PARAGRAPH, sw_cli_##NAME},
#define SW_OPTION(NAME, TEXT, KIND, ARGUMENT, COMMANDS, ...)
const sw_command sw__commands[SW_COMMAND_COUNT] = {
#include "model/commands.def"
};
#undef SW_COMMAND
#undef SW_OPTION

#define SW_COMMAND(NAME, UPPER, ARGUMENTS, LEAST, MOST, LINE, PARAGRAPH)
#define SW_OPTION(NAME, TEXT, KIND, ARGUMENT, COMMANDS, ...)                                       \
    [SW_OPTION_##NAME] = {.name = TEXT,                                                            \
                          .kind = SW_OPTION_IS_##KIND,                                             \
                          .argument = ARGUMENT,                                                    \
                          .commands = COMMANDS,                                                    \
                          .doc = __VA_ARGS__},
const sw_option sw__options[SW_OPTION_COUNT] = {
#include "model/commands.def"
};
#undef SW_COMMAND
#undef SW_OPTION

bool sw_option_is_of(sw_option_id option, sw_command_id command)
{
    return (sw__options[option].commands >> command & 1) != 0;
}
