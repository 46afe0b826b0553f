/* SPDX-License-Identifier: Apache-2.0 */
/* What coding agents write down of their sessions, read into one stream of events whatever the format: what was asked,
 * parts of model calls, what tools returned, how it ended. Pure: bytes in, events out; what they mean together is the
 * business of the ingest room.
 *
 * The idea of the fast readers: a transcript is mostly text that nobody asks for here (file contents, told twice), so a
 * line is walked by its strings and brackets alone (transcript_scan.h), the values that matter are kept as slices of
 * the input, and text is unescaped only where it is used. What is not looked at is checked no further than that its
 * strings end and its brackets close.
 */
#ifndef SW_CODEC_TRANSCRIPT_H
#define SW_CODEC_TRANSCRIPT_H

#include "codec/import_format.h"

typedef enum transcript_kind {
    TRANSCRIPT_PROMPT, /* a person asked something: a run begins */
    TRANSCRIPT_SAID,   /* other input: injected, commands, an agent told what to do */
    TRANSCRIPT_CALL,   /* a model call, or a part of one */
    TRANSCRIPT_RETURN, /* what one tool returned */
    TRANSCRIPT_STOP,   /* the run was interrupted */
    TRANSCRIPT_END     /* the run is over */
} transcript_kind;

typedef enum transcript_part_kind {
    TRANSCRIPT_PART_OTHER,
    TRANSCRIPT_PART_TEXT,
    TRANSCRIPT_PART_THINKING,
    TRANSCRIPT_PART_TOOL,  /* a tool is called */
    TRANSCRIPT_PART_RETURN /* what a tool returned */
} transcript_part_kind;

/* One block of a content. `raw`: as it stands in the input, JSON. */
typedef struct transcript_part {
    transcript_part_kind kind;
    sw_str id; /* of the tool's call, or null */
    sw_str name;
    sw_str raw;
    bool failed;
} transcript_part;

/* Counts as they were written down; null: not there. */
typedef struct transcript_usage {
    sw_int input, output, total;
    sw_int cache_read, cache_write, cache_write_5m, cache_write_1h;
    sw_int reasoning, tool_use;
    sw_str service_tier;
    sw_str speed;
    sw_str iterations; /* JSON, kept and never added */
} transcript_usage;

/* Text is of the input or of the reader's arena; null where nothing was said. */
typedef struct transcript_event {
    transcript_kind kind;
    uint32_t line; /* from 1 */
    sw_int at_us;
    sw_str session;
    sw_str id; /* its own */
    sw_str parent;
    sw_str turn;       /* what the source calls the run */
    sw_str agent;      /* of which sub-agent; null: of the main one */
    sw_str agent_type; /* what kind of sub-agent that is */
    sw_str made_agent; /* RETURN: the sub-agent that the tool was */
    bool side;         /* not of the main conversation */
    sw_str origin; /* the session whose history this one begins with, or that began it; or null */
    bool spawned;  /* by the origin, as a sub-agent */
    sw_str cwd, branch, version;
    /* PROMPT, SAID: what was said, as JSON; CALL: its parts; RETURN: the one part */
    sw_str content;
    const transcript_part *parts;
    size_t part_count;
    /* CALL */
    const char *call_kind; /* of its id, where the format knows several; or NULL */
    sw_str key;            /* the call's own name, by which its parts and copies find each other */
    sw_str key2;           /* the second part of the name, e.g. the request's id */
    sw_str model;
    sw_str provider;
    sw_str stop; /* the word of the source */
    sw_int context_window;
    bool has_usage;
    transcript_usage usage;
    sw_int cost_nano_usd;
    bool uncounted; /* CALL: it is one, though no tokens are told */
    bool rewound;   /* CALL: taken back later; tells nothing else */
    bool failed;    /* CALL, RETURN */
    sw_str error_type;
    sw_str error;
    sw_int start_us; /* where the source says so */
    sw_int end_us;
    sw_str raw; /* the line */
} transcript_event;

/* What a reader was told of a file. */
typedef struct transcript_end {
    int64_t lines;
    int64_t bad;
    size_t read; /* bytes up to the end of the last whole line */
    bool torn;   /* the last line does not end, and is not whole */
} transcript_end;

/* The event lives until the reader's arena does, as far as its text goes. */
typedef struct transcript_sink {
    void *arg;
    void (*event)(void *arg, const transcript_event *event);
    /* A line that was skipped, and why. */
    void (*bad)(void *arg, int64_t line, const char *why);
} transcript_sink;

/* One reader a format; NO_MEMORY is all that can go wrong. */
typedef sw_status transcript_reader(sw_str bytes, sw_arena *arena, const transcript_sink *sink,
                                    transcript_end *end, sw_error *err);
transcript_reader transcript_read_claude_code;
transcript_reader transcript_read_codex;
transcript_reader transcript_read_gemini;
transcript_reader transcript_read_pi;
transcript_reader transcript_read_letta;
transcript_reader transcript_read_opencode;

/* The reader of a format, or NULL: the format is no transcript. */
transcript_reader *transcript_reader_of(import_format format);

#endif
