/* SPDX-License-Identifier: Apache-2.0 */
/* Of an upload, between import_upload.c, which makes its bytes, and import_away.c, which says what is in it.
 */
#ifndef SW_INGEST_IMPORT_UPLOAD_H
#define SW_INGEST_IMPORT_UPLOAD_H

#include <zstd.h>

#include "ingest/import_choose.h"

struct import_upload {
    importing *im;
    sw_arena arena;    /* of the files' names, and what is needed for one of them */
    import_list files; /* import_file */
    import_list units; /* size_t: of each its first file */
    int64_t bytes;     /* that they hold, as far as is known before they are read */
    size_t next;       /* file to be read */
    int64_t done;      /* bytes that were given, and count as done meanwhile */
    char *content;     /* of the file that is given now */
    size_t content_len;
    bool given; /* and it was */
    sw_buf line;
    ZSTD_CStream *packer;
    ZSTD_inBuffer in;
    bool last;  /* there is nothing more to pack */
    bool ended; /* and all was given */
};

/* False: no memory. */
bool import_upload_begin(import_upload *upload, importing *im);
void import_upload_end(import_upload *upload);

#endif
