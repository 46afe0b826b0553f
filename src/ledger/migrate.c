/* SPDX-License-Identifier: Apache-2.0 */
/* A ledger from one store into another: opens both, lets the store room copy and compare, and proves the copy as
 * verify proves any ledger. Knows nothing of rows.
 */
#include <stdio.h>

#include "ledger/internal.h"
#include "store/migrate.h"

enum { MIGRATE_CACHE_BYTES = 32 << 20 };

/* ---- the two stores ------------------------------------------------------------------------------------ */

/* "url" is the store's own word for what has a name of its own here. */
static sw_status about(const char *which, sw_status status, sw_error *err)
{
    if (status != SW_STATUS_OK && strcmp(err->field, "url") == 0) {
        snprintf(err->field, sizeof err->field, "%s", which);
    }
    return status;
}

static sw_store_options store_of(const sw_migrate_options *options, const char *url)
{
    return (sw_store_options){.url = sw_str_from(url),
                              .allocator = options->allocator,
                              .cache_bytes = MIGRATE_CACHE_BYTES,
                              .reader_cache_bytes = MIGRATE_CACHE_BYTES};
}

static sw_status open_from(const sw_migrate_options *options, sw_store **out, sw_error *err)
{
    sw_store_options from = store_of(options, options->from);
    from.must_exist = true;
    from.read_only = true;
    return about("from", sw_store_open(&from, out, err), err);
}

static sw_status open_to(const sw_migrate_options *options, sw_store **out, sw_error *err)
{
    const sw_store_options to = store_of(options, options->to);
    return about("to", sw_store_open(&to, out, err), err);
}

static sw_status not_in_memory(const char *which, const char *url, sw_error *err)
{
    return strncmp(url, "memory:", 7) == 0
               ? sw_fail(err, SW_STATUS_UNSUPPORTED, which,
                         "a ledger in memory ends with its process; name a file or a database")
               : SW_STATUS_OK;
}

/* ---- copying ------------------------------------------------------------------------------------------- */

static void pass_progress(void *arg, bool comparing, int64_t done, int64_t total)
{
    const sw_migrate_options *options = arg;
    if (options->progress) {
        options->progress(options->arg, comparing ? "records compared" : "records", done, total);
    }
}

static void pass_difference(void *arg, const char *where, const char *what)
{
    const sw_migrate_options *options = arg;
    const sw_difference difference = {"record", where, what};
    if (options->difference) {
        options->difference(options->arg, &difference);
    }
}

static sw_status copy(const sw_migrate_options *options, sw_store *from, sw_store *to,
                      sw_migrate_end *end, sw_error *err)
{
    const sw_migrate_listener listener = {pass_progress, pass_difference,
                                          (void *)(uintptr_t)options};
    sw_migrate_sum sum;
    sw_status status = sw_store_migrate(from, to, &listener, &sum, err);
    memcpy(end->from, sum.source, sizeof end->from);
    memcpy(end->to, sum.target, sizeof end->to);
    end->records = sum.all;
    end->steps = sum.rows[SW_RECORD_STEP];
    end->copied = sum.copied;
    end->compared = sum.compared;
    end->differences = sum.differences;
    end->missed = sum.missed;
    return status;
}

static sw_status copy_between(const sw_migrate_options *options, sw_migrate_end *end, sw_error *err)
{
    sw_store *from = NULL, *to = NULL;
    sw_status status = open_from(options, &from, err);
    if (status == SW_STATUS_OK) {
        status = open_to(options, &to, err);
    }
    if (status == SW_STATUS_OK) {
        status = copy(options, from, to, end, err);
    }
    sw_store_close(&from);
    sw_store_close(&to);
    return status;
}

/* ---- proving ------------------------------------------------------------------------------------------- */

static void pass_fault(void *arg, const sw_difference *difference)
{
    const sw_migrate_options *options = arg;
    if (options->difference) {
        options->difference(options->arg, difference);
    }
}

static void pass_proof(void *arg, int64_t done, int64_t total)
{
    const sw_migrate_options *options = arg;
    if (options->progress) {
        options->progress(options->arg, "steps verified", done, total);
    }
}

/* Verifies one of the two as it is, the half too. */
static sw_status verify(const sw_migrate_options *options, const char *url,
                        const sw_verify_options *how, sw_verify_end *end, sw_error *err)
{
    const sw_ledger_options ledger_options = {.store = url,
                                              .allocator = options->allocator,
                                              .read_only = true,
                                              .must_exist = true,
                                              .no_reaper = true};
    sw_ledger *ledger = NULL;
    sw_status status = sw__ledger_open_half(&ledger_options, &ledger, err);
    if (status == SW_STATUS_OK) {
        status = sw_verify(ledger, how, end, err);
    }
    sw_ledger_close(&ledger);
    return status;
}

/* What does not add up in the copy and in the source neither is no fault of the copy's. */
static sw_status prove(const sw_migrate_options *options, sw_migrate_end *end, sw_error *err)
{
    const sw_verify_options how = {
        .difference = pass_fault, .progress = pass_proof, .arg = (void *)(uintptr_t)options};
    sw_verify_end source;
    sw_error ignored;
    sw_status status = about("to", verify(options, options->to, &how, &end->verified, err), err);
    if (status == SW_STATUS_DIFFERS) {
        end->as_source =
            verify(options, options->from, NULL, &source, &ignored) == SW_STATUS_DIFFERS &&
            source.differences == end->verified.differences;
    }
    end->proved = status == SW_STATUS_OK || status == SW_STATUS_DIFFERS;
    return status;
}

static sw_status settle(const sw_migrate_options *options, sw_status proved, sw_error *err)
{
    sw_error ignored;
    sw_store *to = NULL;
    sw_error *tell = proved == SW_STATUS_OK ? err : &ignored;
    sw_status status = open_to(options, &to, tell);
    if (status == SW_STATUS_OK) {
        status = sw_store_migrated(to, tell);
    }
    sw_store_close(&to);
    return proved == SW_STATUS_OK ? status : proved;
}

sw_status sw_migrate(const sw_migrate_options *options, sw_migrate_end *end, sw_error *err)
{
    sw_error local;
    err = err ? err : &local;
    *end = (sw_migrate_end){.records = 0};
    sw_status status = not_in_memory("from", options->from, err);
    if (status == SW_STATUS_OK) {
        status = not_in_memory("to", options->to, err);
    }
    if (status == SW_STATUS_OK) {
        status = copy_between(options, end, err);
    }
    if (status == SW_STATUS_OK) {
        status = prove(options, end, err);
    }
    return status == SW_STATUS_OK || end->as_source ? settle(options, status, err) : status;
}
