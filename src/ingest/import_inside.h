/* SPDX-License-Identifier: Apache-2.0 */
/* Between the files of the import: what is read into memory at a time, and what is made of it.
 *
 * A window is as many units as fit in memory. Readers (one a format family: import_read_transcript ...) add runs and
 * steps to it; import_decide asks the ledger what is there already and import_flush writes the rest.
 */
#ifndef SW_INGEST_IMPORT_INSIDE_H
#define SW_INGEST_IMPORT_INSIDE_H

#include "codec/transcript.h"
#include "ingest/import.h"

/* A rank ends with who tells (owner) and how much he knew. */
enum { IMPORT_OWNER = 16, IMPORT_OWNER_AT = 18, IMPORT_RANK = 38 };

/* A file on its way. */
typedef struct import_file {
    const char *path;
    import_format format;
    char key[IMPORT_DIGEST];  /* of the path */
    char unit[IMPORT_DIGEST]; /* what is read together */
    char head[IMPORT_DIGEST]; /* of its first 4 KiB */
    int64_t device, inode, size, mtime_ns;
    sw_str bytes;   /* while its unit is read; unpacked; of a database the head */
    int64_t offset; /* read up to here */
    bool done;      /* read with another unit already */
    bool again;     /* it did not change: read because another one of its unit did */
    bool told;      /* that it cannot be read any more to be sent */
    bool sent;      /* by another machine: its bytes are in the file `spool` */
    int spool;
    int64_t at, len; /* there */
    transcript_end end;
} import_file;

/* A step that is to be. The greater rank wins, byte by byte. */
typedef struct import_made {
    sw_telemetry_step step;
    char call[IMPORT_DIGEST]; /* digest of what the source calls it */
    uint8_t rank[IMPORT_RANK];
    char content[IMPORT_DIGEST];
    size_t run;            /* of the window's runs, or SIZE_MAX */
    const char *name_kind; /* what telemetry of the same call calls it too (E.5); or NULL */
    sw_str name;
    /* set by import_decide */
    bool there; /* the ledger knows the call */
    bool write;
    bool note;         /* it says the same as the step, but better: only that is remembered */
    bool ours;         /* what the ledger has is our telling, or will be */
    sw_str instead_of; /* a step that gives way to this one */
    sw_str left;       /* the run in which the call was until now */
} import_made;

typedef struct import_run {
    sw_run row;
    size_t parent; /* of the window's runs, or SIZE_MAX */
    bool wanted;   /* set by import_decide: has a step */
} import_run;

typedef struct import_list {
    void *items;
    size_t count;
    size_t room;
} import_list;

/* Where things of a list are, by what they are called: open addressing, at most half full. */
typedef struct import_slot {
    uint64_t hash;
    size_t place; /* of the list, from 1; 0: none */
} import_slot;
typedef struct import_index {
    import_slot *slots;
    size_t size;
    size_t count;
} import_index;

typedef struct import_work {
    sw_ledger *ledger;
    const sw_actor *actor;
    const import_options *options;
    const sw_allocator *allocator;
    sw_str organization_id;
    sw_str project_id; /* null: none */
    int64_t now_us;
    import_result *result;
    sw_arena arena;         /* of the window */
    import_list made;       /* import_made */
    import_list runs;       /* import_run */
    import_index run_index; /* of those that are found by their id */
    import_list agents;     /* sw_str: names */
    import_list agent_ids;  /* sw_str: of each */
    import_list files;      /* sw_transcript_file: remembered with the window's last batch */
} import_work;

/* Room for one more, zeroed; NULL: no memory. */
void *import_add(sw_arena *arena, import_list *list, size_t size);

/* The slot of what `same` says is called so; where there is none, an empty one, to be filled before anything else is
 * asked for. NULL: no memory. */
typedef bool import_same(const void *arg, size_t place);
import_slot *import_find(import_index *index, sw_arena *arena, uint64_t hash, import_same *same,
                         const void *arg);
void import_put(import_index *index, import_slot *slot, size_t place);

/* What can be read together: files of one format and unit, in no particular order, their bytes in memory. Adds runs and
 * steps to the window; only trouble of the machine is an error. */
typedef sw_status import_reader(import_work *work, import_format format, import_file *files,
                                size_t count, sw_error *err);
#define SW_IMPORT_FORMAT(name, NAME, WORD, TITLE, READER, TOLD, STEP)                              \
    import_reader import_read_##READER;
#define SW_IMPORT_FOLDER(NAME, ENVIRONMENT, BELOW, HOME)
#include "model/import_formats.def"
#undef SW_IMPORT_FORMAT
#undef SW_IMPORT_FOLDER

/* A database (import_database.c): of those not sent only the first bytes are in memory. It is read in pieces that hang
 * together, each into a window. */
bool import_is_database(const import_file *file);
typedef struct import_database import_database;
/* Made for windows like this one; the file stays the caller's. NULL: only import_read_opencode can read it. */
sw_status import_database_open(const import_work *like, import_file *file, import_database **out,
                               sw_error *err) SW_MUST_CHECK;
sw_status import_database_next(import_database *db, import_work *work, bool *more,
                               sw_error *err) SW_MUST_CHECK;
void import_database_close(import_database **db);

/* The other session that a file of opencode's older kind names, in the arena; null: none. */
sw_str import_opencode_kin(const import_file *file, sw_arena *arena);

/* An id of the actor's (E.6), in the arena; null: no memory. */
sw_str import_id(import_work *work, const char *prefix, const char *kind, const sw_str *keys,
                 size_t count);
/* The name of an agent, to be registered; its id. */
sw_str import_agent(import_work *work, sw_str name);
/* The input of a step that was sent nothing new: a list without messages, which is known to be empty. */
extern const sw_message import_nothing;
/* error_data of a step; null as above. */
sw_str import_error(import_work *work, sw_str message, sw_int http_status);
/* Finishes a made step with its messages (counted already), its input being set or nothing: names them, cuts what is too
 * long, and computes the digest of its content. */
sw_status import_finish(import_work *work, import_made *made, sw_message *messages, sw_error *err);

/* What of a window is to be written. */
typedef struct import_decided {
    import_made **best; /* one a call; those that have `write` are to be written */
    size_t count;
    const sw_str
        *left; /* runs that may have lost their last step, each before the one it came from */
    size_t left_count;
} import_decided;
sw_status import_decide(import_work *work, import_decided *out, sw_error *err) SW_MUST_CHECK;
/* Writes the window and empties it. */
sw_status import_flush(import_work *work, sw_error *err) SW_MUST_CHECK;
void import_digest(const void *data, size_t len, char out[IMPORT_DIGEST]);
/* By what a file of another machine is remembered: nothing else has this name, on no machine. */
void import_key(sw_str machine, sw_str path, char out[IMPORT_DIGEST]);
/* Adds what was done, and forgets it. */
void import_add_result(import_result *to, import_result *from);

#endif
