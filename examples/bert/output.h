/* SPDX-License-Identifier: MIT */
/*
 * output.h - where answers go.
 *
 * Standard output, or a file.  A regular file is written under another name beside
 * it and renamed when all is well: there is never half a file, and on failure the
 * old one stays and no other.  Devices, pipes and /dev/fd are written to directly.
 * A reader that closed the pipe is not an error: what follows is dropped silently.
 */
#ifndef OUTPUT_H
#define OUTPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct output {
    int fd;
    char *path;      /* of the target; NULL: standard output */
    char *temporary; /* NULL: written to directly */
    char *buffer;
    size_t used;
    bool failed; /* a message was printed */
    bool closed; /* the reader has gone */
};

/* `path` NULL or "-": standard output.  False after a message. */
bool output_open(struct output *output, const char *path);
void output_write(struct output *output, const void *data, size_t size);
void output_text(struct output *output, const char *text);
void output_format(struct output *output, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* Bytes of a user's text on one line: control characters as \n, \x1b and so on. */
void output_printable(struct output *output, const char *data, size_t size);
/* Is more output of any use? */
bool output_wanted(const struct output *output);
void output_flush(struct output *output);
/* Overwrite bytes at the start; only if output_seekable(). */
bool output_seekable(const struct output *output);
void output_patch(struct output *output, const void *data, size_t size);
/* Finish: with keep the file gets its name, else it is removed.  False if what was
 * written did not arrive. */
bool output_close(struct output *output, bool keep);

#endif
