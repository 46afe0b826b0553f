/* SPDX-License-Identifier: Apache-2.0 */
/* Messages that were made of noise must be what the ledger takes. */
#ifndef FUZZ_MESSAGES_H
#define FUZZ_MESSAGES_H

#include "model/model.h"

#define SAME_ID "00000000-0000-4000-8000-000000000000"

/* With what the ledger adds itself. */
static inline void check_messages(const sw_message *messages, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        sw_message row = messages[i];
        sw_error err = {.status = SW_STATUS_OK};
        row.id = SW_STR("message-" SAME_ID);
        row.organization_id = SW_STR("org-" SAME_ID);
        row.conversation_id =
            SW_NULL_STR; /* a key of the sender's, of which the ledger makes an id */
        row.sequence_id = sw_int_of(1);
        row.created_at = row.updated_at = sw_int_of(1);
        sw_row_defaults(&sw__records[SW_RECORD_MESSAGE], &row);
        sw_assert(sw_row_check(&sw__records[SW_RECORD_MESSAGE], &row, "", &err) == SW_STATUS_OK);
    }
}

#endif
