/* SPDX-License-Identifier: Apache-2.0 */
/* Records as JSON and as CSV (RFC 4180), both ways, by walking the descriptors: no record is known
 * by name here. Pure: bytes in, rows out, and back; no I/O, memory only from the arena that is
 * passed.
 *
 * Reading borrows. Text of a row points into the input where it stands there as it is, else into
 * the arena (strings with escapes, JSON values with blanks, quoted cells); both must outlive the
 * row. The readers see to form only: types, words, numbers in range. What the model demands of
 * values (required fields, ids, lengths, UTF-8 of CSV) is sw_row_check's business and comes after.
 *
 * Members and columns are the fields that are neither hidden nor bytes, under their own names, in
 * the order of V1's JSON. Secrets are read but written as null.
 */
#ifndef SW_CODEC_RECORD_H
#define SW_CODEC_RECORD_H

#include "base/base.h"
#include "model/model.h"

/* Flags of the readers. */
enum {
    SW_READ_STRICT = 1 << 0 /* a member or column that the record does not have is an error */
};

/* The fields that show, in order: `*count` indexes into the record's fields. */
const uint8_t *sw_record_shown(sw_record_id id, size_t *count);

/* ---- JSON ------------------------------------------------------------------------------------ */

/* Reads one object; the current token of `json` is its '{', and is its '}' afterwards. Sets the
 * members that are there, clears those that are null, leaves the rest of the row alone; `seen` (may
 * be NULL) gets a bit for each member that was there. Without SW_READ_STRICT other members are
 * skipped; the same member twice is an error in any case. INVALID names the member (behind `path`,
 * e.g. "steps[3].") and the byte; NO_MEMORY. After a failure the row is half-filled and the reader
 * is not to be used on.
 */
sw_status sw_record_read_json(sw_record_id id, unsigned flags, sw_json *json, sw_arena *arena,
                              void *row, uint64_t *seen, const char *path,
                              sw_error *err) SW_MUST_CHECK;

/* Members that may stand beside the record's own, at most 32; whoever knows them reads them. */
typedef struct sw_json_extra {
    const char *const *names;
    size_t count;
    /* The current token is the first of the value of names[i], and is its last afterwards. Not OK
     * ends the reading with that error as it is. */
    sw_status (*read)(void *arg, size_t i, sw_error *err);
    void *arg;
} sw_json_extra;
/* The same for an object that holds more than the record. `extra` may be NULL. */
sw_status sw_record_read_json_and(sw_record_id id, unsigned flags, sw_json *json, sw_arena *arena,
                                  void *row, uint64_t *seen, const sw_json_extra *extra,
                                  const char *path, sw_error *err) SW_MUST_CHECK;
/* Writes one object with all members, null ones as null (tags that cannot be null as []). */
void sw_record_write_json(sw_record_id id, const void *row, sw_json_out *out);
/* The same as V1's API shows it: with the relation that V1 declares as a member and never loads, as an
 * empty array. */
void sw_record_write_api(sw_record_id id, const void *row, sw_json_out *out);
/* Of the fields in `mask` (bits SW_MASK) those that are not null, as members of the object that is open. */
void sw_record_write_known(sw_record_id id, uint64_t mask, const void *row, sw_json_out *out);

/* ---- CSV ------------------------------------------------------------------------------------- */

/* A null is an empty cell, the empty text a quoted one. Lines end in CR LF; LF is read too. */
void sw_record_csv_header(sw_record_id id, sw_buf *out);
void sw_record_write_csv(sw_record_id id, const void *row, sw_buf *out);

enum { SW_CSV_COLUMNS = 256 };

/* A reader of one CSV text; the caller's struct, nothing to free. */
typedef struct sw_csv {
    const char *at;
    const char *end;
    size_t line; /* that the next cell begins in; the first is 1 */
    sw_record_id record;
    size_t column_count;
    uint8_t columns[SW_CSV_COLUMNS]; /* the field of each column; private */
} sw_csv;

/* Reads the header, which names columns in any order; a byte order mark before it is skipped.
 * Columns that the record does not have are skipped or refused by `flags`; the same column twice is
 * refused.
 */
sw_status sw_record_csv_open(sw_csv *csv, sw_record_id id, unsigned flags, sw_str input,
                             sw_arena *arena, sw_error *err) SW_MUST_CHECK;
/* Reads the next row; `*more` is false, and the row untouched, when there is none. Every column
 * sets its field, an empty one to null, with its bit in `seen` (may be NULL). INVALID names column
 * and line, and the reader then stands at the next row: one bad row does not sink the others.
 */
sw_status sw_record_read_csv_row(sw_csv *csv, sw_arena *arena, void *row, uint64_t *seen,
                                 bool *more, sw_error *err) SW_MUST_CHECK;

#endif
