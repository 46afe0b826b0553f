/* SPDX-License-Identifier: Apache-2.0 */
/* Follows the journal: prints each change of the organization, from the first, and ends when nothing has
 * happened for a while. Usage: follow STORE [MILLISECONDS]. Run it beside a program that records.
 */
#include <stdio.h>
#include <stdlib.h>

#include <stepwell/ledger.h>

/* Text of an entry lives until this returns. */
static bool print_entry(void *arg, const void *row)
{
    static const char *const words[SW_CHANGE_COUNT] = {
        [SW_CHANGE_CREATED] = "created",     [SW_CHANGE_SUCCEEDED] = "succeeded",
        [SW_CHANGE_FAILED] = "failed",       [SW_CHANGE_CANCELLED] = "cancelled",
        [SW_CHANGE_ABANDONED] = "abandoned",
    };
    const sw_journal *entry = row;
    const char *word = words[entry->what.value];
    (void)arg;
    printf("%lld %s %.*s\n", (long long)entry->seq.value, word ? word : "changed",
           (int)entry->record_id.len, entry->record_id.ptr);
    return true;
}

int main(int argc, char **argv)
{
    const sw_ledger_options options = {.store = argc > 1 ? argv[1] : "memory:"};
    const int64_t wait_ms = argc > 2 ? atoll(argv[2]) : 60000;
    const sw_actor actor = {.organization_id = SW_NULL_STR}; /* the default organization */
    sw_ledger *ledger = NULL;
    sw_error err;
    int64_t seen = -1;
    int64_t last = 0;
    sw_status status = sw_ledger_open(&options, &ledger, &err);
    /* Each call waits for the next entries; one that brings none has waited in vain. */
    while (status == SW_STATUS_OK && last != seen) {
        seen = last;
        status = sw_journal_read(ledger, &actor, seen, 0, wait_ms, print_entry, NULL, &last, &err);
        fflush(stdout);
    }
    sw_ledger_close(&ledger);
    if (status != SW_STATUS_OK) {
        fprintf(stderr, "follow: %s\n", err.message);
        return 1;
    }
    return 0;
}
