/* SPDX-License-Identifier: Apache-2.0 */
/* Which run each event belongs to. A prompt begins one; whatever was said in answer to an event is in its run; what
 * names no parent is in the run that was last begun in its conversation. A sub-agent has a run of its own, begun by the
 * run whose tool it was.
 */
#include "ingest/import_unit.h"

/* A conversation within the unit: the session itself, or a sub-agent of it. */
typedef struct asked_talk {
    const unit *u;
    sw_str session;
    sw_str agent;
} asked_talk;

static bool same_talk(const void *arg, size_t place)
{
    const asked_talk *asked = arg;
    const unit_run *run = &asked->u->runs[place];

    return sw_str_eq(run->session, asked->session) && sw_str_eq(run->agent, asked->agent);
}

static import_slot *find_talk(unit *u, sw_str session, sw_str agent)
{
    asked_talk asked = {u, session, agent};
    uint64_t hash = sw_hash(agent.ptr ? 12 : 11, session.ptr, session.len);

    hash = agent.len ? sw_hash(hash, agent.ptr, agent.len) : hash;
    return import_find(&u->talks, &u->work->arena, hash, same_talk, &asked);
}

/* The run that was last begun in the conversation. */
static uint32_t current_run(unit *u, sw_str session, sw_str agent)
{
    import_slot *slot = find_talk(u, session, agent);

    return slot && slot->place ? (uint32_t)(slot->place - 1) : UNIT_NONE;
}

static uint32_t begin_run(unit *u, uint32_t event, sw_str agent, const char *kind,
                          const sw_str *keys, size_t key_count)
{
    const transcript_event *e = &u->events[event].e;
    unit_run *runs =
        sw_arena_grow(&u->work->arena, u->runs, u->run_count, &u->run_room, sizeof *runs);
    import_slot *slot = NULL;
    unit_run *run = NULL;

    if (!runs) {
        return UNIT_NONE;
    }
    u->runs = runs;
    slot = find_talk(u, e->session, agent);
    if (!slot) {
        return UNIT_NONE;
    }
    run = &runs[u->run_count];
    *run = (unit_run){.kind = kind,
                      .key_count = key_count,
                      .session = e->session,
                      .agent = agent,
                      .parent = UNIT_NONE,
                      .first = event,
                      .last = event,
                      .last_call = UNIT_NONE,
                      .asked = UNIT_NONE,
                      .row = SIZE_MAX};
    for (size_t i = 0; i < key_count; i++) {
        run->keys[i] = keys[i].ptr ? keys[i] : SW_STR("");
    }
    import_put(&u->talks, slot, u->run_count);
    return (uint32_t)u->run_count++;
}

/* A line that names itself by nothing is known by what it says. */
static sw_str name_of(unit *u, const transcript_event *e)
{
    char digest[IMPORT_DIGEST];
    char hex[2 * IMPORT_DIGEST];

    if (e->turn.ptr) {
        return e->turn;
    }
    if (e->id.ptr) {
        return e->id;
    }
    import_digest(e->content.ptr, e->content.len, digest);
    sw_hex_print((const uint8_t *)digest, sizeof digest, hex);
    return sw_arena_printf(&u->work->arena, "%lld %.*s", (long long)e->at_us.value, (int)sizeof hex,
                           hex);
}

static uint32_t begin_turn(unit *u, uint32_t event)
{
    const transcript_event *e = &u->events[event].e;
    sw_str keys[2] = {e->session, name_of(u, e)};
    uint32_t now = current_run(u, e->session, e->agent);
    uint32_t run = UNIT_NONE;

    /* One prompt may be written as several lines. */
    if (now != UNIT_NONE && u->runs[now].kind == u->traits->run_kind &&
        sw_str_eq(u->runs[now].keys[1], keys[1])) {
        return now;
    }
    run = begin_run(u, event, e->agent, u->traits->run_kind, keys, 2);
    if (run != UNIT_NONE) {
        u->runs[run].asked = event;
    }
    return run;
}

/* The run that the sub-agent's events are in, and who began it: its tool's answer names it, or who was at work. */
static uint32_t begin_side(unit *u, uint32_t event)
{
    const transcript_event *e = &u->events[event].e;
    sw_str keys[2] = {e->session, e->agent.ptr ? e->agent : name_of(u, e)};
    uint32_t parent = current_run(u, e->session, SW_NULL_STR);
    uint32_t run = begin_run(u, event, keys[1], u->traits->rest_kind, keys, 2);

    if (run != UNIT_NONE) {
        u->runs[run].parent = parent;
        u->runs[run].asked = e->kind == TRANSCRIPT_SAID ? event : UNIT_NONE;
    }
    return run;
}

/* The run of what it answers. Side conversations without a name hang together by this alone. */
static uint32_t run_above(const unit *u, uint32_t event)
{
    const unit_event *it = &u->events[event];
    uint32_t above = unit_find(u, it->e.parent);
    const unit_event *parent = above == UNIT_NONE ? NULL : &u->events[above];

    return parent && parent->run != UNIT_NONE && parent->e.side == it->e.side &&
                   sw_str_eq(parent->e.agent, it->e.agent) &&
                   sw_str_eq(parent->e.session, it->e.session)
               ? parent->run
               : UNIT_NONE;
}

static uint32_t run_of(unit *u, uint32_t event)
{
    const transcript_event *e = &u->events[event].e;
    sw_str session[2] = {e->session, SW_NULL_STR};
    uint32_t run = UNIT_NONE;

    if (e->kind == TRANSCRIPT_PROMPT && !e->side && !e->agent.ptr) {
        return begin_turn(u, event);
    }
    run = run_above(u, event);
    if (run == UNIT_NONE && (e->agent.ptr || !e->side)) {
        run = current_run(u, e->session, e->agent);
    }
    if (run == UNIT_NONE) {
        run = e->agent.ptr || e->side
                  ? begin_side(u, event)
                  : begin_run(u, event, e->agent, u->traits->rest_kind, session, 1);
    }
    return run;
}

/* A tool's answer that names a sub-agent says whose run began the sub-agent's. */
static void link_agents(unit *u)
{
    for (size_t i = 0; i < u->count; i++) {
        const unit_event *event = &u->events[i];
        uint32_t run = UNIT_NONE;
        if (event->gone || event->e.kind != TRANSCRIPT_RETURN || !event->e.made_agent.ptr) {
            continue;
        }
        run = current_run(u, event->e.session, event->e.made_agent);
        if (run != UNIT_NONE && run != event->run) {
            u->runs[run].parent = event->run;
            u->runs[run].begun_by = event->e.key;
        }
    }
}

/* A damaged file may say that runs come from each other in a circle: the one of it that is met first comes from none. */
static void cut_circles(unit *u)
{
    for (uint32_t i = 0; i < u->run_count; i++) {
        for (uint32_t at = i; at != UNIT_NONE && !u->runs[at].walk; at = u->runs[at].parent) {
            uint32_t above = u->runs[at].parent;
            u->runs[at].walk = i + 1;
            if (above != UNIT_NONE && u->runs[above].walk == i + 1) {
                u->runs[above].parent = UNIT_NONE;
                u->runs[above].begun_by = SW_NULL_STR;
            }
        }
    }
}

sw_status unit_find_runs(unit *u, sw_error *err)
{
    for (uint32_t n = 0; n < u->count; n++) {
        uint32_t i = u->order[n];
        unit_event *event = &u->events[i];
        unit_run *run = NULL;
        if (event->gone) {
            continue;
        }
        event->run = run_of(u, i);
        if (event->run == UNIT_NONE) {
            return sw_no_memory(err);
        }
        run = &u->runs[event->run];
        run->last = i;
        run->stopped = run->stopped || event->e.kind == TRANSCRIPT_STOP;
        run->ended =
            event->e.kind == TRANSCRIPT_END || (run->ended && event->e.kind != TRANSCRIPT_CALL);
        if (run->agent_type.ptr == NULL) {
            run->agent_type = event->e.agent_type;
        }
    }
    link_agents(u);
    unit_link_threads(u);
    cut_circles(u);
    return SW_STATUS_OK;
}
