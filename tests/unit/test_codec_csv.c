/* SPDX-License-Identifier: Apache-2.0 */
/* Records as CSV: random rows of every record go out and come back; columns, headers, bad rows. */
#include "tests/unit/codec_rows.h"

/* ---- there and back -------------------------------------------------------------------------- */

static void round_trip_csv(fixture *f, sw_record_id id, const any_row *rows, size_t count)
{
    sw_csv csv;
    sw_error err = {.status = SW_STATUS_OK};
    bool more = false;
    sw_buf_clear(&f->buf);
    sw_record_csv_header(id, &f->buf);
    for (size_t i = 0; i < count; i++) {
        sw_record_write_csv(id, &rows[i], &f->buf);
    }
    assert_int_equal(f->buf.status, SW_STATUS_OK);
    assert_int_equal(
        sw_record_csv_open(&csv, id, SW_READ_STRICT, sw_buf_str(&f->buf), &f->maker.arena, &err),
        SW_STATUS_OK);
    for (size_t i = 0; i < count; i++) {
        uint64_t seen = 0;
        memset(&f->got, 0, sizeof f->got);
        if (sw_record_read_csv_row(&csv, &f->maker.arena, &f->got, &seen, &more, &err) !=
            SW_STATUS_OK) {
            fail_msg("%s: %s\n%s", err.field, err.message, f->buf.ptr);
        }
        assert_true(more);
        assert_int_equal(seen, shown_mask(id));
        assert_same(sw_record_of(id), &f->got, &rows[i]);
    }
    assert_int_equal(sw_record_read_csv_row(&csv, &f->maker.arena, &f->got, NULL, &more, &err),
                     SW_STATUS_OK);
    assert_false(more);
}

static void test_every_record_round_trips_through_csv(void **state)
{
    fixture *f = *state;
    any_row rows[5];
    for (int r = 0; r < SW_RECORD_COUNT; r++) {
        for (int i = 0; i < 20; i++) {
            sw_arena_reset(&f->maker.arena);
            for (size_t k = 0; k < SW_COUNT(rows); k++) {
                make_row(&f->maker, sw_record_of((sw_record_id)r), &rows[k], true);
            }
            round_trip_csv(f, (sw_record_id)r, rows, SW_COUNT(rows));
        }
    }
}

/* ---- reading CSV ----------------------------------------------------------------------------- */

static void test_the_csv_header_is_the_json_order(void **state)
{
    fixture *f = *state;
    sw_record_csv_header(SW_RECORD_USER, &f->buf);
    assert_string_equal(f->buf.ptr,
                        "id,organization_id,name,created_at,updated_at,is_deleted,created_by_id,"
                        "last_updated_by_id\r\n");
}

static void test_cells(void **state)
{
    static const struct {
        sw_str text;
        const char *csv;
    } rows[] = {
        {{NULL, 0}, ""},         {{"", 0}, "\"\""},           {{"plain", 5}, "plain"},
        {{"a,b", 3}, "\"a,b\""}, {{"a\"b", 3}, "\"a\"\"b\""}, {{"a\nb", 3}, "\"a\nb\""},
        {{" a ", 3}, " a "},     {{"'a;b", 4}, "'a;b"},
    };
    fixture *f = *state;
    for (size_t i = 0; i < SW_COUNT(rows); i++) {
        sw_project project = {.id = SW_STR("p"), .name = rows[i].text};
        char expected[64];
        sw_buf_clear(&f->buf);
        sw_record_write_csv(SW_RECORD_PROJECT, &project, &f->buf);
        snprintf(expected, sizeof expected, "p,%s,,,,,,\r\n", rows[i].csv);
        assert_string_equal(f->buf.ptr, expected);
    }
}

static void test_secrets_stay_out_of_csv(void **state)
{
    fixture *f = *state;
    sw_provider provider = {.id = SW_STR("p"), .api_key_enc = SW_STR("sealed")};
    sw_record_csv_header(SW_RECORD_PROVIDER, &f->buf);
    sw_record_write_csv(SW_RECORD_PROVIDER, &provider, &f->buf);
    assert_non_null(strstr(f->buf.ptr, ",api_key_enc,"));
    assert_null(strstr(f->buf.ptr, "sealed"));
}

static void test_columns_in_any_order_and_foreign_line_ends(void **state)
{
    fixture *f = *state;
    sw_csv csv;
    sw_project project = {.id = SW_NULL_STR};
    uint64_t seen = 0;
    bool more = false;
    sw_str text =
        SW_STR("\xEF\xBB\xBFname,colour,\"id\"\n\"a \"\"b\"\"\",red,p1\n,,p2\n\"\",\"x\ny\",p3");
    assert_int_equal(
        sw_record_csv_open(&csv, SW_RECORD_PROJECT, SW_READ_STRICT, text, &f->maker.arena, NULL),
        SW_STATUS_INVALID);
    assert_int_equal(sw_record_csv_open(&csv, SW_RECORD_PROJECT, 0, text, &f->maker.arena, NULL),
                     0);
    assert_int_equal(sw_record_read_csv_row(&csv, &f->maker.arena, &project, &seen, &more, NULL),
                     0);
    assert_true(more && sw_str_eq(project.name, SW_STR("a \"b\"")));
    assert_true(sw_str_eq(project.id, SW_STR("p1")));
    assert_int_equal(seen, SW_MASK(SW_PROJECT_NAME) | SW_MASK(SW_PROJECT_ID));
    assert_int_equal(sw_record_read_csv_row(&csv, &f->maker.arena, &project, NULL, &more, NULL), 0);
    assert_true(more && !project.name.ptr);
    assert_int_equal(sw_record_read_csv_row(&csv, &f->maker.arena, &project, NULL, &more, NULL), 0);
    assert_true(more && project.name.ptr && project.name.len == 0);
    assert_int_equal(csv.line, 5); /* one of the lines was inside a cell */
    assert_int_equal(sw_record_read_csv_row(&csv, &f->maker.arena, &project, NULL, &more, NULL), 0);
    assert_false(more);
}

static void test_bad_headers(void **state)
{
    static const struct {
        const char *text, *says;
    } rows[] = {
        {"", "the header is missing"},
        {"id,name,id\n", "is in the header twice"},
        {"id,\"na\n", "a quote is never closed, beginning in line 1"},
        {"id,n\"a\n", "characters that need quotes"},
        {"id,is_deleted\n", "which project does not have"},
    };
    fixture *f = *state;
    for (size_t i = 0; i < SW_COUNT(rows); i++) {
        sw_csv csv;
        sw_error err = {.status = SW_STATUS_OK};
        assert_int_equal(sw_record_csv_open(&csv, SW_RECORD_PROJECT, SW_READ_STRICT,
                                            sw_str_from(rows[i].text), &f->maker.arena, &err),
                         SW_STATUS_INVALID);
        assert_non_null(strstr(err.message, rows[i].says));
    }
}

static void test_too_many_columns(void **state)
{
    fixture *f = *state;
    sw_csv csv;
    for (int i = 0; i < SW_CSV_COLUMNS; i++) {
        sw_buf_adds(&f->buf, i ? ",x" : "x");
    }
    assert_int_equal(
        sw_record_csv_open(&csv, SW_RECORD_STEP, 0, sw_buf_str(&f->buf), &f->maker.arena, NULL),
        SW_STATUS_OK);
    sw_buf_adds(&f->buf, ",x");
    assert_int_equal(
        sw_record_csv_open(&csv, SW_RECORD_STEP, 0, sw_buf_str(&f->buf), &f->maker.arena, NULL),
        SW_STATUS_TOO_LARGE);
}

static void test_one_bad_row_does_not_sink_the_others(void **state)
{
    static const struct {
        const char *row, *field, *says;
    } rows[] = {
        {"s,many,[],{}", "prompt_tokens", "is not an integer from 0 to 2147483647 (in line 3)"},
        {"s,1,[,{}", "tags", "is not valid JSON"},
        {"s,1,[]", "", "line 3 has 3 cells, the header 4"},
        {"s,1,[],{},5", "", "line 3 has 5 cells, the header 4"},
        {"s,1,\"[]\"x,{}", "", "a cell has characters that need quotes in line 3"},
        {"s,1\r,[],{}", "", "a cell has characters that need quotes in line 3"},
        {"", "", "line 3 has 1 cells"},
    };
    fixture *f = *state;
    for (size_t i = 0; i < SW_COUNT(rows); i++) {
        sw_csv csv;
        sw_step step = {.id = SW_NULL_STR};
        sw_error err = {.status = SW_STATUS_OK};
        bool more = false;
        sw_buf_clear(&f->buf);
        sw_buf_addf(
            &f->buf,
            "id,prompt_tokens,tags,metadata\n\"a\",,\"[ \"\"x\"\" ]\",null\n%s\nb,7,[],{}\n",
            rows[i].row);
        assert_int_equal(
            sw_record_csv_open(&csv, SW_RECORD_STEP, 0, sw_buf_str(&f->buf), &f->maker.arena, &err),
            SW_STATUS_OK);
        assert_int_equal(sw_record_read_csv_row(&csv, &f->maker.arena, &step, NULL, &more, &err),
                         0);
        assert_true(sw_str_eq(step.tags, SW_STR("[\"x\"]")) && !step.metadata.ptr);
        assert_int_equal(sw_record_read_csv_row(&csv, &f->maker.arena, &step, NULL, &more, &err),
                         SW_STATUS_INVALID);
        assert_true(more);
        assert_string_equal(err.field, rows[i].field);
        if (!strstr(err.message, rows[i].says)) {
            fail_msg("\"%s\" does not say \"%s\"", err.message, rows[i].says);
        }
        assert_int_equal(sw_record_read_csv_row(&csv, &f->maker.arena, &step, NULL, &more, &err),
                         0);
        assert_true(more && sw_str_eq(step.id, SW_STR("b")) && step.prompt_tokens.value == 7);
        assert_int_equal(csv.line, 5);
    }
}

static void test_damaged_csv_is_answered(void **state)
{
    fixture *f = *state;
    for (int round = 0; round < 40; round++) {
        char *copy = NULL;
        sw_csv csv;
        bool more = true;
        sw_arena_reset(&f->maker.arena);
        make_row(&f->maker, sw_record_of(SW_RECORD_STEP), &f->row, true);
        sw_buf_clear(&f->buf);
        sw_record_csv_header(SW_RECORD_STEP, &f->buf);
        sw_record_write_csv(SW_RECORD_STEP, &f->row, &f->buf);
        size_t len = f->buf.len - draw(&f->maker, f->buf.len / 3);
        copy = malloc(len);
        memcpy(copy, f->buf.ptr, len);
        copy[draw(&f->maker, len)] = (char)draw(&f->maker, 256);
        if (sw_record_csv_open(&csv, SW_RECORD_STEP, 0, sw_str_make(copy, len), &f->maker.arena,
                               NULL) == SW_STATUS_OK) {
            for (int i = 0; more; i++) {
                (void)!sw_record_read_csv_row(&csv, &f->maker.arena, &f->got, NULL, &more, NULL);
                assert_true(i < 2000); /* it always moves on */
            }
        }
        free(copy);
    }
}

/* ---- without memory -------------------------------------------------------------------------- */

static sw_status read_csv_with(short_memory *memory, sw_str text)
{
    sw_arena arena;
    sw_csv csv;
    any_row row;
    bool more = false;
    sw_status status = SW_STATUS_OK;
    memset(&row, 0, sizeof row);
    sw_arena_init(&arena, &memory->allocator, 0);
    status = sw_record_csv_open(&csv, SW_RECORD_STEP, 0, text, &arena, NULL);
    if (status == SW_STATUS_OK) {
        status = sw_record_read_csv_row(&csv, &arena, &row, NULL, &more, NULL);
    }
    sw_arena_fini(&arena);
    return status;
}

static void test_csv_without_memory(void **state)
{
    fixture *f = *state;
    char long_text[70000];
    memset(long_text, 'x', sizeof long_text - 1);
    long_text[sizeof long_text - 1] = '\0';
    sw_buf_addf(&f->buf,
                "\"mo\"\"del\",tid,metadata\n\"\"\"\",\"\"\"%s\",\"{\"\"a\"\": \"\"%s\"\"}\"\n",
                long_text, long_text);
    sweep(read_csv_with, sw_buf_str(&f->buf));
}

int main(void)
{
#define CASE(NAME) cmocka_unit_test_setup_teardown(NAME, setup, teardown)
    const struct CMUnitTest tests[] = {
        CASE(test_every_record_round_trips_through_csv),
        CASE(test_the_csv_header_is_the_json_order),
        CASE(test_cells),
        CASE(test_secrets_stay_out_of_csv),
        CASE(test_columns_in_any_order_and_foreign_line_ends),
        CASE(test_bad_headers),
        CASE(test_too_many_columns),
        CASE(test_one_bad_row_does_not_sink_the_others),
        CASE(test_damaged_csv_is_answered),
        CASE(test_csv_without_memory),
    };
#undef CASE
    return cmocka_run_group_tests(tests, NULL, NULL);
}
