/* SPDX-License-Identifier: Apache-2.0 */
/* Reads model/routes.def into the generator's tables. */
#include "routes.h"

#include <stdint.h>

#define SW_PARAMS_BEGIN(SET) static const api_param params_##SET[] = {
#define SW_PARAM(NAME, KIND, ...) {.name = NAME, .kind = #KIND, .doc = __VA_ARGS__},
#define SW_PARAMS_END(SET)                                                                         \
    {                                                                                              \
        .name = NULL                                                                               \
    }                                                                                              \
    }                                                                                              \
    ;
#include "model/routes.def"

const api_param *const gen_param_sets[API_SETS] = {
    NULL,
#define SW_PARAMS_BEGIN(SET) params_##SET,
#define SW_PARAM(...)
#define SW_PARAMS_END(SET)
#include "model/routes.def"
};

const char *const gen_param_set_names[API_SETS] = {
    "none",
#define SW_PARAMS_BEGIN(SET) #SET,
#define SW_PARAM(...)
#define SW_PARAMS_END(SET)
#include "model/routes.def"
};

const api_route gen_routes[] = {
#define SW_ROUTE(NAME, METHOD, PATH, NEED, HANDLER, ...)                                           \
    {.method = #METHOD, .path = PATH, .need = #NEED, .line = __VA_ARGS__},
#include "model/routes.def"
};
const size_t gen_route_count = sizeof gen_routes / sizeof gen_routes[0];
