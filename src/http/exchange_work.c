/* SPDX-License-Identifier: Apache-2.0 */
/* What is done with an exchange while its connection is suspended: by a worker, or by whoever was told to
 * answer later. Knows no route by name. Each job ends by giving the exchange back to the network thread.
 */
#include "http/observe.h"

/* ---- the answer -------------------------------------------------------------------------------------- */

static void resume(sw_exchange *x, sw_phase phase)
{
    x->phase = phase;
    if (x->suspended) {
        sw__resume(x);
    }
}

static void complete(sw_exchange *x, sw_status status, const sw_error *err)
{
    if (status == SW_STATUS_OK && x->request.arena.failed) {
        status = SW_STATUS_NO_MEMORY; /* a header may be missing */
    }
    if (status != SW_STATUS_OK) {
        sw__answer_error(x, status, err);
    } else if (!x->fill && x->out.status != SW_STATUS_OK) {
        sw_error large = {0};
        status = x->out.status == SW_STATUS_TOO_LARGE
                     ? sw_fail(&large, SW_STATUS_TOO_LARGE, "",
                               "the answer would be larger than %d bytes; ask for fewer with limit",
                               SW_LIMIT_ANSWER_BYTES)
                     : sw_no_memory(&large);
        sw__answer_error(x, status, &large);
    }
    sw_assert(sw__answered(x));
    sw__squeeze_answer(x);
    x->phase = SW_PHASE_ANSWERED;
}

void sw__exchange_finish(sw_exchange *x)
{
    sw_status status = x->finish(&x->request, x->later_status, &x->later_error);
    x->unfinished = false;
    complete(x, status, &x->later_error);
}

/* Whether the answer takes no longer than the body took, which the network thread has read itself. */
static bool is_small(const sw_exchange *x)
{
    return !x->streams_in && !x->coding && x->body.len <= SW_LIMIT_INLINE_BYTES;
}

void sw__exchange_release(sw_exchange *x)
{
    if (atomic_fetch_sub(&x->holds, 1) != 1) {
        return;
    }
    x->unfinished = true;
    if (!is_small(x)) {
        sw__exchange_finish(x);
    }
    sw_assert(x->suspended);
    sw__resume(x);
}

void sw__exchange_ran(sw_exchange *x, sw_status status, const sw_error *err)
{
    if (x->finish) {
        sw_assert(status == SW_STATUS_OK);
        sw__exchange_release(x);
        return;
    }
    complete(x, status, err);
    if (x->suspended) {
        sw__resume(x);
    }
}

void sw_request_later(sw_request *request, sw_finish_function *finish)
{
    sw_exchange *x = sw_exchange_of(request);
    sw_assert(!x->finish && finish);
    x->finish = finish;
    atomic_fetch_add(&x->holds, 1);
}

void sw_request_done(sw_request *request, sw_status status, const sw_error *err)
{
    sw_exchange *x = sw_exchange_of(request);
    sw_assert(x->finish);
    x->later_status = status;
    if (status != SW_STATUS_OK && err) {
        x->later_error = *err;
    }
    sw__exchange_release(x);
}

/* ---- the jobs ---------------------------------------------------------------------------------------- */

/* Hands on what is there, of what is packed some at a time; `rest`: that was not all. */
static sw_status hand_on(sw_exchange *x, bool *rest, sw_error *err)
{
    sw_str piece = sw_buf_str(&x->body);
    sw_status status = sw_auth_again(&x->request, err);
    *rest = false;
    if (status == SW_STATUS_OK && x->coding) {
        sw_buf_clear(&x->inflated);
        status = sw__inflate_some(x, rest);
        piece = sw_buf_str(&x->inflated);
    }
    return status == SW_STATUS_OK && piece.len > 0
               ? x->request.route->part(&x->request, piece, false, err)
               : status;
}

static void end_part(sw_exchange *x, sw_status status, const sw_error *err)
{
    sw_buf_clear(&x->body);
    sw__inflate_next(x);
    x->window_us = sw__mono_us();
    x->window_bytes = 0;
    if (status == SW_STATUS_OK) {
        resume(x, SW_PHASE_BODY);
    } else {
        sw__inflate_free(x);
        sw__answer_error(x, status, err);
        resume(x, SW_PHASE_DRAIN);
    }
}

/* A piece of a body that streams. What is packed may be a thousand times as much; between its parts others
 * have their turn.
 */
static void work_part(sw_exchange *x)
{
    sw_error err = {0};
    bool rest = false;
    sw_status status = hand_on(x, &rest, &err);
    if (status == SW_STATUS_OK && rest) {
        sw__work(x, x->job);
    } else if (x->job == SW_JOB_PART) {
        end_part(x, status, &err);
    } else {
        status = status == SW_STATUS_OK ? sw__inflate_end(x) : status;
        if (status == SW_STATUS_OK) {
            status = x->request.route->part(&x->request, SW_STR(""), true, &err);
        }
        sw__exchange_ran(x, status, &err);
    }
}

static void work_whole(sw_exchange *x)
{
    sw_error err = {0};
    sw_status status = x->coding ? sw__inflate_body(x) : SW_STATUS_OK;
    if (status == SW_STATUS_OK) {
        status = x->request.route->handler(&x->request, &err);
    }
    sw__exchange_ran(x, status, &err);
}

static void work_auth(sw_exchange *x)
{
    x->later_status = sw_auth_check(&x->request, &x->later_error);
    resume(x, SW_PHASE_ASKED);
}

/* What waited for a worker until the time of a stopping server was over is not begun. */
static void too_late(sw_exchange *x)
{
    sw_error err = {0};
    sw_status status = sw_fail(&err, SW_STATUS_CLOSED, "", "the server is stopping");
    if (x->job == SW_JOB_PART) {
        sw__answer_error(x, status, &err);
        resume(x, SW_PHASE_DRAIN);
    } else {
        sw__exchange_ran(x, status, &err);
    }
}

void sw__exchange_work(sw_exchange *x)
{
    if (x->job != SW_JOB_FILL && x->job != SW_JOB_AUTH &&
        atomic_load(&x->request.server->aborting)) {
        too_late(x);
        return;
    }
    switch (x->job) {
    case SW_JOB_AUTH:
        work_auth(x);
        break;
    case SW_JOB_RUN:
        work_whole(x);
        break;
    case SW_JOB_PART:
    case SW_JOB_LAST_PART:
        work_part(x);
        break;
    case SW_JOB_FILL:
        sw__stream_fill(x);
        break;
    }
}
