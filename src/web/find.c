/* SPDX-License-Identifier: Apache-2.0 */
/* Finds a file of the dashboard by its name: there are a handful. */
#include "web/web.h"

const sw_web_file *sw_web_find(sw_str name)
{
    for (const sw_web_file *file = sw__web_files; file->name; file++) {
        if (sw_str_eq(sw_str_from(file->name), name)) {
            return file;
        }
    }
    return NULL;
}
