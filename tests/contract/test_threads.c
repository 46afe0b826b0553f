/* SPDX-License-Identifier: Apache-2.0 */
/* The store contract under threads: a program of its own, so that it alone runs under TSan. */
#include "tests/contract/contract.h"

int main(int argc, char **argv)
{
    static const ct_case *const tables[] = {ct_thread_cases, NULL};
    return ct_run(tables, NULL, argc, argv);
}
