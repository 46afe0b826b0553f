/* SPDX-License-Identifier: Apache-2.0 */
/* The store contract: the same cases on every store, and the same random verbs on each of them and on
 * the memory store. The environment says how long to look (STEPWELL_TEST_LEVEL: quick, normal, deep) and
 * from which seed (STEPWELL_TEST_SEED); see also run.c.
 */
#include "tests/contract/contract.h"

static int run_against_memory(const char *store)
{
    const struct CMUnitTest pair[] = {
        {.name = "random verbs give the same on two stores",
         .test_func = ct_random_differential,
         .setup_func = ct_random_setup,
         .teardown_func = ct_random_teardown,
         .initial_state = (void *)(uintptr_t)store},
    };
    if (strcmp(store, "memory") == 0) {
        return 0;
    }
    return _cmocka_run_group_tests("memory and another", pair, 1, NULL, NULL);
}

int main(int argc, char **argv)
{
    static const ct_case *const tables[] = {
        ct_row_cases,  ct_verb_cases, ct_many_cases,  ct_ref_cases,    ct_group_cases,
        ct_scan_cases, ct_walk_cases, ct_fault_cases, ct_upkeep_cases, NULL};
    return ct_run(tables, run_against_memory, argc, argv);
}
