/* SPDX-License-Identifier: Apache-2.0 */
/* Rollouts of Codex (telemetry.md G.2): items of a conversation as they come, and between them how many tokens the
 * thread has used. A call is where the sum grew, or where a usage record names a response; the same sum is written
 * again and again, and is no call. Lines without a payload are what Codex printed when it ran without a terminal: each
 * that has a usage is a call.
 */
#include "codec/transcript_codex.h"

typedef struct counts {
    sw_int of[U_SLOTS];
    bool there;
} counts;

typedef struct codex {
    transcript_reading *r;
    sw_str thread, cwd, branch, version, provider, model, turn;
    sw_str origin, agent_type;
    bool spawned;
    sw_int window;
    counts sum;  /* the thread's, as last told */
    counts last; /* the last call's, where there are no sums */
    sw_int last_us;
    enum { OWN, FORKED, FIRST_WAITS, COPYING } head; /* what the file begins with */
    transcript_event first;  /* FIRST_WAITS: the call that may turn out a copy */
    int64_t second;          /* in which the first was counted */
    sw_int history;          /* ordinals before this are copied */
    bool records;            /* usage records are there: sums tell the same once more */
    sw_int asked_us;         /* when the next request became possible */
    sw_int start_us, end_us; /* of the items that wait for their counts */
    sw_int at_us;
    sw_str bare; /* of lines without a payload: what the file's calls are known by */
    int bare_count;
} codex;

/* ---- counts ------------------------------------------------------------------------------------------------ */

static counts read_counts(sw_str raw)
{
    sw_str found[U_SLOTS] = {SW_NULL_STR};
    counts out = {.there = false};

    if (!scan_object(raw, usage_names, SW_COUNT(usage_names), found)) {
        return out;
    }
    out.there = true;
    for (int i = 0; i < U_SLOTS; i++) {
        out.of[i] = scan_count(found[i]);
    }
    return out;
}

static bool same(const counts *a, const counts *b)
{
    for (int i = 0; i < U_SLOTS; i++) {
        if (a->of[i].value != b->of[i].value) {
            return false;
        }
    }
    return a->there == b->there;
}

static int64_t weight(const counts *c)
{
    return c->of[U_INPUT].value + c->of[U_OUTPUT].value;
}

/* What the sum grew by; of what was never told, or shrank, nothing is known. */
static counts growth(const counts *now, const counts *before)
{
    counts out = *now;

    for (int i = 0; i < U_SLOTS; i++) {
        out.of[i].value -= before->there ? before->of[i].value : 0;
        out.of[i] = out.of[i].value < 0 ? SW_NULL_INT : out.of[i];
    }
    return out;
}

static transcript_usage usage_of(const counts *c)
{
    return (transcript_usage){.input = c->of[U_INPUT],
                              .output = c->of[U_OUTPUT],
                              .total = c->of[U_TOTAL],
                              .cache_read = c->of[U_CACHED],
                              .cache_write = c->of[U_WRITTEN],
                              .reasoning = c->of[U_REASONING]};
}

/* ---- events ------------------------------------------------------------------------------------------------- */

static transcript_event event_of(const codex *c, transcript_kind kind)
{
    return (transcript_event){.kind = kind,
                              .at_us = c->at_us,
                              .session = c->thread,
                              .turn = c->turn,
                              .origin = c->origin,
                              .spawned = c->spawned,
                              .agent_type = c->agent_type,
                              .cwd = c->cwd,
                              .branch = c->branch,
                              .version = c->version};
}

/* The head of a fork repeats its origin's counts, all written in one second; what was said before them is repeated as
 * well. One count alone is no such head, so the first waits until the second says which it is. */
static void take_call(codex *c, transcript_event *event)
{
    int64_t second = c->at_us.value / 1000000;
    bool again = second == c->second;

    switch (c->head) {
    case FORKED:
        event->line = c->r->line;
        c->first = *event;
        c->second = second;
        c->head = FIRST_WAITS;
        return;
    case FIRST_WAITS:
        if (!again) {
            transcript_say(c->r, &c->first);
        }
        break;
    case COPYING:
        break;
    default:
        transcript_say(c->r, event);
        return;
    }
    c->head = again ? COPYING : OWN;
    if (!again) {
        transcript_say(c->r, event);
    }
}

static void say_call(codex *c, const counts *usage, const char *kind, sw_str key2)
{
    transcript_event event = event_of(c, TRANSCRIPT_CALL);

    transcript_take_parts(c->r, &event);
    event.call_kind = kind;
    event.key = c->thread.ptr ? c->thread : SW_STR("");
    event.key2 = key2;
    event.model = c->model;
    event.provider = c->provider;
    event.context_window = c->window;
    event.has_usage = usage != NULL;
    if (usage) {
        event.usage = usage_of(usage);
    }
    event.start_us = c->start_us;
    event.end_us = c->end_us;
    c->start_us = c->end_us = SW_NULL_INT;
    take_call(c, &event);
}

static sw_str sums_text(const codex *c, const counts *sum)
{
    return sw_arena_printf(
        c->r->arena, "%lld,%lld,%lld,%lld,%lld", (long long)sum->of[U_INPUT].value,
        (long long)sum->of[U_CACHED].value, (long long)sum->of[U_OUTPUT].value,
        (long long)sum->of[U_REASONING].value, (long long)sum->of[U_TOTAL].value);
}

/* Without sums a call is known by its time. */
static void count_alone(codex *c, const counts *last)
{
    bool again = same(last, &c->last) && c->at_us.value - c->last_us.value <= 2000000;

    c->last = *last;
    c->last_us = c->at_us;
    if (!again) {
        sw_str sums = sums_text(c, last);
        say_call(c, last, "codex-cum",
                 sw_arena_printf(c->r->arena, "%lld %.*s", (long long)c->at_us.value, (int)sums.len,
                                 sums.ptr));
    }
}

static void read_token_count(codex *c, sw_str raw)
{
    sw_str found[P_SLOTS] = {SW_NULL_STR};
    counts sum;
    counts last;
    counts use;

    if (!scan_object(raw, payload_names, SW_COUNT(payload_names), found)) {
        return;
    }
    c->window = found[P_WINDOW].ptr ? scan_count(found[P_WINDOW]) : c->window;
    if (!c->model.ptr && found[P_MODEL].ptr) {
        c->model = scan_text(found[P_MODEL], c->r->arena);
    }
    if (c->records) {
        return;
    }
    sum = read_counts(found[P_TOTAL]);
    last = read_counts(found[P_LAST]);
    if (!sum.there) {
        if (last.there) {
            count_alone(c, &last);
        }
        return;
    }
    if (same(&sum, &c->sum)) {
        return; /* told again */
    }
    use = growth(&sum, &c->sum);
    use = last.there && (same(&use, &last) || weight(&sum) < weight(&c->sum)) ? last : use;
    c->sum = sum;
    say_call(c, &use, "codex-cum", sums_text(c, &sum));
}

/* Authoritative, one a response; of another thread it is a copy. */
static void read_record(codex *c, const sw_str found[P_SLOTS])
{
    counts use = read_counts(found[P_USAGE]);
    counts sums = read_counts(found[P_SUMS]);
    sw_str thread = scan_text(found[P_THREAD], c->r->arena);
    sw_str response = scan_text(found[P_RESPONSE], c->r->arena);

    c->records = true;
    if (!use.there || (thread.ptr && c->thread.ptr && !sw_str_eq(thread, c->thread))) {
        return;
    }
    if (found[P_MODEL].ptr) {
        c->model = scan_text(found[P_MODEL], c->r->arena);
    }
    say_call(c, &use, response.ptr ? "codex-resp" : "codex-cum",
             response.ptr ? response : sums_text(c, sums.there ? &sums : &use));
}

/* Printed without a terminal: no line says when or where. Two of one file are told apart by their order, two files by
 * their first lines. */
static void read_bare(codex *c, const sw_str line[L_SLOTS], sw_str text)
{
    sw_str inner[L_SLOTS] = {SW_NULL_STR};
    const sw_str *from = line;
    counts use;

    if (!c->bare.ptr) {
        c->bare = sw_arena_printf(c->r->arena, "%016llx%016llx",
                                  (unsigned long long)sw_hash(1, text.ptr, text.len),
                                  (unsigned long long)sw_hash(2, text.ptr, text.len));
    }
    if (line[L_THREAD].ptr) {
        c->thread = scan_text(line[L_THREAD], c->r->arena);
    }
    if (!line[L_USAGE].ptr &&
        scan_object(line[L_HOLDER], line_names, SW_COUNT(line_names), inner)) {
        from = inner;
    }
    use = read_counts(from[L_USAGE]);
    c->at_us = scan_time(line[L_TIME].ptr ? line[L_TIME] : inner[L_TIME]);
    if (from[L_MODEL].ptr || line[L_MODEL].ptr) {
        c->model = scan_text(from[L_MODEL].ptr ? from[L_MODEL] : line[L_MODEL], c->r->arena);
    }
    if (use.there) {
        say_call(c, &use, "codex-cum",
                 sw_arena_printf(c->r->arena, "%.*s %d", (int)c->bare.len, c->bare.ptr,
                                 ++c->bare_count));
    }
}

/* ---- lines -------------------------------------------------------------------------------------------------- */

static void read_meta(codex *c, const sw_str found[P_SLOTS])
{
    sw_str git[P_SLOTS] = {SW_NULL_STR};

    if (c->thread.ptr) {
        return; /* a fork holds its origin's as well */
    }
    c->thread = scan_text(found[P_ID], c->r->arena);
    c->cwd = scan_text(found[P_CWD], c->r->arena);
    c->version = scan_text(found[P_VERSION], c->r->arena);
    c->provider = scan_text(found[P_PROVIDER], c->r->arena);
    c->history = scan_count(found[P_HISTORY]);
    c->origin = codex_origin(found, c->r->arena, &c->spawned, &c->agent_type);
    if (!c->history.known && (c->origin.len || c->spawned)) {
        c->head = FORKED;
    }
    if (scan_object(found[P_GIT], payload_names, SW_COUNT(payload_names), git)) {
        c->branch = scan_text(git[P_BRANCH], c->r->arena);
    }
}

static void read_context(codex *c, const sw_str found[P_SLOTS])
{
    if (found[P_MODEL].ptr) {
        c->model = scan_text(found[P_MODEL], c->r->arena);
    }
    if (found[P_CWD].ptr) {
        c->cwd = scan_text(found[P_CWD], c->r->arena);
    }
    if (found[P_TURN].ptr) {
        c->turn = scan_text(found[P_TURN], c->r->arena);
    }
}

static void say(codex *c, transcript_kind kind, sw_str content)
{
    transcript_event event = event_of(c, kind);

    event.content = content;
    transcript_say(c->r, &event);
}

static void read_message(codex *c, const sw_str found[P_SLOTS])
{
    if (scan_is(found[P_TYPE], "\"token_count\"")) {
        read_token_count(c, found[P_INFO]);
    } else if (scan_is(found[P_TYPE], "\"task_started\"") ||
               scan_is(found[P_TYPE], "\"turn_started\"")) {
        c->turn = scan_text(found[P_TURN], c->r->arena);
        c->asked_us = c->at_us;
        if (c->turn.ptr) {
            say(c, TRANSCRIPT_PROMPT, SW_NULL_STR);
        }
    } else if (scan_is(found[P_TYPE], "\"user_message\"")) {
        c->asked_us = c->at_us;
        say(c, TRANSCRIPT_PROMPT, found[P_MESSAGE]);
    } else if (scan_is(found[P_TYPE], "\"task_complete\"") ||
               scan_is(found[P_TYPE], "\"turn_complete\"")) {
        say(c, TRANSCRIPT_END, SW_NULL_STR);
    } else if (scan_is(found[P_TYPE], "\"turn_aborted\"")) {
        say(c, TRANSCRIPT_STOP, SW_NULL_STR);
    }
}

static bool ends_with(sw_str raw, const char *word)
{
    size_t len = strlen(word);
    return raw.len >= len && memcmp(raw.ptr + raw.len - len, word, len) == 0;
}

static transcript_part_kind kind_of_item(sw_str type)
{
    static const char *const calls[] = {"\"function_call\"", "\"custom_tool_call\"",
                                        "\"local_shell_call\""};

    for (size_t i = 0; i < SW_COUNT(calls); i++) {
        if (scan_is(type, calls[i])) {
            return TRANSCRIPT_PART_TOOL;
        }
    }
    return scan_is(type, "\"reasoning\"") ? TRANSCRIPT_PART_THINKING : TRANSCRIPT_PART_OTHER;
}

/* What the model said waits for its counts. */
static void take_item(codex *c, const sw_str found[P_SLOTS], sw_str raw)
{
    transcript_part *part = NULL;

    c->start_us = c->start_us.known ? c->start_us : c->asked_us;
    c->end_us = c->at_us;
    if (scan_is(found[P_TYPE], "\"message\"")) {
        transcript_add_texts(c->r, found[P_CONTENT]);
        return;
    }
    part = transcript_add_part(c->r);
    if (part) {
        *part = (transcript_part){.kind = kind_of_item(found[P_TYPE]),
                                  .id = scan_text(found[P_CALL], c->r->arena),
                                  .name = scan_text(found[P_NAME], c->r->arena),
                                  .raw = raw};
    }
}

static void say_return(codex *c, const sw_str found[P_SLOTS], sw_str raw)
{
    transcript_event event = event_of(c, TRANSCRIPT_RETURN);

    event.key = scan_text(found[P_CALL], c->r->arena);
    c->asked_us = c->at_us;
    transcript_say_return(c->r, &event, raw);
}

static void read_item(codex *c, const sw_str found[P_SLOTS], sw_str raw)
{
    if (ends_with(found[P_TYPE], "_output\"")) {
        say_return(c, found, raw);
    } else if (scan_is(found[P_ROLE], "\"user\"") || scan_is(found[P_ROLE], "\"developer\"") ||
               scan_is(found[P_ROLE], "\"system\"")) {
        c->asked_us = c->at_us; /* what a person said comes as a user_message too */
    } else if (found[P_TYPE].ptr && !scan_is(found[P_TYPE], "\"compaction\"")) {
        take_item(c, found, raw);
    }
}

static bool read_line(void *arg, transcript_reading *r, sw_str line)
{
    codex *c = arg;
    sw_str outer[L_SLOTS] = {SW_NULL_STR};
    sw_str found[P_SLOTS] = {SW_NULL_STR};
    sw_int ordinal;

    c->r = r;
    if (!scan_line_object(line, line_names, SW_COUNT(line_names), outer)) {
        return false;
    }
    ordinal = scan_count(outer[L_ORDINAL]);
    if (!scan_opens(outer[L_PAYLOAD], '{')) {
        read_bare(c, outer, line);
        return true;
    }
    if (c->history.known && ordinal.known && ordinal.value < c->history.value) {
        return true;
    }
    if (!scan_object(outer[L_PAYLOAD], payload_names, SW_COUNT(payload_names), found)) {
        return false;
    }
    c->at_us = scan_time(outer[L_TIME]);
    if (scan_is(outer[L_TYPE], "\"session_meta\"")) {
        read_meta(c, found);
    } else if (scan_is(outer[L_TYPE], "\"turn_context\"")) {
        read_context(c, found);
    } else if (scan_is(outer[L_TYPE], "\"event_msg\"")) {
        read_message(c, found);
    } else if (scan_is(outer[L_TYPE], "\"response_item\"")) {
        read_item(c, found, outer[L_PAYLOAD]);
    } else if (scan_is(outer[L_TYPE], "\"token_usage_record\"")) {
        read_record(c, found);
    }
    return true;
}

sw_status transcript_read_codex(sw_str bytes, sw_arena *arena, const transcript_sink *sink,
                                transcript_end *end, sw_error *err)
{
    transcript_reading r = {.arena = arena, .sink = sink, .end = end};
    codex c = {.r = &r};
    sw_status status = transcript_lines(&r, bytes, read_line, &c, err);

    if (status == SW_STATUS_OK && c.head == FIRST_WAITS) {
        transcript_say(&r, &c.first);
        c.head = OWN;
    }
    if (status == SW_STATUS_OK && r.part_count > 0) {
        say_call(&c, NULL, "codex-cum", SW_STR("uncounted")); /* whose counts never came */
    }
    return status;
}
