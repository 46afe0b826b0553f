/* SPDX-License-Identifier: Apache-2.0 */
/* Where an invocation reads and writes: the rows of model/profile.def with the values that count. */
#ifndef SW_CLI_WHERE_H
#define SW_CLI_WHERE_H

#include "cli/cli.h"

typedef enum sw_profile_row {
#define SW_PROFILE(NAME, TEXT, OPTION, ENV, DOC) SW_PROFILE_##NAME,
#include "model/profile.def"
#undef SW_PROFILE
    SW_PROFILE_COUNT
} sw_profile_row;

typedef struct sw_profile {
    const char *name;
    const char *values[SW_PROFILE_COUNT]; /* NULL: not said; text lives in the invocation's arena */
} sw_profile;

enum { SW_PROFILES_MOST = 64 };
typedef struct sw_profiles {
    sw_profile rows[SW_PROFILES_MOST];
    size_t count;
} sw_profiles;

/* The file of profiles, and what it says; none is no failure. */
sw_str sw_profiles_path(sw_cli *cli);
sw_status sw_profiles_read(sw_cli *cli, sw_profiles *out);
/* What holds for this invocation: a server, a store, or neither, which is the default store. */
sw_status sw_where_find(sw_cli *cli, sw_profile *out);
const char *sw_where_environment(size_t row);
const char *sw_where_name(size_t row);

#endif
