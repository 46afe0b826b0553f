/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the model room share and no other room needs. */
#ifndef SW_MODEL_PRIVATE_H
#define SW_MODEL_PRIVATE_H

#include "model/model.h"

/* The order of two texts of that field: null first, ids by key, anything else by bytes. */
int sw__text_cmp(const sw_field *field, sw_str a, sw_str b);

/* Whether `tags` is a JSON array of at most SW_LIMIT_TAGS strings of at most SW_LIMIT_TAG_BYTES
 * bytes each; a sentence without its subject when it is not ("holds more than ..."), else NULL. The
 * text must be valid JSON.
 */
const char *sw__tags_check(sw_str tags);

#endif
