#include "ledger/talk.h"
sw_status sw__talk_prepare(const sw_ledger *ledger, const sw_actor *actor, sw_telemetry *t,
                           sw_error *err)
{
    (void)ledger;
    (void)actor;
    (void)t;
    (void)err;
    return SW_STATUS_OK;
}
sw_status sw__talk_resolve(sw_group *group, const sw_task *task, sw_telemetry *t, sw_error *err)
{
    (void)group;
    (void)task;
    (void)t;
    (void)err;
    return SW_STATUS_OK;
}
sw_status sw__talk_write(sw_group *group, const sw_task *task, sw_telemetry *t, sw_error *err)
{
    (void)group;
    (void)task;
    (void)t;
    (void)err;
    return SW_STATUS_OK;
}
sw_status sw__talk_fold(sw_group *group, const sw_task *task, const sw_step *old,
                        const sw_step *survivor, sw_error *err)
{
    (void)group;
    (void)task;
    (void)old;
    (void)survivor;
    (void)err;
    return SW_STATUS_OK;
}
