/* SPDX-License-Identifier: Apache-2.0 */
/* The floor of the house: memory, text, time, ids, JSON. Knows libc and the public types, nothing
 * of steps. No globals; nothing here does I/O except the system clock and the system's random
 * source.
 *
 * Ownership words: `init/fini` fill and empty the caller's struct, `take` hands memory to the
 * caller. Strings that a function returns live in the arena it was given.
 */
#ifndef SW_BASE_H
#define SW_BASE_H

#include <pthread.h>
#include <stdarg.h>

#include "stepwell/types.h"

/* ---- assertions: what must hold, also in release --------------------------------------------- */

/* Called when an assertion fails; must not return. The default prints to stderr and aborts. */
_Noreturn void sw__assert_failed(const char *what, const char *file, int line);

#define sw_assert(COND) ((COND) ? (void)0 : sw__assert_failed(#COND, __FILE__, __LINE__))
/* if A then B */
#define sw_implies(A, B) sw_assert(!(A) || (B))
#define SW_IMPOSSIBLE(WHY) sw__assert_failed(WHY, __FILE__, __LINE__)
#define SW_COUNT(ARRAY) (sizeof(ARRAY) / sizeof((ARRAY)[0]))

/* ---- errors ---------------------------------------------------------------------------------- */

/* Fills `err` (may be NULL) and returns `status`, so that a function can `return sw_fail(...)`. */
sw_status sw_fail(sw_error *err, sw_status status, const char *field, const char *format, ...)
    SW_PRINTF(4, 5);
/* The standing words of a status (status.def). */
const char *sw_status_name(sw_status status);
const char *sw_status_message(sw_status status);
/* Whether the same may be done later. */
bool sw_status_retryable(sw_status status);
sw_status sw_no_memory(sw_error *err);
/* Puts the place of an object before the name of its field: "steps[3]."; without a field the object
 * itself is meant. What does not fit is left out. */
void sw_error_path(sw_error *err, const char *path);

/* ---- memory ---------------------------------------------------------------------------------- */

/* malloc and free behind the allocator's face. */
extern const sw_allocator sw__libc_allocator;
void *sw_alloc(const sw_allocator *from, size_t size); /* NULL: no memory; size > 0 */
void *sw_alloc_zeroed(const sw_allocator *from, size_t size);
void *sw_resize(const sw_allocator *from, void *ptr, size_t size); /* NULL: no memory, ptr stays */
void sw_free(const sw_allocator *from, void *ptr);                 /* NULL is fine */

/* An arena: many allocations, one end. `mark` and `rewind` bracket a row inside a request. A `max`
 * of 0 means no ceiling; past the ceiling, and when there is no memory, allocation returns NULL and
 * the arena remembers it (`failed`; `full`: it was the ceiling), so that a caller may test once at the end. Freed chunks of
 * ordinary size are kept for reuse until fini. Not thread-safe.
 */
typedef struct sw_chunk sw_chunk;
typedef struct sw_arena {
    const sw_allocator *from;
    sw_chunk *head;
    sw_chunk *spare;
    size_t used; /* bytes handed out */
    size_t max;
    bool failed;
    bool full;
} sw_arena;
typedef struct sw_mark {
    sw_chunk *chunk;
    size_t at;
    size_t used;
} sw_mark;

void sw_arena_init(sw_arena *arena, const sw_allocator *from, size_t max);
void sw_arena_fini(sw_arena *arena);
/* Everything handed out is void; up to one chunk is kept for reuse; `failed` and `full` are cleared. */
void sw_arena_reset(sw_arena *arena);
sw_mark sw_arena_mark(const sw_arena *arena);
void sw_arena_rewind(sw_arena *arena, sw_mark mark);
void *sw_arena_alloc(sw_arena *arena, size_t size) SW_MUST_CHECK; /* aligned for any type */
void *sw_arena_zeroed(sw_arena *arena, size_t size) SW_MUST_CHECK;
/* Room for one more behind `count` rows of `size` bytes, of which `*room` fit (0 at first): the rows
 * where they are, or moved to twice the room. NULL: no memory, the rows stay.
 */
void *sw_arena_grow(sw_arena *arena, void *rows, size_t count, size_t *room,
                    size_t size) SW_MUST_CHECK;
/* A copy with a NUL behind it; null stays null; ptr NULL with `failed` set when there is no memory.
 */
sw_str sw_arena_str(sw_arena *arena, sw_str text);
sw_str sw_arena_printf(sw_arena *arena, const char *format, ...) SW_PRINTF(2, 3);

/* A growing text with a ceiling. Sticky: after the first failure (no memory, past `max`) every call
 * is a no-op and `status` tells which it was (NO_MEMORY, TOO_LARGE). A `max` of 0 means no ceiling.
 * `ptr` always has a NUL behind `len` unless NULL.
 */
typedef struct sw_buf {
    const sw_allocator *from;
    char *ptr;
    size_t len;
    size_t cap;
    size_t max;
    sw_status status;
} sw_buf;

void sw_buf_init(sw_buf *buf, const sw_allocator *from, size_t max);
void sw_buf_fini(sw_buf *buf);
void sw_buf_clear(sw_buf *buf); /* keeps the memory, clears the failure */
void sw_buf_add(sw_buf *buf, sw_str text);
void sw_buf_addc(sw_buf *buf, char c);
void sw_buf_adds(sw_buf *buf, const char *text);
void sw_buf_addf(sw_buf *buf, const char *format, ...) SW_PRINTF(2, 3);
void sw_buf_add_int(sw_buf *buf, int64_t value);
/* The digits, with no NUL behind them; answers how many there are. */
enum { SW_INT_TEXT = 24 };
size_t sw_int_print(int64_t value, char out[SW_INT_TEXT]);
sw_str sw_buf_str(const sw_buf *buf);
/* The text, as the arena's, and the buffer given back. Null: it was too long, or there was no memory, which the arena
 * remembers. */
sw_str sw_buf_take(sw_buf *buf, sw_arena *arena);
/* Room for `size` more bytes and a NUL at ptr + len, or NULL (sticky). The caller then adds to len
 * and sets the NUL.
 */
char *sw_buf_reserve(sw_buf *buf, size_t size);

/* ---- text ------------------------------------------------------------------------------------ */

/* Valid UTF-8 (no surrogates, no overlong forms, at most U+10FFFF). NUL bytes are valid here. */
bool sw_utf8_valid(sw_str text);
/* Bytes of the longest prefix with at most `chars` code points; text must be valid UTF-8. */
size_t sw_utf8_prefix(sw_str text, size_t chars);
size_t sw_utf8_count(sw_str text);
/* ASCII case-insensitive search; true when `needle` is empty. */
bool sw_str_contains_nocase(sw_str hay, sw_str needle);
/* The row of `words` nearest to `word` by edit distance (at most a third of its length), else -1.
 */
int sw_nearest(sw_str word, const char *const *words, size_t count);
/* A decimal integer with optional sign, nothing else around it, in range. */
bool sw_parse_int(sw_str text, int64_t *out);

/* ---- hashing (for tables in memory, not for security) ---------------------------------------- */

uint64_t sw_hash(uint64_t seed, const void *data, size_t len);

/* ---- time ------------------------------------------------------------------------------------ */

/* Time comes through an interface so that tests can order any. `wall_us` is microseconds since 1970
 * UTC and may jump; `mono_us` never goes back. sw__system_clock is the real one.
 */
typedef struct sw_clock {
    int64_t (*wall_us)(void *data);
    int64_t (*mono_us)(void *data);
    void *data;
} sw_clock;
extern const sw_clock sw__system_clock;

enum { SW_TIME_TEXT = 40 };
/* ISO 8601 UTC: "2025-01-29T23:01:19.123456Z"; the fraction only when it is not zero, `Z` only when
 * asked for (letta-v1 4.2). Years 0001 to 9999; others are clamped. Returns the length.
 */
size_t sw_time_print(int64_t us, bool zone, char out[SW_TIME_TEXT]);
/* ISO 8601: date, or date and time with 'T' or blank (seconds may be absent), optional fraction
 * (digits past the sixth are dropped), optional Z or +hh:mm or -hh:mm (absent means UTC). False
 * when it is anything else, or not within the years 0001 to 9999.
 */
bool sw_time_parse(sw_str text, int64_t *us);
/* Days since 1970-01-01 of a time, rounding down; and the civil date of such a day. */
int64_t sw_time_day(int64_t us);
void sw_day_civil(int64_t day, int *year, int *month, int *mday);
int64_t sw_civil_day(int year, int month, int mday);

/* ---- identifiers ----------------------------------------------------------------------------- */

enum { SW_UUID = 16, SW_UUID_TEXT = 36, SW_ID_TEXT = 64 };

/* A source of random bytes; sw__system_random is the system's. */
typedef struct sw_random {
    void (*fill)(void *data, void *out, size_t len);
    void *data;
} sw_random;
extern const sw_random sw__system_random;

/* A version-4 shaped uuid whose first 48 bits are milliseconds since 1970, so that keys arrive in
 * order.
 */
void sw_uuid_make(const sw_random *random, int64_t now_us, uint8_t out[SW_UUID]);
void sw_uuid_print(const uint8_t uuid[SW_UUID], char out[SW_UUID_TEXT]);
/* 36 characters, lower-case hex, dashes in place, any version. */
bool sw_uuid_parse(sw_str text, uint8_t out[SW_UUID]);
/* "<prefix>-<uuid>" with version 4 and the RFC variant (Letta V1's exact rule). */
bool sw_id_valid(sw_str id, sw_str prefix);
/* Writes "<prefix>-<uuid>" and returns its length; prefix at most 24 characters. */
size_t sw_id_print(sw_str prefix, const uint8_t uuid[SW_UUID], char out[SW_ID_TEXT]);
bool sw_hex_parse(sw_str text, uint8_t *out, size_t bytes); /* lower-case hex, exactly 2 * bytes */
void sw_hex_print(const uint8_t *in, size_t bytes, char *out);

/* The id's sort and storage key: a canonical byte form that keeps the order of ids.
 * "<prefix>-<uuid>" with any version becomes the 16 uuid bytes, followed by the prefix when it is
 * not `home`; anything else is escaped and kept as text. Escaped ids sort before the others; then
 * bytes decide.
 */
typedef struct sw_key {
    bool escaped;
    uint8_t len;
    uint8_t bytes[128]; /* SW_LIMIT_ID_BYTES */
} sw_key;
/* False when the id is longer than SW_LIMIT_ID_BYTES. */
bool sw_key_encode(sw_str id, sw_str home, sw_key *out);
/* Writes the id; `out` has SW_LIMIT_ID_BYTES + 64 bytes. Returns the length. */
size_t sw_key_decode(const sw_key *key, sw_str home, char *out);
int sw_key_cmp(const sw_key *a, const sw_key *b);

/* ---- JSON ------------------------------------------------------------------------------------ */

/* A strict one-pass reader (RFC 8259): pull one token at a time, no tree, no recursion. Text tokens
 * are borrowed from the input when they hold no escape, else decoded into the arena. UTF-8 is
 * checked; lone surrogates, NUL (also \u0000), trailing text, depth past SW_LIMIT_JSON_DEPTH are
 * errors, and so is an arena without memory (arena->failed tells). With a NULL arena escapes are
 * checked, not decoded, and `text` is null where there is one.
 */
typedef enum sw_json_type {
    SW_JSON_END,
    SW_JSON_ERROR,
    SW_JSON_NULL,
    SW_JSON_FALSE,
    SW_JSON_TRUE,
    SW_JSON_NUMBER, /* text: as written; integer, and is_integer when one that fits int64 */
    SW_JSON_STRING, /* text: decoded */
    SW_JSON_KEY,    /* text: decoded; the value follows */
    SW_JSON_OBJECT, /* '{' */
    SW_JSON_OBJECT_END,
    SW_JSON_ARRAY,
    SW_JSON_ARRAY_END
} sw_json_type;

typedef struct sw_json {
    const char *start;
    const char *at;
    const char *end;
    sw_arena *arena;
    sw_json_type type;
    sw_str text;
    int64_t integer;
    bool is_integer;
    size_t offset;     /* of the current token */
    const char *error; /* a sentence, with SW_JSON_ERROR */
    uint32_t depth;
    uint32_t deepest; /* SW_LIMIT_JSON_DEPTH after init; a reader of wordy forms may allow up to
                            SW_JSON_DEEPEST */
    bool known; /* the input was read before and is valid: of a text with an escape in it only the
                            end is looked for; false after init */
    bool mend;  /* a lone surrogate or a NUL behind \u reads as U+FFFD; false after init */
    uint8_t state;       /* what may come next; private */
    uint64_t nesting[5]; /* a bit a level: 1 object, 0 array; private */
} sw_json;

enum { SW_JSON_DEEPEST = 320 };

void sw_json_init(sw_json *json, sw_str input, sw_arena *arena);
sw_json_type sw_json_next(sw_json *json);
/* The current token is the first of a value: goes to its last token. `raw` (may be NULL) gets the
 * bytes of the value as written. False on error.
 */
bool sw_json_skip(sw_json *json, sw_str *raw);
/* Copies a valid JSON value without white space outside strings into `out`; strings keep their
 * escapes as written. The input must have passed the reader.
 */
void sw_json_minify(sw_str raw, sw_buf *out);
/* The same in the arena; what has nothing to leave out is answered as it is. Null: no memory. */
sw_str sw_json_compact(sw_str raw, sw_arena *arena);
/* Checks that `text` is one valid JSON value and nothing else. */
bool sw_json_valid(sw_str text, const char **why, size_t *offset);

/* A sticky writer; commas by itself. Text must be valid UTF-8. Failures show in the buffer. */
typedef struct sw_json_out {
    sw_buf *buf;
    uint32_t depth;
    bool comma;
    bool pretty;    /* two blanks an indent */
    bool after_key; /* private */
} sw_json_out;
void sw_json_out_init(sw_json_out *out, sw_buf *buf, bool pretty);
void sw_json_open(sw_json_out *out, char bracket);  /* '{' or '[' */
void sw_json_close(sw_json_out *out, char bracket); /* '}' or ']' */
void sw_json_key(sw_json_out *out, sw_str key);
void sw_json_str(sw_json_out *out, sw_str text); /* null text writes null */
void sw_json_int(sw_json_out *out, int64_t value);
void sw_json_bool(sw_json_out *out, bool value);
void sw_json_null(sw_json_out *out);
void sw_json_raw(sw_json_out *out, sw_str value); /* a valid JSON value; null text writes null */
/* Members that somebody writes by himself, because each call here would cost more than they do: room for
 * `size` bytes, NULL when it is not his to use, and where they end. Each begins with a comma, the first one if `comma`
 * says so. */
char *sw_json_members(sw_json_out *out, size_t size, bool *comma);
void sw_json_members_end(sw_json_out *out, char *end);
/* Whether a JSON text may hold it as it is. */
bool sw_json_plain(sw_str text);
void sw_json_double(sw_json_out *out, double value); /* shortest form that reads back */

/* ---- log ------------------------------------------------------------------------------------- */

typedef enum sw_log_level { SW_LOG_ERROR, SW_LOG_WARN, SW_LOG_INFO, SW_LOG_DEBUG } sw_log_level;
typedef struct sw_log {
    void (*write)(void *data, sw_log_level level, const char *line);
    void *data;
    sw_log_level level;
} sw_log;
void sw_logf(const sw_log *log, sw_log_level level, const char *format, ...) SW_PRINTF(3, 4);

/* ---- libraries that are loaded late ------------------------------------------------------------- */

/* What a start of the program need not wait for is loaded when it is first used. Its functions stand in a table of
 * pointers, and here is a row for each: its name there, and where its pointer lies in the table. */
typedef struct sw_late_function {
    const char *name;
    size_t offset;
} sw_late_function;

/* Loads the first of the files that is there (NULL ends them), for the rest of the process, and fills the table. False
 * when none is there, or one of the functions is not. */
bool sw_library_take(const char *const *files, const sw_late_function *functions, size_t count,
                     void *table);

#endif
