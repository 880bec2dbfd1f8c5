/* SPDX-License-Identifier: MIT */
/* spill.h - an unnamed temporary file, so that memory doesn't grow with the input. */
#ifndef SPILL_H
#define SPILL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

struct spill {
    FILE *file;
};

/* In $TMPDIR, else /tmp.  Each is false after a message. */
bool spill_open(struct spill *spill);
bool spill_write(struct spill *spill, const void *data, size_t size);
/* Read from the start on. */
bool spill_rewind(struct spill *spill);
bool spill_read(struct spill *spill, void *data, size_t size);
void spill_close(struct spill *spill);

#endif
