/* SPDX-License-Identifier: Apache-2.0 */
/* The rows of model/shapes.def as tables. Knows no shape by name. */
#include "http/http.h"

#define SW_SHAPE_BEGIN(NAME, ...) static const sw_member members_##NAME[] = {
#define SW_MEMBER(NAME, SCHEMA, ...) {.name = NAME, .schema = SCHEMA, .doc = __VA_ARGS__},
#define SW_SHAPE_END(NAME)                                                                         \
    {                                                                                              \
        .name = NULL                                                                               \
    }                                                                                              \
    }                                                                                              \
    ;
#include "model/shapes.def"

/* The last member of each table is none: a shape may have no member that is known. */
const sw_shape sw__shapes[] = {
#define SW_SHAPE_BEGIN(NAME, ...)                                                                  \
    {.name = #NAME,                                                                                \
     .members = members_##NAME,                                                                    \
     .count = SW_COUNT(members_##NAME) - 1,                                                        \
     .doc = __VA_ARGS__},
#define SW_SHAPE_IS(NAME, DOC, SCHEMA) {.name = #NAME, .doc = DOC, .schema = SCHEMA},
#include "model/shapes.def"
};
const size_t sw__shape_count = SW_COUNT(sw__shapes);
