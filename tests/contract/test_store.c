/* SPDX-License-Identifier: Apache-2.0 */
/* The store contract: the same cases on every store. Which stores is a list of schemes or URLs; the
 * environment may add more (STEPWELL_STORES, separated by blanks) and say how long to look
 * (STEPWELL_TEST_LEVEL: quick, normal, deep) and from which seed (STEPWELL_TEST_SEED). A first argument
 * picks the cases whose name contains it.
 */
#include <stdio.h>
#include <stdlib.h>

#include "tests/contract/contract.h"

enum { STORES = 8, CASES = 128, NAME = 128 };

static const ct_case *const tables[] = {ct_row_cases,  ct_ref_cases,  ct_group_cases,
                                        ct_scan_cases, ct_walk_cases, ct_fault_cases,
                                        ct_thread_cases};

/* The cases of one store, with the store's name before theirs. */
typedef struct suite {
    char names[CASES][NAME];
    struct CMUnitTest tests[CASES];
    size_t count;
} suite;

static void add_case(suite *all, const ct_case *row, const char *store)
{
    if (all->count == CASES) {
        abort();
    }
    char *name = all->names[all->count];
    snprintf(name, NAME, "%s: %s", store, row->name);
    all->tests[all->count++] = (struct CMUnitTest){.name = name,
                                                   .test_func = row->run,
                                                   .setup_func = ct_setup,
                                                   .teardown_func = ct_teardown,
                                                   .initial_state = (void *)(uintptr_t)store};
}

static int run_store(const char *store)
{
    suite *all = calloc(1, sizeof *all);
    if (!all) {
        abort();
    }
    for (size_t i = 0; i < SW_COUNT(tables); i++) {
        for (const ct_case *row = tables[i]; row->name; row++) {
            add_case(all, row, store);
        }
    }
    int failed = _cmocka_run_group_tests(store, all->tests, all->count, NULL, NULL);
    free(all);
    return failed;
}

static int run_stores(const char *const *stores, size_t count)
{
    int failed = 0;
    for (size_t i = 0; i < count; i++) {
        failed += run_store(stores[i]);
        if (i > 0) {
            const struct CMUnitTest pair[] = {
                {.name = "random verbs give the same on two stores",
                 .test_func = ct_random_differential,
                 .setup_func = ct_random_setup,
                 .teardown_func = ct_random_teardown,
                 .initial_state = (void *)(uintptr_t)stores[i]},
            };
            failed += _cmocka_run_group_tests("memory and another", pair, 1, NULL, NULL);
        }
    }
    return failed;
}

int main(int argc, char **argv)
{
    const char *stores[STORES] = {"memory", "sqlite"};
    size_t count = 2;
    char *more = getenv("STEPWELL_STORES");
    char *copy = more ? strdup(more) : NULL;
    for (char *url = copy ? strtok(copy, " ") : NULL; url && count < STORES;
         url = strtok(NULL, " ")) {
        stores[count++] = url;
    }
    if (argc > 1) {
        char pattern[NAME];
        snprintf(pattern, sizeof pattern, "*%s*", argv[1]);
        cmocka_set_test_filter(pattern);
    }
    printf("seed %llu\n", (unsigned long long)ct_seed());
    int failed = run_stores(stores, count);
    free(copy);
    return failed == 0 ? 0 : 1;
}
