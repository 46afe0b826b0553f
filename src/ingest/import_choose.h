/* SPDX-License-Identifier: Apache-2.0 */
/* An import under way, between the files that carry it on: import_choose.c says which files are to be read, import.c
 * reads and writes them, import_away.c sends them to a server instead.
 */
#ifndef SW_INGEST_IMPORT_CHOOSE_H
#define SW_INGEST_IMPORT_CHOOSE_H

#include "ingest/import_file.h"
#include "ingest/import_pipe.h"

typedef struct importing {
    import_pipe pipe;
    import_work *work;   /* the window that is being filled; NULL: none */
    size_t window_steps; /* of this window */
    size_t most_steps;   /* of any */
    sw_ledger *ledger;
    const sw_actor *actor;
    sw_str project_id;
    import_found found;
    bool sent;            /* by another machine, which has chosen already */
    size_t unpacked_left; /* so much more may what was sent unpack to */
    import_result *result;
    const import_options *options;
    sw_memory *memory;
    sw_arena heads;
    size_t *chosen; /* places of the files that are to be read, by format and unit */
    size_t chosen_count;
} importing;

/* Fills `chosen`, and tells what is left out. */
sw_status import_choose(importing *im, sw_error *err) SW_MUST_CHECK;
/* Whether a file that was imported before is still one of this unit: another one may have taken its place.
 * Notes how large it is now. */
bool import_is_still(importing *im, import_file *file, import_format format);

/* What it holds, as far as is known: of what was sent what came, whatever its sender says of it. */
int64_t import_file_bytes(const import_file *file);
import_file *import_file_at(const importing *im, size_t i);
import_file *import_chosen_at(const importing *im, size_t i);
/* How many of the chosen ones are of one unit with the first. */
size_t import_unit_count(const importing *im, size_t first);
/* The unit that a head names so, and where those of it begin that are to be read, if there are any. */
size_t import_unit_of(const importing *im, import_format format, sw_str name,
                      char out[IMPORT_DIGEST]);
void import_tell(importing *im, const char *path, const char *why);
void import_show(const importing *im);
bool import_stops(const importing *im);
/* Whether the ledger keeps what files were like. */
bool import_remembers(const importing *im);

/* The chosen files go away (import_away.c). */
sw_status import_send_chosen(importing *im, sw_error *err) SW_MUST_CHECK;

#endif
