/* SPDX-License-Identifier: MIT */
/* progress.h - one line on standard error that counts, for long work on a terminal. */
#ifndef PROGRESS_H
#define PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

#include "examples/bert/options.h"

struct progress {
    bool on, shown, forced;
    double start, last;
};

double seconds_now(void); /* monotonic */
void progress_start(struct progress *progress, const struct options *options);
void progress_show(struct progress *progress, uint64_t records);
void progress_end(struct progress *progress, uint64_t records);

#endif
