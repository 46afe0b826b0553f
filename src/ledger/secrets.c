/* SPDX-License-Identifier: Apache-2.0 */
/* Which fields of records are secrets: given in one field, kept sealed in another, never shown. How a text
 * is sealed is seal.c.
 */
#include "ledger/secrets.h"

/* Where a caller gives a secret, and where it is kept sealed. */
static const struct {
    sw_record_id record;
    uint8_t plain;
    uint8_t sealed;
} secrets[] = {{SW_RECORD_PROVIDER, SW_PROVIDER_API_KEY, SW_PROVIDER_API_KEY_ENC},
               {SW_RECORD_PROVIDER, SW_PROVIDER_ACCESS_KEY, SW_PROVIDER_ACCESS_KEY_ENC},
               {SW_RECORD_SUBSCRIPTION, SW_SUBSCRIPTION_SECRET, SW_SUBSCRIPTION_SECRET_ENC}};

static sw_status seal_one(sw_group *group, sw_str *plain, sw_str *sealed, const char *field,
                          sw_error *err)
{
    sw_status status = SW_STATUS_OK;

    if (!plain->ptr) {
        return SW_STATUS_OK;
    }
    status = sw__seal(group->ledger, *plain, &group->arena, sealed, err);
    if (status == SW_STATUS_UNSUPPORTED) {
        return sw_fail(err, SW_STATUS_UNSUPPORTED, field,
                       "secrets need a key: set STEPWELL_SECRET_KEY to 64 hexadecimal digits, or "
                       "STEPWELL_SECRET_KEY_FILE to a file that holds them");
    }
    *plain = SW_NULL_STR;
    return status;
}

sw_status sw__secrets_seal(sw_group *group, sw_record_id record, void *row, bool sealed,
                           sw_error *err)
{
    const sw_field *fields = sw_record_of(record)->fields;
    sw_status status = SW_STATUS_OK;

    for (size_t i = 0; i < SW_COUNT(secrets) && status == SW_STATUS_OK; i++) {
        if (secrets[i].record != record) {
            continue;
        }
        if (!sw_field_is_null(&fields[secrets[i].sealed], row)) {
            if (sealed) {
                continue;
            }
            return sw_fail(err, SW_STATUS_INVALID, fields[secrets[i].sealed].name,
                           "is set by the ledger alone; give the secret as %s",
                           fields[secrets[i].plain].name);
        }
        status = seal_one(group, sw_field_str(&fields[secrets[i].plain], row),
                          sw_field_str(&fields[secrets[i].sealed], row),
                          fields[secrets[i].plain].name, err);
    }
    return status;
}

sw_status sw__secrets_mark(sw_group *group, sw_record_id record, const void *sent, void *row,
                           sw_error *err)
{
    const sw_field *fields = sw_record_of(record)->fields;
    sw_status status = SW_STATUS_OK;

    for (size_t i = 0; i < SW_COUNT(secrets) && status == SW_STATUS_OK; i++) {
        const sw_field *plain = &fields[secrets[i].plain];
        if (secrets[i].record == record && !sw_field_is_null(plain, sent)) {
            status = sw__secret_mark(group->ledger, sw_field_text(plain, sent), &group->arena,
                                     sw_field_str(plain, row), err);
        }
    }
    return status;
}

void sw__secrets_take(sw_record_id record, uint64_t mask, const void *values, void *row)
{
    const sw_field *fields = sw_record_of(record)->fields;

    for (size_t i = 0; i < SW_COUNT(secrets); i++) {
        if (secrets[i].record == record && (mask & SW_MASK(secrets[i].plain))) {
            sw_field_copy(&fields[secrets[i].sealed], row, values);
        }
    }
}
