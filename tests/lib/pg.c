/* SPDX-License-Identifier: Apache-2.0 */
/* A PostgreSQL of the test's own; see pg.h. */
#include "tests/lib/pg.h"

#include <dirent.h>
#include <errno.h>
#include <glob.h>
#include <grp.h>
#include <pwd.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "store/store.h"

#ifdef SW_WITH_POSTGRES
#include <libpq-fe.h>

static struct {
    char bin[256];
    char dir[200];
    pid_t server;
    pid_t owner; /* the process that started it: a child of ours ends nothing */
    unsigned urls;
    bool blank;   /* there is a database to copy */
    bool durable; /* commits reach the disk */
} pg;

static _Noreturn void die(const char *what)
{
    fprintf(stderr, "postgres: %s: %s\n", what, strerror(errno));
    exit(1);
}

/* The newest server that Debian has put beside the others, or one that is named. */
static bool find_programs(void)
{
    glob_t found;
    const char *named = getenv("STEPWELL_PG_BIN");
    char path[300];
    bool there = false;
    if (named) {
        snprintf(pg.bin, sizeof pg.bin, "%s", named);
    } else if (glob("/usr/lib/postgresql/*/bin", 0, NULL, &found) == 0) {
        snprintf(pg.bin, sizeof pg.bin, "%s", found.gl_pathv[found.gl_pathc - 1]);
        globfree(&found);
    }
    snprintf(path, sizeof path, "%s/initdb", pg.bin);
    there = pg.bin[0] && access(path, X_OK) == 0;
    return there;
}

enum { ARGUMENTS_MOST = 24 };

const char *pg_missing(void)
{
    if (!find_programs()) {
        return "the programs of PostgreSQL are not installed (Debian: postgresql)";
    }
    return geteuid() == 0 && !getpwnam("nobody") ? "there is no user nobody to run PostgreSQL as"
                                                 : NULL;
}

/* ---- as an ordinary user ------------------------------------------------------------------------ */

/* PostgreSQL refuses to run as root. */
static void become_ordinary(void)
{
    const struct passwd *nobody = geteuid() == 0 ? getpwnam("nobody") : NULL;
    if (nobody &&
        (setgroups(0, NULL) != 0 || setgid(nobody->pw_gid) != 0 || setuid(nobody->pw_uid) != 0)) {
        _exit(126);
    }
    if (chdir(pg.dir) != 0) {
        _exit(126);
    }
    (void)prctl(PR_SET_PDEATHSIG, SIGQUIT);
}

/* The first argument is the name of the program, as whose path it is told: the programs find one another by it. */
static pid_t run(const char *const *arguments)
{
    char path[300], log[240];
    const char *words[ARGUMENTS_MOST] = {path};
    pid_t child = fork();
    if (child < 0) {
        die("fork");
    }
    if (child > 0) {
        return child;
    }
    snprintf(path, sizeof path, "%s/%s", pg.bin, arguments[0]);
    for (int i = 1; arguments[i] && i < ARGUMENTS_MOST - 1; i++) {
        words[i] = arguments[i];
    }
    snprintf(log, sizeof log, "%s/log", pg.dir);
    become_ordinary();
    if (!freopen(log, "a", stdout) || !freopen(log, "a", stderr) ||
        !freopen("/dev/null", "r", stdin)) {
        _exit(126);
    }
    setenv("LC_ALL", "C", 1);
    execv(path, (char *const *)(uintptr_t)words);
    _exit(127);
}

static void show_log(void)
{
    char path[240], line[400];
    snprintf(path, sizeof path, "%s/log", pg.dir);
    FILE *log = fopen(path, "r");
    while (log && fgets(line, sizeof line, log)) {
        fputs(line, stderr);
    }
    if (log) {
        (void)fclose(log);
    }
}

static void make_cluster(void)
{
    char data[240];
    int status = 0;
    snprintf(data, sizeof data, "%s/data", pg.dir);
    /* A collation that is none of bytes shows whether anybody relies on the database's. */
    const char *const arguments[] = {"initdb",
                                     "-D",
                                     data,
                                     "-U",
                                     "stepwell",
                                     "--auth=trust",
                                     "--encoding=UTF8",
                                     "--no-sync",
                                     "--locale=C.UTF-8",
                                     "--locale-provider=icu",
                                     "--icu-locale=en",
                                     NULL};
    if (waitpid(run(arguments), &status, 0) < 0 || status != 0) {
        show_log();
        die("initdb");
    }
}

/* ---- starting and stopping ---------------------------------------------------------------------- */

static PGconn *connect_to(const char *url)
{
    char text[400];
    if (!url) {
        snprintf(text, sizeof text, "host=%s user=stepwell dbname=postgres", pg.dir);
    }
    return PQconnectdb(url ? url : text);
}

static bool answers(void)
{
    PGconn *conn = connect_to(NULL);
    bool there = PQstatus(conn) == CONNECTION_OK;
    PQfinish(conn);
    return there;
}

/* Asks until it answers. False: it ended by itself. */
static bool wait_for_server(void)
{
    struct timespec pause = {.tv_nsec = 10000000};
    for (int tries = 0; tries < 6000; tries++) {
        if (answers()) {
            return true;
        }
        if (waitpid(pg.server, NULL, WNOHANG) == pg.server) {
            return false;
        }
        (void)nanosleep(&pause, NULL);
    }
    return false;
}

static void launch(void)
{
    char data[240];
    snprintf(data, sizeof data, "%s/data", pg.dir);
    /* What a killed process has written is with the system, so nothing here need reach the disk. */
    const char *fsync = pg.durable ? "--fsync=on" : "--fsync=off";
    const char *memory = pg.durable ? "--shared_buffers=512MB" : "--shared_buffers=128MB";
    const char *const arguments[] = {"postgres",
                                     "-D",
                                     data,
                                     "-k",
                                     pg.dir,
                                     fsync,
                                     memory,
                                     "--listen_addresses=",
                                     "--max_connections=200",
                                     "--max_locks_per_transaction=1024",
                                     NULL};
    /* After a kill the processes of the former server may take a moment to notice; until then none starts. */
    for (int tries = 0; tries < 100; tries++) {
        pg.server = run(arguments);
        if (wait_for_server()) {
            return;
        }
    }
    show_log();
    die("the server does not start");
}

void pg_start(void)
{
    const char *tmp = getenv("TMPDIR");
    if (pg.server) {
        return;
    }
    if (!find_programs()) {
        die("not installed");
    }
    snprintf(pg.dir, sizeof pg.dir, "%.100s/stepwell-pg-XXXXXX", tmp ? tmp : "/tmp");
    const struct passwd *nobody = geteuid() == 0 ? getpwnam("nobody") : NULL;
    if (!mkdtemp(pg.dir) || (nobody && chown(pg.dir, nobody->pw_uid, nobody->pw_gid) != 0)) {
        die(pg.dir);
    }
    pg.owner = getpid();
    atexit(pg_stop);
    make_cluster();
    launch();
}

void pg_start_durable(void)
{
    pg.durable = true;
    pg_start();
}

/* Whose child a process is; 0: it is gone. */
static pid_t parent_of(pid_t process)
{
    char path[64], text[400];
    int parent = 0;
    snprintf(path, sizeof path, "/proc/%d/stat", (int)process);
    FILE *file = fopen(path, "r");
    size_t len = file ? fread(text, 1, sizeof text - 1, file) : 0;
    if (file) {
        (void)fclose(file);
    }
    text[len] = '\0';
    const char *name_end = strrchr(text, ')');
    if (!name_end || sscanf(name_end, ") %*c %d", &parent) != 1) {
        return 0;
    }
    return parent;
}

/* Each of the server's processes by its id: one that survived it could still answer. */
static void kill_children(void)
{
    DIR *all = opendir("/proc");
    for (struct dirent *at = all ? readdir(all) : NULL; at; at = readdir(all)) {
        pid_t process = (pid_t)strtol(at->d_name, NULL, 10);
        if (process > 0 && parent_of(process) == pg.server) {
            kill(process, SIGKILL);
        }
    }
    if (all) {
        closedir(all);
    }
}

void pg_kill(void)
{
    kill(pg.server, SIGSTOP); /* so that it starts no other meanwhile */
    waitpid(pg.server, NULL, WUNTRACED);
    kill_children();
    kill(pg.server, SIGKILL);
    waitpid(pg.server, NULL, 0);
    pg.server = 0;
}

void pg_return(void)
{
    launch();
}

void pg_stop(void)
{
    char command[300];
    if (!pg.dir[0] || pg.owner != getpid()) {
        return;
    }
    if (pg.server) {
        kill(pg.server, SIGQUIT);
        waitpid(pg.server, NULL, 0);
        pg.server = 0;
    }
    snprintf(command, sizeof command, "rm -rf '%s'", pg.dir);
    if (system(command) != 0) { /* NOLINT(cert-env33-c): a folder that this file has named */
        fprintf(stderr, "postgres: %s is left behind\n", pg.dir);
    }
    pg.dir[0] = '\0';
}

/* ---- databases ---------------------------------------------------------------------------------- */

void pg_sql(const char *url, const char *sql, char *out, size_t size)
{
    PGconn *conn = connect_to(url);
    PGresult *result = PQstatus(conn) == CONNECTION_OK ? PQexec(conn, sql) : NULL;
    ExecStatusType is = PQresultStatus(result);
    if (is != PGRES_TUPLES_OK && is != PGRES_COMMAND_OK) {
        fprintf(stderr, "postgres: %s: %s\n", sql, PQerrorMessage(conn));
        exit(1);
    }
    if (out) {
        snprintf(out, size, "%s", PQntuples(result) ? PQgetvalue(result, 0, 0) : "");
    }
    PQclear(result);
    PQfinish(conn);
}

void pg_hold(const char *url, const char *sql, int ready, int go)
{
    char byte = 0;
    PGconn *conn = connect_to(url);
    PQclear(PQexec(conn, "BEGIN"));
    PGresult *result = PQexec(conn, sql);
    bool good = PQresultStatus(result) == PGRES_TUPLES_OK && write(ready, &byte, 1) == 1;
    while (good && read(go, &byte, 1) > 0) {
    }
    PQclear(result);
    PQfinish(conn);
}

static void print_host(char *out, size_t size)
{
    size_t n = 0;
    out[0] = '\0';
    for (const char *c = pg.dir; *c && n + 4 < size; c++) {
        n += (size_t)snprintf(out + n, size - n, *c == '/' ? "%%2F" : "%c", *c);
    }
}

void pg_new_url(char *out, size_t size)
{
    char sql[80], host[600];
    pg_start();
    snprintf(sql, sizeof sql, "CREATE SCHEMA t%u_%u", (unsigned)getpid(), ++pg.urls);
    pg_sql(NULL, sql, NULL, 0);
    print_host(host, sizeof host);
    snprintf(out, size, "postgres://stepwell@%s/postgres?options=-csearch_path%%3Dt%u_%u", host,
             (unsigned)getpid(), pg.urls);
}

static void make_first(const char *host)
{
    char url[700];
    sw_error err = {0};
    sw_store *store = NULL;
    pg_sql(NULL, "CREATE DATABASE blank", NULL, 0);
    snprintf(url, sizeof url, "postgres://stepwell@%s/blank", host);
    const sw_store_options options = {.url = sw_str_from(url)};
    if (sw_store_open(&options, &store, &err) != SW_STATUS_OK) {
        fprintf(stderr, "postgres: %s\n", err.message);
        exit(1);
    }
    sw_store_close(&store);
    pg.blank = true;
}

void pg_blank_url(char *out, size_t size)
{
    char sql[80], host[600];
    pg_start();
    print_host(host, sizeof host);
    if (!pg.blank) {
        make_first(host);
    }
    snprintf(sql, sizeof sql, "CREATE DATABASE d%u TEMPLATE blank", ++pg.urls);
    pg_sql(NULL, sql, NULL, 0);
    snprintf(out, size, "postgres://stepwell@%s/d%u", host, pg.urls);
}

void pg_drop_url(const char *url)
{
    char sql[80];
    const char *name = strrchr(url, '/');
    if (name && name[1] == 'd') {
        snprintf(sql, sizeof sql, "DROP DATABASE %.40s WITH (FORCE)", name + 1);
        pg_sql(NULL, sql, NULL, 0);
    }
}

#else

const char *pg_missing(void)
{
    return "this build has no PostgreSQL (libpq)";
}

void pg_start(void)
{
    fprintf(stderr, "postgres: %s\n", pg_missing());
    exit(1);
}

void pg_start_durable(void)
{
    pg_start();
}

void pg_new_url(char *out, size_t size)
{
    (void)size;
    out[0] = '\0';
    pg_start();
}

void pg_blank_url(char *out, size_t size)
{
    pg_new_url(out, size);
}

void pg_drop_url(const char *url)
{
    (void)url;
}

void pg_sql(const char *url, const char *sql, char *out, size_t size)
{
    (void)url;
    (void)sql;
    (void)out;
    (void)size;
    pg_start();
}

void pg_hold(const char *url, const char *sql, int ready, int go)
{
    (void)url;
    (void)sql;
    (void)ready;
    (void)go;
    pg_start();
}

void pg_kill(void)
{
}

void pg_return(void)
{
}

void pg_stop(void)
{
}

#endif
