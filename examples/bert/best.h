/* SPDX-License-Identifier: MIT */
/* best.h - the records with the best scores, for commands that print those alone. */
#ifndef BEST_H
#define BEST_H

#include "examples/bert/job.h"

struct hit;

struct best {
    size_t top; /* how many are kept; 0: all */
    struct hit *hits;
    size_t count, capacity;
};

/* A record with its score; its text is copied where it is kept. */
void best_offer(struct best *best, const struct record *record, float score);
/* All that were kept, a line each, best first; of equal scores the earlier record. */
void best_put(struct best *best, struct job *job);
void best_free(struct best *best);

#endif
