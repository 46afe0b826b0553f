/* SPDX-License-Identifier: Apache-2.0 */
#include <dlfcn.h>
#include <string.h>

#include "base/base.h"

/* An address of the library as a function, which C has no cast for. */
static bool find(void *library, const char *name, void *function)
{
    void *address = dlsym(library, name);
    memcpy(function, &address, sizeof address);
    return address != NULL;
}

bool sw_library_take(const char *const *files, const sw_late_function *functions, size_t count,
                     void *table)
{
    void *library = NULL;
    for (; *files && !library; files++) {
        library = dlopen(*files, RTLD_LAZY | RTLD_LOCAL);
    }
    bool all = library != NULL;
    for (size_t i = 0; all && i < count; i++) {
        all = find(library, functions[i].name, (char *)table + functions[i].offset);
    }
    return all;
}
