/* SPDX-License-Identifier: Apache-2.0 */
/* Runs tables of cases on every store. Which stores is a list of schemes or URLs, separated by blanks; the
 * environment may name others (STEPWELL_STORES; "postgres" starts one). A first argument picks the cases
 * whose name contains it.
 */
#include <stdio.h>
#include <stdlib.h>

#include "tests/contract/contract.h"
#include "tests/lib/pg.h"

enum { STORES = 8, CASES = 128, NAME = 128 };

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

static int run_store(const char *store, const ct_case *const *tables)
{
    suite *all = calloc(1, sizeof *all);
    if (!all) {
        abort();
    }
    for (; *tables; tables++) {
        for (const ct_case *row = *tables; row->name; row++) {
            add_case(all, row, store);
        }
    }
    int failed = _cmocka_run_group_tests(store, all->tests, all->count, NULL, NULL);
    free(all);
    return failed;
}

int ct_run(const ct_case *const *tables, int (*also)(const char *store), int argc, char **argv)
{
    const char *stores[STORES] = {NULL};
    size_t count = 0;
    int failed = 0;
    const char *named = getenv("STEPWELL_STORES");
    char *copy = strdup(named ? named : "memory sqlite");
    if (named && strcmp(named, "postgres") == 0 && pg_missing()) {
        printf("skipped: %s\n", pg_missing());
        free(copy);
        return 77;
    }
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
    for (size_t i = 0; i < count; i++) {
        failed += run_store(stores[i], tables);
        failed += also ? also(stores[i]) : 0;
    }
    free(copy);
    return failed == 0 ? 0 : 1;
}
