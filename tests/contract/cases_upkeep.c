/* SPDX-License-Identifier: Apache-2.0 */
/* The store as a whole: a copy is what the store was at one moment, also while somebody writes; giving room
 * back changes no row, and takes the last bytes of what was removed out of the file. A store without a file
 * says that it has none.
 */
#include "tests/contract/contract.h"

#include <stdio.h>
#include <stdlib.h>

#define NAME "Zaphod-who-is-to-be-forgotten"

static void copy_path(const contract *ct, char out[600])
{
    snprintf(out, 600, "%s/copy.db", ct->folder);
}

/* All that a file holds, through a session of its own. */
static void take_file(const char *path, ct_picture *out)
{
    char url[620];
    sw_store *store = NULL;
    sw_session *reader = NULL;
    snprintf(url, sizeof url, "sqlite:%s", path);
    const sw_store_options options = {
        .url = sw_str_from(url), .read_only = true, .must_exist = true};
    CT_EXPECT(sw_store_open(&options, &store, err), OK);
    CT_EXPECT(sw_session_open(store, SW_SESSION_READ, &reader, err), OK);
    ct_picture_take(out, reader);
    sw_session_close(&reader);
    sw_store_close(&store);
}

static void count_progress(void *arg, int64_t done, int64_t total)
{
    assert_true(done >= 0 && done <= total);
    *(int *)arg += 1;
}

static void a_copy_is_one_moment(void **state)
{
    contract *ct = *state;
    ct_picture before;
    ct_picture copied;
    char path[600];
    int seen = 0;
    if (!ct_has_file(ct)) {
        CT_EXPECT(sw_store_backup(ct->store, "/nowhere", NULL, NULL, err), UNSUPPORTED);
        return;
    }
    copy_path(ct, path);
    ct_world(ct);
    ct_picture_take(&before, ct->reader);
    ct_begin(ct);
    (void)ct_insert(ct, SW_RECORD_ORGANIZATION, ROWGEN_FULL); /* not committed: not in the copy */
    CT_EXPECT(sw_store_backup(ct->store, path, count_progress, &seen, err), OK);
    ct_commit(ct);
    assert_true(seen > 0);
    take_file(path, &copied);
    ct_picture_same(&before, &copied);
    ct_picture_fini(&copied);
    /* What is there is never written over. */
    CT_EXPECT(sw_store_backup(ct->store, path, NULL, NULL, err), CONFLICT);
    take_file(path, &copied);
    ct_picture_same(&before, &copied);
    ct_picture_fini(&copied);
    ct_picture_fini(&before);
    assert_int_equal(remove(path), 0);
    CT_EXPECT(sw_store_backup(ct->store, "/no/such/folder/copy.db", NULL, NULL, err), IO);
}

/* Whether the file, or its log, holds the bytes. */
static bool holds(const contract *ct, const char *suffix, const char *bytes)
{
    char path[620];
    size_t len = strlen(bytes);
    bool found = false;
    snprintf(path, sizeof path, "%s%s", ct->url + strlen("sqlite:"), suffix);
    FILE *file = fopen(path, "rb");
    char *text = calloc(1, 64 << 20);
    size_t size = file && text ? fread(text, 1, 64 << 20, file) : 0;
    for (size_t i = 0; i + len <= size && !found; i++) {
        found = memcmp(text + i, bytes, len) == 0;
    }
    free(text);
    if (file) {
        (void)fclose(file);
    }
    return found;
}

static void room_is_given_back_and_nothing_is_left(void **state)
{
    contract *ct = *state;
    ct_picture before;
    if (!ct_has_file(ct)) {
        CT_EXPECT(sw_store_vacuum(ct->store, err), UNSUPPORTED);
        return;
    }
    ct_world(ct);
    ct_begin(ct);
    sw_step *step = ct_row(ct, SW_RECORD_STEP, ROWGEN_FULL);
    step->end_user = SW_STR(NAME);
    CT_EXPECT(sw_store_insert(ct->writer, SW_RECORD_STEP, step, err), OK);
    ct_commit(ct);
    assert_true(holds(ct, "", NAME) || holds(ct, "-wal", NAME));
    ct_begin(ct);
    CT_EXPECT(sw_store_remove(ct->writer, SW_RECORD_STEP, step, err), OK);
    ct_commit(ct);
    ct_picture_take(&before, ct->reader);
    CT_EXPECT(sw_store_vacuum(ct->store, err), OK);
    assert_false(holds(ct, "", NAME));
    assert_false(holds(ct, "-wal", NAME));
    ct_unchanged(ct->reader, &before);
    ct_picture_fini(&before);
    /* The writer does not take the name for the one it remembers. */
    ct_begin(ct);
    CT_EXPECT(sw_store_insert(ct->writer, SW_RECORD_STEP, step, err), OK);
    ct_commit(ct);
    ct_expect_row(ct, ct->reader, SW_RECORD_STEP, step);
}

const ct_case ct_upkeep_cases[] = {
    {"a copy is one moment", a_copy_is_one_moment},
    {"room is given back and nothing is left", room_is_given_back_and_nothing_is_left},
    {NULL, NULL},
};
