/* SPDX-License-Identifier: Apache-2.0 */
/* Of an upload, for the import: its files, each with the bytes' place in the spool. */
#ifndef SW_INGEST_IMPORT_SPOOL_H
#define SW_INGEST_IMPORT_SPOOL_H

#include "ingest/import_inside.h"

const import_list *import_spool_files(const import_spool *spool);

#endif
