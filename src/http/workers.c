/* SPDX-License-Identifier: Apache-2.0 */
/* The threads that run what may block: handlers, pieces of bodies, streams. Knows nothing of what they do.
 * A plain queue, first in, first out; its length is bounded by the connections, each of which waits for
 * one thing at a time, and by the streams of those that have several.
 */
#include "http/server.h"

void sw__task(sw_server *server, sw_task *task)
{
    task->next = NULL;
    pthread_mutex_lock(&server->lock);
    *server->jobs_tail = task;
    server->jobs_tail = &task->next;
    server->job_count++;
    pthread_cond_signal(&server->work);
    pthread_mutex_unlock(&server->lock);
}

static void run_exchange(sw_task *task)
{
    sw__exchange_work((sw_exchange *)(void *)((char *)task - offsetof(sw_exchange, task)));
}

void sw__work(sw_exchange *x, sw_job job)
{
    x->job = job;
    x->task.run = run_exchange;
    sw__task(x->request.server, &x->task);
}

/* The next task, or NULL when there is none and will be none. */
static sw_task *take_job(sw_server *server)
{
    pthread_mutex_lock(&server->lock);
    while (!server->jobs && !server->closing) {
        pthread_cond_wait(&server->work, &server->lock);
    }
    sw_task *task = server->jobs;
    if (task) {
        server->jobs = task->next;
        server->job_count--;
        if (!server->jobs) {
            server->jobs_tail = &server->jobs;
        }
    }
    pthread_mutex_unlock(&server->lock);
    return task;
}

static void *run_worker(void *data)
{
    sw_server *server = data;
    for (sw_task *task = take_job(server); task; task = take_job(server)) {
        task->run(task);
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
