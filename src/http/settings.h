/* SPDX-License-Identifier: Apache-2.0 */
/* Settings from flags, the environment and one small file, in this order, by the rows of model/config.def.
 *
 * The file is `name = value`, a line each; a '#' begins a comment line. The same names as the flags.
 */
#ifndef SW_HTTP_SETTINGS_H
#define SW_HTTP_SETTINGS_H

#include "http/http.h"

typedef enum sw_setting_id {
#define SW_SETTING(KIND, NAME, ...) SW_SETTING_ID_##NAME,
#include "model/config.def"
#undef SW_SETTING
    SW_SETTING_ID_COUNT
} sw_setting_id;

/* Where flags come from: the text that was given for the setting, "" for a flag alone, NULL for none. */
typedef const char *sw_flag_given(void *arg, sw_setting_id id);

/* Reads all settings. `file`: the file's path, which then must exist; NULL: the usual one, if there is any
 * ($XDG_CONFIG_HOME/stepwell/stepwell.conf). Text lives in the arena or the environment. INVALID says
 * which setting, and where it was read. */
sw_status sw_settings_read(sw_settings *out, sw_flag_given *given, void *arg, const char *file,
                           sw_arena *arena, sw_error *err) SW_MUST_CHECK;

/* A setting as it is told to whoever runs the server. */
typedef struct sw_setting_shown {
    const char *name;
    const char *environment;
    const char *doc;
    const char *text; /* NULL: it stands in `number` */
    char number[24];
    bool is_fallback; /* nobody set it */
} sw_setting_shown;
/* False: it has no flag, because it is a secret or told elsewhere; it is not to be shown. */
bool sw_setting_show(const sw_settings *settings, sw_setting_id id, sw_setting_shown *out);

#endif
