/* SPDX-License-Identifier: MIT */
/* parts.h - bert embed --chunks, --spans: a vector for each part of a text. */
#ifndef PARTS_H
#define PARTS_H

#include "examples/bert/vectors.h"

/* Are parts asked for? */
bool parts_wanted(const struct options *options);
/* Options against one another: 0, or an exit code after a message. */
int parts_check(const struct options *options);
/* A job_batch_fn whose context is a struct vectors. */
void parts_batch(struct job *job, struct batch *batch, void *vectors);

#endif
