/* SPDX-License-Identifier: Apache-2.0 */
/* What the readers of transcripts share: one reading, its lines, its parts. */
#ifndef SW_CODEC_TRANSCRIPT_INSIDE_H
#define SW_CODEC_TRANSCRIPT_INSIDE_H

#include "codec/transcript.h"
#include "codec/transcript_scan.h"

typedef struct transcript_reading {
    sw_arena *arena;
    const transcript_sink *sink;
    transcript_end *end;
    uint32_t line; /* the number of the current one */
    transcript_part *parts;
    size_t part_count;
    size_t part_room;
} transcript_reading;

/* Reads one line; false: it is damaged. */
typedef bool transcript_line(void *arg, transcript_reading *r, sw_str line);

/* All lines, each counted; the last one, when it does not end and is not whole, is left for later. */
sw_status transcript_lines(transcript_reading *r, sw_str bytes, transcript_line *each, void *arg,
                           sw_error *err);
/* Counts the current line as damaged. */
void transcript_tell_bad(transcript_reading *r);
/* Room for one more part of the current event, zeroed; NULL: no memory. */
transcript_part *transcript_add_part(transcript_reading *r);
/* What was said, a text or a list of blocks, each a part. */
void transcript_add_texts(transcript_reading *r, sw_str content);
/* The parts so far, which are the event's from now on. */
void transcript_take_parts(transcript_reading *r, transcript_event *event);
void transcript_say(transcript_reading *r, transcript_event *event);
/* The same of what a tool returned, which stands there as a whole. */
void transcript_say_return(transcript_reading *r, transcript_event *event, sw_str raw);
/* Calls of tools and what they returned, put in the words of those who read content, where the source's own are known
 * to nobody else. All as it is written: id, name and content are texts, input is anything. */
void transcript_add_tool(transcript_reading *r, sw_str id, sw_str name, sw_str input);
void transcript_say_result(transcript_reading *r, transcript_event *event, sw_str id,
                           sw_str content, bool failed);

#endif
