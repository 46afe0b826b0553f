/* SPDX-License-Identifier: Apache-2.0 */
/* No room, and no permission to write: the error says so, nothing acknowledged is lost, reading goes on,
 * and writing resumes when there is room again.
 */
#include "tests/lib/lt.h"

#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

enum { TRIES = 20000 };

/* Writes until it is refused; answers how many were acknowledged. */
static unsigned write_until_refused(lt *t, unsigned first, sw_status *refusal)
{
    char *large = pool_alloc(t->pool, 8192);
    memset(large, 'x', 8191);
    for (unsigned n = first; n < first + TRIES; n++) {
        sw_message m = lt_message(t, n, NULL);
        sw_step_entry e = {.step = lt_step(t, n), .messages = &m, .message_count = 1};
        sw_outcome o;
        memcpy(large, e.step.id.ptr, e.step.id.len); /* no two are alike */
        m.text = sw_str_make(large, 8191);
        *refusal = sw_step_log(t->ledger, &t->a, &e, 1, false, &o, &t->err);
        if (*refusal != SW_STATUS_OK) {
            return n - first;
        }
    }
    return TRIES;
}

static void check_all_there(lt *t, unsigned first, unsigned count)
{
    for (unsigned n = first; n < first + count; n++) {
        if (!lt_there(t, &t->a, SW_RECORD_STEP, lt_id(t, "step", n))) {
            SAY("acknowledged step %u of %u is lost", n, count);
        }
    }
    CHECK(!lt_there(t, &t->a, SW_RECORD_STEP, lt_id(t, "step", first + count)));
    SAME(lt_total(t, &t->a).num_steps, count);
}

/* What must hold when there is no room, then when there is again, then after opening anew. */
static void survive(lt *t, void (*give_room)(lt *t), bool must_say_full)
{
    sw_status refusal = SW_STATUS_OK;
    unsigned count = write_until_refused(t, 0, &refusal), more = 0;
    sw_step s;
    sw_outcome o;
    CHECK(count < TRIES);
    if (refusal != SW_STATUS_FULL && (must_say_full || refusal != SW_STATUS_IO)) {
        SAY("refused with %s: %s", status_name(refusal), t->err.message);
    }
    CHECK(t->err.message[0]);
    if (must_say_full) {
        CHECK(strstr(t->err.message, "full") != NULL);
    }
    check_all_there(t, 0, count);
    give_room(t);
    for (; more < 20; more++) {
        s = lt_step(t, count + more);
        OK(sw_step_log(t->ledger, &t->a, &(sw_step_entry){.step = s}, 1, false, &o, &t->err));
        VERDICT(o, CREATED);
    }
    check_all_there(t, 0, count + more);
    CLEAN();
    lt_reopen(t);
    check_all_there(t, 0, count + more);
    CLEAN();
}

/* ---- a file that may not grow ------------------------------------------------------------------- */

static void limit_files(rlim_t size)
{
    struct rlimit limit;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
    limit.rlim_cur = size < limit.rlim_max ? size : limit.rlim_max;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

static void lift_limit(lt *t)
{
    (void)t;
    limit_files(RLIM_INFINITY);
}

static void a_file_that_may_not_grow(lt *t)
{
    signal(SIGXFSZ, SIG_IGN);
    limit_files(1500000);
    survive(t, lift_limit, false);
}

static void a_file_that_may_not_grow_from_the_start(lt *t)
{
    signal(SIGXFSZ, SIG_IGN);
    limit_files(20000);
    if (lt_try_open(t) == SW_STATUS_OK) {
        sw_status refusal = SW_STATUS_OK;
        write_until_refused(t, 0, &refusal);
        lt_close(t);
    } else {
        assert_null(t->ledger);
    }
    lift_limit(t);
    lt_open(t);
    CLEAN();
}

/* ---- a file system that is full ----------------------------------------------------------------- */

static bool mount_small(const char *dir)
{
    if (unshare(CLONE_NEWNS) != 0 && unshare(CLONE_NEWUSER | CLONE_NEWNS) != 0) {
        return false;
    }
    return mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 &&
           mount("none", dir, "tmpfs", 0, "size=6m") == 0;
}

static void fill_with(const lt *t, const char *name, size_t size)
{
    char path[700], block[4096];
    FILE *file = NULL;
    memset(block, 'f', sizeof block);
    snprintf(path, sizeof path, "%s/%s", t->dir, name);
    file = fopen(path, "wb");
    assert_non_null(file);
    for (size_t done = 0; done < size; done += sizeof block) {
        if (fwrite(block, 1, sizeof block, file) != sizeof block) {
            break;
        }
    }
    fclose(file);
}

static void remove_filler(lt *t)
{
    char path[700];
    snprintf(path, sizeof path, "%s/filler", t->dir);
    assert_int_equal(unlink(path), 0);
}

static void a_disk_that_is_full(lt *t)
{
    if (!mount_small(t->dir)) {
        print_message("# skipped: a small file system cannot be mounted here\n");
        skip();
    }
    fill_with(t, "filler", 3 << 20);
    lt_open(t);
    lt_organizations(t);
    survive(t, remove_filler, true);
    lt_close(t);
    umount2(t->dir, MNT_DETACH);
}

/* ---- reading only ------------------------------------------------------------------------------- */

static void expect_read_only(lt *t)
{
    sw_step_entry e = {.step = lt_step(t, 500)};
    sw_feedback_change f = {.set_feedback = true};
    sw_run run = {.agent_id = lt_id(t, "agent", 1)};
    sw_outcome o, logged;
    IS(SW_STATUS_READ_ONLY, sw_step_log(t->ledger, &t->a, &e, 1, false, &logged, &t->err));
    IS(SW_STATUS_READ_ONLY,
       sw_step_feedback(t->ledger, &t->a, lt_id(t, "step", 1), &f, &o, &t->err));
    IS(SW_STATUS_READ_ONLY, sw_run_create(t->ledger, &t->a, &run, &o, &t->err));
    IS(SW_STATUS_READ_ONLY, sw_step_delete(t->ledger, &t->a, lt_id(t, "step", 1), &o, &t->err));
    CHECK(lt_there(t, &t->a, SW_RECORD_STEP, lt_id(t, "step", 1)));
    SAME(lt_total(t, &t->a).num_steps, 1);
    CLEAN();
    VERDICT(logged, REJECTED);
}

static void opened_to_read(lt *t)
{
    sw_step s = lt_step(t, 1);
    lt_log(t, &t->a, &s);
    lt_close(t);
    t->options.read_only = true;
    lt_open(t);
    expect_read_only(t);
    lt_close(t);
    t->options.read_only = false;
    lt_open(t);
    SAME(lt_total(t, &t->a).num_steps, 1);
}

static void opened_to_read_while_another_writes(lt *t)
{
    sw_step s = lt_step(t, 1);
    sw_ledger *writer = t->ledger;
    lt_log(t, &t->a, &s);
    t->options.read_only = true;
    lt_open(t);
    expect_read_only(t);
    lt_close(t);
    t->ledger = writer;
    s = lt_step(t, 2);
    lt_log(t, &t->a, &s);
}

static void opened_to_read_must_be_there(lt *t)
{
    t->options.read_only = true;
    CHECK(lt_try_open(t) != SW_STATUS_OK);
    assert_null(t->ledger);
    t->options.read_only = false;
    t->options.must_exist = true;
    CHECK(lt_try_open(t) != SW_STATUS_OK);
    assert_null(t->ledger);
    CHECK(t->err.message[0]);
    CHECK(access(t->url + strlen("sqlite:"), F_OK) != 0);
}

/* Neither the file nor its folder may be written by who runs the test, unless that is root: then by
 * nobody, whom root becomes for a while. */
static void a_file_that_may_not_be_written(lt *t)
{
    sw_step s = lt_step(t, 1);
    sw_status status = SW_STATUS_OK;
    bool root = geteuid() == 0;
    lt_log(t, &t->a, &s);
    lt_close(t);
    assert_int_equal(chmod(t->url + strlen("sqlite:"), 0444), 0);
    assert_int_equal(chmod(t->dir, 0555), 0);
    assert_true(!root || seteuid(65534) == 0);
    status = lt_try_open(t);
    if (status == SW_STATUS_OK) {
        sw_step_entry e = {.step = lt_step(t, 2)};
        sw_outcome o;
        status = sw_step_log(t->ledger, &t->a, &e, 1, false, &o, &t->err);
        lt_close(t);
    }
    assert_true(!root || seteuid(0) == 0);
    chmod(t->dir, 0755);
    chmod(t->url + strlen("sqlite:"), 0644);
    if (status != SW_STATUS_READ_ONLY) {
        SAY("a file that may not be written: %s: %s", status_name(status), t->err.message);
    }
    lt_open(t);
    SAME(lt_total(t, &t->a).num_steps, 1);
}

static void a_file_that_is_no_ledger(lt *t)
{
    sw_status status = SW_STATUS_OK;
    fill_with(t, "ledger.db", 20000);
    status = lt_try_open(t);
    CHECK(status == SW_STATUS_CORRUPT || status == SW_STATUS_UNSUPPORTED ||
          status == SW_STATUS_INVALID);
    assert_null(t->ledger);
}

static void a_folder_that_is_not_there(lt *t)
{
    snprintf(t->url, sizeof t->url, "sqlite:%s/no/such/folder/ledger.db", t->dir);
    CHECK(lt_try_open(t) != SW_STATUS_OK);
    assert_null(t->ledger);
    CHECK(t->err.message[0]);
}

static const lt_case cases[] = {
    {"a file that may not grow", a_file_that_may_not_grow, LT_DISK},
    {"a file that may not grow from the start", a_file_that_may_not_grow_from_the_start,
     LT_DISK | LT_CLOSED},
    {"opened to read", opened_to_read, LT_DISK},
    {"opened to read while another writes", opened_to_read_while_another_writes, LT_DISK},
    {"opened to read must be there", opened_to_read_must_be_there, LT_DISK | LT_CLOSED},
    {"a file that may not be written", a_file_that_may_not_be_written, LT_DISK},
    {"a file that is no ledger", a_file_that_is_no_ledger, LT_DISK | LT_CLOSED},
    {"a folder that is not there", a_folder_that_is_not_there, LT_DISK | LT_CLOSED},
    {"a disk that is full", a_disk_that_is_full, LT_DISK | LT_CLOSED},
};

LT_MAIN("disk", cases)
