/* SPDX-License-Identifier: Apache-2.0 */
/* Transcripts of one unit put together. The events of all its files are brought into one order that only depends on
 * what they say, so that it does not matter in how many files they came, or how often.
 */
#include <stdlib.h>

#include "ingest/import_unit.h"
#include "ingest/span.h"

static const unit_traits traits[IMPORT_FORMATS] = {
    [IMPORT_FORMAT_CLAUDE_CODE] = {"cc-msg", "cc-prompt", "cc-session", "claude-code", "anthropic",
                                   "transcript:claude-code", SPAN_EXCLUSIVE, true, true, true,
                                   false, "cc-request"},
    [IMPORT_FORMAT_CODEX] = {"codex-cum", "codex-turn", "codex-thread", "codex", "openai",
                             "transcript:codex", SPAN_INCLUSIVE, false, false, false, false,
                             "codex-counts"},
    [IMPORT_FORMAT_GEMINI] = {"gemini-msg", "gemini-prompt", "gemini-session", "gemini-cli",
                              "gcp.gemini", "transcript:gemini-cli", SPAN_INCLUSIVE | SPAN_BESIDE,
                              false, false, false, true, "gemini-counts"},
    [IMPORT_FORMAT_LETTA] = {"letta-text", "letta-prompt", "letta-session", "letta-code", NULL,
                             "transcript:letta-text", SPAN_OPEN, false, false, false, false, NULL},
    [IMPORT_FORMAT_OPENCODE] = {"opencode-step", "opencode-prompt", "opencode-session", "opencode",
                                NULL, "transcript:opencode", SPAN_EXCLUSIVE | SPAN_BESIDE, false,
                                false, false, false, NULL},
    [IMPORT_FORMAT_PI] = {"letta-msg", "pi-prompt", "pi-session", "pi", NULL, "transcript:pi",
                          SPAN_EXCLUSIVE, false, false, false, false, NULL},
};

const unit_traits *unit_traits_of(import_format format)
{
    return &traits[format];
}

/* ---- reading ------------------------------------------------------------------------------------------ */

static void take_event(void *arg, const transcript_event *event)
{
    unit *u = arg;
    unit_event *events =
        sw_arena_grow(&u->work->arena, u->events, u->count, &u->room, sizeof *events);

    if (!events) {
        return; /* the arena remembers */
    }
    u->events = events;
    events[u->count++] =
        (unit_event){.e = *event, .file = u->reading, .run = UNIT_NONE, .call = UNIT_NONE};
}

static void take_bad(void *arg, int64_t line, const char *why)
{
    const unit *u = arg;
    const import_options *options = u->work->options;

    if (options->bad_line && !u->files[u->reading].again) {
        options->bad_line(options->arg, u->files[u->reading].path, line, why);
    }
}

static sw_status read_files(unit *u, sw_error *err)
{
    transcript_reader *reader = transcript_reader_of(u->format);
    transcript_sink sink = {u, take_event, take_bad};
    import_result *result = u->work->result;
    sw_status status = SW_STATUS_OK;

    for (size_t i = 0; i < u->file_count && status == SW_STATUS_OK; i++) {
        import_file *file = &u->files[i];
        u->reading = (uint32_t)i;
        status = reader(file->bytes, &u->work->arena, &sink, &file->end, err);
        file->offset = (int64_t)file->end.read;
        if (!file->again) {
            result->lines += file->end.lines;
            result->bad_lines += file->end.bad;
        }
    }
    return status == SW_STATUS_OK && (u->work->arena.failed || u->count >= UNIT_NONE / 4)
               ? sw_no_memory(err)
               : status;
}

/* ---- order -------------------------------------------------------------------------------------------- */

/* An event without a time happened with the one before it; at the head of a file with the next that has one, and in a file
 * without any when all began. */
static void settle_times(unit *u)
{
    int64_t last = INT64_MIN;

    for (size_t i = 0; i < u->count; i++) {
        unit_event *event = &u->events[i];
        if (i == 0 || event->file != u->events[i - 1].file) {
            last = INT64_MIN;
        }
        last = event->e.at_us.known ? event->e.at_us.value : last;
        event->at_us = last;
        if (event->e.at_us.known && last < u->first_us) {
            u->first_us = last;
        }
    }
    for (size_t i = u->count; i-- > 0 && u->first_us != INT64_MAX;) {
        unit_event *event = &u->events[i];
        bool is_last = i + 1 == u->count || event->file != event[1].file;
        if (event->at_us == INT64_MIN) {
            event->at_us = is_last ? u->first_us : event[1].at_us;
        }
    }
}

static int by_time(const void *a, const void *b, void *arg)
{
    const unit *u = arg;
    const unit_event *x = &u->events[*(const uint32_t *)a];
    const unit_event *y = &u->events[*(const uint32_t *)b];

    if (x->at_us != y->at_us) {
        return x->at_us < y->at_us ? -1 : 1;
    }
    if (x->file != y->file) {
        int c = memcmp(u->files[x->file].head, u->files[y->file].head, IMPORT_DIGEST);
        return c != 0 ? c : (x->file > y->file) - (x->file < y->file);
    }
    return (x > y) - (x < y);
}

static bool make_index(unit *u, unit_index *index)
{
    index->size = 16;
    while (index->size < 2 * u->count) {
        index->size *= 2;
    }
    index->at = sw_arena_alloc(&u->work->arena, index->size * sizeof *index->at);
    if (index->at) {
        memset(index->at, 0xff, index->size * sizeof *index->at);
    }
    return index->at != NULL;
}

typedef sw_str name_of(const unit_event *event);

static sw_str own_id(const unit_event *event)
{
    return event->e.id;
}

static sw_str tool_of(const unit_event *event)
{
    return event->e.key;
}

/* Where the first event of that name is, or would be. */
static uint32_t *find_first(const unit *u, const unit_index *index, name_of *name, sw_str wanted)
{
    size_t at = sw_hash(11, wanted.ptr, wanted.len) & (index->size - 1);

    while (index->at[at] != UNIT_NONE && !sw_str_eq(name(&u->events[index->at[at]]), wanted)) {
        at = (at + 1) & (index->size - 1);
    }
    return &index->at[at];
}

uint32_t unit_find(const unit *u, sw_str id)
{
    return id.len ? *find_first(u, &u->by_id, own_id, id) : UNIT_NONE;
}

uint32_t unit_answer(const unit *u, sw_str tool)
{
    return tool.len ? *find_first(u, &u->by_tool, tool_of, tool) : UNIT_NONE;
}

/* The same line in another file, or again in this one. */
static bool is_copy(const unit_event *a, const unit_event *b)
{
    return a->e.kind == b->e.kind && sw_str_eq(a->e.id, b->e.id) &&
           sw_str_eq(a->e.session, b->e.session) &&
           (a->e.kind != TRANSCRIPT_RETURN || sw_str_eq(a->e.key, b->e.key));
}

/* Puts the event among those that were seen; false: one of them is the same. */
static bool see(const unit *u, const unit_index *seen, uint32_t i)
{
    const transcript_event *e = &u->events[i].e;
    uint64_t hash = sw_hash(e->kind, e->id.ptr, e->id.len);
    size_t at = 0;

    hash = sw_hash(hash, e->session.ptr, e->session.len);
    if (e->kind == TRANSCRIPT_RETURN) {
        hash = sw_hash(hash, e->key.ptr, e->key.len);
    }
    for (at = hash & (seen->size - 1); seen->at[at] != UNIT_NONE;
         at = (at + 1) & (seen->size - 1)) {
        if (is_copy(&u->events[seen->at[at]], &u->events[i])) {
            return false;
        }
    }
    seen->at[at] = i;
    return true;
}

static void put_first(uint32_t *slot, uint32_t event)
{
    if (*slot == UNIT_NONE) {
        *slot = event;
    }
}

/* In their order, so that the first of a name is found by it. */
static void put_names(unit *u, const unit_index *seen)
{
    for (uint32_t n = 0; n < u->count; n++) {
        uint32_t i = u->order[n];
        unit_event *event = &u->events[i];
        event->gone = event->e.id.len && !see(u, seen, i);
        u->told += !event->gone;
        if (!event->gone && event->e.id.len) {
            put_first(find_first(u, &u->by_id, own_id, event->e.id), i);
        }
        if (!event->gone && event->e.kind == TRANSCRIPT_RETURN && event->e.key.len) {
            put_first(find_first(u, &u->by_tool, tool_of, event->e.key), i);
        }
    }
}

static sw_status put_in_order(unit *u, sw_error *err)
{
    sw_arena *arena = &u->work->arena;
    unit_index seen;

    u->order = sw_arena_alloc(arena, (u->count + 1) * sizeof *u->order);
    u->next_part = sw_arena_alloc(arena, (u->count + 1) * sizeof *u->next_part);
    if (!u->order || !u->next_part || !make_index(u, &u->by_id) || !make_index(u, &u->by_tool) ||
        !make_index(u, &u->by_call) || !make_index(u, &seen)) {
        return sw_no_memory(err);
    }
    for (uint32_t i = 0; i < u->count; i++) {
        u->order[i] = i;
        u->next_part[i] = UNIT_NONE;
    }
    qsort_r(u->order, u->count, sizeof *u->order, by_time, u);
    put_names(u, &seen);
    return SW_STATUS_OK;
}

/* ---- the unit ------------------------------------------------------------------------------------------ */

static int by_text(const void *a, const void *b)
{
    return sw_str_cmp(*(const sw_str *)a, *(const sw_str *)b);
}

/* Calls of tools, each id once: a call may be written down again. Those without an id are all different. */
static bool count_tools(unit *u)
{
    import_list ids = {NULL, 0, 0};
    import_result *result = u->work->result;
    sw_str *all = NULL;

    for (size_t i = 0; i < u->count; i++) {
        const unit_event *event = &u->events[i];
        for (size_t p = 0; !event->gone && !u->files[event->file].again &&
                           event->e.kind == TRANSCRIPT_CALL && p < event->e.part_count;
             p++) {
            const transcript_part *part = &event->e.parts[p];
            sw_str *id = part->kind == TRANSCRIPT_PART_TOOL && part->id.len
                             ? import_add(&u->work->arena, &ids, sizeof *id)
                             : NULL;
            if (id) {
                *id = part->id;
            } else if (part->kind == TRANSCRIPT_PART_TOOL) {
                result->tool_calls++;
                result->unanswered++;
            }
        }
    }
    all = ids.items;
    if (ids.count > 0) {
        qsort(all, ids.count, sizeof *all, by_text);
    }
    for (size_t i = 0; i < ids.count; i++) {
        if (i == 0 || !sw_str_eq(all[i], all[i - 1])) {
            result->tool_calls++;
            result->unanswered += unit_answer(u, all[i]) == UNIT_NONE;
        }
    }
    return !u->work->arena.failed;
}

static bool count_events(unit *u)
{
    for (size_t i = 0; i < u->count; i++) {
        const unit_event *event = &u->events[i];
        u->work->result->tool_errors += !event->gone && !u->files[event->file].again &&
                                        event->e.kind == TRANSCRIPT_RETURN && event->e.failed;
    }
    return count_tools(u);
}

/* Two files with the same content are one: which of them is the first does not matter. */
static int by_head(const void *a, const void *b)
{
    const import_file *x = a;
    const import_file *y = b;
    int c = memcmp(x->head, y->head, IMPORT_DIGEST);

    return c != 0 ? c : (x->size > y->size) - (x->size < y->size);
}

sw_status import_read_transcript(import_work *work, import_format format, import_file *files,
                                 size_t count, sw_error *err)
{
    unit u = {.work = work,
              .traits = unit_traits_of(format),
              .format = format,
              .files = files,
              .file_count = count,
              .first_us = INT64_MAX};
    sw_status status = SW_STATUS_OK;

    qsort(files, count, sizeof *files, by_head);
    memcpy(u.owner, files[0].unit, IMPORT_DIGEST);
    status = read_files(&u, err);
    if (status == SW_STATUS_OK) {
        settle_times(&u);
        status = put_in_order(&u, err);
    }
    if (status == SW_STATUS_OK) {
        status = count_events(&u) ? unit_find_runs(&u, err) : sw_no_memory(err);
    }
    if (status == SW_STATUS_OK) {
        status = unit_find_calls(&u, err);
    }
    return status == SW_STATUS_OK ? unit_make(&u, err) : status;
}
