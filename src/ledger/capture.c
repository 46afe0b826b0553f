/* SPDX-License-Identifier: Apache-2.0 */
/* Whether what is said is kept: a project may want its steps without their content. Steps name projects in free
 * text; only one that is a project of the organization, and says so, is kept without.
 */
#include "ledger/internal.h"

sw_status sw__captures(sw_group *group, sw_str organization_id, sw_str project_id, bool *captures,
                       sw_error *err)
{
    sw_project project;
    bool found = false;
    sw_status status = SW_STATUS_OK;

    *captures = true;
    if (!project_id.ptr || project_id.len == 0 || project_id.len > SW_LIMIT_ID_BYTES) {
        return SW_STATUS_OK;
    }
    status = sw__first_of(group->session, SW_RECORD_PROJECT, SW_PROJECT_ID, project_id,
                          SW_MASK(SW_PROJECT_ORGANIZATION_ID) | SW_MASK(SW_PROJECT_CONTENT_CAPTURE),
                          &group->arena, &project, &found, err);
    *captures = !sw_str_eq(project.organization_id, organization_id) ||
                !project.content_capture.known || project.content_capture.value;
    return sw_group_must(group, status, err);
}

sw_status sw__capture(sw_group *group, sw_step *row, sw_error *err)
{
    bool captures = true;
    sw_status status = SW_STATUS_OK;

    if (!row->input_preview.ptr && !row->output_preview.ptr) {
        return SW_STATUS_OK;
    }
    status = sw__captures(group, row->organization_id, row->project_id, &captures, err);
    if (!captures) {
        row->input_preview = row->output_preview = SW_NULL_STR;
    }
    return status;
}
