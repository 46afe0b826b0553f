/* SPDX-License-Identifier: Apache-2.0 */
/* Answers without known end. The network thread takes what is there; when there is nothing left, the
 * connection is suspended and a worker fills again; when there is nothing to fill with, it waits until
 * somebody wakes it. Knows nothing of what is streamed.
 */
#include "http/observe.h"
#include "http/server.h"

void sw_answer_stream(sw_request *request, int status, const char *content_type,
                      sw_fill_function *fill)
{
    sw_exchange *x = sw_exchange_of(request);
    x->status = status;
    x->content_type = content_type;
    x->fill = fill;
    x->bytes = SW_STR("");
    x->taken = 0;
}

static void set_flow(sw_exchange *x, sw_flow flow)
{
    pthread_mutex_lock(&x->lock);
    x->flow = flow;
    pthread_mutex_unlock(&x->lock);
}

ssize_t sw__stream_read(void *exchange, uint64_t position, char *to, size_t room)
{
    sw_exchange *x = exchange;
    (void)position;
    size_t left = x->bytes.len - x->taken;
    if (left > 0) {
        size_t size = left < room ? left : room;
        memcpy(to, x->bytes.ptr + x->taken, size);
        x->taken += size;
        x->sent += (int64_t)size;
        return (ssize_t)size;
    }
    if (atomic_load(&x->request.server->halt)) {
        return MHD_CONTENT_READER_END_WITH_ERROR;
    }
    if (x->ended) {
        return x->broken ? MHD_CONTENT_READER_END_WITH_ERROR : MHD_CONTENT_READER_END_OF_STREAM;
    }
    set_flow(x, SW_FLOW_FILLING);
    sw__suspend(x);
    sw__work(x, SW_JOB_FILL);
    return 0;
}

/* Nothing to send now: waits, unless somebody woke it meanwhile or the server stops. */
static bool goes_to_sleep(sw_exchange *x)
{
    bool sleeps = false;
    pthread_mutex_lock(&x->lock);
    if (!x->woken && !atomic_load(&x->request.server->stopping)) {
        x->flow = SW_FLOW_WAITING;
        sleeps = true;
    }
    pthread_mutex_unlock(&x->lock);
    return sleeps;
}

/* Whoever may not ask any more is shown nothing more, nor is anybody once the server's time is over. */
static bool may_go_on(sw_exchange *x)
{
    sw_error err;
    return !atomic_load(&x->request.server->aborting) &&
           sw_auth_again(&x->request, &err) == SW_STATUS_OK;
}

static sw_fill fill_once(sw_exchange *x)
{
    pthread_mutex_lock(&x->lock);
    x->woken = false;
    pthread_mutex_unlock(&x->lock);
    sw_buf_clear(&x->out);
    sw_fill more = SW_FILL_END;
    if (may_go_on(x)) {
        more = x->fill(&x->request, &x->out);
    } else {
        x->broken = true;
    }
    x->broken = x->broken || x->out.status != SW_STATUS_OK;
    sw__squeeze_piece(x, more);
    return x->broken ? SW_FILL_END : more;
}

/* A stopping server ends what only waits, once it was asked what it says at its end; what is under way is given the time
 * that is left.
 */
void sw__stream_fill(sw_exchange *x)
{
    sw_server *server = x->request.server;
    for (;;) {
        bool stops = atomic_load(&server->stopping);
        sw_fill more = fill_once(x);
        bool idle = x->bytes.len == 0 && more == SW_FILL_WAIT;
        if (idle && goes_to_sleep(x)) {
            return;
        }
        x->ended = more == SW_FILL_END || (idle && stops);
        if (x->ended || x->bytes.len > 0) {
            break;
        }
    }
    x->taken = 0;
    set_flow(x, SW_FLOW_SENDING);
    sw__resume(x);
}

static void wake(sw_exchange *x)
{
    pthread_mutex_lock(&x->lock);
    bool sleeps = x->flow == SW_FLOW_WAITING;
    x->woken = true;
    if (sleeps) {
        x->flow = SW_FLOW_FILLING;
    }
    pthread_mutex_unlock(&x->lock);
    if (sleeps) {
        sw__work(x, SW_JOB_FILL);
    }
}

/* An exchange that is no stream, or none yet, is not WAITING, and does not look at what is left here. */
void sw__stream_stop(sw_exchange *x)
{
    wake(x);
}

void sw_request_wake(sw_request *request)
{
    wake(sw_exchange_of(request));
}
