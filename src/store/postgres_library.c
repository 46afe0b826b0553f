/* SPDX-License-Identifier: Apache-2.0 */
#include "store/postgres_library.h"

#include <pthread.h>

#include "base/base.h"

sw_pq_table sw__pq;

static const char *const files[] = {"libpq.so.5", NULL};

static const sw_late_function functions[] = {
#define SW_PQ_ROW(name) {"PQ" #name, offsetof(sw_pq_table, name)},
    SW_PQ_FUNCTIONS(SW_PQ_ROW)
#undef SW_PQ_ROW
};

static bool there;

static void load(void)
{
    there = sw_library_take(files, functions, SW_COUNT(functions), &sw__pq);
}

bool sw__pq_load(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    (void)pthread_once(&once, load);
    return there;
}
