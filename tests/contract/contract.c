/* SPDX-License-Identifier: Apache-2.0 */
/* The ground of the contract's tests; see contract.h. */
#include <dirent.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "tests/contract/contract.h"
#include "tests/lib/blank.h"
#include "tests/lib/pg.h"

/* ---- memory ------------------------------------------------------------------------------------- */

static void *counted_resize(void *data, void *ptr, size_t size)
{
    ct_memory *memory = data;
    if (size > 0 && memory->fail_in > 0 && --memory->fail_in == 0) {
        memory->failed = true;
        return NULL;
    }
    if (size == 0) {
        memory->out -= ptr != NULL;
        free(ptr);
        return NULL;
    }
    void *got = realloc(ptr, size);
    memory->out += got && !ptr;
    return got;
}

void ct_memory_init(ct_memory *memory)
{
    memory->face = (sw_allocator){counted_resize, memory};
    atomic_init(&memory->out, 0);
    atomic_init(&memory->fail_in, 0);
    memory->failed = false;
}

void ct_memory_fail_in(ct_memory *memory, int64_t calls)
{
    memory->fail_in = calls;
    memory->failed = false;
}

/* ---- levels ------------------------------------------------------------------------------------- */

size_t ct_level(size_t quick, size_t normal, size_t deep)
{
    const char *level = getenv("STEPWELL_TEST_LEVEL");
    if (level && strcmp(level, "quick") == 0) {
        return quick;
    }
    return level && strcmp(level, "deep") == 0 ? deep : normal;
}

size_t ct_first_field(sw_record_id record)
{
    return (size_t)record % ct_level(3, 2, 1);
}

size_t ct_next_field(size_t field)
{
    return field + ct_level(3, 2, 1);
}

uint64_t ct_seed(void)
{
    const char *seed = getenv("STEPWELL_TEST_SEED");
    return seed ? strtoull(seed, NULL, 10) : 20250129;
}

/* ---- opening and closing ------------------------------------------------------------------------ */

static void open_store(contract *ct)
{
    sw_store_options options = {.url = sw_str_from(ct->url), .allocator = &ct->memory.face};
    CT_EXPECT(sw_store_open(&options, &ct->store, err), OK);
    CT_EXPECT(sw_session_open(ct->store, SW_SESSION_WRITE, &ct->writer, err), OK);
    CT_EXPECT(sw_session_open(ct->store, SW_SESSION_READ, &ct->reader, err), OK);
}

static void close_store(contract *ct)
{
    sw_session_close(&ct->reader);
    sw_session_close(&ct->writer);
    sw_store_close(&ct->store);
}

static void make_url(contract *ct)
{
    const char *tmp = getenv("TMPDIR");
    if (strcmp(ct->scheme, "sqlite") == 0) {
        snprintf(ct->folder, sizeof ct->folder, "%s/stepwell-contract-XXXXXX", tmp ? tmp : "/tmp");
        assert_non_null(mkdtemp(ct->folder));
        snprintf(ct->url, sizeof ct->url, "sqlite:%s/ledger", ct->folder);
        blank_store(ct->url + strlen("sqlite:"));
    } else if (strcmp(ct->scheme, "postgres") == 0) {
        pg_blank_url(ct->url, sizeof ct->url);
    } else {
        const char *colon = strchr(ct->scheme, ':') ? "" : ":";
        snprintf(ct->url, sizeof ct->url, "%s%s", ct->scheme, colon);
    }
}

void ct_open(contract *ct, const char *scheme, uint64_t seed)
{
    memset(ct, 0, sizeof *ct);
    ct->scheme = scheme;
    ct_memory_init(&ct->memory);
    sw_arena_init(&ct->arena, NULL, 0);
    ct->gen = (rowgen){.state = seed, .arena = &ct->arena};
    make_url(ct);
    open_store(ct);
}

static void remove_folder(const char *folder)
{
    char path[800];
    DIR *dir = opendir(folder);
    for (struct dirent *at = dir ? readdir(dir) : NULL; at; at = readdir(dir)) {
        if (at->d_name[0] != '.') {
            snprintf(path, sizeof path, "%s/%s", folder, at->d_name);
            unlink(path);
        }
    }
    if (dir) {
        closedir(dir);
    }
    rmdir(folder);
}

void ct_close(contract *ct)
{
    close_store(ct);
    if (ct_has_file(ct)) {
        remove_folder(ct->folder);
    } else if (ct_keeps(ct)) {
        pg_drop_url(ct->url);
    }
    sw_arena_fini(&ct->arena);
}

void ct_reopen(contract *ct)
{
    close_store(ct);
    open_store(ct);
}

bool ct_has_file(const contract *ct)
{
    return ct->folder[0] != 0;
}

bool ct_keeps(const contract *ct)
{
    return strncmp(ct->url, "memory:", 7) != 0;
}

int ct_setup(void **state)
{
    contract *ct = malloc(sizeof *ct);
    assert_non_null(ct);
    ct_open(ct, *state, ct_seed());
    *state = ct;
    return 0;
}

int ct_teardown(void **state)
{
    contract *ct = *state;
    ct_close(ct);
    int64_t left = ct->memory.out;
    free(ct);
    if (left != 0) {
        print_error("%" PRId64 " blocks of memory were not given back\n", left);
    }
    return left == 0 ? 0 : -1;
}

/* ---- statuses ----------------------------------------------------------------------------------- */

void ct_expect_at(sw_status got, sw_status expected, const sw_error *err, const char *call,
                  const char *file, int line)
{
    if (got != expected) {
        print_error("%s\n  answered %s, not %s; error: field '%s', message '%s'\n", call,
                    sw_status_name(got), sw_status_name(expected), err->field, err->message);
        _fail(file, line);
    }
}

bool ct_names(const sw_error *err, const char *word)
{
    return strstr(err->field, word) || strstr(err->message, word);
}

void ct_begin(contract *ct)
{
    CT_EXPECT(sw_session_begin(ct->writer, NULL, err), OK);
}

void ct_commit(contract *ct)
{
    CT_EXPECT(sw_session_commit(ct->writer, err), OK);
}

void ct_rollback(contract *ct)
{
    sw_session_rollback(ct->writer);
}

/* ---- rows --------------------------------------------------------------------------------------- */

const sw_field *ct_field(sw_record_id record, int field)
{
    return &sw_record_of(record)->fields[field];
}

void *ct_struct(contract *ct, sw_record_id record)
{
    void *row = sw_arena_zeroed(&ct->arena, sw_record_of(record)->size);
    assert_non_null(row);
    return row;
}

sw_str ct_id(sw_record_id record, const void *row)
{
    int primary = sw_record_primary(sw_record_of(record));
    assert_true(primary >= 0);
    return sw_field_text(ct_field(record, primary), row);
}

void ct_pool(contract *ct, sw_record_id record, const void *row)
{
    if (sw_record_primary(sw_record_of(record)) < 0) {
        return;
    }
    size_t *count = &ct->pool.count[record];
    size_t at = *count < CT_IDS ? (*count)++ : rowgen_below(&ct->gen, CT_IDS);
    ct->pool.at[record][at] = ct_id(record, row);
}

void ct_unpool(contract *ct, sw_record_id record, const void *row)
{
    size_t *count = &ct->pool.count[record];
    for (size_t i = 0; i < *count; i++) {
        if (sw_str_eq(ct->pool.at[record][i], ct_id(record, row))) {
            ct->pool.at[record][i] = ct->pool.at[record][--*count];
            return;
        }
    }
}

void ct_remove(contract *ct, sw_record_id record, const void *row)
{
    CT_EXPECT(sw_store_remove(ct->writer, record, row, err), OK);
    ct_unpool(ct, record, row);
}

void *ct_row(contract *ct, sw_record_id record, rowgen_fill fill)
{
    const sw_record *model = sw_record_of(record);
    void *row = ct_struct(ct, record);
    rowgen_row(&ct->gen, record, fill, row);
    for (size_t i = 0; i < model->field_count; i++) {
        const sw_field *field = &model->fields[i];
        size_t parent = field->ref.record_plus_1 - 1U;
        if (!field->ref.record_plus_1 || ct->pool.count[parent] == 0 ||
            (fill == ROWGEN_SPARSE && !(field->flags & SW_NOT_NULL)) ||
            (fill == ROWGEN_MIXED && !(field->flags & SW_NOT_NULL) &&
             rowgen_below(&ct->gen, 2) == 0)) {
            continue;
        }
        size_t any = rowgen_below(&ct->gen, ct->pool.count[parent]);
        *sw_field_str(field, row) = ct->pool.at[parent][any];
    }
    return row;
}

/* A row whose whole key is its parent's id needs a parent that has none yet. */
static void new_parent(contract *ct, sw_record_id record, void *row)
{
    const sw_record *model = sw_record_of(record);
    const sw_field *key = NULL;
    for (size_t i = 0; i < model->field_count; i++) {
        if (model->fields[i].flags & (SW_PRIMARY | SW_KEY_PART)) {
            if (key || !model->fields[i].ref.record_plus_1) {
                return;
            }
            key = &model->fields[i];
        }
    }
    sw_record_id parent = (sw_record_id)(key->ref.record_plus_1 - 1);
    *sw_field_str(key, row) = ct_id(parent, ct_insert(ct, parent, ROWGEN_MIXED));
}

void *ct_insert(contract *ct, sw_record_id record, rowgen_fill fill)
{
    for (int tries = 0; tries < 100; tries++) {
        sw_error told = {0};
        void *row = ct_row(ct, record, fill);
        new_parent(ct, record, row);
        sw_status status = sw_store_insert(ct->writer, record, row, &told);
        if (status != SW_STATUS_EXISTS) {
            ct_expect_at(status, SW_STATUS_OK, &told, sw_record_of(record)->name, __FILE__,
                         __LINE__);
            ct_pool(ct, record, row);
            return row;
        }
    }
    fail_msg("%s: no row fits", sw_record_of(record)->name);
    return NULL;
}

void ct_world(contract *ct)
{
    ct_begin(ct);
    for (int record = 0; record < SW_RECORD_COUNT; record++) {
        ct_insert(ct, (sw_record_id)record, ROWGEN_FULL);
    }
    ct_commit(ct);
}

void *ct_get(contract *ct, sw_session *session, sw_record_id record, const void *key)
{
    sw_error told = {0};
    void *row = ct_struct(ct, record);
    sw_status status = sw_store_get(session, record, key, &ct->arena, row, &told);
    if (status == SW_STATUS_NOT_FOUND) {
        assert_int_equal(told.message[0], 0);
        return NULL;
    }
    ct_expect_at(status, SW_STATUS_OK, &told, "sw_store_get", __FILE__, __LINE__);
    return row;
}

void *ct_stored(contract *ct, sw_record_id record, const void *row)
{
    const sw_record *model = sw_record_of(record);
    void *stored = ct_struct(ct, record);
    memcpy(stored, row, model->size);
    for (size_t i = 0; i < model->field_count; i++) {
        const sw_field *field = &model->fields[i];
        if (field->flags & SW_SHARED) {
            *sw_field_str(field, stored) =
                field->flags & SW_NOT_NULL ? sw_str_from(field->fallback) : SW_NULL_STR;
        }
    }
    return stored;
}

static void print_value(const char *what, const sw_field *field, const void *row)
{
    if (sw_field_is_null(field, row)) {
        print_error("  %s: null\n", what);
    } else if (sw_kind_is_text(field->kind)) {
        sw_str text = sw_field_text(field, row);
        print_error("  %s: %zu bytes '%.*s'\n", what, text.len,
                    text.len < 200 ? (int)text.len : 200, text.ptr);
    } else {
        print_error("  %s: %" PRId64 "\n", what, sw_field_number(field, row).value);
    }
}

void ct_same_row(sw_record_id record, const void *got, const void *expected)
{
    const sw_record *model = sw_record_of(record);
    for (size_t i = 0; i < model->field_count; i++) {
        const sw_field *field = &model->fields[i];
        bool same = sw_kind_is_text(field->kind)
                        ? sw_str_eq(sw_field_text(field, got), sw_field_text(field, expected))
                        : sw_int_eq(sw_field_number(field, got), sw_field_number(field, expected));
        if (!same) {
            print_value("got", field, got);
            print_value("expected", field, expected);
            fail_msg("%s.%s differs", model->name, field->name);
        }
    }
}

void ct_expect_row(contract *ct, sw_session *session, sw_record_id record, const void *expected)
{
    void *got = ct_get(ct, session, record, expected);
    if (!got) {
        fail_msg("the %s is not there", sw_record_of(record)->name);
        return;
    }
    ct_same_row(record, got, expected);
}

/* ---- pictures ----------------------------------------------------------------------------------- */

typedef struct taking {
    ct_picture *picture;
    sw_record_id record;
    size_t room;
} taking;

static sw_seen take_row(void *arg, const void *row)
{
    taking *at = arg;
    ct_picture *picture = at->picture;
    size_t *count = &picture->count[at->record];
    if (*count == at->room) {
        void **more = sw_arena_alloc(&picture->arena, (2 * at->room + 16) * sizeof(void *));
        assert_non_null(more);
        if (*count > 0) {
            memcpy(more, picture->rows[at->record], *count * sizeof(void *));
        }
        picture->rows[at->record] = more;
        at->room = 2 * at->room + 16;
    }
    void *copy = sw_arena_zeroed(&picture->arena, sw_record_of(at->record)->size);
    assert_true(copy && sw_row_copy(sw_record_of(at->record), copy, row, &picture->arena));
    picture->rows[at->record][(*count)++] = copy;
    return SW_SEEN_COUNT;
}

void ct_picture_take(ct_picture *picture, sw_session *session)
{
    *picture = (ct_picture){0};
    sw_arena_init(&picture->arena, NULL, 0);
    for (int record = 0; record < SW_RECORD_COUNT; record++) {
        taking at = {.picture = picture, .record = (sw_record_id)record};
        sw_scan scan = {.record = (sw_record_id)record};
        sw_scan_end end;
        CT_EXPECT(sw_store_scan(session, &scan, take_row, &at, &end, err), OK);
        assert_true(end.exhausted);
        assert_int_equal(end.counted, picture->count[record]);
    }
}

void ct_picture_fini(ct_picture *picture)
{
    sw_arena_fini(&picture->arena);
}

void ct_picture_same(const ct_picture *a, const ct_picture *b)
{
    for (int record = 0; record < SW_RECORD_COUNT; record++) {
        if (a->count[record] != b->count[record]) {
            fail_msg("%s: %zu rows, not %zu", sw__records[record].name, a->count[record],
                     b->count[record]);
        }
        for (size_t i = 0; i < a->count[record]; i++) {
            ct_same_row((sw_record_id)record, a->rows[record][i], b->rows[record][i]);
        }
    }
}

void ct_unchanged(sw_session *session, const ct_picture *before)
{
    ct_picture now;
    ct_picture_take(&now, session);
    ct_picture_same(&now, before);
    ct_picture_fini(&now);
}
