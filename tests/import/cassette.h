/* SPDX-License-Identifier: Apache-2.0 */
/* Recordings of exchanges as test suites of others keep them (VCR, in YAML), and bare answers, read into the form that
 * the tests write HAR and pairs from. */
#ifndef TESTS_IMPORT_CASSETTE_H
#define TESTS_IMPORT_CASSETTE_H

#include <jansson.h>

/* A list of {method, url, request, response, status}; `response` is a text, or {"base64": text} when it is none.
 * NULL: the file is not there, or is none. An exchange without an answer in HTTP is a null. */
json_t *cassette_read(const char *path);

#endif
