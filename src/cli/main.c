/* SPDX-License-Identifier: Apache-2.0 */
/* The program. Everything it does is in sw_cli_main; here are only the words, the streams and the
 * clock.
 */
#include <signal.h>

#include "cli/cli.h"
#include "store/store.h"

int main(int count, char **words)
{
    const char *const *given = (const char *const *)words;
    int64_t now_us = sw__system_clock.wall_us(sw__system_clock.data);
    sw_store_own_process();
    (void)signal(SIGXFSZ, SIG_IGN); /* a file that may not grow is answered like a full disk */
    return sw_cli_main(count > 0 ? count - 1 : 0, given + (count > 0), stdout, stderr, now_us);
}
