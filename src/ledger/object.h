/* SPDX-License-Identifier: Apache-2.0 */
/* A record with its relations, between object.c (loading) and object_save.c (saving). */
#ifndef SW_LEDGER_OBJECT_H
#define SW_LEDGER_OBJECT_H

#include "ledger/reading.h"

enum { SW_RELATIONS_MAX = 8 };

typedef struct sw_related {
    bool loaded;
    bool set; /* replaced in memory, not saved yet */
    const void **rows;
    size_t count;
    const void **old; /* what was there when it was set */
    size_t old_count;
} sw_related;

struct sw_object {
    sw_ledger *ledger;
    sw_actor actor;
    sw_arena arena;
    const sw_record *record;
    sw_record_id id_of;
    void *row;
    sw_related related[SW_RELATIONS_MAX];
};

sw_status sw__object_fetch(sw_object *object, size_t relation, sw_error *err);
/* Replaces the metrics of a step: the old ones go, the new ones (NULL: none) come. */
sw_status sw__metrics_replace(sw_ledger *ledger, const sw_actor *actor, sw_str step_id,
                              const sw_step_metrics *metrics, sw_outcome *outcome, sw_error *err);

#endif
