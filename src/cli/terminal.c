/* SPDX-License-Identifier: Apache-2.0 */
/* What a terminal needs: its width, colours when they are wanted, the columns a text takes, prose
 * in lines, and a bar that shows how far something is. Text that an agent wrote is cleaned before
 * it gets here near a terminal.
 *
 * Widths come from wcwidth, which knows them when the program's locale is UTF-8 (sw_cli_main sees
 * to that). wchar_t holds the code point.
 */
#include "cli/cli.h"

#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include <wchar.h>

enum { WIDTH_DEFAULT = 80, WIDTH_LEAST = 20, PROSE_MOST = 100 };

static int environment_columns(void)
{
    int64_t columns = 0;
    const char *text = getenv("COLUMNS");
    return text && sw_parse_int(sw_str_from(text), &columns) && columns >= WIDTH_LEAST &&
                   columns < 10000
               ? (int)columns
               : 0;
}

static int window_columns(FILE *file)
{
    struct winsize size = {0};
    return ioctl(fileno(file), TIOCGWINSZ, &size) == 0 ? size.ws_col : 0;
}

sw_terminal sw_terminal_of(FILE *file)
{
    sw_terminal terminal = {.is_terminal = isatty(fileno(file)) == 1, .width = WIDTH_DEFAULT};
    const char *no_colour = getenv("NO_COLOR");
    const char *kind = getenv("TERM");
    if (!terminal.is_terminal) {
        return terminal;
    }
    int columns = window_columns(file);
    if (columns < WIDTH_LEAST) {
        columns = environment_columns();
    }
    terminal.limit = columns ? columns : WIDTH_DEFAULT;
    terminal.width = terminal.limit > PROSE_MOST ? PROSE_MOST : terminal.limit;
    terminal.colour = !(no_colour && no_colour[0]) && !(kind && strcmp(kind, "dumb") == 0);
    return terminal;
}

const char *sw_style_on(bool colour, sw_style style)
{
    static const char *const codes[] = {"",         "\033[1m",  "\033[2m",
                                        "\033[32m", "\033[31m", "\033[33m"};
    return colour ? codes[style] : "";
}

const char *sw_style_off(bool colour, sw_style style)
{
    return colour && style != SW_STYLE_PLAIN ? "\033[0m" : "";
}

/* ---- columns --------------------------------------------------------------------------------- */

/* The code point at the beginning, and its length; a byte that is no UTF-8 is a code point of its
 * own, marked as -1.
 */
static size_t decode(sw_str text, int32_t *code)
{
    static const uint8_t leads[] = {0, 0, 0x1F, 0x0F, 0x07};
    uint8_t first = (uint8_t)text.ptr[0];
    size_t length = first < 0x80 ? 1 : first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4;
    *code = length == 1 ? first : -1;
    if (length == 1 || length > text.len || !sw_utf8_valid(sw_str_make(text.ptr, length))) {
        return 1;
    }
    *code = first & leads[length];
    for (size_t i = 1; i < length; i++) {
        *code = *code << 6 | ((uint8_t)text.ptr[i] & 0x3F);
    }
    return length;
}

static int code_columns(int32_t code)
{
    int columns = code < 0 ? 1 : code < 0x7F ? code >= 0x20 : wcwidth((wchar_t)code);
    return columns < 0 ? 1 : columns;
}

int sw_text_columns(sw_str text)
{
    int columns = 0;
    int32_t code = 0;
    for (size_t at = 0; at < text.len;) {
        at += decode(sw_str_make(text.ptr + at, text.len - at), &code);
        columns += code_columns(code);
    }
    return columns;
}

size_t sw_text_fit(sw_str text, int columns)
{
    size_t at = 0;
    int32_t code = 0;
    while (at < text.len) {
        size_t length = decode(sw_str_make(text.ptr + at, text.len - at), &code);
        columns -= code_columns(code);
        if (columns < 0) {
            break;
        }
        at += length;
    }
    return at;
}

/* C0, DEL, C1, and the marks that turn the direction of writing. */
static bool is_control(int32_t code)
{
    return code < 0x20 || (code >= 0x7F && code < 0xA0) || (code >= 0x202A && code <= 0x202E) ||
           (code >= 0x2066 && code <= 0x2069);
}

static char cleaned(int32_t code, bool lines)
{
    if (code < 0) {
        return '?';
    }
    return lines && code == '\n' ? '\n' : ' ';
}

sw_str sw_text_clean(sw_arena *arena, sw_str text, bool lines)
{
    char *out = text.ptr ? sw_arena_alloc(arena, text.len + 1) : NULL;
    size_t length = 0;
    int32_t code = 0;
    if (!out) {
        return SW_NULL_STR;
    }
    for (size_t at = 0; at < text.len;) {
        size_t size = decode(sw_str_make(text.ptr + at, text.len - at), &code);
        if (code < 0 || is_control(code)) {
            out[length++] = cleaned(code, lines);
        } else {
            memcpy(out + length, text.ptr + at, size);
            length += size;
        }
        at += size;
    }
    out[length] = '\0';
    return sw_str_make(out, length);
}

void sw_text_wrap(FILE *out, const char *text, int at, int indent, int width)
{
    bool fresh = true;
    while (*text) {
        size_t length = strcspn(text, " ");
        int columns = sw_text_columns(sw_str_make(text, length));
        if (!fresh && at + 1 + columns > width) {
            fprintf(out, "\n%*s", indent, "");
            at = indent;
            fresh = true;
        }
        fprintf(out, "%s%.*s", fresh ? "" : " ", (int)length, text);
        at += columns + (fresh ? 0 : 1);
        fresh = false;
        text += length + strspn(text + length, " ");
    }
    fputc('\n', out);
}
