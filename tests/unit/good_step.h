/* SPDX-License-Identifier: Apache-2.0 */
/* A step that has what it must have, for tests that spoil or change one thing at a time. */
#ifndef TEST_GOOD_STEP_H
#define TEST_GOOD_STEP_H

#include "model/model.h"

#define JOB_UUID "job-0194b2c4-1111-4222-8333-944444444444"
#define ORG_UUID "org-0194b2c4-1111-4222-8333-944444444444"
#define RUN_UUID "run-0194b2c4-1111-4222-8333-944444444444"
#define STEP_UUID "step-0194b2c4-1111-4222-8333-944444444444"

static inline sw_step good_step(void)
{
    sw_step step = {.id = SW_STR(STEP_UUID), .organization_id = SW_STR(ORG_UUID)};
    step.created_at = sw_int_of(0);
    step.updated_at = sw_int_of(0);
    sw_row_defaults(sw_record_of(SW_RECORD_STEP), &step);
    return step;
}

#endif
