/* SPDX-License-Identifier: MIT */
/*
 * trace.h - what a load read and made, for writing it into a packed model: the names of the
 * files, the weights, kept open, and the matrices under names that tell what they are made of.
 */
#ifndef BERT_LIB_BASE_TRACE_H
#define BERT_LIB_BASE_TRACE_H

#include <stdbool.h>

#include "lib/base/arena.h"

struct bert__weights;
struct bert__matrix;

struct bert__traced {
    struct bert__traced *next;
    const char *name;
    void *item; /* of files NULL */
};

struct bert__trace {
    struct bert__arena arena;
    struct bert__traced *files, *weights, *matrices;
    size_t n_files, n_weights, n_matrices;
};

void bert__trace_init(struct bert__trace *trace, struct bert__alloc *alloc);
/* The items are whoever's they were. */
void bert__trace_free(struct bert__trace *trace);

/* Each name once: what is recorded again under it is the same, and left out.  False if out of
 * memory. */
bool bert__trace_file(struct bert__trace *trace, const char *name);
bool bert__trace_weights(struct bert__trace *trace, const char *name,
                         struct bert__weights *weights);
bool bert__trace_matrix(struct bert__trace *trace, const char *name, struct bert__matrix *matrix);

#endif
