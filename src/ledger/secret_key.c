/* SPDX-License-Identifier: Apache-2.0 */
/* Where the key comes from that secrets are sealed under (seal.c): from the caller, from the environment, or, for
 * a server that was told nothing, from a file beside the store, made when it is first needed. Beside it, never in
 * it: whoever copies the store alone has no secret. A store in memory gets a key that ends with it.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <sodium.h>

#include "ledger/internal.h"

enum { KEY_BYTES = 32, KEY_LINE = 2 * KEY_BYTES + 1 };

static sw_status read_hex_key(sw_ledger *ledger, sw_str text, const char *where, sw_error *err)
{
    while (text.len > 0 && (text.ptr[text.len - 1] == '\n' || text.ptr[text.len - 1] == '\r')) {
        text.len--;
    }
    if (!sw_hex_parse(text, ledger->secret_key, sizeof ledger->secret_key)) {
        return sw_fail(err, SW_STATUS_INVALID, where, "must hold 64 lower-case hexadecimal digits");
    }
    ledger->has_secret_key = true;
    return SW_STATUS_OK;
}

/* NOT_FOUND: it cannot be read. */
static sw_status read_key_file(sw_ledger *ledger, const char *path, const char *where,
                               sw_error *err)
{
    char line[80] = "";
    FILE *file = fopen(path, "re");
    sw_status status = SW_STATUS_OK;

    if (!file) {
        return sw_fail(err, SW_STATUS_NOT_FOUND, where, "cannot be read");
    }
    if (!fgets(line, sizeof line, file)) {
        line[0] = '\0';
    }
    (void)fclose(file);
    status = read_hex_key(ledger, sw_str_from(line), where, err);
    sodium_memzero(line, sizeof line);
    return status;
}

sw_status sw__secret_key_given(sw_ledger *ledger, const sw_ledger_options *options, sw_error *err)
{
    const char *text = getenv("STEPWELL_SECRET_KEY");
    const char *path = getenv("STEPWELL_SECRET_KEY_FILE");
    sw_status status = SW_STATUS_OK;

    if (options->secret_key) {
        memcpy(ledger->secret_key, options->secret_key, sizeof ledger->secret_key);
        ledger->has_secret_key = true;
        return SW_STATUS_OK;
    }
    if (text && *text) {
        return read_hex_key(ledger, sw_str_from(text), "STEPWELL_SECRET_KEY", err);
    }
    if (!path || !*path) {
        return SW_STATUS_OK;
    }
    status = read_key_file(ledger, path, "STEPWELL_SECRET_KEY_FILE", err);
    return status == SW_STATUS_NOT_FOUND
               ? sw_fail(err, SW_STATUS_INVALID, "STEPWELL_SECRET_KEY_FILE", "cannot be read")
               : status;
}

/* ---- beside the store ---------------------------------------------------------------------------- */

/* A new key at `aside`, durable before anybody can use it. */
static bool write_key(const sw_ledger *ledger, const char *aside)
{
    unsigned char key[KEY_BYTES];
    char line[KEY_LINE + 1];
    int file = open(aside, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    bool good = file >= 0;

    ledger->random.fill(ledger->random.data, key, sizeof key);
    (void)sodium_bin2hex(line, sizeof line, key, sizeof key);
    line[KEY_LINE - 1] = '\n';
    good = good && write(file, line, KEY_LINE) == KEY_LINE && fsync(file) == 0;
    if (file >= 0) {
        good = close(file) == 0 && good;
    }
    sodium_memzero(key, sizeof key);
    sodium_memzero(line, sizeof line);
    return good;
}

/* It is written aside and linked, so that of two processes one makes it and both read it whole. */
static void make_key_file(const sw_ledger *ledger, const char *path)
{
    char aside[700];

    (void)snprintf(aside, sizeof aside, "%s.%ld", path, (long)getpid());
    if (!write_key(ledger, aside) || (link(aside, path) != 0 && errno != EEXIST)) {
        sw_logf(&ledger->log, SW_LOG_WARN,
                "no key for secrets could be written to %s: providers and subscriptions with "
                "secrets will be refused",
                path);
    }
    (void)unlink(aside);
}

sw_status sw__secret_key_beside(sw_ledger *ledger, sw_error *err)
{
    sw_store_info store;
    char path[600];
    sw_status status = SW_STATUS_OK;

    if (ledger->has_secret_key) {
        return SW_STATUS_OK;
    }
    status = sw_store_info_get(ledger->store, &store, err);
    if (status != SW_STATUS_OK) {
        return status;
    }
    if (!store.path[0]) {
        ledger->random.fill(ledger->random.data, ledger->secret_key, sizeof ledger->secret_key);
        ledger->has_secret_key = true;
        return SW_STATUS_OK;
    }
    (void)snprintf(path, sizeof path, "%s.key", store.path);
    if (access(path, F_OK) != 0 && !ledger->read_only) {
        make_key_file(ledger, path);
    }
    if (access(path, F_OK) != 0) {
        return SW_STATUS_OK; /* without a key, and the log says so */
    }
    status = read_key_file(ledger, path, "secret_key", err);
    return status == SW_STATUS_NOT_FOUND
               ? sw_fail(err, SW_STATUS_INVALID, "secret_key", "%s cannot be read", path)
               : status;
}
