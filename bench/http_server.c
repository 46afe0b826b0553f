/* SPDX-License-Identifier: Apache-2.0 */
/* The server of this build, as a child process: started, found, weighed, ended. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "http.h"

/* The program stands one folder above this one. */
void bench_program_path(char *out, size_t size)
{
    char self[PATH_MAX];
    ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);
    if (n <= 0) {
        bench_die("cannot read /proc/self/exe");
    }
    self[n] = 0;
    for (int i = 0; i < 2; i++) {
        char *slash = strrchr(self, '/');
        if (slash) {
            *slash = 0;
        }
    }
    snprintf(out, size, "%.4000s/stepwell", self);
}

static void read_port(bench_server *server)
{
    char line[512];
    size_t n = 0;
    while (n + 1 < sizeof line && read(server->out, &line[n], 1) == 1 && line[n] != '\n') {
        n++;
    }
    line[n] = 0;
    const char *colon = strstr(line, "://");
    colon = colon ? strchr(colon + 3, ':') : NULL;
    server->port = colon ? atoi(colon + 1) : 0;
    if (server->port <= 0) {
        bench_die("the server said \"%s\" instead of where it listens", line);
    }
}

static _Noreturn void become_server(const char *path, int cache_mb, int out)
{
    char program[PATH_MAX];
    char store[PATH_MAX + 16];
    char cache[16];
    bench_program_path(program, sizeof program);
    snprintf(store, sizeof store, "sqlite:%s", path);
    snprintf(cache, sizeof cache, "%d", cache_mb);
    dup2(out, STDOUT_FILENO);
    prctl(PR_SET_PDEATHSIG, SIGTERM); /* it must not outlive this program, however that ends */
    execl(program, program, "serve", "--store", store, "--listen", "127.0.0.1:0", "--cache-mb",
          cache, "--log-level", "error", (char *)NULL);
    bench_die("cannot run %s: %s", program, strerror(errno));
}

void bench_server_start(bench_server *server, const char *path, int cache_mb)
{
    int ends[2];
    double start = bench_seconds();
    if (pipe2(ends, O_CLOEXEC) != 0) {
        bench_die("pipe: %s", strerror(errno));
    }
    server->pid = fork();
    if (server->pid < 0) {
        bench_die("fork: %s", strerror(errno));
    }
    if (server->pid == 0) {
        become_server(path, cache_mb, ends[1]);
    }
    close(ends[1]);
    server->out = ends[0];
    read_port(server);
    server->ready_s = bench_seconds() - start;
}

void bench_server_stop(bench_server *server)
{
    int how = 0;
    kill(server->pid, SIGTERM);
    if (waitpid(server->pid, &how, 0) != server->pid || !WIFEXITED(how) || WEXITSTATUS(how) != 0) {
        bench_die("the server did not end well");
    }
    close(server->out);
    *server = (bench_server){0};
}

double bench_server_rss_mb(const bench_server *server)
{
    char path[64];
    char line[128];
    long kilobytes = -1;
    snprintf(path, sizeof path, "/proc/%d/status", (int)server->pid);
    FILE *f = fopen(path, "r");
    while (f && fgets(line, sizeof line, f)) {
        if (sscanf(line, "VmRSS: %ld", &kilobytes) == 1) {
            break;
        }
    }
    if (f) {
        fclose(f);
    }
    if (kilobytes < 0) {
        bench_die("%s does not say", path);
    }
    return (double)kilobytes / 1024;
}

double bench_server_binary_mb(void)
{
    char program[PATH_MAX];
    int how = 0;
    const char *stripped = bench_path("stripped");
    bench_program_path(program, sizeof program);
    pid_t pid = fork();
    if (pid == 0) {
        execlp("strip", "strip", "-o", stripped, program, (char *)NULL);
        _exit(127);
    }
    if (pid < 0 || waitpid(pid, &how, 0) != pid || !WIFEXITED(how) || WEXITSTATUS(how) != 0) {
        bench_die("strip (binutils) did not run");
    }
    double mb = (double)bench_file_bytes(stripped) / (1 << 20);
    unlink(stripped);
    return mb;
}
