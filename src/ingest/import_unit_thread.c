/* SPDX-License-Identifier: Apache-2.0 */
/* Threads that come from others. A fork begins with what its origin had counted, and a copied line is the same call: it
 * is told by the same sums of the same model, at the head of the thread, and becomes no step of its own. The name it
 * would have had leads to the original's step all the same, because the copy may have been imported before the
 * original was there. A thread that another one spawned is a run of that one's.
 */
#include "ingest/import_unit.h"

/* Threads of one family, and how far up they are followed. */
enum { THREADS_MOST = 256, DEEPEST = 64 };

typedef struct thread {
    sw_str name;
    sw_str origin;
    bool own; /* a call has come that is no copy */
} thread;

typedef struct family {
    const unit *u;
    thread threads[THREADS_MOST];
    size_t count;
} family;

static thread *find_thread(family *f, sw_str name)
{
    for (size_t i = 0; i < f->count; i++) {
        if (sw_str_eq(f->threads[i].name, name)) {
            return &f->threads[i];
        }
    }
    return NULL;
}

static void add_threads(family *f)
{
    const unit *u = f->u;

    for (size_t i = 0; i < u->count && f->count < THREADS_MOST; i++) {
        const transcript_event *e = &u->events[i].e;
        if (e->origin.len && !find_thread(f, e->session)) {
            f->threads[f->count++] = (thread){e->session, e->origin, false};
        }
    }
}

/* The call of that name which an origin of the thread made, or UNIT_NONE. */
static uint32_t original_of(family *f, const thread *of, const transcript_event *e)
{
    const thread *at = of;

    for (int i = 0; at && i < DEEPEST; i++) {
        uint32_t call = unit_call_named(f->u, at->origin, e->key2);
        if (call != UNIT_NONE &&
            sw_str_eq(f->u->events[f->u->calls[call].first].e.model, e->model)) {
            return call;
        }
        at = find_thread(f, at->origin);
    }
    return UNIT_NONE;
}

void unit_find_copies(unit *u)
{
    family f = {.u = u};

    add_threads(&f);
    for (uint32_t i = 0; f.count > 0 && i < u->call_count; i++) {
        const transcript_event *e = &u->events[u->calls[i].first].e;
        thread *of = e->origin.len ? find_thread(&f, e->session) : NULL;
        uint32_t original = of && !of->own ? original_of(&f, of, e) : UNIT_NONE;
        if (original != UNIT_NONE && original != i) {
            u->calls[i].copy_of = original;
        } else if (of) {
            of->own = true;
        }
    }
}

typedef struct asked_session {
    const unit *u;
    sw_str name;
} asked_session;

static bool same_session(const void *arg, size_t place)
{
    const asked_session *asked = arg;

    return sw_str_eq(asked->u->runs[place].session, asked->name);
}

static import_slot *find_session(const unit *u, import_index *latest, sw_str name)
{
    const asked_session asked = {u, name};

    return import_find(latest, &u->work->arena, sw_hash(11, name.ptr, name.len), same_session,
                       &asked);
}

/* The run that was at work in the origin when this one began. Runs stand in the order in which they began. */
void unit_link_threads(unit *u)
{
    import_index latest = {.count = 0};
    size_t begun = 0;

    for (size_t i = 0; i < u->run_count && !u->work->arena.failed; i++) {
        const unit_event *first = &u->events[u->runs[i].first];
        import_slot *slot = NULL;
        for (; begun < u->run_count && u->events[u->runs[begun].first].at_us <= first->at_us;
             begun++) {
            slot = find_session(u, &latest, u->runs[begun].session);
            if (slot) {
                import_put(&latest, slot, begun);
            }
        }
        slot = first->e.spawned ? find_session(u, &latest, first->e.origin) : NULL;
        if (slot && slot->place) {
            u->runs[i].parent = (uint32_t)(slot->place - 1);
        }
    }
}

/* The copy's name, which leads to the step of the original. */
static void make_copy(unit *u, uint32_t number)
{
    const unit_call *call = &u->calls[number];
    const unit_call *original = call->copy_of == UNIT_NONE ? NULL : &u->calls[call->copy_of];
    import_made *made = original && original->real
                            ? import_add(&u->work->arena, &u->work->made, sizeof *made)
                            : NULL;

    if (made) {
        *made = ((const import_made *)u->work->made.items)[original->made];
        unit_name_step(u, call, made);
    }
}

bool unit_make_copies(unit *u)
{
    for (uint32_t i = 0; i < u->call_count; i++) {
        make_copy(u, i);
    }
    return !u->work->arena.failed;
}
