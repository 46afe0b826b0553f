/* SPDX-License-Identifier: Apache-2.0 */
/* The bar: how far, how fast, how long still. It is silent for the first second and away from a
 * terminal, draws over itself ten times a second at most, and wipes itself out when it is done.
 */
#include "cli/cli.h"

enum { SILENT_US = 1000000, REDRAW_US = 100000, BAR_MOST = 30, BAR_LEAST = 10 };

void sw_progress_init(sw_progress *progress, FILE *out, const char *unit, int64_t mono_us)
{
    *progress = (sw_progress){
        .out = out, .terminal = sw_terminal_of(out), .unit = unit, .begun_us = mono_us};
}

static sw_str bar_of(sw_arena *arena, int64_t done, int64_t total, int width)
{
    char bar[BAR_MOST + 1];
    int full = (int)((double)done / (double)total * width);
    for (int i = 0; i < width; i++) {
        bar[i] = i < full ? '#' : '.';
    }
    bar[width] = '\0';
    return sw_arena_printf(arena, "[%s] ", bar);
}

sw_str sw_progress_line(sw_arena *arena, const char *unit, int64_t done, int64_t total,
                        int64_t passed_us, int width)
{
    if (total < 1) {
        total = 1;
    }
    done = done < 0 ? 0 : done > total ? total : done;
    double rate = passed_us > 0 ? (double)done * 1e6 / (double)passed_us : 0;
    sw_str left = SW_STR("");
    if (rate > 0) {
        int64_t seconds = (int64_t)((double)(total - done) / rate + 0.5);
        sw_str whole = seconds < 60 ? sw_arena_printf(arena, "%d s", (int)seconds)
                                    : sw_show_duration(arena, seconds * INT64_C(1000000000));
        left = sw_arena_printf(arena, ", %s left", sw_text_or_blank(whole));
    }
    sw_str words = sw_arena_printf(
        arena, "%d %%  %s of %s %s  %s/s%s", (int)((double)done / (double)total * 100),
        sw_text_or_blank(sw_show_count(arena, done)), sw_text_or_blank(sw_show_count(arena, total)),
        unit, sw_text_or_blank(sw_show_count(arena, (int64_t)rate)), sw_text_or_blank(left));
    int room = width - sw_text_columns(words) - 3;
    room = room > BAR_MOST ? BAR_MOST : room;
    if (room >= BAR_LEAST) {
        words = sw_arena_printf(arena, "%s%s", sw_text_or_blank(bar_of(arena, done, total, room)),
                                sw_text_or_blank(words));
    }
    return sw_str_make(words.ptr, sw_text_fit(words, width));
}

void sw_progress_show(sw_progress *progress, int64_t done, int64_t total, int64_t mono_us)
{
    if (!progress->terminal.is_terminal || mono_us - progress->begun_us < SILENT_US ||
        mono_us - progress->drawn_us < REDRAW_US) {
        return;
    }
    sw_arena arena;
    sw_arena_init(&arena, &sw__libc_allocator, 0);
    sw_str line = sw_progress_line(&arena, progress->unit, done, total,
                                   mono_us - progress->begun_us, progress->terminal.limit - 1);
    if (!arena.failed) {
        fprintf(progress->out, "\r\033[K%.*s", (int)line.len, line.ptr);
        fflush(progress->out);
        progress->shown = true;
        progress->drawn_us = mono_us;
    }
    sw_arena_fini(&arena);
}

void sw_progress_done(sw_progress *progress)
{
    if (progress->shown) {
        fputs("\r\033[K", progress->out);
        fflush(progress->out);
        progress->shown = false;
    }
}
