/* SPDX-License-Identifier: MIT */
/* lines.h - all lines of a file, in memory. */
#ifndef LINES_H
#define LINES_H

#include <bert.h>

struct lines {
    bert_text *list; /* owned, and their data */
    size_t n, capacity;
};

/* `path` NULL: standard input; empty lines are left out if `dense`.  0, or an exit code after a
 * message: a file without lines is one.  lines_free() follows in any case. */
int lines_read(struct lines *lines, const char *path, int dense);
void lines_free(struct lines *lines);

#endif
