/* SPDX-License-Identifier: Apache-2.0 */
/* The threads that run what may block: handlers, pieces of bodies, streams. Knows nothing of what they do.
 * A plain queue, first in, first out; its length is bounded by the connections, each of which waits for
 * one thing at a time.
 */
#include "http/server.h"

void sw__work(sw_exchange *x, sw_job job)
{
    sw_server *server = x->request.server;
    x->job = job;
    x->next_job = NULL;
    pthread_mutex_lock(&server->lock);
    *server->jobs_tail = x;
    server->jobs_tail = &x->next_job;
    server->job_count++;
    pthread_cond_signal(&server->work);
    pthread_mutex_unlock(&server->lock);
}

/* The next exchange, or NULL when there is none and will be none. */
static sw_exchange *take_job(sw_server *server)
{
    pthread_mutex_lock(&server->lock);
    while (!server->jobs && !server->closing) {
        pthread_cond_wait(&server->work, &server->lock);
    }
    sw_exchange *x = server->jobs;
    if (x) {
        server->jobs = x->next_job;
        server->job_count--;
        if (!server->jobs) {
            server->jobs_tail = &server->jobs;
        }
    }
    pthread_mutex_unlock(&server->lock);
    return x;
}

static void *run_worker(void *data)
{
    sw_server *server = data;
    for (sw_exchange *x = take_job(server); x; x = take_job(server)) {
        sw__exchange_work(x);
    }
    return NULL;
}

sw_status sw__workers_start(sw_server *server, sw_error *err)
{
    int64_t count = server->settings.workers;
    if (count < 1 || count > SW_WORKERS_MOST) {
        return sw_fail(err, SW_STATUS_INVALID, "workers", "takes 1 to %d", SW_WORKERS_MOST);
    }
    server->jobs_tail = &server->jobs;
    for (int64_t i = 0; i < count; i++) {
        if (pthread_create(&server->workers[i], NULL, run_worker, server) != 0) {
            return sw_fail(err, SW_STATUS_NO_MEMORY, "", "no thread could be started");
        }
        server->worker_count++;
    }
    return SW_STATUS_OK;
}

void sw__workers_stop(sw_server *server)
{
    pthread_mutex_lock(&server->lock);
    server->closing = true;
    pthread_cond_broadcast(&server->work);
    pthread_mutex_unlock(&server->lock);
    for (size_t i = 0; i < server->worker_count; i++) {
        pthread_join(server->workers[i], NULL);
    }
    server->worker_count = 0;
}
