/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/lib/blank.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "store/store.h"

static char *bytes;
static size_t count;

static void read_back(const char *path)
{
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    assert_int_equal(fseek(file, 0, SEEK_END), 0);
    count = (size_t)ftell(file);
    bytes = malloc(count);
    assert_non_null(bytes);
    rewind(file);
    assert_int_equal(fread(bytes, 1, count, file), count);
    fclose(file);
}

static void make_first(const char *path)
{
    char url[800];
    sw_error err;
    sw_store *store = NULL;
    snprintf(url, sizeof url, "sqlite:%s", path);
    sw_store_options options = {.url = sw_str_from(url)};
    assert_int_equal(sw_store_open(&options, &store, &err), SW_STATUS_OK);
    sw_store_close(&store);
    read_back(path);
}

void blank_store(const char *path)
{
    if (!bytes) {
        make_first(path);
        return;
    }
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, count, file), count);
    assert_int_equal(fclose(file), 0);
}
