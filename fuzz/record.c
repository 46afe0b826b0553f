/* SPDX-License-Identifier: Apache-2.0 */
/* The record codec on noise. The first byte picks the record, the next the form; the rest is its text.
 * A row that is read and passes the model's checks must be the same after writing and reading again.
 */
#include "codec/record.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { ROW_BYTES = 4096 };

/* A row of any record. */
typedef union any_row {
    unsigned char bytes[ROW_BYTES];
    sw_int number;
    sw_str text;
} any_row;

static bool read_json(sw_record_id id, sw_str input, sw_arena *arena, any_row *row)
{
    sw_json json;
    sw_error err;
    sw_json_init(&json, input, arena);
    return sw_json_next(&json) == SW_JSON_OBJECT &&
           sw_record_read_json(id, 0, &json, arena, row, NULL, "", &err) == SW_STATUS_OK &&
           sw_json_next(&json) == SW_JSON_END;
}

static bool read_csv(sw_record_id id, sw_str input, sw_arena *arena, any_row *row)
{
    sw_csv csv;
    sw_error err;
    bool more = false;
    return sw_record_csv_open(&csv, id, 0, input, arena, &err) == SW_STATUS_OK &&
           sw_record_read_csv_row(&csv, arena, row, NULL, &more, &err) == SW_STATUS_OK && more;
}

static void write_json(sw_record_id id, const any_row *row, sw_buf *buf)
{
    sw_json_out out;
    sw_json_out_init(&out, buf, false);
    sw_record_write_json(id, row, &out);
}

/* What is not shown, or never handed out, does not come back. */
static void forget_unseen(const sw_record *record, any_row *row)
{
    for (size_t i = 0; i < record->field_count; i++) {
        if (record->fields[i].flags & (SW_HIDDEN | SW_SECRET)) {
            memset(row->bytes + record->fields[i].offset, 0, sizeof(sw_str));
        }
    }
}

static void round_trip(sw_record_id id, any_row *row, bool csv, sw_arena *arena)
{
    static const any_row empty;
    const sw_record *record = sw_record_of(id);
    any_row back = empty;
    sw_buf buf;
    sw_error err;
    sw_row_defaults(record, row);
    if (sw_row_check(record, row, "", &err) != SW_STATUS_OK) {
        return;
    }
    forget_unseen(record, row);
    sw_buf_init(&buf, &sw__libc_allocator, 0);
    if (csv) {
        sw_record_csv_header(id, &buf);
        sw_record_write_csv(id, row, &buf);
        sw_assert(read_csv(id, sw_buf_str(&buf), arena, &back));
    } else {
        write_json(id, row, &buf);
        sw_assert(read_json(id, sw_buf_str(&buf), arena, &back));
    }
    forget_unseen(record, &back);
    sw_assert(sw_row_equal(record, row, &back));
    sw_buf_fini(&buf);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const any_row empty;
    any_row row = empty;
    sw_arena arena;
    if (size < 2 || data[0] >= SW_RECORD_COUNT) {
        return 0;
    }
    sw_record_id id = (sw_record_id)data[0];
    bool csv = data[1] == 'c';
    sw_str input = sw_str_make((const char *)data + 2, size - 2);
    sw_assert(sw_record_of(id)->size <= sizeof row);
    sw_arena_init(&arena, &sw__libc_allocator, 0);
    if (csv ? read_csv(id, input, &arena, &row) : read_json(id, input, &arena, &row)) {
        round_trip(id, &row, csv, &arena);
    }
    sw_arena_fini(&arena);
    return 0;
}
