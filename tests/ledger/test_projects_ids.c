/* SPDX-License-Identifier: Apache-2.0 */
/* A caller who is limited to a project knows no ids of others: whatever he asks with an id of another project is
 * answered as for an id that nobody has. Every question is also asked with an id of his own, and must then be
 * answered.
 */
#include <string.h>

#include "model/model.h"
#include "tests/ledger/probes.h"

/* clang-format off: rows of data line up as their reader needs */
static const sw_record_id writable[] = {
    SW_RECORD_AGENT,        SW_RECORD_CONVERSATION, SW_RECORD_SAVED_VIEW,
    SW_RECORD_SUBSCRIPTION, SW_RECORD_PROJECT,
};
/* clang-format on */

/* Theirs answers as nobody's; one's own is answered. */
static void compare(lt *t, const ids *theirs, unsigned *next, const verb *v, sw_record_id record)
{
    ids own = ids_of(t, 0x100 | ++*next << 12), nobody = ids_of(t, 0x300 | ++*next << 12);
    probe p = {.t = t, .own = &own, .record = record};
    char got[900], want[900], mine[900];
    populate(t, &own);
    p.actor = limited(t, &own);
    if (ask(&p, v, theirs, got, sizeof got) == SW_STATUS_OK) {
        SAY("%s of %s reaches into another project", v->name, sw_record_of(record)->name);
    }
    (void)ask(&p, v, &nobody, want, sizeof want);
    if (strcmp(got, want) != 0) {
        SAY("%s of another project's %s: %s; of an unknown one: %s", v->name,
            sw_record_of(record)->name, got, want);
    }
    if (ask(&p, v, &own, mine, sizeof mine) != SW_STATUS_OK) {
        SAY("%s of one's own %s: %s", v->name, sw_record_of(record)->name, mine);
    }
}

static void another_projects_ids_are_unknown(lt *t)
{
    ids theirs = ids_of(t, 0x200);
    unsigned next = 1;
    populate(t, &theirs);
    for (size_t i = 0; i < VERBS; i++) {
        compare(t, &theirs, &next, &verbs[i], SW_RECORD_STEP);
    }
    SAME(lt_get(t, &t->a, theirs.step).status.value, SW_STEP_STATUS_PENDING);
    SAME(lt_get_run(t, &t->a, theirs.run).status.value, SW_RUN_STATUS_CREATED);
    CLEAN();
}

static void nor_are_their_records(lt *t)
{
    ids theirs = ids_of(t, 0x200);
    unsigned next = 1;
    populate(t, &theirs);
    for (size_t g = 0; g < GENERIC; g++) {
        const sw_record_id *records = generic[g].writes ? writable : readable;
        size_t count = generic[g].writes ? sizeof writable / sizeof writable[0] : READABLE;
        for (size_t i = 0; i < count; i++) {
            bool listed =
                records[i] != SW_RECORD_STEP_METRICS && records[i] != SW_RECORD_RUN_METRICS;
            if (listed || strcmp(generic[g].name, "get") == 0) {
                compare(t, &theirs, &next, &generic[g], records[i]);
            }
        }
    }
    for (size_t i = 0; i < READABLE; i++) {
        CHECK(lt_there(t, &t->a, readable[i], id_of(&theirs, readable[i])));
    }
    CLEAN();
}

static const lt_case cases[] = {
    {"another project's ids are unknown", another_projects_ids_are_unknown, 0},
    {"nor are their records", nor_are_their_records, 0},
};

LT_MAIN("projects-ids", cases)
