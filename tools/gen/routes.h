/* SPDX-License-Identifier: Apache-2.0 */
/* The rows of model/routes.def as the generator sees them. */
#ifndef SW_GEN_ROUTES_H
#define SW_GEN_ROUTES_H

#include "gen.h"
#include "names.h"

/* ---- the words that rows may use: of src/http/http.h and the model only the names must agree ------------ */

enum {
#define SW_LIMIT(NAME, VALUE, UNIT, REASON) SW_LIMIT_##NAME = VALUE,
#include "model/limits.def"
#undef SW_LIMIT
};
enum {
#define SW_RECORD_BEGIN(RECORD, UPPER, TABLE, PREFIX, VISIBILITY, DOC) SW_RECORD_##UPPER,
#define SW_RECORD_END(RECORD, UPPER)
#define SW_FIELD(...)
#define SW_INDEX(...)
#define SW_RELATION(...)
#include "model/records.def"
#undef SW_RECORD_BEGIN
#undef SW_RECORD_END
#undef SW_FIELD
#undef SW_INDEX
#undef SW_RELATION
};
enum {
    SW_OP_EQ,
    SW_OP_IN,
    SW_OP_GT,
    SW_OP_GE,
    SW_OP_LT,
    SW_OP_LE,
    SW_OP_NULL,
    SW_OP_NOT_NULL,
    SW_OP_TAG_ANY,
    SW_OP_TAG_ALL
};
enum { SW_BODY_NONE, SW_BODY_OPTIONAL, SW_BODY_JSON, SW_BODY_BYTES, SW_BODY_PARTS, SW_BODY_OTLP };
enum {
    SW_ROUTE_INLINE = 1 << 0,
    SW_ROUTE_ADMIN = 1 << 1,
    SW_ROUTE_DEPRECATED = 1 << 2,
    SW_ROUTE_HIDDEN = 1 << 3,
    SW_ROUTE_STREAM = 1 << 4,
    SW_ROUTE_TAGGED = 1 << 5,
    SW_ROUTE_KEYED = 1 << 6,
    SW_ROUTE_SESSION = 1 << 7
};
enum { sw_http_log_part, sw_http_import_part };

typedef struct api_param {
    const char *name; /* NULL ends the list */
    const char *kind;
    const char *doc;
    const char *fallback;
    long long min;
    long long max;
    int words;
    bool repeats;
    bool required;
    bool deprecated;
    bool is_filter;
    bool of_metrics;
    int op;
    int field;
} api_param;

typedef struct api_route {
    const char *method;
    const char *path;
    const char *need;
    const char *line;
    const char *doc;
    int params, params2, params3, params4;
    int lists;
    bool has_list;
    int body;
    int part;
    const char *body_shape;
    const char *answer_shape;
    bool many;
    bool or_null;
    int status;
    int flags;
    const char *content_type;
    const char *content_type2;
} api_route;

enum {
    SW_PARAMS_none,
#define SW_PARAMS_BEGIN(SET) SW_PARAMS_##SET,
#define SW_PARAM(...)
#define SW_PARAMS_END(SET)
#include "model/routes.def"
    API_SETS
};

/* Of each set its parameters, ended by one without name, and its name; the first is no set. */
extern const api_param *const gen_param_sets[API_SETS];
extern const char *const gen_param_set_names[API_SETS];
extern const api_route gen_routes[];
extern const size_t gen_route_count;

#endif
