/* SPDX-License-Identifier: Apache-2.0 */
/* The table of a program that is built without the dashboard (-Dweb=disabled, or without Node.js and npm). */
#include "web/web.h"

const sw_web_file sw__web_files[] = {{.name = NULL}};
