/* SPDX-License-Identifier: Apache-2.0 */
/* Transcripts, on noise. The first byte says which reader gets the rest (a: that of the first row of
 * model/import_formats.def); whatever it tells must lie in what it was given or in its arena, hold valid text, and not
 * take much more memory than was sent in.
 */
#include "codec/transcript.h"
#include "codec/transcript_scan.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_text(sw_str text)
{
    sw_assert(!text.ptr || sw_utf8_valid(text));
}

static void see(void *arg, const transcript_event *event)
{
    sw_str bytes = *(const sw_str *)arg;
    const sw_str texts[] = {event->session, event->id,    event->parent,   event->turn,
                            event->agent,   event->cwd,   event->branch,   event->version,
                            event->key,     event->model, event->provider, event->stop};

    for (size_t i = 0; i < SW_COUNT(texts); i++) {
        check_text(texts[i]);
    }
    for (size_t i = 0; i < event->part_count; i++) {
        const transcript_part *part = &event->parts[i];
        check_text(part->id);
        check_text(part->name);
        sw_assert((part->raw.ptr >= bytes.ptr &&
                   part->raw.ptr + part->raw.len <= bytes.ptr + bytes.len) ||
                  scan_opens(part->raw, '{')); /* opencode's are put in the words of others */
    }
}

static void see_bad(void *arg, int64_t line, const char *why)
{
    (void)arg;
    sw_assert(line > 0 && why);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    sw_arena arena;
    import_head head = {.whole = true, .arena = &arena};
    transcript_end end;
    sw_error err;
    sw_str bytes = sw_str_make((const char *)data + 1, size > 0 ? size - 1 : 0);
    transcript_sink sink = {&bytes, see, see_bad};

    if (size < 2) {
        return 0;
    }
    transcript_reader *reader =
        transcript_reader_of((import_format)((uint8_t)(data[0] - 'a') % IMPORT_FORMATS));
    sw_arena_init(&arena, &sw__libc_allocator, 64 * size + (1 << 20));
    head.bytes = bytes;
    (void)import_recognise(&head);
    check_text(head.unit);
    if (reader) {
        sw_assert(reader(bytes, &arena, &sink, &end, &err) == SW_STATUS_OK);
        sw_assert(end.read <= bytes.len && end.bad <= end.lines);
    }
    sw_arena_fini(&arena);
    return 0;
}
