/* SPDX-License-Identifier: MIT */
/*
 * input.h - where records come from: TEXT arguments, a file, or standard input.
 *
 * A line ends with \n or \r\n, may hold any other byte and be of any length; the
 * last one needs no end.  Of a file, no more than the longest line is in memory.
 */
#ifndef INPUT_H
#define INPUT_H

#include <stdbool.h>
#include <stddef.h>

#include <bert.h>

struct input {
    char *const *texts; /* arguments; NULL: read from fd */
    size_t n_texts, next_text;
    int fd;
    const char *path;
    char *buffer;
    size_t capacity, start, end;
    size_t scanned; /* bytes from start known to hold no newline */
    size_t limit;   /* of input_try(): bytes of a line; 0: none */
    bool skips;     /* the rest of a longer one */
    bool at_end;
    bool failed; /* reading failed; a message was printed */
};

/* `path` NULL or "-": standard input.  False after a message. */
bool input_open(struct input *input, char *const *texts, size_t n_texts, const char *path);
void input_close(struct input *input);
/* Next line, valid until the next call.  False at the end, on failure, or when a signal came. */
bool input_next(struct input *input, bert_text *line);
/* The same without waiting, for lines that come from a descriptor: INPUT_MORE, some of a line came,
 * try again; INPUT_WAIT, nothing is there to read; INPUT_LONG, once for a line that is longer than
 * the limit, of which no more is kept. */
enum input_state { INPUT_LINE, INPUT_MORE, INPUT_WAIT, INPUT_LONG, INPUT_END };
enum input_state input_try(struct input *input, bert_text *line);
/* Would input_next() answer without waiting for a slow writer? */
bool input_ready(struct input *input);

#endif
