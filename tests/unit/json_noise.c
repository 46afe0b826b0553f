/* SPDX-License-Identifier: Apache-2.0 */
/* Documents made at random: deep and wide, with every kind of number, character and escape. */
#include "json_noise.h"

static bool chance(json_noise *w, size_t one_in)
{
    return test_below(&w->random, one_in) == 0;
}

static void write_space(json_noise *w)
{
    while (chance(w, 4)) {
        sw_buf_addc(&w->buf, " \t\r\n"[test_below(&w->random, 4)]);
    }
}

static const char escaped[] = "\"\\/\b\f\n\r\t";
static const char letters[] = "\"\\/bfnrt";

static uint32_t random_character(json_noise *w)
{
    uint32_t c = 0;
    switch (test_below(&w->random, 8)) {
    case 0:
        return 1 + (uint32_t)test_below(&w->random, 0x7ff);
    case 1:
        do {
            c = 0x800 + (uint32_t)test_below(&w->random, 0x110000 - 0x800);
        } while (c >= 0xd800 && c < 0xe000);
        return c;
    case 2:
        return (uint32_t)escaped[test_below(&w->random, 8)];
    default:
        return 'a' + (uint32_t)test_below(&w->random, 26);
    }
}

static void write_unicode(json_noise *w, uint32_t unit)
{
    if (chance(w, 2)) {
        sw_buf_addf(&w->buf, "\\u%04x", (unsigned)unit);
    } else {
        sw_buf_addf(&w->buf, "\\u%04X", (unsigned)unit);
    }
}

static void write_character(json_noise *w, uint32_t c)
{
    const char *found = c < 0x80 ? memchr(escaped, (int)c, sizeof escaped - 1) : NULL;
    if (found && chance(w, 2)) {
        sw_buf_addf(&w->buf, "\\%c", letters[found - escaped]);
    } else if (c < 0x20 || c == '"' || c == '\\' || chance(w, 6)) {
        write_unicode(w, c < 0x10000 ? c : 0xd7c0 + (c >> 10));
        if (c >= 0x10000) {
            write_unicode(w, 0xdc00 | (c & 0x3ff));
        }
    } else if (c < 0x80) {
        sw_buf_addc(&w->buf, (char)c);
    } else if (c < 0x800) {
        sw_buf_addf(&w->buf, "%c%c", (int)(0xc0 | c >> 6), (int)(0x80 | (c & 0x3f)));
    } else if (c < 0x10000) {
        sw_buf_addf(&w->buf, "%c%c%c", (int)(0xe0 | c >> 12), (int)(0x80 | (c >> 6 & 0x3f)),
                    (int)(0x80 | (c & 0x3f)));
    } else {
        sw_buf_addf(&w->buf, "%c%c%c%c", (int)(0xf0 | c >> 18), (int)(0x80 | (c >> 12 & 0x3f)),
                    (int)(0x80 | (c >> 6 & 0x3f)), (int)(0x80 | (c & 0x3f)));
    }
}

static void write_text(json_noise *w, const char *unique)
{
    sw_buf_addc(&w->buf, '"');
    sw_buf_adds(&w->buf, unique);
    for (size_t n = test_below(&w->random, chance(w, 4) ? 60 : 8); n > 0; n--) {
        write_character(w, random_character(w));
    }
    sw_buf_addc(&w->buf, '"');
}

static void write_number(json_noise *w)
{
    int64_t value = (int64_t)(test_random(&w->random) >> test_below(&w->random, 64));
    switch (test_below(&w->random, 4)) {
    case 0:
        sw_buf_addf(&w->buf, "%.*e", (int)test_below(&w->random, 17), (double)value / 7e5);
        break;
    case 1:
        sw_buf_addf(&w->buf, "-%d.%dE%+d", (int)test_below(&w->random, 3),
                    (int)test_below(&w->random, 1000), (int)test_below(&w->random, 20) - 10);
        break;
    default:
        sw_buf_add_int(&w->buf, chance(w, 2) ? -value : value);
        break;
    }
}

static void write_value(json_noise *w, int depth);

static void write_items(json_noise *w, int depth, bool object)
{
    char unique[16];
    sw_buf_addc(&w->buf, object ? '{' : '[');
    write_space(w);
    for (size_t n = test_below(&w->random, 6), i = 0; i < n; i++) {
        if (i > 0) {
            sw_buf_addc(&w->buf, ',');
            write_space(w);
        }
        if (object) {
            (void)snprintf(unique, sizeof unique, "%d", w->keys++);
            write_text(w, unique);
            write_space(w);
            sw_buf_addc(&w->buf, ':');
        }
        write_value(w, depth - 1);
    }
    sw_buf_addc(&w->buf, object ? '}' : ']');
}

static void write_value(json_noise *w, int depth)
{
    write_space(w);
    switch (test_below(&w->random, depth > 0 ? 8 : 5)) {
    case 0:
        sw_buf_adds(&w->buf, chance(w, 2) ? "true" : "false");
        break;
    case 1:
        sw_buf_adds(&w->buf, "null");
        break;
    case 2:
        write_number(w);
        break;
    case 3:
    case 4:
        write_text(w, "");
        break;
    case 5:
        write_items(w, depth, false);
        break;
    default:
        write_items(w, depth, true);
        break;
    }
    write_space(w);
}

void json_noise_next(json_noise *w)
{
    sw_buf_clear(&w->buf);
    write_value(w, 6);
    assert_int_equal(w->buf.status, SW_STATUS_OK);
}
